//! Members: ids become DNs, and go out in chunks.
//!
//! What is in already may be added and what is out may be removed; a server that minds is asked what it has, and sent the
//! difference. A group that must not be empty keeps the placeholder as long as it has nobody else.

use std::collections::{HashMap, HashSet};

use super::LdapTarget;
use super::entry::{Known, is_placeholder};
use super::fault::{During, refused, told};
use super::options::Shape;
use super::wanted::{Members, Membership};
use crate::directory::dn::Dn;
use crate::directory::write::{Modification, Reading, WriteFault, equality};
use crate::identity::Value;
use crate::sync::target::TargetFault;

/// DNs in one filter.
const BATCH: usize = 100;

/// How many ids a fault names.
const NAMED: usize = 5;

/// The DNs of ids, and the ids of no entry.
pub(super) struct Resolved {
    pub(super) dns: Vec<String>,
    missing: Vec<String>,
}

impl Resolved {
    /// A fault where there is anybody missing.
    pub(super) fn complete(&self) -> Result<(), TargetFault> {
        if self.missing.is_empty() {
            return Ok(());
        }
        let named: Vec<&str> = self.missing.iter().take(NAMED).map(String::as_str).collect();
        let detail = format!("{} of the members are not there: {}", self.missing.len(), named.join(", "));
        Err(refused(32, detail))
    }
}

impl LdapTarget {
    /// The entries with these ids, wherever they are below the bases.
    pub(super) async fn resolved(&self, ids: &[String]) -> Result<Resolved, TargetFault> {
        let mut found: HashMap<String, String> = HashMap::new();
        let mut missing: Vec<String> = ids.iter().map(|id| id.to_ascii_lowercase()).collect();
        for base in &self.roots {
            if missing.is_empty() {
                break;
            }
            let reading = Reading {
                base: base.clone(),
                filter: "(objectClass=*)".to_owned(),
                attributes: vec!["1.1".to_owned()],
                limit: 0,
            };
            let entries = self.writer.by_ids(&reading, &missing).await;
            let entries = entries.map_err(|fault| told(&fault, During::Reading))?;
            found.extend(entries.into_iter().map(|entry| (entry.id, entry.dn)));
            missing.retain(|id| !found.contains_key(id));
        }
        Ok(Resolved { dns: found.into_values().collect(), missing })
    }

    /// Learns the ids of entries by their DNs; one that is nowhere below the bases has none.
    pub(super) async fn identified(
        &self,
        dns: HashSet<String>,
        shape: &Shape,
        known: &mut Known,
    ) -> Result<(), TargetFault> {
        let attribute = if shape.is_active_directory() { "distinguishedName" } else { "entryDN" };
        let mut new: Vec<String> = dns.into_iter().collect();
        new.retain(|dn| known.is_new(dn));
        for batch in new.chunks(BATCH) {
            let mut filter = "(|".to_owned();
            for test in batch.iter().filter_map(|dn| equality(attribute, dn)) {
                filter.push_str(&test);
            }
            filter.push(')');
            for base in &self.roots {
                let (base, filter) = (base.clone(), filter.clone());
                let reading = Reading { base, filter, attributes: vec!["1.1".to_owned()], limit: 0 };
                let found = self.writer.search(&reading).await;
                for entry in found.map_err(|fault| told(&fault, During::Reading))? {
                    known.learn(&entry.dn, Some(entry.id));
                }
            }
            for dn in batch {
                known.learn(dn, None);
            }
        }
        Ok(())
    }

    /// Changes the members of one attribute.
    pub(super) async fn change_members(
        &self,
        dn: &str,
        members: &Members,
        shape: &Shape,
    ) -> Result<(), TargetFault> {
        let resolved = self.resolved(&members.ids).await?;
        let path = members.path.as_str();
        match members.change {
            Membership::Join => {
                self.join(dn, path, &resolved.dns, shape).await?;
                // Those who are there are in; that others are not is told.
                resolved.complete()
            }
            // Who is gone is no member that could be named.
            Membership::Leave => self.leave(dn, path, &resolved.dns, shape).await,
            Membership::All => {
                let held = self.members_of(dn, path).await?;
                let wanted: HashSet<Option<Dn>> = resolved.dns.iter().map(|dn| Dn::parse(dn)).collect();
                let out = held.iter().filter(|held| !wanted.contains(&Dn::parse(held)));
                let out = out.filter(|held| !is_placeholder(&Value::from(held.as_str()), shape));
                let out: Vec<String> = out.cloned().collect();
                let held: HashSet<Option<Dn>> = held.iter().map(|dn| Dn::parse(dn)).collect();
                let new = resolved.dns.iter().filter(|dn| !held.contains(&Dn::parse(dn)));
                let new: Vec<String> = new.cloned().collect();
                self.join(dn, path, &new, shape).await?;
                self.leave(dn, path, &out, shape).await?;
                resolved.complete()
            }
        }
    }

