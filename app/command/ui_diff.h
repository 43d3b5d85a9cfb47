/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The console's diff: the sentence that is looked at beside another, or under other weights. */
#ifndef SLUICE_APP_COMMAND_UI_DIFF_H
#define SLUICE_APP_COMMAND_UI_DIFF_H

#include "app/command/command.h"

bool ui_diff(struct context *c, const struct args *a, struct err *err);
/* The answer to its question. */
void ui_answer_diff(struct workbench *w, const char *line);

#endif
