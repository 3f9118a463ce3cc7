//! [`Once`].

use std::sync::Arc;
use std::time::Duration;

use base::Timestamp;

use crate::Once;

const PURPOSE: &str = "code";
const NOW: i64 = 1_700_000_000;

fn now() -> Timestamp {
    Timestamp::from_seconds(NOW)
}

fn later() -> Timestamp {
    Timestamp::from_seconds(NOW + 600)
}

/// The last instant before [`later`].
fn just_before() -> Timestamp {
    later().minus(Duration::from_micros(1))
}

/// How many of `n` concurrent calls answered `true`.
async fn winners<F>(n: usize, call: impl Fn(usize) -> F) -> usize
where
    F: Future<Output = bool> + Send + 'static,
{
    let calls: Vec<_> = (0..n).map(|i| tokio::spawn(call(i))).collect();
    let mut winners = 0;
    for call in calls {
        winners += usize::from(call.await.unwrap());
    }
    winners
}

pub async fn a_value_is_taken_once(store: Arc<impl Once>) {
    store.put(PURPOSE, "h", b"value", later()).await.unwrap();
    assert_eq!(store.take(PURPOSE, "h", now()).await.unwrap().as_deref(), Some(&b"value"[..]));
    assert_eq!(store.take(PURPOSE, "h", now()).await.unwrap(), None);
}

pub async fn an_unknown_handle_gives_nothing(store: Arc<impl Once>) {
    store.put(PURPOSE, "handle", b"value", later()).await.unwrap();
    for other in ["", "Handle", "handle ", "handl", "%"] {
        assert_eq!(store.take(PURPOSE, other, now()).await.unwrap(), None, "{other:?}");
    }
    assert!(store.take(PURPOSE, "handle", now()).await.unwrap().is_some());
}

pub async fn purposes_are_separate(store: Arc<impl Once>) {
    store.put("code", "h", b"a", later()).await.unwrap();
    store.put("artifact", "h", b"b", later()).await.unwrap();
    assert!(store.insert_if_absent("replay", "h", later(), now()).await.unwrap());
    assert_eq!(store.take("refresh", "h", now()).await.unwrap(), None);
    assert_eq!(store.take("artifact", "h", now()).await.unwrap().as_deref(), Some(&b"b"[..]));
    assert_eq!(store.take("code", "h", now()).await.unwrap().as_deref(), Some(&b"a"[..]));
    assert!(!store.insert_if_absent("replay", "h", later(), now()).await.unwrap());
}

pub async fn an_entry_is_gone_at_the_instant_it_expires(store: Arc<impl Once>) {
    store.put(PURPOSE, "a", b"a", later()).await.unwrap();
    store.put(PURPOSE, "b", b"b", later()).await.unwrap();
    assert!(store.take(PURPOSE, "a", just_before()).await.unwrap().is_some());
    assert_eq!(store.take(PURPOSE, "b", later()).await.unwrap(), None);
}

pub async fn a_used_handle_is_not_put_again(store: Arc<impl Once>) {
    store.put(PURPOSE, "h", b"first", later()).await.unwrap();
    let error = store.put(PURPOSE, "h", b"second", later()).await.unwrap_err();
    assert!(!error.retryable, "{error}");
    assert_eq!(store.take(PURPOSE, "h", now()).await.unwrap().as_deref(), Some(&b"first"[..]));
}

/// Security case 47, on one node.
pub async fn of_many_takers_one_succeeds(store: Arc<impl Once + 'static>) {
    for round in 0..20 {
        let handle = format!("h{round}");
        store.put(PURPOSE, &handle, b"value", later()).await.unwrap();
        let taken = winners(32, |_| {
            let (store, handle) = (store.clone(), handle.clone());
            async move { store.take(PURPOSE, &handle, now()).await.unwrap().is_some() }
        });
        assert_eq!(taken.await, 1);
    }
}

pub async fn a_key_is_seen_once_until_it_expires(store: Arc<impl Once>) {
    assert!(store.insert_if_absent(PURPOSE, "k", later(), now()).await.unwrap());
    assert!(!store.insert_if_absent(PURPOSE, "k", later(), now()).await.unwrap());
    assert!(!store.insert_if_absent(PURPOSE, "k", later(), just_before()).await.unwrap());
    // A replay does not prolong the entry.
    let much_later = later().plus(Duration::from_secs(600));
    assert!(!store.insert_if_absent(PURPOSE, "k", much_later, just_before()).await.unwrap());
    assert!(store.insert_if_absent(PURPOSE, "k", much_later, later()).await.unwrap());
    assert!(!store.insert_if_absent(PURPOSE, "k", much_later, later()).await.unwrap());
}

