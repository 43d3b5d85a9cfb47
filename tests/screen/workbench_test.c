/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The workbench while it trains: pausing, leaving, signals, resizing, rest. */
#include "tests/screen/sluice.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

enum { DRAWN_ROWS = 40, DRAWN_SIZE = 1024 };

/* The rows of the plots, as text. */
struct drawing {
	char row[DRAWN_ROWS][DRAWN_SIZE];
	int rows;
};

static void copy_plots(struct screen *s, struct drawing *d)
{
	int rows, cols;

	screen_size(s, &rows, &cols);
	d->rows = rows / 2;
	for (int k = 0; k < d->rows; k++)
		snprintf(d->row[k], DRAWN_SIZE, "%s", screen_text(s, k + 3)); /* below the legend */
}

static bool plots_differ(struct screen *s, void *data)
{
	const struct drawing *d = data;

	for (int k = 0; k < d->rows; k++)
		if (strcmp(d->row[k], screen_text(s, k + 3)) != 0)
			return true;
	return false;
}

static bool dots_are_drawn(struct screen *s, void *data)
{
	struct drawing d;

	(void)data;
	copy_plots(s, &d);
	for (int k = 0; k < d.rows; k++)
		for (const char *at = d.row[k]; *at; at++)
			if (!strncmp(at, "\xe2\xa0", 2) ||
			    !strncmp(at, "\xe2\xa1", 2)) /* braille */
				return true;
	return false;
}

static void the_sample_is_trained(void **state)
{
	struct screen *s = sluice_sample(*state);
	static struct drawing empty;
	const char *runs;

	sluice_wait_frames(s, 4);
	sluice_wait_step(s, 0);
	screen_wait(s, "space starts training");
	screen_wait(s, "loss, nats");
	screen_wait(s, "accuracy");
	assert_false(dots_are_drawn(s, NULL));
	copy_plots(s, &empty);
	screen_key(s, "Space");
	sluice_wait_top(s, "finished · epoch 15 · step 345");
	sluice_wait_message(s, "classify-standard finished");
	screen_wait_for(s, plots_differ, &empty, "curves");
	screen_wait_for(s, dots_are_drawn, NULL, "dots");
	sluice_wait_step(s, 345);
	screen_wait(s, "p(pos)"); /* the pinned sentence has its gates */
	sluice_wait_frames(s, 4);
	sluice_quit(s);
	runs = sluice_says("runs --json");
	assert_non_null(strstr(runs, "\"status\":\"finished\",\"epochs\":15,\"steps\":345,"));
}

static void curves_move(void **state)
{
	struct screen *s = sluice_training(*state);
	static struct drawing before;
	const int epoch = sluice_epoch(s), step = sluice_step(s);

	screen_wait_for(s, dots_are_drawn, NULL, "curves");
	copy_plots(s, &before);
	screen_wait_for(s, plots_differ, &before, "other curves");
	sluice_wait_epoch(s, epoch + 2);
	sluice_wait_step_past(s, step);
	sluice_close(s);
}

static void pause_step_rate_stop(void **state)
{
	struct screen *s = sluice_training(*state);
	int step;

	screen_key(s, "Space");
	sluice_wait_top(s, "paused · epoch");
	screen_listen(s, 150); /* what was under way is on the screen */
	step = sluice_step(s);
	assert_true(step > 0);
	for (int k = 1; k <= 3; k++) {
		screen_key(s, ".");
		sluice_wait_step(s, step + k);
		sluice_wait_top(s, "paused · epoch");
		screen_listen(s, 100);
		assert_int_equal(sluice_step(s), step + k);
	}
	screen_send(s, "....");
	sluice_wait_step(s, step + 7);
	screen_wait(s, "1.00e-02");
	screen_key(s, "+");
	screen_wait(s, "1.25e-02");
	screen_key(s, "-");
	screen_wait(s, "1.00e-02");
	screen_send(s, "++"); /* faster than the trainer answers */
	screen_wait(s, "1.56e-02");
	sluice_wait_message(s, "learning rate 0.0156");
	screen_send(s, ":rate 0.001\r");
	screen_wait(s, "1.00e-03");
	screen_send(s, ":rate fast\r");
	sluice_wait_message(s, "rate takes up, down or a number above 0, not 'fast'");
	screen_key(s, "Space");
	sluice_wait_top(s, "training · epoch");
	sluice_wait_epoch(s, sluice_epoch(s) + 1);
	screen_key(s, "S");
	sluice_wait_top(s, "stopped · epoch");
	screen_key(s, "+");
	sluice_wait_message(s, "nothing is being trained");
	step = sluice_step(s);
	sluice_quit(s);
	assert_non_null(strstr(sluice_says("runs --json"), "\"status\":\"stopped\""));
	assert_int_equal(
		atoi(sluice_says("query 'SELECT max(step) AS s FROM checkpoints' | tail -1")),
		step);
}

