//! Results: stored, found, brought in from files, and shown in the shape that clients of earlier eras know.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::base::{Code, Error, Result};
use crate::model::performance::result::{PerfResult, SCHEMA};
use crate::model::performance::summary::ResultState;
use crate::perf::format::fortio;
use crate::perf::partial;
use crate::server::Shared;
use crate::store::Store;
use crate::store::results::{Kept, Listed};
use crate::wire::rest::performance::{MesheryResult, StoredResult};

pub(super) async fn store(state: &Shared, result: &PerfResult, how_far: ResultState) -> Result<()> {
    keep(&state.store, result, how_far).await
}

pub(super) async fn keep(store: &Store, result: &PerfResult, state: ResultState) -> Result<()> {
    let runner_results = runner_results(result);
    store.results().save(Kept { result, state, runner_results: &runner_results }).await
}

/// What a measurement that was begun has stored of its intervals.
pub(super) async fn so_far(store: &Store, begun: &PerfResult) -> Result<PerfResult> {
    let intervals = store.results().intervals(begun.id).await?;
    let mut result = partial::assemble(begun.id, &begun.plan, begun.started_at, intervals);
    result.profile_id = begun.profile_id;
    Ok(result)
}

/// The result of that id; of a measurement that goes on, what it has stored.
///
/// # Errors
/// [`Code::PerfResultNotFound`].
pub async fn find(state: &Shared, id: &str) -> Result<StoredResult> {
    let found = state.store.results().get(known(id)?).await?;
    let (mut result, how_far) = found.ok_or_else(|| missing(id))?;
    if how_far == ResultState::Running {
        result = so_far(&state.store, &result).await?;
    }
    Ok(StoredResult { state: how_far, result })
}

/// The result of that id as lists have it.
///
/// # Errors
/// [`Code::PerfResultNotFound`].
pub async fn listed(state: &Shared, id: Uuid) -> Result<MesheryResult> {
    let found = state.store.results().listed(id).await?;
    Ok(shown(found.ok_or_else(|| missing(&id.to_string()))?))
}

/// Deletes a result; what it was.
///
/// # Errors
/// [`Code::PerfResultNotFound`]; [`Code::RequestInvalid`] while its measurement may still store it.
pub async fn delete(state: &Shared, id: &str) -> Result<MesheryResult> {
    let id = known(id)?;
    let was = listed(state, id).await?;
    ended(state, id).await?;
    state.store.results().delete(id).await?;
    Ok(was)
}

/// Refuses a result whose measurement has not ended: it is stored again when the cluster and Prometheus have answered.
/// What a process left behind that died is nobody's any more, whatever its state says.
async fn ended(state: &Shared, id: Uuid) -> Result<()> {
    let runs = match state.operations.get(id).await {
        Ok(operation) => !operation.status.is_final(),
        Err(error) if error.code() == Code::OperationNotFound => false,
        Err(error) => return Err(error),
    };
    if !runs {
        return Ok(());
    }
    Err(Error::new(Code::RequestInvalid, format!("result `{id}` is still being measured"))
        .remedy(format!("Stop it first with `mesheryctl operation cancel {id}`.")))
}

/// Keeps a result that somebody brings, under its own id; one of that id is replaced.
///
/// # Errors
/// [`Code::PerfResultInvalid`] when it is of another schema; [`Code::RequestInvalid`] when one of its id is being measured.
pub async fn import(state: &Shared, result: &PerfResult) -> Result<MesheryResult> {
    if result.schema != SCHEMA {
        return Err(Error::new(Code::PerfResultInvalid, format!("the result is of schema `{}`", result.schema))
            .because(format!("this server reads {SCHEMA}")));
    }
    ended(state, result.id).await?;
    store(state, result, ResultState::Complete).await?;
    listed(state, result.id).await
}

fn known(id: &str) -> Result<Uuid> {
    Uuid::parse_str(id).map_err(|_| missing(id))
}

fn missing(id: &str) -> Error {
    Error::new(Code::PerfResultNotFound, format!("there is no result `{id}`"))
}

/// A stored result as lists and streams have it.
pub fn shown(listed: Listed) -> MesheryResult {
    MesheryResult {
        meshery_id: listed.id,
        name: listed.name,
        mesh: listed.mesh.unwrap_or_default(),
        performance_profile: listed.profile_id,
        test_id: listed.id.to_string(),
        runner_results: listed.runner_results,
        server_metrics: listed.server_metrics,
        server_board_config: Value::Null,
        test_start_time: listed.started_at,
        created_at: listed.created_at,
        updated_at: listed.updated_at,
        state: listed.state,
        summary: listed.summary,
        camel: None,
    }
    .with_both()
}

/// The result in fortio's shape, with what Meshery adds to it. Times are in seconds, `ActualDuration` in nanoseconds.
fn runner_results(result: &PerfResult) -> Value {
    let mut shape = fortio::value(result);
    if let Some(mesh) = &result.environment.mesh {
        shape["detected-meshes"] = json!({ mesh.kind.clone(): mesh.version });
    }
    shape
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::Timestamp;
    use crate::model::performance::histogram::Histogram;
    use crate::model::performance::plan::{Plan, Target};
    use crate::model::performance::result::Interval;

    #[test]
    fn old_clients_read_seconds_and_every_request() {
        let mut response = Histogram::new();
        response.record_n(10_000_000, 3);
        let interval = Interval {
            start_seconds: 0.0,
            length_seconds: 2.0,
            sent: 4,
            succeeded: 3,
            failed: 1,
            dropped: 0,
            response: response.into(),
        };
        let plan = Plan { targets: vec![Target { url: "http://a/".into(), weight: 1 }], ..Plan::default() };
        let mut result = partial::assemble(Uuid::nil(), &plan, Timestamp::UNIX_EPOCH, vec![interval]);
        result.statuses.insert("200".into(), 3);
        let shape = runner_results(&result);
        assert_eq!(shape["ActualDuration"], 2_000_000_000_i64);
        assert_eq!((&shape["RetCodes"]["200"], &shape["RetCodes"]["-1"]), (&json!(3), &json!(1)));
        let percentiles = shape["DurationHistogram"]["Percentiles"].as_array().unwrap();
        let p99 = percentiles.iter().find(|one| one["Percentile"] == 99.0).unwrap();
        assert!((p99["Value"].as_f64().unwrap() - 0.01).abs() < 1e-5, "{p99}");
        assert_eq!((&shape["RequestedQPS"], &shape["load-generator"]), (&json!("max"), &json!("native")));
    }
}
