#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Tuning: what a new run takes over of another one, what stays frozen, and what is refused.
# shellcheck disable=SC2086
. "$(dirname "$0")/cli.sh"
english=$root/samples/english.tsv
small="--set hidden=6 --set embed=5 --set threads=2 --set batch=8 --set epochs=2 --set keep=all"

# place RUN NAME: writes RUN's weights to weights.safetensors; "first byte, bytes" of a tensor in it.
place() {
	"$sluice" export weights "$1" weights.safetensors --yes -q >/dev/null
	size=$(od -An -tu8 -N8 weights.safetensors | tr -d ' ')
	head -c $((8 + size)) weights.safetensors | tail -c +9 >header.json
	sqlite3 :memory: "SELECT (j->>'$.\"$2\".data_offsets[0]') + 9 + $size, (j->>'$.\"$2\".data_offsets[1]')
		- (j->>'$.\"$2\".data_offsets[0]') FROM (SELECT CAST(readfile('header.json') AS TEXT) AS j)"
}

# tensor RUN NAME [BYTES]: the sum of its bytes, or of the first of them.
tensor() {
	at=$(place "$1" "$2")
	case $at in
	[0-9]*'|'[0-9]*) tail -c "+${at%|*}" weights.safetensors | head -c "${3:-${at#*|}}" | cksum ;;
	*) echo "no $2 in $1" ;;
	esac
}

# kept A B NAME..., moved A B NAME...: tensors of two runs or checkpoints that are the same, or are not.
kept() {
	a=$1 b=$2
	shift 2
	for name; do same "$name of $a and $b" "$(tensor "$a" "$name")" "$(tensor "$b" "$name")"; done
}
moved() {
	a=$1 b=$2
	shift 2
	for name; do
		[ "$(tensor "$a" "$name")" != "$(tensor "$b" "$name")" ] || complain "$name of $a and $b is the same"
	done
}
layers='lstm.weight_ih_l0 lstm.weight_hh_l0 lstm.bias_ih_l0'

# log RUN KIND: what the run's events of a kind say, a line each.
log() { db "SELECT message FROM events WHERE name='$1' AND kind='$2'"; }

awk 'BEGIN { for (k = 0; k < 12; k++) print "red\tthe rose is red" k "\ngreen\tthe grass is green\nblue\tthe food was not blue"; }' >colours.tsv
cut -f2 "$english" >lines.txt
awk -F'\t' 'NR <= 60 { print $2 "\t" toupper($2) " " $1 }' "$english" >pairs.tsv
sed -n '30,50p' pairs.tsv >more.tsv
awk 'BEGIN { print "a zebra and a yak\tZEBRA YAK YAK"; }' >>more.tsv

exits 0 train --data "$english" $small --name base
exits 0 tune base --data colours.tsv --set freeze=encoder --set optimizer=adamw --set weight_decay=0.5 --name frozen
grep -q '^from base@[0-9]*, taken over: embedding (468 rows, [0-9]* new), l0; new: head$' err ||
	complain "it does not say what is taken over: $(head -3 err)"
kept base frozen $layers
rows=$((468 * 5 * 4))
same 'old rows' "$(tensor frozen embedding.weight $rows)" "$(tensor base embedding.weight)"
kept frozen@last "frozen@$(db "SELECT min(step) FROM checkpoints WHERE name='frozen'")" embedding.weight $layers
moved frozen@last "frozen@$(db "SELECT min(step) FROM checkpoints WHERE name='frozen'")" head.weight head.bias
same 'the classes' "$(db "SELECT group_concat(token) FROM (SELECT token FROM vocabulary WHERE name='frozen' AND role='classes' ORDER BY token_id)")" 'blue,green,red'
same 'from the beginning' "$(db "SELECT min(step) FROM metrics WHERE name='frozen'")" 1
exits 0 predict frozen --data lines.txt
it other_classes_on_the_same_encoder

exits 0 runs --json
same 'parent of the list' "$(of_json "(SELECT value->>'parent' FROM json_each(j) WHERE value->>'name'='frozen')")" \
	"$(db "SELECT run FROM runs WHERE name='base'")"
