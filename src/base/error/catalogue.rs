//! Every error code with its offline page (`mesheryctl explain CODE`). A code never changes its name or meaning.

use super::Kind;

macro_rules! codes {
    ($($variant:ident $name:literal $kind:ident $title:literal $explanation:literal $remedy:literal)*) => {
        /// A stable error code.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code { $(#[doc = $title] $variant,)* }

        impl Code {
            /// Every code, in catalogue order.
            pub const ALL: &'static [Code] = &[$(Code::$variant,)*];

            /// The name as users see it, in kebab-case.
            pub fn name(self) -> &'static str { match self { $(Code::$variant => $name,)* } }

            /// The sort of failure this code stands for unless an error says otherwise.
            pub fn kind(self) -> Kind { match self { $(Code::$variant => Kind::$kind,)* } }

            /// One line: what happened.
            pub fn title(self) -> &'static str { match self { $(Code::$variant => $title,)* } }

            /// Why it happens, for the `explain` page.
            pub fn explanation(self) -> &'static str { match self { $(Code::$variant => $explanation,)* } }

            /// The general next step.
            pub fn remedy(self) -> &'static str { match self { $(Code::$variant => $remedy,)* } }

            /// The code of that name.
            pub fn from_name(name: &str) -> Option<Code> {
                Code::ALL.iter().copied().find(|code| code.name() == name)
            }
        }
    };
}

