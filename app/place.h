/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where things are: the store, the samples and the themes. Results are to be freed with free(). */
#ifndef SLUICE_APP_PLACE_H
#define SLUICE_APP_PLACE_H

#include "engine/base/err.h"

/* given, else SLUICE_STORE, else ./sluice.db if it exists, else sluice/sluice.db in XDG_DATA_HOME
 * (~/.local/share), whose folder is made. NULL with ERR_STORE where there is no home. */
char *place_store(const char *given, struct err *err);

/* A file of the samples/ or themes/ folder: beside the source tree the program was built in, else in
 * share/sluice beside the program's bin. Its path even where it does not exist. */
char *place_shared(const char *folder, const char *name);

/* A file in the user's state folder (XDG_STATE_HOME/sluice), which is made; NULL without a home. */
char *place_state(const char *name);

#endif
