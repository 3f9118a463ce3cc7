//! Commands of the `Verb-Noun` form: from the program's arguments to the `cmdlets` crate, and what those commands do
//! on this machine without the service.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use base::{Clock, Random, Secret, SystemClock, SystemRandom};
use cmdlets::administration::{SocketAdministration, socket_path};
use cmdlets::output::Target;
use cmdlets::{Console, Environment, Local, Shell};
use keys::certificate_store::{CertificateStore, StoreImport};
use serde_json::{Map, Value};

use crate::node::farm::{NewNode, join};
use crate::node::install::{Installed, NewFarm, install, leave_to_owner, node_key};
use crate::node::move_store::{Moved, move_store};
use crate::node::node_store::ConnectionString;
use crate::serve::DATA;
use crate::{Result, node};

/// Largest file with a certificate.
const LARGEST_PFX: u64 = 1024 * 1024;
/// Largest metadata document that is fetched, and the longest that takes.
const LARGEST_METADATA: u64 = 16 * 1024 * 1024;
const FETCH_TIMEOUT: Duration = Duration::from_secs(30);
/// Columns of a terminal that does not say.
const COLUMNS: usize = 120;

/// Runs the arguments if they are a command's: its name first (or the name that the program was started by), or
/// `-Command TEXT`, `run FILE`, `shell`, `completion SHELL`. `None` when they are not.
pub(crate) fn run(arguments: &[String]) -> Option<ExitCode> {
    let (program, words) = arguments.split_first()?;
    let name = Path::new(program).file_name()?.to_str()?;
    if name != "sekisho" && cmdlets::is_command_name(name) {
        let command: Vec<String> = std::iter::once(name.to_owned()).chain(words.iter().cloned()).collect();
        return Some(with_environment(|environment| argv(&command, environment)));
    }
    let (first, rest) = words.split_first()?;
    match (first.as_str(), rest) {
        ("run", [file]) => Some(with_environment(|environment| cmdlets::run_file(file, environment))),
        ("shell", []) => Some(with_environment(cmdlets::shell)),
        ("completion", [shell]) => Some(completion(shell)),
        (option, [text]) if ["-command", "-c"].contains(&option.to_ascii_lowercase().as_str()) => {
            Some(with_environment(|environment| cmdlets::run_command_text(text, environment)))
        }
        (command, _) if cmdlets::is_command_name(command) => {
            Some(with_environment(|environment| argv(words, environment)))
        }
        _ => None,
    }
}

fn argv(words: &[String], environment: Environment<'_>) -> u8 {
    let mut input = std::io::stdin();
    let input: Option<&mut dyn std::io::Read> = if input.is_terminal() { None } else { Some(&mut input) };
    cmdlets::run_argv(words, environment, input)
}

fn completion(shell: &str) -> ExitCode {
    let shell = match shell {
        "bash" => Shell::Bash,
        "zsh" => Shell::Zsh,
        other => {
            eprintln!("sekisho: completion: '{other}' is no shell with completion; expected bash or zsh");
            return ExitCode::from(2);
        }
    };
    let subcommands = ["demo", "serve", "explain", "run", "shell", "completion", "-Command"];
    print!("{}", cmdlets::completion(shell, &subcommands));
    ExitCode::SUCCESS
}

fn with_environment(run: impl FnOnce(Environment<'_>) -> u8) -> ExitCode {
    let data = std::env::var_os("SEKISHO_DATA").map_or_else(|| PathBuf::from(DATA), PathBuf::from);
    let socket = match std::env::var("SEKISHO_ADMIN_SOCKET").ok().filter(|path| !path.is_empty()) {
        Some(path) => PathBuf::from(path),
        // Whoever names the data of a node means that node.
        None if std::env::var_os("SEKISHO_DATA").is_some() => crate::serve::admin_socket(&data),
        None => socket_path(None),
    };
    let administration = SocketAdministration::new(socket);
    let machine = Machine { data, clock: Arc::new(SystemClock::new()), random: Arc::new(SystemRandom) };
    let columns = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let target = match std::io::stdout().is_terminal() {
        true => Target::Terminal(terminal_width().or(columns).unwrap_or(COLUMNS)),
        false => Target::Pipe,
    };
    let environment = Environment {
        administration: &administration,
        local: &machine,
        clock: machine.clock.as_ref(),
        random: machine.random.as_ref(),
        console: &mut Terminal,
        target,
        messages_on_terminal: std::io::stderr().is_terminal(),
    };
    ExitCode::from(run(environment))
}

fn terminal_width() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(std::io::stdout()).ok()?;
    Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
}

/// The terminal, or what stands in its place.
struct Terminal;

impl Console for Terminal {
    fn out(&mut self, text: &str) {
        let mut out = std::io::stdout().lock();
        // A pipe that was closed wants no more.
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    }

