/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/tui/plot.h"

#include "app/tui/dots.h"
#include "app/tui/ticks.h"
#include "engine/base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
	Y_LABEL_MAX = 12,
	END_LABEL_MAX = 28,
	APART_MARKED = 150,  /* more points of a series than this are dots */
	ENVELOPE_POINTS = 4, /* from so many points a column on, their range shows */
};

/* The largest magnitude drawn: differences of two such values are finite. */
static const double value_max = 1e100;

static const char *const marker_utf8[] = {"◆", "●", "▲", "■", "▼"};
static const char *const marker_ascii[] = {"*", "o", "+", "x", "#"};
enum { MARKERS = sizeof marker_utf8 / sizeof *marker_utf8 };

/* What drawing one plot needs. */
struct job {
	struct canvas *c;
	struct rect area; /* the cells of the curves */
	const struct theme *t;
	const struct plot *p;
	struct ticks x, y;
	double highest; /* what lies above the plot, or 0 */
	struct dots f;
};

static bool drawable(double v)
{
	return isfinite(v) && fabs(v) <= value_max;
}

static struct style series_style(const struct theme *t, const struct plot_series *s)
{
	struct style st = theme_style(t, s->role);

	if (s->own)
		st.fg = s->fg;
	return st;
}

static const char *series_marker(const struct canvas *c, const struct plot *p, int k)
{
	int n = 0;

	if (!p->series[k].points && !p->series[k].apart)
		return c->ascii ? "-" : "━";
	for (int i = 0; i < k; i++)
		n += p->series[i].points || p->series[i].apart;
	return c->ascii ? marker_ascii[n % MARKERS] : marker_utf8[n % MARKERS];
}

/* The index of the last point with a value, or -1. */
static int series_last(const struct plot_series *s)
{
	for (int i = s->count - 1; i >= 0; i--)
		if (drawable(s->x[i]) && drawable(s->y[i]))
			return i;
	return -1;
}

/* ---- ranges ---------------------------------------------------------------------------------- */

static bool data_range(const struct plot *p, struct ticks *x, struct ticks *y, double *highest)
{
	bool any = false;

	x->lo = x->hi = drawable(p->x_min) && p->x_min < 0 ? p->x_min : 0;
	y->lo = y->hi = 0;
	for (int k = 0; k < p->series_count; k++) {
		const struct plot_series *s = &p->series[k];

		for (int i = 0; i < s->count; i++) {
			if (!drawable(s->x[i]) || !drawable(s->y[i]))
				continue;
			if (!any)
				y->lo = y->hi = s->y[i];
			any = true;
			x->lo = fmin(x->lo, s->x[i]);
			x->hi = fmax(x->hi, s->x[i]);
			y->lo = fmin(y->lo, s->y[i]);
			y->hi = fmax(y->hi, s->y[i]);
		}
	}
	if (p->y_most > 0 && p->y_most > y->lo && p->y_most < y->hi) {
		*highest = y->hi;
		y->hi = p->y_most;
	}
	if (p->x_max > 0 && p->x_max > x->lo && drawable(p->x_max))
		x->hi = p->x_max;
	if (!(x->hi > x->lo))
		x->hi = x->lo + 1;
	if (p->fixed_y && drawable(p->y_min) && drawable(p->y_max) && p->y_max > p->y_min) {
		y->lo = p->y_min;
		y->hi = p->y_max;
	}
	if (!(y->hi - y->lo > fabs(y->hi) * 1e-9)) {
		double pad = y->hi != 0 ? fabs(y->hi) * 0.1 : 0.5;

		y->lo -= pad;
		y->hi += pad;
	}
	return any;
}

/* ---- dots ------------------------------------------------------------------------------------ */

static int dot_x(const struct job *j, double x)
{
	return (int)lround((x - j->x.lo) / (j->x.hi - j->x.lo) * (j->f.cols * 2 - 1));
}

static int dot_y(const struct job *j, double y)
{
	double v = (y - j->y.lo) / (j->y.hi - j->y.lo);

	v = 1 - fmin(1, fmax(0, v));
	if (j->f.rows == 1)
		return (int)lround(v * 3);
	return (int)(v * (j->f.rows - 1) * 4 + 2); /* the ends are in the middle of their rows */
}

