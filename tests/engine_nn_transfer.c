/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From one encoder to the first weights of another: what is taken keeps its bytes and its meaning, wherever
 * tokens have moved; the rest is new and seeded. */
#include "engine/base/mem.h"
#include "engine/math/blas.h"
#include "engine/nn/pass.h"
#include "engine/train/transfer.h"
#include "tests/toy.h"
#include "tests/unit.h"

#include <math.h>

static const struct init how = {.forget_bias = 1, .embed_range = 0.25};

/* An encoder of 14 words whose weights are none that anything begins with. */
static struct snapshot *parent_of(const struct model_spec *spec)
{
	struct corpus *c;
	struct encoder *e = toy_encoder_of(spec, true, 40, &c, NULL);
	struct snapshot *s;
	struct rng rng;
	real *w;

	assert_non_null(e);
	w = toy_weights(&e->model, 11);
	rng_seed(&rng, 1, 1);
	for (size_t k = 0; k < e->model.size; k++)
		w[k] += (real)(0.2 * rng_normal(&rng));
	s = snapshot_new(e, w, 7, 3);
	corpus_unref(c);
	encoder_unref(e);
	return s;
}

static const char words[] = "the film yak is zebra very good yak";

/* A vocabulary that goes on from another one, or a new one, with the words above. */
static struct vocab *vocab_on(const struct vocab *old, bool end, bool grow)
{
	const struct vocab_spec spec = {.rules.kind = TOKENIZER_SPACE, .min_count = 1, .end = end};
	struct vocab_builder *b = vocab_builder_new(&spec);
	struct vocab *v;

	vocab_builder_add(b, words, strlen(words));
	v = old ? vocab_extend(old, b,
			       &(struct vocab_growth){.end = end, .grow = grow, .min_count = 1})
		: vocab_of(b);
	vocab_builder_free(b);
	return v;
}

static struct classes classes_from(const char *names)
{
	char *list = mem_text(names), *save = NULL, **name = mem_zero(8, sizeof(*name));
	struct classes c;
	size_t n = 0;

	for (char *w = strtok_r(list, " ", &save); w; w = strtok_r(NULL, " ", &save))
		name[n++] = mem_text(w);
	assert_true(classes_of(name, n, "test", &c, NULL));
	free(list);
	return c;
}

/* An encoder of that shape on the parent's words. */
static struct encoder *child_of(const struct encoder *old, struct model_spec spec,
				const char *names, bool grow)
{
	const struct task_ops *task = &task_table[spec.task];
	const bool apart = task->pairs && !task->one_vocab;
	struct classes classes = {0};
	struct vocab *v = vocab_on(old->vocab, !task->labels && !apart, grow), *target = NULL;
	struct batch_rules rules = {
		.mask = true, .ragged = task->stream, .marked = !task->stream && vocab_end(v) >= 0};
	struct encoder *e;

	if (task->labels)
		classes = classes_from(names);
	if (apart)
		target = vocab_on(old->target != old->vocab ? old->target : NULL, true, grow);
	e = encoder_new(&spec, v, target, &classes, &rules, 0, false, NULL);
	assert_non_null(e);
	return e;
}

static int id_in(const struct vocab *v, const struct vocab *of, int id)
{
	size_t n;
	const char *s = vocab_token(of, id, &n);

	return vocab_find(v, s, n);
}

/* Rows of ids with their width: old ones as they were, the other ones new. */
static void check_rows(const struct vocab *v, const struct vocab *old, const real *is,
		       const real *was, const real *drawn, size_t width,
		       const struct transferred *r)
{
	const size_t bytes = width * sizeof(real);
	int rows = 0, added = 0;

	for (int id = 0; id < vocab_size(v); id++) {
		const int from = id_in(old, v, id);
		const real *row = is + (size_t)id * width;

		if (from >= 0) {
			assert_memory_equal(row, was + (size_t)from * width, bytes);
			rows++;
			continue;
		}
		for (size_t k = 0; k < width; k++)
			assert_true(isfinite(row[k]));
		assert_memory_not_equal(row, drawn + (size_t)id * width, bytes);
		added++;
	}
	assert_int_equal(r->rows, rows);
	assert_int_equal(r->added, added);
}

