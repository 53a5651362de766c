//! One result for a person: what was asked, what came, and what may not be taken as fact.

use std::fmt::Write;

use crate::ctl::ui::{Paint, Tone, Ui, cut};
use crate::model::performance::plan::{Load, Overload, Pacing, Plan};
use crate::model::performance::result::{Connections, Ending, Interval, PerfResult, WorkerShare};
use crate::perf::summary::{Percentile, Summary};
use crate::perf::threshold::{Outcome, Verdict};
use crate::perf::units;

/// Columns of the picture of the rate.
const PICTURE: usize = 40;
/// Width of the names at the left.
const NAMES: usize = 11;

/// The result as text, with what its thresholds came to.
pub fn show(ui: &Ui, result: &PerfResult) -> String {
    Look { paint: ui.paint(), unicode: ui.is_unicode(), width: ui.width() }.text(result)
}

/// How lines are made.
#[derive(Debug, Clone, Copy)]
struct Look {
    paint: Paint,
    unicode: bool,
    /// Columns there are; none where nothing is to be cut, as in a pipe.
    width: Option<usize>,
}

impl Look {
    fn text(self, result: &PerfResult) -> String {
        let summary = Summary::of(result);
        let mut text = String::new();
        self.heading(&mut text, result);
        self.rate(&mut text, result, &summary);
        self.outcome(&mut text, result, &summary);
        self.durations(&mut text, &summary);
        self.generator(&mut text, result);
        self.workers(&mut text, result);
        self.thresholds(&mut text, &result.verdicts);
        for warning in &result.warnings {
            self.marked(&mut text, Tone::Warning, warning);
        }
        text
    }

    /// What fits behind the names at the left.
    fn fitting(self, line: &str) -> String {
        self.width.map_or_else(|| line.to_owned(), |width| cut(line, width.saturating_sub(NAMES), self.unicode))
    }

    fn row(self, text: &mut String, name: &str, value: &str) {
        let _ = writeln!(text, "{name:<NAMES$}{}", self.fitting(value));
    }

    fn heading(self, text: &mut String, result: &PerfResult) {
        let plan = &result.plan;
        let name = if result.name.is_empty() { "(no name)" } else { &result.name };
        let name = self.width.map_or_else(|| name.to_owned(), |width| cut(name, width, self.unicode));
        let _ = writeln!(text, "{}", self.paint.apply(Tone::Heading, &name));
        for (index, target) in plan.targets.iter().take(4).enumerate() {
            let weight = if plan.targets.len() > 1 { format!(" (weight {})", target.weight) } else { String::new() };
            self.row(text, if index == 0 { "target" } else { "" }, &format!("{}{weight}", target.url));
        }
        if plan.targets.len() > 4 {
            self.row(text, "", &format!("and {} more", plan.targets.len() - 4));
        }
        self.row(text, "model", &model(plan));
        let length = units::duration(result.elapsed_seconds * 1e9);
        let ended = match result.ended_by {
            Ending::Duration => "planned time",
            Ending::Requests => "planned number of requests",
            Ending::Stopped => "stopped before its time",
            Ending::Threshold => "ended by a breached threshold",
            Ending::WorkersLost => "ended because every worker was lost",
        };
        self.row(text, "length", &format!("{length}, {ended}"));
    }

    fn rate(self, text: &mut String, result: &PerfResult, summary: &Summary) {
        let achieved = units::rate(summary.achieved_rate);
        let line = match summary.requested_rate {
            Some(asked) if asked > 0.0 => {
                let share = summary.achieved_rate / asked;
                let tone = if share < 0.98 { Tone::Warning } else { Tone::Good };
                let share = self.paint.apply(tone, &units::share(share)).into_owned();
                format!("{achieved}/s of {}/s asked ({share})", units::rate(asked))
            }
            _ => format!("{achieved}/s, as fast as the connections go"),
        };
        let _ = writeln!(text, "{:<NAMES$}{line}", "rate");
        let intervals = whole(result);
        if intervals.len() > 1 {
            let rates: Vec<f64> = intervals.iter().map(Interval::response_rate).collect();
            let (low, high) =
                rates.iter().fold((f64::INFINITY, 0.0f64), |(low, high), rate| (low.min(*rate), high.max(*rate)));
            let range = format!("{} to {}/s", units::rate(low), units::rate(high));
            self.row(text, "", &format!("{}  {range}", sparkline(&rates, self.unicode)));
        }
    }

