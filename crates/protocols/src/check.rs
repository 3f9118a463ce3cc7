//! The named checks of a protocol step.
//!
//! A step lists its checks in one constant, in the order in which they run; the list is the security review.
//! Each check is one function and one thought, and has a test module of its name.
//!
//! ```
//! use protocols::check::{self, Verdict};
//! use protocols::{PeerText, Refusal, checks};
//!
//! pub struct Request { pub identifier: String }
//! pub struct Trust { pub enabled: bool }
//!
//! checks! {
//!     /// Whether a request may go on, in this order.
//!     pub const CHECKS: [Request, Trust] = [
//!         /// A disabled trust is answered as if it did not exist.
//!         trust_is_enabled,
//!     ];
//! }
//!
//! fn trust_is_enabled(request: &Request, trust: &Trust) -> Verdict {
//!     match trust.enabled {
//!         true => Verdict::Pass,
//!         false => Verdict::Refuse(Refusal::UnknownRelyingParty { identifier: PeerText::new(&request.identifier) }),
//!     }
//! }
//!
//! let request = Request { identifier: "urn:app".into() };
//! let refused = check::run(CHECKS, &request, &Trust { enabled: false }).unwrap_err();
//! assert_eq!(refused.check, "trust_is_enabled");
//! assert_eq!(refused.refusal.code(), Some("MSIS7007"));
//! ```

use crate::Refusal;

/// What one check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing to object to; the next check runs.
    Pass,
    /// The request ends here.
    Refuse(Refusal),
}

/// One check of a request `R` against its trust `T`.
///
/// The list is a constant, so `R` and `T` own their text or borrow for `'static`.
#[derive(Debug)]
pub struct Check<R, T> {
    /// Name of the check, the name of its function.
    pub name: &'static str,
    /// What it holds, one or two sentences; the documentation's list of checks prints it.
    pub doc: &'static str,
    /// The check itself.
    pub run: fn(&R, &T) -> Verdict,
}

/// A request that a check ended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{refusal}")]
pub struct Refused {
    /// The check that ended it. Those before it in the list passed, those behind it did not run.
    pub check: &'static str,
    /// Why.
    #[source]
    pub refusal: Refusal,
}

/// Runs `checks` in order, up to the first refusal.
pub fn run<R, T>(checks: &[Check<R, T>], request: &R, trust: &T) -> Result<(), Refused> {
    for check in checks {
        if let Verdict::Refuse(refusal) = (check.run)(request, trust) {
            return Err(Refused { check: check.name, refusal });
        }
    }
    Ok(())
}

/// Declares the constant list of a step's checks; the comment above each name becomes [`Check::doc`].
#[macro_export]
macro_rules! checks {
    (
        $(#[$attribute:meta])*
        $visibility:vis const $list:ident: [$request:ty, $trust:ty] = [
            $($(#[doc = $doc:literal])+ $check:ident),+ $(,)?
        ];
    ) => {
        $(#[$attribute])*
        $visibility const $list: &[$crate::check::Check<$request, $trust>] = &[
            $($crate::check::Check {
                name: stringify!($check),
                // Each line of a comment begins with the blank behind its slashes.
                doc: concat!($($doc),+).trim_ascii(),
                run: $check,
            }),+
        ];
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    checks! {
        /// A list.
        const CHECKS: [u8, u8] = [
            /// Is not
            /// zero.
            first,
            /// Is the same.
            second,
        ];
    }

    fn first(request: &u8, _trust: &u8) -> Verdict {
        if *request == 0 { refuse() } else { Verdict::Pass }
    }

    fn second(request: &u8, trust: &u8) -> Verdict {
        if request == trust { Verdict::Pass } else { refuse() }
    }

    fn refuse() -> Verdict {
        Verdict::Refuse(Refusal::InteractionNeeded)
    }

    #[test]
    fn checks_run_in_order_up_to_the_first_refusal() {
        assert_eq!(run(CHECKS, &1, &1), Ok(()));
        assert_eq!(run(CHECKS, &0, &1).unwrap_err().check, "first");
        assert_eq!(run(CHECKS, &2, &1).unwrap_err().check, "second");
    }

    #[test]
    fn a_check_carries_its_comment() {
        let docs: Vec<&str> = CHECKS.iter().map(|check| check.doc).collect();
        assert_eq!(docs, ["Is not zero.", "Is the same."]);
    }
}
