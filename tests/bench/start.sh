#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# How soon the program is there, and what being watched and recorded costs a training. Medians; where two
# sides are compared they take turns. ROUNDS (7) says how often those are run, ONLY=start or ONLY=cost
# measures one half.
# shellcheck disable=SC2317 # the sides are called by name
build=$1 rounds=${ROUNDS:-7}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
unset SLUICE_STORE SLUICE_SAMPLE
export LC_ALL=C.UTF-8 XDG_STATE_HOME="$work"
sluice=$build/sluice drive=$build/bench/start
median() { sort -g | awk '{v[NR] = $1} END {printf "%.6g", NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2}'; }
row() { printf '%-80s %10s %8s\n' "$1" "$2" "$3"; }
ms() { # title, bar, what start is to do
	title=$1 bar=$2
	shift 2
	# shellcheck disable=SC2046
	set -- $("$drive" "$@" | awk '{print $1, $3}') "$title" "$bar"
	[ $# -eq 4 ] && row "$3 (at most $2)" "$1 ms" "$4"
}

start() {
	"$sluice" train -q --store "$work/many.db" -c samples/english.ini --set hidden=128 --set embed=100 \
		--name base >/dev/null
	sqlite3 "$work/many.db" <tests/bench/clone.sql
	ms "sluice --version" "10 ms" run 40 "$sluice" --version
	ms "sluice trace, H=128" "60 ms" run 40 "$sluice" trace base --store "$work/many.db" --json \
		--text "The food was not good, but the people were kind."
	ms "first frame, 1,000 runs" "100 ms" screen 20 quit "$sluice" --store "$work/many.db"
	ms "the latest run on the screen, 1,000 runs" "" screen 20 "is open at" "$sluice" --store "$work/many.db"
}

# A settings file; the texts are made so that a step takes about 0.1 ms and 10 ms.
settings() { # name, threads, epochs, settings...
	{
		printf 'data=%s.tsv\nvalid_split=0\nkeep=last\nthreads=%s\nepochs=%s\n' "$1" "$2" "$3"
		shift 3
		printf '%s\n' "$@"
	} >"$work/$1.ini"
}
seconds_of() { "$sluice" query --store "$1" --output tsv "SELECT seconds FROM runs" | tail -n 1; }
bare() { "$build/bench/recorder" "$work/$1.ini" | cut -d' ' -f1; }
recorded() {
	rm -f "$work"/cost.db*
	"$build/bench/recorder" "$work/$1.ini" "$work/cost.db" | cut -d' ' -f1
}
headless() {
	rm -f "$work"/cost.db*
	"$sluice" train -q --store "$work/cost.db" -c "$work/$1.ini" >/dev/null
	seconds_of "$work/cost.db"
}
watched() {
	rm -f "$work"/cost.db*
	"$drive" train "$sluice" --store "$work/cost.db" -c "$work/$1.ini" >>"$work/shares"
	seconds_of "$work/cost.db"
}
compare() { # title, bar, without, with, settings
	: >"$work/a"
	: >"$work/b"
	k=0
	while [ $k -lt "$rounds" ]; do
		$3 "$5" >>"$work/a"
		$4 "$5" >>"$work/b"
		k=$((k + 1))
	done
	row "$1" "$(awk -v a="$(median <"$work/a")" -v b="$(median <"$work/b")" 'BEGIN {printf "%+.1f %%", 100 * (b / a - 1)}')" "$2"
}
share() { # title, bar, column
	row "$1" "$(awk -v c="$3" '{print 100 * $c / $3}' "$work/shares" | median | awk '{printf "%.1f %%", $1}')" "$2"
}
costs() { # what, name
	: >"$work/shares"
	compare "$1: time with the recorder" "1 %" bare recorded "$2"
	compare "$1: time in the workbench, 120×36" "2 %" headless watched "$2"
	share "$1: processor time of the recorder, to that of training" "" 2
	share "$1: processor time of the screen, to that of training" "" 1
}

cost() {
	k=0
	while [ $k -lt 10 ]; do
		cat samples/english.tsv
		k=$((k + 1))
	done >"$work/small.tsv"
	awk 'BEGIN {srand(1); for (i = 0; i < 4800; i++) {printf "%s\t", i % 2 ? "pos" : "neg"
		for (k = 0; k < 40; k++) printf "w%d ", exp(7 * rand()); print ""}}' >"$work/middle.tsv"
	for threads in 1 0; do
		name=$([ $threads = 0 ] && echo "all threads" || echo "one thread")
		settings small $threads 16 hidden=50 embed=50 batch=4 max_len=10 max_vocab=16
		settings middle $threads 2 hidden=128 embed=100 batch=32 max_len=40
		costs "H=50 B=4, $name" small
		costs "H=128 B=32 T=40, $name" middle
	done
	settings middle 0 100 hidden=128 embed=100 batch=32 max_len=40
	ms "answer to a key, every processor training" "80 ms" keys 40 "$sluice" --store "$work/keys.db" \
		-c "$work/middle.ini"
}

row "medians, $(getconf _NPROCESSORS_ONLN) processors" measured bar
[ "${ONLY:-start}" = start ] && start
[ "${ONLY:-cost}" = cost ] && cost
exit 0
