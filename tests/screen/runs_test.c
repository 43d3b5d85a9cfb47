/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What has been kept: runs, questions to the store, and the console. */
#include "tests/screen/sluice.h"

static const char endless[] =
	":WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n) SELECT count(*) FROM n\r";

static void answer(struct screen *s, const char *key, const char *prompt, const char *line)
{
	screen_key(s, key);
	screen_wait(s, prompt);
	screen_key(s, "C-u"); /* what stood there */
	screen_send(s, line);
	screen_key(s, "Enter");
}

static void runs_outlive_the_program(void **state)
{
	struct screen *s = sluice_trained(*state);
	const struct size *z = *state;

	sluice_quit(s);
	s = sluice_start(z, NULL, NULL, NULL); /* the latest run opens */
	sluice_wait_top(s, "finished · epoch 15 · step 345");
	screen_wait(s, "345 of 345");
	sluice_view(s, "4", "1 run · ordered by created");
	screen_wait(s, "classify-standard");
	assert_true(screen_contains(s, "finished"));
	screen_key(s, "Enter");
	sluice_wait_message(s, "is open at epoch 15");
	sluice_view(s, "2", "12 tokens · t = 1"); /* one to begin with */
	screen_send(s, "ithe food was not good\r");
	screen_wait(s, "5 tokens · t = 1");
	screen_wait(s, "= z_i");
	sluice_wait_frames(s, z->cols >= 100 ? 8 : 4);
	sluice_view(s, "1", "p(");
	screen_key(s, "Space"); /* the sample is at hand, and trained anew if that is meant */
	screen_wait(s, "Begin a new run on english.tsv? [y/N]");
	screen_key(s, "y");
	sluice_wait_message(s, "classify-standard-2 finished");
	sluice_view(s, "4", "2 runs · ordered by created");
	sluice_quit(s);
}

static void runs_are_changed(void **state)
{
	struct screen *s;
	const struct size *z = *state;
	char line[64];
	const char *id;

	sluice_train("first");
	id = strstr(sluice_says("runs --json"), "\"run\":\"") + 7;
	snprintf(line, sizeof(line), ":restore %.8s\r", id);
	s = sluice_start(z, NULL, NULL, NULL);
	sluice_view(s, "4", "1 run · ordered by created");
	screen_wait(s, " first ");
	answer(s, "r", "new name: first", "größer 中文");
	sluice_wait_message(s, "is now called größer 中文");
	screen_wait_row(s, 4, "größer 中文");
	answer(s, "t", "tag (-tag takes one off):", "keep");
	sluice_wait_message(s, "has the tag keep");
	answer(s, "w", "note:", "a remark of mine");
	sluice_wait_message(s, "has the note a remark of mine");
	if (z->cols >= 100) {
		screen_wait_row(s, 4, "keep");
		screen_wait_row(s, 4, "a remark of");
	}
	answer(s, "t", "tag (-tag takes one off):", "-keep");
	sluice_wait_message(s, "no longer has the tag keep");
	screen_keys(s, "w");
	screen_wait(s, "note: a remark of mine"); /* what is there is there to be changed */
	screen_key(s, "Esc");
	screen_wait_gone(s, "note:");
	screen_listen(s, 50);
	screen_key(s, "d");
	screen_wait(s, "Delete größer 中文 (");
	screen_key(s, "n");
	screen_wait_gone(s, "Delete größer");
	screen_wait_row(s, 4, "größer 中文");
	screen_key(s, "d");
	screen_wait(s, "[y/N]");
	screen_key(s, "Enter");
	screen_wait_gone(s, "[y/N]");
	screen_key(s, "d");
	screen_wait(s, "[y/N]");
	screen_key(s, "y");
	sluice_wait_message(s, "is deleted; restore brings it back");
	screen_wait(s, "no runs yet");
	screen_wait(s, "0 runs");
	screen_keys(s, "Down m r t w d"); /* nothing to do it to */
	sluice_wait_message(s, "there is no run selected");
	screen_send(s, line);
	sluice_wait_message(s, "is back");
	screen_wait_row(s, 4, "größer 中文");
	sluice_quit(s);
}