same 'step of the list' "$(of_json "(SELECT value->>'parent_step' FROM json_each(j) WHERE value->>'name'='frozen')")" \
	"$(db "SELECT parent_step FROM runs WHERE name='frozen'")"
same 'no parent' "$(of_json "(SELECT json_type(value, '\$.parent') FROM json_each(j) WHERE value->>'name'='base')")" null
exits 0 show frozen
prints "^parent	$(db "SELECT run FROM runs WHERE name='base'")@$(db "SELECT parent_step FROM runs WHERE name='frozen'") (base)\$"
exits 0 tune base@45 --data colours.tsv --set epochs=1 --name early --tag t --note 'a remark' --json -q
quiet
same 'that step' "$(db "SELECT parent_step FROM runs WHERE name='early'")" 45
same 'tag and note' "$(db "SELECT tags || ',' || note FROM runs WHERE name='early'")" 't,a remark'
log early tune | grep -q '^from base@45, taken over: embedding' || complain "log: $(log early tune)"
exits 0 tune base --data colours.tsv --set epochs=1 --progress ndjson --name lines
grep -v '^{"step":' err >rest
[ ! -s rest ] || complain "not ndjson: $(head -1 rest)"
it the_store_knows_where_it_comes_from

exits 0 tune base --data "$english" --set freeze='embedding@1,l0@2-,head@2' --set epochs=3 --set lr=0.01 --name parts
steps=$(db "SELECT group_concat(step, ' ') FROM (SELECT step FROM checkpoints WHERE name='parts' ORDER BY step)")
# shellcheck disable=SC2086
set -- $steps
same 'three checkpoints' $# 3
moved "parts@$1" "parts@$2" embedding.weight
kept "parts@$1" "parts@$2" $layers head.weight head.bias
kept "parts@$2" "parts@$3" $layers
moved "parts@$2" "parts@$3" embedding.weight head.weight head.bias
same 'the log' "$(log parts rates | tr '\n' '/')" \
	'epoch 1: embedding frozen, l0 ×1, head ×1/epoch 2: embedding ×1, l0 frozen, head frozen/epoch 3: embedding ×1, l0 frozen, head ×1/'
same 'the same classes: the head stays' "$(log parts tune | grep -c 'l0, head$')" 1
exits 0 tune base --data "$english" --set gradual=true --set schedule=triangle --set lr_factors=embedding:0.1,l0:0.5 \
	--set epochs=3 --name slow
same 'the log of it' "$(log slow rates | tr '\n' '/')" \
	'epoch 1: embedding frozen, l0 frozen, head ×1/epoch 2: embedding frozen, l0 ×0.5, head ×1/epoch 3: embedding ×0.1, l0 ×0.5, head ×1/'
same 'a triangle' "$(db "SELECT min(value) < 0.0001, max(value) FROM metrics WHERE name='slow' AND metric='lr'")" '1|0.001'
exits 0 tune base --data "$english" --set freeze=encoder@1 --set lr_factors=encoder:0.3 --name both-rules
same 'frozen whatever the factor' "$(log both-rules rates | tr '\n' '/')" \
	'epoch 1: embedding frozen, l0 frozen, head ×1/epoch 2: embedding ×0.3, l0 ×0.3, head ×1/'
it groups_are_frozen_by_epoch

# A tuned run has words that are not in its texts: it goes on as exactly as any other.
# last RUN: the tensors of its last checkpoint, without the header that names the run.
last() {
	place "$1@last" none >/dev/null
	tail -c +$((9 + size)) weights.safetensors | cksum
}
rules='--set freeze=embedding@1-2,l0@4 --set lr_factors=head:0.5,l0:0.3 --set dropout=0.3 --set optimizer=rmsprop'
exits 0 tune base --data colours.tsv $rules --set epochs=5 --name whole
exits 0 tune base --data colours.tsv $rules --set epochs=1 --name part
exits 0 resume part --set epochs=3
exits 0 resume part --set epochs=5
same 'in parts' "$(last part)" "$(last whole)"
same 'the same words' "$(db "SELECT count(*) FROM vocabulary WHERE name='part' AND role='source'")" \
	"$(db "SELECT count(*) FROM vocabulary WHERE name='whole' AND role='source'")"
