//! `system chart`: rendered by Helm, it is what `system manifest` prints.

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::{Value, json};

use super::world::{IMAGE, World};
use crate::support::cluster::Kit;

#[test]
fn a_chart_is_written_into_an_empty_folder() {
    let world = World::new();
    let written = world.ctl(&["system", "chart", "-d", "chart", "--image", IMAGE, "-o", "json"]).ok().json();
    assert_eq!(written["image"], IMAGE);
    for file in
        ["Chart.yaml", "values.yaml", "templates/server.yaml", "templates/NOTES.txt", "crds/brokers.meshery.io.yaml"]
    {
        assert!(world.env.path("work/chart").join(file).exists(), "{file}");
    }
    let again = world.ctl(&["system", "chart", "-d", "chart", "--image", IMAGE]).run();
    assert_eq!(again.code, Some(2), "{again}");
    assert!(again.stderr.contains("export-target"), "{again}");
}

/// Objects by kind and name, without what a chart cannot have: who manages them, and its own version of their order.
fn by_name(documents: Vec<Value>) -> BTreeMap<String, Value> {
    let mut all = BTreeMap::new();
    for mut object in documents {
        let labels = &mut object["metadata"]["labels"];
        assert!(labels["app.kubernetes.io/managed-by"].is_string(), "{object}");
        labels["app.kubernetes.io/managed-by"] = json!("");
        let template = &mut object["spec"]["template"]["metadata"]["labels"];
        if template.is_object() {
            template["app.kubernetes.io/managed-by"] = json!("");
        } else if object["spec"].get("template").is_some() {
            object["spec"].as_object_mut().unwrap().remove("template");
        }
        let name = format!("{}/{}", object["kind"], object["metadata"]["name"]);
        assert!(all.insert(name.clone(), object).is_none(), "{name} is there twice");
    }
    all
}

#[test]
#[ignore = "needs the kit: tests/kit/up.sh node"]
fn a_rendered_chart_is_what_the_manifest_says() {
    let kit = Kit::up();
    let world = World::new();
    let flags: &[&[&str]] = &[
        &[],
        &["--storage", "ephemeral", "--grant", "discovery"],
        &["--storage", "hostpath=/data/meshery@node-1", "--storage-size", "5Gi", "--expose", "node-port=30123"],
        &["--storage", "hostpath=/data/meshery", "--expose", "load-balancer", "--broker"],
        &["--storage-class", "fast", "--expose", "ingress=meshery.example.org,nginx", "--namespace", "team"],
        &["--grant", "discovery,patterns,secrets,roles,definitions,operator,linkerd", "--image-pull-secret", "regcred"],
    ];
    for (number, flags) in flags.iter().enumerate() {
        let folder = format!("chart-{number}");
        let chart = ["system", "chart", "-d", &folder, "--image", IMAGE];
        world.ctl(&[&chart[..], *flags].concat()).ok();
        let namespace = flags.windows(2).find(|pair| pair[0] == "--namespace").map_or("meshery", |pair| pair[1]);
        let output = Command::new(kit.get("HELM"))
            .args([
                "template",
                "team",
                folder.as_str(),
                "--include-crds",
                "--namespace",
                namespace,
                "--kube-version",
                "1.30.0",
            ])
            .args(["--set", "namespace.create=true", "--set", "token=0123456789abcdef"])
            .current_dir(world.env.path("work"))
            .env("HOME", world.env.path("home"))
            .output()
            .unwrap();
        assert!(output.status.success(), "{flags:?}: {}", String::from_utf8_lossy(&output.stderr));
        let rendered = String::from_utf8(output.stdout).unwrap();
        let rendered = by_name(mesheryctl::base::yaml::read_kubernetes_stream(&rendered).unwrap());
        let manifest = ["system", "manifest", "--with-token", "--image", IMAGE];
        let printed = world.ctl(&[&manifest[..], *flags].concat()).ok().stdout;
        let printed = by_name(mesheryctl::base::yaml::read_kubernetes_stream(&printed).unwrap());
        assert_eq!(rendered.keys().collect::<Vec<_>>(), printed.keys().collect::<Vec<_>>(), "{flags:?}");
        for (name, object) in &printed {
            assert_eq!(&rendered[name], object, "{flags:?}: {name}");
        }
    }
}
