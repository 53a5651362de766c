//! Whether a plan can be carried out at all. What is refused here was never sent anywhere.

use std::time::Duration;

use url::Url;

use crate::base::error::{Code, Error, Result};
use crate::model::performance::plan::{Load, Overload, Pacing, Plan, Protocol, Reuse, Step};

/// Shortest measurement: intervals and rates mean nothing below it.
const SHORTEST: Duration = Duration::from_millis(100);

/// Looks a plan over.
///
/// # Errors
/// [`Code::PerfPlan`] for the first value that cannot be, with its name.
pub fn check(plan: &Plan) -> Result<()> {
    targets(plan)?;
    limits(plan)?;
    load(plan)?;
    request(plan)
}

fn refused(message: impl Into<String>, remedy: &str) -> Error {
    Error::new(Code::PerfPlan, message).remedy(remedy)
}

fn targets(plan: &Plan) -> Result<()> {
    if plan.targets.is_empty() {
        return Err(refused("the plan has no target", "Name one with --url, in a file with -f, or in a profile."));
    }
    for target in &plan.targets {
        let url = address(&target.url)?;
        let schemes = schemes(plan.protocol);
        if !schemes.contains(&url.scheme()) {
            return Err(refused(
                format!("target `{}` is of scheme {}, which {} does not speak", target.url, url.scheme(), plan.protocol.name()),
                &format!("Use one of {}, or another protocol with --protocol.", schemes.join(", ")),
            ));
        }
        if target.weight == 0 {
            return Err(refused(format!("target `{}` has the weight 0", target.url), "Leave it away, or give it 1 or more."));
        }
    }
    Ok(())
}

/// The parts of an absolute URL.
///
/// # Errors
/// [`Code::PerfPlan`] when it is none.
pub fn address(text: &str) -> Result<Url> {
    let wrong = |cause: String| {
        refused(format!("`{text}` is not an absolute URL"), "Write scheme and host, such as http://localhost:8080/path.")
            .because(cause)
    };
    let url = Url::parse(text).map_err(|problem| wrong(problem.to_string()))?;
    // `localhost:8080` is a URL of scheme `localhost` to the grammar.
    if !text.contains("://") {
        return Err(wrong("its scheme is missing".to_owned()));
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err(wrong("its host is missing".to_owned()));
    }
    Ok(url)
}

fn schemes(protocol: Protocol) -> &'static [&'static str] {
    match protocol {
        Protocol::Http1 | Protocol::Http2 => &["http", "https"],
        Protocol::Grpc | Protocol::GrpcHealth => &["grpc", "grpcs", "http", "https"],
        Protocol::Tcp => &["tcp", "tls"],
        Protocol::Udp => &["udp"],
    }
}

fn limits(plan: &Plan) -> Result<()> {
    match (plan.duration, plan.requests) {
        (None, None) => return Err(refused("the plan has neither a duration nor a number of requests", "Give --duration or --requests.")),
        (Some(duration), _) if duration < SHORTEST => {
            return Err(refused(
                format!("the duration of {} is too short", crate::model::performance::duration::format(duration)),
                "Measure for 100ms or longer.",
            ));
        }
        (_, Some(0)) => return Err(refused("the number of requests is 0", "Give 1 or more with --requests.")),
        _ => {}
    }
    if plan.connections == 0 {
        return Err(refused("the number of connections is 0", "Give 1 or more with --connections."));
    }
    if plan.streams == 0 {
        return Err(refused("the number of streams is 0", "Give 1 or more with --streams."));
    }
    if plan.streams > 1 && !matches!(plan.protocol, Protocol::Http2 | Protocol::Grpc | Protocol::GrpcHealth) {
        return Err(refused(
            format!("{} streams on a connection cannot be had with {}", plan.streams, plan.protocol.name()),
            "Use --protocol http2 or grpc, or more --connections.",
        ));
    }
    if plan.timeout.is_zero() {
        return Err(refused("the limit for a response is 0", "Give a time such as 10s with --response-timeout."));
    }
    Ok(())
}

fn load(plan: &Plan) -> Result<()> {
    if let Reuse::Range { min, max } = plan.reuse
        && (min == 0 || max < min)
    {
        return Err(refused(format!("the range of requests on a connection is {min} to {max}"), "Give MIN..MAX with 1 <= MIN <= MAX."));
    }
    let Load::Open { pacing, overload } = &plan.load else { return Ok(()) };
    if let Overload::Grow { limit } = overload
        && *limit < plan.connections
    {
        return Err(refused(
            format!("connections may grow to {limit}, and the plan begins with {}", plan.connections),
            "Raise the limit, as --overload grow:N, or lower --connections.",
        ));
    }
    rates(pacing)
}

