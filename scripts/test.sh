#!/bin/sh
# scripts/test.sh [--slow] [--sanitize | --clang] [ctest's arguments]: installs what is missing, builds with warnings as
# errors, runs the tests.
#   --slow       also the tests labelled slow
#   --sanitize   in build-sanitize, under the address and undefined-behaviour sanitizers
#   --clang      in build-clang, with the other compiler
# With CI=true in the environment and neither of the last two: all three, one after the other.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
shared=${XAI_SHARED:-$root/../shared}
jobs=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
slow=no which=gcc
while [ $# -gt 0 ]; do
  case $1 in
    --slow) slow=yes ;;
    --sanitize) which=sanitize ;;
    --clang) which=clang ;;
    *) break ;;
  esac
  shift
done
if [ "${CI:-}" = true ] && [ "$which" = gcc ]; then which=all; fi

leave_out=slow
# suite NAME DIR [CTEST_ARGUMENT...]: runs the tests of a build directory and says in one line how it went.
suite() {
  name=$1 dir=$root/$2
  shift 2
  [ "$slow" = yes ] || set -- -LE "$leave_out" "$@"
  log=$dir/test.log
  start=$(date +%s)
  { ctest --test-dir "$dir" -j "$jobs" --output-on-failure --no-tests=error "$@" 2>&1 || echo TESTS-FAILED; } |
    tee "$log" | grep -v -e '^ *Start *[0-9]' -e '^TESTS-FAILED' -e '^Internal ctest' -e '^Test project' || true
  seconds=$(($(date +%s) - start))
  total=$(sed -n 's/.*tests failed out of \([0-9]*\)$/\1/p' "$log")
  failed=$(sed -n 's/.*tests passed, \([0-9]*\) tests failed out of.*/\1/p' "$log")
  skipped=$(grep -c '(Skipped)$' "$log" || true)
  echo "test.sh: $name: ${total:-0} tests, ${failed:-?} failed, $skipped skipped, $seconds s"
  if grep -q '^TESTS-FAILED' "$log"; then return 1; fi
  # where the reference results are at hand, comparing with them is not optional
  if [ -d "$shared/golden" ] && grep '(Skipped)$' "$log" | grep -q '/golden_'; then
    echo "test.sh: skipped although $shared is there:" >&2
    grep '(Skipped)$' "$log" | grep '/golden_' >&2
    return 1
  fi
}

case $which in
  clang | all) sh "$root/scripts/packages.sh" test clang ;;
  *) sh "$root/scripts/packages.sh" test ;;
esac
case $which in
  gcc | all)
    sh "$root/scripts/build.sh" build all -DXAI_WERROR=ON -DXAI_TESTS=ON
    suite gcc build "$@"
    ;;
esac
case $which in
  clang | all)
    # as fast to build as to run
    sh "$root/scripts/build.sh" build-clang all -DCMAKE_C_COMPILER=clang -DXAI_WERROR=ON \
      -DCMAKE_BUILD_TYPE=Debug '-DCMAKE_C_FLAGS_DEBUG=-O1 -DNDEBUG'
    if [ "$which" = all ]; then suite clang build-clang -L unit "$@"; else suite clang build-clang "$@"; fi
    ;;
esac
case $which in
  sanitize | all)
    # Not NDEBUG: broken invariants are to abort here. -O1 builds in a third of the time of -O2, but with false warnings;
    # the two builds above have shown the true ones.
    sh "$root/scripts/build.sh" build-sanitize all -DXAI_SANITIZE=ON \
      -DCMAKE_BUILD_TYPE=Debug '-DCMAKE_C_FLAGS_DEBUG=-O1 -g -w'
    # numbers and pages are compared without sanitizers, five times as fast
    if [ "$which" = all ]; then leave_out='slow|golden|docs'; fi
    suite sanitize build-sanitize "$@"
    ;;
esac
