//! `sekisho demo`: a complete federation service from one command.
//!
//! data directory → store → installation (first start) → host, Claims X-Ray and seed → listeners → ready

mod certificates;
mod content;
mod facts;
mod populate;
mod restart;
pub(crate) mod seed;
mod service;

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use base::{Clock, Random, SystemClock, SystemRandom};
use facts::Facts;
use net::{Limits, Listener, Protocol, Server, Settings, TrustedHops};
use seed::Seed;
use server::{Actions, Admin};
use sts::administration::{Administration, Role};

use crate::node::asked_to_end;
use crate::node::listeners::{HTTPS, PROBE, addresses};
use crate::node::users::{self, Users};
use crate::{Result, node};

/// Arguments of `sekisho demo`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Where the demo keeps its data; used again on the next start.
    #[arg(long, value_name = "DIR", default_value = "sekisho-demo")]
    data: PathBuf,
    /// Name of the federation service, `localhost` when the data is new; else what the configuration says. Loopback
    /// names are served on this machine only.
    #[arg(long, value_name = "NAME")]
    host: Option<String>,
    /// TLS port, 8443 when the data is new; else what the configuration says.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    port: Option<u16>,
    /// Users, trusts and rules to add, TOML; see the book, "Your application in the demo".
    #[arg(long, value_name = "FILE")]
    seed: Option<PathBuf>,
    /// Forget the data of earlier starts.
    #[arg(long)]
    reset: bool,
    /// Print one line of JSON (the same as demo.json) instead of text.
    #[arg(long)]
    json: bool,
}

/// Requests in progress get this long when the demo is asked to end.
const DRAIN: Duration = Duration::from_secs(10);

/// Runs the demo until it is asked to end.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let start = Instant::now();
    crate::init_log();
    let seed = arguments.seed.as_deref().map(Seed::read).transpose()?;
    let data = prepare_directory(&arguments.data, arguments.reset)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(serve(arguments, seed.unwrap_or_default(), &data, start))
}

async fn serve(arguments: &Arguments, seed: Seed, data: &Path, start: Instant) -> Result<()> {
    // First of all, so that nobody can end the process in another way than this.
    let asked_to_end = asked_to_end()?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let random: Arc<dyn Random> = Arc::new(SystemRandom);
    let folder = arguments.seed.as_deref().and_then(Path::parent).unwrap_or_else(|| Path::new("."));
    let service = service::open(data, arguments, &seed, folder, clock.clone(), random.clone()).await?;
    let populated = populate::populate(&service, &seed, folder).await?;

    let resident = service.server.sts.catalog.resident();
    let admin_path = data.join("admin.sock");
    let admin = server::AdminSocket::bind(&admin_path)
        .map_err(|error| format!("administration socket {}: {error}", admin_path.display()))?;
    let listeners = Server::bind(Settings {
        listeners: vec![
            Listener {
                name: HTTPS.to_owned(),
                addresses: addresses(&resident.properties, resident.properties.https_port),
                protocol: Protocol::Tls(service.tls.clone()),
                proxy_protocol: false,
            },
            Listener {
                name: PROBE.to_owned(),
                addresses: vec![SocketAddr::from((Ipv4Addr::LOCALHOST, resident.properties.http_port))],
                protocol: Protocol::Plain,
                proxy_protocol: false,
            },
        ],
        limits: Limits::default(),
        trusted_hops: TrustedHops::default(),
        clock: clock.clone(),
        random,
    });
    let listeners = match listeners {
        Ok(listeners) => listeners,
        Err(error) => {
            service.record_startup_failure(&error.to_string()).await?;
            return Err(error.into());
        }
    };
    let probe = listeners.addresses().into_iter().find(|(name, _)| &**name == PROBE);
    let probe_port = probe.map(|(_, address)| address.port()).unwrap_or_default();

    let facts = populated.facts(&service, data, &admin_path, probe_port);
    facts.write(data)?;
    service.record_start(&facts).await?;
    service.server.set_ready(true);
    announce(arguments, &facts, start, data)?;
    net::service_manager::ready(&format!("serving {}", facts.base_url));

    let role = Arc::new(Role::Primary);
    let administration = Administration::new(role.clone()).observed_by(Arc::new(restart::TakesEffectAtStart));
    let users =
        Arc::new(Users { server: service.server.clone(), directory: service.directory.clone(), role });
    let actions = users::actions(Actions::default(), &users);
    let actions = node::certificates::actions(actions, &service.farm_certificates);
    let api = Admin::new(service.server.clone(), administration, actions);
    let administration = tokio::spawn(admin.serve(api));
    let drained = listeners.serve(server::Routes(service.server.clone()), asked_to_end, DRAIN).await;
    net::service_manager::stopping();
    service.server.set_ready(false);
    administration.abort();
    service.record_stop().await?;
    if drained.cut > 0 {
        tracing::warn!(cut = drained.cut, "connections were cut at the end");
    }
    Ok(())
}

fn announce(arguments: &Arguments, facts: &Facts, start: Instant, data: &Path) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match arguments.json {
        true => writeln!(out, "{}", serde_json::to_string(facts)?)?,
        false => write!(out, "{}", facts.banner(start.elapsed().as_millis(), data))?,
    }
    out.flush()?;
    Ok(())
}

/// Makes the data directory. `--reset` empties only a directory that a demo made.
fn prepare_directory(data: &Path, reset: bool) -> Result<PathBuf> {
    use std::os::unix::fs::DirBuilderExt;
    if reset && data.exists() {
        let shown = data.display();
        let empty = std::fs::read_dir(data)?.next().is_none();
        if !empty && !data.join("configuration.db").exists() {
            return Err(format!(
                "--reset: {shown} was not made by a demo (it has no configuration.db); nothing was removed"
            )
            .into());
        }
        if let Ok(lock) = std::fs::File::open(data.join("sekisho.lock"))
            && lock.try_lock().is_err()
        {
            return Err(format!(
                "--reset: {shown} is in use by a running demo; end it first, nothing was removed"
            )
            .into());
        }
        std::fs::remove_dir_all(data)?;
    }
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(data);
    let found = made.and_then(|()| data.canonicalize());
    Ok(found.map_err(|error| {
        format!("--data {}: {error}; expected a directory, or a name that is free", data.display())
    })?)
}
