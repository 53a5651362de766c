//! Workers as machines of their own: each in a network namespace, on one bridge with the target. Needs root.

use std::io::{BufRead, BufReader};
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mesheryctl::model::performance::result::{Ending, PerfResult};

use super::parts::is_sum_of_its_parts;
use super::target::Target;
use crate::support::ctl::{Output, PROGRAM, Run};
use crate::support::env::Env;

const TOKEN: &str = "a-shared-secret";
/// The port of each worker; every namespace has its own.
const PORT: u16 = 10_100;
/// Names of namespaces begin so; the id of the test's process follows.
const PREFIX: &str = "mesheryctl-it";

/// Runs `ip`; it has to succeed.
fn ip(words: &[&str]) -> String {
    let output = Command::new("ip").args(words).output().unwrap_or_else(|error| panic!("ip: {error}"));
    assert!(output.status.success(), "ip {words:?} (needs root): {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A bridge with namespaces on it; all of it goes when this is dropped.
struct Network {
    /// The bridge's name, with which its veth pairs' names begin.
    bridge: String,
    /// Names of the namespaces.
    spaces: Vec<String>,
    /// Addresses are 198.18.SUBNET.0/24, of the range that RFC 2544 sets apart for benchmarks.
    subnet: u8,
}

impl Network {
    fn new(count: u8) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        clean();
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let process = std::process::id();
        let taken = ip(&["-o", "address"]);
        // Tests of other processes choose at the same time.
        let mut subnets = (0..=255).map(|step: u8| step.wrapping_add(process.to_le_bytes()[0]));
        let subnet = subnets.find(|subnet| !taken.contains(&format!("198.18.{subnet}."))).unwrap();
        let mut network = Self { bridge: format!("mc{process}b{number}"), spaces: Vec::new(), subnet };
        ip(&["link", "add", &network.bridge, "type", "bridge"]);
        ip(&["address", "add", &format!("{}/24", network.address(1)), "dev", &network.bridge]);
        ip(&["link", "set", &network.bridge, "up"]);
        for index in 0..count {
            network.add(&format!("{PREFIX}-{process}-{number}-{index}"), index);
        }
        network
    }

    fn add(&mut self, space: &str, index: u8) {
        let veth = format!("{}v{index}", self.bridge);
        ip(&["netns", "add", space]);
        self.spaces.push(space.to_owned());
        ip(&["link", "add", &veth, "type", "veth", "peer", "name", "eth0", "netns", space]);
        ip(&["link", "set", &veth, "master", &self.bridge, "up"]);
        ip(&["-n", space, "address", "add", &format!("{}/24", self.worker(index)), "dev", "eth0"]);
        ip(&["-n", space, "link", "set", "lo", "up"]);
        ip(&["-n", space, "link", "set", "eth0", "up"]);
    }

    fn address(&self, host: u8) -> IpAddr {
        Ipv4Addr::new(198, 18, self.subnet, host).into()
    }

    /// The address of a worker.
    fn worker(&self, index: u8) -> IpAddr {
        self.address(10 + index)
    }

    /// A target on the bridge.
    fn target(&self, status: u16) -> Target {
        Target::at(&format!("{}:0", self.address(1)), status, Duration::from_millis(1))
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        // What cannot be removed here is by the next test's `clean`; a panic in a panic would hide the first.
        for space in &self.spaces {
            let _ = Command::new("ip").args(["netns", "delete", space]).output();
        }
        let _ = Command::new("ip").args(["link", "delete", &self.bridge]).output();
    }
}

/// Removes what tests left whose process was killed.
fn clean() {
    let is_gone = |process: &str| !Path::new("/proc").join(process).exists();
    for space in ip(&["netns", "list"]).lines().filter_map(|line| line.split_whitespace().next()) {
        let process = space.strip_prefix(PREFIX).and_then(|rest| rest.split('-').nth(1));
        if process.is_some_and(is_gone) {
            let _ = Command::new("ip").args(["netns", "delete", space]).output();
        }
    }
    for link in ip(&["-o", "link", "show", "type", "bridge"]).lines() {
        let name = link.split(": ").nth(1).unwrap_or_default();
        let process = name.strip_prefix("mc").and_then(|rest| rest.split_once('b'));
        if process.is_some_and(|(process, _)| process.parse::<u32>().is_ok() && is_gone(process)) {
            let _ = Command::new("ip").args(["link", "delete", name]).output();
        }
    }
}

/// `serve worker` in a namespace; killed when dropped.
struct Process(Child);

impl Process {
    fn start(env: &Env, network: &Network, index: u8) -> Self {
        let listen = format!("{}:{PORT}", network.worker(index));
        let space = &network.spaces[usize::from(index)];
        let run = env.ctl(["netns", "exec", space, PROGRAM, "serve", "worker", "--listen", &listen]).program("ip");
        let mut command = run.var("MESHERY_WORKER_TOKEN", TOKEN).command();
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap());
        let mut said = String::new();
        lines.read_line(&mut said).unwrap();
        assert!(said.contains(&listen), "{said}");
        std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
        Self(child)
    }

    fn kill(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

const WORKERS: u8 = 8;

/// Eight workers, a target that answers well, and one that answers with an error. The network goes last.
struct World {
    env: Env,
    processes: Vec<Process>,
    good: Target,
    bad: Target,
    network: Network,
    /// Two of them would share the machine's two processors, and choose the same subnet.
    _alone: MutexGuard<'static, ()>,
}

impl World {
    fn new() -> Self {
        static ALONE: Mutex<()> = Mutex::new(());
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let (env, network) = (Env::new(), Network::new(WORKERS));
        let processes = (0..WORKERS).map(|index| Process::start(&env, &network, index)).collect();
        Self { processes, good: network.target(200), bad: network.target(503), network, env, _alone: alone }
    }

    fn run(&self, seconds: &str) -> Run<'_> {
        let locations: Vec<String> =
            (0..WORKERS).map(|index| format!("{}:{PORT}", self.network.worker(index))).collect();
        let (good, bad) = (format!("{},weight=9", self.good.url()), format!("{},weight=1", self.bad.url()));
        let args = ["perf", "run", "--url", &good, "--url", &bad, "--rate", "1200", "--connections", "16"];
        let more = ["--duration", seconds, "--workers", &locations.join(","), "-o", "json"];
        self.env.ctl(args.iter().chain(&more).map(|word| (*word).to_owned())).var("MESHERY_WORKER_TOKEN", TOKEN)
    }

    /// Requests that the targets saw of a worker.
    fn seen(&self, index: u8) -> u64 {
        let peer = self.network.worker(index);
        (self.good.seen_from(peer) + self.bad.seen_from(peer)) as u64
    }
}

fn result(output: &Output) -> PerfResult {
    serde_json::from_str(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output}"))
}

#[test]
#[ignore = "needs the kit: tests/kit/up.sh load"]
fn eight_machines_come_to_exactly_the_sum_of_what_each_measured() {
    let world = World::new();
    let ended = world.run("5s").ok();
    let result = result(&ended);
    is_sum_of_its_parts(&result);
    assert_eq!((result.workers.len(), result.ended_by), (8, Ending::Duration));
    for (index, share) in (0..).zip(&result.workers) {
        assert_eq!((&share.lost, share.requests.sent), (&None, world.seen(index)), "as its target saw it: {share:?}");
        assert_eq!(share.latency.response.count(), share.requests.sent, "{share:?}");
        assert!(share.clock_error_ns > 0, "{share:?}");
    }
    let (good, bad) = (world.good.seen() as u64, world.bad.seen() as u64);
    assert_eq!((result.requests.succeeded, result.requests.failed), (good, bad));
    assert_eq!((result.statuses["200"], result.statuses["503"]), (good, bad));
    assert!(result.bytes.sent > 0 && bad > 0, "{ended}");
}

#[test]
#[ignore = "needs the kit: tests/kit/up.sh load"]
fn a_machine_that_dies_leaves_the_sum_of_what_arrived() {
    let mut world = World::new();
    let dying = 3;
    let peer = world.network.worker(dying);
    let mut processes = std::mem::take(&mut world.processes);
    let ended = std::thread::scope(|scope| {
        let running = scope.spawn(|| world.run("6s").run());
        while world.good.seen_from(peer) < 300 && !running.is_finished() {
            std::thread::sleep(Duration::from_millis(10));
        }
        processes[usize::from(dying)].kill();
        running.join().unwrap()
    });
    assert_eq!(ended.code, Some(7), "{ended}");
    assert!(ended.stderr.contains("workers-lost") && ended.stderr.contains(&peer.to_string()), "{ended}");
    let result = result(&ended);
    is_sum_of_its_parts(&result);
    assert_eq!(result.ended_by, Ending::Duration);
    for (index, share) in (0..).zip(&result.workers) {
        let (sent, seen) = (share.requests.sent, world.seen(index));
        assert_eq!(share.lost.is_some(), index == dying, "{share:?}");
        assert!(sent == seen || index == dying && sent > 0 && sent < seen, "{sent} of {seen}: {share:?}");
    }
}
