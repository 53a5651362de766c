//! A report as one HTML file: no script, nothing from elsewhere, readable in light and dark and on paper. Every chart has
//! its figures beside it as a table.

mod chart;

use std::fmt::Write;

use chart::{Axis, Chart, Series};

use super::escaped;
use crate::model::performance::duration;
use crate::model::performance::plan::Plan;
use crate::model::performance::result::{Interval, PerfResult};
use crate::perf::summary::{Percentile, Summary};
use crate::perf::threshold::{Outcome, Verdict};
use crate::perf::units;

const STYLE: &str = include_str!("html/style.css");

/// A result with what its thresholds came to.
#[derive(Debug, Clone, Copy)]
pub struct Run<'a> {
    /// The result.
    pub result: &'a PerfResult,
    /// What its thresholds came to.
    pub verdicts: &'a [Verdict],
}

/// The report of one result, or of several to be compared; names that occur twice get a number.
pub fn write(runs: &[Run<'_>]) -> String {
    let names = names(runs);
    let title = if let [only] = names.as_slice() { only.clone() } else { format!("{} results compared", runs.len()) };
    let title = escaped(&title);
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n"
    );
    overview(&mut page, runs, &names);
    spectrum(&mut page, runs, &names);
    over_time(&mut page, runs, &names);
    for (run, name) in runs.iter().zip(&names) {
        details(&mut page, *run, name, runs.len() > 1);
    }
    page.push_str("</main>\n</body>\n</html>\n");
    page
}

fn names(runs: &[Run<'_>]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for (index, run) in runs.iter().enumerate() {
        let name = if run.result.name.is_empty() { "result" } else { &run.result.name };
        let is_double = runs.iter().filter(|other| other.result.name == run.result.name).count() > 1;
        names.push(if is_double { format!("{name} #{}", index + 1) } else { name.to_owned() });
    }
    names
}

/// A table: the first cell of a row is its heading.
fn table(page: &mut String, caption: &str, headings: &[&str], rows: &[Vec<String>]) {
    let _ = write!(page, "<div class=\"wide\"><table>\n<caption>{caption}</caption>\n<thead><tr>");
    for heading in headings {
        let _ = write!(page, "<th scope=\"col\">{}</th>", escaped(heading));
    }
    page.push_str("</tr></thead>\n<tbody>\n");
    for row in rows {
        page.push_str("<tr>");
        for (index, cell) in row.iter().enumerate() {
            let (open, close) = if index == 0 { ("<th scope=\"row\">", "</th>") } else { ("<td>", "</td>") };
            let _ = write!(page, "{open}{cell}{close}");
        }
        page.push_str("</tr>\n");
    }
    page.push_str("</tbody>\n</table></div>\n");
}

