//! What can go wrong with an update: each time the old program stays, whole.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::{Child, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use super::{World, until};
use crate::support::ctl::Output;
use crate::support::feed::{Fault, OWN, program};

/// Updates and wants a failure of this code that changes nothing.
fn refused(world: &World, code: &str, exit: i32) -> Output {
    let output = world.ctl(&["self", "update", "-o", "json"]).run();
    assert_eq!(output.code, Some(exit), "{output}");
    let error = output.stderr.lines().last().unwrap();
    let error: serde_json::Value = serde_json::from_str(error).unwrap_or_else(|fault| panic!("{fault}: {output}"));
    assert_eq!(error["code"], code, "{output}");
    assert!(world.is_untouched(), "{:?}", world.names());
    output
}

fn archive_name(world: &World) -> String {
    world.feed.archive("9.9.9").file_name().unwrap().to_str().unwrap().to_owned()
}

fn world() -> World {
    let world = World::new();
    world.feed.release("9.9.9", &program("9.9.9"));
    world
}

#[test]
fn other_bytes_than_those_released_are_refused() {
    let world = world();
    let path = world.feed.archive("9.9.9");
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&path, &bytes).unwrap();
    refused(&world, "release-checksum", 1);
    bytes.push(0);
    fs::write(&path, &bytes).unwrap();
    refused(&world, "release-checksum", 1);
}

#[test]
fn an_archive_without_a_signature_is_refused() {
    let world = world();
    world.feed.put("9.9.9", &program("9.9.9"));
    world.feed.vouch_for("9.9.9");
    let output = refused(&world, "release-signature", 1);
    assert!(output.stderr.contains(&archive_name(&world)), "{output}");
}

#[test]
fn an_archive_signed_by_somebody_else_is_refused() {
    let world = world();
    let stranger = World::new();
    stranger.feed.release("9.9.9", &program("9.9.9"));
    fs::copy(stranger.feed.archive("9.9.9"), world.feed.archive("9.9.9")).unwrap();
    world.feed.vouch_for("9.9.9");
    refused(&world, "release-signature", 1);
}

#[test]
fn an_older_archive_under_a_newer_name_is_refused() {
    let world = world();
    world.feed.release("0.0.9", &program("9.9.9"));
    fs::rename(world.feed.archive("0.0.9"), world.feed.archive("9.9.9")).unwrap();
    world.feed.vouch_for("9.9.9");
    refused(&world, "release-signature", 1);
}

#[test]
fn a_manifest_that_was_changed_or_is_of_another_key_is_refused() {
    let world = world();
    let path = world.feed.folder.join("manifest.json");
    let json = fs::read_to_string(&path).unwrap();
    fs::write(&path, json.replace("9.9.9", "9.9.8")).unwrap();
    refused(&world, "release-signature", 1);
    fs::write(&path, json).unwrap();
    let output = world.ctl(&["self", "update"]).without("MESHERY_RELEASES_KEY").run();
    assert_eq!(output.code, Some(1), "{output}");
    assert!(output.stderr.contains("the key built into this program"), "{output}");
    assert!(world.is_untouched());
}

#[test]
fn a_feed_without_a_manifest_or_signature_or_of_another_shape_is_named() {
    let world = world();
    fs::remove_file(world.feed.folder.join("manifest.json.sig")).unwrap();
    let output = refused(&world, "release-feed", 3);
    assert!(output.stderr.contains("manifest.json.sig") && output.stderr.contains("404"), "{output}");
    world.feed.fault("manifest.json", Some(Fault::Status(503)));
    let output = refused(&world, "release-feed", 3);
    assert!(output.stderr.contains("503"), "{output}");
    world.feed.fault("manifest.json", None);
    world.feed.write_manifest(&json!({"schema": 7, "releases": []}));
    refused(&world, "release-manifest", 1);
    world.feed.write_manifest(&json!({"schema": 1, "releases": []}));
    refused(&world, "release-unknown", 5);
    let down = world.ctl(&["self", "update", "--from", "http://127.0.0.1:9/"]).run();
    assert_eq!(down.code, Some(3), "{down}");
    let plain = world.ctl(&["self", "update", "--from", "http://releases.example.org/"]).run();
    assert_eq!(plain.code, Some(2), "{plain}");
    assert!(plain.stderr.contains("plain http"), "{plain}");
    assert!(world.is_untouched());
}

#[test]
fn a_release_for_other_machines_is_named() {
    let world = World::new();
    let asset = json!({"name": "mesheryctl-9.9.9-vax-dec-ultrix.tar.gz", "url": "x", "digest": format!("sha256:{}", "0".repeat(64)), "size": 1});
    world.feed.write_manifest(&json!({"schema": 1, "releases": [{"version": "9.9.9", "assets": [asset]}]}));
    refused(&world, "release-unknown", 5);
    let named = world.ctl(&["self", "update", "--version", "9.9.9"]).run();
    assert_eq!(named.code, Some(5), "{named}");
    assert!(named.stderr.contains("vax-dec-ultrix"), "{named}");
}

#[test]
fn a_download_that_breaks_off_is_no_program() {
    let world = world();
    world.feed.fault(&archive_name(&world), Some(Fault::Broken));
    refused(&world, "download-failed", 3);
    world.feed.fault(&archive_name(&world), Some(Fault::Status(500)));
    refused(&world, "download-failed", 3);
    world.feed.fault(&archive_name(&world), None);
    let path = world.feed.archive("9.9.9");
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    let output = refused(&world, "download-failed", 3);
    assert!(output.stderr.contains("it ended after"), "{output}");
}

