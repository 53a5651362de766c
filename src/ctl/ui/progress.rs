//! Progress on stderr: animated on a terminal, each step once elsewhere, nothing with --quiet.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::color::Tone;
use super::{Remark, Ui, Volume};

/// Steps of one piece of work; each takes its animation with it.
pub struct Progress<'u> {
    ui: &'u Ui,
    mode: Mode,
    last: Mutex<HashMap<String, String>>,
}

enum Mode {
    Silent,
    Lines,
    Animated(MultiProgress),
}

/// One step in progress.
pub struct Step<'p> {
    progress: &'p Progress<'p>,
    name: String,
    bar: Option<ProgressBar>,
}

impl Ui {
    /// Begins to show progress.
    pub fn progress(&self) -> Progress<'_> {
        let mode = match self.options.volume {
            Volume::Quiet => Mode::Silent,
            Volume::Normal if self.is_animated() => {
                Mode::Animated(MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(10)))
            }
            Volume::Normal | Volume::Verbose => Mode::Lines,
        };
        Progress { ui: self, mode, last: Mutex::new(HashMap::new()) }
    }
}

impl<'u> Progress<'u> {
    /// Begins a step, such as `server`; call [`Step::state`] as it moves and [`Step::end`] once.
    pub fn step<'p>(&'p self, name: impl Into<String>) -> Step<'p>
    where
        'u: 'p,
    {
        let name = name.into();
        let bar = match &self.mode {
            Mode::Animated(all) => {
                let bar = self.spinner(all);
                bar.set_prefix(name.clone());
                Some(bar)
            }
            Mode::Silent | Mode::Lines => None,
        };
        Step { progress: self, name, bar }
    }

    fn spinner(&self, all: &MultiProgress) -> ProgressBar {
        let bar = all.add(ProgressBar::new_spinner());
        let frames = if self.ui.terminal.unicode { "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ " } else { "-\\|/ " };
        let style = ProgressStyle::with_template("{spinner} {prefix}: {wide_msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()).tick_chars(frames));
        bar.enable_steady_tick(Duration::from_millis(100));
        bar
    }

    /// Prints a line above the animation.
    pub fn line(&self, line: &str) {
        match &self.mode {
            Mode::Silent => {}
            Mode::Lines => {
                let _ = self.ui.remark(Remark::Note(line.to_owned()));
            }
            Mode::Animated(all) => {
                let _ = all.println(line);
            }
        }
    }

    /// Says a step's state where it differs from what was said last.
    fn say(&self, name: &str, state: &str) {
        let Ok(mut last) = self.last.lock() else { return };
        if last.get(name).is_some_and(|said| said == state) {
            return;
        }
        last.insert(name.to_owned(), state.to_owned());
        drop(last);
        self.line(&format!("{name}: {state}"));
    }
}

impl Step<'_> {
    /// What the step does or waits for; the same state twice is said once.
    pub fn state(&self, state: impl Into<String>) {
        let state = state.into();
        match &self.bar {
            Some(bar) => bar.set_message(state),
            None => self.progress.say(&self.name, &state),
        }
    }

    /// Ends the step with its outcome.
    pub fn end(self, tone: Tone, state: impl Into<String>) {
        let state = state.into();
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        let ui = self.progress.ui;
        let line = format!("{} {}: {state}", ui.err.apply(tone, ui.sign(tone)), self.name);
        self.progress.line(&line);
    }
}

impl Drop for Step<'_> {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
