//! Plans that an external generator cannot carry out: refused at every door, before anything is sent or kept.

use mesheryctl::base::dirs;
use mesheryctl::model::performance::plan::Generator;
use mesheryctl::store::Store;
use reqwest::Method;
use serde_json::{Value, json};

use super::external::constant;
use super::target::Target;
use crate::server::plane::{self, Plane};
use crate::support::ctl::Output;
use crate::support::env::Env;

/// Wants a command to be refused in the words of the generator.
fn is_refused(refused: &Output, words: &str) {
    assert_eq!(refused.code, Some(2), "{refused}");
    assert!(refused.stderr.contains("generator-option") && refused.stderr.contains(words), "{words}: {refused}");
    assert!(refused.stdout.is_empty(), "{refused}");
}

fn keeps_nothing(env: &Env, noun: &str) {
    assert_eq!(env.ctl(["perf", noun, "list", "-o", "json"]).ok().stdout, "[]\n", "{noun}");
}

/// A test file with a client that can be measured, before one that its generator cannot.
fn two_clients(target: &Target) -> String {
    json!({
        "name": "two", "duration": "1s",
        "clients": [
            {"endpoint_urls": [target.url()], "connections": 1, "rps": 20},
            {"endpoint_urls": [target.url()], "connections": 1, "rps": 20, "load_generator": "wrk"},
        ]
    })
    .to_string()
}

#[test]
fn a_dry_run_and_a_profile_are_refused_as_the_run_would_be() {
    let (env, target) = (Env::new(), Target::start());
    let url = target.url();
    for (flags, words) in [
        (&["--load-generator", "wrk", "--rate", "5"][..], "wrk has no rate"),
        (&["--load-generator", "wrk2", "--rate", "5", "--duration", "2500ms"], "wrk2 takes whole seconds"),
        (&["--load-generator", "wrk2", "--rate", "5", "--warm-up", "1500ms"], "it is the warm-up that asks for this"),
        (&["--load-generator", "fortio", "--options", "-json /etc/passwd"], "fortio is not given the option `json`"),
        (&["--load-generator", "fortio", "--options", "-r fine"], "fortio has no resolution `fine`"),
        (&["--load-generator", "nighthawk"], "nighthawk needs a rate"),
    ] {
        let verb = |verb: &[&'static str]| env.ctl(verb.iter().chain(&["--url", &url]).chain(flags).copied());
        is_refused(&verb(&["perf", "run", "--dry-run"]).run(), words);
        is_refused(&verb(&["perf", "run", "shop", "--save-profile", "shop", "--yes"]).run(), words);
        is_refused(&verb(&["perf", "profile", "create", "shop"]).run(), words);
    }
    keeps_nothing(&env, "profile");
    keeps_nothing(&env, "result");
    assert_eq!(target.seen(), 0);
}

#[test]
fn a_test_file_is_refused_as_a_whole_for_one_of_its_clients() {
    let (env, target) = (Env::new(), Target::start());
    env.write("work/two.json", two_clients(&target));
    for more in [&[][..], &["--dry-run"]] {
        is_refused(&env.ctl(["perf", "run", "-f", "two.json"].iter().chain(more).copied()).run(), "wrk has no rate");
    }
    assert_eq!(target.seen(), 0, "the first client was not measured");
    keeps_nothing(&env, "result");
}

/// A profile as an earlier version kept it, which did not ask whether its generator has a rate.
async fn known_to_an_earlier_version(env: &Env) {
    let store = Store::open(&dirs::database(&env.path("home/.meshery"))).await.unwrap();
    let mut profile = store.profiles().find("old").await.unwrap().unwrap();
    (profile.plan.generator, profile.plan.load) = (Generator::Wrk, constant(5.0));
    store.profiles().save(&profile).await.unwrap();
}

#[tokio::test]
async fn a_schedule_wants_a_profile_that_can_be_run_and_one_of_before_can_be_mended() {
    let env = Env::new();
    let create = |name: &'static str| ["perf", "schedule", "create", "old", "--cron", "0 3 * * *", "--name", name];
    env.ctl(["perf", "profile", "create", "old", "--url", "http://127.0.0.1:9/"]).ok();
    env.ctl(create("kept")).ok();
    known_to_an_earlier_version(&env).await;
    is_refused(&env.ctl(create("nightly")).run(), "wrk has no rate");
    let names = || env.ctl(["perf", "schedule", "list", "-o", "json"]).ok().json();
    assert_eq!(names().as_array().unwrap().len(), 1, "only the one of before");
    env.ctl(["perf", "schedule", "pause", "kept"]).ok();
    is_refused(&env.ctl(["perf", "profile", "edit", "old", "--duration", "5s"]).run(), "wrk has no rate");
    env.ctl(["perf", "run", "old", "--rate", "max", "--dry-run"]).ok();
    env.ctl(["perf", "profile", "edit", "old", "--rate", "max"]).ok();
    env.ctl(create("nightly")).ok();
}

#[test]
fn a_search_is_held_against_its_first_rate() {
    let (env, target) = (Env::new(), Target::start());
    let tune = |more: &[&'static str]| {
        let base = ["perf", "tune", "--url", &target.url(), "--slo", "p99<1s", "--load-generator"];
        env.ctl(base.iter().chain(more).copied()).var("PATH", "/nowhere").run()
    };
    is_refused(&tune(&["wrk"]), "wrk has no rate");
    is_refused(&tune(&["wrk2", "--start", "0.5"]), "wrk2 takes whole requests a second");
    is_refused(&tune(&["wrk2", "--step-duration", "1500ms"]), "wrk2 takes whole seconds");
    let possible = tune(&["wrk2"]);
    assert!(possible.code == Some(5) && possible.stderr.contains("generator-missing"), "{possible}");
    assert_eq!(target.seen(), 0);
}

#[tokio::test]
async fn rest_refuses_runs_files_and_profiles() {
    let (plane, target) = (Plane::start().await, Target::start());
    let load = json!({"model": "open", "pacing": {"law": "constant", "rate": 5.0}, "overload": {"policy": "queue"}});
    let plan = json!({"name": "p", "targets": [{"url": target.url()}], "generator": "wrk", "load": load});
    let older = json!({"name": "p", "load_generators": ["wrk"], "endpoints": [target.url()], "qps": 5});
    for (path, body) in [
        ("/api/perf/run", json!({"plan": plan}).to_string()),
        ("/api/user/performance/profiles", json!({"name": "p", "plan": plan}).to_string()),
        ("/api/user/performance/profiles", older.to_string()),
        ("/api/perf/load-test-smps", two_clients(&target)),
    ] {
        let asked = plane.ask(Method::POST, path).header("content-type", "application/json").body(body);
        let error = plane::error(asked.send().await.unwrap(), 400).await;
        assert_eq!(error["code"], "generator-option", "{path}: {error}");
        assert!(error["message"].as_str().unwrap().starts_with("wrk has no rate"), "{path}: {error}");
    }
    let profiles: Value = plane.get("/api/user/performance/profiles").await;
    assert_eq!(profiles["profiles"], json!([]));
    let (_, results) =
        plane.server.state().store.results().list(&mesheryctl::store::results::Filter::default()).await.unwrap();
    assert_eq!((results, target.seen()), (0, 0));
}
