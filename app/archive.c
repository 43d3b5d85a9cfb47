/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/archive.h"

#include "app/budget.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "store/list.h"
#include "store/param.h"
#include "store/vocabulary.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void archive_spec(const struct encoder *e, struct buf *out)
{
	struct json_writer j = jw_to(out);

	jw_object(&j);
	jw_key(&j, "task");
	jw_text(&j, task_table[e->model.spec.task].name);
	jw_key(&j, "cell");
	jw_text(&j, e->model.spec.cell->name);
	jw_key(&j, "embed");
	jw_int(&j, e->model.spec.embed);
	jw_key(&j, "hidden");
	jw_int(&j, e->model.spec.hidden);
	jw_key(&j, "layers");
	jw_int(&j, e->model.spec.layers);
	jw_key(&j, "directions");
	jw_int(&j, e->model.spec.dirs);
	jw_key(&j, "merge");
	jw_int(&j, e->model.spec.merge);
	jw_key(&j, "pool");
	jw_text(&j, pool_name(e->model.spec.pool));
	jw_key(&j, "tied");
	jw_bool(&j, e->model.spec.tied);
	jw_key(&j, "learned_state");
	jw_bool(&j, e->model.spec.learned);
	if (task_table[e->model.spec.task].pairs) {
		jw_key(&j, "attention");
		jw_text(&j, e->model.attend.ops->name);
		jw_key(&j, "input_feeding");
		jw_bool(&j, e->model.spec.feed);
	}
	jw_key(&j, "max_len");
	jw_int(&j, e->max_len);
	jw_key(&j, "truncate_front");
	jw_bool(&j, e->truncate_front);
	jw_key(&j, "mask");
	jw_bool(&j, e->rules.mask);
	jw_key(&j, "pad_to");
	jw_int(&j, e->rules.pad_to);
	jw_key(&j, "pad_front");
	jw_bool(&j, e->rules.pad_front);
	jw_object_end(&j);
}

static bool put_vocab(struct store *s, int64_t run, const char *role, const struct vocab *v,
		      struct err *err)
{
	const int n = vocab_total(v);
	struct store_token *t = mem_zero((size_t)n, sizeof(*t));
	struct buf spec = {0};
	bool ok;

	for (int id = 0; id < n; id++) {
		t[id].bytes = vocab_token(v, id, &t[id].len);
		t[id].count = vocab_count(v, id);
	}
	vocab_spec_json(vocab_rules(v), &spec);
	ok = store_vocab_put(s, run, role, &(struct store_vocab){t, (size_t)n, buf_str(&spec)},
			     err);
	buf_release(&spec);
	free(t);
	return ok;
}

bool archive_encoder(struct store *s, int64_t run, const struct encoder *e, struct err *err)
{
	const int C = e->classes.count;
	struct store_token *t = mem_zero((size_t)C + 1, sizeof(*t));
	bool ok;

	for (int k = 0; k < C; k++) {
		t[k].bytes = e->classes.name[k];
		t[k].len = strlen(e->classes.name[k]);
	}
	ok = put_vocab(s, run, "source", e->vocab, err) &&
	     (e->target == e->vocab || put_vocab(s, run, "target", e->target, err)) &&
	     (!C ||
	      store_vocab_put(s, run, "classes", &(struct store_vocab){t, (size_t)C, "{}"}, err));
	free(t);
	return ok;
}

enum { PROGRESS_NUMBERS = 12 };

static struct store_tensor numbers(const char *name, const uint64_t *v, int n)
{
	return (struct store_tensor){.name = name,
				     .role = TENSOR_STATE,
				     .type = TENSOR_U64,
				     .rank = 1,
				     .shape = {n},
				     .data = v,
				     .bytes = (size_t)n * sizeof(*v)};
}

bool archive_save(struct store *s, int64_t run, const struct snapshot *snap, enum keep keep,
		  struct err *err)
{
	const struct model *m = &snap->encoder->model;
	const struct progress *p = snap->progress;
	struct store_tensor t[MODEL_MAX_PARAMS + OPTIM_MAX_SLOTS + 3];
	struct checkpoint_new c = {.step = snap->step, .epoch = snap->epoch, .kind = "weights"};
	char slot[OPTIM_MAX_SLOTS][48];
	uint64_t v[PROGRESS_NUMBERS];
	size_t n = 0;

