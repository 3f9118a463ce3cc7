//! The little of HTML that tests read.

/// Text of an attribute or an element, as a browser has it.
pub fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        match after.split_once(';').and_then(|(name, behind)| Some((entity(name)?, behind))) {
            Some((character, behind)) => {
                out.push(character);
                rest = behind;
            }
            None => {
                out.push('&');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

fn entity(name: &str) -> Option<char> {
    match name {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "amp" => Some('&'),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16),
                None => number.parse(),
            };
            char::from_u32(code.ok()?)
        }
    }
}

/// What stands between two texts, the first time.
pub(crate) fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    Some(rest.split_once(after)?.0)
}

/// What a person reads on a page, with the values of hidden fields cut short.
pub(crate) fn visible(html: &str) -> String {
    let mut out = String::new();
    let mut rest = html;
    while let Some((before, tag)) = rest.split_once('<') {
        out.push_str(before);
        let (tag, behind) = tag.split_once('>').unwrap_or((tag, ""));
        let end = ["script", "style"].into_iter().find(|name| tag.starts_with(name));
        rest = end
            .and_then(|name| behind.split_once(&format!("</{name}>")))
            .map_or(behind, |(_, behind)| behind);
        if tag.starts_with("input") {
            out.extend(tag.chars().take(80));
        }
        out.push(' ');
    }
    out.push_str(rest);
    let words: Vec<&str> = out.split_whitespace().collect();
    unescape(&words.join(" ")).chars().take(2_000).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_entity_is_read_once() {
        assert_eq!(
            unescape("a&amp;lt;&#39;&#x4E0A;&quot;&amp;#38; & b;&nothing;"),
            "a&lt;'上\"&#38; & b;&nothing;"
        );
    }

    #[test]
    fn scripts_are_not_read() {
        let page =
            "<title>Sign In</title><script nonce=\"a\">if (1 < 2) {}</script>\n<p>It&#39;s <b>late</b>.</p>";
        assert_eq!(visible(page), "Sign In It's late .");
    }
}
