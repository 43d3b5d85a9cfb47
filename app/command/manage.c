/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What people change about a run afterwards. */
#include "app/archive.h"
#include "app/command/command.h"
#include "app/command/explain.h"

#include "engine/text/utf8.h"
#include "store/find.h"
#include "store/list.h"
#include "store/note.h"

#include <stdlib.h>
#include <string.h>

const struct option options_note[] = {
	{"--layer", "LAYER", "whose unit: l0.fw, l1.bw (default: the top one that goes forward)"},
	{NULL, NULL, NULL},
};

/* The words from argument `first` on, as one text of good UTF-8. */
static void rest(const struct args *a, int first, struct buf *out)
{
	for (int k = first; k < a->pos_count; k++) {
		buf_text(out, k > first ? " " : "");
		utf8_repair(out, a->pos[k], strlen(a->pos[k]), NULL);
	}
}

/* Finds RUN and does one thing to it with the text that follows. */
static bool change(struct context *c, const struct args *a,
		   bool (*find)(struct store *, const char *, struct run_ref *, struct err *),
		   bool (*with_text)(struct store *, int64_t, const char *, struct err *),
		   bool (*without)(struct store *, int64_t, struct err *), const char *done,
		   struct err *err)
{
	struct store *s = context_store(c, true, err);
	struct buf text = {0};
	struct run_ref ref;
	bool ok = s && find(s, a->pos[0], &ref, err);

	rest(a, 1, &text);
	ok = ok &&
	     (with_text ? with_text(s, ref.run, buf_str(&text), err) : without(s, ref.run, err));
	if (ok && !c->quiet)
		context_say(c, "%s (%s) %s%s%s", ref.id, ref.name, done, text.len ? " " : "",
			    buf_str(&text));
	buf_release(&text);
	store_close(s);
	return ok;
}

bool command_rename(struct context *c, const struct args *a, struct err *err)
{
	return change(c, a, store_run_find, store_run_rename, NULL, "is now called", err);
}

/* --- notes of units -------------------------------------------------------------------------------- */

static bool whole_number(const char *text)
{
	text += *text == '-'; /* no unit, and told so */
	return *text && !text[strspn(text, "0123456789")];
}

/* Where "unit N" stands among the words: behind RUN, or, where a run is open, at the beginning; else -1. */
static int unit_word(const struct context *c, const struct args *a)
{
	for (int k = c->open_run ? 0 : 1; k < 2 && k + 1 < a->pos_count; k++)
		if (!strcmp(a->pos[k], "unit") && whole_number(a->pos[k + 1]))
			return k;
	return -1;
}

/* The layer and unit that are meant, which the run must have. */
static bool find_unit(struct store *s, int64_t run, const struct args *a, const char *number,
		      char layer[24], int *unit, struct err *err)
{
	struct run_row *row = store_run_get(s, run, err);
	struct encoder *e = row ? archive_encoder_load(s, run, row->spec, err) : NULL;
	const int at = e ? explain_layer(&e->model, a, err) : -1;
	const long n = strtol(number, NULL, 10);
	bool ok = at >= 0;

	if (ok && (n < 0 || n >= e->model.spec.hidden))
		ok = err_set(err, ERR_USAGE, "units go from 0 to %d, not '%s'",
			     e->model.spec.hidden - 1, number);
	if (ok) {
		explain_layer_name(&e->model, at, layer);
		*unit = (int)n;
	}
	encoder_unref(e);
	store_runs_free(row, row ? 1 : 0);
	return ok;
}

/* Without a text it says the one that is there. */
static bool say_note(struct context *c, struct store *s, const struct run_ref *ref,
		     const char *layer, int unit, struct err *err)
{
	struct unit_note *notes;
	const char *text;
	size_t count;

	if (!store_unit_notes(s, ref->run, &notes, &count, err))
		return false;
	text = unit_note_find(notes, count, layer, unit);
	if (text)
		context_say(c, "%s", text);
	else
		explain_remark(c, "there is no note of unit %d of %s (%s), %s", unit, ref->id,
			       ref->name, layer);
	store_unit_notes_free(notes, count);
	return true;
}

static bool note_unit(struct context *c, const struct args *a, int word, struct err *err)
{
	const bool writes = a->pos_count > word + 2;
	struct store *s = context_store(c, writes, err);
	struct buf text = {0};
	struct run_ref ref;
	char layer[24];
	int unit = 0;
	bool ok = s && store_run_find(s, word ? a->pos[0] : c->open_run, &ref, err) &&
		  find_unit(s, ref.run, a, a->pos[word + 1], layer, &unit, err);

	rest(a, word + 2, &text);
	if (ok && !writes)
		ok = say_note(c, s, &ref, layer, unit, err);
	else if (ok)
		ok = store_unit_note(s, ref.run, layer, unit, buf_str(&text), err);
	if (ok && writes && !c->quiet)
		context_say(c, "%s unit %d of %s (%s) has %s%s", layer, unit, ref.id, ref.name,
			    text.len ? "the note " : "no note any more", buf_str(&text));
	buf_release(&text);
	store_close(s);
	return ok;
}

bool command_note(struct context *c, const struct args *a, struct err *err)
{
	const int word = unit_word(c, a);

	if (word >= 0)
		return note_unit(c, a, word, err);
	if (args_has(a, "--layer"))
		return err_set(err, ERR_USAGE,
			       "--layer goes with a unit: note RUN unit N TEXT --layer l0.bw");
	return change(c, a, store_run_find, store_run_note, NULL, "has the note", err);
}

bool command_tag(struct context *c, const struct args *a, struct err *err)
{
	return change(c, a, store_run_find, store_tag_add, NULL, "has the tag", err);
}

bool command_untag(struct context *c, const struct args *a, struct err *err)
{
	return change(c, a, store_run_find, store_tag_remove, NULL, "no longer has the tag", err);
}

bool command_rm(struct context *c, const struct args *a, struct err *err)
{
	char question[200];

	snprintf(question, sizeof(question), "Delete run %.100s? (restore brings it back.)",
		 a->pos[0]);
	return context_confirm(c, question, err) &&
	       change(c, a, store_run_find, NULL, store_run_remove,
		      "is deleted; restore brings it back", err);
}

bool command_restore(struct context *c, const struct args *a, struct err *err)
{
	return change(c, a, store_run_find_deleted, NULL, store_run_restore, "is back", err);
}
