//! The image in the kit's real containerd, run by its real kubelet.

use std::process::Command;

use crate::support::cluster::Kit;
use crate::support::env::Env;

/// An image of this test alone, and its pod; both are gone when it is dropped.
struct Imported<'k> {
    kit: &'k Kit,
    name: String,
    pod: String,
}

impl Drop for Imported<'_> {
    fn drop(&mut self) {
        let _ = self.kit.try_kubectl(&["delete", "pod", &self.pod, "--ignore-not-found", "--grace-period=1"]);
        let _ = ctr(self.kit, &["images", "rm", "--sync", &self.name]);
    }
}

/// Runs containerd's own client where the kubelet's images are.
fn ctr(kit: &Kit, args: &[&str]) -> Result<String, String> {
    let mut command = Command::new("ctr");
    if !rustix::process::geteuid().is_root() {
        command = Command::new("sudo");
        command.args(["-n", "ctr"]);
    }
    let output = command.args(["-a", kit.get("CONTAINERD"), "-n", "k8s.io"]).args(args).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

fn pod(name: &str, image: &str) -> String {
    serde_json::json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {
            "restartPolicy": "Never",
            "automountServiceAccountToken": false,
            "containers": [{
                "name": "mesheryctl",
                "image": image,
                "imagePullPolicy": "Never",
                "args": ["version", "--client", "-o", "json"],
                "securityContext": {
                    "runAsNonRoot": true,
                    "readOnlyRootFilesystem": true,
                    "allowPrivilegeEscalation": false,
                    "capabilities": {"drop": ["ALL"]},
                },
            }],
        },
    })
    .to_string()
}

#[test]
#[ignore = "needs the kit: tests/kit/up.sh node"]
fn containerd_takes_the_archive_and_a_locked_down_pod_runs_it() {
    let (kit, env) = (Kit::up(), Env::new());
    let mark = mesheryctl::base::id::short();
    let image = Imported { kit: &kit, name: format!("kit.local/own-image:{mark}"), pod: format!("own-image-{mark}") };
    let saved = env.ctl(["system", "image", "save", "-f", "image.tar", "--tag", &image.name, "-o", "json"]).ok().json();
    let archive = env.path("work/image.tar");
    ctr(&kit, &["images", "import", archive.to_str().unwrap()]).unwrap();
    let listed = ctr(&kit, &["images", "ls", &format!("name=={}", image.name)]).unwrap();
    assert!(listed.contains(saved["digest"].as_str().unwrap()), "the digest is the one that was told: {listed}");
    assert!(listed.contains(saved["platform"].as_str().unwrap()), "{listed}");

    env.write("work/pod.yaml", pod(&image.pod, &image.name));
    kit.kubectl(&["apply", "-f", env.path("work/pod.yaml").to_str().unwrap()]);
    let succeeded =
        ["wait", "--for=jsonpath={.status.phase}=Succeeded", "--timeout=120s", &format!("pod/{}", image.pod)];
    kit.try_kubectl(&succeeded)
        .unwrap_or_else(|error| panic!("{error}: {}", kit.kubectl(&["describe", "pod", &image.pod])));
    let said: serde_json::Value = serde_json::from_str(&kit.kubectl(&["logs", &image.pod])).unwrap();
    assert_eq!(said["client"]["build"], env!("CARGO_PKG_VERSION"));
}
