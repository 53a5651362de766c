//! fortio's JSON, which Meshery keeps as `runner_results`. Durations are in seconds, `ActualDuration` in nanoseconds.
//!
//! fortio itself counts into 56 buckets of whole milliseconds, so that its percentiles of a fast service are guesses. What
//! is written here has a bucket for each half percent, and percentiles from the histogram itself.

mod buckets;

pub(super) use buckets::PERCENTILES;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{Format, imported, nanoseconds, unwritable};
use crate::base::clock::Timestamp;
use crate::base::error::Result;
use crate::model::performance::duration;
use crate::model::performance::environment::{Environment, Kubernetes, Node};
use crate::model::performance::histogram::Histogram;
use crate::model::performance::plan::{Load, Overload, Pacing, Protocol, Target};
use crate::model::performance::result::{Cause, Ending, PerfResult};

/// A result as fortio's JSON.
///
/// # Errors
/// The value cannot be written.
pub fn write(result: &PerfResult) -> Result<String> {
    let text = serde_json::to_string_pretty(&value(result));
    text.map(|text| text + "\n").map_err(|problem| unwritable(Format::Fortio, problem))
}

/// A result as the object that Meshery's clients know as `runner_results`.
pub fn value(result: &PerfResult) -> Value {
    let plan = &result.plan;
    let mut object = json!({
        "RunType": run_type(plan.protocol),
        "Labels": result.name,
        "StartTime": result.started_at.to_string(),
        "RequestedQPS": result.requested_rate.map_or_else(|| "max".to_owned(), |rate| rate.to_string()),
        "RequestedDuration": requested_duration(result),
        "ActualQPS": result.achieved_rate,
        "ActualDuration": nanoseconds(result.elapsed_seconds),
        "NumThreads": plan.connections,
        "Version": format!("{} {}", result.generator.name, result.generator.version),
        "DurationHistogram": buckets::write(&result.latency.response),
        "ErrorsDurationHistogram": buckets::write(&errors(result)),
        "Exactly": plan.requests.unwrap_or(0),
        "Jitter": false,
        "Uniform": true,
        "NoCatchUp": matches!(plan.load, Load::Open { overload: Overload::Drop, .. }),
        "RunID": 0,
        "ID": result.id,
        "RetCodes": codes(result),
        "URL": first_url(result),
        "NumConnections": plan.connections,
        "Resolution": buckets::RESOLUTION,
        "SocketCount": result.connections.opened,
        "BytesSent": result.bytes.sent,
        "BytesReceived": result.bytes.received,
        "Sizes": null,
        "HeaderSizes": null,
        "AbortOn": 0,
        "load-generator": result.generator.name,
    });
    if let (Value::Object(object), Some(kubernetes)) = (&mut object, &result.environment.kubernetes) {
        object.insert("kubernetes".to_owned(), cluster(kubernetes));
    }
    object
}

fn run_type(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Http1 | Protocol::Http2 => "HTTP",
        Protocol::Grpc => "GRPC",
        Protocol::GrpcHealth => "GRPC Health",
        Protocol::Tcp => "TCP",
        Protocol::Udp => "UDP",
    }
}

fn requested_duration(result: &PerfResult) -> String {
    match (result.plan.duration, result.plan.requests) {
        (_, Some(requests)) => format!("exactly {requests} calls"),
        (Some(length), None) => duration::format(length),
        (None, None) => "until stop".to_owned(),
    }
}

fn first_url(result: &PerfResult) -> &str {
    result.plan.targets.first().map_or("", |target| &target.url)
}

/// Response times of bad statuses.
fn errors(result: &PerfResult) -> Histogram {
    let mut errors = Histogram::new();
    let bad = result.latency.by_class.iter().filter(|(class, _)| matches!(class.as_str(), "4xx" | "5xx" | "error"));
    bad.for_each(|(_, histogram)| errors.merge(histogram));
    errors
}

