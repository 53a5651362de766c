//! A running measurement on the terminal: rate, percentiles, errors, what is left. Pure; nothing is drawn here.

use std::collections::VecDeque;
use std::time::Duration;

use super::super::show::sparkline;
use crate::ctl::ui::{Line, Tone};
use crate::model::event::Payload;
use crate::model::performance::duration;
use crate::model::performance::plan::Plan;
use crate::model::performance::summary::{Figures, Measured};
use crate::perf::stats::order;
use crate::perf::summary::share;
use crate::perf::units;
use crate::wire::rest::performance::run::WAITING;

/// Seconds whose rates are drawn.
const HISTORY: usize = 40;
/// Off a terminal a line is said when so much more was measured.
const LINE_EVERY_MS: u64 = 5_000;

/// The stage in which requests are sent.
pub(super) const MEASURING: &str = "measure";

/// A measurement so far.
pub(super) struct Live<'p> {
    plan: &'p Plan,
    stage: String,
    last: Option<Measured>,
    rates: VecDeque<f64>,
    said_ms: u64,
}

/// What a picture is made for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look {
    /// Whether symbols beyond ASCII may be shown.
    pub(super) unicode: bool,
    /// Number of the picture, which turns the wheel.
    pub(super) tick: usize,
}

impl<'p> Live<'p> {
    pub(super) fn new(plan: &'p Plan) -> Self {
        Self { plan, stage: "beginning".to_owned(), last: None, rates: VecDeque::new(), said_ms: 0 }
    }

    /// Takes what an event tells; the line that says it where nothing is animated.
    pub(super) fn take(&mut self, payload: &Payload) -> Option<String> {
        match payload {
            Payload::Stage { name, .. } => {
                self.stage.clone_from(name);
                Some(phase(name).to_owned())
            }
            // What is told after the measurement stands in the result, and is shown with it.
            Payload::Warning { message } if self.stage == MEASURING => Some(format!("warning: {message}")),
            Payload::Measured(measured) => self.measured(*measured),
            _ => None,
        }
    }

    fn measured(&mut self, measured: Measured) -> Option<String> {
        if self.rates.len() == HISTORY {
            self.rates.pop_front();
        }
        #[expect(clippy::cast_precision_loss, reason = "rates stay far below 2^53")]
        self.rates.push_back(measured.answered_per_second() as f64);
        self.last = Some(measured);
        if measured.elapsed_ms < self.said_ms + LINE_EVERY_MS {
            return None;
        }
        self.said_ms = measured.elapsed_ms - measured.elapsed_ms % LINE_EVERY_MS;
        let so_far = measured.so_far;
        Some(format!(
            "{}: {}/s, p50 {}, p99 {}, {} failed of {}",
            seconds(measured.elapsed_ms),
            units::count(measured.answered_per_second()),
            percentile(&so_far, 50.0),
            percentile(&so_far, 99.0),
            units::count(so_far.failed),
            units::count(so_far.sent),
        ))
    }

    /// The lines of a picture, when `now` has passed since the measurement was begun.
    pub(super) fn frame(&self, now: Duration, look: Look) -> Vec<Line> {
        let wheel: &[&str] = if look.unicode {
            &["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"]
        } else {
            &["-", "\\", "|", "/"]
        };
        let head = Line::new().add(Tone::Busy, wheel[look.tick % wheel.len()]).plain(format!(
            " {}: {}, {}",
            self.plan.name,
            phase(&self.stage),
            self.time(now)
        ));
        let Some(measured) = self.last else { return vec![head] };
        let (last, so_far) = (measured.last, measured.so_far);
        let asked = self.plan.load.rate(None).map(|rate| format!(" of {}/s", units::rate(rate))).unwrap_or_default();
        let [failed, dropped, sent] = [so_far.failed, so_far.dropped, so_far.sent].map(units::count);
        let failed = format!("{failed} failed, {dropped} dropped, {sent} sent");
        let rates: Vec<f64> = self.rates.iter().copied().collect();
        let tone = if so_far.failed > 0 { Tone::Bad } else { Tone::Faint };
        vec![
            head,
            Line::new()
                .plain(format!("  rate    {:>10}/s{asked}  ", units::count(measured.answered_per_second())))
                .add(Tone::Good, sparkline(&rates, look.unicode)),
            Line::new().plain(format!(
                "  p50     {:>12}   last second {}",
                percentile(&so_far, 50.0),
                percentile(&last, 50.0)
            )),
            Line::new().plain(format!(
                "  p99     {:>12}   last second {}",
                percentile(&so_far, 99.0),
                percentile(&last, 99.0)
            )),
            Line::new().plain("  requests ").add(tone, failed),
        ]
    }

