/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Two sentences, two checkpoints, two runs or two cells beside each other, and where they part. */
#include "app/command/diff.h"
#include "app/command/texts.h"
#include "app/prepare.h"

#include "engine/base/mem.h"
#include "engine/text/utf8.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const struct option options_diff[] = {
	{"--text", "TEXT", "a text; twice: the two that are compared"},
	{"--with", "TEXT|RUN", "what to compare with: @STEP or a name that finds a run is a run"},
	{"--layer", "LAYER", "l0.fw, l1.bw and so on (default: the top one that goes forward)"},
	{"--signal", "NAME", "what to compare: i, f, g, o, c or h; r, z, n or h (default: h)"},
	{"--unit", "N", "the values of this unit of the first side, too"},
	{"--threshold", "X", "a divergence is above it (default: 1e-6; 0.1 for other weights)"},
	{"--match", "HOW", "units by index (within a run) or correlation (between runs)"},
	{"--data", "FILE", "texts to match units on (default: what the run was trained on)"},
	TEXTS_OPTIONS,
	{NULL, NULL, NULL},
};

enum { DECIMALS = 4, COLUMNS = 18 };

/* What is to be compared, in the user's words. */
struct sides {
	const char *run[2], *text[2];
	char *made; /* RUN@STEP */
};

struct value diff_token(const struct difference *d, int side, int row)
{
	const int t = side ? d->way.at[row].b : d->way.at[row].a;

	return t < 0 ? value_text("") : explain_token(d->x[side].replay, t);
}

double diff_number(const struct difference *d, int side, int row, int pair)
{
	const struct unit_pair *p = &d->units.pair[pair];
	const int t = side ? d->way.at[row].b : d->way.at[row].a;
	const int H = d->x[side].replay->H;

	if (t < 0)
		return NAN;
	if (!side)
		return d->value[0][(size_t)t * (size_t)H + (size_t)p->a];
	return diff_turned(d->value[1][(size_t)t * (size_t)H + (size_t)p->b], p,
			   d->signal[d->chosen].is_signed);
}

/* --- what to compare ------------------------------------------------------------------------------- */

static bool names_run(struct store *s, const char *word, struct err *err)
{
	struct run_ref ref;

	return store_run_find(s, word, &ref, err);
}

/* Whether a word means a run: @STEP of the first one, or one that the store finds. A run that is there without that
 * checkpoint is trouble, not a text. */
static bool read_with(struct context *c, struct sides *s, const char *with, struct err *err)
{
	const char *at = strchr(with, '@');
	struct store *store = context_store(c, false, err);
	struct err trouble = {0};
	char *run;
	bool ok = true;

	if (!store)
		return false;
	run = at ? mem_bytes(with, (size_t)(at - with)) : NULL;
	if (at == with) {
		s->made = mem_printf("%.*s%s", (int)strcspn(s->run[0], "@"), s->run[0], with);
		s->run[1] = s->made;
	} else if (names_run(store, with, &trouble)) {
		s->run[1] = with;
	} else if (run && names_run(store, run, NULL)) {
		ok = false;
		*err = trouble;
	} else {
		s->text[1] = with;
	}
	free(run);
	store_close(store);
	return ok;
}

static bool read_sides(struct context *c, const struct args *a, struct sides *s, struct err *err)
{
	const char *with = args_value(a, "--with");
	int texts = 0;

	for (int k = 0; k < a->option_count; k++)
		if (!strcmp(a->option[k], "--text") && texts++ < 2)
			s->text[texts - 1] = a->value[k];
	s->run[0] = a->pos[0];
	s->run[1] = a->pos[a->pos_count - 1];
	if (c->open_run && a->pos_count == 1 && texts == 1 && !with) {
		s->run[0] = s->run[1] = c->open_run; /* in the console that is the first side */
		with = a->pos[0];
	}
	if (!texts)
		return err_set(err, ERR_USAGE, "diff needs --text TEXT");
	if (texts > 2 || (with && (texts > 1 || a->pos_count > 1)))
		return err_set(err, ERR_USAGE, "diff compares two sides, and here are more");
	if (texts == 1)
		s->text[1] = s->text[0];
	if (with)
		return read_with(c, s, with, err);
	if (texts == 1 && a->pos_count == 1)
		return err_set(err, ERR_USAGE,
			       "diff needs something to compare with: a second --text, or a second "
			       "RUN");
	return true;
}

static bool open_side(struct explained *x, struct context *c, const char *run, const char *text,
		      struct err *err)
{
	if (!context_load(c, run, &x->run, err))
		return false;
	utf8_repair(&x->text, text, strlen(text), NULL);
	x->replay = replay_new(x->run.snapshot, buf_str(&x->text), x->text.len, err);
	if (x->replay && !x->replay->T)
		return err_set(err, ERR_USAGE, "%s has no word that %s reads",
			       *text ? "a text" : "an empty text", x->run.name);
	return x->replay;
}

