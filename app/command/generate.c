/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a run writes: on from a prompt, or a text again from its vector. */
#include "app/archive.h"
#include "app/command/command.h"

#include "engine/base/json.h"
#include "engine/inspect/writer.h"
#include "engine/text/utf8.h"

#include <ctype.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const struct option options_generate[] = {
	{"--text", "TEXT",
	 "what it goes on from (none: the beginning of a line); of a reconstruct run, what it "
	 "reads "
	 "and writes again"},
	{"--length", "N", "at most so many tokens, line ends counted (default 200)"},
	{"--lines", "N", "stop after so many line ends"},
	{"--temperature", "T",
	 "from 0 to 100; the chances are raised to 1/T (default 1, reconstruct 0: the likeliest)"},
	{"--top-k", "K", "draw from the K likeliest only"},
	{"--top-p", "P", "draw from the fewest whose share reaches P, above 0 and at most 1"},
	{"--greedy", NULL, "always the likeliest: the same as --temperature 0"},
	{"--seed", "S", "of the draws (default 1): the same seed writes the same text"},
	{"--count", "N", "so many texts, with seeds S, S+1 ...; a blank line between them"},
	{"--unknown", NULL, "the token for unknown words may be written too"},
	{NULL, NULL, NULL},
};

enum {
	SAMPLE_LENGTH = 200,
	MOST_LENGTH = 1000000,
	MOST_TEXTS = 100000,
	ROW_TOPS = 5,
	PLAIN_BLOCK = 4096,
	SAID = 120 /* bytes of a text in the console's message */
};

/* One command's work. */
struct author {
	struct context *c;
	const struct loaded *run;
	struct sampling how;
	int64_t length, lines, count, seed; /* lines 0: whatever */
	bool unknown, again;                /* again: writes the text itself, not on from it */
	bool terminal, plain, json, begun;
	struct buf prompt, whole; /* the text read; all of the one under way */
	struct buf out, tokens;   /* still to be printed; json: the tokens under way */
	struct json_writer j, token;
	struct output rows;
};

static volatile sig_atomic_t caught;

static void on_signal(int sig)
{
	caught = sig;
}

/* The user has given up, or nobody reads on. */
static bool given_up(const struct author *w)
{
	return caught || (w->c->cancel && __atomic_load_n(w->c->cancel, __ATOMIC_RELAXED)) ||
	       (w->c->out && ferror(w->c->out));
}

/* The option's number from min (above it, if open) to max; *v stays as it is where it is not given. */
static bool real_option(const struct args *a, const char *option, double min, bool open, double max,
			double *v, struct err *err)
{
	const char *text = args_value(a, option);
	double given;
	char *end;

	if (!text)
		return true;
	given = strtod(text, &end);
	if (end == text || *end || !(open ? given > min : given >= min) || !(given <= max))
		return err_set(err, ERR_USAGE, "%s is a number %s %g %s %g, not '%s'", option,
			       open ? "above" : "from", min, open ? "and at most" : "to", max,
			       text);
	*v = given;
	return true;
}

static bool read_options(struct author *w, const struct args *a, struct err *err)
{
	int64_t top_k = 0;

	w->length = SAMPLE_LENGTH;
	w->count = w->seed = 1;
	w->how = (struct sampling){.temperature = 1, .top_p = 1};
	w->unknown = args_has(a, "--unknown");
	if (!args_number(a, "--length", MOST_LENGTH, &w->length, err) ||
	    !args_number(a, "--lines", MOST_LENGTH, &w->lines, err) ||
	    !args_number(a, "--count", MOST_TEXTS, &w->count, err) ||
	    !args_number(a, "--seed", INT64_MAX - MOST_TEXTS, &w->seed, err) ||
	    !args_number(a, "--top-k", INT_MAX, &top_k, err) ||
	    !real_option(a, "--temperature", 0, false, 100, &w->how.temperature, err) ||
	    !real_option(a, "--top-p", 0, true, 1, &w->how.top_p, err))
		return false;
	w->how.top_k = (int)top_k;
	if (args_has(a, "--greedy") && args_has(a, "--temperature"))
		return err_set(err, ERR_USAGE,
			       "--greedy and --temperature go against each other: --greedy is 0, a "
			       "temperature is from 0 to 100");
	if (args_has(a, "--greedy"))
		w->how.temperature = 0;
	return true;
}

