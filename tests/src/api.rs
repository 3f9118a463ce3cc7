//! The administration API, through curl and the socket.

use std::process::Command;

use serde_json::Value;

use crate::{Demo, Response};

impl Demo {
    /// One request. `headers` are whole lines, such as `If-Match: "1"`.
    pub fn api(&self, method: &str, path: &str, headers: &[&str], body: Option<&Value>) -> Response {
        let body = body.map(Value::to_string);
        self.api_raw(method, path, headers, body.as_deref().map(str::as_bytes))
    }

    /// The same with any body.
    pub fn api_raw(&self, method: &str, path: &str, headers: &[&str], body: Option<&[u8]>) -> Response {
        let mut command = Command::new("curl");
        command.args(["-sS", "--max-time", "30", "-D", "-", "-X", method, "-H", "Expect:"]);
        command.args(["--unix-socket", self.fact("admin_socket")]);
        for header in headers {
            command.args(["-H", header]);
        }
        let file = tempfile::NamedTempFile::new().expect("a file");
        if let Some(body) = body {
            std::fs::write(file.path(), body).expect("the body");
            command.args(["--data-binary", &format!("@{}", file.path().display())]);
        }
        let run = command.arg(format!("http://sekisho{path}")).output().expect("curl runs");
        assert!(run.status.success(), "{method} {path}: {}", String::from_utf8_lossy(&run.stderr));
        Response::parse(&run.stdout)
    }

    /// GET that is answered with 200: the JSON.
    pub fn api_get(&self, path: &str) -> Value {
        let answer = self.api("GET", path, &[], None);
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.json()
    }

    /// Changes properties of an object, whatever its version; the answer.
    pub fn api_patch(&self, path: &str, patch: &Value) -> Value {
        let answer = self.api("PATCH", path, &["If-Match: *"], Some(patch));
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.json()
    }
}

impl Response {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    /// What an error of the administration API says.
    pub fn error(&self) -> Value {
        let error = self.json()["error"].take();
        for member in ["code", "message", "problems", "stored", "yours"] {
            assert!(error.get(member).is_some(), "no {member} in {}", self.body);
        }
        assert!(error["message"].as_str().is_some_and(|text| !text.is_empty()), "{}", self.body);
        error
    }
}
