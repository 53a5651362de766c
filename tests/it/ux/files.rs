//! The config file under stress.

use std::fs;
use std::process::Stdio;
use std::time::Duration;

use insta::assert_snapshot;
use mesheryctl::ctl::config::Config;

use crate::support::env::Env;

#[test]
fn row_55_a_bad_config_names_file_line_and_column() {
    let env = Env::with_config("contexts:\n  local:\n    platform: docker\n   endpoint: x\n");
    assert_snapshot!(env.ctl(["system", "context", "list"]).run(), @"
    exit: 65
    --- stdout
    --- stderr
    error: $ROOT/home/.meshery/config.yaml:4:4: did not find expected key
    fix: Correct the file at that place, or move it away; without one, the context `local` is used.
    see: mesheryctl explain config-parse
    ");
    let env = Env::with_config("contexts:\n  local:\n    endpoint: http://localhost:9081\n    platform: mars\n");
    assert_snapshot!(env.ctl(["system", "context", "list"]).run(), @"
    exit: 65
    --- stdout
    --- stderr
    error: $ROOT/home/.meshery/config.yaml:4:15: contexts.local.platform: platform `mars` is not one of local, docker, kubernetes
    fix: Correct the file at that place, or move it away; without one, the context `local` is used.
    see: mesheryctl explain config-parse
    ");
    assert_snapshot!(env.ctl(["system", "context", "create", "x"]).run(), @"
    exit: 65
    --- stdout
    --- stderr
    error: $ROOT/home/.meshery/config.yaml:4:15: contexts.local.platform: platform `mars` is not one of local, docker, kubernetes
    fix: Correct the file at that place, or move it away; without one, the context `local` is used.
    see: mesheryctl explain config-parse
    ");
    let env = Env::with_config("contexts:\n- local\n");
    assert_snapshot!(env.ctl(["version"]).run(), @"
    exit: 65
    --- stdout
    --- stderr
    error: $ROOT/home/.meshery/config.yaml:2:1: contexts: invalid type: sequence, expected a mapping of names to contexts
    fix: Correct the file at that place, or move it away; without one, the context `local` is used.
    see: mesheryctl explain config-parse
    ");
}

#[test]
fn row_56_reading_never_writes() {
    let env = Env::new();
    for args in [
        &["version"][..],
        &["config", "view"],
        &["system", "context", "list"],
        &["system", "context", "view", "nope"],
        &["system", "context", "delete", "nope"],
        &["system", "token", "view"],
        &["system", "provider", "view"],
        &["explain"],
    ] {
        let _ = env.ctl(args.iter().copied()).run();
        assert!(env.files().is_empty(), "{args:?} wrote {:?}", env.files());
        assert!(!env.path("home/.meshery").exists(), "{args:?} made a folder");
    }
}

#[test]
fn row_57_xdg_is_used_where_its_file_exists_and_the_old_one_does_not() {
    let env = Env::new();
    env.write("xdg/meshery/config.yaml", "contexts: {from-xdg: {}}\ncurrent-context: from-xdg\n");
    let names = || {
        let run = env.ctl(["system", "context", "list", "-o", "name"]).var("XDG_CONFIG_HOME", env.path("xdg"));
        run.ok().stdout
    };
    assert_eq!(names(), "from-xdg\n");
    env.write("home/.meshery/config.yaml", "contexts: {old: {}}\ncurrent-context: old\n");
    assert_eq!(names(), "old\n");
    let env = Env::new();
    env.ctl(["system", "context", "create", "a"]).var("XDG_CONFIG_HOME", env.path("xdg")).ok();
    assert!(env.config().exists(), "a new file goes to the usual place");
}

#[cfg(unix)]
#[test]
fn row_58_folder_and_file_are_private() {
    use std::os::unix::fs::PermissionsExt;
    let env = Env::with_contexts();
    let mode = |path: &str| fs::metadata(env.path(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("home/.meshery"), 0o700);
    assert_eq!(mode("home/.meshery/config.yaml"), 0o600);
}

#[test]
fn row_59_fifty_parallel_writers_lose_nothing() {
    let env = Env::new();
    let children: Vec<_> = (0..50)
        .map(|number| {
            let mut command = env.ctl(["system", "context", "create", &format!("c{number}")]).command();
            command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap()
        })
        .collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let config = Config::load(&env.config()).unwrap();
    assert_eq!(config.contexts.len(), 51, "`local` and fifty more");
    assert!((0..50).all(|number| config.find(&format!("c{number}")).is_ok()));
}

#[test]
fn row_60_killed_writers_leave_a_file_that_parses() {
    let env = Env::with_contexts();
    let mut done = 0;
    for round in 0..60_u64 {
        let mut command = env.ctl(["system", "context", "create", &format!("k{round}")]).command();
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_micros(500 * round));
        let _ = child.kill();
        done += u32::from(child.wait().unwrap().success());
        let config = Config::load(&env.config()).unwrap();
        assert!(config.find("staging").is_ok() && config.find("prod").is_ok(), "round {round}");
    }
    let count = Config::load(&env.config()).unwrap().contexts.len();
    assert!(count >= 3 + done as usize, "an acknowledged context is lost: {count}, {done}");
    assert!(done < 60, "no writer was killed");
    env.ctl(["system", "context", "create", "after"]).ok();
}

#[test]
fn row_83_without_home_reading_works() {
    let env = Env::new();
    let missing = env.path("no/such/home");
    for args in [&["version"][..], &["system", "context", "list"], &["config", "view"], &["explain"]] {
        env.ctl(args.iter().copied()).var("HOME", &missing).ok();
    }
    assert!(!missing.exists());
}

/// As in a container that runs under a random user: no HOME, no entry in /etc/passwd, nothing writable.
#[cfg(unix)]
#[test]
fn row_83_a_user_without_passwd_entry_can_read() {
    use std::os::unix::process::CommandExt;
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let env = Env::new();
    let program = env.path("mesheryctl");
    fs::copy(crate::support::ctl::PROGRAM, &program).unwrap();
    let open = |path: &std::path::Path| {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    };
    open(env.root());
    open(&program);
    for args in [&["version"][..], &["system", "context", "list"], &["config", "view"]] {
        let mut command = std::process::Command::new(&program);
        command.args(args).env_clear().current_dir("/").uid(54_321).gid(54_321);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    let mut command = std::process::Command::new(&program);
    command.args(["system", "context", "create", "x"]).env_clear().current_dir("/").uid(54_321).gid(54_321);
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stderr).contains("MESHERY_HOME"));
}
