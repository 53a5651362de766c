//! Other generators: what they cannot do is refused; what they measure becomes a result. fortio and wrk are real in the
//! ignored tests.

use std::process::{Command, Stdio};
use std::time::Duration;

use mesheryctl::load;
use mesheryctl::model::performance::plan::{Generator, Header, Load, Overload, Pacing, Plan, Target as PlanTarget};
use mesheryctl::model::performance::result::{Cause, Ending, PerfResult};
use mesheryctl::perf::control::Control;

use super::target::Target;
use crate::support::cluster::Kit;
use crate::support::env::Env;

pub fn plan(generator: Generator, url: &str) -> Plan {
    Plan {
        name: "external".into(),
        generator,
        targets: vec![PlanTarget { url: url.to_owned(), weight: 1 }],
        connections: 2,
        duration: Some(Duration::from_secs(2)),
        timeout: Duration::from_secs(2),
        ..Plan::default()
    }
}

pub fn constant(rate: f64) -> Load {
    Load::Open { pacing: Pacing::Constant { rate }, overload: Overload::Queue }
}

#[test]
fn a_program_that_is_not_there_is_an_error_and_never_replaced() {
    let (env, target) = (Env::new(), Target::start());
    let url = target.url();
    for generator in ["fortio", "wrk", "wrk2", "nighthawk"] {
        let rate = if ["fortio", "wrk"].contains(&generator) { "max" } else { "10" };
        let args = ["perf", "run", "--url", &url, "--duration", "1s", "--rate", rate, "--load-generator", generator];
        let missing = env.ctl(args).var("PATH", "/nowhere").run();
        assert_eq!(missing.code, Some(5), "{missing}");
        assert!(
            missing.stderr.contains("generator-missing") && missing.stderr.contains("PATH (/nowhere)"),
            "{missing}"
        );
        assert!(missing.stderr.contains("runs in      this process"), "{missing}");
    }
    assert_eq!(target.seen(), 0);
    let named = env
        .ctl(["perf", "run", "--url", &url, "--duration", "1s", "--load-generator", "fortio"])
        .var("MESHERY_FORTIO", "/nowhere/fortio")
        .run();
    assert!(named.stderr.contains("MESHERY_FORTIO names `/nowhere/fortio`"), "{named}");
}

#[test]
fn a_program_that_the_running_plane_lacks_is_told_with_the_place_and_the_next_step() {
    let (env, target) = (Env::new(), Target::start());
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    env.write(
        "home/.meshery/config.yaml",
        format!("contexts:\n  local:\n    endpoint: http://localhost:{free}\n    token: default\n    platform: local\ncurrent-context: local\n"),
    );
    let started = env.ctl(["system", "start"]).var("PATH", "/nowhere").run();
    let url = target.url();
    let args = ["perf", "run", "--url", &url, "--duration", "1s", "--load-generator", "fortio"];
    let missing = env.ctl(args).run();
    let _ = env.ctl(["system", "stop", "--force"]).run();
    assert_eq!(started.code, Some(0), "{started}");
    assert_eq!(missing.code, Some(5), "{missing}");
    assert!(missing.stderr.contains("runs in      the plane at http://"), "{missing}");
    assert!(missing.stderr.contains("PATH (/nowhere)") && missing.stderr.contains("system restart"), "{missing}");
}

#[test]
fn what_a_program_cannot_do_is_refused_by_name() {
    let (env, target) = (Env::new(), Target::start());
    let url = target.url();
    for (generator, flags, part) in [
        ("wrk", &["--rate", "10"][..], "wrk has no rate"),
        ("wrk", &["--requests", "5"], "cannot count requests"),
        ("fortio", &["--rate", "ramp:1..2/1s"], "constant rate only"),
        ("fortio", &["-H", "Authorization: Bearer hunter2"], "Authorization"),
        ("wrk2", &["--rate", "max"], "needs a rate"),
        ("fortio", &["--options", "-json /etc/passwd"], "option `json`"),
    ] {
        let mut args = vec!["perf", "run", "--url", &url, "--duration", "1s", "--load-generator", generator];
        args.extend(flags.iter().filter(|_| !flags.contains(&"--requests")));
        if flags.contains(&"--requests") {
            args.extend(flags);
        }
        let refused = env.ctl(args).run();
        assert_eq!(refused.code, Some(2), "{part}: {refused}");
        assert!(refused.stderr.contains(part) && refused.stderr.contains("generator-option"), "{part}: {refused}");
        assert!(!refused.stderr.contains("hunter2"), "{refused}");
    }
    assert_eq!(target.seen(), 0);
}

