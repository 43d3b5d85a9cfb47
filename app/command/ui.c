/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The commands that steer the workbench. */
#include "app/command/ui.h"
#include "app/command/trace.h"
#include "app/command/ui_corpus.h"
#include "app/command/ui_debug.h"
#include "app/command/ui_diff.h"
#include "app/command/ui_edit.h"
#include "app/command/ui_equations.h"
#include "app/command/ui_runs.h"
#include "app/command/ui_script.h"
#include "app/command/ui_text.h"
#include "app/command/ui_train.h"
#include "app/command/ui_travel.h"
#include "app/command/ui_unit.h"

#include "app/desk/desk.h"
#include "app/place.h"
#include "app/reveal.h"
#include "app/tui/term.h"
#include "app/view/map.h"
#include "engine/base/mem.h"
#include "engine/text/utf8.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *view_name(int k)
{
	static const char *const name[] = {"train", "gates", "text", "runs",
					   "query", "log",   "help"};

	return k < 7 ? name[k] : NULL;
}

static bool ui_view(struct context *c, const struct args *a, struct err *err)
{
	for (int k = 0; view_name(k); k++)
		if (!strcmp(a->pos[0], view_name(k))) {
			workbench_show(c->ui, view_at(k));
			return true;
		}
	return err_set(err, ERR_USAGE,
		       "there is no view '%s'; train, gates, text, runs, query, log or help",
		       a->pos[0]);
}

static bool ui_quit(struct context *c, const struct args *a, struct err *err)
{
	struct workbench *w = c->ui;
	(void)a, (void)err;

	if (w->view == &view_help)
		workbench_show(w, w->before);
	else if (ui_is_training(w) && !w->stopping)
		workbench_ask(w, ASK_QUIT,
			      "Training is under way. Stop it with a checkpoint and leave? [y/N] ",
			      NULL);
	else
		w->quit = !w->stopping || !w->session;
	return true;
}

static bool ui_cancel(struct context *c, const struct args *a, struct err *err)
{
	if (play_stop(c->ui)) {
		workbench_say(c->ui, ROLE_message, "stopped");
		return true;
	}
	if (jobs_cancel(c->ui->jobs)) {
		workbench_say(c->ui, ROLE_message, "cancelled");
		return true;
	}
	if (c->ui->text.job) {
		desk_write_stop(c->ui);
		return true;
	}
	if (c->ui->view == &view_help)
		c->ui->view = c->ui->before;
	return ui_quit(c, a, err);
}

static bool ui_help(struct context *c, const struct args *a, struct err *err)
{
	const struct command *cmd = a->pos_count ? command_find(a->pos[0], CMD_CONSOLE) : NULL;

	if (a->pos_count && !cmd)
		return command_unknown(a->pos[0], CMD_CONSOLE, err);
	if (cmd) {
		workbench_say(c->ui, ROLE_message, "%s%s%s: %s", cmd->name, *cmd->usage ? " " : "",
			      cmd->usage, cmd->help);
		return true;
	}
	workbench_show(c->ui, c->ui->view == &view_help ? c->ui->before : &view_help);
	return true;
}

static bool ui_console(struct context *c, const struct args *a, struct err *err)
{
	(void)a, (void)err;
	workbench_ask(c->ui, ASK_CONSOLE, ":", NULL);
	return true;
}

static bool ui_redraw(struct context *c, const struct args *a, struct err *err)
{
	(void)a, (void)err;
	if (!c->ui->headless)
		term_redraw();
	c->ui->dirty = true;
	return true;
}

static bool ui_suspend(struct context *c, const struct args *a, struct err *err)
{
	(void)a;
	if (c->ui->headless)
		return err_set(err, ERR_USAGE, "there is no terminal to leave");
	term_suspend();
	c->ui->dirty = true;
	return true;
}

static const char *move_name(int k)
{
	static const char *const name[] = {"up",  "down",   "left",   "right",
					   "top", "bottom", "pageup", "pagedown"};

	return k < 8 ? name[k] : NULL;
}

static bool ui_move(struct context *c, const struct args *a, struct err *err)
{
	const int count = a->pos_count > 1 ? atoi(a->pos[1]) : 1;

	for (int k = 0; move_name(k); k++)
		if (!strcmp(move_name(k), a->pos[0])) {
			if (c->ui->view->move)
				c->ui->view->move(c->ui, (enum move)k, count > 0 ? count : 1);
			c->ui->dirty = true;
			return true;
		}
	return err_set(err, ERR_USAGE,
		       "move goes up, down, left, right, top, bottom, pageup or pagedown");
}

