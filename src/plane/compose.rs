//! A plane as a compose file: the same containers, network and volume that `system start` makes.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::container::{
    Container, HOME, HOST_GATEWAY, HOST_NAME, KUBECONFIG_FILE, LABEL_COMPONENT, LABEL_CONTEXT, LABEL_HOME, Settings,
    TOKEN_FILE, USER, containers, plane_name,
};
use super::spec::Spec;
use crate::base::error::Result;
use crate::base::{env, yaml};

/// What a compose file says beside the components.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ComposeOptions {
    /// Port and environment of the server.
    pub settings: Settings,
    /// File with the plane's token, as it is written into the compose file; relative paths start at its folder.
    pub token_file: String,
    /// Kubeconfig for the server, written in the same way; without one it knows no cluster.
    pub kubeconfig: Option<String>,
    /// Id of the Meshery home whose plane it is, so that the verbs of that home know it as theirs.
    pub home: String,
}

/// The compose file of a plane. Secrets stay in files that it names.
///
/// # Errors
/// An internal fault, when it cannot be written as text.
pub fn compose(spec: &Spec, options: &ComposeOptions) -> Result<String> {
    let name = plane_name(&spec.instance);
    let made = containers(spec, &options.settings);
    let services: Map<String, Value> =
        made.iter().map(|container| (container.component.clone(), service(spec, container, options))).collect();
    let labels = json!({LABEL_CONTEXT: spec.context, LABEL_HOME: options.home});
    let mut secrets = json!({"token": {"file": options.token_file}});
    if let Some(path) = &options.kubeconfig {
        secrets["kubeconfig"] = json!({"file": path});
    }
    // Every name is written out, so that the file needs none for itself, which older programs do not read.
    let file = json!({
        "services": services,
        "networks": {"plane": {"name": name, "labels": labels}},
        "volumes": {"data": {"name": name, "labels": labels}},
        "secrets": secrets,
    });
    Ok(format!("{}{}", header(options), yaml::write(&file)?))
}

/// What whoever runs the file has to know.
fn header(options: &ComposeOptions) -> String {
    let files: Vec<&str> =
        [Some(options.token_file.as_str()), options.kubeconfig.as_deref()].into_iter().flatten().collect();
    let files = files.join(" ");
    format!(
        "# The plane's image is not in a registry: bring it to the engine with\n\
         #   mesheryctl system image save -f - | docker load\n\
         # Files of secrets keep their owner in the container, so user {USER} has to be able to read them:\n\
         #   setfacl -m u:{USER}:r {files}\n"
    )
}

fn service(spec: &Spec, container: &Container, options: &ComposeOptions) -> Value {
    let mut service = json!({
        "container_name": container.name,
        "image": container.image,
        "command": container.arguments,
        "user": container.user,
        "environment": environment(container, options),
        "labels": {
            LABEL_CONTEXT: spec.context, LABEL_HOME: options.home, LABEL_COMPONENT: container.component
        },
        "networks": {"plane": {"aliases": [container.component]}},
        "restart": "unless-stopped",
        "read_only": true,
        "tmpfs": container.in_memory.iter().map(|(folder, how)| format!("{folder}:{how}")).collect::<Vec<_>>(),
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "mem_limit": container.memory,
        "stop_grace_period": format!("{}s", container.grace),
    });
    if container.volume.is_some() {
        service["volumes"] = json!([{"type": "volume", "source": "data", "target": HOME}]);
        service["secrets"] = secrets(options);
        service["extra_hosts"] = json!([format!("{HOST_NAME}:{HOST_GATEWAY}")]);
    }
    if let Some(port) = container.published {
        service["ports"] = json!([format!("127.0.0.1:{port}:{}", container.port)]);
    }
    if !container.health.is_empty() {
        let test: Vec<&str> = ["CMD"].into_iter().chain(container.health.iter().map(String::as_str)).collect();
        service["healthcheck"] =
            json!({"test": test, "interval": "30s", "timeout": "5s", "retries": 3, "start_period": "30s"});
    }
    if let Some(body) = service.as_object_mut() {
        let is_empty = |value: &Value| match value {
            Value::Null => true,
            Value::Array(list) => list.is_empty(),
            Value::Object(map) => map.is_empty(),
            _ => false,
        };
        body.retain(|_, value| !is_empty(value));
    }
    service
}

/// The container's environment; a kubeconfig is named only where one is mounted.
fn environment(container: &Container, options: &ComposeOptions) -> BTreeMap<String, String> {
    let mut found = container.environment.clone();
    if options.kubeconfig.is_none() {
        found.remove(env::KUBECONFIG);
    }
    found
}

fn secrets(options: &ComposeOptions) -> Value {
    let mut found = vec![json!({"source": "token", "target": format!("{HOME}/{TOKEN_FILE}")})];
    if options.kubeconfig.is_some() {
        found.push(json!({"source": "kubeconfig", "target": format!("{HOME}/{KUBECONFIG_FILE}")}));
    }
    found.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::context::{Context, Platform};

    #[test]
    fn the_file_says_what_the_engine_is_told() {
        let context = Context {
            name: "team".into(),
            endpoint: "http://localhost:9081".into(),
            token: "default".into(),
            platform: Platform::Docker,
            components: vec!["istio".into()],
            channel: "stable".into(),
            version: "latest".into(),
            provider: String::new(),
        };
        let spec = Spec::new(&context, "meshery/mesheryctl:1", Some("nats:2-alpine")).unwrap();
        let options = ComposeOptions {
            settings: Settings { port: 9090, ..Settings::default() },
            token_file: "./auth.json".into(),
            kubeconfig: Some("./kubeconfig.yaml".into()),
            home: "h".into(),
        };
        let text = compose(&spec, &options).unwrap();
        let file: Value = yaml::read(&text).unwrap();
        let server = &file["services"]["meshery"];
        assert_eq!(server["ports"], json!(["127.0.0.1:9090:9081"]));
        assert_eq!(server["environment"]["ADAPTER_URLS"], "meshery-istio:10000");
        assert_eq!(server["secrets"][1]["target"], format!("{HOME}/{KUBECONFIG_FILE}"));
        assert_eq!(file["secrets"]["token"]["file"], "./auth.json");
        for labels in [&server["labels"], &file["networks"]["plane"]["labels"], &file["volumes"]["data"]["labels"]] {
            assert_eq!((&labels[LABEL_CONTEXT], &labels[LABEL_HOME]), (&json!("team"), &json!("h")));
        }
        assert!(server["environment"][env::KUBECONFIG].is_string());
        let plain = compose(&spec, &ComposeOptions { kubeconfig: None, ..options }).unwrap();
        assert!(!plain.contains(env::KUBECONFIG), "{plain}");
        for name in ["meshery", "meshery-istio", "broker"] {
            let service = &file["services"][name];
            assert_eq!((&service["read_only"], &service["cap_drop"]), (&json!(true), &json!(["ALL"])), "{name}");
        }
        assert_eq!(file["services"]["broker"]["command"], Value::Null, "the image's own");
        assert_eq!(file["volumes"]["data"]["name"], "meshery-team");
        assert!(text.contains("setfacl -m u:65532:r ./auth.json ./kubeconfig.yaml"), "{text}");
    }
}
