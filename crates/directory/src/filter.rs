//! LDAP search filters as text (RFC 4515), with the dialect of Active Directory.
//!
//! Parsed into [`Filter`]; evaluation is two-valued as Active Directory's is for attributes it knows: an
//! assertion about an attribute without values is false, and its negation true.

use crate::DirectoryError;

/// Octets of a filter at most.
const LONGEST: usize = 16 * 1024;
/// Filters within filters at most.
const DEEPEST: usize = 32;
/// Assertions of a filter at most.
const LARGEST: usize = 256;

/// `LDAP_MATCHING_RULE_BIT_AND`.
const BIT_AND: &str = "1.2.840.113556.1.4.803";
/// `LDAP_MATCHING_RULE_BIT_OR`.
const BIT_OR: &str = "1.2.840.113556.1.4.804";
/// `LDAP_MATCHING_RULE_IN_CHAIN`.
const IN_CHAIN: &str = "1.2.840.113556.1.4.1941";

/// A parsed filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Filter {
    /// `(&…)`.
    And(Vec<Filter>),
    /// `(|…)`.
    Or(Vec<Filter>),
    /// `(!…)`.
    Not(Box<Filter>),
    /// `(attribute=value)` and its kin.
    Assertion(Assertion),
}

/// One statement about an attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Assertion {
    /// Name of the attribute, lower case, without options.
    pub(crate) attribute: String,
    /// What is stated.
    pub(crate) test: Test,
}

/// What an assertion states.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Test {
    /// `=*`.
    Present,
    /// `=` and `~=`.
    Equal(Vec<u8>),
    /// `>=`.
    AtLeast(Vec<u8>),
    /// `<=`.
    AtMost(Vec<u8>),
    /// `=initial*any*final`.
    Substrings { initial: Vec<u8>, any: Vec<Vec<u8>>, last: Vec<u8> },
    /// All bits are set.
    BitAnd(i64),
    /// One of the bits is set.
    BitOr(i64),
    /// The distinguished name is reached over any number of memberships.
    InChain(Vec<u8>),
}

impl Filter {
    /// Reads a filter, with or without its outer parentheses.
    pub(crate) fn parse(text: &str) -> Result<Self, DirectoryError> {
        if text.len() > LONGEST {
            return Err(DirectoryError::Query(format!("the LDAP filter is longer than {LONGEST} octets")));
        }
        let mut parser = Parser { text, rest: text.as_bytes(), assertions: 0 };
        parser.skip_blanks();
        let filter = if parser.rest.first() == Some(&b'(') { parser.group(0)? } else { parser.item()? };
        parser.skip_blanks();
        if parser.rest.is_empty() { Ok(filter) } else { Err(parser.error("the end of the filter")) }
    }

    /// All assertions.
    pub(crate) fn assertions(&self) -> Vec<&Assertion> {
        match self {
            Self::And(filters) | Self::Or(filters) => filters.iter().flat_map(Self::assertions).collect(),
            Self::Not(filter) => filter.assertions(),
            Self::Assertion(assertion) => vec![assertion],
        }
    }

    /// Whether `holds` makes the filter true.
    pub(crate) fn evaluate(&self, holds: &dyn Fn(&Assertion) -> bool) -> bool {
        match self {
            Self::And(filters) => filters.iter().all(|filter| filter.evaluate(holds)),
            Self::Or(filters) => filters.iter().any(|filter| filter.evaluate(holds)),
            Self::Not(filter) => !filter.evaluate(holds),
            Self::Assertion(assertion) => holds(assertion),
        }
    }
}

impl Test {
    /// Whether one of an attribute's values is as stated. Texts are compared without regard to case, numbers
    /// by their value.
    pub(crate) fn holds(&self, values: &[String]) -> bool {
        let number = |value: &String| value.parse::<i64>().ok();
        match self {
            Self::Present => !values.is_empty(),
            Self::Equal(wanted) => values.iter().any(|value| same(value, wanted)),
            Self::AtLeast(wanted) => values.iter().any(|value| compare(value, wanted).is_ge()),
            Self::AtMost(wanted) => values.iter().any(|value| compare(value, wanted).is_le()),
            Self::Substrings { initial, any, last } => {
                values.iter().any(|value| has_parts(value, initial, any, last))
            }
            Self::BitAnd(bits) => values.iter().filter_map(number).any(|value| value & bits == *bits),
            Self::BitOr(bits) => values.iter().filter_map(number).any(|value| value & bits != 0),
            Self::InChain(_) => false,
        }
    }
}

