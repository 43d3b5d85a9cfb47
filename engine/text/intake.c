/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/text/intake.h"

#include "engine/base/mem.h"
#include "engine/base/rng.h"
#include "engine/text/reader.h"
#include "engine/text/utf8.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum {
	SPLIT_STREAM = 0x5711, /* of the generator */
	LIKELY = 20            /* no more labels than these are classes, however few the texts */
};

void intake_release(struct intake *in)
{
	data_file_release(&in->file);
	table_release(&in->labels);
	buf_release(&in->notes);
	free(in->held);
	free(in->numbers.at);
	free(in->label.at);
	*in = (struct intake){0};
}

static void put_note(struct buf *b, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		buf_byte(b, (char)(0x80 | (v & 0x7f)));
	buf_byte(b, (char)v);
}

static uint64_t next_note(const struct buf *b, size_t *at)
{
	uint64_t v = 0, byte = 0x80;

	for (int shift = 0; byte & 0x80; shift += 7) {
		byte = (unsigned char)b->data[(*at)++];
		v |= (byte & 0x7f) << shift;
	}
	return v;
}

struct note {
	uint64_t bytes, inner, lines;
};

static struct note read_note(const struct intake *in, size_t *at)
{
	struct note n = {.bytes = next_note(&in->notes, at)};

	if (n.bytes & 1)
		n.inner = next_note(&in->notes, at);
	if (in->labelled)
		n.lines = next_note(&in->notes, at);
	n.bytes >>= 1;
	return n;
}

/* Bytes of valid UTF-8 that begin no character. */
static size_t inner_bytes(const char *s, size_t n)
{
	size_t count = 0;

	for (size_t k = 0; k < n; k++)
		count += ((unsigned char)s[k] & 0xc0) == 0x80;
	return count;
}

static void push(struct numbers *list, int32_t number)
{
	numbers_room(list, 1);
	list->at[list->count++] = number;
}

static void end_text(struct intake *in, const struct row *row)
{
	push(&in->numbers, 0);
	put_note(&in->notes, (uint64_t)in->text_bytes << 1 | (in->text_inner > 0));
	if (in->text_inner)
		put_note(&in->notes, in->text_inner);
	if (in->labelled) {
		put_note(&in->notes, row->line - in->line);
		push(&in->label,
		     row->label ? table_add(&in->labels, row->label, strlen(row->label)) + 1 : 0);
	}
	in->bytes += in->text_bytes + 1;
	in->line = row->line;
	in->text_bytes = in->text_inner = 0;
	in->count++;
}

static int64_t taken(const struct intake *in)
{
	return (int64_t)(in->numbers.count * sizeof(*in->numbers.at)) +
	       (in->beside ? (int64_t)(in->beside->numbers.count * sizeof(*in->numbers.at)) : 0);
}

/* Whether there is room for one more text, after what was read so far. */
static bool has_room(const struct intake *in, size_t line, struct err *err)
{
	const int64_t bytes = taken(in);

	if (in->count == INT_MAX)
		return err_set(err, ERR_INPUT, "%s:%zu: more than %d texts; split the file",
			       in->name, line, INT_MAX);
	return !in->most_bytes || bytes <= in->most_bytes ||
	       err_set(err, ERR_USAGE,
		       "%s:%zu: the tokens up to here take %.3g GB of memory, and there are %.3g "
		       "GB: take less text",
		       in->name, line, (double)bytes / 1e9, (double)in->most_bytes / 1e9);
}

bool intake_add(struct intake *in, const struct row *row, struct err *err)
{
	if (!has_room(in, row->line, err))
		return false;
	vocab_builder_take(in->words, row->text, row->n, &in->numbers);
	in->text_bytes += row->n;
	in->text_inner += inner_bytes(row->text, row->n);
	if (!row->open)
		end_text(in, row);
	return true;
}

static bool take_row(void *arg, const struct row *row, struct err *err)
{
	return intake_add(arg, row, err);
}

