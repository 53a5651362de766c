#!/usr/bin/env bash
# Brings real components up for the ignored tests, and writes where they are to an env file.
#   tests/kit/up.sh [TIER...]   tiers: api, node (the default; holds api), istio (holds node)
# The env file's path is the last line on stdout: $MESHERYCTL_KIT_CACHE/run/env, by default
# below ${XDG_CACHE_HOME:-~/.cache}/mesheryctl-kit. What is up and healthy is left alone.
#   KUBEBUILDER_ASSETS=DIR          tier api with the etcd, kube-apiserver and kubectl of DIR
#   MESHERYCTL_KIT_KUBECONFIG=FILE  use the cluster of FILE; tests will write to it. Starts nothing.
set -euo pipefail
# shellcheck source=tests/kit/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

usage() {
  sed -n '2,/^set/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
  exit "$1"
}

choose_tier() {
  local tier asked wanted=
  for asked in "$@"; do
    case $asked in -h | --help) usage 0 ;; esac
    case " ${TIERS[*]} " in *" $asked "*) ;; *) printf 'kit: error: unknown tier: %s; tiers: %s\n' "$asked" "${TIERS[*]}" >&2 && exit 2 ;; esac
  done
  for tier in "${TIERS[@]}"; do
    case " $* " in *" $tier "*) wanted=$tier ;; esac
  done
  WANTED_TIER=${wanted:-node}
}

# the wanted tier and those it builds on, lowest first
wanted_tiers() {
  local tier
  for tier in "${TIERS[@]}"; do
    printf '%s\n' "$tier"
    [ "$tier" != "$WANTED_TIER" ] || return 0
  done
}

# A shell that has read our own env file names our own cluster: that is no choice of another.
asks_for_existing_cluster() {
  [ -n "${MESHERYCTL_KIT_KUBECONFIG:-}" ] && [ "$MESHERYCTL_KIT_KUBECONFIG" != "$KUBECONFIG_FILE" ]
}

use_existing_cluster() {
  [ -r "$MESHERYCTL_KIT_KUBECONFIG" ] || die "MESHERYCTL_KIT_KUBECONFIG=$MESHERYCTL_KIT_KUBECONFIG cannot be read"
  [ ! -e "$RUN/tiers" ] || die "the kit's own cluster is up: run tests/kit/down.sh first, or unset MESHERYCTL_KIT_KUBECONFIG"
  say "using the cluster of $MESHERYCTL_KIT_KUBECONFIG; nothing is started"
  (umask 077 && mkdir -p "$RUN")
  rm -f "$ENV_FILE.new"
  put_env MESHERYCTL_KIT_TIER existing
  put_env MESHERYCTL_KIT_KUBECONFIG "$MESHERYCTL_KIT_KUBECONFIG"
  tools_env
  mv -f "$ENV_FILE.new" "$ENV_FILE"
  printf '%s\n' "$ENV_FILE"
}

everything_wanted_is_up() {
  local tier
  [ -e "$ENV_FILE" ] && [ ! -e "$RUN/starting" ] && all_processes_live || return 1
  for tier in $(wanted_tiers); do
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
  [ "$WANTED_TIER" = api ] || { [ "$(cat "$RUN/address")" = "$NODE_IP" ] && kept_process kube-controller-manager >/dev/null; }
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
  put_env MESHERYCTL_KIT_TIER "$(tail -n 1 "$RUN/tiers")"
  while read -r tier; do "${tier}_env"; done <"$RUN/tiers"
  mv -f "$ENV_FILE.new" "$ENV_FILE"
}

# The tests run as the user who called sudo.
hand_over() {
  [ -z "${SUDO_UID:-}" ] || chown "$SUDO_UID:${SUDO_GID:-$SUDO_UID}" "$RUN" "$ENV_FILE" "$KUBECONFIG_FILE"
}

install_tiers() {
  local tier
  # what an interrupted build left lying
  rm -rf "$SCRATCH"
  mkdir -p "$SCRATCH"
  for tier in $(wanted_tiers); do
    "${tier}_install"
  done
  rm -rf "$SCRATCH"
}

main() {
  local tier
  check_places
  choose_tier "$@"
  if asks_for_existing_cluster; then
    take_lock
    use_existing_cluster
    return
  fi
  [ "$(uname -s)" = Linux ] || die "the kit runs on Linux; to use a cluster you have, set MESHERYCTL_KIT_KUBECONFIG to its kubeconfig"
  take_lock
  if everything_wanted_is_up; then
    say "tier $(tail -n 1 "$RUN/tiers") is up and healthy"
    printf '%s\n' "$ENV_FILE"
    return
  fi
  install_tiers
  if needs_root_to_manage || { [ "$WANTED_TIER" != api ] && ! is_root; }; then
    again_as_root "tier $WANTED_TIER" "$KIT_DIR/up.sh" "$WANTED_TIER"
    return
  fi
  if [ -e "$RUN" ] && ! can_be_extended; then
    say "what is left of an earlier run is cleared away"
    stop_all
  fi
  for tier in $(wanted_tiers); do
    start_tier "$tier"
  done
  write_env
  hand_over
  say "tier $WANTED_TIER is up"
  printf '%s\n' "$ENV_FILE"
}

main "$@"
