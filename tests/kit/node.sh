# shellcheck shell=bash
# Tier node: on top of api one real node. Pods run, services resolve, logs and exec work.
# No registry is asked for anything: images are made here from static programs.

CONTAINERD_SOCKET=$RUN/containerd.sock
NETWORK=mesheryctl-kit

# ---- install ----

node_install() {
  need containerd containerd
  need runc runc
  need iptables iptables
  need conntrack conntrack
  need umount mount
  need cc gcc libc6-dev
  [ -n "$(cni_folder)" ] || MISSING_PACKAGES+=(containernetworking-plugins)
  install_missing_packages
  provide kube-scheduler "$KUBERNETES_VERSION" kubernetes_program kube-scheduler
  provide kubelet "$KUBERNETES_VERSION" kubernetes_program kubelet
  provide kube-proxy "$KUBERNETES_VERSION" kubernetes_program kube-proxy
  provide coredns "$COREDNS_VERSION" go_program "github.com/coredns/coredns@v$COREDNS_VERSION"
  provide waiter "$WAITER_VERSION" compile_waiter
}

cni_folder() {
  local folder
  for folder in /usr/lib/cni /opt/cni/bin; do
    [ ! -x "$folder/ptp" ] || { printf '%s\n' "$folder"; return; }
  done
}

# compile_waiter OUTPUT: waits for a signal, and buries what a pod's shared process space leaves to it
compile_waiter() {
  cc -static -O2 -x c -o "$1" - <<'C'
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
static void stop(int signal) { (void)signal; _exit(0); }
static void bury(int signal) { (void)signal; while (waitpid(-1, 0, WNOHANG) > 0) {} }
int main(void) {
    signal(SIGINT, stop);
    signal(SIGTERM, stop);
    signal(SIGCHLD, bury);
    for (;;) pause();
}
C
}

# ---- start ----

node_start() {
  is_root || die "tier node needs root"
  (umask 077 && certificate kubelet "/CN=$NODE_NAME" "IP:$NODE_IP,DNS:$NODE_NAME")
  note_what_will_be_made
  write_packet_rules
  refuse_ended_pods
  start_containerd
  load_image "$IMAGE_PAUSE" "$BIN/waiter" /pause
  load_image "$IMAGE_SLEEP" "$BIN/waiter" /sleep
  start_scheduler
  start_coredns
  start_kubelet
  start_proxy
  wait_for kube-proxy 60 proxy_is_healthy
  wait_for coredns 60 coredns_is_ready
  wait_for kubelet 120 node_is_ready
}

# The kubelet keeps its device plugins' socket, and kube-proxy one chain, where no setting reaches:
# where they are new to the machine, they go with the node.
note_what_will_be_made() {
  [ -e /var/lib/kubelet ] || note_made var-lib-kubelet
  iptables -w -n -L KUBE-FIREWALL >/dev/null 2>&1 || note_made firewall-chain
}

# Docker's engine, where it runs, drops what is forwarded: the pods' network is let through. What is for
# a service that kube-proxy does not know yet would leave the machine, where anything may answer: it is refused.
# Each rule goes in front of those before it.
packet_rules() {
  printf '%s\n' "FORWARD -s $POD_CIDR -j ACCEPT" "FORWARD -d $POD_CIDR -j ACCEPT" \
    "FORWARD -d $SERVICE_CIDR -j REJECT" "OUTPUT -d $SERVICE_CIDR -j REJECT"
}

write_packet_rules() {
  local chain side range jump target
  packet_rules | while read -r chain side range jump target; do
    ! iptables -w -C "$chain" "$side" "$range" "$jump" "$target" 2>/dev/null || continue
    iptables -w -I "$chain" "$side" "$range" "$jump" "$target"
    printf '%s\n' "$chain $side $range $jump $target" >>"$RUN/packet-rules"
  done
}

