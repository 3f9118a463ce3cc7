//! The one line that lets a new node into the farm, once.
//!
//! `sekisho-join-` and 90 characters of Base32 (RFC 4648 section 6, lower case: neither 0, 1, 8 nor 9, so that
//! nothing can be taken for O, l or B) over the authority's fingerprint (32 octets), a secret (20) and the first 4
//! octets of the SHA-256 of both, which find a typing error. There is nothing in it that a shell changes or a
//! double click leaves out.

use std::fmt;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{Context, SHA256};
use base::{Random, Secret, Timestamp};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::authority::AuthorityFingerprint;

const PREFIX: &str = "sekisho-join-";
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
const FINGERPRINT: usize = 32;
const SECRET: usize = 20;
const CHECK: usize = 4;
const OCTETS: usize = FINGERPRINT + SECRET + CHECK;
/// 448 bits, 5 in a character.
const CHARACTERS: usize = (OCTETS * 8).div_ceil(5);

/// A token as the new node reads it.
pub struct JoinToken {
    authority: AuthorityFingerprint,
    secret: Zeroizing<[u8; SECRET]>,
}

/// What the farm keeps of a token: it lets nobody in. The caller stores it under `id` until `expires`, and removes
/// it, in one step with letting the node in, when it was used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct JoinTokenRecord {
    /// SHA-256 of the secret, Base64url: the same as [`JoinToken::id`].
    pub id: String,
    /// From then on it lets nobody in.
    pub expires: Timestamp,
}

/// A token is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JoinTokenError {
    /// The text is something else.
    #[error("this is not a join token; expected one line, '{PREFIX}' and {CHARACTERS} letters and digits")]
    Form,
    /// The text has an error.
    #[error(
        "the join token is mistyped or incomplete: {found} of {CHARACTERS} characters follow '{PREFIX}', or one of them is wrong; copy it again"
    )]
    Mistyped {
        /// Characters after the prefix.
        found: usize,
    },
    /// It is of another farm.
    #[error("the join token is of another farm; make one on a node of this farm")]
    OtherFarm,
    /// It was never made, was used, or was withdrawn.
    #[error("the join token is unknown or was used already; make a new one on a node of this farm")]
    Unknown,
    /// Its time is over.
    #[error("the join token expired on {expires}; make a new one on a node of this farm")]
    Expired {
        /// When.
        expires: Timestamp,
    },
}

impl JoinToken {
    /// A new token for the farm of this authority, and the record of it to store.
    pub fn generate(
        authority: AuthorityFingerprint,
        expires: Timestamp,
        random: &dyn Random,
    ) -> (Self, JoinTokenRecord) {
        let token = Self { authority, secret: Zeroizing::new(random.bytes()) };
        let record = JoinTokenRecord { id: token.id(), expires };
        (token, record)
    }

    /// Reads the line, with or without space around it and in either case.
    pub fn parse(text: &Secret) -> Result<Self, JoinTokenError> {
        let text = Zeroizing::new(text.expose().trim().to_ascii_lowercase());
        let encoded = text.strip_prefix(PREFIX).ok_or(JoinTokenError::Form)?;
        let mistyped = JoinTokenError::Mistyped { found: encoded.chars().count() };
        let Some(octets) = decode(encoded) else { return Err(mistyped) };
        let (fingerprint, rest) = octets.split_first_chunk().ok_or(JoinTokenError::Form)?;
        let (secret, check) = rest.split_first_chunk().ok_or(JoinTokenError::Form)?;
        let token = Self { authority: AuthorityFingerprint(*fingerprint), secret: Zeroizing::new(*secret) };
        match token.check() == check {
            true => Ok(token),
            false => Err(mistyped),
        }
    }

    /// The line to show to the administrator, once.
    pub fn to_text(&self) -> Secret {
        let mut octets = Zeroizing::new([0; OCTETS]);
        let parts = self.authority.0.iter().chain(self.secret.iter()).chain(&self.check()).copied().collect();
        let parts: Zeroizing<Vec<u8>> = Zeroizing::new(parts);
        for (to, from) in octets.iter_mut().zip(parts.iter()) {
            *to = *from;
        }
        Secret::new(format!("{PREFIX}{}", *encode(&octets)))
    }

    /// The authority of the farm it is for.
    pub fn authority(&self) -> AuthorityFingerprint {
        self.authority
    }

    /// Where the farm finds its record. Tells nothing about the secret.
    pub fn id(&self) -> String {
        URL_SAFE_NO_PAD.encode(sha256(&[b"sekisho join token", self.secret.as_slice()]))
    }

    fn check(&self) -> [u8; CHECK] {
        let hash = sha256(&[&self.authority.0, self.secret.as_slice()]);
        hash.first_chunk().copied().unwrap_or_default()
    }
}

impl JoinTokenRecord {
    /// Whether `token` is the one of this record, of this farm, and in time.
    pub fn verify(
        &self,
        token: &JoinToken,
        authority: AuthorityFingerprint,
        now: Timestamp,
    ) -> Result<(), JoinTokenError> {
        if token.authority != authority {
            return Err(JoinTokenError::OtherFarm);
        }
        if verify_slices_are_equal(token.id().as_bytes(), self.id.as_bytes()).is_err() {
            return Err(JoinTokenError::Unknown);
        }
        match now < self.expires {
            true => Ok(()),
            false => Err(JoinTokenError::Expired { expires: self.expires }),
        }
    }
}

