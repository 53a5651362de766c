//! The plane as a Helm chart.
//!
//! Templates are made of the very objects that a start applies: what a user of the chart can choose stands in them as a
//! stand-in, which becomes an expression. A chart can therefore not drift from what `system start` does.

mod stand_ins;
mod texts;

use serde_json::{Value, json};

use super::grants::{self, Feature};
use super::marks::Marks;
use super::options::{Expose, Options, Pull, Storage};
use super::{Wishes, crds, namespace, network, roles, secret, storage, workload};
use crate::base::error::Result;
use crate::base::yaml;
use crate::plane::adapter;
use crate::plane::spec::{BROKER, BROKER_IMAGE, BROKER_PORT, Part, PartKind, Spec};
use stand_ins as stand;

/// A chart as files: path below the chart's folder, and text.
pub type Files = Vec<(String, String)>;

/// Name of the chart.
pub const NAME: &str = "meshery";

/// Makes the chart; `spec` and `options` are the defaults of its values.
///
/// # Errors
/// A fault of this program: an object that cannot be written as YAML.
pub fn files(spec: &Spec, options: &Options) -> Result<Files> {
    let mut files = vec![
        ("Chart.yaml".to_owned(), texts::chart_file(&options.version)),
        ("values.yaml".to_owned(), values(spec, options)?),
        ("templates/_helpers.tpl".to_owned(), format!("{}{}", texts::HELPERS, rules()?)),
        ("templates/NOTES.txt".to_owned(), texts::NOTES.to_owned()),
    ];
    for mut definition in crds::objects() {
        definition["metadata"]["labels"][super::marks::MANAGED_BY] = json!("Helm");
        let name = definition["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        files.push((format!("crds/{name}.yaml"), yaml::write_kubernetes(&definition)?));
    }
    files.extend(templates()?.into_iter().map(|(name, text)| (format!("templates/{name}.yaml"), text)));
    Ok(files)
}

fn templates() -> Result<Files> {
    let spec = stand_in_spec();
    let wishes = Wishes {
        namespace: Some(stand::NAMESPACE.to_owned()),
        storage: Some(Storage::HostPath { path: stand::PATH.to_owned(), node: Some(stand::NODE.to_owned()) }),
        size: Some(stand::SIZE.to_owned()),
        expose: Some(Expose::Forward),
        grants: Some(Feature::PLAIN.to_vec()),
        ..Wishes::default()
    };
    let options = Options { version: stand::VERSION.to_owned(), pull: Pull::Never, ..Options::of(&wishes) };
    let marks = Marks { spec: &spec, options: &options };
    let host = Options {
        expose: Expose::Ingress { host: stand::HOST.to_owned(), class: Some(stand::CLASS.to_owned()) },
        ..options.clone()
    };
    let ingress = network::ingress(&Marks { spec: &spec, options: &host });
    let [server, adapter, broker] = [0, 1, 2].map(|index| &spec.parts[index]);
    let part = |part: &Part| [stand::service(network::service(&marks, part), part.kind), deployment(&marks, part)];
    let ephemeral = r#"{{- if ne $.Values.storage.kind "ephemeral" }}"#;
    let stored: Vec<Value> = storage::objects(&marks);
    Ok(vec![
        file("namespace", Some("{{- if $.Values.namespace.create }}"), &[namespace(&marks)])?,
        ("access".to_owned(), access(&marks)?),
        ("token".to_owned(), format!("{}{}", texts::TOKEN, stand::text(&[stand::token(secret(&marks, ""))])?)),
        file("volume", Some(r#"{{- if eq $.Values.storage.kind "hostpath" }}"#), &stored[..1])?,
        file("claim", Some(ephemeral), &[stand::claim(stored[1].clone())])?,
        file("server", None, &part(server))?,
        ("adapters".to_owned(), format!("{}{}{}", texts::EACH_ADAPTER, stand::text(&part(adapter))?, texts::END_EACH)),
        file("broker", Some("{{- if $.Values.broker.enabled }}"), &part(broker))?,
        file(
            "ingress",
            Some(r#"{{- if eq $.Values.expose.kind "ingress" }}"#),
            &ingress.into_iter().collect::<Vec<_>>(),
        )?,
    ])
}

fn file(name: &str, condition: Option<&str>, objects: &[Value]) -> Result<(String, String)> {
    let text = stand::text(objects)?;
    Ok((
        name.to_owned(),
        match condition {
            Some(condition) => format!("{condition}\n{text}{{{{- end }}}}\n"),
            None => text,
        },
    ))
}

/// The server, one adapter that stands for each, and the broker.
fn stand_in_spec() -> Spec {
    let adapter = Part {
        name: stand::ADAPTER.to_owned(),
        kind: PartKind::Adapter,
        image: stand::IMAGE.to_owned(),
        arguments: crate::plane::spec::adapter_arguments(stand::MESH, stand::ADAPTER_PORT),
        port: stand::ADAPTER_PORT,
    };
    let broker = Part {
        name: BROKER.to_owned(),
        kind: PartKind::Broker,
        image: stand::BROKER_IMAGE.to_owned(),
        arguments: Vec::new(),
        port: BROKER_PORT,
    };
    Spec {
        context: String::new(),
        instance: stand::INSTANCE.to_owned(),
        parts: vec![crate::plane::spec::server(stand::IMAGE), adapter, broker],
    }
}

fn deployment(marks: &Marks<'_>, part: &Part) -> Value {
    stand::deployment(workload::deployment(marks, part), part.kind)
}

/// Account, roles and bindings; the rules come from the helper, and a role without rules is left out.
fn access(marks: &Marks<'_>) -> Result<String> {
    let mut objects = roles::objects(marks);
    let own = objects.split_off(3);
    let mut everywhere = objects.split_off(1);
    everywhere[0]["rules"] = json!(stand::RULES);
    let operator = r#"{{- if has "operator" $.Values.grants }}"#;
    Ok(format!(
        "{}{{{{- if include \"meshery.rules\" $ | trim }}}}\n{}{{{{- end }}}}\n{operator}\n{}{{{{- end }}}}\n",
        stand::text(&objects)?,
        stand::text(&everywhere)?,
        stand::text(&own)?
    ))
}

/// The helper that writes the rules of what is granted.
fn rules() -> Result<String> {
    let mut text = "{{- define \"meshery.rules\" -}}\n".to_owned();
    for feature in Feature::all() {
        let grants = grants::of_feature(&feature);
        let rules: Vec<Value> = grants.iter().filter(|grant| !grant.own_namespace).map(grants::Grant::rule).collect();
        if rules.is_empty() {
            continue;
        }
        let granted = format!("has \"{feature}\" $.Values.grants");
        let condition = match feature {
            Feature::Mesh(mesh) => {
                format!("or ({granted}) (dig \"meshery-{mesh}\" \"enabled\" false $.Values.adapters)")
            }
            _ => granted,
        };
        text.extend([
            format!("{{{{- if {condition} }}}}\n"),
            yaml::write_kubernetes(&rules)?,
            "{{- end }}\n".to_owned(),
        ]);
    }
    text.push_str("{{- end }}\n");
    Ok(text)
}

/// The values with their defaults, each part under a comment.
fn values(spec: &Spec, options: &Options) -> Result<String> {
    let image = &spec.server().image;
    let adapters: serde_json::Map<String, Value> = adapter::ALL
        .iter()
        .map(|known| {
            let enabled = spec.adapters().any(|part| part.name == known.name);
            (known.name.to_owned(), json!({"enabled": enabled, "port": known.port}))
        })
        .collect();
    let broker = spec.parts.iter().find(|part| part.kind == PartKind::Broker);
    let (path, node) = match &options.storage {
        Storage::HostPath { path, node } => (path.as_str(), node.as_deref().unwrap_or_default()),
        _ => ("", ""),
    };
    let (port, host, class) = match &options.expose {
        Expose::NodePort(port) => (port.unwrap_or_default(), "", ""),
        Expose::Ingress { host, class } => (0, host.as_str(), class.as_deref().unwrap_or_default()),
        Expose::Forward | Expose::LoadBalancer => (0, "", ""),
    };
    let pull = if options.pull == Pull::Never { Pull::IfNotPresent } else { options.pull };
    let kind = |text: String| text.split('=').next().unwrap_or_default().to_owned();
    let resources = json!({
        "server": workload::resources(PartKind::Server), "adapter": workload::resources(PartKind::Adapter),
        "broker": workload::resources(PartKind::Broker)
    });
    let storage = json!({
        "kind": kind(options.storage.to_string()), "size": options.size,
        "class": options.class.clone().unwrap_or_default(), "path": path, "node": node
    });
    let expose = json!({"kind": kind(options.expose.to_string()), "nodePort": port, "host": host, "class": class});
    let broker = json!({"enabled": broker.is_some(), "image": broker.map_or(BROKER_IMAGE, |part| part.image.as_str())});
    let parts: [(&str, Value); 13] = [
        ("image", json!(image)),
        ("pullPolicy", json!(pull.word())),
        ("pullSecret", json!(options.pull_secret.clone().unwrap_or_default())),
        ("token", json!("")),
        ("namespace", json!({"create": false})),
        ("grants", json!(options.grants)),
        ("storage", storage),
        ("expose", expose),
        ("hosts", json!(options.hosts)),
        ("env", json!(options.environment)),
        ("adapters", Value::Object(adapters)),
        ("broker", broker),
        ("resources", resources),
    ];
    let mut text = String::new();
    for (key, value) in parts {
        text.extend([format!("# {}\n", texts::comment(key)), yaml::write_kubernetes(&json!({key: value}))?]);
        if !text.ends_with('\n') {
            text.push('\n');
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::super::tests::context;
    use super::*;

    fn chart() -> Files {
        let spec = Spec::new(&context(&["istio"]), "registry.example.org/meshery:1", None).unwrap();
        files(&spec, &Options::of(&Wishes::default())).unwrap()
    }

    #[test]
    fn no_stand_in_is_left_in_any_file() {
        for (path, text) in chart() {
            assert!(!text.contains("zz") && !text.contains(&stand::ADAPTER_PORT.to_string()), "{path}:\n{text}");
        }
    }

    #[test]
    fn values_hold_what_the_context_says() {
        let files = chart();
        let values = &files.iter().find(|(path, _)| path == "values.yaml").unwrap().1;
        let values = yaml::read_kubernetes(values).unwrap();
        assert_eq!(values["image"], "registry.example.org/meshery:1");
        assert_eq!(values["adapters"]["meshery-istio"], json!({"enabled": true, "port": 10000}));
        assert_eq!(values["adapters"]["meshery-kuma"]["enabled"], false);
        assert_eq!(values["storage"]["kind"], "claim");
        assert_eq!(values["grants"], json!(["discovery", "patterns"]));
    }
}
