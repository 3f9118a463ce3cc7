//! How to reach the database: the text that `-SQLConnectionString` takes.
//!
//! Three spellings are read: a URL (`postgres://user@host/database?sslmode=verify-full`), libpq's keywords
//! (`host=db1,db2 dbname=fs user=fs`), and the one of AD FS's runbooks (`Data Source=db;Initial Catalog=fs;User
//! ID=fs`). An error names the key and never shows a value, since any value may hold a part of a password.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use base::Secret;
use percent_encoding::percent_decode_str;

/// Where the database is and how to speak to it.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Servers that hold the same database, host name or folder of a socket, and port. The first that accepts
    /// writes is used.
    pub hosts: Vec<(String, u16)>,
    /// Database.
    pub database: String,
    /// Role to sign in as.
    pub user: String,
    /// Its password; empty where the server asks for none.
    pub password: Secret,
    /// Protection of the connection.
    pub protection: Protection,
    /// PEM file of the authorities that may issue the server's certificate; `None` takes the system's.
    pub root_certificate: Option<PathBuf>,
    /// PEM files of this client's certificate and key.
    pub client_certificate: Option<(PathBuf, PathBuf)>,
    /// How long making a connection may take.
    pub connect_timeout: Duration,
    /// How long a statement may take before the server gives it up.
    pub statement_timeout: Duration,
    /// How many connections this node keeps at most, not counting the one that listens.
    pub connections: usize,
    /// Name that the database's administrator sees.
    pub application_name: String,
}

/// Protection of the connection, by libpq's names. There is no mode that falls back to plain text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protection {
    /// `disable`: plain text. The default on this machine.
    Plain,
    /// `require`: TLS, whatever the server's certificate.
    Encrypted,
    /// `verify-ca`: TLS, and a trusted authority issued the certificate.
    VerifiedAuthority,
    /// `verify-full`: the certificate also names the host. The default across a network.
    Verified,
}

/// The text cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("connection string, {key}: {problem}")]
pub struct SettingsError {
    /// The key as it was written.
    pub key: String,
    /// What is wrong, and what to write.
    pub problem: String,
}

/// What the keys mean. A key is compared without case, blanks, `_` and `-`.
const KEYS: &[(Setting, &[&str])] = &[
    (Setting::Host, &["host", "server", "datasource", "address", "addr", "networkaddress"]),
    (Setting::Port, &["port"]),
    (Setting::Database, &["dbname", "database", "initialcatalog"]),
    (Setting::User, &["user", "username", "userid", "uid"]),
    (Setting::Password, &["password", "pwd"]),
    (Setting::SslMode, &["sslmode"]),
    (Setting::Encrypt, &["encrypt"]),
    (Setting::TrustServerCertificate, &["trustservercertificate"]),
    (Setting::RootCertificate, &["sslrootcert", "rootcertificate"]),
    (Setting::ClientCertificate, &["sslcert", "sslcertificate"]),
    (Setting::ClientKey, &["sslkey"]),
    (Setting::ConnectTimeout, &["connecttimeout", "connectiontimeout", "timeout"]),
    (Setting::StatementTimeout, &["statementtimeout", "commandtimeout"]),
    (Setting::Connections, &["maximumpoolsize", "maxpoolsize"]),
    (Setting::ApplicationName, &["applicationname"]),
    (Setting::IntegratedSecurity, &["integratedsecurity", "trustedconnection"]),
];
const ALLOWED: &str = "Host, Port, Database, Username, Password, SSL Mode, SSL Root Cert, SSL Cert, SSL Key, \
                       Connect Timeout, Statement Timeout, Maximum Pool Size, Application Name";

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Setting {
    Host,
    Port,
    Database,
    User,
    Password,
    SslMode,
    Encrypt,
    TrustServerCertificate,
    RootCertificate,
    ClientCertificate,
    ClientKey,
    ConnectTimeout,
    StatementTimeout,
    Connections,
    ApplicationName,
    IntegratedSecurity,
}

