/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/exchange/safetensors.h"

#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/exchange/layout.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct tensor {
	char name[48];
	const real *data; /* NULL: zeros */
	int rows, cols;   /* cols 0: a vector */
};

enum { MAX_TENSORS = MODEL_MAX_PARAMS + 1 };

static size_t elements(const struct tensor *t)
{
	return (size_t)t->rows * (size_t)(t->cols ? t->cols : 1);
}

static void add(struct tensor *t, int *n, const real *data, int rows, int cols, const char *fmt,
		...) __attribute__((format(printf, 6, 7)));

static void add(struct tensor *t, int *n, const real *data, int rows, int cols, const char *fmt,
		...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(t[*n].name, sizeof(t[*n].name), fmt, ap);
	va_end(ap);
	t[*n].data = data;
	t[*n].rows = rows;
	t[(*n)++].cols = cols;
}

/* One run as nn.LSTM names it. Its tensors have our gates in our order, so that they are not copied;
 * its two biases add up to ours. */
static void add_torch(const struct stack *s, const char *side, const real *w, int run,
		      struct tensor *t, int *n)
{
	const struct cell_layout *at = &s->run[run].at;
	const int dirs = s->spec.dirs;
	const struct layout_layer of = {at->E, at->H, run / dirs, run % dirs};
	const real *const part[] = {[LAYOUT_W] = w + at->W,
				    [LAYOUT_U] = w + at->U,
				    [LAYOUT_B] = w + at->b,
				    [LAYOUT_B_MORE] = NULL};
	struct layout_tensor l;

	for (int k = 0; layout_tensor(layout_find("torch"), &of, k, &l); k++)
		add(t, n, part[l.part], l.dim[0], l.rank > 1 ? l.dim[1] : 0, "%s.%s", side, l.name);
}

/* A run's tensors from number `first` on, gate by gate, in our own names. */
static void add_gates(const struct stack *s, const char *side, const real *w, int run, int first,
		      struct tensor *t, int *n)
{
	char prefix[16], name[16];
	size_t at;
	int rows, cols;

	stack_prefix(s, run, prefix);
	for (int k = first; stack_tensor(s, run, k, name, &at, &rows, &cols); k++)
		add(t, n, w + at, rows, cols, "%s.%s%s", side, prefix, name);
}

static void add_stack(const struct stack *s, const char *side, const real *w, struct tensor *t,
		      int *n)
{
	for (int run = 0; run < s->runs; run++) { /* no decoder has no runs */
		const struct cell_ops *cell = s->spec.cell;
		const int own = cell->x_gates + cell->h_gates + cell->gates + cell->extras;

		if (cell == &cell_standard)
			add_torch(s, side, w, run, t, n);
		add_gates(s, side, w, run, cell == &cell_standard ? own : 0, t, n);
	}
}

static void add_table(const struct id_table *table, const real *w, struct tensor *t, int *n,
		      const char *name)
{
	add(t, n, w + table->at, table->rows, table->width, "%s", name);
}

static int list_tensors(const struct model *m, const real *w, struct tensor *t)
{
	int n = 0;

	if (m->tables)
		add_table(&m->table[0], w, t, &n, "embedding.weight");
	add_stack(&m->stack, "lstm", w, t, &n);
	if (model_param(m, "pool.w"))
		add(t, &n, w + m->pool_w, m->D, 0, "pool.weight");
	if (m->tables > 1)
		add_table(&m->table[1], w, t, &n, "decoder.embedding.weight");
	for (int k = 0; k < m->params; k++) { /* of pairs */
		const struct param *p = &m->param[k];

		if (!strncmp(p->name, "bridge.", 7) || !strncmp(p->name, "attention.", 10))
			add(t, &n, w + p->at, p->rows, p->cols, "%s", p->name);
	}
	add_stack(&m->dec, "decoder", w, t, &n);
	add(t, &n, w + m->head_W, m->spec.classes, m->K, "head.weight");
	add(t, &n, w + m->head_b, m->spec.classes, 0, "head.bias");
	return n;
}

static void write_header(struct buf *out, const struct tensor *t, int count,
			 const struct meta *meta, int metas)
{
	struct json_writer j = jw_to(out);
	size_t at = 0;

	jw_object(&j);
	jw_key(&j, "__metadata__");
	jw_object(&j);
	for (int k = 0; k < metas; k++) {
		jw_key(&j, meta[k].key);
		jw_text(&j, meta[k].value);
	}
	jw_object_end(&j);
	for (int k = 0; k < count; k++) {
		const size_t end = at + elements(&t[k]) * sizeof(float);

		jw_key(&j, t[k].name);
		jw_object(&j);
		jw_key(&j, "dtype");
		jw_text(&j, "F32");
		jw_key(&j, "shape");
		jw_array(&j);
		jw_int(&j, t[k].rows);
		if (t[k].cols)
			jw_int(&j, t[k].cols);
		jw_array_end(&j);
		jw_key(&j, "data_offsets");
		jw_array(&j);
		jw_int(&j, (int64_t)at);
		jw_int(&j, (int64_t)end);
		jw_array_end(&j);
		jw_object_end(&j);
		at = end;
	}
	jw_object_end(&j);
	while (out->len % 8)
		buf_byte(out, ' ');
}

static bool write_tensor(FILE *f, const struct tensor *t)
{
	for (size_t k = 0; k < elements(t); k++) {
		const float v = t->data ? (float)t->data[k] : 0;
		uint32_t bits;
		unsigned char le[4];

		memcpy(&bits, &v, sizeof(bits));
		for (int b = 0; b < 4; b++)
			le[b] = (unsigned char)(bits >> 8 * b);
		if (fwrite(le, 1, sizeof(le), f) != sizeof(le))
			return false;
	}
	return true;
}

static bool write_file(const struct tensor *t, int count, const struct meta *meta, int metas,
		       const char *path, struct err *err)
{
	char *temp = mem_printf("%s.%ld.tmp", path, (long)getpid());
	struct buf header = {0};
	unsigned char size[8];
	FILE *f = fopen(temp, "wb");
	bool ok = f;

	write_header(&header, t, count, meta, metas);
	for (int b = 0; b < 8; b++)
		size[b] = (unsigned char)((uint64_t)header.len >> 8 * b);
	ok = ok && fwrite(size, 1, 8, f) == 8 &&
	     fwrite(header.data, 1, header.len, f) == header.len;
	for (int k = 0; k < count && ok; k++)
		ok = write_tensor(f, &t[k]);
	ok = ok && fflush(f) == 0 && fsync(fileno(f)) == 0;
	if (f && fclose(f))
		ok = false;
	ok = ok && rename(temp, path) == 0;
	if (!ok) {
		err_set(err, ERR_FAILED, "cannot write %s: %s", path, strerror(errno));
		if (f)
			unlink(temp);
	}
	buf_release(&header);
	free(temp);
	return ok;
}

bool safetensors_write(const struct snapshot *s, const struct meta *meta, int metas,
		       const char *path, struct err *err)
{
	struct tensor t[MAX_TENSORS];
	const int count = list_tensors(&s->encoder->model, s->weights, t);

	return write_file(t, count, meta, metas, path, err);
}

bool safetensors_write_matrix(const char *name, const real *data, int rows, int cols,
			      const struct meta *meta, int metas, const char *path, struct err *err)
{
	struct tensor t[1];
	int count = 0;

	add(t, &count, data, rows, cols, "%s", name);
	return write_file(t, count, meta, metas, path, err);
}
