//! Style sheets, scripts and pictures, compiled in, under the paths of an AD FS theme.

use std::sync::LazyLock;

use aws_lc_rs::digest::{SHA256, digest};

/// One file of the theme.
#[derive(Debug)]
pub struct Asset {
    /// Path under which it is served.
    pub path: &'static str,
    /// The file.
    pub bytes: &'static [u8],
    /// Its `Content-Type`.
    pub content_type: &'static str,
    /// SHA-256 of the bytes in upper-case hex: the `id=` of links, and the `ETag`.
    pub etag: String,
}

/// The asset under `path` (without query), in any case, as all paths of AD FS. Any `id=` may be asked for; when it
/// equals [`Asset::etag`] the answer may be cached for ever.
pub fn find(path: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.path.eq_ignore_ascii_case(path))
}

/// The script at the end of each page's body, which themes replace.
pub(crate) const ONLOAD_SCRIPT: &str = include_str!("../../assets/script/onload.js");

/// Links with `id=`, as the pages hold them.
pub(crate) struct Links {
    pub(crate) style: String,
    pub(crate) xray_style: String,
    pub(crate) logo: String,
    pub(crate) illustration: String,
}

pub(crate) fn links() -> &'static Links {
    static LINKS: LazyLock<Links> = LazyLock::new(|| {
        let link =
            |path: &str| find(path).map_or_else(String::new, |asset| format!("{path}?id={}", asset.etag));
        Links {
            style: link("/adfs/portal/css/style.css"),
            xray_style: link("/adfs/portal/css/xray.css"),
            logo: link("/adfs/portal/logo/logo.png"),
            illustration: link("/adfs/portal/illustration/illustration.png"),
        }
    });
    &LINKS
}

static ASSETS: LazyLock<Vec<Asset>> = LazyLock::new(|| {
    const STYLE: &[u8] = include_bytes!("../../assets/css/style.css");
    let files: [(&str, &str, &[u8]); 8] = [
        ("/adfs/portal/css/style.css", "text/css; charset=utf-8", STYLE),
        // The sheet is written with logical sides and so serves both directions of writing.
        ("/adfs/portal/css/style.rtl.css", "text/css; charset=utf-8", STYLE),
        ("/adfs/portal/css/xray.css", "text/css; charset=utf-8", include_bytes!("../../assets/css/xray.css")),
        ("/adfs/portal/logo/logo.png", "image/png", include_bytes!("../../assets/logo/logo.png")),
        (
            "/adfs/portal/illustration/illustration.png",
            "image/png",
            include_bytes!("../../assets/illustration/illustration.png"),
        ),
        ("/adfs/portal/images/idp/idp.png", "image/png", include_bytes!("../../assets/images/idp/idp.png")),
        (
            "/adfs/portal/images/idp/localsts.png",
            "image/png",
            include_bytes!("../../assets/images/idp/localsts.png"),
        ),
        ("/adfs/portal/script/onload.js", "text/javascript; charset=utf-8", ONLOAD_SCRIPT.as_bytes()),
    ];
    files
        .into_iter()
        .map(|(path, content_type, bytes)| Asset { path, bytes, content_type, etag: upper_hex(bytes) })
        .collect()
});

fn upper_hex(bytes: &[u8]) -> String {
    digest(&SHA256, bytes).as_ref().iter().map(|byte| format!("{byte:02X}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_found_in_any_case_and_nothing_else_is() {
        let style = find("/ADFS/portal/CSS/Style.css").unwrap();
        assert_eq!(style.path, "/adfs/portal/css/style.css");
        for path in [
            "/adfs/portal/",
            "/adfs/portal/css/../css/style.css",
            "style.css",
            "",
            "/adfs/portal/css/style.css/",
        ] {
            assert!(find(path).is_none(), "{path}");
        }
    }

    #[test]
    fn the_etag_is_the_sha_256_in_upper_case_hex() {
        assert_eq!(upper_hex(b"abc"), "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD");
        for link in [&links().style, &links().xray_style, &links().logo, &links().illustration] {
            let (path, id) = link.split_once("?id=").unwrap();
            assert_eq!(find(path).unwrap().etag, id);
        }
    }

    #[test]
    fn the_bytes_are_what_the_path_and_the_content_type_say() {
        for asset in ASSETS.iter() {
            let png = asset.bytes.starts_with(b"\x89PNG\r\n\x1a\n");
            assert_eq!(asset.path.ends_with(".png"), png, "{}", asset.path);
            assert_eq!(asset.content_type == "image/png", png, "{}", asset.path);
        }
    }

    /// No font, picture or script comes from anywhere else: the policy would block it, and nobody learns who
    /// signs in.
    #[test]
    fn nothing_is_loaded_from_other_hosts() {
        for asset in ASSETS.iter().filter(|asset| !asset.path.ends_with(".png")) {
            let text = std::str::from_utf8(asset.bytes).unwrap();
            assert!(!text.contains("://") && !text.contains("@import"), "{}", asset.path);
        }
    }
}
