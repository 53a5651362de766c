//! The grammar of thresholds.

use super::{Figure, Limit, Metric, Operator, Series, Threshold};
use crate::base::error::{Code, Error, Result};
use crate::base::text;
use crate::model::performance::duration;

/// Words a metric begins with, for suggestions.
const METRICS: [&str; 14] = [
    "p50",
    "p90",
    "p99",
    "p99.9",
    "min",
    "max",
    "mean",
    "stdev",
    "errors",
    "success",
    "dropped",
    "rps",
    "service.p99",
    "status.5xx",
];

/// What is wrong, and at which byte of the text.
struct Fault {
    at: usize,
    expected: String,
    near: Option<String>,
}

fn fault(at: usize, expected: impl Into<String>) -> Fault {
    Fault { at, expected: expected.into(), near: None }
}

impl Threshold {
    /// Reads a threshold, such as `p99<20ms`. Blanks count for nothing.
    ///
    /// # Errors
    /// [`Code::ThresholdInvalid`], with the place in the text and what was expected there.
    pub fn parse(text: &str) -> Result<Self> {
        read(text).map_err(|fault| refused(text, &fault))
    }
}

fn refused(text: &str, fault: &Fault) -> Error {
    let column = text[..fault.at.min(text.len())].chars().count();
    let message = format!("`{text}` is no threshold: {} expected at character {}", fault.expected, column + 1);
    let error = Error::new(Code::ThresholdInvalid, message).detail(text).detail(format!("{}^", " ".repeat(column)));
    match &fault.near {
        Some(near) => error.detail(near),
        None => error,
    }
}

fn read(text: &str) -> Result<Threshold, Fault> {
    let Some(at) = text.find(['<', '>', '=', '!']) else {
        return Err(fault(text.len(), "one of < <= > >="));
    };
    let metric = metric(text, at)?;
    let (operator, length) = operator(&text[at..]).ok_or_else(|| fault(at, "one of < <= > >="))?;
    let limit = limit(text, at + length, &metric)?;
    Ok(Threshold { metric, operator, limit })
}

fn operator(text: &str) -> Option<(Operator, usize)> {
    let operators =
        [("<=", Operator::AtMost), (">=", Operator::AtLeast), ("<", Operator::Below), (">", Operator::Above)];
    operators.into_iter().find(|(sign, _)| text.starts_with(sign)).map(|(sign, operator)| (operator, sign.len()))
}

fn metric(text: &str, end: usize) -> Result<Metric, Fault> {
    let start = text.len() - text.trim_start().len();
    let name = text[..end].trim();
    match name {
        "errors" | "error" | "failed" => return Ok(Metric::Errors),
        "success" | "succeeded" => return Ok(Metric::Success),
        "dropped" => return Ok(Metric::Dropped),
        "rps" | "qps" | "rate" => return Ok(Metric::Rate),
        _ => {}
    }
    if let Some(status) = name.strip_prefix("status.") {
        return status_metric(status, start + "status.".len());
    }
    for series in Series::ALL {
        if let Some(figure_name) = name.strip_prefix(series.name()).and_then(|rest| rest.strip_prefix('.')) {
            let at = start + series.name().len() + 1;
            return figure(figure_name, at)?
                .map(|figure| Metric::Time(series, figure))
                .ok_or_else(|| fault(at, "a figure (p<N>, min, max, mean or stdev)"));
        }
    }
    match figure(name, start)? {
        Some(figure) => Ok(Metric::Time(Series::Response, figure)),
        None => Err(Fault {
            near: text::did_you_mean(name, METRICS),
            ..fault(
                start.min(end),
                "a metric (p<N>, min, max, mean, stdev, errors, success, dropped, rps, status.<S>, service.<F>, slip.<F> or connect.<F>)",
            )
        }),
    }
}

fn status_metric(status: &str, at: usize) -> Result<Metric, Fault> {
    let is_word = !status.is_empty() && status.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if is_word {
        Ok(Metric::Status(status.to_owned()))
    } else {
        Err(fault(at, "a status such as 503, 5xx or UNAVAILABLE"))
    }
}

/// `None` when the word is no figure at all.
fn figure(name: &str, at: usize) -> Result<Option<Figure>, Fault> {
    Ok(Some(match name {
        "min" => Figure::Min,
        "max" => Figure::Max,
        "mean" | "avg" | "average" => Figure::Mean,
        "stdev" | "stddev" => Figure::Stdev,
        "med" | "median" => Figure::Percentile(50.0),
        _ => match name.strip_prefix('p') {
            Some(number) if number.starts_with(|c: char| c.is_ascii_digit() || c == '(' || c == '-') => {
                Figure::Percentile(percentile(number, at + 1)?)
            }
            _ => return Ok(None),
        },
    }))
}

fn percentile(text: &str, at: usize) -> Result<f64, Fault> {
    let inner = match text.strip_prefix('(') {
        Some(rest) => rest.strip_suffix(')').ok_or_else(|| fault(at + text.len(), "a closing parenthesis"))?,
        None => text,
    };
    let number: Option<f64> = inner.trim().parse().ok();
    number
        .filter(|number| *number > 0.0 && *number <= 100.0)
        .ok_or_else(|| fault(at, "a percentile above 0 and up to 100"))
}

fn limit(text: &str, at: usize, metric: &Metric) -> Result<Limit, Fault> {
    let start = at + (text[at..].len() - text[at..].trim_start().len());
    let word = text[start..].trim_end();
    match metric {
        Metric::Time(..) => time_limit(text, word, start),
        Metric::Rate => rate_limit(word, start),
        Metric::Errors | Metric::Success | Metric::Dropped | Metric::Status(_) => share_or_count(word, start),
    }
}