    fn outcome(self, text: &mut String, result: &PerfResult, summary: &Summary) {
        let due = result.requests.due;
        let mut sent = format!("{} sent", units::count(summary.sent));
        if due > summary.sent + summary.dropped {
            sent = format!("{} due, {sent}", units::count(due));
        }
        if summary.dropped > 0 {
            let _ = write!(sent, ", {} due but never sent", units::count(summary.dropped));
        }
        if result.requests.queued_most > 0 {
            let _ = write!(sent, ", up to {} waited", units::count(result.requests.queued_most));
        }
        self.row(text, "requests", &sent);
        let statuses: Vec<String> =
            result.statuses.iter().map(|(status, count)| format!("{status} x {}", units::count(*count))).collect();
        if !statuses.is_empty() {
            self.row(text, "statuses", &statuses.join(", "));
        }
        let bad = result.requests.bad();
        let tone = if bad > 0 { Tone::Bad } else { Tone::Good };
        let errors = format!("{} ({})", units::count(bad), units::share(summary.error_share));
        let _ = writeln!(text, "{:<NAMES$}{}", "errors", self.paint.apply(tone, &errors));
        for error in &summary.errors {
            let line =
                format!("  {:<16}{:>10}  {}", error.cause.name(), units::count(error.count), units::share(error.share));
            self.row(text, "", &line);
        }
        if summary.dropped > 0 {
            let share = units::share(crate::perf::summary::share(summary.dropped, result.requests.ended()));
            self.row(text, "", &format!("  {:<16}{:>10}  {share}", "never sent", units::count(summary.dropped)));
        }
        let connections = &result.connections;
        // some programs tell nothing of their connections
        if *connections == Connections::default() && !summary.percentiles.is_empty() {
            return;
        }
        let mut line = format!("{} opened", units::count(connections.opened));
        if connections.failed > 0 {
            let _ = write!(line, ", {} failed", units::count(connections.failed));
        }
        if connections.closed_by_peer > 0 {
            let _ = write!(line, ", {} closed by the far side", units::count(connections.closed_by_peer));
        }
        if !connections.connect.is_empty() {
            let _ = write!(line, ", p50 {} to connect", units::duration_ns(connections.connect.percentile_ns(50.0)));
        }
        self.row(text, "connected", &line);
    }

    fn durations(self, text: &mut String, summary: &Summary) {
        if summary.percentiles.is_empty() {
            self.row(text, "durations", "none: no request was answered");
            return;
        }
        let title = format!("{:<NAMES$}{:>10}   {:<22}{:>10}", "", "RESPONSE", "95% INTERVAL", "SERVICE");
        let _ = writeln!(text, "\n{}", self.paint.apply(Tone::Heading, &title));
        let spread = |name: &str, of: &dyn Fn(&crate::perf::summary::Spread) -> f64| {
            let service = summary.service.as_ref().map_or_else(|| "-".to_owned(), |spread| units::duration(of(spread)));
            format!("{name:<NAMES$}{:>10}   {:<22}{service:>10}", units::duration(of(&summary.response)), "")
        };
        #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
        let lines = [
            spread("min", &|spread| spread.min_ns as f64),
            spread("mean", &|spread| spread.mean_ns),
            spread("stdev", &|spread| spread.stdev_ns),
        ];
        for line in lines {
            let _ = writeln!(text, "{line}");
        }
        for found in &summary.percentiles {
            let _ = writeln!(text, "{}", self.percentile(found));
        }
        #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
        let max = spread("max", &|spread| spread.max_ns as f64);
        let _ = writeln!(text, "{max}");
        self.legend(text, summary);
    }

