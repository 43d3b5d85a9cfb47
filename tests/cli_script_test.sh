# SPDX-License-Identifier: GPL-3.0-or-later
# Command files without a screen: what lines say and answer, where they stop, and with which exit code.
. "$(dirname "$0")/cli.sh"
english=$root/samples/english.tsv
export XDG_STATE_HOME="$tmp"

exits 0 train -c "$root/samples/english.ini" --set hidden=12 --set embed=8 --set epochs=4 --set seed=3 --name a -q

# script LINE...: a command file of these lines.
script() { printf '%s\n' "$@" >f.sluice; }

script '# a remark' '' '  trace the food was not good' 'step' 'step 2' 'print f[5]' 'until word == "good"' \
	'break word == "not"' 'step -99' 'continue' 'display c[3]' 'set c[3] = 1' 'print c[3]' 'undo'
exits 0 --script f.sluice
quiet
same 'lines' "$(sed -n '1,2p;4,9p;10,12p' out)" 'step 2 of 5, “food”
step 4 of 5, “not”
word == "good" · step 5 of 5, “good”
break 1: word == "not"
step 1 of 5, “the”
break 1: word == "not" · step 4 of 5, “not”
display 2: c[3]
set 3: c[3] = 1 @4 · u takes it back
c[3] = 1
taken back: c[3] = 1 @4'
cp out first
exits 0 print a 'f[5]' --text 'the food was not good' --at 4 --json
value=$(of_json "printf('%.6f', json_extract(j, '\$[0].value'))")
same 'a number' "$(sed -n 3p first)" "f[5] = $value"
exits 0 a --script f.sluice
same 'the same bytes' "$(cksum <out)" "$(cksum <first)"
"$sluice" --script - <f.sluice >out 2>err
status=$? want=0
judge --script -
same 'from standard input' "$(cksum <out)" "$(cksum <first)"
sed 's/$/\r/' f.sluice | { printf '\357\273\277'; cat; } >dos.sluice
exits 0 --script dos.sluice
same 'with a mark and returns' "$(cksum <out)" "$(cksum <first)"
it lines_are_run_one_after_the_other

script 'trace good food' 'play 60' 'goto 1' 'stepi' 'play' 'stepi all' 'break word == "food"' 'goto 1' 'play'
exits 0 --script f.sluice
same 'it does not wait' "$(sed -n '1,2p' out)" 'step 2 of 2, “food”
played to the end · step 2 of 2, “food”'
same 'every line of both steps' "$(grep -c '^line [0-9]* of 10: ' out)" 19
same 'and stops' "$(tail -1 out)" 'break 1: word == "food" · step 2 of 2, “food”'
it plays_at_once

# Answers come as the command line gives them.
for format in csv tsv; do
	exits 0 ledger a --text 'not good' --unit 3 --output $format
	cp out shell
	script 'ledger --text "not good" --unit 3'
	exits 0 --script f.sluice --output $format
	same "rows in $format" "$(cat out)" "$(cat shell)"
done
exits 0 ledger a --text 'not good' --unit 3 --json
carry=$(of_json "json_extract(j, '\$.carry[0][0]')")
exits 0 --script f.sluice --json
same 'of JSON' "$(of_json "json_extract(j, '\$.rows[0][2]')")" "$carry"
same 'columns' "$(of_json "json_extract(j, '\$.columns')")" '["t","token","carry","write","kept","left"]'
same 'a number stays one' "$(of_json "json_type(j, '\$.rows[0][2]')")" real
same 'an empty cell is null' "$(of_json "json_type(j, '\$.rows[2][0]')")" null
script 'ledger --text "not good" --csv' 'ledger --text "not good" --svg'
exits 0 --script f.sluice
prints '^t,token,'
prints '^</svg>'
script 'SELECT name FROM runs' 'echo done' 'runs'
exits 0 --script f.sluice
same 'rows and words' "$(head -3 out)" 'name
a
done'
cp out first
exits 0 --script f.sluice
same 'no clock in it' "$(cksum <out)" "$(cksum <first)"
it answers_are_printed

script 'trace not good' 'step' '-print f[99]' 'undo' 'break t == 2' 'info'
exits 2 --script f.sluice --json
same 'lines' "$(grep -c '' out)" 4
same 'a line' "$(sed -n 2p out)" '{"line":2,"command":"step","says":"step 2 of 2, “good”"}'
same 'an error' "$(sed -n 3p out)" \
	'{"line":3,"command":"-print f[99]","error":"column 1: f has units 0 to 11, not 99","exit":2}'
sed -n 4p out >one && mv one out
same 'the last one' "$(of_json "json_extract(j, '\$.exit')")" 2
grep -q '^sluice: f.sluice:3: column 1: f has units' err || complain "no line 3: $(cat err)"
grep -q '^sluice: f.sluice:4: there is no edit to take back' err || complain "no line 4: $(cat err)"
script 'echo a "b"' 'dump'
exits 0 --script f.sluice --output ndjson
sed -n 2p out >one && mv one out
same 'a screen' "$(of_json "json_array_length(j, '\$.screen')")" 24
it outcomes_are_objects

