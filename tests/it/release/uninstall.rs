//! `self uninstall`: everything that is ours, and nothing else.

use serde_json::json;

use super::World;
use crate::support::env::Env;
use crate::support::feed::program;
use crate::support::tty::Piped;

/// A world with everything an installation leaves over time.
fn world() -> World {
    let world = World::new();
    let list = "dir share\ndir share/man\ndir share/man/man1\ndir share/mesheryctl\nfile bin/mesheryctl\n\
                file share/man/man1/mesheryctl.1\nfile share/mesheryctl/install-manifest\nfile ../../work/precious\n";
    for (file, text) in [
        ("home/.local/share/mesheryctl/install-manifest", list),
        ("home/.local/share/man/man1/mesheryctl.1", "page"),
        ("home/.local/bin/mesheryctl.previous", "old"),
        ("home/.local/bin/other", "not ours"),
        ("home/.cache/mesheryctl/releases.json", "{}"),
        ("home/.local/state/mesheryctl/logs/server.log", "log"),
        ("home/.meshery/config.yaml", "contexts: {}\n"),
        ("home/.meshery/data/meshery.db", ""),
        ("home/.meshery/notes.txt", "not ours"),
        ("work/precious", "not ours"),
    ] {
        world.env.write(file, text);
    }
    world
}

fn files(env: &Env) -> Vec<String> {
    env.files().into_iter().filter(|file| !file.starts_with("release.key")).collect()
}

#[test]
fn row_81_a_dry_run_lists_every_path_and_removes_nothing() {
    let world = world();
    let before = files(&world.env);
    let view = world.ctl(&["self", "uninstall", "--dry-run", "-o", "json"]).ok().json();
    let paths: Vec<String> = view["paths"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["path"].as_str().unwrap().replace(&world.env.root().display().to_string(), ""))
        .collect();
    assert_eq!(
        paths,
        [
            "/home/.cache/mesheryctl",
            "/home/.local/bin/mesheryctl.previous",
            "/home/.local/share/man/man1/mesheryctl.1",
            "/home/.local/share/mesheryctl/install-manifest",
            "/home/.local/bin/mesheryctl",
        ]
    );
    assert_eq!((&view["removed"], view["kept"].as_array().unwrap().len()), (&json!(false), 2));
    assert_eq!(files(&world.env), before);
}

#[test]
fn what_is_listed_goes_and_data_and_what_is_not_ours_stays() {
    let world = world();
    let output = world.ctl(&["self", "uninstall", "--yes"]).ok();
    assert!(output.stdout.starts_with("removed:") && output.stdout.contains("kept:"), "{output}");
    assert_eq!(
        files(&world.env),
        [
            "home/.local/bin/other",
            "home/.local/state/mesheryctl/logs/server.log",
            "home/.meshery/config.yaml",
            "home/.meshery/data/meshery.db",
            "home/.meshery/notes.txt",
            "work/precious",
        ]
    );
    assert!(!world.env.path("home/.local/share").exists(), "folders of ours that are empty go too");
}

#[test]
fn data_goes_with_purge_only_and_what_is_not_ours_stays_even_then() {
    let world = world();
    let output = world.ctl(&["self", "uninstall", "--purge", "--yes"]).ok();
    assert!(output.stdout.contains("notes.txt"), "{output}");
    assert_eq!(files(&world.env), ["home/.local/bin/other", "home/.meshery/notes.txt", "work/precious"]);
    assert!(!world.env.path("home/.local/state/mesheryctl").exists());
}

#[test]
fn consent_is_needed() {
    let world = world();
    let before = files(&world.env);
    let output = world.ctl(&["self", "uninstall"]).run();
    assert_eq!(output.code, Some(2), "{output}");
    assert!(output.stderr.contains("--yes") && output.stderr.contains("--dry-run"), "{output}");
    let screen = world.ctl(&["self", "uninstall"]).on_terminal(Piped::default(), &[("keep contexts and data?", "n\n")]);
    assert_eq!(screen.code, Some(1), "{}", screen.text);
    assert_eq!(files(&world.env), before);
    let screen = world.ctl(&["self", "uninstall"]).on_terminal(Piped::default(), &[("keep contexts and data?", "y\n")]);
    assert_eq!(screen.code, Some(0), "{}", screen.text);
    assert!(!world.program().exists());
}

#[test]
fn a_home_that_is_not_ours_alone_is_not_purged() {
    let world = world();
    let home = world.env.path("home");
    world.env.write("home/cache/theirs", "not ours");
    let purge = world.ctl(&["self", "uninstall", "--purge", "--yes"]).var("MESHERY_HOME", &home).run();
    assert_eq!(purge.code, Some(2), "{purge}");
    world.ctl(&["self", "uninstall", "--yes"]).var("MESHERY_HOME", &home).ok();
    assert_eq!(world.env.read("home/cache/theirs"), "not ours");
}

#[test]
fn a_running_plane_is_told_and_stops_the_removal() {
    let world = World::new();
    world.env.write(
        "home/.meshery/config.yaml",
        "contexts:\n  local: {endpoint: 'http://localhost:9', platform: local}\n  far: {platform: kubernetes}\ncurrent-context: local\n",
    );
    let stop = Stop(&world);
    world.ctl(&["system", "start", "--port", "0"]).ok();
    let dry = world.ctl(&["self", "uninstall", "--dry-run"]).ok();
    assert!(dry.stdout.contains("first stop the server: mesheryctl system stop"), "{dry}");
    let refused = world.ctl(&["self", "uninstall", "--yes"]).run();
    assert_eq!(refused.code, Some(1), "{refused}");
    assert!(refused.stderr.contains("mesheryctl system stop"), "{refused}");
    world.feed.release("9.9.9", &program("9.9.9"));
    let updated = world.ctl(&["self", "update"]).ok();
    assert!(updated.stderr.contains("mesheryctl system restart"), "{updated}");
    drop(stop);
}

/// Stops what was started, however the test ends.
struct Stop<'w>(&'w World);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        let run = self.0.ctl(&["system", "stop", "--force"]);
        let _ = run.program(crate::support::ctl::PROGRAM).run();
    }
}

#[test]
fn planes_of_other_platforms_are_told() {
    let world = World::new();
    world.env.write("home/.meshery/config.yaml", "contexts:\n  far: {platform: kubernetes}\ncurrent-context: far\n");
    let output = world.ctl(&["self", "uninstall", "--yes"]).ok();
    assert!(output.stderr.contains("planes of far may run on"), "{output}");
}