    fn percentile(self, found: &Percentile) -> String {
        let marks = [(found.supported, '~'), (found.above_floor, '^'), (found.reached, '>')];
        let mark: String = marks.iter().filter(|(is_so, _)| !is_so).map(|(_, mark)| mark).collect();
        let name = format!("{} {mark}", units::percentile(found.percentile));
        let interval = units::bounds(found.interval_ns);
        let service = found.service_ns.map_or_else(|| "-".to_owned(), units::duration_ns);
        let value = found.text();
        let line = format!("{name:<NAMES$}{value:>10}   {:<22}{service:>10}", cut(&interval, 21, self.unicode));
        if found.is_fact() { line } else { self.paint.apply(Tone::Faint, &line).into_owned() }
    }

    /// The marks that stand in the table, and no others.
    fn legend(self, text: &mut String, summary: &Summary) {
        let count = summary.response.count;
        let first = |reason: &dyn Fn(&Percentile) -> Option<String>| summary.percentiles.iter().find_map(reason);
        if let Some(reason) = first(&|found| found.unsupported(count)) {
            self.mark(text, "~", &format!("no fact: the sample is too small; {reason}"));
        }
        if let Some(reason) = first(&Percentile::below_floor) {
            self.mark(text, "^", &format!("no fact: {reason}"));
        }
        if let Some(reason) = first(&Percentile::unreached) {
            self.mark(text, ">", &format!("no fact: {reason}"));
        }
    }

    fn generator(self, text: &mut String, result: &PerfResult) {
        let generator = &result.generator;
        let mut facts = vec![format!("{} {}", generator.name, generator.version).trim().to_owned()];
        if generator.threads > 0 {
            facts.push(crate::base::text::count(generator.threads as usize, "thread"));
        }
        if let (Some(user), Some(system)) = (generator.cpu_user_seconds, generator.cpu_system_seconds)
            && result.elapsed_seconds > 0.0
        {
            facts.push(format!("{} of a processor", units::share((user + system) / result.elapsed_seconds)));
        }
        if let Some(looking) = generator.looking.filter(|share| *share > 0.0) {
            facts.push(format!("looked for responses in {} of the run", units::share(looking)));
        }
        if let Some(steal) = generator.steal {
            facts.push(format!("{} stolen from the machine", units::share(steal)));
        }
        text.push('\n');
        self.row(text, "generator", &facts.join(", "));
        let slip = &result.latency.slip;
        if !slip.is_empty() {
            let at = |percentile: f64| units::duration_ns(slip.percentile_ns(percentile));
            self.row(
                text,
                "lateness",
                &format!("p50 {}, p99 {}, max {}", at(50.0), at(99.0), units::duration_ns(slip.max_ns())),
            );
        }
        if let Some(mesh) = &result.environment.mesh {
            let version = mesh.version.as_deref().unwrap_or_default();
            self.row(text, "mesh", format!("{} {version}", mesh.kind).trim());
        }
    }

    fn workers(self, text: &mut String, result: &PerfResult) {
        for (index, worker) in result.workers.iter().enumerate() {
            let name = if index == 0 { "workers" } else { "" };
            let line =
                format!("{} sent {}, {}/s", worker.name, units::count(worker.sent), units::rate(worker.achieved_rate));
            match &worker.lost {
                Some(lost) => {
                    let line = self.fitting(&format!("{line}, lost: {lost}"));
                    let _ = writeln!(text, "{name:<NAMES$}{}", self.paint.apply(Tone::Bad, &line));
                }
                None => self.row(text, name, &format!("{line}, {}", clock(worker))),
            }
        }
    }

    fn thresholds(self, text: &mut String, verdicts: &[Verdict]) {
        if verdicts.is_empty() {
            return;
        }
        text.push('\n');
        for verdict in verdicts {
            let tone = match verdict.outcome {
                Outcome::Held => Tone::Good,
                Outcome::Breached => Tone::Bad,
                Outcome::Undecided => Tone::Warning,
            };
            self.marked(text, tone, &verdict.to_string());
        }
    }

    /// A mark of the legend with its meaning, over as many lines as it takes.
    fn mark(self, text: &mut String, mark: &str, meaning: &str) {
        for (at, line) in wrapped(meaning, self.room()).iter().enumerate() {
            let _ = writeln!(text, "{} {line}", if at == 0 { mark } else { " " });
        }
    }

