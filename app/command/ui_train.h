/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Commands for the run in training, and for beginning one; entries of ui.c's table. */
#ifndef SLUICE_APP_COMMAND_UI_TRAIN_H
#define SLUICE_APP_COMMAND_UI_TRAIN_H

#include "app/command/command.h"

/* Whether a training has begun and is not over. */
bool ui_is_training(const struct workbench *w);

bool ui_toggle(struct context *c, const struct args *a, struct err *err);
bool ui_batch(struct context *c, const struct args *a, struct err *err);
bool ui_rate(struct context *c, const struct args *a, struct err *err);
bool ui_freeze(struct context *c, const struct args *a, struct err *err);
bool ui_unfreeze(struct context *c, const struct args *a, struct err *err);
bool ui_stop(struct context *c, const struct args *a, struct err *err);
bool ui_train(struct context *c, const struct args *a, struct err *err);
bool ui_resume(struct context *c, const struct args *a, struct err *err);
bool ui_fork(struct context *c, const struct args *a, struct err *err);
bool ui_tune(struct context *c, const struct args *a, struct err *err);

/* Names of groups of weights that a model may have; with up and down for ui_rate. */
const char *group_word(int index);
const char *rate_word(int index);

#endif
