/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/tui/theme.h"

#include <errno.h>
#include <ini.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const role_names[] = {
#define THEME_NAME(name, help) #name,
	THEME_ROLES(THEME_NAME)
#undef THEME_NAME
};

static const char *const role_helps[] = {
#define THEME_HELP(name, help) help,
	THEME_ROLES(THEME_HELP)
#undef THEME_HELP
};

static const char *const ramp_names[] = {"heat_unit", "heat_signed", "series"};

// clang-format off
static const char *const ansi_names[] = {
	"black", "red", "green", "yellow", "blue", "magenta", "cyan", "white",
	"bright_black", "bright_red", "bright_green", "bright_yellow",
	"bright_blue", "bright_magenta", "bright_cyan", "bright_white",
};
// clang-format on

static const struct attr_name {
	const char *name;
	unsigned bit;
} attr_names[] = {
	{"bold", ATTR_BOLD},       {"dim", ATTR_DIM},       {"underline", ATTR_UNDERLINE},
	{"reverse", ATTR_REVERSE}, {"italic", ATTR_ITALIC},
};

enum {
	RAMP_NAMES = sizeof(ramp_names) / sizeof(ramp_names[0]),
	ANSI_NAMES = sizeof(ansi_names) / sizeof(ansi_names[0]),
	ATTR_NAMES = sizeof(attr_names) / sizeof(attr_names[0]),
};

/* The built-in theme, in the words of a theme file. themes/default.theme explains it. */
// clang-format off
static const char *const built_in[][2] = {
	{"text",     "default"},
	{"strong",   "default default bold"},
	{"dim",      "default default dim"},
	{"frame",    "default default dim"},
	{"focus",    "63 default bold"},
	{"bar",      "default"},
	{"tab",      "default default dim"},
	{"tab_on",   "63 default bold underline"},
	{"key",      "default default bold"},
	{"hint",     "default default dim"},
	{"message",  "default"},
	{"warn",     "130"},
	{"error",    "160 default bold"},
	{"good",     "28"},
	{"selected", "default default reverse"},
	{"mark",     "63 default bold"},
	{"train",    "32"},
	{"valid",    "166"},
	{"gate_i",   "32"},
	{"gate_f",   "166"},
	{"gate_g",   "28"},
	{"gate_o",   "133"},
	{"gate_c",   "136"},
	{"gate_h",   "37"},
	{"heat_unit", "#180f71 #002b8a #00439b #00519a #005c94 #0e6a91 #157c93 #1b8f96 "
		      "#369f91 #4cac88 #60b87c #78c36f #94ce63 #b4d657 #d3dd4b #f0e43d"},
	{"heat_signed", "#82d1f0 #55b7e8 #1b9ada #007dc6 #0d5ea5 #23457b #263357 #222536 #191919 "
			"#38231c #572c1e #783621 #9b4024 #bf5628 #de752e #f2993f #feba53"},
	{"series", "#0087d7 #d75f00 #00875f #af5faf #af8700 #00afaf #d7005f #878787"},
};
// clang-format on

const char *role_name(enum role r)
{
	return (unsigned)r < ROLE_COUNT ? role_names[r] : "";
}

const char *role_help(enum role r)
{
	return (unsigned)r < ROLE_COUNT ? role_helps[r] : "";
}

/* Edit distance (Levenshtein); 99 for words too long to be one of ours. */
static int distance(const char *a, const char *b)
{
	int row[32], n = (int)strlen(b);

	if (strlen(a) > 31 || n > 31)
		return 99;
	for (int j = 0; j <= n; j++)
		row[j] = j;
	for (int i = 1; a[i - 1]; i++) {
		int diagonal = row[0];

		row[0] = i;
		for (int j = 1; j <= n; j++) {
			int least = diagonal + (a[i - 1] != b[j - 1]);

			diagonal = row[j];
			least = row[j] + 1 < least ? row[j] + 1 : least;
			row[j] = row[j - 1] + 1 < least ? row[j - 1] + 1 : least;
		}
	}
	return row[n];
}

/* The name that was probably meant; NULL when none is near. */
struct guess {
	const char *best;
	int distance;
};

