//! [`RequestInfo`]: the id that a page, the log and the audit trail share, and where the request came from.
//! Put into every request by [`super::access_log`].

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use actix_web::{HttpMessage, HttpRequest};

/// Made once per request. An id that the client sends is not looked at.
#[derive(Debug, Clone)]
pub(crate) struct RequestInfo {
    /// 16 letters and digits.
    pub(crate) id: Arc<str>,
    /// The client's address.
    pub(crate) address: IpAddr,
}

impl RequestInfo {
    /// That of `request`.
    pub(crate) fn of(request: &HttpRequest) -> Self {
        let held = request.extensions().get::<Self>().cloned();
        held.unwrap_or_else(|| Self { id: Arc::from("-"), address: Ipv4Addr::UNSPECIFIED.into() })
    }
}
