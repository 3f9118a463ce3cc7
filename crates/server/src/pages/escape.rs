//! Text into HTML and into script.

use std::fmt;
use std::sync::LazyLock;

/// The escaper of all templates (`askama.toml`): `&amp; &lt; &gt; &quot; &#39;`, as AD FS writes them. Scripts
/// that read our pages with regular expressions undo exactly these.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Html;

impl askama::filters::Escaper for Html {
    fn write_escaped_str<W: fmt::Write>(&self, mut dest: W, string: &str) -> fmt::Result {
        if string.bytes().any(|byte| entity(byte).is_some()) {
            let mut escaped = HtmlBuffer::with_capacity(string.len() + 32);
            escaped.text(string);
            dest.write_str(&escaped.finish())
        } else {
            dest.write_str(string)
        }
    }
}

/// HTML under construction, for what is too large or too frequent for a template.
///
/// It holds bytes, so that text is looked at in blocks that may cut a character. Only ASCII is ever replaced and
/// only whole strings are added, so it is UTF-8 again after each call.
pub(crate) struct HtmlBuffer(Vec<u8>);

/// Bytes that are looked at together: one comparison each on a vector unit.
const BLOCK: usize = 16;

/// What one byte becomes: up to seven bytes, then how many of them count.
type Cell = [u8; CELL];
const CELL: usize = 8;

impl HtmlBuffer {
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        Self(Vec::with_capacity(bytes))
    }

    /// Appends markup as it is.
    pub(crate) fn markup(&mut self, html: &str) {
        self.0.extend_from_slice(html.as_bytes());
    }

    /// Appends `text` so that it is text in HTML, between tags and in a quoted attribute.
    pub(crate) fn text(&mut self, text: &str) {
        let (blocks, rest) = text.as_bytes().as_chunks::<BLOCK>();
        for block in blocks {
            // Base64 and long values have no special character for kilobytes.
            let special = block.iter().fold(0, |any, &b| {
                any | u8::from(b == b'<')
                    | u8::from(b == b'>')
                    | u8::from(b == b'&')
                    | u8::from(b == b'"')
                    | u8::from(b == b'\'')
            });
            if special == 0 {
                self.0.extend_from_slice(block);
            } else {
                self.escape(block);
            }
        }
        self.escape(rest);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn finish(self) -> String {
        String::from_utf8(self.0)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
    }

    /// At most [`BLOCK`] bytes. Each takes a whole cell, of which the next one overwrites what does not count: no
    /// branch depends on the text.
    fn escape(&mut self, block: &[u8]) {
        let cells: &[Cell; 256] = &CELLS;
        let mut escaped = [0; BLOCK * CELL];
        let mut length = 0;
        for &byte in block {
            if let (Some(cell), Some(place)) =
                (cells.get(usize::from(byte)), escaped.get_mut(length..length + CELL))
            {
                place.copy_from_slice(cell);
                length += usize::from(cell[CELL - 1]);
            }
        }
        self.0.extend_from_slice(escaped.get(..length).unwrap_or_default());
    }
}

static CELLS: LazyLock<[Cell; 256]> = LazyLock::new(|| {
    std::array::from_fn(|byte| {
        let byte = u8::try_from(byte).unwrap_or_default();
        let mut cell = [0; CELL];
        let text = entity(byte).map_or(std::slice::from_ref(&byte), str::as_bytes);
        cell.iter_mut().zip(text).for_each(|(to, from)| *to = *from);
        cell[CELL - 1] = u8::try_from(text.len()).unwrap_or_default();
        cell
    })
});

fn entity(byte: u8) -> Option<&'static str> {
    match byte {
        b'&' => Some("&amp;"),
        b'<' => Some("&lt;"),
        b'>' => Some("&gt;"),
        b'"' => Some("&quot;"),
        b'\'' => Some("&#39;"),
        _ => None,
    }
}

/// `text` as a string literal of JavaScript that may stand in a `<script>` element: no `<` can end the
/// element, no line separator can end the literal.
pub(crate) fn js_string(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            '<' | '>' | '&' | '\'' | '\u{2028}' | '\u{2029}' | '\0'..='\u{1f}' => {
                out.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn html(text: &str) -> String {
        let mut out = HtmlBuffer::with_capacity(0);
        out.text(text);
        let by_template = {
            let mut out = String::new();
            askama::filters::Escaper::write_escaped_str(&Html, &mut out, text).unwrap();
            out
        };
        let out = out.finish();
        assert_eq!(out, by_template);
        out
    }

    #[test]
    fn the_five_special_characters_become_entities_and_nothing_else_does() {
        assert_eq!(html(r#"a<b>&"c'd関所"#), "a&lt;b&gt;&amp;&quot;c&#39;d関所");
        assert_eq!(html(""), "");
        assert_eq!(html("<関所'は関所\""), "&lt;関所&#39;は関所&quot;");
        assert_eq!(html(&"\"".repeat(100)), "&quot;".repeat(100));
    }

    #[test]
    fn specials_are_found_at_every_place_of_a_block() {
        for length in 0..3 * BLOCK {
            for at in 0..=length {
                let text = format!("{}<{}", "x".repeat(at), "y".repeat(length - at));
                assert_eq!(html(&text), text.replace('<', "&lt;"), "{at} of {length}");
            }
        }
    }

    #[test]
    fn a_script_string_can_end_neither_itself_nor_its_element() {
        assert_eq!(
            js_string("a\"b\\c</script>\n\u{2028}'"),
            r#""a\"b\\c\u003c/script\u003e\u000a\u2028\u0027""#
        );
    }
}
