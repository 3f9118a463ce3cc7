//! The SSO session: all of it travels in the browser's `MSISAuth` cookie, sealed under a farm key.

use std::fmt;
use std::io::{Read, Write};
use std::sync::Arc;

use base::{Guid, Timestamp};
use claims::Claim;
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use serde::{Deserialize, Serialize};

/// A signed-in person, as proven earlier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Identity of the session.
    #[serde(rename = "i")]
    pub id: Guid,
    /// `DOMAIN\user`.
    #[serde(rename = "a")]
    pub account_name: String,
    /// When the person proved who they are.
    #[serde(rename = "t")]
    pub authenticated_at: Timestamp,
    /// How: an authentication method URI.
    #[serde(rename = "m")]
    pub method: String,
    /// End of the session.
    #[serde(rename = "e")]
    pub expires: Timestamp,
    /// The one request for which this sign-in counts as fresh (see [`RequestFingerprint`]); it is taken out
    /// with the first token.
    #[serde(rename = "f", default, skip_serializing_if = "Option::is_none")]
    pub fresh_for: Option<RequestFingerprint>,
    /// What the acceptance rules let through.
    #[serde(rename = "c")]
    pub claims: Vec<Claim>,
}

/// Names one sign-in request, so that a fresh sign-in demanded by it serves only it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestFingerprint([u8; 16]);

impl RequestFingerprint {
    /// The fingerprint of a request's own bytes (query string, or the posted message).
    pub fn of(request: &[u8]) -> Self {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, request);
        let mut fingerprint = [0; 16];
        for (to, from) in fingerprint.iter_mut().zip(digest.as_ref()) {
            *to = *from;
        }
        Self(fingerprint)
    }
}

/// A session may grow to this many bytes when unpacked: far above 1,000 groups.
const UNPACKED_LIMIT: u64 = 512 * 1024;

impl Session {
    /// Packed form, before sealing: compressed, since SIDs of one domain share nearly all their text.
    /// 160 groups must fit into cookies of 4 KB together.
    pub fn pack(&self) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::with_capacity(1024), Compression::fast());
        let packed = PackedClaims::of(self);
        match serde_json::to_vec(&packed).map(|json| encoder.write_all(&json)) {
            Ok(Ok(())) => encoder.finish().unwrap_or_default(),
            _ => Vec::new(),
        }
    }

    /// Reads the packed form; `None` for anything else. Only bytes that were sealed by this farm get here.
    pub fn unpack(packed: &[u8]) -> Option<Self> {
        let mut json = Vec::with_capacity(packed.len().saturating_mul(4).min(64 * 1024));
        DeflateDecoder::new(packed).take(UNPACKED_LIMIT).read_to_end(&mut json).ok()?;
        serde_json::from_slice::<PackedClaims>(&json).ok()?.into_session()
    }

    /// Whether the session is still alive.
    pub fn is_alive(&self, now: Timestamp) -> bool {
        now < self.expires
    }
}

/// Unpacked sessions of people who are busy now. Only the unpacking is remembered: each request's cookie is opened
/// under the farm key before, and each request looks at the session's end after, as if there were no cache.
pub struct SessionCache(Cache<Digest, Arc<Session>, ByClaims>);

/// SHA-256 of a packed session.
type Digest = [u8; 32];

/// Claims that the cached sessions may hold together; some 150 octets each.
const CACHED_CLAIMS: u64 = 100_000;

#[derive(Clone)]
struct ByClaims;

impl Weighter<Digest, Arc<Session>> for ByClaims {
    fn weight(&self, _: &Digest, session: &Arc<Session>) -> u64 {
        // The rest of a session weighs as much as some claims.
        (session.claims.len() as u64).saturating_add(10)
    }
}

impl Default for SessionCache {
    fn default() -> Self {
        Self(Cache::with_weighter(1_024, CACHED_CLAIMS, ByClaims))
    }
}

impl fmt::Debug for SessionCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionCache").field("sessions", &self.0.len()).finish_non_exhaustive()
    }
}

impl SessionCache {
    /// [`Session::unpack`], remembered. A fresh sign-in is used once, so it is not kept.
    pub fn unpack(&self, packed: &[u8]) -> Option<Arc<Session>> {
        let mut digest = Digest::default();
        let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, packed);
        digest.iter_mut().zip(hash.as_ref()).for_each(|(to, from)| *to = *from);
        if let Some(known) = self.0.get(&digest) {
            return Some(known);
        }
        let session = Arc::new(Session::unpack(packed)?);
        if session.fresh_for.is_none() {
            self.0.insert(digest, session.clone());
        }
        Some(session)
    }
}

/// The wire form of a session: each distinct text once, claims as indices into the list.
#[derive(Serialize, Deserialize)]
struct PackedClaims {
    /// The session without its claims.
    s: Session,
    /// Texts.
    x: Vec<String>,
    /// Claims: type, value type, issuer, original issuer, then property keys and values; values stand apart.
    k: Vec<Vec<u16>>,
    /// Values, in order.
    v: Vec<String>,
}

