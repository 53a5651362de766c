//! `pattern status --watch`: looks again and again, shows what changed, and ends when everything is ready.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{all_ready, ask};
use crate::base::clock::{self, Timestamp};
use crate::base::error::{Code, Error, Result};
use crate::ctl::Ctl;
use crate::ctl::cmd::pattern::graph::tone;
use crate::ctl::ui::{Line, Region, cut};
use crate::model::pattern::{ServiceHealth, ServiceStatus};
use crate::wire::rest::PatternStatus;

/// Time between two looks.
const PAUSE: Duration = Duration::from_secs(1);

/// Watches until every service is ready; the last state, and why it ended before that, when it did.
///
/// # Errors
/// What keeps the state from being read at all.
pub(super) async fn until_ready(ctx: &Ctl, names: &[String]) -> Result<(Vec<PatternStatus>, Option<Error>)> {
    let _guard = ctx.cancel.guard();
    let cancel = ctx.cancel.token();
    let deadline = ctx.settings.timeout().map(|limit| Instant::now() + limit);
    let mut shown = Shown { region: ctx.ui.region(false), told: HashMap::new() };
    loop {
        let patterns = tokio::select! {
            patterns = ask(ctx, names) => patterns?,
            () = cancel.cancelled() => return Err(ctx.cancel.error("stopped before the state was read")),
        };
        shown.show(&patterns, ctx.now());
        if all_ready(&patterns) {
            return Ok((patterns, None));
        }
        let open = patterns.iter().flat_map(|status| &status.services).filter(|row| row.health != ServiceHealth::Ready);
        let message = format!("{} not ready", crate::base::text::count(open.count(), "service"));
        if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return Ok((patterns, Some(Error::new(Code::WaitTimeout, message))));
        }
        tokio::select! {
            () = sleep(PAUSE) => {}
            () = cancel.cancelled() => return Ok((patterns, Some(ctx.cancel.error(message)))),
        }
    }
}

struct Shown<'c> {
    region: Region<'c>,
    told: HashMap<(String, String, String), (ServiceHealth, String)>,
}

impl Shown<'_> {
    /// On a terminal all services, elsewhere those that changed.
    fn show(&mut self, patterns: &[PatternStatus], now: Timestamp) {
        if self.region.is_animated() {
            let lines = lines(patterns, now, self.region.height(), self.region.is_unicode());
            return self.region.draw(&lines);
        }
        for (pattern, row) in rows(patterns) {
            let key = (pattern.to_owned(), row.context.clone(), row.service.clone());
            let state = (row.health, row.message.clone());
            if self.told.get(&key) != Some(&state) {
                self.region.line(&format!(
                    "{}/{} on {}: {}, {}",
                    pattern,
                    row.service,
                    row.context,
                    row.health.word(),
                    row.message
                ));
                self.told.insert(key, state);
            }
        }
    }
}

fn rows(patterns: &[PatternStatus]) -> impl Iterator<Item = (&str, &ServiceStatus)> {
    patterns.iter().flat_map(|status| status.services.iter().map(|row| (status.pattern.as_str(), row)))
}

/// A line a service; when they do not fit, those that are not ready go first, and the rest is counted.
fn lines(patterns: &[PatternStatus], now: Timestamp, height: usize, unicode: bool) -> Vec<Line> {
    let mut rows: Vec<&ServiceStatus> = rows(patterns).map(|(_, row)| row).collect();
    let (all, ready) = (rows.len(), rows.iter().filter(|row| row.health == ServiceHealth::Ready).count());
    let room = height.saturating_sub(2).max(1);
    if rows.len() > room {
        rows.sort_by_key(|row| row.health == ServiceHealth::Ready);
        rows.truncate(room);
    }
    let widest = rows.iter().map(|row| row.service.chars().count()).max().unwrap_or_default().min(32);
    let mut lines: Vec<Line> = rows
        .iter()
        .map(|row| {
            let tone = tone(row.health);
            let age = row.created_at.map(|at| clock::age(at, now)).unwrap_or_default();
            let name = cut(&row.service, widest, unicode);
            Line::new()
                .add(tone, tone.sign(unicode))
                .plain(format!(" {name:widest$}  "))
                .add(tone, format!("{:11}", row.health.word()))
                .plain(format!("  {}/{}  {age:>4}  {}", row.ready, row.total, row.message))
        })
        .collect();
    let hidden = all - rows.len();
    let more = if hidden > 0 { format!(", {hidden} not shown") } else { String::new() };
    lines.push(Line::new().plain(format!("{ready} of {all} services ready{more}; Ctrl-C ends the watch")));
    lines
}
