#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Runs that write, and texts as vectors: generate, encode, near.
# shellcheck disable=SC2086
. "$(dirname "$0")/cli.sh"

small="--set hidden=16 --set embed=8 --set epochs=4 --set threads=1 --set batch=2 --set dropout=0"
for k in 1 2 3 4 5 6 7 8; do
	printf 'the cat sat on the mat.\na dog ran to the cat.\n\nwho let the dog out?\n'
done >story.txt
for k in 1 2 3 4 5 6; do printf '床前明月光,\n疑是地上霜.\n'; done >poem.txt
printf 'the cat sat\na dog ran\nthe dog sat\nwho ran\na cat\n' >lines.txt

exits 0 train $small -q --data story.txt --set task=generate --set tokenizer=char --name chars
exits 0 train $small -q --data story.txt --set task=generate --name words
exits 0 train $small -q --data poem.txt --set task=generate --set tokenizer=char --name poem
exits 0 train $small -q --data story.txt --set task=generate --set tokenizer=keras --name keras
exits 0 train $small -q --data lines.txt --set task=reconstruct --set epochs=60 --set lr=0.02 \
	--set valid_split=0 --name again
exits 0 train $tiny -q --data six.tsv --name six
id=$(db "SELECT id FROM run WHERE name='chars'")

# writes OPTIONS: what generate prints for a prompt with them.
writes() { "$sluice" generate chars --text 'the ' --length 60 "$@" 2>err </dev/null; }

exits 0 generate chars --text 'the ' --length 60
quiet
cp out first
prints '^the '
same 'the same again' "$(writes)" "$(cat first)"
same 'the seed is 1' "$(writes --seed 1)" "$(cat first)"
[ "$(writes --seed 2)" != "$(cat first)" ] || complain 'another seed wrote the same'
same 'another seed writes the same again' "$(writes --seed 2)" "$(writes --seed 2)"
[ "$(writes --top-k 1)" != "$(cat first)" ] || complain 'drawing is as good as none'
same 'greedy' "$(writes --greedy)" "$(writes --greedy)"
same 'top-k 1 is greedy' "$(writes --top-k 1 --seed 5)" "$(writes --greedy)"
same 'a low temperature is greedy' "$(writes --temperature 1e-6)" "$(writes --greedy)"
same 'no temperature is greedy' "$(writes --temperature 0)" "$(writes --greedy)"
same 'a small top-p is greedy' "$(writes --top-p 1e-9)" "$(writes --greedy)"
it the_same_seed_writes_the_same_text

exits 0 generate chars --text 'the ' --length 60 --json
keys_are '$' 'run,name,text,prompt,tokens,seed,temperature,top_k,top_p'
keys_are '$.tokens[0]' 'token,id,probability,entropy,alternatives'
same 'run and name' "$(of_json "(j->>'run')||(j->>'name')")" "${id}chars"
same 'tokens' "$(of_json "json_array_length(j, '\$.tokens')")" 60
same 'how' "$(of_json "(j->>'seed')||' '||(j->>'temperature')||' '||(j->>'top_k')||' '||(j->>'top_p')")" '1 1 0 1'
same 'alternatives, likeliest first' "$(of_json "(SELECT count(*) FROM json_each(j, '\$.tokens')
	WHERE json_array_length(value, '\$.alternatives')=10 AND
	(value->>'\$.alternatives[0].probability')>=(value->>'\$.alternatives[9].probability') AND
	(value->>'\$.alternatives[0].probability')>=(value->>'probability') AND (value->>'entropy')>0)")" 60
same 'the text is the prompt and the tokens' "$(of_json "(j->>'text')=(SELECT 'the '||group_concat(
	replace(value->>'token', '<eos>', char(10)), '') FROM json_each(j, '\$.tokens'))")" 1
of_json "j->>'text'" >long
same 'json has the text that is printed' "$(cat long)" "$(cat first)"
exits 0 generate chars --length 5 --count 3 --seed 7 --json
same 'several are a list' "$(of_json "(SELECT group_concat(value->>'seed') FROM json_each(j))")" 7,8,9
same 'the third alone' "$(of_json "j->>'\$[2].text'")" "$("$sluice" generate chars --length 5 --seed 9)"
exits 0 generate chars --length 5 --count 3 --output ndjson
same 'one a line' "$(grep -c '^{.*}$' out)" 3
exits 0 generate chars --length 5 --count 2 --csv
first_line 'sample,step,token,probability,entropy,top1,p1,top2,p2,top3,p3,top4,p4,top5,p5'
same 'a row a token' "$(sed 1d out | cut -d, -f1,2 | tr '\n' ' ')" '1,1 1,2 1,3 1,4 1,5 2,1 2,2 2,3 2,4 2,5 '
exits 0 generate chars --length 7 --output table --greedy
same 'a table' "$(grep -c '' out)" 8
it every_token_with_what_else_was_likely

