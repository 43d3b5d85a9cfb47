#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Calls go down only: which includes each room may not have. Prints the offending lines.
status=0
deny() { # what, files, pattern of includes
	found=$(grep -nE "^#include [<\"]($3)" $2 2>/dev/null)
	[ -z "$found" ] && return
	echo "$1:"
	echo "$found"
	status=1
}
cd "$(dirname "$0")/.." || exit 1
engine=$(find engine -name '*.[ch]') store=$(find store -name '*.[ch]')
rest=$(find app engine store -name '*.[ch]' ! -path 'app/tui/term.*')
deny "engine knows nobody" "$engine" 'app/|store/|(n?curses|ncursesw/)|sqlite3|readline/'
deny "store knows only engine/base" "$store" 'app/|engine/(math|text|nn|train|inspect|explain|survey|compare|exchange)|(n?curses|ncursesw/)|cblas|readline/'
deny "engine/base is a leaf" "$(find engine/base -name '*.[ch]')" 'engine/(math|text|nn|train|inspect|explain|survey|compare|exchange)'
deny "inspect looks at one text" "$(find engine/inspect -name '*.[ch]')" 'engine/(explain|survey|compare)/'
deny "explain knows inspect alone of the three" "$(find engine/explain -name '*.[ch]')" 'engine/(survey|compare)/'
deny "curses only in app/tui/term" "$rest" 'n?curses|ncursesw/'
deny "readline only in app/tui/prompt" "$(find app engine store -name '*.[ch]' ! -path 'app/tui/prompt.c')" 'readline/'
deny "CBLAS only in engine/math/blas" "$(find app engine store -name '*.[ch]' ! -path 'engine/math/blas.c')" 'cblas'
deny "SQLite only in store" "$(find app engine -name '*.[ch]')" 'sqlite3'
deny "views draw through tui only" "$(find app/tui -name '*.[ch]')" 'app/(view|command)/'
exit $status
