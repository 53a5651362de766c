//! Prometheus' text exposition, for the textfile collector of the node exporter and for push gateways.

use std::fmt::Write;

use super::seconds;
use crate::model::performance::result::PerfResult;
use crate::perf::summary::Summary;

const PREFIX: &str = "mesheryctl_perf";

/// Percentiles that the sample does not support are left out: a graph has no place for a mark.
pub fn write(result: &PerfResult) -> String {
    let summary = Summary::of(result);
    let name = format!("test=\"{}\"", label(&result.name));
    let mut out = Exposition { text: String::new(), name };
    out.family("requests_total", "counter", "Requests by what became of them.");
    for (outcome, count) in
        [("succeeded", result.requests.succeeded), ("failed", summary.failed), ("dropped", summary.dropped)]
    {
        out.sample("requests_total", &format!("outcome=\"{outcome}\""), count);
    }
    out.family("responses_total", "counter", "Responses by status.");
    for (status, count) in &result.statuses {
        out.sample("responses_total", &format!("status=\"{}\"", label(status)), count);
    }
    out.family("errors_total", "counter", "Failed requests by cause.");
    for error in &summary.errors {
        out.sample("errors_total", &format!("cause=\"{}\"", error.cause.name()), error.count);
    }
    out.family("rate", "gauge", "Requests a second.");
    out.sample("rate", "kind=\"achieved\"", summary.achieved_rate);
    if let Some(rate) = summary.requested_rate {
        out.sample("rate", "kind=\"requested\"", rate);
    }
    out.family("duration_seconds", "gauge", "Length of the measurement.");
    out.sample("duration_seconds", "", result.elapsed_seconds);
    out.response(&summary);
    out.text
}

struct Exposition {
    text: String,
    name: String,
}

impl Exposition {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.text, "# HELP {PREFIX}_{name} {help}\n# TYPE {PREFIX}_{name} {kind}");
    }

    fn sample(&mut self, name: &str, labels: &str, value: impl std::fmt::Display) {
        let comma = if labels.is_empty() { "" } else { "," };
        let _ = writeln!(self.text, "{PREFIX}_{name}{{{}{comma}{labels}}} {value}", self.name);
    }

    fn response(&mut self, summary: &Summary) {
        self.family("response_seconds", "summary", "Response times.");
        for found in summary.percentiles.iter().filter(|found| found.is_fact()) {
            // Rounded so that 0.999 is not written with the dust of its binary fraction.
            let quantile = (found.percentile * 1e6).round() / 1e8;
            self.sample("response_seconds", &format!("quantile=\"{quantile}\""), seconds(found.value_ns));
        }
        let response = &summary.response;
        #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
        let sum = response.mean_ns / 1e9 * response.count as f64;
        self.sample("response_seconds_sum", "", sum);
        self.sample("response_seconds_count", "", response.count);
    }
}

fn label(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::perf::sample;

    #[test]
    fn samples_stand_below_their_family() {
        let text = write(&sample::result(3_000));
        let name = "test=\"checkout <&> \\\"quoted\\\"\"";
        assert!(text.contains(&format!("mesheryctl_perf_requests_total{{{name},outcome=\"failed\"}} 90\n")), "{text}");
        assert!(text.contains(&format!("mesheryctl_perf_response_seconds_count{{{name}}} 2970\n")), "{text}");
        assert!(text.contains("quantile=\"0.9\"") && !text.contains("quantile=\"0.99\""), "{text}");
        let mut family = "";
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# TYPE ") {
                family = rest.split(' ').next().unwrap();
            } else if !line.starts_with('#') {
                assert!(line.starts_with(family), "{line} below {family}");
            }
        }
    }
}
