//! The name of a kind of object that this release does not know.

use std::fmt;

/// Lower-case letters, digits and `-`; held in place, so that a kind is copied like a number and what another node
/// names costs no memory.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KindName {
    /// Filled up with zeros, which keeps the order of the texts.
    octets: [u8; Self::LONGEST],
}

impl KindName {
    const LONGEST: usize = 32;
    /// What a name must look like, for messages.
    pub(crate) const REQUIRED: &str =
        "the name of a kind of object has 1 to 32 lower-case letters, digits and '-'";

    pub(crate) fn new(name: &str) -> Option<Self> {
        let allowed = |octet: &u8| matches!(octet, b'a'..=b'z' | b'0'..=b'9' | b'-');
        if name.is_empty() || !name.as_bytes().iter().all(allowed) {
            return None;
        }
        let mut octets = [0; Self::LONGEST];
        octets.get_mut(..name.len())?.copy_from_slice(name.as_bytes());
        Some(Self { octets })
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        let length = self.octets.iter().position(|octet| *octet == 0).unwrap_or(Self::LONGEST);
        self.octets.get(..length).and_then(|octets| std::str::from_utf8(octets).ok()).unwrap_or_default()
    }
}

impl fmt::Debug for KindName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
