#!/usr/bin/env bash
# The error of percentiles at a fixed rate, beside fortio, wrk, hey and vegeta, against a server of known delay law that
# tells how long its answers really took (`perf selftest --serve`).
#   benches/peers/law.sh [--check] [--rounds NUMBER] [--seconds NUMBER] [--rates LIST] [--laws LIST]
# It wants jq and a release build; MESHERYCTL names another program. Peers that are not on PATH are left out and named:
# `apt-get install wrk hey`, `go install fortio.org/fortio github.com/tsenart/vegeta/v12`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=SCRIPTDIR/lib.sh
. ./lib.sh

CHECK=no MISSED=no ROUNDS=5 SECONDS_EACH=5 RATES=1000,10000 LAWS=constant,bimodal,pause,heavy-tail
while [ $# -gt 0 ]; do
  case $1 in
  --check) CHECK=yes && shift ;;
  --rounds) ROUNDS=$2 && shift 2 ;;
  --seconds) SECONDS_EACH=$2 && shift 2 ;;
  --rates) RATES=$2 && shift 2 ;;
  --laws) LAWS=$2 && shift 2 ;;
  *) printf 'unknown argument: %s\n' "$1" >&2 && exit 2 ;;
  esac
done
PATH=$PATH:$HOME/go/bin:${MESHERYCTL_KIT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/mesheryctl-kit}/bin
BINARY=$(program)
WORK=$(mktemp -d) SERVER=
export MESHERY_HOME=$WORK/home
trap 'stop_server; rm -rf "$WORK"' EXIT

# ---- the server ----

start_server() {
  rm -f "$WORK/url"
  "$BINARY" perf selftest --serve 127.0.0.1:0 --law "$1" >"$WORK/url" 2>"$WORK/server.log" &
  SERVER=$!
  until [ -s "$WORK/url" ]; do
    kill -0 "$SERVER" 2>/dev/null || { cat "$WORK/server.log" >&2 && exit 1; }
    sleep 0.05
  done
  URL=$(cat "$WORK/url")
}

stop_server() {
  [ -z "$SERVER" ] || { kill "$SERVER" && wait "$SERVER"; } 2>/dev/null || true
  SERVER=
}

forget() { curl -sS -X DELETE "${URL}.law"; }
truth() { curl -sS "${URL}.law"; }

# ---- one measurement each: prints p50, p99 and p99.9 of the service time in microseconds ----

# percentiles: of numbers on standard input, by rank, times $1
percentiles() { sort -g | awk -v unit="$1" '{ v[NR] = $1 } function at(p, rank) { rank = int(NR * p); if (rank < NR * p) rank++; return v[rank] * unit } END { if (NR) printf "%.1f %.1f %.1f\n", at(.5), at(.99), at(.999) }'; }
run_ours() {
  "$BINARY" perf run --url "$URL" --rate "$RATE" --threads 1 --connections "$CONNECTIONS" --duration "${SECONDS_EACH}s" --no-input -o json >"$WORK/ours.json" 2>"$WORK/log"
  "$BINARY" perf convert "$WORK/ours.json" --to csv 2>/dev/null >"$WORK/ours.csv"
  jq -r '100 * (.generator.cpu_wait // 0)' "$WORK/ours.json" >>"$WORK/waits"
  figures_of '' >>"$WORK/responses"
  figures_of 'service.'
}
# figures_of PREFIX: of the response time, or with `service.` of the service time
figures_of() { awk -F, -v prefix="$1" '{ v[$1] = 1000 * $2 } END { printf "%.1f %.1f %.1f\n", v[prefix "p50"], v[prefix "p99"], v[prefix "p99.9"] }' "$WORK/ours.csv"; }
fortio_load() { fortio load -quiet -qps "$RATE" -c "$CONNECTIONS" -t "${SECONDS_EACH}s" -p 50,99,99.9 "$@" -json - "$URL" 2>"$WORK/log" | jq -r '[.DurationHistogram.Percentiles[].Value * 1000000] | @tsv'; }
run_fortio() { fortio_load -r 0.00001; }
run_fortio_default() { fortio_load; }
run_hey() { hey -z "${SECONDS_EACH}s" -c "$CONNECTIONS" -q "$(awk -v r="$RATE" -v c="$CONNECTIONS" 'BEGIN { print r / c }')" -o csv "$URL" 2>"$WORK/log" | awk -F, 'NR > 1 { print $1 }' | percentiles 1000000; }
run_vegeta() { printf 'GET %s\n' "$URL" | vegeta attack -rate="$RATE/s" -duration="${SECONDS_EACH}s" -workers="$CONNECTIONS" -max-workers="$CONNECTIONS" -connections="$CONNECTIONS" 2>"$WORK/log" | vegeta encode -to csv | awk -F, '{ print $3 }' | percentiles 0.001; }
run_wrk() { wrk -t1 -c"$WRK_CONNECTIONS" -d"${SECONDS_EACH}s" -s "$WORK/percentiles.lua" "$URL" 2>"$WORK/log" | awk '/^percentiles/ { print $2, $3, $4 }'; }
cat >"$WORK/percentiles.lua" <<'LUA'
done = function(_, latency)
  io.write(string.format("percentiles %d %d %d\n", latency:percentile(50), latency:percentile(99), latency:percentile(99.9)))
end
LUA

