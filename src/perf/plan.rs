//! Whether a plan can be carried out: everything that is wrong with it is told at once, before anything is sent.

use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use url::Url;

use crate::base::error::{Code, Error, Result};
use crate::model::performance::plan::{Generator, Header, Load, Overload, Pacing, Plan, Protocol, Reuse, Tls};
use crate::model::performance::workers::Workers;
use crate::perf::{external, pem, redact};

/// The longest duration, warm-up and timeout: clocks and sums of them hold a few of these.
const LONGEST: Duration = Duration::from_hours(366 * 24);
/// The highest rate of a plan, in requests a second.
const HIGHEST_RATE: f64 = 1e7;

/// Checks every value of a plan, and whether its generator can do what they say together.
///
/// # Errors
/// [`Code::PerfPlan`] names all values that are wrong; [`Code::GeneratorOption`] the first thing that an external generator
/// cannot do. Only values that are right are held against a generator.
pub fn check(plan: &Plan) -> Result<()> {
    let mut faults = Vec::new();
    faults.extend(options(plan));
    targets(plan, &mut faults);
    limits(plan, &mut faults);
    connections(plan, &mut faults);
    load(&plan.load, &mut faults);
    request(plan, &mut faults);
    certificates(&plan.tls, &mut faults);
    match faults.len() {
        0 => external::check(plan),
        1 => Err(Error::new(Code::PerfPlan, faults.remove(0))),
        many => Err(Error::new(Code::PerfPlan, format!("{many} values of the plan are wrong")).details(faults)),
    }
}

/// Whether workers can carry a plan out together.
///
/// # Errors
/// [`Code::WorkersInvalid`], [`Code::AddressInvalid`]: they are none, or one of them would have nothing to do.
pub fn check_shares(plan: &Plan, workers: &Workers) -> Result<()> {
    workers.check()?;
    can_share(plan, u32::try_from(workers.count()).unwrap_or(u32::MAX))
}

/// Whether a plan can be shared out to so many workers.
///
/// # Errors
/// [`Code::WorkersInvalid`] where a worker would be left without a connection or a request.
pub fn can_share(plan: &Plan, workers: u32) -> Result<()> {
    if plan.generator != Generator::Native {
        return Err(Error::new(Code::WorkersInvalid, format!("workers cannot make load by {}", plan.generator.name()))
            .because("a worker's counts are merged without loss, which only the native generator's can be")
            .remedy("Leave --workers or --load-generator out."));
    }
    enough("connections", u64::from(plan.connections), workers)?;
    if let Some(requests) = plan.requests {
        enough("requests", requests, workers)?;
    }
    let Load::Open { pacing, overload } = &plan.load else { return Ok(()) };
    if let (Pacing::Constant { rate }, Some(length)) = (pacing, plan.duration) {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "positive, and a float's cast saturates"
        )]
        let due = (rate * length.as_secs_f64() - 1e-6).ceil() as u64;
        enough("requests", due, workers)?;
    }
    match overload {
        Overload::Grow { limit } => enough("connections at most", u64::from(*limit), workers),
        _ => Ok(()),
    }
}

fn enough(what: &str, there: u64, workers: u32) -> Result<()> {
    if there >= u64::from(workers) {
        return Ok(());
    }
    Err(Error::new(Code::WorkersInvalid, format!("{there} {what} cannot be shared by {workers} workers")))
}

/// Every value of the native generator is one of the plan's own.
fn options(plan: &Plan) -> Option<String> {
    let text = plan.generator_options.as_deref().map(str::trim).filter(|text| !text.is_empty())?;
    (plan.generator == Generator::Native).then(|| {
        format!("the native generator has no options such as `{text}`: name the generator they are for, or leave them out with --options ''")
    })
}

/// Schemes of URLs that a protocol takes, the one without TLS first.
pub fn schemes(protocol: Protocol) -> &'static [&'static str] {
    match protocol {
        Protocol::Http1 | Protocol::Http2 => &["http", "https"],
        Protocol::Grpc | Protocol::GrpcHealth => &["grpc", "grpcs", "http", "https"],
        Protocol::Tcp => &["tcp", "tls"],
        Protocol::Udp => &["udp"],
    }
}

fn targets(plan: &Plan, faults: &mut Vec<String>) {
    if plan.targets.is_empty() {
        faults.push("the plan has no target: name at least one URL".to_owned());
        return;
    }
    if plan.targets.iter().all(|target| target.weight == 0) {
        faults.push("the weights of all targets are 0, so that none would get a request".to_owned());
    }
    faults.extend(plan.targets.iter().filter_map(|target| url(&target.url, plan.protocol)));
}

