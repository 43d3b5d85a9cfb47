/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/text/sink.h"

#include "engine/base/mem.h"

#include <stdlib.h>
#include <string.h>

enum { WARNED_PAIRS = 5 };

bool sink_give(struct sink *to, const struct row *row, char *label, struct err *err)
{
	bool ok;

	to->count++;
	ok = to->take(to->arg, row, err);
	free(label);
	return ok;
}

bool sink_pair(struct sink *to, struct input *source, const struct input *target,
	       const struct row *row, struct err *err)
{
	const bool no_source = input_blank(row->text, row->n);
	const bool no_target = input_blank(row->target, row->target_n);

	if (!no_source && !no_target)
		return sink_give(to, row, NULL, err);
	if (to->left_out++ < WARNED_PAIRS)
		buf_printf(&source->warnings, "%s:%zu: the %s is empty, so the pair is left out\n",
			   no_source ? source->name : target->name, row->line,
			   no_source ? "source" : "target");
	return true;
}

bool sink_end(const struct sink *to, struct input *in, struct err *err)
{
	const size_t more = to->left_out > WARNED_PAIRS ? to->left_out - WARNED_PAIRS : 0;

	if (more)
		buf_printf(&in->warnings,
			   "%s: %zu more pair%s with an empty side %s left out, %zu in all\n",
			   in->name, more, more == 1 ? "" : "s", more == 1 ? "is" : "are",
			   to->left_out);
	return to->count || !to->left_out ||
	       err_set(err, ERR_INPUT, "%s: every pair has an empty side (source or target)",
		       in->name);
}

char *text_trimmed(const char *s, size_t n)
{
	while (n && strchr(" \t\r\n", s[n - 1]))
		n--;
	while (n && strchr(" \t\r\n", *s)) {
		s++;
		n--;
	}
	return n ? mem_bytes(s, n) : NULL;
}

bool sink_no_label(const char *name, size_t line, struct err *err)
{
	return err_set(err, ERR_INPUT, "%s:%zu: the label is empty", name, line);
}
