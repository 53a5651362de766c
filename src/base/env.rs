//! Every environment variable the program reads, documented in one table. Nothing else calls `std::env::var`.
//!
//! Flags have a variable each as well: `MESHERY_` and the flag's long name in capitals; the exceptions stand here.

/// A documented environment variable.
#[derive(Debug, Clone, Copy)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// What it means and which values it takes.
    pub meaning: &'static str,
}

/// Folder that holds config.yaml, auth.json and data.
pub const MESHERY_HOME: &str = "MESHERY_HOME";
/// Path of config.yaml.
pub const MESHERY_CONFIG: &str = "MESHERY_CONFIG";
/// Name of the context for this shell.
pub const MESHERY_CONTEXT: &str = "MESHERY_CONTEXT";
/// The server's token itself.
pub const MESHERY_TOKEN: &str = "MESHERY_TOKEN";
/// Path of a token file.
pub const MESHERY_TOKEN_FILE: &str = "MESHERY_TOKEN_FILE";
/// Log filter of the program itself.
pub const MESHERY_LOG: &str = "MESHERY_LOG";
/// Hosts that imports of patterns may be read from.
pub const MESHERY_IMPORT_ALLOW: &str = "MESHERY_IMPORT_ALLOW";
/// Raises an internal fault on purpose, to try how one is reported.
pub const MESHERY_PROTECTED_CONTEXTS: &str = "MESHERY_PROTECTED_CONTEXTS";
/// Raises a fault on purpose.
pub const MESHERY_DEBUG_PANIC: &str = "MESHERY_DEBUG_PANIC";
/// Folders of the pattern catalogue.
pub const MESHERY_CATALOG: &str = "MESHERY_CATALOG";
/// Adapters that a server knows from its start.
pub const ADAPTER_URLS: &str = "ADAPTER_URLS";
/// The step summary of a GitHub workflow.
pub const GITHUB_STEP_SUMMARY: &str = "GITHUB_STEP_SUMMARY";
/// The program fortio.
pub const MESHERY_FORTIO: &str = "MESHERY_FORTIO";
/// The program wrk.
pub const MESHERY_WRK: &str = "MESHERY_WRK";
/// The program wrk2.
pub const MESHERY_WRK2: &str = "MESHERY_WRK2";
/// The program nighthawk_service.
pub const MESHERY_NIGHTHAWK: &str = "MESHERY_NIGHTHAWK";
/// The secret that a controller and its workers share.
pub const MESHERY_WORKER_TOKEN: &str = "MESHERY_WORKER_TOKEN";
/// Workers that callers of other machines may name.
pub const MESHERY_WORKERS: &str = "MESHERY_WORKERS";
/// Release feed, instead of the built-in one.
pub const MESHERY_RELEASES_URL: &str = "MESHERY_RELEASES_URL";
/// Public key that signs the releases of that feed.
pub const MESHERY_RELEASES_KEY: &str = "MESHERY_RELEASES_KEY";
/// Allows the daily look for a newer release.
pub const MESHERY_UPDATE_CHECK: &str = "MESHERY_UPDATE_CHECK";
/// Forbids it.
pub const MESHERY_NO_UPDATE_CHECK: &str = "MESHERY_NO_UPDATE_CHECK";
/// Folders of programs.
pub const PATH: &str = "PATH";
/// Folder of cargo, which installs programs in its `bin`.
pub const CARGO_HOME: &str = "CARGO_HOME";
/// Folder of docker's config.json, which holds the credentials of registries.
pub const DOCKER_CONFIG: &str = "DOCKER_CONFIG";
/// Address of the Docker engine.
pub const DOCKER_HOST: &str = "DOCKER_HOST";
/// One of docker's contexts.
pub const DOCKER_CONTEXT: &str = "DOCKER_CONTEXT";
/// Whether an engine at tcp:// speaks TLS.
pub const DOCKER_TLS_VERIFY: &str = "DOCKER_TLS_VERIFY";
/// Folder of the certificates for an engine with TLS.
pub const DOCKER_CERT_PATH: &str = "DOCKER_CERT_PATH";
/// PEM file with certificate authorities.
pub const SSL_CERT_FILE: &str = "SSL_CERT_FILE";
/// Addresses of remote providers that the server offers.
pub const PROVIDER_BASE_URLS: &str = "PROVIDER_BASE_URLS";
/// The one provider that the server offers.
pub const PROVIDER: &str = "PROVIDER";
/// Where providers send browsers back to.
pub const MESHERY_SERVER_CALLBACK_URL: &str = "MESHERY_SERVER_CALLBACK_URL";
/// The program that opens web pages.
pub const BROWSER: &str = "BROWSER";
/// X display.
pub const DISPLAY: &str = "DISPLAY";
/// Wayland display.
pub const WAYLAND_DISPLAY: &str = "WAYLAND_DISPLAY";
/// Kubeconfig files.
pub const KUBECONFIG: &str = "KUBECONFIG";
/// Address of the API server, which Kubernetes tells each pod.
pub const KUBERNETES_SERVICE_HOST: &str = "KUBERNETES_SERVICE_HOST";
/// Port of the API server, which Kubernetes tells each pod.
pub const KUBERNETES_SERVICE_PORT: &str = "KUBERNETES_SERVICE_PORT";
/// Turns colour off.
pub const NO_COLOR: &str = "NO_COLOR";
/// Turns colour on in pipes.
pub const CLICOLOR_FORCE: &str = "CLICOLOR_FORCE";
/// Terminal type.
pub const TERM: &str = "TERM";
/// Set by CI systems.
pub const CI: &str = "CI";

