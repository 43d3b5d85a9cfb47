/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/view/parts.h"

#include <string.h>
#include <strings.h>

struct style part_look(const struct workbench *w, enum role r)
{
	return theme_style(&w->theme, r);
}

struct rect part_frame(struct workbench *w, struct rect r, const char *left, const char *right,
		       bool focused)
{
	return canvas_frame(&w->canvas, r, part_look(w, focused ? ROLE_focus : ROLE_frame),
			    part_look(w, focused ? ROLE_focus : ROLE_strong), left, right);
}

void part_field(struct workbench *w, struct rect r, int row, int at, const char *label,
		const char *value)
{
	if (row >= r.rows)
		return;
	canvas_text(&w->canvas, r, row, 1, part_look(w, ROLE_dim), label);
	canvas_field(&w->canvas, r, row, at, r.cols - at - 1, -1, part_look(w, ROLE_text), value);
}

struct heat_axis part_axis(const struct sentence *s, int run)
{
	struct heat_axis a = {0};

	if (!s->trace)
		return a;
	a.T = s->trace->run[run].T;
	if (s->trace->run[run].decoder) {
		a.token = s->wrote;
	} else {
		a.token = s->token;
		a.unknown = s->unknown;
	}
	return a;
}

void part_one_line(char *out, size_t size, const char *text)
{
	size_t n = 0;

	for (; *text && n + 4 < size; text++) {
		if (*text != '\n')
			out[n++] = *text;
		else
			n += (size_t)snprintf(out + n, size - n, "⏎");
	}
	out[n] = '\0';
}

enum role part_signal_role(const char *name)
{
	static const char letter[] = "ifgoch";
	static const enum role role[] = {ROLE_gate_i, ROLE_gate_f, ROLE_gate_g,
					 ROLE_gate_o, ROLE_gate_c, ROLE_gate_h};
	const char *at = strchr(letter, *name);

	return at && *at ? role[at - letter] : ROLE_text;
}

const char *part_minus(char *out, size_t size, const char *number)
{
	const bool minus = *number == '-';

	snprintf(out, size, "%s%s", minus ? "−" : "", number + minus);
	return out;
}

const char *part_count(int64_t n, char out[24])
{
	if (n < 1000)
		snprintf(out, 24, "%lld", (long long)n);
	else if (n < 1000000)
		snprintf(out, 24, "%.1fk", (double)n / 1e3);
	else
		snprintf(out, 24, "%.2f M", (double)n / 1e6);
	return out;
}

void part_move(int *selected, int n, enum move m, int count, int page)
{
	switch (m) {
	case MOVE_UP:
		*selected -= count;
		break;
	case MOVE_DOWN:
		*selected += count;
		break;
	case MOVE_PAGE_UP:
		*selected -= count * page;
		break;
	case MOVE_PAGE_DOWN:
		*selected += count * page;
		break;
	case MOVE_TOP:
		*selected = 0;
		break;
	case MOVE_BOTTOM:
		*selected = n - 1;
		break;
	case MOVE_LEFT:
	case MOVE_RIGHT:
		break;
	}
	*selected = *selected >= n ? n - 1 : *selected;
	*selected = *selected < 0 ? 0 : *selected;
}

int part_find(int from, int n, int delta,
	      bool (*match)(struct workbench *w, int row, const char *text), struct workbench *w,
	      const char *text)
{
	for (int k = 1; k <= n; k++) {
		const int row = ((from + delta * k) % n + n) % n;

		if (match(w, row, text))
			return row;
	}
	return -1;
}

bool part_has(const char *s, const char *text)
{
	const size_t n = strlen(text);

	for (; s && *s; s++)
		if (!strncasecmp(s, text, n))
			return true;
	return false;
}
