//! The small forms of a Compose file: lists or mappings, durations, sizes, shell words.

use serde_json::Value;

/// A scalar as text.
pub(super) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}

/// A string, or a list of strings.
pub(super) fn strings(value: Option<&Value>) -> Option<Vec<String>> {
    match value? {
        Value::Array(items) => items.iter().map(scalar).collect(),
        Value::Null => Some(Vec::new()),
        one => Some(vec![scalar(one)?]),
    }
}

/// A command: a list, or a string that is split into words as a shell does.
pub(super) fn words(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::String(text) => Some(split(text)),
        other => strings(Some(other)),
    }
}

fn split(text: &str) -> Vec<String> {
    let (mut words, mut word, mut open) = (Vec::new(), String::new(), false);
    let mut quote = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (c, quote) {
            ('\'' | '"', None) => {
                quote = Some(c);
                open = true;
            }
            (c, Some(mark)) if c == mark => quote = None,
            ('\\', None | Some('"')) => {
                word.extend(chars.next());
                open = true;
            }
            (c, None) if c.is_whitespace() => {
                if std::mem::take(&mut open) {
                    words.push(std::mem::take(&mut word));
                }
            }
            (c, _) => {
                word.push(c);
                open = true;
            }
        }
    }
    if open {
        words.push(word);
    }
    words
}

/// `KEY=VALUE` items, or a mapping. A key without a value gives `None`.
pub(super) fn pairs(value: &Value) -> Option<Vec<(String, Option<String>)>> {
    match value {
        Value::Null => Some(Vec::new()),
        Value::Object(map) => map
            .iter()
            .map(|(key, value)| match value {
                Value::Null => Some((key.clone(), None)),
                other => Some((key.clone(), Some(scalar(other)?))),
            })
            .collect(),
        Value::Array(items) => items
            .iter()
            .map(|item| {
                let text = scalar(item)?;
                Some(match text.split_once('=') {
                    Some((key, value)) => (key.to_owned(), Some(value.to_owned())),
                    None => (text, None),
                })
            })
            .collect(),
        _ => None,
    }
}

/// A number, which may be written as text.
pub(super) fn number(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.trim().parse().ok())
}

/// Whole seconds of a duration such as `1m30s`, rounded up.
pub(super) fn seconds(value: &Value) -> Option<i64> {
    if let Some(number) = value.as_i64() {
        return Some(number);
    }
    let mut rest = value.as_str()?.trim();
    let mut total = 0.0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let amount: f64 = rest[..digits].parse().ok()?;
        let unit_end = rest[digits..].find(|c: char| c.is_ascii_digit()).map_or(rest.len(), |end| digits + end);
        total += amount
            * match &rest[digits..unit_end] {
                "d" => 86_400.0,
                "h" => 3_600.0,
                "m" => 60.0,
                "s" | "" => 1.0,
                "ms" => 0.001,
                "us" | "ns" => 0.0,
                _ => return None,
            };
        rest = &rest[unit_end..];
    }
    #[expect(clippy::cast_possible_truncation, reason = "durations of Compose files are far below 2^53 seconds")]
    Some(total.ceil() as i64)
}

/// A size such as `50M` as Kubernetes writes it; Compose counts in powers of 1024.
pub(super) fn memory(value: &Value) -> Option<String> {
    let text = scalar(value)?.trim().to_lowercase();
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (amount, unit) = text.split_at(digits);
    amount.parse::<f64>().ok()?;
    let unit = match unit.trim() {
        "" | "b" => "",
        "k" | "kb" | "kib" | "ki" => "Ki",
        "m" | "mb" | "mib" | "mi" => "Mi",
        "g" | "gb" | "gib" | "gi" => "Gi",
        "t" | "tb" | "tib" | "ti" => "Ti",
        _ => return None,
    };
    Some(format!("{amount}{unit}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn small_forms_are_read() {
        assert_eq!(split(r#"sh -c "echo \"a b\"" 'c  d' "" e\ f"#), ["sh", "-c", "echo \"a b\"", "c  d", "", "e f"]);
        for (text, wanted) in
            [("1m30s", Some(90)), ("500ms", Some(1)), ("2h", Some(7200)), ("7", Some(7)), ("x", None), ("", None)]
        {
            assert_eq!(seconds(&json!(text)), wanted, "{text}");
        }
        for (text, wanted) in [("50M", Some("50Mi")), ("1.5gb", Some("1.5Gi")), ("1024", Some("1024")), ("5x", None)] {
            assert_eq!(memory(&json!(text)).as_deref(), wanted, "{text}");
        }
        assert_eq!(pairs(&json!(["A=b=c", "D"])).unwrap(), [("A".into(), Some("b=c".into())), ("D".into(), None)]);
        assert_eq!(pairs(&json!({"A": 1, "B": null})).unwrap(), [("A".into(), Some("1".into())), ("B".into(), None)]);
    }
}
