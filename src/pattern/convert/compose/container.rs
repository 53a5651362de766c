//! The container of a service, and what of a pod is the service's to say.

use serde_json::{Map, Value, json};

use super::mounts::Mounts;
use super::ports::{self, Port};
use super::workload::One;
use super::{File, Shared, at, dns_name, interpolate, item, read};
use crate::base::error::Result;
use crate::pattern::locate::Step;

/// The spec of the pod, with one container.
pub(super) fn pod(
    file: &mut File<'_>,
    shared: &Shared<'_>,
    one: &One<'_>,
    ports: &[Port],
    mounts: &Mounts,
) -> Result<Map<String, Value>> {
    let service = one.service;
    let mut container = Map::new();
    container.insert("name".to_owned(), json!(dns_name(one.key)));
    container.insert("image".to_owned(), json!(image(file, shared, one)?));
    for (from, to) in [("entrypoint", "command"), ("command", "args")] {
        let Some(value) = service.get(from).filter(|value| !value.is_null()) else { continue };
        let words = read::words(value)
            .ok_or_else(|| file.fault(&at(&one.path, from), &format!("`{from}` must be a string or a list")))?;
        container.insert(to.to_owned(), json!(words.iter().map(|word| literal(word)).collect::<Vec<_>>()));
    }
    if let Some(folder) = text(service, "working_dir") {
        container.insert("workingDir".to_owned(), json!(folder));
    }
    let env = environment(file, one)?;
    let container_ports = ports::of_container(ports);
    for (key, list) in [("env", env), ("ports", container_ports), ("volumeMounts", mounts.in_container.clone())] {
        if !list.is_empty() {
            container.insert(key.to_owned(), Value::Array(list));
        }
    }
    let resources = resources(file, one);
    if !resources.is_empty() {
        container.insert("resources".to_owned(), Value::Object(resources));
    }
    probes(file, one, &mut container);
    let security = security(file, one);
    if !security.is_empty() {
        container.insert("securityContext".to_owned(), Value::Object(security));
    }
    for (from, to) in [("stdin_open", "stdin"), ("tty", "tty")] {
        if service.get(from) == Some(&json!(true)) {
            container.insert(to.to_owned(), json!(true));
        }
    }
    pull_policy(file, one, &mut container);
    let mut pod = around(file, one);
    pod.insert("containers".to_owned(), json!([container]));
    if !mounts.volumes.is_empty() {
        pod.insert("volumes".to_owned(), json!(mounts.volumes));
    }
    Ok(pod)
}

fn text<'a>(map: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    map.get(key).and_then(Value::as_str)
}

/// Kubernetes would replace `$(NAME)` in commands and variables, which Compose leaves alone.
fn literal(text: &str) -> String {
    text.replace("$(", "$$(")
}

fn image(file: &mut File<'_>, shared: &Shared<'_>, one: &One<'_>) -> Result<String> {
    let image = text(one.service, "image");
    if one.service.get("build").is_some() {
        let built = image.map_or_else(|| format!("{}-{}", shared.project, one.key), str::to_owned);
        let message = format!("images are not built here; build {built} and push it where the cluster can pull it");
        file.warn(&at(&one.path, "build"), &message);
        return Ok(built);
    }
    match image {
        Some(image) if !image.is_empty() => Ok(image.to_owned()),
        _ => Err(file.fault(&one.path, &format!("service `{}` has neither `image` nor `build`", one.key))),
    }
}

/// Variables of `env_file`, then those of `environment`, which win.
fn environment(file: &mut File<'_>, one: &One<'_>) -> Result<Vec<Value>> {
    let mut variables: Vec<(String, String)> = Vec::new();
    let mut set = |key: String, value: String| match variables.iter_mut().find(|(known, _)| *known == key) {
        Some((_, old)) => *old = value,
        None => variables.push((key, value)),
    };
    let files = match one.service.get("env_file") {
        Some(Value::Array(items)) => items.clone(),
        Some(Value::Null) | None => Vec::new(),
        Some(single) => vec![single.clone()],
    };
    for (index, value) in files.iter().enumerate() {
        let here = item(&at(&one.path, "env_file"), index);
        let name = value.as_str().or_else(|| value.get("path").and_then(Value::as_str)).unwrap_or_default();
        match (file.options.read)(name) {
            Some(text) => interpolate::env_file(&text).into_iter().for_each(|(key, value)| set(key, value)),
            None if value.get("required") == Some(&json!(false)) => {}
            None => file.warn(&here, &format!("{name} cannot be read; its variables are left out")),
        }
    }
    if let Some(value) = one.service.get("environment") {
        let path = at(&one.path, "environment");
        let pairs = read::pairs(value)
            .ok_or_else(|| file.fault(&path, "`environment` must be a mapping, or a list of KEY=VALUE"))?;
        for (key, value) in pairs {
            match value.or_else(|| (file.options.variable)(&key)) {
                Some(value) => set(key, value),
                None => {
                    file.warn(
                        &path,
                        &format!("{key} has no value here and is not set where this runs; it is left out"),
                    );
                }
            }
        }
    }
    Ok(variables.into_iter().map(|(key, value)| json!({"name": key, "value": literal(&value)})).collect())
}