# wrk has no rate: so many connections as make about the rate, by the law's mean delay in microseconds
wrk_connections() { awk -v rate="$RATE" -v mean="$1" 'BEGIN { c = int(rate * mean / 1000000 + 0.5); print (c > 0 ? c : 1) }'; }
mean_of() {
  case $1 in
  constant) echo 1000 ;;
  bimodal) echo 950 ;;
  heavy-tail) echo 1600 ;;
  *) echo 200 ;;
  esac
}

TOOLS=(ours)
for tool in fortio wrk hey vegeta; do
  if command -v "$tool" >/dev/null; then
    TOOLS+=("$tool")
    [ "$tool" != fortio ] || TOOLS+=(fortio_default)
  else
    printf '%s is not here and is left out\n' "$tool"
  fi
done

# ---- rounds ----

# measure LAW: a line for each tool and round: name, truth's count, p50, p99, p99.9, and what the tool says of them
measure() {
  local round tool figures known
  rm -f "$WORK"/{rows,waits,responses,steals}
  start_server "$1"
  for ((round = 0; round < ROUNDS; round++)); do
    for tool in "${TOOLS[@]}"; do
      forget
      figures=$("run_$tool") || true
      [ "$(wc -w <<<"$figures")" = 3 ] || { printf '%s gave no percentiles:\n' "$tool" >&2 && cat "$WORK/log" >&2 && exit 1; }
      known=$(truth)
      jq -r '100 * (.steal // 0)' <<<"$known" >>"$WORK/steals"
      printf '%s %s %s\n' "$tool" "$(jq -r '[.count, .latency_us.p50, .latency_us.p99, .latency_us["p99.9"]] | map(tostring) | join(" ")' <<<"$known")" "$figures" >>"$WORK/rows"
    done
  done
  stop_server
}

median_of() { sort -g "$1" | awk '{ v[NR] = $1 } END { printf "%.1f", v[int((NR + 1) / 2)] }'; }

# report: medians over the rounds of truth, signed error, and of the error's size; a goal is missed where ours is larger than
# both 20 us and 1 %, or not smaller than a peer's
report() {
  awk -v seconds="$SECONDS_EACH" -v verdict="$WORK/verdict" '
    function median(list, n,   i, j, t) {
      for (i = 2; i <= n; i++) for (j = i; j > 1 && list[j - 1] > list[j]; j--) { t = list[j]; list[j] = list[j - 1]; list[j - 1] = t }
      return list[int((n + 1) / 2)]
    }
    function of(tool, p, what,   i, list) { for (i = 1; i <= rounds[tool]; i++) list[i] = row[tool, i, p, what]; return median(list, rounds[tool]) }
    function size(x) { return x < 0 ? -x : x }
    {
      if (!($1 in rounds)) order[++tools] = $1
      i = ++rounds[$1]
      row[$1, i, 0, "count"] = $2
      for (p = 1; p <= 3; p++) { row[$1, i, p, "truth"] = $(2 + p); row[$1, i, p, "error"] = $(5 + p) - $(2 + p); row[$1, i, p, "size"] = size($(5 + p) - $(2 + p)) }
    }
    END {
      split("p50 p99 p99.9", name, " ")
      printf "  %-15s %9s", "", "req/s"
      for (p = 1; p <= 3; p++) printf "  %10s %11s %8s", name[p] " truth", "error us", "%"
      print ""
      for (t = 1; t <= tools; t++) {
        tool = order[t]
        printf "  %-15s %9.0f", tool, of(tool, 0, "count") / seconds
        for (p = 1; p <= 3; p++) { truth = of(tool, p, "truth"); error = of(tool, p, "error"); printf "  %10.1f %+11.1f %+8.2f", truth, error, (truth > 0 ? 100 * error / truth : 0) }
        print ""
      }
      missed = 0
      for (p = 1; p <= 3; p++) {
        mine = of("ours", p, "size"); truth = of("ours", p, "truth"); bound = truth / 100 > 20 ? truth / 100 : 20
        beaten = ""
        for (t = 2; t <= tools; t++) if (of(order[t], p, "size") <= mine) beaten = beaten " " order[t]
        good = mine <= bound && beaten == ""
        if (!good) missed++
        printf "  %-5s ours is off by %.1f us, goal %.1f us: %s; %s\n", name[p], mine, bound, mine <= bound ? "met" : "missed", beaten == "" ? "smaller than each peer" : "not smaller than" beaten
      }
      print missed > verdict
    }' "$WORK/rows"
  printf '  ours, response time from the moment due, last round (p50 p99 p99.9): %s us\n' "$(tail -1 "$WORK/responses")"
  printf '  ours had no processor for %s %% of its time; steal %s %% (medians)\n' "$(median_of "$WORK/waits")" "$(median_of "$WORK/steals")"
}

for RATE in ${RATES//,/ }; do
  CONNECTIONS=$((RATE >= 5000 ? 64 : 16))
  # what lies between the two clocks: the way there and back, in nobody's truth
  WRK_CONNECTIONS=1
  printf '%s requests a second, %s connections, %s rounds of %s s\n' "$RATE" "$CONNECTIONS" "$ROUNDS" "$SECONDS_EACH"
  printf ' no delay: what loopback and waking up add to each figure below\n'
  measure immediate
  report
  for law in ${LAWS//,/ }; do
    WRK_CONNECTIONS=$(wrk_connections "$(mean_of "$law")")
    printf ' %s (wrk: %s connections without a rate)\n' "$law" "$WRK_CONNECTIONS"
    measure "$law"
    report
    [ "$(cat "$WORK/verdict")" = 0 ] || MISSED=yes
  done
done
[ "$CHECK$MISSED" != yesyes ]
