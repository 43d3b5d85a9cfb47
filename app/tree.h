/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A list of runs as the tree that they come from each other in. */
#ifndef SLUICE_APP_TREE_H
#define SLUICE_APP_TREE_H

#include "store/list.h"

/*
 * Puts every run behind the one it was forked or tuned from, children in the order of the list; a family is
 * where the first of its members was. A run whose parent is not in the list has none. Fills depth (count):
 * 0 for a run without parent, 1 for its children and so on. Any thread.
 */
void runs_tree(struct run_row *rows, size_t count, int *depth);

#endif
