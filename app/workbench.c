/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/desk/desk.h"

#include "app/command/ui_equations.h"
#include "app/place.h"
#include "app/script.h"
#include "app/tui/prompt.h"
#include "app/tui/term.h"
#include "engine/base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* FRAME_MS: between two frames that training asks for. */
enum { FRAME_MS = 80, LOG_LINES = 2000 };

static const struct view *const views[] = {&view_train, &view_gates, &view_text, &view_runs,
					   &view_query, &view_log,   &view_help};

const struct view *view_at(int index)
{
	return index >= 0 && (size_t)index < sizeof(views) / sizeof(views[0]) ? views[index] : NULL;
}

/* The keys that mean the same everywhere; no view binds one of them again. */
const struct binding global_keys[] = {
	{"Up k", "move up", "up"},
	{"Down j", "move down", "down"},
	{"Left h", "move left", "left"},
	{"Right l", "move right", "right"},
	{"Home g", "move top", "to the beginning"},
	{"End G", "move bottom", "to the end"},
	{"PgUp", "move pageup", "a page up"},
	{"PgDn", "move pagedown", "a page down"},
	{"Tab", "pane next", "next pane"},
	{"S-Tab", "pane previous", "previous pane"},
	{"Enter", "open", "open"},
	{"Esc", "back", "back"},
	{"/", "find", "find"},
	{"n", "again next", "find the next"},
	{"N", "again previous", "find the previous"},
	{"?", "help", "help"},
	{":", "console", "console"},
	{"x", "save", "export as csv, json or svg"},
	{"i", "sentence", "look at a sentence"},
	{"p", "pin", "pin the sentence"},
	{"q", "quit", "back, or leave"},
	{"C-l", "redraw", "draw again"},
	{"C-c", "cancel", "cancel, or leave"},
	{"C-z", "suspend", "to the shell"},
	{"1", "view train", "Train"},
	{"2", "view gates", "Gates"},
	{"3", "view text", "Text"},
	{"4", "view runs", "Runs"},
	{"5", "view query", "Query"},
	{"6", "view log", "Log"},
	{NULL, NULL, NULL},
};

/* Shows a message, and tells the command file all of it. */
static void say(struct workbench *w, enum role role, enum err_code code, const char *text)
{
	snprintf(w->message, sizeof(w->message), "%s", text);
	w->message_role = role;
	w->sticky = false;
	w->dirty = true;
	script_said(w->script, role, code, text);
}

void workbench_say(struct workbench *w, enum role role, const char *fmt, ...)
{
	char *text;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	text = mem_zero((size_t)(n < 0 ? 0 : n) + 1, 1);
	va_start(ap, fmt);
	vsnprintf(text, (size_t)(n < 0 ? 0 : n) + 1, fmt, ap);
	va_end(ap);
	say(w, role, ERR_NONE, text);
	free(text);
}

void workbench_err(struct workbench *w, const struct err *err)
{
	say(w, ROLE_error, err->code, err->msg);
}

void workbench_show(struct workbench *w, const struct view *v)
{
	if (w->view != v)
		w->before = w->view;
	w->view = v;
	w->dirty = true;
	if (v->enter)
		v->enter(w);
	desk_refresh(w);
}

/* --- the prompt ---------------------------------------------------------------------------------- */
static void prompt_input(struct workbench *w, struct key k)
{
	enum ask what = w->ask;
	char *line;

	w->dirty = true;
	if (what == ASK_QUIT || what == ASK_DELETE || what == ASK_TRAIN) { /* one letter answers */
		prompt_close();
		w->ask = ASK_NONE;
		w->answered = true;
		workbench_answer(w, what,
				 k.code == K_CHAR && (k.ch == 'y' || k.ch == 'Y') && !k.mods ? "y"
											     : "n");
		return;
	}
	switch (prompt_key(k)) {
	case PROMPT_CANCELLED:
		w->ask = ASK_NONE;
		break;
	case PROMPT_DONE:
		w->ask = ASK_NONE;
		line = mem_text(prompt_line());
		workbench_answer(w, what, line);
		free(line);
		break;
	case PROMPT_IGNORED:
		if (keymap_find(global_keys, k) && k.mods & MOD_CTRL)
			workbench_line(w, keymap_find(global_keys, k)->command);
		break;
	case PROMPT_EDITING:
		break;
	}
}

/* Keys that do nothing else while something plays: each one stops it. */
static bool stops_only(struct key k)
{
	return k.code == K_ESC || (k.code == K_CHAR && k.ch == ' ') ||
	       (k.code == K_CHAR && k.ch == 'c' && k.mods & MOD_CTRL);
}

