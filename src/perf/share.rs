//! How one plan is shared out to several threads or workers: connections are dealt in turn, and requests go to whoever
//! has the connection whose turn it is, so that each has as much to do as it has connections to do it with.

/// The share of one of several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// Its number, from 0.
    pub number: u64,
    /// How many share.
    pub of: u64,
    /// Connections of all of them.
    pub connections: u64,
}

impl Share {
    /// Its part of `whole` things of which each gets one in turn, as connections are.
    pub fn part(self, whole: u64) -> u64 {
        whole / self.of + u64::from(self.number < whole % self.of)
    }

    /// Its part of so many requests. The parts of all add up.
    pub fn requests(self, whole: u64) -> u64 {
        let (rounds, rest) = (whole / self.connections, whole % self.connections);
        rounds * self.part(self.connections) + self.part(rest)
    }

    /// The number of its first request.
    pub fn first(self) -> u64 {
        self.number
    }

    /// The number of its request after that of the number `request`: that of its next connection in the same round, or of
    /// its first one in the next.
    pub fn after(self, request: u64) -> u64 {
        let turn = request % self.connections;
        if turn + self.of < self.connections {
            request + self.of
        } else {
            request - turn + self.connections + self.number
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shares(of: u64, connections: u64) -> impl Iterator<Item = Share> {
        (0..of).map(move |number| Share { number, of, connections })
    }

    #[test]
    fn requests_go_where_connections_are() {
        let parts = |of, connections, whole| -> Vec<u64> {
            shares(of, connections).map(|share| share.requests(whole)).collect()
        };
        assert_eq!(parts(2, 3, 10_000), [6_667, 3_333]);
        assert_eq!(parts(2, 4, 10_001), [5_001, 5_000]);
        assert_eq!(parts(3, 4, 3), [1, 1, 1]);
        assert_eq!(parts(1, 7, 5), [5]);
    }

    proptest! {
        #[test]
        fn every_request_is_somebodys_and_nobody_has_more_than_fits_his_connections(
            of in 1u64..9, more in 0u64..40, whole in 0u64..2_000,
        ) {
            let connections = of + more;
            let mut all = Vec::new();
            for share in shares(of, connections) {
                let first = Some(share.first());
                let mine: Vec<u64> = std::iter::successors(first, |request| Some(share.after(*request)))
                    .take_while(|request| *request < whole)
                    .collect();
                prop_assert_eq!(mine.len() as u64, share.requests(whole));
                let most = whole.div_ceil(connections) * share.part(connections);
                prop_assert!(mine.len() as u64 <= most, "{} of {}", mine.len(), most);
                all.extend(mine);
            }
            all.sort_unstable();
            prop_assert_eq!(all, (0..whole).collect::<Vec<_>>());
            prop_assert!(whole < of || shares(of, connections).all(|share| share.requests(whole) > 0));
        }
    }
}
