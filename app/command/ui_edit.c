/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Numbers that are set by hand, and words that are replaced, put in and taken out. */
#include "app/command/ui_edit.h"
#include "app/command/ui_debug.h"

#include "app/desk/desk.h"
#include "engine/base/mem.h"
#include "engine/inspect/whatif.h"

#include <stdlib.h>
#include <string.h>

static void ask_edit(struct workbench *w, const struct expr_place *at)
{
	const struct trace_run *r = &at->trace->run[at->run];
	char text[32];

	snprintf(text, sizeof(text), "%s[%d] = ", r->signal[w->gates.signal].name, w->gates.unit);
	workbench_ask(w, ASK_EDIT, "set: ", text);
}

/* What the run makes of words that it has been given, if there is something to say. */
static const char *remark(const struct workbench *w, const struct edit *e)
{
	const struct trace *t = w->current.trace;

	if (!edit_is_word(e) || e->kind == EDIT_REMOVE || w->current.pending || e->from >= t->T)
		return "";
	return trace_unknown(t, 0, e->from) ? " · the run does not know it" : "";
}

/* Adds an edit, and shows what follows from it; line: how the command was given, should it have to wait. */
static bool set_edit(struct workbench *w, const char *command, const char *line, const char *edit,
		     struct err *err)
{
	const struct debug_set *s;
	struct expr_place at;

	if (!ui_place(w, &at, err))
		return false;
	if (ui_has_to_wait(w, command, line))
		return true;
	s = debug_set(&w->debug, edit, &at, err);
	if (!s)
		return false;
	if (!desk_edit(w, err)) {
		debug_unset(&w->debug, w->debug.sets - 1);
		return false;
	}
	workbench_say(w, ROLE_message, "set %d: %s%s · u takes it back", s->number, s->text,
		      remark(w, s->edit));
	workbench_show(w, &view_gates);
	return true;
}

bool ui_set(struct context *c, const struct args *a, struct err *err)
{
	struct expr_place at;

	if (*ui_rest(a))
		return set_edit(c->ui, "set", ui_rest(a), ui_rest(a), err);
	if (!ui_place(c->ui, &at, err))
		return false;
	ask_edit(c->ui, &at);
	return true;
}

/* The line that was typed has other columns than the edit that was made of it. */
static void without_column(struct err *err)
{
	const size_t column = strlen("column ");
	size_t n;

	if (strncmp(err->msg, "column ", column) != 0)
		return;
	n = column + strspn(err->msg + column, "0123456789");
	if (!strncmp(err->msg + n, ": ", 2))
		memmove(err->msg, err->msg + n + 2, strlen(err->msg + n + 2) + 1);
}

/* "[T] TEXT" as an edit of words; where there is nothing but a number, it is the text, or, of one that has
 * none, the step. */
static bool set_words(struct context *c, const struct args *a, const char *name, bool has_text,
		      struct err *err)
{
	const char *rest = ui_rest(a);
	const size_t digits = strspn(rest, "0123456789");
	const size_t blanks = strspn(rest + digits, " ");
	const bool step =
		digits && (has_text ? blanks && rest[digits + blanks] : !rest[digits + blanks]);
	const char *text = step ? rest + digits + blanks : rest;
	char *edit;
	bool ok;

	if (has_text && !*text)
		return err_set(err, ERR_USAGE, "%s takes a word, with or without a step before it",
			       a->command->name);
	if (!has_text && *text)
		return err_set(err, ERR_USAGE, "%s takes a step from 1, not '%s'", a->command->name,
			       text);
	if (step)
		edit = mem_printf("%s @%.*s%s%s", name, (int)digits, rest, has_text ? " = " : "",
				  text);
	else
		edit = mem_printf("%s%s%s", name, has_text ? " = " : "", text);
	ok = set_edit(c->ui, a->command->name, rest, edit, err);
	if (!ok)
		without_column(err);
	free(edit);
	return ok;
}

bool ui_replace(struct context *c, const struct args *a, struct err *err)
{
	return set_words(c, a, "word", true, err);
}

bool ui_insert(struct context *c, const struct args *a, struct err *err)
{
	return set_words(c, a, "insert", true, err);
}

bool ui_remove(struct context *c, const struct args *a, struct err *err)
{
	return set_words(c, a, "remove", false, err);
}

bool ui_ablate(struct context *c, const struct args *a, struct err *err)
{
	char *edit = mem_printf("ablate %s", ui_rest(a));
	const bool ok = set_edit(c->ui, "ablate", ui_rest(a), edit, err);

	free(edit);
	return ok;
}

/* Takes an edit off the stack, whichever it is. */
bool ui_take_back(struct workbench *w, int index, struct err *err)
{
	const struct debug_set *s = &w->debug.set[index];

	if (!debug_may_unset(&w->debug, index, err))
		return false;
	workbench_say(w, ROLE_message, "taken back: %s", s->text);
	debug_unset(&w->debug, index);
	return desk_edit(w, err);
}

bool ui_undo(struct context *c, const struct args *a, struct err *err)
{
	(void)a;
	if (c->ui->current.trace && ui_has_to_wait(c->ui, "undo", ""))
		return true;
	if (!c->ui->debug.sets)
		return err_set(err, ERR_USAGE, "there is no edit to take back");
	return ui_take_back(c->ui, c->ui->debug.sets - 1, err);
}
