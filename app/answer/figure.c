/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/answer/figure.h"

#include "engine/base/mem.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static char *title_of(const char *fmt, va_list ap) __attribute__((format(printf, 1, 0)));

static char *title_of(const char *fmt, va_list ap)
{
	char text[400];

	vsnprintf(text, sizeof(text), fmt, ap);
	return mem_text(text);
}

struct figure *figure_heat(int rows, int cols, const char *title, ...)
{
	struct figure *f = mem_zero(1, sizeof(*f));
	const size_t cells = (size_t)rows * (size_t)cols;
	va_list ap;

	f->kind = FIGURE_HEAT;
	f->refs = 1;
	va_start(ap, title);
	f->title = title_of(title, ap);
	va_end(ap);
	f->rows = rows;
	f->cols = cols;
	f->row = mem_zero((size_t)rows + 1, sizeof(*f->row));
	f->col = mem_zero((size_t)cols + 1, sizeof(*f->col));
	f->v = mem_alloc((cells + 1) * sizeof(*f->v));
	for (size_t k = 0; k < cells; k++)
		f->v[k] = NAN;
	return f;
}

struct figure *figure_plot(const char *x_label, const char *y_label, const char *title, ...)
{
	struct figure *f = mem_zero(1, sizeof(*f));
	va_list ap;

	f->kind = FIGURE_PLOT;
	f->refs = 1;
	va_start(ap, title);
	f->title = title_of(title, ap);
	va_end(ap);
	f->x_label = mem_text(x_label);
	f->y_label = mem_text(y_label);
	return f;
}

static void series_release(struct figure_series *s)
{
	for (int k = 0; k < s->count; k++)
		free(s->label[k]);
	free(s->name);
	free(s->x);
	free(s->y);
	free(s->label);
}

struct figure *figure_ref(struct figure *f)
{
	f->refs++;
	return f;
}

void figure_free(struct figure *f)
{
	if (!f || --f->refs)
		return;
	for (int k = 0; k < f->rows; k++)
		free(f->row[k]);
	for (int k = 0; k < f->cols; k++)
		free(f->col[k]);
	for (int k = 0; k < f->series_count; k++)
		series_release(&f->series[k]);
	free(f->series);
	free(f->row);
	free(f->col);
	free(f->v);
	free(f->title);
	free(f->x_label);
	free(f->y_label);
	free(f);
}

static void rename_one(char **name, const char *to, size_t n)
{
	free(*name);
	*name = mem_bytes(to, n);
}

void figure_name_row(struct figure *f, int row, const char *name, size_t n)
{
	rename_one(&f->row[row], name, n);
}

void figure_name_col(struct figure *f, int col, const char *name, size_t n)
{
	rename_one(&f->col[col], name, n);
}

double figure_limit(const struct figure *f)
{
	const size_t cells = (size_t)f->rows * (size_t)f->cols;
	double most = f->limit;

	for (size_t k = 0; f->limit <= 0 && k < cells; k++)
		if (isfinite(f->v[k]) && fabs(f->v[k]) > most)
			most = fabs(f->v[k]);
	return most > 1e-300 ? most : 1e-300;
}

double figure_scale(const struct figure *f)
{
	const double limit = figure_limit(f);

	return limit > 1e-200 ? limit : 1;
}

int figure_series(struct figure *f, const char *name, bool joined)
{
	f->series = mem_grow(f->series, &f->series_cap, (size_t)f->series_count + 1,
			     sizeof(*f->series));
	f->series[f->series_count] =
		(struct figure_series){.name = mem_text(name), .joined = joined};
	return f->series_count++;
}

void figure_point(struct figure *f, int series, double x, double y, const char *label)
{
	struct figure_series *s = &f->series[series];
	const size_t n = (size_t)s->count + 1;

	s->x = mem_grow(s->x, &s->x_cap, n, sizeof(*s->x));
	s->y = mem_grow(s->y, &s->y_cap, n, sizeof(*s->y));
	s->label = mem_grow(s->label, &s->label_cap, n, sizeof(*s->label));
	s->x[s->count] = x;
	s->y[s->count] = y;
	s->label[s->count++] = label ? mem_text(label) : NULL;
}

static bool range(const struct figure *f, bool of_x, double *min, double *max)
{
	bool any = false;

	for (int k = 0; k < f->series_count; k++)
		for (int p = 0; p < f->series[k].count; p++) {
			const double x = f->series[k].x[p], y = f->series[k].y[p];
			const double v = of_x ? x : y;

			if (!isfinite(x) || !isfinite(y))
				continue;
			*min = !any || v < *min ? v : *min;
			*max = !any || v > *max ? v : *max;
			any = true;
		}
	if (any && *max - *min < 1e-12 * (fabs(*max) + 1)) { /* one value: in the middle */
		*min -= 0.5;
		*max += 0.5;
	}
	return any;
}

bool figure_range_x(const struct figure *f, double *min, double *max)
{
	*min = f->x_min;
	*max = f->x_max;
	return f->x_min < f->x_max || range(f, true, min, max);
}

bool figure_range_y(const struct figure *f, double *min, double *max)
{
	*min = f->y_min;
	*max = f->y_max;
	return f->y_min < f->y_max || range(f, false, min, max);
}
