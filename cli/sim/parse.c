/* SPDX-License-Identifier: MIT */
/*
 * Statements. First the machine: `format`, `memory`, `swap`, `movable`, `pool`, `groups`, `huge`. Then one a line,
 * `verb ...` or `NAME: verb ...`. Names are checked here too, so that a script that is wrong does not run at all.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/sim/sim.h"
#include "cli/tool.h"

/* The names that the script has made so far. */
struct names {
	struct {
		char name[SIM_NAME];
		enum sim_kind kind;
	} known[SIM_OBJECTS];
	unsigned count;
};

static const char *kind_name(enum sim_kind kind)
{
	static const char *const name[] = {
		[SIM_NOTHING] = "nothing",
		[SIM_IS_MM] = "an address space (mm NAME)",
		[SIM_IS_FILE] = "a file (file NAME LENGTH, or shmem, hugetlb, secret)",
		[SIM_IS_DEVICE] = "a device (device NAME PA LENGTH)",
		[SIM_IS_PIN] = "a pin (A: pin NAME VA LENGTH)",
	};

	return name[kind];
}

static enum sim_kind kind_of(const struct names *names, const char *name)
{
	for (unsigned i = names->count; i-- > 0;)
		if (strcmp(names->known[i].name, name) == 0)
			return names->known[i].kind;
	return SIM_NOTHING;
}

static bool make(struct sim_line *line, struct names *names, const char *name, enum sim_kind kind)
{
	for (unsigned i = 0; i < names->count; i++)
		if (strcmp(names->known[i].name, name) == 0)
			return sim_wrong(line, "%s is %s already: take another name", name,
					 kind_name(names->known[i].kind));
	if (names->count == SIM_OBJECTS)
		return sim_wrong(line, "a script can make %d things, not more", SIM_OBJECTS);
	strcpy(names->known[names->count].name, name);
	names->known[names->count++].kind = kind;
	return true;
}

/* ---- the machine ---- */

static bool choose_format(struct sim_line *line, struct sim_script *script)
{
	char word[SIM_NAME];

	if (!sim_word(line, word, sizeof(word)))
		return sim_wrong(
			line,
			"the name of a format is missing here: `pagewalk formats' lists them");
	script->machine.format = pw_format_find(word);
	if (!script->machine.format)
		return sim_wrong(line, "there is no format '%s': `pagewalk formats' lists them",
				 word);
	if (!pw_format_can_edit(script->machine.format))
		return sim_wrong(line, "tables of %s cannot be built", word);
	return true;
}

static bool choose_huge(struct sim_line *line, struct sim_script *script)
{
	char word[SIM_NAME];

	sim_word(line, word, sizeof(word));
	if (strcmp(word, "always") == 0)
		script->machine.huge = PW_HUGE_ALWAYS;
	else if (strcmp(word, "madvise") == 0)
		script->machine.huge = PW_HUGE_MADVISE;
	else if (strcmp(word, "never") == 0)
		script->machine.huge = PW_HUGE_NEVER;
	else
		return sim_wrong(
			line, "'%s' is not a policy for huge pages: always, madvise, never", word);
	return true;
}

/* Statements about the machine. *done_ret: @word was one. */
static bool machine(struct sim_line *line, struct sim_script *script, const char *word,
		    bool *done_ret)
{
	uint64_t *bytes = NULL;

	*done_ret = true;
	if (strcmp(word, "memory") == 0)
		bytes = &script->machine.bytes;
	else if (strcmp(word, "swap") == 0)
		bytes = &script->machine.swap_bytes;
	else if (strcmp(word, "movable") == 0)
		bytes = &script->machine.movable_bytes;
	else if (strcmp(word, "pool") == 0)
		bytes = &script->machine.hugetlb_bytes;
	else if (strcmp(word, "groups") == 0)
		bytes = &script->machine.group_sizes;
	if (strcmp(word, "format") != 0 && strcmp(word, "huge") != 0 && !bytes) {
		*done_ret = false;
		return true;
	}
	if (script->count > 0)
		return sim_wrong(line,
				 "`%s' is about the machine: write it before all other statements",
				 word);
	if (bytes && !sim_bytes(line, "a length", bytes))
		return false;
	/* To the library, 0 is what nobody has said. */
	if (bytes == &script->machine.bytes && *bytes == 0)
		return sim_wrong(line, "a machine without memory has no room for page tables");
	if (bytes)
		return true;
	return strcmp(word, "format") == 0 ? choose_format(line, script)
					   : choose_huge(line, script);
}

/* ---- statements ---- */

/* Takes "NAME:" off the line's front, if it is there. */
static bool subject(struct sim_line *line, struct sim_statement *s)
{
	const char *colon = line->at + strcspn(line->at, " \t:\"");
	size_t length = (size_t)(colon - line->at);

	if (*colon != ':')
		return true;
	line->word = line->at;
	if (length == 0 || length >= SIM_NAME)
		return sim_wrong(line, "a name of 1 to %d characters stands before a colon",
				 SIM_NAME - 1);
	memcpy(s->who, line->at, length);
	line->at = colon + 1;
	return true;
}

static bool find_verb(struct sim_line *line, struct sim_statement *s, const char *word)
{
	const char *list[SIM_VERBS];
	const char *near;

	for (unsigned i = 0; i < SIM_VERBS; i++) {
		list[i] = sim_verbs[i].name;
		if (strcmp(word, sim_verbs[i].name) == 0) {
			s->verb = (enum sim_verb)i;
			return true;
		}
	}
	near = tool_nearest(word, list, SIM_VERBS);
	if (near)
		return sim_wrong(line, "there is no verb '%s': did you mean '%s'?", word, near);
	return sim_wrong(line, "there is no verb '%s': `pagewalk sim --verbs' lists them", word);
}

