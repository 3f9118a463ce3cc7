//! The forms of a page, as far as tests fill them in: names, values, where they go.

/// A form and its fields in the order of the page.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Form {
    /// As written in the page; empty when the form goes to the page's own address.
    pub action: String,
    /// Lower case; `get` when nothing is written.
    pub method: String,
    /// Names and values of the inputs that have a name.
    pub fields: Vec<(String, String)>,
}

impl Form {
    /// All forms of a page.
    pub fn all(html: &str) -> Vec<Self> {
        let mut forms: Vec<Self> = Vec::new();
        let mut rest = html;
        while let Some((_, tag)) = rest.split_once('<') {
            let (name, attributes, after) = tag_parts(tag);
            rest = after;
            let value =
                |wanted: &str| attributes.iter().find(|(name, _)| name == wanted).map(|(_, v)| v.clone());
            match (name.as_str(), forms.last_mut()) {
                ("form", _) => forms.push(Self {
                    action: value("action").unwrap_or_default(),
                    method: value("method").unwrap_or("get".to_owned()).to_ascii_lowercase(),
                    fields: Vec::new(),
                }),
                ("input", Some(form)) => {
                    if let Some(name) = value("name") {
                        form.fields.push((name, value("value").unwrap_or_default()));
                    }
                }
                _ => {}
            }
        }
        forms
    }

    /// The value of a field.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Fills in a field that is there. False when there is none of that name.
    pub fn fill(&mut self, name: &str, text: &str) -> bool {
        let field = self.fields.iter_mut().find(|(known, _)| known == name);
        field.map(|(_, value)| text.clone_into(value)).is_some()
    }
}

/// Name, attributes, and what follows the tag that begins here (after its `<`).
fn tag_parts(tag: &str) -> (String, Vec<(String, String)>, &str) {
    let name_ends = tag.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(tag.len());
    let (name, mut rest) = tag.split_at_checked(name_ends).unwrap_or((tag, ""));
    let mut attributes = Vec::new();
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
        let ends = rest.find(|c: char| c.is_ascii_whitespace() || "=/>".contains(c)).unwrap_or(rest.len());
        let (attribute, after) = rest.split_at_checked(ends).unwrap_or((rest, ""));
        if attribute.is_empty() {
            return (name.to_ascii_lowercase(), attributes, after.strip_prefix('>').unwrap_or(after));
        }
        let (value, after) = match after.strip_prefix('=') {
            Some(value) => quoted(value),
            None => ("", after),
        };
        attributes.push((attribute.to_ascii_lowercase(), unescape(value)));
        rest = after;
    }
}

/// A value in quotes, or up to the next blank.
fn quoted(text: &str) -> (&str, &str) {
    for quote in ['"', '\''] {
        if let Some(inside) = text.strip_prefix(quote) {
            return inside.split_once(quote).unwrap_or((inside, ""));
        }
    }
    let ends = text.find(|c: char| c.is_ascii_whitespace() || c == '>').unwrap_or(text.len());
    text.split_at_checked(ends).unwrap_or((text, ""))
}

/// The character references that HTML writers make in attributes.
fn unescape(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, reference)) = rest.split_once('&') {
        out.push_str(before);
        let decoded = reference.split_once(';').and_then(|(name, after)| Some((character(name)?, after)));
        match decoded {
            Some((character, after)) => {
                out.push(character);
                rest = after;
            }
            None => {
                out.push('&');
                rest = reference;
            }
        }
    }
    out.push_str(rest);
    out
}

fn character(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(digits) => u32::from_str_radix(digits, 16),
                None => number.parse(),
            };
            char::from_u32(code.ok()?)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_that_carries_a_token_is_read() {
        let page = "<html><body><form method=\"POST\" name=\"hiddenform\" action=\"https://rp.example/a?b=c&amp;d=e\">\
            <input type=\"hidden\" name=\"wa\" value=\"wsignin1.0\" />\
            <input type='hidden' name='wresult' value='&lt;t:R x=&quot;1&quot;&gt;&#10;&#x00e9;&amp;amp;'>\
            <noscript><p>Continue</p><input type=submit value=Submit></noscript></form></body></html>";
        let forms = Form::all(page);
        assert_eq!(forms.len(), 1);
        assert_eq!(forms[0].action, "https://rp.example/a?b=c&d=e");
        assert_eq!(forms[0].method, "post");
        assert_eq!(forms[0].value("wresult"), Some("<t:R x=\"1\">\né&amp;"));
        assert_eq!(forms[0].fields.len(), 2);
    }

    #[test]
    fn a_form_is_filled_in() {
        let mut form =
            Form::all("<form><input name=UserName><input name=\"Password\" disabled></form>").remove(0);
        assert!(form.fill("UserName", "花子") && form.fill("Password", "p"));
        assert!(!form.fill("Missing", ""));
        let expected = [("UserName", "花子"), ("Password", "p")].map(|(n, v)| (n.to_owned(), v.to_owned()));
        assert_eq!(form.fields, expected);
        assert_eq!((form.action.as_str(), form.method.as_str()), ("", "get"));
    }

    #[test]
    fn broken_pages_end_too() {
        for page in [
            "<",
            "<form",
            "<form action",
            "<form action=\"",
            "<input name='a",
            "a & b < c &#xFFFFFFFF; &",
            "<form =>",
        ] {
            Form::all(page);
        }
        assert_eq!(unescape("a & b &x; &#xD800;"), "a & b &x; &#xD800;");
    }
}
