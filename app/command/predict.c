/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a run says of single lines: their labels, or the texts that it makes of them again. */
#include "app/archive.h"
#include "app/command/command.h"

#include "engine/base/json.h"
#include "engine/text/utf8.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const struct option options_predict[] = {
	{"--data", "FILE", "a text a line; - is standard input, which is also the default"},
	{NULL, NULL, NULL},
};

struct predictor {
	struct context *c;
	const struct snapshot *s;
	struct encoding encoding;
	struct work work;
	struct buf text, out;
};

static bool predict_line(struct predictor *p, const char *line, size_t n, struct err *err)
{
	const struct encoder *e = p->s->encoder;
	const int C = e->classes.count;
	int best = 0;

	buf_clear(&p->text);
	utf8_repair(&p->text, line, n, NULL);
	encoder_encode(e, buf_str(&p->text), p->text.len, &p->encoding);
	batch_of_ids(&p->work.in.batch, p->encoding.ids, (int)p->encoding.count, &e->rules);
	if (!model_pass(&e->model, p->s->weights, &p->work, &(struct pass){0}, &(struct tally){0}))
		return err_set(err, ERR_FAILED, "not enough memory for a line of %zu tokens",
			       p->encoding.count);
	for (int k = 1; k < C; k++)
		best = p->work.prob[k] > p->work.prob[best] ? k : best;
	if (p->c->format == OUTPUT_JSON || p->c->format == OUTPUT_NDJSON) {
		struct json_writer j = jw_to(&p->out);

		jw_object(&j);
		jw_key(&j, "text");
		jw_text_n(&j, buf_str(&p->text), p->text.len);
		jw_key(&j, "label");
		jw_text(&j, e->classes.name[best]);
		jw_key(&j, "probabilities");
		jw_object(&j);
		for (int k = 0; k < C; k++) {
			jw_key(&j, e->classes.name[k]);
			jw_f32(&j, (float)p->work.prob[k]);
		}
		jw_object_end(&j);
		jw_object_end(&j);
	} else {
		buf_printf(&p->out, "%s\t%.9g", e->classes.name[best], (double)p->work.prob[best]);
	}
	buf_byte(&p->out, '\n');
	return output_flush(p->c->out, &p->out, err);
}

bool command_predict(struct context *c, const struct args *a, struct err *err)
{
	const char *path = args_value(a, "--data");
	const bool standard = !path || !strcmp(path, "-");
	struct loaded l = {0};
	struct predictor p = {.c = c};
	size_t cap = 0;
	char *line = NULL;
	ssize_t n;
	FILE *in;
	bool ok = context_load(c, a->pos[0], &l, err);

	if (!ok)
		return false;
	p.s = l.snapshot;
	in = standard ? stdin : fopen(path, "r");
	if (!in)
		ok = err_set(err, ERR_INPUT, "cannot read %s: %s", path, strerror(errno));
	while (ok && (n = getline(&line, &cap, in)) >= 0) {
		while (n > 0 && (line[n - 1] == '\n' || line[n - 1] == '\r'))
			n--;
		ok = predict_line(&p, line, (size_t)n, err);
		if (ferror(c->out))
			break; /* the reader has gone */
	}
	if (ok && ferror(in))
		ok = err_set(err, ERR_INPUT, "cannot read %s: %s",
			     standard ? "standard input" : path, strerror(errno));
	if (in && !standard)
		fclose(in);
	free(line);
	buf_release(&p.text);
	buf_release(&p.out);
	work_release(&p.work);
	encoding_release(&p.encoding);
	loaded_release(&l);
	return ok;
}