/// Security case 23, on one node.
pub async fn of_many_inserters_one_succeeds(store: Arc<impl Once + 'static>) {
    for round in 0..20 {
        let key = format!("k{round}");
        let inserted = winners(32, |_| {
            let (store, key) = (store.clone(), key.clone());
            async move { store.insert_if_absent(PURPOSE, &key, later(), now()).await.unwrap() }
        });
        assert_eq!(inserted.await, 1);
    }
}

pub async fn a_value_is_swapped_only_for_the_expected_one(store: Arc<impl Once>) {
    let swap = async |expected: Option<&[u8]>, value: &[u8]| {
        store.compare_and_swap(PURPOSE, "k", expected, value, later(), now()).await.unwrap()
    };
    assert!(!swap(Some(b"1"), b"2").await, "absent");
    assert!(swap(None, b"1").await);
    assert!(!swap(None, b"2").await, "present");
    assert!(!swap(Some(b""), b"2").await);
    assert!(!swap(Some(b"11"), b"2").await);
    assert!(swap(Some(b"1"), b"2").await);
    assert!(!swap(Some(b"1"), b"3").await, "already replaced");
    assert_eq!(store.take(PURPOSE, "k", now()).await.unwrap().as_deref(), Some(&b"2"[..]));
    assert!(!swap(Some(b"2"), b"3").await, "taken");
    assert!(swap(None, b"3").await);
}

pub async fn of_many_swappers_one_succeeds(store: Arc<impl Once + 'static>) {
    for round in 0..20_u8 {
        let expected = if round == 0 { None } else { Some([round - 1]) };
        let swapped = winners(16, |_| {
            let store = store.clone();
            async move {
                let expected = expected.as_ref().map(<[u8; 1]>::as_slice);
                store.compare_and_swap(PURPOSE, "k", expected, &[round], later(), now()).await.unwrap()
            }
        });
        assert_eq!(swapped.await, 1);
    }
}

pub async fn an_expired_value_counts_as_absent_for_a_swap(store: Arc<impl Once>) {
    store.put(PURPOSE, "k", b"old", later()).await.unwrap();
    let much_later = later().plus(Duration::from_secs(600));
    let swap = async |expected: Option<&[u8]>, at| {
        store.compare_and_swap(PURPOSE, "k", expected, b"new", much_later, at).await.unwrap()
    };
    assert!(!swap(None, just_before()).await);
    assert!(!swap(Some(b"old"), later()).await);
    assert!(swap(None, later()).await);
    assert_eq!(store.take(PURPOSE, "k", later()).await.unwrap().as_deref(), Some(&b"new"[..]));
}

pub async fn purging_removes_what_expired_and_no_more_than_asked(store: Arc<impl Once>) {
    for n in 0..10_u32 {
        let expires = now().plus(Duration::from_secs(u64::from(n)));
        store.put(PURPOSE, &n.to_string(), b"", expires).await.unwrap();
    }
    let at = now().plus(Duration::from_secs(5));
    assert_eq!(store.purge(at, 4).await.unwrap(), 4);
    assert_eq!(store.purge(at, 100).await.unwrap(), 2);
    assert_eq!(store.purge(at, 100).await.unwrap(), 0);
    for n in 0..10 {
        let there = store.take(PURPOSE, &n.to_string(), now().minus(Duration::from_secs(1))).await.unwrap();
        assert_eq!(there.is_some(), n > 5, "{n}");
    }
}

pub async fn handles_and_values_may_be_any_text_and_octets(store: Arc<impl Once>) {
    let value: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    for handle in ["", "\u{0}", "' OR 1=1 --", "関所", &"x".repeat(10_000)] {
        store.put(PURPOSE, handle, &value, later()).await.unwrap();
        assert_eq!(store.take(PURPOSE, handle, now()).await.unwrap().as_ref(), Some(&value));
        store.put(PURPOSE, handle, b"", later()).await.unwrap();
        assert_eq!(store.take(PURPOSE, handle, now()).await.unwrap().as_deref(), Some(&b""[..]));
    }
}
