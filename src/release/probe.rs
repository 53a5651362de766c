//! A program is run once, to hear which version it is and that it runs here at all.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::process::Command;

use crate::base::{Code, Error, Result, env};

/// How long a program may take to say its version.
const LIMIT: Duration = Duration::from_secs(10);

/// The version a program reports, asked as `version --client -o json`.
///
/// # Errors
/// [`Code::ReleaseBroken`] when it cannot be run, fails, is too slow, or says something else.
pub async fn version_of(program: &Path) -> Result<String> {
    let broken = |reason: String| {
        Error::new(Code::ReleaseBroken, format!("{} does not run here", program.display())).because(reason)
    };
    let run = Command::new(program)
        .args(["version", "--client", "-o", "json"])
        .env(env::MESHERY_NO_UPDATE_CHECK, "1")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(LIMIT, run)
        .await
        .map_err(|_| broken(format!("it said nothing within {} s", LIMIT.as_secs())))?
        .map_err(|error| broken(error.to_string()))?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr);
        let last = words.lines().last().map(|line| format!(": {line}")).unwrap_or_default();
        return Err(broken(format!("it ended with {}{last}", output.status)));
    }
    let value: Option<Value> = serde_json::from_slice(&output.stdout).ok();
    let version = value.as_ref().and_then(|value| value["client"]["build"].as_str());
    version.map(str::to_owned).ok_or_else(|| broken("it does not say its version".to_owned()))
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    async fn said(script: &str) -> Result<String> {
        let dir = tempfile::tempdir().unwrap();
        let program = dir.path().join("program");
        std::fs::write(&program, script).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        // another thread of the tests may hold the file open for writing in a child it is just starting
        loop {
            match version_of(&program).await {
                Err(error) if error.to_string().contains("Text file busy") => tokio::task::yield_now().await,
                other => return other,
            }
        }
    }

    #[tokio::test]
    async fn a_program_says_its_version_or_why_not() {
        let good = "#!/bin/sh\n[ \"$*\" = 'version --client -o json' ] && echo '{\"client\":{\"build\":\"9.9.9\"}}'\n";
        assert_eq!(said(good).await.unwrap(), "9.9.9");
        for (script, part) in [
            ("#!/bin/sh\necho no such library >&2\nexit 127\n", "no such library"),
            ("#!/bin/sh\necho 9.9.9\n", "does not say its version"),
            ("\x7fELF but of another machine", ""),
        ] {
            let error = said(script).await.unwrap_err();
            assert_eq!(error.code(), Code::ReleaseBroken);
            assert!(error.to_string().contains(part), "{error}");
        }
    }
}
