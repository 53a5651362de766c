//! `serve adapter`: what the real program answers, and how it starts and ends.

use futures_util::StreamExt;
use mesheryctl::base::Code;
use mesheryctl::client::adapter::{self, AdapterClient, LIMIT, Order};
use mesheryctl::wire::health::HealthCheckRequest;
use mesheryctl::wire::health::health_check_response::ServingStatus;
use mesheryctl::wire::health::health_client::HealthClient;
use mesheryctl::wire::meshops::mesh_service_client::MeshServiceClient;
use mesheryctl::wire::meshops::{
    ApplyRuleRequest, ComponentInfoRequest, CreateMeshInstanceRequest, MeshNameRequest, MeshVersionsRequest,
    ProcessOamRequest, ProvisionRequest,
};
use tonic::Code as Status;
use tonic::transport::{Channel, Endpoint};

use super::process::Process;
use crate::support::env::Env;

const KUBECONFIG: &str = "apiVersion: v1\nkind: Config\ncurrent-context: a\n\
                          clusters: [{name: c, cluster: {server: 'https://127.0.0.1:1'}}]\n\
                          users: [{name: u, user: {token: t}}]\ncontexts: [{name: a, context: {cluster: c, user: u}}]\n";

async fn channel(process: &Process) -> Channel {
    Endpoint::from_shared(process.url()).unwrap().connect().await.unwrap()
}

#[tokio::test]
async fn it_says_who_it_is_in_the_words_of_every_era_and_lists_nothing_it_cannot_do() {
    let process = Process::start("osm");
    let mut client = MeshServiceClient::new(channel(&process).await);
    let info = client.component_info(ComponentInfoRequest {}).await.unwrap().into_inner();
    assert_eq!((info.r#type.as_str(), info.name.as_str()), ("adapter", "OPEN_SERVICE_MESH"));
    assert_eq!(info.version, env!("CARGO_PKG_VERSION"));
    assert_eq!(info.properties["component"], "meshery-osm");
    let name = client.mesh_name(MeshNameRequest {}).await.unwrap().into_inner().name;
    assert_eq!(name, "OPEN_SERVICE_MESH");
    assert!(client.mesh_versions(MeshVersionsRequest {}).await.unwrap().into_inner().version.is_empty());
    let (identity, operations) = adapter::ask(&process.location, LIMIT).await.unwrap();
    assert_eq!((identity.name.as_str(), operations.len()), ("OPEN_SERVICE_MESH", 0));
}

#[tokio::test]
async fn what_it_cannot_do_is_refused_by_mesh_and_operation_with_the_next_step() {
    let process = Process::start("istio");
    let mut client = MeshServiceClient::new(channel(&process).await);
    let request = ApplyRuleRequest { op_name: "istio".into(), delete_op: true, ..ApplyRuleRequest::default() };
    let refused = client.apply_operation(request).await.unwrap_err();
    assert_eq!(refused.code(), Status::Unimplemented);
    for part in ["meshery-istio", "removal of the operation `istio`", "ISTIO", "mesheryctl pattern apply"] {
        assert!(refused.message().contains(part), "{part}: {}", refused.message());
    }
    let oam = client.process_oam(ProcessOamRequest::default()).await.unwrap_err();
    let provision = client.provision(ProvisionRequest::default()).await.unwrap_err();
    assert_eq!((oam.code(), provision.code()), (Status::Unimplemented, Status::Unimplemented));

    let mut ours = AdapterClient::connect(&process.location, LIMIT).await.unwrap();
    let order = Order { operation: "istio".into(), kube_configs: vec![KUBECONFIG.into()], ..Order::default() };
    assert_eq!(ours.apply(order).await.unwrap_err().code(), Code::AdapterCannot);
}

#[tokio::test]
async fn bad_input_is_refused_before_anything_else_and_named() {
    let process = Process::start("istio");
    let mut client = MeshServiceClient::new(channel(&process).await);
    let base = || ApplyRuleRequest { op_name: "istio".into(), ..ApplyRuleRequest::default() };
    for (request, part) in [
        (ApplyRuleRequest::default(), "`opName`"),
        (ApplyRuleRequest { namespace: "Shop!".into(), ..base() }, "`namespace` is `Shop!`"),
        (ApplyRuleRequest { kube_configs: vec!["clusters: {".into()], ..base() }, "kubeconfig"),
    ] {
        let refused = client.apply_operation(request).await.unwrap_err();
        assert_eq!(refused.code(), Status::InvalidArgument, "{}", refused.message());
        assert!(refused.message().contains(part), "{part}: {}", refused.message());
    }
    for (config, context, good) in
        [(KUBECONFIG, "", true), ("", "", true), (KUBECONFIG, "a", true), (KUBECONFIG, "b", false), ("oops", "", false)]
    {
        let request = CreateMeshInstanceRequest { k8s_config: config.into(), context_name: context.into() };
        let outcome = client.create_mesh_instance(request).await;
        assert_eq!(outcome.is_ok(), good, "{config} {context}: {outcome:?}");
        if let Err(status) = outcome {
            assert_eq!(status.code(), Status::InvalidArgument, "{}", status.message());
        }
    }
}

#[tokio::test]
async fn probes_of_kubernetes_find_it_healthy() {
    let process = Process::start("linkerd");
    let mut client = HealthClient::new(channel(&process).await);
    for service in ["", "meshes.MeshService", "grpc.health.v1.Health"] {
        let reply = client.check(HealthCheckRequest { service: service.into() }).await.unwrap().into_inner();
        assert_eq!(reply.status(), ServingStatus::Serving, "{service}");
    }
    let unknown = client.check(HealthCheckRequest { service: "nope".into() }).await.unwrap_err();
    assert_eq!(unknown.code(), Status::NotFound);
    let mut watch = client.watch(HealthCheckRequest { service: "nope".into() }).await.unwrap().into_inner();
    assert_eq!(watch.next().await.unwrap().unwrap().status(), ServingStatus::ServiceUnknown);
}

#[cfg(unix)]
#[tokio::test]
async fn asked_to_stop_it_ends_what_is_open_and_exits_with_0() {
    let process = Process::start("istio");
    let mut watch =
        HealthClient::new(channel(&process).await).watch(HealthCheckRequest::default()).await.unwrap().into_inner();
    assert_eq!(watch.next().await.unwrap().unwrap().status(), ServingStatus::Serving);
    let client = AdapterClient::connect(&process.location, LIMIT).await.unwrap();
    let mut events = client.events().await.unwrap();
    process.terminate();
    assert_eq!(watch.next().await.unwrap().unwrap().status(), ServingStatus::NotServing);
    assert!(watch.next().await.is_none(), "the stream ends properly");
    assert!(events.next().await.is_none(), "the stream ends properly");
    let status = tokio::task::spawn_blocking(|| process.wait()).await.unwrap();
    assert_eq!(status.code(), Some(0));
}

#[test]
fn a_mesh_without_an_adapter_and_a_taken_port_are_told() {
    let env = Env::new();
    let wrong = env.ctl(["serve", "adapter", "isto"]).run();
    assert_eq!(wrong.code, Some(5), "{wrong}");
    assert!(wrong.stderr.contains("no adapter `isto`") && wrong.stderr.contains("did you mean istio?"), "{wrong}");
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let taken = env.ctl(["serve", "adapter", "istio", "--port", &port]).run();
    assert_eq!(taken.code, Some(1), "{taken}");
    assert!(taken.stderr.contains("port-taken"), "{taken}");
}
