//! The only door for output and questions: data on stdout, everything else on stderr.

pub mod color;
mod error;
pub mod format;
mod jsonpath;
mod output;
mod progress;
mod prompt;
mod region;
mod table;

use std::io::{self, IsTerminal, Write};
use std::sync::Mutex;

use crate::base::{Code, Error, Result, env};

pub use color::{ColorChoice, Paint, Tone};
pub use error::ErrorObject;
pub use format::{Format, FormatParser, Picture};
pub use output::{Column, Rendered, no_picture};
pub use progress::{Progress, Step};
pub use prompt::Question;
pub use region::{Line, Region, cut};

/// How to speak, as flags, variables and files say.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Form of the data.
    pub format: Format,
    /// Colour.
    pub color: ColorChoice,
    /// How much talk goes to stderr.
    pub volume: Volume,
    /// How questions are answered.
    pub answers: Answers,
}

/// How much talk goes to stderr.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Volume {
    /// Errors and warnings only.
    Quiet,
    /// Notes and progress too.
    #[default]
    Normal,
    /// Like normal, with the log; progress is not animated.
    Verbose,
}

/// How questions are answered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Answers {
    /// By the user, where a terminal is there.
    #[default]
    Ask,
    /// Yes to all.
    Yes,
    /// Never asked.
    Never,
}

/// Output and questions of one run.
#[derive(Debug)]
pub struct Ui {
    options: Options,
    terminal: Terminal,
    out: Paint,
    err: Paint,
    held: Mutex<Option<Vec<Remark>>>,
}

/// What is told beside the data.
#[derive(Debug)]
enum Remark {
    /// Worth knowing, or progress.
    Note(String),
    /// Odd.
    Warning(String),
}

/// What the streams are.
#[derive(Debug, Clone, Copy)]
#[allow(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
struct Terminal {
    input: bool,
    output: bool,
    errors: bool,
    unicode: bool,
    width: Option<u16>,
}

impl Terminal {
    fn look() -> Self {
        Self {
            input: io::stdin().is_terminal(),
            output: io::stdout().is_terminal(),
            errors: io::stderr().is_terminal(),
            unicode: color::locale_is_unicode(),
            width: table::terminal_width(),
        }
    }
}

impl Ui {
    /// For the streams of this process.
    pub fn new(options: Options) -> Self {
        let terminal = Terminal::look();
        let (out, err) = (options.color.paint(terminal.output), options.color.paint(terminal.errors));
        Self { options, terminal, out, err, held: Mutex::new(None) }
    }

    /// Holds back what is told beside the data until it is known how the command ends: where errors are JSON and a
    /// program reads stderr, a failure has to be the only thing there.
    pub fn hold(&self) {
        if self.options.format.has_json_errors()
            && !self.terminal.errors
            && let Ok(mut held) = self.held.lock()
        {
            *held = Some(Vec::new());
        }
    }

    /// Tells what was held back: all of it after success; after a failure the warnings only, as JSON objects.
    pub fn let_go(&self, is_success: bool) {
        let held = self.held.lock().ok().and_then(|mut held| held.take());
        for remark in held.into_iter().flatten() {
            // Nobody is left to tell when stderr itself fails.
            let _ = match remark {
                Remark::Note(note) if is_success => self.talk(&note),
                Remark::Note(_) => Ok(()),
                Remark::Warning(warning) if is_success => self.talk(&self.marked(&warning)),
                Remark::Warning(warning) => self.talk(&serde_json::json!({ "warning": warning }).to_string()),
            };
        }
    }

    fn marked(&self, warning: &str) -> String {
        format!("{} {warning}", self.err.apply(Tone::Warning, "warning:"))
    }

    fn remark(&self, remark: Remark) -> Result<()> {
        if let Ok(mut held) = self.held.lock()
            && let Some(held) = held.as_mut()
        {
            held.push(remark);
            return Ok(());
        }
        match remark {
            Remark::Note(note) => self.talk(&note),
            Remark::Warning(warning) => self.talk(&self.marked(&warning)),
        }
    }

    /// The chosen form of the data.
    pub fn format(&self) -> &Format {
        &self.options.format
    }

    /// Whether --quiet was given.
    pub fn is_quiet(&self) -> bool {
        self.options.volume == Volume::Quiet
    }

    /// Prints a value in the chosen form, as [`Ui::document`] does.
    pub fn print(&self, rendered: &Rendered) -> Result<()> {
        let text = rendered.text(&self.options.format, self.look())?;
        self.document(text.as_bytes())?;
        match rendered.empty_note() {
            Some(note) if self.options.format.is_table() => self.note(note),
            _ => Ok(()),
        }
    }