fn resources(file: &mut File<'_>, one: &One<'_>) -> Map<String, Value> {
    let mut limits = Map::new();
    let mut requests = Map::new();
    let add = |map: &mut Map<String, Value>, key: &str, value: Option<String>| {
        if let Some(value) = value {
            map.insert(key.to_owned(), json!(value));
        }
    };
    add(&mut limits, "cpu", one.service.get("cpus").and_then(read::scalar));
    add(&mut limits, "memory", one.service.get("mem_limit").and_then(read::memory));
    add(&mut requests, "memory", one.service.get("mem_reservation").and_then(read::memory));
    let deploy = one.service.get("deploy").and_then(|deploy| deploy.get("resources"));
    for (key, map) in [("limits", &mut limits), ("reservations", &mut requests)] {
        let Some(Value::Object(asked)) = deploy.and_then(|resources| resources.get(key)) else { continue };
        add(map, "cpu", asked.get("cpus").and_then(read::scalar));
        add(map, "memory", asked.get("memory").and_then(read::memory));
        let path = at(&at(&at(&one.path, "deploy"), "resources"), key);
        file.warn_others(asked, &["cpus", "memory"], &path);
    }
    let mut resources = Map::new();
    for (key, map) in [("limits", limits), ("requests", requests)] {
        if !map.is_empty() {
            resources.insert(key.to_owned(), Value::Object(map));
        }
    }
    resources
}

fn probes(file: &mut File<'_>, one: &One<'_>, container: &mut Map<String, Value>) {
    const KEYS: &[&str] = &["test", "interval", "timeout", "retries", "start_period", "disable"];
    let Some(Value::Object(check)) = one.service.get("healthcheck") else { return };
    let path = at(&one.path, "healthcheck");
    file.warn_others(check, KEYS, &path);
    if check.get("disable") == Some(&json!(true)) {
        return;
    }
    let command = match check.get("test") {
        Some(Value::String(text)) => Some(vec!["/bin/sh".to_owned(), "-c".to_owned(), text.clone()]),
        Some(Value::Array(items)) => {
            let words: Vec<String> = items.iter().filter_map(read::scalar).collect();
            match words.split_first() {
                Some((first, rest)) if first == "CMD" => Some(rest.to_vec()),
                Some((first, rest)) if first == "CMD-SHELL" => {
                    Some([&["/bin/sh".to_owned(), "-c".to_owned()], rest].concat())
                }
                Some((first, _)) if first == "NONE" => return,
                _ => None,
            }
        }
        _ => None,
    };
    let Some(command) = command.filter(|command| !command.is_empty()) else {
        file.warn(&path, "it has no test that can be run here, and is left out");
        return;
    };
    let mut probe = json!({"exec": {"command": command}});
    for (from, to) in [("interval", "periodSeconds"), ("timeout", "timeoutSeconds")] {
        if let Some(seconds) = check.get(from).and_then(read::seconds) {
            probe[to] = json!(seconds.max(1));
        }
    }
    if let Some(retries) = check.get("retries").and_then(read::number) {
        probe["failureThreshold"] = json!(retries.max(1));
    }
    container.insert("readinessProbe".to_owned(), probe.clone());
    // What starts slowly is not to be restarted before it had its time.
    if let Some(seconds) = check.get("start_period").and_then(read::seconds) {
        probe["initialDelaySeconds"] = json!(seconds);
    }
    container.insert("livenessProbe".to_owned(), probe);
}

