/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One unit over many texts. */
#include "app/command/unit.h"

#include "app/command/explain.h"
#include "app/command/meter.h"
#include "app/command/passage.h"
#include "app/command/texts.h"
#include "app/prepare.h"
#include "engine/base/mem.h"
#include "engine/survey/saturation.h"
#include "store/note.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const struct option options_unit[] = {
	{"--data", "FILE", "the texts (default: what the run was trained on)"},
	{"--layer", "LAYER", "l0.fw, l1.bw and so on (default: the top one that goes forward)"},
	{"--signal", "NAME", "where this is highest and lowest: h, c, or a gate (default h)"},
	{"--limit", "N", "so many places, and words either way (default 10)"},
	{"--least", "N", "words that occur so often (default 10)"},
	{"--shuffles", "N", "shufflings of the labels, at least 100 (default 100)"},
	{"--random", "N", "other units that are taken away, at least 100 (default 100)"},
	{"--sample", "N", "texts that units are taken away on, evenly drawn (default 500)"},
	{"--seed", "S", "of the shuffling and drawing (default 1)"},
	TEXTS_OPTIONS,
	{NULL, NULL, NULL},
};

static const struct encoder *encoder_of(const struct unit_view *v)
{
	return v->run.snapshot->encoder;
}

/* --- what is asked for ----------------------------------------------------------------------------- */

static bool read_unit(struct unit_view *v, const struct args *a, struct err *err)
{
	const struct model *m = &encoder_of(v)->model;
	const char *text = a->pos[1];
	char *end;
	long u;

	errno = 0;
	u = strtol(text, &end, 10);
	if (*end || end == text || errno || u < 0 || u >= m->spec.hidden)
		return err_set(err, ERR_USAGE, "units of %s go from 0 to %d, not '%s'", v->run.name,
			       m->spec.hidden - 1, text);
	v->rules.unit = (int)u;
	v->rules.run = explain_layer(m, a, err);
	if (v->rules.run < 0)
		return false;
	explain_layer_name(m, v->rules.run, v->layer);
	return true;
}

static bool read_signal(struct unit_view *v, const struct args *a, struct err *err)
{
	const struct cell_ops *cell = encoder_of(v)->model.spec.cell;
	const char *name = args_value(a, "--signal");
	struct buf list = {0};

	v->signal = name ? name : "h";
	v->rules.signal = dossier_signal(cell, v->signal);
	if (v->rules.signal > -3)
		return true;
	for (int q = 0; q < cell->gates; q++)
		buf_printf(&list, "%s, ", cell->gate[q].name);
	err_set(err, ERR_USAGE, "the cell %s has no signal '%s'; it has %s%sh", cell->name, name,
		buf_str(&list), cell->carries_h ? "" : "c, ");
	buf_release(&list);
	return false;
}

struct counts {
	int64_t limit, least, shuffles, random, seed;
};

/* Numbers below which a comparison with chance would say little. */
static bool at_least(const struct args *a, const char *option, int64_t v, int64_t least,
		     struct err *err)
{
	return v >= least || err_set(err, ERR_USAGE, "%s is at least %lld, not '%s'", option,
				     (long long)least, args_value(a, option));
}

static bool read_counts(struct unit_view *v, struct counts *n, const struct args *a,
			struct err *err)
{
	*n = (struct counts){10, 10, SELECTIVITY_LEAST, ABLATION_LEAST, 1};
	v->sample = 500;
	return args_number(a, "--limit", 1000, &n->limit, err) &&
	       args_number(a, "--least", INT32_MAX, &n->least, err) &&
	       args_number(a, "--shuffles", SELECTIVITY_MOST, &n->shuffles, err) &&
	       at_least(a, "--shuffles", n->shuffles, SELECTIVITY_LEAST, err) &&
	       args_number(a, "--random", 100000, &n->random, err) &&
	       at_least(a, "--random", n->random, ABLATION_LEAST, err) &&
	       args_number(a, "--sample", INT32_MAX, &v->sample, err) &&
	       args_number(a, "--seed", INT64_MAX, &n->seed, err);
}

static bool read_texts(struct unit_view *v, struct context *c, const struct args *a,
		       struct err *err)
{
	const struct encoder *e = encoder_of(v);

	if (args_has(a, "--data")
		    ? !texts_file(c, a, task_table[e->model.spec.task].stream, &v->texts, err)
		    : !texts_trained(c, &v->run, &v->texts, err))
		return false;
	v->class_of = mem_alloc((v->texts.count + 1) * sizeof(*v->class_of));
	for (size_t k = 0; k < v->texts.count; k++) {
		const char *label = v->texts.at[k].label;

		v->class_of[k] = task_table[e->model.spec.task].labels && label
					 ? classes_find(&e->classes, label)
					 : -1;
	}
	return true;
}

static bool read_note(struct unit_view *v, struct context *c, struct err *err)
{
	struct store *s = context_store(c, false, err);
	struct unit_note *notes;
	size_t count;
	const char *text;

	if (!s || !store_unit_notes(s, v->run.run, &notes, &count, err)) {
		store_close(s);
		return false;
	}
	text = unit_note_find(notes, count, v->layer, v->rules.unit);
	v->note = text ? mem_text(text) : NULL;
	store_unit_notes_free(notes, count);
	store_close(s);
	return true;
}

/* --- what is found --------------------------------------------------------------------------------- */

