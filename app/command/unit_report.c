/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is printed of a unit's dossier: a table in sections with a remark in words, the same as plain columns,
 * JSON (unit_picture.c has what is drawn of it). */
#include "app/command/unit.h"

#include "app/command/explain.h"
#include "engine/base/mem.h"
#include "engine/inspect/ledger.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static const struct encoder *encoder_of(const struct unit_view *v)
{
	return v->run.snapshot->encoder;
}

static const struct cell_ops *cell_of(const struct unit_view *v)
{
	return encoder_of(v)->model.spec.cell;
}

static const char *class_name(const struct unit_view *v, int class)
{
	return encoder_of(v)->classes.name[class];
}

static double share(const struct unit_view *v, int64_t steps)
{
	return (double)steps / (double)v->d.steps;
}

/* As saturation has them: a linear gate does not saturate, and a tanh is not shut. */
static double share_open(const struct unit_view *v, int q)
{
	return cell_of(v)->gate[q].act == ACT_IDENTITY ? (double)NAN : share(v, v->d.high[q]);
}

static double share_shut(const struct unit_view *v, int q)
{
	return cell_of(v)->gate[q].act == ACT_SIGMOID ? share(v, v->d.low[q]) : (double)NAN;
}

static double half_life(const struct unit_view *v)
{
	return ledger_half_life(v->d.log_carry);
}

/* The classes whose correlation is largest, largest first: so many, into order. */
static int order_classes(const struct unit_view *v, int *order)
{
	const int most = v->rules.places;
	int n = 0;

	for (int c = 0; c < v->s.classes; c++) {
		int at = n;

		while (at > 0 && fabs(v->s.of[c].r) > fabs(v->s.of[order[at - 1]].r))
			at--;
		if (at >= most)
			continue;
		n += n < most;
		memmove(order + at + 1, order + at, (size_t)(n - at - 1) * sizeof(*order));
		order[at] = c;
	}
	return n;
}

static bool knows(const struct selectivity_class *k)
{
	return selectivity_beyond(fabs(k->r), k->r_chance);
}

/* --- rows ------------------------------------------------------------------------------------------ */

/* A row: in a table, to be read, the first three and what is said; else all numbers. */
struct line {
	const char *section;
	struct value what, value;
	double chance, auc, auc_chance, p9, p25, p75, p91, random_mean, random_sd;
	int64_t n; /* below 0: none */
	const char *label;
	int64_t line, t;
	const char *text;
};

struct rows {
	struct output *o;
	bool reading;
};

static struct line line_of(const char *section, struct value what, struct value value)
{
	return (struct line){section, what, value, NAN, NAN,  NAN, NAN, NAN, NAN,
			     NAN,     NAN,  NAN,   -1,  NULL, -1,  -1,  NULL};
}

static struct value count_or_none(int64_t n)
{
	return n < 0 ? value_null() : value_int(n);
}

static void put(const struct rows *r, const struct line *l, const char *says, ...)
	__attribute__((format(printf, 3, 4)));

static void put(const struct rows *r, const struct line *l, const char *says, ...)
{
	char text[700];
	va_list ap;

	va_start(ap, says);
	vsnprintf(text, sizeof(text), says, ap);
	va_end(ap);
	if (r->reading) {
		output_row(r->o, (struct value[]){value_text(l->section), l->what, l->value,
						  value_text(text)});
		return;
	}
	output_row(r->o, (struct value[]){value_text(l->section), l->what, l->value,
					  value_real(l->chance, -1), value_real(l->auc, -1),
					  value_real(l->auc_chance, -1), value_real(l->p9, -1),
					  value_real(l->p25, -1), value_real(l->p75, -1),
					  value_real(l->p91, -1), value_real(l->random_mean, -1),
					  value_real(l->random_sd, -1), count_or_none(l->n),
					  value_text(l->label), count_or_none(l->line),
					  count_or_none(l->t), value_text(l->text)});
}

static void open_rows(struct rows *r, const struct context *c)
{
	static const char *const reading[] = {"section", "what", "value", "in words"};
	static const char *const all[] = {"section",     "what",      "value", "chance", "auc",
					  "auc_chance",  "p9",        "p25",   "p75",    "p91",
					  "random_mean", "random_sd", "n",     "label",  "line",
					  "t",           "text"};

	r->reading = explain_is_table(c);
	if (r->reading)
		output_columns(r->o, reading, 4);
	else
		output_columns(r->o, all, 17);
}

