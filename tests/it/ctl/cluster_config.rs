//! `system config`: the plane gets to know a cluster.

use crate::support::env::Env;

const TWO: &str = "apiVersion: v1
kind: Config
current-context: one
clusters:
- {name: c, cluster: {server: 'http://127.0.0.1:1', certificate-authority: ca.crt}}
users:
- {name: u, user: {tokenFile: token}}
contexts:
- {name: one, context: {cluster: c, user: u}}
- {name: minikube, context: {cluster: c, user: u}}
";

fn world() -> Env {
    let env = Env::new();
    env.write("kube/ca.crt", "CA");
    env.write("kube/token", "secret");
    env.write("kube/config", TWO);
    env
}

#[test]
fn a_context_is_kept_by_the_plane_and_needs_no_file_afterwards() {
    let env = world();
    let kubeconfig = env.path("kube/config");
    let kept = env.ctl(["system", "config", "minikube", "-o", "json"]).var("KUBECONFIG", &kubeconfig).ok();
    assert_eq!(kept.json(), serde_json::json!([{"context": "minikube", "server": "http://127.0.0.1:1"}]));
    let text = env.read("home/.meshery/kubeconfig.yaml");
    assert!(text.contains("secret") && !text.contains("ca.crt") && !text.contains("name: one"), "{text}");
    let mode = {
        use std::os::unix::fs::PermissionsExt;
        std::fs::metadata(env.path("home/.meshery/kubeconfig.yaml")).unwrap().permissions().mode() & 0o777
    };
    assert_eq!(mode, 0o600);
    std::fs::remove_file(env.path("kube/token")).unwrap();
    std::fs::remove_file(&kubeconfig).unwrap();
    let checked = env.ctl(["system", "check", "-o", "json"]).run().json();
    let ids: Vec<&str> = checks(&checked);
    assert!(ids.contains(&"cluster/minikube"), "the plane knows it: {checked}");
}

fn checks(list: &serde_json::Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|check| check["id"].as_str().unwrap()).collect()
}

#[test]
fn a_second_context_joins_the_first_and_unknown_ones_are_named() {
    let env = world();
    let kubeconfig = env.path("kube/config");
    env.ctl(["system", "config", "minikube"]).var("KUBECONFIG", &kubeconfig).ok();
    env.ctl(["system", "config", "kubeconfig", "--kube-context", "one"]).var("KUBECONFIG", &kubeconfig).ok();
    let text = env.read("home/.meshery/kubeconfig.yaml");
    assert!(text.contains("name: one") && text.contains("name: minikube"), "{text}");
    let typo = env.ctl(["system", "config", "kubeconfig", "--kube-context", "on"]).var("KUBECONFIG", &kubeconfig).run();
    assert_eq!(typo.code, Some(5), "{typo}");
    let asked = env.ctl(["system", "config", "kubeconfig"]).var("KUBECONFIG", &kubeconfig).run();
    assert!(asked.code == Some(2) && asked.stderr.contains("--kube-context NAME"), "{asked}");
}

#[test]
fn the_programs_of_clouds_write_into_a_file_of_their_own() {
    let env = world();
    let program = "#!/bin/sh\necho \"$@\" > \"$HOME/said\"\nsed 's/current-context: one/current-context: minikube/' \
                   \"$HOME/../kube/flat\" > \"$KUBECONFIG\"\n";
    env.write(
        "kube/flat",
        TWO.replace("certificate-authority: ca.crt", "insecure-skip-tls-verify: true")
            .replace("tokenFile: token", "token: t"),
    );
    let path = env.write("bin/gcloud", program);
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let search = format!("{}:{}", env.path("bin").display(), mesheryctl::base::env::get("PATH").unwrap());
    let gke = ["system", "config", "gke", "--cluster", "shop", "--region", "r", "-o", "name"];
    let kept = env.ctl(gke).var("PATH", &search).ok();
    assert_eq!(kept.stdout, "minikube\n");
    assert_eq!(env.read("home/said"), "container clusters get-credentials shop --location r\n");
    assert!(
        env.files().iter().all(|file| !file.contains(".kubeconfig.") || file.contains(".lock")),
        "nothing is left: {:?}",
        env.files()
    );
    let missing = env.ctl(["system", "config", "eks", "--cluster", "c", "--region", "r"]).var("PATH", "/nowhere").run();
    assert!(missing.code == Some(1) && missing.stderr.contains("`aws` is not on PATH"), "{missing}");
}
