//! Consent before a change in a protected Kubernetes context.

use crate::base::error::Result;
use crate::base::text;
use crate::ctl::Ctl;
use crate::ctl::ui::Question;

/// Asks once for all protected contexts that the command would change. The plane is asked for the current context only
/// when the command names none.
pub(in crate::ctl::cmd) async fn ask(ctx: &Ctl, verb: &str) -> Result<()> {
    let protected = ctx.settings.protected_contexts();
    if protected.is_empty() || ctx.ui.says_yes() {
        return Ok(());
    }
    let meant = match ctx.settings.kube_contexts() {
        [] => current(ctx).await?,
        [all] if all == "all" => ctx.client().await?.kube_contexts().await?.into_iter().map(|one| one.name).collect(),
        named => named.to_vec(),
    };
    let is_protected = |name: &&String| protected.iter().any(|wanted| text::wildcard(wanted, name));
    let names: Vec<String> = meant.iter().filter(is_protected).map(|name| format!("`{name}`")).collect();
    if names.is_empty() {
        return Ok(());
    }
    let what = if names.len() == 1 { "Context" } else { "Contexts" };
    let is = if names.len() == 1 { "is" } else { "are" };
    let text = format!("{what} {} {is} protected. {verb} there?", names.join(", "));
    ctx.ui.confirm(Question { text: &text, flag: "--yes" })
}

async fn current(ctx: &Ctl) -> Result<Vec<String>> {
    let client = ctx.client().await?;
    let preferred = client.preferences().await?.selected_contexts;
    if !preferred.is_empty() {
        return Ok(preferred);
    }
    let contexts = client.kube_contexts().await?;
    Ok(contexts.into_iter().filter(|context| context.current).map(|context| context.name).collect())
}