/* One column of dots while its points are gathered. */
struct column {
	int px, n;
	double sum, lo, hi;
};

struct pen {
	bool down; /* px, py is the end of the line so far */
	int px, py;
};

static void flush(struct job *j, int k, struct column *col, struct pen *pen, bool ranges)
{
	int py;

	if (!col->n)
		return;
	if (ranges) {
		int top = dot_y(j, col->hi), bottom = dot_y(j, col->lo);

		if (col->n >= ENVELOPE_POINTS)
			for (int y = top; y <= bottom; y++)
				if ((y + col->px) % 2 == 0)
					dots_put(&j->f, col->px, y, -(k + 1));
	} else {
		py = dot_y(j, col->sum / col->n);
		if (pen->down)
			dots_line(&j->f, pen->px, pen->py, col->px, py, k + 1);
		else
			dots_put(&j->f, col->px, py, k + 1);
		*pen = (struct pen){true, col->px, py};
	}
	col->n = 0;
}

static bool above(const struct job *j, double y)
{
	return j->highest > 0 && y > j->y.hi;
}

static void trace(struct job *j, int k, bool ranges)
{
	const struct plot_series *s = &j->p->series[k];
	struct column col = {0};
	struct pen pen = {0};

	for (int i = 0; i < s->count; i++) {
		double x = s->x[i], y = s->y[i];
		int px;

		if (!drawable(x) || !drawable(y) || x > j->x.hi || x < j->x.lo) {
			flush(j, k, &col, &pen, ranges);
			pen.down = false;
			continue;
		}
		px = dot_x(j, x);
		if (col.n && px != col.px)
			flush(j, k, &col, &pen, ranges);
		if (above(j, y)) { /* the curve comes down from the top */
			flush(j, k, &col, &pen, ranges);
			pen = (struct pen){true, px, 0};
			continue;
		}
		if (!col.n)
			col = (struct column){px, 0, 0, y, y};
		col.n++;
		col.sum += y;
		col.lo = fmin(col.lo, y);
		col.hi = fmax(col.hi, y);
	}
	flush(j, k, &col, &pen, ranges);
}

static void scatter(struct job *j, int k)
{
	const struct plot_series *s = &j->p->series[k];

	for (int i = 0; i < s->count; i++)
		if (drawable(s->x[i]) && drawable(s->y[i]) && s->x[i] <= j->x.hi &&
		    s->x[i] >= j->x.lo && !above(j, s->y[i]))
			dots_put(&j->f, dot_x(j, s->x[i]), dot_y(j, s->y[i]), k + 1);
}

static void draw_dots(const struct job *j)
{
	for (int row = 0; row < j->f.rows; row++)
		for (int col = 0; col < j->f.cols; col++) {
			int at = row * j->f.cols + col, owner = j->f.owner[at];
			const struct plot_series *s;
			struct style st;
			char text[4];

			if (!owner)
				continue;
			s = &j->p->series[abs(owner) - 1];
			st = series_style(j->t, s);
			if (owner < 0 || s->points)
				st.attr = (st.attr & ~(unsigned)ATTR_BOLD) | ATTR_DIM;
			canvas_text(j->c, j->area, row, col, st,
				    dots_text(text, j->f.dots[at], j->c->ascii));
		}
}

/* Markers at the points of a series, when they are not too dense, and where a series is a single
 * point. */
static void draw_markers(const struct job *j, int k)
{
	const struct plot_series *s = &j->p->series[k];
	const char *mark = series_marker(j->c, j->p, k);
	struct style st = series_style(j->t, s);
	int valid = 0, only = series_last(s);

	for (int i = 0; i < s->count; i++)
		valid += drawable(s->x[i]) && drawable(s->y[i]);
	if (!s->points && !s->apart && valid != 1)
		return;
	if (!s->points && !s->apart)
		mark = j->c->ascii ? "*" : "•";
	if (s->apart && valid > APART_MARKED && (j->p->series_count < 2 || j->c->colours >= 8))
		return; /* without colours marks alone tell the series apart */
	for (int i = 0; i < s->count; i++) {
		if (!drawable(s->x[i]) || !drawable(s->y[i]))
			continue;
		if (s->x[i] > j->x.hi || s->x[i] < j->x.lo || above(j, s->y[i]))
			continue;
		if (valid > j->f.cols / 2 && i != only && !s->apart)
			continue;
		canvas_text(j->c, j->area, dot_y(j, s->y[i]) / 4, dot_x(j, s->x[i]) / 2, st, mark);
	}
}

