//! `perf compare`, `perf convert` and `perf meshmark`: results as files, offline.

use insta::assert_snapshot;
use mesheryctl::model::performance::histogram::Histogram;
use mesheryctl::model::performance::result::{Interval, PerfResult};
use mesheryctl::perf::format::{self, Format};
use serde_json::Value;

use super::target::Target;
use crate::support::env::Env;

/// As fortio writes it: 2 of 3,000 requests without a response.
const FORTIO: &str = r#"{
  "RunType": "HTTP", "Labels": "shop", "StartTime": "2026-01-02T03:04:05Z", "RequestedQPS": "100", "RequestedDuration": "30s",
  "ActualQPS": 100, "ActualDuration": 30000000000, "NumThreads": 4, "Version": "1.75.2",
  "DurationHistogram": {"Count": 3000, "Min": 0.001, "Max": 0.02, "Sum": 9, "Avg": 0.003, "StdDev": 0.001, "Data": [
    {"Start": 0.001, "End": 0.002, "Percent": 50, "Count": 1500}, {"Start": 0.002, "End": 0.004, "Percent": 99, "Count": 1470},
    {"Start": 0.004, "End": 0.02, "Percent": 100, "Count": 30}], "Percentiles": [{"Percentile": 50, "Value": 0.002}]},
  "RetCodes": {"200": 2998, "-1": 2}, "URL": "http://shop.example/", "SocketCount": 6}"#;

