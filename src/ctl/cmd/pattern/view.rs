//! `pattern view`, and how a pattern is found by name, id or the beginning of an id.

use crate::base::error::{Code, Error, Result};
use crate::ctl::ui::Rendered;
use crate::ctl::{Ctl, complete};
use crate::model::pattern::PatternRecord;

/// Show stored patterns: the file as it was sent; the whole record with -o json or yaml.
///
/// Several patterns are separated by `---`, and are a list with -o json or yaml.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl pattern view shop
  mesheryctl pattern view shop -o json
  mesheryctl pattern view shop cart
  mesheryctl pattern view --all -o yaml")]
pub struct Args {
    /// Names, ids, or beginnings of ids that only one pattern has.
    #[arg(value_name = "PATTERN", num_args = 0.., required_unless_present = "all", add = complete::patterns())]
    pattern: Vec<String>,
    /// Show every stored pattern.
    #[arg(short = 'a', long, conflicts_with = "pattern")]
    all: bool,
}

pub(crate) async fn run(ctx: &Ctl, args: Args) -> Result<()> {
    if args.all {
        return show(ctx, &ctx.client().await?.all_patterns("").await?);
    }
    let records = each(&args.pattern, async |wanted: &str| find(ctx, wanted).await).await?;
    match records.as_slice() {
        [record] => show_one(ctx, record),
        _ => show(ctx, &records),
    }
}

/// Shows one record: its file.
pub(crate) fn show_one(ctx: &Ctl, record: &PatternRecord) -> Result<()> {
    ctx.ui.print(&Rendered::one(record, record.pattern_file.clone())?.names([record.name.clone()]))
}

/// Shows records: their files, or a list.
pub(crate) fn show(ctx: &Ctl, records: &[PatternRecord]) -> Result<()> {
    let files: Vec<&str> = records.iter().map(|record| record.pattern_file.trim_end()).collect();
    let names: Vec<String> = records.iter().map(|record| record.name.clone()).collect();
    ctx.ui.print(&Rendered::one(&records, files.join("\n---\n"))?.names(names))
}

/// What `look` finds for each word, each once. When no word is known alone but all together are, as in scripts that do
/// not quote a name with spaces, that is what they mean.
pub(crate) async fn each<T: PartialEq>(words: &[String], look: impl AsyncFn(&str) -> Result<T>) -> Result<Vec<T>> {
    let (mut found, mut missing) = (Vec::with_capacity(words.len()), None);
    for word in words {
        match look(word).await {
            Ok(one) if found.contains(&one) => {}
            Ok(one) => found.push(one),
            Err(error) if error.code() == Code::PatternNotFound => {
                missing.get_or_insert(error);
            }
            Err(error) => return Err(error),
        }
    }
    let Some(error) = missing else { return Ok(found) };
    if found.is_empty() && words.len() > 1 {
        match look(&words.join(" ")).await {
            Ok(one) => return Ok(vec![one]),
            Err(other) if other.code() == Code::PatternNotFound => {}
            Err(other) => return Err(other),
        }
    }
    Err(error)
}

/// The stored pattern of that name, id or beginning of an id.
pub(crate) async fn find(ctx: &Ctl, wanted: &str) -> Result<PatternRecord> {
    let client = ctx.client().await?;
    let missing = match client.pattern(wanted).await {
        Err(error) if error.code() == Code::PatternNotFound => error,
        other => return other,
    };
    let is_prefix = wanted.len() >= 4 && wanted.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
    if !is_prefix {
        return Err(missing);
    }
    let lower = wanted.to_lowercase();
    let mut fits: Vec<PatternRecord> =
        client.all_patterns("").await?.into_iter().filter(|record| record.id.to_string().starts_with(&lower)).collect();
    match fits.len() {
        0 => Err(missing),
        1 => Ok(fits.remove(0)),
        _ => Err(Error::new(Code::PatternNameAmbiguous, format!("`{wanted}` is the beginning of {} ids", fits.len()))
            .details(fits.iter().map(|record| format!("{} {}", record.id, record.name)))),
    }
}

/// What to call a pattern towards the server: one that is applied but not stored has its name only.
pub(super) async fn resolve(ctx: &Ctl, wanted: &str) -> Result<String> {
    match find(ctx, wanted).await {
        Ok(record) => Ok(record.name),
        Err(error) if error.code() == Code::PatternNotFound => {
            let applied = ctx.client().await?.applied().await?.applied;
            applied.into_iter().find(|set| set.pattern == wanted).map(|set| set.pattern).ok_or(error)
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn meant(words: &[&str]) -> Result<Vec<String>> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let known = ["shop", "cart", "my shop"];
        each(&words, async |wanted: &str| {
            let missing = || Error::new(Code::PatternNotFound, wanted.to_owned());
            known.contains(&wanted).then(|| wanted.to_owned()).ok_or_else(missing)
        })
        .await
    }

    #[tokio::test]
    async fn every_word_is_a_pattern_unless_only_all_together_are_one() {
        assert_eq!(meant(&["shop", "cart", "shop"]).await.unwrap(), ["shop", "cart"]);
        assert_eq!(meant(&["my shop"]).await.unwrap(), ["my shop"]);
        assert_eq!(meant(&["my", "cart"]).await.unwrap_err().message(), "my");
        assert_eq!(meant(&["your", "place"]).await.unwrap_err().message(), "your");
    }

    #[tokio::test]
    async fn an_unquoted_name_with_spaces_is_found() {
        let words = ["big".to_owned(), "shop".to_owned()];
        let look = async |wanted: &str| match wanted {
            "big shop" => Ok(1),
            _ => Err(Error::new(Code::PatternNotFound, wanted.to_owned())),
        };
        assert_eq!(each(&words, look).await.unwrap(), [1]);
    }
}
