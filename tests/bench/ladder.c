/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How fast training is from a small model to a large one, and PyTorch beside it where it is installed.
 * Every side is a process of its own that measures when it is told to; the sides take turns, and the
 * medians of all turns are compared.
 *
 *     ladder [--only NAME] [--threads N] [--rounds N] [--seconds S] [--json FILE] [--peer FILE.py PYTHON]
 *     ladder --profile NAME THREADS dense|lazy|bf16 SECONDS    our side alone
 */
#include "engine/math/level.h"
#include "engine/math/product.h"
#include "tests/bench/ours.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST_ROUNDS = 99, MOST_SIDES = 8, LINE = 256 };

struct options {
	const char *only, *json, *peer, *python;
	int threads; /* 0: 1 and 2 */
	int rounds;
	double seconds;
};

/* A process that measures. */
struct rival {
	const char *name;
	pid_t pid;
	FILE *to, *from;
	double speed[MOST_ROUNDS]; /* tokens a second */
	double extra[MOST_ROUNDS]; /* ours: the products alone */
	int count;
	double mib;
};

/* --- the other end of the pipe ------------------------------------------------------------- */

static int serve(const struct size *s, const struct setting *how, double seconds)
{
	char line[LINE];
	struct ours *o = ours_new(s, how);
	double mib = 0; /* before the products alone take theirs */

	team_flush_denormals();
	ours_run(o, seconds / 2);
	printf("ready\n");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		const double speed = ours_run(o, seconds);
		struct rusage use;
		double limit = 0;

		getrusage(RUSAGE_SELF, &use);
		mib = mib > 0 ? mib : (double)use.ru_maxrss / 1024;
		if (how->threads == 1 && !how->bf16)
			limit = ours_limit(s, seconds / 4);
		printf("%.9g %.9g %.1f\n", speed, limit, mib);
		fflush(stdout);
	}
	ours_free(o);
	return 0;
}

/* --- this end ------------------------------------------------------------------------------ */

