#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# What explains a text, or the gates over many: ledger, gradient, attribute, saturation.
# shellcheck disable=SC2086
. "$(dirname "$0")/cli.sh"

two="$tiny --set bidirectional=true --set layers=2 --set pool=mean --set mask=true"
exits 0 train $two -q --data six.tsv --name both
exits 0 train $tiny -q --data six.tsv --name article --set cell=article --set max_len=5 --set mask=false
exits 0 train $tiny -q --data six.tsv --name gru --set cell=gru_after
exits 0 train $tiny -q --data six.tsv --name fgr --set cell=FGR
exits 0 train $tiny -q --data six.tsv --name nfg --set cell=NFG
printf 'a good day\na bad day\nthe end of a day\n' >lines.txt
exits 0 train $tiny -q --data lines.txt --name lines --set task=generate --set batch=2
exits 0 train $tiny -q --data lines.txt --name again --set task=reconstruct

exits 0 ledger both --text 'very good day'
quiet
first_line 't\ttoken\tc[0]\tc[1]\tc[2]\tc[3]'
same 'words and what they come to' "$(cut -f2 out | tr '\n' ,)" \
	'token,very,good,day,initial state,sum,state,residual,half-life,'
same 'the words make up the state' \
	"$(awk -F'\t' '$1+0>0{s+=$3} $2=="state"{d=s-$3; print (d<1e-9 && d>-1e-9)}' out)" 1
exits 0 ledger both --text 'very good day' --output table
same 'they do so as printed' "$(awk '$1+0>0{s+=$3} $1=="state"{printf "%.4f", s-$2}' out | tr -d -)" 0.0000
exits 0 ledger both --text 'very good day' --layer l1.bw --at 2 --csv
same 'a backward state knows what comes behind it' "$(sed -n '2,4p' out | cut -d, -f1,2 | tr '\n' ' ')" \
	'2,good 3,day ,initial state '
exits 0 ledger both --text 'very good day' --unit 3 --csv
same 'one unit' "$(head -1 out)" t,token,carry,write,kept,left
same 'its rows' "$(awk -F, '$1+0>0{d=$4*$5-$6; if (d>1e-12||d<-1e-12) print}' out)" ''
exits 0 ledger both --text 'very good day' --layer l0.bw --json
keys_are '$' 'run,name,cell,text,tokens,layer,direction,state_of,carry_is,write_is,at,units,carry,write,kept,left,initial,initial_left,sum,state,residual,half_life'
same 'of what' "$(of_json "(j->>'layer')||(j->>'direction')||(j->>'state_of')||(j->>'carry_is')||(j->>'write_is')||(j->>'at')")" '0bwcfi·g1'
same 'it adds up' "$(of_json "max(abs((j->>'\$.left[0][2]')+(j->>'\$.left[1][2]')+(j->>'\$.left[2][2]')-(j->>'\$.state[2]')))<1e-12")" 1
exits 0 trace both --text 'very good day' --json
state=$(of_json "j->>'\$.layers[1].c[0][2]'")
exits 0 ledger both --text 'very good day' --layer l0.bw --json
same 'the state is the trace''s' "$(of_json "abs((j->>'\$.state[2]')-($state))<1e-6")" 1
exits 0 ledger gru --text 'good day' --json
same 'of a gru' "$(of_json "(j->>'state_of')||(j->>'carry_is')||(j->>'write_is')")" 'hz(1−z)·n'
exits 0 ledger article --text good --json
same 'padding is read' "$(of_json "j->>'tokens'")" '["<pad>","<pad>","<pad>","<pad>","good"]'
exits 0 ledger nfg --text 'good day'
same 'what never fades' "$(tail -1 out | cut -f3)" never
exits 0 ledger both --text 'very <good> day' --svg
quiet
same 'a picture' "$(head -c 5 out; grep -c '</rect>' out; tail -1 out)" '<svg 20
</svg>'
same 'of words as they are' "$(grep -c '>&lt;</text>' out)" 1
exits 0 ledger lines --text 'a day'
exits 0 ledger again --text 'a day'
for command in gradient attribute trace; do
	exits 0 $command both --text 'very good day' --svg
	same "a picture of $command" "$(head -c 5 out)" '<svg '
