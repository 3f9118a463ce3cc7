//! A visitor: curl with cookies, one step at a time.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::form::Form;

/// Longest wait for one answer, seconds.
const LONGEST: &str = "30";

/// Someone with a cookie jar, as a browser session.
#[derive(Debug)]
pub struct Visitor {
    folder: TempDir,
    ca_file: PathBuf,
    headers: Vec<String>,
}

/// What came back: one answer; redirects are not followed by themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The address that was asked.
    pub url: String,
    /// Status code.
    pub status: u16,
    /// Names in lower case, in the order of the answer.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
    /// Where a redirect leads, as an absolute address.
    pub redirect: Option<String>,
}

impl Visitor {
    /// Someone new, who trusts that authority.
    pub fn new(ca_file: &Path) -> Result<Self, String> {
        let folder = TempDir::new().map_err(|error| error.to_string())?;
        Ok(Self { folder, ca_file: ca_file.to_owned(), headers: Vec::new() })
    }

    /// Sends a header with every further request, such as `Accept-Language: ja`.
    #[must_use]
    pub fn with_header(mut self, header: &str) -> Self {
        self.headers.push(header.to_owned());
        self
    }

    /// Asks for a page.
    pub fn get(&self, url: &str) -> Result<Answer, String> {
        self.curl(url, &[])
    }

    /// Posts a form's fields.
    pub fn post(&self, url: &str, fields: &[(String, String)]) -> Result<Answer, String> {
        let pairs: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut arguments = vec!["--request", "POST"];
        for pair in &pairs {
            arguments.extend(["--data-urlencode", pair]);
        }
        self.curl(url, &arguments)
    }

    /// Goes on from an answer as a browser does by itself: to where a redirect leads.
    pub fn follow(&self, answer: &Answer) -> Result<Answer, String> {
        match &answer.redirect {
            Some(url) => self.get(url),
            None => Err(format!("{} answered {} and leads nowhere", answer.url, answer.status)),
        }
    }

    fn curl(&self, url: &str, arguments: &[&str]) -> Result<Answer, String> {
        let file = |name: &str| self.folder.path().join(name);
        let (jar, head, body) = (file("jar"), file("head"), file("body"));
        let mut command = Command::new("curl");
        command.args(["--silent", "--show-error", "--noproxy", "*", "--max-time", LONGEST]);
        command.arg("--cacert").arg(&self.ca_file);
        command.arg("--cookie").arg(&jar).arg("--cookie-jar").arg(&jar);
        command.arg("--dump-header").arg(&head).arg("--output").arg(&body);
        command.args(["--write-out", "%{http_code} %{redirect_url}"]);
        for header in &self.headers {
            command.args(["--header", header]);
        }
        let output = command.args(arguments).arg(url).output().map_err(|error| format!("curl: {error}"))?;
        if !output.status.success() {
            return Err(format!("{url}: {}", String::from_utf8_lossy(&output.stderr).trim()));
        }
        let summary = String::from_utf8_lossy(&output.stdout);
        let (status, redirect) = summary.trim_end().split_once(' ').unwrap_or((summary.trim_end(), ""));
        let read =
            |path: &Path| String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).into_owned();
        Ok(Answer {
            url: url.to_owned(),
            status: status.parse().map_err(|_| format!("{url}: curl wrote '{summary}'"))?,
            headers: headers(&read(&head)),
            body: read(&body),
            redirect: Some(redirect.to_owned()).filter(|url| !url.is_empty()),
        })
    }
}

impl Answer {
    /// The first header of that name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The forms of the page.
    pub fn forms(&self) -> Vec<Form> {
        Form::all(&self.body)
    }
}

/// The last block of what curl dumped: an interim answer (100) has one of its own.
fn headers(dump: &str) -> Vec<(String, String)> {
    let dump = dump.replace("\r\n", "\n");
    let last = dump.trim_end().rsplit("\n\n").next().unwrap_or_default();
    let pairs = last.lines().skip(1).filter_map(|line| line.split_once(':'));
    pairs.map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim().to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::thread;

    #[test]
    fn headers_are_those_of_the_final_answer() {
        let dump = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nSet-Cookie: a=b: c\r\nX: y\r\n\r\n";
        let expected = [("set-cookie", "a=b: c"), ("x", "y")].map(|(n, v)| (n.to_owned(), v.to_owned()));
        assert_eq!(headers(dump), expected);
    }

    /// Sends the answers one by one, each to a connection of its own; returns the requests.
    fn serve(answers: Vec<&'static str>) -> (String, thread::JoinHandle<Vec<String>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let serving = thread::spawn(move || {
            let mut requests = Vec::new();
            for answer in answers {
                let (mut stream, _) = listener.accept().unwrap();
                let mut request = Vec::new();
                let mut space = [0; 4_096];
                let complete = |request: &[u8]| {
                    let text = String::from_utf8_lossy(request);
                    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
                    let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
                    length.is_none_or(|length| body.len() == length.parse::<usize>().unwrap())
                };
                while !complete(&request) {
                    let read = stream.read(&mut space).unwrap();
                    assert!(read > 0, "curl closed early");
                    request.extend_from_slice(&space[..read]);
                }
                stream.write_all(answer.as_bytes()).unwrap();
                requests.push(String::from_utf8(request).unwrap());
            }
            requests
        });
        (url, serving)
    }

    #[test]
    fn cookies_are_kept_forms_are_posted_and_redirects_can_be_followed() {
        if Command::new("curl").arg("--version").output().is_err() {
            return crate::skip("curl is not installed");
        }
        let (url, serving) = serve(vec![
            "HTTP/1.1 302 Found\r\nLocation: /next?a=b\r\nSet-Cookie: session=1; path=/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 29\r\nConnection: close\r\n\r\n<form><input name=who></form>",
            "HTTP/1.1 403 Forbidden\r\nContent-Length: 4\r\nConnection: close\r\n\r\nno!\n",
        ]);
        let folder = TempDir::new().unwrap();
        let ca = folder.path().join("ca.pem");
        std::fs::write(&ca, "").unwrap();
        let visitor = Visitor::new(&ca).unwrap().with_header("Accept-Language: ja");
        let first = visitor.get(&format!("{url}/first")).unwrap();
        assert_eq!((first.status, first.redirect.as_deref()), (302, Some(&*format!("{url}/next?a=b"))));
        assert_eq!(first.header("Set-Cookie"), Some("session=1; path=/"));
        let second = visitor.follow(&first).unwrap();
        let mut form = second.forms().remove(0);
        assert!(form.fill("who", "花子 & co"));
        let third = visitor.post(&url, &form.fields).unwrap();
        assert_eq!((third.status, third.body.as_str()), (403, "no!\n"));
        assert!(visitor.follow(&third).is_err());

        let requests = serving.join().unwrap();
        assert!(requests[0].contains("Accept-Language: ja") && !requests[0].contains("Cookie:"));
        assert!(requests[1].starts_with("GET /next?a=b ") && requests[1].contains("Cookie: session=1"));
        // Some versions of curl write a blank as %20.
        let posted = requests[2].replace("%20", "+");
        assert!(posted.ends_with("\r\n\r\nwho=%E8%8A%B1%E5%AD%90+%26+co"), "{posted}");
    }
}
