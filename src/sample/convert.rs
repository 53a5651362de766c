//! Kinds that two versions serve from one store: HorizontalPodAutoscalers and Events.

use serde_json::{Map, Value, json};

use super::kind::Kind;
use super::object;
use super::shape::schema;

/// Brings an object of this kind into the version in which it is kept.
pub fn to_stored(kind: &Kind, value: &mut Value) {
    match (kind.group.as_str(), kind.version.as_str(), kind.plural.as_str()) {
        ("autoscaling", "v1", "horizontalpodautoscalers") => autoscaler_to_v2(value),
        ("events.k8s.io", ..) => rename(value, EVENT_FIELDS, false),
        _ => {}
    }
}

/// Shows a kept object in the version of this kind.
pub fn from_stored(kind: &Kind, value: &mut Value) {
    match (kind.group.as_str(), kind.version.as_str(), kind.plural.as_str()) {
        ("autoscaling", "v1", "horizontalpodautoscalers") => autoscaler_to_v1(value),
        ("events.k8s.io", ..) => rename(value, EVENT_FIELDS, true),
        _ => {}
    }
    if let Some(custom) = &kind.custom
        && object::text(value, &["apiVersion"]) != kind.api_version()
    {
        schema::prune(&custom.schema, value);
        schema::default(&custom.schema, value);
    }
    object::stamp(value, &kind.api_version(), &kind.kind);
}

/// Fields of core events and of those of events.k8s.io.
const EVENT_FIELDS: &[(&str, &str)] = &[
    ("involvedObject", "regarding"),
    ("message", "note"),
    ("reportingComponent", "reportingController"),
    ("source", "deprecatedSource"),
    ("firstTimestamp", "deprecatedFirstTimestamp"),
    ("lastTimestamp", "deprecatedLastTimestamp"),
    ("count", "deprecatedCount"),
];

fn rename(value: &mut Value, fields: &[(&str, &str)], forth: bool) {
    let object = object::ensure(value);
    for (old, new) in fields {
        let (from, to) = if forth { (old, new) } else { (new, old) };
        if let Some(moved) = object.shift_remove(*from) {
            object.insert((*to).to_owned(), moved);
        }
    }
}

fn autoscaler_to_v2(value: &mut Value) {
    let spec = object::child(value, "spec");
    if let Some(percent) = spec.shift_remove("targetCPUUtilizationPercentage") {
        let target = json!({"type": "Utilization", "averageUtilization": percent});
        spec.insert("metrics".to_owned(), json!([{"type": "Resource", "resource": {"name": "cpu", "target": target}}]));
    }
    let status = object::child(value, "status");
    if let Some(percent) = status.shift_remove("currentCPUUtilizationPercentage") {
        let current = json!({"averageUtilization": percent});
        let metrics = json!([{"type": "Resource", "resource": {"name": "cpu", "current": current}}]);
        status.insert("currentMetrics".to_owned(), metrics);
    }
}

fn autoscaler_to_v1(value: &mut Value) {
    let percent = |metrics: Option<Value>, part: &str| {
        let metrics = metrics.unwrap_or_default();
        let cpu = object::list(&metrics, &[]).iter().find(|metric| metric["resource"]["name"] == "cpu").cloned()?;
        Some(cpu["resource"][part]["averageUtilization"].clone()).filter(|percent| !percent.is_null())
    };
    let mut put = |part: &str, from: &str, field: &str, inner: &str| {
        if let Some(fields) = value.get_mut(part).and_then(Value::as_object_mut) {
            let found = percent(fields.shift_remove(from), inner);
            fields.extend(found.map(|percent| (field.to_owned(), percent)));
        }
    };
    put("spec", "metrics", "targetCPUUtilizationPercentage", "target");
    put("status", "currentMetrics", "currentCPUUtilizationPercentage", "current");
    for (part, field) in [("spec", "behavior"), ("status", "conditions")] {
        if let Some(fields) = value.get_mut(part).and_then(Value::as_object_mut) {
            let _: Option<Value> = Map::shift_remove(fields, field);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::builtin;

    #[test]
    fn an_autoscaler_goes_to_v2_and_back() {
        let kind = builtin::kinds()
            .iter()
            .find(|kind| kind.plural == "horizontalpodautoscalers" && kind.version == "v1")
            .unwrap();
        let first = json!({"kind": "HorizontalPodAutoscaler", "apiVersion": "autoscaling/v1",
            "spec": {"maxReplicas": 3, "targetCPUUtilizationPercentage": 50}, "status": {}});
        let mut value = first.clone();
        to_stored(kind, &mut value);
        assert_eq!(value["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"], 50);
        from_stored(kind, &mut value);
        assert_eq!(value, first);
    }
}
