//! Precedence.

use crate::support::env::Env;

/// Flag, environment, project file, config.yaml, default: taking away the first leaves the second, and so on.
#[test]
fn row_53_precedence_is_flag_environment_project_file_default() {
    let env = Env::with_contexts();
    env.ctl(["system", "context", "create", "by-flag"]).ok();
    env.ctl(["system", "context", "create", "by-variable"]).ok();
    env.ctl(["system", "context", "create", "by-project"]).ok();
    let chosen = |args: &[&str], variable: Option<&str>| {
        let run =
            env.ctl(["config", "view", "-o", "jsonpath=$[?@.setting=='context'].value"].iter().chain(args).copied());
        match variable {
            Some(value) => run.var("MESHERY_CONTEXT", value),
            None => run,
        }
        .ok()
        .stdout
    };
    env.write("work/.meshery.yaml", "context: by-project\n");
    assert_eq!(chosen(&["--context", "by-flag"], Some("by-variable")), "by-flag\n");
    assert_eq!(chosen(&[], Some("by-variable")), "by-variable\n");
    assert_eq!(chosen(&[], None), "by-project\n");
    std::fs::remove_file(env.path("work/.meshery.yaml")).unwrap();
    env.ctl(["system", "context", "switch", "prod"]).ok();
    assert_eq!(chosen(&[], None), "prod\n");
    std::fs::remove_file(env.config()).unwrap();
    assert_eq!(chosen(&[], None), "local\n");
}

#[test]
fn row_54_every_value_tells_its_origin() {
    let env = Env::with_contexts();
    env.write("work/sub/x", "");
    env.write("work/.meshery.yaml", "timeout: 5s\nendpoint: http://project:1\n");
    let args = ["config", "view", "-o", "json", "--color", "never"];
    let entries = env.ctl(args).var("MESHERY_KUBE_CONTEXT", "a,b").var("MESHERY_YES", "1").ok().json();
    let origin = |name: &str| {
        let entry = entries.as_array().unwrap().iter().find(|entry| entry["setting"] == name).unwrap();
        (entry["value"].as_str().unwrap().to_owned(), entry["origin"].as_str().unwrap().to_owned())
    };
    let project = format!("file {}", env.path("work/.meshery.yaml").display());
    let config = format!("file {}", env.config().display());
    assert_eq!(origin("color"), ("never".into(), "flag --color".into()));
    assert_eq!(origin("kube-context"), ("a,b".into(), "environment MESHERY_KUBE_CONTEXT".into()));
    assert_eq!(origin("yes"), ("true".into(), "environment MESHERY_YES".into()));
    assert_eq!(origin("timeout"), ("5s".into(), project.clone()));
    assert_eq!(origin("endpoint"), ("http://project:1".into(), project));
    assert_eq!(origin("context"), ("local".into(), config));
    assert_eq!(origin("no-input"), ("false".into(), "default".into()));
}

#[test]
fn row_54_the_project_file_is_found_from_below() {
    let env = Env::new();
    env.write("work/.meshery.yaml", "timeout: 5s\n");
    env.write("work/a/b/x", "");
    let mut command = env.ctl(["config", "view", "-o", "jsonpath=$[?@.setting=='timeout'].value"]).command();
    let output = command.current_dir(env.path("work/a/b")).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "5s\n");
}
