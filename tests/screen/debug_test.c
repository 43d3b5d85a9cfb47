/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The debugger in Gates: going through a sentence, stopping, looking, and setting numbers by hand. */
#include "tests/screen/sluice.h"

static const char sentence[] = "the food was not good at all";

static struct screen *look(const struct size *z, const char *settings)
{
	return sluice_look(z, "d", settings, sentence);
}

/* --- stepping --- */

static void steps_are_taken(void **state)
{
	struct screen *s = look(*state, "");
	static struct sluice_page first;

	sluice_keep_page(s, &first);
	sluice_say(s, "step", "step 2 of 7, “food”");
	screen_wait(s, "7 tokens · t = 2");
	sluice_say(s, "step 3", "step 5 of 7, “good”");
	sluice_say(s, "step -2", "step 3 of 7, “was”");
	sluice_say(s, "next", "step 4 of 7, “not”");
	sluice_say(s, "until word == \"all\"", "word == \"all\" · step 7 of 7, “all”");
	sluice_say(s, "until word == \"not\"", "word == \"not\": at no step behind this one");
	screen_wait(s, "t = 7");
	sluice_say(s, "next", "there is no word behind this one");
	sluice_say(s, "step", "no step behind · step 7 of 7");
	sluice_say(s, "step -99", "step 1 of 7");
	sluice_say(s, "step -1", "no step before · step 1 of 7");
	screen_wait_for(s, sluice_page_is, &first, "the same numbers as before");
	sluice_say(s, "step far", "step takes a whole number, such as 2 or -1, not 'far'");
	sluice_say(s, "until f[1", "column 4: ']' is missing");
	sluice_say(s, "until f[99] > 1", "column 1: f has units 0 to 31, not 99");
	sluice_say(s, "until", "until needs more");
	sluice_say(s, "up", "there is no layer above this one");
	sluice_say(s, "goto f[3]@5", "");
	screen_wait(s, "unit 3 · t 5");
	sluice_quit(s);
}

static void layers_are_a_stack(void **state)
{
	struct screen *s = look(*state, "--set layers=2 --set bidirectional=true");

	screen_wait(s, "l0.fw unit 0 · t 1");
	sluice_say(s, "step 2", "step 3 of 7");
	sluice_say(s, "up", "");
	screen_wait(s, "l1.fw unit 0 · t 3");
	sluice_say(s, "up", "there is no layer above this one");
	sluice_say(s, "down", "");
	screen_wait(s, "l0.fw unit 0 · t 3");
	sluice_say(s, "down", "there is no layer below this one");
	screen_key(s, "]");
	screen_wait(s, "l0.bw unit 0 · t 3");
	sluice_say(s, "step", "step 2 of 7, “food”"); /* as this layer reads */
	sluice_say(s, "step -1", "step 3 of 7, “was”");
	sluice_say(s, "until word == \"the\"", "step 1 of 7");
	sluice_say(s, "up", "");
	screen_wait(s, "l1.bw unit 0 · t 1");
	sluice_say(s, "set h[0] = 1", "set 1: h[0] = 1 @1"); /* this is where it ends */
	screen_wait(s, "edited · 1 edit");
	screen_wait(s, "the whole text");
	sluice_say(s, "step -6", "step 7 of 7");
	screen_wait(s, "the whole text");
	sluice_wait_frames(s, FRAMES_SOME);
	assert_false(screen_contains(s, "nan"));
	sluice_quit(s);
}

/* --- stopping --- */

static void breakpoints_are_hit(void **state)
{
	struct screen *s = look(*state, "");

	sluice_say(s, "continue", "there is nothing to stop at: break or watch EXPRESSION");
	screen_key(s, "b");
	screen_wait(s, "break when:");
	screen_send(s, "word == \"not\"\r");
	sluice_wait_message(s, "break 1: word == \"not\"");
	sluice_say(s, "break when t >= 6", "break 2: t >= 6");
	sluice_say(s, "watch t > 2", "watch 3: t > 2");
	sluice_say(s, "continue", "watch 3: t > 2 was 0, is 1 · step 3 of 7, “was”");
	screen_wait(s, "watch 3: t > 2");
	sluice_say(s, "continue", "break 1: word == \"not\" · step 4 of 7, “not”");
	screen_wait(s, "hit");
	sluice_say(s, "continue", "break 2: t >= 6 · step 6 of 7");
	sluice_say(s, "continue", "break 2: t >= 6 · step 7 of 7");
	sluice_say(s, "continue", "nothing is hit behind this step");
	screen_wait(s, "t = 7");
	sluice_say(s, "break f[20] > 0", "break 4: f[20] > 0");
	sluice_say(s, "break f[40] > 0", "column 1: f has units 0 to 31, not 40");
	sluice_say(s, "break g[1] >", "column 7: the expression ends too early");
	screen_send(s, ":info\r");
	screen_wait(s, "1  break  word == \"not\"     1");
	screen_wait(s, "2  break  t >= 6            2");
	screen_wait(s, "3  watch  t > 2             1");
	screen_wait(s, "4  break  f[20] > 0         0");
	sluice_say(s, "delete 2", "2 is deleted");
	sluice_say(s, "delete 2", "there is no number 2: info lists them");
	sluice_say(s, "delete all", "delete takes a number of those that info lists, not 'all'");
	screen_send(s, ":info\r");
	screen_wait_gone(s, "t >= 6");
	sluice_quit(s);
}

