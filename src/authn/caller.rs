//! [`Leave`]: the throttle of the sign-in page for programs that prove a password of their own elsewhere.

use std::net::IpAddr;
use std::sync::Arc;

use tokio::time::Instant;

use super::throttle::{Keys, Name, Permit, Shown, Turn};
use super::{AuthnError, PasswordSignIn};
use crate::directory::{Candidate, Directory, Login};

/// Leave to try one password. Dropped without a word, the try does not count.
#[derive(Debug)]
pub struct Leave(Permit);

impl PasswordSignIn {
    /// Leave for whoever calls itself `name`, or `None` after too many wrong tries under that name or from that address.
    /// `account`: the DN that the password is tried with, and where. Then tries at the sign-in page count here too, and
    /// none is made that could lock the account.
    pub async fn admit(
        &self,
        name: &str,
        address: IpAddr,
        account: Option<(&dyn Directory, &str)>,
    ) -> Result<Option<Leave>, AuthnError> {
        let Some(login) = Login::parse(name) else { return Ok(None) };
        let (throttle, name) = (self.throttle(), Arc::new(Name::new(&login, login.as_str(), address)));
        if throttle.refuses(&name).await? {
            return Ok(None);
        }
        let mut since = Instant::now();
        let mut candidate = find(account).await?;
        let keys = Arc::new(Keys::new(&name, candidate.as_ref().map(|found| found.throttle_key.as_str())));
        match throttle.turn(&keys).await? {
            Turn::Now => {}
            Turn::Waited => {
                // The counters of before the wait are old.
                since = Instant::now();
                candidate = find(account).await?;
            }
            Turn::Never => return Ok(None),
        }
        let shown = candidate.map(|found| Shown::new(&found, since));
        let permit = throttle.admit(&keys, shown).await?;
        Ok(permit.filter(|permit| permit.shielded().is_none()).map(Leave))
    }
}

async fn find(account: Option<(&dyn Directory, &str)>) -> Result<Option<Box<Candidate>>, AuthnError> {
    match account {
        Some((directory, dn)) => Ok(directory.find_by_dn(dn).await?),
        None => Ok(None),
    }
}

impl Leave {
    /// The password was right.
    pub async fn right(self) -> Result<(), AuthnError> {
        Ok(self.0.right().await?)
    }

    /// It was wrong.
    pub async fn wrong(self) -> Result<(), AuthnError> {
        Ok(self.0.wrong().await?)
    }

    /// No answer came, and it may have been counted.
    pub async fn unanswered(self) -> Result<(), AuthnError> {
        Ok(self.0.unanswered().await?)
    }
}
