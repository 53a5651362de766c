//! Results of measurements whose process is gone: kept as far as their intervals were stored, and marked.

use crate::base::Result;
use crate::model::performance::summary::ResultState;
use crate::store::Store;

use super::results;

/// What a cut result says of itself.
const CUT: &str =
    "the process that measured ended before the measurement did: causes, statuses and service times are not known";

/// Gives every result whose operation has ended without it the state it can have.
pub(in crate::server) async fn settle(store: &Store) -> Result<()> {
    for id in store.results().running().await? {
        let operation = store.operations().get(id).await?;
        if operation.is_some_and(|operation| !operation.status.is_final()) {
            continue;
        }
        let Some((begun, _)) = store.results().get(id).await? else { continue };
        let mut result = results::so_far(store, &begun).await?;
        result.warnings.push(CUT.to_owned());
        results::keep(store, &result, ResultState::Partial).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::process::Identity;
    use crate::base::{clock, id};
    use crate::model::operation::{Operation, OperationKind, OperationStatus};
    use crate::model::performance::histogram::Histogram;
    use crate::model::performance::plan::Plan;
    use crate::model::performance::result::Interval;
    use crate::perf::partial;
    use crate::store::operations::abandoned;

    fn operation() -> Operation {
        Operation {
            id: id::new(),
            kind: OperationKind::PerfRun,
            subject: "shop".into(),
            status: OperationStatus::Running,
            contexts: vec![],
            started_at: clock::now(),
            ended_at: None,
            results: vec![],
            warnings: vec![],
            failures: vec![],
            error: None,
        }
    }

    #[tokio::test]
    async fn a_cut_measurement_keeps_what_it_had_stored_and_a_living_one_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("meshery.db")).await.unwrap();
        let (cut, alive) = (operation(), operation());
        let mut response = Histogram::new();
        response.record_ns(7_000);
        let interval = Interval {
            start_seconds: 0.0,
            length_seconds: 1.0,
            sent: 1,
            succeeded: 1,
            failed: 0,
            dropped: 0,
            response: response.into(),
        };
        for operation in [&cut, &alive] {
            store.operations().begin(operation, &Identity::current()).await.unwrap();
            let empty = partial::assemble(operation.id, &Plan::default(), clock::now(), Vec::new());
            results::keep(&store, &empty, ResultState::Running).await.unwrap();
            store.results().append(operation.id, 0, std::slice::from_ref(&interval), &empty).await.unwrap();
        }
        store.operations().record(&[abandoned(cut.clone())], &mut []).await.unwrap();
        settle(&store).await.unwrap();
        let (result, state) = store.results().get(cut.id).await.unwrap().unwrap();
        assert_eq!((state, result.requests.succeeded, result.intervals.len()), (ResultState::Partial, 1, 1));
        assert!(result.warnings[0].contains("ended before"), "{:?}", result.warnings);
        assert_eq!(store.results().running().await.unwrap(), [alive.id]);
    }
}