static bool open_sides(struct difference *d, struct context *c, const struct args *a,
		       struct err *err)
{
	struct sides s = {.text = {"", ""}};
	bool ok = texts_options(a, err) && read_sides(c, a, &s, err);

	for (int k = 0; k < 2 && ok; k++) {
		ok = open_side(&d->x[k], c, s.run[k], s.text[k], err);
		if (!ok)
			break;
		d->side[k] = (struct diff_side){d->x[k].replay,
						explain_layer(d->x[k].replay->m, a, err)};
		ok = d->side[k].run >= 0;
	}
	free(s.made);
	if (!ok)
		return false;
	d->same_weights = d->x[0].run.checkpoint == d->x[1].run.checkpoint;
	d->backward = d->x[0].replay->run[d->side[0].run].backward;
	return true;
}

/* --- options --------------------------------------------------------------------------------------- */

/* Says which signals there are, and which are shared. */
static bool no_signal(const struct difference *d, const char *name, struct err *err)
{
	struct buf list[3] = {0};
	const char *cell[2];

	for (int k = 0; k < 2; k++) {
		diff_signal_names(&d->side[k], &list[k]);
		cell[k] = d->x[k].replay->m->spec.cell->name;
	}
	for (int k = 0; k < d->signals; k++)
		buf_printf(&list[2], "%s%s", k ? ", " : "", d->signal[k].name);
	if (strcmp(cell[0], cell[1]) != 0)
		err_set(err, ERR_USAGE,
			"'%s' is not in both: the cell %s has %s, and %s has %s; both have %s",
			name, cell[0], buf_str(&list[0]), cell[1], buf_str(&list[1]),
			buf_str(&list[2]));
	else
		err_set(err, ERR_USAGE, "the cell %s has no '%s'; it has %s", cell[0], name,
			buf_str(&list[0]));
	for (int k = 0; k < 3; k++)
		buf_release(&list[k]);
	return false;
}

static bool read_match(struct difference *d, const struct args *a, struct err *err)
{
	const char *how = args_value(a, "--match");
	const int H[2] = {d->x[0].replay->H, d->x[1].replay->H};

	d->by_index = d->x[0].run.run == d->x[1].run.run;
	if (how && strcmp(how, "index") != 0 && strcmp(how, "correlation") != 0)
		return err_set(err, ERR_USAGE, "--match is index or correlation, not '%s'", how);
	if (how)
		d->by_index = *how == 'i';
	if (d->by_index && H[0] != H[1])
		return err_set(err, ERR_USAGE,
			       "units go by index where there are as many, not %d and %d", H[0],
			       H[1]);
	if (d->by_index && d->same_weights && args_has(a, "--data"))
		return err_set(err, ERR_USAGE,
			       "--data is to match units on, and both sides have the same weights");
	return true;
}

static bool read_options(struct difference *d, const struct args *a, struct err *err)
{
	const char *name = args_has(a, "--signal") ? args_value(a, "--signal") : "h";

	d->signals = diff_signals(d->side, d->signal);
	d->chosen = -1;
	for (int k = 0; k < d->signals; k++)
		if (!strcmp(d->signal[k].name, name))
			d->chosen = k;
	if (d->chosen < 0)
		return no_signal(d, name, err);
	d->threshold = d->same_weights ? DIFF_SAME : DIFF_OTHER;
	d->unit = -1;
	return args_real(a, "--threshold", 0, 1e9, &d->threshold, err) &&
	       explain_unit(a, d->x[0].replay->H, &d->unit, err) && read_match(d, a, err);
}

/* --- units ----------------------------------------------------------------------------------------- */

/* The texts that units are matched on: of the first run, or else of the second. */
static bool read_texts(struct difference *d, struct context *c, const struct args *a,
		       struct examples *texts, struct err *err)
{
	if (args_has(a, "--data"))
		return texts_file(c, a, task_table[d->x[0].replay->m->spec.task].stream, texts,
				  err);
	if (texts_trained(c, &d->x[0].run, texts, err))
		return true;
	examples_release(texts);
	*texts = (struct examples){0};
	return d->x[0].run.run != d->x[1].run.run && texts_trained(c, &d->x[1].run, texts, NULL);
}

static bool measure(struct difference *d, struct context *c, const struct examples *texts,
		    struct err *err)
{
	const struct pairing_side side[2] = {{d->x[0].run.snapshot, d->side[0].run},
					     {d->x[1].run.snapshot, d->side[1].run}};
	struct team *team = team_new(default_threads(), err);
	const bool ok = team && pairing_run(&d->units, team, side, texts->at, texts->count,
					    &(struct pairing_rules){d->by_index, c->cancel}, err);

