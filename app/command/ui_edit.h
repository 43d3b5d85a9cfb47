/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The debugger's edits; entries of ui.c's table. */
#ifndef SLUICE_APP_COMMAND_UI_EDIT_H
#define SLUICE_APP_COMMAND_UI_EDIT_H

#include "app/command/command.h"

bool ui_set(struct context *c, const struct args *a, struct err *err);
bool ui_ablate(struct context *c, const struct args *a, struct err *err);
bool ui_replace(struct context *c, const struct args *a, struct err *err);
bool ui_insert(struct context *c, const struct args *a, struct err *err);
bool ui_remove(struct context *c, const struct args *a, struct err *err);
bool ui_undo(struct context *c, const struct args *a, struct err *err);

/* Takes an edit off the stack, whichever it is. ERR_USAGE where later ones count on it. */
bool ui_take_back(struct workbench *w, int index, struct err *err);

#endif
