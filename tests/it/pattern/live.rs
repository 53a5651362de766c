//! How a running operation is shown: on a terminal, off it, quiet, and as a stream of JSON lines.

use std::fmt::Write;
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::{Duration, Instant};

use mesheryctl::sample::faults::{Effect, Matcher, Times};
use serde_json::Value;

use super::apply::{run, world};
use crate::support::cluster::Practice;
use crate::support::env::Env;
use crate::support::tty::{INTERRUPT, Piped};

const APPLY: [&str; 4] = ["pattern", "apply", "-f", "hello.yaml"];

/// A world with a pattern of that many config maps, each of which takes the API server a moment.
fn slow(count: usize, moment: Duration) -> (Env, Practice) {
    let (env, practice) = world();
    let mut pattern = "name: many\nservices:\n".to_owned();
    for number in 0..count {
        writeln!(pattern, "  map-{number:03}: {{type: ConfigMap, settings: {{data: {{k: v}}}}}}").unwrap();
    }
    env.write("work/many.yaml", pattern);
    practice.cluster.faults().add(Matcher::any().writes(), Effect::Delay(moment), Times::Always);
    (env, practice)
}

/// What a terminal of that many lines shows in the end, and the most lines that were rewritten at once.
fn replay(text: &str, height: usize) -> (Vec<String>, usize) {
    let (mut rows, mut row, mut most, mut anew) = (vec![String::new()], 0usize, 0usize, false);
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if let Some(code) = rest.strip_prefix("\x1b[") {
            let end = code.find(|c: char| c.is_ascii_alphabetic()).unwrap();
            match &code[end..=end] {
                "A" => {
                    let up: usize = code[..end].parse().unwrap();
                    assert!(up < height, "{up} lines do not fit a terminal of {height}");
                    most = most.max(up);
                    row -= up;
                }
                "J" => rows.truncate(row + 1),
                _ => {}
            }
            rest = &code[end + 1..];
            continue;
        }
        match c {
            '\n' => {
                (row, anew) = (row + 1, true);
                rows.resize(rows.len().max(row + 1), String::new());
            }
            '\r' => anew = true,
            c => {
                if std::mem::take(&mut anew) {
                    rows[row].clear();
                }
                rows[row].push(c);
            }
        }
        rest = &rest[c.len_utf8()..];
    }
    (rows, most)
}

#[test]
fn a_terminal_shows_a_window_that_settles_into_the_summary() {
    let (env, _practice) = slow(60, Duration::from_millis(60));
    let screen = env
        .ctl(["pattern", "apply", "-f", "many.yaml"])
        .var("KUBECONFIG", env.path("kubeconfig"))
        .on_terminal(Piped::default(), &[]);
    assert_eq!(screen.code, Some(0), "{}", screen.text);
    assert!(screen.text.contains("more:") && screen.text.contains("of 60"), "{}", screen.text);
    assert!(screen.text.contains("applying  "), "what is worked on has a line: {}", screen.text);
    let (hidden, shown) = (screen.text.rfind("\x1b[?25l").unwrap(), screen.text.rfind("\x1b[?25h").unwrap());
    assert!(shown > hidden, "the cursor is given back");
    let (rows, most) = replay(&screen.text, 24);
    assert!(most > 10, "rows are rewritten in place: {most}");
    let left: Vec<&String> = rows.iter().filter(|row| !row.trim().is_empty()).collect();
    assert_eq!(left.len(), 62, "heading, 60 rows, summary: {left:#?}");
    assert!(left[61].starts_with("many on practice: 60 created in "), "{left:#?}");
}