	for (int k = 0; k < m->params; k++) {
		const struct param *par = &m->param[k];

		t[n++] = (struct store_tensor){.name = par->name,
					       .role = TENSOR_WEIGHT,
					       .type = TENSOR_F32,
					       .rank = par->cols ? 2 : 1,
					       .shape = {par->rows, par->cols},
					       .data = snap->weights + par->at,
					       .bytes = param_size(par) * sizeof(float)};
	}
	if (p) {
		c.kind = "resumable";
		for (int k = 0; k < p->optim->slots; k++) {
			snprintf(slot[k], sizeof(slot[k]), "%s.%s", p->optim->name,
				 p->optim->slot[k]);
			t[n++] = (struct store_tensor){.name = slot[k],
						       .role = TENSOR_STATE,
						       .type = TENSOR_F32,
						       .rank = 1,
						       .shape = {(int64_t)m->size},
						       .data = p->slot[k],
						       .bytes = m->size * sizeof(float)};
		}
		memcpy(v, p->rng.s, sizeof(p->rng.s)); /* the generator, then the cursor */
		v[4] = p->shuffle;
		v[5] = (uint64_t)p->updates;
		v[6] = (uint64_t)p->epoch;
		v[7] = (uint64_t)p->batch;
		memcpy(&v[8], &p->lr, sizeof(p->lr));
		memcpy(&v[9], &p->schedule.factor, sizeof(p->schedule.factor));
		memcpy(&v[10], &p->schedule.best, sizeof(p->schedule.best));
		v[11] = (uint64_t)p->schedule.waited;
		t[n++] = numbers("generator", v, PROGRESS_NUMBERS);
		if (p->factor)
			t[n++] = numbers("factors", (const uint64_t *)(const void *)p->factor,
					 MODEL_MAX_GROUPS);
		if (p->carry)
			t[n++] = (struct store_tensor){.name = "carry",
						       .role = TENSOR_STATE,
						       .type = TENSOR_F32,
						       .rank = 1,
						       .shape = {(int64_t)p->carry_size},
						       .data = p->carry,
						       .bytes = p->carry_size * sizeof(float)};
	}
	return store_checkpoint_add(s, run, &c, t, n, err) &&
	       store_checkpoint_keep(s, run, keep, 0, NULL, err);
}

bool archive_settings(struct store *s, int64_t run, struct settings *out, struct err *err)
{
	struct param_row *params = NULL;
	size_t n = 0;
	bool ok = store_params(s, run, &params, &n, err);

	settings_default(out);
	for (size_t k = 0; ok && k < n; k++)
		ok = settings_set(out, params[k].name, params[k].value, err);
	store_params_free(params, n);
	return ok;
}

static bool load_vocab(struct store *s, int64_t run, const char *role, struct vocab **vocab,
		       struct err *err)
{
	struct store_vocab v;
	struct vocab_spec spec = {0};
	struct tokens tokens = {0};
	int64_t *counts;

	if (!store_vocab_load(s, run, role, &v, err))
		return false;
	if (!v.count)
		return err_set(err, ERR_CORRUPT, "the run has no vocabulary of its %ss", role);
	counts = mem_alloc(v.count * sizeof(*counts));
	for (size_t k = 0; k < v.count; k++) {
		tokens_add(&tokens, v.tokens[k].bytes, v.tokens[k].len);
		counts[k] = v.tokens[k].count;
	}
	*vocab = vocab_spec_parse(&spec, v.spec, err) ? vocab_restore(&spec, &tokens, counts, err)
						      : NULL;
	vocab_spec_release(&spec);
	tokens_release(&tokens);
	free(counts);
	store_vocab_release(&v);
	return *vocab;
}

static bool load_classes(struct store *s, int64_t run, struct classes *c, struct err *err)
{
	struct store_vocab v;

	if (!store_vocab_load(s, run, "classes", &v, err))
		return false;
	*c = (struct classes){.name = mem_zero(v.count + 1, sizeof(char *)), .count = (int)v.count};
	for (size_t k = 0; k < v.count; k++)
		c->name[k] = mem_bytes(v.tokens[k].bytes, v.tokens[k].len);
	store_vocab_release(&v);
	return true;
}

/* Whether what is written has a vocabulary of its own. */
static bool has_target(const struct task_ops *task)
{
	return task->pairs && !task->one_vocab;
}

/* What archive_spec wrote. Texts are borrowed from the object. */
struct description {
	const char *task, *cell, *pool, *attention;
	struct model_spec model;
	int merge, max_len, truncate_front, mask, pad_to, pad_front, tied, learned, feed;
};

