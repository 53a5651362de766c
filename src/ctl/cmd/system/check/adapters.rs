//! The adapters that the plane knows.

use futures_util::future::join_all;

use super::Check;
use crate::client::Client;
use crate::ctl::Ctl;

/// Every adapter that the plane knows; nothing where it knows none.
pub(super) async fn known(client: &Client) -> Vec<Check> {
    match client.adapters().await {
        Ok(adapters) => of(client, adapters.into_iter().map(|adapter| adapter.location)).await,
        Err(error) => vec![Check::fail("adapters", &error)],
    }
}

/// The adapters that are named, or all that the plane knows.
pub(super) async fn named(ctx: &Ctl, names: &[String]) -> Vec<Check> {
    let client = match ctx.client().await {
        Ok(client) => client,
        Err(error) => return vec![Check::fail("plane", &error)],
    };
    if !names.is_empty() {
        return of(client, names.iter().cloned()).await;
    }
    let checks = known(client).await;
    if checks.is_empty() {
        let remedy = "Name adapters in the context with `mesheryctl system context create --adapters`, or add one with \
                      `mesheryctl adapter add`.";
        return vec![Check::warn("adapters", "the plane knows no adapter", remedy)];
    }
    checks
}

async fn of(client: &Client, names: impl Iterator<Item = String>) -> Vec<Check> {
    join_all(names.map(async |name| {
        let answer = client.ping_adapter(&name).await;
        let found = answer.map(|adapter| {
            format!("{} answers at {}, version {}", adapter.name, adapter.location, version(&adapter.version))
        });
        Check::of(format!("adapter/{name}"), found)
    }))
    .await
}

fn version(text: &str) -> &str {
    if text.is_empty() { "unknown" } else { text }
}
