//! Regular expressions of .NET with bounded time.
//!
//! Patterns without look-around and back-references run on a linear engine. The others backtrack: first with
//! a small allowance, which nearly all honest patterns meet, then again with larger ones. Each attempt is charged
//! to the budget of the evaluation at its worst case, so that the whole is bounded too and not only each match.
//!
//! One difference to .NET remains: its `.` and counts see UTF-16 code units, ours see characters.

mod replacement;
mod translate;

use std::sync::{Arc, OnceLock};

use fancy_regex::{Captures, CompileError, Error, Regex, RegexBuilder, RuntimeError};

use crate::rules::error::Cause;
use crate::rules::limits::{Budget, within};
use replacement::Part;
use translate::{Translated, translate};

/// The longest pattern, in octets.
const PATTERN_OCTETS: usize = 4 * 1024;

/// How often a pattern may backtrack on one text: at first, when that was not enough, and at most.
const ALLOWANCES: [usize; 3] = [256, 5_000, 100_000];

/// Size of the compiled form of a pattern that an administrator wrote, in octets for each delegated part.
const WRITTEN_SIZE: usize = 10 * 1024 * 1024;

/// The same for a pattern computed from claims, whose author may be anyone.
const COMPUTED_SIZE: usize = 256 * 1024;

/// Memory for the states that the linear engine builds as it goes, in octets.
const CACHE_SIZE: usize = 2 * 1024 * 1024;

/// Charge for compiling a pattern, beside one for each octet.
const COMPILE_STEPS: u64 = 20_000;

/// Why a pattern cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// In the words of .NET where it has some.
    pub(crate) reason: String,
    /// Behind which character of the pattern.
    pub(crate) at: Option<usize>,
}

/// A compiled pattern.
#[derive(Debug)]
pub(crate) struct Pattern {
    source: Arc<str>,
    translated: Translated,
    size: usize,
    /// For the two meanings of `$`, each with every allowance; compiled when first needed.
    engines: [[OnceLock<Result<Regex, String>>; ALLOWANCES.len()]; 2],
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Eq for Pattern {}

impl Pattern {
    /// A pattern that stands in a rule.
    pub(crate) fn written(source: &Arc<str>) -> Result<Self, Refusal> {
        Self::new(source, WRITTEN_SIZE)
    }

    /// A pattern that a rule computed.
    pub(crate) fn computed(source: &Arc<str>, budget: &mut Budget) -> Result<Self, Cause> {
        budget.charge(COMPILE_STEPS + source.len() as u64)?;
        Self::new(source, COMPUTED_SIZE)
            .map_err(|refusal| Cause::Pattern { pattern: source.clone(), reason: refusal.reason })
    }

    fn new(source: &Arc<str>, size: usize) -> Result<Self, Refusal> {
        if source.len() > PATTERN_OCTETS {
            let reason = format!("it is {} octets long, {PATTERN_OCTETS} are allowed", source.len());
            return Err(Refusal { reason, at: None });
        }
        let translated = translate(source)?;
        let pattern = Self { source: source.clone(), translated, size, engines: Default::default() };
        match pattern.engine(false, 0) {
            Ok(_) => Ok(pattern),
            Err(reason) => Err(Refusal { reason, at: None }),
        }
    }

    /// Whether the pattern matches anywhere in `input`.
    pub(crate) fn is_match(&self, input: &str, budget: &mut Budget) -> Result<bool, Cause> {
        within("pattern_input_octets", input.len(), budget.limits.pattern_input_octets)?;
        if !self.backtracks_on(input) {
            budget.charge_octets(1 + input.len())?;
        }
        self.attempt(input, input.len(), budget, |engine| engine.is_match(input))
    }

    /// `Regex.Replace`: every match that does not overlap the one before.
    pub(crate) fn replace(
        &self,
        input: &str,
        replacement: &str,
        budget: &mut Budget,
    ) -> Result<String, Cause> {
        within("pattern_input_octets", input.len(), budget.limits.pattern_input_octets)?;
        let parts = replacement::parse(replacement, &self.translated.groups);
        let linear = !self.backtracks_on(input);
        let mut out = String::new();
        let (mut copied, mut from) = (0, 0);
        while from <= input.len() {
            let left = input.len() - from;
            let found = self.attempt(input, left, budget, |engine| engine.captures_from_pos(input, from))?;
            let end =
                found.as_ref().and_then(|captures| captures.get(0)).map_or(input.len(), |all| all.end());
            if linear {
                // A search may look far beyond the match it finds.
                budget.charge_octets(1 + end.saturating_sub(from) + left / 64)?;
            }
            let Some(captures) = found else { break };
            let Some(all) = captures.get(0) else { break };
            append(&mut out, input.get(copied..all.start()).unwrap_or_default(), budget)?;
            for part in &parts {
                append(&mut out, expand(*part, &captures, input), budget)?;
            }
            copied = all.end();
            // After an empty match .NET goes on one character further, and an empty match may follow another one.
            from = match input.get(copied..).and_then(|rest| rest.chars().next()) {
                Some(next) if all.start() == all.end() => copied + next.len_utf8(),
                None if all.start() == all.end() => break,
                _ => copied,
            };
        }
        append(&mut out, input.get(copied..).unwrap_or_default(), budget)?;
        Ok(out)
    }

