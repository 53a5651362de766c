//! `quickstart --cleanup`: deletes the pattern and stops what quickstart started.

use std::path::Path;

use schemars::JsonSchema;
use serde::Serialize;

use super::PATTERN;
use super::record::{Process, Record};
use crate::base::error::{Code, Result};
use crate::base::text;
use crate::client::process::{self, Role};
use crate::ctl::cmd::pattern::target;
use crate::ctl::cmd::{sample, system};
use crate::ctl::ui::{Format, Rendered};
use crate::ctl::{Ctl, follow};
use crate::model::pattern::ObjectResult;
use crate::wire::rest::DeployRequest;

/// What --cleanup did.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct Cleaned {
    /// What happened to each object.
    pub objects: Vec<ObjectResult>,
    /// Whether the stored pattern was dropped.
    pub forgotten: bool,
    /// What was stopped: `server`, `practice cluster`.
    pub stopped: Vec<&'static str>,
    /// What quickstart started and keeps running, because other patterns are in its practice cluster.
    pub running: Vec<&'static str>,
    /// Those patterns.
    pub other_patterns: Vec<String>,
}

pub(super) async fn run(ctx: &Ctl) -> Result<()> {
    let home = ctx.settings.home()?;
    let mut record = Record::read(&home)?;
    let mut cleaned = Cleaned::default();
    delete(ctx, &home, &mut record, &mut cleaned).await?;
    let guests = guests(ctx, &record, &home).await?;
    if !guests.is_empty() {
        cleaned.other_patterns = guests;
        cleaned.running.push(Role::Sample.title());
        if ours(record.server.as_ref(), Role::Server, &home)? {
            cleaned.running.push(Role::Server.title());
        }
        // The record keeps both processes, so that a later cleanup ends them once the other patterns are gone.
        record.write(&home)?;
        return print(ctx, &cleaned);
    }
    if ours(record.practice.as_ref(), Role::Sample, &home)? {
        sample::stop::down(&home).await?;
        cleaned.stopped.push(Role::Sample.title());
    }
    record.practice = None;
    if ours(record.server.as_ref(), Role::Server, &home)? {
        system::stop::down_role(Role::Server, &home).await?;
        cleaned.stopped.push(Role::Server.title());
    }
    Record::default().write(&home)?;
    print(ctx, &cleaned)
}

/// Other patterns in the practice cluster that quickstart started; stopping it would take them away.
async fn guests(ctx: &Ctl, record: &Record, home: &Path) -> Result<Vec<String>> {
    if !ours(record.practice.as_ref(), Role::Sample, home)? {
        return Ok(Vec::new());
    }
    let applied = ctx.client().await?.applied().await?.applied;
    let others = applied.into_iter().filter(|set| set.context == sample::CONTEXT && set.pattern != PATTERN);
    Ok(others.filter(|set| !set.items.is_empty()).map(|set| set.pattern).collect())
}

/// Deletes what the pattern applied, context by context; the record forgets each that is done.
async fn delete(ctx: &Ctl, home: &Path, record: &mut Record, cleaned: &mut Cleaned) -> Result<()> {
    while let Some(context) = record.kube_contexts.first().cloned() {
        // A practice cluster that is gone took its objects with it.
        let gone = context == sample::CONTEXT && process::find(Role::Sample, home)?.is_none();
        if !gone {
            undeploy(ctx, &context, cleaned).await?;
        }
        record.kube_contexts.retain(|known| *known != context);
        record.write(home)?;
    }
    if record.stored {
        let client = ctx.client().await?;
        match client.pattern(PATTERN).await {
            Ok(stored) => {
                client.delete_pattern(stored.id).await?;
                cleaned.forgotten = true;
            }
            Err(error) if error.code() == Code::PatternNotFound => {}
            Err(error) => return Err(error),
        }
        record.stored = false;
        record.write(home)?;
    }
    Ok(())
}

async fn undeploy(ctx: &Ctl, context: &str, cleaned: &mut Cleaned) -> Result<()> {
    let request = DeployRequest {
        pattern_id: Some(PATTERN.to_owned()),
        contexts: vec![context.to_owned()],
        kubeconfig: ctx.settings.kubeconfig_list(),
        timeout_seconds: ctx.settings.timeout().map(|limit| limit.as_secs().max(1)),
        ..DeployRequest::default()
    };
    let client = ctx.client().await?;
    let accepted = match client.undeploy(&request).await {
        Ok(accepted) => accepted,
        // It was deleted by hand.
        Err(error) if matches!(error.code(), Code::PatternNotFound | Code::PatternNotApplied) => return Ok(()),
        Err(error) => return Err(error),
    };
    let (operation, stopped) = follow::follow(ctx, accepted.operation_id, target::limit(ctx, &request)).await?;
    for warning in &operation.warnings {
        ctx.ui.warn(warning)?;
    }
    match follow::failure(&operation, stopped.as_ref()) {
        Some(error) if error.code() != Code::PatternNotApplied => {
            Err(error.detail(format!("{context} still has the pattern; run `mesheryctl quickstart --cleanup` again")))
        }
        _ => {
            cleaned.objects.extend(operation.results);
            Ok(())
        }
    }
}

/// Whether the process that runs is the one quickstart started.
fn ours(started: Option<&Process>, role: Role, home: &Path) -> Result<bool> {
    let Some(started) = started else { return Ok(false) };
    Ok(process::find(role, home)?.is_some_and(|running| started.is(&running)))
}

fn print(ctx: &Ctl, cleaned: &Cleaned) -> Result<()> {
    if *ctx.ui.format() == Format::Jsonl {
        return Ok(());
    }
    let names = cleaned.objects.iter().map(|result| crate::ctl::cmd::pattern::objects::name(&result.object));
    let text = prose(cleaned);
    ctx.ui.print(&Rendered::one(cleaned, text)?.records(&cleaned.objects)?.names(names))
}

fn prose(cleaned: &Cleaned) -> String {
    let mut done = Vec::new();
    if !cleaned.objects.is_empty() {
        done.push(format!("Deleted {} of pattern `{PATTERN}`.", text::count(cleaned.objects.len(), "object")));
    }
    if cleaned.forgotten {
        done.push(format!("Dropped the stored pattern `{PATTERN}`."));
    }
    if !cleaned.stopped.is_empty() {
        done.push(format!("Stopped the {}.", cleaned.stopped.join(" and the ")));
    }
    if !cleaned.running.is_empty() {
        let keeps = if cleaned.running.len() == 1 { "keeps" } else { "keep" };
        done.push(format!(
            "The {} {keeps} running, because the practice cluster has other patterns: {}.\nDelete them with \
             `mesheryctl pattern delete {} --kube-context {}` and run `mesheryctl quickstart --cleanup` again, or end \
             the cluster with all that is in it: `mesheryctl sample stop`.",
            cleaned.running.join(" and the "),
            cleaned.other_patterns.join(", "),
            cleaned.other_patterns.join(" "),
            sample::CONTEXT
        ));
    }
    if done.is_empty() { "Nothing of quickstart is left here.".to_owned() } else { done.join("\n") }
}
