/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Runs of pairs: what they write, what they looked at, and the search for it. */
#include "tests/screen/sluice.h"

/* Trains a run on lines of two columns without a screen: two words change places. */
static void train_pairs(const char *name, const char *const *from, const char *const *to, int count,
			const char *settings)
{
	char words[512];
	FILE *f = fopen(sluice_path("pairs.tsv"), "w");

	assert_non_null(f);
	for (int a = 0; a < count; a++)
		for (int b = 0; b < count; b++)
			fprintf(f, "%s %s\t%s %s\n", from[a], from[b], to[b], to[a]);
	assert_int_equal(fclose(f), 0);
	snprintf(words, sizeof(words),
		 "train -q --data %s --name %s --set hidden=24 --set embed=12 --set dropout=0 "
		 "--set lr=0.01 --set batch=4 --set valid_split=0 --set threads=2 %s",
		 sluice_path("pairs.tsv"), name, settings);
	sluice_says(words);
}

static const char *const de[] = {"eins", "zwei", "drei", "vier", "rot", "blau"};
static const char *const en[] = {"one", "two", "three", "four", "red", "blue"};
static const char *const zh[] = {"一", "二", "三", "四", "红色", "蓝色"};

static void train_numbers(const char *settings)
{
	train_pairs("numbers", de, en, 6, settings);
}

static struct screen *open_run(const struct size *z, const char *const *env, const char *name)
{
	struct screen *s = sluice_start(z, env, name, NULL);

	sluice_wait_top(s, "finished");
	sluice_wait_message(s, "is open at epoch");
	return s;
}

/* Asks for the answer to a text in Text. */
static void ask(struct screen *s, const char *text)
{
	screen_key(s, "i");
	screen_wait(s, "text: ");
	screen_send(s, "\x15"); /* whatever is offered goes */
	screen_send(s, text);
	screen_send(s, "\r");
}

static struct screen *open_answer(const struct size *z)
{
	struct screen *s;

	train_numbers("--set task=translate --set epochs=30");
	s = open_run(z, NULL, "numbers");
	sluice_view(s, "3", "space translates the text");
	ask(s, "eins zwei");
	screen_wait(s, "two one");
	screen_wait(s, "score −0.0");
	return s;
}

/* The row that holds a text between two columns; -1 for none. */
static int row_of(struct screen *s, const char *text)
{
	int row, col;

	return screen_find(s, text, &row, &col) ? row : -1;
}

static void an_answer_is_written(void **state)
{
	struct screen *s = open_answer(*state);
	int row, col;

	screen_wait(s, "beam 5  length penalty 1.00");
	screen_wait(s, "token 1 · “two”");
	screen_wait(s, "likeliest here");
	screen_wait(s, "▸two");
	screen_wait(s, "looked at");
	sluice_wait_frames(s, 4);
	/* it was the second word that the first one came from */
	row = row_of(s, "looked at");
	assert_true(strstr(screen_text(s, row + 1), "zwei"));
	assert_true(screen_find(s, "eins zwei", &row, &col));
	assert_true(screen_cell(s, row, col + 5).underline && screen_cell(s, row, col + 5).bold);
	assert_true(!screen_cell(s, row, col).underline);
	screen_key(s, "Right");
	screen_wait(s, "token 2 · “one”");
	row = row_of(s, "looked at");
	assert_true(strstr(screen_text(s, row + 1), "eins"));
	screen_key(s, "Right");
	screen_wait(s, "token 3 · “⏎”");
	screen_key(s, "Left");
	screen_wait(s, "token 2 · “one”");
	screen_send(s, "/tw\r");
	screen_wait(s, "token 1 · “two”");
	ask(s, "blau qqq rot zzz"); /* words that nobody knows */
	screen_wait(s, "2 unknown");
	screen_wait(s, "score −");
	sluice_wait_frames(s, 4);
	sluice_quit(s);
}

static bool is_marked(struct screen *s, void *data)
{
	const char *text = data;
	int rows, cols;

	screen_size(s, &rows, &cols);
	for (int row = 0; row < rows; row++) {
		const struct screen_cell c = screen_cell(s, row, 3);

		if (strstr(screen_text(s, row), text) && (c.reverse || c.bg >= 0))
			return true;
	}
	return false;
}

static void wait_marked(struct screen *s, const char *text, const char *what)
{
	char copy[64];

	snprintf(copy, sizeof(copy), "%s", text);
	screen_wait_for(s, is_marked, copy, what);
}

