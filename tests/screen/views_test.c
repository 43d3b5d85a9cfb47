/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The gates of a sentence, what a terminal may lack, and the help. */
#include "tests/screen/sluice.h"

#include <ctype.h>

static void type_sentence(struct screen *s, const char *text)
{
	char word[64];

	screen_key(s, "i");
	screen_wait(s, "sentence:");
	screen_send(s, text);
	screen_key(s, "Enter");
	snprintf(word, sizeof(word), "%.*s", (int)strcspn(text, " "),
		 text); /* a long text is cut */
	screen_wait_row(s, 2, word);
	screen_wait_gone(s, "sentence:");
}

/* --- numbers of the side panel --- */

/* A number of three decimals in thousandths, after blanks, a sign and a minus of either kind. */
static bool take_number(const char **at, int *out)
{
	static const char minus[] = "−";
	const char *p = *at;
	int sign = 1, value = 0, digits = 0;

	for (; *p == ' ' || *p == '+' || *p == '-' || !strncmp(p, minus, 3); p += *p < 0 ? 3 : 1)
		if (*p != ' ' && *p != '+')
			sign = -sign;
	if (!isdigit((unsigned char)*p))
		return false;
	for (; isdigit((unsigned char)*p); p++)
		value = value * 10 + *p - '0';
	if (*p++ != '.')
		return false;
	for (; isdigit((unsigned char)*p); p++, digits++)
		value = value * 10 + *p - '0';
	*at = p;
	*out = sign * value;
	return digits == 3;
}

/* The number behind a label in a row from `first` on; where it stands is put into *found. */
static int number_behind(struct screen *s, const char *label, int first, int *found)
{
	int rows, cols, value;

	screen_size(s, &rows, &cols);
	for (int row = first; row < rows; row++) {
		const char *at = strstr(screen_text(s, row), label);

		if (!at)
			continue;
		at += strlen(label);
		if (!take_number(&at, &value))
			fail_msg("no number behind '%s' but '%s'", label, at);
		if (found)
			*found = row;
		return value;
	}
	screen_print(s);
	fail_msg("'%s' is not there", label);
	return 0;
}

/* W·x + U·h + b = z, σ(z), and kept + write = c, as they are printed. */
static void check_sums(struct screen *s, const char *gate)
{
	static const char *const no_zero[] = {"-0.000", "−0.000"};
	char label[32];
	int wx, uh, b, z, inside, row, kept, written, c;
	const char *at;

	snprintf(label, sizeof(label), "z_%s = W·x", gate);
	wx = number_behind(s, label, 3, NULL);
	uh = number_behind(s, "+ U·h", 3, NULL);
	b = number_behind(s, "+ b", 3, NULL);
	snprintf(label, sizeof(label), "= z_%s", gate);
	z = number_behind(s, label, 3, &row);
	assert_int_equal(wx + uh + b, z);
	snprintf(label, sizeof(label), !strcmp(gate, "g") ? "%s = tanh(" : "%s = σ(", gate);
	inside = number_behind(s, label, row + 1, NULL);
	assert_int_equal(inside, z);
	assert_true(screen_find(s, "= f·c", &row, &(int){0}));
	row += 2; /* the formula, its numbers, and their sum */
	at = strstr(screen_text(s, row), "  = ");
	assert_non_null(at);
	at += 4;
	assert_true(take_number(&at, &kept));
	assert_true(take_number(&at, &written));
	at = strstr(at, "= ");
	assert_non_null(at);
	at += 2;
	assert_true(take_number(&at, &c));
	assert_int_equal(kept + written, c);
	for (int k = 0; k < 2; k++)
		if (screen_contains(s, no_zero[k])) {
			screen_print(s);
			fail_msg("a zero has a sign");
		}
}

static void numbers_add_up(void **state)
{
	static const char *const gate[] = {"i", "f", "g", "o"};
	struct screen *s = sluice_trained(*state);
	char title[64];

	sluice_view(s, "2", "= z_i");
	type_sentence(s, "the food was not good at all");
	for (int t = 1; t <= 4; t++) {
		for (int unit = 0; unit < 3; unit++) {
			snprintf(title, sizeof(title), "unit %d · t %d ·", unit, t);
			screen_wait(s, title);
			for (int q = 0; q < 4; q++) {
				snprintf(title, sizeof(title), "= z_%s", gate[q]);
				screen_wait(s, title);
				screen_listen(s, 10);
				check_sums(s, gate[q]);
				screen_key(s, "Tab");
			}
			screen_keys(s, "Tab Tab Down"); /* past c and h */
		}
		screen_keys(s, "Up Up Up Right");
	}
	sluice_quit(s);
}

