/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How the cost of training grows, one size after the other from a common middle; and what is left of it
 * while another program keeps a core busy.
 *
 *     growth [SECONDS]
 */
#include "engine/math/blas.h"
#include "tests/bench/ours.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROUNDS = 5 };

static const struct size middle = {"", TASK_CLASSIFY, 10000, 128, 256, 1, 32, 40, 2, false};

static void row(const char *what, const struct size *z, int threads, double seconds)
{
	struct ours *o = ours_new(z, &(struct setting){.threads = threads, .lazy = true});
	double speed;

	ours_run(o, seconds / 4);
	speed = ours_run(o, seconds);
	printf("%-10s %5d %5d %7d %3d %4d %8d %12.0f %9.1f\n", what, z->H, z->T, z->V, z->L, z->B,
	       threads, speed, speed * size_flop(z) / 1e9);
	fflush(stdout);
	ours_free(o);
}

/* One number of the middle at a time takes these values. */
static void grow(double seconds)
{
	static const int values[][6] = {{64, 128, 256, 512, 1024}, {10, 40, 160, 640},
					{1000, 10000, 100000},     {1, 2, 4},
					{1, 8, 32, 128},           {1, 2}};
	static const char *const names[] = {"units",  "length", "words",
					    "layers", "batch",  "threads"};

	printf("%-10s %5s %5s %7s %3s %4s %8s %12s %9s\n", "grows", "H", "T", "V", "L", "B",
	       "threads", "tokens/s", "GFLOP/s");
	for (size_t what = 0; what < sizeof(names) / sizeof(names[0]); what++)
		for (int k = 0; k < 6 && values[what][k]; k++) {
			struct size z = middle;
			int threads = 1;
			int *const place[] = {&z.H, &z.T, &z.V, &z.L, &z.B, &threads};

			*place[what] = values[what][k];
			row(names[what], &z, threads, seconds);
		}
	for (int k = 0; k < 3; k++) { /* each word is an outcome: the softmax grows with V */
		struct size z = middle;

		z.V = values[2][k];
		z.task = TASK_GENERATE;
		row("outcomes", &z, 1, seconds);
	}
}

static pid_t keep_busy(void)
{
	const pid_t p = fork();

	if (!p)
		for (volatile unsigned long k = 0;; k++)
			;
	return p;
}

static int by_value(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Turns with and without. */
static void share_cores(const char *name, double seconds)
{
	struct ours *o = ours_new(size_find(name), &(struct setting){.threads = 2, .lazy = true});
	double alone[ROUNDS], beside[ROUNDS];

	ours_run(o, seconds / 4);
	for (int k = 0; k < ROUNDS; k++) {
		pid_t other;

		alone[k] = ours_run(o, seconds);
		other = keep_busy();
		beside[k] = ours_run(o, seconds);
		kill(other, SIGKILL);
		waitpid(other, NULL, 0);
	}
	qsort(alone, ROUNDS, sizeof(*alone), by_value);
	qsort(beside, ROUNDS, sizeof(*beside), by_value);
	printf("%-10s 2 threads %10.0f tokens/s; beside a busy program %10.0f: %.0f %% less\n",
	       name, alone[ROUNDS / 2], beside[ROUNDS / 2],
	       100 * (1 - beside[ROUNDS / 2] / alone[ROUNDS / 2]));
	fflush(stdout);
	ours_free(o);
}

int main(int argc, char **argv)
{
	const double seconds = argc > 1 ? atof(argv[1]) : 0.7;

	blas_single_thread();
	team_flush_denormals();
	grow(seconds);
	printf("\n");
	share_cores("small", 2 * seconds);
	share_cores("medium", 2 * seconds);
	share_cores("char-lm", 2 * seconds);
	return 0;
}
