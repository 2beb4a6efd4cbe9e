//! What Windows writes, what is written here, and that what others wrote stays.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

fn units(name: &str) -> Vec<u16> {
    name.encode_utf16().collect()
}

/// A value as Windows writes one, by the examples of its users: names, values as digits, the first property after `P` and
/// the count.
fn written(properties: &[(&str, &str)]) -> String {
    let mut all = vec![BLANK; RESERVED];
    all.extend([u16::from(b'P'), u16::try_from(properties.len()).unwrap()]);
    for (name, digits) in properties {
        let digits: Vec<u16> =
            digits.as_bytes().chunks(2).map(|two| u16::from_le_bytes([two[0], two[1]])).collect();
        let octets = |count: usize| u16::try_from(count * 2).unwrap();
        all.extend([octets(name.len()), octets(digits.len()), 1]);
        all.extend(units(name).into_iter().chain(digits));
    }
    String::from_utf16(&all).unwrap()
}

fn parsed(text: &str) -> UserParameters {
    UserParameters::parse(text.as_bytes()).unwrap()
}

#[test]
fn what_windows_writes_is_read() {
    // As an old server writes it: U+3535 U+6531 .. are the digits of 55 1e 0b b0, and no wide texts.
    let text = written(&[
        ("CtxCfgPresent", "551e0bb0"),
        ("CtxCfgFlags1", "00f02190"),
        ("CtxShadow", "01000000"),
        ("CtxWFHomeDir", "5c5c735c6100"),
        ("CtxWFHomeDirDrive", "683a00"),
        ("CtxWFProfilePath", "00"),
    ]);
    assert!(text.contains("CtxCfgPresent㔵攱戰ぢ"));
    let held = parsed(&text);
    assert_eq!(held.get(Setting::HomeDirectory).as_deref(), Some("\\\\s\\a"));
    assert_eq!(held.get(Setting::HomeDrive).as_deref(), Some("h:"));
    assert_eq!(held.get(Setting::ProfilePath), None);
    assert_eq!(held.get(Setting::AllowLogon).as_deref(), Some("false"));
    assert_eq!(held.text().unwrap().as_deref(), Some(text.as_str()));
    // The wide one counts where both are.
    let both = [("CtxCfgPresent", "551e0bb0"), ("CtxWFHomeDir", "6f6c6400"), ("CtxWFHomeDirW", "2d4e0000")];
    assert_eq!(parsed(&written(&both)).get(Setting::HomeDirectory).as_deref(), Some("中"));
    // Without the first one terminal services see none.
    let unseen = parsed(&written(&both[1..]));
    assert_eq!(unseen.get(Setting::HomeDirectory), None);
    assert_eq!(unseen.get(Setting::AllowLogon).as_deref(), Some("true"));
}

#[test]
fn what_is_set_is_written_as_windows_writes_it() {
    let mut made = UserParameters::parse(b"").unwrap();
    made.set(Setting::AllowLogon, Some("true")).unwrap();
    made.set(Setting::ProfilePath, None).unwrap();
    assert_eq!(made.text(), Ok(None), "as it is without");
    made.set(Setting::HomeDirectory, Some("\\\\s\\a")).unwrap();
    made.set(Setting::AllowLogon, Some("false")).unwrap();
    let text = written(&[
        ("CtxCfgPresent", "551e0bb0"),
        ("CtxCfgFlags1", "00e00110"),
        ("CtxWFHomeDir", "5c5c735c6100"),
        ("CtxWFHomeDirW", "5c005c0073005c0061000000"),
    ]);
    assert_eq!(made.text(), Ok(Some(text)));
    made.set(Setting::HomeDirectory, Some("\\\\s\\田")).unwrap();
    made.set(Setting::AllowLogon, None).unwrap();
    let text = written(&[
        ("CtxCfgPresent", "551e0bb0"),
        ("CtxCfgFlags1", "00e00010"),
        ("CtxWFHomeDirW", "5c005c0073005c0030750000"),
    ]);
    assert_eq!(made.text(), Ok(Some(text)));
    made.set(Setting::HomeDirectory, None).unwrap();
    let text = written(&[("CtxCfgPresent", "551e0bb0"), ("CtxCfgFlags1", "00e00010")]);
    assert_eq!(made.text(), Ok(Some(text)));
}

