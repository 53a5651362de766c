//! Whether a thread may look for responses instead of sleeping until they come. On a machine where others wait for a
//! processor, the target among them, what it takes for that is missing to them, and it would measure its own weight.

use std::fs::File;
use std::os::unix::fs::FileExt;

/// Nanoseconds between two looks at the machine.
const WINDOW: u64 = 250_000_000;
/// Shares of a window in which somebody waited for a processor: what is below is calm, what is above is crowded.
const CALM: f64 = 0.05;
const CROWDED: f64 = 0.15;
/// So many windows in succession decide: one alone may be an accident.
const SURE: u32 = 2;

/// The kernel's pressure stall information of the processors.
#[derive(Debug)]
struct Pressure {
    file: File,
}

impl Pressure {
    fn open() -> Option<Self> {
        let pressure = Self { file: File::open("/proc/pressure/cpu").ok()? };
        pressure.stalled().map(|_| pressure)
    }

    /// Nanoseconds since the machine's start in which at least one task waited for a processor. Nothing is allocated.
    fn stalled(&self) -> Option<u64> {
        let mut buffer = [0; 256];
        let length = self.file.read_at(&mut buffer, 0).ok()?;
        parse(std::str::from_utf8(&buffer[..length]).ok()?)
    }
}

/// `some avg10=0.00 avg60=0.00 avg300=0.00 total=12345` with the total in microseconds, then the same for `full`.
fn parse(text: &str) -> Option<u64> {
    let (_, total) = text.lines().next()?.strip_prefix("some ")?.rsplit_once("total=")?;
    total.parse::<u64>().ok().map(|microseconds| microseconds.saturating_mul(1_000))
}

/// What a thread does while it waits for responses; the numbers count windows that speak for the other.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Manner {
    Sleeps {
        calm: u32,
    },
    Looks {
        crowded: u32,
    },
    /// For the rest of the run, since it was crowded while it looked.
    SleepsOn,
}

impl Manner {
    /// After a window in which somebody waited for that share of it.
    fn after(self, share: f64) -> Self {
        match self {
            Self::Sleeps { .. } if share >= CALM => Self::Sleeps { calm: 0 },
            Self::Sleeps { calm } if calm + 1 < SURE => Self::Sleeps { calm: calm + 1 },
            Self::Sleeps { .. } => Self::Looks { crowded: 0 },
            Self::Looks { .. } if share < CROWDED => Self::Looks { crowded: 0 },
            Self::Looks { crowded } if crowded + 1 < SURE => Self::Looks { crowded: crowded + 1 },
            Self::Looks { .. } | Self::SleepsOn => Self::SleepsOn,
        }
    }
}

/// Watches the machine for one thread.
#[derive(Debug)]
pub(super) struct Calm {
    /// None where nothing is to be found out.
    pressure: Option<Pressure>,
    manner: Manner,
    since: u64,
    stalled: u64,
    /// Since when the thread looks, and for how long it has looked before.
    looking: Option<u64>,
    looked: u64,
}

impl Calm {
    /// A thread that does the same all the time.
    pub(super) fn fixed(looks: bool) -> Self {
        let manner = if looks { Manner::Looks { crowded: 0 } } else { Manner::SleepsOn };
        Self { pressure: None, manner, since: 0, stalled: 0, looking: looks.then_some(0), looked: 0 }
    }

    /// A thread that sleeps until the machine has proved to be calm. Where the kernel does not tell, it does what `otherwise`
    /// says.
    pub(super) fn watched(otherwise: bool) -> Self {
        let Some(pressure) = Pressure::open() else { return Self::fixed(otherwise) };
        let stalled = pressure.stalled().unwrap_or_default();
        let manner = Manner::Sleeps { calm: 0 };
        Self { pressure: Some(pressure), manner, since: 0, stalled, looking: None, looked: 0 }
    }

    /// Whether the thread may look for responses.
    pub(super) fn looks(&self) -> bool {
        matches!(self.manner, Manner::Looks { .. })
    }

