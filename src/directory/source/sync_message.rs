//! [`Refresh`]: what a server says in the content synchronisation of RFC 4533, taken together. Pure.

use std::ops::ControlFlow;

use ldap3::ResultEntry;
use ldap3::asn1::{PL, StructureTag, TagClass, parse_tag};
use ldap3::controls::Control;

use super::Gone;
use crate::directory::connection::Fault;
use crate::directory::entry_id::uuid_text;
use crate::directory::wire::Entry;

const SYNC_STATE: &str = "1.3.6.1.4.1.4203.1.9.1.2";
const SYNC_DONE: &str = "1.3.6.1.4.1.4203.1.9.1.3";
const SYNC_INFO: &[u8] = b"1.3.6.1.4.1.4203.1.9.1.4";

/// A refresh while it comes in (RFC 4533 section 3.3).
#[derive(Debug, Default)]
pub(super) struct Refresh {
    pub(super) changed: Vec<Entry>,
    present: Vec<String>,
    deleted: Vec<String>,
    /// Whether the present phase was ended by a message: a delete phase follows.
    both_phases: bool,
    /// Whether the server sent entries as if it had not been asked for a synchronisation.
    plain: bool,
}

/// What the last message of a refresh says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Done {
    /// From where on to ask; `None`: as before.
    pub(super) cookie: Option<Vec<u8>>,
    /// Whether the server told what was deleted; else it told all that is there.
    deletes: bool,
}