/* --- moving about --- */

static void the_cursor_moves(void **state)
{
	static const char *const order[] = {"f", "g", "o"};
	struct screen *s = sluice_trained(*state);
	const struct size *z = *state;
	char want[64];

	sluice_view(s, "2", "t = 1");
	type_sentence(s, "the food was not good");
	screen_wait(s, "5 tokens · t = 1");
	screen_wait(s, "unit 0 · t 1 · “the”");
	screen_key(s, "Right");
	screen_wait(s, "unit 0 · t 2 · “food”");
	screen_wait(s, "t = 2");
	screen_key(s, "End");
	screen_wait(s, "unit 0 · t 5 · “good”");
	screen_key(s, "Right"); /* no further */
	screen_key(s, "h");
	screen_wait(s, "unit 0 · t 4 · “not”");
	screen_keys(s, "Down j");
	screen_wait(s, "unit 2 · t 4");
	screen_key(s, "PgDn");
	screen_wait(s, "unit 12 · t 4");
	screen_wait(s, "▸ 12");
	screen_keys(s, "PgDn PgDn PgDn"); /* H is 32 */
	screen_wait(s, "unit 31 · t 4");
	screen_key(s, "Up");
	screen_wait(s, "unit 30 · t 4");
	for (int k = 0; k < 3; k++) {
		screen_key(s, "Tab");
		snprintf(want, sizeof(want), "= z_%s", order[k]);
		screen_wait(s, want);
	}
	screen_key(s, "S-Tab");
	screen_wait(s, "= z_g");
	sluice_wait_frames(s, z->cols >= 100 ? 8 : 4);
	screen_key(s, "z");
	screen_wait_gone(s, "output gate");
	screen_wait(s, "candidate");
	sluice_wait_frames(s, 3); /* with what is left in the unit, and the equations */
	screen_key(s, "Esc");
	screen_wait(s, "output gate");
	sluice_wait_frames(s, z->cols >= 100 ? 8 : 4);
	screen_send(s, ":goto f[7]@3\r");
	screen_wait(s, "unit 7 · t 3 · “was”");
	screen_wait(s, "= z_f");
	screen_send(s, ":goto 5\r");
	screen_wait(s, "unit 7 · t 5 · “good”");
	screen_send(s, ":goto 6\r");
	sluice_wait_message(s, "steps from 1 to 5");
	screen_send(s, ":goto f[7]@3x\r");
	sluice_wait_message(s, "goto takes a step, or a place like");
	screen_send(s, ":goto @3\r");
	screen_wait(s, "unit 7 · t 3 · “was”");
	screen_send(s, ":goto f[32]@3\r");
	sluice_wait_message(s, "units go from 0 to 31 and steps from 1 to 5");
	screen_send(s, "/goo\r");
	screen_wait(s, "unit 7 · t 5 · “good”");
	screen_send(s, "/nosuch\r");
	sluice_wait_message(s, "'nosuch' is not there");
	sluice_quit(s);
}

/* "9 tokens · t = 1" */
static bool first_token(struct screen *s, void *tokens)
{
	const char *text = screen_text(s, 2), *at = strstr(text, " tokens · t = 1");

	if (!at || strcmp(at, " tokens · t = 1") != 0)
		return false;
	while (at > text && isdigit((unsigned char)at[-1]))
		at--;
	*(int *)tokens = atoi(at);
	return true;
}

