//! Verbs that are broken off at every call they make: the next one completes them.

use std::process::Stdio;

use super::world::{BROKEN, IMAGE, NEXT, World, whole};
use crate::support::docker::Fault;

/// Breaks a verb off at its first call, its second, and so on, until it makes no more calls. `prepare` makes the state
/// before, `verb` is the verb, `complete` is what completes it and `look` checks the end.
fn at_every_call(
    world: &World,
    fault: fn(usize) -> Fault,
    prepare: impl Fn(&World),
    verb: &[&str],
    complete: &[&str],
    look: impl Fn(&World, usize),
) {
    let mut broken = 0;
    for number in 1.. {
        assert!(number < 200, "the verb does not end");
        prepare(world);
        world.engine.fail(Some(fault(number)));
        let run = world.ctl(verb).run();
        let calls = world.engine.calls().len();
        world.engine.fail(None);
        if run.code != Some(0) {
            broken += 1;
            assert!(run.stderr.contains("docker-") || matches!(run.code, Some(7)), "call {number}: {run}");
        }
        let completed = world.ctl(complete).run();
        assert_eq!(completed.code, Some(0), "after call {number}, {run}\n{completed}");
        look(world, number);
        if calls < number {
            break;
        }
    }
    assert!(broken > 5, "only {broken} calls could be broken off");
}

fn nothing(world: &World) {
    world.ctl(&["system", "stop", "--reset", "--yes"]).ok();
    assert!(world.overview().is_empty());
}

/// Every container runs and is there once.
fn is_whole(world: &World, number: usize) {
    let adapters = world.env.read("home/.meshery/config.yaml").contains("meshery-istio");
    let wanted = if adapters { whole() } else { whole()[..1].to_vec() };
    assert_eq!(world.overview(), wanted, "after call {number}");
    let engine = world.engine.world();
    assert_eq!((engine.networks.len(), engine.volumes.len()), (1, 1), "after call {number}");
}

const START: &[&str] = &["system", "start", "--image", IMAGE];

#[test]
fn a_start_that_is_refused_at_any_call_is_completed_by_the_next() {
    at_every_call(&World::new(), Fault::Refused, nothing, START, START, is_whole);
}

#[test]
fn a_start_whose_engine_breaks_off_at_any_call_is_completed_by_the_next() {
    at_every_call(&World::new(), Fault::Unanswered, nothing, START, START, is_whole);
}

#[test]
fn a_start_that_was_broken_off_at_any_call_is_removed_by_a_stop() {
    at_every_call(
        &World::with("[]", ""),
        Fault::Unanswered,
        |_| {},
        START,
        &["system", "stop", "--reset", "--yes"],
        |world, number| {
            let engine = world.engine.world();
            assert!(
                engine.containers.is_empty() && engine.networks.is_empty() && engine.volumes.is_empty(),
                "call {number}"
            );
        },
    );
}

#[test]
fn a_stop_that_is_broken_off_at_any_call_is_completed_by_the_next() {
    let started = |world: &World| {
        world.ctl(START).ok();
    };
    let stop = &["system", "stop", "--reset", "--yes"];
    at_every_call(&World::with("[]", ""), Fault::Unanswered, started, stop, stop, |world, number| {
        let engine = world.engine.world();
        assert!(
            engine.containers.is_empty() && engine.networks.is_empty() && engine.volumes.is_empty(),
            "call {number}"
        );
    });
}

#[test]
fn an_update_that_is_broken_off_at_any_call_is_settled_by_the_next_start() {
    let old = |world: &World| {
        world.ctl(&["system", "stop", "--reset", "--yes"]).ok();
        world.ctl(START).ok();
    };
    at_every_call(
        &World::with("[]", ""),
        Fault::Unanswered,
        old,
        &["system", "update", "--image", NEXT],
        &["system", "start"],
        is_whole,
    );
}

#[test]
fn an_update_to_a_broken_image_that_is_broken_off_at_any_call_keeps_the_data() {
    let old = |world: &World| {
        world.ctl(&["system", "stop", "--reset", "--yes"]).ok();
        world.ctl(START).ok();
    };
    let update = &["system", "update", "meshery", "--image", BROKEN];
    at_every_call(&World::with("[]", ""), Fault::Unanswered, old, update, &["system", "start"], |world, number| {
        is_whole(world, number);
        let engine = world.engine.world();
        let server = engine.containers.iter().find(|one| one.name == "meshery-local-meshery").unwrap();
        assert_eq!(server.body["Image"], IMAGE, "after call {number}");
        let (data, ..) = &engine.volumes["meshery-local"].files["data/meshery.db"];
        assert_eq!(data, b"first", "after call {number}");
    });
}

/// The program itself is killed while a call of it is under way.
#[test]
fn a_start_that_is_killed_is_completed_by_the_next() {
    let world = World::new();
    for number in [1, 4, 7, 10, 13, 16] {
        nothing(&world);
        world.engine.fail(Some(Fault::Silent(number)));
        let mut child = world
            .ctl(START)
            .command()
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        world.engine.wait_for_call(number);
        child.kill().unwrap();
        child.wait().unwrap();
        world.engine.fail(None);
        world.ctl(START).ok();
        is_whole(&world, number);
    }
}

#[test]
fn two_starts_at_once_give_one_plane() {
    let world = World::new();
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| world.start().ok());
        }
    });
    is_whole(&world, 0);
}
