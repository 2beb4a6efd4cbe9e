//! `GET /healthz` (the process answers) and `/readyz` (it can sign people in). What is wrong is in the log, not here.

use std::time::Duration;

use actix_web::http::header::ContentType;
use actix_web::{HttpResponse, rt, web};
use tokio::sync::Mutex;

use crate::app::App;

/// The directories are asked at most this often, however often we are.
const FRESH: Duration = Duration::from_secs(5);
const PATIENCE: Duration = Duration::from_secs(2);

/// The last answer of `/readyz`.
#[derive(Debug, Default)]
pub(crate) struct Readiness(Mutex<Option<(std::time::Instant, bool)>>);

/// `GET /healthz`
pub(crate) async fn alive() -> HttpResponse {
    HttpResponse::Ok().content_type(ContentType::plaintext()).body("alive\n")
}

/// `GET /readyz`
pub(crate) async fn ready(app: web::Data<App>, readiness: web::Data<Readiness>) -> HttpResponse {
    let mut last = readiness.0.lock().await;
    let ready = match *last {
        Some((when, ready)) if when.elapsed() < FRESH => ready,
        _ => probe(&app).await,
    };
    if last.is_none_or(|(when, _)| when.elapsed() >= FRESH) {
        *last = Some((std::time::Instant::now(), ready));
    }
    let (mut answer, word) = if ready {
        (HttpResponse::Ok(), "ready\n")
    } else {
        (HttpResponse::ServiceUnavailable(), "not ready\n")
    };
    answer.content_type(ContentType::plaintext()).body(word)
}

/// The store answers, and at least one directory does (the others may be down: their people get 503, nobody else).
async fn probe(app: &App) -> bool {
    if let Err(error) = app.store.ping().await {
        tracing::error!(error.cause = %error, "not ready: the store does not answer");
        return false;
    }
    let mut one_answers = false;
    for directory in app.sign_in.directories() {
        match rt::time::timeout(PATIENCE, directory.probe()).await {
            Ok(Ok(())) => one_answers = true,
            Ok(Err(error)) => {
                tracing::warn!(directory = directory.name(), error.cause = %error, "probe failed");
            }
            Err(_) => tracing::warn!(directory = directory.name(), "probe: no answer in 2 s"),
        }
    }
    one_answers
}