/// What is wrong with a target's URL, if anything is.
fn url(whole: &str, protocol: Protocol) -> Option<String> {
    let schemes = schemes(protocol);
    let wanted = format!("{} wants {}", protocol.name(), schemes.join(", "));
    let text = &redact::url(whole);
    if !whole.contains("://") {
        return Some(format!("the target `{text}` has no scheme: write it as {}://{text}; {wanted}", schemes[0]));
    }
    let url = match Url::parse(whole) {
        Ok(url) => url,
        Err(problem) => return Some(format!("the target `{text}` is no URL: {problem}")),
    };
    if !schemes.contains(&url.scheme()) {
        return Some(format!("the target `{text}` has the scheme `{}`; {wanted}", url.scheme()));
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Some(format!("the target `{text}` has no host"));
    }
    let needs_port = matches!(protocol, Protocol::Tcp | Protocol::Udp) || url.scheme().starts_with("grpc");
    if needs_port && url.port().is_none() {
        return Some(format!("the target `{text}` has no port, and {} has no usual one", url.scheme()));
    }
    if url.port() == Some(0) {
        return Some(format!("the target `{text}` has the port 0, which nobody can listen on"));
    }
    let is_method = url.path().trim_matches('/').split('/').filter(|part| !part.is_empty()).count() == 2;
    (protocol == Protocol::Grpc && !is_method)
        .then(|| format!("the target `{text}` names no method: its path has to be /SERVICE/METHOD"))
}

fn limits(plan: &Plan, faults: &mut Vec<String>) {
    match (plan.duration, plan.requests) {
        (None, None) => faults.push("neither a duration nor a number of requests ends the measurement".to_owned()),
        (Some(duration), _) if duration.is_zero() => {
            faults.push("the duration is 0: nothing would be measured".to_owned());
        }
        _ => {}
    }
    if plan.requests == Some(0) {
        faults.push("the number of requests is 0: nothing would be measured".to_owned());
    }
    if plan.timeout.is_zero() {
        faults.push("the timeout is 0: no response could be in time".to_owned());
    }
    let lengths = [("duration", plan.duration), ("warm-up", Some(plan.warm_up)), ("timeout", Some(plan.timeout))];
    for (what, _) in lengths.into_iter().filter(|(_, length)| length.is_some_and(|length| length > LONGEST)) {
        faults.push(format!("the {what} is longer than a year"));
    }
}

fn connections(plan: &Plan, faults: &mut Vec<String>) {
    if plan.connections == 0 {
        faults.push("the number of connections is 0".to_owned());
    }
    if plan.streams == 0 {
        faults.push("the number of streams on a connection is 0".to_owned());
    }
    let multiplexed = matches!(plan.protocol, Protocol::Http2 | Protocol::Grpc | Protocol::GrpcHealth);
    if plan.streams > 1 && !multiplexed {
        faults.push(format!(
            "{} streams on a connection: {} answers one request after the other; use http2, or more connections",
            plan.streams,
            plan.protocol.name()
        ));
    }
    match plan.reuse {
        Reuse::Range { min: 0, max } => {
            faults.push(format!("the reuse range is 0 to {max}: a connection carries at least one request"));
        }
        Reuse::Range { min, max } if min > max => {
            faults.push(format!("the reuse range is {min} to {max}: its end lies before its begin"));
        }
        _ => {}
    }
}

fn load(load: &Load, faults: &mut Vec<String>) {
    let Load::Open { pacing, overload } = load else { return };
    match pacing {
        Pacing::Constant { rate } | Pacing::Poisson { rate } => faults.extend(possible("the rate", *rate)),
        Pacing::Ramp { from, to, over } => {
            let sound = |rate: f64| rate.is_finite() && rate >= 0.0;
            if !sound(*from) || !sound(*to) || *from + *to <= 0.0 {
                faults.push(format!(
                    "the ramp goes from {from} to {to}: both have to be numbers of at least 0, one above"
                ));
            }
            if over.is_zero() {
                faults.push(format!("the ramp has the length 0: a constant rate of {to} says what it would do"));
            }
            faults.extend(too_high("the end of the ramp", from.max(*to)));
        }
        Pacing::Steps { steps } if steps.is_empty() => faults.push("the load has no step".to_owned()),
        Pacing::Steps { steps } => {
            faults.extend(steps.iter().filter_map(|step| possible("the rate of a step", step.rate)));
            if steps.iter().any(|step| step.length.is_zero()) {
                faults.push("a step of the load has the length 0".to_owned());
            }
        }
    }
    if *overload == (Overload::Grow { limit: 0 }) {
        faults.push("connections may grow to 0".to_owned());
    }
}

