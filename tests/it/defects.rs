//! The defects that the project's predecessors are known for, each as a test of the right behaviour.
//!
//! | defect | its test |
//! | --- | --- |
//! | 1 to 5, 10, 16, 17, 19 to 22, 25 | here |
//! | 6, 7 traits that have no effect | here and `pattern::render::defect_7_…` |
//! | 11, 12 references | `pattern::render::defects_11_and_12_…` |
//! | 15 document ends | `pattern::render::defect_15_…`, `src/pattern/convert/manifests.rs` |
//! | 18 import keeps only `spec` | `pattern::render::defect_18_…`, `src/pattern/convert/service.rs` |
//! | 24 guessed plurals | here for an apply, `pattern::plan::a_crd_and_its_objects_are_planned_together_…` for a plan |
//! | 8, 9 registry and registration; 13, 14, 23 releases and addons of meshes | with the adapters, which are not there yet |

use std::collections::BTreeSet;
use std::io::{Read, Write};

use mesheryctl::model::event::Payload;
use mesheryctl::sample::faults::{Effect, Matcher, Times};
use mesheryctl::wire::rest::DeployRequest;

use crate::pattern::apply::{HELLO, actions, run, world};
use crate::support::cluster::Practice;
use crate::support::ctl::Output;
use crate::support::env::Env;
use crate::support::plane::Plane;

fn refuse(practice: &Practice, name: &str) {
    practice.cluster.faults().refuse(Matcher::any().writes().name(name), 403, "no");
}

/// A pattern of ConfigMaps that need each other as the pairs say.
fn maps(name: &str, needs: &[(&str, &[&str])]) -> String {
    let service = |(key, needs): &(&str, &[&str])| {
        format!("  {key}: {{type: ConfigMap, dependsOn: [{}], settings: {{data: {{k: v}}}}}}\n", needs.join(", "))
    };
    format!("name: {name}\nservices:\n{}", needs.iter().map(service).collect::<String>())
}

#[test]
fn defect_1_an_unknown_dependency_is_an_error_of_every_verb() {
    let (env, practice) = world();
    practice.cluster.faults().add(Matcher::any().writes(), Effect::Error, Times::Always);
    env.write("work/hello.yaml", HELLO.replace("dependsOn: [settings]", "dependsOn: [setting]"));
    for verb in [&["validate"][..], &["apply"], &["plan"], &["delete", "--yes"]] {
        let output = run(&env, &[&["pattern"], verb, &["-f", "hello.yaml"]].concat());
        assert_eq!(output.code, Some(65), "{verb:?}: {output}");
        assert!(output.stderr.contains("hello.yaml:"), "the place is named: {output}");
        assert!(output.stderr.contains("did you mean settings?"), "{verb:?}: {output}");
    }
    assert_eq!(practice.cluster.faults().counts(), [0], "nothing was sent");
    practice.cluster.faults().clear();
    env.write("work/good.yaml", HELLO);
    run(&env, &["pattern", "apply", "-f", "good.yaml"]);
    let output = run(&env, &["pattern", "delete", "-f", "hello.yaml", "--yes"]);
    assert_eq!(output.code, Some(0), "what was applied can be deleted whatever the file says now: {output}");
}

#[test]
fn defect_2_one_failed_dependency_among_good_ones_ends_the_walk() {
    let (env, practice) = world();
    env.write(
        "work/p.yaml",
        maps("p", &[("bad", &[]), ("good", &[]), ("both", &["bad", "good"]), ("late", &["both"])]),
    );
    refuse(&practice, "bad");
    let output = run(&env, &["pattern", "apply", "-f", "p.yaml", "--timeout", "20s", "-o", "json"]);
    assert_eq!(output.code, Some(7), "{output}");
    let told: BTreeSet<String> = actions(&output).into_iter().collect();
    assert_eq!(told.into_iter().collect::<Vec<_>>(), ["bad failed", "both withheld", "good created", "late withheld"]);
}

#[test]
fn defect_3_deletion_runs_backwards() {
    let (env, _practice) = world();
    let services = |output: &Output| -> Vec<String> {
        actions(output).iter().map(|action| action.split(' ').next().unwrap().to_owned()).collect()
    };
    let mut forth = services(&run(&env, &["pattern", "apply", "-f", "hello.yaml", "-o", "json"]));
    let back = services(&run(&env, &["pattern", "delete", "hello", "--yes", "-o", "json"]));
    forth.reverse();
    assert_eq!(forth, back);
}

