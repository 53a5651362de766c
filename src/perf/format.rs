//! Results in the formats of other tools, and back.

mod csv;
pub mod fortio;
mod hgrm;
mod hlog;
pub mod html;
pub(in crate::perf) mod imported;
mod junit;
mod markdown;
mod native;
mod nighthawk;
mod prometheus;
mod read;

use crate::base::error::{Code, Error, Result};
use crate::base::text;
use crate::model::performance::result::PerfResult;
use crate::perf::{smp, summary};

pub use read::{read, read_as};

/// A format of results.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// This program's own JSON: the only one that keeps everything.
    Json,
    /// Service Mesh Performance as YAML: the result, the mesh's configuration and the environment as three documents.
    Smp,
    /// The result message of Service Mesh Performance as JSON.
    SmpJson,
    /// The result message of Service Mesh Performance as protobuf.
    SmpProto,
    /// fortio's JSON.
    Fortio,
    /// Nighthawk's JSON.
    Nighthawk,
    /// HdrHistogram's percentile table.
    Hgrm,
    /// HdrHistogram's interval log.
    Hlog,
    /// Figures of the run, one a row.
    Csv,
    /// The run second by second, one interval a row.
    CsvIntervals,
    /// JUnit XML, thresholds as test cases.
    Junit,
    /// Prometheus' text exposition.
    Prometheus,
    /// Markdown, as GitHub shows in the summary of a step.
    Markdown,
    /// One HTML file with charts.
    Html,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 14] = [
        Self::Json,
        Self::Smp,
        Self::SmpJson,
        Self::SmpProto,
        Self::Fortio,
        Self::Nighthawk,
        Self::Hgrm,
        Self::Hlog,
        Self::Csv,
        Self::CsvIntervals,
        Self::Junit,
        Self::Prometheus,
        Self::Markdown,
        Self::Html,
    ];

    /// Its name in flags.
    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Smp => "smp",
            Self::SmpJson => "smp-json",
            Self::SmpProto => "smp-proto",
            Self::Fortio => "fortio",
            Self::Nighthawk => "nighthawk",
            Self::Hgrm => "hgrm",
            Self::Hlog => "hlog",
            Self::Csv => "csv",
            Self::CsvIntervals => "csv-intervals",
            Self::Junit => "junit",
            Self::Prometheus => "prometheus",
            Self::Markdown => "markdown",
            Self::Html => "html",
        }
    }

    /// What it is, for help texts.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Json => "everything, as this program keeps it",
            Self::Smp => "Service Mesh Performance, YAML",
            Self::SmpJson => "Service Mesh Performance, JSON",
            Self::SmpProto => "Service Mesh Performance, protobuf",
            Self::Fortio => "fortio's JSON",
            Self::Nighthawk => "Nighthawk's JSON",
            Self::Hgrm => "percentile table of HdrHistogram",
            Self::Hlog => "interval log of HdrHistogram",
            Self::Csv => "figures of the run, one a row",
            Self::CsvIntervals => "the run second by second",
            Self::Junit => "JUnit XML, thresholds as cases",
            Self::Prometheus => "Prometheus' text format",
            Self::Markdown => "Markdown, for the summary of a step",
            Self::Html => "report with charts, one file",
        }
    }

    /// Whether [`read()`] reads it.
    pub fn is_readable(self) -> bool {
        matches!(
            self,
            Self::Json
                | Self::Smp
                | Self::SmpJson
                | Self::SmpProto
                | Self::Fortio
                | Self::Nighthawk
                | Self::Hgrm
                | Self::Hlog
        )
    }

    /// What of a result it has no place for; none where it keeps everything that it is meant to show.
    pub fn losses(self) -> Option<&'static str> {
        match self {
            Self::Json => None,
            Self::Smp | Self::SmpJson | Self::SmpProto => Some(
                "keeps the response times whole; service times, intervals, errors by cause and most of the plan are left out",
            ),
            Self::Fortio => Some(
                "keeps response times in buckets of half a percent; service times, intervals and errors by cause are left out",
            ),
            Self::Nighthawk => Some("keeps percentiles; intervals and most of the plan are left out"),
            Self::Hgrm => Some("keeps percentiles of the response time and nothing else"),
            Self::Hlog => Some("keeps durations whole; statuses, errors and the plan are left out"),
            Self::Csv | Self::CsvIntervals | Self::Junit | Self::Prometheus | Self::Markdown | Self::Html => {
                Some("is for showing: it cannot be read back")
            }
        }
    }

    /// What a reader of the written `result` may take for fact and must not, as a sentence; none where the format marks
    /// it, leaves it out, or where all of it is fact.
    pub fn caution(self, result: &PerfResult) -> Option<String> {
        let doubtful = match self {
            Self::CsvIntervals => csv::doubtful(result),
            // Without a response these have no percentile, where the messages of SMP have zeros.
            Self::Fortio | Self::Nighthawk | Self::Hgrm if result.latency.response.is_empty() => return None,
            _ => summary::doubtful(result, self.unmarked()),
        };
        let why = match self {
            Self::Smp | Self::SmpJson | Self::SmpProto => "; the label latency_unsupported names them",
            Self::CsvIntervals => ": a second holds too few responses for them",
            _ => "",
        };
        (!doubtful.is_empty()).then(|| {
            let names = doubtful.join(", ");
            format!("{} has {names} without a mark, which this result cannot state as fact{why}", self.name())
        })
    }

    /// Percentiles that it states without a place for a mark. Tables of all of them state those that every summary has.
    fn unmarked(self) -> &'static [f64] {
        match self {
            Self::Smp | Self::SmpJson | Self::SmpProto => &smp::result::PERCENTILES,
            Self::Fortio => &fortio::PERCENTILES,
            Self::Nighthawk | Self::Hgrm => &summary::PERCENTILES,
            _ => &[],
        }
    }

    /// Whether it is text.
    pub fn is_text(self) -> bool {
        self != Self::SmpProto
    }

    /// The format that is for showing only of which `text` begins as this program writes it.
    fn of_shown(text: &str) -> Option<Self> {
        [
            (Self::Csv, csv::FIGURES),
            (Self::CsvIntervals, csv::INTERVALS),
            (Self::Junit, "<?xml"),
            (Self::Prometheus, "# HELP "),
            (Self::Markdown, "## Performance: "),
            (Self::Html, "<!DOCTYPE html>"),
        ]
        .into_iter()
        .find(|(_, beginning)| text.starts_with(beginning))
        .map(|(format, _)| format)
    }

    /// The format of that name.
    ///
    /// # Errors
    /// There is none.
    pub fn parse(name: &str) -> Result<Self> {
        if name == "md" {
            return Ok(Self::Markdown);
        }
        let names = Self::ALL.map(Self::name);
        Self::ALL.into_iter().find(|format| format.name() == name).ok_or_else(|| {
            let error = Error::new(Code::UsageError, format!("`{name}` is no format of results"))
                .detail(format!("known are {}", names.join(", ")));
            match text::did_you_mean(name, names) {
                Some(near) => error.detail(near),
                None => error,
            }
        })
    }

    /// The format that a file's ending stands for. `.json` is this program's own.
    pub fn of_file(name: &str) -> Option<Self> {
        let lower = name.to_lowercase();
        Some(match lower.rsplit_once('.')?.1 {
            "json" => Self::Json,
            "yaml" | "yml" => Self::Smp,
            "pb" | "bin" => Self::SmpProto,
            "hgrm" => Self::Hgrm,
            "hlog" => Self::Hlog,
            "csv" => Self::Csv,
            "xml" => Self::Junit,
            "prom" => Self::Prometheus,
            "md" => Self::Markdown,
            "html" | "htm" => Self::Html,
            _ => return None,
        })
    }
}

