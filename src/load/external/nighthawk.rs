//! Nighthawk, by its gRPC service: one that runs already (`address=host:port`), or one that is started for the run.

mod output;

use std::fs::File;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep};

use super::options::{self, Known, value};
use super::outline;
use super::program::{self, Group, Program};
use super::refuse::{cannot, one_target, when};
use super::scratch::Scratch;
use crate::base::{Error, Result, clock, env};
use crate::client::nighthawk::NighthawkClient;
use crate::model::adapter::Location;
use crate::model::performance::plan::{Load, Overload, Pacing, Plan, Protocol, Reuse, Tls};
use crate::model::performance::result::PerfResult;
use crate::perf::control::Control;
use crate::wire::nighthawk::protocol::ProtocolOptions;
use crate::wire::nighthawk::{
    CommandLineOptions, HeaderValue, HeaderValueOption, Protocol as WireProtocol, RequestOptions,
};

/// Options that are handed on; `address` is where a service listens.
const KNOWN: &[Known] = &[
    value("address"),
    value("concurrency"),
    value("jitter-uniform"),
    value("burst-size"),
    value("max-pending-requests"),
];
/// Longest wait for a connection to the service.
const CONNECT: Duration = Duration::from_secs(5);
/// Longest wait until a service that was started listens.
const START: Duration = Duration::from_secs(20);
/// How often the reins and a starting service are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// File in which a service says where it listens.
const ADDRESS: &str = "address";
/// File of what it says on standard error.
const WORDS: &str = "words";
/// Methods by the numbers of Envoy's API.
const METHODS: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"];

/// Carries a plan out with Nighthawk.
pub(super) async fn run(plan: &Plan, control: &Control) -> Result<PerfResult> {
    let given = options::read(plan, KNOWN)?;
    let wish = wish(plan, &given)?;
    let service = match options::get(&given, "address") {
        Some(address) => Service { location: Location::parse(address)?, started: None },
        None => Service::start(plan, control).await?,
    };
    let mut client = NighthawkClient::connect(&service.location, CONNECT).await?;
    if let Some(first) = super::warm_up(plan) {
        let warm = execute(&mut client, &first, self::wish(&first, &given)?, control).await;
        warm.map_err(|error| service.explain(error))?;
    }
    let started = clock::now();
    let measured = execute(&mut client, plan, wish, control).await.map_err(|error| service.explain(error))?;
    let version = measured.version.as_ref().and_then(|build| build.version.as_ref());
    let version =
        version.map_or_else(|| "unknown".to_owned(), |v| format!("{}.{}.{}", v.major_number, v.minor_number, v.patch));
    let program = Program { path: service.location.to_string().into(), version };
    let global = output::global(&measured).ok_or_else(|| program::failed(plan, "its output has no results"))?;
    let mut result = outline::result(plan, &program, (started, output::elapsed(global)));
    result.ended_by = control.stopped().unwrap_or(result.ended_by);
    result.generator.threads = workers(plan, &given)?;
    output::fill(global, plan, &mut result);
    outline::warn_of_omission(plan, &mut result);
    Ok(result)
}

async fn execute(
    client: &mut NighthawkClient,
    plan: &Plan,
    options: CommandLineOptions,
    control: &Control,
) -> Result<crate::wire::nighthawk::Output> {
    let (cancel, cancelled) = oneshot::channel();
    let running = client.execute(options, program::limit(plan)?, cancelled);
    tokio::pin!(running);
    let mut cancel = Some(cancel);
    loop {
        match tokio::time::timeout(LOOK_EVERY, &mut running).await {
            Ok(outcome) => return outcome,
            Err(_) if control.stopped().is_some() => {
                if let Some(cancel) = cancel.take() {
                    // A measurement that has ended meanwhile hears nothing.
                    let _ = cancel.send(());
                }
            }
            Err(_) => {}
        }
    }
}

/// A service, ended with this where it was started for this.
#[derive(Debug)]
struct Service {
    location: Location,
    started: Option<Started>,
}

/// A service that was started for one run, with its files.
#[derive(Debug)]
struct Started {
    group: Group,
    scratch: Scratch,
}

impl Service {
    /// Starts the program on a free port of loopback, and waits until it says which one.
    ///
    /// # Errors
    /// [`crate::base::Code::GeneratorMissing`], [`crate::base::Code::GeneratorFailed`] with its own words.
    async fn start(plan: &Plan, control: &Control) -> Result<Self> {
        let path = program::find(plan, env::MESHERY_NIGHTHAWK, &["nighthawk_service"])?;
        let mut started = Started::launch(plan, &path)?;
        match started.listens(plan, control).await {
            Ok(location) => Ok(Self { location, started: Some(started) }),
            Err(error) => Err(error.details(started.words())),
        }
    }

    /// The error of a run with what the service said itself.
    fn explain(&self, error: Error) -> Error {
        error.details(self.started.iter().flat_map(Started::words))
    }
}