	team_free(team);
	d->data = mem_text(data_file_name(&texts->file));
	return ok;
}

static bool match_units(struct difference *d, struct context *c, const struct args *a,
			struct err *err)
{
	struct examples texts = {0};
	struct err trouble = {0};
	bool ok = true;

	if (d->same_weights && d->by_index) {
		pairing_same(&d->units, d->x[0].replay->H);
		return true;
	}
	if (read_texts(d, c, a, &texts, &trouble)) {
		ok = measure(d, c, &texts, err);
	} else if (d->by_index && !args_has(a, "--data")) {
		pairing_same(&d->units, d->x[0].replay->H);
		explain_remark(c, "units go by index; how alike they are is not known: %s",
			       trouble.msg);
	} else {
		ok = false;
		*err = trouble;
	}
	examples_release(&texts);
	return ok;
}

static bool find_pair(struct difference *d, struct err *err)
{
	const int unit = d->unit;

	if (unit < 0)
		return true;
	for (int k = 0; k < d->units.count; k++)
		if (d->units.pair[k].a == unit) {
			d->unit = k;
			return true;
		}
	return err_set(err, ERR_USAGE, "unit %d has no partner: %s has %d units, and %s has %d",
		       unit, d->x[0].run.name, d->x[0].replay->H, d->x[1].run.name,
		       d->x[1].replay->H);
}

/* --- comparing ------------------------------------------------------------------------------------- */

static bool compare(struct difference *d, struct context *c, struct err *err)
{
	if (!diff_align(d->side, &d->way, err))
		return false;
	for (int k = 0; k < d->signals; k++) {
		double *v[2];

		for (int s = 0; s < 2; s++)
			v[s] = diff_values(&d->side[s], d->signal[k].name);
		d->step[k] = mem_zero((size_t)d->way.count + 1, sizeof(**d->step));
		diff_compare(v[0], d->x[0].replay->H, v[1], d->x[1].replay->H,
			     d->signal[k].is_signed, &d->way, &d->units, d->step[k]);
		for (int s = 0; s < 2; s++)
			if (k == d->chosen)
				d->value[s] = v[s];
			else
				free(v[s]);
	}
	d->first = diff_first(d->step[d->chosen], d->way.count, d->threshold, d->backward);
	return course_fill(&d->course[0], d->x[0].replay, c->cancel, err) &&
	       course_fill(&d->course[1], d->x[1].replay, c->cancel, err);
}

static void difference_release(struct difference *d)
{
	for (int k = 0; k < 2; k++) {
		free(d->value[k]);
		course_release(&d->course[k]);
		explain_release(&d->x[k]);
	}
	for (int k = 0; k < DIFF_SIGNALS; k++)
		free(d->step[k]);
	free(d->data);
	pairing_release(&d->units);
	alignment_release(&d->way);
}

/* --- rows ------------------------------------------------------------------------------------------ */

/* To be read: what would be rounded to 0 and is not has one digit. */
static struct value small(const struct context *c, double v)
{
	if (explain_is_table(c) && v > 0 && v < 5e-5)
		return explain_residual(c, v);
	return value_real(v, v == 0 ? 0 : DECIMALS);
}

static struct value place(int t)
{
	return t < 0 ? value_null() : value_int(t + 1);
}

static int says(const struct difference *d, int side, int row, struct value *to)
{
	const struct course *c = &d->course[side];
	const int t = side ? d->way.at[row].b : d->way.at[row].a;
	const char *name;
	size_t n;

	to[0] = to[1] = value_null();
	if (t < 0 || !c->T || c->top[t] < 0)
		return 2;
	name = course_name(d->x[side].replay, c->top[t], &n);
	to[0] = value_bytes(name, n);
	to[1] = value_real(c->p[t], DECIMALS);
	return 2;
}

static int one_unit(const struct difference *d, int row, struct value *to)
{
	const double a = diff_number(d, 0, row, d->unit), b = diff_number(d, 1, row, d->unit);

	to[0] = value_real(a, DECIMALS);
	to[1] = value_real(b, DECIMALS);
	to[2] = value_real(a - b, DECIMALS);
	return 3;
}

/* A row in the order of name_columns. */
static void fill_row(const struct context *c, const struct difference *d, int row,
		     struct value v[COLUMNS])
{
	const struct diff_step *s = &d->step[d->chosen][row];
	int n = 5;

	v[0] = place(d->way.at[row].a);
	v[1] = diff_token(d, 0, row);
	v[2] = place(d->way.at[row].b);
	v[3] = diff_token(d, 1, row);
	v[4] = row == d->first ? value_int(1) : value_null();
	if (d->unit >= 0)
		n += one_unit(d, row, v + n);
	v[n++] = small(c, s->max);
	v[n++] = s->pair < 0 ? value_null() : value_int(d->units.pair[s->pair].a);
	v[n++] = s->pair < 0 ? value_null() : value_int(d->units.pair[s->pair].b);
	if (d->course[0].T || d->course[1].T) {
		n += says(d, 0, row, v + n);
		n += says(d, 1, row, v + n);
	}
	v[n++] = small(c, s->norm);
	v[n++] = value_real(s->norm_a, DECIMALS);
	v[n++] = value_real(s->norm_b, DECIMALS);
}

