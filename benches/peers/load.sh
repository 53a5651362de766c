#!/usr/bin/env bash
# The load generator beside wrk, hey, h2load and fortio on one nginx: the highest rate of one thread, and at a fixed rate
# the error of its percentiles against servers of known delay (law.sh).
#   benches/peers/load.sh [--check] [--rounds NUMBER] [--seconds NUMBER]
# It wants the kit (tests/kit/up.sh load), jq, and a release build; MESHERYCTL names another program.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=SCRIPTDIR/lib.sh
. ./lib.sh

CHECK=no MISSED=no ROUNDS=5 SECONDS_EACH=5
while [ $# -gt 0 ]; do
  case $1 in
  --check) CHECK=yes && shift ;;
  --rounds) ROUNDS=$2 && shift 2 ;;
  --seconds) SECONDS_EACH=$2 && shift 2 ;;
  *) printf 'unknown argument: %s\n' "$1" >&2 && exit 2 ;;
  esac
done
ENV_FILE=${MESHERYCTL_KIT_ENV:-${MESHERYCTL_KIT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/mesheryctl-kit}/run/env}
# shellcheck source=/dev/null
. "$ENV_FILE"
FORTIO=$MESHERYCTL_KIT_LOAD_FORTIO HTTP=$MESHERYCTL_KIT_LOAD_HTTP/ HTTP2=$MESHERYCTL_KIT_LOAD_HTTP2/
PATH=$PATH:/usr/sbin
BINARY=$(program)
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
export MESHERY_HOME=$WORK/home

# ---- one measurement each: prints requests a second, and leaves the processor time it took in $WORK/cpu ----

timed() {
  local TIMEFORMAT='%U %S'
  { time "$@" 2>/dev/null; } 2>"$WORK/cpu"
}
ours() { timed "$BINARY" perf run --url "$1" --model closed --threads 1 --connections "$2" --duration "${SECONDS_EACH}s" --no-input -o json "${@:3}" | jq .achieved_rate; }
of_ours() { ours "$HTTP" "$1"; }
of_ours_http2() { ours "$HTTP2" "$1" --protocol http2 --streams 16; }
of_wrk() { timed wrk -t1 -c"$1" -d"${SECONDS_EACH}s" "$HTTP" | awk '/^Requests\/sec/ { print $2 }'; }
of_hey() { GOMAXPROCS=1 timed hey -z "${SECONDS_EACH}s" -c "$1" "$HTTP" | awk '/Requests\/sec/ { print $2 }'; }
of_h2load() { timed h2load --h1 -t1 -c"$1" -D"$SECONDS_EACH" "$HTTP" | awk '/^finished in/ { print $4 }'; }
of_h2load_http2() { timed h2load -t1 -c"$1" -m16 -D"$SECONDS_EACH" "$HTTP2" | awk '/^finished in/ { print $4 }'; }
of_fortio() { GOMAXPROCS=1 timed "$FORTIO" load -quiet -qps 0 -c "$1" -t "${SECONDS_EACH}s" -json - "$HTTP" | jq .ActualQPS; }

stolen() { awk '/^cpu / { print $9, $2 + $3 + $4 + $5 + $6 + $7 + $8 + $9 }' /proc/stat; }
share() { awk -v a="$1" -v b="$2" 'BEGIN { split(a, x, " "); split(b, y, " "); printf "%.2f", 100 * (y[1] - x[1]) / (y[2] - x[2]) }'; }

# side_by_side TITLE CONNECTIONS OURS GOAL:PEER...: rounds in turn, medians, ratios
side_by_side() {
  local title=$1 connections=$2 own=$3 round name goal peer ours_median peer_median before rate
  shift 3
  declare -A rates=() costs=()
  before=$(stolen)
  for ((round = 0; round < ROUNDS; round++)); do
    for name in "$own" "${@#*:}"; do
      rate=$("of_$name" "$connections")
      rates[$name]+=" $rate"
      costs[$name]+=" $(awk -v n="$rate" -v s="$SECONDS_EACH" '{ print 1e6 * ($1 + $2) / (n * s) }' "$WORK/cpu")"
    done
  done
  # the rates are words
  # shellcheck disable=SC2086
  ours_median=$(median ${rates[$own]})
  printf '%s, %s connections, steal %s %%\n' "$title" "$connections" "$(share "$before" "$(stolen)")"
  # shellcheck disable=SC2086
  printf '  %-14s %12.0f req/s, %5.1f us of processor time each\n' "$own" "$ours_median" "$(median ${costs[$own]})"
  for peer in "$@"; do
    goal=${peer%%:*} name=${peer#*:}
    # shellcheck disable=SC2086
    peer_median=$(median ${rates[$name]})
    # shellcheck disable=SC2086
    printf '  %-14s %12.0f req/s, %5.1f us of processor time each; ours is %5s times that rate, goal %s\n' \
      "$name" "$peer_median" "$(median ${costs[$name]})" "$(ratio "$ours_median" "$peer_median")" "$goal"
    at_most "$(ratio "$peer_median" "$ours_median")" "$(ratio 1 "$goal")" || MISSED=yes
  done
}

for connections in 64 256; do
  side_by_side 'HTTP/1.1' "$connections" ours 1.0:wrk 1.0:hey 1.0:h2load 3.0:fortio
done
side_by_side 'HTTP/2, 16 streams' 16 ours_http2 1.0:h2load_http2

# ---- the error of percentiles ----

printf 'Own error against servers of known delay in the same process (1 %% or 20 us is the goal)\n'
"$BINARY" perf selftest --rate 1000 --duration "${SECONDS_EACH}s" || MISSED=yes
printf 'Error beside peers against a server of known delay that stands alone\n'
PATH=$(dirname "$FORTIO"):$PATH ./law.sh --check --rounds "$ROUNDS" --seconds "$SECONDS_EACH" || MISSED=yes
[ "$CHECK$MISSED" != yesyes ]
