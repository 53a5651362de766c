#!/usr/bin/env bash
# Whether memory stays flat in a long run: the resident set of one run at a fixed rate, every second from its first to the
# end of the process, beside fortio at the same rate for as long, and wrk, which has no rate, on the same connections.
#   benches/peers/memory.sh [--check]      RATE=20000 SECONDS=600 CONNECTIONS=64
# With --check it fails where the resident set grows by more than GROWTH MiB from minute 1 to the end of the measurement, or
# where the most that the process ever took is more than twice its steady size. It takes three times SECONDS.
# It wants the kit's nginx (tests/kit/up.sh load) or nginx on the PATH, and a release build; MESHERYCTL names another program.
# Peers that are not there are left out.
LENGTH=$SECONDS # what the environment says, from which the shell counts on
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=SCRIPTDIR/lib.sh
. ./lib.sh

CHECK=no MISSED=no
[ "${1:-}" != --check ] || CHECK=yes
[ "$LENGTH" -gt 0 ] || LENGTH=600
RATE=${RATE:-20000} CONNECTIONS=${CONNECTIONS:-64} GROWTH=${GROWTH:-16} PEAK=2
# minute 1, or in a shorter run the end of its first quarter
FIRST=$((LENGTH >= 240 ? 60 : LENGTH / 4)) MIDDLE=$((LENGTH / 2))
# the last second that lies in the measurement for sure
END=$((LENGTH - 1))
PATH=$PATH:/usr/sbin
BINARY=$(program)
WORK=$(mktemp -d)
SERVER=
trap '[ -z "$SERVER" ] || kill "$SERVER" 2>/dev/null || true; rm -rf "$WORK"' EXIT
export MESHERY_HOME=$WORK/home
ENV_FILE=${MESHERYCTL_KIT_ENV:-${MESHERYCTL_KIT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/mesheryctl-kit}/run/env}
# shellcheck source=/dev/null
[ ! -r "$ENV_FILE" ] || . "$ENV_FILE"
FORTIO=${MESHERYCTL_KIT_LOAD_FORTIO:-$(command -v fortio || true)}

# target: sets HTTP to the kit's nginx, or to one of our own
target() {
  HTTP=${MESHERYCTL_KIT_LOAD_HTTP:-}
  [ -z "$HTTP" ] || { HTTP=$HTTP/ && return; }
  local port=$((20000 + RANDOM % 10000))
  cat >"$WORK/nginx.conf" <<NGINX
worker_processes 1; daemon off; pid $WORK/nginx.pid; error_log $WORK/error.log;
events { worker_connections 4096; }
http {
  access_log off; keepalive_requests 1000000000; keepalive_timeout 600;
  client_body_temp_path $WORK/body; proxy_temp_path $WORK/proxy; fastcgi_temp_path $WORK/fastcgi;
  uwsgi_temp_path $WORK/uwsgi; scgi_temp_path $WORK/scgi;
  server { listen 127.0.0.1:$port backlog=4096; location / { return 200 "hello, world\n"; } }
}
NGINX
  nginx -p "$WORK" -e "$WORK/error.log" -c "$WORK/nginx.conf" &
  SERVER=$!
  HTTP=http://127.0.0.1:$port/
  until curl -fsS "$HTTP" >/dev/null 2>&1; do sleep 0.05; done
}

# status PID: sets RSS and MOST to its resident set and the largest so far, in KiB; fails when it is gone. The file is read at
# once: it changes while it is read.
status() {
  local text
  { text=$(<"/proc/$1/status"); } 2>/dev/null || return 1
  [[ $text =~ VmHWM:[[:space:]]*([0-9]+) ]] || return 1
  MOST=${BASH_REMATCH[1]}
  [[ $text =~ VmRSS:[[:space:]]*([0-9]+) ]] || return 1
  RSS=${BASH_REMATCH[1]}
}

# sampled NAME COMMAND...: its resident set each second in $WORK/NAME, the most of all in $WORK/NAME.most, in KiB. The most
# is looked for ten times a second, so that it is seen however short after the measurement it was.
sampled() {
  local name=$1 pid count=0 most=0
  shift
  "$@" >"$WORK/$name.out" 2>"$WORK/$name.err" &
  pid=$!
  : >"$WORK/$name"
  SECONDS=0
  while status "$pid"; do
    most=$MOST
    while [ "$SECONDS" -gt "$count" ]; do
      printf '%s\n' "$RSS" >>"$WORK/$name"
      count=$((count + 1))
    done
    sleep 0.1
  done
  echo "$most" >"$WORK/$name.most"
  wait "$pid" || { cat "$WORK/$name.err" >&2 && return 1; }
}

at() { sed -n "${2}p" "$WORK/$1"; }
mebibytes() { awk -v kib="$1" 'BEGIN { printf "%.1f", kib / 1024 }'; }
# steady NAME: the median from minute 1 to the end of the measurement
steady() { sed -n "${FIRST},${END}p" "$WORK/$1" | sort -n | awk '{ all[NR] = $1 } END { print all[int((NR + 1) / 2)] }'; }

# row NAME: its sizes; the last columns are growth from minute 1 to the end, and the most in steady sizes
row() {
  local name=$1 most first end
  most=$(cat "$WORK/$name.most") first=$(at "$name" "$FIRST") end=$(at "$name" "$END")
  printf '%-8s %8s %10s %8s %8s %8s %10s %12s\n' "$name" "$(mebibytes "$(at "$name" 2)")" "$(mebibytes "$first")" \
    "$(mebibytes "$(at "$name" "$MIDDLE")")" "$(mebibytes "$end")" "$(mebibytes "$most")" "$(mebibytes $((end - first)))" \
    "$(ratio "$most" "$(steady "$name")")"
}

target
printf '%s requests a second for %s s on %s connections; MiB at second 2, second %s, the middle and the end, and the most until the process ended\n' \
  "$RATE" "$LENGTH" "$CONNECTIONS" "$FIRST"
printf '%-8s %8s %10s %8s %8s %8s %10s %12s\n' program begin "second $FIRST" middle end most growth 'most/steady'
sampled ours "$BINARY" perf run --url "$HTTP" --rate "$RATE" --duration "${LENGTH}s" --connections "$CONNECTIONS" --no-input -o json
row ours
sed -n 's/.*"achieved_rate": *\([0-9.]*\).*/  ours achieved \1 requests a second/p' "$WORK/ours.out" | head -n 1
peers=()
if [ -n "$FORTIO" ]; then
  sampled fortio "$FORTIO" load -quiet -qps "$RATE" -c "$CONNECTIONS" -t "${LENGTH}s" -json - "$HTTP"
  peers+=(fortio)
fi
if command -v wrk >/dev/null; then
  sampled wrk wrk -t1 -c"$CONNECTIONS" -d"${LENGTH}s" "$HTTP"
  peers+=(wrk)
fi
for peer in "${peers[@]}"; do
  row "$peer"
  printf '  ours at most: %s times %s\n' "$(ratio "$(cat "$WORK/ours.most")" "$(cat "$WORK/$peer.most")")" "$peer"
done

grown=$((($(at ours "$END") - $(at ours "$FIRST")) / 1024))
at_most "$grown" "$GROWTH" || MISSED=yes
most=$(ratio "$(cat "$WORK/ours.most")" "$(steady ours)")
at_most "$most" "$PEAK" || MISSED=yes
printf 'growth %s MiB, at most %s wanted; the most is %s times the steady size, at most %s wanted\n' "$grown" "$GROWTH" "$most" "$PEAK"
[ "$CHECK$MISSED" != yesyes ]
