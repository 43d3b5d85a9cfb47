/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Computed tables as SQLite sees them: what query.c asks of virtual.c. Not for other rooms. */
#ifndef SLUICE_STORE_VIRTUAL_H
#define SLUICE_STORE_VIRTUAL_H

#include "store/query.h"

#include <sqlite3.h>

struct virtual_table {
	struct query_table table;
	int (*stop)(void *query); /* whether the statement is to end */
	void *query;
	struct err *failed; /* where a table's own error is left for the query */
	struct virtual_table *next;
};

/* Makes the table known to the connection, without an authorizer: SQLite's result code. The connection
 * frees v and what the table owns, when it is closed at the latest. */
int virtual_register(sqlite3 *db, struct virtual_table *v);

#endif
