/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The assignment of n rows to as many of m columns, n <= m, one to one, whose sum is largest: the Hungarian
 * method in the form of shortest augmenting paths (Kuhn 1955; Jonker and Volgenant, Computing 38, 1987), in n²m
 * steps. Among equally good ones the same is always found.
 */
#ifndef SLUICE_ENGINE_COMPARE_ASSIGN_H
#define SLUICE_ENGINE_COMPARE_ASSIGN_H

#include <stdbool.h>

/* score is (n, m), finite; to (n) takes each row's column. cancel, or NULL, is looked at between rows; false:
 * it was set. Any thread. */
bool assign_best(const double *score, int n, int m, int *to, const int *cancel);

#endif