exits 0 generate words --lines 3 --length 5000
same 'lines' "$(grep -c '' out)" 3
exits 0 generate words --lines 3 --length 5000 --json
same 'the third line end is the last token' "$(of_json "(SELECT count(*) FROM json_each(j, '\$.tokens') WHERE value->>'token'='<eos>')||
	(SELECT value->>'token' FROM json_each(j, '\$.tokens') ORDER BY key DESC LIMIT 1)")" '3<eos>'
exits 0 generate words --text 'the cat' --length 1 --greedy
same 'a blank between words' "$(head -1 out | cut -c1-8)" 'the cat '
exits 0 generate words --text 'the cat ' --length 1 --greedy --json
same 'not two' "$(of_json "(j->>'text') GLOB 'the cat  *'")" 0
exits 0 generate chars --text 'a dog
' --length 3 --json
same 'a line end of the prompt' "$(of_json "(j->>'text') GLOB 'a dog'||char(10)||'*'")" 1
exits 0 generate chars --count 2 --lines 1 --length 500
same 'a blank line between texts' "$(sed -n 2p out)" ''
exits 0 generate chars --length 20 --text '' --greedy
cp out long
exits 0 generate chars --length 20 --greedy
cmp -s out long || complain 'an empty prompt is not the beginning of a line'
it words_and_lines

exits 0 generate poem --text '床' --length 12 --greedy
quiet
prints '^床'
exits 0 generate poem --text '床' --length 12 --json
same 'characters' "$(of_json "length(j->>'text')")" 13
exits 0 generate keras --text 'the cat' --length 8 --greedy
quiet
prints '^the cat'
exits 0 generate keras --lines 2 --length 5000
same 'lines of keras' "$(grep -c '' out)" 2
exits 0 generate keras --text 'the zebra and the yak' --length 2
says "^sluice: 3 of the text's 5 tokens are not in the vocabulary"
exits 0 generate words --text 'the zebra' --length 2
says "^sluice: 1 of the text's 2 tokens is not in the vocabulary"
exits 0 generate words --text 'the zebra' --length 2 -q
quiet
# of 2,000 words by one that hardly knows any, <unk> is one if it may be
exits 0 generate words --length 2000 --temperature 100 --json
same 'no unknown word' "$(of_json "(SELECT count(*) FROM json_each(j, '\$.tokens') WHERE value->>'token' IN ('<unk>', '<pad>'))")" 0
exits 0 generate words --length 2000 --temperature 100 --unknown --json
same 'unknown words' "$(of_json "(SELECT count(*)>0 FROM json_each(j, '\$.tokens') WHERE value->>'token'='<unk>')")" 1
same 'but never padding' "$(of_json "(SELECT count(*) FROM json_each(j, '\$.tokens') WHERE value->>'token'='<pad>')")" 0
it other_scripts_and_unknown_words

# refuses PATTERN ARGUMENTS: usage, in one line, and nothing on standard output.
refuses() {
	pattern=$1
	shift
	exits 2 "$@"
	says "$pattern"
	[ ! -s out ] || complain "something on standard output: $(head -1 out)"
}
refuses "top-p is a number above 0 and at most 1, not '0'" generate chars --top-p 0
refuses "top-p is a number above 0 and at most 1, not '1.5'" generate chars --top-p 1.5
refuses "top-p is a number above 0 and at most 1, not '-1'" generate chars --top-p -1
refuses "temperature is a number from 0 to 100, not '-0.1'" generate chars --temperature -0.1
refuses "temperature is a number from 0 to 100, not 'nan'" generate chars --temperature nan
refuses "temperature is a number from 0 to 100, not 'warm'" generate chars --temperature warm
refuses 'top-k is a whole number from 1 to' generate chars --top-k 0
refuses 'length is a whole number from 1 to' generate chars --length -5
refuses 'lines is a whole number from 1 to' generate chars --lines 0
refuses 'count is a whole number from 1 to' generate chars --count 0
refuses 'seed is a whole number from 1 to' generate chars --seed x
refuses 'greedy and --temperature go against each other' generate chars --greedy --temperature 0.5
for option in --top-k --seed --count; do
	refuses "^sluice: $option is for drawing" generate chars --greedy $option 3
	refuses "^sluice: $option is for drawing" generate chars --temperature 0 $option 3
