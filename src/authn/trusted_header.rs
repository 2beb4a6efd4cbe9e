//! [`TrustedHeader`]: the name that a proxy of ours has proved by a Kerberos ticket, out of the headers of a request.
//!
//! Anybody can write a header. It counts from a configured address, beside the secret that the proxy adds, and when
//! there is exactly one of exactly that name: proxies and servers differ in what they make of a second copy or of
//! `X_Remote_User`, and one of the two would be the client's. `X-Forwarded-For` is not looked at.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::secret::{Secret, constant_time_eq};

/// Which proxies are believed, and how they say what.
#[derive(Debug, Clone)]
pub struct TrustedHeader {
    /// The header that names the person, in lower case.
    pub header: String,
    /// Where the proxies connect from; never empty.
    pub proxies: Vec<IpNet>,
    /// The header that holds the secret, in lower case.
    pub secret_header: String,
    /// What the proxies know and nobody else.
    pub secret: Secret<String>,
}

/// What the headers of a request say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presented<'a> {
    /// No name: the proxy has seen no ticket, or there was no proxy.
    Nothing,
    /// A name that is not believed.
    Distrusted(Distrust),
    /// What the proxy has proved, in octets.
    Name(&'a [u8]),
}

/// Why a name is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Distrust {
    /// The connection is another's.
    #[error("the connection does not come from integrated.proxies")]
    Address,
    /// The secret is missing.
    #[error("the header of integrated.secret_header is missing")]
    NoSecret,
    /// The secret is wrong.
    #[error("the header of integrated.secret_header does not hold the secret")]
    WrongSecret,
}

/// Headers by which somebody else may be meant than the proxy meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeaderFault {
    /// There are several.
    #[error("the header {0} is there more than once; the proxy must drop what clients send")]
    Copies(String),
    /// There is one whose name differs in dashes.
    #[error("the header {sent} can be taken for {meant}; the proxy must drop what clients send")]
    Alike {
        /// As it was sent.
        sent: String,
        /// As it is configured.
        meant: String,
    },
}

impl TrustedHeader {
    /// Whether a connection from this address is a proxy's.
    pub fn is_proxy(&self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        self.proxies.iter().any(|network| network.contains(&peer))
    }

    /// Reads the headers (names in lower case) of a request over a connection from `peer`.
    pub fn read<'a>(
        &self,
        peer: IpAddr,
        headers: &[(&'a str, &'a [u8])],
    ) -> Result<Presented<'a>, HeaderFault> {
        let distrusted = |why| {
            let claims = headers.iter().any(|(name, _)| is_alike(name, &self.header));
            Ok(if claims { Presented::Distrusted(why) } else { Presented::Nothing })
        };
        if !self.is_proxy(peer) {
            return distrusted(Distrust::Address);
        }
        match only(&self.secret_header, headers)? {
            None => return distrusted(Distrust::NoSecret),
            Some(sent) if !constant_time_eq(sent, self.secret.expose().as_bytes()) => {
                return distrusted(Distrust::WrongSecret);
            }
            Some(_) => {}
        }
        Ok(match only(&self.header, headers)? {
            // What apache writes for a variable that is not set.
            None | Some(b"" | b"(null)") => Presented::Nothing,
            Some(name) => Presented::Name(name),
        })
    }
}

/// The value of the only header of this name.
fn only<'a>(wanted: &str, headers: &[(&'a str, &'a [u8])]) -> Result<Option<&'a [u8]>, HeaderFault> {
    let mut found = None;
    for (name, value) in headers.iter().filter(|(name, _)| is_alike(name, wanted)) {
        if !name.eq_ignore_ascii_case(wanted) {
            return Err(HeaderFault::Alike { sent: (*name).to_owned(), meant: wanted.to_owned() });
        }
        if found.replace(*value).is_some() {
            return Err(HeaderFault::Copies(wanted.to_owned()));
        }
    }
    Ok(found)
}