/// `-1` stands for requests without a response.
fn codes(result: &PerfResult) -> BTreeMap<String, u64> {
    let mut codes = result.statuses.clone();
    let answered = result.errors.get(&Cause::Status).copied().unwrap_or(0);
    let unanswered = result.requests.failed.saturating_sub(answered);
    if unanswered > 0 {
        *codes.entry("-1".to_owned()).or_default() += unanswered;
    }
    codes
}

fn cluster(kubernetes: &Kubernetes) -> Value {
    let nodes = kubernetes.nodes.iter().map(|node| {
        json!({
            "hostname": node.name,
            "architecture": node.kind,
            "capacity_cpu": node.cores.to_string(),
            "capacity_memory": format!("{}Mi", node.memory_mib),
        })
    });
    json!({ "server_version": kubernetes.version, "nodes": nodes.collect::<Vec<_>>() })
}

/// Reads what fortio, or a program that writes like it, wrote. `content` is the whole file.
pub fn read(value: &Value, content: &[u8]) -> Result<PerfResult, String> {
    let object = value.as_object().ok_or("the result is no object")?;
    let mut result = imported::blank(text(object, "load-generator").unwrap_or("fortio"), content);
    let histogram = object.get("DurationHistogram").ok_or("it has no DurationHistogram")?;
    result.latency.response = buckets::read(histogram)?;
    result.latency.service = result.latency.response.clone();
    text(object, "Labels").unwrap_or_default().clone_into(&mut result.name);
    text(object, "Version").unwrap_or_default().clone_into(&mut result.generator.version);
    result.generator.resolution_ns = buckets::resolution(object.get("Resolution").and_then(Value::as_f64), histogram);
    result.achieved_rate = number(object, "ActualQPS");
    take_time(&mut result, object)?;
    take_plan(&mut result, object);
    take_codes(&mut result, object);
    take_cluster(&mut result.environment, object.get("kubernetes"));
    result.connections.opened = whole(object, "SocketCount");
    result.bytes.sent = whole(object, "BytesSent");
    result.bytes.received = whole(object, "BytesReceived");
    result.warnings.push(
        "read from buckets of fortio's JSON: percentiles between their bounds are interpolated, intervals are lost"
            .to_owned(),
    );
    if result.requested_rate.is_some() && result.generator.name == "fortio" {
        result.warnings.push(
            "fortio counts from the moment a request was sent: what it waited behind a slow response is not in the durations"
                .to_owned(),
        );
    }
    Ok(result)
}

/// Reads Meshery's record of a result, which holds fortio's JSON.
pub fn read_meshery(record: &Value, inner: &Value, content: &[u8]) -> Result<PerfResult, String> {
    let mut result = read(inner, content)?;
    let word = |key: &str| record.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    if let Some(name) = word("name") {
        name.clone_into(&mut result.name);
    }
    result.profile_id = word("performance_profile").and_then(|id| id.parse().ok());
    if let Some(id) = word("meshery_id").and_then(|id| id.parse().ok()) {
        result.id = id;
    }
    result.plan.mesh = word("mesh").and_then(crate::perf::smp::mesh_name).map(str::to_owned);
    Ok(result)
}

fn text<'a>(object: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    object.get(key).and_then(Value::as_str)
}

fn number(object: &Map<String, Value>, key: &str) -> f64 {
    object.get(key).and_then(Value::as_f64).unwrap_or_default()
}

fn whole(object: &Map<String, Value>, key: &str) -> u64 {
    object.get(key).and_then(Value::as_u64).unwrap_or_default()
}

fn take_time(result: &mut PerfResult, object: &Map<String, Value>) -> Result<(), String> {
    let begin = match text(object, "StartTime") {
        Some(text) => text.parse::<Timestamp>().map_err(|_| format!("StartTime `{text}` is no time"))?,
        None => Timestamp::UNIX_EPOCH,
    };
    imported::set_time(result, begin, number(object, "ActualDuration") / 1e9);
    Ok(())
}

