#!/usr/bin/env bash
# Packs the GPU benchmark for a CUDA machine that reaches no package registry: `make bench-gpu-bundle` runs it.
# Usage: pack.sh NODE PYTHON TENSORFLOW_VERSION OUT_DIR     (needs strip, xz; 4 minutes on 2 cores the first time)
# OUT_DIR/app: the programs, the binding and Node; OUT_DIR/tf0 … : TensorFlow in parts of at most 58 MB, to be carried one at a time.
set -euo pipefail
node=$1 python=$2 version=$3
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
out=$(mkdir -p "$4" && cd "$4" && pwd)

rm -rf "$out/app"
"$node" "$here/bundle.mjs" "$out/app"
cp "$here/run.sh" "$out/app/"
(cd "$out/app" && xz -T0 -9 --keep ours.mjs && rm ours.mjs)
[ -e "$out/node.xz" ] || { strip -o "$out/node" "$(readlink -f "$node")"; xz -T0 -9 "$out/node"; }
cp "$out/node.xz" "$out/app/"

if [ ! -e "$out/tf0" ]; then
  work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
  fetch() { "$python" -m pip download -q --no-deps --only-binary=:all: --python-version 3.11 --platform manylinux_2_27_x86_64 --platform manylinux_2_17_x86_64 --platform manylinux2014_x86_64 -d "$work/wheels" "$1"; }
  fetch "tensorflow==$version"
  fetch nvidia-cuda-runtime-cu12
  "$python" -m zipfile -e "$work"/wheels/tensorflow-*.whl "$work/tf"
  "$python" -m zipfile -e "$work"/wheels/nvidia_cuda_runtime_cu12-*.whl "$work/cuda"
  for library in libtensorflow_cc.so.2 libtensorflow_framework.so.2; do strip --strip-unneeded "$work/tf/tensorflow/$library" -o "$work/$library"; done
  cp "$work"/cuda/nvidia/cuda_runtime/lib/libcudart.so.12 "$work/"
  tar cf - -C "$work" libtensorflow_cc.so.2 libtensorflow_framework.so.2 libcudart.so.12 | xz -T0 -6 > "$work/tf.tar.xz"
  split -b 58M -d -a 1 "$work/tf.tar.xz" "$work/part."
  for part in "$work"/part.*; do mkdir -p "$out/tf${part##*.}"; mv "$part" "$out/tf${part##*.}/"; done
fi
du -sh "$out"/app "$out"/tf?
