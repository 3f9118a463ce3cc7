//! curl, and what it got.

use std::fmt;
use std::process::Command;
use std::sync::atomic::{AtomicU16, Ordering};

use crate::html::{between, unescape};

/// What curl got.
#[derive(Debug)]
pub struct Response {
    /// Status.
    pub status: u16,
    /// Head, as received.
    pub head: String,
    /// Body.
    pub body: String,
}

impl Response {
    pub(crate) fn parse(received: &[u8]) -> Self {
        let text = String::from_utf8_lossy(received);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.unwrap_or_else(|| panic!("no status: {head}"));
        Self { status, head: head.to_owned(), body: body.to_owned() }
    }

    /// A header's value; the first one of the name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (known, value) = line.split_once(':')?;
            known.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// All `Set-Cookie` lines.
    pub fn cookies(&self) -> Vec<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(':'));
        lines
            .filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie"))
            .map(|(_, value)| value.trim())
            .collect()
    }

    /// Value of the cookie that a `Set-Cookie` line sets; none when there is no such line.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies().into_iter().find_map(|line| {
            let (known, value) = line.split(';').next()?.split_once('=')?;
            (known == name).then_some(value)
        })
    }

    /// Value of a hidden field of a form that posts itself, as the browser has it. The spelling is the one by
    /// which scripts cut tokens out of AD FS's page.
    pub fn field(&self, name: &str) -> Option<String> {
        between(&self.body, &format!("<input type=\"hidden\" name=\"{name}\" value=\""), "\" />")
            .map(unescape)
    }

    /// Names of the hidden fields, in order.
    pub fn field_names(&self) -> Vec<&str> {
        let inputs = self.body.split("<input type=\"hidden\" name=\"").skip(1);
        inputs.filter_map(|rest| Some(rest.split_once('"')?.0)).collect()
    }

    /// Address to which the page with a response posts it.
    pub fn response_action(&self) -> Option<String> {
        between(&self.body, "<form method=\"POST\" name=\"hiddenform\" action=\"", "\">").map(unescape)
    }

    /// Address to which the sign-in form posts.
    pub fn login_action(&self) -> Option<String> {
        self.form_action("loginForm")
    }

    /// Address to which the form with this id posts.
    pub fn form_action(&self, id: &str) -> Option<String> {
        let (_, rest) = self.body.split_once(&format!("id=\"{id}\""))?;
        between(rest, "action=\"", "\"").map(unescape)
    }

    /// The text of the element with this id, up to the first tag in it.
    pub fn text_of(&self, id: &str) -> Option<String> {
        let start = self
            .body
            .split_once(&format!("id=\"{id}\""))
            .or_else(|| self.body.split_once(&format!("id='{id}'")));
        let (_, rest) = start?.1.split_once('>')?;
        Some(unescape(rest.split_once('<')?.0.trim()))
    }

    /// The text of the sign-in page's error line; none when it is empty or no such page.
    pub fn sign_in_error(&self) -> Option<String> {
        self.text_of("errorText").filter(|text| !text.is_empty())
    }

    /// The line "Error details" of an error page.
    pub fn error_details(&self) -> String {
        let found = between(&self.body, "<li>Error details: ", "</li>");
        unescape(found.unwrap_or_else(|| panic!("no error page with details: {self}")))
    }

    /// The activity id that an error page shows.
    pub fn activity(&self) -> String {
        let text = self.text_of("activityID").unwrap_or_else(|| panic!("no error page: {self}"));
        text.strip_prefix("Activity ID: ").expect("the label in English").to_owned()
    }

    /// Whether the page carries anything that a relying party could take.
    pub fn issues_something(&self) -> bool {
        ["\"wresult\"", "\"SAMLResponse\"", ":assertion"].iter().any(|word| self.body.contains(word))
    }
}

/// What a failed test shows: the head, and what a person would read on the page.
impl fmt::Display for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n{}", self.head, crate::html::visible(&self.body))
    }
}

/// curl as one client: with cookies and an address of its own, so that tests do not use up each other's rate of
/// password attempts.
pub struct Curl {
    ca: String,
    jar: tempfile::NamedTempFile,
    address: String,
    arguments: Vec<String>,
    /// curl, or what runs it elsewhere.
    program: Vec<String>,
}

static CLIENTS: AtomicU16 = AtomicU16::new(0);

