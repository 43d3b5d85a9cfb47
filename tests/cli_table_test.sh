# SPDX-License-Identifier: GPL-3.0-or-later
# How tables stand on a terminal.
. "$(dirname "$0")/cli.sh"

exits 0 train --data six.tsv $tiny --name a -q
exits 0 train --data six.tsv $tiny --set cell=gru_after --name gru -q

# Fields are a page: each value begins where the heading does, numbers too.
exits 0 show a --output table
at=$(awk 'NR == 1 { print index($0, "value") }' out)
same 'where values begin' "$(awk -v at="$at" 'substr($0, at - 1, 1) != " " || substr($0, at, 1) == " "' out | head -2)" ''
prints '^steps  *[0-9]'
exits 0 show a --csv
prints '^steps,[0-9]'
it fields_stand_to_the_left

# decimals COLUMN: how many the numbers in it have, each count once.
decimals() { awk -v c="$1" 'NR > 1 && $1 ~ /^[0-9]+$/ { print length($c) - index($c, ".") }' out | sort -u | tr '\n' ' '; }
exits 0 gradient a --text 'very good day very bad day' --output table
for c in 3 4; do
	same "column $c" "$(decimals $c | wc -w)" 1
done
exits 0 gradient gru --text 'very good day' --unit 1 --output table
same 'of h' "$(decimals 3 | wc -w)" 1
# What fades away over many words is told with its power of ten.
exits 0 gradient a --text "$(awk 'BEGIN { for (k = 0; k < 200; k++) printf "good bad " }')" --output table
prints '^ *1  good  *[1-9]\.[0-9][0-9][0-9]e-[0-9][0-9]'
prints '^400  bad  *[1-9]\.[0-9][0-9][0-9]e'
it gradients_stand_under_each_other
finish
