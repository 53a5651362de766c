//! The version notice: on a terminal, once a day, with consent, and silent about everything that goes wrong.

use std::io::Read;
use std::net::TcpListener;
use std::path::PathBuf;

use super::World;
use crate::support::env::Env;
use crate::support::feed::{Fault, OWN, program};
use crate::support::tty::{Piped, Screen};

const NOTICE: &str = "mesheryctl 9.9.9 is there";

fn world() -> World {
    let world = World::new();
    world.feed.release("9.9.9", &program("9.9.9"));
    world
}

fn cache(world: &World) -> PathBuf {
    world.env.path("home/.cache/mesheryctl/releases.json")
}

/// A command that takes as long as the feed: the plane it asks is a double that gives no answer before the cache has one.
fn patient(world: &World) -> Screen {
    let plane = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", plane.local_addr().unwrap());
    let cache = cache(world);
    std::thread::spawn(move || {
        for connection in plane.incoming() {
            let mut connection = connection.unwrap();
            let _ = connection.read(&mut [0; 1024]);
            super::until("an answer of the feed", || {
                std::fs::read_to_string(&cache).is_ok_and(|text| text.contains("9.9.9"))
            });
        }
    });
    world.ctl(&["version", "--endpoint", &endpoint]).on_terminal(Piped::default(), &[])
}

fn quick(world: &World) -> Screen {
    world.ctl(&["version"]).on_terminal(Piped::default(), &[])
}

#[test]
fn row_71_a_newer_release_is_told_once_a_day() {
    let world = world();
    let first = patient(&world);
    assert_eq!(first.code, Some(0), "{}", first.text);
    assert!(first.text.contains(NOTICE) && first.text.contains("mesheryctl self update"), "{}", first.text);
    assert!(first.text.contains("MESHERY_NO_UPDATE_CHECK=1"), "{}", first.text);
    let asked = world.feed.asked();
    assert_eq!(asked, ["manifest.json", "manifest.json.sig"]);
    assert!(!quick(&world).text.contains(NOTICE));
    assert_eq!(world.feed.asked(), asked, "the feed was asked once");
    // a day later
    let text = std::fs::read_to_string(cache(&world)).unwrap();
    let mut known: serde_json::Value = serde_json::from_str(&text).unwrap();
    known["told_at"] = "2020-01-01T00:00:00Z".into();
    std::fs::write(cache(&world), known.to_string()).unwrap();
    let later = quick(&world);
    assert!(later.text.contains(NOTICE), "{}", later.text);
    assert!(!quick(&world).text.contains(NOTICE));
}

#[test]
fn the_notice_goes_to_stderr() {
    let world = world();
    patient(&world);
    let text = std::fs::read_to_string(cache(&world)).unwrap();
    let mut known: serde_json::Value = serde_json::from_str(&text).unwrap();
    known.as_object_mut().unwrap().remove("told_at");
    std::fs::write(cache(&world), known.to_string()).unwrap();
    let screen = world.ctl(&["version"]).on_terminal(Piped { stdout: true }, &[]);
    assert!(screen.text.contains(NOTICE) && !screen.stdout.contains(NOTICE), "{}", screen.text);
}

#[test]
fn row_71_there_is_none_where_nobody_asked_for_one() {
    let world = world();
    let on_terminal = |args: &[&str], variable: Option<(&str, &str)>| {
        let run = world.ctl(args);
        let run = variable.into_iter().fold(run, |run, (name, value)| run.var(name, value));
        run.on_terminal(Piped::default(), &[]).text
    };
    for (args, variable) in [
        (&["version"][..], Some(("CI", "true"))),
        (&["version"], Some(("MESHERY_NO_UPDATE_CHECK", "1"))),
        (&["version", "-q"], None),
        (&["version", "-o", "json"], None),
        (&["version", "-o", "yaml"], None),
        (&["version", "-o", "name"], None),
        (&["version", "--client"], None),
        (&["version", "--bogus"], None),
        (&["completion", "bash"], None),
        (&["help", "environment"], None),
        (&["explain"], None),
        (&["self", "status"], None),
    ] {
        let text = on_terminal(args, variable);
        assert!(!text.contains(NOTICE), "{args:?}: {text}");
    }
    let piped = world.ctl(&["version"]).ok();
    assert!(!piped.stderr.contains(NOTICE), "{piped}");
    assert!(world.feed.asked().is_empty(), "{:?}", world.feed.asked());
    assert!(!cache(&world).exists());
}

/// Everything that could lead out points at a listener of ours.
#[test]
fn row_72_without_consent_nobody_is_asked() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let env = Env::new();
    for args in [&["version"][..], &["system", "context", "list"], &["system", "channel", "set", "v0.6.0"]] {
        let run = env.ctl(args.iter().copied()).var("HTTP_PROXY", &address).var("HTTPS_PROXY", &address);
        let screen = run.var("ALL_PROXY", &address).on_terminal(Piped::default(), &[]);
        assert_eq!(screen.code, Some(0), "{}", screen.text);
        assert!(listener.accept().is_err(), "{args:?} opened a connection");
    }
    assert!(!env.path("home/.cache").exists());
}

#[test]
fn a_feed_that_is_slow_down_or_not_to_be_trusted_is_not_told_of() {
    for fault in [Fault::Stalled, Fault::Broken, Fault::Status(500)] {
        let world = world();
        world.feed.fault("manifest.json", Some(fault));
        let screen = quick(&world);
        assert_eq!(screen.code, Some(0), "{}", screen.text);
        let lines: Vec<&str> = screen.text.lines().collect();
        assert_eq!(lines.len(), 3, "{}", screen.text);
        let asked = world.feed.asked().len();
        quick(&world);
        assert_eq!(world.feed.asked().len(), asked, "it is left alone for a day");
    }
    let world = world();
    for (url, key) in [
        ("http://127.0.0.1:9", &world.feed.key),
        (world.feed.url.as_str(), &world.env.path("no.key")),
        ("not an address", &world.feed.key),
    ] {
        let run = world.ctl(&["version"]).var("MESHERY_RELEASES_URL", url).var("MESHERY_RELEASES_KEY", key);
        let screen = run.on_terminal(Piped::default(), &[]);
        assert_eq!((screen.code, screen.text.lines().count()), (Some(0), 3), "{}", screen.text);
    }
}

#[test]
fn a_failed_command_ends_with_its_error() {
    let world = world();
    patient(&world);
    let text = std::fs::read_to_string(cache(&world)).unwrap();
    std::fs::write(cache(&world), text.replace("told_at", "told_then")).unwrap();
    let screen = world.ctl(&["system", "context", "view", "nope"]).on_terminal(Piped::default(), &[]);
    assert_eq!(screen.code, Some(5), "{}", screen.text);
    assert!(!screen.text.contains(NOTICE), "{}", screen.text);
}

#[test]
fn the_newest_release_is_no_news() {
    let world = World::new();
    world.feed.release(OWN, &program(OWN));
    world.ctl(&["self", "update", "--check"]).ok();
    assert_eq!(quick(&world).text.lines().count(), 3);
}
