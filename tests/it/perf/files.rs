//! Test files of the Service Mesh Performance specification: over a profile, with several clients, and written.

use serde_json::{Value, json};

use super::target::Target;
use crate::support::ctl::Output;
use crate::support::env::Env;

/// Plan and origins of the first dry run.
fn planned(output: &Output) -> (Value, Value) {
    let planned = output.json();
    (planned[0]["plan"].clone(), planned[0]["values"].clone())
}

fn origin(values: &Value, name: &str) -> String {
    let values = values.as_array().unwrap();
    let value = values.iter().find(|value| value["name"] == name).unwrap_or_else(|| panic!("{name}: {values:?}"));
    value["origin"].as_str().unwrap().to_owned()
}

#[test]
fn a_file_that_is_silent_about_a_value_leaves_it_to_the_profile() {
    let env = Env::new();
    let create = [
        "perf",
        "profile",
        "create",
        "shop",
        "--url",
        "http://127.0.0.1:9/",
        "--rate",
        "500",
        "--overload",
        "drop",
        "--connections",
        "7",
        "-H",
        "x-profile: yes",
        "--cookie",
        "c=1",
        "--mesh",
        "istio",
        "--label",
        "team=shop",
        "--sni",
        "shop.example",
        "--insecure",
        "--duration",
        "5s",
    ];
    env.ctl(create).ok();
    // What programs write for what nobody gave says nothing either.
    let file = "name: filed\nclients:\n- {endpoint_urls: ['http://127.0.0.1:10/'], headers: {}, cookies: {}, body: '', ssl_certificate: ca.pem}\n";
    env.write("work/test.yaml", file);
    // The certificate is not there: the plan is refused for it alone.
    let refused = env.ctl(["perf", "run", "shop", "-f", "test.yaml", "--dry-run"]).run();
    assert!(refused.code == Some(2) && refused.stderr.contains("ca.pem"), "{refused}");
    env.write("work/test.yaml", file.replace(", ssl_certificate: ca.pem", ""));
    let (plan, values) = planned(&env.ctl(["perf", "run", "shop", "-f", "test.yaml", "--dry-run", "-o", "json"]).ok());
    assert_eq!(
        plan["load"],
        json!({"model": "open", "pacing": {"law": "constant", "rate": 500.0}, "overload": {"policy": "drop"}})
    );
    assert_eq!(
        (&plan["connections"], &plan["mesh"], &plan["labels"]["team"]),
        (&json!(7), &json!("ISTIO"), &json!("shop"))
    );
    assert_eq!(plan["request"]["headers"][0]["name"], "x-profile");
    assert_eq!((&plan["tls"]["server_name"], &plan["tls"]["insecure"]), (&json!("shop.example"), &json!(true)));
    assert_eq!(plan["duration"], "5s");
    for (name, from) in [
        ("rate", "profile shop"),
        ("overload", "profile shop"),
        ("targets", "file test.yaml"),
        ("name", "file test.yaml"),
    ] {
        assert_eq!(origin(&values, name), from, "{name}");
    }
}

#[test]
fn a_rate_of_the_file_stands_over_that_of_the_profile() {
    let env = Env::new();
    let create =
        ["perf", "profile", "create", "shop", "--url", "http://127.0.0.1:9/", "--rate", "500", "--overload", "drop"];
    env.ctl(create).ok();
    for (rps, load) in [
        ("20", json!({"model": "open", "pacing": {"law": "constant", "rate": 20.0}, "overload": {"policy": "drop"}})),
        ("0", json!({"model": "closed"})),
    ] {
        let file =
            format!("name: n\nduration: 1s\nclients:\n- {{endpoint_urls: ['http://127.0.0.1:10/'], rps: {rps}}}\n");
        env.write("work/test.yaml", file);
        let (plan, values) =
            planned(&env.ctl(["perf", "run", "shop", "-f", "test.yaml", "--dry-run", "-o", "json"]).ok());
        assert_eq!((&plan["load"], origin(&values, "rate").as_str()), (&load, "file test.yaml"), "{rps}");
    }
}

/// A file with a client for each target.
fn clients(env: &Env, targets: &[&Target]) {
    let client = |target: &&Target| format!("- {{endpoint_urls: ['{}'], connections: 1, rps: 20}}\n", target.url());
    let clients: String = targets.iter().map(client).collect();
    env.write("work/several.yaml", format!("name: several\nduration: 300ms\nclients:\n{clients}"));
}

