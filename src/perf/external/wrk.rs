//! wrk and wrk2. Both send one request over and over; wrk as fast as answers come, wrk2 at a rate.

mod request;

use super::options::{self, Known, switch};
use super::refuse::{cannot, one_target, when, whole_seconds};
use crate::base::Result;
use crate::model::performance::plan::{Generator, Load, Overload, Pacing, Plan, Protocol, Reuse, Tls};
use crate::perf::engine::machine;

/// Options that are handed on.
const KNOWN: &[Known] = &[switch("latency"), switch("u_latency")];

/// A plan in the words of the program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// The address that it connects to, which is its last argument.
    pub url: String,
    /// The request as it stands on the wire; it may hold what authorises, and belongs in no argument.
    pub request: Vec<u8>,
    /// Its arguments but for the script and the address.
    pub arguments: Vec<String>,
    /// Its threads.
    pub threads: u32,
}

impl Job {
    /// The job of a plan.
    ///
    /// # Errors
    /// [`crate::base::Code::GeneratorOption`] names the first thing that it cannot do.
    pub fn of(plan: &Plan) -> Result<Self> {
        let (_, url) = one_target(plan)?;
        refuse(plan, url.scheme())?;
        let threads = threads(plan)?;
        let duration = plan.duration.ok_or_else(|| cannot(plan, "needs a duration: it cannot count requests"))?;
        let mut arguments = vec![
            format!("-c{}", plan.connections),
            format!("-t{threads}"),
            format!("-d{}s", whole_seconds(plan, "a duration", duration)?),
            "--timeout".to_owned(),
            format!("{}s", whole_seconds(plan, "a timeout", plan.timeout)?),
            "--latency".to_owned(),
        ];
        arguments.extend(rate(plan)?);
        let given = options::read(plan, KNOWN)?;
        arguments.extend(given.iter().filter(|option| option.0 != "latency").map(|option| format!("--{}", option.0)));
        Ok(Self { request: request::bytes(plan, &url)?, url: request::address(&url), arguments, threads })
    }
}

fn refuse(plan: &Plan, scheme: &str) -> Result<()> {
    when(plan, plan.protocol != Protocol::Http1, "speaks HTTP/1.1 only")?;
    when(plan, !["http", "https"].contains(&scheme), "wants a URL that begins with http:// or https://")?;
    when(plan, plan.requests.is_some(), "cannot count requests: name a duration alone")?;
    when(plan, plan.request.method.eq_ignore_ascii_case("HEAD"), "cannot read responses to HEAD")?;
    when(plan, plan.redirects > 0, "follows no redirects")?;
    when(plan, plan.pin, "does not keep its threads on processors")?;
    when(plan, matches!(plan.reuse, Reuse::Range { .. }), "cannot close connections after a number of requests")?;
    when(plan, scheme == "https" && !plan.tls.insecure, "accepts any certificate: allow that with --insecure")?;
    let own = Tls { insecure: plan.tls.insecure, ..Tls::default() };
    when(plan, plan.tls != own, "takes no certificates, keys or names for TLS")
}

/// The program gives each thread the same number of connections and drops the rest.
fn threads(plan: &Plan) -> Result<u32> {
    let processors = machine::processors();
    let threads = match plan.threads {
        0 => (1..=processors.min(plan.connections))
            .rev()
            .find(|count| plan.connections.is_multiple_of(*count))
            .unwrap_or(1),
        count => count,
    };
    let uneven = plan.connections == 0 || !plan.connections.is_multiple_of(threads);
    when(plan, uneven, "wants connections that are a multiple of its threads")?;
    Ok(threads)
}

fn rate(plan: &Plan) -> Result<Option<String>> {
    match (&plan.load, plan.generator) {
        (Load::Closed, Generator::Wrk2) => Err(cannot(plan, "needs a rate: it has no closed model")),
        (Load::Closed, _) => Ok(None),
        (Load::Open { .. }, Generator::Wrk) => {
            Err(cannot(plan, "has no rate: use wrk2, fortio or the native generator"))
        }
        (Load::Open { pacing: Pacing::Constant { rate }, overload: Overload::Queue }, _) => {
            when(plan, rate.fract() != 0.0 || *rate < 1.0, "takes whole requests a second as its rate")?;
            Ok(Some(format!("-R{rate}")))
        }
        (Load::Open { pacing: Pacing::Constant { .. }, .. }, _) => {
            Err(cannot(plan, "lets requests queue, and can neither drop them nor grow"))
        }
        (Load::Open { .. }, _) => Err(cannot(plan, "sends at a constant rate only")),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::performance::plan::{Request, Target};

    fn plan() -> Plan {
        Plan {
            generator: Generator::Wrk,
            targets: vec![Target { url: "http://127.0.0.1:1/x".into(), weight: 1 }],
            connections: 4,
            threads: 2,
            duration: Some(Duration::from_secs(3)),
            ..Plan::default()
        }
    }

    fn constant(rate: f64, overload: Overload) -> Load {
        Load::Open { pacing: Pacing::Constant { rate }, overload }
    }

    #[test]
    fn a_plan_becomes_the_programs_options() {
        let job = Job::of(&plan()).unwrap();
        assert_eq!(job.arguments, ["-c4", "-t2", "-d3s", "--timeout", "10s", "--latency"]);
        assert_eq!(job.url, "http://127.0.0.1:1/");
        let rated = Plan { generator: Generator::Wrk2, load: constant(500.0, Overload::Queue), ..plan() };
        assert_eq!(Job::of(&rated).unwrap().arguments.last().unwrap(), "-R500");
    }

    #[test]
    fn what_it_cannot_do_is_refused_by_name() {
        let two = vec![Target { url: "http://a/".into(), weight: 1 }; 2];
        let secure = vec![Target { url: "https://a/".into(), weight: 1 }];
        let head = Request { method: "HEAD".into(), ..Request::default() };
        let rows = [
            (Plan { load: constant(5.0, Overload::Queue), ..plan() }, "has no rate"),
            (Plan { generator: Generator::Wrk2, ..plan() }, "needs a rate"),
            (Plan { generator: Generator::Wrk2, load: constant(5.5, Overload::Queue), ..plan() }, "whole requests"),
            (Plan { generator: Generator::Wrk2, load: constant(5.0, Overload::Drop), ..plan() }, "neither drop"),
            (Plan { requests: Some(5), ..plan() }, "cannot count requests"),
            (Plan { duration: None, ..plan() }, "needs a duration"),
            (Plan { duration: Some(Duration::from_millis(1500)), ..plan() }, "whole seconds as a duration"),
            (Plan { threads: 3, ..plan() }, "multiple of its threads"),
            (Plan { targets: two, ..plan() }, "sends to one URL"),
            (Plan { targets: secure, ..plan() }, "accepts any certificate"),
            (Plan { protocol: Protocol::Http2, ..plan() }, "HTTP/1.1 only"),
            (Plan { redirects: 1, ..plan() }, "no redirects"),
            (Plan { request: head, ..plan() }, "HEAD"),
            (Plan { reuse: Reuse::Range { min: 1, max: 2 }, ..plan() }, "after a number of requests"),
            (Plan { generator_options: Some("-s /tmp/x.lua".into()), ..plan() }, "option `s`"),
        ];
        for (plan, part) in rows {
            let error = Job::of(&plan).unwrap_err();
            assert_eq!(error.code(), crate::base::Code::GeneratorOption);
            assert!(error.message().contains(part), "{part}: {error}");
        }
    }
}