    /// Columns behind a sign.
    fn room(self) -> usize {
        self.width.map_or(usize::MAX, |width| width.saturating_sub(2))
    }

    /// A line behind a sign, over as many lines as it takes.
    fn marked(self, text: &mut String, tone: Tone, message: &str) {
        let mut sign = self.paint.apply(tone, tone.sign(self.unicode)).into_owned();
        for line in wrapped(message, self.room()) {
            let _ = writeln!(text, "{sign} {line}");
            " ".clone_into(&mut sign);
        }
    }
}

/// Text in lines of at most `width` characters, broken between words; a longer word stays whole.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in crate::base::text::one_line(text).split(' ') {
        let last = lines.len() - 1;
        let line = &mut lines[last];
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > width {
            lines.push(word.to_owned());
        } else {
            let blank = if line.is_empty() { "" } else { " " };
            line.push_str(blank);
            line.push_str(word);
        }
    }
    lines
}

fn model(plan: &Plan) -> String {
    let connections = crate::base::text::count(plan.connections as usize, "connection");
    let streams = if plan.streams > 1 { format!(" of {} streams", plan.streams) } else { String::new() };
    let law = match &plan.load {
        Load::Closed => "closed: each connection waits for its answer".to_owned(),
        Load::Open { pacing, overload } => format!("open: {}, {}", pacing_text(pacing), overload_text(*overload)),
    };
    format!("{law}; {} over {connections}{streams}", plan.protocol.name())
}

fn pacing_text(pacing: &Pacing) -> String {
    match pacing {
        Pacing::Constant { .. } => "constant".to_owned(),
        Pacing::Poisson { .. } => "Poisson".to_owned(),
        Pacing::Ramp { from, to, .. } => format!("ramp from {}/s to {}/s", units::rate(*from), units::rate(*to)),
        Pacing::Steps { steps } => crate::base::text::count(steps.len(), "step"),
    }
}

fn overload_text(overload: Overload) -> String {
    match overload {
        Overload::Queue => "waits when busy".to_owned(),
        Overload::Drop => "drops when busy".to_owned(),
        Overload::Grow { limit } => format!("grows to {limit} when busy"),
    }
}

/// The intervals in which requests were made, without a last one that is too short for its rate to say anything.
fn whole(result: &PerfResult) -> &[Interval] {
    let made = result.intervals.partition_point(|interval| interval.start_seconds < result.elapsed_seconds);
    match &result.intervals[..made] {
        [first @ .., last] if first.last().is_some_and(|one| last.length_seconds < 0.5 * one.length_seconds) => first,
        all => all,
    }
}

/// A picture of values over time, from nothing to the highest; neighbours are joined where there are too many.
pub fn sparkline(values: &[f64], unicode: bool) -> String {
    let marks: &[char] = if unicode {
        &['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█']
    } else {
        &['_', '.', '-', '=', 'o', '*', '#', '@']
    };
    let joined = values.len().div_ceil(PICTURE).max(1);
    let means: Vec<f64> = values.chunks(joined).map(mean).collect();
    let highest = means.iter().copied().fold(0.0, f64::max);
    let mark = |value: &f64| {
        let share = if highest > 0.0 { value / highest } else { 0.0 };
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the share is between 0 and 1"
        )]
        let at = (share * (marks.len() - 1) as f64).round() as usize;
        marks[at.min(marks.len() - 1)]
    };
    means.iter().map(mark).collect()
}

#[expect(clippy::cast_precision_loss, reason = "chunks are short")]
fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

/// A worker's clock against ours, and how well that is known.
fn clock(worker: &WorkerShare) -> String {
    let sign = if worker.clock_offset_ns < 0 { "-" } else { "+" };
    let (offset, error) = (worker.clock_offset_ns.unsigned_abs(), worker.clock_error_ns);
    format!("clock {sign}{}, at most {} off", units::duration_ns(offset), units::duration_ns(error))
}

#[cfg(test)]
mod tests {
    use unicode_width::UnicodeWidthStr;

