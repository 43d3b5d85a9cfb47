#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# What runs of pairs write: translations and summaries, learnt by heart.
# shellcheck disable=SC2086
. "$(dirname "$0")/cli.sh"

small="--set hidden=24 --set embed=12 --set dropout=0 --set lr=0.01 --set threads=2 --set batch=4 --set valid_split=0"

# learn NAME TASK FILE SETTINGS
learn() {
	name=$1 task=$2 file=$3
	shift 3
	exits 0 train -q --data "$file" --name "$name" --set task=$task $small "$@"
}

# Two words change places; nothing becomes nothing.
awk 'BEGIN {
	n = split("eins zwei drei vier rot blau", de); split("one two three four red blue", en)
	for (a = 1; a <= n; a++)
		for (b = 1; b <= n; b++) {
			print de[a] " " de[b] "\t" en[b] " " en[a]
			print de[a] "\t" en[a]
		}
}' >numbers.tsv
awk 'BEGIN {
	split("我 你 他 猫 狗", zh); split("i you he cat dog", en)
	for (a = 1; a <= 5; a++)
		for (b = 1; b <= 5; b++) print en[a] " see " en[b] "\t" zh[a] "看" zh[b] "。"
}' >see.tsv
awk 'BEGIN {
	split("cat dog bird cow", w)
	for (a = 1; a <= 4; a++)
		for (b = 1; b <= 4; b++) print "the " w[a] " sat on the " w[b] " and slept\t" w[a] " slept"
}' >short.tsv
learn heart translate numbers.tsv --set epochs=30
learn chinese translate see.tsv --set epochs=40
learn short summarize short.tsv --set epochs=30
learn blind translate numbers.tsv --set epochs=2 --set attention=none
exits 0 train -q --data six.tsv --name classes $tiny
exits 0 train -q --data short.tsv --name model --set task=generate $tiny --set window=8 --set batch=2
exits 0 train -q --data short.tsv --name again --set task=reconstruct $tiny --set batch=2
it runs_are_trained

# answers EXPECTED ARGUMENTS: of the lines in the file `lines`, from a pipe and from the file itself.
answers() {
	expected=$1
	shift
	cat lines | "$sluice" "$@" >out 2>err
	status=$?
	[ "$status" -eq 0 ] || complain "status $status: $* -- $(head -2 err)"
	quiet
	same "$*" "$(cat out)" "$(printf "$expected")"
	exits 0 "$@" --data lines
	same "$* of a file" "$(cat out)" "$(printf "$expected")"
}

printf '\357\273\277eins zwei\n' >lines
answers 'two one' translate heart
head -c 50000 "$sluice" >bad
exits 8 translate heart --data bad
says 'bad: is not text but binary data'
printf 'eins zwei\nrot\nblau vier\r\nvier vier' >lines
answers 'two one\nred\nfour blue\nfour four' translate heart
answers 'two one\nred\nfour blue\nfour four' translate heart --beam 1
answers 'two one\nred\nfour blue\nfour four' predict heart
exits 0 translate heart --text 'drei blau'
first_line 'blue three'
printf 'i see you\nhe see cat\n' >lines
answers '我看你。\n他看猫。' translate chinese
printf 'the cow sat on the bird and slept\n' >lines
answers 'cow slept' summarize short
answers 'cow slept' summarize short --length-penalty 0 --unknown
it what_was_learnt_by_heart_is_written

# Every line has an answer, also one without a token, or only of words that nobody knows.
printf '\neins\n \nzzz qqq\n\n' >lines
exits 0 translate heart --data lines
same 'a line for a line' "$(grep -c '' out)" 5
same 'the second' "$(sed -n 2p out)" one
same 'the same for nothing' "$(sed -n 1p out)" "$(sed -n 3p out)"
quiet
exits 0 translate heart --text 'zzz eins' --csv
says '^sluice: 1 of the text.s 2 tokens is not in the vocabulary$'
exits 0 translate heart --text 'zzz eins' -q
quiet
: >empty
exits 0 translate heart --data empty
same 'nothing' "$(cat out)" ''
exits 0 translate heart --data empty --csv
same 'only the header' "$(cat out)" 'line,rank,score,log_probability,text,written'
awk 'BEGIN { for (k = 0; k < 5000; k++) printf "eins zwei "; print "" }' >long
exits 0 translate heart --data long --max-length 50
[ "$(wc -w <out)" -le 50 ] || complain "$(wc -w <out) words"
exits 0 translate heart --text 'eins zwei' --max-length 1
first_line two
it any_line_has_an_answer

# An answer comes while the next line is still being waited for.
mkfifo asked answered
"$sluice" translate heart <asked >answered 2>err &
exec 3>asked 4<answered
echo 'zwei eins' >&3
read -r first <&4
echo '' >&3
echo 'rot' >&3
read -r second <&4
read -r third <&4
exec 3>&- 4<&-
wait
same 'first' "$first" 'one two'
same 'third' "$third" 'red'
# 150 lines of a file are the same as alone.
awk -F '\t' 'NR <= 150 { print $1 }' numbers.tsv numbers.tsv numbers.tsv >many
exits 0 translate heart --data many
cp out batched
"$sluice" translate heart <many >out 2>err
cmp -s out batched || complain 'a file is answered otherwise'
cat many | "$sluice" translate heart >out 2>err
cmp -s out batched || complain 'a pipe is answered otherwise'
same 'as many' "$(grep -c '' batched)" "$(grep -c '' many)"
"$sluice" translate heart --data many 2>err | head -1 >out
first_line 'one one'
quiet
it lines_go_one_by_one_or_many_at_a_time