/* How far long lines may be taken apart for these rules. */
static enum pieces pieces_of(const struct token_rules *rules)
{
	if (rules->kind == TOKENIZER_SPACE)
		return PIECES_BLANK;
	if (rules->kind != TOKENIZER_KERAS || rules->char_level)
		return PIECES_HAN;
	return !rules->split || !*rules->split || !strcmp(rules->split, " ") ? PIECES_BLANK
									     : PIECES_NONE;
}

void intake_open(struct intake *in, const char *path, const struct read_options *opt,
		 struct vocab_builder *words)
{
	*in = (struct intake){.words = words,
			      .labelled = opt->need_labels,
			      .stream = opt->stream,
			      .most_bytes = opt->most_bytes,
			      .name = data_path_name(path)};
}

bool intake_read(struct intake *in, const char *path, const struct read_options *opt,
		 struct vocab_builder *words, struct err *err)
{
	struct data_file target;
	bool ok;

	intake_open(in, path, opt, words);
	ok = data_read(&in->file, &target, path, opt, pieces_of(&vocab_builder_rules(words)->rules),
		       take_row, in, err);
	data_file_release(&target);
	if (!ok)
		intake_release(in);
	return ok;
}

void intake_take(struct intake *in, const struct examples *ex, struct vocab_builder *words)
{
	*in = (struct intake){.words = words, .labelled = true};
	in->file.path = ex->file.path ? mem_text(ex->file.path) : NULL;
	for (size_t k = 0; k < ex->count; k++) {
		const struct example *e = &ex->at[k];

		intake_add(in,
			   &(struct row){.text = e->text,
					 .n = e->text_len,
					 .label = e->label,
					 .line = e->line},
			   NULL);
	}
}

static bool can_split(const struct intake *in, struct err *err)
{
	return in->count >= 2 ||
	       err_set(err, ERR_INPUT, "%s: %zu row%s cannot be split in two",
		       data_file_name(&in->file), in->count, in->count == 1 ? "" : "s");
}

bool intake_split(struct intake *in, double share, uint64_t seed, struct err *err)
{
	const size_t count = in->count;
	size_t take = (size_t)(share * (double)count + 0.5);
	struct rng rng;
	int32_t *order;

	if (!can_split(in, err))
		return false;
	take = take < 1 ? 1 : take > count - 1 ? count - 1 : take;
	order = mem_alloc(count * sizeof(*order));
	in->held = mem_zero(count, sizeof(*in->held));
	in->held_count = take;
	for (size_t k = 0; k < count; k++)
		order[k] = (int32_t)k;
	rng_seed(&rng, seed, SPLIT_STREAM);
	rng_shuffle(&rng, order, (int)count);
	for (size_t k = 0; k < take; k++)
		in->held[order[k]] = true;
	free(order);
	return true;
}

bool intake_cut(struct intake *in, double share, struct err *err)
{
	/* A little less, so that rounding does not pass over an end that lies right there. */
	const double want = (1 - share) * (double)in->bytes - 1e-6;
	size_t keep = 0, at = 0;
	uint64_t seen = 0;

	if (!can_split(in, err))
		return false;
	for (; keep < in->count - 1 && (!keep || (double)seen < want); keep++)
		seen += read_note(in, &at).bytes + 1;
	in->held_count = in->count - keep;
	return true;
}

bool intake_holds(const struct intake *in, size_t k)
{
	return in->held ? in->held[k] : k >= in->count - in->held_count;
}

bool intake_classes(const struct intake *in, struct classes *c, struct err *err)
{
	const struct tokens *all = &in->labels.tokens;
	bool *used = mem_zero(all->count, sizeof(*used));
	char **name = mem_alloc(all->count * sizeof(*name));
	size_t count = 0;
	bool ok;

	for (size_t k = 0; k < in->label.count; k++)
		if (in->label.at[k] && !intake_holds(in, k))
			used[in->label.at[k] - 1] = true;
	for (size_t k = 0; k < all->count; k++) {
		size_t n;
		const char *s = tokens_at(all, k, &n);

		if (used[k])
			name[count++] = mem_bytes(s, n);
	}
	ok = classes_of(name, count, data_file_name(&in->file), c, err);
	free(used);
	return ok;
}