static bool ui_pane(struct context *c, const struct args *a, struct err *err)
{
	(void)err;
	if (c->ui->view->pane)
		c->ui->view->pane(c->ui, *a->pos[0] == 'p' ? -1 : 1);
	c->ui->dirty = true;
	return true;
}

static bool ui_open(struct context *c, const struct args *a, struct err *err)
{
	(void)err;
	if (a->pos_count)
		desk_open(c->ui, a->pos[0]);
	else if (c->ui->view->open)
		c->ui->view->open(c->ui);
	return true;
}

static bool ui_back(struct context *c, const struct args *a, struct err *err)
{
	(void)a, (void)err;
	if (!c->ui->view->back || !c->ui->view->back(c->ui))
		if (c->ui->view == &view_help)
			workbench_show(c->ui, c->ui->before);
	c->ui->dirty = true;
	return true;
}

static bool search(struct workbench *w, int delta, struct err *err)
{
	if (!w->find || !*w->find)
		return err_set(err, ERR_USAGE, "nothing to find yet: / asks for it");
	if (!w->view->find)
		return err_set(err, ERR_USAGE, "there is nothing to find in this view");
	w->dirty = true;
	return w->view->find(w, w->find, delta) ||
	       err_set(err, ERR_USAGE, "'%s' is not there", w->find);
}

static bool ui_find(struct context *c, const struct args *a, struct err *err)
{
	if (!a->pos_count) {
		if (c->ui->view == &view_runs)
			workbench_ask(c->ui, ASK_FILTER, "show runs with: ", c->ui->runs.filter);
		else
			workbench_ask(c->ui, ASK_FIND, "find: ", NULL);
		return true;
	}
	free(c->ui->find);
	c->ui->find = mem_text(a->pos[0]);
	return search(c->ui, 1, err);
}

static bool ui_again(struct context *c, const struct args *a, struct err *err)
{
	return search(c->ui, *a->pos[0] == 'p' ? -1 : 1, err);
}

/* What the view's export would write, to be freed; NULL with err set where there is nothing. */
static char *export_text(struct workbench *w, enum output_format format, size_t *size,
			 struct err *err)
{
	struct output o;
	char *text = NULL;
	FILE *f = open_memstream(&text, size);
	bool ok;

	if (!f) {
		err_set(err, ERR_FAILED, "not enough memory to export");
		return NULL;
	}
	output_open(&o, format, f, NULL);
	ok = w->view->rows(w, &o, err);
	ok = output_close(&o, ok ? err : NULL) && ok;
	if (!fclose(f) && ok)
		return text;
	free(text);
	return NULL;
}

bool ui_write_new(const char *path, const char *text, size_t size, struct err *err)
{
	FILE *f = fopen(path, "wx"); /* what is there stays */
	bool ok = f && fwrite(text, 1, size, f) == size;

	if (!f && errno == EEXIST)
		return err_set(err, ERR_FAILED, "%s is there already: choose another name", path);
	if (f && fclose(f))
		ok = false;
	return ok || err_set(err, ERR_FAILED, "cannot write %s: %s", path, strerror(errno));
}

/* The view's name, and a number where that file is there already. */
static void free_name(const struct workbench *w, char *name, size_t size)
{
	const char *view = "view";

	for (int k = 0; view_at(k); k++)
		if (view_at(k) == w->view)
			view = view_name(k);
	snprintf(name, size, "sluice-%s.csv", view);
	for (int n = 2; n < 1000 && access(name, F_OK) == 0; n++)
		snprintf(name, size, "sluice-%s-%d.csv", view, n);
}

/* What a file's name asks for. */
static bool format_of(const char *path, enum output_format *format, struct err *err)
{
	const char *file = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	const char *end = strrchr(file, '.');
	const int found = end ? output_format_find(end + 1) : -1;

	if (found < OUTPUT_CSV)
		return err_set(err, ERR_USAGE,
			       "a name ends in .csv, .tsv, .json, .ndjson or .svg, unlike '%s'",
			       file);
	*format = (enum output_format)found;
	return true;
}

