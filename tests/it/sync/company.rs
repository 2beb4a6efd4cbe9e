//! The same company in OpenLDAP and in Active Directory, and what happens in it, told once for both. A place is a DN
//! without the unit of the company.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use data_encoding::BASE64;

use crate::support::samba::{self, PASSWORD, Samba, unicode_pwd};
use crate::support::slapd::{self, Copies, Slapd};

/// A group of OpenLDAP always has a member: this one, who is nobody.
const NOBODY: &str = "cn=nobody,dc=example,dc=test";

enum Source {
    Slapd(Slapd),
    Samba(&'static Samba),
}

pub(super) struct Company {
    source: Source,
    pub(super) name: &'static str,
    /// By group: who is in it. OpenLDAP does not know that somebody in a group has another name now.
    members: BTreeMap<String, BTreeSet<String>>,
}

impl Company {
    pub(super) fn in_openldap() -> Self {
        Self::new(Source::Slapd(Slapd::start_source(Copies::Log, 0)), "corp")
    }

    /// In a unit of this name of the domain that all tests share; `None` where there is none.
    pub(super) fn in_active_directory(name: &'static str) -> Option<Self> {
        Samba::shared().map(|samba| Self::new(Source::Samba(samba), name))
    }

    fn new(source: Source, name: &'static str) -> Self {
        let company = Self { source, name, members: BTreeMap::new() };
        company.unit("");
        company
    }

    /// As the `[[directory]]` "corp".
    pub(super) fn directory(&self) -> String {
        match &self.source {
            Source::Slapd(slapd) => Slapd::directory(&[slapd]),
            Source::Samba(samba) => samba.directory(),
        }
    }

    /// Keys of a `[[sync]]` that reads this company.
    pub(super) fn keys(&self) -> String {
        let base = format!("search_base = \"{}\"\n", self.dn(""));
        match &self.source {
            // inetOrgPerson is all that it has for both.
            Source::Slapd(_) => format!(
                "{base}user_filter = \"(&(objectClass=inetOrgPerson)(!(employeeType=contact)))\"\n\
                 contact_filter = \"(&(objectClass=inetOrgPerson)(employeeType=contact))\"\n"
            ),
            Source::Samba(_) => base,
        }
    }

    pub(super) fn dn(&self, place: &str) -> String {
        let own = format!("OU={},{}", self.name, slapd::BASE);
        let own = if self.in_domain() { own.replace(slapd::BASE, samba::BASE) } else { own };
        if place.is_empty() { own } else { format!("{place},{own}") }
    }

    fn in_domain(&self) -> bool {
        matches!(self.source, Source::Samba(_))
    }

    /// uid or sAMAccountName.
    pub(super) fn login(&self, name: &str) -> String {
        format!("{}-{name}", self.name)
    }

    /// entryUUID or objectGUID, as text.
    pub(super) fn id(&self, place: &str) -> String {
        let dn = self.dn(place);
        match &self.source {
            Source::Slapd(slapd) => {
                let lines = slapd.lines(&dn).unwrap_or_else(|| panic!("{dn} is not there"));
                lines.iter().find_map(|line| line.strip_prefix("entryUUID: ")).unwrap().to_owned()
            }
            Source::Samba(samba) => Samba::guid(&samba.value(&dn, "objectGUID").unwrap()),
        }
    }

    /// LDIF without the DN.
    pub(super) fn change(&self, place: &str, lines: &str) {
        self.send(&record(&self.dn(place), lines));
    }

    fn send(&self, ldif: &str) {
        match &self.source {
            Source::Slapd(slapd) => slapd.modify(ldif),
            Source::Samba(samba) => samba.modify(ldif),
        }
    }

    pub(super) fn unit(&self, place: &str) {
        let name = if place.is_empty() { self.name } else { name(place) };
        let ou = text("ou", name);
        self.change(place, &format!("changetype: add\nobjectClass: organizationalUnit\n{ou}"));
    }

    /// Somebody with sn, givenName and mail, and these lines.
    pub(super) fn person(&self, place: &str, more: &str) {
        self.send(&self.person_record(place, more));
    }

    /// Many at once: `p0`, `p1` ... in a unit.
    pub(super) fn many(&self, unit: &str, count: usize) {
        let each = (0..count).map(|number| self.person_record(&format!("CN=p{number},{unit}"), ""));
        self.send(&each.collect::<String>());
    }

    fn person_record(&self, place: &str, more: &str) -> String {
        let (name, login) = (name(place), self.login(name(place)));
        let own = format!("sn: {name}-sn\ngivenName: {name}-gn\nmail: {login}@example.test\n{more}");
        let lines = if self.in_domain() {
            let password = BASE64.encode(&unicode_pwd(PASSWORD));
            format!(
                "objectClass: user\nsAMAccountName: {login}\nuserAccountControl: 512\nunicodePwd:: {password}\n{own}"
            )
        } else {
            format!("objectClass: inetOrgPerson\nuid: {login}\ncn: {name}\n{own}")
        };
        record(&self.dn(place), &format!("changetype: add\n{lines}"))
    }

