#!/bin/sh
# scripts/packages.sh [GROUP...]: makes sure that the Debian packages of the groups are installed. Groups:
#   build  what compiles and runs xairun (always included)
#   test   what the tests need besides
#   clang  the second compiler
#   bench  what scripts/bench.sh measures with
#   mpi    for several processes at once (mpirun); nothing else needs it, and a build finds it by itself
# Says nothing and is quick when nothing is missing.
set -eu

wanted="gcc libc6-dev make cmake pkg-config
  liblua5.4-dev libopenblas-dev libstb-dev libcjson-dev zlib1g-dev libcairo2-dev libfreetype-dev libedit-dev fonts-dejavu-core
  fonts-noto-color-emoji"
for group in "$@"; do
  case $group in
    build) ;;
    test) wanted="$wanted libcmocka-dev lua5.4 libonnx-testdata" ;;
    clang) wanted="$wanted clang libomp-dev" ;;
    bench) wanted="$wanted time" ;;
    mpi) wanted="$wanted libopenmpi-dev openmpi-bin" ;;
    *) echo "packages.sh: unknown group '$group' (groups: build, test, clang, bench, mpi)" >&2; exit 1 ;;
  esac
done

[ "${XAI_PACKAGES:-}" != installed ] || exit 0
if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
  {
    echo "packages.sh: this is not a Debian system. Please install what corresponds to"
    echo "  $(echo $wanted)"
    echo "and run again with XAI_PACKAGES=installed in the environment."
  } >&2
  exit 1
fi

# shellcheck disable=SC2086
present=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' $wanted 2>/dev/null || true)
missing=
for package in $wanted; do
  case "
$present
" in
    *"
installed $package
"*) ;;
    *) missing="$missing $package" ;;
  esac
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -eq 0 ]; then
  as_root=
elif command -v sudo >/dev/null && { [ -t 0 ] || sudo -n true 2>/dev/null; }; then
  as_root=sudo
else
  {
    echo "packages.sh: these Debian packages are missing, and neither root nor sudo is at hand:"
    echo "  apt-get install --no-install-recommends$missing"
  } >&2
  exit 1
fi

echo "packages.sh: installing$missing" >&2
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# apt_get ARGUMENTS...: silent unless it fails
apt_get() {
  $as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 "$@" >"$log" 2>&1 </dev/null
}
# an update may fail for a source we do not need: the installation decides
apt_get update || true
# shellcheck disable=SC2086
if ! apt_get install -y --no-install-recommends $missing; then
  cat "$log" >&2
  echo "packages.sh: the installation failed; see above" >&2
  exit 1
fi
