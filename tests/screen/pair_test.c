/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Gates and Train of a run that writes the answers to texts: the attention map and what goes with it. */
#include "tests/screen/sluice.h"

#include <ctype.h>

enum { PAIRS = 48, WORDS = 6 };

static const char *const english[WORDS] = {"one", "two", "three", "four", "extraordinarily", "six"};
static const char *const german[WORDS] = {"eins", "zwei", "drei", "vier", "außerordentlich",
					  "sechs"};
static const char *const chinese[WORDS] = {"一", "两个", "三", "四", "非常", "六"};

/* Trains a run that writes three words in the other order. */
static void train_pairs(const char *name, const char *const *to, const char *settings)
{
	FILE *f = fopen(sluice_path("pairs.tsv"), "w");
	char words[512];

	assert_non_null(f);
	for (int k = 0; k < PAIRS; k++) {
		const int a = k % WORDS, b = k / WORDS % WORDS, c = (k / 5 + a) % WORDS;

		fprintf(f, "%s %s %s\t%s %s %s\n", english[a], english[b], english[c], to[c], to[b],
			to[a]);
	}
	assert_int_equal(fclose(f), 0);
	snprintf(words, sizeof(words),
		 "train -q --data %s --data-format parallel --set task=translate --set hidden=12 "
		 "--set embed=10 --set threads=1 --set batch=8 --set lr=0.02 --set epochs=30 "
		 "--set valid_split=0 --name %s %s",
		 sluice_path("pairs.tsv"), name, settings);
	sluice_says(words);
}

static struct screen *open_run(const struct size *z, const char *const *env, const char *name)
{
	struct screen *s = sluice_start(z, env, name, NULL);

	sluice_wait_message(s, "is open");
	sluice_view(s, "2", "= z_i");
	return s;
}

static void type_sentence(struct screen *s, const char *text, int tokens)
{
	char top[64];

	screen_send(s, "i");
	screen_wait(s, "sentence:");
	screen_send(s, text);
	screen_key(s, "Enter");
	screen_wait_gone(s, "sentence:");
	snprintf(top, sizeof(top), "%d tokens · t = 1", tokens);
	screen_wait_row(s, 2, top);
}

/* --- the map --- */

/* Cells from a column on of a row, up to the border of the map. */
static void map_text(struct screen *s, int row, int from, char out[512])
{
	int rows, cols;

	screen_size(s, &rows, &cols);
	*out = '\0';
	for (int col = from; col < cols; col++) {
		const struct screen_cell c = screen_cell(s, row, col);

		if (!strcmp(c.text, "│"))
			return;
		strcat(out, *c.text ? c.text : " ");
		col += c.width == 2;
	}
}

struct map {
	int top, row; /* its frame; the row with the cursor */
	char words[512], line[512];
	int share[32], count,
		chosen; /* hundredths that are printed in that row, and which is in brackets */
	bool whole;     /* no column is out of sight */
};

/* Numbers such as 0.61 and [.61] of a line. */
static void take_shares(struct map *m)
{
	m->count = 0;
	m->chosen = -1;
	for (const char *p = m->line; *p; p++) {
		if (*p == '[')
			m->chosen = m->count;
		if (*p != '.' || !isdigit((unsigned char)p[1]))
			continue;
		m->share[m->count] = (p > m->line && p[-1] == '1' ? 100 : 0) + 10 * (p[1] - '0') +
				     (isdigit((unsigned char)p[2]) ? p[2] - '0' : 0);
		m->count++;
		p += 2;
	}
}

static void read_map(struct screen *s, struct map *m)
{
	char mark[512], bottom[512];
	int rows, cols;

	screen_size(s, &rows, &cols);
	if (!screen_find(s, "a  written ↓ looks at →", &m->top, &(int){0})) {
		screen_print(s);
		fail_msg("there is no map");
	}
	m->row = -1;
	m->whole = false;
	map_text(s, m->top + 1, 1, m->words);
	for (int row = m->top + 2; row < rows - 2; row++) {
		map_text(s, row, 0, bottom);
		map_text(s, row, 1, mark);
		if (!strncmp(mark, "▸", strlen("▸"))) {
			m->row = row;
			strcpy(m->line, mark + strlen("▸"));
		}
		if (!strncmp(screen_text(s, row), "╰", strlen("╰")))
			m->whole = !strstr(bottom, "→") && !strstr(bottom, "←");
	}
	if (m->row < 0) {
		screen_print(s);
		fail_msg("no row of the map has the cursor");
	}
	take_shares(m);
}

