//! What of a plan a test file has no place for.

use super::read;
use crate::base::error::Result;
use crate::model::performance::plan::{Load, Overload, Pacing, Plan, Protocol, Tls};

/// What a test file cannot say and that decides which requests are sent: without it, the test would be another one.
pub fn refused(plan: &Plan) -> Vec<String> {
    let Plan { requests, request, targets, .. } = plan;
    let mut refused: Vec<String> = rate(&plan.load).into_iter().collect();
    match (plan.duration, requests) {
        (_, Some(count)) => refused.push(format!("that it ends after {count} requests: only a duration ends a test")),
        (None, None) => refused.push("that it has no end".to_owned()),
        _ => {}
    }
    if targets.iter().any(|target| Some(target.weight) != targets.first().map(|first| first.weight)) {
        refused.push("weights: each endpoint of a client gets the same share".to_owned());
    }
    if plan.protocol == Protocol::Http2 {
        refused.push("http2: its HTTP is read as HTTP/1.1".to_owned());
    }
    let method = if request.body.is_empty() { "GET" } else { "POST" };
    let has_method = matches!(plan.protocol, Protocol::Http1 | Protocol::Http2);
    if has_method && request.method != method {
        refused.push(format!("the method {}: it sends GET, or POST where there is a body", request.method));
    }
    if std::str::from_utf8(&request.body).is_err() {
        refused.push("a body that is no text".to_owned());
    }
    let names: Vec<String> = request.headers.iter().map(|header| header.name.to_ascii_lowercase()).collect();
    let again = names.iter().enumerate().find(|(at, name)| names[..*at].contains(name));
    refused.extend(again.map(|(_, name)| format!("the header `{name}` more than once")));
    refused
}

fn rate(load: &Load) -> Option<String> {
    let Load::Open { pacing, .. } = load else { return None };
    match pacing {
        Pacing::Constant { rate } if *rate >= 1.0 && rate.fract() == 0.0 => None,
        Pacing::Constant { rate } => Some(format!("the rate {rate}/s: its rates are whole numbers, and 0 is no limit")),
        Pacing::Poisson { rate } => Some(format!("that {rate}/s are sent by Poisson's law: its rate is constant")),
        Pacing::Ramp { .. } => Some("a ramp: its rate is constant".to_owned()),
        Pacing::Steps { .. } => Some("steps of the rate: its rate is constant".to_owned()),
    }
}

/// Names of the values that whoever reads the file `text` of the plan will have otherwise.
///
/// # Errors
/// The file cannot be read, which is a fault of this program.
pub fn lost(plan: &Plan, text: &str) -> Result<Vec<&'static str>> {
    let read = read(text, "the test file")?.plans.into_iter().next().unwrap_or_default();
    let own = |tls: &Tls| Tls { ca: None, ..tls.clone() };
    let values = [
        ("name", plan.name == read.name),
        ("targets", plan.targets.iter().map(|one| &one.url).eq(read.targets.iter().map(|one| &one.url))),
        ("protocol", plan.protocol == read.protocol),
        ("options", plan.generator_options == read.generator_options),
        ("overload", overload(&plan.load) == overload(&read.load)),
        ("streams", plan.streams == read.streams),
        ("reuse", plan.reuse == read.reuse),
        ("threads", plan.threads == read.threads),
        ("pinned", plan.pin == read.pin),
        ("busy", plan.busy == read.busy),
        ("warm-up", plan.warm_up == read.warm_up),
        ("timeout", plan.timeout == read.timeout),
        ("headers", plan.request.headers == read.request.headers),
        ("cookies", plan.request.cookies == read.request.cookies),
        ("body", plan.request.body == read.request.body),
        ("redirects", plan.redirects == read.redirects),
        ("tls", own(&plan.tls) == own(&read.tls) && plan.tls.ca == read.tls.ca),
        ("mesh", plan.mesh == read.mesh),
        ("labels", plan.labels == read.labels),
        ("seed", plan.seed == read.seed),
    ];
    Ok(values.into_iter().filter_map(|(name, is_kept)| (!is_kept).then_some(name)).collect())
}

fn overload(load: &Load) -> Option<Overload> {
    match load {
        Load::Open { overload, .. } => Some(*overload),
        Load::Closed => None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::write;
    use super::*;
    use crate::base::error::Code;
    use crate::model::performance::plan::{Header, Reuse, Step, Target};

    fn plan(change: impl FnOnce(&mut Plan)) -> Plan {
        let mut plan = Plan { targets: vec![Target { url: "http://a/".to_owned(), weight: 1 }], ..Plan::default() };
        change(&mut plan);
        plan
    }

    fn open(pacing: Pacing) -> Load {
        Load::Open { pacing, overload: Overload::Queue }
    }

    fn paced(pacing: Pacing) -> Plan {
        plan(|plan| plan.load = open(pacing))
    }

    #[test]
    fn what_would_be_another_test_is_refused_and_named() {
        let second = Duration::from_secs(1);
        for (plan, named) in [
            (paced(Pacing::Constant { rate: 0.4 }), "0.4/s"),
            (paced(Pacing::Constant { rate: 10.5 }), "10.5/s"),
            (paced(Pacing::Poisson { rate: 10.0 }), "Poisson"),
            (paced(Pacing::Ramp { from: 0.0, to: 9.0, over: second }), "ramp"),
            (paced(Pacing::Steps { steps: vec![Step { rate: 9.0, length: second }] }), "steps"),
            (plan(|plan| (plan.duration, plan.requests) = (None, Some(100))), "100 requests"),
            (plan(|plan| plan.requests = Some(100)), "100 requests"),
            (plan(|plan| plan.request.method = "PUT".to_owned()), "PUT"),
            (plan(|plan| (plan.request.method, plan.request.body) = ("POST".to_owned(), vec![0xff])), "no text"),
            (plan(|plan| plan.protocol = Protocol::Http2), "http2"),
            (plan(|plan| plan.targets.push(Target { url: "http://b/".to_owned(), weight: 2 })), "weights"),
            (
                plan(|plan| {
                    plan.request.headers =
                        ["X-a", "x-A"].map(|name| Header { name: name.to_owned(), value: String::new() }).into();
                }),
                "`x-a`",
            ),
        ] {
            let error = write(&plan).unwrap_err();
            assert_eq!(error.code(), Code::SmpUnwritable);
            assert!(error.message().contains(named), "{named}: {error}");
        }
        let all = plan(|plan| {
            plan.load = open(Pacing::Poisson { rate: 1.0 });
            plan.request.method = "PUT".to_owned();
        });
        assert_eq!(write(&all).unwrap_err().report().details.len(), 1, "the second one");
    }

    #[test]
    fn what_this_program_adds_is_named_as_lost() {
        let rich = plan(|plan| {
            plan.load = Load::Open { pacing: Pacing::Constant { rate: 5.0 }, overload: Overload::Drop };
            (plan.reuse, plan.threads, plan.seed) = (Reuse::PerRequest, 4, 7);
            (plan.warm_up, plan.redirects) = (Duration::from_secs(1), 3);
            plan.tls.insecure = true;
        });
        let lost = write(&rich).unwrap().lost;
        assert_eq!(lost, ["overload", "reuse", "threads", "warm-up", "redirects", "tls", "seed"]);
        assert_eq!(write(&plan(|_| ())).unwrap().lost, [] as [&str; 0]);
    }
}