fn folded(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).to_lowercase()
}

fn same(value: &str, wanted: &[u8]) -> bool {
    value.as_bytes() == wanted || value.to_lowercase() == folded(wanted)
}

fn compare(value: &str, wanted: &[u8]) -> std::cmp::Ordering {
    let wanted = folded(wanted);
    match (value.parse::<i64>(), wanted.parse::<i64>()) {
        (Ok(value), Ok(wanted)) => value.cmp(&wanted),
        _ => value.to_lowercase().cmp(&wanted),
    }
}

fn has_parts(value: &str, initial: &[u8], any: &[Vec<u8>], last: &[u8]) -> bool {
    let value = value.to_lowercase();
    let Some(mut rest) = value.strip_prefix(folded(initial).as_str()) else { return false };
    for part in any {
        match rest.split_once(folded(part).as_str()) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(folded(last).as_str())
}

struct Parser<'a> {
    text: &'a str,
    rest: &'a [u8],
    assertions: usize,
}

impl Parser<'_> {
    fn error(&self, expected: &str) -> DirectoryError {
        let place = self.text.len().saturating_sub(self.rest.len());
        let shown: String = self.text.chars().take(200).collect();
        DirectoryError::Query(format!(
            "the LDAP filter '{shown}' is not valid at octet {place}; expected {expected}"
        ))
    }

    fn skip_blanks(&mut self) {
        self.rest = self.rest.trim_ascii_start();
    }

    fn take(&mut self, octet: u8, expected: &str) -> Result<(), DirectoryError> {
        match self.rest.split_first() {
            Some((first, rest)) if *first == octet => {
                self.rest = rest;
                Ok(())
            }
            _ => Err(self.error(expected)),
        }
    }

    /// A filter in parentheses.
    fn group(&mut self, depth: usize) -> Result<Filter, DirectoryError> {
        if depth >= DEEPEST {
            return Err(DirectoryError::Query(format!("the LDAP filter is nested deeper than {DEEPEST}")));
        }
        self.take(b'(', "'('")?;
        self.skip_blanks();
        let filter = match self.rest.split_first() {
            Some((b'&', rest)) => {
                self.rest = rest;
                Filter::And(self.list(depth)?)
            }
            Some((b'|', rest)) => {
                self.rest = rest;
                Filter::Or(self.list(depth)?)
            }
            Some((b'!', rest)) => {
                self.rest = rest;
                self.skip_blanks();
                Filter::Not(Box::new(self.group(depth.saturating_add(1))?))
            }
            Some((b'(', _)) => self.group(depth.saturating_add(1))?,
            _ => self.item()?,
        };
        self.skip_blanks();
        self.take(b')', "')'")?;
        Ok(filter)
    }

    fn list(&mut self, depth: usize) -> Result<Vec<Filter>, DirectoryError> {
        let mut filters = Vec::new();
        self.skip_blanks();
        while self.rest.first() == Some(&b'(') {
            filters.push(self.group(depth.saturating_add(1))?);
            self.skip_blanks();
        }
        if filters.is_empty() { Err(self.error("'('")) } else { Ok(filters) }
    }

    fn item(&mut self) -> Result<Filter, DirectoryError> {
        self.assertions = self.assertions.saturating_add(1);
        if self.assertions > LARGEST {
            return Err(DirectoryError::Query(format!("the LDAP filter has more than {LARGEST} assertions")));
        }
        let is_name =
            |octet: &u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'.' | b';' | b'_');
        let length = self.rest.iter().take_while(|octet| is_name(octet)).count();
        let (name, rest) = self.rest.split_at(length);
        let name = String::from_utf8_lossy(name).to_lowercase();
        let attribute = name.split(';').next().unwrap_or_default().to_owned();
        if attribute.is_empty() {
            return Err(self.error("the name of an attribute"));
        }
        self.rest = rest.trim_ascii_start();
        let (operator, rest) = match self.rest {
            [b'=', rest @ ..] => (b'=', rest),
            [b'~', b'=', rest @ ..] => (b'~', rest),
            [b'>', b'=', rest @ ..] => (b'>', rest),
            [b'<', b'=', rest @ ..] => (b'<', rest),
            [b':', ..] => (b':', self.rest),
            _ => return Err(self.error("one of '=', '~=', '>=', '<=', ':='")),
        };
        self.rest = rest;
        let test = match operator {
            b'=' => self.equality()?,
            b'~' => Test::Equal(self.value()?),
            b'>' => Test::AtLeast(self.value()?),
            b'<' => Test::AtMost(self.value()?),
            _ => self.extensible()?,
        };
        Ok(Filter::Assertion(Assertion { attribute, test }))
    }

    /// After `=`: a value, `*`, or parts of a value with `*` between.
    fn equality(&mut self) -> Result<Test, DirectoryError> {
        let mut parts = vec![self.value()?];
        while let Some((b'*', rest)) = self.rest.split_first() {
            self.rest = rest;
            parts.push(self.value()?);
        }
        let last = parts.pop().unwrap_or_default();
        if parts.is_empty() {
            return Ok(Test::Equal(last));
        }
        let initial = parts.remove(0);
        let any: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        if initial.is_empty() && any.is_empty() && last.is_empty() {
            return Ok(Test::Present);
        }
        Ok(Test::Substrings { initial, any, last })
    }

    /// `:dn:rule:=value`, all before `:=` optional.
    fn extensible(&mut self) -> Result<Test, DirectoryError> {
        let length = self.rest.windows(2).position(|pair| pair == b":=");
        let Some(length) = length else { return Err(self.error("':='")) };
        let (rule, rest) = self.rest.split_at(length);
        let rule = String::from_utf8_lossy(rule).to_lowercase();
        let rule = rule.strip_prefix(":dn").unwrap_or(&rule);
        let rule = rule.strip_prefix(':').unwrap_or(rule);
        self.rest = rest.strip_prefix(b":=").unwrap_or_default();
        let value = self.value()?;
        let bits = || {
            let text = String::from_utf8_lossy(&value);
            text.trim().parse().map_err(|_| {
                DirectoryError::Query(format!("'{text}' is no number, as the matching rule {rule} needs it"))
            })
        };
        match rule {
            "" => Ok(Test::Equal(value)),
            BIT_AND => Ok(Test::BitAnd(bits()?)),
            BIT_OR => Ok(Test::BitOr(bits()?)),
            IN_CHAIN => Ok(Test::InChain(value)),
            _ => Err(DirectoryError::Query(format!(
                "the matching rule '{rule}' is not supported; use {BIT_AND}, {BIT_OR} or {IN_CHAIN}"
            ))),
        }
    }

    /// An assertion value up to `)`, `*` or the end, with `\xx` resolved.
    fn value(&mut self) -> Result<Vec<u8>, DirectoryError> {
        let mut value = Vec::new();
        loop {
            match self.rest {
                [] | [b')' | b'*', ..] => return Ok(value),
                [b'\\', high, low, rest @ ..] => {
                    let digit = |octet: &u8| char::from(*octet).to_digit(16);
                    let (Some(high), Some(low)) = (digit(high), digit(low)) else {
                        return Err(self.error("two hexadecimal digits after '\\'"));
                    };
                    value.push(u8::try_from(high * 16 + low).unwrap_or_default());
                    self.rest = rest;
                }
                [b'\\' | b'(' | 0, ..] => {
                    return Err(self.error("a value with '\\', '(' and NUL as \\5c, \\28 and \\00"));
                }
                [octet, rest @ ..] => {
                    value.push(*octet);
                    self.rest = rest;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    /// Whether `filter` holds for an object with mail, title, cn, uac and two proxy addresses.
    fn holds(filter: &str) -> bool {
        let object = |attribute: &str| match attribute {
            "mail" => values(&["Joe@C.com"]),
            "cn" => values(&["Joe (Ops) * \\ 関所"]),
            "useraccountcontrol" => values(&["514"]),
            "proxyaddresses" => values(&["SMTP:joe@c.com", "smtp:j@c.com"]),
            _ => vec![],
        };
        Filter::parse(filter)
            .unwrap()
            .evaluate(&|assertion| assertion.test.holds(&object(&assertion.attribute)))
    }

    #[test]
    fn filters_select_as_rfc_4515_and_active_directory_say() {
        for (filter, expected) in [
            ("mail=joe@c.com", true),
            ("(MAIL=JOE@C.COM)", true),
            ("((mail=joe@c.com))", true),
            (" ( & ( mail=joe@c.com ) (cn=*) ) ", false),
            ("(&(mail=joe@c.com)(cn=*))", true),
            ("(&(mail=joe@c.com)(title=x))", false),
            ("(|(title=x)(mail~=joe@c.com))", true),
            ("(!(title=x))", true),
            ("(!(mail=*))", false),
            ("(title=*)", false),
            ("(cn=joe \\28ops\\29 \\2a \\5c 関所)", true),
            ("(cn=joe*関所)", true),
            ("(cn=*ops*\\2a*)", true),
            ("(cn=*関所*ops*)", false),
            ("(cn=joe*joe)", false),
            ("(proxyAddresses=smtp:j@c.com)", true),
            ("(proxyAddresses=SMTP:J*)", true),
            ("(userAccountControl:1.2.840.113556.1.4.803:=2)", true),
            ("(userAccountControl:1.2.840.113556.1.4.803:=3)", false),
            ("(userAccountControl:1.2.840.113556.1.4.804:=3)", true),
            ("(!(userAccountControl:1.2.840.113556.1.4.803:=2))", false),
            ("(userAccountControl>=512)", true),
            ("(userAccountControl<=99)", false),
            ("(mail:=joe@c.com)", true),
            ("(mail;binary=joe@c.com)", true),
        ] {
            assert_eq!(holds(filter), expected, "{filter}");
        }
    }

    #[test]
    fn what_is_no_filter_is_refused_with_its_place() {
        for filter in [
            "",
            "(",
            ")",
            "()",
            "(mail)",
            "(mail=a",
            "mail=a)",
            "(&)",
            "(=a)",
            "(mail=a)(cn=b)",
            "(mail=\\)",
            "(mail=\\zz)",
            "(mail=(a))",
            "(mail=a\0b)",
            "(mail:1.2.3:=a)",
            "(userAccountControl:1.2.840.113556.1.4.803:=two)",
            "(!mail=a)",
            "(mail:dn)",
        ] {
            assert!(matches!(Filter::parse(filter), Err(DirectoryError::Query(_))), "{filter}");
        }
        let error = Filter::parse("(&(mail=a)x)").unwrap_err().to_string();
        assert!(error.contains("octet 10"), "{error}");
    }

    #[test]
    fn depth_size_and_length_are_bounded() {
        for filter in [
            format!("{}mail=a{}", "(!".repeat(10_000), ")".repeat(10_000)),
            format!("(&{})", "(a=b)".repeat(1_000)),
            format!("(mail={})", "a".repeat(100_000)),
        ] {
            assert!(Filter::parse(&filter).is_err());
        }
    }

    #[test]
    fn an_escaped_value_cannot_leave_its_place() {
        for value in ["*", "a)(cn=*", "\\", "joe", "\0", "関所"] {
            let filter =
                Filter::parse(&format!("(&(mail={})(cn=x))", claims::ad_store::escape(value))).unwrap();
            let Filter::And(filters) = filter else { panic!() };
            let wanted = Test::Equal(value.as_bytes().to_vec());
            assert_eq!(filters[0], Filter::Assertion(Assertion { attribute: "mail".into(), test: wanted }));
            assert_eq!(filters.len(), 2);
        }
    }
}
