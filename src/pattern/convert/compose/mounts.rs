//! What services mount: named volumes, `configs`, `secrets`, memory. Folders of the machine have no counterpart.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::super::{Found, Identity};
use super::{File, at, dns_name, identity, item, object, read};
use crate::base::error::Result;
use crate::pattern::locate::Step;

/// Size of a claim whose volume names none.
const SIZE: &str = "1Gi";

/// What all services together mount, and who.
#[derive(Debug, Default)]
pub(super) struct Mounted {
    users: BTreeMap<String, usize>,
    volumes: BTreeSet<String>,
    configs: BTreeSet<String>,
    secrets: BTreeSet<String>,
}

/// What one service mounts.
#[derive(Debug, Default)]
pub(super) struct Mounts {
    /// `volumes` of the pod.
    pub(super) volumes: Vec<Value>,
    /// `volumeMounts` of the container.
    pub(super) in_container: Vec<Value>,
    /// Whether a named volume is written to.
    pub(super) keeps_state: bool,
}

impl Mounts {
    fn add(&mut self, volume: Value, mut mount: Value, read_only: bool) {
        mount["name"] = volume["name"].clone();
        if read_only {
            mount["readOnly"] = json!(true);
        }
        if !self.volumes.contains(&volume) {
            self.volumes.push(volume);
        }
        // `name` first, as people write it.
        let mut ordered = json!({"name": mount["name"]});
        for (key, value) in mount.as_object().into_iter().flatten() {
            ordered[key] = value.clone();
        }
        self.in_container.push(ordered);
    }
}

impl Mounted {
    /// Counts the services and copies that use each named volume.
    pub(super) fn count_users(&mut self, services: &[(&String, Map<String, Value>)]) {
        for (_, service) in services {
            let copies = service
                .get("deploy")
                .and_then(|deploy| deploy.get("replicas"))
                .or(service.get("scale"))
                .and_then(read::number)
                .unwrap_or(1);
            for volume in service.get("volumes").and_then(Value::as_array).into_iter().flatten() {
                if let Some(Entry { source: Some(name), .. }) = Entry::read(volume).filter(Entry::is_named) {
                    *self.users.entry(name).or_default() += usize::try_from(copies.max(1)).unwrap_or(1);
                }
            }
        }
    }

