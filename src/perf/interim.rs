//! Results in this program's own JSON, and as a document of the Service Mesh Performance specification.

use serde_json::json;

use crate::base::error::{Code, Error, Result};
use crate::base::yaml;
use crate::model::performance::result::PerfResult;
use crate::perf::threshold::Verdict;

/// A format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Everything, as this program keeps it.
    Json,
    /// Service Mesh Performance, YAML.
    Smp,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 2] = [Self::Json, Self::Smp];

    /// Its name in flags.
    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Smp => "smp",
        }
    }

    /// The format of that name.
    ///
    /// # Errors
    /// There is none.
    pub fn parse(name: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|format| format.name() == name);
        found.ok_or_else(|| Error::new(Code::UsageError, format!("`{name}` is no format of results")))
    }

    /// The format that a file's ending stands for.
    pub fn of_file(name: &str) -> Option<Self> {
        match name.to_lowercase().rsplit_once('.')?.1 {
            "json" => Some(Self::Json),
            "yaml" | "yml" => Some(Self::Smp),
            _ => None,
        }
    }
}

/// A result in a format.
///
/// # Errors
/// A fault of this program.
pub fn write(result: &PerfResult, format: Format) -> Result<Vec<u8>> {
    write_judged(result, &[], format)
}

/// A result in a format.
///
/// # Errors
/// A fault of this program.
pub fn write_judged(result: &PerfResult, _verdicts: &[Verdict], format: Format) -> Result<Vec<u8>> {
    let fault = |problem: serde_json::Error| Error::internal("a result cannot be written as JSON").because(problem);
    match format {
        Format::Json => serde_json::to_vec_pretty(result).map_err(fault),
        Format::Smp => {
            let response = &result.latency.response;
            #[expect(clippy::cast_precision_loss, reason = "durations of a run stay below 2^52 ns")]
            let ms = |nanoseconds: u64| nanoseconds as f64 / 1e6;
            let latencies = json!({
                "min": ms(response.min_ns()),
                "average": response.mean_ns() / 1e6,
                "p50": ms(response.percentile_ns(50.0)),
                "p90": ms(response.percentile_ns(90.0)),
                "p99": ms(response.percentile_ns(99.0)),
                "max": ms(response.max_ns()),
            });
            let document = json!({
                "smp_version": "v0.0.1",
                "id": result.id,
                "start_time": result.started_at,
                "end_time": result.ended_at,
                "latencies_ms": latencies,
                "actual_qps": result.achieved_rate,
            });
            Ok(yaml::write(&document)?.into_bytes())
        }
    }
}
