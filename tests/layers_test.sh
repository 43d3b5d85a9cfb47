#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
if found=$("$(dirname "$0")/layers.sh"); then echo "ok 1 - calls_go_down_only"
else echo "not ok 1 - calls_go_down_only"; echo "$found"; exit 1; fi
