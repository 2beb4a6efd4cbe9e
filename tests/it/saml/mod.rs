//! What `src/saml` reads and writes, judged by implementations that are not ours, and what it must refuse.

mod canonical;
mod encryption;
mod hostile;
mod judges;
mod keys;
mod manual;
mod messages;
mod requests;
mod samael;
mod written;
