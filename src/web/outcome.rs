//! Turns what `sso` decided into HTTP: the one place for all endpoints that ask it.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::sso::{Outcome, Refused, Sentence};

use super::error::{Failure, WebError};
use super::login;
use super::messages::{self, Notice};
use super::views;
use super::visit::Visit;

/// The answer to the browser.
pub(crate) fn answer(visit: &Visit<'_>, outcome: Outcome) -> HttpResponse {
    match outcome {
        Outcome::Respond(form) => {
            let nonce = visit.app.ids.token();
            views::post(&visit.frame(None), &form, &nonce)
        }
        Outcome::Refer(url) => visit.away(&url),
        // Nothing that a browser could ask for has an envelope as its answer.
        Outcome::Envelope(_) => visit.error(&WebError::Answer("an envelope for a browser")),
        Outcome::Login { pending } if visit.has_tried_ticket() => {
            visit.see_other(&login::form_path(visit, Some(&pending)))
        }
        Outcome::Login { pending } => visit.see_other(&format!("/login?pending={pending}")),
        Outcome::Refused(refused) => refuse(visit, &refused),
        Outcome::Stale { sp, names } => {
            let mut page = views::stale(&visit.frame(None), &names, init_path(&sp));
            page.extensions_mut().insert(Failure { code: Sentence::Stale.code(), cause: String::new() });
            page
        }
    }
}

/// The path that starts an IdP-initiated sign-on.
pub(crate) fn init_path(sp: &str) -> String {
    format!("/saml/sso/init?sp={}", utf8_percent_encode(sp, NON_ALPHANUMERIC))
}

/// The page of a refusal.
pub(crate) fn refuse(visit: &Visit<'_>, refused: &Refused) -> HttpResponse {
    let (sentence, code) = (refused.sentence, refused.sentence.code());
    let status = StatusCode::from_u16(sentence.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let notice = Notice { status: sentence.status(), code, words: messages::sentence(sentence), more: None };
    let page = views::Failed { status, notice, names: refused.names.as_ref(), retry: None };
    let mut answer = page.answer(&visit.frame(None));
    answer.extensions_mut().insert(Failure { code, cause: String::new() });
    answer
}
