//! [`LdapTarget`]: another LDAP directory, Active Directory or OpenLDAP, that objects are carried to.
//!
//! An object's id is its objectGUID or entryUUID, so that it is the same one after a rename or a move. `wanted` has the
//! paths; a change of the name or of the parent is a rename or a move (ModifyDN), never a deletion. `options` says where
//! the types are and what they are made of, `active_directory` what only that has, `user_parameters` what terminal services
//! keep there, `create` makes entries, `members` carries members, `change` is the rest of a change, `entry` tells what is
//! there, and `fault` what a result code is for a run.
//!
//! Only entries below the base of their type are seen or touched, and never the base itself.

mod active_directory;
mod change;
mod create;
mod entry;
mod fault;
mod members;
mod options;
mod user_parameters;
mod wanted;

use std::collections::{BTreeMap, HashSet};

use async_trait::async_trait;
use serde_json::Value as Json;
use tokio::sync::{OnceCell, mpsc};

use crate::directory::dn::Dn;
use crate::directory::write::{DirectoryEntry, Extent, LdapWriter, Rdn, Reading, equality, is_id, parent_of};
use crate::identity::Value;
use crate::sync::ObjectType;
use crate::sync::questions::Questions;
use crate::sync::target::{Ability, Edit, FaultKind, Target, TargetFault, TargetObject};

use change::modifications;
use entry::{Known, object};
use fault::{During, gone, no_container, refused, told};
use options::Shape;
pub use options::{Disabling, LdapTargetError, LdapTargetOptions, TypeOptions};
use user_parameters::Setting;
use wanted::{Place, Wanted};

/// RFC 4511 appendix A.
const NO_SUCH_OBJECT: u16 = 32;

/// How often a change is tried while what it belongs to moves; more than a tree is deep.
const MOST_MOVES: u32 = 16;

/// Where a change is written: the entry, and for a move the entry that it comes below.
type Address = (String, Option<String>);

/// The tries of one change.
#[derive(Debug, Default)]
struct Tries {
    /// Where the one before found nothing.
    failed: Option<(Address, TargetFault)>,
    /// Where this one wrote last.
    now: Option<Address>,
}

impl Tries {
    /// Before something is written. Where nothing moved since the try before, the same would only happen again, and a
    /// password would be set twice.
    fn at(&mut self, dn: &str, parent: Option<&str>) -> Result<(), TargetFault> {
        let address = (dn.to_owned(), parent.map(str::to_owned));
        match &self.failed {
            Some((failed, fault)) if self.now.is_none() && *failed == address => {
                Err(refused(fault.code, fault.detail.clone()))
            }
            _ => {
                self.now = Some(address);
                Ok(())
            }
        }
    }

    /// This one found nothing.
    fn over(&mut self, fault: TargetFault) {
        self.failed = self.now.take().map(|address| (address, fault));
    }
}

/// An LDAP directory that is written to.
#[derive(Debug)]
pub struct LdapTarget {
    writer: LdapWriter,
    options: LdapTargetOptions,
    roots: Vec<String>,
    /// Whether settings of terminal services are kept; asked once.
    keeps_terminal: OnceCell<bool>,
}

impl LdapTarget {
    /// Connects nowhere yet; fails on options that [`LdapTargetOptions::check`] finds fault with.
    pub fn new(writer: LdapWriter, options: LdapTargetOptions) -> Result<Self, LdapTargetError> {
        if let Some(fault) = options.check().into_iter().next() {
            return Err(fault);
        }
        Ok(Self { roots: options.roots(), writer, options, keeps_terminal: OnceCell::new() })
    }

    async fn shape(&self, kind: ObjectType) -> Result<Shape, TargetFault> {
        let flavour = self.writer.flavour().await.map_err(|fault| told(&fault, During::Reading))?;
        let unknown = || refused(53, format!("objects of the type {} are not carried here", kind.key()));
        let mut shape = self.options.shape(kind, flavour).ok_or_else(unknown)?;
        shape.terminal = shape.terminal && self.keeps_terminal().await?;
        Ok(shape)
    }

    /// What did not work because the base of a type is not there is told so.
    async fn container_or(&self, shape: &Shape, fault: TargetFault) -> TargetFault {
        if fault.code != NO_SUCH_OBJECT {
            return fault;
        }
        match self.writer.read(&shape.base, &["1.1".to_owned()]).await {
            Ok(None) => no_container(&shape.base, Some(shape.kind)),
            _ => fault,
        }
    }

