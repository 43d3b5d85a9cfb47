#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The main job on the sample: on a terminal the workbench opens with it; elsewhere it is trained,
# looked into, and found again in the store.
build=$1
export SLUICE_STORE="${SLUICE_STORE:-$build/sample.db}"
if [ -t 0 ] && [ -t 1 ]; then
	SLUICE_SAMPLE=1 exec "$build/sluice"
fi
set -e
echo "== training on samples/english.tsv"
"$build/sluice" train -c samples/english.ini --name sample --output table
echo
echo "== the gates of one sentence, means over all units"
"$build/sluice" trace last --text "The food was not good, but the people were kind." --output table
echo
echo "== the run in the store ($SLUICE_STORE)"
"$build/sluice" runs --limit 3 --output table
