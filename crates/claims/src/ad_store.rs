//! Queries of attribute stores of the Active Directory kind: `filter;attribute,attribute;DOMAIN\user`.
//!
//! The query is cut at its semicolons before the parameters are filled in, and a parameter is escaped where it
//! lands in the filter, so no claim value can change what is asked.

use std::iter::Peekable;
use std::str::CharIndices;

use thiserror::Error;

/// Filters nest this deep.
const DEPTH: usize = 32;

/// A query, ready for the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdQuery {
    /// Which objects: an LDAP filter in the form of RFC 4515, parentheses outside, no blanks between its parts.
    pub filter: String,
    /// Which attributes, one for each column, in order; the same may stand twice. Names such as
    /// `tokenGroups(domainQualifiedName)` are attributes here.
    pub attributes: Vec<String>,
    /// Where to search: the domain part of `DOMAIN\user`.
    pub domain: String,
}

/// A query that is none. AD FS reports it inside POLICY0018, as [`crate::Pending::failed`] does.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum StoreQueryError {
    /// Not three parts.
    #[error(
        "POLICY3824: The Active Directory query '{query}' has {parts} parts; it must have three, separated by \
         semicolons: LDAP filter, attributes, domain\\user."
    )]
    Parts {
        /// The query as the rule has it.
        query: String,
        /// How many parts it has.
        parts: usize,
    },
    /// The third part is not `DOMAIN\user`.
    #[error(
        "POLICY3826: User name '{user}' in LDAP query '{query}' is not in the required 'domain\\user' format."
    )]
    User {
        /// The third part, filled in.
        user: String,
        /// The query as the rule has it.
        query: String,
    },
    /// A placeholder that is malformed, or has no parameter.
    #[error("The query '{query}' has a bad placeholder: {reason}.")]
    Placeholder {
        /// The query as the rule has it.
        query: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The second part holds something else than attribute names.
    #[error("The query '{query}' asks for '{attribute}', which is not the name of an attribute.")]
    Attribute {
        /// The query as the rule has it.
        query: String,
        /// The name, filled in.
        attribute: String,
    },
    /// The first part is not a filter.
    #[error("The filter of the query '{query}' is not an LDAP filter (RFC 4515): {reason}.")]
    Filter {
        /// The query as the rule has it.
        query: String,
        /// What is wrong with it, once the parameters are filled in.
        reason: String,
    },
}

/// Reads a query and fills in its parameters.
///
/// Without a filter `samAccountName={0}` is assumed, where a domain in front of the user name is left out.
///
/// # Errors
///
/// [`StoreQueryError`], with the texts of AD FS.
pub fn parse(query: &str, params: &[String]) -> Result<AdQuery, StoreQueryError> {
    let parts: Vec<&str> = query.split(';').collect();
    let &[filter, attributes, user] = parts.as_slice() else {
        return Err(StoreQueryError::Parts { query: query.to_owned(), parts: parts.len() });
    };
    let fill = |template: &str, value: fn(&str) -> String| {
        format(template, params, value)
            .map_err(|reason| StoreQueryError::Placeholder { query: query.to_owned(), reason })
    };
    let filter = match filter.trim() {
        "" => {
            fill("samAccountName={0}", |name| escape(name.rsplit_once('\\').map_or(name, |(_, user)| user)))?
        }
        filter => fill(filter, escape)?,
    };
    let filter =
        normalize(&filter).map_err(|reason| StoreQueryError::Filter { query: query.to_owned(), reason })?;
    let attributes = fill(attributes, str::to_owned)?;
    let attributes: Vec<String> = attributes.split(',').map(|name| name.trim().to_owned()).collect();
    if let Some(bad) = attributes.iter().find(|name| !is_attribute(name)) {
        return Err(StoreQueryError::Attribute { query: query.to_owned(), attribute: bad.clone() });
    }
    let user = fill(user.trim(), str::to_owned)?;
    match user.split_once('\\') {
        Some((domain, name)) if !domain.is_empty() && !name.is_empty() && !name.contains('\\') => {
            Ok(AdQuery { filter, attributes, domain: domain.to_owned() })
        }
        _ => Err(StoreQueryError::User { user, query: query.to_owned() }),
    }
}

/// Escapes a value for an LDAP filter (RFC 4515, section 3): `* ( ) \` and NUL.
pub fn escape(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for character in value.chars() {
        match character {
            '*' | '(' | ')' | '\\' | '\0' => escaped.push_str(&format!("\\{:02x}", u32::from(character))),
            _ => escaped.push(character),
        }
    }
    escaped
}

