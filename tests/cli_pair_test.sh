#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Pairs of texts: what trace tells of encoder, decoder and what lies between them.
# shellcheck disable=SC2086
. "$(dirname "$0")/cli.sh"

small="--set hidden=8 --set embed=6 --set threads=1 --set batch=4 --set lr=0.02 --set valid_split=0 -q"
awk 'BEGIN {
	split("one two three four", en, " "); split("eins zwei drei vier", de, " ");
	for (k = 0; k < 24; k++) {
		a = 1 + k % 4; b = 1 + int(k / 4) % 4;
		print en[a], en[b], "!\t" de[b], de[a];
	}
}' >pairs.tsv
awk -F '\t' 'BEGIN { split("我 你 他 她", zh, " "); split("eins zwei drei vier", de, " ");
	for (k = 1; k <= 4; k++) is[de[k]] = zh[k]; }
	{ split($2, w, " "); print $1 "\t" is[w[1]] is[w[2]] "。" }' pairs.tsv >chinese.tsv

# learn NAME DATA SETTINGS
learn() {
	name=$1 data=$2
	shift 2
	exits 0 train --data "$data" --data-format parallel $small --set epochs=12 --name "$name" "$@"
}

# shapes TEXT T RUNS LAYERS: of the JSON in out. Every matrix has its rows, every row its numbers, and what
# a step of the decoder looks at adds up to 1.
shapes() {
	written=$(of_json "json_array_length(j, '\$.written')")
	keys_are '$' 'run,name,cell,text,tokens,ids,unknown,dropped,encoder,decoder,attention,written'
	keys_are '$.written[0]' 'token,probability,alternatives'
	same 'text' "$(of_json "j->>'text'")" "$1"
	same 'tokens and ids' "$(of_json "json_array_length(j, '\$.tokens')||' '||json_array_length(j, '\$.ids')")" "$2 $2"
	same 'runs' "$(of_json "json_array_length(j, '\$.encoder')||' '||json_array_length(j, '\$.decoder')")" "$3 $4"
	for part in "encoder $2" "decoder $written"; do
		same "rows of ${part% *}" "$(of_json "(SELECT group_concat(DISTINCT json_array_length(v.value)) FROM
			json_each(j, '\$.${part% *}') r, json_each(r.value) v WHERE v.type='array')")" "${part#* }"
		same "units of ${part% *}" "$(of_json "(SELECT group_concat(DISTINCT json_array_length(t.value)) FROM
			json_each(j, '\$.${part% *}') r, json_each(r.value) v, json_each(v.value) t
			WHERE v.type='array')")" "$([ "${part#* }" = 0 ] || echo 8)"
	done
}

# attends T: a row for each step, each of T shares that add up to 1.
attends() {
	same 'rows of attention' "$(of_json "json_array_length(j, '\$.attention')")" "$written"
	same 'shares' "$(of_json "(SELECT group_concat(DISTINCT json_array_length(value)) FROM json_each(j, '\$.attention'))")" "$1"
	same 'they add up to 1' "$(of_json "(SELECT count(*) FROM json_each(j, '\$.attention') r WHERE
		abs((SELECT total(value) FROM json_each(r.value)) - 1) > 1e-6)")" 0
	same 'they are shares' "$(of_json "(SELECT count(*) FROM json_each(j, '\$.attention') r, json_each(r.value) a
		WHERE a.value < 0 OR a.value > 1)")" 0
}

learn general pairs.tsv --set task=translate --set attention=general --set input_feeding=true --set bidirectional=true \
	--set layers=2
exits 0 trace general --text 'one two!' --json
quiet
shapes 'one two!' 3 4 2
attends 3
same 'directions' "$(of_json "(SELECT group_concat((value->>'layer')||(value->>'direction')) FROM
	json_each(j, '\$.encoder'))||' '||(SELECT group_concat((value->>'layer')||(value->>'direction')) FROM
	json_each(j, '\$.decoder'))")" '0fw,0bw,1fw,1bw 0fw,1fw'
same 'source words' "$(of_json "j->>'tokens'")" '["one","two","!"]'
same 'the end mark is the last' "$(of_json "j->>'\$.written[#-1].token'")" '<eos>'
same 'target words' "$(of_json "(SELECT count(*) FROM json_each(j, '\$.written') WHERE
	value->>'token' NOT IN ('eins', 'zwei', 'drei', 'vier', '<eos>'))")" 0
same 'five others' "$(of_json "(SELECT group_concat(DISTINCT json_array_length(value->'alternatives')) FROM
	json_each(j, '\$.written'))")" 5
same 'none twice' "$(of_json "(SELECT count(*) FROM json_each(j, '\$.written') w, json_each(w.value, '\$.alternatives') a
	WHERE a.value->>'token'=w.value->>'token')")" 0
same 'nine digits' "$(of_json "(SELECT max(length(ltrim(replace(a.atom, '.', ''), '0'))) <= 9 FROM json_each(j, '\$.attention') r,
	json_each(r.value) a WHERE a.atom NOT LIKE '%e%')")" 1
for kind in none dot concat bahdanau; do
	learn $kind pairs.tsv --set task=translate --set attention=$kind
	exits 0 trace $kind --text 'four three seven' --json
	shapes 'four three seven' 3 1 1
	same 'unknown' "$(of_json "j->>'unknown'")" '[2]'
	if [ $kind = none ]; then
		same 'nothing to look at' "$(of_json "j->'attention'")" '[]'
	else
		attends 3
	fi
done
learn padded pairs.tsv --set task=translate --set tokenizer=keras --set mask=false --set max_len=5
exits 0 trace padded --text 'one two' --json
shapes 'one two' 5 1 1
attends 5
same 'padding is looked at too' "$(of_json "j->>'\$.tokens[0]'")" '<pad>'
it trace_of_a_translation_tells_what_is_looked_at

learn chinese chinese.tsv --set task=translate --set attention=bahdanau --set bidirectional=true
exits 0 trace chinese --text 'one two!' --json
shapes 'one two!' 3 2 1
attends 3
same 'Chinese is written' "$(of_json "(SELECT count(*) FROM json_each(j, '\$.written') WHERE
	value->>'token' NOT IN ('我', '你', '他', '她', '。', '<eos>'))")" 0
learn summary pairs.tsv --set task=summarize --set attention=dot
exits 0 trace summary --text 'eins two!' --json
shapes 'eins two!' 3 1 1
attends 3
same 'one vocabulary' "$(of_json "j->>'unknown'")" '[]'
exits 0 trace summary --text '' --json
shapes '' 0 1 1
same 'no words, no shares' "$(of_json "(SELECT group_concat(DISTINCT value) FROM json_each(j, '\$.attention'))")" '[]'
it trace_of_any_pair

exits 0 trace general --text 'one two!' --json
written=$(of_json "json_array_length(j, '\$.written')")
most=$(of_json "(SELECT group_concat((SELECT j->>('\$.tokens['||a.key||']') FROM json_each(r.value) a
	ORDER BY a.value DESC LIMIT 1), ' ') FROM json_each(j, '\$.attention') r)")