    use super::*;
    use crate::perf::sample;
    use crate::perf::threshold::Threshold;

    fn plain(result: &PerfResult) -> String {
        Look { paint: Paint::default(), unicode: true, width: Some(80) }.text(result)
    }

    #[test]
    fn everything_fits_into_the_columns_there_are_and_nothing_is_cut_where_there_are_none() {
        let mut result = sample::result(300_000);
        result.name = "n".repeat(200);
        result.plan.targets[0].url = format!("http://a/{}", "x".repeat(200));
        result.warnings.push("many words ".repeat(30));
        let text = |width: Option<usize>| Look { paint: Paint::default(), unicode: true, width }.text(&result);
        for width in [60, 80, 120] {
            for line in text(Some(width)).lines() {
                assert!(line.width() <= width, "{width}: {line}");
            }
        }
        let whole = text(None);
        assert!(
            !whole.contains('…') && whole.contains(&"n".repeat(200)) && whole.contains(&"x".repeat(200)),
            "{whole}"
        );
        assert!(whole.contains("many words ".repeat(30).trim()), "a warning is one line: {whole}");
    }

    #[test]
    fn marks_stand_with_their_legend_and_only_then() {
        let marked = plain(&sample::result(3_000));
        assert!(marked.contains("\np99.9 ~") && marked.contains("\n~ no fact"), "{marked}");
        let mut late = sample::result(30_000);
        assert!(!plain(&late).contains("\n^"));
        late.latency.slip = late.latency.response.clone();
        assert!(plain(&late).contains("\np50 ^") && plain(&late).contains("\n^ no fact: p50 is mostly"));
    }

    #[test]
    fn a_percentile_among_requests_without_a_response_is_marked_without_colour() {
        let mut result = sample::result(30_000);
        assert!(!plain(&result).contains("\n> "));
        result.requests.dropped = 1_000;
        let text = plain(&result);
        let line = text.lines().find(|line| line.starts_with("p99 ")).unwrap();
        assert!(line.starts_with("p99 >  ") && line.matches('>').count() == 2 && line.contains("not known"), "{text}");
        assert!(text.contains("\n> no fact: too many requests got no response in time for p99,"), "{text}");
        assert!(text.lines().any(|line| line.starts_with("p90 ") && !line.contains('>')), "{text}");
    }

    #[test]
    fn thresholds_and_errors_are_shown() {
        let mut result = sample::result(3_000);
        result.verdicts = ["p50<1us", "p50<1s"].map(|text| Threshold::parse(text).unwrap().judge(&result)).into();
        let text = plain(&result);
        assert!(text.contains("✗ p50<1us breached: ") && text.contains("✓ p50<1s held: "), "{text}");
        assert!(text.contains("errors     90 (3%)") && text.contains("  status                  60  2%"), "{text}");
        assert!(text.contains("rate       100/s of 100/s asked (100%)"), "{text}");
    }

    #[test]
    fn a_short_last_interval_is_not_in_the_picture_of_the_rate() {
        let mut result = sample::result(3_000);
        let before = plain(&result);
        let mut last = result.intervals[0].clone();
        (last.length_seconds, last.succeeded, last.failed) = (0.002, 1, 0);
        result.intervals.push(last);
        let picture =
            |text: &str| text.lines().find(|line| line.contains(" to ") && line.ends_with("/s")).map(str::to_owned);
        assert!(picture(&before).is_some(), "{before}");
        assert_eq!(picture(&plain(&result)), picture(&before));
    }

    #[test]
    fn a_run_without_answers_says_so() {
        let mut result = sample::result(10);
        result.latency = crate::model::performance::result::Latency::default();
        assert!(plain(&result).contains("none: no request was answered"));
    }

    #[test]
    fn the_picture_joins_neighbours_and_starts_at_nothing() {
        assert_eq!(sparkline(&[0.0, 50.0, 100.0], true), "▁▅█");
        assert_eq!(sparkline(&[0.0, 100.0], false), "_@");
        assert_eq!(sparkline(&[7.0; 400], true).chars().count(), PICTURE);
        assert_eq!(sparkline(&[], true), "");
    }
}
