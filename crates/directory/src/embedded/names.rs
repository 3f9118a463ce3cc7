//! Names of the embedded domain: account names, distinguished names, SIDs, GUIDs.

use base::Guid;

/// Characters that a typed name may have; a longer one is nobody's.
const LONGEST: usize = 256;

/// The domain's two names.
#[derive(Debug, Clone)]
pub(super) struct Domain {
    /// NetBIOS name, such as `CONTOSO`.
    pub(super) netbios: String,
    /// DNS name, such as `contoso.com`.
    pub(super) dns: String,
}

/// A typed name, taken apart. Nothing says that the account exists.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum TypedName {
    /// `user@suffix`, lower case.
    Upn(String),
    /// The user of `DOMAIN\user` of this domain, lower case.
    Sam(String),
    /// Anything else: nobody here.
    Nobody,
}

impl Domain {
    /// Whether `name` is one of the domain's names.
    pub(super) fn is_named(&self, name: &str) -> bool {
        !name.is_empty() && (name.eq_ignore_ascii_case(&self.netbios) || name.eq_ignore_ascii_case(&self.dns))
    }

    /// Takes a typed name apart.
    pub(super) fn parse(&self, typed: &str) -> TypedName {
        let typed = typed.trim();
        if typed.chars().nth(LONGEST).is_some() {
            return TypedName::Nobody;
        }
        if let Some((domain, user)) = typed.split_once('\\') {
            return if self.is_named(domain) && !user.is_empty() {
                TypedName::Sam(user.to_lowercase())
            } else {
                TypedName::Nobody
            };
        }
        match typed.split_once('@') {
            Some((user, suffix)) if !user.is_empty() && !suffix.is_empty() => {
                TypedName::Upn(typed.to_lowercase())
            }
            _ => TypedName::Nobody,
        }
    }

    /// The user of `user@dns-name`, the UPN that each account has whatever its attribute says.
    pub(super) fn implicit_user<'a>(&self, upn: &'a str) -> Option<&'a str> {
        upn.rsplit_once('@')
            .filter(|(_, suffix)| suffix.eq_ignore_ascii_case(&self.dns))
            .map(|(user, _)| user)
    }

    /// `DOMAIN\name`.
    pub(super) fn qualified(&self, name: &str) -> String {
        format!("{}\\{name}", self.netbios)
    }

    /// Distinguished name of the object with this `sAMAccountName`, which is its relative name too.
    pub(super) fn distinguished_name(&self, sam: &str) -> String {
        let components: Vec<String> = self.dns.split('.').map(|part| format!("DC={part}")).collect();
        format!("CN={},CN=Users,{}", escape_rdn(sam), components.join(","))
    }

    /// The `sAMAccountName` in a distinguished name of this domain, lower case.
    pub(super) fn sam_of(&self, distinguished_name: &str) -> Option<String> {
        let name = distinguished_name.to_lowercase();
        let tail = self.distinguished_name("").to_lowercase();
        let tail = tail.strip_prefix("cn=")?;
        let relative = name.strip_prefix("cn=")?.strip_suffix(tail)?;
        let mut sam = String::with_capacity(relative.len());
        let mut characters = relative.chars();
        while let Some(character) = characters.next() {
            match character {
                '\\' => sam.push(characters.next()?),
                ',' => return None,
                _ => sam.push(character),
            }
        }
        Some(sam)
    }

    /// SID of the domain: made from its DNS name, so that every node and every restart has the same.
    pub(super) fn sid(&self) -> String {
        let part = |seed: u32| {
            // FNV-1a: an identifier, nothing secret.
            self.dns.to_lowercase().bytes().fold(0x811c_9dc5 ^ seed, |hash: u32, byte| {
                (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
            })
        };
        format!("S-1-5-21-{}-{}-{}", part(0x5345_4b49), part(0x5348_4f00), part(0x0044_4f4d))
    }
}

/// Domain part of a SID.
pub(super) fn domain_of(sid: &str) -> &str {
    sid.rsplit_once('-').map_or(sid, |(domain, _)| domain)
}

