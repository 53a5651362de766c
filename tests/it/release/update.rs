//! `self update`, `self rollback` and `self status`, when all goes well.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use insta::assert_snapshot;
use serde_json::json;

use super::{World, is_real, version_of, write_program};
use crate::support::feed::{OWN, program};

#[test]
fn an_update_puts_the_new_program_in_place_and_keeps_the_old_one() {
    let world = World::new();
    world.feed.release("9.9.9", &program("9.9.9"));
    let updated = world.ctl(&["self", "update", "-o", "json"]).ok().json();
    assert_eq!(
        (&updated["outcome"], &updated["from"], &updated["to"]),
        (&json!("updated"), &json!(OWN), &json!("9.9.9"))
    );
    assert_eq!(updated["previous"], world.previous().display().to_string());
    assert_eq!(world.version(), "9.9.9");
    assert_eq!(fs::metadata(world.program()).unwrap().permissions().mode() & 0o777, 0o755);
    assert!(is_real(&world.previous()));
    assert_eq!(version_of(&world.previous()), OWN);
    assert_eq!(world.names(), ["mesheryctl", "mesheryctl.previous"], "nothing else is left");
}

#[test]
fn an_update_says_what_it_changed() {
    let world = World::new();
    world.feed.release("9.9.9", &program("9.9.9"));
    let output = world.ctl(&["self", "update"]).run();
    let length = fs::metadata(world.feed.archive("9.9.9")).unwrap().len();
    let text = output.to_string().replace(&format!("{length} bytes"), "SIZE");
    assert_snapshot!(text.replace(&mesheryctl::release::targets()[0], "TARGET"), @"
    exit: 0
    --- stdout
    mesheryctl 0.1.0 was replaced by 9.9.9 in $ROOT/home/.local/bin/mesheryctl
    the one before is kept: `mesheryctl self rollback` brings it back
    --- stderr
    mesheryctl: downloading mesheryctl-9.9.9-TARGET.tar.gz (SIZE)
    mesheryctl: checking
    ✓ mesheryctl: 9.9.9 is in place
    ");
}

#[test]
fn what_is_newest_already_is_unchanged() {
    let world = World::new();
    world.feed.release(OWN, &program(OWN));
    let output = world.ctl(&["self", "update"]).ok();
    assert_eq!(output.stdout, format!("mesheryctl {OWN} is the newest release of channel stable\n"));
    let named = world.ctl(&["self", "update", "--version", OWN]).ok();
    assert_eq!(named.stdout, format!("mesheryctl is version {OWN} already\n"));
    assert!(world.is_untouched());
    assert_eq!(world.feed.asked().iter().filter(|name| name.ends_with(".tar.gz")).count(), 0);
}

#[test]
fn only_a_named_version_goes_back() {
    let world = World::new();
    world.feed.release("0.0.9", &program("0.0.9"));
    let output = world.ctl(&["self", "update"]).ok();
    assert!(output.stdout.contains("newer than 0.0.9") && output.stdout.contains("--version 0.0.9"), "{output}");
    assert!(world.is_untouched());
    let view = world.ctl(&["self", "update", "--version", "v0.0.9", "-o", "json"]).ok().json();
    assert_eq!((&view["outcome"], &view["to"], view.get("channel")), (&json!("updated"), &json!("0.0.9"), None));
    assert_eq!(world.version(), "0.0.9");
}

#[test]
fn channels_and_withdrawals_are_honoured() {
    let world = World::new();
    for version in ["9.0.0", "9.1.0", "9.2.0-edge.1"] {
        world.feed.put(version, &program(version));
    }
    world.feed.publish_with(|how| how.withdraw = vec![("9.1.0".to_owned(), "it loses data".to_owned())]);
    let newest = |args: &[&str]| {
        let args = [&["self", "update", "--check", "-o", "name"], args].concat();
        world.ctl(&args).ok().stdout
    };
    assert_eq!(newest(&[]), "9.0.0\n");
    assert_eq!(newest(&["--channel", "edge"]), "9.2.0-edge.1\n");
    let refused = world.ctl(&["self", "update", "--version", "9.1.0"]).run();
    assert_eq!(refused.code, Some(1), "{refused}");
    assert!(refused.stderr.contains("it loses data") && refused.stderr.contains("release-withdrawn"), "{refused}");
    let unknown = world.ctl(&["self", "update", "--version", "9.0.1"]).run();
    assert_eq!(unknown.code, Some(5), "{unknown}");
    assert!(unknown.stderr.contains("9.0.0"), "{unknown}");
    assert!(world.is_untouched());
}

#[test]
fn a_check_and_a_dry_run_download_and_write_nothing() {
    let world = World::new();
    world.feed.release("9.9.9", &program("9.9.9"));
    let check = world.ctl(&["self", "update", "--check"]).ok();
    assert!(check.stdout.starts_with(&format!("mesheryctl 9.9.9 is there; this is {OWN}\n")), "{check}");
    let dry = world.ctl(&["self", "update", "--dry-run"]).ok();
    for part in ["would download http://127.0.0.1", "would replace", "would keep it as", "mesheryctl.previous"] {
        assert!(dry.stdout.contains(part), "{part}: {dry}");
    }
    assert!(world.is_untouched());
    assert!(!world.feed.asked().iter().any(|name| name.ends_with(".tar.gz")), "{:?}", world.feed.asked());
}

#[test]
fn a_folder_is_a_feed_too() {
    let world = World::new();
    world.feed.release("9.9.9", &program("9.9.9"));
    let folder = world.feed.folder.display().to_string();
    let key = world.feed.key.display().to_string();
    let args = ["self", "update", "--from", &folder, "--key", &key];
    world.ctl(&args).without("MESHERY_RELEASES_URL").without("MESHERY_RELEASES_KEY").ok();
    assert_eq!(world.version(), "9.9.9");
    assert!(world.feed.asked().is_empty(), "the network was not used");
}

#[test]
fn a_rollback_brings_the_kept_program_back_and_keeps_the_other() {
    let world = World::new();
    write_program(&world.previous(), &program("0.0.9"));
    let dry = world.ctl(&["self", "rollback", "--dry-run"]).ok();
    assert!(dry.stdout.contains("would put back mesheryctl 0.0.9"), "{dry}");
    assert_eq!(world.version(), OWN);
    let view = world.ctl(&["self", "rollback", "-o", "json"]).ok().json();
    assert_eq!((&view["outcome"], &view["from"], &view["to"]), (&json!("rolled-back"), &json!(OWN), &json!("0.0.9")));
    assert_eq!(world.version(), "0.0.9");
    assert_eq!(version_of(&world.previous()), OWN);
    assert_eq!(world.names(), ["mesheryctl", "mesheryctl.previous"]);
}

#[test]
fn a_rollback_needs_a_kept_program_that_runs() {
    let world = World::new();
    let none = world.ctl(&["self", "rollback"]).run();
    assert_eq!(none.code, Some(5), "{none}");
    assert!(none.stderr.contains("mesheryctl.previous") && none.stderr.contains("self-previous"), "{none}");
    write_program(&world.previous(), "#!/bin/sh\nexit 3\n");
    let broken = world.ctl(&["self", "rollback"]).run();
    assert_eq!(broken.code, Some(1), "{broken}");
    assert!(broken.stderr.contains("release-broken"), "{broken}");
    assert!(is_real(&world.program()));
}

#[test]
fn completions_and_pages_of_install_sh_follow_the_program() {
    let world = World::at("home/.local/bin");
    let share = |file: &str| world.env.path("home/.local/share").join(file);
    let list = "dir share\nfile bin/mesheryctl\nfile share/bash-completion/completions/mesheryctl\n\
                file share/man/man1/mesheryctl.1\nfile share/man/man1/mesheryctl-gone.1\n\
                file share/mesheryctl/install-manifest\n";
    world.env.write("home/.local/share/mesheryctl/install-manifest", list);
    for file in ["bash-completion/completions/mesheryctl", "man/man1/mesheryctl.1", "man/man1/mesheryctl-gone.1"] {
        world.env.write(&format!("home/.local/share/{file}"), "old");
    }
    world.feed.release("9.9.9", &program("9.9.9"));
    world.ctl(&["self", "update"]).ok();
    let read = |file: &str| fs::read_to_string(share(file)).unwrap();
    assert_eq!(read("bash-completion/completions/mesheryctl"), "bash of 9.9.9\n");
    assert_eq!(read("man/man1/mesheryctl-more.1"), "page of 9.9.9\n");
    assert!(!share("man/man1/mesheryctl-gone.1").exists());
    assert!(!share("zsh").exists(), "a shell that was left out stays so");
    let mut lines: Vec<String> = list.replace("-gone.1", "-more.1").lines().map(str::to_owned).collect();
    lines.sort();
    assert_eq!(read("mesheryctl/install-manifest").lines().collect::<Vec<_>>(), lines);
}

#[test]
fn status_tells_everything_and_asks_nobody() {
    let world = World::new();
    world.feed.release("9.9.9", &program("9.9.9"));
    let before = world.ctl(&["self", "status", "-o", "json"]).ok().json();
    assert_eq!((&before["version"], before.get("newest"), before.get("managed_by")), (&json!(OWN), None, None));
    assert_eq!(before["path"], world.program().display().to_string());
    assert!(world.feed.asked().is_empty());
    world.ctl(&["self", "update", "--check"]).ok();
    write_program(&world.previous(), &program("0.0.9"));
    let other = world.env.path("other/mesheryctl");
    fs::create_dir(other.parent().unwrap()).unwrap();
    write_program(&other, &program("1.1.1"));
    let path = format!("{}:/usr/bin:/bin", other.parent().unwrap().display());
    let after = world.ctl(&["self", "status", "-o", "json"]).var("PATH", path).ok();
    assert!(after.stderr.contains("PATH finds") && after.stderr.contains("other/mesheryctl"), "{after}");
    let after = after.json();
    assert_eq!((&after["newest"], &after["previous"]), (&json!("9.9.9"), &json!("0.0.9")));
    assert_eq!(after["shadowed_by"], other.display().to_string());
    let version = world.ctl(&["version", "-o", "json"]).ok().json();
    assert_eq!(version["newest"]["build"], "9.9.9");
    assert!(world.ctl(&["version"]).ok().stdout.contains("Newest  9.9.9"));
    assert_eq!(world.ctl(&["version", "--client", "-o", "json"]).ok().json().get("newest"), None);
}

#[test]
fn a_link_in_path_is_followed_to_the_program() {
    let world = World::at("opt/mesheryctl");
    world.feed.release("9.9.9", &program("9.9.9"));
    let link = world.env.path("home/bin/mesheryctl");
    fs::create_dir_all(link.parent().unwrap()).unwrap();
    std::os::unix::fs::symlink(world.program(), &link).unwrap();
    let path = format!("{}:/usr/bin:/bin", link.parent().unwrap().display());
    let output = world.ctl(&["self", "update"]).program(&link).var("PATH", path).ok();
    assert!(!output.stderr.contains("PATH finds"), "{output}");
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(world.version(), "9.9.9");
}
