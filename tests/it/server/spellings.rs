//! Every spelling of a path answers as the first one does.

use mesheryctl::server::rest;
use mesheryctl::wire::rest::paths;
use reqwest::Method;
use serde_json::json;

use super::plane::Plane;

#[tokio::test]
async fn every_spelling_of_a_reading_path_answers_alike() {
    let plane = Plane::start().await;
    let body = json!({"pattern_data": {"pattern_file": "name: shop\nservices: {}\n"}, "save": true});
    let id = plane.post("/api/pattern", &body).await[0]["id"].as_str().unwrap().to_owned();
    let streams = ["followOperation", "subscribeEvents", "subscribeEvents2021"];
    for route in rest::routes().into_iter().filter(|route| route.method == Method::GET && !streams.contains(&route.id))
    {
        let mut first = None;
        for path in route.paths {
            let reply = plane.ask(Method::GET, &path.replace("{id}", &id)).send().await.unwrap();
            let (status, text) = (reply.status(), reply.text().await.unwrap());
            assert_ne!(status, 405, "{path}");
            let first = first.get_or_insert_with(|| (status, text.clone()));
            assert_eq!((status, &text), (first.0, &first.1), "{path}");
        }
    }
}

#[tokio::test]
async fn every_spelling_of_a_writing_path_reaches_its_handler() {
    let plane = Plane::start().await;
    for route in rest::routes().into_iter().filter(|route| route.method != Method::GET) {
        for path in route.paths {
            let path = path.replace("{id}", "00000000-0000-0000-0000-000000000000");
            let reply = plane
                .ask(route.method.clone(), &path)
                .header("content-type", "application/json")
                .body("[]")
                .send()
                .await
                .unwrap();
            let status = reply.status();
            let text = reply.text().await.unwrap();
            assert!(status != 405 && status != 500, "{} {path}: {status} {text}", route.method);
            assert!(!text.contains("route-not-found"), "{} {path}", route.method);
        }
    }
}

#[test]
fn every_path_of_the_table_of_paths_is_routed() {
    let routed: Vec<&str> = rest::routes().iter().flat_map(|route| route.paths.iter().copied()).collect();
    let all = [
        paths::VERSION,
        paths::PROVIDERS,
        paths::PROVIDER,
        paths::PROVIDER_CAPABILITIES,
        paths::TOKEN,
        paths::TOKEN_CALLBACK,
        paths::LOGIN_CALLBACK,
        paths::LOGIN,
        paths::LOGOUT,
        paths::PROVIDER_SYNC,
        paths::USER,
        paths::PREFERENCES,
        paths::SYNC,
        paths::KUBE_CONFIG,
        paths::KUBE_CONTEXTS,
        paths::KUBE_KINDS,
        paths::KUBE_PING,
        paths::ADAPTERS,
        paths::ADAPTER_PING,
        paths::ADAPTER_MANAGE,
        paths::ADAPTER_OPERATION,
        paths::ADAPTERS_AVAILABLE,
        paths::PATTERNS,
        paths::PATTERN,
        paths::PATTERN_DEPLOY,
        paths::PATTERN_DOWNLOAD,
        paths::PATTERN_APPLIED,
        paths::PATTERN_STATUS,
        paths::PATTERN_PLAN,
        paths::PATTERN_DRIFT,
        paths::PATTERN_REVISIONS,
        paths::PATTERN_REVISION,
        paths::PATTERN_IMPORT,
        paths::APPLICATIONS,
        paths::APPLICATION,
        paths::APPLICATION_TYPES,
        paths::PERF_PROFILES,
        paths::PERF_PROFILE,
        paths::PERF_PROFILE_RUN,
        paths::PERF_PROFILE_RESULTS,
        paths::PERF_RESULTS,
        paths::PERF_RESULT,
        paths::PERF_DOCUMENT,
        paths::PERF_DOCUMENT_2021,
        paths::PERF_RUN,
        paths::PERF_LOAD_TEST,
        paths::PERF_LOAD_TEST_FILE,
        paths::PERF_DEFAULTS,
        paths::SCHEDULES,
        paths::SCHEDULE,
        paths::MESH_TYPES,
        paths::PERF_TESTS,
        paths::OPERATIONS,
        paths::OPERATION,
        paths::OPERATION_CANCEL,
        paths::OPERATION_EVENTS,
        paths::EVENTS_SUBSCRIBE,
        paths::EVENTS,
        paths::EVENT_LOG,
        paths::OPENAPI,
        paths::DATABASE,
        paths::HEALTH_LIVE,
        paths::HEALTH_READY,
    ];
    for path in all.into_iter().flatten() {
        assert!(routed.contains(path), "{path}");
    }
    let source = include_str!("../../../src/wire/rest/paths.rs");
    let written = source.matches("\"/").count();
    assert_eq!(
        written,
        all.iter().map(|paths| paths.len()).sum::<usize>(),
        "a path of paths.rs is missing in this test"
    );
}
