/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Single units in the console: what begins from the sentence and the unit that Gates shows, and notes there. */
#include "tests/screen/sluice.h"

static void type(struct screen *s, const char *line)
{
	screen_send(s, ":");
	screen_send(s, line);
	screen_send(s, "\r");
}

/* Gates of a sentence in a run of two directions. */
static struct screen *look(const struct size *z)
{
	return sluice_look(z, "d", "--set bidirectional=true", "the food was not good at all");
}

static void notes_stand_in_gates(void **state)
{
	struct screen *s = look(*state);

	type(s, "note unit 3 of the start?");
	sluice_wait_message(s, "l0.fw unit 3 of");
	type(s, "goto h[3]@2");
	screen_wait(s, "note: of the start?");
	screen_key(s, "Up");
	screen_wait_gone(s, "note: of the start?");
	screen_send(s, "]"); /* the other direction has units of its own */
	screen_key(s, "Down");
	screen_wait(s, "l0.bw unit 3");
	type(s, "note unit 3 of the end");
	sluice_wait_message(s, "l0.bw unit 3 of");
	screen_wait(s, "note: of the end");
	type(s, "note unit 3");
	sluice_wait_message(s, "of the end");
	type(s, "note unit 3 \"\"");
	screen_wait_gone(s, "note: of the end");
	type(s, "note unit 99 x");
	sluice_wait_message(s, "units go from 0 to");
	sluice_quit(s);
}

static void the_unit_at_the_cursor_has_its_dossier(void **state)
{
	struct screen *s = look(*state);

	type(s, "unit x");
	sluice_wait_message(s, "units of d go from 0 to 31, not 'x'");
	screen_send(s, "]");
	type(s, "goto h[3]");
	screen_wait(s, "l0.bw unit 3");
	type(s, "unit");
	screen_wait(s, "unit 3 --layer l0.bw");
	screen_wait(s, "in words");
	type(s, "unit 4 --limit 2");
	screen_wait(s, "unit 4 --limit 2 --layer l0.bw");
	type(s, "unit 99");
	sluice_wait_message(s, "units of d go from 0 to");
	sluice_quit(s);
}

static void the_sentence_is_matched_and_has_neighbours(void **state)
{
	struct screen *s = look(*state);

	type(s, "near --count 3");
	screen_wait(s, "near --count 3");
	screen_wait(s, "cosine");
	type(s, "match units 3,17 t 2..4 --threshold -0.5 --limit 5");
	screen_wait(s, "jaccard");
	sluice_wait_message(s, "l0.fw units 3,17:");
	type(s, "match t 2..99");
	sluice_wait_message(s, "the text ends at t 7");
	sluice_quit(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		AT_BOTH(notes_stand_in_gates),
		AT_SMALL(the_unit_at_the_cursor_has_its_dossier),
		AT_LARGE(the_sentence_is_matched_and_has_neighbours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
