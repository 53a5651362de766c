//! Logging in at a remote provider: the real `serve provider`, a real plane that offers it, and the browser played by HTTP.

mod world;

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use serde_json::Value;

use world::{Browser, World};

/// What the token file says, as provider and whether there is a token.
fn held(world: &World) -> (String, bool) {
    let file: Value = serde_json::from_str(&world.env.read("home/.meshery/auth.json")).unwrap();
    (file["meshery-provider"].as_str().unwrap().to_owned(), !file["token"].as_str().unwrap().is_empty())
}

#[test]
fn a_token_from_standard_input_logs_in_and_a_logout_revokes_it() {
    let world = World::start();
    world.add_user("ada", "correct horse battery");
    let token = world.token("ada");

    let login =
        world.ctl(&["system", "login", "--provider", "team", "--token-stdin", "-o", "json"]).stdin(token.clone());
    let login = login.ok();
    let view = login.json();
    assert_eq!((&view["provider"], &view["user"], &view["verified"]), (&"Team".into(), &"ada".into(), &true.into()));
    assert!(!login.to_string().contains(&token), "the token is not shown: {login}");
    assert_eq!(held(&world), ("Team".to_owned(), true));
    let who = world.ctl(&["system", "provider", "view", "-o", "json"]).ok();
    assert!(who.stdout.contains("ada"), "{who}");

    let logout = world.ctl(&["system", "logout", "-o", "json"]).ok().json();
    assert_eq!((&logout["loggedOut"], &logout["revoked"]), (&true.into(), &true.into()));
    assert_eq!(held(&world), ("None".to_owned(), true), "the plane's own token is back");
    let again = world.ctl(&["system", "login", "--provider", "Team", "--token-stdin"]).stdin(token).run();
    assert_eq!(again.code, Some(4), "a revoked token is refused: {again}");
    assert!(again.stderr.contains("mesheryctl system login"), "{again}");
    assert_eq!(held(&world), ("None".to_owned(), true), "a refused login changes nothing");
    let nobody = world.ctl(&["system", "logout", "-o", "json"]).ok().json();
    assert_eq!(nobody["loggedOut"], false);
}

#[test]
fn a_browser_login_comes_back_over_loopback() {
    let world = World::start();
    world.add_user("grace", "a compiler of words");
    let run = world.ctl(&["system", "login", "--provider", "Team", "--skip-browser", "-o", "json"]);
    let mut login = run.command().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = String::new();
    let mut stderr = BufReader::new(login.stderr.take().unwrap());
    stderr.read_line(&mut said).unwrap();
    let page = said.trim().split("Log in at Team: ").nth(1).unwrap_or_else(|| panic!("it said: {said}")).to_owned();

    let browser = Browser::open(&page);
    let wrong = browser.send("grace", "wrong");
    assert_eq!(wrong.status, 403, "{}", wrong.body);
    let right = browser.send("grace", "a compiler of words");
    assert_eq!(right.status, 303, "{}", right.body);
    let landed = world::get(&right.location.unwrap());
    assert!(landed.body.contains("You are logged in"), "{}", landed.body);

    let output = login.wait_with_output().unwrap();
    assert!(output.status.success());
    let view: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&view["user"], &view["verified"]), (&"grace".into(), &true.into()));
    assert_eq!(held(&world), ("Team".to_owned(), true));
}

#[test]
fn a_one_time_code_is_exchanged_for_a_password_of_ones_own() {
    let world = World::start();
    let made = world.ctl(&["provider", "user", "add", "edsger", "-o", "json"]).ok().json();
    let code = made["code"].as_str().unwrap_or_else(|| panic!("{made}"));
    let browser = Browser::open(&world.login_page());
    let choose = browser.send("edsger", code);
    assert!(choose.body.contains("name=\"again\""), "{}", choose.body);
    let chosen = browser.choose(("edsger", code), "goto considered");
    assert_eq!(chosen.status, 200, "without an address to go back to, the token is shown: {}", chosen.body);
    let spent = Browser::open(&world.login_page()).send("edsger", code);
    assert_eq!(spent.status, 403, "the code holds once: {}", spent.body);
    let by_password = Browser::open(&world.login_page()).send("edsger", "goto considered");
    assert_eq!(by_password.status, 200, "{}", by_password.body);
}

#[test]
fn expired_and_broken_tokens_get_one_clear_error_everywhere() {
    let world = World::start();
    world.add_user("ada", "correct horse battery");
    let token = world.token("ada");
    world.ctl(&["system", "login", "--provider", "Team", "--token-stdin"]).stdin(token).ok();
    let sessions = world.ctl(&["provider", "token", "list", "-o", "json"]).ok().json();
    let id = sessions.as_array().unwrap()[0]["id"].as_str().unwrap().to_owned();
    world.ctl(&["provider", "token", "revoke", &id]).ok();
    world.restart_plane();
    let mut words = Vec::new();
    for args in [&["pattern", "list"][..], &["operation", "list"], &["adapter", "list"]] {
        let refused = world.ctl(args).run();
        assert_eq!(refused.code, Some(4), "{args:?}: {refused}");
        assert!(refused.stdout.is_empty(), "{refused}");
        words.push(refused.stderr);
    }
    assert!(words.iter().all(|one| *one == words[0]), "{words:#?}");
    assert!(words[0].contains("mesheryctl system login --provider Team"), "{words:#?}");

    let broken = world.ctl(&["pattern", "list"]).var("MESHERY_TOKEN", "not a token").run();
    assert_eq!(broken.code, Some(4), "{broken}");
    assert!(broken.stderr.contains("MESHERY_TOKEN"), "it says where the token came from: {broken}");
}

#[test]
fn whoever_is_not_offered_is_named_with_what_is() {
    let world = World::start();
    let unknown = world.ctl(&["system", "login", "--provider", "Teem", "--skip-browser"]).run();
    assert_eq!(unknown.code, Some(5), "{unknown}");
    assert!(unknown.stderr.contains("Team"), "{unknown}");
    let undecided = world.ctl(&["system", "login"]).run();
    assert_eq!(undecided.code, Some(2), "no question without a terminal: {undecided}");
    assert!(undecided.stderr.contains("--provider"), "{undecided}");
}

#[test]
fn a_team_shares_one_plane() {
    let world = World::start();
    for (name, seen) in [("ada", 1), ("grace", 2)] {
        world.add_user(name, "correct horse battery");
        let token = world.token(name);
        world.ctl(&["system", "login", "--provider", "Team", "--token-stdin"]).stdin(token).ok();
        let file = world.env.write("work/p.yaml", format!("name: of-{name}\nservices: {{n: {{type: Namespace}}}}\n"));
        world.ctl(&["pattern", "import", "-f", file.to_str().unwrap(), "--save"]).ok();
        let listed = world.ctl(&["pattern", "list", "-o", "name"]).ok();
        assert_eq!(listed.stdout.lines().count(), seen, "{listed}");
    }
}
