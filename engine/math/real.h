/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The number type of weights and activations: float in the program. The same sources are compiled
 * a second time with SLUICE_DOUBLE, so that golden cases and finite differences can be checked
 * where rounding does not hide errors.
 */
#ifndef SLUICE_ENGINE_MATH_REAL_H
#define SLUICE_ENGINE_MATH_REAL_H

#ifdef SLUICE_DOUBLE
typedef double real;
#else
typedef float real;
#endif

#endif
