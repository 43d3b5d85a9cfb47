/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/command/train.h"
#include "app/budget.h"
#include "app/command/command.h"
#include "app/session.h"

#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/text/utf8.h"
#include "store/run.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const struct option options_train[] = {
	{"-c", "FILE.ini", "a settings file"},
	{"--set", "name=value", "one setting; see 'sluice help settings'"},
	{"--data", "FILE", "training texts; - is standard input"},
	{"--valid", "FILE", "validation texts"},
	{"--data-target", "FILE", "of pairs in two files: the targets of --data, line by line"},
	{"--valid-target", "FILE", "... of --valid"},
	{"--data-format", "FORMAT", "of both files, where it is not plain to see"},
	{"--label-column", "NAME", "by name or number from 1"},
	{"--text-column", "NAME", "by name or number from 1"},
	{"--source-column", "NAME", "of pairs, by name or number from 1"},
	{"--target-column", "NAME", "of pairs, by name or number from 1"},
	{"--no-header", NULL, "the first line of a csv file is data"},
	{"--name", "NAME", "what the run is called"},
	{"--tag", "TAG", "a label for the run; may be repeated"},
	{"--note", "TEXT", "a remark"},
	{"--progress", "FORMAT", "bar, lines or ndjson on standard error"},
	{NULL, NULL, NULL},
};

enum progress_style { PROGRESS_NONE, PROGRESS_BAR, PROGRESS_LINES, PROGRESS_NDJSON };

/* What the signal handler and the feed's wake write to. */
static int wake_pipe[2] = {-1, -1};
static volatile sig_atomic_t caught;

static void on_signal(int sig)
{
	const int saved = errno;

	caught = sig;
	if (write(wake_pipe[1], "s", 1) < 0)
		errno = saved;
	errno = saved;
}

static void on_news(void *arg)
{
	(void)arg;
	if (write(wake_pipe[1], "n", 1) < 0 && errno != EAGAIN)
		return;
}

bool train_changes(struct settings *s, const struct args *a, struct err *err)
{
	static const char *const shortcut[][2] = {{"--data", "data"},
						  {"--valid", "valid"},
						  {"--data-target", "data_target"},
						  {"--valid-target", "valid_target"},
						  {"--data-format", "data_format"},
						  {"--label-column", "label_column"},
						  {"--text-column", "text_column"},
						  {"--source-column", "source_column"},
						  {"--target-column", "target_column"}};

	for (int k = 0; k < a->option_count; k++)
		if (!strcmp(a->option[k], "-c") && !settings_load(s, a->value[k], err))
			return false;
	for (int k = 0; k < a->option_count; k++) {
		if (!strcmp(a->option[k], "--set") && !settings_assign(s, a->value[k], err))
			return false;
		for (size_t j = 0; j < sizeof(shortcut) / sizeof(shortcut[0]); j++)
			if (!strcmp(a->option[k], shortcut[j][0]) &&
			    !settings_set(s, shortcut[j][1], a->value[k], err))
				return false;
	}
	if (args_has(a, "--no-header"))
		s->header = false;
	return true;
}

bool train_settings(struct settings *s, const struct args *a, struct err *err)
{
	settings_default(s);
	return train_changes(s, a, err);
}

static bool style_of(const struct context *c, const struct args *a, enum progress_style *style,
		     struct err *err)
{
	const char *name = args_value(a, "--progress");

	*style = c->quiet ? PROGRESS_NONE : isatty(STDERR_FILENO) ? PROGRESS_BAR : PROGRESS_LINES;
	if (!name)
		return true;
	if (!strcmp(name, "ndjson"))
		*style = PROGRESS_NDJSON;
	else if (!strcmp(name, "bar"))
		*style = PROGRESS_BAR;
	else if (!strcmp(name, "lines"))
		*style = PROGRESS_LINES;
	else
		return err_set(err, ERR_USAGE, "--progress is bar, lines or ndjson, not '%s'",
			       name);
	return true;
}

