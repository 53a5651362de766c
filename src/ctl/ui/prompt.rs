//! Questions: asked only when stdin and stdout are terminals and --no-input is not given.

use std::io::{self, Write};

use dialoguer::Select;
use dialoguer::theme::SimpleTheme;

use super::{Answers, Ui, output_error};
use crate::base::{Code, Error, Result};

/// A question and the flag that answers it.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The question, with its question mark.
    pub text: &'a str,
    /// The flag that answers it in scripts, such as `--yes`.
    pub flag: &'a str,
}

impl Ui {
    /// Whether a question can be asked.
    pub fn can_ask(&self) -> bool {
        self.options.answers == Answers::Ask && self.terminal.input && self.terminal.output
    }

    /// Whether `--yes` was given.
    pub fn says_yes(&self) -> bool {
        self.options.answers == Answers::Yes
    }

    /// Asks for consent. `--yes` gives it; a no is an error, so that nothing goes on.
    pub fn confirm(&self, question: Question<'_>) -> Result<()> {
        if self.says_yes() {
            return Ok(());
        }
        self.must_ask(question)?;
        loop {
            prompt(&format!("{} [y/N] ", question.text))?;
            let Some(line) = self.typed()? else { return Err(declined()) };
            match line.trim().to_lowercase().as_str() {
                "y" | "yes" => return Ok(()),
                "" | "n" | "no" => return Err(declined()),
                other => self.talk(&format!("`{}` is neither yes nor no.", other.escape_debug()))?,
            }
        }
    }

    /// One whole line of the terminal, which edits, echoes and wraps it; `None` at the end of the input.
    fn typed(&self) -> Result<Option<String>> {
        let mut line = String::new();
        match line_is_there().and_then(|()| io::stdin().read_line(&mut line)) {
            Ok(0) => {
                self.talk("")?;
                Ok(None)
            }
            Ok(_) => Ok(Some(line)),
            Err(error) => {
                // What is told next does not belong behind the question.
                self.talk("")?;
                Err(unread(&error))
            }
        }
    }

    /// Lets the user choose one of the items; its index.
    pub fn choose(&self, question: Question<'_>, items: &[String]) -> Result<usize> {
        self.must_ask(question)?;
        Select::with_theme(&SimpleTheme)
            .with_prompt(question.text)
            .items(items)
            .default(0)
            .interact_opt()
            .map_err(|error| asked(&error))?
            .ok_or_else(|| Error::new(Code::Declined, "nothing was chosen"))
    }

    fn must_ask(&self, question: Question<'_>) -> Result<()> {
        if self.can_ask() {
            return Ok(());
        }
        let reason = if self.options.answers == Answers::Ask {
            "standard input and output are not both a terminal"
        } else {
            "--no-input or --yes forbids to ask"
        };
        Err(Error::new(Code::InputNeeded, format!("an answer is needed: {}", question.text))
            .because(reason)
            .remedy(format!("Answer with {}.", question.flag)))
    }
}

fn asked(error: &dialoguer::Error) -> Error {
    let dialoguer::Error::IO(error) = error;
    unread(error)
}

/// Shows a question, with the cursor behind it.
fn prompt(text: &str) -> Result<()> {
    let mut err = io::stderr().lock();
    err.write_all(text.as_bytes()).and_then(|()| err.flush()).map_err(|error| output_error(&error))
}

fn declined() -> Error {
    Error::new(Code::Declined, "the question was answered with no")
}

/// Waits for a line, and fails with `Interrupted` at a signal; reading alone would go on after it.
#[cfg(unix)]
fn line_is_there() -> io::Result<()> {
    use rustix::event::{PollFd, PollFlags, poll};
    let stdin = io::stdin();
    poll(&mut [PollFd::new(&stdin, PollFlags::IN)], None)?;
    Ok(())
}

#[cfg(not(unix))]
fn line_is_there() -> io::Result<()> {
    Ok(())
}

fn unread(error: &io::Error) -> Error {
    if error.kind() == io::ErrorKind::Interrupted {
        return Error::new(Code::Interrupted, "stopped at a question; nothing was changed");
    }
    Error::new(Code::InputNeeded, "the answer cannot be read").because(error)
}
