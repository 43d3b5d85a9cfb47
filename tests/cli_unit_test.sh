#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Single units: their dossier, notes of them, and texts where the same ones are on.
# shellcheck disable=SC2086
. "$(dirname "$0")/cli.sh"

exits 0 train $tiny -q --data six.tsv --name one
exits 0 train $tiny -q --data six.tsv --name both --set bidirectional=true --set layers=2 --set pool=mean
exits 0 train $tiny -q --data six.tsv --name padded --set max_len=5 --set mask=false
exits 0 train $tiny -q --data six.tsv --name gru --set cell=gru_after
exits 0 train $tiny -q --data six.tsv --name nig --set cell=NIG
printf 'a good day\na bad day\nthe end of a day\n' >lines.txt
exits 0 train $tiny -q --data lines.txt --name lines --set task=generate --set batch=2
exits 0 train $tiny -q --data lines.txt --name again --set task=reconstruct
id=$(db "SELECT run FROM runs WHERE name='one'")

exits 0 unit one 2 --least 1
quiet
first_line 'section\twhat\tvalue\tchance\tauc\tauc_chance\tp9\tp25\tp75\tp91\trandom_mean\trandom_sd\tn\tlabel\tline\tt\ttext'
same 'sections' "$(cut -f1 out | uniq | tr '\n' ,)" 'section,unit,gates,labels,without it,words up,words down,highest,lowest,'
same 'steps and texts' "$(awk -F'\t' '$2=="steps"{print $3, $13}' out)" '10 6'
same 'each text once' "$(awk -F'\t' '$1=="highest"{print $15}' out | sort | uniq | grep -c .)" 6
same 'best first' "$(awk -F'\t' '$1=="highest"{print $3}' out | sort -rg | tr '\n' ' ')" "$(awk -F'\t' '$1=="highest"{print $3}' out | tr '\n' ' ')"
same 'the classes mirror each other' "$(awk -F'\t' '$2=="pos"||$2=="neg"{s+=$3; a+=$5} END{print (s*s<1e-18), a}' out)" '1 1'
same 'the control' "$(awk -F'\t' '$2=="loss"{print $13, ($11!=""), ($12!="")}' out)" '3 1 1'
exits 0 unit one 2 --least 1 --json
keys_are '$' 'run,name,cell,layer,unit,note,data,texts,steps,signal,mean,deviation,lowest_value,highest_value,carry_is,carry,half_life,gates,labels,ablation,response,highest,lowest'
keys_are '$.labels' 'texts,shuffles,classes,units,units_beyond_chance,best_auc,best_auc_chance'
keys_are '$.labels.classes[0]' 'class,texts,r,r_chance,auc,auc_chance,beyond_chance'
keys_are '$.ablation.loss' 'before,change,random_mean,random_sd,random_as_large'
keys_are '$.response.up[0]' 'word,count,mean,p9,p25,p75,p91'
keys_are '$.highest[0]' 'value,line,t,word,passage,label,text'
same 'of what' "$(of_json "(j->>'run')||(j->>'layer')||(j->>'unit')||(j->>'signal')||(j->>'carry_is')")" "${id}l0.fw2hf"
text=$(of_json "j->>'\$.highest[0].text'")
at=$(of_json "(j->>'\$.highest[0].t')-1")
highest=$(of_json "j->>'\$.highest[0].value'")
loss=$(of_json "j->>'\$.ablation.loss.before'")
life=$(of_json "round(j->>'half_life',9)")
exits 0 trace one --text "$text" --json
same 'the value is the trace''s' "$(of_json "abs((j->>'\$.layers[0].h[$at][2]')-($highest))<1e-6")" 1
exits 0 eval one --data six.tsv --json
same 'the loss is that of eval' "$(of_json "abs((j->>'loss')-($loss))<1e-6")" 1
exits 0 saturation one --json
same 'the half-life is that of saturation' "$(of_json "round(j->>'\$.layers[0].half_life[2]',9)")" "$life"
exits 0 unit one 2 --json
cp out first
exits 0 unit one 2 --json
same 'the same again' "$(cmp out first && echo yes)" yes
it a_unit_has_its_dossier

exits 0 unit one 2 --output table --limit 2
says 'no word occurs 10 times: --least lowers that'
first_line 'section     what             value  in words'
prints 'others: '
exits 0 unit one 2 --svg --least 1
same 'two pictures' "$(grep -c 'what words do to unit 2 of l0.fw\|unit 2 of l0.fw by label' out)" 2
exits 0 unit both 1 --layer l0.bw --signal g --least 1 --json
same 'a layer and a signal' "$(of_json "(j->>'layer')||(j->>'signal')")" l0.bwg
exits 0 unit padded 1 --least 1 --json
same 'padding is a step but no word' "$(of_json "(j->>'steps')||' '||(j->>'\$.response.up[0].word')||' '||(j->>'\$.highest[0].word')" | grep -c 'pad')" 0
same 'steps with padding' "$(of_json "j->>'steps'")" 30
exits 0 unit gru 1 --least 1 --csv
grep -q '^gates,z open' out || complain 'no gate z'
exits 0 unit nig 1 --least 1 --json
same 'no input gate' "$(of_json "(SELECT group_concat(value->>'gate','') FROM json_each(j,'\$.gates'))")" fgo
exits 0 unit lines 1 --least 1
says 'has no classes: nothing is said of labels'
exits 0 unit again 1 --least 1 -q
exits 0 unit one 1 --data lines.txt --least 1 --json
says 'no text has a label of one'
same 'nothing of labels' "$(of_json "(j->>'labels') IS NULL AND (j->>'ablation') IS NULL")" 1
it units_of_all_sorts_have_one

