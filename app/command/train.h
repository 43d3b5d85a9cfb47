/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_APP_COMMAND_TRAIN_H
#define SLUICE_APP_COMMAND_TRAIN_H

#include "app/command/command.h"
#include "app/session.h"

/* The settings that -c, --set and the options for texts say. */
bool train_settings(struct settings *s, const struct args *a, struct err *err);
/* The same over settings that are there already. */
bool train_changes(struct settings *s, const struct args *a, struct err *err);

/* What --name, --note and --tag say of a new run; intro borrows tags. ERR_USAGE for a bad one, also of
 * --progress. */
bool train_intro(const struct context *c, const struct args *a, struct run_intro *intro,
		 const char *tags[ARGS_MAX], struct err *err);

/* Trains what is prepared (taken over, also on failure) to its end, showing progress as --progress
 * says, and reports. SIGINT, SIGTERM and SIGHUP end it with a checkpoint. */
bool train_prepared(struct context *c, const struct args *a, struct prepared *p,
		    const struct run_intro *intro, struct err *err);

#endif
