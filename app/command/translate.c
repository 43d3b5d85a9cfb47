/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Answers of runs of pairs to texts: translations and summaries. */
#include "app/command/translate.h"

#include "engine/base/json.h"
#include "engine/inspect/reply.h"
#include "engine/text/utf8.h"

#include <stdlib.h>
#include <string.h>

const struct option options_translate[] = {
	{"--text", "TEXT", "this text alone"},
	{"--data", "FILE", "a text a line; - is standard input, which is also the default"},
	{"--beam", "N", "texts under way at once in the search (default 5; 1: greedy)"},
	{"--length-penalty", "A", "how much longer texts are forgiven, from 0 to 10 (default 1)"},
	{"--n-best", "K", "the K best of them with their scores, at most as many as --beam"},
	{"--max-length", "N", "tokens at most (default: 8 more than twice those of the text)"},
	{"--unknown", NULL, "the token for unknown words may be written too"},
	{"--attention", NULL, "json: also what each written token looked at"},
	{NULL, NULL, NULL},
};

enum { BATCH_TOKENS = 8192, MOST_LENGTH = 100000, SAID = 400 };

/* One command's work. */
struct interpreter {
	struct context *c;
	const struct loaded *run;
	struct reply_spec spec;
	bool attention, json, plain;
	struct buf text[REPLIES_MOST]; /* those that wait for their answers */
	struct encoding encoding[REPLIES_MOST];
	int count;
	size_t tokens;
	int64_t line; /* the first one's */
	struct replies replies;
	struct buf written, out;
	struct output rows;
};

static void interpreter_release(struct interpreter *p)
{
	for (int k = 0; k < REPLIES_MOST; k++) {
		buf_release(&p->text[k]);
		encoding_release(&p->encoding[k]);
	}
	replies_release(&p->replies);
	buf_release(&p->written);
	buf_release(&p->out);
}

static const struct encoder *encoder_of(const struct interpreter *p)
{
	return p->run->snapshot->encoder;
}

void line_of(struct buf *b, size_t from)
{
	for (size_t k = from; k < b->len; k++)
		if (b->data[k] == '\n' || b->data[k] == '\r')
			b->data[k] = ' ';
}

static const char *written(struct interpreter *p, const struct beam_text *t)
{
	buf_clear(&p->written);
	vocab_join(encoder_of(p)->target, t->ids, t->len, &p->written);
	return buf_str(&p->written);
}

/* --- one answer ---------------------------------------------------------------------------------- */

static void plain_answer(struct interpreter *p, const struct beam *b, int64_t line)
{
	for (int k = 0; k < b->texts && k < p->spec.best; k++) {
		size_t from;

		if (p->spec.best > 1)
			buf_printf(&p->out, "%lld\t%.6f\t", (long long)line, b->text[k].score);
		from = p->out.len;
		buf_text(&p->out, written(p, &b->text[k]));
		line_of(&p->out, from);
		buf_byte(&p->out, '\n');
	}
}

static void json_scores(struct json_writer *j, const struct beam_text *t)
{
	jw_key(j, "log_probability");
	jw_f64(j, t->log_p);
	jw_key(j, "score");
	jw_f64(j, t->score);
}

static void json_written(struct interpreter *p, struct json_writer *j, const struct beam_text *t)
{
	jw_key(j, "written");
	written(p, t);
	jw_text_n(j, buf_str(&p->written), p->written.len);
}

static void json_token(struct interpreter *p, struct json_writer *j, const struct beam_node *n)
{
	size_t len;
	const char *token = vocab_token(encoder_of(p)->target, n->id, &len);

	jw_object(j);
	jw_key(j, "token");
	jw_text_n(j, token, len);
	jw_key(j, "id");
	jw_int(j, n->id);
	jw_key(j, "probability");
	jw_f32(j, (float)n->p);
	jw_object_end(j);
}

/* The best text's tokens, the end mark among them, in their order. */
static void json_tokens(struct interpreter *p, struct json_writer *j, const struct beam *b)
{
	const int steps = b->node[b->text->node].step;
	int *path = malloc((size_t)steps * sizeof(*path));

	for (int k = b->text->node, t = steps; path && t-- > 0; k = b->node[k].parent)
		path[t] = k;
	jw_key(j, "tokens");
	jw_array(j);
	for (int t = 0; path && t < steps; t++)
		json_token(p, j, &b->node[path[t]]);
	jw_array_end(j);
	free(path);
}

/* A row for each written token, a share in it for each of the text's tokens. */
static bool json_attention(struct interpreter *p, struct json_writer *j, int k)
{
	const size_t n = p->encoding[k].count;
	int steps;
	const real *look = replies_look(&p->replies, p->run->snapshot, k, n, &steps);

	jw_key(j, "attention");
	jw_array(j);
	for (int t = 0; look && t < steps; t++) {
		jw_array(j);
		for (size_t s = 0; s < n; s++)
			jw_f32(j, (float)look[(size_t)t * n + s]);
		jw_array_end(j);
	}
	jw_array_end(j);
	return look;
}

