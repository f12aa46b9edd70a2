/* SPDX-License-Identifier: MIT */
/*
 * Reads the description of a format, line by line; pagewalk-format(5) is the grammar. The message for every
 * mistake names the file, the line, and what would be right there.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "described/parse.h"

/* A word of the grammar, and the value that it stands for. */
struct word {
	const char *text;
	unsigned value;
};

static const struct word holes[] = {
	{ "none", PW_NONE },           { "swap", PW_SWAP },           { "migration", PW_MIGRATION },
	{ "hwpoison", PW_HWPOISON },   { "device", PW_DEVICE },       { "marker", PW_MARKER },
	{ "prot-none", PW_PROT_NONE }, { "malformed", PW_MALFORMED }, { NULL, 0 },
};

static const struct word attributes[] = {
	{ "read", PW_READ },
	{ "write", PW_WRITE },
	{ "exec", PW_EXEC_BOTH },
	{ "user-exec", PW_EXEC },
	{ "kernel-exec", PW_KEXEC },
	{ "user", PW_USER },
	{ "accessed", PW_ACCESSED },
	{ "dirty", PW_DIRTY },
	{ "global", PW_GLOBAL },
	{ "special", PW_SPECIAL },
	{ "contiguous", PW_CONTIGUOUS },
	{ "dbm", PW_DBM },
	{ "shadow-stack", PW_SHADOW_STACK },
	{ NULL, 0 },
};

static const uint32_t DENIABLE = PW_READ | PW_WRITE | PW_EXEC_BOTH | PW_USER;

static const struct word *find_word(const struct word *words, const char *text)
{
	for (; text && words->text; words++)
		if (strcmp(words->text, text) == 0)
			return words;
	return NULL;
}

/* ---- statements about the format ---- */

static int copy_text(struct pw_parser *p, const char *what, const char *text, char *to,
		     size_t bytes)
{
	if (!text || *text == '\0')
		return pw_parse_fail(p, "the %s is missing", what);
	if (strlen(text) >= bytes)
		return pw_parse_fail(p, "this %s is too long; use up to %zu characters", what,
				     bytes - 1);
	memcpy(to, text, strlen(text) + 1);
	return 0;
}

static int parse_entry(struct pw_parser *p)
{
	uint64_t bytes;
	int status = pw_parse_number(p, "the size of an entry", 8, &bytes);

	if (status)
		return status;
	if (bytes != 4 && bytes != 8)
		return pw_parse_fail(p, "entries have 4 or 8 bytes, not %u", (unsigned)bytes);
	p->d->format.entry_lg2 = bytes == 4 ? 2 : 3;
	if (pw_parse_take(p, "big"))
		p->d->format.big_endian = true;
	else if (!pw_parse_take(p, "little"))
		return pw_parse_fail(
			p, "the byte order is missing: 'entry %u little' or 'entry %u big'",
			(unsigned)bytes, (unsigned)bytes);
	return 0;
}

/* Levels come top first, so each new one is level 0, and the others move up. */
static int parse_level(struct pw_parser *p)
{
	struct pw_description *d = p->d;
	struct pw_format *format = &d->format;
	uint64_t shift, bits;
	int status;

	if (d->spans > 0 || p->selected)
		return pw_parse_fail(
			p, "all level lines must come before the first span or entries line");
	if (format->levels == PW_MAX_LEVELS)
		return pw_parse_fail(p, "there are more than %u levels", PW_MAX_LEVELS);
	memmove(d->level_name[1], d->level_name[0],
		sizeof(d->level_name) - sizeof(d->level_name[0]));
	memmove(&format->shift[1], &format->shift[0], sizeof(format->shift) - 1);
	memmove(&format->bits[1], &format->bits[0], sizeof(format->bits) - 1);
	format->levels++;
	status = copy_text(p, "name of the level", pw_parse_word(p), d->level_name[0],
			   sizeof(d->level_name[0]));
	if (status == 0)
		status = pw_parse_number(p, "the shift (log2 of what an entry covers)", 63, &shift);
	if (status == 0)
		status = pw_parse_number(p, "the number of index bits", 24, &bits);
	if (status)
		return status;
	if (bits == 0 || shift + bits > 64 || shift < 3)
		return pw_parse_fail(
			p,
			"this level has shift %u and %u bits: the shift must be at least 3, the bits "
			"at least 1, and their sum at most 64",
			(unsigned)shift, (unsigned)bits);
	if (format->levels > 1 && format->shift[1] != shift + bits)
		return pw_parse_fail(p, "level %s ends at bit %u, but %s above it begins at %u",
				     d->level_name[0], (unsigned)(shift + bits), d->level_name[1],
				     format->shift[1]);
	format->shift[0] = (uint8_t)shift;
	format->bits[0] = (uint8_t)bits;
	return 0;
}

