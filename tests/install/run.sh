#!/bin/sh
# Exercises install.sh under every shell that is present of dash, bash and busybox sh.
# Archives are made here around a stand-in for the binary; nothing is built and no network is used.
set -u

here=$(cd "$(dirname "$0")" && pwd)
script=$here/../../install.sh
work=$(mktemp -d "${TMPDIR:-/tmp}/mesheryctl-install-test.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
path=$PATH
unset CARGO_TARGET_DIR
passed=0 failed=0
machine=$(uname -m)-unknown-$(uname -s | tr '[:upper:]' '[:lower:]')-gnu

# ---- archives ----

# make_archive VERSION [PAGE...]: writes $work/mesheryctl-VERSION-<target>.tar.gz
make_archive() {
  version=$1
  shift
  tree=$work/tree
  rm -rf "$tree"
  mkdir -p "$tree/completions" "$tree/man"
  # the stand-in says what it was asked when that is something else than its version
  cat >"$tree/mesheryctl" <<BIN
#!/bin/sh
[ "\$*" = "version --client -o json" ] || { echo "unexpected: \$*" >&2; exit 1; }
printf '{\n  "client": {\n    "build": "$version",\n    "commitsha": "abc",\n    "release_channel": "stable"\n  },\n  "newest": {"version": "9.9.9"}\n}\n'
BIN
  chmod 755 "$tree/mesheryctl"
  for file in mesheryctl.bash _mesheryctl mesheryctl.fish mesheryctl.elv _mesheryctl.ps1; do
    printf '%s of %s\n' "$file" "$version" >"$tree/completions/$file"
  done
  for page in mesheryctl.1 "$@"; do
    printf '%s\n' "$page" >"$tree/man/$page"
  done
  archive=$work/mesheryctl-$version-$machine.tar.gz
  tar -czf "$archive" -C "$tree" mesheryctl completions man
  sum=$(sum_of "$archive")
}

sum_of() {
  if command -v sha256sum >/dev/null; then sha256sum <"$1"; else shasum -a 256 <"$1"; fi | cut -d' ' -f1
}

# ---- checks ----

# run ARGUMENT...: install.sh under the shell at hand; leaves $status and $output
run() {
  # the shell may be two words: busybox sh
  # shellcheck disable=SC2086
  output=$(HOME=$home $shell "$script" "$@" 2>&1 </dev/null)
  status=$?
}

check() {
  label=$1
  shift
  if "$@"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    printf 'FAILED under %s: %s\n%s\n' "$shell" "$label" "$output" | sed '2,$s/^/    /'
  fi
}

exits() { [ "$status" -eq "$1" ]; }
says() { case $output in *"$1"*) return 0 ;; *) return 1 ;; esac; }
holds() { [ "$(cat "$1" 2>/dev/null)" = "$2" ]; }
lists() { [ "$(cd "$1" 2>/dev/null && find . ! -type d | LC_ALL=C sort | tr '\n' ' ')" = "$2" ]; }
is_empty() { [ -z "$(ls -A "$1")" ]; }
mode_is() { [ "$(find "$1" -prune -perm "$2")" = "$1" ]; }
absent() { [ ! -e "$1" ]; }
no_temporary_files() { [ -z "$(find "$1" -name '*.new.*')" ]; }
same_manifest() { cmp -s "$1" "$2"; }

everything="./bin/mesheryctl ./share/bash-completion/completions/mesheryctl ./share/fish/vendor_completions.d/mesheryctl.fish ./share/man/man1/mesheryctl.1 ./share/mesheryctl/install-manifest ./share/zsh/site-functions/_mesheryctl "

fresh_home() {
  home=$work/home
  rm -rf "$home"
  mkdir "$home"
  chmod 700 "$home"
}

# ---- tests ----

