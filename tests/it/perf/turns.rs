//! One measurement at a time in one process: what is begun meanwhile waits, says so, and can be stopped.

use std::time::Duration;

use mesheryctl::base::clock::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};

use super::target::Target;
use crate::server::plane::{self, Plane};
use crate::support::env::Env;

/// Begins a measurement; its id.
async fn begin(plane: &Plane, url: &str, name: &str, length: &str) -> String {
    let body = json!({"plan": {"name": name, "targets": [{"url": url}], "duration": length}});
    let reply = plane.ask(Method::POST, "/api/perf/run").json(&body).send().await.unwrap();
    plane::json(reply, 202).await["operation_id"].as_str().unwrap().to_owned()
}

/// The events of a measurement, to its end.
async fn events(plane: &Plane, id: &str) -> String {
    plane.ask(Method::GET, &format!("/api/operations/{id}/events")).send().await.unwrap().text().await.unwrap()
}

fn time(value: &Value) -> Timestamp {
    value.as_str().unwrap().parse().unwrap()
}

/// Wants results not to overlap, in the order of their begin.
fn are_apart(mut results: Vec<Value>) {
    results.sort_by_key(|result| time(&result["started_at"]));
    for pair in results.windows(2) {
        assert!(time(&pair[0]["ended_at"]) <= time(&pair[1]["started_at"]), "{} and {}", pair[0], pair[1]);
    }
}

#[tokio::test]
async fn a_measurement_that_comes_while_another_makes_load_waits_for_its_turn_and_says_so() {
    let (plane, target) = (Plane::start().await, Target::start());
    let mut ids = Vec::new();
    for name in ["first", "second", "third"] {
        ids.push(begin(&plane, &target.url(), name, "400ms").await);
    }
    let mut results = Vec::new();
    for (at, id) in ids.iter().enumerate() {
        let told = events(&plane, id).await;
        assert_eq!(told.contains("\"wait\""), at > 0, "{told}");
        results.push(plane.get(&format!("/api/perf/results/{id}")).await["result"].clone());
    }
    let mut begun: Vec<(Timestamp, &str)> =
        results.iter().map(|result| (time(&result["started_at"]), result["name"].as_str().unwrap())).collect();
    begun.sort();
    assert_eq!(begun.iter().map(|one| one.1).collect::<Vec<_>>(), ["first", "second", "third"]);
    are_apart(results);
}

#[tokio::test]
async fn one_that_waits_can_be_cancelled_and_others_have_their_turn() {
    let (plane, target) = (Plane::start().await, Target::start());
    let long = begin(&plane, &target.url(), "long", "60s").await;
    let waits = begin(&plane, "http://127.0.0.1:1/", "waits", "60s").await;
    let last = begin(&plane, &target.url(), "last", "200ms").await;
    let cancel =
        async |id: &str| plane.ask(Method::POST, &format!("/api/operations/{id}/cancel")).send().await.unwrap();
    cancel(&waits).await;
    assert!(events(&plane, &waits).await.contains("cancelled"));
    let stored = plane.get(&format!("/api/perf/results/{waits}")).await;
    assert_eq!((&stored["state"], &stored["result"]["requests"]["sent"]), (&json!("failed"), &json!(0)));
    assert!(stored["result"]["warnings"].to_string().contains("before its turn came"), "{stored}");
    assert_eq!(plane.get(&format!("/api/operations/{last}")).await["status"], "running");
    cancel(&long).await;
    events(&plane, &last).await;
    assert_eq!(plane.get(&format!("/api/operations/{last}")).await["status"], "succeeded");
}

#[tokio::test]
async fn a_result_can_be_neither_deleted_nor_replaced_before_its_measurement_has_ended() {
    let (plane, target) = (Plane::start().await, Target::start());
    let id = begin(&plane, &target.url(), "long", "60s").await;
    let path = format!("/api/perf/results/{id}");
    let stored = plane.get(&path).await;
    let delete = plane.ask(Method::DELETE, &path).send().await.unwrap();
    assert!(plane::error(delete, 400).await["message"].as_str().unwrap().contains("still being measured"));
    let replace = plane.ask(Method::POST, "/api/perf/results").json(&stored["result"]).send().await.unwrap();
    assert!(plane::error(replace, 400).await["message"].as_str().unwrap().contains("still being measured"));
    plane.ask(Method::POST, &format!("/api/operations/{id}/cancel")).send().await.unwrap();
    events(&plane, &id).await;
    plane::json(plane.ask(Method::DELETE, &path).send().await.unwrap(), 200).await;
    let gone = plane.ask(Method::GET, &path).send().await.unwrap();
    assert_eq!(plane::error(gone, 404).await["code"], "perf-result-not-found");
}

/// A plane as a process of its own; stopped with this.
struct Process(Env);

impl Process {
    fn start() -> Self {
        let env = Env::new();
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        env.write(
            "home/.meshery/config.yaml",
            format!("contexts:\n  local:\n    endpoint: http://localhost:{free}\n    token: default\n    platform: local\ncurrent-context: local\n"),
        );
        let process = Self(env);
        process.0.ctl(["system", "start"]).ok();
        process
    }

    fn json(&self, args: &[&str]) -> Value {
        self.0.ctl([args, &["-o", "json"]].concat()).ok().json()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.ctl(["system", "stop", "--force"]).run();
    }
}

#[test]
fn a_real_server_carries_schedules_out_one_run_at_a_time_and_leaves_out_what_it_cannot_do() {
    let (plane, target) = (Process::start(), Target::start());
    for name in ["even", "odd"] {
        let url = target.url();
        plane.0.ctl(["perf", "profile", "create", name, "--url", &url, "--duration", "1500ms", "--rate", "20"]).ok();
        plane.0.ctl(["perf", "schedule", "create", name, "--cron", "* * * * * *"]).ok();
    }
    let complete = || {
        let list = plane.json(&["perf", "result", "list"]);
        let list = list.as_array().unwrap();
        list.iter().filter(|row| row["state"] == "complete").map(|row| row["id"].as_str().unwrap().to_owned()).collect()
    };
    let mut ids: Vec<String> = Vec::new();
    while ids.len() < 4 {
        std::thread::sleep(Duration::from_millis(200));
        ids = complete();
    }
    for name in ["even", "odd"] {
        plane.0.ctl(["perf", "schedule", "delete", name, "--yes"]).ok();
    }
    let results: Vec<Value> = ids.iter().map(|id| plane.json(&["perf", "result", "view", id])).collect();
    for name in ["even", "odd"] {
        assert!(results.iter().any(|result| result["name"] == name), "{name} never had its turn: {results:?}");
    }
    assert!(results.iter().all(|result| result["requests"]["succeeded"].as_u64() >= Some(20)), "{results:?}");
    are_apart(results);
    // Each run takes longer than the second after which the next is due.
    let log = plane.0.path("home/.meshery/data/meshery.db");
    let store = tokio::runtime::Runtime::new().unwrap();
    let told = store.block_on(async {
        let store = mesheryctl::store::Store::open(&log).await.unwrap();
        store.events().after(0, None, 10_000).await.unwrap()
    });
    let left_out = told.iter().filter(|event| event.summary.contains("was left out")).count();
    let begun = told.iter().filter(|event| event.summary == "measure").count();
    assert!(left_out >= 1 && left_out <= begun + 2, "told once a run: {left_out} of {begun}");
}