    fn message(&mut self, text: &str) {
        let _ = writeln!(std::io::stderr().lock(), "{text}");
    }

    fn ask(&mut self, question: &str) -> Option<String> {
        let mut err = std::io::stderr().lock();
        let _ = err.write_all(question.as_bytes()).and_then(|()| err.flush());
        let mut line = String::new();
        match std::io::stdin().read_line(&mut line) {
            Ok(0) | Err(_) => None,
            Ok(_) => Some(line.trim_end_matches(['\r', '\n']).to_owned()),
        }
    }

    fn ask_secret(&mut self, question: &str) -> Option<String> {
        let hidden = echo(false);
        let answer = self.ask(question);
        if hidden.is_some() {
            echo(true);
            self.message("");
        }
        answer
    }
}

/// Whether what is typed shows on the terminal.
fn echo(shown: bool) -> Option<()> {
    let input = std::io::stdin();
    let mut settings = rustix::termios::tcgetattr(&input).ok()?;
    settings.local_modes.set(rustix::termios::LocalModes::ECHO, shown);
    rustix::termios::tcsetattr(&input, rustix::termios::OptionalActions::Flush, &settings).ok()
}

/// This machine, beside the service.
struct Machine {
    data: PathBuf,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

impl Machine {
    fn certificate_store(&self) -> Result<CertificateStore> {
        let key = node_key(&self.data, self.random.as_ref())?;
        Ok(CertificateStore::open(&self.data, Arc::new(key)))
    }

    /// The data directory; made when it is missing, for the one who makes it alone.
    fn prepare(&self) -> Result<()> {
        use std::os::unix::fs::DirBuilderExt;
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.data);
        Ok(made.map_err(|error| format!("{}: {error}", self.data.display()))?)
    }

    fn import(&self, file: &Path, password: Option<&str>) -> Result<Value> {
        let metadata = std::fs::metadata(file).map_err(|error| format!("{}: {error}", file.display()))?;
        if metadata.len() > LARGEST_PFX {
            return Err(format!(
                "{}: has {} bytes; expected a PFX file of at most {LARGEST_PFX}",
                file.display(),
                metadata.len()
            )
            .into());
        }
        let pfx = std::fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
        self.prepare()?;
        let store = self.certificate_store()?;
        let import = StoreImport {
            exportable: false,
            friendly_name: None,
            roots: &[],
            allow_incomplete_chain: false,
            hosts: &[],
            now: self.clock.now(),
        };
        let password = Secret::new(password.unwrap_or_default().to_owned());
        let imported = store
            .import_pfx(&pfx, &password, &import, self.random.as_ref())
            .map_err(|error| format!("{}: {error}", file.display()))?;
        for warning in &imported.warnings {
            eprintln!("WARNING: {warning}");
        }
        Ok(serde_json::to_value(store.get(&imported.thumbprint)?.item())?)
    }

    fn list(&self) -> Result<Vec<Value>> {
        if !self.data.join("certificates").exists() {
            return Ok(Vec::new());
        }
        let listing = self.certificate_store()?.list()?;
        for problem in &listing.problems {
            eprintln!("WARNING: {problem}");
        }
        let items = listing.certificates.iter().map(|stored| serde_json::to_value(stored.item()));
        Ok(items.collect::<std::result::Result<_, _>>()?)
    }

    fn install(&self, parameters: &Map<String, Value>, what_if: bool) -> Result<Vec<String>> {
        let text = |name: &str| parameters.get(name).and_then(Value::as_str).map(str::to_owned);
        let port = |name: &str, usual: u16| -> Result<u16> {
            let Some(given) = parameters.get(name) else { return Ok(usual) };
            let port = given.as_u64().and_then(|port| u16::try_from(port).ok()).filter(|port| *port > 0);
            port.ok_or_else(|| format!("{name}: '{given}' is no port; expected 1 to 65535").into())
        };
        for not_yet in ["SigningCertificateThumbprint", "DecryptionCertificateThumbprint"] {
            if parameters.contains_key(not_yet) {
                return Err(format!(
                    "{not_yet}: token certificates of one's own cannot be given yet; without it they are made and \
                     replaced by the service"
                )
                .into());
            }
        }
        let farm = NewFarm {
            federation_service_name: text("FederationServiceName").unwrap_or_default(),
            display_name: text("FederationServiceDisplayName"),
            certificate_thumbprint: text("CertificateThumbprint"),
            ssl_port: port("SSLPort", 443)?,
            tls_client_port: port("TlsClientPort", 49443)?,
            connection: text("SQLConnectionString").map(|text| text.parse()).transpose()?,
            overwrite: parameters.get("OverwriteConfiguration").and_then(Value::as_bool).unwrap_or_default(),
        };
        self.prepare()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let installed = runtime.block_on(install(&self.data, &farm, what_if, &self.clock, &self.random))?;
        let name = &farm.federation_service_name;
        let done = match what_if {
            true => format!("What if: {name} would be installed with certificate {}.", installed.thumbprint),
            false => format!(
                "The configuration completed successfully. {name} uses certificate {}. Start it: systemctl enable --now \
                 sekisho",
                installed.thumbprint
            ),
        };
        Ok(report(&installed, done))
    }

