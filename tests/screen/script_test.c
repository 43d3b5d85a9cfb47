/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Command files on the screen: lines run one after the other, a pause waits for the class. */
#include "tests/screen/sluice.h"

#include <signal.h>

static const char *command_file(const char *name, const char *lines)
{
	FILE *f = fopen(sluice_path(name), "w");

	assert_non_null(f);
	fputs(lines, f);
	assert_int_equal(fclose(f), 0);
	return sluice_path(name);
}

static struct screen *play(const struct size *z, const char *lines)
{
	char option[160];

	sluice_train("a");
	snprintf(option, sizeof(option), "--script=%s", command_file("lesson", lines));
	return sluice_start(z, NULL, option, "--tui");
}

static void a_pause_waits_for_the_class(void **state)
{
	struct screen *s = play(*state, "# a lesson\n"
					"trace the food was not good\n"
					"step\n"
					"pause What comes next?\n"
					"step 2\n"
					"echo And now?\n"
					"pause\n"
					"step\n");

	sluice_wait_message(s, "What comes next?");
	screen_wait(s, "enter goes on  esc leaves the file");
	screen_wait(s, "5 tokens · t = 2");
	screen_key(s, "Right"); /* one may look around meanwhile */
	screen_wait(s, "5 tokens · t = 3");
	sluice_wait_message(s, "What comes next?");
	sluice_say(s, "print t", "t = 3");
	screen_key(s, "Enter");
	sluice_wait_message(s, "And now?");
	screen_wait(s, "5 tokens · t = 5");
	sluice_wait_frames(s, FRAMES_SOME);
	screen_key(s, "Enter");
	sluice_wait_message(s, "no step behind · step 5 of 5, “good”");
	assert_false(screen_contains(s, "goes on"));
	sluice_say(s, "step -4", "step 1 of 5"); /* and on by hand */
	sluice_quit(s);
}

static void it_can_be_left(void **state)
{
	struct screen *s = play(*state, "trace not good\npause\nstep\n");

	screen_wait(s, "enter goes on");
	screen_key(s, "Esc");
	sluice_wait_message(s, "lesson:2: the command file is left");
	screen_wait(s, "2 tokens · t = 1");
	sluice_say(s, "print t", "t = 1");
	screen_send(s, ":source ");
	screen_send(s, sluice_path("lesson"));
	screen_send(s, "\r");
	screen_wait(s, "enter goes on");
	screen_key(s, "C-c");
	sluice_wait_message(s, "lesson:2: the command file is left");
	sluice_quit(s);
}

static void the_user_answers_what_is_asked(void **state)
{
	struct screen *s =
		play(*state, "sentence\nstep\nsentence\ntype bad\nkey Enter\nwait 1 token\n"
			     "print word\n");

	screen_wait(s, "sentence:");
	screen_send(s, "not good\r");
	sluice_wait_message(s, "word = “bad”"); /* the second one was answered by the file */
	sluice_quit(s);
}

static void trouble_ends_it(void **state)
{
	struct screen *s =
		play(*state, "trace not good\nstep\n-print f[99]\n\nprint f[98]\nstep -1\n");

	sluice_wait_message(s, "lesson:5: column 1: f has units 0 to 31, not 98");
	screen_wait(s, "2 tokens · t = 2");
	sluice_say(s, "pause", "pause is for command files: source runs one");
	sluice_say(s, "wait", "wait is for command files");
	sluice_say(s, "resize 80 24", "the terminal has a size of its own");
	sluice_say(s, "dump", "on the screen dump needs a FILE");
	sluice_say(s, "source -", "on the screen standard input is for keys");
	sluice_say(s, "source /nowhere", "cannot read /nowhere: No such file or directory");
	sluice_say(s, "type x", "there is no question to type an answer to");
	screen_send(s, ":key 4 g\r");
	screen_wait(s, "ordered by created");
	sluice_quit(s);
}

static void it_waits_for_a_training(void **state)
{
	static const char lines[] =
		"train epochs=2 keep=best\nwait\necho trained\npause\n"
		"train epochs=20000 keep=best\nwait epoch 3\nwait\necho never\n";
	struct screen *s = play(*state, lines);

	sluice_wait_message(s, "trained");
	sluice_wait_top(s, "epoch 2 ");
	screen_key(s, "Enter");
	sluice_wait_epoch(s, 3);
	screen_key(s, "C-c"); /* while it waits for the end */
	sluice_wait_message(s, "the command file is left");
	sluice_wait_top(s, "training");
	screen_keys(s, "1 S");
	sluice_wait_top(s, "stopped");
	sluice_quit(s);
}

/* The next line that begins so, of what it says without a screen. */
static const char *next_line(const char **at, const char *begin)
{
	static char line[256];

	while (strncmp(*at, begin, strlen(begin)) != 0) {
		*at = strchr(*at, '\n');
		if (!*at || !*++*at)
			fail_msg("no line begins with %s", begin);
	}
	snprintf(line, sizeof(line), "%.*s", (int)strcspn(*at, "\n"), *at);
	*at += strlen(line);
	return line;
}

static void the_lesson_that_is_shipped(void **state)
{
	static const char *const pauses[][2] = {
		{"Twelve tokens", "tokens · t = 1"},
		{"p(pos) = ", "tokens · t = 2"},
		{"p(pos) = ", "tokens · t = 4"},
		{"It has just read “not”", "tokens · t = 4"},
		{"mean(i) = ", "tokens · t = 4"},
		{"mean(f) = ", "tokens · t = 4"},
		{"break 1: word == \"but\" · ", "unit 0 · t 7"},
		{"watch 2: p(pos) > 0.5 was", "tokens · t = "},
		{"So often each has been hit", "watch"},
		{"p(pos) = ", "edited · 1 edit · 12 tokens · t = 12"},
		{"And what if nothing", "edited · 1 edit"},
		{"p(pos) = ", "edited · 1 edit"},
		{"p(pos) = ", "12 tokens · t = 12"},
		{"That was the lesson", "12 tokens · t = 12"}};
	static char without[8192];
	const char *at = without;
	struct screen *s;

	sluice_says("train -q -c samples/english.ini --name a");
	snprintf(without, sizeof(without), "%s", sluice_says("--script samples/lesson.sluice"));
	s = sluice_start(*state, NULL, "--script=samples/lesson.sluice", "--tui");
	for (size_t k = 0; k < sizeof(pauses) / sizeof(*pauses); k++) {
		if (k)
			screen_key(s, "Enter");
		sluice_wait_message(s, next_line(&at, pauses[k][0]));
		screen_wait(s, pauses[k][1]);
		if (k + 1 < sizeof(pauses) / sizeof(*pauses))
			screen_wait(s, "goes on");
	}
	screen_wait_gone(s, "goes on");
	assert_false(screen_contains(s, "edited"));
	sluice_quit(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		AT_BOTH(a_pause_waits_for_the_class),     AT_SMALL(it_can_be_left),
		AT_SMALL(the_user_answers_what_is_asked), AT_LARGE(trouble_ends_it),
		AT_SMALL(it_waits_for_a_training),        AT_BOTH(the_lesson_that_is_shipped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
