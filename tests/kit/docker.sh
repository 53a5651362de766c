# shellcheck shell=bash
# Tier docker: a Docker engine of its own, beside whatever else the machine has: its own folders, sockets, bridge and
# addresses. It stands beside the cluster's tiers and builds on none.
# An engine that is there already is used where MESHERYCTL_KIT_DOCKER_HOST names it; nothing is started then.

# unix sockets' paths are short: those of the engine lie directly in the run folder
DOCKER_SOCKET=$RUN/docker.sock
DOCKER_CONTAINERD_SOCKET=$RUN/docker-containerd.sock
DOCKER_FOLDER=$RUN/docker

uses_given_engine() { [ -n "${MESHERYCTL_KIT_DOCKER_HOST:-}" ] && [ "$MESHERYCTL_KIT_DOCKER_HOST" != "unix://$DOCKER_SOCKET" ]; }

docker_host() { if uses_given_engine; then printf '%s\n' "$MESHERYCTL_KIT_DOCKER_HOST"; else printf 'unix://%s\n' "$DOCKER_SOCKET"; fi; }

kit_docker() { docker --host "$(docker_host)" "$@"; }

# ---- install ----

docker_install() {
  need docker docker.io
  need docker-compose docker-compose
  if ! uses_given_engine; then
    need dockerd docker.io
    need containerd containerd
    need runc runc
    need iptables iptables
    need ip iproute2
    is_started docker || refuse_other_engine
  fi
  install_missing_packages
}

# ---- start ----

docker_start() {
  if uses_given_engine; then
    docker_healthy || die "no engine answers at MESHERYCTL_KIT_DOCKER_HOST=$MESHERYCTL_KIT_DOCKER_HOST"
    return
  fi
  is_root || die "tier docker needs root"
  mkdir -p "$DOCKER_FOLDER"
  note_what_the_engine_changes
  make_bridge
  start_docker_containerd
  start_engine
}

# Two engines that both keep the packet filter would take away each other's rules.
refuse_other_engine() {
  local folder
  for folder in /proc/[0-9]*; do
    [ "$(cat "$folder/comm" 2>/dev/null)" != dockerd ] || has_ended "${folder#/proc/}" || die "an engine runs on this machine already: use it with MESHERYCTL_KIT_DOCKER_HOST=unix:///var/run/docker.sock"
  done
}

# An engine turns forwarding on, makes chains of its own, and where forwarding was off drops what is forwarded.
note_what_the_engine_changes() {
  cat /proc/sys/net/ipv4/ip_forward >"$DOCKER_FOLDER/ip-forward"
  iptables -w -S FORWARD | grep '^-P' >"$DOCKER_FOLDER/forward-policy"
  iptables -w -n -L DOCKER >/dev/null 2>&1 || note_made docker-chains
  [ -e /run/docker ] || note_made run-docker
}

make_bridge() {
  ip link show "$DOCKER_BRIDGE" >/dev/null 2>&1 && return
  ip link add "$DOCKER_BRIDGE" type bridge
  note_made docker-bridge
  ip addr add "$DOCKER_BRIDGE_ADDRESS" dev "$DOCKER_BRIDGE"
  ip link set "$DOCKER_BRIDGE" up
}

start_docker_containerd() {
  cat >"$RUN/docker-containerd.toml" <<TOML
version = 2
root = "$DOCKER_FOLDER/containerd"
state = "$DOCKER_FOLDER/containerd-state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
  address = "$DOCKER_CONTAINERD_SOCKET"
[plugins."io.containerd.internal.v1.opt"]
  path = "$DOCKER_FOLDER/opt"
TOML
  start docker-containerd containerd -c "$RUN/docker-containerd.toml"
  wait_for docker-containerd 60 ctr -a "$DOCKER_CONTAINERD_SOCKET" version
}

