/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Commands for the runs listed in Runs; entries of ui.c's table. */
#ifndef SLUICE_APP_COMMAND_UI_RUNS_H
#define SLUICE_APP_COMMAND_UI_RUNS_H

#include "app/command/command.h"

bool ui_mark(struct context *c, const struct args *a, struct err *err);
bool ui_order(struct context *c, const struct args *a, struct err *err);
bool ui_edit(struct context *c, const struct args *a, struct err *err);

#endif
