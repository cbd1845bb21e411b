#!/bin/sh
# scripts/fuzz.sh [-runs=N] [-merge] [TARGET...]: builds the fuzz targets with clang in build-fuzz, runs each (onnx, prototxt,
# caffemodel, safetensors, pth, npy, npz, image, labels) for N inputs (100000) from small sound files, and says in one line
# per target how it went. What it finds is kept in build-fuzz/corpus for the next time; an input that crashes, leaks, takes
# 10 s or 3 GB ends in build-fuzz/found, and the script with 1.
#   -merge   instead, makes tests/fuzz/corpus anew: of the files in build-fuzz/corpus, cut to 600 bytes, as few as reach every
#            line and branch that all of them reach
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
shared=${XAI_SHARED:-$root/../shared}
fuzz=$root/tests/fuzz build=$root/build-fuzz
runs=100000 merge=no targets=
for argument in "$@"; do
  case $argument in
    -runs=*) runs=${argument#-runs=} ;;
    -merge) merge=yes ;;
    -*) echo "fuzz.sh: unknown option '$argument' (options: -runs=N, -merge)" >&2; exit 1 ;;
    *)
      [ -f "$fuzz/fuzz_$argument.c" ] || { echo "fuzz.sh: unknown target '$argument'" >&2; exit 1; }
      targets="$targets $argument" ;;
  esac
done
[ -n "$targets" ] || targets=$(cd "$fuzz" && ls fuzz_*.c | sed 's/fuzz_\(.*\)\.c/\1/')

sh "$root/scripts/packages.sh" test clang
sh "$root/scripts/build.sh" build-fuzz xairun -DXAI_FUZZ=ON -DCMAKE_C_COMPILER=clang -DCMAKE_BUILD_TYPE=Debug \
  '-DCMAKE_C_FLAGS_DEBUG=-O2 -g' # not NDEBUG: broken invariants are to abort here
for target in $targets; do sh "$root/scripts/build.sh" build-fuzz "fuzz_$target"; done

export OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive
export LSAN_OPTIONS="suppressions=$root/tests/tools/lsan.supp:print_suppressions=0"
"$build/xairun" -q "$fuzz/seeds.lua" "$build/seeds"
mkdir -p "$build/found"

# sound FORMAT: small sound files of others, into the folder of seeds; libFuzzer reads folders only
sound() {
  case $1 in
    onnx) set -- onnx '*.onnx' "$shared/golden/onnx" /usr/share/libonnx-testdata/data ;;
    image) set -- image '*.[jpb][pnm][gp]' "$fuzz/../fixtures" ;;
    pth | npy | npz | safetensors) set -- "$1" "*.$1" "$shared/golden/formats" ;;
    *) return 0 ;;
  esac
  format=$1 pattern=$2
  shift 2
  for folder in "$@"; do
    [ ! -d "$folder" ] || find "$folder" -name "$pattern" -size -8
  done | while read -r file; do cp "$file" "$build/seeds/$format/$(echo "$file" | tr / _)"; done
}

status=0
for target in $targets; do
  corpus=$build/corpus/$target log=$build/fuzz_$target.log
  mkdir -p "$corpus" "$build/seeds/$target" "$fuzz/corpus/$target"
  sound "$target"
  program=$build/tests/fuzz_$target
  if [ $merge = yes ]; then
    rm -rf "$build/merged"
    mkdir "$build/merged"
    "$program" -set_cover_merge=1 -use_counters=0 -max_len=600 "$build/merged" "$corpus" "$build/seeds/$target" \
      >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
    find "$fuzz/corpus/$target" -type f -name '[0-9a-f]*' ! -name '*[!0-9a-f]*' -delete # named ones stay
    for file in "$build/merged"/*; do
      [ ! -f "$file" ] || cp "$file" "$fuzz/corpus/$target/$(basename "$file" | cut -c1-12)"
    done
    echo "$target: $(ls "$fuzz/corpus/$target" | wc -l) files, $(cat "$fuzz/corpus/$target"/* | wc -c) bytes"
    continue
  fi
  set -- -runs="$runs" -max_len=1536 -timeout=10 -rss_limit_mb=3000 -malloc_limit_mb=1000 -print_final_stats=1 \
    -artifact_prefix="$build/found/$target-"
  [ ! -f "$fuzz/$target.dict" ] || set -- "$@" -dict="$fuzz/$target.dict"
  start=$(date +%s)
  good=yes
  "$program" "$@" "$corpus" "$fuzz/corpus/$target" "$build/seeds/$target" >"$log" 2>&1 || good=no
  seconds=$(($(date +%s) - start))
  done=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
  speed=$((${done:-0} / (seconds > 0 ? seconds : 1)))
  echo "fuzz_$target: ${done:-0} executions, $speed a second, $seconds s"
  [ $good = yes ] || { echo "fuzz_$target: FOUND something: see $log" && status=1; }
done
exit $status
