//! The integration tests: one binary, folders as in the URL map of `src/web/routes.rs`.
#![expect(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test stops at the first thing that is not as it must be"
)]

mod architecture;
mod authproc;
mod cli;
mod config;
mod directory;
mod faults;
mod manual;
mod operations;
mod password;
mod registry;
mod saas;
mod saml;
mod sso;
mod store;
#[expect(dead_code, reason = "a rig has more than today's tests use")]
mod support;
mod sync;
mod web;
