/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/command/ui_debug.h"
#include "app/command/ui_edit.h"

#include "app/desk/desk.h"
#include "app/reveal.h"
#include "app/script.h"
#include "app/view/map.h"
#include "engine/base/mem.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

bool ui_place(const struct workbench *w, struct expr_place *at, struct err *err)
{
	const struct trace *t = w->current.trace;

	if (!t || !t->T || !t->run[w->gates.run].T) {
		err_set(err, ERR_USAGE, "there is no step to look at: i asks for a sentence");
		return false;
	}
	*at = (struct expr_place){t, w->gates.run, w->gates.t};
	return true;
}

bool ui_has_to_wait(struct workbench *w, const char *command, const char *rest)
{
	char *line;

	if (w->current.stale)
		workbench_show(w, &view_gates); /* what is not shown is not traced */
	if (!w->current.pending && !w->current.stale)
		return false;
	line = mem_printf("%s %s", command, rest);
	desk_later(w, line);
	free(line);
	return true;
}

const char *ui_rest(const struct args *a)
{
	return a->pos_count ? a->pos[0] + strspn(a->pos[0], " ") : "";
}

/* --- moving --- */

void ui_go_to(struct workbench *w, int position, const char *why)
{
	const struct trace_run *r = &w->current.trace->run[w->gates.run];
	const char *token = r->decoder ? w->current.wrote[position] : w->current.token[position];

	reveal_end(w);
	w->gates.t = position;
	workbench_say(w, ROLE_message, "%s%sstep %d of %d, “%s”", why, *why ? " · " : "",
		      position + 1, r->T, token);
	workbench_show(w, &view_gates);
}

bool ui_whole_number(const char *text, int *n)
{
	char *end;
	long v;

	errno = 0;
	v = strtol(text, &end, 10);
	if (errno || end == text || *end || v < -INT_MAX || v > INT_MAX)
		return false;
	*n = (int)v;
	return true;
}

bool ui_step(struct context *c, const struct args *a, struct err *err)
{
	struct expr_place at;
	int by = 1, to;

	if (a->pos_count && !ui_whole_number(a->pos[0], &by))
		return err_set(err, ERR_USAGE,
			       "step takes a whole number, such as 2 or -1, not '%s'", a->pos[0]);
	if (!ui_place(c->ui, &at, err))
		return false;
	to = debug_step(&at, by);
	ui_go_to(c->ui, to, to != at.t || !by ? "" : by > 0 ? "no step behind" : "no step before");
	return true;
}

bool ui_next(struct context *c, const struct args *a, struct err *err)
{
	struct expr_place at;
	int to;
	(void)a;

	if (!ui_place(c->ui, &at, err))
		return false;
	to = debug_next_word(&at);
	if (to < 0)
		return err_set(err, ERR_USAGE, "there is no word behind this one");
	ui_go_to(c->ui, to, "");
	return true;
}

bool ui_until(struct context *c, const struct args *a, struct err *err)
{
	struct expr_place at;
	struct expr *e = expr_parse(ui_rest(a), err);
	bool ok = e && ui_place(c->ui, &at, err);

	if (ok) {
		const int to = debug_until(e, &at, err);

		ok = to >= 0;
		if (ok)
			ui_go_to(c->ui, to, expr_text(e));
		else if (!err->code)
			err_set(err, ERR_USAGE, "%s: at no step behind this one", expr_text(e));
	}
	expr_free(e);
	return ok;
}

int ui_continue_here(struct workbench *w, struct err *err)
{
	struct debug *d = &w->debug;
	struct buf says = {0};
	struct expr_place at;
	int stops = 0, to;

	for (int k = 0; k < d->items; k++)
		stops += d->item[k].kind != DEBUG_DISPLAY;
	if (!stops) {
		err_set(err, ERR_USAGE, "there is nothing to stop at: break or watch EXPRESSION");
		return -1;
	}
	if (w->walk.job) {
		err_set(err, ERR_USAGE, "a corpus is being gone through: ^C ends that");
		return -1;
	}
	if (w->current.text && ui_has_to_wait(w, "continue", ""))
		return 1;
	if (!ui_place(w, &at, err))
		return desk_walk_is_here(w) ? 0 : -1;
	to = debug_continue(d, &at, &says);
	if (to >= 0)
		ui_go_to(w, to, buf_str(&says));
	buf_release(&says);
	return to >= 0;
}