static void runs_are_compared(void **state)
{
	const struct size *z = *state;
	struct screen *s;

	sluice_train("alpha");
	sluice_train("beta");
	sluice_train("gamma");
	s = sluice_start(z, NULL, NULL, NULL);
	sluice_view(s, "4", "3 runs · ordered by created");
	screen_wait_row(s, 4, "gamma"); /* the latest first */
	screen_wait_row(s, 6, "alpha");
	screen_keys(s, "g m Down m");
	screen_wait(s, "validation accuracy of marked runs");
	screen_wait_row(s, 4, "●");
	screen_wait_row(s, 5, "●");
	sluice_wait_frames(s, FRAMES_NONE);
	screen_key(s, "m");
	screen_wait_row(s, 4, "●");
	screen_key(s, "Up");
	screen_key(s, "m");
	screen_wait_gone(s, "validation accuracy of marked runs");
	screen_keys(s, "o");
	sluice_wait_message(s, "ordered by name");
	screen_wait(s, "3 runs · ordered by name");
	screen_wait_row(s, 3, "name↑");
	screen_wait_row(s, 4, "alpha");
	screen_send(s, ":order name\r"); /* the other way round */
	screen_wait_row(s, 3, "name↓");
	screen_wait_row(s, 4, "gamma");
	screen_send(s, ":order nosuch\r");
	sluice_wait_message(s, "runs cannot be ordered by 'nosuch'");
	answer(s, "/", "show runs with:", "alp");
	screen_wait(s, "1 run with alp");
	screen_wait_gone(s, "beta");
	answer(s, "/", "show runs with: alp", "nosuch");
	screen_wait(s, "no run matches; / changes the filter");
	screen_key(s, "Esc");
	screen_wait(s, "3 runs · ordered by name");
	screen_wait(s, "beta");
	sluice_quit(s);
}

static bool both_names_in_the_plot(struct screen *s, void *data)
{
	int rows, cols, row, col, count = 0;
	(void)data;

	screen_size(s, &rows, &cols);
	if (!screen_find(s, "validation accuracy of marked runs", &row, &col))
		return false;
	for (int r = row + 1; r < rows - 2; r++)
		count += (strstr(screen_text(s, r), "alpha") != NULL) +
			 (strstr(screen_text(s, r), "beta") != NULL);
	return count == 2;
}

static void marked_runs_are_drawn(void **state)
{
	struct screen *s;

	sluice_train("alpha");
	sluice_train("beta --set seed=2");
	s = sluice_start(*state, NULL, NULL, NULL);
	sluice_view(s, "4", "2 runs · ordered by created");
	screen_keys(s, "g m Down m");
	screen_wait_for(s, both_names_in_the_plot, NULL, "both names in the plot");
	screen_wait(s, "◆");
	sluice_quit(s);
}

/* --- questions --- */

static void questions_are_answered(void **state)
{
	const struct size *z = *state;
	struct screen *s = sluice_sample(z);

	screen_send(s, ":SELECT 6*7 AS product, 'größe 中文' AS word, NULL AS missing\r");
	screen_wait(s, "product  word");
	screen_wait_row(s, 5, "42  größe 中文");
	sluice_wait_message(s, "1 row in");
	screen_send(s,
		    ":WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 500) "
		    "SELECT i, i*i AS square FROM n\r");
	sluice_wait_message(s, "500 rows in");
	screen_wait_row(s, 5, "▸     1       1");
	screen_key(s, "G");
	screen_wait(s, "250000");
	screen_wait_gone(s, "▸     1");
	screen_key(s, "Up");
	screen_wait(s, "249001");
	screen_key(s, "Home");
	screen_wait_row(s, 5, "▸     1       1");
	screen_key(s, "PgDn");
	screen_wait_gone(s, "▸     1       1");
	screen_send(s, "/40000\r");
	screen_wait(s, "▸   200   40000");
	screen_key(s, "Esc");
	screen_wait(s, "Questions to the store");
	screen_key(s, "Enter"); /* the first of them */
	screen_wait(s, "no rows");
	sluice_quit(s);
}

