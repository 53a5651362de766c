//! Nighthawk's JSON: protobuf's JSON of its message `Output`, with field names as the message has them.

use serde_json::{Value, json};

use super::{Format, imported, nanoseconds, seconds, unwritable};
use crate::base::clock::Timestamp;
use crate::base::error::Result;
use crate::model::performance::histogram::Histogram;
use crate::model::performance::plan::{Load, Overload, Pacing, Plan, Protocol, Target};
use crate::model::performance::result::{Cause, PerfResult};

const RESPONSE: &str = "benchmark_http_client.request_to_response";
const BLOCKING: &str = "sequencer.blocking";
const CONNECT: &str = "benchmark_http_client.queue_to_connect";
/// Rows for each halving of the distance to 100 %.
const TICKS: u32 = 5;

/// Nighthawk measures from the moment a request was sent, so that its statistic of this name gets the service time;
/// our response time, which it has no name for, stands beside it as `response_from_intended_start`.
pub fn write(result: &PerfResult) -> Result<String> {
    let output = json!({
        "options": options(result),
        "results": [{
            "name": "global",
            "statistics": [
                statistic(RESPONSE, &result.latency.service),
                statistic("response_from_intended_start", &result.latency.response),
                statistic(BLOCKING, &result.latency.slip),
                statistic(CONNECT, &result.connections.connect),
            ],
            "counters": counters(result),
            "execution_duration": length(nanoseconds(result.elapsed_seconds)),
            "execution_start": result.started_at.to_string(),
        }],
        "timestamp": result.ended_at.to_string(),
    });
    let text = serde_json::to_string_pretty(&output);
    text.map(|text| text + "\n").map_err(|problem| unwritable(Format::Nighthawk, problem))
}

/// Rate and connections of Nighthawk's options are those of one worker, of which there are `concurrency`.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "rates are positive and far below 2^63")]
fn options(result: &PerfResult) -> Value {
    let plan = &result.plan;
    let rate = result.requested_rate.map(|rate| rate.round() as u64);
    let workers = workers(plan, rate);
    json!({
        // 0 would stand for none, and there is no fraction.
        "requests_per_second": rate.filter(|rate| *rate > 0).map(|rate| rate / u64::from(workers)),
        "connections": plan.connections / workers,
        "duration": plan.duration.map(|duration| format!("{}s", duration.as_secs_f64())),
        "timeout": format!("{}s", plan.timeout.as_secs_f64()),
        "protocol": { "value": if plan.protocol == Protocol::Http1 { "HTTP1" } else { "HTTP2" } },
        "concurrency": workers.to_string(),
        "open_loop": matches!(plan.load, Load::Open { .. }),
        "uri": plan.targets.first().map(|target| &target.url),
        "labels": [result.name],
    })
}

/// The threads as workers where each has the same part of rate and connections; else one for all.
fn workers(plan: &Plan, rate: Option<u64>) -> u32 {
    let threads = plan.threads.max(1);
    let divides = plan.connections.is_multiple_of(threads) && rate.unwrap_or(0).is_multiple_of(u64::from(threads));
    if divides { threads } else { 1 }
}

fn length(nanoseconds: u64) -> String {
    format!("{}.{:09}s", nanoseconds / 1_000_000_000, nanoseconds % 1_000_000_000)
}

fn statistic(id: &str, histogram: &Histogram) -> Value {
    let mut seen = 0;
    let percentiles: Vec<Value> = histogram
        .inner()
        .iter_quantiles(TICKS)
        .map(|step| {
            seen += step.count_since_last_iteration();
            json!({
                "percentile": step.quantile_iterated_to(),
                "count": seen.to_string(),
                "duration": length(step.value_iterated_to().min(histogram.max_ns())),
            })
        })
        .collect();
    let mean = |figure: f64| length(nanoseconds(figure / 1e9));
    json!({
        "count": histogram.count().to_string(),
        "id": id,
        "percentiles": percentiles,
        "mean": mean(histogram.mean_ns()),
        "pstdev": mean(histogram.stdev_ns()),
        "min": length(histogram.min_ns()),
        "max": length(histogram.max_ns()),
    })
}

fn counters(result: &PerfResult) -> Vec<Value> {
    let class = |digit: char| -> u64 {
        result.statuses.iter().filter(|(status, _)| status.starts_with(digit)).map(|(_, count)| count).sum()
    };
    let of = |cause: Cause| result.errors.get(&cause).copied().unwrap_or_default();
    let connect = of(Cause::Refused) + of(Cause::Unreachable) + of(Cause::ConnectTimeout) + of(Cause::Resolve);
    [
        ("benchmark.http_2xx", class('2')),
        ("benchmark.http_3xx", class('3')),
        ("benchmark.http_4xx", class('4')),
        ("benchmark.http_5xx", class('5')),
        ("benchmark.pool_connection_failure", connect),
        ("benchmark.pool_overflow", result.requests.dropped),
        ("benchmark.stream_resets", of(Cause::Reset) + of(Cause::Stream) + of(Cause::Closed) + of(Cause::Timeout)),
        ("upstream_cx_total", result.connections.opened),
        ("upstream_cx_rx_bytes_total", result.bytes.received),
        ("upstream_cx_tx_bytes_total", result.bytes.sent),
        ("upstream_rq_total", result.requests.sent),
    ]
    .into_iter()
    .filter(|(_, value)| *value > 0)
    .map(|(name, value)| json!({ "name": name, "value": value.to_string() }))
    .collect()
}

