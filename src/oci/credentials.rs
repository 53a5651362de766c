//! Credentials of registries, as `docker login` leaves them: in config.json, or with a helper program it names.

use std::path::PathBuf;
use std::process::Stdio;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::base::error::{Code, Error, Result};
use crate::base::{dirs, env};

/// Who asks.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// User; `<token>` when the password is an identity token.
    pub user: String,
    /// Password or token.
    pub password: String,
}

/// The file that `docker login` writes.
fn file() -> Option<PathBuf> {
    let folder = env::get(env::DOCKER_CONFIG).map(PathBuf::from);
    Some(folder.or_else(|| Some(dirs::user_home()?.join(".docker")))?.join("config.json"))
}

/// The credentials for a host, where there are some.
///
/// # Errors
/// [`Code::RegistryRefused`] when the file cannot be read or a helper fails; without a file there are none.
pub async fn find(host: &str) -> Result<Option<Credentials>> {
    let Some(path) = file() else { return Ok(None) };
    let Some(text) = dirs::read_optional(&path)? else { return Ok(None) };
    let config: Value = serde_json::from_str(&text)
        .map_err(|error| Error::new(Code::RegistryRefused, format!("{} is not JSON", path.display())).because(error))?;
    let keys = names(host);
    let helper = keys.iter().find_map(|key| config["credHelpers"][key].as_str()).or(config["credsStore"].as_str());
    if let Some(helper) = helper.filter(|helper| !helper.is_empty())
        && let Some(found) = ask(helper, &keys[0]).await?
    {
        return Ok(Some(found));
    }
    Ok(keys.iter().find_map(|key| of_entry(&config["auths"][key])))
}

/// What config.json may call a host.
fn names(host: &str) -> Vec<String> {
    if host == "docker.io" {
        return ["https://index.docker.io/v1/", "index.docker.io", "docker.io"].map(str::to_owned).into();
    }
    vec![host.to_owned(), format!("https://{host}"), format!("https://{host}/v2/"), format!("http://{host}")]
}

fn of_entry(entry: &Value) -> Option<Credentials> {
    if let Some(token) = entry["identitytoken"].as_str().filter(|token| !token.is_empty()) {
        return Some(Credentials { user: "<token>".to_owned(), password: token.to_owned() });
    }
    if let Some(encoded) = entry["auth"].as_str() {
        let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
        let (user, password) = decoded.split_once(':')?;
        return Some(Credentials { user: user.to_owned(), password: password.trim_end_matches('\0').to_owned() });
    }
    let text = |key: &str| entry[key].as_str().map(str::to_owned);
    Some(Credentials { user: text("username")?, password: text("password")? })
}

/// Asks `docker-credential-HELPER`; a host it does not know has no credentials.
async fn ask(helper: &str, host: &str) -> Result<Option<Credentials>> {
    let program = format!("docker-credential-{helper}");
    let failed = |cause: String| {
        Error::new(Code::RegistryRefused, format!("`{program}` gave no credentials for {host}")).because(cause)
    };
    let child = Command::new(&program)
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn();
    let mut child = child.map_err(|error| failed(error.to_string()))?;
    if let Some(mut stdin) = child.stdin.take() {
        // A helper that does not read its input tells why when it ends.
        let _ = stdin.write_all(host.as_bytes()).await;
    }
    let output = child.wait_with_output().await.map_err(|error| failed(error.to_string()))?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        let unknown = said.contains("not found") || said.contains("no credentials");
        return if unknown { Ok(None) } else { Err(failed(said.trim().to_owned())) };
    }
    let reply: Value = serde_json::from_str(&said).map_err(|error| failed(error.to_string()))?;
    let text = |key: &str| reply[key].as_str().unwrap_or_default().to_owned();
    Ok(Some(Credentials { user: text("Username"), password: text("Secret") }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_form_of_an_entry_is_read() {
        let read = |entry: Value| of_entry(&entry).map(|found| (found.user, found.password));
        let pair = |user: &str, password: &str| Some((user.to_owned(), password.to_owned()));
        assert_eq!(read(json!({"auth": STANDARD.encode("me:a:b")})), pair("me", "a:b"));
        assert_eq!(read(json!({"identitytoken": "t", "auth": ""})), pair("<token>", "t"));
        assert_eq!(read(json!({"username": "u", "password": "p"})), pair("u", "p"));
        assert_eq!(read(json!({"auth": "!"})), None);
        assert_eq!(read(Value::Null), None);
        assert_eq!(names("docker.io")[0], "https://index.docker.io/v1/");
    }
}
