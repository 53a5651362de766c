//! Small rules for text that people read.

/// The candidates nearest to `word`, best first, at most three; none that is too far away to be meant.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let lower = word.to_lowercase();
    let limit = (word.chars().count() / 3).max(2);
    let mut ranked: Vec<(usize, &str)> = candidates
        .into_iter()
        .map(|candidate| (distance(&lower, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= limit && *distance < candidate.chars().count())
        .collect();
    ranked.sort_unstable();
    ranked.dedup();
    ranked.into_iter().take(3).map(|(_, candidate)| candidate).collect()
}

/// `did you mean a, b?`, or nothing when no candidate is near.
pub fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let near = nearest(word, candidates);
    (!near.is_empty()).then(|| format!("did you mean {}?", near.join(", ")))
}

/// Whether `word` is `meant` mistyped: one edit away, or two where the word is long enough to be known again.
pub fn is_slip_of(word: &str, meant: &str) -> bool {
    let edits = if word.chars().count() < 6 { 1 } else { 2 };
    distance(&word.to_lowercase(), &meant.to_lowercase()) <= edits
}

/// Edits (insert, delete, replace, swap of neighbours) between two words.
fn distance(left: &str, right: &str) -> usize {
    let (left, right): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
    let mut rows = vec![vec![0usize; right.len() + 1]; left.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    for (j, cell) in rows[0].iter_mut().enumerate() {
        *cell = j;
    }
    for i in 1..=left.len() {
        for j in 1..=right.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(left[i - 1] != right[j - 1]);
            let mut best = replaced.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
            if i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = best;
        }
    }
    rows[left.len()][right.len()]
}

/// A size in bytes as people read it, in binary units: `12.3 MiB`.
pub fn bytes(size: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if size < 1024 {
        return format!("{size} B");
    }
    let power = (size.ilog2() / 10).min(4);
    // Tenths in whole numbers: no rounding by floating point.
    let tenths = u128::from(size) * 10 / (1u128 << (10 * power));
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[power as usize - 1])
}

/// `1 object`, `2 objects`.
pub fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// Whether `name` fits `wanted`, where `*` stands for any text and `?` for one character.
pub fn wildcard(wanted: &str, name: &str) -> bool {
    match wanted.chars().next() {
        None => name.is_empty(),
        Some('*') => {
            let rest = &wanted[1..];
            name.char_indices().map(|(at, _)| &name[at..]).chain([""]).any(|tail| wildcard(rest, tail))
        }
        Some(first) => {
            let mut left = name.chars();
            left.next().is_some_and(|c| first == '?' || first == c)
                && wildcard(&wanted[first.len_utf8()..], left.as_str())
        }
    }
}

/// A text without line breaks and other control characters, each run of blanks as one.
pub fn one_line(text: &str) -> String {
    let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// An error with its sources, outermost first, without what an outer one already says.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut parts = vec![error.to_string()];
    let mut source = error.source();
    while let Some(inner) = source {
        let text = inner.to_string();
        if !parts.iter().any(|part| part.contains(&text)) {
            parts.push(text);
        }
        source = inner.source();
    }
    parts.join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_fit_whole_names() {
        for (wanted, name, fits) in [
            ("*.yaml", "a.yaml", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*", "", true),
            ("a*b*", "axxbyy", true),
            ("a", "ab", false),
        ] {
            assert_eq!(wildcard(wanted, name), fits, "{wanted} {name}");
        }
    }

    #[test]
    fn typos_find_their_word_and_strangers_do_not() {
        assert_eq!(nearest("Deploymnet", ["Deployment", "DaemonSet", "Service"]), ["Deployment"]);
        assert_eq!(nearest("desing", ["design", "system"]), ["design"]);
        assert!(nearest("xyz", ["Deployment", "abc"]).is_empty());
    }
}
