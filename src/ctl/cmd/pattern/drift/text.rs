//! Drift as people read it.

use std::fmt::Write;

use crate::base::clock::Timestamp;
use crate::ctl::cmd::pattern::plan::{field_line, heading};
use crate::ctl::ui::{Tone, Ui};
use crate::wire::rest::plan::{ContextDrift, DriftState, FieldChange, ObjectDrift, Origin, PatternDrift};

/// Every pattern, one block a context.
pub(super) fn drifts(found: &[PatternDrift], ui: &Ui, now: Timestamp) -> String {
    let blocks: Vec<String> = found
        .iter()
        .flat_map(|one| one.contexts.iter().map(move |context| block(&one.pattern, context, (ui, now))))
        .collect();
    blocks.join("\n")
}

fn block(pattern: &str, context: &ContextDrift, (ui, now): (&Ui, Timestamp)) -> String {
    let mut text = heading(ui, pattern, &context.context);
    if let Some(error) = &context.error {
        let _ = writeln!(text, "  {} {}", ui.paint().apply(Tone::Bad, "error:"), error.message);
        return text;
    }
    for object in context.objects.iter().filter(|object| object.state != DriftState::Same) {
        let _ = writeln!(text, "  {}", object_line(object, ui));
        for field in &object.fields {
            let _ = writeln!(text, "      {}", drifted_line(field, now));
        }
    }
    let _ = writeln!(text, "{}", summary(&context.objects));
    text
}

/// `- missing ConfigMap shop/settings`.
pub(super) fn object_line(object: &ObjectDrift, ui: &Ui) -> String {
    let (sign, tone) = match object.state {
        DriftState::Same => ("=", Tone::Faint),
        DriftState::Drifted => ("~", Tone::Warning),
        DriftState::Missing => ("-", Tone::Bad),
        DriftState::Replaced => ("!", Tone::Bad),
        DriftState::Unknown => ("?", Tone::Faint),
    };
    let head = format!("{sign} {} {}", object.state.word(), object.object);
    let note = object.error.as_ref().map(|error| format!("  ({})", error.message)).unwrap_or_default();
    format!("{}{note}", ui.paint().apply(tone, &head))
}

/// What was applied, and what stands there now.
pub(super) fn drifted_line(field: &FieldChange, now: Timestamp) -> String {
    // A field that is not there any more was taken away by somebody: it is not new to whoever applied it.
    // The API server does not record every writer, such as one that scales to 0.
    let origin = match field.origin {
        Origin::New => Origin::Removed,
        Origin::Default => Origin::Drift,
        origin => origin,
    };
    field_line(&FieldChange { origin, ..field.clone() }, (&field.desired, &field.live), now)
}

fn summary(objects: &[ObjectDrift]) -> String {
    let count = |state: DriftState| objects.iter().filter(|object| object.state == state).count();
    let mut text = format!(
        "Drift: {} drifted, {} missing, {} replaced, {} as applied",
        count(DriftState::Drifted),
        count(DriftState::Missing),
        count(DriftState::Replaced),
        count(DriftState::Same)
    );
    if count(DriftState::Unknown) > 0 {
        let _ = write!(text, ", {} unknown", count(DriftState::Unknown));
    }
    text + "."
}
