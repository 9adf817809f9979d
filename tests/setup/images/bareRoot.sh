#!/usr/bin/env bash
# The README's commands in the smallest Debian, to which only the README's own `apt install` line adds anything. A user who is not root
# runs them, in a folder with a blank in its name, with an empty home that is read-only, and must leave nothing outside the checkout.
# Usage, as root and with debootstrap installed: bareRoot.sh [MAKE_TARGET...]   (default: notebooks test; SUITE=bookworm, KEEP=folder)
set -euo pipefail
repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
targets=("${@:-}")
if [ $# -eq 0 ]; then targets=(notebooks test); fi
packages=$(sed -nE 's/.*`apt install ([^`]+)`.*/\1/p' "$repository/README.md" | head -n 1)

root=${KEEP:-$(mktemp -d)}
if [ -z "${KEEP:-}" ]; then trap 'rm -rf --one-file-system "$root"' EXIT; fi
if [ ! -e "$root/etc/debian_version" ]; then
  debootstrap --variant=minbase "${SUITE:-bookworm}" "$root"
  chroot "$root" apt-get update --quiet
  # shellcheck disable=SC2086 # one word for each package
  DEBIAN_FRONTEND=noninteractive chroot "$root" apt-get install --yes --quiet $packages
  chroot "$root" useradd --home-dir /home/newcomer --no-create-home newcomer
fi

# What a network between here and the registries asks for: proxies, certificates.
settings=(HOME=/home/newcomer PATH=/usr/local/bin:/usr/bin:/bin LANG=C.UTF-8)
for name in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY PIP_CERT NODE_EXTRA_CA_CERTS; do
  value=${!name:-}
  if [ -z "$value" ]; then continue; fi
  settings+=("$name=$value")
  if [ -f "$value" ]; then install -D --mode=644 "$value" "$root/$value"; fi
done

work="/srv/a checkout"
rm -rf "${root:?}$work" "$root/home/newcomer"
mkdir --mode=555 "$root/home/newcomer"
git clone --quiet "$repository" "$root$work"
chroot "$root" chown -R newcomer "$work"
touch "$root/started"

# shellcheck disable=SC2016 # the inner shell's variables
inside='mount -t proc proc "$1/proc"; mount -t tmpfs tmpfs "$1/dev/shm" 2>/dev/null || true; root=$1 work=$2; shift 2
  exec chroot --userspec=newcomer "$root" env -i "$@"'
status=0
unshare --mount --pid --fork bash -c "$inside" - "$root" "$work" "${settings[@]}" \
  bash -c 'cd "$0" && for target; do make "$target" || exit; done' "$work" "${targets[@]}" || status=$?

user=$(chroot "$root" id --user newcomer)
left=$(find "$root" -xdev -user "$user" -newer "$root/started" -not -path "$root$work" -not -path "$root$work/*")
if [ -n "$left" ]; then
  printf 'left outside the checkout:\n%s\n' "$left" >&2
  status=1
fi
exit "$status"
