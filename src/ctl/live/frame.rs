//! Rows as lines for a terminal of some size: all of them where they fit, else the active ones and a count.

use std::time::Duration;

use unicode_width::UnicodeWidthStr;

use super::{Live, Phase, Row, age};
use crate::ctl::ui::{Line, Tone};

/// Widest column of services; longer names are cut.
const NAME: usize = 32;
/// Widest column of states.
const STATE: usize = 28;

/// What the lines are laid out for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Look {
    /// Lines of the terminal.
    pub(crate) height: usize,
    /// Whether symbols beyond ASCII may be shown.
    pub(crate) unicode: bool,
    /// Number of the picture, which turns the wheel.
    pub(crate) tick: usize,
}

impl Live {
    /// The lines that show everything `now`.
    pub(crate) fn frame(&self, now: Duration, look: Look) -> Vec<Line> {
        // One line for the whole, and the line below on which the cursor rests.
        let room = look.height.saturating_sub(2).max(1);
        let shown = self.window(room);
        let mut lines: Vec<Line> = Vec::with_capacity(shown.len() + 2);
        let widths = Widths::of(&shown, self.contexts.len() > 1);
        lines.extend(shown.iter().map(|row| line(row, &widths, now, look)));
        if shown.len() < self.rows.len() && room > 1 {
            lines.push(self.rest(&shown, look));
        }
        lines.push(self.whole(now, look));
        lines
    }

    /// The rows that fit, in the order in which they began; the most urgent when not all do.
    fn window(&self, room: usize) -> Vec<&Row> {
        if self.rows.len() <= room {
            return self.rows.iter().collect();
        }
        let mut ranked: Vec<(usize, &Row)> = self.rows.iter().enumerate().collect();
        ranked.sort_by_key(|(at, row)| {
            let phase = row.phase();
            let newest_first = std::cmp::Reverse(row.settled.unwrap_or_default());
            (!phase.is_active(), phase, newest_first, *at)
        });
        // One line is for the count of the others.
        ranked.truncate(room.saturating_sub(1));
        ranked.sort_by_key(|(at, _)| *at);
        ranked.into_iter().map(|(_, row)| row).collect()
    }

    /// How many rows are not shown, and how they are.
    fn rest(&self, shown: &[&Row], look: Look) -> Line {
        let hidden = self.rows.iter().filter(|row| !shown.iter().any(|seen| std::ptr::eq(*seen, *row)));
        let mut counts: Vec<(String, usize)> = Vec::new();
        for row in hidden {
            let word = row.state();
            match counts.iter_mut().find(|(known, _)| *known == word) {
                Some((_, count)) => *count += 1,
                None => counts.push((word, 1)),
            }
        }
        let counts: Vec<String> = counts.iter().map(|(word, count)| format!("{count} {word}")).collect();
        let hidden = self.rows.len() - shown.len();
        Line::new().add(Tone::Faint, format!("{} {hidden} more: {}", more(look.unicode), counts.join(", ")))
    }

    /// The operation as a whole.
    fn whole(&self, now: Duration, look: Look) -> Line {
        let frames = if look.unicode { WHEEL } else { ASCII_WHEEL };
        let mut facts = vec![self.stage.clone().unwrap_or_else(|| "beginning".to_owned())];
        if !self.contexts.is_empty() {
            facts[0] = format!("{} on {}", facts[0], self.contexts.join(", "));
        }
        if self.total > 0 {
            facts.push(format!("{} of {}", self.done.min(self.total), self.total));
        }
        for (phase, word) in [(Phase::Waiting, "waiting"), (Phase::Blocked, "blocked"), (Phase::Failed, "failed")] {
            let count = self.rows.iter().filter(|row| row.phase() == phase).count();
            if count > 0 {
                facts.push(format!("{count} {word}"));
            }
        }
        facts.push(age(now));
        let between = if look.unicode { " · " } else { " - " };
        Line::new().add(Tone::Busy, frames[look.tick % frames.len()]).plain(format!(" {}", facts.join(between)))
    }
}

const WHEEL: &[&str] = &["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const ASCII_WHEEL: &[&str] = &["-", "\\", "|", "/"];

fn more(unicode: bool) -> &'static str {
    if unicode { "…" } else { "..." }
}

/// Widths of the columns.
struct Widths {
    context: usize,
    service: usize,
    state: usize,
}

