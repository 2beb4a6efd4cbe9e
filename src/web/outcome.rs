//! Turns what `sso` decided into HTTP: the one place for all endpoints that ask it.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::sso::{Outcome, Refused};

use super::error::Failure;
use super::messages;
use super::views;
use super::visit::Visit;

/// The answer to the browser.
pub(crate) fn answer(visit: &Visit<'_>, outcome: Outcome) -> HttpResponse {
    match outcome {
        Outcome::Respond(form) => {
            let nonce = visit.app.ids.request_id();
            views::post(&visit.frame(None), &form, &nonce)
        }
        Outcome::Login { pending } => visit.see_other(&format!("/login?pending={pending}")),
        Outcome::Refused(refused) => refuse(visit, &refused),
        Outcome::Stale { sp, sp_name } => {
            let mut page = views::stale(&visit.frame(None), &sp_name, init_path(&sp));
            page.extensions_mut().insert(Failure { code: "SK-STALE", cause: String::new() });
            page
        }
    }
}

/// The path that starts an IdP-initiated sign-on.
pub(crate) fn init_path(sp: &str) -> String {
    format!("/saml/sso/init?sp={}", utf8_percent_encode(sp, NON_ALPHANUMERIC))
}

fn refuse(visit: &Visit<'_>, refused: &Refused) -> HttpResponse {
    let status = StatusCode::from_u16(refused.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let words = messages::sentence(refused.sentence);
    let mut page = views::error(&visit.frame(None), status, refused.code, words, None);
    page.extensions_mut().insert(Failure { code: refused.code, cause: String::new() });
    page
}
