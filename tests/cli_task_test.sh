#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Tasks without labels: language models and auto-encoders, from training to what is said of a text.
# shellcheck disable=SC2086
. "$(dirname "$0")/cli.sh"

small="--set hidden=8 --set embed=6 --set dropout=0 --set threads=2 --set batch=4 --set window=8 --set lr=0.02"
# Texts of a few kinds, long enough to have something held back.
awk 'BEGIN { for (k = 0; k < 40; k++) print "abc"; }' >abc.txt
awk 'BEGIN { for (k = 0; k < 30; k++) print k % 3 ? "The dog, it ran!" : "a big <unk> sat"; }' >en.txt
awk 'BEGIN { for (k = 0; k < 30; k++) print k % 2 ? "床前明月光，" : "疑是地上霜。"; }' >zh.txt

# never_nan: what was just printed has no number that is none.
never_nan() {
	if grep -qiw -e 'nan' -e '-nan' out err; then complain "nan: $(grep -hiw nan out err | head -2)"; fi
}

# near WHAT A B
near() {
	awk -v a="$2" -v b="$3" 'BEGIN { d = a - b; exit !(a != "" && b != "" && d * d < 1e-10 * (1 + b * b)) }' ||
		complain "$1: '$2', not '$3'"
}

# language_model NAME DATA EPOCHS SETTINGS: trains it, with everything that is said of it on the way.
language_model() {
	name=$1 data=$2 epochs=$3
	shift 3
	exits 0 train --data "$data" --valid "$data" --set task=generate $small --set epochs=$epochs --name "$name" \
		--progress lines --json "$@"
	never_nan
	grep -q "^epoch $epochs/$epochs  train loss [0-9.]* perplexity [0-9.]*  valid loss [0-9.]* perplexity [0-9.]*" err ||
		complain "$name: $(tail -1 err)"
	keys_are '$' 'run,name,status,epochs,steps,seconds,best,last'
	keys_are '$.best' 'step,epoch,loss,accuracy,perplexity'
	same 'no accuracy' "$(of_json "json_type(j, '\$.best.accuracy')")" null
	near 'perplexity' "$(of_json "j->>'\$.last.perplexity'")" \
		"$(awk -v l="$(of_json "j->>'\$.last.loss'")" 'BEGIN { printf "%.12g", exp(l) }')"
	best=$(of_json "j->>'\$.best.perplexity'")
	exits 0 eval "$name" --data "$data" --json
	keys_are '$' 'run,tokens,loss,perplexity,bits_per_character'
	same "$name is measured alike" "$(of_json "j->>'perplexity'")" "$best"
	same "$name in the store" "$(db "SELECT min(value) FROM metrics WHERE name='$name' AND metric='valid/perplexity'")" \
		"$(of_json "printf('%!.17g', j->>'perplexity')" | sqlite3_number)"
}

# A number as SQLite prints one that it has stored.
sqlite3_number() {
	read -r number_text
	sqlite3 :memory: "SELECT $number_text"
}

for kind in char word space keras; do
	language_model "en-$kind" en.txt 3 --set tokenizer=$kind
done
for kind in char word; do
	language_model "zh-$kind" zh.txt 3 --set tokenizer=$kind
done
language_model learned en.txt 3 --set tokenizer=char --set learned_state=true --set tied=true --set embed=8
same 'no point is NaN, none is an accuracy' \
	"$(db "SELECT total(nan), sum(metric LIKE '%accuracy%') FROM metrics_last")" '0.0|0'
same 'measures of a language model' "$(db "SELECT group_concat(metric) FROM (SELECT metric FROM metrics_last
	WHERE name='en-char' ORDER BY metric)")" 'grad_norm,lr,tokens_per_s,train/loss,valid/loss,valid/perplexity'
it language_models_tell_their_perplexity

# Every character is a token here, and so is the line's end: a bit less than one a character remains.
same 'tokens' "$(exits 0 eval zh-char --data zh.txt --json; of_json "j->>'tokens'")" 209
exits 0 eval zh-char --data zh.txt
first_line 'run\ttokens\tloss\tperplexity\tbits_per_character'
quiet
near 'bits of a character' "$(sed -n 2p out | cut -f5)" \
	"$(sed -n 2p out | awk '{ printf "%.12g", $3 / log(2) }')"
