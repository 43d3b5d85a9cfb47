/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Words, options and answers: what all commands share. */
#include "app/archive.h"
#include "app/command/command.h"
#include "app/settings.h"

#include "engine/base/mem.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const struct option command_common[] = {
	{"--store", "FILE",
	 "the store (default: SLUICE_STORE, ./sluice.db, the user's data folder)"},
	{"--output", "FORMAT", "table, csv, tsv, json, ndjson or svg"},
	{"--json", NULL, "the same as --output json"},
	{"--csv", NULL, "the same as --output csv"},
	{"--svg", NULL, "the same as --output svg: the pictures of answers that have any"},
	{"-q", NULL, "no progress, no warnings"},
	{"--yes", NULL, "do not ask"},
	{NULL, NULL, NULL},
};

static const struct option *find_option(const struct option *list, const char *name, size_t n)
{
	for (; list && list->name; list++)
		if (strlen(list->name) == n && !strncmp(list->name, name, n))
			return list;
	return NULL;
}

bool command_unknown(const char *name, unsigned flag, struct err *err)
{
	struct nearest n = {.to = name};

	for (int k = 0; command_at(k); k++)
		if (command_at(k)->flags & flag)
			nearest_try(&n, command_at(k)->name);
	if (nearest_name(&n))
		return err_set(err, ERR_USAGE, "there is no command '%s'; did you mean %s?", name,
			       nearest_name(&n));
	return err_set(err, ERR_USAGE, "there is no command '%s'; %s them", name,
		       flag == CMD_CONSOLE ? "? lists" : "'sluice help' lists");
}

static bool unknown_option(const struct command *cmd, const char *name, struct err *err)
{
	struct nearest n = {.to = name};

	for (const struct option *o = cmd->options; o && o->name; o++)
		nearest_try(&n, o->name);
	for (const struct option *o = command_common; o->name; o++)
		nearest_try(&n, o->name);
	if (nearest_name(&n))
		return err_set(err, ERR_USAGE, "%s has no option %.*s%s; did you mean %s?",
			       cmd->name, err_width(name), name, err_more(name), nearest_name(&n));
	return err_set(err, ERR_USAGE, "%s has no option %.*s%s; see 'sluice help %s'", cmd->name,
		       err_width(name), name, err_more(name), cmd->name);
}

static bool common_option(struct context *c, const char *name, const char *value, struct err *err)
{
	int format;

	if (!strcmp(name, "--store"))
		c->store = value;
	else if (!strcmp(name, "--json"))
		c->format = OUTPUT_JSON;
	else if (!strcmp(name, "--csv"))
		c->format = OUTPUT_CSV;
	else if (!strcmp(name, "--svg"))
		c->format = OUTPUT_SVG;
	else if (!strcmp(name, "-q"))
		c->quiet = true;
	else if (!strcmp(name, "--yes"))
		c->yes = true;
	else if ((format = output_format_find(value)) >= 0)
		c->format = (enum output_format)format;
	else
		return err_set(err, ERR_USAGE,
			       "--output is table, csv, tsv, json, ndjson or svg, not '%s'", value);
	return true;
}

/* One option at argv[*k], with its value behind it or behind a '='. */
static bool take_option(const struct command *cmd, int argc, char **argv, int *k, struct context *c,
			struct args *out, struct err *err)
{
	char *word = argv[*k], *eq = strncmp(word, "--", 2) ? NULL : strchr(word, '=');
	const size_t n = eq ? (size_t)(eq - word) : strlen(word);
	const struct option *o = find_option(cmd->options, word, n);
	const bool common = !o;
	const char *value = eq ? eq + 1 : NULL;

	if (!o)
		o = find_option(command_common, word, n);
	if (!o)
		return unknown_option(cmd, word, err);
	if (!o->value && value)
		return err_set(err, ERR_USAGE, "%s takes no value", o->name);
	if (o->value && !value) {
		if (++*k >= argc)
			return err_set(err, ERR_USAGE, "%s needs %s", o->name, o->value);
		value = argv[*k];
	}
	if (common)
		return common_option(c, o->name, value, err);
	if (out->option_count == ARGS_MAX)
		return err_set(err, ERR_USAGE, "too many options");
	out->option[out->option_count] = o->name;
	out->value[out->option_count++] = value ? value : "";
	return true;
}

/* Whether what may be a RUN is what stands behind one. */
static bool is_expression(const struct command *cmd, const char *word)
{
	return cmd->flags & CMD_JOIN && word && strpbrk(word, "[(=<> ");
}

bool args_parse(const struct command *cmd, int argc, char **argv, struct context *c,
		struct args *out, struct err *err)
{
	bool options = true;

