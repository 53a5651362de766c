//! Results in the messages of the specification, with true milliseconds.
//!
//! The message ends at p99 and has no place for a histogram, for errors or for what was asked. All of that travels in its
//! labels, so that what is written here is read back without loss of durations.

mod document;
mod read;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use document::Document;

use super::{MESH_ANNOTATION, MESH_LABEL, MESH_VERSION, VERSION};
use crate::base::clock::Timestamp;
use crate::base::error::{Code, Error, Result};
use crate::base::{id, yaml};
use crate::model::performance::environment::{Environment, Resources};
use crate::model::performance::result::PerfResult;
use crate::perf::summary::{self, Percentile};
use crate::wire::protobuf;
use crate::wire::smp::environment_config::Node;
use crate::wire::smp::performance_test_result::Latency;
use crate::wire::smp::service_mesh::Type;
use crate::wire::smp::service_mesh_config::{IngressGateway, MeshControlPlane, Sidecar};
use crate::wire::smp::{EnvironmentConfig, PerformanceTestResult, ServiceMesh, ServiceMeshConfig, Timestamp as Wire};

pub use read::{is_document, is_result, read_json, read_protobuf, read_yaml};

/// Label that says that latencies are milliseconds, which older files do not keep to.
const UNIT: &str = "latency_unit";
/// Label with every response time: HdrHistogram's V2 encoding with DEFLATE, as base64, in nanoseconds.
const HISTOGRAM: &str = "latency_histogram_hdr";
/// Percentiles that the message has fields for.
pub const PERCENTILES: [f64; 3] = [50.0, 90.0, 99.0];
/// Label with the percentiles of the message that the result cannot state as fact; the message wants a value.
const UNSUPPORTED: &str = "latency_unsupported";

/// The result message.
pub fn message(result: &PerfResult) -> PerformanceTestResult {
    let response = &result.latency.response;
    let at = |percentile: f64| milliseconds(summary::responses(result).at_least_ns(percentile));
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
    let unsupported = summary::doubtful(result, &PERCENTILES);
    if !unsupported.is_empty() {
        set(UNSUPPORTED, unsupported.join(","));
    }
    // The message itself ends at p99; what the result cannot state as fact is not stated beyond it.
    let beyond = [99.9, 99.99].into_iter().filter_map(|percentile| Percentile::of(result, percentile));
    for found in beyond.filter(Percentile::is_fact) {
        set(&format!("latency_p{}_ms", found.percentile), milliseconds(found.value_ns).to_string());
    }
    if let Ok(histogram) = result.latency.response.encode() {
        set(HISTOGRAM, histogram);
    }
    labels
}

/// The mesh's configuration, where a mesh is known.
pub fn mesh_config(result: &PerfResult) -> Option<ServiceMeshConfig> {
    let mesh = result.environment.mesh.as_ref();
    let name = mesh.map(|mesh| mesh.kind.as_str()).or(result.plan.mesh.as_deref())?;
    let kind = Type::from_str_name(super::mesh_name(name)?)?;
    let facts = mesh.cloned().unwrap_or_default();
    let count = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
    // What the test said of its mesh holds only where that is the mesh.
    let said = if result.plan.mesh.as_deref() == Some(name) { result.plan.labels.clone() } else { BTreeMap::new() };
    let of = |begin: &str| -> BTreeMap<String, String> {
        said.iter().filter_map(|(name, value)| Some((name.strip_prefix(begin)?.to_owned(), value.clone()))).collect()
    };
    let version = facts.version.or_else(|| said.get(MESH_VERSION).cloned()).unwrap_or_default();
    let mut config = ServiceMeshConfig {
        smp_version: VERSION.to_owned(),
        labels: facts.labels.clone(),
        ingress_gateway: mesh.map(|mesh| {
            let (cpu_mcores, mem_mb) = each(mesh.ingress_gateway_each);
            IngressGateway { count: count(mesh.ingress_gateways), cpu_mcores, mem_mb, ..IngressGateway::default() }
        }),
        sidecar: mesh.map(|mesh| {
            let (cpu_mcores, mem_mb) = each(mesh.sidecar_each);
            Sidecar { count: count(mesh.sidecars), cpu_mcores, mem_mb, ..Sidecar::default() }
        }),
        mesh_control_plane: mesh.map(|mesh| {
            let (cpu_mcores, mem_mb) = each(mesh.control_plane_each);
            let (count, sidecars) = (count(mesh.control_plane), count(mesh.sidecars));
            MeshControlPlane { count, cpu_mcores, mem_mb, sidecars, ..MeshControlPlane::default() }
        }),
        mtls_enabled: facts.mtls.unwrap_or(false),
        mesh_build: version.clone(),
        mesh_type: Some(ServiceMesh {
            r#type: kind.into(),
            version,
            labels: of(MESH_LABEL),
            annotations: of(MESH_ANNOTATION),
        }),
        ..ServiceMeshConfig::default()
    };
    config.id = id::stable("smp-mesh-config", &format!("{config:?}")).to_string();
    Some(config)
}

