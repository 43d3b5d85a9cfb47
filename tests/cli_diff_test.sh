#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Two texts, checkpoints, runs and cells beside each other.
# shellcheck disable=SC2086
. "$(dirname "$0")/cli.sh"

exits 0 train $tiny -q --data six.tsv --name one
exits 0 train $tiny -q --data six.tsv --name two --set seed=7 --set hidden=6
exits 0 train $tiny -q --data six.tsv --name article --set cell=article --set seed=3
exits 0 train $tiny -q --data six.tsv --name gru --set cell=gru_after
exits 0 train $tiny -q --data six.tsv --name cifg --set cell=CIFG
exits 0 train $tiny -q --data six.tsv --name both --set bidirectional=true --set layers=2 --set mask=true
exits 0 train $tiny -q --data six.tsv --name padded --set max_len=5 --set mask=false
printf 'a good day\na bad day\nthe end of a day\n' >lines.txt
exits 0 train $tiny -q --data lines.txt --name lines --set task=generate --set batch=2
exits 0 train $tiny -q --data lines.txt --name again --set task=reconstruct
printf 'a day\tein Tag\nbad day\tschlechter Tag\n' >pairs.tsv
exits 0 train $tiny -q --data pairs.tsv --name pairs --set task=translate --set batch=1
step=$(db 'SELECT min(step) FROM checkpoints WHERE run = (SELECT max(run) FROM checkpoints WHERE name = "one")')

exits 0 diff one --text 'very good day' --text 'very bad nice day'
quiet
first_line 't_a\ttoken_a\tt_b\ttoken_b\tdiverges\tmax\tunit_a\tunit_b\tsays_a\tp_a\tsays_b\tp_b\tnorm\tnorm_a\tnorm_b'
same 'words beside their like' "$(cut -f1-5 out | tail -4 | tr '\t\n' '_ ')" \
	'1_very_1_very_ 2_good_2_bad_1 __3_nice_ 3_day_4_day_ '
same 'nothing before the first difference' "$(sed -n 2p out | cut -f6,13)" "$(printf '0\t0')"
same 'no number where a text has no word' "$(sed -n 4p out | cut -f6-10,13-)" "$(printf '\t\t\t\t\t\t\t')"
exits 0 diff one --text 'very good day' --text 'very bad nice day' --json
keys_are '$' 'a,b,signal,same_weights,threshold,diverges,rows,signals,matching'
keys_are '$.a' 'run,name,cell,text,tokens,step,layer,values,likeliest,probability,classes,probabilities'
keys_are '$.rows[0]' 't_a,t_b,same_token,max,unit_a,unit_b,norm,norm_a,norm_b'
keys_are '$.signals[0]' 'signal,diverges,same_bits,max,norm'
same 'all signals' "$(of_json "(SELECT group_concat(value->>'signal','') FROM json_each(j,'\$.signals'))")" ifgoch
same 'bits before it' "$(of_json "(SELECT min(value->>'same_bits')||max(value->>'same_bits') FROM json_each(j,'\$.signals'))")" 11
same 'the difference' "$(of_json "abs(abs((j->>'\$.a.values[1][0]')-(j->>'\$.b.values[1][0]'))-(j->>'\$.rows[1].max'))<1e-12 OR (j->>'\$.rows[1].unit_a')<>0")" 1
of_json "j->'\$.a.values'" >values
exits 0 trace one --text 'very good day' --json
of_json "j->'\$.layers[0].h'" >traced
same 'values are the trace''s' "$(sqlite3 :memory: "SELECT max(abs(a.value-b.value))<1e-6 FROM json_tree(readfile('values')) a JOIN json_tree(readfile('traced')) b USING (fullkey) WHERE a.atom IS NOT NULL")" 1
exits 0 diff one one --text 'very good day' --json
same 'a run and itself' "$(of_json "(j->>'diverges') IS NULL AND (j->>'same_weights') AND (SELECT sum(value->>'max') FROM json_each(j,'\$.rows'))=0")" 1
exits 0 diff one --text 'very good day' --text 'very bad day' --threshold 0.5
same 'nothing is above it' "$(cut -f5 out | tail -3 | tr -d '\n')" ''
exits 0 diff one --text 'very good day' --text 'very good'
same 'one goes on' "$(tail -1 out | cut -f1-6)" "$(printf '3\tday\t\t\t\t')"
it two_texts_of_one_run

