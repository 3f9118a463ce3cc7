//! Thumbprints: made, and read as people paste them.

use std::fmt::Write;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};

/// SHA-1 of a certificate's DER, upper-case hexadecimal: a name, not a protection.
pub fn thumbprint(der: &[u8]) -> String {
    digest(&SHA1_FOR_LEGACY_USE_ONLY, der).as_ref().iter().fold(
        String::with_capacity(40),
        |mut hex, octet| {
            // Writing to a string does not fail.
            let _ = write!(hex, "{octet:02X}");
            hex
        },
    )
}

/// What is pasted beside the digits: separators, and the marks that the Windows certificate dialog puts before
/// the first digit, which no screen shows.
fn is_ignored(c: char) -> bool {
    c.is_whitespace()
        || matches!(c, ':' | '-' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{feff}')
}

/// The text is not a thumbprint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ThumbprintError {
    /// It has another length.
    #[error(
        "'{text}' is not a thumbprint: it has {digits} hexadecimal digits, and a thumbprint (SHA-1) has 40{hint}"
    )]
    Length {
        /// The text, cut short.
        text: String,
        /// Digits found.
        digits: usize,
        /// What it may be instead.
        hint: &'static str,
    },
    /// It has a character that is no hexadecimal digit.
    #[error(
        "'{text}' is not a thumbprint: its character {position} is '{}' (U+{:04X}); expected 40 hexadecimal digits, with or without spaces and colons",
        .character.escape_default(), u32::from(*.character)
    )]
    Character {
        /// The text, cut short.
        text: String,
        /// Which one, counted from 1.
        position: usize,
        /// The character.
        character: char,
    },
}

/// Reads a thumbprint with or without spaces, colons and invisible marks, in either case; gives the 40
/// upper-case digits by which certificates are stored.
pub fn parse_thumbprint(text: &str) -> Result<String, ThumbprintError> {
    let shown = || text.chars().filter(|c| !c.is_control()).take(100).collect::<String>();
    let mut digits = String::with_capacity(40);
    let mut count = 0_usize;
    for (position, character) in (1..).zip(text.chars()) {
        if is_ignored(character) {
            continue;
        }
        if !character.is_ascii_hexdigit() {
            return Err(ThumbprintError::Character { text: shown(), position, character });
        }
        count = count.saturating_add(1);
        if count <= 40 {
            digits.push(character.to_ascii_uppercase());
        }
    }
    let hint = match count {
        40 => return Ok(digits),
        64 => "; this looks like a SHA-256 fingerprint",
        _ => "",
    };
    Err(ThumbprintError::Length { text: shown(), digits: count, hint })
}

#[cfg(test)]
mod tests {
    use super::*;

    const THUMBPRINT: &str = "A94A8FE5CCB19BA61C4C0873D391E987982FBBD3";

    #[test]
    fn every_spelling_of_dialogs_and_tools_is_read() {
        for text in [
            THUMBPRINT,
            "a94a8fe5ccb19ba61c4c0873d391e987982fbbd3",
            "a9 4a 8f e5 cc b1 9b a6 1c 4c 08 73 d3 91 e9 87 98 2f bb d3",
            "A9:4A:8F:E5:CC:B1:9B:A6:1C:4C:08:73:D3:91:E9:87:98:2F:BB:D3",
            " \u{a0}A94A8FE5CCB19BA61C4C0873D391E987982FBBD3\r\n",
        ] {
            assert_eq!(parse_thumbprint(text).as_deref(), Ok(THUMBPRINT), "{text}");
        }
    }

    #[test]
    fn the_invisible_mark_of_the_windows_dialog_is_no_part_of_it() {
        for mark in ['\u{200e}', '\u{200f}', '\u{feff}', '\u{200b}', '\u{202a}'] {
            assert_eq!(parse_thumbprint(&format!("{mark}{THUMBPRINT}")).as_deref(), Ok(THUMBPRINT));
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        let error = |text: &str| parse_thumbprint(text).unwrap_err().to_string();
        assert!(error("").contains("it has 0 hexadecimal digits"), "{}", error(""));
        assert!(error(&THUMBPRINT[1..]).contains("it has 39"));
        assert!(error(&"0".repeat(64)).contains("SHA-256"));
        let letter_o = THUMBPRINT.replace('0', "O");
        assert!(error(&letter_o).contains("character 23 is 'O' (U+004F)"), "{}", error(&letter_o));
        assert!(error("fs.contoso.com").contains("character 2 is 's'"));
        assert!(error(&"x".repeat(1_000_000)).len() < 400);
        assert!(error(&"0".repeat(1_000_000)).contains("1000000 hexadecimal"));
    }
}
