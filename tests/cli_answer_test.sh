#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Answers of the commands that look at runs: their columns, keys and formats.
# shellcheck disable=SC2086
. "$(dirname "$0")/cli.sh"

exits 0 train $tiny -q --data six.tsv --name first --tag x --note 'of six'
exits 0 train $tiny -q --data six.tsv --name second --set cell=article --set hidden=3
id=$(db "SELECT id FROM run WHERE name='second'")

# formats_of HEADER ROWS ARGUMENTS: the same answer in every format; the columns parted by blanks.
formats_of() {
	header=$1 rows=$2
	shift 2
	exits 0 "$@"
	quiet
	same "tsv header of $1" "$(head -1 out)" "$(echo "$header" | tr ' ' '\t')"
	same "rows of $1" "$(grep -c '' out)" $((rows + 1))
	exits 0 "$@" --output csv
	same "csv header of $1" "$(head -1 out)" "$(echo "$header" | tr ' ' ,)"
	cp out long
	exits 0 "$@" --csv
	cmp -s out long || complain "$1: --csv is not --output csv"
	exits 0 "$@" --output table
	same "table header of $1" "$(head -1 out | tr -s ' ' | sed 's/ $//')" "$header"
	exits 0 "$@" --output ndjson
	same "ndjson lines of $1" "$(grep -c '^{.*}$' out)" "$rows"
	exits 0 "$@" --output json
	cp out long
	exits 0 "$@" --json
	cmp -s out long || complain "$1: --json is not --output json"
	same "rows of json of $1" "$(of_json "json_array_length(j)")" "$rows"
	keys_are '$[0]' "$(echo "$header" | tr ' ' ,)"
}

runs='run name task cell hidden status epochs steps train_loss valid_loss valid_accuracy best_epoch seconds created tags note valid_perplexity parent parent_step'
formats_of "$runs" 2 runs
same 'the latest first' "$(of_json "j->>'\$[0].name'")" second
same 'tags and note' "$(of_json "(j->>'\$[1].tags')||','||(j->>'\$[1].note')")" 'x,of six'
exits 0 runs --limit 1 --order name --ascending --csv
same 'ordered' "$(sed -n 2p out | cut -d, -f2)" first
exits 0 runs --filter article --csv
same 'filtered' "$(sed -n '2,$p' out | cut -d, -f2)" second
exits 2 runs --order colour
says 'no such column to order by'
it runs_in_every_format

exits 0 show second --csv
same 'columns' "$(head -1 out)" 'field,value'
for field in "run,$id" 'name,second' 'status,finished' 'setting cell,article' 'setting hidden,3' \
	'setting data,six.tsv' 'checkpoint @2'; do
	grep -q "^$field" out || complain "no $field"
done
formats_of 'field value' "$(($(grep -c '' out) - 1))" show second
it show_has_every_setting

formats_of 'run name name_2' 2 query 'SELECT run, name, name FROM runs'
echo 'SELECT count(*) AS n FROM runs -- all' >q.sql
exits 0 query -f q.sql
same 'from a file' "$(cat out)" 'n
2'
"$sluice" query -f - <q.sql >out 2>err
same 'from standard input' "$(cat out)" 'n
2'
exits 0 query "SELECT NULL AS a, 'x,\"y' AS b, 0.1 AS c, 1e999 AS d, x'00ff' AS e" --csv
same 'csv cells' "$(sed -n 2p out | cut -d, -f1-4)" ',"x,""y",0.1'
exits 0 query "SELECT NULL AS a, 'x' || char(9,10) || 'y' AS b, 0.1 AS c, x'00ff' AS e" --json
same 'json cells' "$(of_json "hex(j->>'\$[0].b')||quote(j->>'\$[0].a')||(j->>'\$[0].c')||(j->>'\$[0].e')")" '78090A79NULL0.100ff'
exits 0 query "SELECT 1 AS a WHERE 0" --json
same 'no rows' "$(tr -d '\n' <out)" '[]'
exits 0 query 'SELECT value FROM metrics' --limit 3
same 'cut' "$(grep -c '' out)" 4
says 'cut after 3 rows'
exits 2 query 'DELETE FROM run'
says 'queries only read'
exits 2 query 'SELECT colour FROM runs'
says 'no such column: colour'
exits 2 query 'SELECT 1; SELECT 2'
says 'one statement at a time'
exits 2 query
says 'query takes SQL, or -f FILE, or --list'
exits 2 query 'SELECT 1' --timeout soon
says 'a number of seconds'
exits 8 query -f none.sql
says 'cannot read none.sql'
exits 6 query --timeout 0.1 'WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM r) SELECT count(*) FROM r'
says 'ran longer than 100 ms'
[ ! -s out ] || complain 'an answer all the same'
it query_answers_or_says_why_not

exits 0 query --list --csv
same 'columns' "$(head -1 out)" kind,name,about,sql
same 'views' "$(sed -n 's/^view,\([a-z_]*\),.*/\1/p' out | tr '\n' ' ')" \
	'runs runs_overview params metrics metrics_last best_runs checkpoints vocabulary tensors events unit_notes '
