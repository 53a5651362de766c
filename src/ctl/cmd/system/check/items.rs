//! The single checks.

use std::time::Duration;

use futures_util::future::join_all;

use super::Check;
use crate::base::{Code, Error, Result, dirs, text};
use crate::client::Client;
use crate::ctl::Ctl;
use crate::ctl::cmd::system::plane::{self, State};
use crate::ctl::config::Config;
use crate::model::version::Version;

/// Limit for one cluster: a dead one must not hold up the others.
const CLUSTER_LIMIT: Duration = Duration::from_secs(10);

/// Every check, in order; later ones are made also when earlier ones failed.
pub(super) async fn all(ctx: &Ctl, preflight: bool) -> Vec<Check> {
    let mut checks = vec![Check::of("home", home(ctx)), Check::of("config", config(ctx)), server(ctx).await];
    match ctx.client().await {
        Ok(client) => {
            if !preflight {
                checks.push(version(client).await);
            }
            checks.push(Check::of("database", database(client).await));
            checks.extend(clusters(client, preflight).await);
        }
        Err(error) => checks.push(Check::fail("plane", &error)),
    }
    checks
}

/// Files can be created in the home.
fn home(ctx: &Ctl) -> Result<String> {
    let home = ctx.settings.home()?;
    let trial = home.join(".check");
    dirs::write_atomic(&trial, b"", 0o600)?;
    // What is left of it is an empty file that the next check replaces.
    let _ = std::fs::remove_file(&trial);
    Ok(format!("{} can be written", home.display()))
}

fn config(ctx: &Ctl) -> Result<String> {
    let path = ctx.settings.config_path()?;
    let config = Config::load(&path)?;
    if !path.exists() {
        return Ok(format!("{} does not exist; defaults hold", path.display()));
    }
    if let Some(current) = &config.current {
        config.find(current)?;
    }
    Ok(format!("{} has {}", path.display(), text::count(config.contexts.len(), "context")))
}

/// The server runs, or the port it would take is free.
async fn server(ctx: &Ctl) -> Check {
    let plane = match plane::local(ctx, None) {
        Ok(plane) => plane,
        Err(error) if error.code() == Code::PlatformUnsupported => return elsewhere(ctx).await,
        Err(error) => return Check::fail("server", &error),
    };
    let status = match plane::look(&plane).await {
        Ok(status) => status,
        Err(error) => return Check::fail("server", &error),
    };
    let endpoint = &status.endpoint;
    match status.state {
        State::Running => Check::pass("server", format!("it runs at {endpoint}")),
        State::Starting | State::Draining => Check::pass("server", format!("it is starting or stopping at {endpoint}")),
        State::Stopped => Check::pass("server", format!("none runs; the port of {endpoint} is free")),
        State::Silent => Check::fail(
            "server",
            &Error::new(Code::ServerStart, format!("its process is there but does not answer at {endpoint}"))
                .remedy("Start it anew with `mesheryctl system restart --force`."),
        ),
        State::Foreign => {
            let error = Error::new(Code::ServerNotMeshery, format!("something else answers at {endpoint}"));
            Check::fail("server", &status.note.iter().fold(error, Error::because))
        }
    }
}

async fn elsewhere(ctx: &Ctl) -> Check {
    let answer = async { ctx.client().await?.version().await };
    Check::of("server", answer.await.map(|version| format!("it answers with version {}", version.build)))
}

async fn version(client: &Client) -> Check {
    let own = Version::current().build;
    if client.name() == "in-process" {
        return Check::pass("version", format!("client is {own}; no server runs to compare it with"));
    }
    match client.version().await {
        Ok(version) if version.build == own => Check::pass("version", format!("client and server are {own}")),
        Ok(version) => Check::warn(
            "version",
            format!("client {own} and server {} differ", version.build),
            "Restart the plane with `mesheryctl system restart`, or update mesheryctl.",
        ),
        Err(error) => Check::fail("version", &error),
    }
}

async fn database(client: &Client) -> Result<String> {
    let report = client.database().await?;
    if report.faults.is_empty() {
        return Ok(format!("{} is sound", report.path));
    }
    Err(Error::new(Code::StoreFailed, format!("{} is damaged", report.path))
        .because(report.faults.join("; "))
        .remedy("Stop the plane and put a copy of the file in its place."))
}

/// The kubeconfig can be read, and each context's cluster answers.
async fn clusters(client: &Client, preflight: bool) -> Vec<Check> {
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
        checks.extend(join_all(contexts.iter().map(|context| cluster(client, &context.name))).await);
    }
    checks
}

async fn cluster(client: &Client, context: &str) -> Check {
    let id = format!("cluster/{context}");
    let answer = tokio::time::timeout(CLUSTER_LIMIT, client.ping_cluster(context)).await;
    let answer = answer.unwrap_or_else(|_| {
        let limit = CLUSTER_LIMIT.as_secs();
        Err(Error::new(Code::ClusterUnreachable, format!("`{context}` did not answer within {limit} s")))
    });
    Check::of(&id, answer.map(|version| format!("it answers with version {version}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_check_names_place_cause_and_remedy() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.yaml");
        std::fs::write(&path, "contexts: [").unwrap();
        let error = Config::load(&path).unwrap_err();
        let check = Check::of("config", Err(error));
        assert_eq!(check.result, super::super::Verdict::Fail);
        assert!(check.message.contains("config.yaml:"), "{}", check.message);
        assert!(check.remedy.is_some());
    }
}
