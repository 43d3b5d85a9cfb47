/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/nn/cell.h"

#include <stdio.h>
#include <string.h>

static const struct cell_ops *const table[] = {
	&cell_standard, &cell_article,   &cell_V,          &cell_NIG,  &cell_NFG,
	&cell_NOG,      &cell_NIAF,      &cell_NOAF,       &cell_CIFG, &cell_NP,
	&cell_FGR,      &cell_gru_after, &cell_gru_before,
};
enum { TABLE_SIZE = sizeof(table) / sizeof(table[0]) };

const struct cell_ops *cell_at(int index)
{
	return index >= 0 && index < TABLE_SIZE ? table[index] : NULL;
}

const struct cell_ops *cell_find(const char *name)
{
	for (int k = 0; k < TABLE_SIZE; k++)
		if (!strcmp(table[k]->name, name))
			return table[k];
	return NULL;
}

const struct cell_ops *cell_find_code(int code)
{
	for (int k = 0; k < TABLE_SIZE; k++)
		if (table[k]->code == code)
			return table[k];
	return NULL;
}

int cell_gate(const struct cell_ops *cell, const char *name)
{
	for (int k = 0; k < cell->gates; k++)
		if (!strcmp(cell->gate[k].name, name))
			return k;
	return -1;
}

struct cell_layout cell_layout(const struct cell_ops *cell, int E, int H, size_t at)
{
	struct cell_layout l = {.E = E, .H = H};
	size_t start = at, h = (size_t)H;

	l.W = at;
	at += (size_t)cell->x_gates * h * (size_t)E;
	l.U = at;
	at += (size_t)cell->h_gates * h * h;
	l.b = at;
	at += (size_t)cell->gates * h;
	for (int k = 0; k < cell->extras; k++) {
		l.extra[k] = at;
		at += cell->extra[k].cols ? h * h : h;
	}
	l.size = at - start;
	return l;
}

bool cell_tensor(const struct cell_ops *cell, const struct cell_layout *at, const char *name,
		 size_t *offset, int *rows, int *cols)
{
	size_t H = (size_t)at->H;
	int q;

	*rows = at->H;
	for (int k = 0; k < cell->extras; k++)
		if (!strcmp(cell->extra[k].name, name)) {
			*offset = at->extra[k];
			*cols = cell->extra[k].cols ? at->H : 0;
			return true;
		}
	if (name[0] == '\0' || name[1] != '_' || (q = cell_gate(cell, name + 2)) < 0)
		return false;
	if (name[0] == 'W' && q < cell->x_gates) {
		*offset = at->W + (size_t)q * H * (size_t)at->E;
		*cols = at->E;
	} else if (name[0] == 'U' && q < cell->h_gates) {
		*offset = at->U + (size_t)q * H * H;
		*cols = at->H;
	} else if (name[0] == 'b') {
		*offset = at->b + (size_t)q * H;
		*cols = 0;
	} else {
		return false;
	}
	return true;
}

const char *cell_tensor_name(const struct cell_ops *cell, int k, char name[16])
{
	const int count[3] = {cell->x_gates, cell->h_gates, cell->gates};

	for (int kind = 0; kind < 3; k -= count[kind++])
		if (k < count[kind]) {
			snprintf(name, 16, "%c_%s", "WUb"[kind], cell -> gate[k].name);
			return name;
		}
	if (k >= cell->extras)
		return NULL;
	snprintf(name, 16, "%s", cell->extra[k].name);
	return name;
}
