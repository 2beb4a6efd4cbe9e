//! `GET /healthz` (the process answers) and `/readyz` (it can sign people in). What is wrong is in the log, and on the
//! address for administrators, not here.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::http::header::ContentType;
use actix_web::{HttpResponse, HttpResponseBuilder, rt, web};
use serde::Serialize;
use tokio::sync::Mutex;

use crate::app::App;

/// The directories are asked at most this often, however often we are.
const FRESH: Duration = Duration::from_secs(5);
const PATIENCE: Duration = Duration::from_secs(2);
const ANSWERS: &str = "answers";

/// The last answer of `/readyz`.
#[derive(Debug, Default)]
pub(crate) struct Readiness(Mutex<Option<(Instant, Arc<Health>)>>);

/// Who answers, and why others do not.
#[derive(Debug, Serialize)]
struct Health {
    ready: bool,
    store: String,
    directories: BTreeMap<String, String>,
}

impl Readiness {
    async fn look(&self, app: &App) -> Arc<Health> {
        let mut last = self.0.lock().await;
        if let Some((when, health)) = last.as_ref()
            && when.elapsed() < FRESH
        {
            return Arc::clone(health);
        }
        let health = Arc::new(probe(app).await);
        *last = Some((Instant::now(), Arc::clone(&health)));
        health
    }
}

/// `GET /healthz`
pub(crate) async fn alive() -> HttpResponse {
    HttpResponse::Ok().content_type(ContentType::plaintext()).body("alive\n")
}

/// `GET /readyz`
pub(crate) async fn ready(app: web::Data<App>, readiness: web::Data<Readiness>) -> HttpResponse {
    let health = readiness.look(&app).await;
    let word = if health.ready { "ready\n" } else { "not ready\n" };
    answer(&health).content_type(ContentType::plaintext()).body(word)
}

/// `GET /readyz` for administrators.
pub(crate) async fn ready_in_detail(app: web::Data<App>, readiness: web::Data<Readiness>) -> HttpResponse {
    let health = readiness.look(&app).await;
    answer(&health).json(&*health)
}

fn answer(health: &Health) -> HttpResponseBuilder {
    if health.ready { HttpResponse::Ok() } else { HttpResponse::ServiceUnavailable() }
}

/// The store answers, and at least one directory does (the others may be down: their people get 503, nobody else).
async fn probe(app: &App) -> Health {
    let mut health = Health { ready: false, store: ANSWERS.to_owned(), directories: BTreeMap::new() };
    if let Err(error) = app.store.ping().await {
        tracing::error!(error.cause = %error, "not ready: the store does not answer");
        health.store = error.to_string();
        return health;
    }
    for directory in app.sign_in.directories() {
        let name = directory.name();
        let told = match rt::time::timeout(PATIENCE, directory.probe()).await {
            Ok(Ok(())) => {
                health.ready = true;
                ANSWERS.to_owned()
            }
            Ok(Err(error)) => {
                tracing::warn!(directory = name, error.cause = %error, "probe failed");
                error.to_string()
            }
            Err(_) => {
                tracing::warn!(directory = name, "probe: no answer in 2 s");
                "no answer in 2 s".to_owned()
            }
        };
        health.directories.insert(name.to_owned(), told);
    }
    health
}
