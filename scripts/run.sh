#!/bin/sh
# scripts/run.sh [xairun's arguments]: installs what is missing, builds, runs. From any directory: paths are the
# caller's; a script that is not there is looked for in this tree (examples/tour.lua).
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
sh "$root/scripts/packages.sh"
if [ -f "$root/build/Makefile" ]; then
  sh "$root/scripts/build.sh" build xairun
else
  sh "$root/scripts/build.sh" build xairun -DXAI_TESTS=OFF
fi
XAIRUN_HOME=$root exec "$root/build/xairun" "$@"
