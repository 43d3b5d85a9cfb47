/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The dossier of a unit, between the command and its report. */
#ifndef SLUICE_APP_COMMAND_UNIT_H
#define SLUICE_APP_COMMAND_UNIT_H

#include "app/archive.h"
#include "app/command/command.h"
#include "engine/survey/ablation.h"
#include "engine/survey/dossier.h"
#include "engine/survey/selectivity.h"

/* A place of the dossier, read again in double. */
struct unit_place {
	double value;
	int t; /* from 1 */
	char *word, *passage;
};

struct unit_view {
	struct loaded run;
	struct examples texts;
	int32_t *class_of; /* of each text, or -1 */
	bool labels;       /* the run has classes, and some texts have one of them */
	struct dossier_rules rules;
	const char *signal; /* "h" */
	char layer[24];
	char *note; /* NULL: none */
	int64_t sample;
	struct dossier d;
	struct selectivity s;
	struct ablation a;
	struct unit_place *highest, *lowest; /* d.places */
};

/* What words do to h, by their means, with the bands; and how h lies at the end of a text, a line a class. */
struct figure *unit_picture_words(const struct unit_view *v);
struct figure *unit_picture_labels(const struct unit_view *v);

bool unit_report(struct context *c, const struct unit_view *v, struct err *err);

#endif