impl Started {
    fn launch(plan: &Plan, path: &Path) -> Result<Self> {
        let scratch = Scratch::new()?;
        let words = File::create(scratch.path(WORDS));
        let words = words.map_err(|error| program::failed(plan, "its words cannot be kept").because(error))?;
        let mut command = Command::new(path);
        command.args(["--listen", "127.0.0.1:0", "--listener-address-file"]).arg(scratch.path(ADDRESS));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(words);
        Ok(Self { group: Group::spawn(plan, command)?, scratch })
    }

    /// Where it listens, as soon as it does.
    async fn listens(&mut self, plan: &Plan, control: &Control) -> Result<Location> {
        let deadline = Instant::now() + START;
        loop {
            let told = std::fs::read_to_string(self.scratch.path(ADDRESS)).unwrap_or_default();
            if let Ok(location) = Location::parse(&told) {
                return Ok(location);
            }
            if let Some(status) = self.group.ended() {
                return Err(program::failed(plan, "nighthawk_service ended before it listened").because(status));
            }
            if control.stopped().is_some() {
                return Err(program::failed(plan, "it was stopped before its service listened"));
            }
            if Instant::now() >= deadline {
                let message = format!("nighthawk_service does not listen after {} s", START.as_secs());
                return Err(program::failed(plan, &message));
            }
            sleep(LOOK_EVERY).await;
        }
    }

    /// The end of what it said on standard error.
    fn words(&self) -> Vec<String> {
        let said = std::fs::read(self.scratch.path(WORDS)).unwrap_or_default();
        program::last_lines(&String::from_utf8_lossy(&said), "")
    }
}

/// The plan in the words of its API. Its rates and connections are those of each worker.
///
/// # Errors
/// [`crate::base::Code::GeneratorOption`] names the first thing that it cannot do.
fn wish(plan: &Plan, given: &options::Given) -> Result<CommandLineOptions> {
    let (target, url) = one_target(plan)?;
    refuse(plan, url.scheme())?;
    let workers = workers(plan, given)?;
    when(plan, !plan.connections.is_multiple_of(workers), "wants connections that are a multiple of its workers")?;
    let (rate, open_loop) = rate(plan, workers)?;
    let length = plan.duration.ok_or_else(|| cannot(plan, "needs a duration"))?;
    let number = |name: &str| {
        let text = options::get(given, name);
        text.map(|text| {
            text.parse().map_err(|_| cannot(plan, &format!("has no value `{text}` for the option `{name}`")))
        })
        .transpose()
    };
    let jitter = options::get(given, "jitter-uniform").map(crate::model::performance::duration::parse).transpose();
    let jitter = jitter.map_err(|problem| cannot(plan, "has no such jitter").because(problem))?;
    let streams = (plan.protocol == Protocol::Http2).then_some(plan.streams);
    Ok(CommandLineOptions {
        requests_per_second: Some(rate),
        connections: Some(plan.connections / workers),
        duration: Some(wire(plan, length)?),
        timeout: Some(wire(plan, plan.timeout)?),
        concurrency: Some(workers.to_string()),
        request_options: Some(request(plan)?),
        max_pending_requests: number("max-pending-requests")?,
        max_active_requests: Some((plan.connections / workers).saturating_mul(plan.streams)),
        max_requests_per_connection: (plan.reuse == Reuse::PerRequest).then_some(1),
        uri: Some(target.url.clone()),
        open_loop: Some(open_loop),
        jitter_uniform: jitter.map(|jitter| wire(plan, jitter)).transpose()?,
        burst_size: number("burst-size")?,
        protocol: Some(WireProtocol { value: version(plan).into() }),
        max_concurrent_streams: streams,
        // Responses with an error are part of a result; they do not end the run.
        no_default_failure_predicates: Some(true),
        ..CommandLineOptions::default()
    })
}

fn version(plan: &Plan) -> ProtocolOptions {
    if plan.protocol == Protocol::Http2 { ProtocolOptions::Http2 } else { ProtocolOptions::Http1 }
}

fn refuse(plan: &Plan, scheme: &str) -> Result<()> {
    when(plan, !matches!(plan.protocol, Protocol::Http1 | Protocol::Http2), "speaks HTTP only")?;
    when(plan, !["http", "https"].contains(&scheme), "wants a URL that begins with http:// or https://")?;
    when(plan, plan.requests.is_some(), "cannot count requests exactly: name a duration alone")?;
    when(plan, plan.redirects > 0, "follows no redirects")?;
    when(plan, plan.pin, "does not keep its workers on processors")?;
    when(plan, matches!(plan.reuse, Reuse::Range { .. }), "cannot draw the number of requests for each connection")?;
    when(plan, scheme == "https" && !plan.tls.insecure, "accepts any certificate: allow that with --insecure")?;
    let own = Tls { insecure: plan.tls.insecure, ..Tls::default() };
    when(plan, plan.tls != own, "takes no certificates, keys or names for TLS")
}

