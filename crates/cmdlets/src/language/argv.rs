//! Arguments that a Unix shell has split already.

use serde_json::Value;

use crate::bind::{Content, Word};

/// Makes words of the arguments after the command's name. One that begins with a dash and a letter names a
/// parameter, as in PowerShell; a value that begins so is given as `-Name:-value`.
pub fn words_of_arguments(arguments: &[String]) -> Vec<Word> {
    arguments
        .iter()
        .map(|argument| {
            let content = match argument.strip_prefix(['-', '–', '—', '―']) {
                Some(rest) if rest.starts_with(|c: char| c.is_alphabetic() || matches!(c, '_' | '?')) => {
                    let (name, value) = match rest.split_once(':') {
                        Some((name, value)) => (name, Some(Value::String(value.to_owned()))),
                        None => (rest, None),
                    };
                    Content::Parameter { name: name.to_owned(), value }
                }
                _ => Content::Value(Value::String(argument.clone())),
            };
            Word { at: None, content }
        })
        .collect()
}
