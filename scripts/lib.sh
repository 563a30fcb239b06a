# SPDX-License-Identifier: BSD-2-Clause
# lib.sh: what the shell scripts here share.  Source it; it sets TOP and CACHE and defines a few functions.
#
#   TOP     the checkout
#   CACHE   what is fetched or built once: Bochs, the Debian kernel, busybox (CAISSON_CACHE, default ~/.cache/caisson)

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
CACHE=${CAISSON_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/caisson}
ME=$(basename "$0")

# say TEXT: progress, to standard error
say() { printf '%s: %s\n' "$ME" "$*" >&2; }

# die TEXT: the same, and the end
die() { say "$*"; exit 1; }

# as_root COMMAND: run it as root, by sudo if need be
as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		die "need root for: $*  (no sudo here: run it yourself)"
	fi
}

# quietly LOG COMMAND: run it with its output in LOG; when it fails show the end of that and fail
quietly() {
	local log=$1
	shift
	if ! "$@" >"$log" 2>&1 </dev/null; then
		tail -n 15 "$log" >&2
		say "failed: $*"
		return 1
	fi
}
