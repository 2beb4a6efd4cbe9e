//! AttributeAddUsersGroups: adds the groups that the person is in, nested ones and Active Directory's primary group
//! included, as the person's directory knows them.
//!
//! | option | meaning |
//! |---|---|
//! | `groups` (`attribute.groups`) | the attribute that gets them; `groups` if it is not given |
//! | `return` (`attribute.return`) | what a group is called by: an attribute of it, of which the first value is taken; the DN if it is not given, or is `distinguishedName` |
//!
//! They are added to what the attribute has, each once; who is in no group does not get the attribute. A group without
//! that attribute is left out. Of a person of a file directory the groups are the values of `memberOf`. Active Directory
//! is asked by `member:1.2.840.113556.1.4.1941:=`; elsewhere `member`, `uniqueMember` and `memberOf` are followed from
//! group to group (SimpleSAMLphp asks only Active Directory for the nested ones, and nowhere for the primary group).
//! Groups by `memberUid` are found by [`AttributeAddFromLDAP`](super::attribute_add_from_ldap). Which directory that is
//! and how it is reached says its `[[directory]]`: `authsource` and `ldap.*` are refused. With `groups = ["a"]`, in the
//! groups `cn=staff,dc=x` and `cn=all,dc=x`, which holds the first:
//!
//! | options | result |
//! |---|---|
//! | none | `groups = ["a", "cn=staff,dc=x", "cn=all,dc=x"]` |
//! | `return = "cn"` | `groups = ["a", "staff", "all"]` |
//! | `groups = "isMemberOf"`, `return = "cn"` | `isMemberOf = ["staff", "all"]`, groups as it was |

use std::collections::HashSet;
use std::sync::Arc;

use super::config::{Draft, FilterKind, OptionError, word};
use super::setting::Setting;
use super::{Context, Filter, FilterError};
use crate::identity::{Attributes, Found, Question, Value, is_secret};

pub(super) const KIND: FilterKind = FilterKind {
    name: "AttributeAddUsersGroups",
    options: &[
        ("groups", "groups"),
        ("attribute.groups", "groups"),
        ("return", "return"),
        ("attribute.return", "return"),
        ("attribute.dn", "attribute.dn"),
        ("attribute.groupname", "attribute.groupname"),
        ("attribute.member", "attribute.member"),
        ("attribute.memberof", "attribute.memberof"),
        ("attribute.type", "attribute.type"),
        ("attribute.username", "attribute.username"),
        ("type.group", "type.group"),
        ("type.user", "type.user"),
        ("additional_filters", "additional_filters"),
        ("escape", "escape"),
    ],
    draft: || Box::new(AttributeAddUsersGroups { target: "groups".to_owned(), called_by: None }),
};

/// Adds groups; see the page of the module.
#[derive(Debug)]
pub struct AttributeAddUsersGroups {
    target: String,
    /// The attribute of a group; none: its DN.
    called_by: Option<String>,
}

impl Filter for AttributeAddUsersGroups {
    fn name(&self) -> &'static str {
        KIND.name
    }

    fn apply(&self, mut attributes: Attributes, context: &Context<'_>) -> Result<Attributes, FilterError> {
        let groups = context.answer(Question::Groups { attribute: self.called_by.clone() })?;
        let held = attributes.values(&self.target).unwrap_or_default();
        let mut seen: HashSet<Value> = held.iter().cloned().collect();
        let called = groups.iter().filter_map(|group| self.call(group));
        let new: Vec<Value> = called.filter(|value| seen.insert(value.clone())).collect();
        if !new.is_empty() {
            attributes.append(&self.target, new);
        }
        Ok(attributes)
    }
}

impl AttributeAddUsersGroups {
    fn call(&self, group: &Found) -> Option<Value> {
        match &self.called_by {
            Some(name) => group.values(name)?.first().cloned(),
            None => Some(Value::Text(group.dn.clone())),
        }
    }
}