/* How many numbers a text has, without the 0 at its end. */
static size_t length(const int32_t *number)
{
	size_t n = 0;

	while (number[n])
		n++;
	return n;
}

void intake_count(const struct intake *in)
{
	const int32_t *from = in->numbers.at;

	for (size_t k = 0; k < in->count; k++) {
		const size_t n = length(from) + 1;

		if (!intake_holds(in, k))
			vocab_builder_count(in->words, from, n);
		from += n;
	}
}

/* What a text becomes. */
struct making {
	int32_t *id; /* of each number */
	int max_len;
	bool front;
	int end, unknown, empty; /* ids; empty stands for a text without a token */
};

/* Writes the ids of the n numbers to `to`, which may lie before them or be the same; returns how many. */
static size_t put_text(const struct making *m, const int32_t *number, size_t n, int32_t *to,
		       struct corpus *c)
{
	const size_t most = m->max_len > 0 ? (size_t)m->max_len : SIZE_MAX;
	size_t count = 0, unknown = 0;

	for (size_t k = 0; k < n; k++) {
		const int32_t id = m->id[number[k]];

		to[count] = id;
		count += id >= 0;
	}
	unknown = n - count;
	c->words += (int64_t)unknown;
	if (count > most) {
		if (m->front)
			memmove(to, to + (count - most), most * sizeof(*to));
		count = most;
	}
	for (size_t k = 0; k < count; k++)
		unknown += to[k] == m->unknown;
	c->words += (int64_t)count;
	c->unknown += (int64_t)unknown;
	if (m->end >= 0)
		to[count++] = m->end;
	else if (!count)
		to[count++] = m->empty;
	return count;
}

/* The line of a text in its file. */
static size_t line_of(const struct intake *in, size_t text)
{
	size_t at = 0, line = 0;

	for (size_t k = 0; k <= text; k++)
		line += read_note(in, &at).lines;
	return line;
}

/* Whether the labels are no classes: most of them stand there once, as texts do. */
static bool is_pairs(const struct intake *in)
{
	return in->labels.tokens.count > LIKELY && in->labels.tokens.count > in->label.count / 2;
}

/* Says what is wrong with the label of a text; false. */
static bool no_class(const struct intake *in, size_t text, int classes, struct err *err)
{
	const char *name = data_file_name(&in->file), *label;
	const size_t line = line_of(in, text);
	size_t n;

	if (!in->label.at[text])
		return err_set(err, ERR_INPUT, "%s:%zu: the label is missing", name, line);
	label = tokens_at(&in->labels.tokens, (size_t)in->label.at[text] - 1, &n);
	err_set(err, ERR_INPUT, "%s:%zu: the label '%.*s' is none of the %d classes%s", name, line,
		(int)(n < 80 ? n : 80), label, classes,
		is_pairs(in) ? "; most labels differ, as in pairs of texts: set task=translate"
			     : "");
	if (err)
		utf8_line(err->msg);
	return false;
}

/* Gives the texts that are held out, or the others, their class numbers. */
static bool put_labels(const struct intake *in, const int32_t *class, bool held, struct corpus *c,
		       struct err *err)
{
	size_t to = 0;

	c->label =
		mem_alloc((held ? in->held_count : in->count - in->held_count) * sizeof(*c->label));
	for (size_t k = 0; k < in->count; k++) {
		const int32_t label = in->label.at[k];

		if (intake_holds(in, k) != held)
			continue;
		c->label[to] = label ? class[label - 1] : -1;
		if (c->label[to++] < 0)
			return no_class(in, k, c->classes, err);
	}
	return true;
}

