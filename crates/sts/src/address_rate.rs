//! Password attempts an address may make, whatever the accounts: a token bucket per address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Mutex;

use base::Timestamp;

/// Addresses remembered at once. When full, the ones that are back at rest are forgotten first.
const ADDRESSES: usize = 65_536;

/// The buckets. State of one node, in memory: losing it gives an attacker one more minute's worth.
#[derive(Debug, Default)]
pub struct AddressRate {
    buckets: Mutex<HashMap<IpAddr, Bucket>>,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    /// Attempts used, in thousandths, as of `at`.
    used: u64,
    at: Timestamp,
}

impl AddressRate {
    /// Counts an attempt; `false` when the address has used up its `per_minute`.
    pub fn allow(&self, address: IpAddr, per_minute: u32, now: Timestamp) -> bool {
        let address = network(address);
        let full = u64::from(per_minute).saturating_mul(1_000);
        let drained = |bucket: &Bucket| {
            let micros = u64::try_from(now.since(bucket.at).as_micros()).unwrap_or(u64::MAX);
            let back = micros.saturating_mul(u64::from(per_minute)) / 60_000;
            bucket.used.saturating_sub(back)
        };
        let Ok(mut buckets) = self.buckets.lock() else { return false };
        if buckets.len() >= ADDRESSES && !buckets.contains_key(&address) {
            buckets.retain(|_, bucket| drained(bucket) > 0);
            if buckets.len() >= ADDRESSES {
                return false;
            }
        }
        let bucket = buckets.entry(address).or_insert(Bucket { used: 0, at: now });
        let used = drained(bucket);
        if used.saturating_add(1_000) > full {
            return false;
        }
        *bucket = Bucket { used: used.saturating_add(1_000), at: now };
        true
    }
}

/// IPv6 users get a /64 each, so that is what counts as one address.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn an_address_gets_its_rate_and_no_more_and_recovers_with_time() {
        let rate = AddressRate::default();
        let now = Timestamp::from_seconds(1_000);
        let address = "192.0.2.1".parse().unwrap();
        assert_eq!((0..20).filter(|_| rate.allow(address, 6, now)).count(), 6);
        assert!(rate.allow("192.0.2.2".parse().unwrap(), 6, now), "another address is not affected");
        assert!(!rate.allow(address, 6, now.plus(Duration::from_secs(9))));
        assert!(rate.allow(address, 6, now.plus(Duration::from_secs(11))));
    }

    #[test]
    fn mapped_and_plain_spellings_are_one_address_and_a_64_is_one_user() {
        let rate = AddressRate::default();
        let now = Timestamp::from_seconds(1_000);
        assert!(rate.allow("192.0.2.1".parse().unwrap(), 1, now));
        assert!(!rate.allow("::ffff:192.0.2.1".parse().unwrap(), 1, now));
        assert!(rate.allow("2001:db8::1".parse().unwrap(), 1, now));
        assert!(!rate.allow("2001:db8::2".parse().unwrap(), 1, now));
        assert!(rate.allow("2001:db8:0:1::1".parse().unwrap(), 1, now));
    }
}
