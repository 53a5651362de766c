//! The committed protobuf code is what its `.proto` files give.

use std::path::Path;

use mesheryctl::base::env;

/// The `.proto` file, the package whose name its code gets, and the committed file.
const FILES: &[(&str, &str, &str)] = &[
    ("meshops.proto", "meshes.rs", "meshops.rs"),
    ("health.proto", "grpc.health.v1.rs", "health.rs"),
    ("smp.proto", "smp.rs", "smp.rs"),
];

/// Messages that carry kubeconfigs: without `Debug`, so that none can get into a log.
const SECRET: &[&str] = &[
    ".meshes.CreateMeshInstanceRequest",
    ".meshes.ApplyRuleRequest",
    ".meshes.ProcessOAMRequest",
    ".meshes.ProvisionRequest",
];

/// `MESHERY_WRITE_DOCS=1 cargo test --test it proto` writes the files anew.
#[test]
fn the_committed_code_is_the_one_the_proto_files_give() {
    let wire = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/wire");
    for (proto, made, committed) in FILES {
        let out = tempfile::tempdir().unwrap();
        let descriptors = protox::compile([proto], [&wire]).unwrap();
        tonic_prost_build::configure()
            .emit_rerun_if_changed(false)
            .skip_debug(SECRET)
            .btree_map(".smp")
            .out_dir(out.path())
            .compile_fds(descriptors)
            .unwrap();
        let made = std::fs::read_to_string(out.path().join(made)).unwrap();
        let committed = wire.join(committed);
        if env::is_set("MESHERY_WRITE_DOCS") {
            std::fs::write(&committed, &made).unwrap();
        }
        assert!(
            std::fs::read_to_string(&committed).unwrap() == made,
            "{} is not up to date: MESHERY_WRITE_DOCS=1 cargo test --test it proto",
            committed.display()
        );
    }
}
