/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What stands round every view: the top line, the names of the views, messages, hints, the prompt. */
#include "app/desk/desk.h"
#include "app/script.h"
#include "app/tui/prompt.h"
#include "app/tui/term.h"

#include <stdlib.h>
#include <string.h>

static struct style look(const struct workbench *w, enum role r)
{
	return theme_style(&w->theme, r);
}

/* The right half of the top line: what training does now. */
static void progress_text(const struct workbench *w, char *out, size_t size, int cols)
{
	const struct open_run *o = w->session || !w->open ? &w->live : w->open;
	const struct train_gauge *g = o->view ? &o->view->gauge : NULL;
	char name[40] = "";

	if (w->session && w->open && w->open != &w->live && cols >= 60)
		snprintf(name, sizeof(name), "%.30s: ", w->live.name); /* not the run at the left */
	*out = '\0';
	if (!g)
		return;
	if (w->session && !train_state_over(g->state)) {
		const char *state = g->state == TRAIN_RUNNING
					    ? w->stopping ? "stopping" : "training"
					    : train_state_name(g->state);

		if (g->state == TRAIN_READY)
			snprintf(out, size, "%sready · %d epochs · %lld steps", name, g->epochs,
				 (long long)g->steps);
		else if (cols >= (*name ? 140 : 110))
			snprintf(out, size,
				 "%s%s · epoch %d/%d · step %lld/%lld · %.1fk tokens/s · %d:%02d "
				 "left",
				 name, state, g->epoch, g->epochs, (long long)g->step,
				 (long long)g->steps, g->tokens_per_s / 1000, (int)g->eta / 60,
				 (int)g->eta % 60);
		else
			snprintf(out, size, "%s%s · epoch %d/%d · %d:%02d left", name, state,
				 g->epoch, g->epochs, (int)g->eta / 60, (int)g->eta % 60);
	} else if (o->snapshot) {
		snprintf(out, size, "%s · epoch %d · step %lld", *o->status ? o->status : "open",
			 o->snapshot->epoch, (long long)o->snapshot->step);
	}
}

static void draw_bar(struct workbench *w, struct rect r)
{
	const struct style bar = look(w, ROLE_bar), strong = look(w, ROLE_strong);
	const struct open_run *o = w->open;
	int64_t done, of;
	const char *job = jobs_waiting(w->jobs, &done, &of);
	char right[160], left[200];
	struct style name = bar;
	int at;

	progress_text(w, right, sizeof(right), r.cols);
	if (job && of == 100)
		snprintf(right, sizeof(right), "%s · %lld %% …  ^C cancels", job, (long long)done);
	else if (job && of)
		snprintf(right, sizeof(right), "%s · %lld of %lld …  ^C cancels", job,
			 (long long)done, (long long)of);
	else if (job)
		snprintf(right, sizeof(right), "%s …  ^C cancels", job);
	canvas_fill(&w->canvas, r, bar, ' ');
	if (canvas_width(right) + 9 <= r.cols) /* where it is narrow the state comes first */
		canvas_text(&w->canvas, r, 0, 1, bar, "sluice");
	at = 9;
	snprintf(left, sizeof(left), "%s%s%s", o ? o->name : "", o && *o->id ? "  " : "",
		 o ? o->id : "");
	name.attr |= strong.attr;
	if (at + canvas_width(left) + canvas_width(right) + 4 > r.cols && o)
		snprintf(left, sizeof(left), "%s", o->name);
	canvas_field(&w->canvas, r, 0, at, r.cols - at - canvas_width(right) - 3, -1, name, left);
	canvas_text(&w->canvas, r, 0, r.cols - canvas_width(right) - 1, bar, right);
}

static void draw_tabs(struct workbench *w, struct rect r)
{
	const char *store = strrchr(w->context.store, '/') ? strrchr(w->context.store, '/') + 1
							   : w->context.store;
	const int gap = r.cols < 52 ? 1 : 2;
	const char *apart = r.cols < 46 ? "" : " "; /* number and name */
	int at = 1;

	for (int k = 0; view_at(k); k++) {
		const struct view *v = view_at(k);
		const struct style s = look(w, v == w->view ? ROLE_tab_on : ROLE_tab);
		char text[32];

		if (!v->number && v != w->view)
			continue;
		if (v->number)
			snprintf(text, sizeof(text), "%d%s%s", v->number, apart, v->name);
		else
			snprintf(text, sizeof(text), "?%s%s", apart, v->name);
		if (at + canvas_width(text) <= r.cols) /* no name is cut */
			at += canvas_text(&w->canvas, r, 0, at, s, text) + gap;
	}
	if (at + canvas_width(store) + 2 < r.cols)
		canvas_text(&w->canvas, r, 0, r.cols - canvas_width(store) - 1, look(w, ROLE_dim),
			    store);
}

/* One key and what it does; 0 where it does not fit. */
static int draw_hint(struct workbench *w, struct rect r, int at, const char *name, const char *help)
{
	static const char *const shown[][2] = {{"Space", "space"}, {"Enter", "enter"},
					       {"Tab", "tab"},     {"Esc", "esc"},
					       {"Left", "←→"},     {"Up", "↑↓"}};
	char key[KEYMAP_NAME];
	int width;

	snprintf(key, sizeof(key), "%.*s", (int)strcspn(name, " "), name);
	for (size_t k = 0; k < sizeof(shown) / sizeof(shown[0]); k++)
		if (!strcmp(key, shown[k][0]))
			snprintf(key, sizeof(key), "%s", shown[k][1]);
	width = canvas_width(key) + 1 + canvas_width(help);
	if (at + width + 1 > r.cols)
		return 0;
	canvas_text(&w->canvas, r, 0, at, look(w, ROLE_key), key);
	canvas_text(&w->canvas, r, 0, at + canvas_width(key) + 1, look(w, ROLE_hint), help);
	return width + 2;
}

