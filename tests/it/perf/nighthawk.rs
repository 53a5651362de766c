//! Nighthawk by its service: a double that speaks its protocol, programs that stand in for nighthawk_service, and the real
//! one where it is given.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use mesheryctl::base::process::Identity;
use mesheryctl::load;
use mesheryctl::model::performance::plan::{Generator, Plan};
use mesheryctl::model::performance::result::{Cause, PerfResult};
use mesheryctl::perf::control::Control;
use mesheryctl::wire::nighthawk::execution_request::CommandSpecificOptions;
use mesheryctl::wire::nighthawk::nighthawk_service_server::{NighthawkService, NighthawkServiceServer};
use mesheryctl::wire::nighthawk::percentile::DurationType;
use mesheryctl::wire::nighthawk::{
    CommandLineOptions, Counter, ExecutionRequest, ExecutionResponse, Output, Percentile, Result as Measured, Statistic,
};
use tonic::{Request, Response, Status, Streaming};

use super::external::{constant, plan};
use super::target::Target;
use crate::support::ctl::Run;
use crate::support::env::Env;

/// A double of nighthawk_service: it remembers what it is asked and answers as its protocol says.
#[derive(Clone, Default)]
struct Double {
    asked: Arc<Mutex<Vec<CommandLineOptions>>>,
}

impl Double {
    async fn serve(self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let incoming = tonic::transport::server::TcpIncoming::from(listener);
        let serving = tonic::transport::Server::builder().add_service(NighthawkServiceServer::new(self));
        tokio::spawn(serving.serve_with_incoming(incoming));
        address
    }
}

fn output(options: &CommandLineOptions) -> Output {
    let length = options.duration.unwrap();
    let sent = u64::from(options.requests_per_second.unwrap()) * u64::try_from(length.seconds).unwrap();
    let percentile = |at: f64, us: i32, count: u64| {
        let value = DurationType::Duration(prost_types::Duration { seconds: 0, nanos: us * 1_000 });
        Percentile { duration_type: Some(value), percentile: at, count }
    };
    let counter = |name: &str, value| Counter { name: name.into(), value };
    Output {
        results: vec![Measured {
            name: "global".into(),
            statistics: vec![Statistic {
                id: "benchmark_http_client.request_to_response".into(),
                count: sent,
                percentiles: vec![percentile(0.5, 100, sent / 2), percentile(1.0, 3_000, sent)],
                ..Statistic::default()
            }],
            counters: vec![counter("benchmark.http_2xx", sent - 1), counter("benchmark.http_5xx", 1)],
            execution_duration: Some(length),
            ..Measured::default()
        }],
        ..Output::default()
    }
}

#[tonic::async_trait]
impl NighthawkService for Double {
    type ExecutionStreamStream = BoxStream<'static, Result<ExecutionResponse, Status>>;