pub fn read(output: &Value, content: &[u8]) -> Result<PerfResult, String> {
    let results = output["results"].as_array().ok_or("it has no results")?;
    let global = results.iter().find(|one| one["name"] == "global").or_else(|| results.first());
    let global = global.ok_or("it has no results")?;
    let mut result = imported::blank("nighthawk", content);
    for statistic in global["statistics"].as_array().into_iter().flatten() {
        take_statistic(&mut result, statistic)?;
    }
    if result.latency.service.is_empty() && result.latency.response.is_empty() {
        return Err(format!("it has no statistic {RESPONSE}"));
    }
    if result.latency.response.is_empty() {
        result.latency.response = result.latency.service.clone();
        result.warnings.push(
            "Nighthawk counts from the moment a request was sent: what it waited before is not in the durations"
                .to_owned(),
        );
    }
    take_time(&mut result, global);
    for counter in global["counters"].as_array().into_iter().flatten() {
        take_counter(&mut result, counter);
    }
    take_options(&mut result, &output["options"]);
    settle(&mut result);
    result
        .warnings
        .push("read from percentiles of Nighthawk's JSON: durations between them are lost, and intervals".to_owned());
    Ok(result)
}

fn take_statistic(result: &mut PerfResult, statistic: &Value) -> Result<(), String> {
    let target = match statistic["id"].as_str() {
        Some(RESPONSE) => &mut result.latency.service,
        Some("response_from_intended_start") => &mut result.latency.response,
        Some(BLOCKING) => &mut result.latency.slip,
        Some(CONNECT) => &mut result.connections.connect,
        _ => return Ok(()),
    };
    let mut points = Vec::new();
    for point in statistic["percentiles"].as_array().into_iter().flatten() {
        let count = whole(&point["count"]).ok_or("a percentile has no count")?;
        points.push((span(&point["duration"]).ok_or("a percentile has no duration")?, count));
    }
    *target = imported::cumulative(points);
    Ok(())
}

/// A duration of protobuf's JSON: seconds with an `s`.
fn span(value: &Value) -> Option<u64> {
    let number: f64 = value.as_str()?.strip_suffix('s')?.parse().ok()?;
    (number.is_finite() && number >= 0.0).then(|| nanoseconds(number))
}

