/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * curses does the output only: it knows how terminals place the cursor and colour cells, and sends no
 * more than is needed. Keys are read and decoded here, because readline wants bytes and because a
 * resize, a lone Esc and a lost terminal are then plain events.
 */
#define NCURSES_NOMACROS
#include "app/tui/term.h"

#include "app/tui/guard.h"
#include "app/tui/input.h"
#include "app/tui/palette.h"
#include "engine/base/buf.h"
#include "engine/base/mem.h"

#include <curses.h>
#include <langinfo.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <term.h>
#include <unistd.h>
#include <wchar.h>

#undef cursor_visible /* a macro of term.h's */

/* DEC private modes that terminals of xterm's kind know, and others of that kind ignore. */
#define SYNC_ON "\033[?2026h"
#define SYNC_OFF "\033[?2026l"
#define PASTE_ON "\033[?2004h"
#define PASTE_OFF "\033[?2004l"

enum { DIRECT = 1 << 24, PAIRS_MAX = 1 << 15, PAIR_SLOTS = PAIRS_MAX * 2 };

// clang-format off
static const struct {
	char cap[7];
	unsigned char mods;
	enum key_code code;
} caps[] = {
	{"kcuu1", 0, K_UP}, {"kcud1", 0, K_DOWN}, {"kcub1", 0, K_LEFT}, {"kcuf1", 0, K_RIGHT},
	{"khome", 0, K_HOME}, {"kend", 0, K_END}, {"kpp", 0, K_PGUP}, {"knp", 0, K_PGDN},
	{"kich1", 0, K_INS}, {"kdch1", 0, K_DEL}, {"kent", 0, K_ENTER}, {"kcbt", MOD_SHIFT, K_TAB},
	{"kf1", 0, K_F1}, {"kf2", 0, K_F1 + 1}, {"kf3", 0, K_F1 + 2}, {"kf4", 0, K_F1 + 3},
	{"kf5", 0, K_F1 + 4}, {"kf6", 0, K_F1 + 5}, {"kf7", 0, K_F1 + 6}, {"kf8", 0, K_F1 + 7},
	{"kf9", 0, K_F1 + 8}, {"kf10", 0, K_F1 + 9}, {"kf11", 0, K_F1 + 10}, {"kf12", 0, K_F1 + 11},
};
// clang-format on
enum { CAPS = sizeof(caps) / sizeof(*caps) };

struct pair {
	colour fg, bg;
	int number; /* 0: an empty slot */
};

static struct {
	bool open, ascii;
	bool modern;     /* of xterm's kind */
	bool no_default; /* it has no default colours: white on black is meant */
	int screen;      /* where curses writes */
	FILE *out;
	const char *type; /* TERM */
	SCREEN *curses;
	TERMINAL *terminal;
	int rows, cols, colours;
	struct cell *shown; /* what curses has been told, rows * cols */
	int cursor_row, cursor_col;
	bool cursor_visible, stale; /* stale: draw everything */
	struct pair *pair;          /* a hash table of PAIR_SLOTS */
	int pairs, pairs_max;       /* the highest number in use; how many there may be */
	bool pairs_out;             /* there were not enough */
	struct input input;
	struct input_string key[CAPS];
} term;

/* A capability's string, or "". */
static const char *cap(const char *name)
{
	const char *s = tigetstr((NCURSES_CONST char *)name);

	return s && s != (char *)-1 ? s : "";
}

static struct buf *collect_to;

static int collect(int c)
{
	buf_byte(collect_to, (char)c);
	return c;
}

/* Adds a capability's string without the marks for padding. */
static void add_cap(struct buf *b, const char *name)
{
	collect_to = b;
	tputs(cap(name), 1, collect);
}

static void put_short(struct buf *b, int v)
{
	buf_byte(b, (char)(v & 0xff));
	buf_byte(b, (char)(v >> 8 & 0xff));
}

/* Sets a foreground (n is "3") or background ("4") colour: the palette's below 256, else 0xrrggbb. */
#define SET_DIRECT(n)                                                                              \
	"\033[%?%p1%{8}%<%t" n "%p1%d%e%p1%{256}%<%t" n "8;5;%p1%d%e" n                            \
	"8;2;%p1%{65536}%/%d;%p1%{256}%/%{255}%&%d;%p1%{255}%&%d%;m"

