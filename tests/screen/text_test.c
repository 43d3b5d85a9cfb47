/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Runs that write texts: their curves, their gates, and what they write. */
#include "tests/screen/sluice.h"

#include <ctype.h>

enum { PAGE_ROW = 5, ROWS_MAX = 40, ROW_SIZE = 1024 };

/* A few lines that follow each other, again and again. */
static const char *corpus(void)
{
	static const char *const line[] = {"the cat sat on the mat .", "the dog saw the cat .",
					   "a bird sang in the tree .",
					   "the cat ran , the dog too ."};
	FILE *f = fopen(sluice_path("lines.txt"), "w");

	assert_non_null(f);
	for (int k = 0; k < 240; k++)
		fprintf(f, "%s\n", line[k * 7 % 4]);
	assert_int_equal(fclose(f), 0);
	return sluice_path("lines.txt");
}

/* Trains a language model of characters without a screen. */
static void train_writer(const char *settings)
{
	char words[512];

	snprintf(words, sizeof(words),
		 "train -q --data %s --name writer --set task=generate --set tokenizer=char "
		 "--set dropout=0 --set lr=0.01 %s",
		 corpus(), settings);
	sluice_says(words);
}

static struct screen *open_run(const struct size *z, const char *name)
{
	struct screen *s = sluice_start(z, NULL, name, NULL);

	sluice_wait_top(s, "finished");
	sluice_wait_message(s, "is open at epoch");
	return s;
}

static struct screen *open_writer(const struct size *z)
{
	train_writer("--set hidden=24 --set embed=12 --set epochs=12");
	return open_run(z, "writer");
}

/* --- Train --- */

static void perplexity_is_the_measure(void **state)
{
	struct screen *s = open_writer(*state);

	screen_wait(s, "╮╭ perplexity");
	screen_wait(s, "loss, nats");
	assert_false(screen_contains(s, "accuracy"));
	screen_wait(s, "at epoch ");
	screen_wait(s, "p(next)");
	sluice_wait_frames(s, 4);
	sluice_view(s, "4", "ordered by created");
	screen_key(s, "m");
	screen_wait(s, "validation perplexity of marked runs");
	screen_wait(s, "◆");
	sluice_quit(s);
}

/* In training, with everything that a run which writes can show. */
static void a_writer_is_trained(void **state)
{
	FILE *f = NULL;
	struct screen *s;
	char text[256];

	corpus();
	f = fopen(sluice_path("lm.ini"), "w");
	assert_non_null(f);
	fputs("task = generate\ntokenizer = char\nhidden = 24\nembed = 12\nepochs = 20000\n"
	      "keep = best\ndropout = 0\ndata = lines.txt\n",
	      f);
	assert_int_equal(fclose(f), 0);
	snprintf(text, sizeof(text), "%s", sluice_path("lm.ini"));
	s = sluice_start(*state, NULL, "-c", text);
	sluice_wait_top(s, "ready · 20000 epochs");
	screen_wait(s, "generate-standard");
	screen_wait(s, "perplexity");
	sluice_view(s, "2", "what follows"); /* with the weights it begins with */
	sluice_view(s, "1", "loss, nats");
	screen_key(s, "Space");
	sluice_wait_epoch(s, 3);
	screen_wait(s, "p(next)");
	screen_wait(s, "at epoch");
	sluice_view(s, "2", "what follows");
	screen_key(s, "Right");
	screen_wait(s, "t = 2");
	sluice_view(s, "3", "space writes on");
	screen_key(s, "Space");
	screen_wait(s, "400 of 400");
	screen_wait(s, "weights of step");
	sluice_wait_epoch(s, sluice_epoch(s) + 2); /* it trains on meanwhile */
	screen_key(s, "Enter");
	screen_wait(s, "what follows");
	sluice_wait_frames(s, ((const struct size *)*state)->cols >= 100 ? 8 : 4);
	sluice_view(s, "1", "perplexity");
	screen_key(s, "S");
	sluice_wait_top(s, "stopped");
	sluice_quit(s);
}

