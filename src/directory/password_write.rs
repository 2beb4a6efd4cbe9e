//! How a password is written: Active Directory's `unicodePwd` (\[MS-ADTS\] 3.1.1.3.1.5), or the password-modify operation
//! (RFC 3062).

use std::collections::HashSet;

use ldap3::Mod;

/// One write. `old` is none when an administrator does it.
#[derive(Clone, Copy)]
pub(super) enum PasswordWrite<'a> {
    /// One modify of `unicodePwd`: the old value out and the new one in, or the new one in the place of whatever is there.
    Unicode {
        /// The entry.
        dn: &'a str,
        old: Option<&'a str>,
        new: &'a str,
    },
    /// The extended operation.
    Modify {
        /// The entry; none: the one that is bound.
        user: Option<&'a str>,
        old: Option<&'a str>,
        new: &'a str,
    },
}

const UNICODE_PWD: &[u8] = b"unicodePwd";

/// The changes of [`PasswordWrite::Unicode`].
pub(super) fn unicode_pwd_mods(old: Option<&str>, new: &str) -> Vec<Mod<Vec<u8>>> {
    let values = |password: &str| HashSet::from([quoted(password)]);
    match old {
        Some(old) => {
            vec![Mod::Delete(UNICODE_PWD.to_vec(), values(old)), Mod::Add(UNICODE_PWD.to_vec(), values(new))]
        }
        None => vec![Mod::Replace(UNICODE_PWD.to_vec(), values(new))],
    }
}

/// UTF-16, little end first, in quotation marks.
fn quoted(password: &str) -> Vec<u8> {
    let units = std::iter::once(u16::from(b'"')).chain(password.encode_utf16());
    let units = units.chain(std::iter::once(u16::from(b'"')));
    units.flat_map(u16::to_le_bytes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_takes_the_old_value_out_in_the_same_modify() {
        let value = |password: &str| HashSet::from([quoted(password)]);
        assert_eq!(quoted("aé𠮷"), b"\"\0a\0\xe9\0\x42\xd8\xb7\xdf\"\0");
        let name = UNICODE_PWD.to_vec();
        let mods: Result<[Mod<Vec<u8>>; 2], _> = unicode_pwd_mods(Some("o"), "n").try_into();
        let Ok([Mod::Delete(out, old), Mod::Add(into, new)]) = mods else { panic!("two changes") };
        assert_eq!((out, old, into, new), (name.clone(), value("o"), name.clone(), value("n")));
        assert!(matches!(unicode_pwd_mods(None, "n").as_slice(), [Mod::Replace(..)]));
    }
}