impl Curl {
    /// Trusts `ca` and nothing else.
    pub fn new(ca: &str) -> Self {
        let [high, low] = CLIENTS.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        let address = format!("127.77.{high}.{}", low.max(1));
        let jar = tempfile::NamedTempFile::new().expect("a cookie jar");
        Self { ca: ca.to_owned(), jar, address, arguments: Vec::new(), program: vec!["curl".to_owned()] }
    }

    /// Further arguments of every call.
    pub fn with(mut self, arguments: &[&str]) -> Self {
        self.arguments.extend(arguments.iter().map(|argument| (*argument).to_owned()));
        self
    }

    /// Runs in another network, where it has `address`.
    pub fn within(mut self, network: &crate::node::Network, address: &str) -> Self {
        let command = network.command("curl");
        let words = std::iter::once(command.get_program()).chain(command.get_args());
        self.program = words.map(|word| word.to_string_lossy().into_owned()).collect();
        self.from_address(address)
    }

    /// Address of this client.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Uses this address of the loopback network.
    pub fn from_address(mut self, address: &str) -> Self {
        address.clone_into(&mut self.address);
        self
    }

    /// The cookie jar's text.
    pub fn jar(&self) -> String {
        std::fs::read_to_string(self.jar.path()).expect("the cookie jar")
    }

    /// Puts another jar in place of this one's.
    pub fn set_jar(&self, text: &str) {
        std::fs::write(self.jar.path(), text).expect("the cookie jar");
    }

    /// GET.
    pub fn get(&self, url: &str) -> Response {
        self.run(url, &[])
    }

    /// POST of a form; values are encoded here.
    pub fn post(&self, url: &str, fields: &[(&str, &str)]) -> Response {
        let pairs = fields.iter().map(|(name, value)| format!("{name}={}", crate::percent(value)));
        self.post_raw(url, &pairs.collect::<Vec<_>>().join("&"))
    }

    /// POST of a form as it is.
    pub fn post_raw(&self, url: &str, form: &str) -> Response {
        let body = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(body.path(), form).expect("the form");
        self.run(url, &["--data-binary", &format!("@{}", body.path().display())])
    }

    /// Any call.
    pub fn run(&self, url: &str, arguments: &[&str]) -> Response {
        let (program, before) = self.program.split_first().expect("a program");
        let mut command = Command::new(program);
        command.args(before).args([
            "-sS",
            "--noproxy",
            "*",
            "--max-time",
            "30",
            "-D",
            "-",
            "--cacert",
            &self.ca,
        ]);
        command.args(["-H", "Expect:", "--interface", &self.address, "-b"]).arg(self.jar.path());
        command.arg("-c").arg(self.jar.path()).args(&self.arguments).args(arguments).arg(url);
        let run = command.output().expect("curl runs");
        assert!(run.status.success(), "{command:?}: {}", String::from_utf8_lossy(&run.stderr));
        Response::parse(&run.stdout)
    }

    /// Posts a user name and a password to the sign-in page behind `url`: the answer to the post.
    pub fn post_password(&self, url: &str, user: &str, password: &str) -> Response {
        let page = self.get(url);
        let action = page.login_action().unwrap_or_else(|| panic!("no sign-in form: {page}"));
        self.post(
            &format!("{}{action}", origin(url)),
            &[("UserName", user), ("Password", password), ("AuthMethod", "FormsAuthentication")],
        )
    }

    /// Signs in on the page behind `url`: the page that the browser ends at.
    pub fn sign_in(&self, url: &str, user: &str, password: &str) -> Response {
        let posted = self.post_password(url, user, password);
        self.follow(posted)
    }

    /// Follows a redirect.
    pub fn follow(&self, answer: Response) -> Response {
        match answer.header("location").filter(|_| answer.status == 302) {
            Some(location) => self.get(location),
            None => answer,
        }
    }

    /// Does what the browser does with the page that posts a response.
    pub fn deliver(&self, page: &Response) -> Response {
        let action = page.response_action().unwrap_or_else(|| panic!("no response: {page}"));
        let fields: Vec<(&str, String)> =
            page.field_names().into_iter().map(|name| (name, page.field(name).expect("a value"))).collect();
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        self.post(&action, &fields)
    }
}

/// Scheme, host and port.
fn origin(url: &str) -> String {
    url.split('/').take(3).collect::<Vec<_>>().join("/")
}
