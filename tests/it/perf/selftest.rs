//! `perf selftest` as it is called.

use crate::support::env::Env;

#[test]
fn the_report_says_for_each_percentile_what_was_expected_and_what_was_measured() {
    let env = Env::new();
    let output =
        env.ctl(["perf", "selftest", "--law", "constant", "--rate", "200", "--duration", "1s", "-o", "json"]).run();
    let report = output.json();
    let law = &report["laws"][0];
    assert_eq!((law["law"].as_str(), law["requests"].as_u64()), (Some("constant"), Some(200)));
    let points = law["points"].as_array().unwrap();
    assert_eq!(points.len(), 4);
    for point in points {
        // the server waits for a millisecond; what it adds by being late, it knows
        assert!(point["expected_us"].as_f64().unwrap() >= 1000.0, "{point}");
        assert!(point["measured_us"].as_f64().unwrap() >= 1000.0, "{point}");
    }
    // how busy the machine is decides the verdict, and the verdict decides the exit code
    assert_eq!(output.code, Some(i32::from(report["passed"] != true)), "{report:#}");
}

#[test]
fn values_that_cannot_be_measured_are_refused() {
    let env = Env::new();
    for (flag, value, because) in
        [("--rate", "0", "from 1 to 20000"), ("--duration", "10ms", "at least 1s"), ("--law", "zipf", "heavy-tail")]
    {
        let output = env.ctl(["perf", "selftest", flag, value]).run();
        assert_eq!(output.code, Some(2), "{output}");
        assert!(output.stderr.contains(because), "{}", output.stderr);
    }
}
