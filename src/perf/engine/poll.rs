//! What a thread waits for: its sockets and its next moment. Sockets are registered once, edge-triggered, for everything;
//! nothing is armed again.

use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::fs::Timespec;
use rustix::io::Result;
use rustix::time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, timerfd_create, timerfd_settime};

/// Events that are taken at one time.
const BATCH: usize = 512;
const TIMER: u64 = u64::MAX;
const NO_WAIT: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };

/// What became of a socket.
#[derive(Debug, Clone, Copy)]
pub struct Ready {
    /// What it was registered with.
    pub token: u64,
    /// The far side has said its last word, or the socket has an error: reading goes on until it says so.
    pub is_ending: bool,
}

impl Ready {
    fn of(event: &Event) -> Self {
        let Event { flags, data } = *event;
        let ending = EventFlags::RDHUP | EventFlags::HUP | EventFlags::ERR;
        Self { token: data.u64(), is_ending: flags.intersects(ending) }
    }
}

/// An event queue with a timer that is finer than the queue's own.
pub struct Poll {
    queue: OwnedFd,
    timer: OwnedFd,
    ready: Vec<Ready>,
}

impl Poll {
    /// A queue without sockets.
    ///
    /// # Errors
    /// The system has no further descriptors.
    pub fn new() -> Result<Self> {
        let queue = epoll::create(CreateFlags::CLOEXEC)?;
        let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK)?;
        epoll::add(&queue, &timer, EventData::new_u64(TIMER), EventFlags::IN | EventFlags::ET)?;
        Ok(Self { queue, timer, ready: Vec::with_capacity(BATCH) })
    }

    /// Registers a socket; it leaves the queue when it is closed.
    ///
    /// # Errors
    /// The system's limit of watched descriptors is reached.
    pub fn add(&self, socket: impl AsFd, token: u64) -> Result<()> {
        let everything = EventFlags::IN | EventFlags::OUT | EventFlags::RDHUP | EventFlags::ET;
        epoll::add(&self.queue, socket, EventData::new_u64(token), everything)
    }

    /// Registers a listener, for connections only.
    ///
    /// # Errors
    /// As [`Self::add`].
    pub fn add_listener(&self, socket: impl AsFd, token: u64) -> Result<()> {
        epoll::add(&self.queue, socket, EventData::new_u64(token), EventFlags::IN)
    }

    /// Takes what is ready; where nothing is, waits for it at most so long, in whole milliseconds upwards. Returns how many
    /// there are.
    ///
    /// # Errors
    /// The queue is broken.
    pub fn wait(&mut self, at_most: Duration) -> Result<usize> {
        self.take(Some(&timespec(at_most)))
    }

    /// As [`Self::wait`], to the microsecond, for one system call more.
    ///
    /// # Errors
    /// The queue or its timer is broken.
    pub fn wait_exactly(&mut self, at_most: Duration) -> Result<usize> {
        if at_most.is_zero() {
            return self.take(Some(&NO_WAIT));
        }
        self.arm(at_most)?;
        self.take(None)
    }

    fn take(&mut self, timeout: Option<&Timespec>) -> Result<usize> {
        let mut events = [MaybeUninit::<Event>::uninit(); BATCH];
        self.ready.clear();
        match epoll::wait(&self.queue, &mut events, timeout) {
            Ok((events, _)) => self.ready.extend(events.iter().map(Ready::of).filter(|ready| ready.token != TIMER)),
            Err(rustix::io::Errno::INTR) => {}
            Err(problem) => return Err(problem),
        }
        Ok(self.ready.len())
    }

    /// The `index`th of what was taken.
    pub fn ready(&self, index: usize) -> Option<Ready> {
        self.ready.get(index).copied()
    }

    /// The timer is edge-triggered too: setting it anew forgets an expiry that nobody read.
    fn arm(&self, after: Duration) -> Result<()> {
        let once = Itimerspec { it_interval: NO_WAIT, it_value: timespec(after) };
        timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &once)?;
        Ok(())
    }
}

fn timespec(duration: Duration) -> Timespec {
    Timespec {
        tv_sec: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(duration.subsec_nanos()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn a_wait_ends_by_its_timer_again_and_again() {
        let mut poll = Poll::new().unwrap();
        for _ in 0..3 {
            assert_eq!(poll.wait_exactly(Duration::from_micros(200)).unwrap(), 0);
        }
    }

    #[test]
    fn a_socket_tells_that_it_is_readable_and_that_it_ends() {
        let mut poll = Poll::new().unwrap();
        let (near, mut far) = UnixStream::pair().unwrap();
        near.set_nonblocking(true).unwrap();
        poll.add(&near, 7).unwrap();
        far.write_all(b"x").unwrap();
        assert_eq!(poll.wait(Duration::from_secs(5)).unwrap(), 1);
        assert!(!poll.ready(0).unwrap().is_ending);
        drop(far);
        assert_eq!(poll.wait(Duration::from_secs(5)).unwrap(), 1);
        let ready = poll.ready(0).unwrap();
        assert_eq!((ready.token, ready.is_ending), (7, true));
    }
}
