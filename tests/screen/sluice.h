/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The workbench in a pseudo-terminal: every test has a folder of its own with a store in it, and runs
 * at 80x24 and at 120x36.
 */
#ifndef SLUICE_TESTS_SCREEN_SLUICE_H
#define SLUICE_TESTS_SCREEN_SLUICE_H

#include "tests/screen/screen.h"
#include "tests/unit.h"

struct size {
	int rows, cols;
};
extern struct size small, large;

/* Entries of cmocka's table; the test finds its size in *state. */
#define AT_SMALL(test)                                                                             \
	{                                                                                          \
#test " 80x24", test, sluice_set_up, sluice_clean_up, &small                       \
	}
#define AT_LARGE(test)                                                                             \
	{                                                                                          \
#test " 120x36", test, sluice_set_up, sluice_clean_up, &large                      \
	}
#define AT_BOTH(test) AT_SMALL(test), AT_LARGE(test)

int sluice_set_up(void **state);
int sluice_clean_up(void **state);

const char *sluice_path(const char *name); /* in the test's folder; borrowed until the next call */
/* A settings file of samples/english.ini with so many epochs that a test may take its time. */
const char *sluice_long_training(void);
/* Trains a run of two epochs without a screen. */
void sluice_train(const char *name);
/* What `sluice WORDS` prints for that store, borrowed until the next call; it must succeed. */
const char *sluice_says(const char *words);

/* Starts the workbench with the environment's changes and up to two words, each of which may be NULL. */
struct screen *sluice_start(const struct size *z, const char *const *env, const char *word,
			    const char *other);
struct screen *sluice_sample(const struct size *z);   /* ready to train the sample */
struct screen *sluice_trained(const struct size *z);  /* the same, trained */
struct screen *sluice_training(const struct size *z); /* in the midst of a long training */
void sluice_exit(struct screen *s, int status); /* waits for it, looks at the terminal, closes */
void sluice_quit(struct screen *s);             /* q, where nothing is being trained */
void sluice_close(struct screen *s);

void sluice_view(struct screen *s, const char *key,
		 const char *sign);                           /* opens it, waits for the sign */
void sluice_wait_message(struct screen *s, const char *text); /* in the line above the last */
void sluice_wait_top(struct screen *s, const char *text);     /* in the first line */
/* A line of the console, and what it says. */
void sluice_say(struct screen *s, const char *line, const char *message);
/* Trains a run of two epochs with more settings, opens it, and looks at a sentence in Gates, unless that is NULL. */
struct screen *sluice_look(const struct size *z, const char *name, const char *settings,
			   const char *sentence);

/* The view's rows, without message and hints. */
enum { SLUICE_ROWS = 40, SLUICE_ROW_SIZE = 1024 };
struct sluice_page {
	char row[SLUICE_ROWS][SLUICE_ROW_SIZE];
	int rows;
};
void sluice_copy_page(struct screen *s, struct sluice_page *p);
/* Copies it when all of it is there: a message comes after what stands above it. In Gates. */
void sluice_keep_page(struct screen *s, struct sluice_page *p);
bool sluice_page_is(struct screen *s, void *page);

/* Until every frame on the screen has straight sides, there are so many, and they reach to the edge. */
enum { FRAMES_NONE = -1, FRAMES_SOME = -2 }; /* need not reach it; any number but none */
void sluice_wait_frames(struct screen *s, int count);
int sluice_epoch(struct screen *s); /* of the first line; -1 when there is none */
int sluice_step(struct screen *s);  /* of the run pane; -1 when there is none */
void sluice_wait_epoch(struct screen *s, int least);
void sluice_wait_step(struct screen *s, int step);
void sluice_wait_step_past(struct screen *s, int step);

#endif