/*
 * The loaded terminfo entry, compiled again as term(5) describes with 32-bit numbers, but with direct
 * colour, in a form that TERMINFO may hold.
 */
static char *direct_entry(void)
{
	struct buf flags = {0}, numbers = {0}, offsets = {0}, text = {0}, all = {0}, hex = {0};
	int count[3] = {0, 0, 0};

	for (; boolnames[count[0]]; count[0]++)
		buf_byte(&flags, tigetflag((NCURSES_CONST char *)boolnames[count[0]]) == 1);
	for (; numnames[count[1]]; count[1]++) {
		int v = tigetnum((NCURSES_CONST char *)numnames[count[1]]);

		if (!strcmp(numnames[count[1]], "colors"))
			v = DIRECT;
		else if (!strcmp(numnames[count[1]], "pairs"))
			v = 2 * PAIRS_MAX;
		put_short(&numbers, v & 0xffff);
		put_short(&numbers, v >> 16);
	}
	for (; strnames[count[2]]; count[2]++) {
		const char *const n = strnames[count[2]];
		const char *s = cap(n);

		if (!strcmp(n, "setaf"))
			s = SET_DIRECT("3");
		else if (!strcmp(n, "setab"))
			s = SET_DIRECT("4");
		put_short(&offsets, *s ? (int)text.len : -1);
		if (*s)
			buf_add(&text, s, strlen(s) + 1);
	}
	put_short(&all, 01036);
	put_short(&all, (int)strlen(term.type) + 1);
	for (int k = 0; k < 3; k++)
		put_short(&all, count[k]);
	put_short(&all, (int)text.len);
	buf_add(&all, term.type, strlen(term.type) + 1);
	buf_add(&all, flags.data, flags.len);
	if (all.len % 2)
		buf_byte(&all, 0);
	buf_add(&all, numbers.data, numbers.len);
	buf_add(&all, offsets.data, offsets.len);
	buf_add(&all, text.data, text.len);
	if (all.len % 2)
		buf_byte(&all, 0);
	/* Extended: two flags (AX: default colours can be set; RGB), and their names. */
	buf_add(&all, "\2\0\0\0\0\0\2\0\7\0\1\1\0\0\3\0AX\0RGB", 23);
	buf_text(&hex, "hex:");
	for (size_t k = 0; k < all.len; k++)
		buf_printf(&hex, "%02X", (unsigned char)all.data[k]);
	buf_release(&flags);
	buf_release(&numbers);
	buf_release(&offsets);
	buf_release(&text);
	buf_release(&all);
	return buf_take(&hex);
}

/* Whether the terminal takes 24-bit colours: its entry says so (RGB, or tmux's Tc), or COLORTERM. GNU
 * screen hands COLORTERM on without understanding such colours; tmux, which may use its name, does. */
static bool takes_direct(void)
{
	const char *const env = getenv("COLORTERM");

	if (tigetnum("colors") < 256)
		return false;
	if (tigetflag("RGB") == 1 || tigetnum("RGB") > 0 || *cap("RGB") || tigetflag("Tc") == 1)
		return true;
	return env && (!strcmp(env, "truecolor") || !strcmp(env, "24bit")) &&
	       (strncmp(term.type, "screen", 6) != 0 || getenv("TMUX"));
}

static bool wants_colour(void)
{
	const char *const no = getenv("NO_COLOR");

	return !no || !*no;
}

/* Starts curses; its entry is replaced by one with direct colour where that can be. */
static bool start_curses(void)
{
	const bool direct = wants_colour() && takes_direct();
	char *entry = direct ? direct_entry() : NULL, *old = getenv("TERMINFO");

	del_curterm(cur_term);
	if (direct) {
		old = old ? mem_text(old) : NULL;
		setenv("TERMINFO", entry, 1);
		term.curses = newterm(NULL, term.out, stdin);
		if (old)
			setenv("TERMINFO", old, 1);
		else
			unsetenv("TERMINFO");
		free(old);
		free(entry);
	}
	if (!term.curses)
		term.curses = newterm(NULL, term.out, stdin);
	if (!term.curses)
		return false;
	term.terminal = cur_term;
	term.colours = 0;
	if (wants_colour() && has_colors() && start_color() == OK) {
		term.no_default = use_default_colors() != OK;
		term.colours = COLORS >= DIRECT ? DIRECT
			       : COLORS >= 256  ? 256
			       : COLORS >= 16   ? 16
						: 8;
		term.pairs_max = COLOR_PAIRS < PAIRS_MAX ? COLOR_PAIRS : PAIRS_MAX;
		term.pair = mem_zero(PAIR_SLOTS, sizeof(*term.pair));
	}
	return true;
}

