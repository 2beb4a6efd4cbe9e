//! What goes over the wire beside resources: [`ListResponse`], [`ErrorBody`], [`ServiceConfig`], [`ResourceType`].

use serde_json::{Map, Value, json};

use super::ScimError;
use super::body::boolean;
use super::json::{count, member, text};

const LIST_RESPONSE: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

/// A page of resources (RFC 7644 section 3.4.2).
#[derive(Debug, Clone, PartialEq)]
pub struct ListResponse {
    /// How many there are on all pages.
    pub total: usize,
    /// The place of the first one of this page, from 1; none when the service does not say.
    pub start: Option<usize>,
    /// Those of this page.
    pub resources: Vec<Value>,
}

impl ListResponse {
    /// Reads one. Without a total it is none: nobody could say whether it was all.
    pub fn parse(body: Value) -> Result<Self, ScimError> {
        let fault = |cause| ScimError::Message { message: "ListResponse", cause };
        let Value::Object(mut body) = body else { return Err(fault("not an object")) };
        let total = member(&body, "totalResults").and_then(count).ok_or(fault("without totalResults"))?;
        let start = member(&body, "startIndex").and_then(count);
        let name = super::json::spelling(&body, "Resources");
        let resources = match name.and_then(|name| body.remove(&name)) {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(resources)) => resources,
            Some(_) => return Err(fault("Resources is no list")),
        };
        Ok(Self { total, start, resources })
    }

    /// The message.
    pub fn to_value(&self) -> Value {
        json!({
            "schemas": [LIST_RESPONSE], "totalResults": self.total, "startIndex": self.start.unwrap_or(1),
            "itemsPerPage": self.resources.len(), "Resources": self.resources,
        })
    }
}

/// Why a request was refused (RFC 7644 section 3.12).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ErrorBody {
    /// The HTTP status that it names; written as a text.
    pub status: Option<u16>,
    /// The kind: `uniqueness`, `invalidValue`.
    pub scim_type: Option<String>,
    /// For people.
    pub detail: Option<String>,
}

impl ErrorBody {
    /// Reads one; what is not there is left out. `None` when it is nothing like it. Some services put it into a list
    /// `Errors`, as SCIM 1.1 had it.
    pub fn parse(body: &Value) -> Option<Self> {
        let body = body.as_object()?;
        let first = member(body, "Errors").and_then(Value::as_array).and_then(|errors| errors.first());
        let body = first.and_then(Value::as_object).unwrap_or(body);
        let status = ["status", "code"].into_iter().find_map(|name| member(body, name).and_then(count));
        let found = Self {
            status: status.and_then(|status| u16::try_from(status).ok()),
            scim_type: text(body, "scimType"),
            detail: ["detail", "description", "message"].into_iter().find_map(|name| text(body, name)),
        };
        (found != Self::default()).then_some(found)
    }

    /// The message.
    pub fn to_value(&self) -> Value {
        let mut body = Map::from_iter([("schemas".to_owned(), json!([ERROR]))]);
        let status = self.status.map(|status| status.to_string());
        let parts = [("status", &status), ("scimType", &self.scim_type), ("detail", &self.detail)];
        for (name, value) in parts {
            if let Some(value) = value {
                body.insert(name.to_owned(), Value::from(value.as_str()));
            }
        }
        Value::Object(body)
    }
}

/// What a service says that it can do (RFC 7643 section 5).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServiceConfig {
    /// PATCH.
    pub patch: bool,
    /// Filters.
    pub filter: bool,
    /// The most resources of one answer.
    pub max_results: Option<usize>,
    /// The most operations of a bulk request; none when it takes none.
    pub bulk: Option<usize>,
    /// The largest bulk request, in octets.
    pub max_payload: Option<usize>,
    /// Versions of resources by ETag.
    pub etag: bool,
}

impl ServiceConfig {
    /// Reads it; what is not said is not supported.
    pub fn parse(body: &Value) -> Result<Self, ScimError> {
        let fault = ScimError::Message { message: "ServiceProviderConfig", cause: "not an object" };
        let body = body.as_object().ok_or(fault)?;
        let part = |name: &str| member(body, name).and_then(Value::as_object);
        let has = |name: &str| {
            part(name).and_then(|part| member(part, "supported")).and_then(boolean) == Some(true)
        };
        let number = |name: &str, key: &str| part(name).and_then(|part| member(part, key)).and_then(count);
        Ok(Self {
            patch: has("patch"),
            filter: has("filter"),
            max_results: number("filter", "maxResults").filter(|most| *most > 0),
            bulk: number("bulk", "maxOperations").filter(|_| has("bulk")),
            max_payload: number("bulk", "maxPayloadSize").filter(|most| *most > 0),
            etag: has("etag"),
        })
    }
}

