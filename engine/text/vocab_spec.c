/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a vocabulary is made by, as JSON. */
#include "engine/base/mem.h"
#include "engine/text/vocab.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static char *copy(const char *s)
{
	return s ? mem_text(s) : NULL;
}

void vocab_spec_copy(struct vocab_spec *to, const struct vocab_spec *from)
{
	*to = *from;
	to->rules.filters = copy(from->rules.filters);
	to->rules.split = copy(from->rules.split);
	to->oov = copy(from->oov);
}

void vocab_spec_release(struct vocab_spec *spec)
{
	free((char *)spec->rules.filters);
	free((char *)spec->rules.split);
	free((char *)spec->oov);
	*spec = (struct vocab_spec){0};
}

void vocab_spec_json(const struct vocab_spec *spec, struct buf *out)
{
	json_t *root =
		json_pack("{s:s, s:b, s:i, s:i, s:s?, s:s?, s:b, s:s?, s:b}", "tokenizer",
			  tokenizer_name(spec->rules.kind), "lower", spec->rules.lower, "min_count",
			  spec->min_count, "max_size", spec->max_size, "filters",
			  spec->rules.filters, "split", spec->rules.split, "char_level",
			  spec->rules.char_level, "oov", spec->oov, "end", spec->end);
	char *text = json_dumps(root, JSON_COMPACT);

	buf_text(out, text ? text : "{}");
	free(text);
	json_decref(root);
}

bool vocab_spec_parse(struct vocab_spec *spec, const char *json, struct err *err)
{
	json_error_t why;
	json_t *root = json_loads(json, 0, &why), *filters, *split, *oov;
	const char *name;
	int lower, char_level, kind, end = false; /* stores before the end mark have none */

	*spec = (struct vocab_spec){0};
	if (!root ||
	    json_unpack_ex(root, &why, 0, "{s:s, s:b, s:i, s:i, s:o, s:o, s:b, s:o, s?b}",
			   "tokenizer", &name, "lower", &lower, "min_count", &spec->min_count,
			   "max_size", &spec->max_size, "filters", &filters, "split", &split,
			   "char_level", &char_level, "oov", &oov, "end", &end) != 0) {
		err_set(err, ERR_CORRUPT, "the rules of the vocabulary: %s", why.text);
		goto done;
	}
	kind = tokenizer_find(name);
	if (kind < 0) {
		err_set(err, ERR_CORRUPT, "the rules of the vocabulary: no tokenizer '%s'", name);
		goto done;
	}
	spec->rules.kind = (enum tokenizer)kind;
	spec->rules.lower = lower;
	spec->rules.char_level = char_level;
	spec->end = end;
	spec->rules.filters = copy(json_string_value(filters));
	spec->rules.split = copy(json_string_value(split));
	spec->oov = copy(json_string_value(oov));
	json_decref(root);
	return true;
done:
	json_decref(root);
	return false;
}
