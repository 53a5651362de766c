//! Patterns in folders.

use crate::support::env::Env;

fn world() -> Env {
    let env = Env::new();
    env.write(
        "work/mine/split.yaml",
        "#Description: Splits traffic between two versions\n#Pre-requisite: Istio\nname: split\nservices:\n  route: {type: VirtualService.Istio}\n",
    );
    env.write("work/mine/deep/map.yaml", "name: map\nservices:\n  m: {type: ConfigMap}\n");
    env.write("work/mine/other.yaml", "a: 1\n");
    env
}

#[test]
fn the_bundled_samples_and_folders_are_listed() {
    let env = world();
    let bundled = env.ctl(["pattern", "catalog", "list", "-o", "name"]).ok();
    assert!(bundled.stdout.lines().any(|name| name == "shop"), "{bundled}");
    let both = env.ctl(["pattern", "catalog", "list", "-o", "name"]).var("MESHERY_CATALOG", env.path("work/mine")).ok();
    assert!(both.stdout.starts_with("") && both.stdout.contains("split\n") && both.stdout.contains("shop\n"), "{both}");
    let own = env.ctl(["pattern", "catalog", "list", "--dir", "mine"]).ok();
    insta::assert_snapshot!(own, @r"
    exit: 0
    --- stdout
    NAME   CATEGORY            KINDS           FILE
    map    Deployment          ConfigMap       mine/deep/map.yaml
    split  Traffic Management  VirtualService  mine/split.yaml
    --- stderr
    ");
}

#[test]
fn every_word_is_searched_for() {
    let env = world();
    let found = env.ctl(["pattern", "search", "TRAFFIC", "virtual", "--dir", "mine", "-o", "json"]).ok().json();
    assert_eq!(found[0]["name"], "split");
    assert_eq!((found.as_array().unwrap().len(), &found[0]["prerequisite"]), (1, &"Istio".into()));
    let none = env.ctl(["pattern", "search", "nothing-like-it", "--dir", "mine"]).ok();
    assert_eq!((none.stdout.as_str(), none.stderr.as_str()), ("", "No patterns found.\n"));
}

#[test]
fn a_pattern_of_the_catalogue_is_shown_as_its_file() {
    let env = world();
    let shown = env.ctl(["pattern", "catalog", "view", "map", "--dir", "mine"]).ok();
    assert_eq!(shown.stdout, "name: map\nservices:\n  m: {type: ConfigMap}\n");
    let missing = env.ctl(["pattern", "catalog", "view", "mpa", "--dir", "mine"]).run();
    assert!(missing.code == Some(5) && missing.stderr.contains("did you mean map?"), "{missing}");
}
