//! HTTP/1.1 over the node's Unix socket: one connection for each request, bounded answers.

use std::cell::RefCell;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Administration, AdministrationError, Change, Changed, Node, Refused, Selection, Stored};

/// A change may wait for a key to be made, or for a port.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Largest answer: a page of 1,000 trusts with their rules.
const MAX_BODY: u64 = 64 << 20;
/// Longest line of the head, and most lines.
const MAX_LINE: u64 = 8 << 10;
const MAX_HEADERS: usize = 64;
/// Objects asked for at once.
const PAGE: usize = 500;

/// The socket of the system's service.
pub const SERVICE: &str = "/run/sekisho/admin.sock";

/// Where the socket is: as the environment says, else the service's, else that of a demo started here.
pub fn socket_path(environment: Option<&str>) -> PathBuf {
    const DEMO: &str = "./sekisho-demo/admin.sock";
    match environment.filter(|path| !path.is_empty()) {
        Some(path) => PathBuf::from(path),
        None if !Path::new(SERVICE).exists() && Path::new(DEMO).exists() => PathBuf::from(DEMO),
        None => PathBuf::from(SERVICE),
    }
}

/// The interface behind a socket.
#[derive(Debug, Clone)]
pub struct SocketAdministration {
    path: PathBuf,
    cmdlet: RefCell<String>,
}

struct Answer {
    status: u16,
    body: Value,
}

#[derive(Deserialize)]
struct Page {
    objects: Vec<Stored>,
    #[serde(default)]
    next: Option<String>,
}

impl SocketAdministration {
    /// Nothing is opened before the first call.
    pub fn new(path: PathBuf) -> Self {
        Self { path, cmdlet: RefCell::default() }
    }

    fn send(
        &self,
        method: &str,
        target: &str,
        condition: Option<(&str, String)>,
        body: Option<&Value>,
    ) -> Result<Value, AdministrationError> {
        let answer = self.exchange(method, target, condition, body)?;
        if (200..300).contains(&answer.status) {
            return Ok(answer.body);
        }
        let error = answer.body.get("error").cloned().unwrap_or_default();
        let mut refused: Refused = match error {
            Value::Null => Refused::default(),
            error => serde_json::from_value(error).map_err(unreadable)?,
        };
        refused.status = answer.status;
        Err(AdministrationError::Refused(Box::new(refused)))
    }

    fn exchange(
        &self,
        method: &str,
        target: &str,
        condition: Option<(&str, String)>,
        body: Option<&Value>,
    ) -> Result<Answer, AdministrationError> {
        let unreachable = |error: std::io::Error| AdministrationError::Unreachable {
            address: self.path.display().to_string(),
            reason: error.to_string(),
        };
        let mut stream = UnixStream::connect(&self.path).map_err(unreachable)?;
        stream.set_read_timeout(Some(TIMEOUT)).map_err(unreachable)?;
        stream.set_write_timeout(Some(TIMEOUT)).map_err(unreachable)?;
        let body = body.map(ToString::to_string).unwrap_or_default();
        let mut head = format!("{method} {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n");
        let cmdlet = self.cmdlet.borrow();
        if !cmdlet.is_empty() {
            head.push_str(&format!("Sekisho-Cmdlet: {cmdlet}\r\n"));
        }
        if let Some((name, value)) = condition {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if !body.is_empty() {
            let media = if method == "PATCH" { "application/merge-patch+json" } else { "application/json" };
            head.push_str(&format!("Content-Type: {media}\r\n"));
        }
        head.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
        stream.write_all(head.as_bytes()).map_err(unreachable)?;
        read_answer(&mut BufReader::new(stream)).map_err(unreachable)
    }
}

fn unreadable(error: serde_json::Error) -> AdministrationError {
    AdministrationError::Answer(error.to_string())
}

/// Reads status, headers and a body with a length, in chunks, or up to the end.
fn read_answer(stream: &mut impl BufRead) -> std::io::Result<Answer> {
    let invalid = |text: &str| std::io::Error::new(std::io::ErrorKind::InvalidData, text.to_owned());
    let status_line = line(stream)?;
    let status = status_line.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status: u16 = status.ok_or_else(|| invalid("what answers does not speak HTTP"))?;
    let (mut length, mut chunked) = (None, false);
    for count in 0.. {
        let header = line(stream)?;
        let Some((name, value)) = header.split_once(':') else { break };
        if count >= MAX_HEADERS {
            return Err(invalid("the answer has too many headers"));
        }
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse::<u64>().ok(),
            "transfer-encoding" => chunked = value.trim().eq_ignore_ascii_case("chunked"),
            _ => {}
        }
    }
    let mut body = Vec::new();
    if chunked {
        loop {
            let size = line(stream)?;
            let size = size.split(';').next().unwrap_or_default().trim();
            let size =
                u64::from_str_radix(size, 16).map_err(|_| invalid("a chunk of the answer has no length"))?;
            let total = u64::try_from(body.len()).unwrap_or(u64::MAX).saturating_add(size);
            if total > MAX_BODY {
                return Err(invalid("the answer is too large"));
            }
            if size == 0 {
                break;
            }
            stream.take(size).read_to_end(&mut body)?;
            line(stream)?;
        }
    } else {
        let wanted = length.unwrap_or(MAX_BODY);
        if wanted > MAX_BODY {
            return Err(invalid("the answer is too large"));
        }
        stream.take(wanted).read_to_end(&mut body)?;
        let read = u64::try_from(body.len()).unwrap_or(u64::MAX);
        if length.is_some_and(|length| read < length) {
            return Err(invalid("the answer ended early"));
        }
    }
    let body = match body.is_empty() {
        true => Value::Null,
        false => match serde_json::from_slice(&body) {
            Ok(body) => body,
            // Refusals of a lower layer are plain text.
            Err(_) if status >= 300 => {
                json!({ "error": { "message": String::from_utf8_lossy(&body).trim() } })
            }
            Err(error) => return Err(invalid(&format!("the answer is not JSON: {error}"))),
        },
    };
    Ok(Answer { status, body })
}

