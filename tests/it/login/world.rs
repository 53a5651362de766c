//! A provider, a plane that offers it, and a browser.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use crate::support::ctl::Run;
use crate::support::env::Env;

const NOBODY: &str = "contexts:\n  local: {endpoint: 'http://localhost:9', platform: local}\ncurrent-context: local\n";

/// Both processes and their folder; stopped when dropped.
pub struct World {
    pub env: Env,
    provider: Child,
    address: String,
}

impl World {
    /// Starts both on free ports.
    pub fn start() -> Self {
        let env = Env::with_config(NOBODY);
        let run = env.ctl(["serve", "provider", "--port", "0"]);
        let mut provider =
            run.command().stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut said = String::new();
        let mut lines = BufReader::new(provider.stderr.take().unwrap());
        lines.read_line(&mut said).unwrap();
        let address = said.split(" serves at ").nth(1).unwrap_or_else(|| panic!("it said: {said}"));
        let address = address.split_whitespace().next().unwrap().to_owned();
        // What it says later is read, so that its pipe never fills.
        std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
        let world = Self { env, provider, address };
        world.start_plane();
        world
    }

    /// A run of the program in this world.
    pub fn ctl(&self, args: &[&str]) -> Run<'_> {
        self.env.ctl(args.iter().copied()).var("PROVIDER_BASE_URLS", &self.address)
    }

    fn start_plane(&self) {
        self.ctl(&["system", "start", "--port", "0"]).ok();
    }

    /// The plane once more, with nothing in its memory.
    pub fn restart_plane(&self) {
        self.ctl(&["system", "stop"]).ok();
        self.start_plane();
    }

    /// A user with a password.
    pub fn add_user(&self, name: &str, password: &str) {
        self.ctl(&["provider", "user", "add", name, "--password-stdin"]).stdin(format!("{password}\n")).ok();
    }

    /// A token for a user.
    pub fn token(&self, user: &str) -> String {
        let made = self.ctl(&["provider", "token", "create", user, "-o", "json"]).ok().json();
        made["token"].as_str().unwrap().to_owned()
    }

    /// The login page without an address to go back to.
    pub fn login_page(&self) -> String {
        format!("{}/login", self.address)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = self.ctl(&["system", "stop", "--force"]).run();
        let _ = self.provider.kill();
        let _ = self.provider.wait();
    }
}

/// What came back.
pub struct Reply {
    pub status: u16,
    pub location: Option<String>,
    pub body: String,
    cookie: Option<String>,
}

/// One request, on a runtime of its own: these tests wait for processes.
fn exchange(build: impl FnOnce(&reqwest::Client) -> reqwest::RequestBuilder) -> Reply {
    mesheryctl::base::tls::install();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        #[expect(clippy::disallowed_methods, reason = "a browser is none of the product's clients")]
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let response = build(&client).send().await.unwrap();
        let header = |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        let (location, cookie) = (header("location"), header("set-cookie"));
        Reply { status: response.status().as_u16(), location, cookie, body: response.text().await.unwrap() }
    })
}

/// Fetches an address.
pub fn get(url: &str) -> Reply {
    exchange(|client| client.get(url))
}

/// A browser that is on the login page: it keeps the cookie and the fields of the form.
pub struct Browser {
    page: String,
    cookie: String,
    hidden: Vec<(String, String)>,
}

impl Browser {
    /// Opens the page.
    pub fn open(page: &str) -> Self {
        let reply = get(page);
        assert_eq!(reply.status, 200, "{}", reply.body);
        let cookie = reply.cookie.unwrap().split(';').next().unwrap().to_owned();
        let hidden = reply.body.split("<input ").filter(|field| field.contains("type=\"hidden\""));
        let hidden = hidden.map(|field| (attribute(field, "name"), attribute(field, "value"))).collect();
        Self { page: page.split('?').next().unwrap().to_owned(), cookie, hidden }
    }

    /// Sends name and password.
    pub fn send(&self, name: &str, password: &str) -> Reply {
        self.post(&self.page, &[("name", name), ("password", password)])
    }

    /// Sends a new password with the one-time code.
    pub fn choose(&self, (name, code): (&str, &str), password: &str) -> Reply {
        let page = self.page.replace("/login", "/password");
        self.post(&page, &[("name", name), ("code", code), ("password", password), ("again", password)])
    }

    fn post(&self, page: &str, fields: &[(&str, &str)]) -> Reply {
        let hidden = self.hidden.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let form: Vec<(&str, &str)> = hidden.chain(fields.iter().copied()).collect();
        exchange(|client| client.post(page).header("cookie", &self.cookie).form(&form))
    }
}

fn attribute(field: &str, name: &str) -> String {
    let value = field.split(&format!("{name}=\"")).nth(1).unwrap().split('"').next().unwrap();
    value.replace("&amp;", "&").replace("&#x3D;", "=").replace("&#61;", "=").replace("&quot;", "\"")
}