/* --- Text --- */

struct page {
	char row[ROWS_MAX][ROW_SIZE];
	int rows;
};

/* What stands on the page, without the pane beside it. */
static void copy_page(struct screen *s, struct page *p)
{
	int rows, cols;

	screen_size(s, &rows, &cols);
	p->rows = rows - 3 - PAGE_ROW;
	for (int k = 0; k < p->rows; k++) {
		const char *text = screen_text(s, PAGE_ROW + k), *end = strstr(text, "││");

		snprintf(p->row[k], ROW_SIZE, "%.*s", end ? (int)(end - text) : (int)strlen(text),
			 text);
	}
}

static bool page_is(struct screen *s, void *data)
{
	static struct page now;
	const struct page *want = data;

	copy_page(s, &now);
	for (int k = 0; k < want->rows; k++)
		if (strcmp(now.row[k], want->row[k]) != 0)
			return false;
	return true;
}

static bool page_is_another(struct screen *s, void *data)
{
	return !page_is(s, data);
}

/* The probabilities of the side pane, likeliest first; how many there are. */
static int alternatives(struct screen *s, int thousandths[16])
{
	int row, col, rows, cols, n = 0;

	screen_size(s, &rows, &cols);
	if (!screen_find(s, "likeliest here", &row, &col))
		return 0;
	for (row++; row < rows - 2 && n < 16; row++) {
		const char *text = screen_text(s, row), *dot = strrchr(text, '.');

		if (dot && isdigit((unsigned char)dot[1]) && dot > text)
			thousandths[n++] = (dot[-1] - '0') * 1000 + atoi(dot + 1);
	}
	return n;
}

/* Ten of them, each as likely as the one before at most, which half a screen may not show. */
static bool is_ranked(struct screen *s, void *data)
{
	int p[16], sum = 0;

	(void)data;
	if (alternatives(s, p) < 10)
		return false;
	for (int k = 0; k < 10; k++) {
		sum += p[k];
		if (k && p[k] > p[k - 1])
			return false;
	}
	return sum >= 500 && sum <= 1005;
}

static void a_text_is_written(void **state)
{
	struct screen *s = open_writer(*state);
	static struct page first;

	sluice_view(s, "3", "space writes on from the prompt");
	screen_send(s, ":sample length=60 seed=7\r");
	sluice_wait_message(s, "seed 7, length 60");
	screen_send(s, "ithe c\r");
	screen_wait(s, "60 of 60");
	screen_wait_row(s, 2, "prompt the c");
	screen_wait_row(s, PAGE_ROW, "the c");
	sluice_wait_frames(s, FRAMES_NONE);
	screen_key(s, "g");
	screen_wait(s, "token 1 · “");
	screen_wait_for(s, is_ranked, NULL, "ten alternatives in order");
	screen_key(s, "Right");
	screen_wait(s, "token 2 · “");
	screen_key(s, "G");
	screen_wait(s, "token 60 · “");
	screen_key(s, "Up");
	screen_wait_gone(s, "token 60 · “");
	screen_key(s, "g");
	screen_wait(s, "token 1 · “");
	copy_page(s, &first);
	screen_key(s, "r"); /* the next seed */
	screen_wait(s, "seed 8");
	screen_wait_for(s, page_is_another, &first, "another text");
	screen_wait(s, "60 of 60");
	screen_send(s, ":sample seed=7\r");
	screen_key(s, "Space");
	screen_wait(s, "seed 7");
	screen_wait_for(s, page_is, &first, "the same text by the same seed");
	screen_send(s, ":sample temperature=0\r");
	screen_key(s, "Space");
	screen_wait_for(s, page_is_another, &first, "the likeliest text");
	screen_wait(s, "60 of 60");
	screen_wait(s, "token 60 · “");
	screen_key(s, "Enter");
	screen_wait(s, "what follows");
	screen_wait(s, "66 tokens · t = 66"); /* the mark before the text, 5 and 60 */
	sluice_quit(s);
}