# The daemon reads no file of this machine: /etc/docker belongs to another.
start_engine() {
  printf '{}\n' >"$RUN/docker-daemon.json"
  start dockerd dockerd --config-file "$RUN/docker-daemon.json" \
    --host "unix://$DOCKER_SOCKET" --group "$(id -g)" --pidfile "$RUN/dockerd.pid" \
    --data-root "$DOCKER_FOLDER/data" --exec-root "$DOCKER_FOLDER/exec" --containerd "$DOCKER_CONTAINERD_SOCKET" \
    --bridge "$DOCKER_BRIDGE" --default-address-pool "base=$DOCKER_POOL,size=24" \
    --exec-opt native.cgroupdriver=cgroupfs --oom-score-adjust 0 --shutdown-timeout 5
  wait_for dockerd 60 kit_docker version
}

# ---- state ----

docker_healthy() { kit_docker version >/dev/null 2>&1; }

docker_env() {
  put_env MESHERYCTL_KIT_DOCKER_HOST "$(docker_host)"
  put_env MESHERYCTL_KIT_DOCKER "$(command -v docker)"
  put_env MESHERYCTL_KIT_COMPOSE "$(command -v docker-compose)"
}

# The engine itself ends its containers while it can; what then is left is ended by hand.
docker_stop() {
  [ -d "$DOCKER_FOLDER" ] || return 0
  end_docker_containers
  stop dockerd
  stop docker-containerd
  end_shims "$DOCKER_CONTAINERD_SOCKET"
  unmount_all
  clean_docker_network
  ! was_made run-docker || rmdir /run/docker/plugins /run/docker 2>/dev/null || true
}

end_docker_containers() {
  local ids
  kept_process dockerd >/dev/null || return 0
  ids=$(kit_docker ps -aq 2>/dev/null) || return 0
  # the list is of words
  # shellcheck disable=SC2086
  [ -z "$ids" ] || kit_docker rm -f $ids >/dev/null 2>&1 || true
}

# Bridges and rules that name our addresses are ours; chains only where the engine brought them.
clean_docker_network() {
  local link
  clean_docker_rules filter
  clean_docker_rules nat
  for link in $(ip -o -4 addr show | grep -E " ${DOCKER_PREFIX//./\\.}\." | cut -d' ' -f2 | sort -u); do
    ip link del "$link" 2>/dev/null || true
  done
  ! was_made docker-bridge || ip link del "$DOCKER_BRIDGE" 2>/dev/null || true
  ! grep -qx -- '-P FORWARD ACCEPT' "$DOCKER_FOLDER/forward-policy" 2>/dev/null || iptables -w -P FORWARD ACCEPT
  ! grep -qx 0 "$DOCKER_FOLDER/ip-forward" 2>/dev/null || printf '0\n' >/proc/sys/net/ipv4/ip_forward
}

# clean_docker_rules TABLE
clean_docker_rules() {
  local table=$1 links rules chains
  was_made docker-chains || return 0
  links=$(ip -o -4 addr show | grep -E " ${DOCKER_PREFIX//./\\.}\." | cut -d' ' -f2 | sort -u | tr '\n' '|')
  rules=$(iptables -w -t "$table" -S 2>/dev/null | grep -E -- "^-A (DOCKER|.*(-j DOCKER|[ !]${DOCKER_PREFIX//./\\.}\.|-[io] (${links}$DOCKER_BRIDGE)( |\$)))") || true
  chains=$(iptables -w -t "$table" -S 2>/dev/null | sed -n 's/^-N \(DOCKER.*\)/\1/p')
  [ -n "$rules$chains" ] || return 0
  {
    printf '*%s\n' "$table"
    [ -z "$rules" ] || printf '%s\n' "$rules" | sed 's/^-A/-D/'
    [ -z "$chains" ] || printf '%s\n' "$chains" | sed 's/^/-X /'
    printf 'COMMIT\n'
  } | iptables-restore -w --noflush || say "the engine's packet filter rules could not be removed"
}