static void the_search_is_a_tree(void **state)
{
	struct screen *s = open_answer(*state);
	int row, col;

	screen_wait(s, "search · 5 under way");
	screen_key(s, "Tab");
	wait_marked(s, "● two", "the cursor at the first token");
	screen_key(s, "g");
	wait_marked(s, "○ the beginning", "the cursor at the beginning");
	assert_true(screen_find(s, "● two", &row, &col));
	assert_true(screen_cell(s, row, col + 2).bold);
	screen_key(s, "G");
	wait_marked(s, "■ ⏎", "the cursor at the end");
	screen_wait(s, "token 3 · “⏎”");
	screen_wait(s, "│ two one  "); /* all of it */
	screen_wait(s, "× ");          /* some were dropped */
	assert_true(screen_find(s, "× ", &row, &col));
	assert_false(screen_cell(s, row, col).bold);
	screen_key(s, "g");
	screen_key(s, "Down"); /* the first that hangs off the beginning */
	wait_marked(s, "├ + ", "a branch that is closed");
	screen_key(s, "Enter");
	wait_marked(s, "├ - ", "a branch that is open");
	screen_key(s, "Right");
	wait_marked(s, "│ ", "inside");
	screen_key(s, "Left");
	wait_marked(s, "├ - ", "where it hangs");
	screen_key(s, "Left");
	wait_marked(s, "├ + ", "closed again");
	screen_send(s, "/one\r");
	screen_wait(s, "│ two one ");
	sluice_wait_frames(s, 4);
	screen_key(s, "Esc");
	screen_wait(s, "tab search");
	screen_key(s, "Tab");
	screen_wait(s, "tab answer");
	sluice_quit(s);
}

/* With the least room the pane with the focus is what is left. */
static void the_smallest_screen(void **state)
{
	struct screen *s = open_answer(*state);

	screen_resize(s, 12, 40);
	screen_wait(s, "╭ translation");
	screen_wait_gone(s, "╭ search");
	sluice_wait_frames(s, 1);
	screen_key(s, "Tab");
	screen_wait(s, "╭ search");
	screen_wait_gone(s, "╭ translation");
	sluice_wait_frames(s, 1);
	screen_wait(s, "● two ");
	screen_resize(s, 17, 60);
	screen_wait(s, "╭ translation");
	screen_resize(s, 20, 50);
	screen_wait(s, "╭ text");
	sluice_wait_frames(s, 3);
	sluice_quit(s);
}

static void the_search_is_set(void **state)
{
	static const char *const wrong[][2] = {
		{"beam=0", "beam is a whole number from 1 to 100, not '0'"},
		{"beam=wide", "beam is a whole number from 1 to 100, not 'wide'"},
		{"penalty=-1", "penalty goes from 0 to 10, not '-1'"},
		{"width=3", "sample takes beam=, penalty= and length=, not 'width=3'"},
	};
	struct screen *s = open_answer(*state);
	char line[128];

	for (size_t k = 0; k < sizeof(wrong) / sizeof(*wrong); k++) {
		snprintf(line, sizeof(line), ":sample penalty=7 %s\r", wrong[k][0]);
		screen_send(s, line);
		sluice_wait_message(s, wrong[k][1]);
		assert_false(screen_contains(s, "penalty 7")); /* all or nothing */
	}
	screen_send(s, ":sample beam=2 penalty=0\r");
	sluice_wait_message(s, "the next answer: beam 2, length penalty 0.00, length 400 at most");
	screen_key(s, "Space");
	screen_wait(s, "search · 2 under way");
	screen_wait(s, "beam 2  length penalty 0.00");
	screen_key(s, "-");
	screen_wait(s, "beam 1  length");
	screen_key(s, "-");
	screen_keys(s, "Space Tab");
	screen_wait(s, "search · 1 under way");
	screen_keys(s, "+ +");
	screen_wait(s, "beam 3  length");
	sluice_quit(s);
}

static void answers_are_saved_and_drawn(void **state)
{
	struct screen *s = open_answer(*state);
	char line[128];

	screen_send(s, ":sample length=1\r");
	screen_key(s, "Space");
	screen_wait(s, "search · 5 under way");
	screen_wait(s, "■ two");
	screen_wait(s, "token 1 · “two”");
	snprintf(line, sizeof(line), ":save %s\r", sluice_path("text.csv"));
	screen_send(s, line);
	sluice_wait_message(s, "text.csv written");
	screen_key(s, "Tab");
	snprintf(line, sizeof(line), ":save %s\r", sluice_path("tree.csv"));
	screen_send(s, line);
	sluice_wait_message(s, "tree.csv written");
	screen_key(s, "r"); /* drawn, not looked for */
	screen_wait(s, "drawn · temperature 1.00 · seed 2");
	screen_wait(s, "seed 2 · 1 token");
	screen_wait_gone(s, "search ·");
	screen_key(s, "Tab"); /* there is nowhere to go */
	screen_key(s, "Space");
	screen_wait(s, "search · 5 under way");
	sluice_quit(s);
}

