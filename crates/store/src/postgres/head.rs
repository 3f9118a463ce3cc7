//! The position of the configuration, kept in memory and confirmed by the database.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::configuration::head_of;
use super::error::Failure;
use super::pool::Pool;
use crate::Head;

/// How long another node's write may be missing from [`Configuration::head`](crate::Configuration::head), at most.
pub const HEAD_MAY_BE_OLD: Duration = Duration::from_secs(2);
/// How often it is asked for.
const PERIOD: Duration = Duration::from_secs(1);
/// The channel on which writers tell of their commits.
pub(super) const CHANNEL: &str = "sekisho_head";

#[derive(Default)]
pub(super) struct HeadCache(Mutex<State>);

#[derive(Default)]
struct State {
    head: Option<Head>,
    /// A moment at which no write was newer.
    confirmed: Option<Instant>,
}

impl HeadCache {
    /// The position, if it is known well enough.
    pub(super) fn current(&self, now: Instant) -> Option<Head> {
        let state = self.state();
        state.head.filter(|_| state.confirmed.is_some_and(|at| now.duration_since(at) < HEAD_MAY_BE_OLD))
    }

    /// Learns that `head` was reached. News may come in any order; the position never goes back.
    pub(super) fn advance(&self, head: Head) {
        let mut state = self.state();
        state.head = state.head.max(Some(head));
    }

    fn hear(&self, notice: &str) {
        if let Some(head) = parse(notice) {
            self.advance(head);
        }
    }

    fn confirm(&self, head: Head, at: Instant) {
        self.advance(head);
        self.state().confirmed = Some(at);
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs until the store is dropped.
pub(super) async fn listen(pool: Arc<Pool>, cache: Arc<HeadCache>) {
    let mut silent = false;
    loop {
        let Err(failure) = follow(&pool, &cache, &mut silent).await;
        if !std::mem::replace(&mut silent, true) {
            let error = failure.into_error("listen for changes of the configuration");
            tracing::warn!(%error, "each request asks the database until the connection is back");
        }
        tokio::time::sleep(PERIOD).await;
    }
}

async fn follow(pool: &Pool, cache: &Arc<HeadCache>, silent: &mut bool) -> Result<Infallible, Failure> {
    let news = cache.clone();
    let client = pool.connect(move |text| news.hear(text)).await?;
    pool.answer(client.batch_execute(&format!("LISTEN {CHANNEL}"))).await?;
    loop {
        let asked = Instant::now();
        let rows = pool.answer(client.query_typed("SELECT epoch, serial FROM sekisho.writer", &[])).await?;
        cache.confirm(head_of(&rows)?, asked);
        if std::mem::replace(silent, false) {
            tracing::info!("the connection that listens for changes of the configuration is back");
        }
        tokio::time::sleep(PERIOD).await;
    }
}

/// A notification's text: `epoch.serial`.
pub(super) fn notice(head: Head) -> String {
    format!("{}.{}", head.epoch, head.serial)
}

/// `None` for what another program may have sent on the channel.
fn parse(text: &str) -> Option<Head> {
    let (epoch, serial) = text.split_once('.')?;
    Some(Head { epoch: epoch.parse().ok()?, serial: serial.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_that_nobody_confirmed_lately_is_not_given() {
        let (cache, start) = (HeadCache::default(), Instant::now());
        let head = |epoch, serial| Head { epoch, serial };
        cache.advance(head(1, 5));
        assert_eq!(cache.current(start), None);
        cache.confirm(head(1, 4), start);
        assert_eq!(cache.current(start), Some(head(1, 5)), "news that came first stays");
        cache.hear(&notice(head(2, 3)));
        let last = start + HEAD_MAY_BE_OLD - Duration::from_millis(1);
        assert_eq!(cache.current(last), Some(head(2, 3)));
        assert_eq!(cache.current(start + HEAD_MAY_BE_OLD), None);
    }

    #[test]
    fn foreign_notifications_mean_nothing() {
        for text in ["", ".", "1", "1.x", "-1.2", "1.2.3", "99999999999999999999.1"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
