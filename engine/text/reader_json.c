/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rows from the objects of a JSON lines file. */
#include "engine/base/mem.h"
#include "engine/text/columns.h"
#include "engine/text/detect.h"
#include "engine/text/sink.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* The label a JSON value stands for, owned; of a list its first element. NULL if it is none. */
static char *json_label(const json_t *v)
{
	if (json_is_array(v))
		v = json_array_get(v, 0);
	if (json_is_string(v))
		return text_trimmed(json_string_value(v), json_string_length(v));
	if (json_is_integer(v))
		return mem_printf("%" JSON_INTEGER_FORMAT, json_integer_value(v));
	if (json_is_real(v))
		return mem_printf("%.15g", json_real_value(v));
	if (json_is_boolean(v))
		return mem_text(json_is_true(v) ? "true" : "false");
	return NULL;
}

/* The usual name that an object has, or NULL. */
static const char *usual_key(const json_t *row, const char *const list[])
{
	for (int k = 0; list[k]; k++)
		if (json_object_get(row, list[k]))
			return list[k];
	return NULL;
}

/* "a, b, c": the names in an object. */
static void list_keys(json_t *row, struct buf *out)
{
	const char *key;
	json_t *value;

	json_object_foreach(row, key, value) buf_printf(out, "%s%.40s", out->len ? ", " : "", key);
}

/* The names of text and label, or of source and target. Owned. */
struct keys {
	char *text, *label;
};

static void keys_release(struct keys *k)
{
	free(k->text);
	free(k->label);
}

static char *copy_of(const char *s)
{
	return s ? mem_text(s) : NULL;
}

/* The usual names of a pair's sides that were not asked for. */
static void choose_pair_keys(json_t *row, struct keys *k)
{
	struct cell name[COLUMNS_MOST];
	int side[2] = {-1, -1}, count = 0;
	const char *key;
	json_t *value;

	json_object_foreach(row, key, value)
	{
		if (count == COLUMNS_MOST)
			break;
		if (k->text && !strcmp(k->text, key))
			side[0] = count;
		if (k->label && !strcmp(k->label, key))
			side[1] = count;
		name[count++] = (struct cell){key, strlen(key)};
	}
	pair_names(name, count, side);
	if (!k->text && side[0] >= 0)
		k->text = mem_text(name[side[0]].s);
	if (!k->label && side[1] >= 0)
		k->label = mem_text(name[side[1]].s);
}

/* What the message of a missing name calls it. */
static const char *key_word(const struct read_options *opt, bool label)
{
	if (opt->need_pairs)
		return label ? "target" : "source";
	return label ? "label" : "text";
}

/* Chooses the names from the first row. */
static bool choose_keys(const struct input *in, const struct read_options *opt, json_t *row,
			struct keys *k, struct err *err)
{
	const bool needed = opt->need_labels || opt->need_pairs;
	struct buf all = {0};
	bool text_lacks, label_lacks;
	const char *name, *word;

	k->text = copy_of(opt->text_column);
	k->label = opt->stream ? NULL : copy_of(opt->label_column);
	if (opt->need_pairs) {
		choose_pair_keys(row, k);
	} else {
		k->text = k->text ? k->text : copy_of(usual_key(row, usual_texts));
		if (!k->label && !opt->stream)
			k->label = copy_of(usual_key(row, usual_labels));
	}
	text_lacks = !k->text || !json_object_get(row, k->text);
	label_lacks = k->label ? !json_object_get(row, k->label) : needed;
	if (!text_lacks && !label_lacks)
		return true;
	name = text_lacks ? k->text : k->label;
	word = key_word(opt, !text_lacks);
	list_keys(row, &all);
	err_set(err, ERR_INPUT, "%s: no %s column%s%s%s among %.200s (set %s_column)", in->name,
		word, name ? " '" : "", name ? name : "", name ? "'" : "", buf_str(&all), word);
	buf_release(&all);
	return false;
}

/* A side of a pair: a string, or the first one of a list; null and an empty list are empty. */
static bool json_side(const struct input *in, const json_t *row, size_t line, const char *key,
		      struct cell *out, struct err *err)
{
	const json_t *v = json_object_get(row, key);
	const bool list = json_is_array(v), none = list && !json_array_size(v);

	*out = (struct cell){"", 0};
	if (list && !none)
		v = json_array_get(v, 0);
	if (json_is_string(v))
		*out = (struct cell){json_string_value(v), json_string_length(v)};
	else if (!none && !json_is_null(v))
		return err_set(err, ERR_INPUT, "%s:%zu: '%.40s' is %s", in->name, line, key,
			       v ? "neither a string nor a list of strings" : "missing");
	return true;
}

static bool take_json_pair(struct sink *to, struct input *in, const json_t *row, size_t line,
			   const struct keys *k, struct err *err)
{
	struct cell source, target;

	return json_side(in, row, line, k->text, &source, err) &&
	       json_side(in, row, line, k->label, &target, err) &&
	       sink_pair(to, in, in,
			 &(struct row){.text = source.s,
				       .n = source.n,
				       .line = line,
				       .target = target.s,
				       .target_n = target.n},
			 err);
}

static bool take_object(struct sink *to, const struct input *in, const struct read_options *opt,
			const json_t *row, size_t line, const struct keys *k, struct err *err)
{
	const json_t *text = json_object_get(row, k->text), *value;
	char *label;

	if (!json_is_string(text))
		return err_set(err, ERR_INPUT, "%s:%zu: '%.40s' is %s", in->name, line, k->text,
			       text ? "not a string" : "missing");
	value = k->label ? json_object_get(row, k->label) : NULL;
	label = json_label(value);
	if (!label && value && !json_is_null(value) && !json_is_string(value))
		return err_set(err, ERR_INPUT,
			       "%s:%zu: '%.40s' is no label: not a string or number", in->name,
			       line, k->label);
	if (!label && opt->need_labels)
		return sink_no_label(in->name, line, err);
	return sink_give(to,
			 &(struct row){json_string_value(text), json_string_length(text), label,
				       line, false, NULL, 0},
			 label, err);
}

bool read_json(struct sink *to, struct input *in, const struct read_options *opt, struct err *err)
{
	struct keys keys = {0};
	struct line l = {0};
	bool ok = true;

	while (ok && input_next_filled(in, &l)) {
		json_error_t why;
		json_t *row = json_loadb(l.s, l.n, JSON_ALLOW_NUL, &why);

		if (!row)
			ok = err_set(
				err, ERR_INPUT,
				"%s:%zu: broken JSON: %s (column %d); one object a line is wanted",
				in->name, l.number, why.text, why.column);
		else if (!json_is_object(row))
			ok = err_set(err, ERR_INPUT, "%s:%zu: not a JSON object", in->name,
				     l.number);
		else if (!keys.text)
			ok = choose_keys(in, opt, row, &keys, err);
		if (ok)
			ok = opt->need_pairs ? take_json_pair(to, in, row, l.number, &keys, err)
					     : take_object(to, in, opt, row, l.number, &keys, err);
		json_decref(row);
	}
	keys_release(&keys);
	return ok;
}
