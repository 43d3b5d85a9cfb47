/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The command that goes from checkpoint to checkpoint; an entry of ui.c's table. */
#ifndef SLUICE_APP_COMMAND_UI_TRAVEL_H
#define SLUICE_APP_COMMAND_UI_TRAVEL_H

#include "app/command/command.h"

bool ui_checkpoint(struct context *c, const struct args *a, struct err *err);
const char *checkpoint_word(int index);

#endif
