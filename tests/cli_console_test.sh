# SPDX-License-Identifier: GPL-3.0-or-later
# What a first user types into the console and gets wrong, or takes for granted: clear answers, and no waiting for ever.
. "$(dirname "$0")/cli.sh"
english=$root/samples/english.tsv
text='the food was not good'
export XDG_STATE_HOME="$tmp"

exits 0 train -c "$root/samples/english.ini" --set hidden=12 --set embed=8 --set epochs=2 --set seed=3 --set keep=best --name a -q
exits 0 train -c "$root/samples/english.ini" --set cell=NIG --set hidden=4 --set embed=4 --set epochs=1 --name nig -q

# script LINE...: a command file of these lines.
script() { printf '%s\n' "$@" >f.sluice; }

# A question that a line which may fail has asked is not there for the next one.
script "trace $text" '-break' 'step' '-set' '-sentence' 'step'
exits 0 a --script f.sluice
same 'the lines behind it' "$(cat out)" 'step 2 of 5, “food”
step 3 of 5, “was”'
same 'what is told' "$(grep -c ': this asks “' err)" 3
it unanswered_questions_end

script "trace $text" 'display d(c[3])' 'display word' 'step 2' 'goto 1' 'print t' 'break word == "not"' 'continue'
exits 0 a --script f.sluice
same 'at each step come to' "$(sed 's/= -*[0-9.]*$/= NUMBER/' out)" 'display 1: d(c[3])
display 2: word
step 3 of 5, “was”
display 1: d(c[3]) = NUMBER
display 2: word = “was”
display 1: d(c[3]) = NUMBER
display 2: word = “the”
t = NUMBER
break 3: word == "not"
break 3: word == "not" · step 4 of 5, “not”
display 1: d(c[3]) = NUMBER
display 2: word = “not”'
script "trace $text" 'display c[3]' 'stepi 11'
exits 0 a --script f.sluice
same 'not before they come' "$(grep -c '^display 1: c.3. =' out)" 0
it displays_are_told

script "trace $text" 'project --limit 20' 'project --state h --limit 20'
exits 0 a --script f.sluice --csv
same 'the path of the sentence' "$(grep -c '^[1-5],' out)" 10
same 'its texts' "$(grep -c '^,,[0-9]*,[np]' out)" 40
it project_takes_the_sentence

exits 0 equations a --text "$text" --unit 3 --at 2 --csv
cp out shell
script "trace $text" 'goto c[3]@2' 'equations'
exits 0 a --script f.sluice --csv
same 'every digit' "$(cat out)" "$(cat shell)"
exits 0 a --script f.sluice --json
tail -1 out >last && mv last out
same 'of JSON' "$(of_json "printf('%.12f', json_extract(j, '\$.rows[0][4]'))")" \
	"$(printf '%.12f' "$(sed -n 2p shell | cut -d, -f5)")"
it equations_are_exact_where_rows_are

script 'trace good food' 'ledger'
exits 2 --script f.sluice --store none.db
says 'ledger is about a run of the store, and the one here has no checkpoint yet'
script 'trace good food' 'match units 1'
exits 2 --script f.sluice --store none.db
says 'open a run of the store first'
it without_a_run_it_says_so

script "trace $text" 'break word == "not"' 'run /nonexistent'
exits 8 a --script f.sluice
says 'f.sluice:3: /nonexistent: cannot be read'
it a_bad_corpus_has_the_exit_code_of_bad_files

exits 2 whatif a 'f[1] = 1e999 @2' --text "$text"
says 'column 8: a finite number is needed'
exits 2 whatif a 'f[1] = 1 @3..2' --text "$text"
says 'column 10: steps go up, not from 3 to 2'
exits 2 whatif a 'f[1] = 1' --text "$text" --random 99
says '--random is at least 100'
exits 0 whatif a 'ablate 0,1,2,3,4,5,6,7,8,9,10,11' --text "$text" --json
same 'no others' "$(of_json "json_extract(j, '\$[0].random_runs')")" ''
exits 0 whatif a 'ablate 0,1,2,3,4,5,6,7,8,9,10' --text "$text" --json
same 'others' "$(of_json "json_extract(j, '\$[0].random_runs')")" 100
exits 2 print nig 'z_i' --text "$text"
says "no 'z_i'; it has i f g o c h, z_f"
exits 2 print a 'p(good)' --text "$text"
says "there is no class 'good'; there are neg, pos"
exits 2 note a unit -1 x
says "units go from 0 to 11, not '-1'"
exits 3 diff a --with @1 --text "$text"
says 'the only one is at'
exits 0 search a 'f[1] < 0' --data "$english"
says 'it holds at no step of 400 texts'
it nonsense_is_told

printf '%s\n' "trace $text" 'search word == "not" && t > 1 --limit 1' "search a 'mean(i) > 0.1' --limit 1" \
	"search 'word == \"not\"' --limit 1" 'whatif f[1] = 0 @2' 'whatif ablate 3,7' "whatif 'f[1] = 0' 'h[2] = 1'" \
	'print f[1] --at 2' >free.sluice
exits 0 a --script free.sluice --json -q
same 'no quotes are needed' "$(grep -c '"columns"' out)" 7
same 'nor is anything refused' "$(grep -c '"error"' out)" 0
printf '%s\n' 'search a f[1] > 0.1' >free.sluice
exits 2 a --script free.sluice
says 'one argument too many'
it expressions_stand_as_they_are

exits 0 help expressions
cp out topic
for e in 'f[2] < 0.1 && word == "not"' 'mean(i) > 0.9' 'd(c[3]) > 0.5' 'l0.fw.h[2]@4 > 0' 'z_i[1]' 'x[2]' 'unknown' 't' 'T' 'layer' 'p(pos)' \
	'prev(h[1])' 'abs(c[1])' 'sum(f)' 'max(f)' 'min(f)' 'norm(h)' 'argmax(h)' '!(1 + 2 - 3 * 4 / 5 >= 6 || 7 <= 8)' '1 != 2'; do
	exits 0 print a "$e" --text "$text"
done
exits 0 whatif a 'f[2,3] = 0 @3..5' 'f = 1 @2' 'ablate 3,7' 'word @4 = so' 'insert @3 = very' 'remove @1' --text "$text"
exits 0 help search
same 'where it is told' "$(grep -c 'sluice help expressions' out)" 1
it expressions_have_help
finish
