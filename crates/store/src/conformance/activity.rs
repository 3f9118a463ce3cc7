//! [`Activity`].

use std::sync::Arc;

use base::Timestamp;

use crate::{AccountActivity, Activity, Versioned};

const ACCOUNT: &str = r"contoso\alice";

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(1_700_000_000 + seconds)
}

fn guesses(n: u32) -> AccountActivity {
    AccountActivity { bad_pwd_count_unknown: n, ..AccountActivity::default() }
}

pub async fn an_unknown_account_has_no_activity(store: Arc<impl Activity>) {
    assert_eq!(store.load(ACCOUNT).await.unwrap(), None);
}

pub async fn activity_is_read_back_as_written(store: Arc<impl Activity>) {
    let value = AccountActivity {
        bad_pwd_count_familiar: 1,
        bad_pwd_count_unknown: u32::MAX,
        last_failed_auth_familiar: Some(at(1)),
        last_failed_auth_unknown: None,
        familiar_ips: vec!["192.0.2.1".parse().unwrap(), "2001:db8::1".parse().unwrap()],
    };
    assert!(store.swap(ACCOUNT, 0, &value, at(0)).await.unwrap());
    assert_eq!(store.load(ACCOUNT).await.unwrap(), Some(Versioned { version: 1, value }));
}

pub async fn a_swap_needs_the_version_that_was_read(store: Arc<impl Activity>) {
    assert!(!store.swap(ACCOUNT, 1, &guesses(9), at(0)).await.unwrap(), "absent");
    assert!(store.swap(ACCOUNT, 0, &guesses(1), at(0)).await.unwrap());
    assert!(!store.swap(ACCOUNT, 0, &guesses(9), at(0)).await.unwrap(), "present");
    assert!(store.swap(ACCOUNT, 1, &guesses(2), at(0)).await.unwrap());
    assert!(!store.swap(ACCOUNT, 1, &guesses(9), at(0)).await.unwrap(), "old");
    assert!(!store.swap(ACCOUNT, 3, &guesses(9), at(0)).await.unwrap(), "never was");
    assert_eq!(store.load(ACCOUNT).await.unwrap(), Some(Versioned { version: 2, value: guesses(2) }));
}

pub async fn accounts_are_separate(store: Arc<impl Activity>) {
    for (n, account) in ["a", "A", "", "b"].into_iter().enumerate() {
        let n = u32::try_from(n).unwrap();
        assert!(store.swap(account, 0, &guesses(n), at(0)).await.unwrap());
    }
    assert_eq!(store.load("A").await.unwrap().unwrap().value, guesses(1));
    assert_eq!(store.load("a").await.unwrap().unwrap().value, guesses(0));
}

/// Security case 69, on one node: what N parallel guesses count is N.
pub async fn counters_lose_no_guess(store: Arc<impl Activity + 'static>) {
    let guessers: Vec<_> = (0..16)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move {
                for _ in 0..10 {
                    loop {
                        let (version, count) = match store.load(ACCOUNT).await.unwrap() {
                            Some(found) => (found.version, found.value.bad_pwd_count_unknown),
                            None => (0, 0),
                        };
                        if store.swap(ACCOUNT, version, &guesses(count + 1), at(0)).await.unwrap() {
                            break;
                        }
                    }
                }
            })
        })
        .collect();
    for guesser in guessers {
        guesser.await.unwrap();
    }
    assert_eq!(store.load(ACCOUNT).await.unwrap(), Some(Versioned { version: 160, value: guesses(160) }));
}

pub async fn purging_forgets_what_was_not_written_since(store: Arc<impl Activity>) {
    for n in 0..10_i64 {
        assert!(store.swap(&n.to_string(), 0, &guesses(1), at(n)).await.unwrap());
    }
    assert!(store.swap("0", 1, &guesses(2), at(9)).await.unwrap(), "written again, so it stays");
    assert_eq!(store.purge(at(5), 3).await.unwrap(), 3);
    assert_eq!(store.purge(at(5), 100).await.unwrap(), 1);
    assert_eq!(store.purge(at(5), 100).await.unwrap(), 0);
    for n in 0..10_i64 {
        let there = store.load(&n.to_string()).await.unwrap().is_some();
        assert_eq!(there, n == 0 || n >= 5, "{n}");
    }
}
