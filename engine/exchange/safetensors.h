/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * safetensors (huggingface/safetensors, README "Format"): 8 bytes of header length, little-endian,
 * a JSON header, then the tensors' bytes without gaps.
 *
 * The standard cell goes out in PyTorch's names and layout, so that nn.Embedding, nn.LSTM and
 * nn.Linear load it: lstm.weight_ih_l0 (4H, E) rows i f g o, lstm.bias_ih_l0 our bias and
 * lstm.bias_hh_l0 zero. Other cells go out as one tensor a gate.
 */
#ifndef SLUICE_ENGINE_EXCHANGE_SAFETENSORS_H
#define SLUICE_ENGINE_EXCHANGE_SAFETENSORS_H

#include "engine/train/encoder.h"

/* A name and a value for the header's __metadata__. */
struct meta {
	const char *key, *value;
};

/* Writes to a temporary file beside path and renames it: a file of that name is whole or old.
 * Values are float32. ERR_FAILED naming the file. */
bool safetensors_write(const struct snapshot *s, const struct meta *meta, int metas,
		       const char *path, struct err *err);

/* The same for one matrix (rows, cols) of some name. */
bool safetensors_write_matrix(const char *name, const real *data, int rows, int cols,
			      const struct meta *meta, int metas, const char *path,
			      struct err *err);

#endif
