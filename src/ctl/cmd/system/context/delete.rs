//! `system context delete`.

use crate::base::{Code, Error, Result};
use crate::ctl::Ctl;
use crate::ctl::cmd::change::Change;
use crate::ctl::cmd::system::left;
use crate::ctl::complete;
use crate::ctl::config::{self, Config, Edit};
use crate::ctl::ui::Question;

/// Remove a context from config.yaml.
///
/// Deleting the current context needs a successor: --set, or an answer on a terminal. A context whose plane
/// runs on docker or kubernetes is not deleted: without it no command would find the plane.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl system context delete staging
  mesheryctl system context delete staging --set local")]
pub struct Args {
    /// Name of the context.
    #[arg(value_name = "NAME", add = complete::contexts())]
    name: String,
    /// The context that is current afterwards, when the current one is deleted.
    #[arg(short = 's', long, value_name = "NAME", add = complete::contexts())]
    set: Option<String>,
}

pub(crate) async fn run(ctx: &Ctl, args: &Args) -> Result<()> {
    let path = ctx.settings.config_path()?;
    // The question is asked before the file is locked, so that nobody waits for an answer.
    let now = config::Config::load(&path)?;
    let successor = successor(ctx, &now, args)?;
    left::refuse(ctx, now.find(&args.name)?).await?;
    config::update(&path, |config| {
        config.find(&args.name)?;
        refuse_last(config, &args.name)?;
        let mut edits = Vec::new();
        if let Some(next) = &successor {
            config.find(next)?;
            edits.push(Edit::SetCurrent(next.clone()));
        }
        edits.push(Edit::RemoveContext(args.name.clone()));
        Ok((edits, ()))
    })?;
    let change = Change::new("context", &args.name, "deleted");
    match successor {
        Some(next) => change.value(format!("the current context is {next} now")).print(ctx),
        None => change.print(ctx),
    }
}

fn successor(ctx: &Ctl, config: &Config, args: &Args) -> Result<Option<String>> {
    config.find(&args.name)?;
    refuse_last(config, &args.name)?;
    if let Some(next) = &args.set {
        config.find(next)?;
        if *next == args.name {
            return Err(Error::new(Code::UsageError, format!("--set {next} names the context that is deleted")));
        }
        return Ok(Some(next.clone()));
    }
    if config.current.as_deref() != Some(args.name.as_str()) {
        return Ok(None);
    }
    let others: Vec<String> =
        config.contexts.iter().map(|context| context.name.clone()).filter(|name| *name != args.name).collect();
    if let ([only], true) = (others.as_slice(), ctx.ui.says_yes()) {
        return Ok(Some(only.clone()));
    }
    let text = format!("`{}` is the current context; which one is current afterwards?", args.name);
    let chosen = ctx.ui.choose(Question { text: &text, flag: "--set NAME" }, &others)?;
    Ok(others.get(chosen).cloned())
}

fn refuse_last(config: &Config, name: &str) -> Result<()> {
    if config.contexts.len() > 1 {
        return Ok(());
    }
    Err(Error::new(Code::ContextLast, format!("`{name}` is the only context")))
}