    /// Runs the engine, again with a larger allowance if it must. `left` is the length of what it may look at.
    fn attempt<T>(
        &self,
        input: &str,
        left: usize,
        budget: &mut Budget,
        run: impl Fn(&Regex) -> Result<T, Error>,
    ) -> Result<T, Cause> {
        let line_feed = input.ends_with('\n');
        let backtracks = self.backtracks_on(input);
        for (tier, allowance) in ALLOWANCES.into_iter().enumerate() {
            if backtracks {
                // Between two times of backtracking the engine may read far ahead and repeat what it reads.
                budget.charge_octets(allowance * (1 + left / 16 + self.translated.repeated / 4))?;
            }
            let engine = self
                .engine(line_feed, tier)
                .map_err(|reason| Cause::Pattern { pattern: self.source.clone(), reason })?;
            match run(engine) {
                Ok(result) => return Ok(result),
                Err(Error::RuntimeError(
                    RuntimeError::BacktrackLimitExceeded | RuntimeError::StackOverflow,
                )) => {}
                Err(error) => {
                    return Err(Cause::Pattern { pattern: self.source.clone(), reason: error.to_string() });
                }
            }
        }
        Err(Cause::Backtracking {
            pattern: self.source.clone(),
            allowed: ALLOWANCES.into_iter().max().unwrap_or(0),
        })
    }

    fn backtracks_on(&self, input: &str) -> bool {
        self.translated.backtracks || (self.translated.before_line_feed.is_some() && input.ends_with('\n'))
    }

    fn engine(&self, line_feed: bool, tier: usize) -> Result<&Regex, String> {
        let [at_end, before_line_feed] = &self.engines;
        let (text, slots) = match &self.translated.before_line_feed {
            Some(text) if line_feed => (text, before_line_feed),
            _ => (&self.translated.at_end, at_end),
        };
        let (Some(slot), Some(&allowance)) = (slots.get(tier), ALLOWANCES.get(tier)) else {
            return Err("there is no such allowance".to_owned());
        };
        let compiled = slot.get_or_init(|| {
            RegexBuilder::new(text)
                .backtrack_limit(allowance)
                .delegate_size_limit(self.size)
                .delegate_dfa_size_limit(self.size.min(CACHE_SIZE))
                .delegate_dfa_skip_cache_capacity_check(false)
                .max_prog_size(self.size / 64)
                .build()
                .map_err(explain)
        });
        compiled.as_ref().map_err(Clone::clone)
    }
}

/// Why the engine refuses a pattern, without showing the translated pattern.
fn explain(error: Error) -> String {
    match error {
        Error::ParseError(_, reason) => reason.to_string(),
        Error::CompileError(reason) => match *reason {
            CompileError::InnerError(_)
            | CompileError::DfaBuildError(..)
            | CompileError::PatternTooComplex => {
                "it is too large once compiled; use smaller repetition counts".to_owned()
            }
            reason => reason.to_string(),
        },
        error => error.to_string(),
    }
}

fn expand<'a>(part: Part<'a>, captures: &Captures<'a, str>, input: &'a str) -> &'a str {
    let (start, end) = captures.get(0).map_or((0, 0), |all| (all.start(), all.end()));
    match part {
        Part::Text(text) => text,
        Part::Group(index) => captures.get(index).map_or("", |group| group.as_str()),
        Part::Before => input.get(..start).unwrap_or_default(),
        Part::After => input.get(end..).unwrap_or_default(),
        Part::Input => input,
    }
}