static void keys_answer_while_training(void **state)
{
	struct screen *s = sluice_training(*state);

	for (int round = 0; round < 3; round++) {
		sluice_view(s, "4", "ordered by created");
		screen_wait(s, "running");
		sluice_view(s, "2", "= z_");
		sluice_view(s, "5", "Questions to the store");
		sluice_view(s, "6", "level   run");
		screen_wait(s, "status");
		sluice_view(s, "?", "Keys everywhere");
		screen_key(s, "?");
		sluice_view(s, "1", "loss, nats");
		sluice_wait_top(s, "training · epoch");
	}
	sluice_view(s, "2", "t = 1"); /* the weights change under the cursor: it stays */
	screen_keys(s, "Right Right");
	screen_wait(s, "t = 3");
	screen_key(s, "Left");
	screen_wait(s, "t = 2");
	sluice_close(s);
}

static bool fits(struct screen *s, void *data)
{
	int rows, cols, row, col;
	char size[64];

	(void)data;
	screen_size(s, &rows, &cols);
	if (rows < 12 || cols < 40) {
		snprintf(size, sizeof(size), "this is %d×%d", cols, rows);
		return screen_contains(s, size) && screen_contains(s, "sluice needs 40×12");
	}
	/* The store's name ends the second line where it has room. */
	return screen_contains(s, cols < 46 ? "1Train" : "1 Train") &&
	       screen_contains(s, cols < 46 ? "6Log" : "6 Log") &&
	       (cols < 60 || (screen_find(s, "s.db", &row, &col) && row == 1 && col == cols - 5)) &&
	       screen_contains(s, "loss, nats") &&
	       !strncmp(screen_text(s, rows - 1), " space start, pause", 19);
}

static void resize_storm(void **state)
{
	static const int sizes[][2] = {{100, 300}, {12, 40},  {11, 39}, {36, 120},
				       {11, 80},   {24, 80},  {24, 39}, {6, 24},
				       {60, 45},   {12, 200}, {24, 81}};
	struct screen *s = sluice_training(*state);
	const struct size *z = *state;
	unsigned seed = 7;

	for (size_t k = 0; k < sizeof(sizes) / sizeof(*sizes); k++) {
		screen_resize(s, sizes[k][0], sizes[k][1]);
		screen_wait_for(s, fits, NULL, "the new size");
		sluice_wait_frames(s, sizes[k][0] < 12 || sizes[k][1] < 40 ? FRAMES_NONE
									   : FRAMES_SOME);
	}
	for (int k = 0; k < 60; k++) { /* faster than anyone draws */
		seed = seed * 1103515245 + 12345;
		screen_resize(s, 1 + (int)(seed >> 16) % 100, 1 + (int)(seed >> 8) % 300);
		screen_listen(s, 2);
	}
	screen_resize(s, z->rows, z->cols);
	screen_wait_for(s, fits, NULL, "the first size");
	sluice_wait_frames(s, 4);
	sluice_wait_epoch(s, sluice_epoch(s) + 1);
	screen_resize(s, 5, 20); /* keys work where nothing can be shown */
	screen_wait(s, "this is 20×5");
	screen_keys(s, "4");
	screen_resize(s, z->rows, z->cols);
	screen_wait(s, "ordered by created");
	sluice_close(s);
}

static void rest(struct screen *s)
{
	long ticks;

	while (screen_listen(s, 200))
		continue;
	ticks = screen_cpu_ticks(s);
	assert_int_equal(screen_listen(s, 1000), 0);
	assert_in_range(screen_cpu_ticks(s) - ticks, 0, SANITIZED);
}

static void rest_costs_nothing(void **state)
{
	struct screen *s = sluice_sample(*state);

	rest(s);
	screen_key(s, "Space");
	sluice_wait_top(s, "finished");
	rest(s);
	sluice_quit(s);
}

/* The run of the store is stopped, at a step that it can be looked at. */
static void check_saved(void)
{
	assert_non_null(strstr(sluice_says("runs --json"), "\"status\":\"stopped\""));
	assert_true(
		atoi(sluice_says(
			"query 'SELECT count(*) AS n FROM checkpoints c JOIN runs r USING (run) "
			"WHERE c.step = r.steps AND c.step > 0' | tail -1")) == 1);
	assert_non_null(
		strstr(sluice_says("trace last@last --text good --json"), "\"tokens\":[\"good\"]"));
}

static void leaving_asks(void **state)
{
	struct screen *s = sluice_training(*state);
	int epoch;

	screen_key(s, "C-c");
	screen_wait(s, "Training is under way. Stop it with a checkpoint and leave? [y/N]");
	screen_key(s, "n");
	screen_wait_gone(s, "Training is under way.");
	epoch = sluice_epoch(s);
	sluice_wait_epoch(s, epoch + 1);
	screen_key(s, "q");
	screen_wait(s, "Training is under way.");
	screen_key(s, "Enter"); /* no is what it takes it for */
	screen_wait_gone(s, "Training is under way.");
	sluice_wait_epoch(s, sluice_epoch(s) + 1);
	screen_signal(s, SIGINT);
	screen_wait(s, "Training is under way.");
	screen_key(s, "y");
	sluice_exit(s, 0);
	check_saved();
}

