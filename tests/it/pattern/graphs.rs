//! Random patterns through random lives: whatever is applied, edited, failed, tried again and deleted, the cluster
//! holds what the pattern wants, and the inventory what the cluster holds.

pub mod model;

use mesheryctl::model::pattern::Action;
use mesheryctl::sample::faults::{Effect, Matcher, Times};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{Config, FileFailurePersistence, TestRunner};

use model::{Kind, World, key};

/// Lives in one test; `PROPTEST_CASES` asks for more.
const LIVES: u32 = 6;

/// An edit of the pattern's file.
#[derive(Debug, Clone)]
enum Edit {
    Add { slot: usize, kind: Kind, depends_on: Vec<Index> },
    Change(Index),
    Remove(Index),
}

/// What goes wrong meanwhile.
#[derive(Debug, Clone)]
enum Fault {
    /// A webhook refuses one object.
    Refuse(Index),
    /// Every so-many-th call fails.
    Fail { every: u32, how: Broken },
    /// The answers of the writes of one object are lost until the attempts are used up.
    LoseAnswers(Index),
}

#[derive(Debug, Clone, Copy)]
enum Broken {
    Error,
    Hangup,
    LoseAnswer,
}

/// What happens.
#[derive(Debug, Clone)]
enum Step {
    Apply {
        edits: Vec<Edit>,
        fault: Option<Fault>,
    },
    Delete {
        fault: Option<Fault>,
    },
    /// Somebody deletes an object behind the pattern's back.
    DeletedByHand(Index),
    /// Somebody changes one.
    ChangedByHand(Index),
}

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let kind = select(Kind::ALL);
    let depends_on = prop::collection::vec(any::<Index>(), 0..3);
    let add = (0..12usize, kind, depends_on).prop_map(|(slot, kind, depends_on)| Edit::Add { slot, kind, depends_on });
    let edit = prop_oneof![
        4 => add,
        2 => any::<Index>().prop_map(Edit::Change),
        2 => any::<Index>().prop_map(Edit::Remove),
    ];
    prop::collection::vec(edit, 0..6)
}

fn fault() -> impl Strategy<Value = Option<Fault>> {
    let how = select(&[Broken::Error, Broken::Hangup, Broken::LoseAnswer][..]);
    prop_oneof![
        6 => Just(None),
        4 => any::<Index>().prop_map(|which| Some(Fault::Refuse(which))),
        2 => (2..8u32, how).prop_map(|(every, how)| Some(Fault::Fail { every, how })),
        1 => any::<Index>().prop_map(|which| Some(Fault::LoseAnswers(which))),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (edits(), fault()).prop_map(|(edits, fault)| Step::Apply { edits, fault }),
        1 => fault().prop_map(|fault| Step::Delete { fault }),
        1 => any::<Index>().prop_map(Step::DeletedByHand),
        1 => any::<Index>().prop_map(Step::ChangedByHand),
    ]
}

impl World {
    fn edit(&mut self, edit: &Edit) {
        match edit {
            Edit::Add { slot, kind, depends_on } => {
                let targets = depends_on.iter().filter_map(|which| self.pick(*which)).collect();
                self.add(*slot, *kind, targets);
            }
            Edit::Change(which) => {
                if let Some(key) = self.pick(*which) {
                    self.change(&key);
                }
            }
            Edit::Remove(which) => {
                if let Some(key) = self.pick(*which) {
                    self.remove(&key);
                }
            }
        }
    }

    fn pick(&self, which: Index) -> Option<String> {
        let keys: Vec<String> = self.keys().collect();
        (!keys.is_empty()).then(|| which.get(&keys).clone())
    }

    fn break_down(&self, fault: &Fault) {
        let faults = self.plane.practice.cluster.faults();
        let writes = || Matcher::any().verbs(&["patch", "delete"]);
        match fault {
            Fault::Refuse(which) => {
                if let Some(key) = self.pick(*which) {
                    faults.refuse(writes().name(&key), 403, "not today");
                }
            }
            Fault::Fail { every, how } => {
                let effect = match how {
                    Broken::Error => Effect::Error,
                    Broken::Hangup => Effect::Hangup,
                    Broken::LoseAnswer => Effect::LoseAnswer,
                };
                faults.add(Matcher::any().verbs(&["get", "list", "patch", "delete"]), effect, Times::Every(*every));
            }
            Fault::LoseAnswers(which) => {
                if let Some(key) = self.pick(*which) {
                    faults.add(writes().name(&key), Effect::LoseAnswer, Times::Always);
                }
            }
        }
    }

    async fn take(&mut self, step: &Step) {
        match step {
            Step::Apply { edits, fault } => {
                for edit in edits {
                    self.edit(edit);
                }
                self.apply(|world| fault.iter().for_each(|fault| world.break_down(fault))).await;
            }
            Step::Delete { fault } => {
                self.delete(|world| fault.iter().for_each(|fault| world.break_down(fault))).await;
            }
            Step::DeletedByHand(which) => self.delete_by_hand(self.pick(*which)).await,
            Step::ChangedByHand(which) => self.change_by_hand(self.pick(*which)).await,
        }
    }
}

/// Runs random lives. Several tests do so at once, since most of a life is waiting between attempts.
fn lives(seeds: &'static str) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let config = Config {
        cases: mesheryctl::base::env::get("PROPTEST_CASES").and_then(|count| count.parse().ok()).unwrap_or(LIVES),
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(seeds))),
        max_shrink_iters: 60,
        ..Config::default()
    };
    let lives = prop::collection::vec(step(), 1..7);
    let outcome = TestRunner::new(config).run(&lives, |life| {
        runtime.block_on(async {
            let mut world = World::new().await;
            for step in &life {
                world.take(step).await;
            }
            world.come_to_rest().await;
        });
        Ok(())
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
}

#[test]
fn the_cluster_holds_what_the_pattern_wants_through_every_life() {
    lives(concat!(env!("CARGO_MANIFEST_DIR"), "/proptest-regressions/it/graphs.txt"));
}

#[test]
fn and_through_more_lives() {
    lives(concat!(env!("CARGO_MANIFEST_DIR"), "/proptest-regressions/it/more-graphs.txt"));
}

#[test]
fn and_through_still_more_lives() {
    lives(concat!(env!("CARGO_MANIFEST_DIR"), "/proptest-regressions/it/still-more-graphs.txt"));
}

/// Layers of a hundred services that each depend on two of the layer before: comes, changes in one place, goes.
fn come_and_go(count: usize) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let mut world = World::new().await;
        for slot in 0..count {
            let before = slot - slot % 100;
            let depends_on = if before == 0 { vec![] } else { vec![key(slot - 100), key(before - 50)] };
            world.add(slot, Kind::ALL[slot % 3], depends_on);
        }
        let first = world.apply(|_| ()).await;
        assert_eq!(first.results.len(), count + 1);
        world.change(&key(count / 2));
        world.remove(&key(count - 1));
        let second = world.apply(|_| ()).await;
        let done = |action: Action| second.results.iter().filter(|result| result.action == action).count();
        assert_eq!((done(Action::Configured), done(Action::Pruned), done(Action::Unchanged)), (1, 1, count - 1));
        world.delete(|_| ()).await;
    });
}

#[test]
fn two_hundred_services_come_and_go() {
    come_and_go(200);
}

#[test]
#[ignore = "takes a minute without optimisation"]
fn two_thousand_services_come_and_go() {
    come_and_go(2000);
}
