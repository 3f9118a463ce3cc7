//! Claims, claim types and the claim rule language of AD FS.
//!
//! Pure: no clock, no randomness, no I/O. An evaluation that needs an attribute store stops and hands its
//! queries to the caller, who resumes it with the rows.
//!
//! ```
//! use claims::{Claim, Limits, RuleSet, Step};
//!
//! let rules = RuleSet::parse(r#"c:[Type == "role"] => issue(claim = c);"#).expect("a valid rule");
//! let input = [Claim::new("role", "Director", claims::claim::AD_AUTHORITY)];
//! let Ok(Step::Done(outcome)) = rules.evaluate(input, &Limits::default()) else { panic!("no store is asked") };
//! assert_eq!(&*outcome.issued[0].value, "Director");
//! ```

pub mod ad_store;
pub mod claim;
pub mod defaults;
pub mod types;

mod decision;
mod pattern;
mod rules;

pub use claim::Claim;
pub use decision::Decision;
pub use rules::RuleSet;
pub use rules::diagnostic::{Diagnostic, Severity};
pub use rules::error::{Cause, EvaluationError};
pub use rules::limits::Limits;
pub use rules::machine::{Outcome, Pending, Step};
pub use rules::store::{Rows, StoreQuery};
pub use rules::trace::{RuleTrace, Trace};
