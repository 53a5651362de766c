//! `pattern validate` needs neither server nor cluster.

use crate::support::env::Env;

#[test]
fn a_valid_file_is_told_with_what_only_a_cluster_knows() {
    let env = Env::new();
    let shop = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/patterns/shop.yaml");
    let output = env.ctl(["pattern", "validate", "-f", shop, "-o", "json"]).ok();
    let checked = &output.json()[0];
    assert_eq!(checked["pattern"], "shop");
    assert_eq!(checked["services"], 18);
    assert_eq!(checked["objects"], 15);
    assert_eq!(checked["open"], serde_json::json!(["storefront-route", "catalogue-subsets"]));
    assert_eq!(checked["drawings"], serde_json::json!(["legend"]));
    assert_eq!(env.files(), [""; 0], "validate writes nothing");
}

#[test]
fn faults_are_told_in_file_order_with_their_places() {
    let env = Env::new();
    env.write("work/p.yaml", "name: p\nservices:\n  a:\n    type: ConfigMap\n    dependsOn: [b]\n  b:\n    type: ConfigMap\n    dependsOn: [a]\n  C:\n    type: Secret\n");
    let output = env.ctl(["pattern", "validate", "-f", "p.yaml"]).run();
    insta::assert_snapshot!(output, @r"
    exit: 65
    --- stdout
    --- stderr
    error: p.yaml:5:5: services depend on each other in a circle: a -> b -> a
      also: p.yaml:9:3: service `C`: name `C` of the Secret is not allowed: lower-case letters, digits, `-` and `.`, beginning and ending with a letter or digit, at most 253 characters
    fix: Remove one dependsOn of the circle that the message shows.
    see: mesheryctl explain pattern-cycle
    ");
}

#[test]
fn the_decks_pattern_says_what_is_missing_for_it() {
    let env = Env::new();
    let deck = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/patterns/istio-install.yaml");
    let output = env.ctl(["pattern", "validate", "-f", deck]).run();
    assert_eq!(output.code, Some(65), "{output}");
    assert!(output.stderr.contains("IstioMesh installs Istio through its adapter"), "{output}");
    assert!(output.stderr.contains("GrafanaIstioAddon"), "{output}");
}
