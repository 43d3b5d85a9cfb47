/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pictures beside the rows of an answer: one focus, a cursor, all of the view on demand. */
#include "tests/screen/sluice.h"

static struct screen *traced(const struct size *z)
{
	struct screen *s;

	sluice_train("pictured");
	s = sluice_start(z, NULL, NULL, NULL);
	sluice_wait_top(s, "pictured");
	screen_send(s, "ithe food was not good\r");
	screen_wait(s, "5 tokens · t = 1");
	return s;
}

static void a_map_has_a_cursor(void **state)
{
	struct screen *s = traced(*state);

	screen_send(s, ":ledger\r");
	screen_wait(s, "what is left of each word in c at word 5");
	screen_wait(s, "▸ 0");
	screen_keys(s, "Down Down Right");
	screen_wait(s, "▸ 2");
	screen_wait(s, "▸food");
	screen_key(s, "G");
	screen_wait(s, "▸ 31");
	screen_wait(s, "↑ ");
	screen_key(s, "g");
	screen_wait(s, "▸the");
	screen_key(s, "z"); /* all of the view */
	screen_wait_gone(s, "c[");
	screen_key(s, "Esc");
	screen_wait(s, "c[");
	screen_key(s, "Tab"); /* the rows */
	screen_key(s, "G");
	screen_wait(s, "half-life");
	screen_wait(s, "▸ 0"); /* the picture stays as it is */
	screen_key(s, "Esc");
	screen_wait(s, "Questions to the store");
	sluice_quit(s);
}

static void points_have_names(void **state)
{
	const struct size *z = *state;
	struct screen *s = traced(z);

	screen_send(s, ":saturation\r");
	screen_wait(s, "i: open above 0.9");
	screen_wait(s, "picture 1 of 3");
	screen_wait(s, "i[0] · l0.fw  share open");
	screen_keys(s, "Right Right");
	screen_wait(s, "i[2] · l0.fw  share open");
	screen_key(s, "Tab");
	screen_wait(s, "picture 2 of 3");
	screen_wait(s, "f[0] · l0.fw");
	if (z->cols >= 100)
		screen_wait(s, "i: open above 0.9"); /* beside it */
	screen_keys(s, "S-Tab S-Tab");               /* the rows, which have the focus now */
	screen_wait_gone(s, "i[2] · l0.fw");
	screen_send(s, ":gradient\r");
	screen_wait(s, "how far back the score F reaches");
	screen_wait(s, "the · dF/dh  word = 1");
	screen_keys(s, "Down Right");
	screen_wait(s, "food · dF/dc  word = 2");
	sluice_quit(s);
}

/* A row with a text takes it to Gates, at its step. */
static void rows_lead_to_gates(void **state)
{
	struct screen *s = traced(*state);

	screen_send(s, ":search 'word == \"not\" && t > 1' --limit 5\r");
	screen_wait(s, "line");
	screen_wait(s, "enter to Gates");
	screen_keys(s, "Down Enter");
	screen_wait(s, "· “not”");
	screen_wait_gone(s, "the food was not good");
	screen_send(s, ":match units 0,1 t 1..2 --threshold 0.01\r");
	screen_wait(s, "jaccard");
	screen_key(s, "Enter");
	screen_wait(s, "unit 0 · t ");
	screen_send(s, ":ledger\r"); /* its rows have none */
	screen_wait(s, "what is left of each word");
	screen_keys(s, "Tab Enter Down"); /* it stays here, and so the next row is chosen */
	screen_wait(s, "▸     2");
	sluice_quit(s);
}

/* With edits a gate as large as the screen is two of them, and what changed. */
static void before_and_after_stand_together(void **state)
{
	struct screen *s = traced(*state);

	screen_send(s, ":goto f[3]@2\r");
	screen_wait(s, "unit 3 · t 2");
	screen_send(s, ":set f = 0\r");
	screen_wait(s, "f is set to");
	screen_send(s, ":insert 3 really\r");
	screen_wait(s, "6 tokens · t = 2");
	screen_key(s, "z");
	screen_wait(s, "f  before");
	screen_wait(s, "f  with the edits");
	screen_wait(s, "f  difference");
	sluice_wait_frames(s, 4);
	screen_key(s, "Tab"); /* another gate */
	screen_wait(s, "g  difference");
	screen_send(s, ":undo\r:undo\r");
	screen_wait(s, "5 tokens · t = 2");
	screen_wait_gone(s, "difference");
	screen_wait(s, "g  candidate");
	sluice_quit(s);
}

static void what_is_left_is_told(void **state)
{
	const struct size *z = *state;
	struct screen *s = traced(z);

	screen_key(s, "z");
	screen_wait(s, z->cols >= 100 ? "left of each word in c[0]" : "left in c[0]");
	screen_keys(s, "G Right Right");
	screen_wait(s, z->cols >= 100 ? "half-life" : "= ");
	screen_wait(s, z->cols >= 100 ? "not +0." : "the rest");
	sluice_wait_frames(s, 3);
	screen_send(s, ":set c[0] = 3\r");
	screen_wait(s, "with the edits");
	screen_key(s, "z");
	screen_wait_gone(s, "with the edits");
	if (z->cols >= 100)
		screen_wait(s, "set by hand"); /* that makes up the sum, too */
	sluice_quit(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		AT_BOTH(a_map_has_a_cursor),
		AT_BOTH(points_have_names),
		AT_BOTH(before_and_after_stand_together),
		AT_BOTH(what_is_left_is_told),
		AT_BOTH(rows_lead_to_gates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