/// A result in a format, with what its thresholds came to where the format has a place for them.
///
/// # Errors
/// [`Code::ResultUnwritable`]: the format has no place for what the result holds.
pub fn write(result: &PerfResult, format: Format) -> Result<Vec<u8>> {
    let verdicts = &result.verdicts;
    Ok(match format {
        Format::Json => native::write(result)?.into_bytes(),
        Format::Smp => smp::result::write_yaml(result)?.into_bytes(),
        Format::SmpJson => smp::result::write_json(result)?.into_bytes(),
        Format::SmpProto => smp::result::write_protobuf(result),
        Format::Fortio => fortio::write(result)?.into_bytes(),
        Format::Nighthawk => nighthawk::write(result)?.into_bytes(),
        Format::Hgrm => hgrm::write(&result.latency.response).into_bytes(),
        Format::Hlog => hlog::write(result)?.into_bytes(),
        Format::Csv => csv::figures(result).into_bytes(),
        Format::CsvIntervals => csv::intervals(result).into_bytes(),
        Format::Junit => junit::write(result, verdicts).into_bytes(),
        Format::Prometheus => prometheus::write(result).into_bytes(),
        Format::Markdown => markdown::write(result, verdicts).into_bytes(),
        Format::Html => html::write(&[html::Run { result, verdicts }]).into_bytes(),
    })
}

/// The error for a result that a format has no place for.
fn unwritable(format: Format, problem: impl std::fmt::Display) -> Error {
    Error::new(Code::ResultUnwritable, format!("the result cannot be written as {}", format.name())).because(problem)
}