/* style and session are also read by the trainer's thread, which prints ndjson and epochs. */
struct progress_state {
	enum progress_style style;
	struct session *session; /* set before the first step: training starts paused */
	int shown_epoch;
	double shown_at; /* seconds of training at the last line */
	bool estimated;  /* the time of all epochs was told */
	bool told;       /* of the trainer's thread: an epoch was, at told_at seconds of training */
	double told_at;
};

static void put_line(const struct train_gauge *g, int64_t recorded)
{
	struct buf b = {0};
	struct json_writer j = jw_to(&b);

	jw_object(&j);
	jw_key(&j, "step");
	jw_int(&j, g->step);
	jw_key(&j, "epoch");
	jw_int(&j, g->epoch);
	jw_key(&j, "loss");
	jw_f64(&j, g->loss);
	jw_key(&j, "recorded");
	jw_int(&j, recorded);
	jw_object_end(&j);
	fprintf(stderr, "%s\n", buf_str(&b));
	buf_release(&b);
}

/* The loss, and the accuracy of a task that has one, else the perplexity. */
static void add_measures(struct buf *b, const char *of, double loss, double accuracy)
{
	buf_printf(b, "  %sloss %.4f", of, loss);
	if (isnan(accuracy))
		buf_printf(b, " perplexity %.2f", exp(loss));
	else
		buf_printf(b, " accuracy %.4f", accuracy);
}

static void show_epoch(const struct epoch_stats *e, int epochs, bool bar)
{
	struct buf b = {0};

	buf_printf(&b, "%sepoch %d/%d", bar ? "\r\033[K" : "", e->epoch, epochs);
	add_measures(&b, "train ", e->train_loss, e->train_accuracy);
	if (!isnan(e->valid_loss)) {
		add_measures(&b, "valid ", e->valid_loss, e->valid_accuracy);
		if (!isnan(e->valid_exact))
			buf_printf(&b, " exact %.4f", e->valid_exact);
		if (!isnan(e->valid_bleu))
			buf_printf(&b, " BLEU %.2f ROUGE-L %.3f", e->valid_bleu, e->valid_rouge);
		if (!isnan(e->valid_lead))
			buf_printf(&b, " (first words %.3f)", e->valid_lead);
		buf_text(&b, e->best ? "  best" : "");
	}
	fprintf(stderr, "%s\n", buf_str(&b));
	buf_release(&b);
}

/* Epochs that take a moment each are told a few times a second: the first, the last and some between. */
static bool worth_telling(struct progress_state *p, const struct train_event *event)
{
	const double now = event->gauge->seconds;
	const bool tell =
		!p->told || event->epoch->epoch == event->gauge->epochs || now - p->told_at >= 0.2;

	if (tell)
		p->told_at = now;
	p->told |= tell;
	return tell;
}

/* What must not be passed over is told from the trainer's thread, a whole line at a time. */
static void observe(void *arg, const struct train_event *event)
{
	struct progress_state *p = arg;
	const bool bar = p->style == PROGRESS_BAR;

	if (p->style == PROGRESS_NDJSON && event->type == TRAIN_EVENT_STEP)
		put_line(event->gauge, recorder_recorded(p->session->recorder));
	if ((bar || p->style == PROGRESS_LINES) && event->type == TRAIN_EVENT_EPOCH &&
	    worth_telling(p, event))
		show_epoch(event->epoch, event->gauge->epochs, bar);
}

/* How long all epochs will take, once a second of training says so. */
static void show_estimate(struct progress_state *p, const struct train_gauge *g)
{
	const int all = (int)fmin(g->seconds + g->eta + 0.5, 1e9);

	if (p->estimated || g->state != TRAIN_RUNNING || g->seconds < 1 || isnan(g->eta))
		return;
	p->estimated = true;
	fprintf(stderr, "%sabout %d:%02d for %s%d epoch%s\n",
		p->style == PROGRESS_BAR ? "\r\033[K" : "", all / 60, all % 60,
		g->epochs > 1 ? "all " : "", g->epochs, g->epochs > 1 ? "s" : "");
}