/* The row at the cursor: what is printed adds up to 1, and its largest share is that in brackets. */
static void check_row(struct screen *s, int words)
{
	struct map m;
	int sum = 0;

	read_map(s, &m);
	assert_true(m.whole);
	if (m.count != words || m.chosen < 0) {
		screen_print(s);
		fail_msg("%d shares, and not one for each of %d words", m.count, words);
	}
	for (int k = 0; k < m.count; k++) {
		sum += m.share[k];
		assert_true(m.share[k] <= m.share[m.chosen] + 1); /* they are rounded */
	}
	if (sum != 100) {
		screen_print(s);
		fail_msg("shares add up to %d", sum);
	}
}

/* The panel names the word that the row at the cursor looks at most, with the same number. */
static void check_panel(struct screen *s)
{
	char want[64];
	struct map m;

	read_map(s, &m);
	snprintf(want, sizeof(want), " %d.%02d", m.share[m.chosen] / 100, m.share[m.chosen] % 100);
	for (int row = 3; row < m.top + 30; row++) {
		const char *at = strstr(screen_text(s, row), "looks at  ");
		const char *number = at ? strstr(at, want) : NULL;

		if (!number)
			continue;
		at += strlen("looks at  ");
		snprintf(want, sizeof(want), "▸%.*s", (int)(number - at), at);
		if (strstr(m.words, want)) /* marked above its column */
			return;
	}
	screen_print(s);
	fail_msg("the panel does not say '%s'", want);
}

static void rows_follow_the_decoder(void **state)
{
	const struct size *z = *state;
	struct screen *s;
	char title[64];
	int tokens = 0, said = 0;

	train_pairs("pairs", german, "--set attention=general --set input_feeding=true");
	s = open_run(z, NULL, "pairs");
	type_sentence(s, "one two three", 3);
	screen_wait(s, "looked at by  ");
	sluice_wait_frames(s, z->cols >= 100 ? 9 : 4);
	screen_send(s, "]g");
	screen_wait(s, "dec.l0 unit 0 · t 1 · “⏎”");
	for (int t = 1; t <= 3; t++) {
		snprintf(title, sizeof(title), "dec.l0 unit 0 · t %d ·", t);
		screen_wait(s, title);
		screen_wait(s, "looks at  ");
		screen_listen(s, 30);
		check_row(s, 3);
		check_panel(s);
		sluice_wait_frames(s, z->cols >= 100 ? 9 : 4);
		screen_key(s, "Right");
	}
	/* What the cell reads is its token and, beside it, what was said before. */
	for (int unit = 1; unit < 12; unit++) {
		screen_key(s, "Down");
		snprintf(title, sizeof(title), "dec.l0 unit %d ·", unit);
		screen_wait(s, title);
		screen_listen(s, 20);
		tokens += screen_contains(s, " x[");
		said += screen_contains(s, " h~[");
	}
	assert_true(said > 0 && (tokens > 0 || z->cols < 100)); /* there is room for one only */
	sluice_quit(s);
}

/* Several rows have a number below the word at the cursor. */
static void check_column(struct screen *s, const char *word)
{
	char mark[64], line[512];
	int numbers = 0;
	struct map m;

	read_map(s, &m);
	snprintf(mark, sizeof(mark), "▸%s", word);
	if (!strstr(m.words, mark)) {
		screen_print(s);
		fail_msg("'%s' is not marked", word);
	}
	for (int row = m.top + 2; row <= m.top + 4; row++) {
		map_text(s, row, 1, line);
		strcpy(m.line, line);
		take_shares(&m);
		numbers += m.count == 1;
	}
	assert_int_equal(numbers, 3);
}

/* From the decoder to the encoder: the word that the step looks at most, and its column. */
static void check_turn(struct screen *s)
{
	char word[32], title[64];
	const char *at;
	struct map m;

	screen_listen(s, 30);
	read_map(s, &m);
	at = strstr(m.words, "▸");
	assert_non_null(at);
	assert_int_equal(sscanf(at + strlen("▸"), "%31s", word), 1);
	screen_key(s, "[");
	snprintf(title, sizeof(title), "“%s”", word);
	screen_wait(s, "enc.l0.bw unit 0");
	screen_wait(s, title);
	screen_listen(s, 30);
	check_column(s, word);
}

