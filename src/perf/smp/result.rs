//! Results in the messages of the specification, with true milliseconds.
//!
//! The message ends at p99 and has no place for a histogram, for errors or for what was asked. All of that travels in its
//! labels, so that what is written here is read back without loss of durations.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::VERSION;
use crate::base::clock::Timestamp;
use crate::base::error::{Code, Error, Result};
use crate::base::{id, yaml};
use crate::model::performance::environment::Environment;
use crate::model::performance::histogram::Histogram;
use crate::model::performance::plan::{Load, Overload, Pacing, Target};
use crate::model::performance::result::PerfResult;
use crate::perf::format::imported;
use crate::perf::stats::order;
use crate::perf::units;
use crate::wire::protobuf;
use crate::wire::smp::environment_config::Node;
use crate::wire::smp::performance_test_result::Latency;
use crate::wire::smp::service_mesh::Type;
use crate::wire::smp::service_mesh_config::{IngressGateway, MeshControlPlane, Sidecar};
use crate::wire::smp::{EnvironmentConfig, PerformanceTestResult, ServiceMesh, ServiceMeshConfig, Timestamp as Wire};

/// Label that says that latencies are milliseconds, which older files do not keep to.
const UNIT: &str = "latency_unit";
/// Label with every response time: HdrHistogram's V2 encoding with DEFLATE, as base64, in nanoseconds.
const HISTOGRAM: &str = "latency_histogram_hdr";
/// Label with the percentiles of the message that the sample is too small to state as fact; the message wants a value.
const UNSUPPORTED: &str = "latency_unsupported";
/// What no SMP result holds.
const READ_LOSSES: &str =
    "read from an SMP result: it holds no intervals, no statuses, no causes of errors and no service times";
/// Ids that Meshery writes where it has none: what bears one holds seconds.
const PLACEHOLDERS: [&str; 4] = ["test_smp_version", "test_id", "test_smp_id", "test_mesh_config_id"];

/// The result message.
pub fn message(result: &PerfResult) -> PerformanceTestResult {
    let response = &result.latency.response;
    let at = |percentile: f64| milliseconds(response.percentile_ns(percentile));
    PerformanceTestResult {
        smp_version: VERSION.to_owned(),
        id: result.id.to_string(),
        labels: labels(result),
        start_time: Some(wire_time(result.started_at)),
        end_time: Some(wire_time(result.ended_at)),
        latencies_ms: Some(Latency {
            min: milliseconds(response.min_ns()),
            average: response.mean_ns() / 1e6,
            p50: at(50.0),
            p90: at(90.0),
            p99: at(99.0),
            max: milliseconds(response.max_ns()),
        }),
        actual_qps: result.achieved_rate,
        details_uri: String::new(),
        test_id: result.profile_id.map(|id| id.to_string()).unwrap_or_default(),
        mesh_config_id: mesh_config(result).map(|config| config.id).unwrap_or_default(),
        env_id: environment(&result.environment).id,
    }
}

fn labels(result: &PerfResult) -> BTreeMap<String, String> {
    let mut labels = result.plan.labels.clone();
    let mut set = |key: &str, value: String| labels.insert(key.to_owned(), value);
    set("name", result.name.clone());
    set(UNIT, "ms".to_owned());
    set("load_generator", result.generator.name.clone());
    set("load_model", result.plan.load.model().to_owned());
    set("requests_sent", result.requests.sent.to_string());
    set("requests_failed", result.requests.failed.to_string());
    set("requests_dropped", result.requests.dropped.to_string());
    if let Some(rate) = result.requested_rate {
        set("requested_qps", rate.to_string());
    }
    if let Some(target) = result.plan.targets.first() {
        set("endpoint_url", target.url.clone());
    }
    let unsupported = unsupported(result);
    if !unsupported.is_empty() {
        set(UNSUPPORTED, unsupported.join(","));
    }
    // The message itself ends at p99; what the sample cannot support is not stated beyond it.
    for percentile in [99.9, 99.99].into_iter().filter(|percentile| is_supported(result, *percentile)) {
        let value = milliseconds(result.latency.response.percentile_ns(percentile));
        set(&format!("latency_p{percentile}_ms"), value.to_string());
    }
    if let Ok(histogram) = result.latency.response.encode() {
        set(HISTOGRAM, histogram);
    }
    labels
}