/* Every group is what the report says of it. */
static void check_all(const struct snapshot *from, const struct snapshot *to,
		      const struct transfer *t, uint64_t seed)
{
	const struct encoder *e = to->encoder, *old = from->encoder;
	real *drawn = init_weights(&e->model, seed, &how);

	for (int k = 0; k < e->model.params; k++) {
		const struct param *p = &e->model.param[k], *q = model_param(&old->model, p->name);
		const struct transferred *r = &t->of[t->groups.of[k]];
		const bool words_of = !strcmp(p->name, "embedding");

		if (!r->taken)
			assert_memory_equal(to->weights + p->at, drawn + p->at,
					    param_size(p) * sizeof(real));
		else if (r->rows && (words_of || !strcmp(p->name, "dec.embedding") ||
				     !strncmp(p->name, "head.", 5)))
			check_rows(words_of ? e->vocab : e->target,
				   words_of ? old->vocab : old->target, to->weights + p->at,
				   from->weights + q->at, drawn + p->at,
				   p->cols ? (size_t)p->cols : 1, r);
		else if (!r->rows)
			assert_memory_equal(to->weights + p->at, from->weights + q->at,
					    param_size(p) * sizeof(real));
	}
	free(drawn);
}

static void taken_are(const struct transfer *t, const char *want)
{
	struct buf got = {0};

	transfer_say(t, &got);
	assert_string_equal(buf_str(&got), want);
	buf_release(&got);
}

static struct model_spec shape(enum task task, const struct cell_ops *cell)
{
	return (struct model_spec){.task = task,
				   .cell = cell,
				   .embed = 3,
				   .hidden = 4,
				   .attention = ATTENTION_GENERAL};
}

static bool taken(const struct transfer *t, const char *group)
{
	for (int k = 0; k < t->groups.count; k++)
		if (!strcmp(t->groups.name[k], group))
			return t->of[k].taken;
	fail_msg("there is no group %s", group);
	return false;
}

static void any_task_becomes_any_other(void **state)
{
	(void)state;
	for (int a = 0; a < TASK_COUNT; a++)
		for (int b = 0; b < TASK_COUNT; b++) {
			const struct model_spec one = shape((enum task)a, cell_at(0));
			struct snapshot *from = parent_of(&one), *to;
			struct encoder *e = child_of(from->encoder, shape((enum task)b, cell_at(0)),
						     "neg pos", true);
			struct transfer t;

			to = transfer_weights(from, e, 5, &how, &t);
			check_all(from, to, &t, 5);
			assert_int_equal(to->step, 0);
			assert_int_equal(to->epoch, 0);
			assert_true(taken(&t, "embedding") && taken(&t, "l0"));
			for (int k = 0; k < t.groups.count; k++)
				assert_true(a != b || t.of[k].taken);
			snapshot_unref(to);
			snapshot_unref(from);
			encoder_unref(e);
		}
}

/* The vector of a text in words that both know. */
static real *vector_of(const struct snapshot *s, size_t *n)
{
	static const char text[] = "not good the film is long";
	struct work w = {0};
	struct encoding ids = {0};
	real *v;

	vocab_encode(s->encoder->vocab, text, strlen(text), &ids);
	assert_int_equal(ids.count, 6);
	for (size_t k = 0; k < ids.count; k++)
		assert_false(ids.unknown[k]);
	batch_of_ids(&w.in.batch, ids.ids, (int)ids.count, &s->encoder->rules);
	assert_true(model_vector(&s->encoder->model, s->weights, &w, NULL));
	*n = (size_t)s->encoder->model.D;
	v = mem_alloc(*n * sizeof(*v));
	memcpy(v, w.vector, *n * sizeof(*v));
	work_release(&w);
	encoding_release(&ids);
	return v;
}

/* Reading a text comes to the same, although <eos> was put in and ids have moved. */
static void check_reading(struct model_spec spec, enum task task)
{
	struct snapshot *from, *to;
	struct encoder *e;
	struct transfer t;
	size_t n, m;
	real *a, *b;

	from = parent_of(&spec);
	spec.task = task;
	e = child_of(from->encoder, spec, NULL, true);
	assert_int_equal(vocab_end(from->encoder->vocab), -1);
	assert_int_equal(vocab_end(e->vocab), VOCAB_EOS);
	assert_int_not_equal(vocab_find(e->vocab, "film", 4),
			     vocab_find(from->encoder->vocab, "film", 4));
	to = transfer_weights(from, e, 5, &how, &t);
	a = vector_of(from, &n);
	b = vector_of(to, &m);
	assert_int_equal(n, m);
	for (size_t k = 0; k < n; k++)
		assert_true(fabs((double)a[k] - (double)b[k]) < 1e-6);
	free(a);
	free(b);
	snapshot_unref(to);
	snapshot_unref(from);
	encoder_unref(e);
}

