#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Training from the command line: what it reports, what it stores, how it ends.
# shellcheck disable=SC2086
. "$(dirname "$0")/cli.sh"
english=$root/samples/english.tsv

exits 0 train $tiny --data "$english" --name one --tag a --tag b --note 'a note' --json
keys_are '$' 'run,name,status,epochs,steps,seconds,best,last'
keys_are '$.best' 'step,epoch,loss,accuracy'
keys_are '$.last' 'step,epoch,loss,accuracy'
same 'name and status' "$(of_json "j->>'name'||' '||(j->>'status')||' '||(j->>'epochs')")" 'one finished 2'
same 'the id' "$(of_json "(j->>'run') GLOB '[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]'")" 1
same 'last step' "$(of_json "(j->>'\$.last.step')=(j->>'steps')")" 1
same 'tags' "$(db "SELECT group_concat(tag) FROM (SELECT tag FROM tag ORDER BY tag)")" a,b
same 'note' "$(db "SELECT note FROM run")" 'a note'
it train_json_has_the_contracts_keys

head='run\tname\tstatus\tepochs\tsteps\tseconds\tbest_epoch\tbest_loss\tbest_accuracy'
exits 0 train $tiny -q --data six.tsv
first_line "$head"
quiet
exits 0 train $tiny -q --data six.tsv --csv
first_line "$(printf "$head" | tr '\t' ,)"
exits 0 train $tiny -q --data six.tsv --output table
prints '^run  *name  *status  *epochs'
exits 0 train $tiny -q --data six.tsv --output ndjson
same 'one line' "$(grep -c '' out)" 1
keys_are '$' 'run,name,status,epochs,steps,seconds,best,last'
it train_speaks_every_format

exits 0 train $tiny --data six.tsv
same 'the last epoch has a line' "$(grep -c '^epoch 2/2  train loss [0-9.]* accuracy' err)" 1
exits 0 train $tiny --set epochs=200 --data six.tsv
same 'the first epoch has a line' "$(grep -c '^epoch 1/200  train loss' err)" 1
same 'the last one too' "$(grep -c '^epoch 200/200  train loss' err)" 1
exits 0 train $tiny --data six.tsv --progress ndjson
same 'lines of another form' "$(grep -cv '^{"step":[0-9]*,"epoch":[0-9]*,"loss":[0-9.e-]*,"recorded":[0-9]*}$' err)" 0
same 'all is recorded in the end' "$(tail -1 err | sed 's/.*"step":\([0-9]*\).*"recorded":\([0-9]*\)}/\1 \2/')" '2 2'
exits 2 train $tiny --data six.tsv --progress dots
says "bar, lines or ndjson, not 'dots'"
it progress_goes_to_standard_error

"$sluice" train $tiny -q --data - --json <six.tsv >out 2>err
status=$? want=0
judge train from standard input
quiet
same 'rows read' "$(db "SELECT rows FROM dataset WHERE name='-' AND role='train'")" 6
it texts_come_from_standard_input

mkdir sub
cp six.tsv sub/texts.tsv
printf '; a comment\n# another\ndata = texts.tsv\n  hidden = 5\nembed=4 ; behind\nepochs = 1\n' >sub/s.ini
exits 0 train -c sub/s.ini --set hidden=3 --name ini -q
same 'the command line wins' "$(db "SELECT value FROM param JOIN run USING(run_id) WHERE run.name='ini' AND param.name='hidden'")" 3
it settings_file_is_relative_and_set_wins

exits 7 train $tiny --set lr=1e38 --set clip=0 --data "$english" --name boom -q
says 'NaN or infinite at step 2'
exits 7 train $tiny --set lr=1e38 --set clip=0 --data "$english" --name bang
sed -i 1d err # the cost
says 'NaN or infinite at step 2'
same 'status' "$(db "SELECT status FROM run WHERE name='boom'")" diverged
exits 0 trace boom --text 'good' --csv
it divergence_exits_7_and_keeps_weights

