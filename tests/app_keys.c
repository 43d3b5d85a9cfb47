/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The tables of keys, views and commands agree with each other. */
#include "app/workbench.h"
#include "tests/unit.h"

#include <strings.h>

extern const struct binding global_keys[];

/* Goes through the names of a binding, which may be several with blanks between. */
static bool next_name(const char **at, char name[KEYMAP_NAME])
{
	const size_t n = strcspn(*at, " ");

	if (!n)
		return false;
	assert_true(n < KEYMAP_NAME);
	snprintf(name, KEYMAP_NAME, "%.*s", (int)n, *at);
	*at += n + strspn(*at + n, " ");
	return true;
}

/* Every name is a key and finds this binding in its own table: no other one comes before it. */
static void check_names(const struct binding *table, const struct binding *b)
{
	char name[KEYMAP_NAME];
	struct key k;
	int names = 0;

	for (const char *at = b->key; next_name(&at, name); names++) {
		if (!keymap_parse(name, &k))
			fail_msg("'%s' is no key", name);
		if (keymap_find(table, k) != b)
			fail_msg("'%s' is bound twice in one table", name);
	}
	assert_true(names > 0);
	assert_true(strlen(b->help) > 0);
}

/* The command is one of the console's and takes these words. */
static void check_command(const char *line)
{
	char *words[ARGS_MAX], *block = NULL;
	struct context c = {.open_run = "last"};
	struct err err = {0};
	const struct command *cmd;
	struct args a;
	int count;

	assert_true(words_split(line, words, ARGS_MAX, &count, &block, &err));
	assert_true(count > 0);
	cmd = command_find(words[0], CMD_CONSOLE);
	if (!cmd)
		fail_msg("a key runs '%s', which the console does not know", line);
	if (!args_parse(cmd, count, words, &c, &a, &err))
		fail_msg("a key runs '%s': %s", line, err.msg);
	for (int k = 0; cmd->complete && a.pos_count; k++) {
		if (!cmd->complete(k))
			fail_msg("a key runs '%s', but '%s' is none of its words", line, a.pos[0]);
		if (!strcmp(cmd->complete(k), a.pos[0]))
			break;
	}
	free(block);
}

static void every_key_runs_a_command(void **state)
{
	(void)state;
	for (const struct binding *b = global_keys; b->key; b++) {
		check_names(global_keys, b);
		check_command(b->command);
	}
	for (int v = 0; view_at(v); v++)
		for (const struct binding *b = view_at(v)->keys; b->key; b++) {
			check_names(view_at(v)->keys, b);
			check_command(b->command);
		}
}

static void no_view_takes_a_global_key(void **state)
{
	char name[KEYMAP_NAME];
	struct key k;

	(void)state;
	for (int v = 0; view_at(v); v++)
		for (const struct binding *b = view_at(v)->keys; b->key; b++)
			for (const char *at = b->key; next_name(&at, name);) {
				assert_true(keymap_parse(name, &k));
				if (keymap_find(global_keys, k))
					fail_msg("%s binds '%s' again", view_at(v)->name, name);
			}
}

static void numbers_open_their_views(void **state)
{
	char line[64];
	int numbered = 0, bound = 0;

	(void)state;
	for (int v = 0; view_at(v); v++) {
		const struct view *view = view_at(v);
		const struct key k = {K_CHAR, (uint32_t)('0' + view->number), 0};
		const struct binding *b = keymap_find(global_keys, k);

		assert_non_null(view->draw);
		assert_non_null(view->keys);
		if (!view->number)
			continue;
		numbered++;
		assert_non_null(b);
		snprintf(line, sizeof(line), "view %s", view->name);
		assert_int_equal(strncasecmp(b->command, line, sizeof(line)), 0);
		assert_string_equal(b->help, view->name);
		for (int other = 0; other < v; other++)
			assert_int_not_equal(view_at(other)->number, view->number);
	}
	for (char digit = '0'; digit <= '9'; digit++)
		bound += keymap_find(global_keys, (struct key){K_CHAR, (uint32_t)digit, 0}) != NULL;
	assert_int_equal(bound, numbered);
	assert_true(numbered >= 5);
}