#[test]
fn a_new_program_that_does_not_run_or_is_another_version_is_refused() {
    for (script, part) in [
        ("#!/bin/sh\necho no such library >&2\nexit 127\n".to_owned(), "no such library"),
        ("#!/no/such/interpreter\n".to_owned(), "does not run here"),
        ("\x7fELF of another machine".to_owned(), "does not run here"),
        ("#!/bin/sh\necho hello\n".to_owned(), "does not say its version"),
        (program("9.9.8"), "holds version 9.9.8, not 9.9.9"),
    ] {
        let world = World::new();
        world.feed.release("9.9.9", &script);
        let output = refused(&world, "release-broken", 1);
        assert!(output.stderr.contains(part), "{part}: {output}");
    }
}

#[test]
fn a_folder_that_may_not_be_written_is_named() {
    let world = World::at("opt/bin");
    world.feed.release("9.9.9", &program("9.9.9"));
    fs::set_permissions(&world.bin, fs::Permissions::from_mode(0o555)).unwrap();
    for args in [&["self", "update"][..], &["self", "update", "--dry-run"], &["self", "uninstall", "--yes"]] {
        let mut command = world.ctl(args).command();
        if rustix::process::geteuid().is_root() {
            // root may write everywhere: somebody else tries
            for path in [world.env.root().to_owned(), world.env.path("home"), world.env.path("feed")] {
                fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
            }
            command.uid(65534).gid(65534);
        }
        let output = command.stdin(Stdio::null()).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{stderr}");
        assert!(stderr.contains("self-write") && stderr.contains(&world.bin.display().to_string()), "{stderr}");
    }
    assert!(world.is_untouched());
    assert!(!world.feed.asked().iter().any(|name| name.ends_with(".tar.gz")));
    fs::set_permissions(&world.bin, fs::Permissions::from_mode(0o755)).unwrap();
}

/// An update that is under way; ended with the test.
struct Underway(Child);

impl Underway {
    fn begin(world: &World) -> Self {
        let mut command = world.ctl(&["self", "update"]).command();
        Self(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }

    fn signal(&mut self, signal: Signal) -> Option<i32> {
        kill_process(Pid::from_child(&self.0), signal).unwrap();
        self.0.wait().unwrap().code()
    }
}

impl Drop for Underway {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn killed_in_the_middle_of_a_download_the_old_program_works_and_the_next_update_completes() {
    let world = world();
    world.feed.fault(&archive_name(&world), Some(Fault::Stalled));
    let mut first = Underway::begin(&world);
    until("half a download", || world.feed.has_stalled());
    for args in [&["self", "update"][..], &["self", "uninstall", "--yes"]] {
        let second = world.ctl(args).run();
        assert_eq!(second.code, Some(1), "{second}");
        assert!(second.stderr.contains("self-busy"), "{second}");
    }
    first.signal(Signal::KILL);
    assert_eq!(world.version(), OWN);
    world.feed.fault(&archive_name(&world), None);
    world.ctl(&["self", "update"]).ok();
    assert_eq!(world.version(), "9.9.9");
    assert_eq!(world.names(), ["mesheryctl", "mesheryctl.previous"]);
}

#[test]
fn ctrl_c_in_the_middle_of_a_download_leaves_nothing_behind() {
    let world = world();
    world.feed.fault(&archive_name(&world), Some(Fault::Stalled));
    let mut update = Underway::begin(&world);
    until("half a download", || world.feed.has_stalled());
    assert_eq!(update.signal(Signal::INT), Some(130));
    assert!(world.is_untouched(), "{:?}", world.names());
}

#[test]
fn killed_while_the_new_program_is_tried_the_old_one_works() {
    let world = World::new();
    let started = world.env.path("started");
    let slow = format!("#!/bin/sh\necho $$ >{0}.new && mv {0}.new {0}\nexec sleep 600\n", started.display());
    world.feed.release("9.9.9", &slow);
    let mut first = Underway::begin(&world);
    until("a trial", || started.exists());
    first.signal(Signal::KILL);
    let child: i32 = fs::read_to_string(&started).unwrap().trim().parse().unwrap();
    kill_process(Pid::from_raw(child).unwrap(), Signal::KILL).unwrap();
    assert_eq!(world.version(), OWN);
    fs::remove_file(world.feed.archive("9.9.9")).unwrap();
    world.feed.release("9.9.10", &program("9.9.10"));
    world.ctl(&["self", "update"]).ok();
    assert_eq!(world.version(), "9.9.10");
    assert_eq!(world.names(), ["mesheryctl", "mesheryctl.previous"]);
}

#[test]
fn of_many_updates_at_once_one_works_and_the_others_say_so() {
    let world = world();
    let outputs: Vec<Output> = std::thread::scope(|scope| {
        let runs: Vec<_> = (0..6).map(|_| scope.spawn(|| world.ctl(&["self", "update"]).run())).collect();
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    });
    let done = outputs.iter().filter(|output| output.code == Some(0)).count();
    assert_eq!(done, 1, "{}", outputs.iter().map(ToString::to_string).collect::<String>());
    for output in outputs.iter().filter(|output| output.code != Some(0)) {
        assert!(output.stderr.contains("self-busy") || output.stderr.contains("cannot"), "{output}");
    }
    assert_eq!((world.version(), super::version_of(&world.previous())), ("9.9.9".to_owned(), OWN.to_owned()));
    assert_eq!(world.names(), ["mesheryctl", "mesheryctl.previous"]);
}
