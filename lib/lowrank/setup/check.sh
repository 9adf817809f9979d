#!/usr/bin/env bash
# Says in one line what this machine lacks, before anything is installed.
set -euo pipefail
fail() { printf 'setup: %s\n' "$1" >&2; exit 1; }

case "$PWD" in
  *:*) fail "this folder has a colon in its name ($PWD), which PATH cannot hold; move the checkout" ;;
esac
system=$(uname -s) machine=$(uname -m)
case "$system/$machine" in
  Linux/x86_64) ;;
  Darwin/*) fail "macOS is not supported (TensorFlow ships no C++ headers and libraries for it in this form); use Linux x86-64, a container or a virtual machine" ;;
  MINGW*/*|MSYS*/*|CYGWIN*/*) fail "Windows is supported through WSL 2 only: run the same commands inside a Linux x86-64 distribution" ;;
  *) fail "$system on $machine is not supported; Linux on x86-64 is" ;;
esac
! ldd --version 2>&1 | grep -qi musl || fail "musl C libraries (Alpine) are not supported: TensorFlow's wheels need glibc; use a Debian, Ubuntu or Fedora image"

command -v "$PYTHON" >/dev/null || fail "'$PYTHON' not found: install Python 3.10 to 3.13 (Debian/Ubuntu: apt install python3 python3-venv)"
version=$("$PYTHON" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || fail "'$PYTHON' does not run: install Python 3.10 to 3.13"
case "$version" in
  3.10|3.11|3.12|3.13) ;;
  *) fail "'$PYTHON' is Python $version, for which TensorFlow 2.21.0 has no wheel; name another with: make setup PYTHON=python3.12" ;;
esac
"$PYTHON" -c 'import venv, ensurepip' 2>/dev/null || fail "Python's venv module is missing (Debian/Ubuntu: apt install python3-venv)"
command -v "${CXX:-g++}" >/dev/null || fail "no C++ compiler: install g++ (Debian/Ubuntu: apt install g++; Fedora: dnf install gcc-c++)"
command -v git >/dev/null || fail "git not found: the reviewer and its tests read diffs with it (Debian/Ubuntu: apt install git; Fedora: dnf install git)"