printf '床前zz光\n' >mixed.txt
exits 0 eval zh-char --data mixed.txt --json
says '^sluice: mixed.txt: 2 of 5 tokens are unknown to the run$'
exits 0 eval zh-char --data mixed.txt --json -q
quiet
echo 'zebra' >one.txt
exits 8 eval en-keras --data one.txt -q
says 'the text is too short: two tokens are needed'
it unknown_tokens_are_told

# What eval says of a text that begins with a line end is what trace says of the text behind it.
language_model abc abc.txt 8 --set tokenizer=char
printf '\nabca\n' >line.txt
exits 0 eval abc --data line.txt --json
loss=$(of_json "j->>'loss'")
exits 0 trace abc --text abca --json
keys_are '$' 'run,name,cell,text,tokens,ids,unknown,dropped,layers,next'
keys_are '$.next[0][0]' 'token,probability'
same 'tokens' "$(of_json "j->>'tokens'")" '["<eos>","a","b","c","a"]'
of_json "(SELECT group_concat((SELECT n.value->>'probability' FROM json_each(j, '\$.next['||t.key||']') n
	WHERE n.value->>'token'=iif(t.key=4, '<eos>', j->>('\$.tokens['||(t.key+1)||']'))))
	FROM json_each(j, '\$.tokens') t)" >probabilities
near 'the loss of the trace' "$(tr ',' '\n' <probabilities |
	awk '{ sum -= log($1) } END { printf "%.9f", sum / NR }')" "$loss"
near 'every token is there' "$(of_json "(SELECT total(value->>'probability') FROM json_each(j, '\$.next[2]'))")" 1
same 'likeliest first' "$(of_json "(SELECT group_concat(value->>'token') FROM (SELECT value FROM json_each(j, '\$.next[2]')
	ORDER BY value->>'probability' DESC))")" \
	"$(of_json "(SELECT group_concat(value->>'token') FROM json_each(j, '\$.next[2]'))")"
same 'it has learned' "$(of_json "j->>'\$.next[2][0].token'")" c
exits 0 trace abc --text abca --output table --layer l0.fw
same 'header' "$(head -1 out | tr -s ' ')" 't token known mean i mean f mean |g| mean o mean |c| mean |h| next p(next)'
prints '^3  *b  *yes .* c  *0\.[0-9]*$'
exits 0 trace abc --text abca --csv
same 'rows' "$(grep -c '' out)" 41
exits 0 trace en-char --text Zq --json
same 'unknown' "$(of_json "j->>'unknown'")" '[1,2]'
same 'ten' "$(of_json "json_array_length(j, '\$.next[2]')")" 10
exits 2 trace abc --text a --layer dec.l0
says "no layer 'dec.l0'; it has l0.fw$"
exits 2 predict abc
says "^sluice: predict labels or rebuilds texts; this run's task is generate: 'sluice generate' writes$"
it trace_of_a_language_model_says_what_follows

exits 0 runs --json
never_nan
same 'perplexity in the list' "$(of_json "(SELECT (value->>'valid_accuracy' IS NULL)||(value->>'valid_perplexity'>1)
	FROM json_each(j) WHERE value->>'name'='abc')")" 11
exits 0 show abc
never_nan
prints '^best_valid_perplexity	'
exits 0 train --data abc.txt --set task=generate --set tokenizer=char $small --set epochs=1 --set valid_split=0 \
	--progress lines --name blind --output csv
never_nan
first_line 'run,name,status,epochs,steps,seconds,best_epoch,best_loss,best_perplexity'
same 'the lowest perplexity' "$(exits 0 show best:valid/perplexity --csv; sed -n 's/^name,//p' out)" \
	"$(db "SELECT name FROM best_runs WHERE metric='valid/perplexity' AND rank=1 LIMIT 1")"
same 'is the lowest loss' "$(exits 0 show best:valid/loss --csv; sed -n 's/^name,//p' out)" \
	"$(db "SELECT name FROM runs_overview ORDER BY best_valid_loss NULLS LAST LIMIT 1")"
same 'best of a run: its lowest loss' "$(db "SELECT step FROM checkpoints WHERE name='abc' AND best")" \
	"$(db "SELECT min_step FROM metrics_last WHERE name='abc' AND metric='valid/loss'")"
