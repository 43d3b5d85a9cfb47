#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# What comes in: words of the command line, data files, settings files, lines to classify.
# shellcheck disable=SC2086
. "$(dirname "$0")/cli.sh"

# refuses STATUS PATTERN ARGUMENTS: one line that matches, nothing on standard output.
refuses() {
	status_wanted=$1 pattern=$2
	shift 2
	exits "$status_wanted" "$@"
	says "$pattern"
	[ ! -s out ] || complain "something on standard output: $(head -1 out)"
}

refuses 2 "no command 'trian'; did you mean train?" trian
refuses 2 "no command 'nonsense'; 'sluice help' lists them" nonsense
refuses 2 "train has no option --dat; did you mean --data?" train --dat x
refuses 2 "runs has no option --colour" runs --colour
refuses 2 '--data needs FILE' train --data
refuses 2 '--text needs TEXT' trace last --text
refuses 2 "--quite stands before the command; write 'sluice runs' first" --quite runs
refuses 2 "--store stands before the command; write 'sluice runs' first" --store x.db runs
refuses 2 "predict has no option --text; see 'sluice help predict'" predict last --text
refuses 2 "attribute has no option --layer; see" attribute last --layer
refuses 2 '--json takes no value' runs --json=yes
refuses 2 "table, csv, tsv, json, ndjson or svg, not 'xml'" runs --output xml
refuses 2 "'more' is one argument too many" runs more
refuses 2 'show needs more: show RUN' show
refuses 2 "--limit is a whole number from 1 to [0-9]*, not '3x'" runs --limit 3x
refuses 2 'eval needs --data FILE' eval last
refuses 2 'no training data: give --data FILE' train
exits 2
same 'help' "$(grep -c '^Commands:$' err)" 1
it unknown_words_name_the_nearest

long=$(head -c 100000 /dev/zero | tr '\0' x)
cut=$(printf '%.60s' "$long")…
refuses 2 "no command '$cut'; 'sluice help'" "$long"
refuses 2 "runs has no option --x*…; see" runs "--$long"
refuses 2 "hidden takes a whole number, not '$cut'" train --set "hidden=$long"
refuses 2 "there is no setting '$cut'; 'sluice" train --set "$long=1"
refuses 2 "hidden is from 1 to 8192, not 9*…; the nearest" train --set "hidden=$(echo "$long" | head -c 300 | tr x 9)"
refuses 2 'number, not .猫*…' train --set "hidden=$(printf '猫%.0s' $(seq 100))"
it long_words_are_told_by_their_beginning

refuses 2 "no setting 'hiden'; did you mean hidden?" train --set hiden=3
refuses 2 "cell has no value 'artcle'; did you mean article? (standard, article" train --set cell=artcle
refuses 2 "data_format has no value 'jsonn'; did you mean jsonl?" train --data-format jsonn
refuses 2 'hidden is from 1 to 8192, not 0; the nearest is 1' train --set hidden=0
refuses 2 'hidden is from 1 to 8192, not 99999999999; the nearest is 8192' train --set hidden=99999999999
refuses 2 'max_target_len is from 0 to 2147483647, not -1; the nearest is 0' train --set max_target_len=-1
refuses 2 'warmup is from 0 to 1000000000000, not -1' train --set warmup=-1
refuses 2 "hidden takes a whole number, not '3x'" train --set hidden=3x
refuses 2 "hidden takes a whole number, not '2.5'" train --set hidden=2.5
refuses 2 "lr takes a number, not 'nan'" train --set lr=nan
refuses 2 'lr is from .* the nearest is' train --set lr=inf
refuses 2 "lower is true or false, not 'maybe'" train --set lower=maybe
refuses 2 "'hidden' is not name=value" train --set hidden
refuses 2 'patience needs validation' train --set patience=3 --set valid_split=0 --data six.tsv
refuses 2 'lazy needs an embedding' train --set embedding_updates=lazy --set embed=0 --data six.tsv
refuses 2 'schedule=plateau needs validation' train --set schedule=plateau --set valid_split=0 --data six.tsv
refuses 2 'schedule=triangle rises by itself' train --set schedule=triangle --set warmup=3 --data six.tsv
refuses 2 'cannot both be standard input' train --data - --valid -
[ ! -e "$SLUICE_STORE" ] || complain 'a refused command made a store'
it settings_out_of_range_name_the_nearest

