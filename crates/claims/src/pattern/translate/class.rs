//! Character classes: ranges, sets, negation and the subtraction that .NET has.

use super::{DEPTH, Translator, push_literal};
use crate::pattern::Refusal;

/// One character or one set of characters inside a class.
enum ClassItem {
    Character(char),
    Set(String),
}

impl Translator {
    /// The class after its `[`, with .NET's subtraction `[a-z-[aeiou]]`.
    pub(super) fn class(&mut self, depth: usize) -> Result<String, Refusal> {
        if depth > DEPTH {
            return Err(self.refuse(format!("classes nest deeper than {DEPTH}")));
        }
        let negation = if self.next_if(|character| character == '^').is_some() { "^" } else { "" };
        let mut items = String::new();
        loop {
            let first = items.is_empty();
            let start = match self.class_next()? {
                ']' if !first => return Ok(format!("[{negation}{items}]")),
                '-' if !first && self.peek() == Some('[') => {
                    return self.subtraction(negation, &items, depth);
                }
                '\\' => match self.class_escape()? {
                    ClassItem::Character(character) => character,
                    ClassItem::Set(set) => {
                        items.push_str(&set);
                        continue;
                    }
                },
                character => character,
            };
            push_literal(&mut items, start);
            let is_range = self.peek() == Some('-') && self.peek_at(1).is_some_and(|after| after != ']');
            if !is_range {
                continue;
            }
            self.at += 1;
            let end = match self.class_next()? {
                '[' => {
                    self.at -= 1;
                    return self.subtraction(negation, &items, depth);
                }
                '\\' => match self.class_escape()? {
                    ClassItem::Character(character) => character,
                    ClassItem::Set(_) => {
                        return Err(self.refuse("cannot include a class in a character range"));
                    }
                },
                character => character,
            };
            if end < start {
                return Err(self.refuse("[x-y] range in reverse order"));
            }
            items.push('-');
            push_literal(&mut items, end);
        }
    }

    /// `-[...]` at the end of a class; the reader stands at the inner `[`.
    fn subtraction(&mut self, negation: &str, items: &str, depth: usize) -> Result<String, Refusal> {
        self.at += 1;
        let subtracted = self.class(depth + 1)?;
        if self.next() != Some(']') {
            return Err(self.refuse("a subtraction must be the last element in a character class"));
        }
        Ok(format!("[[{negation}{items}]--{subtracted}]"))
    }

    fn class_next(&mut self) -> Result<char, Refusal> {
        self.next().ok_or_else(|| self.refuse("unterminated [] set"))
    }

    fn class_escape(&mut self) -> Result<ClassItem, Refusal> {
        let character = self.class_next()?;
        if character == 'b' {
            return Ok(ClassItem::Character('\u{8}'));
        }
        Ok(match self.set_escape(character)? {
            Some(set) => ClassItem::Set(set),
            None => ClassItem::Character(self.character_escape(character)?),
        })
    }
}
