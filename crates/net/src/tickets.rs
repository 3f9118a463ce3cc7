//! Session tickets under keys that every node of a farm has, so that a client resumes at any of them.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::digest;
use base::Random;
use rustls::server::ProducesTickets;

/// How long a ticket's key is current. The owner of the keys replaces them in this rhythm and keeps the one
/// before: a ticket then lives between once and twice as long.
pub const TICKET_LIFETIME: Duration = Duration::from_secs(12 * 60 * 60);

const NAME_LEN: usize = 8;

/// One key for tickets. Its name, by which a ticket finds it, is a digest.
#[derive(Clone)]
pub struct TicketKey {
    name: [u8; NAME_LEN],
    key: Arc<LessSafeKey>,
}

impl TicketKey {
    /// From 32 secret random bytes.
    pub fn new(secret: &[u8; 32]) -> Option<Self> {
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(b"sekisho tls ticket key name");
        context.update(secret);
        let name = context.finish().as_ref().first_chunk().copied()?;
        let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, secret).ok()?);
        Some(Self { name, key: Arc::new(key) })
    }

    /// A key of this process alone.
    pub fn random(random: &dyn Random) -> Option<Self> {
        Self::new(&random.bytes())
    }
}

/// The current key, which encrypts, and older ones, which only decrypt.
#[derive(Clone)]
pub struct TicketKeys {
    /// Encrypts new tickets.
    pub current: TicketKey,
    /// Still accepted.
    pub previous: Vec<TicketKey>,
}

/// Makes and opens tickets: name, nonce, then the sealed session.
pub(crate) struct Ticketer {
    keys: ArcSwap<TicketKeys>,
    random: Arc<dyn Random>,
}

impl Ticketer {
    pub(crate) fn new(keys: TicketKeys, random: Arc<dyn Random>) -> Self {
        Self { keys: ArcSwap::from_pointee(keys), random }
    }

    pub(crate) fn replace(&self, keys: TicketKeys) {
        self.keys.store(Arc::new(keys));
    }
}

impl fmt::Debug for Ticketer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ticketer")
    }
}

impl ProducesTickets for Ticketer {
    fn enabled(&self) -> bool {
        true
    }

    fn lifetime(&self) -> u32 {
        u32::try_from(TICKET_LIFETIME.as_secs()).unwrap_or(u32::MAX)
    }

    fn encrypt(&self, plain: &[u8]) -> Option<Vec<u8>> {
        let current = &self.keys.load().current;
        let nonce: [u8; NONCE_LEN] = self.random.bytes();
        let mut sealed = plain.to_vec();
        let sealing_nonce = Nonce::assume_unique_for_key(nonce);
        current.key.seal_in_place_append_tag(sealing_nonce, Aad::from(current.name), &mut sealed).ok()?;
        Some([&current.name[..], &nonce[..], &sealed].concat())
    }

    fn decrypt(&self, ticket: &[u8]) -> Option<Vec<u8>> {
        let (name, rest) = ticket.split_first_chunk::<NAME_LEN>()?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE_LEN>()?;
        let keys = self.keys.load();
        let key = [&keys.current].into_iter().chain(&keys.previous).find(|key| key.name == *name)?;
        let mut sealed = sealed.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let length = key.key.open_in_place(nonce, Aad::from(key.name), &mut sealed).ok()?.len();
        sealed.truncate(length);
        Some(sealed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::SeededRandom;

    fn keys(current: u8, previous: &[u8]) -> TicketKeys {
        let key = |byte: &u8| TicketKey::new(&[*byte; 32]).unwrap();
        TicketKeys { current: key(&current), previous: previous.iter().map(key).collect() }
    }

    #[test]
    fn another_node_with_the_same_keys_opens_a_ticket_until_the_key_is_dropped() {
        let one = Ticketer::new(keys(1, &[]), Arc::new(SeededRandom::new(1)));
        let two = Ticketer::new(keys(1, &[]), Arc::new(SeededRandom::new(2)));
        let ticket = one.encrypt(b"session").unwrap();
        assert_eq!(two.decrypt(&ticket).unwrap(), b"session");
        two.replace(keys(2, &[1]));
        assert_eq!(two.decrypt(&ticket).unwrap(), b"session");
        two.replace(keys(3, &[2]));
        assert_eq!(two.decrypt(&ticket), None);
    }

    #[test]
    fn a_changed_or_cut_ticket_is_refused() {
        let ticketer = Ticketer::new(keys(1, &[]), Arc::new(SeededRandom::new(1)));
        let ticket = ticketer.encrypt(b"session").unwrap();
        for at in 0..ticket.len() {
            let mut changed = ticket.clone();
            changed[at] ^= 1;
            assert_eq!(ticketer.decrypt(&changed), None, "{at}");
            assert_eq!(ticketer.decrypt(&ticket[..at]), None, "{at}");
        }
    }
}
