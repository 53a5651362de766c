//! What callers of other machines may ask for. The test's server does not know where its callers are, and takes them for
//! such; the owner's part is done past the network.

use mesheryctl::model::performance::plan::{Plan, Target as PlanTarget, Tls};
use mesheryctl::server::{Caller, performance};
use mesheryctl::wire::rest::performance::ProfileBody;
use reqwest::{Method, Response};
use serde_json::{Value, json};

use super::servers::{self, Authority};
use super::target::Target;
use crate::server::plane::{self, Plane};

const PROFILES: &str = "/api/user/performance/profiles";

/// A test file whose client names a file of certificates.
fn test_file(url: &str, certificates: &str) -> String {
    json!({
        "name": "f", "duration": "200ms",
        "clients": [{"endpoint_urls": [url], "load_generator": "native", "connections": 1, "ssl_certificate": certificates}]
    })
    .to_string()
}

async fn send(plane: &Plane, method: Method, path: &str, body: String) -> Response {
    plane.ask(method, path).header("content-type", "application/json").body(body).send().await.unwrap()
}

/// Wants the request to be refused for what it names, in words that do not depend on what is there.
async fn is_refused(reply: Response, named: &str) {
    let error = plane::error(reply, 400).await;
    let text = error.to_string();
    assert_eq!(error["code"], "request-invalid", "{text}");
    assert!(text.contains(named) && text.contains("cannot be chosen from another machine"), "{text}");
    assert!(!text.contains("No such file") && !text.contains("PEM form"), "it tells what is there: {text}");
}

#[tokio::test]
async fn no_way_in_opens_files_that_a_caller_elsewhere_names() {
    let (plane, target) = (Plane::start().await, Target::start());
    let known = json!({"name": "known", "endpoints": [target.url()], "duration": "200ms"});
    let known = plane.post(PROFILES, &known).await["id"].as_str().unwrap().to_owned();
    let is_there = plane.home().join("kubeconfig").display().to_string();
    for file in ["/nowhere/ca.pem", is_there.as_str()] {
        for key in ["ca", "cert", "key"] {
            let plan = json!({"name": "p", "targets": [{"url": target.url()}], "requests": 1, "tls": {key: file}});
            let asked = json!({"plan": plan});
            is_refused(send(&plane, Method::POST, "/api/perf/run", asked.to_string()).await, file).await;
            let with_profile = json!({"plan": plan, "profile": known});
            is_refused(send(&plane, Method::POST, "/api/perf/run", with_profile.to_string()).await, file).await;
            for id in [Value::Null, json!(known)] {
                let body = json!({"id": id, "name": "own", "plan": plan}).to_string();
                is_refused(send(&plane, Method::POST, PROFILES, body).await, file).await;
            }
        }
        let text = test_file(&target.url(), file);
        for path in ["/api/perf/load-test-smps", "/api/perf/profile", &format!("{PROFILES}/{known}/run?name=x")] {
            for method in [Method::GET, Method::POST] {
                is_refused(send(&plane, method, path, text.clone()).await, file).await;
            }
        }
    }
    let all = plane.get(PROFILES).await;
    assert_eq!((&all["total_count"], target.seen()), (&json!(1), 0), "nothing was kept or sent: {all}");
}

#[tokio::test]
async fn what_the_owner_keeps_in_a_profile_may_be_used_as_it_is_and_not_changed() {
    let plane = Plane::start().await;
    let authority = Authority::new();
    let url = format!("https://{}/", servers::https(&authority.issue("127.0.0.1", |_| ()), None));
    let ca = plane.home().join("ca.pem").display().to_string();
    std::fs::write(&ca, authority.pem()).unwrap();
    let plan = Plan {
        targets: vec![PlanTarget { url, weight: 1 }],
        requests: Some(3),
        duration: None,
        tls: Tls { ca: Some(ca.clone()), ..Tls::default() },
        ..Plan::default()
    };
    let body = ProfileBody { name: "owned".into(), plan: Some(plan), ..ProfileBody::default() };
    let kept = performance::profiles::save(plane.server.state(), Caller::Here, body).await.unwrap();
    let asked = json!({"profile": "owned"}).to_string();
    let begun = plane::json(send(&plane, Method::POST, "/api/perf/run", asked).await, 202).await;
    let id = begun["operation_id"].as_str().unwrap();
    plane.ask(Method::GET, &format!("/api/operations/{id}/events")).send().await.unwrap().text().await.unwrap();
    let result = plane.get(&format!("/api/perf/results/{id}")).await["result"].clone();
    assert_eq!(result["requests"]["succeeded"], 3, "{result}");
    let changed = plane.post(PROFILES, &json!({"id": kept.id, "concurrent_request": 2})).await;
    assert_eq!((&changed["plan"]["connections"], &changed["plan"]["tls"]["ca"]), (&json!(2), &json!(ca)));
    let mut other = changed["plan"].clone();
    other["tls"] = json!({"ca": ca, "key": ca});
    let body = json!({"id": kept.id, "plan": other}).to_string();
    is_refused(send(&plane, Method::POST, PROFILES, body).await, &ca).await;
}

#[tokio::test]
async fn the_secret_of_workers_goes_nowhere_that_a_caller_elsewhere_names() {
    let (plane, target) = (Plane::start().await, Target::start());
    let trap = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    trap.set_nonblocking(true).unwrap();
    let address = trap.local_addr().unwrap().to_string();
    let plan = json!({"name": "p", "targets": [{"url": target.url()}], "requests": 1});
    plane.post(PROFILES, &json!({"name": "kept", "plan": plan})).await;
    let workers = json!({"where": "at", "locations": [address]});
    for body in [json!({"plan": plan, "workers": workers}), json!({"profile": "kept", "workers": workers})] {
        is_refused(send(&plane, Method::POST, "/api/perf/run", body.to_string()).await, &address).await;
    }
    assert_eq!(plane.server.state().operations.running(), 0);
    assert_eq!(trap.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock, "somebody was spoken to");
}

#[tokio::test]
async fn a_service_of_nighthawk_is_named_by_the_owner_and_harmless_options_by_everybody() {
    let plane = Plane::start().await;
    let load = json!({"model": "open", "pacing": {"law": "constant", "rate": 10.0}, "overload": {"policy": "queue"}});
    let plan = |generator: &str, options: &str| json!({"targets": [{"url": "http://127.0.0.1:9/"}], "generator": generator, "generator_options": options, "load": load});
    let asked = plan("nighthawk", "address=127.0.0.1:9");
    for (path, body) in
        [("/api/perf/run", json!({"plan": asked})), (PROFILES, json!({"name": "service", "plan": asked}))]
    {
        let error = plane::error(send(&plane, Method::POST, path, body.to_string()).await, 400).await;
        assert!(error["message"].as_str().unwrap().contains("options of nighthawk"), "{error}");
    }
    let kept = plane.post(PROFILES, &json!({"name": "harmless", "plan": plan("fortio", "-uniform")})).await;
    assert_eq!(kept["plan"]["generator_options"], "-uniform");
}
