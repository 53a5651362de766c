//! API servers that are slow, fail, throttle and refuse: an apply completes or reports exactly, nothing is there
//! twice and nothing is lost. What the cluster and the inventory hold is checked after every apply by the model.

use std::time::Duration;

use mesheryctl::model::operation::{Operation, OperationStatus};
use mesheryctl::model::pattern::{Action, ObjectResult};
use mesheryctl::sample::faults::{Effect, Faults, Matcher, Times};

use super::graphs::model::{Kind, World, key};

/// Services of the pattern; its namespace comes on top.
const SERVICES: usize = 20;

/// Four layers of five; each service needs one of the layer before.
async fn world() -> World {
    let mut world = World::new().await;
    for slot in 0..SERVICES {
        let depends_on = if slot < 5 { vec![] } else { vec![key(slot - 5)] };
        world.add(slot, Kind::ALL[slot % Kind::ALL.len()], depends_on);
    }
    world
}

fn calls() -> Matcher {
    Matcher::any().verbs(&["get", "list", "patch", "delete"])
}

/// Applies, changes and deletes the pattern while the fault is on, and wants all of it done.
async fn completes(fault: impl Fn(&Faults)) {
    let mut world = world().await;
    let strike = |world: &World| fault(world.plane.practice.cluster.faults());
    let first = world.apply(strike).await;
    assert_eq!(first.status, OperationStatus::Succeeded, "{first:?}");
    assert_eq!(first.results.len(), SERVICES + 1);
    world.change(&key(7));
    world.remove(&key(19));
    let second = world.apply(strike).await;
    assert_eq!(second.status, OperationStatus::Succeeded, "{second:?}");
    world.delete(strike).await;
    assert!(world.plane.labelled().await.is_empty());
}

/// Applies while one object is struck; gives what is told of it. Then everything comes right without the fault.
async fn reports(effect: Effect) -> (Operation, ObjectResult) {
    let mut world = world().await;
    let struck = key(3);
    let operation = world
        .apply(|world| {
            let writes = Matcher::any().verbs(&["patch"]).name(&struck);
            world.plane.practice.cluster.faults().add(writes, effect, Times::Always);
        })
        .await;
    assert_eq!(operation.status, OperationStatus::PartlyFailed, "{operation:?}");
    let of = |action: Action| operation.results.iter().filter(move |result| result.action == action);
    let mut withheld: Vec<&str> = of(Action::Withheld).map(|result| result.service.as_str()).collect();
    withheld.sort_unstable();
    assert_eq!(withheld, ["s13", "s18", "s8"], "only what needs it is withheld");
    assert_eq!((of(Action::Failed).count(), of(Action::Created).count()), (1, SERVICES + 1 - 4));
    let failed = of(Action::Failed).next().unwrap().clone();
    assert_eq!(failed.service, struck);
    let again = world.apply(|_| ()).await;
    assert_eq!(again.status, OperationStatus::Succeeded, "{again:?}");
    (operation, failed)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_takes_fifty_milliseconds() {
    let slow = Duration::from_millis(50);
    completes(|faults| faults.add(Matcher::any(), Effect::Delay(slow), Times::Always)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_seventh_call_fails() {
    completes(|faults| faults.add(calls(), Effect::Error, Times::Every(7))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_seventh_connection_breaks() {
    completes(|faults| faults.add(calls(), Effect::Hangup, Times::Every(7))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_seventh_answer_is_lost() {
    completes(|faults| faults.add(calls(), Effect::LoseAnswer, Times::Every(7))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_twentieth_call_is_throttled() {
    completes(|faults| faults.add(calls(), Effect::Throttle { retry_after: 1 }, Times::Every(20))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_refuses_one_object() {
    for (code, text) in [(403, "team is not yours"), (422, "spec needs an owner")] {
        let refuse = Effect::Refuse { code, webhook: "guard.example.org".into(), message: text.into() };
        let (operation, failed) = reports(refuse).await;
        let error = failed.error.unwrap();
        assert_eq!(error.code, "object-refused", "{error:?}");
        let cause = error.probable_cause.unwrap();
        assert_eq!(cause, format!("admission webhook \"guard.example.org\" denied the request: {text}"));
        let whole = operation.error.unwrap();
        assert!(whole.details.iter().any(|detail| detail.contains(text)), "{whole:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_does_not_answer_for_one_object() {
    let (_, failed) = reports(Effect::SilentWebhook { webhook: "guard.example.org".into() }).await;
    let error = failed.error.unwrap();
    assert_eq!(error.code, "cluster-fault", "{error:?}");
    let cause = error.probable_cause.unwrap();
    assert!(cause.contains("failed calling webhook \"guard.example.org\""), "{cause}");
    assert!(cause.ends_with("context deadline exceeded"), "{cause}");
}