/* What later versions added has a default: older stores lack it. */
static bool read_description(json_t *o, struct description *d, struct err *err)
{
	const struct cell_ops *cell;
	int task, pool, attention;

	*d = (struct description){.pool = "last", .attention = "none"};
	if (!o ||
	    json_unpack(o, "{s:s s:s s:i s:i s:i s:b s:b s:i s:b s?i s?i s?i s?s s?b s?b s?s s?b}",
			"task", &d->task, "cell", &d->cell, "embed", &d->model.embed, "hidden",
			&d->model.hidden, "max_len", &d->max_len, "truncate_front",
			&d->truncate_front, "mask", &d->mask, "pad_to", &d->pad_to, "pad_front",
			&d->pad_front, "layers", &d->model.layers, "directions", &d->model.dirs,
			"merge", &d->merge, "pool", &d->pool, "tied", &d->tied, "learned_state",
			&d->learned, "attention", &d->attention, "input_feeding", &d->feed) ||
	    (pool = pool_find(d->pool)) < 0)
		return err_set(err, ERR_CORRUPT, "the run's description cannot be read");
	cell = cell_find(d->cell);
	task = task_find(d->task);
	attention = attention_find(d->attention);
	if (!cell || task < 0 || attention < 0)
		return err_set(err, ERR_FAILED,
			       "the run has task %s, cell %s and attention %s, which this version "
			       "does not know",
			       d->task, d->cell, d->attention);
	d->model.cell = cell;
	d->model.task = (enum task)task;
	d->model.pool = (enum pool)pool;
	d->model.attention = (enum attention)attention;
	d->model.merge = d->merge ? MERGE_SUM : MERGE_CONCAT;
	d->model.tied = d->tied;
	d->model.learned = d->learned;
	d->model.feed = d->feed;
	return true;
}

struct encoder *archive_encoder_load(struct store *s, int64_t run, const char *spec,
				     struct err *err)
{
	struct classes classes = {0};
	struct vocab *vocab = NULL, *target = NULL;
	struct encoder *e = NULL;
	struct description d;
	json_error_t why;
	json_t *o = json_loads(spec ? spec : "", JSON_REJECT_DUPLICATES, &why);
	const struct task_ops *task;
	bool ok = read_description(o, &d, err);

	task = ok ? &task_table[d.model.task] : NULL;
	ok = ok && load_vocab(s, run, "source", &vocab, err);
	ok = ok && (!has_target(task) || load_vocab(s, run, "target", &target, err));
	ok = ok && (!task->labels || load_classes(s, run, &classes, err));
	if (ok) {
		const struct batch_rules rules = {.mask = d.mask,
						  .pad_to = d.pad_to,
						  .pad_front = d.pad_front,
						  .ragged = task->stream,
						  .marked = !task->stream && vocab_end(vocab) >= 0};

		e = encoder_new(&d.model, vocab, target, &classes, &rules, d.max_len,
				d.truncate_front, err);
		vocab = target = NULL;
	}
	vocab_unref(vocab);
	vocab_unref(target);
	classes_release(&classes);
	json_decref(o);
	return e;
}

static bool shape_fits(const struct store_tensor *t, const struct param *p)
{
	return t->type == TENSOR_F32 && t->rank == (p->cols ? 2 : 1) && t->shape[0] == p->rows &&
	       (!p->cols || t->shape[1] == p->cols);
}

struct snapshot *archive_load_at(struct store *s, struct encoder *e,
				 const struct checkpoint_row *at, struct err *err)
{
	const struct model *m = &e->model;
	const double bytes = (double)m->size * sizeof(real);
	const int64_t there = budget_available("");
	struct store_tensor *t = NULL;
	char need[16], have[16];
	size_t n = 0;
	int found = 0;
	/* As they are read they are there twice. */
	real *w = 2 * bytes > (double)there ? NULL : mem_block(m->size, sizeof(*w));

	if (!w) {
		err_set(err, ERR_FAILED,
			"not enough memory: reading its %zu weights takes %s, and there are %s",
			m->size, budget_bytes(2 * bytes, need), budget_bytes((double)there, have));
		return NULL;
	}
	if (!store_checkpoint_load(s, at->checkpoint, TENSOR_WEIGHT, &t, &n, err)) {
		free(w);
		return NULL;
	}
	for (size_t k = 0; k < n; k++) {
		const struct param *p = model_param(m, t[k].name);

		if (p && shape_fits(&t[k], p)) {
			memcpy(w + p->at, t[k].data, t[k].bytes);
			found++;
		}
	}
	store_tensors_free(t, n);
	if (found == m->params)
		return snapshot_new(e, w, at->step, (int)at->epoch);
	free(w);
	err_set(err, ERR_CORRUPT, "the checkpoint lacks weights: %d of %d tensors fit", found,
		m->params);
	return NULL;
}

static struct checkpoint_row row_of(struct store *s, const struct run_ref *ref)
{
	struct checkpoint_row *rows = NULL;
	size_t n = 0;
	struct checkpoint_row row = {.checkpoint = ref->checkpoint, .step = ref->step};

	if (store_checkpoint_list(s, ref->run, &rows, &n, NULL))
		for (size_t k = 0; k < n; k++)
			if (rows[k].checkpoint == ref->checkpoint)
				row = rows[k];
	free(rows);
	return row;
}

