//! The replacement text of `RegExReplace`, as .NET reads it.
//!
//! `$1 ${1} ${name} $0 $& $` $' $+ $_ $$`; a dollar that begins none of these is an ordinary character, and so
//! is a reference to a group that the pattern does not have. A backslash is an ordinary character.

use super::translate::Groups;

/// One part of a replacement text.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub(super) enum Part<'r> {
    Text(&'r str),
    /// A group, by the engine's index; 0 is the whole match.
    Group(usize),
    /// What stands before the match.
    Before,
    /// What stands after the match.
    After,
    /// The whole input.
    Input,
}

/// Reads a replacement text for a pattern with these groups.
pub(super) fn parse<'r>(replacement: &'r str, groups: &Groups) -> Vec<Part<'r>> {
    let mut parts = Vec::new();
    let mut rest = replacement;
    while let Some((text, after)) = rest.split_once('$') {
        if !text.is_empty() {
            parts.push(Part::Text(text));
        }
        match token(after, groups) {
            Some((part, remainder)) => {
                parts.push(part);
                rest = remainder;
            }
            None => {
                parts.push(Part::Text("$"));
                rest = after;
            }
        }
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest));
    }
    parts
}

/// The token after a dollar, and what follows it.
fn token<'r>(after: &'r str, groups: &Groups) -> Option<(Part<'r>, &'r str)> {
    let first = after.chars().next()?;
    let rest = after.get(first.len_utf8()..)?;
    match first {
        '$' => Some((Part::Text("$"), rest)),
        '&' => Some((Part::Group(0), rest)),
        '`' => Some((Part::Before, rest)),
        '\'' => Some((Part::After, rest)),
        '+' => Some((Part::Group(groups.last()), rest)),
        '_' => Some((Part::Input, rest)),
        '{' => {
            let (name, rest) = rest.split_once('}')?;
            let group = match name.bytes().all(|byte| byte.is_ascii_digit()) {
                true => groups.number(name.parse().ok()?),
                false => groups.name(name),
            };
            Some((Part::Group(group?), rest))
        }
        '0'..='9' => {
            let end = after.find(|character: char| !character.is_ascii_digit()).unwrap_or(after.len());
            let number = after.get(..end)?.parse().ok()?;
            Some((Part::Group(groups.number(number)?), after.get(end..)?))
        }
        _ => None,
    }
}
