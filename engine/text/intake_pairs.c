/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/text/intake_pairs.h"

#include "engine/base/mem.h"
#include "engine/text/reader.h"

#include <string.h>

void pairs_release(struct pair_intake *p)
{
	intake_release(&p->source);
	intake_release(&p->target);
	for (int k = 0; k < 2; k++)
		tokens_release(&p->raw[k]);
	*p = (struct pair_intake){0};
}

/* What was kept takes memory as well. */
static void limit(struct intake *in, int64_t most, uint64_t kept)
{
	if (most)
		in->most_bytes = (uint64_t)most > kept ? most - (int64_t)kept : 1;
}

static bool add(struct pair_intake *p, const struct row *source, const struct row *target,
		struct err *err)
{
	if (!intake_add(&p->source, source, err) || !intake_add(&p->target, target, err))
		return false;
	if (p->keep) {
		tokens_add(&p->raw[0], source->text, source->n);
		tokens_add(&p->raw[1], target->text, target->n);
	}
	return true;
}

struct reading {
	struct pair_intake *p;
	int64_t most;
};

static bool take_row(void *arg, const struct row *row, struct err *err)
{
	struct reading *r = arg;
	struct pair_intake *p = r->p;
	const struct row target = {.text = row->target, .n = row->target_n, .line = row->line};
	uint64_t kept = 0;

	for (int k = 0; k < 2; k++)
		kept += p->raw[k].text.len + p->raw[k].count * sizeof(*p->raw[k].end);
	limit(&p->source, r->most, kept);
	limit(&p->target, r->most, kept);
	return add(p, row, &target, err);
}

bool pairs_read(struct pair_intake *p, const char *path, const struct read_options *opt,
		struct vocab_builder *source, struct vocab_builder *target, bool keep_raw,
		struct err *err)
{
	struct reading reading = {p, opt->most_bytes};
	struct read_options own = *opt;
	bool ok;

	own.need_pairs = true;
	own.need_labels = own.stream = false;
	*p = (struct pair_intake){.keep = keep_raw};
	intake_open(&p->source, path, &own, source);
	intake_open(&p->target, opt->target_path ? opt->target_path : path, &own, target);
	p->source.beside = &p->target;
	p->target.beside = &p->source;
	ok = data_read(&p->source.file, &p->target.file, path, &own, PIECES_NONE, take_row,
		       &reading, err);
	p->source.beside = p->target.beside = NULL;
	if (!ok)
		pairs_release(p);
	return ok;
}

void pairs_take(struct pair_intake *p, const struct examples *ex, struct vocab_builder *source,
		struct vocab_builder *target, bool keep_raw)
{
	const struct read_options none = {0};

	*p = (struct pair_intake){.keep = keep_raw};
	intake_open(&p->source, "", &none, source);
	intake_open(&p->target, "", &none, target);
	for (size_t k = 0; k < ex->count; k++) {
		const struct example *e = &ex->at[k];
		const char *answer = e->label ? e->label : "";

		add(p, &(struct row){.text = e->text, .n = e->text_len, .line = e->line},
		    &(struct row){.text = answer, .n = strlen(answer), .line = e->line}, NULL);
	}
}

bool pairs_split(struct pair_intake *p, double share, uint64_t seed, struct err *err)
{
	/* The same number of texts and the same seed: the same texts. */
	return intake_split(&p->source, share, seed, err) &&
	       intake_split(&p->target, share, seed, err);
}

bool pairs_cut(struct pair_intake *p, double share, struct err *err)
{
	if (!intake_cut(&p->source, share, err))
		return false;
	p->target.held_count = p->source.held_count;
	return true;
}

void pairs_count(const struct pair_intake *p)
{
	intake_count(&p->source);
	intake_count(&p->target);
}

/* The kept texts that are held out, or the others, with the corpus that is theirs. */
static void put_raw(const struct pair_intake *p, const struct tokens *raw, bool held,
		    struct corpus *c)
{
	c->raw = mem_zero(1, sizeof(*c->raw));
	for (size_t k = 0; k < raw->count; k++) {
		size_t n;
		const char *s = tokens_at(raw, k, &n);

		if (intake_holds(&p->source, k) == held)
			tokens_add(c->raw, s, n);
	}
}

void pairs_finish(struct pair_intake *p, const struct vocab *source, const struct vocab *target,
		  const struct pair_limits *limits, struct corpus **kept, struct corpus **held)
{
	struct corpus *part[2], *last;

	intake_finish(&p->source, source, NULL, limits->max_len, limits->truncate_front, kept, held,
		      NULL);
	intake_finish(&p->target, target, NULL, limits->max_target_len, false, &part[0], &part[1],
		      NULL);
	(*kept)->target = part[0];
	if (*held)
		(*held)->target = part[1];
	last = *held ? *held : *kept;
	if (p->keep) {
		put_raw(p, &p->raw[0], *held, last);
		put_raw(p, &p->raw[1], *held, last->target);
	}
	for (int k = 0; k < 2; k++)
		tokens_release(&p->raw[k]);
}