static void read_size(int *rows, int *cols)
{
	struct winsize w = {0};

	ioctl(term.screen, TIOCGWINSZ, &w);
	*rows = w.ws_row ? w.ws_row : tigetnum("lines") > 0 ? tigetnum("lines") : 24;
	*cols = w.ws_col ? w.ws_col : tigetnum("cols") > 0 ? tigetnum("cols") : 80;
	if (*rows > 1000)
		*rows = 1000;
	if (*cols > 2000)
		*cols = 2000;
}

void term_redraw(void)
{
	term.stale = true;
}

/* Adopts the terminal's size. */
static void fit(void)
{
	int rows, cols;

	read_size(&rows, &cols);
	if (rows != term.rows || cols != term.cols) {
		resize_term(rows, cols);
		term.rows = rows;
		term.cols = cols;
		term.shown =
			mem_resize(term.shown, (size_t)rows * (size_t)cols, sizeof(*term.shown));
	}
	term_redraw();
}

/* Enters the screen, or enters it again after leave. */
static void enter(void)
{
	struct buf b = {0};

	guard_screen(true);
	reset_prog_mode();
	add_cap(&b, "smkx");
	buf_text(&b, term.modern ? PASTE_ON : "");
	guard_send(buf_str(&b));
	buf_release(&b);
	term.cursor_visible = true;
	fit();
	werase(stdscr);
	wnoutrefresh(stdscr);
	doupdate();
}

static void leave(void)
{
	curs_set(1);
	endwin();
	guard_screen(false);
}

/* What brings the terminal back from the middle of anything: CAN ends a half-written sequence. */
static void set_undo(void)
{
	struct buf b = {0};

	buf_text(&b, term.modern ? "\030" PASTE_OFF : "");
	add_cap(&b, "rmkx");
	add_cap(&b, "sgr0");
	add_cap(&b, "op");
	add_cap(&b, "rmcup");
	add_cap(&b,
		"cnorm"); /* last: libvterm's rmcup hides the cursor if curses has saved it hidden */
	buf_text(&b, term.modern ? SYNC_OFF "\r" : "\r\n");
	guard_undo(buf_str(&b));
	buf_release(&b);
}

bool term_open(struct err *err)
{
	const char *const name = getenv("TERM"), *const delay = getenv("ESCDELAY");
	static bool hooked;
	int status;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return err_set(err, ERR_FAILED, "standard input and output are not a terminal");
	if (!name || !*name)
		return err_set(err, ERR_FAILED, "TERM is not set; try TERM=xterm-256color");
	if (setupterm(NULL, STDOUT_FILENO, &status) != OK && status != 1)
		return err_set(err, ERR_FAILED, "unknown terminal '%s'; try TERM=xterm-256color",
			       name);
	if (!*cap("cup") || tigetflag("hc") == 1) {
		del_curterm(cur_term);
		return err_set(err, ERR_FAILED,
			       "terminal '%s' cannot place the cursor; try TERM=xterm-256color",
			       name);
	}
	memset(&term, 0, sizeof(term));
	term.type = name;
	term.ascii = strcmp(nl_langinfo(CODESET), "UTF-8") != 0;
	term.modern = strstr(cap("smcup"), "?1049h") != NULL;
	if (!guard_open(STDOUT_FILENO, &term.screen, err))
		return false;
	term.out = fdopen(dup(term.screen), "w");
	if (!term.out || !start_curses()) {
		guard_close();
		if (term.out)
			fclose(term.out);
		return err_set(err, ERR_FAILED, "terminal '%s' cannot be set up", name);
	}
	raw();
	noecho();
	nonl();
	def_prog_mode();
	for (int k = 0; k < CAPS; k++)
		term.key[k] =
			(struct input_string){cap(caps[k].cap), {caps[k].code, 0, caps[k].mods}};
	input_init(&term.input, STDIN_FILENO, delay ? atoi(delay) : 0, term.key, CAPS);
	set_undo();
	if (!hooked)
		atexit(term_close);
	term.open = hooked = true;
	enter();
	return true;
}

