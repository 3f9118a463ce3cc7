//! Counting before building: the parser's work and memory grow with some of these numbers faster than with the
//! size of the document, so they are bounded by one pass over the text, without recursion and almost without memory.
//!
//! The pass reads only where markup begins and ends. Whatever it cannot follow is refused here; whether the
//! rest is well-formed is for the parser to say.

use std::collections::HashSet;

use crate::document::Limits;
use crate::error::XmlError;

/// The parser keeps a sorted list of all different declarations and inserts into it.
const DIFFERENT_DECLARATIONS: usize = 1024;

/// An element that declares a namespace gets its own list of all that are in force there. The lists may together
/// be this many times as long as the document may have nodes.
const IN_FORCE_PER_NODE: usize = 10;

/// White space of XML 1.0, 2.3.
const SPACE: [char; 4] = [' ', '\t', '\n', '\r'];

/// Refuses a document that exceeds `limits`, has a DOCTYPE, or has one of the faults that the parser overlooks:
/// `xmlns` twice on one element, the prefix `xmlns` declared, a name that begins with a colon, an XML declaration that is not the beginning.
pub(crate) fn scan(text: &str, limits: &Limits) -> Result<(), XmlError> {
    let mut scan = Scan { limits, nodes: 0, scopes: Vec::new(), in_force: 0, declarations: HashSet::new() };
    let mut rest = text;
    while let Some((before, markup)) = rest.split_once('<') {
        if !before.is_empty() {
            scan.node()?;
        }
        rest = if let Some(close) = markup.strip_prefix('/') {
            scan.scopes.pop();
            after(close, ">", "an end tag")?
        } else if let Some(comment) = markup.strip_prefix("!--") {
            scan.node()?;
            after(comment, "-->", "a comment")?
        } else if let Some(characters) = markup.strip_prefix("![CDATA[") {
            scan.node()?;
            after(characters, "]]>", "a CDATA section")?
        } else if let Some(instruction) = markup.strip_prefix('?') {
            if rest.len() != text.len() || !before.is_empty() {
                refuse_late_declaration(instruction)?;
            }
            scan.node()?;
            after(instruction, "?>", "a processing instruction")?
        } else if markup.starts_with('!') {
            return Err(XmlError::Dtd);
        } else {
            scan.node()?;
            scan.start_tag(markup)?
        };
    }
    if rest.is_empty() { Ok(()) } else { scan.node() }
}

fn after<'t>(text: &'t str, end: &str, what: &str) -> Result<&'t str, XmlError> {
    text.split_once(end)
        .map(|(_, rest)| rest)
        .ok_or_else(|| XmlError::not_well_formed(&format!("{what} has no end")))
}

/// XML 1.0, 2.6: the target `xml` is reserved in any spelling.
fn refuse_late_declaration(instruction: &str) -> Result<(), XmlError> {
    let target = instruction.split([' ', '\t', '\n', '\r', '?']).next().unwrap_or_default();
    if target.eq_ignore_ascii_case("xml") {
        return Err(XmlError::not_well_formed("an XML declaration stands inside the document"));
    }
    Ok(())
}

struct Scan<'t> {
    limits: &'t Limits,
    nodes: usize,
    /// For each open element, the number of namespace declarations on it and its ancestors.
    scopes: Vec<usize>,
    /// Sum of those numbers over all elements that have declarations.
    in_force: usize,
    declarations: HashSet<(&'t str, &'t str)>,
}

impl<'t> Scan<'t> {
    fn node(&mut self) -> Result<(), XmlError> {
        self.nodes += 1;
        if self.nodes > self.limits.nodes {
            return Err(XmlError::TooManyNodes { limit: self.limits.nodes });
        }
        Ok(())
    }

