//! Figures as people read them: three digits of meaning, with their unit.

use crate::perf::stats::Bounds;

/// A duration given in nanoseconds: `55.1us`, `1.23ms`, `12.3s`, `2m03s`.
pub fn duration(nanoseconds: f64) -> String {
    let size = nanoseconds.abs();
    let (scale, unit) = match size {
        size if size < 999.5 => (1.0, "ns"),
        size if size < 999.5e3 => (1e3, "us"),
        size if size < 999.5e6 => (1e6, "ms"),
        size if size < 120e9 => (1e9, "s"),
        _ => return minutes(nanoseconds),
    };
    format!("{}{unit}", three_digits(nanoseconds / scale))
}

/// Two bounds of a duration in nanoseconds: `1ms to 2ms`; `at least 1ms` where the upper one is infinite, and
/// `not known` where both are.
pub fn bounds(bounds: Bounds) -> String {
    match (bounds.low.is_finite(), bounds.high.is_finite()) {
        (true, true) => format!("{} to {}", duration(bounds.low), duration(bounds.high)),
        (true, false) => format!("at least {}", duration(bounds.low)),
        (false, _) => "not known".to_owned(),
    }
}

/// A duration of whole nanoseconds, as [`duration`].
#[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
pub fn duration_ns(nanoseconds: u64) -> String {
    duration(nanoseconds as f64)
}

fn minutes(nanoseconds: f64) -> String {
    let seconds = (nanoseconds / 1e9).round();
    let (minutes, seconds) = ((seconds / 60.0).trunc(), (seconds % 60.0).abs());
    format!("{minutes}m{seconds:02}s")
}

/// A number with three digits of meaning and no more than two decimals.
pub fn three_digits(number: f64) -> String {
    let size = number.abs();
    let decimals = match size {
        size if size >= 99.95 => 0,
        size if size >= 9.995 => 1,
        _ => 2,
    };
    let text = format!("{number:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// A rate in requests a second, without its unit: `0.5`, `499.8`, `12,345`.
pub fn rate(per_second: f64) -> String {
    if per_second < 999.95 {
        let text = format!("{per_second:.1}");
        return text.strip_suffix(".0").map_or(text.clone(), str::to_owned);
    }
    grouped(&format!("{per_second:.0}"))
}

/// A count with its thousands apart: `1,234,567`.
pub fn count(number: u64) -> String {
    grouped(&number.to_string())
}

fn grouped(digits: &str) -> String {
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A share (0 to 1) in percent: `0%`, `0.013%`, `12.5%`.
pub fn share(share: f64) -> String {
    let percent = share * 100.0;
    let size = percent.abs();
    if size == 0.0 || size >= 0.1 {
        return format!("{}%", three_digits(percent));
    }
    if size < 1e-4 {
        return format!("{percent:.2e}%");
    }
    format!("{}%", format!("{percent:.4}").trim_end_matches('0'))
}

/// A change relative to its base, signed: `+5.2%`, `-12%`; `n/a` without a base.
pub fn change(ratio: Option<f64>) -> String {
    let Some(ratio) = ratio.filter(|ratio| ratio.is_finite()) else { return "n/a".to_owned() };
    let text = share(ratio);
    if ratio > 0.0 { format!("+{text}") } else { text }
}

/// A percentile's name: `p50`, `p99.9`.
pub fn percentile(percentile: f64) -> String {
    format!("p{percentile}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_keep_three_digits() {
        let shown: Vec<String> =
            [0.0, 55.0, 999.0, 999.9, 55_123.0, 1_234_567.0, 12_345_678.0, 999_600_000.0, 61e9, 123e9, 7_323e9]
                .into_iter()
                .map(duration)
                .collect();
        assert_eq!(
            shown,
            ["0ns", "55ns", "999ns", "1us", "55.1us", "1.23ms", "12.3ms", "1s", "61s", "2m03s", "122m03s"]
        );
    }

    #[test]
    fn an_open_bound_is_no_number() {
        let shown = |low, high| bounds(Bounds { low, high });
        assert_eq!(shown(1e6, 2e6), "1ms to 2ms");
        assert_eq!(shown(1e6, f64::INFINITY), "at least 1ms");
        assert_eq!(shown(f64::INFINITY, f64::INFINITY), "not known");
    }

    #[test]
    fn rates_counts_and_shares_are_short() {
        assert_eq!([rate(0.5), rate(499.83), rate(12_345.6)], ["0.5", "499.8", "12,346"]);
        assert_eq!([count(0), count(999), count(1_234_567)], ["0", "999", "1,234,567"]);
        assert_eq!([share(0.0), share(0.125), share(0.000_13), share(1.0)], ["0%", "12.5%", "0.013%", "100%"]);
        assert_eq!([change(Some(0.052)), change(Some(-0.12)), change(None)], ["+5.2%", "-12%", "n/a"]);
        assert_eq!(share(1e-7), "1.00e-5%");
    }
}
