//! Several workers: in this process where what they measured is looked at, and as real processes where they are killed.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::StreamExt;
use mesheryctl::base::Code;
use mesheryctl::client::worker::PROTOCOL;
use mesheryctl::load::distributed::{self, Site};
use mesheryctl::model::performance::histogram::Histogram;
use mesheryctl::model::performance::plan::{Load, Overload, Pacing, Plan, Target as PlanTarget};
use mesheryctl::model::performance::result::{Ending, PerfResult};
use mesheryctl::model::performance::workers::Workers;
use mesheryctl::perf::control::Control;
use mesheryctl::perf::engine;
use mesheryctl::wire::worker::run_request::Command;
use mesheryctl::wire::worker::worker_client::WorkerClient;
use mesheryctl::wire::worker::worker_server::{Worker, WorkerServer};
use mesheryctl::wire::worker::{ClockRequest, ClockResponse, HelloRequest, HelloResponse, RunRequest, RunResponse};
use mesheryctl::worker::{self, Engine, Settings};
use rustix::process::{Pid, Signal, kill_process};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, Streaming};

use super::servers::{self, Authority};
use super::target::Target;
use crate::support::env::Env;

const TOKEN: &str = "a-shared-secret";

fn plan(url: &str, seconds: u64, rate: f64) -> Plan {
    Plan {
        name: "several".into(),
        targets: vec![PlanTarget { url: url.to_owned(), weight: 1 }],
        load: Load::Open { pacing: Pacing::Constant { rate }, overload: Overload::Queue },
        connections: 8,
        duration: Some(Duration::from_secs(seconds)),
        timeout: Duration::from_secs(1),
        ..Plan::default()
    }
}

/// A home that holds the token.
fn site(env: &Env, token: &str) -> Site {
    let file = env.write("home/.meshery/worker-token", token);
    Site { home: file.parent().unwrap().to_owned(), kubeconfig: None }
}

/// Serves a worker in this process.
async fn serve(engine: Engine) -> (String, CancellationToken) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let stop = CancellationToken::new();
    tokio::spawn(worker::serve(listener, Settings { token: TOKEN.to_owned(), engine }, stop.clone()));
    (address, stop)
}

fn counts(histogram: &Histogram) -> Vec<(u64, u64)> {
    histogram.counts().collect()
}

fn sum<'h>(histograms: impl Iterator<Item = &'h Histogram>) -> Histogram {
    let mut sum = Histogram::new();
    histograms.for_each(|one| sum.merge(one));
    sum
}

