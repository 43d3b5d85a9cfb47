#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Ratios of training speed, measured in one run: the two sides take turns, medians are compared.
# A ratio above 1 means that the first side is faster. ROUNDS (5) says how often.
build=$1 rounds=${ROUNDS:-5}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
export LC_ALL=C.UTF-8
# The sample often enough to be worth timing: 6,800 sentences.
k=0
while [ $k -lt 17 ]; do
	cat samples/english.tsv
	k=$((k + 1))
done >"$work/data.tsv"

# seconds of training (not of start-up) for two epochs with the given settings
sluice() {
	set -- $1
	args=
	for s in "$@"; do args="$args --set $s"; done
	# shellcheck disable=SC2086
	"$build/sluice" train -q --json --store "$work/bench.db" --data "$work/data.tsv" --set epochs=2 \
		--set valid_split=0 --set dropout=0 $args | sed 's/.*"seconds":\([0-9.e-]*\).*/\1/'
	rm -f "$work"/bench.db*
}
median() { sort -g | awk '{v[NR] = $1} END {print v[int((NR + 1) / 2)]}'; }
compare() { # title, first side, second side: each a command that prints seconds
	k=0
	: >"$work/a" >"$work/b"
	while [ $k -lt "$rounds" ]; do
		eval "$2" >>"$work/a"
		eval "$3" >>"$work/b"
		k=$((k + 1))
	done
	a=$(median <"$work/a") b=$(median <"$work/b")
	awk -v t="$1" -v a="$a" -v b="$b" 'BEGIN {printf "%-58s %6.2f   (%.2f s, %.2f s)\n", t, b / a, a, b}'
}

echo "ratio of speeds, median of $rounds"
compare "two threads : one thread" 'sluice "threads=2"' 'sluice "threads=1"'
compare "real tokens only : all padded to 22" 'sluice "threads=1"' 'sluice "threads=1 mask=false max_len=22"'
compare "cell standard : cell article" 'sluice "threads=1"' 'sluice "threads=1 cell=article"'
for python in /usr/bin/python3 python3; do
	if "$python" -c 'import torch' 2>/dev/null; then
		compare "sluice : PyTorch, one thread" 'sluice "threads=1"' \
			"$python tests/bench/peer.py $work/data.tsv"
		exit 0
	fi
done
echo "sluice : PyTorch                                   not measured: no PyTorch here (python3-torch)"
