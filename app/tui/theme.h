/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Themes: what each role on the screen looks like. A theme file is INI without sections:
 *
 *     role = FG [BG] [bold] [dim] [underline] [reverse] [italic]
 *     heat_unit   = COLOUR COLOUR ...      sequential ramp for values in [0, 1]
 *     heat_signed = COLOUR COLOUR ...      diverging ramp for values in [-1, 1], middle = 0
 *     series      = COLOUR COLOUR ...      curves of several runs
 *
 * A colour is `default`, a palette index 0..255, one of the 16 ANSI names, or #rrggbb. A role that
 * a file does not name keeps the built-in default theme's look.
 */
#ifndef SLUICE_APP_TUI_THEME_H
#define SLUICE_APP_TUI_THEME_H

#include "app/tui/canvas.h"
#include "engine/base/err.h"

// clang-format off
#define THEME_ROLES(X) \
	X(text,     "ordinary text and data") \
	X(strong,   "the numbers that matter, titles") \
	X(dim,      "labels, units, axes") \
	X(frame,    "lines round panes") \
	X(focus,    "the frame and title of the focused pane") \
	X(bar,      "the top line") \
	X(tab,      "names of views") \
	X(tab_on,   "the view that is open") \
	X(key,      "key names in the bottom line") \
	X(hint,     "what the keys do") \
	X(message,  "the message line") \
	X(warn,     "warnings, unknown words") \
	X(error,    "errors") \
	X(good,     "improvement, success") \
	X(selected, "the selected row or cell") \
	X(mark,     "marked rows") \
	X(train,    "the training curve") \
	X(valid,    "the validation curve") \
	X(gate_i,   "input gate") \
	X(gate_f,   "forget gate") \
	X(gate_g,   "candidate") \
	X(gate_o,   "output gate") \
	X(gate_c,   "cell state") \
	X(gate_h,   "hidden state")
// clang-format on

enum role {
#define THEME_ENUM(name, help) ROLE_##name,
	THEME_ROLES(THEME_ENUM)
#undef THEME_ENUM
		ROLE_COUNT
};

enum { THEME_RAMP_MAX = 32 };

struct ramp {
	colour at[THEME_RAMP_MAX];
	int count;
};

struct theme {
	char name[32];
	struct style style[ROLE_COUNT];
	struct ramp heat_unit, heat_signed, series;
};

const char *role_name(enum role r);
const char *role_help(enum role r);

void theme_default(struct theme *t); /* built in; themes/default.theme says the same */

/* Loads a theme file over the default. An error names file, line and key; t is untouched then. */
bool theme_load(struct theme *t, const char *path, struct err *err);

struct style theme_style(const struct theme *t, enum role r);

/* The ramp's colour for v in [0, 1] (heat_unit) or [-1, 1] (heat_signed); clamps; NaN is the middle. */
colour theme_unit(const struct theme *t, double v);
colour theme_signed(const struct theme *t, double v);

/* Black or white, whichever is readable on bg (for text put on a heat cell). */
colour theme_ink(colour bg);

/* The nearest of the 256-colour palette to 0xrrggbb, by CIELAB distance. For the screen's thread. */
int theme_nearest256(int rgb);
/* 0xrrggbb of a palette index. */
int theme_rgb256(int index);

#endif
