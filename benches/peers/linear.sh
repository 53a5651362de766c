#!/usr/bin/env bash
# 500, 1,000 and 2,000 services applied to the practice cluster: time and peak memory grow no faster than the number.
#   benches/peers/linear.sh [--check]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=SCRIPTDIR/lib.sh
. ./lib.sh

CHECK=no MISSED=no
[ "${1:-}" != --check ] || CHECK=yes
WORK=$(mktemp -d) BINARY=$(program)
export MESHERY_HOME=$WORK/home
trap '"$BINARY" sample stop >/dev/null 2>&1 || true; rm -rf "$WORK"' EXIT
"$BINARY" sample start >/dev/null 2>&1

printf '%8s %12s %16s %10s\n' services 'apply ms' 'unchanged ms' 'peak MiB'
declare -A time memory
for services in 500 1000 2000; do
  pattern "many-$services" "$services" >"$WORK/$services.yaml"
  time[$services]=$(milliseconds "$BINARY" pattern apply -f "$WORK/$services.yaml" --kube-context practice)
  again=$(milliseconds "$BINARY" pattern apply -f "$WORK/$services.yaml" --kube-context practice)
  memory[$services]=$(peak "$BINARY" pattern apply -f "$WORK/$services.yaml" --kube-context practice)
  printf '%8s %12s %16s %10s\n' "$services" "${time[$services]}" "$again" "$((memory[$services] / 1024))"
done
# twice the services may take at most two and a half times as long: the practice cluster's own noise is in it
for what in time memory; do
  declare -n of=$what
  # shellcheck disable=SC2154 # the reference stands for time and memory
  grown=$(ratio "${of[2000]}" "${of[1000]}")
  at_most "$grown" 2.5 || MISSED=yes
  printf '%s: 2,000 services want %s times what 1,000 want\n' "$what" "$grown"
done
[ "$CHECK$MISSED" != yesyes ]
