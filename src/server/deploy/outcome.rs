//! What the results of all objects mean for the operation as a whole.

use super::{Ended, contexts};
use crate::base::error::{Code, Error, Result};
use crate::base::text;
use crate::model::operation::{Operation, OperationStatus};
use crate::model::pattern::{Action, ObjectResult};
use crate::server::operations::Handle;

/// Ends the operation: by the error that stopped it, or by what its objects came to.
pub(super) async fn finish(handle: &Handle, ended: Result<Ended>, verb: &str) {
    let cancelled = handle.cancelled().is_cancelled();
    let (status, error) = match ended {
        Err(error) if error.code() == Code::OperationCancelled => (OperationStatus::Cancelled, Some(error)),
        Err(error) => (OperationStatus::Failed, Some(error)),
        Ok(ended) => {
            handle.failures(&ended.failures);
            verdict(&ended, cancelled, verb)
        }
    };
    let stored: Result<Operation> = handle.finish(status, error.as_ref()).await;
    if let Err(error) = stored {
        tracing::error!(operation = %handle.id(), %error, "the end of the operation could not be stored");
    }
}

/// Results by what they mean for the whole.
struct Tally<'a> {
    failed: Vec<&'a ObjectResult>,
    /// In place, but not ready.
    unready: Vec<&'a ObjectResult>,
    withheld: usize,
    taken_back: usize,
    good: usize,
}

impl<'a> Tally<'a> {
    fn of(results: &'a [ObjectResult]) -> Self {
        let count = |action: Action| results.iter().filter(|result| result.action == action).count();
        Self {
            failed: results.iter().filter(|result| result.action == Action::Failed).collect(),
            unready: results
                .iter()
                .filter(|result| result.action != Action::Failed && result.error.is_some())
                .collect(),
            withheld: count(Action::Withheld),
            taken_back: count(Action::RolledBack),
            good: results.iter().filter(|result| result.is_good()).count(),
        }
    }
}

fn verdict(ended: &Ended, cancelled: bool, verb: &str) -> (OperationStatus, Option<Error>) {
    let results = &ended.results;
    let tally = Tally::of(results);
    if cancelled && (tally.withheld > 0 || !tally.unready.is_empty()) {
        let mut message = format!("cancelled with {} {verb}", text::count(tally.good, "object"));
        for (number, what) in
            [(tally.unready.len(), "not ready"), (tally.withheld, "not attempted"), (tally.taken_back, "taken back")]
        {
            if number > 0 {
                message = format!("{message}, {number} {what}");
            }
        }
        return (OperationStatus::Cancelled, Some(Error::new(Code::OperationCancelled, message)));
    }
    if tally.good == results.len() && ended.failures.is_empty() {
        return (OperationStatus::Succeeded, None);
    }
    let (status, code) = judged(&tally, ended);
    let several = results.iter().any(|result| result.context != results[0].context) || !ended.failures.is_empty();
    let told: Vec<&ObjectResult> = tally.failed.iter().chain(&tally.unready).copied().collect();
    let details = told.iter().flat_map(|result| reasons(result, several));
    let error = Error::new(code, message(&tally, ended))
        .details(details.collect::<Vec<_>>())
        .details(contexts::lines(&ended.failures));
    (
        status,
        Some(match common_remedy(&told) {
            Some(remedy) if ended.failures.is_empty() => error.remedy(remedy),
            _ => error,
        }),
    )
}

fn judged(tally: &Tally<'_>, ended: &Ended) -> (OperationStatus, Code) {
    let timed_out = tally
        .unready
        .iter()
        .all(|result| result.error.as_ref().is_some_and(|report| report.code == Code::WaitTimeout.name()));
    if tally.failed.is_empty() && ended.failures.is_empty() && !tally.unready.is_empty() {
        let code = if timed_out { Code::WaitTimeout } else { Code::ObjectNotReady };
        return (OperationStatus::Failed, code);
    }
    if tally.good == 0 || ended.taken_back {
        (OperationStatus::Failed, Code::ObjectsFailed)
    } else {
        (OperationStatus::PartlyFailed, Code::ObjectsPartlyFailed)
    }
}

fn message(tally: &Tally<'_>, ended: &Ended) -> String {
    let all = text::count(ended.results.len(), "object");
    let mut parts = Vec::new();
    if !tally.failed.is_empty() {
        parts.push(format!("{} of {all} failed", tally.failed.len()));
    }
    if !tally.unready.is_empty() {
        parts.push(format!("{} of {all} not ready", tally.unready.len()));
    }
    if tally.withheld > 0 {
        parts.push(format!("{} withheld because of that", tally.withheld));
    }
    if ended.taken_back {
        parts.push(format!("{} taken back", text::count(tally.taken_back, "object")));
    }
    if !ended.failures.is_empty() {
        parts.push(format!("nothing begun in {}", contexts::count(&ended.failures)));
    }
    parts.join(", ")
}

/// Why an object failed: one line, with its context where there are several, and further facts below it.
fn reasons(result: &ObjectResult, several: bool) -> Vec<String> {
    let Some(report) = &result.error else { return Vec::new() };
    let place = report.place.as_ref().map_or_else(|| result.service.clone(), ToString::to_string);
    let cause = report.probable_cause.as_ref().map(|cause| format!(": {cause}")).unwrap_or_default();
    let facts = report.details.iter().map(|detail| format!("  {detail}"));
    let context = if several { format!("{}: ", result.context) } else { String::new() };
    [format!("{context}{place}: {}{cause}", report.message)].into_iter().chain(facts).collect()
}

/// The next step when all objects failed for the same sort of reason.
fn common_remedy(failed: &[&ObjectResult]) -> Option<String> {
    let reports: Vec<_> = failed.iter().filter_map(|result| result.error.as_ref()).collect();
    let first = reports.first()?;
    let same = reports.iter().all(|report| report.code == first.code);
    first.suggested_remediation.clone().filter(|_| same)
}