static void wrong_questions_say_so(void **state)
{
	static const struct {
		const char *line, *message;
	} cases[] = {
		{":SELECT nosuch FROM runs\r", "no such column: nosuch"},
		{":SELECT 1 +\r", "incomplete input"},
		{":query SELEC 1\r", "syntax error"},
		{":query DELETE FROM run\r", "queries only read"},
		{":query CREATE TABLE t (a)\r", "queries only read"},
		{":query ATTACH 'x.db' AS x\r", "queries only read"},
		{":nosuch\r", "there is no command 'nosuch'"},
		{":vew train\r", "did you mean view?"},
		{":show \"open\r", "quote"},
		{":open ffffffff\r", "ffffffff"},
		{":train epochs=0\r", "epochs"},
	};
	struct screen *s = sluice_trained(*state);
	const struct size *z = *state;

	sluice_view(s, "5", "Questions to the store");
	for (size_t k = 0; k < sizeof(cases) / sizeof(*cases); k++) {
		screen_send(s, cases[k].line);
		sluice_wait_message(s, cases[k].message);
		sluice_wait_top(s, "finished");
		assert_true(strlen(screen_text(s, z->rows - 2)) < (size_t)z->cols * 3);
		screen_key(s, "Home"); /* any key clears it */
		screen_wait_gone(s, cases[k].message);
		assert_true(screen_contains(s, "Questions to the store"));
	}
	screen_send(s, ":SELECT count(*) AS n FROM runs\r");
	screen_wait_row(s, 5, "1");
	sluice_quit(s);
}

static void long_questions_are_cancelled(void **state)
{
	struct screen *s = sluice_trained(*state);

	screen_send(s, endless);
	sluice_wait_top(s, "query …  ^C cancels");
	sluice_view(s, "1", "loss, nats");
	sluice_view(s, "6", "level   run");
	sluice_view(s, "5", "Questions to the store");
	screen_key(s, "Down");
	screen_wait_row(s, 6, "▸");
	screen_key(s, "C-c");
	screen_wait_gone(s, "^C cancels");
	sluice_wait_top(s, "finished");
	screen_send(s, ":SELECT 'again' AS word\r");
	screen_wait_row(s, 5, "again");
	screen_send(s, endless); /* leaving cancels it too */
	sluice_wait_top(s, "query …  ^C cancels");
	sluice_quit(s);
}

/* --- the console --- */

static bool bar_is_dyed(struct screen *s, void *data)
{
	const struct screen_cell name = screen_cell(s, 0, 1), frame = screen_cell(s, 2, 0);

	(void)data;
	return name.bg != -1 || name.fg != -1 || frame.fg != -1 || frame.bg != -1;
}

static bool nothing_is_dyed(struct screen *s, void *data)
{
	int rows, cols;

	(void)data;
	screen_size(s, &rows, &cols);
	for (int row = 0; row < rows / 2; row++) /* below, heat is grey */
		for (int col = 0; col < cols; col++) {
			const struct screen_cell c = screen_cell(s, row, col);

			if (c.fg != -1 || c.bg != -1)
				return false;
		}
	return true;
}

static void themes_change(void **state)
{
	struct screen *s = sluice_sample(*state);

	screen_send(s, ":help theme\r");
	sluice_wait_message(s, "theme NAME|FILE: Change the colours");
	screen_send(s, ":help them\r");
	sluice_wait_message(s, "there is no command 'them'; did you mean theme?");
	screen_send(s, ":theme light\r");
	sluice_wait_message(s, "theme light");
	screen_wait_for(s, bar_is_dyed, NULL, "colours of the light theme");
	screen_send(s, ":theme mono\r");
	sluice_wait_message(s, "theme mono");
	screen_wait_for(s, nothing_is_dyed, NULL, "a screen without colours");
	screen_send(s, ":theme nosuch\r");
	sluice_wait_message(s, "there is no nosuch.theme");
	screen_send(s, ":theme /no/such.theme\r");
	sluice_wait_message(s, "/no/such.theme");
	screen_send(s, ":theme dark\r");
	sluice_wait_message(s, "theme dark");
	sluice_quit(s);
}

