//! `perf result`.

use mesheryctl::perf::format::{self, Format};

use super::target::Target;
use crate::support::env::Env;

fn measured(env: &Env, target: &Target) -> String {
    let args = ["perf", "run", "--url", &target.url(), "--requests", "10", "-o", "name"];
    env.ctl(args).ok().stdout.trim().to_owned()
}

#[test]
fn a_result_is_listed_shown_exported_carried_elsewhere_and_deleted() {
    let (env, target) = (Env::new(), Target::start());
    let id = measured(&env, &target);
    let list = env.ctl(["perf", "result", "list"]).ok();
    assert!(list.stdout.contains(&id) && list.stdout.contains("complete"), "{list}");
    let whole = env.ctl(["perf", "result", "view", &id, "-o", "json"]).ok().json();
    assert_eq!((&whole["id"], &whole["requests"]["sent"]), (&id.as_str().into(), &10.into()));
    env.ctl(["perf", "result", "export", &id, "kept.json"]).ok();
    let elsewhere = Env::new();
    elsewhere.write("work/kept.json", env.read("work/kept.json"));
    elsewhere.ctl(["perf", "result", "import", "kept.json"]).ok();
    assert_eq!(elsewhere.ctl(["perf", "result", "view", &id, "-o", "json"]).ok().json(), whole);
    env.ctl(["perf", "result", "delete", &id, "--yes"]).ok();
    assert_eq!(env.ctl(["perf", "result", "view", &id]).run().code, Some(5));
    assert_eq!(env.ctl(["perf", "result", "list", "-o", "json"]).ok().stdout, "[]\n");
}

#[test]
fn stored_results_are_compared_and_converted_by_their_id_or_its_beginning() {
    let (env, target) = (Env::new(), Target::start());
    let (first, second) = (measured(&env, &target), measured(&env, &target));
    env.ctl(["perf", "result", "export", &first, "kept.json"]).ok();
    let compared = env.ctl(["perf", "compare", "kept.json", &second, "-o", "json"]).ok().json();
    assert_eq!(compared["others"][0]["name"], second.as_str(), "{compared}");
    let shown = env.ctl(["perf", "convert", &first, "-o", "json"]).ok().json();
    assert_eq!(shown["id"], first.as_str());
    let written = env.ctl(["perf", "convert", &second, "--output-file", "kept.json"]).ok();
    assert!(env.read("work/kept.json").contains(&second), "what was there is written over: {written}");
    assert!(!env.files().iter().any(|file| file.contains(".kept.json")), "{:?}", env.files());
    let unknown = env.ctl(["perf", "compare", "kept.json", "ffff0000"]).run();
    assert!(unknown.code == Some(5) && unknown.stderr.contains("no result `ffff0000`"), "{unknown}");
}

#[test]
fn a_result_of_every_readable_format_is_imported_once() {
    let (env, target) = (Env::new(), Target::start());
    let id = measured(&env, &target);
    env.ctl(["perf", "result", "export", &id, "kept.json"]).ok();
    let result = format::read(env.read("work/kept.json").as_bytes(), "kept.json").unwrap();
    let elsewhere = Env::new();
    let readable = Format::ALL.into_iter().filter(|format| format.is_readable());
    for format in readable {
        let file = format!("kept.{}", format.name());
        std::fs::write(elsewhere.path(&format!("work/{file}")), format::write(&result, format).unwrap()).unwrap();
        let import = || elsewhere.ctl(["perf", "result", "import", &file, "-o", "name"]).ok();
        let (first, second) = (import(), import());
        assert_eq!(first.stdout, second.stdout, "{file}");
        // our own form keeps everything
        let lacks = format != Format::Json;
        assert_eq!(first.stderr.contains("read from "), lacks, "{first}");
        let stored = elsewhere.ctl(["perf", "result", "view", first.stdout.trim(), "-o", "json"]).ok().json();
        assert_eq!(stored["latency"]["response"]["count"], 10, "{file}: {stored}");
    }
    elsewhere.ctl(["perf", "result", "delete", &id, "--yes"]).ok();
    let whole = env.read("work/kept.json");
    let piped = elsewhere.ctl(["perf", "result", "import", "-", "-o", "name"]).stdin(whole).ok();
    assert_eq!(piped.stdout.trim(), id);
}

