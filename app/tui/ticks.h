/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ticks of an axis: steps of 1, 2 or 5 times a power of ten, and their labels. */
#ifndef SLUICE_APP_TUI_TICKS_H
#define SLUICE_APP_TUI_TICKS_H

enum { TICKS_TEXT = 32 };

struct ticks {
	double lo, hi, step;
};

/* The smallest of 1, 2 and 5 times a power of ten that is not below v. */
double ticks_nice(double v);

/* The label at v, with as many decimals as the step needs; 20k and 1.5M from 10,000 on. */
void ticks_text(char out[TICKS_TEXT], const struct ticks *s, double v);

/* Chooses the step of a range that must stay as it is, for ticks two rows apart at least when its
 * ends are in the first and the last of so many rows; at equal distances if possible. */
void ticks_fit(struct ticks *s, int rows);

/* The same, widening the range so that a step takes a whole number of rows and every tick is in the
 * middle of its row; the narrowest such range wins. */
void ticks_widen(struct ticks *s, int rows);

#endif
