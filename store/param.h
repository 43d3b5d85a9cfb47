/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The settings of a run, by the names of the INI file, and the data it was trained on. */
#ifndef SLUICE_STORE_PARAM_H
#define SLUICE_STORE_PARAM_H

#include "engine/base/sha256.h"
#include "store/store.h"

#include <stddef.h>

struct param_row {
	char *name, *value;
	double number; /* NaN unless the value is a number, true or false */
};

/* Sets one setting; an earlier value is replaced. */
bool store_param_put(struct store *s, int64_t run, const char *name, const char *value,
		     struct err *err);

/* The settings of a run by name; the array belongs to the caller (store_params_free). */
bool store_params(struct store *s, int64_t run, struct param_row **rows, size_t *count,
		  struct err *err);
void store_params_free(struct param_row *rows, size_t count);

struct dataset {
	const char *role; /* train, valid, test */
	const char *name; /* the path as the user gave it */
	unsigned char sha256[SHA256_BYTES];
	int64_t bytes, rows;
};

/* Notes which data a run uses; one of each role. */
bool store_dataset_put(struct store *s, int64_t run, const struct dataset *d, struct err *err);

/* Reads it back; name is NULL when there is none, and to be freed otherwise. */
bool store_dataset_get(struct store *s, int64_t run, const char *role, char **name,
		       struct dataset *d, struct err *err);

#endif
