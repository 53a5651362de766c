//! fortio's histograms: buckets with a start, an end, their count, and the cumulative percentage.

use serde_json::{Value, json};

use super::super::{nanoseconds, seconds};
use crate::model::performance::histogram::Histogram;
use crate::perf::summary::share;

/// fortio's own choice. Clients of earlier eras take the first as the median and the last as the 99.9th.
pub const PERCENTILES: [f64; 5] = [50.0, 75.0, 90.0, 99.0, 99.9];

/// Seconds that durations are told apart by, as far as fortio's field goes.
pub const RESOLUTION: f64 = 1e-6;
/// The widest bucket that is written, as the ratio of its end to its start.
const WIDEST: f64 = 1.005;
/// fortio's own resolution, where a result does not tell it.
const DEFAULT_RESOLUTION: f64 = 1e-3;
/// Points that the counts of a read bucket are spread over.
const POINTS: u64 = 64;

pub fn write(histogram: &Histogram) -> Value {
    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
    let sum = histogram.mean_ns() / 1e9 * histogram.count() as f64;
    let percentiles = PERCENTILES.iter().filter(|_| !histogram.is_empty());
    json!({
        "Count": histogram.count(),
        "Min": seconds(histogram.min_ns()),
        "Max": seconds(histogram.max_ns()),
        "Sum": sum,
        "Avg": histogram.mean_ns() / 1e9,
        "StdDev": histogram.stdev_ns() / 1e9,
        "Data": data(histogram),
        "Percentiles": percentiles
            .map(|percentile| json!({ "Percentile": percentile, "Value": seconds(histogram.percentile_ns(*percentile)) }))
            .collect::<Vec<_>>(),
    })
}

/// A bucket while it grows, in nanoseconds: from the end of what came before.
struct Bucket {
    start: u64,
    end: u64,
    count: u64,
}

fn data(histogram: &Histogram) -> Vec<Value> {
    let mut buckets: Vec<Bucket> = Vec::new();
    for (value, count) in histogram.counts() {
        let start = histogram.inner().lowest_equivalent(value).max(histogram.min_ns());
        let end = value.min(histogram.max_ns());
        match buckets.last_mut() {
            Some(last) if seconds(end) <= seconds(last.start) * WIDEST => {
                last.end = end;
                last.count += count;
            }
            _ => buckets.push(Bucket { start, end, count }),
        }
    }
    let mut seen = 0;
    buckets
        .into_iter()
        .map(|bucket| {
            seen += bucket.count;
            json!({
                "Start": seconds(bucket.start),
                "End": seconds(bucket.end),
                "Percent": 100.0 * share(seen, histogram.count()),
                "Count": bucket.count,
            })
        })
        .collect()
}

/// Counts are spread evenly over their bucket, as fortio itself interpolates.
pub fn read(value: &Value) -> Result<Histogram, String> {
    let mut histogram = Histogram::new();
    for bucket in rows(value) {
        let field = |key: &str| bucket.get(key).and_then(Value::as_f64).filter(|number| number.is_finite());
        let (Some(start), Some(end)) = (field("Start"), field("End")) else {
            return Err("a bucket of the histogram has no Start and End".to_owned());
        };
        let count = bucket.get("Count").and_then(Value::as_u64).ok_or("a bucket of the histogram has no Count")?;
        spread(&mut histogram, (start, end), count);
    }
    let told = value.get("Count").and_then(Value::as_u64);
    if told.is_some_and(|told| told != histogram.count()) {
        return Err(format!(
            "the buckets of the histogram hold {} requests, it tells of {}: counts that add up are cumulative in results of wrk2 through old versions of Meshery",
            histogram.count(),
            told.unwrap_or_default(),
        ));
    }
    Ok(histogram)
}

fn rows(value: &Value) -> impl Iterator<Item = &Value> {
    value.get("Data").and_then(Value::as_array).into_iter().flatten()
}

#[expect(clippy::cast_precision_loss, reason = "points are few")]
fn spread(histogram: &mut Histogram, (start, end): (f64, f64), count: u64) {
    let points = count.min(POINTS);
    for point in 0..points {
        let here = count * (point + 1) / points - count * point / points;
        let at = start + (end - start) * (point as f64 + 1.0) / points as f64;
        histogram.record_n(nanoseconds(at), here);
    }
}

/// The resolution in nanoseconds: 0 where every bucket is narrow, else what fortio was told.
pub fn resolution(told: Option<f64>, value: &Value) -> u64 {
    let is_narrow = rows(value).all(|bucket| {
        let field = |key: &str| bucket.get(key).and_then(Value::as_f64).unwrap_or_default();
        field("End") <= field("Start") * 1.02
    });
    if is_narrow { 0 } else { nanoseconds(told.filter(|told| *told > 0.0).unwrap_or(DEFAULT_RESOLUTION)) }
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
    use crate::perf::stats::random::Random;

    /// As fortio's `CalcPercentile` does.
    fn interpolated(value: &Value, percentile: f64) -> f64 {
        let mut before = 100.0 / value["Count"].as_f64().unwrap();
        if percentile <= before {
            return value["Min"].as_f64().unwrap();
        }
        for bucket in rows(value) {
            let [start, end, percent] = ["Start", "End", "Percent"].map(|key| bucket[key].as_f64().unwrap());
            if percentile <= percent {
                return start + (percentile - before) / (percent - before) * (end - start);
            }
            before = percent;
        }
        value["Max"].as_f64().unwrap()
    }

    #[test]
    fn percentiles_that_fortio_interpolates_are_right() {
        let mut random = Random::new(3);
        let mut histogram = Histogram::new();
        (0..50_000).for_each(|_| histogram.record_ns((20_000.0 + random.exponential() * 40_000.0) as u64));
        histogram.record_ns(3_000_000);
        let value = write(&histogram);
        for percentile in [10.0, 50.0, 90.0, 99.0, 99.9, 99.99] {
            let exact = seconds(histogram.percentile_ns(percentile));
            let error = (interpolated(&value, percentile) - exact).abs() / exact;
            assert!(error < 0.01, "p{percentile}: {error}");
        }
        let rows: Vec<&Value> = rows(&value).collect();
        assert!(rows.len() < 1_200, "{}", rows.len());
        assert_eq!(rows[0]["Start"], value["Min"]);
        assert_eq!(rows.last().unwrap()["End"], value["Max"]);
        assert_eq!(rows.last().unwrap()["Percent"], 100.0);
        let count: u64 = rows.iter().map(|row| row["Count"].as_u64().unwrap()).sum();
        assert_eq!(count, histogram.count());
    }

    #[test]
    fn counts_survive_reading() {
        let mut histogram = Histogram::new();
        (1..=1_000).for_each(|us| histogram.record_ns(us * 1_000));
        let value = write(&histogram);
        let back = read(&value).unwrap();
        assert_eq!((back.count(), resolution(None, &value)), (1_000, 0));
        let (there, here) = (back.percentile_ns(99.0), histogram.percentile_ns(99.0));
        assert!(there.abs_diff(here) * 100 < here, "{there} {here}");
    }

    #[test]
    fn counts_that_do_not_add_up_are_refused() {
        let value = json!({"Count": 3, "Data": [{"Start": 0.0, "End": 0.1, "Count": 2}, {"Start": 0.1, "End": 0.2, "Count": 3}]});
        assert!(read(&value).unwrap_err().contains("cumulative"));
        assert!(read(&json!({"Data": [{"Count": 2}]})).unwrap_err().contains("Start"));
    }
}