void workbench_key(struct workbench *w, struct key k)
{
	const struct binding *b;
	bool played;

	if (prompt_is_open()) {
		prompt_input(w, k);
		return;
	}
	if (k.mods &
	    MOD_ALT) { /* Esc and a key, faster than can be told apart; nothing is bound to Alt */
		workbench_key(w, (struct key){.code = K_ESC});
		k.mods &= ~(unsigned)MOD_ALT;
	}
	if (k.mods & MOD_PASTE)
		return;
	if (w->answered) { /* Enter behind an answer of one letter is habit, not a command */
		w->answered = false;
		if (k.code == K_ENTER)
			return;
	}
	played = play_stop(w);
	if (*w->message && !w->sticky) {
		*w->message = '\0';
		w->dirty = true;
	}
	if (played && stops_only(k)) {
		workbench_say(w, ROLE_message, "stopped");
		return;
	}
	b = keymap_find(w->view->keys, k);
	if (!b)
		b = keymap_find(global_keys, k);
	if (b)
		workbench_line(w, b->command);
}

/* --- the loop ------------------------------------------------------------------------------------ */

void workbench_leave(struct workbench *w)
{
	w->stopping = true;
	if (w->session && !train_state_over(w->live.view->gauge.state))
		trainer_stop(w->session->trainer);
	w->dirty = true;
}

static void signals(struct workbench *w)
{
	enum term_event e;

	while ((e = term_signal()) != TERM_NOTHING) {
		w->dirty = true;
		if (e == TERM_STOP) {
			term_suspend();
		} else if (e == TERM_INTERRUPT) {
			if (!script_leave(w))
				workbench_line(w, "cancel");
		} else if (e == TERM_TERMINATE || e == TERM_HANGUP) {
			w->exit_signal = e == TERM_TERMINATE ? SIGTERM : SIGHUP;
			workbench_leave(w);
		}
	}
}

static void keep_line(struct workbench *w, const char *text, size_t n)
{
	struct log_state *l = &w->log;

	if (l->lines == LOG_LINES) {
		free(l->line[0]);
		memmove(l->line, l->line + 1, (size_t)(l->lines - 1) * sizeof(*l->line));
		memmove(l->line_ms, l->line_ms + 1, (size_t)(l->lines - 1) * sizeof(*l->line_ms));
		l->lines--;
	}
	if ((size_t)l->lines >= l->cap) {
		l->cap = l->cap ? l->cap * 2 : 64;
		l->line = mem_resize(l->line, l->cap, sizeof(*l->line));
		l->line_ms = mem_resize(l->line_ms, l->cap, sizeof(*l->line_ms));
	}
	l->line_ms[l->lines] = store_now_ms();
	l->line[l->lines++] = mem_bytes(text, n);
	w->dirty = true;
}

/* What was printed meanwhile, line by line. */
static void captured(struct workbench *w)
{
	static struct buf part;
	char bytes[4096];
	ssize_t n;

	while ((n = read(term_output_fd(), bytes, sizeof(bytes))) > 0)
		for (ssize_t k = 0; k < n; k++) {
			if (bytes[k] != '\n') {
				buf_byte(&part, bytes[k]);
				continue;
			}
			keep_line(w, buf_str(&part), part.len);
			buf_clear(&part);
		}
}

/* Whether everything that had to be saved has been. */
bool workbench_may_leave(const struct workbench *w)
{
	if (w->quit)
		return true;
	if (!w->stopping)
		return false;
	return !w->session &&
	       (w->ended || !w->live.view || w->live.view->gauge.state == TRAIN_READY);
}

void workbench_drain(struct workbench *w)
{
	char bytes[256];

	while (read(w->wake[0], bytes, sizeof(bytes)) > 0)
		continue;
}

/* Of two times in ms, of which -1 is never. */
static int sooner(int a, int b)
{
	return a < 0 || (b >= 0 && b < a) ? b : a;
}