impl FromStr for Settings {
    type Err = SettingsError;

    fn from_str(text: &str) -> Result<Self, SettingsError> {
        let text = text.trim();
        let url = ["postgres://", "postgresql://"].into_iter().find_map(|scheme| text.strip_prefix(scheme));
        let pairs = match url {
            Some(rest) => url_pairs(rest)?,
            None if is_semicolon_form(text) => semicolon_pairs(text)?,
            None => keyword_pairs(text)?,
        };
        let mut values = Values::default();
        let mut before: Option<&(String, String)> = None;
        for pair in &pairs {
            values.add(pair, before)?;
            before = Some(pair);
        }
        values.settings()
    }
}

/// Values by key, with the names as they were written.
#[derive(Default)]
struct Values(BTreeMap<Setting, (String, String)>);

impl Values {
    fn add(
        &mut self,
        pair: &(String, String),
        before: Option<&(String, String)>,
    ) -> Result<(), SettingsError> {
        let (name, value) = pair;
        let Some(key) = key(name) else {
            // Without quotes, a part of a password may have been taken for a key.
            return Err(
                match before
                    .filter(|(name, value)| key(name) == Some(Setting::Password) || value.contains('='))
                {
                    Some((name, _)) => {
                        error(name, "no key follows its value; a value with blanks or ';' needs quotes")
                    }
                    None => error(name, format!("there is no such key; there are {ALLOWED}")),
                },
            );
        };
        match self.0.insert(key, (name.clone(), value.clone())) {
            None => Ok(()),
            Some((before, _)) => Err(error(name, format!("it is given twice (before as '{before}')"))),
        }
    }

    fn take(&mut self, key: Setting) -> Option<(String, String)> {
        self.0.remove(&key).filter(|(_, value)| !value.is_empty())
    }

    fn required(&mut self, key: Setting, name: &str) -> Result<String, SettingsError> {
        match self.take(key) {
            Some((_, value)) => Ok(value),
            None => Err(error(name, "it is missing")),
        }
    }

    fn number(&mut self, key: Setting, default: u64, range: (u64, u64)) -> Result<u64, SettingsError> {
        let Some((name, value)) = self.take(key) else { return Ok(default) };
        let number = value.parse().ok().filter(|number| (range.0..=range.1).contains(number));
        number.ok_or_else(|| error(&name, format!("expected a number from {} to {}", range.0, range.1)))
    }

    fn flag(&mut self, key: Setting, yes: &[&str], no: &[&str]) -> Result<Option<bool>, SettingsError> {
        let Some((name, value)) = self.take(key) else { return Ok(None) };
        let is = |words: &[&str]| words.iter().any(|word| word.eq_ignore_ascii_case(&value));
        match (is(yes), is(no)) {
            (true, _) => Ok(Some(true)),
            (_, true) => Ok(Some(false)),
            _ => Err(error(&name, format!("expected one of {}, {}", yes.join(", "), no.join(", ")))),
        }
    }

