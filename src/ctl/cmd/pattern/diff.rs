//! `pattern diff`: one revision against another.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use similar::TextDiff;

use super::view;
use crate::base::error::Result;
use crate::base::{exit, yaml};
use crate::ctl::cmd::Outcome;
use crate::ctl::ui::Rendered;
use crate::ctl::{Ctl, complete};

/// Show what differs between two revisions of an applied pattern, object by object.
///
/// Without numbers, the newest against the one before; with one number, the newest against that one. The exit code is 0
/// when they are the same and 1 when they differ. `pattern plan` compares with the cluster, `pattern drift` finds what
/// others changed there.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl pattern diff shop
  mesheryctl pattern diff shop 2
  mesheryctl pattern diff shop 2 3 -o json")]
pub struct Args {
    /// Name, id, or beginning of an id that only one pattern has.
    #[arg(value_name = "PATTERN", add = complete::patterns())]
    pattern: String,
    /// The older revision.
    #[arg(value_name = "REVISION", value_parser = clap::value_parser!(i64).range(1..))]
    from: Option<i64>,
    /// The newer revision.
    #[arg(value_name = "REVISION", value_parser = clap::value_parser!(i64).range(1..))]
    to: Option<i64>,
}

/// What became of an object from one revision to the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// Only the newer revision has it.
    Added,
    /// Only the older revision has it.
    Removed,
    /// Both have it, with other content.
    Changed,
}

/// One object that differs.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Difference {
    /// The object, as `Deployment shop/web`.
    pub object: String,
    /// What became of it.
    pub change: Change,
    /// The difference of its YAML, in unified form.
    pub diff: String,
}

/// Two revisions and what differs between them.
#[derive(Debug, Serialize, JsonSchema)]
pub struct View {
    /// Name of the pattern.
    pub pattern: String,
    /// Number of the older revision.
    pub from: i64,
    /// Number of the newer revision.
    pub to: i64,
    /// Objects that differ; empty when the revisions are the same.
    pub differences: Vec<Difference>,
}

pub(crate) async fn run(ctx: &Ctl, args: Args) -> Result<Outcome> {
    let pattern = view::resolve(ctx, &args.pattern).await?;
    let contexts = ctx.settings.kube_contexts();
    let client = ctx.client().await?;
    let newer = client.revision(&pattern, args.to.unwrap_or_default(), contexts).await?;
    let number = args.from.unwrap_or(newer.revision.number - 1);
    let older = client.revision(&pattern, number, contexts).await?;
    let view = View {
        pattern,
        from: older.revision.number,
        to: newer.revision.number,
        differences: differences(&older.manifests, &newer.manifests),
    };
    let text: Vec<&str> = view.differences.iter().map(|one| one.diff.trim_end()).collect();
    let names = view.differences.iter().map(|one| one.object.clone());
    ctx.ui.print(&Rendered::one(&view, text.join("\n"))?.records(&view.differences)?.names(names))?;
    if view.differences.is_empty() {
        ctx.ui.note(&format!("Revisions {} and {} have the same objects.", view.from, view.to))?;
        return Ok(Outcome::GOOD);
    }
    Ok(Outcome::verdict(exit::FAILED))
}

/// Objects of the older revision in its order, then those that only the newer one has.
fn differences(older: &[Value], newer: &[Value]) -> Vec<Difference> {
    let find = |all: &[Value], wanted: &Value| all.iter().find(|one| name(one) == name(wanted)).cloned();
    let changed = older.iter().filter_map(|old| match find(newer, old) {
        Some(new) if new == *old => None,
        Some(new) => Some(difference(Some(old), Some(&new))),
        None => Some(difference(Some(old), None)),
    });
    let added = newer.iter().filter(|new| find(older, new).is_none()).map(|new| difference(None, Some(new)));
    changed.chain(added).collect()
}

fn difference(old: Option<&Value>, new: Option<&Value>) -> Difference {
    let text =
        |object: Option<&Value>| object.and_then(|object| yaml::write_kubernetes(object).ok()).unwrap_or_default();
    let object = old.or(new).map(name).unwrap_or_default();
    let change = match (old, new) {
        (None, _) => Change::Added,
        (Some(_), None) => Change::Removed,
        (Some(_), Some(_)) => Change::Changed,
    };
    let (before, after) = (text(old), text(new));
    let diff = TextDiff::from_lines(&before, &after);
    let side = |exists: bool, label: &str| if exists { format!("{label}/{object}") } else { "/dev/null".to_owned() };
    let diff =
        diff.unified_diff().context_radius(3).header(&side(old.is_some(), "a"), &side(new.is_some(), "b")).to_string();
    Difference { object, change, diff }
}

/// `Deployment shop/web`; the version of the API does not tell objects apart.
fn name(object: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let metadata = &object["metadata"];
    let place = metadata["namespace"].as_str().map(|namespace| format!("{namespace}/")).unwrap_or_default();
    format!("{} {place}{}", text(&object["kind"]), text(&metadata["name"]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object(name: &str, value: &str) -> Value {
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "n"}, "data": {"k": value}})
    }

    #[test]
    fn every_object_is_told_by_what_became_of_it() {
        let found = differences(
            &[object("a", "1"), object("b", "1"), object("c", "1")],
            &[object("a", "1"), object("b", "2"), object("d", "1")],
        );
        let shown: Vec<(&str, Change)> = found.iter().map(|one| (one.object.as_str(), one.change)).collect();
        assert_eq!(
            shown,
            [("ConfigMap n/b", Change::Changed), ("ConfigMap n/c", Change::Removed), ("ConfigMap n/d", Change::Added)]
        );
        assert!(
            found[0].diff.contains("-  k: '1'\n+  k: '2'") || found[0].diff.contains("-  k: \"1\""),
            "{}",
            found[0].diff
        );
        assert!(found[2].diff.starts_with("--- /dev/null\n+++ b/ConfigMap n/d"), "{}", found[2].diff);
    }
}
