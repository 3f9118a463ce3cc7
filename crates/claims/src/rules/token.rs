//! Words of the rule language.

use std::ops::Range;

use logos::Logos;

/// A token. Keywords are identifiers that the parser recognises by their place.
#[derive(Logos, Debug, Clone, Copy, PartialEq, Eq)]
#[logos(skip "[ \t\r\n\u{A0}\u{FEFF}]+")]
pub(crate) enum Token {
    #[token("=>")]
    Imply,
    #[token(";")]
    Semicolon,
    #[token(":")]
    Colon,
    #[token(",")]
    Comma,
    #[token(".")]
    Dot,
    #[token("[")]
    OpenBracket,
    #[token("]")]
    CloseBracket,
    #[token("(")]
    OpenParenthesis,
    #[token(")")]
    CloseParenthesis,
    #[token("==")]
    Equal,
    #[token("!=")]
    NotEqual,
    #[token("=~")]
    Match,
    #[token("!~")]
    NotMatch,
    #[token("<=")]
    LessOrEqual,
    #[token(">=")]
    GreaterOrEqual,
    #[token("<")]
    Less,
    #[token(">")]
    Greater,
    #[token("=")]
    Assign,
    #[token("&&")]
    And,
    #[token("+")]
    Plus,
    #[token("@")]
    At,
    #[regex("[0-9]+")]
    Number,
    #[regex("\"[^\"\r\n]*\"")]
    String,
    #[regex("[_A-Za-z][_A-Za-z0-9]*")]
    Identifier,
    /// One character that begins none of the others, such as a quote that its line does not close.
    #[regex("[^ \t\r\n\u{A0}\u{FEFF}]", priority = 0)]
    Unexpected,
    /// Behind the last token.
    End,
}

/// The tokens of `text` with their places in octets.
pub(crate) fn tokens(text: &str) -> Vec<(Token, Range<usize>)> {
    Token::lexer(text).spanned().map(|(token, span)| (token.unwrap_or(Token::Unexpected), span)).collect()
}
