#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# What a token of texts of all lengths costs in training, against one of texts that are all equally
# long: the same words in as many texts of the mean length. The lengths are like SST-2's (mean 19,
# deviation 9, from 2 to 53). The two take turns, ROUNDS (5) times a second each; shown are the medians
# of tokens per second and of the turns' ratios: 1.15 means that a token costs 15 % more.
# HIDDEN="128 256" are the sizes, THREADS="1 2" the numbers of threads; what else is given is set, too:
#     sh tests/bench/lengths.sh build batch=64 embedding_updates=lazy
build=$1 rounds=${ROUNDS:-5} hidden=${HIDDEN:-128 256} threads=${THREADS:-1 2}
shift
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
export LC_ALL=C.UTF-8
settings=
for s in "$@"; do settings="$settings --set $s"; done

# 6,920 texts; the words' numbers are spread as in a language, rank by rank (Zipf).
awk -v real="$work/real" -v full="$work/full" 'function uniform() { # Park and Miller
	seed = seed * 16807 % 2147483647
	return seed / 2147483647
}
function words(n,  line) {
	for (line = ""; n; n--) {
		line = line " w" word[at]
		at = (at + 1) % all
	}
	return substr(line, 2)
}
BEGIN {
	seed = 1
	texts = 6920
	for (k = all = 0; k < texts; k++) {
		n = -6
		for (j = 0; j < 12; j++) n += uniform() # normal enough
		n = int(19.5 + 9.3 * n)
		len[k] = n < 2 ? 2 : n > 53 ? 53 : n
		all += len[k]
	}
	for (k = 0; k < all; k++) word[k] = int(exp(uniform() * log(15000)))
	for (k = at = 0; k < texts; k++) print k % 2 "\t" words(len[k]) >real
	for (k = at = 0; k < texts; k++) print k % 2 "\t" words(int(all / texts + 0.5)) >full
}' || exit 1

measure() { # file, hidden, threads
	# shellcheck disable=SC2086
	"$build/sluice" cost --json --data "$work/$1" --set tokenizer=space --set valid_split=0 \
		--set hidden="$2" --set threads="$3" $settings >"$work/json" || exit 1
	sed -n 's/.*"tokens_per_s":\([0-9.e+-]*\).*/\1/p' "$work/json"
}
median() { sort -g | awk '{v[NR] = $1} END {print v[int((NR + 1) / 2)]}'; }

printf '%-6s %7s  %18s  %18s  %s\n' hidden threads 'all lengths, tok/s' 'one length, tok/s' 'cost of a token'
for h in $hidden; do
	for k in $threads; do
		: >"$work/turns"
		round=0
		while [ $round -lt "$rounds" ]; do
			a=$(measure real "$h" "$k") || exit 1
			b=$(measure full "$h" "$k") || exit 1
			awk -v a="$a" -v b="$b" 'BEGIN {print a, b, b / a}' >>"$work/turns"
			round=$((round + 1))
		done
		printf '%-6d %7d  %18.0f  %18.0f  %.3f\n' "$h" "$k" "$(cut -d' ' -f1 "$work/turns" | median)" \
			"$(cut -d' ' -f2 "$work/turns" | median)" "$(cut -d' ' -f3 "$work/turns" | median)"
	done
done
