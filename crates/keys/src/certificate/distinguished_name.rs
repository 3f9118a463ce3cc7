//! Distinguished names as Windows writes them: `CN=fs.contoso.com, O=Contoso, C=US`.
//!
//! The order is the reverse of the encoding, as X500DistinguishedName prints it (CertNameToStr with
//! CERT_X500_NAME_STR and CERT_NAME_STR_REVERSE_FLAG).

use std::fmt::Write;

use x509_parser::x509::{AttributeTypeAndValue, X509Name};

/// The names that Windows has for attribute types; others are written `OID.1.2.3`.
const KEYS: &[(&str, &str)] = &[
    ("2.5.4.3", "CN"),
    ("2.5.4.4", "SN"),
    ("2.5.4.5", "SERIALNUMBER"),
    ("2.5.4.6", "C"),
    ("2.5.4.7", "L"),
    ("2.5.4.8", "S"),
    ("2.5.4.9", "STREET"),
    ("2.5.4.10", "O"),
    ("2.5.4.11", "OU"),
    ("2.5.4.12", "T"),
    ("2.5.4.13", "Description"),
    ("2.5.4.17", "PostalCode"),
    ("2.5.4.18", "POBox"),
    ("2.5.4.20", "Phone"),
    ("2.5.4.42", "G"),
    ("2.5.4.43", "I"),
    ("2.5.4.46", "dnQualifier"),
    ("1.2.840.113549.1.9.1", "E"),
    ("0.9.2342.19200300.100.1.25", "DC"),
];

/// The name in Windows's notation; empty for an empty name.
pub(crate) fn windows_name(name: &X509Name<'_>) -> String {
    let mut relative: Vec<_> = name.iter_rdn().collect();
    relative.reverse();
    let relative = relative.iter().map(|rdn| rdn.iter().map(attribute).collect::<Vec<_>>().join(" + "));
    relative.collect::<Vec<_>>().join(", ")
}

fn attribute(attribute: &AttributeTypeAndValue<'_>) -> String {
    let oid = attribute.attr_type().to_id_string();
    let value = value(attribute);
    match KEYS.iter().find(|(known, _)| *known == oid) {
        Some((_, key)) => format!("{key}={value}"),
        None => format!("OID.{oid}={value}"),
    }
}

fn value(attribute: &AttributeTypeAndValue<'_>) -> String {
    let encoded = attribute.attr_value();
    match text(encoded.tag().0, encoded.data) {
        Some(text) => quoted(&text),
        None => encoded.data.iter().fold("#".to_owned(), |mut hex, octet| {
            // Writing to a string does not fail.
            let _ = write!(hex, "{octet:02X}");
            hex
        }),
    }
}

/// The text of the ASN.1 string types that names are made of.
fn text(tag: u32, octets: &[u8]) -> Option<String> {
    match tag {
        // UTF8String, NumericString, PrintableString, IA5String, VisibleString.
        12 | 18 | 19 | 22 | 26 => std::str::from_utf8(octets).ok().map(str::to_owned),
        // TeletexString, which everyone fills with Latin-1.
        20 => Some(octets.iter().map(|octet| char::from(*octet)).collect()),
        // BMPString.
        30 => {
            let (units, []) = octets.as_chunks::<2>() else { return None };
            char::decode_utf16(units.iter().map(|unit| u16::from_be_bytes(*unit)))
                .collect::<Result<_, _>>()
                .ok()
        }
        _ => None,
    }
}

/// In quotation marks, doubled inside, if the value could be taken for several.
fn quoted(value: &str) -> String {
    let special = |c| matches!(c, ',' | '+' | '=' | '"' | '\n' | '<' | '>' | '#' | ';');
    match value.is_empty() || value.contains(special) || value.trim() != value {
        true => format!("\"{}\"", value.replace('"', "\"\"")),
        false => value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use rcgen::string::{BmpString, TeletexString};
    use rcgen::{CertificateParams, DistinguishedName, DnType, DnValue, KeyPair};
    use x509_parser::prelude::{FromDer, X509Certificate};

    use super::*;

    fn name(attributes: Vec<(DnType, DnValue)>) -> String {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        for (kind, value) in attributes {
            params.distinguished_name.push(kind, value);
        }
        let der = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        let (_, parsed) = X509Certificate::from_der(der.der()).unwrap();
        windows_name(parsed.subject())
    }

    #[test]
    fn the_common_name_comes_first_as_in_windows() {
        let written = name(vec![
            (DnType::CountryName, "US".into()),
            (DnType::StateOrProvinceName, "WA".into()),
            (DnType::OrganizationName, "Contoso, Ltd.".into()),
            (DnType::CustomDnType(vec![2, 5, 4, 15]), "Private Organization".into()),
            (DnType::CustomDnType(vec![1, 2, 840, 113_549, 1, 9, 1]), "pki@contoso.com".into()),
            (DnType::CommonName, "fs.contoso.com".into()),
        ]);
        assert_eq!(
            written,
            "CN=fs.contoso.com, E=pki@contoso.com, OID.2.5.4.15=Private Organization, O=\"Contoso, Ltd.\", S=WA, C=US"
        );
    }

    #[test]
    fn a_value_that_could_be_taken_for_several_is_quoted() {
        for (value, expected) in [
            ("a=b", "CN=\"a=b\""),
            ("He said \"no\"", "CN=\"He said \"\"no\"\"\""),
            (" x", "CN=\" x\""),
            ("#1", "CN=\"#1\""),
            ("a\\b/c", "CN=a\\b/c"),
            ("関所", "CN=関所"),
        ] {
            assert_eq!(name(vec![(DnType::CommonName, value.into())]), expected);
        }
    }

    #[test]
    fn the_string_types_of_old_authorities_are_read() {
        let bmp = DnValue::BmpString(BmpString::try_from("Prüfstelle").unwrap());
        let teletex = DnValue::TeletexString(TeletexString::try_from("Old CA").unwrap());
        let written = name(vec![(DnType::OrganizationName, teletex), (DnType::CommonName, bmp)]);
        assert_eq!(written, "CN=Prüfstelle, O=Old CA");
        assert_eq!(text(30, &[0xd8, 0x00]), None);
        assert_eq!(text(30, &[0]), None);
        assert_eq!(text(12, &[0xff]), None);
        assert_eq!(text(4, b"x"), None);
    }
}
