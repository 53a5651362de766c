//! fortio: a paced closed loop.
//!
//! Its header fields can only be given as arguments, which everybody on the machine can read: values that authorise are
//! refused.

use url::Url;

use super::options::{self, Given, Known, switch, value};
use super::refuse::{cannot, one_target, when};
use crate::base::Result;
use crate::model::performance::duration;
use crate::model::performance::plan::{Load, Overload, Pacing, Plan, Protocol, Reuse, Target};
use crate::perf::redact;

/// Options that are handed on.
const KNOWN: &[Known] = &[
    switch("uniform"),
    switch("jitter"),
    switch("nocatchup"),
    switch("sequential-warmup"),
    switch("no-reresolve"),
    switch("compression"),
    switch("halfclose"),
    switch("stdclient"),
    value("r"),
    value("offset"),
    value("httpbufferkb"),
    value("dns-method"),
    value("resolve-ip-type"),
    value("udp-timeout"),
];
/// Width of its finest buckets in seconds: with it, a tenth of a millisecond is told apart up to 1.2 ms, and the last
/// bucket begins at ten seconds.
const RESOLUTION: f64 = 0.0001;
/// Redirects that fortio follows when it follows any.
const REDIRECTS: u32 = 10;

/// A plan in the words of the program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Its arguments but for the body and the target, which follow them.
    pub arguments: Vec<String>,
    /// Where it sends, as it wants it.
    pub target: String,
    /// Width of its finest buckets in nanoseconds.
    pub resolution_ns: u64,
}

impl Job {
    /// The job of a plan.
    ///
    /// # Errors
    /// [`crate::base::Code::GeneratorOption`] names the first thing that it cannot do.
    pub fn of(plan: &Plan) -> Result<Self> {
        let given = options::read(plan, KNOWN)?;
        let (target, url) = one_target(plan)?;
        refuse(plan, &url)?;
        Ok(Self {
            arguments: arguments(plan, &url, &given)?,
            target: destination(target, &url),
            resolution_ns: resolution_ns(plan, &given)?,
        })
    }
}

fn arguments(plan: &Plan, url: &Url, given: &Given) -> Result<Vec<String>> {
    let mut all: Vec<String> = ["load", "-quiet", "-allow-initial-errors", "-json", "-"].map(str::to_owned).to_vec();
    let mut add = |name: &str, value: Option<String>| {
        all.push(format!("-{name}"));
        all.extend(value);
    };
    add("c", Some(plan.connections.to_string()));
    add("qps", Some(rate(plan)?));
    match (plan.duration, plan.requests) {
        (Some(length), None) => add("t", Some(duration::format(length))),
        (None, Some(count)) => add("n", Some(count.to_string())),
        (Some(_), Some(_)) => {
            return Err(cannot(plan, "ends after a duration or a number of requests, not after the first of both"));
        }
        (None, None) => return Err(cannot(plan, "needs a duration or a number of requests")),
    }
    add("timeout", Some(duration::format(plan.timeout)));
    if options::get(given, "r").is_none() {
        add("r", Some(RESOLUTION.to_string()));
    }
    if plan.threads > 0 {
        add("gomaxprocs", Some(plan.threads.to_string()));
    }
    if drops(plan) {
        add("nocatchup", None);
    }
    for (name, value) in protocol(plan, url).into_iter().chain(request(plan)).chain(tls(plan)) {
        add(name, value);
    }
    for (name, value) in given {
        add(name, value.clone());
    }
    Ok(all)
}

