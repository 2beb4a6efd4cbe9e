//! [`ScimTarget`]: a service that is carried to by SCIM 2.0 (RFC 7644).
//!
//! Each method is one or a few requests; none is repeated here, and what an answer means for the run stands in
//! `answers`. Changes that are made at the same moment are gathered for one request (`gather`, `bulk`). An attribute is
//! changed as a whole ([`scim::patch`]): the edits of [`Target::modify`] have every path of an attribute that is to have
//! a value, also those that did not change.

mod answers;
mod bulk;
mod changes;
mod gather;
mod listing;
mod options;

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::Value;
use tokio::sync::{OnceCell, mpsc};

pub use options::{ScimOptions, ScimTargetError, ScimType, Update};

use self::answers::{What, broken, document, fault_of, refused, unanswered};
use self::gather::Bulk;
use self::listing::LONGEST_ID;
use super::object::ObjectType;
use super::questions::Questions;
use super::target::{Ability, Edit, FaultKind, Target, TargetFault, TargetObject};
use crate::outgoing::{Answer, Ask, Credentials, Exchange, Method};
use crate::scim::message::{ListResponse, ResourceType, ServiceConfig};
use crate::scim::{self, Path};

/// RFC 3986 section 2.3
const IN_URL: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A service with SCIM.
#[derive(Debug)]
pub struct ScimTarget {
    options: ScimOptions,
    exchange: Exchange,
    /// What the service says of itself; asked once.
    config: OnceCell<ServiceConfig>,
    /// What waits to be sent in bulk, where that is allowed and the service takes it.
    bulk: OnceLock<Arc<Bulk>>,
}

impl ScimTarget {
    /// Of options that can be right; nothing is asked yet.
    pub fn new(options: ScimOptions) -> Result<Self, ScimTargetError> {
        let exchange = Exchange::new(options.exchange.clone(), &options.credentials)?;
        options.check(&exchange)?;
        Ok(Self { options, exchange, config: OnceCell::new(), bulk: OnceLock::new() })
    }

    fn kind(&self, kind: ObjectType) -> Result<&ScimType, TargetFault> {
        self.options
            .types
            .get(&kind)
            .ok_or_else(|| refused(53, format!("{} is not among the types of this target", kind.as_str())))
    }

    fn url(&self, tail: &str) -> String {
        format!("{}/{tail}", self.options.base_url.trim_end_matches('/'))
    }

    fn object_url(&self, kind: ObjectType, id: &str) -> Result<String, TargetFault> {
        // A URL with a dot segment would be another one.
        if id.is_empty() || id.len() > LONGEST_ID || matches!(id, "." | "..") {
            return Err(refused(32, format!("{:?} is no id", id.chars().take(40).collect::<String>())));
        }
        let endpoint = &self.kind(kind)?.endpoint;
        Ok(self.url(&format!("{endpoint}/{}", utf8_percent_encode(id, IN_URL))))
    }

    async fn send(&self, method: Method, url: &str, body: Option<&Value>) -> Result<Answer, TargetFault> {
        if method == Method::Get {
            self.alone((method, url), None, None).await
        } else {
            self.change(method, url, body).await
        }
    }

    async fn ask(&self, ask: Ask<'_>) -> Result<Answer, TargetFault> {
        self.exchange.ask(ask).await.map_err(|error| unanswered(&error))
    }

    /// The body of an answer that says yes; the fault of one that does not.
    fn accepted(
        &self,
        (url, answer): (&str, &Answer),
        what: What,
        sent: &BTreeMap<&str, &Value>,
    ) -> Result<(), TargetFault> {
        if matches!(answer.status, 200..=299) {
            return Ok(());
        }
        let mut fault = fault_of(url, answer, what);
        fault.detail = self.options.without_secrets(&fault.detail, sent);
        Err(fault)
    }

    async fn get(&self, url: &str, what: What) -> Result<Value, TargetFault> {
        let answer = self.send(Method::Get, url, None).await?;
        self.accepted((url, &answer), what, &BTreeMap::new())?;
        document(url, &answer)
    }