/* Where the likeliest is taken nothing is drawn. */
static bool draws(const struct author *w, const struct args *a, struct err *err)
{
	static const char *const drawing[] = {"--top-k", "--top-p", "--seed", "--count"};

	for (size_t k = 0; w->how.temperature <= 0 && k < sizeof(drawing) / sizeof(drawing[0]); k++)
		if (args_has(a, drawing[k]))
			return err_set(err, ERR_USAGE,
				       "%s is for drawing, but the likeliest token is taken: leave "
				       "it out, or give --temperature above 0 and at most 100",
				       drawing[k]);
	return true;
}

/* What follows from the run's task. */
static bool suit_task(struct author *w, const struct args *a, struct err *err)
{
	const struct task_ops *task = &task_table[w->run->snapshot->encoder->model.spec.task];

	if (task->pairs)
		return err_set(err, ERR_USAGE, "this run's task is %s: '%s' writes its answers",
			       task->name, task->name);
	w->again = task->decoder;
	if (!w->again)
		return draws(w, a, err);
	if (!args_has(a, "--text"))
		return err_set(err, ERR_USAGE,
			       "this run's task is %s: give the text to be written again with "
			       "--text TEXT",
			       task->name);
	if (args_has(a, "--lines"))
		return err_set(err, ERR_USAGE,
			       "this run's task is %s, whose texts end by themselves: leave "
			       "--lines out",
			       task->name);
	if (!args_has(a, "--temperature"))
		w->how.temperature = 0;
	return draws(w, a, err);
}

/* One line about words that the model does not know. */
static void warn_unknown(const struct author *w, const struct encoding *e)
{
	const int end = vocab_end(w->run->snapshot->encoder->vocab);
	size_t unknown = e->dropped.count, all = e->dropped.count;
	char line[128];

	for (size_t k = 0; k < e->count; k++) {
		all += e->ids[k] != end;
		unknown += e->unknown[k];
	}
	if (!unknown || w->c->quiet)
		return;
	snprintf(line, sizeof(line), "%zu of the text's %zu tokens %s not in the vocabulary",
		 unknown, all, unknown == 1 ? "is" : "are");
	if (w->c->out)
		fprintf(stderr, "sluice: %s\n", line);
	else
		context_say(w->c, "%s", line);
}

static const char *token_of(const struct author *w, int id, size_t *n)
{
	return vocab_token(w->run->snapshot->encoder->vocab, id, n);
}

/* Adds a token to the whole text; returns where it begins there. */
static size_t append(struct author *w, const struct written *t)
{
	const size_t from = w->whole.len;
	const char last = from ? w->whole.data[from - 1] : ' ';

	if (t->end) {
		if (!w->again)
			buf_byte(&w->whole, '\n');
		return from;
	}
	if (t->gap && !isspace((unsigned char)last)) /* a prompt may end in a blank */
		buf_byte(&w->whole, ' ');
	buf_add(&w->whole, t->token, t->n);
	return from;
}

static void json_token(struct author *w, const struct written *t)
{
	struct json_writer *j = &w->token;

	jw_object(j);
	jw_key(j, "token");
	jw_text_n(j, t->token, t->n);
	jw_key(j, "id");
	jw_int(j, t->id);
	jw_key(j, "probability");
	jw_f32(j, (float)t->p);
	jw_key(j, "entropy");
	jw_f64(j, t->bits);
	jw_key(j, "alternatives");
	jw_array(j);
	for (int k = 0; k < t->tops; k++) {
		size_t n;
		const char *token = token_of(w, t->top[k].id, &n);

		jw_object(j);
		jw_key(j, "token");
		jw_text_n(j, token, n);
		jw_key(j, "probability");
		jw_f32(j, (float)t->top[k].p);
		jw_object_end(j);
	}
	jw_array_end(j);
	jw_object_end(j);
}

