/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/train/trainer.h"

#include "engine/base/mem.h"
#include "engine/base/thread.h"
#include "engine/train/eval.h"
#include "engine/train/requests.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct trainer {
	struct train_spec spec;
	struct encoder *encoder;
	struct corpus *train, *valid;
	struct train_sink sink;
	struct learner *learner;
	pthread_t thread;
	bool joined;

	struct requests requests;

	/* The rest belongs to the thread. */
	struct train_gauge gauge;
	double base; /* the learning rate that the schedule multiplies */
	struct schedule_memory memory;
	struct groups groups;
	struct by_hand by_hand;
	struct rng rng;
	uint64_t shuffle;
	int32_t *order;
	int batches, batch; /* an epoch's; done of this one */
	double resumed;     /* when the running clock was last started */
	double before;      /* seconds trained before that */
	int64_t first_step; /* where this trainer began */
	double window_start;
	int64_t window_tokens;
	struct epoch_stats best;
	struct snapshot *good; /* the last whose epoch ended with finite numbers */
	bool good_saved;
	struct err err;
};

static const char *const state_name[] = {"ready",   "running",  "paused", "finished",
					 "stopped", "diverged", "failed"};

const char *train_state_name(enum train_state s)
{
	return state_name[s];
}

bool train_state_over(enum train_state s)
{
	return s >= TRAIN_FINISHED;
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + 1e-9 * (double)ts.tv_nsec;
}

static void emit(struct trainer *t, struct train_event event)
{
	event.gauge = &t->gauge;
	t->sink.emit(t->sink.arg, &event);
}

static void set_state(struct trainer *t, enum train_state state, const char *message)
{
	if (t->gauge.state == state)
		return;
	if (t->gauge.state == TRAIN_RUNNING)
		t->before += now() - t->resumed;
	if (state == TRAIN_RUNNING) {
		t->resumed = t->window_start = now();
		t->window_tokens = 0;
	}
	t->gauge.state = state;
	emit(t, (struct train_event){.type = TRAIN_EVENT_STATE, .message = message});
}

static bool is_stream(const struct trainer *t)
{
	return task_table[t->encoder->model.spec.task].stream;
}

/* The states that the next window begins with. */
static bool keep_carry(const struct trainer *t, struct progress *p)
{
	p->carry_size = stack_carry_size(&t->encoder->model.stack, (size_t)t->spec.batch);
	p->carry = mem_block(p->carry_size, sizeof(*p->carry));
	if (p->carry)
		learner_carry_get(t->learner, t->spec.batch, p->carry);
	return p->carry;
}

/* The weights as they are; with all that training needs to go on, where progress is set. */
static struct snapshot *snap(struct trainer *t, bool progress, int epochs_done)
{
	const struct optim *o = learner_optim(t->learner);
	const size_t bytes = t->encoder->model.size * sizeof(real);
	struct snapshot *s =
		snapshot_copy(t->encoder, learner_weights(t->learner), t->gauge.step, epochs_done);

	if (!s || !progress)
		return s;
	s->progress = mem_zero(1, sizeof(*s->progress));
	s->progress->rng = t->rng;
	s->progress->shuffle = t->shuffle;
	s->progress->updates = o->t;
	s->progress->epoch = t->gauge.epoch;
	s->progress->batch = t->batch;
	s->progress->lr = t->base;
	s->progress->schedule = t->memory;
	s->progress->optim = o->ops;
	if (by_hand_any(&t->by_hand)) {
		s->progress->factor = mem_alloc(sizeof(t->by_hand.factor));
		memcpy(s->progress->factor, t->by_hand.factor, sizeof(t->by_hand.factor));
	}
	if (is_stream(t) && t->batch && !keep_carry(t, s->progress)) {
		snapshot_unref(s);
		return NULL;
	}
	for (int k = 0; k < o->ops->slots; k++) {
		s->progress->slot[k] = mem_block(t->encoder->model.size, sizeof(real));
		if (!s->progress->slot[k]) {
			snapshot_unref(s);
			return NULL;
		}
		memcpy(s->progress->slot[k], o->slot[k], bytes);
	}
	return s;
}