static void rows_unit(const struct rows *r, const struct unit_view *v)
{
	const struct dossier *d = &v->d;
	struct line l;

	l = line_of("unit", value_text("unit"), value_int(v->rules.unit));
	l.text = v->layer;
	put(r, &l, "%s of %s (%s), cell %s", v->layer, v->run.id, v->run.name, cell_of(v)->name);
	if (v->note) {
		l = line_of("unit", value_text("note"), value_null());
		l.text = v->note;
		put(r, &l, "%s", v->note);
	}
	l = line_of("unit", value_text("steps"), value_int(d->steps));
	l.n = d->texts;
	put(r, &l, "of %lld texts", (long long)d->texts);
	l = line_of("unit", value_text("mean"), value_real(d->mean, 4));
	l.text = v->signal;
	put(r, &l, "of %s; it varies by %.4f about it", v->signal, d->deviation);
	l = line_of("unit", value_text("deviation"), value_real(d->deviation, 4));
	if (!r->reading)
		put(r, &l, " ");
	l = line_of("unit", value_text("lowest"), value_real(d->least, 4));
	put(r, &l, "the lowest %s of all", v->signal);
	l = line_of("unit", value_text("highest"), value_real(d->most, 4));
	put(r, &l, "the highest");
	l = line_of("unit", value_text("half-life"),
		    isinf(half_life(v)) ? value_null() : value_real(half_life(v), 1));
	put(r, &l, "%s: |%s| averages %.4f", isinf(half_life(v)) ? "never ends" : "steps",
	    cell_of(v)->carry_text, d->carry);
}

static void rows_gates(const struct rows *r, const struct unit_view *v)
{
	char name[16];

	for (int q = 0; q < v->d.G; q++) {
		struct line l;

		snprintf(name, sizeof(name), "%s open", cell_of(v)->gate[q].name);
		l = line_of("gates", value_text(name), value_real(share_open(v, q), 4));
		if (isfinite(share_open(v, q)))
			put(r, &l, "of the steps %s%s%s is above %g",
			    cell_of(v)->gate[q].act == ACT_TANH ? "|" : "",
			    cell_of(v)->gate[q].name,
			    cell_of(v)->gate[q].act == ACT_TANH ? "|" : "", v->rules.high);
		snprintf(name, sizeof(name), "%s shut", cell_of(v)->gate[q].name);
		l = line_of("gates", value_text(name), value_real(share_shut(v, q), 4));
		if (isfinite(share_shut(v, q)))
			put(r, &l, "of the steps %s is below %g", cell_of(v)->gate[q].name,
			    v->rules.low);
	}
}

static void rows_labels(const struct rows *r, const struct unit_view *v)
{
	int *order = mem_alloc(((size_t)v->s.classes + 1) * sizeof(*order));
	const int n = order_classes(v, order);
	struct line l;

	for (int k = 0; k < n; k++) {
		const struct selectivity_class *c = &v->s.of[order[k]];

		if (isnan(c->r))
			continue;
		l = line_of("labels", value_text(class_name(v, order[k])), value_real(c->r, 4));
		l.chance = c->r_chance;
		l.auc = c->auc;
		l.auc_chance = c->auc_chance;
		l.n = c->count;
		l.text = knows(c) ? "beyond chance" : "within chance";
		put(r, &l, "%s, %.4f; AUC %.4f, chance %.4f", l.text, c->r_chance, c->auc,
		    c->auc_chance);
	}
	l = line_of("labels", value_text("beyond chance"), value_int(v->s.beyond));
	l.n = v->s.units;
	put(r, &l, "of %d units, by their AUC for some label; %.0f by chance", v->s.units,
	    0.05 * v->s.units);
	free(order);
}

static void row_word(const struct rows *r, const struct unit_view *v, const char *section,
		     const struct dossier_word *w)
{
	size_t n;
	const char *token = vocab_token(encoder_of(v)->vocab, w->id, &n);
	struct line l = line_of(section, value_bytes(token, n), value_real(w->mean, 4));

	l.n = w->count;
	l.p9 = w->p9;
	l.p25 = w->p25;
	l.p75 = w->p75;
	l.p91 = w->p91;
	put(r, &l, "%lld times; 25–75 %%: %.3f to %.3f; 9–91 %%: %.3f to %.3f", (long long)w->count,
	    w->p25, w->p75, w->p9, w->p91);
}

static void row_sample(const struct rows *r, const struct unit_view *v)
{
	const struct line l = line_of("without it", value_text("texts"), value_int(v->a.texts));

	put(r, &l, "run again with what the unit carries held at 0");
}

static void row_ablation(const struct rows *r, const struct unit_view *v, const char *what,
			 double before, double change, double mean, double sd, int as_large)
{
	const struct ablation *a = &v->a;
	struct line l = line_of("without it", value_text(what), value_real(change, 4));

	l.random_mean = mean;
	l.random_sd = sd;
	l.n = a->others;
	put(r, &l, "from %.4f; %d %s: mean %.4f, spread %.4f, %d as much", before, a->others,
	    a->others < v->d.H - 1 ? "random" : "others", mean, sd, as_large);
}

