//! The groups of a person, nested ones and the primary group included: by Active Directory's own rule there, by walking
//! `memberOf` and `member` elsewhere.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use futures_util::future::try_join_all;
use ldap3::Scope;

use super::DirectoryError;
use super::active_directory::{CAPABILITY, domain_of, groups_filter, sibling_sid};
use super::connection::Query;
use super::dn::Dn;
use super::filter::{escape_filter, escape_octets};
use super::found::found;
use super::ldap::LdapDirectory;
use super::wire::Entry;
use crate::identity::{Attributes, Found, is_secret};

/// Beyond this the walk is given up with an error: a policy must not be judged by a part of the groups.
const MOST_GROUPS: usize = 5_000;

/// So many entries are read at once.
const READ_AT_ONCE: usize = 8;

/// So many DNs are looked for in one search.
const DNS_A_SEARCH: usize = 20;

impl LdapDirectory {
    /// All groups that hold this DN, with an attribute of each.
    pub(super) async fn groups_of(
        &self,
        dn: &str,
        attribute: Option<&str>,
    ) -> Result<Vec<Found>, DirectoryError> {
        let asked = Asked::new(attribute);
        if self.options.search_base.trim().is_empty() {
            return Err(self.groups_refused("search_base is empty; set it, so that groups can be searched"));
        }
        if self.is_active_directory().await? {
            return self.ask_for_all(dn, &asked).await;
        }
        self.walk(dn, &asked).await
    }

    /// One search for all. The primary group has the person in no `member`.
    async fn ask_for_all(&self, dn: &str, asked: &Asked) -> Result<Vec<Found>, DirectoryError> {
        let primary = self.primary_group(dn, asked).await?;
        let holders: Vec<&str> =
            std::iter::once(dn).chain(primary.as_ref().map(|group| group.dn.as_str())).collect();
        let found = self.search(&self.groups_query(groups_filter(&holders), asked)).await?;
        let mut groups: Vec<Found> = found.entries.into_iter().map(|entry| asked.of(entry)).collect();
        if let Some(primary) = primary
            && !groups.iter().any(|group| same(&group.dn) == same(&primary.dn))
        {
            groups.push(primary);
        }
        Ok(groups)
    }

    /// The group whose SID is that of the person with primaryGroupID at the end.
    async fn primary_group(&self, dn: &str, asked: &Asked) -> Result<Option<Found>, DirectoryError> {
        let person = self.entry(dn, &["primaryGroupID", "objectSid"]).await?;
        let sid = person.and_then(|person| {
            let id = u32::try_from(person.number("primaryGroupID")?).ok()?;
            sibling_sid(person.values("objectSid").first()?, id)
        });
        let Some(sid) = sid else { return Ok(None) };
        let group = Query {
            // It may stand outside the search base: "Domain Users" is in CN=Users.
            base: domain_of(dn).to_owned(),
            ..self.groups_query(format!("(objectSid={})", escape_octets(&sid)), asked)
        };
        Ok(self.search(&group).await?.entries.into_iter().next().map(|entry| asked.of(entry)))
    }

    /// Level by level; `seen` ends cycles.
    async fn walk(&self, dn: &str, asked: &Asked) -> Result<Vec<Found>, DirectoryError> {
        let mut seen = HashSet::from([same(dn)]);
        let mut groups: Vec<Found> = Vec::new();
        // What the person's own entry names, by its place among the groups; most of these are found below, with values.
        let mut named = HashMap::new();
        let mut frontier = vec![dn.to_owned()];
        for listed in self.member_of(dn).await? {
            if seen.insert(same(&listed)) {
                named.insert(same(&listed), groups.len());
                groups.push(Found { dn: listed.clone(), attributes: Attributes::new() });
                frontier.push(listed);
            }
        }
        while !frontier.is_empty() {
            let mut next = Vec::new();
            for dns in frontier.chunks(DNS_A_SEARCH) {
                for entry in self.search(&self.groups_query(holders_filter(dns), asked)).await?.entries {
                    let named = named.remove(&same(&entry.dn)).and_then(|at| groups.get_mut(at));
                    if let Some(group) = named {
                        *group = asked.of(entry);
                    } else if seen.insert(same(&entry.dn)) {
                        next.push(entry.dn.clone());
                        groups.push(asked.of(entry));
                    }
                }
            }
            if groups.len() > MOST_GROUPS {
                return Err(self.groups_refused(&format!(
                    "there are more than {MOST_GROUPS}; let search_base hold fewer of them"
                )));
            }
            frontier = next;
        }
        if asked.wants_values {
            let places: Vec<usize> = named.into_values().collect();
            self.read_named(&mut groups, &places, asked).await?;
        }
        Ok(groups)
    }

