//! `--watch`: looks again and again and tells each new drift once.

use std::collections::HashSet;
use std::time::Duration;

use tokio::time::Instant;

use super::{Record, look, records, text};
use crate::base::error::{Kind, Result};
use crate::ctl::Ctl;
use crate::ctl::cmd::pattern::objects;
use crate::ctl::ui::Rendered;
use crate::wire::rest::plan::{FieldChange, ObjectDrift};

/// A drift that was told: where it is and what it is.
type Told = (String, String, String);

/// Watches until it is stopped or --timeout is over; says whether anything drifted. A cluster that does not answer for
/// a while is told and asked again.
pub(super) async fn run(ctx: &Ctl, names: &[String], interval: Duration) -> Result<bool> {
    let end = ctx.settings.timeout().map(|limit| Instant::now() + limit);
    ctx.ui.note(&format!("Watching {}; stop with Ctrl-C.", names.join(", ")))?;
    let (mut told, mut drifted, mut silent) = (HashSet::new(), false, false);
    loop {
        match look(ctx, names).await {
            Ok(found) => {
                silent = false;
                let mut now = HashSet::new();
                for record in records(&found).filter(|record| record.object.state.is_drift()) {
                    drifted = true;
                    let news = news(&record, &told, &mut now);
                    tell(ctx, &record, news)?;
                }
                told = now;
            }
            Err(error) if error.kind() == Kind::Unreachable => {
                if !silent {
                    ctx.ui.warn(&format!("{error}; asking again"))?;
                }
                silent = true;
            }
            Err(error) => return Err(error),
        }
        let next = Instant::now() + interval;
        match end {
            Some(end) if next >= end => {
                tokio::time::sleep_until(end).await;
                return Ok(drifted);
            }
            _ => tokio::time::sleep_until(next).await,
        }
    }
}

/// The part of a record that was not told at the last look; none when all of it was. `now` takes down what there is.
fn news(record: &Record<'_>, told: &HashSet<Told>, now: &mut HashSet<Told>) -> Option<ObjectDrift> {
    let object = record.object;
    let key = |what: String| (record.context.to_owned(), format!("{}/{}", record.pattern, object.object), what);
    let value = |field: &FieldChange| format!("{}={:?}", field.path, field.live);
    let state = key(object.state.word().to_owned());
    let fields: Vec<FieldChange> =
        object.fields.iter().filter(|field| !told.contains(&key(value(field)))).cloned().collect();
    let is_new = !fields.is_empty() || !told.contains(&state);
    now.insert(state);
    now.extend(object.fields.iter().map(|field| key(value(field))));
    is_new.then(|| ObjectDrift { fields, ..object.clone() })
}

fn tell(ctx: &Ctl, record: &Record<'_>, news: Option<ObjectDrift>) -> Result<()> {
    let Some(object) = news else { return Ok(()) };
    let mut shown = text::object_line(&object, &ctx.ui);
    for field in &object.fields {
        shown = format!("{shown}\n    {}", text::drifted_line(field, ctx.now()));
    }
    let record = Record { object: &object, ..*record };
    let rendered = Rendered::one(&record, shown)?.names([objects::name(&object.object)]);
    // it is one of many without an end: with its reader, the watch ends
    ctx.ui.text(&ctx.ui.written(&rendered, ctx.ui.format())?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::kubernetes::ObjectRef;
    use crate::wire::rest::plan::{DriftState, Origin};
    use serde_json::json;

    fn drifted(values: &[(&str, i64)]) -> ObjectDrift {
        let field = |(path, live): &(&str, i64)| FieldChange {
            path: (*path).to_owned(),
            live: Some(json!(live)),
            desired: Some(json!(0)),
            hidden: false,
            origin: Origin::Drift,
            manager: None,
            time: None,
        };
        ObjectDrift {
            service: "a".into(),
            object: ObjectRef { api_version: "v1".into(), kind: "ConfigMap".into(), namespace: None, name: "a".into() },
            state: DriftState::Drifted,
            fields: values.iter().map(field).collect(),
            error: None,
        }
    }

    #[test]
    fn each_drift_is_told_once_and_again_when_it_comes_back() {
        let mut told = HashSet::new();
        let mut look = |object: &ObjectDrift| {
            let mut now = HashSet::new();
            let found = news(&Record { pattern: "p", context: "c", object }, &told, &mut now);
            told = now;
            found.map(|object| object.fields.iter().map(|field| field.path.clone()).collect::<Vec<_>>())
        };
        assert_eq!(look(&drifted(&[("x", 1)])).unwrap(), ["x"]);
        assert_eq!(look(&drifted(&[("x", 1)])), None);
        assert_eq!(look(&drifted(&[("x", 1), ("y", 1)])).unwrap(), ["y"]);
        assert_eq!(look(&drifted(&[("x", 2)])).unwrap(), ["x"]);
        assert_eq!(look(&drifted(&[("x", 2), ("y", 1)])).unwrap(), ["y"], "it went and came again");
    }
}
