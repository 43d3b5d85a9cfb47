/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a training costs beside what the machine can give, and both in words. */
#ifndef SLUICE_APP_BUDGET_H
#define SLUICE_APP_BUDGET_H

#include "engine/base/buf.h"
#include "engine/train/cost.h"

/*
 * Bytes that this process can still have: the least of what Linux calls available, and of what the
 * limits of its control group and of those above it leave (version 2 or 1; pages of files that were
 * read do not count as used). INT64_MAX where nothing is known. root stands before /proc and /sys:
 * "" unless in tests.
 */
int64_t budget_available(const char *root);

/* Processors that this process may use: those it is bound to, and no more than its control groups give
 * it time for; at least 1. */
int budget_processors(const char *root);

/* Bytes of memory that the process has now; 0 where that is not known. */
int64_t budget_resident(void);

/* ERR_USAGE, with the numbers and the setting to lower, where the parts of c that are not there yet
 * (texts and program are) take more than `available` bytes. */
bool budget_check(const struct cost *c, int64_t available, struct err *err);

/* "0.5 MB": never more than 16 bytes with its NUL. */
const char *budget_bytes(double bytes, char text[16]);
/* "0.9 MFLOP" */
const char *budget_flop(double flop, char text[16]);
/* "124,610" */
const char *budget_count(int64_t n, char text[32]);

/* Appends "124,610 parameters (0.5 MB) · 0.9 MFLOP a token · 34 MB of memory"; the arithmetic is
 * forward and backward. */
void budget_line(const struct cost *c, struct buf *out);

/* The processor's name, as the system has it. */
void budget_machine(char *out, size_t size);

#endif