static void columns_follow_the_encoder(void **state)
{
	const struct size *z = *state;
	struct screen *s;

	train_pairs("pairs", german, "--set attention=bahdanau --set bidirectional=true");
	s = open_run(z, NULL, "pairs");
	type_sentence(s, "one two three", 3);
	for (int run = 0; run < 2; run++) {
		screen_wait(s, run ? "enc.l0.bw unit 0 · t 1 · “one”"
				   : "enc.l0.fw unit 0 · t 1 · “one”");
		screen_wait(s, "looked at by  ");
		screen_listen(s, 30);
		check_column(s, "one");
		screen_key(s, "Right");
		screen_wait(s, "t 2 · “two”");
		screen_listen(s, 30);
		check_column(s, "two");
		screen_key(s, "Left");
		screen_wait(s, "t 1 · “one”");
		screen_key(s, "]");
	}
	screen_wait(s, "dec.l0 unit 0");
	check_turn(s);
	sluice_quit(s);
}

static void export_map(struct screen *s)
{
	screen_key(s, "x");
	screen_wait(s, "export to (.csv .json .svg): ");
	screen_send(s, "\025"); /* away with the name */
	screen_send(s, sluice_path("map.csv"));
	screen_key(s, "Enter");
	sluice_wait_message(s, "map.csv written");
}

static void check_exported(void)
{
	FILE *f = fopen(sluice_path("map.csv"), "r");
	char line[256];
	int lines = 0;

	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		if (!lines++)
			assert_string_equal(line, "step,written,t,token,share\n");
	fclose(f);
	assert_int_equal((lines - 1) % 3, 0); /* of three words */
	assert_true(lines > 6);
}

/* With the focus the arrows choose any cell; z shows the map alone. */
static void the_map_has_a_cursor(void **state)
{
	const struct size *z = *state;
	struct screen *s;
	struct map m, n;

	train_pairs("pairs", german, "--set attention=general");
	s = open_run(z, NULL, "pairs");
	type_sentence(s, "one two three", 3);
	screen_send(s, "]g");
	screen_wait(s, "dec.l0 unit 0 · t 1");
	for (int k = 0; k < 6; k++)
		screen_key(s, "Tab"); /* past h */
	screen_keys(s, "Left Left Left");
	screen_wait(s, "▸one");
	screen_key(s, "Right");
	screen_wait(s, "▸two");
	screen_key(s, "Down");
	screen_wait(s, "dec.l0 unit 0 · t 2");
	screen_listen(s, 30);
	read_map(s, &m);
	assert_non_null(strstr(m.words, "▸two"));
	assert_int_equal(m.count, 3);
	assert_int_equal(m.chosen, 1);
	screen_key(s, "z");
	screen_wait_gone(s, "hidden state");
	sluice_wait_frames(s, 2);
	read_map(s, &n);
	assert_string_equal(n.words + strspn(n.words, " "), m.words + strspn(m.words, " "));
	assert_int_equal(n.share[1], m.share[1]);
	screen_key(s, "Esc");
	screen_wait(s, "hidden state");
	export_map(s);
	screen_key(s, "Esc");
	screen_keys(s, "Down");
	screen_wait(s, "dec.l0 unit 1 · t 2");
	sluice_quit(s);
	check_exported();
}

/* Longer than any pane: the map goes along with the cursor. */
static void a_long_sentence_scrolls(void **state)
{
	static const char text[] = "one two three four extraordinarily six one two three four "
				   "extraordinarily six one two three four five six 一 二 三";
	const struct size *z = *state;
	struct screen *s;
	struct map m;
	char title[64];

	train_pairs("pairs", german, "--set attention=concat");
	s = open_run(z, NULL, "pairs");
	type_sentence(s, text, 21);
	for (int t = 1; t <= 21; t++) {
		snprintf(title, sizeof(title), "enc.l0.fw unit 0 · t %d ·", t);
		screen_wait(s, title);
		screen_listen(s, 20);
		read_map(s, &m);
		assert_false(m.whole);
		assert_non_null(strstr(m.words, "▸"));
		sluice_wait_frames(s, z->cols >= 100 ? 9 : 4);
		screen_key(s, "Right");
	}
	assert_non_null(strstr(m.words, "▸三"));
	screen_key(s, "g");
	screen_wait(s, "t 1 · “one”");
	screen_listen(s, 20);
	read_map(s, &m);
	assert_non_null(strstr(m.words, "▸one"));
	assert_null(strstr(m.words, "extraordinarily")); /* shortened, if it is in sight */
	sluice_quit(s);
}

/* What is written is Chinese: rows and columns line up, in Train too. */
/* The number before "steps" in the line of the sentence; 0 without one. */
static int shown_steps(struct screen *s)
{
	const char *row = screen_text(s, 2), *at = strstr(row, " steps");

	while (at && at > row && at[-1] >= '0' && at[-1] <= '9')
		at--;
	return at ? atoi(at) : 0;
}