void term_close(void)
{
	if (!term.open)
		return;
	term.open = false;
	leave();
	guard_close();
	delscreen(term.curses);
	fclose(term.out);
	free(term.shown);
	free(term.pair);
	term.shown = NULL;
	term.pair = NULL;
}

void term_size(int *rows, int *cols)
{
	*rows = term.rows;
	*cols = term.cols;
}

int term_colours(void)
{
	return term.colours;
}

bool term_ascii(void)
{
	return term.ascii;
}

/* The number of a colour pair, made when it is new; 0, the default colours, when there is no more. */
static int pair_of(colour fg, colour bg)
{
	size_t at = ((uint32_t)fg * 0x9e3779b1u ^ (uint32_t)bg * 0x85ebca6bu) >> 8;
	struct pair *p;

	for (;; at++) {
		p = &term.pair[at % PAIR_SLOTS];
		if (!p->number)
			break;
		if (p->fg == fg && p->bg == bg)
			return p->number;
	}
	if (term.pairs + 1 >= term.pairs_max || init_extended_pair(term.pairs + 1, fg, bg) != OK) {
		term.pairs_out = true;
		return 0;
	}
	*p = (struct pair){fg, bg, ++term.pairs};
	return p->number;
}

static void put_style(cchar_t *out, const wchar_t *text, struct style s)
{
	attr_t attr = 0;
	int pair = 0;

	attr |= s.attr & ATTR_BOLD ? A_BOLD : 0;
	attr |= s.attr & ATTR_DIM ? A_DIM : 0;
	attr |= s.attr & ATTR_UNDERLINE ? A_UNDERLINE : 0;
	attr |= s.attr & ATTR_REVERSE ? A_REVERSE : 0;
	attr |= s.attr & ATTR_ITALIC ? A_ITALIC : 0;
	if (term.colours) {
		colour fg = palette_reduce(s.fg, term.colours),
		       bg = palette_reduce(s.bg, term.colours);

		if (term.colours == 8 && s.fg >= 8 && s.fg < 16) {
			fg = s.fg - 8;
			attr |= A_BOLD;
		}
		if (fg == bg && fg >= 0 && s.fg != s.bg) /* few colours: stay readable */
			fg = bg == 0 ? 7 : 0;
		if (term.no_default) {
			fg = fg < 0 ? 7 : fg;
			bg = bg < 0 ? 0 : bg;
		}
		if (fg >= 0 || bg >= 0)
			pair = pair_of(fg, bg);
	}
	setcchar(out, text, attr, 0, &pair);
}

/* The character at c, of which room cells are left in the row. Returns the cells it takes; a wide one
 * that something else stands on is a blank. */
static int put_cell(cchar_t *out, const struct cell *c, int room)
{
	wchar_t text[CELL_CHARS + 1] = {L' '};
	const int width = c->ch[0] ? wcwidth((wchar_t)c->ch[0]) : 1;
	const bool whole = width == 1 || (room > 1 && !c[1].ch[0]);

	if (c->ch[0] && (width < 1 || (term.ascii && c->ch[0] > 0x7e)))
		text[0] = L'?';
	else if (c->ch[0] && whole)
		for (int k = 0; k < CELL_CHARS && c->ch[k]; k++)
			text[k] = (wchar_t)c->ch[k];
	put_style(out, text, c->style);
	return width == 2 && text[0] == (wchar_t)c->ch[0] ? 2 : 1;
}

static bool same_cell(const struct cell *a, const struct cell *b)
{
	for (int k = 0; k < CELL_CHARS; k++) {
		if (a->ch[k] != b->ch[k])
			return false;
		if (!a->ch[k])
			break;
	}
	return a->style.fg == b->style.fg && a->style.bg == b->style.bg &&
	       a->style.attr == b->style.attr;
}