/* The layer above or below, in the same direction of the same stack. */
static bool go_layers(struct workbench *w, int by, struct err *err)
{
	struct expr_place at;
	const struct trace_run *now;

	if (!ui_place(w, &at, err))
		return false;
	now = &at.trace->run[at.run];
	for (int k = 0; k < at.trace->runs; k++) {
		const struct trace_run *r = &at.trace->run[k];

		if (r->decoder != now->decoder || r->backward != now->backward ||
		    r->layer != now->layer + by)
			continue;
		map_turn(w, k);
		workbench_show(w, &view_gates);
		return true;
	}
	return err_set(err, ERR_USAGE, "there is no layer %s this one", by > 0 ? "above" : "below");
}

bool ui_up(struct context *c, const struct args *a, struct err *err)
{
	(void)a;
	return go_layers(c->ui, 1, err);
}

bool ui_down(struct context *c, const struct args *a, struct err *err)
{
	(void)a;
	return go_layers(c->ui, -1, err);
}

/* --- expressions --- */

const char *expression_word(int index)
{
	static const char *const word[] = {"when", "word",  "unknown", "layer", "prev(",
					   "d(",   "abs(",  "mean(",   "sum(",  "max(",
					   "min(", "norm(", "argmax(", "p("};

	return index >= 0 && (size_t)index < sizeof(word) / sizeof(word[0]) ? word[index] : NULL;
}

static bool add(struct workbench *w, enum debug_kind kind, const char *text, struct err *err)
{
	struct expr_place at;
	const bool there = ui_place(w, &at, NULL);
	const struct debug_item *i = debug_add(&w->debug, kind, text, there ? &at : NULL, err);

	if (i)
		workbench_say(w, ROLE_message, "%s %d: %s", debug_kind_name(kind), i->number,
			      expr_text(i->expr));
	return i;
}

bool ui_break(struct context *c, const struct args *a, struct err *err)
{
	const char *text = ui_rest(a);

	if (!strncmp(text, "when", 4) && (!text[4] || text[4] == ' '))
		text += 4 + strspn(text + 4, " ");
	if (!*text) {
		workbench_ask(c->ui, ASK_BREAK, "break when: ", NULL);
		return true;
	}
	return add(c->ui, DEBUG_BREAK, text, err);
}

bool ui_watch(struct context *c, const struct args *a, struct err *err)
{
	return add(c->ui, DEBUG_WATCH, ui_rest(a), err);
}

bool ui_display(struct context *c, const struct args *a, struct err *err)
{
	if (!add(c->ui, DEBUG_DISPLAY, ui_rest(a), err))
		return false;
	workbench_show(c->ui, &view_gates);
	return true;
}

static bool print_here(struct workbench *w, const char *text, struct err *err)
{
	struct expr *e = expr_parse(text, err);
	struct expr_value v = {0};
	struct buf line = {0};
	struct expr_place at;
	const bool ok =
		e && ui_place(w, &at, err) && expr_check(e, &at, err) && expr_eval(e, &at, &v, err);

	if (ok) {
		if (canvas_width(text) <= w->canvas.cols / 2)
			buf_text(&line, expr_text(e));
		buf_text(&line, " = ");
		debug_value(&line, &v, w->canvas.cols - 4 - canvas_width(buf_str(&line)));
		workbench_say(w, ROLE_message, "%s", buf_str(&line));
	}
	buf_release(&line);
	expr_value_release(&v);
	expr_free(e);
	return ok;
}

/* With an option it is what the shell's command does, in rows. */
static bool print_rows(struct workbench *w, const struct args *a, const char *rest, struct err *err)
{
	char *word[ARGS_MAX], *own[ARGS_MAX], *block = NULL;
	int n = 0, words = 0;

	if (rest && !words_split(rest, own, ARGS_MAX - 1, &words, &block, err))
		return false;
	word[n++] = mem_text("print");
	for (int k = 0; k < a->option_count && n + 2 < ARGS_MAX; k++) {
		word[n++] = mem_text(a->option[k]);
		word[n++] = mem_text(a->value[k]);
	}
	for (int k = 0; k < (rest ? words : a->pos_count) && n < ARGS_MAX; k++)
		word[n++] = mem_text(rest ? own[k] : a->pos[k]);
	desk_command(w, command_find("print", CMD_SHELL), n, word);
	while (n)
		free(word[--n]);
	free(block);
	return true;
}

/* Whether an option stands in a line, which is not a number with two signs. */
static bool has_option(const char *line)
{
	for (const char *at = line; (at = strstr(at, " --")); at += 3)
		if (isalpha((unsigned char)at[3]))
			return true;
	return false;
}