static bool out_of_memory(struct trainer *t)
{
	err_set(&t->err, ERR_FAILED, "not enough memory at step %lld; lower hidden, embed or batch",
		(long long)t->gauge.step);
	set_state(t, TRAIN_FAILED, t->err.msg);
	return false;
}

static bool emit_snapshot(struct trainer *t, enum train_event_type type, bool best, int epochs_done)
{
	struct snapshot *s = snap(t, type == TRAIN_EVENT_CHECKPOINT, epochs_done);

	if (!s)
		return out_of_memory(t);
	emit(t, (struct train_event){.type = type, .snapshot = s, .best = best});
	if (type == TRAIN_EVENT_CHECKPOINT && t->batch == t->batches) {
		snapshot_unref(t->good);
		t->good = snapshot_ref(s);
		t->good_saved = true;
	}
	snapshot_unref(s);
	return true;
}

/* Of the step that is to come. */
static double rate_factor(const struct trainer *t)
{
	const struct schedule_now at = {.step = t->gauge.step,
					.steps = t->gauge.steps,
					.epoch = t->gauge.epoch,
					.per_epoch = t->batches,
					.memory = t->memory};

	return schedule_factor(&t->spec.schedule, &at);
}

static void apply_rate(struct trainer *t)
{
	t->gauge.lr = learner_optim(t->learner)->lr = t->base * rate_factor(t);
}

/* The rate as someone wants it now. */
static void change_rate(struct trainer *t, double lr)
{
	const double factor = rate_factor(t);

	t->base = factor > 0 ? lr / factor : lr;
	t->gauge.lr = lr;
	emit(t, (struct train_event){.type = TRAIN_EVENT_LR});
}

/* The groups' rates as rules and hands want them in this epoch. */
static void apply_factors(struct trainer *t)
{
	double factor[MODEL_MAX_GROUPS];
	bool changed = false;

	rates_at(&t->spec.rates, &t->groups, t->gauge.epoch, factor);
	by_hand_put(&t->by_hand, factor);
	for (int k = 0; k < t->groups.count; k++)
		changed |= factor[k] != t->gauge.factor[k];
	memcpy(t->gauge.factor, factor, sizeof(factor));
	learner_set_factors(t->learner, factor);
	if (changed)
		emit(t, (struct train_event){.type = TRAIN_EVENT_RATES});
}

/* Lets the schedule know how an epoch went. */
static void tell_schedule(struct trainer *t, const struct epoch_stats *e)
{
	if (!schedule_epoch(&t->spec.schedule, &t->memory, e->epoch, e->valid_loss))
		return;
	apply_rate(t);
	emit(t, (struct train_event){.type = TRAIN_EVENT_LR});
}

/* Reads the requests, and waits while paused. false: stop. */
static bool requests(struct trainer *t)
{
	struct asked a = {0};

	while (!a.go && !a.stop) {
		a = requests_take(&t->requests, t->gauge.state != TRAIN_RUNNING);
		if (a.lr > 0 && a.lr != t->gauge.lr)
			change_rate(t, a.lr);
		if (by_hand_any(&a.factors)) {
			by_hand_put(&a.factors, t->by_hand.factor);
			apply_factors(t);
		}
		if (a.snapshot &&
		    !emit_snapshot(t, TRAIN_EVENT_SNAPSHOT, false, t->gauge.epoch - 1))
			return false;
		if (a.stop)
			break;
		if (a.go)
			set_state(t, TRAIN_RUNNING, NULL);
		else if (t->gauge.step)
			set_state(t, TRAIN_PAUSED, NULL);
	}
	return !a.stop;
}

static void update_gauge(struct trainer *t, const struct step_stats *s)
{
	struct train_gauge *g = &t->gauge;
	const double time = now();

	g->step++;
	g->loss = s->loss;
	g->accuracy = s->accuracy;
	g->grad_norm = s->grad_norm;
	g->seconds = t->before + time - t->resumed;
	g->eta = g->seconds / (double)(g->step - t->first_step) * (double)(g->steps - g->step);
	t->window_tokens += s->tokens;
	if (time - t->window_start >= 1 || g->seconds < 1) { /* a first second is told as it goes */
		g->tokens_per_s = (double)t->window_tokens / fmax(time - t->window_start, 1e-6);
		if (time - t->window_start >= 1) {
			t->window_start = time;
			t->window_tokens = 0;
		}
	}
}

