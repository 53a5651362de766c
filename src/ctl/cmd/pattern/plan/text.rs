//! Plans as people read them.

use std::fmt::Write;

use serde_json::Value;

use crate::base::clock::{self, Timestamp};
use crate::base::error::{Code, Report};
use crate::ctl::ui::{Tone, Ui};
use crate::wire::rest::plan::{Change, ContextPlan, FieldChange, ObjectPlan, Origin, PatternPlan};

/// Characters of a value that are shown.
const VALUE_WIDTH: usize = 60;

/// How plans are shown.
pub(super) struct Look<'a> {
    pub(super) ui: &'a Ui,
    pub(super) now: Timestamp,
    pub(super) show_unchanged: bool,
}

/// Every plan, one block a context.
pub(super) fn plans(plans: &[PatternPlan], look: &Look<'_>) -> String {
    let blocks: Vec<String> = plans
        .iter()
        .flat_map(|plan| plan.contexts.iter().map(move |context| block(&plan.pattern, context, look)))
        .collect();
    blocks.join("\n")
}

/// `shop on practice`.
pub(in crate::ctl::cmd::pattern) fn heading(ui: &Ui, pattern: &str, context: &str) -> String {
    format!("{}\n", ui.paint().apply(Tone::Heading, &format!("{pattern} on {context}")))
}

fn block(pattern: &str, context: &ContextPlan, look: &Look<'_>) -> String {
    let mut text = heading(look.ui, pattern, &context.context);
    if let Some(error) = &context.error {
        let _ = writeln!(text, "  {} {}", look.ui.paint().apply(Tone::Bad, "error:"), error.message);
        return text;
    }
    let shown = |object: &&ObjectPlan| look.show_unchanged || object.change != Change::Unchanged;
    let mut wave = None;
    for object in context.objects.iter().filter(shown) {
        if wave != Some(object.wave) {
            wave = Some(object.wave);
            let _ = writeln!(text, "  {}", look.ui.paint().apply(Tone::Faint, &format!("wave {}", object.wave)));
        }
        object_lines(&mut text, object, look);
    }
    let _ = writeln!(text, "{}", summary(&context.objects));
    text
}

fn object_lines(text: &mut String, object: &ObjectPlan, look: &Look<'_>) {
    let (sign, tone) = match object.change {
        Change::Create => ("+", Tone::Good),
        Change::Configure => ("~", Tone::Warning),
        Change::Delete => ("-", Tone::Bad),
        Change::Recreate => ("!", Tone::Bad),
        Change::Refused => ("x", Tone::Bad),
        Change::Withheld => (".", Tone::Faint),
        Change::Unchanged | Change::Valid => ("=", Tone::Faint),
    };
    let head = format!("{sign} {} {}", object.change.word(), object.object);
    let note = object.error.as_ref().map(|error| {
        let cause = error.probable_cause.as_ref().map(|cause| format!(": {cause}")).unwrap_or_default();
        format!("{}{cause}", error.message)
    });
    let note = note.or_else(|| object.because.clone()).map(|note| format!("  ({note})")).unwrap_or_default();
    let _ = writeln!(text, "    {}{}", look.ui.paint().apply(tone, &head), one_line(&note));
    // The fields of a conflict say the same as its details, with their values.
    let told = |error: &&Report| object.fields.is_empty() || error.code != Code::ObjectConflict.name();
    for detail in object.error.iter().filter(told).flat_map(|error| &error.details) {
        let _ = writeln!(text, "        {}", one_line(detail));
    }
    for field in &object.fields {
        let _ = writeln!(text, "        {}", field_line(field, (&field.live, &field.desired), look.now));
    }
}

/// `path: from -> to  (origin)`.
pub(in crate::ctl::cmd::pattern) fn field_line(
    field: &FieldChange,
    (from, to): (&Option<Value>, &Option<Value>),
    now: Timestamp,
) -> String {
    let origin = match (&field.manager, field.origin) {
        (Some(manager), Origin::Drift) => {
            let at = field.time.as_deref().and_then(|time| time.parse().ok());
            let at = at.map(|at| format!(", {} ago", clock::age(at, now))).unwrap_or_default();
            format!("drift: {manager}{at}")
        }
        (_, origin) => origin.word().to_owned(),
    };
    if field.hidden {
        return format!("{}: (hidden, differs)  ({origin})", field.path);
    }
    format!("{}: {} -> {}  ({origin})", field.path, value(from.as_ref()), value(to.as_ref()))
}

fn value(value: Option<&Value>) -> String {
    let Some(value) = value else { return "(none)".to_owned() };
    let text = one_line(&value.to_string());
    if text.chars().count() <= VALUE_WIDTH {
        return text;
    }
    text.chars().take(VALUE_WIDTH).collect::<String>() + "..."
}

fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// `Plan: 3 to create, 1 to change, 0 to delete, 12 unchanged.`
fn summary(objects: &[ObjectPlan]) -> String {
    let count = |change: Change| objects.iter().filter(|object| object.change == change).count();
    let mut text = format!(
        "Plan: {} to create, {} to change, {} to delete, {} unchanged",
        count(Change::Create),
        count(Change::Configure),
        count(Change::Delete),
        count(Change::Unchanged)
    );
    for (change, what) in
        [(Change::Recreate, "to recreate"), (Change::Refused, "refused"), (Change::Withheld, "withheld")]
    {
        if count(change) > 0 {
            let _ = write!(text, ", {} {what}", count(change));
        }
    }
    text + "."
}
