//! Comma-separated values, for spreadsheets: the figures of a run, or the run second by second.

use std::fmt::Write;

use super::seconds;
use crate::model::performance::result::PerfResult;
use crate::perf::summary::Summary;
use crate::perf::units;

/// One figure a row. `low` and `high` enclose it with 95 %; `note` says what limits it.
pub fn figures(result: &PerfResult) -> String {
    let summary = Summary::of(result);
    let mut text = "metric,value,unit,low,high,note\n".to_owned();
    let mut row = |metric: &str, value: String, unit: &str| {
        let _ = writeln!(text, "{},{value},{unit},,,", quoted(metric));
    };
    row("name", quoted(&result.name), "");
    row("model", summary.model.clone(), "");
    row("started_at", result.started_at.to_string(), "");
    row("elapsed", rounded(result.elapsed_seconds), "s");
    row("requested_rate", summary.requested_rate.map(|rate| rate.to_string()).unwrap_or_default(), "1/s");
    row("achieved_rate", rounded(summary.achieved_rate), "1/s");
    row("sent", summary.sent.to_string(), "requests");
    row("failed", summary.failed.to_string(), "requests");
    row("dropped", summary.dropped.to_string(), "requests");
    row("error_share", rounded(summary.error_share), "");
    for error in &summary.errors {
        row(&format!("error.{}", error.cause.name()), error.count.to_string(), "requests");
    }
    for (status, count) in &result.statuses {
        row(&format!("status.{status}"), count.to_string(), "requests");
    }
    row("min", milliseconds(summary.response.min_ns), "ms");
    row("mean", rounded(summary.response.mean_ns / 1e6), "ms");
    row("stdev", rounded(summary.response.stdev_ns / 1e6), "ms");
    row("max", milliseconds(summary.response.max_ns), "ms");
    for found in &summary.percentiles {
        let note = found.reasons(summary.response.count).join("; ");
        let bounds = found.interval_ns;
        let name = units::percentile(found.percentile);
        let value = milliseconds(found.value_ns);
        let _ = writeln!(
            text,
            "{name},{value},ms,{},{},{}",
            rounded(bounds.low / 1e6),
            rounded(bounds.high / 1e6),
            quoted(&note)
        );
        if let Some(service) = found.service_ns {
            let _ = writeln!(text, "service.{name},{},ms,,,", milliseconds(service));
        }
    }
    text
}

/// One interval a row.
pub fn intervals(result: &PerfResult) -> String {
    let mut text =
        "start_seconds,length_seconds,sent,succeeded,failed,dropped,p50_ms,p90_ms,p99_ms,max_ms\n".to_owned();
    for interval in &result.intervals {
        let _ = write!(text, "{},{},", interval.start_seconds, interval.length_seconds);
        let _ = write!(text, "{},{},{},{}", interval.sent, interval.succeeded, interval.failed, interval.dropped);
        for percentile in [50.0, 90.0, 99.0, 100.0] {
            let empty = interval.response.is_empty();
            let value = if empty { String::new() } else { milliseconds(interval.response.percentile_ns(percentile)) };
            let _ = write!(text, ",{value}");
        }
        text.push('\n');
    }
    text
}

fn milliseconds(nanoseconds: u64) -> String {
    rounded(seconds(nanoseconds) * 1e3)
}

/// To six places, which is a nanosecond in milliseconds: without the dust of binary fractions.
fn rounded(number: f64) -> String {
    ((number * 1e6).round() / 1e6).to_string()
}

/// A spreadsheet takes what begins with one of these for a formula.
fn quoted(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if formula { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::perf::sample;

    #[test]
    fn every_row_has_the_columns_of_the_heading() {
        let text = figures(&sample::result(3_000));
        assert!(text.contains("\nname,\"checkout <&> \"\"quoted\"\"\",,,,\n"), "{text}");
        assert!(text.contains("p99.9,") && text.contains("wants 95,9"), "{text}");
        for line in text.lines().filter(|line| !line.contains('"')) {
            assert_eq!(line.matches(',').count(), 5, "{line}");
        }
    }

    #[test]
    fn intervals_add_up_to_the_run() {
        let result = sample::result(3_000);
        let text = intervals(&result);
        let sent: u64 = text.lines().skip(1).map(|line| line.split(',').nth(2).unwrap().parse::<u64>().unwrap()).sum();
        assert_eq!((text.lines().count(), sent), (31, 3_000));
    }

    #[test]
    fn numbers_have_no_dust() {
        assert_eq!(
            (rounded(0.055_071_999_999_999_996), milliseconds(1_234_567)),
            ("0.055072".into(), "1.234567".into())
        );
        let text = figures(&sample::result(3_000)) + &intervals(&sample::result(3_000));
        let long = text.split([',', '\n']).find(|cell| {
            cell.rsplit_once('.').is_some_and(|(whole, places)| whole.parse::<u64>().is_ok() && places.len() > 6)
        });
        assert_eq!(long, None);
    }

    #[test]
    fn a_name_is_never_a_formula() {
        assert_eq!(quoted("=1+1"), "'=1+1");
        assert_eq!(quoted("-a,b"), "\"'-a,b\"");
    }
}