static void rows_places(const struct rows *r, const struct unit_view *v, const char *section,
			const struct dossier_place *place, const struct unit_place *read)
{
	for (int k = 0; k < v->d.places; k++) {
		const struct example *x = &v->texts.at[place[k].text];
		struct line l =
			line_of(section, value_text(read[k].word), value_real(read[k].value, 4));

		l.label = x->label;
		l.line = (int64_t)x->line;
		l.t = read[k].t;
		l.text = read[k].passage;
		put(r, &l, "%s (line %zu, t %d%s%.40s)", read[k].passage, x->line, read[k].t,
		    v->labels && x->label ? ", " : "", v->labels && x->label ? x->label : "");
	}
}

/* --- the report ------------------------------------------------------------------------------------ */

static bool report_rows(struct context *c, const struct unit_view *v, struct err *err)
{
	const struct ablation *a = &v->a;
	struct output o;
	struct rows r = {&o, false};

	output_open(&o, c->format, c->out, c->answer);
	open_rows(&r, c);
	rows_unit(&r, v);
	rows_gates(&r, v);
	if (v->labels) {
		rows_labels(&r, v);
		row_sample(&r, v);
		row_ablation(&r, v, "accuracy", a->accuracy, a->d_accuracy, a->mean_accuracy,
			     a->sd_accuracy, a->beyond_accuracy);
		row_ablation(&r, v, "loss", a->loss, a->d_loss, a->mean_loss, a->sd_loss,
			     a->beyond_loss);
	}
	for (int k = 0; k < v->d.ups; k++)
		row_word(&r, v, "words up", &v->d.up[k]);
	for (int k = 0; k < v->d.downs; k++)
		row_word(&r, v, "words down", &v->d.down[k]);
	rows_places(&r, v, "highest", v->d.highest, v->highest);
	rows_places(&r, v, "lowest", v->d.lowest, v->lowest);
	if (output_has_pictures(&o) && v->d.ups + v->d.downs)
		output_figure(&o, unit_picture_words(v));
	if (output_has_pictures(&o) && v->labels)
		output_figure(&o, unit_picture_labels(v));
	return output_close(&o, err);
}

/* --- JSON ------------------------------------------------------------------------------------------ */

static void json_int(struct json_writer *j, const char *key, int64_t n)
{
	jw_key(j, key);
	jw_int(j, n);
}

static void json_begin(struct json_writer *j, const struct unit_view *v)
{
	jw_object(j);
	explain_json_text(j, "run", v->run.id);
	explain_json_text(j, "name", v->run.name);
	explain_json_text(j, "cell", cell_of(v)->name);
	explain_json_text(j, "layer", v->layer);
	json_int(j, "unit", v->rules.unit);
	jw_key(j, "note");
	if (v->note)
		jw_text(j, v->note);
	else
		jw_null(j);
	explain_json_text(j, "data", data_file_name(&v->texts.file));
	json_int(j, "texts", v->d.texts);
	json_int(j, "steps", v->d.steps);
	explain_json_text(j, "signal", v->signal);
	explain_json_number(j, "mean", v->d.mean);
	explain_json_number(j, "deviation", v->d.deviation);
	explain_json_number(j, "lowest_value", v->d.least);
	explain_json_number(j, "highest_value", v->d.most);
	explain_json_text(j, "carry_is", cell_of(v)->carry_text);
	explain_json_number(j, "carry", v->d.carry);
	explain_json_number(j, "half_life", half_life(v));
}

static void json_gates(struct json_writer *j, const struct unit_view *v)
{
	jw_key(j, "gates");
	jw_array(j);
	for (int q = 0; q < v->d.G; q++) {
		jw_object(j);
		explain_json_text(j, "gate", cell_of(v)->gate[q].name);
		explain_json_number(j, "open", share_open(v, q));
		explain_json_number(j, "shut", share_shut(v, q));
		jw_object_end(j);
	}
	jw_array_end(j);
}

static void json_labels(struct json_writer *j, const struct unit_view *v)
{
	jw_key(j, "labels");
	if (!v->labels) {
		jw_null(j);
		return;
	}
	jw_object(j);
	json_int(j, "texts", v->s.texts);
	json_int(j, "shuffles", v->s.shuffles);
	jw_key(j, "classes");
	jw_array(j);
	for (int c = 0; c < v->s.classes; c++) {
		const struct selectivity_class *k = &v->s.of[c];

		jw_object(j);
		explain_json_text(j, "class", class_name(v, c));
		json_int(j, "texts", k->count);
		explain_json_number(j, "r", k->r);
		explain_json_number(j, "r_chance", k->r_chance);
		explain_json_number(j, "auc", k->auc);
		explain_json_number(j, "auc_chance", k->auc_chance);
		jw_key(j, "beyond_chance");
		jw_bool(j, knows(k));
		jw_object_end(j);
	}
	jw_array_end(j);
	json_int(j, "units", v->s.units);
	json_int(j, "units_beyond_chance", v->s.beyond);
	explain_json_numbers(j, "best_auc", v->s.best, v->s.units);
	explain_json_numbers(j, "best_auc_chance", v->s.best_chance, v->s.units);
	jw_object_end(j);
}