exits 0 diff one@last one@$step --text 'very good day'
says 'units by index: |r| is .* of any two units .* shuffled'
same 'by index' "$(awk -F'\t' 'NR>1 && $7!=$8' out)" ''
exits 0 diff one@last one@$step --text 'very good day' -q --match correlation --json
keys_are '$.matching' 'by,data,texts,words,mean_abs_r,mean_abs_r_of_any_two,mean_abs_r_shuffled,mean_abs_r_by_index,best_at_own_index,pairs'
same 'steps' "$(of_json "(j->>'\$.b.step')||'·'||(j->>'\$.matching.words')||'·'||(j->>'\$.matching.texts')")" "$step·10·6"
exits 0 diff one two --text 'very good day' -q --json
same 'the smaller side' "$(of_json "json_array_length(j,'\$.matching.pairs')||(j->>'\$.matching.by')||(j->>'threshold')")" 4correlation0.1
same 'one to one' "$(of_json "(SELECT count(DISTINCT value->>'unit_a')*10+count(DISTINCT value->>'unit_b') FROM json_each(j,'\$.matching.pairs'))")" 44
exits 0 diff two one --text 'very good day' -q --json
same 'from the other side' "$(of_json "json_array_length(j,'\$.matching.pairs')")" 4
exits 0 diff one article --text 'very good day' -q --signal c
exits 0 diff one article --text 'very good day' --data six.tsv --unit 2 --csv
says 'r of this unit is -*[01]\.'
same 'its column' "$(head -1 out | sed 's/-h/h/; s/b_h\[[0-3]\]/b/' | cut -d, -f1-8)" 't_a,token_a,t_b,token_b,diverges,a_h[2],b,difference'
same 'a - b' "$(awk -F, 'NR>1{d=$6-$7-$8; if (d>1e-12||d<-1e-12) print}' out)" ''
exits 0 diff one cifg --text 'good day' -q --signal i
exits 0 diff one gru --text 'very good day' -q
exits 2 diff one gru --text good --signal f
says "'f' is not in both: the cell standard has i, f, g, o, c, h, and gru_after has r, z, n, h; both have h"
mv six.tsv seven.tsv
exits 0 diff one@last one@$step --text 'very good day'
grep -q 'units go by index; how alike they are is not known: .*six.tsv' err || complain "$(cat err)"
exits 8 diff one two --text 'very good day'
says 'six.tsv, which the run was trained on, is not there'
exits 0 diff one two --text 'very good day' --data seven.tsv -q
mv seven.tsv six.tsv
it other_weights

exits 0 diff one --text 'very good day' --with "@$step" -q --json
same 'a checkpoint' "$(of_json "j->>'\$.b.step'")" "$step"
exits 0 diff one --text 'very good day' --with article -q --json
same 'a run' "$(of_json "(j->>'\$.b.name')||(j->>'\$.b.text')")" 'articlevery good day'
exits 0 diff one --text 'very good day' --with 'article good' --json
same 'a text' "$(of_json "(j->>'\$.b.name')||(j->>'\$.b.text')")" 'onearticle good'
exits 3 diff one --text good --with article@77
says 'article@77: no checkpoint at this step'
exits 3 diff one --text good --with @77
it with_finds_out_what_is_meant

exits 0 diff both --text 'very good day' --text 'nice good day' --layer l0.bw
same 'a backward layer begins at the end' "$(cut -f5,6 out | tail -2 | tr '\t\n' ',;')" ',0;,0;'
exits 0 diff both --text 'very good day' --text 'nice good day' --layer l1.bw --json
same 'all of the layer below is read' "$(of_json "(j->>'\$.diverges')||(j->>'\$.a.layer')")" 3l1.bw
exits 0 diff padded --text good --text 'bad good'
same 'padding is read' "$(cut -f2,4 out | tail -5 | tr '\t\n' ',;')" \
	'<pad>,<pad>;<pad>,<pad>;<pad>,<pad>;<pad>,bad;good,good;'
exits 0 diff lines --text 'a good day' --text 'a bad day'
same 'the token that follows' "$(head -1 out | cut -f9-12)" "$(printf 'says_a\tp_a\tsays_b\tp_b')"
exits 0 diff again --text 'a good day' --text 'a bad day'
same 'nothing is said' "$(head -1 out | cut -f9-)" "$(printf 'norm\tnorm_a\tnorm_b')"
exits 0 diff pairs --text 'a day' --text 'bad day'
exits 0 diff pairs one --text 'bad day' -q --data six.tsv
words=$(awk 'BEGIN{for(k=0;k<5000;k++) printf "%s ", k%3?"good":"bad"}')
exits 0 diff one --text "$words" --text "very $words"
same 'a long text' "$(wc -l <out)" 5002
exits 0 diff one two --text 'very good day' -q --svg
same 'three pictures' "$(grep -c '<svg' out)$(grep -o 'h: a − b' out | head -1)" '1h: a − b'
it every_kind_of_run

exits 2 diff one
says 'diff needs --text TEXT'
exits 2 diff one --text good
says 'something to compare with'
exits 2 diff one --text good --text bad --text nice
says 'compares two sides'
exits 2 diff one two --text good --with nice
says 'compares two sides'
exits 2 diff one --text '' --text good
says 'an empty text has no word that one reads'
exits 2 diff one --text good --text bad --unit 4
says 'unit is from 0 to 3'
exits 2 diff two one --text good --unit 7
says 'unit is from 0 to 5'
lone=0
for unit in 0 1 2 3 4 5; do
	"$sluice" diff two one -q --text good --unit $unit >out 2>err && continue
	lone=$((lone + 1))
	says "unit $unit has no partner: two has 6 units, and one has 4"
done
same 'units without a partner' "$lone" 2
exits 2 diff one two --text good --match index
says 'not 4 and 6'
exits 2 diff one two --text good --match chance
says 'index or correlation'
exits 2 diff one --text good --text bad --layer l1.fw
says "there is no layer 'l1.fw'"
exits 2 diff one --text good --text bad --signal q
says "has no 'q'; it has i, f, g, o, c, h"
exits 2 diff one --text good --text bad --data six.tsv
says 'both sides have the same weights'
exits 3 diff one none --text good
says 'none'
it wrong_words_are_told

finish
