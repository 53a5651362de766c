//! A pattern that configures a real mesh, and a mesh that obeys it.

use std::collections::BTreeMap;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::apply::actions;
use crate::support::cluster::Kit;
use crate::support::ctl::Output;
use crate::support::env::Env;

const FAULT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/patterns/mesh/fault.yaml");
const SPLIT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/patterns/mesh/split.yaml");
/// A namespace without sidecars.
const OUTSIDE: &str = "echo-outside";
/// How long a proxy may take to hear of a new route.
const PROPAGATION: Duration = Duration::from_secs(30);

struct Story {
    kit: Kit,
    env: Env,
}

impl Story {
    fn begin() -> Self {
        let story = Self { kit: Kit::up(), env: Env::new() };
        story.kubectl(&["delete", "namespace", OUTSIDE, "echo", "--ignore-not-found"]);
        story.kubectl(&["create", "namespace", OUTSIDE]);
        let image = format!("--image={}", story.kit.get("IMAGE_FORTIO"));
        story.kubectl(&["-n", OUTSIDE, "run", "stranger", &image, "--image-pull-policy=Never", "--", "server"]);
        story.kubectl(&["-n", OUTSIDE, "wait", "--for=condition=Ready", "pod/stranger", "--timeout=60s"]);
        story
    }

    fn kubectl(&self, args: &[&str]) -> String {
        self.kit.kubectl(args)
    }

    fn pattern(&self, args: &[&str]) -> Output {
        let args = ["pattern"].iter().chain(args).copied();
        self.env.ctl(args).var("KUBECONFIG", self.kit.get("KUBECONFIG")).run()
    }

    /// How often each status answered that many requests from pod to pod.
    fn answers(&self, requests: usize) -> BTreeMap<String, usize> {
        let count = requests.to_string();
        let caller = ["-n", "echo", "exec", "deployment/caller", "-c", "fortio", "--"];
        let load = ["/fortio", "load", "-quiet", "-allow-initial-errors", "-c", "4", "-qps", "0", "-n", &count];
        let report = self.kubectl(&[&caller[..], &load, &["-json", "-", "http://echo/"]].concat());
        let report: serde_json::Value = serde_json::from_str(&report).unwrap();
        serde_json::from_value(report["RetCodes"].clone()).unwrap()
    }

    /// Asks until only these statuses answer, since a proxy hears of a new route a moment after it was written.
    fn wait_for_answers(&self, wanted: &[&str]) {
        let deadline = Instant::now() + PROPAGATION;
        loop {
            let answers = self.answers(50);
            if answers.keys().map(String::as_str).eq(wanted.iter().copied()) {
                return;
            }
            assert!(Instant::now() < deadline, "wanted {wanted:?}, got {answers:?}");
            sleep(Duration::from_millis(250));
        }
    }

    /// A plain request from a pod without a sidecar: whether it was answered with 200, else why not.
    fn plain_request(&self, url: &str) -> Result<String, String> {
        self.kit.try_kubectl(&["-n", OUTSIDE, "exec", "stranger", "--", "/fortio", "curl", url])
    }

    /// A plain request that must fail, with the reason, as soon as the node knows the service's address.
    fn refused_request(&self, url: &str) -> String {
        let deadline = Instant::now() + PROPAGATION;
        loop {
            let refused = self.plain_request(url).expect_err("nobody outside the mesh gets an answer");
            if !refused.contains("connect: connection refused") || Instant::now() > deadline {
                return refused;
            }
            sleep(Duration::from_millis(250));
        }
    }
}

fn all_did(output: &Output, word: &str) {
    assert_eq!(output.code, Some(0), "{output}");
    let actions = actions(output);
    assert!(!actions.is_empty() && actions.iter().all(|action| action.ends_with(word)), "{word}: {output}");
}

/// Within five standard deviations of the share that was asked for: a true split misses that once in two million runs.
fn assert_share(answers: &BTreeMap<String, usize>, status: &str, share: f64) {
    let count = |number: usize| f64::from(u32::try_from(number).unwrap());
    let total = count(answers.values().sum());
    let found = count(answers.get(status).copied().unwrap_or_default());
    let deviation = (total * share * (1.0 - share)).sqrt();
    assert!((found - total * share).abs() < 5.0 * deviation, "{share} of {status} wanted: {answers:?}");
}

#[test]
#[ignore = "needs the kit: tests/kit/up.sh istio"]
fn a_mesh_obeys_the_pattern_its_next_version_its_rollback_and_its_end() {
    let story = Story::begin();

    let applied = story.pattern(&["apply", "-f", FAULT, "--wait", "--timeout", "120s", "-o", "json"]);
    all_did(&applied, " created");
    let pods = story.kubectl(&["-n", "echo", "get", "pods", "--no-headers"]);
    let ready = pods.lines().filter(|line| line.contains(" 2/2 ")).count();
    assert_eq!((ready, pods.lines().count()), (3, 3), "all with a sidecar are ready when --wait returns: {pods}");
    story.wait_for_answers(&["418"]);
    assert_eq!(story.answers(200), BTreeMap::from([("418".to_owned(), 200)]), "every request gets the fault");

    story.plain_request("http://localhost:8080/").expect("the stranger's client works where nothing forbids it");
    let refused = story.refused_request("http://echo.echo/");
    assert!(refused.contains("connection reset by peer"), "plain requests are refused by the proxy: {refused}");

    let split = story.pattern(&["apply", "-f", SPLIT, "--wait", "--timeout", "120s", "-o", "json"]);
    assert_eq!(split.code, Some(0), "{split}");
    let changed: Vec<String> = actions(&split).into_iter().filter(|action| !action.ends_with(" unchanged")).collect();
    assert_eq!(changed, ["route configured"], "{split}");
    story.wait_for_answers(&["200", "202"]);
    let shares = story.answers(1000);
    assert_eq!(shares.values().sum::<usize>(), shares["200"] + shares["202"], "{shares:?}");
    assert_share(&shares, "200", 0.8);

    let back = story.pattern(&["rollback", "echo", "--wait", "--timeout", "120s", "-o", "json"]);
    assert_eq!(back.code, Some(0), "{back}");
    story.wait_for_answers(&["418"]);

    let deleted = story.pattern(&["delete", "echo", "--yes", "-o", "json"]);
    all_did(&deleted, " deleted");
    assert_eq!(story.kit.left_of("echo", "echo"), Vec::<String>::new());
    assert_eq!(story.kubectl(&["get", "namespace/echo", "--ignore-not-found", "-o", "name"]), "");
    story.kubectl(&["delete", "namespace", OUTSIDE]);
}