/* What to say, and which weights to leave behind, when numbers have run away. */
static bool diverged(struct trainer *t, const char *what)
{
	err_set(&t->err, ERR_DIVERGED,
		"%s at step %lld, epoch %d (learning rate %g%s): training stopped and the weights "
		"of step "
		"%lld are kept; try a lower lr or a lower clip",
		what, (long long)t->gauge.step + 1, t->gauge.epoch, t->gauge.lr,
		t->spec.learn.clip > 0 || t->spec.learn.clip_value > 0 ? "" : ", no clipping",
		(long long)t->good->step);
	if (!t->good_saved)
		emit(t, (struct train_event){.type = TRAIN_EVENT_CHECKPOINT, .snapshot = t->good});
	set_state(t, TRAIN_DIVERGED, t->err.msg);
	return false;
}

static bool one_step(struct trainer *t, struct step_stats *s)
{
	const int first = t->batch * t->spec.batch, left = t->train->count - first;
	struct lesson lesson = {.corpus = t->train, .rules = &t->encoder->rules};

	lesson.key = rng_next(&t->rng);
	lesson.count = t->spec.batch;
	if (is_stream(t)) {
		lesson.steps = t->spec.window;
		lesson.at = (int64_t)t->batch * t->spec.window;
	} else {
		lesson.example = t->order + first;
		lesson.count = left < t->spec.batch ? left : t->spec.batch;
	}
	apply_rate(t);
	t->gauge.forcing = forcing_lets_go(&t->spec.forcing)
				   ? forcing_rate(&t->spec.forcing, t->gauge.step, t->gauge.steps)
				   : 1;
	lesson.own = 1 - t->gauge.forcing;
	*s = learner_step(t->learner, &lesson);
	if (s->no_memory)
		return out_of_memory(t);
	if (!s->finite)
		return diverged(t, isfinite(s->loss) ? "the gradient became NaN or infinite"
						     : "the loss became NaN or infinite");
	if (!task_table[t->encoder->model.spec.task].accuracy)
		s->accuracy = NAN; /* perplexity is the measure */
	t->batch++;
	update_gauge(t, s);
	emit(t, (struct train_event){.type = TRAIN_EVENT_STEP});
	return true;
}

/* Better: higher accuracy, ties (and tasks without accuracy) by lower loss; without validation every
 * epoch is. */
static bool better(const struct epoch_stats *a, const struct epoch_stats *b)
{
	if (!b->epoch || isnan(a->valid_loss))
		return true;
	if (!isnan(a->valid_accuracy) && a->valid_accuracy != b->valid_accuracy)
		return a->valid_accuracy > b->valid_accuracy;
	return a->valid_loss < b->valid_loss;
}

static bool validate(struct trainer *t, struct epoch_stats *e)
{
	struct measures m;

	e->valid_loss = e->valid_accuracy = e->valid_f1 = e->valid_exact = NAN;
	e->valid_bleu = e->valid_rouge = e->valid_lead = NAN;
	if (!t->valid)
		return true;
	if (!eval_corpus(learner_team(t->learner),
			 &(struct evaluation){.model = &t->encoder->model,
					      .weights = learner_weights(t->learner),
					      .corpus = t->valid,
					      .rules = &t->encoder->rules,
					      .target = t->encoder->target,
					      .stop = &t->requests.stop},
			 &m, &t->err))
		return false;
	e->valid_loss = m.loss;
	e->valid_accuracy = m.accuracy;
	e->valid_f1 = m.macro_f1;
	e->valid_exact = m.exact;
	e->valid_bleu = m.bleu.score;
	e->valid_rouge = m.rouge.of[ROUGE_L].f1;
	e->valid_lead = m.lead.of[ROUGE_L].f1;
	measures_release(&m);
	return true;
}