fn overview(page: &mut String, runs: &[Run<'_>], names: &[String]) {
    let rows: Vec<Vec<String>> = runs
        .iter()
        .zip(names)
        .map(|(run, name)| {
            let summary = Summary::of(run.result);
            let asked = summary.requested_rate.map_or_else(|| "max".to_owned(), units::rate);
            let mut row = vec![escaped(name), summary.model.clone(), asked, units::rate(summary.achieved_rate)];
            row.extend([
                units::count(summary.sent),
                format!("{} ({})", units::count(summary.failed), units::share(summary.error_share)),
            ]);
            row.extend(
                [50.0, 90.0, 99.0, 99.9].map(|percentile| shown(Percentile::of(run.result, percentile).as_ref())),
            );
            row
        })
        .collect();
    let headings =
        ["result", "model", "rate asked /s", "achieved /s", "requests", "errors", "p50", "p90", "p99", "p99.9"];
    table(page, "Overview", &headings, &rows);
    page.push_str("<p class=\"note\">A figure with ~ is not to be taken as fact: the sample is too small for it, too many requests got no response in time, or it is mostly the generator's own lateness.</p>\n");
}

fn shown(found: Option<&Percentile>) -> String {
    let Some(found) = found else { return "-".to_owned() };
    let value = escaped(&found.text());
    if found.is_fact() { value } else { format!("<span class=\"mark\">~{value}</span>") }
}

/// Response time over the share of responses, both in decades: the tail is what matters.
fn spectrum(page: &mut String, runs: &[Run<'_>], names: &[String]) {
    let filled = runs.iter().filter(|run| !run.result.latency.response.is_empty());
    let (mut low, mut high, mut count) = (f64::INFINITY, 0.0f64, 0u64);
    for run in filled {
        let response = &run.result.latency.response;
        low = low.min(nanoseconds(response.min_ns()));
        high = high.max(nanoseconds(response.max_ns()));
        count = count.max(response.count());
    }
    if count == 0 {
        page.push_str("<p>No request was answered: there are no durations.</p>\n");
        return;
    }
    let mut series: Vec<Series> = runs
        .iter()
        .zip(names)
        .map(|(run, name)| Series { name: name.clone(), points: tail(&run.result.latency.response) })
        .collect();
    if let ([run], [only]) = (runs, series.as_mut_slice()) {
        "response time".clone_into(&mut only.name);
        let further =
            [("service time", &run.result.latency.service), ("generator's lateness", &run.result.latency.slip)];
        series.extend(further.into_iter().filter(|(_, histogram)| !histogram.is_empty()).map(|(name, histogram)| {
            low = low.min(nanoseconds(histogram.min_ns()).max(1_000.0));
            Series { name: name.to_owned(), points: tail(histogram) }
        }));
    }
    page.push_str("<section>\n<h2>Percentiles</h2>\n");
    let chart = Chart {
        title: "Response time by percentile",
        x: Axis::decades("percentile", (1.0, nanoseconds(count)), |distance| format!("{}%", percent(distance))),
        y: Axis::decades("response time", (low, high), units::duration),
        series,
    };
    page.push_str(&chart.svg());
    for (run, name) in runs.iter().zip(names) {
        percentile_table(page, run.result, name);
    }
    page.push_str("</section>\n");
}

/// The percentile at a distance of 1 / `distance` from all.
fn percent(distance: f64) -> f64 {
    ((100.0 - 100.0 / distance) * 1e9).round() / 1e9
}

#[expect(clippy::cast_precision_loss, reason = "a chart needs no more than three digits")]
fn nanoseconds(number: u64) -> f64 {
    number as f64
}

fn tail(histogram: &crate::model::performance::histogram::Histogram) -> Vec<(f64, f64)> {
    histogram
        .inner()
        .iter_quantiles(10)
        .filter(|step| step.quantile_iterated_to() < 1.0)
        .map(|step| {
            let distance = -(1.0 - step.quantile_iterated_to()).log10();
            (distance, nanoseconds(step.value_iterated_to().max(1)).log10())
        })
        .collect()
}

fn percentile_table(page: &mut String, result: &PerfResult, name: &str) {
    let summary = Summary::of(result);
    let rows: Vec<Vec<String>> = summary
        .percentiles
        .iter()
        .map(|found| {
            vec![
                units::percentile(found.percentile),
                shown(Some(found)),
                units::bounds(found.interval_ns),
                found.service_ns.map_or_else(|| "-".to_owned(), units::duration_ns),
                escaped(&found.reasons(summary.response.count).join("; ")),
            ]
        })
        .collect();
    let headings = ["percentile", "response time", "95 % interval", "service time", "limits"];
    table(page, &format!("Percentiles of {}", escaped(name)), &headings, &rows);
}

fn over_time(page: &mut String, runs: &[Run<'_>], names: &[String]) {
    if runs.iter().all(|run| run.result.intervals.len() < 2) {
        return;
    }
    let end = largest(runs, |interval| interval.start_seconds + interval.length_seconds);
    let seconds = || Axis::linear("seconds", end, |value| format!("{value}"));
    let series = |of: &dyn Fn(&Interval) -> Option<f64>| -> Vec<Series> {
        runs.iter().zip(names).map(|(run, name)| Series { name: name.clone(), points: line(run.result, of) }).collect()
    };
    page.push_str("<section>\n<h2>Over time</h2>\n");
    let rates = Chart {
        title: "Responses a second over time",
        x: seconds(),
        y: Axis::linear("responses a second", largest(runs, Interval::response_rate), units::rate),
        series: series(&|interval| Some(interval.response_rate())),
    };
    page.push_str(&rates.svg());
    let at = |percentile: f64| {
        move |interval: &Interval| {
            (!interval.response.is_empty()).then(|| nanoseconds(interval.response.unpack().percentile_ns(percentile)))
        }
    };
    let mut lines = series(&at(99.0));
    for line in &mut lines {
        line.name = format!("p99 {}", line.name);
    }
    if let [run] = runs {
        lines.push(Series { name: "p50".to_owned(), points: line(run.result, &at(50.0)) });
    }
    let times = Chart {
        title: "Response time over time",
        x: seconds(),
        y: Axis::linear("response time", largest(runs, |interval| at(99.0)(interval).unwrap_or(0.0)), units::duration),
        series: lines,
    };
    page.push_str(&times.svg());
    for (run, name) in runs.iter().zip(names) {
        interval_table(page, run.result, name);
    }
    page.push_str("</section>\n");
}

fn largest(runs: &[Run<'_>], of: impl Fn(&Interval) -> f64) -> f64 {
    runs.iter().flat_map(|run| &run.result.intervals).map(of).fold(0.0, f64::max)
}

fn line(result: &PerfResult, of: &dyn Fn(&Interval) -> Option<f64>) -> Vec<(f64, f64)> {
    result.intervals.iter().filter_map(|interval| Some((interval.start_seconds, of(interval)?))).collect()
}

fn interval_table(page: &mut String, result: &PerfResult, name: &str) {
    let rows: Vec<Vec<String>> = result
        .intervals
        .iter()
        .map(|interval| {
            let response = interval.response.unpack();
            let time = |percentile: f64| {
                let value = || units::duration_ns(response.percentile_ns(percentile));
                if response.is_empty() { "-".to_owned() } else { value() }
            };
            vec![
                format!("{:.1}s", interval.start_seconds),
                units::rate(interval.response_rate()),
                units::count(interval.failed),
                units::count(interval.dropped),
                time(50.0),
                time(99.0),
                time(100.0),
            ]
        })
        .collect();
    let _ = writeln!(page, "<details><summary>{} second by second</summary>", escaped(name));
    let headings = ["from", "responses /s", "failed", "dropped", "p50", "p99", "max"];
    table(page, &format!("{} second by second", escaped(name)), &headings, &rows);
    page.push_str("</details>\n");
}

fn details(page: &mut String, run: Run<'_>, name: &str, is_one_of_many: bool) {
    let heading = if is_one_of_many { escaped(name) } else { "Details".to_owned() };
    let _ = writeln!(page, "<section>\n<h2>{heading}</h2>");
    let result = run.result;
    if !run.verdicts.is_empty() {
        let rows: Vec<Vec<String>> = run.verdicts.iter().map(verdict).collect();
        table(page, "Thresholds", &["threshold", "verdict", "value", "because"], &rows);
    }
    if !result.warnings.is_empty() {
        page.push_str("<h3>Warnings</h3>\n<ul>\n");
        for warning in &result.warnings {
            let _ = writeln!(page, "<li>{}</li>", escaped(warning));
        }
        page.push_str("</ul>\n");
    }
    let summary = Summary::of(result);
    if summary.errors.is_empty() {
        page.push_str("<p>No request failed.</p>\n");
    } else {
        let row = |error: &crate::perf::summary::ErrorShare| {
            vec![error.cause.name().to_owned(), units::count(error.count), units::share(error.share)]
        };
        table(
            page,
            "Errors by cause",
            &["cause", "requests", "share"],
            &summary.errors.iter().map(row).collect::<Vec<_>>(),
        );
    }
    let statuses: Vec<Vec<String>> =
        result.statuses.iter().map(|(status, count)| vec![escaped(status), units::count(*count)]).collect();
    table(page, "Responses by status", &["status", "responses"], &statuses);
    facts(page, "Plan", &plan(&result.plan));
    facts(page, "Where and when", &place(result));
    page.push_str("</section>\n");
}

fn verdict(verdict: &Verdict) -> Vec<String> {
    let (class, sign) = match verdict.outcome {
        Outcome::Held => ("good", "&#10003;"),
        Outcome::Breached => ("bad", "&#10007;"),
        Outcome::Undecided => ("mark", "?"),
    };
    vec![
        escaped(&verdict.threshold),
        format!("<span class=\"{class}\">{sign} {}</span>", verdict.outcome.name()),
        verdict.shown(),
        escaped(verdict.because.as_deref().unwrap_or_default()),
    ]
}

fn facts(page: &mut String, caption: &str, facts: &[(&str, String)]) {
    let rows: Vec<Vec<String>> = facts
        .iter()
        .filter(|(_, value)| !value.trim().is_empty())
        .map(|(name, value)| vec![(*name).to_owned(), escaped(value)])
        .collect();
    table(page, caption, &["", ""], &rows);
}

fn plan(plan: &Plan) -> Vec<(&'static str, String)> {
    let targets: Vec<&str> = plan.targets.iter().map(|target| target.url.as_str()).collect();
    vec![
        ("targets", targets.join(", ")),
        ("protocol", plan.protocol.name().to_owned()),
        ("method", plan.request.method.clone()),
        ("load", serde_json::to_string(&plan.load).unwrap_or_default()),
        ("connections", plan.connections.to_string()),
        ("streams", plan.streams.to_string()),
        ("threads", plan.threads.to_string()),
        ("duration", plan.duration.map(duration::format).unwrap_or_default()),
        ("requests", plan.requests.map(|requests| requests.to_string()).unwrap_or_default()),
        ("warm-up", duration::format(plan.warm_up)),
        ("timeout", duration::format(plan.timeout)),
        ("seed", plan.seed.to_string()),
    ]
}

fn place(result: &PerfResult) -> Vec<(&'static str, String)> {
    let environment = &result.environment;
    let generator = &result.generator;
    let kubernetes = environment.kubernetes.as_ref();
    let mesh = environment.mesh.as_ref();
    vec![
        ("started", result.started_at.to_string()),
        ("length", units::duration(result.elapsed_seconds * 1e9)),
        ("generator", format!("{} {}", generator.name, generator.version)),
        ("looking for responses", generator.looking.map(units::share).unwrap_or_default()),
        ("steal", generator.steal.map(units::share).unwrap_or_default()),
        ("machine", format!("{} {} {} {}", environment.host, environment.os, environment.arch, environment.cpu_model)),
        ("processors", environment.cpus.to_string()),
        ("memory", format!("{} MiB", environment.memory_mib)),
        (
            "Kubernetes",
            kubernetes.map(|cluster| format!("{}, {} nodes", cluster.version, cluster.nodes.len())).unwrap_or_default(),
        ),
        (
            "mesh",
            mesh.map(|mesh| format!("{} {}", mesh.kind, mesh.version.as_deref().unwrap_or_default()))
                .unwrap_or_default(),
        ),
        ("sidecars", mesh.map(|mesh| mesh.sidecars.to_string()).unwrap_or_default()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::perf::sample;
    use crate::perf::threshold::Threshold;

    fn page(results: &[PerfResult], verdicts: &[Verdict]) -> String {
        write(&results.iter().map(|result| Run { result, verdicts }).collect::<Vec<_>>())
    }

    /// Every element that is opened is closed, in order.
    fn assert_balanced(page: &str) {
        let mut open = Vec::new();
        for tag in page.split('<').skip(1).map(|rest| rest.split('>').next().unwrap()) {
            let name = tag.split_whitespace().next().unwrap_or_default();
            if let Some(closed) = name.strip_prefix('/') {
                assert_eq!(open.pop(), Some(closed), "{tag}");
            } else if !tag.ends_with('/') && !matches!(name, "!DOCTYPE" | "meta") {
                open.push(name);
            }
        }
        assert!(open.is_empty(), "{open:?}");
    }

    #[test]
    fn a_report_is_whole_and_takes_nothing_from_elsewhere() {
        let result = sample::result(3_000);
        let verdicts = ["p50<1us", "p50<1s"].map(|text| Threshold::parse(text).unwrap().judge(&result));
        let page = page(&[result], &verdicts);
        assert_balanced(&page);
        assert_eq!(page.matches("<svg viewBox=\"0 0 760 300\" role=\"img\"").count(), 3);
        assert!(page.contains("<title>checkout &lt;&amp;&gt; &quot;quoted&quot;</title>"));
        assert!(page.contains("&#10007; breached") && page.contains("<th scope=\"row\">reset</th><td>30</td>"));
        for foreign in ["<script", "src=", "<link", "@import", "url(", "href="] {
            assert!(!page.contains(foreign), "{foreign}");
        }
        assert!(page.contains("prefers-color-scheme: dark"));
    }

    #[test]
    fn several_results_share_their_charts() {
        let page = page(&[sample::result(3_000), sample::scaled(3_000, 1.4, 2)], &[]);
        assert_balanced(&page);
        assert!(page.contains("<h1>2 results compared</h1>") && page.contains("#2"));
        let spectrum = page.split("</svg>").next().unwrap();
        assert_eq!(spectrum.matches("<polyline").count(), 2);
    }

    #[test]
    fn a_result_without_answers_has_a_report() {
        let mut result = sample::result(10);
        result.latency = crate::model::performance::result::Latency::default();
        result.intervals.clear();
        let page = page(&[result], &[]);
        assert_balanced(&page);
        assert!(page.contains("there are no durations"));
    }
}