# fails STATUS MESSAGE LINE...
fails() {
	want=$1 message=$2
	shift 2
	script "$@"
	exits "$want" --script f.sluice
	says "^sluice: f.sluice:$message"
}
fails 2 "2: there is no command 'stepp'; did you mean step?" 'echo a' 'stepp' 'echo b'
same 'what came before' "$(cat out)" a
fails 2 '1: the quote " is not closed' 'runs "'
fails 2 '1: runs has no option --nothing' 'runs --nothing'
fails 3 '1: b: no such run' 'open b'
fails 3 '1: b: no such run' 'show b'
fails 8 '1: .*nowhere.tsv' 'eval --data nowhere.tsv'
fails 2 '1: .*no such column' 'SELECT nope FROM runs'
fails 2 '2: step takes a whole number' 'trace not good' 'step far'
fails 2 "1: there is no key 'Foo'" 'key Up Foo'
fails 2 '1: there is no question to type' 'type Foo'
fails 2 '1: resize takes columns and rows' 'resize 80 0'
fails 2 '1: there is no terminal to leave' 'suspend'
fails 1 "1: 'Nowhere' is not on the screen, and nothing is under way" 'wait Nowhere'
fails 8 '1: cannot read zero: No such file' 'source zero'
printf 'step\0\n' >f.sluice
exits 8 --script f.sluice
says '^sluice: f.sluice:1: there is a zero byte'
head -c 1100000 /dev/zero | tr '\0' x >f.sluice
exits 8 --script f.sluice
says '^sluice: f.sluice:1: this line is longer than 1 MiB'
exits 8 --script nowhere
says 'cannot read nowhere: No such file'
exits 8 --script .
says 'cannot read \.: Is a directory'
exits 3 b --script f.sluice
says 'no such run'
exits 2 --tui
says '\-\-tui is for a command file'
exits 2 --script
script 'echo a'
exits 1 --script f.sluice --tui
says 'not a terminal'
printf '# nothing' >f.sluice
exits 0 --script f.sluice
same 'nothing' "$(cat out err)" ''
it errors_name_their_line

# Another program drives it: a line, and what it comes to.
mkfifo lines told
"$sluice" --script - --json <lines >told 2>err &
exec 3>lines 4<told
for n in 1 2 3; do
	printf 'echo %s\n\n' $n >&3
	read -r line <&4
	same 'at once' "$line" "{\"line\":$((2 * n - 1)),\"command\":\"echo $n\",\"says\":\"$n\"}"
done
printf 'print 40 + 2' >&3
exec 3>&-
cat <&4 >out
exec 4<&-
wait $!
same 'the end' "$?" 0
prints '"says":"40 + 2 = 42"'
quiet
seq 1 20000 | sed 's/^/echo /' >f.sluice
{ "$sluice" --script f.sluice 2>err; echo $? >status; } | head -1 >out
same 'nobody reads' "$(cat status out err)" '0
1'
if [ -w /dev/full ]; then
	"$sluice" --script f.sluice >/dev/full 2>err
	status=$? want=1
	judge '/dev/full'
	says '^sluice: f.sluice:1: cannot write the answer'
fi
printf 'task = classify\ndata = nowhere.tsv\n' >bad.ini
exits 8 -c bad.ini --script f.sluice
says '^sluice: .*nowhere.tsv'
same 'no line' "$(cat out)" ''
script 'runs'
exits 0 --script f.sluice --store empty.db
same 'a new store' "$(grep -c '' out)" 1
exits 0 --script f.sluice --store empty.db
quiet
it it_is_driven

mkdir -p sub
script 'echo one' 'source sub/b' 'echo four'
printf 'echo two\nsource c' >sub/b
printf 'echo three\n' >sub/c
exits 0 --script f.sluice
same 'nested' "$(tr '\n' ' ' <out)" 'one two three four '
exits 0 --script f.sluice --json
same 'whose line' "$(grep -c '"file":"sub/b","line":2,"command":"source c"' out)" 1
printf 'echo three\nprint\n' >sub/c
exits 2 --script f.sluice
says '^sluice: sub/c:2: print needs an expression'
script 'echo a' 'source f.sluice'
exits 2 --script f.sluice
says '^sluice: f.sluice:2: 16 command files are open'
same 'so deep' "$(grep -c '' out)" 16
it files_read_files

script 'view runs' 'edit delete' 'key n' 'edit note' 'type a remark' 'key Enter' 'show a'
exits 0 --script f.sluice
prints 'a remark'
fails 2 '2: this asks “Delete a (.*)? :restore brings it back. \[y/N\]”' 'view runs' 'edit delete' 'runs'
fails 2 '1: this asks “sentence:”' 'sentence'
script 'sentence' 'type good' 'dump' 'key Enter' 'print word'
exits 0 --script f.sluice
prints '^sentence: good$'
same 'the answer' "$(tail -1 out)" 'word = “good”'
script 'view runs' 'edit delete'
exits 0 --script f.sluice --yes
prints 'is deleted; restore brings it back'
exits 0 restore a
script 'view runs' 'edit delete' 'type yes' 'restore a'
exits 0 --script f.sluice
same 'deleted and restored' "$(grep -c 'is deleted' out)" 1
same 'it is there' "$(db 'SELECT count(*) FROM runs')" 1
it questions_are_answered_by_the_next_line