/* Reads the next word, the name of a level. */
static int parse_level_name(struct pw_parser *p, uint8_t *level)
{
	const char *word = pw_parse_word(p);

	for (unsigned i = 0; word && i < p->d->format.levels; i++) {
		if (strcmp(word, p->d->level_name[i]) == 0) {
			*level = (uint8_t)i;
			return 0;
		}
	}
	return pw_parse_fail(
		p, "there is no level '%s'; level lines come first, from the top level down",
		word ? word : "");
}

static int parse_span(struct pw_parser *p)
{
	struct pw_description *d = p->d;
	struct pw_described_span *span = &d->span[d->spans];
	uint64_t number;
	int status;

	if (d->format.levels == 0)
		return pw_parse_fail(p, "span lines come after the level lines");
	if (d->spans++ == PW_DESCRIBED_SPANS)
		return pw_parse_fail(p, "there are more than %u span lines", PW_DESCRIBED_SPANS);
	span->top = (uint8_t)(d->format.levels - 1);
	status = pw_parse_number(p, "the first address of the span", UINT64_MAX, &span->first);
	if (status == 0)
		status = pw_parse_number(p, "the last address of the span", UINT64_MAX,
					 &span->last);
	if (status == 0 && span->last < span->first)
		return pw_parse_fail(p, "the span ends before it begins");
	if (status == 0 && pw_parse_take(p, "word")) {
		status = pw_parse_number(p, "the number of the root word", PW_MAX_ROOTS - 1,
					 &number);
		if (status)
			return status;
		span->word = (uint8_t)number;
	}
	if (status == 0 && pw_parse_take(p, "top"))
		status = parse_level_name(p, &span->top);
	if (status)
		return status;
	span->bits = d->format.bits[span->top];
	if (pw_parse_take(p, "bits")) {
		status = pw_parse_number(p, "the number of index bits", span->bits, &number);
		if (status)
			return status;
		span->bits = (uint8_t)number;
	}
	if (status == 0 && pw_parse_take(p, "length")) {
		span->has_length = true;
		status = pw_parse_field(p, "'length'", &span->length);
	}
	if (status)
		return status;
	if (span->has_length && span->length.high - span->length.low >= span->bits)
		return pw_parse_fail(p, "the length has more bits than the table has index bits");
	span->alias = pw_parse_take(p, "alias");
	if (!pw_parse_take(p, "at"))
		return pw_parse_fail(
			p,
			"the span does not say where the top table is: write 'at' and the bits of "
			"the root word that hold its address");
	status = pw_parse_address(p, &span->address);
	if (span->word >= d->format.max_roots)
		d->format.max_roots = (uint8_t)(span->word + 1);
	return status ? status : pw_parse_when(p, &span->when);
}

static int parse_refuse(struct pw_parser *p)
{
	struct pw_refusal *refusal = &p->d->refusal[p->d->refusals];
	int status;

	if (p->d->refusals++ == PW_DESCRIBED_REFUSALS)
		return pw_parse_fail(p, "there are more than %u refuse lines",
				     PW_DESCRIBED_REFUSALS);
	status = pw_parse_when(p, &refusal->when);
	if (status)
		return status;
	if (refusal->when.count == 0)
		return pw_parse_fail(p, "write 'refuse if CONDITIONS because REASON'");
	return copy_text(p, "reason (after 'because')", pw_parse_text(p), refusal->reason,
			 sizeof(refusal->reason));
}

/* ---- statements about entries ---- */

static int parse_entries(struct pw_parser *p)
{
	uint8_t level;
	int status;

	if (pw_parse_take(p, "all")) {
		p->selected = (1u << p->d->format.levels) - 1;
		return p->selected ? pw_parse_when(p, &(struct pw_conditions){ .count = 0 })
				   : pw_parse_fail(p, "entries lines come after the level lines");
	}
	p->selected = 0;
	do {
		status = parse_level_name(p, &level);
		if (status)
			return status;
		p->selected |= 1u << level;
	} while (p->rest[strspn(p->rest, " \t\r\n")] != '\0');
	return 0;
}

