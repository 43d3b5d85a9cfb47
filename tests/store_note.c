/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/note.h"
#include "tests/store_fixture.h"

static void kept(struct store *s, int64_t run, size_t want, const char *layer, int unit,
		 const char *text)
{
	struct unit_note *notes;
	struct err err = {0};
	const char *found;
	size_t count;

	assert_ok(store_unit_notes(s, run, &notes, &count, &err), err);
	assert_int_equal(count, want);
	found = unit_note_find(notes, count, layer, unit);
	if (text)
		assert_string_equal(found, text);
	else
		assert_null(found);
	store_unit_notes_free(notes, count);
}

static void notes_are_written_over_and_deleted(void **state)
{
	const struct folder *f = *state;
	struct store *s = open_store(f, STORE_WRITE);
	char id[RUN_ID_SIZE];
	struct err err = {0};
	const int64_t a = add_run(s, "a", id), b = add_run(s, "b", id);

	kept(s, a, 0, "l0.fw", 12, NULL);
	assert_ok(store_unit_note(s, a, "l0.fw", 12, "negation?", &err), err);
	assert_ok(store_unit_note(s, a, "l0.bw", 12, "the end", &err), err);
	assert_ok(store_unit_note(s, b, "l0.fw", 12, "of b", &err), err);
	kept(s, a, 2, "l0.fw", 12, "negation?");
	kept(s, a, 2, "l0.bw", 12, "the end");
	kept(s, a, 2, "l0.fw", 3, NULL);
	assert_ok(store_unit_note(s, a, "l0.fw", 12, "it's not; «negation»", &err), err);
	kept(s, a, 2, "l0.fw", 12, "it's not; «negation»");
	assert_ok(store_unit_note(s, a, "l0.fw", 12, "", &err), err);
	kept(s, a, 1, "l0.fw", 12, NULL);
	kept(s, b, 1, "l0.fw", 12, "of b");
	assert_false(store_unit_note(s, 99, "l0.fw", 0, "x", &err));
	assert_int_equal(err.code, ERR_NO_RUN);
	store_close(s);
	assert_int_equal(ask(f->db, "SELECT count(*) FROM event WHERE kind='note'"), 5);
	assert_int_equal(ask(f->db, "SELECT count(*) FROM unit_notes WHERE name='b' AND"
				    " layer='l0.fw' AND unit=12 AND note='of b'"),
			 1);
}

static void notes_go_with_their_run(void **state)
{
	const struct folder *f = *state;
	struct store *s = open_store(f, STORE_WRITE);
	char id[RUN_ID_SIZE];
	struct err err = {0};
	const int64_t run = add_run(s, "a", id);

	assert_ok(store_unit_note(s, run, "l0.fw", 0, "x", &err), err);
	assert_ok(store_run_remove(s, run, &err), err);
	assert_int_equal(ask(f->db, "SELECT count(*) FROM unit_notes"), 0);
	assert_int_equal(ask(f->db, "SELECT count(*) FROM unit_note"), 1);
	assert_ok(store_run_restore(s, run, &err), err);
	assert_int_equal(ask(f->db, "SELECT count(*) FROM unit_notes"), 1);
	assert_ok(store_run_remove(s, run, &err), err);
	assert_ok(store_collect(s, INT64_MAX, NULL, &err), err);
	assert_int_equal(ask(f->db, "SELECT count(*) FROM unit_note"), 0);
	store_close(s);
}

#define T(f) cmocka_unit_test_setup_teardown(f, folder_make, folder_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(notes_are_written_over_and_deleted),
		T(notes_go_with_their_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