done
exits 0 saturation both --data six.tsv --svg
same 'three gates' "$(grep -c 'never between</text>' out)" 3
exits 2 runs --svg
says 'runs has no picture'
exits 0 attribute both --text 'very good day' --method gradient --output table
same 'what is left over is told whole' \
	"$(awk '$1=="total"{t=$2} $1=="should"{d=$3-t} $1=="residual"{e=d-$2; print (e<2e-4 && e>-2e-4)}' out)" 1
it ledgers_add_up

exits 0 gradient both --text 'very good day'
quiet
first_line 't\ttoken\tdh\tdc\tdh_share\tdc_share\tnote'
same 'a row a word' "$(cut -f1,2 out | tail -3 | tr '\t\n' '  ')" '1 very 2 good 3 day '
exits 0 gradient both --text 'very good day' --class neg --layer l0.bw --unit 1 --csv
same 'a unit' "$(head -1 out)" 't,token,dh,dc,dh_share,dc_share,note,dh[1],dc[1]'
exits 0 gradient both --text 'very good day' --label neg --json
keys_are '$' 'run,name,cell,text,tokens,of,class,value,gradient_x_input,layers'
keys_are '$.layers[3]' 'layer,direction,from_above,dh_norm,dc_norm,dh_vanished,dc_vanished,dh_exploded,dc_exploded,dh,dc'
same 'of what' "$(of_json "(j->>'of')||(j->>'class')||json_array_length(j,'\$.layers')")" lossneg4
loss=$(of_json "j->>'value'")
echo 'very good day' | "$sluice" predict both --json >out
same 'the loss is that of predict' "$(of_json "abs(exp(-($loss))-(j->>'\$.probabilities.neg'))<1e-6")" 1
exits 0 gradient gru --text 'good day' --json
keys_are '$.layers[0]' 'layer,direction,from_above,dh_norm,dh_vanished,dh_exploded,dh'
exits 0 gradient gru --text "$(awk 'BEGIN{for(k=0;k<200;k++) printf "good bad "}')"
same 'what has gone after 400 words' "$(sed -n '2p;$p' out | cut -f1,7 | tr '\t\n' '  ')" '1 vanished 400  '
exits 2 gradient both --text good --class neg --label neg
says 'give one of them'
it gradients_go_back

exits 0 attribute both --text 'very good day'
quiet
first_line 't\ttoken\tgradient\tintegrated\tlrp\tcd\tocclusion'
for row in 'sum of words' elsewhere total 'should be' residual 'adds up by rule' 'ranks as gradient'; do
	grep -q "	$row	" out || complain "no row $row"
done
same 'what must be conserved is' "$(awk -F'\t' '$2=="residual"{print ($5^2<1e-18 && $6^2<1e-18)}' out)" 1
exits 0 attribute both --text 'very good day' --class neg --unk --bias-factor 1 --json
keys_are '$' 'run,name,cell,text,tokens,class,score,score_of_zero,score_of_no_word,head_bias,methods,agreement'
same 'methods' "$(of_json "(SELECT group_concat(value->>'method') FROM json_each(j,'\$.methods'))")" \
	gradient,integrated,lrp,cd,occlusion,unk
same 'relevance goes to words and states alone' "$(of_json "abs((j->>'\$.score')-(j->>'\$.methods[2].sum')-(j->>'\$.methods[2].initial_states'))<1e-9")" 1
same 'the nodes' "$(of_json "j->>'\$.methods[1].nodes'")" 20
same 'itself' "$(of_json "j->>'\$.agreement.cd.cd'")" 1
score=$(of_json "j->>'score'") without=$(of_json "(j->>'score')-(j->>'\$.methods[4].words[1]')")
exits 0 attribute both --text 'very day' --class neg --method occlusion --json
same 'occlusion is the text without the word' "$(of_json "abs((j->>'score')-($without))<1e-9")" 1
[ "$score" ] || complain 'no score'
exits 0 attribute gru --text 'good day'
same 'two lines say why' "$(grep -c '' err)" 2
grep -q 'contextual decomposition: defined for LSTMs' err || complain "$(cat err)"
same 'and the columns are empty' "$(sed -n 2p out | cut -f5,6)" "$(printf '\t')"
exits 0 attribute fgr --text 'good day' --method cd,lrp
says 'contextual decomposition: not defined where gates read the output gate'
exits 0 attribute article --text 'good day' --method lrp
says 'propagation: not defined where the candidate gates the old state'
exits 0 attribute article --text 'good day' --method lrp -q
quiet
exits 2 attribute both --text good --class neutral
says "there is no class 'neutral'; there are neg, pos"
exits 2 attribute both --text good --method lime
says "there is no method 'lime'"
exits 2 attribute both --text good --method ,
says 'names no method'
exits 2 attribute both --text good --bias-factor 2
says 'bias-factor'
it words_are_heard_by_every_method

