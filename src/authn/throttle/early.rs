//! Refusals before a directory is asked.
//!
//! A refusal is remembered by name and, where the address was its cause, by address. The next try of either is judged
//! by the store before any search, so that refused tries cost the directory nothing. Who was not refused lately pays
//! nothing either. An address that is used up is still let through to the search under a name that signed in there
//! before; whose name it is, and whether the one try is still there, is judged after the search, once.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::keys::{Keys, Name};
use super::{REMEMBERED, Throttle, Watch};
use crate::store::StoreError;

/// What was refused lately.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    /// The account and the person that a name turned out to be.
    names: HashMap<String, (String, String)>,
    addresses: HashSet<String>,
}

impl Refusals {
    pub(super) fn note(&mut self, keys: &Keys, address_is_spent: bool) {
        if self.names.len() >= REMEMBERED {
            self.names.clear();
        }
        self.names.insert(keys.name.typed.clone(), (keys.account().clone(), keys.who.clone()));
        if address_is_spent {
            if self.addresses.len() >= REMEMBERED {
                self.addresses.clear();
            }
            self.addresses.insert(keys.name.address.clone());
        }
    }

    /// What this try would count against, when its name or its address was refused.
    fn concerned(&self, name: &Arc<Name>) -> Option<Keys> {
        if let Some((account, who)) = self.names.get(&name.typed) {
            return Some(Keys::of(name, account.clone(), who.clone()));
        }
        self.addresses.contains(&name.address).then(|| Keys::new(name, None))
    }

    fn forget(&mut self, keys: &Keys, address_is_spent: bool) {
        self.names.remove(&keys.name.typed);
        if !address_is_spent {
            self.addresses.remove(&keys.name.address);
        }
    }
}

impl Throttle {
    /// Whether this try is refused whatever the directory would say of the name. Tries under way may turn out right and
    /// do not count here.
    pub(in crate::authn) async fn refuses(&self, name: &Arc<Name>) -> Result<bool, StoreError> {
        let concerned = self.book().refusals.concerned(name);
        let Some(keys) = concerned else { return Ok(false) };
        let watch = Watch::new(self, &keys.all);
        let (stored, known) = self.look_up(&watch, &keys, None).await?;
        let mut book = self.book();
        let settled = book.settled(&watch, &stored, self.since());
        if self.judge(&settled, known).is_none() {
            return Ok(true);
        }
        book.refusals.forget(&keys, self.is_spent(&settled));
        Ok(false)
    }
}
