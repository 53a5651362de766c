#!/bin/sh
# Installs mesheryctl with its completions and man pages below one prefix.
# Everything happens in functions called on the last line: half a download does nothing.
# It asks nothing, starts nothing, and edits no shell's start file.

usage() {
  cat <<'TEXT'
Install mesheryctl.

Usage:
  ./install.sh [flags]                                      build from this clone, with cargo
  ./install.sh --archive FILE|URL --sha256 HEX [flags]      from a release archive

Flags:
  --archive FILE|URL   mesheryctl-<version>-<target>.tar.gz; a URL must be https
  --sha256 HEX         the archive's SHA-256; wanted whenever an archive is given
  --prefix DIR         where to install (default: ~/.local)
  --version X          install only if it is version X
  --no-completions     leave the shells' completions out
  --dry-run            say what would be done, and write nothing
  --uninstall          remove what was installed below the prefix
  -h, --help           this text
TEXT
}

say() { printf '%s\n' "$*"; }
note() { printf '%s\n' "$*" >&2; }
fail() { printf 'install.sh: error: %s\n' "$*" >&2; exit 1; }
wrong_usage() { printf 'install.sh: error: %s\nTry ./install.sh --help\n' "$*" >&2; exit 2; }
have() { command -v "$1" >/dev/null 2>&1; }

# ---- flags ----

read_flags() {
  archive='' sha256='' prefix='' version='' dry_run=no completions=yes action=install
  while [ $# -gt 0 ]; do
    flag=$1
    shift
    case $flag in
      --archive=* | --sha256=* | --prefix=* | --version=*)
        value=${flag#*=} flag=${flag%%=*}
        ;;
      --archive | --sha256 | --prefix | --version)
        [ $# -gt 0 ] || wrong_usage "$flag needs a value"
        value=$1
        shift
        ;;
      *) value='' ;;
    esac
    read_flag "$flag" "$value"
  done
  check_flags
}

read_flag() {
  case $1 in
    --archive | --sha256 | --prefix | --version) [ -n "$2" ] || wrong_usage "$1 needs a value" ;;
  esac
  case $1 in
    --archive) archive=$2 ;;
    --sha256) sha256=$2 ;;
    --prefix) prefix=$2 ;;
    --version) version=${2#v} ;;
    --dry-run) dry_run=yes ;;
    --no-completions) completions=no ;;
    --uninstall) action=uninstall ;;
    -h | --help)
      usage
      exit 0
      ;;
    *) wrong_usage "unknown argument: $1" ;;
  esac
}

