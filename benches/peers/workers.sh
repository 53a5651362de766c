#!/usr/bin/env bash
# Workers as machines of their own: 1, 2, 4 and 8 of them, each in a network namespace on one bridge, against one nginx that
# listens there. At a fixed rate for each worker, and at as much as each can: the total rate, the linear share (rate divided by
# the workers and by the rate of one), and how much of the machine's time was left. Linear is wanted until the machine is
# saturated, which is: less than 5 % of its processors' time is idle.
#   benches/peers/workers.sh [--check]      ROUNDS=3 RATE=1500 SECONDS_EACH=5
# It wants root, iproute2, nginx, jq and a release build; MESHERYCTL names another program.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=SCRIPTDIR/lib.sh
. ./lib.sh

CHECK=no MISSED=no
[ "${1:-}" != --check ] || CHECK=yes
ROUNDS=${ROUNDS:-3} RATE=${RATE:-1500} SECONDS_EACH=${SECONDS_EACH:-5} CONNECTIONS=4 MOST=8 GOAL=0.9 IDLE_LEAST=5
PATH=$PATH:/usr/sbin
[ "$(id -u)" = 0 ] || { printf 'network namespaces want root\n' >&2 && exit 1; }
BINARY=$(program)
WORK=$(mktemp -d)
# 198.18.0.0/15 is set apart for benchmarks by RFC 2544
BRIDGE=mcb$$ SPACE=mesheryctl-bench-$$ NET=198.18.$((RANDOM % 256))
STARTED=()
export MESHERY_HOME=$WORK/home MESHERY_WORKER_TOKEN=bench-$$-$RANDOM
trap cleanup EXIT

cleanup() {
  local index
  [ "${#STARTED[@]}" = 0 ] || kill "${STARTED[@]}" 2>/dev/null || true
  wait
  for ((index = 1; index <= MOST; index++)); do ip netns delete "$SPACE-$index" 2>/dev/null || true; done
  ip link delete "$BRIDGE" 2>/dev/null || true
  rm -rf "$WORK"
}

bridge() {
  ip link add "$BRIDGE" type bridge
  ip address add "$NET.1/24" dev "$BRIDGE"
  ip link set "$BRIDGE" up
}

# worker NUMBER: a namespace with a worker in it
worker() {
  local space=$SPACE-$1 veth=${BRIDGE}v$1
  ip netns add "$space"
  ip link add "$veth" type veth peer name eth0 netns "$space"
  ip link set "$veth" master "$BRIDGE" up
  ip -n "$space" address add "$NET.$((10 + $1))/24" dev eth0
  ip -n "$space" link set lo up
  ip -n "$space" link set eth0 up
  ip netns exec "$space" "$BINARY" serve worker --listen "$NET.$((10 + $1)):10100" 2>"$WORK/worker-$1" &
  STARTED+=($!)
  until grep -q 'serves at' "$WORK/worker-$1"; do sleep 0.05; done
}

target() {
  cat >"$WORK/nginx.conf" <<NGINX
worker_processes 1; daemon off; pid $WORK/nginx.pid; error_log $WORK/error.log;
events { worker_connections 4096; }
http {
  access_log off; keepalive_requests 1000000000;
  client_body_temp_path $WORK/body; proxy_temp_path $WORK/proxy; fastcgi_temp_path $WORK/fastcgi;
  uwsgi_temp_path $WORK/uwsgi; scgi_temp_path $WORK/scgi;
  server { listen $NET.1:8080 backlog=4096; location / { return 200 "hello, world\n"; } }
}
NGINX
  nginx -p "$WORK" -e "$WORK/error.log" -c "$WORK/nginx.conf" &
  STARTED+=($!)
  until curl -fsS "http://$NET.1:8080/" >/dev/null 2>&1; do sleep 0.05; done
}

# idle and all of the processors' time so far, in ticks
ticks() { awk '/^cpu / { print $5 + $6, $2 + $3 + $4 + $5 + $6 + $7 + $8 + $9 }' /proc/stat; }
idle_between() { awk -v a="$1" -v b="$2" 'BEGIN { split(a, x, " "); split(b, y, " "); printf "%.1f", 100 * (y[1] - x[1]) / (y[2] - x[2]) }'; }

# measure WORKERS fixed|max: prints the rate and the idle share of one run
measure() {
  local count=$1 locations before result load=(--model closed)
  locations=$(for ((i = 1; i <= count; i++)); do printf '%s.%s:10100\n' "$NET" "$((10 + i))"; done | paste -sd,)
  [ "$2" = max ] || load=(--rate "$((RATE * count))")
  before=$(ticks)
  result=$("$BINARY" perf run --url "http://$NET.1:8080/" "${load[@]}" --threads 1 --connections "$((CONNECTIONS * count))" \
    --duration "${SECONDS_EACH}s" --workers "$locations" --no-input -o json 2>"$WORK/log") || { cat "$WORK/log" >&2 && return 1; }
  printf '%s %s\n' "$(jq '.achieved_rate | round' <<<"$result")" "$(idle_between "$before" "$(ticks)")"
}

# series fixed|max: rounds in turn, so that what else the machine does falls on every number of workers
series() {
  local how=$1 round count out one rate idle share verdict
  declare -A rates=() idles=()
  for ((round = 0; round < ROUNDS; round++)); do
    for count in 1 2 4 8; do
      out=$(measure "$count" "$how")
      rates[$count]+=" ${out% *}"
      idles[$count]+=" ${out#* }"
    done
  done
  printf '%8s %12s %14s %8s\n' workers 'total req/s' 'linear share' 'idle %'
  for count in 1 2 4 8; do
    # the figures are words
    # shellcheck disable=SC2086
    rate=$(median ${rates[$count]}) idle=$(median ${idles[$count]})
    one=${one:-$rate}
    share=$(ratio "$rate" "$((count * one))")
    verdict=
    if at_most "$idle" "$IDLE_LEAST"; then
      verdict='the machine is saturated'
    elif ! at_most "$GOAL" "$share"; then
      verdict="below $GOAL" MISSED=yes
    fi
    printf '%8s %12s %14s %8s  %s\n' "$count" "$rate" "$share" "$idle" "$verdict"
  done
}

bridge
target
for ((number = 1; number <= MOST; number++)); do worker "$number"; done
printf '%s requests a second for each worker, %s rounds of %s s, %s processors\n' "$RATE" "$ROUNDS" "$SECONDS_EACH" "$(nproc)"
series fixed
printf 'as many as each can\n'
series max
[ "$CHECK$MISSED" != yesyes ]
