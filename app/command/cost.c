/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a training would cost, without doing it. */
#include "app/budget.h"
#include "app/command/train.h"

#include "engine/base/json.h"

#include <math.h>
#include <string.h>

const struct option options_cost[] = {
	{"-c", "FILE.ini", "a settings file"},
	{"--set", "name=value", "one setting; see 'sluice help settings'"},
	{"--data", "FILE", "training texts; - is standard input"},
	{"--valid", "FILE", "validation texts"},
	{"--data-target", "FILE", "of pairs in two files: the targets of --data, line by line"},
	{"--valid-target", "FILE", "... of --valid"},
	{"--data-format", "FORMAT", "of both files, where it is not plain to see"},
	{"--label-column", "NAME", "by name or number from 1"},
	{"--text-column", "NAME", "by name or number from 1"},
	{"--source-column", "NAME", "of pairs, by name or number from 1"},
	{"--target-column", "NAME", "of pairs, by name or number from 1"},
	{"--no-header", NULL, "the first line of a csv file is data"},
	{"--untimed", NULL, "no measurement: nothing is trained, not for a second"},
	{NULL, NULL, NULL},
};

/* Seconds of real training that the time is estimated from. */
static const double MEASURE = 1;

/* What the time of a training comes to. */
struct estimate {
	bool timed;
	struct cost_speed speed;
	double tokens_per_s, gflops, epoch, all; /* all: without patience */
};

static struct estimate estimate_of(const struct cost *c, const struct cost_speed *s, int epochs)
{
	struct estimate e = {.timed = true, .speed = *s};

	e.tokens_per_s = (double)s->tokens / s->seconds;
	e.epoch = cost_epoch_seconds(c, s);
	e.all = e.epoch * epochs;
	e.gflops = (cost_train_flop(c) + cost_valid_flop(c)) / e.epoch / 1e9;
	return e;
}

static void json_flop(struct json_writer *j, const char *key, const struct cost_flop *f)
{
	jw_key(j, key);
	jw_object(j);
	jw_key(j, "token");
	jw_int(j, f->token);
	jw_key(j, "text");
	jw_int(j, f->text);
	jw_object_end(j);
}

static void json_model(struct json_writer *j, const struct cost *c)
{
	jw_key(j, "parameters");
	jw_int(j, c->parameters);
	jw_key(j, "bytes");
	jw_int(j, c->bytes);
	jw_key(j, "groups");
	jw_array(j);
	for (int k = 0; k < c->groups; k++) {
		jw_object(j);
		jw_key(j, "group");
		jw_text(j, c->group[k].name);
		jw_key(j, "parameters");
		jw_int(j, c->group[k].parameters);
		jw_key(j, "bytes");
		jw_int(j, c->group[k].parameters * (int64_t)sizeof(real));
		jw_object_end(j);
	}
	jw_array_end(j);
	jw_key(j, "flop");
	jw_object(j);
	json_flop(j, "forward", &c->forward);
	json_flop(j, "backward", &c->backward);
	jw_object_end(j);
	jw_key(j, "memory");
	jw_object(j);
	for (int k = 0; k < COST_PARTS; k++) {
		jw_key(j, cost_part_name((enum cost_part)k));
		jw_int(j, c->memory[k]);
	}
	jw_key(j, "not_at_once");
	jw_int(j, -cost_not_at_once(c));
	jw_key(j, "at_most");
	jw_int(j, cost_memory(c));
	jw_object_end(j);
}

/* How the threads share a step. */
static const struct share_rule *sharing(const struct prepared *p)
{
	return train_share(&p->spec, p->encoder, p->train);
}

static void json_sharing(struct json_writer *j, const struct prepared *p)
{
	jw_key(j, "sharing");
	jw_object(j);
	jw_key(j, "threads");
	jw_int(j, p->spec.learn.threads);
	jw_key(j, "how");
	jw_text(j, sharing(p)->name);
	jw_key(j, "reason");
	jw_text(j, sharing(p)->reason);
	jw_object_end(j);
}

static void json_time(struct json_writer *j, const struct prepared *p, const struct estimate *e)
{
	jw_key(j, "epoch");
	jw_object(j);
	jw_key(j, "texts");
	jw_int(j, p->cost.texts);
	jw_key(j, "tokens");
	jw_int(j, p->cost.tokens);
	jw_key(j, "valid_tokens");
	jw_int(j, p->cost.valid_tokens);
	jw_object_end(j);
	json_sharing(j, p);
	jw_key(j, "time");
	if (!e->timed) {
		jw_null(j);
		return;
	}
	jw_object(j);
	jw_key(j, "measured_steps");
	jw_int(j, e->speed.steps);
	jw_key(j, "measured_seconds");
	jw_f64(j, e->speed.seconds);
	jw_key(j, "measured_bytes");
	jw_int(j, (int64_t)e->speed.bytes);
	jw_key(j, "tokens_per_s");
	jw_f64(j, e->tokens_per_s);
	jw_key(j, "gflop_per_s");
	jw_f64(j, e->gflops);
	jw_key(j, "epoch_seconds");
	jw_f64(j, e->epoch);
	jw_key(j, "epochs");
	jw_int(j, p->settings.epochs);
	jw_key(j, "seconds");
	jw_f64(j, e->all);
	jw_object_end(j);
}

