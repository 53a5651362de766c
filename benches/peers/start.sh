#!/usr/bin/env bash
# The plane from nothing until it answers, on Docker and on Kubernetes, with its image at hand: beside the same containers
# by `docker run` and the same objects by `kubectl apply` and `kubectl rollout status`. Prints the image's size and the
# largest resident set of the command line too. The goals leave room for what the peers do not do: the state is read and compared
# first, permissions are reviewed, an inventory is kept, and the plane has to answer.
#   benches/peers/start.sh [--check]      ROUNDS=5
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=SCRIPTDIR/lib.sh
. ./lib.sh

ROUNDS=${ROUNDS:-5} CHECK=no MISSED=no PORT=${PORT:-19081}
[ "${1:-}" != --check ] || CHECK=yes
KIT=${MESHERYCTL_KIT_ENV:-${MESHERYCTL_KIT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/mesheryctl-kit}/run/env}
[ -e "$KIT" ] || { printf 'the kit is not up: tests/kit/up.sh node docker\n' >&2 && exit 1; }
# shellcheck disable=SC1090 # written by the kit
. "$KIT"
WORK=$(mktemp -d) BINARY=$(program)
export MESHERY_HOME=$WORK/home KUBECONFIG=$MESHERYCTL_KIT_KUBECONFIG DOCKER_HOST=$MESHERYCTL_KIT_DOCKER_HOST
NODE_IMAGES=containerd=$MESHERYCTL_KIT_CONTAINERD
trap 'cleanup' EXIT
mkdir -p "$MESHERY_HOME"
cat >"$MESHERY_HOME/config.yaml" <<YAML
contexts:
  engine: {endpoint: 'http://localhost:$PORT', platform: docker, components: []}
  cluster: {endpoint: 'http://localhost:9', platform: kubernetes, components: []}
current-context: engine
YAML

kubectl() { "$MESHERYCTL_KIT_KUBECTL" "$@"; }
ours() { "$BINARY" system "$@"; }
cleanup() {
  { ours stop --reset --yes --context engine && ours stop --reset --yes --context cluster --namespace bench-start; } >/dev/null 2>&1 || true
  remove_peers >/dev/null 2>&1 || true
  rm -rf "$WORK"
}
remove_peers() {
  docker rm --force --volumes bench-start
  docker network rm bench-start
  docker volume rm bench-start
  kubectl delete --ignore-not-found -f "$WORK/plane.yaml" --wait=true
}

answers() { curl -sf -o /dev/null --max-time 1 "http://localhost:$PORT/healthz/ready"; }

# what `system start -p docker` makes of a server without adapters, by hand
peer_docker() {
  docker network create bench-start
  docker volume create bench-start
  docker run -d --name bench-start --network bench-start -v bench-start:/var/lib/meshery -p "127.0.0.1:$PORT:9081" \
    -e MESHERY_HOME=/var/lib/meshery --read-only --tmpfs /tmp --cap-drop ALL --user 65532:65532 "$IMAGE" \
    serve server --host 0.0.0.0 --port 9081
  until answers; do sleep 0.02; done
}

peer_kubernetes() {
  kubectl apply --server-side -f "$WORK/plane.yaml"
  kubectl -n bench-start rollout status deployment/meshery --timeout=60s
}

ours_kubernetes() { ours start --context cluster --load "$NODE_IMAGES" --namespace bench-start --storage ephemeral; }

# the image is brought to engine and node once, and its name and the objects are read off what is there
ours start --context engine >/dev/null 2>&1
IMAGE=$(docker ps --filter "publish=$PORT" --format '{{.Image}}')
ours_kubernetes >/dev/null 2>&1
ours manifest --context cluster --namespace bench-start --storage ephemeral --with-token >"$WORK/plane.yaml"
size=$(docker image inspect --format '{{.Size}}' "$IMAGE")
ours stop --reset --yes --context engine >/dev/null 2>&1
ours stop --reset --yes --context cluster >/dev/null 2>&1

docker_ours=() docker_peer=() cluster_ours=() cluster_peer=()
for ((round = 0; round < ROUNDS; round++)); do
  docker_ours+=("$(milliseconds ours start --context engine)")
  ours stop --reset --yes --context engine >/dev/null 2>&1
  docker_peer+=("$(milliseconds peer_docker)")
  remove_peers >/dev/null 2>&1 || true
  cluster_ours+=("$(milliseconds ours_kubernetes)")
  ours stop --reset --yes --context cluster >/dev/null 2>&1
  cluster_peer+=("$(milliseconds peer_kubernetes)")
  remove_peers >/dev/null 2>&1 || true
done
engine_memory=$(peak "$BINARY" system start --context engine)
cluster_memory=$(peak "$BINARY" system start --context cluster --load "$NODE_IMAGES" --namespace bench-start --storage ephemeral)

# line WHAT OURS PEER GOAL
line() {
  local found verdict=met
  found=$(ratio "$2" "$3")
  at_most "$found" "$4" || { verdict=missed && MISSED=yes; }
  printf '%-34s %8s %8s %7s %6s  %s\n' "$1" "$2" "$3" "$found" "$4" "$verdict"
}

printf '%-34s %8s %8s %7s %6s\n' "start until it answers, $ROUNDS rounds" 'ours ms' 'peer ms' ratio goal
line 'docker (docker run)' "$(median "${docker_ours[@]}")" "$(median "${docker_peer[@]}")" 1.50
line 'kubernetes (kubectl, rollout)' "$(median "${cluster_ours[@]}")" "$(median "${cluster_peer[@]}")" 1.50
printf 'image: %s MiB; peak of the command line: %s MiB on docker, %s MiB on kubernetes\n' \
  "$((size / 1048576))" "$((engine_memory / 1024))" "$((cluster_memory / 1024))"
[ "$CHECK$MISSED" != yesyes ]
