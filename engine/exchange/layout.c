/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/exchange/layout.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static const struct layout_ops table[] = {
	{.name = "keras",
	 .order = "ifgo",
	 .transposed = true,
	 .slot = {{"kernel", LAYOUT_W}, {"recurrent_kernel", LAYOUT_U}, {"bias", LAYOUT_B}}},
	{.name = "torch",
	 .order = "ifgo",
	 .numbered = true,
	 .slot = {{"weight_ih", LAYOUT_W},
		  {"weight_hh", LAYOUT_U},
		  {"bias_ih", LAYOUT_B},
		  {"bias_hh", LAYOUT_B_MORE}}},
	{.name = "onnx",
	 .order = "iofg",
	 .lead = 1,
	 .slot = {{"W", LAYOUT_W}, {"R", LAYOUT_U}, {"B", LAYOUT_B_BOTH}}},
	{.name = "kann",
	 .order = "ifog",
	 .split = true,
	 .slot = {{"W", LAYOUT_W}, {"U", LAYOUT_U}, {"b", LAYOUT_B}}},
};
enum { TABLE_SIZE = sizeof(table) / sizeof(table[0]) };

const struct layout_ops *layout_at(int index)
{
	return index >= 0 && index < TABLE_SIZE ? &table[index] : NULL;
}

const struct layout_ops *layout_find(const char *name)
{
	for (int k = 0; k < TABLE_SIZE; k++)
		if (!strcmp(table[k].name, name))
			return &table[k];
	return NULL;
}

static int slots(const struct layout_ops *l)
{
	int n = 0;

	while (n < LAYOUT_SLOTS && l->slot[n].name)
		n++;
	return n;
}

/* The slot of tensor k and the first of its gates in the order; NULL past the end. */
static const struct layout_slot *slot_of(const struct layout_ops *l, int k, int *gate)
{
	const int n = slots(l);

	assert(n > 0);
	*gate = l->split ? k / n : 0;
	return k < (l->split ? LAYOUT_GATES * n : n) ? &l->slot[k % n] : NULL;
}

bool layout_tensor(const struct layout_ops *l, const struct layout_layer *of, int k,
		   struct layout_tensor *t)
{
	int gate, rows = (l->split ? 1 : LAYOUT_GATES) * of->H, cols;
	const struct layout_slot *slot = slot_of(l, k, &gate);

	if (!slot)
		return false;
	if (l->split)
		snprintf(t->name, sizeof(t->name), "%s_%c", slot->name, l->order[gate]);
	else if (l->numbered)
		snprintf(t->name, sizeof(t->name), "%s_l%d%s", slot->name, of->number,
			 of->reverse ? "_reverse" : "");
	else
		snprintf(t->name, sizeof(t->name), "%s", slot->name);
	t->part = slot->part;
	t->dim[0] = t->dim[1] = t->dim[2] = 1;
	t->rank = l->lead;
	if (slot->part == LAYOUT_W || slot->part == LAYOUT_U) {
		cols = slot->part == LAYOUT_W ? of->E : of->H;
		t->dim[t->rank++] = l->transposed ? cols : rows;
		t->dim[t->rank++] = l->transposed ? rows : cols;
	} else {
		t->dim[t->rank++] = slot->part == LAYOUT_B_BOTH ? 2 * rows : rows;
	}
	return true;
}

static size_t elements(const struct layout_tensor *t)
{
	return (size_t)t->dim[0] * (size_t)t->dim[1] * (size_t)t->dim[2];
}

size_t layout_lay(const struct layout_ops *l, const struct layout_layer *of, real *block,
		  real *tensor[])
{
	struct layout_tensor t;
	size_t at = 0;

	for (int k = 0; layout_tensor(l, of, k, &t); k++) {
		if (tensor)
			tensor[k] = block + at;
		at += elements(&t);
	}
	return at;
}

/* Our place of a gate, by its letter. */
static size_t our_gate(char letter)
{
	size_t q = 0;

	while (cell_standard.gate[q].name[0] != letter)
		q++;
	return q;
}

/* Where element j of tensor k lies in our block; *more where it adds to a first bias. */
static size_t place(const struct layout_ops *l, const struct cell_layout *at, int k, size_t j,
		    bool *more)
{
	const size_t H = (size_t)at->H, rows = (l->split ? 1 : LAYOUT_GATES) * H;
	int gate;
	const enum layout_part part = slot_of(l, k, &gate)->part;
	const size_t cols = part == LAYOUT_W ? (size_t)at->E : part == LAYOUT_U ? H : 1;
	const size_t start = part == LAYOUT_W ? at->W : part == LAYOUT_U ? at->U : at->b;
	const size_t size = rows * cols;
	size_t row, col;

	assert(rows > 0 && cols > 0 && size > 0);
	*more = part == LAYOUT_B_MORE || j >= size;
	j %= size;
	row = l->transposed ? j % rows : j / cols;
	col = l->transposed ? j / rows : j % cols;
	row = our_gate(l->order[(size_t)gate + row / H]) * H + row % H;
	return start + row * cols + col;
}

void layout_import(const struct layout_ops *l, const real *const tensor[], real *weights,
		   const struct cell_layout *at)
{
	const struct layout_layer of = {.E = at->E, .H = at->H};
	struct layout_tensor t;
	bool more;

	for (int k = 0; layout_tensor(l, &of, k, &t); k++)
		for (size_t j = 0; j < elements(&t); j++) {
			real *w = weights + place(l, at, k, j, &more);

			*w = more ? *w + tensor[k][j] : tensor[k][j];
		}
}

void layout_export(const struct layout_ops *l, const real *weights, const struct cell_layout *at,
		   real *const tensor[])
{
	const struct layout_layer of = {.E = at->E, .H = at->H};
	struct layout_tensor t;
	bool more;

	for (int k = 0; layout_tensor(l, &of, k, &t); k++)
		for (size_t j = 0; j < elements(&t); j++) {
			const real w = weights[place(l, at, k, j, &more)];

			tensor[k][j] = more ? 0 : w;
		}
}