check_flags() {
  if [ -z "$prefix" ]; then
    [ -n "${HOME:-}" ] || wrong_usage "HOME is not set: give --prefix"
    prefix=$HOME/.local
  fi
  case $prefix in
    /*) ;;
    *) prefix=$(pwd)/$prefix ;;
  esac
  while [ "$prefix" != "${prefix%/}" ]; do prefix=${prefix%/}; done
  if [ "$action" = uninstall ]; then
    [ -z "$archive$sha256$version" ] || wrong_usage "--uninstall takes only --prefix and --dry-run"
    return 0
  fi
  if [ -z "$archive" ]; then
    [ -z "$sha256" ] || wrong_usage "--sha256 goes with --archive"
    return 0
  fi
  [ -n "$sha256" ] || wrong_usage "--archive needs --sha256: the sum stands beside the archive on the release's page"
  sha256=$(printf '%s' "$sha256" | tr 'A-F' 'a-f')
  case $sha256 in
    *[!0-9a-f]*) wrong_usage "--sha256 wants 64 hexadecimal digits, not '$sha256'" ;;
  esac
  [ "${#sha256}" -eq 64 ] || wrong_usage "--sha256 wants 64 hexadecimal digits, not ${#sha256}"
}

# ---- a scratch folder, removed however this ends ----

make_scratch() {
  scratch=$(mktemp -d "${TMPDIR:-/tmp}/mesheryctl-install.XXXXXX") || fail "no temporary folder can be made in ${TMPDIR:-/tmp}"
}

clean_up() {
  [ -z "${staged:-}" ] || rm -f "$staged"
  # folders made for an installation that then came to nothing
  if [ -n "${scratch:-}" ] && [ -f "$scratch/new-folders" ] && [ ! -f "$scratch/begun" ]; then
    remove_folders <"$scratch/new-folders"
  fi
  [ -z "${scratch:-}" ] || rm -rf "$scratch"
}

# ---- source: this clone ----

# Piped into a shell, the script has no place of its own: then the folder it runs in counts.
find_clone() {
  clone=$(cd "$(dirname "$0")" 2>/dev/null && pwd) || clone=$(pwd)
  grep -q '^name = "mesheryctl"$' "$clone/Cargo.toml" 2>/dev/null ||
    fail "this is no clone of mesheryctl: run install.sh from one, or give --archive and --sha256"
}

source_version() { sed -n 's/^version = "\(.*\)"$/\1/p' "$clone/Cargo.toml" | head -n 1; }

plan_clone() {
  find_clone
  if [ -n "$version" ] && [ "$version" != "$(source_version)" ]; then
    fail "this clone is version $(source_version), not $version: check out the release's tag"
  fi
  have cargo || fail "cargo is not there: install Rust from https://rustup.rs, or give --archive and --sha256"
  completions_from=$clone/completions man_from=$clone/completions/man
}

build_clone() {
  target=${CARGO_TARGET_DIR:-$clone/target}
  case $target in
    /*) ;;
    *) target=$(pwd)/$target ;;
  esac
  say "building mesheryctl $(source_version); the first time takes some minutes"
  # another target's folder would hide the binary
  (
    unset CARGO_BUILD_TARGET
    cd "$clone" && MESHERY_BUILD_COMMIT=$(git rev-parse --short HEAD 2>/dev/null) cargo build --release --locked --bin mesheryctl --target-dir "$target" </dev/null
  ) || fail "cargo build failed"
  binary=$target/release/mesheryctl
  [ -f "$binary" ] || fail "cargo built no $binary"
}

# ---- source: a release archive ----

is_url() {
  case $1 in
    *://*) return 0 ;;
    *) return 1 ;;
  esac
}

# Plain http is for this machine alone: the host is compared as a whole, and user parts are refused.
check_url() {
  case $archive in
    https://?*) transport=https ;;
    http://?*) transport=http ;;
    *) wrong_usage "--archive wants a file or an https URL, not $archive" ;;
  esac
  host=${archive#*://}
  host=${host%%[/?#]*}
  case $host in
    *@*) wrong_usage "--archive takes no user or password in the URL" ;;
  esac
  [ "$transport" = http ] || return 0
  case $host in
    \[*\]*) host=${host%%\]*}] ;;
    *) host=${host%%:*} ;;
  esac
  case $host in
    localhost | \[::1\]) ;;
    *[!0-9.]*) refuse_http ;;
    127.*.*.*) ;;
    *) refuse_http ;;
  esac
}

refuse_http() { wrong_usage "--archive wants https: over http only this machine itself may be asked"; }

plan_archive() {
  if is_url "$archive"; then
    check_url
  else
    [ -f "$archive" ] || fail "no such file: $archive"
  fi
  name=${archive%%[?#]*}
  is_url "$archive" || name=$archive
  name=${name##*/}
  check_name
}

# A release archive says in its name what it is for; a file of another name is taken as it is.
check_name() {
  case $name in
    mesheryctl-*-*-*.tar.gz) ;;
    *) return 0 ;;
  esac
  if [ -n "$version" ]; then
    case $name in
      mesheryctl-"$version"-*) ;;
      *) fail "$name is not version $version" ;;
    esac
  fi
  machine=$(uname -m)
  [ "$machine" != arm64 ] || machine=aarch64
  [ "$machine" != amd64 ] || machine=x86_64
  system=$(uname -s | tr '[:upper:]' '[:lower:]')
  case $name in
    *-"$machine"-*"$system"*) ;;
    *) fail "$name is for another machine: this one is $machine, $system" ;;
  esac
}

