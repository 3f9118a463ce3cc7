//! Reads a journal, also while a server writes it.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use base::{ActivityId, Guid};

use super::frame::{self, Found, Head, ID};
use super::segment::{self, MAGIC, Opening};
use super::{JournalError, segment::Reader};
use crate::Record;

/// Records that one [`JournalReader::find`] returns at most.
const RECORDS: usize = 1_000;

/// The journal of a directory, read only.
#[derive(Debug)]
pub struct JournalReader {
    directory: PathBuf,
}

impl JournalReader {
    /// The journal in `directory`, which must exist.
    pub fn open(directory: &Path) -> Result<Self, JournalError> {
        segment::numbers(directory).map_err(|error| JournalError::files("open", directory, &error))?;
        Ok(Self { directory: directory.to_owned() })
    }

    /// The records of an activity, oldest first.
    ///
    /// Segments are searched from the newest backwards, reading 56 octets of each record. The requests of an
    /// activity lie close together: the search ends at the first segment without a record of it after one
    /// that had some, and at 1,000 records.
    pub fn find(&self, activity: ActivityId) -> Result<Vec<Record>, JournalError> {
        let failed = |error: io::Error| JournalError::files("read", &self.directory, &error);
        let mut found = Vec::new();
        for number in segment::numbers(&self.directory).map_err(failed)?.into_iter().rev() {
            let places = self.places(number, activity).map_err(failed)?;
            if places.is_empty() && !found.is_empty() {
                break;
            }
            for offset in places.into_iter().rev() {
                found.extend(self.record(number, offset).map_err(failed)?);
                if found.len() == RECORDS {
                    break;
                }
            }
            if found.len() == RECORDS {
                break;
            }
        }
        found.reverse();
        Ok(found)
    }

    /// Places of an activity's frames in a segment.
    fn places(&self, number: u64, activity: ActivityId) -> io::Result<Vec<u64>> {
        let file = match File::open(segment::path(&self.directory, number)) {
            Ok(file) => file,
            // Removed since the list was made: too old.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let size = file.metadata()?.len();
        let mut places = Vec::new();
        let mut offset = MAGIC.len() as u64;
        let mut is_header = true;
        let mut beginning = [0; frame::HEAD + ID];
        while file.read_exact_at(&mut beginning, offset).is_ok() {
            let (head, id) = beginning.split_at(frame::HEAD);
            let Some(head) = head.first_chunk().and_then(Head::parse) else {
                match self.resume(number, offset)? {
                    Some(next) => {
                        offset = next;
                        continue;
                    }
                    None => break,
                }
            };
            let next = offset.saturating_add(frame::HEAD.saturating_add(head.length) as u64);
            if next > size {
                break;
            }
            if !is_header && id == activity.0.as_bytes() {
                places.push(offset);
            }
            (offset, is_header) = (next, false);
        }
        Ok(places)
    }

    /// The next whole frame after damage.
    fn resume(&self, number: u64, offset: u64) -> io::Result<Option<u64>> {
        let Opening::Ready(mut reader, _) = Reader::open(&self.directory, number)? else { return Ok(None) };
        reader.seek(offset)?;
        Ok(reader.resume()?.then_some(reader.offset))
    }

    fn record(&self, number: u64, offset: u64) -> io::Result<Option<Record>> {
        let Opening::Ready(mut reader, _) = Reader::open(&self.directory, number)? else { return Ok(None) };
        reader.seek(offset)?;
        match reader.next()? {
            Found::Frame(frame) => match serde_json::from_slice(&frame.body) {
                Ok(record) => Ok(Some(record)),
                Err(error) => {
                    tracing::warn!(%error, segment = number, offset, "a record can't be read by this version");
                    Ok(None)
                }
            },
            Found::End | Found::Damage(_) => Ok(None),
        }
    }

    /// Records of the service itself and notes of the journal, oldest first; see [`find`](Self::find).
    pub fn service(&self) -> Result<Vec<Record>, JournalError> {
        self.find(ActivityId(Guid::NIL))
    }
}
