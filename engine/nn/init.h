/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Fresh weights. A parameter's draw depends on the seed and on its own place in the model alone.
 *
 * glorot      W and head uniform with variance 2/(rows + columns) (Glorot and Bengio 2010), U
 *             orthogonal, as in Keras
 * orthogonal  every matrix orthogonal (Saxe et al., arXiv 1312.6120)
 * uniform     all of the layers and the head within 1/sqrt(hidden), biases too, as in PyTorch; or
 *             within range, as Zaremba et al. do (arXiv 1409.2329)
 * normal      every matrix normal with variance 1/columns
 *
 * Biases are 0 and the forget gate's is forget_bias, or 1 where that is NaN. `uniform` draws every
 * bias, but sets the forget gate's where forget_bias is a number. The embedding is uniform with
 * half-width embed_range throughout.
 */
#ifndef SLUICE_ENGINE_NN_INIT_H
#define SLUICE_ENGINE_NN_INIT_H

#include "engine/nn/model.h"

enum init_kind { INIT_GLOROT, INIT_ORTHOGONAL, INIT_UNIFORM, INIT_NORMAL, INIT_COUNT };
const char *init_name(enum init_kind kind);

struct init {
	enum init_kind kind;
	double forget_bias, embed_range;
	double range; /* of uniform; 0: 1/sqrt(hidden) */
};

/* NULL without memory. Free with free(). */
real *init_weights(const struct model *m, uint64_t seed, const struct init *init);

#endif
