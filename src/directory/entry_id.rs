//! The ids by which an entry is found again wherever it is moved: objectGUID or entryUUID in one text form, there and back.

use super::filter::escape_octets;
use super::wire::Entry;

/// What the id is read from.
pub(super) const IDS: [&str; 2] = ["objectGUID", "entryUUID"];

/// Where a UUID in text form has them (RFC 9562 section 4).
const DASHES: [usize; 4] = [8, 13, 18, 23];

/// objectGUID, else entryUUID, in text form and lower case.
pub(super) fn id_of(entry: &Entry) -> Result<String, String> {
    match (entry.values("objectGUID"), entry.values("entryUUID")) {
        ([guid], _) => guid_text(guid).ok_or_else(|| "objectGUID is not 16 octets long".to_owned()),
        ([], [uuid]) => std::str::from_utf8(uuid)
            .ok()
            .and_then(in_lower_case)
            .ok_or_else(|| "entryUUID is no UUID".to_owned()),
        ([], []) => {
            Err("neither objectGUID nor entryUUID can be read; let bind_dn read one of them".to_owned())
        }
        _ => Err("has more than one objectGUID or entryUUID".to_owned()),
    }
}

/// A UUID in text form, in lower case.
fn in_lower_case(text: &str) -> Option<String> {
    let is_of_uuid = |(at, octet): (usize, u8)| {
        if DASHES.contains(&at) { octet == b'-' } else { octet.is_ascii_hexdigit() }
    };
    (text.len() == 36 && text.bytes().enumerate().all(is_of_uuid)).then(|| text.to_ascii_lowercase())
}

/// Octets in the order of RFC 9562 section 4, as text.
pub(super) fn uuid_text(octets: &[u8]) -> Option<String> {
    if octets.len() != 16 {
        return None;
    }
    let mut text = data_encoding::HEXLOWER.encode(octets);
    for at in [20, 16, 12, 8] {
        text.insert(at, '-');
    }
    Some(text)
}

/// objectGUID, whose first three fields are little-endian (\[MS-DTYP\] 2.3.4.2), as text.
pub(super) fn guid_text(octets: &[u8]) -> Option<String> {
    uuid_text(&swapped(octets.try_into().ok()?))
}

/// The octets of a UUID in text form, in the order of the text; `None` when it is none.
pub(super) fn octets_of(text: &str) -> Option<[u8; 16]> {
    let digits: Vec<u8> = in_lower_case(text)?.bytes().filter(|octet| *octet != b'-').collect();
    data_encoding::HEXLOWER.decode(&digits).ok()?.try_into().ok()
}

/// The filter that finds an entry by its id; `None` when no entry has such an id.
pub(super) fn id_filter(id: &str, active_directory: bool) -> Option<String> {
    Some(if active_directory {
        format!("(objectGUID={})", escape_octets(&swapped(octets_of(id)?)))
    } else {
        format!("(entryUUID={})", in_lower_case(id)?)
    })
}

/// Whether a text is a UUID: how ids are told from DNs.
pub fn is_id(text: &str) -> bool {
    in_lower_case(text).is_some()
}

/// Between the two orders; there and back.
pub(super) fn swapped(mut octets: [u8; 16]) -> [u8; 16] {
    let (first, rest) = octets.split_at_mut(4);
    let (second, rest) = rest.split_at_mut(2);
    let (third, _) = rest.split_at_mut(2);
    first.reverse();
    second.reverse();
    third.reverse();
    octets
}

#[cfg(test)]
mod tests {
    use super::*;

    const UUID: &str = "8a1c4e0e-0000-4000-8000-000000000001";

    #[test]
    fn an_id_is_a_uuid_as_others_write_it() {
        let octets: Vec<u8> = (0..16).collect();
        let text = "03020100-0504-0706-0809-0a0b0c0d0e0f";
        assert_eq!(guid_text(&octets).as_deref(), Some(text));
        assert_eq!(id_of(&Entry::of(&[("objectguid", &octets), ("entryUUID", b"x")])).as_deref(), Ok(text));
        assert_eq!(id_of(&Entry::of(&[("entryUUID", UUID.to_uppercase().as_bytes())])).as_deref(), Ok(UUID));
        let fault = |attributes: &[(&str, &[u8])]| id_of(&Entry::of(attributes)).unwrap_err();
        assert!(fault(&[]).contains("neither objectGUID nor entryUUID"));
        assert!(fault(&[("entryUUID", b"8a1c4e0e")]).contains("no UUID"));
        assert!(fault(&[("objectGUID", b"8a1c4e0e")]).contains("16 octets"));
        let twice = Entry {
            dn: String::new(),
            attributes: vec![("entryUUID".to_owned(), vec![UUID.into(), UUID.into()])],
        };
        assert!(id_of(&twice).unwrap_err().contains("more than one"));
    }

    #[test]
    fn a_filter_finds_an_entry_by_its_id_alone() {
        let id = "00112233-4455-6677-8899-aabbccddeeff";
        let filter = "(objectGUID=\\33\\22\\11\\00\\55\\44\\77\\66\\88\\99\\aa\\bb\\cc\\dd\\ee\\ff)";
        assert_eq!(id_filter(id, true).as_deref(), Some(filter));
        assert_eq!(id_filter(&id.to_uppercase(), false), Some(format!("(entryUUID={id})")));
        for none in ["", "uid=a,dc=x", "0011223344556677889-aabbccddeeff0011", "*"] {
            assert!(id_filter(none, false).is_none() && !is_id(none), "{none}");
        }
    }
}
