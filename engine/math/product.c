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

/* A member's columns of so many, in whole panels. */
static void columns_of(const struct team *team, int member, int cols, int *first, int *count)
{
	const size_t panels = ((size_t)cols + PACKED_WIDTH - 1) / PACKED_WIDTH;
	const size_t size = (size_t)team_size(team), k = (size_t)member;
	const int end = (int)(panels * (k + 1) / size) * PACKED_WIDTH;

	*first = (int)(panels * k / size) * PACKED_WIDTH;
	*count = (end < cols ? end : cols) - *first;
}

/* Those of a factor's matrix that make the columns first .. of its product. */
static struct cmat part_of(const struct factor *f, int first, int count)
{
	if (!f->transposed)
		return cmat_cols(f->w, first, count);
	return (struct cmat){f->w.data + (size_t)first * (size_t)f->w.stride, count, f->w.cols,
			     f->w.stride};
}

struct packing {
	struct factor *f;
	real *room;
	int K, cols;
};

static void pack_columns(const struct packing *p, int first, int count)
{
	const struct packed_ops *ops = p->f->ops;
	real *room = p->room + (size_t)(first / PACKED_WIDTH) * ops->panel_size(p->K);

	(p->f->transposed ? ops->of_transposed : ops->of)(part_of(p->f, first, count), room);
}

static void pack_part(void *arg, int member)
{
	const struct packing *p = arg;
	int first, count;

	columns_of(p->f->team, member, p->cols, &first, &count);
	if (count > 0)
		pack_columns(p, first, count);
}

struct factor factor_of(struct arithmetic how, enum factor_use use, struct cmat w, bool transposed,
			real *room)
{
	struct factor f = {.w = w, .transposed = transposed, .team = how.team};
	struct packing p = {&f, room, transposed ? w.cols : w.rows, transposed ? w.rows : w.cols};

	if (how.precision == PRECISION_BF16)
		f.ops = IF_BF16(&packed_bf16, NULL);
	else if (use == FACTOR_STEPS)
		f.ops = LEVEL_PICK(packed_ops);
	f.packed = (struct packed){room, p.K, p.cols};
	if (f.ops && f.team)
		team_run(f.team, pack_part, &p);
	else if (f.ops)
		pack_columns(&p, 0, p.cols);
	return f;
}

/* The columns first .. of out and of where its sums begin. */
static void mul_columns(struct mat out, struct cmat a, const struct factor *f, const real *start,
			size_t stride, int first, int count)
{
	const struct mat to = mat_cols(out, first, count);
	const real *from = start ? start + first : NULL;

	if (f->ops) {
		const struct packed panels = {f->packed.panel +
						      (size_t)(first / PACKED_WIDTH) *
							      f->ops->panel_size(f->packed.K),
					      f->packed.K, count};

		f->ops->mul(to, a, &panels, from, stride);
		return;
	}
	for (size_t r = 0; from && from != to.data && r < (size_t)to.rows; r++)
		memcpy(to.data + r * (size_t)to.stride, from + r * stride,
		       (size_t)count * sizeof(real));
	(f->transposed ? mat_mul_nt : mat_mul_nn)(to, a, part_of(f, first, count), from ? 1 : 0);
}

struct multiplication {
	struct mat out;
	struct cmat a;
	const struct factor *f;
	const real *start;
	size_t stride;
};

static void mul_part(void *arg, int member)
{
	const struct multiplication *m = arg;
	int first, count;

	columns_of(m->f->team, member, m->out.cols, &first, &count);
	if (count > 0)
		mul_columns(m->out, m->a, m->f, m->start, m->stride, first, count);
}

void factor_mul(struct mat out, struct cmat a, const struct factor *f, const real *start,
		size_t stride)
{
	struct multiplication m = {out, a, f, start, stride};

	if (f->team)
		team_run(f->team, mul_part, &m);
	else
		mul_columns(out, a, f, start, stride, 0, out.cols);
}

static size_t cross_room(int n)
{
	return IF_BF16(packed_bf16_cross_size(n), (size_t)n * 0);
}

size_t cross_size(struct arithmetic how, int n)
{
	return cross_room(n) * (size_t)(how.team ? team_size(how.team) : 1);
}

struct crossing {
	struct arithmetic how;
	struct mat out;
	struct cmat a, b;
	real *room;
};

/* Some columns of a, which are rows of out. */
static void cross_columns(const struct crossing *c, int first, int count, real *room)
{
	const struct mat out = {c->out.data + (size_t)first * (size_t)c->out.stride, count,
				c->out.cols, c->out.stride};
	const struct cmat a = cmat_cols(c->a, first, count);

	if (c->how.precision == PRECISION_BF16)
		IF_BF16(packed_bf16_cross(out, a, c->b, room), (void)room);
	else
		mat_mul_tn(out, a, c->b, 1);
}

static void cross_part(void *arg, int member)
{
	const struct crossing *c = arg;
	int first, count;

	columns_of(c->how.team, member, c->a.cols, &first, &count);
	if (count > 0)
		cross_columns(c, first, count, c->room + (size_t)member * cross_room(c->b.cols));
}

void cross_add(struct arithmetic how, struct mat out, struct cmat a, struct cmat b, real *room)
{
	struct crossing c = {how, out, a, b, room};

	if (how.team)
		team_run(how.team, cross_part, &c);
	else
		cross_columns(&c, 0, a.cols, room);
}
