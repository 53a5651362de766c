//! The program as its own image: `system image`.

mod real;

use std::collections::BTreeMap;
use std::io::Read;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::support::ctl::{PROGRAM, Run};
use crate::support::env::Env;
use crate::support::registry::{Double, digest};
use crate::support::tty::Piped;

/// A world with certificate authorities of its own: those of the machine are no business of a test.
struct World(Env);

impl World {
    fn new() -> Self {
        let env = Env::new();
        let key = rcgen::KeyPair::generate().unwrap();
        let authority = rcgen::CertificateParams::new(vec!["authority.test".to_owned()]).unwrap().self_signed(&key);
        env.write("ca.pem", authority.unwrap().pem());
        Self(env)
    }

    fn image(&self, args: &[&str]) -> Run<'_> {
        self.0
            .ctl(["system", "image"].into_iter().chain(args.iter().copied()))
            .var("SSL_CERT_FILE", self.0.path("ca.pem"))
    }

    fn bytes(&self, path: &str) -> Vec<u8> {
        std::fs::read(self.0.path(path)).unwrap()
    }
}

/// An entry of a tar: mode, owner, content.
struct Entry {
    mode: u32,
    owner: (u64, u64),
    bytes: Vec<u8>,
}

/// The entries of a tar, by path; none may tell when it was made.
fn entries(archive: &[u8]) -> BTreeMap<String, Entry> {
    let mut archive = tar::Archive::new(archive);
    let read = |entry: std::io::Result<tar::Entry<'_, &[u8]>>| {
        let mut entry = entry.unwrap();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        let header = entry.header();
        assert_eq!(header.mtime().unwrap(), 0);
        let owner = (header.uid().unwrap(), header.gid().unwrap());
        (entry.path().unwrap().display().to_string(), Entry { mode: header.mode().unwrap(), owner, bytes })
    };
    archive.entries().unwrap().map(read).collect()
}

fn json(files: &BTreeMap<String, Entry>, path: &str) -> Value {
    serde_json::from_slice(&files.get(path).unwrap_or_else(|| panic!("no {path}")).bytes).unwrap()
}

#[test]
fn an_archive_is_an_oci_layout_and_a_docker_archive_and_always_the_same() {
    let world = World::new();
    let saved = world.image(&["save", "-f", "one.tar", "-o", "json"]).ok().json();
    world.image(&["save", "-f", "two.tar"]).ok();
    let bytes = world.bytes("work/one.tar");
    assert!(bytes == world.bytes("work/two.tar"), "two archives of one program are the same");
    let piped = world.image(&["save", "-f", "-", "-q"]).command().output().unwrap();
    assert!(piped.stdout == bytes && piped.stderr.is_empty(), "standard output gets the same");

    let files = entries(&bytes);
    for (path, entry) in files.iter().filter(|(path, _)| path.starts_with("blobs/sha256/") && !path.ends_with('/')) {
        assert_eq!(format!("blobs/sha256/{}", &digest(&entry.bytes)[7..]), *path);
    }
    assert_eq!(json(&files, "oci-layout")["imageLayoutVersion"], "1.0.0");
    let docker = json(&files, "manifest.json");
    assert_eq!(docker[0]["RepoTags"][0], saved["reference"]);
    assert_eq!(docker[0]["Config"], saved["id"].as_str().unwrap().replace("sha256:", "blobs/sha256/"));
    let index = json(&files, "index.json");
    assert_eq!(index["manifests"][0]["digest"], saved["digest"]);
    let name = &index["manifests"][0]["annotations"]["io.containerd.image.name"];
    assert_eq!(*name, format!("docker.io/{}", saved["reference"].as_str().unwrap()));
    let manifest = json(&files, &saved["digest"].as_str().unwrap().replace("sha256:", "blobs/sha256/"));
    assert_eq!(
        manifest["layers"][0]["digest"].as_str().unwrap().replace("sha256:", "blobs/sha256/"),
        docker[0]["Layers"][0]
    );
}

