//! `probe`: exit codes that containers go by.

use super::process::Process;
use crate::support::env::Env;

#[test]
fn grpc_health_is_an_exit_code() {
    let process = Process::start("istio");
    let target = process.location.to_string();
    let env = Env::new();
    let good = env.ctl(["probe", "grpc", &target, "-o", "json"]).ok().json();
    assert_eq!((&good["healthy"], &good["answer"]), (&true.into(), &"SERVING".into()));
    env.ctl(["probe", "grpc", &target, "--service", "meshes.MeshService"]).ok();
    let unknown = env.ctl(["probe", "grpc", &target, "--service", "nope"]).run();
    assert_eq!(unknown.code, Some(3), "{unknown}");
    assert!(unknown.stderr.contains("nope") && unknown.stdout.is_empty(), "{unknown}");
    drop(process);
    let gone = env.ctl(["probe", "grpc", &target]).run();
    assert_eq!(gone.code, Some(3), "{gone}");
    assert!(gone.stderr.contains("refused"), "{gone}");
}

#[tokio::test]
async fn http_health_is_an_exit_code() {
    let plane = crate::server::plane::Plane::start().await;
    let root = format!("http://{}", plane.address);
    let run = async |path: &str, more: &[&str]| {
        let args: Vec<String> =
            ["probe", "http", &format!("{root}{path}")].iter().chain(more).map(ToString::to_string).collect();
        tokio::task::spawn_blocking(move || Env::new().ctl(args).run()).await.unwrap()
    };
    let ready = run("/healthz/ready", &[]).await;
    assert_eq!(ready.code, Some(0), "{ready}");
    assert!(ready.stdout.contains("is healthy (200)"), "{ready}");
    let missing = run("/healthz/nothing", &["-o", "json"]).await;
    assert_eq!((missing.code, &missing.error_json()["code"]), (Some(3), &"probe-failed".into()), "{missing}");
    assert!(missing.stderr.contains("Correct the path"), "{missing}");
    plane.server.drain(std::time::Duration::ZERO).await;
    let draining = run("/healthz/ready", &[]).await;
    assert_eq!(draining.code, Some(3), "{draining}");
    assert!(draining.stderr.contains("503"), "{draining}");
}

#[test]
fn nobody_silence_and_nonsense_are_told() {
    let env = Env::new();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = listener.local_addr().unwrap().to_string();
    for target in [["grpc", &silent], ["http", &format!("http://{silent}/")]] {
        let output = env.ctl(["probe"].into_iter().chain(target).chain(["--timeout", "300ms"])).run();
        assert_eq!(output.code, Some(3), "{output}");
    }
    for wrong in [["grpc", "localhost"], ["http", "localhost:80"], ["http", "ftp://h/"]] {
        let output = env.ctl(["probe"].into_iter().chain(wrong)).run();
        assert_eq!(output.code, Some(2), "{output}");
        assert!(output.stderr.contains(wrong[1]), "{output}");
    }
}
