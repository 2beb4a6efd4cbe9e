//! Making an entry. In Active Directory an account is made disabled, gets its password, and is enabled then; one that
//! gets no further than half-way is removed again.

use super::LdapTarget;
use super::active_directory::{USER_PARAMETERS, fill, first_flags, with_terminal};
use super::change::account_flags;
use super::fault::{During, refused, told};
use super::options::{Disabling, Shape};
use super::wanted::{Members, Membership, Place, Wanted};
use crate::directory::write::{Extent, Modification, Rdn, WriteFault};
use crate::identity::Value;
use crate::secret::Secret;
use crate::sync::target::{FaultKind, TargetFault, TargetObject};

/// Attributes that a new password changes: they are set after it.
const AFTER_PASSWORD: &str = "pwdLastSet";

/// A new entry.
struct New {
    dn: String,
    attributes: Vec<(String, Vec<Value>)>,
    password: Option<Secret<String>>,
    /// What is set when it has its password.
    afterwards: Vec<Modification>,
    /// Members that do not fit into the first request.
    rest: Vec<Members>,
}

impl LdapTarget {
    /// Makes what is wanted, and tells what it has become.
    pub(super) async fn made(&self, wanted: Wanted, shape: &Shape) -> Result<TargetObject, TargetFault> {
        let new = self.prepared(wanted, shape).await?;
        let added = self.writer.add(&new.dn, &new.attributes).await;
        added.map_err(|fault| told(&fault, During::Making))?;
        if let Err(fault) = self.finished(&new).await {
            return Err(self.undone(&new.dn, &fault).await);
        }
        for members in &new.rest {
            self.change_members(&new.dn, members, shape).await?;
        }
        let entry = self.writer.read(&new.dn, &shape.read()).await;
        // It is there, and only its id is not known: whoever asks finds it.
        let unknown =
            |detail: String| TargetFault { kind: FaultKind::Unknown, code: 81, detail, retry_after: None };
        let entry = entry.map_err(|fault| unknown(fault.to_string()))?;
        let object = match entry {
            Some(entry) => self.object_at(entry, shape).await.map_err(|fault| unknown(fault.detail))?,
            None => None,
        };
        object.ok_or_else(|| unknown(format!("\"{}\" was made and cannot be read", new.dn)))
    }

    async fn prepared(&self, mut wanted: Wanted, shape: &Shape) -> Result<New, TargetFault> {
        let nameless = || refused(65, format!("there is no value for {}, which names the entry", shape.rdn));
        let name = wanted.name.take().ok_or_else(nameless)?;
        let parent = self.place(wanted.parent.as_ref().unwrap_or(&Place::Base), shape).await?;
        let rdn = Rdn::new(shape.rdn.clone(), name.clone());
        let dn = rdn.below(&parent);
        self.refer(&mut wanted.attributes).await?;
        if wanted.take(&shape.rdn).is_none_or(|values| values.is_empty()) {
            wanted.attributes.push((shape.rdn.clone(), vec![name.as_str().into()]));
        }
        wanted.attributes.push(("objectClass".to_owned(), classes(&wanted, shape)));
        let mut afterwards = Vec::new();
        if shape.is_active_directory() {
            fill(shape, &name, &mut wanted.attributes);
            if let Some(values) = with_terminal(&mut wanted, None)? {
                wanted.attributes.push((USER_PARAMETERS.to_owned(), values));
            }
            let has_password = wanted.password.is_some();
            if let Some(values) = if has_password { wanted.take(AFTER_PASSWORD) } else { None } {
                afterwards.push(Modification::Replace(AFTER_PASSWORD.to_owned(), values));
            }
        }
        match &shape.disabling {
            Disabling::AccountControl => {
                let given = account_flags(&mut wanted)?;
                let (first, last) = first_flags(given, wanted.active.unwrap_or(true));
                let value = |flags: i64| vec![Value::from(flags.to_string())];
                wanted.attributes.push(("userAccountControl".to_owned(), value(first)));
                if first != last {
                    afterwards.push(Modification::Replace("userAccountControl".to_owned(), value(last)));
                }
            }
            Disabling::Attribute { name, disabled, enabled } => {
                let value = if wanted.active == Some(false) { Some(disabled) } else { enabled.as_ref() };
                wanted.attributes.extend(value.map(|value| (name.clone(), vec![value.as_str().into()])));
            }
            Disabling::Nothing => {}
        }
        let rest = self.first_members(&mut wanted, shape).await?;
        Ok(New { dn, attributes: wanted.attributes, password: wanted.password, afterwards, rest })
    }

    /// Puts as many members into the first request as it takes, or the placeholder where there are none.
    async fn first_members(&self, wanted: &mut Wanted, shape: &Shape) -> Result<Vec<Members>, TargetFault> {
        let mut first = Vec::new();
        let mut rest = Vec::new();
        for mut members in std::mem::take(&mut wanted.members) {
            let later = members.ids.split_off(members.ids.len().min(self.options.chunk.max(1)));
            let resolved = self.resolved(&members.ids).await?;
            resolved.complete()?;
            first.extend(resolved.dns);
            if !later.is_empty() {
                rest.push(Members { path: members.path, change: Membership::Join, ids: later });
            }
        }
        if first.is_empty() {
            first.extend(shape.placeholder.clone());
        }
        let values = first.iter().map(|dn| Value::from(dn.as_str())).collect();
        wanted.attributes.push((shape.member.clone(), values));
        Ok(rest)
    }

    async fn finished(&self, new: &New) -> Result<(), WriteFault> {
        if let Some(password) = &new.password {
            self.writer.set_password(&new.dn, password).await?;
        }
        if new.afterwards.is_empty() { Ok(()) } else { self.writer.modify(&new.dn, &new.afterwards).await }
    }

    /// Removes what was made by halves, but not where nobody knows how far it came.
    async fn undone(&self, dn: &str, fault: &WriteFault) -> TargetFault {
        let mut told = told(fault, During::Making);
        if fault.code().is_none() {
            told.kind = FaultKind::Unknown;
            return told;
        }
        if let Err(cause) = self.writer.delete(dn, Extent::Leaf).await {
            told.detail = format!("{}; the entry stays as it was made ({cause})", told.detail);
        }
        told
    }
}

fn classes(wanted: &Wanted, shape: &Shape) -> Vec<Value> {
    let auxiliary = wanted.classes.as_ref().unwrap_or(&shape.auxiliary);
    let mut all: Vec<&String> = Vec::new();
    for class in shape.classes.iter().chain(auxiliary) {
        if !all.iter().any(|held| held.eq_ignore_ascii_case(class)) {
            all.push(class);
        }
    }
    all.into_iter().map(|class| Value::from(class.as_str())).collect()
}
