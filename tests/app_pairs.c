/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From settings to the encoder of pairs, and what the store keeps of it. */
#include "app/archive.h"
#include "app/prepare.h"
#include "app/recorder.h"
#include "store/find.h"
#include "store/list.h"
#include "store/param.h"
#include "tests/unit.h"

#include "engine/base/mem.h"

#include <unistd.h>

static char root[] = "/tmp/sluice-pairs-XXXXXX";

static char *at(const char *name)
{
	return mem_printf("%s/%s", root, name);
}

static void put_file(const char *name, const char *text)
{
	char *path = at(name);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	free(path);
}

static int make_root(void **state)
{
	(void)state;
	if (!mkdtemp(root))
		return -1;
	put_file("s", "a b c d\nc d\ne\nf a\n");
	put_file("t", "X Y Z\nZ\n\nW X\n");
	put_file("one", "X\n");
	put_file("both.tsv", "a b c d\tb\nc d\tc\ne\te e\nf a\tc\n");
	return 0;
}

static int remove_root(void **state)
{
	char *command = mem_printf("rm -rf %s", root);
	const int status = system(command);

	(void)state;
	free(command);
	return status;
}

/* Prepares with small sizes and name=value pairs; a value that begins with @ is a file of ours. */
static bool prepare_with(struct prepared *p, const char *const set[], struct err *err)
{
	static const char *const small[] = {"embed=3", "hidden=4",  "epochs=1",
					    "batch=2", "threads=1", NULL};
	struct settings s;
	bool ok;

	settings_default(&s);
	for (int k = 0; small[k]; k++)
		assert_true(settings_assign(&s, small[k], NULL));
	for (int k = 0; set[k]; k++) {
		const char *file = strchr(set[k], '@');
		char *text =
			file ? mem_printf("%.*s%s/%s", (int)(file - set[k]), set[k], root, file + 1)
			     : mem_text(set[k]);

		assert_true(settings_assign(&s, text, NULL));
		free(text);
	}
	ok = prepare(&s, p, err);
	settings_release(&s);
	return ok;
}

static void two_files_give_two_vocabularies(void **state)
{
	const char *const set[] = {
		"task=translate",  "data=@s",          "data_target=@t", "valid=@s",
		"valid_target=@t", "max_target_len=2", "max_len=3",      NULL};
	struct prepared p;
	struct err err = {0};
	size_t n;

	(void)state;
	if (!prepare_with(&p, set, &err))
		fail_msg("%s", err.msg);
	assert_int_equal(p.train->count, 3);
	assert_int_equal(p.train->max_len, 3);
	assert_int_equal(p.train->target->max_len, 3); /* with the mark */
	assert_null(p.train->target->raw);
	assert_memory_equal(tokens_at(p.valid->target->raw, 0, &n), "X Y Z", 5);
	assert_int_equal(vocab_end(p.encoder->vocab), -1);
	assert_true(vocab_end(p.encoder->target) >= 0);
	assert_true(p.encoder->target != p.encoder->vocab);
	assert_false(p.encoder->rules.marked);
	assert_int_equal(p.source[SOURCE_TRAIN].rows, 3);
	assert_non_null(strstr(p.source[SOURCE_VALID_TARGET].path, "/t"));
	assert_non_null(strstr(buf_str(&p.warnings), "/t:3: the target is empty"));
	prepared_release(&p);
}

static void one_file_may_share_a_vocabulary(void **state)
{
	const char *const set[] = {"task=summarize", "data=@both.tsv", "valid_split=0.25", NULL};
	struct prepared p;
	struct err err = {0};

	(void)state;
	if (!prepare_with(&p, set, &err))
		fail_msg("%s", err.msg);
	assert_int_equal(p.train->count, 3);
	assert_int_equal(p.valid->count, 1);
	assert_int_equal(p.valid->target->raw->count, 1);
	assert_ptr_equal(p.encoder->target, p.encoder->vocab);
	assert_true(p.encoder->rules.marked);
	assert_int_equal(p.encoder->model.spec.target, 0);
	assert_null(p.source[SOURCE_TRAIN_TARGET].path);
	prepared_release(&p);
}

