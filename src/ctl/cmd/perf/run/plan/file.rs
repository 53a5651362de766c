//! What a test file makes of a plan: each of its keys gives one value, and it is silent about the others.

use std::path::absolute;

use crate::model::performance::plan::{Load, Plan};
use crate::perf::plan::schemes;
use crate::perf::smp::MESH_FIELDS;
use crate::wire::rest::performance::profile::set_body;

/// The values of a plan that a key of a test file gives, by their names in output.
pub(super) fn values(key: &str) -> &'static [&'static str] {
    match key {
        "name" => &["name"],
        "duration" => &["duration"],
        "mesh" => &["mesh"],
        "labels" | "internal" => &["labels"],
        "load_generator" => &["generator"],
        "additional_options" => &["options"],
        "protocol" => &["protocol"],
        "connections" => &["connections"],
        "rps" => &["rate", "model"],
        "headers" => &["headers"],
        "cookies" => &["cookies"],
        "body" => &["body"],
        "endpoint_urls" => &["targets"],
        "ssl_certificate" => &["tls"],
        _ => &[],
    }
}

/// Puts what the keys `given` say in the file over the plan. Labels are added to those that are there, as a flag adds
/// them; any other key replaces its value.
pub(super) fn overlay(plan: &mut Plan, file: &Plan, given: &[&str]) {
    for key in given {
        match *key {
            "name" => plan.name.clone_from(&file.name),
            "duration" => plan.duration = file.duration,
            "mesh" => mesh(plan, file),
            "load_generator" => plan.generator = file.generator,
            "additional_options" => plan.generator_options.clone_from(&file.generator_options),
            "protocol" => plan.protocol = file.protocol,
            "connections" => plan.connections = file.connections,
            "rps" => plan.load = load(&plan.load, &file.load),
            "endpoint_urls" => endpoints(plan, file),
            _ => request(plan, file, key),
        }
    }
    plan.labels.extend(file.labels.clone());
}

fn request(plan: &mut Plan, file: &Plan, key: &str) {
    match key {
        "headers" => plan.request.headers.clone_from(&file.request.headers),
        "cookies" => plan.request.cookies.clone_from(&file.request.cookies),
        "body" => set_body(plan, file.request.body.clone()),
        "content_type" => plan.request.content_type.clone_from(&file.request.content_type),
        "ssl_certificate" => {
            // The generator may run in another folder than this command.
            let path = |path: &String| absolute(path).map_or_else(|_| path.clone(), |path| path.display().to_string());
            plan.tls.ca = file.tls.ca.as_ref().map(path);
        }
        _ => {}
    }
}

/// The mesh with its version, labels and annotations, which stand among the labels of the plan.
fn mesh(plan: &mut Plan, file: &Plan) {
    plan.mesh.clone_from(&file.mesh);
    plan.labels.retain(|name, _| !name.starts_with(MESH_FIELDS));
}

/// A rate of the file says nothing of what happens when every connection is busy.
fn load(known: &Load, file: &Load) -> Load {
    match (known, file) {
        (Load::Open { overload, .. }, Load::Open { pacing, .. }) => {
            Load::Open { pacing: pacing.clone(), overload: *overload }
        }
        _ => file.clone(),
    }
}

