#!/usr/bin/env bash
# Compiles the binding of @tensorflow/tfjs-node-gpu, from the sources in its npm package, against the TensorFlow of a Python environment.
# Usage: compile.sh PYTHON_ENVIRONMENT PACKAGE_DIR
# Why: the package's own installer downloads libtensorflow 2.9 for CUDA 11 from outside the registries (tensorflow/tfjs#8362).
set -euo pipefail
environment=$(cd "$1" && pwd) package=$(cd "$2" && pwd)
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
site=$("$environment/bin/python" -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')
tensorflow=$site/tensorflow
headers=$(cd "$package/../../node-api-headers/include" && pwd)
out=$package/lib/napi-v8/tfjs_binding.node

sources=$(mktemp -d)
trap 'rm -rf "$sources"' EXIT
cp "$package"/binding/*.{cc,h} "$here"/*.{cc,h} "$here"/*/*.{cc,h,inc} "$sources/"
"$environment/bin/python" "$here/patch.py" "$sources" "$here"/*.patch

rpaths=(-Xlinker -rpath -Xlinker "$tensorflow") # -Wl would cut a path at its commas
for folder in "$site"/nvidia/*/lib; do
  if [ -d "$folder" ]; then rpaths+=(-Xlinker -rpath -Xlinker "$folder"); fi
done

# Where LOWRANK_OBJECTS names a folder, what is compiled is kept there, by all that decides what comes out: a change compiles what it concerns.
digest() { "$environment/bin/python" -c 'import hashlib, sys; print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest())'; }
everywhere=$({ "${CXX:-g++}" --version && cat "$tensorflow"/include/tensorflow/core/public/*version.h "$headers"/*.h "$sources"/*.{h,inc} "$here/compile.sh"; } | digest)

compile() {
  local source=$1 kept=
  shift
  if [ -n "${LOWRANK_OBJECTS:-}" ]; then
    kept=$LOWRANK_OBJECTS/$(echo "$everywhere $*" | cat - "$source" | digest).o
    if cp "$kept" "${source%.cc}.o" 2>/dev/null; then
      echo "compiled $(basename "$source") before"
      return
    fi
  fi
  # Warnings of our own files are wanted; those of tfjs's and of TensorFlow's headers are not.
  local warnings=(-w)
  if [ -n "$(find "$here" -name "$(basename "$source")")" ]; then warnings=(-Wall -Wextra -Wno-psabi); fi
  "${CXX:-g++}" -std=c++17 -O2 -fPIC "${warnings[@]}" -DNAPI_VERSION=8 -I"$headers" -isystem "$tensorflow/include" "$@" -c "$source" -o "${source%.cc}.o"
  if [ -n "$kept" ]; then
    mkdir -p "$LOWRANK_OBJECTS"
    cp "${source%.cc}.o" "$kept.$$.$(basename "$source")"
    mv "$kept.$$.$(basename "$source")" "$kept"
  fi
  echo "compiled $(basename "$source")"
}
# As many at once as there are cores, for one takes up to 0.7 GB of memory; the two longest first.
cores=$(nproc) running=0
longest=("$sources"/{xla,hugePages}.cc)
for source in "${longest[@]}" "$sources"/*.cc; do
  if [ -e "${source%.cc}.begun" ]; then continue; fi
  touch "${source%.cc}.begun"
  flags=()
  case $(basename "$source") in
    *Kernels.cc) flags=(-O3) ;;
    *KernelsAvx2.cc) flags=(-O3 -mavx2 -mfma -mf16c) ;;
    *KernelsAvx512.cc) flags=(-O3 -mavx2 -mfma -mf16c -mavx512f) ;;
  esac
  if [ "$running" -ge "$cores" ]; then wait -n; else running=$((running + 1)); fi
  compile "$source" "${flags[@]}" &
done
while [ "$running" -gt 0 ]; do wait -n; running=$((running - 1)); done

# Linked against empty libraries of the same names: reading the symbols of the real ones takes the linker most of a minute and 0.9 GB,
# and it has no use for them, for a shared library finds its symbols when it is loaded.
mkdir "$sources/names"
for name in libtensorflow_cc.so.2 libtensorflow_framework.so.2; do
  "${CXX:-g++}" -shared -nostdlib -Wl,-soname,"$name" -o "$sources/names/$name" -x c++ /dev/null
done

# -z now: all of the binding's own symbols are looked up when it is loaded, and one that this TensorFlow lacks is named there.
# Into place by renaming: processes that run keep the binding they have loaded.
folder=$(dirname "$out")
mkdir -p "$folder"
mv "$sources/load.o" "$sources/load" # it is the library that loads the others
objects=("$sources"/*.o)
"${CXX:-g++}" -shared -o "$folder/tfjs_tensorflow.so.new" "${objects[@]}" \
  -L"$sources/names" -Wl,-z,now -Wl,--no-as-needed "${rpaths[@]}" -l:libtensorflow_cc.so.2 -l:libtensorflow_framework.so.2
"${CXX:-g++}" -shared -o "$out.new" "$sources/load" -ldl
mv "$folder/tfjs_tensorflow.so.new" "$folder/tfjs_tensorflow.so"
mv "$out.new" "$out"
