//! Paths of the REST API. The first spelling of each is the canonical one; the others serve clients of earlier eras.

/// A path in all its spellings.
pub type Spellings = &'static [&'static str];

/// Version of the server.
pub const VERSION: Spellings = &["/api/system/version", "/api/server/version"];
/// Providers by name.
pub const PROVIDERS: Spellings = &["/api/providers"];
/// Chooses a provider by cookie.
pub const PROVIDER: Spellings = &["/api/provider"];
/// What the chosen provider can do.
pub const PROVIDER_CAPABILITIES: Spellings = &["/api/provider/capabilities"];
/// The token file's content.
pub const TOKEN: Spellings = &["/api/token"];
/// Where a provider sends the browser with a token; without one, the token file's content, which old clients fetch here.
pub const TOKEN_CALLBACK: Spellings = &["/api/user/token", "/api/gettoken"];
/// The same, with the mark of the login that it ends.
/// Some providers add the path that they expect to the address they were given.
pub const LOGIN_CALLBACK: Spellings = &["/api/user/token/{id}", "/api/user/token/{id}/api/user/token"];
/// Begins a login at the chosen provider.
pub const LOGIN: Spellings = &["/user/login", "/auth/login", "/login"];
/// Ends the session.
pub const LOGOUT: Spellings = &["/user/logout", "/logout"];
/// What of the user's objects the provider does not have yet.
pub const PROVIDER_SYNC: Spellings = &["/api/provider/sync"];
/// The user.
pub const USER: Spellings = &["/api/user", "/api/identity/users/profile"];
/// Preferences.
pub const PREFERENCES: Spellings = &["/api/user/prefs", "/api/user/stats"];
/// Session object of old clients.
pub const SYNC: Spellings = &["/api/system/sync", "/api/config/sync"];
/// Keeps an uploaded kubeconfig (POST), or forgets those that were (DELETE).
pub const KUBE_CONFIG: Spellings = &["/api/system/kubernetes", "/api/k8sconfig"];
/// Contexts of the server's kubeconfig (GET) or of an uploaded one (POST).
pub const KUBE_CONTEXTS: Spellings = &["/api/system/kubernetes/contexts", "/api/k8sconfig/contexts"];
/// Reaches for a cluster.
pub const KUBE_PING: Spellings = &["/api/system/kubernetes/ping", "/api/k8sconfig/ping"];
/// Kinds that a cluster serves.
pub const KUBE_KINDS: Spellings = &["/api/system/kubernetes/kinds"];
/// Adapters the plane knows; with `?adapter=` it asks one of them.
pub const ADAPTERS: Spellings = &["/api/system/adapters", "/api/mesh/adapters"];
/// Asks an adapter.
pub const ADAPTER_PING: Spellings = &["/api/mesh/adapter/ping"];
/// Adds (POST) or removes (DELETE) an adapter.
pub const ADAPTER_MANAGE: Spellings = &["/api/system/adapter/manage", "/api/mesh/manage"];
/// Lets an adapter begin an operation.
pub const ADAPTER_OPERATION: Spellings = &["/api/system/adapter/operation", "/api/mesh/ops"];
/// Adapters there are, known or not, with their ports.
pub const ADAPTERS_AVAILABLE: Spellings = &["/api/system/availableAdapters"];
/// Stored patterns.
pub const PATTERNS: Spellings = &["/api/pattern", "/api/experimental/pattern", "/api/experimental/patternfile"];
/// One stored pattern.
pub const PATTERN: Spellings =
    &["/api/pattern/{id}", "/api/experimental/pattern/{id}", "/api/experimental/patternfile/{id}"];
