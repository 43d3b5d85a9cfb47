/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/recorder.h"

#include "app/archive.h"
#include "app/budget.h"
#include "engine/base/mem.h"
#include "engine/base/thread.h"
#include "engine/math/product.h"
#include "store/event.h"
#include "store/metric.h"
#include "store/param.h"
#include "store/run.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	QUEUE_MAX = 4096,
	SNAPSHOTS_MAX = 8 /* waiting at once */,
	COMMIT_ITEMS = 2000,
	COMMIT_MS = 250,
	RETRY_MS = 1000,
	POINTS_MAX = 12,               /* of a step or an epoch */
	PENDING_MAX = 512 * POINTS_MAX /* points written together */
};

struct item {
	enum train_event_type type;
	struct train_gauge gauge;
	struct epoch_stats epoch;
	struct snapshot *snapshot; /* one reference */
	bool best;
	char *message;
};

struct recorder {
	/* Set once. */
	struct settings settings;
	struct encoder *encoder;
	struct source source[SOURCE_ROLES];
	char *name, *note, *command, *resume, *origin, **tags;
	int64_t step, parent;
	int tag_count;
	pthread_t thread;
	struct store *store; /* the thread's, from its start on */

	pthread_mutex_t lock; /* guards the rest */
	pthread_cond_t filled, drained;
	struct item queue[QUEUE_MAX];
	int first, count; /* a ring */
	int snapshots;    /* in it */
	bool urgent, closing;
	int64_t recorded, waits;
	struct err trouble; /* passes: tried again */
	struct err failure; /* final; the first one */
	char id[RUN_ID_SIZE], run_name[RUN_NAME_SIZE];
	bool has_run;

	/* The thread's own. */
	int64_t run;
	struct metric_point pending[PENDING_MAX]; /* of the transaction; not in the store yet */
	size_t pending_count;
};

static void copy_source(struct source *to, const struct source *from)
{
	*to = *from;
	to->path = from->path ? mem_text(from->path) : NULL;
}

static void release_item(struct item *it)
{
	snapshot_unref(it->snapshot);
	free(it->message);
}

static bool put_params(struct recorder *r, struct err *err)
{
	struct buf value = {0};
	bool ok = true;

	for (int k = 0; setting_at(k) && ok; k++) {
		buf_clear(&value);
		if (settings_get(&r->settings, setting_at(k), &value))
			ok = store_param_put(r->store, r->run, setting_at(k)->name, buf_str(&value),
					     err);
	}
	buf_release(&value);
	return ok;
}

static bool put_sources(struct recorder *r, struct err *err)
{
	for (int k = 0; k < SOURCE_ROLES; k++) {
		struct dataset d = {.role = source_role_name((enum source_role)k),
				    .name = r->source[k].path};

		if (!d.name)
			continue;
		memcpy(d.sha256, r->source[k].sha256, sizeof(d.sha256));
		d.bytes = r->source[k].bytes;
		d.rows = r->source[k].rows;
		if (!store_dataset_put(r->store, r->run, &d, err))
			return false;
	}
	return true;
}

/* Takes a run up again where it was left. */
static bool take_up(struct recorder *r, struct err *err)
{
	struct run_ref ref;

	if (!store_run_find(r->store, r->resume, &ref, err) ||
	    !store_metric_cut(r->store, ref.run, r->step, err))
		return false;
	r->run = ref.run;
	pthread_mutex_lock(&r->lock);
	memcpy(r->id, ref.id, sizeof(r->id));
	snprintf(r->run_name, sizeof(r->run_name), "%s", ref.name);
	pthread_mutex_unlock(&r->lock);
	return put_params(r, err);
}

/* Which groups of weights learn, and how fast; at first only where they are not all alike. */
static bool put_rates(struct recorder *r, const struct train_gauge *g, bool first, struct err *err)
{
	struct buf text = {0};
	struct groups groups;
	bool ok;

	model_groups(&r->encoder->model, &groups);
	if (first && rates_plain(&groups, g->factor))
		return true;
	buf_printf(&text, "epoch %d: ", g->epoch);
	rates_say(&groups, g->factor, &text);
	ok = store_event_add(r->store, r->run, EVENT_INFO, "rates", buf_str(&text), err);
	buf_release(&text);
	return ok;
}