/* The chosen point, over all others. */
static void draw_at(const struct job *j)
{
	const int at = j->p->at - 1;
	const struct plot_series *s = &j->p->series[j->p->at_series];
	struct style st = theme_style(j->t, ROLE_focus);

	if (at < 0 || at >= s->count || !drawable(s->x[at]) || !drawable(s->y[at]) ||
	    s->x[at] > j->x.hi || s->x[at] < j->x.lo)
		return;
	st.attr |= ATTR_REVERSE;
	canvas_text(j->c, j->area, dot_y(j, s->y[at]) / 4, dot_x(j, s->x[at]) / 2, st,
		    series_marker(j->c, j->p, j->p->at_series));
}

/* ---- labels ---------------------------------------------------------------------------------- */

static int y_labels_width(const struct ticks *y)
{
	char text[TICKS_TEXT];
	int width = 0;

	for (double k = ceil(y->lo / y->step - 1e-6); k * y->step <= y->hi + y->step * 1e-6; k++) {
		int w;

		ticks_text(text, y, k * y->step);
		w = canvas_width(text);
		width = w > width ? w : width;
	}
	return width;
}

/* The y axis, width + 2 columns left of the curves; width 0 is the line alone. */
static void draw_y(const struct job *j, int width, bool base)
{
	struct style dim = theme_style(j->t, ROLE_dim), axis = theme_style(j->t, ROLE_frame);
	struct rect r = j->area;
	char text[TICKS_TEXT];

	r.col -= width + 1;
	r.cols += width + 1;
	r.rows += base;
	for (int row = 0; row < j->area.rows; row++)
		canvas_text(j->c, r, row, width, axis, j->c->ascii ? "|" : "│");
	if (base)
		canvas_text(j->c, r, j->area.rows, width, axis, j->c->ascii ? "+" : "└");
	if (!width)
		return;
	for (double k = ceil(j->y.lo / j->y.step - 1e-6);
	     k * j->y.step <= j->y.hi + j->y.step * 1e-6; k++) {
		int row = dot_y(j, k * j->y.step) / 4;

		ticks_text(text, &j->y, k * j->y.step);
		canvas_field(j->c, r, row, 0, width - 1, 1, dim, text);
		canvas_text(j->c, r, row, width, axis, j->c->ascii ? "+" : "┤");
	}
}

/* The x axis below the curves and its labels in row `labels` of the canvas, up to column `end`. */
static void draw_x(const struct job *j, bool base, int labels, int end)
{
	struct style dim = theme_style(j->t, ROLE_dim), axis = theme_style(j->t, ROLE_frame);
	struct rect all = canvas_rect(j->c);
	double range = j->x.hi - j->x.lo;
	int name = j->p->x_label ? canvas_width(j->p->x_label) + 2 : 0;
	int used = j->area.col - 1, apart = 6;
	struct ticks x = j->x;
	char text[TICKS_TEXT];

	for (int pass = 0; pass < 2; pass++) {
		x.step = ticks_nice(range * fmin(1, (double)apart / j->area.cols));
		if (x.step < 1 && range >= 2)
			x.step = 1;
		ticks_text(text, &x, x.hi);
		apart = canvas_width(text) + 5;
		apart = apart < 6 ? 6 : apart;
	}
	if (base)
		for (int col = 0; col < j->area.cols; col++)
			canvas_text(j->c, all, j->area.row + j->area.rows, j->area.col + col, axis,
				    j->c->ascii ? "-" : "─");
	if (name + 4 < j->area.cols)
		end -= name;
	else
		name = 0;
	if (name) {
		canvas_text(j->c, all, labels, end, dim, " ");
		canvas_text(j->c, all, labels, end + 1, dim, j->p->x_label);
		canvas_text(j->c, all, labels, end + name - 1, dim, " ");
	}
	for (double k = ceil(x.lo / x.step - 1e-6); k * x.step <= x.hi + x.step * 1e-6; k++) {
		int col = j->area.col + dot_x(j, k * x.step) / 2, w, at;

		if (base)
			canvas_text(j->c, all, j->area.row + j->area.rows, col, axis,
				    j->c->ascii ? "+" : "┬");
		ticks_text(text, &x, k * x.step);
		w = canvas_width(text);
		at = col - (w - 1) / 2;
		if (at + w > end && !name && at + w - end <= w / 2)
			at = end - w;
		if (at <= used && used < j->area.col && col >= used) /* the first one */
			at = used + 1;
		if (at <= used || at + w > end)
			continue;
		canvas_text(j->c, all, labels, at, dim, text);
		used = at + w;
	}
}

