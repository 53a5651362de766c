//! `perf compare`, `perf convert` and `perf meshmark`: results as files, offline.

use insta::assert_snapshot;
use mesheryctl::model::performance::histogram::Histogram;
use mesheryctl::model::performance::result::{Interval, PerfResult};
use mesheryctl::perf::format::{self, Format};
use serde_json::Value;

use crate::support::env::Env;

/// As fortio writes it: 2 of 3,000 requests without a response.
const FORTIO: &str = r#"{
  "RunType": "HTTP", "Labels": "shop", "StartTime": "2026-01-02T03:04:05Z", "RequestedQPS": "100", "RequestedDuration": "30s",
  "ActualQPS": 100, "ActualDuration": 30000000000, "NumThreads": 4, "Version": "1.75.2",
  "DurationHistogram": {"Count": 3000, "Min": 0.001, "Max": 0.02, "Sum": 9, "Avg": 0.003, "StdDev": 0.001, "Data": [
    {"Start": 0.001, "End": 0.002, "Percent": 50, "Count": 1500}, {"Start": 0.002, "End": 0.004, "Percent": 99, "Count": 1470},
    {"Start": 0.004, "End": 0.02, "Percent": 100, "Count": 30}], "Percentiles": [{"Percentile": 50, "Value": 0.002}]},
  "RetCodes": {"200": 2998, "-1": 2}, "URL": "http://shop.example/", "SocketCount": 6}"#;

/// A run of 30 s with 1,000 requests each, spread evenly over 1 to 5 ms times `factor`.
fn run(name: &str, factor: u64) -> PerfResult {
    let mut result = format::read(FORTIO.as_bytes(), name).unwrap();
    name.clone_into(&mut result.name);
    result.warnings.clear();
    "native".clone_into(&mut result.generator.name);
    result.generator.resolution_ns = 0;
    result.latency.response = Histogram::new();
    for second in 0..30u32 {
        let mut response = Histogram::new();
        (0..1_000u64).for_each(|n| {
            response.record_ns((1_000_000 + (n * 7_919 + u64::from(second) * 977) % 1_000 * 4_000) * factor / 100)
        });
        result.latency.response.merge(&response);
        result.intervals.push(Interval {
            start_seconds: f64::from(second),
            length_seconds: 1.0,
            sent: 1_000,
            succeeded: 1_000,
            failed: 0,
            dropped: 0,
            response,
        });
    }
    result.latency.service = result.latency.response.clone();
    result
}

fn env() -> Env {
    let env = Env::new();
    env.write("work/fortio.json", FORTIO);
    for (name, factor) in [("base", 100), ("same", 100), ("slow", 150)] {
        let bytes = format::write(&run(name, factor), Format::Json).unwrap();
        env.write(&format!("work/{name}.json"), std::str::from_utf8(&bytes).unwrap());
    }
    env
}

#[test]
fn a_foreign_result_is_shown_with_what_it_cannot_say() {
    let env = env();
    assert_snapshot!(env.ctl(["perf", "convert", "fortio.json", "--threshold", "p50<5ms", "--threshold", "errors<1"]).run(), @"");
}

#[test]
fn every_format_is_written_and_read_back() {
    let env = env();
    for format in Format::ALL {
        let file = format!("out.{}", format.name());
        let output = env.ctl(["perf", "convert", "base.json", "--to", format.name(), "--output-file", &file]).run();
        assert_eq!((output.code, output.stdout.as_str()), (Some(0), ""), "{output}");
        let back = env.ctl(["perf", "convert", &file, "-o", "json"]).run();
        if format.is_readable() {
            let result: Value = serde_json::from_str(&back.stdout).unwrap();
            assert_eq!(result["latency"]["response"]["count"], 30_000, "{back}");
        } else {
            assert_eq!(back.code, Some(65), "{back}");
            assert!(back.stderr.contains("result-unreadable"), "{back}");
        }
    }
}

#[test]
fn the_ending_of_the_file_says_the_format() {
    let env = env();
    let output = env.ctl(["perf", "convert", "base.json", "--output-file", "report.html", "-o", "json"]).run();
    let told: Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!((output.code, &told["format"]), (Some(0), &Value::from("html")), "{output}");
    assert!(std::fs::read_to_string(env.path("work/report.html")).unwrap().starts_with("<!DOCTYPE html>"));
    let output = env.ctl(["perf", "convert", "base.json", "--output-file", "report.doc"]).run();
    assert_eq!((output.code, output.stdout.as_str()), (Some(2), ""), "{output}");
    assert!(output.stderr.contains("stands for no format"), "{output}");
}

#[test]
fn a_result_comes_from_standard_input_and_damage_is_told() {
    let env = env();
    let output = env.ctl(["perf", "convert", "-", "--to", "csv"]).stdin(FORTIO).run();
    assert_eq!(output.code, Some(0), "{output}");
    assert!(output.stdout.starts_with("metric,value,unit,low,high,note\nname,shop,"), "{output}");
    assert_snapshot!(env.ctl(["perf", "convert", "-"]).stdin("{\"schema\": \"x\"}").run(), @"");
    let output = env.ctl(["perf", "convert", "nothing.json"]).run();
    assert_eq!(output.code, Some(5), "{output}");
}

#[test]
fn a_comparison_tells_method_intervals_and_verdicts() {
    let env = env();
    assert_snapshot!(env.ctl(["perf", "compare", "base.json", "slow.json"]).run(), @"");
}

#[test]
fn a_limit_on_a_difference_gates() {
    let env = env();
    let output = env.ctl(["perf", "compare", "base.json", "slow.json", "--fail-on", "p99>+5%", "-o", "json"]).run();
    assert_eq!(output.code, Some(99), "{output}");
    let told: Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!(
        (&told["gates"][0]["outcome"], &told["others"][0]["method"]),
        (&"breached".into(), &"block-bootstrap".into())
    );
    assert!(output.stderr.contains("threshold-breached"), "{output}");
    let output = env.ctl(["perf", "compare", "base.json", "same.json", "--fail-on", "p99>+5%"]).run();
    assert_eq!(output.code, Some(0), "{output}");
    let output = env.ctl(["perf", "compare", "base.json", "same.json", "--fail-on", "p99>5"]).run();
    assert_eq!((output.code, output.stdout.as_str()), (Some(2), ""), "{output}");
    let output = env.ctl(["perf", "compare", "base.json", "same.json", "slow.json", "--html", "all.html"]).run();
    assert_eq!(output.code, Some(0), "{output}");
    assert!(std::fs::read_to_string(env.path("work/all.html")).unwrap().contains("3 results compared"));
}

#[test]
fn a_meshmark_has_its_inputs_beside_it() {
    let env = env();
    assert_snapshot!(
        env.ctl(["perf", "meshmark", "--with", "slow.json,slow.json", "--without", "base.json,same.json", "--function", "mtls"]).run(),
        @""
    );
    let output = env.ctl(["perf", "meshmark", "--explain"]).run();
    assert!(output.code == Some(0) && output.stdout.contains("mesheryctl.meshmark/v1"), "{output}");
    let output = env.ctl(["perf", "meshmark", "--with", "slow.json", "--without", "base.json,same.json"]).run();
    assert_eq!((output.code, output.stdout.as_str()), (Some(2), ""), "{output}");
}
