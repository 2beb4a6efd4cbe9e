//! What `src/web` answers, without a network and without a directory.

mod pages;
mod sso;
