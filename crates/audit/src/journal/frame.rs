//! Frames: how a record lies in a segment.
//!
//! ```text
//! length   u32, little endian: octets of the payload
//! checksum u32, little endian: CRC-32 of the payload; tells a torn write from a changed record
//! hash     32 octets: SHA-256 of the previous frame's hash and the payload
//! payload  16 octets of the activity id, then JSON
//! ```

use std::io::{self, Read};

use aws_lc_rs::digest;
use base::{ActivityId, Guid};
use serde::Serialize;

/// Octets before the payload.
pub(super) const HEAD: usize = 40;
/// Octets of the activity id at the beginning of the payload.
pub(super) const ID: usize = 16;
/// A payload is never larger; a length beyond it is damage.
pub(super) const LARGEST: usize = 4 * 1024 * 1024;

/// A link of the chain.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Hash(pub(super) [u8; 32]);

impl Hash {
    /// The link before the first frame.
    pub(super) const START: Self = Self([0; 32]);

    /// The link after this one.
    fn next(self, payload: &[u8]) -> Self {
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(&self.0);
        context.update(payload);
        let mut hash = [0; 32];
        for (to, from) in hash.iter_mut().zip(context.finish().as_ref()) {
            *to = *from;
        }
        Self(hash)
    }

    /// Lower case hexadecimal.
    pub(super) fn to_hex(self) -> String {
        let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or('0');
        self.0.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
    }

    /// From what [`to_hex`](Self::to_hex) wrote.
    pub(super) fn from_hex(text: &str) -> Option<Self> {
        let mut hash = [0; 32];
        if text.len() != 64 || !text.is_ascii() {
            return None;
        }
        for (index, byte) in hash.iter_mut().enumerate() {
            *byte = u8::from_str_radix(text.get(index * 2..index * 2 + 2)?, 16).ok()?;
        }
        Some(Self(hash))
    }
}

/// A frame in the making: all but its place in the chain.
pub(super) struct Frame {
    octets: Vec<u8>,
}

impl Frame {
    /// Writes `body` down. `None` when it is larger than a frame may be, or can't be written as JSON.
    pub(super) fn new(activity: ActivityId, body: &impl Serialize) -> Option<Self> {
        let mut octets = Vec::with_capacity(4_096);
        octets.extend([0; HEAD]);
        octets.extend(activity.0.as_bytes());
        serde_json::to_writer(&mut octets, body).ok()?;
        (octets.len() <= HEAD + LARGEST).then_some(Self { octets })
    }

    /// Octets of the frame.
    pub(super) fn len(&self) -> u64 {
        self.octets.len() as u64
    }

    /// Appends the frame to `batch` as the one after `previous`, and returns its hash.
    pub(super) fn chain(&self, previous: Hash, batch: &mut Vec<u8>) -> Hash {
        let payload = self.octets.get(HEAD..).unwrap_or_default();
        let hash = previous.next(payload);
        let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
        batch.extend(length.to_le_bytes());
        batch.extend(crc32fast::hash(payload).to_le_bytes());
        batch.extend(hash.0);
        batch.extend(payload);
        hash
    }
}

/// A frame as it was read.
pub(super) struct Stored {
    /// Activity id.
    pub(super) activity: ActivityId,
    /// The JSON.
    pub(super) body: Vec<u8>,
    /// Its hash, as stored.
    pub(super) hash: Hash,
    /// Octets of the whole frame.
    pub(super) length: u64,
    /// Whether `hash` was seen to follow from the previous frame's.
    pub(super) chained: bool,
}

impl Stored {
    /// Whether the frame's hash follows from `previous`.
    pub(super) fn follows(&self, previous: Hash) -> bool {
        let mut payload = self.activity.0.as_bytes().to_vec();
        payload.extend(&self.body);
        previous.next(&payload) == self.hash
    }
}

/// The damage that a crash leaves, too.
pub(super) const CUT: &str = "the segment ends within a record";