exits 2 unit one
says 'unit needs more'
exits 2 unit one 4
says 'units of one go from 0 to 3'
exits 2 unit one -- -1
says 'units of one go from 0 to 3'
exits 2 unit one x
says "not 'x'"
exits 2 unit one 1 --layer l1.fw
says "there is no layer 'l1.fw'"
exits 2 unit gru 1 --signal c
says "no signal 'c'; it has r, z, n, h"
exits 2 unit nig 1 --signal i
says "no signal 'i'; it has f, g, o, c, h"
exits 2 unit one 1 --shuffles 20
says '--shuffles is at least 100'
exits 2 unit one 1 --random 5
says '--random is at least 100'
exits 3 unit none 1
exits 2 unit one 1 --label-column x
says 'needs --data FILE'
: >empty.txt
exits 8 unit one 1 --data empty.txt
it bad_units_are_told_so

exits 0 note one unit 2 'negation?'
prints "l0.fw unit 2 of $id (one) has the note negation?"
exits 0 note one unit 2
same 'it is kept' "$(cat out)" 'negation?'
exits 0 note both unit 1 'the end' of it --layer l1.bw
exits 0 unit one 2 --least 1 --json
same 'the dossier has it' "$(of_json "j->>'note'")" 'negation?'
exits 0 unit one 2 --least 1 --layer l0.fw --csv
grep -q '^unit,note,.*negation' out || complain 'no note'
exits 0 show one
grep -q "^note l0.fw unit 2	negation?" out || complain 'show has no note'
exits 0 query 'SELECT name, layer, unit, note FROM unit_notes ORDER BY name' --csv
same 'the view' "$(tr '\n' ' ' <out)" 'name,layer,unit,note both,l1.bw,1,the end of it one,l0.fw,2,negation? '
exits 0 note one unit 2 ''
prints 'has no note any more'
exits 0 note one unit 2
says "there is no note of unit 2"
[ ! -s out ] || complain 'an answer all the same'
exits 0 note one a remark on the run
same 'a run has its own' "$(db "SELECT note FROM runs WHERE name='one'")" 'a remark on the run'
exits 0 note one 'unit 2 is odd'
same 'in quotes it is of the run' "$(db "SELECT note FROM runs WHERE name='one'")" 'unit 2 is odd'
exits 2 note one unit 4 x
says 'units go from 0 to 3'
exits 2 note one unit 1 x --layer l0.bw
says "no layer 'l0.bw'"
exits 2 note one x --layer l0.fw
says '--layer goes with a unit'
exits 3 note unit 2 x
it units_have_notes

exits 0 match one units 0,1 --threshold -0.9 --json
keys_are '$' 'run,name,layer,signal,threshold,off_left,off_right,units,texts,at_least,candidates,places'
keys_are '$.places[0]' 'jaccard,both,either,line,from,to,label,words,text'
same 'two of four are asked for, and all are on' "$(of_json "(j->>'\$.places[0].jaccard')||' '||(j->>'\$.places[0].both')||' '||(j->>'\$.places[0].either')||' '||(j->>'candidates')")" '0.5 2 4 4'
same 'the run' "$(of_json "(j->>'\$.places[0].from')||(j->>'\$.places[0].to')||(j->>'\$.places[0].words')")" '12[good day]'
exits 0 match one units 0, 1 t 1..2 --text 'very good' --threshold -0.9 --limit 2
says 'l0.fw units 0,1: 4 runs of 2 words or more with at least 1 of 2 on'
first_line 'rank\tjaccard\tboth\teither\tline\tfrom\tto\tlabel\twords\ttext'
same 'as many as asked for' "$(grep -c '' out)" 3
exits 0 match both t 1..2 --text 'very good' --threshold -0.9 --layer l1.bw --signal c --json
same 'the units that are on' "$(of_json "(j->>'units')||(j->>'on')||(j->>'signal')")" '[0,1,2,3][0,1,2,3]tanh(c)'
exits 0 match one units 0 --threshold 0.99
says '0 runs'
exits 0 match padded units 0,1 --threshold -0.99 --csv -q
same 'padding is in no run' "$(sed -n 2p out | cut -d, -f6,7)" 4,5
exits 0 match again units 0,1 --threshold -0.99 -q
it texts_match

exits 2 match one
says 'match needs units'
exits 2 match one t 1..2
says 't goes with --text TEXT'
exits 2 match one t 1..2 --text 'very good' --threshold 0.9
says 'no unit is above 0.9 throughout t 1..2 (the highest is'
exits 2 match one t 1..9 --text 'very good'
says 'the text ends at t 2'
exits 2 match one t 2..1 --text 'very good'
says 'from the first word to the last'
exits 2 match one t 0 --text 'very good'
says 'as in 2..4'
exits 2 match one units 4
says 'units go from 0 to 3'
exits 2 match one units
says 'units needs numbers'
exits 2 match one words
says "not 'words'"
exits 2 match one t 1 --text ''
says 'no word that one reads'
exits 2 match gru units 1 --signal c
says 'the cell gru_after has no c'
exits 2 match one units 1 --threshold 1
says '--threshold is a number'
it bad_patterns_are_told_so

finish