/* How high the curves go that leave the plot, behind the last place where one does. */
static void draw_highest(const struct job *j)
{
	char text[TICKS_TEXT + 8];
	int col = -1;

	for (int k = 0; k < j->p->series_count; k++)
		for (int i = 0; i < j->p->series[k].count; i++) {
			const struct plot_series *s = &j->p->series[k];

			if (drawable(s->x[i]) && drawable(s->y[i]) && above(j, s->y[i]) &&
			    dot_x(j, s->x[i]) / 2 > col)
				col = dot_x(j, s->x[i]) / 2;
		}
	snprintf(text, sizeof text, j->highest < 1e6 ? "↑ %.*f" : "↑ %.*e", j->highest < 100,
		 j->highest);
	if (col >= 0 && col + 2 + canvas_width(text) <= j->area.cols)
		canvas_text(j->c, j->area, 0, col + 2, theme_style(j->t, ROLE_dim), text);
}

/* Draws text at column *col of the top line of r, unless only the width is asked for. */
static void put(const struct job *j, struct rect r, int *col, struct style st, const char *text)
{
	if (r.cols)
		canvas_text(j->c, r, 0, *col, st, text);
	*col += canvas_width(text);
}

/* Draws the legend's first entries at a column of the top line of r; returns its width. Without columns in r it
 * only measures. */
static int legend(const struct job *j, struct rect r, int col, bool names, int count)
{
	struct style text = theme_style(j->t, ROLE_text), strong = theme_style(j->t, ROLE_strong);
	int start = col;
	char more[32];

	for (int k = 0; k < count; k++) {
		const struct plot_series *s = &j->p->series[k];
		int last = series_last(s);
		char value[64];

		put(j, r, &col, text, k ? "  " : " ");
		put(j, r, &col, series_style(j->t, s), series_marker(j->c, j->p, k));
		if (names && s->name) {
			put(j, r, &col, text, " ");
			put(j, r, &col, text, s->name);
		}
		if (last >= 0 && s->decimals >= 0) {
			snprintf(value, sizeof value, fabs(s->y[last]) < 1e9 ? " %.*f" : " %.*e",
				 s->decimals, s->y[last]);
			put(j, r, &col, strong, value);
		}
	}
	snprintf(more, sizeof more, "  %d more ", j->p->series_count - count);
	put(j, r, &col, text, count < j->p->series_count ? more : " ");
	return col - start;
}

/* Beside the title, or in a line of its own, with as many names as fit; in a low plot without them. Returns how
 * many of the plot's rows it takes. */
static int draw_legend(const struct job *j, struct rect r, struct rect in)
{
	enum { ROOMY = 8 };
	int title = j->p->title ? canvas_width(j->p->title) + 3 : 1, n = j->p->series_count;

	for (int names = 1; names >= 0 && n; names--) {
		int width = legend(j, (struct rect){0}, 0, names, n);

		if (title + width + 2 <= r.cols) {
			legend(j, r, r.cols - 1 - width, names, n);
			return 0;
		}
		if (in.rows < ROOMY)
			continue;
		for (; n > 0 && width > in.cols; n--)
			width = legend(j, (struct rect){0}, 0, names, n - 1);
		legend(j, in, in.cols - width, names, n);
		return 1;
	}
	return 0;
}

/* The text of a label at a curve's end: its marker, last value and name. */
static void end_text(const struct job *j, int k, bool value, char *out, size_t size)
{
	const struct plot_series *s = &j->p->series[k];
	int last = series_last(s);
	char number[64] = "";

	if (last >= 0 && value && s->decimals >= 0)
		snprintf(number, sizeof number, fabs(s->y[last]) < 1e9 ? "%.*f " : "%.*e ",
			 s->decimals, s->y[last]);
	snprintf(out, size, "%s %s%s", series_marker(j->c, j->p, k), number,
		 s->name ? s->name : "");
}