/* Reads "bits 4:0" (the entry says how many) or "bits 5". */
static int parse_next_bits(struct pw_parser *p, struct pw_rule *rule)
{
	const char *word = p->rest + strspn(p->rest, " \t");
	uint64_t number;
	int status;

	if (memchr(word, ':', strcspn(word, " \t\r\n"))) {
		rule->bits_from_entry = true;
		return pw_parse_field(p, "'bits'", &rule->bits);
	}
	status = pw_parse_number(p, "the number of index bits", 24, &number);
	if (status == 0)
		rule->next_bits = (uint8_t)number;
	return status;
}

/* Reads everything after the first word of a rule. *has_next: it names the next level. */
static int parse_rule_rest(struct pw_parser *p, struct pw_rule *rule, bool *has_next)
{
	int status = 0;

	*has_next = false;
	for (;;) {
		if (status)
			return status;
		if (rule->kind == PW_TABLE && pw_parse_take(p, "to")) {
			*has_next = true;
			status = parse_level_name(p, &rule->next);
		} else if (rule->kind == PW_TABLE && pw_parse_take(p, "bits")) {
			status = parse_next_bits(p, rule);
		} else if (rule->kind == PW_TABLE && pw_parse_take(p, "length")) {
			rule->has_length = true;
			status = pw_parse_field(p, "'length'", &rule->from);
			if (status == 0)
				status = pw_parse_field(p, "the second field of 'length'",
							&rule->upto);
		} else if (pw_parse_take(p, "at")) {
			status = pw_parse_address(p, &rule->address);
		} else {
			return pw_parse_when(p, &rule->when);
		}
	}
}

static int parse_rule(struct pw_parser *p, enum pw_kind kind, enum pw_status hole)
{
	struct pw_rule rule = { .kind = (uint8_t)kind, .status = (uint8_t)hole, .line = p->line };
	bool has_next, has_page = kind != PW_HOLE || hole == PW_PROT_NONE;
	int status = parse_rule_rest(p, &rule, &has_next);

	if (status)
		return status;
	if (has_page != (rule.address.count > 0))
		return pw_parse_fail(
			p, has_page ? "an entry that leads somewhere needs 'at' and the bits "
				      "of its address"
				    : "an entry that leads nowhere has no 'at'");
	if (rule.has_length && rule.from.high - rule.from.low != rule.upto.high - rule.upto.low)
		return pw_parse_fail(p,
				     "both fields of 'length' must have the same number of bits");
	for (unsigned level = 0; level < p->d->format.levels; level++) {
		struct pw_described_level *described = &p->d->level[level];

		if (!(p->selected & 1u << level))
			continue;
		if (kind == PW_TABLE && !has_next)
			rule.next = (uint8_t)(level - 1);
		if (kind == PW_TABLE && (level == 0 || rule.next >= level))
			return pw_parse_fail(
				p, "an entry of level %s cannot lead to a table of level %s",
				p->d->level_name[level],
				level == 0 && !has_next ? "below it: it is the lowest"
							: p->d->level_name[rule.next]);
		if (described->rules == PW_DESCRIBED_RULES)
			return pw_parse_fail(p, "there are more than %u rules for level %s",
					     PW_DESCRIBED_RULES, p->d->level_name[level]);
		described->rule[described->rules++] = rule;
		if (kind == PW_LEAF)
			p->d->format.leaf_levels |= (uint8_t)(1u << level);
	}
	return 0;
}

static int add_trait(struct pw_parser *p, struct pw_trait *trait)
{
	int status = pw_parse_when(p, &trait->when);

	for (unsigned level = 0; status == 0 && level < p->d->format.levels; level++) {
		struct pw_described_level *described = &p->d->level[level];

		if (!(p->selected & 1u << level))
			continue;
		if (described->traits == PW_DESCRIBED_TRAITS)
			return pw_parse_fail(p,
					     "there are more than %u attribute lines for level %s",
					     PW_DESCRIBED_TRAITS, p->d->level_name[level]);
		described->trait[described->traits++] = *trait;
	}
	return status;
}

