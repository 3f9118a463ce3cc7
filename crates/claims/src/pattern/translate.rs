//! From a .NET pattern to the syntax of the engine.
//!
//! Every construct is read as .NET reads it and written out in a form that cannot mean anything else to the
//! engine: literal characters as code points, case-insensitivity on each atom, options resolved here. What has
//! no equivalent is refused with a reason, so a rule is never saved that would match something else than before.

mod class;

use super::Refusal;

/// Groups may nest this deep; the engine and this reader descend as deep as the pattern does.
const DEPTH: usize = 48;

/// How many things a pattern that backtracks may repeat by count: the engine does not count these rounds.
const REPEATED: usize = 4_096;

/// `\w` of .NET: letters, nonspacing marks, decimal digits, connectors.
const WORD: &str = r"\p{L}\p{Mn}\p{Nd}\p{Pc}";

/// The general categories .NET and the engine both know by these names.
const CATEGORIES: &[&str] = &[
    "L", "Lu", "Ll", "Lt", "Lm", "Lo", "M", "Mn", "Mc", "Me", "N", "Nd", "Nl", "No", "P", "Pc", "Pd", "Ps",
    "Pe", "Pi", "Pf", "Po", "S", "Sm", "Sc", "Sk", "So", "Z", "Zs", "Zl", "Zp", "C", "Cc", "Cf", "Co", "Cn",
];

/// A pattern in the engine's syntax.
#[derive(Debug)]
pub(super) struct Translated {
    /// With `$` and `\Z` as the end of the input: right for every input that does not end in a line feed.
    pub(super) at_end: String,
    /// With `$` and `\Z` as .NET has them, before a final line feed too. `None` when the pattern has neither.
    pub(super) before_line_feed: Option<String>,
    /// How .NET numbers and names the groups.
    pub(super) groups: Groups,
    /// Whether the engine must backtrack: look-around, back-reference, atomic group or conditional.
    pub(super) backtracks: bool,
    /// How many more things the pattern is made of when its counted repetitions are written out.
    pub(super) repeated: usize,
}

/// The groups of a pattern: .NET numbers the unnamed ones first, then the named ones; the engine counts
/// opening parentheses from the left.
#[derive(Debug, Default)]
pub(super) struct Groups {
    /// The engine's index of each .NET number; number 0 is the whole match.
    numbers: Vec<usize>,
    /// Names with the engine's index.
    names: Vec<(String, usize)>,
}

impl Groups {
    /// The engine's index of a .NET group number.
    pub(super) fn number(&self, number: usize) -> Option<usize> {
        self.numbers.get(number).copied()
    }

    /// The engine's index of a name, compared case-sensitively.
    pub(super) fn name(&self, name: &str) -> Option<usize> {
        self.names.iter().find(|(known, _)| known == name).map(|&(_, index)| index)
    }

    /// The engine's index of the group with the highest .NET number; 0 when there is none.
    pub(super) fn last(&self) -> usize {
        self.numbers.last().copied().unwrap_or(0)
    }

    fn resolve(&self, reference: &str) -> Option<usize> {
        match reference.parse() {
            Ok(number) => self.number(number),
            Err(_) => self.name(reference),
        }
    }
}

/// Translates `pattern`, which the caller has bounded in length.
pub(super) fn translate(pattern: &str) -> Result<Translated, Refusal> {
    let mut translator = Translator::new(pattern);
    translator.alternatives()?;
    translator.finish()
}

/// One stretch of output. What depends on the whole pattern stays symbolic until the end.
enum Piece {
    Text(String),
    End,
    Reference { group: String, ignore_case: bool },
    Condition { group: String },
}

#[derive(Clone, Copy, Default)]
struct Options {
    ignore_case: bool,
    multi_line: bool,
    dot_all: bool,
    ignore_whitespace: bool,
}

/// What a quantifier would apply to.
#[derive(Clone, Copy, PartialEq)]
enum Last {
    Nothing,
    Atom,
    Quantifier,
}

