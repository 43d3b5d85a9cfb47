/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Drives programs and says in milliseconds how long they took:
 *   start run N COMMAND…        a whole process, its output thrown away
 *   start screen N TEXT COMMAND…  from its start to TEXT on a terminal of 120×36
 *   start keys N COMMAND…       a workbench that trains: from a key to the screen that answers it
 *   start train COMMAND…        a workbench trains what is ready, to the end: what its threads have had
 *                               of the processors, those of the screen, the recorder and the training
 * The first three print median, least and most of N times. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { TIMES_MAX = 1000, LIMIT_MS = 120000 };

static struct {
	int fd;
	pid_t pid;
	char *bytes;
	size_t len, cap;
} term;

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1000 + (double)t.tv_nsec / 1e6;
}

static void fail(const char *what)
{
	fprintf(stderr, "start: %s\n", what);
	if (term.len)
		fprintf(stderr, "%.*s\n", (int)term.len, term.bytes);
	if (term.pid > 0)
		kill(term.pid, SIGKILL);
	exit(1);
}

static void term_start(char **command)
{
	struct winsize size = {.ws_row = 36, .ws_col = 120};

	term.len = 0;
	term.pid = forkpty(&term.fd, NULL, NULL, &size);
	if (term.pid < 0)
		fail(strerror(errno));
	if (term.pid == 0) {
		setenv("TERM", "xterm-256color", 1);
		unsetenv("COLORTERM");
		execvp(command[0], command);
		_exit(127);
	}
}

/* Takes in what comes within ms; false when nothing came or the program has ended. */
static bool term_take(int ms)
{
	struct pollfd p = {.fd = term.fd, .events = POLLIN};
	ssize_t n;

	if (poll(&p, 1, ms) <= 0)
		return false;
	if (term.cap < term.len + 65537) {
		term.cap = 2 * term.cap + 65537;
		term.bytes = realloc(term.bytes, term.cap);
		if (!term.bytes)
			exit(1);
	}
	n = read(term.fd, term.bytes + term.len, 65536);
	if (n <= 0)
		return false;
	term.len += (size_t)n;
	term.bytes[term.len] = '\0';
	return true;
}

/* Whether the text is in what was read; forgets most of it where it is much. */
static bool term_says(const char *text)
{
	const bool says = term.len && memmem(term.bytes, term.len, text, strlen(text));

	if (!says && term.len > 1024) {
		memmove(term.bytes, term.bytes + term.len - 64, 64);
		term.len = 64;
	}
	return says;
}

/* Reads until the text is there, then forgets what it read. */
static void term_wait(const char *text)
{
	const double until = now_ms() + LIMIT_MS;

	while (!term_says(text))
		if (!term_take(1000) && (waitpid(term.pid, NULL, WNOHANG) || now_ms() > until))
			fail(text);
	term.len = 0;
}

/* Reads for so long, or until the text is there. */
static bool term_listen(const char *text, int ms)
{
	const double until = now_ms() + ms;
	double left;

	while (!term_says(text) && (left = until - now_ms()) > 0)
		term_take((int)left + 1);
	return term_says(text);
}

static void term_send(const char *keys)
{
	if (write(term.fd, keys, strlen(keys)) < 0)
		fail(strerror(errno));
}

static void term_drain(int ms)
{
	const double until = now_ms() + ms;

	while (now_ms() < until && waitpid(term.pid, NULL, WNOHANG) == 0)
		term_take(10);
	term.len = 0;
}

/* Leaves the workbench, and says yes where it asks. */
static void term_end(void)
{
	const double until = now_ms() + LIMIT_MS;

	for (int k = 0; waitpid(term.pid, NULL, WNOHANG) == 0; k++) {
		if (k % 100 == 0)
			term_send(k % 200 ? "y" : "q");
		term_take(10);
		if (now_ms() > until)
			fail("it does not end");
	}
	close(term.fd);
	term.len = 0;
}

