#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# A text under every checkpoint, padded in three ways, and among the vectors of many: travel, padding, project.
# shellcheck disable=SC2086
. "$(dirname "$0")/cli.sh"

exits 0 train $tiny -q --data six.tsv --name a --set epochs=3
exits 0 train $tiny -q --data six.tsv --name pre --set mask=false --set max_len=5
exits 0 train $tiny -q --data six.tsv --name post --set mask=false --set max_len=5 --set padding=post
exits 0 train $tiny -q --data six.tsv --name both --set bidirectional=true --set layers=2 --set pool=mean
exits 0 train $tiny -q --data six.tsv --name gru --set cell=gru_after --set keep=last
exits 0 train $tiny -q --data six.tsv --name nig --set cell=NIG
printf 'a good day\na bad day\nthe end of a day\n' >lines.txt
exits 0 train $tiny -q --data lines.txt --name lines --set task=generate --set batch=2
exits 0 train $tiny -q --data lines.txt --name again --set task=reconstruct
printf 'a b\tb a\nb a\ta b\na a\tb b\nb b\ta a\n' >pairs.tsv
exits 0 train $tiny -q --data pairs.tsv --name pairs --set task=translate
text='very good day'

# Every frame is what the checkpoint's own trace and prediction are.
exits 0 travel a --text "$text" --csv
quiet
same 'columns' "$(head -1 out)" 'step,epoch,p(neg),p(pos),|c|,change,most,note'
same 'rows' "$(cut -d, -f2 out | tr '\n' ' ')" 'epoch 1 2 3 '
same 'one is the best' "$(grep -c 'best$' out)" 1
same 'the steps of the store' "$(cut -d, -f1 out | sed 1d | tr '\n' ' ')" '1 2 3 '
exits 0 travel a --text "$text" --json
keys_are '$' run,name,cell,text,tokens,layer,direction,signal,unit,at,classes,checkpoints
keys_are '$.checkpoints[1]' step,epoch,best,probabilities,norm,change,change_at,values
cp out all
for k in 0 1 2; do
	cp all out
	value=$(of_json "json_extract(j, '\$.checkpoints[$k].values[1][3]')")
	p=$(of_json "json_extract(j, '\$.checkpoints[$k].probabilities[0]')")
	exits 0 trace a@$((k + 1)) --text "$text" --json
	same "c[3]@2 of checkpoint $k" "$(of_json "abs(json_extract(j,'\$.layers[0].c[1][3]') - ($value)) < 1e-6")" 1
	same "p of checkpoint $k" "$(of_json "abs(json_extract(j,'\$.probabilities[2][0]') - ($p)) < 1e-6")" 1
done
cp all out
same 'no change at first' "$(of_json "json_extract(j,'\$.checkpoints[0].change') IS NULL")" 1
same 'the largest change' "$(of_json "(SELECT max(abs(x.value - json_extract(j, '\$.checkpoints[0]' || substr(x.fullkey, 17)))) = json_extract(j, '\$.checkpoints[1].change') FROM json_tree(j, '\$.checkpoints[1].values') x WHERE x.type='real')")" 1
exits 0 travel a --text "$text" --unit 2 --signal f --at 1 --json
same 'a unit' "$(of_json "json_extract(j,'\$.checkpoints[2].value') = json_extract(j,'\$.checkpoints[2].values[0]')")" 1
same 'of a gate' "$(of_json "(j->>'signal') || (j->>'unit') || (j->>'at')")" f21
exits 0 travel a --text "$text" --unit 2 --svg
same 'two pictures' "$(grep -o '<svg' out | grep -c svg)" "$(grep -c '</svg>' out)"
prints 'c\[2\] at each checkpoint'
prints 'classes at each checkpoint'
it every_checkpoint_has_its_frame

