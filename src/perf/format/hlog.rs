//! The interval log of HdrHistogram, version 1.3. Durations are nanoseconds; the column of maxima is in milliseconds.
//!
//! Intervals of the response time stand untagged, so that every reader finds them; the service time and the generator's
//! slip of the whole run follow under tags of their own.

use std::fmt::Write;

use super::{Format, imported, unwritable};
use crate::base::clock::Timestamp;
use crate::base::error::Result;
use crate::model::performance::histogram::Histogram;
use crate::model::performance::result::{Interval, PerfResult};

const VERSION: &str = "#[Histogram log format version 1.3]";
const LEGEND: &str = "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"";

pub fn write(result: &PerfResult) -> Result<String> {
    let start = epoch(result.started_at);
    let mut text = format!(
        "{VERSION}\n#[Logged with {} {}]\n#[StartTime: {start:.3} (seconds since epoch), {}]\n#[BaseTime: {start:.3} (seconds since epoch)]\n{LEGEND}\n",
        result.generator.name, result.generator.version, result.started_at,
    );
    if result.intervals.is_empty() {
        line(&mut text, "", (0.0, result.elapsed_seconds), &result.latency.response)?;
    }
    for interval in &result.intervals {
        line(&mut text, "", (interval.start_seconds, interval.length_seconds), &interval.response.unpack())?;
    }
    for (tag, histogram) in [("Tag=service,", &result.latency.service), ("Tag=slip,", &result.latency.slip)] {
        if !histogram.is_empty() {
            line(&mut text, tag, (0.0, result.elapsed_seconds), histogram)?;
        }
    }
    Ok(text)
}

fn line(text: &mut String, tag: &str, (start, length): (f64, f64), histogram: &Histogram) -> Result<()> {
    let payload = histogram.encode().map_err(|problem| unwritable(Format::Hlog, problem))?;
    let max = super::seconds(histogram.max_ns()) * 1e3;
    let _ = writeln!(text, "{tag}{start:.3},{length:.3},{max:.6},{payload}");
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 stay below 2^53")]
fn epoch(time: Timestamp) -> f64 {
    time.as_millisecond() as f64 / 1e3
}

pub fn is_log(text: &str) -> bool {
    text.starts_with("#[Histogram log format version")
        || text.starts_with("\"StartTimestamp\"")
        || text.starts_with("#[StartTime:")
}

/// One line of a log.
struct Entry<'a> {
    tag: Option<&'a str>,
    start: f64,
    length: f64,
    histogram: Histogram,
}

pub fn read(text: &str) -> Result<PerfResult, String> {
    let mut result = imported::blank("unknown", text.as_bytes());
    let mut base = None;
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        if let Some(time) = header_time(line) {
            base = base.or(Some(time));
        } else if !line.starts_with('#') && !line.starts_with('"') {
            let entry = entry(line).map_err(|problem| format!("line {}: {problem}", number + 1))?;
            take(&mut result, entry);
        }
    }
    if result.intervals.is_empty() {
        return Err("the log holds no interval".to_owned());
    }
    settle(&mut result, base.unwrap_or_default());
    Ok(result)
}

fn header_time(line: &str) -> Option<f64> {
    let rest = line.strip_prefix("#[StartTime:").or_else(|| line.strip_prefix("#[BaseTime:"))?;
    rest.split_whitespace().next()?.parse().ok().filter(|time: &f64| time.is_finite())
}

fn entry(line: &str) -> Result<Entry<'_>, String> {
    let (tag, rest) = match line.strip_prefix("Tag=") {
        Some(rest) => rest.split_once(',').map(|(tag, rest)| (Some(tag), rest)).ok_or("a tag without an interval")?,
        None => (None, line),
    };
    let cells: Vec<&str> = rest.splitn(4, ',').collect();
    let [start, length, _, payload] = cells.as_slice() else { return Err("an interval has four columns".to_owned()) };
    let number = |text: &str| {
        let number = text.trim().parse::<f64>().ok().filter(|number| number.is_finite());
        number.ok_or_else(|| format!("`{text}` is no number of seconds"))
    };
    Ok(Entry { tag, start: number(start)?, length: number(length)?, histogram: Histogram::decode(payload)? })
}