script 'trace the food was not good' 'key 2 Right Right' 'dump' 'resize 120 36' 'dump' 'dump screen.txt' 'resize 30 9' 'dump'
exits 0 --script f.sluice
same 'the rows' "$(grep -c '' out)" 70
prints '5 tokens · t = 3'
prints 'sluice needs 40×12'
same 'a file' "$(grep -c '' screen.txt)" 36
cp out first
rm screen.txt
for again in 1 2 3; do
	exits 0 --script f.sluice
	same 'the same screens' "$(cksum <out)" "$(cksum <first)"
	mv screen.txt other.txt
done
touch screen.txt
exits 1 --script f.sluice
says 'f.sluice:6: screen.txt is there already'
it screens_are_dumped

# Trainings.
export SLUICE_STORE="$tmp/t.db"
script 'train epochs=2 hidden=4 embed=4' 'wait' 'trace not good' 'step' 'SELECT status FROM runs'
exits 0 -c "$root/samples/english.ini" --script f.sluice
same 'what it says' "$(sed '2s/.*/-/' out)" 'training on english.tsv
-
step 2 of 2, “good”
status
finished'
for again in 1 2 3 4 5 6 7 8; do # however soon it ends, that is told at the same line
	script 'train epochs=1 hidden=1 embed=1' 'wait'
	exits 0 -c "$root/samples/english.ini" --script f.sluice --json
	same 'two lines' "$(sed 's/classify-standard[-0-9]*/it/' out)" \
		'{"line":1,"command":"train epochs=1 hidden=1 embed=1","says":"training on english.tsv"}
{"line":2,"command":"wait","says":"it finished"}'
done
script 'train epochs=1 hidden=1 embed=1' 'trace not good' 'wait' 'train epochs=1 hidden=1 embed=1' 'wait' 'runs'
exits 0 -c "$root/samples/english.ini" --script f.sluice
script 'train epochs=20000 hidden=4 embed=4 keep=best' 'wait epoch 3' 'toggle' '-wait' 'batch' 'toggle' 'quit' 'key y' 'echo never'
exits 0 -c "$root/samples/english.ini" --script f.sluice
says 'f.sluice:4: the training is paused and does not end: toggle goes on'
prints 'stopping after this step, with a checkpoint'
same 'stopped' "$(db "SELECT status FROM runs WHERE status != 'finished'")" stopped
! grep -q never out || complain 'it went on after quit'
script 'train epochs=20000 hidden=4 embed=4 keep=best' 'wait epoch 3'
exits 0 -c "$root/samples/english.ini" --script f.sluice
says 'the command file ends before the training: the run is stopped, with a checkpoint'
script 'train epochs=20000 hidden=4 embed=4 keep=best' 'wait --timeout 0 Nowhere'
exits 1 -c "$root/samples/english.ini" --script f.sluice
grep -q "f.sluice:2: 'Nowhere' is not on the screen after 0 s" err || complain "$(cat err)"
same 'nothing is left running' "$(db "SELECT count(*) FROM runs WHERE status='running'")" 0
script 'train epochs=4 lr=1e38 clip=0' 'wait' 'echo never'
exits 7 -c "$root/samples/english.ini" --script f.sluice
says '^sluice: f.sluice:2: .*training stopped'
it trainings_go_on_behind_the_lines

# A signal: 130 and 143, and the store is whole. A training is stopped with a checkpoint.
script 'train epochs=200000 hidden=4 embed=4 keep=best' 'wait epoch 3' 'echo ready' 'wait'
for signal in INT TERM; do
	rm -f out
	mkfifo fifo
	# a shell's own background jobs ignore INT
	setsid env --default-signal=INT "$sluice" -c "$root/samples/english.ini" --script f.sluice >fifo 2>err </dev/null &
	pid=$!
	while read -r line; do
		[ "$line" != ready ] || kill -$signal $pid
		echo "$line" >>out
	done <fifo
	rm fifo
	wait $pid
	status=$?
	[ $signal = INT ] && want=130 || want=143
	judge "kill -$signal"
	quiet
	same 'its status' "$(db "SELECT group_concat(DISTINCT status) FROM runs WHERE status NOT IN ('finished','diverged')")" stopped
	same 'the store' "$(db 'PRAGMA integrity_check')" ok
done
it a_signal_ends_it

exits 0 help console
for verb in source echo pause wait key type dump resize; do prints "^  $verb"; done
export SLUICE_STORE="$tmp/lesson.db"
exits 0 train -c "$root/samples/english.ini" --name sample -q
exits 0 --script "$root/samples/lesson.sluice"
prints 'break 1: word == "but" · step 7 of 12'
same 'taken back to the bit' "$(grep -c '^p(pos)' out)" "$(grep -c '^print p(pos)' "$root/samples/lesson.sluice")"
cp out first
exits 0 --script "$root/samples/lesson.sluice"
same 'the lesson again' "$(cksum <out)" "$(cksum <first)"
it the_lesson
finish