/// Names the shell that asks for completion; set by the completion scripts.
pub const MESHERY_COMPLETE: &str = "MESHERY_COMPLETE";
/// Width of the output in characters.
pub const COLUMNS: &str = "COLUMNS";
/// Locale that overrides the others.
pub const LC_ALL: &str = "LC_ALL";
/// Locale of characters.
pub const LC_CTYPE: &str = "LC_CTYPE";
/// Default locale.
pub const LANG: &str = "LANG";
/// Folder of configuration files.
pub const XDG_CONFIG_HOME: &str = "XDG_CONFIG_HOME";

/// The table behind `mesheryctl help environment` and the man page.
pub const VARIABLES: &[Variable] = &[
    Variable { name: MESHERY_HOME, meaning: "folder of config.yaml, auth.json and data; default ~/.meshery" },
    Variable { name: MESHERY_CONFIG, meaning: "path of config.yaml, as --config" },
    Variable { name: MESHERY_CONTEXT, meaning: "context for this shell, as --context" },
    Variable { name: MESHERY_TOKEN, meaning: "the server token itself, instead of a token file" },
    Variable { name: MESHERY_TOKEN_FILE, meaning: "path of a token file, as --token" },
    Variable { name: MESHERY_LOG, meaning: "log filter, for example debug or mesheryctl=trace; written to stderr" },
    Variable {
        name: MESHERY_PROTECTED_CONTEXTS,
        meaning: "Kubernetes contexts, by comma and with wildcards, in which changes ask for consent",
    },
    Variable {
        name: MESHERY_IMPORT_ALLOW,
        meaning: "hosts that $(#use https://…) imports may be read from without a checksum, by the server too",
    },
    Variable {
        name: MESHERY_DEBUG_PANIC,
        meaning: "1 raises an internal fault on purpose, to see how one is reported",
    },
    Variable { name: MESHERY_COMPLETE, meaning: "set by the completion scripts; names the shell that asks" },
    Variable {
        name: MESHERY_CATALOG,
        meaning: "folders of the pattern catalogue, separated as in PATH; the bundled samples come after them",
    },
    Variable {
        name: ADAPTER_URLS,
        meaning: "adapters that a server knows from its start, HOST:PORT each, separated by blanks or commas",
    },
    Variable {
        name: GITHUB_STEP_SUMMARY,
        meaning: "the step summary of a GitHub workflow; results are appended to this file, not written over it",
    },
    Variable { name: MESHERY_FORTIO, meaning: "the program fortio, as load generator; default the one on PATH" },
    Variable { name: MESHERY_WRK, meaning: "the program wrk, as load generator; default the one on PATH" },
    Variable { name: MESHERY_WRK2, meaning: "the program wrk2, as load generator; default the one on PATH" },
    Variable {
        name: MESHERY_NIGHTHAWK,
        meaning: "the program nighthawk_service, as load generator; default the one on PATH",
    },
    Variable {
        name: MESHERY_WORKER_TOKEN,
        meaning: "the secret that `perf run --workers` and `serve worker` share; default the file worker-token in the folder of config.yaml",
    },
    Variable {
        name: MESHERY_WORKERS,
        meaning: "addresses of workers, HOST:PORT separated by commas, that a plane may be asked from other machines to use; default none",
    },
    Variable {
        name: MESHERY_RELEASES_URL,
        meaning: "release feed of `self update`, as --releases-url; setting it also allows the daily version notice",
    },
    Variable {
        name: MESHERY_RELEASES_KEY,
        meaning: "file of the public key of that feed, as --releases-key; default the key built into the program",
    },
    Variable {
        name: MESHERY_UPDATE_CHECK,
        meaning: "1 allows the daily version notice, which asks the release feed; without it and without \
                  MESHERY_RELEASES_URL no request is made that no command asked for",
    },
    Variable { name: MESHERY_NO_UPDATE_CHECK, meaning: "1 forbids the version notice, whatever else is set" },
    Variable {
        name: DOCKER_CONFIG,
        meaning: "folder of docker's config.json with the credentials of registries; default ~/.docker",
    },
    Variable { name: DOCKER_HOST, meaning: "address of the Docker engine, before docker's contexts" },
    Variable { name: DOCKER_CONTEXT, meaning: "one of docker's contexts, instead of the one in docker's config.json" },
    Variable { name: DOCKER_TLS_VERIFY, meaning: "any non-empty value: an engine at tcp:// speaks TLS" },
    Variable {
        name: DOCKER_CERT_PATH,
        meaning: "folder of ca.pem, cert.pem and key.pem for such an engine; default DOCKER_CONFIG or ~/.docker",
    },
    Variable {
        name: PROVIDER_BASE_URLS,
        meaning: "addresses of remote providers that the server offers, separated by commas or blanks",
    },
    Variable {
        name: PROVIDER,
        meaning: "the one provider that the server offers, by name or address; None leaves the local one only",
    },
    Variable {
        name: MESHERY_SERVER_CALLBACK_URL,
        meaning: "where providers send browsers after a login, when the server stands behind a proxy",
    },
    Variable { name: BROWSER, meaning: "program that opens the login page, instead of the system's own choice" },
    Variable { name: "DISPLAY, WAYLAND_DISPLAY", meaning: "a display, without which no browser is opened on Linux" },
    Variable { name: KUBECONFIG, meaning: "kubeconfig files, separated as in PATH; default ~/.kube/config" },
    Variable { name: PATH, meaning: "folders of programs; `self` looks whether another mesheryctl comes first" },
    Variable { name: CARGO_HOME, meaning: "folder of cargo, whose programs `self` leaves to cargo; default ~/.cargo" },
    Variable {
        name: "KUBERNETES_SERVICE_HOST, KUBERNETES_SERVICE_PORT",
        meaning: "address of the API server, set by Kubernetes in pods: where no kubeconfig names a context, a pod's own cluster is the context `in-cluster`",
    },
    Variable { name: NO_COLOR, meaning: "any non-empty value turns colour off" },
    Variable { name: CLICOLOR_FORCE, meaning: "any value but 0 turns colour on, in pipes too" },
    Variable { name: TERM, meaning: "`dumb` turns colour and animation off" },
    Variable { name: CI, meaning: "any non-empty value turns animation and notices off" },
    Variable { name: COLUMNS, meaning: "width of tables and help; default the terminal's, unlimited in pipes" },
    Variable { name: "LC_ALL, LC_CTYPE, LANG", meaning: "a locale without UTF-8 makes symbols plain ASCII" },
    Variable {
        name: XDG_CONFIG_HOME,
        meaning: "its meshery/config.yaml is used where it exists and ~/.meshery/config.yaml does not",
    },
    Variable { name: "XDG_CACHE_HOME, XDG_STATE_HOME", meaning: "caches and logs go below these folders" },
    Variable {
        name: "HTTPS_PROXY, HTTP_PROXY, NO_PROXY",
        meaning: "proxies for outbound requests; loopback is always exempt",
    },
    Variable {
        name: SSL_CERT_FILE,
        meaning: "further certificate authorities for outbound TLS, as --ca-file; those of the plane's image",
    },
];

/// The variable's value; unset, empty and non-UTF-8 values count as absent.
#[expect(clippy::disallowed_methods, reason = "this is the one door to the environment")]
pub fn get(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Whether the variable is set to a non-empty value.
pub fn is_set(name: &str) -> bool {
    get(name).is_some()
}

/// Whether the variable says yes: set, and none of `0`, `false`, `no` and `off`.
pub fn is_on(name: &str) -> bool {
    get(name).is_some_and(|value| !["0", "false", "no", "off"].contains(&value.to_lowercase().as_str()))
}
