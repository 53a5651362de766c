//! The Lua script that wrk and wrk2 are given: it holds the request, which nobody can see in the list of processes, and
//! writes the report.

use std::fmt::Write;

/// The script. wrk tells every duration it recorded with its count; wrk2's own histogram is asked for percentiles.
pub(super) fn text(request: &[u8], report: &str, is_wrk2: bool) -> String {
    let distribution = if is_wrk2 { PERCENTILES } else { COUNTS };
    format!(
        "local request = {}\nwrk.format = function() return request end\nlocal report = {}\n{distribution}{DONE}",
        literal(request),
        literal(report.as_bytes()),
    )
}

/// Every recorded duration in microseconds with its count. Reading one of them takes the program a pass over its table, so
/// that a table of very many is asked for percentiles instead.
const COUNTS: &str = r#"
local function distribution(latency)
  if #latency * latency.max > 4e9 then return percentiles(latency) end
  local rows = {}
  for index = 1, #latency do
    local value, count = latency(index)
    if count and count > 0 then rows[#rows + 1] = string.format("[%d,%d]", value, count) end
  end
  return '"counts":[' .. table.concat(rows, ",") .. ']'
end
"#;

const PERCENTILES: &str = r"
local function distribution(latency) return percentiles(latency) end
";

/// Percentiles in steps that become ten times as fine with each nine, and the report around them.
const DONE: &str = r#"
function percentiles(latency)
  local rows = {}
  local from = 0
  for nines = 0, 4 do
    local step = 0.1 / 10 ^ nines
    local to = 100 - 10 ^ (1 - nines)
    if nines == 0 then to = 90 end
    for index = 1, math.floor((to - from) / step + 0.5) do
      local at = from + index * step
      rows[#rows + 1] = string.format("[%.6f,%d]", at, latency:percentile(at))
    end
    from = to
  end
  rows[#rows + 1] = string.format("[100,%d]", latency.max)
  return '"percentiles":[' .. table.concat(rows, ",") .. ']'
end

function done(summary, latency, requests)
  local errors = summary.errors
  local file = assert(io.open(report, "w"))
  file:write(string.format(
    '{"duration_us":%d,"requests":%d,"bytes":%d,"min_us":%d,"max_us":%d,' ..
    '"errors":{"connect":%d,"read":%d,"write":%d,"status":%d,"timeout":%d},',
    summary.duration, summary.requests, summary.bytes, latency.min, latency.max,
    errors.connect, errors.read, errors.write, errors.status, errors.timeout))
  file:write(distribution(latency), "}")
  file:close()
end
"#;

/// A string of Lua that is these bytes, whatever they are.
fn literal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::from("\""), |mut text, byte| {
        // Writing into a string cannot fail.
        let _ = write!(text, "\\{byte:03}");
        text
    }) + "\""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_cannot_leave_their_string() {
        assert_eq!(literal(b"a\"\n\0"), "\"\\097\\034\\010\\000\"");
        assert!(!text(b"\"; os.execute('x') --", "/tmp/r", false).contains("os.execute"));
    }
}