static void chinese_lines_up(void **state)
{
	const struct size *z = *state;
	struct screen *s;
	int steps;
	struct map m;

	train_pairs("pairs", chinese, "--set attention=dot --set layers=2");
	s = open_run(z, NULL, "pairs");
	type_sentence(s, "one 世界 six", 4);
	screen_send(s, "]]g");
	screen_wait(s, "dec.l0 unit 0 · t 1");
	screen_listen(s, 30);
	screen_send(s, "]");
	screen_wait(s, "dec.l1 unit 0 · t 1");
	steps = shown_steps(s);
	assert_true(steps > 1);
	for (int t = 1; t <= steps && t < 7; t++) {
		char title[32];

		snprintf(title, sizeof(title), "unit 0 · t %d ·", t);
		screen_wait(s, title);
		screen_listen(s, 20);
		check_row(s, 4);
		read_map(s, &m);
		assert_true(m.row >= m.top + 2);
		sluice_wait_frames(s, z->cols >= 100 ? 9 : 4);
		screen_key(s, "Right");
	}
	screen_key(s, "p");
	sluice_wait_message(s, "pinned: one 世界 six");
	sluice_view(s, "1", "pinned · one 世界 six ─");
	screen_wait(s, "p(wrote)");
	screen_wait(s, "looks at");
	sluice_wait_frames(s, 4);
	sluice_quit(s);
}

/* --- terminals that can do less --- */

static void ascii_only(void **state)
{
	static const char *const env[] = {"LC_ALL=C", "NO_COLOR=1", NULL};
	struct screen *s;
	const char *bytes;
	size_t n;

	train_pairs("pairs", chinese, "--set attention=general");
	s = open_run(*state, env, "pairs");
	screen_send(s, "ione two three\r");
	screen_wait(s, "3 tokens . t = 1");
	screen_wait(s, "looked at by");
	screen_wait(s, "a  written v looks at >");
	screen_send(s, "]");
	screen_wait(s, "looks at  ");
	screen_wait(s, " @@@@"); /* a large share */
	sluice_view(s, "1", "p(wrote)");
	bytes = screen_bytes(s, &n);
	for (size_t k = 0; k < n; k++)
		if ((unsigned char)bytes[k] >= 0x80) {
			screen_print(s);
			fail_msg("a byte %02x in an ASCII terminal", (unsigned char)bytes[k]);
		}
	sluice_quit(s);
}

/* The least size: one gate, the map or the equations. */
static void the_smallest_screen(void **state)
{
	static const struct size least = {12, 40};
	struct screen *s;
	struct map m;

	train_pairs("pairs", german, "--set attention=general");
	s = open_run(*state, NULL, "pairs");
	type_sentence(s, "one two three", 3);
	screen_resize(s, least.rows, least.cols);
	screen_wait_gone(s, "= z_i");
	screen_wait(s, "input gate");
	sluice_wait_frames(s, 1);
	screen_key(s, "S-Tab");
	screen_wait(s, "= z_i");
	sluice_wait_frames(s, 1);
	screen_key(s, "S-Tab");
	screen_wait(s, "written ↓ looks at →");
	screen_wait_gone(s, "= z_i");
	sluice_wait_frames(s, 1);
	screen_listen(s, 20);
	read_map(s, &m);
	screen_key(s, "Right");
	screen_wait(s, "▸two");
	screen_key(s, "Esc");
	screen_wait(s, "input gate");
	sluice_quit(s);
}

static void without_attention(void **state)
{
	const struct size *z = *state;
	struct screen *s;

	train_pairs("pairs", german, "--set attention=none");
	s = open_run(z, NULL, "pairs");
	type_sentence(s, "one two three", 3);
	screen_send(s, "]");
	screen_wait(s, "dec.l0 unit 0");
	screen_wait(s, "writes");
	assert_false(screen_contains(s, "looks at"));
	sluice_wait_frames(s, z->cols >= 100 ? 8 : 4);
	sluice_view(s, "1", "p(wrote)");
	assert_false(screen_contains(s, "looks at"));
	sluice_wait_frames(s, 4);
	sluice_quit(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		AT_BOTH(rows_follow_the_decoder), AT_BOTH(columns_follow_the_encoder),
		AT_BOTH(the_map_has_a_cursor),    AT_BOTH(a_long_sentence_scrolls),
		AT_BOTH(chinese_lines_up),        AT_SMALL(ascii_only),
		AT_SMALL(the_smallest_screen),    AT_BOTH(without_attention),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
