//! `sekisho serve`: the node of a farm that `Install-AdfsFarm` or `Add-AdfsFarmNode` made.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use cmdlets::administration::SERVICE_SOCKET;

use crate::{Result, node};

/// Where a service of the system keeps its data.
pub(crate) const DATA: &str = "/var/lib/sekisho";

/// Arguments of `sekisho serve`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Data directory of the node.
    #[arg(long, value_name = "DIR", env = "SEKISHO_DATA", default_value = DATA)]
    data: PathBuf,
    /// Administration socket; beside the data when the data is elsewhere than usual.
    #[arg(long, value_name = "FILE", env = "SEKISHO_ADMIN_SOCKET")]
    admin_socket: Option<PathBuf>,
    /// Only look whether the node can be ready, say what is in the way, and end with 1 when something is.
    #[arg(long)]
    check: bool,
}

/// Runs the node until it is asked to end, or looks at it.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    crate::init_log();
    let socket = arguments.admin_socket.clone().unwrap_or_else(|| admin_socket(&arguments.data));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    if arguments.check {
        let good = runtime.block_on(node::check::run(&arguments.data, &socket))?;
        return Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    runtime.block_on(node::run(&arguments.data, &socket))?;
    Ok(ExitCode::SUCCESS)
}

/// The socket of a node whose data is in `data`.
pub(crate) fn admin_socket(data: &Path) -> PathBuf {
    if data == Path::new(DATA) { PathBuf::from(SERVICE_SOCKET) } else { data.join("admin.sock") }
}