exits 0 query --list --json
same 'questions' "$(of_json "(SELECT count(*) FROM json_each(j) WHERE value->>'kind'='question')")" 12
for k in 1 2 3 4 5 6 7 8 9 10 11 12; do
	exits 0 query --list --json
	sql=$(of_json "(SELECT value->>'sql' FROM json_each(j) WHERE value->>'kind'='question' AND value->>'name'='$k')")
	exits 0 query "$sql"
done
it query_list_has_views_and_questions_that_run

exits 0 eval second --data six.tsv --json
keys_are '$' 'run,examples,loss,accuracy,macro_f1,confusion,classes'
same 'run, examples, classes' "$(of_json "(j->>'run')||(j->>'examples')||(j->>'classes')")" "${id}6[\"neg\",\"pos\"]"
same 'the confusion adds up' "$(of_json "(SELECT sum(value) FROM json_tree(j, '\$.confusion') WHERE type='integer')")" 6
exits 0 eval second --data six.tsv
first_line 'run\texamples\tloss\taccuracy\tmacro_f1\tclass\tas_neg\tas_pos'
same 'a row a class' "$(cut -f6 out | tr '\n' ' ')" 'class neg pos '
"$sluice" eval second --data - --json <six.tsv >long 2>err
exits 0 eval second --data six.tsv --json
cmp -s out long || complain 'standard input gave another answer'
printf 'pos\tgood\nother\tbad\npos\tday\n' >other.tsv
exits 8 eval second --data other.tsv
says "^sluice: other.tsv:2: the label 'other' is none of the 2 classes"
exits 2 eval second --data six.tsv --data-format speech
says 'no data format'
it eval_measures

exits 0 trace second --text 'good unheard day' --csv
same 'header' "$(head -1 out)" layer,direction,t,token,unit,i,f,g,o,c,h
same 'a row a step and unit' "$(grep -c '' out)" 10
same 'the last row' "$(tail -1 out | cut -d, -f1-5)" 0,fw,3,day,2
same 'eleven columns' "$(awk -F, 'NF!=11' out)" ''
exits 0 trace second --text 'good unheard day'
first_line 'layer\tdirection\tt\ttoken\tunit\ti\tf\tg\to\tc\th'
exits 0 trace second --text 'good unheard day' --json
keys_are '$' 'run,name,cell,text,tokens,ids,unknown,dropped,layers,probabilities,classes'
keys_are '$.layers[0]' 'layer,direction,i,f,g,o,c,h'
same 'what it ran over' "$(of_json "(j->>'cell')||(j->>'tokens')||(j->>'unknown')||(j->>'dropped')")" \
	'article["good","unheard","day"][1][]'
for k in i f g o c h; do
	same "size of $k" "$(of_json "json_array_length(j, '\$.layers[0].$k')||json_array_length(j, '\$.layers[0].$k[2]')")" 33
done
same 'probabilities add up' "$(of_json "(SELECT max(abs(1-(value->>0)-(value->>1)))<1e-6 FROM json_each(j, '\$.probabilities'))")" 1
same 'how many' "$(of_json "json_array_length(j, '\$.probabilities')")" 3
prob=$(of_json "json_extract(j, '\$.probabilities[2][1]')")
echo 'good unheard day' | "$sluice" predict second --json >out
same 'predict agrees with the trace' "$(of_json "abs((j->>'\$.probabilities.pos')-$prob)<1e-6")" 1
exits 0 trace second --text '' --json
same 'an empty text' "$(of_json "json_array_length(j, '\$.layers[0].h')")" "$(of_json "json_array_length(j, '\$.ids')")"
exits 0 trace second --text a --output table --unit 2
same 'one unit' "$(head -1 out | tr -s ' ')" 't token known i[2] f[2] g[2] o[2] c[2] h[2] p(neg) p(pos)'
exits 2 trace second --text a --output table --unit 3
says '\-\-unit is from 0 to 2'
exits 2 trace second
says 'trace needs --text'
it trace_has_every_gate

exits 0 help
quiet
for command in train cost eval predict trace runs show query export rename note tag untag rm restore help; do
	grep -q "^  $command  *[A-Z]" out || complain "help without $command"
	"$sluice" help $command >text 2>err || complain "help $command failed"
	grep -q "^sluice $command " text || complain "help $command: $(head -1 text)"
	"$sluice" $command --help >more 2>err || complain "$command --help failed"
	cmp -s text more || complain "$command --help is not help $command"
done
exits 0 help exit
for code in 0 1 2 3 4 5 6 7 8 130; do
	grep -q "^  $code[ ,]" out || complain "no exit code $code"
done
exits 0 help settings
for name in $(db 'SELECT DISTINCT name FROM param'); do
	grep -q "^  $name " out || complain "help settings without $name"
done
exits 2 help trian
says 'did you mean train?'
exits 0 --version
prints '^sluice [0-9.]*$'
it help_names_everything
finish
