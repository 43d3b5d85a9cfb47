/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/screen/screen.h"
#include "tests/unit.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

static const char *const demo[] = {"{build}/tests/term_demo", NULL};
static char folder[] = "/tmp/term_test.XXXXXX";

static struct screen *start(int rows, int cols, const char *const *env)
{
	struct screen *s = screen_start(rows, cols, env, demo);

	screen_wait(s, "demo");
	screen_wait_row(s, rows - 1, "$");
	return s;
}

static struct screen_cell cell_of(struct screen *s, const char *word)
{
	int row = 0, col = 0;

	if (!screen_find(s, word, &row, &col))
		fail_msg("%s is not on the screen", word);
	return screen_cell(s, row, col);
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

static void colours_256(void **state)
{
	struct screen *s = start(24, 80, NULL);

	(void)state;
	assert_true(screen_contains(s, "demo 24x80 colours 256 ascii 0"));
	assert_int_equal(cell_of(s, "red").fg, 1);
	assert_int_equal(cell_of(s, "red").bg, -1);
	assert_int_equal(cell_of(s, "bright").fg, 12);
	assert_int_equal(cell_of(s, "rgb").bg, 236); /* (40,50,60) is nearest to grey 48 */
	assert_int_equal(cell_of(s, "far").fg, 200);
	assert_int_equal(cell_of(s, "far").bg, 22);
	assert_true(cell_of(s, "bold").bold);
	assert_true(cell_of(s, "line").underline);
	assert_true(cell_of(s, "turned").reverse);
	assert_true(screen_alternate(s));
	assert_false(screen_cursor_visible(s));
	quit(s);
}

static void colours_direct(void **state)
{
	static const char *const env[] = {"COLORTERM=truecolor", NULL};
	struct screen *s = start(24, 80, env);

	(void)state;
	assert_true(screen_contains(s, "colours 16777216"));
	assert_int_equal(cell_of(s, "red").fg, 1);
	assert_int_equal(cell_of(s, "bright").fg, 12);
	assert_int_equal(cell_of(s, "rgb").bg, 0x1000000 | 0x28323c);
	assert_int_equal(cell_of(s, "far").fg, 200);
	assert_int_equal(cell_of(s, "dark").fg, 0x1000000 | 0x000105);
	assert_int_equal(cell_of(s, "dark").bg, 0x1000000 | 0xffff00);
	screen_key(s, "m"); /* more pairs of colours than there are */
	screen_wait(s, "key 1 m");
	assert_int_equal(cell_of(s, "rgb").bg, 0x1000000 | 0x28323c);
	assert_int_equal(cell_of(s, "red").fg, 1);
	assert_int_equal(cell_of(s, "key").fg, -1);
	screen_key(s, ":"); /* readline looks into terminfo; colours stay */
	screen_key(s, "C-l");
	screen_wait_row(s, 23, ":");
	assert_int_equal(cell_of(s, "rgb").bg, 0x1000000 | 0x28323c);
	screen_key(s, "Esc");
	screen_wait(s, "cancelled");
	quit(s);
}

static void colours_of_an_rgb_entry(void **state)
{
	char home[64], command[256];
	const char *const env[] = {home, "TERM=demo-direct", NULL};
	struct screen *s;

	(void)state;
	snprintf(home, sizeof(home), "TERMINFO=%s", folder);
	snprintf(command, sizeof(command),
		 "printf 'demo-direct|d,\\n\\tRGB, colors#0x1000000, pairs#0x10000,\\n"
		 "\\tuse=xterm-256color,\\n' >%s/entry && tic -x -o %s %s/entry 2>/dev/null",
		 folder, folder, folder);
	if (system(command) != 0)
		skip();
	s = start(24, 80, env);
	assert_true(screen_contains(s, "colours 16777216"));
	assert_int_equal(cell_of(s, "rgb").bg, 0x1000000 | 0x28323c);
	quit(s);
}

static void colours_8(void **state)
{
	static const char *const env[] = {"TERM=linux", NULL};
	struct screen *s = start(24, 80, env);

	(void)state;
	assert_true(screen_contains(s, "colours 8"));
	assert_int_equal(cell_of(s, "red").fg, 1);
	assert_int_equal(cell_of(s, "bright").fg, 4);
	assert_true(cell_of(s, "bright").bold);
	assert_int_equal(cell_of(s, "rgb").bg, 0);
	assert_int_equal(cell_of(s, "far").fg, 5);
	assert_false(screen_sent(s, "?2026h"));
	screen_key(s, "m"); /* far more than 64 pairs */
	screen_wait(s, "key 1 m");
	assert_int_equal(cell_of(s, "red").fg, 1);
	quit(s);
}

static void check_no_colour_sent(struct screen *s)
{
	size_t n;
	const char *at = screen_bytes(s, &n);

	while ((at = strstr(at, "\033["))) {
		const char *end = at + 2 + strspn(at + 2, "0123456789;");

		at += 2;
		while (*end == 'm' && at < end) { /* the colours are 30 and above */
			assert_in_range(strtol(at, NULL, 10), 0, 29);
			at += strcspn(at, ";m") + 1;
		}
		at = end;
	}
}

static void no_colours(void **state)
{
	static const char *const vt100[] = {"TERM=vt100", "LINES=10", "COLUMNS=20", NULL};
	static const char *const no[] = {"NO_COLOR=1", "COLORTERM=truecolor", NULL};
	static const char *const empty[] = {"NO_COLOR=", NULL};
	struct screen *s = start(24, 80, vt100);

	(void)state;
	assert_true(screen_contains(s, "colours 0"));
	assert_int_equal(cell_of(s, "far").fg, -1);
	assert_true(cell_of(s, "bold").bold);
	quit(s);
	s = start(24, 80, no);
	assert_true(screen_contains(s, "colours 0"));
	assert_int_equal(cell_of(s, "far").bg, -1);
	check_no_colour_sent(s);
	quit(s);
	s = start(24, 80, empty); /* does not count */
	assert_true(screen_contains(s, "colours 256"));
	quit(s);
}

static void ascii_locale(void **state)
{
	static const char *const env[] = {"LC_ALL=C", NULL};
	struct screen *s = start(24, 80, env);
	size_t n;
	const char *bytes = screen_bytes(s, &n);

	(void)state;
	assert_true(screen_contains(s, "ascii 1"));
	for (size_t k = 0; k < n; k++)
		assert_true((unsigned char)bytes[k] < 0x80);
	screen_send(s, ":a\xc3\xa9z\r"); /* nothing but ASCII can be typed */
	screen_wait(s, "done [az]");
	quit(s);
}

static void wide_characters(void **state)
{
	struct screen *s = start(24, 80, NULL);
	int row = 0, col = 0;

	(void)state;
	assert_true(screen_find(s, "⣿", &row, &col));
	assert_int_equal(row, 2);
	assert_int_equal(col, 1 + 4 + 1 + 1 + 1 + 2 + 1);
	assert_string_equal(screen_cell(s, 2, 6).text, "e\xcc\x81");
	assert_string_equal(screen_cell(s, 2, 1).text, "中");
	assert_int_equal(screen_cell(s, 2, 1).width, 2);
	assert_int_equal(screen_cell(s, 2, 2).width, 0);
	assert_string_equal(screen_cell(s, 23, 79).text, "$");
	assert_true(screen_cell(s, 22, 79).text[0] <= ' ');
	quit(s);
}

static void the_same_frame_sends_nothing(void **state)
{
	struct screen *s = start(24, 80, NULL);
	size_t n, before;

	(void)state;
	screen_bytes(s, &before);
	screen_key(s, "w");
	screen_wait(s, "key 1 w"); /* after a hundred frames */
	screen_bytes(s, &n);
	assert_in_range(n - before, 1, 100);
	assert_true(screen_sent(s, "\033[?2026h"));
	quit(s);
}

static void idle_costs_nothing(void **state)
{
	struct screen *s = start(24, 80, NULL);
	long ticks;

	(void)state;
	screen_listen(s, 100);
	ticks = screen_cpu_ticks(s);
	assert_int_equal(screen_listen(s, 1000), 0);
	assert_in_range(screen_cpu_ticks(s) - ticks, 0, 1);
	quit(s);
}

static void keys_arrive(void **state)
{
	static const char *const names[] = {
		"b",    "Up",      "Down",  "Left", "Right", "Home", "End",
		"PgUp", "PgDn",    "Ins",   "Del",  "F1",    "F5",   "F12",
		"Tab",  "S-Tab",   "Enter", "Esc",  "C-Up",  "M-b",  "S-Left",
		"C-c",  "C-Space", "Space", "é",    "中",    "🚀",    "Backspace"};
	struct screen *s = start(24, 80, NULL);
	char text[64];
	int sent = 0;

	(void)state;
	for (size_t k = 0; k < sizeof(names) / sizeof(*names); k++) {
		if (!strcmp(names[k], "C-Space"))
			continue; /* libvterm sends it otherwise than xterm */
		screen_key(s, names[k]);
		snprintf(text, sizeof(text), "key %d %s", ++sent, names[k]);
		screen_wait_row(s, 3, text);
	}
	screen_send(s, "\033[200~q\033[201~"); /* pasted: not a command */
	snprintf(text, sizeof(text), "key %d q", sent + 100);
	screen_wait_row(s, 3, text);
	quit(s);
}

static bool fits(struct screen *s, void *data)
{
	int rows, cols, row, col;
	char head[32];

	(void)data;
	screen_size(s, &rows, &cols);
	snprintf(head, sizeof(head), "demo %dx%d", rows, cols);
	head[cols < 31 ? cols : 31] = '\0';
	if (head[strlen(head) - 1] == ' ')
		head[strlen(head) - 1] = '\0';
	return screen_find(s, head, &row, &col) && row == 0 && col == 0 &&
	       !strcmp(screen_cell(s, rows - 1, cols - 1).text, "$");
}

static void resize_storm(void **state)
{
	static const int sizes[][2] = {{100, 300}, {12, 40}, {3, 10},  {36, 120}, {2, 5},
				       {24, 80},   {5, 200}, {60, 30}, {24, 81}};
	struct screen *s = start(24, 80, NULL), *fresh;
	char *after[24];
	unsigned seed = 7;

	(void)state;
	for (size_t k = 0; k < sizeof(sizes) / sizeof(*sizes); k++) {
		screen_resize(s, sizes[k][0], sizes[k][1]);
		screen_wait_for(s, fits, NULL, "the new size");
	}
	for (int k = 0; k < 200; k++) { /* faster than anyone draws */
		seed = seed * 1103515245 + 12345;
		screen_resize(s, 1 + (int)(seed >> 16) % 100, 1 + (int)(seed >> 8) % 300);
		screen_listen(s, 2);
	}
	screen_resize(s, 24, 80);
	screen_key(s, "C-l");
	screen_wait(s, "key 1 C-l");
	screen_wait_for(s, fits, NULL, "the last size");
	for (int row = 0; row < 24; row++)
		after[row] = strdup(screen_text(s, row));
	quit(s);
	fresh = start(24, 80, NULL);
	for (int row = 0; row < 24; row++) {
		if (row != 3 && row != 4)
			assert_string_equal(screen_text(fresh, row), after[row]);
		free(after[row]);
	}
	quit(fresh);
}

static void stop_and_continue(void **state)
{
	static const char *const bash[] = {"bash",        "--norc", "--noprofile",
					   "--noediting", "-i",     NULL};
	struct screen *s = screen_start(24, 80, NULL, bash);
	const char *build = getenv("BUILD");

	(void)state;
	screen_wait(s, "$");
	for (int round = 0; round < 2; round++) {
		if (round == 0) {
			screen_send(s, build ? build : "build");
			screen_send(s, "/tests/term_demo\r");
		} else {
			screen_send(s, "clear; fg\r"); /* away with the old "Stopped" */
		}
		screen_wait_row(s, 0, round ? "demo 30x100" : "demo 24x80");
		screen_wait_row(s, round ? 29 : 23, "$");
		assert_true(screen_alternate(s));
		screen_key(s, "C-z");
		screen_wait(s, "Stopped");
		assert_false(screen_alternate(s));
		assert_true(screen_cursor_visible(s));
		screen_send(s, "echo e''cho\r"); /* the shell's own modes are back */
		screen_wait(s, "echo");
		screen_resize(s, 30, 100); /* while stopped */
	}
	screen_send(s, "clear; fg\r");
	screen_wait_row(s, 0, "demo 30x100");
	screen_send(s, "q");
	screen_wait(s, "bye");
	screen_send(s, "exit\r");
	assert_int_equal(screen_end(s), 0);
	screen_close(s);
}

static void signals(void **state)
{
	static const int fatal[] = {SIGTERM, SIGHUP};
	struct screen *s = start(24, 80, NULL);
	int status;

	(void)state;
	screen_signal(s, SIGINT);
	screen_wait(s, "event interrupt");
	screen_signal(s, SIGTSTP); /* no shell here that could continue it: goes on at once */
	screen_wait(s, "event stop");
	screen_signal(s, SIGSTOP);
	screen_signal(s, SIGCONT);
	screen_wait(s, "event continued");
	quit(s);
	for (int k = 0; k < 2; k++) {
		s = start(24, 80, NULL);
		screen_signal(s, fatal[k]);
		status = screen_end(s);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 128 + fatal[k]);
		screen_check_restored(s);
		screen_close(s);
	}
}

