#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# What a training costs: said before it begins, refused where it is too much, shown of a run.
# shellcheck disable=SC2086
. "$(dirname "$0")/cli.sh"
english=$root/samples/english.ini

exits 0 cost -c "$english" --json
quiet
keys_are '$' 'parameters,bytes,groups,flop,memory,epoch,sharing,time'
keys_are '$.groups[0]' 'group,parameters,bytes'
keys_are '$.flop.forward' 'token,text'
keys_are '$.flop.backward' 'token,text'
keys_are '$.memory' 'weights,gradients,optimizer,snapshots,activations,validation,texts,program,not_at_once,at_most'
keys_are '$.epoch' 'texts,tokens,valid_tokens'
keys_are '$.time' 'measured_steps,measured_seconds,measured_bytes,tokens_per_s,gflop_per_s,epoch_seconds,epochs,seconds'
same 'groups' "$(of_json "(SELECT group_concat(value->>'group') FROM json_each(j, '\$.groups'))")" 'embedding,l0,head'
same 'they are all' "$(of_json "(SELECT sum(value->>'parameters') FROM json_each(j, '\$.groups'))=(j->>'parameters')")" 1
same 'four bytes each' "$(of_json "(j->>'bytes')=4*(j->>'parameters')")" 1
# 2 H (4 E + 4 H) with 32 of each; 2 C H
same 'arithmetic' "$(of_json "(j->>'\$.flop.forward.token')||' '||(j->>'\$.flop.backward.token')||' '||(j->>'\$.flop.forward.text')")" '16384 32768 128'
same 'it was measured' "$(of_json "(j->>'\$.time.measured_steps')>0 AND (j->>'\$.time.tokens_per_s')>0 AND (j->>'\$.time.gflop_per_s')>0")" 1
same 'all epochs' "$(of_json "abs((j->>'\$.time.seconds')-15*(j->>'\$.time.epoch_seconds'))<1e-6")" 1
[ ! -e s.db ] || complain 'cost made a store'
it cost_json_has_stable_keys

exits 0 cost -c "$english" --untimed
first_line 'what\tpart\tnumber\tin_words'
for row in 'parameters	embedding	' 'parameters	all	23362	93 kB' 'forward	token	16384	16 kFLOP' \
	'memory	weights	93448	' 'memory	optimizer	186896	' 'memory	at most	' 'epoch	tokens	'; do
	prints "^$row"
done
same 'no time' "$(grep -c '^seconds' out)" 0
exits 0 cost -c "$english" --set pool=attention --set layers=2 --set bidirectional=true --untimed --output table
prints '^parameters  l1 '
prints '^parameters  pool '
exits 0 cost -c "$english" --untimed --json
same 'not measured' "$(of_json "j->>'time' IS NULL")" 1
exits 2 cost --untimed
says 'no training data'
exits 2 cost -c "$english" --set hiden=3 --untimed
says 'hiden'
it cost_has_a_row_for_each_part

for task in generate reconstruct; do
	exits 0 cost --set task=$task --data "$root/samples/article.txt" --set batch=1 --set valid_split=0 --json
	same "$task is measured" "$(of_json "(j->>'\$.time.tokens_per_s')>0 AND (j->>'\$.epoch.tokens')>0")" 1
done
it cost_knows_every_task

exits 0 train $tiny --data six.tsv
same 'one line before it begins' "$(head -1 err | grep -c '^[0-9,]* parameters ([0-9.]* k*B) · [0-9.]* k*FLOP a token · [0-9.]* MB of memory$')" 1
same 'one only' "$(grep -c 'FLOP a token' err)" 1
exits 0 train $tiny --data six.tsv --progress ndjson
same 'not in ndjson' "$(grep -c 'FLOP' err)" 0
exits 0 train $tiny --data six.tsv -q
quiet
it train_says_its_cost

# Held down to a level without bfloat16 a run is one in float32, and is kept as such.
SLUICE_SIMD=avx2
export SLUICE_SIMD
exits 0 cost $tiny --untimed --data six.tsv --set precision=bf16
says 'precision=bf16: this processor or build has neither AMX nor AVX-512 BF16; products are computed in float32'
exits 0 train $tiny -q --data six.tsv --name plain --set precision=bf16
exits 0 query "SELECT value FROM params WHERE param='precision' AND run=(SELECT run FROM runs WHERE name='plain')"
same 'the precision kept' "$(tail -1 out)" f32
unset SLUICE_SIMD
it without_bfloat16_a_run_says_so

SLUICE_SIMD=fast
export SLUICE_SIMD
exits 0 runs --json
says "SLUICE_SIMD is portable, avx2 or avx512, not 'fast': left out of account"
SLUICE_SIMD=portable
exits 0 train $tiny -q --data six.tsv --name slow
quiet
unset SLUICE_SIMD
it a_level_of_instructions_can_be_named

# Whatever the machine has: 1.6e9 weights, their gradients in 64 threads, and all copies of them.
big='--set hidden=8192 --set embed=8192 --set layers=3 --set threads=64 --set batch=512'
for command in train cost; do
	exits 2 $command --data six.tsv $big
	says 'parameters (6.[0-9] GB) needs [0-9]* GB of memory, most of it ([0-9]* GB) for gradients, and there are .*: lower threads'
done
exits 2 train --data six.tsv --set hidden=8192 --set embed=8192 --set layers=4
says 'more than 2e9 weights'
it what_cannot_fit_is_refused_with_the_numbers

exits 0 train $tiny -q --data six.tsv --name shown --set optimizer=sgd
exits 0 show shown --json
field() { of_json "(SELECT value->>'value' FROM json_each(j) WHERE value->>'field'='$1')"; }
same 'the groups are all' "$(($(field 'parameters embedding') + $(field 'parameters l0') + $(field 'parameters head')))" "$(field parameters)"
same 'bytes' "$(field bytes)" "$((4 * $(field parameters)))"
same 'arithmetic' "$(field flop_per_token_forward) $(field flop_per_token_backward)" '256 512'
# weights, gradients, two snapshots: sgd has no state
same 'memory' "$(field memory)" "$((4 * $(field bytes)))"
[ "$(field memory_per_token)" -gt 0 ] || complain 'no memory_per_token'
it show_has_the_cost_of_a_run
finish