    fn settings(mut self) -> Result<Settings, SettingsError> {
        let integrated = self.0.get(&Setting::IntegratedSecurity).map(|(name, _)| name.clone());
        if self.flag(Setting::IntegratedSecurity, &["true", "yes", "sspi"], &["false", "no"])? == Some(true) {
            let advice =
                "PostgreSQL has no Windows sign-in here; give Username and Password, or SSL Cert and SSL Key";
            return Err(error(&integrated.unwrap_or_default(), advice));
        }
        let port = self.number(Setting::Port, 5432, (1, 65535))?;
        let hosts = hosts(&self.required(Setting::Host, "Host")?, u16::try_from(port).unwrap_or(5432))?;
        let protection = self.protection(&hosts)?;
        let client_certificate = match (self.take(Setting::ClientCertificate), self.take(Setting::ClientKey))
        {
            (None, None) => None,
            (Some((_, certificate)), Some((_, key))) => Some((certificate.into(), key.into())),
            _ => return Err(error("SSL Cert", "SSL Cert and SSL Key are given together or not at all")),
        };
        let root = self.take(Setting::RootCertificate).filter(|(_, value)| value != "system");
        Ok(Settings {
            protection,
            client_certificate,
            root_certificate: root.map(|(_, value)| value.into()),
            database: self.required(Setting::Database, "Database")?,
            user: self.required(Setting::User, "Username")?,
            password: Secret::new(self.take(Setting::Password).map(|(_, value)| value).unwrap_or_default()),
            connect_timeout: Duration::from_secs(self.number(Setting::ConnectTimeout, 5, (1, 300))?),
            statement_timeout: Duration::from_secs(self.number(Setting::StatementTimeout, 10, (1, 600))?),
            connections: usize::try_from(self.number(Setting::Connections, 10, (1, 1000))?).unwrap_or(10),
            application_name: self
                .take(Setting::ApplicationName)
                .map_or_else(|| "sekisho".to_owned(), |(_, value)| value),
            hosts,
        })
    }

    fn protection(&mut self, hosts: &[(String, u16)]) -> Result<Protection, SettingsError> {
        let encrypt =
            self.flag(Setting::Encrypt, &["true", "yes", "mandatory", "strict"], &["false", "no"])?;
        let trust = self.flag(Setting::TrustServerCertificate, &["true", "yes"], &["false", "no"])?;
        if let Some((name, value)) = self.take(Setting::SslMode) {
            return match value.to_ascii_lowercase().replace('-', "").as_str() {
                "disable" => Ok(Protection::Plain),
                // With an authority to check against, libpq checks too.
                "require" if self.0.contains_key(&Setting::RootCertificate) => {
                    Ok(Protection::VerifiedAuthority)
                }
                "require" => Ok(Protection::Encrypted),
                "verifyca" => Ok(Protection::VerifiedAuthority),
                "verifyfull" => Ok(Protection::Verified),
                "prefer" | "allow" => Err(error(
                    &name,
                    "this mode falls back to plain text without a word; choose disable, require, verify-ca or verify-full",
                )),
                _ => Err(error(&name, "expected disable, require, verify-ca or verify-full")),
            };
        }
        match (encrypt, trust) {
            (Some(false), _) => Ok(Protection::Plain),
            (_, Some(true)) => Ok(Protection::Encrypted),
            (Some(true), _) => Ok(Protection::Verified),
            (None, _) if hosts.iter().all(|(host, _)| is_this_machine(host)) => Ok(Protection::Plain),
            (None, _) => Ok(Protection::Verified),
        }
    }
}

fn key(name: &str) -> Option<Setting> {
    let blank = |c: &char| matches!(c, ' ' | '_' | '-');
    let plain: String = name.chars().filter(|c| !blank(c)).map(|c| c.to_ascii_lowercase()).collect();
    KEYS.iter().find(|(_, names)| names.contains(&plain.as_str())).map(|(key, _)| *key)
}

