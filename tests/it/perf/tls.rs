//! TLS as the command line asks for it, in every protocol that runs over it: which name is asked for, what is agreed on and
//! shown, and what cannot be used.

use std::net::SocketAddr;

use mesheryctl::wire::health::health_check_response::ServingStatus;
use mesheryctl::wire::health::health_server::{Health, HealthServer};
use mesheryctl::wire::health::{HealthCheckRequest, HealthCheckResponse};
use serde_json::json;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

use super::front::{Front, Manners, Seen};
use super::servers::{self, Authority, OK, Pair};
use crate::support::ctl::Output;
use crate::support::env::Env;

/// The name of the far side's certificate.
const NAME: &str = "shop.example";

/// What goes over TLS: the protocol's name in flags and in ALPN, its scheme, and a server of it without TLS.
struct Spoken {
    flag: &'static str,
    alpn: &'static str,
    scheme: &'static str,
    backend: SocketAddr,
}

fn every_protocol() -> [Spoken; 3] {
    let http1 = servers::http(|_| Some(OK.to_vec()));
    let http2 = servers::http2(|stream| servers::frame(1, 5, stream, &[0x88]));
    [
        Spoken { flag: "http1", alpn: "http/1.1", scheme: "https", backend: http1 },
        Spoken { flag: "http2", alpn: "h2", scheme: "https", backend: http2 },
        Spoken { flag: "grpc-health", alpn: "h2", scheme: "grpcs", backend: health() },
    ]
}

/// A server of gRPC's health checks by the library that the product's own servers are made with.
fn health() -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    listener.set_nonblocking(true).unwrap();
    std::thread::spawn(move || {
        tokio::runtime::Runtime::new().unwrap().block_on(async move {
            let incoming = TcpIncoming::from(tokio::net::TcpListener::from_std(listener).unwrap());
            Server::builder().add_service(HealthServer::new(Well)).serve_with_incoming(incoming).await.unwrap();
        });
    });
    address
}

/// Serves at any time.
struct Well;

#[tonic::async_trait]
impl Health for Well {
    type WatchStream = futures_util::stream::Empty<Result<HealthCheckResponse, Status>>;

    async fn check(&self, _: Request<HealthCheckRequest>) -> Result<Response<HealthCheckResponse>, Status> {
        Ok(Response::new(HealthCheckResponse { status: ServingStatus::Serving.into() }))
    }

    async fn watch(&self, _: Request<HealthCheckRequest>) -> Result<Response<Self::WatchStream>, Status> {
        Err(Status::unimplemented("nobody watches here"))
    }
}

/// Two authorities and what they signed, as files of the work folder as well.
struct World {
    env: Env,
    authority: Authority,
    server: Pair,
}

impl World {
    fn new() -> Self {
        let (env, authority, stranger) = (Env::new(), Authority::new(), Authority::new());
        let (server, client) = (authority.issue(NAME, |_| ()), authority.issue("client", |_| ()));
        env.write("work/ca.pem", authority.pem());
        for (name, pair) in [("client", &client), ("strange-client", &stranger.issue("client", |_| ()))] {
            env.write(&format!("work/{name}.pem"), &pair.certificate);
            env.write(&format!("work/{name}.key"), pair.key.serialize_pem());
        }
        Self { env, authority, server }
    }

    fn front(&self, spoken: &Spoken, is_mutual: bool) -> Front {
        let clients = is_mutual.then_some(&self.authority);
        Front::start(spoken.backend, &Manners { pair: &self.server, clients, alpn: Some(spoken.alpn) })
    }

    /// Twenty requests over four connections.
    fn run(&self, spoken: &Spoken, front: &Front, flags: &[&str]) -> Output {
        let url = format!("{}://{}/", spoken.scheme, front.address);
        let args = ["perf", "run", "--url", &url, "--protocol", spoken.flag, "--requests", "20", "--connections", "4"];
        let more = ["--request-timeout", "5s", "-o", "json"];
        self.env.ctl(args.iter().chain(&more).chain(flags).copied()).run()
    }
}

/// Every request was answered well.
fn succeeds(spoken: &Spoken, output: &Output) {
    assert_eq!(output.code, Some(0), "{}: {output}", spoken.flag);
    assert_eq!(output.json()["requests"]["succeeded"], 20, "{}: {output}", spoken.flag);
}

/// Every request failed, and is counted under this cause.
fn fails(spoken: &Spoken, output: &Output, cause: &str) {
    assert_eq!(output.code, Some(1), "{}: {output}", spoken.flag);
    assert_eq!(output.json()["errors"], json!({cause: 20}), "{}: {output}", spoken.flag);
    assert!(output.stderr.contains("none of the 20 requests"), "{}: {output}", spoken.flag);
}

const MUTUAL: [&str; 8] = ["--ca", "ca.pem", "--sni", NAME, "--cert", "client.pem", "--key", "client.key"];

