//! Real service providers and a real browser against the real binary: mod_auth_mellon and Shibboleth SP under apache,
//! SimpleSAMLphp, python3-saml; headless Chromium. [`matrix`] signs people on and out at each of them by every way
//! that it has.
#![expect(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first thing that is not as it must be"
)]

mod cell;
mod chromium;
mod ecp;
mod integrated;
mod logout;
mod matrix;
mod password;
mod rig;
#[path = "../it/support/mod.rs"]
#[expect(dead_code, reason = "the rigs use a part of it")]
mod support;
mod walk;
