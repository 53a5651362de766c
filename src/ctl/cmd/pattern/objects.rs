//! The results of pattern operations, object by object, as `apply` and `delete` show them.

use crate::base::error::{Code, Error, Kind};
use crate::base::{Result, clock};
use crate::ctl::ui::{Column, Format, Rendered};
use crate::ctl::{Ctl, follow};
use crate::model::kubernetes::ObjectRef;
use crate::model::operation::Operation;
use crate::model::pattern::{Health, ObjectResult};

/// Shows the results of all operations on stdout and their warnings on stderr; then fails as the worst of them.
pub(super) fn show(ctx: &Ctl, ended: Vec<(Operation, Option<Error>)>) -> Result<()> {
    let (operations, stopped): (Vec<Operation>, Vec<Option<Error>>) = ended.into_iter().unzip();
    for (context, error) in
        operations.iter().flat_map(|operation| operation.failures.iter().map(|one| (&one.context, &one.error)))
    {
        ctx.ui.warn(&format!("{context}: nothing was begun: {}", error.message))?;
    }
    for warning in operations.iter().flat_map(|operation| &operation.warnings) {
        ctx.ui.warn(warning)?;
    }
    let rows: Vec<&ObjectResult> = operations.iter().flat_map(|operation| &operation.results).collect();
    let names: Vec<String> = rows.iter().map(|row| name(&row.object)).collect();
    let several = are_several(rows.iter().map(|row| row.context.as_str()));
    let waited = rows.iter().any(|row| row.health.is_some());
    // Under jsonl the results went out one by one while they were reached.
    if *ctx.ui.format() != Format::Jsonl {
        ctx.ui.print(&Rendered::table(&operations, &rows, &columns(several, waited))?.records(&rows)?.names(names))?;
    }
    if ctx.ui.format().is_table() {
        for operation in
            operations.iter().filter(|operation| operation.error.is_none() || !operation.results.is_empty())
        {
            let time = if ctx.ui.is_animated() { duration(operation) } else { String::new() };
            ctx.ui.note(&format!("{}{time}", summary(operation)))?;
        }
    }
    let failures = operations.iter().zip(&stopped).filter_map(|(operation, stopped)| {
        follow::failure(operation, stopped.as_ref())
            .map(|error| if operations.len() > 1 { named(operation, &error) } else { error })
    });
    match overall(failures.collect(), operations.len()) {
        Some(error) => Err(error),
        None => Ok(()),
    }
}

/// `shop on kind: 3 created, 1 unchanged`.
fn summary(operation: &Operation) -> String {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for word in operation.results.iter().map(|result| result.action.word()) {
        match counts.iter_mut().find(|(known, _)| *known == word) {
            Some((_, count)) => *count += 1,
            None => counts.push((word, 1)),
        }
    }
    let mut counts: Vec<String> = counts.iter().map(|(word, count)| format!("{count} {word}")).collect();
    let waited = operation.results.iter().filter(|result| result.health.is_some());
    let ready = waited.clone().filter(|result| result.health == Some(Health::Ready)).count();
    if waited.clone().count() > 0 {
        counts.push(format!("{ready} of {} ready", waited.count()));
    }
    let what = if counts.is_empty() { "nothing to do".to_owned() } else { counts.join(", ") };
    format!("{} on {}: {what}", operation.subject, operation.contexts.join(", "))
}

/// ` in 12s`, for people who watched it.
fn duration(operation: &Operation) -> String {
    operation.ended_at.map(|ended| format!(" in {}", clock::age(operation.started_at, ended))).unwrap_or_default()
}

/// Whether rows are of more than one context, so that each must name its own.
pub(super) fn are_several<'a>(contexts: impl IntoIterator<Item = &'a str>) -> bool {
    let mut contexts = contexts.into_iter();
    contexts.next().is_some_and(|first| contexts.any(|other| other != first))
}

fn columns<'a>(several: bool, waited: bool) -> [Column<'a, &'a ObjectResult>; 8] {
    [
        Column::wide_unless(several, "CONTEXT", |row: &&ObjectResult| row.context.clone()),
        Column::new("SERVICE", |row: &&ObjectResult| row.service.clone()),
        Column::new("KIND", |row: &&ObjectResult| row.object.kind.clone()),
        Column::new("NAMESPACE", |row: &&ObjectResult| row.object.namespace.clone().unwrap_or_default()),
        Column::new("NAME", |row: &&ObjectResult| row.object.name.clone()),
        Column::new("RESULT", |row: &&ObjectResult| row.action.word().to_owned()),
        Column::wide_unless(waited, "HEALTH", |row: &&ObjectResult| {
            row.health.map(|health| health.word().to_owned()).unwrap_or_default()
        }),
        Column::wide("MESSAGE", |row: &&ObjectResult| message(row)),
    ]
}

fn message(row: &ObjectResult) -> String {
    let error = row.error.as_ref().map(|report| report.message.clone());
    error.or_else(|| row.because.clone()).unwrap_or_default()
}

/// `deployment.apps/web`, as kubectl names objects.
pub(in crate::ctl::cmd) fn name(object: &ObjectRef) -> String {
    let gvk = object.gvk();
    let kind = gvk.kind.to_lowercase();
    if gvk.group.is_empty() {
        format!("{kind}/{}", object.name)
    } else {
        format!("{kind}.{}/{}", gvk.group, object.name)
    }
}

fn named(operation: &Operation, error: &Error) -> Error {
    let message = format!("pattern `{}`: {}", operation.subject, error.message());
    let mut report = error.report();
    report.message = message;
    Error::from(report)
}

/// One failure stands for itself; of several patterns, some good and some not, the whole is partly failed.
fn overall(mut failures: Vec<Error>, patterns: usize) -> Option<Error> {
    if failures.len() == 1 {
        let only = failures.remove(0);
        let all = patterns == 1 || matches!(only.kind(), Kind::Interrupted | Kind::Terminated);
        return Some(if all { only } else { only.kind_of(Kind::Partial) });
    }
    let first = failures.first()?;
    let partly = failures.len() < patterns || failures.iter().any(|error| error.kind() == Kind::Partial);
    let code = if partly { Code::ObjectsPartlyFailed } else { Code::ObjectsFailed };
    let kind = if partly { Kind::Partial } else { first.kind() };
    let message = format!("{} of {patterns} patterns failed", failures.len());
    Some(Error::new(code, message).kind_of(kind).details(failures.iter().map(ToString::to_string).collect::<Vec<_>>()))
}
