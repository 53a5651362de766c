//! Markdown, as GitHub shows it in the summary of a step.

use std::fmt::Write;

use crate::model::performance::result::PerfResult;
use crate::perf::summary::{Percentile, Summary};
use crate::perf::threshold::{Outcome, Verdict};
use crate::perf::units;

/// Unsupported percentiles stand in italics behind a tilde, with the reason below.
pub fn write(result: &PerfResult, verdicts: &[Verdict]) -> String {
    let summary = Summary::of(result);
    let mut text = format!("## Performance: {}\n\n", plain(&result.name));
    let target = result.plan.targets.first().map_or("", |target| &target.url);
    let asked = summary.requested_rate.map_or_else(|| "max".to_owned(), |rate| format!("{}/s", units::rate(rate)));
    let _ = writeln!(text, "| | |\n| --- | --- |");
    for (name, value) in [
        ("target", code(target)),
        ("model", summary.model.clone()),
        ("rate asked / achieved", format!("{asked} / {}/s", units::rate(summary.achieved_rate))),
        ("length", units::duration(result.elapsed_seconds * 1e9)),
        ("requests", units::count(summary.sent)),
        ("errors", format!("{} ({})", units::count(summary.failed), units::share(summary.error_share))),
        ("dropped", units::count(summary.dropped)),
    ] {
        let _ = writeln!(text, "| {name} | {value} |");
    }
    thresholds(&mut text, verdicts);
    percentiles(&mut text, &summary);
    if !summary.errors.is_empty() {
        text.push_str("\n| cause | requests | share |\n| --- | ---: | ---: |\n");
        for error in &summary.errors {
            let (count, share) = (units::count(error.count), units::share(error.share));
            let _ = writeln!(text, "| {} | {count} | {share} |", error.cause.name());
        }
    }
    if !result.warnings.is_empty() {
        text.push('\n');
        for warning in &result.warnings {
            let _ = writeln!(text, "> :warning: {}", plain(warning));
        }
    }
    text
}

fn thresholds(text: &mut String, verdicts: &[Verdict]) {
    if verdicts.is_empty() {
        return;
    }
    text.push_str("\n| threshold | verdict | value |\n| --- | --- | ---: |\n");
    for verdict in verdicts {
        let sign = match verdict.outcome {
            Outcome::Held => ":white_check_mark:",
            Outcome::Breached => ":x:",
            Outcome::Undecided => ":grey_question:",
        };
        let because = verdict.because.as_ref().map(|because| format!(": {}", plain(because))).unwrap_or_default();
        let threshold = code(&verdict.threshold);
        let _ = writeln!(text, "| {threshold} | {sign} {}{because} | {} |", verdict.outcome.name(), verdict.shown());
    }
}

fn percentiles(text: &mut String, summary: &Summary) {
    if summary.percentiles.is_empty() {
        return;
    }
    text.push_str("\n| percentile | response time | 95 % interval | service time |\n| --- | ---: | ---: | ---: |\n");
    for found in &summary.percentiles {
        let value = found.text();
        let value = if found.is_fact() { value } else { format!("_~{value}_") };
        let interval = units::bounds(found.interval_ns);
        let service = found.service_ns.map_or_else(|| "-".to_owned(), units::duration_ns);
        let _ = writeln!(text, "| {} | {value} | {interval} | {service} |", units::percentile(found.percentile));
    }
    let _ = writeln!(text, "| max | {} | | |", units::duration_ns(summary.response.max_ns));
    let marked: Vec<&Percentile> = summary.percentiles.iter().filter(|found| !found.is_fact()).collect();
    if !marked.is_empty() {
        text.push_str("\n_~ not to be taken as fact:_\n\n");
        for reason in marked.iter().flat_map(|found| found.reasons(summary.response.count)) {
            let _ = writeln!(text, "- {reason}");
        }
    }
}

/// Text that Markdown takes as it is.
fn plain(text: &str) -> String {
    let mut out = String::new();
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' => out.extend(['\\', letter]),
            letter if letter.is_control() => out.push(' '),
            letter => out.push(letter),
        }
    }
    out
}

/// Code in a cell of a table: a bar ends the cell even there.
fn code(text: &str) -> String {
    let text: String = text.chars().filter(|c| !c.is_control() && *c != '`').collect();
    if text.is_empty() { "-".to_owned() } else { format!("`{}`", text.replace('|', "\\|")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::perf::sample;
    use crate::perf::threshold::Threshold;

    #[test]
    fn what_is_no_fact_is_marked_and_explained() {
        let result = sample::result(3_000);
        let verdicts = ["p50<1us", "p90<1s"].map(|text| Threshold::parse(text).unwrap().judge(&result));
        let text = write(&result, &verdicts);
        assert!(text.starts_with("## Performance: checkout &lt;&amp;> \"quoted\"\n"), "{text}");
        assert!(
            text.contains("| `p50<1us` | :x: breached |") && text.contains("| `p90<1s` | :white_check_mark: held |")
        );
        assert!(text.contains("| p99.9 | _~") && text.contains("- p99.9 wants 95,9"), "{text}");
        assert!(text.contains("| status | 60 | 2% |") && text.contains("| reset | 30 | 1% |"), "{text}");
    }

    #[test]
    fn names_cannot_break_the_page() {
        let mut result = sample::result(100);
        result.name = "a|b\n# c".to_owned();
        result.plan.targets[0].url = "http://a/`|x".to_owned();
        let text = write(&result, &[]);
        assert!(text.starts_with("## Performance: a\\|b \\# c\n"), "{text}");
        assert!(text.contains("| target | `http://a/\\|x` |"), "{text}");
    }
}
