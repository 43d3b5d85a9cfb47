/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The debugger's commands; entries of ui.c's table. */
#ifndef SLUICE_APP_COMMAND_UI_DEBUG_H
#define SLUICE_APP_COMMAND_UI_DEBUG_H

#include "app/command/command.h"
#include "app/workbench.h"

bool ui_step(struct context *c, const struct args *a, struct err *err);
bool ui_next(struct context *c, const struct args *a, struct err *err);
bool ui_until(struct context *c, const struct args *a, struct err *err);
bool ui_up(struct context *c, const struct args *a, struct err *err);
bool ui_down(struct context *c, const struct args *a, struct err *err);
bool ui_break(struct context *c, const struct args *a, struct err *err);
bool ui_watch(struct context *c, const struct args *a, struct err *err);
bool ui_display(struct context *c, const struct args *a, struct err *err);
bool ui_print(struct context *c, const struct args *a, struct err *err);
bool ui_info(struct context *c, const struct args *a, struct err *err);
bool ui_delete(struct context *c, const struct args *a, struct err *err);

/* Goes on to the next hit in the sentence: 1 where that is found, or has to wait; 0 where nothing is; -1 for
 * trouble. */
int ui_continue_here(struct workbench *w, struct err *err);

/* What these commands share. The step that is looked at; ERR_USAGE where there is none. */
struct expr_place;
bool ui_place(const struct workbench *w, struct expr_place *at, struct err *err);
/* Goes to a step and says so, behind what led there. */
void ui_go_to(struct workbench *w, int position, const char *why);
/* Whether the sentence is being traced: then the line waits until it has been. */
bool ui_has_to_wait(struct workbench *w, const char *command, const char *rest);
const char *ui_rest(const struct args *a); /* the rest of the line, "" for none */
bool ui_whole_number(const char *text, int *n);
/* Tells a command file without a screen the values that are kept, as they are at this step. */
void ui_tell_displays(struct workbench *w);

const char *expression_word(int index); /* what expressions are made of; NULL past the end */

/* What was asked for by one of these commands, "break" or "set". */
void ui_answer_debug(struct workbench *w, const char *command, const char *line);

#endif
