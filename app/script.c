/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/script.h"

#include "app/command/ui_debug.h"
#include "app/command/ui_train.h"
#include "app/desk/desk.h"
#include "app/outcome.h"
#include "app/script_file.h"
#include "app/tui/prompt.h"
#include "engine/base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* While a trainer comes to rest it is looked at so often, in ms: it does not say when it has. */
enum { REST_MS = 10 };

enum waits { WAIT_NOT, WAIT_TRAINING, WAIT_TEXT };

struct pressed {
	struct key key;
	bool typed;
};

struct script {
	FILE *out;
	enum output_format format;
	bool quiet, yes, strict;
	struct script_file file[SCRIPT_DEPTH];
	int files;
	struct outcome now, next; /* the line under way; the one behind it, if it has been read */
	bool later;               /* the one behind it has not come yet */
	bool begun, over, paused;
	bool started; /* the line under way has been run */
	int t, run;   /* what Gates looked at before it was, and of which sentence */
	const char *sentence;
	bool holds;       /* the line has begun a training: how that ends is told behind it */
	struct err early; /* what went wrong before the first line */
	struct pressed *key;
	int keys, taken;
	size_t key_cap;
	enum waits waits;
	char *text; /* that is waited for */
	double seconds;
	int64_t until_ms;
	int status;
};

struct script *script_new(const struct context *c, FILE *out, bool strict)
{
	struct script *s = mem_zero(1, sizeof(*s));

	s->out = out;
	s->format = c->format;
	s->quiet = c->quiet;
	s->yes = c->yes;
	s->strict = strict;
	return s;
}

static void close_files(struct script *s)
{
	while (s->files)
		script_file_close(&s->file[--s->files]);
	outcome_release(&s->next);
	s->keys = s->taken = 0;
	s->waits = WAIT_NOT;
	s->later = s->paused = s->holds = false;
}

void script_free(struct script *s)
{
	if (!s)
		return;
	close_files(s);
	outcome_release(&s->now);
	free(s->key);
	free(s->text);
	free(s);
}

bool script_source(struct script *s, const char *file, struct err *err)
{
	if (s->files == SCRIPT_DEPTH)
		return err_set(err, ERR_USAGE,
			       "%d command files are open, each in the one before, and that is the "
			       "limit: does %s read itself?",
			       SCRIPT_DEPTH, file);
	if (!strcmp(file, "-") && !s->out)
		return err_set(err, ERR_USAGE,
			       "on the screen standard input is for keys: name a file");
	for (int k = 0; k < s->files && !strcmp(file, "-"); k++)
		if (s->file[k].fd == STDIN_FILENO)
			return err_set(err, ERR_USAGE, "standard input is being read already");
	if (!script_file_open(&s->file[s->files], file, s->files ? &s->file[s->files - 1] : NULL,
			      err))
		return false;
	s->files++;
	return true;
}

bool script_has_file(const struct script *s)
{
	return s->files || s->now.line;
}

bool script_is_active(const struct script *s)
{
	return (s->out && !s->over) || s->files || s->now.line || s->next.line ||
	       s->taken < s->keys;
}

int script_status(const struct script *s)
{
	return s->out ? s->status : 0; /* on the screen the user goes on by hand */
}

bool script_is_paused(const struct script *s)
{
	return s->paused;
}

bool script_is_exact(const struct script *s)
{
	return s->out && s->format != OUTPUT_TABLE &&
	       (s->format != OUTPUT_AUTO || !isatty(fileno(s->out)));
}

/* --- what a line comes to --- */

void script_said(struct script *s, enum role role, enum err_code code, const char *text)
{
	struct err *err = s->now.line ? &s->now.err : &s->early;

	if (code || role == ROLE_error) {
		if (!err->code)
			err_set(err, code ? code : ERR_FAILED, "%s", text);
	} else if (s->out && role == ROLE_warn) {
		if (!s->quiet)
			fprintf(stderr, "sluice: %s\n", text);
	} else if (s->now.line) {
		outcome_say(&s->now, text);
	}
}

void script_answered(struct script *s, enum output_format format)
{
	s->now.answered = s->now.line;
	s->now.format = format;
}

