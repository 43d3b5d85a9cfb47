/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Equations for a class: contributions and what is left of them, lines that come one at a time, and steps that
 * take themselves. */
#include "tests/screen/sluice.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char sentence[] = "the food was not good at all";

static struct screen *look(const struct size *z, const char *settings)
{
	return sluice_look(z, "d", settings, sentence);
}

/* --- what stands there ----------------------------------------------------------------------------- */

/* The thousandths of a number with a sign, and how many bytes it takes; 0: there is none. */
static size_t take_thousandths(const char *at, int *value)
{
	const char *begun = at;
	int sign = 1;

	if (!strncmp(at, "−", strlen("−"))) {
		sign = -1;
		at += strlen("−");
	} else if (*at == '+') {
		at++;
	}
	if (!isdigit((unsigned char)*at))
		return 0;
	*value = sign * (int)lround(strtod(at, NULL) * 1000);
	return (size_t)(at - begun) + strspn(at, "0123456789.");
}

/* A row of the panel: what stands between the last two sides of frames. */
static const char *panel_of(struct screen *s, int row)
{
	static char text[1024];
	char *last = NULL, *before = NULL;

	snprintf(text, sizeof(text), "%s", screen_text(s, row));
	for (char *at = text; (at = strstr(at, "│")); at += strlen("│")) {
		before = last;
		last = at;
	}
	assert_non_null(before);
	*last = '\0';
	return before + strlen("│");
}

/* The sum of the contributions behind a term, in its row and in those that go on with them; columns of the panel alone. */
static int sum_of_parts(struct screen *s, int row, int *parts, bool *rest)
{
	int sum = 0;

	for (int line = row;; line++) {
		const char *panel = panel_of(s, line), *at;

		if (line > row && strspn(panel, " ") < 12) /* the next term */
			return sum;
		while ((at = strstr(panel, "] ")) || (at = strstr(panel, "rest "))) {
			int v;

			*rest |= *at == 'r';
			at = strchr(at, ' ');
			at += strspn(at, " ");
			assert_true(take_thousandths(at, &v) > 0);
			sum += v;
			++*parts;
			panel = at;
		}
	}
}

static int behind(struct screen *s, const char *label, int *row)
{
	int col, v;
	const char *at;

	if (!screen_find(s, label, row, &col)) {
		screen_print(s);
		fail_msg("'%s' is not there", label);
	}
	at = strstr(screen_text(s, *row), label) + strlen(label);
	at += strspn(at, " ");
	assert_true(take_thousandths(at, &v) > 0);
	return v;
}

static void check_terms(struct screen *s, const char *first)
{
	const char *const label[] = {first, "+ U·h"};

	for (int k = 0; k < 2; k++) {
		int row, parts = 0;
		bool rest = false;
		const int term = behind(s, label[k], &row),
			  sum = sum_of_parts(s, row, &parts, &rest);

		if (!parts && !term)
			continue; /* there is no state before the first word */
		assert_int_equal(sum, term);
		assert_true(rest && parts >= 2);
	}
}

static void contributions_make_up_their_term(void **state)
{
	static const char gates[] = "ifgo";
	struct screen *s = look(*state, "");
	char label[32];

	for (int t = 1; t <= 3; t++) {
		for (const char *q = gates; *q; q++) {
			snprintf(label, sizeof(label), "goto %c[%d]@%d", *q, 5 * t, t);
			sluice_say(s, label, "");
			snprintf(label, sizeof(label), "unit %d · t %d", 5 * t, t);
			screen_wait(s, label);
			snprintf(label, sizeof(label), "= z_%c", *q);
			screen_wait(s, label);
			snprintf(label, sizeof(label), "z_%c = W·x", *q);
			screen_wait(s, label);
			check_terms(s, label);
		}
		assert_false(screen_contains(s, " -0.")); /* one minus sign for all */
	}
	sluice_quit(s);
}

static void what_a_cell_lacks_is_said(void **state)
{
	static const char *const want[][2] = {{"NIG", "i = 1 (no input gate)"},
					      {"NOG", "o = 1 (no output gate)"},
					      {"CIFG", "(coupled to i)"}};

	for (int k = 0; k < 3; k++) {
		char words[64];
		struct screen *s;

		snprintf(words, sizeof(words), "--set cell=%s", want[k][0]);
		s = sluice_look(*state, want[k][0], words, sentence);
		screen_wait(s, want[k][1]);
		sluice_wait_frames(s, FRAMES_SOME);
		sluice_quit(s);
	}
}

/* --- line by line ---------------------------------------------------------------------------------- */

static void lines_come_one_by_one(void **state)
{
	struct screen *s = look(*state, "");
	int row, col;

	screen_wait(s, "if the text ended here");
	screen_wait(s, "0.");
	screen_key(s, ".");
	sluice_wait_message(s, "line 1 of 10: z_i");
	screen_wait(s, "line 1 of 10");
	screen_wait(s, "i = σ(");
	screen_wait(s, ") = ?");
	screen_wait(s, "f = ····· ?");
	screen_wait(s, "h₁ = ····· ?");
	screen_wait(s, "[ ?"); /* in the maps too */
	screen_wait_gone(s, "if the text ended here");
	screen_wait_gone(s, "after each word");
	sluice_wait_frames(s, FRAMES_SOME);
	sluice_say(s, "display f[0]", "display 1");
	assert_true(screen_find(s, "││ f[0] ", &row, &col));
	assert_non_null(strstr(screen_text(s, row), " ? │"));
	screen_key(s, ".");
	sluice_wait_message(s, "line 2 of 10: i");
	screen_wait(s, "z_f = W·x + U·h + b = ?");
	screen_wait_gone(s, ") = ?");
	sluice_say(s, "stepi 6", "line 8 of 10: o");
	screen_wait(s, "c₁ = f·c₀ + i·g = ?");
	screen_wait(s, "h₁ = ····· ?");
	screen_key(s, ",");
	sluice_wait_message(s, "line 7 of 10: z_o");
	screen_wait(s, "o = σ(");
	screen_wait(s, ") = ?");
	sluice_say(s, "stepi 2", "line 9 of 10: c");
	screen_wait(s, "h₁ = o·tanh(c₁) = ?");
	screen_wait(s, "what the model says = ····· ?");
	screen_key(s, ".");
	sluice_wait_message(s, "line 10 of 10: h");
	screen_wait(s, "if the text ended here");
	assert_false(screen_contains(s, "?  "));
	sluice_quit(s);
}