/* They stay when another run is opened, and those that do not fit are passed over. */
static void what_does_not_fit_is_told(void **state)
{
	struct screen *s;

	sluice_says("train -q -c samples/english.ini --set epochs=1 --set hidden=8 --name small");
	s = look(*state, "");
	sluice_say(s, "break f[20] > 0", "break 1: f[20] > 0");
	sluice_say(s, "break word == \"good\"", "break 2: word");
	sluice_say(s, "display o[20]", "display 3: o[20]");
	sluice_say(s, "open small", "small is open");
	screen_wait(s, "does not fit");
	sluice_say(s, "continue", "break 2: word == \"good\" · step 5 of 7, “good”");
	screen_send(s, ":info\r");
	screen_wait(s, "column 1: f has units 0 to 7, not 20");
	sluice_quit(s);
}

/* --- looking --- */

/* What the command line says an expression is at a step. */
static const char *printed(const char *expression, int t)
{
	static char value[64];
	char words[256];
	const char *says, *at;

	snprintf(words, sizeof(words), "print d --text '%s' --at %d --output json -- '%s'",
		 sentence, t, expression);
	says = sluice_says(words);
	at = strstr(says, "\"value\":");
	assert_non_null(at);
	snprintf(value, sizeof(value), "%.6f", strtod(at + 8, NULL));
	return value;
}

/* The same as the panel shows it, with the minus of the formulas. */
static const char *kept(const char *expression, int t)
{
	static char value[72];
	const char *says = printed(expression, t);

	snprintf(value, sizeof(value), "%s%s", *says == '-' ? "−" : "", says + (*says == '-'));
	return value;
}

static void values_are_printed(void **state)
{
	struct screen *s = look(*state, "");
	char line[128];

	sluice_say(s, "step 3", "step 4 of 7");
	snprintf(line, sizeof(line), "f[12] = %s", printed("f[12]", 4));
	sluice_say(s, "print f[12]", line);
	snprintf(line, sizeof(line), "-h[3] = %s", printed("-h[3]", 4));
	sluice_say(s, "print -h[3]", line);
	sluice_say(s, "print word", "word = “not”");
	sluice_say(s, "print t", "t = 4");
	sluice_say(s, "print 3 --1", "3 --1 = 4");
	sluice_say(s, "print f", " … of 32");
	sluice_say(s, "print f[", "column 3: ");
	sluice_say(s, "print l3.f[1]", "column 1: the run has no such layer and direction");
	sluice_say(s, "print", "print needs an expression, such as f[12]");
	screen_send(s, ":print f[12] --text \"not good\"\r");
	screen_wait(s, "expression");
	screen_wait(s, "2  good   f[12]");
	screen_send(s, ":print --text \"not good\" mean(c)\r");
	screen_wait(s, "2  good   mean(c)");
	sluice_quit(s);
}

static void displays_are_kept_up_to_date(void **state)
{
	struct screen *s = look(*state, "");

	sluice_say(s, "display mean(f)", "display 1: mean(f)");
	screen_wait(s, kept("mean(f)", 1));
	sluice_say(s, "display c[3]", "display 2: c[3]");
	screen_wait(s, kept("c[3]", 1));
	sluice_say(s, "step 4", "step 5 of 7");
	screen_wait(s, kept("c[3]", 5));
	screen_wait(s, kept("mean(f)", 5));
	sluice_wait_frames(s, FRAMES_SOME);
	sluice_say(s, "delete 1", "1 is deleted");
	screen_wait_gone(s, "mean(f)");
	screen_wait(s, kept("c[3]", 5));
	sluice_say(s, "display q[3]", "column 1: this cell has no 'q'");
	sluice_say(s, "display", "display needs more");
	sluice_quit(s);
}

/* --- setting --- */