static bool json_answer(struct interpreter *p, const struct beam *b, int k)
{
	struct json_writer j = jw_to(&p->out);
	bool ok = true;

	jw_object(&j);
	jw_key(&j, "text");
	jw_text_n(&j, buf_str(&p->text[k]), p->text[k].len);
	json_written(p, &j, b->text);
	json_tokens(p, &j, b);
	json_scores(&j, b->text);
	jw_key(&j, "alternatives");
	jw_array(&j);
	for (int t = 1; t < b->texts && t < p->spec.best; t++) {
		jw_object(&j);
		json_written(p, &j, &b->text[t]);
		json_scores(&j, &b->text[t]);
		jw_object_end(&j);
	}
	jw_array_end(&j);
	if (p->attention)
		ok = json_attention(p, &j, k);
	jw_object_end(&j);
	buf_byte(&p->out, '\n');
	return ok;
}

static void row_answer(struct interpreter *p, const struct beam *b, int k)
{
	for (int t = 0; t < b->texts && t < p->spec.best; t++) {
		written(p, &b->text[t]);
		output_row(&p->rows,
			   (struct value[]){value_int(p->line + k), value_int(t + 1),
					    value_real(b->text[t].score, 4),
					    value_real(b->text[t].log_p, 4),
					    value_bytes(buf_str(&p->text[k]), p->text[k].len),
					    value_bytes(buf_str(&p->written), p->written.len)});
	}
}

/* --- many ---------------------------------------------------------------------------------------- */

static bool no_memory(const struct interpreter *p, struct err *err)
{
	return err_set(err, ERR_FAILED, "not enough memory for texts of %zu tokens", p->tokens);
}

/* Answers what waits, and prints it. */
static bool answer_all(struct interpreter *p, struct err *err)
{
	const int *stop = p->c->cancel;
	bool ok = true;

	p->spec.stop = stop;
	if (p->count &&
	    !replies_find(&p->replies, p->run->snapshot, p->encoding, p->count, &p->spec))
		return no_memory(p, err);
	if (stop && __atomic_load_n(stop, __ATOMIC_RELAXED))
		return err_set(err, ERR_CANCELLED, "cancelled");
	for (int k = 0; ok && k < p->count; k++) {
		const struct beam *b = &p->replies.of[k];

		if (p->json)
			ok = json_answer(p, b, k) || no_memory(p, err);
		else if (p->plain)
			plain_answer(p, b, p->line + k);
		else
			row_answer(p, b, k);
	}
	p->line += p->count;
	p->count = 0;
	p->tokens = 0;
	return ok && (!p->c->out || output_flush(p->c->out, &p->out, err));
}

static void add(struct interpreter *p, const char *text, size_t n)
{
	struct buf *b = &p->text[p->count];

	buf_clear(b);
	utf8_repair(b, text, n, NULL);
	encoder_encode(encoder_of(p), buf_str(b), b->len, &p->encoding[p->count]);
	p->tokens += p->encoding[p->count++].count;
}

/* Lines of a file come many at a time, others one by one as they come. */
static bool answer_lines(struct interpreter *p, struct lines *in, struct err *err)
{
	while (!ferror(p->c->out) && lines_next(in, err)) {
		add(p, buf_str(&in->text), in->text.len);
		if ((!in->file || p->count == REPLIES_MOST || p->tokens >= BATCH_TOKENS) &&
		    !answer_all(p, err))
			return false;
	}
	return !err->code && (ferror(p->c->out) || answer_all(p, err));
}

bool translate_lines(struct context *c, const struct loaded *run, struct lines *in, struct err *err)
{
	struct interpreter p = {
		.c = c,
		.run = run,
		.spec = {.width = DECODE_BEAM, .best = 1, .penalty = DECODE_PENALTY},
		.json = c->format == OUTPUT_JSON || c->format == OUTPUT_NDJSON,
		.plain = true};
	const bool ok = answer_lines(&p, in, err);

	interpreter_release(&p);
	return ok;
}

/* --- the commands -------------------------------------------------------------------------------- */

static bool read_options(struct interpreter *p, const struct args *a, struct err *err)
{
	int64_t beam = DECODE_BEAM, best = 1, most = 0;

	p->spec.penalty = DECODE_PENALTY;
	p->spec.unknown = args_has(a, "--unknown");
	p->attention = args_has(a, "--attention");
	if (!args_number(a, "--beam", DECODE_MOST_BEAM, &beam, err) ||
	    !args_number(a, "--n-best", DECODE_MOST_BEAM, &best, err) ||
	    !args_number(a, "--max-length", MOST_LENGTH, &most, err) ||
	    !args_real(a, "--length-penalty", 0, 10, &p->spec.penalty, err))
		return false;
	if (!p->c->out && !args_has(a, "--n-best")) /* rows have room for all of them */
		best = beam;
	if (best > beam)
		return err_set(err, ERR_USAGE,
			       "--n-best %lld needs a search as wide: add --beam %lld",
			       (long long)best, (long long)best);
	p->spec.width = (int)beam;
	p->spec.best = (int)best;
	p->spec.most = (int)most;
	p->json = p->c->out && (p->c->format == OUTPUT_JSON || p->c->format == OUTPUT_NDJSON);
	p->plain = p->c->out && p->c->format == OUTPUT_AUTO;
	if (p->attention && !p->json)
		return err_set(err, ERR_USAGE, "--attention is for --json");
	if (args_has(a, "--text") && args_has(a, "--data"))
		return err_set(err, ERR_USAGE, "give --text or --data, not both");
	return true;
}

