/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The list of runs as a tree. */
#include "app/tree.h"
#include "tests/unit.h"

/* Runs as "id<parent id", and how the tree should be written: a dot for each level before the id. */
static void tree_is(const char *const list[], const char *want)
{
	struct run_row row[16] = {{0}};
	int depth[16];
	size_t n = 0;
	char got[256] = "";

	for (; list[n]; n++) {
		const char *from = strchr(list[n], '<');

		snprintf(row[n].id, RUN_ID_SIZE, "%.*s", (int)strcspn(list[n], "<"), list[n]);
		snprintf(row[n].parent_id, RUN_ID_SIZE, "%s", from ? from + 1 : "");
	}
	runs_tree(row, n, depth);
	for (size_t k = 0; k < n; k++)
		snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s%.*s%s", k ? " " : "",
			 depth[k], "........", row[k].id);
	assert_string_equal(got, want);
}

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

static void runs_stand_behind_their_parents(void **state)
{
	(void)state;
	runs_tree(NULL, 0, NULL);
	tree_is((const char *const[]){NULL}, "");
	tree_is(LIST("a"), "a");
	tree_is(LIST("c", "b", "a"), "c b a");
	tree_is(LIST("a", "b<a", "c"), "a .b c");
	tree_is(LIST("b<a", "c", "a"), "a .b c"); /* the newest brings its family along */
	tree_is(LIST("c", "b<a", "a"), "c a .b"); /* a family is where its first one was */
	tree_is(LIST("e<a", "d<b", "c<a", "b<a", "a"), "a .e .c .b ..d");
	tree_is(LIST("d<c", "c<b", "b<a", "a", "z"), "a .b ..c ...d z");
	tree_is(LIST("d<c", "a", "b<a"), "d a .b"); /* filtered: the parent is not in the list */
	tree_is(LIST("g<f", "x", "f<e", "y<x", "h<f", "e"), "e .f ..g ..h x .y");
}

static void a_run_is_not_its_own_parent(void **state)
{
	(void)state;
	tree_is(LIST("a<a", "b<a"), "a .b");
}

static void long_families_are_no_trouble(void **state)
{
	enum { MANY = 20000 };
	struct run_row *row = calloc(MANY, sizeof(*row));
	int *depth = calloc(MANY, sizeof(*depth));

	(void)state;
	assert_true(row && depth);
	for (int k = 0; k < MANY; k++) { /* newest first, each from the one before it */
		snprintf(row[k].id, RUN_ID_SIZE, "%08x", MANY - k);
		if (k < MANY - 1)
			snprintf(row[k].parent_id, RUN_ID_SIZE, "%08x", MANY - k - 1);
	}
	runs_tree(row, MANY, depth);
	for (int k = 0; k < MANY; k++) {
		assert_int_equal(depth[k], k);
		assert_int_equal(strtol(row[k].id, NULL, 16), k + 1);
	}
	free(row);
	free(depth);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(runs_stand_behind_their_parents),
		cmocka_unit_test(a_run_is_not_its_own_parent),
		cmocka_unit_test(long_families_are_no_trouble),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
