//! Time and randomness as arguments: [`Clock`] and [`Ids`].
//!
//! Nothing below `app` reads the wall clock or the system's random source by itself, so that a test can hold
//! both still ([`ManualClock`], [`SeededIds`]).

use std::cell::RefCell;
use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

pub use jiff::{SignedDuration, Timestamp};

/// Where the time comes from.
pub trait Clock: Send + Sync + fmt::Debug {
    /// The present moment.
    fn now(&self) -> Timestamp;
}

/// The system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place where the wall clock is read")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// A clock that moves only when told to.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that stands at `start`.
    pub fn at(start: Timestamp) -> Self {
        Self(AtomicI64::new(start.as_millisecond()))
    }

    /// Moves the clock by `step`, which may be negative.
    pub fn advance(&self, step: SignedDuration) {
        let millis = i64::try_from(step.as_millis()).unwrap_or(0);
        self.0.fetch_add(millis, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millisecond(self.0.load(Ordering::SeqCst)).unwrap_or(Timestamp::UNIX_EPOCH)
    }
}

/// Where unpredictable bytes come from.
pub trait Ids: Send + Sync + fmt::Debug {
    /// Fills `bytes` with random bytes.
    fn fill(&self, bytes: &mut [u8]);
}

impl dyn Ids + '_ {
    /// An xs:ID for a SAML message: `_` and 160 random bits in hexadecimal (saml-core 1.3.4).
    pub fn xml_id(&self) -> String {
        let mut bytes = [0; 20];
        self.fill(&mut bytes);
        let mut id = String::with_capacity(41);
        id.push('_');
        data_encoding::HEXLOWER.encode_append(&bytes, &mut id);
        id
    }

    /// 256 random bits in URL-safe base64 without padding: session ids, tokens.
    pub fn token(&self) -> String {
        let mut bytes = [0; 32];
        self.fill(&mut bytes);
        data_encoding::BASE64URL_NOPAD.encode(&bytes)
    }

    /// A short id for a request: 80 bits in base32, easy to read out on the telephone.
    pub fn request_id(&self) -> String {
        let mut bytes = [0; 10];
        self.fill(&mut bytes);
        data_encoding::BASE32_NOPAD.encode(&bytes)
    }
}

/// The operating system's random source. Each thread draws from it for several ids at once: a sign-on needs five, and
/// asking the system costs more than everything else about them.
#[derive(Debug, Clone, Copy, Default)]
pub struct RandomIds;

impl Ids for RandomIds {
    fn fill(&self, bytes: &mut [u8]) {
        thread_local! {
            static DRAWN: RefCell<Drawn> = const { RefCell::new(Drawn { bytes: [0; 512], left: 0 }) };
        }
        DRAWN.with_borrow_mut(|drawn| bytes.iter_mut().for_each(|byte| *byte = drawn.take()));
    }
}

/// Random bytes that nobody has seen; each is handed out once and then forgotten.
struct Drawn {
    bytes: [u8; 512],
    left: usize,
}

impl Drawn {
    #[expect(clippy::disallowed_methods, reason = "the one place where the system's randomness is read")]
    fn take(&mut self) -> u8 {
        if self.left == 0 {
            if getrandom::fill(&mut self.bytes).is_err() {
                // Without randomness nothing that follows would be safe: no id, no session, no assertion.
                std::process::abort();
            }
            self.left = self.bytes.len();
        }
        self.left -= 1;
        self.bytes.get_mut(self.left).map_or_else(|| std::process::abort(), std::mem::take)
    }
}

/// Reproducible bytes for tests: never for a server.
#[derive(Debug, Default)]
pub struct SeededIds {
    seed: u64,
    drawn: AtomicU64,
    order: Mutex<()>,
}

impl SeededIds {
    /// The same seed gives the same bytes in the same order.
    pub fn new(seed: u64) -> Self {
        Self { seed, ..Self::default() }
    }
}

impl Ids for SeededIds {
    fn fill(&self, bytes: &mut [u8]) {
        let _held = self.order.lock();
        for chunk in bytes.chunks_mut(8) {
            // splitmix64
            let drawn = self.drawn.fetch_add(1, Ordering::SeqCst).wrapping_add(1);
            let mut z = self.seed.wrapping_add(drawn.wrapping_mul(0x9E37_79B9_7F4A_7C15));
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            for (to, from) in chunk.iter_mut().zip((z ^ (z >> 31)).to_le_bytes()) {
                *to = from;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_the_promised_shape() {
        let ids: &dyn Ids = &SeededIds::new(7);
        assert_eq!(ids.xml_id().len(), 41);
        assert_eq!(ids.token().len(), 43);
        assert_eq!(ids.request_id().len(), 16);
        let again: &dyn Ids = &SeededIds::new(7);
        let other: &dyn Ids = &SeededIds::new(8);
        let first = again.xml_id();
        assert_ne!(first, other.xml_id());
        assert_ne!(first, again.xml_id());
    }

    #[test]
    fn random_bytes_come_once() {
        let ids: &dyn Ids = &RandomIds;
        let drawn: std::collections::HashSet<String> = (0..1_000).map(|_| ids.token()).collect();
        assert_eq!(drawn.len(), 1_000);
        let elsewhere = std::thread::spawn(|| (&RandomIds as &dyn Ids).token()).join().unwrap();
        assert!(!drawn.contains(&elsewhere));
        let mut many = [0; 4_096];
        ids.fill(&mut many);
        let zeros = many.iter().fold(0, |count, byte| count + u32::from(*byte == 0));
        assert!(zeros < 100, "{zeros} of 4096 bytes are zero: some were handed out twice");
    }

    #[test]
    fn manual_clock_moves_only_when_told() {
        let clock = ManualClock::at(Timestamp::UNIX_EPOCH);
        clock.advance(SignedDuration::from_secs(90));
        assert_eq!(clock.now().as_second(), 90);
    }
}
