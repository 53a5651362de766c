//! JUnit XML: each threshold is a test case, so that a CI system shows which one failed.

use std::fmt::Write;

use super::escaped;
use crate::model::performance::result::PerfResult;
use crate::perf::summary::Summary;
use crate::perf::threshold::{Outcome, Verdict};
use crate::perf::unanswered::nothing_succeeded;
use crate::perf::units;

/// Without thresholds there is one case: that something was measured.
pub fn write(result: &PerfResult, verdicts: &[Verdict]) -> String {
    let count = |outcome: Outcome| verdicts.iter().filter(|verdict| verdict.outcome == outcome).count();
    let (failures, skipped) = (count(Outcome::Breached), count(Outcome::Undecided));
    let nothing = nothing_succeeded(result).map(|error| error.to_string());
    let (tests, failures) =
        if verdicts.is_empty() { (1, usize::from(nothing.is_some())) } else { (verdicts.len(), failures) };
    let name = escaped(&result.name);
    let counts = format!("tests=\"{tests}\" failures=\"{failures}\" errors=\"0\" skipped=\"{skipped}\"");
    let time = format!("time=\"{:.3}\"", result.elapsed_seconds);
    let begin = result.started_at.strftime("%Y-%m-%dT%H:%M:%S");
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites {counts} {time}>\n  <testsuite name=\"{name}\" {counts} {time} timestamp=\"{begin}\">\n    <properties>\n",
    );
    for (key, value) in properties(result) {
        let _ = writeln!(text, "      <property name=\"{key}\" value=\"{}\"/>", escaped(&value));
    }
    text.push_str("    </properties>\n");
    if verdicts.is_empty() {
        let body = nothing.map(|why| failure(&why)).unwrap_or_default();
        case(&mut text, &name, "measured", &body);
    }
    for verdict in verdicts {
        let body = match verdict.outcome {
            Outcome::Held => String::new(),
            Outcome::Breached => failure(&verdict.to_string()),
            Outcome::Undecided => format!("      <skipped message=\"{}\"/>\n", escaped(&verdict.to_string())),
        };
        case(&mut text, &name, &escaped(&verdict.threshold), &body);
    }
    text.push_str("  </testsuite>\n</testsuites>\n");
    text
}

fn case(text: &mut String, class: &str, name: &str, body: &str) {
    let _ = match body {
        "" => writeln!(text, "    <testcase classname=\"{class}\" name=\"{name}\" time=\"0\"/>"),
        body => {
            writeln!(text, "    <testcase classname=\"{class}\" name=\"{name}\" time=\"0\">\n{body}    </testcase>")
        }
    };
}

fn failure(message: &str) -> String {
    let message = escaped(message);
    format!("      <failure type=\"threshold\" message=\"{message}\">{message}</failure>\n")
}

fn properties(result: &PerfResult) -> Vec<(String, String)> {
    let summary = Summary::of(result);
    let mut properties = vec![
        ("model".to_owned(), summary.model.clone()),
        ("requested_rate".to_owned(), summary.requested_rate.map_or_else(|| "max".to_owned(), |rate| rate.to_string())),
        ("achieved_rate".to_owned(), units::rate(summary.achieved_rate)),
        ("sent".to_owned(), summary.sent.to_string()),
        ("failed".to_owned(), summary.failed.to_string()),
        ("dropped".to_owned(), summary.dropped.to_string()),
    ];
    for found in summary.percentiles.iter().filter(|found| found.is_fact()) {
        properties.push((units::percentile(found.percentile), units::duration_ns(found.value_ns)));
    }
    properties
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::perf::sample;
    use crate::perf::threshold::Threshold;

    fn judged(thresholds: &[&str]) -> String {
        let mut result = sample::result(300);
        result.latency.slip = crate::model::performance::histogram::Histogram::new();
        let verdicts: Vec<Verdict> =
            thresholds.iter().map(|text| Threshold::parse(text).unwrap().judge(&result)).collect();
        write(&result, &verdicts)
    }

    #[test]
    fn thresholds_are_cases() {
        let text = judged(&["p50<1s", "p50<1us", "rps>=1", "slip.p99<17ms"]);
        assert!(text.contains("tests=\"4\" failures=\"1\" errors=\"0\" skipped=\"1\""), "{text}");
        assert!(text.contains(
            "name=\"p50&lt;1us\" time=\"0\">\n      <failure type=\"threshold\" message=\"p50&lt;1us breached"
        ));
        assert!(text.contains("classname=\"checkout &lt;&amp;&gt; &quot;quoted&quot;\""), "{text}");
    }

    #[test]
    fn without_thresholds_there_is_one_case() {
        let text = judged(&[]);
        assert!(
            text.contains("tests=\"1\" failures=\"0\"") && text.contains("name=\"measured\" time=\"0\"/>"),
            "{text}"
        );
    }
}