impl PackedClaims {
    fn of(session: &Session) -> Self {
        let mut texts: Vec<String> = Vec::new();
        let mut index = |text: &str| {
            let at = texts.iter().position(|known| known == text).unwrap_or_else(|| {
                texts.push(text.to_owned());
                texts.len().saturating_sub(1)
            });
            u16::try_from(at).unwrap_or(u16::MAX)
        };
        let mut kinds = Vec::with_capacity(session.claims.len());
        let mut values = Vec::with_capacity(session.claims.len());
        for claim in &session.claims {
            let mut kind = vec![
                index(&claim.claim_type),
                index(&claim.value_type),
                index(&claim.issuer),
                index(&claim.original_issuer),
            ];
            for (key, value) in &claim.properties {
                kind.extend([index(key), index(value)]);
            }
            kinds.push(kind);
            values.push(claim.value.to_string());
        }
        let bare = Session { claims: Vec::new(), ..session.clone() };
        Self { s: bare, x: texts, k: kinds, v: values }
    }

    fn into_session(self) -> Option<Session> {
        let texts: Vec<Arc<str>> = self.x.into_iter().map(Into::into).collect();
        let text = |at: &u16| texts.get(usize::from(*at)).cloned();
        let mut claims = Vec::with_capacity(self.k.len());
        for (kind, value) in self.k.iter().zip(self.v) {
            let (base, properties) = kind.split_at_checked(4)?;
            let [claim_type, value_type, issuer, original_issuer] = base else { return None };
            claims.push(Claim {
                claim_type: text(claim_type)?,
                value: value.into(),
                value_type: text(value_type)?,
                issuer: text(issuer)?,
                original_issuer: text(original_issuer)?,
                properties: properties
                    .chunks_exact(2)
                    .map(|pair| Some((text(pair.first()?)?, text(pair.get(1)?)?)))
                    .collect::<Option<_>>()?,
            });
        }
        Some(Session { claims, ..self.s })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use claims::types;

    fn session(groups: u32) -> Session {
        let mut claims = vec![Claim::new(types::UPN, "trent@contoso.lab", claims::claim::AD_AUTHORITY)];
        claims.extend((0..groups).map(|n| {
            let sid = format!(
                "S-1-5-21-397955417-626881126-188441444-{}",
                100_000 + n.wrapping_mul(7_919) % 90_000
            );
            Claim::new(types::GROUP_SID, sid, claims::claim::AD_AUTHORITY)
        }));
        claims[0].properties.insert("p".into(), "v".into());
        Session {
            id: Guid::from_bytes([7; 16]),
            account_name: "CONTOSO\\trent".into(),
            authenticated_at: Timestamp::from_seconds(1_700_000_000),
            method: types::METHOD_PASSWORD_PROTECTED_TRANSPORT.into(),
            expires: Timestamp::from_seconds(1_700_028_800),
            fresh_for: Some(RequestFingerprint::of(b"wa=wsignin1.0")),
            claims,
        }
    }

    #[test]
    fn a_session_survives_packing_with_everything_in_it() {
        let session = session(3);
        assert_eq!(Session::unpack(&session.pack()).unwrap(), session);
    }

    #[test]
    fn a_user_with_160_groups_fits_into_4_kb_of_cookies() {
        let packed = session(160).pack();
        // Sealing adds a nonce, a tag and a version; Base64 a third.
        assert!((packed.len() + 64) * 4 / 3 < 4_000, "{} bytes packed", packed.len());
    }

    #[test]
    fn garbage_is_no_session() {
        for garbage in [&b""[..], b"x", &[0xff; 64], &session(1).pack()[..40]] {
            assert!(Session::unpack(garbage).is_none());
        }
    }

    #[test]
    fn a_cached_session_is_the_unpacked_one_and_a_changed_octet_is_another() {
        let cache = SessionCache::default();
        let lasting = Session { fresh_for: None, ..session(3) };
        let packed = lasting.pack();
        let first = cache.unpack(&packed).unwrap();
        assert_eq!(*first, lasting);
        assert!(Arc::ptr_eq(&first, &cache.unpack(&packed).unwrap()));
        let other = Session { fresh_for: None, ..session(4) };
        assert_eq!(*cache.unpack(&other.pack()).unwrap(), other);
        assert!(cache.unpack(packed.get(1..).unwrap()).is_none());
    }

    #[test]
    fn a_fresh_sign_in_is_not_kept_and_the_cache_has_an_end() {
        let cache = SessionCache::default();
        cache.unpack(&session(3).pack()).unwrap();
        assert_eq!(cache.0.len(), 0);
        for groups in 0..300 {
            cache.unpack(&Session { fresh_for: None, ..session(1_000 + groups) }.pack()).unwrap();
        }
        assert!(cache.0.weight() <= CACHED_CLAIMS);
        assert!(cache.0.len() < 100);
    }

    #[test]
    fn a_session_ends_at_its_instant() {
        let session = session(0);
        assert!(session.is_alive(Timestamp::from_seconds(1_700_028_799)));
        assert!(!session.is_alive(Timestamp::from_seconds(1_700_028_800)));
    }
}
