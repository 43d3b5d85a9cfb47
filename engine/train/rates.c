/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/train/rates.h"

#include <ctype.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The next entry of a list without blanks around it; NULL at its end. */
static const char *next_entry(const char **list, char *entry, size_t size)
{
	size_t n;

	*list += strspn(*list, ", \t");
	n = strcspn(*list, ",");
	if (!n)
		return NULL;
	snprintf(entry, size, "%.*s", (int)n, *list);
	*list += n;
	for (n = strlen(entry); n && isspace((unsigned char)entry[n - 1]);)
		entry[--n] = '\0';
	return entry;
}

static bool add_rule(struct rates *r, const char *name, size_t n, int from, int to, double factor,
		     struct err *err)
{
	struct rate_rule *rule = &r->rule[r->count];

	if (r->count == RATES_MOST)
		return err_set(err, ERR_USAGE, "more than %d rules for rates of groups",
			       RATES_MOST);
	if (!n || n >= sizeof(rule->name))
		return err_set(err, ERR_USAGE, "'%.*s' is no group of weights", (int)n, name);
	*rule = (struct rate_rule){.from = from, .to = to, .factor = factor};
	memcpy(rule->name, name, n);
	r->count++;
	return true;
}

/* "3", "2-4", "-3", "4-". */
static bool read_epochs(const char *text, int *from, int *to)
{
	const char *dash = strchr(text, '-');
	char *end;
	long a = 1, b = INT_MAX;

	if (!dash || dash > text) {
		a = strtol(text, &end, 10);
		if (end == text || (dash ? end != dash : *end))
			return false;
		b = dash ? b : a;
	}
	if (dash && dash[1]) {
		b = strtol(dash + 1, &end, 10);
		if (end == dash + 1 || *end)
			return false;
	}
	*from = (int)a;
	*to = (int)b;
	return a >= 1 && b >= a && b <= INT_MAX && (dash != text || dash[1]);
}

bool rates_freeze(struct rates *r, const char *list, struct err *err)
{
	char entry[64];

	while (list && next_entry(&list, entry, sizeof(entry))) {
		const char *at = strchr(entry, '@');
		int from = 1, to = INT_MAX;

		if (at && !read_epochs(at + 1, &from, &to))
			return err_set(
				err, ERR_USAGE,
				"freeze: '%s' names no epochs; write %.*s@3, @2-4, @-3 or @4-",
				entry, (int)(at - entry), entry);
		if (!add_rule(r, entry, at ? (size_t)(at - entry) : strlen(entry), from, to, 0,
			      err))
			return false;
	}
	return true;
}

bool rates_factors(struct rates *r, const char *list, struct err *err)
{
	char entry[64], *end;

	while (list && next_entry(&list, entry, sizeof(entry))) {
		const char *colon = strchr(entry, ':');
		const double factor = colon ? strtod(colon + 1, &end) : 0;

		if (!colon || end == colon + 1 || *end || !(factor >= 0 && factor <= 1e6))
			return err_set(err, ERR_USAGE,
				       "lr_factors: '%s' is not of the form GROUP:FACTOR, such as "
				       "encoder:0.1",
				       entry);
		if (!add_rule(r, entry, (size_t)(colon - entry), 1, INT_MAX, factor, err))
			return false;
	}
	return true;
}

static bool is_known(const char *name, const struct groups *g)
{
	for (int k = 0; k < g->count; k++)
		if (group_matches(name, g->name[k]))
			return true;
	return false;
}

bool rates_check(const struct rates *r, const struct groups *g, int epochs, struct err *err)
{
	char all[256] = "";

	for (int k = 0; k < g->count; k++)
		snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s ", g->name[k]);
	for (int k = 0; k < r->count; k++)
		if (!is_known(r->rule[k].name, g))
			return err_set(err, ERR_USAGE,
				       "the model has no group '%s'; it has %sencoder decoder all",
				       r->rule[k].name, all);
	for (int e = 1; e <= epochs && e <= 1000; e++) {
		double factor[MODEL_MAX_GROUPS], sum = 0;

		rates_at(r, g, e, factor);
		for (int k = 0; k < g->count; k++)
			sum += factor[k];
		if (!(sum > 0))
			return err_set(err, ERR_USAGE, "freeze leaves nothing to learn in epoch %d",
				       e);
	}
	return true;
}

void rates_at(const struct rates *r, const struct groups *g, int epoch, double *factor)
{
	for (int k = 0; k < MODEL_MAX_GROUPS; k++)
		factor[k] = k < g->count && !(r->gradual && k < g->count - epoch);
	for (int k = 0; k < g->count; k++) {
		const bool thawed = factor[k] > 0;

		for (int j = 0; j < r->count; j++) {
			const struct rate_rule *rule = &r->rule[j];

			if (thawed && epoch >= rule->from && epoch <= rule->to &&
			    group_matches(rule->name, g->name[k]))
				factor[k] = rule->factor;
		}
	}
}

bool rates_plain(const struct groups *g, const double *factor)
{
	for (int k = 0; k < g->count; k++)
		if (factor[k] != 1)
			return false;
	return true;
}

void rates_say(const struct groups *g, const double *factor, struct buf *out)
{
	for (int k = 0; k < g->count; k++)
		if (factor[k] > 0)
			buf_printf(out, "%s%s ×%g", k ? ", " : "", g->name[k], factor[k]);
		else
			buf_printf(out, "%s%s frozen", k ? ", " : "", g->name[k]);
}

struct by_hand by_hand_none(void)
{
	struct by_hand h;

	for (int k = 0; k < MODEL_MAX_GROUPS; k++)
		h.factor[k] = NAN;
	return h;
}

bool by_hand_any(const struct by_hand *h)
{
	for (int k = 0; k < MODEL_MAX_GROUPS; k++)
		if (!isnan(h->factor[k]))
			return true;
	return false;
}

void by_hand_set(struct by_hand *h, const struct groups *g, const char *name, double factor)
{
	for (int k = 0; k < g->count; k++)
		if (group_matches(name, g->name[k]))
			h->factor[k] = factor;
}

void by_hand_put(const struct by_hand *h, double *factor)
{
	for (int k = 0; k < MODEL_MAX_GROUPS; k++)
		if (!isnan(h->factor[k]))
			factor[k] = h->factor[k];
}