static double time_run(char **command)
{
	const double begun = now_ms();
	const pid_t pid = fork();
	int status;

	if (pid == 0) {
		const int null = open("/dev/null", O_RDWR);

		dup2(null, 0);
		dup2(null, 1);
		execvp(command[0], command);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
		fail("the command failed");
	return now_ms() - begun;
}

static double time_screen(const char *text, char **command)
{
	const double begun = now_ms();
	double taken;

	term_start(command);
	term_wait(text);
	taken = now_ms() - begun;
	term_drain(50);
	term_end();
	return taken;
}

/* The help and back again: a whole screen each. */
static double time_key(int k)
{
	double begun;

	term_drain(40 + k % 7 * 10);
	begun = now_ms();
	term_send(k % 2 ? "?" : "1");
	term_wait(k % 2 ? "PgUp" : "loss");
	return now_ms() - begun;
}

static int by_size(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void tell(double *ms, int n)
{
	qsort(ms, (size_t)n, sizeof(*ms), by_size);
	printf("%.1f %.1f %.1f\n", (ms[(n - 1) / 2] + ms[n / 2]) / 2, ms[0], ms[n - 1]);
}

/* Processor time that a thread has had, in ms, and its name. */
static double time_of(const char *tid, char name[32])
{
	char path[400];
	double ns = 0;
	FILE *f;

	name[0] = '\0';
	snprintf(path, sizeof(path), "/proc/%d/task/%.20s/comm", (int)term.pid, tid);
	f = fopen(path, "r");
	if (f && fgets(name, 32, f))
		name[strcspn(name, "\n")] = '\0';
	if (f)
		fclose(f);
	snprintf(path, sizeof(path), "/proc/%d/task/%.20s/schedstat", (int)term.pid, tid);
	f = fopen(path, "r");
	if (f && fscanf(f, "%lf", &ns) != 1)
		ns = 0;
	if (f)
		fclose(f);
	return ns / 1e6;
}

/* Adds up the threads' times by what they do: screen (with jobs), recorder, training (with workers). */
static bool sample(double ms[3])
{
	char path[64], name[32];
	struct dirent *e;
	DIR *d;

	ms[0] = ms[1] = ms[2] = 0;
	snprintf(path, sizeof(path), "/proc/%d/task", (int)term.pid);
	d = opendir(path);
	while (d && (e = readdir(d))) {
		const double t = time_of(e->d_name, name);

		if (*e->d_name != '.')
			ms[!strcmp(name, "recorder")                              ? 1
			   : !strcmp(name, "training") || !strcmp(name, "worker") ? 2
										  : 0] += t;
	}
	if (d)
		closedir(d);
	return ms[2] > 0;
}

static void train(char **command)
{
	double before[3], after[3] = {0}, now[3];

	term_start(command);
	term_wait("ready");
	term_drain(500);
	sample(before);
	term_send(" ");
	while (!term_listen("finished", 250))
		if (sample(now) && now[2] > after[2])
			memcpy(after, now, sizeof(after));
		else if (waitpid(term.pid, NULL, WNOHANG))
			fail("it has ended");
	printf("%.1f %.1f %.1f\n", after[0] - before[0], after[1] - before[1],
	       after[2] - before[2]);
	term_drain(100);
	term_end();
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	const int n = argc > 2 ? atoi(argv[2]) : 0;
	double ms[TIMES_MAX];

	if (!strcmp(what, "train") && argc > 2) {
		train(argv + 2);
		return 0;
	}
	if (n < 1 || n > TIMES_MAX || argc < 4)
		fail("start run|screen|keys N …, or start train …");
	if (!strcmp(what, "keys")) {
		term_start(argv + 3);
		term_wait("ready");
		term_send(" ");
		term_drain(500);
	}
	for (int k = 0; k < n; k++)
		ms[k] = !strcmp(what, "run")      ? time_run(argv + 3)
			: !strcmp(what, "screen") ? time_screen(argv[3], argv + 4)
						  : time_key(k + 1);
	if (!strcmp(what, "keys"))
		term_end();
	tell(ms, n);
	return 0;
}