impl fmt::Debug for JoinToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinToken").field("authority", &self.authority.to_string()).finish_non_exhaustive()
    }
}

fn sha256(parts: &[&[u8]]) -> Vec<u8> {
    let mut context = Context::new(&SHA256);
    parts.iter().for_each(|part| context.update(part));
    context.finish().as_ref().to_vec()
}

fn encode(octets: &[u8; OCTETS]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(CHARACTERS));
    for position in 0..CHARACTERS {
        let number = (0..5).fold(0, |number, bit| number << 1 | bit_of(octets, position * 5 + bit));
        text.push(char::from(ALPHABET.get(usize::from(number)).copied().unwrap_or_default()));
    }
    text
}

/// Bits beyond the end are zero.
fn bit_of(octets: &[u8], bit: usize) -> u8 {
    octets.get(bit / 8).map_or(0, |octet| octet >> (7 - bit % 8) & 1)
}

fn decode(text: &str) -> Option<Zeroizing<[u8; OCTETS]>> {
    if text.len() != CHARACTERS {
        return None;
    }
    let mut octets = Zeroizing::new([0_u8; OCTETS]);
    for (position, character) in text.bytes().enumerate() {
        let number = ALPHABET.iter().position(|known| *known == character)?;
        for bit in 0..5 {
            let set = number >> (4 - bit) & 1 == 1;
            let place = position * 5 + bit;
            match octets.get_mut(place / 8) {
                Some(octet) if set => *octet |= 0x80 >> (place % 8),
                // One text for one token: the bits beyond the end are zero.
                None if set => return None,
                _ => {}
            }
        }
    }
    Some(octets)
}

#[cfg(test)]
mod tests {
    use base::{SeededRandom, SystemRandom};

    use super::*;

    const AUTHORITY: AuthorityFingerprint = AuthorityFingerprint([0xa5; 32]);

    fn expires() -> Timestamp {
        Timestamp::from_seconds(1_800_000_000)
    }

    fn now() -> Timestamp {
        Timestamp::from_seconds(1_799_999_999)
    }

    #[test]
    fn a_token_survives_being_printed_and_typed() {
        let (token, record) = JoinToken::generate(AUTHORITY, expires(), &SystemRandom);
        let line = token.to_text();
        assert_eq!(line.expose().len(), PREFIX.len() + CHARACTERS);
        assert!(line.expose().bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-'));
        for text in
            [line.expose().to_owned(), format!(" {}\r\n", line.expose()), line.expose().to_uppercase()]
        {
            let read = JoinToken::parse(&Secret::new(text)).unwrap();
            assert_eq!(read.authority(), AUTHORITY);
            assert_eq!(record.verify(&read, AUTHORITY, now()), Ok(()));
        }
    }

    #[test]
    fn every_single_typing_error_is_found() {
        let (token, _) = JoinToken::generate(AUTHORITY, expires(), &SeededRandom::new(7));
        let line = token.to_text().expose().to_owned();
        for position in PREFIX.len()..line.len() {
            for other in ALPHABET.iter().copied().chain(*b"0189! ") {
                let mut typed = line.clone().into_bytes();
                if typed[position] == other {
                    continue;
                }
                typed[position] = other;
                let typed = String::from_utf8(typed).unwrap();
                let error = JoinToken::parse(&Secret::new(typed)).unwrap_err();
                assert!(matches!(error, JoinTokenError::Mistyped { .. }), "{position}: {error}");
            }
        }
        for length in PREFIX.len()..line.len() {
            let error = JoinToken::parse(&Secret::new(&line[..length])).unwrap_err();
            assert_eq!(error, JoinTokenError::Mistyped { found: length - PREFIX.len() });
        }
        for text in ["", "sekisho-join", "token", &"x".repeat(1_000_000)] {
            assert_eq!(JoinToken::parse(&Secret::new(text)).unwrap_err(), JoinTokenError::Form);
        }
    }

    #[test]
    fn the_record_has_a_hash_and_lets_nobody_in() {
        let (token, record) = JoinToken::generate(AUTHORITY, expires(), &SystemRandom);
        let stored = serde_json::to_string(&record).unwrap();
        assert!(!stored.contains(token.to_text().expose()));
        assert!(!stored.contains(&URL_SAFE_NO_PAD.encode(token.secret.as_slice())));
        let forged = Secret::new(format!("{PREFIX}{}", record.id));
        assert!(JoinToken::parse(&forged).is_err());
        let shown = format!("{token:?}{:?}", token.to_text());
        assert!(!shown.contains(&token.to_text().expose()[PREFIX.len() + 60..]), "{shown}");
    }

    #[test]
    fn an_expired_token_one_of_another_farm_and_an_unknown_one_are_refused() {
        let (token, record) = JoinToken::generate(AUTHORITY, expires(), &SystemRandom);
        assert_eq!(
            record.verify(&token, AUTHORITY, expires()),
            Err(JoinTokenError::Expired { expires: expires() })
        );
        let other = AuthorityFingerprint([1; 32]);
        assert_eq!(record.verify(&token, other, now()), Err(JoinTokenError::OtherFarm));
        let (unknown, _) = JoinToken::generate(AUTHORITY, expires(), &SystemRandom);
        assert_eq!(record.verify(&unknown, AUTHORITY, now()), Err(JoinTokenError::Unknown));
    }
}
