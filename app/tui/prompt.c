/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Readline keeps its state in globals, so this file does too. It runs by its callback interface: each
 * key becomes the bytes that readline binds by default, whatever the terminal had sent for it.
 */
#include "app/tui/prompt.h"

#include "engine/base/buf.h"
#include "engine/base/mem.h"

#include <fcntl.h>
#include <langinfo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

#include <readline/history.h>
#include <readline/readline.h>

enum { HISTORY_LINES = 1000 };

static struct {
	struct prompt_spec copy;
	bool ready, open, done, ascii;
	char queue[64];
	size_t queued, taken;
	struct buf line, label, text;
	char **list;
	size_t listed;
	int first; /* the first column shown of a line that is too long */
} prompt;

static const struct {
	enum key_code code;
	const char *bytes, *with_ctrl, *function, *ctrl_function;
} keys[] = {
	{K_UP, "\033[A", NULL, "previous-history", NULL},
	{K_DOWN, "\033[B", NULL, "next-history", NULL},
	{K_RIGHT, "\033[C", "\033[1;5C", "forward-char", "forward-word"},
	{K_LEFT, "\033[D", "\033[1;5D", "backward-char", "backward-word"},
	{K_HOME, "\033[H", NULL, "beginning-of-line", NULL},
	{K_END, "\033[F", NULL, "end-of-line", NULL},
	{K_DEL, "\033[3~", "\033[3;5~", "delete-char", "kill-word"},
	{K_ENTER, "\r", NULL, NULL, NULL},
	{K_TAB, "\t", NULL, "complete", NULL},
	{K_BACKSPACE, "\177", "\027", NULL, NULL},
};

static void clear_list(void)
{
	for (size_t k = 0; k < prompt.listed; k++)
		free(prompt.list[k]);
	free(prompt.list);
	prompt.list = NULL;
	prompt.listed = 0;
}

static int next_byte(FILE *in)
{
	(void)in;
	return prompt.taken < prompt.queued ? (unsigned char)prompt.queue[prompt.taken++] : EOF;
}

static int bytes_wait(void)
{
	return prompt.taken < prompt.queued;
}

static void draw_nothing(void)
{
}

/* matches[0] is what they have in common. */
static void keep_list(char **matches, int count, int longest)
{
	(void)longest;
	clear_list();
	prompt.list = mem_zero((size_t)count, sizeof(*prompt.list));
	for (int k = 1; k <= count; k++)
		prompt.list[prompt.listed++] = mem_text(matches[k]);
}

/* Hands one candidate at a time to readline, which frees it. */
static char *next_candidate(const char *word, int state)
{
	static char **all;
	static size_t at;

	if (!state) {
		all = prompt.copy.complete(prompt.copy.data, rl_line_buffer,
					   (size_t)rl_point - strlen(word), (size_t)rl_point);
		at = 0;
	}
	while (all && all[at]) {
		if (!strncmp(all[at], word, strlen(word)))
			return all[at++];
		free(all[at++]);
	}
	free(all);
	all = NULL;
	return NULL;
}

static char **complete(const char *word, int start, int end)
{
	char **matches;
	size_t n;

	(void)start;
	(void)end;
	rl_attempted_completion_over = 1; /* no file names instead */
	if (!prompt.copy.complete)
		return NULL;
	matches = rl_completion_matches(word, next_candidate);
	n = matches ? strlen(matches[0]) : 0;
	rl_completion_suppress_append = n && strchr("/=(", matches[0][n - 1]) != NULL;
	return matches;
}

static void take_line(char *line)
{
	prompt.open = false;
	prompt.done = line != NULL;
	buf_clear(&prompt.line);
	buf_text(&prompt.line, line ? line : "");
	free(line);
	rl_callback_handler_remove();
}

static int insert_text(void)
{
	rl_insert_text(prompt.copy.text);
	return 0;
}

