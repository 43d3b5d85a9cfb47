/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How fast text becomes ids, by processor time, on one core, and in how much memory:
 *
 *     bench-text [--json] [MB]        (64)
 *
 * The text is made up: English-like (words of Zipf's law with capitals and marks) and Chinese-like (Han
 * characters of Zipf's law), in lines of varied length. Every case runs in a process of its own.
 *
 *     ids      MB/s from the file to ids: read, checked, hashed, split, numbered, counted, made ids
 *     split    MB/s of the same up to numbers
 *     count    MB/s of making a vocabulary from the numbers
 *     memory   bytes a token by which the process grew at most
 */
#include "engine/base/mem.h"
#include "engine/base/rng.h"
#include "engine/text/intake.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { WORDS = 50000, CHARACTERS = 6000 };

/* Ranks by Zipf's law: rank k with a weight of 1 / (k + 2.7). */
struct zipf {
	double *sum;
	int count;
};

static struct zipf zipf_new(int count)
{
	struct zipf z = {mem_alloc((size_t)count * sizeof(*z.sum)), count};
	double sum = 0;

	for (int k = 0; k < count; k++)
		z.sum[k] = sum += 1 / (k + 2.7);
	return z;
}

static int zipf_draw(const struct zipf *z, struct rng *r)
{
	const double at = rng_uniform(r) * z->sum[z->count - 1];
	int low = 0, high = z->count - 1;

	while (low < high) {
		const int mid = (low + high) / 2;

		if (z->sum[mid] < at)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* Syllables that spell a rank: rarer words are longer. */
static void add_word(struct buf *b, int rank)
{
	static const char *const consonants = "tnsrhldcmfpgwybvk", *const vowels = "eaoiu";

	rank++;
	do {
		buf_byte(b, consonants[rank % 17]);
		buf_byte(b, vowels[rank / 17 % 5]);
		if (rank % 3 == 0)
			buf_byte(b, 'n');
		rank /= 85;
	} while (rank);
}

static void add_han(struct buf *b, int rank)
{
	const int c = 0x4e00 + rank * 3001 % 20000;
	const char bytes[] = {(char)(0xe0 | c >> 12), (char)(0x80 | (c >> 6 & 0x3f)),
			      (char)(0x80 | (c & 0x3f))};

	buf_add(b, bytes, sizeof(bytes));
}

static void add_line(struct buf *b, bool chinese, const struct zipf *z, struct rng *r)
{
	const uint32_t length = 1 + rng_below(r, 30) + (rng_below(r, 20) ? 0 : rng_below(r, 300));
	const size_t from = b->len;

	for (uint32_t k = 0; k < length; k++) {
		const bool pause = k && rng_below(r, 12) == 0;

		if (chinese) {
			if (pause)
				buf_text(b, "，");
			add_han(b, zipf_draw(z, r));
			continue;
		}
		if (k)
			buf_text(b, pause ? ", " : " ");
		add_word(b, zipf_draw(z, r));
	}
	if (!chinese)
		b->data[from] = (char)(b->data[from] - ('a' - 'A'));
	buf_text(b, chinese ? "。\n" : ".\n");
}

/* A file of so many bytes at least; its path is to be freed and the file removed. */
static char *make_file(bool chinese, int64_t bytes)
{
	const char *dir = getenv("TMPDIR");
	char *path = mem_printf("%s/bench-text-XXXXXX", dir ? dir : P_tmpdir);
	struct zipf z = zipf_new(chinese ? CHARACTERS : WORDS);
	const int fd = mkstemp(path);
	struct buf b = {0};
	struct rng r;

	rng_seed(&r, 1, 0);
	while (fd >= 0 && bytes > 0) {
		buf_clear(&b);
		while (b.len < 1 << 20)
			add_line(&b, chinese, &z, &r);
		if (write(fd, b.data, b.len) != (ssize_t)b.len)
			break;
		bytes -= (int64_t)b.len;
	}
	if (fd < 0 || bytes > 0) {
		perror(path);
		exit(1);
	}
	close(fd);
	buf_release(&b);
	free(z.sum);
	return path;
}

/* Seconds of processor time. */
static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static long peak_kib(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return u.ru_maxrss;
}

struct result {
	double bytes, tokens, split, count, finish; /* seconds */
	double memory;                              /* bytes of growth */
};

static bool measure(const char *path, enum tokenizer kind, struct result *out)
{
	const struct vocab_spec spec = {
		.rules = {.kind = kind, .lower = true}, .min_count = 1, .end = true};
	const struct read_options opt = {.stream = true};
	struct vocab_builder *words = vocab_builder_new(&spec);
	const long before = peak_kib();
	double at[4] = {now()};
	struct corpus *c, *none;
	struct intake in;
	struct err err;
	struct vocab *v;

	if (!intake_read(&in, path, &opt, words, &err)) {
		fprintf(stderr, "%s\n", err.msg);
		return false;
	}
	at[1] = now();
	intake_count(&in);
	v = vocab_of(words);
	at[2] = now();
	intake_finish(&in, v, NULL, 0, false, &c, &none, NULL);
	at[3] = now();
	*out = (struct result){(double)in.file.bytes, (double)c->tokens,
			       at[1] - at[0],         at[2] - at[1],
			       at[3] - at[2],         (double)(peak_kib() - before) * 1024};
	corpus_unref(c);
	intake_release(&in);
	vocab_unref(v);
	vocab_builder_free(words);
	return true;
}

/* The same in another process, so that what the one took is not there for the next. */
static bool measure_apart(const char *path, enum tokenizer kind, struct result *out)
{
	int fd[2], status = 1;
	bool ok;
	pid_t pid;

	if (pipe(fd))
		return false;
	pid = fork();
	if (pid == 0) {
		ok = measure(path, kind, out);
		_exit(ok && write(fd[1], out, sizeof(*out)) == sizeof(*out) ? 0 : 1);
	}
	close(fd[1]);
	ok = pid > 0 && read(fd[0], out, sizeof(*out)) == sizeof(*out);
	close(fd[0]);
	return pid > 0 && waitpid(pid, &status, 0) == pid && !status && ok;
}

static void print(const char *language, enum tokenizer kind, const struct result *r, bool json)
{
	const double mb = r->bytes / 1e6, whole = r->split + r->count + r->finish;

	printf(json ? "{\"text\":\"%s\",\"tokenizer\":\"%s\",\"mb\":%.1f,\"tokens\":%.0f,"
		      "\"ids_mb_s\":%.1f,\"split_mb_s\":%.1f,\"count_mb_s\":%.1f,"
		      "\"bytes_a_token\":%.2f}\n"
		    : "%-8s %-6s %7.1f %11.0f %8.1f %8.1f %8.1f %8.2f\n",
	       language, tokenizer_name(kind), mb, r->tokens, mb / whole, mb / r->split,
	       mb / r->count, r->memory / r->tokens);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	static const enum tokenizer kinds[] = {TOKENIZER_WORD, TOKENIZER_CHAR, TOKENIZER_SPACE};
	const bool json = argc > 1 && !strcmp(argv[1], "--json");
	const double mb = argc > 1 + json ? atof(argv[1 + json]) : 64;
	bool ok = mb > 0;

	if (!ok)
		fprintf(stderr, "usage: bench-text [--json] [MB]\n");
	else if (!json)
		printf("%-8s %-6s %7s %11s %8s %8s %8s %8s\n", "text", "", "MB", "tokens", "ids",
		       "split", "count", "memory");
	for (int chinese = 0; ok && chinese < 2; chinese++) {
		char *path = make_file(chinese, (int64_t)(mb * 1e6));

		for (int k = 0; ok && k < 3; k++) {
			struct result r;

			ok = measure_apart(path, kinds[k], &r);
			if (ok)
				print(chinese ? "Chinese" : "English", kinds[k], &r, json);
		}
		unlink(path);
		free(path);
	}
	return ok ? 0 : 1;
}
