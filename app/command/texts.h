/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Texts that commands run over: of a file, or those that a run was trained on. */
#ifndef SLUICE_APP_COMMAND_TEXTS_H
#define SLUICE_APP_COMMAND_TEXTS_H

#include "app/archive.h"
#include "app/command/command.h"

/* How the file of --data is read: entries of a command's table of options. */
// clang-format off
#define TEXTS_OPTIONS \
	{"--data-format", "FORMAT", "of the file, where it is not plain to see"}, \
	{"--label-column", "NAME", "by name or number from 1"}, \
	{"--text-column", "NAME", "by name or number from 1"}, \
	{"--no-header", NULL, "the first line of a csv file is data"}
// clang-format on

/* Whether --data is there where options of files are. ERR_USAGE. */
bool texts_options(const struct args *a, struct err *err);

/* Reads the file that --data, --data-format, --label-column, --text-column and --no-header mean; without
 * any but the first its lines are the texts, if `lines`. Release with examples_release. */
bool texts_file(struct context *c, const struct args *a, bool lines, struct examples *out,
		struct err *err);

/* Reads what a run was trained on, as it was read then. ERR_INPUT where it is not there any more, or not
 * what it was. */
bool texts_trained(struct context *c, const struct loaded *run, struct examples *out,
		   struct err *err);

#endif
