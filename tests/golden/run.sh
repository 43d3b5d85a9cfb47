#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Runs every golden case of a folder in float32 and in double; a line for each failure.
build=$1 dir=$2
[ -d "$dir" ] || { echo "golden: no folder $dir" >&2; exit 2; }
set --
for f in "$dir"/*.txt; do
	[ "$(head -c 6 "$f" 2>/dev/null)" = golden ] && set -- "$@" "$f"
done
[ $# -gt 0 ] || { echo "golden: no cases in $dir" >&2; exit 2; }
passed=0 failed=0 skipped=0
for kind in float double; do
	out=$("$build/golden_$kind" "$@")
	echo "$out" | sed '$d; s/^# /'"$kind"': /'
	count=$(echo "$out" | tail -1)
	case $count in
	*passed*) ;;
	*) echo "golden: golden_$kind died" >&2; exit 1 ;;
	esac
	# shellcheck disable=SC2086
	set -- $count -- "$@"
	passed=$((passed + $1)) failed=$((failed + $3)) skipped=$((skipped + $5))
	shift 7
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
