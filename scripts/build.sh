#!/bin/sh
# scripts/build.sh DIR TARGET [CMAKE_OPTION...]: configures if needed and builds, on stderr and quietly: one line when
# there is something to do, the compiler's words when it fails or warns. With options it configures anew.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
dir=$root/$1 target=$2
shift 2
cache=$dir/CMakeCache.txt

# a build directory that came along with a copied tree knows only the old place
if [ -f "$cache" ] && ! grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$root" "$cache"; then
  rm -rf "$dir"
fi
mkdir -p "$dir"
log=$dir/build.log

if [ $# -gt 0 ] || [ ! -f "$dir/Makefile" ]; then
  if ! cmake -S "$root" -B "$dir" -G 'Unix Makefiles' "$@" >"$log" 2>&1; then
    cat "$log" >&2
    exit 1
  fi
fi
jobs=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
{ cmake --build "$dir" --target "$target" -j "$jobs" 2>&1 || echo BUILD-FAILED; } | tee "$log" |
  awk -v place="${dir##*/}" '/Building/ && !said { print "building in " place "/ ..." > "/dev/stderr"; said = 1 }'
grep -v -e '^\[ *[0-9]*%\]' -e '^Consolidate' -e '^Scanning' -e '^Built target' -e '^-- ' -e '^BUILD-FAILED' "$log" >&2 || true
! grep -q '^BUILD-FAILED' "$log"