/* A row of the panel: a class before and after, as the command line says it. */
static void wait_change(struct screen *s, const char *edits, const char *class)
{
	char words[512], row[128], key[64];
	double before, after;
	const char *at;

	snprintf(words, sizeof(words), "whatif d %s --text '%s' --output json", edits, sentence);
	snprintf(key, sizeof(key), "\"class\":\"%s\"", class);
	at = strstr(sluice_says(words), key);
	assert_non_null(at);
	before = strtod(strstr(at, "\"before\":") + 9, NULL);
	after = strtod(strstr(at, "\"after\":") + 8, NULL);
	assert_true(before - after > 0.001 ||
		    after - before > 0.001); /* or there is nothing to see */
	snprintf(row, sizeof(row), "%.3f → %.3f", before, after);
	screen_wait(s, row);
}

static void numbers_are_set_and_taken_back(void **state)
{
	struct screen *s = look(*state, "");
	static struct sluice_page before, edited;
	char row[64];

	sluice_say(s, "goto c[3]@4", "");
	screen_wait(s, "unit 3 · t 4");
	sluice_keep_page(s, &before);
	sluice_say(s, "set c[3] = 9", "set 1: c[3] = 9 @4");
	screen_wait(s, "edited · 1 edit · 7 tokens · t = 4");
	snprintf(row, sizeof(row), "%.3f → 9.000", strtod(printed("c[3]", 4), NULL));
	if (row[0] == '-')
		screen_wait(s, row + 1); /* with the minus of formulas before it */
	else
		screen_wait(s, row);
	wait_change(s, "'c[3] = 9 @4'", "pos");
	sluice_say(s, "print c[3]", "c[3] = 9");
	sluice_say(s, "print prev(c[3])", printed("c[3]", 3)); /* before it nothing changes */
	screen_wait(s, "100 random units:");                   /* what the edit is held against */
	sluice_wait_frames(s, FRAMES_SOME);
	sluice_keep_page(s, &edited);
	sluice_say(s, "set h[1,2] = -1 @5..7", "set 2: h[1,2] = -1 @5..7");
	screen_wait(s, "edited · 2 edits");
	wait_change(s, "'c[3] = 9 @4' 'h[1,2] = -1 @5..7'", "pos");
	screen_key(s, "u");
	sluice_wait_message(s, "taken back: h[1,2] = -1 @5..7");
	screen_wait_for(s, sluice_page_is, &edited, "what the first edit made");
	screen_key(s, "u");
	sluice_wait_message(s, "taken back: c[3] = 9 @4");
	screen_wait_for(s, sluice_page_is, &before, "the very same numbers");
	screen_key(s, "u");
	sluice_wait_message(s, "there is no edit to take back");
	sluice_quit(s);
}

static void an_edit_is_asked_for(void **state)
{
	struct screen *s = look(*state, "");

	sluice_say(s, "goto f[2]@3", "");
	screen_wait(s, "unit 2 · t 3");
	screen_key(s, "e");
	screen_wait(s, "set: f[2] =");
	screen_send(s, "0.25\r");
	sluice_wait_message(s, "set 1: f[2] = 0.25 @3");
	screen_wait(s, "→ 0.250");
	screen_key(s, "e");
	screen_wait(s, "set: f[2] =");
	screen_key(s, "Esc");
	screen_wait_gone(s, "set: f[2] =");
	sluice_say(s, "set o = 1 @3..7", "set 2: o = 1 @3..7");
	screen_send(s, ":info\r");
	screen_wait(s, "1  set   f[2] = 0.25 @3");
	sluice_say(s, "delete 1", "taken back: f[2] = 0.25 @3"); /* not the last one */
	screen_key(s, "2");
	screen_wait(s, "edited · 1 edit ");
	sluice_say(s, "print f[2]", printed("f[2]", 3));
	sluice_say(s, "print o[9]", "o[9] = 1");
	screen_send(s, "inot good\r"); /* of another sentence they are none */
	sluice_wait_message(s, "1 edit is dropped: the sentence or the weights have changed");
	screen_wait(s, "2 tokens · t = 1");
	assert_false(screen_contains(s, "edited"));
	sluice_quit(s);
}

static void wrong_edits_are_told(void **state)
{
	static const char *const wrong[][2] = {
		{"set f[1] := 2", "column 6: this is no edit, such as f[12] = 0 @3..5"},
		{"set f[1] = 2 @4..9", "column 10: steps are 1 to 7"},
		{"set f[99] = 2", "column 1: units are 0 to 31, not 99"},
		{"set q = 2", "column 1: cell standard has no 'q' that could be set"},
		{"set l4.f = 2", "column 1: the run has no such layer and direction"},
		{"set f[1] = 2 at 3", "column 10: this is no edit"},
	};
	struct screen *s = look(*state, "");
	static struct sluice_page before;

	sluice_keep_page(s, &before);
	for (size_t k = 0; k < sizeof(wrong) / sizeof(*wrong); k++) {
		sluice_say(s, wrong[k][0], wrong[k][1]);
		screen_wait_for(s, sluice_page_is, &before, "nothing changed");
	}
	sluice_quit(s);
}