/* The columns of one unit: "a_h[3]", "b_-h[17]" where it is alike with the other sign, and "difference". */
static void name_unit(const struct difference *d, char name[2][40])
{
	const struct unit_pair *p = &d->units.pair[d->unit];
	const struct diff_signal *s = &d->signal[d->chosen];

	snprintf(name[0], 40, "a_%s[%d]", s->name, p->a);
	snprintf(name[1], 40, "b_%s%s[%d]", s->is_signed && p->r < 0 ? "-" : "", s->name, p->b);
}

static int add_names(const char **name, int n, const char *const *from, int count)
{
	for (int k = 0; k < count; k++)
		name[n++] = from[k];
	return n;
}

static int name_columns(const struct difference *d, const char **name, char unit[2][40])
{
	static const char *const begin[] = {"t_a", "token_a", "t_b", "token_b", "diverges"};
	static const char *const most[] = {"max", "unit_a", "unit_b"};
	static const char *const says_what[] = {"says_a", "p_a", "says_b", "p_b"};
	static const char *const norms[] = {"norm", "norm_a", "norm_b"};
	int n = add_names(name, 0, begin, 5);

	if (d->unit >= 0) {
		name_unit(d, unit);
		name[n++] = unit[0];
		name[n++] = unit[1];
		name[n++] = "difference";
	}
	n = add_names(name, n, most, 3);
	if (d->course[0].T || d->course[1].T)
		n = add_names(name, n, says_what, 4);
	return add_names(name, n, norms, 3);
}

static bool report_rows(struct context *c, const struct difference *d, struct err *err)
{
	const char *name[COLUMNS];
	char unit[2][40];
	struct output o;

	output_open(&o, c->format, c->out, c->answer);
	output_columns(&o, name, name_columns(d, name, unit));
	for (int row = 0; row < d->way.count; row++) {
		struct value v[COLUMNS];

		fill_row(c, d, row, v);
		output_row(&o, v);
	}
	if (output_has_pictures(&o))
		diff_pictures(&o, d);
	return output_close(&o, err);
}

/* How alike paired units are; any two of them; and paired ones with the steps shuffled. */
static void add_matching(const struct context *c, const struct difference *d, struct buf *line)
{
	const struct pairing *u = &d->units;

	if (!c->out) {
		buf_printf(line, " · |r| %.2f, any two %.2f, shuffled %.2f", u->mean, u->any,
			   u->chance);
		return;
	}
	buf_printf(line,
		   "; units by %s: |r| is %.3f on average, of any two units %.3f, with the steps "
		   "shuffled %.3f (%lld words of %lld texts of %s)",
		   d->by_index ? "index" : "correlation", u->mean, u->any, u->chance,
		   (long long)u->steps, (long long)u->texts, d->data);
}

/* One line on what was found, and on what the units' pairs are worth. */
static void remark(struct context *c, const struct difference *d)
{
	const char *signal = d->signal[d->chosen].name;
	struct buf line = {0};

	if (d->first < 0) {
		buf_printf(&line, "%s never differs by > %g", signal, d->threshold);
	} else {
		const struct align_pair *at = &d->way.at[d->first];
		const struct value a = diff_token(d, 0, d->first), b = diff_token(d, 1, d->first);

		buf_printf(&line, "%s differs by > %g first at %d “%.*s”", signal, d->threshold,
			   at->a + 1, (int)a.n, a.text);
		if (!at->same)
			buf_printf(&line, ", “%.*s”", (int)b.n, b.text);
	}
	if (d->units.steps && d->unit >= 0)
		buf_printf(&line, "; r of this unit is %.2f", d->units.pair[d->unit].r);
	if (d->units.steps)
		add_matching(c, d, &line);
	if (!c->out || explain_is_table(c) || d->units.steps)
		explain_remark(c, "%s", buf_str(&line));
	buf_release(&line);
}

bool command_diff(struct context *c, const struct args *a, struct err *err)
{
	struct difference d = {0};
	bool ok = open_sides(&d, c, a, err) && read_options(&d, a, err) &&
		  match_units(&d, c, a, err) && find_pair(&d, err) && compare(&d, c, err);

	if (ok && explain_is_json(c)) {
		ok = diff_json(c, &d, err);
	} else if (ok) {
		ok = report_rows(c, &d, err);
		if (ok)
			remark(c, &d);
	}
	difference_release(&d);
	return ok;
}
