#!/bin/sh
# scripts/bench.sh [--quick] [--tasks a,b] [--nets a,b] [--turns N] [--json FILE] [--no-peers]: how fast is it here? Forward
# passes, explanations, training and maps of points beside PyTorch, ONNX Runtime and scikit-learn, in turn in one run, and
# beside what the machine could do at most. A table, and the same in out/bench.json. docs/performance.md says what is
# measured; nothing is asserted.
# Peers are measured when they are there: python3 with torch and torchvision, with sklearn (or XAI_PYTHON), node with
# onnxruntime-node in ./node_modules or on NODE_PATH. OMP_NUM_THREADS: the threads of every side.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
sh "$root/scripts/packages.sh" bench
sh "$root/scripts/build.sh" build xairun
sh "$root/scripts/build.sh" build limits
XAI_BENCH_XAIRUN=$root/build/xairun
case " $* " in *' --help '* | *' -h '*) exec "$XAI_BENCH_XAIRUN" -q "$root/bench/bench.lua" --help ;; esac

# python_with MODULE...: the first Python that has them all
python_with() {
  for python in ${XAI_PYTHON:-} python3 /usr/bin/python3; do
    if "$python" -c 'import sys; from importlib.util import find_spec as f; exit(not all(map(f, sys.argv[1:])))' "$@" 2>/dev/null; then
      echo "$python"
      break
    fi
  done
}
XAI_BENCH_PYTHON=$(python_with torch torchvision)
XAI_BENCH_SKLEARN=$(python_with sklearn)
export NODE_PATH="${NODE_PATH:+$NODE_PATH:}$PWD/node_modules"
XAI_BENCH_NODE=
if node -e 'require.resolve("onnxruntime-node")' 2>/dev/null; then XAI_BENCH_NODE=node; fi

XAI_BENCH_FOLDER=$(mktemp -d)
trap 'rm -rf "$XAI_BENCH_FOLDER"' EXIT
trap 'exit 130' INT TERM
OMP_NUM_THREADS=${OMP_NUM_THREADS:-$(getconf _NPROCESSORS_ONLN)}
export OMP_NUM_THREADS
XAI_BENCH_LIMITS=$("$root/build/limits")
XAI_BENCH_INSTRUCTIONS=$("$XAI_BENCH_XAIRUN" -v | sed -n 's/^instructions //p')
export XAI_BENCH_XAIRUN XAI_BENCH_PYTHON XAI_BENCH_SKLEARN XAI_BENCH_NODE XAI_BENCH_FOLDER XAI_BENCH_LIMITS XAI_BENCH_INSTRUCTIONS
mkdir -p out
"$XAI_BENCH_XAIRUN" -q "$root/bench/bench.lua" "$@"