impl Draft for AttributeAddUsersGroups {
    fn option(&mut self, option: &str, value: Setting) -> Result<(), OptionError> {
        match option {
            "groups" => self.target = word(option, value)?,
            "return" => {
                let name = word(option, value)?;
                if is_secret(&name) {
                    let remedy = "passwords and keys are never read: name another attribute";
                    return Err(OptionError::NotSupported { option: "return", remedy });
                }
                let is_dn =
                    ["distinguishedName", "entryDN", "dn"].iter().any(|dn| dn.eq_ignore_ascii_case(&name));
                self.called_by = (!is_dn).then_some(name);
            }
            other => {
                let remedy = "the directory itself says who is in which group: leave it out";
                return Err(OptionError::NoEffect { option: other.to_owned(), remedy });
            }
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Arc<dyn Filter>, OptionError> {
        Ok(Arc::new(*self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authproc::{Answers, Chain, FilterConfig};

    fn added(options: &str, person: Attributes) -> Attributes {
        let table = format!("priority = 50\nfilter = \"AttributeAddUsersGroups\"\n{options}");
        let config: FilterConfig = toml::from_str(&table).unwrap();
        let chain = Chain::build(&[config], &[], &[]).unwrap();
        let FilterError::Unanswered(question) = chain.apply(person.clone(), &Context::default()).unwrap_err()
        else {
            panic!("the directory is asked first");
        };
        let Question::Groups { attribute } = question.as_ref() else { panic!("{question:?}") };
        let group = |cn: &str| Found {
            dn: format!("cn={cn},dc=x"),
            attributes: attribute.iter().map(|name| (name.to_uppercase(), vec![cn, "other"])).collect(),
        };
        let nameless = Found { dn: "cn=staff,dc=x".to_owned(), attributes: Attributes::new() };
        let answers = Answers::from([(*question.clone(), [group("staff"), nameless, group("all")].into())]);
        chain.apply(person, &Context { answers: Some(&answers), ..Context::default() }).unwrap()
    }

    #[test]
    fn the_page_is_true() {
        let person: Attributes = [("groups", vec!["a"])].into_iter().collect();
        let dns = ("groups", vec!["a", "cn=staff,dc=x", "cn=all,dc=x"]);
        let named = ("groups", vec!["a", "staff", "all"]);
        let elsewhere = vec![("groups", vec!["a"]), ("isMemberOf", vec!["staff", "all"])];
        for (options, expected) in [
            ("", vec![dns.clone()]),
            ("return = 'distinguishedName'", vec![dns]),
            ("return = 'cn'", vec![named.clone()]),
            ("attribute.return = 'cn'", vec![named.clone()]),
            ("'attribute.return' = 'cn'\n'attribute.groups' = 'groups'", vec![named]),
            ("groups = 'isMemberOf'\nreturn = 'cn'", elsewhere.clone()),
            ("attribute = { groups = 'isMemberOf', return = 'cn' }", elsewhere),
        ] {
            assert_eq!(added(options, person.clone()), expected.into_iter().collect(), "{options}");
        }
        let held: Attributes = [("groups", vec!["cn=all,dc=x"])].into_iter().collect();
        let once = [("groups", vec!["cn=all,dc=x", "cn=staff,dc=x"])].into_iter().collect();
        assert_eq!(added("", held), once, "each once");
    }

    #[test]
    fn who_is_in_no_group_does_not_get_the_attribute() {
        let filter = AttributeAddUsersGroups { target: "groups".to_owned(), called_by: None };
        let answers = Answers::from([(Question::Groups { attribute: None }, [].into())]);
        let context = Context { answers: Some(&answers), ..Context::default() };
        assert_eq!(filter.apply(Attributes::new(), &context).unwrap(), Attributes::new());
    }

    #[test]
    fn what_simplesamlphp_connects_by_is_refused_with_the_reason() {
        let connection = "has no effect: the directory that the person came from is asked, as its [[directory]] says: \
                          leave it out";
        let own = "has no effect: the directory itself says who is in which group: leave it out";
        for (options, said) in [
            ("authsource = 'ad'", format!("\"authsource\" {connection}")),
            ("'ldap.hostname' = 'ldaps://dc1'", format!("\"ldap.hostname\" {connection}")),
            ("ldap.basedn = 'dc=x'", format!("\"ldap\" {connection}")),
            ("'attribute.member' = 'member'", format!("\"attribute.member\" {own}")),
            ("type.group = 'group'", format!("\"type.group\" {own}")),
            (
                "return = 'unicodePwd'",
                "\"return\" is not supported: passwords and keys are never read: name another attribute"
                    .to_owned(),
            ),
            ("groups = ''", "\"groups\" must be a name, not nothing".to_owned()),
        ] {
            let table = format!("priority = 1\nfilter = \"ldap:AttributeAddUsersGroups\"\n{options}");
            let error = toml::from_str::<FilterConfig>(&table).unwrap_err();
            assert_eq!(error.message(), format!("authproc filter AttributeAddUsersGroups: {said}"));
        }
    }
}