/// What one of its kind asks of its node; the message says 0 for what is not known.
fn each(resources: Option<Resources>) -> (i32, i32) {
    let Resources { cpu_mcores, memory_mib } = resources.unwrap_or_default();
    (i32::try_from(cpu_mcores).unwrap_or(i32::MAX), i32::try_from(memory_mib).unwrap_or(i32::MAX))
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
    further.extend(mesh_config(result).map(|config| mesh_config_value(&config, result)));
    further.push(environment_value(&environment(&result.environment)));
    for value in further {
        text.push_str("---\n");
        text.push_str(&yaml::write_kubernetes(&value)?);
    }
    Ok(text)
}

fn mesh_config_value(config: &ServiceMeshConfig, result: &PerfResult) -> Value {
    let mesh = config.mesh_type.clone().unwrap_or_default();
    let mut value = json!({
        "smp_version": config.smp_version,
        "id": config.id,
        "labels": config.labels,
        "mesh_build": config.mesh_build,
        "mesh_type": { "type": mesh.r#type().as_str_name(), "version": mesh.version },
    });
    // Counts of a mesh that nobody looked at are not known.
    if let Some(gateways) = &config.ingress_gateway {
        value["ingress_gateway"] = json!({ "count": gateways.count });
        put_each(&mut value["ingress_gateway"], gateways.cpu_mcores, gateways.mem_mb);
    }
    if let Some(sidecar) = &config.sidecar {
        value["sidecar"] = json!({ "count": sidecar.count });
        put_each(&mut value["sidecar"], sidecar.cpu_mcores, sidecar.mem_mb);
    }
    if let Some(plane) = &config.mesh_control_plane {
        value["mesh_control_plane"] = json!({ "count": plane.count, "sidecars": plane.sidecars });
        put_each(&mut value["mesh_control_plane"], plane.cpu_mcores, plane.mem_mb);
    }
    // The message cannot leave it open, text can.
    if result.environment.mesh.as_ref().is_some_and(|mesh| mesh.mtls.is_some()) {
        value["mtls_enabled"] = config.mtls_enabled.into();
    }
    for (name, pairs) in [("labels", &mesh.labels), ("annotations", &mesh.annotations)] {
        if !pairs.is_empty() {
            value["mesh_type"][name] = json!(pairs);
        }
    }
    value
}

/// What nobody asks for is not known.
fn put_each(value: &mut Value, cpu_mcores: i32, mem_mb: i32) {
    for (name, number) in [("cpu_mcores", cpu_mcores), ("mem_mb", mem_mb)] {
        if number > 0 {
            value[name] = number.into();
        }
    }
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
    fn percentiles_that_the_sample_cannot_support_are_told() {
        let labels = |count: u64| message(&sample::result(count)).labels;
        assert_eq!(labels(600).get(UNSUPPORTED).map(String::as_str), Some("p90,p99"));
        assert!(!labels(600).contains_key("latency_p99.9_ms"));
        assert!(!labels(120_000).contains_key(UNSUPPORTED) && labels(120_000).contains_key("latency_p99.9_ms"));
    }

    #[test]
    fn what_is_not_known_of_a_mesh_is_not_stated_and_what_its_test_said_is() {
        let mut result = sample::result(100);
        let config =
            |result: &PerfResult| yaml::read_kubernetes_stream(&write_yaml(result).unwrap()).unwrap()[1].clone();
        result.environment.mesh.as_mut().unwrap().mtls = None;
        assert!(config(&result).get("mtls_enabled").is_none());
        result.environment.mesh.as_mut().unwrap().mtls = Some(false);
        assert_eq!(config(&result)["mtls_enabled"], false);
        result.environment.mesh = None;
        result.plan.mesh = Some("LINKERD".to_owned());
        for (name, value) in [(MESH_VERSION, "2.19"), ("smp.mesh.label.a", "b")] {
            result.plan.labels.insert(name.to_owned(), value.to_owned());
        }
        let said = config(&result);
        assert!(said.get("mtls_enabled").is_none());
        assert_eq!(said["mesh_type"], json!({"type": "LINKERD", "version": "2.19", "labels": {"a": "b"}}));
        result.plan.mesh = Some("ISTIO".to_owned());
        result.environment.mesh = sample::result(1).environment.mesh;
        result.environment.mesh.as_mut().unwrap().kind = "KUMA".to_owned();
        assert!(config(&result)["mesh_type"].get("labels").is_none(), "another mesh was there");
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
