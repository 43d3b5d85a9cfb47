/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Commands of the view Text; entries of ui.c's table. */
#ifndef SLUICE_APP_COMMAND_UI_TEXT_H
#define SLUICE_APP_COMMAND_UI_TEXT_H

#include "app/command/command.h"

extern const struct option options_write[];
bool ui_write(struct context *c, const struct args *a, struct err *err);
bool ui_sample(struct context *c, const struct args *a, struct err *err);
const char *sample_word(int index);

/* In Text, asks for what the open run reads; false elsewhere, or where it does not write. */
bool ui_ask_prompt(struct workbench *w);
void ui_answer_prompt(struct workbench *w, const char *line);

#endif
