/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/screen/screen.h"

#include "tests/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>
#include <utmp.h>
#include <vterm.h>

struct screen {
	int master, slave; /* the slave stays open here, so that its modes can be read at the end */
	pid_t pid;
	bool ended;
	int status;
	VTerm *vt;
	VTermScreen *grid;
	bool alternate, cursor_visible;
	struct termios modes;
	char *raw, *text;
	size_t len, cap;
};

static struct screen *current;

static long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static long limit_ms(void)
{
	const char *slow = getenv("SLUICE_SLOW");

	return 10000L * (slow && atoi(slow) > 0 ? atoi(slow) : 1);
}

static int on_property(VTermProp prop, VTermValue *value, void *user)
{
	struct screen *s = user;

	if (prop == VTERM_PROP_ALTSCREEN)
		s->alternate = value->boolean;
	if (prop == VTERM_PROP_CURSORVISIBLE)
		s->cursor_visible = value->boolean;
	return 1;
}

static const VTermScreenCallbacks callbacks = {.settermprop = on_property};

static void set_environment(const char *const *env)
{
	static const char *const basic[] = {"TERM=xterm-256color",
					    "LC_ALL=C.UTF-8",
					    "INPUTRC=/dev/null",
					    "PS1=$ ",
					    "ASAN_OPTIONS=abort_on_error=1:detect_leaks=0",
					    "UBSAN_OPTIONS=abort_on_error=1",
					    "COLORTERM",
					    "NO_COLOR",
					    "LINES",
					    "COLUMNS",
					    "TERMINFO",
					    "TMUX",
					    "ESCDELAY",
					    NULL};

	for (int pass = 0; pass < 2; pass++)
		for (const char *const *e = pass ? env : basic; e && *e; e++)
			if (strchr(*e, '='))
				putenv((char *)(uintptr_t)*e);
			else
				unsetenv(*e);
}

static char *expand(const char *word)
{
	static const char mark[] = "{build}";
	const char *build = getenv("BUILD"), *at = strstr(word, mark);
	char *out = malloc(strlen(word) + strlen(build ? build : "build") + 1);

	if (!at)
		return strcpy(out, word);
	sprintf(out, "%.*s%s%s", (int)(at - word), word, build ? build : "build",
		at + sizeof(mark) - 1);
	return out;
}

struct screen *screen_start(int rows, int cols, const char *const *env, const char *const *argv)
{
	struct winsize size = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)cols};
	struct screen *s;

	screen_close(current);
	s = current = calloc(1, sizeof(*s));
	if (openpty(&s->master, &s->slave, NULL, NULL, &size) < 0)
		fail_msg("openpty: %s", strerror(errno));
	fcntl(s->master, F_SETFD, FD_CLOEXEC);
	fcntl(s->master, F_SETFL, O_NONBLOCK);
	tcgetattr(s->slave, &s->modes);
	s->vt = vterm_new(rows, cols);
	vterm_set_utf8(s->vt, 1);
	s->grid = vterm_obtain_screen(s->vt);
	vterm_screen_set_callbacks(s->grid, &callbacks, s);
	vterm_screen_enable_altscreen(s->grid, 1);
	vterm_screen_reset(s->grid, 1);
	s->cursor_visible = true;
	s->pid = fork();
	if (s->pid == 0) {
		char *word[64] = {NULL};

		login_tty(s->slave);
		set_environment(env);
		for (int k = 0; argv[k] && k < 63; k++)
			word[k] = expand(argv[k]);
		execvp(word[0], word);
		_exit(127);
	}
	fcntl(s->slave, F_SETFD, FD_CLOEXEC);
	return s;
}

void screen_close(struct screen *s)
{
	if (!s)
		return;
	if (!s->ended) {
		kill(s->pid, SIGKILL);
		kill(-s->pid, SIGKILL);
		waitpid(s->pid, NULL, 0);
	}
	screen_hangup(s);
	vterm_free(s->vt);
	free(s->raw);
	free(s->text);
	free(s);
	current = NULL;
}

void screen_hangup(struct screen *s)
{
	if (s->master < 0)
		return;
	close(s->master);
	close(s->slave);
	s->master = s->slave = -1;
}