exits 0 travel gru --text good --output table
says 'one checkpoint'
exits 0 travel both --text "$text" --layer l1.bw
exits 0 travel nig --text good --signal f
exits 0 travel lines --text 'a good' --csv
same 'what a stream says next' "$(head -1 out)" 'step,epoch,says,p,|c|,change,most,note'
exits 0 travel again --text 'a good' --json
same 'what is written again' "$(of_json "json_type(j,'\$.checkpoints[1].says') || json_type(j,'\$.checkpoints[1].p')")" textnull
exits 0 travel pairs --text 'a b'
exits 2 travel a
says 'travel needs --text'
exits 2 travel a --text ''
says 'no word'
exits 2 travel a --text good --unit 4
says 'from 0 to 3'
exits 2 travel nig --text good --signal i
says "NIG has no 'i'; it has f, g, o, c, h"
exits 2 travel gru --text good --signal c
says "has no 'c'"
exits 2 travel a --text good --at 2
says '1 to 1'
it travel_has_answers_for_all

exits 0 padding a --text "$text" --length 5 --unit 1 --csv
says 'learned with mask=true'
same 'columns' "$(head -1 out)" of,t,token,pre,post,masked
same 'what there is' "$(cut -d, -f1 out | sed 1d | uniq | tr '\n' ';')" \
	'|c|;c[1];|h|;h[1];|c| before a word;"last c - masked;|last c - masked|;|h| before a word;"last h - masked;|last h - masked|;p(neg);p(pos);'
same 'by word' "$(grep '^|c|,' out | cut -d, -f2,3 | tr '\n' ' ')" '-1,<pad> 0,<pad> 1,very 2,good 3,day 4,<pad> 5,<pad> '
same 'padding stands where it is said' "$(awk -F, '$1=="|c|"{printf "%d%d%d ", $4!="", $5!="", $6!=""}' out)" \
	'100 100 111 111 111 010 010 '
same 'behind the text it changes no word' "$(awk -F, '$1=="c[1]" && $2>0 && $2<4 && $5!=$6' out)" ''
same 'in front it does' "$(awk -F, '$1=="c[1]" && $2>0 && $2<4 && $4==$6' out)" ''
same 'what padding has written' "$(awk -F, '$1=="|c|" && $2=="0"{a=$4} $1=="|c| before a word"{print ($4==a && $5==0 && $6==0)}' out)" 1
exits 0 padding a --text "$text" --length 3 --csv -q
same 'without padding all are one' "$(awk -F, 'NR>1 && ($4!=$5 || $5!=$6)' out | grep -v '^"last')" ''
it padding_writes_into_the_state

# A run that learned with padding: its own trace is one of the three.
for way in pre post; do
	exits 0 padding $way --text "$text" --json
	keys_are '$' run,name,cell,text,tokens,learned_with,learned_length,length,layer,direction,unit,classes,ways
	keys_are '$.ways[0]' padding,tokens,padding_read_before_a_word,c_before,c_before_norm,c_difference_largest,c_difference_norm,c,h_before,h_before_norm,h_difference_largest,h_difference_norm,h,probabilities
	same "$way: how it learned" "$(of_json "(j->>'learned_with') || (j->>'learned_length') || (j->>'length')")" ${way}55
	k=$(of_json "(SELECT key FROM json_each(j,'\$.ways') WHERE value->>'padding'='$way')")
	value=$(of_json "json_extract(j, '\$.ways[$k].c[4][2]')")
	p=$(of_json "json_extract(j, '\$.ways[$k].probabilities[1]')")
	exits 0 trace $way --text "$text" --json
	same "$way: the state" "$(of_json "abs(json_extract(j,'\$.layers[0].c[4][2]') - ($value)) < 1e-6")" 1
	same "$way: the class" "$(of_json "abs(json_extract(j,'\$.probabilities[4][1]') - ($p)) < 1e-6")" 1