download() {
  file=$scratch/archive.tar.gz
  say "downloading $archive"
  if have curl; then
    with_curl || fail "could not download $archive"
  elif have wget && wget --help 2>&1 | grep -q -- --secure-protocol; then
    # wget would follow a redirect away from https: it follows none
    set -- -q --secure-protocol=TLSv1_2 --max-redirect=0 --tries=3 --timeout=60 -O "$file"
    [ "$transport" = https ] || set -- "$@" --no-proxy
    wget "$@" "$archive" ||
      fail "could not download $archive (with wget, redirects are not followed: give the final address, or install curl)"
  else
    fail "curl or GNU wget is needed to download"
  fi
}

with_curl() {
  set -- -fsS --globoff --connect-timeout 30 --max-time 1800 --retry 2 -o "$file"
  if [ "$transport" = https ]; then
    set -- "$@" --location --max-redirs 5 --proto '=https' --proto-redir '=https' --tlsv1.2
  else
    set -- "$@" --noproxy '*' --proto '=http'
  fi
  curl "$@" "$archive"
}

check_sum() {
  if have sha256sum; then
    found=$(sha256sum <"$file")
  elif have shasum; then
    found=$(shasum -a 256 <"$file")
  elif have openssl; then
    found=$(openssl dgst -sha256 -r <"$file")
  else
    fail "sha256sum, shasum or openssl is needed to check the archive"
  fi
  found=${found%% *}
  [ "$found" = "$sha256" ] || fail "the archive is not the one that was named: its SHA-256 is $found, not $sha256"
}

# Nothing may land outside the scratch folder, and nothing but plain files and folders inside it.
check_content() {
  content=$(tar -tzf "$file" 2>/dev/null) || fail "the archive is damaged: tar cannot read $archive"
  printf '%s\n' "$content" | grep -qE '^(\./)?mesheryctl$' || fail "the archive holds no mesheryctl"
  ! printf '%s\n' "$content" | grep -qE '^/|(^|/)\.\.(/|$)' || fail "the archive names places outside itself"
  ! tar -tvzf "$file" 2>/dev/null | grep -qvE '^[-d]' || fail "the archive holds links or devices"
}

unpack() {
  check_content
  mkdir "$scratch/content"
  tar -xzf "$file" -C "$scratch/content" || fail "the archive cannot be unpacked"
  binary=$scratch/content/mesheryctl
  chmod 755 "$binary"
  completions_from=$scratch/content/completions man_from=$scratch/content/man
}

# ---- what goes where ----

# One line a file: where it comes from, a tab, and where it goes below the prefix.
list_files() {
  if [ "$completions" = yes ]; then
    list_file "$completions_from/mesheryctl.bash" share/bash-completion/completions/mesheryctl
    list_file "$completions_from/_mesheryctl" share/zsh/site-functions/_mesheryctl
    list_file "$completions_from/mesheryctl.fish" share/fish/vendor_completions.d/mesheryctl.fish
  fi
  for page in "$man_from"/*.1; do
    list_file "$page" "share/man/man1/${page##*/}"
  done
}

list_file() { [ ! -f "$1" ] || printf '%s\t%s\n' "$1" "$2"; }

manifest_path=share/mesheryctl/install-manifest
tab=$(printf '\t')

# ---- install ----

# What can fail comes first: folders, then the new binary's own word. From then on the manifest
# names the old files and the new ones, so that --uninstall removes even half an installation.
install_all() {
  if [ "$dry_run" = yes ]; then
    show_plan
    return 0
  fi
  : >"$scratch/new-folders"
  if [ -f "$prefix/$manifest_path" ]; then
    cat "$prefix/$manifest_path" >"$scratch/old" || fail "cannot read $prefix/$manifest_path"
  else
    : >"$scratch/old"
  fi
  list_files >"$scratch/files"
  make_folders
  stage_binary
  write_manifests
  : >"$scratch/begun"
  place "$scratch/both" "$manifest_path" 644
  while IFS=$tab read -r from to; do
    place "$from" "$to" 644
  done <"$scratch/files"
  mv -f "$prefix/bin/.mesheryctl.new.$$" "$prefix/bin/mesheryctl" || fail "cannot write $prefix/bin/mesheryctl"
  drop_stale
  place "$scratch/manifest" "$manifest_path" 644
  say "installed mesheryctl $reported in $prefix/bin"
  say_missing
  say_next
}

