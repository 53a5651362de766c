//! Questions: asked only when stdin and stdout are terminals and --no-input is not given.

use dialoguer::theme::SimpleTheme;
use dialoguer::{Confirm, Select};

use super::{Answers, Ui};
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
        let answer = Confirm::with_theme(&SimpleTheme)
            .with_prompt(question.text)
            .default(false)
            .interact_opt()
            .map_err(|error| asked(&error))?;
        match answer {
            Some(true) => Ok(()),
            Some(false) | None => Err(Error::new(Code::Declined, "the question was answered with no")),
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
    if error.kind() == std::io::ErrorKind::Interrupted {
        return Error::new(Code::Interrupted, "stopped at a question; nothing was changed");
    }
    Error::new(Code::InputNeeded, "the answer cannot be read").because(error)
}
