# SPDX-License-Identifier: GPL-3.0-or-later
# Searches of all kinds of expressions through a file, and sentences with other words in them.
. "$(dirname "$0")/cli.sh"
english=$root/samples/english.tsv
text='the food was not good'

exits 0 train --data "$english" --set hidden=12 --set embed=8 --set epochs=6 --set seed=3 --name a -q

# What a search finds by p, z and x is what print says of each text.
printf 'good\nnot good\n\nbad not\nthe food was cold\n' >lines.txt
for e in 'p(pos) > 0.5' 'z_f[3] > 0.9' 'x[1] > 0' 'mean(z_i) > 0 && p(neg) > 0.3'; do
	exits 0 search a "$e" --data lines.txt --all --limit 100 --csv
	sed 1d out | cut -d, -f1,2 >found
	: >want
	n=0
	while read -r line; do
		n=$((n + 1))
		[ -z "$line" ] && continue
		exits 0 print a "$e" --text "$line" --csv
		grep ',1$' out | cut -d, -f1 | sed "s/^/$n,/" >>want
	done <lines.txt
	same "$e" "$(cat found)" "$(cat want)"
done
exits 0 search a 'p(pos) > 2 || z_f[3] > 1000' --csv
same 'nothing' "$(cat out)" 'line,t,token,label,text'
it a_search_knows_all_that_print_does

# A file with labels is read as such; a step that short texts lack is none of theirs.
printf 'text,label\nnot good,neg\n"good, and not so long",pos\n' >t.csv
exits 0 search a 'word == "not"' --data t.csv --csv
same 'texts' "$(sed 1d out | cut -d, -f1-4)" '2,1,not,neg
3,4,not,pos'
exits 0 search a 'h[1]@5 < 2' --data t.csv --json
same 'of five words' "$(of_json "json_extract(j, '\$[0].line')")" 3
exits 2 search a 'h[1]@50 < 2' --data t.csv
says 'steps, no step 50'
exits 0 search a true --data lines.txt
it a_file_is_read_as_what_it_is

whatif() { # EDIT... -- the probability of the first class after them
	exits 0 whatif a "$@" --text "$text" --json
	of_json "printf('%.12f', json_extract(j, '\$[0].after'))"
}
typed() {
	exits 0 whatif a 'i[0] = 0.5 @1' --text "$1" --json
	of_json "printf('%.12f', json_extract(j, '\$[0].before'))"
}
same 'another word' "$(whatif 'word @4 = so')" "$(typed 'the food was so good')"
same 'two for one' "$(whatif 'word @4 = so very')" "$(typed 'the food was so very good')"
same 'one more' "$(whatif 'insert @5 = so')" "$(typed 'the food was not so good')"
same 'at the end' "$(whatif 'insert @6 = "at all"')" "$(typed 'the food was not good at all')"
same 'one less' "$(whatif 'remove @4')" "$(typed 'the food was good')"
same 'one after the other' "$(whatif 'remove @4' 'insert @1 = so' 'word @5 = bad')" \
	"$(typed 'so the food was bad')"
same 'a number goes along' "$(whatif 'h[3] = 0 @5' 'remove @4')" "$(whatif 'remove @4' 'h[3] = 0 @4')"
same 'an ablation' "$(whatif 'ablate 3,7')" "$(whatif 'c[3,7] = 0' 'h[3,7] = 0')"
it words_are_edited

exits 0 whatif a 'word @4 = so' --text "$text" --json
same 'what it is held against' "$(of_json "json_extract(j, '\$[0].random')")" 'random vocabulary words'
same 'so many' "$(of_json "json_extract(j, '\$[0].random_runs')")" 100
same 'from there on' "$(of_json "json_extract(j, '\$[0].first_step')")" 4
same 'it spreads' "$(of_json "json_extract(j, '\$[0].random_sd') > 0")" 1
exits 0 whatif a 'remove @4' --text "$text" --json
same 'each other word' "$(of_json "json_extract(j, '\$[0].random_runs')")" 4
exits 0 whatif a 'ablate 1,2' --text "$text" --random 120 --json
same 'units' "$(of_json "json_extract(j, '\$[0].random')")" 'random units'
same 'so many units' "$(of_json "json_extract(j, '\$[0].random_runs')")" 120
exits 0 whatif a 'remove @1' --text 'good food' --json
same 'one other' "$(of_json "json_extract(j, '\$[0].random_sd')")" 0
it edits_are_held_against_random_ones

exits 2 whatif a 'word @9 = so' --text "$text"
says 'column 6: steps are 1 to 5'
exits 2 whatif a 'remove @5' 'remove @5' --text "$text"
says 'steps are 1 to 4'
exits 2 whatif a 'remove @1' --text good
says 'the only word'
exits 2 whatif a 'word = so' --text "$text"
says 'say at which step'
exits 2 whatif a 'ablate 12' --text "$text"
says 'units are 0 to 11, not 12'
exits 2 whatif a 'insert @1 = ""' --text "$text"
says 'no edit\|no word'
exits 0 train --data "$english" --set hidden=12 --set embed=8 --set epochs=1 --set max_len=8 --set mask=false --name p -q
exits 2 whatif p 'remove @1' --text "$text"
says 'step 1 is padding, and no word'
it bad_words_are_told

# A decoder writes anew from what is left of the text.
exits 0 train --data "$english" --set task=reconstruct --set hidden=16 --set embed=8 --set epochs=2 --name r -q
exits 0 whatif r 'remove @1' --text 'good food here' --csv
first_line 'step,before,after,p_before,p_after'
sed 1d out | cut -d, -f3 | grep -v '^$' >after
exits 0 whatif r 'f[1] = 0.5 @1' --text 'food here' --csv
same 'the same answer' "$(sed 1d out | cut -d, -f2 | grep -v '^$')" "$(cat after)"
it a_decoder_follows
finish
