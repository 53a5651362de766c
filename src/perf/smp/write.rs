//! A plan as a test file of the specification, in the dialect with `test:` and `mesh:`.

use std::collections::BTreeMap;

use serde::Serialize;

use super::VERSION;
use crate::base::error::Result;
use crate::base::yaml;
use crate::model::performance::duration;
use crate::model::performance::plan::{Plan, Protocol};
use crate::wire::smp::service_mesh::Type;

#[derive(Serialize)]
struct Document<'a> {
    test: Test<'a>,
    mesh: Mesh,
}

#[derive(Serialize)]
struct Mesh {
    /// By number: programs that read these files into protobuf's enum take nothing else.
    #[serde(rename = "type")]
    kind: i32,
}

#[derive(Serialize)]
struct Test<'a> {
    smp_version: &'static str,
    name: &'a str,
    labels: &'a BTreeMap<String, String>,
    clients: [Client<'a>; 1],
    duration: String,
}

#[derive(Serialize)]
struct Client<'a> {
    internal: bool,
    load_generator: &'static str,
    protocol: i32,
    connections: u32,
    rps: u64,
    headers: BTreeMap<&'a str, &'a str>,
    cookies: &'a BTreeMap<String, String>,
    body: String,
    content_type: &'a str,
    endpoint_urls: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ssl_certificate: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    additional_options: Option<&'a str>,
}

/// Writes a plan. The specification has no place for the pacing law, weights, warm-up, limits by number of requests and
/// bodies that are no text: a changing rate is written as its mean, the rest is left out.
///
/// # Errors
/// The value cannot be written as YAML, which is a fault of this program.
pub fn write(plan: &Plan) -> Result<String> {
    let mesh = plan.mesh.as_deref().and_then(Type::from_str_name).unwrap_or_default();
    yaml::write_kubernetes(&Document {
        test: Test {
            smp_version: VERSION,
            name: &plan.name,
            labels: &plan.labels,
            clients: [client(plan)],
            duration: duration::format(plan.duration.unwrap_or_default()),
        },
        mesh: Mesh { kind: mesh.into() },
    })
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "rates are positive and far below 2^63")]
fn client(plan: &Plan) -> Client<'_> {
    let request = &plan.request;
    Client {
        internal: plan.labels.contains_key("smp.client.internal"),
        load_generator: plan.generator.name(),
        protocol: match plan.protocol {
            Protocol::Http1 | Protocol::Http2 => 1,
            Protocol::Tcp => 2,
            Protocol::Udp => 3,
            Protocol::Grpc | Protocol::GrpcHealth => 4,
        },
        connections: plan.connections,
        rps: plan.load.rate(plan.duration).unwrap_or_default().round() as u64,
        headers: request.headers.iter().map(|header| (header.name.as_str(), header.value.as_str())).collect(),
        cookies: &request.cookies,
        body: String::from_utf8(request.body.clone()).unwrap_or_default(),
        content_type: request.content_type.as_deref().unwrap_or_default(),
        endpoint_urls: plan.targets.iter().map(|target| target.url.as_str()).collect(),
        ssl_certificate: plan.tls.ca.as_deref(),
        additional_options: plan.generator_options.as_deref(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::performance::plan::{Generator, Header, Load, Overload, Pacing, Request, Target, Tls};

    #[test]
    fn what_is_written_is_read_as_the_same_plan() {
        let plan = Plan {
            name: "round trip: yes".to_owned(),
            mesh: Some("LINKERD".to_owned()),
            labels: BTreeMap::from([("a".to_owned(), "on".to_owned())]),
            generator: Generator::Wrk2,
            generator_options: Some("--u_latency".to_owned()),
            targets: ["http://a/", "http://b/"].map(|url| Target { url: url.to_owned(), weight: 1 }).into(),
            request: Request {
                method: "POST".to_owned(),
                headers: vec![Header { name: "x".to_owned(), value: "1".to_owned() }],
                cookies: BTreeMap::from([("c".to_owned(), "d".to_owned())]),
                body: b"hello: world\n".to_vec(),
                content_type: Some("text/plain".to_owned()),
            },
            load: Load::Open { pacing: Pacing::Constant { rate: 250.0 }, overload: Overload::Queue },
            connections: 16,
            duration: Some(Duration::from_millis(90_500)),
            tls: Tls { ca: Some("ca.pem".to_owned()), ..Tls::default() },
            ..Plan::default()
        };
        let text = write(&plan).unwrap();
        let test = super::super::read(&text, "t.yaml").unwrap();
        assert_eq!(test.plans, [plan], "{text}");
        assert_eq!(test.warnings, [] as [&str; 0]);
        assert!(text.contains("type: 5"), "{text}");
    }
}
