//! What an SP is told of a person: the filters, the NameID, and what of the attributes leaves.

use super::SingleSignOn;
use super::accept::Accepted;
use super::decide::unknown_service;
use super::issue::NotIssued;
use super::name_id::Source;
use super::outcome::Rejection;
use crate::authproc::{Answers, Context, FilterError};
use crate::identity::{Attributes, NameId, Value};
use crate::registry::{Release, ServiceProvider};
use crate::saml::status::{
    INVALID_NAME_ID_POLICY, REQUEST_DENIED, REQUESTER, RESPONDER, Status, UNKNOWN_PRINCIPAL,
};
use crate::saml::uris::name_id::{EMAIL, UNSPECIFIED, WINDOWS_DOMAIN};
use crate::saml::uris::subject_id::{PAIRWISE_ID, SUBJECT_ID};
use crate::session::SsoSession;

/// A person as one SP gets to know them.
pub(super) struct Told {
    /// The name, if there is to be one.
    pub(super) name_id: Option<NameId>,
    /// What leaves.
    pub(super) attributes: Attributes,
    /// What the SP says that it does not work without, and does not get.
    pub(super) missing: Vec<String>,
}

impl Told {
    /// Runs the filters and chooses.
    pub(super) async fn of(
        sso: &SingleSignOn,
        accepted: &Accepted,
        session: &SsoSession,
        issuer: &str,
    ) -> Result<Self, NotIssued> {
        let (sp, ask) = (accepted.sp(), accepted.ask());
        let release = sp.releases.service(ask.attribute_service).map_err(|unknown| {
            let status = unknown_service(unknown);
            NotIssued::Status(status, unknown.to_string())
        })?;
        let context = Context {
            sp_attributes: release.attributes.as_deref(),
            idp_attributes: sso.idp.attributes.as_deref(),
            answers: None,
        };
        let mut filtered = filtered(sso, sp, session, context).await?;
        let snapshot = sso.registry.snapshot();
        let source = Source {
            idp: &sso.idp.entity_id,
            issuer,
            secret: &sso.name_id_secret,
            identifiers: &sso.idp.identifiers,
            snapshot: &snapshot,
            now: sso.clock.now(),
            session,
            attributes: &filtered,
        };
        let name_id = source.name_id(sp, &ask.name_id_policy, || sso.ids.xml_id()).map_err(|error| {
            let status = Status::failure(REQUESTER, INVALID_NAME_ID_POLICY, "the NameIDPolicy cannot be met");
            NotIssued::Status(status, error.to_string())
        })?;
        if let Some(asked) = &ask.subject {
            check_subject(&source, sp, asked, name_id.as_ref())?;
        }
        if !sp.policy.send_attributes {
            return Ok(Self { name_id, attributes: Attributes::new(), missing: Vec::new() });
        }
        for (name, value) in subject_ids(&source, sp, release, context.idp_attributes) {
            filtered.insert(name, vec![Value::Text(value)]);
        }
        let asked_for: Vec<_> = release
            .subject_ids
            .iter()
            .filter_map(|name| Some((*name, filtered.values(name)?.to_vec())))
            .collect();
        let mut attributes = sp.chain.release(filtered, &context);
        for (name, values) in asked_for {
            attributes.insert(name, values);
        }
        restrict(release, &mut attributes);
        let missing = missing(release, &attributes);
        Ok(Self { name_id, attributes, missing })
    }
}

/// Runs the filters, anew with each answer of the directory that one of them waits for: no more often than there are
/// filters.
async fn filtered(
    sso: &SingleSignOn,
    sp: &ServiceProvider,
    session: &SsoSession,
    context: Context<'_>,
) -> Result<Attributes, NotIssued> {
    let mut answers = Answers::new();
    loop {
        let context = Context { answers: Some(&answers), ..context };
        let question = match sp.chain.apply(session.subject.attributes.clone(), &context) {
            Ok(attributes) => return Ok(attributes),
            Err(FilterError::Unanswered(question)) => *question,
            Err(error) => return Err(not_filtered(sp, &error)),
        };
        let answer = sso.inquiry.ask(&session.subject, &question).await.map_err(Rejection::unavailable)?;
        answers.insert(question, answer);
    }
}

/// What a filter demands of a person is told to the SP; a filter that cannot be judged is a fault here.
fn not_filtered(sp: &ServiceProvider, error: &FilterError) -> NotIssued {
    let cause = format!("authproc of {}: {error}", sp.entity_id());
    match error {
        FilterError::Refused { .. } => {
            let message = "the person does not have the attributes that this identity provider demands";
            NotIssued::Status(Status::failure(RESPONDER, REQUEST_DENIED, message), cause)
        }
        FilterError::Unevaluable { .. } | FilterError::Unanswered(_) => Rejection::Unavailable(cause).into(),
    }
}

/// Takes away the values that nobody wants, and identifiers that the SP said it does not want.
fn restrict(release: &Release, attributes: &mut Attributes) {
    attributes.retain(|name, values| {
        if let Some(wanted) = release.wanted(name) {
            values.retain(|value| value.as_text().is_some_and(|text| wanted.iter().any(|w| w == text)));
        }
        release.passes(name) && (release.wanted(name).is_none() || !values.is_empty())
    });
}

/// A person without a required attribute is still let through: the SP knows what it can do without, and says so better
/// than an error could.
fn missing(release: &Release, attributes: &Attributes) -> Vec<String> {
    let empty = Value::Text(String::new());
    let has = |name: &String| attributes.values(name).unwrap_or_default().iter().any(|value| *value != empty);
    let missing = release.required().iter().filter(|names| !names.iter().any(has));
    missing.filter_map(|names| names.last()).cloned().collect()
}