    /// What the service says of itself. One that does not say is asked for the plainest things.
    async fn config(&self) -> Result<&ServiceConfig, TargetFault> {
        let ask = || async {
            match self.get(&self.url("ServiceProviderConfig"), What::Service).await {
                Ok(body) => ServiceConfig::parse(&body).map_err(|error| broken(&error)),
                Err(fault) if matches!(fault.kind, FaultKind::Refused | FaultKind::NotFound) => {
                    Ok(ServiceConfig::default())
                }
                Err(fault) => Err(fault),
            }
        };
        let config = self.config.get_or_try_init(ask).await?;
        if self.options.bulk
            && let Some(bulk) = Bulk::new(config, self.options.in_flight)
        {
            self.bulk.get_or_init(|| bulk);
        }
        Ok(config)
    }

    /// The configured types that the service has; all of them when it does not tell.
    async fn types(&self) -> Result<Vec<ObjectType>, TargetFault> {
        let known = match self.get(&self.url("ResourceTypes"), What::Service).await {
            Ok(body) => ResourceType::parse_all(body).ok(),
            Err(fault) if matches!(fault.kind, FaultKind::Refused | FaultKind::NotFound) => None,
            Err(fault) => return Err(fault),
        };
        let has = |own: &ScimType| {
            let same = |known: &ResourceType| known.endpoint.eq_ignore_ascii_case(&own.endpoint);
            known.as_ref().is_none_or(|known| known.is_empty() || known.iter().any(same))
        };
        Ok(self.options.types.iter().filter(|(_, own)| has(own)).map(|(kind, _)| *kind).collect())
    }

    fn object(body: Value) -> Result<TargetObject, TargetFault> {
        listing::object(body).map_err(|cause| broken(&cause))
    }

    /// What was made, when the answer has only the place of it.
    async fn at_location(&self, kind: ObjectType, answer: &Answer) -> Result<TargetObject, TargetFault> {
        let unclear = || broken(&"made, but the answer has neither the object nor its place");
        let location = answer.location.as_deref().ok_or_else(unclear)?;
        let path = location.split(['?', '#']).next().unwrap_or_default();
        let id = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        let id = percent_decode_str(id).decode_utf8().map_err(|_| unclear())?;
        // Whatever goes wrong from here on, it was made.
        let read = self.read(kind, &id).await;
        read.ok().flatten().ok_or_else(unclear)
    }
}

#[async_trait]
impl Target for ScimTarget {
    fn account(&self) -> Option<&str> {
        match &self.options.credentials {
            Credentials::Basic(name, _) => Some(name),
            Credentials::Bearer(_) | Credentials::None => None,
        }
    }

    async fn probe(&self) -> Result<Ability, TargetFault> {
        self.config().await?;
        let types = self.types().await?;
        // The description of a service may be open to everybody: only its objects prove the credentials.
        let first = types.first().and_then(|kind| self.options.types.get(kind));
        let first =
            first.ok_or_else(|| refused(53, "the service has none of the configured types".to_owned()))?;
        let url = self.url(&format!("{}?startIndex=1&count=1", first.endpoint));
        let answer = self.send(Method::Get, &url, None).await?;
        // These two have the endpoint without a list of it. A page of anything else is another server's.
        let lists = !matches!(answer.status, 405 | 501);
        if !lists && !answer.body.is_empty() {
            // A web server answers so, too, with a page.
            document(&url, &answer)?;
        }
        if lists {
            self.accepted((&url, &answer), What::List, &BTreeMap::new())?;
            let body = document(&url, &answer)?;
            ListResponse::parse(body).map_err(|error| broken(&error))?;
        }
        Ok(Ability { types, lists, ignored: Vec::new() })
    }

    async fn per_request(&self) -> usize {
        // One that does not say now says so at the first change.
        if self.options.bulk {
            let _ = self.config().await;
        }
        self.bulk.get().map_or(1, |bulk| bulk.most())
    }

    fn hold(&self, held: bool) {
        if let Some(bulk) = self.bulk.get() {
            bulk.hold(held);
        }
    }