fn possible(what: &str, rate: f64) -> Option<String> {
    if !rate.is_finite() || rate <= 0.0 {
        return Some(format!("{what} is {rate}: it has to be a number above 0"));
    }
    too_high(what, rate)
}

/// The accounts of requests that cannot be sent in time take time themselves.
fn too_high(what: &str, rate: f64) -> Option<String> {
    (rate > HIGHEST_RATE).then(|| format!("{what} is {rate} a second: the most is {HIGHEST_RATE}"))
}

fn request(plan: &Plan, faults: &mut Vec<String>) {
    let request = &plan.request;
    if matches!(plan.protocol, Protocol::Tcp | Protocol::Udp) && request.body.is_empty() {
        faults.push(format!("{} has nothing to send: give the request a body", plan.protocol.name()));
    }
    if plan.protocol == Protocol::Udp && request.body.len() > 65_507 {
        faults.push(format!("the body has {} bytes, and a UDP datagram holds at most 65507", request.body.len()));
    }
    if !is_token(&request.method) {
        faults.push(format!("the method `{}` is not an HTTP method", request.method.escape_debug()));
    }
    faults.extend(request.headers.iter().filter_map(header));
    let content_type = request.content_type.iter().map(|value| ("content type", value));
    let cookies = request.cookies.iter().flat_map(|(name, value)| [("cookie", name), ("cookie", value)]);
    for (what, value) in content_type.chain(cookies) {
        if !is_field_value(value) {
            faults.push(format!("a {what} holds a character that would end its header field"));
        }
    }
}

/// Values are not shown: they may authorise.
fn header(header: &Header) -> Option<String> {
    if !is_token(&header.name) {
        return Some(format!("`{}` is not a header's name", header.name.escape_debug()));
    }
    (!is_field_value(&header.value))
        .then(|| format!("the value of the header `{}` holds a line end or another control character", header.name))
}

/// A token of RFC 9110, section 5.6.2.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

fn is_field_value(text: &str) -> bool {
    text.bytes().all(|byte| byte == b'\t' || (byte >= b' ' && byte != 0x7f))
}

fn certificates(tls: &Tls, faults: &mut Vec<String>) {
    let held = &tls.contents;
    for (what, path, held, holds) in [
        ("certificate authorities", &tls.ca, &held.ca, holds_certificate as fn(&[u8]) -> bool),
        ("own certificate", &tls.cert, &held.cert, holds_certificate),
        ("key", &tls.key, &held.key, holds_key),
    ] {
        faults.extend(path.as_deref().and_then(|path| unfit(what, (path, held.as_deref()), holds)));
    }
    match (&tls.cert, &tls.key) {
        (Some(_), None) => faults.push("there is a certificate of our own, but not its key".to_owned()),
        (None, Some(_)) => faults.push("there is a key, but not its certificate".to_owned()),
        _ => {}
    }
    if let Some(name) = &tls.server_name
        && rustls::pki_types::ServerName::try_from(name.as_str()).is_err()
    {
        faults.push(format!("the server name `{}` is neither a host's name nor an address", name.escape_debug()));
    }
}

fn unfit(what: &str, (path, held): (&str, Option<&[u8]>), holds: fn(&[u8]) -> bool) -> Option<String> {
    match pem::read(path, held) {
        Err(problem) => Some(format!("the {what} cannot be read from {path}: {problem}")),
        Ok(bytes) => (!holds(&bytes)).then(|| format!("{path} holds no {what} in PEM form")),
    }
}

fn holds_certificate(bytes: &[u8]) -> bool {
    matches!(CertificateDer::pem_slice_iter(bytes).next(), Some(Ok(_)))
}

