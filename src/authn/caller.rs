//! [`Leave`]: the throttle of the sign-in page for programs that prove a password of their own elsewhere.

use std::net::IpAddr;
use std::sync::Arc;

use super::throttle::{Keys, Name, Permit, Turn};
use super::{AuthnError, PasswordSignIn};
use crate::directory::Login;

/// Leave to try one password. Dropped without a word, the try does not count.
#[derive(Debug)]
pub struct Leave(Permit);

impl PasswordSignIn {
    /// Leave for whoever calls itself `name`, or `None` after too many wrong tries under that name or from that address.
    pub async fn admit(&self, name: &str, address: IpAddr) -> Result<Option<Leave>, AuthnError> {
        let Some(login) = Login::parse(name) else { return Ok(None) };
        let (throttle, name) = (self.throttle(), Arc::new(Name::new(&login, login.as_str(), address)));
        let keys = Arc::new(Keys::new(&name, None));
        if throttle.refuses(&name).await? || matches!(throttle.turn(&keys).await?, Turn::Never) {
            return Ok(None);
        }
        Ok(throttle.admit(&keys, None).await?.map(Leave))
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