static void begin_epoch(struct trainer *t, int epoch)
{
	const struct progress *p = t->spec.from ? t->spec.from->progress : NULL;
	const bool halfway = p && p->epoch == epoch && t->gauge.step == t->first_step;
	struct rng rng;

	t->gauge.epoch = epoch;
	apply_factors(t);
	t->batch = halfway ? p->batch : 0;
	t->shuffle = halfway ? p->shuffle : rng_next(&t->rng);
	learner_carry_clear(t->learner);
	if (halfway && p->carry)
		learner_carry_set(t->learner, t->spec.batch, p->carry);
	if (is_stream(t))
		return;
	rng_seed(&rng, t->shuffle, 0);
	batch_order(t->train, t->order, t->spec.batch, &rng);
}

static bool stopped(struct trainer *t)
{
	if (t->gauge.state == TRAIN_FAILED)
		return false;
	if (t->gauge.step && !emit_snapshot(t, TRAIN_EVENT_CHECKPOINT, false, t->gauge.epoch - 1))
		return false;
	set_state(t, TRAIN_STOPPED, NULL);
	return false;
}

/* false: training is over. */
static bool run_epoch(struct trainer *t, int epoch)
{
	struct epoch_stats e = {.epoch = epoch};
	double seen = 0;

	begin_epoch(t, epoch);
	while (t->batch < t->batches) {
		struct step_stats s;
		double count;

		if (!requests(t))
			return stopped(t);
		if (!one_step(t, &s))
			return false;
		count = (double)s.targets;
		e.train_loss += s.loss * count;
		e.train_accuracy += s.accuracy * count;
		seen += count;
	}
	e.step = t->gauge.step;
	e.train_loss /= seen;
	e.train_accuracy /= seen;
	if (!validate(t, &e))
		return t->err.code == ERR_CANCELLED ? stopped(t) : out_of_memory(t);
	if (t->valid && !isfinite(e.valid_loss))
		return diverged(t, "the validation loss became NaN or infinite");
	e.best = better(&e, &t->best);
	if (e.best)
		t->best = e;
	emit(t, (struct train_event){.type = TRAIN_EVENT_EPOCH, .epoch = &e});
	tell_schedule(t, &e);
	if (!emit_snapshot(t, TRAIN_EVENT_CHECKPOINT, e.best, epoch))
		return false;
	if (t->spec.patience && epoch - t->best.epoch >= t->spec.patience &&
	    epoch < t->spec.epochs) {
		struct err why;

		err_set(&why, ERR_NONE, "no better validation for %d epochs: the best was epoch %d",
			t->spec.patience, t->best.epoch);
		set_state(t, TRAIN_FINISHED, why.msg);
		return false;
	}
	return true;
}

/* Puts the trainer where a snapshot was made; the epoch to begin with. */
static int go_on(struct trainer *t)
{
	const struct snapshot *from = t->spec.from;
	const struct progress *p = from ? from->progress : NULL;
	struct optim *o = learner_optim(t->learner);

	if (!from)
		return 1;
	t->gauge.step = t->first_step = from->step;
	if (t->spec.best)
		t->best = *t->spec.best;
	if (!p)
		return from->epoch + 1;
	t->rng = p->rng;
	t->memory = p->schedule;
	if (p->factor)
		memcpy(t->by_hand.factor, p->factor, sizeof(t->by_hand.factor));
	if (o->ops == p->optim)
		o->t = p->updates;
	for (int k = 0; k < o->ops->slots && o->ops == p->optim; k++)
		memcpy(o->slot[k], p->slot[k], t->encoder->model.size * sizeof(real));
	/* Stopped while validating, it validates again. */
	return p->batch < t->batches || from->epoch < p->epoch ? p->epoch : p->epoch + 1;
}

static void *trainer_main(void *arg)
{
	struct trainer *t = arg;
	int epoch = go_on(t);

	team_flush_denormals();
	t->gauge.epoch = epoch;
	apply_rate(t);
	t->good = snap(t, false, epoch - 1);
	if (!t->good) {
		out_of_memory(t);
		return NULL;
	}
	emit(t, (struct train_event){.type = TRAIN_EVENT_SNAPSHOT, .snapshot = t->good});
	while (epoch <= t->spec.epochs && run_epoch(t, epoch))
		epoch++;
	set_state(t, train_state_over(t->gauge.state) ? t->gauge.state : TRAIN_FINISHED, NULL);
	return NULL;
}

