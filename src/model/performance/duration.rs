//! Durations as people write them: `500ms`, `30s`, `2h`. Files of earlier eras are written in the grammar of Go's
//! `time.ParseDuration`, which adds several up: `1m30s`. Flags take one number and one unit.

use std::fmt::Write;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serializer};

/// Units, longest name first where one is the beginning of another.
const UNITS: [(&str, f64); 8] =
    [("ns", 1e-9), ("us", 1e-6), ("µs", 1e-6), ("μs", 1e-6), ("ms", 1e-3), ("s", 1.0), ("m", 60.0), ("h", 3600.0)];

/// Reads a duration. A bare number other than `0` is refused, because its unit is a guess.
///
/// # Errors
/// What is wrong, as a sentence without the value and without a full stop.
pub fn parse(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    if text.starts_with('-') {
        return Err("a duration cannot be negative".to_owned());
    }
    if text.is_empty() {
        return Err("a duration is wanted, such as 500ms, 30s or 2h".to_owned());
    }
    let mut rest = text;
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let number: f64 = rest[..digits].parse().map_err(|_| wanted())?;
        rest = &rest[digits..];
        let letters = rest.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(rest.len());
        let unit = &rest[..letters];
        let (_, scale) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(|| unknown_unit(unit))?;
        seconds += number * scale;
        rest = &rest[letters..];
    }
    Duration::try_from_secs_f64(seconds).map_err(|_| "the duration is too long".to_owned())
}

/// Reads a duration of one number and one unit. Earlier programs took such flags for one number too, and `1m30s` for a second:
/// a script that still says so has to be looked at, not to run for another time than it did.
///
/// # Errors
/// Those of [`parse`]; a sum is refused with its value in one unit.
pub fn parse_single(text: &str) -> Result<Duration, String> {
    let length = parse(text)?;
    let numbers = text.split(|c: char| !c.is_ascii_digit() && c != '.').filter(|part| !part.is_empty()).count();
    if numbers > 1 {
        return Err(format!("one number and one unit are wanted: {}", format_single(length)));
    }
    Ok(length)
}

fn wanted() -> String {
    "a number and a unit are wanted, such as 500ms, 30s or 2h".to_owned()
}

fn unknown_unit(unit: &str) -> String {
    if unit.is_empty() {
        "its unit is missing: write ns, us, ms, s, m or h after the number".to_owned()
    } else {
        format!("`{unit}` is not a unit: use ns, us, ms, s, m or h")
    }
}

/// Writes a duration so that [`parse`] reads the same one: `1m30s`, `250ms`, `0s`.
pub fn format(duration: Duration) -> String {
    let whole = duration.as_secs();
    let nanos = duration.subsec_nanos();
    if whole == 0 && nanos > 0 {
        return below_a_second(nanos);
    }
    let mut text = String::new();
    for (size, unit) in [(3600, 'h'), (60, 'm')] {
        let count = if unit == 'h' { whole / size } else { whole % 3600 / size };
        if count > 0 {
            let _ = write!(text, "{count}{unit}");
        }
    }
    let seconds = whole % 60;
    if nanos > 0 {
        let fraction = format!("{nanos:09}");
        let _ = write!(text, "{seconds}.{}s", fraction.trim_end_matches('0'));
    } else if seconds > 0 || text.is_empty() {
        let _ = write!(text, "{seconds}s");
    }
    text
}

/// Writes a duration so that [`parse_single`] reads the same one, in the largest unit that leaves no rest: `90s`, `2h`, `250ms`.
pub fn format_single(duration: Duration) -> String {
    let whole = duration.as_secs();
    match duration.subsec_nanos() {
        0 if whole > 0 && whole.is_multiple_of(3600) => format!("{}h", whole / 3600),
        0 if whole > 0 && whole.is_multiple_of(60) => format!("{}m", whole / 60),
        0 => format!("{whole}s"),
        nanos if whole == 0 => below_a_second(nanos),
        nanos => format!("{whole}.{}s", format!("{nanos:09}").trim_end_matches('0')),
    }
}

fn below_a_second(nanos: u32) -> String {
    let (unit, size) = match nanos {
        1_000_000.. => ("ms", 1_000_000),
        1_000.. => ("us", 1_000),
        _ => ("ns", 1),
    };
    let fraction = f64::from(nanos) / f64::from(size);
    format!("{fraction}{unit}")
}

/// `#[serde(with = "duration")]`: writes text, and reads text or a number of seconds.
///
/// # Errors
/// Those of the serializer.
pub fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&format(*duration))
}

/// See [`serialize`].
///
/// # Errors
/// The text is no duration.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Form {
        Text(String),
        Seconds(f64),
    }
    let fault = |text: String| <D::Error as serde::de::Error>::custom(text);
    match Form::deserialize(deserializer)? {
        Form::Text(text) => parse(&text).map_err(|problem| fault(format!("`{text}`: {problem}"))),
        Form::Seconds(seconds) => Duration::try_from_secs_f64(seconds).map_err(|problem| fault(problem.to_string())),
    }
}

/// The same for a duration that may be absent.
pub mod optional {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    /// `#[serde(with = "duration::optional", default)]`.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(duration: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
        match duration {
            Some(duration) => super::serialize(duration, serializer),
            None => serializer.serialize_none(),
        }
    }

    /// See [`serialize`].
    ///
    /// # Errors
    /// The text is no duration.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
        #[derive(Deserialize)]
        struct Inner(#[serde(with = "super")] Duration);
        Ok(Option::<Inner>::deserialize(deserializer)?.map(|Inner(duration)| duration))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_duration_is_read_as_it_was_written() {
        for text in ["0s", "1ns", "1.5us", "250ms", "30s", "1m30s", "1h", "2h0.5s", "1h1m1s"] {
            assert_eq!(format(parse(text).unwrap()), text);
        }
        assert_eq!(format(parse("90s").unwrap()), "1m30s");
        assert_eq!(format(parse("120m").unwrap()), "2h");
    }

    #[test]
    fn a_flag_takes_one_number_and_one_unit() {
        for text in ["0s", "1.5us", "250ms", "90s", "90.5s", "30m", "2h", "3661s"] {
            assert_eq!(format_single(parse_single(text).unwrap()), text);
        }
        assert_eq!(parse_single("0"), Ok(Duration::ZERO));
        for (text, single) in [("1m30s", "90s"), ("1h30m", "90m"), ("1s500ms", "1.5s"), ("60m60m", "2h")] {
            assert_eq!(parse_single(text).unwrap_err(), format!("one number and one unit are wanted: {single}"));
        }
    }

    #[test]
    fn what_is_no_duration_is_refused_with_its_reason() {
        assert!(parse("30").unwrap_err().contains("unit is missing"));
        assert!(parse("-5s").unwrap_err().contains("negative"));
        assert!(parse("5 parsecs").unwrap_err().contains("not a unit"));
        assert!(parse("1d").unwrap_err().contains("`d`"));
        assert!(parse("").unwrap_err().contains("wanted"));
        assert!(parse("s").unwrap_err().contains("number"));
    }
}