static void sampling_is_checked(void **state)
{
	static const char *const wrong[][2] = {
		{"temperature=-1", "temperature goes from 0 to 100, not '-1'"},
		{"temperature=warm", "temperature goes from 0 to 100, not 'warm'"},
		{"top_k=2.5", "top_k is a whole number from 0 to"},
		{"top_p=0", "top_p goes from 0.001 to 1, not '0'"},
		{"seed=-3", "seed is a whole number from 0"},
		{"length=0", "length is a whole number from 1 to 20000, not '0'"},
		{"heat=1", "sample takes temperature=, top_k=, top_p=, seed= and length=, not"},
	};
	struct screen *s = open_writer(*state);
	char line[128];

	sluice_view(s, "3", "space writes on from the prompt");
	for (size_t k = 0; k < sizeof(wrong) / sizeof(*wrong); k++) {
		snprintf(line, sizeof(line), ":sample seed=99 %s\r", wrong[k][0]);
		screen_send(s, line);
		sluice_wait_message(s, wrong[k][1]);
		assert_false(screen_contains(s, "seed 99")); /* all or nothing */
	}
	screen_send(s, ":sample temperature=0.8 top_k=5 top_p=0.9 seed=3 length=50\r");
	screen_wait_row(s, 3, "temperature 0.80  top k 5  top p 0.90  seed 3");
	screen_keys(s, "+ +");
	screen_wait_row(s, 3, "temperature 1.00");
	screen_key(s, "-");
	screen_wait_row(s, 3, "temperature 0.90");
	screen_send(s, ":write the dog\r");
	screen_wait(s, "50 of 50");
	screen_wait_row(s, PAGE_ROW, "the dog");
	screen_send(s, "/t\r");
	screen_wait(s, "· “t”");
	screen_send(s, "/nosuch\r");
	sluice_wait_message(s, "'nosuch' is not there");
	snprintf(line, sizeof(line), ":save %s\r", sluice_path("text.csv"));
	screen_send(s, line);
	sluice_wait_message(s, "text.csv written");
	sluice_quit(s);
}

static int written_of(struct screen *s, const char *all)
{
	const char *row = screen_text(s, 3), *at = strstr(row, all);

	while (at && at > row && isdigit((unsigned char)at[-1]))
		at--;
	return at ? atoi(at) : -1;
}

static bool some_are_written(struct screen *s, void *data)
{
	return written_of(s, data) > 0;
}

static bool is_stopped(struct screen *s, void *data)
{
	return written_of(s, data) > 0 && !strstr(screen_text(s, 3), "writing");
}

static void writing_can_be_stopped(void **state)
{
	const struct size *z = *state;
	struct screen *s;
	char all[] = " of 20000";
	int count;

	train_writer("--set hidden=512 --set embed=32 --set epochs=1 --set batch=64");
	s = open_run(z, "writer");
	sluice_view(s, "3", "space writes on");
	screen_send(s, ":sample length=20000\r");
	sluice_wait_message(s, "length 20000");
	for (int k = 0; k < 3; k++) {
		screen_key(s, "Space");
		screen_wait(s, "writing");
		screen_wait_for(s, some_are_written, all, "the first tokens");
		screen_resize(s, 30 - k, 100 - 12 * k);
		sluice_wait_frames(s, FRAMES_NONE);
		screen_keys(s, "Left Left Up");
		if (k == 1)
			screen_key(s, "C-c");
		else
			screen_key(s, k ? "Esc" : "Space");
		screen_wait_for(s, is_stopped, all, "the text as it was left");
		count = written_of(s, all);
		assert_in_range(count, 1, 19999);
	}
	screen_key(s, "Space"); /* and left while it writes */
	screen_wait(s, "writing");
	sluice_quit(s);
}