exits 0 fork part@last --set epochs=7 --name branch
exits 0 tune branch --data pairs.tsv --set task=summarize --name grandchild
same 'generations' "$(db "SELECT group_concat(p.name) FROM runs c JOIN runs p ON p.run=c.parent
	WHERE c.name IN ('branch', 'grandchild')")" 'part,branch'
it a_tuned_run_goes_on_exactly

# Every task from every other one.
exits 0 train --data lines.txt $small --set task=generate --set embed=6 --set tied=true --set window=8 --name writer
exits 0 tune writer --data "$english" --set task=classify --set freeze=encoder --name judge
grep -q 'taken over: embedding (4[0-9]* rows, [0-9]* new), l0; new: head$' err || complain "$(head -1 err)"
kept writer judge $layers
same 'rows of the writer' "$(tensor judge embedding.weight 9000)" "$(tensor writer embedding.weight 9000)"
printf 'good\n\nbad\n' >three.txt
exits 0 predict judge --data three.txt --json
same 'an answer to each line' "$(grep -c '"probabilities":{"neg":0\.[0-9]*,"pos":0\.' out)" 3
exits 0 eval judge --data "$english" --json
same 'all of them' "$(of_json "j->>'examples'")" "$(grep -c '' "$english")"
exits 0 tune writer --data "$english" --valid "$english" --set task=classify --name measured
exits 0 eval measured --data "$english" --json
same 'measured in training and later' "$(of_json "printf('%.9f', j->>'accuracy')")" \
	"$(db "SELECT printf('%.9f', max(value)) FROM metrics WHERE name='measured' AND metric='valid/accuracy'")"
exits 0 trace judge --text 'good food' --json
same 'no mark is read' "$(of_json "json_array_length(j, '\$.tokens')")" 2
exits 0 tune judge --data lines.txt --set task=generate --set window=8 --name again
same 'the mark is there still' "$(tensor again embedding.weight 1 | wc -l)" 1
for task in generate classify reconstruct translate summarize; do
	case $task in
	generate) data=lines.txt ;;
	classify | reconstruct) data=$english ;;
	*) data=pairs.tsv ;;
	esac
	window=
	[ $task != generate ] || window='--set window=8'
	for from in base writer; do
		exits 0 tune "$from" --data "$data" --set task=$task --set tied=false $window --name "$from-$task"
		same "the task of $from-$task" "$(db "SELECT task FROM runs WHERE name='$from-$task'")" $task
	done
done
for from in translate summarize reconstruct; do
	for task in classify generate translate; do
		data=$english
		[ $task = classify ] || data=lines.txt
		[ $task = translate ] && data=more.tsv
		window=
		[ $task != generate ] || window='--set window=8'
		exits 0 tune base-$from --data "$data" --set task=$task $window --name "$from-$task"
	done
done
# What the run was trained with and the new task has no use for begins anew.
exits 0 train --data more.tsv --set task=translate --set hidden=6 --set embed=5 --set epochs=1 --set attention=dot --set input_feeding=true --set teacher_forcing=0.9 --name fed -q
exits 0 tune fed --data "$english" --set task=classify --set epochs=1 -q
exits 0 train --data "$english" --set hidden=6 --set embed=5 --set epochs=1 --set pool=attention --name pooled -q
exits 0 tune pooled --data more.tsv --set task=translate --set epochs=1 -q
exits 2 tune fed --data "$english" --set task=classify --set input_feeding=true
says 'no use for input_feeding'
it any_task_from_any_other

exits 0 tune base-translate --data more.tsv --set freeze=all@2 --set epochs=1 --set lr=1e-12 --name pairs2
grep -q 'taken over: embedding (.*), l0, dec.embedding (.* new), dec.l0, attention, head (.* new)$' err ||
	complain "pairs: $(head -1 err)"