#[test]
fn results_of_several_clients_are_one_document_and_a_file_each() {
    let (env, one, two) = (Env::new(), Target::start(), Target::start());
    clients(&env, &[&one, &two]);
    let run = |more: &[&'static str]| {
        let args = ["perf", "run", "-f", "several.yaml"];
        env.ctl(args.into_iter().chain(more.iter().copied()))
    };
    let shown = run(&["-o", "json", "--export", "report.html", "--export", "csv=table"]).ok();
    let results = shown.json();
    let names: Vec<&str> = results.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["several client 1", "several client 2"], "{shown}");
    assert_eq!(results[1]["plan"]["targets"][0]["url"], two.url());
    let files: Vec<String> = env.files().into_iter().filter(|file| file.starts_with("work/")).collect();
    assert_eq!(
        files,
        ["work/report-1.html", "work/report-2.html", "work/several.yaml", "work/table-1", "work/table-2"]
    );
    for (number, target) in [(1, &one), (2, &two)] {
        assert!(env.read(&format!("work/report-{number}.html")).contains(&target.url()), "{number}");
        assert!(shown.stderr.contains(&format!("html written to report-{number}.html")), "{shown}");
    }
    let yaml = run(&["-o", "yaml"]).ok();
    let documents: Value = mesheryctl::base::yaml::read(&yaml.stdout).unwrap();
    assert_eq!(documents.as_array().map(Vec::len), Some(2), "{yaml}");
    assert_eq!(run(&["-o", "jsonl"]).ok().stdout.lines().count(), 2);
    assert_eq!(run(&["-o", "jsonpath={[*].requests.failed}"]).ok().stdout, "0 0\n");
    let names = run(&["-o", "name"]).ok().stdout;
    assert_eq!(names.lines().count(), 2, "{names}");
}

#[test]
fn the_results_before_a_client_that_fails_are_shown_all_the_same() {
    let (env, target) = (Env::new(), Target::start());
    let gone = Target::nobody();
    let file = format!(
        "name: n\nduration: 200ms\nclients:\n- {{endpoint_urls: ['{}'], rps: 20}}\n- {{endpoint_urls: ['{gone}'], rps: 20}}\n",
        target.url()
    );
    env.write("work/half.yaml", file);
    let failed = env.ctl(["perf", "run", "-f", "half.yaml", "-o", "json"]).run();
    assert_eq!(failed.code, Some(1), "{failed}");
    let results = failed.json();
    assert_eq!(
        (&results[0]["requests"]["failed"], &results[1]["requests"]["succeeded"]),
        (&json!(0), &json!(0)),
        "{failed}"
    );
    assert!(failed.stderr.contains("perf-failed"), "{failed}");
}

#[test]
fn what_several_clients_cannot_share_is_refused_before_anything_is_sent() {
    let (env, target) = (Env::new(), Target::start());
    clients(&env, &[&target, &target]);
    for (more, said) in [
        (&["--save-profile", "kept"][..], "a profile keeps one plan"),
        (&["kept", "--yes"], "a profile keeps one plan"),
        (&["--export", "json=-"], "one after the other"),
        (&["--export", "a.json", "--export", "fortio=a.json"], "two results would be written to a.json"),
    ] {
        let args = ["perf", "run", "-f", "several.yaml"];
        let refused = env.ctl(args.iter().chain(more).copied()).run();
        assert_eq!((refused.code, target.seen()), (Some(2), 0), "{more:?}: {refused}");
        assert!(refused.stderr.contains(said) && refused.stdout.is_empty(), "{more:?}: {refused}");
    }
    assert_eq!(env.ctl(["perf", "profile", "list", "-o", "json"]).ok().stdout, "[]\n");
    let same =
        ["perf", "run", "--url", &target.url(), "--requests", "1", "--export", "a.json", "--export", "csv=./a.json"];
    let refused = env.ctl(same).run();
    assert_eq!((refused.code, target.seen()), (Some(2), 0), "one client cannot either: {refused}");
}

