//! A server that answers by a law and keeps the moment of each answer: one thread, one event loop.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::{Law, Options};
use crate::base::error::{Code, Error, Result};
use crate::perf::engine::machine::{self, Cpu};
use crate::perf::engine::poll::Poll;

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const END_OF_REQUEST: &[u8] = b"\r\n\r\n";
const LISTENER: u64 = u64::MAX - 1;
/// How often the server looks whether it is to end.
const ATTENTION: Duration = Duration::from_millis(20);

/// What a server knows in the end.
#[derive(Debug, Default)]
pub struct Answers {
    /// When the system had taken each answer, in the order in which the requests arrived.
    pub moments: Vec<Instant>,
    /// Seconds in which the server could have gone on but had no processor.
    pub waited: f64,
}

/// A server that runs.
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Answers>,
}

impl Running {
    /// Ends it.
    pub fn stop(self) -> Answers {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap_or_default()
    }
}

/// Starts a server on a free port of loopback.
///
/// # Errors
/// The machine has no port, queue or thread.
pub fn start(law: Law, options: &Options) -> Result<Running> {
    let refused = |problem: io::Error| {
        Error::new(Code::PerfEngine, "the server of the selftest cannot be started").because(problem)
    };
    let listener = TcpListener::bind("127.0.0.1:0").map_err(refused)?;
    listener.set_nonblocking(true).map_err(refused)?;
    let address = listener.local_addr().map_err(refused)?;
    let poll = Poll::new().and_then(|poll| poll.add_listener(&listener, LISTENER).map(|()| poll));
    let poll = poll.map_err(|problem| refused(problem.into()))?;
    let stop = Arc::new(AtomicBool::new(false));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count of requests is positive")]
    let middle = (options.rate * options.duration.as_secs_f64() / 2.0) as usize;
    let server = Server {
        law,
        random: fastrand::Rng::with_seed(options.seed),
        poll,
        listener,
        clients: Vec::new(),
        due: BinaryHeap::new(),
        answers: Vec::new(),
        pause: law.pause().map(|length| (middle, length)),
    };
    let stopped = Arc::clone(&stop);
    let run = move || server.run(&stopped);
    let thread = thread::Builder::new().name("selftest".to_owned()).spawn(run).map_err(refused)?;
    Ok(Running { address, stop, thread })
}

struct Server {
    law: Law,
    random: fastrand::Rng,
    poll: Poll,
    listener: TcpListener,
    clients: Vec<TcpStream>,
    /// What has to be answered: when, which request, whose.
    due: BinaryHeap<Reverse<(Instant, usize, usize)>>,
    answers: Vec<Instant>,
    /// Before which request to stand still, and for how long.
    pause: Option<(usize, Duration)>,
}

impl Server {
    fn run(mut self, stop: &AtomicBool) -> Answers {
        machine::settle_thread(None);
        let before = Cpu::of_this_thread();
        while !stop.load(Ordering::Relaxed) {
            let now = Instant::now();
            let wait = self.due.peek().map_or(ATTENTION, |Reverse((due, ..))| due.saturating_duration_since(now));
            let count = self.poll.wait_exactly(wait.min(ATTENTION)).unwrap_or_default();
            for index in 0..count {
                match self.poll.ready(index).map(|ready| ready.token) {
                    Some(LISTENER) => self.accept(),
                    Some(token) => self.read(usize::try_from(token).unwrap_or(usize::MAX)),
                    None => {}
                }
            }
            self.answer();
        }
        Answers { moments: self.answers, waited: Cpu::of_this_thread().since(before).waited }
    }

    fn accept(&mut self) {
        while let Ok((stream, _)) = self.listener.accept() {
            let token = self.clients.len() as u64;
            let is_ready = stream.set_nonblocking(true).is_ok() && stream.set_nodelay(true).is_ok();
            if is_ready && self.poll.add(&stream, token).is_ok() {
                self.clients.push(stream);
            }
        }
    }

    fn read(&mut self, client: usize) {
        let mut buffer = [0; 16 * 1024];
        loop {
            let Some(stream) = self.clients.get_mut(client) else { return };
            match stream.read(&mut buffer) {
                Ok(0) => return,
                Ok(count) => {
                    let ends = buffer[..count].windows(END_OF_REQUEST.len()).filter(|part| *part == END_OF_REQUEST);
                    (0..ends.count()).for_each(|_| self.take(client));
                }
                Err(problem) if problem.kind() == ErrorKind::Interrupted => {}
                Err(_) => return,
            }
        }
    }

    fn take(&mut self, client: usize) {
        let number = self.answers.len();
        let arrived = Instant::now();
        self.answers.push(arrived);
        self.due.push(Reverse((arrived + self.law.delay(&mut self.random), number, client)));
        if let Some((_, length)) = self.pause.take_if(|(before, _)| *before == number) {
            thread::sleep(length);
        }
    }

    fn answer(&mut self) {
        while let Some(Reverse((due, number, client))) = self.due.peek().copied() {
            let now = Instant::now();
            if due > now {
                return;
            }
            self.due.pop();
            if let Some(stream) = self.clients.get_mut(client) {
                // who is gone gets no answer, and is missed in the result
                let _ = stream.write_all(ANSWER);
                // a write takes 20 us on a processor that has just woken, and its bytes are there when it is done
                self.answers[number] = Instant::now();
            }
        }
    }
}
