//! `sekisho hash-password`: a password from standard input, its argon2id hash to standard output, for `people.toml`.

use std::io::{self, BufRead, IsTerminal, Write};

use argon2::password_hash::{PasswordHasher, SaltString};

use super::Failure;
use crate::clock::{Ids, RandomIds};
use crate::secret::Secret;

/// Asks twice on a terminal without showing what is typed; else takes the first line.
pub(super) fn run(out: &mut dyn Write) -> Result<(), Failure> {
    let password = read_password()?;
    if password.expose().trim().is_empty() {
        return Err(Failure::Usage("the password is empty; write it to standard input".to_owned()));
    }
    writeln!(out, "{}", hash(&password)?)?;
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
    let mut line = zeroize::Zeroizing::new(String::new());
    io::stdin().lock().read_line(&mut line)?;
    let text = line.strip_suffix('\n').unwrap_or(&line);
    Ok(Secret::new(text.strip_suffix('\r').unwrap_or(text).to_owned()))
}

/// The argon2id hash in PHC form.
pub(super) fn hash(password: &Secret<String>) -> Result<String, Failure> {
    let mut salt = [0; 16];
    RandomIds.fill(&mut salt);
    let salt = SaltString::encode_b64(&salt).map_err(anyhow::Error::new)?;
    let hash = argon2::Argon2::default().hash_password(password.expose().as_bytes(), &salt);
    Ok(hash.map_err(anyhow::Error::new)?.to_string())
}