static bool make_run(struct recorder *r, struct err *err)
{
	const struct settings *s = &r->settings;
	char machine[128], product[256], id[RUN_ID_SIZE];
	struct run_ref ref;
	struct buf spec = {0};
	struct run_new row = {
		.name = r->name,
		.task = setting_find("task")->choice(s->task),
		.cell = settings_cell(s)->name,
		.note = r->note,
		.hidden = s->hidden,
		.layers = s->layers,
		.embed = s->embed,
		.threads = s->threads,
		.parameters = (int64_t)r->encoder->model.size,
		.seed = s->seed,
		.machine = machine,
		.build = product,
		.version = SLUICE_VERSION,
		.command = r->command,
		.parent = r->parent,
		.parent_step = r->step,
	};
	bool ok;

	if (r->resume)
		return take_up(r, err);
	budget_machine(machine, sizeof(machine));
	product_description(product, sizeof(product));
	archive_spec(r->encoder, &spec);
	row.spec = buf_str(&spec);
	r->run = store_run_add(r->store, &row, id, err);
	ok = r->run && store_run_find(r->store, id, &ref, err) && put_params(r, err) &&
	     put_sources(r, err) && archive_encoder(r->store, r->run, r->encoder, err);
	if (ok && r->origin)
		ok = store_event_add(r->store, r->run, EVENT_INFO, "tune", r->origin, err);
	for (int k = 0; k < r->tag_count && ok; k++)
		ok = store_tag_add(r->store, r->run, r->tags[k], err);
	buf_release(&spec);
	if (!ok)
		return false;
	pthread_mutex_lock(&r->lock);
	memcpy(r->id, id, sizeof(r->id));
	snprintf(r->run_name, sizeof(r->run_name), "%s", ref.name);
	pthread_mutex_unlock(&r->lock);
	return true;
}

/* Points go to the store many at once: each call of it looks up and sums up its metrics anew. */
static bool flush_points(struct recorder *r, struct err *err)
{
	const size_t n = r->pending_count;

	r->pending_count = 0;
	return !n || store_metric_add(r->store, r->pending, n, err);
}

/* Adds the points of one step; a value of NaN is what the task does not have. */
static bool put_points(struct recorder *r, int64_t step, double epoch, const char *const *name,
		       const double *value, int count, struct err *err)
{
	if (r->pending_count + POINTS_MAX > PENDING_MAX && !flush_points(r, err))
		return false;
	for (int k = 0; k < count; k++)
		if (!isnan(value[k]))
			r->pending[r->pending_count++] =
				(struct metric_point){r->run, name[k], step, epoch, value[k]};
	return true;
}

static bool put_step(struct recorder *r, const struct train_gauge *g, struct err *err)
{
	static const char *const name[] = {"train/loss", "train/accuracy", "lr", "grad_norm",
					   "tokens_per_s"};
	const double value[] = {g->loss, g->accuracy, g->lr, g->grad_norm, g->tokens_per_s};

	return put_points(r, g->step, (double)g->step * g->epochs / (double)g->steps, name, value,
			  sizeof(value) / sizeof(value[0]), err);
}

static bool put_best(struct recorder *r, const struct epoch_stats *e, struct err *err)
{
	const bool accuracy = !isnan(e->valid_accuracy);
	char text[96];

	snprintf(text, sizeof(text), "%s%.3f at epoch %d, validation loss %.3f",
		 accuracy ? "" : "perplexity ", accuracy ? e->valid_accuracy : exp(e->valid_loss),
		 e->epoch, e->valid_loss);
	return store_event_add(r->store, r->run, EVENT_INFO, "best", text, err);
}