fn line(stream: &mut impl BufRead) -> std::io::Result<String> {
    let mut line = String::new();
    stream.take(MAX_LINE).read_line(&mut line)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

/// Everything but unreserved characters as `%XX`, so that an identifier is one segment or value.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                escaped.push(char::from(byte))
            }
            other => escaped.push_str(&format!("%{other:02X}")),
        }
    }
    escaped
}

fn changed(answer: Value) -> Changed {
    Changed { body: answer.get("body").filter(|body| !body.is_null()).cloned(), warnings: warnings(&answer) }
}

fn warnings(answer: &Value) -> Vec<String> {
    let warnings = answer.get("warnings").and_then(Value::as_array);
    warnings.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

impl Administration for SocketAdministration {
    fn acting_as(&self, cmdlet: &str) {
        cmdlet.clone_into(&mut self.cmdlet.borrow_mut());
    }

    fn node(&self) -> Result<Node, AdministrationError> {
        serde_json::from_value(self.send("GET", "/node", None, None)?).map_err(unreadable)
    }

    fn list(&self, kind: &str, selection: Selection<'_>) -> Result<Vec<Stored>, AdministrationError> {
        if let Selection::By(index, value) = selection {
            let target = format!("/configuration/{kind}?{index}={}", escaped(value));
            let page: Page =
                serde_json::from_value(self.send("GET", &target, None, None)?).map_err(unreadable)?;
            return Ok(page.objects);
        }
        let mut all = Vec::new();
        let mut target = format!("/configuration/{kind}?limit={PAGE}");
        loop {
            let page: Page =
                serde_json::from_value(self.send("GET", &target, None, None)?).map_err(unreadable)?;
            let empty = page.objects.is_empty();
            all.extend(page.objects);
            match page.next {
                Some(next) if !empty => {
                    target = format!("/configuration/{kind}?limit={PAGE}&after={}", escaped(&next));
                }
                _ => return Ok(all),
            }
        }
    }

    fn get(&self, kind: &str, id: &str) -> Result<Option<Stored>, AdministrationError> {
        match self.send("GET", &format!("/configuration/{kind}/{}", escaped(id)), None, None) {
            Ok(answer) => serde_json::from_value(answer).map(Some).map_err(unreadable),
            Err(AdministrationError::Refused(refused)) if refused.status == 404 => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn change(
        &self,
        kind: &str,
        id: &str,
        change: &Change,
        what_if: bool,
    ) -> Result<Changed, AdministrationError> {
        let query = if what_if { "?whatif=true" } else { "" };
        let target = format!("/configuration/{kind}/{}{query}", escaped(id));
        let matches = |version: u64| Some(("If-Match", format!("\"{version}\"")));
        let answer = match change {
            Change::Create(body) => {
                self.send("PUT", &target, Some(("If-None-Match", "*".to_owned())), Some(body))
            }
            Change::Patch(version, patch) => {
                self.send("PATCH", &target, matches(*version), Some(&Value::Object(patch.clone())))
            }
            Change::Remove(version) => self.send("DELETE", &target, matches(*version), None),
        };
        answer.map(changed)
    }

    fn action(
        &self,
        name: &str,
        body: &Value,
        what_if: bool,
    ) -> Result<(Vec<Value>, Vec<String>), AdministrationError> {
        let query = if what_if { "?whatif=true" } else { "" };
        let answer = self.send("POST", &format!("/actions/{}{query}", escaped(name)), None, Some(body))?;
        let objects = answer.get("objects").and_then(Value::as_array).cloned().unwrap_or_default();
        Ok((objects, warnings(&answer)))
    }

    fn changes(&self, after: u64, limit: usize) -> Result<Vec<Value>, AdministrationError> {
        let answer = self.send("GET", &format!("/changes?after={after}&limit={limit}"), None, None)?;
        Ok(answer.get("changes").and_then(Value::as_array).cloned().unwrap_or_default())
    }

    fn undo(&self, serial: u64) -> Result<Changed, AdministrationError> {
        self.send("POST", &format!("/changes/{serial}/undo"), None, None).map(changed)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    /// Answers each connection with the next text and keeps what was asked.
    fn serve(
        answers: Vec<String>,
    ) -> (tempfile::TempDir, SocketAdministration, std::thread::JoinHandle<Vec<String>>) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("admin.sock");
        let listener = UnixListener::bind(&path).unwrap();
        let asked = std::thread::spawn(move || {
            let mut asked = Vec::new();
            for answer in answers {
                let (stream, _) = listener.accept().unwrap();
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                let (mut request, mut length) = (String::new(), 0);
                loop {
                    let mut line = String::new();
                    reader.read_line(&mut line).unwrap();
                    if let Some(value) = line.strip_prefix("Content-Length: ") {
                        length = value.trim().parse().unwrap();
                    }
                    request.push_str(&line);
                    if line == "\r\n" {
                        break;
                    }
                }
                let mut body = vec![0; length];
                reader.read_exact(&mut body).unwrap();
                request.push_str(&String::from_utf8(body).unwrap());
                asked.push(request);
                (&stream).write_all(answer.as_bytes()).unwrap();
            }
            asked
        });
        (directory, SocketAdministration::new(path), asked)
    }

    fn answer(status: &str, body: &Value) -> String {
        let body = body.to_string();
        format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}", body.len())
    }

    #[test]
    fn objects_come_in_pages_and_identifiers_are_escaped() {
        let page = |id: &str, next: Value| {
            answer("200 OK", &json!({ "objects": [{ "id": id, "version": 1, "body": {} }], "next": next }))
        };
        let (_directory, client, asked) = serve(vec![page("a", json!("a/ä")), page("b", Value::Null)]);
        assert_eq!(client.list("endpoint", Selection::All).unwrap().len(), 2);
        let asked = asked.join().unwrap();
        assert!(
            asked[1].starts_with("GET /configuration/endpoint?limit=500&after=a%2F%C3%A4 HTTP/1.1\r\n"),
            "{asked:?}"
        );
    }

    #[test]
    fn changes_carry_their_condition() {
        let done =
            answer("200 OK", &json!({ "id": "farm", "version": 8, "body": { "A": 1 }, "warnings": ["w"] }));
        let (_directory, client, asked) = serve(vec![done]);
        let patch = json!({ "A": 1 }).as_object().unwrap().clone();
        client.acting_as("Set-AdfsProperties");
        let changed = client.change("service-properties", "farm", &Change::Patch(7, patch), true).unwrap();
        assert_eq!(changed, Changed { body: Some(json!({ "A": 1 })), warnings: vec!["w".into()] });
        let asked = asked.join().unwrap().remove(0);
        assert!(
            asked.starts_with("PATCH /configuration/service-properties/farm?whatif=true HTTP/1.1"),
            "{asked}"
        );
        assert!(asked.contains("Sekisho-Cmdlet: Set-AdfsProperties\r\n"), "{asked}");
        assert!(asked.contains("If-Match: \"7\"\r\n") && asked.ends_with("{\"A\":1}"), "{asked}");
    }

    #[test]
    fn a_lost_update_shows_both_versions() {
        let body = json!({ "error": { "code": null, "message": "changed by somebody else", "problems": [], "stored": { "A": 1, "B": 2 }, "yours": { "A": 3, "B": 2 } } });
        let (_directory, client, asked) = serve(vec![answer("412 Precondition Failed", &body)]);
        let error = client.change("k", "i", &Change::Remove(1), false).unwrap_err();
        assert_eq!(error.to_string(), "changed by somebody else\n    A: stored 1, yours 3");
        asked.join().unwrap();
    }

    #[test]
    fn chunked_bodies_and_garbage_are_understood_or_refused() {
        let chunked =
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"a\":\r\n2\r\n1}\r\n0\r\n\r\n";
        let (_directory, client, asked) = serve(vec![
            chunked.into(),
            "SSH-2.0-x\r\n".into(),
            answer("200 OK", &json!({ "a": 1 })).replace("Content-Length: 7", "Content-Length: 9"),
            "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n".into(),
            "HTTP/1.1 503 Busy\r\n\r\nbusy".into(),
        ]);
        assert_eq!(client.send("GET", "/", None, None).unwrap(), json!({ "a": 1 }));
        for part in ["does not speak HTTP", "ended early", "too large", "busy"] {
            let error = client.send("GET", "/", None, None).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
        asked.join().unwrap();
    }

    #[test]
    fn a_service_that_does_not_run_is_named() {
        let client = SocketAdministration::new("/nonexistent/admin.sock".into());
        let error = client.node().unwrap_err().to_string();
        assert!(error.contains("/nonexistent/admin.sock") && error.contains("systemctl start"), "{error}");
    }
}
