//! What holds for every page.

use super::test_support::{HOSTILE, Page, every_page, frame, nonce, xray_token};
use super::*;

fn all() -> Vec<(&'static str, String)> {
    Language::ALL.into_iter().flat_map(every_page).collect()
}

#[test]
fn every_script_and_style_block_carries_the_nonce() {
    let nonce = nonce();
    for (name, html) in all() {
        let page = Page::parse(&html);
        let marked: Vec<_> =
            page.elements().filter(|e| e.has_tag_name("script") || e.has_tag_name("style")).collect();
        for element in &marked {
            assert_eq!(element.attribute("nonce"), Some(nonce.as_str()), "{name}");
            assert_eq!(element.attribute("src"), None, "{name}");
        }
        assert_eq!(html.matches("<script").count() + html.matches("<style").count(), marked.len(), "{name}");
    }
}

#[test]
fn there_are_no_inline_handlers_no_inline_styles_and_no_script_links() {
    for (name, html) in all() {
        for element in Page::parse(&html).elements() {
            for attribute in element.attributes() {
                let (key, value) = (attribute.name(), attribute.value());
                assert!(!key.starts_with("on") && key != "style", "{name}: {key}={value}");
                assert!(
                    !value.trim_start().to_ascii_lowercase().starts_with("javascript:"),
                    "{name}: {key}={value}"
                );
            }
        }
    }
}

#[test]
fn everything_is_loaded_from_the_theme_with_the_hash_of_its_bytes() {
    for (name, html) in all() {
        for element in Page::parse(&html).elements() {
            let link = match element.tag_name().name() {
                "link" => element.attribute("href"),
                "img" => element.attribute("src"),
                _ => continue,
            };
            let (path, id) = link.unwrap().split_once("?id=").unwrap();
            assert_eq!(assets::find(path).unwrap().etag, id, "{name}");
        }
    }
}

#[test]
fn the_language_stands_on_the_page_and_no_english_is_left_on_a_japanese_one() {
    for language in Language::ALL {
        for (name, html) in every_page(language) {
            assert!(html.contains(&format!("<html lang=\"{}\">", language.culture())), "{name}");
        }
    }
    for ((name, english), (_, japanese)) in
        every_page(Language::English).into_iter().zip(every_page(Language::Japanese))
    {
        // Display names, claims and technical names stay; the title, each label and each button do not.
        let (english, japanese) = (Page::parse(&english), Page::parse(&japanese));
        for tag in ["label", "button", "dt", "h2"] {
            let technical = ["ID", "XML"];
            for (e, j) in english.all(tag).zip(japanese.all(tag)) {
                let (e, j) = (test_support::text(e), test_support::text(j));
                assert!(e.is_empty() || e != j || technical.contains(&e.trim()), "{name}: {e}");
            }
        }
    }
}

#[test]
fn every_label_has_its_input_and_every_id_stands_once() {
    for (name, html) in all() {
        let page = Page::parse(&html);
        for label in page.all("label") {
            if let Some(id) = label.attribute("for") {
                assert!(page.find(id).is_some(), "{name}: label for {id}");
            }
        }
        let mut ids: Vec<_> = page.elements().filter_map(|e| e.attribute("id")).collect();
        ids.sort_unstable();
        let before = ids.len();
        ids.dedup();
        assert_eq!(ids.len(), before, "{name}");
    }
}

/// Security cases 30 and 79: whatever a peer, a directory or an administrator wrote is text.
#[test]
fn nothing_a_peer_wrote_becomes_markup() {
    let nonce = nonce();
    for language in Language::ALL {
        let frame = Frame { display_name: HOSTILE, ..frame(language, &nonce) };
        let groups = vec![HOSTILE.to_owned()];
        let mut token = xray_token(&groups);
        token.id = HOSTILE;
        token.issuer = HOSTILE;
        token.audiences = vec![HOSTILE];
        token.recipient = Some(HOSTILE);
        token.in_response_to = Some(HOSTILE);
        token.name_id = Some(HOSTILE);
        token.name_id_format = Some(HOSTILE);
        token.authentication_method = Some(HOSTILE);
        token.claims.push(XRayClaim {
            claim_type: HOSTILE,
            value: HOSTILE,
            issuer: HOSTILE,
            original_issuer: "another",
        });
        token.signatures = vec![XRaySignature {
            signed: XRaySigned::Response,
            algorithm: HOSTILE,
            digest: HOSTILE,
            certificate_subject: HOSTILE,
            thumbprint: HOSTILE,
            key_source: XRayKeySource::Unknown,
        }];
        let problems = [XRayProblem { check: HOSTILE, message: HOSTILE }];
        let with_hostile = [
            sign_in(&SignInPage {
                frame,
                action: HOSTILE,
                options_action: HOSTILE,
                user_name: HOSTILE,
                error: Some(SignInError::PasswordExpired),
                kmsi_visible: true,
                change_password_url: Some(HOSTILE),
            }),
            error(&ErrorPage {
                relying_party: Some(HOSTILE),
                error_details: Some(HOSTILE),
                ..test_support::error_page(frame)
            }),
            change_password(&ChangePasswordPage {
                action: HOSTILE,
                user_name: HOSTILE,
                cancel_url: Some(HOSTILE),
                ..test_support::change_password_page(frame)
            }),
            xray_start(&XRayStartPage { frame, home: HOSTILE, action: HOSTILE }),
            xray_result(&XRayResultPage {
                frame,
                home: HOSTILE,
                problems: &problems,
                token: Some(&token),
                relay_state: Some(HOSTILE),
                raw_xml: HOSTILE,
                now: test_support::now(),
            }),
        ];
        let plain = every_page(language);
        let scripts = |html: &str| html.matches("<script").count();
        for (html, like) in
            with_hostile.iter().zip(["sign-in", "error", "change-password", "xray-start", "xray-accepted"])
        {
            let (_, model) = plain.iter().find(|(name, _)| *name == like).unwrap();
            assert_eq!(scripts(html), scripts(model), "{like}");
            assert!(!html.contains("alert(1)</script>"), "{like}");
            // It is well-formed still, and the text is there as text.
            let page = Page::parse(html);
            let seen = page.elements().any(|e| {
                e.attributes().any(|a| a.value().contains(HOSTILE))
                    || e.text().is_some_and(|t| t.contains(HOSTILE))
            });
            assert!(seen, "{like}");
        }
    }
}