/* Readline's own settings; the user's inputrc comes before those that must be so. */
static void set_up(void)
{
	rl_readline_name = "sluice";
	rl_terminal_name = "dumb"; /* it has no business with the real one */
	rl_catch_signals = rl_catch_sigwinch = 0;
	rl_change_environment = 0;
	rl_prep_term_function = NULL;
	rl_deprep_term_function = NULL;
	rl_outstream = fopen("/dev/null", "we");
	rl_getc_function = next_byte;
	rl_input_available_hook = bytes_wait;
	rl_redisplay_function = draw_nothing;
	rl_completion_display_matches_hook = keep_list;
	rl_attempted_completion_function = complete;
	rl_completer_word_break_characters = " \t";
	rl_initialize();
	rl_variable_bind("bell-style", "none");
	rl_variable_bind("show-all-if-ambiguous", "on");
	rl_variable_bind("enable-bracketed-paste", "off");
	rl_variable_bind("convert-meta", "off");
	rl_variable_bind("input-meta", "on");
	rl_variable_bind("output-meta", "on");
	for (size_t k = 0; k < sizeof(keys) / sizeof(*keys); k++) {
		if (keys[k].function)
			rl_bind_keyseq(keys[k].bytes, rl_named_function(keys[k].function));
		if (keys[k].ctrl_function)
			rl_bind_keyseq(keys[k].with_ctrl, rl_named_function(keys[k].ctrl_function));
	}
	prompt.ready = true;
}

void prompt_open(const struct prompt_spec *spec)
{
	prompt_close();
	if (!prompt.ready)
		set_up();
	prompt.copy = *spec;
	prompt.open = true;
	prompt.done = false;
	prompt.first = 0;
	prompt.ascii = strcmp(nl_langinfo(CODESET), "UTF-8") != 0;
	buf_clear(&prompt.line);
	clear_history();
	using_history();
	stifle_history(HISTORY_LINES);
	if (spec->history)
		read_history(spec->history);
	rl_startup_hook = spec->text ? insert_text : NULL;
	rl_callback_handler_install(spec->label, take_line);
	rl_startup_hook = NULL;
}

static void shut(void)
{
	clear_list();
	rl_callback_handler_remove();
	prompt.open = false;
}

void prompt_close(void)
{
	if (prompt.open)
		shut();
}

bool prompt_is_open(void)
{
	return prompt.open;
}

