//! A practice cluster to try by hand.

use mesheryctl::sample::Certificate;
use mesheryctl::sample::cluster::{Cluster, kubeconfig_tls};

/// Serves until the file named by `PRACTICE_KUBECONFIG`, which it writes, is removed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "for trying by hand: set PRACTICE_KUBECONFIG to the kubeconfig to write, remove it to end"]
async fn serve() {
    let path = std::env::var_os("PRACTICE_KUBECONFIG").expect("PRACTICE_KUBECONFIG names a file");
    let path = std::path::PathBuf::from(path);
    let cluster = Cluster::new().unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = format!("https://{}", listener.local_addr().unwrap());
    let certificate = Certificate::new().unwrap();
    std::fs::write(&path, kubeconfig_tls(&server, cluster.token(), &certificate)).unwrap();
    let end = async move {
        while path.exists() {
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        }
    };
    cluster.serve_tls(listener, &certificate, end).await.unwrap();
}