    async fn keeps_terminal(&self) -> Result<bool, TargetFault> {
        let keeps = self.keeps_terminal.get_or_try_init(|| self.writer.takes_user_parameters()).await;
        keeps.copied().map_err(|fault| told(&fault, During::Reading))
    }

    /// The entry with an id, below the base of its type.
    async fn entry(
        &self,
        shape: &Shape,
        id: &str,
        attributes: Vec<String>,
    ) -> Result<Option<DirectoryEntry>, TargetFault> {
        let reading = reading(shape, shape.filter.clone(), attributes);
        let found = self.writer.by_ids(&reading, &[id.to_owned()]).await;
        let found = found.map_err(|fault| told(&fault, During::Reading))?;
        Ok(found.into_iter().find(|entry| !is_same(&entry.dn, &shape.base)))
    }

    /// The DN of a place.
    async fn place(&self, place: &Place, shape: &Shape) -> Result<String, TargetFault> {
        let named = match place {
            Place::Base => return Ok(shape.base.clone()),
            Place::Below(named) => named,
        };
        if !is_id(named) {
            let dn = Dn::parse(named);
            let inside =
                |root: &String| dn.as_ref().zip(Dn::parse(root)).is_some_and(|(dn, root)| dn.is_under(&root));
            let outside = || refused(32, format!("@parent \"{named}\" is not below the base of any type"));
            return self.roots.iter().any(inside).then(|| named.clone()).ok_or_else(outside);
        }
        let found = self.resolved(std::slice::from_ref(named)).await?.dns.into_iter().next();
        found.ok_or_else(|| refused(32, format!("the parent {named} is not there")))
    }

    /// Values that are ids of other objects become their DNs.
    async fn refer(&self, attributes: &mut [(String, Vec<Value>)]) -> Result<(), TargetFault> {
        let is_reference =
            |name: &str| self.options.references.iter().any(|known| known.eq_ignore_ascii_case(name));
        for (name, values) in attributes.iter_mut().filter(|(name, _)| is_reference(name)) {
            for value in values.iter_mut() {
                let Some(id) = value.as_text().filter(|text| is_id(text)).map(str::to_owned) else {
                    continue;
                };
                let found = self.resolved(std::slice::from_ref(&id)).await?.dns.into_iter().next();
                let missing = || refused(32, format!("{name}: the entry {id} is not there"));
                *value = found.ok_or_else(missing)?.into();
            }
        }
        Ok(())
    }

    /// Entries as objects, with the ids of parent and members; `known` remembers those from one call to the next.
    async fn objects(
        &self,
        mut entries: Vec<DirectoryEntry>,
        shape: &Shape,
        known: &mut Known,
    ) -> Result<Vec<TargetObject>, TargetFault> {
        entries.retain(|entry| !is_same(&entry.dn, &shape.base));
        let mut named = HashSet::new();
        for entry in &entries {
            named.extend(entry.values(&shape.member).iter().filter_map(Value::as_text).map(str::to_owned));
            let above = Some(parent_of(&entry.dn)).filter(|above| !is_same(above, &shape.base));
            named.extend(above.map(str::to_owned));
        }
        self.identified(named, shape, known).await?;
        Ok(entries.iter().map(|entry| object(entry, shape, known)).collect())
    }

    async fn object_at(
        &self,
        entry: DirectoryEntry,
        shape: &Shape,
    ) -> Result<Option<TargetObject>, TargetFault> {
        Ok(self.objects(vec![entry], shape, &mut Known::default()).await?.pop())
    }

    /// Renames and moves; the DN afterwards.
    async fn moved(
        &self,
        entry: &DirectoryEntry,
        wanted: &Wanted,
        shape: &Shape,
        rdn: &str,
        tries: &mut Tries,
    ) -> Result<String, TargetFault> {
        let current = Rdn::of(&entry.dn);
        let name = match (&wanted.name, &current) {
            (Some(name), _) => Rdn::new(rdn, name.clone()),
            (None, Some(current)) => current.clone(),
            (None, None) if wanted.parent.is_none() => return Ok(entry.dn.clone()),
            (None, None) => {
                return Err(refused(64, format!("\"{}\" has a name of several values", entry.dn)));
            }
        };
        let above = parent_of(&entry.dn);
        let parent = match &wanted.parent {
            Some(place) => Some(self.place(place, shape).await?).filter(|dn| !is_same(dn, above)),
            None => None,
        };
        let is_named = current.is_some_and(|current| {
            current.value == name.value && current.attribute.eq_ignore_ascii_case(&name.attribute)
        });
        if is_named && parent.is_none() {
            return Ok(entry.dn.clone());
        }
        tries.at(&entry.dn, parent.as_deref())?;
        let renamed = self.writer.rename(&entry.dn, &name, parent.as_deref()).await;
        renamed.map_err(|fault| told(&fault, During::Changing))?;
        Ok(name.below(parent.as_deref().unwrap_or(above)))
    }

