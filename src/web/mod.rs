//! HTTP: turns requests into calls of the use cases and their outcomes into pages. No decision is made here.
//!
//! [`routes`] is the URL map; each endpoint has its file. [`routes::application`] is what a server worker runs and
//! [`server::bind`] what `sekisho serve` starts, [`admin::bind`] beside it. A handler makes a `visit::Visit` of the request first: language,
//! request id, client address, session. `access_log` runs around every request.

pub mod admin;
pub mod routes;
pub mod server;
mod site;
mod slo;
mod soap;
pub mod tls;

mod access_log;
mod agent;
mod assets;
mod client_address;
mod cookie;
mod csrf;
mod error;
mod form;
mod headers;
mod language;
mod messages;
mod outcome;
mod request_id;
mod text;
mod views;
mod visit;

mod certificate;
mod health;
mod home;
mod init;
mod integrated;
mod login;
mod logout;
mod metadata;
mod password;
mod password_api;
mod password_text;
mod resume;
mod sessions;
mod sso;
pub mod test_sp;

pub use site::{ApiDoor, Endpoint, Site};
