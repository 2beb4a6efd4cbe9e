//! libkrb5 takes the place of its keytab from the environment alone, and reads it whenever it likes: so it has to be there
//! before the program has a second thread.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::absolute;
use std::process::Command;

use super::Failure;
use crate::config::Config;

const VARIABLE: &str = "KRB5_KTNAME";

/// Where `integrated.keytab` is set, replaces this process by the same program with the variable that names it, unless
/// it is set so already.
pub(super) fn export(config: &Config) -> Result<(), Failure> {
    let Some(keytab) = config.integrated.as_ref().and_then(|integrated| integrated.keytab()) else {
        return Ok(());
    };
    let mut wanted = OsString::from("FILE:");
    wanted.push(absolute(keytab)?);
    if std::env::var_os(VARIABLE).as_ref() == Some(&wanted) {
        return Ok(());
    }
    let program = std::env::current_exe()?;
    let mut arguments = std::env::args_os();
    let mut command = Command::new(program);
    if let Some(name) = arguments.next() {
        command.arg0(name);
    }
    let cause = command.args(arguments).env(VARIABLE, wanted).exec();
    Err(anyhow::Error::new(cause).context("cannot start anew with the keytab in the environment").into())
}
