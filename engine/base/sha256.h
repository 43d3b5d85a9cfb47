/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SHA-256 (FIPS 180-4), computed by nettle: the address of weights, vocabularies and data sets. */
#ifndef SLUICE_ENGINE_BASE_SHA256_H
#define SLUICE_ENGINE_BASE_SHA256_H

#include <nettle/sha2.h>
#include <stddef.h>

enum { SHA256_BYTES = 32 };

struct sha256 {
	struct sha256_ctx ctx;
};

void sha256_start(struct sha256 *h);
void sha256_add(struct sha256 *h, const void *bytes, size_t n);
void sha256_end(struct sha256 *h, unsigned char out[SHA256_BYTES]);

/* All three at once. */
void sha256_of(const void *bytes, size_t n, unsigned char out[SHA256_BYTES]);

#endif
