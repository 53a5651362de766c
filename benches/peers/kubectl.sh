#!/usr/bin/env bash
# 200 objects on a real API server: first apply, unchanged apply and plan, beside kubectl with server-side apply.
#   benches/peers/kubectl.sh [--check]      OBJECTS=200 ROUNDS=5
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=SCRIPTDIR/lib.sh
. ./lib.sh

OBJECTS=${OBJECTS:-200} ROUNDS=${ROUNDS:-5} CHECK=no MISSED=no
[ "${1:-}" != --check ] || CHECK=yes
KIT=${MESHERYCTL_KIT_ENV:-${MESHERYCTL_KIT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/mesheryctl-kit}/run/env}
[ -e "$KIT" ] || { printf 'the kit is not up: tests/kit/up.sh node\n' >&2 && exit 1; }
# shellcheck disable=SC1090 # written by the kit
. "$KIT"
KUBECONFIG=$MESHERYCTL_KIT_KUBECONFIG
WORK=$(mktemp -d) BINARY=$(program)
export KUBECONFIG MESHERY_HOME=$WORK/home
trap 'cleanup' EXIT

kubectl() { "$MESHERYCTL_KIT_KUBECTL" "$@"; }
ours() { "$BINARY" pattern "$@"; }
cleanup() {
  kubectl delete namespace bench-ours bench-peer --ignore-not-found --wait=false >/dev/null 2>&1 || true
  rm -rf "$WORK"
}
gone() {
  kubectl delete namespace bench-ours bench-peer --ignore-not-found --wait=true >/dev/null
  rm -rf "$MESHERY_HOME"
}

pattern bench-ours "$OBJECTS" >"$WORK/ours.yaml"
pattern bench-peer "$OBJECTS" >"$WORK/peer-pattern.yaml"
"$BINARY" pattern export -f "$WORK/peer-pattern.yaml" --format manifests >"$WORK/peer.yaml"
[ "$(grep -c '^kind:' "$WORK/peer.yaml")" -eq "$OBJECTS" ] || { printf 'the peer has not the same objects\n' >&2 && exit 1; }

first=() first_peer=() again=() again_peer=() plan=() diff=()
for ((round = 0; round < ROUNDS; round++)); do
  gone
  first+=("$(milliseconds ours apply -f "$WORK/ours.yaml")")
  first_peer+=("$(milliseconds kubectl apply --server-side -f "$WORK/peer.yaml")")
  again+=("$(milliseconds ours apply -f "$WORK/ours.yaml")")
  again_peer+=("$(milliseconds kubectl apply --server-side -f "$WORK/peer.yaml")")
  plan+=("$(milliseconds ours plan -f "$WORK/ours.yaml" --exit-code)")
  diff+=("$(milliseconds kubectl diff --server-side -f "$WORK/peer.yaml")")
done

# line WHAT OURS PEER GOAL
line() {
  local found verdict=met
  found=$(ratio "$2" "$3")
  at_most "$found" "$4" || { verdict=missed && MISSED=yes; }
  printf '%-34s %8s %8s %7s %6s  %s\n' "$1" "$2" "$3" "$found" "$4" "$verdict"
}

printf '%-34s %8s %8s %7s %6s\n' "$OBJECTS objects, $ROUNDS rounds" 'ours ms' 'peer ms' ratio goal
line 'first apply' "$(median "${first[@]}")" "$(median "${first_peer[@]}")" 0.50
line 'unchanged apply' "$(median "${again[@]}")" "$(median "${again_peer[@]}")" 0.33
line 'plan, nothing differs (kubectl diff)' "$(median "${plan[@]}")" "$(median "${diff[@]}")" 0.20
[ "$CHECK$MISSED" != yesyes ]
