//! The attributes of a change, as one request: values, auxiliary classes, and whether the account is usable.

use super::active_directory::{USER_PARAMETERS, flags, keeps_domain, with_terminal};
use super::fault::refused;
use super::options::{Disabling, Shape};
use super::wanted::Wanted;
use crate::directory::write::{DirectoryEntry, Modification};
use crate::identity::Value;
use crate::sync::target::TargetFault;

/// Everything in one request, so that classes and their attributes come and go together.
pub(super) fn modifications(
    wanted: &mut Wanted,
    entry: &DirectoryEntry,
    shape: &Shape,
    rdn: &str,
) -> Result<Vec<Modification>, TargetFault> {
    let mut changes = Vec::new();
    if let Some(classes) = wanted.classes.take() {
        let has = |class: &String| entry.values("objectClass").iter().any(|held| is_text(held, class));
        let wants = |class: &String| classes.iter().any(|wanted| wanted.eq_ignore_ascii_case(class));
        let text = |class: &String| Value::from(class.as_str());
        let new = classes.iter().filter(|class| !has(class)).map(text).collect();
        let old = shape.auxiliary.iter().filter(|class| has(class) && !wants(class)).map(text).collect();
        changes.push(Modification::Add("objectClass".to_owned(), new));
        changes.push(Modification::Remove("objectClass".to_owned(), old));
    }
    if shape.is_active_directory() {
        domain_stays(wanted, entry)?;
        let held = entry.values(USER_PARAMETERS).first();
        if let Some(values) = with_terminal(wanted, held)? {
            wanted.attributes.push((USER_PARAMETERS.to_owned(), values));
        }
    }
    match &shape.disabling {
        Disabling::AccountControl => {
            let given = account_flags(wanted)?;
            if given.is_some() || wanted.active.is_some() {
                let current = entry.text("userAccountControl").and_then(|text| text.parse().ok());
                let current =
                    current.ok_or_else(|| refused(50, "userAccountControl cannot be read by bind_dn"))?;
                let value = flags(current, given, wanted.active).to_string();
                changes.push(Modification::Replace("userAccountControl".to_owned(), vec![value.into()]));
            }
        }
        Disabling::Attribute { name, disabled, enabled } => {
            if let Some(active) = wanted.active {
                let value = if active { enabled.as_deref() } else { Some(disabled.as_str()) };
                let values = value.map(Value::from).into_iter().collect();
                changes.push(Modification::Replace(name.clone(), values));
            }
        }
        Disabling::Nothing => {}
    }
    // Other values of the naming attribute go: it has only the one that was set.
    if let Some(name) = &wanted.name
        && entry.values(rdn).len() > 1
        && !wanted.attributes.iter().any(|(held, _)| held.eq_ignore_ascii_case(rdn))
    {
        changes.push(Modification::Replace(rdn.to_owned(), vec![name.as_str().into()]));
    }
    changes.extend(
        std::mem::take(&mut wanted.attributes)
            .into_iter()
            .map(|(name, values)| Modification::Replace(name, values)),
    );
    changes.retain(|change| match change {
        Modification::Add(_, values) | Modification::Remove(_, values) => !values.is_empty(),
        Modification::Replace(..) => true,
    });
    Ok(changes)
}

fn domain_stays(wanted: &Wanted, entry: &DirectoryEntry) -> Result<(), TargetFault> {
    let name = "userPrincipalName";
    let new = wanted.attributes.iter().find(|(held, _)| held.eq_ignore_ascii_case(name));
    let new = new.and_then(|(_, values)| values.first()?.as_text());
    match (entry.text(name), new) {
        (Some(current), Some(new)) if !keeps_domain(current, new) => {
            let detail = format!(
                "{name}: \"{current}\" may not become \"{new}\": the part after the @ stays; correct the rule for it in [[sync.map]]"
            );
            Err(refused(19, detail))
        }
        _ => Ok(()),
    }
}

fn is_text(value: &Value, text: &str) -> bool {
    value.as_text().is_some_and(|held| held.eq_ignore_ascii_case(text))
}