fn is_this_machine(host: &str) -> bool {
    host.starts_with('/')
        || host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// `db1`, `db1,db2`, `db1:5433,db2`, `[::1]:5433`, and SQL Server's `tcp:db1,5433`.
fn hosts(text: &str, port: u16) -> Result<Vec<(String, u16)>, SettingsError> {
    let wrong = |problem: &str| error("Host", problem);
    let text = text.strip_prefix("tcp:").unwrap_or(text);
    if let Some((host, number)) = text.split_once(',')
        && let Ok(port) = number.trim().parse()
    {
        return Ok(vec![(host.trim().to_owned(), port)]);
    }
    text.split(',')
        .map(str::trim)
        .map(|part| match part {
            "" => Err(wrong("a name in the list is empty")),
            _ if part.starts_with('/') => Ok((part.to_owned(), port)),
            _ if part.contains('\\') => {
                Err(wrong("SQL Server's instance names mean nothing to PostgreSQL; give host and port"))
            }
            _ if part.contains(|c: char| c.is_whitespace() || "=/@".contains(c)) => Err(wrong(
                "expected host names separated by commas; is a value with blanks or ';' without quotes?",
            )),
            _ => {
                let (host, given) = match part.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
                    Some((address, "")) => (address, None),
                    Some((address, rest)) => (address, Some(rest.strip_prefix(':').unwrap_or(rest))),
                    None if part.parse::<IpAddr>().is_ok() => (part, None),
                    None => part.split_once(':').map_or((part, None), |(host, port)| (host, Some(port))),
                };
                let port = given
                    .map_or(Ok(port), str::parse)
                    .map_err(|_| wrong("the port is not a number from 1 to 65535"))?;
                Ok((host.to_owned(), port))
            }
        })
        .collect()
}

type Pairs = Vec<(String, String)>;

fn url_pairs(rest: &str) -> Result<Pairs, SettingsError> {
    let decode = |name: &str, text: &str| match percent_decode_str(text).decode_utf8() {
        Ok(text) => Ok((name.to_owned(), text.into_owned())),
        Err(_) => Err(error(name, "a percent-encoded part is not UTF-8")),
    };
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
    let (user, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
    let (user, password) = user.split_once(':').unwrap_or((user, ""));
    let parts = [("Host", hosts), ("Database", database), ("Username", user), ("Password", password)];
    let given = parts.into_iter().filter(|(_, text)| !text.is_empty());
    let mut pairs = given.map(|(name, text)| decode(name, text)).collect::<Result<Pairs, _>>()?;
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').ok_or_else(|| error("parameters", "expected name=value"))?;
        pairs.push(decode(name, value)?);
    }
    Ok(pairs)
}

/// The runbooks' form has `;` between pairs, and keys of several words.
fn is_semicolon_form(text: &str) -> bool {
    let mut quote = None;
    for c in text.chars() {
        match (quote, c) {
            (None, '\'' | '"') => quote = Some(c),
            (None, ';') => return true,
            (Some(open), _) if open == c => quote = None,
            _ => {}
        }
    }
    text.split_once('=').is_some_and(|(key, _)| key.trim().contains(' '))
}

/// `Key Word=value;Key="a;b"`; a doubled quote within quotes is one.
fn semicolon_pairs(text: &str) -> Result<Pairs, SettingsError> {
    let mut pairs = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches(|c: char| c == ';' || c.is_whitespace());
        if rest.is_empty() {
            return Ok(pairs);
        }
        let (key, after) = rest.split_once('=').ok_or_else(|| between(&pairs, "expected Key=value;"))?;
        let key = key.trim().to_owned();
        let after = after.trim_start();
        let quoted = after.chars().next().filter(|c| matches!(c, '"' | '\''));
        let value = match quoted {
            None => {
                let (value, next) = after.split_once(';').unwrap_or((after, ""));
                rest = next;
                value.trim_end().to_owned()
            }
            Some(quote) => {
                let (value, next) =
                    quoted_value(after, quote).ok_or_else(|| error(&key, "the closing quote is missing"))?;
                rest = next;
                if !matches!(rest.trim_start().chars().next(), None | Some(';')) {
                    return Err(error(&key, "expected ';' after the closing quote"));
                }
                value
            }
        };
        pairs.push((key, value));
    }
}

fn quoted_value(text: &str, quote: char) -> Option<(String, &str)> {
    let mut rest = text.strip_prefix(quote)?;
    let mut value = String::new();
    loop {
        let (part, next) = rest.split_once(quote)?;
        value.push_str(part);
        match next.strip_prefix(quote) {
            None => return Some((value, next)),
            Some(next) => {
                value.push(quote);
                rest = next;
            }
        }
    }
}