    /// Reads what a service mounts.
    pub(super) fn of_service(
        &mut self,
        file: &mut File<'_>,
        service: &Map<String, Value>,
        path: &[Step],
    ) -> Result<Mounts> {
        let mut mounts = Mounts::default();
        self.volumes(file, service, path, &mut mounts)?;
        for (key, folder) in [("configs", "/"), ("secrets", "/run/secrets/")] {
            self.files(file, service.get(key), &at(path, key), (key, folder), &mut mounts)?;
        }
        for (index, target) in read::strings(service.get("tmpfs")).unwrap_or_default().iter().enumerate() {
            let target = target.split(':').next().unwrap_or_default();
            let volume = json!({"name": format!("tmpfs-{index}"), "emptyDir": {"medium": "Memory"}});
            mounts.add(volume, json!({"mountPath": target}), false);
        }
        if let Some(size) = service.get("shm_size").and_then(read::memory) {
            let volume = json!({"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": size}});
            mounts.add(volume, json!({"mountPath": "/dev/shm"}), false);
        }
        Ok(mounts)
    }

    fn volumes(
        &mut self,
        file: &mut File<'_>,
        service: &Map<String, Value>,
        path: &[Step],
        mounts: &mut Mounts,
    ) -> Result<()> {
        let items = service.get("volumes").and_then(Value::as_array).into_iter().flatten();
        for (index, value) in items.enumerate() {
            let here = item(&at(path, "volumes"), index);
            let Some(entry) = Entry::read(value) else {
                return Err(file.fault(&here, &format!("{}: {value} is not a volume", super::written(&here))));
            };
            match (entry.kind.as_str(), &entry.source) {
                ("volume", Some(source)) => {
                    let name = dns_name(source);
                    let volume = json!({"name": name, "persistentVolumeClaim": {"claimName": name}});
                    let mut mount = json!({"mountPath": entry.target});
                    if let Some(inner) = &entry.subpath {
                        mount["subPath"] = json!(inner);
                    }
                    mounts.add(volume, mount, entry.read_only);
                    mounts.keeps_state |= !entry.read_only;
                    self.volumes.insert(source.clone());
                }
                ("volume", None) => {
                    let volume = json!({"name": format!("volume-{index}"), "emptyDir": {}});
                    mounts.add(volume, json!({"mountPath": entry.target}), entry.read_only);
                }
                ("tmpfs", _) => {
                    let volume = json!({"name": format!("tmpfs-volume-{index}"), "emptyDir": {"medium": "Memory"}});
                    mounts.add(volume, json!({"mountPath": entry.target}), entry.read_only);
                }
                ("bind", source) => {
                    let source = source.as_deref().unwrap_or_default();
                    let message =
                        format!("{source} is a folder of this machine, which pods do not have; it is left out");
                    file.warn(&here, &message);
                }
                (other, _) => file.warn(&here, &format!("a volume of type {other} has no counterpart and is left out")),
            }
        }
        Ok(())
    }

    /// `configs` and `secrets` of a service: each a file in the container.
    fn files(
        &mut self,
        file: &mut File<'_>,
        value: Option<&Value>,
        path: &[Step],
        (sort, folder): (&str, &str),
        mounts: &mut Mounts,
    ) -> Result<()> {
        for (index, value) in value.and_then(Value::as_array).into_iter().flatten().enumerate() {
            let here = item(path, index);
            let (source, long) = match value {
                Value::Object(long) => (long.get("source").and_then(Value::as_str), Some(long)),
                other => (other.as_str(), None),
            };
            let Some(source) = source else {
                return Err(file.fault(&here, &format!("{}: {value} names no source", super::written(&here))));
            };
            if let Some(long) = long {
                file.warn_others(long, &["source", "target", "mode"], &here);
            }
            let target = long.and_then(|long| long.get("target")).and_then(Value::as_str).unwrap_or(source);
            let target = if target.starts_with('/') { target.to_owned() } else { format!("{folder}{target}") };
            let name = dns_name(source);
            let mut item = json!({"key": source, "path": source});
            if let Some(mode) = long.and_then(|long| long.get("mode")).and_then(mode) {
                item["mode"] = json!(mode);
            }
            let items = if item.get("mode").is_some() { Some(json!([item])) } else { None };
            let mut inner = if sort == "secrets" { json!({"secretName": name}) } else { json!({"name": name}) };
            if let Some(items) = items {
                inner["items"] = items;
            }
            let (field, prefix) = if sort == "secrets" { ("secret", "secret") } else { ("configMap", "config") };
            let volume = json!({"name": dns_name(&format!("{prefix}-{source}")), field: inner});
            mounts.add(volume, json!({"mountPath": target, "subPath": source}), true);
            if sort == "secrets" {
                self.secrets.insert(source.to_owned());
            } else {
                self.configs.insert(source.to_owned());
            }
        }
        Ok(())
    }

    /// The claims, ConfigMaps and Secrets that services mount.
    pub(super) fn objects(&self, file: &mut File<'_>, top: &Map<String, Value>) -> Result<Vec<Found>> {
        let mut found = Vec::new();
        for name in &self.volumes {
            found.extend(self.claim(file, top, name)?);
        }
        for (sort, names) in [("configs", &self.configs), ("secrets", &self.secrets)] {
            for name in names {
                found.extend(content(file, top, sort, name)?);
            }
        }
        Ok(found)
    }

    fn claim(&self, file: &mut File<'_>, top: &Map<String, Value>, name: &str) -> Result<Option<Found>> {
        let path = [Step::from("volumes"), name.into()];
        let Some(declared) = top.get("volumes").and_then(|volumes| volumes.get(name)) else {
            return Err(
                file.fault(&[path[0].clone()], &format!("volume `{name}` is used and not declared in `volumes`"))
            );
        };
        let mut size = SIZE.to_owned();
        if let Value::Object(declared) = declared {
            if is_external(declared) {
                return Ok(None);
            }
            file.warn_others(declared, &["driver_opts", "labels", "name", "external", "driver"], &path);
            let asked = declared.get("driver_opts").and_then(|options| options.get("size")).and_then(read::memory);
            size = asked.unwrap_or(size);
        }
        let shared = self.users.get(name).is_some_and(|users| *users > 1);
        if shared {
            file.warn(&path, "several pods write to it, which takes a storage class with ReadWriteMany");
        }
        let mode = if shared { "ReadWriteMany" } else { "ReadWriteOnce" };
        let spec = json!({"spec": {"accessModes": [mode], "resources": {"requests": {"storage": size}}}});
        let body = object("v1", "PersistentVolumeClaim", &dns_name(name), spec);
        Ok(Some(Found::new(body, file.source.place(&path))))
    }
}

fn is_external(declared: &Map<String, Value>) -> bool {
    declared.get("external").is_some_and(|external| *external == json!(true) || external.is_object())
}