    /// Reads from behind `<` to behind `>`.
    fn start_tag(&mut self, markup: &'t str) -> Result<&'t str, XmlError> {
        if self.scopes.len() >= self.limits.depth {
            return Err(XmlError::TooDeep { limit: self.limits.depth });
        }
        let malformed = || XmlError::not_well_formed("a start tag is malformed");
        let name_end = markup.find([' ', '\t', '\n', '\r', '/', '>']).ok_or_else(malformed)?;
        let (name, mut rest) = markup.split_at_checked(name_end).ok_or_else(malformed)?;
        check_name(name)?;

        let inherited = self.scopes.last().copied().unwrap_or(0);
        let mut scope = inherited;
        let mut attributes = 0;
        let mut default_declared = false;
        loop {
            rest = rest.trim_start_matches(SPACE);
            if let Some(rest) = rest.strip_prefix("/>") {
                self.keep_list(inherited, scope)?;
                return Ok(rest);
            }
            if let Some(rest) = rest.strip_prefix('>') {
                self.keep_list(inherited, scope)?;
                self.scopes.push(scope);
                return Ok(rest);
            }
            let (name, value) = rest.split_once('=').ok_or_else(malformed)?;
            let name = name.trim_end_matches(SPACE);
            check_name(name)?;
            let value = value.trim_start_matches(SPACE);
            let quote = value.chars().next().filter(|c| matches!(c, '"' | '\'')).ok_or_else(malformed)?;
            let (value, behind) =
                value.strip_prefix(quote).and_then(|value| value.split_once(quote)).ok_or_else(malformed)?;
            rest = behind;

            if name == "xmlns" || name.starts_with("xmlns:") {
                if name == "xmlns:xmlns" {
                    return Err(XmlError::not_well_formed("an element declares the reserved prefix xmlns"));
                }
                scope += 1;
                self.declarations.insert((name, value));
                if scope > self.limits.namespaces {
                    return Err(XmlError::TooManyNamespaces { limit: self.limits.namespaces });
                }
                if self.declarations.len() > DIFFERENT_DECLARATIONS {
                    return Err(XmlError::TooManyNamespaces { limit: DIFFERENT_DECLARATIONS });
                }
                if name == "xmlns" && std::mem::replace(&mut default_declared, true) {
                    return Err(XmlError::not_well_formed("an element declares its default namespace twice"));
                }
            } else {
                attributes += 1;
                if attributes > self.limits.attributes {
                    return Err(XmlError::TooManyAttributes { limit: self.limits.attributes });
                }
            }
        }
    }

    fn keep_list(&mut self, inherited: usize, scope: usize) -> Result<(), XmlError> {
        let limit = self.limits.nodes.saturating_mul(IN_FORCE_PER_NODE);
        if scope > inherited {
            self.in_force += scope;
        }
        if self.in_force > limit { Err(XmlError::TooManyNamespaces { limit }) } else { Ok(()) }
    }
}

/// Only what keeps this pass in step with the parser; the grammar of names is the parser's.
fn check_name(name: &str) -> Result<(), XmlError> {
    let stray = |c: char| matches!(c, '<' | '>' | '/' | '"' | '\'' | '=' | '&') || SPACE.contains(&c);
    if name.is_empty() || name.starts_with(':') || name.contains(stray) {
        return Err(XmlError::not_well_formed("a start tag is malformed"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str, limits: &Limits) -> Result<(), &'static str> {
        scan(text, limits).map_err(|error| error.code())
    }

    #[test]
    fn each_bound_holds_exactly() {
        let limits = Limits { size: 0, nodes: 4, depth: 2, attributes: 2, namespaces: 2 };
        assert_eq!(code("<a><b x='>' y=\"'\"/><!--<c>--></a>", &limits), Ok(()));
        assert_eq!(code("<a><b/><b/></a>", &limits), Ok(()));
        assert_eq!(code("<a><b/><b/>t<b/></a>", &limits), Err("xml-too-many-nodes"));
        assert_eq!(code("<a><b><c/></b></a>", &limits), Err("xml-too-deep"));
        assert_eq!(code("<a x='' y='' z=''/>", &limits), Err("xml-too-many-attributes"));
        assert_eq!(code("<a xmlns='u:' xmlns:b='u:'/>", &limits), Ok(()));
        assert_eq!(
            code("<a xmlns='u:' xmlns:b='u:'><b xmlns='v:'/></a>", &limits),
            Err("xml-too-many-namespaces")
        );
    }

    #[test]
    fn different_declarations_are_bounded_over_the_whole_document() {
        let many: String = (0..1025).map(|i| format!("<b xmlns:p='u:{i}'/>")).collect();
        assert_eq!(code(&format!("<a>{many}</a>"), &Limits::MESSAGE), Err("xml-too-many-namespaces"));
        let same = "<b xmlns:p='u:1'/>".repeat(1025);
        assert_eq!(code(&format!("<a>{same}</a>"), &Limits::MESSAGE), Ok(()));
    }

    #[test]
    fn lists_of_namespaces_in_force_are_bounded_together() {
        let many: String = (0..60).map(|i| format!(" xmlns:p{i}='u:'")).collect();
        let with = |count: usize| format!("<a{many}>{}</a>", "<b xmlns='u:'/>".repeat(count));
        assert_eq!(code(&with(8_000), &Limits::MESSAGE), Ok(()));
        assert_eq!(code(&with(8_200), &Limits::MESSAGE), Err("xml-too-many-namespaces"));
        let without = format!("<a{many}>{}</a>", "<b/>".repeat(40_000));
        assert_eq!(code(&without, &Limits::MESSAGE), Ok(()));
    }

    /// Security case 7.
    #[test]
    fn a_doctype_is_refused_wherever_it_stands() {
        for text in [
            "<!DOCTYPE a><a/>",
            "<?xml version='1.0'?>\n<!doctype a [<!ENTITY x 'y'>]><a>&x;</a>",
            "<a/><!DOCTYPE a>",
        ] {
            assert_eq!(code(text, &Limits::MESSAGE), Err("xml-dtd"), "{text}");
        }
    }

    #[test]
    fn faults_that_the_parser_overlooks_are_refused() {
        for text in [
            "<a xmlns='u:' xmlns='v:'/>",
            "<:a/>",
            "<a :b=''/>",
            "<a><?xml\tversion='1.0'?></a>",
            " <?xml version='1.0'?><a/>",
            "<a><?XML x?></a>",
            "<a b>c='d'</a>",
            "<a b='c",
            "<a",
            "<a><!-- ",
        ] {
            assert_eq!(code(text, &Limits::MESSAGE), Err("xml-not-well-formed"), "{text}");
        }
    }
}