static void show_cost(const struct cost *c)
{
	struct buf b = {0};

	budget_line(c, &b);
	fprintf(stderr, "%s\n", buf_str(&b));
	buf_release(&b);
}

static void show_progress(struct progress_state *p, struct feed_view *v)
{
	const struct train_gauge *g = &v->gauge;
	const bool bar = p->style == PROGRESS_BAR;
	char perplexity[48] = "";

	if (p->style != PROGRESS_BAR && p->style != PROGRESS_LINES)
		return;
	show_estimate(p, g);
	if (v->last.epoch > p->shown_epoch) {
		p->shown_epoch = v->last.epoch;
		p->shown_at = g->seconds;
	}
	if (g->state != TRAIN_RUNNING || !g->step || (!bar && g->seconds - p->shown_at < 10))
		return;
	p->shown_at = g->seconds;
	if (isnan(g->accuracy))
		snprintf(perplexity, sizeof(perplexity), " perplexity %.2f", exp(g->loss));
	fprintf(stderr,
		"%sepoch %d/%d  step %lld/%lld  loss %.4f%s  %.1fk tokens/s  %d:%02d left%s",
		bar ? "\r\033[K" : "", g->epoch, g->epochs, (long long)g->step, (long long)g->steps,
		g->loss, perplexity, g->tokens_per_s / 1000, (int)g->eta / 60, (int)g->eta % 60,
		bar ? "" : "\n");
	fflush(stderr);
}

/* Until training is over; a signal asks the trainer to stop. */
static void watch(struct session *s, struct progress_state *p, struct feed_view *v)
{
	struct pollfd fd = {.fd = wake_pipe[0], .events = POLLIN};
	bool stopping = false, told = false;
	struct err trouble;

	while (!train_state_over(v->gauge.state)) {
		char drain[256];

		poll(&fd, 1, 1000);
		while (read(wake_pipe[0], drain, sizeof(drain)) > 0)
			continue;
		if (caught && !stopping) {
			stopping = true;
			trainer_stop(s->trainer);
			if (p->style == PROGRESS_BAR || p->style == PROGRESS_LINES)
				fprintf(stderr, "%sstopping after this step, with a checkpoint\n",
					p->style == PROGRESS_BAR ? "\r\033[K" : "");
		}
		if (feed_read(s->feed, v))
			show_progress(p, v);
		if (stopping && recorder_trouble(s->recorder, &trouble))
			recorder_give_up(s->recorder); /* the trainer may be waiting for room */
		if (recorder_trouble(s->recorder, &trouble) != told) {
			told = !told;
			fprintf(stderr, "%ssluice: %s%s\n",
				p->style == PROGRESS_BAR ? "\r\033[K" : "",
				told ? trouble.msg : "the store can be written again",
				told ? "; trying again every second" : "");
		}
	}
	if (p->style == PROGRESS_BAR)
		fputs("\r\033[K", stderr);
}

/* The epoch's loss and accuracy, of the validation where there is one. */
static double loss_of(const struct epoch_stats *e)
{
	return isnan(e->valid_loss) ? e->train_loss : e->valid_loss;
}

static double accuracy_of(const struct epoch_stats *e)
{
	return isnan(e->valid_loss) ? e->train_accuracy : e->valid_accuracy;
}

