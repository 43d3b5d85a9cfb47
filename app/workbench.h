/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The workbench: one thread that owns the terminal and draws views from what other threads hand
 * over. Keys are command lines; views only draw and answer for their own cursor.
 */
#ifndef SLUICE_APP_WORKBENCH_H
#define SLUICE_APP_WORKBENCH_H

#include "app/command/command.h"
#include "app/debug.h"
#include "app/jobs.h"
#include "app/session.h"
#include "app/tui/canvas.h"
#include "app/tui/heat.h"
#include "app/tui/keymap.h"
#include "app/tui/theme.h"
#include "engine/inspect/trace.h"
#include "engine/inspect/writer.h"
#include "store/event.h"
#include "store/list.h"
#include "store/note.h"
#include "store/weights.h"

enum { SCREEN_MIN_ROWS = 12, SCREEN_MIN_COLS = 40 };
enum { TEXT_LENGTH = 400, TEXT_LENGTH_MAX = 20000 };

struct workbench;
struct script;

enum move {
	MOVE_UP,
	MOVE_DOWN,
	MOVE_LEFT,
	MOVE_RIGHT,
	MOVE_TOP,
	MOVE_BOTTOM,
	MOVE_PAGE_UP,
	MOVE_PAGE_DOWN
};

/* A view: a table entry. Functions may be NULL. */
struct view {
	const char *name;
	int number; /* of the key that opens it; 0: none of its own */
	const struct binding *keys;
	void (*draw)(struct workbench *w, struct rect r);
	/* Global keys worth a hint now, under what they do here. */
	const struct binding *(*hints)(const struct workbench *w);
	void (*enter)(struct workbench *w); /* when it is opened */
	void (*move)(struct workbench *w, enum move m, int count);
	void (*pane)(struct workbench *w, int delta);
	void (*open)(struct workbench *w);
	bool (*back)(struct workbench *w); /* false: nothing to go back from */
	bool (*find)(struct workbench *w, const char *text, int delta); /* next or previous match */
	bool (*rows)(struct workbench *w, struct output *o,
		     struct err *err); /* what export writes */
};

extern const struct view view_train, view_gates, view_text, view_runs, view_query, view_log,
	view_help;
const struct view *view_at(int index); /* NULL past the end */

/* A sentence and its trace under the weights looked at. */
struct sentence {
	char *text;
	struct trace
		*trace; /* NULL until the job is done; as it is shown: under the edits, if any */
	struct trace *unedited; /* what it would be without edits; NULL where there are none */
	const char **token;     /* trace->T, and what follows belongs to it */
	bool *unknown;
	/* written + 1; the decoder reads the first at its first step, and writes the next */
	const char **wrote;
	char *token_text;
	bool pending; /* a job is under way */
	bool stale;   /* text or weights have changed since the job began */
};

/* The run whose weights are looked at: the one in training, or one from the store. */
struct open_run {
	bool live;
	char id[9], name[RUN_NAME_SIZE];
	char status[24];
	struct snapshot *snapshot;
	struct feed_view *view; /* curves and numbers */
	int64_t parameters;
	double rate;                       /* asked for last; 0: never */
	struct checkpoint_row *checkpoint; /* of one from the store: those it has, by step */
	int checkpoints;
};

/* On the way from one checkpoint of a run to another. */
struct travel_state {
	bool pending; /* a job is under way */
	int more;     /* checkpoints on, or back, that were asked for since */
};

enum ask {
	ASK_NONE,
	ASK_CONSOLE,
	ASK_SENTENCE,
	ASK_PROMPT,
	ASK_FIND,
	ASK_BREAK,
	ASK_EDIT,
	ASK_DIFF,
	ASK_EXPORT,
	ASK_RENAME,
	ASK_TAG,
	ASK_NOTE,
	ASK_FILTER,
	ASK_DELETE,
	ASK_QUIT,
	ASK_TRAIN
};

