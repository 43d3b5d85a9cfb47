/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Memory. Small blocks of fixed size come from the mem_ functions that abort when the system has
 * none left (the terminal is restored by the handler of SIGABRT); blocks whose size the user
 * chooses come from mem_block, which may fail.
 */
#ifndef SLUICE_ENGINE_BASE_MEM_H
#define SLUICE_ENGINE_BASE_MEM_H

#include <stddef.h>

/* Alignment of mem_block: a cache line, and the widest vector register. */
enum { MEM_ALIGN = 64 };

/* n bytes, uninitialised; never NULL, also for n = 0. Free with free(). */
void *mem_alloc(size_t n) __attribute__((malloc, returns_nonnull));

/* count * size bytes set to zero; the product is checked. Free with free(). */
void *mem_zero(size_t count, size_t size) __attribute__((malloc, returns_nonnull));

/* Resizes p (or NULL) to count * size bytes; the product is checked. */
void *mem_resize(void *p, size_t count, size_t size) __attribute__((returns_nonnull));

/*
 * Makes room for at least need elements of size bytes in the growing array p whose capacity is
 * *cap; returns the (possibly moved) array. The capacity at least doubles when it grows.
 */
void *mem_grow(void *p, size_t *cap, size_t need, size_t size);

char *mem_text(const char *s) __attribute__((malloc, returns_nonnull));
char *mem_bytes(const void *s, size_t n) __attribute__((malloc, returns_nonnull)); /* adds a NUL */
char *mem_printf(const char *fmt, ...)
	__attribute__((format(printf, 1, 2), malloc, returns_nonnull));

/* count * size bytes aligned to MEM_ALIGN, set to zero; NULL when there is not enough memory or
 * the product overflows. Free with free(). */
void *mem_block(size_t count, size_t size);

#endif