/// libpq's `key=value key='quoted \' value'`, as in PostgreSQL's documentation, 34.1.1.1.
fn keyword_pairs(text: &str) -> Result<Pairs, SettingsError> {
    let mut pairs = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (key, after) = rest.split_once('=').ok_or_else(|| between(&pairs, "expected key=value"))?;
        let key = key.trim().to_owned();
        if key.contains(char::is_whitespace) {
            return Err(between(&pairs, "expected key=value"));
        }
        let after = after.trim_start();
        let (quoted, body) = after.strip_prefix('\'').map_or((false, after), |body| (true, body));
        let mut value = String::new();
        let mut characters = body.char_indices();
        let end = loop {
            match characters.next() {
                None if quoted => return Err(error(&key, "the closing quote is missing")),
                None => break body.len(),
                Some((_, '\\')) => value.extend(characters.next().map(|(_, escaped)| escaped)),
                Some((at, '\'')) if quoted => break at.saturating_add(1),
                Some((at, c)) if !quoted && c.is_whitespace() => break at,
                Some((_, c)) => value.push(c),
            }
        };
        rest = body.get(end..).unwrap_or_default().trim_start();
        pairs.push((key, value));
    }
    Ok(pairs)
}

fn error(key: &str, problem: impl Into<String>) -> SettingsError {
    // What was taken for a key may be a part of a password when quotes are missing.
    let sound = key.len() <= 40 && key.chars().all(|c| c.is_ascii_alphanumeric() || " _-".contains(c));
    let key = if sound { key } else { "a key" };
    SettingsError { key: key.to_owned(), problem: problem.into() }
}

