//! From an HTTP request to an answer: who asks, for what, and which verb it is.

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::response::Response;
use http::{HeaderMap, Method, StatusCode, header};
use serde_json::Value;

use super::answer::{Form, Reply};
use super::calls::{self, Call};
use super::cluster::Cluster;
use super::connection::Cut;
use super::faults::{Seen, Verdict};
use super::request::{Query, Target};
use super::status::{Answer, Failure};
use super::{discovery, openapi, watch};

/// The largest body that is read, as the real server's limit.
const LARGEST_BODY: usize = 3 * 1024 * 1024;

/// Answers one request.
pub async fn handle(State(cluster): State<Cluster>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let cut = parts.extensions.get::<ConnectInfo<Cut>>().map(|info| info.0.clone());
    let path = parts.uri.path().to_owned();
    let query = Query::parse(parts.uri.query().unwrap_or_default());
    let form = Form::parse(header(&parts.headers, header::ACCEPT));
    if let Err(failure) = admit(&cluster, &path, &parts.headers) {
        return Reply::failure(&failure).into_response();
    }
    if parts.method == Method::GET
        && let Some(reply) = document(&cluster, &path, &form)
    {
        return reply.into_response();
    }
    let Some(target) = Target::parse(&path) else {
        return Reply::text(StatusCode::NOT_FOUND, "404 page not found\n").into_response();
    };
    let Ok(body) = to_bytes(body, LARGEST_BODY).await else {
        let text = format!("Request entity too large: limit is {LARGEST_BODY}");
        return Reply::failure(&Failure::new(413, "RequestEntityTooLarge", text)).into_response();
    };
    let verb = verb(&parts.method, &target, &query, &parts.headers);
    let verdict = judge(&cluster, &target, verb, &body);
    tokio::time::sleep(verdict.delay).await;
    if let Some(response) = struck(&verdict, cut.clone()) {
        return response;
    }
    let call = Call {
        target,
        query,
        form,
        verb,
        body: &body,
        content_type: header(&parts.headers, header::CONTENT_TYPE),
        agent: header(&parts.headers, header::USER_AGENT),
    };
    let answered = answer(&cluster, &call);
    if verdict.lose_answer {
        return hang_up(cut);
    }
    match answered {
        Ok(response) => response,
        Err(failure) => Reply::failure(&failure).into_response(),
    }
}

fn header(headers: &HeaderMap, name: header::HeaderName) -> &str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// Who may ask: callers of this machine, with the token; health and version are open to all of them.
fn admit(cluster: &Cluster, path: &str, headers: &HeaderMap) -> Answer<()> {
    let host = header(headers, header::HOST);
    if !is_loopback(host) {
        let text = format!("the practice cluster answers to loopback names only, not to host \"{host}\"");
        return Err(Failure::new(403, "Forbidden", text));
    }
    if matches!(path, "/healthz" | "/livez" | "/readyz" | "/version" | "/version/") {
        return Ok(());
    }
    let given = header(headers, header::AUTHORIZATION);
    let token = given.strip_prefix("Bearer ").unwrap_or_default().trim();
    if same(token.as_bytes(), cluster.token().as_bytes()) { Ok(()) } else { Err(Failure::unauthorized()) }
}

/// Compares in a time that does not tell where the texts differ.
fn same(left: &[u8], right: &[u8]) -> bool {
    left.len() == right.len() && left.iter().zip(right).fold(0, |all, (a, b)| all | (a ^ b)) == 0
}

/// A name that a foreign web page cannot make point here. Requests without a host come from in-process callers.
fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    host.is_empty()
        || name.eq_ignore_ascii_case("localhost")
        || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// What is not an object: health, version, discovery, OpenAPI.
fn document(cluster: &Cluster, path: &str, form: &Form) -> Option<Reply> {
    if matches!(path, "/healthz" | "/livez" | "/readyz") {
        return Some(Reply::text(StatusCode::OK, "ok"));
    }
    if let (["version"], Some(version)) = ([path.trim_matches('/')], cluster.pretended_version()) {
        return Some(discovery::version_of(&version));
    }
    cluster.read(|state| discovery::document(state, path, form).or_else(|| openapi::document(state, path, form)))
}

fn verb(method: &Method, target: &Target, query: &Query, headers: &HeaderMap) -> &'static str {
    let one = !target.name.is_empty();
    match *method {
        Method::GET if query.flag("watch") => "watch",
        Method::GET if one => "get",
        Method::GET => "list",
        Method::POST => "create",
        Method::PUT => "update",
        Method::PATCH if header(headers, header::CONTENT_TYPE).starts_with("application/apply-patch") => "apply",
        Method::PATCH => "patch",
        Method::DELETE if one => "delete",
        Method::DELETE => "deletecollection",
        _ => "",
    }
}

fn judge(cluster: &Cluster, target: &Target, verb: &str, body: &Bytes) -> Verdict {
    let mut name = target.name.clone();
    if name.is_empty()
        && verb == "create"
        && let Ok(body) = serde_json::from_slice::<Value>(body)
    {
        super::object::name(&body).clone_into(&mut name);
    }
    cluster.faults().judge(Seen { verb, target, name: &name })
}

/// Closes the connection. Callers within the process have none: they get the status of a broken one.
fn hang_up(cut: Option<Cut>) -> Response {
    if let Some(cut) = cut {
        cut.cut();
    }
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::BAD_GATEWAY;
    response
}

fn struck(verdict: &Verdict, cut: Option<Cut>) -> Option<Response> {
    if verdict.hangup {
        return Some(hang_up(cut));
    }
    let failure = verdict.failure.as_ref()?;
    let mut response = Reply::failure(failure).into_response();
    if let Some(seconds) = verdict.retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    Some(response)
}

fn answer(cluster: &Cluster, call: &Call<'_>) -> Answer<Response> {
    let target = &call.target;
    let Some(kind) = cluster.read(|state| state.kind(&target.group, &target.version, &target.plural)) else {
        return missing(cluster, target);
    };
    if kind.namespaced && target.namespace.is_empty() && !matches!(call.verb, "list" | "watch") {
        return Err(if call.verb == "create" && kind.verbs != "c" {
            Failure::method()
        } else {
            Failure::no_resource()
        });
    }
    if call.verb == "watch" {
        return watch::open(cluster, &kind, call).map(|body| Reply::stream(&call.form, body));
    }
    calls::perform(cluster, &kind, call).map(Reply::into_response)
}

/// A path under a group that is served is not found as an object; under another it is no page at all.
fn missing(cluster: &Cluster, target: &Target) -> Answer<Response> {
    let served =
        cluster.read(|state| state.kinds().any(|kind| kind.group == target.group && kind.version == target.version));
    if served {
        return Err(Failure::no_resource());
    }
    Ok(Reply::text(StatusCode::NOT_FOUND, "404 page not found\n").into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_names_are_hosts() {
        for host in ["localhost", "localhost:80", "127.0.0.1:6443", "[::1]:80", "127.9.9.9", ""] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["example.com", "localhost.example.com", "10.0.0.1", "[2001:db8::1]:80", "127.0.0.1.nip.io"] {
            assert!(!is_loopback(host), "{host}");
        }
    }

    #[test]
    fn tokens_are_compared_whole() {
        assert!(same(b"abc", b"abc"));
        assert!(!same(b"abc", b"abd") && !same(b"ab", b"abc") && !same(b"", b"abc"));
    }
}