static void loop(struct workbench *w)
{
	int64_t drawn = 0;

	while (!workbench_may_leave(w)) {
		const int64_t since = desk_now_ms() - drawn;
		const bool wait = w->dirty && since < FRAME_MS;
		struct pollfd fd[5] = {
			{.fd = term_fd(), .events = POLLIN},
			{.fd = term_signal_fd(), .events = POLLIN},
			{.fd = term_output_fd(), .events = POLLIN},
			{.fd = wait && w->session ? -1 : w->wake[0], .events = POLLIN},
			{.fd = -1, .events = POLLIN}};
		struct key k;
		bool answer = false; /* to a key, or a job's */

		if (w->dirty && !wait) {
			w->dirty = false;
			frame_draw(w);
			drawn = desk_now_ms();
		}
		if (!w->dirty && script_is_ready(w) && script_go_on(w)) {
			drawn = 0;
			continue;
		}
		if (w->dirty && !wait)
			continue; /* training has told something meanwhile */
		fd[4].fd = script_fd(w->script);
		if (poll(fd, 5,
			 sooner(sooner(wait ? (int)(FRAME_MS - since) : -1, script_timeout(w)),
				play_wait(w))) < 0 &&
		    errno != EINTR)
			break;
		while (!w->quit && term_key(&k)) {
			if (!script_key(w, k))
				workbench_key(w, k);
			answer = true;
		}
		signals(w);
		captured(w);
		workbench_drain(w);
		answer |= jobs_collect(w->jobs, w);
		play_turn(w);
		w->dirty |= jobs_told(w->jobs);
		desk_feed(w);
		if (answer && w->dirty)
			drawn = 0; /* an answer does not wait for the next frame */
	}
}

static void wake_up(void *arg)
{
	struct workbench *w = arg;

	if (write(w->wake[1], "j", 1) < 0)
		return; /* full: a wake-up is on its way already */
}

static void begin(struct workbench *w, const char *run, const struct settings *settings)
{
	char *sample;

	if (run) {
		desk_open(w, run);
	} else if (!settings && access(w->context.store, F_OK) == 0 && !getenv("SLUICE_SAMPLE")) {
		desk_open(w, "last");
	}
	if (settings) {
		desk_train(w, settings, false);
	} else {
		sample = place_shared("samples", "english.ini");
		if (settings_load(&w->settings, sample, NULL) && !run &&
		    (access(w->context.store, F_OK) || getenv("SLUICE_SAMPLE")))
			desk_train(w, &w->settings, false);
		free(sample);
	}
	desk_runs(w);
	desk_events(w);
}

static bool set_up(struct workbench *w, struct context *c, const struct settings *settings,
		   struct err *err)
{
	w->context = *c;
	w->context.out = NULL;
	w->view = w->before = &view_train;
	w->log.follow = true;
	w->text.how = (struct sampling){.temperature = 1, .top_p = 1};
	w->text.seed = 1;
	w->text.length = TEXT_LENGTH;
	w->text.beam = DECODE_BEAM;
	w->text.penalty = DECODE_PENALTY;
	w->dirty = true;
	if (settings)
		settings_copy(&w->settings, settings);
	else
		settings_default(&w->settings);
	theme_default(&w->theme);
	canvas_init(&w->canvas, 24, 80);
	w->wake[0] = w->wake[1] = -1;
	if (pipe(w->wake))
		return err_set(err, ERR_FAILED, "cannot make a pipe: %s", strerror(errno));
	for (int k = 0; k < 2; k++) {
		fcntl(w->wake[k], F_SETFL, O_NONBLOCK);
		fcntl(w->wake[k], F_SETFD, FD_CLOEXEC);
	}
	w->jobs = jobs_new(wake_up, w, err);
	return w->jobs;
}

/* Frees it: the exit code. */
static int finish(struct workbench *w, const struct err *err)
{
	int status = w->exit_signal ? 128 + w->exit_signal : script_status(w->script);

	if (err->code) {
		fprintf(stderr, "sluice: %s\n", err->msg);
		status = err_exit_code(err->code);
	}
	desk_release(w);
	script_free(w->script);
	canvas_release(&w->canvas);
	settings_release(&w->settings);
	free(w->find);
	free(w->asked_for);
	free(w->history);
	free(w);
	return status;
}

int workbench_run(struct context *c, const char *run, const struct settings *settings,
		  const char *script)
{
	struct workbench *w = mem_zero(1, sizeof(*w));
	struct err err = {0};

	w->script = script_new(c, NULL, false);
	w->history = place_state("history");
	if (set_up(w, c, settings, &err) && (!script || script_source(w->script, script, &err)) &&
	    term_open(&err)) {
		begin(w, run, settings);
		loop(w);
		term_close();
	}
	return finish(w, &err);
}

int workbench_run_headless(struct context *c, const char *run, const struct settings *settings,
			   const char *script)
{
	struct workbench *w = mem_zero(1, sizeof(*w));
	struct err err = {0};

	w->headless = true;
	w->script = script_new(c, c->out, run || settings);
	if (script_source(w->script, script, &err) && set_up(w, c, settings, &err)) {
		w->canvas.ascii = strcmp(nl_langinfo(CODESET), "UTF-8") != 0;
		w->canvas.colours = 0; /* shades are characters then, which a dump has */
		begin(w, run, settings);
		headless_loop(w);
	}
	return finish(w, &err);
}
