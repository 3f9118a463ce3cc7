//! Segments: the files of a journal, `00000001.journal` and so on.
//!
//! A segment begins with eight octets of magic and a frame with its [`Header`], which continues the chain of
//! the segment before. Records follow.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use base::{ActivityId, Guid, Timestamp};
use serde::{Deserialize, Serialize};

use super::frame::{self, Found, Frame, Hash, Stored};

/// The beginning of each segment; the digit is the version of the format.
pub(super) const MAGIC: &[u8; 8] = b"SEKIJRN1";

/// The first frame of a segment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Header {
    /// Number of the segment.
    pub(super) segment: u64,
    /// Host name of the node.
    pub(super) node: String,
    /// When the segment was begun.
    pub(super) created: Timestamp,
    /// Where the chain comes from; none for the first segment.
    pub(super) previous: Option<Previous>,
}

/// The end of the segment before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Previous {
    /// Octets that count; what lies behind them was never confirmed to anybody.
    pub(super) length: u64,
    /// Hash of its last frame.
    pub(super) hash: String,
}

/// The file of a segment.
pub(super) fn path(directory: &Path, number: u64) -> PathBuf {
    directory.join(format!("{number:08}.journal"))
}

/// Numbers of the segments in `directory`, oldest first.
pub(super) fn numbers(directory: &Path) -> io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(directory)? {
        let name = entry?.file_name();
        let number: Option<u64> = name.to_str().and_then(|name| name.strip_suffix(".journal")?.parse().ok());
        numbers.extend(number);
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// Creates a file that only the service's account reads. An existing file is not replaced.
pub(super) fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().create_new(true).append(true).read(true).mode(0o600).open(path)
}

/// The octets that begin a segment, and the hash after them.
pub(super) fn beginning(header: &Header, previous: Hash) -> (Vec<u8>, Hash) {
    let mut octets = MAGIC.to_vec();
    let hash = match Frame::new(ActivityId(Guid::NIL), header) {
        Some(frame) => frame.chain(previous, &mut octets),
        None => previous,
    };
    (octets, hash)
}

/// Reads a segment frame by frame.
pub(super) struct Reader {
    file: BufReader<File>,
    /// Place of the next frame.
    pub(super) offset: u64,
    /// Hash of the frame before.
    pub(super) hash: Hash,
    /// Whether the header's hash follows from the one that the header names.
    pub(super) header_chained: bool,
}

/// Why a segment can't be read from its beginning.
pub(super) enum Opening {
    /// It can.
    Ready(Reader, Header),
    /// It ends within its beginning: it was never used.
    Torn,
    /// It has no proper beginning.
    Damage(&'static str),
}

impl Reader {
    /// Opens a segment and reads its header. Whether it fits the segment before is for
    /// [`super::verify()`] to tell.
    pub(super) fn open(directory: &Path, number: u64) -> io::Result<Opening> {
        let mut file = BufReader::with_capacity(1 << 16, File::open(path(directory, number))?);
        let mut magic = [0; 8];
        if let Err(error) = file.read_exact(&mut magic) {
            return match error.kind() {
                io::ErrorKind::UnexpectedEof => Ok(Opening::Torn),
                _ => Err(error),
            };
        }
        if &magic != MAGIC {
            return Ok(Opening::Damage("the segment does not begin as one of this version"));
        }
        let first = match frame::read(&mut file, None)? {
            Found::Frame(first) => first,
            Found::End | Found::Damage(frame::CUT) => return Ok(Opening::Torn),
            Found::Damage(what) => return Ok(Opening::Damage(what)),
        };
        let Ok(header) = serde_json::from_slice::<Header>(&first.body) else {
            return Ok(Opening::Damage("the segment's header is not one"));
        };
        let offset = (MAGIC.len() as u64).saturating_add(first.length);
        let previous = header.previous.as_ref().and_then(|previous| Hash::from_hex(&previous.hash));
        let header_chained = first.follows(previous.unwrap_or(Hash::START));
        Ok(Opening::Ready(Self { file, offset, hash: first.hash, header_chained }, header))
    }

    /// The frame at the current place; moves behind it. After damage the place stays.
    pub(super) fn next(&mut self) -> io::Result<Found> {
        self.read(Some(self.hash))
    }

    /// As [`next`](Self::next), for those who derive: the link to the frame before is left to [`super::verify()`].
    pub(super) fn next_unlinked(&mut self) -> io::Result<Found> {
        self.read(None)
    }

    fn read(&mut self, previous: Option<Hash>) -> io::Result<Found> {
        let found = frame::read(&mut self.file, previous)?;
        if let Found::Frame(Stored { length, hash, .. }) = &found {
            self.offset = self.offset.saturating_add(*length);
            self.hash = *hash;
        }
        Ok(found)
    }

    /// Goes to the frame at `offset`, whose predecessor is not known: its link will not be right.
    pub(super) fn seek(&mut self, offset: u64) -> io::Result<()> {
        self.offset = self.file.seek(SeekFrom::Start(offset))?;
        Ok(())
    }

    /// After damage: goes to the next whole frame, if one follows. If none does, the damage is a torn end.
    pub(super) fn resume(&mut self) -> io::Result<bool> {
        let start = self.offset.saturating_add(1);
        self.seek(start)?;
        let mut rest = Vec::new();
        self.file.read_to_end(&mut rest)?;
        for begin in 0..rest.len() {
            let candidate = rest.get(begin..).unwrap_or_default();
            let Some(head) = candidate.first_chunk().and_then(frame::Head::parse) else { continue };
            // Cheap signs of a frame first: its body is a JSON object.
            let body =
                candidate.get(frame::HEAD.saturating_add(frame::ID)..frame::HEAD.saturating_add(head.length));
            if body.is_some_and(|body| body.starts_with(b"{") && body.ends_with(b"}"))
                && matches!(frame::read(&mut &*candidate, None)?, Found::Frame(_))
            {
                self.seek(start.saturating_add(begin as u64))?;
                return Ok(true);
            }
        }
        Ok(false)
    }
}