static void the_console_explains(void **state)
{
	struct screen *s;

	sluice_train("explained");
	s = sluice_start(*state, NULL, NULL, NULL);
	sluice_wait_top(s, "explained");
	screen_send(s, ":ledger --text \"a day\"\r");
	screen_wait(s, "what is left of each word");
	screen_key(s, "Tab");
	screen_key(s, "G");
	screen_wait(s, "half-life");
	screen_send(s, ":attribute --text \"a day\" --method lrp,gradient\r");
	screen_wait(s, "for and against");
	sluice_wait_message(s, "score of");
	screen_key(s, "z");
	screen_wait_gone(s, "adds up by rule");
	screen_key(s, "z");
	screen_key(s, "S-Tab");
	screen_key(s, "G");
	screen_wait(s, "adds up by rule");
	screen_send(s, ":gradient --text \"a day\" --class nobody\r");
	sluice_wait_message(s, "there is no class 'nobody'");
	screen_send(s, ":saturation --gate x\r");
	sluice_wait_message(s, "has no gate 'x'");
	sluice_quit(s);
}

static void the_console_helps(void **state)
{
	const struct size *z = *state;
	struct screen *s;

	sluice_train("a-long-name");
	s = sluice_start(z, NULL, NULL, NULL);
	sluice_wait_top(s, "a-long-name");
	sluice_view(s, "4",
		    "1 run · ordered by created"); /* names are completed once they are read */
	screen_send(s, ":the\t");
	sluice_wait_message(s, ":theme");
	screen_send(s, "li\t");
	sluice_wait_message(s, ":theme light");
	screen_key(s, "Enter");
	sluice_wait_message(s, "theme light");
	screen_send(s, ":re\t\t");
	screen_wait_row(s, z->rows - 1, "rename");
	screen_wait_row(s, z->rows - 1, "restore");
	screen_keys(s, "C-u");
	screen_send(s, "show a-l\t");
	sluice_wait_message(s, ":show a-long-name");
	screen_key(s, "Enter");
	screen_wait(s, "a-long-name");
	screen_wait_gone(s, ":show");
	screen_send(s, ":train epo\t");
	sluice_wait_message(s, ":train epochs=");
	screen_key(s, "Esc");
	screen_wait_gone(s, ":train");
	screen_listen(s, 50);
	screen_keys(s, ": Up");
	sluice_wait_message(s, ":show a-long-name");
	screen_key(s, "Up");
	sluice_wait_message(s, ":theme light");
	screen_key(s, "C-c");
	screen_wait_gone(s, ":theme light");
	sluice_quit(s);
	s = sluice_start(z, NULL, NULL, NULL); /* earlier lines are kept */
	sluice_wait_top(s, "a-long-name");
	screen_keys(s, ": Up Up");
	sluice_wait_message(s, ":theme light");
	screen_send(s, "\025view log\r");
	screen_wait(s, "level   run");
	sluice_quit(s);
}

/* The view is written to a file that begins so. */
static void is_exported(struct screen *s, const char *name, const char *begin)
{
	char line[200], head[64] = "";
	FILE *f;

	snprintf(line, sizeof(line), ":save %s\r", sluice_path(name));
	screen_send(s, line);
	snprintf(line, sizeof(line), "%s written", name);
	sluice_wait_message(s, line);
	f = fopen(sluice_path(name), "r");
	assert_non_null(f);
	assert_int_equal(fread(head, 1, strlen(begin), f), strlen(begin));
	fclose(f);
	assert_string_equal(head, begin);
}