fn holds_key(bytes: &[u8]) -> bool {
    PrivateKeyDer::from_pem_slice(bytes).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::performance::plan::{Step, Target};

    fn sound() -> Plan {
        Plan { targets: vec![Target { url: "http://127.0.0.1:8080/".into(), weight: 1 }], ..Plan::default() }
    }

    fn fault(change: impl FnOnce(&mut Plan)) -> String {
        let mut plan = sound();
        change(&mut plan);
        let error = check(&plan).unwrap_err();
        assert_eq!(error.code(), Code::PerfPlan);
        error.message().to_owned()
    }

    fn open(pacing: Pacing) -> Load {
        Load::Open { pacing, overload: Overload::Queue }
    }

    #[test]
    fn a_sound_plan_passes() {
        check(&sound()).unwrap();
        let mut plan = sound();
        plan.request.body = b"with GET".to_vec();
        plan.load = open(Pacing::Ramp { from: 0.0, to: 5.0, over: Duration::from_secs(1) });
        check(&plan).unwrap();
    }

    #[test]
    fn targets_are_refused_with_the_form_that_is_wanted() {
        assert!(fault(|plan| plan.targets.clear()).contains("no target"));
        assert!(fault(|plan| plan.targets[0].url = "localhost:80".into()).contains("http://localhost:80"));
        assert!(fault(|plan| plan.targets[0].url = "ftp://a/".into()).contains("`ftp`"));
        assert!(fault(|plan| plan.targets[0].url = "http://".into()).contains("no URL"));
        assert!(fault(|plan| plan.targets[0].weight = 0).contains("weights"));
        let tcp = |plan: &mut Plan| {
            plan.protocol = Protocol::Tcp;
            plan.request.body = b"x".to_vec();
            plan.targets[0].url = "tcp://a".into();
        };
        assert!(fault(tcp).contains("no port"));
        let grpc = |plan: &mut Plan| {
            plan.protocol = Protocol::Grpc;
            plan.targets[0].url = "grpc://a:1/only".into();
        };
        assert!(fault(grpc).contains("/SERVICE/METHOD"));
    }

    #[test]
    fn limits_and_rates_that_measure_nothing_are_refused() {
        assert!(fault(|plan| plan.duration = Some(Duration::ZERO)).contains("duration is 0"));
        assert!(fault(|plan| plan.duration = None).contains("neither"));
        assert!(fault(|plan| plan.requests = Some(0)).contains("requests is 0"));
        assert!(fault(|plan| plan.timeout = Duration::ZERO).contains("timeout"));
        assert!(fault(|plan| plan.duration = Some(Duration::MAX)).contains("longer than a year"));
        assert!(fault(|plan| plan.warm_up = Duration::MAX).contains("the warm-up is longer"));
        for rate in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(fault(|plan| plan.load = open(Pacing::Constant { rate })).contains("above 0"));
            let steps = vec![Step { rate, length: Duration::from_secs(1) }];
            assert!(fault(|plan| plan.load = open(Pacing::Steps { steps })).contains("above 0"));
        }
        let flat = Pacing::Ramp { from: 0.0, to: 0.0, over: Duration::from_secs(1) };
        assert!(fault(|plan| plan.load = open(flat)).contains("ramp"));
        let sudden = Pacing::Ramp { from: 1.0, to: 50.0, over: Duration::ZERO };
        assert!(fault(|plan| plan.load = open(sudden)).contains("the ramp has the length 0"));
    }

    #[test]
    fn connections_and_their_use_are_checked() {
        assert!(fault(|plan| plan.connections = 0).contains("connections is 0"));
        assert!(fault(|plan| plan.streams = 2).contains("http1"));
        assert!(fault(|plan| plan.reuse = Reuse::Range { min: 0, max: 3 }).contains("0 to 3"));
        assert!(fault(|plan| plan.reuse = Reuse::Range { min: 4, max: 3 }).contains("4 to 3"));
    }

    #[test]
    fn header_fields_cannot_smuggle_further_ones() {
        let add = |name: &str, value: &str| Header { name: name.into(), value: value.into() };
        assert!(fault(|plan| plan.request.headers.push(add("a b", "x"))).contains("`a b`"));
        let message = fault(|plan| plan.request.headers.push(add("X-Key", "secret\r\nHost: b")));
        assert!(message.contains("`X-Key`") && !message.contains("secret"), "{message}");
        assert!(fault(|plan| plan.request.method = "GE T".into()).contains("`GE T`"));
    }

    #[test]
    fn certificates_have_to_be_there() {
        assert!(fault(|plan| plan.tls.ca = Some("/nowhere/ca.pem".into())).contains("/nowhere/ca.pem"));
        let file = tempfile::NamedTempFile::new().unwrap();
        let path = file.path().display().to_string();
        assert!(fault(|plan| plan.tls.ca = Some(path.clone())).contains("in PEM form"));
    }

    #[test]
    fn one_error_names_everything() {
        let mut plan = sound();
        plan.connections = 0;
        plan.duration = None;
        let report = check(&plan).unwrap_err().report();
        assert_eq!(report.details.len(), 2);
        assert!(report.message.starts_with("2 values"));
    }
}
