//! Docker Compose files (the Compose specification, and versions 2 and 3 before it) as Kubernetes objects.
//!
//! | Compose | Kubernetes |
//! | --- | --- |
//! | service | Deployment; StatefulSet with a named volume it writes; DaemonSet for `deploy.mode: global`; Job for `restart: no` and `on-failure` |
//! | the service's name on the network | Service; headless without ports, so that every port is reached as in Compose |
//! | named volume | PersistentVolumeClaim of 1Gi, or of the size in `driver_opts.size` |
//! | `configs`, `secrets` | ConfigMap, Secret |
//! | `healthcheck` | readiness and liveness probe |
//! | `labels` | annotations: Compose allows values that labels of Kubernetes may not have |
//!
//! Every key without a counterpart gives a warning with its place; keys that begin with `x-` are nobody's.

mod container;
mod interpolate;
mod mounts;
mod ports;
mod read;
mod workload;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{Found, Identity};
use crate::base::error::{Code, Error, Result};
use crate::base::{text, yaml};
use crate::pattern::convert::Source;
use crate::pattern::locate::Step;

/// Reads a file that the Compose file names, relative to its folder; `None` when there is none to read.
pub type ReadFile<'a> = &'a (dyn Fn(&str) -> Option<String> + Sync);
/// The value of a variable.
pub type Variable<'a> = &'a (dyn Fn(&str) -> Option<String> + Sync);

/// What a Compose file is converted with.
#[derive(Clone, Copy)]
pub struct Options<'a> {
    /// Files beside it.
    pub read: ReadFile<'a>,
    /// Variables of its `${…}`.
    pub variable: Variable<'a>,
    /// Profiles whose services are wanted besides those without one.
    pub profiles: &'a [String],
}

/// What a Compose file gives.
#[derive(Debug)]
pub struct Converted {
    /// Its `name`, where it has one.
    pub name: Option<String>,
    /// The objects.
    pub found: Vec<Found>,
    /// What it says that the objects do not.
    pub warnings: Vec<String>,
}

/// Keys at the top that are read, or mean nothing to Kubernetes.
const TOP_KEYS: &[&str] = &["version", "name", "services", "volumes", "configs", "secrets", "networks"];

/// Converts a Compose file.
///
/// # Errors
/// [`Code::ImportSyntax`], [`Code::ImportCompose`] with the place of the value that cannot be read.
pub fn convert(source: &Source, options: Options<'_>) -> Result<Converted> {
    let document =
        yaml::read_kubernetes(&source.text).map_err(|fault| fault.into_error(Code::ImportSyntax, &source.name))?;
    let mut file = File { source, options, warnings: Vec::new() };
    let top = interpolate::interpolate(&document, &mut file)?;
    let Value::Object(top) = top else { return Err(file.fault(&[], "a Compose file is a mapping with `services`")) };
    let Some(Value::Object(services)) = top.get("services") else {
        return Err(file.fault(&[], "the Compose file has no `services`"));
    };
    file.warn_others(&top, TOP_KEYS, &[]);
    let shared = Shared { top: &top, project: project(&top, source) };
    let mut found = Vec::new();
    let mut mounted = mounts::Mounted::default();
    let mut left_out = Vec::new();
    let wanted: Vec<(&String, Map<String, Value>)> = services
        .iter()
        .map(|(key, service)| Ok((key, file.extended(key, service, services, 0)?)))
        .collect::<Result<Vec<_>>>()?
        .into_iter()
        .filter(|(key, service)| {
            let is_wanted = read::strings(service.get("profiles"))
                .is_none_or(|names| names.is_empty() || names.iter().any(|name| options.profiles.contains(name)));
            if !is_wanted {
                left_out.push((*key).clone());
            }
            is_wanted
        })
        .collect();
    mounted.count_users(&wanted);
    for (key, service) in &wanted {
        let one = workload::One { key, service, path: vec!["services".into(), key.as_str().into()] };
        found.extend(workload::convert(&mut file, &shared, &one, &mut mounted)?);
    }
    if !left_out.is_empty() {
        file.warnings.push(format!(
            "{}: {} of profiles that were not asked for left out: {}",
            source.name,
            text::count(left_out.len(), "service"),
            left_out.join(", ")
        ));
    }
    found.extend(mounted.objects(&mut file, &top)?);
    Ok(Converted { name: top.get("name").and_then(Value::as_str).map(str::to_owned), found, warnings: file.warnings })
}

