/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmocka and the headers it needs, in the order it needs them. Tests speak TAP (tests/run.sh). */
#ifndef SLUICE_TESTS_UNIT_H
#define SLUICE_TESTS_UNIT_H

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#endif
