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

#[test]
fn every_file_is_checked_also_after_one_has_faults() {
    let env = Env::new();
    env.write("work/a.yaml", "name: a\nservices: 3\n");
    env.write("work/b.yaml", "name: b\nservices:\n  x: {type: VirtualService.Istio}\n");
    let output = env.ctl(["pattern", "validate", "-f", "a.yaml", "-f", "b.yaml"]).run();
    insta::assert_snapshot!(output, @r"
    exit: 65
    --- stdout
    FILE    PATTERN  SERVICES  OPEN KINDS  RESULT
    a.yaml  -        0         0           invalid
    b.yaml  b        1         1           valid
    --- stderr
    b.yaml: 1 service of a kind that only a cluster knows: x; apply asks it before anything is sent.
    error: 1 of 2 files invalid
      a.yaml:2:1: services must be a mapping of service keys to services, found a number
    fix: Correct the key that the message names.
    see: mesheryctl explain pattern-grammar
    ");
    let rows = env.ctl(["pattern", "validate", "-f", "a.yaml", "-f", "b.yaml", "-o", "json"]).run().json();
    assert_eq!((&rows[0]["valid"], &rows[1]["valid"]), (&false.into(), &true.into()));
    assert_eq!(rows[0]["error"]["code"], "pattern-grammar");
}
