//! Extranet lockout: after too many wrong passwords the directory is not asked for a while
//! (`ExtranetLockoutThreshold`, `ExtranetObservationWindow`).

use base::{Clock, Timestamp};
use configuration::ServiceProperties;
use store::{AccountActivity, Activity, StoreError, Versioned};

/// Whether a password may be tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Admission {
    /// It may; the attempt is already counted as a wrong one, until [`Lockout::forgive`].
    Admitted,
    /// The account is locked: the directory must not be asked.
    Locked {
        /// Wrong passwords so far.
        bad_password_count: u32,
        /// Last one.
        last_bad_attempt: Timestamp,
    },
}

/// The counters and the rule over them.
pub(crate) struct Lockout<'a> {
    /// The counters.
    pub(crate) activity: &'a dyn Activity,
    /// Threshold and window.
    pub(crate) properties: &'a ServiceProperties,
    /// Time.
    pub(crate) clock: &'a dyn Clock,
}

impl Lockout<'_> {
    /// Counts an attempt before the directory is asked, so that parallel guesses can't pass the threshold
    /// together.
    pub(crate) async fn admit(&self, account: &str) -> Result<Admission, StoreError> {
        if !self.properties.extranet_lockout_enabled {
            return Ok(Admission::Admitted);
        }
        let threshold = self.properties.extranet_lockout_threshold;
        let window = self.properties.extranet_observation_window.as_duration();
        loop {
            let now = self.clock.now();
            let (version, mut record) = self.read(account).await?;
            if let Some(last) = record.last_failed_auth_unknown
                && record.bad_pwd_count_unknown >= threshold
                && now < last.plus(window)
            {
                return Ok(Admission::Locked {
                    bad_password_count: record.bad_pwd_count_unknown,
                    last_bad_attempt: last,
                });
            }
            record.bad_pwd_count_unknown = record.bad_pwd_count_unknown.saturating_add(1);
            record.last_failed_auth_unknown = Some(now);
            if self.activity.swap(account, version, &record, now).await? {
                return Ok(Admission::Admitted);
            }
        }
    }

    /// The password was right: the count starts again.
    pub(crate) async fn forgive(&self, account: &str) -> Result<(), StoreError> {
        if !self.properties.extranet_lockout_enabled {
            return Ok(());
        }
        loop {
            let (version, mut record) = self.read(account).await?;
            record.bad_pwd_count_unknown = 0;
            record.last_failed_auth_unknown = None;
            if self.activity.swap(account, version, &record, self.clock.now()).await? {
                return Ok(());
            }
        }
    }

    async fn read(&self, account: &str) -> Result<(u64, AccountActivity), StoreError> {
        Ok(match self.activity.load(account).await? {
            Some(Versioned { version, value }) => (version, value),
            None => (0, AccountActivity::default()),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use base::ManualClock;
    use configuration::TimeSpan;
    use store::sqlite::SqliteStore;

    use super::*;

    struct Fixture {
        store: Arc<SqliteStore>,
        properties: ServiceProperties,
        clock: ManualClock,
        _folder: tempfile::TempDir,
    }

    impl Fixture {
        fn new(threshold: u32) -> Self {
            let folder = tempfile::tempdir().unwrap();
            Self {
                store: Arc::new(SqliteStore::open(folder.path()).unwrap()),
                properties: ServiceProperties {
                    extranet_lockout_threshold: threshold,
                    extranet_observation_window: TimeSpan::from_seconds(600),
                    ..ServiceProperties::default()
                },
                clock: ManualClock::new(Timestamp::from_seconds(1_000_000)),
                _folder: folder,
            }
        }

        fn lockout(&self) -> Lockout<'_> {
            Lockout { activity: self.store.as_ref(), properties: &self.properties, clock: &self.clock }
        }
    }

    #[tokio::test]
    async fn an_account_is_locked_at_the_threshold_until_the_window_is_over() {
        let fixture = Fixture::new(3);
        let lockout = fixture.lockout();
        for _ in 0..3 {
            assert_eq!(lockout.admit("contoso\\kim").await.unwrap(), Admission::Admitted);
        }
        let now = fixture.clock.now();
        let locked = Admission::Locked { bad_password_count: 3, last_bad_attempt: now };
        assert_eq!(lockout.admit("contoso\\kim").await.unwrap(), locked);
        assert_eq!(lockout.admit("contoso\\lee").await.unwrap(), Admission::Admitted, "another account");

        fixture.clock.advance(Duration::from_secs(599));
        assert_eq!(lockout.admit("contoso\\kim").await.unwrap(), locked, "the last second of the window");
        fixture.clock.advance(Duration::from_secs(1));
        assert_eq!(lockout.admit("contoso\\kim").await.unwrap(), Admission::Admitted, "one attempt after it");
        assert!(
            matches!(lockout.admit("contoso\\kim").await.unwrap(), Admission::Locked { .. }),
            "and no second"
        );
    }

    #[tokio::test]
    async fn a_right_password_starts_the_count_again() {
        let fixture = Fixture::new(2);
        let lockout = fixture.lockout();
        for _ in 0..5 {
            assert_eq!(lockout.admit("kim").await.unwrap(), Admission::Admitted);
            lockout.forgive("kim").await.unwrap();
        }
    }

    /// Security case 69, on one node.
    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn parallel_guesses_can_not_pass_the_threshold_together() {
        let fixture = Arc::new(Fixture::new(5));
        let guesses: Vec<_> = (0..40)
            .map(|_| {
                let fixture = fixture.clone();
                tokio::spawn(
                    async move { fixture.lockout().admit("kim").await.unwrap() == Admission::Admitted },
                )
            })
            .collect();
        let mut admitted = 0;
        for guess in guesses {
            admitted += u32::from(guess.await.unwrap());
        }
        assert_eq!(admitted, 5);
    }
}