static void json_result(struct json_writer *j, const char *key, const struct epoch_stats *e)
{
	jw_key(j, key);
	if (!e->epoch) {
		jw_null(j);
		return;
	}
	jw_object(j);
	jw_key(j, "step");
	jw_int(j, e->step);
	jw_key(j, "epoch");
	jw_int(j, e->epoch);
	jw_key(j, "loss");
	jw_f64(j, loss_of(e));
	jw_key(j, "accuracy");
	jw_f64(j, accuracy_of(e));
	if (isnan(accuracy_of(e))) {
		jw_key(j, "perplexity");
		jw_f64(j, exp(loss_of(e)));
	}
	if (!isnan(e->valid_bleu)) {
		jw_key(j, "bleu");
		jw_f64(j, e->valid_bleu);
		jw_key(j, "rougeL");
		jw_f64(j, e->valid_rouge);
	}
	jw_object_end(j);
}

static bool report_json(struct context *c, const struct feed_view *v, const char *id,
			const char *name, enum train_state state, struct err *err)
{
	struct buf b = {0};
	struct json_writer j = jw_to(&b);
	bool ok;

	jw_object(&j);
	jw_key(&j, "run");
	jw_text(&j, id);
	jw_key(&j, "name");
	jw_text(&j, name);
	jw_key(&j, "status");
	jw_text(&j, train_state_name(state));
	jw_key(&j, "epochs");
	jw_int(&j, v->last.epoch);
	jw_key(&j, "steps");
	jw_int(&j, v->gauge.step);
	jw_key(&j, "seconds");
	jw_f64(&j, v->gauge.seconds);
	json_result(&j, "best", &v->best);
	json_result(&j, "last", &v->last);
	jw_object_end(&j);
	buf_byte(&b, '\n');
	ok = output_flush(c->out, &b, err);
	buf_release(&b);
	return ok;
}

static bool report(struct context *c, const struct feed_view *v, const struct task_ops *task,
		   const char *id, const char *name, enum train_state state, struct err *err)
{
	const char *const column[] = {
		"run",        "name",      "status",
		"epochs",     "steps",     "seconds",
		"best_epoch", "best_loss", task->accuracy ? "best_accuracy" : "best_perplexity"};
	const struct epoch_stats *b = &v->best;
	const struct value row[] = {
		value_text(id),
		value_text(name),
		value_text(train_state_name(state)),
		value_int(v->last.epoch),
		value_int(v->gauge.step),
		value_real(v->gauge.seconds, 1),
		b->epoch ? value_int(b->epoch) : value_null(),
		b->epoch ? value_real(loss_of(b), 4) : value_null(),
		b->epoch ? value_real(task->accuracy ? accuracy_of(b) : exp(loss_of(b)), 4)
			 : value_null(),
	};
	struct output o;

	if (c->format == OUTPUT_JSON || c->format == OUTPUT_NDJSON)
		return report_json(c, v, id, name, state, err);
	output_open(&o, c->format, c->out, c->answer);
	output_columns(&o, column, 9);
	output_row(&o, row);
	return output_close(&o, err);
}

/* Words as one text of good UTF-8; to be freed. */
static char *good_text(char *const *word, int count)
{
	struct buf b = {0};

	for (int k = 0; k < count; k++) {
		buf_text(&b, k ? " " : "");
		utf8_repair(&b, word[k], strlen(word[k]), NULL);
	}
	return buf_take(&b);
}

static bool listen(struct err *err)
{
	const int signals[] = {SIGINT, SIGTERM, SIGHUP};
	struct sigaction act = {.sa_handler = on_signal}, was;

	if (pipe(wake_pipe))
		return err_set(err, ERR_FAILED, "cannot make a pipe: %s", strerror(errno));
	for (int k = 0; k < 2; k++) {
		fcntl(wake_pipe[k], F_SETFL, O_NONBLOCK);
		fcntl(wake_pipe[k], F_SETFD, FD_CLOEXEC);
	}
	for (int k = 0; k < 3; k++) { /* what was ignored stays ignored: nohup */
		sigaction(signals[k], NULL, &was);
		if (was.sa_handler != SIG_IGN)
			sigaction(signals[k], &act, NULL);
	}
	return true;
}

