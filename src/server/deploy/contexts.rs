//! One operation in several contexts: what cannot be begun in one of them does not stop the others.

use crate::base::error::{Error, Kind, Result};
use crate::base::text;
use crate::model::operation::ContextFailure;

/// Tells contexts in which the work can begin from those in which it cannot.
///
/// # Errors
/// When it can begin in none: the first reason, with those of the others as details.
pub(super) fn split<T>(prepared: Vec<(String, Result<T>)>) -> Result<(Vec<T>, Vec<ContextFailure>)> {
    let several = prepared.len() > 1;
    let (mut good, mut bad): (Vec<T>, Vec<(String, Error)>) = (Vec::new(), Vec::new());
    for (context, outcome) in prepared {
        match outcome {
            Ok(target) => good.push(target),
            Err(error) => bad.push((context, error)),
        }
    }
    if good.is_empty() && !bad.is_empty() {
        let (_, first) = bad.remove(0);
        // A fault of the file is the same everywhere and told once.
        let others = bad.iter().filter(|(_, error)| several && error.kind() != Kind::Invalid);
        let details: Vec<String> = others.map(|(context, error)| format!("{context}: {error}")).collect();
        return Err(first.details(details));
    }
    let failures = bad.into_iter().map(|(context, error)| ContextFailure { context, error: error.report() });
    Ok((good, failures.collect()))
}

/// The reasons, one a line, for the error of the operation.
pub(super) fn lines(failures: &[ContextFailure]) -> Vec<String> {
    let line = |failure: &ContextFailure| {
        let cause = failure.error.probable_cause.as_ref().map(|cause| format!(": {cause}")).unwrap_or_default();
        format!("{}: {}{cause}", failure.context, failure.error.message)
    };
    failures.iter().map(line).collect()
}

/// `1 context` and so on.
pub(super) fn count(failures: &[ContextFailure]) -> String {
    text::count(failures.len(), "context")
}
