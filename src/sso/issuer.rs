//! By which entityID the IdP speaks to an SP: its own, or that of the SP's policy (`idp_entity_id`).
//!
//! Microsoft 365 wants an Issuer of its own for each federated domain; `{upn_domain}` in the policy makes one policy do for
//! all of them. The domain is what the directory says of the person, before any filter: the text after the last `@` of
//! `userPrincipalName`, in lower case.

use std::borrow::Cow;

use super::Idp;
use crate::identity::Subject;
use crate::registry::{ServiceProvider, UPN_DOMAIN};

/// The Issuer cannot be said for this person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "idp_entity_id of {sp} needs the domain of userPrincipalName, and {login} has none that can stand in an Issuer"
)]
pub struct NoIssuer {
    /// Where to.
    pub sp: String,
    /// Who.
    pub login: String,
}

impl Idp {
    /// The Issuer of everything that is said to `sp` about `subject`, and the NameQualifier of pairwise NameIDs.
    pub fn issuer_for<'a>(
        &'a self,
        sp: &'a ServiceProvider,
        subject: &Subject,
    ) -> Result<Cow<'a, str>, NoIssuer> {
        match &sp.policy.idp_entity_id {
            None => Ok(Cow::Borrowed(&self.entity_id)),
            Some(fixed) if !fixed.contains(UPN_DOMAIN) => Ok(Cow::Borrowed(fixed)),
            Some(template) => {
                let no_issuer = || NoIssuer { sp: sp.entity_id().to_owned(), login: subject.login.clone() };
                let domain = upn_domain(subject).ok_or_else(no_issuer)?;
                Ok(Cow::Owned(template.replace(UPN_DOMAIN, &domain)))
            }
        }
    }

    /// The Issuer of an answer to `sp` that is about nobody, or about somebody for whom there is none: the policy's if it
    /// is the same for all people, else the IdP's own.
    pub fn issuer_without_subject<'a>(&'a self, sp: &'a ServiceProvider) -> &'a str {
        sp.policy.idp_entity_id.as_ref().filter(|id| !id.contains(UPN_DOMAIN)).unwrap_or(&self.entity_id)
    }
}

fn upn_domain(subject: &Subject) -> Option<String> {
    let (_, domain) = subject.attributes.first_text("userPrincipalName")?.rsplit_once('@')?;
    let sound = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-');
    (!domain.is_empty() && domain.chars().all(sound)).then(|| domain.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::{Attributes, SubjectId};

    #[test]
    fn the_domain_is_what_stands_behind_the_last_at() {
        for (upn, domain) in [
            (Some("tanaka@Example.CO.JP"), Some("example.co.jp")),
            (Some("a@b@例え.jp"), Some("例え.jp")),
            (Some("tanaka"), None),
            (Some("tanaka@"), None),
            (Some("tanaka@a/../b"), None),
            (Some("tanaka@a b"), None),
            (None, None),
        ] {
            let attributes: Attributes =
                upn.map(|upn| ("userPrincipalName", vec![upn])).into_iter().collect();
            let id = SubjectId { directory: "corp".to_owned(), key: "1".to_owned() };
            let (login, display_name) = ("tanaka".to_owned(), String::new());
            let subject = Subject { id, login, display_name, dn: None, attributes, password_expires: None };
            assert_eq!(upn_domain(&subject).as_deref(), domain, "{upn:?}");
        }
    }
}
