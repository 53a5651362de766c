//! What clients of other eras ask about performance that the first one did not.

use reqwest::Method;
use serde_json::{Value, json};

use super::rest::frames;
use super::servers::{self, Authority};
use super::target::Target;
use crate::server::plane::{self, Plane};

const PROFILES: &str = "/api/user/performance/profiles";

fn client(url: &str) -> Value {
    json!({"endpoint_urls": [url], "load_generator": "native", "protocol": 1, "connections": 1})
}

fn test(name: &str, clients: &[Value]) -> String {
    json!({"name": name, "clients": clients, "duration": "200ms"}).to_string()
}

#[tokio::test]
async fn paths_of_later_eras_tell_what_the_first_ones_do() {
    let (plane, target) = (Plane::start().await, Target::start());
    let body = json!({"name": "shop", "endpoints": [target.url()], "duration": "200ms", "loadGenerators": ["native"]});
    let made = plane.post("/api/performance/profiles", &body).await;
    let id = made["id"].as_str().unwrap();
    assert_eq!(
        plane.get(&format!("/api/performance/profiles/{id}")).await,
        plane.get(&format!("{PROFILES}/{id}")).await
    );
    assert_eq!(plane.get("/api/performance/profiles").await["totalCount"], 1);
    frames(&plane, Method::GET, &format!("{PROFILES}/{id}/run?name=first"), "").await;
    let lists = [
        "/api/perf/profile/result",
        "/api/performance/results",
        "/api/perf/results",
        &format!("/api/performance/profiles/{id}/results"),
    ];
    for path in lists {
        let page = plane.get(&format!("{path}?page=0&pagesize=5")).await;
        assert_eq!((&page["total_count"], &page["totalCount"]), (&json!(1), &json!(1)), "{path}");
        let result = &page["results"][0];
        assert_eq!((&result["name"], &result["performanceProfile"]), (&json!("first"), &json!(id)), "{path}");
        assert!(result["runnerResults"]["DurationHistogram"]["Count"].as_u64() > Some(0), "{path}: {result}");
    }
}

#[tokio::test]
async fn test_files_are_measured_by_get_too_and_a_query_where_there_is_none() {
    let (plane, target) = (Plane::start().await, Target::start());
    for path in ["/api/perf/load-test-smps", "/api/perf/profile"] {
        let told = frames(&plane, Method::GET, path, &test("file", &[client(&target.url())])).await;
        assert_eq!(told.last().unwrap()["result"]["name"], "file", "{path}");
        let query = format!("{path}?name=query&url={}&t=1&dur=s&qps=20&loadGenerator=native", target.url());
        let told = frames(&plane, Method::GET, &query, "").await;
        assert_eq!(told.last().unwrap()["result"]["name"], "query", "{path}");
        let nothing = plane.ask(Method::GET, path).send().await.unwrap();
        assert!(plane::error(nothing, 400).await["message"].as_str().unwrap().contains("`name`"));
    }
}