/// Applies (POST) or deletes (DELETE) a pattern, or an application, which is one.
pub const PATTERN_DEPLOY: Spellings = &[
    "/api/pattern/deploy",
    "/api/experimental/pattern/deploy",
    "/api/experimental/patternfile/deploy",
    "/api/application/deploy",
    "/api/experimental/application/deploy",
];
/// The stored file as it was sent.
pub const PATTERN_DOWNLOAD: Spellings = &["/api/pattern/download/{id}"];
/// Makes a pattern of something else.
pub const PATTERN_IMPORT: Spellings = &["/api/pattern/import"];
/// Stored applications.
pub const APPLICATIONS: Spellings = &["/api/application", "/api/experimental/application"];
/// One stored application.
pub const APPLICATION: Spellings = &["/api/application/{id}", "/api/experimental/application/{id}"];
/// Sources that applications are made of.
pub const APPLICATION_TYPES: Spellings = &["/api/application/types"];
/// Applied sets.
pub const PATTERN_APPLIED: Spellings = &["/api/pattern/applied"];
/// Live state of an applied set.
pub const PATTERN_STATUS: Spellings = &["/api/pattern/status"];
/// Revisions of an applied pattern.
pub const PATTERN_REVISIONS: Spellings = &["/api/pattern/revisions"];
/// One revision with its content.
pub const PATTERN_REVISION: Spellings = &["/api/pattern/revisions/{id}"];
/// What applying a pattern would do.
pub const PATTERN_PLAN: Spellings = &["/api/pattern/plan"];
/// How what was applied stands, and who changed it.
pub const PATTERN_DRIFT: Spellings = &["/api/pattern/drift"];
/// Performance profiles.
pub const PERF_PROFILES: Spellings = &["/api/user/performance/profiles", "/api/performance/profiles"];
/// One performance profile.
pub const PERF_PROFILE: Spellings = &["/api/user/performance/profiles/{id}", "/api/performance/profiles/{id}"];
/// Measures by a profile, told as a stream of the earlier eras' frames.
pub const PERF_PROFILE_RUN: Spellings = &["/api/user/performance/profiles/{id}/run"];
/// Results of a profile.
pub const PERF_PROFILE_RESULTS: Spellings =
    &["/api/user/performance/profiles/{id}/results", "/api/performance/profiles/{id}/results"];
/// Results; a result is added by POST.
pub const PERF_RESULTS: Spellings = &[
    "/api/perf/results",
    "/api/user/performance/profiles/results",
    "/api/perf/profile/result",
    "/api/performance/results",
];
/// One result, whole.
pub const PERF_RESULT: Spellings = &["/api/perf/results/{id}"];
/// One result as a document of the Service Mesh Performance specification.
pub const PERF_DOCUMENT: Spellings = &["/api/perf/profile/result/{id}"];
/// The same, named by `?id=`.
pub const PERF_DOCUMENT_2021: Spellings = &["/api/perf/result"];
/// Begins a measurement.
pub const PERF_RUN: Spellings = &["/api/perf/run"];
/// Measures by query parameters, told as a stream of the earlier eras' frames.
pub const PERF_LOAD_TEST: Spellings = &["/api/perf/load-test"];
/// Measures by a file of the Service Mesh Performance specification, told in the same way.
pub const PERF_LOAD_TEST_FILE: Spellings = &["/api/perf/profile", "/api/perf/load-test-smps"];
/// What clients offer for a new measurement.
pub const PERF_DEFAULTS: Spellings = &["/api/perf/load-test-prefs"];
/// Schedules.
pub const SCHEDULES: Spellings = &["/api/user/schedules"];
/// One schedule.
pub const SCHEDULE: Spellings = &["/api/user/schedules/{id}"];
/// Meshes by the names of the Service Mesh Performance specification.
pub const MESH_TYPES: Spellings = &["/api/mesh"];
/// Stored test files.
pub const PERF_TESTS: Spellings = &["/api/user/prefs/perf", "/api/user/test-prefs"];
/// Operations, newest first.
pub const OPERATIONS: Spellings = &["/api/operations"];
/// One operation.
pub const OPERATION: Spellings = &["/api/operations/{id}"];
/// Asks an operation to stop.
pub const OPERATION_CANCEL: Spellings = &["/api/operations/{id}/cancel"];
/// An operation's events from its first one on, as server-sent events; ends after the last.
pub const OPERATION_EVENTS: Spellings = &["/api/operations/{id}/events"];
/// The event log as server-sent events, full form, with replay.
pub const EVENTS_SUBSCRIBE: Spellings = &["/api/system/events/subscribe"];
/// The event log as server-sent events in the shape of 2021.
pub const EVENTS: Spellings = &["/api/events"];
/// The event log as a page.
pub const EVENT_LOG: Spellings = &["/api/system/events", "/api/v2/events"];
/// OpenAPI document of this server.
pub const OPENAPI: Spellings = &["/api/openapi.json"];
/// The database: where it is and whether it is sound.
pub const DATABASE: Spellings = &["/api/system/database"];
/// Says that the process lives.
pub const HEALTH_LIVE: Spellings = &["/healthz/live"];
/// Says whether it serves, and its phase.
pub const HEALTH_READY: Spellings = &["/healthz/ready"];

/// The canonical spelling with its `{id}` filled in.
pub fn with_id(path: Spellings, id: &str) -> String {
    path[0].replace("{id}", id)
}