static bool ui_save(struct context *c, const struct args *a, struct err *err)
{
	struct workbench *w = c->ui;
	enum output_format format = OUTPUT_CSV;
	size_t size = 0;
	char *text, name[64];
	bool ok;

	if (!w->view->rows)
		return err_set(err, ERR_USAGE, "there is nothing to export in this view");
	if (!a->pos_count) {
		free_name(w, name, sizeof(name));
		workbench_ask(w, ASK_EXPORT, "export to (.csv .json .svg): ", name);
		return true;
	}
	if (!format_of(a->pos[0], &format, err))
		return false;
	text = export_text(w, format, &size, err);
	ok = text && ui_write_new(a->pos[0], text, size, err);
	free(text);
	if (ok)
		workbench_say(w, ROLE_message, "%s written", a->pos[0]);
	return ok;
}

/* Both `trace TEXT` and `trace RUN --text TEXT`, the rest of the line being one argument. */
static bool ui_trace(struct context *c, const struct args *a, struct err *err)
{
	const char *text = a->pos_count ? a->pos[0] : args_value(a, "--text"), *mark;
	struct workbench *w = c->ui;
	struct buf clean = {0};

	if (!text && ui_ask_prompt(w))
		return true;
	if (!text) {
		workbench_ask(w, ASK_SENTENCE, "sentence: ", NULL);
		return true;
	}
	mark = strstr(text, "--text ");
	if (!w->open && (!mark || mark == text))
		return err_set(err, ERR_USAGE, "open a run first");
	if (mark) {
		char *run = mem_bytes(text, strcspn(text, " "));

		if (mark > text)
			desk_open(w, run);
		free(run);
		text = mark + 7;
	}
	utf8_repair(&clean, text, strlen(text), NULL);
	desk_sentence(w, buf_str(&clean));
	buf_release(&clean);
	workbench_show(w, &view_gates);
	return true;
}

static bool ui_pin(struct context *c, const struct args *a, struct err *err)
{
	struct workbench *w = c->ui;
	const char *text = a->pos_count ? a->pos[0] : w->current.text;

	if (!text)
		return err_set(err, ERR_USAGE, "there is no sentence to pin: i asks for one");
	desk_pin(w, text);
	workbench_say(w, ROLE_message, "pinned: %s", text);
	return true;
}

static bool ui_theme(struct context *c, const struct args *a, struct err *err)
{
	const bool path = strchr(a->pos[0], '/') || strchr(a->pos[0], '.');
	char *name = mem_printf("%s.theme", a->pos[0]);
	char *file = path ? mem_text(a->pos[0]) : place_shared("themes", name);
	struct theme t;
	bool ok;

	theme_default(&t);
	if (path || access(file, F_OK) == 0)
		ok = theme_load(&t, file, err);
	else
		ok = err_set(err, ERR_INPUT,
			     "there is no %s; default, dark, light and mono come with sluice",
			     name);
	if (ok) {
		c->ui->theme = t;
		workbench_say(c->ui, ROLE_message, "theme %s", a->pos[0]);
	}
	free(name);
	free(file);
	return ok;
}

static const char *theme_name(int k)
{
	static const char *const name[] = {"default", "dark", "light", "mono"};

	return k < 4 ? name[k] : NULL;
}

static bool ui_layer(struct context *c, const struct args *a, struct err *err)
{
	struct workbench *w = c->ui;
	const struct trace *t = w->current.trace;

	if (!t || t->runs < 2)
		return err_set(err, ERR_USAGE, "this run has one layer in one direction");
	map_turn(w, (w->gates.run + (*a->pos[0] == 'p' ? t->runs - 1 : 1)) % t->runs);
	w->dirty = true;
	return true;
}

static bool ui_zoom(struct context *c, const struct args *a, struct err *err)
{
	const struct query_state *q = &c->ui->query;
	(void)a;

	if (c->ui->view == &view_query && !(q->has_answer && q->answer.figures))
		return err_set(err, ERR_USAGE, "there is no picture here");
	if (c->ui->view == &view_query)
		c->ui->query.zoom = !c->ui->query.zoom;
	else
		c->ui->gates.zoom = !c->ui->gates.zoom;
	c->ui->dirty = true;
	return true;
}

struct goal {
	int run, signal, unit, step;
};

