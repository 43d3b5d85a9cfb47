/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/command/texts.h"
#include "app/settings.h"

#include "store/param.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool texts_options(const struct args *a, struct err *err)
{
	static const char *const of_files[] = {"--data-format", "--label-column", "--text-column",
					       "--no-header"};

	for (size_t k = 0; k < sizeof(of_files) / sizeof(of_files[0]); k++)
		if (args_has(a, of_files[k]) && !args_has(a, "--data"))
			return err_set(err, ERR_USAGE, "%s needs --data FILE", of_files[k]);
	return true;
}

bool texts_file(struct context *c, const struct args *a, bool lines, struct examples *out,
		struct err *err)
{
	const char *format = args_value(a, "--data-format"), *path = args_value(a, "--data");
	struct read_options opt = {
		.label_column = args_value(a, "--label-column"),
		.text_column = args_value(a, "--text-column"),
		.no_header = args_has(a, "--no-header"),
	};
	const int found = format ? data_format_find(format) : DATA_AUTO;

	if (found < 0)
		return err_set(err, ERR_USAGE,
			       "there is no data format '%s'; see 'sluice help settings'", format);
	if (!strcmp(path, "-") && !c->out)
		return err_set(err, ERR_USAGE, "the console has no standard input: name a file");
	opt.format = (enum data_format)found;
	opt.stream = lines && !format && !opt.label_column && !opt.text_column && !opt.no_header;
	if (!examples_read(out, path, &opt, err))
		return false;
	if (!c->quiet && c->out)
		fputs(buf_str(&out->file.warnings), stderr);
	return true;
}

/* The settings of the run, and which file it learned from. */
static bool read_record(struct context *c, const struct loaded *run, struct settings *settings,
			char **path, struct dataset *d, struct err *err)
{
	struct store *s = context_store(c, false, err);
	struct param_row *params = NULL;
	size_t n = 0;
	bool ok = s && store_params(s, run->run, &params, &n, err);

	for (size_t k = 0; ok && k < n; k++)
		ok = settings_set(settings, params[k].name, params[k].value, err);
	ok = ok && store_dataset_get(s, run->run, "train", path, d, err);
	store_params_free(params, n);
	store_close(s);
	return ok;
}

/* Whether that file can be looked for at all. */
static bool is_there(const struct loaded *run, const char *path, struct err *err)
{
	if (!path || !strcmp(path, "-"))
		return err_set(err, ERR_INPUT, "%s was trained on %s: give --data FILE", run->name,
			       path ? "standard input, which is not kept"
				    : "a file that the store does not name");
	if (access(path, F_OK) != 0)
		return err_set(err, ERR_INPUT,
			       "%s, which the run was trained on, is not there: give --data FILE",
			       path);
	return true;
}

bool texts_trained(struct context *c, const struct loaded *run, struct examples *out,
		   struct err *err)
{
	struct settings settings;
	struct read_options opt;
	struct dataset d = {0};
	char *path = NULL;
	bool ok;

	settings_default(&settings);
	ok = read_record(c, run, &settings, &path, &d, err) && is_there(run, path, err);
	if (ok) {
		settings_read_options(&settings, &opt);
		ok = examples_read(out, path, &opt, err);
	}
	if (ok && memcmp(d.sha256, out->file.sha256, sizeof(d.sha256)) != 0)
		ok = err_set(err, ERR_INPUT,
			     "%s has changed since the run was trained on it: give --data FILE",
			     path);
	free(path);
	settings_release(&settings);
	return ok;
}
