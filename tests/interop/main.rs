//! Real service providers and a real browser against the real binary: mod_auth_mellon under apache, SimpleSAMLphp,
//! headless Chromium. Each test drives one of them through a whole sign-in.
#![expect(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first thing that is not as it must be"
)]

mod chromium;
mod mellon;
mod sign_in;
mod simplesamlphp;
#[path = "../it/support/mod.rs"]
#[expect(dead_code, reason = "the rigs use a part of it")]
mod support;
mod walk;