refuses 2 'sgd has no use for beta1; leave it out, or unset it with beta1=' train --data six.tsv \
	--set optimizer=sgd --set beta1=0.5
refuses 2 'adam has no use for weight_decay' train --data six.tsv --set weight_decay=0.1
refuses 2 'beta2 is from 0 to 0.999999, not 1' train --data six.tsv --set beta2=1
it numbers_of_another_optimizer_are_refused

# bad_file PATTERN MAKES...: training on the file `bad` is refused with 8 and one line that matches.
bad_file() { refuses 8 "^sluice: $1" train $tiny --data "${2:-bad}"; }
: >bad
bad_file 'bad: is empty'
bad_file '/dev/null: is empty' /dev/null
bad_file 'standard input: is empty' -
bad_file '.: is a directory' .
bad_file 'none: cannot be read: no such file' none
printf '\n \n\n' >bad
bad_file 'bad: .*only blank lines'
printf 'pos\ta b\npos\tc\npos\td\n' >bad
bad_file "bad: every row has the label 'pos'"
printf 'just text\nother text\nmore\n' >bad
bad_file 'bad: no column of labels found (set label_column, or data_format)'
printf 'pos\ta b\nneg\tc\npos\td\n' | iconv -f UTF-8 -t UTF-16 >bad
bad_file 'bad: is UTF-16; convert it first'
printf 'pos\ta b\nneg\tc\npos\td\n' | iconv -f UTF-8 -t UTF-16LE >bad
bad_file 'bad: is UTF-16; convert it first'
head -c 50000 "$sluice" >bad
bad_file 'bad: is not text but binary data'
printf 'text,label\na,pos\n"b,neg\n' >bad
bad_file 'bad:3: the quote opened in this row is never closed'
printf 'text,label\n' >bad
bad_file 'bad: has a line of names and no rows'
printf '{"text":"a","label":"pos"}\n{"text":"b"\n' >bad
bad_file 'bad:2: broken JSON'
printf 'pos\ta b\nneg c\npos\td\n' >bad
refuses 8 'bad:2: no tab between label and text' train $tiny --data bad --data-format label-tab-text
refuses 8 "six.tsv: no column 'topic'" train $tiny --data six.tsv --label-column topic
printf 'pos\ta b\nneg\tc d\nother\te f\npos\tg\n' >bad
refuses 8 "^sluice: bad:3: the label 'other' is none of the 2 classes" train $tiny --data six.tsv --valid bad
refuses 8 '^sluice: none: cannot be read' train $tiny --data six.tsv --valid none
[ ! -e "$SLUICE_STORE" ] || complain 'a refused file made a store'
it bad_data_files_exit_8_with_one_line

printf 'a b\nc\nd\n' >one
printf 'A\nB\n' >two
refuses 8 'one has 3 lines and two has 2' train $tiny --set task=translate --data one --data-target two
refuses 8 'one: its lines are no pairs' train $tiny --set task=summarize --data one
refuses 8 "six.tsv: no column '3'" train $tiny --set task=translate --data six.tsv --target-column 3
refuses 8 'none: cannot be read' train $tiny --set task=translate --data one --data-target none
refuses 2 'data and data_target cannot both' train $tiny --set task=translate --data - --data-target -
refuses 2 'valid_target needs valid' train $tiny --set task=translate --data one --data-target two --valid-target two
refuses 2 'task=classify has no use for data_target' train $tiny --data six.tsv --data-target two
refuses 2 'set text_column' train $tiny --data six.tsv --source-column 2
refuses 2 'set target_column' train $tiny --set task=translate --data six.tsv --label-column 1
refuses 2 'task=classify has no use for window, which is for a stream of tokens (generate)' train $tiny --data six.tsv --set window=5
refuses 2 'has no use for max_target_len' train $tiny --data six.tsv --set max_target_len=3
refuses 8 'is none of the [0-9]* classes; most labels differ, as in pairs of texts: set task=translate' \
	train $tiny --data "$root/samples/pairs.tsv"