exits 0 train --data pairs.tsv $small --set task=translate --set bidirectional=true --set layers=2 --set cell=FGR --name both
exits 0 tune both --data more.tsv --set learned_state=false --name both2
grep -q 'l0, l1, dec.embedding (.*), bridge, dec.l0, dec.l1, attention, head' err || complain "both: $(head -1 err)"
exits 0 tune both --data "$english" --set task=classify --set pool=attention --name both3
grep -q 'l0, l1; new: pool, head$' err || complain "pool: $(head -1 err)"
it pairs_keep_the_decoder_as_well

exits 0 tune base --data colours.tsv --set extend_vocab=false --name closed
grep -q 'embedding (468 rows), l0' err || complain "closed: $(head -1 err)"
same 'no new words' "$(db "SELECT count(*) FROM vocabulary WHERE name='closed' AND role='source'")" 468
exits 0 tune base --data colours.tsv --set min_count=6 --name counted
grep -q 'embedding (468 rows, 4 new)' err || complain "counted: $(head -1 err)"
exits 0 tune base --data colours.tsv --set max_vocab=470 --name few
grep -q 'embedding (468 rows, 2 new)' err || complain "few: $(head -1 err)"
exits 0 tune base --data colours.tsv --set max_vocab=100 --name full
grep -q '^max_vocab=100 leaves no room for new words' err || complain "full: $(head -1 err)"
grep -q 'embedding (468 rows), l0' err || complain "full: $(head -3 err)"
for shape in tokenizer=char 'tokenizer=keras --set oov=oov' 'embed=0' 'tokenizer=space --set lower=false'; do
	exits 0 train --data "$english" $small --set $shape --set epochs=1 --name words
	exits 0 tune words --data colours.tsv --set epochs=1 --set lr=1e-12 --name more-words
	grep -q 'taken over: .* new)' err || complain "$shape: $(head -1 err)"
	exits 0 tune words --data lines.txt --set task=generate --set epochs=1 --set window=8 --name write-words
	for name in words more-words write-words; do exits 0 rm $name --yes; done
done
it vocabularies_grow

exits 2 tune
says 'RUN'
exits 3 tune nothing --data colours.tsv
says 'no such run'
exits 3 tune base@7 --data colours.tsv
exits 2 tune base
says 'no training data'
exits 8 tune base --data none.tsv
says 'none.tsv'
exits 8 tune base --data lines.txt
for change in hidden=7 embed=6 cell=V layers=2 bidirectional=sum tokenizer=char lower=false learned_state=true; do
	exits 2 tune base --data colours.tsv --set $change
	says "^sluice: ${change%=*}=${change#*=}.* cannot be: the encoder comes from base, where it is "
done
exits 2 tune both --data lines.txt --set task=generate
says 'both is bidirectional'
exits 2 tune base --data colours.tsv --set freeze=l1
says "no group 'l1'; it has embedding l0 head encoder"
exits 2 tune base --data colours.tsv --set freeze=all
says 'nothing to learn in epoch 1'
exits 2 tune base --data colours.tsv --set lr_factors=l0
says 'GROUP:FACTOR'
exits 2 tune base --data colours.tsv --set freeze=l0@
says 'names no epochs'
exits 2 tune base --data colours.tsv --set tied=true
says 'tied'
exits 2 tune base --data colours.tsv --progress loud
says 'progress'
exits 2 train --data "$english" $small --set extend_vocab=false
says 'extend_vocab=false is for tune'
exits 2 tune base --data pairs.tsv --set task=translate --set label_column=1
says 'label_column'
echo 'hidden = 9' >nine.ini
exits 2 tune base -c nine.ini --data colours.tsv
says 'hidden=9 cannot be'
echo 'hidden = 6
data = colours.tsv
epochs = 1' >six.ini
exits 0 tune base -c six.ini -q
it what_cannot_be_tuned_is_told
finish
