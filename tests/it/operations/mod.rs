//! What whoever runs the server does and sees: start, stop, logs, metadata dropped into the folder, `check`.

mod admin;
mod check;
mod keys;
mod log;
mod metadata;
mod ready;
mod start;
mod stop;
mod tls;
