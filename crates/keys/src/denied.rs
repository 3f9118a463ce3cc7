//! Why a file cannot be read or written, whom it belongs to, and the command that repairs it.

use std::fmt;
use std::fs::{self, Metadata};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The system refused a file of the data directory. `Display` is one sentence for an administrator, with the
/// command that repairs it; it holds no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denied {
    /// The file or directory that stands in the way: a directory above the file, if that is what refuses.
    pub path: PathBuf,
    /// Whose it is.
    pub owner: Account,
    /// Its permission bits.
    pub mode: u32,
    /// The account that this process runs as.
    pub account: Account,
    /// The permission bits it should have.
    pub needed_mode: u32,
    /// What is wrong.
    pub fault: Fault,
}

/// What is wrong with the permissions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// It belongs to another account.
    Owner,
    /// It belongs to the right account, which its mode locks out.
    Mode,
    /// A directory outside of the data directory cannot be passed.
    Path,
    /// Everything here belongs to one account, and this process runs as another.
    Process {
        /// The data directory's owner.
        expected: Account,
    },
    /// Owner and mode are right, and still it is refused.
    Policy,
}

/// An account of the system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its number.
    pub uid: u32,
    /// Its name; none if the system knows none.
    pub name: Option<String>,
}

/// Owner and mode of one file.
#[derive(Debug, Clone, Copy)]
struct Facts {
    uid: u32,
    mode: u32,
    directory: bool,
}

impl Account {
    /// The account that this process runs as.
    pub fn current() -> Self {
        Self::of(rustix::process::geteuid().as_raw())
    }

    /// The account with this number, with its name in `/etc/passwd`.
    pub fn of(uid: u32) -> Self {
        Self { uid, name: name_of(uid) }
    }

    /// As `chown` and `setfacl` take it.
    fn argument(&self) -> String {
        self.name.clone().unwrap_or_else(|| self.uid.to_string())
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{name} (uid {})", self.uid),
            None => write!(f, "uid {}", self.uid),
        }
    }
}

impl Denied {
    /// Finds what stands between this process and `path`, a file in the data directory `data`.
    pub(crate) fn explain(path: &Path, data: &Path) -> Self {
        let mut culprit = path.to_owned();
        // From the root down: the first name that cannot be looked up is refused by its directory.
        let mut above: Vec<_> = path.ancestors().collect();
        above.reverse();
        for pair in above.windows(2) {
            let [parent, child] = pair else { continue };
            if fs::symlink_metadata(child).is_err_and(|error| error.kind() == ErrorKind::PermissionDenied) {
                culprit = (*parent).to_owned();
                break;
            }
        }
        let data_owner = fs::metadata(data).ok().map(|metadata| Account::of(metadata.uid()));
        let mut metadata = fs::metadata(&culprit);
        if metadata.is_err() {
            // A file that was to be made: its directory refuses.
            culprit = culprit.parent().unwrap_or(Path::new("/")).to_owned();
            metadata = fs::metadata(&culprit);
        }
        let facts = metadata.as_ref().map_or(Facts { uid: 0, mode: 0, directory: true }, Facts::of);
        Self::diagnose(culprit, facts, data, data_owner, Account::current(), Account::of)
    }

    fn diagnose(
        path: PathBuf,
        facts: Facts,
        data: &Path,
        data_owner: Option<Account>,
        account: Account,
        name: impl Fn(u32) -> Account,
    ) -> Self {
        let needed_mode = if facts.directory { 0o700 } else { 0o600 };
        let fault = match data_owner {
            // Root's data directory is one that was restored or made by root: its owner proves nothing.
            Some(expected) if expected.uid != account.uid && expected.uid != 0 && path.starts_with(data) => {
                Fault::Process { expected }
            }
            _ if !path.starts_with(data) => Fault::Path,
            _ if facts.uid != account.uid => Fault::Owner,
            _ if facts.mode & needed_mode != needed_mode => Fault::Mode,
            _ => Fault::Policy,
        };
        Self { path, owner: name(facts.uid), mode: facts.mode, account, needed_mode, fault }
    }

    /// The shell command that repairs it, to be run as root; for [`Fault::Process`] the way to run this process.
    pub fn repair(&self) -> String {
        let path = quoted(&self.path);
        let Self { needed_mode: mode, account, .. } = self;
        match &self.fault {
            Fault::Owner => format!("chown {}: {path} && chmod {mode:o} {path}", account.argument()),
            Fault::Mode => format!("chmod {mode:o} {path}"),
            Fault::Path => format!("setfacl -m u:{}:x {path}", account.argument()),
            Fault::Process { expected } => format!("sudo -u {} COMMAND", expected.argument()),
            Fault::Policy => format!("restorecon -v {path}"),
        }
    }
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, owner, mode, account, needed_mode, fault } = self;
        let path = path.display();
        write!(
            f,
            "'{path}' belongs to {owner} with mode {mode:03o}, and this process, which runs as {account}, is refused; "
        )?;
        match fault {
            Fault::Owner => write!(f, "it must belong to {account} with mode {needed_mode:o}. Run: ")?,
            Fault::Mode => write!(f, "the mode must be {needed_mode:o}. Run: ")?,
            Fault::Path => f.write_str("the way to the data directory must be open to the account. Run: ")?,
            Fault::Process { expected } => {
                write!(f, "the data directory belongs to {expected}, so run this as that account: ")?;
            }
            Fault::Policy => f.write_str(
                "owner and mode permit it, so a security module (SELinux, AppArmor), the sandbox of the systemd unit or a read-only file system refuses; see 'journalctl -k'. With SELinux run: ",
            )?,
        }
        f.write_str(&self.repair())
    }
}