    /// Groups that the person's own entry names and no search has found, with their values: some at a time. One may stand
    /// where nothing may be read.
    async fn read_named(
        &self,
        groups: &mut [Found],
        places: &[usize],
        asked: &Asked,
    ) -> Result<(), DirectoryError> {
        for some in places.chunks(READ_AT_ONCE) {
            let reads = some.iter().filter_map(|at| groups.get(*at)).map(|group| {
                let query = Query::entry(&group.dn, Arc::clone(&asked.attributes));
                async move { self.search(&query).await }
            });
            let answers = try_join_all(reads).await?;
            for (at, answer) in some.iter().zip(answers) {
                if let (Some(group), Some(entry)) = (groups.get_mut(*at), answer.entries.into_iter().next()) {
                    *group = asked.of(entry);
                }
            }
        }
        Ok(())
    }

    /// `memberOf` is operational in most servers: asked for by name.
    async fn member_of(&self, dn: &str) -> Result<Vec<String>, DirectoryError> {
        let person = self.entry(dn, &["memberOf"]).await?;
        Ok(person.iter().flat_map(|entry| entry.texts("memberOf")).map(str::to_owned).collect())
    }

    pub(super) async fn is_active_directory(&self) -> Result<bool, DirectoryError> {
        Ok(*self.is_active_directory.get_or_try_init(|| self.ask_capability()).await?)
    }

    async fn ask_capability(&self) -> Result<bool, DirectoryError> {
        let root = self.entry("", &["supportedCapabilities"]).await?;
        Ok(root.iter().flat_map(|entry| entry.texts("supportedCapabilities")).any(|oid| oid == CAPABILITY))
    }

    fn groups_query(&self, filter: String, asked: &Asked) -> Query {
        Query {
            base: self.options.search_base.clone(),
            scope: Scope::Subtree,
            filter,
            attributes: Arc::clone(&asked.attributes),
            limit: 0,
        }
    }

    fn groups_refused(&self, cause: &str) -> DirectoryError {
        DirectoryError::Refused {
            directory: self.options.name.clone(),
            code: 0,
            operation: "reading the groups",
            cause: cause.to_owned(),
        }
    }
}

/// What is read of each group.
struct Asked {
    attributes: Arc<[String]>,
    wants_values: bool,
}

impl Asked {
    fn new(attribute: Option<&str>) -> Self {
        let attribute = attribute.filter(|name| !is_secret(name));
        // RFC 4511 4.5.1.8: no attributes.
        let attributes = Arc::new([attribute.unwrap_or("1.1").to_owned()]);
        Self { attributes, wants_values: attribute.is_some() }
    }

    fn of(&self, entry: Entry) -> Found {
        found(entry, &self.attributes)
    }
}

fn holders_filter(dns: &[String]) -> String {
    let each: Vec<String> = dns
        .iter()
        .map(|dn| escape_filter(dn.as_bytes()))
        .map(|dn| format!("(member={dn})(uniqueMember={dn})"))
        .collect();
    format!("(|{})", each.concat())
}

/// Two spellings of one name are one group; what cannot be read as a name is one by its text.
fn same(dn: &str) -> Result<Dn, String> {
    Dn::parse(dn).ok_or_else(|| dn.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_dn_are_one() {
        assert_eq!(same("CN=A, OU=Groups,dc=X"), same("cn=a,ou=groups,DC=x"));
        assert_eq!(same("CN=A\\, B,dc=X"), same("cn=a\\2c b,dc=x"));
        assert_ne!(same("cn=\"a\""), same("cn=\"b\""));
    }

    #[test]
    fn a_dn_cannot_leave_its_place_in_the_filter() {
        assert_eq!(
            holders_filter(&["cn=a*(b)".to_owned()]),
            "(|(member=cn\\3da\\2a\\28b\\29)(uniqueMember=cn\\3da\\2a\\28b\\29))"
        );
    }
}
