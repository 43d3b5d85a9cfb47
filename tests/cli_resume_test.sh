# SPDX-License-Identifier: GPL-3.0-or-later
# Going on with a run: the bytes of an uninterrupted one, and what is refused.
. "$(dirname "$0")/cli.sh"
english=$root/samples/english.tsv

# The tensors of a run's last checkpoint, without the header that names the run.
tensors() {
	"$sluice" export weights "$1@last" weights.safetensors --yes -q
	size=$(od -An -tu8 -N8 weights.safetensors | tr -d ' ')
	tail -c +$((9 + size)) weights.safetensors | cksum
}

settings="--set threads=2 --set dropout=0.3 --set recurrent_dropout=0.1 --set batch=16 --set lr=0.01"

for shape in "cell=standard" "cell=FGR --set optimizer=rmsprop_keras" "cell=standard --set schedule=plateau --set warmup=30" "cell=gru_after --set layers=2 --set bidirectional=true --set optimizer=momentum"; do
	small="--set hidden=6 --set embed=5 $settings --set $shape"
	exits 0 train --data "$english" $small --set epochs=6 --name whole
	exits 0 train --data "$english" $small --set epochs=2 --name part
	exits 0 resume part --set epochs=4
	exits 0 resume part --set epochs=6
	same "$shape" "$(tensors part)" "$(tensors whole)"
	same "points of $shape" "$(db "SELECT count(*) FROM metrics WHERE name='part'")" \
		"$(db "SELECT count(*) FROM metrics WHERE name='whole'")"
	exits 0 rm whole --yes
	exits 0 rm part --yes
done
it epochs_in_parts_give_the_same_bytes

head -121 "$root/samples/pairs.tsv" >pairs.tsv
for shape in "task=translate --set attention=general --set input_feeding=true --set bidirectional=true" "task=translate --set attention=bahdanau --set layers=2 --set embedding_updates=lazy" "task=summarize --set attention=none --set cell=FGR --set optimizer=rmsprop_keras"; do
	small="--set hidden=6 --set embed=5 $settings --set teacher_forcing=0.6 --set $shape"
	exits 0 train --data pairs.tsv $small --set epochs=6 --name whole
	exits 0 train --data pairs.tsv $small --set epochs=2 --name part
	exits 0 resume part --set epochs=6
	same "$shape" "$(tensors part)" "$(tensors whole)"
	same "points of $shape" "$(db "SELECT count(*) FROM metrics WHERE name='part'")" \
		"$(db "SELECT count(*) FROM metrics WHERE name='whole'")"
	exits 0 rm whole --yes
	exits 0 rm part --yes
done
it pairs_in_parts_give_the_same_bytes

# Stopped in the middle of an epoch, wherever the signal finds it.
# stopped_and_resumed SETTINGS: leaves the runs whole and part.
stopped_and_resumed() {
	big="--set hidden=24 --set embed=24 $settings --set epochs=40 $1"
	# shellcheck disable=SC2086
	"$sluice" train --data "$english" $big --name whole -q >out 2>err
	rm -f pipe && mkfifo pipe
	{
		lines=0
		while read -r line; do
			lines=$((lines + 1))
			[ $lines -lt 30 ] || break
		done
		kill -TERM "$(cat pid)"
		cat >rest
	} <pipe &
	# shellcheck disable=SC2016,SC2086
	sh -c 'echo $$ >pid; exec "$@"' sh "$sluice" train --data "$english" $big --name part \
		--progress ndjson >out 2>pipe </dev/null
	same 'status of the stopped one' $? 143
	wait $!
	same 'it was stopped' "$(db "SELECT status FROM runs WHERE name='part'")" stopped
	exits 0 resume part
	same "stopped and resumed $1" "$(tensors part)" "$(tensors whole)"
	same 'its state' "$(db "SELECT status FROM runs WHERE name='part'")" finished
	same 'every step once' "$(db "SELECT count(*) FROM metrics WHERE name='part' AND metric='train/loss'")" \
		"$(db "SELECT steps FROM runs WHERE name='part'")"
	same 'every rate' "$(rates part)" "$(rates whole)"
}

# The learning rates of a run.
rates() {
	db "SELECT step, value FROM metrics WHERE name='$1' AND metric='lr' ORDER BY step" | cksum
}

for schedule in 'schedule=cosine --set warmup=30' 'schedule=plateau --set decay=0.9'; do
	stopped_and_resumed "--set $schedule"
	[ "$(db "SELECT count(DISTINCT value) FROM metrics WHERE name='whole' AND metric='lr'")" -gt 3 ] ||
		complain "the rate stays with $schedule"
	exits 0 rm whole --yes
	exits 0 rm part --yes
done
it a_schedule_goes_on_exactly

# 90 batches an epoch: sorted by length in parts.
stopped_and_resumed '--set batch=4'
exits 0 rm whole --yes
exits 0 rm part --yes
stopped_and_resumed ''
it a_stopped_run_goes_on_exactly

exits 2 resume part
says 'has done its 40 epochs; --set epochs=50'
exits 2 resume part --set epochs=1
says 'has done its 40 epochs; --set epochs=50'
exits 2 resume part@23 --set epochs=50
says "'fork' begins there"
exits 2 resume part --set hidden=9
says 'hidden cannot change in a run that goes on'
exits 3 resume nothing
exits 0 fork part@23 --set epochs=3 --name branch
same 'its parent' "$(db "SELECT parent_step || parent FROM runs WHERE name='branch'")" \
	"23$(db "SELECT run FROM runs WHERE name='part'")"
it what_cannot_go_on_is_told

cp "$english" mine.tsv
exits 0 train --data mine.tsv --set hidden=4 --set embed=4 $settings --set epochs=1 --name mine
echo 'pos	one more' >>mine.tsv
exits 8 resume mine --set epochs=2
says 'mine.tsv is not what the run was trained on'
it changed_texts_are_noticed
finish
