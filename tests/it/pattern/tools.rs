//! Real programs render what is imported, and take what is exported: helm, kubectl, a real Kubernetes node.

use serde_json::Value;

use mesheryctl::base::yaml;

use super::apply::actions;
use super::import::FIXTURES;
use crate::support::cluster::Kit;
use crate::support::ctl::{Output, Run};
use crate::support::env::Env;

const SHOP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/patterns/shop.yaml");

/// A PATH with the kit's helm and kubectl first.
fn with_tools<'e>(env: &Env, kit: &Kit, run: Run<'e>) -> Run<'e> {
    let bin = env.path("bin");
    std::fs::create_dir_all(&bin).unwrap();
    for (name, key) in [("helm", "HELM"), ("kubectl", "KUBECTL")] {
        let link = bin.join(name);
        if !link.exists() {
            std::os::unix::fs::symlink(kit.get(key), link).unwrap();
        }
    }
    let rest = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(std::iter::once(bin).chain(std::env::split_paths(&rest))).unwrap();
    run.var("PATH", path).var("KUBECONFIG", kit.get("KUBECONFIG"))
}

fn helm(kit: &Kit, env: &Env, args: &[&str]) -> String {
    let output = std::process::Command::new(kit.get("HELM")).args(args).current_dir(env.path("work")).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "helm {args:?}: {}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

fn sorted(text: &str) -> Vec<String> {
    let mut objects: Vec<String> = yaml::read_kubernetes_stream(text).unwrap().iter().map(canonical).collect();
    objects.sort();
    objects
}

/// JSON with sorted keys and plain numbers.
fn canonical(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<String> =
                map.iter().map(|(key, value)| format!("{key:?}:{}", canonical(value))).collect();
            entries.sort();
            format!("{{{}}}", entries.join(","))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(",")),
        other => other.to_string(),
    }
}

#[test]
#[ignore = "needs the kit: tests/kit/up.sh node"]
fn a_chart_and_a_kustomize_folder_are_rendered() {
    let (kit, env) = (Kit::up(), Env::new());
    let chart = format!("{FIXTURES}/chart");
    let args = ["pattern", "import", "-f", &chart, "--set", "replicas=3", "--release-name", "till", "-n", "shop"];
    let output = with_tools(&env, &kit, env.ctl(args)).ok();
    let services = yaml::read_kubernetes(&output.stdout).unwrap()["services"].clone();
    assert_eq!(services["till-web"]["settings"]["spec"]["replicas"], 3);
    assert_eq!((&services["till-web"]["namespace"], &services["till"]["namespace"]), (&"shop".into(), &"shop".into()));
    assert!(services["tills.shop.example.org"]["namespace"].is_null(), "{output}");
    let wrong = with_tools(&env, &kit, env.ctl(["pattern", "import", "-f", "nosuch/chart", "-s", "Helm Chart"])).run();
    assert!(
        wrong.code == Some(1)
            && wrong.stderr.contains("`helm template` failed")
            && wrong.stderr.contains("repo nosuch not found"),
        "{wrong}"
    );
    helm(&kit, &env, &["package", &chart]);
    let packed = with_tools(&env, &kit, env.ctl(["pattern", "import", "-f", "corner-shop-0.2.0.tgz", "-q"])).ok();
    assert!(packed.stdout.starts_with("name: corner-shop\n"), "{packed}");

    let folder = format!("{FIXTURES}/kustomize/prod");
    let output = with_tools(&env, &kit, env.ctl(["pattern", "import", "-f", &folder, "-o", "json"])).ok().json();
    assert_eq!((&output["format"], &output["name"]), (&"kustomize".into(), &"prod".into()));
    let services = yaml::read_kubernetes(output["pattern_file"].as_str().unwrap()).unwrap()["services"].clone();
    let web = &services["prod-web"];
    assert_eq!((&web["namespace"], &web["settings"]["spec"]["replicas"]), (&"prod".into(), &3.into()));
    assert!(web["dependsOn"][0].as_str().unwrap().starts_with("prod-settings-"), "{services}");
}

