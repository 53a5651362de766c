//! Comma-separated values, for spreadsheets: the figures of a run, or the run second by second.

use std::fmt::Write;

use super::seconds;
use crate::model::performance::result::PerfResult;
use crate::perf::stats::order;
use crate::perf::summary::Summary;
use crate::perf::units;

/// Heading of [`figures`].
pub const FIGURES: &str = "metric,value,unit,low,high,note";
/// Heading of [`intervals`].
pub const INTERVALS: &str = "start_seconds,length_seconds,sent,succeeded,failed,dropped,p50_ms,p90_ms,p99_ms,max_ms";
/// Decimals of durations and rates.
const DECIMALS: i32 = 6;
/// Decimals of shares: one failure in a hundred million is not nothing.
const SHARE_DECIMALS: i32 = 9;

/// One figure a row. `low` and `high` enclose it with 95 %, an open end being empty; `note` says what limits it.
pub fn figures(result: &PerfResult) -> String {
    let summary = Summary::of(result);
    let mut text = format!("{FIGURES}\n");
    let mut row = |metric: &str, value: String, unit: &str| {
        let _ = writeln!(text, "{},{value},{unit},,,", quoted(metric));
    };
    row("name", quoted(&result.name), "");
    row("model", summary.model.clone(), "");
    row("started_at", result.started_at.to_string(), "");
    row("elapsed", decimal(result.elapsed_seconds), "s");
    row("requested_rate", summary.requested_rate.map(decimal).unwrap_or_default(), "1/s");
    row("achieved_rate", decimal(summary.achieved_rate), "1/s");
    row("sent", summary.sent.to_string(), "requests");
    row("failed", summary.failed.to_string(), "requests");
    row("dropped", summary.dropped.to_string(), "requests");
    row("error_share", rounded(summary.error_share, SHARE_DECIMALS), "");
    for error in &summary.errors {
        row(&format!("error.{}", error.cause.name()), error.count.to_string(), "requests");
    }
    for (status, count) in &result.statuses {
        row(&format!("status.{status}"), count.to_string(), "requests");
    }
    row("min", milliseconds(summary.response.min_ns), "ms");
    row("mean", decimal(summary.response.mean_ns / 1e6), "ms");
    row("stdev", decimal(summary.response.stdev_ns / 1e6), "ms");
    row("max", milliseconds(summary.response.max_ns), "ms");
    for found in &summary.percentiles {
        let note = found.reasons(summary.response.count).join("; ");
        let bounds = found.interval_ns;
        let name = units::percentile(found.percentile);
        let value = milliseconds(found.value_ns);
        let [low, high] = [bounds.low, bounds.high].map(bound);
        let _ = writeln!(text, "{name},{value},ms,{low},{high},{}", quoted(&note));
        if let Some(service) = found.service_ns {
            let _ = writeln!(text, "service.{name},{},ms,,,", milliseconds(service));
        }
    }
    text
}

/// Names of the percentiles of [`intervals`] that the responses of an interval are too few to state as fact.
pub fn doubtful(result: &PerfResult) -> Vec<String> {
    let counts = result.intervals.iter().map(|interval| interval.response.count()).filter(|count| *count > 0);
    let Some(fewest) = counts.min() else { return Vec::new() };
    let doubtful = [50.0, 90.0, 99.0].into_iter().filter(|percentile| !order::is_supported(fewest, *percentile));
    doubtful.map(units::percentile).collect()
}

/// One interval a row.
pub fn intervals(result: &PerfResult) -> String {
    let mut text = format!("{INTERVALS}\n");
    for interval in &result.intervals {
        let _ = write!(text, "{},{},", decimal(interval.start_seconds), decimal(interval.length_seconds));
        let _ = write!(text, "{},{},{},{}", interval.sent, interval.succeeded, interval.failed, interval.dropped);
        let response = interval.response.unpack();
        for percentile in [50.0, 90.0, 99.0, 100.0] {
            let empty = response.is_empty();
            let value = if empty { String::new() } else { milliseconds(response.percentile_ns(percentile)) };
            let _ = write!(text, ",{value}");
        }
        text.push('\n');
    }
    text
}

fn milliseconds(nanoseconds: u64) -> String {
    decimal(seconds(nanoseconds) * 1e3)
}

/// A bound in milliseconds; nothing where it is open.
fn bound(nanoseconds: f64) -> String {
    if nanoseconds.is_finite() { decimal(nanoseconds / 1e6) } else { String::new() }
}

/// Seconds, milliseconds and rates: six decimals keep nanoseconds.
fn decimal(value: f64) -> String {
    rounded(value, DECIMALS)
}

/// Without the dust of binary fractions, and without zeros at the end.
fn rounded(value: f64, decimals: i32) -> String {
    let scale = 10f64.powi(decimals);
    ((value * scale).round() / scale).to_string()
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
    fn an_open_end_is_empty() {
        let mut result = sample::result(30_000);
        result.requests.dropped = 1_000;
        let text = figures(&result);
        let row = text.lines().find(|line| line.starts_with("p99,")).unwrap();
        assert!(row.contains(",ms,,,") && row.contains("no response in time"), "{row}");
    }

    #[test]
    fn intervals_add_up_to_the_run() {
        let result = sample::result(3_000);
        let text = intervals(&result);
        let sent: u64 = text.lines().skip(1).map(|line| line.split(',').nth(2).unwrap().parse::<u64>().unwrap()).sum();
        assert_eq!((text.lines().count(), sent), (31, 3_000));
    }

    #[test]
    fn numbers_carry_no_dust_of_binary_fractions() {
        let mut result = sample::result(3_000);
        (result.elapsed_seconds, result.achieved_rate) = (29.999_999_999_999_996, 99.900_000_000_000_02);
        result.intervals[0].start_seconds = 0.1 + 0.2;
        result.intervals[0].length_seconds = 0.999_999_999_999_999_9;
        let figures = figures(&result);
        assert!(figures.contains("\nelapsed,30,s,") && figures.contains("\nachieved_rate,99.9,1/s,"), "{figures}");
        for line in [figures, intervals(&result)].iter().flat_map(|text| text.lines()) {
            let most = if line.starts_with("error_share,") { 9 } else { 6 };
            for cell in line.split(',').filter(|cell| cell.parse::<f64>().is_ok()) {
                let decimals = cell.split_once('.').map_or("", |(_, decimals)| decimals);
                assert!(decimals.len() <= most && !decimals.ends_with('0'), "{line}");
            }
        }
        assert_eq!(rounded(1e-8, SHARE_DECIMALS), "0.00000001");
    }

    #[test]
    fn a_name_is_never_a_formula() {
        assert_eq!(quoted("=1+1"), "'=1+1");
        assert_eq!(quoted("-a,b"), "\"'-a,b\"");
    }
}
