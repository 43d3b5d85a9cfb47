/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Commands of the shell that begin, in the console, from what Gates shows; entries of ui.c's table. */
#ifndef SLUICE_APP_COMMAND_UI_UNIT_H
#define SLUICE_APP_COMMAND_UI_UNIT_H

#include "app/command/command.h"

bool ui_unit(struct context *c, const struct args *a, struct err *err);
bool ui_match(struct context *c, const struct args *a, struct err *err);
bool ui_note(struct context *c, const struct args *a, struct err *err);

#endif
