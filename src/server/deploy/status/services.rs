//! From objects to services: the worst object speaks for its service, and services without objects say why.

use crate::model::operation::{Operation, OperationKind};
use crate::model::pattern::{Action, Health, InventoryItem, ObjectResult, ObjectStatus, ServiceHealth, ServiceStatus};
use crate::pattern::identify::Kinds;
use crate::pattern::{compile, parse};

/// What is known of a pattern besides its live objects.
pub(super) struct Told {
    /// Keys of the services that the stored pattern has objects for.
    pub(super) wanted: Vec<String>,
    /// Operations on it, newest first.
    pub(super) operations: Vec<Operation>,
}

/// Keys of the services that a pattern has objects for; none when its text cannot be read any more.
pub(super) fn wanted(name: &str, text: &str) -> Vec<String> {
    let Ok(document) = parse::parse(name, text) else { return Vec::new() };
    let drawn = compile(&document, &Kinds::offline(), "default").map(|compiled| compiled.skipped).unwrap_or_default();
    let services = document.pattern.services.into_iter();
    services
        .filter(|service| !service.is_annotation && !drawn.contains(&service.key))
        .map(|service| service.key)
        .collect()
}

/// Services of a context that does not answer, by what was applied there.
pub(super) fn unknown<'i>(
    context: &str,
    items: impl Iterator<Item = &'i InventoryItem>,
    reason: &str,
) -> Vec<ServiceStatus> {
    let mut services: Vec<ServiceStatus> = Vec::new();
    for item in items {
        match services.iter_mut().find(|known| known.service == item.service) {
            Some(known) => known.total += 1,
            None => services.push(ServiceStatus {
                object: Some(item.object.clone()),
                total: 1,
                ..empty(context, &item.service, ServiceHealth::Unknown, reason)
            }),
        }
    }
    services
}

fn empty(context: &str, service: &str, health: ServiceHealth, message: &str) -> ServiceStatus {
    ServiceStatus {
        context: context.to_owned(),
        service: service.to_owned(),
        health,
        ready: 0,
        total: 0,
        object: None,
        message: message.to_owned(),
        created_at: None,
    }
}

