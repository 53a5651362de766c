//! The percentile table of HdrHistogram, as wrk2 and the HdrHistogram plotter know it. Values are in milliseconds.

use std::fmt::Write;

use super::imported;
use crate::model::performance::histogram::Histogram;
use crate::model::performance::result::PerfResult;

/// Rows for each halving of the distance to 100 %.
const TICKS: u32 = 5;

pub fn write(histogram: &Histogram) -> String {
    let mut text = format!("{:>12} {:>14} {:>10} {:>14}\n\n", "Value", "Percentile", "TotalCount", "1/(1-Percentile)");
    let mut seen = 0;
    for step in histogram.inner().iter_quantiles(TICKS) {
        seen += step.count_since_last_iteration();
        let quantile = step.quantile_iterated_to();
        let distance = if quantile >= 1.0 { "inf".to_owned() } else { format!("{:.2}", 1.0 / (1.0 - quantile)) };
        let value = milliseconds(step.value_iterated_to().min(histogram.max_ns()));
        let _ = writeln!(text, "{value:>12.6} {quantile:>14.12} {seen:>10} {distance:>14}");
    }
    let (mean, deviation) = (histogram.mean_ns() / 1e6, histogram.stdev_ns() / 1e6);
    let _ = writeln!(text, "#[Mean    = {mean:>12.6}, StdDeviation   = {deviation:>12.6}]");
    let (max, count) = (milliseconds(histogram.max_ns()), histogram.count());
    let _ = writeln!(text, "#[Max     = {max:>12.6}, Total count    = {count:>12}]");
    let inner = histogram.inner();
    let _ = writeln!(text, "#[Buckets = {:>12}, SubBuckets     = {:>12}]", inner.buckets(), 2048);
    text
}

#[expect(clippy::cast_precision_loss, reason = "nanoseconds of an hour stay below 2^53")]
fn milliseconds(nanoseconds: u64) -> f64 {
    nanoseconds as f64 / 1e6
}

/// Whether the text is such a table, or the output of wrk2 that holds one.
pub fn is_table(text: &str) -> bool {
    text.lines().any(is_heading)
}

fn is_heading(line: &str) -> bool {
    let mut words = line.split_whitespace();
    words.next() == Some("Value") && words.next() == Some("Percentile") && words.next() == Some("TotalCount")
}

pub fn read(text: &str) -> Result<PerfResult, String> {
    let mut points = Vec::new();
    // A table that was cut out of other output may have lost its heading.
    let rows = text.lines().position(is_heading).map_or(0, |heading| heading + 1);
    for line in text.lines().skip(rows) {
        if line.trim_start().starts_with('#') {
            break;
        }
        if !line.trim().is_empty() {
            points.push(row(line).ok_or_else(|| format!("`{}` is no row of a percentile table", line.trim()))?);
        }
    }
    if points.is_empty() {
        return Err("it holds no row of a percentile table".to_owned());
    }
    if !points.windows(2).all(|pair| pair[0].0 <= pair[1].0 && pair[0].1 <= pair[1].1) {
        return Err("the rows of the percentile table do not grow".to_owned());
    }
    let mut result = imported::blank("unknown", text.as_bytes());
    result.latency.response = imported::cumulative(points);
    result.latency.service = result.latency.response.clone();
    let count = result.latency.response.count();
    result.requests.sent = count;
    result.requests.due = count;
    result.requests.succeeded = count;
    result.warnings.push(
        "read from a percentile table: durations are exact at its rows only, and it tells neither rate nor errors"
            .to_owned(),
    );
    Ok(result)
}

fn row(line: &str) -> Option<(u64, u64)> {
    let mut words = line.split_whitespace();
    let value: f64 = words.next()?.parse().ok().filter(|value: &f64| value.is_finite() && *value >= 0.0)?;
    let _: f64 = words.next()?.parse().ok()?;
    Some((super::nanoseconds(value / 1e3), words.next()?.parse().ok()?))
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
    fn the_table_has_the_columns_and_the_footer_that_readers_expect() {
        let mut histogram = Histogram::new();
        (1..=4).for_each(|ms| histogram.record_ns(ms * 1_000_000));
        let text = write(&histogram);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[0].split_whitespace().collect::<Vec<_>>(),
            ["Value", "Percentile", "TotalCount", "1/(1-Percentile)"]
        );
        let last = lines.iter().rfind(|line| !line.starts_with('#')).unwrap();
        let last: Vec<&str> = last.split_whitespace().collect();
        assert_eq!((last[1], last[2], last[3]), ("1.000000000000", "4", "inf"));
        assert!(lines[lines.len() - 3].starts_with("#[Mean    =") && lines[lines.len() - 1].starts_with("#[Buckets ="));
        assert!(lines[lines.len() - 2].contains("Total count    =            4]"), "{text}");
    }

    #[test]
    fn what_is_written_is_read_exactly_at_its_rows() {
        let response = sample::result(20_000).latency.response;
        let back = read(&write(&response)).unwrap().latency.response;
        assert_eq!(back.count(), response.count());
        for percentile in [50.0, 75.0, 100.0] {
            let (there, here) = (back.percentile_ns(percentile), response.percentile_ns(percentile));
            assert!(there.abs_diff(here) * 1_000 <= here, "{percentile}: {there} {here}");
        }
    }

    #[test]
    fn output_of_wrk2_is_read() {
        let text = "Running 30s test @ http://a/\n  Detailed Percentile spectrum:\n       Value   Percentile   TotalCount 1/(1-Percentile)\n\n       0.921     0.000000            1         1.00\n       4.053     0.500000        50000         2.00\n      12.079     1.000000       100000          inf\n#[Mean    =        4.236, StdDeviation   =        1.6]\n#[Max     =       12.072, Total count    =       100000]\n";
        let result = read(text).unwrap();
        assert_eq!(result.latency.response.count(), 100_000);
        assert!(result.latency.response.percentile_ns(50.0).abs_diff(4_053_000) < 4_053);
    }

    #[test]
    fn a_damaged_table_is_refused() {
        assert!(read("Value Percentile TotalCount x\n1.0 what 3\n").unwrap_err().contains("no row"));
        assert!(read("Value Percentile TotalCount x\n2.0 0.5 3\n1.0 1.0 4\n").unwrap_err().contains("grow"));
    }
}
