//! The keys of a keytab, and what GSSAPI (RFC 2743) makes of a token with them. Everything here blocks.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use libgssapi::context::{CtxFlags, SecurityContext, ServerCtx};
use libgssapi::credential::{Cred, CredUsage};
use libgssapi::error::Error;
use libgssapi::name::Name;
use libgssapi::oid::{GSS_MECH_KRB5, GSS_MECH_SPNEGO, GSS_NT_KRB5_PRINCIPAL, OidSet};

use super::{KeytabError, Proved, TicketFault};

/// What browsers ask the KDC for (RFC 4559 4).
const SERVICE: &str = "HTTP/";

/// The keys.
#[derive(Debug)]
pub(super) struct Keys {
    credential: Cred,
}

impl Keys {
    pub(super) fn open(principal: Option<&str>) -> Result<Self, KeytabError> {
        let acquire = || {
            let name = principal.map(|name| Name::new(name.as_bytes(), Some(GSS_NT_KRB5_PRINCIPAL)));
            // Nothing but Kerberos, inside SPNEGO or bare: whatever else this machine may have is not asked.
            let mut mechanisms = OidSet::new();
            mechanisms.add(GSS_MECH_SPNEGO)?;
            mechanisms.add(GSS_MECH_KRB5)?;
            Cred::acquire(name.transpose()?.as_ref(), None, CredUsage::Accept, Some(&mechanisms))
        };
        let credential = acquire().map_err(|cause| KeytabError::Library(told(cause)))?;
        Ok(Self { credential })
    }

    /// The library keeps a replay cache: a token comes once.
    pub(super) fn accept(&self, token: &[u8]) -> Result<Proved, TicketFault> {
        let refused = |cause| TicketFault::Refused(told(cause));
        let mut context = ServerCtx::new(Some(self.credential.clone()));
        let reply = context.step(token, None).map_err(refused)?;
        if !context.is_complete() {
            return Err(TicketFault::Incomplete);
        }
        let anonymous = context.flags().map_err(refused)?.contains(CtxFlags::GSS_C_ANON_FLAG);
        if anonymous || context.mechanism().map_err(refused)? != GSS_MECH_KRB5 {
            return Err(TicketFault::Mechanism);
        }
        let service = context.target_name().and_then(|name| name.display_name()).map_err(refused)?;
        let service = String::from_utf8_lossy(&service);
        if !service.get(..SERVICE.len()).is_some_and(|start| start.eq_ignore_ascii_case(SERVICE)) {
            return Err(TicketFault::Service(service.into_owned()));
        }
        let name = context.source_name().and_then(|name| name.display_name()).map_err(refused)?;
        Ok(Proved { name: name.to_vec(), reply: reply.map(|octets| STANDARD.encode(&*octets)) })
    }
}

/// The library's words on one line, without the ends of its texts, which come as what is no character.
fn told(cause: Error) -> String {
    let words = cause.to_string().replace([char::REPLACEMENT_CHARACTER, '\0'], " ");
    words.split_whitespace().collect::<Vec<_>>().join(" ").replace(" )", ")")
}