test_install_and_uninstall() {
  fresh_home
  make_archive 1.2.3
  run --archive "$archive" --sha256 "$sum" --version v1.2.3
  check 'installs' exits 0
  check 'installs below ~/.local by default' lists "$home/.local" "$everything"
  check 'names the version' says 'installed mesheryctl 1.2.3'
  check 'names the next command' says 'mesheryctl system start'
  check 'hints at PATH' says "export PATH=\"$home/.local/bin:"
  check 'installs completions' holds "$home/.local/share/zsh/site-functions/_mesheryctl" '_mesheryctl of 1.2.3'
  check 'the binary is executable' mode_is "$home/.local/bin/mesheryctl" 755
  check "the home folder's mode stays" mode_is "$home" 700
  cp "$home/.local/share/mesheryctl/install-manifest" "$work/manifest"
  run --archive "$archive" --sha256 "$sum"
  check 'installs again' exits 0
  check 'the second time changes nothing' lists "$home/.local" "$everything"
  check 'the second manifest is the first' same_manifest "$work/manifest" "$home/.local/share/mesheryctl/install-manifest"
  check 'leaves no temporary file' no_temporary_files "$home"
  run --uninstall --dry-run
  check 'uninstall --dry-run removes nothing' lists "$home/.local" "$everything"
  check 'uninstall --dry-run lists' says bin/mesheryctl
  printf 'mine\n' >"$home/.local/bin/other"
  run --uninstall
  check 'uninstalls' exits 0
  check "leaves others' files" lists "$home/.local" './bin/other '
  rm "$home/.local/bin/other"
  run --uninstall
  check 'uninstalling twice is no error' exits 0
  check 'says there is nothing' says 'nothing to remove'
}

test_removes_its_folders() {
  fresh_home
  make_archive 1.2.3
  run --archive "$archive" --sha256 "$sum"
  run --uninstall
  check 'every folder it made is gone' is_empty "$home"
}

test_upgrade() {
  fresh_home
  make_archive 1.2.3 mesheryctl-old.1
  run --archive "$archive" --sha256 "$sum" --prefix "$home/p"
  make_archive 1.3.0
  run --archive "$archive" --sha256 "$sum" --prefix "$home/p"
  check 'upgrades' exits 0
  check 'removes what the new version no longer has' lists "$home/p" "$everything"
  check "takes the new version's files" holds "$home/p/share/fish/vendor_completions.d/mesheryctl.fish" 'mesheryctl.fish of 1.3.0'
  run --uninstall --prefix "$home/p"
  check 'folders of the first run are still its own' absent "$home/p"
}

test_prefix_with_spaces() {
  fresh_home
  make_archive 1.2.3
  run --archive "$archive" --sha256 "$sum" "--prefix=$home/a b/c"
  check 'a prefix may hold spaces' lists "$home/a b/c" "$everything"
  run --uninstall --prefix "$home/a b/c/"
  check 'and be removed' absent "$home/a b/c"
}

test_no_completions() {
  fresh_home
  make_archive 1.2.3
  run --archive "$archive" --sha256 "$sum" --no-completions
  check '--no-completions leaves them out' lists "$home/.local" './bin/mesheryctl ./share/man/man1/mesheryctl.1 ./share/mesheryctl/install-manifest '
}

test_dry_run() {
  fresh_home
  make_archive 1.2.3
  run --archive "$archive" --sha256 "$sum" --dry-run
  check '--dry-run succeeds' exits 0
  check '--dry-run writes nothing' is_empty "$home"
  check '--dry-run lists the man page' says 'share/man/man1/mesheryctl.1'
  run --archive https://releases.invalid/mesheryctl.tar.gz --sha256 "$sum" --dry-run
  check '--dry-run downloads nothing' exits 0
  run --archive "$archive" --sha256 "$(printf %064d 0)" --dry-run
  check '--dry-run checks the sum' exits 1
}

test_sums() {
  fresh_home
  make_archive 1.2.3
  run --archive "$archive"
  check 'the sum is mandatory' exits 2
  check 'says which flag' says 'needs --sha256'
  run --archive "$archive" --sha256 "$(printf %064d 0)"
  check 'a wrong sum is refused' exits 1
  check 'both sums are named' says "$sum"
  run --archive "$archive" --sha256 abc
  check 'a short sum is refused' exits 2
  run --archive "$archive" --sha256 "$(printf %064d 0 | tr 0 g)"
  check 'a sum of other letters is refused' exits 2
  check 'nothing was written' is_empty "$home"
  run --archive "$archive" --sha256 "$(printf '%s' "$sum" | tr a-f A-F)"
  check 'an upper case sum is right, too' exits 0
}

