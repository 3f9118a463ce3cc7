//! Values that browsers keep for the service: encrypted, authenticated, bound to their purpose.

use std::fmt;

use base::Random;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use crate::aead::{Aead, OVERHEAD};
use crate::master_key::{MasterKey, SealError};

/// A longer text is not looked at.
const LONGEST: usize = 64 * 1024;

/// The key of one generation.
pub struct CookieKey {
    /// Low octet of the generation, written before the sealed value: tells at once which key to try.
    mark: u8,
    aead: Aead,
}

impl MasterKey {
    /// The cookie key of a generation. Every node of the farm derives the same one. The next generation is
    /// another key; nothing sealed under one can be opened under the other.
    pub fn cookie_key(&self, generation: u32) -> Result<CookieKey, SealError> {
        let [.., mark] = generation.to_be_bytes();
        Ok(CookieKey { mark, aead: self.derive(&["cookie", &generation.to_string()])? })
    }
}

/// The key that seals, and the one before it, whose cookies are still accepted.
#[derive(Debug)]
pub struct CookieKeys {
    current: CookieKey,
    previous: Option<CookieKey>,
}

impl CookieKeys {
    /// `previous` must be of another generation than `current`.
    pub fn new(current: CookieKey, previous: Option<CookieKey>) -> Self {
        Self { current, previous }
    }

    /// Seals `plaintext` under the current key; Base64url without padding, [`sealed_length`](Self::sealed_length)
    /// characters. It can be opened only for the same `purpose`, for instance the name of the cookie.
    pub fn seal_cookie(
        &self,
        purpose: &str,
        plaintext: &[u8],
        random: &dyn Random,
    ) -> Result<String, SealError> {
        let mut sealed = self.current.aead.seal(purpose.as_bytes(), plaintext, random)?;
        sealed.insert(0, self.current.mark);
        Ok(URL_SAFE_NO_PAD.encode(sealed))
    }

    /// Opens what [`seal_cookie`](Self::seal_cookie) sealed under the current or the previous key. `None` for
    /// everything else that a browser may send.
    pub fn open_cookie(&self, purpose: &str, text: &str) -> Option<Zeroizing<Vec<u8>>> {
        if text.len() > LONGEST {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (mark, sealed) = bytes.split_first()?;
        let key = [Some(&self.current), self.previous.as_ref()]
            .into_iter()
            .flatten()
            .find(|key| key.mark == *mark)?;
        key.aead.open(purpose.as_bytes(), sealed)
    }

    /// Characters of a sealed value of `length` octets.
    pub fn sealed_length(length: usize) -> usize {
        length.saturating_add(1 + OVERHEAD).saturating_mul(4).div_ceil(3)
    }
}

impl fmt::Debug for CookieKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CookieKey").field("mark", &self.mark).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use base::{SeededRandom, SystemRandom};

    use super::*;

    fn keys(master: &MasterKey, current: u32, previous: Option<u32>) -> CookieKeys {
        let key = |generation| master.cookie_key(generation).unwrap();
        CookieKeys::new(key(current), previous.map(key))
    }

    #[test]
    fn a_sealed_value_is_opened_by_every_node_and_its_length_is_known() {
        let master = MasterKey::generate(&SystemRandom);
        for length in [0, 1, 2, 3, 100, 2900] {
            let plaintext = vec![7; length];
            let cookie = keys(&master, 1, None).seal_cookie("MSISAuth", &plaintext, &SystemRandom).unwrap();
            assert_eq!(cookie.len(), CookieKeys::sealed_length(length));
            assert!(cookie.bytes().all(|octet| octet.is_ascii_alphanumeric() || b"-_".contains(&octet)));
            let opened = keys(&master, 1, None).open_cookie("MSISAuth", &cookie).unwrap();
            assert_eq!(*opened, plaintext);
        }
    }

    #[test]
    fn a_value_of_another_purpose_or_farm_is_refused() {
        let master = MasterKey::generate(&SystemRandom);
        let keys_of = |master: &MasterKey| keys(master, 1, None);
        let cookie = keys_of(&master).seal_cookie("MSISAuth", b"x", &SystemRandom).unwrap();
        assert!(keys_of(&master).open_cookie("MSISAuth1", &cookie).is_none());
        assert!(keys_of(&master).open_cookie("", &cookie).is_none());
        assert!(keys_of(&MasterKey::generate(&SystemRandom)).open_cookie("MSISAuth", &cookie).is_none());
        // Nor does a value for the store open as a cookie.
        let stored = master.seal(crate::Purpose::FarmKey, "MSISAuth", b"x", &SystemRandom).unwrap();
        assert!(keys_of(&master).open_cookie("MSISAuth", stored.strip_prefix("v1.").unwrap()).is_none());
    }

    #[test]
    fn the_previous_key_opens_and_the_one_before_it_does_not() {
        let master = MasterKey::generate(&SystemRandom);
        let old = keys(&master, 1, None).seal_cookie("c", b"x", &SystemRandom).unwrap();
        assert!(keys(&master, 2, Some(1)).open_cookie("c", &old).is_some());
        assert!(keys(&master, 2, None).open_cookie("c", &old).is_none());
        assert!(keys(&master, 3, Some(2)).open_cookie("c", &old).is_none());
        // The same mark, another key.
        assert!(keys(&master, 257, None).open_cookie("c", &old).is_none());
        let new = keys(&master, 2, Some(1)).seal_cookie("c", b"x", &SystemRandom).unwrap();
        assert!(keys(&master, 1, None).open_cookie("c", &new).is_none());
        assert!(keys(&master, 2, None).open_cookie("c", &new).is_some());
    }

    #[test]
    fn whatever_a_browser_sends_is_refused_without_a_panic() {
        let keys = keys(&MasterKey::generate(&SystemRandom), 1, Some(0));
        let cookie = keys.seal_cookie("c", b"value", &SystemRandom).unwrap();
        let padded = format!("{cookie}=");
        let huge = "A".repeat(10_000_000);
        for text in ["", "A", "AQ", "AQAA", "=", "関所", "\u{0}", cookie.get(1..).unwrap(), &padded, &huge]
        {
            assert!(keys.open_cookie("c", text).is_none());
        }
        for position in 0..cookie.len() {
            let mut changed = cookie.clone().into_bytes();
            changed[position] = if changed[position] == b'A' { b'B' } else { b'A' };
            assert!(keys.open_cookie("c", std::str::from_utf8(&changed).unwrap()).is_none(), "{position}");
        }
        let random = SeededRandom::new(17);
        for _ in 0..2000 {
            let mut garbage = vec![0; usize::try_from(random.next_u64() % 100).unwrap()];
            random.fill(&mut garbage);
            if let Some(mark) = garbage.first_mut() {
                *mark &= 1;
            }
            assert!(keys.open_cookie("c", &URL_SAFE_NO_PAD.encode(&garbage)).is_none());
            assert!(keys.open_cookie("c", &String::from_utf8_lossy(&garbage)).is_none());
        }
    }
}
