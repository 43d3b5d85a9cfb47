/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/nn/model.h"

#include "engine/base/mem.h"
#include "engine/math/kernels.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct task_ops task_table[TASK_COUNT] = {
	[TASK_CLASSIFY] = {.name = "classify",
			   .title = "texts and their labels",
			   .labels = true,
			   .accuracy = true},
	[TASK_GENERATE] = {.name = "generate",
			   .title = "the next token of a running text",
			   .stream = true},
	[TASK_RECONSTRUCT] = {.name = "reconstruct",
			      .title = "a text from its own vector",
			      .decoder = true,
			      .accuracy = true},
	[TASK_TRANSLATE] = {.name = "translate",
			    .title = "a text in another language",
			    .decoder = true,
			    .pairs = true},
	[TASK_SUMMARIZE] = {.name = "summarize",
			    .title = "what a text says, in fewer words",
			    .decoder = true,
			    .pairs = true,
			    .one_vocab = true},
};

int task_find(const char *name)
{
	for (int k = 0; k < TASK_COUNT; k++)
		if (!strcmp(task_table[k].name, name))
			return k;
	return -1;
}

static void add_param(struct model *m, const char *prefix, const char *name, size_t at, int rows,
		      int cols)
{
	struct param *p = &m->param[m->params++];

	snprintf(p->name, sizeof(p->name), "%.14s%.15s", prefix, name);
	p->at = at;
	p->rows = rows;
	p->cols = cols;
}

static void add_stack(struct model *m, const struct stack *s, const char *side)
{
	char name[16], run_name[16], prefix[24];
	size_t at;
	int rows, cols;

	for (int run = 0; run < s->runs; run++) {
		stack_prefix(s, run, run_name);
		snprintf(prefix, sizeof(prefix), "%s%s", side, run_name);
		for (int k = 0; stack_tensor(s, run, k, name, &at, &rows, &cols); k++)
			add_param(m, prefix, name, at, rows, cols);
	}
}

static bool check(const struct model *m, struct err *err)
{
	const struct model_spec *s = &m->spec;
	const struct attention_ops *attention = &attention_table[s->attention];

	if (s->vocab < 1 || s->embed < 0 || s->hidden < 1 || s->classes < 2)
		return err_set(err, ERR_USAGE,
			       "a model needs a vocabulary, hidden of at least 1 and two classes");
	if (task_table[s->task].stream && s->dirs > 1)
		return err_set(
			err, ERR_USAGE,
			"task %s reads what comes before a token only: bidirectional must be "
			"false",
			task_table[s->task].name);
	if (s->tied && s->task == TASK_CLASSIFY)
		return err_set(err, ERR_USAGE,
			       "tied is for tasks whose output are tokens, not for classify");
	if (s->tied && (m->tables ? m->out_E : 0) != m->K)
		return err_set(err, ERR_USAGE,
			       "tied needs embed as wide as what the head reads: embed is %d, that "
			       "is %d",
			       m->tables ? m->out_E : 0, m->K);
	if (s->attention == ATTENTION_DOT && m->D != s->hidden)
		return err_set(
			err, ERR_USAGE,
			"attention=dot needs encoder outputs as wide as the decoder's %d, not "
			"%d: take attention=general, or bidirectional=sum",
			s->hidden, m->D);
	if (s->feed && (!s->attention || attention->early))
		return err_set(err, ERR_USAGE,
			       "input_feeding is for attention=dot, general and concat, not for %s",
			       attention->name);
	return true;
}

/* Whether the steps are pooled into the text's vector. */
static bool pools(const struct model *m)
{
	return !task_table[m->spec.task].stream && !task_table[m->spec.task].pairs;
}

/* The parts of the block, one after the other; where the next one begins. */
static bool plan_decoder(struct model *m, size_t *at, struct err *err)
{
	const struct model_spec *s = &m->spec;
	const bool pairs = task_table[s->task].pairs;
	const struct stack_spec stack = {.cell = s->cell,
					 .E = m->out_E + m->beside,
					 .H = s->hidden,
					 .layers = s->layers,
					 .dirs = 1,
					 .learned = s->learned && !pairs};

	if (!task_table[s->task].decoder)
		return true;
	if (!stack_plan(&m->dec, &stack, *at, err))
		return false;
	*at += m->dec.size;
	if (!pairs)
		return true;
	bridge_plan(&m->bridge, &m->stack, *at);
	*at += m->bridge.size;
	attention_plan(&m->attend, s->attention, s->hidden, m->D, s->att_size, *at);
	*at += m->attend.size;
	return true;
}

static void plan_tables(struct model *m, size_t at)
{
	const struct model_spec *s = &m->spec;
	const int first = s->tied ? m->out_table : 0;

	for (int k = 0; k < m->tables; k++) {
		struct id_table *t = &m->table[(first + k) % m->tables];

		t->at = at;
		at += (size_t)t->rows * (size_t)t->width;
		if (s->tied && !k)
			m->dense = at;
	}
	m->size = at;
}