static void a_second_sigterm_ends_what_hangs(void **state)
{
	struct screen *s = start(24, 80, NULL);
	int status;

	(void)state;
	screen_key(s, "h");
	screen_wait(s, "hangs");
	while (screen_listen(s, 50)) /* the rest of the frame */
		continue;
	screen_signal(s, SIGTERM);
	assert_int_equal(screen_listen(s, 100), 0);
	screen_signal(s, SIGTERM);
	status = screen_end(s);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGTERM);
	screen_check_restored(s);
	screen_close(s);
}

static void the_terminal_vanishes(void **state)
{
	struct screen *s = start(24, 80, NULL);
	int status;

	(void)state;
	screen_hangup(s);
	status = screen_end(s);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 128 + SIGHUP);
	screen_close(s);
}

static void crashes(void **state)
{
	static const struct {
		const char *key;
		int sig;
	} cases[] = {{"c", SIGSEGV}, {"t", SIGSEGV}, {"o", SIGSEGV}, {"a", SIGABRT}};
	static const int sent[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL};
	struct screen *s;
	char text[64];
	int status;

	(void)state;
	for (size_t k = 0; k < 8; k++) {
		const int sig = k < 4 ? cases[k].sig : sent[k - 4];

		s = start(24, 80, NULL);
		screen_keys(s, "d e"); /* a line that nobody has read is not lost */
		screen_wait(s, "key 2 e");
		if (k < 4)
			screen_key(s, cases[k].key);
		else
			screen_signal(s, sig);
		status = screen_end(s);
		screen_check_restored(s);
		if (SANITIZED) { /* a sanitizer's own handler comes after ours */
			assert_int_not_equal(status, 0);
		} else {
			assert_true(WIFSIGNALED(status));
			assert_int_equal(WTERMSIG(status), sig);
		}
		snprintf(text, sizeof(text), "sluice: crashed by signal %d", sig);
		assert_true(screen_contains(s, text));
		assert_true(screen_contains(s, "a stray line"));
		screen_close(s);
	}
	s = start(24, 80, NULL);
	screen_key(s, "x"); /* exit from the middle */
	status = screen_end(s);
	assert_int_equal(WEXITSTATUS(status), 3);
	screen_check_restored(s);
	screen_close(s);
}

