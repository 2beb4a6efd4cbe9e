//! The one integration binary; its folders mirror the parts of the program.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends at the first surprise")]

mod directory;
mod support;
