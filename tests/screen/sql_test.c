/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Gates in SQL, asked for in the console. */
#include "tests/screen/sluice.h"

static void gates_are_rows(void **state)
{
	struct screen *s = sluice_trained(*state);

	screen_send(s, ":SELECT t, token, count(*) AS units FROM trace('last', 'not a good film') "
		       "GROUP BY t\r");
	sluice_wait_message(s, "4 rows in");
	screen_wait_row(s, 5, "▸     1  not       32");
	screen_wait_row(s, 8, "  4  film      32");
	screen_key(s, "Esc");
	screen_wait(s, "Questions to the store");
	screen_key(s, "G"); /* the last two ask for gates */
	screen_key(s, "Up");
	screen_key(s, "Enter");
	sluice_wait_message(s, "4 rows in");
	screen_wait_row(s, 5, "not");
	screen_send(s, ":SELECT * FROM trace('nobody', 'x')\r");
	sluice_wait_message(s, "nobody: no such run");
	screen_send(s, ":DELETE FROM trace\r");
	sluice_wait_message(s, "no command 'DELETE'");
	screen_send(s, ":query DELETE FROM trace\r");
	sluice_wait_message(s, "queries only read");
	sluice_quit(s);
}

static void many_texts_are_cancelled(void **state)
{
	struct screen *s = sluice_trained(*state);

	screen_send(s,
		    ":WITH RECURSIVE n(x) AS (VALUES(1) UNION ALL SELECT x+1 FROM n) SELECT sum(f) "
		    "FROM n, trace('last', 'good '||x)\r");
	sluice_wait_top(s, "query …  ^C cancels");
	screen_key(s, "C-c");
	screen_wait_gone(s, "^C cancels");
	sluice_wait_top(s, "finished");
	screen_send(s, ":SELECT count(*) AS n FROM trace('last', 'good') WHERE unit<3\r");
	screen_wait_row(s, 5, "3");
	sluice_quit(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		AT_BOTH(gates_are_rows),
		AT_SMALL(many_texts_are_cancelled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
