/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The commands that steer the workbench; a part of the one table (table.c). */
#ifndef SLUICE_APP_COMMAND_UI_H
#define SLUICE_APP_COMMAND_UI_H

#include "app/command/command.h"

const struct command *ui_command_at(int index); /* NULL past the end */

#endif
