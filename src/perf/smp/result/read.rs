//! Reading results in every form that the message has had.

use serde_json::Value;

use super::HISTOGRAM;
use super::document::{Document, Latencies};
use crate::base::clock::Timestamp;
use crate::base::yaml;
use crate::model::performance::histogram::Histogram;
use crate::model::performance::plan::{Load, Overload, Pacing, Target};
use crate::model::performance::result::PerfResult;
use crate::perf::format::imported;
use crate::wire::protobuf;
use crate::wire::smp::PerformanceTestResult;

/// What no SMP result holds.
const READ_LOSSES: &str =
    "read from an SMP result: it holds no intervals, no statuses, no causes of errors and no service times";

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
        if document.may_hold_seconds() {
            result.warnings.push(
                "read from a file whose latencies_ms are all below 1; they were taken as milliseconds, as their name says, though some programs write seconds there"
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

    use super::super::{write_json, write_protobuf, write_yaml};
    use super::*;
    use crate::perf::sample;

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
    fn seconds_under_milliseconds_are_recognised_and_told() {
        let told = |text: &str| read_yaml(text).unwrap();
        let fast = told(
            "smp_version: v0.0.1\nstart_time: 2021-01-01T00:00:00Z\nend_time: 2021-01-01T00:01:00Z\nactual_qps: 100\nlatencies_ms: {min: 0.012, average: 0.05, p50: 0.04, p90: 0.1, p99: 0.2, max: 0.35}\n",
        );
        assert!(fast.latency.response.percentile_ns(50.0).abs_diff(40_000) < 40, "a target on this machine");
        assert_eq!(fast.latency.response.count(), 6_000);
        // Verbs that do not show a result tell what begins so.
        assert!(fast.warnings.iter().all(|warning| warning.starts_with("read from ")), "{:?}", fast.warnings);
        assert!(fast.warnings.iter().any(|warning| warning.contains("taken as milliseconds")));
        let seconds = told("latencies_ms: {min: 0.0003, p50: 0.0004, p90: 0.001, p99: 0.002, max: 0.35}\n");
        assert!(seconds.latency.response.percentile_ns(50.0).abs_diff(400_000) < 400, "0.4 us is no answer");
        assert!(seconds.warnings.iter().any(|warning| warning.contains("taken as seconds")));
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
}
