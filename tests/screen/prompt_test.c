/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/screen/screen.h"
#include "tests/unit.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const demo[] = {"{build}/tests/term_demo", NULL};
static char folder[] = "/tmp/prompt_test.XXXXXX";

static struct screen *start(void)
{
	struct screen *s = screen_start(24, 80, NULL, demo);

	screen_wait(s, "demo");
	return s;
}

static void quit(struct screen *s)
{
	int status;

	screen_key(s, "q");
	status = screen_end(s);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	screen_check_restored(s);
	screen_close(s);
}

static void check_cursor(struct screen *s, int want)
{
	int row, col;

	screen_cursor(s, &row, &col);
	if (row != 23 || col != want) {
		screen_print(s);
		fail_msg("the cursor is at %d,%d instead of 23,%d", row, col, want);
	}
}

static void prompt_edits(void **state)
{
	struct screen *s = start();

	(void)state;
	screen_send(s, ":hello wide world");
	screen_wait_row(s, 23, ": hello wide world ");
	check_cursor(s, 18);
	assert_true(screen_cursor_visible(s));
	screen_keys(s, "C-w X C-a Y C-Right Z Del C-e ! Left Left Backspace Home");
	screen_wait_row(s, 23, ": YhelloZwideX!");
	check_cursor(s, 2);
	screen_keys(s, "End C-k C-u z M-z"); /* M-z is nothing, and says so by doing nothing */
	screen_wait_row(s, 23, ": z ");
	screen_keys(s, "C-z C-l"); /* belong to the screen */
	screen_wait(s, "C-l");
	screen_wait_row(s, 23, ": z ");
	screen_key(s, "Enter");
	screen_wait(s, "done [z]");
	assert_false(screen_cursor_visible(s));
	screen_keys(s, ": a b Esc");
	screen_wait(s, "cancelled");
	screen_keys(s, ": C-d");
	screen_wait_row(s, 23, "$");
	screen_keys(s, ": a C-c");
	screen_wait(s, "cancelled");
	screen_send(s, ":\033[200~two\rlines\there\033[201~");
	screen_wait_row(s, 23, ": two lines here ");
	screen_key(s, "Enter");
	screen_wait(s, "done [two lines here]");
	quit(s);
}

static void prompt_knows_widths(void **state)
{
	static const char *const long_label[] = {"{build}/tests/term_demo", "", "label> ", NULL};
	struct screen *s = start();

	(void)state;
	screen_send(s, ":中文 e\xcc\x81🚀x");
	screen_wait_row(s, 23, ": 中文 e\xcc\x81🚀x ");
	check_cursor(s, 2 + 4 + 1 + 1 + 2 + 1);
	screen_keys(s, "Left Left");
	screen_keys(s, "Left Left Left");
	screen_key(s, "y");
	screen_wait_row(s, 23, ": 中y文 e\xcc\x81🚀x ");
	check_cursor(s, 5);
	screen_key(s, "Enter");
	screen_wait(s, "done [中y文 e\xcc\x81🚀x]");
	quit(s);
	s = screen_start(24, 40, NULL, long_label); /* a line of several widths */
	screen_wait(s, "demo");
	screen_key(s, ":");
	for (int k = 0; k < 30; k++)
		screen_send(s, "ab中d ");
	screen_key(s, "!");
	screen_wait_row(s, 23, "d !");
	assert_true(screen_contains(s, "label> <"));
	screen_keys(s, "Home");
	screen_wait_row(s, 23, "label> ab中d ");
	screen_wait_row(s, 23, ">");
	check_cursor(s, 7);
	for (int k = 0; k < 60; k++)
		screen_key(s, "Right");
	screen_keys(s, "#");
	screen_wait_row(s, 23, "#");
	screen_keys(s, "Enter q");
	assert_int_equal(screen_end(s), 0);
	screen_close(s);
}

static void prompt_completes(void **state)
{
	struct screen *s = start();

	(void)state;
	screen_keys(s, ": x Space t r Tab");
	screen_wait_row(s, 6, "tra");
	screen_wait(s, "trunc/");
	screen_keys(s, "u");
	screen_wait_gone(s, "trace");
	screen_keys(s, "Tab");
	screen_wait_row(s, 23, ": x trunc/ ");
	check_cursor(s, 10);
	screen_keys(s, "C-w g r ö Tab");
	screen_wait_row(s, 23, ": x größe ");
	check_cursor(s, 10);
	screen_keys(s, "q q Tab"); /* nothing begins so: no bell, no file names */
	screen_keys(s, "Enter");
	screen_wait(s, "done [x größe qq]");
	assert_false(screen_sent(s, "\a"));
	quit(s);
}

static void prompt_remembers(void **state)
{
	char path[64];
	const char *const argv[] = {"{build}/tests/term_demo", path, NULL};
	struct screen *s;
	struct stat st;

	(void)state;
	snprintf(path, sizeof(path), "%s/history", folder);
	for (int round = 0; round < 2; round++) {
		s = screen_start(24, 80, NULL, argv);
		screen_wait(s, "demo");
		if (round == 0) {
			screen_send(s, ":first line\r");
			screen_wait(s, "done [first line]");
			screen_send(s, ":second größe\r:second größe\r");
			screen_wait(s, "done [second größe]");
		}
		screen_keys(s, ": Up");
		screen_wait_row(s, 23, ": second größe ");
		check_cursor(s, 14);
		screen_key(s, "Up");
		screen_wait_row(s, 23, ": first line ");
		screen_keys(s, "Down Down C-r f i");
		screen_wait_row(s, 23, "(reverse-i-search)`fi': first line");
		screen_key(s, "Esc"); /* ends the search, not the prompt */
		screen_wait_gone(s, "reverse");
		screen_keys(s, "C-u C-r s e c Enter");
		screen_wait(s, "done [second größe]");
		quit(s);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 0777, 0600);
	}
}

static int set_up(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int clean_up(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prompt_edits),
		cmocka_unit_test(prompt_knows_widths),
		cmocka_unit_test(prompt_completes),
		cmocka_unit_test(prompt_remembers),
	};

	return cmocka_run_group_tests(tests, set_up, clean_up);
}
