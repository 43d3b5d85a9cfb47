/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/command/ui.h"

const struct command *ui_command_at(int index)
{
	(void)index;
	return NULL;
}
