//! The `Application` workload of the seed era: a Deployment, and a Service in front of its ports.
//!
//! `settings` holds `containers`, `replicas`, `name`, `namespace`, `create_service` and `advanced.labels`. Pods carry
//! `app: NAME`, which the selectors of both objects choose.

use std::collections::{BTreeMap, HashSet};

use serde_json::{Map, Value, json};

use crate::base::error::{Code, Error, Result};
use crate::base::text;
use crate::model::pattern::Service;
use crate::pattern::locate::{Source, Step};

/// The type's name.
pub const KIND: &str = "Application";
const KEYS: &[&str] = &["name", "namespace", "replicas", "containers", "create_service", "advanced", "labels"];
const ADVANCED_KEYS: &[&str] = &["labels"];
/// The label that the selectors choose.
const APP: &str = "app";

/// Whether a service is the workload and not an object of a cluster's own kind `Application`.
pub fn is_application(service: &Service, cluster_has_kind: bool) -> bool {
    let named = service.kind.eq_ignore_ascii_case(KIND) && service.api_version.is_none() && service.model.is_none();
    named && (!cluster_has_kind || service.settings.contains_key("containers"))
}

/// The services that an `Application` stands for.
#[derive(Debug)]
pub struct Parts {
    /// Its Deployment.
    pub deployment: Service,
    /// Its Service; none without ports, or when `create_service` is false.
    pub service: Option<Service>,
    /// Things worth knowing.
    pub warnings: Vec<String>,
}

/// Takes an `Application` apart.
///
/// # Errors
/// [`Code::PatternGrammar`] for settings of the wrong shape, with their places.
pub fn parts(service: &Service, source: &Source) -> Result<Parts> {
    let reader = Reader { service, source };
    let name = match &service.name {
        Some(name) => name.clone(),
        None => reader.string("name")?.unwrap_or_else(|| service.key.clone()),
    };
    let namespace = match &service.namespace {
        Some(namespace) => Some(namespace.clone()),
        None => reader.string("namespace")?,
    };
    let mut warnings = reader.unknown_keys();
    let labels = reader.labels(&name, &mut warnings)?;
    let (containers, ports) = reader.containers(&name)?;
    let part = |kind: &str, settings: Value| Service {
        name: Some(name.clone()),
        kind: kind.to_owned(),
        namespace: namespace.clone(),
        labels: labels.clone(),
        settings: match settings {
            Value::Object(map) => map,
            _ => Map::new(),
        },
        traits: Map::new(),
        ..service.clone()
    };
    let deployment = part(
        "Deployment",
        json!({"spec": {
            "replicas": reader.replicas()?,
            "selector": {"matchLabels": {APP: name}},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": containers}},
        }}),
    );
    let wanted = reader.boolean("create_service")?.unwrap_or(true) && !ports.is_empty();
    let front = wanted.then(|| part("Service", json!({"spec": {"selector": {APP: name}, "ports": ports}})));
    Ok(Parts { deployment, service: front, warnings })
}

/// Reads settings, and knows where they stand.
struct Reader<'a> {
    service: &'a Service,
    source: &'a Source,
}

