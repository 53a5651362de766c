//! TLS: what the two sides show and speak, in every protocol that runs over it.

use mesheryctl::model::performance::plan::{Plan, Protocol, Tls};
use mesheryctl::model::performance::result::{Cause, PerfResult};

use super::engine::{plan, run};
use super::servers::{self, Authority, Pair};
use super::targets::fails;
use crate::support::env::Env;

/// Whom each side trusts, as files.
struct World {
    env: Env,
    authority: Authority,
    server: Pair,
}

impl World {
    fn new() -> Self {
        let authority = Authority::new();
        let server = authority.issue("127.0.0.1", |_| ());
        Self { env: Env::new(), authority, server }
    }

    fn file(&self, name: &str, text: &str) -> String {
        self.env.write(name, text).display().to_string()
    }

    /// Trusts the server and shows nothing.
    fn nameless(&self) -> Tls {
        Tls { ca: Some(self.file("work/ca.pem", &self.authority.pem())), ..Tls::default() }
    }

    /// Trusts the server and shows a certificate of `authority`.
    fn known_to(&self, authority: &Authority) -> Tls {
        let own = authority.issue("client", |_| ());
        let key = Some(self.file("work/key.pem", &own.key.serialize_pem()));
        Tls { cert: Some(self.file("work/cert.pem", &own.certificate)), key, ..self.nameless() }
    }

    /// Trusts an authority that the server is not of.
    fn misled(&self) -> Tls {
        Tls { ca: Some(self.file("work/other.pem", &Authority::new().pem())), ..Tls::default() }
    }

    /// A plan for each protocol of the engine that runs over TLS, to a server that wants certificates of `clients`.
    fn plans(&self, clients: Option<&Authority>) -> Vec<Plan> {
        let old = servers::https(&self.server, clients);
        let new = servers::https2(&self.server, clients, servers::http2_answer);
        let grpc = servers::https2(&self.server, clients, |stream| servers::grpc_answer(stream, &[8, 1], "0"));
        vec![
            plan(format!("https://{old}/")),
            Plan { protocol: Protocol::Http2, streams: 4, ..plan(format!("https://{new}/")) },
            Plan { protocol: Protocol::Grpc, ..plan(format!("grpcs://{grpc}/s.S/M")) },
            Plan { protocol: Protocol::GrpcHealth, ..plan(format!("grpcs://{grpc}/")) },
        ]
    }
}

fn twenty(plan: &Plan, tls: &Tls) -> PerfResult {
    run(&Plan { requests: Some(20), tls: tls.clone(), ..plan.clone() })
}

#[test]
fn a_client_certificate_is_accepted_and_its_absence_or_its_stranger_is_counted_as_a_failure_of_tls() {
    let world = World::new();
    let known = world.known_to(&world.authority);
    for plan in world.plans(Some(&world.authority)) {
        let result = twenty(&plan, &known);
        assert_eq!(result.requests.succeeded, 20, "{:?} {:?}", plan.protocol, result.errors);
        let refused = fails(&Plan { tls: world.nameless(), ..plan.clone() }, Cause::Tls);
        assert_eq!(refused.requests.succeeded, 0, "{:?}", plan.protocol);
    }
    let stranger = Authority::new();
    let unknown = world.known_to(&stranger);
    for plan in world.plans(Some(&world.authority)) {
        fails(&Plan { tls: unknown.clone(), ..plan }, Cause::Tls);
    }
}

#[test]
fn a_server_of_another_authority_is_counted_as_a_bad_certificate() {
    let world = World::new();
    let (misled, right) = (world.misled(), world.nameless());
    for plan in world.plans(None) {
        assert_eq!(twenty(&plan, &right).requests.succeeded, 20, "{:?}", plan.protocol);
        let refused = fails(&Plan { tls: misled.clone(), ..plan.clone() }, Cause::Certificate);
        assert_eq!((refused.requests.sent, refused.connections.opened), (0, 0), "{:?}", plan.protocol);
    }
}

#[test]
fn a_server_that_agrees_to_another_version_of_http_is_told_apart() {
    let world = World::new();
    let (old, new) = (servers::https(&world.server, None), servers::https2(&world.server, None, servers::http2_answer));
    let tls = world.nameless();
    let wrong = Plan { protocol: Protocol::Http2, tls: tls.clone(), ..plan(format!("https://{old}/")) };
    fails(&wrong, Cause::Tls);
    fails(&Plan { tls, ..plan(format!("https://{new}/")) }, Cause::Tls);
}

#[test]
fn the_command_line_names_the_certificates() {
    let world = World::new();
    let tls = world.known_to(&world.authority);
    let (ca, cert, key) = (tls.ca.unwrap(), tls.cert.unwrap(), tls.key.unwrap());
    let server = servers::https2(&world.server, Some(&world.authority), servers::http2_answer);
    let url = format!("https://{server}/");
    let base = ["perf", "run", "--url", &url, "--protocol", "http2", "--requests", "10", "-o", "json", "--ca", &ca];
    let good = world.env.ctl(base.into_iter().chain(["--cert", &cert, "--key", &key])).ok();
    assert_eq!(good.json()["requests"]["succeeded"], 10, "{good}");
    let bare = world.env.ctl(base).run();
    assert_eq!(bare.json()["errors"], serde_json::json!({"tls": 10}), "{bare}");
}
