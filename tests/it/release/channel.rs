//! `system channel` with a feed, and with a plane that runs.

use serde_json::json;

use super::World;
use crate::support::feed::program;
use crate::support::tty::Piped;

const CONFIG: &str = "contexts:\n  local: {endpoint: 'http://localhost:9', platform: local}\ncurrent-context: local\n";

fn channel(world: &World) -> (String, String) {
    let view = world.ctl(&["system", "channel", "view", "-o", "json"]).ok().json();
    let text = |key: &str| view[0][key].as_str().unwrap().to_owned();
    (text("channel"), text("version"))
}

#[test]
fn a_pinned_version_must_be_in_the_feed_that_was_set() {
    let world = World::new();
    world.feed.release("0.6.0", &program("0.6.0"));
    world.ctl(&["system", "channel", "set", "v0.6.0"]).ok();
    for verb in ["set", "switch"] {
        let unknown = world.ctl(&["system", "channel", verb, "v0.6.1"]).run();
        assert_eq!(unknown.code, Some(5), "{unknown}");
        assert!(unknown.stderr.contains("0.6.0"), "{unknown}");
    }
    assert_eq!(channel(&world), ("stable".to_owned(), "v0.6.0".to_owned()));
    let down =
        world.ctl(&["system", "channel", "set", "v0.6.1"]).var("MESHERY_RELEASES_URL", "http://127.0.0.1:9").ok();
    assert!(down.stderr.starts_with("warning: whether v0.6.1 was released is not known"), "{down}");
    assert_eq!(channel(&world).1, "v0.6.1");
    let asked = world.feed.asked().len();
    world.ctl(&["system", "channel", "set", "edge"]).ok();
    assert_eq!(world.feed.asked().len(), asked, "a channel needs no look");
    world.ctl(&["system", "channel", "set", "v7.7.7"]).without("MESHERY_RELEASES_URL").ok();
}

#[test]
fn without_a_running_plane_a_switch_only_sets() {
    let world = World::new();
    let change = world.ctl(&["system", "channel", "switch", "edge", "-o", "json"]).ok().json();
    assert_eq!((&change["action"], &change["value"]), (&json!("switched"), &json!("its plane does not run")));
    assert_eq!(channel(&world), ("edge".to_owned(), "latest".to_owned()));
}

#[test]
fn a_plane_of_another_machine_is_left_alone() {
    let world = World::new();
    world.env.write("home/.meshery/config.yaml", "contexts:\n  far: {endpoint: 'https://far.example.org'}\n");
    let change = world.ctl(&["system", "channel", "switch", "edge"]).ok();
    assert!(change.stdout.contains("on another machine"), "{change}");
    assert_eq!(channel(&world).0, "edge");
}

/// Stops what was started, however the test ends.
struct Stop<'w>(&'w World);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        let _ = self.0.ctl(&["system", "stop", "--force"]).run();
    }
}

#[test]
fn a_switch_restarts_the_running_plane_after_consent() {
    let world = World::new();
    world.env.write("home/.meshery/config.yaml", CONFIG);
    let _stop = Stop(&world);
    let before = world.ctl(&["system", "start", "--port", "0", "-o", "json"]).ok().json();
    let status = || world.ctl(&["system", "status", "-o", "json"]).run().json();
    let asked = world.ctl(&["system", "channel", "switch", "edge"]).run();
    assert_eq!(asked.code, Some(2), "{asked}");
    assert!(asked.stderr.contains("--yes"), "{asked}");
    let answers = [("is restarted; running operations end first. Go on?", "n\n")];
    let screen = world.ctl(&["system", "channel", "switch", "edge"]).on_terminal(Piped::default(), &answers);
    assert_eq!(screen.code, Some(1), "{}", screen.text);
    assert_eq!((status()["pid"].clone(), channel(&world).0), (before["pid"].clone(), "stable".to_owned()));
    let change = world.ctl(&["system", "channel", "switch", "edge", "--yes", "-o", "json"]).ok().json();
    assert_eq!(change["value"], "its plane was restarted");
    let after = status();
    assert_ne!(after["pid"], before["pid"]);
    assert_eq!((&after["endpoint"], &after["state"]), (&before["endpoint"], &json!("running")));
    assert_eq!(channel(&world).0, "edge");
}
