/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/tui/ticks.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>

double ticks_nice(double v)
{
	double base;

	if (!(v > 1e-90))
		return 1e-90;
	base = pow(10, floor(log10(v)));
	if (v <= base * 1.0000001)
		return base;
	if (v <= base * 2.0000001)
		return 2 * base;
	if (v <= base * 5.0000001)
		return 5 * base;
	return 10 * base;
}

static int step_decimals(double step)
{
	int d = (int)-floor(log10(step) + 1e-9);

	return d < 0 ? 0 : d;
}

static void number(char out[TICKS_TEXT], const struct ticks *s, double v)
{
	int decimals = step_decimals(s->step);
	double top = fmax(fabs(s->lo), fabs(s->hi));

	if (fabs(v) < s->step / 1e6)
		v = 0;
	if (top >= 1e10 || decimals > 6)
		snprintf(out, TICKS_TEXT, "%.1e", v);
	else if (top >= 1e6)
		snprintf(out, TICKS_TEXT, "%.*f%s", step_decimals(s->step / 1e6), v / 1e6,
			 v != 0 ? "M" : "");
	else if (top >= 1e4)
		snprintf(out, TICKS_TEXT, "%.*f%s", step_decimals(s->step / 1e3), v / 1e3,
			 v != 0 ? "k" : "");
	else
		snprintf(out, TICKS_TEXT, "%.*f", decimals, v);
}

void ticks_text(char out[TICKS_TEXT], const struct ticks *s, double v)
{
	char text[TICKS_TEXT];
	bool minus;

	number(text, s, v);
	minus = *text == '-';
	snprintf(out, TICKS_TEXT, "%s%.26s", minus ? "−" : "", text + minus);
}

/* How many ticks lie in the range of a scale with its step set. */
static int tick_count(const struct ticks *y)
{
	return (int)(floor(y->hi / y->step + 1e-6) - ceil(y->lo / y->step - 1e-6)) + 1;
}

void ticks_fit(struct ticks *y, int rows)
{
	double range = y->hi - y->lo, apart = fmax(1.9, rows / 8.0) / (rows > 1 ? rows - 1 : 1);
	double step = ticks_nice(range * fmin(1, apart));

	y->step = step;
	for (int i = 0; i < 4; i++, step = ticks_nice(step * 1.1)) {
		double n = step / range * (rows - 1);
		struct ticks even = {y->lo, y->hi, step};

		if (fabs(n - round(n)) < 1e-6 && tick_count(&even) >= (rows > 4 ? 3 : 2) &&
		    tick_count(&even) >= rows / 4) {
			y->step = step;
			return;
		}
	}
}

void ticks_widen(struct ticks *y, int rows)
{
	int least = rows > 12 ? 3 : 2, most = rows > 7 ? 5 : rows > 3 ? 3 : rows - 1;
	double step = ticks_nice((y->hi - y->lo) / (rows > 1 ? rows - 1 : 1));
	struct ticks best = {0};

	if (rows < 3)
		least = most = 1;
	for (int i = 0; i < 6; i++, step = ticks_nice(step * 1.1))
		for (int n = least; n <= most; n++) {
			double row = step / n;
			struct ticks k = {floor(y->lo / row + 1e-6) * row, 0, step};

			k.hi = k.lo + (rows > 1 ? rows - 1 : 1) * row;
			if (k.hi < y->hi - row * 1e-6 || tick_count(&k) < 2)
				continue;
			if (best.step <= 0 || k.hi - k.lo < (best.hi - best.lo) * 0.999)
				best = k;
		}
	if (best.step > 0)
		*y = best;
	else
		ticks_fit(y, rows);
}