static int parse_size(struct pw_parser *p)
{
	struct pw_trait trait = { .use = PW_TRAIT_SIZE };
	uint64_t lg2;
	int status;

	if (pw_parse_take(p, "ones")) {
		trait.use = PW_TRAIT_ONES;
		status = pw_parse_field(p, "'size ones'", &trait.ones);
	} else {
		status = pw_parse_number(p, "log2 of the page's size", 63, &lg2);
		if (status)
			return status;
		trait.value = (uint32_t)lg2;
	}
	/* Several entries may make up a page. Nobody asks for the sizes, so one bit is enough. */
	for (unsigned level = 0; level < p->d->format.levels; level++)
		if (p->selected & 1u << level)
			p->d->format.groups[level] |= 1;
	return status ? status : add_trait(p, &trait);
}

/* Reads a statement that has to follow an `entries` line. */
static int parse_meaning(struct pw_parser *p, const char *word)
{
	const struct word *known = find_word(holes, word);

	if (!p->selected)
		return pw_parse_fail(
			p,
			"'%s' is not expected here: either an entries line must come first, or this is "
			"not a word of the grammar; see pagewalk-format(5)",
			word);
	if (known)
		return parse_rule(p, PW_HOLE, (enum pw_status)known->value);
	if (strcmp(word, "table") == 0)
		return parse_rule(p, PW_TABLE, PW_OK);
	if (strcmp(word, "leaf") == 0)
		return parse_rule(p, PW_LEAF, PW_OK);
	if (strcmp(word, "size") == 0)
		return parse_size(p);
	known = find_word(attributes, word);
	if (known)
		return add_trait(p,
				 &(struct pw_trait){ .use = PW_TRAIT_HAS, .value = known->value });
	if (strcmp(word, "deny") == 0) {
		known = find_word(attributes, pw_parse_word(p));
		if (!known || (known->value & ~DENIABLE))
			return pw_parse_fail(
				p, "'deny' needs read, write, exec, user-exec, kernel-exec or "
				   "user");
		return add_trait(p,
				 &(struct pw_trait){ .use = PW_TRAIT_DENY, .value = known->value });
	}
	if (strcmp(word, "give") == 0) {
		if (!pw_parse_take(p, "global"))
			return pw_parse_fail(p,
					     "'give' needs global: a table can give nothing else "
					     "to the pages below it");
		return add_trait(p, &(struct pw_trait){ .use = PW_TRAIT_DENY, .value = PW_GLOBAL });
	}
	if (strcmp(word, "memory") == 0) {
		struct pw_trait trait = { 0 };
		int status = pw_parse_memory(p, &trait);

		return status ? status : add_trait(p, &trait);
	}
	return pw_parse_fail(p, "'%s' is not a word of the grammar; see pagewalk-format(5)", word);
}

/* Reads "config WORD...": options with which Linux can be built on this machine. */
static int parse_config(struct pw_parser *p)
{
	const char *word;

	p->d->format.config = 0;
	while ((word = pw_parse_word(p))) {
		unsigned bit = pw_parse_config(word);

		if (!bit)
			return pw_parse_fail(p,
					     "'config' needs memory-failure, device-private or "
					     "pte-marker, not '%s'",
					     word);
		p->d->format.config |= (uint8_t)bit;
	}
	return 0;
}

static int parse_statement(struct pw_parser *p, const char *word)
{
	struct pw_description *d = p->d;

	if (strcmp(word, "format") == 0)
		return copy_text(p, "name of the format", pw_parse_word(p), d->name,
				 sizeof(d->name));
	if (strcmp(word, "title") == 0)
		return copy_text(p, "title", pw_parse_text(p), d->title, sizeof(d->title));
	if (strcmp(word, "root") == 0)
		return copy_text(p, "name of the root word", pw_parse_text(p), d->root_name,
				 sizeof(d->root_name));
	if (strcmp(word, "entry") == 0)
		return parse_entry(p);
	if (strcmp(word, "prefixing") == 0) {
		d->format.prefixed = true;
		return 0;
	}
	if (strcmp(word, "encryption") == 0) {
		d->encryption = true;
		return 0;
	}
	if (strcmp(word, "config") == 0)
		return parse_config(p);
	if (strcmp(word, "level") == 0)
		return parse_level(p);
	if (strcmp(word, "span") == 0)
		return parse_span(p);
	if (strcmp(word, "refuse") == 0)
		return parse_refuse(p);
	if (strcmp(word, "entries") == 0)
		return parse_entries(p);
	return parse_meaning(p, word);
}