static void guess_try(struct guess *g, const char *word, const char *name)
{
	const int d = distance(word, name);

	if (d <= (strlen(word) > 5 ? 3 : 2) && d < (int)strlen(name) &&
	    (!g->best || d < g->distance))
		*g = (struct guess){name, d};
}

static bool refuse(struct err *err, const struct guess *g, const char *key, const char *what,
		   const char *word)
{
	if (g->best)
		return err_set(err, ERR_INPUT, "%s%s '%s'; did you mean %s?", key, what, word,
			       g->best);
	return err_set(err, ERR_INPUT, "%s%s '%s'", key, what, word);
}

/* True when word is all digits of the base and at most `most` of them; *out: the value. */
static bool whole(const char *word, const char *digits, int base, size_t most, int *out)
{
	const size_t n = strlen(word);

	if (!n || n > most || strspn(word, digits) != n)
		return false;
	*out = (int)strtol(word, NULL, base);
	return true;
}

static bool to_colour(const char *word, colour *out)
{
	int v;

	if (!strcmp(word, "default"))
		return *out = COLOUR_DEFAULT, true;
	for (int k = 0; k < ANSI_NAMES; k++)
		if (!strcmp(word, ansi_names[k]))
			return *out = k, true;
	if (word[0] == '#' && strlen(word) == 7 &&
	    whole(word + 1, "0123456789abcdefABCDEF", 16, 6, &v))
		return *out = COLOUR_RGB(v), true;
	if (whole(word, "0123456789", 10, 3, &v) && v <= 255)
		return *out = v, true;
	return false;
}

static unsigned to_attr(const char *word)
{
	for (int k = 0; k < ATTR_NAMES; k++)
		if (!strcmp(word, attr_names[k].name))
			return attr_names[k].bit;
	return 0;
}

static bool refuse_word(struct err *err, const char *key, const char *word, bool attrs)
{
	struct guess g = {0};

	guess_try(&g, word, "default");
	for (int k = 0; k < ANSI_NAMES; k++)
		guess_try(&g, word, ansi_names[k]);
	for (int k = 0; attrs && k < ATTR_NAMES; k++)
		guess_try(&g, word, attr_names[k].name);
	return refuse(err, &g, key, attrs ? " has no colour or attribute" : " has no colour", word);
}

/* The next word of *rest, cut off in place; NULL at the end. */
static char *next_word(char **rest)
{
	char *word = *rest + strspn(*rest, " \t");
	char *end = word + strcspn(word, " \t");

	*rest = *end ? end + 1 : end;
	*end = '\0';
	return *word ? word : NULL;
}

static bool set_style(struct style *out, const char *key, char *rest, struct err *err)
{
	struct style s = {COLOUR_DEFAULT, COLOUR_DEFAULT, 0};
	int colours = 0;

	for (char *word = next_word(&rest); word; word = next_word(&rest)) {
		const unsigned attr = to_attr(word);
		colour c;

		if (attr) {
			if (!colours)
				break;
			s.attr |= attr;
			continue;
		}
		if (!to_colour(word, &c))
			return refuse_word(err, key, word, true);
		if (s.attr)
			return err_set(err, ERR_INPUT,
				       "%s: the colour '%s' comes before attributes", key, word);
		if (colours == 2)
			return err_set(err, ERR_INPUT,
				       "%s has a third colour, '%s'; two are enough", key, word);
		*(colours ? &s.bg : &s.fg) = c;
		colours++;
	}
	if (!colours)
		return err_set(err, ERR_INPUT,
			       "%s begins with a colour; `default` is the terminal's own", key);
	*out = s;
	return true;
}

static bool set_ramp(struct ramp *out, const char *key, char *rest, struct err *err)
{
	const bool heat = strcmp(key, "series") != 0; /* curves may have the terminal's own */
	const int least = heat ? 2 : 1;
	struct ramp r = {.count = 0};

	for (char *word = next_word(&rest); word; word = next_word(&rest)) {
		if (r.count == THEME_RAMP_MAX)
			return err_set(err, ERR_INPUT, "%s has more than %d colours", key,
				       THEME_RAMP_MAX);
		if (!to_colour(word, &r.at[r.count]))
			return refuse_word(err, key, word, false);
		if (r.at[r.count++] == COLOUR_DEFAULT && heat)
			return err_set(err, ERR_INPUT, "%s takes colours of its own, not `default`",
				       key);
	}
	if (r.count < least)
		return err_set(err, ERR_INPUT, "%s takes %s", key,
			       heat ? "two colours or more" : "one colour or more");
	if (!strcmp(key, "heat_signed") && r.count % 2 == 0)
		return err_set(
			err, ERR_INPUT,
			"heat_signed takes an odd number of colours, its middle is 0; not %d",
			r.count);
	*out = r;
	return true;
}

