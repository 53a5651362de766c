//! `perf compare`.

use std::fmt::Write;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Serialize;

use super::results;
use super::undecided::OnUndecided;
use crate::base::error::Result;
use crate::ctl::Ctl;
use crate::ctl::ui::{Paint, Rendered, Tone, cut};
use crate::model::performance::result::PerfResult;
use crate::perf::compare::{self, Compared, Comparison, Difference, Gate, GateVerdict, Verdict};
use crate::perf::format::html;
use crate::perf::threshold::Outcome;
use crate::perf::units;

/// Compare results with a baseline.
///
/// Every figure comes with the 95 % interval of its difference. Where both runs have at least 20 seconds, it is found by
/// block bootstrap over the seconds, which keeps slow requests that come together, and by order statistics, which know how
/// little a few slow requests say: the wider ends count. Shorter runs have order statistics alone, and rates the law of
/// their counts. A figure is better or worse when the whole interval is; everything else is undecided. Too few responses
/// leave an interval open at one end only: what the other end decides is decided.
///
/// With --fail-on, the exit code is 99 when the whole interval of a difference is beyond the limit. A limit that cannot be
/// decided is told and passes: that two runs do not differ for sure is what is hoped for. Under --undecided fail the exit
/// code is 1 then.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl perf compare before.json after.json
  mesheryctl perf compare baseline.json today.json --fail-on 'p99>+5%' --fail-on 'rps<-2%'
  mesheryctl perf compare baseline.json 01890a5d
  mesheryctl perf compare none.json istio.json linkerd.json --html meshes.html")]
pub struct Args {
    /// Results, the baseline first: files in any format that `perf convert` reads, or ids of `perf result list`.
    #[arg(value_name = "RESULT", required = true, num_args = 2.., value_hint = clap::ValueHint::FilePath)]
    results: Vec<String>,
    /// Difference that fails, such as 'p99>+5%', 'mean>+2ms' or 'rps<-2%'; repeatable.
    #[arg(long, value_name = "LIMIT")]
    fail_on: Vec<String>,
    /// What a limit does that cannot be decided.
    #[arg(long, value_name = "WHAT", value_enum, default_value_t = OnUndecided::Pass, requires = "fail_on")]
    undecided: OnUndecided,
    /// Write a page with charts of all results to a file.
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    html: Option<PathBuf>,
    /// Seed of the bootstrap: the same seed gives the same intervals.
    #[arg(long, value_name = "NUMBER", default_value_t = 1, hide_short_help = true)]
    seed: u64,
}

/// A comparison, and what came of the limits on it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct View {
    /// The comparison.
    #[serde(flatten)]
    pub comparison: Comparison,
    /// One for each limit and result.
    pub gates: Vec<GateVerdict>,
}

pub(crate) async fn run(ctx: &Ctl, args: &Args) -> Result<()> {
    let gates = args.fail_on.iter().map(|text| Gate::parse(text)).collect::<Result<Vec<_>>>()?;
    if let Some(path) = &args.html {
        results::check("--html", path)?;
    }
    let read = results::read_all(ctx, &args.results).await?;
    let named: Vec<(&str, &PerfResult)> = args.results.iter().map(String::as_str).zip(&read).collect();
    let comparison = compare::compare(&named, args.seed)?;
    let judged: Vec<GateVerdict> = gates.iter().flat_map(|gate| gate.judge(&comparison)).collect();
    if let Some(path) = &args.html {
        let runs: Vec<html::Run<'_>> =
            read.iter().map(|result| html::Run { result, verdicts: &result.verdicts }).collect();
        results::write(ctx, html::write(&runs).as_bytes(), Some(path))?;
    }
    let view = View { comparison, gates: judged };
    let text = text(ctx, &view);
    let names = args.results.iter().skip(1).cloned();
    ctx.ui.print(&Rendered::one(&view, text)?.names(names))?;
    args.undecided.tell(ctx, view.gates.iter().map(|gate| (gate.outcome, gate)))?;
    compare::conclude(&view.gates, args.undecided.into())
}

/// How lines are made.
struct Look {
    paint: Paint,
    unicode: bool,
}