/// Names of the percentiles that the message has fields for and that the sample is too small to state as fact.
pub fn unsupported(result: &PerfResult) -> Vec<String> {
    [50.0, 90.0, 99.0]
        .into_iter()
        .filter(|percentile| !is_supported(result, *percentile))
        .map(units::percentile)
        .collect()
}

fn is_supported(result: &PerfResult, percentile: f64) -> bool {
    order::is_supported(result.latency.response.count(), percentile)
}

/// The mesh's configuration, where a mesh is known.
pub fn mesh_config(result: &PerfResult) -> Option<ServiceMeshConfig> {
    let mesh = result.environment.mesh.as_ref();
    let name = mesh.map(|mesh| mesh.kind.as_str()).or(result.plan.mesh.as_deref())?;
    let kind = Type::from_str_name(super::mesh_name(name)?)?;
    let facts = mesh.cloned().unwrap_or_default();
    let count = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
    let mut config = ServiceMeshConfig {
        smp_version: VERSION.to_owned(),
        labels: facts.labels.clone(),
        ingress_gateway: Some(IngressGateway { count: count(facts.ingress_gateways), ..IngressGateway::default() }),
        sidecar: Some(Sidecar { count: count(facts.sidecars), ..Sidecar::default() }),
        mesh_control_plane: Some(MeshControlPlane {
            count: count(facts.control_plane),
            sidecars: count(facts.sidecars),
            ..MeshControlPlane::default()
        }),
        mtls_enabled: facts.mtls.unwrap_or(false),
        mesh_build: facts.version.clone().unwrap_or_default(),
        mesh_type: Some(ServiceMesh {
            r#type: kind.into(),
            version: facts.version.unwrap_or_default(),
            ..ServiceMesh::default()
        }),
        ..ServiceMeshConfig::default()
    };
    config.id = id::stable("smp-mesh-config", &format!("{config:?}")).to_string();
    Some(config)
}

/// Where the measurement ran.
pub fn environment(environment: &Environment) -> EnvironmentConfig {
    let kubernetes = environment.kubernetes.clone().unwrap_or_default();
    let nodes = kubernetes.nodes.into_iter().map(|node| Node {
        r#type: node.kind,
        cores: i32::try_from(node.cores).unwrap_or(i32::MAX),
        mem_mb: i64::try_from(node.memory_mib).unwrap_or(i64::MAX),
    });
    let facts = [
        ("host", environment.host.clone()),
        ("os", environment.os.clone()),
        ("arch", environment.arch.clone()),
        ("cpu_model", environment.cpu_model.clone()),
        ("cpus", environment.cpus.to_string()),
        ("mem_mb", environment.memory_mib.to_string()),
    ];
    let mut config = EnvironmentConfig {
        smp_version: VERSION.to_owned(),
        labels: facts.into_iter().map(|(key, value)| (format!("generator_{key}"), value)).collect(),
        kubernetes_version: kubernetes.version,
        nodes: nodes.collect(),
        ..EnvironmentConfig::default()
    };
    config.id = id::stable("smp-environment", &format!("{config:?}")).to_string();
    config
}

#[expect(clippy::cast_precision_loss, reason = "nanoseconds of an hour stay below 2^53")]
fn milliseconds(nanoseconds: u64) -> f64 {
    nanoseconds as f64 / 1e6
}

fn wire_time(time: Timestamp) -> Wire {
    Wire { seconds: time.as_second(), nanos: time.subsec_nanosecond() }
}

/// The result message as protobuf.
pub fn write_protobuf(result: &PerfResult) -> Vec<u8> {
    protobuf::encode(&message(result))
}