# A pod has a route of its own as long as it lives. What is for one that ended would leave the machine, as above.
refuse_ended_pods() {
  ! ip route show type unreachable | grep -q "^unreachable $POD_CIDR " || return 0
  ip route add unreachable "$POD_CIDR"
  note_made pod-route
}

start_containerd() {
  local folder=$RUN/containerd
  mkdir -p "$folder" "$RUN/cni"
  # point to point: with a bridge, pods reach each other through a service only where the kernel
  # hands bridged packets to netfilter
  cat >"$RUN/cni/10-$NETWORK.conflist" <<JSON
{"cniVersion": "0.4.0", "name": "$NETWORK", "plugins": [
  {"type": "ptp", "ipMasq": true, "ipam": {"type": "host-local", "dataDir": "$RUN/cni-networks",
    "ranges": [[{"subnet": "$NODE_POD_CIDR"}]], "routes": [{"dst": "0.0.0.0/0"}]}},
  {"type": "portmap", "capabilities": {"portMappings": true}}]}
JSON
  # restrict_oom_score_adj: where the score may not be lowered, no container would start
  cat >"$RUN/containerd.toml" <<TOML
version = 2
root = "$folder/root"
state = "$folder/state"
[grpc]
  address = "$CONTAINERD_SOCKET"
[plugins."io.containerd.internal.v1.opt"]
  path = "$folder/opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "$IMAGE_PAUSE"
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "$(cni_folder)"
    conf_dir = "$RUN/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      SystemdCgroup = false
TOML
  start containerd containerd -c "$RUN/containerd.toml"
  wait_for containerd 60 kit_ctr version
}

kit_ctr() { ctr -a "$CONTAINERD_SOCKET" -n k8s.io "$@"; }

image_architecture() {
  case $(uname -m) in
    x86_64) printf amd64 ;;
    aarch64) printf arm64 ;;
    *) die "no container architecture is known for $(uname -m)" ;;
  esac
}

# load_image NAME FILE ENTRYPOINT: an image of one layer with one static program
load_image() {
  local folder
  folder=$(image_folder)
  install -D -m 755 "$2" "$folder/root$3"
  load_folder "$1" "$folder" "$3" 0:0
}

image_folder() { mktemp -d "$RUN/image.XXXXXX"; }

# load_folder NAME FOLDER ENTRYPOINT USER: an image of one layer with what lies in FOLDER/root; takes the folder away
load_folder() {
  local name=$1 folder=$2 entry=$3 user=$4 digest
  tar -C "$folder/root" --owner=0 --group=0 --sort=name -cf "$folder/layer.tar" .
  digest=$(sha256sum "$folder/layer.tar" | cut -d' ' -f1)
  printf '{"architecture":"%s","os":"linux","config":{"Entrypoint":["%s"],"User":"%s","Env":["PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]},"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' \
    "$(image_architecture)" "$entry" "$user" "$digest" >"$folder/config.json"
  printf '[{"Config":"config.json","RepoTags":["%s"],"Layers":["layer.tar"]}]' "$name" >"$folder/manifest.json"
  tar -C "$folder" -cf "$folder.tar" config.json manifest.json layer.tar
  kit_ctr images import "$folder.tar" >/dev/null
  rm -rf "$folder" "$folder.tar"
}

start_scheduler() {
  start kube-scheduler "$BIN/kube-scheduler" --kubeconfig="$KUBECONFIG_FILE" --leader-elect=false \
    --bind-address=127.0.0.1 --secure-port="$SCHEDULER_PORT" --cert-dir="$CERTS/scheduler"
}

start_coredns() {
  cat >"$RUN/Corefile" <<CONF
.:53 {
  bind $NODE_IP
  kubernetes cluster.local in-addr.arpa {
    kubeconfig $KUBECONFIG_FILE kit
  }
  ready 127.0.0.1:$COREDNS_READY_PORT
  errors
}
CONF
  start coredns "$BIN/coredns" -conf "$RUN/Corefile"
}