/// `String.Format` of .NET with text arguments: `{0}`, `{{`, `}}`. Alignment and format specifiers are refused.
fn format(template: &str, params: &[String], value: fn(&str) -> String) -> Result<String, String> {
    let mut out = String::new();
    let mut characters = template.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '{' if characters.next_if_eq(&'{').is_some() => out.push('{'),
            '}' if characters.next_if_eq(&'}').is_some() => out.push('}'),
            '}' => return Err("a single } stands outside a placeholder; write }}".to_owned()),
            '{' => {
                let mut index = String::new();
                while let Some(digit) = characters.next_if(char::is_ascii_digit) {
                    index.push(digit);
                }
                let number = index.parse::<usize>();
                let (Ok(number), Some('}')) = (number, characters.next()) else {
                    return Err(
                        "a placeholder is a number in braces, such as {0}; a brace alone is written {{"
                            .to_owned(),
                    );
                };
                let param = params
                    .get(number)
                    .ok_or_else(|| format!("{{{number}}} has no param; the rule gives {}", params.len()))?;
                out.push_str(&value(param));
            }
            _ => out.push(character),
        }
    }
    Ok(out)
}

/// An attribute description without options, or one of the product's own with a word in parentheses.
fn is_attribute(name: &str) -> bool {
    let is_word = |word: &str| {
        word.starts_with(|first: char| first.is_ascii_alphanumeric())
            && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'))
    };
    match name.strip_suffix(')').map(|name| name.split_once('(')) {
        None => is_word(name),
        Some(Some((attribute, variant))) => is_word(attribute) && is_word(variant),
        Some(None) => false,
    }
}

/// Checks a filter and writes it with outer parentheses and without blanks between its parts.
fn normalize(filter: &str) -> Result<String, String> {
    let filter = filter.trim();
    let wrapped = if filter.starts_with('(') { filter.to_owned() } else { format!("({filter})") };
    let mut reader = FilterReader { characters: wrapped.char_indices().peekable(), out: String::new() };
    reader.filter(0)?;
    reader.skip_blanks();
    match reader.characters.next() {
        None => Ok(reader.out),
        Some((at, _)) => Err(format!("something follows its last parenthesis, at character {at}")),
    }
}

struct FilterReader<'f> {
    characters: Peekable<CharIndices<'f>>,
    out: String,
}

