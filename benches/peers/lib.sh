# shellcheck shell=bash
# What the benchmarks share: a pattern of any size, the wall clock, medians.

# pattern NAME SERVICES: a pattern of that many services in one namespace, of five kinds
pattern() {
  local name=$1 services=$2 i
  printf 'name: %s\nservices:\n  %s: {type: Namespace}\n' "$name" "$name"
  for ((i = 1; i < services; i++)); do
    case $((i % 5)) in
    0 | 1) printf '  c%d: {type: ConfigMap, namespace: %s, settings: {data: {key: "value %d"}}}\n' "$i" "$name" "$i" ;;
    2) printf '  s%d: {type: Service, namespace: %s, settings: {spec: {selector: {app: a%d}, ports: [{name: http, port: 80}]}}}\n' "$i" "$name" "$i" ;;
    3) printf '  d%d: {type: Deployment, namespace: %s, settings: {replicas: 0, selector: {matchLabels: {app: a%d}}, template: {metadata: {labels: {app: a%d}}, spec: {containers: [{name: main, image: "example.org/a:%d", ports: [{name: http, containerPort: 80}]}]}}}}\n' "$i" "$name" "$i" "$i" "$i" ;;
    4) printf '  r%d: {type: Role, namespace: %s, settings: {rules: [{apiGroups: [""], resources: [pods], verbs: [get, list]}]}}\n' "$i" "$name" ;;
    esac
  done
}

# milliseconds COMMAND...: how long it took; its output only when it fails
milliseconds() {
  local began ended output
  output=$(mktemp)
  began=$(date +%s%N)
  if ! "$@" >"$output" 2>&1; then
    cat "$output" >&2
    rm -f "$output"
    return 1
  fi
  ended=$(date +%s%N)
  rm -f "$output"
  echo $(((ended - began) / 1000000))
}

# peak COMMAND...: its largest resident set in KiB, read while it runs
peak() {
  local pid most=0 now
  "$@" >/dev/null 2>&1 &
  pid=$!
  while now=$(awk '/^VmHWM/ { print $2 }' "/proc/$pid/status" 2>/dev/null) && [ -n "$now" ]; do
    most=$now
    sleep 0.005
  done
  wait "$pid"
  echo "$most"
}

median() { printf '%s\n' "$@" | sort -n | sed -n "$((($# + 1) / 2))p"; }

ratio() { awk -v ours="$1" -v peer="$2" 'BEGIN { printf "%.2f", ours / peer }'; }

at_most() { awk -v value="$1" -v goal="$2" 'BEGIN { exit !(value <= goal) }'; }

program() {
  local root found
  root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
  found=${MESHERYCTL:-${CARGO_TARGET_DIR:-$root/target}/release/mesheryctl}
  [ -x "$found" ] || { printf '%s is not there: cargo build --release\n' "$found" >&2 && return 1; }
  echo "$found"
}
