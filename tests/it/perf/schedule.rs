//! `perf schedule`, and the server that follows it.

use std::time::Duration;

use mesheryctl::model::performance::plan::{self, Plan};
use mesheryctl::model::performance::profile::{Missed, RunOutcome};
use mesheryctl::model::performance::verdict::Outcome;
use mesheryctl::server::providers::ProviderSettings;
use mesheryctl::server::{Caller, Server, Settings, performance, schedules};
use mesheryctl::wire::rest::performance::{ProfileBody, ScheduleBody};

use super::target::Target;
use crate::support::env::Env;

#[test]
fn a_schedule_lives_from_create_to_delete() {
    let env = Env::new();
    env.ctl(["perf", "profile", "create", "shop", "--url", "http://127.0.0.1:9/"]).ok();
    let create = [
        "perf",
        "schedule",
        "create",
        "shop",
        "--cron",
        "0 3 * * *",
        "--time-zone",
        "Europe/Berlin",
        "--name",
        "nightly",
    ];
    let made = env.ctl(create).ok();
    assert!(made.stdout.contains("next run at") && made.stderr.contains("no server is running"), "{made}");
    let list = env.ctl(["perf", "schedule", "list"]).ok();
    assert!(
        list.stdout.contains("nightly") && list.stdout.contains("Europe/Berlin") && list.stdout.contains("shop"),
        "{list}"
    );
    env.ctl(["perf", "schedule", "pause", "nightly"]).ok();
    assert!(env.ctl(["perf", "schedule", "list"]).ok().stdout.contains("paused"));
    let resumed = env.ctl(["perf", "schedule", "resume", "nightly", "-o", "json"]).ok().json();
    assert!(resumed["next_run"].is_string() && resumed["paused"] == false, "{resumed}");
    env.ctl(["perf", "schedule", "delete", "nightly", "--yes"]).ok();
    assert_eq!(env.ctl(["perf", "schedule", "list", "-o", "json"]).ok().stdout, "[]\n");
    for wrong in [["--cron", "every day"], ["--cron", "0 3 * * *"]] {
        let zone = if wrong[1].starts_with('0') { "Mars" } else { "UTC" };
        let refused = env.ctl(["perf", "schedule", "create", "shop", wrong[0], wrong[1], "--time-zone", zone]).run();
        assert_eq!(refused.code, Some(2), "{refused}");
    }
}

async fn server(env: &Env) -> Server {
    let settings = Settings {
        home: env.path("home"),
        token: "t".into(),
        kubeconfig: Some(env.path("none").display().to_string()),
        allow_hosts: Vec::new(),
        in_process: true,
        providers: ProviderSettings::default(),
    };
    Server::open(settings).await.unwrap()
}

/// So many requests.
fn plan(target: &Target, requests: u64) -> Plan {
    let targets = vec![plan::Target { url: target.url(), weight: 1 }];
    Plan { targets, duration: None, requests: Some(requests), ..Plan::default() }
}

/// Waits for the end of what runs.
async fn ended(server: &Server) {
    while server.state().operations.running() > 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn what_is_due_runs_once_and_missed_runs_are_made_up_for_as_the_schedule_says() {
    let (env, target) = (Env::new(), Target::start());
    let server = server(&env).await;
    let state = server.state();
    let plan = plan(&target, 5);
    let body = ProfileBody { name: "shop".into(), plan: Some(plan), ..ProfileBody::default() };
    let profile = performance::profiles::save(state, Caller::Here, body).await.unwrap();
    let mut made = Vec::new();
    for missed in [Missed::Skip, Missed::Once] {
        let body = ScheduleBody {
            name: Some(format!("{missed:?}")),
            profile_id: Some(profile.id),
            cron_expression: Some("0 * * * *".into()),
            missed: Some(missed),
            ..ScheduleBody::default()
        };
        made.push(schedules::save(state, body).await.unwrap());
    }
    let due = made[0].next_run.unwrap();
    let hours = |hours: i64, seconds: i64| due + jiff::SignedDuration::from_secs(hours * 3600 + seconds);
    let results = async || {
        ended(&server).await;
        state.store.results().list(&mesheryctl::store::results::Filter::default()).await.unwrap().1
    };
    assert_eq!(schedules::tick(state, hours(0, -1)).await.unwrap(), Some(due));
    assert_eq!(results().await, 0, "it is not due yet");
    assert_eq!(schedules::tick(state, hours(0, 5)).await.unwrap(), Some(hours(1, 0)));
    assert_eq!(results().await, 2, "both run on time");
    schedules::tick(state, hours(0, 6)).await.unwrap();
    assert_eq!(results().await, 2, "each time is run once");
    assert_eq!(schedules::tick(state, hours(3, 1800)).await.unwrap(), Some(hours(4, 0)));
    assert_eq!(results().await, 3, "only one of them makes up for what was missed, with one run");
    let skipped = schedules::find(state, "Skip").await.unwrap();
    assert_eq!((skipped.last_run, skipped.next_run), (Some(hours(0, 5)), Some(hours(4, 0))));
    let known = state.store.profiles().find("shop").await.unwrap().unwrap();
    assert_eq!(known.total_results, 3);
    assert_eq!(target.seen(), 15);
}

#[tokio::test]
async fn a_scheduled_run_is_held_against_the_thresholds_of_its_profile() {
    let (env, target) = (Env::new(), Target::start());
    let server = server(&env).await;
    let state = server.state();
    let plan = plan(&target, 50);
    for (threshold, outcome, verdict) in [
        ("p50<1ns", RunOutcome::Breached, Outcome::Breached),
        ("p99<10s", RunOutcome::Undecided, Outcome::Undecided),
        ("errors<1%", RunOutcome::Succeeded, Outcome::Held),
    ] {
        let thresholds = Some(vec![threshold.to_owned()]);
        let body =
            ProfileBody { name: threshold.into(), plan: Some(plan.clone()), thresholds, ..ProfileBody::default() };
        let profile = performance::profiles::save(state, Caller::Here, body).await.unwrap();
        let body = ScheduleBody {
            profile_id: Some(profile.id),
            cron_expression: Some("0 * * * *".into()),
            ..ScheduleBody::default()
        };
        let made = schedules::save(state, body).await.unwrap();
        schedules::tick(state, made.next_run.unwrap() + jiff::SignedDuration::from_secs(1)).await.unwrap();
        ended(&server).await;
        let known = schedules::find(state, &made.id.to_string()).await.unwrap();
        let told = schedules::told(state, known).await.unwrap();
        assert_eq!(told.last_outcome, Some(outcome), "{threshold}");
        let (result, _) = state.store.results().get(told.last_result.unwrap()).await.unwrap().unwrap();
        assert_eq!(Outcome::of(&result.verdicts), Some(verdict), "{threshold}");
        schedules::delete(state, &made.id.to_string()).await.unwrap();
    }
}
