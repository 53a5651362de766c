//! How far another clock is from ours, by the method of NTP: of several exchanges the fastest one tells the most.

use crate::client::worker::Probe;

/// A clock against ours, in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Offset {
    /// Theirs minus ours.
    pub offset_ns: i64,
    /// Half of the round trip: the offset is no further off than this.
    pub error_ns: u64,
}

impl Offset {
    /// Of the fastest exchange; `None` without any.
    pub(super) fn of(probes: &[Probe]) -> Option<Self> {
        let fastest = probes.iter().min_by_key(|probe| round_trip(probe))?;
        let there = fastest.received.saturating_sub(fastest.sent);
        let back = fastest.answered.saturating_sub(fastest.back);
        Some(Self {
            offset_ns: i64::midpoint(there, back),
            error_ns: u64::try_from(round_trip(fastest).max(0)).unwrap_or_default().div_ceil(2),
        })
    }

    /// A moment of our clock by theirs.
    pub(super) fn theirs(self, ours_ns: i64) -> i64 {
        ours_ns.saturating_add(self.offset_ns)
    }
}

/// The way there and back, without the time the far side took.
fn round_trip(probe: &Probe) -> i64 {
    (probe.back - probe.sent) - (probe.answered - probe.received)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An exchange with a clock that is `ahead`, with these ways there and back.
    fn probe(ahead: i64, there: i64, back: i64) -> Probe {
        let sent = 1_000_000;
        let received = sent + there + ahead;
        let answered = received + 50;
        Probe { sent, received, answered, back: answered - ahead + back }
    }

    #[test]
    fn the_fastest_exchange_decides_and_its_error_holds() {
        for ahead in [-5_000_000_000, 0, 777] {
            let probes = [probe(ahead, 9_000, 100), probe(ahead, 120, 80), probe(ahead, 100, 40_000)];
            let offset = Offset::of(&probes).unwrap();
            assert_eq!((offset.offset_ns - ahead, offset.error_ns), (20, 100));
            assert_eq!(offset.theirs(42), 42 + offset.offset_ns);
        }
        assert_eq!(Offset::of(&[]), None);
    }
}
