//! [`sum`]: a number for a value, to know later whether it is another one.

use serde_json::Value;
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use crate::sync::link::Link;

/// A hash of a value, of its JSON without blanks and with the names of objects in order (XXH3, 64 bits, no seed).
///
/// It is kept in the store ([`Link::sums`](crate::sync::Link)) and compared by later versions: **it must never change**, or
/// every value of every object would be sent again. It is no secret and no proof: who knows a sum can guess short values.
pub fn sum(value: &Value) -> u64 {
    let mut text = String::new();
    canonical(value, &mut text);
    xxh3_64(text.as_bytes())
}

/// A hash of all that is known of an object at the target: its id, its state, what was last carried, and its members. It
/// is for the log: the same in two lines says that between them nothing was known to change.
pub fn sum_of_link(link: &Link) -> u64 {
    let mut hash = Xxh3::new();
    let mut take = |text: &str| {
        hash.update(text.as_bytes());
        hash.update(b"\n");
    };
    take(&link.target_id);
    take(&format!("{:?}", link.state));
    take(link.sums.as_str());
    for (path, members) in &link.members {
        take(path);
        for member in members {
            take(&member.id);
        }
    }
    hash.digest()
}

/// serde_json keeps the order of an object's names as it came.
fn canonical(value: &Value, text: &mut String) {
    match value {
        Value::Object(members) => {
            let mut names: Vec<&String> = members.keys().collect();
            names.sort_unstable();
            text.push('{');
            for (at, name) in names.into_iter().enumerate() {
                text.push_str(if at == 0 { "" } else { "," });
                canonical(&Value::String(name.clone()), text);
                text.push(':');
                canonical(members.get(name).unwrap_or(&Value::Null), text);
            }
            text.push('}');
        }
        Value::Array(elements) => {
            text.push('[');
            for (at, element) in elements.iter().enumerate() {
                text.push_str(if at == 0 { "" } else { "," });
                canonical(element, text);
            }
            text.push(']');
        }
        Value::String(plain) if is_written_so(plain) => {
            text.push('"');
            text.push_str(plain);
            text.push('"');
        }
        plain => text.push_str(&plain.to_string()),
    }
}

/// Whether a text is in JSON what it is.
fn is_written_so(text: &str) -> bool {
    !text.bytes().any(|byte| byte < 0x20 || matches!(byte, b'"' | b'\\'))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Links of every installation hold these: a change here is a full write to every target. The numbers are those of
    /// another implementation of XXH3.
    #[test]
    fn sums_are_for_ever() {
        let table = [
            (json!("田中 太郎"), 0x6c6e_87a5_131f_e59d),
            (json!("a\"\n"), 0x595a_6e24_0253_42d9),
            (json!(true), 0x40bb_d512_750b_7629),
            (json!(["google", "salesforce"]), 0xe562_54ed_46e1_7616),
            (json!({"b": 1, "a": [null]}), 0x07b2_338e_b7c1_2d82),
            (json!("x".repeat(1000)), 0xf322_2cce_ed94_656f),
        ];
        for (value, known) in table {
            assert_eq!(sum(&value), known, "{value}");
        }
    }

    #[test]
    fn only_the_value_counts() {
        assert_eq!(
            sum(&json!({"a": 1, "b": {"c": 2, "d": 3}})),
            sum(&json!({"b": {"d": 3, "c": 2}, "a": 1}))
        );
        let different = [
            json!("true"),
            json!(true),
            json!(["a", "b"]),
            json!(["b", "a"]),
            json!("[\"a\",\"b\"]"),
            json!(null),
        ];
        for (at, one) in different.iter().enumerate() {
            for other in &different[at + 1..] {
                assert_ne!(sum(one), sum(other), "{one} {other}");
            }
        }
    }
}