static bool set_key(struct theme *t, const char *key, const char *value, struct err *err)
{
	struct ramp *const ramp[] = {&t->heat_unit, &t->heat_signed, &t->series};
	struct guess g = {0};
	char text[512];

	if (snprintf(text, sizeof(text), "%s", value) >= (int)sizeof(text))
		return err_set(err, ERR_INPUT, "%s: the value is too long", key);
	for (int k = 0; k < ROLE_COUNT; k++) {
		if (!strcmp(key, role_names[k]))
			return set_style(&t->style[k], key, text, err);
		guess_try(&g, key, role_names[k]);
	}
	for (int k = 0; k < RAMP_NAMES; k++) {
		if (!strcmp(key, ramp_names[k]))
			return set_ramp(ramp[k], key, text, err);
		guess_try(&g, key, ramp_names[k]);
	}
	return refuse(err, &g, "", "a theme has no role", key);
}

void theme_default(struct theme *t)
{
	*t = (struct theme){.name = "default"};
	for (size_t k = 0; k < sizeof(built_in) / sizeof(built_in[0]); k++)
		set_key(t, built_in[k][0], built_in[k][1], NULL);
}

/* inih gives the handler no line number, cuts long lines and joins indented ones: so lines come
 * from a reader that counts them, refuses what would be cut and takes indentation away. */
struct theme_file {
	struct theme theme;
	const char *path;
	FILE *file;
	int line;
	struct err err;
};

static char *theme_line(char *text, int size, void *arg)
{
	struct theme_file *f = arg;
	size_t blanks;

	if (f->err.code || !fgets(text, size, f->file))
		return NULL;
	f->line++;
	if (!strchr(text, '\n') && !feof(f->file)) {
		err_set(&f->err, ERR_INPUT, "%s:%d: the line is longer than %d bytes", f->path,
			f->line, size - 2);
		return NULL;
	}
	blanks = strspn(text, " \t");
	memmove(text, text + blanks, strlen(text + blanks) + 1);
	return text;
}

static int theme_value(void *arg, const char *section, const char *name, const char *value)
{
	struct theme_file *f = arg;
	struct err err = {0};

	if (*section)
		err_set(&err, ERR_INPUT, "%s: a theme has no sections; remove [%s]", name, section);
	else
		set_key(&f->theme, name, value, &err);
	if (!err.code)
		return 1;
	err_set(&f->err, ERR_INPUT, "%s:%d: %s", f->path, f->line, err.msg);
	return 0;
}

/* The name of a theme is that of its file without directory and ending. */
static void name_after(struct theme *t, const char *path)
{
	const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path,
		   *end = strrchr(base, '.');
	const int n = end && end > base ? (int)(end - base) : (int)strlen(base);

	snprintf(t->name, sizeof(t->name), "%.*s", n, base);
}

bool theme_load(struct theme *t, const char *path, struct err *err)
{
	struct theme_file f = {.path = path, .file = fopen(path, "r")};
	int bad;

	if (!f.file)
		return err_set(err, ERR_INPUT, "cannot read the theme %s: %s", path,
			       strerror(errno));
	theme_default(&f.theme);
	name_after(&f.theme, path);
	errno = 0;
	bad = ini_parse_stream(theme_line, &f, theme_value, &f);
	if (ferror(f.file))
		err_set(&f.err, ERR_INPUT, "cannot read the theme %s: %s", path, strerror(errno));
	else if (bad && !f.err.code)
		err_set(&f.err, ERR_INPUT, "%s:%d: not of the form role = colours", path, bad);
	fclose(f.file);
	if (f.err.code) {
		if (err)
			*err = f.err;
		return false;
	}
	*t = f.theme;
	return true;
}

struct style theme_style(const struct theme *t, enum role r)
{
	return t->style[(unsigned)r < ROLE_COUNT ? r : ROLE_text];
}

