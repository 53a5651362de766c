//! Values of flags that are small languages: laws of rates, overload, reuse, targets, pairs.

use crate::base::error::{Code, Error, Result};
use crate::base::text::did_you_mean;
use crate::model::performance::duration;
use crate::model::performance::plan::{Header, Overload, Pacing, Reuse, Step, Target};
use crate::plane::adapter::{self, Adapter};
use crate::wire::mesh;

/// What `--rate` says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Law {
    /// As many requests as may be: the closed model.
    Max,
    /// By the clock.
    By(Pacing),
}

fn wrong(flag: &str, value: &str, cause: &str, forms: &str) -> Error {
    Error::new(Code::UsageError, format!("`{value}` is no value for {flag}"))
        .because(cause)
        .remedy(format!("Write {forms}."))
}

const RATES: &str = "500, constant:500, poisson:500, ramp:0..1000/30s, steps:100/10s,200/10s or max";

/// Reads `--rate`.
pub(crate) fn rate(text: &str) -> Result<Law> {
    let fault = |cause: &str| wrong("--rate", text, cause, RATES);
    if text.eq_ignore_ascii_case("max") {
        return Ok(Law::Max);
    }
    let (law, rest) = text.split_once(':').unwrap_or(("constant", text));
    let pacing = match law {
        "constant" => Pacing::Constant { rate: number(rest).map_err(|cause| fault(&cause))? },
        "poisson" => Pacing::Poisson { rate: number(rest).map_err(|cause| fault(&cause))? },
        "ramp" => ramp(rest).map_err(|cause| fault(&cause))?,
        "steps" => Pacing::Steps { steps: steps(rest).map_err(|cause| fault(&cause))? },
        other => return Err(fault(&format!("`{other}` is not a law"))),
    };
    Ok(Law::By(pacing))
}

/// Requests a second: a positive number, with `/s` behind it where one likes.
fn number(text: &str) -> Result<f64, String> {
    let digits = text.trim().trim_end_matches("/s");
    let rate: f64 = digits.parse().map_err(|_| format!("`{text}` is not a number of requests a second"))?;
    if rate.is_finite() && rate > 0.0 { Ok(rate) } else { Err(format!("a rate of {text} cannot be sent")) }
}

fn ramp(text: &str) -> Result<Pacing, String> {
    let (rates, length) = text.rsplit_once('/').ok_or("the length of the ramp is missing behind `/`")?;
    let (from, to) = rates.split_once("..").ok_or("the two rates are not separated by `..`")?;
    let from = if from.trim() == "0" { 0.0 } else { number(from)? };
    let to = if to.trim() == "0" && from > 0.0 { 0.0 } else { number(to)? };
    Ok(Pacing::Ramp { from, to, over: duration::parse_single(length)? })
}

fn steps(text: &str) -> Result<Vec<Step>, String> {
    let step = |part: &str| {
        let (rate, length) =
            part.rsplit_once('/').ok_or_else(|| format!("the length of the step `{part}` is missing behind `/`"))?;
        Ok(Step { rate: number(rate)?, length: duration::parse_single(length)? })
    };
    text.split(',').map(step).collect()
}

/// Reads `--overload`.
pub(crate) fn overload(text: &str) -> Result<Overload> {
    let fault = |cause: &str| wrong("--overload", text, cause, "queue, drop or grow:CONNECTIONS");
    match text.split_once(':') {
        None if text == "queue" => Ok(Overload::Queue),
        None if text == "drop" => Ok(Overload::Drop),
        Some(("grow", limit)) => match limit.parse() {
            Ok(limit) if limit > 0 => Ok(Overload::Grow { limit }),
            _ => Err(fault("the number of connections is missing or wrong")),
        },
        _ => Err(fault("there is no such policy")),
    }
}

/// Reads `--reuse`.
pub(crate) fn reuse(text: &str) -> Result<Reuse> {
    let fault = |cause: &str| wrong("--reuse", text, cause, "keep-alive, per-request, or a range such as 10..50");
    match text {
        "keep-alive" => return Ok(Reuse::KeepAlive),
        "per-request" => return Ok(Reuse::PerRequest),
        _ => {}
    }
    let (min, max) = text.split_once("..").ok_or_else(|| fault("there is no such policy"))?;
    match (min.parse(), max.parse()) {
        (Ok(min), Ok(max)) if min > 0 && max >= min => Ok(Reuse::Range { min, max }),
        _ => Err(fault("the range has to go from a number to a larger one")),
    }
}

/// Reads `--url`: an address, with `,weight=N` behind it where its share is not that of the others.
pub(crate) fn target(text: &str) -> Result<Target> {
    let Some((url, weight)) = text.rsplit_once(",weight=") else {
        return Ok(Target { url: text.to_owned(), weight: 1 });
    };
    match weight.parse() {
        Ok(weight) if weight > 0 => Ok(Target { url: url.to_owned(), weight }),
        _ => Err(wrong("--url", text, "the weight is not a whole number above 0", "URL or URL,weight=N")),
    }
}

