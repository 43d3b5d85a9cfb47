#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# How fast training is from a small model to a large one, in tokens per second: the medians of ROUNDS
# (3) measurements of a second each; and PyTorch beside it, in turns, where it is installed. ONLY=NAME
# measures one size, THREADS="1" or "1 2" the numbers of threads, JSON=FILE adds the figures as lines.
build=$1 rounds=${ROUNDS:-3} threads=${THREADS:-1 2}
here=$(dirname "$0")
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
export LC_ALL=C.UTF-8

# Texts of so many words each, drawn evenly from a vocabulary; each word is there at least once.
texts() { # vocabulary, words, texts, labels
	awk -v V="$1" -v T="$2" -v n="$3" -v C="$4" 'BEGIN {
		srand(1)
		for (r = k = 0; r < n; r++) {
			line = C ? (r % C) "\t" : ""
			for (t = 0; t < T; t++) {
				line = line (t ? " " : "") "w" (k < V ? k : int(rand() * V))
				k++
			}
			print line
		}
	}'
}
number() { sed -n "s/.*\"$1\":\([0-9.e+-]*\).*/\1/p"; }
median() { sort -g | awk '{v[NR] = $1} END {print v[int((NR + 1) / 2)]}'; }

python=
for p in /usr/bin/python3 python3; do
	[ -z "$python" ] && "$p" -c 'import torch' 2>/dev/null && python=$p
done
printf '%-8s %7s  %13s  %9s  %13s  %5s\n' size threads 'sluice tok/s' 'GFLOP/s' 'PyTorch tok/s' ratio
# name, task, vocabulary, embedding, hidden, layers, batch, steps, texts
while read -r name task V E H L B T n; do
	[ -n "$ONLY" ] && [ "$ONLY" != "$name" ] && continue
	labels=0 window="--set window=$T"
	[ "$task" = classify ] && labels=2
	texts $((V - 2)) "$T" "$n" "$labels" >"$work/data"
	for k in $threads; do
		: >"$work/ours" >"$work/flop" >"$work/theirs"
		round=0
		while [ $round -lt "$rounds" ]; do
			# shellcheck disable=SC2086
			"$build/sluice" cost --json --data "$work/data" --set task="$task" \
				--set tokenizer=space --set embed="$E" --set hidden="$H" \
				--set layers="$L" --set batch="$B" $window --set dropout=0 \
				--set valid_split=0 --set threads="$k" >"$work/json" || exit 1
			number tokens_per_s <"$work/json" >>"$work/ours"
			number gflop_per_s <"$work/json" >>"$work/flop"
			[ -n "$python" ] && "$python" "$here/ladder.py" "$task" "$V" "$E" "$H" "$L" "$B" \
				"$T" "$k" >>"$work/theirs"
			round=$((round + 1))
		done
		a=$(median <"$work/ours") g=$(median <"$work/flop") b=$(median <"$work/theirs")
		awk -v n="$name" -v k="$k" -v a="$a" -v g="$g" -v b="$b" -v json="$JSON" 'BEGIN {
			printf "%-8s %7d  %13.0f  %9.1f  %13s  %5s\n", n, k, a, g, \
				b == "" ? "-" : sprintf("%.0f", b), b == "" ? "-" : sprintf("%.2f", a / b)
			if (json != "")
				printf "{\"size\":\"%s\",\"threads\":%d,\"tokens_per_s\":%.0f,\"gflop_per_s\":%.1f,\"pytorch_tokens_per_s\":%s}\n", \
					n, k, a, g, b == "" ? "null" : sprintf("%.0f", b) >>json
		}'
	done
done <<'SIZES'
tiny classify 16 50 50 1 4 10 400
small classify 15000 100 128 1 32 40 3200
medium classify 20000 300 512 1 64 50 1280
large classify 20000 512 1024 2 64 64 640
char-lm generate 96 64 256 2 50 50 2000
word-lm generate 10000 200 200 2 20 35 1200
SIZES
