/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Help: from the tables that dispatch keys and commands. */
#include "app/view/parts.h"

#include <stdlib.h>
#include <string.h>

static const struct binding keys[] = {
	{NULL, NULL, NULL},
};

static const struct binding *hints(const struct workbench *w)
{
	static const struct binding global[] = {{"Up", NULL, "scroll"},
						{"/", NULL, "find"},
						{"Esc", NULL, "back"},
						{NULL, NULL, NULL}};
	(void)w;
	return global;
}

/* Draws lines, of which `first` are scrolled away; or only counts them, and those that hold `text`. */
struct page {
	struct workbench *w;
	struct rect r;
	int row, first;
	bool counting;
	const char *text;
	int from, before, after, top,
		last; /* rows that hold it: next to `from`, and of all; -1: none */
};

static void note_match(struct page *p, const char *left, const char *right)
{
	if (!p->text || !(part_has(left, p->text) || part_has(right, p->text)))
		return;
	p->top = p->top < 0 ? p->row : p->top;
	p->last = p->row;
	if (p->row < p->from)
		p->before = p->row;
	if (p->row > p->from && p->after < 0)
		p->after = p->row;
}

static bool next_line(struct page *p, int *row)
{
	*row = p->row++ - p->first;
	return !p->counting && *row >= 0 && *row < p->r.rows;
}

static void heading(struct page *p, const char *text)
{
	int row;

	if (p->row)
		p->row++;
	if (next_line(p, &row))
		canvas_text(&p->w->canvas, p->r, row, 1, part_look(p->w, ROLE_strong), text);
}

/* How many bytes of text go into a row of so many columns: whole words, unless one is too long. */
static size_t row_of(const char *text, int cols)
{
	size_t n = 0, words = 0;

	while (text[n] && canvas_width_n(text, n + 1) <= cols) {
		n++;
		if (text[n] == ' ' || !text[n])
			words = n;
	}
	return text[n] && words ? words : n;
}

/* A name, what it is for, and where that has no room beside it, below. */
static void line(struct page *p, const char *left, const char *right, enum role role, int at)
{
	const bool found = p->row == p->w->help_found;
	const bool beside = canvas_width(left) <= at - 4;
	const int room = p->r.cols - at - 1 > 8 ? p->r.cols - at - 1 : 8;
	bool there;
	int row;

	note_match(p, left, right);
	there = next_line(p, &row);
	if (there)
		canvas_field(&p->w->canvas, p->r, row, 3, beside ? at - 4 : p->r.cols - 4, -1,
			     part_look(p->w, role), left);
	for (bool first = beside; *right; first = false) {
		const size_t n = row_of(right, room);
		char text[400];

		snprintf(text, sizeof(text), "%.*s", (int)n, right);
		if (!first)
			there = next_line(p, &row);
		if (there)
			canvas_field(&p->w->canvas, p->r, row, at, room, -1,
				     part_look(p->w, found ? ROLE_mark : ROLE_text), text);
		right += n;
		right += *right == ' ';
	}
}

static void bindings(struct page *p, const struct binding *b)
{
	for (; b->key; b++)
		line(p, b->key, b->help, ROLE_key, 16);
}

/* A view's own keys, with what their command does: they are short of words in the last line. */
static void keys_of(struct page *p, const struct view *v)
{
	enum { ROOMY = 60 };
	char text[400], name[32];

	if (!v->keys[0].key)
		return;
	snprintf(text, sizeof(text), "Keys of %s", v->name);
	heading(p, text);
	for (const struct binding *b = v->keys; b->key; b++) {
		const struct command *c;

		snprintf(name, sizeof(name), "%.*s", (int)strcspn(b->command, " "), b->command);
		c = command_find(name, CMD_CONSOLE);
		if (p->r.cols < ROOMY || !c)
			snprintf(text, sizeof(text), "%s", b->help);
		else
			snprintf(text, sizeof(text), "%s: %s", b->help, c->help);
		line(p, b->key, text, ROLE_key, 16);
	}
}

static void page(struct page *p)
{
	const int at = p->r.cols >= 100 ? 44 : 8;
	char text[160];

	keys_of(p, p->w->before);
	heading(p, "Keys everywhere");
	bindings(p, global_keys);
	for (int k = 0; view_at(k); k++)
		if (view_at(k) != p->w->before)
			keys_of(p, view_at(k));
	heading(p, "Commands, after :");
	for (int k = 0; command_at(k); k++) {
		const struct command *c = command_at(k);

		if (!(c->flags & CMD_CONSOLE))
			continue;
		snprintf(text, sizeof(text), "%s %s", c->name, c->usage);
		line(p, text, c->help, ROLE_key, at);
	}
	line(p, "SELECT ...", "Ask the store in SQL; ^C cancels", ROLE_key, at);
	heading(p, "Settings, after :train, as name=value");
	for (int k = 0; setting_at(k); k++)
		line(p, setting_at(k)->name, setting_at(k)->help, ROLE_key, 22);
}

static int length(struct workbench *w)
{
	struct page p = {.w = w, .r.cols = w->canvas.cols, .counting = true};

	page(&p);
	return p.row;
}

static void draw(struct workbench *w, struct rect r)
{
	struct page p = {.w = w, .r = r};
	const int most = length(w) - r.rows;

	w->help_first = w->help_first > most ? most : w->help_first;
	w->help_first = w->help_first < 0 ? 0 : w->help_first;
	p.first = w->help_first;
	page(&p);
}

static void enter(struct workbench *w)
{
	w->help_first = 0; /* the page depends on the view it came from */
	w->help_found = -1;
}

static void move(struct workbench *w, enum move m, int count)
{
	w->help_found = -1;
	part_move(&w->help_first, length(w), m, count, w->canvas.rows - 6);
}

static bool find(struct workbench *w, const char *text, int delta)
{
	struct page p = {.w = w,
			 .r.cols = w->canvas.cols,
			 .counting = true,
			 .text = text,
			 .before = -1,
			 .after = -1,
			 .top = -1,
			 .last = -1};
	int at;

	p.from = w->help_found >= 0 ? w->help_found : w->help_first - 1;
	page(&p);
	at = delta > 0 ? (p.after >= 0 ? p.after : p.top) : p.before >= 0 ? p.before : p.last;
	if (at < 0)
		return false;
	w->help_found = at;
	if (at < w->help_first || at >= w->help_first + w->canvas.rows - 4)
		w->help_first = at - 2;
	return true;
}

const struct view view_help = {.name = "Help",
			       .keys = keys,
			       .hints = hints,
			       .draw = draw,
			       .enter = enter,
			       .move = move,
			       .find = find};
