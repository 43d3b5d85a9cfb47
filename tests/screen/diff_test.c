/* SPDX-License-Identifier: GPL-3.0-or-later */
/* D in Gates: the sentence beside another, and under other weights. */
#include "tests/screen/sluice.h"

static const char sentence[] = "the food was not good at all";

/* Gates of the sentence, in a run of two epochs; another run, `other`, is in the store. */
static struct screen *look(const struct size *z, const char *settings)
{
	sluice_says("train -q -c samples/english.ini --set epochs=2 --set seed=9 --name other");
	return sluice_look(z, "d", settings, sentence);
}

static void answer(struct screen *s, const char *with)
{
	screen_key(s, "2");
	screen_wait(s, "7 tokens · t = 1");
	screen_key(s, "D");
	screen_wait(s, "compare with (a text, or a RUN):");
	screen_wait(s, "a word that finds a run, is a run");
	screen_send(s, with);
	screen_key(s, "Enter");
}

static void another_sentence(void **state)
{
	struct screen *s = look(*state, "");

	answer(s, "the food wasn't very good at all");
	sluice_wait_message(s, "h differs by > 1e-06 first at 3 “was”, “wasn't”");
	screen_wait(s, "diff --with the food wasn't very good at all");
	screen_wait(s, "picture 1 of 3");
	screen_wait(s, "h: a − b");
	screen_wait(s, ">was/wasn't");
	screen_wait(s, "diverges");
	screen_key(s, "Tab");
	screen_wait(s, "h of a: d at step");
	screen_key(s, "Tab");
	screen_wait(s, "h of b: d at step");
	answer(s, sentence);
	sluice_wait_message(s, "h never differs by > 1e-06");
	/* Nothing is asked for what is not there, and Esc asks for nothing. */
	screen_key(s, "2");
	screen_key(s, "D");
	screen_wait(s, "compare with");
	screen_key(s, "Esc");
	screen_wait_gone(s, "compare with");
	screen_wait(s, "7 tokens · t = 1");
	sluice_quit(s);
}

static void other_weights(void **state)
{
	struct screen *s = look(*state, "--set keep=all");

	answer(s, "other");
	sluice_wait_message(s, ", any two 0.");
	sluice_wait_message(s, "shuffled 0.");
	screen_wait(s, "diff --with other");
	screen_wait(s, "h: a − b");
	screen_key(s, "Tab");
	screen_wait(s, "h of a: d at step");
	screen_key(s, "Tab");
	screen_wait(s, "h of b: other at step");
	answer(s, "@23");
	sluice_wait_message(s, "any two");
	screen_key(s, "Tab");
	screen_key(s, "Tab");
	screen_wait(s, "h of b: d at step 23");
	answer(s, "@24");
	sluice_wait_message(s, "no checkpoint at this step");
	sluice_quit(s);
}

static void the_console_has_options(void **state)
{
	struct screen *s = look(*state, "");

	sluice_say(s, "diff the food was not so good", "first at 5");
	sluice_say(s, "diff other --signal f", "f differs by > 0.1");
	screen_wait(s, "diff other --signal f");
	screen_wait(s, "f: a − b");
	sluice_say(s, "diff \"the food is bad\" --signal c",
		   "c differs by > 1e-06 first at 3 “was”, “is”");
	sluice_say(s, "diff --text good --text bad", "first at 1 “good”, “bad”");
	sluice_say(s, "diff --signal c @23", "any two");
	screen_wait(s, "c: a − b");
	sluice_say(s, "diff other --text \"all good\" --unit 3", "r of this unit is");
	screen_wait(s, "a_h[3]");
	sluice_say(s, "diff other --signal r", "has no 'r'; it has i, f, g, o, c, h");
	sluice_say(s, "diff other --unit 99", "--unit is from 0 to 31, not '99'");
	sluice_quit(s);
}

static void before_anything_is_stored(void **state)
{
	struct screen *s = sluice_sample(*state);

	sluice_view(s, "2", "= z_i");
	screen_key(s, "D");
	sluice_wait_message(s, "diff compares what is stored, and this run has no checkpoint yet");
	sluice_quit(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		AT_BOTH(another_sentence),
		AT_BOTH(other_weights),
		AT_SMALL(the_console_has_options),
		AT_SMALL(before_anything_is_stored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
