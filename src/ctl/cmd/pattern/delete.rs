//! `pattern delete`.

use super::target::{self, Target, TargetArgs, Verb};
use super::view;
use crate::base::error::Result;
use crate::base::text;
use crate::ctl::Ctl;
use crate::ctl::follow::FollowArgs;
use crate::ctl::ui::Question;
use crate::wire::rest::{AppliedSet, DeployRequest};

/// Delete what a pattern applied, in reverse order, exactly those objects, and the stored pattern.
///
/// A name asks for consent; a file is consent enough. Objects that others made since under the same name stay.
/// With -o jsonl each result is a line of stdout as soon as it is reached; --events gives every event instead.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl pattern delete -f shop.yaml
  mesheryctl pattern delete shop --yes
  mesheryctl pattern delete shop --yes --keep-stored --kube-context staging")]
pub struct Args {
    #[command(flatten)]
    target: TargetArgs,
    /// Delete in the cluster only; the stored pattern stays.
    #[arg(long)]
    keep_stored: bool,
    #[command(flatten)]
    follow: FollowArgs,
}

pub(crate) async fn run(ctx: &Ctl, args: Args) -> Result<()> {
    args.follow.settle(ctx)?;
    let common = DeployRequest { save: !args.keep_stored, ..args.target.request(ctx).await? };
    let requests = match args.target.target(ctx, "delete").await? {
        Target::Known(words) => {
            let names = view::each(&words, async |wanted: &str| view::resolve(ctx, wanted).await).await?;
            if !ctx.ui.says_yes() {
                let text =
                    question(&names, &ctx.client().await?.applied().await?.applied, ctx.settings.kube_contexts());
                ctx.ui.confirm(Question { text: &text, flag: "--yes" })?;
            }
            names.into_iter().map(|name| DeployRequest { pattern_id: Some(name), ..common.clone() }).collect()
        }
        // Files were applied in order; what a later one needs of an earlier one goes last.
        Target::Files(files) => files.into_iter().rev().map(|file| file.into_request(&common)).collect(),
    };
    target::carry_out(ctx, Verb::Delete, requests).await
}

/// Asks with numbers and places. Without --kube-context the plane deletes in its current context only, so that of
/// several places all are told, and which one is meant.
fn question(names: &[String], applied: &[AppliedSet], contexts: &[String]) -> String {
    let subject = names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let patterns = if names.len() == 1 { "pattern" } else { "patterns" };
    let sets: Vec<&AppliedSet> = applied
        .iter()
        .filter(|set| names.contains(&set.pattern) && (contexts.is_empty() || contexts.contains(&set.context)))
        .collect();
    let mut places: Vec<(&str, usize)> = Vec::new();
    for set in sets {
        match places.iter_mut().find(|(context, _)| *context == set.context) {
            Some((_, count)) => *count += set.items.len(),
            None => places.push((&set.context, set.items.len())),
        }
    }
    let told = |(context, count): &(&str, usize)| format!("{} in {context}", text::count(*count, "object"));
    let list = places.iter().map(told).collect::<Vec<_>>().join(", ");
    match places.len() {
        0 => format!("Delete everything that {patterns} {subject} applied?"),
        1 => format!("Delete what {patterns} {subject} applied: {list}?"),
        _ if contexts.is_empty() => {
            format!("Delete what {patterns} {subject} applied in the current context (of {list})?")
        }
        _ => format!("Delete what {patterns} {subject} applied: {list}?"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_question_tells_how_much_and_where() {
        let set = |pattern: &str, context: &str| AppliedSet {
            pattern: pattern.to_owned(),
            context: context.to_owned(),
            generation: 1,
            items: Vec::new(),
        };
        let applied = [set("shop", "a"), set("shop", "b"), set("cart", "c")];
        let ask = |names: &[&str], contexts: &[&str]| {
            let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
            question(&owned(names), &applied, &owned(contexts))
        };
        assert_eq!(ask(&["cart"], &[]), "Delete what pattern `cart` applied: 0 objects in c?");
        assert_eq!(ask(&["shop"], &["b"]), "Delete what pattern `shop` applied: 0 objects in b?");
        assert_eq!(
            ask(&["shop"], &[]),
            "Delete what pattern `shop` applied in the current context (of 0 objects in a, 0 objects in b)?"
        );
        assert_eq!(ask(&["other"], &[]), "Delete everything that pattern `other` applied?");
    }
}
