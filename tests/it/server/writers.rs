//! Many writers in several processes on one database.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use mesheryctl::base::env;
use mesheryctl::store::Store;
use mesheryctl::store::patterns::NewPattern;

const DATABASE: &str = "MESHERY_TEST_DATABASE";
const WRITERS: usize = 10;
const EACH: usize = 20;

async fn write(path: PathBuf, who: String) {
    let store = Store::open(&path).await.unwrap();
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let (store, who) = (store.clone(), who.clone());
            tokio::spawn(async move {
                for number in 0..EACH {
                    let name = format!("{who}-{writer}-{number}");
                    let new = NewPattern { name, pattern_file: "name: x\n".into(), ..NewPattern::default() };
                    store.patterns().save(new).await.unwrap();
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
}

/// Does nothing by itself: the test below runs it in processes of their own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writing_process() {
    if let Some(path) = env::get(DATABASE) {
        write(path.into(), std::process::id().to_string()).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writers_of_two_processes_lose_nothing_and_wait_for_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("meshery.db");
    let children: Vec<_> = (0..2)
        .map(|_| {
            Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "server::writers::a_writing_process", "--nocapture"])
                .env(DATABASE, &path)
                .stdout(Stdio::null())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let store = Store::open(&path).await.unwrap();
    assert_eq!(store.patterns().names().await.unwrap().len(), 2 * WRITERS * EACH);
    assert_eq!(store.check().await.unwrap(), Vec::<String>::new());
}