fn take_plan(result: &mut PerfResult, object: &Map<String, Value>) {
    let plan = &mut result.plan;
    plan.name.clone_from(&result.name);
    let kind = text(object, "RunType").unwrap_or("HTTP");
    plan.protocol = match kind.split_whitespace().next() {
        Some("GRPC") if kind.contains("Health") => Protocol::GrpcHealth,
        Some("GRPC") => Protocol::Grpc,
        Some("TCP") => Protocol::Tcp,
        Some("UDP") => Protocol::Udp,
        _ if object.get("H2") == Some(&Value::Bool(true)) => Protocol::Http2,
        _ => Protocol::Http1,
    };
    let url = text(object, "URL").or_else(|| text(object, "Destination")).filter(|url| !url.is_empty());
    plan.targets = url.map(|url| Target { url: url.to_owned(), weight: 1 }).into_iter().collect();
    plan.connections = u32::try_from(whole(object, "NumThreads")).unwrap_or(u32::MAX);
    plan.duration = text(object, "RequestedDuration").and_then(|text| duration::parse(text).ok());
    plan.requests = Some(whole(object, "Exactly")).filter(|exactly| *exactly > 0);
    result.ended_by = if plan.requests.is_some() { Ending::Requests } else { Ending::Duration };
    let rate = text(object, "RequestedQPS").and_then(|text| text.parse::<f64>().ok()).filter(|rate| *rate > 0.0);
    result.requested_rate = rate.filter(|rate| rate.is_finite());
    if let Some(rate) = result.requested_rate {
        plan.load = Load::Open { pacing: Pacing::Constant { rate }, overload: Overload::Queue };
    }
}

/// fortio's own codes: three digits for HTTP, `-1` without a response, `OK` and `SERVING` elsewhere.
fn take_codes(result: &mut PerfResult, object: &Map<String, Value>) {
    let count = result.latency.response.count();
    result.requests.sent = count;
    result.requests.due = count;
    for (code, number) in object.get("RetCodes").and_then(Value::as_object).into_iter().flatten() {
        let number = number.as_u64().unwrap_or_default();
        let cause = match code.parse::<i64>() {
            Ok(status @ 100..=399) if status > 0 => None,
            Ok(100..=599) => Some(Cause::Status),
            Ok(1) | Err(_) if matches!(code.as_str(), "1" | "OK" | "SERVING") => None,
            _ => Some(Cause::Other),
        };
        match cause {
            Some(cause) => {
                *result.errors.entry(cause).or_default() += number;
                result.requests.failed += number;
            }
            None => result.requests.succeeded += number,
        }
        if cause != Some(Cause::Other) {
            result.statuses.insert(code.clone(), number);
        }
    }
    if result.requests.failed + result.requests.succeeded == 0 {
        result.requests.succeeded = count;
    }
    result.requests.sent = result.requests.sent.max(result.requests.failed + result.requests.succeeded);
    result.requests.due = result.requests.sent;
}

fn take_cluster(environment: &mut Environment, cluster: Option<&Value>) {
    let Some(Value::Object(cluster)) = cluster else { return };
    let nodes = cluster.get("nodes").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object);
    environment.kubernetes = Some(Kubernetes {
        context: String::new(),
        version: text(cluster, "server_version").unwrap_or_default().to_owned(),
        nodes: nodes.map(node).collect(),
    });
}