/* What the views remember of themselves. */
struct gates_state {
	int t, unit, signal, first_unit;
	int run;                     /* of the trace: which layer and direction */
	int goto_run, goto_t;        /* where to go when the sentence has its trace, */
	bool goes;                   /* if there is such a place */
	int side_first, side_hidden; /* lines of the equations: scrolled away, without room */
	bool zoom, pane, map;        /* pane: the equations have the focus; map: the attention */
	int across; /* of the map's cell, along the axis that is not the run's: from 1; 0: the largest */
	int first_row; /* of the map */
	struct {
		int run, t, unit; /* where the equations come line by line, */
		int shown;        /* and how many have come; 0: all are there */
	} reveal;
};
/* What a beam search has come to, and what is shown of it; see view/branch.h. */
struct branches {
	struct beam_node *node; /* nodes, a parent before its children */
	int nodes;
	struct beam_text *text; /* texts, best first; without ids */
	int texts;
	size_t node_cap, text_cap;
	bool *open; /* nodes: what is below it is shown */
	bool laid;  /* what follows is right for what is above */
	int *heir; /* nodes + 1: the child that a line goes on with, or -1; [0] that of the beginning */
	int *below;  /* nodes: how many are below it */
	int *answer; /* nodes: the best text below it or at it, from 0; -1 for none */
	struct branch_line *line;
	int lines, cursor, first;
	size_t open_cap, heir_cap, below_cap, answer_cap, line_cap;
};

/* A text that a model writes, and how the next one is drawn. */
struct text_state {
	char *prompt; /* NULL: none yet */
	struct sampling how;
	uint64_t seed;
	int length; /* tokens at most */

	/* What has been written, with the weights of that moment. */
	struct snapshot *snapshot; /* NULL: nothing; keeps the tokens' names alive */
	char id[9];                /* of the run; "" where it had none yet */
	bool live;
	struct encoding read; /* the prompt's tokens */
	char *read_text;
	struct written *token; /* count of them */
	size_t cap;
	int count, most; /* most: how long it may become */
	struct job *job; /* writes on; NULL: it is finished, or was stopped */
	int cursor, first;
	bool follow; /* the cursor goes along with what is written */

	/* Of pairs: how the next answer is looked for; a search that is under way or was; a row for each
	 * token, its shares of the read ones. */
	int beam;
	double penalty;
	bool searching, tree; /* tree: it has the focus */
	struct branches branches;
	double scored; /* the penalty of that search, */
	int wide;      /* and how many texts it had under way */
	bool drawn;    /* the answer is drawn with a seed, not looked for */
	real *look;
	size_t look_cap;
};
struct runs_state {
	struct run_row *row;
	size_t count;
	int *depth; /* count: in the tree that the list is, or NULL */
	int selected, first, order;
	bool ascending, loading, stale;
	int64_t asked_ms; /* when it was last read because of a training */
	char *filter;
	int marks;
	struct marked {
		char id[9], name[RUN_NAME_SIZE];
		struct metric_curve *curve; /* NULL until loaded */
		bool perplexity;            /* it is one of that, not of accuracy */
	} mark[8];
};
/* A row and a column, or a series and a point; the top row that is drawn. */
struct picture_cursor {
	int row, col, first;
};
struct query_state {
	struct answer answer;
	char *sql;
	int selected, first, left;
	bool has_answer;
	int pane;                      /* of the answer: its rows, or a picture, from 1 */
	int picture;                   /* the one that is drawn where there is room for one */
	bool zoom;                     /* it has the whole view */
	struct picture_cursor *cursor; /* of each of the answer's pictures */
};
struct log_state {
	struct event_row *row;
	size_t count;
	int selected, first;
	bool loading, stale, follow;
	char **line; /* captured output of this process */
	int lines;
	int64_t *line_ms;
	size_t cap;
};

