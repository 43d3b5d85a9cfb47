/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is done to the selected run, and the answers to the workbench's questions. */
#include "app/command/ui_runs.h"
#include "app/command/ui_debug.h"
#include "app/command/ui_diff.h"
#include "app/command/ui_text.h"

#include "app/desk/desk.h"
#include "engine/base/mem.h"
#include "store/metric.h"

#include <stdlib.h>
#include <string.h>

static struct run_row *selected_run(const struct workbench *w)
{
	return w->view == &view_runs && w->runs.selected < (int)w->runs.count
		       ? &w->runs.row[w->runs.selected]
		       : NULL;
}

bool ui_mark(struct context *c, const struct args *a, struct err *err)
{
	struct runs_state *r = &c->ui->runs;
	const struct run_row *row = selected_run(c->ui);
	(void)a;

	if (!row)
		return err_set(err, ERR_USAGE, "there is no run to mark");
	c->ui->dirty = true;
	for (int k = 0; k < r->marks; k++)
		if (!strcmp(r->mark[k].id, row->id)) {
			if (r->mark[k].curve)
				metric_curve_release(r->mark[k].curve);
			free(r->mark[k].curve);
			memmove(&r->mark[k], &r->mark[k + 1],
				(size_t)(r->marks - k - 1) * sizeof(r->mark[0]));
			r->marks--;
			return true;
		}
	if (r->marks == (int)(sizeof(r->mark) / sizeof(r->mark[0])))
		return err_set(err, ERR_USAGE, "8 runs are marked; m takes a mark away");
	r->mark[r->marks] = (struct marked){0};
	memcpy(r->mark[r->marks].id, row->id, sizeof(row->id));
	snprintf(r->mark[r->marks].name, RUN_NAME_SIZE, "%s", row->name);
	r->marks++;
	desk_curves(c->ui);
	return true;
}

bool ui_order(struct context *c, const struct args *a, struct err *err)
{
	struct runs_state *r = &c->ui->runs;
	int columns = 0, next = -1;

	while (run_list_column(columns))
		columns++;
	for (int k = 0; a->pos_count && k < columns; k++)
		if (!strcmp(a->pos[0], run_list_column(k)))
			next = k;
	if (a->pos_count && next < 0)
		return err_set(err, ERR_USAGE, "runs cannot be ordered by '%s'", a->pos[0]);
	if (!a->pos_count)
		next = run_list_column(r->order + 1) ? r->order + 1 : 0;
	if (a->pos_count && next == r->order)
		r->ascending = !r->ascending;
	else /* words from A to Z, numbers from the largest */
		r->ascending = !strcmp(run_list_column(next), "name") ||
			       !strcmp(run_list_column(next), "cell") ||
			       !strcmp(run_list_column(next), "status");
	r->order = next;
	r->stale = true;
	workbench_say(c->ui, ROLE_message, "ordered by %s", run_list_column(next));
	desk_runs(c->ui);
	return true;
}

/* r, t, w and d in Runs: asks for what the command needs. */
bool ui_edit(struct context *c, const struct args *a, struct err *err)
{
	static const struct {
		const char *what, *label;
		enum ask ask;
	} kinds[] = {{"rename", "new name: ", ASK_RENAME},
		     {"tag", "tag (-tag takes one off): ", ASK_TAG},
		     {"note", "note: ", ASK_NOTE},
		     {"delete", "", ASK_DELETE}};
	const struct run_row *row = selected_run(c->ui);
	char label[200];

	if (!row)
		return err_set(err, ERR_USAGE, "there is no run selected");
	free(c->ui->asked_for);
	c->ui->asked_for = mem_text(row->id);
	for (size_t k = 0; k < 4; k++)
		if (!strcmp(kinds[k].what, a->pos[0])) {
			snprintf(label, sizeof(label), "%s", kinds[k].label);
			if (kinds[k].ask == ASK_DELETE)
				snprintf(label, sizeof(label),
					 "Delete %.60s (%s)? :restore brings it back. [y/N] ",
					 row->name, row->id);
			workbench_ask(c->ui, kinds[k].ask, label,
				      kinds[k].ask == ASK_RENAME ? row->name
				      : kinds[k].ask == ASK_NOTE ? row->note
								 : NULL);
			return true;
		}
	return err_set(err, ERR_USAGE, "edit knows rename, tag, note and delete");
}

static void run_on(struct workbench *w, const char *command, const char *text)
{
	char *words[3] = {mem_text(command), mem_text(w->asked_for), mem_text(text)};

	desk_command(w, command_find(command, CMD_SHELL), *text ? 3 : 2, words);
	for (int k = 0; k < 3; k++)
		free(words[k]);
}

void workbench_answer(struct workbench *w, enum ask what, const char *line)
{
	char *command;

	switch (what) {
	case ASK_CONSOLE:
		workbench_line(w, line);
		break;
	case ASK_SENTENCE:
		if (*line) {
			desk_sentence(w, line);
			workbench_show(w, &view_gates);
		}
		break;
	case ASK_PROMPT:
		ui_answer_prompt(w, line);
		break;
	case ASK_FIND:
		free(w->find);
		w->find = mem_text(line);
		workbench_line(w, "again next");
		break;
	case ASK_BREAK:
	case ASK_EDIT:
		ui_answer_debug(w, what == ASK_BREAK ? "break" : "set", line);
		break;
	case ASK_DIFF:
		ui_answer_diff(w, line);
		break;
	case ASK_EXPORT:
		command = mem_printf("save \"%s\"", line);
		if (*line)
			workbench_line(w, command);
		free(command);
		break;
	case ASK_FILTER:
		free(w->runs.filter);
		w->runs.filter = *line ? mem_text(line) : NULL;
		w->runs.stale = true;
		desk_runs(w);
		break;
	case ASK_RENAME:
	case ASK_NOTE:
		if (*line || what == ASK_NOTE)
			run_on(w, what == ASK_RENAME ? "rename" : "note", *line ? line : " ");
		break;
	case ASK_TAG:
		if (*line)
			run_on(w, *line == '-' ? "untag" : "tag", *line == '-' ? line + 1 : line);
		break;
	case ASK_DELETE:
		if (*line == 'y')
			run_on(w, "rm", "");
		break;
	case ASK_TRAIN:
		if (*line == 'y')
			desk_train(w, &w->settings, true);
		break;
	case ASK_QUIT:
		if (*line == 'y') {
			w->stopping = true;
			if (w->session)
				trainer_stop(w->session->trainer);
			workbench_say(w, ROLE_message,
				      "stopping after this step, with a checkpoint");
		}
		break;
	case ASK_NONE:
		break;
	}
}