for k in 1 2 3 4 5 6 7 8 9 10; do
	exits 0 query --list --json
	exits 0 query "$(of_json "(SELECT value->>'sql' FROM json_each(j) WHERE value->>'kind'='question' AND value->>'name'='$k')")"
	never_nan
done
it the_store_has_no_accuracy_of_them

# An auto-encoder: its own measures, and the same words from predict and trace.
# auto_encoder NAME SETTINGS
auto_encoder() {
	name=$1
	shift
	exits 0 train --data six.tsv --valid six.tsv --set task=reconstruct $small --set window=64 --set batch=2 --set hidden=16 \
		--set epochs=40 --name "$name" --progress lines --json "$@"
	never_nan
	grep -q '^epoch 40/40  train loss [0-9.]* accuracy [0-9.]*  valid loss [0-9.]* accuracy [0-9.]* exact [0-9.]*' err ||
		complain "$name: $(tail -1 err)"
	keys_are '$.best' 'step,epoch,loss,accuracy'
	accuracy=$(of_json "j->>'\$.best.accuracy'")
	exits 0 eval "$name" --data six.tsv --json
	quiet
	keys_are '$' 'run,examples,tokens,loss,accuracy,exact,perplexity'
	same "$name is measured alike" "$(of_json "j->>'accuracy'")" "$accuracy"
	same "$name learned its texts" "$(of_json "(j->>'exact')>0.5")" 1
	exact=$(of_json "printf('%.6f', j->>'exact')")
	same 'texts and tokens' "$(of_json "(j->>'examples')||' '||(j->>'tokens')")" '6 16'
	same 'in the store' "$(db "SELECT printf('%.6f', value) FROM metrics WHERE name='$name' AND metric='valid/exact'
		AND step=(SELECT best_step FROM runs_overview WHERE name='$name')")" "$exact"
	cut -f2 six.tsv >texts
	"$sluice" predict "$name" --json <texts >out 2>err
	same 'a line a text' "$(grep -c '' out)" 6
	near 'as many exact ones' "$(grep -c '"exact":true' out | awk '{ printf "%.6f", $1 / 6 }')" "$exact"
	head -1 out >first && mv first out
	keys_are '$' 'text,written,exact'
	written=$(of_json "j->>'written'")
	same 'plain' "$("$sluice" predict "$name" <texts | head -1)" "$written"
	exits 0 trace "$name" --text "$(head -1 texts)" --json
	keys_are '$' 'run,name,cell,text,tokens,ids,unknown,dropped,encoder,decoder,vector,written'
	keys_are '$.written[0]' 'token,probability,alternatives'
	same 'the trace writes it too' "$(of_json "(SELECT group_concat(value->>'token', ' ') FROM json_each(j, '\$.written')
		WHERE key<json_array_length(j, '\$.written')-1)")" "$written"
	same 'five others' "$(of_json "json_array_length(j, '\$.written[0].alternatives')")" 5
	same 'none twice' "$(of_json "(SELECT count(*) FROM json_each(j, '\$.written') w, json_each(w.value, '\$.alternatives') a
		WHERE a.value->>'token'=w.value->>'token' OR a.value->>'probability'>w.value->>'probability')")" 0
	same 'steps of the decoder' "$(of_json "json_array_length(j, '\$.decoder[0].h')")" \
		"$(of_json "json_array_length(j, '\$.written')")"
}

auto_encoder words --set tokenizer=word
same 'vector' "$(of_json "json_array_length(j, '\$.vector')")" 16
auto_encoder padded --set tokenizer=keras --set mask=false --set max_len=4
same 'padded' "$(of_json "json_array_length(j, '\$.encoder[0].h')")" 4
auto_encoder both --set bidirectional=true --set layers=2
same 'two directions' "$(of_json "json_array_length(j, '\$.encoder')||json_array_length(j, '\$.decoder')")" 42
it auto_encoders_write_texts_again

