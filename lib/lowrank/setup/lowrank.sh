#!/bin/sh
# The command `lowrank`, linked into .venv/bin, with this checkout's Node whatever the PATH says.
checkout=$(dirname "$(dirname "$(dirname "$(dirname "$(readlink -f "$0")")")")")
exec "$checkout/.venv/bin/node" "$checkout/lib/lowrank/bin/lowrank.js" "$@"
