//! The pattern on a real Kubernetes node, with Istio's own CRDs.

use super::apply::actions;
use crate::support::cluster::Kit;
use crate::support::ctl::Output;
use crate::support::env::Env;

const SHOP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/patterns/shop.yaml");

fn run(kit: &Kit, env: &Env, args: &[&str]) -> Output {
    env.ctl(args.iter().copied()).var("KUBECONFIG", kit.get("KUBECONFIG")).run()
}

fn versions(kit: &Kit) -> String {
    let wide = ["get", "crd/campaigns.shop.meshery.io", "clusterrole/shop-node-reader", "namespace/shop"];
    let wide = kit
        .kubectl(&[&wide[..], &["-o", "jsonpath={range .items[*]}{.kind}/{.metadata.resourceVersion} {end}"]].concat());
    let inside = "configmap/shop-settings secret/database-login campaign/autumn virtualservice/storefront destinationrule/catalogue role/settings-reader";
    let mut args = vec!["get", "-n", "shop"];
    args.extend(inside.split(' '));
    args.extend(["-o", "jsonpath={range .items[*]}{.kind}/{.metadata.resourceVersion} {end}"]);
    format!("{wide}{}", kit.kubectl(&args))
}

#[test]
#[ignore = "needs the kit: tests/kit/up.sh node"]
fn the_shop_is_applied_again_unchanged_runs_and_is_deleted_without_a_trace() {
    let (kit, env) = (Kit::up(), Env::new());
    kit.kubectl(&["apply", "--server-side", "-f", kit.get("ISTIO_CRDS")]);
    kit.kubectl(&[
        "wait",
        "--for=condition=Established",
        "crd/virtualservices.networking.istio.io",
        "crd/destinationrules.networking.istio.io",
        "--timeout=60s",
    ]);

    let first = run(&kit, &env, &["pattern", "apply", "-f", SHOP, "-o", "json"]);
    assert_eq!(first.code, Some(0), "{first}");
    let created = actions(&first);
    assert_eq!(created.len(), 17);
    assert!(created.iter().all(|action| action.ends_with(" created")), "{created:?}");

    let before = versions(&kit);
    let second = run(&kit, &env, &["pattern", "apply", "-f", SHOP, "-o", "json"]);
    assert_eq!(second.code, Some(0), "{second}");
    assert!(actions(&second).iter().all(|action| action.ends_with(" unchanged")), "{second}");
    assert_eq!(before, versions(&kit), "an unchanged apply writes nothing");

    kit.kubectl(&[
        "-n",
        "shop",
        "rollout",
        "status",
        "deployment/catalogue",
        "deployment/database",
        "deployment/storefront",
        "--timeout=120s",
    ]);
    let running = kit.kubectl(&["-n", "shop", "get", "pods", "--field-selector=status.phase=Running", "-o", "name"]);
    assert_eq!(running.lines().count(), 4, "{running}");
    let status = run(&kit, &env, &["pattern", "status", "shop", "-o", "json"]).json();
    assert!(status["objects"].as_array().unwrap().iter().all(|object| object["health"] == "ready"), "{status}");

    let deleted = run(&kit, &env, &["pattern", "delete", "shop", "--yes", "-o", "json"]);
    assert_eq!(deleted.code, Some(0), "{deleted}");
    assert!(actions(&deleted).iter().all(|action| action.ends_with(" deleted")), "{deleted}");
    assert_eq!(kit.left_of("shop", "shop"), Vec::<String>::new());
    let gone = kit.kubectl(&[
        "get",
        "namespace/shop",
        "crd/campaigns.shop.meshery.io",
        "clusterrole/shop-node-reader",
        "--ignore-not-found",
        "-o",
        "name",
    ]);
    assert_eq!(gone, "");
}