	*out = (struct args){.command = cmd};
	for (int k = 1; k < argc; k++) {
		if (options && !strcmp(argv[k], "--")) {
			options = false;
		} else if (options && argv[k][0] == '-' && argv[k][1] &&
			   !isdigit((unsigned char)argv[k][1])) {
			if (!take_option(cmd, argc, argv, &k, c, out, err))
				return false;
		} else if (out->pos_count == ARGS_MAX) {
			return err_set(err, ERR_USAGE, "too many arguments");
		} else {
			out->pos[out->pos_count++] = argv[k];
		}
	}
	if (cmd->flags & CMD_RUN && c->open_run &&
	    (out->pos_count < cmd->min_pos || is_expression(cmd, out->pos[0]))) {
		memmove(out->pos + 1, out->pos, (size_t)out->pos_count * sizeof(out->pos[0]));
		out->pos[0] = c->open_run;
		out->pos_count++;
	}
	if (cmd->flags & CMD_RUN && c->answer && !c->open_run && out->pos_count == cmd->min_pos - 1)
		return err_set(err, ERR_USAGE,
			       "%s is about a run of the store, and the one here has no checkpoint "
			       "yet: name a RUN, or train",
			       cmd->name);
	if (out->pos_count < cmd->min_pos)
		return err_set(err, ERR_USAGE, "%s needs more: %s %s", cmd->name, cmd->name,
			       cmd->usage);
	if (cmd->max_pos >= 0 && out->pos_count > cmd->max_pos)
		return err_set(err, ERR_USAGE, "'%s' is one argument too many: %s %s",
			       out->pos[cmd->max_pos], cmd->name, cmd->usage);
	if (c->format == OUTPUT_SVG && !(cmd->flags & CMD_PICTURE))
		return err_set(err, ERR_USAGE, "%s has no picture, and so no svg", cmd->name);
	return true;
}

const char *args_value(const struct args *a, const char *option)
{
	for (int k = a->option_count - 1; k >= 0; k--)
		if (!strcmp(a->option[k], option))
			return a->value[k];
	return NULL;
}

bool args_has(const struct args *a, const char *option)
{
	return args_value(a, option);
}

bool args_number(const struct args *a, const char *option, int64_t max, int64_t *n, struct err *err)
{
	const char *text = args_value(a, option);
	char *end;
	long long v;

	if (!text)
		return true;
	errno = 0;
	v = strtoll(text, &end, 10);
	if (end == text || *end || errno || v < 1 || v > max)
		return err_set(err, ERR_USAGE, "%s is a whole number from 1 to %lld, not '%s'",
			       option, (long long)max, text);
	*n = v;
	return true;
}

bool args_real(const struct args *a, const char *option, double min, double max, double *v,
	       struct err *err)
{
	const char *text = args_value(a, option);
	char *end;
	double x;

	if (!text)
		return true;
	x = strtod(text, &end);
	if (end == text || *end || !(x >= min && x <= max))
		return err_set(err, ERR_USAGE, "%s is a number from %g to %g, not '%s'", option,
			       min, max, text);
	*v = x;
	return true;
}

bool words_split(const char *line, char **words, int max, int *count, char **block, struct err *err)
{
	char *to = *block = mem_alloc(2 * strlen(line) + 2), quote = 0;
	bool inside = false;

	*count = 0;
	for (const char *p = line; *p; p++) {
		if (!quote && isspace((unsigned char)*p)) {
			if (inside)
				*to++ = '\0';
			inside = false;
			continue;
		}
		if (!inside) {
			if (*count == max) {
				free(*block);
				*block = NULL;
				return err_set(err, ERR_USAGE, "too many words");
			}
			words[(*count)++] = to;
			inside = true;
		}
		if (quote ? *p == quote : *p == '"' || *p == '\'')
			quote = quote ? 0 : *p;
		else if (*p == '\\' && quote != '\'' && p[1])
			*to++ = *++p;
		else
			*to++ = *p;
	}
	*to = '\0';
	if (!quote)
		return true;
	free(*block);
	*block = NULL;
	return err_set(err, ERR_USAGE, "the quote %c is not closed", quote);
}

struct store *context_store(struct context *c, bool write, struct err *err)
{
	return store_open(c->store, write ? STORE_WRITE : STORE_READ, err);
}

struct store *store_open_current(const char *path, struct err *err)
{
	struct store *s = access(path, W_OK) == 0 ? store_open(path, STORE_WRITE, NULL) : NULL;

	return s ? s : store_open(path, STORE_READ, err);
}

bool context_load(struct context *c, const char *run, struct loaded *out, struct err *err)
{
	struct store *s = context_store(c, false, err);
	const bool ok = s && archive_load(s, run, out, err);

	store_close(s);
	return ok;
}

void context_say(struct context *c, const char *fmt, ...)
{
	char *line;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	line = mem_zero((size_t)(n < 0 ? 0 : n) + 1, 1);
	va_start(ap, fmt);
	vsnprintf(line, (size_t)(n < 0 ? 0 : n) + 1, fmt, ap);
	va_end(ap);
	if (c->out)
		fprintf(c->out, "%s\n", line);
	else if (c->text)
		buf_printf(c->text, "%s%s", c->text->len ? " · " : "", line);
	free(line);
}

bool context_overwrite(struct context *c, const char *path, struct err *err)
{
	char question[400];

	if (access(path, F_OK) != 0)
		return true;
	snprintf(question, sizeof(question), "%.300s is there already. Overwrite it?", path);
	return context_confirm(c, question, err);
}

bool context_confirm(struct context *c, const char *question, struct err *err)
{
	char answer[16] = "";

	if (c->yes)
		return true;
	if (!c->out || !isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
		return err_set(err, ERR_USAGE, "%s Add --yes to do it", question);
	fprintf(stderr, "%s [y/N] ", question);
	fflush(stderr);
	if (fgets(answer, sizeof(answer), stdin) && (*answer == 'y' || *answer == 'Y'))
		return true;
	return err_set(err, ERR_CANCELLED, "nothing was changed");
}
