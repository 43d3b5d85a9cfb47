/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/math/product.h"

#include <stdio.h>
#include <string.h>

/* The kernels of bfloat16 are there in builds for x86-64 in single precision. */
#ifdef SLUICE_LEVELS
#include "engine/math/packed_bf16.h"
#define IF_BF16(there, else) (there)
#else
#define IF_BF16(there, else) (else)
#endif

static const char *const names[PRECISION_COUNT] = {"f32", "bf16"};

const char *precision_name(enum precision p)
{
	return names[p];
}

bool precision_has(enum precision p)
{
	return p == PRECISION_F32 || IF_BF16(bf16_unit() != NULL, false);
}

void product_description(char *text, size_t size)
{
	const char *unit = IF_BF16(bf16_unit(), NULL);

	snprintf(text, size, "%s; %s%s%s", blas_description(), level_name(level_now()),
		 unit ? ", " : "", unit ? unit : "");
}

size_t factor_size(int rows, int cols)
{
	const size_t one = packed_size(rows, cols), other = packed_size(cols, rows);

	return one > other ? one : other;
}

struct factor factor_of(enum precision p, enum factor_use use, struct cmat w, bool transposed,
			real *room)
{
	struct factor f = {.w = w, .transposed = transposed};

	if (p == PRECISION_BF16)
		f.ops = IF_BF16(&packed_bf16, NULL);
	else if (use == FACTOR_STEPS)
		f.ops = LEVEL_PICK(packed_ops);
	if (f.ops)
		f.packed = (transposed ? f.ops->of_transposed : f.ops->of)(w, room);
	return f;
}

void factor_mul(struct mat out, struct cmat a, const struct factor *f, const real *start,
		size_t stride)
{
	if (f->ops) {
		f->ops->mul(out, a, &f->packed, start, stride);
		return;
	}
	for (size_t r = 0; start && start != out.data && r < (size_t)out.rows; r++)
		memcpy(out.data + r * (size_t)out.stride, start + r * stride,
		       (size_t)out.cols * sizeof(real));
	(f->transposed ? mat_mul_nt : mat_mul_nn)(out, a, f->w, start ? 1 : 0);
}

size_t cross_size(int n)
{
	return IF_BF16(packed_bf16_cross_size(n), (size_t)n * 0);
}

void cross_add(enum precision p, struct mat out, struct cmat a, struct cmat b, real *room)
{
	if (p == PRECISION_BF16)
		IF_BF16(packed_bf16_cross(out, a, b, room), (void)room);
	else
		mat_mul_tn(out, a, b, 1);
}