#[test]
fn what_others_write_is_kept_or_left_alone() {
    // The dial-in of old: characters before the signature, and nothing else.
    let dial_in = "m                    d";
    let mut held = parsed(dial_in);
    held.set(Setting::HomeDrive, Some("H:")).unwrap();
    let text = held.text().unwrap().unwrap();
    assert!(text.starts_with(&format!("{dial_in:48}P")), "{text:?}");
    let of = |text: String| UserParameters::parse(text.as_bytes());
    let start = " ".repeat(RESERVED);
    assert_eq!(of(format!("{start}Q\u{0}")), Err(Foreign::Signature));
    assert_eq!(of(format!("{start}P")), Err(Foreign::Length));
    assert_eq!(of(format!("{start}P\u{1}\u{4}\u{4}\u{1}ab")), Err(Foreign::Length));
    assert_eq!(of(format!("{start}P\u{1}\u{3}\u{4}\u{1}abcdef")), Err(Foreign::Length));
    assert_eq!(of(written(&[("CtxCfgFlags1", "0000")])), Err(Foreign::Flags));
    assert_eq!(UserParameters::parse(&[0xff, 0xfe]), Err(Foreign::NoText));
    // A path whose length would be a surrogate.
    let mut long = UserParameters::default();
    long.set(Setting::ProfilePath, Some(&"x".repeat(0xd800 / 4))).unwrap();
    assert_eq!(long.text(), Err(Foreign::TooLong));
}

fn setting() -> impl Strategy<Value = Setting> {
    (0..SETTINGS.len()).prop_map(|at| SETTINGS[at].1)
}

fn value(setting: Setting) -> BoxedStrategy<Option<String>> {
    match setting {
        Setting::AllowLogon => {
            proptest::option::of(any::<bool>().prop_map(|truth| truth.to_string())).boxed()
        }
        _ => proptest::option::of("[^\0]{0,40}").boxed(),
    }
}

fn assignments() -> impl Strategy<Value = Vec<(Setting, Option<String>)>> {
    vec(setting().prop_flat_map(|setting| (Just(setting), value(setting))), 0..8)
}

/// Characters that are no surrogates, so that the whole is a text.
fn plain(size: impl Into<proptest::collection::SizeRange>) -> impl Strategy<Value = Vec<u16>> {
    vec(prop_oneof![0..0xd800_u16, 0xe000..=0xffff_u16], size)
}

fn foreign() -> impl Strategy<Value = UserParameters> {
    let property = (plain(0..20), prop_oneof![Just(1_u16), 0..9_u16], plain(0..20))
        .prop_map(|(name, kind, value)| Property { name, kind, value });
    (plain(RESERVED), vec(property, 0..6), plain(0..4))
        .prop_map(|(reserved, properties, rest)| UserParameters { reserved, properties, rest })
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(held in foreign(), changes in assignments()) {
        let mut held = held;
        for (setting, value) in changes {
            held.set(setting, value.as_deref()).unwrap();
        }
        let text = held.text().unwrap().unwrap_or_default();
        prop_assert_eq!(UserParameters::parse(text.as_bytes()), Ok(held));
    }

    #[test]
    fn what_is_set_is_got_and_nothing_else_changes(held in foreign(), changes in assignments()) {
        let mut changed = held.clone();
        for (setting, value) in &changes {
            let others: Vec<_> = Setting::all().filter(|(_, other)| other != setting).collect();
            let got = |held: &UserParameters| others.iter().map(|(_, other)| held.get(*other)).collect::<Vec<_>>();
            let before = got(&changed);
            changed.set(*setting, value.as_deref()).unwrap();
            prop_assert_eq!(got(&changed), before);
            let wanted = value.clone().filter(|text| !text.is_empty());
            let default = (*setting == Setting::AllowLogon).then(|| "true".to_owned());
            prop_assert_eq!(changed.get(*setting), wanted.or(default));
            let again = changed.clone();
            changed.set(*setting, value.as_deref()).unwrap();
            prop_assert_eq!(&changed, &again);
        }
        prop_assert_eq!(&changed.reserved, &held.reserved);
        prop_assert_eq!(&changed.rest, &held.rest);
        prop_assert!(changed.properties.starts_with(&held.properties), "theirs stay, in their order");
    }

    #[test]
    fn nothing_that_is_read_is_written_otherwise(text in "\\PC{0,60}(P\\PC{0,8})?") {
        if let Ok(held) = UserParameters::parse(text.as_bytes()) {
            let again = held.text().unwrap().unwrap_or_default();
            prop_assert_eq!(UserParameters::parse(again.as_bytes()), Ok(held));
        }
    }
}