it pairs_are_refused_with_one_line

trained() { exits 0 train $tiny -q --data "$1" --name "$2" --json && quiet; }
trained six.tsv plain
sed 's/$/\r/' six.tsv >crlf.tsv
trained crlf.tsv crlf
printf '\357\273\277' | cat - six.tsv >bom.tsv
trained bom.tsv bom
same 'same loss with CRLF and BOM' "$(db "SELECT count(DISTINCT best_loss) FROM run")" 1
same 'same vocabulary' "$(db "SELECT count(DISTINCT vocab_id) FROM run_vocab WHERE role='source'")" 1
{
	printf 'pos\t'
	head -c 1000000 /dev/zero | tr '\0' x
	printf '\n'
	cat six.tsv
} >long.tsv
trained long.tsv long
printf 'pos\ta\0b\n' | cat - six.tsv >zero.tsv
trained zero.tsv zero
it odd_files_train_like_plain_ones

# Several reads of it, and so many more through a pipe.
{
	yes 'the cat sat on the mat .' | head -30000
	printf 'the end'
} >large.txt
wrote() { sed 's/.*"epoch"/epoch/; s/,"sharing.*//' out; }
exits 0 cost --untimed --json --set task=generate --data large.txt
same 'tokens' "$(wrote)" 'epoch:{"texts":0,"tokens":216000,"valid_tokens":23994}'
file=$(wrote)
cat large.txt | "$sluice" cost --untimed --json --set task=generate --data - >out 2>err
status=$? want=0
judge cost
same 'through a pipe' "$(wrote)" "$file"
it large_texts_are_read_a_part_at_a_time

printf 'pos\ta \377b\nneg\tb\npos\tc \303d \376\nneg\te\n' >bytes.tsv
exits 0 train $tiny --data bytes.tsv --name bytes
same 'told with file and line' "$(head -2 err)" 'bytes.tsv:1: 1 byte is not UTF-8, replaced by U+FFFD
bytes.tsv:3: 2 bytes are not UTF-8, replaced by U+FFFD'
exits 0 eval bytes --data bytes.tsv
same 'told by eval too' "$(grep -c '^bytes.tsv:[13]: ' err)" 2
it bytes_out_of_utf8_are_told_with_their_line

# bad_settings TEXT PATTERN
bad_settings() {
	printf "$1" >bad.ini
	refuses 8 "^sluice: $2" train -c bad.ini
}
bad_settings 'data = six.tsv\nhiden = 3\n' "bad.ini:2: there is no setting 'hiden'; did you mean hidden?"
bad_settings '; c\n\nhidden = many\n' "bad.ini:3: hidden takes a whole number, not 'many'"
bad_settings 'hidden = 0\n' 'bad.ini:1: hidden is from 1 to 8192'
bad_settings 'hidden =\n' 'bad.ini:1: hidden takes a whole number'
bad_settings 'data = six.tsv\n[model]\nhidden = 3\n' 'bad.ini:2: settings files have no sections'
bad_settings 'data = six.tsv\n[model]\n' 'bad.ini:2: settings files have no sections'
bad_settings 'hidden = 3\nembed = 2\nhidden = 3\n' 'bad.ini:3: hidden is set already on line 1'
bad_settings 'data = six.tsv\nhidden 3\n' 'bad.ini:2: not of the form name = value'
bad_settings "embed = 2\nhidden = $(printf '%300s' 3)\n" 'bad.ini:2: the line is longer than'
bad_settings 'embed = 2\nhid\0den = 3\nbatch = 2\n' 'bad.ini:2: has a zero byte'
bad_settings 'data = none\n' 'none: cannot be read'
refuses 8 'cannot read the settings file none.ini: No such file' train -c none.ini
refuses 8 'cannot read the settings file .: Is a directory' train -c .
printf '\357\273\277data = six.tsv\r\n   epochs = 1\r\n\thidden=3 ; behind\r\n' >good.ini
exits 0 train -q -c good.ini --name good
same 'BOM, CRLF and indentation' "$(db "SELECT hidden FROM run WHERE name='good'")" 3
it settings_files_name_file_and_line

