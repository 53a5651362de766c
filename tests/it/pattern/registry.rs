//! Artefacts in a registry.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::support::env::Env;
use crate::support::registry::Double;

const SHOP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/patterns/shop.yaml");

#[test]
fn a_pattern_is_pushed_and_pulled_byte_for_byte() {
    let (env, double) = (Env::new(), Double::start(false));
    let address = format!("oci://{}/team/shop:1.0", double.address);
    let pushed = env.ctl(["pattern", "export", "-f", SHOP, "--push", &address, "-o", "json"]).ok().json();
    let digest = pushed["digest"].as_str().unwrap();
    for source in [address.clone(), format!("oci://{}/team/shop@{digest}", double.address)] {
        let pulled = env.ctl(["pattern", "import", "-f", &source, "-q"]).ok();
        assert_eq!(pulled.stdout, std::fs::read_to_string(SHOP).unwrap());
    }
    let uploads = double.held.lock().unwrap().uploads;
    env.ctl(["pattern", "export", "-f", SHOP, "--push", &address]).ok();
    assert_eq!((uploads, double.held.lock().unwrap().uploads), (2, 2), "what is there already is not sent again");
    let missing = env.ctl(["pattern", "import", "-f", &address.replace(":1.0", ":2.0")]).run();
    assert!(missing.code == Some(5) && missing.stderr.contains("MANIFEST_UNKNOWN: said the double"), "{missing}");
    double.held.lock().unwrap().blobs.values_mut().for_each(|bytes| bytes.push(b' '));
    let damaged = env.ctl(["pattern", "import", "-f", &address]).run();
    assert!(damaged.code == Some(65) && damaged.stderr.contains("is damaged"), "{damaged}");
}

#[test]
fn credentials_are_those_of_docker_login() {
    let (env, double) = (Env::new(), Double::start(true));
    let address = format!("oci://{}/team/shop:1.0", double.address);
    let push = |env: &Env| env.ctl(["pattern", "export", "-f", SHOP, "--push", &address]).run();
    let none = push(&env);
    assert!(none.code == Some(4) && none.stderr.contains("has no credentials for it"), "{none}");
    let config = |password: &str| {
        let auth = STANDARD.encode(format!("me:{password}"));
        serde_json::json!({"auths": {double.address.clone(): {"auth": auth}}}).to_string()
    };
    env.write("home/.docker/config.json", config("wrong"));
    let wrong = push(&env);
    assert!(wrong.code == Some(4) && wrong.stderr.contains("user me may not do this"), "{wrong}");
    assert!(!wrong.stderr.contains("me:wrong") && !wrong.stderr.contains(&STANDARD.encode("me:wrong")), "{wrong}");
    env.write("home/.docker/config.json", config("right"));
    assert_eq!(push(&env).code, Some(0));
    let pulled = env.ctl(["pattern", "import", "-f", &address, "-q"]).ok();
    assert_eq!(pulled.stdout, std::fs::read_to_string(SHOP).unwrap());
}

#[test]
fn addresses_are_checked_before_anything_is_sent() {
    let env = Env::new();
    for address in ["oci://host", "oci://h/A:1", "oci://h/a:b c"] {
        let output = env.ctl(["pattern", "export", "-f", SHOP, "--push", address]).run();
        assert!(output.code == Some(2) && output.stderr.contains("is not the address of an artefact"), "{output}");
    }
    let nobody = env.ctl(["pattern", "import", "-f", "oci://127.0.0.1:1/a"]).run();
    assert!(nobody.code == Some(3) && nobody.stderr.contains("cannot be reached"), "{nobody}");
}