/// subject-id and pairwise-id, as far as they are asked for and no filter has made them.
fn subject_ids(
    source: &Source<'_>,
    sp: &ServiceProvider,
    release: &Release,
    idp_attributes: Option<&[String]>,
) -> Vec<(&'static str, String)> {
    let wanted = [SUBJECT_ID, PAIRWISE_ID].into_iter().filter(|name| {
        release.names(name, idp_attributes) && release.passes(name) && !source.attributes.contains(name)
    });
    let value = |name| match source.subject_id(name, sp.entity_id()) {
        Ok(value) => Some((name, value)),
        Err(cause) => {
            let login = &source.session.subject.login;
            tracing::warn!(sp.entity_id = sp.entity_id(), "{login} has no {name}: {cause}");
            None
        }
    };
    wanted.filter_map(value).collect()
}

/// saml-core 3.4.1.4: a request that names its Subject is answered for that one or not at all. The name that is given
/// may be of another format; then the one that the request holds must be the person's too.
fn check_subject(
    source: &Source<'_>,
    sp: &ServiceProvider,
    asked: &NameId,
    given: Option<&NameId>,
) -> Result<(), NotIssued> {
    let named = |format: &str| {
        let qualifier = asked.sp_name_qualifier.as_deref().filter(|qualifier| !qualifier.is_empty());
        source.of_format(sp, format, qualifier, String::new).ok()
    };
    let other_format = given.is_none_or(|given| given.format != asked.format).then(|| named(&asked.format));
    let held = given.into_iter().cloned().chain(other_format.flatten());
    let same = |name: NameId| is_same(asked, &name, source.issuer, sp.entity_id());
    if held.into_iter().any(same) {
        return Ok(());
    }
    let message = "the person who is signed in is not the Subject of the request";
    Err(NotIssued::Status(Status::failure(REQUESTER, UNKNOWN_PRINCIPAL, message), message.to_owned()))
}

/// Whether a NameID of a request means this name. `unspecified` says nothing about the format; qualifiers that are not
/// there mean ours and the SP's; addresses and Windows names are compared without case, as their systems do.
fn is_same(asked: &NameId, name: &NameId, idp: &str, sp: &str) -> bool {
    let qualifier = |asked: &Option<String>, own: &str| {
        asked.as_deref().filter(|asked| !asked.is_empty()).is_none_or(|asked| asked == own)
    };
    let format = asked.format == UNSPECIFIED || asked.format == name.format;
    let value = match name.format.as_str() {
        EMAIL | WINDOWS_DOMAIN => asked.value.to_lowercase() == name.value.to_lowercase(),
        _ => asked.value == name.value,
    };
    let own_space = name.sp_name_qualifier.as_deref().unwrap_or(sp);
    format
        && value
        && !name.value.is_empty()
        && qualifier(&asked.name_qualifier, idp)
        && qualifier(&asked.sp_name_qualifier, own_space)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::saml::uris::name_id::PERSISTENT;

    fn name(value: &str, format: &str, qualifiers: [Option<&str>; 2]) -> NameId {
        let [name_qualifier, sp_name_qualifier] = qualifiers.map(|qualifier| qualifier.map(str::to_owned));
        NameId { value: value.to_owned(), format: format.to_owned(), name_qualifier, sp_name_qualifier }
    }

    #[test]
    fn the_subject_of_a_request_matches_whole() {
        let ours = || name("abc", PERSISTENT, [Some("idp"), Some("sp")]);
        let mail = || name("Tanaka@example.jp", EMAIL, [None, None]);
        for (asked, own, expected) in [
            (name("abc", PERSISTENT, [None, None]), ours(), true),
            (name("abc", PERSISTENT, [Some("idp"), Some("sp")]), ours(), true),
            (name("abc", PERSISTENT, [Some(""), Some("")]), ours(), true),
            (name("abc", UNSPECIFIED, [None, None]), ours(), true),
            (name("ABC", PERSISTENT, [None, None]), ours(), false),
            (name("abc", EMAIL, [None, None]), ours(), false),
            (name("abc", PERSISTENT, [Some("other"), None]), ours(), false),
            (name("abc", PERSISTENT, [None, Some("other")]), ours(), false),
            (name("tanaka@EXAMPLE.jp", EMAIL, [None, None]), mail(), true),
            (name("tanaka@EXAMPLE.jp", UNSPECIFIED, [None, None]), mail(), true),
            (name("tanaka@example.jp", EMAIL, [None, Some("sp")]), mail(), true),
            (name("tanaka@example.jp", EMAIL, [None, Some("other")]), mail(), false),
            (name("suzuki@example.jp", EMAIL, [None, None]), mail(), false),
            (
                name("example\\TANAKA", WINDOWS_DOMAIN, [None, None]),
                name("EXAMPLE\\tanaka", WINDOWS_DOMAIN, [None, None]),
                true,
            ),
            (name("Tanaka", UNSPECIFIED, [None, None]), name("tanaka", UNSPECIFIED, [None, None]), false),
            (name("", UNSPECIFIED, [None, None]), name("", UNSPECIFIED, [None, None]), false),
        ] {
            assert_eq!(is_same(&asked, &own, "idp", "sp"), expected, "{asked:?} {own:?}");
        }
    }
}
