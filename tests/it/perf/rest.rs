//! The REST API about performance, as clients of every era speak it.

use reqwest::Method;
use serde_json::{Value, json};

use super::target::Target;
use crate::server::plane::{self, Plane};

fn old_profile(url: &str) -> Value {
    json!({
        "name": "old", "load_generators": ["native"], "endpoints": [url], "service_mesh": "istio",
        "concurrent_request": 2, "qps": 0, "duration": "300ms", "request_headers": "{\"x-era\": \"2021\"}"
    })
}

/// Data of each frame of a stream.
pub async fn frames(plane: &Plane, method: Method, path: &str, body: &str) -> Vec<Value> {
    let reply =
        plane.ask(method, path).header("content-type", "application/yaml").body(body.to_owned()).send().await.unwrap();
    assert_eq!(reply.status(), 200, "{path}");
    assert!(reply.headers()["content-type"].to_str().unwrap().starts_with("text/event-stream"));
    let text = reply.text().await.unwrap();
    text.lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .map(|data| serde_json::from_str(data).unwrap())
        .collect()
}

#[tokio::test]
async fn profiles_are_kept_in_the_words_of_both_eras() {
    let plane = Plane::start().await;
    let made = plane.post("/api/user/performance/profiles", &old_profile("http://127.0.0.1:9/")).await;
    assert_eq!((&made["concurrent_request"], &made["concurrentRequest"]), (&json!(2), &json!(2)));
    assert_eq!((&made["load_generators"], &made["serviceMesh"]), (&json!(["native"]), &json!("ISTIO")));
    let id = made["id"].as_str().unwrap();
    let changed = json!({"id": id, "concurrentRequest": 8, "loadGenerators": ["native"]});
    let changed = plane.post("/api/user/performance/profiles", &changed).await;
    assert_eq!((&changed["concurrent_request"], &changed["endpoints"]), (&json!(8), &made["endpoints"]));
    assert_eq!(changed["plan"]["request"]["headers"][0]["name"], "x-era");
    for spelling in ["page_size", "pageSize", "pagesize"] {
        let page = plane.get(&format!("/api/user/performance/profiles?{spelling}=1&search=OL&order=name%20asc")).await;
        assert_eq!((&page["total_count"], &page["profiles"][0]["id"]), (&json!(1), &json!(id)), "{spelling}");
    }
    assert_eq!(plane.get("/api/user/performance/profiles?search=other").await["profiles"], json!([]));
    let gone = plane.ask(Method::DELETE, &format!("/api/user/performance/profiles/{id}")).send().await.unwrap();
    assert_eq!(plane::json(gone, 200).await["id"], json!(id));
    let missing = plane.ask(Method::GET, &format!("/api/user/performance/profiles/{id}")).send().await.unwrap();
    assert_eq!(plane::error(missing, 404).await["code"], "perf-profile-not-found");
}

#[tokio::test]
async fn the_stream_of_earlier_eras_tells_its_statuses_in_order_and_ends_with_the_result() {
    let (plane, target) = (Plane::start().await, Target::start());
    let made = plane.post("/api/user/performance/profiles", &old_profile(&target.url())).await;
    let id = made["id"].as_str().unwrap();
    let told = frames(&plane, Method::GET, &format!("/api/user/performance/profiles/{id}/run?name=first"), "").await;
    let messages: Vec<&str> = told.iter().map(|frame| frame["message"].as_str().unwrap()).collect();
    assert!(
        messages[0].starts_with("Initiating") && messages.iter().any(|text| text.contains("fetching metadata")),
        "{messages:?}"
    );
    let last = told.last().unwrap();
    assert_eq!((last["status"].as_str(), last["result"]["name"].as_str()), (Some("success"), Some("first")));
    let runner = &last["result"]["runner_results"];
    assert_eq!((&runner["RequestedQPS"], &runner["load-generator"]), (&json!("max"), &json!("native")));
    let p50 = runner["DurationHistogram"]["Percentiles"][0]["Value"].as_f64().unwrap();
    assert!(p50 > 0.0 && p50 < 1.0, "seconds: {p50}");
    assert!(target.last().to_lowercase().contains("x-era: 2021"), "{}", target.last());
    let results = plane.get(&format!("/api/user/performance/profiles/{id}/results?page=0&pageSize=10")).await;
    assert_eq!(results["results"][0]["meshery_id"], last["result"]["meshery_id"]);
    for path in ["/api/perf/results", "/api/user/performance/profiles/results"] {
        assert_eq!(plane.get(path).await["total_count"], 1, "{path}");
    }
    let result = last["result"]["meshery_id"].as_str().unwrap();
    for path in [format!("/api/perf/result?id={result}"), format!("/api/perf/profile/result/{result}")] {
        let reply = plane.ask(Method::GET, &path).send().await.unwrap();
        assert!(reply.headers()["content-disposition"].to_str().unwrap().contains(&format!("result_{result}.yaml")));
        assert!(reply.text().await.unwrap().contains("latencies_ms"), "{path}");
    }
}

