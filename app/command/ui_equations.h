/* SPDX-License-Identifier: GPL-3.0-or-later */
/* For a class: the equations of the cell looked at, line by line, and steps that take themselves. */
#ifndef SLUICE_APP_COMMAND_UI_EQUATIONS_H
#define SLUICE_APP_COMMAND_UI_EQUATIONS_H

#include "app/command/command.h"

bool ui_equations(struct context *c, const struct args *a, struct err *err);
bool ui_stepi(struct context *c, const struct args *a, struct err *err);
bool ui_play(struct context *c, const struct args *a, struct err *err);

const char *stepi_word(int index); /* NULL past the end */
const char *play_word(int index);

/* Milliseconds until the next step is due; -1: nothing plays. */
int play_wait(const struct workbench *w);
/* Takes the step that is due, if one is. */
void play_turn(struct workbench *w);
/* Whether something played until now. */
bool play_stop(struct workbench *w);

#endif