static void lines_lead_over_to_the_next_step(void **state)
{
	struct screen *s = look(*state, "--set cell=gru_after");

	sluice_say(s, "stepi 7", "line 7 of 7: h");
	sluice_say(s, "stepi", "step 2 of 7, “food” · line 1 of 7: z_r");
	screen_wait(s, "h₂ = ····· ?");
	screen_key(s, ",");
	sluice_wait_message(s, "step 1 of 7, “the” · line 7 of 7: h");
	sluice_say(s, "stepi -2", "line 5 of 7: z_n");
	screen_wait(s, "n = tanh(");
	sluice_say(s, "stepi -9", "no step before · line 1 of 7: z_r");
	sluice_say(s, "stepi all", "all 7 lines are there");
	screen_wait_gone(s, "····· ?");
	screen_key(s, ",");
	sluice_wait_message(s, "line 6 of 7: n");
	screen_key(s, "Down"); /* another place */
	screen_wait_gone(s, "?  ");
	screen_key(s, "Up");
	sluice_say(s, "print 40 + 2", "40 + 2 = 42");
	assert_false(screen_contains(s, "?  "));
	sluice_say(s, "goto h[0]@7", "");
	sluice_say(s, "stepi 99", "no step behind · line 7 of 7: h");
	sluice_say(s, "stepi", "no step behind · line 7 of 7: h");
	sluice_say(s, "stepi -1", "line 6 of 7: n");
	sluice_say(s, "step -1", "step 6 of 7");
	screen_wait_gone(s, "?  ");
	sluice_say(s, "stepi far",
		   "stepi takes a whole number of lines, such as 2 or -1, or all, not 'far'");
	sluice_quit(s);
}

/* --- steps that take themselves --------------------------------------------------------------------- */

static void it_plays(void **state)
{
	struct screen *s = look(*state, "");

	sluice_say(s, "play 0.1", "played to the end · step 7 of 7, “all”");
	screen_wait(s, "t = 7");
	sluice_say(s, "break word == \"not\"", "break 1");
	sluice_say(s, "step -9", "step 1 of 7");
	sluice_say(s, "play 0.1", "break 1: word == \"not\" · step 4 of 7, “not”");
	sluice_say(s, "play 0.1", "played to the end · step 7 of 7, “all”");
	sluice_say(s, "stepi", "line 1 of 10: z_i");
	sluice_say(s, "play 0.1", "played to the end · line 10 of 10: h");
	sluice_say(s, "play stop", "nothing plays");
	sluice_say(s, "step -9", "step 1 of 7");
	sluice_say(s, "play 60", "playing, a step every 60 s · any key stops it");
	screen_key(s, "Space");
	sluice_wait_message(s, "stopped");
	screen_wait(s, "t = 1");
	sluice_say(s, "play 60", "playing, a step every 60 s");
	screen_key(s, "Right"); /* which also does what it does */
	screen_wait(s, "t = 2");
	sluice_say(s, "play stop", "nothing plays");
	screen_key(s, "Space");
	sluice_wait_message(s, "playing, a step every 1 s");
	sluice_wait_message(s, "playing · step 3 of 7, “was” · any key stops it");
	screen_key(s, "C-c");
	sluice_wait_message(s, "stopped");
	sluice_say(s, "play 0.01",
		   "play takes the seconds from step to step, 0.1 to 60, or stop, not '0.01'");
	sluice_say(s, "play now", "play takes the seconds");
	sluice_quit(s);
}

/* --- rows ------------------------------------------------------------------------------------------ */

static void equations_are_listed(void **state)
{
	struct screen *s = look(*state, "--set layers=2 --set bidirectional=true");

	sluice_say(s, "goto f[3]@4", "");
	screen_wait(s, "l0.fw unit 3 · t 4");
	screen_send(s, ":equations\r");
	screen_wait(s, "equations of l0.fw unit 3 at word 4");
	screen_wait(s, "z_i = W_i·x + U_i·h' + b_i");
	screen_wait(s, "rest of 28");
	screen_send(s, ":equations --layer l1.bw --unit 7 --top 1\r");
	screen_wait(s, "equations of l1.bw unit 7 at word 4");
	screen_wait(s, "rest of 63");
	screen_send(s, ":equations --text 'not good' --unit 2\r");
	screen_wait_gone(s, "rest of 63");
	screen_wait(s, "equations --text");
	screen_wait(s, "z_i = W_i·x + U_i·h' + b_i");
	sluice_say(s, "equations --unit 99", "--unit is from 0 to 31, not '99'");
	sluice_say(s, "equations --at 9", "--at is a whole number from 1 to 7, not '9'");
	sluice_quit(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		AT_BOTH(contributions_make_up_their_term),
		AT_LARGE(what_a_cell_lacks_is_said),
		AT_BOTH(lines_come_one_by_one),
		AT_SMALL(lines_lead_over_to_the_next_step),
		AT_SMALL(it_plays),
		AT_LARGE(equations_are_listed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
