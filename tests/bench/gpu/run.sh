#!/usr/bin/env bash
# On the CUDA machine: unpacks what pack.sh made, and runs the benchmark with it.
# Usage: APP_DIR/run.sh TENSORFLOW_DIR [options of bench.ts]     (TENSORFLOW_DIR holds part.0 …, or what an earlier run unpacked)
# TensorFlow's CUDA 12 names are pointed at the CUDA 13 libraries of the machine. cuFFT, cuSOLVER and cuSPARSE are empty
# stand-ins: TensorFlow asks only that they load, and a transformer calls none of them.
set -euo pipefail
app=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tensorflow=$(cd "$1" && pwd)
shift

for file in node ours.mjs; do
  [ -e "$tensorflow/$file" ] || xz -dc "$app/$file.xz" > "$tensorflow/$file"
done
chmod +x "$tensorflow/node"
cp "$app"/{bench.mjs,peer.py,tfjs_binding.node,tfjs_tensorflow.so} "$tensorflow/"

if [ ! -e "$tensorflow/libtensorflow_cc.so.2" ]; then
  (cd "$tensorflow" && cat part.? | xz -dc -T0 | tar xf - && rm part.?)
  for name in libcufft.so.11 libcusolver.so.11 libcusparse.so.12; do
    echo 'int stand_in;' | gcc -shared -fPIC -x c - -Wl,-soname,$name -o "$tensorflow/$name"
  done
  library() { find / -name "$1" -not -path '/proc/*' 2>/dev/null | head -1; }
  ln -sf "$(library libcublas.so.13)" "$tensorflow/libcublas.so.12"
  ln -sf "$(library libcublasLt.so.13)" "$tensorflow/libcublasLt.so.12"
  ln -sf "$(library libcudnn.so.9)" "$tensorflow/libcudnn.so.9"
fi
cuda=${CUDA_HOME:-/usr/local/cuda}
folder() { dirname "$(readlink -f "$tensorflow/$1")"; }
export LD_LIBRARY_PATH="$tensorflow:$(folder libcublas.so.12):$(folder libcudnn.so.9):${LD_LIBRARY_PATH:-}"
export XLA_FLAGS="--xla_gpu_cuda_data_dir=$cuda ${XLA_FLAGS:-}"
export PATH="$cuda/bin:$PATH"
exec "$tensorflow/node" --disable-warning=DEP0044 "$tensorflow/bench.mjs" --ours "$tensorflow/ours.mjs" --peer "$tensorflow/peer.py" "$@"