#[tokio::test]
async fn a_stream_and_an_operation_say_that_a_threshold_is_breached() {
    let (plane, target) = (Plane::start().await, Target::start());
    let mut profile = old_profile(&target.url());
    profile["thresholds"] = json!(["p50<1ns"]);
    let made = plane.post("/api/user/performance/profiles", &profile).await;
    let path = format!("/api/user/performance/profiles/{}/run?name=first", made["id"].as_str().unwrap());
    let last = frames(&plane, Method::GET, &path, "").await.pop().unwrap();
    assert_eq!(last["status"], "error", "{last}");
    assert!(last["message"].as_str().unwrap().starts_with("p50<1ns breached"), "{last}");
    assert_eq!(last["result"]["summary"]["thresholds"], "breached", "the result is whole: {last}");
    let operation = plane.get(&format!("/api/operations/{}", last["operation_id"].as_str().unwrap())).await;
    assert_eq!((&operation["status"], &operation["error"]["code"]), (&json!("failed"), &json!("threshold-breached")));
    for (undecided, status) in [("fail", "failed"), ("pass", "succeeded")] {
        let body = json!({
            "plan": {"name": "few", "targets": [{"url": target.url()}], "requests": 20, "duration": null},
            "thresholds": ["p99<10s"], "undecided": undecided
        });
        let begun = plane::json(plane.ask(Method::POST, "/api/perf/run").json(&body).send().await.unwrap(), 202).await;
        let id = begun["operation_id"].as_str().unwrap();
        plane.ask(Method::GET, &format!("/api/operations/{id}/events")).send().await.unwrap().text().await.unwrap();
        let operation = plane.get(&format!("/api/operations/{id}")).await;
        assert_eq!(operation["status"], status, "{operation}");
        let told = operation["warnings"].to_string().contains("p99<10s undecided");
        assert_eq!(told, undecided == "pass", "{operation}");
        let stored = plane.get(&format!("/api/perf/results/{id}")).await;
        assert_eq!(stored["result"]["verdicts"][0]["outcome"], "undecided", "{stored}");
    }
}

#[tokio::test]
async fn runs_begin_by_query_by_file_and_by_plan() {
    let (plane, target) = (Plane::start().await, Target::start());
    let query = format!("/api/perf/load-test?name=q&url={}&t=1&dur=s&c=1&qps=50&loadGenerator=native", target.url());
    let told = frames(&plane, Method::GET, &query, "").await;
    assert_eq!(told.last().unwrap()["status"], "success");
    assert!(
        told.iter().any(|frame| frame["progress"]["so_far"]["sent"].as_u64() > Some(0)),
        "progress is told: {told:?}"
    );
    let file = format!(
        "name: f\nclients:\n- endpoint_urls: ['{}']\n  load_generator: native\n  protocol: 1\n  connections: 1\nduration: 300ms\n",
        target.url()
    );
    for path in ["/api/perf/load-test-smps", "/api/perf/profile"] {
        let told = frames(&plane, Method::POST, path, &file).await;
        assert_eq!(told.last().unwrap()["result"]["name"], "f", "{path}");
    }
    let plan = json!({"plan": {"name": "own", "targets": [{"url": target.url()}], "requests": 5, "duration": null}});
    let reply = plane.ask(Method::POST, "/api/perf/run").json(&plan).send().await.unwrap();
    let begun = plane::json(reply, 202).await;
    let id = begun["operation_id"].as_str().unwrap();
    let events =
        plane.ask(Method::GET, &format!("/api/operations/{id}/events")).send().await.unwrap().text().await.unwrap();
    assert!(events.contains("\"ended\"") && events.contains("perf-run"), "{events}");
    let stored = plane.get(&format!("/api/perf/results/{}", begun["result_id"].as_str().unwrap())).await;
    assert_eq!((&stored["state"], &stored["result"]["requests"]["sent"]), (&json!("complete"), &json!(5)));
}

