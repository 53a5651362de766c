//! The state machine that carries ordered work out: what may start now, and whom a failure withholds.
//!
//! A node starts when all it depends on went well and no node of its level with an earlier kind is still open.

use std::collections::{BTreeMap, BTreeSet};

use crate::pattern::steps;

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

/// The nodes of one level and rank that are not settled.
#[derive(Debug, Default)]
struct Group {
    open: usize,
    /// Those whose dependencies all went well.
    ready: BTreeSet<usize>,
}

/// The walk over all nodes. Every step costs what it changes, not what there is.
#[derive(Debug)]
pub struct Walk {
    nodes: Vec<Node>,
    dependents: Vec<Vec<usize>>,
    /// For each node how many of its dependencies are not yet in place.
    awaited: Vec<usize>,
    states: Vec<State>,
    /// By level and rank; without those that are settled altogether.
    groups: BTreeMap<(usize, usize), Group>,
    startable: BTreeSet<usize>,
    settled: usize,
}

impl Walk {
    /// A walk in which nothing has begun. The nodes must be free of circles.
    pub fn new(nodes: Vec<Node>) -> Self {
        let mut dependents = vec![Vec::new(); nodes.len()];
        let mut groups: BTreeMap<(usize, usize), Group> = BTreeMap::new();
        for (index, node) in nodes.iter().enumerate() {
            for target in &node.depends_on {
                dependents[*target].push(index);
            }
            groups.entry((node.level, node.rank)).or_default().open += 1;
        }
        let awaited: Vec<usize> = nodes.iter().map(|node| node.depends_on.len()).collect();
        let free: Vec<usize> = (0..nodes.len()).filter(|index| awaited[*index] == 0).collect();
        let states = vec![State::Waiting; nodes.len()];
        let mut walk = Walk { nodes, dependents, awaited, states, groups, startable: BTreeSet::new(), settled: 0 };
        for index in free {
            walk.make_ready(index);
        }
        walk
    }

    /// The next node that may start, marked as running; `None` when all that may start has.
    pub fn start_next(&mut self) -> Option<usize> {
        steps::count(1);
        let next = self.startable.pop_first()?;
        self.states[next] = State::Running;
        Some(next)
    }

    /// All that the node depends on is in place: it starts now, or when the earlier kinds of its level are done.
    fn make_ready(&mut self, index: usize) {
        steps::count(1);
        let place = (self.nodes[index].level, self.nodes[index].rank);
        if self.first_group(place.0) == Some(place) {
            self.startable.insert(index);
        } else if let Some(group) = self.groups.get_mut(&place) {
            group.ready.insert(index);
        }
    }

    fn first_group(&self, level: usize) -> Option<(usize, usize)> {
        self.groups.range((level, 0)..=(level, usize::MAX)).next().map(|(place, _)| *place)
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
        if good {
            for dependent in std::mem::take(&mut self.dependents[index]) {
                self.awaited[dependent] -= 1;
                if self.awaited[dependent] == 0 && self.states[dependent] == State::Waiting {
                    self.make_ready(dependent);
                }
            }
            Vec::new()
        } else {
            self.withhold(index)
        }
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
            for dependent in std::mem::take(&mut self.dependents[failed]) {
                steps::count(1);
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
        steps::count(1);
        if self.states[index] != State::Applied {
            self.release(index);
        }
        self.states[index] = state;
        self.settled += 1;
    }

    /// Takes a node out of its group; the next kind of the level may start after the last.
    fn release(&mut self, index: usize) {
        self.startable.remove(&index);
        let place = (self.nodes[index].level, self.nodes[index].rank);
        let Some(group) = self.groups.get_mut(&place) else { return };
        group.ready.remove(&index);
        group.open -= 1;
        if group.open > 0 {
            return;
        }
        let was_first = self.first_group(place.0) == Some(place);
        self.groups.remove(&place);
        if was_first
            && let Some(next) = self.first_group(place.0)
            && let Some(group) = self.groups.get_mut(&next)
        {
            self.startable.append(&mut group.ready);
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
