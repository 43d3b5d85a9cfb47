#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Runs test programs and scripts that speak TAP; shows what failed; the last line counts.
passed=0 failed=0 skipped=0
export CMOCKA_MESSAGE_OUTPUT=TAP LC_ALL=C.UTF-8
out=$(mktemp)
trap 'rm -f "$out"' EXIT
for t in "$@"; do
	case $t in *.sh) t="sh $t" ;; esac
	${TIMEOUT:-timeout 300} $t >"$out" 2>&1
	status=$?
	ok=$(grep -c '^ok ' "$out")
	# cmocka says "not ok" of what it skips.
	skipped_by_unit=$(grep -c '^not ok [0-9]* # SKIP' "$out")
	no=$(($(grep -c '^not ok ' "$out") - skipped_by_unit))
	ok=$((ok + skipped_by_unit))
	skip=$(($(grep -c '^ok .*# [Ss][Kk][Ii][Pp]' "$out") + skipped_by_unit))
	# A program that died, or that ran nothing, counts as one failure.
	if [ "$status" -ne 0 ] && [ "$no" -eq 0 ] || [ $((ok + no)) -eq 0 ]; then
		no=$((no + 1))
		echo "not ok - $t ended with status $status"
	fi
	printf '%4d passed %3d failed  %s\n' "$ok" "$no" "${t##*/}"
	[ "$no" -eq 0 ] || sed 's/^/    /' "$out" | tail -60
	[ "$skip" -eq 0 ] || grep -E '^(not )?ok .*# [Ss][Kk][Ii][Pp]' "$out" | sed -E 's/^(not )?ok/    skipped:/'
	passed=$((passed + ok - skip)) failed=$((failed + no)) skipped=$((skipped + skip))
done
[ "$skipped" -eq 0 ] || echo "$skipped skipped"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