    /// One try of a change.
    async fn change(
        &self,
        shape: &Shape,
        id: &str,
        edits: &[Edit],
        tries: &mut Tries,
    ) -> Result<(), TargetFault> {
        let mut names = shape.state();
        names.extend(["cn", "uid", "ou", "userPrincipalName"].map(str::to_owned));
        let entry = self.entry(shape, id, names).await?.ok_or_else(|| gone(id, &shape.base))?;
        let rdn = Rdn::of(&entry.dn).map_or_else(|| shape.rdn.clone(), |rdn| rdn.attribute);
        let mut wanted = Wanted::of_edits(edits, shape, &rdn)?;
        self.refer(&mut wanted.attributes).await?;
        let members = std::mem::take(&mut wanted.members);
        let password = wanted.password.take();
        // Whatever this side refuses is refused before anything is sent.
        let changes = modifications(&mut wanted, &entry, shape, &rdn)?;
        let dn = self.moved(&entry, &wanted, shape, &rdn, tries).await?;
        tries.at(&dn, None)?;
        let failed = |fault| told(&fault, During::Changing);
        if let Some(password) = password {
            self.writer.set_password(&dn, &password).await.map_err(failed)?;
        }
        if !changes.is_empty() {
            self.writer.modify(&dn, &changes).await.map_err(failed)?;
        }
        for change in &members {
            self.change_members(&dn, change, shape).await?;
        }
        Ok(())
    }
}

fn reading(shape: &Shape, filter: String, attributes: Vec<String>) -> Reading {
    Reading { base: shape.base.clone(), filter, attributes, limit: 0 }
}

fn is_same(one: &str, other: &str) -> bool {
    one == other || Dn::parse(one).is_some_and(|one| Some(one) == Dn::parse(other))
}

#[async_trait]
impl Target for LdapTarget {
    fn account(&self) -> Option<&str> {
        self.writer.account()
    }

    async fn probe(&self) -> Result<Ability, TargetFault> {
        if self.writer.account().is_none() {
            let detail = format!("directory \"{}\" has no bind_dn to write as", self.writer.name());
            return Err(TargetFault { kind: FaultKind::Unauthorized, code: 50, detail, retry_after: None });
        }
        for base in &self.roots {
            let found = self.writer.read(base, &["1.1".to_owned()]).await;
            if found.map_err(|fault| told(&fault, During::Reading))?.is_none() {
                let kind = self.options.types.iter().find(|(_, own)| is_same(&own.base, base));
                return Err(no_container(base, kind.map(|(kind, _)| *kind)));
            }
        }
        let mut ignored = Vec::new();
        if !self.keeps_terminal().await? {
            ignored.extend(Setting::all().map(|(path, _)| path.to_owned()));
        }
        Ok(Ability { types: self.options.types.keys().copied().collect(), lists: true, ignored })
    }

    async fn list(
        &self,
        kind: ObjectType,
        parts: mpsc::Sender<Vec<TargetObject>>,
        _questions: &Questions,
    ) -> Result<(), TargetFault> {
        let shape = self.shape(kind).await?;
        let reading = reading(&shape, shape.filter.clone(), shape.read());
        let (pages, mut arriving) = mpsc::channel(2);
        let telling = async {
            let mut known = Known::default();
            while let Some(page) = arriving.recv().await {
                let objects = self.objects(page, &shape, &mut known).await?;
                if !objects.is_empty() && parts.send(objects).await.is_err() {
                    break;
                }
            }
            drop(arriving);
            Ok(())
        };
        let (listed, told_all) = tokio::join!(self.writer.list(&reading, pages), telling);
        told_all?;
        match listed {
            Err(fault) => Err(self.container_or(&shape, told(&fault, During::Reading)).await),
            Ok(()) => Ok(()),
        }
    }

