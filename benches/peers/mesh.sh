#!/usr/bin/env bash
# What a real mesh costs: the same service with and without sidecars (mutual TLS), measured in turn at one fixed rate by
# `mesheryctl perf run`, by the same with `--no-busy`, and by fortio in pods beside each other. Prints the overhead with its
# interval, the figures of all three of the same series, and a MeshMark.
#   benches/peers/mesh.sh      ROUNDS=5 RATE=400 SECONDS_EACH=10 CONNECTIONS=8
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=SCRIPTDIR/lib.sh
. ./lib.sh

ROUNDS=${ROUNDS:-5} RATE=${RATE:-400} SECONDS_EACH=${SECONDS_EACH:-10} CONNECTIONS=${CONNECTIONS:-8}
KIT=${MESHERYCTL_KIT_ENV:-${MESHERYCTL_KIT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/mesheryctl-kit}/run/env}
[ -e "$KIT" ] || { printf 'the kit is not up: tests/kit/up.sh istio\n' >&2 && exit 1; }
# shellcheck disable=SC1090 # written by the kit
. "$KIT"
WORK=$(mktemp -d) BINARY=$(program)
export MESHERY_HOME=$WORK/home KUBECONFIG=$MESHERYCTL_KIT_KUBECONFIG
trap 'cleanup' EXIT

kubectl() { "$MESHERYCTL_KIT_KUBECTL" "$@"; }
cleanup() {
  kubectl delete namespace bench-plain bench-mesh --ignore-not-found --wait=false >/dev/null 2>&1 || true
  rm -rf "$WORK"
}

# world NAMESPACE INJECTION: a server, and a pod with both generators
world() {
  cat <<YAML
apiVersion: v1
kind: Namespace
metadata: {name: $1, labels: {istio-injection: $2}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: server, namespace: $1}
spec:
  selector: {matchLabels: {app: server}}
  template:
    metadata: {labels: {app: server}}
    spec:
      containers:
        - {name: fortio, image: "$MESHERYCTL_KIT_IMAGE_FORTIO", imagePullPolicy: Never, args: [server], ports: [{name: http, containerPort: 8080}]}
---
apiVersion: v1
kind: Service
metadata: {name: server, namespace: $1}
spec: {selector: {app: server}, ports: [{name: http, port: 80, targetPort: 8080}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: client, namespace: $1}
spec:
  selector: {matchLabels: {app: client}}
  template:
    metadata: {labels: {app: client}}
    spec:
      containers:
        - {name: fortio, image: "$MESHERYCTL_KIT_IMAGE_FORTIO", imagePullPolicy: Never, args: [server]}
        - name: ours
          image: "$IMAGE"
          imagePullPolicy: Never
          args: [serve, worker]
          env: [{name: MESHERY_HOME, value: /tmp/meshery}]
          volumeMounts: [{name: home, mountPath: /tmp}]
      volumes: [{name: home, emptyDir: {}}]
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default, namespace: $1}
spec: {mtls: {mode: $([ "$2" = enabled ] && echo STRICT || echo PERMISSIVE)}}
YAML
}

inside() {
  local namespace=$1 container=$2
  shift 2
  kubectl -n "$namespace" exec deployment/client -c "$container" -- "$@"
}

# ours NAMESPACE FLAG...
ours() {
  local namespace=$1
  shift
  inside "$namespace" ours /usr/local/bin/mesheryctl perf run --name "$namespace" --url http://server/ --rate "$RATE" \
    --connections "$CONNECTIONS" --duration "${SECONDS_EACH}s" --warm-up 2s -o json "$@"
}

# a fine resolution, without which everything below a millisecond would be one bucket
fortio() {
  inside "$1" fortio /fortio load -quiet -qps "$RATE" -c "$CONNECTIONS" -t "${SECONDS_EACH}s" -r 0.00001 -p 50,90,99 -json - http://server/
}

"$BINARY" system image save -f "$WORK/image.tar" >"$WORK/image"
IMAGE=$(awk 'NR == 1 { print $1 }' "$WORK/image")
ctr --address "$MESHERYCTL_KIT_CONTAINERD" -n k8s.io images import "$WORK/image.tar" >/dev/null
world bench-plain disabled | kubectl apply -f - >/dev/null
world bench-mesh enabled | kubectl apply -f - >/dev/null
for namespace in bench-plain bench-mesh; do
  kubectl -n "$namespace" rollout status deployment/server deployment/client --timeout=120s >/dev/null
done

for ((round = 1; round <= ROUNDS; round++)); do
  for namespace in bench-plain bench-mesh; do
    ours "$namespace" >"$WORK/$namespace-$round.json" 2>"$WORK/log" || { cat "$WORK/log" >&2 && exit 1; }
    ours "$namespace" --no-busy >"$WORK/sleeping-$namespace-$round.json" 2>"$WORK/log" || { cat "$WORK/log" >&2 && exit 1; }
    fortio "$namespace" >"$WORK/fortio-$namespace-$round.json" 2>"$WORK/log" || { cat "$WORK/log" >&2 && exit 1; }
  done
done

# the median of the rounds of a figure that jq takes from each of the files
middle() {
  local filter=$1
  shift
  jq -r "$filter" "$@" | sort -n | sed -n "$(((ROUNDS + 1) / 2))p"
}
# figures SERIES NAMESPACE PERCENTILE: response times, in us
figures() {
  local round file
  case $1 in
    fortio) middle ".DurationHistogram.Percentiles[] | select(.Percentile == $3) | .Value * 1000000 | round" "$WORK"/fortio-"$2"-*.json ;;
    *)
      for ((round = 1; round <= ROUNDS; round++)); do
        file=$WORK/$2-$round.json
        [ "$1" = ours ] || file=$WORK/$1-$2-$round.json
        "$BINARY" perf convert "$file" --to fortio 2>/dev/null
      done | middle ".DurationHistogram.Percentiles[] | select(.Percentile == $3) | .Value * 1000000 | round"
      ;;
  esac
}
files() { printf '%s\n' "$WORK"/"$1"-*.json | paste -sd,; }
printf '%s rounds of %s s at %s requests a second over %s connections\n' "$ROUNDS" "$SECONDS_EACH" "$RATE" "$CONNECTIONS"
for ((round = 1; round <= ROUNDS; round++)); do
  printf 'round %s: ' "$round"
  "$BINARY" perf compare "$WORK/bench-plain-$round.json" "$WORK/bench-mesh-$round.json" | awk '/BASELINE/ || /^p(50|90|99) /'
done
printf '\nmedian of the rounds in us: without, with, overhead\n'
for series in ours sleeping fortio; do
  for percentile in 50 90 99; do
    plain=$(figures "$series" bench-plain "$percentile") mesh=$(figures "$series" bench-mesh "$percentile")
    printf '%-9s p%s %8s %8s %8s\n' "$series" "$percentile" "$plain" "$mesh" "$((mesh - plain))"
  done
done
printf '\n'
"$BINARY" perf meshmark --with "$(files bench-mesh)" --without "$(files bench-plain)"
