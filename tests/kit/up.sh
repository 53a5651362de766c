#!/usr/bin/env bash
# Brings real components up for the ignored tests, and writes where they are to an env file.
#   tests/kit/up.sh [TIER...]   tiers: api, node (the default; holds api), istio (holds node), docker, metrics and load (beside them)
# The env file's path is the last line on stdout: $MESHERYCTL_KIT_CACHE/run/env, by default
# below ${XDG_CACHE_HOME:-~/.cache}/mesheryctl-kit. What is up and healthy is left alone.
#   KUBEBUILDER_ASSETS=DIR          tier api with the etcd, kube-apiserver and kubectl of DIR
#   MESHERYCTL_KIT_KUBECONFIG=FILE  use the cluster of FILE; tests will write to it. Starts no cluster.
#   MESHERYCTL_KIT_DOCKER_HOST=URL  use the Docker engine at URL; tests will make containers there. Starts no engine.
set -euo pipefail
# shellcheck source=tests/kit/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

usage() {
  sed -n '2,/^set/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
  exit "$1"
}

choose_tiers() {
  local tier asked wanted=' '
  for asked in "$@"; do
    case $asked in -h | --help) usage 0 ;; esac
    case " ${TIERS[*]} " in *" $asked "*) ;; *) printf 'kit: error: unknown tier: %s; tiers: %s\n' "$asked" "${TIERS[*]}" >&2 && exit 2 ;; esac
    wanted="$wanted$(builds_on "$asked" | tr '\n' ' ')$asked "
  done
  [ "$#" -gt 0 ] || wanted=' api node '
  WANTED_TIERS=()
  for tier in "${TIERS[@]}"; do
    case $wanted in *" $tier "*) WANTED_TIERS+=("$tier") ;; esac
  done
}

# A shell that has read our own env file names our own cluster: that is no choice of another.
asks_for_existing_cluster() {
  [ -n "${MESHERYCTL_KIT_KUBECONFIG:-}" ] && [ "$MESHERYCTL_KIT_KUBECONFIG" != "$KUBECONFIG_FILE" ]
}

# The cluster's own tiers are not needed then.
use_existing_cluster() {
  local tier others=()
  [ -r "$MESHERYCTL_KIT_KUBECONFIG" ] || die "MESHERYCTL_KIT_KUBECONFIG=$MESHERYCTL_KIT_KUBECONFIG cannot be read"
  ! is_started api || die "the kit's own cluster is up: run tests/kit/down.sh first, or unset MESHERYCTL_KIT_KUBECONFIG"
  say "using the cluster of $MESHERYCTL_KIT_KUBECONFIG; no cluster is started"
  for tier in "${WANTED_TIERS[@]}"; do
    case $tier in api | node | istio) ;; *) others+=("$tier") ;; esac
  done
  WANTED_TIERS=("${others[@]}")
}

everything_wanted_is_up() {
  local tier
  [ -e "$ENV_FILE" ] && [ ! -e "$RUN/starting" ] && all_processes_live || return 1
  ! asks_for_existing_cluster || return 1
  for tier in "${WANTED_TIERS[@]}"; do
    is_started "$tier" && "${tier}_healthy" || return 1
  done
}

# What runs can be built upon when it is whole and listens where the wanted tier needs it.
can_be_extended() {
  local tier
  [ ! -e "$RUN/starting" ] && [ -s "$RUN/tiers" ] && all_processes_live || return 1
  while read -r tier; do
    "${tier}_healthy" </dev/null || return 1
  done <"$RUN/tiers"
  ! wants node || ! is_started api || { [ "$(cat "$RUN/address")" = "$NODE_IP" ] && kept_process kube-controller-manager >/dev/null; }
}

start_tier() {
  ! is_started "$1" || return 0
  say "starting tier $1"
  (umask 077 && mkdir -p "$RUN")
  touch "$RUN/starting"
  "$1_start"
  printf '%s\n' "$1" >>"$RUN/tiers"
  rm -f "$RUN/starting"
}

write_env() {
  local tier
  rm -f "$ENV_FILE.new"
  (umask 077 && : >"$ENV_FILE.new")
  if asks_for_existing_cluster; then
    put_env MESHERYCTL_KIT_KUBECONFIG "$MESHERYCTL_KIT_KUBECONFIG"
    tools_env
  fi
  [ ! -s "$RUN/tiers" ] || while read -r tier; do "${tier}_env"; done <"$RUN/tiers"
  mv -f "$ENV_FILE.new" "$ENV_FILE"
}

# The tests run as the user who called sudo.
hand_over() {
  local file
  [ -n "${SUDO_UID:-}" ] || return 0
  for file in "$RUN" "$ENV_FILE" "$KUBECONFIG_FILE" "$DOCKER_SOCKET"; do
    [ ! -e "$file" ] || chown "$SUDO_UID:${SUDO_GID:-$SUDO_UID}" "$file"
  done
}

install_tiers() {
  local tier
  # what an interrupted build left lying
  rm -rf "$SCRATCH"
  mkdir -p "$SCRATCH"
  for tier in "${WANTED_TIERS[@]}"; do
    "${tier}_install"
  done
  rm -rf "$SCRATCH"
}

# Whether the wanted tiers cannot be started by this user.
needs_root() {
  ! is_root || return 1
  needs_root_to_manage || wants node || { wants docker && ! uses_given_engine; }
}

main() {
  local tier
  check_places
  choose_tiers "$@"
  if [ "$(uname -s)" != Linux ] && ! asks_for_existing_cluster; then
    die "the kit runs on Linux; to use a cluster you have, set MESHERYCTL_KIT_KUBECONFIG to its kubeconfig"
  fi
  take_lock
  ! asks_for_existing_cluster || use_existing_cluster
  if everything_wanted_is_up; then
    say "${WANTED_TIERS[*]}: up and healthy"
    printf '%s\n' "$ENV_FILE"
    return
  fi
  install_tiers
  if needs_root; then
    again_as_root "${WANTED_TIERS[*]}" "$KIT_DIR/up.sh" "${WANTED_TIERS[@]}"
    return
  fi
  if { [ -e "$RUN/tiers" ] || [ -e "$RUN/starting" ]; } && ! can_be_extended; then
    say "what is left of an earlier run is cleared away"
    stop_all
  fi
  (umask 077 && mkdir -p "$RUN")
  for tier in "${WANTED_TIERS[@]}"; do
    start_tier "$tier"
  done
  write_env
  hand_over
  say "${WANTED_TIERS[*]}: up"
  printf '%s\n' "$ENV_FILE"
}

main "$@"
