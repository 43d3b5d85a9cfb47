/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where the rows of an answer go: to standard output as table, csv, tsv, json or ndjson, its pictures as
 * svg, or both into the struct answer that the console shows. Commands write rows once and do not care.
 */
#ifndef SLUICE_APP_ANSWER_OUTPUT_H
#define SLUICE_APP_ANSWER_OUTPUT_H

#include "app/answer/figure.h"
#include "engine/base/buf.h"
#include "engine/base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum output_format {
	OUTPUT_AUTO,
	OUTPUT_TABLE,
	OUTPUT_CSV,
	OUTPUT_TSV,
	OUTPUT_JSON,
	OUTPUT_NDJSON,
	OUTPUT_SVG /* the answer's pictures instead of its rows */
};

/* -1 if there is none of that name. */
int output_format_find(const char *name);
const char *output_format_name(int index); /* NULL past the end */

enum value_type { VALUE_NULL, VALUE_TEXT, VALUE_INT, VALUE_REAL };

struct value {
	enum value_type type;
	int64_t i;
	double r;
	const char *text; /* borrowed */
	size_t n;
	int decimals; /* of a VALUE_REAL in a table; < 0: as many as it takes */
	bool power;   /* in a table with a power of ten: 1.25e-07 */
};

struct value value_null(void);
struct value value_text(const char *s); /* NULL becomes null */
struct value value_bytes(const char *s, size_t n);
struct value value_int(int64_t i);
struct value value_real(double r, int decimals);  /* NaN becomes null */
struct value value_power(double r, int decimals); /* in a table with a power of ten */
struct value value_f32(float v);                  /* 9 significant digits, as a number */

/* Rows kept as text, for tables, and pictures. Zeroed is empty. */
struct answer_cell {
	char *text;
	bool number;
	struct value exact; /* as it was given, but for its text */
};
struct answer {
	char **column;
	int cols, rows;
	struct answer_cell *cell; /* rows * cols */
	struct figure **figure;   /* figures */
	int figures;
	size_t cap, figure_cap;
};
void answer_release(struct answer *g);
const struct answer_cell *answer_at(const struct answer *g, int row, int col);
/* The value as it was given; its text is borrowed. */
struct value answer_value(const struct answer *g, int row, int col);
struct json_writer;
void value_json(struct json_writer *j, const struct value *v);

struct output {
	enum output_format format;
	FILE *file;            /* borrowed; NULL: rows go into answer */
	struct answer *answer; /* borrowed; for tables on a file an own one is used */
	struct answer own;
	struct buf buf;
	bool left;     /* a page of fields: in a table numbers stand to the left, as texts do */
	char **column; /* made unique */
	int cols;
	int64_t rows;
};

/* file NULL: into answer. OUTPUT_AUTO is a table where file is a terminal, else tsv. */
void output_open(struct output *o, enum output_format format, FILE *file, struct answer *answer);
void output_columns(struct output *o, const char *const *name, int cols);
void output_row(struct output *o, const struct value *v);
/* Whether pictures are looked at: on the screen and as SVG. */
bool output_has_pictures(const struct output *o);
/* Adds a picture to the answer and takes it over; NULL is ignored. */
void output_figure(struct output *o, struct figure *f);
/* Ends the answer and releases. err is NULL where the command has failed: then an answer without a row
 * is not written. ERR_FAILED where writing failed; a closed pipe is quiet. ERR_USAGE for SVG of an answer without
 * a picture. */
bool output_close(struct output *o, struct err *err);

/* Writes all of a buffer to a file; as output_close. */
bool output_flush(FILE *file, struct buf *b, struct err *err);

#endif