void script_screen(struct workbench *w)
{
	char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);

	if (!f)
		return;
	canvas_dump(&w->canvas, f);
	fclose(f);
	buf_add(&w->script->now.screen, text, n);
	free(text);
}

/* The file is left; without a screen so is the workbench. */
static void stop(struct workbench *w)
{
	struct script *s = w->script;

	close_files(s);
	outcome_release(&s->now);
	w->dirty = true;
	if (!s->out || s->over)
		return;
	s->over = true;
	w->quit = !ui_is_training(w); /* all is settled, and saved */
	if (w->quit)
		return;
	if (!w->stopping && !s->quiet)
		fprintf(stderr, "sluice: the command file ends before the training: the run is "
				"stopped, with a checkpoint\n");
	workbench_leave(w);
}

static void complain(struct workbench *w, const struct outcome *o, const struct err *err)
{
	struct script *s = w->script;
	struct buf where = {0};

	if (o->file)
		outcome_where(o, &where);
	if (s->out)
		fprintf(stderr, "sluice: %s%s%s\n", buf_str(&where), o->file ? ": " : "", err->msg);
	else
		workbench_say(w, ROLE_error, "%s%s%s", buf_str(&where), o->file ? ": " : "",
			      err->msg);
	buf_release(&where);
}

static bool is_elsewhere(const struct workbench *w)
{
	const struct script *s = w->script;

	return w->gates.t != s->t || w->gates.run != s->run || w->current.text != s->sentence;
}

/* Tells what the line came to, and stops where it failed. */
static void finish(struct workbench *w)
{
	struct script *s = w->script;
	struct outcome done;
	struct err err = {0};

	if (s->out && s->started && !s->now.err.code && is_elsewhere(w))
		ui_tell_displays(w);
	done = s->now;
	s->now = (struct outcome){0};
	s->waits = WAIT_NOT;
	if (s->out && done.err.code && w->ask != ASK_NONE)
		workbench_unask(w, w->ask); /* nobody will answer */
	if (s->out && !outcome_tell(&done, &w->query.answer, s->format, s->out, &err)) {
		if (err.code) /* else the reader has gone, which is no failure */
			done.err = err;
		done.may_fail = false;
		s->status = err.code ? err_exit_code(err.code) : 0;
		if (!err.code)
			stop(w);
	}
	if (done.err.code && (s->out || !done.may_fail))
		complain(w, &done, &done.err);
	if (done.err.code && !done.may_fail) {
		s->status = err_exit_code(done.err.code);
		stop(w);
	}
	outcome_release(&done);
}

void script_drop(struct workbench *w)
{
	close_files(w->script);
	outcome_release(&w->script->now);
	w->script->over = true;
}

void script_end(struct workbench *w)
{
	if (w->script->now.line)
		finish(w);
}

/* --- lines --- */

enum ahead { AHEAD_LINE, AHEAD_LATER, AHEAD_NONE, AHEAD_BAD };

/* Reads the line behind this one, over blank ones and remarks. */
static enum ahead look_ahead(struct script *s, struct err *err)
{
	s->later = false;
	while (!s->next.line && s->files) {
		struct script_file *f = &s->file[s->files - 1];
		char *line = script_file_line(f, err);

		if (err->code)
			return AHEAD_BAD;
		if (!line && !f->end) {
			s->later = true;
			return AHEAD_LATER;
		}
		if (!line) {
			script_file_close(f);
			s->files--;
			continue;
		}
		if (!*line || *line == '#') {
			free(line);
			continue;
		}
		s->next = (struct outcome){.file = mem_text(f->name),
					   .line = line,
					   .number = f->line,
					   .may_fail = *line == '-',
					   .nested = s->files > 1};
	}
	return s->next.line ? AHEAD_LINE : AHEAD_NONE;
}

/* Without its sign that it may fail. */
static const char *words_of(const struct outcome *o)
{
	return o->line + o->may_fail + strspn(o->line + o->may_fail, " \t");
}