#[test]
fn row_43_ctrl_c_on_a_terminal_gives_the_cursor_back() {
    let (env, _practice) = slow(40, Duration::from_millis(500));
    let started = Instant::now();
    let screen = env
        .ctl(["pattern", "apply", "-f", "many.yaml"])
        .var("KUBECONFIG", env.path("kubeconfig"))
        .on_terminal(Piped::default(), &[("of 40", INTERRUPT)]);
    assert_eq!(screen.code, Some(130), "{}", screen.text);
    assert!(started.elapsed() < Duration::from_secs(15));
    assert!(screen.text.rfind("\x1b[?25h") > screen.text.rfind("\x1b[?25l"), "{}", screen.text);
    assert!(screen.text.contains("not attempted"), "{}", screen.text);
}

#[test]
fn row_32_off_a_terminal_each_state_is_a_line_and_nothing_drives_a_terminal() {
    let (env, _practice) = world();
    let output = run(&env, &APPLY);
    assert!(!output.stderr.contains(['\r', '\x1b']), "{output}");
    let mut lines: Vec<&str> = output.stderr.lines().collect();
    let all = lines.len();
    lines.sort_unstable();
    lines.dedup();
    assert_eq!(lines.len(), all, "each state once: {output}");
    let quiet = run(&env, &["pattern", "delete", "-f", "hello.yaml", "-q", "-o", "name"]);
    assert_eq!((quiet.code, quiet.stderr.as_str()), (Some(0), ""), "{quiet}");
}

#[test]
fn row_18_results_are_streamed_as_they_are_reached() {
    let (env, practice) = world();
    let slow = Matcher::any().writes().resource("deployments");
    practice.cluster.faults().add(slow, Effect::Delay(Duration::from_secs(3)), Times::Always);
    let prepared = env.ctl(APPLY.into_iter().chain(["-o", "jsonl"])).var("KUBECONFIG", env.path("kubeconfig"));
    let mut child = prepared.command().stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next = || serde_json::from_str::<Value>(&lines.next().unwrap().unwrap()).unwrap();
    assert_eq!(next()["service"], "hello");
    assert_eq!(next()["service"], "settings");
    assert!(child.try_wait().unwrap().is_none(), "the deployment is still on its way");
    assert_eq!((&next()["service"], &next_is_over(&mut lines)), (&Value::from("web"), &true));
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

fn next_is_over(lines: &mut impl Iterator<Item = std::io::Result<String>>) -> bool {
    lines.next().is_none()
}

#[test]
fn with_events_every_line_is_an_event_and_the_last_holds_the_operation() {
    let (env, _practice) = world();
    let output = run(&env, &["pattern", "apply", "-f", "hello.yaml", "-o", "jsonl", "--events"]);
    assert_eq!(output.code, Some(0), "{output}");
    let schema: Value = serde_json::from_str(&env.ctl(["schema", "event"]).ok().stdout).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    let events: Vec<Value> = output.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(events.iter().all(|event| schema.is_valid(event)), "{output}");
    let last = &events.last().unwrap()["payload"];
    assert_eq!((&last["type"], &last["status"]), (&Value::from("ended"), &Value::from("succeeded")), "{last}");
    assert_eq!(events.iter().filter(|event| event["payload"]["type"] == "object").count(), 3);
    let refused = run(&env, &["pattern", "apply", "-f", "hello.yaml", "--events"]);
    assert_eq!(refused.code, Some(2), "{refused}");
    assert!(refused.stderr.contains("-o jsonl"), "{refused}");
}

#[test]
fn row_46_a_reader_that_goes_away_does_not_cut_the_operation() {
    let (env, practice) = world();
    let slow = Matcher::any().writes().resource("configmaps");
    practice.cluster.faults().add(slow, Effect::Delay(Duration::from_secs(1)), Times::Always);
    let prepared = env.ctl(APPLY.into_iter().chain(["-o", "jsonl"])).var("KUBECONFIG", env.path("kubeconfig"));
    let mut child = prepared.command().stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
    assert!(first.contains("\"hello\""), "{first}");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(run(&env, &["pattern", "status", "hello", "-o", "json"]).json()["objects"].as_array().unwrap().len(), 3);
}