static void views_are_exported(void **state)
{
	struct screen *s = sluice_trained(*state);
	char line[200];
	char head[64] = "";
	FILE *f;

	sluice_view(s, "2", "= z_i");
	snprintf(line, sizeof(line), ":save %s\r", sluice_path("gates.csv"));
	screen_send(s, line);
	sluice_wait_message(s, "gates.csv written");
	f = fopen(sluice_path("gates.csv"), "r");
	assert_non_null(f);
	assert_non_null(fgets(head, sizeof(head), f));
	fclose(f);
	head[strcspn(head, "\r\n")] = '\0';
	assert_string_equal(head, "layer,direction,t,token,unit,i,f,g,o,c,h");
	screen_key(s, "x");
	screen_wait(s, "export to (.csv .json .svg): sluice-gates.csv");
	screen_send(s, "\025/no/such/folder/x.csv\r");
	sluice_wait_message(s, "cannot write /no/such/folder/x.csv");
	screen_send(s, ":save gates.png\r");
	sluice_wait_message(
		s, "a name ends in .csv, .tsv, .json, .ndjson or .svg, unlike 'gates.png'");
	is_exported(s, "gates.svg", "<svg ");
	is_exported(s, "gates.json", "[\n {\"layer\":0,");
	screen_send(s, ":ledger\r"); /* of the sentence in Gates */
	screen_wait(s, "what is left of each word");
	is_exported(s, "ledger.svg", "<svg ");
	is_exported(s, "ledger.json", "[\n {\"t\":1,\"token\":\"");
	sluice_view(s, "1", "loss");
	is_exported(s, "curves.svg", "<svg ");
	sluice_view(s, "6", "level   run");
	snprintf(line, sizeof(line), ":save %s\r", sluice_path("log.svg"));
	screen_send(s, line);
	sluice_wait_message(s, "has no picture");
	sluice_quit(s);
}

/* A stored run is trained on, as itself and as a new one. */
static void runs_go_on(void **state)
{
	const struct size *z = *state;
	struct screen *s;

	sluice_train("first");
	s = sluice_start(z, NULL, "first", NULL);
	sluice_wait_top(s, "finished · epoch 2 · step 46");
	screen_key(s, "Space");
	screen_wait(s, ":resume goes on with this run");
	screen_key(s, "n");
	screen_send(s, ":resume\r");
	sluice_wait_message(s, "first has done its 2 epochs; --set epochs=12 lets it go on");
	screen_send(s, ":resume hidden=9\r");
	sluice_wait_message(s, "hidden cannot change in a run that goes on");
	screen_send(s, ":resume nosuch epochs=9\r");
	sluice_wait_message(s, "nosuch");
	screen_send(s, ":resume epochs=5\r");
	sluice_wait_top(s, "finished · epoch 5 · step 115");
	sluice_wait_step(s, 115);
	sluice_view(s, "4", "1 run · ordered by created");
	screen_wait_row(s, 4, "115");
	screen_send(s, ":fork first epochs=7 lr=0.001\r");
	sluice_view(s, "1", "loss, nats");
	sluice_wait_step(s, 161);
	sluice_wait_top(
		s, "finished"); /* with the weights of the last epoch, then with the best ones */
	sluice_view(s, "4", "2 runs · ordered by created");
	sluice_quit(s);
	assert_string_equal(
		sluice_says("query \"SELECT max(step) FROM metrics m JOIN runs r USING(run) WHERE "
			    "r.name='first'\" --csv | tail -1"),
		"115\n");
	assert_string_equal(
		sluice_says("query \"SELECT count(*) FROM metrics m JOIN runs r USING(run) WHERE "
			    "metric='valid/loss' AND r.name='first'\" --csv | tail -1"),
		"5\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		AT_BOTH(runs_outlive_the_program),
		AT_BOTH(runs_are_changed),
		AT_BOTH(runs_go_on),
		AT_BOTH(runs_are_compared),
		AT_BOTH(marked_runs_are_drawn),
		AT_BOTH(questions_are_answered),
		AT_BOTH(wrong_questions_say_so),
		AT_BOTH(long_questions_are_cancelled),
		AT_SMALL(themes_change),
		AT_BOTH(the_console_explains),
		AT_BOTH(the_console_helps),
		AT_SMALL(views_are_exported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
