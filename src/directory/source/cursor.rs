//! [`Mark`]: what the value of a [`Cursor`](super::Cursor) of an LDAP directory holds, as text and back.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::clock::Timestamp;

/// How far was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Mark {
    /// `highestCommittedUSN` of a domain controller before the reading, and when that was.
    Usn(u64, Timestamp),
    /// The cookie of DirSync, which each domain controller of the domain understands, and when that was.
    DirSync(Vec<u8>, Timestamp),
    /// The cookie of RFC 4533, which nobody but its server understands.
    Sync(Vec<u8>),
    /// When the reading began, by the clock here.
    Time(Timestamp),
}

impl Mark {
    /// `usn:<number>@<time>`, `dirsync:<base64>@<time>`, `sync:<base64>` or `time:<time>`.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Usn(number, at) => format!("usn:{number}@{at}"),
            Self::DirSync(cookie, at) => format!("dirsync:{}@{at}", STANDARD.encode(cookie)),
            Self::Sync(cookie) => format!("sync:{}", STANDARD.encode(cookie)),
            Self::Time(at) => format!("time:{at}"),
        }
    }

    /// Reads what [`Mark::text`] writes.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (kind, value) = text.split_once(':')?;
        match kind {
            "usn" => {
                let (number, at) = value.split_once('@')?;
                Some(Self::Usn(number.parse().ok()?, at.parse().ok()?))
            }
            "dirsync" => {
                let (cookie, at) = value.split_once('@')?;
                Some(Self::DirSync(STANDARD.decode(cookie).ok()?, at.parse().ok()?))
            }
            "sync" => STANDARD.decode(value).ok().map(Self::Sync),
            "time" => value.parse().ok().map(Self::Time),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_read_as_it_was_written() {
        let at: Timestamp = "2024-05-01T12:00:00.25Z".parse().unwrap();
        let marks = [
            (Mark::Usn(4711, at), "usn:4711@2024-05-01T12:00:00.25Z"),
            (Mark::DirSync(b"MSDS\0".to_vec(), at), "dirsync:TVNEUwA=@2024-05-01T12:00:00.25Z"),
            (Mark::Sync(b"rid=\xff\0".to_vec()), "sync:cmlkPf8A"),
            (Mark::Time(at), "time:2024-05-01T12:00:00.25Z"),
        ];
        for (mark, text) in marks {
            assert_eq!(mark.text(), text);
            assert_eq!(Mark::parse(text), Some(mark));
        }
        for wrong in [
            "",
            "usn:1",
            "usn:-1@2024-05-01T12:00:00Z",
            "dirsync:TVNEUwA=",
            "sync:*",
            "time:yesterday",
            "x:1",
        ] {
            assert_eq!(Mark::parse(wrong), None, "{wrong}");
        }
    }
}