exits 0 translate heart --text 'eins zwei' --json --n-best 3 --attention
keys_are '$' 'text,written,tokens,log_probability,score,alternatives,attention'
keys_are '$.tokens[0]' 'token,id,probability'
keys_are '$.alternatives[0]' 'written,log_probability,score'
same 'text' "$(of_json "j->>'text'")" 'eins zwei'
same 'written' "$(of_json "j->>'written'")" 'two one'
same 'tokens' "$(of_json "(SELECT group_concat(value->>'token', ' ') FROM json_each(j, '\$.tokens'))")" 'two one <eos>'
same 'alternatives' "$(of_json "json_array_length(j, '\$.alternatives')")" 2
same 'best first' "$(of_json "(j->>'score' > j->>'\$.alternatives[0].score')
	+(j->>'\$.alternatives[0].score' >= j->>'\$.alternatives[1].score')")" 2
same 'a sum' "$(of_json "abs(j->>'log_probability' - (SELECT sum(ln(value->>'probability')) FROM json_each(j, '\$.tokens'))) < 1e-5")" 1
same 'the score' "$(of_json "abs(j->>'score' - (j->>'log_probability')/(8.0/6)) < 1e-9")" 1
same 'a row a token' "$(of_json "(SELECT group_concat(json_array_length(value)) FROM json_each(j, '\$.attention'))")" '2,2,2'
same 'shares' "$(of_json "(SELECT count(*) FROM json_each(j, '\$.attention') r
	WHERE abs((SELECT sum(value) FROM json_each(r.value)) - 1) < 1e-5)")" 3
same 'it looks at the other word' "$(of_json "(j->>'\$.attention[0][1]' > 0.5)+(j->>'\$.attention[1][0]' > 0.5)")" 2
exits 0 translate heart --text 'eins zwei' --json
keys_are '$' 'text,written,tokens,log_probability,score,alternatives'
same 'none asked for' "$(of_json "json_array_length(j, '\$.alternatives')")" 0
exits 0 translate heart --text 'eins zwei' --length-penalty 0 --json
same 'no penalty' "$(of_json "j->>'score' = j->>'log_probability'")" 1
printf 'eins\nzwei rot\n' | "$sluice" predict heart --output ndjson >out 2>err
same 'an object a line' "$(grep -c '^{.*}$' out)" 2
it json_tells_how_sure_it_is

printf 'eins\nzwei rot\n' >lines
exits 0 translate heart --data lines --n-best 2
same 'lines' "$(cut -f1 out | tr '\n' ' ')" '1 1 2 2 '
same 'first of each' "$(awk -F '\t' 'NR % 2 { print $3 }' out | tr '\n' ,)" 'one,red two,'
same 'in order' "$(awk -F '\t' 'NR % 2 { s = $2 } !(NR % 2) { print (s >= $2) }' out | tr '\n' ' ')" '1 1 '
exits 0 translate heart --data lines --n-best 2 --csv
first_line 'line,rank,score,log_probability,text,written'
same 'ranks' "$(cut -d, -f1,2 out | sed 1d | tr '\n' ' ')" '1,1 1,2 2,1 2,2 '
same 'text and answer' "$(sed -n 4p out | cut -d, -f5,6)" 'zwei rot,red two'
exits 0 translate heart --data lines --output table
prints '^ *line  *rank  *score  *log_probability  *text  *written'
it the_best_ones_have_scores

refuse() { # PATTERN ARGUMENTS
	pattern=$1
	shift
	exits 2 "$@"
	says "$pattern"
	[ ! -s out ] || complain "printed: $(head -1 out)"
}
refuse "^sluice: this run's task is translate, not summarize: use 'translate'$" summarize heart --text eins
refuse "^sluice: this run's task is summarize, not translate: use 'summarize'$" translate short --text eins
refuse "^sluice: this run's task is classify, not translate: use 'predict'$" translate classes --text a
refuse "^sluice: this run's task is generate, not summarize: use 'generate'$" summarize model --text a
refuse "^sluice: this run's task is reconstruct, not translate: use 'generate'$" translate again --text a
refuse "^sluice: this run's task is translate: 'translate' writes its answers$" generate heart --text eins
refuse "^sluice: this run's task is summarize: 'summarize' writes its answers$" generate short
refuse "^sluice: --beam is a whole number from 1 to 100, not '0'$" translate heart --text eins --beam 0
refuse "^sluice: --beam is a whole number from 1 to 100, not '101'$" translate heart --text eins --beam 101
refuse "^sluice: --length-penalty is a number from 0 to 10, not 'x'$" translate heart --text eins --length-penalty x
refuse "^sluice: --length-penalty is a number from 0 to 10, not 'nan'$" translate heart --text eins --length-penalty nan
refuse "^sluice: --length-penalty is for a search among several answers: add --beam N" eval heart --data numbers.tsv --length-penalty 3
refuse "^sluice: --n-best 6 needs a search as wide: add --beam 6$" translate heart --text eins --n-best 6
refuse "^sluice: --max-length is a whole number from 1 to 100000, not '-1'$" translate heart --text eins --max-length -1
refuse '^sluice: --attention is for --json$' translate heart --text eins --attention
refuse '^sluice: this run has no attention: leave --attention out$' translate blind --text eins --attention --json
refuse '^sluice: give --text or --data, not both$' translate heart --text eins --data lines
refuse '^sluice: translate has no option --beams; did you mean --beam?$' translate heart --beams 3
refuse '^sluice: translate needs more: ' translate
exits 3 translate nobody --text eins
says "nobody"
exits 8 translate heart --data nowhere
says '^sluice: cannot read nowhere: '
exits 8 translate heart --data .
says '^sluice: cannot read \.: '
it what_does_not_go_is_said_in_a_line

finish