impl Widths {
    fn of(rows: &[&Row], several: bool) -> Self {
        let widest = |cell: &dyn Fn(&Row) -> usize, limit: usize| {
            rows.iter().map(|row| cell(row)).max().unwrap_or_default().min(limit)
        };
        Self {
            context: if several { widest(&|row| row.context.width(), NAME) } else { 0 },
            service: widest(&|row| row.service.width(), NAME),
            state: widest(&|row| row.state().width(), STATE),
        }
    }
}

fn line(row: &Row, widths: &Widths, now: Duration, look: Look) -> Line {
    let tone = match row.phase() {
        Phase::Done => Tone::Good,
        Phase::Working | Phase::Waiting => Tone::Busy,
        Phase::Blocked | Phase::Left => Tone::Warning,
        Phase::Failed => Tone::Bad,
    };
    let mut line = Line::new().add(tone, tone.sign(look.unicode)).plain(" ");
    if widths.context > 0 {
        line = line.plain(cell(&row.context, widths.context, look.unicode));
    }
    line = line.plain(cell(&row.service, widths.service, look.unicode));
    line = line.add(tone, cell(&row.state(), widths.state, look.unicode));
    line = line.plain(format!("{:>4}", age(row.age(now))));
    match row.blocker() {
        Some(blocker) => line.plain(format!("  {blocker}")),
        None => line,
    }
}

/// Text in a column of that width, with the gap behind it.
fn cell(text: &str, width: usize, unicode: bool) -> String {
    let text = crate::ctl::ui::cut(text, width, unicode);
    let gap = width.saturating_sub(text.width()) + 2;
    format!("{text}{}", " ".repeat(gap))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{event, health, object, progress, seconds};
    use super::*;
    use crate::model::event::Payload;
    use crate::model::pattern::{Action, Health};

    fn shown(live: &Live, now: u64, height: usize) -> Vec<String> {
        let look = Look { height, unicode: false, tick: 0 };
        live.frame(seconds(now), look).iter().map(|line| line.text(200, false)).collect()
    }

    #[test]
    fn a_row_has_its_state_its_age_and_what_blocks_it() {
        let mut live = Live::default();
        live.take(&event(Payload::Started { objects: 3 }), seconds(0));
        live.take(&event(Payload::Stage { name: "apply".into(), context: Some("kind".into()) }), seconds(0));
        live.take(&event(object("kind", "db", Action::Created)), seconds(1));
        live.take(&event(progress("web", "applying")), seconds(2));
        live.take(&event(object("kind", "cart", Action::Created)), seconds(2));
        live.take(&event(health("cart", Health::InProgress, "0 of 1 replicas available")), seconds(3));
        assert_eq!(
            shown(&live, 9, 24),
            [
                "+ db    created        0s",
                "... web   applying       7s",
                "... cart  in-progress    7s  0 of 1 replicas available",
                "- applying on kind - 2 of 3 - 1 waiting - 9s",
            ]
        );
    }

    #[test]
    fn more_rows_than_lines_are_a_window_of_the_active_ones_and_a_count() {
        let mut live = Live::default();
        live.take(&event(Payload::Started { objects: 100 }), seconds(0));
        for number in 0..100 {
            let name = format!("s{number:02}");
            live.take(&event(progress(&name, "applying")), seconds(1));
            if number % 10 != 7 {
                live.take(&event(object("kind", &name, Action::Created)), seconds(2));
            }
        }
        live.take(&event(object("kind", "s27", Action::Failed)), seconds(3));
        let lines = shown(&live, 4, 14);
        assert_eq!(lines.len(), 13, "{lines:#?}");
        assert!(lines[11].starts_with("... 89 more: 89 created"), "{lines:#?}");
        for wanted in ["s07", "s27", "s97"] {
            assert!(lines.iter().any(|line| line.contains(wanted)), "{wanted}: {lines:#?}");
        }
        for height in 0..5 {
            assert!(shown(&live, 4, height).len() < height.max(2) + 1, "{height}");
        }
    }

    #[test]
    fn lines_are_cut_to_the_width() {
        let mut live = Live::default();
        live.take(&event(health("web", Health::InProgress, "日本".repeat(60).as_str())), seconds(3));
        let look = Look { height: 24, unicode: true, tick: 0 };
        for line in live.frame(seconds(4), look) {
            assert!(line.text(40, true).width() <= 40, "{line:?}");
        }
    }
}