#[test]
#[ignore = "needs the kit: tests/kit/up.sh node"]
fn an_exported_chart_lints_and_gives_the_same_objects() {
    let (kit, env) = (Kit::up(), Env::new());
    let bookshop = env.ctl(["pattern", "import", "-f", &format!("{FIXTURES}/bookshop.yaml"), "-q"]).ok().stdout;
    env.write("work/bookshop.yaml", bookshop);
    for (source, name) in [(SHOP, "shop"), ("bookshop.yaml", "bookshop")] {
        env.ctl(["pattern", "export", "-f", source, "--format", "helm", "-d", "charts"]).ok();
        let chart = format!("charts/{name}");
        helm(&kit, &env, &["lint", "--strict", &chart]);
        let manifests = env.ctl(["pattern", "export", "-f", source, "-q"]).ok().stdout;
        assert_eq!(
            sorted(&helm(&kit, &env, &["template", "--include-crds", "x", &chart])),
            sorted(&manifests),
            "{name}"
        );
        let tgz = format!("{name}.tgz");
        env.ctl(["pattern", "export", "-f", source, "--format", "helm", "--output-file", &tgz]).ok();
        assert_eq!(sorted(&helm(&kit, &env, &["template", "--include-crds", "x", &tgz])), sorted(&manifests), "{name}");
        let back = with_tools(&env, &kit, env.ctl(["pattern", "import", "-f", &tgz, "-q"])).ok().stdout;
        env.write("work/back.yaml", back);
        assert_eq!(
            sorted(&env.ctl(["pattern", "export", "-f", "back.yaml", "-q"]).ok().stdout),
            sorted(&manifests),
            "{name}"
        );
    }
    let changed = helm(&kit, &env, &["template", "x", "charts/shop", "--set", "namespace=other,image=a:1"]);
    assert!(changed.contains("namespace: \"other\"") && changed.contains("image: \"a:1\""), "{changed}");
    assert!(changed.contains("http://catalogue.other:8080"), "{changed}");
}

fn run(kit: &Kit, env: &Env, args: &[&str]) -> Output {
    env.ctl(args.iter().copied()).var("KUBECONFIG", kit.get("KUBECONFIG")).run()
}

#[test]
#[ignore = "needs the kit: tests/kit/up.sh node"]
fn an_imported_set_runs_on_a_real_cluster_and_comes_back_unchanged() {
    let (kit, env) = (Kit::up(), Env::new());
    let namespace = format!("inout-{}", std::process::id());
    env.write("work/compose.yaml", format!("name: {namespace}\nservices:\n  web: {{image: 'kit.local/sleep:1', ports: ['8080:80'], environment: {{A: b}}, configs: [c]}}\nconfigs: {{c: {{content: hello}}}}\n"));
    let pattern = env.ctl(["pattern", "import", "-f", "compose.yaml", "-q"]).ok().stdout;
    let with_namespace = pattern
        .replace("services:\n", &format!("services:\n  {namespace}:\n    type: Namespace\n    apiVersion: v1\n"));
    env.write("work/web.yaml", with_namespace);
    let applied = run(&kit, &env, &["pattern", "apply", "-f", "web.yaml", "-n", &namespace, "-o", "json"]);
    assert_eq!(applied.code, Some(0), "{applied}");
    // What others made by other ways of writing, defaults and all.
    kit.kubectl(&["-n", &namespace, "create", "deployment", "theirs", "--image=kit.local/sleep:1", "--port=80"]);
    kit.kubectl(&["-n", &namespace, "expose", "deployment", "theirs"]);

    let back = run(
        &kit,
        &env,
        &["pattern", "import", "--from-cluster", &namespace, "--name", &namespace, "--output-file", "back.yaml"],
    );
    assert_eq!(back.code, Some(0), "{back}");
    let text = env.read("work/back.yaml");
    assert!(
        !text.contains("terminationMessagePath") && !text.contains("clusterIP") && !text.contains("kube-root-ca"),
        "{text}"
    );
    let specs = || {
        kit.kubectl(&[
            "-n",
            &namespace,
            "get",
            "deployment,service",
            "-o",
            "jsonpath={range .items[*]}{.kind}/{.metadata.name}={.spec} {end}",
        ])
    };
    let before = specs();
    let again = run(&kit, &env, &["pattern", "apply", "-f", "back.yaml", "-o", "json", "--force-conflicts"]);
    assert_eq!(again.code, Some(0), "{again}");
    let mine = actions(&again).into_iter().filter(|action| !action.starts_with("theirs"));
    assert!(mine.into_iter().all(|action| action.ends_with(" unchanged")), "{again}");
    assert_eq!(before, specs(), "taking over what others made changes nothing in it");
    let third = run(&kit, &env, &["pattern", "apply", "-f", "back.yaml", "-o", "json"]);
    assert!(actions(&third).iter().all(|action| action.ends_with(" unchanged")), "{third}");
    let deleted = run(&kit, &env, &["pattern", "delete", &namespace, "--yes", "-o", "json"]);
    assert_eq!(deleted.code, Some(0), "{deleted}");
}
