//! Services and ingresses.

use serde_json::{Value, json};

use super::names::label_fault;
use crate::sample::object::{list, text};
use crate::sample::status::Cause;

/// A service.
pub fn service(value: &Value, causes: &mut Vec<Cause>) {
    let spec = &value["spec"];
    let ports = list(spec, &["ports"]);
    let kind = text(spec, &["type"]);
    let allowed = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
    if !allowed.contains(&kind) {
        causes.push(Cause::not_supported("spec.type", &json!(kind), &allowed.map(str::to_owned)));
    }
    if kind == "ExternalName" {
        if text(spec, &["externalName"]).is_empty() {
            causes.push(Cause::required("spec.externalName", ""));
        }
    } else if ports.is_empty() && text(spec, &["clusterIP"]) != "None" {
        causes.push(Cause::required("spec.ports", ""));
    }
    let mut names = Vec::new();
    for (place, port) in ports.iter().enumerate() {
        let field = format!("spec.ports[{place}]");
        let name = text(port, &["name"]);
        if name.is_empty() {
            if ports.len() > 1 {
                causes.push(Cause::required(format!("{field}.name"), ""));
            }
        } else if let Some(why) = label_fault(name) {
            causes.push(Cause::invalid(format!("{field}.name"), &json!(name), why));
        } else if names.contains(&name) {
            causes.push(Cause::duplicate(format!("{field}.name"), &json!(name)));
        }
        names.push(name);
        port_number(&port["port"], &format!("{field}.port"), causes);
        if port["targetPort"].is_number() {
            port_number(&port["targetPort"], &format!("{field}.targetPort"), causes);
        }
        protocol(port, &field, causes);
    }
}

/// A port between 1 and 65535; an absent one counts as 0.
pub fn port_number(port: &Value, field: &str, causes: &mut Vec<Cause>) {
    let number = port.as_i64().unwrap_or_default();
    if !(1..=65535).contains(&number) {
        causes.push(Cause::invalid(field, &json!(number), "must be between 1 and 65535, inclusive"));
    }
}

/// A transport protocol.
pub fn protocol(port: &Value, field: &str, causes: &mut Vec<Cause>) {
    let given = text(port, &["protocol"]);
    let allowed = ["SCTP", "TCP", "UDP"];
    if !allowed.contains(&given) {
        causes.push(Cause::not_supported(format!("{field}.protocol"), &json!(given), &allowed.map(str::to_owned)));
    }
}

/// The address of a service stays as it was given.
pub fn service_update(old: &Value, new: &Value, causes: &mut Vec<Cause>) {
    let (before, after) = (&old["spec"]["clusterIPs"], &new["spec"]["clusterIPs"]);
    let headless = text(&new["spec"], &["type"]) == "ExternalName" || text(&old["spec"], &["type"]) == "ExternalName";
    if !headless && before.is_array() && before != after {
        causes.push(Cause::invalid("spec.clusterIPs[0]", after, "may not change once set"));
    }
}

/// An ingress.
pub fn ingress(value: &Value, causes: &mut Vec<Cause>) {
    let rules = list(value, &["spec", "rules"]);
    if rules.is_empty() && value["spec"]["defaultBackend"].is_null() {
        let why = "either `defaultBackend` or `rules` must be specified";
        causes.push(Cause::invalid("spec", &json!([]), why));
    }
    for (place, rule) in rules.iter().enumerate() {
        for (number, path) in list(rule, &["http", "paths"]).iter().enumerate() {
            let field = format!("spec.rules[{place}].http.paths[{number}]");
            match text(path, &["pathType"]) {
                "" => causes.push(Cause::required(format!("{field}.pathType"), "pathType must be specified")),
                "Exact" | "Prefix" | "ImplementationSpecific" => {}
                other => {
                    let allowed = ["Exact", "ImplementationSpecific", "Prefix"].map(str::to_owned);
                    causes.push(Cause::not_supported(format!("{field}.pathType"), &json!(other), &allowed));
                }
            }
        }
    }
}
