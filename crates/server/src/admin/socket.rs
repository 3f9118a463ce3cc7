//! The socket: who may open it, and how many at once.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;

use super::{Admin, router};

/// Connections served at once.
const CONNECTIONS: usize = 16;
/// A request's head must be complete after this time.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// Largest head of a request.
const HEAD_BYTES: usize = 64 * 1024;
/// Names of this machine's users.
const USERS: &str = "/etc/passwd";

/// The bound socket. Dropping it removes its file.
#[derive(Debug)]
pub struct AdminSocket {
    listener: UnixListener,
    path: PathBuf,
    owner: u32,
}

impl AdminSocket {
    /// Binds the socket with mode 0600. A file left by a process that is gone is replaced; one that answers is
    /// not.
    pub fn bind(path: &Path) -> std::io::Result<Self> {
        if path.exists() {
            if std::os::unix::net::UnixStream::connect(path).is_ok() {
                let message = format!("{} is in use by another process", path.display());
                return Err(std::io::Error::new(std::io::ErrorKind::AddrInUse, message));
            }
            std::fs::remove_file(path)?;
        }
        let listener = UnixListener::bind(path)?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
        let owner = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(path)?);
        Ok(Self { listener, path: path.to_owned(), owner })
    }

    /// Answers until the future is dropped.
    pub async fn serve(self, admin: Arc<Admin>) {
        let permits = Arc::new(Semaphore::new(CONNECTIONS));
        loop {
            let Ok(permit) = permits.clone().acquire_owned().await else { return };
            let stream = match self.listener.accept().await {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(%error, "administration socket: accept failed");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            };
            let Some(uid) = self.administrator(&stream) else {
                tracing::warn!("administration socket: a process of another user was refused");
                continue;
            };
            let admin = admin.clone();
            tokio::spawn(async move {
                let user: Arc<str> = user_name(uid).await.into();
                let answer = service_fn(move |request| {
                    let (admin, user) = (admin.clone(), user.clone());
                    async move { Ok::<_, std::convert::Infallible>(router::answer(admin, &user, request).await) }
                });
                let connection = hyper::server::conn::http1::Builder::new()
                    .timer(TokioTimer::new())
                    .header_read_timeout(HEAD_TIMEOUT)
                    .max_buf_size(HEAD_BYTES)
                    .serve_connection(TokioIo::new(stream), answer);
                if let Err(error) = connection.await {
                    tracing::debug!(%error, "administration socket");
                }
                drop(permit);
            });
        }
    }

    /// The peer's user, if it may administer. The file's mode keeps others out; this holds even where the mode was
    /// changed.
    fn administrator(&self, stream: &UnixStream) -> Option<u32> {
        let uid = stream.peer_cred().ok()?.uid();
        (uid == 0 || uid == self.owner).then_some(uid)
    }
}

impl Drop for AdminSocket {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

/// The name of a user of this machine, for history and audit.
async fn user_name(uid: u32) -> String {
    let users = tokio::fs::read_to_string(USERS).await.unwrap_or_default();
    name_in(&users, uid).unwrap_or_else(|| format!("uid {uid}"))
}

/// passwd(5): name, password, uid, …
fn name_in(users: &str, uid: u32) -> Option<String> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, its) = (fields.next()?, fields.nth(1)?);
        (its.parse() == Ok(uid)).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_named_as_passwd_names_them() {
        let users = "root:x:0:0:root:/root:/bin/sh\nbroken\nsekisho:x:998:998::/:/bin/false\n";
        assert_eq!(name_in(users, 998).as_deref(), Some("sekisho"));
        assert_eq!(name_in(users, 0).as_deref(), Some("root"));
        assert_eq!(name_in(users, 5), None);
    }

    /// Security case 85: the socket's file lets nobody but its owner in.
    #[tokio::test]
    async fn the_file_is_the_owners_alone_and_goes_with_the_socket() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("admin.sock");
        let socket = AdminSocket::bind(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
        let again = AdminSocket::bind(&path).unwrap_err();
        assert!(again.to_string().contains("in use by another process"), "{again}");
        drop(socket);
        assert!(!path.exists());
        // One that a killed process left.
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        AdminSocket::bind(&path).unwrap();
    }
}
