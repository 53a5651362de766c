//! This program's own JSON.

use super::{Format, unwritable};
use crate::base::error::Result;
use crate::model::performance::result::{PerfResult, SCHEMA};

pub fn write(result: &PerfResult) -> Result<String> {
    serde_json::to_string_pretty(result).map(|text| text + "\n").map_err(|problem| unwritable(Format::Json, problem))
}

/// Reads a result; the cause is the sentence of the parser. A schema of another version is refused, because its fields
/// may mean something else.
pub fn read(value: serde_json::Value) -> Result<PerfResult, String> {
    match value["schema"].as_str() {
        Some(SCHEMA) => serde_json::from_value(value).map_err(|problem| problem.to_string()),
        Some(other) => Err(format!("its schema is `{other}`, this version reads `{SCHEMA}`")),
        None => Err("it has no schema".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::perf::sample;

    #[test]
    fn nothing_is_lost() {
        let result = sample::result(500);
        let text = write(&result).unwrap();
        let back = read(serde_json::from_str(&text).unwrap()).unwrap();
        assert_eq!(write(&back).unwrap(), text);
        assert_eq!(back.plan, result.plan);
    }

    #[test]
    fn a_later_version_is_refused() {
        let problem = read(serde_json::json!({"schema": "mesheryctl.perf.result/v2"})).unwrap_err();
        assert!(problem.contains("/v2") && problem.contains("/v1"), "{problem}");
    }
}