/// The unit may be left out only in k6's spelling, where it is known: milliseconds.
fn time_limit(text: &str, word: &str, at: usize) -> Result<Limit, Fault> {
    const EXPECTED: &str = "a duration with its unit, such as 20ms,";
    if text.contains("p(")
        && let Some(milliseconds) = number(word)
    {
        return Ok(Limit::Nanoseconds(milliseconds * 1e6));
    }
    let parsed = duration::parse(word).map_err(|_| fault(at, EXPECTED))?;
    Ok(Limit::Nanoseconds(parsed.as_secs_f64() * 1e9))
}

fn rate_limit(word: &str, at: usize) -> Result<Limit, Fault> {
    if let Some(percent) = word.strip_suffix('%') {
        return Ok(Limit::Share(
            number(percent).ok_or_else(|| fault(at, "a percentage of the rate asked for"))? / 100.0,
        ));
    }
    let bare = word.strip_suffix("/s").unwrap_or(word);
    let (bare, scale) = bare.strip_suffix('k').map_or((bare, 1.0), |bare| (bare, 1e3));
    number(bare).map(|rate| Limit::Rate(rate * scale)).ok_or_else(|| {
        fault(at, "a rate in requests a second, such as 490, or a share of the rate asked for, such as 98%,")
    })
}

fn share_or_count(word: &str, at: usize) -> Result<Limit, Fault> {
    const EXPECTED: &str = "a percentage such as 0.1% or a whole number of requests";
    match word.strip_suffix('%') {
        Some(percent) => number(percent)
            .filter(|percent| *percent <= 100.0)
            .map(|percent| Limit::Share(percent / 100.0))
            .ok_or_else(|| fault(at, "a percentage from 0% to 100%")),
        // 0.01 is one percent in other tools and would be nearly no request here.
        None => {
            number(word).filter(|number| number.fract() == 0.0).map(Limit::Count).ok_or_else(|| fault(at, EXPECTED))
        }
    }
}

fn number(text: &str) -> Option<f64> {
    let text = text.trim();
    let plain = text.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | 'e' | '-' | '+'));
    plain.then(|| text.parse().ok()).flatten().filter(|number: &f64| number.is_finite() && *number >= 0.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_metric_is_read_and_written_alike() {
        for text in [
            "p99<20ms",
            "p99.9<=1.5s",
            "min>1us",
            "max<2s",
            "mean<5ms",
            "stdev<300us",
            "errors<0.1%",
            "errors<=5",
            "success>=99.9%",
            "dropped<=0",
            "rps>=490",
            "rps>=98%",
            "status.5xx<1%",
            "status.503<=3",
            "status.UNAVAILABLE<1%",
            "service.p99<5ms",
            "slip.p99<100us",
            "connect.max<1s",
        ] {
            assert_eq!(Threshold::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn other_spellings_mean_the_same() {
        for (given, same) in [
            ("p(99)<200", "p99<200ms"),
            ("p(99.9) < 1s", "p99.9<1s"),
            (" p99 <  20ms ", "p99<20ms"),
            ("avg<1ms", "mean<1ms"),
            ("med<1m30s", "p50<90s"),
            ("response.p50<1ms", "p50<1ms"),
            ("qps>1k/s", "rps>1000"),
            ("failed<1%", "errors<1%"),
        ] {
            assert_eq!(Threshold::parse(given).unwrap().to_string(), same, "{given}");
        }
    }

    #[test]
    fn what_is_wrong_is_pointed_at() {
        for (given, column, expected) in [
            ("p99", 4, "one of < <= > >="),
            ("p99=20ms", 4, "one of < <= > >="),
            ("p99<20", 5, "unit"),
            ("p99<20parsecs", 5, "unit"),
            ("p99<-20ms", 5, "unit"),
            ("p101<20ms", 2, "up to 100"),
            ("p(99<20ms", 5, "parenthesis"),
            ("latency<20ms", 1, "a metric"),
            ("service.q99<1ms", 9, "a figure"),
            ("errors<0.01", 8, "whole number"),
            ("errors<101%", 8, "0% to 100%"),
            ("rps>=fast", 6, "requests a second"),
            ("status.<1%", 8, "a status"),
            ("<5ms", 1, "a metric"),
            ("", 1, "one of"),
        ] {
            let error = Threshold::parse(given).unwrap_err();
            assert!(error.message().contains(expected), "{given}: {error}");
            assert!(error.message().ends_with(&format!("character {column}")), "{given}: {error}");
            assert_eq!(error.report().details[1], format!("{}^", " ".repeat(column - 1)), "{given}");
        }
        let near = Threshold::parse("eror<1%").unwrap_err();
        assert!(near.report().details.iter().any(|line| line.contains("errors")), "{:?}", near.report());
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".{0,40}") {
            let _ = Threshold::parse(&text);
        }

        #[test]
        fn nearly_right_text_does_not_either(text in "(p|p\\(|status\\.|slip\\.)?[0-9a-zé.()]{0,6}[<>=]{0,3}[0-9.e%/a-z-]{0,9}") {
            if let Ok(threshold) = Threshold::parse(&text) {
                let written = threshold.to_string();
                prop_assert_eq!(Threshold::parse(&written).unwrap().to_string(), written);
            }
        }
    }
}