#[test]
fn a_name_is_asked_for_a_protocol_agreed_on_and_a_certificate_shown() {
    let world = World::new();
    for spoken in every_protocol() {
        let front = world.front(&spoken, true);
        succeeds(&spoken, &world.run(&spoken, &front, &MUTUAL));
        let seen = front.seen();
        let wanted = Seen { name: Some(NAME.into()), alpn: Some(spoken.alpn.into()), has_certificate: true };
        assert!(seen.len() == 4 && seen.iter().all(|one| *one == wanted), "{}: {seen:?}", spoken.flag);
    }
}

#[test]
fn an_address_is_never_asked_for_as_a_name_and_no_certificate_shown_unasked() {
    let mut world = World::new();
    world.server = world.authority.issue("127.0.0.1", |_| ());
    for spoken in every_protocol() {
        let front = world.front(&spoken, false);
        succeeds(
            &spoken,
            &world.run(&spoken, &front, &["--ca", "ca.pem", "--cert", "client.pem", "--key", "client.key"]),
        );
        let wanted = Seen { name: None, alpn: Some(spoken.alpn.into()), has_certificate: false };
        assert!(front.seen().iter().all(|one| *one == wanted), "{}: {:?}", spoken.flag, front.seen());
    }
}

#[test]
fn certificates_of_other_names_are_bad_unless_anybody_is_trusted() {
    let world = World::new();
    for spoken in every_protocol() {
        let front = world.front(&spoken, false);
        fails(&spoken, &world.run(&spoken, &front, &["--ca", "ca.pem", "--sni", "other.example"]), "certificate");
        let refused = world.run(&spoken, &front, &["--ca", "ca.pem", "--sni", "other.example"]);
        assert!(refused.stderr.contains("--ca, or its name with --sni"), "{refused}");
        let warnings = refused.json()["warnings"].to_string();
        assert!(
            warnings.contains("the target's certificate was not taken: ") && warnings.contains("other.example"),
            "{refused}"
        );
        // the certificate is for a name, and the URL has an address
        fails(&spoken, &world.run(&spoken, &front, &["--ca", "ca.pem"]), "certificate");
        assert_eq!(front.seen(), [], "{}", spoken.flag);
        succeeds(&spoken, &world.run(&spoken, &front, &["--insecure"]));
    }
}

#[test]
fn a_far_side_that_agrees_to_no_protocol_speaks_http1_and_no_other() {
    let world = World::new();
    let [http1, http2, grpc] = every_protocol();
    for spoken in [http2, grpc] {
        let manners = Manners { pair: &world.server, clients: None, alpn: None };
        let silent = Front::start(spoken.backend, &manners);
        fails(&spoken, &world.run(&spoken, &silent, &["--ca", "ca.pem", "--sni", NAME]), "protocol");
    }
    // HTTP/1.1 is what is spoken where nobody says anything
    let silent = Front::start(http1.backend, &Manners { pair: &world.server, clients: None, alpn: None });
    succeeds(&http1, &world.run(&http1, &silent, &["--ca", "ca.pem", "--sni", NAME]));
}

#[test]
fn files_of_tls_that_cannot_be_used_are_refused_before_anything_is_sent() {
    let world = World::new();
    let [spoken, ..] = every_protocol();
    let front = world.front(&spoken, false);
    world.env.write("work/empty.pem", "no certificate");
    for (flags, said) in [
        (&["--ca", "missing.pem"][..], "missing.pem"),
        (&["--ca", "ca.pem", "--cert", "client.pem", "--key", "empty.pem"], "empty.pem"),
        (&["--ca", "ca.pem", "--cert", "client.pem", "--key", "strange-client.key"], "strange-client.key"),
        (&["--ca", "ca.pem", "--sni", "not a name"], "not a name"),
    ] {
        let refused = world.run(&spoken, &front, flags);
        assert!(matches!(refused.code, Some(2 | 5 | 65)), "{flags:?}: {refused}");
        assert!(refused.stderr.contains(said) && refused.stdout.is_empty(), "{flags:?}: {refused}");
    }
    assert_eq!(front.seen(), []);
}

#[test]
fn requests_that_no_handshake_lets_out_are_told_as_attempts_to_connect() {
    let env = Env::new();
    // the system takes connections that nobody accepts, and nobody answers on them
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}/", silent.local_addr().unwrap());
    let args = ["perf", "run", "--url", &url, "--rate", "20", "--duration", "1s", "-o", "json"];
    let failed = env.ctl(args).run();
    assert_eq!(failed.code, Some(1), "{failed}");
    let result = failed.json();
    assert_eq!(
        (&result["errors"], &result["requests"]["dropped"]),
        (&json!({"connect-timeout": 20}), &0.into()),
        "{failed}"
    );
}