/// Its workers: as an option says, else as many as the plan has threads.
fn workers(plan: &Plan, given: &options::Given) -> Result<u32> {
    let told = options::get(given, "concurrency")
        .map_or(Ok(plan.threads.max(1)), |text| text.parse().ok().filter(|count| *count > 0).ok_or(text));
    told.map_err(|text| cannot(plan, &format!("has no number of workers `{text}`")))
}

/// Requests a second for each worker, and whether they are sent by the clock alone.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the rate was found to be whole and small")]
fn rate(plan: &Plan, workers: u32) -> Result<(u32, bool)> {
    let Load::Open { pacing, overload } = &plan.load else {
        return Err(cannot(plan, "needs a rate: it has no closed model without one"));
    };
    let Pacing::Constant { rate } = pacing else { return Err(cannot(plan, "sends at a constant rate only")) };
    let each = rate / f64::from(workers);
    let whole = each.fract() == 0.0 && (1.0..=1_000_000.0).contains(&each);
    when(plan, !whole, "takes whole requests a second for each worker, up to a million")?;
    match overload {
        Overload::Queue => Ok((each as u32, false)),
        Overload::Drop => Ok((each as u32, true)),
        Overload::Grow { .. } => Err(cannot(plan, "opens no further connections under load")),
    }
}

fn request(plan: &Plan) -> Result<RequestOptions> {
    let request = &plan.request;
    let method = METHODS.iter().position(|name| request.method.eq_ignore_ascii_case(name));
    let method = method.ok_or_else(|| cannot(plan, &format!("knows no method {}", request.method)))?;
    let mut fields: Vec<(String, String)> =
        request.headers.iter().map(|header| (header.name.clone(), header.value.clone())).collect();
    if !request.cookies.is_empty() {
        let cookies: Vec<String> = request.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        fields.push(("Cookie".to_owned(), cookies.join("; ")));
    }
    fields.extend(
        request.content_type.clone().filter(|_| !request.body.is_empty()).map(|kind| ("Content-Type".to_owned(), kind)),
    );
    let headers = fields
        .into_iter()
        .map(|(key, value)| HeaderValueOption { header: Some(HeaderValue { key, value }), append: Some(true) });
    let body = String::from_utf8(request.body.clone());
    let json_body = body.map_err(|_| cannot(plan, "sends no body that is not text"))?;
    Ok(RequestOptions {
        // Envoy's numbers begin with one for a method that is not named.
        request_method: i32::try_from(method + 1).unwrap_or_default(),
        request_headers: headers.collect(),
        request_body_size: None,
        json_body,
    })
}

fn wire(plan: &Plan, length: Duration) -> Result<prost_types::Duration> {
    length
        .try_into()
        .map_err(|error: prost_types::DurationError| Error::internal(format!("{}: {error}", plan.generator.name())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::performance::plan::{Generator, Target};

    fn plan(rate: f64, overload: Overload) -> Plan {
        Plan {
            generator: Generator::Nighthawk,
            targets: vec![Target { url: "http://127.0.0.1:1/x".into(), weight: 1 }],
            connections: 4,
            threads: 2,
            load: Load::Open { pacing: Pacing::Constant { rate }, overload },
            ..Plan::default()
        }
    }

    #[test]
    fn rates_and_connections_are_those_of_each_worker() {
        let wish = wish(&plan(500.0, Overload::Drop), &Vec::new()).unwrap();
        assert_eq!((wish.requests_per_second, wish.connections), (Some(250), Some(2)));
        assert_eq!((wish.concurrency.as_deref(), wish.open_loop), (Some("2"), Some(true)));
        assert_eq!((wish.duration.unwrap().seconds, wish.uri.as_deref()), (30, Some("http://127.0.0.1:1/x")));
        assert_eq!(wish.request_options.unwrap().request_method, 1);
    }

    #[test]
    fn what_it_cannot_do_is_refused_by_name() {
        let base = || plan(500.0, Overload::Queue);
        let binary = crate::model::performance::plan::Request { body: vec![255], ..Default::default() };
        let rows = [
            (plan(501.0, Overload::Queue), "whole requests a second"),
            (plan(500.0, Overload::Grow { limit: 9 }), "no further connections"),
            (Plan { load: Load::Closed, ..base() }, "needs a rate"),
            (Plan { protocol: Protocol::Tcp, ..base() }, "HTTP only"),
            (Plan { connections: 3, ..base() }, "multiple of its workers"),
            (Plan { requests: Some(5), ..base() }, "cannot count"),
            (Plan { request: binary, ..base() }, "not text"),
        ];
        for (plan, part) in rows {
            let error = wish(&plan, &Vec::new()).err().unwrap();
            assert!(error.message().contains(part), "{part}: {error}");
        }
    }
}