static real *first_weights(const struct train_spec *spec, const struct encoder *e)
{
	real *w;

	if (!spec->from)
		return init_weights(&e->model, spec->seed, &spec->init);
	w = mem_block(e->model.size, sizeof(*w));
	if (w)
		memcpy(w, spec->from->weights, e->model.size * sizeof(*w));
	return w;
}

struct trainer *trainer_new(const struct train_spec *spec, struct encoder *e, struct corpus *train,
			    struct corpus *valid, struct train_sink sink, struct err *err)
{
	struct trainer *t = mem_zero(1, sizeof(*t));
	real *weights = first_weights(spec, e);

	t->spec = *spec;
	t->encoder = encoder_ref(e);
	t->train = corpus_ref(train);
	t->valid = valid ? corpus_ref(valid) : NULL;
	t->sink = sink;
	if (spec->from)
		snapshot_ref(spec->from);
	t->joined = true;
	t->base = t->gauge.lr = spec->learn.lr;
	t->memory = schedule_fresh;
	model_groups(&e->model, &t->groups);
	t->by_hand = by_hand_none();
	for (int k = 0; k < t->groups.count; k++)
		t->gauge.factor[k] = 1;
	t->batches = is_stream(t) ? (int)batch_windows(train->tokens, spec->batch, spec->window)
				  : (train->count + spec->batch - 1) / spec->batch;
	t->gauge.epochs = spec->epochs;
	t->gauge.steps = (int64_t)t->batches * spec->epochs;
	t->gauge.loss = t->gauge.accuracy = t->gauge.grad_norm = t->gauge.eta = NAN;
	t->order = mem_alloc(is_stream(t) ? 0 : (size_t)train->count * sizeof(*t->order));
	rng_seed(&t->rng, spec->seed, 0);
	requests_open(&t->requests, spec->paused);
	t->spec.learn = train_learning(spec, e, train);
	t->learner = learner_new(&e->model, weights, &t->spec.learn, err);
	if (!t->learner) {
		trainer_free(t);
		return NULL;
	}
	t->joined = !thread_start(&t->thread, trainer_main, t, "training", err);
	if (!t->joined)
		return t;
	trainer_free(t);
	return NULL;
}

enum train_state trainer_wait(struct trainer *t, struct err *err)
{
	if (!t->joined)
		pthread_join(t->thread, NULL);
	t->joined = true;
	if (err && t->err.code != ERR_CANCELLED)
		*err = t->err;
	return t->gauge.state;
}

void trainer_free(struct trainer *t)
{
	if (!t)
		return;
	if (!t->joined) {
		trainer_stop(t);
		trainer_wait(t, NULL);
	}
	learner_free(t->learner);
	snapshot_unref(t->good);
	snapshot_unref(t->spec.from);
	encoder_unref(t->encoder);
	corpus_unref(t->train);
	corpus_unref(t->valid);
	requests_close(&t->requests);
	free(t->order);
	free(t);
}

void trainer_pause(struct trainer *t)
{
	requests_pause(&t->requests, true);
}

void trainer_resume(struct trainer *t)
{
	requests_pause(&t->requests, false);
}

void trainer_one_batch(struct trainer *t)
{
	requests_one_batch(&t->requests);
}

void trainer_stop(struct trainer *t)
{
	requests_stop(&t->requests);
}

void trainer_set_lr(struct trainer *t, double lr)
{
	requests_lr(&t->requests, lr);
}

void trainer_set_factor(struct trainer *t, const char *name, double factor)
{
	requests_factor(&t->requests, &t->groups, name, factor);
}

void trainer_want_snapshot(struct trainer *t)
{
	requests_snapshot(&t->requests);
}

bool trainer_has_done(struct trainer *t, bool *rests)
{
	return requests_met(&t->requests, rests);
}