/* The run's row is made when training starts. */
static void record(const char *store, const struct prepared *p, char id[9])
{
	const struct train_gauge gauge = {.state = TRAIN_RUNNING};
	const struct train_event start = {.type = TRAIN_EVENT_STATE, .gauge = &gauge};
	struct err err = {0};
	struct recorder *r = recorder_new(store, p, &(struct run_intro){0}, &err);

	if (!r)
		fail_msg("%s", err.msg);
	assert_true(recorder_put(r, &start));
	assert_true(recorder_flush(r, id, NULL));
	if (!recorder_close(r, &err))
		fail_msg("%s", err.msg);
}

static void the_store_keeps_files_and_vocabularies(void **state)
{
	const char *const set[] = {"task=translate", "data=@s", "data_target=@t", "valid_split=0",
				   NULL};
	char *path = at("s.db"), *name = NULL, id[9];
	struct prepared p;
	struct run_ref ref;
	struct run_row *row;
	struct dataset d;
	struct encoder *e;
	struct store *s;
	struct err err = {0};

	(void)state;
	assert_true(prepare_with(&p, set, &err));
	record(path, &p, id);
	s = store_open(path, STORE_READ, &err);
	assert_non_null(s);
	assert_true(store_run_find(s, id, &ref, &err));
	assert_true(store_dataset_get(s, ref.run, "train_target", &name, &d, &err));
	assert_string_equal(name, p.source[SOURCE_TRAIN_TARGET].path);
	assert_memory_equal(d.sha256, p.source[SOURCE_TRAIN_TARGET].sha256, SHA256_BYTES);
	free(name);
	row = store_run_get(s, ref.run, &err);
	e = row ? archive_encoder_load(s, ref.run, row->spec, &err) : NULL;
	if (!e)
		fail_msg("%s", err.msg);
	assert_int_equal(vocab_size(e->vocab), vocab_size(p.encoder->vocab));
	assert_int_equal(vocab_size(e->target), vocab_size(p.encoder->target));
	assert_true(vocab_find(e->target, "x", 1) > 0 && vocab_find(e->vocab, "x", 1) < 0);
	assert_int_equal(e->rules.marked, p.encoder->rules.marked);
	assert_int_equal(e->model.size, p.encoder->model.size);
	encoder_unref(e);
	store_runs_free(row, 1);
	store_close(s);
	prepared_release(&p);
	free(path);
}

static void refused(const char *const set[], const char *says)
{
	struct prepared p;
	struct err err = {0};

	assert_false(prepare_with(&p, set, &err));
	if (!strstr(err.msg, says))
		fail_msg("'%s' does not say '%s'", err.msg, says);
}

static void what_does_not_go_together(void **state)
{
	(void)state;
	refused((const char *const[]){"data=@both.tsv", "data_target=@t", NULL},
		"for pairs of texts (translate, summarize)");
	refused((const char *const[]){"task=translate", "data=@s", "data_target=@one", NULL},
		"s has 4 lines and");
	refused((const char *const[]){"task=translate", "data=@s", "valid_target=@t", NULL},
		"valid_target needs valid");
	refused((const char *const[]){"task=translate", "data=-", "data_target=-", NULL},
		"cannot both be standard input");
	refused((const char *const[]){"task=summarize", "data=@s", NULL}, "are no pairs");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_files_give_two_vocabularies),
		cmocka_unit_test(one_file_may_share_a_vocabulary),
		cmocka_unit_test(the_store_keeps_files_and_vocabularies),
		cmocka_unit_test(what_does_not_go_together),
	};

	return cmocka_run_group_tests(tests, make_root, remove_root);
}