static void classify_has_nothing_to_write(void **state)
{
	struct screen *s;

	sluice_train("labels");
	s = open_run(*state, "labels");
	sluice_view(s, "3", "Here a run writes texts; the task of this one is classify.");
	screen_key(s, "Space");
	sluice_wait_message(s, "this run's task is classify");
	screen_keys(s, "r Enter Left x");
	screen_wait(s, "export to (.csv .json .svg): sluice-text.csv");
	screen_key(s, "Esc");
	screen_wait_gone(s, "export to (");
	screen_send(s, "ithe food\r"); /* a sentence, as anywhere */
	screen_wait(s, "2 tokens");
	screen_wait(s, "if the text ended here");
	sluice_quit(s);
}

/* --- reconstruct --- */

static void a_decoder_is_shown(void **state)
{
	const struct size *z = *state;
	struct screen *s;

	sluice_says("train -q --data samples/english.tsv --set task=reconstruct --set hidden=32 "
		    "--set embed=16 --set dropout=0 --set epochs=4 --name again");
	s = open_run(z, "again");
	screen_wait(s, "tokens right");
	screen_wait(s, "written");
	screen_wait(s, "p(wrote)");
	sluice_view(s, "2", "enc.l0.fw unit 0");
	screen_send(s, "ithe food was good\r");
	screen_wait(s, "4 tokens · t = 1");
	screen_wait(s, "written from the text's vector");
	screen_key(s, "]");
	screen_wait(s, "dec.l0 unit 0 · t 1 · “⏎”");
	screen_wait(s, "steps · t = 1");
	screen_wait(s, "writes");
	screen_send(s, ":goto f[2]@1\r");
	screen_wait(s, "dec.l0 unit 2 · t 1");
	screen_send(s, ":goto f[2]@90\r");
	sluice_wait_message(s, "units go from 0 to 31 and steps from 1 to");
	screen_key(s, "G");
	screen_key(s, "Right"); /* no further */
	sluice_wait_frames(s, z->cols >= 100 ? 8 : 4);
	screen_key(s, "[");
	screen_wait(s, "enc.l0.fw unit 2");
	screen_key(s, "]");
	screen_wait(s, "dec.l0");
	screen_send(s, "ithe\r"); /* a shorter one: the cursor has a place in it */
	screen_wait_row(s, 2, "the");
	screen_wait(s, "dec.l0 unit 2");
	sluice_view(s, "3", "space writes the text again");
	screen_send(s, ":write the food was good\r");
	screen_wait(s, "of 4 tokens right");
	screen_wait(s, "again");
	screen_key(s, "Right");
	screen_wait(s, "likeliest here");
	screen_key(s, "Enter");
	screen_wait(s, "dec.l0 unit 2");
	sluice_quit(s);
}

/* --- terminals that can do less --- */

static void ascii_only(void **state)
{
	static const char *const env[] = {"LC_ALL=C", "NO_COLOR=1", NULL};
	struct screen *s;
	const char *bytes;
	size_t n;

	train_writer("--set hidden=24 --set embed=12 --set epochs=2");
	s = sluice_start(*state, env, "writer", NULL);
	sluice_wait_message(s, "is open at epoch");
	sluice_view(s, "2", "what follows");
	screen_wait(s, "<eos>");
	sluice_view(s, "3", "space writes on");
	screen_key(s, "Space");
	screen_wait(s, "400 of 400");
	screen_key(s, "g");
	screen_wait(s, "token 1");
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
		AT_BOTH(perplexity_is_the_measure), AT_BOTH(a_writer_is_trained),
		AT_BOTH(a_text_is_written),         AT_SMALL(sampling_is_checked),
		AT_LARGE(writing_can_be_stopped),   AT_SMALL(classify_has_nothing_to_write),
		AT_BOTH(a_decoder_is_shown),        AT_SMALL(ascii_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
