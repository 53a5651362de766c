#!/usr/bin/env bash
# Builds a release of mesheryctl: one static Linux program, packed as install.sh and `mesheryctl self update` read it.
#   release/build.sh [--profile PROFILE] [--output DIR]
#     --profile PROFILE   profile of cargo: release (the default), or dev to try the recipe quickly
#     --output DIR        where the archive and SHA256SUMS go; default target/release-files
# The static C library is glibc's (Debian: libc6-dev): since 2.34 it resolves names by `files` and `dns` without plug-ins.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

PROFILE=release OUTPUT=target/release-files

die() { printf 'release: error: %s\n' "$*" >&2 && exit 1; }

read_options() {
  while [ $# -gt 0 ]; do
    case $1 in
    --profile) PROFILE=${2:?--profile wants a value} && shift 2 ;;
    --output) OUTPUT=${2:?--output wants a value} && shift 2 ;;
    -h | --help) sed -n '2,6s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" && exit 0 ;;
    *) die "unknown option: $1" ;;
    esac
  done
}

target() {
  case $(uname -s)-$(uname -m) in
  Linux-x86_64) echo x86_64-unknown-linux-gnu ;;
  Linux-aarch64) echo aarch64-unknown-linux-gnu ;;
  *) die "static programs are built on Linux, on x86_64 or aarch64" ;;
  esac
}

# The flag holds for the program alone: with a target named, macros and build scripts are built for this machine without it.
build() {
  RUSTFLAGS='-C target-feature=+crt-static' cargo build --locked --bin mesheryctl --profile "$PROFILE" --target "$1"
}

program_of() {
  local folder=$PROFILE
  [ "$PROFILE" != dev ] || folder=debug
  echo "${CARGO_TARGET_DIR:-target}/$1/$folder/mesheryctl"
}

must_be_static() {
  ! readelf -l "$1" | grep -q INTERP || die "$1 is not static"
}

# pack PROGRAM TARGET: the same files give the same archive
pack() {
  local version folder name
  version=$("$1" version --client -o 'jsonpath=$.client.build')
  name=mesheryctl-$version-$2.tar.gz
  folder=$(mktemp -d)
  mkdir -p "$folder/man" "$folder/completions" "$OUTPUT"
  install -m 755 "$1" "$folder/mesheryctl"
  install -m 644 completions/mesheryctl.bash completions/_mesheryctl completions/mesheryctl.fish "$folder/completions/"
  install -m 644 completions/man/*.1 "$folder/man/"
  install -m 644 README.md LICENSE CHANGELOG.md "$folder/"
  tar -C "$folder" --sort=name --mtime='UTC 1970-01-01' --owner=0 --group=0 --numeric-owner -cf - . | gzip -n9 >"$OUTPUT/$name"
  rm -rf "$folder"
  (cd "$OUTPUT" && sha256sum ./*.tar.gz | sed 's,\./,,' >SHA256SUMS)
  printf '%s\n' "$OUTPUT/$name"
}

main() {
  local target program
  read_options "$@"
  target=$(target)
  build "$target"
  program=$(program_of "$target")
  must_be_static "$program"
  pack "$program" "$target"
}

main "$@"
