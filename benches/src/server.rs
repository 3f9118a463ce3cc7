//! The demo as a process, pinned to one core.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::client::{Connection, Result, trusting};

/// A running demo; stopped when dropped.
pub(crate) struct Demo {
    child: Child,
    pub(crate) ready: Duration,
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) ca_file: String,
    user: String,
    password: String,
}

impl Demo {
    /// Starts the demo; `fresh` from nothing, else on the data of the last start.
    pub(crate) fn start(sekisho: &str, core: &str, fresh: bool) -> Result<Self> {
        let data: PathBuf = std::env::temp_dir().join("sekisho-bench");
        if fresh && data.exists() {
            std::fs::remove_dir_all(&data)?;
        }
        let begin = Instant::now();
        let mut child = Command::new("taskset")
            .args(["-c", core, sekisho, "demo", "--json", "--port", "18443", "--data"])
            .arg(&data)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let output = child.stdout.take().ok_or("no output")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        let ready = begin.elapsed();
        let facts: Value =
            serde_json::from_str(&line).map_err(|error| format!("the demo said {line:?}: {error}"))?;
        let text = |pointer: &str| facts.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        Ok(Self {
            child,
            ready,
            host: "localhost".to_owned(),
            port: 18443,
            ca_file: text("/ca_file").ok_or("demo.json has no ca_file")?,
            user: text("/users/0/upn").ok_or("demo.json has no users")?,
            password: text("/users/0/password").ok_or("demo.json has no password")?,
        })
    }

    /// Signs in with the password and returns the `Cookie` header of the session.
    pub(crate) fn sign_in(&self, target: &str) -> Result<String> {
        let mut connection = Connection::open(&self.host, self.port, trusting(&self.ca_file)?)?;
        let user = self.user.replace('@', "%40");
        let body = format!("UserName={user}&Password={}&AuthMethod=FormsAuthentication", self.password);
        let answer = connection.send("POST", target, "", &body)?;
        if answer.status != 302 {
            return Err(format!("sign-in answered {}", answer.status).into());
        }
        // The first token uses up the fresh sign-in and sets the session that later ones rest on.
        let answer = connection.send("GET", target, &answer.cookies.join("; "), "")?;
        match answer.cookies.is_empty() {
            false => Ok(answer.cookies.join("; ")),
            true => Err(format!("the first token answered {} and set no session", answer.status).into()),
        }
    }

    /// A SAML request to the demo's SAML application, as the value of the query parameter.
    pub(crate) fn saml_request(&self) -> Result<String> {
        let path = std::env::temp_dir().join("sekisho-bench").join("bench-authn-request.py");
        // Deflate and Base64 by a program that is there wherever the tests run.
        let script = "import zlib,base64,urllib.parse,datetime\n\
            n=datetime.datetime.now(datetime.timezone.utc).strftime('%Y-%m-%dT%H:%M:%SZ')\n\
            x=('<samlp:AuthnRequest xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" ID=\"_bench\" Version=\"2.0\" IssueInstant=\"'+n+'\">'\
            '<Issuer xmlns=\"urn:oasis:names:tc:SAML:2.0:assertion\">urn:demo:saml</Issuer></samlp:AuthnRequest>').encode()\n\
            c=zlib.compressobj(9,zlib.DEFLATED,-15); print(urllib.parse.quote(base64.b64encode(c.compress(x)+c.flush()),safe=''))";
        std::fs::write(&path, script)?;
        let output = Command::new("python3").arg(&path).output()?;
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }

    /// Resident memory of the server.
    pub(crate) fn resident_megabytes(&self) -> Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).ok_or("no VmRSS")?;
        let kilobytes: f64 = line.split_whitespace().nth(1).ok_or("no VmRSS")?.parse()?;
        Ok(kilobytes / 1_024.0)
    }

    /// Processor time the server has used, in seconds (the kernel counts in hundredths).
    pub(crate) fn cpu_seconds(&self) -> Result<f64> {
        seconds(&std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?)
    }

    /// Processor time of the server's threads that live now, by name, in seconds.
    pub(crate) fn thread_seconds(&self) -> Result<BTreeMap<String, f64>> {
        let mut threads = BTreeMap::new();
        for task in std::fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            let folder = task?.path();
            // A thread may end meanwhile.
            let (Ok(name), Ok(stat)) =
                (std::fs::read_to_string(folder.join("comm")), std::fs::read_to_string(folder.join("stat")))
            else {
                continue;
            };
            *threads.entry(name.trim().to_owned()).or_default() += seconds(&stat)?;
        }
        Ok(threads)
    }

    /// Ends the server as an administrator would, and waits for it.
    pub(crate) fn stop(mut self) -> Result<()> {
        Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// User and system time of a `stat` of `/proc`.
fn seconds(stat: &str) -> Result<f64> {
    let after = stat.rsplit(')').next().ok_or("no stat")?;
    let fields: Vec<&str> = after.split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok()).ok_or("no stat");
    Ok((ticks(11)? + ticks(12)?) / 100.0)
}
