#!/bin/sh
# scripts/bench.sh [MODEL.onnx...]: how fast is it here? (a) the whole program, from the command line to a Grad-CAM
# picture: wall time and memory; (b) one forward pass and one gradient inside the program.
# Without models: the SqueezeNet of ../shared. Nothing is asserted: numbers depend on the machine.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
shared=${XAI_SHARED:-$root/../shared}
if [ $# -eq 0 ]; then
  set -- "$shared/models/squeezenet1.1.onnx"
fi
for model in "$@"; do
  [ -r "$model" ] || { echo "bench.sh: $model: no such file; name a model: sh scripts/bench.sh MODEL.onnx" >&2; exit 1; }
done
sh "$root/scripts/packages.sh" bench
sh "$root/scripts/build.sh" build xairun
xairun=$root/build/xairun
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

image=$shared/images/cat_dog.png
if [ ! -r "$image" ]; then
  image=$dir/disc.png
  "$xairun" -q -e "package.path = [[$root/tests/tools/?.lua]] require('samples').png([[$image]], 224, 224)"
fi

echo "xairun $("$xairun" --version | cut -d' ' -f2), $("$xairun" -v | sed -n 's/^threads //p') threads"
printf '%-28s %12s %12s\n' "grad-cam, whole process" "median s" "peak MB"
for model in "$@"; do
  : >"$dir/runs"
  for _ in 1 2 3 4 5; do
    /usr/bin/time -a -o "$dir/runs" -f '%e %M' "$xairun" -q -o "$dir" gradcam --model "$model" --image "$image" >/dev/null
  done
  seconds=$(cut -d' ' -f1 "$dir/runs" | sort -n | sed -n 3p)
  peak=$(cut -d' ' -f2 "$dir/runs" | sort -n | tail -n 1)
  printf '%-28s %12s %12s\n' "$(basename "$model")" "$seconds" "$((peak / 1024))"
done
"$xairun" -q "$root/bench/passes.lua" "$@"