/* A place: "f[12]@3", "f[12]" at this step, a step alone, "3" or "@3", or one of another layer, "l1.bw.f[12]". */
static bool read_place(const struct trace *t, const char *text, struct goal *g, struct err *err)
{
	const char *number = *text == '@' ? text + 1 : text, *dot = strrchr(text, '.');
	char gate[8], *layer;
	int end = 0;

	if (sscanf(number, "%d%n", &g->step, &end) == 1 && !number[end])
		return true;
	if (dot) {
		layer = mem_bytes(text, (size_t)(dot - text));
		g->run = trace_find_layer(t, layer, err);
		free(layer);
		if (g->run < 0)
			return false;
	}
	text = dot ? dot + 1 : text;
	end = 0;
	if (sscanf(text, "%7[a-z][%d]%n@%d%n", gate, &g->unit, &end, &g->step, &end) >= 2 &&
	    !text[end])
		g->signal = trace_signal_find(&t->run[g->run], gate);
	else
		g->signal = -1;
	return g->signal >= 0 ||
	       err_set(err, ERR_USAGE,
		       "goto takes a step, or a place like f[12], f[12]@3 or l0.bw.f[12], not '%s'",
		       text);
}

static bool ui_goto(struct context *c, const struct args *a, struct err *err)
{
	struct workbench *w = c->ui;
	const struct trace *t = w->current.trace;
	struct goal g = {w->gates.run, w->gates.signal, w->gates.unit, w->gates.t + 1};

	if (!t || !t->T)
		return err_set(err, ERR_USAGE, "there is no sentence to go to a place in");
	if (!read_place(t, a->pos[0], &g, err))
		return false;
	if (g.unit < 0 || g.unit >= t->H || g.step < 1 || g.step > t->run[g.run].T)
		return err_set(err, ERR_USAGE, "units go from 0 to %d and steps from 1 to %d",
			       t->H - 1, t->run[g.run].T);
	if (g.run != w->gates.run)
		map_turn(w, g.run);
	w->gates.signal = g.signal;
	w->gates.pane = w->gates.map = false;
	w->gates.unit = g.unit;
	w->gates.t = g.step - 1;
	reveal_end(w);
	workbench_show(w, &view_gates);
	return true;
}

