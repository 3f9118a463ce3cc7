//! The form that carries a response to a relying party: the browser posts it as soon as it has it.

use super::escape::HtmlBuffer;
use super::frame::Nonce;
use super::language::Language;

/// A page of one line whose form posts `fields`, in their order, to `action`.
///
/// Clients cut tokens out of this page by its spelling: the order of attributes, ` />`, and `<noscript>` directly
/// after the last input stay as they are. The button is inside `noscript` because some clients refuse a page with
/// an input that has no name. The script is given to the timer as a function: a text would need `unsafe-eval`.
pub fn auto_submit(language: Language, nonce: &Nonce, action: &str, fields: &[(&str, &str)]) -> String {
    let texts = &language.texts().auto_submit;
    let content: usize = fields.iter().map(|(name, value)| name.len() + value.len() + 48).sum();
    // A signed token has an entity for about every tenth byte.
    let mut out = HtmlBuffer::with_capacity(1_024 + action.len() + content + content / 2);
    out.markup("<html lang=\"");
    out.markup(language.culture());
    out.markup("\"><head><title>");
    out.markup(texts.title);
    out.markup("</title></head><body><form method=\"POST\" name=\"hiddenform\" action=\"");
    out.text(action);
    out.markup("\">");
    for (name, value) in fields {
        out.markup("<input type=\"hidden\" name=\"");
        out.text(name);
        out.markup("\" value=\"");
        out.text(value);
        out.markup("\" />");
    }
    out.markup("<noscript><p>");
    out.markup(texts.script_is_disabled);
    out.markup("</p><input type=\"submit\" value=\"");
    out.markup(texts.submit);
    out.markup("\" /></noscript></form><script language=\"javascript\" nonce=\"");
    out.markup(nonce.as_str());
    out.markup("\">window.setTimeout(function(){document.forms[0].submit()}, 0);</script></body></html>");
    out.finish()
}

#[cfg(test)]
mod tests {
    use super::super::test_support::{HOSTILE, Page, captures, nonce};
    use super::*;

    #[test]
    fn a_ws_federation_response_has_exactly_this_shape() {
        let page = auto_submit(
            Language::English,
            &nonce(),
            "https://app.example.com:443/signin?a=1&b=2",
            &[("wa", "wsignin1.0"), ("wresult", "<t:R a=\"1\">it's</t:R>"), ("wctx", "rm=0&id=passive")],
        );
        assert_eq!(
            page,
            format!(
                concat!(
                    "<html lang=\"en-US\"><head><title>Working...</title></head><body>",
                    "<form method=\"POST\" name=\"hiddenform\" action=\"https://app.example.com:443/signin?a=1&amp;b=2\">",
                    "<input type=\"hidden\" name=\"wa\" value=\"wsignin1.0\" />",
                    "<input type=\"hidden\" name=\"wresult\" ",
                    "value=\"&lt;t:R a=&quot;1&quot;&gt;it&#39;s&lt;/t:R&gt;\" />",
                    "<input type=\"hidden\" name=\"wctx\" value=\"rm=0&amp;id=passive\" />",
                    "<noscript><p>Scripts are turned off. Select Submit to continue.</p>",
                    "<input type=\"submit\" value=\"Submit\" /></noscript></form>",
                    "<script language=\"javascript\" nonce=\"{}\">",
                    "window.setTimeout(function(){{document.forms[0].submit()}}, 0);</script></body></html>"
                ),
                nonce()
            )
        );
    }

    #[test]
    fn clients_cut_the_token_out_by_their_regular_expressions() {
        let saml = auto_submit(
            Language::English,
            &nonce(),
            "https://sp.example.com/acs",
            &[("SAMLResponse", "PHNhbWw+")],
        );
        assert_eq!(
            captures(r#"<input type="hidden" name="SAMLResponse" value="([^"]+)" />"#, &saml).as_deref(),
            Some("PHNhbWw+")
        );
        assert_eq!(
            captures(r#"<input type="hidden" name="SAMLResponse" value="(.+)" /><noscript>"#, &saml)
                .as_deref(),
            Some("PHNhbWw+")
        );
        let wsfed = auto_submit(
            Language::Japanese,
            &nonce(),
            "https://rp.example.com/",
            &[("wa", "wsignin1.0"), ("wresult", "<x/>")],
        );
        assert_eq!(
            captures(r#"<input type="hidden" name="wresult" value="(.+)" /><noscript>"#, &wsfed).as_deref(),
            Some("&lt;x/&gt;")
        );
        // The first input of the page tells a client which protocol answered.
        assert!(captures(r"(<input [^>]*>)", &wsfed).unwrap().contains("wsignin1.0"));
        assert!(!wsfed.contains('\n'));
    }

    #[test]
    fn every_input_outside_noscript_has_a_name() {
        let page = auto_submit(
            Language::English,
            &nonce(),
            "https://sp/acs",
            &[("SAMLResponse", "x"), ("RelayState", "y")],
        );
        let page = Page::parse(&page);
        for input in page.all("input") {
            let unnamed = input.attribute("name").is_none();
            assert_eq!(unnamed, input.ancestors().any(|a| a.has_tag_name("noscript")));
        }
    }

    /// Security case 30: RelayState, wctx and the address are text, whatever a peer wrote into them.
    #[test]
    fn relay_state_and_action_stay_inside_their_attributes() {
        let page = auto_submit(
            Language::English,
            &nonce(),
            &format!("https://sp.example.com/{HOSTILE}"),
            &[("SAMLResponse", "x"), ("RelayState", HOSTILE)],
        );
        let page = Page::parse(&page);
        assert_eq!(page.all("script").count(), 1);
        assert_eq!(page.named("RelayState").attribute("value"), Some(HOSTILE));
        assert_eq!(
            page.one("form").attribute("action"),
            Some(format!("https://sp.example.com/{HOSTILE}").as_str())
        );
    }
}
