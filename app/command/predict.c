/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a run says of single lines: their labels, the texts that it makes of them again, or its answers. */
#include "app/command/translate.h"

#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/nn/decode.h"

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
	const struct buf *text; /* the line's */
	struct buf written, out;
};

static bool wants_json(const struct predictor *p)
{
	return p->c->format == OUTPUT_JSON || p->c->format == OUTPUT_NDJSON;
}

static bool no_memory(const struct predictor *p, struct err *err)
{
	return err_set(err, ERR_FAILED, "not enough memory for a line of %zu tokens",
		       p->encoding.count);
}

static bool label(struct predictor *p, struct err *err)
{
	const struct encoder *e = p->s->encoder;
	const int C = e->classes.count;
	struct json_writer j = jw_to(&p->out);
	int best = 0;

	if (!model_pass(&e->model, p->s->weights, &p->work, &(struct pass){0}, &(struct tally){0}))
		return no_memory(p, err);
	for (int k = 1; k < C; k++)
		best = p->work.prob[k] > p->work.prob[best] ? k : best;
	if (!wants_json(p)) {
		buf_printf(&p->out, "%s\t%.9g", e->classes.name[best], (double)p->work.prob[best]);
		return true;
	}
	jw_object(&j);
	jw_key(&j, "text");
	jw_text_n(&j, buf_str(p->text), p->text->len);
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
	return true;
}

/* Writes the text again from its vector; whether the same tokens came back. */
static bool write_again(struct predictor *p, bool *exact, struct err *err)
{
	const struct encoder *e = p->s->encoder;
	const int max = decode_limit(p->work.in.batch.steps.T);
	const size_t count = p->encoding.count;
	int32_t *ids = mem_alloc((size_t)max * sizeof(*ids));
	int len = 0;
	const bool ok = model_vector(&e->model, p->s->weights, &p->work, NULL) &&
			decode_greedy(&e->model, p->s->weights, p->work.vector, 1,
				      vocab_end(e->vocab), max, ids, &len);

	buf_clear(&p->written);
	vocab_join(e->vocab, ids, len, &p->written);
	*exact = (size_t)len == count &&
		 (!count || !memcmp(ids, p->encoding.ids, count * sizeof(*ids)));
	free(ids);
	return ok || no_memory(p, err);
}

static bool rebuild(struct predictor *p, struct err *err)
{
	struct json_writer j = jw_to(&p->out);
	bool exact;

	if (!write_again(p, &exact, err))
		return false;
	if (!wants_json(p)) {
		const size_t from = p->out.len;

		buf_add(&p->out, buf_str(&p->written), p->written.len);
		line_of(&p->out, from);
		return true;
	}
	jw_object(&j);
	jw_key(&j, "text");
	jw_text_n(&j, buf_str(p->text), p->text->len);
	jw_key(&j, "written");
	jw_text_n(&j, buf_str(&p->written), p->written.len);
	jw_key(&j, "exact");
	jw_bool(&j, exact);
	jw_object_end(&j);
	return true;
}

static bool predict_line(struct predictor *p, const struct buf *text, struct err *err)
{
	const struct encoder *e = p->s->encoder;

	p->text = text;
	encoder_encode(e, buf_str(text), text->len, &p->encoding);
	batch_of_ids(&p->work.in.batch, p->encoding.ids, (int)p->encoding.count, &e->rules);
	if (!(e->model.dec.runs ? rebuild(p, err) : label(p, err)))
		return false;
	buf_byte(&p->out, '\n');
	return output_flush(p->c->out, &p->out, err);
}

/* Whether the run's task is one for single lines. */
static bool is_for_lines(const struct snapshot *s, struct err *err)
{
	const struct task_ops *task = &task_table[s->encoder->model.spec.task];

	return !task->stream || err_set(err, ERR_USAGE,
					"predict labels or rebuilds texts; this run's task is %s: "
					"'sluice generate' writes",
					task->name);
}

static bool predict_lines(struct predictor *p, struct lines *in, struct err *err)
{
	while (!ferror(p->c->out) && lines_next(in, err))
		if (!predict_line(p, &in->text, err))
			return false;
	return !err->code;
}

bool command_predict(struct context *c, const struct args *a, struct err *err)
{
	struct loaded l = {0};
	struct predictor p = {.c = c};
	struct lines in = {0};
	bool ok = context_load(c, a->pos[0], &l, err) && is_for_lines(l.snapshot, err) &&
		  lines_open(&in, args_value(a, "--data"), c->quiet, err);

	p.s = l.snapshot;
	if (ok && task_table[p.s->encoder->model.spec.task].pairs)
		ok = translate_lines(c, &l, &in, err);
	else if (ok)
		ok = predict_lines(&p, &in, err);
	lines_close(&in);
	buf_release(&p.written);
	buf_release(&p.out);
	work_release(&p.work);
	encoding_release(&p.encoding);
	loaded_release(&l);
	return ok;
}
