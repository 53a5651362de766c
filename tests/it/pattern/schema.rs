//! Schemas never raise a false alarm: over the fixtures, and over everything a real cluster holds.

use std::fs;
use std::path::Path;

use mesheryctl::model::kubernetes::GroupVersionKind;
use mesheryctl::pattern::identify::Kinds;
use mesheryctl::pattern::schema::{self, Schemas};
use mesheryctl::pattern::{compile, parse};
use serde_json::Value;

use crate::support::cluster::Kit;

fn yaml_files(dir: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            yaml_files(&entry, found);
        } else if entry.extension().is_some_and(|end| end == "yaml" || end == "yml") {
            found.push(entry);
        }
    }
}

#[test]
fn every_good_fixture_fits_the_bundled_schemas() {
    let mut files = Vec::new();
    yaml_files(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures")), &mut files);
    let (mut checked, mut faults) = (0, Vec::new());
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let Ok(document) = parse::parse(&file.display().to_string(), &text) else { continue };
        let Ok(compiled) = compile(&document, &Kinds::offline(), "default") else { continue };
        checked += compiled.objects.len();
        faults.extend(schema::check(&document, &compiled, &Schemas::bundled()).iter().map(ToString::to_string));
    }
    assert!(checked > 10, "{checked} objects checked");
    assert!(faults.is_empty(), "{faults:#?}");
}

fn gvk(object: &Value) -> GroupVersionKind {
    GroupVersionKind::parse(object["apiVersion"].as_str().unwrap(), object["kind"].as_str().unwrap())
}

#[test]
#[ignore = "needs the kit: tests/kit/up.sh node"]
fn everything_a_real_cluster_holds_fits_its_own_and_the_bundled_schemas() {
    let kit = Kit::up();
    kit.kubectl(&["apply", "--server-side", "-f", kit.get("ISTIO_CRDS")]);
    let kinds = kit.kubectl(&["api-resources", "--verbs=list,patch", "-o", "name"]);
    let (mut checked, mut faults) = (0, Vec::new());
    let mut own = Schemas::bundled();
    let mut versions = Vec::new();
    for kind in kinds.lines() {
        let list: Value = serde_json::from_str(&kit.kubectl(&["get", kind, "-A", "-o", "json"])).unwrap();
        for object in list["items"].as_array().unwrap() {
            let gvk = gvk(object);
            let version = gvk.api_version();
            if !versions.contains(&version) {
                let root = if version.contains('/') { "apis" } else { "api" };
                let document = kit.kubectl(&["get", "--raw", &format!("/openapi/v3/{root}/{version}")]);
                own.add_document(&version, serde_json::from_str(&document).unwrap());
                versions.push(version);
            }
            checked += 1;
            for (schemas, which) in [(&own, "own"), (&Schemas::bundled(), "bundled")] {
                let name = &object["metadata"]["name"];
                faults.extend(schemas.faults(&gvk, object).iter().map(|fault| format!("{which}: {name}: {fault}")));
            }
        }
    }
    assert!(checked > 100, "{checked} objects checked");
    assert!(faults.is_empty(), "{} faults in {checked} objects: {:#?}", faults.len(), &faults[..faults.len().min(40)]);
}

#[test]
#[ignore = "needs the kit: tests/kit/up.sh node"]
fn resources_of_a_real_mesh_fit_its_crds_and_their_typos_are_found() {
    let kit = Kit::up();
    let text = fs::read_to_string(kit.get("ISTIO_CRDS")).unwrap();
    let definitions: Vec<Value> =
        mesheryctl::base::yaml::read_kubernetes_stream(&text).map_err(|_| "no YAML").unwrap().into_iter().collect();
    let services = definitions.iter().filter(|definition| definition["kind"] == "CustomResourceDefinition").fold(
        String::new(),
        |text, definition| {
            let name = definition["metadata"]["name"].as_str().unwrap();
            text + &format!(
                "  {name}: {{type: CustomResourceDefinition, settings: {{spec: {}}}}}\n",
                definition["spec"]
            )
        },
    );
    let resources = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/istio/resources.yaml")).unwrap();
    let faults = |resources: &str| -> Vec<String> {
        let text = format!("name: p\nservices:\n{services}{resources}");
        let document = parse::parse("p.yaml", &text).unwrap();
        let compiled = compile(&document, &Kinds::offline(), "default").unwrap();
        assert!(compiled.open.is_empty() && compiled.objects.len() > 20, "{:?}", compiled.open);
        let all = schema::check(&document, &compiled, &Schemas::bundled());
        all.iter().map(|fault| fault.message().to_owned()).collect()
    };
    assert_eq!(faults(&resources), Vec::<String>::new());
    let typos = resources
        .replace("subset: v1", "subsett: v1")
        .replace("mode: STRICT", "mode: STRIKT")
        .replace("weight: 80", "weight: most");
    let found = faults(&typos);
    assert_eq!(found.len(), 3, "{found:#?}");
    assert!(
        found.iter().any(|fault| fault.contains("subsett") && fault.contains("did you mean subset?")),
        "{found:#?}"
    );
    assert!(
        found.iter().any(|fault| fault.contains("must be one of UNSET, DISABLE, PERMISSIVE, STRICT")),
        "{found:#?}"
    );
}

#[test]
fn validate_tells_wrong_fields_offline() {
    let env = crate::support::env::Env::new();
    env.write("work/hello.yaml", super::apply::HELLO.replace("replicas: 1", "replica: 1"));
    let output = env.ctl(["pattern", "validate", "-f", "hello.yaml"]).run();
    assert_eq!(output.code, Some(65), "{output}");
    let told = "hello.yaml:15:7: service `web`: Deployment has no field `spec.replica`; did you mean replicas?";
    assert!(output.stderr.contains(told), "{output}");
}