    pub(super) fn contact(&self, place: &str) {
        let own = format!("sn: {0}-sn\nmail: {0}@example.org\n", name(place));
        let lines = if self.in_domain() {
            format!("objectClass: contact\n{own}")
        } else {
            format!("objectClass: inetOrgPerson\nemployeeType: contact\ncn: {}\n{own}", name(place))
        };
        self.change(place, &format!("changetype: add\n{lines}"));
    }

    pub(super) fn group(&mut self, place: &str, members: &[&str]) {
        let mut lines = if self.in_domain() {
            let account = text("sAMAccountName", &self.login(name(place)));
            format!("objectClass: group\n{account}groupType: -2147483646\n")
        } else {
            format!("objectClass: groupOfNames\n{}member: {NOBODY}\n", text("cn", name(place)))
        };
        for member in members {
            lines += &text("member", &self.dn(member));
        }
        self.change(place, &format!("changetype: add\n{lines}"));
        self.members.insert(place.to_owned(), members.iter().map(|&member| member.to_owned()).collect());
    }

    pub(super) fn join(&mut self, group: &str, member: &str) {
        self.change(group, &format!("changetype: modify\nadd: member\n{}", text("member", &self.dn(member))));
        self.members.get_mut(group).unwrap().insert(member.to_owned());
    }

    pub(super) fn leave(&mut self, group: &str, member: &str) {
        let member_line = text("member", &self.dn(member));
        self.change(group, &format!("changetype: modify\ndelete: member\n{member_line}"));
        assert!(self.members.get_mut(group).unwrap().remove(member));
    }

    pub(super) fn set(&self, place: &str, attribute: &str, value: &str) {
        let lines = format!("changetype: modify\nreplace: {attribute}\n{}", text(attribute, value));
        self.change(place, &lines);
    }

    pub(super) fn disable(&self, place: &str, disabled: bool) {
        let lines = match (self.in_domain(), disabled) {
            (true, true) => "replace: userAccountControl\nuserAccountControl: 514\n",
            (true, false) => "replace: userAccountControl\nuserAccountControl: 512\n",
            (false, true) => "add: pwdAccountLockedTime\npwdAccountLockedTime: 000001010000Z\n",
            (false, false) => "delete: pwdAccountLockedTime\n",
        };
        self.change(place, &format!("changetype: modify\n{lines}"));
    }

    pub(super) fn delete(&mut self, place: &str) {
        self.change(place, "changetype: delete\n");
        self.members.remove(place);
        let holders = self.members.iter().filter(|(_, members)| members.contains(place));
        let holders: Vec<String> = holders.map(|(group, _)| group.clone()).collect();
        for group in holders {
            if self.in_domain() {
                self.members.get_mut(&group).unwrap().remove(place);
            } else {
                self.leave(&group, place);
            }
        }
    }

    /// An entry, with all below it, from one place to another; groups know it by its new name.
    pub(super) fn rename(&mut self, old: &str, new: &str) {
        let above = new.split_once(',').map_or("", |(_, above)| above);
        let (rdn, _) = new.split_once(',').unwrap_or((new, ""));
        let lines = format!(
            "changetype: modrdn\n{}deleteoldrdn: 1\n{}",
            text("newrdn", rdn),
            text("newsuperior", &self.dn(above))
        );
        self.change(old, &lines);
        let renamed = |place: &str| match place.strip_suffix(old) {
            Some(inside) if inside.is_empty() || inside.ends_with(',') => format!("{inside}{new}"),
            _ => place.to_owned(),
        };
        for (group, members) in std::mem::take(&mut self.members) {
            let group = renamed(&group);
            for member in members.iter().filter(|member| !self.in_domain() && renamed(member) != **member) {
                let (old, new) = (text("member", &self.dn(member)), self.dn(&renamed(member)));
                let lines = format!(
                    "changetype: modify\ndelete: member\n{old}-\nadd: member\n{}",
                    text("member", &new)
                );
                self.change(&group, &lines);
            }
            self.members.insert(group, members.iter().map(|member| renamed(member)).collect());
        }
    }
}

/// The value of the first part.
fn name(place: &str) -> &str {
    let (_, rest) = place.split_once('=').unwrap();
    rest.split(',').next().unwrap()
}

/// A line of LDIF, whatever the value is.
fn text(name: &str, value: &str) -> String {
    format!("{name}:: {}\n", BASE64.encode(value.as_bytes()))
}

fn record(dn: &str, lines: &str) -> String {
    let mut ldif = text("dn", dn);
    writeln!(ldif, "{lines}").unwrap();
    ldif
}