fn security(file: &mut File<'_>, one: &One<'_>) -> Map<String, Value> {
    let mut security = Map::new();
    let service = one.service;
    if let Some(user) = service.get("user").and_then(read::scalar) {
        let (user, group) = user.split_once(':').map_or((user.as_str(), None), |(user, group)| (user, Some(group)));
        let parts = [("runAsUser", Some(user)), ("runAsGroup", group)];
        for (key, value) in parts.into_iter().filter_map(|(key, value)| Some((key, value?))) {
            match value.parse::<i64>() {
                Ok(number) => drop(security.insert(key.to_owned(), json!(number))),
                Err(_) => file.warn(
                    &at(&one.path, "user"),
                    &format!("`{value}` is a name; pods take numbers only, so it is left out"),
                ),
            }
        }
    }
    for (from, to) in [("privileged", "privileged"), ("read_only", "readOnlyRootFilesystem")] {
        if service.get(from) == Some(&json!(true)) {
            security.insert(to.to_owned(), json!(true));
        }
    }
    let mut capabilities = Map::new();
    for (from, to) in [("cap_add", "add"), ("cap_drop", "drop")] {
        if let Some(names) = read::strings(service.get(from)).filter(|names| !names.is_empty()) {
            let plain = names.iter().map(|name| name.trim_start_matches("CAP_")).collect::<Vec<_>>();
            capabilities.insert(to.to_owned(), json!(plain));
        }
    }
    if !capabilities.is_empty() {
        security.insert("capabilities".to_owned(), Value::Object(capabilities));
    }
    security
}

fn pull_policy(file: &mut File<'_>, one: &One<'_>, container: &mut Map<String, Value>) {
    let Some(policy) = text(one.service, "pull_policy") else { return };
    let policy = match policy {
        "always" => "Always",
        "never" => "Never",
        "missing" | "if_not_present" => "IfNotPresent",
        _ => return file.warn(&at(&one.path, "pull_policy"), "has no counterpart in Kubernetes and is left out"),
    };
    container.insert("imagePullPolicy".to_owned(), json!(policy));
}

/// What a service says about its pod rather than its container.
fn around(file: &mut File<'_>, one: &One<'_>) -> Map<String, Value> {
    let mut pod = Map::new();
    let service = one.service;
    if let Some(name) = text(service, "hostname") {
        pod.insert("hostname".to_owned(), json!(dns_name(name)));
    }
    if let Some(seconds) = service.get("stop_grace_period").and_then(read::seconds) {
        pod.insert("terminationGracePeriodSeconds".to_owned(), json!(seconds));
    }
    if let Some(hosts) = service.get("extra_hosts") {
        pod.insert("hostAliases".to_owned(), json!(host_aliases(file, hosts, &at(&one.path, "extra_hosts"))));
    }
    if let Some(servers) = read::strings(service.get("dns")).filter(|servers| !servers.is_empty()) {
        pod.insert("dnsConfig".to_owned(), json!({"nameservers": servers}));
    }
    if let Some(mode) = text(service, "network_mode") {
        if mode == "host" {
            pod.insert("hostNetwork".to_owned(), json!(true));
        } else {
            file.warn(
                &at(&one.path, "network_mode"),
                &format!("`{mode}` has no counterpart in Kubernetes and is left out"),
            );
        }
    }
    for (from, to) in [("pid", "hostPID"), ("ipc", "hostIPC")] {
        if text(service, from) == Some("host") {
            pod.insert(to.to_owned(), json!(true));
        }
    }
    let groups: Vec<i64> =
        service.get("group_add").and_then(Value::as_array).into_iter().flatten().filter_map(read::number).collect();
    let mut context = Map::new();
    if !groups.is_empty() {
        context.insert("supplementalGroups".to_owned(), json!(groups));
    }
    if let Some(pairs) = service.get("sysctls").and_then(read::pairs).filter(|pairs| !pairs.is_empty()) {
        let list = pairs.into_iter().map(|(name, value)| json!({"name": name, "value": value.unwrap_or_default()}));
        context.insert("sysctls".to_owned(), Value::Array(list.collect()));
    }
    if !context.is_empty() {
        pod.insert("securityContext".to_owned(), Value::Object(context));
    }
    pod
}

fn host_aliases(file: &mut File<'_>, hosts: &Value, path: &[Step]) -> Vec<Value> {
    let pairs: Vec<(String, String)> = match hosts {
        Value::Array(items) => items
            .iter()
            .filter_map(|item| item.as_str()?.split_once([':', '=']).map(|(name, ip)| (name.to_owned(), ip.to_owned())))
            .collect(),
        other => {
            read::pairs(other).unwrap_or_default().into_iter().filter_map(|(name, ip)| Some((name, ip?))).collect()
        }
    };
    let mut found = Vec::new();
    for (name, ip) in pairs {
        if ip.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok() {
            found.push(json!({"ip": ip.trim_matches(['[', ']']), "hostnames": [name]}));
        } else {
            file.warn(path, &format!("{name} is to be {ip}, which is no address; it is left out"));
        }
    }
    found
}
