/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/screen/sluice.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

struct size small = {24, 80}, large = {36, 120};

enum { LEFT = 0, RIGHT = 1 };

static char folder[64], path[128], said[65536];
static struct screen *running;

static const char *build_folder(void)
{
	return getenv("BUILD") ? getenv("BUILD") : "build";
}

int sluice_set_up(void **state)
{
	const size_t n = (size_t)snprintf(folder, sizeof(folder), "/tmp/sluice_test.");

	(void)state;
	memset(folder + n, 'X', 6);
	folder[n + 6] = '\0';
	return mkdtemp(folder) ? 0 : -1;
}

int sluice_clean_up(void **state)
{
	char command[96];

	(void)state;
	sluice_close(running);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

const char *sluice_path(const char *name)
{
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

const char *sluice_long_training(void)
{
	char here[4096], line[512];
	FILE *from = fopen("samples/english.ini", "r"), *to = fopen(sluice_path("long.ini"), "w");

	if (!from || !to || !getcwd(here, sizeof(here)))
		fail_msg("cannot copy the sample's settings: %s", strerror(errno));
	while (fgets(line, sizeof(line), from)) {
		if (!strncmp(line, "epochs", 6))
			fputs("epochs = 20000\nkeep = best\n", to);
		else if (!strncmp(line, "data ", 5))
			fprintf(to, "data = %s/samples/english.tsv\n", here);
		else
			fputs(line, to);
	}
	fclose(from);
	assert_int_equal(fclose(to), 0);
	return sluice_path("long.ini");
}

const char *sluice_says(const char *words)
{
	char command[1024];
	size_t n;
	FILE *f;

	snprintf(command, sizeof(command), "SLUICE_STORE=%s/s.db HOME=%s %s/sluice %s", folder,
		 folder, build_folder(), words);
	f = popen(command, "r");
	assert_non_null(f);
	n = fread(said, 1, sizeof(said) - 1, f);
	said[n] = '\0';
	if (pclose(f) != 0)
		fail_msg("it does not succeed: sluice %s", words);
	return said;
}

void sluice_train(const char *name)
{
	char words[256];

	snprintf(words, sizeof(words), "train -q -c samples/english.ini --set epochs=2 --name %s",
		 name);
	sluice_says(words);
}

struct screen *sluice_start(const struct size *z, const char *const *env, const char *word,
			    const char *other)
{
	char store[128], home[96], state[96];
	const char *all[16] = {store, home, state, "XDG_DATA_HOME", "SLUICE_SAMPLE"};
	const char *const argv[] = {"{build}/sluice", word, word ? other : NULL, NULL};

	snprintf(store, sizeof(store), "SLUICE_STORE=%s/s.db", folder);
	snprintf(home, sizeof(home), "HOME=%s", folder);
	snprintf(state, sizeof(state), "XDG_STATE_HOME=%s", folder);
	for (int k = 0; env && env[k]; k++)
		all[5 + k] = env[k];
	running = NULL;
	running = screen_start(z->rows, z->cols, all, argv);
	return running;
}

struct screen *sluice_sample(const struct size *z)
{
	static const char *const env[] = {"SLUICE_SAMPLE=1", NULL};
	struct screen *s = sluice_start(z, env, NULL, NULL);

	sluice_wait_message(s, "english.tsv is ready");
	sluice_wait_top(s, "ready · 15 epochs · 345 steps");
	return s;
}

struct screen *sluice_trained(const struct size *z)
{
	struct screen *s = sluice_sample(z);

	screen_key(s, "Space");
	sluice_wait_top(s, "finished · epoch 15 · step 345");
	sluice_wait_message(s, "finished");
	return s;
}

struct screen *sluice_training(const struct size *z)
{
	struct screen *s = sluice_start(z, NULL, "-c", sluice_long_training());

	sluice_wait_top(s, "ready · 20000 epochs");
	screen_key(s, "Space");
	sluice_wait_epoch(s, 2);
	return s;
}

void sluice_close(struct screen *s)
{
	running = NULL;
	screen_close(s);
}

void sluice_exit(struct screen *s, int want)
{
	const int status = screen_end(s);

	screen_check_restored(s);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != want) {
		screen_print(s);
		fail_msg("it ended with %x instead of exit %d", (unsigned)status, want);
	}
	sluice_close(s);
}

void sluice_quit(struct screen *s)
{
	screen_key(s, "q");
	sluice_exit(s, 0);
}

void sluice_view(struct screen *s, const char *key, const char *sign)
{
	screen_key(s, key);
	screen_wait(s, sign);
}

void sluice_wait_message(struct screen *s, const char *text)
{
	int rows, cols;

	screen_size(s, &rows, &cols);
	screen_wait_row(s, rows - 2, text);
}

void sluice_wait_top(struct screen *s, const char *text)
{
	screen_wait_row(s, 0, text);
}

void sluice_say(struct screen *s, const char *line, const char *message)
{
	screen_send(s, ":");
	screen_send(s, line);
	screen_send(s, "\r");
	sluice_wait_message(s, message);
}

struct screen *sluice_look(const struct size *z, const char *name, const char *settings,
			   const char *sentence)
{
	char words[256];
	struct screen *s;

	snprintf(words, sizeof(words),
		 "train -q -c samples/english.ini --set epochs=2 --name %s %s", name, settings);
	sluice_says(words);
	s = sluice_start(z, NULL, name, NULL);
	sluice_wait_message(s, "is open at epoch");
	if (!sentence)
		return s;
	screen_send(s, "i");
	screen_wait(s, "sentence:");
	screen_send(s, sentence);
	screen_key(s, "Enter");
	screen_wait(s, " tokens · t = 1");
	return s;
}

/* --- pages --- */

void sluice_copy_page(struct screen *s, struct sluice_page *p)
{
	int rows, cols;

	screen_size(s, &rows, &cols);
	p->rows = rows - 2;
	for (int k = 0; k < p->rows; k++)
		snprintf(p->row[k], SLUICE_ROW_SIZE, "%s", screen_text(s, k));
}

void sluice_keep_page(struct screen *s, struct sluice_page *p)
{
	sluice_say(s, "print 40 + 2", "40 + 2 = 42");
	sluice_copy_page(s, p);
}

bool sluice_page_is(struct screen *s, void *page)
{
	static struct sluice_page now;
	const struct sluice_page *want = page;

	sluice_copy_page(s, &now);
	for (int k = 0; k < want->rows; k++)
		if (strcmp(now.row[k], want->row[k]) != 0)
			return false;
	return true;
}

/* --- frames --- */

/* Where the side that begins below (row, col) ends: the corner's row, or -1 when it is broken. */
static int side_end(struct screen *s, int rows, int row, int col, const char *corner)
{
	for (row++; row < rows; row++) {
		const struct screen_cell c = screen_cell(s, row, col);

		if (!strcmp(c.text, corner))
			return row;
		if (strcmp(c.text, "│") != 0)
			return -1;
	}
	return -1;
}

struct frames {
	int count;
	char trouble[128]; /* what is wrong with them */
};

static bool frames_are_straight(struct screen *s, void *data)
{
	static const char *const top[] = {"╭", "╮"}, *const bottom[] = {"╰", "╯"};
	struct frames *f = data;
	int rows, cols, count[2] = {0, 0};

	screen_size(s, &rows, &cols);
	for (int row = 0; row < rows; row++)
		for (int col = 0; col < cols; col++)
			for (int side = LEFT; side <= RIGHT; side++) {
				if (strcmp(screen_cell(s, row, col).text, top[side]) != 0)
					continue;
				count[side]++;
				if (side_end(s, rows, row, col, bottom[side]) >= 0)
					continue;
				snprintf(f->trouble, sizeof(f->trouble),
					 "a straight side below %d,%d", row, col);
				return false;
			}
	snprintf(f->trouble, sizeof(f->trouble), "%d frames; %d left and %d right corners",
		 f->count, count[LEFT], count[RIGHT]);
	if (count[LEFT] != count[RIGHT] || (f->count > 0 && count[LEFT] != f->count) ||
	    (f->count == FRAMES_SOME && !count[LEFT]))
		return false;
	for (int row = 3; f->count != FRAMES_NONE && row < rows - 2;
	     row++) { /* views go to the edge */
		const struct screen_cell c = screen_cell(s, row, cols - 1);

		if (*c.text && strstr("│╮╯", c.text))
			continue;
		snprintf(f->trouble, sizeof(f->trouble), "a border at the right end of row %d",
			 row);
		return false;
	}
	return true;
}

void sluice_wait_frames(struct screen *s, int count)
{
	struct frames f = {.count = count};

	screen_wait_for(s, frames_are_straight, &f, f.trouble);
}

/* --- numbers --- */

static int number_behind(struct screen *s, const char *label, int first, int last)
{
	int value;

	for (int row = first; row <= last; row++) {
		const char *at = strstr(screen_text(s, row), label);

		if (at && sscanf(at + strlen(label), "%d", &value) == 1)
			return value;
	}
	return -1;
}

int sluice_epoch(struct screen *s)
{
	return number_behind(s, "· epoch ", 0, 0);
}

int sluice_step(struct screen *s)
{
	int rows, cols;

	screen_size(s, &rows, &cols);
	return number_behind(s, "│ step ", 2, rows - 3);
}

static bool epoch_is_past(struct screen *s, void *least)
{
	return sluice_epoch(s) >= *(int *)least;
}

static bool step_is_past(struct screen *s, void *step)
{
	return sluice_step(s) > *(int *)step;
}

static bool step_is(struct screen *s, void *step)
{
	return sluice_step(s) == *(int *)step;
}

void sluice_wait_epoch(struct screen *s, int least)
{
	char what[64];

	snprintf(what, sizeof(what), "epoch %d or later", least);
	screen_wait_for(s, epoch_is_past, &least, what);
}

void sluice_wait_step(struct screen *s, int step)
{
	char what[64];

	snprintf(what, sizeof(what), "step %d", step);
	screen_wait_for(s, step_is, &step, what);
}

void sluice_wait_step_past(struct screen *s, int step)
{
	char what[64];

	snprintf(what, sizeof(what), "a step after %d", step);
	screen_wait_for(s, step_is_past, &step, what);
}
