//! Files of the data directory: written whole or not at all, and left to the account that owns the directory.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};

/// Who owns what is written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Owner {
    uid: u32,
    gid: u32,
}

/// What went wrong, and with which file.
#[derive(Debug)]
pub(crate) struct FileError {
    pub(crate) path: PathBuf,
    pub(crate) cause: io::Error,
}

impl FileError {
    /// Names the file of an error.
    pub(crate) fn at(path: &Path) -> impl Fn(io::Error) -> Self {
        move |cause| Self { path: path.to_owned(), cause }
    }
}

/// Whom to leave files to: for root the owner of the data directory, which the service runs as; everyone else
/// writes as himself.
pub(crate) fn owner(data: &Path) -> Result<Option<Owner>, FileError> {
    if !rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    let metadata = fs::metadata(data).map_err(FileError::at(data))?;
    Ok(Some(Owner { uid: metadata.uid(), gid: metadata.gid() }))
}

/// Makes `name` in `parent`, for its owner alone. A symbolic link in its place is refused: root writes here.
pub(crate) fn directory(parent: &Path, name: &str, owner: Option<Owner>) -> Result<PathBuf, FileError> {
    let path = parent.join(name);
    let failed = |cause| FileError { path: path.clone(), cause };
    match DirBuilder::new().mode(0o700).create(&path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(failed(error)),
        Err(_) if fs::symlink_metadata(&path).map_err(failed)?.is_dir() => {}
        Err(_) => {
            return Err(failed(io::Error::new(ErrorKind::NotADirectory, "it is not a directory")));
        }
        Ok(()) => {
            let made = File::open(&path).map_err(failed)?;
            give(&made, owner).map_err(failed)?;
            sync(parent)?;
        }
    }
    Ok(path)
}

/// Writes `name` in `dir`, mode 0600: beside it, to disk, then over it. The caller holds the directory's
/// [`lock`], so that the name beside is free.
pub(crate) fn replace(dir: &Path, name: &str, content: &[u8], owner: Option<Owner>) -> Result<(), FileError> {
    let beside = dir.join(format!(".{name}.new"));
    let failed = FileError::at(&beside);
    // What a crash left.
    remove(&beside)?;
    let mut file =
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside).map_err(&failed)?;
    give(&file, owner).map_err(&failed)?;
    file.write_all(content).map_err(&failed)?;
    file.sync_all().map_err(&failed)?;
    let path = dir.join(name);
    fs::rename(&beside, &path).map_err(FileError::at(&path))?;
    sync(dir)
}

/// Removes a file, if it is there; whether it was.
pub(crate) fn remove(path: &Path) -> Result<bool, FileError> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(FileError::at(path)(error)),
    }
}

/// Waits until no other process changes the directory; until the returned file is dropped none will.
pub(crate) fn lock(dir: &Path) -> Result<File, FileError> {
    let file = File::open(dir).map_err(FileError::at(dir))?;
    file.lock().map_err(FileError::at(dir))?;
    Ok(file)
}

/// Reads a file of at most `limit` octets; `None` if there is none.
pub(crate) fn read(path: &Path, limit: u64) -> Result<Option<Vec<u8>>, FileError> {
    let failed = FileError::at(path);
    let file = match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        other => other.map_err(&failed)?,
    };
    let mut content = Vec::new();
    file.take(limit.saturating_add(1)).read_to_end(&mut content).map_err(&failed)?;
    if u64::try_from(content.len()).is_ok_and(|length| length > limit) {
        return Err(failed(io::Error::new(
            ErrorKind::FileTooLarge,
            format!("it has more than {limit} octets"),
        )));
    }
    Ok(Some(content))
}

/// Forces the names in a directory to disk.
pub(crate) fn sync(dir: &Path) -> Result<(), FileError> {
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(FileError::at(dir))
}

fn give(file: &File, owner: Option<Owner>) -> io::Result<()> {
    match owner {
        Some(Owner { uid, gid }) => fchown(file, Some(uid), Some(gid)),
        None => Ok(()),
    }
}
