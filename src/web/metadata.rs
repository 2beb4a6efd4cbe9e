//! `GET /saml/metadata`: what this identity provider tells of itself (saml-metadata 4.1.1).
//!
//! SPs ask again and again: one that has the document already is told so by 304.

use std::time::SystemTime;

use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_TYPE, ETag, EntityTag, Header, HttpDate, IfModifiedSince, IfNoneMatch,
    LastModified,
};
use actix_web::{HttpRequest, HttpResponse, web};

use crate::app::{App, Document};

use super::error::WebError;
use super::visit::Visit;

/// The endpoint. `?sp=ENTITYID` is for an SP for which a key of its own signs.
pub(crate) async fn show(app: web::Data<App>, request: HttpRequest) -> HttpResponse {
    let visit = Visit::of(&app, &request);
    let document = match visit.query().map(|query| query.filled("sp").map(|sp| app.metadata_for(sp))) {
        Ok(None) => Ok(app.metadata()),
        Ok(Some(Ok(Some(document)))) => Ok(document),
        Ok(Some(Ok(None))) => Err(WebError::NotFound),
        Ok(Some(Err(error))) => {
            tracing::error!("{error:#}");
            Err(WebError::Answer("metadata that no key signs"))
        }
        Err(error) => Err(error),
    };
    document.map_or_else(|error| visit.error(&error), |document| answer(&request, &document))
}

fn answer(request: &HttpRequest, document: &Document) -> HttpResponse {
    // Weak: each node has its own signature where the key is an elliptic curve.
    let tag = EntityTag::new_weak(document.id.clone());
    let signed_at = HttpDate::from(SystemTime::from(document.signed_at));
    let known = is_known(request, &tag, signed_at);
    let mut response = if known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response
        .insert_header((CACHE_CONTROL, "public, max-age=300"))
        .insert_header(ETag(tag))
        .insert_header(LastModified(signed_at));
    if known {
        return response.finish();
    }
    response.insert_header((CONTENT_TYPE, "application/samlmetadata+xml")).body(document.xml.clone())
}

/// RFC 9110 13.2.2: If-Modified-Since counts only where If-None-Match is absent.
fn is_known(request: &HttpRequest, tag: &EntityTag, signed_at: HttpDate) -> bool {
    if request.headers().contains_key(IfNoneMatch::name()) {
        return match IfNoneMatch::parse(request) {
            Ok(IfNoneMatch::Any) => true,
            Ok(IfNoneMatch::Items(tags)) => tags.iter().any(|held| held.weak_eq(tag)),
            Err(_) => false,
        };
    }
    IfModifiedSince::parse(request).is_ok_and(|IfModifiedSince(held)| signed_at <= held)
}