/* Trains what is prepared (taken over, also on failure) to its end, showing progress, and reports. */
bool train_prepared(struct context *c, const struct args *a, struct prepared *p,
		    const struct run_intro *intro, struct err *err)
{
	struct feed_view *view = NULL;
	struct progress_state progress = {0};
	struct session_spec spec = {.store = c->store,
				    .intro = *intro,
				    .paused = true,
				    .wake = on_news,
				    .observe = observe,
				    .arg = &progress};
	struct epoch_stats best = {0}; /* of what came before */
	const struct task_ops *task = &task_table[p->settings.task];
	char id[9] = "", *line, *note = NULL, name[RUN_NAME_SIZE] = "";
	enum train_state state = TRAIN_FAILED;
	bool ok = style_of(c, a, &progress.style, err) && listen(err);

	if (!ok) {
		prepared_release(p);
		return false;
	}
	if (!c->quiet && progress.style != PROGRESS_NDJSON) {
		fputs(buf_str(&p->warnings), stderr);
		if (intro->origin)
			fprintf(stderr, "%s\n", intro->origin);
		show_cost(&p->cost);
	}
	if (p->spec.best)
		best = *p->spec.best;
	if (intro->note) {
		char *words[] = {(char *)intro->note};

		spec.intro.note = note = good_text(words, 1);
	}
	spec.intro.command = line = good_text(c->argv, c->argc);
	progress.session = session_start(p, &spec, err);
	free(line);
	free(note);
	if (!progress.session)
		return false;

	view = mem_zero(1, sizeof(*view));
	trainer_resume(progress.session->trainer);
	watch(progress.session, &progress, view);
	trainer_wait(progress.session->trainer, NULL);
	feed_read(progress.session->feed, view);
	show_progress(&progress, view);
	if (!view->best.epoch)
		view->best = best;
	if (!recorder_flush(progress.session->recorder, id, name))
		id[0] = '\0';
	if (progress.style == PROGRESS_NDJSON && view->gauge.step)
		put_line(&view->gauge, recorder_recorded(progress.session->recorder));
	if (progress.style == PROGRESS_LINES || progress.style == PROGRESS_BAR)
		if (*view->message && view->gauge.state != TRAIN_DIVERGED &&
		    view->gauge.state != TRAIN_FAILED)
			fprintf(stderr, "%s\n", view->message);
	if (!c->quiet && recorder_waits(progress.session->recorder))
		fprintf(stderr, "sluice: training waited for the store %lld times\n",
			(long long)recorder_waits(progress.session->recorder));
	state = session_finish(progress.session, err);
	session_free(progress.session);
	ok = true;
	if (*id)
		ok = report(c, view, task, id, name, state,
			    state == TRAIN_FINISHED || state == TRAIN_STOPPED ? err : NULL);
	free(view);
	if (caught) {
		fflush(NULL);
		signal(caught, SIG_DFL);
		raise(caught);
	}
	return ok && err->code == ERR_NONE;
}

bool train_intro(const struct context *c, const struct args *a, struct run_intro *intro,
		 const char *tags[ARGS_MAX], struct err *err)
{
	enum progress_style style;

	*intro = (struct run_intro){
		.name = args_value(a, "--name"), .note = args_value(a, "--note"), .tags = tags};
	for (int k = 0; k < a->option_count; k++)
		if (!strcmp(a->option[k], "--tag")) {
			if (!run_tag_check(a->value[k], err))
				return false;
			tags[intro->tag_count++] = a->value[k];
		}
	return style_of(c, a, &style, err) && (!intro->name || run_name_check(intro->name, err));
}

bool command_train(struct context *c, const struct args *a, struct err *err)
{
	const char *tags[ARGS_MAX];
	struct run_intro intro;
	struct prepared p = {0};
	struct settings settings = {0};
	bool ok;

	ok = train_intro(c, a, &intro, tags, err) && train_settings(&settings, a, err) &&
	     prepare(&settings, &p, err);
	settings_release(&settings);
	return ok && train_prepared(c, a, &p, &intro, err);
}
