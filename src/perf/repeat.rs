//! Several runs of one plan taken together: what they say as one sample, and how much they differ.

use crate::model::performance::result::PerfResult;

/// Two-sided 95 % quantiles of Student's t for 1 to 30 degrees of freedom; beyond, the normal distribution's.
const T95: [f64; 30] = [
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120,
    2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
];

/// The runs as one sample: counts and histograms added, rates averaged; `None` of none.
#[expect(clippy::cast_precision_loss, reason = "runs are few")]
pub fn pool(runs: &[PerfResult]) -> Option<PerfResult> {
    let (first, rest) = runs.split_first()?;
    let mut all = first.clone();
    for run in rest {
        all.requests.due += run.requests.due;
        all.requests.sent += run.requests.sent;
        all.requests.succeeded += run.requests.succeeded;
        all.requests.failed += run.requests.failed;
        all.requests.dropped += run.requests.dropped;
        all.requests.queued_most = all.requests.queued_most.max(run.requests.queued_most);
        all.elapsed_seconds += run.elapsed_seconds;
        all.achieved_rate += run.achieved_rate;
        all.latency.response.merge(&run.latency.response);
        all.latency.service.merge(&run.latency.service);
        all.latency.slip.merge(&run.latency.slip);
        all.connections.connect.merge(&run.connections.connect);
        for (class, histogram) in &run.latency.by_class {
            all.latency.by_class.entry(class.clone()).or_default().merge(histogram);
        }
        for (status, count) in &run.statuses {
            *all.statuses.entry(status.clone()).or_default() += count;
        }
        for (cause, count) in &run.errors {
            *all.errors.entry(*cause).or_default() += count;
        }
    }
    all.achieved_rate /= runs.len() as f64;
    Some(all)
}

/// The 95 % interval of the mean by Student's t; `None` of fewer than two values.
#[expect(clippy::cast_precision_loss, reason = "runs are few")]
pub fn mean_interval(values: &[f64]) -> Option<(f64, f64)> {
    if values.len() < 2 {
        return None;
    }
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0);
    let t = T95.get(values.len() - 2).copied().unwrap_or(1.960);
    let half = t * (variance / n).sqrt();
    Some((mean - half, mean + half))
}

/// The value in the middle; 0 of none.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match (sorted.get(middle), sorted.len() % 2) {
        (None, _) => 0.0,
        (Some(value), 1) => *value,
        (Some(value), _) => f64::midpoint(sorted[middle - 1], *value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::performance::histogram::Histogram;
    use crate::perf::sample;

    #[test]
    fn a_pool_is_the_sum_of_its_runs() {
        let runs = [sample::result(100), sample::result(300)];
        let pooled = pool(&runs).unwrap();
        assert_eq!(pooled.latency.response.count(), runs.iter().map(|run| run.latency.response.count()).sum::<u64>());
        let classes = |result: &PerfResult| result.latency.by_class.values().map(Histogram::count).sum::<u64>();
        assert_eq!(classes(&pooled), runs.iter().map(classes).sum::<u64>());
        assert_eq!(pooled.requests.sent, runs[0].requests.sent + runs[1].requests.sent);
        assert!(pool(&[]).is_none());
    }

    #[test]
    fn the_interval_is_students() {
        let (low, high) = mean_interval(&[9.0, 10.0, 11.0]).unwrap();
        assert!((low - 7.516).abs() < 1e-2 && (high - 12.484).abs() < 1e-2, "{low} {high}");
        assert!(mean_interval(&[1.0]).is_none());
        let medians = [median(&[3.0, 1.0, 2.0]), median(&[4.0, 1.0]), median(&[])];
        assert_eq!(format!("{medians:?}"), "[2.0, 2.5, 0.0]");
    }
}