#[tokio::test]
async fn a_run_is_cancelled_when_asked_and_not_when_its_reader_goes_away() {
    let (plane, target) = (Plane::start().await, Target::start());
    let query =
        format!("/api/perf/load-test?name=long&url={}&t=60&dur=s&c=1&qps=20&loadGenerator=native", target.url());
    let mut reply = plane.ask(Method::GET, &query).send().await.unwrap();
    let first = String::from_utf8(reply.chunk().await.unwrap().unwrap().to_vec()).unwrap();
    let frame: Value =
        serde_json::from_str(first.lines().find_map(|line| line.strip_prefix("data: ")).unwrap()).unwrap();
    drop(reply);
    let id = frame["operation_id"].as_str().unwrap().to_owned();
    let operation = async || plane.get(&format!("/api/operations/{id}")).await;
    assert_eq!(operation().await["status"], "running", "nobody asked for its end");
    plane.ask(Method::POST, &format!("/api/operations/{id}/cancel")).send().await.unwrap();
    while operation().await["status"] == "running" {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(operation().await["status"], "cancelled");
    let stored = plane.get(&format!("/api/perf/results/{id}")).await;
    assert_eq!((&stored["state"], &stored["result"]["ended_by"]), (&json!("complete"), &json!("stopped")));
}

#[tokio::test]
async fn what_cannot_be_measured_is_refused_with_a_true_status() {
    let plane = Plane::start().await;
    for (path, status, code) in [
        ("/api/perf/load-test?url=http://127.0.0.1:9/", 400, "request-invalid"),
        ("/api/perf/load-test?name=x&url=no-scheme", 400, "perf-plan"),
        ("/api/perf/load-test?name=x&url=http://a/&loadGenerator=ab", 400, "request-invalid"),
        ("/api/user/performance/profiles/none/run?name=x", 404, "perf-profile-not-found"),
        ("/api/perf/results/none", 404, "perf-result-not-found"),
        ("/api/perf/results?from=yesterday", 400, "request-invalid"),
        ("/api/user/schedules/none", 404, "perf-schedule-not-found"),
    ] {
        let reply = plane.ask(Method::GET, path).send().await.unwrap();
        assert_eq!(plane::error(reply, status).await["code"], code, "{path}");
    }
}

#[tokio::test]
async fn schedules_of_2021_are_bound_by_their_profile() {
    let plane = Plane::start().await;
    let schedule = plane.post("/api/user/schedules", &json!({"cron_expression": "0 15 5 ? * WED,SUN *"})).await;
    assert_eq!(schedule["cronExpression"], schedule["cron_expression"]);
    assert!(schedule["next_run"].is_string(), "{schedule}");
    let mut body = old_profile("http://127.0.0.1:9/");
    body["schedule"] = schedule["id"].clone();
    let profile = plane.post("/api/user/performance/profiles", &body).await;
    assert_eq!(profile["schedule"], schedule["id"]);
    let path = format!("/api/user/schedules/{}", schedule["id"].as_str().unwrap());
    assert_eq!(plane.get(&path).await["profile_id"], profile["id"]);
    assert_eq!(plane.get("/api/user/schedules?pagesize=all").await["total_count"], 1);
    plane.ask(Method::DELETE, &path).send().await.unwrap();
    assert_eq!(plane.get("/api/user/schedules").await["schedules"], json!([]));
}

#[tokio::test]
async fn defaults_meshes_and_test_files_are_kept() {
    let plane = Plane::start().await;
    assert_eq!(plane.get("/api/perf/load-test-prefs").await, json!({"c": 1, "qps": 0, "t": "30s", "gen": "native"}));
    let form = plane
        .ask(Method::POST, "/api/perf/load-test-prefs")
        .header("content-type", "application/x-www-form-urlencoded");
    let changed = plane::json(form.body("qps=20&t=1m&c=4&gen=fortio").send().await.unwrap(), 200).await;
    assert_eq!(changed, json!({"c": 4, "qps": 20, "t": "1m", "gen": "fortio"}));
    assert_eq!(plane.get("/api/mesh").await["mesh_types"][3], "ISTIO");
    let file = json!({"name": "t", "clients": [{"endpoint_urls": ["http://a/"], "protocol": 1, "connections": 1, "load_generator": "native"}], "duration": "5s"});
    let kept = plane.ask(Method::POST, "/api/user/prefs/perf").json(&file).send().await.unwrap().text().await.unwrap();
    let listed = plane.get("/api/user/prefs/perf").await;
    assert_eq!((&listed["total_count"], &listed["test_configs"][0]["id"]), (&json!(1), &json!(kept)));
    plane.ask(Method::DELETE, &format!("/api/user/prefs/perf?uuid={kept}")).send().await.unwrap();
    assert_eq!(plane.get("/api/user/prefs/perf").await["test_configs"], json!([]));
}

/// A Prometheus of which only the API for ranges is there.
async fn prometheus(answer: &'static str) -> String {
    let app = axum::Router::new().route("/api/v1/query_range", axum::routing::get(move || async move { answer }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    format!("http://{address}")
}

#[tokio::test]
async fn metrics_of_the_window_are_kept_and_their_failure_is_a_warning() {
    let (plane, target) = (Plane::start().await, Target::start());
    let good = prometheus(
        r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[1,"2"]]}]}}"#,
    )
    .await;
    let bad = prometheus(r#"{"status":"error","error":"parse error"}"#).await;
    for (address, warns) in [(good, false), (bad, true)] {
        plane.post("/api/user/prefs", &json!({"prometheusUrl": address})).await;
        let body = json!({
            "plan": {"name": "m", "targets": [{"url": target.url()}], "requests": 5, "duration": null},
            "metrics": {"mine": "up"}
        });
        let begun = plane::json(plane.ask(Method::POST, "/api/perf/run").json(&body).send().await.unwrap(), 202).await;
        let id = begun["operation_id"].as_str().unwrap();
        plane.ask(Method::GET, &format!("/api/operations/{id}/events")).send().await.unwrap().text().await.unwrap();
        let result = plane.get(&format!("/api/perf/results/{id}")).await["result"].clone();
        let warned = result["warnings"].to_string().contains("parse error");
        assert_eq!(warned, warns, "{result}");
        assert_eq!(result["server_metrics"]["mine"]["query"] == "up", !warns, "{result}");
    }
}