static void json_change(struct json_writer *j, const char *key, double before, double change,
			double mean, double sd, int as_large)
{
	jw_key(j, key);
	jw_object(j);
	explain_json_number(j, "before", before);
	explain_json_number(j, "change", change);
	explain_json_number(j, "random_mean", mean);
	explain_json_number(j, "random_sd", sd);
	json_int(j, "random_as_large", as_large);
	jw_object_end(j);
}

static void json_ablation(struct json_writer *j, const struct unit_view *v)
{
	const struct ablation *a = &v->a;

	jw_key(j, "ablation");
	if (!v->labels) {
		jw_null(j);
		return;
	}
	jw_object(j);
	json_int(j, "texts", a->texts);
	json_int(j, "random_units", a->others);
	json_change(j, "accuracy", a->accuracy, a->d_accuracy, a->mean_accuracy, a->sd_accuracy,
		    a->beyond_accuracy);
	json_change(j, "loss", a->loss, a->d_loss, a->mean_loss, a->sd_loss, a->beyond_loss);
	jw_object_end(j);
}

static void json_words(struct json_writer *j, const struct unit_view *v, const char *key,
		       const struct dossier_word *w, int n)
{
	jw_key(j, key);
	jw_array(j);
	for (int k = 0; k < n; k++, w++) {
		size_t len;
		const char *token = vocab_token(encoder_of(v)->vocab, w->id, &len);

		jw_object(j);
		jw_key(j, "word");
		jw_text_n(j, token, len);
		json_int(j, "count", w->count);
		explain_json_number(j, "mean", w->mean);
		explain_json_number(j, "p9", w->p9);
		explain_json_number(j, "p25", w->p25);
		explain_json_number(j, "p75", w->p75);
		explain_json_number(j, "p91", w->p91);
		jw_object_end(j);
	}
	jw_array_end(j);
}

static void json_places(struct json_writer *j, const struct unit_view *v, const char *key,
			const struct dossier_place *place, const struct unit_place *read)
{
	jw_key(j, key);
	jw_array(j);
	for (int k = 0; k < v->d.places; k++) {
		const struct example *x = &v->texts.at[place[k].text];

		jw_object(j);
		explain_json_number(j, "value", read[k].value);
		json_int(j, "line", (int64_t)x->line);
		json_int(j, "t", read[k].t);
		explain_json_text(j, "word", read[k].word);
		explain_json_text(j, "passage", read[k].passage);
		jw_key(j, "label");
		if (x->label)
			jw_text(j, x->label);
		else
			jw_null(j);
		jw_key(j, "text");
		jw_text_n(j, x->text, x->text_len);
		jw_object_end(j);
	}
	jw_array_end(j);
}

static bool report_json(struct context *c, const struct unit_view *v, struct err *err)
{
	struct buf b = {0};
	struct json_writer j = jw_to(&b);

	json_begin(&j, v);
	json_gates(&j, v);
	json_labels(&j, v);
	json_ablation(&j, v);
	jw_key(&j, "response");
	jw_object(&j);
	json_int(&j, "least", v->rules.least);
	json_int(&j, "words", v->d.words);
	json_words(&j, v, "up", v->d.up, v->d.ups);
	json_words(&j, v, "down", v->d.down, v->d.downs);
	jw_object_end(&j);
	json_places(&j, v, "highest", v->d.highest, v->highest);
	json_places(&j, v, "lowest", v->d.lowest, v->lowest);
	jw_object_end(&j);
	return explain_json_end(c, &b, err);
}

static void remark(struct context *c, const struct unit_view *v)
{
	if (!task_table[encoder_of(v)->model.spec.task].labels)
		explain_remark(c, "%s has no classes: nothing is said of labels, or of its loss",
			       v->run.name);
	else if (!v->labels)
		explain_remark(
			c, "no text has a label of %s: nothing is said of labels, or of its loss",
			v->run.name);
	if (!v->d.words)
		explain_remark(c, "no word occurs %d times: --least lowers that", v->rules.least);
}

bool unit_report(struct context *c, const struct unit_view *v, struct err *err)
{
	const bool ok = explain_is_json(c) ? report_json(c, v, err) : report_rows(c, v, err);

	if (ok)
		remark(c, v);
	return ok;
}
