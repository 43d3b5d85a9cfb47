/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tuning on the screen: what is frozen, and what came from what. */
#include "tests/screen/sluice.h"

static const char tune[] = "tune %s -q --data samples/english.tsv --set epochs=1 --name %s";

static void tune_run(const char *from, const char *name)
{
	char words[256];

	snprintf(words, sizeof(words), tune, from, name);
	sluice_says(words);
}

/* The row of the list that holds a name. */
static int row_of(struct screen *s, const char *name)
{
	int row = -1, col;

	screen_wait(s, name);
	assert_true(screen_find(s, name, &row, &col));
	return row;
}

static void runs_stand_under_what_they_come_from(void **state)
{
	struct screen *s;
	int row;

	sluice_train("first");
	tune_run("first", "second");
	tune_run("second", "third");
	sluice_train("other");
	tune_run("first", "fourth");
	s = sluice_start(*state, NULL, NULL, NULL);
	sluice_wait_message(s, "fourth is open");
	sluice_view(s, "4", "5 runs · ordered by created, under the run they come from");
	row = row_of(s, " first");
	screen_wait_row(s, row + 1, " └ fourth");
	screen_wait_row(s, row + 2, " └ second");
	screen_wait_row(s, row + 3, "   └ third");
	screen_wait_row(s, row + 4, " other");
	screen_keys(s, "Down Down Down Enter");
	sluice_wait_message(s, "third is open");
	screen_key(s, "o"); /* a ranking has no branches */
	sluice_wait_message(s, "ordered by name");
	screen_wait_gone(s, "└ third");
	screen_send(s, ":order created\r");
	screen_wait(s, "└ third");
	screen_send(s, "/second\r"); /* its parent is not there */
	screen_wait(s, "1 run with second · ordered by created");
	screen_wait_gone(s, "└ second");
	screen_wait(s, "second");
	sluice_quit(s);
}

static void groups_are_frozen_while_it_trains(void **state)
{
	const struct size *z = *state;
	struct screen *s = sluice_training(z);

	assert_false(screen_contains(s, "frozen"));
	screen_send(s, ":freeze embedding\r");
	sluice_wait_message(s, "embedding is frozen");
	screen_wait(s, "frozen      embedding");
	screen_send(s, ":rate l0 0.5\r");
	sluice_wait_message(s, "l0 learns at 0.5 times the rate");
	screen_wait(s, "e-03  l0");
	screen_send(s, ":freeze l0\r");
	screen_wait(s, "frozen      embedding, l0");
	screen_send(s, ":freeze head\r");
	sluice_wait_message(s, "nothing would be left to learn");
	screen_send(s, ":freeze l3\r");
	sluice_wait_message(s,
			    "there is no group 'l3': embedding, l0, head, encoder, decoder, all");
	screen_send(s, ":rate l0 fast\r");
	sluice_wait_message(s, "rate takes a factor from 0");
	screen_send(s, ":unfreeze all\r");
	screen_wait_gone(s, "frozen  ");
	sluice_wait_frames(s, 4);
	screen_key(s, "S");
	sluice_wait_top(s, "stopped");
	sluice_wait_message(s, "classify-standard "); /* all of it has been saved */
	screen_send(s, ":freeze l0\r");
	sluice_wait_message(s, "nothing is being trained");
	sluice_view(s, "6", z->cols >= 100 ? "l0 ×0.5" : "rates"); /* the log has them all */
	sluice_quit(s);
}

static void the_console_tunes(void **state)
{
	const struct size *z = *state;
	struct screen *s;

	sluice_train("first");
	s = sluice_start(z, NULL, NULL, NULL);
	sluice_wait_message(s, "first is open");
	screen_send(s, ":tune\r"); /* without texts */
	sluice_wait_message(s, "no training data");
	screen_send(s, ":tune hidden=9 data=samples/english.tsv\r");
	sluice_wait_message(s, "hidden=9 cannot be: the encoder comes from first");
	screen_send(s, ":tune freeze=encoder epochs=3 valid_split=0 --data samples/english.tsv\r");
	sluice_wait_top(s, "finished · epoch 3");
	screen_wait(s, "frozen      embedding, l0");
	sluice_view(s, "6", "from first@");
	sluice_view(s, "4", "2 runs · ordered by created, under");
	screen_wait_row(s, row_of(s, " first") + 1, "└ classify-standard");
	sluice_quit(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		AT_BOTH(runs_stand_under_what_they_come_from),
		AT_BOTH(groups_are_frozen_while_it_trains),
		AT_BOTH(the_console_tunes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
