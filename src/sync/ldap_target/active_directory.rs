//! What only Active Directory has: flags of accounts, types of groups, names from before Windows 2000, and the domain of a
//! user's principal name, which stays.

use super::fault::refused;
use super::options::Shape;
use super::user_parameters::{Foreign, UserParameters};
use super::wanted::Wanted;
use crate::identity::Value;
use crate::sync::ObjectType;
use crate::sync::target::TargetFault;

/// What terminal services, and others before them, keep of a user.
pub(super) const USER_PARAMETERS: &str = "userParameters";

/// `ADS_UF_ACCOUNTDISABLE`.
const DISABLED: i64 = 0x2;

/// `ADS_UF_NORMAL_ACCOUNT`.
const NORMAL: i64 = 0x200;

/// What a sAMAccountName may not hold (\[MS-SAMR\] 3.1.1.6, article 909264 of Microsoft's).
const NOT_IN_ACCOUNT_NAMES: &str = "\"/\\[]:;|=,+*?<>@";

/// The longest sAMAccountName of a user.
const LONGEST_ACCOUNT_NAME: usize = 20;

/// The types of groups by their words (`groupType`, \[MS-ADTS\] 2.2.12): scope, and whether rights are given to it.
const GROUP_TYPES: [(&str, i64); 6] = [
    ("global-security", SECURITY | 2),
    ("domain-local-security", SECURITY | 4),
    ("universal-security", SECURITY | 8),
    ("global-distribution", 2),
    ("domain-local-distribution", 4),
    ("universal-distribution", 8),
];

const SECURITY: i64 = -0x8000_0000;

/// What `groupType` holds for a word.
pub(super) fn group_type(word: &str) -> Option<String> {
    GROUP_TYPES.iter().find(|(known, _)| *known == word).map(|(_, number)| number.to_string())
}

/// All words, for people.
pub(super) fn group_types() -> String {
    GROUP_TYPES.map(|(word, _)| word).join(", ")
}

/// The word for what `groupType` holds.
pub(super) fn group_type_word(number: &str) -> Option<&'static str> {
    let number: i64 = number.parse().ok()?;
    GROUP_TYPES.iter().find(|(_, known)| *known == number).map(|(word, _)| *word)
}

/// The flags of a new account: the first value, disabled, and the one for when it has a password.
pub(super) fn first_flags(given: Option<i64>, active: bool) -> (i64, i64) {
    let flags = given.unwrap_or(NORMAL) & !DISABLED;
    (flags | DISABLED, if active { flags } else { flags | DISABLED })
}

/// The flags that an account gets; whether it is disabled changes only by `active`.
pub(super) fn flags(current: i64, given: Option<i64>, active: Option<bool>) -> i64 {
    let disabled = active.map_or(current & DISABLED, |active| if active { 0 } else { DISABLED });
    given.unwrap_or(current) & !DISABLED | disabled
}

/// Whether these flags let the account be used.
pub(super) fn is_usable(flags: i64) -> bool {
    flags & DISABLED == 0
}

/// What a new entry gets that was not given: the account name, and what it is shown as.
pub(super) fn fill(shape: &Shape, name: &str, attributes: &mut Vec<(String, Vec<Value>)>) {
    let text = |wanted: &str| {
        let found = attributes.iter().find(|(held, _)| held.eq_ignore_ascii_case(wanted));
        found.and_then(|(_, values)| values.first()?.as_text()).map(str::to_owned)
    };
    let mut more = Vec::new();
    if shape.kind == ObjectType::User {
        if text("sAMAccountName").is_none() {
            let principal = text("userPrincipalName");
            let user = principal.as_deref().and_then(|upn| upn.split('@').next()).unwrap_or(name);
            let account: String = account_name(user).chars().take(LONGEST_ACCOUNT_NAME).collect();
            more.push(("sAMAccountName", account));
        }
        if let (None, Some(given), Some(family)) = (text("displayName"), text("givenName"), text("sn")) {
            let middle = text("initials").map(|initials| format!("{}. ", initials.trim_end_matches('.')));
            more.push(("displayName", format!("{given} {}{family}", middle.unwrap_or_default())));
        }
    } else if shape.classes.iter().any(|class| class.eq_ignore_ascii_case("group"))
        && text("sAMAccountName").is_none()
    {
        more.push(("sAMAccountName", account_name(name)));
    }
    attributes.extend(more.into_iter().map(|(name, value)| (name.to_owned(), vec![value.into()])));
}

fn account_name(name: &str) -> String {
    let kept = |c: char| if c.is_control() || NOT_IN_ACCOUNT_NAMES.contains(c) { '_' } else { c };
    name.trim().trim_end_matches('.').chars().map(kept).collect()
}