    async fn join(&self, dn: &str, path: &str, dns: &[String], shape: &Shape) -> Result<(), TargetFault> {
        for (at, chunk) in dns.chunks(self.options.chunk.max(1)).enumerate() {
            let mut changes = vec![Modification::Add(path.to_owned(), texts(chunk))];
            if let Some(placeholder) = shape.placeholder.as_ref().filter(|_| at == 0) {
                changes.push(Modification::Remove(path.to_owned(), vec![placeholder.as_str().into()]));
            }
            self.carry(dn, path, changes).await?;
        }
        Ok(())
    }

    async fn leave(&self, dn: &str, path: &str, dns: &[String], shape: &Shape) -> Result<(), TargetFault> {
        for chunk in dns.chunks(self.options.chunk.max(1)) {
            let out = Modification::Remove(path.to_owned(), texts(chunk));
            match self.carry(dn, path, vec![out.clone()]).await {
                // objectClassViolation: that was the last one.
                Err(fault) if fault.code == 65 => {
                    let Some(placeholder) = &shape.placeholder else { return Err(fault) };
                    let kept = Modification::Add(path.to_owned(), vec![placeholder.as_str().into()]);
                    self.carry(dn, path, vec![kept, out]).await?;
                }
                other => other?,
            }
        }
        Ok(())
    }

    /// One request, and another with only what is not so yet where the server minds.
    async fn carry(&self, dn: &str, path: &str, changes: Vec<Modification>) -> Result<(), TargetFault> {
        match self.writer.modify(dn, &changes).await {
            // noSuchAttribute, attributeOrValueExists, entryAlreadyExists, unwillingToPerform
            Err(WriteFault::Refused { code: 16 | 20 | 53 | 68, .. }) => {
                let held = self.members_of(dn, path).await?;
                let held: HashSet<Option<Dn>> = held.iter().map(|dn| Dn::parse(dn)).collect();
                let rest = changes.into_iter().map(|change| differing(change, &held)).collect::<Vec<_>>();
                self.writer.modify(dn, &rest).await
            }
            other => other,
        }
        .map_err(|fault| told(&fault, During::Changing))
    }

    async fn members_of(&self, dn: &str, path: &str) -> Result<Vec<String>, TargetFault> {
        let entry = self.writer.read(dn, &[path.to_owned()]).await;
        let entry = entry.map_err(|fault| told(&fault, During::Reading))?;
        let values = entry.iter().flat_map(|entry| entry.values(path)).filter_map(Value::as_text);
        Ok(values.map(str::to_owned).collect())
    }
}

fn texts(dns: &[String]) -> Vec<Value> {
    dns.iter().map(|dn| dn.as_str().into()).collect()
}

/// What of a change is not so yet.
fn differing(change: Modification, held: &HashSet<Option<Dn>>) -> Modification {
    let is_held = |value: &Value| held.contains(&value.as_text().and_then(Dn::parse));
    match change {
        Modification::Add(path, values) => {
            Modification::Add(path, values.into_iter().filter(|value| !is_held(value)).collect())
        }
        Modification::Remove(path, values) => {
            Modification::Remove(path, values.into_iter().filter(is_held).collect())
        }
        replace @ Modification::Replace(..) => replace,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_not_so_yet_is_sent_again() {
        let held = HashSet::from([Dn::parse("uid=A,dc=x")]);
        let both = || vec![Value::from("UID=a, dc=x"), Value::from("uid=b,dc=x")];
        let path = || "member".to_owned();
        assert_eq!(
            differing(Modification::Add(path(), both()), &held),
            Modification::Add(path(), vec!["uid=b,dc=x".into()])
        );
        assert_eq!(
            differing(Modification::Remove(path(), both()), &held),
            Modification::Remove(path(), vec!["UID=a, dc=x".into()])
        );
    }
}
