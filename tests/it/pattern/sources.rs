//! Where patterns come from.

use std::io::{Read, Write};
use std::net::TcpListener;

use super::apply::{HELLO, actions, run, world};

/// Serves one answer to each of `answers` in turn.
fn web(answers: Vec<String>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let mut buffer = [0; 4096];
            let _ = stream.read(&mut buffer).unwrap();
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    format!("http://{address}")
}

fn ok(body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

#[test]
fn row_47_standard_input_is_a_source() {
    let (env, _practice) = world();
    let output = env
        .ctl(["pattern", "apply", "-f", "-", "-o", "json"])
        .var("KUBECONFIG", env.path("kubeconfig"))
        .stdin(HELLO)
        .run();
    assert_eq!(output.code, Some(0), "{output}");
    assert_eq!(actions(&output).len(), 3);
}

#[test]
fn row_49_a_url_is_a_source_with_limits() {
    let (env, _practice) = world();
    let url = web(vec![ok(HELLO), ok(HELLO), "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".into(), ok("x")]);
    let output = run(&env, &["pattern", "apply", "-f", &format!("{url}/p.yaml"), "-o", "json"]);
    assert_eq!(output.code, Some(0), "{output}");
    let large = run(&env, &["pattern", "validate", "-f", &format!("{url}/p.yaml"), "--max-size", "20"]);
    assert!(large.code == Some(1) && large.stderr.contains("is larger than 20 bytes"), "{large}");
    let missing = run(&env, &["pattern", "validate", "-f", &format!("{url}/p.yaml")]);
    assert!(missing.code == Some(3) && missing.stderr.contains("404"), "{missing}");
    let link_local = run(&env, &["pattern", "validate", "-f", "http://169.254.169.254/latest"]);
    assert!(link_local.code == Some(2) && link_local.stderr.contains("link-local"), "{link_local}");
}

#[test]
fn a_redirect_leads_neither_to_plain_http_nor_to_another_private_host() {
    let (env, _practice) = world();
    let redirect = |to: &str| format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n");
    let url = web(vec![redirect("http://127.0.0.2:1/x"), redirect("file:///etc/passwd")]);
    for _ in 0..2 {
        let output = run(&env, &["pattern", "validate", "-f", &url]);
        assert!(output.code == Some(2) && output.stderr.contains("is not fetched"), "{output}");
    }
}

#[test]
fn row_50_folders_and_several_files_in_a_stable_order() {
    let (env, _practice) = world();
    env.write("work/set/b.yaml", HELLO.replace("hello", "bee"));
    env.write("work/set/a.yml", HELLO.replace("hello", "ant"));
    env.write("work/set/deep/c.json", r#"{"name": "cat", "services": {"cat": {"type": "Namespace"}}}"#);
    let flat = run(&env, &["pattern", "validate", "-f", "set", "-o", "jsonpath={[*].pattern}"]);
    assert_eq!(flat.stdout, "ant bee\n", "{flat}");
    let deep =
        run(&env, &["pattern", "validate", "-f", "set", "-R", "-f", "hello.yaml", "-o", "jsonpath={[*].pattern}"]);
    assert_eq!(deep.stdout, "ant bee cat hello\n", "{deep}");
    let applied = run(&env, &["pattern", "apply", "-f", "set", "-R", "-o", "jsonpath={[*].subject}"]);
    assert_eq!((applied.stdout.as_str(), applied.code), ("ant bee cat\n", Some(0)), "{applied}");
}

#[test]
fn two_files_of_one_name_in_a_folder_are_refused_and_named_ones_go_over_each_other() {
    let (env, _practice) = world();
    env.write("work/set/a.yaml", HELLO);
    env.write("work/set/b.yaml", HELLO);
    let output = run(&env, &["pattern", "apply", "-f", "set"]);
    assert_eq!(output.code, Some(65), "{output}");
    assert!(output.stderr.contains("set/a.yaml and set/b.yaml are both pattern `hello`"), "{output}");
    env.write("work/over.yaml", "name: hello\nservices: {web: null}\n");
    let output = run(&env, &["pattern", "apply", "-f", "hello.yaml", "-f", "over.yaml", "-o", "json"]);
    assert_eq!(output.code, Some(0), "{output}");
    assert_eq!(actions(&output).len(), 2, "{output}");
    let stored = run(&env, &["pattern", "view", "hello"]);
    assert!(!stored.stdout.contains("nginx"), "what is stored needs no overlay: {stored}");
}

#[test]
fn a_stored_pattern_is_a_source_by_name_id_and_beginning_of_an_id() {
    let (env, _practice) = world();
    run(&env, &["pattern", "apply", "-f", "hello.yaml"]);
    let id = run(&env, &["pattern", "list", "-o", "jsonpath={[0].id}"]).stdout.trim().to_owned();
    // Ids of one moment begin alike; the last digits tell them apart.
    for name in ["hello", id.as_str(), &id[..30]] {
        let output = run(&env, &["pattern", "apply", name, "-o", "json"]);
        assert_eq!(output.code, Some(0), "{name}: {output}");
        assert_eq!(actions(&output).len(), 3);
    }
}

#[test]
fn nothing_to_apply_is_a_usage_error() {
    let (env, _practice) = world();
    let output = run(&env, &["pattern", "apply"]);
    assert_eq!(output.code, Some(2), "{output}");
    let both = run(&env, &["pattern", "apply", "hello", "-f", "hello.yaml"]);
    assert_eq!(both.code, Some(2), "{both}");
}
