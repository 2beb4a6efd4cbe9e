//! The manual: documentation only, read by `cargo doc`.

pub mod attacks;
pub mod configuration;