    /// A value in the chosen form as text, for a verb that writes it elsewhere.
    pub fn written(&self, rendered: &Rendered, format: &Format) -> Result<String> {
        rendered.text(format, self.look())
    }

    /// Prints a document on stdout. A reader that goes away before its end has enough of it: the command goes on, and ends
    /// with the exit code that its work deserves. What is printed without an end goes through [`Ui::bytes`].
    pub fn document(&self, bytes: &[u8]) -> Result<()> {
        unless_closed(self.bytes(bytes))
    }

    /// Prints bytes on stdout; a terminal would be driven by them, so that callers look with [`Ui::has_terminal`] first.
    pub fn bytes(&self, bytes: &[u8]) -> Result<()> {
        let mut out = io::stdout().lock();
        out.write_all(bytes).and_then(|()| out.flush()).map_err(|error| output_error(&error))
    }

    /// Whether stdout is a terminal.
    pub fn has_terminal(&self) -> bool {
        self.terminal.output
    }

    /// Whether symbols beyond ASCII may be shown.
    pub fn is_unicode(&self) -> bool {
        self.terminal.unicode
    }

    /// Columns of the terminal that data goes to; none where they go elsewhere, and lines are as long as they are.
    pub fn width(&self) -> Option<usize> {
        self.terminal.width.map(usize::from)
    }

    fn look(&self) -> table::Look {
        table::Look { paint: self.out, width: self.terminal.width, unicode: self.terminal.unicode }
    }

    /// Prints text on stdout as it is.
    pub fn text(&self, text: &str) -> Result<()> {
        self.bytes(text.as_bytes())
    }

    /// Prints one line on stdout.
    pub fn line(&self, line: &str) -> Result<()> {
        self.text(&format!("{line}\n"))
    }

    /// Tells something worth knowing on stderr; silent with --quiet.
    pub fn note(&self, note: &str) -> Result<()> {
        if self.options.volume == Volume::Quiet {
            return Ok(());
        }
        self.remark(Remark::Note(note.to_owned()))
    }

    /// Tells on stderr that something is odd though the work goes on.
    pub fn warn(&self, warning: &str) -> Result<()> {
        self.remark(Remark::Warning(warning.to_owned()))
    }

    /// Says on stderr what the user has to know to go on, also with --quiet.
    pub fn warn_line(&self, line: &str) -> Result<()> {
        self.talk(line)
    }

    /// Shows an error on stderr: prose, or a JSON object under `-o json` and `-o jsonl`.
    pub fn error(&self, error: &Error) {
        let text = error::text(error, &self.options.format, self.err);
        // Nobody is left to tell when stderr itself fails.
        let _ = self.talk(&text);
    }

    /// Whether stderr is a terminal that can be animated, and nobody reads along.
    pub fn is_animated(&self) -> bool {
        self.terminal.errors && !color::terminal_is_dumb() && !in_ci()
    }

    /// Whether a person reads along who can be told what no command asked for.
    pub fn takes_notices(&self) -> bool {
        self.terminal.errors && !in_ci() && !self.is_quiet() && self.options.format.is_table()
    }

    /// Colour rules of stdout, for verbs that lay out their own text.
    pub fn paint(&self) -> Paint {
        self.out
    }

    /// Colour rules of stderr.
    pub fn paint_errors(&self) -> Paint {
        self.err
    }

    /// A sign in front of a line: a tick, a cross and the like, in ASCII where the locale has no Unicode.
    pub fn sign(&self, tone: Tone) -> &'static str {
        tone.sign(self.terminal.unicode)
    }

    /// Shows text of several lines on stderr, such as the short help of a group.
    pub(super) fn warn_block(&self, text: &str) -> Result<()> {
        self.talk(text.trim_end())
    }

    /// That nobody listens is no reason to stop working.
    #[allow(clippy::unused_self, reason = "output goes through a `Ui` only")]
    fn talk(&self, line: &str) -> Result<()> {
        let mut err = io::stderr().lock();
        unless_closed(writeln!(err, "{line}").map_err(|error| output_error(&error)))
    }
}

/// What came of writing, for a command that goes on without its reader.
fn unless_closed(written: Result<()>) -> Result<()> {
    match written {
        Err(error) if error.code() == Code::OutputClosed => Ok(()),
        written => written,
    }
}

/// A closed pipe is no failure: the reader has what it wanted. `run` ends quietly on this code.
fn output_error(error: &io::Error) -> Error {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return Error::new(Code::OutputClosed, "the reader of the output went away");
    }
    Error::new(Code::OutputFailed, "the output cannot be written").because(error)
}

/// Whether animation and notices are out of place, because a CI system reads along.
fn in_ci() -> bool {
    env::is_set(env::CI)
}