bool ui_print(struct context *c, const struct args *a, struct err *err)
{
	if (a->option_count)
		return print_rows(c->ui, a, NULL, err);
	if (!a->pos_count)
		return err_set(err, ERR_USAGE, "print needs an expression, such as f[12]");
	if (has_option(a->pos[0]))
		return print_rows(c->ui, a, a->pos[0], err);
	return print_here(c->ui, ui_rest(a), err);
}

void ui_tell_displays(struct workbench *w)
{
	struct expr_place at;

	if (!ui_place(w, &at, NULL) || reveal_covers_any(w))
		return;
	for (int k = 0; k < w->debug.items; k++) {
		const struct debug_item *i = &w->debug.item[k];
		struct expr_value v = {0};
		struct buf says = {0};

		buf_printf(&says, "display %d: %s ", i->number, expr_text(i->expr));
		if (i->kind != DEBUG_DISPLAY) {
			buf_release(&says);
			continue;
		}
		if (expr_check(i->expr, &at, NULL) && expr_eval(i->expr, &at, &v, NULL)) {
			buf_text(&says, "= ");
			debug_value(&says, &v, 72);
		} else {
			buf_text(&says, "does not fit");
		}
		script_said(w->script, ROLE_message, ERR_NONE, buf_str(&says));
		expr_value_release(&v);
		buf_release(&says);
	}
}

/* --- all of them --- */

static void info_rows(const struct workbench *w, struct output *o)
{
	static const char *const column[] = {"number", "kind", "expression", "hits",
					     "does not fit"};
	const struct debug *d = &w->debug;
	struct expr_place at;
	const bool there = ui_place(w, &at, NULL);

	output_columns(o, column, 5);
	for (int k = 0; k < d->items; k++) {
		const struct debug_item *i = &d->item[k];
		const bool stops = i->kind != DEBUG_DISPLAY;
		struct err err = {0};
		const bool fits = !there || expr_check(i->expr, &at, &err);

		output_row(o, (struct value[]){value_int(i->number),
					       value_text(debug_kind_name(i->kind)),
					       value_text(expr_text(i->expr)),
					       stops ? value_int(i->hits) : value_null(),
					       value_text(fits ? "" : err.msg)});
	}
	for (int k = 0; k < d->sets; k++)
		output_row(o, (struct value[]){value_int(d->set[k].number), value_text("set"),
					       value_text(d->set[k].text), value_null(),
					       value_text("")});
	if (w->walk.texts.count) {
		struct buf place = {0};

		desk_walk_place(w, &place);
		output_row(o, (struct value[]){value_null(), value_text("corpus"),
					       value_text(buf_str(&place)), value_null(),
					       value_text("")});
		buf_release(&place);
	}
}

bool ui_info(struct context *c, const struct args *a, struct err *err)
{
	const struct debug *d = &c->ui->debug;
	struct answer answer = {0};
	struct output o;
	(void)a;

	if (!d->items && !d->sets && !c->ui->walk.texts.count) {
		workbench_say(c->ui, ROLE_message,
			      "there is nothing to list: break, watch, display and set add to it");
		return true;
	}
	output_open(&o, OUTPUT_AUTO, NULL, &answer);
	info_rows(c->ui, &o);
	if (!output_close(&o, err)) {
		answer_release(&answer);
		return false;
	}
	desk_answer(c->ui, &answer, mem_text("info"));
	return true;
}

bool ui_delete(struct context *c, const struct args *a, struct err *err)
{
	struct workbench *w = c->ui;
	int number = 0, index;

	if (!ui_whole_number(a->pos[0], &number))
		return err_set(err, ERR_USAGE,
			       "delete takes a number of those that info lists, not '%s'",
			       a->pos[0]);
	index = debug_find_set(&w->debug, number);
	if (index >= 0)
		return ui_has_to_wait(w, "delete", a->pos[0]) || ui_take_back(w, index, err);
	if (!debug_delete(&w->debug, number))
		return err_set(err, ERR_USAGE, "there is no number %d: info lists them", number);
	workbench_say(w, ROLE_message, "%d is deleted", number);
	return true;
}

void ui_answer_debug(struct workbench *w, const char *command, const char *line)
{
	char *whole = mem_printf("%s %s", command, line);

	if (line[strspn(line, " ")])
		workbench_line(w, whole);
	free(whole);
}
