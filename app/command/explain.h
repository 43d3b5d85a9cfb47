/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the commands that explain a text share: its run in double, its layers and units, and JSON. */
#ifndef SLUICE_APP_COMMAND_EXPLAIN_H
#define SLUICE_APP_COMMAND_EXPLAIN_H

#include "app/archive.h"
#include "app/command/command.h"
#include "engine/base/json.h"
#include "engine/explain/replay.h"

struct explained {
	struct loaded run;
	struct buf text; /* repaired UTF-8 */
	struct replay *replay;
};

/* Loads the RUN and runs --text. ERR_USAGE without a text or a step in it, and, where `classes`, for a
 * run of another task. Release in both cases. */
bool explain_open(struct explained *x, struct context *c, const struct args *a, bool classes,
		  struct err *err);
void explain_release(struct explained *x);

/* The run that --layer names, "l0.fw"; without it the top one that goes forward. -1 with ERR_USAGE. */
int explain_layer(const struct model *m, const struct args *a, struct err *err);
const char *explain_layer_name(const struct model *m, int run, char name[24]);
/* The unit that --unit names; *unit stays as it is without it. ERR_USAGE. */
bool explain_unit(const struct args *a, int H, int *unit, struct err *err);
/* A class by its name, of an option. -1 with ERR_USAGE. */
int explain_class(const struct encoder *e, const char *name, struct err *err);
int explain_likeliest(const struct replay *r);

/* Whether the answer is for reading: a table, or the console's. */
bool explain_is_table(const struct context *c);
/* Whether the answer is JSON, and its beginning: {run, name, cell, text, tokens. */
bool explain_is_json(const struct context *c);
void explain_json(struct json_writer *j, const struct explained *x);
void explain_json_text(struct json_writer *j, const char *key, const char *text);
void explain_json_number(struct json_writer *j, const char *key, double v);
void explain_json_numbers(struct json_writer *j, const char *key, const double *v, int n);
/* Ends the line, writes the buffer and releases it. */
bool explain_json_end(struct context *c, struct buf *b, struct err *err);

/* A copy of n numbers: as they are, or, where the answer is for reading, rounded so that
 * they add up to their rounded sum. Free with free. */
double *explain_rounded(const struct context *c, const double *v, int n, int decimals);

/* What is left over, where the answer is for reading: its first digit where it is next to nothing. */
struct value explain_residual(const struct context *c, double v);

/* The token at a position. */
struct value explain_token(const struct replay *r, int t);
/* Names the columns of a heat map after the words of the text. */
void explain_name_words(struct figure *f, const struct replay *r);
/* A remark beside the answer: a line on standard error, or in the console's message. */
void explain_remark(struct context *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