static void signals_save(void **state)
{
	static const int sig[] = {SIGTERM, SIGHUP};

	for (int k = 0; k < 2; k++) {
		struct screen *s = sluice_training(*state);

		screen_signal(s, sig[k]);
		sluice_exit(s, 128 + sig[k]);
		check_saved();
		unlink(sluice_path("s.db"));
	}
}

static void paused_runs_are_saved_too(void **state)
{
	struct screen *s = sluice_training(*state);

	screen_key(s, "Space");
	sluice_wait_top(s, "paused · epoch");
	screen_signal(s, SIGTERM);
	sluice_exit(s, 128 + SIGTERM);
	check_saved();
}

static void the_terminal_vanishes(void **state)
{
	struct screen *s = sluice_training(*state);
	int status;

	screen_hangup(s);
	status = screen_end(s);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 128 + SIGHUP);
	sluice_close(s);
	check_saved();
}

/* Ready but never begun: there is nothing to save, and no run in the store. */
static void ready_is_left_at_once(void **state)
{
	static const int sig[] = {SIGTERM, SIGINT};
	static const int code[] = {128 + SIGTERM, 0};

	for (int k = 0; k < 2; k++) {
		struct screen *s = sluice_sample(*state);

		screen_signal(s, sig[k]);
		sluice_exit(s, code[k]);
	}
	assert_string_equal(sluice_says("query 'SELECT count(*) AS n FROM runs' | tail -1"), "0\n");
}

static bool shell_waits(struct screen *s, void *data)
{
	int row, col;

	(void)data;
	screen_cursor(s, &row, &col);
	return !screen_alternate(s) && !strcmp(screen_text(s, row), "$");
}

static void stop_and_continue(void **state)
{
	static const char *const bash[] = {"bash",        "--norc", "--noprofile",
					   "--noediting", "-i",     NULL};
	const struct size *z = *state;
	const char *build = getenv("BUILD");
	struct screen *s;
	char line[512];

	s = screen_start(z->rows, z->cols, NULL, bash);
	screen_wait(s, "$");
	snprintf(line, sizeof(line), "SLUICE_STORE=%s ", sluice_path("s.db"));
	snprintf(line + strlen(line), sizeof(line) - strlen(line), "%s/sluice -c %s\r",
		 build ? build : "build", sluice_long_training());
	screen_send(s, line);
	sluice_wait_top(s, "ready · 20000 epochs");
	screen_key(s, "Space");
	sluice_wait_epoch(s, 2);
	for (int round = 0; round < 2; round++) {
		screen_key(s, "C-z");
		screen_wait(s, "Stopped");
		screen_wait_for(s, shell_waits, NULL, "the shell");
		assert_true(screen_cursor_visible(s));
		screen_send(s, "clear; fg\r");
		sluice_wait_top(s, "training · epoch");
		assert_true(screen_alternate(s));
		sluice_wait_epoch(s, sluice_epoch(s) + 1);
		sluice_wait_frames(s, 4);
	}
	screen_keys(s, "q y");
	screen_wait_for(s, shell_waits, NULL, "the shell");
	screen_send(s, "echo status $?; exit\r");
	assert_int_equal(screen_end(s), 0);
	assert_true(screen_contains(s, "status 0"));
	screen_close(s);
	check_saved();
}

static void a_crash_restores_the_terminal(void **state)
{
	struct screen *s = sluice_training(*state);
	int status;

	screen_signal(s, SIGSEGV);
	status = screen_end(s);
	screen_check_restored(s);
	assert_true(screen_contains(s, "sluice: crashed by signal 11"));
	if (SANITIZED) /* a sanitizer's own handler comes after ours */
		assert_int_not_equal(status, 0);
	else
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	sluice_close(s);
	s = sluice_start(*state, NULL, NULL, NULL); /* the store is whole */
	sluice_view(s, "4", "ordered by created");
	screen_wait(s, "classify-standard");
	screen_wait(s, "crashed"); /* nobody trains it any more */
	sluice_quit(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		AT_BOTH(the_sample_is_trained),
		AT_BOTH(curves_move),
		AT_BOTH(pause_step_rate_stop),
		AT_BOTH(keys_answer_while_training),
		AT_BOTH(resize_storm),
		AT_SMALL(rest_costs_nothing),
		AT_BOTH(leaving_asks),
		AT_SMALL(signals_save),
		AT_LARGE(paused_runs_are_saved_too),
		AT_SMALL(the_terminal_vanishes),
		AT_SMALL(ready_is_left_at_once),
		AT_BOTH(stop_and_continue),
		AT_LARGE(a_crash_restores_the_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
