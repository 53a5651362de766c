//! Quantities of Kubernetes (`resource.Quantity`), as far as processors and memory have them.

/// Suffixes and what they stand for.
const SUFFIXES: [(&str, f64); 13] = [
    ("", 1.0),
    ("n", 1e-9),
    ("u", 1e-6),
    ("m", 1e-3),
    ("k", 1e3),
    ("M", 1e6),
    ("G", 1e9),
    ("T", 1e12),
    ("Ki", 1024.0),
    ("Mi", 1024.0 * 1024.0),
    ("Gi", 1024.0 * 1024.0 * 1024.0),
    ("Ti", 1024.0 * 1024.0 * 1024.0 * 1024.0),
    ("P", 1e15),
];

/// Thousandths of a processor; none for what is no quantity. Parts of one count as a whole one.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
pub(super) fn millicores(text: &str) -> Option<u32> {
    Some((value(text)? * 1e3).ceil().clamp(0.0, f64::from(u32::MAX)) as u32)
}

/// Whole MiB; none for what is no quantity.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
pub(super) fn mebibytes(text: &str) -> Option<u64> {
    Some((value(text)? / (1024.0 * 1024.0)).clamp(0.0, 1e15) as u64)
}

fn value(text: &str) -> Option<f64> {
    if let Ok(number) = text.parse::<f64>() {
        return number.is_finite().then_some(number);
    }
    let end = text.trim_end_matches(|c: char| c.is_ascii_alphabetic()).len();
    let (number, suffix) = text.split_at(end);
    let (_, scale) = SUFFIXES.iter().find(|(name, _)| *name == suffix)?;
    number.parse::<f64>().ok().map(|number| number * scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processors_and_memory_are_read_in_their_units() {
        for (text, wanted) in [
            ("100m", Some(100)),
            ("2", Some(2_000)),
            ("0.5", Some(500)),
            ("250u", Some(1)),
            ("1e1", Some(10_000)),
            ("x", None),
        ] {
            assert_eq!(millicores(text), wanted, "{text}");
        }
        for (text, wanted) in [
            ("128Mi", Some(128)),
            ("2048Ki", Some(2)),
            ("1Gi", Some(1024)),
            ("1.5Gi", Some(1536)),
            ("134217728", Some(128)),
            ("1G", Some(953)),
            ("1Gb", None),
            ("", None),
        ] {
            assert_eq!(mebibytes(text), wanted, "{text}");
        }
    }
}