# The tensors of a safetensors file, without the header that names the run.
tensors() {
	n=$(od -An -tu8 -N8 "$1" | tr -d ' ')
	tail -c +$((n + 9)) "$1"
}
for run in 'a --set seed=5' 'b --set seed=5' 'c --set seed=6' 'd --set seed=5 --set cell=article' \
	'e --set seed=5 --set cell=article' 't --set seed=5 --set threads=2' 'u --set seed=5 --set threads=2'; do
	name=${run%% *}
	exits 0 train $tiny -q --data "$english" --name "same_$name" ${run#* }
	exits 0 export weights "same_$name" "$name.safetensors" -q
	tensors "$name.safetensors" >"$name.bytes"
	[ -s "$name.bytes" ] || complain "no tensors in $name"
done
cmp -s a.bytes b.bytes || complain 'the same seed gave other weights'
cmp -s d.bytes e.bytes || complain 'the same seed gave other weights (article)'
cmp -s t.bytes u.bytes || complain 'the same seed gave other weights (2 threads)'
cmp -s a.bytes c.bytes && complain 'another seed gave the same weights'
it same_seed_same_weights_byte_for_byte

exits 0 train -q -c "$root/samples/chinese.ini" --set epochs=2 --set hidden=8 --name chinese
exits 0 trace chinese --text '相机很好' --csv
prints '^0,fw,1,相,0,'
it chinese_sample_trains

keras="--set tokenizer=keras --set mask=false --set max_len=4"
exits 0 train $tiny -q $keras --data six.tsv --name pre
exits 0 trace pre --text 'good day unheard' --json
same 'padding in front' "$(of_json "j->>'tokens'")" '["<pad>","<pad>","good","day"]'
same 'dropped words' "$(of_json "j->>'dropped'")" '["unheard"]'
exits 0 train $tiny -q $keras --set padding=post --data six.tsv --name post
exits 0 trace post --text 'good day unheard' --json
same 'padding behind' "$(of_json "j->>'tokens'")" '["good","day","<pad>","<pad>"]'
same 'rows of a gate' "$(of_json "json_array_length(j, '\$.layers[0].f')")" 4
exits 0 train $tiny -q $keras --set oov=UNK --data six.tsv --name oov
exits 0 trace oov --text 'unheard day' --json
same 'the word for unknown ones' "$(of_json "j->>'unknown'")" '[2]'
it keras_padding_shows_in_the_trace

# Runs train in the foreground, where signals are not ignored, until BREAK has seen enough lines.
# until_told SIGNAL LINES ARGUMENTS: sends it LINES lines after the first that something is recorded.
until_told() {
	signal=$1 lines=$2
	shift 2
	rm -f pipe && mkfifo pipe
	{
		seen=0 more=0
		while read -r line; do
			echo "$line"
			case $line in *'"recorded":0}') ;; *) seen=1 ;; esac
			[ $seen -eq 0 ] || more=$((more + 1))
			[ $more -le "$lines" ] || break
		done
		kill "-$signal" "$(cat pid)"
		cat
	} <pipe >lines &
	# shellcheck disable=SC2016
	sh -c 'echo $$ >pid; exec "$@"' sh "$sluice" train --set hidden=8 --set embed=8 --set epochs=100000 \
		--set threads=1 --data "$english" --progress ndjson --json "$@" >out 2>pipe </dev/null
	status=$?
	wait $!
	recorded=$(sed -n 's/.*"recorded":\([0-9]*\)}$/\1/p' lines | tail -1)
}
for pair in INT,130 TERM,143 HUP,129; do
	until_told "${pair%,*}" 3 --name "by_${pair%,*}"
	same "status after ${pair%,*}" "$status" "${pair#*,}"
	run="name='by_${pair%,*}'"
	same 'in the store' "$(db "SELECT status FROM run WHERE $run")" stopped
	same 'reported' "$(of_json "j->>'status'")" stopped
	same 'the last step has a checkpoint' "$(db "SELECT max(c.step)=r.step AND r.step=$recorded
		FROM run r JOIN checkpoint c USING(run_id) WHERE r.$run")" 1
	exits 0 predict "by_${pair%,*}@last"
done
it signals_stop_with_a_checkpoint

# The store breaks under the training: it ends, and what can be stored is.
rm -f pipe && mkfifo pipe
{
	while read -r line; do
		echo "$line"
		case $line in
		*'"recorded":0}') ;;
		*'"recorded":'*) sqlite3 broken.db 'DROP TABLE metric_summary' && break ;;
		esac
	done
	cat
} <pipe >lines 2>/dev/null &
timeout -k 1 60 "$sluice" train --set hidden=8 --set embed=8 --set epochs=100000 --set threads=1 --json \
	--data "$english" --progress ndjson --store broken.db --name broken >out 2>pipe </dev/null
same 'status' "$?" 1
wait $!
same 'told' "$(grep -c '^sluice: broken.db: no such table' lines)" 1
same 'status in the store' "$(sqlite3 broken.db "SELECT status FROM run WHERE message LIKE '%no such table%'")" failed
same 'the last step has a checkpoint' "$(sqlite3 broken.db "SELECT max(step) FROM checkpoint")" "$(of_json "j->>'steps'")"
same 'reported' "$(of_json "j->>'status'")" failed
it a_broken_store_ends_the_training

# A full disk may pass: it is tried again; when that has been told, a signal still ends it.
rm -f pipe && mkfifo pipe
{
	while read -r line; do
		case $line in *again\ every\ second*) break ;; esac
	done
	echo "$line"
	kill -TERM "$(cat pid)"
	cat
} <pipe >lines 2>/dev/null &
# shellcheck disable=SC2016
timeout -k 1 60 sh -c 'echo $$ >pid; trap "" XFSZ; ulimit -f 600; exec "$@"' sh "$sluice" train --set hidden=8 \
	--set embed=8 --set epochs=100000 --set threads=1 --data "$english" --progress ndjson --store full.db \
	>out 2>pipe </dev/null
status=$?
wait $!
same 'status' "$status" 143
same 'told' "$(grep -c 'again every second' lines)" 1
exits 2 train $tiny --data six.tsv --tag 'x,y'
says 'a tag has'
it a_signal_ends_it_even_when_the_disk_is_full

for round in 1 2 3 4; do
	until_told KILL "$(od -An -N1 -tu1 /dev/urandom | tr -d ' ')" --name "killed$round"
	same 'killed' "$status" 137
	same "round $round: steps in the store" "$(db "SELECT count(*) FROM metric JOIN metric_key k USING(key_id)
		JOIN run r USING(run_id) WHERE r.name='killed$round' AND k.name='train/loss' AND metric.step<=$recorded")" "$recorded"
	same 'integrity' "$(db 'PRAGMA integrity_check')" ok
	same 'not yet noticed' "$(db "SELECT status FROM run WHERE name='killed$round'")" running
	exits 0 train $tiny -q --data six.tsv
	same 'noticed by the next' "$(db "SELECT status FROM run WHERE name='killed$round'")" crashed
done
it killed_hard_it_keeps_every_recorded_step
finish