/* A run so large that its edits are computed in the background. */
static void a_large_run_is_edited(void **state)
{
	struct screen *s =
		look(*state, "--set hidden=640 --set epochs=1 --set batch=64 --set threads=1");
	static struct sluice_page before;

	sluice_keep_page(s, &before);
	sluice_say(s, "set f = 0 @1..7", "set 1: f = 0 @1..7");
	screen_wait(s, "edited · 1 edit");
	wait_change(s, "'f = 0 @1..7'", "pos");
	screen_key(s, "u");
	sluice_wait_message(s, "taken back");
	screen_wait_for(s, sluice_page_is, &before, "the very same numbers");
	sluice_say(s, "set f = 0 @1..7", "set 2: f = 0 @1..7");
	sluice_quit(s); /* while it may still be under way */
}

static void other_tasks(void **state)
{
	struct screen *s;

	sluice_says("train -q --data samples/english.tsv --set task=reconstruct --set hidden=16 "
		    "--set embed=8 --set epochs=1 --name again");
	sluice_says("train -q --data samples/english.tsv --set task=generate --set hidden=16 "
		    "--set embed=8 --set epochs=1 --name next");
	s = sluice_start(*state, NULL, "next", NULL);
	sluice_wait_message(s, "is open at epoch");
	sluice_view(s, "2", "what follows");
	screen_key(s, "Right");
	screen_wait(s, "t = 2");
	sluice_say(s, "set h = 1", "set 1: h = 1 @2");
	screen_wait(s, "edited · 1 edit");
	screen_wait(s, " → ");
	screen_wait(s, "what follows");
	sluice_wait_frames(s, FRAMES_SOME);
	sluice_say(s, "break p(pos) > 0", "column 1: p is of classes, and this run has none");
	sluice_say(s, "open again", "1 edit is dropped");
	screen_wait(s, "written from the text's vector");
	sluice_say(s, "set f[0] = 1", "set 2: f[0] = 1");
	screen_wait(s, "edited · 1 edit");
	screen_wait(s, "before the edits"); /* it has written anew */
	sluice_wait_frames(s, FRAMES_SOME);
	sluice_say(s, "undo", "taken back: f[0] = 1");
	screen_key(s, "]");
	screen_wait(s, "dec.l0");
	sluice_say(s, "until t == 3", "t == 3 · step 3 of ");
	sluice_say(s, "up", "there is no layer above this one");
	sluice_say(s, "set f[0] = 1", "column 1: what a decoder does cannot be set");
	assert_false(screen_contains(s, "edited"));
	sluice_quit(s);
}

/* The weights change under the edits, which then belong to none that are there. */
static void training_goes_on(void **state)
{
	struct screen *s = sluice_training(*state);

	sluice_view(s, "2", "= z_i");
	sluice_say(s, "break t == 3", "break 1: t == 3");
	screen_send(s, ":set f[0] = 0\r");
	sluice_wait_message(s, "1 edit is dropped: the sentence or the weights have changed");
	sluice_say(s, "continue", "break 1: t == 3 · step 3 of ");
	screen_send(s, "1 "); /* paused */
	sluice_wait_top(s, "paused");
	sluice_view(s, "2", "= z_i");
	sluice_say(s, "set f[0] = 0.125", "set 3: f[0] = 0.125 @3");
	screen_wait(s, "edited · 1 edit");
	sluice_say(s, "print f[0]", "f[0] = 0.125000");
	sluice_say(s, "print me\tf)", "mean(f) = 0.");
	screen_keys(s, "1 S");
	sluice_wait_top(s, "stopped");
	sluice_quit(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		AT_BOTH(steps_are_taken),
		AT_BOTH(layers_are_a_stack),
		AT_BOTH(breakpoints_are_hit),
		AT_BOTH(what_does_not_fit_is_told),
		AT_SMALL(values_are_printed),
		AT_BOTH(displays_are_kept_up_to_date),
		AT_BOTH(numbers_are_set_and_taken_back),
		AT_BOTH(an_edit_is_asked_for),
		AT_SMALL(wrong_edits_are_told),
		AT_LARGE(a_large_run_is_edited),
		AT_BOTH(other_tasks),
		AT_SMALL(training_goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