static void every_encoder_reads_as_before(void **state)
{
	static const struct model_spec shapes[] = {
		{.embed = 3, .hidden = 4},
		{.embed = 0, .hidden = 4},
		{.embed = 3, .hidden = 4, .layers = 2, .dirs = 2, .learned = true},
		{.embed = 0,
		 .hidden = 13,
		 .layers = 2,
		 .dirs = 2,
		 .merge = MERGE_SUM,
		 .pool = POOL_MAX},
		{.embed = 3, .hidden = 4, .pool = POOL_ATTENTION},
	};

	(void)state;
	for (int k = 0; cell_at(k); k++)
		for (size_t j = 0; j < sizeof(shapes) / sizeof(shapes[0]); j++) {
			struct model_spec spec = shapes[j];

			spec.cell = cell_at(k);
			check_reading(spec, TASK_RECONSTRUCT);
			if (spec.dirs != 2 && spec.pool == POOL_LAST)
				check_reading(spec, TASK_GENERATE);
		}
}

static void only_the_same_classes_keep_their_head(void **state)
{
	static const struct {
		const char *names;
		bool kept;
	} table[] = {{"neg pos", true},
		     {"neg good", false},
		     {"neg neutral pos", false},
		     {"NEG POS", false}};
	const struct model_spec spec = shape(TASK_CLASSIFY, cell_at(0));
	struct snapshot *from = parent_of(&spec);

	(void)state;
	for (size_t k = 0; k < sizeof(table) / sizeof(table[0]); k++) {
		struct encoder *e = child_of(from->encoder, spec, table[k].names, false);
		struct transfer t;
		struct snapshot *to = transfer_weights(from, e, 5, &how, &t);

		check_all(from, to, &t, 5);
		assert_int_equal(taken(&t, "head"), table[k].kept);
		taken_are(&t, table[k].kept ? "taken over: embedding (14 rows), l0, head"
					    : "taken over: embedding (14 rows), l0; new: head");
		snapshot_unref(to);
		encoder_unref(e);
	}
	snapshot_unref(from);
}

static void a_group_is_taken_whole_or_not_at_all(void **state)
{
	struct model_spec spec = shape(TASK_TRANSLATE, cell_at(0)), other = spec;
	struct snapshot *from, *to;
	struct encoder *e;
	struct transfer t;

	(void)state;
	spec.dirs = other.dirs = 2; /* there is a bridge */
	other.attention = ATTENTION_CONCAT;
	from = parent_of(&spec);
	e = child_of(from->encoder, spec, NULL, true);
	to = transfer_weights(from, e, 5, &how, &t);
	check_all(from, to, &t, 5);
	taken_are(&t, "taken over: embedding (14 rows, 2 new), l0, dec.embedding (15 rows, 2 new), "
		      "bridge, dec.l0, attention, head (15 rows, 2 new)");
	snapshot_unref(to);
	encoder_unref(e);

	e = child_of(from->encoder, other, NULL, false);
	to = transfer_weights(from, e, 5, &how, &t);
	check_all(from, to, &t, 5);
	assert_true(taken(&t, "dec.l0"));
	assert_false(taken(&t, "attention")); /* although one matrix of it has its like */
	snapshot_unref(to);
	encoder_unref(e);

	other = spec;
	other.task = TASK_SUMMARIZE; /* what it writes are words of the texts */
	e = child_of(from->encoder, other, NULL, false);
	to = transfer_weights(from, e, 5, &how, &t);
	check_all(from, to, &t, 5);
	assert_true(taken(&t, "dec.l0") && taken(&t, "bridge"));
	assert_false(taken(&t, "head"));
	snapshot_unref(to);
	encoder_unref(e);
	snapshot_unref(from);
}

