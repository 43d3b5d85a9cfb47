/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who trains a run: a process of a machine that may since have died or started anew. */
#ifndef SLUICE_STORE_OWNER_H
#define SLUICE_STORE_OWNER_H

#include <stdbool.h>
#include <stdint.h>

struct owner {
	char host[128]; /* the machine's name */
	char boot[64];  /* changes whenever the machine starts; "" where the system has none */
	int64_t pid;
	int64_t start; /* when the process began, in clock ticks since the boot; 0 if unknown */
};

/* This process. */
struct owner owner_self(void);

/* Whether the process has certainly ended. False for one of another machine. */
bool owner_is_dead(const struct owner *o);

#endif
