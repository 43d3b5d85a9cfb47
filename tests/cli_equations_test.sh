#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The equations of one unit at one step: every cell's add up, as numbers and as they are printed.
# shellcheck disable=SC2086
. "$(dirname "$0")/cli.sh"

exits 0 train $tiny -q --data six.tsv --name both --set bidirectional=true --set layers=2
exits 0 train $tiny -q --data six.tsv --name padded --set max_len=5 --set mask=false --set embed=0
printf 'a good day\na bad day\nthe end of a day\n' >lines.txt
exits 0 train $tiny -q --data lines.txt --name lines --set task=generate --set batch=2
exits 0 train $tiny -q --data lines.txt --name again --set task=reconstruct

# Largest residuals of lines, of sums, and of what is listed of them.
residuals="(SELECT max(abs(l.value->>'residual')) FROM json_each(j,'\$.lines') l) < 1e-12
	AND (SELECT max(abs((l.value->>'value') - (SELECT sum(t.value->>'value') FROM json_each(l.value,'\$.terms') t)))
		FROM json_each(j,'\$.lines') l WHERE l.value->>'kind' IN ('sum','state')) < 1e-12
	AND (SELECT coalesce(max(abs((t.value->>'value') - (t.value->>'rest')
			- coalesce((SELECT sum(p.value->>'value') FROM json_each(t.value,'\$.parts') p), 0))), 0)
		FROM json_each(j,'\$.lines') l, json_each(l.value,'\$.terms') t
		WHERE t.value->>'others' > 0) < 1e-12"

# The rows of a table: parts and rest are their term, terms are their line.
adds_up() {
	awk 'NR > 1 {
		v = 0; n = NF
		for (k = n; k > 2; k--) if ($k ~ /^-?[0-9]+\.[0-9][0-9][0-9][0-9]$/) { v = $k; break }
		if ($4 == "=") { close_line(); sum = ($3 ~ /^z_/); want = v; left = 0 }
		else if ($0 ~ /  term  /) { close_term(); term = v; listed = 0; some = 0; left += v }
		else { listed += v; some = 1 }
	}
	function off(d) { return d > 0.00001 || d < -0.00001 }
	function close_term() { if (sum && some && off(term - listed)) print "term", NR, term, listed; some = 0 }
	function close_line() { close_term(); if (sum && off(want - left)) print "line", NR, want, left }
	END { close_line() }' out
}

for cell in standard article V NIG NFG NOG NIAF NOAF CIFG NP FGR gru_after gru_before; do
	exits 0 train $tiny -q --data six.tsv --name $cell --set cell=$cell
	for top in 1 3 100; do
		exits 0 equations $cell --text 'very good day' --unit 2 --top $top --json
		quiet
		same "$cell: numbers" "$(of_json "$residuals")" 1
	done
	same "$cell: the cell" "$(of_json "j->>'cell'")" $cell
	exits 0 equations $cell --text 'very good day' --unit 2 --top 2 --output table
	same "$cell: as printed" "$(adds_up)" ''
	says 'unit 2 at word 3 of 3, “day”'
done
it every_cell_adds_up

exits 0 equations both --text 'very good day' --unit 1
quiet
first_line 'line\tgate\tterm\twhat\tvalue\tresidual'
same 'lines' "$(cut -f1,4 out | grep '=' | tr '\t\n' ' ,')" \
	"1 z_i = W_i·x + U_i·h' + b_i,2 i = σ(z_i),3 z_f = W_f·x + U_f·h' + b_f,4 f = σ(z_f),5 z_g = W_g·x + U_g·h' + b_g,6 g = tanh(z_g),7 z_o = W_o·x + U_o·h' + b_o,8 o = σ(z_o),9 c = f·c' + i·g,10 h = o·tanh(c),"
exits 0 equations both --text 'very good day' --unit 1 --at 2 --layer l0.bw --json
keys_are '$' run,name,cell,text,layer,direction,t,token,unit,lines
keys_are '$.lines[0]' line,kind,left,right,value,comes_to,residual,set,terms
keys_are '$.lines[0].terms[0]' term,value,parts,others,rest,residual
keys_are '$.lines[8].terms[0]' term,value,factors
same 'where' "$(of_json "(j->>'layer')||(j->>'direction')||(j->>'t')||(j->>'token')||(j->>'unit')")" 0bw2good1
f=$(of_json "j->>'\$.lines[3].value'") c=$(of_json "j->>'\$.lines[8].value'")
h=$(of_json "j->>'\$.lines[9].value'")
exits 0 trace both --text 'very good day' --json
same 'the trace has the same' "$(of_json "abs((j->>'\$.layers[1].f[1][1]')-($f))<1e-6
	AND abs((j->>'\$.layers[1].c[1][1]')-($c))<1e-6 AND abs((j->>'\$.layers[1].h[1][1]')-($h))<1e-6")" 1
exits 0 print both 'z_f[1]' --text 'very good day' --at 2 --layer l0.bw --csv
z=$(sed -n 2p out | cut -d, -f5)
exits 0 equations both --text 'very good day' --unit 1 --at 2 --layer l0.bw --csv
same 'print says so too' "$(awk -F, -v z="$z" '$4 ~ /^z_f = / {d = $5 - z; print (d < 1e-5 && d > -1e-5)}' out)" 1
exits 0 equations both --text 'very good day' --unit 1 --layer l1.bw --json
same 'a layer that goes backward ends at the first word' "$(of_json "j->>'t'")" 1
exits 0 equations padded --text good --unit 0 --at 1 --json
same 'padding is read' "$(of_json "j->>'token'")" '<pad>'
exits 0 equations padded --text good --unit 0 --json
same 'one number of a word' "$(of_json "json_array_length(j,'\$.lines[0].terms[0].parts')||(j->>'\$.lines[0].terms[0].others')")" 10
exits 0 equations CIFG --text good --unit 0
prints 'f = 1 − i, coupled to i'
exits 0 equations NIG --text good --unit 0
prints 'i = 1, there is no input gate'
exits 0 equations lines --text 'a day' --unit 0
exits 0 equations again --text 'a day' --unit 0 --layer dec.l0 --json
same 'beside its token a decoder reads the vector' \
	"$(of_json "(SELECT count(*)>0 FROM json_each(j,'\$.lines[0].terms[0].parts') WHERE value->>'name' GLOB 'v*')")" 1
it a_place_is_chosen

exits 2 equations both --text good
says 'equations needs --unit N'
exits 2 equations both --unit 1
says 'equations needs --text TEXT'
exits 2 equations both --text good --unit 4
says "unit is from 0 to 3, not '4'"
exits 2 equations both --text good --unit 1 --at 2
says "at is a whole number from 1 to 1, not '2'"
exits 2 equations both --text good --unit 1 --top 0
says 'top is a whole number'
exits 2 equations both --text good --unit 1 --layer l2.fw
says "no layer 'l2.fw'; it has l0.fw, l0.bw, l1.fw, l1.bw"
exits 2 equations both --text '' --unit 1
says 'there is no token in the text'
exits 2 equations both --text good --unit 1 --svg
says 'equations has no picture'
exits 3 equations nosuch --text good --unit 1
it what_cannot_be_answered_is_said
finish
