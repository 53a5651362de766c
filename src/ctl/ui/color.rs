//! Colour rules: `--color`, NO_COLOR, CLICOLOR_FORCE, TERM=dumb, and each stream judged apart.

use std::borrow::Cow;

use clap::ValueEnum;
use clap::builder::styling::{AnsiColor, Style};
use serde::Serialize;

use crate::base::env;

/// When to use colour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ColorChoice {
    /// On terminals.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl ColorChoice {
    /// The rules for one stream.
    pub fn paint(self, terminal: bool) -> Paint {
        Paint(match self {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => wanted(terminal),
        })
    }

    /// The word of the flag.
    pub fn word(self) -> &'static str {
        match self {
            ColorChoice::Auto => "auto",
            ColorChoice::Always => "always",
            ColorChoice::Never => "never",
        }
    }
}

fn wanted(terminal: bool) -> bool {
    if env::is_set(env::NO_COLOR) {
        return false;
    }
    if env::get(env::CLICOLOR_FORCE).is_some_and(|value| value != "0") {
        return true;
    }
    terminal && !terminal_is_dumb()
}

/// Whether the terminal can neither colour nor animate.
pub(super) fn terminal_is_dumb() -> bool {
    env::get(env::TERM).is_some_and(|term| term == "dumb")
}

/// Whether symbols beyond ASCII may be shown: the locale names UTF-8, or no locale is set at all.
pub(super) fn locale_is_unicode() -> bool {
    match [env::LC_ALL, env::LC_CTYPE, env::LANG].into_iter().find_map(env::get) {
        Some(locale) => {
            let locale = locale.to_lowercase();
            locale.contains("utf-8") || locale.contains("utf8")
        }
        None => true,
    }
}

/// What a piece of text says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Done, ready.
    Good,
    /// Odd.
    Warning,
    /// Failed.
    Bad,
    /// On its way.
    Busy,
    /// A heading.
    Heading,
    /// Of less weight.
    Faint,
}

impl Tone {
    fn style(self) -> Style {
        let color = |color: AnsiColor| color.on_default();
        match self {
            Tone::Good => color(AnsiColor::Green),
            Tone::Warning => color(AnsiColor::Yellow).bold(),
            Tone::Bad => color(AnsiColor::Red).bold(),
            Tone::Busy => color(AnsiColor::Cyan),
            Tone::Heading => Style::new().bold(),
            Tone::Faint => Style::new().dimmed(),
        }
    }

    /// The sign in front of a line, in ASCII where `unicode` is not.
    pub fn sign(self, unicode: bool) -> &'static str {
        match (self, unicode) {
            (Tone::Good, true) => "✓",
            (Tone::Good, false) => "+",
            (Tone::Warning, _) => "!",
            (Tone::Bad, true) => "✗",
            (Tone::Bad, false) => "x",
            (Tone::Busy, true) => "…",
            (Tone::Busy, false) => "...",
            (Tone::Heading, _) => "#",
            (Tone::Faint, true) => "·",
            (Tone::Faint, false) => "-",
        }
    }
}

/// Whether one stream is coloured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Paint(bool);

impl Paint {
    /// Whether colour is on.
    pub fn is_on(self) -> bool {
        self.0
    }

    /// The text in its tone's style, or as it is.
    pub fn apply(self, tone: Tone, text: &str) -> Cow<'_, str> {
        if !self.0 {
            return Cow::Borrowed(text);
        }
        let style = tone.style();
        Cow::Owned(format!("{style}{text}{style:#}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_is_added_only_when_it_is_on() {
        assert_eq!(ColorChoice::Never.paint(true).apply(Tone::Bad, "x"), "x");
        assert_eq!(ColorChoice::Always.paint(false).apply(Tone::Good, "x"), "\u{1b}[32mx\u{1b}[0m");
    }
}