codes! {
    Internal "internal" Internal "A fault of this program"
        "An invariant of mesheryctl broke. The state on disk and in the cluster is as the last finished step left it."
        "Report it with the command you ran and the log file."
    Interrupted "interrupted" Interrupted "Stopped by Ctrl-C"
        "SIGINT arrived before the work was done. The message says what was already done and is still there."
        "Run the command again: finished parts are recognised and left alone."
    Terminated "terminated" Terminated "Stopped by SIGTERM"
        "SIGTERM arrived before the work was done."
        "Run the command again: finished parts are recognised and left alone."
    UsageError "usage-error" Usage "The command line is wrong"
        "A flag, a value or an argument is unknown, missing or contradicts another."
        "See the command's --help."
    InputNeeded "input-needed" Usage "A question would have to be asked, but nobody can answer"
        "Prompts appear only when standard input and output are a terminal and --no-input is not given."
        "Give the answer with the flag that the message names."
    Declined "declined" Failed "The question was answered with no"
        "Nothing was changed."
        "Run the command again and confirm, or pass --yes."
    OutputClosed "output-closed" Failed "The reader of the output went away"
        "Standard output is a pipe, and the program behind it ended. Nothing was lost but the rest of the output."
        "Nothing needs to be done."
    OutputFailed "output-failed" Failed "The output cannot be written"
        "Standard output or standard error refused, for example because the disk is full."
        "Check where the output goes."
    FieldNotFound "field-not-found" Usage "The output has no such field"
        "A JSONPath or a custom column selects a field that the command's output does not have."
        "Look at the fields with `-o json`, or at the schema with `mesheryctl schema COMMAND`."
    RemoteError "remote-error" Failed "The server answered with an error"
        "The server gave an error that this version of mesheryctl has no page for; its own text is in the details."
        "Read the details; compare versions with `mesheryctl version`."
    ConfigParse "config-parse" Usage "A configuration file cannot be read as YAML of the expected shape"
        "config.yaml or .meshery.yaml has a syntax error or a value of the wrong type at the named place. The file was not changed."
        "Correct the file at the named line, or move it away and start anew."
    ConfigValue "config-value" Usage "A setting has a value that is not allowed"
        "The value was read from the place named in the message (flag, environment, project file or config.yaml)."
        "Use one of the allowed values."
    ConfigWrite "config-write" Failed "A configuration file could not be written"
        "The old file is still in place and unchanged."
        "Check the folder's permissions and free space."
    VersionTooOld "version-too-old" Usage "This mesheryctl is older than the project wants"
        "`required-version` in .meshery.yaml names the oldest version that will do."
        "Install a newer mesheryctl with install.sh, or correct .meshery.yaml."
    ConfigEdit "config-edit" Failed "The configuration file cannot be edited safely"
        "Edits keep comments and unknown keys. This file has a style (multi-line flow, anchors) in which that cannot be promised, so it was left as it is."
        "Make the change by hand in an editor."
    ContextLast "context-last" Usage "The only context cannot be deleted"
        "Without any context in config.yaml the built-in context `local` holds again, so that deleting the last one has no effect of its own."
        "Create another context first, or remove config.yaml."
    ContextNotFound "context-not-found" NotFound "No context of that name"
        "Contexts stand in config.yaml under `contexts`."
        "List them with `mesheryctl system context list`, or create one with `mesheryctl system context create NAME`."
    ContextExists "context-exists" Usage "A context of that name exists already"
        "Context names are unique in one config.yaml."
        "Choose another name, or delete the old one first."
    TokenNotFound "token-not-found" NotFound "No token entry of that name"
        "Token entries stand in config.yaml under `tokens` and point at token files."
        "List them with `mesheryctl system token list`, or create one with `mesheryctl system token create NAME`."
    TokenExists "token-exists" Usage "A token entry of that name exists already"
        "Token names are unique in one config.yaml."
        "Choose another name, or delete the old entry first."
    TokenFile "token-file" Auth "The token file is missing or cannot be read"
        "A token file is a JSON object with the keys `meshery-provider` and `token`, readable by its owner only."
        "Start the plane with `mesheryctl system start`, or name another file with --token."
    ProviderNotFound "provider-not-found" NotFound "No provider of that name"
        "Providers are what the server at the context's endpoint offers."
        "List them with `mesheryctl system provider list`."
    AuthRequired "auth-required" Auth "The server wants a token"
        "No token, or a wrong or expired one, came with the request."
        "Check the context's token with `mesheryctl system token view`; `mesheryctl system start` writes a fresh one for the local plane."
    OriginRefused "origin-refused" Auth "The request came from a foreign web page or for a foreign host name"
        "The server answers only to loopback host names and to Origins it serves itself, against DNS rebinding and cross-site requests."
        "Use the endpoint as `mesheryctl system status` shows it."
    ServerUnreachable "server-unreachable" Unreachable "The server at the context's endpoint does not answer"
        "No process listens there, or the network refuses the way."
        "Start the plane (on platform local: `mesheryctl system start`), or choose another context with --context."
    ServerNotMeshery "server-not-meshery" Unreachable "Something else answers at the context's endpoint"
        "A process listens on the port but its answers are not this API's."
        "Choose another port: `mesheryctl system start --port N`."
    ServerStart "server-start" Failed "The server did not start"
        "The server process ended or was not ready in time; its log says why."
        "Read `mesheryctl system logs`."
    ServerDraining "server-draining" Unreachable "The server is starting or stopping and takes no new work"
        "While it stops, a server finishes what runs and begins nothing new; while it starts, its database is not open yet."
        "Try again in a moment; `mesheryctl system status` shows the phase."
    ServerRunning "server-running" Failed "Another server serves this Meshery home already"
        "One server at a time works on a database; the lock file names its process."
        "Use the running server, stop it with `mesheryctl system stop`, or set another MESHERY_HOME."
    ServerStop "server-stop" Failed "The server could not be stopped"
        "The system refused the signal, or the process does not end even when killed."
        "See who owns the process; a stuck file system can hold a process too."
    ListenFailed "listen-failed" Failed "The address cannot be listened on"
        "The address is not one of this machine, the name is unknown, or the port needs more rights."
        "Choose another address with --host, or a port above 1023 with --port."
    PortTaken "port-taken" Failed "The port is taken by another process"
        "Two processes cannot listen on one address."
        "Stop the holder, or choose another port with --port."
    PlatformUnsupported "platform-unsupported" Usage "This platform cannot be managed by this command"
        "Platforms are local, docker and kubernetes; this build manages `local`."
        "Use a context with platform local, or pass --platform local."
    RequestInvalid "request-invalid" Usage "The server could not read the request"
        "The body, a query parameter or a path parameter has the wrong shape."
        "Compare with the OpenAPI document at /api/openapi.json."
    MethodNotAllowed "method-not-allowed" Usage "The path exists, but not for this HTTP method"
        "Each path answers to the methods of its Allow header."
        "Use one of the methods that the Allow header names."
    MediaType "media-type" Usage "The request's content type is not one the path reads"
        "Bodies are JSON, and YAML where a pattern is sent."
        "Send `Content-Type: application/json`."
    BodyTooLarge "body-too-large" Usage "The request's body is larger than the limit"
        "Bodies are limited so that a mistake cannot fill the server's memory."
        "Send a smaller body."
    RouteNotFound "route-not-found" NotFound "The server has no such path"
        "The path is not part of this API, or belongs to a feature this server does not have."
        "Compare versions with `mesheryctl version`; the API is listed at /api/openapi.json."
    StoreFailed "store-failed" Failed "The database refused"
        "The SQLite file under the Meshery home could not be opened, read or written."
        "Check permissions and free space of ~/.meshery/data."
    FileNotFound "file-not-found" NotFound "The file does not exist"
        "The path was looked up from the current folder."
        "Check the path."
    FileUnreadable "file-unreadable" Failed "The file or folder cannot be read"
        "The operating system refused."
        "Check its permissions."
    SourceEmpty "source-empty" Usage "No pattern was found in the given sources"
        "A folder is searched for .yaml, .yml and .json files, with -R in its subfolders too."
        "Name a file, or add -R."
    SourceTooLarge "source-too-large" Failed "The input is larger than the limit"
        "Files and downloads are limited so that a wrong address cannot fill memory."
        "Check the address, or raise the limit with --max-size."
    UrlRefused "url-refused" Usage "The address may not be fetched"
        "Link-local addresses are never fetched, private ones only when named on the command line, and only http and https are spoken."
        "Download the file yourself and pass its path."
    DownloadFailed "download-failed" Unreachable "The download failed"
        "The far side refused, answered with an error, or did not answer in time."
        "Try the address with curl, or pass a file."
    PatternSyntax "pattern-syntax" Invalid "The pattern is not valid YAML"
        "The YAML parser stopped at the named place."
        "Correct the file at the named line."
    PatternGrammar "pattern-grammar" Invalid "The pattern does not follow the pattern grammar"
        "A pattern has a name and services; each service has a type and optionally name, namespace, labels, annotations, settings, traits, dependsOn."
        "Correct the key that the message names."
    PatternReference "pattern-reference" Invalid "A $(#ref…) points at nothing"
        "References are paths from the top of the pattern, for example $(#ref.services.web.namespace)."
        "Correct the path."
    PatternDependency "pattern-dependency" Invalid "dependsOn names a service that does not exist"
        "dependsOn holds keys of other services of the same pattern."
        "Correct the name."
    PatternCycle "pattern-cycle" Invalid "Services depend on each other in a circle"
        "An order exists only when dependsOn has no circle."
        "Remove one dependsOn of the circle that the message shows."
    PatternDuplicate "pattern-duplicate" Invalid "Two services stand for the same object"
        "Kind, namespace and name together are unique in a cluster."
        "Rename one of them."
    PatternObjectName "pattern-object-name" Invalid "The name or namespace is not valid in Kubernetes"
        "Names are lower-case letters, digits, `-` and, for most kinds, `.`; at most 253 characters, namespaces 63."
        "Correct the service's key, name or namespace."
    PatternTypeUnknown "pattern-type-unknown" Invalid "The cluster has no such kind"
        "The service's type is looked up among the kinds the cluster serves and those that CRDs in the same pattern define."
        "Check the spelling; install the mesh or CRD that brings the kind."
    PatternTypeAmbiguous "pattern-type-ambiguous" Invalid "Several kinds of that name exist"
        "More than one API group serves the kind, and the type has no suffix that chooses."
        "Add `apiVersion` to the service, or a mesh suffix such as .Istio."
    PatternNotFound "pattern-not-found" NotFound "No pattern of that name or id"
        "Names and ids are those of `mesheryctl pattern list`."
        "List them with `mesheryctl pattern list`."
    PatternNameAmbiguous "pattern-name-ambiguous" Usage "Several patterns match"
        "The name or id prefix fits more than one stored pattern."
        "Give the full id; candidates are listed."
    PatternNotApplied "pattern-not-applied" NotFound "The pattern is not applied to this cluster"
        "No inventory of that pattern exists for the context, so there is nothing to show or delete."
        "List what is applied with `mesheryctl pattern list -o wide`."
    KubeconfigInvalid "kubeconfig-invalid" Usage "The kubeconfig cannot be used"
        "A file named by KUBECONFIG or --kubeconfig is missing, is not valid YAML, or refers to a missing entry."
        "Check it with `kubectl config view`."
    KubeContextNotFound "kube-context-not-found" NotFound "No such context in the kubeconfig"
        "Contexts come from KUBECONFIG or ~/.kube/config and, when it runs, from the practice cluster."
        "List them with `kubectl config get-contexts`."
    KubeContextMissing "kube-context-missing" Usage "No Kubernetes context is chosen"
        "No --kube-context was given and the kubeconfig has no current context."
        "Pass --kube-context, or try the practice cluster: `mesheryctl sample start`, then --kube-context practice."
    ClusterUnreachable "cluster-unreachable" Unreachable "The cluster's API server does not answer"
        "The address in the kubeconfig refuses, is dead or too slow."
        "Check it with `kubectl cluster-info`."
    ClusterAuth "cluster-auth" Auth "The cluster refused the credentials"
        "The token or certificate in the kubeconfig is wrong or expired."
        "Renew the credentials of that kubeconfig user."
    ClusterForbidden "cluster-forbidden" Failed "The cluster does not permit the action"
        "The user of the kubeconfig lacks a role for the verb and resource in the details."
        "Ask for the role, or use another context."
    ObjectRefused "object-refused" Failed "The API server refused the object"
        "Validation or an admission webhook refused; its own words are in the details."
        "Correct the service's settings."
    ObjectConflict "object-conflict" Conflict "Another field manager owns a field"
        "Server-side apply does not overwrite what somebody else manages; the fields and their managers are in the details."
        "Remove the field from the pattern, or take it over with --force-conflicts."
    ObjectImmutable "object-immutable" Failed "A field cannot be changed on an existing object"
        "Kubernetes fixes some fields at creation; the API server's own words are in the details."
        "Apply again with --recreate, which deletes the object and creates it anew; what it holds is lost, and it is away meanwhile."
    ObjectsFailed "objects-failed" Failed "No object could be applied"
        "Every object failed or was withheld; each has its own result."
        "Correct the first failed object and apply again."
    ObjectsPartlyFailed "objects-partly-failed" Partial "Some objects failed"
        "Objects that succeeded stay; those that depend on a failed one were withheld. Each has its own result."
        "Correct the failed objects and apply again: unchanged ones are left alone."
    ObjectNotReady "object-not-ready" Failed "An object is in place but will not become ready"
        "It reports a failure of its own, such as an exceeded progress deadline or a failed job, or somebody deleted it; what keeps it stands in the message."
        "Look at the blocker the message names; correct the service and apply again."
    RevisionNotFound "revision-not-found" NotFound "No such revision of the pattern"
        "The newest ten revisions of a pattern are kept for each cluster; applying the same objects again makes no new one."
        "List them with `mesheryctl pattern history NAME`."
    WaitTimeout "wait-timeout" Timeout "The goal was not reached in time"
        "The message names the object that blocked and its last known state."
        "Look at the blocker, or raise --timeout."
    OperationNotFound "operation-not-found" NotFound "No operation of that id"
        "Operations are kept in the database of the server that ran them."
        "List them with `mesheryctl operation list`."
    OperationAmbiguous "operation-ambiguous" Usage "Several operations match"
        "The beginning of an id fits more than one operation."
        "Give more of the id; candidates are listed."
    OperationCancelled "operation-cancelled" Failed "The operation was cancelled"
        "Somebody asked for it; objects done before are in the results."
        "Apply or delete again to bring the cluster to a known state."
    SchemaUnknown "schema-unknown" NotFound "The command has no schema"
        "Commands with structured output are listed by `mesheryctl schema` without an argument."
        "Check the spelling."
    ExplainUnknown "explain-unknown" NotFound "No error code of that name"
        "Codes are listed by `mesheryctl explain` without an argument."
        "Check the spelling."
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_pages_are_complete() {
        let mut seen = std::collections::HashSet::new();
        for code in Code::ALL {
            assert!(seen.insert(code.name()), "{} stands twice", code.name());
            for text in [code.title(), code.explanation(), code.remedy()] {
                assert!(!text.is_empty(), "{} has an empty part", code.name());
            }
            assert_eq!(Code::from_name(code.name()), Some(*code));
        }
    }
}