/* Sends what the emulator wants to say: keys, and answers to questions. */
static void flush_output(struct screen *s)
{
	char bytes[256];
	size_t n;

	while ((n = vterm_output_read(s->vt, bytes, sizeof(bytes))) > 0)
		if (write(s->master, bytes, n) < 0)
			return;
}

/* Takes in what comes within ms, at most one piece; false when nothing came. */
static bool take(struct screen *s, int ms)
{
	struct pollfd p = {.fd = s->master, .events = POLLIN};
	char bytes[65536];
	ssize_t n;

	if (s->master < 0 || poll(&p, 1, ms) <= 0)
		return false;
	n = read(s->master, bytes, sizeof(bytes));
	if (n <= 0)
		return false;
	if (s->len + (size_t)n + 1 > s->cap) {
		s->cap = (s->len + (size_t)n + 1) * 2;
		s->raw = realloc(s->raw, s->cap);
	}
	memcpy(s->raw + s->len, bytes, (size_t)n);
	s->len += (size_t)n;
	s->raw[s->len] = '\0';
	vterm_input_write(s->vt, bytes, (size_t)n);
	flush_output(s);
	return true;
}

static void check_ended(struct screen *s)
{
	if (!s->ended && waitpid(s->pid, &s->status, WNOHANG) == s->pid)
		s->ended = true;
}

void screen_send(struct screen *s, const char *bytes)
{
	for (size_t n = strlen(bytes); n;) {
		struct pollfd p = {.fd = s->master, .events = POLLIN | POLLOUT};
		ssize_t k;

		poll(&p, 1, 1000);
		if (p.revents & POLLIN)
			take(s, 0);
		k = write(s->master, bytes, n);
		if (k > 0) {
			bytes += k;
			n -= (size_t)k;
		} else if (k < 0 && errno != EAGAIN && errno != EINTR) {
			return;
		}
	}
}

static uint32_t first_char(const char *s)
{
	const unsigned char *u = (const unsigned char *)s;

	return u[0] < 0x80   ? u[0]
	       : u[0] < 0xe0 ? (u[0] & 31u) << 6 | (u[1] & 63u)
	       : u[0] < 0xf0
		       ? (u[0] & 15u) << 12 | (u[1] & 63u) << 6 | (u[2] & 63u)
		       : (u[0] & 7u) << 18 | (u[1] & 63u) << 12 | (u[2] & 63u) << 6 | (u[3] & 63u);
}

void screen_key(struct screen *s, const char *name)
{
	static const struct {
		const char *name;
		VTermKey key;
	} keys[] = {{"Enter", VTERM_KEY_ENTER}, {"Tab", VTERM_KEY_TAB},
		    {"Esc", VTERM_KEY_ESCAPE},  {"Backspace", VTERM_KEY_BACKSPACE},
		    {"Up", VTERM_KEY_UP},       {"Down", VTERM_KEY_DOWN},
		    {"Left", VTERM_KEY_LEFT},   {"Right", VTERM_KEY_RIGHT},
		    {"Home", VTERM_KEY_HOME},   {"End", VTERM_KEY_END},
		    {"PgUp", VTERM_KEY_PAGEUP}, {"PgDn", VTERM_KEY_PAGEDOWN},
		    {"Ins", VTERM_KEY_INS},     {"Del", VTERM_KEY_DEL}};
	VTermModifier mods = VTERM_MOD_NONE;

	for (; name[0] && name[1] == '-' && name[2]; name += 2)
		mods |= name[0] == 'C'   ? VTERM_MOD_CTRL
			: name[0] == 'M' ? VTERM_MOD_ALT
					 : VTERM_MOD_SHIFT;
	for (size_t k = 0; k < sizeof(keys) / sizeof(*keys); k++)
		if (!strcmp(keys[k].name, name)) {
			vterm_keyboard_key(s->vt, keys[k].key, mods);
			flush_output(s);
			return;
		}
	if (name[0] == 'F' && name[1])
		vterm_keyboard_key(s->vt, VTERM_KEY_FUNCTION(atoi(name + 1)), mods);
	else
		vterm_keyboard_unichar(s->vt, strcmp(name, "Space") ? first_char(name) : ' ', mods);
	flush_output(s);
}

void screen_keys(struct screen *s, const char *names)
{
	char name[32];

	for (; *names; names += strspn(names, " ")) {
		const size_t n = strcspn(names, " ");

		snprintf(name, sizeof(name), "%.*s", (int)n, names);
		screen_key(s, name);
		names += n;
	}
}