static bool start(struct rival *s, const char *name, const char *const argv[],
		  char *const more_env[])
{
	int down[2], up[2];
	char line[LINE];

	*s = (struct rival){.name = name};
	if (pipe(down) || pipe(up))
		return false;
	fcntl(down[1], F_SETFD, FD_CLOEXEC); /* or a later side would keep it open */
	fcntl(up[0], F_SETFD, FD_CLOEXEC);
	fflush(stdout);
	s->pid = fork();
	if (!s->pid) {
		for (int k = 0; more_env && more_env[k]; k++)
			putenv(more_env[k]);
		dup2(down[0], 0);
		dup2(up[1], 1);
		close(down[0]);
		close(up[1]);
		execvp(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	close(down[0]);
	close(up[1]);
	s->to = fdopen(down[1], "w");
	s->from = fdopen(up[0], "r");
	return s->pid > 0 && s->to && s->from && fgets(line, sizeof(line), s->from);
}

static void stop(struct rival *s)
{
	if (s->to)
		fclose(s->to);
	if (s->from)
		fclose(s->from);
	if (s->pid > 0)
		waitpid(s->pid, NULL, 0);
	s->pid = 0;
}

static bool ask(struct rival *s)
{
	char line[LINE];

	fputc('\n', s->to);
	fflush(s->to);
	if (!fgets(line, sizeof(line), s->from) ||
	    sscanf(line, "%lf %lf %lf", &s->speed[s->count], &s->extra[s->count], &s->mib) != 3)
		return false;
	s->count++;
	return true;
}

static int by_value(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(const double *v, int n)
{
	double sorted[MOST_ROUNDS];

	memcpy(sorted, v, (size_t)n * sizeof(*v));
	qsort(sorted, (size_t)n, sizeof(*sorted), by_value);
	return n ? sorted[n / 2] : 0;
}

/* What PyTorch is run with: each has been its best for some size. */
struct variant {
	const char *name, *capability, *wait;
	bool one_aten; /* its own pool has one thread, that of the products has them all */
	int threads;   /* it is for */
};
static const struct variant variants[] = {
	{"as installed", "", "", false, 1},
	{"avx512", "avx512", "", false, 1},
	{"as installed", "", "", false, 2},
	{"avx512, passive", "avx512", "PASSIVE", false, 2},
	{"avx512, one ATen thread", "avx512", "", true, 2},
};

static bool start_peer(struct rival *s, const struct options *o, const struct variant *v,
		       const struct size *z, const struct setting *how)
{
	static char text[10][32];
	static char capability[64], wait[64];
	const int numbers[8] = {z->V, z->E, z->H, z->L, z->B, z->T, z->C, how->threads};
	const char *argv[16] = {o->python, o->peer};
	char *more[4] = {NULL};
	int n = 2, e = 0;

	argv[n++] = z->infer ? "infer" : task_table[z->task].name;
	for (int k = 0; k < 8; k++) {
		snprintf(text[k], sizeof(text[k]), "%d", numbers[k]);
		argv[n++] = text[k];
	}
	snprintf(text[8], sizeof(text[8]), "%d", v->one_aten ? 1 : how->threads);
	argv[n++] = text[8];
	argv[n++] = how->lazy ? "sparse" : "dense";
	snprintf(text[9], sizeof(text[9]), "%g", o->seconds);
	argv[n++] = text[9];
	argv[n] = NULL;
	snprintf(capability, sizeof(capability), "ATEN_CPU_CAPABILITY=%s", v->capability);
	snprintf(wait, sizeof(wait), "OMP_WAIT_POLICY=%s", v->wait);
	if (*v->capability)
		more[e++] = capability;
	if (*v->wait)
		more[e++] = wait;
	return start(s, v->name, argv, more);
}

static bool start_ours(struct rival *s, const struct size *z, const struct setting *how,
		       double seconds, const char *self)
{
	char threads[16], length[32];
	const char *argv[] = {self,
			      "--serve",
			      z->name,
			      threads,
			      how->bf16 ? "bf16" : how->lazy ? "lazy" : "dense",
			      length,
			      NULL};

	snprintf(threads, sizeof(threads), "%d", how->threads);
	snprintf(length, sizeof(length), "%g", seconds);
	return start(s, "sluice", argv, NULL);
}

static void report(const struct options *o, const struct size *z, const struct setting *how,
		   const struct rival *side, int sides)
{
	const double ours = median(side[0].speed, side[0].count);
	const double limit = median(side[0].extra, side[0].count);
	const double gflops = ours * size_flop(z) / 1e9;
	const struct rival *best = NULL;
	double theirs = 0;
	char share[16] = "-", ratio[16] = "-", peer[48] = "-";

	for (int k = 1; k < sides; k++) {
		const double m = median(side[k].speed, side[k].count);

		if (m > theirs) {
			theirs = m;
			best = &side[k];
		}
	}
	if (limit > 0)
		snprintf(share, sizeof(share), "%.0f %%", 100 * ours / limit);
	if (theirs > 0) {
		snprintf(ratio, sizeof(ratio), "%.2f", ours / theirs);
		snprintf(peer, sizeof(peer), "%.0f (%s)", theirs, best->name);
	}
	printf("%-10s %2d  %-6s %11.0f %8.1f %7s %7.0f  %6s  %s\n", z->name, how->threads,
	       how->bf16   ? "bf16"
	       : z->infer  ? "-"
	       : how->lazy ? "lazy"
			   : "dense",
	       ours, gflops, share, side[0].mib, ratio, peer);
	fflush(stdout);
	if (!o->json)
		return;
	FILE *f = fopen(o->json, "a");

	if (!f)
		return;
	fprintf(f,
		"{\"size\":\"%s\",\"threads\":%d,\"mode\":\"%s\",\"simd\":\"%s\",\"tokens_per_s\":%"
		".1f,"
		"\"gflop_per_s\":%.2f,\"sgemm_tokens_per_s\":%.1f,\"peak_mib\":%.1f,"
		"\"pytorch_tokens_per_s\":%.1f,\"pytorch_setting\":\"%s\"}\n",
		z->name, how->threads,
		how->bf16   ? "bf16"
		: how->lazy ? "lazy"
			    : "dense",
		level_name(level_now()), ours, gflops, limit, side[0].mib, theirs,
		best ? best->name : "");
	fclose(f);
}

static void measure(const struct options *o, const struct size *z, const struct setting *how,
		    const char *self)
{
	struct rival side[MOST_SIDES];
	int sides = 0;

	if (!start_ours(&side[sides++], z, how, o->seconds, self)) {
		fprintf(stderr, "%s: our own side does not start\n", z->name);
		exit(1);
	}
	for (size_t k = 0; o->python && k < sizeof(variants) / sizeof(variants[0]); k++)
		if (variants[k].threads == how->threads) {
			if (start_peer(&side[sides], o, &variants[k], z, how))
				sides++;
			else
				stop(&side[sides]);
		}
	for (int r = 0; r < o->rounds; r++)
		for (int k = 0; k < sides; k++)
			if (!ask(&side[k]))
				side[k].count = 0;
	report(o, z, how, side, sides);
	for (int k = 0; k < sides; k++)
		stop(&side[k]);
}

static void measure_all(const struct options *o, const char *self)
{
	printf("%-10s %2s  %-6s %11s %8s %7s %7s  %6s  %s\n", "size", "th", "Adam", "tokens/s",
	       "GFLOP/s", "sgemm", "MiB", "ratio", "PyTorch at its best, tokens/s");
	for (int k = 0; size_at(k); k++) {
		const struct size *z = size_at(k);

		if (o->only && strcmp(o->only, z->name) != 0)
			continue;
		for (int threads = 1; threads <= 2; threads++) {
			const bool bf16 = precision_has(PRECISION_BF16) && !z->infer;

			if ((o->threads && threads != o->threads) || (z->infer && threads > 1))
				continue;
			measure(o, z, &(struct setting){.threads = threads}, self);
			if (!z->infer && z->V > 16)
				measure(o, z, &(struct setting){.threads = threads, .lazy = true},
					self);
			if (bf16 && z->V > 16)
				measure(o, z,
					&(struct setting){
						.threads = threads, .lazy = true, .bf16 = true},
					self);
		}
	}
}

static int usage(void)
{
	fprintf(stderr, "usage: ladder [--only NAME] [--threads N] [--rounds N] [--seconds S] "
			"[--json FILE] [--peer FILE.py PYTHON]\n");
	return 2;
}

int main(int argc, char **argv)
{
	struct options o = {.rounds = 5, .seconds = 0.7};

	blas_single_thread();
	if (argc == 6 && (!strcmp(argv[1], "--serve") || !strcmp(argv[1], "--profile"))) {
		const struct size *s = size_find(argv[2]);
		const struct setting how = {.threads = atoi(argv[3]),
					    .bf16 = !strcmp(argv[4], "bf16"),
					    .lazy = strcmp(argv[4], "dense") != 0};
		const double seconds = atof(argv[5]);

		if (!s)
			return usage();
		if (!strcmp(argv[1], "--serve"))
			return serve(s, &how, seconds);
		struct ours *one = ours_new(s, &how);

		team_flush_denormals();
		ours_run(one, seconds / 4);
		const double speed = ours_run(one, seconds);

		printf("%s %.0f tokens/s %.1f GFLOP/s\n", s->name, speed,
		       speed * size_flop(s) / 1e9);
		ours_free(one);
		return 0;
	}
	for (int k = 1; k < argc; k++) {
		if (k + 1 >= argc)
			return usage();
		if (!strcmp(argv[k], "--only"))
			o.only = argv[++k];
		else if (!strcmp(argv[k], "--json"))
			o.json = argv[++k];
		else if (!strcmp(argv[k], "--threads"))
			o.threads = atoi(argv[++k]);
		else if (!strcmp(argv[k], "--rounds"))
			o.rounds = atoi(argv[++k]);
		else if (!strcmp(argv[k], "--seconds"))
			o.seconds = atof(argv[++k]);
		else if (!strcmp(argv[k], "--peer") && k + 2 < argc) {
			o.peer = argv[++k];
			o.python = argv[++k];
		} else
			return usage();
	}
	if (o.rounds < 1 || o.rounds > MOST_ROUNDS || (o.only && !size_find(o.only)))
		return usage();
	measure_all(&o, argv[0]);
	return 0;
}
