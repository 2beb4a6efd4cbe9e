//! [`bind`]: the listener for administrators, on an address of its own and in plain HTTP: `/metrics`, `/healthz`, and
//! `/readyz` with what is wrong. It knows neither people nor messages.

use std::net::SocketAddr;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::{HttpResponse, HttpServer, web};

use super::health;
use crate::app::App;

/// Those who ask are few.
const CONNECTIONS: usize = 64;
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Binds the address. The server does not heed signals: whoever runs it ends it.
pub fn bind(app: web::Data<App>, address: SocketAddr) -> std::io::Result<Server> {
    let application = move || {
        actix_web::App::new()
            .app_data(app.clone())
            .app_data(web::Data::new(health::Readiness::default()))
            .route("/metrics", web::get().to(metrics))
            .route("/healthz", web::get().to(health::alive))
            .route("/readyz", web::get().to(health::ready_in_detail))
    };
    let server = HttpServer::new(application)
        .workers(1)
        .max_connections(CONNECTIONS)
        .keep_alive(Duration::from_secs(75))
        .client_request_timeout(Duration::from_secs(10))
        .client_disconnect_timeout(Duration::from_secs(2))
        .disable_signals()
        .bind(address)?;
    Ok(server.run())
}

/// `GET /metrics`
async fn metrics(app: web::Data<App>) -> HttpResponse {
    match app.metrics().await {
        Ok(text) => HttpResponse::Ok().content_type(OPEN_METRICS).body(text),
        Err(error) => {
            tracing::error!(error.cause = format!("{error:#}"), "no metrics");
            HttpResponse::ServiceUnavailable().body("the store does not answer\n")
        }
    }
}
