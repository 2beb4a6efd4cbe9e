//! `[integrated]`: integrated Windows authentication, by a proxy that proves Kerberos tickets or by a keytab.

use std::path::{Path, PathBuf};

use ipnet::IpNet;
use toml::de::DeValue;

use super::DirectoryConfig;
use super::fault::{Complaint, FaultKind};
use super::listen::Listen;
use super::reader::Section;
use super::secrets::secret_keys;
use super::values::{flag, mismatch, network, text};
use crate::authn::TrustedHeader;
use crate::authproc::hint;
use crate::identity::AuthnContext;
use crate::secret::Secret;

/// Shorter than this, a secret could be guessed.
const LEAST_SECRET: usize = 16;

const OF_PROXY: [&str; 6] = ["header", "proxies", "secret_header", "secret", "secret_file", "secret_env"];
const HEADER: &str = "X-Remote-User";
const SECRET_HEADER: &str = "X-Sekisho-Proxy-Secret";
/// Headers that every request has or that mean something else: they cannot name a person.
const TAKEN: [&str; 12] = [
    "accept",
    "authorization",
    "connection",
    "content-length",
    "content-type",
    "cookie",
    "host",
    "origin",
    "referer",
    "transfer-encoding",
    "user-agent",
    "x-forwarded-for",
];

/// Integrated Windows authentication that is switched on (`enabled = true`).
#[derive(Debug, Clone)]
pub struct Integrated {
    /// Who proves the tickets.
    pub prover: TicketProver,
    /// `realms`: Kerberos realms and NetBIOS names of domains, each with the name of its directory.
    pub realms: Vec<(String, String)>,
    /// `networks`: whose browsers are asked for a ticket. Default: everybody's who comes by one of the proxies; with a
    /// keytab there is none.
    pub networks: Vec<IpNet>,
    /// `authn_context`: the authentication context class that a ticket gives. Default: Kerberos.
    pub authn_context: String,
}

/// Who proves tickets.
#[derive(Debug, Clone)]
pub enum TicketProver {
    /// `header`: names the person; default `X-Remote-User`. `proxies`: where its proxies connect from. `secret_header`,
    /// default `X-Sekisho-Proxy-Secret`, holds `secret` (also as `_file` or `_env`), at least 16 characters.
    Proxy(TrustedHeader),
    /// `keytab`: the file with the keys of the service. `principal`: whose keys of it; default: all of `HTTP/...`.
    Keytab {
        /// `keytab`
        path: PathBuf,
        /// `principal`
        principal: Option<String>,
    },
}

impl Integrated {
    /// The keytab, where this server proves the tickets itself.
    pub fn keytab(&self) -> Option<&Path> {
        match &self.prover {
            TicketProver::Proxy(_) => None,
            TicketProver::Keytab { path, .. } => Some(path),
        }
    }

    /// `None` when it is switched off; its keys are read all the same, and may be incomplete then.
    pub(super) fn read(
        section: &Section<'_>,
        (directories, listen, class_order): (&[DirectoryConfig], &Listen, &[String]),
    ) -> Option<Self> {
        if !section.or("enabled", false, flag) {
            section.known(&OF_PROXY);
            section.known(&["keytab", "principal", "realms", "networks", "authn_context"]);
            return None;
        }
        let prover = if section.has("keytab") {
            keytab(section)
        } else {
            TicketProver::Proxy(trusted_header(section))
        };
        Some(Self {
            realms: realms(section, directories),
            networks: networks(section, &prover, listen),
            authn_context: authn_context(section, class_order),
            prover,
        })
    }
}

fn keytab(section: &Section<'_>) -> TicketProver {
    if !cfg!(feature = "kerberos") {
        let complaint = Complaint::wrong(
            "needs Kerberos, and this program was built without it",
            "build it with --features kerberos, or let a proxy look at the tickets (integrated.proxies)",
        );
        section.complain("keytab", complaint.kind(FaultKind::NotAvailable));
    }
    for key in OF_PROXY.into_iter().filter(|key| section.has(key)) {
        let complaint =
            Complaint::wrong("is of a proxy, and keytab stands beside it", "take out one of the two");
        section.complain(key, complaint);
    }
    TicketProver::Keytab {
        path: section.private("keytab", None).unwrap_or_default(),
        principal: section.optional("principal", principal),
    }
}