impl Reader<'_> {
    fn path(&self, steps: &[Step]) -> Vec<Step> {
        let base = [Step::from("services"), self.service.key.as_str().into(), "settings".into()];
        base.into_iter().chain(steps.iter().cloned()).collect()
    }

    fn fault(&self, steps: &[Step], message: &str) -> Error {
        Error::new(Code::PatternGrammar, format!("service `{}`: {message}", self.service.key))
            .at(self.source.place(&self.path(steps)))
    }

    fn get(&self, key: &str) -> Option<&Value> {
        self.service.settings.get(key).filter(|value| !value.is_null())
    }

    fn string(&self, key: &str) -> Result<Option<String>> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(other) => Err(self.fault(&[key.into()], &format!("`{key}` must be a string, found {other}"))),
        }
    }

    fn boolean(&self, key: &str) -> Result<Option<bool>> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::Bool(value)) => Ok(Some(*value)),
            Some(other) => Err(self.fault(&[key.into()], &format!("`{key}` must be true or false, found {other}"))),
        }
    }

    fn replicas(&self) -> Result<u64> {
        match self.get("replicas") {
            None => Ok(1),
            Some(value) => value.as_u64().filter(|count| i32::try_from(*count).is_ok()).ok_or_else(|| {
                self.fault(&["replicas".into()], &format!("`replicas` must be a whole number from 0, found {value}"))
            }),
        }
    }

    fn unknown_keys(&self) -> Vec<String> {
        let advanced = self.get("advanced").and_then(Value::as_object);
        let own = self.service.settings.keys().map(|key| (vec![Step::from(key.as_str())], key, KEYS));
        let inner = advanced.into_iter().flat_map(Map::keys);
        let inner = inner.map(|key| (vec!["advanced".into(), Step::from(key.as_str())], key, ADVANCED_KEYS));
        let idle = own.chain(inner).filter(|(_, key, known)| !known.contains(&key.as_str()));
        idle.map(|(steps, key, known)| {
            let place = self.source.place(&self.path(&steps));
            let near = text::nearest(key, known.iter().copied()).first().map(|near| format!("; did you mean {near}?"));
            let key_of = &self.service.key;
            format!(
                "{place}: service `{key_of}`: an Application has no `{key}`, which has no effect{}",
                near.unwrap_or_default()
            )
        })
        .collect()
    }

    /// Labels of pods and objects: those of `labels` and `advanced.labels`, the service's own, and `app`.
    fn labels(&self, name: &str, warnings: &mut Vec<String>) -> Result<BTreeMap<String, String>> {
        let mut labels = BTreeMap::new();
        let advanced = self.get("advanced").and_then(|advanced| advanced.get("labels"));
        for (steps, value) in
            [(vec![Step::from("labels")], self.get("labels")), (vec!["advanced".into(), "labels".into()], advanced)]
        {
            match value {
                None | Some(Value::Null) => {}
                Some(Value::Object(map)) => {
                    labels.extend(map.iter().map(|(key, value)| (key.clone(), plain(value))));
                }
                Some(_) => return Err(self.fault(&steps, "labels must be a mapping of names to strings")),
            }
        }
        labels.extend(self.service.labels.clone());
        if let Some(other) = labels.insert(APP.to_owned(), name.to_owned()).filter(|other| other != name) {
            warnings.push(format!(
                "service `{}`: label `{APP}` is the Application's own and stays `{name}`, not `{other}`",
                self.service.key
            ));
        }
        Ok(labels)
    }

    /// The containers with what they leave out, and the ports of the Service.
    fn containers(&self, name: &str) -> Result<(Vec<Value>, Vec<Value>)> {
        let at = |steps: &[Step]| [&[Step::from("containers")], steps].concat();
        let Some(containers) = self.get("containers").and_then(Value::as_array).filter(|list| !list.is_empty()) else {
            return Err(self
                .fault(&at(&[]), "an Application needs `containers`: a list with one container or more")
                .remedy(
                    "Write `containers: [{name: web, image: nginx, ports: [{containerPort: 80}]}]` under settings.",
                ));
        };
        let (mut all, mut ports, mut names) = (Vec::with_capacity(containers.len()), Vec::new(), HashSet::new());
        for (index, container) in containers.iter().enumerate() {
            let Value::Object(container) = container else {
                return Err(self.fault(&at(&[index.into()]), "a container must be a mapping with `image`"));
            };
            let mut container = container.clone();
            if container.get("image").and_then(Value::as_str).is_none_or(str::is_empty) {
                return Err(self.fault(&at(&[index.into(), "image".into()]), "a container needs an `image`"));
            }
            if container.get("name").is_none_or(Value::is_null) {
                let own = if index == 0 { name.to_owned() } else { format!("{name}-{index}") };
                container.insert("name".to_owned(), json!(own));
            }
            let found = self.ports(&container, &at(&[index.into(), "ports".into()]), &mut names)?;
            if !found.is_empty() {
                container.insert("ports".to_owned(), found.iter().map(|(own, _)| own.clone()).collect());
            }
            ports.extend(found.into_iter().map(|(_, front)| front));
            all.push(Value::Object(container));
        }
        Ok((all, ports))
    }

    /// Each port as the container has it, and as the Service does. Names are unique; the first without one is `http`.
    fn ports(
        &self,
        container: &Map<String, Value>,
        at: &[Step],
        names: &mut HashSet<String>,
    ) -> Result<Vec<(Value, Value)>> {
        let list = match container.get("ports") {
            None | Some(Value::Null) => return Ok(Vec::new()),
            Some(Value::Array(list)) => list,
            Some(_) => return Err(self.fault(at, "`ports` must be a list of ports")),
        };
        let mut found = Vec::with_capacity(list.len());
        for (index, port) in list.iter().enumerate() {
            let here = [at, &[index.into(), "containerPort".into()]].concat();
            let number = port.get("containerPort").and_then(Value::as_u64).filter(|port| (1..=65535).contains(port));
            let (Value::Object(port), Some(number)) = (port, number) else {
                return Err(self.fault(&here, "a port needs a `containerPort` from 1 to 65535"));
            };
            let given = port.get("name").and_then(Value::as_str).unwrap_or("http");
            let name = if names.contains(given) { format!("port-{number}") } else { given.to_owned() };
            let mut own = port.clone();
            own.insert("name".to_owned(), json!(name));
            let mut front = json!({"name": name, "port": number, "targetPort": number});
            if let Some(protocol) = port.get("protocol").filter(|protocol| !protocol.is_null()) {
                front["protocol"] = protocol.clone();
            }
            names.insert(name);
            found.push((Value::Object(own), front));
        }
        Ok(found)
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::parse::parse;

    fn taken_apart(settings: &str) -> Result<Parts> {
        let text = format!(
            "name: p\nservices:\n  web:\n    type: Application\n    namespace: home\n    settings: {settings}\n"
        );
        let document = parse("p.yaml", &text)?;
        parts(&document.pattern.services[0], &document.source)
    }

    #[test]
    fn it_is_a_deployment_and_a_service() {
        let parts = taken_apart("{replicas: 2, containers: [{image: a, ports: [{containerPort: 9080}, {containerPort: 15, protocol: UDP}]}], advanced: {labels: {version: v1}}}").unwrap();
        let spec = &parts.deployment.settings["spec"];
        assert_eq!(spec["replicas"], 2);
        assert_eq!(spec["selector"]["matchLabels"], json!({"app": "web"}));
        assert_eq!(spec["template"]["metadata"]["labels"], json!({"app": "web", "version": "v1"}));
        let ports = json!([{"containerPort": 9080, "name": "http"}, {"containerPort": 15, "protocol": "UDP", "name": "port-15"}]);
        assert_eq!(spec["template"]["spec"]["containers"], json!([{"image": "a", "ports": ports, "name": "web"}]));
        let front = parts.service.unwrap();
        assert_eq!(front.settings["spec"]["ports"][0], json!({"name": "http", "port": 9080, "targetPort": 9080}));
        assert_eq!((front.kind.as_str(), front.namespace.as_deref()), ("Service", Some("home")));
        assert!(parts.warnings.is_empty(), "{:?}", parts.warnings);
    }

    #[test]
    fn without_ports_or_when_told_so_there_is_no_service() {
        assert!(taken_apart("{containers: [{image: a}]}").unwrap().service.is_none());
        let told = taken_apart("{create_service: false, containers: [{image: a, ports: [{containerPort: 1}]}]}");
        assert!(told.unwrap().service.is_none());
    }

    #[test]
    fn mistakes_name_their_place() {
        let error = |settings: &str| taken_apart(settings).unwrap_err().to_string();
        assert_eq!(
            error("{replicas: two, containers: [{image: a}]}"),
            "p.yaml:6:16: service `web`: `replicas` must be a whole number from 0, found \"two\""
        );
        assert_eq!(
            error("{containers: [{image: a}, {name: bee}]}"),
            "p.yaml:6:41: service `web`: a container needs an `image`"
        );
        assert!(error("{replicas: 1}").contains("needs `containers`"));
        assert!(error("{containers: [{image: a, ports: [{containerPort: 70000}]}]}").contains("from 1 to 65535"));
        let warned = taken_apart("{replica: 1, containers: [{image: a}], labels: {app: x}}").unwrap().warnings;
        assert!(warned[0].contains("did you mean replicas?") && warned[1].contains("stays `web`"), "{warned:?}");
    }
}
