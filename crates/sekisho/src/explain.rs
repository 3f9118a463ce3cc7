//! `sekisho explain ACTIVITY-ID`: why a request ended as it did, from the journal of this node.

use std::path::PathBuf;

use audit::JournalReader;
use base::ActivityId;

/// Arguments of `sekisho explain`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The activity id (a GUID) that the error page or an event shows.
    activity_id: String,
    /// Data directory of the node.
    #[arg(long, value_name = "DIR", default_value = "sekisho-demo")]
    data: PathBuf,
}

/// Prints the explanation. The journal is read as it is, whether the service runs or not.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let activity = ActivityId(arguments.activity_id.parse()?);
    let directory = arguments.data.join("journal");
    let reader = JournalReader::open(&directory)
        .map_err(|error| format!("{}: {error}; name the data directory with --data", directory.display()))?;
    let records = reader.find(activity)?;
    if records.is_empty() {
        return Err(
            format!("no request with the activity id {activity} is in {}", directory.display()).into()
        );
    }
    print!("{}", audit::render(&records));
    Ok(())
}
