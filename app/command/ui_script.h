/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The verbs of command files; entries of ui.c's table. */
#ifndef SLUICE_APP_COMMAND_UI_SCRIPT_H
#define SLUICE_APP_COMMAND_UI_SCRIPT_H

#include "app/command/command.h"

bool ui_source(struct context *c, const struct args *a, struct err *err);
bool ui_echo(struct context *c, const struct args *a, struct err *err);
bool ui_pause(struct context *c, const struct args *a, struct err *err);
bool ui_wait(struct context *c, const struct args *a, struct err *err);
bool ui_key(struct context *c, const struct args *a, struct err *err);
bool ui_type(struct context *c, const struct args *a, struct err *err);
bool ui_dump(struct context *c, const struct args *a, struct err *err);
bool ui_resize(struct context *c, const struct args *a, struct err *err);

extern const struct option options_wait[];

#endif