    fn time(&self, now: Duration) -> String {
        let measured = self.last.map_or(Duration::ZERO, |last| Duration::from_millis(last.elapsed_ms));
        match self.plan.duration {
            Some(whole) if !measured.is_zero() => {
                let left = Duration::from_secs(whole.saturating_sub(measured).as_secs());
                format!("{} left", duration::format(left))
            }
            _ => duration::format(Duration::from_secs(now.as_secs())),
        }
    }
}

/// The median or the 99th percentile, behind `~` where so few responses, or so many requests without one, do not support it.
fn percentile(figures: &Figures, percentile: f64) -> String {
    let value = if percentile > 50.0 { figures.p99_ns } else { figures.p50_ns };
    let count = figures.responses + figures.dropped;
    let is_supported = order::is_supported(count, percentile);
    let is_reached = share(figures.dropped, count) <= 1.0 - percentile / 100.0;
    let mark = if is_supported && is_reached { "" } else { "~" };
    format!("{mark}{}", units::duration_ns(value))
}

/// A stage as people understand it; the plane's names are for programs.
fn phase(stage: &str) -> &str {
    match stage {
        WAITING => "waiting for another measurement of the plane to end",
        MEASURING => "measuring",
        "look at the far side" => "asking the cluster and Prometheus about the time of the run",
        "store" => "storing the result",
        other => other,
    }
}

fn seconds(milliseconds: u64) -> String {
    duration::format(Duration::from_secs(milliseconds / 1000))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::performance::plan::{Load, Overload, Pacing};

    fn plan() -> Plan {
        Plan {
            name: "shop".into(),
            load: Load::Open { pacing: Pacing::Constant { rate: 500.0 }, overload: Overload::Queue },
            ..Plan::default()
        }
    }

    fn measured(elapsed_ms: u64, succeeded: u64) -> Payload {
        let (sent, responses, p50_ns, p99_ns) = (succeeded, succeeded, 1_200_000, 9_000_000);
        let figures = Figures { sent, succeeded, responses, p50_ns, p99_ns, ..Figures::default() };
        Payload::Measured(Measured { elapsed_ms, length_ms: 1000, last: figures, so_far: figures })
    }

    #[test]
    fn lines_are_said_every_five_seconds_and_stages_once() {
        let plan = plan();
        let mut live = Live::new(&plan);
        assert_eq!(live.take(&Payload::Stage { name: "measure".into(), context: None }).as_deref(), Some("measuring"));
        let far = Payload::Stage { name: "look at the far side".into(), context: None };
        assert!(live.take(&far).is_some_and(|line| line.contains("Prometheus")));
        let said: Vec<String> = (1..=11).filter_map(|second| live.take(&measured(second * 1000, 4000))).collect();
        assert_eq!(said.len(), 2, "{said:?}");
        assert!(said[0].starts_with("5s: 4,000/s, p50 1.2") && said[1].starts_with("10s"), "{said:?}");
    }

    #[test]
    fn a_percentile_of_too_few_responses_is_marked() {
        let figures = |responses, dropped| Figures { responses, dropped, p99_ns: 9_000_000, ..Figures::default() };
        assert_eq!(percentile(&figures(20_000, 0), 99.0), "9ms");
        assert_eq!(percentile(&figures(4_000, 0), 99.0), "~9ms");
        assert_eq!(percentile(&figures(20_000, 1_000), 99.0), "~9ms", "it lies among those that were never sent");
    }

    #[test]
    fn a_picture_tells_rate_percentiles_and_what_is_left() {
        let plan = plan();
        let mut live = Live::new(&plan);
        for (second, answered) in [(1, 100), (2, 800)] {
            live.take(&measured(second * 1000, answered));
        }
        let frame = live.frame(Duration::from_secs(2), Look { unicode: true, tick: 0 });
        let text: Vec<String> = frame.iter().map(|line| line.text(100, true)).collect();
        assert!(text[0].contains("28s left"), "{text:?}");
        assert!(text[1].contains("800/s of 500/s") && text[1].ends_with("▂█"), "{text:?}");
        assert!(text[3].contains('9'), "{text:?}");
        let ascii = live.frame(Duration::from_secs(2), Look { unicode: false, tick: 1 });
        assert!(ascii[1].text(100, false).is_ascii());
    }
}
