//! XML for reading: indented, with marks for names and values. It is display only: the text need not be
//! well-formed, and nothing is concluded from it.

use crate::pages::escape::HtmlBuffer;

/// Longest text that is indented, bytes; beyond this a token is no token.
const MAX_SHOWN: usize = 128 * 1024;

/// Deepest indentation, levels.
const MAX_INDENT: usize = 16;

#[derive(PartialEq)]
enum Last {
    Nothing,
    Open,
    /// Text directly after an opening tag, which the closing tag may follow on the same line.
    TextInOpen,
    Other,
}

/// HTML of `xml` with a line for each element.
pub(super) fn indented(xml: &str) -> String {
    let shown = xml.get(..xml.floor_char_boundary(MAX_SHOWN)).unwrap_or_default();
    let mut out = HtmlBuffer::with_capacity(shown.len() * 3);
    let mut depth = 0_usize;
    let mut last = Last::Nothing;
    let mut rest = shown;
    while !rest.is_empty() {
        let (piece, tail) = split_piece(rest);
        rest = tail;
        if !piece.starts_with('<') {
            let text = piece.trim();
            if !text.is_empty() {
                let inside = last == Last::Open;
                if !inside {
                    new_line(&mut out, depth);
                }
                out.text(text);
                last = if inside { Last::TextInOpen } else { Last::Other };
            }
            continue;
        }
        let closing = piece.starts_with("</");
        let opens =
            !closing && !piece.ends_with("/>") && !piece.starts_with("<?") && !piece.starts_with("<!");
        if closing {
            depth = depth.saturating_sub(1);
        }
        if !(closing && matches!(last, Last::Open | Last::TextInOpen)) {
            new_line(&mut out, depth);
        }
        push_tag(&mut out, piece);
        if opens {
            depth += 1;
        }
        last = if opens { Last::Open } else { Last::Other };
    }
    if shown.len() < xml.len() {
        out.markup("\n…");
    }
    out.finish()
}

/// HTML whose text is exactly `xml`: a browser reads a bare carriage return as a line feed, and drops a line feed
/// at the beginning of `<pre>`.
pub(super) fn exact(xml: &str) -> String {
    let mut out = HtmlBuffer::with_capacity(xml.len() + xml.len() / 4);
    out.text(xml);
    let mut out = out.finish();
    if out.contains('\r') {
        out = out.replace('\r', "&#13;");
    }
    if out.starts_with('\n') {
        out.insert(0, '\n');
    }
    out
}

/// The next tag, or the text before it. A `>` inside a quoted value does not end a tag.
fn split_piece(text: &str) -> (&str, &str) {
    if !text.starts_with('<') {
        return text.find('<').and_then(|at| text.split_at_checked(at)).unwrap_or((text, ""));
    }
    let mut quote = None;
    for (at, byte) in text.bytes().enumerate() {
        match (quote, byte) {
            (Some(q), b) if q == b => quote = None,
            (None, b'"' | b'\'') => quote = Some(byte),
            (None, b'>') => return text.split_at_checked(at + 1).unwrap_or((text, "")),
            _ => {}
        }
    }
    (text, "")
}

fn new_line(out: &mut HtmlBuffer, depth: usize) {
    if !out.is_empty() {
        out.markup("\n");
    }
    for _ in 0..depth.min(MAX_INDENT) {
        out.markup("  ");
    }
}

/// A tag: its name in `<b>`, its quoted values in `<i>`.
fn push_tag(out: &mut HtmlBuffer, tag: &str) {
    let name_start = tag.find(|c: char| !matches!(c, '<' | '/' | '?' | '!')).unwrap_or(tag.len());
    let (marks, rest) = tag.split_at_checked(name_start).unwrap_or((tag, ""));
    let name_end =
        rest.find(|c: char| c.is_whitespace() || matches!(c, '/' | '>' | '?')).unwrap_or(rest.len());
    let (name, mut attributes) = rest.split_at_checked(name_end).unwrap_or((rest, ""));
    out.text(marks);
    out.markup("<b>");
    out.text(name);
    out.markup("</b>");
    while let Some(start) = attributes.find(['"', '\'']) {
        let Some((before, quoted)) = attributes.split_at_checked(start) else { break };
        let mark = if quoted.starts_with('"') { '"' } else { '\'' };
        let end =
            quoted.char_indices().skip(1).find(|(_, c)| *c == mark).map_or(quoted.len(), |(at, _)| at + 1);
        let (value, after) = quoted.split_at_checked(end).unwrap_or((quoted, ""));
        out.text(before);
        out.markup("<i>");
        out.text(value);
        out.markup("</i>");
        attributes = after;
    }
    out.text(attributes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_element_has_its_line_and_short_text_stays_with_its_element() {
        assert_eq!(
            indented("<a x=\"1>2\"><b>text</b><c/>\n<d><e></e></d></a>"),
            concat!(
                "&lt;<b>a</b> x=<i>&quot;1&gt;2&quot;</i>&gt;\n",
                "  &lt;<b>b</b>&gt;text&lt;/<b>b</b>&gt;\n",
                "  &lt;<b>c</b>/&gt;\n",
                "  &lt;<b>d</b>&gt;\n",
                "    &lt;<b>e</b>&gt;&lt;/<b>e</b>&gt;\n",
                "  &lt;/<b>d</b>&gt;\n",
                "&lt;/<b>a</b>&gt;",
            )
        );
    }

    #[test]
    fn what_is_no_xml_is_shown_as_it_is() {
        for text in
            ["<", "<<<", "</", "a<b", "<a \"", "<a '>", "関所<関 所=\"門\">", "</a></a>", "<!-- -->", "\u{0}"]
        {
            let shown =
                indented(text).replace("<b>", "").replace("</b>", "").replace("<i>", "").replace("</i>", "");
            let plain: String = text.chars().filter(|c| !c.is_whitespace()).collect();
            let mut expected = HtmlBuffer::with_capacity(0);
            expected.text(&plain);
            let shown: String = shown.chars().filter(|c| !c.is_whitespace()).collect();
            assert_eq!(shown, expected.finish(), "{text}");
        }
    }

    #[test]
    fn depth_and_length_are_bounded() {
        let deep = indented(&"<a>".repeat(200_000));
        assert!(deep.len() < MAX_SHOWN * 32, "{}", deep.len());
        assert!(deep.ends_with('…'));
        let widest = deep.lines().map(|line| line.len() - line.trim_start().len()).max().unwrap();
        assert_eq!(widest, 2 * MAX_INDENT);
    }

    #[test]
    fn the_text_to_copy_keeps_carriage_returns_and_leading_line_feeds() {
        assert_eq!(exact("\n<a>\r\n</a>"), "\n\n&lt;a&gt;&#13;\n&lt;/a&gt;");
    }
}
