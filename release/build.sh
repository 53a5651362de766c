#!/usr/bin/env bash
# Builds a release of mesheryctl: one static Linux program, packed as install.sh and `mesheryctl self update` read it.
#   release/build.sh [--profile PROFILE] [--output DIR]
#     --profile PROFILE   profile of cargo: release (the default), or dev to try the recipe quickly
#     --output DIR        where mesheryctl-<version>-<target>.tar.gz and SHA256SUMS go; default target/release-files
# It needs cargo, GNU tar, readelf and the static C library of glibc 2.34 or newer (Debian: build-essential): since then
# names are resolved by `files` and `dns` without plug-ins, which a static program could not load.
set -euo pipefail
export LC_ALL=C

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
PROFILE=release OUTPUT=$HERE/target/release-files
FOLDER=''

die() {
  printf 'release/build.sh: error: %s\n' "$*" >&2
  exit 1
}

wrong_usage() {
  printf 'release/build.sh: error: %s\nTry release/build.sh --help\n' "$*" >&2
  exit 2
}

read_options() {
  while [ $# -gt 0 ]; do
    case $1 in
      --profile=* | --output=*) set -- "${1%%=*}" "${1#*=}" "${@:2}" ;;
    esac
    case $1 in
      --profile | --output) [ -n "${2:-}" ] || wrong_usage "$1 needs a value" ;;
    esac
    case $1 in
      --profile) PROFILE=$2 && shift 2 ;;
      --output) OUTPUT=$2 && shift 2 ;;
      -h | --help)
        sed -n '2,7s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
        exit 0
        ;;
      *) wrong_usage "unknown argument: $1" ;;
    esac
  done
  case $OUTPUT in
    /*) ;;
    *) OUTPUT=$PWD/$OUTPUT ;;
  esac
}

target() {
  case $(uname -s)-$(uname -m) in
    Linux-x86_64) echo x86_64-unknown-linux-gnu ;;
    Linux-aarch64) echo aarch64-unknown-linux-gnu ;;
    *) die "static programs are built on Linux, on x86_64 or aarch64" ;;
  esac
}

need_tools() {
  local tool
  for tool in cargo cc tar readelf sha256sum; do
    command -v "$tool" >/dev/null || die "$tool is not there: install the Rust toolchain, a C compiler, GNU tar and coreutils"
  done
  [ -f "$(cc -print-file-name=libc.a)" ] || die "the static C library is not there: install libc6-dev (Debian) or glibc-static (Fedora)"
}

# With a target named, the flag holds for the program alone: macros and build scripts, which the compiler loads and runs,
# are built for this machine without it.
build() {
  (
    cd "$HERE"
    unset CARGO_ENCODED_RUSTFLAGS CARGO_BUILD_TARGET
    MESHERY_BUILD_COMMIT=$(git rev-parse --short HEAD 2>/dev/null || true)
    [ -z "$MESHERY_BUILD_COMMIT" ] || export MESHERY_BUILD_COMMIT
    RUSTFLAGS='-C target-feature=+crt-static' cargo build --locked --bin mesheryctl --profile "$PROFILE" --target "$1" >&2
  ) || die "cargo build failed"
}

program_of() {
  local root=${CARGO_TARGET_DIR:-target} folder=$PROFILE
  case $root in
    /*) ;;
    *) root=$HERE/$root ;;
  esac
  [ "$PROFILE" != dev ] || folder=debug
  echo "$root/$1/$folder/mesheryctl"
}

must_be_static() {
  local headers
  headers=$(readelf --program-headers --dynamic "$1") || die "cargo built no $1"
  case $headers in
    *INTERP* | *NEEDED*) die "$1 is not static" ;;
  esac
}

# pack PROGRAM TARGET: the same files give the same archive
pack() {
  local version name
  version=$("$1" version --client -o 'jsonpath=$.client.build') || die "$1 does not run"
  name=mesheryctl-$version-$2.tar.gz
  FOLDER=$(mktemp -d)
  mkdir -p "$FOLDER/man" "$FOLDER/completions" "$OUTPUT"
  install -m 755 "$1" "$FOLDER/mesheryctl"
  install -m 644 "$HERE"/completions/{mesheryctl.bash,_mesheryctl,mesheryctl.fish,_mesheryctl.ps1,mesheryctl.elv} "$FOLDER/completions/"
  install -m 644 "$HERE"/completions/man/*.1 "$FOLDER/man/"
  install -m 644 "$HERE"/{README.md,LICENSE,CHANGELOG.md} "$FOLDER/"
  tar -C "$FOLDER" --format=gnu --sort=name --mtime='UTC 1970-01-01' --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX \
    -cf - mesheryctl completions man README.md LICENSE CHANGELOG.md | gzip -n9 >"$OUTPUT/.$name.new"
  mv -f "$OUTPUT/.$name.new" "$OUTPUT/$name"
  (cd "$OUTPUT" && sha256sum -- mesheryctl-*.tar.gz >.SHA256SUMS.new && mv -f .SHA256SUMS.new SHA256SUMS)
  printf '%s\n' "$OUTPUT/$name"
}

main() {
  local target program
  read_options "$@"
  trap '[ -z "$FOLDER" ] || rm -rf "$FOLDER"' EXIT
  need_tools
  target=$(target)
  build "$target"
  program=$(program_of "$target")
  must_be_static "$program"
  pack "$program" "$target"
}

main "$@"