/// A 64-bit number of protobuf's JSON, which is text.
fn whole(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

fn take_time(result: &mut PerfResult, global: &Value) {
    let begin = global["execution_start"].as_str().and_then(|text| text.parse().ok());
    let length = span(&global["execution_duration"]).map_or(0.0, seconds);
    imported::set_time(result, begin.unwrap_or(Timestamp::UNIX_EPOCH), length);
}

fn take_counter(result: &mut PerfResult, counter: &Value) {
    let (Some(name), Some(value)) = (counter["name"].as_str(), whole(&counter["value"])) else { return };
    let mut fail = |cause: Cause| {
        *result.errors.entry(cause).or_default() += value;
        result.requests.failed += value;
    };
    match name {
        "benchmark.http_1xx" | "benchmark.http_2xx" | "benchmark.http_3xx" => {
            result.requests.succeeded += value;
            result.statuses.insert(name.trim_start_matches("benchmark.http_").to_owned(), value);
        }
        "benchmark.http_4xx" | "benchmark.http_5xx" | "benchmark.http_xxx" => {
            fail(Cause::Status);
            result.statuses.insert(name.trim_start_matches("benchmark.http_").to_owned(), value);
        }
        "benchmark.stream_resets" => fail(Cause::Reset),
        "benchmark.pool_connection_failure" => fail(Cause::Refused),
        "benchmark.pool_overflow" => result.requests.dropped = value,
        "upstream_cx_total" => result.connections.opened = value,
        "upstream_cx_rx_bytes_total" => result.bytes.received = value,
        "upstream_cx_tx_bytes_total" => result.bytes.sent = value,
        "upstream_rq_total" => result.requests.sent = value,
        _ => {}
    }
}

/// Rate and connections are those of one worker; `concurrency` workers multiply them.
#[expect(clippy::cast_precision_loss, reason = "rates stay far below 2^53")]
fn take_options(result: &mut PerfResult, options: &Value) {
    let workers = options["concurrency"].as_str().and_then(|text| text.parse::<u32>().ok()).unwrap_or(1).max(1);
    let plan = &mut result.plan;
    plan.connections = u32::try_from(whole(&options["connections"]).unwrap_or(1)).unwrap_or(1).saturating_mul(workers);
    plan.threads = workers;
    plan.duration = span(&options["duration"]).map(std::time::Duration::from_nanos);
    if options["protocol"]["value"] == "HTTP2" || options["h2"] == true {
        plan.protocol = Protocol::Http2;
    }
    plan.targets = options["uri"].as_str().map(|url| Target { url: url.to_owned(), weight: 1 }).into_iter().collect();
    let rate =
        options["requests_per_second"].as_f64().or_else(|| whole(&options["requests_per_second"]).map(|n| n as f64));
    result.requested_rate = rate.filter(|rate| *rate > 0.0).map(|rate| rate * f64::from(workers));
    if let Some(rate) = result.requested_rate {
        plan.load = Load::Open { pacing: Pacing::Constant { rate }, overload: Overload::Drop };
    }
    if let Some(label) = options["labels"][0].as_str() {
        label.clone_into(&mut result.name);
    }
}

fn settle(result: &mut PerfResult) {
    let requests = &mut result.requests;
    let known = requests.succeeded + requests.failed;
    requests.sent = requests.sent.max(known).max(result.latency.service.count());
    if known == 0 {
        requests.succeeded = requests.sent;
    }
    requests.due = requests.sent + requests.dropped;
    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
    let answered = (requests.succeeded + requests.failed) as f64;
    if result.elapsed_seconds > 0.0 {
        result.achieved_rate = answered / result.elapsed_seconds;
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

    fn read_text(text: &str) -> PerfResult {
        read(&serde_json::from_str(text).unwrap(), text.as_bytes()).unwrap()
    }

    #[test]
    fn what_is_written_is_read_with_its_meaning() {
        let result = sample::result(6_000);
        let back = read_text(&write(&result).unwrap());
        assert_eq!((back.started_at, back.elapsed_seconds), (result.started_at, result.elapsed_seconds));
        assert_eq!((back.requests.sent, back.requests.failed), (6_000, 180));
        assert_eq!((back.requested_rate, back.plan.connections), (Some(200.0), 8));
        assert_eq!(back.statuses["5xx"], 120);
        for (there, here) in [
            (&back.latency.response, &result.latency.response),
            (&back.latency.service, &result.latency.service),
            (&back.latency.slip, &result.latency.slip),
        ] {
            assert_eq!(there.count(), here.count());
            let (there, here) = (there.percentile_ns(50.0), here.percentile_ns(50.0));
            assert!(there.abs_diff(here) * 500 <= here, "{there} {here}");
        }
    }

    #[test]
    fn rate_and_connections_are_the_same_again_whatever_the_threads() {
        for (threads, rate, connections, workers) in
            [(0, 1_000.0, 8, "1"), (2, 1_000.0, 8, "2"), (4, 1_000.0, 6, "1"), (3, 1_000.0, 6, "1"), (1, 7.0, 3, "1")]
        {
            let mut result = sample::result(600);
            (result.plan.threads, result.plan.connections, result.requested_rate) = (threads, connections, Some(rate));
            let text = write(&result).unwrap();
            let back = read_text(&text);
            assert_eq!((back.requested_rate, back.plan.connections), (Some(rate), connections), "{threads}");
            let written: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(written["options"]["concurrency"], workers, "{threads}");
        }
        let mut slow = sample::result(600);
        slow.requested_rate = Some(0.4);
        assert_eq!(read_text(&write(&slow).unwrap()).requested_rate, None, "a rate of 0 is none");
    }

    #[test]
    fn output_of_nighthawk_is_read_with_its_workers() {
        let result = read_text(
            r#"{"options": {"requests_per_second": 1000, "connections": 100, "duration": "5s", "concurrency": "2",
                "protocol": {"value": "HTTP1"}, "uri": "http://a/"},
              "results": [{"name": "worker_0", "statistics": []}, {"name": "global", "statistics": [
                {"count": "10000", "id": "benchmark_http_client.request_to_response", "percentiles": [
                    {"percentile": 0, "count": "1", "duration": "0.000048s"},
                    {"percentile": 0.5, "count": "5000", "duration": "0.000111s"},
                    {"percentile": 1, "count": "10000", "duration": "0.000528s"}],
                 "mean": "0.000120s"},
                {"count": "3", "id": "benchmark_http_client.response_body_size", "percentiles": [{"raw_value": 10, "percentile": 1, "count": "3"}]}],
                "counters": [{"name": "benchmark.http_2xx", "value": "10000"}, {"name": "upstream_rq_total", "value": "10000"}],
                "execution_duration": "5.0s", "execution_start": "2026-01-01T00:00:00Z"}], "timestamp": "2026-01-01T00:00:05Z"}"#,
        );
        assert_eq!((result.requested_rate, result.plan.connections), (Some(2_000.0), 200));
        assert!((result.achieved_rate - 2_000.0).abs() < 1e-9);
        assert!(result.latency.response.percentile_ns(50.0).abs_diff(111_000) < 200);
        assert!(result.warnings.iter().any(|warning| warning.contains("before")));
    }

    #[test]
    fn an_output_without_durations_is_refused() {
        let problem = read(&json!({"results": [{"name": "global", "statistics": []}]}), b"x").unwrap_err();
        assert!(problem.contains(RESPONSE), "{problem}");
        assert!(read(&json!({"results": []}), b"x").is_err());
    }
}
