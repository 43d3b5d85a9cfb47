/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The program that term_test drives: one screen, a prompt, and every way to end. Usage: term_demo
 * [HISTORY [LABEL]]. */
#define _XOPEN_SOURCE 700 /* wcwidth */
#include "app/tui/keymap.h"
#include "app/tui/prompt.h"
#include "app/tui/term.h"
#include "engine/base/mem.h"

#include <locale.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

struct demo {
	struct canvas canvas;
	struct prompt_spec prompt;
	char key[KEYMAP_NAME], event[32], log[128], line[256];
	int frames, keys, shade;
	bool deaf, quit; /* deaf: captured output is left unread */
	int status;
};

static const struct style plain = {COLOUR_DEFAULT, COLOUR_DEFAULT, 0};

static int put(struct demo *d, int row, int col, struct style s, const char *text)
{
	struct canvas *c = &d->canvas;
	mbstate_t state = {0};

	while (*text && row >= 0 && row < c->rows && col < c->cols) {
		wchar_t ch;
		size_t n = mbrtowc(&ch, text, strlen(text), &state);
		const int width = n - 1 < 8 ? wcwidth(ch) : 1;
		struct cell *at = &c->cell[row * c->cols + col];

		if (n - 1 >= 8) {
			n = 1;
			ch = '?';
		}
		text += n;
		if (width == 0 && col) {
			at--;
			for (int k = 1; k < CELL_CHARS; k++)
				if (!at->ch[k]) {
					at->ch[k] = (uint32_t)ch;
					break;
				}
			continue;
		}
		*at = (struct cell){{(uint32_t)ch}, s};
		if (width == 2 && col + 1 < c->cols)
			at[1] = (struct cell){{0}, s};
		col += width;
	}
	return col;
}

static void draw_colours(struct demo *d, int row)
{
	const struct style red = {1, COLOUR_DEFAULT, 0}, bright = {12, COLOUR_DEFAULT, 0},
			   rgb = {COLOUR_DEFAULT, COLOUR_RGB(0x28323c), 0}, far = {200, 22, 0},
			   dark = {COLOUR_RGB(0x000005), COLOUR_RGB(0xffff00), 0};
	int col = 0;

	col = put(d, row, col, red, "red ");
	col = put(d, row, col, bright, "bright ");
	col = put(d, row, col, rgb, "rgb ");
	col = put(d, row, col, far, "far ");
	col = put(d, row, col, dark, "dark ");
	col = put(d, row, col, (struct style){COLOUR_DEFAULT, COLOUR_DEFAULT, ATTR_BOLD}, "bold ");
	col = put(d, row, col, (struct style){COLOUR_DEFAULT, COLOUR_DEFAULT, ATTR_UNDERLINE},
		  "line ");
	put(d, row, col, (struct style){COLOUR_DEFAULT, COLOUR_DEFAULT, ATTR_REVERSE}, "turned");
}

static void draw(struct demo *d)
{
	struct canvas *c = &d->canvas;
	struct prompt_view look;
	char text[400];
	int row = 6;

	term_size(&c->rows, &c->cols);
	c->cell = mem_resize(c->cell, (size_t)c->rows * (size_t)c->cols, sizeof(*c->cell));
	for (int k = 0; k < c->rows * c->cols; k++)
		c->cell[k] = (struct cell){{' '}, plain};
	snprintf(text, sizeof(text), "demo %dx%d colours %d ascii %d", c->rows, c->cols,
		 term_colours(), term_ascii());
	put(d, 0, 0, plain, text);
	draw_colours(d, 1);
	put(d, 2, 0, plain, "|中文|e\xcc\x81|🚀|⣿|");
	snprintf(text, sizeof(text), "key %d %s", d->keys, d->key);
	put(d, 3, 0, plain, text);
	snprintf(text, sizeof(text), "event %s", d->event);
	put(d, 4, 0, plain, text);
	snprintf(text, sizeof(text), "log %s", d->log);
	put(d, 5, 0, plain, text);
	for (int k = 0; d->shade && k < c->rows * c->cols; k++)
		c->cell[k].style = (struct style){COLOUR_RGB(0x101010 + d->shade * 7919 + k),
						  COLOUR_RGB(0x808080), 0};
	put(d, c->rows - 2, 0, plain, d->line);
	put(d, c->rows - 2, c->cols - 1, plain, "中"); /* does not fit: a blank */
	c->cursor_visible = prompt_is_open();
	c->cursor_row = 0;
	c->cursor_col = 0;
	if (prompt_is_open()) {
		prompt_look(c->cols, &look);
		put(d, c->rows - 1, put(d, c->rows - 1, 0, plain, look.label), plain, look.text);
		c->cursor_row = c->rows - 1;
		c->cursor_col = look.cursor;
		for (size_t k = 0; k < look.listed; k++)
			put(d, row++, 0, plain, look.list[k]);
	}
	put(d, c->rows - 1, c->cols - 1, plain, "$"); /* the last cell of all */
	term_show(c);
	d->frames++;
}

static char **candidates(void *data, const char *line, size_t start, size_t end)
{
	static const char *const words[] = {"train", "trace", "trunc/", "größe", "gruß"};
	char **all = mem_zero(sizeof(words) / sizeof(*words) + 1, sizeof(*all));

	(void)data;
	(void)line;
	(void)start;
	(void)end;
	for (size_t k = 0; k < sizeof(words) / sizeof(*words); k++)
		all[k] = mem_text(words[k]);
	return all;
}