/// Nanoseconds as seconds.
#[expect(clippy::cast_precision_loss, reason = "nanoseconds of an hour stay below 2^53")]
fn seconds(nanoseconds: u64) -> f64 {
    nanoseconds as f64 / 1e9
}

/// Seconds as nanoseconds; what is no duration is nothing.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the number is clamped first")]
fn nanoseconds(seconds: f64) -> u64 {
    (seconds * 1e9).round().clamp(0.0, 1e18) as u64
}

/// Text in XML and HTML; characters that XML forbids are left out.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\t' | '\n' => out.push(' '),
            letter if letter.is_control() || matches!(letter, '\u{fffe}' | '\u{ffff}') => {}
            letter => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        clippy::float_cmp,
        reason = "figures of tests are small and exact"
    )]

    use super::*;
    use crate::perf::sample;

    #[test]
    fn every_format_has_one_name_and_is_written() {
        let result = sample::result(3_000);
        for format in Format::ALL {
            assert_eq!(Format::parse(format.name()).unwrap(), format);
            let bytes = write(&result, format).unwrap();
            assert!(!bytes.is_empty(), "{format:?}");
            assert_eq!(std::str::from_utf8(&bytes).is_ok(), format.is_text(), "{format:?}");
        }
        let error = Format::parse("jsn").unwrap_err();
        assert!(error.report().details.iter().any(|line| line.contains("did you mean json")), "{:?}", error.report());
    }

    #[test]
    fn what_can_be_read_is_recognised_without_being_told() {
        let result = sample::result(3_000);
        for format in Format::ALL {
            let bytes = write(&result, format).unwrap();
            let back = read(&bytes, "result");
            if format.is_readable() {
                let back = back.unwrap_or_else(|error| panic!("{format:?}: {error}"));
                let (there, here) =
                    (back.latency.response.percentile_ns(90.0), result.latency.response.percentile_ns(90.0));
                let error = there.abs_diff(here) as f64 / here as f64;
                assert!(error < 0.02, "{format:?}: {there} for {here}");
            } else {
                let error = back.unwrap_err();
                assert_eq!(error.code(), Code::ResultUnreadable, "{format:?}");
                let cause = format!("it is {}, which is for showing and cannot be read back", format.name());
                assert!(error.to_string().contains(&cause), "{format:?}: {error}");
                assert!(
                    error.report().suggested_remediation.unwrap().contains("perf result export"),
                    "{format:?}: {error}"
                );
            }
        }
    }

    #[test]
    fn a_format_without_a_mark_for_doubt_is_cautioned_of() {
        let (few, many) = (sample::result(600), sample::result(2_000_000));
        for format in Format::ALL {
            let expected = match format {
                Format::Smp | Format::SmpJson | Format::SmpProto => "has p90, p99 without a mark",
                Format::Fortio => "has p90, p99, p99.9 without a mark",
                Format::Nighthawk | Format::Hgrm => "has p90, p95, p99, p99.9, p99.99 without a mark",
                Format::CsvIntervals => "has p50, p90, p99 without a mark",
                _ => "",
            };
            let caution = format.caution(&few);
            assert_eq!(caution.is_some(), !expected.is_empty(), "{format:?}: {caution:?}");
            assert!(caution.unwrap_or_default().contains(expected), "{format:?}");
            assert_eq!(format.caution(&many), None, "{format:?}");
        }
    }

    #[test]
    fn lateness_and_requests_without_a_response_are_cautioned_of_too() {
        let mut late = sample::result(20_000);
        assert_eq!(Format::Smp.caution(&late), None);
        late.latency.slip = late.latency.response.clone();
        assert!(Format::Smp.caution(&late).is_some_and(|caution| caution.contains("p50, p90, p99")));
        let mut dropped = sample::result(20_000);
        dropped.requests.dropped = 1_000;
        assert!(Format::Smp.caution(&dropped).is_some_and(|caution| caution.contains("has p99 without")));
    }

    #[test]
    fn an_empty_result_can_be_written_in_every_format() {
        let mut result = sample::result(1);
        result.latency = crate::model::performance::result::Latency::default();
        result.intervals.clear();
        for format in Format::ALL {
            write(&result, format).unwrap();
        }
    }

    #[test]
    fn endings_stand_for_formats() {
        assert_eq!(Format::of_file("a/b.HTML"), Some(Format::Html));
        assert_eq!(Format::of_file("b.hgrm"), Some(Format::Hgrm));
        assert_eq!([Format::of_file("b"), Format::of_file("b.txt")], [None, None]);
    }
}