fn principal(value: &DeValue<'_>) -> Result<String, Complaint> {
    let name = text(value)?;
    if name.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("HTTP/")) && name.len() > 5 {
        return Ok(name);
    }
    let remedy = "write it as in \"HTTP/sso.example.co.jp@EXAMPLE.CO.JP\"";
    Err(Complaint::wrong(format!("\"{name}\" is no service that browsers ask for"), remedy))
}

fn trusted_header(section: &Section<'_>) -> TrustedHeader {
    let header = section.or("header", HEADER.to_ascii_lowercase(), header_name);
    let secret_header = section.or("secret_header", SECRET_HEADER.to_ascii_lowercase(), header_name);
    if header == secret_header {
        let complaint = Complaint::wrong("is the same as header", "give each a name of its own");
        section.complain("secret_header", complaint);
    }
    let proxies = section.list("proxies", network);
    if proxies.as_ref().is_none_or(Vec::is_empty) && !section.has("proxies")
        || section.is_empty_list("proxies")
    {
        section.missing(
            "proxies",
            "name the addresses of the proxies; anybody could say who they are otherwise",
        );
    }
    let proxies = proxies.unwrap_or_default();
    for everybody in proxies.iter().filter(|network| network.prefix_len() == 0) {
        let complaint = Complaint::wrong(
            format!("{everybody} is everybody"),
            "name the addresses of the proxies, such as \"10.0.0.5\"",
        );
        section.complain("proxies", complaint);
    }
    let secret = section.secret(secret_keys!("secret"));
    let written = ["secret", "secret_file", "secret_env"].into_iter().find(|key| section.has(key));
    match (&secret, written) {
        (None, None) => section.missing(
            "secret_file",
            "write a long random secret into a file, and let the proxy send it in secret_header",
        ),
        (Some(secret), Some(key)) if secret.expose().len() < LEAST_SECRET => {
            let message = format!("the secret has {} characters", secret.expose().len());
            section.complain(key, Complaint::wrong(message, "use at least 16 random ones"));
        }
        (Some(secret), Some(key)) if !secret.expose().bytes().all(|byte| byte.is_ascii_graphic()) => {
            let remedy = "use letters, digits and marks of ASCII, without blanks";
            section.complain(key, Complaint::wrong("the secret does not fit into a header", remedy));
        }
        _ => {}
    }
    let secret = secret.unwrap_or_else(|| Secret::new(String::new()));
    TrustedHeader { header, proxies, secret_header, secret }
}

/// The name of a header (RFC 9110 5.6.2) in lower case.
fn header_name(value: &DeValue<'_>) -> Result<String, Complaint> {
    let name = text(value)?.to_ascii_lowercase();
    if TAKEN.contains(&name.as_str()) {
        return Err(Complaint::wrong(format!("{name} means something else"), "choose a name of its own"));
    }
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if name.bytes().all(fits) {
        return Ok(name);
    }
    Err(Complaint::wrong(format!("\"{name}\" is no name of a header"), "write it as in \"X-Remote-User\""))
}

