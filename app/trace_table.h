/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Gates in SQL: FROM trace(RUN, TEXT) has a row for each layer, direction, t and unit, in this order,
 * with every gate in double, as app/command/trace.h has it (there rounded to float32). A signal that
 * the cell has not is NULL, a gate that a variant lacks is 1. A NULL among the arguments has no rows.
 *
 * Runs and traces are kept until the statement ends: many texts of a run read its weights once. Its
 * deadline and ^C are looked at before each text, not within one, and so a text's length is limited.
 */
#ifndef SLUICE_APP_TRACE_TABLE_H
#define SLUICE_APP_TRACE_TABLE_H

#include "store/query.h"

#define TRACE_TABLE "trace(RUN, TEXT)"
#define TRACE_TABLE_ABOUT                                                                          \
	"every gate of a run over a text, one row for each layer, direction, t and unit"

/* How many numbers a signal of one text may have: tokens times units times layers and directions. */
enum { TRACE_TABLE_MOST = 5 << 20 };

/* Adds the table to a query, for the runs of the store at this path (copied). ERR_FAILED; what
 * a statement may be told: ERR_NO_RUN and others of archive_load, ERR_USAGE for a text without a token or
 * with too many. */
bool trace_table_add(struct query *q, const char *store, struct err *err);

/* The store's worked questions and, after these, those to the table; NULL past the end. */
const struct query_question *trace_question_at(int index);

#endif