    async fn read(&self, kind: ObjectType, id: &str) -> Result<Option<TargetObject>, TargetFault> {
        let shape = self.shape(kind).await?;
        match self.entry(&shape, id, shape.read()).await? {
            Some(entry) => self.object_at(entry, &shape).await,
            None => Ok(None),
        }
    }

    async fn find(
        &self,
        kind: ObjectType,
        path: &str,
        value: &str,
    ) -> Result<Vec<TargetObject>, TargetFault> {
        let shape = self.shape(kind).await?;
        if ["@id", "entryUUID", "objectGUID"].iter().any(|id| path.eq_ignore_ascii_case(id)) {
            return Ok(self.read(kind, value).await?.into_iter().collect());
        }
        if value.is_empty() {
            return Ok(Vec::new());
        }
        let name = if path == "@rdn" { shape.rdn.as_str() } else { path };
        let test = equality(name, value).filter(|_| !crate::identity::is_secret(name));
        let test = test.ok_or_else(|| refused(21, format!("nobody can be found by \"{path}\"")))?;
        let filter = format!("(&{}{test})", shape.filter);
        let reading = Reading { limit: 3, ..reading(&shape, filter, shape.read()) };
        let found = match self.writer.search(&reading).await {
            Ok(found) => found,
            Err(fault) => return Err(self.container_or(&shape, told(&fault, During::Reading)).await),
        };
        self.objects(found, &shape, &mut Known::default()).await
    }

    async fn create(
        &self,
        kind: ObjectType,
        values: &BTreeMap<String, Json>,
    ) -> Result<TargetObject, TargetFault> {
        let shape = self.shape(kind).await?;
        let wanted = Wanted::of_values(values, &shape)?;
        match self.made(wanted, &shape).await {
            Err(fault) => Err(self.container_or(&shape, fault).await),
            made => made,
        }
    }

    async fn modify(&self, kind: ObjectType, id: &str, edits: &[Edit]) -> Result<(), TargetFault> {
        let shape = self.shape(kind).await?;
        let mut tries = Tries::default();
        for _ in 1..MOST_MOVES {
            let fault = match self.change(&shape, id, edits, &mut tries).await {
                Err(fault) if fault.kind == FaultKind::NotFound => fault,
                other => return other,
            };
            // Whoever moves a parent at the same time takes what is below it to another DN.
            if self.entry(&shape, id, vec!["1.1".to_owned()]).await?.is_none() {
                return Err(fault);
            }
            tries.over(fault);
        }
        let last = self.change(&shape, id, edits, &mut tries).await;
        last.map_err(|fault| match fault.kind {
            FaultKind::NotFound => refused(fault.code, fault.detail),
            _ => fault,
        })
    }

    async fn delete(&self, kind: ObjectType, id: &str) -> Result<(), TargetFault> {
        let shape = self.shape(kind).await?;
        let entry = self.entry(&shape, id, vec!["1.1".to_owned()]).await?;
        let dn = entry.ok_or_else(|| gone(id, &shape.base))?.dn;
        let deleted = match self.writer.delete(&dn, Extent::Leaf).await {
            // notAllowedOnNonLeaf
            Err(fault) if fault.code() == Some(66) && self.options.tree_delete => {
                match self.writer.delete(&dn, Extent::Subtree).await {
                    // unavailableCriticalExtension: OpenLDAP has no such control.
                    Err(unknown) if unknown.code() == Some(12) => Err(fault),
                    other => other,
                }
            }
            other => other,
        };
        deleted.map_err(|fault| told(&fault, During::Changing))
    }

    fn value(&self, object: &TargetObject, path: &str) -> Option<Json> {
        entry::value(object, path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_tried_again_only_where_something_has_moved() {
        let mut tries = Tries::default();
        assert!(tries.at("cn=a,ou=x", Some("ou=y")).is_ok());
        tries.over(gone("1", "ou=x"));
        // What it is to come below has moved, and then the entry itself has.
        assert!(tries.at("cn=a,ou=x", Some("ou=z")).is_ok());
        assert!(tries.at("cn=a,ou=z", None).is_ok());
        tries.over(gone("1", "ou=x"));
        assert!(tries.at("cn=a,ou=v", None).is_ok());
        tries.over(gone("1", "ou=x"));
        let fault = tries.at("cn=a,ou=v", None).unwrap_err();
        assert_eq!((fault.kind, fault.code), (FaultKind::Refused, 32));
    }
}
