//! The hot path takes no memory: a thread that sends many requests allocates as often as one that sends few.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Barrier, mpsc};
use std::time::Instant;

use super::{Shared, Worker};
use crate::model::performance::plan::{Load, Overload, Pacing, Plan, Target};
use crate::perf::engine::site::Site;

/// Far below the number of requests, and above what intervals and growing histograms take.
const FEW: u64 = 200;

#[test]
fn requests_of_http1_allocate_nothing_in_either_model() {
    let address = server();
    let open = Load::Open { pacing: Pacing::Constant { rate: 5_000.0 }, overload: Overload::Queue };
    for load in [Load::Closed, open] {
        let (some, many) = (allocations(address, &load, 500), allocations(address, &load, 5_500));
        assert!(many < some + FEW, "{load:?}: {some} for 500 requests, {many} for 5500");
    }
}

/// How often the thread of a measurement allocates, from its first connection to its last response.
fn allocations(address: SocketAddr, load: &Load, requests: u64) -> u64 {
    let plan = Plan {
        targets: vec![Target { url: format!("http://{address}/"), weight: 1 }],
        load: load.clone(),
        connections: 4,
        duration: None,
        requests: Some(requests),
        ..Plan::default()
    };
    let site = Site::new(&plan).unwrap();
    let shared = Shared {
        plan,
        epoch: Instant::now(),
        begin: AtomicU64::new(0),
        gate: Barrier::new(1),
        stop: AtomicBool::new(false),
        threads: 1,
        detailed: false,
    };
    let (sender, told) = mpsc::channel();
    let worker = Worker::new(Arc::new(shared), site, 0, sender).unwrap();
    let mut succeeded = 0;
    let counted = allocation_counter::measure(|| succeeded = worker.run().recorder.requests.succeeded);
    assert_eq!(succeeded, requests);
    drop(told);
    counted.count_total
}

/// Answers every request; it ends with the test process.
fn server() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            std::thread::spawn(move || answer(stream.unwrap()));
        }
    });
    address
}

fn answer(mut stream: TcpStream) {
    let mut request = [0; 4096];
    while stream.read(&mut request).is_ok_and(|length| length > 0) {
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").unwrap();
    }
}
