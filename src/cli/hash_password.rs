//! `sekisho hash-password`: a password from standard input, its argon2id hash to standard output, for `people.toml`.

use std::io::{self, BufRead, IsTerminal, Write};

use super::Failure;
use crate::clock::RandomIds;
use crate::directory::file::hash_password;
use crate::secret::Secret;

/// Asks twice on a terminal without showing what is typed; else takes the first line.
pub(super) fn run(out: &mut dyn Write) -> Result<(), Failure> {
    let password = read_password()?;
    if password.expose().trim().is_empty() {
        return Err(Failure::Usage("the password is empty; write it to standard input".to_owned()));
    }
    writeln!(out, "{}", hash_password(&password, &RandomIds))?;
    Ok(())
}

fn read_password() -> Result<Secret<String>, Failure> {
    if io::stdin().is_terminal() {
        let first = Secret::new(rpassword::prompt_password("password: ")?);
        let second = Secret::new(rpassword::prompt_password("again: ")?);
        if first.expose() != second.expose() {
            return Err(Failure::Usage("the two are not the same; try again".to_owned()));
        }
        return Ok(first);
    }
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    let line = Secret::new(line);
    let text = line.expose();
    let text = text.strip_suffix('\n').unwrap_or(text);
    Ok(Secret::new(text.strip_suffix('\r').unwrap_or(text).to_owned()))
}
