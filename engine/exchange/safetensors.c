/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/exchange/safetensors.h"

#include "engine/base/json.h"
#include "engine/base/mem.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct tensor {
	char name[40];
	const real *data; /* NULL: zeros */
	int rows, cols;   /* cols 0: a vector */
};

enum { MAX_TENSORS = MODEL_MAX_PARAMS + 2 };

static size_t elements(const struct tensor *t)
{
	return (size_t)t->rows * (size_t)(t->cols ? t->cols : 1);
}

static int torch_tensors(const struct model *m, const real *w, struct tensor *t)
{
	const struct cell_layout *at = &m->recur.at;
	const int G = 4 * at->H, C = m->spec.classes;
	const struct tensor list[] = {
		{"embedding.weight", w + m->embedding, m->spec.vocab, m->spec.embed},
		{"lstm.weight_ih_l0", w + at->W, G, at->E},
		{"lstm.weight_hh_l0", w + at->U, G, at->H},
		{"lstm.bias_ih_l0", w + at->b, G, 0},
		{"lstm.bias_hh_l0", NULL, G, 0},
		{"head.weight", w + m->head_W, C, at->H},
		{"head.bias", w + m->head_b, C, 0},
	};

	memcpy(t, list, sizeof(list));
	return (int)(sizeof(list) / sizeof(list[0]));
}

static int gate_tensors(const struct model *m, const real *w, struct tensor *t)
{
	static const char *const renamed[][2] = {{"embedding", "embedding.weight"},
						 {"head.W", "head.weight"},
						 {"head.b", "head.bias"}};

	for (int k = 0; k < m->params; k++) {
		const struct param *p = &m->param[k];
		const char *name = p->name;
		char lstm[sizeof(p->name) + 8];

		if (!strncmp(name, "l0.", 3)) {
			snprintf(lstm, sizeof(lstm), "lstm.%s", name);
			name = lstm;
		}
		for (size_t j = 0; j < sizeof(renamed) / sizeof(renamed[0]); j++)
			if (!strcmp(name, renamed[j][0]))
				name = renamed[j][1];
		snprintf(t[k].name, sizeof(t[k].name), "%s", name);
		t[k].data = w + p->at;
		t[k].rows = p->rows;
		t[k].cols = p->cols;
	}
	return m->params;
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

bool safetensors_write(const struct snapshot *s, const struct meta *meta, int metas,
		       const char *path, struct err *err)
{
	const struct model *m = &s->encoder->model;
	struct tensor t[MAX_TENSORS];
	int count = m->spec.cell == &cell_standard ? torch_tensors(m, s->weights, t)
						   : gate_tensors(m, s->weights, t);
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
