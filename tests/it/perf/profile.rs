//! `perf profile`.

use crate::support::env::Env;

const URL: &str = "http://127.0.0.1:9/";

#[test]
fn a_profile_lives_from_create_to_delete() {
    let env = Env::new();
    let made =
        env.ctl(["perf", "profile", "create", "shop", "--url", URL, "--rate", "500", "--threshold", "p99<20ms"]).ok();
    assert_eq!(made.stdout, "profile shop created\n", "{made}");
    let again = env.ctl(["perf", "profile", "create", "shop", "--url", URL]).run();
    assert_eq!(again.code, Some(1), "a name is given once: {again}");
    let list = env.ctl(["perf", "profile", "list"]).ok();
    assert!(list.stdout.contains("shop") && list.stdout.contains("never"), "{list}");
    env.ctl(["perf", "profile", "edit", "shop", "--duration", "90s", "--rename", "cart"]).ok();
    for same in [&[][..], &["--duration", "90s"]] {
        let edit = ["perf", "profile", "edit", "cart"];
        let shown = env.ctl(edit.iter().chain(same).copied()).ok();
        assert_eq!(shown.stdout, "profile cart is as it was: no flag gives it another value\n", "{shown}");
    }
    let view = env.ctl(["perf", "profile", "view", "cart", "-o", "json"]).ok().json();
    assert_eq!((view["plan"]["duration"].as_str(), &view["thresholds"][0]), (Some("1m30s"), &"p99<20ms".into()));
    assert_eq!(view["plan"]["load"]["pacing"]["rate"], 500.0, "what no flag names stays");
    let text = env.ctl(["perf", "profile", "view", &view["id"].as_str().unwrap()[..13]]).ok();
    assert!(text.stdout.contains("rate         500/s"), "found by the beginning of its id: {text}");
    let asked = env.ctl(["perf", "profile", "delete", "cart"]).run();
    assert_eq!(asked.code, Some(2), "{asked}");
    env.ctl(["perf", "profile", "delete", "cart", "--yes"]).ok();
    let empty = env.ctl(["perf", "profile", "list", "-o", "json"]).ok();
    assert_eq!(empty.stdout, "[]\n");
}

#[test]
fn older_spellings_list_and_show() {
    let env = Env::new();
    env.ctl(["perf", "profile", "create", "shop", "--url", URL]).ok();
    for args in [
        &["perf", "list"][..],
        &["perf", "profile", "sho"],
        &["perf", "view", "shop"],
        &["perf", "profile", "shop", "--view"],
    ] {
        let shown = env.ctl(args.iter().copied()).ok();
        assert!(shown.stdout.contains("shop"), "{args:?}: {shown}");
    }
    let missing = env.ctl(["perf", "view", "sho"]).run();
    assert_eq!(missing.code, Some(5), "{missing}");
}

#[test]
fn older_pages_are_the_same_pages() {
    let env = Env::new();
    for number in 1..=26 {
        env.ctl(["perf", "profile", "create", &format!("p{number:02}"), "--url", URL]).ok();
    }
    for page in [&["-p", "2"][..], &["--page", "2"], &["p", "-p", "2"]] {
        let second = env.ctl(["perf", "profile"].iter().chain(page).copied().chain(["-o", "name"])).ok();
        assert_eq!(second.stdout, "p26\n", "{page:?}: {second}");
    }
    assert_eq!(env.ctl(["perf", "profile", "-p", "1", "-o", "name"]).ok().stdout.lines().count(), 25);
    assert_eq!(env.ctl(["perf", "profile", "list", "-o", "name"]).ok().stdout.lines().count(), 26);
    assert_eq!(env.ctl(["perf", "profile", "-p", "0"]).run().code, Some(2), "pages begin at 1");
}