/// Reads `-H`.
pub(crate) fn header(text: &str) -> Result<Header> {
    match text.split_once(':') {
        Some((name, value)) if !name.trim().is_empty() => {
            Ok(Header { name: name.trim().to_owned(), value: value.trim().to_owned() })
        }
        _ => Err(wrong("--header", text, "the colon behind its name is missing", "`Name: value`")),
    }
}

/// Reads `--mesh`: by its name in the specification, its number, or a word in use for it; none for what says so.
pub(crate) fn mesh(text: &str) -> Result<Option<String>> {
    let Some(word) = mesh::named(text) else { return Ok(None) };
    if let Some(name) = mesh::known(&word) {
        return Ok(Some(name.to_owned()));
    }
    if let Ok(adapter) = adapter::find(text) {
        return Ok(Some(adapter.smp_name.to_owned()));
    }
    let names: Vec<&str> = adapter::ALL.iter().map(Adapter::mesh).collect();
    let error = Error::new(Code::UsageError, format!("`{text}` is no value for --mesh"))
        .because("there is no such mesh")
        .remedy(format!("Use one of {}.", names.join(", ")));
    Err(match did_you_mean(text, names) {
        Some(near) => error.detail(near),
        None => error,
    })
}

/// Reads `NAME=VALUE` of a flag.
pub(crate) fn pair(flag: &str, text: &str) -> Result<(String, String)> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err(wrong(flag, text, "the equals sign behind its name is missing", "NAME=VALUE")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn every_law_is_read() {
        assert_eq!(rate("max").unwrap(), Law::Max);
        for text in ["500", "500/s", "constant:500"] {
            assert_eq!(rate(text).unwrap(), Law::By(Pacing::Constant { rate: 500.0 }), "{text}");
        }
        assert_eq!(rate("poisson:0.5").unwrap(), Law::By(Pacing::Poisson { rate: 0.5 }));
        let ramp = Pacing::Ramp { from: 0.0, to: 1000.0, over: Duration::from_secs(90) };
        assert_eq!(rate("ramp:0..1000/90s").unwrap(), Law::By(ramp));
        let Law::By(Pacing::Steps { steps }) = rate("steps:100/10s,200/500ms").unwrap() else { panic!("no steps") };
        assert_eq!((steps[1].rate, steps[1].length), (200.0, Duration::from_millis(500)));
    }

    #[test]
    fn what_is_no_law_is_refused_with_its_reason() {
        for (text, word) in [
            ("-5", "cannot be sent"),
            ("0", "cannot be sent"),
            ("NaN", "cannot be sent"),
            ("fast", "not a number"),
            ("burst:5", "not a law"),
            ("ramp:1..2", "length of the ramp"),
            ("ramp:1-2/3s", "`..`"),
            ("ramp:0..0/3s", "cannot be sent"),
            ("steps:5", "length of the step"),
            ("steps:5/10", "unit is missing"),
        ] {
            let error = rate(text).unwrap_err();
            assert!(error.to_string().contains(word), "`{word}` is not in: {error}");
        }
    }

    #[test]
    fn other_values_are_read_and_refused() {
        assert_eq!(overload("grow:9").unwrap(), Overload::Grow { limit: 9 });
        assert_eq!(reuse("2..5").unwrap(), Reuse::Range { min: 2, max: 5 });
        assert_eq!(target("http://a/?x=1,2,weight=3").unwrap(), Target { url: "http://a/?x=1,2".into(), weight: 3 });
        assert_eq!(header("A: b:c").unwrap(), Header { name: "A".into(), value: "b:c".into() });
        assert!(overload("grow:0").is_err() && overload("wait").is_err());
        assert!(reuse("5..2").is_err() && reuse("0..2").is_err() && reuse("never").is_err());
        assert!(target("http://a,weight=0").is_err() && header("A b").is_err() && pair("--label", "=x").is_err());
    }

    #[test]
    fn meshes_are_known_by_every_word_that_is_offered_and_others_are_refused() {
        for adapter in adapter::ALL {
            assert_eq!(mesh(adapter.mesh()).unwrap().as_deref(), Some(adapter.smp_name), "{}", adapter.mesh());
        }
        for text in ["3", "Istio", "ISTIO", "meshery-istio"] {
            assert_eq!(mesh(text).unwrap().as_deref(), Some("ISTIO"), "{text}");
        }
        assert_eq!([mesh("").unwrap(), mesh("None").unwrap(), mesh("0").unwrap()], [None, None, None]);
        let report = mesh("isto").unwrap_err().report();
        assert!(report.details.iter().any(|detail| detail == "did you mean istio?"), "{report:?}");
        assert!(mesh("foomesh").is_err() && mesh("99").is_err());
    }
}