/// The result message as JSON, field names as the specification writes them.
///
/// # Errors
/// The value cannot be written, which is a fault of this program.
pub fn write_json(result: &PerfResult) -> Result<String> {
    serde_json::to_string_pretty(&Document::of(message(result))).map(|text| text + "\n").map_err(|problem| {
        Error::new(Code::ResultUnwritable, "the result cannot be written as smp-json").because(problem)
    })
}

/// Three YAML documents: the result, the mesh's configuration where a mesh is known, the environment.
///
/// # Errors
/// The value cannot be written, which is a fault of this program.
pub fn write_yaml(result: &PerfResult) -> Result<String> {
    let mut text = yaml::write_kubernetes(&Document::of(message(result)))?;
    let mut further = Vec::new();
    further.extend(mesh_config(result).map(|config| mesh_config_value(&config)));
    further.push(environment_value(&environment(&result.environment)));
    for value in further {
        text.push_str("---\n");
        text.push_str(&yaml::write_kubernetes(&value)?);
    }
    Ok(text)
}

fn mesh_config_value(config: &ServiceMeshConfig) -> Value {
    let gateways = config.ingress_gateway.unwrap_or_default();
    let plane = config.mesh_control_plane.unwrap_or_default();
    let mesh = config.mesh_type.clone().unwrap_or_default();
    json!({
        "smp_version": config.smp_version,
        "id": config.id,
        "labels": config.labels,
        "ingress_gateway": { "count": gateways.count },
        "sidecar": { "count": config.sidecar.unwrap_or_default().count },
        "mesh_control_plane": { "count": plane.count, "sidecars": plane.sidecars },
        "mtls_enabled": config.mtls_enabled,
        "mesh_build": config.mesh_build,
        "mesh_type": { "type": mesh.r#type().as_str_name(), "version": mesh.version },
    })
}

fn environment_value(config: &EnvironmentConfig) -> Value {
    let node = |node: &Node| json!({ "type": node.r#type, "cores": node.cores, "mem_mb": node.mem_mb });
    json!({
        "smp_version": config.smp_version,
        "id": config.id,
        "labels": config.labels,
        "kubernetes_version": config.kubernetes_version,
        "nodes": config.nodes.iter().map(node).collect::<Vec<_>>(),
    })
}

/// The result message as JSON and YAML have it. Both spellings of protobuf's JSON are read.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Document {
    #[serde(alias = "smpVersion")]
    smp_version: String,
    id: String,
    labels: BTreeMap<String, Value>,
    #[serde(alias = "startTime")]
    start_time: Option<Timestamp>,
    #[serde(alias = "endTime")]
    end_time: Option<Timestamp>,
    #[serde(alias = "latenciesMs")]
    latencies_ms: Latencies,
    #[serde(alias = "actualQps")]
    actual_qps: f64,
    #[serde(alias = "detailsUri", skip_serializing_if = "String::is_empty")]
    details_uri: String,
    #[serde(alias = "testId")]
    test_id: String,
    #[serde(alias = "meshConfigId")]
    mesh_config_id: String,
    #[serde(alias = "envId")]
    env_id: String,
}

#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[serde(default)]
struct Latencies {
    min: f64,
    average: f64,
    p50: f64,
    p90: f64,
    p99: f64,
    max: f64,
}

impl Document {
    fn of(message: PerformanceTestResult) -> Self {
        let time = |time: Option<Wire>| time.and_then(|time| Timestamp::new(time.seconds, time.nanos).ok());
        let latency = message.latencies_ms.unwrap_or_default();
        Self {
            smp_version: message.smp_version,
            id: message.id,
            labels: message.labels.into_iter().map(|(key, value)| (key, value.into())).collect(),
            start_time: time(message.start_time),
            end_time: time(message.end_time),
            latencies_ms: Latencies {
                min: latency.min,
                average: latency.average,
                p50: latency.p50,
                p90: latency.p90,
                p99: latency.p99,
                max: latency.max,
            },
            actual_qps: message.actual_qps,
            details_uri: message.details_uri,
            test_id: message.test_id,
            mesh_config_id: message.mesh_config_id,
            env_id: message.env_id,
        }
    }

    fn label(&self, key: &str) -> Option<&str> {
        self.labels.get(key).and_then(Value::as_str)
    }

    fn whole(&self, key: &str) -> Option<u64> {
        self.label(key)?.parse().ok()
    }

    /// Whether the latencies are seconds in spite of their name: Meshery's converter copies seconds, with placeholders
    /// for ids, and its example file holds them too.
    fn holds_seconds(&self) -> bool {
        if self.label(UNIT) == Some("ms") {
            return false;
        }
        let ids = [&self.smp_version, &self.id, &self.test_id, &self.mesh_config_id, &self.env_id];
        ids.iter().any(|id| PLACEHOLDERS.contains(&id.as_str())) || self.latencies_ms.max < 1.0
    }
}

/// Whether JSON is a result of the specification, in its present form or in that before the messages.
pub fn is_result(value: &Value) -> bool {
    ["latencies_ms", "latenciesMs"].iter().any(|key| value.get(key).is_some() || value["client"].get(key).is_some())
}

/// Whether the text is YAML that may be such a result.
pub fn is_document(text: &str) -> bool {
    text.contains("latencies_ms") || text.contains("latenciesMs")
}

/// Reads a result in JSON. `content` is the whole file.
///
/// # Errors
/// What is wrong, as a sentence.
pub fn read_json(value: &Value, content: &[u8]) -> Result<PerfResult, String> {
    if value["client"].get("latencies_ms").is_some() {
        return read_early(value, content);
    }
    let document: Document = serde_json::from_value(value.clone()).map_err(|problem| problem.to_string())?;
    result_of(&document, content)
}

/// Reads a result in YAML: the first document that is one.
///
/// # Errors
/// What is wrong, as a sentence.
pub fn read_yaml(text: &str) -> Result<PerfResult, String> {
    let documents = yaml::read_kubernetes_stream(text).map_err(|fault| fault.message)?;
    let found = documents.iter().find(|document| is_result(document)).ok_or("no document of it is a result")?;
    read_json(found, text.as_bytes())
}

/// Reads a result in protobuf.
///
/// # Errors
/// What is wrong, as a sentence.
pub fn read_protobuf(bytes: &[u8]) -> Result<PerfResult, String> {
    let message: PerformanceTestResult = protobuf::decode(bytes)?;
    if message.latencies_ms.is_none() {
        return Err("it holds no latencies".to_owned());
    }
    result_of(&Document::of(message), bytes)
}

/// The document of 2019 and 2020, before there were messages.
fn read_early(value: &Value, content: &[u8]) -> Result<PerfResult, String> {
    let client = &value["client"];
    let time = |key: &str| value[key].as_str().and_then(|text| text.parse::<Timestamp>().ok());
    let latencies = serde_json::from_value(client["latencies_ms"].clone()).map_err(|problem| problem.to_string())?;
    let document = Document {
        id: value["exp_uuid"].as_str().unwrap_or_default().to_owned(),
        start_time: time("start_time"),
        end_time: time("end_time"),
        latencies_ms: latencies,
        actual_qps: client["rps"].as_f64().unwrap_or_default(),
        ..Document::default()
    };
    let mut result = result_of(&document, content)?;
    result.plan.targets =
        value["endpoint_url"].as_str().map(|url| Target { url: url.to_owned(), weight: 1 }).into_iter().collect();
    result.plan.connections = client["connections"].as_u64().and_then(|count| u32::try_from(count).ok()).unwrap_or(1);
    if let Some(version) = value["env"]["kubernetes"].as_str() {
        version.clone_into(&mut result.environment.kubernetes.get_or_insert_default().version);
    }
    Ok(result)
}

fn result_of(document: &Document, content: &[u8]) -> Result<PerfResult, String> {
    let mut result = imported::blank(document.label("load_generator").unwrap_or("unknown"), content);
    if let Ok(id) = document.id.parse() {
        result.id = id;
    }
    document.label("name").unwrap_or_default().clone_into(&mut result.name);
    result.profile_id = document.test_id.parse().ok();
    let begin = document.start_time.unwrap_or(Timestamp::UNIX_EPOCH);
    let end = document.end_time.unwrap_or(begin);
    imported::set_time(&mut result, begin, end.duration_since(begin).as_secs_f64());
    result.achieved_rate = document.actual_qps;
    take_durations(&mut result, document)?;
    let count = result.latency.response.count();
    result.requests.sent = document.whole("requests_sent").unwrap_or(count);
    result.requests.failed = document.whole("requests_failed").unwrap_or(0);
    result.requests.dropped = document.whole("requests_dropped").unwrap_or(0);
    result.requests.succeeded = result.requests.sent.saturating_sub(result.requests.failed);
    result.requests.due = result.requests.sent.saturating_add(result.requests.dropped);
    result.requested_rate = document.label("requested_qps").and_then(|rate| rate.parse().ok());
    if let Some(rate) = result.requested_rate {
        result.plan.load = Load::Open { pacing: Pacing::Constant { rate }, overload: Overload::Queue };
    }
    result.warnings.push(READ_LOSSES.to_owned());
    if document.whole("requests_failed").is_none() {
        result.warnings.push("read from an SMP result that does not tell how many requests failed".to_owned());
    }
    let url = document.label("endpoint_url");
    result.plan.targets = url.map(|url| Target { url: url.to_owned(), weight: 1 }).into_iter().collect();
    Ok(result)
}

fn take_durations(result: &mut PerfResult, document: &Document) -> Result<(), String> {
    if let Some(text) = document.label(HISTOGRAM) {
        result.latency.response = Histogram::decode(text)?;
    } else {
        let scale = if document.holds_seconds() { 1e9 } else { 1e6 };
        result.latency.response = stepped(result, &document.latencies_ms, scale);
        result.warnings.push(
            "read from six figures of an SMP result: only min, p50, p90, p99 and max are its own, its number of responses is rate times length".to_owned(),
        );
        if document.holds_seconds() {
            result.warnings.push(
                "read from a file with seconds under latencies_ms, as Meshery writes them; they were taken as seconds"
                    .to_owned(),
            );
        }
    }
    result.latency.service = result.latency.response.clone();
    Ok(())
}

/// A histogram with the known percentiles. With no rate or length, it has as many counts as p99 needs.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the number is clamped first")]
fn stepped(result: &PerfResult, latencies: &Latencies, scale: f64) -> Histogram {
    let told = (result.achieved_rate * result.elapsed_seconds).round().clamp(0.0, 1e15) as u64;
    let count = if told == 0 { 100 } else { told };
    let at = |value: f64| (value * scale).clamp(0.0, 1e18) as u64;
    let part = |percent: u64| u64::try_from(u128::from(count) * u128::from(percent) / 100).unwrap_or(count);
    imported::cumulative([
        (at(latencies.min), 1),
        (at(latencies.p50), part(50)),
        (at(latencies.p90), part(90)),
        (at(latencies.p99), part(99)),
        (at(latencies.max), count),
    ])
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
    fn latencies_are_true_milliseconds_in_every_form() {
        let result = sample::result(3_000);
        let half = result.latency.response.percentile_ns(50.0) as f64 / 1e6;
        let json: Value = serde_json::from_str(&write_json(&result).unwrap()).unwrap();
        assert_eq!(json["latencies_ms"]["p50"], half);
        assert_eq!(json["smp_version"], "v0.0.1");
        assert_eq!(json["start_time"], result.started_at.to_string());
        let documents = yaml::read_kubernetes_stream(&write_yaml(&result).unwrap()).unwrap();
        assert_eq!(documents.len(), 3);
        assert_eq!(documents[0]["latencies_ms"]["p50"], half);
        assert_eq!(documents[1]["id"], documents[0]["mesh_config_id"]);
        assert_eq!(documents[1]["mesh_type"]["type"], "ISTIO");
        assert_eq!(documents[1]["mtls_enabled"], true);
        assert_eq!(documents[2]["id"], documents[0]["env_id"]);
        assert_eq!(documents[2]["nodes"][0]["cores"], 2);
        let message: PerformanceTestResult = protobuf::decode(&write_protobuf(&result)).unwrap();
        assert_eq!(message.latencies_ms.unwrap().p50, half);
    }

    #[test]
    fn durations_survive_in_every_form() {
        let result = sample::result(3_000);
        let json: Value = serde_json::from_str(&write_json(&result).unwrap()).unwrap();
        for back in [
            read_json(&json, b"x").unwrap(),
            read_yaml(&write_yaml(&result).unwrap()).unwrap(),
            read_protobuf(&write_protobuf(&result)).unwrap(),
        ] {
            assert_eq!(
                back.latency.response.counts().collect::<Vec<_>>(),
                result.latency.response.counts().collect::<Vec<_>>()
            );
            assert_eq!((back.id, back.name.as_str()), (result.id, result.name.as_str()));
            assert_eq!((back.requests.sent, back.requests.failed), (3_000, 90));
            assert_eq!((back.requested_rate, back.elapsed_seconds), (Some(100.0), 30.0));
            assert_eq!(back.warnings, [READ_LOSSES]);
        }
    }

    #[test]
    fn percentiles_that_the_sample_cannot_support_are_told() {
        let labels = |count: u64| message(&sample::result(count)).labels;
        assert_eq!(labels(600).get(UNSUPPORTED).map(String::as_str), Some("p90,p99"));
        assert!(!labels(600).contains_key("latency_p99.9_ms"));
        assert!(!labels(120_000).contains_key(UNSUPPORTED) && labels(120_000).contains_key("latency_p99.9_ms"));
    }

    #[test]
    fn seconds_under_milliseconds_are_recognised_and_told() {
        let told = |text: &str| read_yaml(text).unwrap();
        let seconds = told(
            "smp_version: v0.0.1\nstart_time: 2021-01-01T00:00:00Z\nend_time: 2021-01-01T00:01:00Z\nactual_qps: 100\nlatencies_ms: {min: 0.012, average: 0.05, p50: 0.04, p90: 0.1, p99: 0.2, max: 0.35}\n",
        );
        assert!(seconds.latency.response.percentile_ns(50.0).abs_diff(40_000_000) < 40_000);
        assert_eq!(seconds.latency.response.count(), 6_000);
        // Verbs that do not show a result tell what begins so.
        assert!(seconds.warnings.iter().all(|warning| warning.starts_with("read from ")), "{:?}", seconds.warnings);
        assert!(seconds.warnings.iter().any(|warning| warning.contains("seconds")));
        let placeholders = told("test_id: test_id\nlatencies_ms: {min: 1, p50: 2, p90: 3, p99: 4, max: 5}\n");
        assert!(placeholders.latency.response.max_ns() >= 5_000_000_000);
        let milliseconds = told("latencies_ms: {min: 1, p50: 2, p90: 3, p99: 4, max: 5}\n");
        assert!(milliseconds.latency.response.max_ns() < 5_100_000);
        assert!(!milliseconds.warnings.iter().any(|warning| warning.contains("seconds")));
    }

    #[test]
    fn the_document_before_the_messages_is_read() {
        let result = read_yaml(
            "start_time: 2020-01-01T00:00:00Z\nend_time: 2020-01-01T00:00:10Z\nexp_uuid: x\nendpoint_url: http://a/\nenv: {kubernetes: v1.15}\nclient:\n  connections: 4\n  rps: 50\n  latencies_ms: {min: 3, average: 5, p50: 5, p90: 8, p99: 20, max: 30}\nmetrics: {}\n",
        )
        .unwrap();
        assert_eq!((result.plan.connections, result.achieved_rate, result.latency.response.count()), (4, 50.0, 500));
        assert_eq!(result.environment.kubernetes.unwrap().version, "v1.15");
    }

    #[test]
    fn a_result_without_a_mesh_has_no_mesh_configuration() {
        let mut result = sample::result(100);
        result.environment.mesh = None;
        result.plan.mesh = None;
        assert!(mesh_config(&result).is_none());
        assert_eq!(message(&result).mesh_config_id, "");
    }
}
