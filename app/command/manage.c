/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What people change about a run afterwards. */
#include "app/command/command.h"

#include "engine/text/utf8.h"
#include "store/find.h"

#include <string.h>

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

bool command_note(struct context *c, const struct args *a, struct err *err)
{
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
