//! Cookies with AD FS's names: `Path=/adfs; Secure; HttpOnly; SameSite=None`, large values split at about
//! 2,000 characters over `Name`, `Name1`, `Name2` …

use http::HeaderMap;
use http::header::COOKIE;

/// The sealed session.
pub(crate) const SESSION: &str = "MSISAuth";
/// When the person signed in, Base64 of the time in US form.
pub(crate) const AUTHENTICATED: &str = "MSISAuthenticated";
/// A SAML request that came by POST and waits for the person, sealed.
pub(crate) const SAML_REQUEST: &str = "MSISSamlRequest";

/// Characters of one part of a split cookie.
const PART: usize = 2_000;
/// Parts of one value: 8,000 characters. Browsers keep at most 4,096 bytes a cookie.
const PARTS: usize = 4;

/// The value of a cookie, joined from its parts; `None` when there is none, or more than one of a name.
pub(crate) fn read(headers: &HeaderMap, name: &str) -> Option<String> {
    let mut value = single(headers, name)?.to_owned();
    for part in 1..PARTS {
        match single(headers, &format!("{name}{part}")) {
            Some(more) => value.push_str(more),
            None => break,
        }
    }
    Some(value).filter(|value| !value.is_empty())
}

/// Whether the request carries a cookie of this name at all.
pub(crate) fn is_present(headers: &HeaderMap, name: &str) -> bool {
    pairs(headers).any(|(known, _)| known == name)
}

fn single<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut found = pairs(headers).filter(|(known, _)| *known == name).map(|(_, value)| value);
    let value = found.next()?;
    found.next().is_none().then_some(value)
}

fn pairs(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|header| header.to_str().ok())
        .flat_map(|header| header.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
}

/// `Set-Cookie` values that set a value and delete the parts of a longer one that the browser still has.
/// `None` when the value is too large to be kept by a browser.
pub(crate) fn set(headers: &HeaderMap, name: &str, path: &str, value: &str) -> Option<Vec<String>> {
    let mut lines = Vec::new();
    let mut rest = value;
    for part in 0..PARTS {
        let name = part_name(name, part);
        if rest.is_empty() {
            if part > 0 && is_present(headers, &name) {
                lines.push(delete_line(&name, path));
            }
            continue;
        }
        // Values are ASCII, so every offset is a character boundary.
        let (now, later) = rest.split_at_checked(PART.min(rest.len()))?;
        lines.push(format!("{name}={now}; path={path}; secure; HttpOnly; SameSite=None"));
        rest = later;
    }
    rest.is_empty().then_some(lines)
}

/// `Set-Cookie` values that delete a cookie and all its parts that the browser has.
pub(crate) fn delete(headers: &HeaderMap, name: &str, path: &str) -> Vec<String> {
    if !pairs(headers).any(|(known, _)| known.starts_with(name)) {
        return Vec::new();
    }
    (0..PARTS)
        .map(|part| part_name(name, part))
        .filter(|name| is_present(headers, name))
        .map(|name| delete_line(&name, path))
        .collect()
}

fn part_name(name: &str, part: usize) -> String {
    match part {
        0 => name.to_owned(),
        part => format!("{name}{part}"),
    }
}

fn delete_line(name: &str, path: &str) -> String {
    format!("{name}=; expires=Thu, 01 Jan 1970 00:00:00 GMT; path={path}; secure; HttpOnly; SameSite=None")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(cookie: &str) -> HeaderMap {
        HeaderMap::from_iter([(COOKIE, cookie.parse().unwrap())])
    }

    #[test]
    fn a_long_value_is_split_and_read_back() {
        let value = "x".repeat(4_500);
        let lines = set(&HeaderMap::new(), SESSION, "/adfs", &value).unwrap();
        assert_eq!(lines.len(), 3);
        let back: Vec<_> = lines.iter().map(|line| line.split(';').next().unwrap()).collect();
        assert_eq!(read(&sent(&back.join("; ")), SESSION).unwrap(), value);
        assert!(set(&HeaderMap::new(), SESSION, "/adfs", &"x".repeat(8_001)).is_none());
    }

    #[test]
    fn a_shorter_value_deletes_the_parts_of_the_longer_one() {
        let headers = sent("MSISAuth=a; MSISAuth1=b; MSISAuth2=c");
        let lines = set(&headers, SESSION, "/adfs", "short").unwrap();
        assert_eq!(lines.len(), 3);
        assert!(lines[1].starts_with("MSISAuth1=; expires=Thu, 01 Jan 1970"));
        assert_eq!(delete(&headers, SESSION, "/adfs").len(), 3);
    }

    #[test]
    fn a_cookie_sent_twice_is_no_cookie() {
        assert_eq!(read(&sent("MSISAuth=a; MSISAuth=b"), SESSION), None);
        assert_eq!(read(&sent("MSISAuth="), SESSION), None);
    }
}