/* The colour of x in [0, 1], the ramp cut into as many equal parts as it has colours. */
static colour ramp_at(const struct ramp *r, double x)
{
	int k;

	if (r->count < 1)
		return COLOUR_DEFAULT;
	if (isnan(x))
		x = 0.5;
	x = x < 0 ? 0 : x > 1 ? 1 : x;
	k = (int)(x * r->count);
	return r->at[k < r->count ? k : r->count - 1];
}

colour theme_unit(const struct theme *t, double v)
{
	return ramp_at(&t->heat_unit, v);
}

colour theme_signed(const struct theme *t, double v)
{
	return ramp_at(&t->heat_signed, (v + 1) / 2);
}

static double linear(int part)
{
	const double v = part / 255.0;

	return v <= 0.04045 ? v / 12.92 : pow((v + 0.055) / 1.055, 2.4);
}

colour theme_ink(colour bg)
{
	const int rgb = bg >= COLOUR_RGB(0) ? bg & 0xffffff : theme_rgb256(bg);
	double light;

	if (bg == COLOUR_DEFAULT)
		return COLOUR_DEFAULT;
	light = 0.2126 * linear(rgb >> 16) + 0.7152 * linear(rgb >> 8 & 0xff) +
		0.0722 * linear(rgb & 0xff);
	/* Black is the better where (light + 0.05) / 0.05 > 1.05 / (light + 0.05). */
	return light > 0.179 ? COLOUR_RGB(0) : COLOUR_RGB(0xffffff);
}

static double lab_f(double t)
{
	return t > 216.0 / 24389 ? cbrt(t) : (24389.0 / 27 * t + 16) / 116;
}

/* sRGB to CIELAB under D65. */
static void to_lab(int rgb, double lab[3])
{
	const double r = linear(rgb >> 16 & 0xff), g = linear(rgb >> 8 & 0xff),
		     b = linear(rgb & 0xff);
	const double x = lab_f((0.4124564 * r + 0.3575761 * g + 0.1804375 * b) / 0.95047);
	const double y = lab_f(0.2126729 * r + 0.7151522 * g + 0.0721750 * b);
	const double z = lab_f((0.0193339 * r + 0.1191920 * g + 0.9503041 * b) / 1.08883);

	lab[0] = 116 * y - 16;
	lab[1] = 500 * (x - y);
	lab[2] = 200 * (y - z);
}

/* Indices below 16 are what the user made of them, so the cube and the greys are searched. */
static int search256(int rgb)
{
	static double have[256][3];
	static bool known;
	double want[3], least = INFINITY;
	int best = 16;

	for (int k = 16; k < 256 && !known; k++)
		to_lab(theme_rgb256(k), have[k]);
	known = true;
	to_lab(rgb, want);
	for (int k = 16; k < 256; k++) {
		double d = 0;

		for (int j = 0; j < 3; j++)
			d += (want[j] - have[k][j]) * (want[j] - have[k][j]);
		if (d < least) {
			least = d;
			best = k;
		}
	}
	return best;
}

/* A screen has thousands of cells in some dozens of colours: what was found is kept. */
int theme_nearest256(int rgb)
{
	static struct {
		int rgb, index; /* index 0: empty */
	} kept[1024];
	const size_t at = (uint32_t)rgb * 0x9e3779b1u >> 22;

	if (!kept[at].index || kept[at].rgb != rgb) {
		kept[at].rgb = rgb;
		kept[at].index = search256(rgb);
	}
	return kept[at].index;
}

int theme_rgb256(int index)
{
	static const int ansi[] = {0x000000, 0xcd0000, 0x00cd00, 0xcdcd00, 0x0000ee, 0xcd00cd,
				   0x00cdcd, 0xe5e5e5, 0x7f7f7f, 0xff0000, 0x00ff00, 0xffff00,
				   0x5c5cff, 0xff00ff, 0x00ffff, 0xffffff};
	static const int level[] = {0, 95, 135, 175, 215, 255};
	const int cube = index - 16;

	if (index < 0 || index > 255)
		return 0;
	if (index < 16)
		return ansi[index];
	if (index < 232)
		return level[cube / 36] << 16 | level[cube / 6 % 6] << 8 | level[cube % 6];
	return (8 + 10 * (index - 232)) * 0x010101;
}