#[tokio::test]
async fn several_clients_of_a_file_are_measured_one_after_another_in_one_stream() {
    let (plane, target) = (Plane::start().await, Target::start());
    let clients = [client(&target.url()), client("http://127.0.0.1:1/"), client(&target.url())];
    let told = frames(&plane, Method::POST, "/api/perf/load-test-smps", &test("three", &clients)).await;
    let ends: Vec<&str> =
        told.iter().map(|frame| frame["status"].as_str().unwrap()).filter(|status| *status != "info").collect();
    assert_eq!(ends, ["error"], "one end, the last: {told:?}");
    let last = told.last().unwrap();
    assert_eq!(last["message"], "1 of 3 measurements failed");
    assert_eq!(last["result"]["name"], "three client 3");
    assert!(told.iter().any(|frame| frame["message"].as_str().unwrap().contains("unable to perform")), "{told:?}");
    let page = plane.get("/api/perf/results?order=test_start_time%20asc").await;
    let results = page["results"].as_array().unwrap();
    let names: Vec<&str> = results.iter().map(|result| result["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["three client 1", "three client 2", "three client 3"]);
    let good = test("two", &[client(&target.url()), client(&target.url())]);
    let told = frames(&plane, Method::POST, "/api/perf/load-test-smps", &good).await;
    assert_eq!(told.last().unwrap()["status"], "success");
    let many = test("many", &vec![client(&target.url()); 65]);
    let refused = plane.ask(Method::POST, "/api/perf/load-test-smps").body(many).send().await.unwrap();
    assert!(plane::error(refused, 400).await["message"].as_str().unwrap().contains("65 clients"));
    let bad = test("bad", &[client(&target.url()), client("ftp://a/")]);
    let before = plane.get("/api/perf/results").await["total_count"].clone();
    let refused = plane.ask(Method::POST, "/api/perf/load-test-smps").body(bad).send().await.unwrap();
    assert!(refused.status().is_client_error());
    assert_eq!(plane.get("/api/perf/results").await["total_count"], before, "none was begun");
}

#[tokio::test]
async fn certificates_in_a_profiles_metadata_are_trusted_and_kept_as_they_came() {
    let plane = Plane::start().await;
    let authority = Authority::new();
    let url = format!("https://{}/", servers::https(&authority.issue("127.0.0.1", |_| ()), None));
    let metadata = json!({"ca_certificate": {"name": "../../ca.pem", "file": authority.pem()}, "own": 1});
    let body = json!({"name": "tls", "endpoints": [url], "duration": "300ms", "metadata": metadata});
    let made = plane.post(PROFILES, &body).await;
    assert_eq!(made["metadata"], metadata);
    let file = made["plan"]["tls"]["ca"].as_str().unwrap();
    assert!(std::path::Path::new(file).starts_with(plane.home().join("data").join("certificates")), "{file}");
    let run = |query: &str| format!("{PROFILES}/{}/run?name=x{query}", made["id"].as_str().unwrap());
    for query in ["", "&cert=true"] {
        let told = frames(&plane, Method::GET, &run(query), "").await;
        assert_eq!(told.last().unwrap()["status"], "success", "{query}: {:?}", told.last());
    }
    let told = frames(&plane, Method::GET, &run("&cert=false"), "").await;
    assert_eq!(told.last().unwrap()["status"], "error", "without them it is a stranger: {:?}", told.last());
    let without = plane.post(PROFILES, &json!({"id": made["id"], "metadata": {"own": 2}})).await;
    assert_eq!((&without["plan"]["tls"]["ca"], &without["metadata"]), (&Value::Null, &json!({"own": 2})));
    let refused = plane.ask(Method::GET, &run("&cert=true")).send().await.unwrap();
    assert!(plane::error(refused, 400).await["message"].as_str().unwrap().contains("no certificates"));
    let nothing = json!({"name": "bad", "endpoints": [url], "metadata": {"ca_certificate": {"file": "/etc/passwd"}}});
    let refused = plane.ask(Method::POST, PROFILES).json(&nothing).send().await.unwrap();
    assert!(plane::error(refused, 400).await["message"].as_str().unwrap().contains("ca_certificate"));
}

#[tokio::test]
async fn certificates_in_a_test_file_are_trusted() {
    let plane = Plane::start().await;
    let authority = Authority::new();
    let mut client = client(&format!("https://{}/", servers::https(&authority.issue("127.0.0.1", |_| ()), None)));
    client["ssl_certificate"] = json!(authority.pem());
    let told = frames(&plane, Method::POST, "/api/perf/profile", &test("tls", &[client])).await;
    assert_eq!(told.last().unwrap()["status"], "success", "{told:?}");
}

#[tokio::test]
async fn options_in_a_profiles_metadata_are_those_of_its_generator() {
    let plane = Plane::start().await;
    let body = |generator: &str, options: Value| {
        json!({"name": generator, "loadGenerators": [generator], "endpoints": ["http://127.0.0.1:9/"],
               "metadata": {"additional_options": options}})
    };
    let made = plane.post(PROFILES, &body("fortio", json!("{\"uniform\": true}"))).await;
    assert_eq!(made["plan"]["generator_options"], "{\"uniform\": true}");
    let changed = plane.post(PROFILES, &json!({"id": made["id"], "metadata": {}})).await;
    assert_eq!(changed["plan"]["generator_options"], Value::Null);
    let plain = plane.post(PROFILES, &body("native", json!("{}"))).await;
    assert_eq!(plain["plan"]["generator_options"], Value::Null, "a form in which nothing was filled in");
    let refused = plane.ask(Method::POST, PROFILES).json(&body("native", json!("-x"))).send().await.unwrap();
    assert_eq!(plane::error(refused, 400).await["code"], "perf-plan");
}

#[tokio::test]
async fn stored_test_files_are_found_by_id_and_name_and_answer_with_their_bare_id() {
    let plane = Plane::start().await;
    for path in ["/api/user/prefs/perf", "/api/user/test-prefs"] {
        let file = test(path, &[client("http://a/")]);
        let reply = plane.ask(Method::POST, path).body(file).send().await.unwrap();
        assert!(reply.headers()["content-type"].to_str().unwrap().starts_with("text/plain"));
        let id = reply.text().await.unwrap();
        let one = plane.get(&format!("{path}?uuid={id}")).await;
        assert_eq!((&one["id"], &one["name"]), (&json!(id), &json!(path)));
        let found = plane.get(&format!("{path}?search={}", path[10..].to_uppercase())).await;
        assert_eq!((&found["total_count"], &found["test_configs"][0]), (&json!(1), &one));
    }
    assert_eq!(plane.get("/api/user/test-prefs").await["total_count"], 2);
    let missing = plane.ask(Method::GET, "/api/user/test-prefs?uuid=none").send().await.unwrap();
    plane::error(missing, 404).await;
}

#[tokio::test]
async fn nothing_that_is_saved_at_once_is_lost() {
    let plane = Plane::start().await;
    let saves = (0..12).map(|number| {
        let file = test(&format!("t{number}"), &[client("http://a/")]);
        plane.ask(Method::POST, "/api/user/prefs/perf").body(file).send()
    });
    for reply in futures_util::future::join_all(saves).await {
        assert_eq!(reply.unwrap().status(), 200);
    }
    assert_eq!(plane.get("/api/user/prefs/perf").await["total_count"], 12);
}
