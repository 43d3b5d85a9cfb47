/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The debugger over a corpus; entries of ui.c's table. */
#ifndef SLUICE_APP_COMMAND_UI_CORPUS_H
#define SLUICE_APP_COMMAND_UI_CORPUS_H

#include "app/command/command.h"

bool ui_run(struct context *c, const struct args *a, struct err *err);
bool ui_continue(struct context *c, const struct args *a, struct err *err);

extern const struct option options_run[];

#endif