bool archive_load(struct store *s, const char *run, struct loaded *out, struct err *err)
{
	struct checkpoint_row at;
	struct run_ref ref;
	struct run_row *row;
	struct encoder *e;

	*out = (struct loaded){0};
	if (!store_run_find(s, run, &ref, err))
		return false;
	if (!ref.checkpoint)
		return err_set(err, ERR_NO_RUN, "run %s (%s) has no weights stored yet", ref.id,
			       ref.name);
	row = store_run_get(s, ref.run, err);
	e = row ? archive_encoder_load(s, ref.run, row->spec, err) : NULL;
	store_runs_free(row, row ? 1 : 0);
	at = row_of(s, &ref);
	out->snapshot = e ? archive_load_at(s, e, &at, err) : NULL;
	encoder_unref(e);
	if (out->snapshot) {
		out->run = ref.run;
		out->checkpoint = ref.checkpoint;
		memcpy(out->id, ref.id, sizeof(out->id));
		out->name = mem_text(ref.name);
	} else {
		err_wrap(err, "run %s", ref.id);
	}
	return out->snapshot;
}

/* "adam.m" to the optimizer and the number of its slot; -1 if it is none. */
static int find_slot(const char *name, const struct optim_ops **ops)
{
	const char *dot = strchr(name, '.');
	char *optim = dot ? mem_bytes(name, (size_t)(dot - name)) : NULL;
	int slot = -1;

	*ops = optim ? optim_find(optim) : NULL;
	for (int k = 0; *ops && k < (*ops)->slots; k++)
		if (!strcmp((*ops)->slot[k], dot + 1))
			slot = k;
	free(optim);
	return slot;
}

/* Older checkpoints have fewer. */
static void take_numbers(struct progress *p, const struct store_tensor *t)
{
	uint64_t v[PROGRESS_NUMBERS] = {0};

	memcpy(&v[9], &schedule_fresh.factor, sizeof(v[9]));
	memcpy(&v[10], &schedule_fresh.best, sizeof(v[10]));
	memcpy(v, t->data, t->bytes < sizeof(v) ? t->bytes : sizeof(v));
	memcpy(p->rng.s, v, sizeof(p->rng.s));
	p->shuffle = v[4];
	p->updates = (int64_t)v[5];
	p->epoch = (int)v[6];
	p->batch = (int)v[7];
	memcpy(&p->lr, &v[8], sizeof(p->lr));
	memcpy(&p->schedule.factor, &v[9], sizeof(p->schedule.factor));
	memcpy(&p->schedule.best, &v[10], sizeof(p->schedule.best));
	p->schedule.waited = (int)v[11];
}

bool archive_load_progress(struct store *s, struct loaded *l, struct err *err)
{
	const size_t bytes = l->snapshot->encoder->model.size * sizeof(float);
	struct progress *p = mem_zero(1, sizeof(*p));
	struct store_tensor *t = NULL;
	size_t n = 0;
	bool numbers = false;

	l->snapshot->progress = p;
	if (!store_checkpoint_load(s, l->checkpoint, TENSOR_STATE, &t, &n, err))
		return false;
	for (size_t k = 0; k < n; k++) {
		const struct optim_ops *ops;
		const int slot = find_slot(t[k].name, &ops);

		if (!strcmp(t[k].name, "generator")) {
			take_numbers(p, &t[k]);
			numbers = true;
		} else if (!strcmp(t[k].name, "factors") &&
			   t[k].bytes == MODEL_MAX_GROUPS * sizeof(*p->factor)) {
			p->factor = mem_alloc(t[k].bytes);
			memcpy(p->factor, t[k].data, t[k].bytes);
		} else if (!strcmp(t[k].name, "carry") && (p->carry = mem_block(t[k].bytes, 1))) {
			memcpy(p->carry, t[k].data, t[k].bytes);
			p->carry_size = t[k].bytes / sizeof(float);
		} else if (slot >= 0 && t[k].bytes == bytes &&
			   (p->slot[slot] = mem_block(bytes, 1))) {
			memcpy(p->slot[slot], t[k].data, bytes);
			p->optim = ops;
		}
	}
	store_tensors_free(t, n);
	if (!numbers) { /* an older checkpoint: only the newest keeps them */
		snapshot_drop_progress(l->snapshot);
		return true;
	}
	if (!p->optim)
		p->optim = optim_find("sgd"); /* the one without state */
	for (int k = 0; k < p->optim->slots; k++)
		if (!p->slot[k])
			return err_set(err, ERR_CORRUPT,
				       "the checkpoint lacks the optimizer's %s.%s", p->optim->name,
				       p->optim->slot[k]);
	return true;
}

void loaded_release(struct loaded *l)
{
	snapshot_unref(l->snapshot);
	free(l->name);
	*l = (struct loaded){0};
}