/* Whether the command is the one for the run's task. */
static bool suits(const struct interpreter *p, const struct command *command, struct err *err)
{
	static const char *const writes[TASK_COUNT] = {"predict", "generate", "generate",
						       "translate", "summarize"};
	const struct model_spec *spec = &encoder_of(p)->model.spec;

	if (strcmp(command->name, writes[spec->task]) != 0)
		return err_set(err, ERR_USAGE, "this run's task is %s, not %s: use '%s'",
			       task_table[spec->task].name, command->name, writes[spec->task]);
	return !p->attention || spec->attention ||
	       err_set(err, ERR_USAGE, "this run has no attention: leave --attention out");
}

/* One line about words that the model does not know. */
static void warn_unknown(const struct interpreter *p)
{
	const struct encoding *e = &p->encoding[0];
	size_t unknown = e->dropped.count, all = e->count + e->dropped.count;
	char line[128];

	for (size_t k = 0; k < e->count; k++)
		unknown += e->unknown[k];
	if (!unknown || p->c->quiet)
		return;
	snprintf(line, sizeof(line), "%zu of the text's %zu tokens %s not in the vocabulary",
		 unknown, all, unknown == 1 ? "is" : "are");
	if (p->c->out)
		fprintf(stderr, "sluice: %s\n", line);
	else
		context_say(p->c, "%s", line);
}

/* The console says the best answer in a line, and shows all of them as rows. */
static void say(struct interpreter *p)
{
	char line[SAID + 1];

	snprintf(line, sizeof(line), "%s", written(p, p->replies.of[0].text));
	utf8_line(line);
	context_say(p->c, "%s%s", line, p->written.len > SAID ? "…" : "");
}

static bool answer_text(struct interpreter *p, const char *text, struct err *err)
{
	add(p, text, strlen(text));
	warn_unknown(p);
	if (!answer_all(p, err))
		return false;
	if (!p->c->out)
		say(p);
	return true;
}

static bool answer_file(struct interpreter *p, const char *path, struct err *err)
{
	struct lines in;
	const bool ok = lines_open(&in, path, p->c->quiet, err) && answer_lines(p, &in, err);

	lines_close(&in);
	return ok;
}

static bool answer(struct interpreter *p, const char *text, const char *path, struct err *err)
{
	static const char *const column[] = {"line", "rank",   "score", "log_probability",
					     "text", "written"};
	const bool rows = !p->json && !p->plain;
	bool ok;

	p->line = 1;
	if (rows) {
		output_open(&p->rows, p->c->format, p->c->out, p->c->answer);
		output_columns(&p->rows, column, 6);
	}
	ok = text ? answer_text(p, text, err) : answer_file(p, path, err);
	if (rows)
		ok = output_close(&p->rows, ok ? err : NULL) && ok;
	return ok;
}

/* In the console the rest of the line is the text, or `RUN --text TEXT`. */
static bool console_words(const struct context *c, const struct args *a, char **run,
			  const char **text, struct err *err)
{
	const char *rest = a->pos[0], *mark = strstr(rest, "--text ");

	*text = args_value(a, "--text");
	if (args_has(a, "--data"))
		return err_set(err, ERR_USAGE, "the console answers a text, not a file's");
	if (!*text && rest != c->open_run) {
		const char *end = mark > rest ? rest + strcspn(rest, " ") : NULL;

		if (end && end + strspn(end, " ") == mark) {
			*run = strndup(rest, (size_t)(end - rest));
			*text = mark + 7;
			return true;
		}
		*text = rest;
		rest = c->open_run;
	}
	if (!*text)
		return err_set(err, ERR_USAGE, "%s needs a text", a->command->name);
	if (!rest)
		return err_set(err, ERR_USAGE, "open a run first: 4 lists them");
	*run = strdup(rest);
	return true;
}

bool command_translate(struct context *c, const struct args *a, struct err *err)
{
	struct loaded l = {0};
	struct interpreter p = {.c = c, .run = &l};
	const char *text = args_value(a, "--text"), *run = a->pos[0];
	char *named = NULL;
	bool ok = read_options(&p, a, err);

	if (ok && !c->out) {
		ok = console_words(c, a, &named, &text, err);
		run = named;
	}
	ok = ok && context_load(c, run, &l, err) && suits(&p, a->command, err) &&
	     answer(&p, text, args_value(a, "--data"), err);
	interpreter_release(&p);
	loaded_release(&l);
	free(named);
	return ok;
}