#[cfg(unix)]
#[test]
fn a_program_that_is_another_one_is_not_run() {
    use std::os::unix::fs::PermissionsExt;
    let (env, target) = (Env::new(), Target::start());
    let file = env.write("other", "#!/bin/sh\necho 'wrk 4.0.0 [epoll]'; echo '  -R, --rate'\n");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
    let args = ["perf", "run", "--url", &target.url(), "--duration", "1s", "--load-generator", "wrk"];
    let other = env.ctl(args).var("MESHERY_WRK", file).run();
    assert_eq!(other.code, Some(5), "{other}");
    assert!(other.stderr.contains("is no wrk") && other.stderr.contains("--rate"), "{other}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the kit: tests/kit/up.sh load"]
async fn wrk_measures_what_the_target_saw() {
    let target = Target::with(200, Duration::from_millis(5));
    let mut plan = plan(Generator::Wrk, &target.url());
    plan.request.headers.push(Header { name: "Authorization".into(), value: "Bearer hunter2".into() });
    let result = load::run(plan, Control::default()).await.unwrap();
    assert_eq!(result.ended_by, Ending::Duration);
    assert!(target.last().contains("Authorization: Bearer hunter2"), "{}", target.last());
    assert_eq!(result.plan.request.headers[0].value, "[redacted]");
    let (seen, sent) = (target.seen() as u64, result.requests.sent);
    assert!(
        seen >= sent && seen - sent <= 4,
        "{seen} {sent}: in flight at the end are two at most, and one probe each"
    );
    assert_eq!(result.latency.service.count(), result.requests.succeeded, "{:?}", result.warnings);
    assert!(result.latency.service.min_ns() >= 5_000_000);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the kit: tests/kit/up.sh load"]
async fn wrk_tells_errors_and_a_stop_keeps_its_report() {
    let target = Target::with(503, Duration::from_millis(1));
    let control = Control::default();
    let plan = Plan { duration: Some(Duration::from_mins(10)), ..plan(Generator::Wrk, &target.url()) };
    let running = tokio::spawn(load::run(plan, control.clone()));
    while target.seen() < 50 {
        assert!(!running.is_finished(), "it ended before its time");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    control.stop(Ending::Stopped);
    let result = running.await.unwrap().unwrap();
    assert_eq!((result.ended_by, result.requests.succeeded), (Ending::Stopped, 0));
    assert_eq!(result.errors.keys().copied().collect::<Vec<_>>(), [Cause::Status]);
    assert!(result.errors[&Cause::Status] >= 50);
}

/// A measurement by the kit's fortio, through the command line: the program is named by the environment.
fn by_fortio(env: &Env, url: &str, flags: &[&str]) -> Command {
    let common = ["perf", "run", "--load-generator", "fortio", "--url", url, "--connections", "2", "-o", "json"];
    env.ctl([&common[..], flags].concat()).var("MESHERY_FORTIO", Kit::up().get("LOAD_FORTIO")).command()
}

fn result_of(output: &std::process::Output) -> PerfResult {
    let text = || String::from_utf8_lossy(&output.stderr).into_owned();
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", text()))
}

#[test]
#[ignore = "needs the kit: tests/kit/up.sh load"]
fn fortio_measures_what_the_target_saw() {
    let (env, target) = (Env::new(), Target::with(200, Duration::from_millis(5)));
    let result = result_of(&by_fortio(&env, &target.url(), &["--requests", "60"]).output().unwrap());
    assert_eq!((result.requests.sent, result.requests.succeeded), (60, 60), "{result:?}");
    assert_eq!((result.ended_by, result.statuses["200"]), (Ending::Requests, 60));
    assert_eq!(result.latency.service.count(), 60);
    assert!(result.latency.service.percentile_ns(50.0) >= 4_900_000);
    assert!(result.generator.version.starts_with(|c: char| c.is_ascii_digit()), "{}", result.generator.version);

    let flags = ["--rate", "50", "--duration", "2s", "--method", "PUT", "--body", "hello"];
    let result = result_of(&by_fortio(&env, &target.url(), &flags).output().unwrap());
    assert!(target.last().starts_with("PUT / HTTP/1.1") && target.last().ends_with("hello"), "{}", target.last());
    assert_eq!(result.requested_rate, Some(50.0));
    assert!(result.requests.sent >= 90 && result.requests.due >= result.requests.sent, "{:?}", result.requests);
    assert!(
        result.warnings.iter().any(|warning| warning.contains("coordinated omission") || warning.contains("was sent"))
    );
}

#[cfg(unix)]
#[test]
#[ignore = "needs the kit: tests/kit/up.sh load"]
fn fortio_tells_errors_and_a_stop_keeps_its_report() {
    let (env, target) = (Env::new(), Target::with(503, Duration::from_millis(1)));
    let mut command = by_fortio(&env, &target.url(), &["--duration", "10m"]);
    let mut running = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    while target.seen() < 50 {
        assert!(running.try_wait().unwrap().is_none(), "it ended before its time");
        std::thread::sleep(Duration::from_millis(10));
    }
    let pid = rustix::process::Pid::from_raw(running.id().cast_signed()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let result = result_of(&running.wait_with_output().unwrap());
    assert_eq!((result.ended_by, result.requests.succeeded), (Ending::Stopped, 0));
    assert!(result.errors[&Cause::Status] >= 50, "{:?}", result.errors);
}
