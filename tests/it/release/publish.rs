//! Keeping a feed with the hidden verbs, and installing from it with install.sh.

use std::process::Command;

use super::World;
use crate::support::env::Env;
use crate::support::feed::{Feed, program, sha256};

#[test]
fn a_feed_is_kept_with_the_verbs_alone() {
    let world = World::new();
    let env = &world.env;
    let made = env.ctl(["generate-release-key", "my.key"]).ok();
    assert!(made.stderr.contains("my.key.pub"), "{made}");
    world.feed.put("9.9.9", &program("9.9.9"));
    let folder = world.feed.folder.display().to_string();
    let args = ["generate-release", &folder, "--signing-key", "my.key", "--notes-url", "https://example.org/{version}"];
    let rows = env.ctl(args.iter().copied().chain(["-o", "json"])).ok().json();
    assert_eq!((rows[0]["version"].as_str(), rows[0]["channel"].as_str()), (Some("9.9.9"), Some("stable")));
    let sums = std::fs::read_to_string(world.feed.folder.join("SHA256SUMS")).unwrap();
    assert_eq!(sums, format!("{}  {}\n", rows[0]["sha256"].as_str().unwrap(), rows[0]["name"].as_str().unwrap()));
    let key = env.path("work/my.key.pub");
    let check = world.ctl(&["self", "update", "--check"]).var("MESHERY_RELEASES_KEY", &key).ok();
    assert!(check.stdout.contains("notes: https://example.org/9.9.9"), "{check}");
    env.ctl(args.iter().copied().chain(["--withdraw", "9.9.9=it loses data"])).ok();
    let refused = world.ctl(&["self", "update", "--version", "9.9.9"]).var("MESHERY_RELEASES_KEY", &key).run();
    assert!(refused.stderr.contains("it loses data"), "{refused}");
}

#[test]
fn wrong_input_of_a_keeper_is_named() {
    let env = Env::new();
    let feed = Feed::start(&env);
    let folder = feed.folder.display().to_string();
    let signing = env.path("release.key").display().to_string();
    for (args, exit, part) in [
        (vec!["--signing-key", &signing], 5, "holds no release archive"),
        (vec!["--signing-key", "none"], 5, "none"),
        (vec!["--signing-key", &signing, "--channel", "beta"], 2, "stable, edge"),
        (vec!["--signing-key", &signing, "--withdraw", "9.9.9"], 2, "VERSION=REASON"),
    ] {
        let output = env.ctl(["generate-release", &folder].into_iter().chain(args)).run();
        assert_eq!(output.code, Some(exit), "{output}");
        assert!(output.stderr.contains(part), "{part}: {output}");
    }
}

/// The signature stands behind the archive's content, where tar does not look.
#[test]
fn install_sh_takes_a_signed_archive() {
    let world = World::new();
    world.feed.release("9.9.9", &program("9.9.9"));
    let archive = world.feed.archive("9.9.9");
    let sum = sha256(&std::fs::read(&archive).unwrap());
    let prefix = world.env.path("prefix");
    let output = Command::new("sh")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/install.sh"))
        .args(["--archive", archive.to_str().unwrap(), "--sha256", &sum, "--version", "9.9.9", "--prefix"])
        .arg(&prefix)
        .env("HOME", world.env.path("home"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("installed mesheryctl 9.9.9"), "{output:?}");
    assert_eq!(super::version_of(&prefix.join("bin/mesheryctl")), "9.9.9");
}
