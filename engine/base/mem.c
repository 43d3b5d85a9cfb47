/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/base/mem.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define HUGE_PAGE ((size_t)2 << 20)

static void *need(void *p)
{
	if (!p)
		abort();
	return p;
}

void *mem_alloc(size_t n)
{
	return need(malloc(n ? n : 1));
}

void *mem_zero(size_t count, size_t size)
{
	return need(calloc(count ? count : 1, size ? size : 1));
}

void *mem_resize(void *p, size_t count, size_t size)
{
	if (size && count > SIZE_MAX / size)
		abort();
	return need(realloc(p, count && size ? count * size : 1));
}

void *mem_grow(void *p, size_t *cap, size_t count, size_t size)
{
	size_t want;

	if (p && count <= *cap)
		return p;
	want = *cap * 2 > count ? *cap * 2 : count;
	if (want < 8)
		want = 8;
	p = mem_resize(p, want, size);
	*cap = want;
	return p;
}

char *mem_bytes(const void *s, size_t n)
{
	char *p = mem_alloc(n + 1);

	if (n)
		memcpy(p, s, n);
	p[n] = '\0';
	return p;
}

char *mem_text(const char *s)
{
	return mem_bytes(s, strlen(s));
}

char *mem_printf(const char *fmt, ...)
{
	va_list ap;
	char *p;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		abort();
	p = mem_alloc((size_t)n + 1);
	va_start(ap, fmt);
	vsnprintf(p, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return p;
}

/* Pages of 2 MiB where the system has them: products that run over the whole of a large block would miss
 * in the table of addresses at every row. */
static void *huge_block(size_t n)
{
	void *p;

	if (posix_memalign(&p, HUGE_PAGE, n))
		return NULL;
#ifdef MADV_HUGEPAGE
	madvise(p, n / HUGE_PAGE * HUGE_PAGE, MADV_HUGEPAGE); /* what is left keeps its own pages */
#endif
	return p;
}

void *mem_block(size_t count, size_t size)
{
	size_t n;
	void *p;

	if (size && count > (SIZE_MAX - MEM_ALIGN) / size)
		return NULL;
	n = (count * size + MEM_ALIGN - 1) / MEM_ALIGN * MEM_ALIGN;
	p = n < 2 * HUGE_PAGE ? aligned_alloc(MEM_ALIGN, n ? n : MEM_ALIGN) : huge_block(n);
	if (p)
		memset(p, 0, n);
	return p;
}