/* Tells curses what has changed in a row. */
static void put_row(const struct canvas *c, int row, int cols, cchar_t *line)
{
	const struct cell *new = c->cell + (size_t)row *(size_t)c->cols;
	struct cell *old = term.shown + (size_t)row * (size_t)term.cols;
	int from = 0, to = cols, n = 0;

	while (from < cols && same_cell(&new[from], &old[from]))
		from++;
	while (to > from && same_cell(&new[to - 1], &old[to - 1]))
		to--;
	if (from == to)
		return;
	if (from && !new[from].ch[0])
		from--; /* a wide character is drawn from its left half */
	for (int k = from; k < to;)
		k += put_cell(&line[n++], &new[k], cols - k);
	mvwadd_wchnstr(stdscr, row, from, line, n);
	memcpy(old + from, new + from, sizeof(*old) * (size_t)(to - from));
}

static bool differs(const struct canvas *c, int rows, int cols)
{
	if (term.stale || c->cursor_visible != term.cursor_visible)
		return true;
	if (c->cursor_row >= 0 &&
	    (c->cursor_row != term.cursor_row || c->cursor_col != term.cursor_col))
		return true;
	for (int row = 0; row < rows; row++)
		for (int col = 0; col < cols; col++)
			if (!same_cell(&c->cell[row * c->cols + col],
				       &term.shown[row * term.cols + col]))
				return true;
	return false;
}

void term_show(const struct canvas *c)
{
	const int rows = c->rows < term.rows ? c->rows : term.rows;
	const int cols = c->cols < term.cols ? c->cols : term.cols;
	const size_t cells = (size_t)term.rows * (size_t)term.cols;
	cchar_t *line;

	if (term.input.gone || !differs(c, rows, cols))
		return;
	set_curterm(term.terminal); /* readline looks into terminfo too */
	if (term.pairs_out) {
		reset_color_pairs();
		memset(term.pair, 0, PAIR_SLOTS * sizeof(*term.pair));
		term.pairs = 0;
		term.pairs_out = false;
		term.stale = true;
	}
	if (term.stale) {
		werase(stdscr);
		clearok(curscr, TRUE);
		memset(term.shown, 0, cells * sizeof(*term.shown));
	}
	line = mem_alloc((size_t)term.cols * sizeof(*line));
	for (int row = 0; row < rows; row++)
		put_row(c, row, cols, line);
	free(line);
	term.stale = false;
	if (c->cursor_row >= 0) {
		term.cursor_row = c->cursor_row;
		term.cursor_col = c->cursor_col;
	}
	wmove(stdscr, term.cursor_row < term.rows ? term.cursor_row : term.rows - 1,
	      term.cursor_col < term.cols ? term.cursor_col : term.cols - 1);
	wnoutrefresh(stdscr);
	guard_hold(fileno(term.out));
	if (term.modern)
		guard_send(SYNC_ON);
	if (c->cursor_visible != term.cursor_visible)
		curs_set(c->cursor_visible);
	term.cursor_visible = c->cursor_visible;
	doupdate();
	if (term.modern)
		guard_send(SYNC_OFF);
	guard_release(fileno(term.out));
}

bool term_key(struct key *k)
{
	const bool was_gone = term.input.gone, got = input_key(&term.input, k);

	if (term.input.gone && !was_gone)
		guard_signal_push(SIGHUP);
	return got;
}

enum term_event term_signal(void)
{
	switch (guard_signal()) {
	case SIGWINCH:
		fit();
		return TERM_RESIZED;
	case SIGTSTP:
		return TERM_STOP;
	case SIGCONT:
		enter();
		return TERM_CONTINUED;
	case SIGINT:
		return TERM_INTERRUPT;
	case SIGTERM:
		return TERM_TERMINATE;
	case SIGHUP:
		term.input.gone = true;
		return TERM_HANGUP;
	}
	return TERM_NOTHING;
}

int term_fd(void)
{
	return term.input.gone ? -1 : STDIN_FILENO;
}

int term_signal_fd(void)
{
	return guard_signal_fd();
}

int term_output_fd(void)
{
	return guard_output_fd();
}

void term_suspend(void)
{
	leave();
	guard_stop();
	enter();
}