struct Translator {
    characters: Vec<char>,
    at: usize,
    pieces: Vec<Piece>,
    options: Options,
    /// The options outside each open group, and the size of what stands before it there.
    open: Vec<(Options, usize)>,
    last: Last,
    /// The size of the last thing, with its repetitions written out.
    last_size: usize,
    /// The size of what stands before the last thing in the group that is being read.
    size: usize,
    /// The number of things without repetitions.
    things: usize,
    captures: usize,
    unnamed: Vec<usize>,
    named: Vec<(String, usize)>,
    backtracks: bool,
}

impl Translator {
    fn new(pattern: &str) -> Self {
        Self {
            characters: pattern.chars().collect(),
            at: 0,
            pieces: Vec::new(),
            options: Options::default(),
            open: Vec::new(),
            last: Last::Nothing,
            last_size: 0,
            size: 0,
            things: 0,
            captures: 0,
            unnamed: Vec::new(),
            named: Vec::new(),
            backtracks: false,
        }
    }

    fn alternatives(&mut self) -> Result<(), Refusal> {
        while let Some(character) = self.next() {
            match character {
                '\\' => self.escape()?,
                '[' => {
                    let class = self.class(0)?;
                    self.atom(&class);
                }
                '(' => self.open_group()?,
                ')' => self.close_group()?,
                '|' => {
                    self.text("|");
                    self.last = Last::Nothing;
                }
                '.' if self.options.dot_all => self.atom("(?s:.)"),
                '.' => self.atom(r"[^\n]"),
                '^' if self.options.multi_line => self.atom("(?m:^)"),
                '^' => self.atom(r"(?:\A)"),
                '$' if self.options.multi_line => self.atom("(?m:$)"),
                '$' => self.end(),
                '*' | '+' | '?' => self.quantifier(&character.to_string(), 1)?,
                '{' => match self.counted()? {
                    Some((quantifier, times)) => self.quantifier(&quantifier, times)?,
                    None => self.literal('{'),
                },
                '#' if self.options.ignore_whitespace => {
                    while self.next().is_some_and(|character| character != '\n') {}
                }
                _ if self.options.ignore_whitespace && character.is_whitespace() => {}
                _ => self.literal(character),
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<Translated, Refusal> {
        if !self.open.is_empty() {
            return Err(self.refuse("not enough )'s"));
        }
        let repeated = self.size.saturating_add(self.last_size).saturating_sub(self.things);
        if self.backtracks && repeated > REPEATED {
            return Err(self.refuse(format!("it repeats {repeated} things by count, {REPEATED} are allowed")));
        }
        let mut numbers = vec![0];
        numbers.extend(&self.unnamed);
        numbers.extend(self.named.iter().map(|&(_, index)| index));
        let groups = Groups { numbers, names: self.named };
        let at_end = write(&self.pieces, &groups, r"(?:\z)")?;
        let has_end = self.pieces.iter().any(|piece| matches!(piece, Piece::End));
        let before_line_feed = has_end.then(|| write(&self.pieces, &groups, r"(?:(?=\n?\z))")).transpose()?;
        Ok(Translated { at_end, before_line_feed, groups, backtracks: self.backtracks, repeated })
    }

    fn escape(&mut self) -> Result<(), Refusal> {
        let character = self.next().ok_or_else(|| self.refuse(r"illegal \ at the end of the pattern"))?;
        match character {
            'A' => self.atom(r"(?:\A)"),
            'z' => self.atom(r"(?:\z)"),
            'Z' => self.end(),
            'b' => self.atom(r"(?:\b)"),
            'B' => self.atom(r"(?:\B)"),
            'G' => return Err(self.refuse(r"\G (continue at the previous match) is not supported")),
            'k' => {
                let group = match self.next() {
                    Some('<') => self.name('>')?,
                    Some('\'') => self.name('\'')?,
                    _ => return Err(self.refuse(r"malformed \k<...> named back reference")),
                };
                self.reference(group);
            }
            '1'..='9' => {
                let mut group = String::from(character);
                while let Some(digit) = self.next_if(|character| character.is_ascii_digit()) {
                    group.push(digit);
                }
                self.reference(group);
            }
            '<' | '\'' if self.names_group(if character == '<' { '>' } else { '\'' }) => {
                return Err(self.refuse(r"the old back reference \<name> is not supported; write \k<name>"));
            }
            _ => match self.set_escape(character)? {
                Some(set) => self.atom(&set),
                None => {
                    let literal = self.character_escape(character)?;
                    self.literal(literal);
                }
            },
        }
        Ok(())
    }

    /// Whether a group name and `close` follow.
    fn names_group(&self, close: char) -> bool {
        let rest = self.characters.get(self.at..).unwrap_or_default();
        let length =
            rest.iter().take_while(|character| character.is_alphanumeric() || **character == '_').count();
        length > 0 && rest.get(length) == Some(&close)
    }

    /// `\d \w \s \p{..}` and their negations, in the engine's syntax, valid inside and outside a class.
    fn set_escape(&mut self, character: char) -> Result<Option<String>, Refusal> {
        Ok(Some(match character {
            'd' => r"\p{Nd}".to_owned(),
            'D' => r"\P{Nd}".to_owned(),
            'w' => format!("[{WORD}]"),
            'W' => format!("[^{WORD}]"),
            's' => r"\s".to_owned(),
            'S' => r"\S".to_owned(),
            'p' | 'P' => {
                if self.next() != Some('{') {
                    return Err(self.refuse(r"malformed \p{X} character escape"));
                }
                let mut category = String::new();
                while let Some(part) = self.next_if(|character| character != '}') {
                    category.push(part);
                }
                if !CATEGORIES.contains(&category.as_str()) {
                    let reason = format!(
                        r"\p{{{category}}} is not a general category; Unicode blocks (\p{{Is...}}) are not supported"
                    );
                    return Err(self.refuse(reason));
                }
                self.at += 1;
                format!(r"\{character}{{{category}}}")
            }
            _ => return Ok(None),
        }))
    }

    /// An escape that stands for one character, inside and outside a class.
    fn character_escape(&mut self, character: char) -> Result<char, Refusal> {
        Ok(match character {
            'a' => '\u{7}',
            'e' => '\u{1b}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\u{b}',
            'x' => self.hexadecimal(2)?,
            'u' => self.hexadecimal(4)?,
            'c' => match self.next().map(|control| control.to_ascii_uppercase()) {
                Some(control @ '@'..='_') => char::from(u8::try_from(control).unwrap_or(b'@') & 0x1f),
                _ => return Err(self.refuse("unrecognized control character")),
            },
            '0' if !self.peek().is_some_and(|digit| digit.is_ascii_digit()) => '\0',
            '0'..='9' => return Err(self.refuse(r"octal escapes are not supported; write \xHH")),
            _ if character.is_alphanumeric() || character == '_' => {
                return Err(self.refuse(format!(r"unrecognized escape sequence \{character}")));
            }
            _ => character,
        })
    }

    fn hexadecimal(&mut self, digits: usize) -> Result<char, Refusal> {
        let mut value = 0;
        for _ in 0..digits {
            let digit = self.next().and_then(|digit| digit.to_digit(16));
            value = value * 16 + digit.ok_or_else(|| self.refuse("insufficient hexadecimal digits"))?;
        }
        char::from_u32(value).ok_or_else(|| self.refuse(r"\u escapes of surrogates are not supported"))
    }

    fn open_group(&mut self) -> Result<(), Refusal> {
        if self.open.len() >= DEPTH {
            return Err(self.refuse(format!("groups nest deeper than {DEPTH}")));
        }
        if self.next_if(|character| character == '?').is_none() {
            self.captures += 1;
            self.unnamed.push(self.captures);
            return self.enter("(");
        }
        match self.next() {
            Some(':') => self.enter("(?:"),
            Some('=') => self.enter_fancy("(?="),
            Some('!') => self.enter_fancy("(?!"),
            Some('>') => self.enter_fancy("(?>"),
            Some('#') => loop {
                match self.next() {
                    Some(')') => return Ok(()),
                    Some(_) => {}
                    None => return Err(self.refuse("unterminated (?#...) comment")),
                }
            },
            Some('<') => match self.peek() {
                Some('=') => {
                    self.at += 1;
                    self.enter_fancy("(?<=")
                }
                Some('!') => {
                    self.at += 1;
                    self.enter_fancy("(?<!")
                }
                _ => self.open_named('>'),
            },
            Some('\'') => self.open_named('\''),
            Some('(') => {
                let mut group = String::new();
                while let Some(part) = self.next_if(|character| character != ')') {
                    group.push(part);
                }
                self.at += 1;
                self.pieces.push(Piece::Condition { group });
                self.enter_fancy("")
            }
            Some(first) => self.change_options(first),
            None => Err(self.refuse("unrecognized grouping construct")),
        }
    }

    fn open_named(&mut self, close: char) -> Result<(), Refusal> {
        let name = self.name(close)?;
        if name.starts_with(|first: char| first.is_ascii_digit()) {
            return Err(self.refuse("groups with an explicit number are not supported; name the group"));
        }
        if self.named.iter().any(|(known, _)| *known == name) {
            return Err(self.refuse(format!("two groups named {name} are not supported")));
        }
        self.captures += 1;
        self.named.push((name, self.captures));
        self.enter("(")
    }

    /// A group name up to `close`.
    fn name(&mut self, close: char) -> Result<String, Refusal> {
        let mut name = String::new();
        while let Some(part) = self.next_if(|character| character.is_alphanumeric() || character == '_') {
            name.push(part);
        }
        match self.next() {
            Some(end) if end == close && !name.is_empty() => Ok(name),
            Some('-') => Err(self.refuse("balancing groups (?<a-b>...) are not supported")),
            _ => Err(self.refuse("invalid group name: group names must begin with a word character")),
        }
    }

    /// `(?imsx-imsx)` for the rest of the enclosing group, or `(?imsx-imsx:` for a group of its own.
    fn change_options(&mut self, first: char) -> Result<(), Refusal> {
        let mut options = self.options;
        let mut on = true;
        let mut flag = Some(first);
        loop {
            match flag {
                Some('i') => options.ignore_case = on,
                Some('m') => options.multi_line = on,
                Some('s') => options.dot_all = on,
                Some('x') => options.ignore_whitespace = on,
                Some('n') => return Err(self.refuse("the option n (explicit capture) is not supported")),
                Some('+') => on = true,
                Some('-') => on = false,
                Some(')') => {
                    self.options = options;
                    self.last = Last::Nothing;
                    return Ok(());
                }
                Some(':') => {
                    self.enter("(?:")?;
                    self.options = options;
                    return Ok(());
                }
                _ => return Err(self.refuse("unrecognized grouping construct")),
            }
            flag = self.next();
        }
    }

    fn enter_fancy(&mut self, opening: &str) -> Result<(), Refusal> {
        self.backtracks = true;
        self.enter(opening)
    }

    fn enter(&mut self, opening: &str) -> Result<(), Refusal> {
        self.text(opening);
        self.open.push((self.options, self.size.saturating_add(self.last_size)));
        self.size = 0;
        self.last_size = 0;
        self.last = Last::Nothing;
        Ok(())
    }

    fn close_group(&mut self) -> Result<(), Refusal> {
        let (options, before) = self.open.pop().ok_or_else(|| self.refuse("too many )'s"))?;
        self.options = options;
        self.text(")");
        let inside = self.size.saturating_add(self.last_size);
        self.size = before;
        self.last_size = inside.saturating_add(1);
        self.things += 1;
        self.last = Last::Atom;
        Ok(())
    }

    /// The rest of `{n}`, `{n,}` or `{n,m}` with how often it repeats; anything else after a brace is literal
    /// text in .NET.
    fn counted(&mut self) -> Result<Option<(String, usize)>, Refusal> {
        let start = self.at;
        let mut body = String::new();
        while let Some(part) = self.next_if(|character| character.is_ascii_digit() || character == ',') {
            body.push(part);
        }
        let (least, most) = match body.split_once(',') {
            Some((least, most)) => (least, Some(most)),
            None => (body.as_str(), None),
        };
        if least.is_empty() || most.is_some_and(|most| most.contains(',')) || self.peek() != Some('}') {
            self.at = start;
            return Ok(None);
        }
        self.at += 1;
        let count = |text: &str| {
            text.parse::<u32>().map_err(|_| self.refuse("a repetition count is larger than 4294967295"))
        };
        let least = count(least)?;
        let (quantifier, times) = match most {
            None => (format!("{{{least}}}"), least),
            Some("") => (format!("{{{least},}}"), least),
            Some(most) => {
                let most = count(most)?;
                if most < least {
                    return Err(self.refuse("illegal {x,y} with x > y"));
                }
                (format!("{{{least},{most}}}"), most)
            }
        };
        Ok(Some((quantifier, usize::try_from(times).unwrap_or(usize::MAX))))
    }

    fn quantifier(&mut self, quantifier: &str, times: usize) -> Result<(), Refusal> {
        match self.last {
            Last::Nothing => return Err(self.refuse(format!("quantifier {quantifier} following nothing"))),
            Last::Quantifier => return Err(self.refuse(format!("nested quantifier {quantifier}"))),
            Last::Atom => self.text(quantifier),
        }
        if self.next_if(|character| character == '?').is_some() {
            self.text("?");
        }
        self.last_size = self.last_size.saturating_mul(times.max(1));
        self.last = Last::Quantifier;
        Ok(())
    }

    fn reference(&mut self, group: String) {
        self.backtracks = true;
        self.pieces.push(Piece::Reference { group, ignore_case: self.options.ignore_case });
        self.thing();
    }

    fn end(&mut self) {
        self.pieces.push(Piece::End);
        self.thing();
    }

    fn literal(&mut self, character: char) {
        let mut text = String::new();
        push_literal(&mut text, character);
        self.atom(&text);
    }

    /// Writes one thing that a quantifier may follow.
    fn atom(&mut self, atom: &str) {
        if self.options.ignore_case {
            self.text("(?i:");
            self.text(atom);
            self.text(")");
        } else {
            self.text(atom);
        }
        self.thing();
    }

    /// Notes that one thing was written.
    fn thing(&mut self) {
        self.size = self.size.saturating_add(self.last_size);
        self.last_size = 1;
        self.things += 1;
        self.last = Last::Atom;
    }

    fn text(&mut self, text: &str) {
        match self.pieces.last_mut() {
            Some(Piece::Text(written)) => written.push_str(text),
            _ => self.pieces.push(Piece::Text(text.to_owned())),
        }
    }

    fn peek(&self) -> Option<char> {
        self.peek_at(0)
    }

    fn peek_at(&self, ahead: usize) -> Option<char> {
        self.characters.get(self.at + ahead).copied()
    }

    fn next(&mut self) -> Option<char> {
        let character = self.peek()?;
        self.at += 1;
        Some(character)
    }

    fn next_if(&mut self, wanted: impl Fn(char) -> bool) -> Option<char> {
        self.peek().filter(|&character| wanted(character))?;
        self.next()
    }

    fn refuse(&self, reason: impl Into<String>) -> Refusal {
        Refusal { reason: reason.into(), at: Some(self.at) }
    }
}

/// Writes a character so that it means itself inside and outside a class.
fn push_literal(out: &mut String, character: char) {
    if character.is_alphanumeric() {
        out.push(character);
    } else {
        out.push_str(&format!(r"\x{{{:X}}}", u32::from(character)));
    }
}

fn write(pieces: &[Piece], groups: &Groups, end: &str) -> Result<String, Refusal> {
    let resolve = |group: &str, what: &str| {
        groups.resolve(group).ok_or_else(|| Refusal { reason: format!("{what} {group}"), at: None })
    };
    let mut out = String::new();
    for piece in pieces {
        match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::End => out.push_str(end),
            Piece::Reference { group, ignore_case } => {
                let index = resolve(group, "reference to undefined group")?;
                out.push_str(&format!("(?{}:\\{index})", if *ignore_case { "i" } else { "" }));
            }
            Piece::Condition { group } => {
                let index = resolve(group, "a condition must name a group of the pattern, not")?;
                out.push_str(&format!("(?({index})"));
            }
        }
    }
    Ok(out)
}
