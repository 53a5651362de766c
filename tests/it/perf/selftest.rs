//! `perf selftest` as it is called.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::support::env::Env;

#[test]
fn the_report_says_for_each_percentile_what_was_expected_and_what_was_measured() {
    let env = Env::new();
    let output =
        env.ctl(["perf", "selftest", "--law", "constant", "--rate", "200", "--duration", "1s", "-o", "json"]).run();
    let report = output.json();
    let law = &report["laws"][0];
    assert_eq!((law["law"].as_str(), law["requests"].as_u64()), (Some("constant"), Some(200)));
    let points = law["points"].as_array().unwrap();
    assert_eq!(points.len(), 4);
    for point in points {
        // the server waits for a millisecond; what it adds by being late, it knows
        assert!(point["expected_us"].as_f64().unwrap() >= 1000.0, "{point}");
        assert!(point["measured_us"].as_f64().unwrap() >= 1000.0, "{point}");
    }
    // how busy the machine is decides the verdict, and the verdict decides the exit code
    assert_eq!(output.code, Some(i32::from(report["passed"] != true)), "{report:#}");
}

#[test]
fn values_that_cannot_be_measured_are_refused() {
    let env = Env::new();
    for (flag, value, because) in
        [("--rate", "0", "from 1 to 20000"), ("--duration", "10ms", "at least 1s"), ("--law", "zipf", "heavy-tail")]
    {
        let output = env.ctl(["perf", "selftest", flag, value]).run();
        assert_eq!(output.code, Some(2), "{output}");
        assert!(output.stderr.contains(because), "{}", output.stderr);
    }
}

/// `perf selftest --serve` as a process; killed when dropped.
struct Serving {
    child: Child,
    stdout: BufReader<ChildStdout>,
}

impl Serving {
    fn start(env: &Env, args: &[&str]) -> Self {
        let args = [&["perf", "selftest", "--serve"], args].concat();
        let mut command = env.ctl(args).command();
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        Self { child, stdout }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line
    }

    /// Asks it to end: its exit code and what it said on stderr.
    fn end(mut self, signal: Signal) -> (Option<i32>, String) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
        let mut said = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        (self.child.wait().unwrap().code(), said)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends one request on a connection of its own.
fn ask(url: &str, method: &str, path: &str) -> String {
    let address = url.trim().trim_start_matches("http://").trim_end_matches('/');
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn account(url: &str) -> serde_json::Value {
    serde_json::from_str(ask(url, "GET", "/.law").split("\r\n\r\n").nth(1).unwrap()).unwrap()
}

#[test]
fn a_server_of_known_law_can_be_measured_and_tells_what_was_there() {
    let env = Env::new();
    let mut server = Serving::start(&env, &["127.0.0.1:0", "--law", "bimodal", "--seed", "9"]);
    let url = server.line();
    let report =
        env.ctl(["perf", "run", "--url", url.trim(), "--rate", "200", "--duration", "1s", "-o", "json"]).ok().json();
    let known = account(&url);
    assert_eq!(report["requests"]["succeeded"], known["count"], "{known:#}");
    assert_eq!((known["law"].as_str(), known["seed"].as_u64()), (Some("bimodal"), Some(9)), "{known:#}");
    assert_eq!(known["parameters"]["short_us"].as_f64().map(f64::round), Some(500.0));
    // nobody sees an answer before it is sent
    let told = |percentile: &str| known["latency_us"][percentile].as_f64().unwrap();
    assert!(told("p50") >= 500.0 && told("p99") >= 5000.0 && told("max") >= told("p99.9"), "{known:#}");
    let measured = report["latency"]["service"]["max_ns"].as_f64().unwrap() / 1000.0;
    assert!(measured * 1.002 >= told("max"), "{measured} {known:#}");

    assert!(ask(&url, "DELETE", "/.law").starts_with("HTTP/1.1 204 "));
    assert_eq!(account(&url)["count"], 0);
    let (code, said) = server.end(Signal::INT);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("0 requests answered"), "{said}");
}

#[test]
fn json_says_where_the_server_listens() {
    let env = Env::new();
    let mut server = Serving::start(&env, &["127.0.0.1:0", "--law", "immediate", "-o", "json"]);
    let mut text = String::new();
    while serde_json::from_str::<serde_json::Value>(&text).is_err() {
        let line = server.line();
        assert!(!line.is_empty(), "{text}");
        text += &line;
    }
    let told: serde_json::Value = serde_json::from_str(&text).unwrap();
    let url = told["url"].as_str().unwrap();
    assert!(ask(url, "GET", "/any/path").ends_with("\r\n\r\nok"));
    assert_eq!(told["account_url"], format!("{url}.law"));
    assert_eq!(told["pid"], server.child.id());
    let (code, said) = server.end(Signal::TERM);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("1 request answered") && said.contains("p99.9 "), "{said}");
}

#[test]
fn a_server_that_cannot_be_is_refused_with_the_reason() {
    let env = Env::new();
    let mut server = Serving::start(&env, &["127.0.0.1:0", "--law", "constant"]);
    let taken = server.line().trim().trim_start_matches("http://").trim_end_matches('/').to_owned();
    for (args, code, because) in [
        (vec![taken.as_str(), "--law", "constant"], 1, "port-taken"),
        (vec!["192.0.2.1:0", "--law", "constant"], 1, "listen-failed"),
        (vec!["nowhere", "--law", "constant"], 2, "address-invalid"),
        (vec!["127.0.0.1:0", "--law", "zipf"], 2, "heavy-tail"),
        (vec!["127.0.0.1:0"], 2, "--law"),
        (vec!["127.0.0.1:0", "--law", "pause", "--law", "bimodal"], 2, "pause, bimodal"),
        (vec!["127.0.0.1:0", "--law", "pause", "--rate", "5"], 2, "--rate"),
        (vec!["127.0.0.1:0", "--law", "pause", "--duration", "5s"], 2, "--duration"),
    ] {
        let output = env.ctl([&["perf", "selftest", "--serve"], args.as_slice()].concat()).run();
        assert_eq!(output.code, Some(code), "{args:?}: {output}");
        assert!(output.stderr.contains(because) && output.stdout.is_empty(), "{args:?}: {output}");
    }
}
