/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How often each unit's gates are open and shut over many texts. */
#include "app/command/explain.h"
#include "app/command/meter.h"
#include "app/command/texts.h"
#include "app/prepare.h"

#include "engine/inspect/ledger.h"
#include "engine/survey/saturation.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const struct option options_saturation[] = {
	{"--data", "FILE", "the texts (default: what the run was trained on)"},
	{"--layer", "LAYER", "this one alone: l0.fw, l1.bw and so on"},
	{"--gate", "NAME", "this gate alone: i, f, g or o; r, z or n"},
	{"--low", "X", "a gate below this is shut (0.1)"},
	{"--high", "X", "a gate above this is open (0.9); of a tanh: its absolute value"},
	TEXTS_OPTIONS,
	{NULL, NULL, NULL},
};

struct view {
	struct loaded run;
	struct examples texts;
	struct saturation s;
	struct saturation_rules rules;
	int layer, gate; /* -1: all */
};

static const struct model *model_of(const struct view *v)
{
	return &v->run.snapshot->encoder->model;
}

static bool is_shown(const struct view *v, int run, int gate)
{
	return (v->layer < 0 || v->layer == run) && (v->gate < 0 || v->gate == gate);
}

/* The gate that --gate names. */
static bool find_gate(struct view *v, const struct args *a, struct err *err)
{
	const struct cell_ops *cell = model_of(v)->spec.cell;
	const char *name = args_value(a, "--gate");
	struct buf list = {0};

	v->gate = name ? cell_gate(cell, name) : -1;
	if (!name || v->gate >= 0)
		return true;
	for (int q = 0; q < cell->gates; q++)
		buf_printf(&list, "%s%s", q ? ", " : "", cell->gate[q].name);
	err_set(err, ERR_USAGE, "the cell %s has no gate '%s'; it has %s", cell->name, name,
		buf_str(&list));
	buf_release(&list);
	return false;
}

static bool read_rules(struct view *v, const struct args *a, struct err *err)
{
	v->rules = (struct saturation_rules){.low = SATURATION_LOW, .high = SATURATION_HIGH};
	if (!args_real(a, "--low", 0, 1, &v->rules.low, err) ||
	    !args_real(a, "--high", 0, 1, &v->rules.high, err))
		return false;
	if (v->rules.low >= v->rules.high)
		return err_set(err, ERR_USAGE, "--low is below --high; %g is not below %g",
			       v->rules.low, v->rules.high);
	v->layer = args_has(a, "--layer") ? explain_layer(model_of(v), a, err) : -1;
	return (v->layer >= 0 || !args_has(a, "--layer")) && find_gate(v, a, err);
}

static struct value half_life(const struct view *v, int at)
{
	const double life = ledger_half_life(v->s.log_carry[at]);

	return isinf(life) ? value_text("never") : value_real(life, 1);
}

/* One gate: a point a unit, which lies on or below the line from all shut to all open. NULL where the gate
 * cannot be shut and open. */
static struct figure *picture(const struct view *v, int q)
{
	const struct cell_ops *cell = model_of(v)->spec.cell;
	const struct saturation *s = &v->s;
	struct figure *f;

	if (isnan(saturation_low(s, cell, 0, q, 0)) || isnan(saturation_high(s, cell, 0, q, 0)))
		return NULL;
	f = figure_plot("share open", "share shut", "%s: open above %g, shut below %g",
			cell->gate[q].name, v->rules.high, v->rules.low);
	f->x_max = f->y_max = 1;
	for (int run = 0; run < s->runs; run++) {
		char name[24], label[48];
		int series;

		if (!is_shown(v, run, q))
			continue;
		explain_layer_name(model_of(v), run, name);
		series = figure_series(f, name, false);
		for (int u = 0; u < s->H; u++) {
			snprintf(label, sizeof(label), "%s[%d]", cell->gate[q].name, u);
			figure_point(f, series, saturation_high(s, cell, run, q, u),
				     saturation_low(s, cell, run, q, u), label);
		}
	}
	figure_series(f, "never between", true);
	figure_point(f, f->series_count - 1, 0, 1, NULL);
	figure_point(f, f->series_count - 1, 1, 0, NULL);
	return f;
}

/* A row a unit of a gate. */
static bool report_rows(struct context *c, const struct view *v, struct err *err)
{
	static const char *const column[] = {"layer", "gate",  "unit",     "open",
					     "shut",  "carry", "half_life"};
	const struct cell_ops *cell = model_of(v)->spec.cell;
	const struct saturation *s = &v->s;
	struct output o;
	char name[24];

	output_open(&o, c->format, c->out, c->answer);
	output_columns(&o, column, 7);
	for (int run = 0; run < s->runs; run++)
		for (int at = 0; at < s->G * s->H; at++) {
			const int q = at / s->H, u = at % s->H;

			if (!is_shown(v, run, q))
				continue;
			output_row(&o,
				   (struct value[]){
					   value_text(explain_layer_name(model_of(v), run, name)),
					   value_text(cell->gate[q].name), value_int(u),
					   value_real(saturation_high(s, cell, run, q, u), 4),
					   value_real(saturation_low(s, cell, run, q, u), 4),
					   value_real(s->carry[run * s->H + u], 4),
					   half_life(v, run * s->H + u)});
		}
	for (int q = 0; q < s->G && output_has_pictures(&o); q++)
		if (v->gate < 0 || v->gate == q)
			output_figure(&o, picture(v, q));
	return output_close(&o, err);
}