/* The texts that are gone through by `run`, and where in them that is. */
struct corpus_walk {
	struct examples texts; /* none: nothing has been gone through */
	int at;                /* the text that is on the desk, from 0; -1: none of them */
	int next;              /* with which it goes on */
	struct job *job;       /* goes through them now, and borrows them; or NULL */
};

/* What random edits of the same size do, as far as they have been tried. */
struct held_against {
	struct job *job;          /* tries more of them; or NULL */
	const char *what;         /* "random units"; NULL: there is nothing to hold edits against */
	int done, runs, C;        /* done of runs */
	double *mean, *deviation; /* (C) */
};

struct workbench {
	struct context context;
	struct settings settings; /* of the next training */
	struct canvas canvas;
	struct theme theme;
	const struct view *view, *before; /* before: what Esc leaves the help to */
	struct jobs *jobs;
	struct script *script; /* the command files that are being run, if any */
	bool headless;         /* there is no terminal: the canvas is all there is */
	int wake[2];
	bool dirty, quit, stopping, ended;
	bool answered; /* by one letter, just now */
	int exit_signal;

	struct session *session;             /* NULL: none yet */
	struct resumed *resumed;             /* what the session goes on from, or NULL */
	struct tuned *tuned;                 /* what it takes its encoder from, or NULL */
	struct open_run live, stored, *open; /* open: one of the two, or NULL */
	struct travel_state travel;
	struct sentence current, pinned;
	int64_t snapshot_asked_ms;
	int64_t trace_ms; /* what the last trace took */

	enum ask ask;
	char *asked_for; /* the run a question is about */
	char *find;
	char message[512];
	enum role message_role;
	bool sticky; /* the message stays until it is overwritten */
	char *history;

	struct gates_state gates;
	struct {
		char id[9]; /* of the run that they belong to */
		struct unit_note *at;
		size_t count;
	} notes; /* of units */
	struct debug debug;
	struct {
		int64_t every_ms, due_ms; /* a step each; every_ms 0: nothing plays */
	} play;
	struct buf later; /* lines that wait for the sentence's trace */
	struct corpus_walk walk;
	struct held_against against;
	struct text_state text;
	struct runs_state runs;
	struct query_state query;
	struct log_state log;
	int help_first, help_found; /* help_found: a row, or -1 */
};

/* Runs the workbench on a terminal until the user leaves it: the process's exit code. run is what to
 * open, or NULL for the latest or the sample; settings are those of -c, or NULL; script is a command file to run on
 * it, or NULL. */
int workbench_run(struct context *c, const char *run, const struct settings *settings,
		  const char *script);
/* The same without a terminal, until the command file ends. */
int workbench_run_headless(struct context *c, const char *run, const struct settings *settings,
			   const char *script);

extern const struct binding global_keys[]; /* the keys that mean the same everywhere */

/* app/frame.c: draws the whole screen and shows it. */
void frame_draw(struct workbench *w);
/* app/headless.c: goes on until it may leave. */
void headless_loop(struct workbench *w);

void workbench_key(struct workbench *w, struct key k); /* as if it had been pressed */
/* Leaves when what is being trained has been stopped with a checkpoint, and all is saved. */
void workbench_leave(struct workbench *w);
bool workbench_may_leave(const struct workbench *w);
void workbench_drain(struct workbench *w); /* takes what has woken it */

/* Runs one line of the console's grammar; trouble becomes the message. */
void workbench_line(struct workbench *w, const char *line);
void workbench_say(struct workbench *w, enum role role, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void workbench_err(struct workbench *w, const struct err *err); /* says what went wrong */
void workbench_show(struct workbench *w, const struct view *v);
/* app/ask.c: asks for a line, or for one letter. */
void workbench_ask(struct workbench *w, enum ask what, const char *label, const char *text);
/* Takes a question back if it is the one that is asked. */
void workbench_unask(struct workbench *w, enum ask what);
void workbench_answer(struct workbench *w, enum ask what, const char *line);

#endif
