//! `RequestedAuthnContext` (SAML core 3.3.2.2.1): how the service provider wants the user to be authenticated.

/// Authentication by password, in any way.
pub const PASSWORD: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:Password";
/// Authentication by password on a page that TLS protects: what forms sign-in is.
pub const PASSWORD_PROTECTED_TRANSPORT: &str =
    "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport";

/// AD FS's `AuthenticationContextOrder`, weakest first.
const ORDER: [&str; 6] = [
    PASSWORD,
    PASSWORD_PROTECTED_TRANSPORT,
    "urn:oasis:names:tc:SAML:2.0:ac:classes:TLSClient",
    "urn:oasis:names:tc:SAML:2.0:ac:classes:X509",
    "urn:federation:authentication:windows",
    "urn:oasis:names:tc:SAML:2.0:ac:classes:Kerberos",
];

/// The classes that forms sign-in satisfies, weakest first.
const OFFERED: [&str; 2] = [PASSWORD, PASSWORD_PROTECTED_TRANSPORT];

/// What the request says about authentication.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestedAuthnContext {
    /// How the classes are meant.
    pub comparison: Comparison,
    /// Wanted classes, the preferred one first.
    pub class_refs: Vec<String>,
}

/// How a class of the request compares with the one to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// One of the named classes (default).
    Exact,
    /// At least as strong as one of them.
    Minimum,
    /// The strongest that is not stronger than one of them.
    Maximum,
    /// Stronger than all of them.
    Better,
}

/// The context in which the user is to be authenticated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// The request leaves it to the service.
    Any,
    /// A sign-in of this class, which the token must state.
    Class(&'static str),
}

impl RequestedAuthnContext {
    /// The class that meets the request, or `None` when this service has none that does.
    ///
    /// A class that stands nowhere in AD FS's order has no strength: it can be met by nothing. Declarations
    /// (`AuthnContextDeclRef`) leave no class at all, and are met by nothing either.
    pub fn meet(&self) -> Option<Wanted> {
        let named = |class: &str| self.class_refs.iter().any(|named| named == class);
        if self.class_refs.iter().any(|class| is_unspecified(class)) {
            return Some(Wanted::Any);
        }
        let strengths = || self.class_refs.iter().filter_map(|class| strength(class));
        let strongest_offer = |meets: &dyn Fn(usize) -> bool| {
            OFFERED.into_iter().rev().find(|offer| strength(offer).is_some_and(meets))
        };
        let class = match self.comparison {
            Comparison::Exact => {
                let first = self.class_refs.iter().find(|class| OFFERED.contains(&class.as_str()))?;
                OFFERED.into_iter().find(|offer| named(offer) && offer == first)
            }
            Comparison::Minimum => {
                let weakest = strengths().min()?;
                strongest_offer(&|strength| strength >= weakest)
            }
            Comparison::Maximum => {
                let strongest = strengths().max()?;
                strongest_offer(&|strength| strength <= strongest)
            }
            Comparison::Better => {
                // One class without a known strength leaves open what would be better than all.
                if self.class_refs.iter().any(|class| strength(class).is_none()) {
                    return None;
                }
                let strongest = strengths().max()?;
                strongest_offer(&|strength| strength > strongest)
            }
        };
        class.map(Wanted::Class)
    }
}

fn strength(class: &str) -> Option<usize> {
    ORDER.iter().position(|known| *known == class)
}

/// Asks for nothing; senders write it with a capital and with a small letter.
fn is_unspecified(class: &str) -> bool {
    class.eq_ignore_ascii_case("urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified")
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOWS: &str = "urn:federation:authentication:windows";
    const X509: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:X509";

    fn meet(comparison: Comparison, class_refs: &[&str]) -> Option<Wanted> {
        let class_refs = class_refs.iter().map(|class| (*class).to_owned()).collect();
        RequestedAuthnContext { comparison, class_refs }.meet()
    }

    /// Security case 33.
    #[test]
    fn each_comparison_is_met_or_refused_and_never_weakened() {
        use Comparison::*;
        let password = Some(Wanted::Class(PASSWORD));
        let protected = Some(Wanted::Class(PASSWORD_PROTECTED_TRANSPORT));
        for (comparison, classes, expected) in [
            (Exact, &[PASSWORD_PROTECTED_TRANSPORT][..], protected),
            (Exact, &[PASSWORD], password),
            (Exact, &[WINDOWS, PASSWORD, PASSWORD_PROTECTED_TRANSPORT], password),
            (Exact, &[WINDOWS], None),
            (Exact, &["urn:example:gold"], None),
            (Exact, &[], None),
            (Minimum, &[PASSWORD], protected),
            (Minimum, &[PASSWORD_PROTECTED_TRANSPORT], protected),
            (Minimum, &[X509, PASSWORD], protected),
            (Minimum, &[X509], None),
            (Minimum, &["urn:example:gold"], None),
            (Maximum, &[PASSWORD], password),
            (Maximum, &[X509], protected),
            (Maximum, &["urn:example:gold"], None),
            (Better, &[PASSWORD], protected),
            (Better, &[PASSWORD_PROTECTED_TRANSPORT], None),
            (Better, &[PASSWORD, "urn:example:gold"], None),
            (Better, &[], None),
        ] {
            assert_eq!(meet(comparison, classes), expected, "{comparison:?} {classes:?}");
        }
    }

    #[test]
    fn the_unspecified_class_asks_for_nothing() {
        for class in ["Unspecified", "unspecified"] {
            let class = format!("urn:oasis:names:tc:SAML:2.0:ac:classes:{class}");
            assert_eq!(meet(Comparison::Exact, &[&class]), Some(Wanted::Any));
            assert_eq!(meet(Comparison::Better, &[X509, &class]), Some(Wanted::Any));
        }
    }
}
