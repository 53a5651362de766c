//! What authorises stays out of everything that is shown and kept of a measurement.

use super::target::Target;
use crate::support::ctl::Output;
use crate::support::env::Env;

const USER: &str = "jocelyn";
const SECRET: &str = "hunter2";

/// The target's URL with a user and a password.
fn url(target: &Target) -> String {
    target.url().replace("http://", &format!("http://{USER}:{SECRET}@"))
}

fn is_clean(output: &Output) {
    for secret in [USER, SECRET] {
        assert!(!output.stdout.contains(secret) && !output.stderr.contains(secret), "{output}");
    }
}

#[test]
fn a_password_in_an_address_is_sent_and_neither_shown_nor_kept() {
    let (env, target) = (Env::new(), Target::start());
    let (url, host) = (url(&target), target.url());
    let named = host.trim_start_matches("http://").to_owned();
    let run = env.ctl(["perf", "run", "--url", &url, "--requests", "3", "--export", "all.json"]).ok();
    is_clean(&run);
    assert!(run.stderr.contains(&format!("targets      {host}  (--url)")), "{run}");
    assert!(target.last().to_lowercase().contains("authorization: basic"), "it is sent: {}", target.last());
    let listed = env.ctl(["perf", "result", "list", "-o", "json"]).ok();
    assert_eq!(listed.json()[0]["name"], named, "{listed}");
    let id = listed.json()[0]["id"].as_str().unwrap().to_owned();
    for args in [
        &["perf", "result", "list", "-o", "wide"][..],
        &["perf", "result", "view", &id],
        &["perf", "result", "view", &id, "-o", "json"],
        &["perf", "result", "export", &id, "smp=-"],
        &["perf", "result", "export", &id, "fortio=-"],
        &["operation", "list", "-o", "json"],
        &["operation", "view", &id, "-o", "json"],
        &["perf", "run", "--url", &url, "--dry-run"],
        &["perf", "run", "--url", &url, "--dry-run", "-o", "json"],
    ] {
        is_clean(&env.ctl(args.iter().copied()).ok());
    }
    let tuned = ["perf", "tune", "--url", &url, "--slo", "p50<10s", "--start", "400", "--most", "400"];
    is_clean(&env.ctl(tuned.into_iter().chain(["--step-duration", "500ms", "--repeat-most", "2"])).run());
    for file in env.files() {
        let content = std::fs::read(env.path(&file)).unwrap();
        assert!(!content.windows(SECRET.len()).any(|part| part == SECRET.as_bytes()), "{file}");
    }
}

#[test]
fn a_profile_keeps_what_a_run_needs_and_shows_none_of_it() {
    let (env, target) = (Env::new(), Target::start());
    let url = url(&target);
    let create = ["perf", "profile", "create", "shop", "--url", &url, "--requests", "2", "--cookie", "session=hunter2"];
    is_clean(&env.ctl(create.into_iter().chain(["-o", "json"])).ok());
    for args in [
        &["perf", "profile", "view", "shop"][..],
        &["perf", "profile", "view", "shop", "-o", "json"],
        &["perf", "profile", "list", "-o", "wide"],
        &["perf", "profile", "list", "-o", "json"],
        &["perf", "profile", "edit", "shop", "--connections", "2", "-o", "json"],
        &["perf", "run", "shop", "-o", "json"],
    ] {
        is_clean(&env.ctl(args.iter().copied()).ok());
    }
    let sent = target.last().to_lowercase();
    assert!(sent.contains("authorization: basic") && sent.contains("session=hunter2"), "{sent}");
    is_clean(&env.ctl(["perf", "profile", "delete", "shop", "--yes", "-o", "json"]).ok());
}

#[test]
fn a_refusal_does_not_repeat_the_password() {
    let env = Env::new();
    for url in [
        "http://jocelyn:hunter2@",
        "jocelyn:hunter2@localhost:80",
        "ftp://jocelyn:hunter2@h/",
        "http://jocelyn:hunter2@h:0/",
    ] {
        let refused = env.ctl(["perf", "run", "--url", url, "--requests", "1"]).run();
        assert_eq!(refused.code, Some(2), "{refused}");
        is_clean(&refused);
    }
}