fn text(ctx: &Ctl, view: &View) -> String {
    let look = Look { paint: ctx.ui.paint(), unicode: ctx.ui.is_unicode() };
    let mut text = format!("{}  {}\n", look.paint.apply(Tone::Heading, "baseline"), view.comparison.base.name);
    if view.comparison.others.len() > 1 {
        look.side_by_side(&mut text, &view.comparison);
    }
    for other in &view.comparison.others {
        look.compared(&mut text, other);
    }
    for gate in &view.gates {
        let tone = match gate.outcome {
            Outcome::Held => Tone::Good,
            Outcome::Breached => Tone::Bad,
            Outcome::Undecided => Tone::Warning,
        };
        let _ = writeln!(text, "{} {gate}", look.paint.apply(tone, tone.sign(look.unicode)));
    }
    text.push('\n');
    for note in &view.comparison.notes {
        let _ = writeln!(text, "{} {note}", look.paint.apply(Tone::Faint, Tone::Faint.sign(look.unicode)));
    }
    text
}

/// Results that stand side by side in 80 columns.
const SIDE_BY_SIDE: usize = 6;

impl Look {
    /// The figures of all results, by letter; those that find no place have their own table below.
    fn side_by_side(&self, text: &mut String, comparison: &Comparison) {
        let others: Vec<&Compared> = comparison.others.iter().take(SIDE_BY_SIDE - 1).collect();
        let letters = (0..=others.len()).zip('A'..);
        let heading = letters.fold(String::new(), |row, (_, letter)| format!("{row}{letter:>11}"));
        let _ = writeln!(text, "\n{}", self.paint.apply(Tone::Heading, &format!("{:<8}{heading}", "")));
        for (at, figure) in comparison.base.figures.iter().enumerate() {
            let values = std::iter::once(figure.value).chain(others.iter().map(|other| other.figures[at].value));
            let shown = values.map(|value| value.map_or_else(|| "n/a".to_owned(), |value| figure.metric.text(value)));
            let cells = shown.fold(String::new(), |row, value| format!("{row}{value:>11}"));
            let _ = writeln!(text, "{:<8}{cells}", figure.metric.name());
        }
        let names = std::iter::once(&comparison.base.name).chain(others.iter().map(|other| &other.name));
        for (name, letter) in names.zip('A'..) {
            let _ = writeln!(text, "{letter}  {name}");
        }
    }

    fn compared(&self, text: &mut String, other: &Compared) {
        let title = format!(
            "\n{:<8}{:>11}{:>11}{:>11}{:>8}   {:<21}VERDICT",
            "", "BASELINE", "HERE", "DIFFERENCE", "", "95% INTERVAL"
        );
        let _ = writeln!(text, "\n{}  {}", self.paint.apply(Tone::Heading, "against "), other.name);
        text.push_str(&self.paint.apply(Tone::Heading, title.trim_start_matches('\n')));
        text.push('\n');
        for figure in &other.figures {
            let _ = writeln!(text, "{}", self.figure(figure));
        }
        for figure in other.figures.iter().filter(|figure| figure.verdict == Verdict::Undecided) {
            if let Some(because) = &figure.because {
                let _ = writeln!(text, "  {because}");
            }
        }
        let _ = writeln!(text, "intervals by {}: {}", other.method.name(), other.because);
    }

    fn figure(&self, figure: &Difference) -> String {
        let metric = figure.metric;
        let shown = |value: Option<f64>| value.map_or_else(|| "n/a".to_owned(), |value| metric.text(value));
        let signed = |value: f64| metric.signed(value);
        let interval = figure.interval.map_or_else(|| "n/a".to_owned(), |span| span.text(metric));
        let tone = match figure.verdict {
            Verdict::Better => Tone::Good,
            Verdict::Worse => Tone::Bad,
            Verdict::Undecided => Tone::Faint,
        };
        format!(
            "{:<8}{:>11}{:>11}{:>11}{:>8}   {:<21}{}",
            metric.name(),
            shown(figure.base),
            shown(figure.value),
            figure.difference.map_or_else(|| "n/a".to_owned(), signed),
            units::change(figure.ratio),
            cut(&interval, 20, self.unicode),
            self.paint.apply(tone, figure.verdict.name()),
        )
    }
}
