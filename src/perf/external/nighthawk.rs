//! Nighthawk, which is asked by its gRPC service: one that runs already (`address=host:port`), or one that is started for
//! the run.

use std::time::Duration;

use super::options::{self, Given, Known, value};
use super::refuse::{cannot, one_target, when};
use crate::base::{Error, Result};
use crate::model::adapter::Location;
use crate::model::performance::duration;
use crate::model::performance::plan::{Load, Overload, Pacing, Plan, Protocol, Reuse, Tls};
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
/// Methods by the numbers of Envoy's API.
const METHODS: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"];

/// What is asked of a service, and of which.
#[derive(Clone, PartialEq)]
pub struct Job {
    /// The plan in the words of its API.
    pub options: CommandLineOptions,
    /// The service that runs already, where the plan names one.
    pub service: Option<Location>,
    /// Its workers.
    pub workers: u32,
}

impl Job {
    /// The job of a plan.
    ///
    /// # Errors
    /// [`crate::base::Code::GeneratorOption`] names the first thing that it cannot do;
    /// [`crate::base::Code::AddressInvalid`] a service's address that is none.
    pub fn of(plan: &Plan) -> Result<Self> {
        let given = options::read(plan, KNOWN)?;
        let workers = workers(plan, &given)?;
        Ok(Self {
            options: wish(plan, &given, workers)?,
            service: options::get(&given, "address").map(Location::parse).transpose()?,
            workers,
        })
    }
}

/// The plan in the words of its API. Its rates and connections are those of each worker.
fn wish(plan: &Plan, given: &Given, workers: u32) -> Result<CommandLineOptions> {
    let (target, url) = one_target(plan)?;
    refuse(plan, url.scheme())?;
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
    let jitter = options::get(given, "jitter-uniform").map(duration::parse).transpose();
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
fn workers(plan: &Plan, given: &Given) -> Result<u32> {
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
        let job = Job::of(&plan(500.0, Overload::Drop)).unwrap();
        assert_eq!((job.workers, job.service), (2, None));
        let wish = job.options;
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
            let error = Job::of(&plan).err().unwrap();
            assert!(error.message().contains(part), "{part}: {error}");
        }
    }

    #[test]
    fn options_name_the_service_and_its_workers() {
        let with =
            |options: &str| Job::of(&Plan { generator_options: Some(options.into()), ..plan(500.0, Overload::Queue) });
        let job = with("address=127.0.0.1:8443 concurrency=4 burst-size=3").unwrap();
        assert_eq!((job.service, job.workers), (Some(Location::new("127.0.0.1", 8443)), 4));
        assert_eq!((job.options.requests_per_second, job.options.burst_size), (Some(125), Some(3)));
        for (options, part) in [
            ("address=nowhere", "not HOST:PORT"),
            ("concurrency=0", "no number of workers `0`"),
            ("burst-size=many", "no value `many`"),
            ("jitter-uniform=soon", "no such jitter"),
        ] {
            let error = with(options).err().unwrap();
            assert!(error.message().contains(part), "{part}: {error}");
        }
    }
}