/// The variables of an environment file.
pub fn variables(text: &str) -> BTreeMap<String, String> {
    interpolate::env_file(text).into_iter().collect()
}

/// What all services share.
struct Shared<'a> {
    top: &'a Map<String, Value>,
    project: String,
}

fn project(top: &Map<String, Value>, source: &Source) -> String {
    let name = top.get("name").and_then(Value::as_str).map(str::to_owned);
    name.or_else(|| super::name_of(&source.name)).unwrap_or_else(|| "compose".to_owned())
}

/// The file that is converted, and what was said about it so far.
struct File<'a> {
    source: &'a Source,
    options: Options<'a>,
    warnings: Vec<String>,
}

impl File<'_> {
    fn fault(&self, path: &[Step], message: &str) -> Error {
        Error::new(Code::ImportCompose, message).at(self.source.place(path))
    }

    fn warn(&mut self, path: &[Step], message: &str) {
        let place = self.source.place(path);
        self.warnings.push(format!("{place}: {}: {message}", written(path)));
    }

    /// Warns of the keys of `map` that are not known.
    fn warn_others(&mut self, map: &Map<String, Value>, known: &[&str], base: &[Step]) {
        for key in map.keys().filter(|key| !known.contains(&key.as_str()) && !key.starts_with("x-")) {
            let path: Vec<Step> = base.iter().cloned().chain([key.as_str().into()]).collect();
            self.warn(&path, "has no counterpart in Kubernetes and is left out");
        }
    }

    /// A service with what it extends, which must stand in the same file.
    fn extended(
        &mut self,
        key: &str,
        service: &Value,
        all: &Map<String, Value>,
        depth: usize,
    ) -> Result<Map<String, Value>> {
        let path = [Step::from("services"), key.into()];
        let mut own = match service {
            Value::Object(service) => service.clone(),
            Value::Null => Map::new(),
            _ => return Err(self.fault(&path, &format!("service `{key}` must be a mapping"))),
        };
        let Some(extends) = own.remove("extends") else { return Ok(own) };
        let at = [path[0].clone(), path[1].clone(), "extends".into()];
        let base = match &extends {
            Value::String(base) => base.clone(),
            Value::Object(map) if map.get("file").is_none_or(|file| *file == self.source.name.as_str()) => {
                map.get("service").and_then(Value::as_str).unwrap_or_default().to_owned()
            }
            _ => {
                return Err(self
                    .fault(&at, "a service of another file is extended, which is not read")
                    .remedy("Run `docker compose config` and import what it prints."));
            }
        };
        let Some(found) = all.get(&base) else {
            return Err(self.fault(&at, &format!("service `{key}` extends `{base}`, which is not in the file")));
        };
        if depth > 16 {
            return Err(self.fault(&at, &format!("service `{key}` extends itself")));
        }
        let mut merged = self.extended(&base, found, all, depth + 1)?;
        merge(&mut merged, own);
        Ok(merged)
    }
}

/// Lays `over` above `base` as Compose does: mappings are merged, sequences of ports and the like joined.
fn merge(base: &mut Map<String, Value>, over: Map<String, Value>) {
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(Value::Object(below)), Value::Object(above)) => merge(below, above),
            (Some(Value::Array(below)), Value::Array(above)) if !matches!(key.as_str(), "command" | "entrypoint") => {
                below.extend(above.into_iter().filter(|item| !below.contains(item)).collect::<Vec<_>>());
            }
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}

/// `services.web.ports[0]`.
fn written(path: &[Step]) -> String {
    path.iter().fold(String::new(), |text, step| match step {
        Step::Key(key) if text.is_empty() => key.clone(),
        Step::Key(key) => format!("{text}.{key}"),
        Step::Index(index) => format!("{text}[{index}]"),
    })
}

fn at(base: &[Step], key: &str) -> Vec<Step> {
    base.iter().cloned().chain([key.into()]).collect()
}

