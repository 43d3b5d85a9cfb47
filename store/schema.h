/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The shape of the store: numbered steps that lead from one version to the next, and the public
 * views, which every migration makes anew. Tables may change; views are a contract.
 */
#ifndef SLUICE_STORE_SCHEMA_H
#define SLUICE_STORE_SCHEMA_H

#include "store/handle.h"

enum { SCHEMA_APPLICATION = 0x534C5543 }; /* "SLUC" */

/* A step: its statements, ended by NULL. Step k leads from version k to k + 1. */
struct schema_step {
	const char *const *sql;
};

struct schema_view {
	const char *name;
	const char *about; /* one line for people */
	const char *sql;   /* the text after "CREATE VIEW name AS " */
};

/*
 * The scores of checkpoint c (a: validation accuracy, l: validation loss) and the order that puts
 * the best first: highest accuracy, then lowest loss, then the earliest; without any, the latest.
 */
#define SCHEMA_SCORES                                                                              \
	" LEFT JOIN metric a ON a.run_id=c.run_id AND a.step=c.step AND abs(a.value)<9e999"        \
	" AND a.key_id=(SELECT key_id FROM metric_key WHERE name='valid/accuracy')"                \
	" LEFT JOIN metric l ON l.run_id=c.run_id AND l.step=c.step AND abs(l.value)<9e999"        \
	" AND l.key_id=(SELECT key_id FROM metric_key WHERE name='valid/loss')"
#define SCHEMA_BEST_FIRST                                                                          \
	" a.value DESC NULLS LAST, l.value ASC NULLS LAST,"                                        \
	" iif(a.value IS NULL AND l.value IS NULL, -c.step, c.step)"

/* The step table and its length, which is the version of this program. */
const struct schema_step *schema_steps(int *version);

/* The view at index, NULL past the end. */
const struct schema_view *schema_view_at(int index);

/* Refuses a store of a version above this, with both versions. Changes nothing. */
bool schema_known(struct store *s, int version, struct err *err);

/* Whether the store is of an earlier version than this. */
bool schema_older(struct store *s, int version);

/*
 * Brings the store from its version to the given one with these steps, in one transaction, after
 * a copy to PATH.pre-vN when it holds anything. What schema_known refuses is refused. The handle
 * holds the sidecar lock.
 */
bool schema_migrate(struct store *s, const struct schema_step *steps, int version, struct err *err);

#endif
