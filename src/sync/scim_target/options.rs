//! [`ScimOptions`]: where the service is and what it has.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::super::object::ObjectType;
use crate::outgoing::{Credentials, Exchange, ExchangeError, ExchangeOptions};
use crate::scim::{CORE_GROUP, CORE_USER, MEDIA_TYPE, Path, ScimError, boolean};

/// Where the service is and what it has.
#[derive(Debug, Clone)]
pub struct ScimOptions {
    /// What the endpoints are below: `https://scim.example/v2`.
    pub base_url: String,
    /// What the service knows us by.
    pub credentials: Credentials,
    /// The types that are carried there.
    pub types: BTreeMap<ObjectType, ScimType>,
    /// How objects are changed.
    pub update: Update,
    /// The most objects of one page of a list; less when the service says so.
    pub page: usize,
    /// The most members that one request adds or takes out.
    pub members_per_patch: usize,
    /// Whether changes go in bulk requests where the service announces them (RFC 7644 section 3.7).
    pub bulk: bool,
    /// The most requests at once, where more changes than that wait for bulk requests.
    pub in_flight: usize,
    /// Paths of values that nobody is to be told, beside those whose names say that they are passwords.
    pub secrets: BTreeSet<String>,
    /// Times, sizes, authorities.
    pub exchange: ExchangeOptions,
}

/// A type at the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScimType {
    /// Below the base URL: `Users`.
    pub endpoint: String,
    /// The URNs that a new object names; those of extensions come by themselves.
    pub schemas: Vec<String>,
    /// The path of what says whether it is usable, a boolean; none when objects of this type always are.
    pub active: Option<String>,
}

impl ScimType {
    /// RFC 7643 section 4.1
    pub fn user() -> Self {
        Self {
            endpoint: "Users".to_owned(),
            schemas: vec![CORE_USER.to_owned()],
            active: Some("active".to_owned()),
        }
    }

    /// RFC 7643 section 4.2
    pub fn group() -> Self {
        Self { endpoint: "Groups".to_owned(), schemas: vec![CORE_GROUP.to_owned()], active: None }
    }

    /// A real boolean for `active`, whatever the mapping made.
    pub(super) fn typed<'a>(&self, path: &str, value: &'a Value) -> Cow<'a, Value> {
        let is_active = self.active.as_deref().is_some_and(|active| active.eq_ignore_ascii_case(path));
        let truth = if is_active { boolean(value) } else { None };
        truth.map_or(Cow::Borrowed(value), |truth| Cow::Owned(Value::Bool(truth)))
    }
}

/// How objects are changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Update {
    /// By PATCH, whole attributes.
    Patch,
    /// By PUT of what was read just before, with the changes.
    Put,
}

/// Why options cannot be right.
#[derive(Debug, thiserror::Error)]
pub enum ScimTargetError {
    /// URL, authorities, credentials.
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
    /// Nothing to carry.
    #[error("a target needs at least one type")]
    NoType,
    /// Not an endpoint below the base URL.
    #[error("{0:?} is no endpoint: a name such as Users, below the base URL")]
    Endpoint(String),
    /// Not a path.
    #[error("active: {0}")]
    Active(ScimError),
    /// A size of nothing.
    #[error("{0} must be at least 1")]
    Zero(&'static str),
}

impl ScimOptions {
    /// Users and groups at this place, with the defaults.
    pub fn new(base_url: &str, credentials: Credentials) -> Self {
        let types =
            BTreeMap::from([(ObjectType::User, ScimType::user()), (ObjectType::Group, ScimType::group())]);
        Self {
            base_url: base_url.to_owned(),
            credentials,
            types,
            update: Update::Patch,
            page: 200,
            members_per_patch: 500,
            bulk: false,
            in_flight: 8,
            secrets: BTreeSet::new(),
            exchange: ExchangeOptions { media_type: MEDIA_TYPE, ..ExchangeOptions::default() },
        }
    }

    pub(super) fn check(&self, exchange: &Exchange) -> Result<(), ScimTargetError> {
        exchange.check(&self.base_url)?;
        if self.base_url.contains(['?', '#']) {
            let cause = "a base URL ends with its path";
            return Err(ExchangeError::Url { url: self.base_url.clone(), cause }.into());
        }
        if self.types.is_empty() {
            return Err(ScimTargetError::NoType);
        }
        for own in self.types.values() {
            let part = |part: &str| {
                !part.is_empty()
                    && !matches!(part, "." | "..")
                    && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
            };
            if !own.endpoint.split('/').all(part) {
                return Err(ScimTargetError::Endpoint(own.endpoint.clone()));
            }
            if let Some(active) = &own.active {
                Path::parse(active).map_err(ScimTargetError::Active)?;
            }
        }
        match (self.page, self.members_per_patch) {
            (0, _) => Err(ScimTargetError::Zero("page")),
            (_, 0) => Err(ScimTargetError::Zero("members_per_patch")),
            _ => Ok(()),
        }
    }

    /// Whether the attribute of this name, or at this path, has something that nobody is to be told.
    pub(super) fn is_secret(&self, path: &str) -> bool {
        let attribute =
            |path: &str| Path::parse(path).map_or_else(|_| path.to_owned(), |path| path.attribute);
        let same = |secret: &String| attribute(secret).eq_ignore_ascii_case(&attribute(path));
        path.to_ascii_lowercase().contains("pass") || self.secrets.iter().any(same)
    }

    /// What the service said, without what must not be in a log: our credentials, and passwords that were sent.
    pub(super) fn without_secrets(&self, said: &str, sent: &BTreeMap<&str, &Value>) -> String {
        let own = match &self.credentials {
            Credentials::None => None,
            Credentials::Bearer(secret) | Credentials::Basic(_, secret) => Some(secret.expose().as_str()),
        };
        let sent =
            sent.iter().filter(|(path, _)| self.is_secret(path)).filter_map(|(_, value)| value.as_str());
        let secrets = own.into_iter().chain(sent).filter(|secret| !secret.is_empty());
        secrets.fold(said.to_owned(), |said, secret| said.replace(secret, "[secret]"))
    }
}