/// The addresses, and what is spoken to them where they leave no doubt: `http` does not say which of its protocols.
fn endpoints(plan: &mut Plan, file: &Plan) {
    plan.targets.clone_from(&file.targets);
    let scheme = file.targets.first().and_then(|target| target.url.split_once("://")).map_or("", |(scheme, _)| scheme);
    let is_open = matches!(scheme, "http" | "https") && schemes(plan.protocol).contains(&scheme);
    if !is_open {
        plan.protocol = file.protocol;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use super::*;
    use crate::model::performance::plan::{Generator, Header, Overload, Pacing, Protocol, Request, Reuse, Target, Tls};

    fn open(rate: f64, overload: Overload) -> Load {
        Load::Open { pacing: Pacing::Constant { rate }, overload }
    }

    fn one(name: &str, value: &str) -> BTreeMap<String, String> {
        BTreeMap::from([(name.to_owned(), value.to_owned())])
    }

    /// A plan in which no value is the default.
    fn profile() -> Plan {
        Plan {
            name: "profile".to_owned(),
            mesh: Some("LINKERD".to_owned()),
            labels: one("kept", "yes"),
            generator: Generator::Fortio,
            generator_options: Some("-a".to_owned()),
            protocol: Protocol::Http2,
            targets: vec![Target { url: "http://profile/".to_owned(), weight: 3 }],
            request: Request {
                method: "PUT".to_owned(),
                headers: vec![Header { name: "authorization".to_owned(), value: "x".to_owned() }],
                cookies: one("c", "profile"),
                body: b"profile".to_vec(),
                content_type: Some("text/plain".to_owned()),
            },
            load: open(500.0, Overload::Drop),
            connections: 16,
            streams: 4,
            reuse: Reuse::PerRequest,
            threads: 3,
            pin: true,
            busy: false,
            duration: Some(Duration::from_secs(5)),
            requests: Some(100),
            warm_up: Duration::from_secs(1),
            timeout: Duration::from_secs(2),
            tls: Tls {
                ca: Some("/profile.pem".to_owned()),
                cert: Some("/cert.pem".to_owned()),
                key: Some("/key.pem".to_owned()),
                server_name: Some("profile".to_owned()),
                insecure: true,
                ..Tls::default()
            },
            redirects: 2,
            seed: 9,
        }
    }

    /// What a file with every key gives.
    fn file() -> Plan {
        Plan {
            name: "file".to_owned(),
            mesh: Some("ISTIO".to_owned()),
            generator: Generator::Wrk2,
            generator_options: Some("-b".to_owned()),
            protocol: Protocol::Http1,
            targets: vec![Target { url: "http://file/".to_owned(), weight: 1 }],
            request: Request {
                method: "POST".to_owned(),
                headers: vec![Header { name: "x".to_owned(), value: "file".to_owned() }],
                cookies: one("c", "file"),
                body: b"file".to_vec(),
                content_type: Some("text/html".to_owned()),
            },
            load: open(10.0, Overload::Queue),
            connections: 2,
            duration: Some(Duration::from_mins(1)),
            tls: Tls { ca: Some("/file.pem".to_owned()), ..Tls::default() },
            ..Plan::default()
        }
    }

    fn over(given: &[&str]) -> Plan {
        let mut plan = profile();
        overlay(&mut plan, &file(), given);
        plan
    }

    #[test]
    fn a_silent_file_changes_nothing() {
        assert_eq!(over(&[]), profile());
    }

    #[test]
    fn each_key_gives_its_value_and_no_other() {
        type Change = fn(&mut Plan, Plan);
        let keys: [(&str, Change); 14] = [
            ("name", |plan, file| plan.name = file.name),
            ("duration", |plan, file| plan.duration = file.duration),
            ("mesh", |plan, file| plan.mesh = file.mesh),
            ("load_generator", |plan, file| plan.generator = file.generator),
            ("additional_options", |plan, file| plan.generator_options = file.generator_options),
            ("protocol", |plan, file| plan.protocol = file.protocol),
            ("connections", |plan, file| plan.connections = file.connections),
            ("rps", |plan, _| plan.load = open(10.0, Overload::Drop)),
            ("headers", |plan, file| plan.request.headers = file.request.headers),
            ("cookies", |plan, file| plan.request.cookies = file.request.cookies),
            ("body", |plan, file| plan.request.body = file.request.body),
            ("content_type", |plan, file| plan.request.content_type = file.request.content_type),
            ("endpoint_urls", |plan, file| plan.targets = file.targets),
            ("ssl_certificate", |plan, file| plan.tls.ca = file.tls.ca),
        ];
        for (key, change) in keys {
            let mut expected = profile();
            change(&mut expected, file());
            assert_eq!(over(&[key]), expected, "{key}");
        }
    }

    #[test]
    fn labels_are_added_and_those_of_another_mesh_go() {
        let mut plan = Plan { labels: one("smp.mesh.version", "1"), ..profile() };
        let file = Plan { labels: one("team", "shop"), ..file() };
        overlay(&mut plan, &file, &["labels"]);
        assert_eq!((plan.labels["smp.mesh.version"].as_str(), plan.labels["team"].as_str()), ("1", "shop"));
        overlay(&mut plan, &file, &["mesh"]);
        assert_eq!(plan.labels, one("team", "shop"));
    }

    #[test]
    fn addresses_choose_the_protocol_where_they_leave_no_doubt() {
        let file = Plan {
            protocol: Protocol::Tcp,
            targets: vec![Target { url: "tcp://file:1".to_owned(), weight: 1 }],
            ..file()
        };
        let mut plan = profile();
        overlay(&mut plan, &file, &["endpoint_urls"]);
        assert_eq!(plan.protocol, Protocol::Tcp);
    }

    #[test]
    fn a_rate_of_none_is_the_closed_model() {
        let mut plan = profile();
        overlay(&mut plan, &Plan { load: Load::Closed, ..file() }, &["rps"]);
        assert_eq!(plan.load, Load::Closed);
    }
}