/* A place in double, with its words. */
static bool read_place(const struct unit_view *v, const struct dossier_place *p,
		       struct unit_place *out, struct err *err)
{
	const struct example *x = &v->texts.at[p->text];
	struct replay *r = replay_new(v->run.snapshot, x->text, x->text_len, err);
	const struct trace_run *run;
	const char *token;
	struct buf b = {0};
	size_t n, at;
	int t;

	if (!r)
		return false;
	run = &r->run[v->rules.run];
	t = passage_position(r, p->word);
	at = (size_t)replay_turn(run, t) * (size_t)r->H + (size_t)v->rules.unit;
	out->t = t + 1;
	out->value = v->rules.signal == DOSSIER_H   ? run->h[at + (size_t)r->H]
		     : v->rules.signal == DOSSIER_C ? run->c[at + (size_t)r->H]
						    : run->gate[v->rules.signal][at];
	token = replay_token(r, t, &n);
	out->word = mem_bytes(token, n);
	passage_add(&b, r, t, t);
	out->passage = buf_take(&b);
	replay_free(r);
	return true;
}

static bool read_places(struct unit_view *v, struct err *err)
{
	const int n = v->d.places;
	bool ok = true;

	v->highest = mem_zero((size_t)n + 1, sizeof(*v->highest));
	v->lowest = mem_zero((size_t)n + 1, sizeof(*v->lowest));
	for (int k = 0; k < n && ok; k++)
		ok = read_place(v, &v->d.highest[k], &v->highest[k], err) &&
		     read_place(v, &v->d.lowest[k], &v->lowest[k], err);
	return ok;
}

/* What the labels tell; -1 for texts that have no step. */
static bool run_labels(struct unit_view *v, struct team *team, const struct counts *n,
		       const struct sweep_watch *watch, struct err *err)
{
	for (size_t k = 0; k < v->texts.count; k++) {
		if (!v->d.runs[k])
			v->class_of[k] = -1;
		v->labels |= v->class_of[k] >= 0;
	}
	return !v->labels ||
	       selectivity_run(&v->s, team, v->d.last, v->d.H, v->rules.unit, v->class_of,
			       v->texts.count, encoder_of(v)->model.spec.classes, (int)n->shuffles,
			       (uint64_t)n->seed, watch, err);
}

/* As many labelled texts as the sample has, at even distances. */
static int32_t *draw_sample(const struct unit_view *v)
{
	const int64_t all = v->s.texts, want = v->sample < all ? v->sample : all;
	int32_t *class_of = mem_alloc((v->texts.count + 1) * sizeof(*class_of));
	int64_t seen = 0;

	for (size_t k = 0; k < v->texts.count; k++) {
		const bool labelled = v->class_of[k] >= 0;
		const bool drawn = labelled && (seen + 1) * want / all > seen * want / all;

		seen += labelled;
		class_of[k] = drawn ? v->class_of[k] : -1;
	}
	return class_of;
}

static bool run_ablation(struct unit_view *v, struct team *team, const struct counts *n,
			 const struct sweep_watch *watch, struct err *err)
{
	const struct ablation_rules rules = {.run = v->rules.run,
					     .unit = v->rules.unit,
					     .others = (int)n->random,
					     .seed = (uint64_t)n->seed,
					     .watch = *watch};
	int32_t *class_of;
	bool ok;

	if (!v->labels)
		return true;
	class_of = draw_sample(v);
	ok = ablation_run(&v->a, team, v->run.snapshot, v->texts.at, class_of, v->texts.count,
			  &rules, err);
	free(class_of);
	return ok;
}

static bool run_all(struct unit_view *v, struct context *c, const struct counts *n, struct err *err)
{
	struct team *team = team_new(default_threads(), err);
	struct sweep_watch watch;
	struct meter meter;
	bool ok;

	if (!team)
		return false;
	meter_begin(&meter, c);
	v->rules.places = (int)n->limit;
	v->rules.least = (int)n->least;
	v->rules.low = SATURATION_LOW;
	v->rules.high = SATURATION_HIGH;
	v->rules.watch = meter_watch(&meter, c, "texts");
	ok = dossier_run(&v->d, team, v->run.snapshot, v->texts.at, v->texts.count, &v->rules, err);
	watch = meter_watch(&meter, c, "labels");
	ok = ok && run_labels(v, team, n, &watch, err);
	watch = meter_watch(&meter, c, "without units");
	ok = ok && run_ablation(v, team, n, &watch, err) && read_places(v, err);
	meter_end(&meter);
	team_free(team);
	return ok;
}

static void free_places(struct unit_place *p, int n)
{
	for (int k = 0; p && k < n; k++) {
		free(p[k].word);
		free(p[k].passage);
	}
	free(p);
}

bool command_unit(struct context *c, const struct args *a, struct err *err)
{
	struct unit_view v = {0};
	struct counts n;
	const bool ok = texts_options(a, err) && read_counts(&v, &n, a, err) &&
			context_load(c, a->pos[0], &v.run, err) && read_unit(&v, a, err) &&
			read_signal(&v, a, err) && read_note(&v, c, err) &&
			read_texts(&v, c, a, err) && run_all(&v, c, &n, err) &&
			unit_report(c, &v, err);

	free_places(v.highest, v.d.places);
	free_places(v.lowest, v.d.places);
	dossier_release(&v.d);
	selectivity_release(&v.s);
	free(v.class_of);
	free(v.note);
	examples_release(&v.texts);
	loaded_release(&v.run);
	return ok;
}