/* Words of every width: the frames stay straight, and what is unknown says so. */
static void words_of_all_widths(void **state)
{
	static const char *const texts[] = {
		"the 中文句子 food 很好吃 is good",
		"🚀 food 😀😀 was 🎉 not bad",
		"cafe\xcc\x81 na\xc3\xafve e\xcc\x81q\xcc\x81q\xcc\x81 food z\xcc\x82\xcc\xa3",
		"안녕하세요 food ありがとう ＦＵＬＬ good",
		"supercalifragilisticexpialidocious food antidisestablishmentarianism",
	};
	static const char *const begin[] = {"the”", "🚀”", "caf", "안녕하세요”", "super"};
	struct screen *s = sluice_trained(*state);
	const struct size *z = *state;

	sluice_view(s, "2", "= z_i");
	for (size_t k = 0; k < sizeof(texts) / sizeof(*texts); k++) {
		char step[64];
		int tokens = 0, row, col;
		bool unknown = false;

		type_sentence(s, texts[k]);
		snprintf(step, sizeof(step), "unit 0 · t 1 · “%s", begin[k]);
		screen_wait(s, step);
		screen_wait_for(s, first_token, &tokens, "the number of tokens");
		for (int t = 1; t <= tokens; t++) {
			snprintf(step, sizeof(step), "· t %d ·", t);
			screen_wait(s, step);
			screen_listen(s, 20);
			sluice_wait_frames(s, z->cols >= 100 ? 8 : 4);
			unknown = unknown ||
				  screen_find(s, "an unknown word: read as <unk>", &row, &col);
			screen_key(s, "Right");
		}
		assert_true(unknown);
	}
	type_sentence(s, "the qwertz food");
	screen_wait(s, "qwertz?"); /* marked among the known */
	assert_false(screen_contains(s, "food?"));
	screen_key(s, "Right");
	screen_wait(s, "“qwertz”");
	screen_wait(s, "an unknown word");
	screen_key(s, "Right");
	screen_wait(s, "“food”");
	screen_wait_gone(s, "an unknown word");
	type_sentence(s, "中文 🚀");
	screen_key(s, "p");
	sluice_wait_message(s, "pinned: 中文 🚀");
	sluice_view(s, "1", "pinned · 中文 🚀 ─");
	sluice_wait_frames(s, 4);
	sluice_quit(s);
}

static void a_text_without_words(void **state)
{
	struct screen *s = sluice_trained(*state);

	sluice_view(s, "2", "= z_i");
	screen_send(s, "i   \r");
	screen_wait(s, "this text has no token");
	screen_keys(s, "Right Down Tab z x");
	screen_key(s, "Enter");
	sluice_wait_message(s, "there is no sentence to export");
	screen_send(s, "i\r"); /* nothing: all stays */
	screen_wait(s, "this text has no token");
	sluice_quit(s);
}

/* --- terminals that can do less --- */

static const struct {
	const char *key, *sign;
} all_views[] = {{"3", "Here a run writes texts"},
		 {"4", "ordered by created"},
		 {"5", "Questions to the store"},
		 {"6", "level   run"},
		 {"?", "Keys everywhere"},
		 {"1", "loss, nats"},
		 {"2", "= z_"}};

static void open_all_views(struct screen *s)
{
	for (size_t k = 0; k < sizeof(all_views) / sizeof(*all_views); k++)
		sluice_view(s, all_views[k].key, all_views[k].sign);
}

static void ascii_only(void **state)
{
	static const char *const env[] = {"LC_ALL=C", "SLUICE_SAMPLE=1", NULL};
	struct screen *s = sluice_start(*state, env, NULL, NULL);
	const char *bytes;
	size_t n;

	sluice_wait_message(s, "english.tsv is ready");
	screen_key(s, "Space");
	sluice_wait_top(s, "finished");
	open_all_views(s);
	screen_send(s, "ithe food was qwertz\r");
	screen_wait(s, "t 1");
	sluice_view(s, "4", "1 run . ordered by created");
	screen_key(s, "m");
	screen_wait(s, "validation accuracy of marked runs");
	screen_send(s, ":SELECT char(20013) AS sign, 'plain' AS word\r");
	screen_wait(s, "plain");
	screen_send(s, ":theme nosuch\r");
	sluice_wait_message(s, "nosuch.theme");
	screen_resize(s, 11, 39);
	screen_wait(s, "sluice needs 40");
	bytes = screen_bytes(s, &n);
	for (size_t k = 0; k < n; k++)
		if ((unsigned char)bytes[k] >= 0x80) {
			screen_print(s);
			fail_msg("a byte %02x in an ASCII terminal", (unsigned char)bytes[k]);
		}
	sluice_quit(s);
}

/* Of the sequences that set attributes none sets a colour. */
static void check_no_colour_sent(struct screen *s)
{
	size_t n;
	const char *at = screen_bytes(s, &n);

	while ((at = strstr(at, "\033["))) {
		const char *end = at + 2 + strspn(at + 2, "0123456789;");

		at += 2;
		while (*end == 'm' && at < end) {
			assert_in_range(strtol(at, NULL, 10), 0, 29);
			at += strcspn(at, ";m") + 1;
		}
		at = end;
	}
}