static bool put_epoch(struct recorder *r, const struct epoch_stats *e, struct err *err)
{
	static const char *const name[] = {"valid/loss",     "valid/accuracy",   "valid/perplexity",
					   "valid/macro_f1", "valid/exact",      "valid/bleu",
					   "valid/rougeL",   "valid/lead_rougeL"};
	const double value[] = {e->valid_loss,
				e->valid_accuracy,
				isnan(e->valid_accuracy) ? exp(e->valid_loss) : (double)NAN,
				e->valid_f1,
				e->valid_exact,
				e->valid_bleu,
				e->valid_rouge};

	if (isnan(e->valid_loss))
		return true; /* no validation */
	if (e->best && !put_best(r, e, err))
		return false;
	return put_points(r, e->step, e->epoch, name, value, sizeof(value) / sizeof(value[0]), err);
}

/* A run whose recording failed has failed, whatever its trainer says. */
static bool put_state(struct recorder *r, const struct item *it, struct err *err)
{
	const bool failed = r->failure.code && train_state_over(it->gauge.state);
	static const enum run_status status[] = {
		[TRAIN_READY] = RUN_CREATED,   [TRAIN_RUNNING] = RUN_RUNNING,
		[TRAIN_PAUSED] = RUN_PAUSED,   [TRAIN_FINISHED] = RUN_FINISHED,
		[TRAIN_STOPPED] = RUN_STOPPED, [TRAIN_DIVERGED] = RUN_DIVERGED,
		[TRAIN_FAILED] = RUN_FAILED,
	};

	return store_run_status(r->store, r->run, failed ? RUN_FAILED : status[it->gauge.state],
				failed ? r->failure.msg : it->message, err);
}

static bool write_item(struct recorder *r, const struct item *it, struct err *err)
{
	char text[80];

	if (!r->run) {
		if (it->type != TRAIN_EVENT_STATE || it->gauge.state != TRAIN_RUNNING)
			return true; /* nothing has begun */
		if (!make_run(r, err) || !put_rates(r, &it->gauge, true, err))
			return false;
	}
	if (it->type != TRAIN_EVENT_STEP && it->type != TRAIN_EVENT_EPOCH && !flush_points(r, err))
		return false; /* what follows may look at them */
	switch (it->type) {
	case TRAIN_EVENT_STEP:
		return put_step(r, &it->gauge, err);
	case TRAIN_EVENT_EPOCH:
		return put_epoch(r, &it->epoch, err);
	case TRAIN_EVENT_CHECKPOINT:
		return archive_save(r->store, r->run, it->snapshot, (enum keep)r->settings.keep,
				    err);
	case TRAIN_EVENT_STATE:
		return put_state(r, it, err);
	case TRAIN_EVENT_LR:
		snprintf(text, sizeof(text), "learning rate %g from step %lld", it->gauge.lr,
			 (long long)it->gauge.step + 1);
		return store_event_add(r->store, r->run, EVENT_INFO, "lr", text, err);
	case TRAIN_EVENT_RATES:
		return put_rates(r, &it->gauge, false, err);
	case TRAIN_EVENT_SNAPSHOT:
		break;
	}
	return true;
}

/* Writes n items, the oldest of the ring, in one transaction. */
static bool write_items(struct recorder *r, int first, int n, int64_t *step, struct err *err)
{
	const int64_t run = r->run;
	int64_t last = *step;

	bool ok = true;

	r->pending_count = 0;
	if (!store_begin(r->store, err))
		return false;
	for (int k = 0; k < n && ok; k++) {
		const struct item *it = &r->queue[(first + k) % QUEUE_MAX];

		ok = write_item(r, it, err);
		if (it->type == TRAIN_EVENT_STEP)
			last = it->gauge.step;
	}
	ok = ok && flush_points(r, err);
	if (!ok)
		store_rollback(r->store);
	if (ok && store_commit(r->store, err)) {
		*step = last;
		return true;
	}
	r->run = run;
	return false;
}

/* Writes n items; where an error is final, all but those it concerns. Returns how many are done with;
 * the others are to be tried again. */
static int write_what_can_be(struct recorder *r, int first, int n, int64_t *step, struct err *err)
{
	const int half = n / 2;
	int done;

	if (write_items(r, first, n, step, err))
		return n;
	if (err->code == ERR_STORE)
		return 0;
	if (n == 1 && !r->failure.code) {
		pthread_mutex_lock(&r->lock);
		r->failure = *err;
		pthread_mutex_unlock(&r->lock);
	}
	*err = (struct err){0};
	if (n == 1)
		return 1;
	done = write_what_can_be(r, first, half, step, err);
	return done < half ? done : done + write_what_can_be(r, first + half, n - half, step, err);
}