exits 0 trace both --text 'good day' --csv
first_line 'layer,direction,t,token,unit,i,f,g,o,c,h'
same 'directions' "$(sed 1d out | cut -d, -f1,2 | uniq | tr '\n' ' ')" '0,fw 0,bw 1,fw 1,bw 0,dec 1,dec '
same 'the decoder reads its mark first' "$(grep '^0,dec,1,' out | cut -d, -f4 | uniq)" '<eos>'
exits 0 trace words --text 'good day' --output table
same 'no classes' "$(head -1 out | tr -s ' ' | sed 's/ $//')" 't token known mean i mean f mean |g| mean o mean |c| mean |h|'
for layer in dec.l0 l0.fw enc.l0.fw; do
	exits 0 trace words --text 'good day' --output table --layer $layer
done
exits 0 trace words --text 'good day' --output table --layer dec.l0
same 'what follows' "$(head -1 out | tr -s ' ' | sed 's/.*h| //')" 'next p(next)'
for text in '' 'unheard of'; do
	exits 0 trace words --text "$text" --json
	printf '%s\n' "$text" | "$sluice" predict words >out 2>err || complain "predict '$text'"
	same 'one line' "$(grep -c '' out)" 1
done
printf '床前明月光\n疑是地上霜\n' >lines
exits 0 train --data lines --set data_format=text --set task=reconstruct $small --set window=64 --set batch=1 --set valid_split=0 --set epochs=80 --set hidden=16 --name poem -q
same 'no blanks between Han characters' "$("$sluice" predict poem <lines | tr '\n' ' ')" '床前明月光 疑是地上霜 '
it trace_and_predict_take_any_text

# Stopped in the middle of an epoch: more steps are left than a pipe has room for lines.
awk 'BEGIN { for (k = 0; k < 1600; k++) print substr("abracadabra, she said to the cat.", 1 + k * 7 % 17, 9 + k % 14) }' >long.txt
tensors() {
	"$sluice" export weights "$1@last" weights.safetensors --yes -q
	size=$(od -An -tu8 -N8 weights.safetensors | tr -d ' ')
	tail -c +$((9 + size)) weights.safetensors | cksum
}
going="--set task=generate --set tokenizer=char --set epochs=5 --set hidden=6 --set embed=5 --set batch=8 --set window=6
	--set threads=2 --set dropout=0.2 --set recurrent_dropout=0.1 --set learned_state=true --set keep=last"
exits 0 train --data long.txt $going --name whole -q
mkfifo pipe
{
	lines=0
	while read -r line; do
		lines=$((lines + 1))
		[ $lines -lt 30 ] || break
	done
	kill -TERM "$(cat pid)"
	cat >rest
} <pipe &
# shellcheck disable=SC2016
sh -c 'echo $$ >pid; exec "$@"' sh "$sluice" train --data long.txt $going --name part --progress ndjson >out 2>pipe </dev/null
same 'status of the stopped one' $? 143
wait $!
same 'it was stopped' "$(db "SELECT status FROM runs WHERE name='part'")" stopped
exits 0 resume part -q
same 'the same bytes' "$(tensors part)" "$(tensors whole)"
same 'every point, and no other' "$(db "SELECT count(*), sum(value), max(step) FROM metrics WHERE name='part' AND metric IN('train/loss','valid/perplexity')")" \
	"$(db "SELECT count(*), sum(value), max(step) FROM metrics WHERE name='whole' AND metric IN('train/loss','valid/perplexity')")"
same 'the same best' "$(db "SELECT best_step, best_valid_loss FROM runs_overview WHERE name='part'")" \
	"$(db "SELECT best_step, best_valid_loss FROM runs_overview WHERE name='whole'")"
it a_stopped_language_model_goes_on_exactly

refused="--data en.txt --set task=generate $small"
exits 2 train $refused --set bidirectional=true
says 'bidirectional must be false'
exits 2 train $refused --set tied=true
says 'tied needs embed as wide as what the head reads: embed is 6, that is 8'
exits 2 train --data six.tsv --set tied=true
says 'not for classify'
exits 8 train --data line.txt --set task=generate --set batch=64 --set valid_split=0
says 'line.txt has 3 tokens to learn from, too few for 64 rows (batch)'
exits 2 train $refused --set patience=2 --set valid_split=0
says 'patience needs validation'
same 'none of them left a run' "$(db "SELECT count(*) FROM runs WHERE status NOT IN('finished')")" 0
it what_cannot_be_is_refused
finish
