//! tmp
use crate::model::performance::result::PerfResult;
use crate::perf::threshold::Verdict;
#[allow(missing_docs, reason = "tmp")]
pub struct Run<'a> {
    pub result: &'a PerfResult,
    pub verdicts: &'a [Verdict],
}
pub fn write(runs: &[Run<'_>]) -> String {
    format!("<!doctype html>{}", runs.len())
}