/// RFC 4514 2.4.
fn escape_rdn(name: &str) -> String {
    let mut escaped = String::with_capacity(name.len());
    for (index, character) in name.chars().enumerate() {
        let special = matches!(character, ',' | '+' | '"' | '\\' | '<' | '>' | ';' | '=');
        if special || (index == 0 && character == '#') {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

/// The octets of a GUID as Active Directory stores them: the first three fields little endian.
pub(super) fn guid_octets(guid: Guid) -> [u8; 16] {
    let mut octets = *guid.as_bytes();
    let (first, rest) = octets.split_at_mut(4);
    let (second, rest) = rest.split_at_mut(2);
    let (third, _) = rest.split_at_mut(2);
    first.reverse();
    second.reverse();
    third.reverse();
    octets
}

/// The GUID of the octets in Active Directory's order; the exchange is its own inverse.
pub(super) fn guid_of(octets: [u8; 16]) -> Guid {
    Guid::from_bytes(guid_octets(Guid::from_bytes(octets)))
}

/// `S-1-…` of the binary form ([MS-DTYP] 2.4.2.2).
pub(super) fn sid_of(octets: &[u8]) -> Option<String> {
    let [1, count, a0, a1, a2, a3, a4, a5, parts @ ..] = octets else { return None };
    if parts.len() != usize::from(*count) * 4 {
        return None;
    }
    let authority = u64::from_be_bytes([0, 0, *a0, *a1, *a2, *a3, *a4, *a5]);
    let mut sid = format!("S-1-{authority}");
    for part in parts.as_chunks::<4>().0 {
        sid.push_str(&format!("-{}", u32::from_le_bytes(*part)));
    }
    Some(sid)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn domain() -> Domain {
        Domain { netbios: "CONTOSO".into(), dns: "contoso.com".into() }
    }

    #[test]
    fn typed_names_are_taken_apart_and_a_bare_name_is_nobody() {
        for (typed, expected) in [
            ("CONTOSO\\Kim", TypedName::Sam("kim".into())),
            ("contoso.COM\\kim", TypedName::Sam("kim".into())),
            (" Kim@Example.com ", TypedName::Upn("kim@example.com".into())),
            ("kim", TypedName::Nobody),
            ("OTHER\\kim", TypedName::Nobody),
            ("CONTOSO\\", TypedName::Nobody),
            ("@example.com", TypedName::Nobody),
            ("kim@", TypedName::Nobody),
            ("", TypedName::Nobody),
        ] {
            assert_eq!(domain().parse(typed), expected, "{typed}");
        }
        assert_eq!(domain().parse(&format!("{}@a", "x".repeat(1_000))), TypedName::Nobody);
    }

    #[test]
    fn distinguished_names_lead_back_to_their_object() {
        for sam in ["kim", "domain users", "a,b", "x=y\\z", "#1"] {
            let name = domain().distinguished_name(sam);
            assert_eq!(domain().sam_of(&name.to_uppercase()).as_deref(), Some(sam), "{name}");
        }
        assert_eq!(domain().distinguished_name("a,b"), "CN=a\\,b,CN=Users,DC=contoso,DC=com");
        for other in ["CN=kim,CN=Users,DC=other,DC=com", "CN=kim,OU=x,CN=Users,DC=contoso,DC=com", "kim", ""]
        {
            assert_eq!(domain().sam_of(other), None, "{other}");
        }
    }

    #[test]
    fn binary_guids_and_sids_are_those_of_active_directory() {
        let guid: Guid = "03020100-0504-0706-0809-0a0b0c0d0e0f".parse().unwrap();
        assert_eq!(guid_octets(guid), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
        assert_eq!(guid_of(guid_octets(guid)), guid);
        let sid = [1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x20, 2, 0, 0];
        assert_eq!(sid_of(&sid).as_deref(), Some("S-1-5-32-544"));
        assert_eq!(sid_of(&sid[..15]), None);
        assert!(domain().sid().starts_with("S-1-5-21-") && domain().sid() == domain().sid());
    }
}
