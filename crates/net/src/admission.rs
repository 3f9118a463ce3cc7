//! How many connections, and how many unfinished handshakes, one address may have.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::limits::Limits;

/// Counts of one server.
#[derive(Debug)]
pub(crate) struct Admission {
    counts: Mutex<Counts>,
    handshakes: usize,
    connections_per_address: usize,
    handshakes_per_address: usize,
}

#[derive(Debug, Default)]
struct Counts {
    handshakes: usize,
    by_source: HashMap<IpAddr, Source>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Source {
    connections: usize,
    handshakes: usize,
}

/// Why a connection was closed at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Excess {
    Handshakes,
    ConnectionsOfAddress,
    HandshakesOfAddress,
}

impl Admission {
    pub(crate) fn new(limits: &Limits) -> Arc<Self> {
        Arc::new(Self {
            counts: Mutex::default(),
            handshakes: limits.handshakes,
            connections_per_address: limits.connections_per_address,
            handshakes_per_address: limits.handshakes_per_address,
        })
    }

    /// Counts a new connection, which begins with a handshake. `shared` addresses, those of trusted hops,
    /// have no limits of their own.
    pub(crate) fn admit(self: &Arc<Self>, address: IpAddr, shared: bool) -> Result<Admitted, Excess> {
        let mut counts = self.lock();
        if counts.handshakes >= self.handshakes {
            return Err(Excess::Handshakes);
        }
        let source = self.count(&mut counts, address, shared)?;
        counts.handshakes = counts.handshakes.saturating_add(1);
        Ok(Admitted { admission: self.clone(), source, in_handshake: true })
    }

    /// Counts a connection in its handshake for its address.
    fn count(&self, counts: &mut Counts, address: IpAddr, shared: bool) -> Result<IpAddr, Excess> {
        let source = source(address);
        let now = counts.by_source.get(&source).copied().unwrap_or_default();
        if !shared && now.connections >= self.connections_per_address {
            return Err(Excess::ConnectionsOfAddress);
        }
        if !shared && now.handshakes >= self.handshakes_per_address {
            return Err(Excess::HandshakesOfAddress);
        }
        let entry = counts.by_source.entry(source).or_default();
        entry.connections = entry.connections.saturating_add(1);
        entry.handshakes = entry.handshakes.saturating_add(1);
        Ok(source)
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An address, or the /64 of an IPv6 host, which has 2⁶⁴ addresses to choose from.
fn source(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() & !u128::from(u64::MAX)).into()),
        v4 => v4,
    }
}

/// A counted connection, until it is dropped.
#[derive(Debug)]
pub(crate) struct Admitted {
    admission: Arc<Admission>,
    source: IpAddr,
    in_handshake: bool,
}

impl Counts {
    /// Forgets one connection of an address.
    fn discount(&mut self, address: &IpAddr, in_handshake: bool) {
        if let Some(source) = self.by_source.get_mut(address) {
            source.handshakes = source.handshakes.saturating_sub(usize::from(in_handshake));
            source.connections = source.connections.saturating_sub(1);
            if source.connections == 0 {
                self.by_source.remove(address);
            }
        }
    }
}

impl Admitted {
    /// The connection, still in its handshake, was a load balancer's word for another address.
    pub(crate) fn is_of(&mut self, address: IpAddr, shared: bool) -> Result<(), Excess> {
        let mut counts = self.admission.lock();
        let actual = self.admission.count(&mut counts, address, shared)?;
        counts.discount(&self.source, self.in_handshake);
        self.source = actual;
        Ok(())
    }

    /// The handshake is over.
    pub(crate) fn established(&mut self) {
        if std::mem::take(&mut self.in_handshake) {
            let mut counts = self.admission.lock();
            counts.handshakes = counts.handshakes.saturating_sub(1);
            if let Some(source) = counts.by_source.get_mut(&self.source) {
                source.handshakes = source.handshakes.saturating_sub(1);
            }
        }
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        self.established();
        self.admission.lock().discount(&self.source, false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admission() -> Arc<Admission> {
        let limits = Limits {
            handshakes: 4,
            connections_per_address: 3,
            handshakes_per_address: 2,
            ..Limits::default()
        };
        Admission::new(&limits)
    }

    /// Security case 75.
    #[test]
    fn one_address_cannot_take_the_places_of_others() {
        let admission = admission();
        let one = "192.0.2.1".parse().unwrap();
        let admit = |address| admission.admit(address, false);
        let mut first = admit(one).unwrap();
        let second = admit(one).unwrap();
        assert_eq!(admit(one).unwrap_err(), Excess::HandshakesOfAddress);
        first.established();
        let third = admit(one).unwrap();
        assert_eq!(admit(one).unwrap_err(), Excess::ConnectionsOfAddress);
        let other = admit("192.0.2.2".parse().unwrap()).unwrap();
        drop((first, second, third));
        assert!(admit(one).is_ok());
        drop(other);
        assert!(admission.lock().by_source.is_empty());
        assert_eq!(admission.lock().handshakes, 0);
    }

    /// Security case 75: behind a load balancer that names its clients, the limits are each client's own.
    #[test]
    fn a_connection_is_counted_for_the_address_that_the_load_balancer_names() {
        let admission = admission();
        let (balancer, client) = ("10.0.0.1".parse().unwrap(), "198.51.100.4".parse().unwrap());
        let through = || {
            let mut admitted = admission.admit(balancer, true).unwrap();
            admitted.is_of(client, false).map(|()| admitted)
        };
        let (one, two) = (through().unwrap(), through().unwrap());
        assert_eq!(through().unwrap_err(), Excess::HandshakesOfAddress);
        assert_eq!(admission.admit(client, false).unwrap_err(), Excess::HandshakesOfAddress);
        assert!(!admission.lock().by_source.contains_key(&balancer));
        drop((one, two));
        assert!(admission.lock().by_source.is_empty());
        assert_eq!(admission.lock().handshakes, 0);
    }

    /// Security case 75.
    #[test]
    fn a_host_with_many_ipv6_addresses_is_one_source_and_trusted_hops_are_exempt() {
        let admission = admission();
        let address = |n: u8| format!("2001:db8::{n}").parse().unwrap();
        let held: Vec<_> = (0..2).map(|n| admission.admit(address(n), false).unwrap()).collect();
        assert_eq!(admission.admit(address(9), false).unwrap_err(), Excess::HandshakesOfAddress);
        assert!(admission.admit(address(9), true).is_ok());
        let more: Vec<_> = (0..2).map(|n| admission.admit(address(n), true).unwrap()).collect();
        assert_eq!(admission.admit(address(9), true).unwrap_err(), Excess::Handshakes);
        drop((held, more));
    }
}