#[test]
fn what_is_no_result_is_refused_with_its_file_and_format() {
    let env = Env::new();
    env.write("work/bad.json", "{\"schema\": 1,\n nonsense}");
    env.write("work/fortio.json", "{\"DurationHistogram\": {}, \"StartTime\": \"yesterday\"}");
    env.write("work/plan.html", "<!DOCTYPE html>");
    for (file, cause) in [
        ("bad.json", "schema"),
        ("fortio.json", "read as fortio: StartTime `yesterday`"),
        ("plan.html", "it is html, which is for showing"),
    ] {
        let refused = env.ctl(["perf", "result", "import", file]).run();
        assert_eq!((refused.code, refused.stdout.as_str()), (Some(65), ""), "{refused}");
        for words in [file, cause, "result-unreadable"] {
            assert!(refused.stderr.contains(words), "{words}: {refused}");
        }
    }
    let refused = env.ctl(["perf", "result", "import", "-"]).stdin("hello").run();
    assert!(refused.code == Some(65) && refused.stderr.contains("stdin: "), "{refused}");
    assert_eq!(env.ctl(["perf", "result", "import", "missing.json"]).run().code, Some(5));
    assert_eq!(env.ctl(["perf", "result", "list", "-o", "json"]).ok().stdout, "[]\n");
}

#[test]
fn what_does_not_say_its_format_is_read_in_the_one_that_is_named() {
    let env = Env::new();
    let rows = "1.0 0.0 1 1.0\n2.0 0.5 50 2.0\n4.0 1.0 100 inf\n";
    let import = |flags: &[&str]| {
        let args = ["perf", "result", "import", "-", "-o", "name"];
        env.ctl(args.iter().chain(flags).copied()).stdin(rows).run()
    };
    let unknown = import(&[]);
    assert!(unknown.code == Some(65) && unknown.stderr.contains("--from FORMAT"), "{unknown}");
    let named = import(&["--from", "hgrm"]);
    assert!(named.code == Some(0) && named.stderr.contains("read from a percentile table"), "{named}");
    let list = env.ctl(["perf", "result", "list", "-o", "json"]).ok().json();
    assert_eq!((list.as_array().unwrap().len(), &list[0]["summary"]["sent"]), (1, &100.into()), "{list}");
    let shown = env.ctl(["perf", "convert", "-", "--from", "hgrm", "-o", "json"]).stdin(rows).ok().json();
    assert_eq!(shown["latency"]["response"]["count"], 100);
    for (format, cause) in [("fortio", "no object of JSON"), ("smp", "no document"), ("hlog", "line 1")] {
        let wrong = import(&["--from", format]);
        assert_eq!(wrong.code, Some(65), "{wrong}");
        assert!(wrong.stderr.contains(&format!("read as {format}: ")) && wrong.stderr.contains(cause), "{wrong}");
    }
    let for_showing = import(&["--from", "html"]);
    assert!(for_showing.code == Some(2) && for_showing.stderr.contains("hgrm"), "{for_showing}");
}

#[test]
fn what_was_not_measured_is_a_hyphen_and_columns_are_named_as_in_json() {
    let env = Env::new();
    let failed = env.ctl(["perf", "run", "--url", "http://127.0.0.1:1/", "--requests", "3"]).run();
    assert_eq!(failed.code, Some(1), "{failed}");
    let list = env.ctl(["perf", "result", "list"]).ok();
    let mut lines = list.stdout.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let (titles, row) = (lines.next().unwrap(), lines.next().unwrap());
    assert!(!titles.contains(&"QPS"), "{list}");
    let json = env.ctl(["perf", "result", "list", "-o", "json"]).ok().json();
    for (title, field) in [("ACHIEVED", "achieved_rate"), ("ELAPSED", "elapsed_seconds"), ("FAILED", "failed")] {
        assert!(titles.contains(&title) && json[0]["summary"][field].is_number(), "{title}: {list}");
    }
    let cell = |title: &str| row[titles.iter().position(|known| *known == title).unwrap()];
    assert_eq!((cell("P50"), cell("P99"), cell("FAILED")), ("-", "-", "3"), "{list}");
}

#[test]
fn older_pages_are_the_same_pages() {
    let (env, target) = (Env::new(), Target::start());
    let url = target.url();
    env.ctl(["perf", "profile", "create", "shop", "--url", &url, "--requests", "1"]).ok();
    env.ctl(["perf", "run", "shop", "-o", "name"]).ok();
    let page = |flags: &[&'static str]| {
        let args = ["perf", "result", "shop", "-o", "name"];
        env.ctl(args.into_iter().chain(flags.iter().copied())).ok().stdout.lines().count()
    };
    assert_eq!((page(&[]), page(&["-p", "1"]), page(&["-p", "2"]), page(&["--page", "2"])), (1, 1, 0, 0));
    assert_eq!(env.ctl(["perf", "result", "shop", "-p", "0"]).run().code, Some(2), "pages begin at 1");
}
