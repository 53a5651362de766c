//! The state machine that carries ordered work out: what may start now, and whom a failure withholds.
//!
//! A node starts when all it depends on went well and no node of its level with an earlier kind is still open.

use std::collections::BTreeMap;

/// One node of the walk.
#[derive(Debug, Clone)]
pub struct Node {
    /// Indices of the nodes it depends on.
    pub depends_on: Vec<usize>,
    /// Its level: longest way from a node without dependencies.
    pub level: usize,
    /// Position of its kind within the level.
    pub rank: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Waiting,
    Running,
    Applied,
    Good,
    Bad,
}

/// The walk over all nodes.
#[derive(Debug)]
pub struct Walk {
    nodes: Vec<Node>,
    dependents: Vec<Vec<usize>>,
    states: Vec<State>,
    open: BTreeMap<(usize, usize), usize>,
    settled: usize,
}

impl Walk {
    /// A walk in which nothing has begun. The nodes must be free of circles.
    pub fn new(nodes: Vec<Node>) -> Self {
        let mut dependents = vec![Vec::new(); nodes.len()];
        let mut open = BTreeMap::new();
        for (index, node) in nodes.iter().enumerate() {
            for target in &node.depends_on {
                dependents[*target].push(index);
            }
            *open.entry((node.level, node.rank)).or_default() += 1;
        }
        Walk { states: vec![State::Waiting; nodes.len()], dependents, nodes, open, settled: 0 }
    }

    /// The next node that may start, marked as running; `None` when all that may start has.
    pub fn start_next(&mut self) -> Option<usize> {
        let next =
            (0..self.nodes.len()).find(|index| self.states[*index] == State::Waiting && self.may_start(*index))?;
        self.states[next] = State::Running;
        Some(next)
    }

    fn may_start(&self, index: usize) -> bool {
        let node = &self.nodes[index];
        node.depends_on.iter().all(|target| self.states[*target] == State::Good)
            && self.open.range((node.level, 0)..(node.level, node.rank)).all(|(_, count)| *count == 0)
    }

    /// Records that a running node is in place but not ready: later kinds of its level need not wait for it any
    /// longer, those that depend on it do.
    pub fn applied(&mut self, index: usize) {
        self.release(index);
        self.states[index] = State::Applied;
    }

    /// Records the outcome of a node that runs or is in place. After a failure every node that depends on it, however far, is
    /// settled too and returned: they are withheld because of it.
    pub fn settle(&mut self, index: usize, good: bool) -> Vec<usize> {
        self.close(index, if good { State::Good } else { State::Bad });
        if good { Vec::new() } else { self.withhold(index) }
    }

    /// Settles everything that has not started; used when the walk is cancelled.
    pub fn withhold_rest(&mut self) -> Vec<usize> {
        let rest: Vec<usize> = (0..self.nodes.len()).filter(|index| self.states[*index] == State::Waiting).collect();
        for index in &rest {
            self.close(*index, State::Bad);
        }
        rest
    }

    /// Whether every node is settled.
    pub fn is_done(&self) -> bool {
        self.settled == self.nodes.len()
    }

    fn withhold(&mut self, index: usize) -> Vec<usize> {
        let mut withheld = Vec::new();
        let mut queue = vec![index];
        while let Some(failed) = queue.pop() {
            for dependent in self.dependents[failed].clone() {
                if self.states[dependent] == State::Waiting {
                    self.close(dependent, State::Bad);
                    withheld.push(dependent);
                    queue.push(dependent);
                }
            }
        }
        withheld.sort_unstable();
        withheld
    }

    fn close(&mut self, index: usize, state: State) {
        if self.states[index] != State::Applied {
            self.release(index);
        }
        self.states[index] = state;
        self.settled += 1;
    }

    fn release(&mut self, index: usize) {
        let node = &self.nodes[index];
        if let Some(count) = self.open.get_mut(&(node.level, node.rank)) {
            *count -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn node(depends_on: &[usize], level: usize, rank: usize) -> Node {
        Node { depends_on: depends_on.to_vec(), level, rank }
    }

    #[test]
    fn independent_nodes_start_together_and_kinds_in_order() {
        let mut walk = Walk::new(vec![node(&[], 0, 5), node(&[], 0, 1), node(&[], 0, 1), node(&[0], 1, 0)]);
        assert_eq!([walk.start_next(), walk.start_next(), walk.start_next()], [Some(1), Some(2), None]);
        walk.settle(1, true);
        assert_eq!(walk.start_next(), None, "the other node of the earlier kind is still open");
        walk.settle(2, false);
        assert_eq!(walk.start_next(), Some(0), "a failure elsewhere does not withhold an independent node");
        walk.settle(0, true);
        assert_eq!(walk.start_next(), Some(3));
        walk.settle(3, true);
        assert!(walk.is_done());
    }

    #[test]
    fn a_failure_withholds_all_that_hangs_on_it() {
        let mut walk = Walk::new(vec![node(&[], 0, 0), node(&[0], 1, 0), node(&[1], 2, 0), node(&[], 0, 0)]);
        assert_eq!((walk.start_next(), walk.start_next()), (Some(0), Some(3)));
        assert_eq!(walk.settle(0, false), [1, 2]);
        walk.settle(3, true);
        assert!(walk.is_done());
    }

    #[test]
    fn a_node_in_place_frees_its_level_and_holds_its_dependents_until_it_is_ready() {
        let mut walk = Walk::new(vec![node(&[], 0, 1), node(&[], 0, 2), node(&[0], 1, 0)]);
        assert_eq!((walk.start_next(), walk.start_next()), (Some(0), None));
        walk.applied(0);
        assert_eq!((walk.start_next(), walk.start_next()), (Some(1), None), "the dependent waits for readiness");
        walk.settle(1, true);
        walk.settle(0, true);
        assert_eq!(walk.start_next(), Some(2));
        walk.settle(2, true);
        assert!(walk.is_done());
    }

    proptest! {
        #[test]
        fn every_walk_ends_and_nothing_starts_before_its_dependencies(
            edges in prop::collection::vec((0usize..40, 0usize..40), 0..120),
            fails in prop::collection::vec(any::<bool>(), 40),
            ranks in prop::collection::vec(0usize..5, 40),
        ) {
            let mut depends_on = vec![Vec::new(); 40];
            for (a, b) in edges {
                if a != b { depends_on[a.max(b)].push(a.min(b)); }
            }
            let levels = crate::pattern::order::levels(&depends_on).unwrap();
            let nodes = (0..40).map(|i| Node { depends_on: depends_on[i].clone(), level: levels[i], rank: ranks[i] }).collect();
            let mut walk = Walk::new(nodes);
            let mut good = [false; 40];
            let mut running = Vec::new();
            while !walk.is_done() {
                while let Some(next) = walk.start_next() {
                    prop_assert!(depends_on[next].iter().all(|target| good[*target]));
                    running.push(next);
                }
                let Some(index) = running.pop() else { prop_assert!(false, "the walk hangs"); unreachable!() };
                good[index] = !fails[index];
                walk.settle(index, good[index]);
            }
        }
    }
}