/// A kind of resource (RFC 7643 section 6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceType {
    /// Its name: `User`.
    pub name: String,
    /// Its endpoint below the base URL, without slashes at its ends: `Users`.
    pub endpoint: String,
    /// The URN of its schema.
    pub schema: Option<String>,
    /// The URNs of extensions.
    pub extensions: Vec<String>,
}

impl ResourceType {
    /// Reads `/ResourceTypes`: a ListResponse, or a bare list as some services answer.
    pub fn parse_all(body: Value) -> Result<Vec<Self>, ScimError> {
        let resources = match body {
            Value::Array(resources) => resources,
            body => ListResponse::parse(body)?.resources,
        };
        let fault = ScimError::Message { message: "ResourceType", cause: "without name and endpoint" };
        resources.iter().map(|resource| Self::parse(resource).ok_or_else(|| fault.clone())).collect()
    }

    fn parse(resource: &Value) -> Option<Self> {
        let resource = resource.as_object()?;
        let endpoint = text(resource, "endpoint")?;
        let extensions = member(resource, "schemaExtensions").and_then(Value::as_array);
        let urn = |extension: &Value| text(extension.as_object()?, "schema");
        Some(Self {
            name: text(resource, "name").or_else(|| text(resource, "id"))?,
            endpoint: endpoint.trim_matches('/').to_owned(),
            schema: text(resource, "schema"),
            extensions: extensions.into_iter().flatten().filter_map(urn).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_and_written() {
        let page = ListResponse { total: 3, start: Some(2), resources: vec![json!({"id": "1"})] };
        assert_eq!(ListResponse::parse(page.to_value()), Ok(page.clone()));
        let loose = json!({"TotalResults": "3", "startindex": 2, "resources": [{"id": "1"}]});
        assert_eq!(ListResponse::parse(loose), Ok(page));
        let empty = ListResponse { total: 0, start: None, resources: vec![] };
        assert_eq!(ListResponse::parse(json!({"totalResults": 0})), Ok(empty));
        for wrong in [
            json!([]),
            json!({"Resources": []}),
            json!({"totalResults": -1}),
            json!({"totalResults": 1, "Resources": {}}),
        ] {
            assert!(ListResponse::parse(wrong.clone()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn errors_are_read_and_written() {
        let error = ErrorBody {
            status: Some(409),
            scim_type: Some("uniqueness".to_owned()),
            detail: Some("taken".to_owned()),
        };
        let wanted =
            json!({"schemas": [ERROR], "status": "409", "scimType": "uniqueness", "detail": "taken"});
        assert_eq!(error.to_value(), wanted);
        for body in [
            wanted,
            json!({"status": 409, "SCIMTYPE": "uniqueness", "Detail": "taken"}),
            json!({"Errors": [{"code": "409", "scimType": "uniqueness", "description": "taken"}]}),
        ] {
            assert_eq!(ErrorBody::parse(&body), Some(error.clone()), "{body}");
        }
        assert_eq!(
            [json!({}), json!("x"), json!({"detail": 5})].map(|body| ErrorBody::parse(&body)),
            [None, None, None]
        );
    }

    #[test]
    fn abilities_are_read() {
        let body = json!({
            "patch": {"supported": true}, "bulk": {"supported": false, "maxOperations": 100},
            "FILTER": {"Supported": "True", "maxResults": "200"}, "etag": {},
        });
        let wanted =
            ServiceConfig { patch: true, filter: true, max_results: Some(200), ..Default::default() };
        assert_eq!(ServiceConfig::parse(&body), Ok(wanted));
        let bulk = |bulk: Value| {
            let config = ServiceConfig::parse(&json!({ "bulk": bulk })).unwrap();
            (config.bulk, config.max_payload)
        };
        let takes = json!({"supported": true, "maxOperations": "50", "maxPayloadSize": 4096});
        assert_eq!(bulk(takes), (Some(50), Some(4096)));
        assert_eq!(bulk(json!({"supported": true, "maxPayloadSize": 0})), (None, None));
        assert!(ServiceConfig::parse(&json!("x")).is_err());
        let user = json!({"name": "User", "endpoint": "/Users", "schema": "urn:a",
            "schemaExtensions": [{"schema": "urn:b", "required": true}]});
        let wanted = ResourceType {
            name: "User".to_owned(),
            endpoint: "Users".to_owned(),
            schema: Some("urn:a".to_owned()),
            extensions: vec!["urn:b".to_owned()],
        };
        assert_eq!(ResourceType::parse_all(json!([user])), Ok(vec![wanted.clone()]));
        assert_eq!(
            ResourceType::parse_all(json!({"totalResults": 1, "Resources": [user]})),
            Ok(vec![wanted])
        );
        assert!(ResourceType::parse_all(json!([{"name": "User"}])).is_err());
    }
}
