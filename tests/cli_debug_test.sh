# SPDX-License-Identifier: GPL-3.0-or-later
# A trace questioned: expressions, searches through many texts, and numbers set by hand.
. "$(dirname "$0")/cli.sh"
english=$root/samples/english.tsv
text='the food was not good'

exits 0 train --data "$english" --set hidden=12 --set embed=8 --set epochs=6 --set seed=3 --name a -q

# A printed number is the trace's own.
exits 0 trace a --text "$text" --json
value=$(of_json "json_extract(j, '\$.layers[0].f[3][5]')")
exits 0 print a 'f[5]' --text "$text" --at 4 --json
same 'f[5]@4' "$(of_json "printf('%.6f', json_extract(j, '\$[0].value'))")" \
	"$(printf %.6f "$value")"
same 'its step' "$(of_json "json_extract(j, '\$[0].t')")" 4
same 'its word' "$(of_json "json_extract(j, '\$[0].token')")" not
exits 0 print a 'd(c[2]) - (c[2] - prev(c[2]))' 'word' --text "$text" --csv
same 'rows' "$(grep -c '' out)" 11
prints '^4,not,word,,not'
exits 0 print a 'f[5]' 'p(pos)' h word --text "$text" --svg
same 'a plot and a map' "$(head -c 5 out; grep -c '>f\[5\]</text>\|>p(pos)</text>\|>h</text>' out)" '<svg 3'
exits 2 print a word --text "$text" --svg
says 'this answer has no picture'
exits 0 print a i --text "$text" --at 2 --json
same 'a vector' "$(of_json "json_array_length(j)")" 12
it what_is_printed_is_the_trace

exits 0 search a 'word == "not"' --limit 1000 --json
same 'texts with not' "$(of_json "json_array_length(j)")" \
	"$(cut -f2 "$english" | tr 'A-Z' 'a-z' | grep -cw 'not')"
exits 0 search a 'f[3] > 2' --csv
same 'nothing is found' "$(cat out)" 'line,t,token,label,text'
printf 'good\nnot good\n\nbad not\n' >lines.txt
exits 0 search a 'word == "not" && t == T' --data lines.txt --json
same 'the line' "$(of_json "json_extract(j, '\$[0].line')")" 4
exits 0 search a true --data lines.txt --all --limit 3 --csv
same 'a limit' "$(grep -c '' out)" 4
it a_search_goes_through_many_texts

# A class's change is what two traces differ by, and those of all classes add up to nothing.
exits 0 whatif a 'h = 0 @5' --text "$text" --json
same 'changes' "$(of_json "abs(json_extract(j,'\$[0].change') + json_extract(j,'\$[1].change')) < 1e-9")" 1
same 'where it begins' "$(of_json "json_extract(j, '\$[0].first_step')")" 5
same 'all units have no control' "$(of_json "json_extract(j, '\$[0].random_sd') IS NULL")" 1
exits 0 whatif a 'f[1,2] = 1 @2..3' 'i[4]=0' --text "$text" --json
same 'some have one' "$(of_json "json_extract(j, '\$[0].random_sd') > 0")" 1
cp out first
exits 0 whatif a 'f[1,2] = 1 @2..3' 'i[4]=0' --text "$text" --json
same 'the same draws' "$(cksum <out)" "$(cksum <first)"
it what_follows_from_numbers_set_by_hand

exits 2 print a 'f[99]' --text "$text"
says 'f\[99\]: column 1: f has units 0 to 11, not 99'
exits 2 print a 'f[1' --text "$text"
says "column 4: ']' is missing"
exits 2 print a 'f[1]' --text ''
says 'no token in the text'
exits 2 print a 'f[1]'
says 'print needs --text'
exits 2 search a 'q[1] > 0'
says "this cell has no 'q'"
same 'no head without an answer' "$(cat out)" ''
exits 2 whatif a 'f[1] := 2' --text "$text"
says 'is no edit'
exits 2 whatif a 'f[1] = 2 @4..9' --text "$text"
says 'steps are 1 to 5'
exits 2 whatif a 'x = 1' --text "$text"
says "no 'x' that could be set"
exits 3 print b 'f[1]' --text "$text"
exits 0 train --data "$english" --set task=reconstruct --set hidden=8 --set embed=8 --set epochs=1 --name r -q
exits 2 search r 'f[1] > 0'
says 'without a decoder'
exits 2 whatif r 'dec.f[1] = 0' --text "$text"
says 'what a decoder does cannot be set'
exits 2 print r 'dec.f[1]' --text good
says 'column 1: encoder and decoder have steps of their own'
exits 0 print r 'f[1]' 'l0.f[1]@1' --layer dec.l0 --text good --csv
first_line 't,token,expression,index,value'
it bad_questions_are_told
finish