static void row_token(struct author *w, const struct written *t, int64_t sample, int64_t step)
{
	struct value v[5 + 2 * ROW_TOPS];

	v[0] = value_int(sample);
	v[1] = value_int(step);
	v[2] = value_bytes(t->token, t->n);
	v[3] = value_real(t->p, 4);
	v[3].n = 9;
	v[4] = value_real(t->bits, 3);
	for (int k = 0; k < ROW_TOPS; k++) {
		const bool there = k < t->tops;
		size_t n = 0;
		const char *token = there ? token_of(w, t->top[k].id, &n) : NULL;

		v[5 + 2 * k] = there ? value_bytes(token, n) : value_null();
		v[6 + 2 * k] = there ? value_real(t->top[k].p, 4) : value_null();
		v[6 + 2 * k].n = 9;
	}
	output_row(&w->rows, v);
}

static bool is_list(const struct author *w)
{
	return w->c->format == OUTPUT_JSON && w->count > 1;
}

/* Before the first text. */
static void begin(struct author *w)
{
	static const char *const column[5 + 2 * ROW_TOPS] = {
		"sample", "step", "token", "probability", "entropy", "top1", "p1", "top2",
		"p2",     "top3", "p3",    "top4",        "p4",      "top5", "p5"};

	w->begun = true;
	w->j = jw_to(&w->out);
	if (w->json && is_list(w))
		jw_array(&w->j);
	if (w->json || w->plain)
		return;
	output_open(&w->rows, w->c->format, w->c->out, w->c->answer);
	output_columns(&w->rows, column, 5 + 2 * ROW_TOPS);
}

/* Behind the last one. */
static bool end(struct author *w, struct err *err)
{
	if (w->json && is_list(w))
		jw_array_end(&w->j);
	if (w->json && w->c->format == OUTPUT_JSON)
		buf_byte(&w->out, '\n');
	return w->json || w->plain || output_close(&w->rows, err);
}

static void begin_sample(struct author *w)
{
	buf_clear(&w->whole);
	buf_clear(&w->tokens);
	if (!w->again)
		buf_add(&w->whole, buf_str(&w->prompt), w->prompt.len);
	if (w->plain)
		buf_add(&w->out, buf_str(&w->whole), w->whole.len);
	w->token = jw_to(&w->tokens);
	jw_array(&w->token);
}

static void json_sample(struct author *w, int64_t seed)
{
	struct json_writer *j = &w->j;

	jw_array_end(&w->token);
	jw_object(j);
	jw_key(j, "run");
	jw_text(j, w->run->id);
	jw_key(j, "name");
	jw_text(j, w->run->name);
	jw_key(j, "text");
	jw_text_n(j, buf_str(&w->whole), w->whole.len);
	jw_key(j, "prompt");
	jw_text_n(j, buf_str(&w->prompt), w->prompt.len);
	jw_key(j, "tokens");
	buf_add(&w->out, buf_str(&w->tokens), w->tokens.len);
	j->comma = true;
	jw_key(j, "seed");
	jw_int(j, seed);
	jw_key(j, "temperature");
	jw_f64(j, w->how.temperature);
	jw_key(j, "top_k");
	jw_int(j, w->how.top_k);
	jw_key(j, "top_p");
	jw_f64(j, w->how.top_p);
	jw_object_end(j);
	if (w->c->format == OUTPUT_NDJSON) {
		buf_byte(&w->out, '\n');
		w->j = jw_to(&w->out);
	}
}

/* The console shows the tokens in rows, and the beginning of the text in a line. */
static void say(struct author *w)
{
	char line[SAID + 1];

	snprintf(line, sizeof(line), "%s", buf_str(&w->whole));
	utf8_line(line);
	context_say(w->c, "%s%s", line, w->whole.len > SAID ? "…" : "");
}