static void wait_ms(struct recorder *r, int ms)
{
	const struct timespec until = thread_deadline(ms);

	while (!r->urgent && !r->closing && r->count < COMMIT_ITEMS)
		if (pthread_cond_timedwait(&r->filled, &r->lock, &until) == ETIMEDOUT)
			break;
}

static void wait_to_retry(struct recorder *r)
{
	const struct timespec until = thread_deadline(RETRY_MS);

	while (!r->closing)
		if (pthread_cond_timedwait(&r->filled, &r->lock, &until) == ETIMEDOUT)
			break;
}

static void *recorder_main(void *arg)
{
	struct recorder *r = arg;

	pthread_mutex_lock(&r->lock);
	for (;;) {
		struct err err = {0};
		int64_t step = r->recorded;
		int n, first, done, snapshots = 0;

		while (!r->count && !r->closing)
			pthread_cond_wait(&r->filled, &r->lock);
		if (!r->count)
			break;
		wait_ms(r, COMMIT_MS);
		n = r->count;
		first = r->first;
		r->urgent = false;
		pthread_mutex_unlock(&r->lock);

		done = write_what_can_be(r, first, n, &step, &err);
		for (int k = 0; k < done; k++) {
			snapshots += r->queue[(first + k) % QUEUE_MAX].snapshot != NULL;
			release_item(&r->queue[(first + k) % QUEUE_MAX]);
		}

		pthread_mutex_lock(&r->lock);
		r->trouble = err;
		pthread_cond_broadcast(&r->drained);
		r->first = (first + done) % QUEUE_MAX;
		r->count -= done;
		r->snapshots -= snapshots;
		r->recorded = step;
		r->has_run = r->run != 0;
		if (done < n && r->closing)
			break;
		if (done < n)
			wait_to_retry(r);
	}
	pthread_mutex_unlock(&r->lock);
	return NULL;
}

struct recorder *recorder_new(const char *store, const struct prepared *p,
			      const struct run_intro *intro, struct err *err)
{
	struct recorder *r;
	struct store *s = store_open(store, STORE_WRITE, err);

	if (!s)
		return NULL;
	r = mem_zero(1, sizeof(*r));
	r->store = s;
	settings_copy(&r->settings, &p->settings);
	r->encoder = encoder_ref(p->encoder);
	for (int k = 0; k < SOURCE_ROLES; k++)
		copy_source(&r->source[k], &p->source[k]);
	r->name = intro->name ? mem_text(intro->name) : NULL;
	r->note = intro->note ? mem_text(intro->note) : NULL;
	r->command = intro->command ? mem_text(intro->command) : NULL;
	r->resume = intro->resume ? mem_text(intro->resume) : NULL;
	r->step = intro->step;
	r->parent = intro->parent;
	r->origin = intro->origin ? mem_text(intro->origin) : NULL;
	r->tags = mem_zero((size_t)intro->tag_count + 1, sizeof(char *));
	for (r->tag_count = 0; r->tag_count < intro->tag_count; r->tag_count++)
		r->tags[r->tag_count] = mem_text(intro->tags[r->tag_count]);
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->filled, NULL);
	pthread_cond_init(&r->drained, NULL);
	if (thread_start(&r->thread, recorder_main, r, "recorder", err))
		return r;
	r->thread = pthread_self();
	r->closing = true;
	recorder_close(r, NULL);
	return NULL;
}

/* Weights are heavy: tiny epochs must not pile them up before a slow disk. */
static bool is_full(const struct recorder *r, const struct train_event *event)
{
	return r->count == QUEUE_MAX || (event->snapshot && r->snapshots >= SNAPSHOTS_MAX);
}

