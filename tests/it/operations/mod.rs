//! What whoever runs the server does and sees: start, stop, logs, metadata dropped into the folder, `check`
//! (`security.md` 9 and 10).

mod check;
mod log;
mod metadata;
mod ready;
mod start;
mod stop;
mod tls;