/// An error at a place that has no key of its own.
fn between(pairs: &Pairs, problem: &str) -> SettingsError {
    match pairs.last() {
        Some((key, _)) => {
            error(key, format!("{problem} after its value; a value with blanks or ';' needs quotes"))
        }
        None => error("start", problem),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Settings {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    fn refusal(text: &str) -> String {
        text.parse::<Settings>().map(|_| ()).unwrap_err().to_string()
    }

    #[test]
    fn the_three_spellings_mean_the_same() {
        for text in [
            "postgres://fs:p%40ss%3Bw%20d@db.contoso.com:5433/farm",
            "postgresql://db.contoso.com/farm?user=fs&password=p%40ss%3bw%20d&port=5433",
            r"host=db.contoso.com port = 5433 user='fs' dbname=farm password='p@ss;w d'",
            "Host=db.contoso.com;Port=5433;Database=farm;Username=fs;Password=\"p@ss;w d\"",
            "Data Source=tcp:db.contoso.com,5433; Initial Catalog = farm ;User ID=fs;PWD='p@ss;w d';Integrated Security=False;",
        ] {
            let settings = read(text);
            assert_eq!(settings.hosts, [("db.contoso.com".to_owned(), 5433)], "{text}");
            assert_eq!((settings.database.as_str(), settings.user.as_str()), ("farm", "fs"), "{text}");
            assert_eq!(settings.password.expose(), "p@ss;w d", "{text}");
            assert_eq!(settings.protection, Protection::Verified, "{text}");
        }
    }

    #[test]
    fn quotes_and_escapes_are_those_of_each_spelling() {
        let settings = read(r"host=db dbname=farm user=fs password='it\'s \\ here'");
        assert_eq!(settings.password.expose(), r"it's \ here");
        let settings = read(r#"Host=db;Database=farm;Username=fs;Password="say ""hi"""; "#);
        assert_eq!(settings.password.expose(), r#"say "hi""#);
    }

    #[test]
    fn several_hosts_and_addresses() {
        let hosts = |text: &str| read(&format!("postgres://fs@{text}/farm?port=6000")).hosts;
        let pair = |host: &str, port| (host.to_owned(), port);
        assert_eq!(hosts("a,b:7000"), [pair("a", 6000), pair("b", 7000)]);
        assert_eq!(hosts("[::1]:7000"), [pair("::1", 7000)]);
        assert_eq!(hosts("%2Frun%2Fpostgresql"), [pair("/run/postgresql", 6000)]);
        assert_eq!(read("host=::1 dbname=farm user=fs").hosts, [pair("::1", 5432)]);
    }

    #[test]
    fn nothing_crosses_a_network_in_plain_text_unasked() {
        let protection =
            |host: &str, more: &str| read(&format!("host={host} dbname=f user=u {more}")).protection;
        assert_eq!(protection("db", ""), Protection::Verified);
        assert_eq!(protection("127.0.0.1,db", ""), Protection::Verified);
        assert_eq!(protection("127.0.0.1,/run/postgresql,localhost", ""), Protection::Plain);
        assert_eq!(protection("db", "sslmode=disable"), Protection::Plain);
        assert_eq!(protection("db", "sslmode=require"), Protection::Encrypted);
        assert_eq!(protection("db", "sslmode=require sslrootcert=/ca.pem"), Protection::VerifiedAuthority);
        assert_eq!(
            read("Host=db;Database=f;UID=u;SSL Mode=VerifyCA").protection,
            Protection::VerifiedAuthority
        );
        assert_eq!(read("Server=db;Database=f;UID=u;Encrypt=True").protection, Protection::Verified);
        let trusting = read("Server=db;Database=f;UID=u;Encrypt=True;TrustServerCertificate=True");
        assert_eq!(trusting.protection, Protection::Encrypted);
        assert!(refusal("host=db dbname=f user=u sslmode=prefer").contains("falls back"));
    }

    #[test]
    fn errors_name_the_key_and_show_no_value() {
        for (text, key) in [
            ("", "Host"),
            ("hunter2", "start"),
            ("Host=db;Database=farm;Password=hunter2", "Username"),
            ("Host=db;Username=fs;Password=hunter2", "Database"),
            ("Database=farm;Username=fs;Password=hunter2", "Host"),
            ("Host=db;Database=farm;Username=fs;Passwort=hunter2", "Passwort"),
            ("Host=db;Server=hunter2;Database=farm;Username=fs", "Server"),
            ("Host=db;Port=hunter2;Database=farm;Username=fs", "Port"),
            ("Host=db;Port=0;Database=farm;Username=fs", "Port"),
            ("Host=db;Database=farm;Username=fs;Password=\"hunter2", "Password"),
            ("Host=db;Database=farm;Username=fs;Password=\"hunter2\"x", "Password"),
            ("Host=db;Database=farm;Username=fs;Password=a;hunter2", "Password"),
            ("host=db dbname=farm user=fs password=my hunter2", "password"),
            ("host=db password=a;hunter2 dbname=farm user=fs", "Host"),
            ("host=db dbname=farm user=fs password='hunter2", "password"),
            ("host=db dbname=farm user=fs sslmode=hunter2", "sslmode"),
            ("host=db dbname=farm user=fs connect_timeout=hunter2", "connect_timeout"),
            ("host=db dbname=farm user=fs sslcert=hunter2", "SSL Cert"),
            ("Data Source=db\\hunter2;Initial Catalog=farm;User ID=fs", "Host"),
            ("Data Source=db;Initial Catalog=hunter2;Integrated Security=True", "Integrated Security"),
            ("postgres://fs:hunter2@db", "Database"),
            ("postgres://fs:%ffhunter2@db/farm", "Password"),
        ] {
            let error = text.parse::<Settings>().map(|_| ()).unwrap_err();
            assert!(!error.to_string().contains("hunter2"), "{error}");
            assert!(error.key.eq_ignore_ascii_case(key), "{text}: {error}");
        }
        let settings = read("Host=db;Database=farm;Username=fs;Password=hunter2");
        assert!(!format!("{settings:?}").contains("hunter2"));
    }
}
