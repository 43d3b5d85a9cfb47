/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/answer/pictures.h"

#include <stdio.h>

static struct figure *signal_picture(const struct trace *t, int run, int signal)
{
	const struct trace_run *r = &t->run[run];
	const struct trace_signal *s = &r->signal[signal];
	char prefix[24];
	const char *name = trace_name(t, run, prefix);
	struct figure *f =
		figure_heat(t->H, r->T, "%s%s%s  %s", name, *name ? "." : "", s->name, s->title);

	f->is_signed = s->is_signed;
	f->limit = trace_signal_limit(t, run, signal);
	for (int k = 0; k < r->T; k++) {
		size_t n;
		const char *token = trace_token(t, run, k, &n);

		figure_name_col(f, k, token, n);
		for (int u = 0; u < t->H; u++)
			f->v[(size_t)u * (size_t)r->T + (size_t)k] =
				s->v[(size_t)k * (size_t)t->H + (size_t)u];
	}
	return f;
}

void pictures_of_run(struct output *o, const struct trace *t, int run, int signal)
{
	if (!output_has_pictures(o) || !t->run[run].T)
		return;
	for (int k = 0; k < t->run[run].signals; k++)
		if (signal < 0 || k == signal)
			output_figure(o, signal_picture(t, run, k));
}

void pictures_of_attention(struct output *o, const struct trace *t)
{
	struct figure *f;

	if (!output_has_pictures(o) || !t->attention || !t->written)
		return;
	f = figure_heat(t->written, t->T, "attention: written in rows, read in columns");
	f->limit = 1;
	for (int k = 0; k < t->T; k++) {
		size_t n;
		const char *token = trace_token(t, 0, k, &n);

		figure_name_col(f, k, token, n);
	}
	for (int k = 0; k < t->written; k++) {
		size_t n;
		const char *token = vocab_token(t->snapshot->encoder->target, t->writes[k], &n);

		figure_name_row(f, k, token, n);
		for (int j = 0; j < t->T; j++)
			f->v[k * t->T + j] = t->attention[k * t->T + j];
	}
	output_figure(o, f);
}