impl FilterReader<'_> {
    fn filter(&mut self, depth: usize) -> Result<(), String> {
        if depth > DEPTH {
            return Err(format!("it nests deeper than {DEPTH}"));
        }
        self.skip_blanks();
        self.take('(')?;
        self.skip_blanks();
        match self.peek() {
            Some(operator @ ('&' | '|')) => {
                self.take(operator)?;
                self.skip_blanks();
                while self.peek() == Some('(') {
                    self.filter(depth + 1)?;
                    self.skip_blanks();
                }
            }
            Some('!') => {
                self.take('!')?;
                self.filter(depth + 1)?;
                self.skip_blanks();
            }
            _ => self.item()?,
        }
        self.take(')')
    }

    /// `attribute=value`, also with `~=`, `>=`, `<=` and `:rule:=`.
    fn item(&mut self) -> Result<(), String> {
        let start = self.out.len();
        while let Some(part) =
            self.next_if(|part| part.is_ascii_alphanumeric() || matches!(part, '-' | '.' | ':' | '_'))
        {
            self.out.push(part);
        }
        if self.out.len() == start {
            return Err("an attribute is missing".to_owned());
        }
        self.skip_blanks();
        if let Some(operator) = self.next_if(|part| matches!(part, '~' | '<' | '>')) {
            self.out.push(operator);
        }
        self.take('=')?;
        while let Some(part) = self.next_if(|part| !matches!(part, '(' | ')' | '\0')) {
            self.out.push(part);
            if part == '\\' {
                for _ in 0..2 {
                    let digit = self.next_if(|digit| digit.is_ascii_hexdigit());
                    self.out.push(digit.ok_or("a backslash is not followed by two hexadecimal digits")?);
                }
            }
        }
        Ok(())
    }

    fn skip_blanks(&mut self) {
        while self.next_if(|character| character.is_ascii_whitespace()).is_some() {}
    }

    fn take(&mut self, wanted: char) -> Result<(), String> {
        match self.characters.next() {
            Some((_, found)) if found == wanted => {
                self.out.push(found);
                Ok(())
            }
            Some((at, found)) => Err(format!("'{found}' instead of '{wanted}' at character {at}")),
            None => Err(format!("it ends where '{wanted}' must stand")),
        }
    }

    fn peek(&mut self) -> Option<char> {
        self.characters.peek().map(|&(_, character)| character)
    }

    fn next_if(&mut self, wanted: impl Fn(char) -> bool) -> Option<char> {
        self.characters.next_if(|&(_, character)| wanted(character)).map(|(_, character)| character)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(params: &[&str]) -> Vec<String> {
        params.iter().map(|param| (*param).to_owned()).collect()
    }

    fn filter(query: &str, values: &[&str]) -> String {
        parse(query, &params(values)).unwrap_or_else(|error| panic!("{query}: {error}")).filter
    }

    #[test]
    fn without_a_filter_the_account_is_searched() {
        let query = parse(r";mail, title ,mail;{0}", &params(&[r"CONTOSO\joe"])).unwrap();
        assert_eq!(query.filter, "(samAccountName=joe)");
        assert_eq!(query.attributes, ["mail", "title", "mail"]);
        assert_eq!(query.domain, "CONTOSO");
        assert!(matches!(parse(r";mail;CONTOSO\joe", &[]), Err(StoreQueryError::Placeholder { .. })));
    }

    #[test]
    fn a_filter_gets_its_parentheses() {
        assert_eq!(filter(r"samAccountName={0};mail;{1}", &["joe", r"C\joe"]), "(samAccountName=joe)");
        assert_eq!(
            filter(r"( & (mail={0}) (!(title=a b)) );mail;C\any", &["x"]),
            "(&(mail=x)(!(title=a b)))"
        );
        assert_eq!(
            filter(r"(member:1.2.840.113556.1.4.1941:={1});cn;{0}", &[r"C\joe", "CN=Joe,DC=c"]),
            "(member:1.2.840.113556.1.4.1941:=CN=Joe,DC=c)"
        );
        assert_eq!(filter(r"(|(a>=1)(b<=2)(c~=3)(d=*));cn;C\x", &[]), "(|(a>=1)(b<=2)(c~=3)(d=*))");
        assert_eq!(filter(r"(cn={{x}});cn;C\x", &[]), "(cn={x})");
    }

    #[test]
    fn special_attributes_are_names() {
        let query = parse(
            "; tokenGroups(domainQualifiedName),objectGUID,ms-ds-consistencyguid,1.2.3;{0}",
            &params(&[r"C\joe"]),
        );
        assert_eq!(
            query.unwrap().attributes,
            ["tokenGroups(domainQualifiedName)", "objectGUID", "ms-ds-consistencyguid", "1.2.3"]
        );
    }

    #[test]
    fn queries_of_another_form_are_refused_as_ad_fs_does() {
        let joe = params(&[r"CONTOSO\joe"]);
        let text = |query: &str, params: &[String]| parse(query, params).expect_err(query).to_string();
        assert!(text("mail;{0}", &joe).starts_with("POLICY3824"));
        assert!(text(";mail;{0};", &joe).starts_with("POLICY3824"));
        assert_eq!(
            text(";mail;{0}", &params(&["joe@c.com"])),
            r"POLICY3826: User name 'joe@c.com' in LDAP query ';mail;{0}' is not in the required 'domain\user' format."
        );
        for user in [r"\joe", r"C\", r"C\joe\x", "joe", ""] {
            assert!(text(";mail;{0}", &params(&[user])).starts_with("POLICY3826"), "{user}");
        }
        for query in [
            ";mail;{1}",
            ";mail;{",
            ";mail;}",
            ";mail;{x}",
            ";mail;{0,5}",
            ";mail;{0:x}",
            ";mail;{99999999999999999999}",
        ] {
            assert!(matches!(parse(query, &joe), Err(StoreQueryError::Placeholder { .. })), "{query}");
        }
        for attributes in ["", "mail,", "ma il", "mail(", "mail)", "(x)", "*", "{0}"] {
            let query = format!(r";{attributes};{{0}}");
            assert!(matches!(parse(&query, &joe), Err(StoreQueryError::Attribute { .. })), "{query}");
        }
        for filter in [
            "(",
            "()",
            "(cn)",
            "(cn=a",
            "(cn=a))",
            "cn=a)(b=c",
            "(cn=a)(b=c)",
            r"(cn=\5)",
            "(!)",
            "(=a)",
            "(c*n=a)",
        ] {
            let query = format!("{filter};mail;{{0}}");
            assert!(matches!(parse(&query, &joe), Err(StoreQueryError::Filter { .. })), "{query}");
        }
        let deep = format!("{}(a=b){};mail;{{0}}", "(!".repeat(5_000), ")".repeat(5_000));
        assert!(matches!(parse(&deep, &joe), Err(StoreQueryError::Filter { .. })));
    }

    /// Security case 82.
    #[test]
    fn a_claim_value_cannot_change_the_filter() {
        let evil = "*)(objectClass=*))(|(cn=\\\0";
        assert_eq!(
            filter(r"(mail={0});sAMAccountName;CONTOSO\any", &[evil]),
            r"(mail=\2a\29\28objectClass=\2a\29\29\28|\28cn=\5c\00)"
        );
        assert_eq!(filter(";mail;{0}", &[r"CONTOSO\*)(cn=x"]), r"(samAccountName=\2a\29\28cn=x)");
    }

    /// Security case 82: a semicolon in a value makes no part, a brace no placeholder.
    #[test]
    fn a_claim_value_cannot_change_the_parts() {
        let query = parse(r"(mail={0});mail;CONTOSO\any", &params(&["x;secret;EVIL\\y {1} {"])).unwrap();
        assert_eq!(query.filter, r"(mail=x;secret;EVIL\5cy {1} {)");
        assert_eq!((query.attributes, query.domain), (vec!["mail".to_owned()], "CONTOSO".to_owned()));
    }

    /// Security case 82: a value alone is no filter, whatever it says.
    #[test]
    fn a_claim_value_cannot_be_the_filter() {
        let result = parse(r"{0};mail;CONTOSO\any", &params(&["(objectClass=*)"]));
        assert!(matches!(result, Err(StoreQueryError::Filter { .. })), "{result:?}");
    }
}
