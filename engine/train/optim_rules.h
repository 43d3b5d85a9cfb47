/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The rules of optim.c's table. */
#ifndef SLUICE_ENGINE_TRAIN_OPTIM_RULES_H
#define SLUICE_ENGINE_TRAIN_OPTIM_RULES_H

#include "engine/train/optim.h"

LEVEL_DECLARE(optim_rule, optim_adam_torch);
LEVEL_DECLARE(optim_rule, optim_adam_keras);
LEVEL_DECLARE(optim_rule, optim_adamw);
LEVEL_DECLARE(optim_rule, optim_sgd);
LEVEL_DECLARE(optim_rule, optim_momentum);
LEVEL_DECLARE(optim_rule, optim_nesterov);
LEVEL_DECLARE(optim_rule, optim_rmsprop);
LEVEL_DECLARE(optim_rule, optim_rmsprop_keras);
LEVEL_DECLARE(optim_rule, optim_adagrad);
LEVEL_DECLARE(optim_rule, optim_adagrad_keras);

#endif