/* Adds the line to the history and its file, unless it says nothing new. */
static void remember(const char *line)
{
	HIST_ENTRY *last = history_length ? history_get(history_base + history_length - 1) : NULL;
	int fd;

	if (!*line || (last && !strcmp(last->line, line)))
		return;
	add_history(line);
	if (!prompt.copy.history)
		return;
	fd = open(prompt.copy.history, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return; /* a history that cannot be kept is no reason to stop */
	close(fd);
	append_history(1, prompt.copy.history);
	history_truncate_file(prompt.copy.history, HISTORY_LINES);
}

/* Puts what readline is to read for k into the queue; false when k means nothing to it. */
static bool enqueue(struct key k)
{
	const char *special = NULL;
	wchar_t ch[2] = {0};
	size_t n;

	prompt.queued = prompt.taken = 0;
	if (k.mods & MOD_PASTE) { /* text, whatever it says */
		if (k.code == K_ENTER || k.code == K_TAB || (k.code == K_CHAR && k.mods & MOD_CTRL))
			k = (struct key){K_CHAR, ' ', 0};
		if (k.code != K_CHAR)
			return true;
		k.mods = 0;
	}
	if (k.mods & MOD_ALT)
		prompt.queue[prompt.queued++] = '\033';
	if (k.code == K_CHAR) {
		if (k.mods & MOD_CTRL && strchr("lz", (int)k.ch))
			return false; /* the whole screen's */
		if (k.ch > 0x7e && prompt.ascii)
			return true;
		ch[0] = (wchar_t)(k.mods & MOD_CTRL ? k.ch & 0x1f : k.ch);
		if (!ch[0]) {
			prompt.queue[prompt.queued++] = '\0'; /* C-Space sets the mark */
			return true;
		}
		n = wcstombs(prompt.queue + prompt.queued, ch, 16);
		prompt.queued += n == (size_t)-1 ? 0 : n;
		return true;
	}
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (keys[i].code == k.code)
			special = k.mods & MOD_CTRL && keys[i].with_ctrl ? keys[i].with_ctrl
									 : keys[i].bytes;
	if (!special)
		return false;
	memcpy(prompt.queue + prompt.queued, special, strlen(special));
	prompt.queued += strlen(special);
	return true;
}

/* Whether k goes on with a search in the history. Other keys end it before they do their work, because
 * readline 8.2 crashes on key sequences that begin within a search. */
static bool searches(struct key k)
{
	if (k.code == K_CHAR && k.mods == MOD_CTRL)
		return strchr("rsgwy", (int)k.ch) != NULL;
	return !(k.mods & ~(unsigned)MOD_PASTE) &&
	       (k.code == K_CHAR || k.code == K_BACKSPACE || k.code == K_ENTER);
}

enum prompt_state prompt_key(struct key k)
{
	const bool escape = k.code == K_ESC && !k.mods && rl_editing_mode; /* emacs */
	const bool stop = k.code == K_CHAR && k.mods == MOD_CTRL && k.ch == 'c';

	if (!prompt.open)
		return PROMPT_IGNORED;
	if (escape || stop) {
		if (!RL_ISSTATE(RL_STATE_ISEARCH | RL_STATE_NSEARCH)) {
			shut();
			return PROMPT_CANCELLED;
		}
		k = (struct key){K_CHAR, 'g', MOD_CTRL}; /* ends the search only */
	} else if (k.code == K_ESC) {
		k = (struct key){K_CHAR, '[', MOD_CTRL}; /* vi's other mode */
	}
	if (!enqueue(k))
		return PROMPT_IGNORED;
	clear_list();
	if (RL_ISSTATE(RL_STATE_ISEARCH) && !searches(k)) {
		memmove(prompt.queue + 1, prompt.queue, prompt.queued++);
		prompt.queue[0] = '\n'; /* ends the search */
	}
	while (prompt.open && prompt.taken < prompt.queued)
		rl_callback_read_char();
	if (prompt.open)
		return PROMPT_EDITING;
	clear_list();
	if (prompt.done)
		remember(prompt_line());
	return prompt.done ? PROMPT_DONE : PROMPT_CANCELLED;
}

const char *prompt_line(void)
{
	return buf_str(&prompt.line);
}

/* The character at s: its bytes, and its columns as a canvas shows it. A byte that is none shows as `?`;
 * readline can split characters (^V takes one byte). */
static size_t character(const char *s, int *width, bool *sound)
{
	wchar_t ch;
	mbstate_t state = {0};
	size_t n = mbrtowc(&ch, s, strlen(s), &state);

	*width = 1;
	*sound = n - 1 < (size_t)-3;
	if (!*sound)
		return 1;
	*width = (unsigned)ch < 0x20 || ch == 0x7f ? 2 : wcwidth(ch);
	if (*width < 0)
		*width = 1;
	return n;
}

static int columns(const char *s, size_t n)
{
	int sum = 0, width;
	bool sound;

	for (size_t at = 0; at < n && s[at]; sum += width)
		at += character(s + at, &width, &sound);
	return sum;
}

/* Adds the part of s from column first on, room columns of it, with `<` where the left is missing. */
static void add_part(struct buf *b, const char *s, int first, int room)
{
	int col = -first, width;
	bool sound;

	for (size_t n; *s; s += n, col += width) {
		n = character(s, &width, &sound);
		if (col + width > room || col + width < 0 || (col <= 0 && width == 0 && first))
			continue;
		if (col <= 0 && first && col + width > 0)
			buf_text(b, col + width == 2 ? "< " : "<");
		else if (col >= 0 && sound)
			buf_add(b, s, n);
		else if (col >= 0)
			buf_byte(b, '?');
	}
}

void prompt_look(int cols, struct prompt_view *out)
{
	const char *const line = prompt.open ? rl_line_buffer : prompt_line();
	const char *const label = prompt.open && rl_display_prompt ? rl_display_prompt : "";
	const int at = columns(line, prompt.open ? (size_t)rl_point : strlen(line));
	const int whole = columns(line, strlen(line));
	int before, room;

	buf_clear(&prompt.label);
	add_part(&prompt.label, label, 0, cols > 8 ? cols - 8 : 0); /* a search may be long */
	before = columns(buf_str(&prompt.label), prompt.label.len);
	room = cols - before - 1;
	if (room < 1)
		room = 1;
	if (whole < room)
		prompt.first = 0;
	else if (at < prompt.first + 2 || at > prompt.first + room - 2)
		prompt.first = at > room / 2 ? at - room / 2 : 0;
	buf_clear(&prompt.text);
	add_part(&prompt.text, line, prompt.first, room);
	if (whole > prompt.first + room)
		buf_byte(&prompt.text, '>');
	*out = (struct prompt_view){.label = buf_str(&prompt.label),
				    .text = buf_str(&prompt.text),
				    .cursor = before + at - prompt.first,
				    .list = (const char *const *)prompt.list,
				    .listed = prompt.listed};
}