test_bad_archives() {
  fresh_home
  make_archive 1.2.3
  head -c 300 "$archive" >"$work/cut.tar.gz"
  run --archive "$work/cut.tar.gz" --sha256 "$(sum_of "$work/cut.tar.gz")"
  check 'a truncated archive is refused' exits 1
  check 'and called damaged' says damaged
  tar -czf "$work/none.tar.gz" -C "$tree" man
  run --archive "$work/none.tar.gz" --sha256 "$(sum_of "$work/none.tar.gz")"
  check 'an archive without the binary is refused' says 'holds no mesheryctl'
  ln -s /etc/passwd "$tree/man/link.1"
  tar -czf "$work/link.tar.gz" -C "$tree" mesheryctl man
  run --archive "$work/link.tar.gz" --sha256 "$(sum_of "$work/link.tar.gz")"
  check 'links are refused' says 'links or devices'
  run --archive "$work/nowhere.tar.gz" --sha256 "$sum"
  check 'a missing file is named' says "no such file: $work/nowhere.tar.gz"
  check 'nothing was written' is_empty "$home"
}

test_versions() {
  fresh_home
  make_archive 1.2.3
  run --archive "$archive" --sha256 "$sum" --version 2.0.0
  check "another version in the archive's name is refused" exits 1
  cp "$archive" "$work/renamed.tar.gz"
  run --archive "$work/renamed.tar.gz" --sha256 "$sum" --version 2.0.0
  check 'another version in the binary is refused' exits 1
  check 'both versions are named' says 'mesheryctl 1.2.3, not 2.0.0'
  check 'nothing is left behind' is_empty "$home"
  run --archive "$work/renamed.tar.gz" --sha256 "$sum" --version 1.2.3
  check 'the right version is taken from any name' exits 0
  cp "$archive" "$work/mesheryctl-1.2.3-mips-unknown-plan9.tar.gz"
  run --archive "$work/mesheryctl-1.2.3-mips-unknown-plan9.tar.gz" --sha256 "$sum"
  check "another machine's archive is refused" says 'for another machine'
}

test_broken_binary_keeps_the_old() {
  fresh_home
  make_archive 1.2.3
  run --archive "$archive" --sha256 "$sum"
  printf '#!/bin/sh\necho broken >&2\nexit 1\n' >"$tree/mesheryctl"
  tar -czf "$work/broken.tar.gz" -C "$tree" mesheryctl completions man
  cp "$home/.local/bin/mesheryctl" "$work/before"
  run --archive "$work/broken.tar.gz" --sha256 "$(sum_of "$work/broken.tar.gz")"
  check 'a binary that does not run is refused' exits 1
  check 'its words are shown' says broken
  check 'the installed one stays' cmp -s "$work/before" "$home/.local/bin/mesheryctl"
  check 'no temporary file stays' no_temporary_files "$home"
}

test_unwritable_prefix() {
  fresh_home
  make_archive 1.2.3
  : >"$work/file"
  run --archive "$archive" --sha256 "$sum" --prefix "$work/file/x"
  check 'a prefix that cannot be made is an error' exits 1
  check 'and named' says "$work/file/x"
  mkdir -p "$home/q/bin/mesheryctl"
  run --archive "$archive" --sha256 "$sum" --prefix "$home/q"
  check "a folder in the binary's place is an error" says 'is a folder'
}

test_addresses() {
  fresh_home
  make_archive 1.2.3
  for url in http://example.com/a.tar.gz http://localhost.example.com/a http://127.0.0.1.example.com/a \
    http://127.0.0.1@example.com/a https://user:word@example.com/a http://10.0.0.1/a ftp://example.com/a file:///etc/passwd; do
    run --archive "$url" --sha256 "$sum"
    check "refuses $url" exits 2
  done
  for url in http://127.0.0.1:1/a http://localhost:1/a 'http://[::1]:1/a'; do
    run --archive "$url" --sha256 "$sum" --dry-run
    check "takes $url" exits 0
    run --archive "$url" --sha256 "$sum"
    check "names $url when it does not answer" says "could not download $url"
  done
  check 'nothing was written' is_empty "$home"
}

test_usage() {
  fresh_home
  run --help
  check '--help succeeds' exits 0
  check '--help shows the flags' says '--sha256 HEX'
  run --bogus
  check 'an unknown flag is a usage error' exits 2
  run --prefix
  check 'a flag without its value is a usage error' exits 2
  run --prefix ''
  check 'an empty value is a usage error' exits 2
  run --sha256 "$(printf %064d 0)"
  check 'a sum without an archive is a usage error' exits 2
  run --uninstall --version 1.2.3
  check '--uninstall takes no version' exits 2
}

