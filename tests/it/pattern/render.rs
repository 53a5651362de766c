//! `pattern render`: overlays, values, imports, and what becomes of the patterns of the seed era.

use crate::support::env::Env;

const BASE: &str = "name: shop\nvars: {replicas: 1, image: nginx}\nservices:\n  web:\n    type: Deployment\n    namespace: shop\n    settings:\n      replicas: $(#ref.vars.replicas)\n      selector: {matchLabels: {app: web}}\n      template:\n        metadata: {labels: {app: web}}\n        spec:\n          containers:\n            - {name: web, image: $(#ref.vars.image)}\n            - {name: log, image: busybox}\n";

fn seed(name: &str) -> String {
    format!("{}/fixtures/patterns/seed/{name}.yaml", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn overlays_values_and_single_values_go_over_the_pattern_and_tell_where_they_stand() {
    let env = Env::new();
    env.write("work/base.yaml", BASE);
    env.write("work/prod.yaml", "services:\n  web:\n    settings:\n      template:\n        spec:\n          containers:\n            - {name: log, image: fluent}\n");
    env.write("work/values.yaml", "replicas: 2\nimage: nginx:2\n");
    let args =
        ["pattern", "render", "-f", "base.yaml", "-f", "prod.yaml", "--values", "values.yaml", "--set", "replicas=5"];
    let output = env.ctl(args.into_iter().chain(["--origin"])).ok();
    insta::assert_snapshot!(output, @r"
    exit: 0
    --- stdout
    apiVersion: apps/v1 # base.yaml:5:5
    kind: Deployment # base.yaml:5:5
    metadata:
      name: web # base.yaml:4:3
      namespace: shop # base.yaml:6:5
      labels:
        resource.pattern.meshery.io/id: 809589dc-a6af-5949-aa59-888d54eb2e36 # made by mesheryctl
      annotations:
        pattern.meshery.io/name: shop # made by mesheryctl
        pattern.meshery.io/service: web # made by mesheryctl
    spec:
      replicas: 5 # base.yaml:8:7, $(#ref.vars.replicas) from --set replicas
      selector:
        matchLabels:
          app: web # base.yaml:9:32
      template:
        metadata:
          labels:
            app: web # base.yaml:11:29
        spec:
          containers:
            -
              name: web # base.yaml:14:16
              image: nginx:2 # base.yaml:14:27, $(#ref.vars.image) from values.yaml:2:1
            -
              name: log # prod.yaml:7:16
              image: fluent # prod.yaml:7:27
    --- stderr
    ");
    let json = env.ctl(args.into_iter().chain(["-o", "json"])).ok().json();
    assert_eq!((&json["kind"], &json["items"][0]["spec"]["replicas"]), (&"List".into(), &5.into()));
    assert_eq!(env.ctl(args.into_iter().chain(["-o", "name"])).ok().stdout, "Deployment shop/web\n");
}

#[test]
fn an_unknown_variable_is_an_error_with_the_nearest_name() {
    let env = Env::new();
    env.write("work/base.yaml", BASE);
    let output = env.ctl(["pattern", "render", "-f", "base.yaml", "--set", "replica=5"]).run();
    insta::assert_snapshot!(output, @r"
    exit: 65
    --- stdout
    --- stderr
    error: --set replica: the pattern has no variable `replica`
      did you mean replicas?
      its variables: replicas, image
    fix: Correct the name, or add the variable with a default under `vars`.
    see: mesheryctl explain pattern-variable
    ");
}

#[test]
fn a_file_imports_a_file_beside_it() {
    let env = Env::new();
    env.write(
        "work/dir/shop.yaml",
        "name: shop\nservices:\n  db: {type: $(#use ./lib/db.yaml), namespace: data, settings: {size: 3}}\n",
    );
    env.write("work/dir/lib/db.yaml", "name: db\nvars: {size: 1}\nservices:\n  store: {type: ConfigMap, settings: {data: {size: \"$(#ref.vars.size) Gi\"}}}\n");
    let output = env.ctl(["pattern", "render", "-f", "dir/shop.yaml", "-o", "json"]).ok();
    let object = &output.json()["items"][0];
    assert_eq!((&object["data"]["size"], &object["metadata"]["name"]), (&"3 Gi".into(), &"store".into()));
    assert_eq!(object["metadata"]["annotations"]["pattern.meshery.io/service"], "db.store");
    env.write("work/dir/lib/db.yaml", "name: db\nservices: []\n");
    let broken = env.ctl(["pattern", "validate", "-f", "dir/shop.yaml"]).run();
    assert_eq!(broken.code, Some(65), "{broken}");
    assert!(broken.stderr.contains("dir/lib/db.yaml:2:1: services must be a mapping"), "{broken}");
}

#[test]
fn an_import_from_a_host_nobody_allowed_is_refused() {
    let env = Env::new();
    env.write("work/shop.yaml", "name: shop\nservices:\n  db: {type: $(#use https://patterns.example.com/db.yaml)}\n");
    let output = env.ctl(["pattern", "render", "-f", "shop.yaml"]).run();
    assert_eq!(output.code, Some(2), "{output}");
    assert!(output.stderr.contains("neither an allowed host"), "{output}");
}

#[test]
fn patterns_of_the_seed_era_are_understood() {
    let env = Env::new();
    let library = seed("library-retries");
    let rows = env.ctl(["pattern", "validate", "-f", &library, "-o", "json"]).ok().json();
    assert_eq!(rows[0]["objects"], 4, "two Deployments, a Service of an Application, a Service of its own");
    let order = env.ctl(["pattern", "render", "-f", &library, "--stage", "order", "-o", "json"]).ok();
    let rows = order.json();
    let objects: Vec<&str> = rows.as_array().unwrap().iter().map(|row| row["object"].as_str().unwrap()).collect();
    assert_eq!(
        objects,
        [
            "Service default/catalogue",
            "Service default/ratings",
            "Deployment default/catalogue",
            "Deployment default/ratings-v1"
        ]
    );
    assert!(order.stderr.contains("layout only"), "an edge to a service that is gone is a warning: {order}");
    env.ctl(["pattern", "validate", "-f", &seed("circuit-breaker")]).ok();
}

#[test]
fn defects_11_and_12_references_are_resolved_before_types_are_looked_up_and_without_greed() {
    let env = Env::new();
    env.write("work/p.yaml", "name: p\nvars: {kind: ConfigMap, n: 3, a: x, b: why, list: [[1, [2]]]}\nservices:\n  c:\n    type: $(#ref.vars.kind)\n    settings: {data: {two: $(#ref.vars.a)-$(#ref.vars.b)), text: \"$$(#ref.vars.a)\"}, immutable: true}\n  d: {type: ConfigMap, settings: {data: {n: $(#ref.vars.n)}, binaryData: {deep: $(#ref.vars.list)}}}\n");
    let items = env.ctl(["pattern", "render", "-f", "p.yaml", "-o", "json"]).ok().json();
    assert_eq!(items["items"][0]["data"], serde_json::json!({"two": "x-why)", "text": "$(#ref.vars.a)"}));
    assert_eq!(items["items"][1]["data"]["n"], 3);
    assert_eq!(items["items"][1]["binaryData"]["deep"], serde_json::json!([[1, [2]]]));
}

#[test]
fn defect_15_document_ends_with_blanks_and_carriage_returns_are_read() {
    let env = Env::new();
    env.write("work/p.yaml", "---  \r\nname: p\r\nservices:\r\n  a: {type: ConfigMap}\r\n---\r\n");
    let output = env.ctl(["pattern", "validate", "-f", "p.yaml", "-o", "json"]).ok();
    assert_eq!(output.json()[0]["objects"], 1);
}

#[test]
fn defect_18_bodies_of_every_group_are_kept_whole() {
    let env = Env::new();
    env.write("work/p.yaml", "name: p\nservices:\n  r: {type: ClusterRole, settings: {rules: [{apiGroups: [\"\"], resources: [pods], verbs: [get]}], aggregationRule: {}}}\n");
    let object = env.ctl(["pattern", "render", "-f", "p.yaml", "-o", "json"]).ok().json();
    assert_eq!(object["items"][0]["rules"][0]["verbs"][0], "get");
    assert!(object["items"][0]["aggregationRule"].is_object());
}

#[test]
fn defect_7_a_trait_without_effect_is_said_and_never_applied() {
    let env = Env::new();
    env.write(
        "work/p.yaml",
        "name: p\nservices:\n  a: {type: ConfigMap, traits: {mTLS: {policy: strict, namespaces: [x]}}}\n",
    );
    let output = env.ctl(["pattern", "validate", "-f", "p.yaml"]).ok();
    assert!(output.stderr.contains("trait `mTLS` has no effect: no policy for mutual TLS is made"), "{output}");
}