/// What `userParameters` holds with the settings of terminal services that are wanted; none where it stays as it is. What
/// cannot be understood is nothing that may be replaced.
pub(super) fn with_terminal(
    wanted: &mut Wanted,
    held: Option<&Value>,
) -> Result<Option<Vec<Value>>, TargetFault> {
    let settings = std::mem::take(&mut wanted.terminal);
    if settings.is_empty() {
        return Ok(None);
    }
    // A rule may have the whole of it.
    let given = wanted.take(USER_PARAMETERS);
    let before = given.as_ref().map_or(held, |values| values.first());
    let written = || {
        let mut parameters = UserParameters::parse(before.map_or(&[][..], Value::as_bytes))?;
        for (setting, value) in &settings {
            parameters.set(*setting, value.as_deref())?;
        }
        parameters.text()
    };
    let foreign = |cause: Foreign| {
        let detail = format!("{USER_PARAMETERS} stays as it is: {cause}; correct or remove it at the target");
        refused(19, detail)
    };
    let text = written().map_err(foreign)?;
    let is_held = text.as_deref().unwrap_or_default().as_bytes() == held.map_or(&[][..], Value::as_bytes);
    Ok((!is_held).then(|| text.map(Value::from).into_iter().collect()))
}

/// Whether a userPrincipalName may become another: only the part before the `@` changes.
pub(super) fn keeps_domain(current: &str, wanted: &str) -> bool {
    let domain = |name: &str| name.rsplit_once('@').map(|(_, domain)| domain.to_lowercase());
    domain(current) == domain(wanted)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::directory::source::Flavour;
    use crate::sync::ldap_target::options::{LdapTargetOptions, TypeOptions};

    fn filled(kind: ObjectType, name: &str, given: &[(&str, &str)]) -> BTreeMap<String, String> {
        let options = TypeOptions { base: "dc=x".into(), ..TypeOptions::default() };
        let types = BTreeMap::from([(kind, options)]);
        let options = LdapTargetOptions { types, ..LdapTargetOptions::default() };
        let shape = options.shape(kind, Flavour::ActiveDirectory).unwrap();
        let of = |(name, value): &(&str, &str)| ((*name).to_owned(), vec![(*value).into()]);
        let mut attributes: Vec<_> = given.iter().map(of).collect();
        fill(&shape, name, &mut attributes);
        let text = |values: Vec<Value>| values[0].as_text().unwrap().to_owned();
        attributes.into_iter().map(|(name, values)| (name, text(values))).collect()
    }

    #[test]
    fn groups_have_words_both_ways() {
        assert_eq!(group_type("universal-security").as_deref(), Some("-2147483640"));
        assert_eq!(group_type("global-distribution").as_deref(), Some("2"));
        for (word, _) in GROUP_TYPES {
            assert_eq!(group_type_word(&group_type(word).unwrap()), Some(word));
        }
        assert_eq!((group_type("forest"), group_type_word("-2147483643")), (None, None));
    }

    #[test]
    fn being_disabled_is_nobodys_business_but_actives() {
        assert_eq!(first_flags(None, true), (514, 512));
        assert_eq!(first_flags(Some(66048), false), (66050, 66050));
        assert_eq!((flags(514, None, Some(true)), flags(512, None, Some(false))), (512, 514));
        assert_eq!((flags(514, Some(66048), None), flags(512, Some(66050), None)), (66050, 66048));
        assert!(is_usable(512) && !is_usable(66050));
    }

    #[test]
    fn names_that_are_not_given_come_from_those_that_are() {
        let user = filled(ObjectType::User, "Davis, Jr.", &[("givenName", "Ann"), ("sn", "Davis")]);
        assert_eq!(
            (user["sAMAccountName"].as_str(), user["displayName"].as_str()),
            ("Davis_ Jr", "Ann Davis")
        );
        let names = [("givenName", "Ann"), ("sn", "Davis"), ("initials", "M"), ("userPrincipalName", "ad@x")];
        let user = filled(ObjectType::User, "Ann Davis", &names);
        assert_eq!((user["sAMAccountName"].as_str(), user["displayName"].as_str()), ("ad", "Ann M. Davis"));
        let long = filled(ObjectType::User, "a-name-of-more-than-twenty", &[("displayName", "x")]);
        assert_eq!(long["sAMAccountName"], "a-name-of-more-than-");
        assert_eq!(filled(ObjectType::Group, "営業", &[])["sAMAccountName"], "営業");
        let other = filled(ObjectType::Group, "Sales", &[("samaccountname", "sales-2")]);
        assert_eq!((other.len(), other["samaccountname"].as_str()), (1, "sales-2"));
        assert!(filled(ObjectType::Contact, "Ann", &[]).is_empty());
    }

    #[test]
    fn the_domain_of_a_principal_name_stays() {
        assert!(keeps_domain("a@x.test", "b@X.test"));
        assert!(!keeps_domain("a@x.test", "a@y.test") && !keeps_domain("a@x.test", "a"));
    }
}