static void stray_output_is_caught(void **state)
{
	struct screen *s = start(24, 80, NULL);

	(void)state;
	screen_key(s, "e");
	screen_wait(s, "log a stray line/a printed line/");
	screen_keys(s, "d e");
	screen_wait(s, "key 3 e");
	screen_key(s, "q");
	assert_int_equal(screen_end(s), 0);
	assert_true(screen_contains(s, "a stray line"));
	assert_true(screen_contains(s, "bye"));
	screen_check_restored(s);
	screen_close(s);
}

static void terminals_that_will_not_do(void **state)
{
	static const char *const env[][2] = {
		{"TERM=dumb", NULL}, {"TERM=no-such", NULL}, {"TERM", NULL}};
	static const char *const piped[] = {"sh", "-c", "{build}/tests/term_demo | cat", NULL};
	static const char *const says[] = {"'dumb' cannot place the cursor",
					   "unknown terminal 'no-such'", "TERM is not set"};
	struct screen *s;

	(void)state;
	for (int k = 0; k < 3; k++) {
		s = screen_start(24, 80, env[k], demo);
		assert_int_equal(WEXITSTATUS(screen_end(s)), 1);
		assert_true(screen_contains(s, says[k]));
		assert_false(screen_sent(s, "\033"));
		screen_check_restored(s);
		screen_close(s);
	}
	s = screen_start(24, 80, NULL, piped);
	screen_end(s);
	assert_true(screen_contains(s, "not a terminal"));
	screen_close(s);
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
		cmocka_unit_test(colours_256),
		cmocka_unit_test(colours_direct),
		cmocka_unit_test(colours_of_an_rgb_entry),
		cmocka_unit_test(colours_8),
		cmocka_unit_test(no_colours),
		cmocka_unit_test(ascii_locale),
		cmocka_unit_test(wide_characters),
		cmocka_unit_test(the_same_frame_sends_nothing),
		cmocka_unit_test(idle_costs_nothing),
		cmocka_unit_test(keys_arrive),
		cmocka_unit_test(resize_storm),
		cmocka_unit_test(stop_and_continue),
		cmocka_unit_test(signals),
		cmocka_unit_test(a_second_sigterm_ends_what_hangs),
		cmocka_unit_test(the_terminal_vanishes),
		cmocka_unit_test(crashes),
		cmocka_unit_test(stray_output_is_caught),
		cmocka_unit_test(terminals_that_will_not_do),
	};

	return cmocka_run_group_tests(tests, set_up, clean_up);
}