/// A run of 30 s with 1,000 requests each, spread evenly over 1 to 5 ms times `factor` percent, a little more or less
/// from second to second.
fn run(name: &str, factor: u64) -> PerfResult {
    let mut result = format::read(FORTIO.as_bytes(), name).unwrap();
    name.clone_into(&mut result.name);
    result.warnings.clear();
    (result.achieved_rate, result.requested_rate) = (1_000.0, Some(1_000.0));
    (result.requests.sent, result.requests.succeeded) = (30_000, 29_998);
    "native".clone_into(&mut result.generator.name);
    result.generator.resolution_ns = 0;
    result.latency.response = Histogram::new();
    for second in 0..30u32 {
        let mut response = Histogram::new();
        let scale = factor * (95 + u64::from(second * 7 % 11));
        (0..1_000).for_each(|n| response.record_ns((1_000_000 + n * 4_000) * scale / 10_000));
        result.latency.response.merge(&response);
        result.intervals.push(Interval {
            start_seconds: f64::from(second),
            length_seconds: 1.0,
            sent: 1_000,
            succeeded: 1_000,
            failed: 0,
            dropped: 0,
            response: response.into(),
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
    assert_snapshot!(env.ctl(["perf", "convert", "fortio.json", "--threshold", "p50<5ms", "--threshold", "errors<1"]).run(), @r"
    exit: 0
    --- stdout
    shop
    target     http://shop.example/
    model      open: constant, waits when busy; http1 over 4 connections
    length     30s, planned time
    rate       100/s of 100/s asked (100%)
    requests   3,000 sent
    statuses   200 x 2,998
    errors     2 (0.0667%)
                 other                    2  0.0667%
    connected  6 opened

                 RESPONSE   95% INTERVAL             SERVICE
    min            1.02ms                             1.02ms
    mean           2.35ms                             2.35ms
    stdev           1.4ms                              1.4ms
    p50               2ms   1.97ms to 2.09ms             2ms
    p75            3.03ms   2.97ms to 3.09ms          3.03ms
    p90            3.66ms   3.59ms to 3.69ms          3.66ms
    p95            3.84ms   3.81ms to 3.88ms          3.84ms
    p99 ~             4ms   4ms to 9.87ms                4ms
    p99.9 ~        18.9ms   at least 16.3ms           18.9ms
    p99.99 ~         20ms   at least 18.9ms             20ms
    max              20ms                               20ms
    ~ no fact: the sample is too small; p99 wants 9,508 responses, there are 3,000

    generator  fortio 1.75.2

    ✓ p50<5ms held: 2ms
    ✗ errors<1 breached: 2
    ! read from buckets of fortio's JSON: percentiles between their bounds are interpolated, intervals are lost
    ! fortio counts from the moment a request was sent: what it waited behind a slow response is not in the durations
    --- stderr
    ");
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
    assert_snapshot!(env.ctl(["perf", "convert", "-"]).stdin("{\"schema\": \"x\"}").run(), @r"
    exit: 65
    --- stdout
    --- stderr
    error: stdin: the file is no result that can be read
    cause: read as json: its schema is `x`, this version reads `mesheryctl.perf.result/v1`
    fix: Check that the file is whole; where its content does not say its format, convert it with `mesheryctl perf convert FILE --from FORMAT --to json`.
    see: mesheryctl explain result-unreadable
    ");
    let output = env.ctl(["perf", "convert", "nothing.json"]).run();
    assert_eq!(output.code, Some(5), "{output}");
}

#[test]
fn a_comparison_tells_method_intervals_and_verdicts() {
    let env = env();
    let output = env.ctl(["perf", "compare", "base.json", "slow.json"]).run();
    assert_eq!((output.code, output.stderr.as_str()), (Some(0), ""), "{output}");
    let line = |name: &str| output.stdout.lines().find(|line| line.split(' ').next() == Some(name)).unwrap();
    for name in ["mean", "p50", "p90", "p99", "p99.9"] {
        assert!(
            line(name).ends_with("worse") && ["+49.", "+50"].iter().any(|ratio| line(name).contains(ratio)),
            "{output}"
        );
    }
    for name in ["rps", "errors"] {
        assert!(line(name).ends_with("undecided"), "{output}");
    }
    for said in ["baseline  base.json\n", "against   slow.json\n", "intervals by block bootstrap: 30 and 30 intervals"]
    {
        assert!(output.stdout.contains(said), "{said}: {output}");
    }
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
fn a_limit_that_cannot_be_decided_passes_or_fails_as_asked() {
    let env = env();
    let gate = ["perf", "compare", "base.json", "slow.json", "--fail-on", "p50>+50%"];
    let output = env.ctl(gate).run();
    assert_eq!(output.code, Some(0), "{output}");
    assert!(output.stderr.contains("undecided") && output.stderr.contains("--undecided fail"), "{output}");
    let output = env.ctl(gate.into_iter().chain(["--undecided", "fail"])).run();
    assert_eq!(output.code, Some(1), "no breach was seen: {output}");
    assert!(output.stderr.contains("threshold-undecided"), "{output}");
    assert_eq!(output.stderr.matches("p50>+50%").count(), 1, "{output}");
}

#[test]
fn a_meshmark_has_its_inputs_beside_it() {
    let env = env();
    assert_snapshot!(
        env.ctl(["perf", "meshmark", "--with", "slow.json,slow.json", "--without", "base.json,same.json", "--function", "mtls"]).run(),
        @r"
    exit: 0
    --- stdout
    MeshMark 85.0  (95 % interval 85.0 to 85.0)
    mesheryctl.meshmark/v2; interval from the spread of 2 pairs, by Student's distribution

    CLASS           WEIGHT  EFFICIENCY
    latency           0.50       66.7%
    throughput        0.25        100%
    reliability       0.25        100%
    in all                       83.3%
    functions in use, worth 10% of the overhead: mtls
    · classes without inputs are left out, and the weights of the others scaled to 1
    --- stderr
    "
    );
    let output = env.ctl(["perf", "meshmark", "--explain"]).run();
    assert!(output.code == Some(0) && output.stdout.contains("mesheryctl.meshmark/v2"), "{output}");
    let output = env.ctl(["perf", "meshmark", "--with", "slow.json", "--without", "base.json,same.json"]).run();
    assert_eq!((output.code, output.stdout.as_str()), (Some(2), ""), "{output}");
}

/// What the verbs print as JSON is what `mesheryctl schema` publishes for them.
#[test]
fn json_of_perf_verbs_follows_their_published_schemas() {
    let (env, target) = (Env::new(), Target::start());
    let url = target.url();
    let run = ["perf", "run", "--url", &url, "--requests", "40"];
    let file = env.ctl(run.iter().chain(&["-o", "json"]).copied()).ok().stdout;
    env.write("work/a.json", &file);
    let id = env.ctl(["perf", "result", "list", "-o", "name"]).ok().stdout.trim().to_owned();
    for (verb, args) in [
        ("perf run", &[&run[..], &["--threshold", "errors<50%"]].concat()[..]),
        ("perf run", &run),
        ("perf run", &[&run[..], &["--dry-run"]].concat()),
        ("perf result list", &["perf", "result", "list"]),
        ("perf result view", &["perf", "result", "view", &id]),
        ("perf convert", &["perf", "convert", "a.json"]),
        ("perf convert", &["perf", "convert", "a.json", "--output-file", "a.html"]),
        ("perf compare", &["perf", "compare", "a.json", "a.json"]),
        (
            "perf tune",
            &[
                "perf",
                "tune",
                "--url",
                &url,
                "--slo",
                "p50<30s",
                "--start",
                "50",
                "--most",
                "50",
                "--step-duration",
                "1s",
            ],
        ),
    ] {
        let schema = env.ctl(["schema"].into_iter().chain(verb.split(' ')).chain(["-o", "json"])).ok().json();
        let output = env.ctl(args.iter().copied().chain(["-o", "json"])).ok();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let value = output.json();
        let faults: Vec<String> = validator.iter_errors(&value).map(|fault| fault.to_string()).collect();
        assert!(faults.is_empty(), "{args:?}: {faults:?}");
        // Alternatives must not hide a lack: what was measured always has its verdicts.
        assert_eq!(value.get("verdicts").is_some(), value.get("latency").is_some(), "{args:?}");
    }
}

#[test]
fn a_file_in_a_folder_that_is_not_there_is_refused_and_nothing_is_made() {
    let env = Env::new();
    env.write("work/f.json", FORTIO);
    for args in [
        &["perf", "convert", "f.json", "--output-file", "missing/x.html"][..],
        &["perf", "compare", "f.json", "f.json", "--html", "missing/x.html"],
    ] {
        let refused = env.ctl(args.iter().copied()).run();
        assert_eq!((refused.code, refused.stdout.as_str()), (Some(2), ""), "{refused}");
        assert!(refused.stderr.contains("there is no folder missing"), "{refused}");
    }
    assert!(!env.path("work/missing").exists());
}

#[test]
fn the_step_summary_of_a_workflow_is_appended_to_and_any_other_file_replaced() {
    let env = Env::new();
    env.write("work/f.json", FORTIO);
    let summary = env.write("work/summary.md", "earlier step\n");
    let other = env.write("work/other.md", "earlier step\n");
    for file in [&summary, &other] {
        let args = ["perf", "convert", "f.json", "--to", "markdown", "--output-file", file.to_str().unwrap()];
        env.ctl(args).var("GITHUB_STEP_SUMMARY", &summary).ok();
    }
    let (summary, other) = (env.read("work/summary.md"), env.read("work/other.md"));
    assert_eq!(summary, format!("earlier step\n{other}"));
    assert!(!other.contains("earlier step") && other.contains("p99"), "{other}");
}