static int parse_line(struct pw_parser *p, char *line)
{
	const char *word;
	int status;

	line[strcspn(line, "#")] = '\0';
	/* Texts of the file are shown to people, so nothing in it may control a terminal. */
	for (const char *c = line; *c;) {
		bool shown;
		size_t bytes = pw_escape_character(c, &shown);

		if (!shown && !strchr("\t\r\n", *c))
			return pw_parse_fail(p,
					     "column %u has a control character, or is not UTF-8",
					     (unsigned)(c - line) + 1);
		c += bytes;
	}
	p->rest = line;
	word = pw_parse_word(p);
	status = word ? parse_statement(p, word) : 0;
	word = status == 0 ? pw_parse_word(p) : NULL;
	return word ? pw_parse_fail(p, "'%s' is not expected here", word) : status;
}

/* Checks that nothing is missing from the whole file. */
static int check(struct pw_parser *p)
{
	struct pw_description *d = p->d;
	struct pw_format *format = &d->format;

	if (d->name[0] == '\0')
		return pw_parse_fail(p, "the file has no line 'format NAME'");
	if (format->entry_lg2 == 0)
		return pw_parse_fail(
			p, "the file has no line 'entry BYTES little' or 'entry BYTES big'");
	if (format->levels == 0)
		return pw_parse_fail(p, "the file has no line 'level NAME SHIFT BITS'");
	if (d->spans == 0)
		return pw_parse_fail(p, "the file has no line 'span FIRST LAST at BITS'");
	for (unsigned level = 0; level < format->levels; level++) {
		const struct pw_described_level *described = &d->level[level];
		const struct pw_rule *last;

		if (described->rules == 0)
			return pw_parse_fail(p, "no rule says what entries of level %s are",
					     d->level_name[level]);
		last = &described->rule[described->rules - 1];
		p->line = last->line;
		if (last->when.count > 0)
			return pw_parse_fail(
				p,
				"the last rule for level %s must have no condition, so that "
				"every entry is something; add 'malformed' or 'none'",
				d->level_name[level]);
	}
	return 0;
}

/* Fills the parts of the format that follow from the description. */
static void publish(struct pw_description *d)
{
	struct pw_format *format = &d->format;

	format->name = d->name;
	format->title = d->title[0] ? d->title : d->name;
	format->root_name = d->root_name[0] ? d->root_name : "root word";
	for (unsigned level = 0; level < format->levels; level++)
		format->level_name[level] = d->level_name[level];
	format->dynamic_top = true;
	format->root = pw_described_root;
	format->instance = &d->instance;
	d->instance = pw_described_instance;
	d->instance.format = format;
}

/* Reads @text line by line; a NUL follows its @bytes bytes. */
static int parse_text(struct pw_parser *p, char *text, size_t bytes)
{
	for (size_t at = 0; at < bytes;) {
		char *line = text + at, *end = memchr(line, '\n', bytes - at);
		size_t length = end ? (size_t)(end - line) : bytes - at;
		int status;

		line[length] = '\0';
		p->line++;
		if (strlen(line) != length)
			return pw_parse_fail(
				p, "the line has a NUL byte, but a description is a text file");
		status = parse_line(p, line);
		if (status)
			return status;
		at += length + 1;
	}
	return check(p);
}

int pw_format_load(const char *path, const struct pw_format **format_ret, struct pw_error *error)
{
	struct pw_parser p = { .path = path, .error = error };
	char *text;
	size_t bytes;
	int status;

	if (!path || !format_ret)
		return pw_fail_null(error, path ? "format_ret" : "path");
	status = pw_parse_read(path, &text, &bytes, error);
	if (status)
		return status;
	p.d = calloc(1, sizeof(*p.d));
	if (p.d)
		status = parse_text(&p, text, bytes);
	else
		status = pw_fail(error, ENOMEM, "out of memory");
	free(text);
	if (status) {
		free(p.d);
		return status;
	}
	if (p.d->format.max_roots == 0)
		p.d->format.max_roots = 1;
	publish(p.d);
	*format_ret = &p.d->format;
	return 0;
}

void pw_format_unload(const struct pw_format *format)
{
	/* The library's own formats are constants, and are not freed. */
	if (format && format->root == pw_described_root)
		free((struct pw_description *)(uintptr_t)format);
}
