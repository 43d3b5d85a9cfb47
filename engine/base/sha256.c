/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/base/sha256.h"

void sha256_start(struct sha256 *h)
{
	sha256_init(&h->ctx);
}

void sha256_add(struct sha256 *h, const void *bytes, size_t n)
{
	sha256_update(&h->ctx, n, bytes);
}

void sha256_end(struct sha256 *h, unsigned char out[SHA256_BYTES])
{
	sha256_digest(&h->ctx, SHA256_BYTES, out);
}

void sha256_of(const void *bytes, size_t n, unsigned char out[SHA256_BYTES])
{
	struct sha256 h;

	sha256_start(&h);
	sha256_add(&h, bytes, n);
	sha256_end(&h, out);
}