fn refuse(plan: &Plan, url: &Url) -> Result<()> {
    when(plan, plan.protocol == Protocol::Grpc, "calls no gRPC method but Health/Check")?;
    when(plan, plan.pin, "does not keep its threads on processors")?;
    when(plan, plan.tls.server_name.is_some(), "asks for no other name in TLS than the URL's host")?;
    let others = plan.redirects != 0 && plan.redirects != REDIRECTS;
    when(plan, others, &format!("follows no redirects, or up to {REDIRECTS}"))?;
    when(plan, plan.streams > 1 && plan.protocol != Protocol::GrpcHealth, "has one stream for each connection")?;
    let in_arguments =
        plan.request.headers.iter().find(|header| redact::authorises(&header.name)).map(|header| header.name.clone());
    let in_arguments = in_arguments.or_else(|| (!plan.request.cookies.is_empty()).then(|| "Cookie".to_owned()));
    let in_arguments = in_arguments.or_else(|| (!url.username().is_empty()).then(|| "Authorization".to_owned()));
    match in_arguments {
        Some(name) => Err(cannot(
            plan,
            &format!("takes the header field {name} only where every user of this machine can read it"),
        )
        .remedy("Use --load-generator native or wrk, which keep it to themselves.")),
        None => Ok(()),
    }
}

/// Requests a second; 0 is as fast as it goes.
fn rate(plan: &Plan) -> Result<String> {
    match &plan.load {
        Load::Closed => Ok("0".to_owned()),
        Load::Open { overload: Overload::Grow { .. }, .. } => {
            Err(cannot(plan, "opens no further connections under load"))
        }
        Load::Open { pacing: Pacing::Constant { rate }, .. } => Ok(rate.to_string()),
        Load::Open { .. } => Err(cannot(plan, "sends at a constant rate only")),
    }
}

fn drops(plan: &Plan) -> bool {
    matches!(plan.load, Load::Open { overload: Overload::Drop, .. })
}