/* Tied on one side only: the head's matrix is what the embedding was, or the other way round. */
static void tied_heads_go_with_the_embedding(void **state)
{
	struct model_spec spec = shape(TASK_GENERATE, cell_at(0));

	(void)state;
	spec.embed = spec.hidden;
	for (int k = 0; k < 4; k++) {
		struct snapshot *from, *to;
		struct encoder *e;
		struct transfer t;
		const struct model *m, *old;

		spec.tied = k & 1;
		from = parent_of(&spec);
		spec.tied = k & 2;
		e = child_of(from->encoder, spec, NULL, true);
		to = transfer_weights(from, e, 5, &how, &t);
		m = &e->model;
		old = &from->encoder->model;
		assert_true(taken(&t, "head"));
		assert_memory_equal(to->weights + m->table[0].at, from->weights + old->table[0].at,
				    14 * 4 * sizeof(real));
		assert_memory_equal(to->weights + m->head_b, from->weights + old->head_b,
				    14 * sizeof(real));
		if (!spec.tied)
			assert_memory_equal(to->weights + m->head_W, from->weights + old->head_W,
					    14 * 4 * sizeof(real));
		snapshot_unref(to);
		encoder_unref(e);
		snapshot_unref(from);
	}
}

/* 4,000 new rows have the mean and the deviation of the old ones, column by column, and follow the seed. */
static void new_rows_are_like_the_old_ones(void **state)
{
	enum { OLD = 14, NEW = 4000, WIDTH = 3 };
	const struct model_spec spec = shape(TASK_CLASSIFY, cell_at(0));
	struct snapshot *from = parent_of(&spec), *to[3];
	const struct vocab_growth growth = {.grow = true, .min_count = 1};
	struct vocab_builder *b = vocab_builder_new(vocab_rules(from->encoder->vocab));
	struct classes classes = classes_from("a b");
	struct encoder *e;
	struct transfer t;
	const real *old = from->weights + from->encoder->model.table[0].at;
	char text[32];

	(void)state;
	for (int k = 0; k < NEW; k++)
		vocab_builder_add(b, text, (size_t)snprintf(text, sizeof(text), "new%d", k));
	e = encoder_new(&spec, vocab_extend(from->encoder->vocab, b, &growth), NULL, &classes,
			&from->encoder->rules, 0, false, NULL);
	vocab_builder_free(b);
	for (int k = 0; k < 3; k++)
		to[k] = transfer_weights(from, e, k == 2 ? 6 : 5, &how, &t);
	taken_are(&t, "taken over: embedding (14 rows, 4,000 new), l0; new: head");
	assert_memory_equal(to[0]->weights, to[1]->weights, e->model.size * sizeof(real));
	assert_memory_equal(to[0]->weights + e->model.table[0].at, old, OLD * WIDTH * sizeof(real));
	for (int k = 0; k < WIDTH; k++) {
		const real *is = to[0]->weights + e->model.table[0].at + k;
		const real *other = to[2]->weights + e->model.table[0].at + k;
		double sum[2] = {0}, squares[2] = {0}, deviation[2];

		for (int j = 0; j < OLD + NEW; j++) {
			const double v = (double)is[j * WIDTH];

			sum[j >= OLD] += v;
			squares[j >= OLD] += v * v;
			assert_int_equal(is[j * WIDTH] == other[j * WIDTH], j < OLD);
		}
		for (int j = 0; j < 2; j++) {
			const int n = j ? NEW : OLD;

			sum[j] /= n;
			deviation[j] = sqrt(squares[j] / n - sum[j] * sum[j]);
		}
		assert_true(deviation[0] > 0.1);
		assert_true(fabs(sum[0] - sum[1]) < 5 * deviation[0] / sqrt(NEW));
		assert_true(fabs(deviation[0] / deviation[1] - 1) < 5 / sqrt(2 * NEW));
	}
	for (int k = 0; k < 3; k++)
		snapshot_unref(to[k]);
	encoder_unref(e);
	snapshot_unref(from);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_task_becomes_any_other),
		cmocka_unit_test(every_encoder_reads_as_before),
		cmocka_unit_test(only_the_same_classes_keep_their_head),
		cmocka_unit_test(a_group_is_taken_whole_or_not_at_all),
		cmocka_unit_test(tied_heads_go_with_the_embedding),
		cmocka_unit_test(new_rows_are_like_the_old_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
