//! Short names of well-known claim types, as claim descriptions call them.

use crate::pages::language::Language;

/// The subject matter of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ClaimGroup {
    Identity,
    Groups,
    Authentication,
    Request,
    Other,
}

/// Name and group of a claim type. An unknown type is called by the last part of its URI.
pub(super) fn claim_name(claim_type: &str, language: Language) -> (&str, ClaimGroup) {
    for (group, prefix, names) in NAMES {
        let Some(rest) = claim_type.strip_prefix(prefix) else { continue };
        if let Some((_, english, japanese)) = names.iter().find(|(last, ..)| *last == rest) {
            let name = match language {
                Language::English => english,
                Language::Japanese => japanese,
            };
            return (name, *group);
        }
    }
    let group = if claim_type.starts_with(REQUEST) || claim_type.starts_with(DEVICE) {
        ClaimGroup::Request
    } else {
        ClaimGroup::Other
    };
    (short_name(claim_type), group)
}

/// What follows the last `/`, `#` or `:`.
pub(super) fn short_name(uri: &str) -> &str {
    uri.rsplit(['/', '#', ':']).find(|part| !part.is_empty()).unwrap_or(uri)
}

const SOAP_2005: &str = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/";
const MICROSOFT_2008: &str = "http://schemas.microsoft.com/ws/2008/06/identity/claims/";
const SOAP: &str = "http://schemas.xmlsoap.org/claims/";
const MICROSOFT: &str = "http://schemas.microsoft.com/claims/";
const MICROSOFT_2012: &str = "http://schemas.microsoft.com/ws/2012/01/";
const REQUEST: &str = "http://schemas.microsoft.com/2012/01/requestcontext/claims/";
const REQUEST_2014: &str = "http://schemas.microsoft.com/2014/09/requestcontext/claims/";
const DEVICE: &str = "http://schemas.microsoft.com/2012/01/devicecontext/claims/";

/// Last part of the URI, English, Japanese.
type Name = (&'static str, &'static str, &'static str);

#[rustfmt::skip]
const NAMES: &[(ClaimGroup, &str, &[Name])] = &[
    (ClaimGroup::Identity, SOAP_2005, &[
        ("upn", "UPN", "UPN"),
        ("implicitupn", "Implicit UPN", "暗黙の UPN"),
        ("name", "Name", "名前"),
        ("emailaddress", "E-Mail Address", "電子メール アドレス"),
        ("givenname", "Given Name", "名"),
        ("surname", "Surname", "姓"),
        ("nameidentifier", "Name ID", "名前 ID"),
        ("privatepersonalidentifier", "PPID", "PPID"),
    ]),
    (ClaimGroup::Identity, SOAP, &[
        ("CommonName", "Common Name", "共通名"),
        ("EmailAddress", "AD FS 1.x E-Mail Address", "AD FS 1.x 電子メール アドレス"),
        ("UPN", "AD FS 1.x UPN", "AD FS 1.x UPN"),
    ]),
    (ClaimGroup::Identity, MICROSOFT_2008, &[
        ("windowsaccountname", "Windows account name", "Windows アカウント名"),
        ("primarysid", "Primary SID", "プライマリ SID"),
    ]),
    (ClaimGroup::Groups, SOAP, &[
        ("Group", "Group", "グループ"),
    ]),
    (ClaimGroup::Groups, MICROSOFT_2008, &[
        ("role", "Role", "役割"),
        ("groupsid", "Group SID", "グループ SID"),
        ("primarygroupsid", "Primary group SID", "プライマリ グループ SID"),
        ("denyonlyprimarysid", "Deny only primary SID", "拒否専用プライマリ SID"),
        ("denyonlyprimarygroupsid", "Deny only primary group SID", "拒否専用プライマリ グループ SID"),
    ]),
    (ClaimGroup::Groups, SOAP_2005, &[
        ("denyonlysid", "Deny only group SID", "拒否専用グループ SID"),
    ]),
    (ClaimGroup::Authentication, MICROSOFT_2008, &[
        ("authenticationmethod", "Authentication method", "認証方法"),
        ("authenticationinstant", "Authentication time stamp", "認証タイムスタンプ"),
    ]),
    (ClaimGroup::Authentication, MICROSOFT, &[
        ("authnmethodsreferences", "Authentication Methods References", "認証方法参照"),
    ]),
    (ClaimGroup::Authentication, MICROSOFT_2012, &[
        ("passwordexpirationtime", "Password Expiration Time", "パスワードの有効期限"),
        ("passwordexpirationdays", "Password Expiration Days", "パスワードの有効日数"),
        ("passwordchangeurl", "Update Password URL", "パスワード更新 URL"),
    ]),
    (ClaimGroup::Request, MICROSOFT_2012, &[
        ("insidecorporatenetwork", "Inside Corporate Network", "企業ネットワーク内"),
    ]),
    (ClaimGroup::Request, REQUEST, &[
        ("x-ms-client-ip", "Client IP", "クライアント IP"),
        ("x-ms-forwarded-client-ip", "Forwarded Client IP", "転送されたクライアント IP"),
        ("x-ms-client-application", "Client Application", "クライアント アプリケーション"),
        ("x-ms-client-user-agent", "Client User Agent", "クライアント ユーザー エージェント"),
        ("x-ms-endpoint-absolute-path", "Endpoint Path", "エンドポイント パス"),
        ("x-ms-proxy", "Proxy", "プロキシ"),
        ("relyingpartytrustid", "Relying Party", "証明書利用者"),
        ("client-request-id", "Client Request ID", "クライアント要求 ID"),
    ]),
    (ClaimGroup::Request, REQUEST_2014, &[
        ("userip", "User IP", "ユーザー IP"),
    ]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn well_known_types_have_their_names_in_both_languages() {
        assert_eq!(
            claim_name(claims::types::EMAIL, Language::English),
            ("E-Mail Address", ClaimGroup::Identity)
        );
        assert_eq!(
            claim_name(claims::types::GROUP_SID, Language::Japanese),
            ("グループ SID", ClaimGroup::Groups)
        );
        assert_eq!(claim_name(claims::types::USER_IP, Language::English), ("User IP", ClaimGroup::Request));
    }

    #[test]
    fn unknown_types_are_called_by_the_end_of_their_uri() {
        for (uri, name) in [
            ("https://aws.amazon.com/SAML/Attributes/RoleSessionName", "RoleSessionName"),
            ("urn:oid:2.5.4.42", "2.5.4.42"),
            ("http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", "rsa-sha256"),
            ("uid", "uid"),
            ("https://example.com/", "example.com"),
            ("", ""),
            ("///", "///"),
        ] {
            assert_eq!(claim_name(uri, Language::English), (name, ClaimGroup::Other), "{uri}");
        }
    }
}
