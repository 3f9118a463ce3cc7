//! Verifies the chain of a whole journal.

use std::io;
use std::path::Path;

use super::JournalError;
use super::frame::{Found, Hash};
use super::segment::{self, Header, Opening, Reader};

/// What [`verify`] found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verification {
    /// Segments read.
    pub segments: u64,
    /// Whole records read.
    pub records: u64,
    /// The newest record, as in [`super::JournalStatus::head`].
    pub head: String,
    /// Everything that is not as it was written, oldest first; empty when the chain holds.
    pub problems: Vec<Problem>,
    /// What is in order, but worth knowing.
    pub notes: Vec<String>,
}

/// A place where the journal is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("segment {segment}, octet {offset}: {what}")]
pub struct Problem {
    /// Number of the segment.
    pub segment: u64,
    /// Place in it.
    pub offset: u64,
    /// What is wrong.
    pub what: String,
}

/// Where the chain stands at the end of a segment.
struct End {
    number: u64,
    /// Octets up to the last whole frame.
    length: u64,
    /// Hash of that frame; none when the segment can't be read to its end.
    hash: Option<Hash>,
}

/// Reads all segments of a directory and checks each link, also while a server writes.
pub fn verify(directory: &Path) -> Result<Verification, JournalError> {
    let mut result = Verification::default();
    let numbers =
        segment::numbers(directory).map_err(|error| JournalError::files("open", directory, &error))?;
    let newest = numbers.last().copied().unwrap_or_default();
    let mut before: Option<End> = None;
    for number in numbers {
        let end = verify_segment(directory, number, number == newest, before.as_ref(), &mut result)
            .map_err(|error| JournalError::files("read", &segment::path(directory, number), &error))?;
        before = Some(end);
    }
    Ok(result)
}

fn verify_segment(
    directory: &Path,
    number: u64,
    is_newest: bool,
    before: Option<&End>,
    result: &mut Verification,
) -> io::Result<End> {
    result.segments = result.segments.saturating_add(1);
    let mut problem = |offset: u64, what: &str| {
        result.problems.push(Problem { segment: number, offset, what: what.to_owned() });
    };
    let (mut reader, header) = match Reader::open(directory, number)? {
        Opening::Ready(reader, header) => (reader, header),
        Opening::Torn if is_newest => {
            result.notes.push(format!("segment {number} was being begun"));
            return Ok(End { number, length: 0, hash: None });
        }
        Opening::Torn => {
            problem(0, "the segment ends within its beginning");
            return Ok(End { number, length: 0, hash: None });
        }
        Opening::Damage(what) => {
            problem(0, what);
            return Ok(End { number, length: 0, hash: None });
        }
    };
    for what in header_problems(number, &header, &reader, before) {
        problem(0, &what);
    }
    if before.is_none() && number > 1 {
        result.notes.push(format!("segments before {number} are gone"));
    }
    let mut length = reader.offset;
    let mut hash = Some(reader.hash);
    loop {
        let offset = reader.offset;
        match reader.next()? {
            Found::Frame(frame) => {
                result.records = result.records.saturating_add(1);
                if !frame.chained && hash.is_some() {
                    problem(offset, "the record was changed, or the one before it was removed or replaced");
                }
                (length, hash) = (reader.offset, Some(frame.hash));
            }
            Found::End => break,
            Found::Damage(what) => {
                if reader.resume()? {
                    problem(offset, what);
                    hash = None;
                    continue;
                }
                if is_newest {
                    result.notes.push(format!("segment {number} ends with a record that is being written"));
                } else {
                    result.notes.push(format!("segment {number} has unconfirmed octets at its end"));
                }
                break;
            }
        }
    }
    if let Some(hash) = hash {
        result.head = format!("{number}:{length}:{}", hash.to_hex());
    }
    Ok(End { number, length, hash })
}

/// What does not fit between a segment and the one before.
fn header_problems(number: u64, header: &Header, reader: &Reader, before: Option<&End>) -> Vec<String> {
    let mut problems = Vec::new();
    if header.segment != number {
        problems.push(format!("the file holds segment {}", header.segment));
    }
    let stated = header.previous.as_ref().and_then(|previous| Hash::from_hex(&previous.hash));
    if !reader.header_chained {
        problems.push("the header was changed".to_owned());
    }
    match (before, &header.previous) {
        (Some(before), _) if before.number.saturating_add(1) != number => {
            problems.push(format!("the segments between {} and {number} are missing", before.number));
        }
        (Some(End { hash: None, .. }), _) => {}
        (Some(before), Some(previous)) => {
            if before.length < previous.length {
                let (has, had) = (before.length, previous.length);
                problems.push(format!("segment {} was cut from {had} to {has} octets", before.number));
            } else if before.length == previous.length && before.hash != stated {
                problems.push(format!("the newest record of segment {} was replaced", before.number));
            } else if before.length > previous.length {
                problems.push(format!("segment {} has records that nobody confirmed", before.number));
            }
        }
        (Some(before), None) => problems.push(format!("it does not follow segment {}", before.number)),
        (None, Some(_)) if number == 1 => problems.push("it is not the first segment".to_owned()),
        (None, _) => {}
    }
    problems
}