    async fn execution_stream(
        &self,
        request: Request<Streaming<ExecutionRequest>>,
    ) -> Result<Response<Self::ExecutionStreamStream>, Status> {
        let mut requests = request.into_inner();
        let asked = self.asked.clone();
        let answer = stream::once(async move {
            let first = requests.next().await.unwrap()?;
            let Some(CommandSpecificOptions::StartRequest(start)) = first.command_specific_options else {
                return Err(Status::invalid_argument("a start is wanted"));
            };
            let options = start.options.unwrap();
            let response = ExecutionResponse { output: Some(output(&options)), ..ExecutionResponse::default() };
            asked.lock().unwrap().push(options);
            Ok(response)
        });
        Ok(Response::new(answer.boxed()))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nighthawk_is_asked_by_its_service() {
    let double = Double::default();
    let address = double.clone().serve().await;
    let plan = Plan {
        load: constant(100.0),
        threads: 2,
        warm_up: Duration::from_secs(1),
        generator_options: Some(format!("address={address}")),
        ..plan(Generator::Nighthawk, "http://127.0.0.1:1/")
    };
    let result = load::run(plan, Control::default()).await.unwrap();
    assert_eq!((result.requests.sent, result.requests.succeeded), (100, 99));
    assert_eq!(result.errors, [(Cause::Status, 1)].into());
    assert_eq!((result.latency.response.count(), result.generator.name.as_str()), (100, "nighthawk"));
    let asked = double.asked.lock().unwrap();
    let lengths: Vec<i64> = asked.iter().map(|options| options.duration.unwrap().seconds).collect();
    assert_eq!(lengths, [1, 2], "the warm-up is a run of its own");
    assert_eq!((asked[1].requests_per_second, asked[1].connections), (Some(50), Some(1)), "of each worker");
}

/// A program in the place of nighthawk_service: a shell script with the file for the address in `$file`. It leaves its
/// number and its arguments behind.
struct StandIn {
    env: Env,
    program: PathBuf,
}

impl StandIn {
    fn new(script: &str) -> Self {
        let env = Env::new();
        let root = env.root().display().to_string();
        let text = format!("#!/bin/sh\necho \"$@\" > {root}/arguments\nfile=$4\necho $$ > {root}/number\n{script}\n");
        let program = env.write("nighthawk_service", text);
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        Self { env, program }
    }

    fn run(&self) -> Run<'_> {
        let args = ["perf", "run", "--load-generator", "nighthawk", "--url", "http://127.0.0.1:1/", "-o", "json"];
        let load = ["--rate", "100", "--duration", "1s"];
        self.env.ctl([&args[..], &load[..]].concat()).var("MESHERY_NIGHTHAWK", &self.program)
    }

    /// Whether the program, which was started, is gone: at once, or as soon as the system has put it away.
    fn is_gone(&self) -> bool {
        let number: u32 = self.env.read("number").trim().parse().unwrap();
        (0..200).any(|_| {
            let is_gone = Identity::of(number).is_none();
            if !is_gone {
                std::thread::sleep(Duration::from_millis(20));
            }
            is_gone
        })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_is_started_for_the_run_asked_and_ended_with_it() {
    let double = Double::default();
    let address = double.clone().serve().await;
    // It takes its time until it listens.
    let stand_in = StandIn::new(&format!("sleep 0.3; echo {address} > $file; exec sleep 600"));
    let output = tokio::task::block_in_place(|| stand_in.run().ok());
    let result: PerfResult = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!((result.requests.sent, result.requests.succeeded), (100, 99), "{output}");
    assert_eq!((result.generator.name.as_str(), double.asked.lock().unwrap().len()), ("nighthawk", 1));
    let arguments = stand_in.env.read("arguments");
    assert!(arguments.starts_with("--listen 127.0.0.1:0 --listener-address-file /"), "{arguments}");
    assert!(stand_in.is_gone(), "{arguments}");
    let file = arguments.split_whitespace().last().unwrap().to_owned();
    assert!(!PathBuf::from(&file).parent().unwrap().exists(), "{file} is left");
}

#[test]
fn a_service_that_does_not_come_up_is_told_in_its_own_words() {
    let stand_in = StandIn::new("echo 'no such flag: --listen' >&2; exit 3");
    let failed = stand_in.run().run();
    assert_eq!(failed.code, Some(1), "{failed}");
    for part in ["generator-failed", "ended before it listened", "exit status: 3", "no such flag: --listen"] {
        assert!(failed.stderr.contains(part), "{part}: {failed}");
    }
}

#[test]
fn a_service_that_tells_a_place_where_nobody_listens_is_not_there_and_does_not_stay() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let stand_in = StandIn::new(&format!("echo {free} > $file; exec sleep 600"));
    let failed = stand_in.run().run();
    assert_eq!(failed.code, Some(5), "{failed}");
    assert!(failed.stderr.contains(&format!("no nighthawk_service answers at {free}")), "{failed}");
    assert!(stand_in.is_gone());
}

#[test]
fn a_stop_ends_a_service_that_never_listens_with_all_it_started() {
    let stand_in = StandIn::new("sleep 600 & echo $! > $(dirname $0)/child; wait");
    let run = stand_in.run();
    let mut command = run.command();
    let running = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let child = stand_in.env.path("child");
    while !fs::read_to_string(&child).is_ok_and(|text| text.ends_with('\n')) {
        std::thread::sleep(Duration::from_millis(20));
    }
    let pid = rustix::process::Pid::from_raw(running.id().cast_signed()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let stopped = run.ended(running);
    assert_eq!(stopped.code, Some(130), "{stopped}");
    assert!(stand_in.is_gone());
    fs::rename(child, stand_in.env.path("number")).unwrap();
    assert!(stand_in.is_gone(), "what it started is left");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the kit: tests/kit/up.sh load"]
async fn the_real_service_measures_what_the_target_saw() {
    let variable = mesheryctl::base::env::MESHERY_NIGHTHAWK;
    if std::env::var_os(variable).is_none() {
        eprintln!("not run: {variable} names no nighthawk_service, and the kit has none");
        return;
    }
    let target = Target::with(200, Duration::from_millis(5));
    let plan = Plan { load: constant(50.0), ..plan(Generator::Nighthawk, &target.url()) };
    let result = load::run(plan, Control::default()).await.unwrap();
    let (seen, sent) = (target.seen() as u64, result.requests.sent);
    assert!((90..=101).contains(&sent) && seen >= sent && seen - sent <= 2, "{seen} {sent}");
    assert_eq!(result.requests.succeeded, sent, "{:?}", result.errors);
    assert!(result.latency.response.percentile_ns(50.0) >= 4_900_000);
    assert!(result.generator.version.starts_with(|c: char| c.is_ascii_digit()), "{}", result.generator.version);
}
