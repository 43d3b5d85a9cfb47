#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The store from the command line: which one, which run in it, changing runs, and stores that fail.
# shellcheck disable=SC2086
. "$(dirname "$0")/cli.sh"

named() { exits 0 train $tiny -q --data six.tsv --name "$@"; }
where() { sqlite3 "$1" 'SELECT group_concat(name) FROM run'; }

named by_variable
same 'SLUICE_STORE' "$(where s.db)" by_variable
named by_option --store o.db
same '--store wins' "$(where o.db)" by_option
same 'and leaves the other alone' "$(where s.db)" by_variable
(
	unset SLUICE_STORE
	mkdir here
	cd here || exit 1
	"$sluice" train $tiny -q --data ../six.tsv --name by_data >../out 2>../err || exit 1
	[ ! -e sluice.db ] && cp "$tmp/o.db" sluice.db && "$sluice" runs --csv >../out
) || complain "without a store named: $(cat err)"
prints ',by_option,'
same 'XDG_DATA_HOME' "$(where data/sluice/sluice.db)" by_data
SLUICE_STORE='' exits 0 runs --csv
prints ',by_data,'
it store_option_variable_folder_data

named one
named two --set seed=2
named three --set seed=3
for n in 1 2 3; do
	db "UPDATE run SET id='abcd000$n' WHERE name=(SELECT name FROM run WHERE run_id=$((n + 1)))"