impl Told {
    /// The services of one context: those with objects in the order of application, then those without.
    pub(super) fn services(&self, context: &str, objects: &[ObjectStatus]) -> Vec<ServiceStatus> {
        let mut keys: Vec<&str> = Vec::new();
        let results = self.last(context);
        let known = objects.iter().map(|object| object.service.as_str());
        let tried = results.iter().filter(|result| is_open(result)).map(|result| result.service.as_str());
        for key in known.chain(tried).chain(self.wanted.iter().map(String::as_str)) {
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        keys.into_iter().map(|key| service(context, key, objects, &results)).collect()
    }

    /// Results of what was done last in a context; none after a deletion.
    fn last(&self, context: &str) -> Vec<&ObjectResult> {
        let last = self.operations.iter().find(|operation| {
            operation.contexts.iter().any(|known| known == context)
                && operation.status.is_final()
                && !was_taken_back(operation)
        });
        last.filter(|operation| operation.kind != OperationKind::PatternDelete)
            .map(|operation| operation.results.iter().filter(|result| result.context == context).collect())
            .unwrap_or_default()
    }
}

/// Whether an operation took back what it did: then things are as the one before left them.
fn was_taken_back(operation: &Operation) -> bool {
    operation.results.iter().any(|result| result.action == Action::RolledBack)
}

/// Whether an attempt left its object as it was, or without being.
fn is_open(result: &ObjectResult) -> bool {
    matches!(result.action, Action::Failed | Action::Withheld)
}

fn service(context: &str, key: &str, objects: &[ObjectStatus], results: &[&ObjectResult]) -> ServiceStatus {
    let own: Vec<&ObjectStatus> = objects.iter().filter(|object| object.service == key).collect();
    let tried: Vec<&&ObjectResult> = results.iter().filter(|result| result.service == key && is_open(result)).collect();
    let failed = tried.iter().find(|result| result.action == Action::Failed);
    let absent = tried.iter().filter(|result| !own.iter().any(|object| object.object == result.object)).count();
    let (total, ready) = (own.len() + absent, own.iter().filter(|object| object.health == Health::Ready).count());
    let created_at = own.iter().filter_map(|object| object.created_at).min();
    let Some(worst) = own.iter().max_by_key(|object| badness(object.health)) else {
        return nowhere(context, key, &tried, total.max(1));
    };
    let base = ServiceStatus {
        ready,
        total,
        object: Some(worst.object.clone()),
        created_at,
        ..empty(context, key, worst.health.into(), &worst.message)
    };
    match failed {
        // The objects are as an earlier apply left them.
        Some(result) => ServiceStatus {
            health: ServiceHealth::Failed,
            message: format!("the last apply failed: {}", reason(result)),
            ..base
        },
        None if absent > 0 => ServiceStatus { health: ServiceHealth::NotApplied, message: reason(tried[0]), ..base },
        None => base,
    }
}

/// A service that has nothing in the cluster.
fn nowhere(context: &str, key: &str, tried: &[&&ObjectResult], total: usize) -> ServiceStatus {
    let Some(result) = tried.iter().find(|result| result.action == Action::Failed).or(tried.first()) else {
        return ServiceStatus { total, ..empty(context, key, ServiceHealth::NotApplied, "not applied yet") };
    };
    let health = match result.action {
        Action::Failed => ServiceHealth::Failed,
        _ => ServiceHealth::NotApplied,
    };
    ServiceStatus { total, object: Some(result.object.clone()), ..empty(context, key, health, &reason(result)) }
}

fn reason(result: &ObjectResult) -> String {
    let error = result.error.as_ref().map(|report| match &report.probable_cause {
        Some(cause) => format!("{}: {cause}", report.message),
        None => report.message.clone(),
    });
    error.or_else(|| result.because.clone()).unwrap_or_else(|| result.action.word().to_owned())
}

fn badness(health: Health) -> u8 {
    match health {
        Health::Ready => 0,
        Health::InProgress => 1,
        Health::Terminating => 2,
        Health::Missing => 3,
        Health::Failed => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Code, Error, clock, id};
    use crate::model::kubernetes::ObjectRef;
    use crate::model::operation::OperationStatus;

    fn reference(name: &str) -> ObjectRef {
        ObjectRef { api_version: "v1".into(), kind: "ConfigMap".into(), namespace: Some("a".into()), name: name.into() }
    }

    fn object(service: &str, name: &str, health: Health) -> ObjectStatus {
        let message = format!("{name} is {}", health.word());
        ObjectStatus {
            context: "kind".into(),
            service: service.into(),
            object: reference(name),
            health,
            message,
            created_at: None,
        }
    }

    fn result(service: &str, action: Action) -> ObjectResult {
        ObjectResult {
            context: "kind".into(),
            service: service.into(),
            object: reference(service),
            action,
            because: (action == Action::Withheld).then(|| "service `db` failed".to_owned()),
            error: (action == Action::Failed).then(|| Error::new(Code::ObjectRefused, "refused").report()),
            health: None,
        }
    }

    fn operation(kind: OperationKind, results: Vec<ObjectResult>) -> Operation {
        Operation {
            id: id::new(),
            kind,
            subject: "shop".into(),
            status: OperationStatus::PartlyFailed,
            contexts: vec!["kind".into()],
            started_at: clock::now(),
            ended_at: None,
            results,
            warnings: vec![],
            failures: vec![],
            error: None,
        }
    }

    fn shown(told: &Told, objects: &[ObjectStatus]) -> Vec<String> {
        let line = |status: ServiceStatus| {
            format!("{} {} {}/{} {}", status.service, status.health.word(), status.ready, status.total, status.message)
        };
        told.services("kind", objects).into_iter().map(line).collect()
    }

    #[test]
    fn the_worst_object_speaks_for_its_service() {
        let objects = [
            object("web", "one", Health::Ready),
            object("web", "two", Health::InProgress),
            object("db", "three", Health::Ready),
        ];
        let told = Told { wanted: vec!["db".into(), "web".into(), "late".into()], operations: vec![] };
        assert_eq!(
            shown(&told, &objects),
            [
                "web in-progress 1/2 two is in-progress",
                "db ready 1/1 three is ready",
                "late not-applied 0/1 not applied yet"
            ]
        );
    }

    #[test]
    fn what_the_last_apply_could_not_do_is_told() {
        let results = vec![
            result("db", Action::Failed),
            result("web", Action::Withheld),
            result("old", Action::Failed),
            result("good", Action::Created),
        ];
        let told = Told { wanted: vec![], operations: vec![operation(OperationKind::PatternApply, results)] };
        let objects = [object("old", "old", Health::Ready), object("good", "good", Health::Ready)];
        assert_eq!(
            shown(&told, &objects),
            [
                "old failed 1/1 the last apply failed: refused",
                "good ready 1/1 good is ready",
                "db failed 0/1 refused",
                "web not-applied 0/1 service `db` failed",
            ]
        );
    }

    #[test]
    fn after_a_deletion_older_failures_count_no_more() {
        let operations = vec![
            operation(OperationKind::PatternDelete, vec![]),
            operation(OperationKind::PatternApply, vec![result("db", Action::Failed)]),
        ];
        assert_eq!(shown(&Told { wanted: vec![], operations }, &[]), [] as [&str; 0]);
    }

    #[test]
    fn drawings_are_not_wanted_and_a_broken_text_wants_nothing() {
        let text = "name: p\nservices:\n  box: {type: Section}\n  web: {type: ConfigMap}\n";
        assert_eq!(wanted("p", text), ["web"]);
        assert_eq!(wanted("p", "services: ["), [] as [&str; 0]);
    }
}
