#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# All measurements, one after the other: the ladder of sizes, beside PyTorch where it is installed; how
# the cost grows; texts of all lengths; from text to ids; start-up, the screen and the recorder; the
# debugger. ONLY=NAME is one size of the ladder, or one of growth lengths text start debugger; ROUNDS
# says how often sides take turns, JSON=FILE adds the ladder's figures to a file as lines.
build=$1 only=$ONLY
unset ONLY
python=
for p in /usr/bin/python3 python3; do
	[ -z "$python" ] && "$p" -c 'import torch' 2>/dev/null && python=$p
done
wants() { [ -z "$only" ] || [ "$only" = "$1" ]; }
title() { printf '\n%s\n' "$1"; }

grep -m1 'model name' /proc/cpuinfo 2>/dev/null
case $only in growth | lengths | text | start | debugger) ;; *)
	set -- --rounds "${ROUNDS:-5}"
	[ -n "$only" ] && set -- "$@" --only "$only"
	[ -n "$JSON" ] && set -- "$@" --json "$JSON"
	[ -n "$python" ] && set -- "$@" --peer tests/bench/peer.py "$python"
	[ -n "$python" ] || echo "PyTorch is not installed here (python3-torch): our side alone"
	echo "training from small to large; sgemm: of the speed of the matrix products alone, by OpenBLAS"
	"$build/ladder" "$@" || exit 1
	;;
esac
wants growth && title "how tokens a second go with each size" && "$build/growth"
wants lengths && title "texts of all lengths against texts of one" && sh tests/bench/lengths.sh "$build"
wants text && title "from text to ids, on one core" && "$build/bench-text"
wants start && title "start-up, and being watched and recorded" && sh tests/bench/start.sh "$build"
wants debugger && title "searching, stepping and editing" && sh tests/bench/debugger.sh "$build"
exit 0
