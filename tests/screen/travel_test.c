/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The slider of Gates: a sentence under one checkpoint of its run after the other. */
#include "tests/screen/sluice.h"

enum { EPOCHS = 4, NUMBER = 32 };

static const char sentence[] = "the food was not good";

/* Gates of the sentence, at the cell f[2]@4 of the last checkpoint. */
static struct screen *look(const struct size *z)
{
	struct screen *s;

	sluice_says("train -q -c samples/english.ini --set epochs=4 --name d");
	s = sluice_start(z, NULL, "d@last", NULL);
	sluice_wait_message(s, "is open at epoch 4");
	screen_send(s, "i");
	screen_wait(s, "sentence:");
	screen_send(s, sentence);
	screen_key(s, "Enter");
	screen_wait(s, "5 tokens · t = 1");
	sluice_say(s, "goto f[2]@4", "");
	screen_wait(s, "unit 2 · t 4");
	return s;
}

static int step_of(int epoch)
{
	char words[128];

	snprintf(words, sizeof(words),
		 "query 'SELECT step FROM checkpoints WHERE epoch = %d' | tail -1", epoch);
	return atoi(sluice_says(words));
}

/* What a checkpoint's own trace says of the cell, as the equations print it. */
static void printed(int epoch, char out[NUMBER])
{
	char words[160];

	snprintf(words, sizeof(words), "print d@%d 'f[2]' --text '%s' --at 4 --output csv",
		 step_of(epoch), sentence);
	snprintf(out, NUMBER, "%.3f", atof(strrchr(sluice_says(words), ',') + 1));
}

static void wait_epoch(struct screen *s, int epoch, const char *bar)
{
	char row[96], value[NUMBER];

	snprintf(row, sizeof(row), "epoch %d of 4 %s", epoch, bar);
	screen_wait_row(s, 2, row);
	printed(epoch, value);
	snprintf(row, sizeof(row), ") = +%s", value);
	screen_wait(s, row);
	screen_wait(s, "unit 2 · t 4"); /* where one was, one is */
}

static void the_slider_goes_through_checkpoints(void **state)
{
	struct screen *s = look(*state);
	char text[64], first[NUMBER], last[NUMBER];

	printed(1, first);
	printed(4, last);
	assert_string_not_equal(first, last); /* or there is nothing to see */
	wait_epoch(s, 4, "───●");
	sluice_say(s, "display f[2] * 0 + 7", "");
	sluice_say(s, "break when t == 5", "break");
	screen_key(s, "<");
	snprintf(text, sizeof(text), "epoch 3, step %d: checkpoint 3 of 4", step_of(3));
	sluice_wait_message(s, text);
	wait_epoch(s, 3, "──●─");
	screen_send(s, "<<");
	wait_epoch(s, 1, "●───");
	screen_wait(s, "f[2] * 0 + 7");
	screen_key(s, "<");
	sluice_wait_message(s, "there is no checkpoint before step");
	screen_key(s, ">");
	wait_epoch(s, 2, "─●──");
	sluice_say(s, "continue", "step 5 of 5");
	sluice_say(s, "step -1", "step 4 of 5");
	sluice_say(s, "checkpoint last", "checkpoint 4 of 4");
	wait_epoch(s, 4, "───●");
	screen_key(s, ">");
	sluice_wait_message(s, "there is no checkpoint behind step");
	sluice_say(s, "checkpoint first", "checkpoint 1 of 4");
	wait_epoch(s, 1, "●───");
	sluice_say(s, "checkpoint best", ", the best");
	snprintf(text, sizeof(text), "checkpoint %d", step_of(2));
	sluice_say(s, text, "checkpoint 2 of 4");
	wait_epoch(s, 2, "─●──");
	sluice_quit(s);
}

/* What explains the sentence takes the weights that are looked at. */
static void commands_take_the_checkpoint(void **state)
{
	struct screen *s = look(*state);
	char words[160], value[NUMBER];
	const char *at;

	sluice_say(s, "checkpoint first", "checkpoint 1 of 4");
	snprintf(words, sizeof(words), "padding d@%d --text '%s' --output csv -q | grep '^p(pos)'",
		 step_of(1), sentence);
	at = strrchr(sluice_says(words), ',');
	assert_non_null(at);
	snprintf(value, sizeof(value), "%.4f", atof(at + 1));
	screen_key(s, "P");
	sluice_wait_message(s, "never read <pad>");
	screen_keys(s, "S-Tab G"); /* the rows */
	screen_wait(s, "p(pos)");
	screen_wait(s, value);
	sluice_say(s, "travel --unit 2 --signal f", "");
	screen_wait(s, "f[2]");
	for (int epoch = 1; epoch <= EPOCHS; epoch++) {
		snprintf(words, sizeof(words), " %d ", step_of(epoch));
		screen_wait(s, words);
	}
	sluice_quit(s);
}

static void what_is_no_checkpoint_is_told(void **state)
{
	struct screen *s = look(*state);

	sluice_say(s, "checkpoint 1", "there is no checkpoint at step 1; the first is at");
	sluice_say(s, "checkpoint soon",
		   "takes first, last, best, previous, next or a step, not 'soon'");
	sluice_say(s, "checkpoint", "checkpoint needs more");
	wait_epoch(s, 4, "───●");
	sluice_quit(s);
}

/* Of a run in training one goes back in time, and returns to it. */
static void a_training_is_left_and_come_back_to(void **state)
{
	struct screen *s = sluice_training(*state);

	sluice_wait_epoch(s, 3);
	screen_key(s, "2");
	screen_wait(s, "token");
	sluice_say(s, "checkpoint first", "; Esc in Train comes back to the training");
	sluice_wait_top(s, "classify-standard: training"); /* beside the run that is looked at */
	screen_key(s, "1");
	screen_key(s, "Esc");
	screen_wait_gone(s, "classify-standard: training");
	screen_key(s, "2");
	sluice_say(s, "checkpoint first", "; Esc in Train comes back to the training");
	sluice_say(s, "checkpoint 7", "there is no checkpoint at step 7");
	sluice_view(s, "1", "loss");
	screen_key(s, "S");
	sluice_wait_message(s, "stopped");
	sluice_quit(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		AT_BOTH(the_slider_goes_through_checkpoints),
		AT_SMALL(commands_take_the_checkpoint),
		AT_LARGE(commands_take_the_checkpoint),
		AT_SMALL(what_is_no_checkpoint_is_told),
		AT_SMALL(a_training_is_left_and_come_back_to),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
