//! Programs that a package manager installed are left to it.

use std::fs;

use super::{World, write_program};
use crate::support::feed::program;

/// Every verb that would change the program refuses, with the package manager's own command.
fn refuses(world: &World, path: &str, update: &str, remove: &str) {
    world.feed.release("9.9.9", &program("9.9.9"));
    write_program(&world.previous(), &program("0.0.9"));
    for (args, command) in [
        (&["self", "update"][..], update),
        (&["self", "update", "--dry-run"], update),
        (&["self", "rollback"], update),
        (&["self", "uninstall", "--yes"], remove),
    ] {
        let output = world.ctl(args).var("PATH", path).run();
        assert_eq!(output.code, Some(2), "{output}");
        assert!(output.stderr.contains("self-managed") && output.stderr.contains(command), "{command}: {output}");
    }
    assert!(world.feed.asked().is_empty());
    assert_eq!(world.names(), ["mesheryctl", "mesheryctl.previous"]);
    let check = world.ctl(&["self", "update", "--check", "-o", "name"]).var("PATH", path).ok();
    assert_eq!(check.stdout, "9.9.9\n", "asking is allowed");
    let status = world.ctl(&["self", "status", "-o", "json"]).var("PATH", path).ok().json();
    assert_eq!(status["update_with"], update);
}

#[test]
fn homebrew() {
    let world = World::at("home/homebrew/Cellar/mesheryctl/0.1.0/bin");
    refuses(&world, "/usr/bin:/bin", "brew upgrade mesheryctl", "brew uninstall mesheryctl");
}

#[test]
fn cargo() {
    let world = World::at("home/.cargo/bin");
    let list = "[v1]\n\"mesheryctl 0.1.0 (git+https://example.org/m.git#abc)\" = [\"mesheryctl\"]\n";
    world.env.write("home/.cargo/.crates.toml", list);
    let update = "cargo install --git https://example.org/m.git mesheryctl --locked --force";
    refuses(&world, "/usr/bin:/bin", update, "cargo uninstall mesheryctl");
}

/// A package manager of the system is asked; here a double of its query program answers.
fn asked(program: &str, answer: &str, update: &str, remove: &str) {
    let world = World::at("usr/bin");
    let tools = world.env.path("tools");
    fs::create_dir(&tools).unwrap();
    let own = world.program().display().to_string();
    let script = format!(
        "#!/bin/sh\nfor last; do :; done\n[ \"$last\" = {own} ] || exit 1\ncase $* in *-qf*|*-S*|*-Qqo*|*--who-owns*) ;; *) exit 2 ;; esac\n\
         echo \"{answer}\"\n"
    );
    write_program(&tools.join(program), &script.replace("$PATH", &own));
    // nothing else of this machine is to answer
    refuses(&world, &tools.display().to_string(), update, remove);
}

#[test]
fn dpkg() {
    let update = "sudo apt-get install --only-upgrade meshery-cli";
    asked("dpkg-query", "meshery-cli:amd64: /usr/bin/mesheryctl", update, "sudo apt-get remove meshery-cli");
}

#[test]
fn rpm() {
    asked("rpm", "meshery-cli", "sudo dnf upgrade meshery-cli", "sudo dnf remove meshery-cli");
}

#[test]
fn pacman() {
    asked("pacman", "meshery-cli", "sudo pacman -Syu", "sudo pacman -R meshery-cli");
}

#[test]
fn apk() {
    asked("apk", "$last is owned by mesheryctl-0.1.0-r0", "apk upgrade mesheryctl", "apk del mesheryctl");
}

#[test]
fn a_file_that_no_package_has_is_ours_to_change() {
    let world = World::at("usr/local/bin");
    let tools = world.env.path("tools");
    fs::create_dir(&tools).unwrap();
    for name in ["dpkg-query", "rpm", "pacman", "apk"] {
        write_program(&tools.join(name), "#!/bin/sh\necho not owned >&2\nexit 1\n");
    }
    world.feed.release("9.9.9", &program("9.9.9"));
    world.ctl(&["self", "update"]).var("PATH", format!("{}:/usr/bin:/bin", tools.display())).ok();
    assert_eq!(world.version(), "9.9.9");
}

#[test]
fn a_build_of_the_source_is_left_to_cargo() {
    let world = World::new();
    let output = world.ctl(&["self", "update"]).program(crate::support::ctl::PROGRAM).run();
    assert_eq!(output.code, Some(2), "{output}");
    assert!(output.stderr.contains("cargo build"), "{output}");
}