/// What lies at a place of a segment.
pub(super) enum Found {
    /// A whole frame.
    Frame(Stored),
    /// The end of the segment.
    End,
    /// Octets that are no frame, and why.
    Damage(&'static str),
}

/// Reads the frame at the reader's place; `previous` is the hash of the frame before, if the link is to be checked.
pub(super) fn read(reader: &mut impl Read, previous: Option<Hash>) -> io::Result<Found> {
    let mut head = [0; HEAD];
    match fill(reader, &mut head)? {
        0 => return Ok(Found::End),
        HEAD => {}
        _ => return Ok(Found::Damage(CUT)),
    }
    let Some(head) = Head::parse(&head) else { return Ok(Found::Damage("the length is impossible")) };
    let mut payload = vec![0; head.length];
    if fill(reader, &mut payload)? < head.length {
        return Ok(Found::Damage(CUT));
    }
    if crc32fast::hash(&payload) != head.checksum {
        return Ok(Found::Damage("the checksum is wrong"));
    }
    let chained = previous.is_some_and(|previous| previous.next(&payload) == head.hash);
    let body = payload.split_off(ID);
    let mut id = [0; ID];
    id.copy_from_slice(&payload);
    Ok(Found::Frame(Stored {
        activity: ActivityId(Guid::from_bytes(id)),
        length: (HEAD + head.length) as u64,
        body,
        hash: head.hash,
        chained,
    }))
}

/// The octets before a payload.
pub(super) struct Head {
    /// Octets of the payload.
    pub(super) length: usize,
    checksum: u32,
    hash: Hash,
}

impl Head {
    /// `None` when the length is one that no frame has.
    pub(super) fn parse(octets: &[u8; HEAD]) -> Option<Self> {
        let (length, rest) = octets.split_first_chunk::<4>()?;
        let (checksum, hash) = rest.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        (ID..=LARGEST).contains(&length).then_some(())?;
        let hash = Hash(hash.try_into().ok()?);
        Some(Self { length, checksum: u32::from_le_bytes(*checksum), hash })
    }
}

/// Reads until `buffer` is full or the reader ends; returns how much was read.
fn fill(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match reader.read(rest) {
            Ok(0) => break,
            Ok(count) => filled = filled.saturating_add(count),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_read_as_they_were_written_and_a_changed_one_breaks_the_chain() {
        let activity = ActivityId("0d0d0d0d-1111-4222-8333-444444444444".parse().unwrap());
        let mut batch = Vec::new();
        let first = Frame::new(activity, &"one").unwrap().chain(Hash::START, &mut batch);
        let boundary = batch.len();
        let second = Frame::new(activity, &"two").unwrap().chain(first, &mut batch);

        let mut reader = batch.as_slice();
        let mut previous = Hash::START;
        for (body, hash) in [("\"one\"", first), ("\"two\"", second)] {
            let Found::Frame(frame) = read(&mut reader, Some(previous)).unwrap() else { panic!() };
            assert_eq!((frame.body.as_slice(), frame.hash, frame.chained), (body.as_bytes(), hash, true));
            assert_eq!(frame.activity, activity);
            previous = frame.hash;
        }
        assert!(matches!(read(&mut reader, Some(previous)).unwrap(), Found::End));

        let Found::Frame(frame) = read(&mut &batch[boundary..], Some(Hash::START)).unwrap() else { panic!() };
        assert!(!frame.chained);
        for cut in 1..boundary {
            assert!(matches!(read(&mut &batch[..cut], None).unwrap(), Found::Damage(_)), "{cut}");
        }
        for changed in (0..8).chain(HEAD..boundary) {
            let mut octets = batch[..boundary].to_vec();
            octets[changed] ^= 1;
            assert!(matches!(read(&mut octets.as_slice(), None).unwrap(), Found::Damage(_)), "{changed}");
        }
        assert_eq!(Hash::from_hex(&second.to_hex()), Some(second));
    }

    #[test]
    fn a_body_beyond_the_largest_is_refused() {
        assert!(Frame::new(ActivityId(Guid::NIL), &"x".repeat(LARGEST)).is_none());
    }
}