static void without_colours(void **state)
{
	static const char *const env[][3] = {{"NO_COLOR=1", "SLUICE_SAMPLE=1", NULL},
					     {"TERM=vt100", "SLUICE_SAMPLE=1", NULL}};
	const struct size *z = *state;

	for (int k = 0; k < 2; k++) {
		struct screen *s = sluice_start(z, env[k], NULL, NULL);

		sluice_wait_message(s, "english.tsv is ready");
		screen_key(s, "Space");
		sluice_wait_top(s, "finished");
		open_all_views(s);
		screen_send(s, "ithe food was not good\r"); /* values are told apart by density */
		screen_wait(s, "5 tokens");
		screen_wait(s, "▒");
		screen_wait(s, "█");
		sluice_wait_frames(s, z->cols >= 100 ? 8 : 4);
		screen_send(s, ":theme light\r");
		sluice_wait_message(s, "theme light");
		check_no_colour_sent(s);
		sluice_quit(s);
	}
}

/* The least size: gates or equations, one after the other. */
static void the_smallest_screen(void **state)
{
	static const struct size least = {12, 40};
	struct screen *s = sluice_trained(*state);

	screen_resize(s, least.rows, least.cols);
	screen_wait_row(s, least.rows - 1, "space start, pause");
	sluice_wait_frames(s, 1);
	sluice_view(s, "4", "ordered by created");
	sluice_view(s, "5", "Which runs are the best");
	sluice_view(s, "6", "message");
	sluice_view(s, "3", "Here a run writes texts");
	sluice_view(s, "?", "Keys everywhere");
	sluice_view(s, "2", "input gate");
	sluice_wait_frames(s, 1);
	screen_key(s, "S-Tab"); /* before the first gate: the equations */
	screen_wait(s, "= z_i");
	screen_wait_gone(s, "input gate");
	sluice_wait_frames(s, 1);
	screen_key(s, "Right");
	screen_wait(s, "unit 0 · t 2");
	screen_key(s, "Tab");
	screen_wait_gone(s, "= z_");
	sluice_wait_frames(s, 1);
	type_sentence(s, "中文 🚀 food");
	sluice_wait_frames(s, 1);
	screen_wait(s, "🚀?");
	sluice_quit(s);
}

/* --- help --- */

static void help_lists_every_key(void **state)
{
	static const char *const lines[] = {"Keys of Runs",
					    "m            mark",
					    "Keys everywhere",
					    "Up k         up",
					    "PgDn         a page down",
					    "S-Tab        previous pane",
					    "Esc          back",
					    "x            export as csv",
					    "p            pin the sentence",
					    "C-z          to the shell",
					    "3            Text",
					    "6            Log",
					    "Keys of Text",
					    "Keys of Train",
					    "Space        start, pause",
					    "S            stop",
					    "Keys of Gates",
					    "z            zoom",
					    "Commands, after :",
					    "trace [RUN] [--text] TEXT",
					    "SELECT ...",
					    "Settings, after :train, as name=value",
					    "epochs"};
	struct screen *s = sluice_sample(*state);
	int rows, cols, page = 0;
	bool seen[sizeof(lines) / sizeof(*lines)] = {false};
	char last[256] = "";

	screen_size(s, &rows, &cols);
	sluice_view(s, "4", "ordered by");
	sluice_view(s, "?", "Keys of Runs");
	for (;; page++) {
		screen_listen(s, 50);
		for (size_t k = 0; k < sizeof(lines) / sizeof(*lines); k++)
			seen[k] = seen[k] || screen_contains(s, lines[k]);
		snprintf(last, sizeof(last), "%.200s", screen_text(s, rows - 3));
		screen_key(s, "PgDn");
		screen_listen(s, 50);
		if (!strcmp(last, screen_text(s, rows - 3)))
			break;
		assert_true(page < 30);
	}
	assert_true(page > 1);
	for (size_t k = 0; k < sizeof(lines) / sizeof(*lines); k++)
		if (!seen[k])
			fail_msg("the help lacks '%s'", lines[k]);
	screen_key(s, "g");
	screen_wait(s, "Keys of Runs");
	screen_send(s, "/learning rate\r");
	screen_wait_gone(s, "Keys of Runs");
	screen_wait(s, "learning rate");
	screen_key(s, "q"); /* back, not away */
	screen_wait(s, "ordered by");
	sluice_view(s, "?", "Keys of Runs");
	sluice_view(s, "Esc", "ordered by");
	sluice_quit(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		AT_BOTH(numbers_add_up),       AT_BOTH(the_cursor_moves),
		AT_BOTH(words_of_all_widths),  AT_SMALL(a_text_without_words),
		AT_BOTH(ascii_only),           AT_BOTH(without_colours),
		AT_SMALL(the_smallest_screen), AT_BOTH(help_lists_every_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