static void end_sample(struct author *w, int64_t sample)
{
	if (w->json)
		json_sample(w, w->seed + sample);
	else if (!w->c->out)
		say(w);
	if (!w->plain)
		return;
	if (!w->whole.len || w->whole.data[w->whole.len - 1] != '\n')
		buf_byte(&w->out, '\n');
	if (sample + 1 < w->count && !given_up(w))
		buf_byte(&w->out, '\n');
}

/* Prints what is ready, all of it or when there is enough. */
static bool print(struct author *w, bool all, struct err *err)
{
	if (!w->out.len || !w->c->out || !(all || w->out.len >= PLAIN_BLOCK))
		return true;
	return output_flush(w->c->out, &w->out, err);
}

static void take(struct author *w, const struct written *t, int64_t sample, int64_t step)
{
	const size_t from = append(w, t);

	if (w->plain)
		buf_add(&w->out, buf_str(&w->whole) + from, w->whole.len - from);
	else if (w->json)
		json_token(w, t);
	else
		row_token(w, t, sample + 1, step + 1);
}

/* The warning comes once, with the first of several texts. */
static bool write_sample(struct author *w, int64_t sample, struct err *err)
{
	const struct writer_spec spec = {.text = buf_str(&w->prompt),
					 .n = w->prompt.len,
					 .how = w->how,
					 .seed = (uint64_t)(w->seed + sample),
					 .unknown = w->unknown};
	struct writer *writer = writer_new(w->run->snapshot, &spec, err);
	struct written t;
	int64_t lines = 0;
	bool ok = writer;

	if (!writer)
		return false;
	if (!sample) {
		warn_unknown(w, writer_prompt(writer));
		begin(w);
	}
	begin_sample(w);
	for (int64_t step = 0; step < w->length && !given_up(w); step++) {
		ok = print(w, w->terminal && w->plain, err);
		if (!ok || !writer_next(writer, &t))
			break;
		take(w, &t, sample, step);
		lines += t.end;
		if (w->lines && lines == w->lines)
			break;
	}
	end_sample(w, sample);
	writer_free(writer);
	return ok && print(w, w->plain, err);
}

/* A reader that has gone is no failure. */
static bool write_all(struct author *w, struct err *err)
{
	bool ok = true;

	for (int64_t k = 0; ok && k < w->count && !given_up(w); k++)
		ok = write_sample(w, k, err);
	if (w->begun)
		ok = end(w, err) && ok;
	return ok && print(w, true, err);
}

/* Signals that end the text, where they would have ended the program. */
static void listen(void)
{
	const int signals[] = {SIGINT, SIGTERM, SIGHUP};
	struct sigaction act = {.sa_handler = on_signal}, was;

	for (int k = 0; k < 3; k++) { /* what was ignored stays ignored: nohup */
		sigaction(signals[k], NULL, &was);
		if (was.sa_handler != SIG_IGN)
			sigaction(signals[k], &act, NULL);
	}
}

bool command_generate(struct context *c, const struct args *a, struct err *err)
{
	const char *text = args_value(a, "--text");
	struct loaded l = {0};
	struct author w = {.c = c, .run = &l};
	bool ok = read_options(&w, a, err) && context_load(c, a->pos[0], &l, err) &&
		  suit_task(&w, a, err);

	if (ok) {
		if (c->out)
			listen();
		w.json = c->out && (c->format == OUTPUT_JSON || c->format == OUTPUT_NDJSON);
		w.plain = c->out && c->format == OUTPUT_AUTO;
		w.terminal = c->out && isatty(fileno(c->out));
		if (text)
			utf8_repair(&w.prompt, text, strlen(text), NULL);
		ok = write_all(&w, err);
	}
	buf_release(&w.prompt);
	buf_release(&w.whole);
	buf_release(&w.out);
	buf_release(&w.tokens);
	loaded_release(&l);
	if (caught) {
		fflush(NULL);
		signal(caught, SIG_DFL);
		raise(caught);
	}
	return ok;
}