#[test]
fn defect_4_every_cluster_is_served_in_the_same_order_each_time() {
    let (env, _practice) = world();
    let _other = Practice::start_as(&env, "other");
    env.write("renamed", env.read("other").replace("practice", "staging"));
    let list = std::env::join_paths([env.path("kubeconfig"), env.path("renamed")]).unwrap();
    let order = |args: &[&str]| {
        let contexts = ["--kube-context", "practice,staging", "-o", "json"];
        let output = env.ctl([args, &contexts].concat()).var("KUBECONFIG", list.clone()).ok().json();
        let results = output[0]["results"].as_array().unwrap().clone();
        let of = |context: &str| {
            let results = results.iter().filter(|result| result["context"] == context);
            results.map(|result| result["service"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        [of("practice"), of("staging")]
    };
    for _ in 0..3 {
        let [practice, staging] = order(&["pattern", "apply", "-f", "hello.yaml"]);
        assert_eq!(practice, ["hello", "settings", "web"]);
        assert_eq!(practice, staging);
        order(&["pattern", "delete", "hello", "--yes"]);
    }
}

#[test]
fn defects_5_6_and_7_traits_are_applied_once_or_said_to_have_no_effect() {
    let (env, practice) = world();
    let traits = "    traits: {automatic-mTLS: {policy: strict}, Ingress: {host: a}, meshmap: {x: 1}}\n";
    env.write(
        "work/hello.yaml",
        HELLO.replace("    dependsOn: [settings]\n", &format!("    dependsOn: [settings]\n{traits}")),
    );
    let writes = Matcher::any().writes();
    practice.cluster.faults().add(writes, Effect::Delay(std::time::Duration::ZERO), Times::Always);
    let output = run(&env, &["pattern", "apply", "-f", "hello.yaml"]);
    assert_eq!(output.code, Some(0), "{output}");
    assert_eq!(practice.cluster.faults().counts(), [3], "one write an object, whatever traits there are");
    for name in ["automatic-mTLS", "Ingress"] {
        let line = output.stderr.lines().find(|line| line.contains(&format!("`{name}`")));
        assert!(line.is_some_and(|line| line.contains("no effect")), "{name}: {output}");
    }
    assert!(!output.stderr.contains("`meshmap`"), "layout is no policy: {output}");
}

#[test]
fn defect_10_what_was_done_before_a_failure_is_known_and_deleted() {
    let (env, practice) = world();
    refuse(&practice, "web");
    assert_eq!(run(&env, &["pattern", "apply", "-f", "hello.yaml"]).code, Some(7));
    practice.cluster.faults().clear();
    assert!(run(&env, &["pattern", "list"]).stdout.contains("hello"));
    let status = run(&env, &["pattern", "status", "hello", "-o", "json"]).json();
    let rows = status["objects"].as_array().unwrap();
    let known: Vec<&str> = rows.iter().map(|row| row["service"].as_str().unwrap()).collect();
    assert!(known.starts_with(&["hello", "settings"]), "{status}");
    let deleted = run(&env, &["pattern", "delete", "hello", "--yes", "-o", "json"]);
    assert_eq!(deleted.code, Some(0), "{deleted}");
    assert!(actions(&deleted).contains(&"settings deleted".to_owned()), "{deleted}");
}

#[test]
fn defects_16_and_17_an_immutable_field_fails_and_recreating_succeeds() {
    let (env, _practice) = world();
    run(&env, &["pattern", "apply", "-f", "hello.yaml"]);
    env.write("work/hello.yaml", HELLO.replace("app: web", "app: other"));
    let refused = run(&env, &["pattern", "apply", "-f", "hello.yaml", "-o", "json"]);
    assert_eq!((refused.code, actions(&refused)[2].as_str()), (Some(7), "web failed"), "{refused}");
    assert_eq!(refused.json()[0]["results"][2]["error"]["code"], "object-immutable");
    let again = run(&env, &["pattern", "apply", "-f", "hello.yaml", "--recreate", "-o", "json"]);
    assert_eq!((again.code, actions(&again)[2].as_str()), (Some(0), "web recreated"), "{again}");
    assert!(again.json()[0]["error"].is_null(), "{again}");
}

#[test]
fn defect_19_what_the_server_has_to_say_is_told_when_all_went_well() {
    let (env, _practice) = world();
    env.write("work/hello.yaml", format!("{HELLO}  note: {{type: Comment}}\n"));
    let output = run(&env, &["pattern", "apply", "-f", "hello.yaml"]);
    assert_eq!(output.code, Some(0), "{output}");
    assert!(output.stderr.contains("hello on practice: 3 created"), "{output}");
    assert!(output.stderr.contains("note"), "a drawing that is not applied is said: {output}");
}

/// Answers every request with this status and text.
fn serve(status: &'static str, body: &'static str) -> std::net::SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut seen: Vec<u8> = Vec::new();
            let mut buffer = [0; 4096];
            while !seen.windows(4).any(|end| end == b"\r\n\r\n") {
                match stream.read(&mut buffer) {
                    Ok(0) | Err(_) => break,
                    Ok(count) => seen.extend(&buffer[..count]),
                }
            }
            let length = body.len();
            let _ = write!(stream, "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
        }
    });
    address
}

