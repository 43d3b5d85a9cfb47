/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The commands that steer the workbench; a part of the one table (table.c). */
#ifndef SLUICE_APP_COMMAND_UI_H
#define SLUICE_APP_COMMAND_UI_H

#include "app/command/command.h"

const struct command *ui_command_at(int index); /* NULL past the end */

/* Writes a file that is not there yet. ERR_FAILED. */
bool ui_write_new(const char *path, const char *text, size_t size, struct err *err);

#endif