static void commands_are_named_once(void **state)
{
	(void)state;
	for (int k = 0; command_at(k); k++) {
		const struct command *c = command_at(k);

		assert_true(strlen(c->help) > 0);
		assert_non_null(c->run);
		for (unsigned flag = CMD_SHELL; flag <= CMD_CONSOLE; flag *= 2)
			if (c->flags & flag)
				assert_ptr_equal(command_find(c->name, flag), c);
		if (c->flags & CMD_UI)
			assert_true(c->flags & CMD_CONSOLE);
	}
	assert_null(command_find("nosuch", CMD_CONSOLE));
	assert_null(command_find("toggle", CMD_SHELL));
}

/* A row of the canvas as 7-bit text. */
static void row_text(const struct canvas *c, int row, char *out)
{
	for (int col = 0; col < c->cols; col++) {
		const uint32_t ch = c->cell[row * c->cols + col].ch[0];

		*out++ = ch && ch < 0x80 ? (char)ch : ' ';
	}
	*out = '\0';
}

/* A row that begins with the left part and then has the right one. */
static void check_line(const struct canvas *c, const char *left, const char *right)
{
	char text[512];

	for (int row = 0; row < c->rows; row++) {
		const char *at = text + 3;

		row_text(c, row, text);
		if (strncmp(at, left, strlen(left)) != 0 || at[strlen(left)] != ' ')
			continue;
		at += strlen(left) + strspn(at + strlen(left), " ");
		if (!strncmp(at, right, strlen(right)))
			return;
	}
	fail_msg("the help lacks '%s': '%s'", left, right);
}

static void help_lists_everything(void **state)
{
	struct workbench *w = calloc(1, sizeof(*w));
	char left[160];

	(void)state;
	theme_default(&w->theme);
	canvas_init(&w->canvas, 300, 200);
	for (int from = 0; view_at(from); from++) { /* whatever view it was asked for in */
		canvas_clear(&w->canvas, theme_style(&w->theme, ROLE_text));
		w->before = view_at(from);
		view_help.enter(w);
		view_help.draw(w, canvas_rect(&w->canvas));
		for (const struct binding *b = global_keys; b->key; b++)
			check_line(&w->canvas, b->key, b->help);
		for (int v = 0; view_at(v); v++)
			for (const struct binding *b = view_at(v)->keys; b->key; b++)
				check_line(&w->canvas, b->key, b->help);
		for (int k = 0; command_at(k); k++) {
			snprintf(left, sizeof(left), "%s %s", command_at(k)->name,
				 command_at(k)->usage);
			left[strcspn(left, " ")] = '\0'; /* a long usage is cut */
			if (command_at(k)->flags & CMD_CONSOLE)
				check_line(&w->canvas, left, "");
		}
		for (int k = 0; setting_at(k); k++)
			check_line(&w->canvas, setting_at(k)->name, setting_at(k)->help);
	}
	canvas_release(&w->canvas);
	free(w);
}

static void help_is_searched(void **state)
{
	struct workbench *w = calloc(1, sizeof(*w));
	int first;

	(void)state;
	theme_default(&w->theme);
	canvas_init(&w->canvas, 24, 80);
	w->before = view_at(0);
	view_help.enter(w);
	assert_false(view_help.find(w, "no such words", 1));
	assert_true(view_help.find(w, "EXPORT", 1)); /* whatever the case */
	first = w->help_found;
	assert_true(first > 0);
	assert_true(view_help.find(w, "export", 1));
	assert_true(w->help_found > first);
	assert_true(view_help.find(w, "export", -1));
	assert_int_equal(w->help_found, first);
	assert_true(view_help.find(w, "export", -1)); /* from the first to the last */
	assert_true(w->help_found > first);
	assert_true(view_help.find(w, "export", 1)); /* and round again */
	assert_int_equal(w->help_found, first);
	canvas_release(&w->canvas);
	free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_key_runs_a_command),
		cmocka_unit_test(no_view_takes_a_global_key),
		cmocka_unit_test(numbers_open_their_views),
		cmocka_unit_test(commands_are_named_once),
		cmocka_unit_test(help_lists_everything),
		cmocka_unit_test(help_is_searched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
