/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Signal handlers have no argument of ours, so what they need is in one static struct. It is written
 * while they are not installed, except for the flags.
 */
#define _GNU_SOURCE /* memfd_create */
#include "app/tui/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <termios.h>
#include <unistd.h>

static const int events[] = {SIGTSTP, SIGWINCH, SIGCONT, SIGINT, SIGTERM, SIGHUP};
static const int crashes[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
enum { EVENTS = sizeof(events) / sizeof(*events), CRASHES = sizeof(crashes) / sizeof(*crashes) };

static struct {
	int tty, screen, null; /* tty is ours alone: it works when the screen has been cut off */
	int signals[2], output[2];
	int frame; /* in memory: what is held back; -1 where that cannot be had */
	bool held;
	int real[2];     /* the process's own stdout and stderr */
	bool capture[2]; /* those of them that are terminals (asked once: a lost one is none) */
	struct termios modes;
	char undo[256];
	size_t undo_len;
	struct sigaction old_event[EVENTS], old_crash[CRASHES];
	stack_t old_stack;
	volatile sig_atomic_t on, ends;
} guard;

static char crash_stack[65536] __attribute__((aligned(16)));

static void write_all(int fd, const char *s, size_t n)
{
	while (n) {
		ssize_t k = write(fd, s, n);

		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			return;
		s += k;
		n -= (size_t)k;
	}
}

static void replay(void)
{
	char bytes[1024];
	ssize_t n;

	while ((n = read(guard.output[0], bytes, sizeof(bytes))) > 0)
		write_all(guard.real[1], bytes, (size_t)n);
}

/* For signal handlers: everything called here is async-signal-safe. The screen's descriptor is turned
 * away first, so that another thread which is just drawing cannot write after us. */
static void restore_now(void)
{
	if (!guard.on)
		return;
	guard.on = 0;
	dup2(guard.null, guard.screen);
	write_all(guard.tty, guard.undo, guard.undo_len);
	tcsetattr(guard.tty, TCSANOW, &guard.modes);
	replay();
}

static void on_event(int sig)
{
	const int saved = errno;
	const char byte = (char)sig;

	if (sig == SIGTERM && guard.ends++) { /* asked twice: the program may hang */
		restore_now();
		signal(sig, SIG_DFL);
		raise(sig);
	}
	if (write(guard.signals[1], &byte, 1) < 0)
		errno = saved; /* full of news already */
	errno = saved;
}

static void on_crash(int sig, siginfo_t *info, void *context)
{
	static const char words[] = "sluice: crashed by signal ";
	char line[sizeof(words) + 8];
	size_t n = sizeof(words) - 1;

	(void)context;
	restore_now();
	memcpy(line, words, n);
	if (sig > 9)
		line[n++] = (char)('0' + sig / 10);
	line[n++] = (char)('0' + sig % 10);
	line[n++] = '\n';
	write_all(guard.real[1], line, n);
	for (int k = 0; k < CRASHES; k++)
		sigaction(crashes[k], &guard.old_crash[k], NULL);
	/* A fault repeats when we return and now kills; a signal that was sent must be sent again. */
	if (info->si_code <= 0)
		raise(sig);
}

static bool pipe_open(int fd[2])
{
	if (pipe(fd) < 0)
		return false;
	for (int k = 0; k < 2; k++) {
		fcntl(fd[k], F_SETFD, FD_CLOEXEC);
		fcntl(fd[k], F_SETFL, O_NONBLOCK);
	}
	return true;
}

static int keep(int fd)
{
	return fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

static void catch_events(bool on)
{
	struct sigaction act = {.sa_handler = on_event, .sa_flags = SA_RESTART};

	sigfillset(&act.sa_mask);
	for (int k = 0; k < EVENTS; k++)
		sigaction(events[k], on ? &act : &guard.old_event[k],
			  on ? &guard.old_event[k] : NULL);
}

static void close_all(void)
{
	int *const fd[] = {&guard.tty,        &guard.screen,    &guard.null,      &guard.signals[0],
			   &guard.signals[1], &guard.output[0], &guard.output[1], &guard.real[0],
			   &guard.real[1],    &guard.frame};

	for (size_t k = 0; k < sizeof(fd) / sizeof(*fd); k++) {
		if (*fd[k] >= 0)
			close(*fd[k]);
		*fd[k] = -1;
	}
}

bool guard_open(int tty, int *screen, struct err *err)
{
	struct sigaction act = {.sa_sigaction = on_crash,
				.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
	stack_t stack = {.ss_sp = crash_stack, .ss_size = sizeof(crash_stack)};

	memset(&guard, 0xff, sizeof(guard)); /* every descriptor -1 */
	guard.on = guard.ends = 0;
	guard.held = false;
	guard.undo_len = 0;
	guard.tty = keep(tty);
	guard.screen = keep(tty);
	guard.null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	guard.real[0] = keep(STDOUT_FILENO);
	guard.real[1] = keep(STDERR_FILENO);
	if (guard.real[1] < 0) /* stderr was closed */
		guard.real[1] = keep(guard.null);
	if (guard.tty < 0 || guard.screen < 0 || guard.null < 0 || guard.real[0] < 0 ||
	    tcgetattr(tty, &guard.modes) < 0 || !pipe_open(guard.signals) ||
	    !pipe_open(guard.output)) {
		err_set(err, ERR_FAILED, "terminal: %s", strerror(errno));
		close_all();
		return false;
	}
	guard.frame = memfd_create("frame", MFD_CLOEXEC);
	for (int k = 0; k < 2; k++)
		guard.capture[k] = isatty(guard.real[k]);
	catch_events(true);
	sigaltstack(&stack, &guard.old_stack);
	sigemptyset(&act.sa_mask);
	for (int k = 0; k < CRASHES; k++)
		sigaction(crashes[k], &act, &guard.old_crash[k]);
	*screen = guard.screen;
	return true;
}

void guard_close(void)
{
	guard_screen(false);
	for (int k = 0; k < CRASHES; k++)
		sigaction(crashes[k], &guard.old_crash[k], NULL);
	sigaltstack(&guard.old_stack, NULL);
	catch_events(false);
	close_all();
}

void guard_undo(const char *bytes)
{
	guard.undo_len = strlen(bytes);
	if (guard.undo_len > sizeof(guard.undo))
		guard.undo_len = sizeof(guard.undo);
	memcpy(guard.undo, bytes, guard.undo_len);
}

void guard_send(const char *bytes)
{
	write_all(guard.held ? guard.frame : guard.screen, bytes, strlen(bytes));
}

void guard_hold(int fd)
{
	guard.held = guard.frame >= 0 && lseek(guard.frame, 0, SEEK_SET) == 0 &&
		     dup2(guard.frame, fd) >= 0;
}

void guard_release(int fd)
{
	static char bytes[32768];
	off_t at = 0, end;
	ssize_t n;

	if (!guard.held)
		return;
	guard.held = false;
	dup2(guard.screen, fd);
	end = lseek(guard.frame, 0, SEEK_CUR);
	for (; at < end; at += n) {
		const size_t left = (size_t)(end - at);

		n = pread(guard.frame, bytes, left < sizeof(bytes) ? left : sizeof(bytes), at);
		if (n <= 0)
			return;
		write_all(guard.screen, bytes, (size_t)n);
	}
}

void guard_screen(bool on)
{
	fflush(stdout);
	fflush(stderr);
	for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++)
		if (guard.capture[fd - 1])
			dup2(on ? guard.output[1] : guard.real[fd - 1], fd);
	if (on) {
		guard.on = 1;
		return;
	}
	if (guard.on) {
		guard.on = 0;
		write_all(guard.tty, guard.undo, guard.undo_len);
		tcsetattr(guard.tty, TCSANOW, &guard.modes);
	}
	replay();
}

int guard_signal_fd(void)
{
	return guard.signals[0];
}

int guard_signal(void)
{
	unsigned char byte;

	return read(guard.signals[0], &byte, 1) == 1 ? byte : 0;
}

void guard_signal_push(int sig)
{
	const char byte = (char)sig;

	if (write(guard.signals[1], &byte, 1) < 0)
		return; /* full of news already */
}

int guard_output_fd(void)
{
	return guard.output[0];
}

void guard_stop(void)
{
	struct sigaction normal = {.sa_handler = SIG_DFL}, stop, resume;

	if (guard.old_event[0].sa_handler == SIG_IGN) /* nobody is there to continue us */
		return;
	sigaction(SIGCONT, &normal, &resume);
	sigaction(SIGTSTP, &normal, &stop);
	kill(0, SIGTSTP);
	sigaction(SIGTSTP, &stop, NULL);
	sigaction(SIGCONT, &resume, NULL);
}