coredns_is_ready() { curl -sf --noproxy '*' "http://127.0.0.1:$COREDNS_READY_PORT/ready"; }

# The kubelet runs what it is told as root: it listens on the node's address only and wants a
# certificate of the kit's authority. Its folders stay below the run folder, and it makes no
# packet filter rules of its own, so that stopping the kit leaves nothing elsewhere.
start_kubelet() {
  cat >"$RUN/kubelet.yaml" <<YAML
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: $NODE_IP
port: $KUBELET_PORT
healthzBindAddress: 127.0.0.1
healthzPort: $KUBELET_HEALTH_PORT
tlsCertFile: $CERTS/kubelet.crt
tlsPrivateKeyFile: $CERTS/kubelet.key
authentication:
  anonymous: {enabled: false}
  webhook: {enabled: false}
  x509: {clientCAFile: $CERTS/ca.crt}
authorization: {mode: AlwaysAllow}
cgroupDriver: cgroupfs
failCgroupV1: false
failSwapOn: false
containerRuntimeEndpoint: unix://$CONTAINERD_SOCKET
staticPodPath: ""
podLogsDir: $RUN/pod-logs
makeIPTablesUtilChains: false
volumePluginDir: $RUN/kubelet/volume-plugins
clusterDNS: [$NODE_IP]
clusterDomain: cluster.local
evictionHard: {memory.available: "50Mi", nodefs.available: "1%", imagefs.available: "1%"}
imageGCHighThresholdPercent: 100
imageGCLowThresholdPercent: 99
YAML
  start kubelet "$BIN/kubelet" --config="$RUN/kubelet.yaml" --kubeconfig="$KUBECONFIG_FILE" \
    --hostname-override="$NODE_NAME" --node-ip="$NODE_IP" --root-dir="$RUN/kubelet" --cert-dir="$RUN/kubelet/pki"
}

# Node ports answer on the node's address only. The kernel's connection tracking is left as it is.
start_proxy() {
  start kube-proxy "$BIN/kube-proxy" --kubeconfig="$KUBECONFIG_FILE" --hostname-override="$NODE_NAME" --proxy-mode=iptables \
    --nodeport-addresses=primary --metrics-bind-address="127.0.0.1:$PROXY_METRICS_PORT" --healthz-bind-address="127.0.0.1:$PROXY_HEALTH_PORT" \
    --conntrack-max-per-core=0 --conntrack-tcp-timeout-established=0 --conntrack-tcp-timeout-close-wait=0
}

proxy_is_healthy() { curl -sf --noproxy '*' "http://127.0.0.1:$PROXY_HEALTH_PORT/healthz"; }

node_is_ready() { kit_kubectl get node "$NODE_NAME" 2>/dev/null | grep -q ' Ready '; }

# ---- state ----

node_healthy() { node_is_ready; }

node_env() {
  put_env MESHERYCTL_KIT_IMAGE_SLEEP "$IMAGE_SLEEP"
  put_env MESHERYCTL_KIT_CONTAINERD "$CONTAINERD_SOCKET"
}

# The kubelet itself takes the pods away while it can, since it also undoes their network;
# what then is left is ended by hand.
node_stop() {
  [ -e "$RUN/kubelet.yaml" ] || [ -e "$RUN/containerd.toml" ] || return 0
  stop kube-scheduler
  remove_pods
  stop kubelet
  stop coredns
  stop kube-proxy
  end_containers
  stop containerd
  end_orphans
  end_shims "$CONTAINERD_SOCKET"
  unmount_all
  clean_network
  clean_leftovers
}

remove_pods() {
  kept_process kubelet >/dev/null && api_healthy || return 0
  "$(program kubectl)" --kubeconfig "$KUBECONFIG_FILE" delete pods --all -A --grace-period=1 --timeout=30s >/dev/null 2>&1 ||
    say "some pods did not go by themselves"
}