fn item(base: &[Step], index: usize) -> Vec<Step> {
    base.iter().cloned().chain([index.into()]).collect()
}

/// A name that Kubernetes takes.
fn dns_name(name: &str) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c.to_ascii_lowercase() } else { '-' };
    let name: String = name.chars().map(safe).take(63).collect();
    name.trim_matches('-').to_owned()
}

/// An object of the file.
fn object(api_version: &str, kind: &str, name: &str, rest: Value) -> Map<String, Value> {
    let mut body = Map::new();
    body.insert("apiVersion".to_owned(), json!(api_version));
    body.insert("kind".to_owned(), json!(kind));
    body.insert("metadata".to_owned(), json!({"name": name}));
    if let Value::Object(rest) = rest {
        body.extend(rest);
    }
    body
}

fn identity(api_version: &str, kind: &str, name: &str) -> Identity {
    let group = api_version.rsplit_once('/').map_or("", |(group, _)| group);
    Identity { group: group.to_owned(), kind: kind.to_owned(), namespace: String::new(), name: name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn convert_text(text: &str) -> Converted {
        let source = Source { name: "compose.yaml".into(), text: text.into() };
        let read = |path: &str| match path {
            "./settings.env" => Some("# comment\nMODE=fast\nexport QUOTED=\"a b\"\n".to_owned()),
            "login.txt" => Some("secret".to_owned()),
            _ => None,
        };
        let variable = |name: &str| (name == "TAG").then(|| "1.27".to_owned());
        convert(&source, Options { read: &read, variable: &variable, profiles: &[] }).unwrap()
    }

    fn object<'a>(converted: &'a Converted, kind: &str, name: &str) -> &'a Map<String, Value> {
        let found = converted.found.iter().find(|found| {
            let identity = found.identity();
            identity.kind == kind && identity.name == name
        });
        &found.unwrap_or_else(|| panic!("no {kind} {name} in {converted:#?}")).body
    }

    #[test]
    fn a_shop_becomes_objects() {
        let shop = convert_text(
            r#"
name: shop
x-common: &common
  restart: always
  environment:
    LEVEL: info
services:
  web:
    <<: *common
    image: nginx:${TAG}
    command: ["nginx", "-g", "daemon off;"]
    ports: ["8080:80", "9000"]
    env_file: ./settings.env
    depends_on: [db]
    deploy:
      replicas: 2
      resources: {limits: {cpus: "0.5", memory: 50M}, reservations: {memory: 20M}}
    healthcheck: {test: ["CMD", "curl", "-f", "localhost"], interval: 1m30s, timeout: 10s, retries: 3, start_period: 40s}
    labels: {"com.example.note": "a b"}
    stop_grace_period: 20s
    networks: [front]
  db:
    image: postgres
    environment: ["POSTGRES_PASSWORD_FILE=/run/secrets/login", "EMPTY="]
    volumes:
      - data:/var/lib/postgresql/data
      - ./dump:/dump:ro
      - {type: tmpfs, target: /tmp}
    secrets: [login]
    cpu_shares: 3
volumes:
  data:
secrets:
  login: {file: login.txt}
networks:
  front: {}
"#,
        );
        assert_eq!(shop.name.as_deref(), Some("shop"));
        let web = &object(&shop, "Deployment", "web")["spec"];
        assert_eq!(web["replicas"], 2);
        let container = &web["template"]["spec"]["containers"][0];
        assert_eq!(container["image"], "nginx:1.27");
        assert_eq!(container["args"], json!(["nginx", "-g", "daemon off;"]));
        assert_eq!(
            container["env"],
            json!([{"name": "MODE", "value": "fast"}, {"name": "QUOTED", "value": "a b"}, {"name": "LEVEL", "value": "info"}])
        );
        assert_eq!(
            container["resources"],
            json!({"limits": {"cpu": "0.5", "memory": "50Mi"}, "requests": {"memory": "20Mi"}})
        );
        assert_eq!(
            container["readinessProbe"],
            json!({"exec": {"command": ["curl", "-f", "localhost"]}, "periodSeconds": 90, "timeoutSeconds": 10, "failureThreshold": 3})
        );
        assert_eq!(container["livenessProbe"]["initialDelaySeconds"], 40);
        assert_eq!(web["template"]["spec"]["terminationGracePeriodSeconds"], 20);
        let ports = &object(&shop, "Service", "web")["spec"]["ports"];
        assert_eq!(
            *ports,
            json!([{"name": "p80-tcp", "port": 80, "targetPort": 80}, {"name": "p8080-tcp", "port": 8080, "targetPort": 80}, {"name": "p9000-tcp", "port": 9000, "targetPort": 9000}])
        );
        let db = &object(&shop, "StatefulSet", "db")["spec"];
        assert_eq!(db["template"]["spec"]["volumes"][0]["persistentVolumeClaim"]["claimName"], "data");
        let mounts = &db["template"]["spec"]["containers"][0]["volumeMounts"];
        assert_eq!(
            mounts[2],
            json!({"name": "secret-login", "mountPath": "/run/secrets/login", "subPath": "login", "readOnly": true})
        );
        assert_eq!(object(&shop, "Service", "db")["spec"]["clusterIP"], "None");
        assert_eq!(object(&shop, "Secret", "login")["stringData"]["login"], "secret");
        assert_eq!(object(&shop, "PersistentVolumeClaim", "data")["spec"]["resources"]["requests"]["storage"], "1Gi");
        let web = shop.found.iter().find(|found| found.identity().kind == "Deployment").unwrap();
        assert_eq!(web.after, [identity("apps/v1", "StatefulSet", "db")]);
        insta::assert_snapshot!(shop.warnings.join("\n"), @r"
        compose.yaml:21:5: services.web.networks: every pod of a cluster reaches every other; use a NetworkPolicy to divide them
        compose.yaml:30:5: services.db.cpu_shares: has no counterpart in Kubernetes and is left out
        compose.yaml:27:9: services.db.volumes[1]: ./dump is a folder of this machine, which pods do not have; it is left out
        ");
    }

    #[test]
    fn every_kind_of_run_has_its_workload() {
        let all = convert_text(
            "services:\n  once: {image: a, restart: 'no'}\n  retried: {image: a, restart: on-failure:3}\n  everywhere: {image: a, deploy: {mode: global}}\n  my_web: {image: a, user: '1000:50', cap_add: [NET_ADMIN]}\n  base: {image: b, ports: ['1:1']}\n  more: {extends: base, ports: ['2:2']}\n  debug: {image: a, profiles: [debug]}\n",
        );
        assert_eq!(object(&all, "Job", "once")["spec"]["template"]["spec"]["restartPolicy"], "Never");
        assert_eq!(object(&all, "Job", "retried")["spec"]["backoffLimit"], 3);
        assert!(object(&all, "DaemonSet", "everywhere")["spec"].get("replicas").is_none());
        let context =
            &object(&all, "Deployment", "my-web")["spec"]["template"]["spec"]["containers"][0]["securityContext"];
        assert_eq!(*context, json!({"runAsUser": 1000, "runAsGroup": 50, "capabilities": {"add": ["NET_ADMIN"]}}));
        assert_eq!(object(&all, "Service", "more")["spec"]["ports"].as_array().unwrap().len(), 2);
        assert!(!all.found.iter().any(|found| found.identity().name == "debug"));
        assert!(all.warnings.iter().any(|warning| warning.ends_with("left out: debug")), "{:?}", all.warnings);
    }

    #[test]
    fn mistakes_have_a_place() {
        let fault = |text: &str| {
            let source = Source { name: "c.yaml".into(), text: text.into() };
            let nothing = |_: &str| None;
            convert(&source, Options { read: &nothing, variable: &nothing, profiles: &[] }).unwrap_err().to_string()
        };
        assert_eq!(
            fault("services:\n  web:\n    image: a\n    ports: ['x:80']\n"),
            "c.yaml:4:13: services.web.ports[0]: `x:80` is not a port"
        );
        assert_eq!(
            fault("services:\n  web:\n    image: ${IMAGE:?which one}\n"),
            "c.yaml:3:5: variable IMAGE is not set: which one"
        );
        assert_eq!(
            fault("services:\n  web: {extends: nobody}\n"),
            "c.yaml:2:9: service `web` extends `nobody`, which is not in the file"
        );
    }
}
