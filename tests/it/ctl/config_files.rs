//! Files of every era load, and an edit keeps what it does not mean.

use std::fs;
use std::path::Path;

use insta::assert_snapshot;

use crate::support::env::Env;

fn fixture(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/config").join(name)).unwrap()
}

fn list(name: &str) -> String {
    let env = Env::with_config(&fixture(name));
    let output = env.ctl(["system", "context", "list", "-o", "wide"]).run();
    assert_eq!(env.read("home/.meshery/config.yaml"), fixture(name), "reading changed the file");
    output.to_string()
}

#[test]
fn files_of_every_era_load() {
    assert_snapshot!(list("2021-01.yaml"), @"
    exit: 0
    --- stdout
    NAME   CURRENT  PLATFORM  ENDPOINT               TOKEN    CHANNEL  VERSION  PROVIDER  COMPONENTS
    local  *        docker    http://localhost:9081  Default  stable   latest   -         meshery-istio,meshery-linkerd
    --- stderr
    ");
    assert_snapshot!(list("2021-07.yaml"), @"
    exit: 0
    --- stdout
    NAME   CURRENT  PLATFORM  ENDPOINT               TOKEN    CHANNEL  VERSION  PROVIDER  COMPONENTS
    local  *        docker    http://localhost:9081  Default  stable   latest   -         meshery-istio,meshery-linkerd,meshery-consul,meshery-nsm,meshery-kuma,meshery-cpx,meshery-osm,meshery-traefik-mesh
    --- stderr
    ");
    assert_snapshot!(list("2021-12.yaml"), @"
    exit: 0
    --- stdout
    NAME    CURRENT  PLATFORM    ENDPOINT                   TOKEN    CHANNEL  VERSION  PROVIDER  COMPONENTS
    local   *        kubernetes  http://192.168.49.2:31681  Default  edge     latest   Meshery   meshery-istio,meshery-app-mesh,meshery-nginx-sm
    docker  -        docker      http://localhost:9081      ci       stable   v0.5.72  -         -
    --- stderr
    ");
    assert_snapshot!(list("2023-03.yaml"), @"
    exit: 0
    --- stdout
    NAME   CURRENT  PLATFORM    ENDPOINT               TOKEN    CHANNEL  VERSION  PROVIDER  COMPONENTS
    local  *        kubernetes  http://localhost:9081  default  stable   v0.6.69  -         meshery-istio,meshery-cilium
    --- stderr
    ");
    assert_snapshot!(list("by-hand.yaml"), @"
    exit: 0
    --- stdout
    NAME       CURRENT  PLATFORM    ENDPOINT                        TOKEN    CHANNEL  VERSION  PROVIDER  COMPONENTS
    local      *        local       http://localhost:9081           default  stable   latest   -         -
    Prod.EU-1  -        kubernetes  https://meshery.eu.example.org  prod     stable   v0.6.69  -         meshery-istio,meshery-kuma:10007
    --- stderr
    ");
}

/// Every line of the old file is in the new one, in the same order.
fn assert_only_added(old: &str, new: &str) {
    let mut rest = new.lines();
    for line in old.lines() {
        assert!(rest.any(|other| other == line), "`{line}` is lost or moved:\n{new}");
    }
}

#[test]
fn files_of_every_era_are_edited_in_place() {
    for name in ["2021-07.yaml", "2021-12.yaml", "2023-03.yaml", "by-hand.yaml"] {
        let env = Env::with_config(&fixture(name));
        env.ctl(["system", "context", "create", "New.One"]).ok();
        env.ctl(["system", "token", "create", "extra"]).ok();
        assert_only_added(&fixture(name), &env.read("home/.meshery/config.yaml"));
        env.ctl(["system", "context", "delete", "New.One"]).ok();
        env.ctl(["system", "token", "delete", "extra"]).ok();
        assert_eq!(env.read("home/.meshery/config.yaml"), fixture(name), "{name} does not come back");
    }
}

#[test]
fn the_nested_token_of_january_2021_becomes_an_entry_when_tokens_are_edited() {
    let env = Env::with_config(&fixture("2021-01.yaml"));
    env.ctl(["system", "token", "create", "ci"]).ok();
    assert_snapshot!(env.read("home/.meshery/config.yaml"), @"
    contexts:
      local:
        endpoint: http://localhost:9081
        token:
          name: Default
          location: auth.json
        platform: docker
        adapters:
        - meshery-istio
        - meshery-linkerd
    current-context: local
    tokens:
    - name: Default
      location: auth.json
    - name: ci
      location: auth.json
    ");
}

#[test]
fn comments_and_unknown_keys_survive_every_kind_of_edit() {
    let env = Env::with_config(&fixture("by-hand.yaml"));
    env.ctl(["system", "context", "switch", "Prod.EU-1"]).ok();
    env.ctl(["system", "channel", "set", "edge", "-c", "local"]).ok();
    env.ctl(["system", "provider", "set", "None", "--force"]).ok();
    env.ctl(["system", "token", "set", "default", "-c", "Prod.EU-1"]).ok();
    assert_snapshot!(env.read("home/.meshery/config.yaml"), @r#"
    # Planes of the platform team. Ask in #platform before you change prod.
    contexts:
      # Everyone's own machine.
      local:
        endpoint: "http://localhost:9081"
        token: default
        platform: local
        channel: edge   # edge breaks on Mondays
        version: latest

      Prod.EU-1: # names may have capitals and dots
        endpoint: https://meshery.eu.example.org
        token: default
        platform: kubernetes
        components: [meshery-istio, meshery-kuma:10007]
        channel: stable
        version: v0.6.69
        owner: team-platform # a key of ours
        notes: |
          Two lines
          of notes.
        provider: None

    current-context: Prod.EU-1 # keep it local

    x-team: {oncall: platform}

    tokens:
      - name: default
        location: auth.json
      - name: prod
        location: ~/secrets/prod.json # not in git
    # The end.
    "#);
}

#[test]
fn a_style_that_cannot_be_edited_is_refused_and_kept() {
    let text = "contexts: {\n  a: {endpoint: 'http://localhost:9081'}, # why\n}\ncurrent-context: a\n";
    let env = Env::with_config(text);
    assert_snapshot!(env.ctl(["system", "context", "create", "b"]).run(), @"
    exit: 1
    --- stdout
    --- stderr
    error: $ROOT/home/.meshery/config.yaml cannot be edited without damage to it
    cause: `contexts` is written in a style that cannot be changed in place and has comments
    fix: Make the change by hand in an editor.
    see: mesheryctl explain config-edit
    ");
    assert_eq!(env.read("home/.meshery/config.yaml"), text);
}

#[test]
fn an_empty_file_counts_as_none() {
    let env = Env::with_config("");
    env.ctl(["system", "context", "create", "b"]).ok();
    assert_eq!(env.ctl(["system", "context", "list", "-o", "name"]).ok().stdout, "local\nb\n");
}

#[cfg(unix)]
#[test]
fn a_linked_config_file_stays_a_link() {
    let env = Env::new();
    let real = env.write("dotfiles/config.yaml", "# mine\n");
    fs::create_dir_all(env.path("home/.meshery")).unwrap();
    std::os::unix::fs::symlink(&real, env.config()).unwrap();
    env.ctl(["system", "context", "create", "b"]).ok();
    assert!(fs::symlink_metadata(env.config()).unwrap().is_symlink());
    assert!(fs::read_to_string(&real).unwrap().starts_with("# mine\n"));
}