static bool plan_parts(struct model *m, struct err *err)
{
	const struct model_spec *s = &m->spec;
	const struct stack_spec stack = {s->cell, m->E,     s->hidden, s->layers,
					 s->dirs, s->merge, s->learned};
	size_t at;

	if (!stack_plan(&m->stack, &stack, 0, err))
		return false;
	at = m->pool_w = m->stack.size;
	at += pools(m) && s->pool == POOL_ATTENTION ? (size_t)m->D : 0;
	if (!plan_decoder(m, &at, err))
		return false;
	m->head_W = at;
	m->head_b = at + (s->tied ? 0 : (size_t)s->classes * (size_t)m->K);
	m->dense = m->embedding = m->head_b + (size_t)s->classes;
	plan_tables(m, m->embedding);
	if (s->tied)
		m->head_W = m->table[m->out_table].at;
	return m->size <= 2000000000 ||
	       err_set(err, ERR_USAGE,
		       "the model would have more than 2e9 weights; lower embed, "
		       "hidden, layers or max_vocab");
}

static void name_params(struct model *m)
{
	const struct model_spec *s = &m->spec;
	char name[24];
	const char *tensor;
	size_t at;
	int rows, cols;

	if (m->tables)
		add_param(m, "", "embedding", m->table[0].at, s->vocab, s->embed);
	add_stack(m, &m->stack, "");
	if (pools(m) && s->pool == POOL_ATTENTION)
		add_param(m, "", "pool.w", m->pool_w, m->D, 0);
	if (m->tables > 1)
		add_param(m, "dec.", "embedding", m->table[1].at, m->table[1].rows,
			  m->table[1].width);
	for (int k = 0; m->bridge.learned && bridge_tensor(&m->bridge, k, name, &at, &rows, &cols);
	     k++)
		add_param(m, "bridge.", name, at, rows, cols);
	add_stack(m, &m->dec, "dec.");
	for (int k = 0;
	     s->attention && (tensor = attention_tensor(&m->attend, k, &at, &rows, &cols)); k++)
		add_param(m, "attention.", tensor, at, rows, cols);
	if (!s->tied)
		add_param(m, "head.", "W", m->head_W, s->classes, m->K);
	add_param(m, "head.", "b", m->head_b, s->classes, 0);
}

/* The widths that follow from the specification. */
static void measure(struct model *m)
{
	const struct model_spec *s = &m->spec;
	const struct task_ops *task = &task_table[s->task];
	const bool early = attention_table[s->attention].early;

	m->E = s->embed ? s->embed : s->vocab;
	m->D = s->dirs == 2 && s->merge == MERGE_CONCAT ? 2 * s->hidden : s->hidden;
	m->K = task->decoder ? s->hidden + (early ? m->D : 0) : m->D;
	m->out_V = s->target ? s->target : s->vocab;
	m->out_E = !s->embed ? m->out_V : s->target && s->embed_target ? s->embed_target : s->embed;
	if (task->decoder)
		m->beside = !task->pairs || early ? m->D : s->feed ? s->hidden : 0;
	m->tables = !s->embed ? 0 : s->target ? 2 : 1;
	m->out_table = m->tables == 2;
	m->table[0] = (struct id_table){0, s->vocab, m->E};
	m->table[1] = (struct id_table){0, m->out_V, m->out_E};
}

bool model_plan(struct model *m, const struct model_spec *spec, struct err *err)
{
	*m = (struct model){.spec = *spec};
	m->spec.layers += !spec->layers;
	m->spec.dirs += !spec->dirs;
	if (!task_table[spec->task].pairs) {
		m->spec.attention = ATTENTION_NONE;
		m->spec.feed = false;
	}
	if (spec->task != TASK_CLASSIFY)
		m->spec.classes = spec->target ? spec->target : spec->vocab;
	measure(m);
	if (!check(m, err) || !plan_parts(m, err))
		return false;
	name_params(m);
	return true;
}

/* "dec.l0.fw.W_i" belongs to "dec.l0", "head.W" to "head". */
static void group_of(const struct param *p, char name[GROUP_NAME])
{
	const bool dec = !strncmp(p->name, "dec.", 4);
	const char *end = strchr(p->name + (dec ? 4 : 0), '.');

	snprintf(name, GROUP_NAME, "%.*s", end ? (int)(end - p->name) : 15, p->name);
}

void model_groups(const struct model *m, struct groups *g)
{
	*g = (struct groups){0};
	for (int k = 0; k < m->params; k++) {
		char name[GROUP_NAME];
		int at = 0;

		group_of(&m->param[k], name);
		while (at < g->count && strcmp(g->name[at], name) != 0)
			at++;
		if (at == g->count)
			memcpy(g->name[g->count++], name, sizeof(name));
		g->of[k] = at;
		g->size[at] += param_size(&m->param[k]);
	}
}

bool group_matches(const char *name, const char *group)
{
	const bool layer = *group == 'l', dec = !strncmp(group, "dec.", 4);

	if (!strcmp(name, "encoder"))
		return layer || !strcmp(group, "embedding") || !strcmp(group, "pool");
	if (!strcmp(name, "decoder"))
		return dec || !strcmp(group, "bridge");
	return !strcmp(name, group) || !strcmp(name, "all");
}

size_t param_size(const struct param *p)
{
	return (size_t)p->rows * (size_t)(p->cols ? p->cols : 1);
}

const struct param *model_param(const struct model *m, const char *name)
{
	for (int k = 0; k < m->params; k++)
		if (!strcmp(m->param[k].name, name))
			return &m->param[k];
	return NULL;
}
