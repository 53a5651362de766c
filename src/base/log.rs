//! The program's own log. It goes to stderr; a command is silent unless asked, a role tells what it does.

use tracing_subscriber::EnvFilter;

use super::env;

/// Starts logging: `MESHERY_LOG` decides, else `fallback` (`off` for a command, `debug` with --verbose).
pub fn start(fallback: &str) {
    // The Kubernetes client logs every refused call as an error of its own; callers report those with their cause.
    let fallback = &format!("{fallback},kube_client=off");
    let filter = env::get(env::MESHERY_LOG).unwrap_or_else(|| fallback.clone());
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new(fallback));
    // An error means that a subscriber is set already, as in tests.
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(false).try_init();
}