printf 'good day\n\ncrlf\r\nbad \377byte\na\tb\n' >lines
{ tr '\n' ' ' <lines; tr '\0' x <lines; head -c 300000 /dev/zero | tr '\0' y; } >>lines.long
mv lines.long tail.txt
printf 'no end' >>tail.txt
cat lines tail.txt >all.txt
exits 0 predict plain --data all.txt
says '^all.txt:4: 1 byte is not UTF-8 text'
exits 0 predict plain --data all.txt -q
quiet
same 'a line in, a line out' "$(grep -c '' out)" "$(grep -c '' all.txt)"
same 'form' "$(grep -cv '^[a-z]*	0\.[0-9]*$' out)" 0
exits 0 predict plain --data lines --json
same 'texts' "$(sed 's/^{"text":\(".*"\),"label":"[a-z]*","probabilities":{"neg":[0-9.]*,"pos":[0-9.]*}}$/\1/' out)" '"good day"
""
"crlf"
"bad �byte"
"a\tb"'
exits 0 predict plain --data /dev/null
same 'nothing of nothing' "$(cat out)" ''
refuses 8 'cannot read .: Is a directory' predict plain --data .
refuses 8 'cannot read none: No such file' predict plain --data none
it predict_answers_every_line

printf 'good day\nbad day\n' >clean.txt
printf '\357\273\277' | cat - clean.txt >bom.txt
exits 0 predict plain --data clean.txt --json
mv out want
exits 0 predict plain --data bom.txt --json
quiet
same 'answers with a BOM' "$(cat out)" "$(cat want)"
"$sluice" predict plain --json <bom.txt >out 2>err
same 'from standard input' "$(cat out)" "$(cat want)"
cat bom.txt | "$sluice" predict plain --json >out 2>err
same 'from a pipe' "$(cat out)" "$(cat want)"
it a_byte_order_mark_is_no_text

head -c 50000 "$sluice" >bad
refuses 8 'bad: is not text but binary data' predict plain --data bad
"$sluice" predict plain <bad >out 2>err
same 'standard input that is a file' "$?" 8
says 'standard input: is not text but binary data'
iconv -f UTF-8 -t UTF-16 clean.txt >bad
refuses 8 'bad: is UTF-16; convert it first' predict plain --data bad
printf 'good\na\0b\nc\0d\n' | "$sluice" predict plain >out 2>err
says '^standard input:2: 1 byte is not UTF-8 text'
same 'still a line in, a line out' "$(grep -c '' out)" 3
it predict_refuses_what_train_refuses

mkfifo to from
"$sluice" predict plain <to >from 2>err &
exec 3>to 4<from
for text in 'good day' '' 'bad day'; do
	echo "$text" >&3
	read -r answer <&4 || answer=none
	case $answer in pos*0.* | neg*0.*) ;; *) complain "'$text' gave '$answer'" ;; esac
done
exec 3>&-
wait $! || complain 'predict failed'
exec 4<&-
it predict_answers_before_the_next_line

# Into a reader that goes after one line: no word, no failure.
into_head() {
	{
		"$sluice" "$@" 2>err
		echo $? >code
	} | head -1 >out
	same "status of $1 into head" "$(cat code)" 0
	quiet
	same 'one line' "$(grep -c '' out)" 1
}
long_text=$(head -c 20000 /dev/zero | tr '\0' w | sed 's/www/www /g')
yes 'good day' | head -50000 >many.txt
into_head trace plain --text "$long_text" --csv
into_head trace plain --text "$long_text" --json
into_head predict plain --data many.txt
into_head predict plain --data many.txt --json
into_head query 'WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM r LIMIT 200000) SELECT n FROM r'
into_head help
it a_closed_pipe_ends_quietly

if [ -w /dev/full ]; then
	for command in 'help' 'runs' 'predict plain --data many.txt' 'trace plain --text a --json' 'note plain x'; do
		"$sluice" $command >/dev/full 2>err
		same "status of $command" "$?" 1
		says 'cannot write the answer: No space left'
	done
	it a_full_disk_is_a_failure
else
	it 'a_full_disk_is_a_failure # SKIP no /dev/full'
fi
finish
