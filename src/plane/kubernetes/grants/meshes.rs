//! A data table: the kinds of each mesh that patterns hold, by API group.

/// Groups with their resources, for the adapter's mesh; empty for meshes without kinds of their own.
pub(super) fn groups(mesh: &str) -> &'static [(&'static str, &'static [&'static str])] {
    match mesh {
        "istio" => ISTIO,
        "linkerd" => LINKERD,
        "consul" => CONSUL,
        "nsm" => NSM,
        "app-mesh" => APP_MESH,
        "traefik-mesh" => TRAEFIK,
        "kuma" => KUMA,
        "cpx" => CPX,
        "osm" => OSM,
        "nginx-sm" => NGINX,
        "cilium" => CILIUM,
        _ => &[],
    }
}

type Groups = &'static [(&'static str, &'static [&'static str])];

const ISTIO: Groups = &[
    (
        "networking.istio.io",
        &[
            "destinationrules",
            "envoyfilters",
            "gateways",
            "proxyconfigs",
            "serviceentries",
            "sidecars",
            "virtualservices",
            "workloadentries",
            "workloadgroups",
        ],
    ),
    ("security.istio.io", &["authorizationpolicies", "peerauthentications", "requestauthentications"]),
    ("telemetry.istio.io", &["telemetries"]),
    ("extensions.istio.io", &["wasmplugins"]),
];

const LINKERD: Groups = &[
    ("linkerd.io", &["serviceprofiles"]),
    (
        "policy.linkerd.io",
        &[
            "authorizationpolicies",
            "egressnetworks",
            "httplocalratelimitpolicies",
            "httproutes",
            "meshtlsauthentications",
            "networkauthentications",
            "serverauthorizations",
            "servers",
        ],
    ),
    ("workload.linkerd.io", &["externalworkloads"]),
    ("multicluster.linkerd.io", &["links"]),
];

const CONSUL: Groups = &[(
    "consul.hashicorp.com",
    &[
        "controlplanerequestlimits",
        "exportedservices",
        "gatewayclassconfigs",
        "gatewaypolicies",
        "ingressgateways",
        "jwtproviders",
        "meshes",
        "peeringacceptors",
        "peeringdialers",
        "proxydefaults",
        "registrations",
        "routeauthfilters",
        "routeretryfilters",
        "routetimeoutfilters",
        "samenessgroups",
        "servicedefaults",
        "serviceintentions",
        "serviceresolvers",
        "servicerouters",
        "servicesplitters",
        "terminatinggateways",
    ],
)];

const NSM: Groups = &[("networkservicemesh.io", &["networkserviceendpoints", "networkservices"])];

const APP_MESH: Groups = &[(
    "appmesh.k8s.aws",
    &[
        "backendgroups",
        "gatewayroutes",
        "meshes",
        "virtualgateways",
        "virtualnodes",
        "virtualrouters",
        "virtualservices",
    ],
)];

const TRAEFIK_KINDS: &[&str] = &[
    "ingressroutes",
    "ingressroutetcps",
    "ingressrouteudps",
    "middlewares",
    "middlewaretcps",
    "serverstransports",
    "serverstransporttcps",
    "tlsoptions",
    "tlsstores",
    "traefikservices",
];

const TRAEFIK: Groups = &[("traefik.io", TRAEFIK_KINDS), ("traefik.containo.us", TRAEFIK_KINDS)];

const KUMA: Groups = &[(
    "kuma.io",
    &[
        "circuitbreakers",
        "containerpatches",
        "dataplanes",
        "externalservices",
        "faultinjections",
        "healthchecks",
        "hostnamegenerators",
        "meshaccesslogs",
        "meshcircuitbreakers",
        "meshes",
        "meshexternalservices",
        "meshfaultinjections",
        "meshgatewayconfigs",
        "meshgatewayinstances",
        "meshgatewayroutes",
        "meshgateways",
        "meshhealthchecks",
        "meshhttproutes",
        "meshidentities",
        "meshloadbalancingstrategies",
        "meshmetrics",
        "meshmultizoneservices",
        "meshpassthroughs",
        "meshproxypatches",
        "meshratelimits",
        "meshretries",
        "meshservices",
        "meshtcproutes",
        "meshtimeouts",
        "meshtlses",
        "meshtraces",
        "meshtrafficpermissions",
        "meshtrusts",
        "proxytemplates",
        "ratelimits",
        "retries",
        "timeouts",
        "trafficlogs",
        "trafficpermissions",
        "trafficroutes",
        "traffictraces",
        "virtualoutbounds",
        "zoneegresses",
        "zoneingresses",
        "zones",
    ],
)];

const CPX: Groups =
    &[("citrix.com", &["authpolicies", "httproutes", "listeners", "ratelimits", "rewritepolicies", "vips", "wafs"])];

const OSM: Groups = &[
    ("config.openservicemesh.io", &["extensionservices", "meshconfigs", "meshrootcertificates"]),
    (
        "policy.openservicemesh.io",
        &["egresses", "ingressbackends", "retries", "telemetries", "upstreamtrafficsettings"],
    ),
];

const NGINX: Groups = &[
    ("specs.smi.nginx.com", &["circuitbreakers", "ratelimits"]),
    ("nsm.nginx.com", &["meshconfigs"]),
    ("spiffeid.spiffe.io", &["spiffeids"]),
];

const CILIUM: Groups = &[(
    "cilium.io",
    &[
        "ciliumcidrgroups",
        "ciliumclusterwideenvoyconfigs",
        "ciliumclusterwidenetworkpolicies",
        "ciliumegressgatewaypolicies",
        "ciliumenvoyconfigs",
        "ciliumlocalredirectpolicies",
        "ciliumnetworkpolicies",
    ],
)];