static bool is_for_question(const struct outcome *o)
{
	const char *words = words_of(o);
	char *name = mem_bytes(words, strcspn(words, " \t"));
	const struct command *cmd = command_find(name, CMD_CONSOLE);

	free(name);
	return cmd && cmd->flags & CMD_ASKED;
}

static bool bad_line(struct workbench *w, const struct err *err)
{
	struct script *s = w->script;
	struct script_file *f = &s->file[s->files - 1];
	const struct outcome at = {.file = f->name, .number = f->line};

	complain(w, &at, err);
	s->status = err_exit_code(err->code);
	stop(w);
	return true;
}

static bool begin_line(struct workbench *w)
{
	struct script *s = w->script;
	struct err err = {0};

	switch (look_ahead(s, &err)) {
	case AHEAD_LATER:
		return false;
	case AHEAD_BAD:
		return bad_line(w, &err);
	case AHEAD_NONE:
		if (!s->holds)
			stop(w);
		s->holds = false;
		return true;
	case AHEAD_LINE:
		break;
	}
	if (!is_for_question(&s->next)) {
		if (w->ask != ASK_NONE)
			return false; /* there is a screen: the user answers */
		if (!w->sticky)
			*w->message = '\0';
	}
	s->now = s->next;
	s->next = (struct outcome){0};
	s->started = s->holds = false;
	return true;
}

static bool run_line(struct workbench *w)
{
	w->script->started = true;
	w->script->t = w->gates.t;
	w->script->run = w->gates.run;
	w->script->sentence = w->current.text;
	w->dirty = true;
	workbench_line(w, words_of(&w->script->now));
	return true;
}

/* --- questions --- */

static void press(struct workbench *w)
{
	struct script *s = w->script;
	const struct pressed p = s->key[s->taken++];

	if (s->taken == s->keys)
		s->keys = s->taken = 0;
	w->dirty = true;
	if (!p.typed || prompt_is_open())
		workbench_key(w, p.key);
}

void script_press(struct script *s, struct key k, bool typed)
{
	s->key = mem_grow(s->key, &s->key_cap, (size_t)s->keys + 1, sizeof(*s->key));
	s->key[s->keys++] = (struct pressed){k, typed};
}

static bool asks_for_letter(enum ask what)
{
	return what == ASK_DELETE || what == ASK_QUIT || what == ASK_TRAIN;
}

/* Without a screen nobody but the next line answers a question. false: that has not come yet. */
static bool question_is_answered(struct workbench *w)
{
	struct script *s = w->script;
	struct prompt_view v;
	struct err err = {0};
	enum ahead next;

	if (!s->out || w->ask == ASK_NONE || s->now.err.code)
		return true;
	next = look_ahead(s, &err);
	if (next == AHEAD_LATER)
		return false;
	if (next == AHEAD_LINE && is_for_question(&s->next))
		return true;
	if (s->yes && asks_for_letter(w->ask)) {
		script_press(s, (struct key){.code = K_CHAR, .ch = 'y'}, true);
		return false;
	}
	prompt_look(w->canvas.cols - 1, &v);
	err_set(&s->now.err, ERR_USAGE,
		"this asks “%.*s”: answer it with key or type on the next line",
		(int)(strlen(v.label) - strspn(v.label + strlen(v.label) - 1, " ")), v.label);
	return true;
}

/* --- waiting --- */

void script_hold(struct script *s)
{
	s->holds = s->out && s->now.line;
}

bool script_holds(const struct script *s)
{
	return s->holds;
}

void script_pause(struct script *s)
{
	s->paused = !s->out;
}

void script_wait_training(struct script *s)
{
	s->waits = WAIT_TRAINING;
}

void script_wait_text(struct script *s, const char *text, double seconds)
{
	free(s->text);
	s->text = mem_text(text);
	s->waits = WAIT_TEXT;
	s->seconds = seconds;
	s->until_ms = desk_now_ms() + (int64_t)(seconds * 1000);
}

static bool is_running(const struct workbench *w)
{
	return ui_is_training(w) && w->live.view->gauge.state == TRAIN_RUNNING;
}

static bool screen_has(const struct workbench *w, const char *text)
{
	char *all = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&all, &n);
	bool has;

	if (!f)
		return false;
	canvas_dump(&w->canvas, f);
	fclose(f);
	has = strstr(all, text);
	free(all);
	return has;
}