    async fn list(
        &self,
        kind: ObjectType,
        parts: mpsc::Sender<Vec<TargetObject>>,
        questions: &Questions,
    ) -> Result<(), TargetFault> {
        let endpoint = &self.kind(kind)?.endpoint;
        let most = self.config().await?.max_results.unwrap_or(usize::MAX);
        let count = self.options.page.min(most).max(1);
        let mut proof = listing::Proof::default();
        loop {
            let url = self.url(&format!("{endpoint}?startIndex={}&count={count}", proof.next()));
            let body = questions.ask(|| self.get(&url, What::List)).await?;
            let page = ListResponse::parse(body).map_err(|error| broken(&error))?;
            let objects = proof.take(page).map_err(|cause| broken(&cause))?;
            if !objects.is_empty() && parts.send(objects).await.is_err() {
                return Err(broken(&"nobody takes the list any more"));
            }
            if proof.is_complete() {
                return Ok(());
            }
        }
    }

    async fn read(&self, kind: ObjectType, id: &str) -> Result<Option<TargetObject>, TargetFault> {
        match self.get(&self.object_url(kind, id)?, What::Object).await {
            Ok(body) => Self::object(body).map(Some),
            Err(fault) if fault.kind == FaultKind::NotFound => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    async fn find(
        &self,
        kind: ObjectType,
        path: &str,
        value: &str,
    ) -> Result<Vec<TargetObject>, TargetFault> {
        let endpoint = &self.kind(kind)?.endpoint;
        let parsed = Path::parse(path).map_err(|error| refused(21, error.to_string()))?;
        let filter = scim::filter::equals(&parsed, value);
        let filter = utf8_percent_encode(&filter, IN_URL);
        let url = self.url(&format!("{endpoint}?filter={filter}&startIndex=1&count=2"));
        let page = self.get(&url, What::Find);
        let page = match self.bulk.get() {
            Some(bulk) => bulk.unless_held(page).await?,
            None => page.await,
        };
        let page = ListResponse::parse(page?).map_err(|error| broken(&error))?;
        let objects: Result<Vec<_>, _> = page.resources.into_iter().map(Self::object).collect();
        listing::those_with(objects?, &parsed, value).map_err(|cause| refused(53, cause.to_string()))
    }

    async fn create(
        &self,
        kind: ObjectType,
        values: &BTreeMap<String, Value>,
    ) -> Result<TargetObject, TargetFault> {
        let own = self.kind(kind)?;
        let typed = values.iter().map(|(path, value)| (path.as_str(), own.typed(path, value)));
        let body = scim::assemble(typed, &own.schemas).map_err(|error| refused(21, error.to_string()))?;
        let url = self.url(&own.endpoint);
        let answer = self.send(Method::Post, &url, Some(&body)).await?;
        let sent = values.iter().map(|(path, value)| (path.as_str(), value)).collect();
        self.accepted((&url, &answer), What::Create, &sent)?;
        if answer.body.is_empty() {
            return self.at_location(kind, &answer).await;
        }
        Self::object(document(&url, &answer)?)
    }

    async fn modify(&self, kind: ObjectType, id: &str, edits: &[Edit]) -> Result<(), TargetFault> {
        let plan = changes::plan(self.kind(kind)?, edits, self.options.members_per_patch)
            .map_err(|error| refused(21, error.to_string()))?;
        let url = self.object_url(kind, id)?;
        let sent = changes::sent(edits);
        match self.options.update {
            Update::Patch => self.patch(&url, plan, &sent).await,
            Update::Put => self.put(&url, plan, &sent).await,
        }
    }

    async fn delete(&self, kind: ObjectType, id: &str) -> Result<(), TargetFault> {
        let url = self.object_url(kind, id)?;
        let answer = self.send(Method::Delete, &url, None).await?;
        self.accepted((&url, &answer), What::Delete, &BTreeMap::new())
    }

    fn value(&self, object: &TargetObject, path: &str) -> Option<Value> {
        let found = scim::read(&object.body, &Path::parse(path).ok()?)?;
        let types = self.options.types.values();
        let is_active =
            types.filter_map(|own| own.active.as_deref()).any(|active| active.eq_ignore_ascii_case(path));
        if is_active { scim::boolean(&found).map(Value::Bool).or(Some(found)) } else { Some(found) }
    }
}