make_folders() {
  make_folder bin
  while IFS=$tab read -r from to; do
    make_folder "${to%/*}"
    [ ! -d "$prefix/$to" ] || fail "$prefix/$to is a folder"
  done <"$scratch/files"
  make_folder "${manifest_path%/*}"
  [ ! -d "$prefix/bin/mesheryctl" ] || fail "$prefix/bin/mesheryctl is a folder"
}

# make_folder PATH: below the prefix; those that are new are noted
make_folder() {
  folder=$1
  while [ ! -d "$prefix/$folder" ]; do
    printf 'dir %s\n' "$folder" >>"$scratch/new-folders"
    [ "$folder" != . ] || break
    folder=$(dirname "$folder")
  done
  mkdir -p "$prefix/$1" 2>/dev/null || fail "cannot make the folder $prefix/$1"
  [ -w "$prefix/$1" ] || fail "cannot write to $prefix/$1"
}

stage_binary() {
  staged=$prefix/bin/.mesheryctl.new.$$
  { cp "$binary" "$staged" && chmod 755 "$staged"; } 2>/dev/null || fail "cannot write to $prefix/bin"
  answer=$("$staged" version --client -o json </dev/null 2>&1) || fail "the new mesheryctl does not run here: $answer"
  reported=$(printf '%s' "$answer" | tr -d ' \n\t' | tr ',' '\n' | sed -n 's/.*"build":"v\{0,1\}\([^"]*\)".*/\1/p' | head -n 1)
  if [ -n "$version" ] && [ "$version" != "$reported" ]; then
    fail "this is mesheryctl ${reported:-of an unknown version}, not $version; nothing was replaced"
  fi
}

# Folders made by an earlier run stay ours.
write_manifests() {
  {
    printf 'file bin/mesheryctl\n'
    cut -f2 "$scratch/files" | sed 's/^/file /'
    printf 'file %s\n' "$manifest_path"
    { cat "$scratch/new-folders" && grep '^dir ' "$scratch/old"; } | LC_ALL=C sort -u
  } >"$scratch/manifest"
  LC_ALL=C sort -u "$scratch/manifest" "$scratch/old" >"$scratch/both" || fail "cannot write to $scratch"
}

# place FROM TO MODE: beside its goal first, then there in one step
place() {
  staged_file=$prefix/$2.new.$$
  if ! { cp "$1" "$staged_file" && chmod "$3" "$staged_file" && mv -f "$staged_file" "$prefix/$2"; } 2>/dev/null; then
    rm -f "$staged_file"
    fail "cannot write $prefix/$2"
  fi
}

# Files of the version before that this one no longer has.
drop_stale() {
  grep '^file ' "$scratch/old" | while IFS= read -r line; do
    grep -qxF -- "$line" "$scratch/manifest" || remove_entry "$line"
  done
}

say_missing() {
  [ "$completions" = no ] || [ -f "$completions_from/mesheryctl.bash" ] || note "no completions were found: they are left out"
  [ -n "$(find "$man_from" -name '*.1' 2>/dev/null | head -n 1)" ] || note "no man pages were found: they are left out"
}

say_next() {
  case ":$PATH:" in
    *":$prefix/bin:"*)
      other=$(command -v mesheryctl) || other=''
      [ -z "$other" ] || [ "$other" = "$prefix/bin/mesheryctl" ] || note "another mesheryctl comes first in PATH: $other"
      ;;
    *) note "$prefix/bin is not in PATH; for this shell:  export PATH=\"$prefix/bin:\$PATH\"" ;;
  esac
  say ''
  say 'Next:'
  say '  mesheryctl system check'
  say '  mesheryctl system start'
  say '  mesheryctl pattern apply -f FILE'
}