impl Refresh {
    /// Takes one entry or message; more than `most` changed entries end it, and so does a server that does not
    /// synchronise.
    pub(super) fn take(&mut self, item: ResultEntry, most: usize) -> Result<ControlFlow<()>, Fault> {
        let malformed = || Fault::Lost("the server sent a malformed message of a synchronisation".to_owned());
        if item.is_intermediate() {
            self.info(item.0).ok_or_else(malformed)?;
            return Ok(ControlFlow::Continue(()));
        }
        let Some(Control(_, raw)) = item.1.iter().find(|Control(_, raw)| raw.ctype == SYNC_STATE) else {
            self.plain = true;
            return Ok(ControlFlow::Break(()));
        };
        let (state, id) = raw.val.as_deref().and_then(state).ok_or_else(malformed)?;
        match state {
            0 => self.present.push(id),
            1 | 2 => self.changed.push(Entry::decode(item).ok_or_else(malformed)?),
            3 => self.deleted.push(id),
            _ => return Err(malformed()),
        }
        Ok(if self.changed.len() > most { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    }

    /// Why it was ended before its end.
    pub(super) fn broken(&self) -> String {
        if self.plain {
            return "the server does not synchronise any more (RFC 4533)".to_owned();
        }
        format!("more than {} entries changed", self.changed.len().saturating_sub(1))
    }

    /// Entries that are new or different, and what is gone; `None` when the server says that nothing at all is left,
    /// which is not believed without a reading.
    pub(super) fn end(self, done: &Done) -> Option<(Vec<Entry>, Gone)> {
        let Self { changed, mut present, deleted, both_phases, .. } = self;
        if done.deletes && !both_phases {
            return Some((changed, Gone::These(deleted)));
        }
        if changed.is_empty() && present.is_empty() {
            return None;
        }
        if !deleted.is_empty() {
            let deleted: std::collections::HashSet<String> = deleted.into_iter().collect();
            present.retain(|id| !deleted.contains(id));
        }
        Some((changed, Gone::AllBut(present)))
    }

    /// IntermediateResponse ::= [APPLICATION 25] SEQUENCE { responseName [0], responseValue [1] }.
    fn info(&mut self, message: StructureTag) -> Option<()> {
        let (mut ours, mut value) = (false, None);
        for part in message.expect_constructed()? {
            match (part.id, part.payload) {
                (0, PL::P(name)) => ours = name == SYNC_INFO,
                (1, PL::P(octets)) => value = Some(octets),
                _ => return None,
            }
        }
        // Messages of another kind mean nothing here.
        if !ours {
            return Some(());
        }
        let (_, choice) = parse_tag(&value?).ok()?;
        match (choice.id, choice.payload) {
            (0, PL::P(_)) | (1, PL::C(_)) => {}
            (2, PL::C(_)) => self.both_phases = true,
            (3, PL::C(parts)) => self.ids(parts)?,
            _ => return None,
        }
        Some(())
    }

    /// syncIdSet ::= SEQUENCE { cookie OPTIONAL, refreshDeletes BOOLEAN DEFAULT FALSE, syncUUIDs SET OF OCTET STRING }.
    fn ids(&mut self, parts: Vec<StructureTag>) -> Option<()> {
        let mut deletes = false;
        for part in parts {
            match (part.id, part.payload) {
                (4, PL::P(_)) => {}
                (1, PL::P(octets)) => deletes = is_true(&octets),
                (17, PL::C(uuids)) => {
                    let ids = if deletes { &mut self.deleted } else { &mut self.present };
                    for uuid in uuids {
                        ids.push(uuid_text(&uuid.expect_primitive()?)?);
                    }
                }
                _ => return None,
            }
        }
        Some(())
    }
}

impl Done {
    /// syncDoneValue ::= SEQUENCE { cookie OPTIONAL, refreshDeletes BOOLEAN DEFAULT FALSE }; `None` when it does not come,
    /// or is none.
    pub(super) fn of(controls: &[Control]) -> Option<Self> {
        let Control(_, raw) = controls.iter().find(|Control(_, raw)| raw.ctype == SYNC_DONE)?;
        let mut done = Self { cookie: None, deletes: false };
        let Some(value) = raw.val.as_deref().filter(|value| !value.is_empty()) else { return Some(done) };
        for part in parse_tag(value).ok()?.1.expect_constructed()? {
            match (part.id, part.payload) {
                (4, PL::P(octets)) => done.cookie = Some(octets),
                (1, PL::P(octets)) => done.deletes = is_true(&octets),
                _ => return None,
            }
        }
        Some(done)
    }
}

/// syncStateValue ::= SEQUENCE { state ENUMERATED, entryUUID OCTET STRING, cookie OPTIONAL }.
fn state(value: &[u8]) -> Option<(u8, String)> {
    let (_, sequence) = parse_tag(value).ok()?;
    let mut parts = sequence.expect_constructed()?.into_iter();
    let state = parts.next().filter(|part| part.class == TagClass::Universal && part.id == 10)?;
    let [state] = state.expect_primitive()?.try_into().ok()?;
    Some((state, uuid_text(&parts.next()?.expect_primitive()?)?))
}

fn is_true(octets: &[u8]) -> bool {
    octets.iter().any(|octet| *octet != 0)
}

#[cfg(test)]
mod tests {
    use ldap3::controls::RawControl;

    use super::*;

    const FIRST: &str = "01010101-0101-0101-0101-010101010101";
    const SECOND: &str = "02020202-0202-0202-0202-020202020202";

    fn control(ctype: &str, value: &[u8]) -> Control {
        Control(None, RawControl { ctype: ctype.to_owned(), crit: false, val: Some(value.to_vec()) })
    }

    fn tag(class: TagClass, id: u64, payload: PL) -> StructureTag {
        StructureTag { class, id, payload }
    }

    /// An entry with a state and an id of sixteen equal octets.
    fn entry(state: u8, octet: u8) -> ResultEntry {
        let dn = tag(TagClass::Universal, 4, PL::P(b"uid=a".to_vec()));
        let none = tag(TagClass::Universal, 16, PL::C(Vec::new()));
        let mut item = ResultEntry::new(tag(TagClass::Application, 4, PL::C(vec![dn, none])));
        let value = [&[0x30, 0x15, 0x0a, 0x01, state, 0x04, 0x10][..], &[octet; 16]].concat();
        item.1.push(control(SYNC_STATE, &value));
        item
    }

    fn message(value: &[u8]) -> ResultEntry {
        let part = |id, octets: &[u8]| tag(TagClass::Context, id, PL::P(octets.to_vec()));
        ResultEntry::new(tag(TagClass::Application, 25, PL::C(vec![part(0, SYNC_INFO), part(1, value)])))
    }

    fn ids(deletes: bool, octet: u8) -> ResultEntry {
        let flag: &[u8] = if deletes { &[0x01, 0x01, 0xff] } else { &[] };
        let set = [&[0x31, 0x12, 0x04, 0x10][..], &[octet; 16]].concat();
        let length = u8::try_from(flag.len() + set.len()).unwrap();
        message(&[&[0xa3, length], flag, &set].concat())
    }

    fn taken(items: Vec<ResultEntry>) -> Refresh {
        let mut refresh = Refresh::default();
        for item in items {
            assert_eq!(refresh.take(item, 10).unwrap(), ControlFlow::Continue(()));
        }
        refresh
    }

    fn done(deletes: bool) -> Done {
        Done { cookie: None, deletes }
    }

    #[test]
    fn a_delete_phase_names_what_is_gone() {
        let (changed, gone) = taken(vec![ids(true, 1), entry(3, 2), entry(1, 3)]).end(&done(true)).unwrap();
        assert_eq!((changed.len(), gone), (1, Gone::These(vec![FIRST.into(), SECOND.into()])));
        let (_, gone) = taken(vec![]).end(&done(true)).unwrap();
        assert_eq!(gone, Gone::These(vec![]));
    }

    #[test]
    fn a_present_phase_names_what_is_there() {
        let (changed, gone) = taken(vec![ids(false, 1), entry(0, 2), entry(2, 3)]).end(&done(false)).unwrap();
        assert_eq!((changed.len(), gone), (1, Gone::AllBut(vec![FIRST.into(), SECOND.into()])));
        // refreshPresent without refreshDone, then a delete phase.
        let both =
            taken(vec![ids(false, 1), ids(false, 2), message(&[0xa2, 0x03, 0x01, 0x01, 0x00]), ids(true, 1)]);
        assert_eq!(both.end(&done(true)).unwrap().1, Gone::AllBut(vec![SECOND.into()]));
        assert!(taken(vec![]).end(&done(false)).is_none(), "nothing is left");
    }

    #[test]
    fn the_end_has_a_cookie_and_says_which_phase_it_was() {
        let value = [0x30, 0x07, 0x04, 0x02, 0x61, 0x62, 0x01, 0x01, 0xff];
        let end = |value: &[u8]| Done::of(&[control(SYNC_DONE, value)]);
        assert_eq!(end(&value[..8]), None, "cut short");
        assert_eq!(end(&value), Some(Done { cookie: Some(b"ab".to_vec()), deletes: true }));
        assert_eq!(end(&[0x30, 0x00]), Some(done(false)));
        assert_eq!(Done::of(&[]), None);
    }

    #[test]
    fn a_server_that_does_not_synchronise_or_says_too_much_is_stopped() {
        let mut refresh = Refresh::default();
        let mut plain = entry(1, 1);
        plain.1.clear();
        assert_eq!(refresh.take(plain, 10).unwrap(), ControlFlow::Break(()));
        assert!(refresh.broken().contains("does not synchronise"));
        let mut refresh = taken(vec![entry(1, 1)]);
        assert_eq!(refresh.take(entry(1, 2), 1).unwrap(), ControlFlow::Break(()));
        assert_eq!(refresh.broken(), "more than 1 entries changed");
    }

    #[test]
    fn malformed_messages_are_faults() {
        let mut refresh = Refresh::default();
        let odd_id = [0xa3, 0x05, 0x31, 0x03, 0x04, 0x01, 0x07];
        for value in [&[][..], &odd_id, &[0xa3, 0x7f], &[0xa7, 0x00], &[0x83, 0x00]] {
            assert!(refresh.take(message(value), 10).is_err(), "{value:?}");
        }
        for value in [&[][..], &[0x30, 0x00], &[0x30, 0x03, 0x0a, 0x01, 0x01], &[0x04, 0x00]] {
            let mut item = entry(1, 1);
            item.1 = vec![control(SYNC_STATE, value)];
            assert!(refresh.take(item, 10).is_err(), "{value:?}");
        }
        assert!(refresh.take(entry(9, 1), 10).is_err());
    }
}
