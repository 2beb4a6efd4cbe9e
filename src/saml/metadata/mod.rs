//! stub
pub mod sp;
