#!/usr/bin/env bash
# Builds the Dockerfile where no Docker engine runs, and tries the command in it: buildah, on a base that debootstrap makes.
# Usage, as root, with buildah and debootstrap installed: image.sh   (KEEP=folder keeps the base and the images)
set -euo pipefail
repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
place=${KEEP:-$(mktemp -d)}
if [ -z "${KEEP:-}" ]; then trap 'rm -rf --one-file-system "$place"' EXIT; fi
export STORAGE_DRIVER=vfs BUILDAH_ISOLATION=chroot
build=(buildah --root "$place/store")

if [ ! -e "$place/base/etc/debian_version" ]; then debootstrap --variant=minbase bookworm "$place/base"; fi
base=$("${build[@]}" from scratch)
# What a network between here and the registries asks for: certificates.
for name in PIP_CERT NODE_EXTRA_CA_CERTS; do
  value=${!name:-}
  if [ ! -f "$value" ]; then continue; fi
  install -D --mode=644 "$value" "$place/base/$value"
  "${build[@]}" config --env "$name=$value" "$base"
done
cp -r /usr/local/share/ca-certificates "$place/base/usr/local/share/"
"${build[@]}" add --quiet "$base" "$place/base" /
"${build[@]}" config --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$base"
"${build[@]}" commit --quiet "$base" docker.io/library/debian:bookworm-slim

rm -rf "$place/checkout"
git clone --quiet "$repository" "$place/checkout"
"${build[@]}" build --pull=never --tag lowrank "$place/checkout"
"${build[@]}" images

run=("${build[@]}" run "$("${build[@]}" from --pull=never lowrank)" --)
test "$("${run[@]}" id --user --name)" = lowrank
"${run[@]}" lowrank info
"${run[@]}" lowrank generate --max-new-tokens 16 'function add(a, b) {'
