#!/usr/bin/env bash
# Stops what tests/kit/up.sh started, by the process ids it kept, and removes the run's state.
# The built programs stay in the cache; the logs of the last run stay in its last-log folder.
set -euo pipefail
# shellcheck source=tests/kit/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

main() {
  check_places
  [ -d "$RUN" ] || { say "nothing is up"; return; }
  take_lock
  if needs_root_to_manage; then
    again_as_root "stopping a run that root started" "$KIT_DIR/down.sh"
    return
  fi
  stop_all
  say "down"
}

main "$@"