#[tokio::test]
#[ignore = "needs the kit: tests/kit/up.sh metrics"]
async fn a_real_prometheus_is_asked_about_the_window() {
    let kit = crate::support::cluster::Kit::up();
    let (plane, target) = (Plane::start().await, Target::start());
    let body = json!({
        "plan": {"name": "m", "targets": [{"url": target.url()}], "duration": "6s",
                 "load": {"model": "open", "pacing": {"law": "constant", "rate": 20.0}, "overload": {"policy": "queue"}}},
        "prometheus": kit.get("PROMETHEUS")
    });
    let begun = plane::json(plane.ask(Method::POST, "/api/perf/run").json(&body).send().await.unwrap(), 202).await;
    let id = begun["operation_id"].as_str().unwrap();
    plane.ask(Method::GET, &format!("/api/operations/{id}/events")).send().await.unwrap().text().await.unwrap();
    let result = plane.get(&format!("/api/perf/results/{id}")).await["result"].clone();
    let metrics = &result["server_metrics"];
    assert!(!result["warnings"].to_string().contains("did not answer"), "{}", result["warnings"]);
    for name in ["targets-up", "cpu", "memory", "open-files"] {
        let series = &metrics[name]["data"]["result"][0];
        assert_eq!(series["metric"]["job"], "prometheus", "{name}: {metrics}");
        assert!(!series["values"].as_array().unwrap().is_empty(), "{name}: {metrics}");
    }
    assert!(metrics.get("istio-requests").is_none(), "what is not there is left out: {metrics}");
}
