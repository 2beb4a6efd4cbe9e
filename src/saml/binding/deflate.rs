//! DEFLATE (RFC 1951) as the Redirect binding uses it: raw, with the states of zlib kept for the next message of the
//! thread, since setting one up costs more than a message does.

use std::cell::RefCell;

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

use super::BindingError;
use crate::saml::xml::Limits;

thread_local! {
    static DEFLATER: RefCell<Compress> = RefCell::new(Compress::new(Compression::default(), false));
    static INFLATER: RefCell<Decompress> = RefCell::new(Decompress::new(false));
}

/// The message deflated; `None` if zlib gives up, which only a lack of memory can make it do.
pub(super) fn deflate(message: &[u8]) -> Option<Vec<u8>> {
    DEFLATER.with_borrow_mut(|state| {
        state.reset();
        let mut deflated = Vec::with_capacity(message.len() / 2 + 64);
        loop {
            let rest = message.get(position(state.total_in())..)?;
            match state.compress_vec(rest, &mut deflated, FlushCompress::Finish).ok()? {
                Status::StreamEnd => return Some(deflated),
                Status::Ok | Status::BufError => deflated.reserve(deflated.capacity().max(64)),
            }
        }
    })
}

/// The message inflated, within the bounds of a message. Octets after its end are let be.
pub(super) fn inflate(deflated: &[u8]) -> Result<Vec<u8>, BindingError> {
    let limit = Limits::MESSAGE.bytes;
    INFLATER.with_borrow_mut(|state| {
        state.reset(false);
        let mut message = Vec::with_capacity(2 * 1024);
        loop {
            let rest = deflated.get(position(state.total_in())..).unwrap_or_default();
            let had_room = message.len() < message.capacity();
            let written = message.len();
            let status = state.decompress_vec(rest, &mut message, FlushDecompress::None);
            if message.len() > limit {
                return Err(BindingError::TooLarge(limit));
            }
            match status.map_err(|_| BindingError::Deflate)? {
                Status::StreamEnd => return Ok(message),
                // There was room and nothing came: the end is missing.
                _ if had_room && rest.is_empty() && message.len() == written => {
                    return Err(BindingError::Deflate);
                }
                Status::Ok | Status::BufError => message.reserve(message.capacity()),
            }
        }
    })
}

fn position(octets: u64) -> usize {
    usize::try_from(octets).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_comes_back_whatever_came_before_it() {
        let noise: Vec<u8> = (0..40_000_u32)
            .flat_map(|n| (n.wrapping_mul(2_654_435_761)).to_le_bytes())
            .take(100_000)
            .collect();
        for message in [&b""[..], b"<a/>", &noise, &b"x".repeat(100_000), b"<b/>"] {
            let deflated = deflate(message).unwrap();
            assert_eq!(inflate(&deflated).unwrap(), message);
            let cut = &deflated[..deflated.len() - 1];
            assert_eq!(inflate(cut), Err(BindingError::Deflate), "{} octets, cut", message.len());
            let followed = [&deflated[..], b"more"].concat();
            assert_eq!(inflate(&followed).unwrap(), message);
        }
        assert_eq!(inflate(b"\xff\xff\xff"), Err(BindingError::Deflate));
    }

    #[test]
    fn a_bomb_ends_at_the_bound() {
        let limit = Limits::MESSAGE.bytes;
        let bomb = deflate(&vec![b' '; 50 * limit]).unwrap();
        assert!(bomb.len() < limit);
        assert_eq!(inflate(&bomb), Err(BindingError::TooLarge(limit)));
        assert_eq!(inflate(&deflate(&vec![b' '; limit]).unwrap()).unwrap().len(), limit);
    }
}
