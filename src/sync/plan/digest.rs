//! Fingerprints of what a plan was made from: FNV-1a of 128 bits, which stays the same from
//! one version of sekisho to the next. They find what is no longer the same; against somebody who forges they do nothing.

use std::io;

use serde::Serialize;

use crate::directory::source::Cursor;
use crate::sync::link::{Link, LinkState};

const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;

/// A fingerprint of one thing after another.
#[derive(Debug, Clone, Copy)]
struct Fingerprint(u128);

impl Default for Fingerprint {
    fn default() -> Self {
        Self(OFFSET)
    }
}

impl Fingerprint {
    /// With one more thing. What serde cannot write as JSON counts by how far it comes.
    #[must_use]
    fn with(mut self, thing: &impl Serialize) -> Self {
        let written = serde_json::to_writer(&mut self, thing).is_ok();
        self.octets(&[u8::from(written)]);
        self
    }

    fn octets(&mut self, octets: &[u8]) {
        for octet in octets {
            self.0 = (self.0 ^ u128::from(*octet)).wrapping_mul(PRIME);
        }
    }
}

impl io::Write for Fingerprint {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.octets(octets);
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A fingerprint of the links of a target and of how far its sources were read, in any order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StateHash(u128);

impl StateHash {
    /// With one more link. Where its entry is in the source is no part of it.
    #[must_use]
    pub fn with_link(self, link: &Link) -> Self {
        let since = match link.state {
            LinkState::Active => "active".to_owned(),
            LinkState::Inactive => "inactive".to_owned(),
            LinkState::Leaving { since } => since.to_string(),
        };
        let members: Vec<_> = link.members.iter().collect();
        let print =
            Fingerprint::default().with(&(&link.key, &link.target_id, since, link.sums.to_map(), members));
        Self(self.0.wrapping_add(print.0))
    }

    /// With how far a source was read for one query; `of` names both.
    #[must_use]
    pub fn with_cursor(self, of: &str, cursor: &Cursor) -> Self {
        let print = Fingerprint::default().with(&("cursor", of, &cursor.server, &cursor.value));
        Self(self.0.wrapping_add(print.0))
    }

    /// As 32 hexadecimal digits.
    pub fn text(self) -> String {
        format!("{:032x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::sync::object::{ObjectKey, ObjectType};

    fn link(id: &str) -> Link {
        Link {
            key: ObjectKey::new(ObjectType::User, id),
            dn: "cn=a".to_owned(),
            target_id: "t".to_owned(),
            state: LinkState::Active,
            sums: BTreeMap::from([("userName".to_owned(), 1)]).into(),
            members: [("members".to_owned(), [ObjectKey::new(ObjectType::User, "b")].into())].into(),
        }
    }

    #[test]
    fn it_is_fnv() {
        let mut print = Fingerprint::default();
        print.octets(b"foobar");
        // The published test vector of FNV-1a with 128 bits.
        assert_eq!(format!("{:032x}", print.0), "343e1662793c64bf6f0d3597ba446f18");
    }

    #[test]
    fn a_state_is_the_same_in_any_order_and_no_other() {
        let state = |links: &[Link]| links.iter().fold(StateHash::default(), StateHash::with_link);
        let (a, b) = (link("a"), link("b"));
        assert_eq!(state(&[a.clone(), b.clone()]), state(&[b.clone(), a.clone()]));
        let others = [
            Link { target_id: "u".into(), ..a.clone() },
            Link { state: LinkState::Inactive, ..a.clone() },
            Link { sums: BTreeMap::from([("userName".to_owned(), 2)]).into(), ..a.clone() },
            Link { members: [("members".to_owned(), [].into())].into(), ..a.clone() },
            b.clone(),
        ];
        for other in others {
            assert_ne!(state(std::slice::from_ref(&a)), state(&[other]));
        }
        assert_eq!(state(std::slice::from_ref(&a)), state(&[Link { dn: "cn=moved".into(), ..a.clone() }]));
        let cursor = |value: &str| Cursor { server: "s".into(), value: value.into() };
        let state = state(&[a]);
        assert_ne!(state.with_cursor("d", &cursor("1")), state.with_cursor("d", &cursor("2")));
        assert_ne!(state.with_cursor("d", &cursor("1")), state);
    }
}
