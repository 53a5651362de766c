//! The machine that makes the load: what it is, what the load costs it, and what the hypervisor takes from it.

use std::fs;
use std::num::NonZeroU64;
use std::thread;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity, set_current_timer_slack};

use crate::base::error::{Code, Error, Result};
use crate::model::performance::environment::Environment;

/// Descriptors that are not connections: streams, queues, timers, files, and what a server around the engine has open.
const OTHER_DESCRIPTORS: u64 = 256;

/// Has the system allow as many descriptors as the connections want.
///
/// # Errors
/// Its hard limit lies below that.
pub fn allow_connections(count: u64) -> Result<()> {
    let wanted = count.saturating_add(OTHER_DESCRIPTORS);
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= wanted) {
        return Ok(());
    }
    let raised = setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum: limit.maximum });
    raised.map_err(|problem| {
        let most = limit.maximum.unwrap_or(u64::MAX).saturating_sub(OTHER_DESCRIPTORS);
        Error::new(Code::PerfPlan, format!("{count} connections are more than this process may open, {most}"))
            .because(problem)
            .remedy("Ask for fewer connections, raise the limit (`ulimit -Hn`), or spread them with --workers.")
    })
}

/// Processor time in seconds.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Cpu {
    /// In user mode.
    pub user: f64,
    /// In the kernel.
    pub system: f64,
    /// Waited for, ready to run.
    pub waited: f64,
}

impl Cpu {
    /// What the calling thread has used so far. Zero where the kernel does not tell.
    pub fn of_this_thread() -> Self {
        let used = fs::read_to_string("/proc/thread-self/stat").ok().and_then(|text| Self::parse(&text));
        let waited = fs::read_to_string("/proc/thread-self/schedstat").ok().and_then(|text| waited(&text));
        Self { waited: waited.unwrap_or_default(), ..used.unwrap_or_default() }
    }

    /// Fields 14 and 15 of a stat file; the name in field 2 may hold spaces and parentheses.
    #[expect(clippy::cast_precision_loss, reason = "clock ticks a second are a small number")]
    fn parse(text: &str) -> Option<Self> {
        let (_, rest) = text.rsplit_once(')')?;
        let mut fields = rest.split_whitespace().skip(11);
        let ticks = rustix::param::clock_ticks_per_second() as f64;
        let mut next = || fields.next()?.parse::<f64>().ok().map(|value| value / ticks);
        Some(Self { user: next()?, system: next()?, waited: 0.0 })
    }

    /// The difference to an earlier reading.
    pub fn since(self, earlier: Self) -> Self {
        Self {
            user: self.user - earlier.user,
            system: self.system - earlier.system,
            waited: self.waited - earlier.waited,
        }
    }

    /// The sum of two threads.
    pub fn plus(self, other: Self) -> Self {
        Self { user: self.user + other.user, system: self.system + other.system, waited: self.waited + other.waited }
    }
}

/// The second field of a schedstat file: nanoseconds in a run queue.
fn waited(text: &str) -> Option<f64> {
    text.split_whitespace().nth(1)?.parse::<f64>().ok().map(|nanoseconds| nanoseconds / 1e9)
}

/// Time of all processors since the machine's start, in clock ticks.
#[derive(Debug, Clone, Copy)]
pub struct Ticks {
    all: f64,
    stolen: f64,
}

impl Ticks {
    /// The present reading; none where the kernel does not tell.
    pub fn now() -> Option<Self> {
        Self::parse(&fs::read_to_string("/proc/stat").ok()?)
    }

    /// The first line: user, nice, system, idle, iowait, irq, softirq, steal; guests' time is in the first two already.
    fn parse(text: &str) -> Option<Self> {
        let fields: Vec<f64> =
            text.lines().next()?.split_whitespace().skip(1).take(8).filter_map(|field| field.parse().ok()).collect();
        Some(Self { all: fields.iter().sum(), stolen: *fields.get(7)? })
    }

    /// The share (0 to 1) of the time since `earlier` that the hypervisor gave to others.
    pub fn steal_since(self, earlier: Self) -> f64 {
        let all = self.all - earlier.all;
        if all > 0.0 { ((self.stolen - earlier.stolen) / all).clamp(0.0, 1.0) } else { 0.0 }
    }
}

/// Processors that this process may use.
pub fn processors() -> u32 {
    thread::available_parallelism().map_or(1, |count| u32::try_from(count.get()).unwrap_or(u32::MAX))
}

/// Makes the calling thread wake as close to its moment as the kernel can, and keeps it on one processor where a number is
/// given: the so-many-th that it may use. Both are wishes: a kernel that refuses gives a larger slip, which is measured.
pub fn settle_thread(pin: Option<u32>) {
    let _ = set_current_timer_slack(NonZeroU64::new(1));
    let Some(number) = pin else { return };
    let Ok(allowed) = sched_getaffinity(None) else { return };
    let usable: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|cpu| allowed.is_set(*cpu)).collect();
    if let Some(cpu) = usable.get(number as usize % usable.len().max(1)) {
        let mut one = CpuSet::new();
        one.set(*cpu);
        let _ = sched_setaffinity(None, &one);
    }
}

/// This machine. The far side is filled in by who knows it.
pub fn environment() -> Environment {
    let system = rustix::system::uname();
    let text = |name: &std::ffi::CStr| name.to_string_lossy().into_owned();
    let os = format!("{} {}", text(system.sysname()).to_lowercase(), text(system.release()));
    Environment {
        host: text(system.nodename()),
        os,
        arch: std::env::consts::ARCH.to_owned(),
        cpu_model: field("/proc/cpuinfo", "model name").unwrap_or_default(),
        cpus: processors(),
        memory_mib: field("/proc/meminfo", "MemTotal").and_then(|text| kibibytes(&text)).unwrap_or_default() / 1024,
        kubernetes: None,
        mesh: None,
    }
}

/// The value of the first line `NAME : VALUE` of a file.
fn field(path: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let mut pairs = text.lines().filter_map(|line| line.split_once(':'));
    pairs.find(|(key, _)| key.trim() == name).map(|(_, value)| value.trim().to_owned())
}

fn kibibytes(text: &str) -> Option<u64> {
    text.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_threads_name_may_hold_anything() {
        let text = "12 (a) b (c) R 1 2 3 4 5 6 7 8 9 10 250 50 0 0 20 0 1";
        let ticks = f64::from(u32::try_from(rustix::param::clock_ticks_per_second()).unwrap());
        assert_eq!(Cpu::parse(text), Some(Cpu { user: 250.0 / ticks, system: 50.0 / ticks, waited: 0.0 }));
    }

    #[test]
    fn waiting_for_a_processor_is_told_in_nanoseconds() {
        assert_eq!(waited("1000 2500000000 3\n"), Some(2.5));
        assert_eq!(waited("1000"), None);
    }

    #[test]
    fn steal_is_a_share_of_all_time() {
        let earlier = Ticks::parse("cpu  100 0 100 700 0 0 0 100 0 0\ncpu0 1").unwrap();
        let later = Ticks::parse("cpu  150 0 150 750 0 0 0 150 0 0\n").unwrap();
        assert!((later.steal_since(earlier) - 0.25).abs() < 1e-9);
        assert!(later.steal_since(later).abs() < 1e-9);
    }

    #[test]
    fn this_machine_is_known() {
        let here = environment();
        assert!(!here.host.is_empty() && here.cpus > 0 && here.memory_mib > 0, "{here:?}");
    }
}