words=$(of_json "(SELECT group_concat(value->>'token', ' ') FROM json_each(j, '\$.written'))")
exits 0 trace general --text 'one two!' --csv
quiet
first_line 'layer,direction,t,token,unit,i,f,g,o,c,h'
same 'directions' "$(sed 1d out | cut -d, -f1,2 | uniq | tr '\n' ' ')" '0,fw 0,bw 1,fw 1,bw 0,dec 1,dec '
same 'rows' "$(grep -c '' out)" $((1 + 8 * (4 * 3 + 2 * written)))
same 'the decoder reads its mark first' "$(grep '^0,dec,1,' out | cut -d, -f4 | uniq)" '<eos>'
exits 0 trace general --text 'one two!' --output table
same 'the encoder has no outcome' "$(head -1 out | tr -s ' ' | sed 's/ $//')" \
	't token known mean i mean f mean |g| mean o mean |c| mean |h|'
exits 0 trace general --text 'one two!' --output table --layer dec.l1
same 'what is looked at' "$(head -1 out | tr -s ' ' | sed 's/.*h| //')" 'next p(next) looks at share'
same 'the words' "$(sed 1d out | awk '{ print $(NF - 3) }' | tr '\n' ' ')" "$words "
same 'the largest share' "$(sed 1d out | awk '{ print $(NF - 1) }' | tr '\n' ' ')" "$most "
exits 0 trace none --text 'one two!' --output table --layer dec.l0
same 'without attention' "$(head -1 out | tr -s ' ' | sed 's/.*h| //')" 'next p(next)'
exits 2 trace general --text 'one' --layer dec.l2
says "no layer 'dec.l2'; it has l0.fw, l0.bw, l1.fw, l1.bw, dec.l0, dec.l1$"
it encoder_and_decoder_are_told_apart

finish