done
exits 0 padding both --text "$text" --layer l0.bw --length 5 --json
same 'backward, what stands behind comes first' "$(of_json "(j->>'\$.ways[0].padding_read_before_a_word') || (j->>'\$.ways[1].padding_read_before_a_word')")" 02
exits 0 padding gru --text good --csv -q
same 'a gru has no c' "$(grep -c c\\[ out)" 0
exits 0 padding lines --text 'a day'
says 'learned from a stream'
exits 0 padding pairs --text 'a b'
exits 0 padding a --text good --signal o --svg -q
same 'three pictures' "$(grep -c -e 'padded before the text' -e 'padded behind the text' -e masked out)" 3
exits 2 padding a --text "$text" --length 2
says "at least the text's 3 tokens"
exits 2 padding a --text "$text" --length no
says 'whole number'
it one_of_the_ways_is_the_runs_own

exits 0 project a --csv
says 'of the variance of 6 texts'
same 'columns' "$(head -1 out)" line,label,pc1,pc2,text
same 'rows' "$(cut -d, -f1,2,5 out | sed 1d | head -2 | tr '\n' ' ')" '1,pos,good day 2,neg,bad day '
same 'around the mean' "$(awk -F, 'NR>1{a+=$3; b+=$4} END{print (a*a<1e-20 && b*b<1e-20)}' out)" 1
exits 0 project a --text "$text" --components 4 --json
keys_are '$' run,name,cell,data,state,layer,texts,left_out,total_variance,variance,residual,mean,components,points,path
same 'all of the variance' "$(of_json "(SELECT abs(sum(value) - json_extract(j,'\$.total_variance')) < 1e-12 FROM json_each(j,'\$.variance'))")" 1
same 'shares' "$(of_json "(SELECT abs(sum(value->>'share') - 1) < 1e-12 FROM json_each(j,'\$.components'))")" 1
same 'variance of the points' "$(of_json "(SELECT abs(sum((value->>'\$.at[0]')*(value->>'\$.at[0]'))/5 - (j->>'\$.variance[0]')) < 1e-9 FROM json_each(j,'\$.points'))")" 1
same 'a point is its vector' "$(of_json "json_array_length(j,'\$.points')")" 6
same 'the path' "$(of_json "(SELECT group_concat(value->>'token', ' ') FROM json_each(j,'\$.path.points'))")" "$text"
end=$(of_json "j->>'\$.path.points[2].at[0]'")
mean=$(of_json "json_array(j->'mean', j->'\$.components[0].vector')")
exits 0 encode a --text "$text" --json
same 'the path ends at the text''s own vector' "$(of_json "(SELECT abs(sum((v.value - json_extract('$mean','\$[0]['||v.key||']')) * json_extract('$mean','\$[1]['||v.key||']')) - ($end)) < 1e-5 FROM json_each(j,'\$[0].vector') v)")" 1
exits 0 project both --text "$text" --limit 3 --csv -q
same 'of whole beginnings' "$(cut -d, -f1-4 out | head -4 | tr '\n' ' ')" 't,token,line,label 1,very,, 2,good,, 3,day,, '
exits 0 project both --state c --layer l0.bw --text "$text" --csv -q
same 'in the order of reading' "$(cut -d, -f1,2 out | sed -n 2,4p | tr '\n' ' ')" '3,day 2,good 1,very '
exits 0 project a --svg -q
prints 'pc1, '
exits 0 project lines --csv -q
same 'no labels' "$(head -1 out)" line,pc1,pc2,text
exits 0 project pairs --csv -q
printf 'text\ngood\n" "\nbad day\n' >some.csv
exits 0 project a --data some.csv --data-format csv --json
same 'texts without a word' "$(of_json "(j->>'texts') || (j->>'left_out')")" 21
exits 0 project a --data some.csv --data-format csv --csv
says '1 without a word left out'
it vectors_along_their_components

exits 8 project a --limit 1
says 'at least 2 vectors'
exits 2 project gru --state c
says 'has no c'
exits 2 project a --state x
says 'vector, h or c'
exits 2 project a --layer l0.fw
says 'of --state h or c'
exits 2 project a --components 5
says '1 to 4'
exits 2 project a --text ''
says 'no word'
exits 2 project a --no-header
says 'needs --data'
it what_cannot_be_projected

finish