static bool put_all_labels(const struct intake *in, const struct classes *classes,
			   struct corpus *part[2], struct err *err)
{
	const size_t labels = in->labels.tokens.count;
	int32_t *class = mem_alloc(labels * sizeof(*class));
	bool ok = true;

	for (size_t k = 0; k < labels; k++) {
		size_t n;
		const char *s = tokens_at(&in->labels.tokens, k, &n);
		char *name = mem_bytes(s, n);

		class[k] = classes_find(classes, name);
		free(name);
	}
	for (int k = 0; ok && k < 2; k++) {
		part[k]->classes = classes->count;
		ok = put_labels(in, class, k, part[k], err);
	}
	free(class);
	return ok;
}

/* Adds the next text to a corpus whose ids are in `ids`. */
static void put(const struct making *m, const int32_t *number, size_t n, const struct note *note,
		struct numbers *ids, struct corpus *c)
{
	n = put_text(m, number, n, ids->at + ids->count, c);
	ids->count += n;
	c->tokens += (int64_t)n;
	c->characters += (int64_t)(note->bytes - note->inner + 1);
	if (n > (size_t)c->max_len)
		c->max_len = n > INT_MAX ? INT_MAX : (int)n;
	c->count++;
	if (c->start)
		c->start[c->count] = (size_t)c->tokens;
}

static int32_t *fitted(struct numbers *list)
{
	int32_t *at = mem_resize(list->at, list->count, sizeof(*at));

	*list = (struct numbers){0};
	return at;
}

/* Turns numbers into ids, in place: those of part[1] follow if they come last in the file, and else have
 * an array of their own. */
static void put_ids(struct intake *in, const struct making *m, struct corpus *part[2])
{
	const int32_t *from = in->numbers.at;
	struct numbers own = {0};
	size_t at = 0;

	in->numbers.count = 0;
	for (size_t k = 0; k < in->count; k++) {
		const bool held = intake_holds(in, k), apart = held && in->held;
		const struct note note = read_note(in, &at);
		const size_t n = length(from);

		if (apart)
			numbers_room(&own, n + 1);
		put(m, from, n, &note, apart ? &own : &in->numbers, part[held]);
		from += n + 1;
	}
	part[0]->ids = fitted(&in->numbers);
	if (in->held) {
		part[1]->ids = fitted(&own);
	} else {
		part[1]->ids = part[0]->ids + part[0]->tokens;
		part[1]->owner = corpus_ref(part[0]);
	}
}

static struct corpus *new_part(size_t count, bool starts)
{
	struct corpus *c = mem_zero(1, sizeof(*c));

	c->refs = 1;
	if (starts)
		c->start = mem_zero(count + 1, sizeof(*c->start));
	return c;
}

bool intake_finish(struct intake *in, const struct vocab *v, const struct classes *classes,
		   int max_len, bool truncate_front, struct corpus **kept, struct corpus **held,
		   struct err *err)
{
	const bool pad = vocab_rules(v)->rules.kind == TOKENIZER_KERAS && !vocab_rules(v)->oov;
	struct making m = {.max_len = max_len,
			   .front = truncate_front,
			   .end = vocab_end(v),
			   .unknown = vocab_unknown(v),
			   .empty = pad ? VOCAB_PAD : VOCAB_UNK};
	struct corpus *part[2] = {new_part(in->count - in->held_count, !in->stream),
				  new_part(in->held_count, !in->stream)};
	const bool ok = !classes || put_all_labels(in, classes, part, err);

	if (ok) {
		m.id = vocab_ids(v, in->words);
		put_ids(in, &m, part);
		free(m.id);
	}
	for (int k = 0; k < 2; k++)
		if (!ok || (k && !in->held_count)) {
			corpus_unref(part[k]);
			part[k] = NULL;
		}
	*kept = part[0];
	*held = part[1];
	return ok;
}
