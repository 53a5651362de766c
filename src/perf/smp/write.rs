//! A plan as a test file of the specification, in the dialect with `test:` and `mesh:`.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use super::unsaid::{lost, refused};
use super::{INTERNAL, MESH_ANNOTATION, MESH_FIELDS, MESH_LABEL, MESH_VERSION, VERSION};
use crate::base::error::{Code, Error, Result};
use crate::base::yaml;
use crate::model::performance::duration;
use crate::model::performance::plan::{Header, Plan, Protocol};
use crate::wire::smp::service_mesh::Type;

/// A test file, and what of its plan it has no place for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The file.
    pub text: String,
    /// Names of the plan's values that a reader will not find in it.
    pub lost: Vec<&'static str>,
}

#[derive(Serialize)]
struct Document<'a> {
    test: Test<'a>,
    mesh: Mesh<'a>,
}

#[derive(Serialize)]
struct Mesh<'a> {
    /// By number: programs that read these files into protobuf's enum take nothing else.
    #[serde(rename = "type")]
    kind: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'a str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    labels: BTreeMap<&'a str, &'a str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<&'a str, &'a str>,
}

#[derive(Serialize)]
struct Test<'a> {
    smp_version: &'static str,
    name: &'a str,
    labels: BTreeMap<&'a str, &'a str>,
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
    #[serde(serialize_with = "in_order")]
    headers: &'a [Header],
    cookies: &'a BTreeMap<String, String>,
    body: String,
    content_type: &'a str,
    endpoint_urls: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ssl_certificate: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    additional_options: Option<&'a str>,
}

fn in_order<S: Serializer>(headers: &&[Header], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(headers.iter().map(|header| (&header.name, &header.value)))
}

/// Writes a plan. What decides which requests are sent has to fit the format; what this program adds to that, such as a
/// warm-up, is left out and named. The file holds headers, cookies and addresses whole, also what authorises.
///
/// # Errors
/// [`Code::SmpUnwritable`] names all that the format cannot say.
pub fn write(plan: &Plan) -> Result<Written> {
    let refused = refused(plan);
    if let Some(first) = refused.first() {
        let error = Error::new(Code::SmpUnwritable, format!("a test file cannot say {first}"));
        return Err(if refused.len() > 1 { error.details(refused[1..].iter().cloned()) } else { error });
    }
    let text = yaml::write_kubernetes(&document(plan))?;
    let lost = lost(plan, &text)?;
    Ok(Written { text, lost })
}

fn document(plan: &Plan) -> Document<'_> {
    let kind = plan.mesh.as_deref().and_then(Type::from_str_name).unwrap_or_default();
    let is_field = |name: &str| name == INTERNAL || name.starts_with(MESH_FIELDS);
    let labels = plan.labels.iter().filter(|(name, _)| !is_field(name));
    Document {
        test: Test {
            smp_version: VERSION,
            name: &plan.name,
            labels: labels.map(|(name, value)| (name.as_str(), value.as_str())).collect(),
            clients: [client(plan)],
            duration: duration::format(plan.duration.unwrap_or_default()),
        },
        mesh: Mesh {
            kind: kind.into(),
            version: plan.labels.get(MESH_VERSION).map(String::as_str),
            labels: named(plan, MESH_LABEL),
            annotations: named(plan, MESH_ANNOTATION),
        },
    }
}

/// The labels whose names begin so, by the rest of their names.
fn named<'a>(plan: &'a Plan, begin: &str) -> BTreeMap<&'a str, &'a str> {
    plan.labels.iter().filter_map(|(name, value)| Some((name.strip_prefix(begin)?, value.as_str()))).collect()
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "rates are positive and far below 2^63")]
fn client(plan: &Plan) -> Client<'_> {
    let request = &plan.request;
    Client {
        internal: plan.labels.contains_key(INTERNAL),
        load_generator: plan.generator.name(),
        protocol: match plan.protocol {
            Protocol::Http1 | Protocol::Http2 => 1,
            Protocol::Tcp => 2,
            Protocol::Udp => 3,
            Protocol::Grpc | Protocol::GrpcHealth => 4,
        },
        connections: plan.connections,
        rps: plan.load.rate(plan.duration).unwrap_or_default().round() as u64,
        headers: &request.headers,
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
    use crate::model::performance::plan::{Generator, Load, Overload, Pacing, Request, Target, Tls};

    #[test]
    fn what_is_written_is_read_as_the_same_plan() {
        let plan = Plan {
            name: "round trip: yes".to_owned(),
            mesh: Some("LINKERD".to_owned()),
            labels: [("a", "on"), (INTERNAL, "true"), (MESH_VERSION, "2.19"), ("smp.mesh.label.x", "1")]
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            generator: Generator::Wrk2,
            generator_options: Some("--u_latency".to_owned()),
            targets: ["http://a/", "http://b/"].map(|url| Target { url: url.to_owned(), weight: 1 }).into(),
            request: Request {
                method: "POST".to_owned(),
                headers: ["x", "b"].map(|name| Header { name: name.to_owned(), value: "1".to_owned() }).into(),
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
        let Written { text, lost } = write(&plan).unwrap();
        assert_eq!(lost, [] as [&str; 0]);
        let test = super::super::read(&text, "t.yaml").unwrap();
        assert_eq!(test.plans, [plan], "{text}");
        assert_eq!(test.warnings, [] as [&str; 0]);
        assert!(text.contains("type: 5"), "{text}");
    }
}