    /// Takes in how the machine has been until `now`, when a window is over.
    pub(super) fn watch(&mut self, now: u64) {
        let length = now.saturating_sub(self.since);
        if length < WINDOW || self.manner == Manner::SleepsOn {
            return;
        }
        let Some(stalled) = self.pressure.as_ref().and_then(Pressure::stalled) else { return };
        #[expect(clippy::cast_precision_loss, reason = "a window in nanoseconds is far below 2^53")]
        let share = stalled.saturating_sub(self.stalled) as f64 / length as f64;
        self.manner = self.manner.after(share);
        (self.since, self.stalled) = (now, stalled);
        match (self.looks(), self.looking) {
            (true, None) => self.looking = Some(now),
            (false, Some(since)) => {
                self.looked += now.saturating_sub(since);
                self.looking = None;
            }
            _ => {}
        }
    }

    /// Forgets for how long the thread has looked.
    pub(super) fn begin(&mut self, now: u64) {
        self.looked = 0;
        self.looking = self.looking.map(|_| now);
    }

    /// For how long the thread has been allowed to look since the begin, in nanoseconds.
    pub(super) fn looked(&self, now: u64) -> u64 {
        self.looked + self.looking.map_or(0, |since| now.saturating_sub(since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(shares: &[f64]) -> Manner {
        shares.iter().fold(Manner::Sleeps { calm: 0 }, |manner, share| manner.after(*share))
    }

    #[test]
    fn a_thread_looks_when_the_machine_is_calm_and_stops_for_good_when_it_is_crowded() {
        assert_eq!(after(&[0.01, 0.06, 0.01]), Manner::Sleeps { calm: 1 });
        assert_eq!(after(&[0.01, 0.01]), Manner::Looks { crowded: 0 });
        assert_eq!(after(&[0.01, 0.01, 0.1, 0.3, 0.1]), Manner::Looks { crowded: 0 }, "one window is an accident");
        assert_eq!(after(&[0.01, 0.01, 0.2, 0.3]), Manner::SleepsOn);
        assert_eq!(after(&[0.01, 0.01, 0.2, 0.3, 0.0, 0.0, 0.0]), Manner::SleepsOn);
    }

    #[test]
    fn the_kernels_total_is_read() {
        let text =
            "some avg10=6.31 avg60=10.73 avg300=8.59 total=592493005\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n";
        assert_eq!(parse(text), Some(592_493_005_000));
        assert_eq!(parse("full avg10=0.00 total=0\n"), None);
        assert_eq!(parse(""), None);
    }

    #[test]
    fn a_window_is_looked_at_once_and_without_the_kernels_word_nothing_changes() {
        let mut watched = Calm::watched(true);
        assert_eq!(watched.looks(), watched.pressure.is_none());
        watched.watch(WINDOW - 1);
        assert_eq!(watched.since, 0);
        watched.watch(WINDOW);
        assert_eq!(watched.since > 0, watched.pressure.is_some());
        let mut fixed = Calm::fixed(true);
        fixed.watch(WINDOW);
        assert!(fixed.looks() && !Calm::fixed(false).looks());
    }

    #[test]
    fn how_long_a_thread_looked_counts_from_the_begin() {
        let mut fixed = Calm::fixed(true);
        fixed.begin(100);
        assert_eq!((fixed.looked(350), Calm::fixed(false).looked(350)), (250, 0));
        let Some(pressure) = Pressure::open() else { return };
        let mut watched = Calm { pressure: Some(pressure), stalled: u64::MAX, ..fixed };
        watched.manner = Manner::Sleeps { calm: 1 };
        (watched.looking, watched.looked) = (None, 0);
        watched.watch(WINDOW);
        assert_eq!(watched.looked(WINDOW + 7), 7, "a window without a stall makes it look");
        watched.manner = Manner::Looks { crowded: 1 };
        watched.stalled = 0;
        watched.watch(2 * WINDOW);
        assert_eq!((watched.looks(), watched.looked(9 * WINDOW)), (false, WINDOW));
    }
}