void screen_resize(struct screen *s, int rows, int cols)
{
	struct winsize size = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)cols};

	while (take(s, 0)) /* what was written for the old size */
		continue;
	vterm_set_size(s->vt, rows, cols);
	ioctl(s->master, TIOCSWINSZ, &size);
}

void screen_signal(struct screen *s, int sig)
{
	kill(s->pid, sig);
}

void screen_print(struct screen *s)
{
	int rows, cols, row, col;

	screen_size(s, &rows, &cols);
	screen_cursor(s, &row, &col);
	fprintf(stderr, "# screen %dx%d, cursor %d,%d%s%s%s\n", rows, cols, row, col,
		s->cursor_visible ? "" : " hidden", s->alternate ? ", alternate" : "",
		s->ended ? ", program has ended" : "");
	for (int r = 0; r < rows; r++)
		fprintf(stderr, "# |%s\n", screen_text(s, r));
}

void screen_wait_for(struct screen *s, bool (*holds)(struct screen *, void *), void *data,
		     const char *what)
{
	const long until = now_ms() + limit_ms();

	while (!holds(s, data)) {
		const bool over = s->ended || now_ms() > until;

		if (take(s, over ? 0 : 50))
			continue;
		if (over) {
			screen_print(s);
			fail_msg("waited in vain for: %s", what);
		}
		check_ended(s);
	}
}

static bool holds_text(struct screen *s, void *text)
{
	return screen_contains(s, text);
}

static bool lacks_text(struct screen *s, void *text)
{
	return !screen_contains(s, text);
}

struct row_text {
	int row;
	const char *text;
};

static bool row_holds(struct screen *s, void *data)
{
	const struct row_text *want = data;

	return strstr(screen_text(s, want->row), want->text) != NULL;
}

void screen_wait(struct screen *s, const char *text)
{
	screen_wait_for(s, holds_text, (void *)(uintptr_t)text, text);
}

void screen_wait_gone(struct screen *s, const char *text)
{
	screen_wait_for(s, lacks_text, (void *)(uintptr_t)text, text);
}

void screen_wait_row(struct screen *s, int row, const char *text)
{
	struct row_text want = {row, text};

	screen_wait_for(s, row_holds, &want, text);
}

size_t screen_listen(struct screen *s, int ms)
{
	const long until = now_ms() + ms;
	const size_t before = s->len;

	for (long left; (left = until - now_ms()) > 0;)
		take(s, (int)left);
	return s->len - before;
}

int screen_end(struct screen *s)
{
	const long until = now_ms() + limit_ms();

	while (!s->ended) {
		take(s, 20);
		check_ended(s);
		if (now_ms() > until) {
			screen_print(s);
			fail_msg("the program does not end");
		}
	}
	while (take(s, 0))
		continue;
	return s->status;
}

static size_t put_utf8(char *out, uint32_t ch)
{
	size_t n = ch < 0x80 ? 1 : ch < 0x800 ? 2 : ch < 0x10000 ? 3 : 4;

	if (n == 1) {
		out[0] = (char)ch;
		return 1;
	}
	for (size_t k = n - 1; k > 0; k--, ch >>= 6)
		out[k] = (char)(0x80 | (ch & 0x3f));
	out[0] = (char)((0xf00u >> n) | ch);
	return n;
}

static int colour_of(const VTermColor *c)
{
	if (VTERM_COLOR_IS_DEFAULT_FG(c) || VTERM_COLOR_IS_DEFAULT_BG(c))
		return -1;
	if (VTERM_COLOR_IS_INDEXED(c))
		return c->indexed.idx;
	return 0x1000000 | c->rgb.red << 16 | c->rgb.green << 8 | c->rgb.blue;
}

struct screen_cell screen_cell(struct screen *s, int row, int col)
{
	struct screen_cell out = {.width = 1};
	VTermScreenCell cell;
	size_t n = 0;

