//! [`plain`]: what serde says of a value, in the words of this configuration.

use super::fault::Complaint;

/// The complaint for a message of serde; `section` is what is to be corrected.
pub(super) fn plain(told: &str, section: &str) -> Complaint {
    let told = told.trim();
    let after = |start: &str| told.strip_prefix(start)?.split_once('`');
    if let Some((word, rest)) = after("unknown variant `") {
        return Complaint::wrong(format!("\"{word}\" is not known"), known(rest));
    }
    if let Some((word, rest)) = after("unknown field `") {
        return Complaint::wrong(format!("unknown key \"{word}\""), known(rest));
    }
    if let Some((word, _)) = after("missing field `") {
        return Complaint::wrong(format!("{word} is missing"), format!("write it into [{section}]"));
    }
    Complaint::wrong(told, format!("correct [{section}]"))
}

/// Of "expected one of `a`, `b`" and "expected `a` or `b`" the words in quotes.
fn known(rest: &str) -> String {
    let words: Vec<&str> = rest.split('`').skip(1).step_by(2).collect();
    if words.is_empty() { "take it out".to_owned() } else { format!("known are: {}", words.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_serde_become_ours() {
        for (told, message, remedy) in [
            ("unknown variant `x`, expected `a` or `b`", "\"x\" is not known", "known are: a, b"),
            (
                "unknown variant `x`, expected one of `a`, `b`, `c`",
                "\"x\" is not known",
                "known are: a, b, c",
            ),
            ("unknown field `x`, expected `a`", "unknown key \"x\"", "known are: a"),
            ("unknown field `x`, there are no fields", "unknown key \"x\"", "take it out"),
            ("missing field `count`", "count is missing", "write it into [sync[1].limits.user]"),
            ("invalid type: integer", "invalid type: integer", "correct [sync[1].limits.user]"),
        ] {
            let complaint = plain(told, "sync[1].limits.user");
            assert_eq!((complaint.message.as_str(), complaint.remedy.as_str()), (message, remedy));
        }
    }
}