static bool check_names(struct sim_line *line, struct names *names, struct sim_statement *s)
{
	const struct sim_verb_info *verb = &sim_verbs[s->verb];
	enum sim_kind kind;

	if (s->verb == SIM_MMAP && s->name[0]) {
		kind = kind_of(names, s->name);
		if (kind != SIM_IS_FILE && kind != SIM_IS_DEVICE)
			return sim_wrong(line, "%s is %s, not a file or a device", s->name,
					 kind_name(kind));
	}
	if (verb->makes != SIM_NOTHING)
		return make(line, names, s->name, verb->makes);
	return true;
}

static bool check_subject(struct sim_line *line, const struct names *names,
			  const struct sim_statement *s)
{
	const struct sim_verb_info *verb = &sim_verbs[s->verb];

	if (verb->of == SIM_NOTHING)
		return !s->who[0] ||
		       sim_wrong(line, "`%s' is said of nobody: %s", verb->name, verb->usage);
	if (!s->who[0])
		return sim_wrong(line, "`%s' needs a name before it: %s", verb->name, verb->usage);
	if (kind_of(names, s->who) != verb->of)
		return sim_wrong(line, "%s is %s; `%s' needs %s", s->who,
				 kind_name(kind_of(names, s->who)), verb->name,
				 kind_name(verb->of));
	return true;
}

static bool statement(struct sim_line *line, struct names *names, struct sim_statement *s)
{
	char word[SIM_NAME];

	if (!subject(line, s))
		return false;
	if (!sim_word(line, word, sizeof(word)))
		return sim_wrong(line, "a verb is missing after %s:", s->who);
	s->column = (unsigned)(line->word - line->text) + 1;
	if (!find_verb(line, s, word) || !check_subject(line, names, s))
		return false;
	if (!sim_verbs[s->verb].parse(line, s))
		return false;
	if (!sim_at_end(line)) {
		sim_word(line, word, sizeof(word));
		return sim_wrong(line, "'%s' is one word too many: %s", word,
				 sim_verbs[s->verb].usage);
	}
	return check_names(line, names, s);
}

static struct sim_statement *grow(struct sim_script *script)
{
	if (script->count == SIM_STATEMENTS)
		return NULL;
	if (script->count == script->room) {
		size_t room = script->room ? 2 * script->room : 32;
		struct sim_statement *more = realloc(script->statement, room * sizeof(*more));

		if (!more)
			return NULL;
		script->statement = more;
		script->room = room;
	}
	memset(&script->statement[script->count], 0, sizeof(*script->statement));
	return &script->statement[script->count];
}

static bool parse_line(struct sim_line *line, struct sim_script *script, struct names *names)
{
	struct sim_statement *s = grow(script);
	const char *was;
	char word[SIM_NAME];
	bool done;

	if (!s && script->count == SIM_STATEMENTS)
		return sim_wrong(line, "a script has %d statements at most", SIM_STATEMENTS);
	if (!s)
		return sim_wrong(line, "no memory for the script");
	line->page = sim_page_bytes(script->machine.format);
	was = line->at;
	if (line->at[strcspn(line->at, " \t:\"")] != ':' && sim_word(line, word, sizeof(word))) {
		if (!machine(line, script, word, &done))
			return false;
		if (done)
			return sim_at_end(line) || sim_wrong(line, "this statement ends here");
		line->at = was;
	}
	s->line = line->number;
	snprintf(s->source, sizeof(s->source), "%s", line->at);
	if (!statement(line, names, s))
		return false;
	script->count++;
	return true;
}

/* Cuts a comment off: from # on, outside texts. */
static void strip(char *text)
{
	bool inside = false;
	size_t length;

	for (char *c = text; *c; c++) {
		if (*c == '"')
			inside = !inside;
		if (*c == '#' && !inside) {
			*c = '\0';
			break;
		}
	}
	length = strlen(text);
	while (length > 0 && strchr(" \t\r", text[length - 1]))
		text[--length] = '\0';
}

/*
 * Reads the next line, without its end. False: there is none, or it is not one of a script; then a message is given.
 */
static bool read_line(struct sim_line *line, FILE *stream)
{
	size_t length = 0;
	int c;

	line->number++;
	line->word = line->at = line->text;
	while ((c = getc(stream)) != EOF && c != '\n') {
		line->word = line->text + length;
		if (c == '\0')
			return sim_wrong(line, "a byte with the value 0: a script is a text");
		if (length == sizeof(line->text) - 1)
			return sim_wrong(line, "a line of more than %zu characters",
					 sizeof(line->text) - 1);
		line->text[length++] = (char)c;
	}
	line->text[length] = '\0';
	return c != EOF || length > 0;
}

int sim_parse(const char *path, FILE *stream, struct sim_script *script)
{
	struct sim_line line = { .path = path };
	struct names names = { 0 };

	*script = (struct sim_script){ .path = path };
	script->machine.format = pw_format_find("x86_64");
	script->machine.huge = PW_HUGE_NEVER;
	while (read_line(&line, stream)) {
		strip(line.text);
		if (!sim_at_end(&line) && !parse_line(&line, script, &names))
			return TOOL_FAILED;
	}
	if (line.reported)
		return TOOL_FAILED;
	if (ferror(stream))
		return tool_fail("%s: the script cannot be read", path);
	if (script->count == 0)
		return tool_fail("%s: there is no statement in it: begin with `mm A'", path);
	return TOOL_DONE;
}

void sim_script_free(struct sim_script *script)
{
	free(script->statement);
}
