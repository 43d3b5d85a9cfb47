# SPDX-License-Identifier: GPL-3.0-or-later
# Gates in SQL: the table trace(RUN, TEXT) of the command query.
. "$(dirname "$0")/cli.sh"

exits 0 train --data six.tsv $tiny --set layers=2 --set bidirectional=true --name a -q
exits 0 train --data six.tsv $tiny --set cell=gru_after --name gru -q
exits 0 train --data six.tsv $tiny --set cell=NOG --name nog -q
exits 0 train --data six.tsv $tiny --set task=reconstruct --name r -q
text='very good day'

# rows_of RUN SIGNALS: the same numbers from the command trace and from SQL, to the float32 it prints.
rows_of() {
	exits 0 trace "$1" --text "$text" --csv
	cp out traced
	exits 0 query "SELECT layer, direction, t, token, unit, $2 FROM trace('$1', '$text')" --csv
	same "$1: columns" "$(head -1 out)" "$(head -1 traced)"
	same "$1: rows" "$(grep -c '' out)" "$(grep -c '' traced)"
	far=$(paste -d, traced out | awk -F, 'NR > 1 {
		n = NF / 2
		for (k = 1; k <= n; k++) {
			d = $k - $(k + n)
			if (k < 6 ? $k != $(k + n) : d > 1e-7 || d < -1e-7)
				print
		}
	}' | head -3)
	[ -z "$far" ] || complain "$1: $far"
}
rows_of a i,f,g,o,c,h
rows_of gru r,z,n,h
rows_of nog i,f,g,o,c,h
rows_of r i,f,g,o,c,h
exits 0 query "SELECT DISTINCT direction FROM trace('r', '$text')" --csv
prints dec
exits 0 query "SELECT count(*) FROM trace('gru', '$text') WHERE i IS NULL AND c IS NULL AND z>0" --csv
same 'what the cell has not' "$(sed 1d out)" 12
exits 0 query "SELECT min(o), max(o) FROM trace('nog', '$text')" --csv
same 'a lacking gate' "$(sed 1d out)" 1,1
it rows_are_those_of_trace

for where in 'unit=2' 't=2' 'layer=1' 'unit=1 AND t=3 AND layer=0' 't=0' 'unit=99' "unit='3'" 'unit=1.0' \
	'unit IN (3,1)' "direction='bw' AND t=1" 't=-1'; do
	exits 0 query "SELECT * FROM trace('a', '$text') WHERE $where" --csv
	cp out pushed
	exits 0 query "WITH v AS MATERIALIZED (SELECT * FROM trace('a', '$text')) SELECT * FROM v WHERE $where" --csv
	same "$where" "$(sort pushed | cksum)" "$(sort out | cksum)"
done
it what_is_looked_for_is_what_is_filtered

exits 0 query "SELECT v.column1, sum(t.c) FROM (VALUES('good day'),('bad day')) v, trace('a', v.column1) t GROUP BY 1" --csv
cp out together
for x in 'bad day' 'good day'; do
	exits 0 query "SELECT '$x', sum(c) FROM trace('a', '$x')" --csv
	same "$x" "$(sed 1d out)" "$(grep "^$x" together)"
done
exits 0 query "SELECT count(*) FROM trace('a', 'good day') x JOIN trace('gru', 'good day') y USING(layer, direction, t, unit) WHERE x.token=y.token" --csv
same 'two runs' "$(sed 1d out)" 8
exits 0 query "SELECT count(*), count(DISTINCT r.run) FROM runs r, trace(r.name, 'good') t WHERE t.unit=0 AND t.direction='fw'" --csv
same 'every run' "$(sed 1d out)" 5,4
it texts_and_runs_are_joined

exits 3 query "SELECT * FROM trace('nobody', 'good')"
says 'nobody: no such run'
exits 3 query "SELECT * FROM trace('a@7', 'good')"
exits 2 query "SELECT * FROM trace('a', '')"
says 'no token in the text'
exits 2 query "SELECT * FROM trace('a')"
says 'needs its 2 arguments: FROM trace(run, text)'
exits 2 query "SELECT * FROM trace('a', 'good', 1)"
exits 2 query "SELECT * FROM trace('a', (WITH RECURSIVE n(x) AS (VALUES(1) UNION ALL SELECT x+1 FROM n WHERE x<400000) SELECT group_concat('good', ' ') FROM n))"
says 'the text has 400000 tokens'
same 'no answer' "$(cat out)" ''
exits 0 query "SELECT count(*) FROM trace('a', NULL)" --csv
exits 2 query "DELETE FROM trace"
says 'queries only read'
exits 2 query "INSERT INTO trace VALUES(1)"
says 'queries only read'
exits 6 query --timeout 0.05 "WITH RECURSIVE n(x) AS (VALUES(1) UNION ALL SELECT x+1 FROM n) SELECT sum(f) FROM n, trace('a', 'good '||x)"
says 'longer than 50 ms'
it what_is_wrong_is_told

# A text of thousands of tokens costs what its steps cost, in two directions too.
exits 0 query "SELECT count(*), max(t) FROM trace('a', (WITH RECURSIVE n(x) AS (VALUES(1) UNION ALL SELECT x+1 FROM n WHERE x<5000) SELECT group_concat('good', ' ') FROM n)) WHERE unit=1" --csv
same 'a long text' "$(sed 1d out)" 20000,5000
it long_texts_are_traced

exits 0 query --list --json
same 'its columns' "$(of_json "(SELECT value->>'sql' FROM json_each(j) WHERE value->>'kind'='table')")" \
	'layer, direction, t, token, unit, i, f, g, o, c, h, r, z, n'
of_json "(SELECT group_concat(value->>'sql', char(10)) FROM json_each(j) WHERE value->>'sql' LIKE '%trace(%')" >questions
same 'its questions' "$(grep -c '' questions)" 2
while read -r sql; do
	exits 0 query "$sql" --csv
	[ "$(grep -c '' out)" -gt 1 ] || complain "no rows: $sql"
done <questions
it the_list_has_it_with_questions
finish