#[test]
fn defect_20_an_error_of_the_server_is_an_exit_code() {
    let answers =
        [("404 Not Found", 5), ("401 Unauthorized", 4), ("500 Internal Server Error", 1), ("502 Bad Gateway", 1)];
    for (status, code) in answers {
        let address = serve(status, "it did not work");
        let env = Env::with_config(&format!(
            "contexts:\n  far:\n    endpoint: http://{address}\n    platform: docker\ncurrent-context: far\n"
        ));
        for args in [&["pattern", "list"][..], &["pattern", "status", "hello"][..]] {
            let output = env.ctl(args.iter().copied()).run();
            let verdict = output.code.unwrap();
            assert!(verdict != 0 && (code == 1 || verdict == code), "{status} {args:?}: {output}");
            assert!(!output.stderr.is_empty(), "{output}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn defects_21_and_22_every_operation_has_its_own_events_and_none_waits_for_a_listener() {
    let plane = Plane::start().await;
    let request = |name: &str| {
        let keys: Vec<String> = (0..30).map(|number| format!("{name}-{number}")).collect();
        let services: Vec<(&str, &[&str])> = keys.iter().map(|key| (key.as_str(), &[] as &[&str])).collect();
        DeployRequest { pattern_file: Some(maps(name, &services)), ..DeployRequest::default() }
    };
    let left = plane.begin(&request("left")).await;
    let right = plane.begin(&request("right")).await;
    assert_ne!(left.operation_id, right.operation_id, "the client knows what it began");
    for (accepted, name) in [(&left, "left"), (&right, "right")] {
        // Whoever asks later, and twice, hears all of it.
        for _ in 0..2 {
            let events = plane.events(accepted).await;
            assert!(events.iter().all(|event| event.operation_id == Some(accepted.operation_id)));
            let objects: BTreeSet<String> = events
                .iter()
                .filter_map(|event| match &event.payload {
                    Some(Payload::Object(result)) => Some(result.object.name.clone()),
                    _ => None,
                })
                .collect();
            assert_eq!(objects, (0..30).map(|number| format!("{name}-{number}")).collect());
        }
    }
}

#[test]
fn defect_22_an_operation_can_be_asked_for_by_its_id() {
    let (env, _practice) = world();
    let applied = run(&env, &["pattern", "apply", "-f", "hello.yaml", "-o", "json"]).json();
    let view = run(&env, &["operation", "view", applied[0]["id"].as_str().unwrap(), "-o", "json"]);
    assert_eq!((view.code, view.json()["status"].as_str()), (Some(0), Some("succeeded")), "{view}");
}

#[test]
fn defect_24_plurals_come_from_the_cluster() {
    let (env, practice) = world();
    env.write(
        "work/mice.yaml",
        "\
name: mice
services:
  kind:
    type: CustomResourceDefinition
    name: mice.example.org
    settings:
      spec:
        group: example.org
        scope: Namespaced
        names: {kind: Mouse, plural: mice}
        versions:
        - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}
  jerry: {type: Mouse, namespace: default, settings: {tail: long}}
",
    );
    let output = run(&env, &["pattern", "apply", "-f", "mice.yaml", "-o", "json"]);
    assert_eq!(actions(&output), ["kind created", "jerry created"], "{output}");
    practice.call("GET", "/apis/example.org/v1/namespaces/default/mice/jerry", "application/json", "");
    let same = run(&env, &["pattern", "apply", "-f", "mice.yaml", "--dry-run=server", "-o", "json"]);
    assert_eq!(same.code, Some(0), "{same}");
    assert_eq!(run(&env, &["pattern", "delete", "mice", "--yes"]).code, Some(0));
}

#[test]
fn defect_25_error_codes_are_unique_and_explained() {
    let env = Env::new();
    let pages = env.ctl(["explain", "-o", "json"]).ok().json();
    let codes: Vec<&str> = pages.as_array().unwrap().iter().map(|page| page["code"].as_str().unwrap()).collect();
    assert!(codes.len() > 50);
    assert_eq!(codes.iter().collect::<BTreeSet<_>>().len(), codes.len());
    for code in codes {
        assert!(env.ctl(["explain", code]).ok().stdout.contains(code));
    }
}