end_containers() {
  local id
  kept_process containerd >/dev/null || return 0
  for id in $(kit_ctr tasks ls -q 2>/dev/null); do
    kit_ctr tasks rm -f "$id" >/dev/null 2>&1 || true
  done
}

# Where containerd is dead, its containers live on: the kubelet's folders tell whose they are.
end_orphans() {
  local pod
  for pod in "$RUN"/kubelet/pods/*; do
    [ -d "$pod" ] || continue
    find /sys/fs/cgroup -path "*/pod${pod##*/}/*" -name cgroup.procs -exec cat {} + 2>/dev/null
  done | sort -u | while read -r pid; do
    kill -KILL "$pid" 2>/dev/null || true
  done
}

# end_shims SOCKET: a shim outlives containerd, too; the socket in its arguments says whose it is
end_shims() {
  local socket=$1 folder pid
  for folder in /proc/[0-9]*; do
    pid=${folder#/proc/}
    case $(tr '\0' ' ' 2>/dev/null <"$folder/cmdline") in
      *containerd-shim*" -address $socket "*) kill -KILL "$pid" 2>/dev/null || true ;;
    esac
  done
}

unmount_all() {
  local round path
  for round in 1 2 3; do
    [ "$round" = 1 ] || sleep 0.5
    for path in $(mounts_below_run); do
      umount "$path" 2>/dev/null || true
    done
    mounts_below_run | grep -q . || return 0
  done
}

clean_network() {
  local chain side range jump target
  ! was_made pod-route || ip route del unreachable "$POD_CIDR" 2>/dev/null || true
  "$BIN/kube-proxy" --cleanup >/dev/null 2>&1 || true
  clean_pod_rules
  ! was_made firewall-chain || remove_firewall_chain
  [ ! -e "$RUN/packet-rules" ] || while read -r chain side range jump target; do
    iptables -w -D "$chain" "$side" "$range" "$jump" "$target" 2>/dev/null || true
  done <"$RUN/packet-rules"
}

remove_firewall_chain() {
  local filter
  for filter in iptables ip6tables; do
    "$filter" -w -D INPUT -j KUBE-FIREWALL
    "$filter" -w -D OUTPUT -j KUBE-FIREWALL
    "$filter" -w -F KUBE-FIREWALL
    "$filter" -w -X KUBE-FIREWALL
  done >/dev/null 2>&1 || true
}

# Pods that ended by force leave their masquerading behind: rules that name our network, and their chains.
clean_pod_rules() {
  local rules
  rules=$(iptables -w -t nat -S 2>/dev/null | grep -F "name: \\\"$NETWORK\\\"") || return 0
  {
    printf '*nat\n'
    printf '%s\n' "$rules" | sed 's/^-A/-D/'
    printf '%s\n' "$rules" | grep -oE 'CNI-(DN-)?[0-9a-f]{16,}$' | sort -u | sed 'h; s/^/-F /p; g; s/^/-X /'
    printf 'COMMIT\n'
  } | iptables-restore -w --noflush || say "the pods' packet filter rules could not be removed"
}

# What lies in folders shared with others: only what is empty, points into the run folder or names our network.
clean_leftovers() {
  local link file
  for file in "$RUN"/containerd/state/io.containerd.runtime.v2.task/k8s.io/*/address; do
    [ ! -e "$file" ] || rm -f "$(sed 's,^unix://,,' "$file")"
  done
  for file in /var/lib/cni/results/"$NETWORK"-*-eth0; do
    link=${file##*/"$NETWORK"-}
    rm -f "$file" "/var/lib/cni/results/cni-loopback-${link%-eth0}-lo"
  done
  for link in /var/log/containers/*; do
    case $(readlink "$link" 2>/dev/null) in "$RUN"/*) rm -f "$link" ;; esac
  done
  ! was_made var-lib-kubelet || rm -rf --one-file-system /var/lib/kubelet
  find /sys/fs/cgroup -depth -type d -path '*/kubepods*' -exec rmdir {} + 2>/dev/null || true
}