#[test]
fn an_image_holds_the_program_what_it_needs_and_nothing_else_that_runs() {
    let world = World::new();
    world.image(&["save", "-f", "image.tar"]).ok();
    let files = entries(&world.bytes("work/image.tar"));
    let docker = json(&files, "manifest.json");
    let config = json(&files, docker[0]["Config"].as_str().unwrap());
    let run = &config["config"];
    assert_eq!((config["os"].as_str(), run["User"].as_str()), (Some("linux"), Some("65532:65532")));
    assert_eq!(run["Entrypoint"], serde_json::json!(["/usr/local/bin/mesheryctl"]));
    assert_eq!(run["Cmd"], serde_json::json!(["serve", "server", "--host", "0.0.0.0", "--port", "9081"]));
    assert_eq!(run["WorkingDir"], "/var/lib/meshery");
    assert!(run["ExposedPorts"]["9081/tcp"].is_object() && run["Volumes"]["/var/lib/meshery"].is_object());
    assert_eq!(run["Labels"]["org.opencontainers.image.version"], env!("CARGO_PKG_VERSION"));
    for variable in ["MESHERY_HOME=/var/lib/meshery", "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt"] {
        assert!(run["Env"].as_array().unwrap().contains(&variable.into()), "{variable}");
    }

    let layer = &files[docker[0]["Layers"][0].as_str().unwrap()].bytes;
    assert_eq!(config["rootfs"]["diff_ids"][0], digest(layer));
    let inside = entries(layer);
    assert!(inside["usr/local/bin/mesheryctl"].bytes == std::fs::read(PROGRAM).unwrap(), "the program as it is");
    assert!(inside["etc/ssl/certs/ca-certificates.crt"].bytes == world.bytes("ca.pem"));
    assert!(String::from_utf8_lossy(&inside["etc/passwd"].bytes).contains("meshery:x:65532:65532:"));
    assert_eq!((inside["tmp/"].mode, inside["tmp/"].owner), (0o1777, (0, 0)));
    assert_eq!((inside["var/lib/meshery/"].mode, inside["var/lib/meshery/"].owner), (0o700, (65532, 65532)));
    let runs = |path: &String| inside[path].mode & 0o111 != 0 && !path.ends_with('/');
    let others: Vec<&String> = inside.keys().filter(|path| runs(path) && *path != "usr/local/bin/mesheryctl").collect();
    let is_object = |path: &&String| path.rsplit('/').next().unwrap().contains(".so");
    assert!(others.iter().all(is_object), "{others:?}");
}

#[test]
fn what_is_built_is_shown_with_every_file() {
    let world = World::new();
    let built = world.image(&["build", "-o", "json"]).ok().json();
    let shown = world.image(&["build"]).ok();
    for field in ["reference", "id", "digest", "platform"] {
        assert!(shown.stdout.contains(built[field].as_str().unwrap()), "{field}: {shown}");
    }
    let digits = &built["id"].as_str().unwrap()[7..19];
    assert_eq!(built["reference"], format!("meshery/mesheryctl:{}-{digits}", env!("CARGO_PKG_VERSION")));
    let files = built["files"].as_array().unwrap();
    let sizes: u64 = files.iter().map(|file| file["size"].as_u64().unwrap()).sum();
    assert!(sizes < built["size"].as_u64().unwrap());
    let wide = world.image(&["build", "-o", "wide"]).ok();
    for path in ["/usr/local/bin/mesheryctl", "/etc/ssl/certs/ca-certificates.crt", "/etc/passwd", "/etc/nsswitch.conf"]
    {
        assert!(files.iter().any(|file| file["path"] == path) && wide.stdout.contains(path), "{path}: {wide}");
    }
    let named = world.image(&["build", "--tag", "a/b:c", "-o", "name"]).ok();
    assert_eq!(named.stdout, "a/b:c\n");
    let copy = world.0.path("work/copy");
    std::fs::copy(PROGRAM, &copy).unwrap();
    let other = world.image(&["build", "--program", "copy", "-o", "json"]).ok().json();
    assert_eq!(other["id"], built["id"], "the same program is the same image, whoever assembles it");
}

#[test]
fn a_push_sends_what_the_registry_lacks_and_digests_are_checked_there() {
    let (world, double) = (World::new(), Double::start(true));
    let address = format!("{}/team/shop:v1", double.address);
    let refused = world.image(&["push", &address]).run();
    assert!(refused.code == Some(4) && refused.stderr.contains("has no credentials for it"), "{refused}");
    let auth = STANDARD.encode("me:right");
    let login = serde_json::json!({"auths": {double.address.clone(): {"auth": auth}}});
    world.0.write("home/.docker/config.json", login.to_string());
    let pushed = world.image(&["push", &address, "-o", "json"]).ok();
    assert!(pushed.stderr.contains("pushed") && !pushed.stderr.contains(&auth), "{pushed}");
    let pushed = pushed.json();
    let manifest = pushed["digest"].as_str().unwrap();
    assert_eq!(pushed["reference"], address.as_str());
    assert!(double.held.lock().unwrap().manifests.contains_key(manifest));
    let again = world.image(&["push", &format!("oci://{address}"), "-o", "name"]).ok();
    assert_eq!(again.stdout, format!("{address}@{manifest}\n"));
    assert_eq!(double.held.lock().unwrap().uploads, 2, "config and layer were sent once");
    let built = world.image(&["build", "-o", "json"]).ok().json();
    assert_eq!((&built["digest"], &built["id"]), (&pushed["digest"], &pushed["id"]));

    let to_digest = world.image(&["push", &format!("{}/team/shop@{manifest}", double.address)]).run();
    assert!(to_digest.code == Some(2) && to_digest.stderr.contains("Give it a tag"), "{to_digest}");
    double.held.lock().unwrap().lies = true;
    let other = world.image(&["push", &address]).run();
    assert!(other.code == Some(3) && other.stderr.contains("says that it took sha256:"), "{other}");
}

