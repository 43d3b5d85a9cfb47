/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/command/ui_script.h"
#include "app/command/ui.h"

#include "app/script.h"
#include "app/tui/prompt.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { SIZE_MOST = 1000, WAIT_SECONDS = 60 };

const struct option options_wait[] = {
	{"--timeout", "SECONDS", "give up after this long (default 60)"},
	{NULL, NULL, NULL},
};

/* The words with a blank between. */
static void all_words(const struct args *a, struct buf *out)
{
	for (int k = 0; k < a->pos_count; k++)
		buf_printf(out, "%s%s", k ? " " : "", a->pos[k]);
}

static bool need_file(const struct context *c, const struct args *a, struct err *err)
{
	return script_has_file(c->ui->script) ||
	       err_set(err, ERR_USAGE, "%s is for command files: source runs one",
		       a->command->name);
}

bool ui_source(struct context *c, const struct args *a, struct err *err)
{
	return script_source(c->ui->script, a->pos[0], err);
}

bool ui_echo(struct context *c, const struct args *a, struct err *err)
{
	struct buf text = {0};
	(void)err;

	all_words(a, &text);
	workbench_say(c->ui, ROLE_message, "%s", buf_str(&text));
	buf_release(&text);
	return true;
}

bool ui_pause(struct context *c, const struct args *a, struct err *err)
{
	struct workbench *w = c->ui;

	if (!need_file(c, a, err))
		return false;
	if (a->pos_count)
		ui_echo(c, a, err);
	w->sticky = !w->headless; /* what was said last stays, whatever is looked at meanwhile */
	script_pause(w->script);
	return true;
}

bool ui_wait(struct context *c, const struct args *a, struct err *err)
{
	struct buf text = {0};
	double seconds = WAIT_SECONDS;

	if (!need_file(c, a, err) || !args_real(a, "--timeout", 0, 1e6, &seconds, err))
		return false;
	all_words(a, &text);
	if (text.len)
		script_wait_text(c->ui->script, buf_str(&text), seconds);
	else if (args_has(a, "--timeout"))
		return err_set(err, ERR_USAGE, "--timeout is for a text: wait --timeout 5 TEXT");
	else
		script_wait_training(c->ui->script);
	buf_release(&text);
	return true;
}

bool ui_key(struct context *c, const struct args *a, struct err *err)
{
	struct key k;

	for (int n = 0; n < a->pos_count; n++)
		if (!keymap_parse(a->pos[n], &k))
			return err_set(err, ERR_USAGE,
				       "there is no key '%s'; keys are called a, Space, Enter, Up, "
				       "PgDn, F5, C-l",
				       a->pos[n]);
	for (int n = 0; n < a->pos_count && keymap_parse(a->pos[n], &k); n++)
		script_press(c->ui->script, k, false);
	return true;
}

bool ui_type(struct context *c, const struct args *a, struct err *err)
{
	struct buf text = {0};

	if (!prompt_is_open())
		return err_set(err, ERR_USAGE, "there is no question to type an answer to");
	all_words(a, &text);
	for (size_t at = 0, used; at < text.len; at += used) {
		struct key k;

		used = keymap_decode(text.data + at, text.len - at, true, &k);
		if (!used)
			break;
		script_press(c->ui->script, k, true);
	}
	buf_release(&text);
	return true;
}

bool ui_dump(struct context *c, const struct args *a, struct err *err)
{
	struct workbench *w = c->ui;
	char *text = NULL;
	size_t n = 0;
	FILE *f;
	bool ok;

	if (!a->pos_count && !w->headless)
		return err_set(err, ERR_USAGE, "on the screen dump needs a FILE to write");
	if (!a->pos_count) {
		script_screen(w);
		return true;
	}
	f = open_memstream(&text, &n);
	if (!f)
		return err_set(err, ERR_FAILED, "not enough memory to dump");
	canvas_dump(&w->canvas, f);
	ok = (!fclose(f) || err_set(err, ERR_FAILED, "not enough memory to dump")) &&
	     ui_write_new(a->pos[0], text, n, err);
	free(text);
	if (ok)
		workbench_say(w, ROLE_message, "%s written", a->pos[0]);
	return ok;
}

static bool whole(const char *text, int *n)
{
	char *end;
	const long v = strtol(text, &end, 10);

	*n = (int)v;
	return end != text && !*end && v >= 1 && v <= SIZE_MOST;
}

bool ui_resize(struct context *c, const struct args *a, struct err *err)
{
	struct workbench *w = c->ui;
	int cols, rows;

	if (!w->headless)
		return err_set(err, ERR_USAGE,
			       "the terminal has a size of its own: resize is for command files "
			       "without a screen");
	if (!whole(a->pos[0], &cols) || !whole(a->pos[1], &rows))
		return err_set(err, ERR_USAGE,
			       "resize takes columns and rows, each from 1 to %d, not '%s %s'",
			       SIZE_MOST, a->pos[0], a->pos[1]);
	canvas_resize(&w->canvas, rows, cols);
	w->dirty = true;
	return true;
}
