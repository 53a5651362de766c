//! `explain`: the offline page of an error code.

use schemars::JsonSchema;
use serde::Serialize;

use crate::base::error::Kind;
use crate::base::{Code, Error, Result, exit, text};
use crate::ctl::ui::{Column, Rendered};
use crate::ctl::{Ctl, complete};

/// Read what an error code means: why it happens and what to do. Without a code, list all of them.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:\n  mesheryctl explain\n  mesheryctl explain context-not-found")]
pub struct Args {
    /// The code, as the `see:` line of an error names it.
    #[arg(value_name = "CODE", add = complete::codes())]
    pub code: Option<String>,
}

/// A code's page.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Page {
    /// The code.
    pub code: String,
    /// Sort of failure.
    pub kind: Kind,
    /// Exit code of the process.
    pub exit_code: u8,
    /// One line: what happened.
    pub title: String,
    /// Why it happens.
    pub explanation: String,
    /// The next step.
    pub remedy: String,
}

impl From<Code> for Page {
    fn from(code: Code) -> Self {
        Self {
            code: code.name().to_owned(),
            kind: code.kind(),
            exit_code: exit::code(code.kind()),
            title: code.title().to_owned(),
            explanation: code.explanation().to_owned(),
            remedy: code.remedy().to_owned(),
        }
    }
}

pub(crate) fn run(ctx: &Ctl, args: &Args) -> Result<()> {
    let Some(name) = &args.code else { return list(ctx) };
    let code = Code::from_name(name).ok_or_else(|| unknown(name))?;
    let page = Page::from(code);
    let text = format!(
        "{} (exit code {})\n{}.\n\n{}\n\nfix: {}",
        page.code, page.exit_code, page.title, page.explanation, page.remedy
    );
    ctx.ui.print(&Rendered::one(&page, text)?.names([page.code.clone()]))
}

fn list(ctx: &Ctl) -> Result<()> {
    let mut pages: Vec<Page> = Code::ALL.iter().copied().map(Page::from).collect();
    pages.sort_by(|left, right| left.code.cmp(&right.code));
    let columns = [
        Column::new("CODE", |page: &Page| page.code.clone()),
        Column::new("EXIT", |page: &Page| page.exit_code.to_string()),
        Column::new("TITLE", |page: &Page| page.title.clone()),
        Column::wide("REMEDY", |page: &Page| page.remedy.clone()),
    ];
    ctx.ui.print(&Rendered::list("codes", &pages, &columns)?.names(pages.iter().map(|page| page.code.clone())))
}

fn unknown(name: &str) -> Error {
    let error = Error::new(Code::ExplainUnknown, format!("`{name}` is not an error code"));
    match text::did_you_mean(name, Code::ALL.iter().map(|code| code.name())) {
        Some(near) => error.detail(near),
        None => error,
    }
}