#[test]
fn what_cannot_be_an_image_is_refused_with_the_next_step() {
    let world = World::new();
    for (content, what) in [("#!/bin/sh\n", "a script"), ("MZ", "a program of Windows"), ("", "some other file")] {
        world.0.write("work/other", content);
        let refused = world.image(&["build", "--program", "other"]).run();
        assert!(refused.code == Some(1) && refused.stderr.contains(what), "{refused}");
        assert!(refused.stderr.contains("--program") && refused.stderr.contains("image-impossible"), "{refused}");
    }
    let shell = world.image(&["build", "--program", "/bin/sh"]).run();
    assert!(shell.code == Some(1) && shell.stderr.contains("no mesheryctl"), "{shell}");
    let missing = world.image(&["save", "-f", "x.tar", "--program", "nope"]).run();
    assert_eq!(missing.code, Some(5), "{missing}");
    for authorities in ["/nowhere/ca.pem", PROGRAM] {
        let refused = world.image(&["build"]).var("SSL_CERT_FILE", authorities).run();
        assert!(refused.code == Some(1) && refused.stderr.contains("SSL_CERT_FILE"), "{refused}");
        assert!(refused.stderr.contains("needs certificate authorities"), "{refused}");
    }
    for name in ["A/b", "a//b", "a:-", "a@sha256:00"] {
        let refused = world.image(&["build", "--tag", name]).run();
        assert!(refused.code == Some(2) && refused.stderr.contains(name), "{refused}");
    }
    let dead = world.image(&["push", "127.0.0.1:1/a/b:c"]).run();
    assert!(dead.code == Some(3) && dead.stderr.contains("cannot be reached"), "{dead}");
    assert_eq!(world.image(&["push", "nohost"]).run().code, Some(2));
}

#[test]
fn an_archive_is_written_as_a_whole_and_never_to_a_terminal() {
    let world = World::new();
    let nowhere = world.image(&["save", "-f", "none/x.tar"]).run();
    assert!(nowhere.code == Some(1) && nowhere.stderr.contains("none/x.tar cannot be written"), "{nowhere}");
    let screen = world.image(&["save", "-f", "-"]).on_terminal(Piped::default(), &[]);
    assert!(screen.code == Some(2) && screen.text.contains("does not go to a terminal"), "{}", screen.text);

    world.0.write("work/real.tar", "old");
    std::os::unix::fs::symlink("real.tar", world.0.path("work/link.tar")).unwrap();
    let saved = world.image(&["save", "-f", "link.tar"]).ok();
    assert!(saved.stdout.ends_with("written to link.tar\n"), "{saved}");
    assert!(std::fs::symlink_metadata(world.0.path("work/link.tar")).unwrap().is_symlink(), "links stay links");
    let whole = world.bytes("work/real.tar");
    assert!(entries(&whole).contains_key("index.json"));
    let names: Vec<String> = world.0.files().into_iter().filter(|file| file.starts_with("work/")).collect();
    assert_eq!(names, ["work/link.tar", "work/real.tar"], "and nothing half-written is left");

    let pipe = world.0.path("work/pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let reader = std::thread::spawn({
        let pipe = pipe.clone();
        move || std::fs::read(pipe).unwrap()
    });
    world.image(&["save", "-f", "pipe"]).ok();
    assert!(reader.join().unwrap() == whole, "a pipe is written to, not replaced");
}

#[test]
fn a_reader_that_has_enough_is_no_failure() {
    let world = World::new();
    let mut command = world.image(&["save", "-f", "-", "-q"]).command();
    let mut child = command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    let mut first = [0; 512];
    child.stdout.take().unwrap().read_exact(&mut first).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
}