static int *volatile nowhere = (int *)64;

static void *crash(void *unused)
{
	(void)unused;
	*nowhere = 1;
	return NULL;
}

static int deeper(volatile int *above)
{
	volatile int frame[1000];

	frame[0] = above ? above[0] + 1 : 0;
	return frame[0] < 0 ? 0 : deeper(frame) + frame[0];
}

static const struct binding bindings[] = {
	{"q", "quit", ""},  {"e", "stray", ""},  {"d", "deaf", ""},      {": i", "prompt", ""},
	{"c", "crash", ""}, {"t", "thread", ""}, {"o", "overflow", ""},  {"a", "abort", ""},
	{"x", "exit", ""},  {"m", "shades", ""}, {"C-z", "suspend", ""}, {"C-l", "redraw", ""},
	{"w", "again", ""}, {"h", "hang", ""},   {NULL, NULL, NULL},
};

static void run(struct demo *d, const char *command)
{
	pthread_t thread;

	if (!strcmp(command, "quit")) {
		d->quit = true;
	} else if (!strcmp(command, "stray")) {
		fprintf(stderr, "a stray line\n");
		printf("a printed line\n");
		fflush(stdout);
	} else if (!strcmp(command, "deaf")) {
		d->deaf = true;
	} else if (!strcmp(command, "prompt")) {
		prompt_open(&d->prompt);
	} else if (!strcmp(command, "crash")) {
		crash(NULL);
	} else if (!strcmp(command, "thread")) {
		pthread_create(&thread, NULL, crash, NULL);
		pthread_join(thread, NULL);
	} else if (!strcmp(command, "overflow")) {
		d->status = deeper(NULL);
	} else if (!strcmp(command, "abort")) {
		abort();
	} else if (!strcmp(command, "exit")) {
		exit(3);
	} else if (!strcmp(command, "shades")) {
		for (int k = 0; k < 40; k++) {
			d->shade++;
			draw(d);
		}
		d->shade = 0;
	} else if (!strcmp(command, "hang")) {
		snprintf(d->line, sizeof(d->line), "hangs");
		draw(d);
		for (;;)
			pause();
	} else if (!strcmp(command, "suspend")) {
		term_suspend();
	} else if (!strcmp(command, "redraw")) {
		term_redraw();
	} else if (!strcmp(command, "again")) {
		for (int k = 0; k < 100; k++)
			draw(d);
	}
}

static void on_key(struct demo *d, struct key k)
{
	const struct binding *b;

	if (prompt_is_open()) {
		switch (prompt_key(k)) {
		case PROMPT_DONE:
			snprintf(d->line, sizeof(d->line), "done [%s]", prompt_line());
			break;
		case PROMPT_CANCELLED:
			snprintf(d->line, sizeof(d->line), "cancelled");
			break;
		case PROMPT_EDITING:
			return;
		case PROMPT_IGNORED:
			break;
		}
		if (k.code != K_CHAR || k.mods != MOD_CTRL || k.ch == 'c')
			return;
	}
	b = keymap_find(bindings, k);
	if (b)
		run(d, b->command);
	keymap_name(k, d->key); /* shows when the command has been done */
	d->keys += k.mods & MOD_PASTE ? 100 : 1;
}

static void on_event(struct demo *d, enum term_event e)
{
	static const char *const names[] = {"", "resized", "continued", "stop", "interrupt"};

	if (e <= TERM_INTERRUPT)
		snprintf(d->event, sizeof(d->event), "%s", names[e]);
	if (e == TERM_STOP)
		term_suspend();
	if (e == TERM_TERMINATE || e == TERM_HANGUP) {
		d->quit = true;
		d->status = 128 + (e == TERM_HANGUP ? SIGHUP : SIGTERM);
	}
}

static void read_log(struct demo *d)
{
	char bytes[sizeof(d->log)];
	const ssize_t n = d->deaf ? 0 : read(term_output_fd(), bytes, sizeof(bytes) - 1);

	for (ssize_t k = 0; k < n; k++)
		d->log[k] = bytes[k] == '\n' ? '/' : bytes[k];
	if (n > 0)
		d->log[n] = '\0';
}

int main(int argc, char **argv)
{
	struct demo d = {.prompt = {.label = argc > 2 ? argv[2] : ": ", .complete = candidates}};
	struct err err;

	setlocale(LC_ALL, "");
	if (argc > 1 && *argv[1])
		d.prompt.history = argv[1];
	if (!term_open(&err)) {
		fprintf(stderr, "term_demo: %s\n", err.msg);
		return err_exit_code(err.code);
	}
	while (!d.quit) {
		struct pollfd p[] = {{.fd = term_fd(), .events = POLLIN},
				     {.fd = term_signal_fd(), .events = POLLIN},
				     {.fd = d.deaf ? -1 : term_output_fd(), .events = POLLIN}};
		enum term_event e;
		struct key k;

		draw(&d);
		poll(p, 3, -1);
		while (!d.quit && term_key(&k))
			on_key(&d, k);
		while ((e = term_signal()) != TERM_NOTHING)
			on_event(&d, e);
		if (p[2].revents)
			read_log(&d);
	}
	prompt_close();
	term_close();
	free(d.canvas.cell);
	printf("bye\n");
	return d.status;
}
