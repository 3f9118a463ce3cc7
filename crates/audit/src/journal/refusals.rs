//! Refusals before any trust or account is known: counted by source and minute, so that they can't fill the
//! disk.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};

use base::Timestamp;

use crate::{Outcome, RefusalCount};

/// Pairs of source and reason that one minute has room for; the rest is counted together.
const ROOM: usize = 4_096;

/// The counts of the current minute.
#[derive(Default)]
pub(super) struct Refusals {
    minute: i64,
    counts: HashMap<(IpAddr, &'static str), u64>,
    others: u64,
}

impl Refusals {
    /// Counts one; returns the minute before when this one is the first of a new minute.
    pub(super) fn count(&mut self, source: IpAddr, reason: &'static str, now: Timestamp) -> Option<Outcome> {
        let finished = self.take_finished(now);
        self.minute = minute_of(now);
        let key = (network(source), reason);
        if self.counts.len() < ROOM || self.counts.contains_key(&key) {
            let count = self.counts.entry(key).or_default();
            *count = count.saturating_add(1);
        } else {
            self.others = self.others.saturating_add(1);
        }
        finished
    }

    /// Whether something waits to be written.
    pub(super) fn is_pending(&self) -> bool {
        !self.counts.is_empty()
    }

    /// The counts, if their minute is over.
    pub(super) fn take_finished(&mut self, now: Timestamp) -> Option<Outcome> {
        if self.minute == minute_of(now) { None } else { self.take() }
    }

    /// The counts, whether or not their minute is over.
    pub(super) fn take(&mut self) -> Option<Outcome> {
        if !self.is_pending() {
            return None;
        }
        let mut counts: Vec<RefusalCount> = self
            .counts
            .drain()
            .map(|((source, reason), count)| RefusalCount { source, reason: reason.into(), count })
            .collect();
        counts.sort_by(|a, b| {
            b.count.cmp(&a.count).then(a.source.cmp(&b.source)).then(a.reason.cmp(&b.reason))
        });
        let minute = Timestamp::from_seconds(self.minute.saturating_mul(60));
        Some(Outcome::Refusals { minute, counts, others: std::mem::take(&mut self.others) })
    }
}

fn minute_of(at: Timestamp) -> i64 {
    at.as_seconds().div_euclid(60)
}

/// One source of IPv6 has a network of 64 bits to itself.
fn network(source: IpAddr) -> IpAddr {
    match source.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    #[test]
    fn a_minute_is_one_record_with_a_count_for_each_source_and_reason() {
        let mut refusals = Refusals::default();
        for (source, reason, second) in [
            ("198.51.100.7", "unknown path", 60),
            ("::ffff:198.51.100.7", "unknown path", 61),
            ("2001:db8:0:1::1", "unknown path", 70),
            ("2001:db8:0:1:ffff::2", "unknown path", 119),
            ("198.51.100.7", "too large", 119),
        ] {
            assert_eq!(refusals.count(source.parse().unwrap(), reason, at(second)), None);
        }
        let count = |source: &str, reason: &'static str, count| RefusalCount {
            source: source.parse().unwrap(),
            reason: reason.into(),
            count,
        };
        let finished = refusals.count("192.0.2.1".parse().unwrap(), "unknown path", at(120));
        assert_eq!(
            finished,
            Some(Outcome::Refusals {
                minute: at(60),
                counts: vec![
                    count("198.51.100.7", "unknown path", 2),
                    count("2001:db8:0:1::", "unknown path", 2),
                    count("198.51.100.7", "too large", 1),
                ],
                others: 0,
            })
        );
        assert_eq!(refusals.take_finished(at(179)), None);
        assert!(matches!(refusals.take_finished(at(180)), Some(Outcome::Refusals { .. })));
        assert_eq!(refusals.take_finished(at(300)), None);
    }

    #[test]
    fn any_number_of_sources_stays_within_the_room_and_none_is_lost() {
        let mut refusals = Refusals::default();
        for source in 0..100_000u32 {
            refusals.count(IpAddr::V4(source.into()), "unknown path", at(1));
        }
        let Some(Outcome::Refusals { counts, others, .. }) = refusals.take() else { panic!() };
        assert_eq!(counts.len(), ROOM);
        assert_eq!(others, 100_000 - ROOM as u64);
    }
}