/* Whether what the line waits for has come, or never will. */
static bool wait_is_over(struct workbench *w)
{
	struct script *s = w->script;
	struct err *err = &s->now.err;

	if (s->waits == WAIT_NOT || err->code)
		return true;
	if (s->waits == WAIT_TRAINING) {
		if (ui_is_training(w) && !is_running(w) && s->out)
			err_set(err, ERR_USAGE,
				"the training is paused and does not end: toggle goes on with it");
		return !ui_is_training(w) || err->code;
	}
	if (screen_has(w, s->text))
		return true;
	if (s->out && !is_running(w))
		err_set(err, ERR_FAILED, "'%s' is not on the screen, and nothing is under way",
			s->text);
	else if (desk_now_ms() >= s->until_ms)
		err_set(err, ERR_FAILED, "'%s' is not on the screen after %g s", s->text,
			s->seconds);
	return err->code;
}

/* Whether all is done that was asked for, and is told; a training goes on meanwhile. */
static bool is_settled(struct workbench *w)
{
	bool rests;

	if (w->play.every_ms)
		return false;
	if (w->session) {
		if (!trainer_has_done(w->session->trainer, &rests))
			return false;
		desk_feed(w);
		if (w->session && !rests && w->live.view->gauge.state != TRAIN_RUNNING &&
		    !train_state_over(w->live.view->gauge.state))
			return false; /* it is about to say that it runs */
	}
	return jobs_none(w->jobs);
}

bool script_is_ready(struct workbench *w)
{
	return script_is_active(w->script) && !w->script->paused && is_settled(w);
}

bool script_go_on(struct workbench *w)
{
	struct script *s = w->script;

	if (!s->begun) {
		s->begun = true;
		/* an empty store has no latest run, which is no trouble */
		if (s->early.code && (s->strict || s->early.code != ERR_NO_RUN)) {
			s->status = err_exit_code(s->early.code);
			complain(w, &(struct outcome){0}, &s->early);
			stop(w);
			return true;
		}
	}
	if (s->taken < s->keys && !s->now.err.code) {
		press(w);
		return true;
	}
	s->keys = s->taken = 0;
	if (!s->now.line)
		return begin_line(w);
	if (!s->started && !s->now.err.code)
		return run_line(w);
	if (!wait_is_over(w) || !question_is_answered(w))
		return s->taken < s->keys;
	finish(w);
	return true;
}

int script_timeout(struct workbench *w)
{
	struct script *s = w->script;
	int64_t left;
	bool rests;

	if (!script_is_active(s) || s->paused)
		return -1;
	if (w->session && !trainer_has_done(w->session->trainer, &rests))
		return REST_MS;
	if (s->waits != WAIT_TEXT)
		return -1;
	left = s->until_ms - desk_now_ms();
	return left < 0 ? 0 : left > 3600000 ? 3600000 : (int)left;
}

int script_fd(const struct script *s)
{
	return s->later && s->files ? s->file[s->files - 1].fd : -1;
}

/* --- the user --- */

bool script_leave(struct workbench *w)
{
	struct script *s = w->script;
	struct buf where = {0};

	if (s->out || !script_is_active(s))
		return false;
	if (s->now.line)
		outcome_where(&s->now, &where);
	stop(w);
	workbench_say(w, ROLE_message, "%s%sthe command file is left", buf_str(&where),
		      where.len ? ": " : "");
	buf_release(&where);
	return true;
}

bool script_key(struct workbench *w, struct key k)
{
	struct script *s = w->script;

	if (!script_is_active(s) || prompt_is_open())
		return false;
	if (k.code == K_CHAR && k.ch == 'c' && k.mods == MOD_CTRL)
		return !jobs_waiting(w->jobs, NULL, NULL) && script_leave(w);
	if (!s->paused || k.mods)
		return false;
	if (k.code == K_ESC)
		return script_leave(w);
	if (k.code != K_ENTER)
		return false;
	s->paused = false;
	w->sticky = false;
	w->dirty = true;
	return true;
}