    fn join(&self, parameters: &Map<String, Value>, what_if: bool) -> Result<Vec<String>> {
        let text = |name: &str| parameters.get(name).and_then(Value::as_str).map(str::to_owned);
        if parameters.contains_key("SQLConnectionString") {
            return Err(
                "SQLConnectionString: a node of a farm on a database server cannot be added yet".into()
            );
        }
        let missing = |name: &str, what: &str| format!("{name} is missing; expected {what}");
        let token = text("JoinToken").ok_or_else(|| {
            missing("JoinToken", "the line that New-SekishoJoinToken prints on the primary server")
        })?;
        let thumbprint = text("CertificateThumbprint").ok_or_else(|| {
            missing("CertificateThumbprint", "a TLS certificate for the service, from Import-PfxCertificate")
        })?;
        let port = parameters.get("PrimaryComputerPort").and_then(Value::as_u64).unwrap_or(443);
        let new = NewNode {
            primary: text("PrimaryComputerName").unwrap_or_default(),
            // The product's port for nodes; here they speak at that of the service.
            port: if port == 80 { 443 } else { u16::try_from(port)? },
            token: Secret::new(token),
            thumbprint,
            overwrite: parameters.get("OverwriteConfiguration").and_then(Value::as_bool).unwrap_or_default(),
        };
        self.prepare()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let joined = runtime.block_on(join(&self.data, &new, what_if, &self.clock, &self.random))?;
        let done = match what_if {
            true => format!("What if: this machine would join the farm of {}.", new.primary),
            false => format!(
                "The configuration completed successfully. This machine is a secondary server of {}. Start it: systemctl \
                 enable --now sekisho",
                new.primary
            ),
        };
        Ok(report(&joined, done))
    }

    fn move_store(&self, connection: &str, what_if: bool) -> Result<String> {
        let connection: ConnectionString = connection.parse()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let moved = move_store(&self.data, &connection, what_if, &self.clock, &self.random);
        let Some(Moved { transferred, put_aside }) = runtime.block_on(moved)? else {
            return Ok(format!("What if: the configuration would be moved to the {}.", connection.place()));
        };
        leave_to_owner(&self.data)?;
        Ok(format!(
            "The configuration is in the {} now: {} objects, {} changes, {} accounts with sign-in activity, {} \
             single-use values. The files of the embedded store are kept in {}; remove them when nobody needs them \
             any more. Start the service: systemctl start sekisho",
            connection.place(),
            transferred.objects,
            transferred.changes,
            transferred.accounts,
            transferred.single_use,
            put_aside.display()
        ))
    }
}

/// Warnings to the terminal; what became of a farm that was there, and what was done.
fn report(installed: &Installed, done: String) -> Vec<String> {
    for warning in &installed.warnings {
        eprintln!("WARNING: {warning}");
    }
    let aside = installed.put_aside.as_ref();
    let aside = aside.map(|aside| format!("The farm that was here is now in {}.", aside.display()));
    aside.into_iter().chain([done]).collect()
}

impl Local for Machine {
    fn join_farm(
        &self,
        parameters: &Map<String, Value>,
        what_if: bool,
    ) -> std::result::Result<Vec<String>, String> {
        self.join(parameters, what_if).map_err(|error| error.to_string())
    }

    fn move_store(&self, connection: &str, what_if: bool) -> std::result::Result<String, String> {
        self.move_store(connection, what_if).map_err(|error| error.to_string())
    }

    fn install_farm(
        &self,
        parameters: &Map<String, Value>,
        what_if: bool,
    ) -> std::result::Result<Vec<String>, String> {
        self.install(parameters, what_if).map_err(|error| error.to_string())
    }

    fn import_pfx(&self, file: &Path, password: Option<&str>) -> std::result::Result<Value, String> {
        self.import(file, password).map_err(|error| error.to_string())
    }

    fn certificates(&self) -> std::result::Result<Vec<Value>, String> {
        self.list().map_err(|error| error.to_string())
    }

    fn fetch(&self, url: &str) -> std::result::Result<Vec<u8>, String> {
        node::fetch::metadata(url, LARGEST_METADATA, FETCH_TIMEOUT)
    }

    fn command_directory(&self) -> std::result::Result<(PathBuf, PathBuf), String> {
        let program = std::env::current_exe().map_err(|error| format!("the program's own path: {error}"))?;
        Ok((PathBuf::from("/usr/local/bin"), program))
    }
}