long=$(awk 'BEGIN{for(k=0;k<5000;k++) printf "good bad very "}')
exits 0 attribute both --text "$long" --method gradient,lrp --csv
same 'a row a word' "$(grep -c '^[0-9]' out)" 15000
exits 0 ledger both --text "$long" --csv
exits 0 gradient both --text "$long" --csv
it long_texts_too

exits 0 saturation both
first_line 'layer\tgate\tunit\topen\tshut\tcarry\thalf_life'
same 'a row a unit of a gate' "$(grep -c '' out)" 65
same 'shares' "$(awk -F'\t' 'NR>1 && ($4+$5>1 || $4+0<0 || $5+0<0)' out)" ''
same 'a tanh is never shut' "$(awk -F'\t' '$2=="g"{print $5}' out | sort -u)" ''
exits 0 saturation both --data six.tsv --layer l1.bw --gate f --low 0.4 --high 0.6 --csv
same 'of one gate' "$(sed -n '2,$p' out | cut -d, -f1,2 | sort -u)" l1.bw,f
same 'its units' "$(grep -c '' out)" 5
exits 0 trace both --text 'very good' --json
open=$(of_json "((j->>'\$.layers[3].f[0][2]')>0.72)+((j->>'\$.layers[3].f[1][2]')>0.72)")
printf 'very good\n' >one.txt
exits 0 saturation both --data one.txt --data-format text --layer l1.bw --high 0.72 --json
same 'as many as in the trace' "$(of_json "2*(j->>'\$.layers[0].gates[1].open[2]')")" "$open"
keys_are '$' 'run,name,cell,data,texts,steps,low,high,carry_is,layers'
keys_are '$.layers[0]' 'layer,gates,carry,half_life'
keys_are '$.layers[0].gates[0]' 'gate,meaning,open,shut'
same 'counts' "$(of_json "(j->>'texts')||(j->>'steps')")" 12
exits 0 saturation lines --csv
exits 0 saturation again --csv
exits 2 saturation nfg --gate f
says "the cell NFG has no gate 'f'; it has i, g, o"
exits 2 saturation both --low 0.9 --high 0.1
says 'low is below --high'
exits 2 saturation both --no-header
says 'needs --data FILE'
mv six.tsv gone.tsv
exits 8 saturation both
says 'is not there: give --data FILE'
mv gone.tsv six.tsv
: >empty.txt
exits 8 saturation both --data empty.txt
it gates_over_many_texts

for command in ledger gradient attribute saturation; do
	text='--text good'
	[ $command = saturation ] && text=
	exits 3 $command nobody $text
	exits 0 help
	grep -q "^  $command  *[A-Z]" out || complain "help without $command"
	exits 0 help $command
	grep -q "^sluice $command " out || complain "help $command: $(head -1 out)"
done
for command in ledger gradient attribute; do
	exits 2 $command both
	says "$command needs --text TEXT"
	exits 2 $command both --text ''
	says 'the text has no word that both reads'
done
for command in ledger gradient; do
	exits 2 $command both --text good --layer l2.fw
	says "no layer 'l2.fw' that reads the text; there are l0.fw, l0.bw, l1.fw, l1.bw"
	exits 2 $command both --text good --unit 4
	says '\-\-unit is from 0 to 3'
done
exits 2 ledger both --text 'good day' --at 3
says '\-\-at'
exits 2 ledger again --text good --layer dec.l0
says "no layer 'dec.l0' that reads the text; there is l0.fw"
for command in gradient attribute; do
	exits 2 $command lines --text 'a day'
	says "$command explains a class, and lines has none, its task is generate; ledger and saturation work for it"
done
it what_cannot_be_answered_is_said
finish