static void characters_of_two_columns_line_up(void **state)
{
	struct screen *s;

	train_pairs("chinese", en, zh, 6, "--set task=translate --set epochs=30");
	s = open_run(*state, NULL, "chinese");
	sluice_view(s, "3", "space translates the text");
	ask(s, "one red");
	screen_wait(s, "│ 红色一⏎");
	screen_wait(s, "score −");
	sluice_wait_frames(s, 4);
	screen_keys(s, "Right Right Tab Up Up Up");
	screen_wait(s, "tab answer");
	sluice_wait_frames(s, 4);
	screen_key(s, "G");
	screen_wait(s, "■ ⏎");
	sluice_wait_frames(s, 4);
	sluice_quit(s);
}

static bool is_stopped(struct screen *s, void *data)
{
	(void)data;
	return screen_contains(s, "stopped at step");
}

static void a_search_can_be_stopped(void **state)
{
	struct screen *s;
	char text[1024] = "";

	train_numbers("--set task=translate --set epochs=1 --set hidden=256");
	s = open_run(*state, NULL, "numbers");
	sluice_view(s, "3", "space translates the text");
	screen_send(s, ":sample beam=100 penalty=10 length=20000\r");
	sluice_wait_message(s, "beam 100");
	for (int k = 0; k < 150; k++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s ", de[k % 6]);
	for (int k = 0; k < 2; k++) {
		ask(s, text);
		screen_wait(s, "searching · step");
		screen_resize(s, 30 - k, 100 - 12 * k);
		sluice_wait_frames(s, 4);
		screen_keys(s, "Left Right Tab Down Tab");
		screen_key(s, k ? "C-c" : "Esc");
		screen_wait_for(s, is_stopped, NULL, "what there is is kept");
		sluice_wait_frames(s, 4);
	}
	snprintf(text, sizeof(text), ":save %s\r", sluice_path("text.csv"));
	screen_send(s, text);
	sluice_wait_message(s, "the search is not over");
	screen_key(s, "Space"); /* the same text, and left while it searches */
	screen_wait(s, "searching · step");
	sluice_quit(s);
}

static void the_console_answers(void **state)
{
	struct screen *s;

	train_numbers("--set task=summarize --set epochs=30");
	s = open_run(*state, NULL, "numbers");
	screen_send(s, ":summarize drei blau\r");
	sluice_wait_message(s, "blue three");
	screen_wait(s, "drei blau  blue three");
	screen_send(s, ":translate drei blau\r");
	sluice_wait_message(s, "this run's task is summarize, not translate: use 'summarize'");
	screen_send(s, ":summarize numbers --text rot eins\r");
	sluice_wait_message(s, "one red");
	screen_send(s, ":summarize nobody --text rot eins\r");
	sluice_wait_message(s, "nobody");
	screen_send(s, ":summarize --beam 2 --text 'zwei vier'\r");
	sluice_wait_message(s, "four two");
	screen_send(s, ":summarize\r");
	sluice_wait_message(s, "summarize needs a text");
	screen_send(s, ":summarize zzz eins\r");
	sluice_wait_message(s, "1 of the text's 2 tokens is not in the vocabulary · ");
	screen_send(s, ":generate\r");
	sluice_wait_message(s, "this run's task is summarize: 'summarize' writes its answers");
	sluice_view(s, "3", "space summarizes the text");
	screen_send(s, ":write vier rot\r");
	screen_wait(s, "red four");
	screen_wait(s, "╭ summary");
	sluice_quit(s);
}

static void ascii_only(void **state)
{
	static const char *const env[] = {"LC_ALL=C", "NO_COLOR=1", NULL};
	struct screen *s;
	const char *bytes;
	size_t n;

	train_numbers("--set task=translate --set epochs=4");
	s = open_run(*state, env, "numbers");
	sluice_view(s, "3", "space translates");
	ask(s, "eins zwei");
	screen_wait(s, "search . 5 under way");
	screen_keys(s, "Tab G");
	screen_wait(s, "# <eos>");
	screen_wait(s, "looked at");
	bytes = screen_bytes(s, &n);
	for (size_t k = 0; k < n; k++)
		if ((unsigned char)bytes[k] >= 0x80) {
			screen_print(s);
			fail_msg("a byte %02x in an ASCII terminal", (unsigned char)bytes[k]);
		}
	sluice_quit(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		AT_BOTH(an_answer_is_written),
		AT_BOTH(the_search_is_a_tree),
		AT_SMALL(the_smallest_screen),
		AT_SMALL(the_search_is_set),
		AT_SMALL(answers_are_saved_and_drawn),
		AT_BOTH(characters_of_two_columns_line_up),
		AT_LARGE(a_search_can_be_stopped),
		AT_LARGE(the_console_answers),
		AT_SMALL(ascii_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