#[tokio::test(flavor = "multi_thread")]
async fn the_merged_result_is_exactly_the_sum_of_the_parts() {
    let (env, target) = (Env::new(), Target::with(200, Duration::from_millis(2)));
    let parts: Arc<Mutex<Vec<PerfResult>>> = Arc::default();
    let mut locations = Vec::new();
    let mut stops = Vec::new();
    for _ in 0..3 {
        let parts = parts.clone();
        let (address, stop) = serve(Arc::new(move |plan, control| {
            let result = engine::run(plan, control)?;
            parts.lock().unwrap().push(result.clone());
            Ok(result)
        }))
        .await;
        locations.push(address);
        stops.push(stop.drop_guard());
    }
    let shown: Arc<Mutex<u64>> = Arc::default();
    let seen = shown.clone();
    let control = Control::observed(move |interval| *seen.lock().unwrap() += interval.response.count());
    let workers = Workers::At { locations };
    let merged = distributed::run(plan(&target.url(), 2, 300.0), &workers, &site(&env, TOKEN), control).await.unwrap();

    let parts = parts.lock().unwrap();
    assert_eq!(parts.len(), 3);
    let all = |of: fn(&PerfResult) -> &Histogram| sum(parts.iter().map(of));
    assert_eq!(counts(&merged.latency.response), counts(&all(|part| &part.latency.response)));
    assert_eq!(counts(&merged.latency.service), counts(&all(|part| &part.latency.service)));
    assert_eq!(counts(&merged.latency.slip), counts(&all(|part| &part.latency.slip)));
    assert_eq!(counts(&merged.latency.by_class["2xx"]), counts(&all(|part| &part.latency.by_class["2xx"])));
    let by_interval: Vec<Histogram> = merged.intervals.iter().map(|interval| interval.response.unpack()).collect();
    let by_interval = sum(by_interval.iter());
    assert_eq!(counts(&by_interval), counts(&merged.latency.response));
    assert_eq!(*shown.lock().unwrap(), merged.latency.response.count(), "every interval was shown once");
    let sent: u64 = parts.iter().map(|part| part.requests.sent).sum();
    assert_eq!((merged.requests.sent, merged.statuses["200"]), (sent, merged.requests.succeeded));
    assert_eq!(target.seen() as u64, sent);
    assert_eq!((merged.ended_by, merged.requested_rate), (Ending::Duration, Some(300.0)));
    assert_eq!(merged.plan.connections, 8, "the plan is the whole one");
    assert!(merged.workers.iter().all(|share| share.lost.is_none() && share.sent > 0), "{:?}", merged.workers);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_begins_late_is_told() {
    let (env, target) = (Env::new(), Target::start());
    let (on_time, _first) = serve(Arc::new(engine::run)).await;
    let (late, _second) = serve(Arc::new(|plan, control| {
        std::thread::sleep(Duration::from_millis(900));
        engine::run(plan, control)
    }))
    .await;
    let workers = Workers::At { locations: vec![on_time, late.clone()] };
    let plan = plan(&target.url(), 1, 50.0);
    let merged = distributed::run(plan, &workers, &site(&env, TOKEN), Control::default()).await.unwrap();
    assert!(merged.workers[1].start_slip_ns > 300_000_000, "{:?}", merged.workers);
    let told = format!("worker {late} began ");
    assert!(merged.warnings.iter().any(|warning| warning.starts_with(&told)), "{:?}", merged.warnings);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_reaches_every_worker_and_keeps_what_was_measured() {
    let (env, target) = (Env::new(), Target::start());
    let (one, _first) = serve(Arc::new(engine::run)).await;
    let (two, _second) = serve(Arc::new(engine::run)).await;
    let reins: Arc<Mutex<Option<Control>>> = Arc::default();
    let held = reins.clone();
    let control = Control::observed(move |_| {
        if let Some(control) = held.lock().unwrap().as_ref() {
            control.stop(Ending::Threshold);
        }
    });
    *reins.lock().unwrap() = Some(control.clone());
    let workers = Workers::At { locations: vec![one, two] };
    let plan = plan(&target.url(), 600, 100.0);
    let merged = distributed::run(plan, &workers, &site(&env, TOKEN), control).await.unwrap();
    reins.lock().unwrap().take();
    assert_eq!(merged.ended_by, Ending::Threshold);
    assert!(merged.requests.succeeded > 0 && merged.workers.iter().all(|share| share.lost.is_none()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_a_worker_cannot_carry_out_is_refused_in_its_words() {
    let env = Env::new();
    let (address, _stop) = serve(Arc::new(engine::run)).await;
    let workers = Workers::At { locations: vec![address.clone()] };
    let wrong = plan("ftp://127.0.0.1/", 1, 10.0);
    let result = distributed::run(wrong, &workers, &site(&env, TOKEN), Control::default()).await;
    match result {
        Ok(lost) => {
            assert_eq!(lost.ended_by, Ending::WorkersLost);
            let why = lost.workers[0].lost.clone().unwrap();
            assert!(why.contains("ftp"), "{why}");
        }
        Err(error) => assert!(error.to_string().contains("ftp"), "{error}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_tokens_strangers_and_nobody_are_told_apart_before_anything_is_sent() {
    let (env, target) = (Env::new(), Target::start());
    let (worker, _stop) = serve(Arc::new(engine::run)).await;
    let http = target.url().trim_start_matches("http://").trim_end_matches('/').to_owned();
    let nobody = Target::nobody().trim_start_matches("http://").trim_end_matches('/').to_owned();
    let double = serve_double(Stranger).await;
    let good = site(&env, TOKEN);
    let other = Env::new();
    let bad = site(&other, "another-secret");
    for (location, site, code) in [
        (worker, &bad, Code::WorkerToken),
        (nobody, &good, Code::WorkerUnreachable),
        (double, &good, Code::WorkerProtocol),
    ] {
        let workers = Workers::At { locations: vec![location] };
        let plan = plan(&target.url(), 1, 10.0);
        let error = distributed::run(plan, &workers, site, Control::default()).await.unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
    assert_eq!(target.seen(), 0);
    let workers = Workers::At { locations: vec![http] };
    let error = distributed::run(plan("http://127.0.0.1:1/", 1, 1.0), &workers, &good, Control::default()).await;
    assert_eq!(error.unwrap_err().code(), Code::WorkerUnreachable);
}

/// A double: a worker of a later protocol.
struct Stranger;

#[tonic::async_trait]
impl Worker for Stranger {
    async fn hello(&self, _: Request<HelloRequest>) -> Result<Response<HelloResponse>, Status> {
        Ok(Response::new(HelloResponse { protocol: PROTOCOL + 1, version: "99.0.0".into(), ..Default::default() }))
    }

    async fn clock(&self, _: Request<ClockRequest>) -> Result<Response<ClockResponse>, Status> {
        Err(Status::internal("nobody asks a stranger for the time"))
    }

    type RunStream = futures_util::stream::Empty<Result<RunResponse, Status>>;

    async fn run(&self, _: Request<Streaming<RunRequest>>) -> Result<Response<Self::RunStream>, Status> {
        Err(Status::internal("nobody hands a stranger a plan"))
    }
}

async fn serve_double(double: impl Worker) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let incoming = tonic::transport::server::TcpIncoming::from(listener);
    let serving = tonic::transport::Server::builder().add_service(WorkerServer::new(double));
    tokio::spawn(serving.serve_with_incoming(incoming));
    address
}

/// `serve worker` as a process; killed when dropped.
struct Process {
    address: String,
    child: Child,
}

impl Process {
    fn start(env: &Env) -> Self {
        let run = env.ctl(["serve", "worker", "--listen", "127.0.0.1:0"]).var("MESHERY_WORKER_TOKEN", TOKEN);
        let mut child =
            run.command().stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut said = String::new();
        let mut lines = BufReader::new(child.stderr.take().unwrap());
        lines.read_line(&mut said).unwrap();
        let address = said.split(" serves at ").nth(1).unwrap_or_else(|| panic!("it said: {said}"));
        let address = address.split(' ').next().unwrap().to_owned();
        std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
        Self { address, child }
    }

    fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Measures with these processes and kills some of them after the first interval.
async fn with_deaths(deaths: usize) -> (PerfResult, u64) {
    let (env, target) = (Env::new(), Target::start());
    let processes: Vec<Process> = (0..3).map(|_| Process::start(&env)).collect();
    let workers = Workers::At { locations: processes.iter().map(|one| one.address.clone()).collect() };
    let alive = Mutex::new((processes, deaths));
    let control = Control::observed(move |_| {
        let mut alive = alive.lock().unwrap();
        let dying = std::mem::take(&mut alive.1);
        alive.0.iter_mut().take(dying).for_each(Process::kill);
    });
    let plan = plan(&target.url(), 4, 90.0);
    let merged = distributed::run(plan, &workers, &site(&env, TOKEN), control).await.unwrap();
    (merged, target.seen() as u64)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_killed_is_told_with_its_share_and_the_others_go_on() {
    let (merged, seen) = with_deaths(1).await;
    let lost: Vec<bool> = merged.workers.iter().map(|share| share.lost.is_some()).collect();
    assert_eq!((lost, merged.ended_by), (vec![true, false, false], Ending::Duration));
    let share = &merged.workers[0];
    assert!(share.sent > 0 && share.sent < merged.workers[1].sent, "{:?}", merged.workers);
    assert_eq!(merged.requests.sent, merged.workers.iter().map(|share| share.sent).sum::<u64>());
    assert!(merged.requests.sent <= seen, "nothing is counted that was not sent");
    let told = &merged.warnings[0];
    assert!(told.contains("one of 3, was lost") && !told.contains("not known"), "its statuses are known: {told}");
    assert_eq!(merged.latency.by_class["2xx"].count(), merged.statuses["200"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_workers_the_result_is_what_arrived() {
    let (merged, _) = with_deaths(3).await;
    assert_eq!(merged.ended_by, Ending::WorkersLost);
    assert!(merged.workers.iter().all(|share| share.lost.is_some()));
    assert!(merged.requests.sent > 0 && merged.latency.response.count() > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_stands_still_is_told_and_makes_no_load_when_it_goes_on() {
    let (env, target) = (Env::new(), Target::start());
    let processes: Vec<Process> = (0..2).map(|_| Process::start(&env)).collect();
    let locations: Vec<String> = processes.iter().map(|one| one.address.clone()).collect();
    let still = Pid::from_child(&processes[0].child);
    let control = Control::observed(move |_| kill_process(still, Signal::STOP).unwrap());
    // The timeout alone would keep the run waiting for a minute.
    let plan = Plan { timeout: Duration::from_mins(1), ..plan(&target.url(), 3, 90.0) };
    let workers = Workers::At { locations: locations.clone() };
    let merged = distributed::run(plan.clone(), &workers, &site(&env, TOKEN), control).await.unwrap();
    let why = merged.workers[0].lost.clone().unwrap();
    assert!(why.ends_with("stood still for 4 s"), "it was asked whether it is there: {why}");
    assert_eq!((&merged.workers[1].lost, merged.ended_by), (&None, Ending::Duration));
    assert!(merged.workers[0].sent > 0 && merged.workers[0].sent < merged.workers[1].sent, "{:?}", merged.workers);

    kill_process(still, Signal::CONT).unwrap();
    let alone = Workers::At { locations: locations[..1].to_vec() };
    let short = Plan { requests: Some(20), duration: None, ..plan };
    let mut attempts = 0;
    let again = loop {
        match distributed::run(short.clone(), &alone, &site(&env, TOKEN), Control::default()).await {
            // It is still in the middle of the measurement that nobody waits for.
            Err(error) if error.code() == Code::WorkerRefused && attempts < 100 => attempts += 1,
            outcome => break outcome.unwrap(),
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    assert_eq!(again.requests.succeeded, 20, "it is free again");
}

/// A worker whose clock is `ahead` nanoseconds, and that is otherwise the real one at `location`.
struct Ahead {
    ahead: i64,
    location: String,
}

impl Ahead {
    async fn real(&self) -> WorkerClient<tonic::transport::Channel> {
        let endpoint = tonic::transport::Endpoint::from_shared(format!("http://{}", self.location)).unwrap();
        WorkerClient::new(endpoint.connect().await.unwrap())
    }

    /// The same call with the caller's token.
    fn passed<T>(request: Request<T>) -> (tonic::metadata::MetadataMap, T) {
        let (metadata, _, message) = request.into_parts();
        (metadata, message)
    }
}

fn with<T>(metadata: tonic::metadata::MetadataMap, message: T) -> Request<T> {
    Request::from_parts(metadata, tonic::Extensions::default(), message)
}

#[tonic::async_trait]
impl Worker for Ahead {
    async fn hello(&self, request: Request<HelloRequest>) -> Result<Response<HelloResponse>, Status> {
        let (metadata, message) = Self::passed(request);
        self.real().await.hello(with(metadata, message)).await
    }

    async fn clock(&self, request: Request<ClockRequest>) -> Result<Response<ClockResponse>, Status> {
        let (metadata, message) = Self::passed(request);
        let told = self.real().await.clock(with(metadata, message)).await?.into_inner();
        let ClockResponse { received_ns, sent_ns } = told;
        let ahead = self.ahead;
        Ok(Response::new(ClockResponse { received_ns: received_ns + ahead, sent_ns: sent_ns + ahead }))
    }

    type RunStream = Streaming<RunResponse>;

    async fn run(&self, request: Request<Streaming<RunRequest>>) -> Result<Response<Self::RunStream>, Status> {
        let (metadata, commands) = Self::passed(request);
        let ahead = self.ahead;
        let commands = commands.filter_map(move |command| {
            let shifted = command.ok().map(|mut command: RunRequest| {
                if let Some(Command::Start(start)) = &mut command.command {
                    start.at_ns -= ahead;
                }
                command
            });
            std::future::ready(shifted)
        });
        self.real().await.run(with(metadata, commands)).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_whose_clocks_are_off_by_seconds_begin_at_the_same_moment() {
    let (env, target) = (Env::new(), Target::start());
    let (mut locations, mut stops) = (Vec::new(), Vec::new());
    let seconds = [0, 5, -7];
    for ahead in seconds {
        let (location, stop) = serve(Arc::new(engine::run)).await;
        stops.push(stop.drop_guard());
        locations.push(serve_double(Ahead { ahead: ahead * 1_000_000_000, location }).await);
    }
    let workers = Workers::At { locations };
    let plan = plan(&target.url(), 1, 90.0);
    let merged = distributed::run(plan, &workers, &site(&env, TOKEN), Control::default()).await.unwrap();
    for (share, ahead) in merged.workers.iter().zip(seconds) {
        let wrong = share.clock_offset_ns.abs_diff(ahead * 1_000_000_000);
        // The real clocks are one: what is measured differs from the shift by no more than it says itself.
        assert!(wrong <= share.clock_error_ns && share.clock_error_ns > 0, "{ahead} s ahead: {share:?}");
        // With any of the clocks taken for ours, a worker would begin seconds early or late.
        assert!(share.start_slip_ns.abs() < 2_000_000_000 && share.lost.is_none(), "{ahead} s ahead: {share:?}");
    }
    assert!(merged.elapsed_seconds < 4.0, "the parts lie beside each other: {}", merged.elapsed_seconds);
    assert_eq!(merged.requests.succeeded, target.seen() as u64);
}

#[test]
fn a_run_that_loses_a_worker_ends_with_7_and_its_result() {
    let (env, target) = (Env::new(), Target::start());
    let mut workers: Vec<Process> = (0..2).map(|_| Process::start(&env)).collect();
    let locations = format!("{},{}", workers[0].address, workers[1].address);
    let url = target.url();
    let args = ["perf", "run", "--url", &url, "--rate", "100", "--connections", "4", "--duration", "4s"];
    let run = env.ctl(args.into_iter().chain(["--workers", &locations, "-o", "json"]));
    let run = run.var("MESHERY_WORKER_TOKEN", TOKEN);
    let ended = std::thread::scope(|scope| {
        let running = scope.spawn(|| run.run());
        while target.seen() < 150 && !running.is_finished() {
            std::thread::sleep(Duration::from_millis(20));
        }
        workers[1].kill();
        running.join().unwrap()
    });
    assert_eq!(ended.code, Some(7), "{ended}");
    assert!(ended.stderr.contains("workers-lost") && ended.stderr.contains("1 of 2 workers were lost"), "{ended}");
    let result: PerfResult = serde_json::from_str(&ended.stdout).unwrap();
    assert!(result.workers[0].lost.is_none() && result.workers[1].lost.is_some(), "{ended}");
    let both = sum(result.workers.iter().map(|share| &share.latency.response));
    assert_eq!(counts(&both), counts(&result.latency.response));
}

#[test]
fn the_command_line_starts_workers_by_itself() {
    let (env, target) = (Env::new(), Target::start());
    let url = target.url();
    let args = ["perf", "run", "--url", &url, "--requests", "40", "--connections", "4", "--workers", "2", "-o", "json"];
    let shown = env.ctl(args).ok();
    let result = shown.json();
    assert_eq!((&result["requests"]["succeeded"], target.seen()), (&40.into(), 40), "{shown}");
    let names: Vec<&str> =
        result["workers"].as_array().unwrap().iter().filter_map(|one| one["name"].as_str()).collect();
    assert_eq!(names, ["worker-0", "worker-1"]);
    let few = env.ctl(["perf", "run", "--url", &url, "--connections", "1", "--workers", "2"]).run();
    assert_eq!(few.code, Some(2), "{few}");
    assert!(few.stderr.contains("1 connections cannot be shared by 2 workers"), "{few}");
    let wrong = env.ctl(["perf", "run", "--url", &url, "--workers", "nowhere"]).run();
    assert_eq!(wrong.code, Some(2), "{wrong}");
}

#[test]
fn certificates_and_keys_reach_workers_that_cannot_see_their_files_and_are_kept_nowhere() {
    let (env, elsewhere, authority) = (Env::new(), Env::new(), Authority::new());
    let server = servers::https(&authority.issue("127.0.0.1", |_| ()), Some(&authority));
    let own = authority.issue("client", |_| ());
    let key = own.key.serialize_pem();
    for (name, text) in [("ca.pem", &authority.pem()), ("cert.pem", &own.certificate), ("key.pem", &key)] {
        env.write(&format!("work/{name}"), text);
    }
    let workers: Vec<Process> = (0..2).map(|_| Process::start(&elsewhere)).collect();
    let locations = format!("{},{}", workers[0].address, workers[1].address);
    let url = format!("https://{server}/");
    let args = ["perf", "run", "--url", &url, "--requests", "40", "--connections", "4", "--workers", &locations];
    // each of these names a file in the folder in which whoever opens it works
    let files =
        ["--ca", "/proc/self/cwd/ca.pem", "--cert", "/proc/self/cwd/cert.pem", "--key", "/proc/self/cwd/key.pem"];
    let run = env.ctl(args.into_iter().chain(files).chain(["-o", "json"])).var("MESHERY_WORKER_TOKEN", TOKEN);
    let shown = run.ok();
    assert_eq!(shown.json()["requests"]["succeeded"], 40, "{shown}");
    let secret = key.lines().nth(1).unwrap();
    assert!(!shown.stdout.contains(secret) && !shown.stderr.contains(secret), "{shown}");
    for env in [&env, &elsewhere] {
        for file in env.files().iter().filter(|file| !file.ends_with("key.pem")) {
            let bytes = std::fs::read(env.path(file)).unwrap();
            assert!(!bytes.windows(secret.len()).any(|part| part == secret.as_bytes()), "{file}");
        }
    }
    let missing = ["--ca", "/proc/self/cwd/other.pem"];
    let refused = env.ctl(args.into_iter().chain(missing)).var("MESHERY_WORKER_TOKEN", TOKEN).run();
    assert_eq!(refused.code, Some(2), "{refused}");
    assert!(refused.stderr.contains("other.pem"), "{refused}");
}

#[test]
fn a_worker_ends_with_whoever_started_it() {
    let env = Env::new();
    let run = env.ctl(["serve", "worker", "--listen", "127.0.0.1:0", "--until-stdin-closes"]);
    let mut child = run.command().stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = String::new();
    BufReader::new(child.stderr.take().unwrap()).read_line(&mut said).unwrap();
    assert!(said.contains("The worker serves at 127.0.0.1:"), "{said}");
    let token: PathBuf = env.path("home/.meshery/worker-token");
    assert_eq!(std::fs::read_to_string(token).unwrap().trim().len(), 64);
    drop(child.stdin.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn an_address_that_cannot_be_listened_on_is_refused() {
    let env = Env::new();
    let wrong = env.ctl(["serve", "worker", "--listen", "nowhere"]).run();
    assert_eq!(wrong.code, Some(2), "{wrong}");
    assert!(wrong.stderr.contains("address-invalid"), "{wrong}");
    let no_token = env.ctl(["serve", "worker", "--listen", "127.0.0.1:0", "--token-file", "missing"]).run();
    assert_eq!(no_token.code, Some(4), "{no_token}");
}