done
refuses '^sluice: --top-p is for drawing' generate chars --greedy --top-p 0.5
refuses "task is classify: it has labels for texts, but writes none" generate six
refuses 'task is classify' generate six --csv
refuses 'give the text to be written again' generate again
refuses 'leave --lines out' generate again --text 'a cat' --lines 2
exits 3 generate nobody
if [ -e /dev/full ]; then
	"$sluice" generate chars --length 5 >/dev/full 2>err
	same 'a full disk' $? 1
	says 'cannot write the answer'
fi
"$sluice" generate chars --length 1000000 2>err | head -c 2000 >out
[ ! -s err ] || complain "a reader that leaves: $(head -1 err)"
same 'what was read' "$(wc -c <out | tr -d ' ')" 2000
it what_does_not_go_together_is_refused

exits 0 generate again --text 'the dog sat'
quiet
same 'written again' "$(cat out)" 'the dog sat'
exits 0 generate again --text 'a dog ran' --json
same 'text, prompt, how' "$(of_json "(j->>'text')||'|'||(j->>'prompt')||'|'||(j->>'temperature')")" 'a dog ran|a dog ran|0'
same 'up to the end mark' "$(of_json "j->>'\$.tokens[3].token'")" '<eos>'
exits 0 generate again --text 'a dog ran' --temperature 1 --seed 4 --length 1 --json
same 'one token drawn' "$(of_json "json_array_length(j, '\$.tokens')||(j->>'temperature')")" 11
it a_text_is_written_again_from_its_vector

# A FIFO tells when the text has begun: then the signals come, of which a job of the shell ignores the first.
mkfifo pipe
"$sluice" generate chars --length 1000000 >pipe 2>err </dev/null &
writer=$!
exec 3<pipe
head -c 100 <&3 >out
kill -INT $writer 2>/dev/null
kill -TERM $writer
cat <&3 >/dev/null
exec 3<&-
wait $writer
same 'ended by the signal' $? 143
quiet
it a_signal_ends_the_text

for run in chars words again six keras; do
	exits 0 encode $run --data lines.txt --csv
	cp out rows
	same "a row a text of $run" "$(grep -c '' out)" 6
	D=$(db "SELECT CASE name WHEN 'six' THEN 4 ELSE 16 END FROM run WHERE name='$run'")
	same "columns of $run" "$(head -1 out | tr ',' '\n' | grep -c '')" $((D + 1))
	same "header of $run" "$(head -1 out | cut -d, -f1-4)" text,v0,v1,v2
	exits 0 encode $run --text 'the dog sat' --csv
	same "alone as among others, of $run" "$({ sed -n 4p rows; sed -n 2p out; } | awk -F, -v D=$D '
		NR==1 { for (k = 2; k <= D + 1; k++) v[k] = $k; n = NF }
		NR==2 { for (k = 2; k <= D + 1; k++) { d = $k - v[k]; if (d < 0) d = -d; if (d > 1e-6) bad++ }
			if (n != D + 1 || NF != n) bad++ }
		END { print bad + 0 }')" 0
	exits 0 encode $run --text 'the dog sat' --csv
	cp out long
	exits 0 encode $run --text 'the dog sat' --csv
	cmp -s out long || complain "$run: not the same again"
done
exits 0 encode words --text 'a cat' --json
keys_are '$[0]' text,tokens,vector
same 'what it read' "$(of_json "j->>'\$[0].tokens'")" '["<eos>","a","cat"]'
same 'numbers' "$(of_json "json_array_length(j, '\$[0].vector')")" 16
printf 'a\n\nthe cat\n' | "$sluice" encode six --data - --output ndjson >out 2>err
quiet
same 'an empty line is a text' "$(grep -c '^{"text":.*}$' out)" 3
exits 0 encode six --data six.tsv --data-format auto --csv
same 'labels are no text' "$(sed -n 2p out | cut -d, -f1)" 'good day'
exits 0 encode six --text good --output table
same 'a table to read' "$(head -1 out | tr -s ' ')" 'text tokens norm v0 v1 v2 v3'
it vectors_of_texts

