/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/base/buf.h"
#include "engine/base/err.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/base/rng.h"
#include "engine/base/sha256.h"
#include "tests/unit.h"

#include <math.h>

static void err_keeps_the_code_and_gains_context(void **state)
{
	struct err err = {0};

	(void)state;
	assert_false(err_set(&err, ERR_INPUT, "line %d: no tab", 3));
	assert_false(err_wrap(&err, "%s", "a.tsv"));
	assert_string_equal(err.msg, "a.tsv: line 3: no tab");
	assert_int_equal(err_exit_code(err.code), 8);
	assert_false(err_set(NULL, ERR_INPUT, "ignored"));
}

static void json_escapes_and_numbers(void **state)
{
	struct buf b = {0};
	struct json_writer j = jw_to(&b);

	(void)state;
	jw_object(&j);
	jw_key(&j, "a\"b");
	jw_text(&j, "x\n\x01\xff\xe4\xbd\xa0\xed\xa0\x80");
	jw_key(&j, "n");
	jw_array(&j);
	jw_f64(&j, NAN);
	jw_f64(&j, -INFINITY);
	jw_f64(&j, 0.1);
	jw_f32(&j, 0.1f);
	jw_int(&j, INT64_MIN);
	jw_bool(&j, true);
	jw_array_end(&j);
	jw_object_end(&j);
	assert_string_equal(buf_str(&b),
			    "{\"a\\\"b\":\"x\\n\\u0001\xef\xbf\xbd\xe4\xbd\xa0"
			    "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\",\"n\":[null,\"-Infinity\",0.1,"
			    "0.100000001,-9223372036854775808,true]}");
	buf_release(&b);
}

static void rng_is_reproducible_and_uniform(void **state)
{
	struct rng a, b;
	int32_t v[5] = {0, 1, 2, 3, 4}, seen = 0;
	double sum = 0, square = 0;
	int count[6] = {0};

	(void)state;
	rng_seed(&a, 1, 0);
	rng_seed(&b, 1, 0);
	for (int k = 0; k < 100; k++)
		assert_true(rng_next(&a) == rng_next(&b));
	rng_seed(&b, 1, 1);
	assert_true(rng_next(&a) != rng_next(&b));
	for (int k = 0; k < 60000; k++)
		count[rng_below(&a, 6)]++;
	for (int k = 0; k < 6; k++)
		assert_in_range(count[k], 9600, 10400); /* 4 standard deviations */
	for (int k = 0; k < 100000; k++) {
		double x = rng_normal(&a);

		sum += x;
		square += x * x;
	}
	assert_true(fabs(sum / 1e5) < 0.013);
	assert_true(fabs(square / 1e5 - 1) < 0.02);
	rng_shuffle(&a, v, 5);
	for (int k = 0; k < 5; k++)
		seen |= 1 << v[k];
	assert_int_equal(seen, 31);
}

static void sha256_of_abc(void **state)
{
	static const unsigned char want[4] = {0xba, 0x78, 0x16, 0xbf}; /* FIPS 180-2, B.1 */
	unsigned char got[SHA256_BYTES];

	(void)state;
	sha256_of("abc", 3, got);
	assert_memory_equal(got, want, sizeof(want));
}

static void mem_block_refuses_what_cannot_be(void **state)
{
	void *p = mem_block(10, 4);

	(void)state;
	assert_null(mem_block(SIZE_MAX / 2, 4));
	assert_true((uintptr_t)p % MEM_ALIGN == 0);
	free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(err_keeps_the_code_and_gains_context),
		cmocka_unit_test(json_escapes_and_numbers),
		cmocka_unit_test(rng_is_reproducible_and_uniform),
		cmocka_unit_test(sha256_of_abc),
		cmocka_unit_test(mem_block_refuses_what_cannot_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