/* What is zoomed in Query are pictures. */
static bool has_keys(const struct workbench *w)
{
	return w->view != &view_query || (w->query.has_answer && w->query.answer.figures);
}

/* The view's keys, as many as leave room for those that are the same everywhere. */
static void draw_hints(struct workbench *w, struct rect r)
{
	static const struct binding paused[] = {
		{"Enter", NULL, "goes on"}, {"Esc", NULL, "leaves the file"}, {NULL, NULL, NULL}};
	static const char *const common[][2] = {
		{"i", "sentence"}, {":", "console"}, {"?", "help"}, {"q", "quit"}};
	const struct binding *const table[] = {script_is_paused(w->script) ? paused : NULL,
					       w->view->hints ? w->view->hints(w) : NULL,
					       has_keys(w) ? w->view->keys : NULL};
	int at = 1, used = 1, reserve = 0;

	for (int k = 1; k < 4; k++)
		reserve += 4 + (int)strlen(common[k][1]);
	for (int n = 0; n < 3 && used; n++)
		for (const struct binding *b = table[n]; b && b->key && used; b++) {
			struct rect room = r;

			room.cols -= r.cols >= 60 ? reserve : 12;
			used = draw_hint(w, room, at, b->key, b->help);
			at += used;
		}
	/* i is one of Text's own: it asks for a prompt there */
	for (int k = r.cols - at > reserve + 12 && w->view != &view_text ? 0 : 1; k < 4; k++)
		at += draw_hint(w, r, at, common[k][0], common[k][1]);
}

static void draw_prompt(struct workbench *w, struct rect line, struct rect hints)
{
	struct prompt_view v;
	struct buf list = {0};

	prompt_look(line.cols - 1, &v);
	canvas_text(&w->canvas, line, 0, 0, look(w, ROLE_key), v.label);
	canvas_text(&w->canvas, line, 0, canvas_width(v.label), look(w, ROLE_strong), v.text);
	w->canvas.cursor_row = line.row;
	w->canvas.cursor_col = v.cursor;
	w->canvas.cursor_visible = true;
	if (!v.listed) {
		canvas_text(&w->canvas, hints, 0, 1, look(w, ROLE_hint),
			    w->ask == ASK_TRAIN && w->open
				    ? "y is yes, any other key no   :resume goes on with this run"
			    : w->ask == ASK_QUIT || w->ask == ASK_DELETE || w->ask == ASK_TRAIN
				    ? "y is yes, any other key no"
			    : w->ask == ASK_DIFF ? "@STEP, or a word that finds a run, is a run; "
						   "the rest is text   esc leaves"
			    : w->ask == ASK_CONSOLE
				    ? "enter runs it   tab completes   ↑ earlier lines   esc leaves"
			    : w->ask == ASK_EDIT ? "enter takes it   esc leaves   or: word = good  "
						   "insert = very  remove"
						 : "enter takes it   esc leaves");
		return;
	}
	for (size_t k = 0; k < v.listed; k++)
		buf_printf(&list, "%s%s", k ? "  " : "", v.list[k]);
	canvas_field(&w->canvas, hints, 0, 1, hints.cols - 2, -1, look(w, ROLE_hint),
		     buf_str(&list));
	buf_release(&list);
}

static void fit_terminal(struct workbench *w, int *rows, int *cols)
{
	term_size(rows, cols);
	if (*rows != w->canvas.rows || *cols != w->canvas.cols)
		canvas_resize(&w->canvas, *rows, *cols);
	w->canvas.ascii = term_ascii();
	w->canvas.colours = term_colours();
}

static void show(struct workbench *w)
{
	if (!w->headless)
		term_show(&w->canvas);
}

void frame_draw(struct workbench *w)
{
	int rows = w->canvas.rows, cols = w->canvas.cols;
	struct rect all, body;

	if (!w->headless)
		fit_terminal(w, &rows, &cols);
	w->canvas.cursor_row = -1;
	w->canvas.cursor_visible = false;
	canvas_clear(&w->canvas, look(w, ROLE_text));
	all = canvas_rect(&w->canvas);
	if (rows < SCREEN_MIN_ROWS || cols < SCREEN_MIN_COLS) {
		char text[80];

		snprintf(text, sizeof(text), "sluice needs %d×%d", SCREEN_MIN_COLS,
			 SCREEN_MIN_ROWS);
		canvas_field(&w->canvas, all, rows / 2, 0, cols, 0, look(w, ROLE_warn), text);
		snprintf(text, sizeof(text), "this is %d×%d", cols, rows);
		canvas_field(&w->canvas, all, rows / 2 + 1, 0, cols, 0, look(w, ROLE_dim), text);
		show(w);
		return;
	}
	draw_bar(w, (struct rect){0, 0, 1, cols});
	draw_tabs(w, (struct rect){1, 0, 1, cols});
	body = (struct rect){2, 0, rows - 4, cols};
	w->view->draw(w, body);
	if (prompt_is_open()) {
		draw_prompt(w, (struct rect){rows - 2, 0, 1, cols},
			    (struct rect){rows - 1, 0, 1, cols});
	} else {
		if (*w->message)
			canvas_field(&w->canvas, all, rows - 2, 1, cols - 2, -1,
				     look(w, w->message_role), w->message);
		draw_hints(w, (struct rect){rows - 1, 0, 1, cols});
	}
	show(w);
}