bool recorder_put(struct recorder *r, const struct train_event *event)
{
	struct item *it;
	bool ok;

	if (event->type == TRAIN_EVENT_SNAPSHOT)
		return true;
	pthread_mutex_lock(&r->lock);
	r->waits += is_full(r, event);
	while (is_full(r, event) && !r->closing)
		pthread_cond_wait(&r->drained, &r->lock);
	if (r->count < QUEUE_MAX) {
		it = &r->queue[(r->first + r->count) % QUEUE_MAX];
		*it = (struct item){
			.type = event->type, .gauge = *event->gauge, .best = event->best};
		if (event->epoch)
			it->epoch = *event->epoch;
		if (event->snapshot) {
			it->snapshot = snapshot_ref(event->snapshot);
			r->snapshots++;
		}
		if (event->message)
			it->message = mem_text(event->message);
		r->count++;
		r->urgent |=
			event->type == TRAIN_EVENT_STATE || event->type == TRAIN_EVENT_CHECKPOINT;
		if (r->urgent || r->count == 1 || r->count == COMMIT_ITEMS)
			pthread_cond_signal(&r->filled);
	}
	ok = !r->failure.code;
	pthread_mutex_unlock(&r->lock);
	return ok;
}

static int64_t read_number(struct recorder *r, const int64_t *number)
{
	int64_t now;

	pthread_mutex_lock(&r->lock);
	now = *number;
	pthread_mutex_unlock(&r->lock);
	return now;
}

int64_t recorder_recorded(struct recorder *r)
{
	return read_number(r, &r->recorded);
}

int64_t recorder_waits(struct recorder *r)
{
	return read_number(r, &r->waits);
}

bool recorder_run(struct recorder *r, char id[9], char *name)
{
	bool has;

	pthread_mutex_lock(&r->lock);
	has = r->has_run;
	if (has) {
		memcpy(id, r->id, RUN_ID_SIZE);
		if (name)
			memcpy(name, r->run_name, RUN_NAME_SIZE);
	}
	pthread_mutex_unlock(&r->lock);
	return has;
}

bool recorder_flush(struct recorder *r, char id[9], char *name)
{
	pthread_mutex_lock(&r->lock);
	r->urgent = true;
	pthread_cond_signal(&r->filled);
	while (r->count && r->trouble.code == ERR_NONE && !r->closing)
		pthread_cond_wait(&r->drained, &r->lock);
	pthread_mutex_unlock(&r->lock);
	return recorder_run(r, id, name);
}

bool recorder_trouble(struct recorder *r, struct err *err)
{
	bool bad;

	pthread_mutex_lock(&r->lock);
	*err = r->trouble;
	bad = r->trouble.code != ERR_NONE;
	pthread_mutex_unlock(&r->lock);
	return bad;
}

void recorder_give_up(struct recorder *r)
{
	pthread_mutex_lock(&r->lock);
	r->closing = true;
	pthread_cond_broadcast(&r->filled);
	pthread_cond_broadcast(&r->drained);
	pthread_mutex_unlock(&r->lock);
}

bool recorder_close(struct recorder *r, struct err *err)
{
	bool ok;

	if (!r)
		return true;
	recorder_give_up(r);
	if (!pthread_equal(r->thread, pthread_self()))
		pthread_join(r->thread, NULL);
	ok = r->count == 0 && !r->failure.code;
	if (!ok && err) {
		*err = r->failure.code ? r->failure : r->trouble;
		if (!err->code)
			err_set(err, ERR_STORE, "the end of the run could not be stored");
	}
	for (int k = 0; k < r->count; k++)
		release_item(&r->queue[(r->first + k) % QUEUE_MAX]);
	store_close(r->store);
	settings_release(&r->settings);
	encoder_unref(r->encoder);
	for (int k = 0; k < SOURCE_ROLES; k++)
		free(r->source[k].path);
	free(r->name);
	free(r->note);
	free(r->command);
	free(r->resume);
	free(r->origin);
	for (int k = 0; k < r->tag_count; k++)
		free(r->tags[k]);
	free(r->tags);
	pthread_cond_destroy(&r->filled);
	pthread_cond_destroy(&r->drained);
	pthread_mutex_destroy(&r->lock);
	free(r);
	return ok;
}
