//! Time as the program sees it.

use std::sync::OnceLock;
use std::time::Instant;

pub use jiff::Timestamp;

/// The present moment, cut to microseconds, which is what the database and JSON keep.
pub fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
}

/// Nanoseconds since the Unix epoch by a clock that never jumps: the wall clock at its first reading in this process, and
/// the monotonic clock from then on.
pub fn steady_ns() -> i64 {
    static START: OnceLock<(Instant, i64)> = OnceLock::new();
    let (instant, epoch) = START.get_or_init(|| {
        let epoch = Timestamp::now().as_nanosecond();
        (Instant::now(), i64::try_from(epoch).unwrap_or(i64::MAX))
    });
    epoch.saturating_add(i64::try_from(instant.elapsed().as_nanos()).unwrap_or(i64::MAX))
}

/// An age as kubectl writes it: `5s`, `3m`, `2h`, `4d`; the future counts as `0s`.
pub fn age(since: Timestamp, now: Timestamp) -> String {
    let seconds = now.duration_since(since).as_secs().max(0);
    match seconds {
        0..120 => format!("{seconds}s"),
        120..7_200 => format!("{}m", seconds / 60),
        7_200..172_800 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_steady_clock_goes_with_the_wall_clock_and_never_back() {
        let (first, second) = (steady_ns(), steady_ns());
        assert!(second >= first);
        let wall = i64::try_from(Timestamp::now().as_nanosecond()).unwrap();
        assert!((wall - second).abs() < 60_000_000_000, "{wall} {second}");
    }

    #[test]
    fn ages_use_the_largest_unit_that_keeps_two_digits_of_meaning() {
        let start = Timestamp::from_second(1_000_000).unwrap();
        let at = |seconds: i64| age(start, Timestamp::from_second(1_000_000 + seconds).unwrap());
        assert_eq!(
            [at(0), at(119), at(120), at(7_199), at(7_200), at(172_800), at(-5)],
            ["0s", "119s", "2m", "119m", "2h", "2d", "0s"]
        );
    }
}
