//! One process at a time has a data directory open.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::OpenError;

/// An advisory lock (flock) that the kernel releases when the process ends, however it ends. The file names
/// the holder; that it exists means nothing.
///
/// [`SqliteStore`](super::SqliteStore) holds it; whoever keeps the store elsewhere takes it by itself.
#[derive(Debug)]
pub struct DirectoryLock {
    _file: File,
}

impl DirectoryLock {
    /// Takes the lock of the existing directory `dir`, or says who has it. Never waits.
    pub fn acquire(dir: &Path) -> Result<Self, OpenError> {
        let path = dir.join("sekisho.lock");
        let failed = |cause| OpenError::File { path: path.clone(), cause };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(OpenError::Held { path: dir.into(), holder: holder(&mut file) });
            }
            Err(TryLockError::Error(cause)) => return Err(failed(cause)),
        }
        file.set_len(0).map_err(failed)?;
        file.write_all(std::process::id().to_string().as_bytes()).map_err(failed)?;
        Ok(Self { _file: file })
    }
}

fn holder(file: &mut File) -> String {
    let mut text = String::new();
    match file.take(20).read_to_string(&mut text).map(|_| text.trim().parse::<u32>()) {
        Ok(Ok(pid)) => format!("process {pid}"),
        _ => "another process".into(),
    }
}