fn node(node: &Map<String, Value>) -> Node {
    let memory = text(node, "capacity_memory").unwrap_or_default();
    let memory_mib = match memory.strip_suffix("Ki") {
        Some(kib) => kib.parse::<u64>().map(|kib| kib / 1024).ok(),
        None => memory.strip_suffix("Mi").and_then(|mib| mib.parse().ok()),
    };
    Node {
        name: text(node, "hostname").unwrap_or_default().to_owned(),
        kind: text(node, "architecture").unwrap_or_default().to_owned(),
        cores: text(node, "capacity_cpu").and_then(|cores| cores.parse().ok()).unwrap_or_default(),
        memory_mib: memory_mib.unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        clippy::float_cmp,
        reason = "figures of tests are small and exact"
    )]

    use super::*;
    use crate::perf::sample;

    #[test]
    fn the_fields_that_clients_rely_on_are_there_in_their_units() {
        let result = sample::result(3_000);
        let value = value(&result);
        assert_eq!(value["RunType"], "HTTP");
        assert_eq!(value["RequestedQPS"], "100");
        assert_eq!(value["RequestedDuration"], "30s");
        assert_eq!(value["ActualDuration"], 30_000_000_000u64);
        assert_eq!(value["RetCodes"], json!({"200": 2910, "503": 60, "-1": 30}));
        assert_eq!(value["load-generator"], "native");
        assert_eq!(value["kubernetes"]["nodes"][0]["capacity_memory"], "4096Mi");
        let histogram = &value["DurationHistogram"];
        assert_eq!(histogram["Count"], 2970);
        assert!((0.003..0.007).contains(&histogram["Avg"].as_f64().unwrap()), "{}", histogram["Avg"]);
        let percentiles: Vec<f64> =
            histogram["Percentiles"].as_array().unwrap().iter().map(|p| p["Percentile"].as_f64().unwrap()).collect();
        assert_eq!(percentiles, [50.0, 75.0, 90.0, 99.0, 99.9]);
    }

    #[test]
    fn what_is_written_is_read_with_its_meaning() {
        let result = sample::result(3_000);
        let back = read(&value(&result), b"x").unwrap();
        assert_eq!((back.requests.sent, back.requests.failed), (3_000, 90));
        assert_eq!(back.statuses, result.statuses);
        assert_eq!(back.errors, BTreeMap::from([(Cause::Status, 60), (Cause::Other, 30)]));
        assert_eq!((back.requested_rate, back.achieved_rate), (Some(100.0), 100.0));
        assert_eq!((back.started_at, back.ended_at), (result.started_at, result.ended_at));
        assert_eq!(back.plan.targets, result.plan.targets);
        assert_eq!(back.environment.kubernetes.unwrap().nodes, result.environment.kubernetes.unwrap().nodes);
        assert!(back.warnings[0].contains("interpolated"));
    }

    #[test]
    fn a_record_of_meshery_is_read() {
        let record = json!({
            "meshery_id": "01890a5d-ac96-774b-bcce-b302099a8057", "name": "shop", "mesh": "istio",
            "runner_results": {
                "RunType": "HTTP", "Labels": "shop -_- http://a/", "StartTime": "2021-07-13T10:00:00.5Z",
                "RequestedQPS": "max", "RequestedDuration": "1m0s", "ActualQPS": 50.0, "ActualDuration": 60_000_000_000u64,
                "NumThreads": 2, "Version": "dev", "RetCodes": {"200": 2990, "-1": 10}, "URL": "http://a/",
                "DurationHistogram": {"Count": 3000, "Min": 0.0004, "Max": 0.003, "Sum": 3.0, "Avg": 0.001, "StdDev": 0.0,
                    "Data": [{"Start": 0.0004, "End": 0.001, "Percent": 50.0, "Count": 1500},
                             {"Start": 0.001, "End": 0.003, "Percent": 100.0, "Count": 1500}],
                    "Percentiles": [{"Percentile": 50.0, "Value": 0.001}]}}
        });
        let result = read_meshery(&record, &record["runner_results"], b"x").unwrap();
        assert_eq!((result.name.as_str(), result.plan.mesh.as_deref()), ("shop", Some("ISTIO")));
        assert_eq!((result.requested_rate, &result.plan.load), (None, &Load::Closed));
        assert_eq!(result.generator.resolution_ns, 1_000_000);
        let half = result.latency.response.percentile_ns(50.0);
        assert!(half.abs_diff(1_000_000) < 20_000, "{half}");
    }
}