fn rates(pacing: &Pacing) -> Result<()> {
    let all: Vec<f64> = match pacing {
        Pacing::Constant { rate } | Pacing::Poisson { rate } => vec![*rate],
        Pacing::Ramp { from, to, over } => {
            lasts(*over)?;
            vec![*from, *to]
        }
        Pacing::Steps { steps } => {
            steps.iter().try_for_each(|step| lasts(step.length))?;
            steps.iter().map(|Step { rate, .. }| *rate).collect()
        }
    };
    if let Some(rate) = all.iter().find(|rate| !rate.is_finite() || **rate < 0.0) {
        return Err(refused(format!("a rate of {rate} requests a second cannot be sent"), "Give a positive number."));
    }
    if all.iter().all(|rate| *rate <= 0.0) {
        return Err(refused("the rate is 0", "Give requests a second, or `max` for as many as may be."));
    }
    Ok(())
}

fn lasts(length: Duration) -> Result<()> {
    if length.is_zero() {
        return Err(refused("a ramp or step lasts 0s", "Give it a length, such as 30s."));
    }
    Ok(())
}

fn request(plan: &Plan) -> Result<()> {
    let request = &plan.request;
    let token = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':');
    if !token(&request.method) {
        return Err(refused(format!("`{}` is not an HTTP method", request.method), "Name one, such as GET or POST."));
    }
    if let Some(header) = request.headers.iter().find(|header| !token(&header.name) || header.value.contains(['\r', '\n'])) {
        return Err(refused(format!("`{}` is not a header field", header.name), "Write it as `Name: value`, in one line."));
    }
    if plan.tls.cert.is_some() != plan.tls.key.is_some() {
        return Err(refused("of the own certificate and its key only one is given", "Give both --cert and --key."));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::performance::plan::{Header, Target};

    fn plan(url: &str) -> Plan {
        Plan { targets: vec![Target { url: url.into(), weight: 1 }], ..Plan::default() }
    }

    fn open(pacing: Pacing, overload: Overload) -> Plan {
        Plan { load: Load::Open { pacing, overload }, ..plan("http://a/") }
    }

    #[test]
    fn a_plan_that_can_be_carried_out_is_left_alone() {
        check(&plan("http://a/")).unwrap();
        check(&Plan { protocol: Protocol::Tcp, ..plan("tcp://a:9") }).unwrap();
        check(&open(Pacing::Ramp { from: 0.0, to: 10.0, over: Duration::from_secs(1) }, Overload::Queue)).unwrap();
    }

    #[test]
    fn every_value_that_cannot_be_is_refused_by_its_name() {
        let header = Header { name: "a b".into(), value: String::new() };
        let rate = |rate| open(Pacing::Constant { rate }, Overload::Queue);
        for (bad, word) in [
            (Plan::default(), "no target"),
            (plan("localhost:8080"), "scheme is missing"),
            (plan("a.example/path"), "absolute URL"),
            (plan("http:///x"), "host"),
            (plan("ftp://a/"), "scheme ftp"),
            (Plan { targets: vec![Target { url: "http://a".into(), weight: 0 }], ..Plan::default() }, "weight 0"),
            (Plan { duration: Some(Duration::ZERO), ..plan("http://a") }, "too short"),
            (Plan { duration: None, ..plan("http://a") }, "neither"),
            (Plan { requests: Some(0), ..plan("http://a") }, "requests is 0"),
            (Plan { connections: 0, ..plan("http://a") }, "connections"),
            (Plan { streams: 2, ..plan("http://a") }, "streams"),
            (Plan { timeout: Duration::ZERO, ..plan("http://a") }, "limit"),
            (Plan { reuse: Reuse::Range { min: 3, max: 2 }, ..plan("http://a") }, "range"),
            (rate(-1.0), "-1"),
            (rate(f64::NAN), "NaN"),
            (rate(0.0), "rate is 0"),
            (open(Pacing::Steps { steps: vec![] }, Overload::Queue), "rate is 0"),
            (open(Pacing::Ramp { from: 1.0, to: 2.0, over: Duration::ZERO }, Overload::Queue), "lasts 0s"),
            (Plan { connections: 9, ..open(Pacing::Constant { rate: 1.0 }, Overload::Grow { limit: 8 }) }, "grow to 8"),
        ] {
            let error = check(&bad).unwrap_err();
            assert_eq!(error.code(), Code::PerfPlan);
            assert!(error.to_string().contains(word), "`{word}` is not in: {error}");
        }
        let mut bad = plan("http://a");
        bad.request.headers.push(header);
        assert!(check(&bad).unwrap_err().message().contains("a b"));
        bad.request.headers.clear();
        bad.tls.cert = Some("c.pem".into());
        assert!(check(&bad).unwrap_err().message().contains("certificate"));
    }
}