fn take(result: &mut PerfResult, entry: Entry<'_>) {
    match entry.tag {
        Some("service") => result.latency.service.merge(&entry.histogram),
        Some("slip") => result.latency.slip.merge(&entry.histogram),
        // Tags of other programs name series of their own; what they mean is not known.
        Some(other) => result.warnings.push(format!("the series `{other}` of the log is left out")),
        None => {
            result.latency.response.merge(&entry.histogram);
            let count = entry.histogram.count();
            result.intervals.push(Interval {
                start_seconds: entry.start,
                length_seconds: entry.length,
                sent: count,
                succeeded: count,
                failed: 0,
                dropped: 0,
                response: entry.histogram.into(),
            });
        }
    }
}

/// Start times count from the base time, or from 1970 where there is none.
#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
fn settle(result: &mut PerfResult, base: f64) {
    result.warnings.dedup();
    let first = result.intervals.first().map_or(0.0, |interval| interval.start_seconds);
    result.intervals.iter_mut().for_each(|interval| interval.start_seconds -= first);
    let end =
        result.intervals.iter().map(|interval| interval.start_seconds + interval.length_seconds).fold(0.0, f64::max);
    let begin = if first > 1e9 { first } else { base + first };
    #[expect(clippy::cast_possible_truncation, reason = "the number is clamped first")]
    let begin = Timestamp::from_millisecond((begin * 1e3).round().clamp(0.0, 1e14) as i64).unwrap_or_default();
    imported::set_time(result, begin, end);
    if result.latency.service.is_empty() {
        result.latency.service = result.latency.response.clone();
    }
    let count = result.latency.response.count();
    (result.requests.due, result.requests.sent, result.requests.succeeded) = (count, count, count);
    result.achieved_rate = if end > 0.0 { count as f64 / end } else { 0.0 };
    result.warnings.push("read from an interval log: it tells nothing of errors and of what was asked for".to_owned());
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
    fn every_count_of_every_interval_is_read_back() {
        let result = sample::result(3_000);
        let text = write(&result).unwrap();
        assert!(text.starts_with(VERSION) && text.contains(LEGEND), "{text}");
        let back = read(&text).unwrap();
        let counts = |histogram: &Histogram| histogram.counts().collect::<Vec<_>>();
        assert_eq!(back.intervals.len(), result.intervals.len());
        for (there, here) in back.intervals.iter().zip(&result.intervals) {
            assert_eq!(there.response, here.response);
        }
        assert_eq!(counts(&back.latency.response), counts(&result.latency.response));
        assert_eq!(counts(&back.latency.service), counts(&result.latency.service));
        assert_eq!(counts(&back.latency.slip), counts(&result.latency.slip));
        assert_eq!((back.started_at, back.elapsed_seconds), (result.started_at, result.elapsed_seconds));
    }

    #[test]
    fn the_log_is_that_of_the_library() {
        use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};

        let text = write(&sample::result(3_000)).unwrap();
        // The library's reader knows neither the version nor the legend, which the other languages' write.
        let plain: Vec<&str> = text.lines().filter(|line| !line.starts_with('"')).collect();
        let plain = plain.join("\n") + "\n";
        let entries: Vec<_> = IntervalLogIterator::new(plain.as_bytes()).collect::<Result<_, _>>().unwrap();
        let intervals = entries.iter().filter(|entry| matches!(entry, LogEntry::Interval(_))).count();
        assert_eq!(intervals, sample::SECONDS as usize + 2);
    }

    #[test]
    fn a_damaged_line_is_pointed_at() {
        let text = format!("{VERSION}\n{LEGEND}\n0.0,1.0,2.0,AAAA\n");
        assert!(read(&text).unwrap_err().starts_with("line 3: "));
        assert!(read(VERSION).unwrap_err().contains("no interval"));
    }
}