static bool report_json(struct context *c, const struct prepared *p, const struct estimate *e,
			struct err *err)
{
	struct buf b = {0};
	struct json_writer j = jw_to(&b);
	bool ok;

	jw_object(&j);
	json_model(&j, &p->cost);
	json_time(&j, p, e);
	jw_object_end(&j);
	buf_byte(&b, '\n');
	ok = output_flush(c->out, &b, err);
	buf_release(&b);
	return ok;
}

/* A row: what of, which, the number, and for people the same in words. */
static void put(struct output *o, const char *what, const char *part, struct value number,
		const char *words)
{
	const struct value row[] = {value_text(what), value_text(part), number, value_text(words)};

	output_row(o, row);
}

static void put_flop(struct output *o, const char *what, const struct cost_flop *f)
{
	char text[16];

	put(o, what, "token", value_int(f->token), budget_flop((double)f->token, text));
	if (f->text)
		put(o, what, "text", value_int(f->text), budget_flop((double)f->text, text));
}

static const char *time_words(double seconds, char text[32])
{
	const long s = (long)fmin(seconds + 0.5, 1e9);

	if (seconds < 10)
		snprintf(text, 32, "%.2g s", seconds);
	else if (s < 3600)
		snprintf(text, 32, "%ld:%02ld", s / 60, s % 60);
	else
		snprintf(text, 32, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
	return text;
}

static void put_time(struct output *o, const struct estimate *e)
{
	char text[32];

	snprintf(text, sizeof(text), "%.1fk tokens/s", e->tokens_per_s / 1000);
	put(o, "speed", "tokens/s", value_real(e->tokens_per_s, 0), text);
	snprintf(text, sizeof(text), "%.1f GFLOP/s", e->gflops);
	put(o, "speed", "GFLOP/s", value_real(e->gflops, 1), text);
	put(o, "seconds", "epoch", value_real(e->epoch, 2), time_words(e->epoch, text));
	put(o, "seconds", "all epochs", value_real(e->all, 2), time_words(e->all, text));
}

static bool report(struct context *c, const struct prepared *p, const struct estimate *e,
		   struct err *err)
{
	static const char *const column[] = {"what", "part", "number", "in_words"};
	const struct cost *k = &p->cost;
	char text[16];
	struct output o;

	output_open(&o, c->format, c->out, c->answer);
	output_columns(&o, column, 4);
	for (int g = 0; g < k->groups; g++)
		put(&o, "parameters", k->group[g].name, value_int(k->group[g].parameters),
		    budget_bytes((double)k->group[g].parameters * sizeof(real), text));
	put(&o, "parameters", "all", value_int(k->parameters),
	    budget_bytes((double)k->bytes, text));
	put_flop(&o, "forward", &k->forward);
	put_flop(&o, "backward", &k->backward);
	for (int m = 0; m < COST_PARTS; m++)
		put(&o, "memory", cost_part_name((enum cost_part)m), value_int(k->memory[m]),
		    budget_bytes((double)k->memory[m], text));
	put(&o, "memory", "not at once", value_int(-cost_not_at_once(k)),
	    "validation is over when a snapshot is made");
	put(&o, "memory", "at most", value_int(cost_memory(k)),
	    budget_bytes((double)cost_memory(k), text));
	put(&o, "epoch", "tokens", value_int(k->tokens), NULL);
	put(&o, "threads", sharing(p)->name, value_int(p->spec.learn.threads), sharing(p)->reason);
	if (e->timed)
		put_time(&o, e);
	return output_close(&o, err);
}

bool command_cost(struct context *c, const struct args *a, struct err *err)
{
	const bool timed = !args_has(a, "--untimed");
	struct settings settings = {0};
	struct prepared p = {0};
	struct estimate e = {0};
	struct cost_speed speed;
	bool ok = train_settings(&settings, a, err) && prepare(&settings, &p, err);

	settings_release(&settings);
	if (!ok)
		return false;
	if (!c->quiet)
		fputs(buf_str(&p.warnings), stderr);
	if (timed)
		ok = cost_measure(&speed, MEASURE, &p.spec, p.encoder, p.train, err);
	if (ok && timed)
		e = estimate_of(&p.cost, &speed, p.settings.epochs);
	ok = ok &&
	     (c->format == OUTPUT_JSON || c->format == OUTPUT_NDJSON ? report_json(c, &p, &e, err)
								     : report(c, &p, &e, err));
	prepared_release(&p);
	return ok;
}
