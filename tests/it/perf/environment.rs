//! The cluster and the mesh that stand in a result.

use serde_json::{Value, json};

use super::target::Target;
use crate::support::cluster::{Kit, Practice};
use crate::support::env::Env;

/// The environment of a short run with this kubeconfig.
fn measured(env: &Env, kubeconfig: &str, more: &[&str]) -> Value {
    let args = ["perf", "run", "--requests", "2", "--request-timeout", "200ms", "-o", "json"];
    let run = env.ctl(args.iter().chain(more).copied()).var("KUBECONFIG", kubeconfig).run();
    run.json()["environment"].clone()
}

fn make(practice: &Practice, path: &str, object: &Value) {
    practice.call("POST", path, "application/json", &object.to_string());
}

/// Istio's control plane, as far as it can be seen, without policies.
fn istio(practice: &Practice) {
    make(practice, "/api/v1/namespaces", &json!({"metadata": {"name": "istio-system"}}));
    let pod = json!({"metadata": {"name": "istiod"}, "spec": {"containers": [{"name": "discovery", "image": "docker.io/istio/pilot:1.30.2"}]}});
    make(practice, "/api/v1/namespaces/istio-system/pods", &pod);
    let schema = json!({"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}});
    let kind = json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "peerauthentications.security.istio.io"},
        "spec": {
            "group": "security.istio.io",
            "scope": "Namespaced",
            "names": {"kind": "PeerAuthentication", "plural": "peerauthentications"},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": schema}],
        },
    });
    make(practice, "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", &kind);
}

fn policy(practice: &Practice, namespace: &str, mode: &str) {
    let path = format!("/apis/security.istio.io/v1/namespaces/{namespace}/peerauthentications");
    let object = json!({
        "apiVersion": "security.istio.io/v1",
        "kind": "PeerAuthentication",
        "metadata": {"name": "default"},
        "spec": {"mtls": {"mode": mode}},
    });
    make(practice, &path, &object);
}

#[test]
fn a_cluster_stands_in_the_result_where_it_is_named_or_holds_the_target() {
    let (env, target) = (Env::new(), Target::start());
    let _practice = Practice::start(&env);
    let kubeconfig = env.path("kubeconfig").display().to_string();
    let look = |more: &[&str]| measured(&env, &kubeconfig, more);
    let url = target.url();
    assert!(look(&["--url", &url]).get("kubernetes").is_none(), "a target of this machine is in no cluster");
    let named = look(&["--url", &url, "--kube-context", "practice"]);
    assert_eq!(named["kubernetes"]["context"], "practice", "{named}");
    // The practice node's own address, at which nobody is.
    let inside = look(&["--url", "http://192.0.2.254:9/"]);
    assert_eq!(inside["kubernetes"]["context"], "practice", "{inside}");
}

#[test]
fn mutual_tls_is_stated_where_the_policies_can_be_read() {
    let (env, target) = (Env::new(), Target::start());
    let practice = Practice::start(&env);
    let kubeconfig = env.path("kubeconfig").display().to_string();
    let url = target.url();
    let look = || measured(&env, &kubeconfig, &["--url", &url, "--kube-context", "practice", "--export", "smp=r.yaml"]);
    let stated = || env.read("work/r.yaml").lines().find(|line| line.starts_with("mtls_enabled")).map(str::to_owned);
    istio(&practice);
    let mesh = look()["mesh"].clone();
    assert_eq!(
        (&mesh["type"], &mesh["mtls"], &mesh["labels"]["mtls_mode"]),
        (&json!("ISTIO"), &json!(false), &json!("PERMISSIVE"))
    );
    policy(&practice, "istio-system", "STRICT");
    assert_eq!((&look()["mesh"]["mtls"], stated().as_deref()), (&json!(true), Some("mtls_enabled: true")));
    policy(&practice, "default", "PERMISSIVE");
    assert_eq!((&look()["mesh"]["mtls"], stated().as_deref()), (&json!(false), Some("mtls_enabled: false")));
    practice.call(
        "DELETE",
        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/peerauthentications.security.istio.io",
        "application/json",
        "",
    );
    assert_eq!((look()["mesh"].get("mtls"), stated()), (None, None), "what cannot be read is not stated");
}

#[test]
#[ignore = "needs the kit: tests/kit/up.sh istio"]
fn the_policies_of_a_real_mesh_are_read() {
    let (env, kit, target) = (Env::new(), Kit::up(), Target::start());
    let context = kit.kubectl(&["config", "current-context"]).trim().to_owned();
    let url = target.url();
    let look = |more: &[&str]| measured(&env, kit.get("KUBECONFIG"), &[&["--url", &url], more].concat());
    assert!(look(&[]).get("kubernetes").is_none(), "the target is outside");
    let named = look(&["--kube-context", &context]);
    let mesh = &named["mesh"];
    // The kit has no policy for the whole mesh.
    assert_eq!((&mesh["type"], &mesh["mtls"]), (&json!("ISTIO"), &json!(false)), "{named}");
    assert_eq!(mesh["labels"]["mtls_mode"], "PERMISSIVE", "{named}");
    let node = kit.kubectl(&["get", "nodes", "-o", "jsonpath={.items[0].status.addresses[0].address}"]);
    let inside = measured(&env, kit.get("KUBECONFIG"), &["--url", &format!("http://{node}:9/")]);
    assert_eq!(inside["kubernetes"]["context"], context.as_str(), "{inside}");
}