done
# names RUN NAME
names() {
	exits 0 show "$1" --csv
	same "$1" "$(sed -n 's/^name,//p' out)" "$2"
}
names abcd0002 two
names ABCD0003 three
names one one
names last three
names last~0 three
names last~2 one
names last@last three
names last@1 three
db "UPDATE run SET id='fe120004' WHERE name='by_variable'"
names fe12 by_variable
best=$(db "SELECT r.name FROM run r JOIN metric_summary s USING(run_id) JOIN metric_key k USING(key_id)
	WHERE k.name='valid/loss' ORDER BY s.min_value LIMIT 1")
names best:valid/loss "$best"
no_run() {
	exits 3 show "$1"
	says "$2"
	exits 3 predict "$1"
}
no_run abcd 'abcd: 3 runs match (abcd0001 one, abcd0002 two, abcd0003 three): give more of the id'
no_run fe1 'fe1: no such run'
no_run last~4 'there are 4'
no_run last@99 'no checkpoint at this step: the nearest are at'
no_run best:valid/bleu 'no run has a value'
no_run twoo 'did you mean two?'
no_run '' 'no such run'
exits 2 show last~x
says 'after last~ comes a number'
exits 2 show last@x
says 'after @ comes a step'
exits 2 show best:tokens_per_s
says 'no better direction'
it run_is_an_id_a_name_or_a_place

# The header of a safetensors file, a line an object.
header() { head -c 2000 "$1" | tr '{}' '\n\n' | tr -cd '[:print:]\n'; }

# The best checkpoint: highest accuracy, then lowest loss; the earlier of equals.
named long --set epochs=6 --set lr=0.1 --set valid_split=0.3
step=$(db "SELECT a.step FROM metric a JOIN metric_key ka ON ka.key_id=a.key_id AND ka.name='valid/accuracy'
	JOIN metric l ON l.run_id=a.run_id AND l.step=a.step
	JOIN metric_key kl ON kl.key_id=l.key_id AND kl.name='valid/loss'
	JOIN run r ON r.run_id=a.run_id WHERE r.name='long' ORDER BY a.value DESC, l.value, a.step LIMIT 1")
exits 0 export weights long best.safetensors
quiet
prints "at step $step\$"
exits 2 export weights long best.safetensors
says 'best.safetensors is there already'
exits 0 export weights long@last last.safetensors
prints 'at step 6$'
exits 0 export weights long@3 third.safetensors
prints 'at step 3$'
header third.safetensors >meta
for pair in '"cell":"standard"' '"task":"classify"' '"tokenizer":"word"' '"name":"long"' '"step":"3"' '"run":"'; do
	grep -q -F -e "$pair" meta || complain "no $pair in the metadata"
done
for name in embedding.weight lstm.weight_ih_l0 lstm.weight_hh_l0 lstm.bias_ih_l0 lstm.bias_hh_l0 head.weight head.bias; do
	grep -q -F -e "\"$name\"" meta || complain "no tensor $name"
done
named art --set cell=article
exits 0 export weights art art.safetensors
header art.safetensors >meta
for name in embedding.weight lstm.l0.fw.W_i lstm.l0.fw.U_f lstm.l0.fw.b_g head.weight; do
	grep -q -F -e "\"$name\"" meta || complain "no tensor $name of the article"
done
grep -F -A1 -e '"lstm.l0.fw.W_o"' meta | grep -q -F '"shape":[4,4]' || complain 'W_o is not [H,H]'
cp art.safetensors before
exits 2 export weights long art.safetensors
says 'Overwrite it? Add --yes'
cmp -s art.safetensors before || complain 'it was overwritten'
exits 0 export weights long art.safetensors --yes
cmp -s art.safetensors before && complain 'it was not overwritten'
exits 2 export words long words.safetensors
says "export knows 'weights'"
exits 1 export weights long none/w.safetensors
says 'none/w.safetensors'
it export_writes_the_checkpoint_that_is_named

exits 0 rename one uno
prints '^abcd0001 (one) is now called uno$'
exits 0 note uno a remark of words
same 'note' "$(db "SELECT note FROM run WHERE name='uno'")" 'a remark of words'
exits 0 note uno "$(printf 'caf\351 %01500d' 1)"
same 'repaired' "$(db "SELECT note GLOB 'caf' || char(65533) || ' 0*1' FROM run WHERE name='uno'")" 1
same 'told whole' "$(grep -c '0001$' out)" 1
exits 0 tag uno good
exits 0 tag uno good
same 'tag' "$(db 'SELECT group_concat(tag) FROM tag')" good
exits 0 untag uno good -q
[ ! -s out ] || complain 'not quiet'
same 'untag' "$(db 'SELECT count(*) FROM tag')" 0
exits 2 rm uno
says 'Delete run uno? (restore brings it back.) Add --yes'
names uno uno
exits 0 rm uno --yes
no_run uno 'uno: no such run'
exits 0 runs --deleted --csv
same 'deleted' "$(sed -n '2,$p' out | cut -d, -f2)" uno
exits 0 restore uno
names uno uno
exits 3 restore uno
says 'no such deleted run'
for command in rename note tag untag; do
	exits 3 $command nobody x
	says 'nobody: no such run'
	exits 2 $command uno
	says "$command needs more"
done
exits 3 rm nobody --yes
exits 2 rename uno last
says 'last'
exits 2 train $tiny --data six.tsv --name best:x
says 'best:x'
it runs_are_renamed_noted_tagged_deleted

# fails STATUS PATTERN STORE: reading and training both end so, and the file stays as it was.
fails() {
	cp "$3" before 2>/dev/null
	exits "$1" runs --store "$3"
	says "$2"
	exits "$1" query 'SELECT * FROM runs' --store "$3"
	says "$2"
	exits "$1" train $tiny -q --data six.tsv --store "$3"
	says "$2"
	[ ! -f "$3" ] || cmp -s "$3" before || complain "$3 was changed"
}
echo 'these are my notes, not a database' >notes.db
fails 4 'notes.db: not a store' notes.db
sqlite3 other.db 'CREATE TABLE t(a)'
fails 4 'other.db: a database of another program' other.db
db 'PRAGMA wal_checkpoint(TRUNCATE)' >out
cp s.db newer.db
sqlite3 newer.db 'PRAGMA journal_mode=DELETE; PRAGMA user_version=99' >out
fails 4 'newer.db: made by a newer sluice (its schema has version 99, this program knows [0-9]*)' newer.db
fails 4 'here: not a store but a folder' here
exits 4 runs --store none.db
says 'none.db: no such store: sluice train makes one'
exits 4 train $tiny -q --data six.tsv --store none/s.db
says 'there is no folder none'
exits 4 train $tiny -q --data six.tsv --store /proc/s.db
says '/proc/s.db'
exits 4 note last x --store /proc/s.db
if [ "$(id -u)" -ne 0 ]; then
	cp s.db locked.db
	chmod 400 locked.db
	exits 4 note last x --store locked.db
	says 'locked.db: not writable'
fi
it stores_of_others_exit_4_untouched

head -c 6000 s.db >short.db
fails 5 'short.db: damaged' short.db
# A byte of the weights: the tensor's name is told, and the rest of the store can still be read.
cp s.db bit.db
sqlite3 bit.db "PRAGMA journal_mode=DELETE; UPDATE chunk SET data=zeroblob(length(data))" >out
exits 0 runs --store bit.db
exits 5 trace long --text good --store bit.db
says 'does not match its hash'
sqlite3 bit.db "UPDATE run SET spec='{}'; DELETE FROM run_vocab" >out
exits 5 predict long --store bit.db
says "the run's description cannot be read"
cp s.db lost.db
sqlite3 lost.db "PRAGMA journal_mode=DELETE; PRAGMA foreign_keys=ON; DELETE FROM run_vocab" >out
exits 5 predict long --store lost.db
says 'no vocabulary'
it damaged_stores_exit_5
# on_terminal STATUS PATTERN WORDS: the workbench does not open.
on_terminal() {
	script -qec "timeout 20 '$sluice' $3 2>err" /dev/null </dev/null >out
	same "status of $3" "$?" "$1"
	says "$2"
}
if script -qec true /dev/null </dev/null >out 2>err; then
	on_terminal 3 '^sluice: nope: no such run.*; and there is no command .nope.' nope
	on_terminal 3 "trian: no such run.*there is no command 'trian'; did you mean train?" trian
	on_terminal 3 'no such store.*no command' 'nope --store none.db'
	on_terminal 4 'six.tsv: not a store' '--store six.tsv'
	on_terminal 4 'not a store but a folder' '--store .'
	it the_workbench_opens_what_is_there
else
	it 'the_workbench_opens_what_is_there # SKIP no script'
fi
finish
