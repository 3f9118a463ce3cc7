//! `cargo xtask test`: peers and build side by side, then every test binary, then the sum.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Instant;

use serde_json::Value;

use crate::doc_tests;
use crate::outcome::Outcome;
use crate::peers;
use crate::project::{Project, cargo_command};
use crate::step::{Step, print_times};

/// Seconds after which a test binary is taken to hang.
const LONGEST: &str = "900";
/// The package whose tests drive the built binary; they run last.
const END_TO_END: &str = "end-to-end";

/// Runs everything. False when a test failed, or was skipped though peers are required.
pub(crate) fn run(options: &[&str]) -> Result<bool, String> {
    if let Some(unknown) = options.iter().find(|o| !["--require-peers", "--without-peers"].contains(*o)) {
        return Err(format!("'{unknown}' is no option of test; expected --require-peers or --without-peers"));
    }
    let with_peers = !options.contains(&"--without-peers");
    let require_peers = options.contains(&"--require-peers");
    let project = Project::load()?;
    let started = Instant::now();

    let (mut steps, (build, built)) = thread::scope(|scope| {
        let peers = with_peers.then(|| scope.spawn(|| peers::up(&project)));
        let built = build(&project);
        (peers.map(|peers| peers.join().unwrap_or_default()).unwrap_or_default(), built)
    });
    let peers_are_up = steps.iter().all(|step| step.passed);
    let builds = build.passed;
    steps.push(build);

    let mut outcome = Outcome::default();
    if builds {
        steps.push(doc_tests::run(&project, &mut outcome));
        let variables = variables(&project, with_peers, require_peers, built.sekisho.as_deref());
        for test in &built.tests {
            let mut command = Command::new("timeout");
            command.args(["--kill-after=10", LONGEST]).arg(&test.executable).arg("--show-output");
            command.env("CARGO_MANIFEST_DIR", &test.folder).envs(variables.iter().cloned());
            let step = Step::run(&project, &test.name, command.current_dir(&test.folder));
            let output = fs::read(project.log(&test.name)).unwrap_or_default();
            outcome.add(&String::from_utf8_lossy(&output), step.passed);
            steps.push(step);
        }
    }
    if with_peers {
        peers::down(&project);
    }

    print_times(&steps, started.elapsed());
    for skip in &outcome.skips {
        println!("skipped: {skip}");
    }
    if !builds {
        println!("the workspace does not build");
    }
    let complete = !require_peers || (peers_are_up && !outcome.missed_a_peer());
    if !complete {
        println!("peers are required, and one is missing");
    }
    println!("{outcome}");
    Ok(builds && complete && outcome.is_good())
}

/// What tests are told by their environment.
fn variables(
    project: &Project,
    with_peers: bool,
    require_peers: bool,
    sekisho: Option<&Path>,
) -> Vec<(&'static str, String)> {
    let mut variables = if with_peers { peers::variables(project) } else { Vec::new() };
    variables.extend(sekisho.map(|path| ("SEKISHO_BIN", path.display().to_string())));
    if require_peers {
        variables.push(("SEKISHO_REQUIRE_PEERS", "1".to_owned()));
    }
    variables
}

/// What the build made.
#[derive(Default)]
struct Built {
    tests: Vec<TestBinary>,
    sekisho: Option<PathBuf>,
}

struct TestBinary {
    name: String,
    executable: PathBuf,
    folder: PathBuf,
    is_end_to_end: bool,
}

/// One build for all: with the same packages and profile for programs and tests, nothing is compiled twice.
fn build(project: &Project) -> (Step, Built) {
    let name = "build";
    let arguments = [
        "build",
        "--release",
        "--workspace",
        "--lib",
        "--bins",
        "--tests",
        "--message-format",
        "json-render-diagnostics",
    ];
    let started = Instant::now();
    let log = project.log(name);
    let mut built = Built::default();
    let status = File::create(&log).and_then(|errors| {
        let mut command = cargo_command(&project.root, &arguments);
        let mut cargo = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(errors).spawn()?;
        if let Some(messages) = cargo.stdout.take() {
            for line in BufReader::new(messages).lines() {
                built.take(&serde_json::from_str(&line?).unwrap_or_default());
            }
        }
        cargo.wait()
    });
    built.tests.sort_by(|a, b| (a.is_end_to_end, &a.name).cmp(&(b.is_end_to_end, &b.name)));
    (Step::ended(name, started, status.map(|status| status.success()), &log), built)
}

impl Built {
    /// Notes a finished program or test binary; other messages are not for us.
    fn take(&mut self, message: &Value) {
        let text = |pointer: &str| message.pointer(pointer).and_then(Value::as_str);
        let (Some(executable), Some(target), Some(manifest)) =
            (text("/executable"), text("/target/name"), text("/manifest_path"))
        else {
            return;
        };
        let Some(folder) = PathBuf::from(manifest).parent().map(PathBuf::from) else { return };
        if message.pointer("/profile/test").and_then(Value::as_bool) == Some(true) {
            let package = text("/package_id").map(package_name).unwrap_or_default();
            let is_unit = text("/target/kind/0") != Some("test");
            self.tests.push(TestBinary {
                name: if is_unit { format!("test {target}") } else { format!("test {package} {target}") },
                executable: executable.into(),
                folder,
                is_end_to_end: package == END_TO_END,
            });
        } else if target == "sekisho" {
            self.sekisho = Some(executable.into());
        }
    }
}

/// The name in `path+file:///somewhere/tests#end-to-end@0.1.0` or `path+file:///somewhere/net#0.1.0`.
fn package_name(id: &str) -> &str {
    let (path, rest) = id.split_once('#').unwrap_or((id, ""));
    match rest.split_once('@') {
        Some((name, _)) => name,
        None => path.rsplit('/').next().unwrap_or(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn packages_are_named_by_their_ids() {
        assert_eq!(package_name("path+file:///x/crates/net#0.1.0"), "net");
        assert_eq!(package_name("path+file:///x/tests#end-to-end@0.1.0"), "end-to-end");
    }

    #[test]
    fn programs_and_test_binaries_are_told_apart() {
        let message = |name: &str, kind: &str, test: bool| {
            json!({
                "reason": "compiler-artifact", "package_id": "path+file:///x/crates/net#0.1.0",
                "manifest_path": "/x/crates/net/Cargo.toml", "target": { "name": name, "kind": [kind] },
                "profile": { "test": test }, "executable": format!("/target/{name}"),
            })
        };
        let mut built = Built::default();
        for (name, kind, test) in
            [("net", "lib", true), ("loopback", "test", true), ("sekisho", "bin", false)]
        {
            built.take(&message(name, kind, test));
        }
        built.take(&json!({ "reason": "build-finished", "success": true }));
        built.take(
            &json!({ "target": { "name": "net" }, "manifest_path": "/x/Cargo.toml", "executable": null }),
        );
        let names: Vec<_> = built.tests.iter().map(|test| test.name.as_str()).collect();
        assert_eq!(names, ["test net", "test net loopback"]);
        assert_eq!(built.tests[0].folder.to_str(), Some("/x/crates/net"));
        assert_eq!(built.sekisho.unwrap().to_str(), Some("/target/sekisho"));
    }
}