impl Facts {
    fn of(metadata: &Metadata) -> Self {
        Self { uid: metadata.uid(), mode: metadata.mode() & 0o7777, directory: metadata.is_dir() }
    }
}

/// In single quotation marks, as a POSIX shell reads it.
fn quoted(path: &Path) -> String {
    format!("'{}'", path.to_string_lossy().replace('\'', r"'\''"))
}

/// The first name with this number in `/etc/passwd`. Accounts from elsewhere are told by number.
fn name_of(uid: u32) -> Option<String> {
    const LARGEST: u64 = 1024 * 1024;
    let mut passwd = Vec::new();
    fs::File::open("/etc/passwd").ok()?.take(LARGEST).read_to_end(&mut passwd).ok()?;
    String::from_utf8_lossy(&passwd).lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let number: u32 = fields.nth(1)?.parse().ok()?;
        (number == uid && !name.is_empty()).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATA: &str = "/var/lib/sekisho";
    const KEY: &str = "/var/lib/sekisho/certificates/my/AB.key";

    fn account(uid: u32) -> Account {
        let name = match uid {
            0 => Some("root".to_owned()),
            990 => Some("sekisho".to_owned()),
            1000 => Some("alice".to_owned()),
            _ => None,
        };
        Account { uid, name }
    }

    fn diagnose(path: &str, facts: (u32, u32), data_owner: u32, process: u32) -> Denied {
        let facts = Facts { uid: facts.0, mode: facts.1, directory: !path.ends_with(".key") };
        let data_owner = Some(account(data_owner));
        Denied::diagnose(path.into(), facts, Path::new(DATA), data_owner, account(process), account)
    }

    #[test]
    fn a_key_of_root_says_whose_it_is_who_runs_and_what_to_run() {
        let denied = diagnose(KEY, (0, 0o600), 990, 990);
        assert_eq!(
            denied.to_string(),
            "'/var/lib/sekisho/certificates/my/AB.key' belongs to root (uid 0) with mode 600, and this process, which runs as sekisho (uid 990), is refused; it must belong to sekisho (uid 990) with mode 600. Run: chown sekisho: '/var/lib/sekisho/certificates/my/AB.key' && chmod 600 '/var/lib/sekisho/certificates/my/AB.key'"
        );
    }

    #[test]
    fn a_mode_that_locks_its_owner_out_asks_for_chmod_alone() {
        let denied = diagnose(KEY, (990, 0o040), 990, 990);
        assert_eq!(denied.repair(), "chmod 600 '/var/lib/sekisho/certificates/my/AB.key'");
        assert!(denied.to_string().contains("with mode 040"), "{denied}");
        let denied = diagnose("/var/lib/sekisho/certificates", (990, 0o600), 990, 990);
        assert_eq!(denied.repair(), "chmod 700 '/var/lib/sekisho/certificates'");
    }

    #[test]
    fn a_data_directory_restored_by_root_is_given_back_to_the_service() {
        let denied = diagnose(DATA, (0, 0o700), 0, 990);
        assert_eq!(denied.repair(), "chown sekisho: '/var/lib/sekisho' && chmod 700 '/var/lib/sekisho'");
    }

    #[test]
    fn a_person_who_is_not_the_service_is_told_to_run_as_it_and_not_to_take_its_keys() {
        let denied = diagnose(DATA, (990, 0o700), 990, 1000);
        assert_eq!(denied.repair(), "sudo -u sekisho COMMAND");
        assert!(denied.to_string().contains("runs as alice (uid 1000)"), "{denied}");
    }

    #[test]
    fn a_directory_above_the_data_is_opened_for_one_account_and_not_taken_from_its_owner() {
        let denied = diagnose("/var/lib", (0, 0o700), 990, 990);
        assert_eq!(denied.repair(), "setfacl -m u:sekisho:x '/var/lib'");
    }

    #[test]
    fn right_owner_and_mode_point_at_a_security_module() {
        let denied = diagnose(KEY, (990, 0o600), 990, 990);
        assert!(denied.to_string().contains("SELinux"), "{denied}");
    }

    #[test]
    fn an_account_without_a_name_is_its_number_and_a_path_is_one_word_of_the_shell() {
        let denied = diagnose("/var/lib/sekisho/it's here.key", (0, 0o600), 4242, 4242);
        assert_eq!(
            denied.repair(),
            r"chown 4242: '/var/lib/sekisho/it'\''s here.key' && chmod 600 '/var/lib/sekisho/it'\''s here.key'"
        );
        assert!(denied.to_string().contains("runs as uid 4242"), "{denied}");
    }

    #[test]
    fn the_system_knows_the_name_of_root() {
        assert_eq!(Account::of(0).to_string(), "root (uid 0)");
        assert_eq!(Account::of(4_000_000_000).to_string(), "uid 4000000000");
    }
}
