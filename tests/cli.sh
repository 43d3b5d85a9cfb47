# SPDX-License-Identifier: GPL-3.0-or-later
# What the tests of the command line share; they read it with `.` and work in a folder of their own.
# A test runs commands with exits, looks at the answer with says, prints and holds, and ends with it.
root=$(cd "$(dirname "$0")/.." && pwd)
case ${BUILD:-build} in
/*) sluice=$BUILD/sluice ;;
*) sluice=$root/${BUILD:-build}/sluice ;;
esac
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM
cd "$tmp" || exit 1
export SLUICE_STORE="$tmp/s.db" XDG_DATA_HOME="$tmp/data" HOME="$tmp" LC_ALL=C.UTF-8 TZ=UTC
number=0 wrong='' failures=0

complain() {
	wrong="$wrong
#   $*"
}

# exits STATUS ARGUMENTS: runs sluice; what it printed is in out and err.
exits() {
	want=$1
	shift
	"$sluice" "$@" >out 2>err </dev/null
	status=$?
	judge "$@"
}

judge() {
	[ "$status" -eq "$want" ] || complain "status $status, not $want: $* -- $(head -2 err)"
	if grep -q -e 'Sanitizer' -e 'runtime error' err; then complain "$* -- $(head -5 err)"; fi
}

# says PATTERN: exactly one line on standard error, and it matches.
says() {
	[ "$(grep -c '' err)" -eq 1 ] || complain "not one line on standard error: $(head -3 err)"
	grep -q -e "$1" err || complain "not '$1' but: $(head -1 err)"
}

quiet() { [ ! -s err ] || complain "something on standard error: $(head -3 err)"; }

prints() { grep -q -e "$1" out || complain "no '$1' in: $(head -3 out)"; }

# first_line TEXT: the first line of out is exactly that; \t stands for a tab.
first_line() {
	[ "$(head -1 out)" = "$(printf "$1")" ] || complain "first line: $(head -1 out)"
}

# same WHAT A B
same() { [ "$2" = "$3" ] || complain "$1: '$2', not '$3'"; }

# of_json EXPRESSION: SQLite's, with j for the JSON text in out.
of_json() {
	sqlite3 :memory: "WITH f(j) AS (SELECT CAST(readfile('out') AS TEXT)) SELECT $1 FROM f"
}

# keys_are PATH NAMES: of the object at that path of the JSON in out, in order.
keys_are() {
	same "keys of $1" "$(of_json "(SELECT group_concat(key) FROM json_each(j, '$1'))")" "$2"
}

db() { sqlite3 "$SLUICE_STORE" "$1"; }

it() {
	number=$((number + 1))
	if [ -z "$wrong" ]; then
		echo "ok $number - $1"
	else
		failures=$((failures + 1))
		echo "not ok $number - $1$wrong"
	fi
	wrong=''
}

finish() {
	echo "1..$number"
	[ "$failures" -eq 0 ]
}

# A small set of texts and a small network, enough for whatever is not about learning.
tiny="--set hidden=4 --set embed=4 --set epochs=2 --set threads=1"
printf 'pos\tgood day\nneg\tbad day\npos\tvery good\nneg\tvery bad\npos\tnice\nneg\tugly\n' >six.tsv
