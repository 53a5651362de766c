//! The program as its own image: `system image`.

use std::io::Read;
use std::process::Command;

use serde_json::Value;

use crate::support::ctl::PROGRAM;
use crate::support::env::Env;
use crate::support::registry::{Double, digest};

/// The files of an archive, by path.
fn entries(archive: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut archive = tar::Archive::new(archive);
    let read = |entry: std::io::Result<tar::Entry<'_, &[u8]>>| {
        let mut entry = entry.unwrap();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        (entry.path().unwrap().display().to_string(), bytes)
    };
    archive.entries().unwrap().map(read).collect()
}

fn json(files: &[(String, Vec<u8>)], path: &str) -> Value {
    let (_, bytes) = files.iter().find(|(name, _)| name == path).unwrap_or_else(|| panic!("no {path}"));
    serde_json::from_slice(bytes).unwrap()
}

#[test]
fn an_archive_is_an_oci_layout_and_a_docker_archive_and_always_the_same() {
    let env = Env::new();
    let saved = env.ctl(["system", "image", "save", "-f", "one.tar", "-o", "json"]).ok().json();
    env.ctl(["system", "image", "save", "-f", "two.tar"]).ok();
    let bytes = std::fs::read(env.path("work/one.tar")).unwrap();
    assert!(bytes == std::fs::read(env.path("work/two.tar")).unwrap(), "two archives of one program are the same");
    let piped =
        Command::new(PROGRAM).args(["system", "image", "save", "-f", "-", "-q"]).env("HOME", env.path("home")).output();
    assert!(piped.unwrap().stdout == bytes, "standard output gets the same");

    let files = entries(&bytes);
    for (path, content) in files.iter().filter(|(path, _)| path.starts_with("blobs/sha256/") && !path.ends_with('/')) {
        assert_eq!(format!("blobs/sha256/{}", &digest(content)[7..]), *path);
    }
    let docker = json(&files, "manifest.json");
    assert_eq!(docker[0]["RepoTags"][0], saved["reference"]);
    let config = json(&files, docker[0]["Config"].as_str().unwrap());
    assert_eq!(digest(&serde_json::to_vec(&config).unwrap()), saved["id"].as_str().unwrap());
    assert_eq!(config["config"]["User"], "65532:65532");
    let index = json(&files, "index.json");
    assert_eq!(index["manifests"][0]["digest"], saved["digest"]);

    let layer = files.iter().find(|(path, _)| *path == docker[0]["Layers"][0]).unwrap();
    let inside = entries(&layer.1);
    let program = inside.iter().find(|(path, _)| path == "usr/local/bin/mesheryctl").unwrap();
    assert!(program.1 == std::fs::read(PROGRAM).unwrap(), "the program is in it as it is");
    let shells: Vec<_> =
        inside.iter().filter(|(path, _)| path.contains("bin/") && path != "usr/local/bin/mesheryctl").collect();
    assert!(shells.iter().all(|(path, _)| path.ends_with('/')), "and nothing else that runs");
}

#[test]
fn what_is_built_is_shown_with_every_file() {
    let env = Env::new();
    let built = env.ctl(["system", "image", "build", "-o", "json"]).ok().json();
    let again = env.ctl(["system", "image", "build"]).ok();
    assert!(again.stdout.contains(built["reference"].as_str().unwrap()), "{again}");
    let paths: Vec<&str> =
        built["files"].as_array().unwrap().iter().map(|file| file["path"].as_str().unwrap()).collect();
    for wanted in ["/usr/local/bin/mesheryctl", "/etc/ssl/certs/ca-certificates.crt", "/etc/passwd"] {
        assert!(paths.contains(&wanted), "{paths:?}");
    }
    let wide = env.ctl(["system", "image", "build", "-o", "wide"]).ok();
    assert!(wide.stdout.contains("/etc/nsswitch.conf"), "{wide}");
    let named = env.ctl(["system", "image", "build", "--tag", "a/b:c", "-o", "name"]).ok();
    assert_eq!(named.stdout, "a/b:c\n");
}

#[test]
fn a_push_sends_what_the_registry_lacks_and_digests_are_checked_there() {
    let (env, double) = (Env::new(), Double::start(false));
    let address = format!("{}/team/shop:v1", double.address);
    let pushed = env.ctl(["system", "image", "push", &address, "-o", "json"]).ok();
    let digest = pushed.json()["digest"].as_str().unwrap().to_owned();
    assert!(double.held.lock().unwrap().manifests.contains_key(&digest), "{pushed}");
    env.ctl(["system", "image", "push", &address]).ok();
    assert_eq!(double.held.lock().unwrap().uploads, 2, "config and layer were sent once");
    let built = env.ctl(["system", "image", "build", "-o", "json"]).ok().json();
    assert_eq!(built["digest"], digest.as_str());
}

#[test]
fn what_cannot_be_an_image_is_refused_with_the_next_step() {
    let env = Env::new();
    let script = env.write("work/script", "#!/bin/sh\n");
    let refused = env.ctl(["system", "image", "build", "--program", script.to_str().unwrap()]).run();
    assert!(refused.code == Some(1) && refused.stderr.contains("no 64-bit Linux program"), "{refused}");
    assert!(refused.stderr.contains("--program"), "{refused}");
    let missing = env.ctl(["system", "image", "save", "-f", "x.tar", "--program", "nope"]).run();
    assert_eq!(missing.code, Some(5), "{missing}");
    let closed = env.ctl(["system", "image", "save", "-f", "none/x.tar"]).run();
    assert!(closed.code == Some(1) && closed.stderr.contains("none/x.tar"), "{closed}");
    assert!(env.files().iter().all(|file| !file.contains(".mesheryctl-image")), "nothing half-written is left");
    let name = env.ctl(["system", "image", "build", "--tag", "A/b"]).run();
    assert_eq!(name.code, Some(2), "{name}");
    let dead = env.ctl(["system", "image", "push", "127.0.0.1:1/a/b:c"]).run();
    assert!(dead.code == Some(3) && dead.stderr.contains("registry-failed"), "{dead}");
}