// clang-format off
static const struct option options_trace_ui[] = {{"--text", "TEXT", "the text to look at"}, {NULL, NULL, NULL}};
static const struct option options_go_on[] = {{"--set", "name=value", "a setting of training, such as epochs=20"}, {NULL, NULL, NULL}};
static const struct option options_tune[] = {{"-c", "FILE.ini", "a settings file"}, {"--set", "name=value", "one setting"}, {"--data", "FILE", "training texts"}, {"--valid", "FILE", "validation texts"}, {NULL, NULL, NULL}};
enum { BOTH = CMD_UI | CMD_CONSOLE };
static const struct command table[] = {
	{"trace",   "[RUN] [--text] TEXT", "Look at the gates of a text", BOTH | CMD_REST, 0, -1, options_trace_ui, ui_trace, NULL},
	{"open",    "[RUN]", "Open a run's weights", BOTH, 0, 1, NULL, ui_open, NULL},
	{"train",   "[name=value]... [-c FILE] [--data FILE]", "Train with these settings", BOTH, 0, -1, options_train, ui_train, NULL},
	{"resume",  "[RUN] [name=value]...", "Go on training a run as if it had never stopped", BOTH, 0, -1, options_go_on, ui_resume, NULL},
	{"fork",    "[RUN[@STEP]] [name=value]...", "Go on from a run's checkpoint as a new run", BOTH, 0, -1, options_go_on, ui_fork, NULL},
	{"tune",    "[RUN[@STEP]] [-c FILE] [name=value]...", "Train a new run from a run's encoder", BOTH, 0, -1, options_tune, ui_tune, NULL},
	{"toggle",  "", "Start, pause or go on training", BOTH, 0, 0, NULL, ui_toggle, NULL},
	{"batch",   "", "Train one batch", BOTH, 0, 0, NULL, ui_batch, NULL},
	{"rate",    "up|down|NUMBER | GROUP FACTOR", "Change the learning rate, or what a group of weights multiplies it by", BOTH, 1, 2, NULL, ui_rate, rate_word},
	{"freeze",  "GROUP", "Keep a group of weights as it is", BOTH, 1, 1, NULL, ui_freeze, group_word},
	{"unfreeze", "GROUP", "Let a group of weights learn again", BOTH, 1, 1, NULL, ui_unfreeze, group_word},
	{"stop",    "", "Stop training, with a checkpoint", BOTH, 0, 0, NULL, ui_stop, NULL},
	{"pin",     "[TEXT]", "Show a sentence's gates while it learns", BOTH | CMD_REST, 0, -1, NULL, ui_pin, NULL},
	{"goto",    "STEP | [LAYER.]GATE[UNIT][@STEP]", "Go to a step, or to a place such as f[12]@3", BOTH, 1, 1, NULL, ui_goto, NULL},
	{"step",    "[N]", "Go so many steps on, or back, in the order in which the layer reads", BOTH, 0, 1, NULL, ui_step, NULL},
	{"stepi",   "[N|all]", "Let the equations come a line at a time: so many on, or back; all: they are there", BOTH, 0, 1, NULL, ui_stepi, stepi_word},
	{"play",    "[SECONDS|stop]", "Take a step, or a line, every so many seconds", BOTH, 0, 1, NULL, ui_play, play_word},
	{"next",    "", "Go to the next word, over padding", BOTH, 0, 0, NULL, ui_next, NULL},
	{"until",   "EXPRESSION", "Go on to the first step where it holds", BOTH | CMD_REST, 1, -1, NULL, ui_until, expression_word},
	{"continue", "", "Go on to the next breakpoint that holds, or value that changes", BOTH, 0, 0, NULL, ui_continue, NULL},
	{"run",     "[corpus] [FILE]", "Go through a file's texts, or those it was trained on, to the first breakpoint", BOTH, 0, -1, options_run, ui_run, NULL},
	{"up",      "", "Show the layer above", BOTH, 0, 0, NULL, ui_up, NULL},
	{"down",    "", "Show the layer below", BOTH, 0, 0, NULL, ui_down, NULL},
	{"break",   "[when] [EXPRESSION]", "Stop where an expression holds", BOTH | CMD_REST, 0, -1, NULL, ui_break, expression_word},
	{"watch",   "EXPRESSION", "Stop where a value changes", BOTH | CMD_REST, 1, -1, NULL, ui_watch, expression_word},
	{"display", "EXPRESSION", "Keep a value in the panel of Gates", BOTH | CMD_REST, 1, -1, NULL, ui_display, expression_word},
	{"print",   "EXPRESSION | RUN EXPRESSION... --text TEXT", "What an expression is here, or at each step of a text", BOTH | CMD_REST, 0, -1, options_print, ui_print, expression_word},
	{"equations", "[[RUN] --text TEXT] [--unit N]", "The equations of the cell looked at, or of a text's, in rows", BOTH, 0, 1, options_equations, ui_equations, NULL},
	{"set",     "[EDIT]", "Set gates or states by hand: f[12] = 0 @3..5, or at this step", BOTH | CMD_REST, 0, -1, NULL, ui_set, NULL},
	{"ablate",  "UNIT[,UNIT...] [@T[..T]]", "Hold c and h of units of this layer at 0 (of a GRU h), at all steps or some", BOTH | CMD_REST, 1, -1, NULL, ui_ablate, NULL},
	{"replace", "[T] TEXT", "Put another word in the place of that at step T, or here", BOTH | CMD_REST, 1, -1, NULL, ui_replace, NULL},
	{"insert",  "[T] TEXT", "Put a word in front of step T, or here", BOTH | CMD_REST, 1, -1, NULL, ui_insert, NULL},
	{"remove",  "[T]", "Take the word at step T out, or the one here", BOTH | CMD_REST, 0, -1, NULL, ui_remove, NULL},
	{"undo",    "", "Take the last edit back", BOTH, 0, 0, NULL, ui_undo, NULL},
	{"info",    "", "List breakpoints, watched values, displays and edits", BOTH, 0, 0, NULL, ui_info, NULL},
	{"delete",  "NUMBER", "Delete a breakpoint, watched value, display or edit", BOTH, 1, 1, NULL, ui_delete, NULL},
	{"diff",    "[TEXT | RUN | @STEP]", "The sentence beside another, or under other weights, and where they part", BOTH | CMD_REST, 0, -1, options_diff, ui_diff, NULL},
	{"unit",    "[[RUN] N]", "One unit over many texts: the one that Gates shows, or number N", BOTH, 0, 2, options_unit, ui_unit, NULL},
	{"match",   "[RUN] [units 3,17] [t 2..4]", "Where in many texts the same units are on as in the sentence", BOTH, 0, -1, options_match, ui_match, NULL},
	{"note",    "[RUN] [unit N] TEXT", "Write a remark on a run, or on one unit of it", BOTH, 0, -1, options_note, ui_note, NULL},
	{"zoom",    "", "One gate or picture, as large as the screen", BOTH, 0, 0, NULL, ui_zoom, NULL},
	{"layer", "next|previous", "Show another layer or direction", BOTH, 1, 1, NULL, ui_layer, NULL},
	{"checkpoint", "STEP|first|last|best|previous|next", "Look at the open run's weights as they were then", BOTH, 1, 1, NULL, ui_checkpoint, checkpoint_word},
	{"write",   "[--again] [PROMPT]", "Write a text, or stop writing", BOTH | CMD_REST, 0, -1, options_write, ui_write, NULL},
	{"sample",  "[name=value]...", "Change how tokens are drawn: temperature, top_k, top_p, seed, length; of pairs beam, penalty", BOTH, 0, -1, NULL, ui_sample, sample_word},
	{"view",    "NAME", "Show a view", BOTH, 1, 1, NULL, ui_view, view_name},
	{"theme",   "NAME|FILE", "Change the colours", BOTH, 1, 1, NULL, ui_theme, theme_name},
	{"find",    "[TEXT]", "Find a text in this view", BOTH | CMD_REST, 0, 1, NULL, ui_find, NULL},
	{"again",   "next|previous", "Find it again", BOTH, 1, 1, NULL, ui_again, NULL},
	{"order",   "[COLUMN]", "Order the runs", BOTH, 0, 1, NULL, ui_order, run_list_column},
	{"mark",    "", "Mark the selected run", BOTH, 0, 0, NULL, ui_mark, NULL},
	{"edit",    "rename|tag|note|delete", "Change the selected run", BOTH, 1, 1, NULL, ui_edit, NULL},
	{"save",    "[FILE]", "Write what this view shows as csv, tsv, json or svg, as the name ends", BOTH, 0, 1, NULL, ui_save, NULL},
	{"move",    "DIRECTION [COUNT]", "Move the cursor", BOTH, 1, 2, NULL, ui_move, move_name},
	{"pane",    "next|previous", "Go to another pane", BOTH, 1, 1, NULL, ui_pane, NULL},
	{"back",    "", "Go back", BOTH, 0, 0, NULL, ui_back, NULL},
	{"sentence","", "Ask for a sentence", BOTH, 0, 0, NULL, ui_trace, NULL},
	{"console", "", "Ask for a command", BOTH, 0, 0, NULL, ui_console, NULL},
	{"source",  "FILE", "Run the lines of a command file", BOTH, 1, 1, NULL, ui_source, NULL},
	{"echo",    "[TEXT]", "Say a line", BOTH | CMD_REST | CMD_ASKED, 0, -1, NULL, ui_echo, NULL},
	{"pause",   "[TEXT]", "In a command file on the screen: wait for Enter", BOTH | CMD_REST | CMD_ASKED, 0, -1, NULL, ui_pause, NULL},
	{"wait",    "[[--timeout SECONDS] TEXT]", "In a command file: wait for the training's end, or a text on the screen", BOTH | CMD_REST | CMD_ASKED, 0, -1, options_wait, ui_wait, NULL},
	{"key",     "KEY...", "Press keys, such as Down or C-l", BOTH | CMD_ASKED, 1, -1, NULL, ui_key, NULL},
	{"type",    "TEXT", "Type into the question that is asked", BOTH | CMD_REST | CMD_ASKED, 1, -1, NULL, ui_type, NULL},
	{"dump",    "[FILE]", "Write the screen as plain text", BOTH | CMD_ASKED, 0, 1, NULL, ui_dump, NULL},
	{"resize",  "COLUMNS ROWS", "Change the size of the screen that is none", BOTH | CMD_ASKED, 2, 2, NULL, ui_resize, NULL},
	{"help",    "[COMMAND]", "Show the keys, or what a command does", BOTH, 0, 1, NULL, ui_help, NULL},
	{"redraw",  "", "Draw the screen again", BOTH, 0, 0, NULL, ui_redraw, NULL},
	{"suspend", "", "Go to the shell; fg comes back", BOTH, 0, 0, NULL, ui_suspend, NULL},
	{"cancel",  "", "Cancel what runs, or leave", BOTH, 0, 0, NULL, ui_cancel, NULL},
	{"quit",    "", "Go back, or leave", BOTH, 0, 0, NULL, ui_quit, NULL},
};
// clang-format on

const struct command *ui_command_at(int index)
{
	return index >= 0 && (size_t)index < sizeof(table) / sizeof(table[0]) ? &table[index]
									      : NULL;
}
