//! XAES-256-GCM (C2SP): AES-256-GCM under a key derived from the first half of a 192-bit nonce.
//!
//! Nonces are random. With the 96 bits of plain GCM a farm that seals a thousand cookies a second would reach
//! the limit of one key within weeks; with 192 bits there is no limit that matters.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::{AES_256, EncryptingKey, UnboundCipherKey};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use base::Random;
use zeroize::Zeroizing;

const NONCE: usize = 24;
const TAG: usize = 16;
/// What a sealed value is longer than its plain text.
pub(crate) const OVERHEAD: usize = NONCE + TAG;

/// A 256-bit key, ready for use.
pub(crate) struct Aead {
    cipher: EncryptingKey,
    /// CMAC's subkey K1 (NIST SP 800-38B 6.1).
    subkey: Zeroizing<[u8; 16]>,
}

impl Aead {
    pub(crate) fn new(key: &[u8; 32]) -> Result<Self, Unspecified> {
        let cipher = EncryptingKey::ecb(UnboundCipherKey::new(&AES_256, key)?)?;
        let mut block = Zeroizing::new([0; 16]);
        cipher.encrypt(block.as_mut_slice())?;
        let number = u128::from_be_bytes(*block);
        // Doubling in GF(2^128).
        let reduction = if number >> 127 == 1 { 0x87 } else { 0 };
        Ok(Self { cipher, subkey: Zeroizing::new(((number << 1) ^ reduction).to_be_bytes()) })
    }

    /// The key that HKDF-SHA256 derives from `secret` for a use, named by one or more labels.
    pub(crate) fn derived(secret: &[u8; 32], labels: &[&str]) -> Result<Self, Unspecified> {
        let mut info = vec!["sekisho v1"];
        info.extend_from_slice(labels);
        // No label holds a NUL, so that different lists are different texts.
        let info = info.join("\0");
        let mut key = Zeroizing::new([0; 32]);
        Salt::new(HKDF_SHA256, &[])
            .extract(secret)
            .expand(&[info.as_bytes()], HKDF_SHA256)?
            .fill(key.as_mut_slice())?;
        Self::new(&key)
    }

    /// Nonce, cipher text and tag, in this order.
    pub(crate) fn seal(
        &self,
        aad: &[u8],
        plaintext: &[u8],
        random: &dyn Random,
    ) -> Result<Vec<u8>, Unspecified> {
        let nonce: [u8; NONCE] = random.bytes();
        let (key, gcm_nonce) = self.derive(&nonce)?;
        let mut sealed = Vec::with_capacity(plaintext.len() + OVERHEAD);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(plaintext);
        let Some(in_out) = sealed.get_mut(NONCE..) else { return Err(Unspecified) };
        let tag = key.seal_in_place_separate_tag(gcm_nonce, Aad::from(aad), in_out)?;
        sealed.extend_from_slice(tag.as_ref());
        Ok(sealed)
    }

    /// `None` for anything that this key did not seal with this `aad`.
    pub(crate) fn open(&self, aad: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, rest) = sealed.split_first_chunk::<NONCE>()?;
        if rest.len() < TAG {
            return None;
        }
        let (key, gcm_nonce) = self.derive(nonce).ok()?;
        let mut in_out = Zeroizing::new(rest.to_vec());
        let length = key.open_in_place(gcm_nonce, Aad::from(aad), &mut in_out).ok()?.len();
        in_out.truncate(length);
        Some(in_out)
    }

    /// Key and nonce for AES-256-GCM: counter-mode KDF (NIST SP 800-108) with CMAC, label `X`, and the first
    /// half of the nonce as context. Both messages are one block, so CMAC is one encryption each.
    fn derive(&self, nonce: &[u8; NONCE]) -> Result<(LessSafeKey, Nonce), Unspecified> {
        let (context, gcm_nonce) = nonce.split_first_chunk::<12>().ok_or(Unspecified)?;
        let mut key = Zeroizing::new([0_u8; 32]);
        for (counter, block) in (1_u8..).zip(key.chunks_exact_mut(16)) {
            let message = [0, counter, b'X', 0].into_iter().chain(*context);
            for ((octet, message), mask) in block.iter_mut().zip(message).zip(*self.subkey) {
                *octet = message ^ mask;
            }
        }
        self.cipher.encrypt(key.as_mut_slice())?;
        let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key.as_slice())?);
        Ok((key, Nonce::try_assume_unique_for_key(gcm_nonce)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives out the nonce of the specification.
    struct Fixed;

    impl Random for Fixed {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.copy_from_slice(b"ABCDEFGHIJKLMNOPQRSTUVWX");
        }
    }

    /// The two vectors of the specification: without and with the reduction in the subkey.
    #[test]
    fn the_vectors_of_the_specification() {
        for (key, aad, expected) in [
            ([1; 32], "", "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271"),
            ([3; 32], "c2sp.org/XAES-256-GCM", "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d"),
        ] {
            let aead = Aead::new(&key).unwrap();
            let sealed = aead.seal(aad.as_bytes(), b"XAES-256-GCM", &Fixed).unwrap();
            let hex: String = sealed[NONCE..].iter().map(|octet| format!("{octet:02x}")).collect();
            assert_eq!(hex, expected);
            assert_eq!(aead.open(aad.as_bytes(), &sealed).unwrap().as_slice(), b"XAES-256-GCM");
        }
    }

    #[test]
    fn every_changed_bit_and_every_shorter_text_is_refused() {
        let aead = Aead::new(&[7; 32]).unwrap();
        let sealed = aead.seal(b"aad", b"plain", &base::SystemRandom).unwrap();
        assert_eq!(sealed.len(), 5 + OVERHEAD);
        for bit in 0..sealed.len() * 8 {
            let mut changed = sealed.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(aead.open(b"aad", &changed).is_none(), "bit {bit}");
        }
        for length in 0..sealed.len() {
            assert!(aead.open(b"aad", &sealed[..length]).is_none(), "length {length}");
        }
        assert!(aead.open(b"other", &sealed).is_none());
        assert!(Aead::new(&[8; 32]).unwrap().open(b"aad", &sealed).is_none());
    }
}
