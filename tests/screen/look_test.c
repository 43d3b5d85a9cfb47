/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is told stands where it hides nothing, hints are true, and nothing is cut that has room. */
#include "tests/screen/sluice.h"

static struct screen *traced(const struct size *z, const char *const *env)
{
	struct screen *s;

	sluice_train("seen");
	s = sluice_start(z, env, "seen", NULL);
	sluice_wait_message(s, "is open at epoch");
	screen_send(s, "ithe food was not good\r");
	screen_wait(s, "5 tokens");
	return s;
}

/* Names of the series, and the chosen point below the picture. */
static void a_plot_is_not_covered(void **state)
{
	const struct size *z = *state;
	struct screen *s = traced(z, NULL);

	screen_send(s, ":unit 3\r");
	screen_wait(s, "unit 3 --layer l0.fw");
	screen_wait_row(s, 4, "◆ mean  ━ 9 %  ━ 25 %  ━ 75 %  ━ 91 %");
	screen_wait_row(s, z->rows >= 36 ? 22 : 14, "· mean  words by mean = 1  h(t) − h(t−1) = ");
	screen_key(s, "z");
	screen_wait_row(s, z->rows - 3, "· mean  words by mean = 1  h(t) − h(t−1) = ");
	sluice_quit(s);
}

static void hints_are_true(void **state)
{
	struct screen *s = traced(*state, NULL);

	screen_send(s, ":ledger\r");
	screen_wait(s, "esc back  tab pictures, rows  x export  z zoom");
	screen_send(s, ":near --count 3\r");
	screen_wait(s, "enter to Gates  esc questions  x export  / find ");
	screen_wait_gone(s, "zoom");
	screen_key(s, "z");
	sluice_wait_message(s, "there is no picture here");
	screen_key(s, "Esc");
	screen_wait(s, "Questions to the store");
	sluice_quit(s);
}

/* It is of the whole text, not of the layer that Gates shows. */
static void texts_of_gates_in_a_plane(void **state)
{
	struct screen *s = traced(*state, NULL);

	screen_send(s, ":project\r");
	screen_wait(s, "vector of 400 texts");
	screen_send(s, ":project --state c\r");
	screen_wait(s, "c of 400 texts");
	sluice_quit(s);
}

static void the_help_is_not_cut(void **state)
{
	struct screen *s = traced(*state, NULL);

	screen_key(s, "?");
	screen_wait(s, "undo: Take the last edit back");
	screen_wait(s, "all: they are there");
	screen_send(s, "/checkpoint STEP\r");
	screen_wait(s, "checkpoint STEP|first|last|best|previous|next");
	screen_wait(s, "Look at the open run's weights as they were then");
	screen_key(s, "Esc");
	screen_wait(s, "5 tokens");
	sluice_quit(s);
}

/* A column is one of the line that was typed, or none. */
static void columns_are_those_typed(void **state)
{
	struct screen *s = traced(*state, NULL);

	screen_send(s, ":replace 99 x\r");
	sluice_wait_message(s, " steps are 1 to 5");
	screen_wait_gone(s, "column");
	screen_send(s, ":set f[1] = 2 @4..9\r");
	sluice_wait_message(s, "column 10: steps are 1 to 5");
	sluice_quit(s);
}

/* One sign of its own would be another's in ASCII. */
static void edits_in_ascii(void **state)
{
	static const char *const env[] = {"LC_ALL=C", NULL};
	struct screen *s = traced(*state, env);

	screen_send(s, ":set i[0] = 1\r");
	screen_wait(s, " -> 1.000");
	screen_wait(s, " +- 0.");
	sluice_quit(s);
}

/* Of many classes the likeliest ones are in sight. */
static void of_many_classes_the_likeliest(void **state)
{
	FILE *f = fopen(sluice_path("many.tsv"), "w");
	char words[400];
	struct screen *s;

	assert_non_null(f);
	for (int k = 0; k < 400; k++)
		fprintf(f, "%s\tthe %s was %s\n",
			k % 4 ? "zoology"
			      : (const char *[]){"art", "books", "cinema", "dance", "essays",
						 "food"}[k / 4 % 6],
			k % 3 ? "cat" : "dog", k % 2 ? "good" : "bad");
	assert_int_equal(fclose(f), 0);
	snprintf(words, sizeof(words),
		 "train -q -c samples/english.ini --set epochs=2 --set data=%s --name many",
		 sluice_path("many.tsv"));
	sluice_says(words);
	s = sluice_start(*state, NULL, "many", NULL);
	sluice_wait_message(s, "is open at epoch");
	screen_send(s, "ithe cat was good\r");
	screen_wait(s, "4 tokens");
	screen_wait(s, "│ if the text ended here");
	screen_wait(s, "│ zoology ");
	sluice_quit(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		AT_BOTH(a_plot_is_not_covered),          AT_SMALL(hints_are_true),
		AT_SMALL(texts_of_gates_in_a_plane),     AT_BOTH(the_help_is_not_cut),
		AT_SMALL(columns_are_those_typed),       AT_SMALL(edits_in_ascii),
		AT_SMALL(of_many_classes_the_likeliest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
