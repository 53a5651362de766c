//! What the results of all objects mean for the operation as a whole.

use crate::base::error::{Code, Error, Result};
use crate::base::text;
use crate::model::operation::{Operation, OperationStatus};
use crate::model::pattern::{Action, ObjectResult};
use crate::server::operations::Handle;

/// Ends the operation: by the error that stopped it, or by what its objects came to.
pub(super) async fn finish(handle: &Handle, ended: Result<Vec<ObjectResult>>, verb: &str) {
    let cancelled = handle.cancelled().is_cancelled();
    let (status, error) = match ended {
        Err(error) if error.code() == Code::OperationCancelled => (OperationStatus::Cancelled, Some(error)),
        Err(error) => (OperationStatus::Failed, Some(error)),
        Ok(results) => verdict(&results, cancelled, verb),
    };
    let stored: Result<Operation> = handle.finish(status, error.as_ref()).await;
    if let Err(error) = stored {
        tracing::error!(operation = %handle.id(), %error, "the end of the operation could not be stored");
    }
}

fn verdict(results: &[ObjectResult], cancelled: bool, verb: &str) -> (OperationStatus, Option<Error>) {
    let failed: Vec<&ObjectResult> = results.iter().filter(|result| result.action == Action::Failed).collect();
    let withheld = results.iter().filter(|result| result.action == Action::Withheld).count();
    let good = results.len() - failed.len() - withheld;
    if cancelled && withheld > 0 {
        let message = format!("cancelled with {} {verb} and {withheld} not attempted", text::count(good, "object"));
        return (OperationStatus::Cancelled, Some(Error::new(Code::OperationCancelled, message)));
    }
    if failed.is_empty() && withheld == 0 {
        return (OperationStatus::Succeeded, None);
    }
    let (status, code) = if good == 0 {
        (OperationStatus::Failed, Code::ObjectsFailed)
    } else {
        (OperationStatus::PartlyFailed, Code::ObjectsPartlyFailed)
    };
    let mut message = format!("{} of {} failed", failed.len(), text::count(results.len(), "object"));
    if withheld > 0 {
        message = format!("{message}, {withheld} withheld because of that");
    }
    let several = results.iter().any(|result| result.context != results[0].context);
    let error = Error::new(code, message).details(failed.iter().flat_map(|result| reasons(result, several)));
    (
        status,
        Some(match common_remedy(&failed) {
            Some(remedy) => error.remedy(remedy),
            None => error,
        }),
    )
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