/// The ConfigMap or Secret that holds a declared file; none when it is made elsewhere.
fn content(file: &mut File<'_>, top: &Map<String, Value>, sort: &str, name: &str) -> Result<Option<Found>> {
    let path = [Step::from(sort), name.into()];
    let Some(Value::Object(declared)) = top.get(sort).and_then(|all| all.get(name)) else {
        return Err(file.fault(&[path[0].clone()], &format!("`{name}` is used and not declared in `{sort}`")));
    };
    file.warn_others(declared, &["file", "content", "environment", "external", "name", "labels"], &path);
    let text = |key: &str| declared.get(key).and_then(Value::as_str);
    let found = if is_external(declared) {
        None
    } else if let Some(content) = text("content") {
        Some(content.to_owned())
    } else if let Some(variable) = text("environment") {
        (file.options.variable)(variable)
    } else {
        text("file").and_then(|path| (file.options.read)(path))
    };
    let Some(found) = found else {
        let kind = if sort == "secrets" { "Secret" } else { "ConfigMap" };
        let what = if is_external(declared) { "is external" } else { "cannot be read" };
        file.warn(
            &path,
            &format!("its content {what}; a {kind} `{}` with the key `{name}` must exist", dns_name(name)),
        );
        return Ok(None);
    };
    let body = if sort == "secrets" {
        object("v1", "Secret", &dns_name(name), json!({"type": "Opaque", "stringData": {name: found}}))
    } else {
        object("v1", "ConfigMap", &dns_name(name), json!({"data": {name: found}}))
    };
    Ok(Some(Found::new(body, file.source.place(&path))))
}

/// File modes are octal, as text or as YAML reads them.
fn mode(value: &Value) -> Option<i64> {
    match value {
        Value::String(text) => i64::from_str_radix(text.trim_start_matches("0o"), 8).ok(),
        other => other.as_i64(),
    }
}

/// An item of `volumes`.
#[derive(Debug)]
struct Entry {
    kind: String,
    source: Option<String>,
    target: String,
    subpath: Option<String>,
    read_only: bool,
}

impl Entry {
    fn read(value: &Value) -> Option<Self> {
        match value {
            Value::String(text) => Self::short(text),
            Value::Object(long) => {
                let text = |key: &str| long.get(key).and_then(Value::as_str).map(str::to_owned);
                let subpath = long.get("volume").and_then(|volume| volume.get("subpath")).and_then(Value::as_str);
                Some(Self {
                    kind: text("type").unwrap_or_else(|| "volume".to_owned()),
                    source: text("source"),
                    target: text("target")?,
                    subpath: subpath.map(str::to_owned),
                    read_only: long.get("read_only") == Some(&json!(true)),
                })
            }
            _ => None,
        }
    }

    /// `[SOURCE:]TARGET[:MODE]`; a source that looks like a path is a folder of the machine.
    fn short(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.split(':').collect();
        let (source, target, mode) = match parts.as_slice() {
            [target] => (None, *target, ""),
            [source, target] => (Some(*source), *target, ""),
            [source, target, mode] => (Some(*source), *target, *mode),
            _ => return None,
        };
        let is_path = source.is_some_and(|source| source.starts_with(['.', '/', '~']));
        Some(Self {
            kind: if is_path { "bind" } else { "volume" }.to_owned(),
            source: source.map(str::to_owned),
            target: target.to_owned(),
            subpath: None,
            read_only: mode.split(',').any(|word| word == "ro"),
        })
    }

    fn is_named(&self) -> bool {
        self.kind == "volume" && self.source.is_some()
    }
}

/// Whether a service writes to a named volume.
pub(super) fn keeps_state(service: &Map<String, Value>) -> bool {
    let items = service.get("volumes").and_then(Value::as_array).into_iter().flatten();
    items.filter_map(Entry::read).any(|entry| entry.is_named() && !entry.read_only)
}

/// Objects that the mounts of a service need first.
pub(super) fn needs(service: &Map<String, Value>) -> Vec<Identity> {
    let names = |key: &str| {
        let items = service.get(key).and_then(Value::as_array).into_iter().flatten();
        let name =
            |value: &Value| value.as_str().or_else(|| value.get("source").and_then(Value::as_str)).map(str::to_owned);
        items.filter_map(name).collect::<Vec<_>>()
    };
    let of = |key: &str, kind: &str| {
        names(key).into_iter().map(|name| identity("v1", kind, &dns_name(&name))).collect::<Vec<_>>()
    };
    [of("configs", "ConfigMap"), of("secrets", "Secret")].concat()
}