/// Whether a program on the way may take the one for the other, as CGI does (RFC 3875 4.1.18).
fn is_alike(name: &str, wanted: &str) -> bool {
    let plain = |byte: u8| if byte == b'_' || byte == b'.' { b'-' } else { byte.to_ascii_lowercase() };
    name.bytes().map(plain).eq(wanted.bytes().map(plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROXY: &str = "10.0.0.1";
    const SECRET: (&str, &str) = ("x-sekisho-proxy-secret", "s3cret");
    const ALICE: (&str, &str) = ("x-remote-user", "alice@EXAMPLE.TEST");

    fn read<'a>(peer: &str, headers: &'a [(&'a str, &'a str)]) -> Result<Presented<'a>, HeaderFault> {
        let trusted = TrustedHeader {
            header: "x-remote-user".to_owned(),
            proxies: vec!["10.0.0.1/32".parse().unwrap(), "fd00::/8".parse().unwrap()],
            secret_header: SECRET.0.to_owned(),
            secret: Secret::new(SECRET.1.to_owned()),
        };
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_bytes())).collect();
        trusted.read(peer.parse().unwrap(), &headers)
    }

    #[test]
    fn a_proxy_with_the_secret_is_believed() {
        for peer in [PROXY, "::ffff:10.0.0.1", "fd00::7"] {
            let said = read(peer, &[("host", "idp"), ALICE, SECRET]);
            assert_eq!(said, Ok(Presented::Name(b"alice@EXAMPLE.TEST")), "{peer}");
        }
        for nothing in
            [&[SECRET][..], &[SECRET, ("x-remote-user", "")], &[SECRET, ("x-remote-user", "(null)")]]
        {
            assert_eq!(read(PROXY, nothing), Ok(Presented::Nothing), "{nothing:?}");
        }
    }

    #[test]
    fn nobody_else_is() {
        let forwarded = ("x-forwarded-for", PROXY);
        assert_eq!(
            read("10.0.0.2", &[ALICE, SECRET, forwarded]),
            Ok(Presented::Distrusted(Distrust::Address))
        );
        assert_eq!(read(PROXY, &[ALICE]), Ok(Presented::Distrusted(Distrust::NoSecret)));
        for wrong in ["", "s3cre", "S3CRET", "s3cret "] {
            let headers = [ALICE, (SECRET.0, wrong)];
            let distrusted = Ok(Presented::Distrusted(Distrust::WrongSecret));
            assert_eq!(read(PROXY, &headers), distrusted, "{wrong:?}");
        }
        for (peer, headers) in [("10.0.0.2", &[SECRET][..]), (PROXY, &[]), (PROXY, &[(SECRET.0, "wrong")])] {
            assert_eq!(read(peer, headers), Ok(Presented::Nothing), "{peer} {headers:?}");
        }
    }

    #[test]
    fn what_could_be_a_clients_own_copy_refuses() {
        let copies = HeaderFault::Copies("x-remote-user".to_owned());
        assert_eq!(read(PROXY, &[ALICE, SECRET, ALICE]), Err(copies.clone()));
        assert_eq!(read(PROXY, &[ALICE, SECRET, ("X-Remote-User", "bob")]), Err(copies));
        for sent in ["x_remote_user", "x-remote_user", "X_Remote-User", "x.remote.user"] {
            let fault = HeaderFault::Alike { sent: sent.to_owned(), meant: "x-remote-user".to_owned() };
            assert_eq!(read(PROXY, &[SECRET, (sent, "bob")]), Err(fault.clone()), "alone");
            assert_eq!(read(PROXY, &[ALICE, SECRET, (sent, "bob")]), Err(fault), "beside it");
        }
        let twice = [ALICE, SECRET, (SECRET.0, "guess")];
        assert_eq!(read(PROXY, &twice), Err(HeaderFault::Copies(SECRET.0.to_owned())));
        let alike = [ALICE, SECRET, ("x_sekisho_proxy_secret", "guess")];
        let alike = read(PROXY, &alike);
        assert!(matches!(alike, Err(HeaderFault::Alike { .. })), "{alike:?}");
    }
}