	memset(&cell, 0, sizeof(cell));
	if (!vterm_screen_get_cell(s->grid, (VTermPos){.row = row, .col = col}, &cell))
		return out;
	for (int k = 0; k < VTERM_MAX_CHARS_PER_CELL && cell.chars[k] && n + 5 < sizeof(out.text);
	     k++)
		if (cell.chars[k] != (uint32_t)-1)
			n += put_utf8(out.text + n, cell.chars[k]);
	out.width = cell.chars[0] == (uint32_t)-1 ? 0 : cell.width;
	out.fg = colour_of(&cell.fg);
	out.bg = colour_of(&cell.bg);
	out.bold = cell.attrs.bold;
	out.underline = cell.attrs.underline;
	out.reverse = cell.attrs.reverse;
	out.italic = cell.attrs.italic;
	return out;
}

const char *screen_text(struct screen *s, int row)
{
	int rows, cols;
	size_t n = 0;

	screen_size(s, &rows, &cols);
	free(s->text);
	s->text = calloc((size_t)cols + 1, 32);
	for (int col = 0; col < cols && row < rows; col++) {
		const struct screen_cell c = screen_cell(s, row, col);

		if (c.width)
			n += (size_t)sprintf(s->text + n, "%s", *c.text ? c.text : " ");
	}
	while (n && s->text[n - 1] == ' ')
		s->text[--n] = '\0';
	return s->text;
}

bool screen_find(struct screen *s, const char *text, int *row, int *col)
{
	int rows, cols;

	screen_size(s, &rows, &cols);
	for (int r = 0; r < rows; r++) {
		const char *line = screen_text(s, r), *at = strstr(line, text);
		int c = 0;

		if (!at)
			continue;
		for (const char *p = line; p < at; c++) /* columns of what stands before */
			p += strlen(screen_cell(s, r, c).text) +
			     (!*screen_cell(s, r, c).text && screen_cell(s, r, c).width);
		*row = r;
		*col = c;
		return true;
	}
	return false;
}

bool screen_contains(struct screen *s, const char *text)
{
	int row, col;

	return screen_find(s, text, &row, &col);
}

void screen_size(const struct screen *s, int *rows, int *cols)
{
	vterm_get_size(s->vt, rows, cols);
}

void screen_cursor(struct screen *s, int *row, int *col)
{
	VTermPos at;

	vterm_state_get_cursorpos(vterm_obtain_state(s->vt), &at);
	*row = at.row;
	*col = at.col;
}

bool screen_cursor_visible(const struct screen *s)
{
	return s->cursor_visible;
}

bool screen_alternate(const struct screen *s)
{
	return s->alternate;
}

const char *screen_bytes(const struct screen *s, size_t *n)
{
	*n = s->len;
	return s->raw ? s->raw : "";
}

static const char *last_of(const struct screen *s, const char *sequence)
{
	const char *found = NULL;

	for (const char *at = s->raw; at && (at = strstr(at, sequence)); at++)
		found = at;
	return found;
}

bool screen_sent(const struct screen *s, const char *sequence)
{
	return last_of(s, sequence) != NULL;
}

pid_t screen_pid(const struct screen *s)
{
	return s->pid;
}

long screen_cpu_ticks(const struct screen *s)
{
	char path[64], line[1024] = "", *at;
	long user = 0, system = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%ld/stat", (long)s->pid);
	f = fopen(path, "r");
	if (!f)
		return 0;
	if (fgets(line, sizeof(line), f) && (at = strrchr(line, ')')))
		sscanf(at + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %ld %ld", &user,
		       &system);
	fclose(f);
	return user + system;
}

void screen_check_restored(struct screen *s)
{
	const char *on = last_of(s, "\033[?2004h"), *off = last_of(s, "\033[?2004l");
	struct termios modes;

	tcgetattr(s->slave, &modes);
	if (s->alternate || !s->cursor_visible || (on && off < on) ||
	    modes.c_iflag != s->modes.c_iflag || modes.c_oflag != s->modes.c_oflag ||
	    modes.c_cflag != s->modes.c_cflag || modes.c_lflag != s->modes.c_lflag ||
	    memcmp(modes.c_cc, s->modes.c_cc, sizeof(modes.c_cc)) != 0) {
		screen_print(s);
		fail_msg("the terminal is not as it was: alternate %d, cursor %d, pasting %d, "
			 "modes %x/%x %x/%x",
			 s->alternate, s->cursor_visible, on && off < on, modes.c_iflag,
			 s->modes.c_iflag, modes.c_lflag, s->modes.c_lflag);
	}
}
