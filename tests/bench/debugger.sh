#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# What the debugger takes at H=128: searches of 10,000 texts of 19 words on average, in seconds and in
# units of what `eval` takes for the same texts with the same run; and lines of a command file over a
# text of 40 words, in milliseconds. Commands take turns, ROUNDS (5) times; shown are medians. What is
# searched for is found nowhere, so that every text is gone through.
build=$1 rounds=${ROUNDS:-5}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
export LC_ALL=C.UTF-8 SLUICE_STORE="$work/bench.db"

# The words' numbers are spread as in a language, rank by rank (Zipf).
awk 'function uniform() { # Park and Miller
	seed = seed * 16807 % 2147483647
	return seed / 2147483647
}
function words(n,  line) {
	for (line = ""; n; n--) line = line " w" int(exp(uniform() * log(15000)))
	return substr(line, 2)
}
BEGIN {
	seed = 1
	for (k = 0; k < 10000; k++) print k % 2 "\t" words(2 + int(35 * uniform()))
	print words(40) >"'"$work"'/forty"
}' >"$work/texts" || exit 1
head -1000 "$work/texts" >"$work/some"
for both in false true; do
	"$build/sluice" train -q --data "$work/some" --name $both --set bidirectional=$both --set hidden=128 \
		--set embed=100 --set epochs=1 --set tokenizer=space >/dev/null || exit 1
done
script() { # name, two lines that follow each other 500 times
	awk -v a="$2" -v b="$3" 'NR == 1 {print "trace false --text \"" $0 "\""
		for (k = 0; k < 500; k++) printf "%s\n%s\n", a, b}' "$work/forty" >"$work/$1"
}
script step 'step 1' 'step -1'
script goto 'goto 40' 'goto 1'
script set 'set f = 0 @5..20' 'undo'
printf 'trace false --text "%s"\n' "$(cat "$work/forty")" >"$work/none"

median() { sort -g | awk '{v[NR] = $1} END {print v[int((NR + 1) / 2)]}'; }
timed() { # name, then what is run
	name=$1
	shift
	begun=$(date +%s.%N)
	"$build/sluice" "$@" >/dev/null 2>&1 || { echo "failed: sluice $*" >&2 && exit 1; }
	date +%s.%N | awk -v a="$begun" '{printf "%.4f\n", $1 - a}' >>"$work/of.$name"
}
of() { median <"$work/of.$1"; }
round=0
while [ $round -lt "$rounds" ]; do
	for both in false true; do
		timed eval.$both eval $both --data "$work/texts"
		timed gate.$both search $both 'f[12] > 2' --data "$work/texts"
		timed z.$both search $both 'max(z_f) > 1000' --data "$work/texts"
		timed p.$both search $both 'p(1) > 2' --data "$work/texts"
	done
	for s in none step goto set; do timed $s --script "$work/$s"; done
	round=$((round + 1))
done
printf '%-26s %10s %12s\n' '10,000 texts' seconds 'of eval'
row() { # title, measurement, eval
	awk -v title="$1" -v s="$(of "$2")" -v e="$(of "$3")" 'BEGIN {printf "%-26s %10.2f %12.2f\n", title, s, s / e}'
}
for both in false true; do
	[ $both = true ] && ways='in two directions' || ways='in one direction'
	row "f[12], $ways" gate.$both eval.$both
	row "max(z_f), $ways" z.$both eval.$both
	row "p, $ways" p.$both eval.$both
done
printf '\n%-26s %10s\n' '40 words, a line' ms
for s in step goto set; do
	awk -v title="$s" -v a="$(of $s)" -v b="$(of none)" 'BEGIN {printf "%-26s %10.2f\n", title, a - b} # of 1,000 lines'
done