static const char *meaning(enum activation act)
{
	return act == ACT_SIGMOID
		       ? "shares of steps above high and below low (Karpathy et al. 2015)"
	       : act == ACT_TANH ? "share of steps with |value| above high (not of Karpathy et al.)"
				 : "linear: it does not saturate";
}

static void json_gate(struct json_writer *j, const struct view *v, int run, int q)
{
	const struct cell_ops *cell = model_of(v)->spec.cell;

	jw_object(j);
	explain_json_text(j, "gate", cell->gate[q].name);
	explain_json_text(j, "meaning", meaning(cell->gate[q].act));
	for (int which = 0; which < 2; which++) {
		jw_key(j, which ? "shut" : "open");
		jw_array(j);
		for (int u = 0; u < v->s.H; u++)
			jw_f64(j, which ? saturation_low(&v->s, cell, run, q, u)
					: saturation_high(&v->s, cell, run, q, u));
		jw_array_end(j);
	}
	jw_object_end(j);
}

static void json_layer(struct json_writer *j, const struct view *v, int run)
{
	char name[24];

	jw_object(j);
	explain_json_text(j, "layer", explain_layer_name(model_of(v), run, name));
	jw_key(j, "gates");
	jw_array(j);
	for (int q = 0; q < v->s.G; q++)
		if (is_shown(v, run, q))
			json_gate(j, v, run, q);
	jw_array_end(j);
	explain_json_numbers(j, "carry", v->s.carry + (size_t)run * (size_t)v->s.H, v->s.H);
	jw_key(j, "half_life");
	jw_array(j);
	for (int u = 0; u < v->s.H; u++)
		jw_f64(j, ledger_half_life(v->s.log_carry[run * v->s.H + u]));
	jw_array_end(j);
	jw_object_end(j);
}

static bool report_json(struct context *c, const struct view *v, struct err *err)
{
	struct buf b = {0};
	struct json_writer j = jw_to(&b);

	jw_object(&j);
	explain_json_text(&j, "run", v->run.id);
	explain_json_text(&j, "name", v->run.name);
	explain_json_text(&j, "cell", model_of(v)->spec.cell->name);
	explain_json_text(&j, "data", data_file_name(&v->texts.file));
	jw_key(&j, "texts");
	jw_int(&j, v->s.texts);
	jw_key(&j, "steps");
	jw_int(&j, v->s.steps);
	explain_json_number(&j, "low", v->rules.low);
	explain_json_number(&j, "high", v->rules.high);
	explain_json_text(&j, "carry_is", model_of(v)->spec.cell->carry_text);
	jw_key(&j, "layers");
	jw_array(&j);
	for (int run = 0; run < v->s.runs; run++)
		if (v->layer < 0 || v->layer == run)
			json_layer(&j, v, run);
	jw_array_end(&j);
	jw_object_end(&j);
	return explain_json_end(c, &b, err);
}

static bool run_texts(struct view *v, struct context *c, const struct args *a, struct err *err)
{
	struct meter meter;
	struct team *team;
	bool ok;

	if (args_has(a, "--data"))
		ok = texts_file(c, a, task_table[model_of(v)->spec.task].stream, &v->texts, err);
	else
		ok = texts_trained(c, &v->run, &v->texts, err);
	team = ok ? team_new(default_threads(), err) : NULL;
	meter_begin(&meter, c);
	v->rules.watch = meter_watch(&meter, c, "texts");
	ok = team && saturation_run(&v->s, team, v->run.snapshot, v->texts.at, v->texts.count,
				    &v->rules, err);
	meter_end(&meter);
	team_free(team);
	return ok;
}

bool command_saturation(struct context *c, const struct args *a, struct err *err)
{
	struct view v = {0};
	bool ok = texts_options(a, err) && context_load(c, a->pos[0], &v.run, err) &&
		  read_rules(&v, a, err) && run_texts(&v, c, a, err);

	if (ok && explain_is_json(c))
		ok = report_json(c, &v, err);
	else if (ok)
		ok = report_rows(c, &v, err);
	if (ok && explain_is_table(c))
		context_say(
			c, "%lld steps of %lld texts; open is above %g, shut below %g; carry is %s",
			(long long)v.s.steps, (long long)v.s.texts, v.rules.high, v.rules.low,
			model_of(&v)->spec.cell->carry_text);
	saturation_release(&v.s);
	examples_release(&v.texts);
	loaded_release(&v.run);
	return ok;
}