/// The flags that are given for an account.
pub(super) fn account_flags(wanted: &mut Wanted) -> Result<Option<i64>, TargetFault> {
    let name = "userAccountControl";
    let Some(given) = wanted.take(name).and_then(|values| values.into_iter().next()) else { return Ok(None) };
    let number = given.as_text().and_then(|text| text.trim().parse().ok());
    number.map(Some).ok_or_else(|| refused(21, format!("{name} is a number")))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;
    use crate::directory::source::Flavour;
    use crate::identity::Attributes;
    use crate::sync::ObjectType;
    use crate::sync::ldap_target::options::{LdapTargetOptions, TypeOptions};
    use crate::sync::target::Edit;

    fn sent(
        flavour: Flavour,
        held: &[(&str, &str)],
        edits: &[(&str, serde_json::Value)],
    ) -> Result<Vec<Modification>, TargetFault> {
        let auxiliary = vec!["posixAccount".to_owned(), "shadowAccount".to_owned()];
        let options = TypeOptions { base: "dc=x".into(), auxiliary, ..TypeOptions::default() };
        let types = BTreeMap::from([(ObjectType::User, options)]);
        let options = LdapTargetOptions { types, ..LdapTargetOptions::default() };
        let shape = options.shape(ObjectType::User, flavour).unwrap();
        let mut entry =
            DirectoryEntry { id: "1".into(), dn: "cn=a,dc=x".into(), attributes: Attributes::new() };
        for (name, value) in held {
            entry.attributes.append(name, [Value::from(*value)]);
        }
        let edits: Vec<Edit> =
            edits.iter().map(|(path, value)| Edit::Set((*path).to_owned(), value.clone())).collect();
        modifications(&mut Wanted::of_edits(&edits, &shape, "cn").unwrap(), &entry, &shape, "cn")
    }

    fn replace(name: &str, values: &[&str]) -> Modification {
        Modification::Replace(name.to_owned(), values.iter().map(|value| (*value).into()).collect())
    }

    #[test]
    fn accounts_are_closed_as_their_server_does_it() {
        let ad = |held: &str, edits: &[(&str, serde_json::Value)]| {
            sent(Flavour::ActiveDirectory, &[("userAccountControl", held)], edits).unwrap()
        };
        assert_eq!(ad("66048", &[("@active", json!(false))]), [replace("userAccountControl", &["66050"])]);
        assert_eq!(ad("514", &[("@active", json!(true))]), [replace("userAccountControl", &["512"])]);
        let flag = [("userAccountControl", json!(66048))];
        assert_eq!(ad("514", &flag), [replace("userAccountControl", &["66050"])]);
        let hidden = sent(Flavour::ActiveDirectory, &[], &[("@active", json!(true))]).unwrap_err();
        assert_eq!(hidden.code, 50);
        let other = |active: bool| sent(Flavour::Other, &[], &[("@active", json!(active))]).unwrap();
        assert_eq!(other(false), [replace("pwdAccountLockedTime", &["000001010000Z"])]);
        assert_eq!(other(true), [replace("pwdAccountLockedTime", &[])]);
    }

    #[test]
    fn auxiliary_classes_come_and_go_with_their_attributes() {
        let held = [("objectClass", "inetOrgPerson"), ("objectClass", "posixAccount")];
        let edits = [("objectClass", json!(["shadowAccount"])), ("uidNumber", json!(""))];
        let of = |name: &str| vec![Value::from(name)];
        assert_eq!(
            sent(Flavour::Other, &held, &edits).unwrap(),
            [
                Modification::Add("objectClass".into(), of("shadowAccount")),
                Modification::Remove("objectClass".into(), of("posixAccount")),
                replace("uidNumber", &[]),
            ]
        );
    }

    #[test]
    fn the_domain_of_a_principal_name_is_refused_before_it_is_sent() {
        let held = [("userPrincipalName", "a@x.test")];
        let to = |name: &str| sent(Flavour::ActiveDirectory, &held, &[("userPrincipalName", json!(name))]);
        assert_eq!(to("b@X.test").unwrap(), [replace("userPrincipalName", &["b@X.test"])]);
        assert_eq!(to("a@y.test").unwrap_err().code, 19);
    }

    #[test]
    fn a_name_is_the_only_value_of_its_attribute() {
        let edits = [("cn", json!("b"))];
        assert_eq!(sent(Flavour::Other, &[("cn", "a")], &edits).unwrap(), []);
        assert_eq!(
            sent(Flavour::Other, &[("cn", "a"), ("cn", "c")], &edits).unwrap(),
            [replace("cn", &["b"])]
        );
    }
}