exits 0 encode again --data lines.txt --to v.safetensors
quiet
same 'one line' "$(cat out)" "v.safetensors: 5 vectors of 16 numbers from $(db "SELECT id FROM run WHERE name='again'") (again)"
size=$(od -An -tu8 -N8 v.safetensors | tr -d ' ')
tail -c +9 v.safetensors | head -c "$size" >out
keys_are '$' '__metadata__,vectors'
same 'the tensor' "$(of_json "j->>'vectors'")" '{"dtype":"F32","shape":[5,16],"data_offsets":[0,320]}'
same 'metadata' "$(of_json "(SELECT group_concat(key) FROM json_each(j, '\$.__metadata__'))||(j->>'\$.__metadata__.name')")" 'program,run,nameagain'
same 'size' "$(wc -c <v.safetensors | tr -d ' ')" $((8 + size + 320))
third=$(tail -c +$((9 + size + 2 * 64)) v.safetensors | od -An -tf4 -N4 | tr -d ' ')
exits 0 encode again --text 'the dog sat' --json
same 'the third row' "$(of_json "abs((j->>'\$[0].vector[0]')-($third))<1e-6")" 1
cp v.safetensors before
refuses 'v.safetensors is there already. Overwrite it? Add --yes' encode again --data six.tsv --to v.safetensors
cmp -s v.safetensors before || complain 'it was overwritten all the same'
exits 0 encode again --data six.tsv --to v.safetensors --yes
prints '6 vectors'
refuses 'encode needs --data FILE or --text TEXT' encode again
refuses 'not both' encode again --data six.tsv --text x
refuses 'no-header needs --data FILE' encode again --text x --no-header
refuses 'leave --json out' encode again --text x --to y --json
[ ! -e y ] || complain 'a refused command wrote a file'
refuses 'no data format' encode again --data six.tsv --data-format speech
exits 8 encode again --data none.txt
says 'none.txt: cannot be read'
exits 1 encode again --text x --to none/v.safetensors
says 'cannot write none/v.safetensors'
it vectors_in_a_file

for run in again words chars keras; do
	exits 0 near $run --text 'the dog sat' --data lines.txt --json
	keys_are '$[0]' rank,cosine,text
	same "itself first, of $run" "$(of_json "(j->>'\$[0].rank')||(j->>'\$[0].cosine')||(j->>'\$[0].text')")" '11the dog sat'
	same "in order, of $run" "$(of_json "(SELECT min(x) FROM (SELECT (value->>'cosine')<=lag(value->>'cosine', 1, 2)
		OVER (ORDER BY key) AS x FROM json_each(j)))")" 1
	same "all of them, of $run" "$(of_json 'json_array_length(j)')" 5
done
exits 0 near again --text 'a cat' --count 2
first_line 'rank\tcosine\ttext'
same 'the file of its training' "$(sed -n 2p out)" "$(printf '1\t1\ta cat')"
same 'count' "$(grep -c '' out)" 3
exits 0 near six --text 'nice' --count 3
first_line 'rank\tcosine\ttext\tlabel'
same 'its label' "$(sed -n 2p out)" "$(printf '1\t1\tnice\tpos')"
printf 'a cat\nthe cat sat\na cat\nwho ran\na cat\n' >twice.txt
exits 0 near again --text 'a cat' --data twice.txt --csv
same 'equal texts as they stand' "$(sed -n 2,4p out | tr '\n' ' ')" '1,1,a cat 2,1,a cat 3,1,a cat '
printf 'x,,1\nx,good day,2\nx,,3\nx,bad,4\n' >void.csv
exits 0 near six --text 'good day' --data void.csv --data-format csv --text-column 2 --label-column 3 --no-header --json
same 'no text is no neighbour' "$(of_json "(SELECT group_concat(coalesce(value->>'cosine', 'null')||(value->>'label')) FROM json_each(j) WHERE key<>1)")" '12,null1,null3'
refuses 'no token in the text' near six --text ''
refuses 'near needs --text TEXT' near six
refuses 'text-column needs --data FILE' near six --text x --text-column 2
refuses 'count is a whole number' near six --text x --count 0
it the_nearest_texts

echo more >>lines.txt
exits 8 near again --text 'a cat'
says '^sluice: lines.txt has changed since the run was trained on it: give --data FILE'
rm lines.txt
exits 8 near again --text 'a cat'
says '^sluice: lines.txt, which the run was trained on, is not there: give --data FILE'
"$sluice" train $tiny -q --data - --name piped <six.tsv >out 2>err
exits 8 near piped --text good
says '^sluice: piped was trained on standard input, which is not kept: give --data FILE'
exits 0 near piped --text good --data six.tsv --count 1
it where_the_texts_of_training_are

for command in generate encode near; do
	exits 0 help $command
	grep -q "^sluice $command RUN" out || complain "help $command: $(head -1 out)"
	grep -q -e '--text TEXT' out || complain "help $command without --text"
done
it help_of_writing
finish
