//! The kubeconfig, and each context's cluster.

use std::time::Duration;

use futures_util::future::join_all;

use super::Check;
use crate::base::{Code, Error, text};
use crate::client::Client;
use crate::wire::rest::session::KubePing;

/// Limit for one cluster: a dead one must not hold up the others.
const CLUSTER_LIMIT: Duration = Duration::from_secs(10);
/// Seconds that a cluster's clock may differ from the plane's before tokens and certificates are at risk.
const SKEW: i64 = 60;

/// The kubeconfig can be read, and each context's cluster answers.
pub(super) async fn all(client: &Client, preflight: bool) -> Vec<Check> {
    let contexts = match client.kube_contexts().await {
        Ok(contexts) => contexts,
        Err(error) => return vec![Check::fail("kubeconfig", &error)],
    };
    if contexts.is_empty() {
        return vec![Check::warn(
            "kubeconfig",
            "it names no context",
            "Point KUBECONFIG at one, or try the practice cluster: `mesheryctl sample start`.",
        )];
    }
    let mut checks = vec![Check::pass("kubeconfig", text::count(contexts.len(), "context"))];
    if !preflight {
        let asked = join_all(contexts.iter().map(|context| cluster(client, &context.name))).await;
        checks.extend(asked.into_iter().flatten());
    }
    checks
}

async fn cluster(client: &Client, context: &str) -> Vec<Check> {
    let id = format!("cluster/{context}");
    let answer = tokio::time::timeout(CLUSTER_LIMIT, client.ping_cluster(context)).await;
    let answer = answer.unwrap_or_else(|_| {
        let limit = CLUSTER_LIMIT.as_secs();
        Err(Error::new(Code::ClusterUnreachable, format!("`{context}` did not answer within {limit} s")))
    });
    match answer {
        Err(error) => vec![Check::fail(id, &error)],
        Ok(ping) => vec![clock(id, &ping), rights(context, &ping)],
    }
}

fn clock(id: String, ping: &KubePing) -> Check {
    let found = format!("it answers with version {}", ping.server_version);
    match ping.clock_ahead_seconds {
        Some(ahead) if ahead.abs() > SKEW => Check::warn(
            id,
            format!("{found}; its clock differs by {ahead} s from the plane's"),
            "Set both clocks by NTP: tokens and certificates are refused when clocks differ.",
        ),
        _ => Check::pass(id, found),
    }
}

/// What patterns usually need there, asked by SelfSubjectAccessReview.
fn rights(context: &str, ping: &KubePing) -> Check {
    let id = format!("rbac/{context}");
    if ping.lacking.is_empty() {
        return Check::pass(id, "patterns of the usual kinds may be applied");
    }
    Check::warn(
        id,
        format!("this user may not {}", ping.lacking.join("; ")),
        "Ask whoever administers the cluster for a role with these verbs; patterns that do not need them work all the same.",
    )
}