static int end_labels_width(const struct job *j, bool value)
{
	char text[256];
	int width = 0;

	for (int k = 0; k < j->p->series_count; k++) {
		int w;

		end_text(j, k, value, text, sizeof text);
		w = canvas_width(text);
		width = w > width ? w : width;
	}
	return width < END_LABEL_MAX ? width : END_LABEL_MAX;
}

/* Labels right of the curves, each as near to its curve's last row as the others allow. */
static void draw_end_labels(const struct job *j, int width, bool value)
{
	int rows = j->area.rows, n = j->p->series_count;
	int *taken = mem_zero((size_t)rows, sizeof *taken);
	struct rect r = {j->area.row, j->area.col + j->area.cols + 1, rows, width};

	for (int k = n - 1; k >= 0; k--) {
		const struct plot_series *s = &j->p->series[k];
		int last = series_last(s), want;
		char text[256];

		if (last < 0)
			continue;
		want = dot_y(j, s->y[last]) / 4;
		for (int d = 0; d < 2 * rows; d++) {
			int row = want + (d % 2 ? -(d + 1) / 2 : d / 2);

			if (row < 0 || row >= rows || taken[row])
				continue;
			taken[row] = 1;
			end_text(j, k, value, text, sizeof text);
			canvas_field(j->c, r, row, 0, width, -1, series_style(j->t, s), text);
			break;
		}
	}
	free(taken);
}

/* ---- the whole ------------------------------------------------------------------------------- */

void plot_draw(struct canvas *c, struct rect r, const struct theme *t, const struct plot *p,
	       bool focused)
{
	struct style frame = theme_style(t, focused ? ROLE_focus : ROLE_frame);
	struct style title = theme_style(t, focused ? ROLE_focus : ROLE_strong);
	struct job j = {.c = c, .t = t, .p = p};
	int labels = 0, ends = 0;
	struct rect in;
	bool base, values = true;

	if (r.rows < 3 || r.cols < 4)
		return;
	in = canvas_frame(c, r, frame, title, p->title, NULL);
	if (in.rows < 1 || in.cols < 1)
		return;
	if (!data_range(p, &j.x, &j.y, &j.highest)) {
		const char *empty = p->empty ? p->empty : "no values yet";

		canvas_field(c, in, (in.rows - 1) / 2, 0, in.cols, 0, theme_style(t, ROLE_dim),
			     empty);
		return;
	}
	if (!p->end_labels || in.cols < 40) {
		int taken = draw_legend(&j, r, in);

		in.row += taken;
		in.rows -= taken;
	}
	base = in.rows >= 4;
	(p->fixed_y ? ticks_fit : ticks_widen)(&j.y, in.rows - base);
	if (p->end_labels && in.cols >= 40) {
		ends = end_labels_width(&j, true);
		values = ends <= in.cols * 2 / 5;
		if (!values)
			ends = end_labels_width(&j, false);
		if (!values && ends > in.cols / 3)
			ends = in.cols / 3;
	}
	j.area = (struct rect){in.row, in.col + 1, in.rows - base,
			       in.cols - 1 - (ends ? ends + 2 : 0)};
	labels = y_labels_width(&j.y);
	labels = labels > Y_LABEL_MAX || in.rows < 2 ? 0 : labels + 2;
	if (in.cols < labels + 12)
		labels = 0;
	j.area.col += labels;
	j.area.cols -= labels;
	if (j.area.cols < 1)
		return;
	dots_init(&j.f, j.area.rows, j.area.cols);
	for (int k = 0; k < p->series_count; k++)
		if (p->series[k].apart)
			scatter(&j, k);
		else
			trace(&j, k, false);
	for (int k = 0; k < p->series_count && p->series_count <= 2; k++)
		if (!p->series[k].points && !p->series[k].apart && !c->ascii)
			trace(&j, k, true);
	draw_y(&j, labels, base);
	draw_x(&j, base, r.row + r.rows - 1, r.col + r.cols - 1);
	draw_dots(&j);
	for (int k = 0; k < p->series_count; k++)
		draw_markers(&j, k);
	draw_at(&j);
	if (j.highest > 0)
		draw_highest(&j);
	if (ends)
		draw_end_labels(&j, ends, values);
	dots_release(&j.f);
}