fn realms(section: &Section<'_>, directories: &[DirectoryConfig]) -> Vec<(String, String)> {
    let names: Vec<&str> = directories.iter().map(DirectoryConfig::name).collect();
    let realms = section.map("realms", |realm, value| {
        let name = value.as_str().ok_or_else(|| mismatch(value, "text", "write the name of a directory"))?;
        let Some(directory) = directories.iter().find(|directory| directory.name() == name) else {
            return Err(Complaint::wrong(format!("there is no directory \"{name}\""), hint(name, &names)));
        };
        if matches!(directory, DirectoryConfig::Ldap(options) if options.dn_pattern.is_some()) {
            return Err(Complaint::wrong(
                format!("directory \"{name}\" has a dn_pattern, and cannot be asked about a person without a password"),
                "give it a bind_dn and a login_filter instead",
            ));
        }
        Ok((realm.to_owned(), name.to_owned()))
    });
    let folded: Vec<String> = realms.iter().map(|(realm, _)| realm.to_lowercase()).collect();
    if let Some((_, twice)) =
        folded.iter().enumerate().find(|(at, one)| folded.iter().take(*at).any(|o| o == *one))
    {
        let message = format!("\"{twice}\" is in it twice; case makes no difference");
        section.complain("realms", Complaint::wrong(message, "keep one"));
    } else if let Some(complaint) = directories.iter().find_map(|directory| namesakes(directory, &realms)) {
        section.complain("realms", complaint);
    }
    if realms.is_empty() && !section.has("realms") {
        let remedy =
            "say which directory a realm is, as in { \"EXAMPLE.CO.JP\" = \"corp\", \"EXAMPLE\" = \"corp\" }";
        section.missing("realms", remedy);
    }
    realms
}

/// Several domains in one directory, as in a global catalogue, may each have a person of one name. The entry says whose it is
/// by the DNS name of its domain, and by that alone.
fn namesakes(directory: &DirectoryConfig, realms: &[(String, String)]) -> Option<Complaint> {
    let name = directory.name();
    let ours = realms.iter().filter(|(_, of)| of == name).map(|(realm, _)| realm.as_str());
    let (dotted, flat): (Vec<&str>, Vec<&str>) = ours.partition(|realm| realm.contains('.'));
    if dotted.len() > 1 && !matches!(directory, DirectoryConfig::Ldap(_)) {
        let message =
            format!("directory \"{name}\" has several realms, and does not say of which one a person is");
        return Some(Complaint::wrong(message, "give each realm a directory of its own"));
    }
    let unsure = flat.last().filter(|_| flat.len() > 1 || dotted.len() > 1)?;
    let message =
        format!("directory \"{name}\" has several domains, and does not say which one is \"{unsure}\"");
    let remedy = "write the DNS names of the domains alone, and let the proxy send user@REALM; or give each domain a \
                  directory of its own, with its search_base";
    Some(Complaint::wrong(message, remedy))
}

fn networks(section: &Section<'_>, prover: &TicketProver, listen: &Listen) -> Vec<IpNet> {
    const KEY: &str = "networks";
    let networks = section.list(KEY, network);
    match prover {
        TicketProver::Proxy(trusted) => {
            let Some(networks) = networks else {
                return vec![IpNet::V4(ipnet::Ipv4Net::default()), IpNet::V6(ipnet::Ipv6Net::default())];
            };
            let follows =
                |proxy: &IpNet| listen.trusted_proxies.iter().any(|trusted| trusted.contains(proxy));
            for proxy in trusted.proxies.iter().filter(|proxy| !follows(proxy)) {
                section.warn(
                    KEY,
                    format!("browsers that come by {proxy} all seem to be at that address"),
                    "add it to listen.trusted_proxies, and let the proxy send X-Forwarded-For",
                );
            }
            networks
        }
        TicketProver::Keytab { .. } => {
            if networks.is_none() || section.is_empty_list(KEY) {
                section.missing(KEY, "name the networks of machines that belong to the domain");
            }
            let networks = networks.unwrap_or_default();
            if networks.iter().any(|network| network.prefix_len() == 0) {
                section.warn(
                    KEY,
                    "everybody is asked for a ticket, and browsers outside the domain may ask for a password of their own",
                    "name the networks of machines that belong to the domain",
                );
            }
            networks
        }
    }
}

fn authn_context(section: &Section<'_>, class_order: &[String]) -> String {
    const KEY: &str = "authn_context";
    let class = section.or(KEY, AuthnContext::KERBEROS.to_owned(), text);
    if !class_order.contains(&class) {
        let message = format!("\"{class}\" is not in saml.authn_context_order");
        section.complain(KEY, Complaint::wrong(message, "put it there, at the place of its strength"));
    }
    class
}