show_plan() {
  if [ -z "$archive" ]; then
    say "would build mesheryctl $(source_version) in $clone with cargo"
  elif [ -z "${binary:-}" ]; then
    say "would download $archive and check its SHA-256"
  else
    say "would take mesheryctl from $archive, whose SHA-256 is right"
  fi
  say "would install below $prefix:"
  say "  bin/mesheryctl"
  if [ -n "$archive" ]; then plan_of_archive; else list_files | cut -f2 | sed 's/^/  /'; fi
  say "  $manifest_path"
}

plan_of_archive() {
  if [ "$completions" = yes ]; then
    say "  share/bash-completion/completions/mesheryctl"
    say "  share/zsh/site-functions/_mesheryctl"
    say "  share/fish/vendor_completions.d/mesheryctl.fish"
  fi
  if [ -n "${content:-}" ]; then
    printf '%s\n' "$content" | sed -n 's|^\(\./\)\{0,1\}man/\([^/]*\.1\)$|  share/man/man1/\2|p'
  else
    say "  share/man/man1/*.1"
  fi
}

# ---- uninstall ----

uninstall_all() {
  manifest=$prefix/$manifest_path
  if [ ! -f "$manifest" ]; then
    say "nothing to remove: there is no $manifest"
    return 0
  fi
  # the manifest goes while its entries are walked through
  entries=$(cat "$manifest") || fail "cannot read $manifest"
  # what `mesheryctl self update` keeps of the version before
  if [ -f "$prefix/bin/mesheryctl.previous" ]; then
    entries="file bin/mesheryctl.previous
$entries"
  fi
  if [ "$dry_run" = yes ]; then
    say "would remove below $prefix:"
    printf '%s\n' "$entries" | sed -n 's/^file /  /p'
    return 0
  fi
  printf '%s\n' "$entries" | grep '^file ' | while IFS= read -r line; do remove_entry "$line" || exit 1; done ||
    fail "not everything below $prefix could be removed"
  printf '%s\n' "$entries" | grep '^dir ' | remove_folders
  say "removed mesheryctl from $prefix; contexts and data in ~/.meshery are untouched"
}

# Innermost folders first, and only those that hold nothing else.
remove_folders() {
  LC_ALL=C sort -ru | while IFS= read -r line; do remove_entry "$line"; done
}

# A manifest somebody has edited still reaches nothing outside the prefix.
remove_entry() {
  entry=${1#* }
  case /$entry/ in
    */../* | *//*) return 0 ;;
  esac
  case $1 in
    file\ *) rm -f "$prefix/$entry" ;;
    dir\ .) rmdir "$prefix" 2>/dev/null || true ;;
    dir\ *) rmdir "$prefix/$entry" 2>/dev/null || true ;;
  esac
}

# ---- all of it ----

main() {
  set -u
  umask 022
  # a caller's CDPATH would make cd speak
  unset CDPATH
  trap clean_up EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
  read_flags "$@"
  if [ "$action" = uninstall ]; then
    uninstall_all
    return 0
  fi
  if [ -z "$archive" ]; then
    plan_clone
    if [ "$dry_run" = no ]; then
      make_scratch
      build_clone
    fi
  else
    plan_archive
    fetch_archive
  fi
  install_all
}

fetch_archive() {
  if is_url "$archive"; then
    [ "$dry_run" = no ] || return 0
    make_scratch
    download
  else
    case $archive in
      /*) file=$archive ;;
      *) file=$(pwd)/$archive ;;
    esac
    [ "$dry_run" = yes ] || make_scratch
  fi
  check_sum
  if [ "$dry_run" = yes ]; then
    check_content
    binary=$archive
  else
    unpack
  fi
}

main "$@"
