//! When the next response can be there at the earliest.

/// So many requests on their way are kept in mind; among more of them a response may come at any moment.
const FEW: usize = 8;

/// When the requests on their way were sent, as long as they are few.
#[derive(Debug)]
pub(super) struct Aloft {
    sent: Vec<u64>,
}

impl Default for Aloft {
    fn default() -> Self {
        Self { sent: Vec::with_capacity(FEW) }
    }
}

impl Aloft {
    /// A request was sent at `now`; with it, `count` are on their way.
    pub(super) fn add(&mut self, now: u64, count: u64) {
        if count == 1 || self.sent.len() == FEW {
            self.sent.clear();
        }
        self.sent.push(now);
    }

    /// The request that was sent then is over.
    pub(super) fn remove(&mut self, sent: u64) {
        if let Some(at) = self.sent.iter().position(|moment| *moment == sent) {
            self.sent.swap_remove(at);
        }
    }

    /// When the oldest of `count` requests on their way was sent; none where that is not known of each.
    pub(super) fn oldest(&self, count: u64) -> Option<u64> {
        if self.sent.len() as u64 == count { self.sent.iter().min().copied() } else { None }
    }
}

/// The fastest responses of this second and the last one, in nanoseconds.
#[derive(Debug, Default)]
pub(super) struct Pace {
    now: Option<u64>,
    before: Option<u64>,
}

impl Pace {
    /// A response took so long.
    pub(super) fn add(&mut self, service: u64) {
        self.now = Some(self.now.map_or(service, |fastest| fastest.min(service)));
    }

    /// A second is over.
    pub(super) fn turn(&mut self) {
        self.before = self.now.take();
    }

    /// The fastest of them.
    pub(super) fn fastest(&self) -> Option<u64> {
        self.now.into_iter().chain(self.before).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_of_few_is_known_and_of_many_it_is_not() {
        let mut aloft = Aloft::default();
        assert_eq!(aloft.oldest(0), None);
        for at in 1..=8 {
            aloft.add(at * 10, at);
        }
        aloft.remove(10);
        aloft.remove(40);
        assert_eq!(aloft.oldest(6), Some(20));
        aloft.add(90, 7);
        aloft.add(100, 8);
        aloft.add(110, 9);
        assert_eq!(aloft.oldest(9), None, "nine are more than it keeps");
        aloft.remove(110);
        assert_eq!(aloft.oldest(8), None, "and what it has forgotten stays unknown");
        aloft.add(200, 1);
        assert_eq!(aloft.oldest(1), Some(200), "until they are all over");
    }

    #[test]
    fn the_fastest_response_is_forgotten_after_the_next_second() {
        let mut pace = Pace::default();
        pace.add(500);
        pace.turn();
        pace.add(800);
        assert_eq!(pace.fastest(), Some(500));
        pace.turn();
        assert_eq!(pace.fastest(), Some(800));
        pace.turn();
        assert_eq!(pace.fastest(), None);
    }
}
