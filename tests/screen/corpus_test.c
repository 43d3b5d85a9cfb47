/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The debugger over a corpus, and a sentence with other words in it. */
#include "tests/screen/sluice.h"

static const char texts[] = "the food was good\n"
			    "this was not good\n"
			    "\n"
			    "nice people\n"
			    "not the best but not the worst\n"
			    "a slow evening\n";

static void write_file(const char *name, const char *text, int times)
{
	FILE *f = fopen(sluice_path(name), "w");

	assert_non_null(f);
	for (int k = 0; k < times; k++)
		fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

static struct screen *look(const struct size *z, const char *settings)
{
	return sluice_look(z, "d", settings, NULL);
}

/* A console line with a file of the test's folder in it. */
static const char *with_file(const char *command, const char *name)
{
	static char line[512];

	snprintf(line, sizeof(line), "%s %s", command, sluice_path(name));
	return line;
}

static void a_corpus_is_gone_through(void **state)
{
	struct screen *s = look(*state, "");

	write_file("t.txt", texts, 1);
	sluice_say(s, with_file("run", "t.txt"),
		   "there is nothing to stop at: break or watch EXPRESSION");
	sluice_say(s, "break word == \"not\"", "break 1: word == \"not\"");
	sluice_say(s, with_file("run", "t.txt"),
		   "break 1: word == \"not\" · text 2 of 5 (line 2) · step 3 of 4");
	screen_wait(s, "4 tokens · t = 3");
	screen_wait(s, "this was not good");
	screen_wait(s, "hit");
	sluice_say(s, "watch t > 5", "watch 2: t > 5");
	sluice_say(s, "continue", "break 1: word == \"not\" · text 4 of 5 (line 5) · step 1 of 7");
	screen_wait(s, "not the best but not the worst");
	sluice_say(s, "continue",
		   "break 1: word == \"not\" · step 5 of 7, “not”"); /* of the same text */
	sluice_say(s, "continue", "watch 2: t > 5 was 0, is 1 · step 6 of 7, “the”");
	sluice_say(s, "continue", "nothing is hit in 1 text behind it");
	sluice_say(s, "continue", "nothing is hit behind this step, and the corpus ends");
	screen_send(s, ":info\r");
	screen_wait(s, "1  break   word == \"not\"");
	screen_wait(s, "text 4 of 5 (line 5)");
	sluice_say(s, with_file("run corpus", "t.txt"),
		   "break 1: word == \"not\" · text 2 of 5 (line 2)"); /* again from the start */
	sluice_say(s, "delete 1", "1 is deleted");
	sluice_say(s, "break f[99] > 0 && c[0] > 2", "column 1: f has units 0 to 31, not 99");
	sluice_say(s, "delete 2", "2 is deleted");
	sluice_say(s, "break word == \"nowhere\"", "break 3: word");
	sluice_say(s, with_file("run", "t.txt"), "nothing is hit in 5 texts");
	sluice_say(s, "run none.txt", "none.txt");
	sluice_say(s, "run a b", "run takes one file");
	sluice_quit(s);
}

/* Without a file it is what the run was trained on; what another run was given stays. */
static void breakpoints_are_kept_from_run_to_run(void **state)
{
	struct screen *s;

	sluice_says("train -q -c samples/english.ini --set epochs=1 --set hidden=8 --name small");
	s = look(*state, "");
	sluice_say(s, "break word == \"not\" && f[20] < 2", "break 1: ");
	sluice_say(s, "break word == \"never\"", "break 2: ");
	sluice_say(s, "run", "break 1: ");
	screen_wait(s, "hit");
	sluice_say(s, "open small", "small is open");
	sluice_say(s, "run corpus", "break 2: word == \"never\" · text ");
	screen_wait(s, "hit");
	sluice_say(s, "continue", "\"never\" · step 11 of 13"); /* in the same text */
	sluice_say(s, "continue", "· text ");                   /* and in the same corpus */
	sluice_quit(s);
}

static void a_long_way_can_be_cancelled(void **state)
{
	struct screen *s = look(*state, "--set hidden=96");

	write_file("long.txt", texts, 60000);
	sluice_say(s, "break mean(z_f) + mean(z_i) > 1000", "break 1: ");
	screen_send(s, with_file(":run", "long.txt"));
	screen_send(s, "\r");
	sluice_wait_top(s, " of 300000 …  ^C cancels");
	screen_key(s, "C-c");
	sluice_wait_message(s, "of 300000 texts: continue goes on behind them");
	screen_send(s, ":continue\r");
	sluice_wait_top(s, " of 300000 …  ^C cancels");
	sluice_say(s, "run", "a corpus is being gone through: ^C ends that");
	screen_key(s, "C-c");
	sluice_wait_message(s, "of 300000 texts: continue goes on behind them");
	screen_send(s, with_file(":saturation --data", "long.txt"));
	screen_send(s, "\r");
	sluice_wait_top(s, " % …  ^C cancels");
	screen_key(s, "C-c");
	sluice_wait_message(s, "cancelled");
	screen_send(s, with_file(":project --data", "long.txt"));
	screen_send(s, "\r");
	sluice_wait_top(s, " of 300000 …  ^C cancels");
	screen_key(s, "C-c");
	sluice_wait_message(s, "cancelled");
	sluice_quit(s);
}

/* --- words --------------------------------------------------------------------------------------- */

static void words_are_changed_and_taken_back(void **state)
{
	static struct sluice_page before, first, second;
	struct screen *s = look(*state, "");

	screen_send(s, "ithe food was not good at all\r");
	screen_wait(s, "7 tokens · t = 1");
	sluice_say(s, "goto c[3]@4", "");
	screen_wait(s, "unit 3 · t 4");
	sluice_keep_page(s, &before);
	sluice_say(s, "replace very", "set 1: word @4 “not” = very · u takes it back");
	screen_wait(s, "the food was very good at all");
	screen_wait(s, "edited · 1 edit · 7 tokens · t = 4");
	screen_wait(s, "before and after the edits");
	screen_wait(s, "100 random vocabulary words:");
	screen_wait(s, "±");
	sluice_keep_page(s, &first);
	sluice_say(s, "insert 4 xyzzy", "set 2: insert @4 = xyzzy · the run does not know it");
	screen_wait(s, "edited · 2 edits · 8 tokens · t = 4");
	screen_wait(s, "this word has been put in");
	sluice_say(s, "set c[3] = 2 @5", "set 3: c[3] = 2 @5");
	screen_wait(s, "100 random units and words:");
	sluice_say(s, "print word", "word = “xyzzy”");
	sluice_keep_page(s, &second);
	sluice_say(s, "remove 1", "set 4: remove @1 “the”");
	screen_wait(s, "7 tokens · t = 4");
	sluice_say(s, "print c[3]", "c[3] = 2"); /* it has gone along with its word */
	sluice_say(s, "print word", "word = “very”");
	sluice_say(s, "delete 2", "edit 3 counts its steps on edit 2: take that one back first");
	screen_key(s, "u");
	sluice_wait_message(s, "taken back: remove @1 “the”");
	screen_wait_for(s, sluice_page_is, &second, "what the edits before it made");
	sluice_say(s, "delete 3", "taken back: c[3] = 2 @5");
	sluice_say(s, "undo", "taken back: insert @4 = xyzzy");
	screen_wait_for(s, sluice_page_is, &first, "what the first edit made");
	sluice_say(s, "undo", "taken back: word @4 “not” = very");
	screen_wait_for(s, sluice_page_is, &before, "the very same numbers");
	sluice_say(s, "replace 1 it's", "= it's"); /* a quote is none of the line's */
	sluice_say(s, "undo", "taken back");
	sluice_say(s, "remove 9", "steps are 1 to 7");
	sluice_say(s, "remove it", "remove takes a step from 1, not 'it'");
	sluice_say(s, "insert", "insert needs more");
	sluice_quit(s);
}

static void units_are_ablated(void **state)
{
	struct screen *s = look(*state, "");

	screen_send(s, "ithe food was not good at all\r");
	screen_wait(s, "7 tokens · t = 1");
	screen_key(s, "e");
	screen_wait(s, "or: word = good");
	screen_key(s, "Esc");
	screen_wait_gone(s, "or: word = good");
	sluice_say(s, "ablate 3,17", "set 1: ablate 3,17");
	screen_wait(s, "100 random units:");
	sluice_say(s, "print abs(c[3]) + abs(h[17])", "= 0");
	sluice_say(s, "ablate 99", "units are 0 to 31, not 99");
	sluice_say(s, "ablate 4 @9", "steps are 1 to 7");
	sluice_say(s, "set f = 1 @2..3", "set 2: f = 1 @2..3");
	screen_wait_gone(s, "random units"); /* of a whole gate there is none other */
	sluice_quit(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		AT_BOTH(a_corpus_is_gone_through),
		AT_LARGE(breakpoints_are_kept_from_run_to_run),
		AT_SMALL(a_long_way_can_be_cancelled),
		AT_BOTH(words_are_changed_and_taken_back),
		AT_BOTH(units_are_ablated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
