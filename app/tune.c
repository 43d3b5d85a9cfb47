/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/tune.h"

#include "engine/base/mem.h"
#include "engine/train/transfer.h"

#include <stdlib.h>
#include <string.h>

/* The settings of the run, without what belongs to its own texts, training and task. */
static void begin(struct settings *s, const struct settings *was, int task)
{
	static const char *const own[] = {
		"data",          "valid",        "data_target", "valid_target",  "data_format",
		"header",        "label_column", "text_column", "source_column", "freeze",
		"target_column", "lr_factors",   "gradual",     "valid_split",   "extend_vocab"};

	static const char *const pairs[] = {"attention",        "input_feeding", "teacher_forcing",
					    "teacher_schedule", "teacher_last",  "max_target_len"};

	settings_copy(s, was);
	for (size_t k = 0; k < sizeof(own) / sizeof(own[0]); k++)
		settings_reset(s, own[k]);
	for (size_t k = 0; k < sizeof(pairs) / sizeof(pairs[0]) && !task_table[task].pairs; k++)
		settings_reset(s, pairs[k]);
	if (task_table[task].labels)
		settings_reset(s, "tied");
	if (task_table[task].pairs)
		settings_reset(s, "pool");
	if (!task_table[task].stream)
		settings_reset(s, "window");
}

/* What the run began with depends on the task, which the changes say. */
static bool change(struct tuned *t, const struct changes *c, struct err *err)
{
	int task = t->was.task;
	bool ok;

	begin(&t->settings, &t->was, task);
	ok = c->put(c->arg, &t->settings, err);
	task = t->settings.task;
	settings_release(&t->settings);
	if (!ok)
		return false;
	begin(&t->settings, &t->was, task);
	return c->put(c->arg, &t->settings, err);
}

static bool is_same(const struct tuned *t, const char *name, struct err *err)
{
	const struct setting *w = setting_find(name);
	struct buf was = {0}, is = {0};
	bool same;

	settings_get(&t->was, w, &was);
	settings_get(&t->settings, w, &is);
	same = !strcmp(buf_str(&was), buf_str(&is));
	if (!same)
		err_set(err, ERR_USAGE,
			"%s=%.80s cannot be: the encoder comes from %s, where it is %s", name,
			buf_str(&is), t->parent.name, was.len ? buf_str(&was) : "not set");
	buf_release(&was);
	buf_release(&is);
	return same;
}

/* The encoder stays what it is, and the task can use it. */
static bool keeps_encoder(const struct tuned *t, struct err *err)
{
	static const char *const fixed[] = {"cell",      "embed",         "hidden",
					    "layers",    "bidirectional", "learned_state",
					    "tokenizer", "lower",         "oov"};
	const struct task_ops *task = &task_table[t->settings.task];

	for (size_t k = 0; k < sizeof(fixed) / sizeof(fixed[0]); k++)
		if (!is_same(t, fixed[k], err))
			return false;
	if (task->stream && t->settings.bidirectional)
		return err_set(err, ERR_USAGE,
			       "task=%s reads what comes before a token only, and %s is "
			       "bidirectional: it cannot be tuned for that",
			       task->name, t->parent.name);
	return true;
}

bool tune_open(struct tuned *t, const char *store, const char *run, const struct changes *c,
	       struct err *err)
{
	struct store *s = store_open(store, STORE_READ, err);
	bool ok;

	*t = (struct tuned){0};
	ok = s && archive_load(s, run, &t->parent, err) &&
	     archive_settings(s, t->parent.run, &t->was, err);
	store_close(s);
	if (ok && change(t, c, err) && keeps_encoder(t, err)) {
		t->step = t->parent.snapshot->step;
		return true;
	}
	tune_release(t);
	return false;
}

void tune_release(struct tuned *t)
{
	loaded_release(&t->parent);
	snapshot_unref(t->first);
	settings_release(&t->was);
	settings_release(&t->settings);
	buf_release(&t->origin);
	*t = (struct tuned){0};
}

/* Says so where new words find no room. */
static void warn_full(const struct tuned *t, struct prepared *p)
{
	const struct vocab *old = t->parent.snapshot->encoder->vocab, *v = p->encoder->vocab;
	const int most = t->settings.max_vocab, unknown = vocab_unknown(v);

	if (t->settings.extend_vocab && most > 0 && vocab_size(v) >= most &&
	    vocab_size(v) <= vocab_size(old) + 1 && unknown >= 0 && vocab_count(v, unknown) > 0)
		buf_printf(
			&p->warnings,
			"max_vocab=%d leaves no room for new words, which are unknown: raise it, "
			"or set it to 0\n",
			most);
}

bool tune_prepare(struct tuned *t, struct prepared *p, struct run_intro *intro, struct err *err)
{
	struct snapshot *from = t->parent.snapshot;
	const struct base base = {.encoder = from->encoder, .grow = t->settings.extend_vocab};
	struct transfer report;

	if (!prepare_on(&t->settings, &base, p, err))
		return false;
	t->first = transfer_weights(from, p->encoder, p->spec.seed, &p->spec.init, &report);
	if (!t->first) {
		prepared_release(p);
		return err_set(err, ERR_FAILED, "not enough memory for a model of %zu weights",
			       from->encoder->model.size);
	}
	warn_full(t, p);
	snapshot_unref(from);
	t->parent.snapshot = NULL;
	buf_printf(&t->origin, "from %s@%lld, ", t->parent.name, (long long)t->step);
	transfer_say(&report, &t->origin);
	p->spec.from = t->first;
	intro->parent = t->parent.run;
	intro->step = t->step;
	intro->origin = buf_str(&t->origin);
	return true;
}