fn append(out: &mut String, text: &str, budget: &mut Budget) -> Result<(), Cause> {
    budget.check_value(out.len() + text.len())?;
    budget.charge_octets(text.len())?;
    out.push_str(text);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Limits;

    fn pattern(source: &str) -> Pattern {
        Pattern::written(&source.into()).unwrap_or_else(|refusal| panic!("{source}: {refusal:?}"))
    }

    fn budget() -> Budget {
        Budget::new(Limits::default())
    }

    fn matches(source: &str, input: &str) -> bool {
        pattern(source).is_match(input, &mut budget()).unwrap()
    }

    fn replace(input: &str, source: &str, replacement: &str) -> String {
        pattern(source).replace(input, replacement, &mut budget()).unwrap()
    }

    #[test]
    fn patterns_mean_what_they_mean_in_dotnet() {
        for (source, input, expected) in [
            ("^a$", "a", true),
            ("^a$", "a\n", true),
            ("^a$", "a\n\n", false),
            ("^a$", "b\na", false),
            ("(?m)^a$", "b\na\nc", true),
            (r"^a\z", "a\n", false),
            (r"^a\Z", "a\n", true),
            ("a.c", "a\nc", false),
            ("(?s)a.c", "a\nc", true),
            ("a(?i)b", "aB", true),
            ("a(?i)b", "Ab", false),
            ("a(?i)b|c", "C", true),
            ("(a(?i)b)c", "aBC", false),
            ("(?i:a)b", "Ab", true),
            ("(?i)a(?-i)b", "AB", false),
            ("^(?i)S-1-5-21$", "s-1-5-21", true),
            ("(?i)straße", "STRASSE", false),
            ("(?x) a b # comment\n c", "abc", true),
            (r"(?x)a\ b", "a b", true),
            ("a{2}", "aa", true),
            ("a{b", "a{b", true),
            ("a{,2}", "a{,2}", true),
            ("x{2,}y", "xxxy", true),
            ("a}", "a}", true),
            ("[]a]", "]", true),
            ("[^]a]", "]", false),
            ("[[]", "[", true),
            ("[a&&b]", "&", true),
            ("[a-c-[b]]", "b", false),
            ("[a-c-[b]]", "c", true),
            ("[^a-[b]]", "b", false),
            ("[^a-[b]]", "c", true),
            (r"[\w-.]", "-", true),
            (r"[a\-z]", "m", false),
            (r"[\b]", "\u{8}", true),
            (r"[^\d\s]", "7", false),
            (r"\d", "٣", true),
            (r"\w", "é", true),
            (r"^\W$", "\u{93e}", true),
            (r"\<a\>", "<a>", true),
            (r"\x41\u0042\t\cA", "AB\t\u{1}", true),
            (r"\p{Lu}", "a", false),
            (r"\b10\.3\b", "x 10.3 y", true),
            (r"(\w+)-\1", "ab-ab", true),
            (r"(?<a>\w)(\w)\k<a>\1", "xyxy", true),
            (r"(?i)(a)\1", "aA", true),
            ("(?'n'x)y", "xy", true),
            ("^(?>a+)ab", "aaab", false),
            ("(?<=CN=)[^,]+", "CN=Ops,OU=x", true),
            ("(?<!x)y", "xy", false),
            ("(a)?(?(1)b|c)", "ab", true),
            ("^(?<n>a)?(?(n)b|c)$", "b", false),
            ("a(?#comment)b", "ab", true),
            ("^$", "", true),
            ("XYZ*", "XY", true),
            ("^*a", "a", true),
        ] {
            assert_eq!(matches(source, input), expected, "{source} on {input:?}");
        }
    }

    #[test]
    fn what_dotnet_or_this_engine_does_not_have_is_refused_with_a_reason() {
        for (source, reason) in [
            ("(", "not enough )'s"),
            (r"^.*(\).*$", "not enough )'s"),
            (")", "too many )'s"),
            ("[a", "unterminated [] set"),
            ("*a", "quantifier * following nothing"),
            ("a|*", "quantifier * following nothing"),
            ("a++", "nested quantifier +"),
            ("a{2}{3}", "nested quantifier {3}"),
            ("a{3,2}", "illegal {x,y} with x > y"),
            ("[z-a]", "[x-y] range in reverse order"),
            (r"[a-\d]", "cannot include a class"),
            (r"\y", r"unrecognized escape sequence \y"),
            ("\\", r"illegal \ at the end"),
            (r"\1", "reference to undefined group 1"),
            (r"\k<n>", "reference to undefined group n"),
            (r"(?<a-b>x)", "balancing groups"),
            ("(?n)a", "explicit capture"),
            ("(?P<n>a)", "unrecognized grouping construct"),
            ("(?<1>a)", "explicit number"),
            ("(?<n>a)(?<n>b)", "two groups named n"),
            (r"\p{IsGreek}", "Unicode blocks"),
            (r"\012", "octal"),
            (r"\Ga", r"\G"),
            ("(?(a.)b|c)", "a condition must name a group"),
            (r"(?<n>a)\<n>", "the old back reference"),
            (r"(?<n>a)\'n'", "the old back reference"),
            (r"\xZ1", "insufficient hexadecimal digits"),
            ("[a-z-[b]c]", "a subtraction must be the last"),
        ] {
            let refusal = Pattern::written(&source.into()).expect_err(source);
            assert!(refusal.reason.contains(reason), "{source}: {}", refusal.reason);
        }
    }

    #[test]
    fn replacements_mean_what_they_mean_in_dotnet() {
        for (input, source, replacement, expected) in [
            ("ab cd", r"(\w)(\w)", "$2$1", "ba dc"),
            ("ab cd", r"(?<first>\w)(\w)", "$1|$2|${first}", "b|a|a d|c|c"),
            ("ab", "(a)", "$1_x", "a_xb"),
            ("ab", "(a)", "${1}0", "a0b"),
            ("ab", "(a)", "$10", "$10b"),
            ("ab", "(a)", "$2-$name-${name}-${}-$-$", "$2-$name-${name}-${}-$-$b"),
            ("abc", "b", "[$0$&|$`|$'|$_|$$]", "a[bb|a|c|abc|$]c"),
            ("abc", "(a)|(b)", "<$+>", "<><b>c"),
            ("abc", "b", "$+", "abc"),
            ("abc", "b", r"\$0\1", r"a\b\1c"),
            ("abc", "", "-", "-a-b-c-"),
            ("abc", ".*", "X", "XX"),
            ("baac", "a*", "-", "-b--c-"),
            ("é", "", "-", "-é-"),
            ("a\n", "a$", "b", "b\n"),
            ("aaa", "^a", "b", "baa"),
            ("abc", "z", "$0", "abc"),
        ] {
            assert_eq!(replace(input, source, replacement), expected, "{input:?} {source} {replacement}");
        }
    }

    #[test]
    fn a_computed_pattern_cannot_compile_into_something_large() {
        for source in [
            r"((\w{50}){50}){50}",
            r"\w{5000}",
            "(?:(?:(?=a)b){999}){999}",
            "(?>(?=a)|b){20000000}",
            r"(?<=\w{1,900})\1(a)",
        ] {
            let result = Pattern::computed(&source.into(), &mut budget());
            let Err(Cause::Pattern { reason, .. }) = result else { panic!("{source}: {result:?}") };
            assert!(reason.contains("too large") || reason.contains("repeats"), "{source}: {reason}");
        }
        let deep = format!("{}{}", "(".repeat(1000), ")".repeat(1000));
        assert!(matches!(
            Pattern::computed(&deep.as_str().into(), &mut budget()),
            Err(Cause::Pattern { .. })
        ));
        let long = "a".repeat(PATTERN_OCTETS + 1);
        assert!(matches!(
            Pattern::computed(&long.as_str().into(), &mut budget()),
            Err(Cause::Pattern { .. })
        ));
    }

    #[test]
    fn a_written_pattern_may_be_large() {
        for source in [r"^\w{64}@\w{64}$", "^.{1,2000}$", r"(?<=,OU=[^,]+),DC", r"(?i)^(?!x)\w{1,64}@"] {
            pattern(source);
        }
    }

    #[test]
    fn an_honest_long_value_gets_a_larger_allowance() {
        let value = format!("{}b", "ax".repeat(500));
        assert_eq!(replace(&value, "(?:ax)+(?=b)", ""), "b");
        assert!(matches("a(?!x)|b(?=$)", &value));
    }

    #[test]
    fn work_is_charged_even_if_each_match_is_cheap() {
        let mut small = Budget::new(Limits { steps: 10_000, ..Limits::default() });
        let result = pattern("a").replace(&"a".repeat(20_000), "b", &mut small);
        assert_eq!(result, Err(Cause::LimitExceeded { limit: "steps", allowed: 10_000 }));
        let mut small = Budget::new(Limits { steps: 10_000, ..Limits::default() });
        let backtracking = pattern("a(?=b)");
        let outcome = (0..100).try_for_each(|_| backtracking.is_match("ab", &mut small).map(|_| ()));
        assert_eq!(outcome, Err(Cause::LimitExceeded { limit: "steps", allowed: 10_000 }));
    }

    #[test]
    fn a_replacement_cannot_grow_without_bound() {
        let mut budget = budget();
        let result = pattern("a").replace(&"a".repeat(4_096), "$_", &mut budget);
        assert!(matches!(result, Err(Cause::LimitExceeded { limit: "value_octets", .. })), "{result:?}");
    }
}