# `mesheryctl self update` keeps the program it replaced.
test_kept_program() {
  fresh_home
  make_archive 1.2.3
  run --archive "$archive" --sha256 "$sum" --prefix "$home/p"
  printf 'old\n' >"$home/p/bin/mesheryctl.previous"
  run --uninstall --dry-run --prefix "$home/p"
  check 'the kept program is listed' says 'bin/mesheryctl.previous'
  run --uninstall --prefix "$home/p"
  check 'the kept program goes too' exits 0
  check 'nothing is left' is_empty "$home"
}

# A manifest somebody has edited must not reach outside the prefix.
test_edited_manifest() {
  fresh_home
  make_archive 1.2.3
  run --archive "$archive" --sha256 "$sum" --prefix "$home/p"
  printf 'mine\n' >"$home/mine"
  printf 'file ../mine\nfile share/../../mine\ndir ..\n' >>"$home/p/share/mesheryctl/install-manifest"
  run --uninstall --prefix "$home/p"
  check 'files outside the prefix stay' holds "$home/mine" mine
}

# From a clone: cargo is a stand-in that writes the binary where a build would.
test_clone() {
  fresh_home
  make_archive 0.1.0
  clone=$work/clone
  rm -rf "$clone"
  mkdir -p "$clone/completions/man" "$work/fake"
  cp "$script" "$clone/install.sh"
  printf '[package]\nname = "mesheryctl"\nversion = "0.1.0"\n' >"$clone/Cargo.toml"
  cp "$tree"/completions/* "$clone/completions/"
  cp "$tree/man/mesheryctl.1" "$clone/completions/man/"
  cat >"$work/fake/cargo" <<CARGO
#!/bin/sh
printf '%s\n' "\$*" >"$work/cargo-arguments"
mkdir -p target/release && cp "$tree/mesheryctl" target/release/mesheryctl
CARGO
  chmod 755 "$work/fake/cargo"
  rm -f "$work/cargo-arguments"
  PATH=$work/fake:$path script=$clone/install.sh
  run --dry-run
  check '--dry-run of a clone succeeds' says 'would build mesheryctl 0.1.0'
  check 'and builds nothing' absent "$work/cargo-arguments"
  run --version 9.9.9
  check "another version than the clone's is refused" says 'this clone is version 0.1.0'
  run --version 0.1.0
  check 'a clone is built and installed' exits 0
  check 'as a locked release build' holds "$work/cargo-arguments" "build --release --locked --bin mesheryctl --target-dir $clone/target"
  check 'with everything in its place' lists "$home/.local" "$everything"
  PATH=$path script=$here/../../install.sh
  # elsewhere it is no clone, and says what to do
  mkdir -p "$work/elsewhere"
  cp "$script" "$work/elsewhere/install.sh"
  script=$work/elsewhere/install.sh
  run
  script=$here/../../install.sh
  check 'outside a clone it asks for an archive' says 'give --archive and --sha256'
}

# Piped and cut short, it must do nothing at all.
test_half_a_script() {
  fresh_home
  make_archive 1.2.3
  size=$(wc -c <"$script")
  head -c "$((size - 5))" "$script" >"$work/half.sh"
  # shellcheck disable=SC2086
  output=$(HOME=$home $shell "$work/half.sh" --archive "$archive" --sha256 "$sum" 2>&1 </dev/null)
  check 'a script cut short does nothing' is_empty "$home"
  # shellcheck disable=SC2086
  output=$(HOME=$home $shell -s -- --archive "$archive" --sha256 "$sum" 2>&1 <"$script")
  check 'the whole script may be piped' lists "$home/.local" "$everything"
}

run_all() {
  test_install_and_uninstall
  test_removes_its_folders
  test_upgrade
  test_prefix_with_spaces
  test_no_completions
  test_dry_run
  test_sums
  test_bad_archives
  test_versions
  test_broken_binary_keeps_the_old
  test_unwritable_prefix
  test_addresses
  test_usage
  test_kept_program
  test_edited_manifest
  test_clone
  test_half_a_script
}

for shell in dash bash 'busybox sh'; do
  if command -v "${shell%% *}" >/dev/null; then
    printf 'under %s\n' "$shell"
    run_all
  else
    printf 'not under %s, which is not here\n' "$shell"
  fi
done
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