type Flag = (&'static str, Option<String>);

fn protocol(plan: &Plan, url: &Url) -> Vec<Flag> {
    match plan.protocol {
        Protocol::Http2 => vec![("h2", None), ("stdclient", None)],
        Protocol::GrpcHealth => {
            let service = url.path().trim_matches('/').to_owned();
            vec![
                ("grpc", None),
                ("health", None),
                ("healthservice", Some(service)),
                ("s", Some(plan.streams.to_string())),
            ]
        }
        _ => Vec::new(),
    }
}

fn request(plan: &Plan) -> Vec<Flag> {
    let is_http = matches!(plan.protocol, Protocol::Http1 | Protocol::Http2);
    let mut flags: Vec<Flag> = Vec::new();
    if is_http {
        flags.push(("X", Some(plan.request.method.clone())));
        if let Some(kind) = &plan.request.content_type {
            flags.push(("content-type", Some(kind.clone())));
        }
    }
    flags.extend(plan.request.headers.iter().map(|header| ("H", Some(format!("{}: {}", header.name, header.value)))));
    match plan.reuse {
        Reuse::KeepAlive => {}
        Reuse::PerRequest => flags.push(("keepalive=false", None)),
        Reuse::Range { min, max } => flags.push(("connection-reuse", Some(format!("{min}:{max}")))),
    }
    if plan.redirects > 0 {
        flags.push(("L", None));
    }
    flags
}

fn tls(plan: &Plan) -> Vec<Flag> {
    let files = [("cacert", &plan.tls.ca), ("cert", &plan.tls.cert), ("key", &plan.tls.key)];
    let files = files.into_iter().filter_map(|(name, file)| file.clone().map(|file| (name, Some(file))));
    files.chain(plan.tls.insecure.then_some(("k", None))).collect()
}

/// Where it sends: gRPC has no scheme of its own there.
fn destination(target: &Target, url: &Url) -> String {
    let authority = format!(
        "{}:{}",
        url.host_str().unwrap_or_default(),
        url.port().unwrap_or(if url.scheme() == "grpcs" { 443 } else { 80 })
    );
    match url.scheme() {
        "grpc" => authority,
        "grpcs" => format!("https://{authority}"),
        _ => target.url.clone(),
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a positive time below an hour")]
fn resolution_ns(plan: &Plan, given: &Given) -> Result<u64> {
    let text = options::get(given, "r");
    let seconds = text.map_or(Ok(RESOLUTION), str::parse::<f64>);
    match seconds {
        Ok(seconds) if seconds > 0.0 && seconds < 3600.0 => Ok((seconds * 1e9).round() as u64),
        _ => Err(cannot(plan, &format!("has no resolution `{}`", text.unwrap_or_default()))),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::performance::plan::{Generator, Header, Request};

    fn plan() -> Plan {
        Plan {
            generator: Generator::Fortio,
            targets: vec![Target { url: "http://127.0.0.1:1/x".into(), weight: 1 }],
            connections: 4,
            duration: Some(Duration::from_secs(90)),
            ..Plan::default()
        }
    }

    fn constant(overload: Overload) -> Load {
        Load::Open { pacing: Pacing::Constant { rate: 12.5 }, overload }
    }

    fn text(plan: &Plan) -> String {
        Job::of(plan).unwrap().arguments.join(" ")
    }

    #[test]
    fn a_plan_becomes_arguments() {
        let made = text(&Plan { load: constant(Overload::Drop), reuse: Reuse::PerRequest, ..plan() });
        for part in
            ["-c 4", "-qps 12.5", "-t 1m30s", "-timeout 10s", "-r 0.0001", "-nocatchup", "-keepalive=false", "-X GET"]
        {
            assert!(made.contains(part), "{part}: {made}");
        }
        let counted = text(&Plan { duration: None, requests: Some(7), ..plan() });
        assert!(counted.contains("-n 7") && counted.contains("-qps 0") && !counted.contains(" -t "), "{counted}");
        let health = Plan {
            protocol: Protocol::GrpcHealth,
            targets: vec![Target { url: "grpc://h:81/a.B".into(), weight: 1 }],
            ..plan()
        };
        assert!(text(&health).contains("-grpc -health -healthservice a.B -s 1"));
        assert_eq!(Job::of(&health).unwrap().target, "h:81");
    }

    #[test]
    fn options_are_handed_on_and_its_own_resolution_takes_the_place_of_ours() {
        let with = |options: &str| Job::of(&Plan { generator_options: Some(options.into()), ..plan() });
        let job = with("-uniform -r 0.01").unwrap();
        assert!(job.arguments.ends_with(&["-uniform", "-r", "0.01"].map(str::to_owned)), "{:?}", job.arguments);
        assert_eq!((job.arguments.iter().filter(|word| *word == "-r").count(), job.resolution_ns), (1, 10_000_000));
        assert_eq!(Job::of(&plan()).unwrap().resolution_ns, 100_000);
        assert!(with("-r fine").unwrap_err().message().contains("no resolution `fine`"));
    }

    #[test]
    fn what_it_cannot_do_is_refused_by_name() {
        let header = |name: &str| Request {
            headers: vec![Header { name: name.into(), value: "Bearer hunter2".into() }],
            ..Request::default()
        };
        let cookie = Request { cookies: [("a".to_owned(), "b".to_owned())].into(), ..Request::default() };
        let ramp = Pacing::Ramp { from: 1.0, to: 2.0, over: Duration::from_secs(1) };
        let rows = [
            (Plan { load: Load::Open { pacing: ramp, overload: Overload::Queue }, ..plan() }, "constant rate only"),
            (Plan { load: constant(Overload::Grow { limit: 9 }), ..plan() }, "no further connections"),
            (Plan { requests: Some(1), ..plan() }, "not after the first of both"),
            (Plan { redirects: 3, ..plan() }, "up to 10"),
            (Plan { protocol: Protocol::Grpc, ..plan() }, "no gRPC method"),
            (Plan { request: header("Authorization"), ..plan() }, "Authorization"),
            (Plan { request: cookie, ..plan() }, "Cookie"),
        ];
        for (plan, part) in rows {
            let error = Job::of(&plan).unwrap_err();
            assert!(error.message().contains(part), "{part}: {error}");
            assert!(!error.to_string().contains("hunter2"));
        }
    }
}
