//! Applies the sample pattern and looks what came of it.

use std::collections::BTreeMap;

use super::show::Facts;
use super::stage::Stage;
use super::{PATTERN, SAMPLE};
use crate::base::error::{Code, Error, Result};
use crate::client::Client;
use crate::ctl::cmd::pattern::{plan, protect, target};
use crate::ctl::cmd::sample;
use crate::ctl::{Ctl, follow};
use crate::model::operation::Operation;
use crate::pattern::graph::Graph;
use crate::pattern::identify::Kinds;
use crate::pattern::{Bundle, Document, bundle, compile};
use crate::wire::rest::{DeployRequest, StatusRequest};

/// The stored pattern before this run.
enum Stored {
    /// There is none.
    None,
    /// It is the sample.
    Sample,
    /// The user changed it.
    Changed(String),
}

/// Brings everything up, applies, and gathers the facts.
pub(super) async fn run(ctx: &Ctl, stage: &mut Stage<'_>, port: Option<u16>) -> Result<Facts> {
    let named = ctx.settings.kube_contexts();
    let running = stage.plane(port).await?;
    if !named.is_empty() {
        protect::ask(ctx, "Apply the quickstart pattern").await?;
    }
    let contexts = if named.is_empty() {
        stage.practice().await?;
        vec![sample::CONTEXT.to_owned()]
    } else {
        named.to_vec()
    };
    let client = ctx.client().await?;
    let stored = stored(client).await?;
    let document = document(&stored)?;
    let graph = Graph::of(&compile(&document, &Kinds::offline(), "default")?);
    let deploy = request(ctx, &stored, &contexts).await?;
    if ctx.ui.format().is_table() {
        ctx.ui.note(plan::shown(ctx, &plan::ask(ctx, vec![deploy.clone()], false).await?).trim_end())?;
    }
    let operation = apply(ctx, stage, &stored, deploy).await?;
    let request = StatusRequest {
        pattern: PATTERN.to_owned(),
        contexts: contexts.clone(),
        kubeconfig: ctx.settings.kubeconfig_list(),
    };
    let status = client.pattern_status(&request).await?;
    Ok(Facts::new(
        ctx,
        super::show::Place { endpoint: running.endpoint(), kube_contexts: contexts, started: stage.started.clone() },
        operation,
        (graph.with_status(&status.services), status.services),
    ))
}

async fn stored(client: &Client) -> Result<Stored> {
    match client.pattern(PATTERN).await {
        Ok(record) if record.pattern_file == SAMPLE => Ok(Stored::Sample),
        Ok(record) => Ok(Stored::Changed(record.pattern_file)),
        Err(error) if error.code() == Code::PatternNotFound => Ok(Stored::None),
        Err(error) => Err(error),
    }
}

fn document(stored: &Stored) -> Result<Document> {
    let text = match stored {
        Stored::Changed(text) => text,
        Stored::None | Stored::Sample => SAMPLE,
    };
    bundle::assemble(&Bundle::of_text(format!("{PATTERN}.yaml"), text))
}

async fn request(ctx: &Ctl, stored: &Stored, contexts: &[String]) -> Result<DeployRequest> {
    let applied = ctx.client().await?.applied().await?.applied;
    let is_new = |context: &String| !applied.iter().any(|set| set.pattern == PATTERN && set.context == *context);
    let common = DeployRequest {
        contexts: contexts.to_vec(),
        kubeconfig: ctx.settings.kubeconfig_list(),
        wait: true,
        // A first try that fails leaves nothing; a later one leaves what worked.
        atomic: contexts.iter().all(is_new),
        timeout_seconds: ctx.settings.timeout().map(|limit| limit.as_secs().max(1)),
        ..DeployRequest::default()
    };
    Ok(match stored {
        Stored::Changed(_) => {
            ctx.ui
                .note(&format!("The stored pattern `{PATTERN}` was changed since; it is applied as it is stored."))?;
            DeployRequest { pattern_id: Some(PATTERN.to_owned()), ..common }
        }
        Stored::None | Stored::Sample => DeployRequest {
            save: true,
            location: BTreeMap::from([("type".to_owned(), "builtin".to_owned())]),
            ..Bundle::of_text(format!("{PATTERN}.yaml"), SAMPLE).into_request(&common)
        },
    })
}

async fn apply(ctx: &Ctl, stage: &mut Stage<'_>, stored: &Stored, request: DeployRequest) -> Result<Operation> {
    let (client, contexts) = (ctx.client().await?, &request.contexts);
    stage.stored = matches!(stored, Stored::None);
    for context in contexts {
        if !stage.record.kube_contexts.contains(context) {
            stage.record.kube_contexts.push(context.clone());
        }
    }
    stage.record.stored |= stage.stored;
    stage.keep()?;
    let accepted = client.deploy(&request).await?;
    let (operation, stopped) = follow::follow(ctx, accepted.operation_id, target::limit(ctx, &request)).await?;
    for warning in &operation.warnings {
        ctx.ui.warn(warning)?;
    }
    match follow::failure(&operation, stopped.as_ref()) {
        None => Ok(operation),
        Some(error) => Err(told(error, contexts)),
    }
}

/// The error with the place it happened in, which the sample pattern's own lines do not tell.
fn told(error: Error, contexts: &[String]) -> Error {
    error.detail(format!("the pattern was to be applied to {}", contexts.join(", ")))
}