#[test]
fn a_profile_is_written_as_a_test_file_that_means_the_same() {
    let env = Env::new();
    let ca = env.write("work/ca.pem", authority());
    let ca = ca.to_str().unwrap();
    for (name, more) in [
        ("closed", &["--url", "http://127.0.0.1:9/a?b=c"][..]),
        (
            "rich",
            &[
                "--url",
                "https://127.0.0.1:9/",
                "--url",
                "https://127.0.0.1:10/x",
                "--rate",
                "250",
                "--connections",
                "16",
                "--duration",
                "90s",
                "-H",
                "x-b: 1",
                "-H",
                "a-x: 'yes'",
                "--cookie",
                "c=d",
                "-b",
                "hello: world",
                "--content-type",
                "text/plain",
                "--mesh",
                "linkerd",
                "--label",
                "team=on",
                "--ca",
                ca,
            ],
        ),
        ("grpc", &["--url", "grpc://127.0.0.1:9/shop.Cart/Get", "--rate", "5"]),
        ("health", &["--url", "grpc://127.0.0.1:9", "--rate", "5"]),
        ("tcp", &["--url", "tcp://127.0.0.1:9", "-b", "ping", "--rate", "5"]),
        ("program", &["--url", "http://127.0.0.1:9/", "--load-generator", "fortio", "--options", "-uniform"]),
    ] {
        env.ctl(["perf", "profile", "create", name].iter().chain(more).copied()).ok();
        let file = format!("{name}.yaml");
        let written = env.ctl(["perf", "profile", "export", name, &file]).ok();
        assert!(written.stdout.is_empty() && !written.stderr.contains("no place"), "{written}");
        let (direct, _) = planned(&env.ctl(["perf", "run", name, "--dry-run", "-o", "json"]).ok());
        let (read, _) = planned(&env.ctl(["perf", "run", "-f", &file, "--dry-run", "-o", "json"]).ok());
        assert_eq!(read, direct, "{name}: {}", env.read(&format!("work/{file}")));
    }
    let shown = env.ctl(["perf", "profile", "export", "closed"]).ok();
    assert_eq!(shown.stdout, env.read("work/closed.yaml"), "standard output is the file");
}

/// A certificate that is one, for plans that have to be able to read it.
fn authority() -> String {
    super::servers::Authority::new().pem()
}

#[test]
fn what_a_test_file_cannot_say_is_refused_and_what_it_loses_is_told() {
    let env = Env::new();
    let url = "http://127.0.0.1:9/";
    for (name, flags, named) in [
        ("slow", &["--rate", "0.4"][..], "0.4/s"),
        ("counted", &["--requests", "100"], "100 requests"),
        ("ramp", &["--rate", "ramp:0..100/10s"], "ramp"),
        ("put", &["--method", "PUT"], "PUT"),
        ("http2", &["--protocol", "http2"], "http2"),
    ] {
        env.ctl(["perf", "profile", "create", name, "--url", url].iter().chain(flags).copied()).ok();
        let refused = env.ctl(["perf", "profile", "export", name, "test.yaml"]).run();
        assert_eq!(refused.code, Some(1), "{name}: {refused}");
        assert!(refused.stderr.contains("smp-unwritable") && refused.stderr.contains(named), "{name}: {refused}");
        assert!(!env.path("work/test.yaml").exists(), "{name}");
    }
    let create = [
        "perf",
        "profile",
        "create",
        "warm",
        "--url",
        url,
        "--warm-up",
        "5s",
        "--threads",
        "2",
        "--threshold",
        "p99<1s",
    ];
    env.ctl(create.into_iter().chain(["-H", "Authorization: Bearer hunter2"])).ok();
    let told = env.ctl(["perf", "profile", "export", "warm", "warm.yaml"]).ok();
    assert!(told.stderr.contains("no place for threads (2), warm-up (5s), thresholds (p99<1s)"), "{told}");
    assert!(told.stderr.contains("holds what authorises") && !told.stderr.contains("hunter2"), "{told}");
    assert!(env.read("work/warm.yaml").contains("Bearer hunter2"), "the file has to be runnable");
    let missing = env.ctl(["perf", "profile", "export", "warm", "no/folder.yaml"]).run();
    assert_eq!(missing.code, Some(2), "{missing}");
}

#[test]
fn what_a_file_says_of_its_mesh_and_its_client_is_kept() {
    let (env, target) = (Env::new(), Target::start());
    let file = format!(
        "test:\n  name: filed\n  duration: 200ms\n  clients:\n  - {{internal: true, endpoint_urls: ['{}'], rps: 10}}\nmesh:\n  type: 3\n  version: 1.30.2\n  labels: {{profile: ambient}}\n",
        target.url()
    );
    env.write("work/test.yaml", file);
    let shown = env.ctl(["perf", "run", "-f", "test.yaml", "-o", "json", "--export", "smp=result.yaml"]).ok();
    assert!(
        shown.stderr.contains("a client is `internal`") && shown.stderr.contains("--workers kubernetes"),
        "{shown}"
    );
    assert_eq!(shown.json()["plan"]["labels"]["smp.mesh.version"], "1.30.2");
    let written = env.read("work/result.yaml");
    assert!(written.contains("version: \"1.30.2\"") && written.contains("profile: ambient"), "{written}");
    assert!(!written.contains("mtls_enabled") && !written.contains("sidecar"), "nobody looked: {written}");
}
