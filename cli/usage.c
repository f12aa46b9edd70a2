/* SPDX-License-Identifier: MIT */
/*
 * Checks the options before argp(3) parses them. argp's own messages, which are getopt's, would pass an
 * argument's control characters on to the terminal. Its help would end with success even if it could not
 * be written.
 */
#include "usage.h"

#include <ctype.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "tool.h"

enum {
	OPTIONS_MAX = 64,
	KEY_LONG = 0x1000, /* a long option's index is added to it */
	MESSAGE = 4096,
};

struct table {
	struct option option[OPTIONS_MAX + 1]; /* the last is all zero */
	const char *name[OPTIONS_MAX];
	size_t count;
	char letters[2 * OPTIONS_MAX + 2];
};

void usage_error(const struct argp_state *state, const char *format, ...)
{
	char text[MESSAGE], safe[4 * MESSAGE];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	argp_error(state, "%s", pw_escape_text(text, safe, sizeof(safe)));
}

static void add_long(struct table *table, const char *name, bool has_value)
{
	if (table->count == OPTIONS_MAX)
		return;
	table->name[table->count] = name;
	table->option[table->count] = (struct option){
		.name = name,
		.has_arg = has_value ? required_argument : no_argument,
		.val = KEY_LONG + (int)table->count,
	};
	table->count++;
}

static void add_all(struct table *table, const struct argp *argp)
{
	for (const struct argp_option *option = argp->options;
	     option && (option->name || option->key || option->doc || option->group); option++) {
		if (option->name)
			add_long(table, option->name, option->arg);
		if (option->key > 0 && option->key < 0x7f && isgraph(option->key)) {
			size_t used = strlen(table->letters);

			snprintf(table->letters + used, sizeof(table->letters) - used, "%c%s",
				 option->key, option->arg ? ":" : "");
		}
	}
	for (const struct argp_child *child = argp->children; child && child->argp; child++)
		add_all(table, child->argp);
}

static void refuse(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void refuse(const char *name, const char *format, ...)
{
	char text[MESSAGE], safe[4 * MESSAGE];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	fprintf(stderr, "%s: %s\nTry `%s --help' or `%s --usage' for more information.\n", name,
		pw_escape_text(text, safe, sizeof(safe)), name, name);
	exit(TOOL_FAILED);
}

/* Which subcommand has the option, for those that a few have; NULL: none, or many. */
static const char *home_of(const char *option)
{
	static const char *const homes[][2] = {
		{ "aliases", "find" },    { "all", "map" },
		{ "ascii", "explain" },   { "count", "watch" },
		{ "executable", "map" },  { "expand", "map" },
		{ "holes", "map" },       { "html", "explain" },
		{ "huge", "map" },        { "interval", "watch" },
		{ "kernel-only", "map" }, { "label", "cut" },
		{ "limit", "find" },      { "neighbour", "lab fold" },
		{ "other-root", "diff" }, { "output", "read" },
		{ "range", "cut" },       { "raw", "read" },
		{ "read-only", "map" },   { "regions", "map" },
		{ "space", "cut" },       { "strategy", "lab fold" },
		{ "summary", "map" },     { "svg", "explain" },
		{ "tries", "translate" }, { "uncached", "map" },
		{ "user", "map" },        { "walk", "lab fold" },
		{ "width", "explain" },   { "writable", "map" },
		{ "wx", "map" },
	};

	for (size_t i = 0; i < sizeof(homes) / sizeof(homes[0]); i++)
		if (strcmp(homes[i][0], option) == 0)
			return homes[i][1];
	return NULL;
}

/* @word is the typed option, "--formt=x"; it matches no option, or more than one. */
static void refuse_long(const struct table *table, const char *name, const char *word)
{
	size_t length = strcspn(word + 2, "="), alike = 0;
	char typed[128];
	const char *nearest, *home;

	for (size_t i = 0; i < table->count; i++)
		alike += strncmp(table->name[i], word + 2, length) == 0;
	if (alike > 1)
		refuse(name, "option '%s' is ambiguous: several options begin like this", word);
	snprintf(typed, sizeof(typed), "%.*s", (int)(length < 100 ? length : 100), word + 2);
	home = home_of(typed);
	if (home)
		refuse(name, "unrecognized option '%s'; `pagewalk %s' has it", word, home);
	nearest = tool_nearest(typed, table->name, table->count);
	if (nearest)
		refuse(name, "unrecognized option '%s'; did you mean --%s?", word, nearest);
	refuse(name, "unrecognized option '%s'", word);
}

static void print_help(const struct argp *argp, char *name, unsigned what)
{
	argp_help(argp, stdout, what & ~(unsigned)(ARGP_HELP_EXIT_ERR | ARGP_HELP_EXIT_OK), name);
	exit(tool_finish(TOOL_DONE));
}

/* Reports an error of getopt_long: @key is '?' or ':'. */
static void refuse_option(const struct table *table, const char *name, int key, const char *word)
{
	if (key == ':' && optopt >= KEY_LONG)
		refuse(name, "option '%s' requires an argument", word);
	if (key == ':')
		refuse(name, "option requires an argument -- '%c'", optopt);
	if (optopt >= KEY_LONG)
		refuse(name, "option '--%s' doesn't allow an argument",
		       table->name[optopt - KEY_LONG]);
	if (optopt == 0)
		refuse_long(table, name, word);
	if (isdigit(optopt))
		refuse(name,
		       "invalid option -- '%c': no address, length or count is negative; leave the "
		       "minus sign out",
		       optopt);
	refuse(name, "invalid option -- '%c'", optopt);
}

/*
 * Finds the first option that asks for help or is wrong. Returns its key, as refuse_option() takes it,
 * and in *word the typed text. -1 if there is none.
 */
static int first_notable(const struct table *table, int help, int argc, char **words,
			 const char **word)
{
	int key;

	opterr = 0;
	do {
		optopt = 0;
		key = getopt_long(argc, words, table->letters, table->option, NULL);
	} while (key != -1 && key != '?' && key != ':' && key < help);
	*word = words[optind - 1];
	return key;
}

void usage_check(const struct argp *argp, const char *name, int argc, char **argv)
{
	struct table table = { .letters = ":" };
	/* getopt moves operands behind the options, so it gets a copy; argp does this itself. */
	char **words = calloc((size_t)argc + 1, sizeof(*words));
	const char *word;
	char title[64];
	int key, help;

	if (!words)
		exit(tool_fail("out of memory"));
	memcpy(words, argv, (size_t)argc * sizeof(*words));
	snprintf(title, sizeof(title), "%s", name);
	add_all(&table, argp);
	help = KEY_LONG + (int)table.count;
	add_long(&table, "help", false);
	add_long(&table, "usage", false);
	key = first_notable(&table, help, argc, words, &word);
	free(words);
	if (key == help || (key == '?' && (optopt == '?' || optopt == 'h')))
		print_help(argp, title, ARGP_HELP_STD_HELP);
	if (key > help)
		print_help(argp, title, ARGP_HELP_USAGE);
	if (key != -1)
		refuse_option(&table, name, key, word);
}
