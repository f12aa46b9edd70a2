/* SPDX-License-Identifier: MIT */
/* What each verb of a script wants. run.c does what it says. */
#include <string.h>
#include <sys/mman.h>

#include <linux/mman.h>

#include "cli/sim/sim.h"
#include "cli/tool.h"

/* A word that stands for a number. */
struct choice {
	const char *name;
	int value;
};

static const struct choice *chosen(const struct choice *list, const char *word)
{
	for (; list->name; list++)
		if (strcmp(list->name, word) == 0)
			return list;
	return NULL;
}

/* The names of a list, for a message. */
static const char *names(const struct choice *list, char text[SIM_TEXT])
{
	size_t used = 0;

	text[0] = '\0';
	for (; list->name; list++)
		used += (size_t)snprintf(text + used, SIM_TEXT - used, "%s%s", used ? ", " : "",
					 list->name);
	return text;
}

static bool one_of(struct sim_line *line, const char *what, const struct choice *list,
		   int *value_ret)
{
	const struct choice *choice;
	char word[SIM_NAME], text[SIM_TEXT];

	if (!sim_word(line, word, sizeof(word)))
		return sim_wrong(line, "%s is missing here: %s", what, names(list, text));
	choice = chosen(list, word);
	if (!choice)
		return sim_wrong(line, "'%s' is not %s: %s", word, what, names(list, text));
	*value_ret = choice->value;
	return true;
}

/* Any of the list's words, in any order, up to the end of the line. */
static bool several(struct sim_line *line, const char *what, const struct choice *list,
		    int *value_ret)
{
	while (!sim_at_end(line)) {
		int value;

		if (!one_of(line, what, list, &value))
			return false;
		*value_ret |= value;
	}
	return true;
}

static bool va_and_bytes(struct sim_line *line, struct sim_statement *s)
{
	return sim_bytes(line, "an address", &s->va) && sim_bytes(line, "a length", &s->bytes);
}

static bool nothing(struct sim_line *line, struct sim_statement *s)
{
	(void)line;
	(void)s;
	return true;
}

static bool only_va(struct sim_line *line, struct sim_statement *s)
{
	return sim_bytes(line, "an address", &s->va);
}

static bool only_bytes(struct sim_line *line, struct sim_statement *s)
{
	return sim_bytes(line, "a length", &s->bytes);
}

static bool offset_and_bytes(struct sim_line *line, struct sim_statement *s)
{
	return sim_bytes(line, "an offset", &s->offset) && sim_bytes(line, "a length", &s->bytes);
}

/* ---- the machine ---- */

static bool expect(struct sim_line *line, struct sim_statement *s)
{
	if (!sim_word(line, s->text, sizeof(s->text)))
		return sim_wrong(line, "what is expected: done, EFAULT, maperr, \"text\", ...");
	return true;
}

static bool new_mm(struct sim_line *line, struct sim_statement *s)
{
	return sim_name(line, "an address space", s->name);
}

static bool new_file(struct sim_line *line, struct sim_statement *s)
{
	return sim_name(line, "a file", s->name) && sim_bytes(line, "its length", &s->bytes);
}

static bool new_device(struct sim_line *line, struct sim_statement *s)
{
	char word[SIM_NAME];

	if (!sim_name(line, "a device", s->name) ||
	    !sim_bytes(line, "its physical address", &s->to) ||
	    !sim_bytes(line, "its length", &s->bytes))
		return false;
	if (sim_at_end(line))
		return true;
	sim_word(line, word, sizeof(word));
	if (strcmp(word, "leaves") != 0)
		return sim_wrong(line, "'%s': only `leaves SIZE' can follow, the largest leaf",
				 word);
	return sim_bytes(line, "the size of a leaf", &s->more);
}

/* ---- address spaces ---- */

static bool protection(struct sim_line *line, int *prot_ret)
{
	char word[SIM_NAME];

	if (!sim_word(line, word, sizeof(word)))
		return sim_wrong(line, "the permissions are missing here: r, rw, rx, rwx, or none");
	*prot_ret = PROT_NONE;
	if (strcmp(word, "none") == 0)
		return true;
	for (const char *c = word; *c; c++) {
		if (*c == 'r')
			*prot_ret |= PROT_READ;
		else if (*c == 'w')
			*prot_ret |= PROT_WRITE;
		else if (*c == 'x')
			*prot_ret |= PROT_EXEC;
		else
			return sim_wrong(line, "'%s' are not permissions: r, rw, rx, rwx, or none",
					 word);
	}
	return true;
}

static const struct choice map_flags[] = {
	{ "shared", MAP_SHARED },
	{ "private", MAP_PRIVATE },
	{ "fixed", MAP_FIXED },
	{ "populate", MAP_POPULATE },
	{ "locked", MAP_LOCKED },
	{ "stack", MAP_GROWSDOWN },
	{ "hugetlb", MAP_HUGETLB },
	{ "noreserve", MAP_NORESERVE },
	{ "noreplace", MAP_FIXED_NOREPLACE },
	{ NULL, 0 },
};

/* mmap VA BYTES PROT [FILE [OFFSET]] [shared] ... */
static bool map(struct sim_line *line, struct sim_statement *s)
{
	char word[SIM_NAME], text[SIM_TEXT];

	if (!va_and_bytes(line, s) || !protection(line, &s->prot))
		return false;
	while (!sim_at_end(line)) {
		const struct choice *flag;

		sim_word(line, word, sizeof(word));
		flag = chosen(map_flags, word);
		if (flag) {
			s->flags |= flag->value;
		} else if (s->name[0] && sim_number(line, word, &s->offset)) {
			continue;
		} else if (!s->name[0]) {
			line->at = line->word;
			if (!sim_name(line, "a file", s->name))
				return false;
		} else {
			return sim_wrong(line, "'%s' is neither a flag of mmap nor an offset: %s",
					 word, names(map_flags, text));
		}
	}
	if (!(s->flags & MAP_SHARED))
		s->flags |= MAP_PRIVATE;
	return true;
}

static bool protect(struct sim_line *line, struct sim_statement *s)
{
	return va_and_bytes(line, s) && protection(line, &s->prot);
}

static const struct choice remap_flags[] = {
	{ "maymove", MREMAP_MAYMOVE },
	{ "dontunmap", MREMAP_DONTUNMAP | MREMAP_MAYMOVE },
	{ NULL, 0 },
};

/* mremap VA BYTES NEW-BYTES [to VA] [maymove] [dontunmap] */
static bool remap(struct sim_line *line, struct sim_statement *s)
{
	const char *was;
	char word[SIM_NAME];

	if (!va_and_bytes(line, s) || !sim_bytes(line, "the new length", &s->more))
		return false;
	was = line->at;
	if (sim_word(line, word, sizeof(word)) && strcmp(word, "to") == 0) {
		s->has_to = true;
		s->flags = MREMAP_FIXED | MREMAP_MAYMOVE;
		if (!sim_bytes(line, "the new address", &s->to))
			return false;
	} else {
		line->at = was;
	}
	return several(line, "a flag of mremap", remap_flags, &s->flags);
}

static const struct choice advices[] = {
	{ "normal", MADV_NORMAL },
	{ "random", MADV_RANDOM },
	{ "sequential", MADV_SEQUENTIAL },
	{ "willneed", MADV_WILLNEED },
	{ "dontneed", MADV_DONTNEED },
	{ "free", MADV_FREE },
	{ "cold", MADV_COLD },
	{ "pageout", MADV_PAGEOUT },
	{ "hugepage", MADV_HUGEPAGE },
	{ "nohugepage", MADV_NOHUGEPAGE },
	{ "collapse", 25 /* MADV_COLLAPSE, which older headers lack */ },
	{ "populate-read", MADV_POPULATE_READ },
	{ "populate-write", MADV_POPULATE_WRITE },
	{ "dontneed-locked", 24 /* MADV_DONTNEED_LOCKED */ },
	{ "dontdump", MADV_DONTDUMP },
	{ "dodump", MADV_DODUMP },
	{ "dontfork", MADV_DONTFORK },
	{ "dofork", MADV_DOFORK },
	{ "wipeonfork", MADV_WIPEONFORK },
	{ "keeponfork", MADV_KEEPONFORK },
	{ "remove", MADV_REMOVE },
	{ "guard-install", 102 },
	{ "guard-remove", 103 },
	{ NULL, 0 },
};

static bool advise(struct sim_line *line, struct sim_statement *s)
{
	return va_and_bytes(line, s) && one_of(line, "an advice", advices, &s->advice);
}

static const struct choice accesses[] = {
	{ "read", 0 }, { "write", 1 }, { "exec", 2 }, { NULL, 0 }
};

static bool touch(struct sim_line *line, struct sim_statement *s)
{
	return va_and_bytes(line, s) && one_of(line, "an access", accesses, &s->advice);
}

/* write VA "text" [force] */
static bool write_text(struct sim_line *line, struct sim_statement *s)
{
	static const struct choice force[] = { { "force", 1 }, { NULL, 0 } };
	char word[SIM_TEXT];

	if (!only_va(line, s))
		return false;
	if (!sim_word(line, word, sizeof(word)) || word[0] != '"')
		return sim_wrong(line, "a text in \" \" is missing here");
	memcpy(s->text, word + 1, strlen(word) - 2);
	s->text[strlen(word) - 2] = '\0';
	return several(line, "how to write", force, &s->flags);
}

static bool read_text(struct sim_line *line, struct sim_statement *s)
{
	if (!va_and_bytes(line, s))
		return false;
	if (s->bytes == 0 || s->bytes >= SIM_TEXT - 2)
		return sim_wrong(line, "1 to %d bytes can be read at once", SIM_TEXT - 3);
	return true;
}

static const struct choice pin_flags[] = {
	{ "read", 0 },
	{ "write", PW_PIN_WRITE },
	{ "longterm", PW_PIN_LONGTERM },
	{ "get", PW_PIN_GET },
	{ "force", PW_PIN_FORCE },
	{ "nofault", PW_PIN_NOFAULT },
	{ "nowait", PW_PIN_NOWAIT },
	{ "dump", PW_PIN_DUMP },
	{ "hwpoison", PW_PIN_HWPOISON },
	{ "anon", PW_PIN_ANON },
	{ "split", PW_PIN_SPLIT },
	{ "numa", PW_PIN_NUMA },
	{ "fast-only", PW_PIN_FAST_ONLY },
	{ NULL, 0 },
};

/* pin NAME VA BYTES [write] [longterm] ... */
static bool pin(struct sim_line *line, struct sim_statement *s)
{
	int flags = 0;

	if (!sim_name(line, "the pin", s->name) || !va_and_bytes(line, s) ||
	    !several(line, "a purpose of a pin", pin_flags, &flags))
		return false;
	s->pin = (unsigned)flags;
	if (s->bytes == 0 || s->bytes > SIM_PIN_PAGES * line->page)
		return sim_wrong(line, "1 to %d pages can be pinned at once", SIM_PIN_PAGES);
	return true;
}

/* put OFFSET "text": a device stores through the pin. */
static bool put(struct sim_line *line, struct sim_statement *s)
{
	char word[SIM_TEXT];

	if (!sim_bytes(line, "an offset", &s->offset))
		return false;
	if (!sim_word(line, word, sizeof(word)) || word[0] != '"')
		return sim_wrong(line, "a text in \" \" is missing here");
	memcpy(s->text, word + 1, strlen(word) - 2);
	s->text[strlen(word) - 2] = '\0';
	return true;
}

const struct sim_verb_info sim_verbs[SIM_VERBS] = {
	[SIM_EXPECT] = { "expect", SIM_NOTHING, "expect WORD|\"text\"", expect, SIM_NOTHING },
	[SIM_MM] = { "mm", SIM_NOTHING, "mm NAME", new_mm, SIM_IS_MM },
	[SIM_FILE] = { "file", SIM_NOTHING, "file NAME LENGTH", new_file, SIM_IS_FILE },
	[SIM_SHARED] = { "shmem", SIM_NOTHING, "shmem NAME LENGTH", new_file, SIM_IS_FILE },
	[SIM_HUGETLB] = { "hugetlb", SIM_NOTHING, "hugetlb NAME LENGTH", new_file, SIM_IS_FILE },
	[SIM_SECRET] = { "secret", SIM_NOTHING, "secret NAME LENGTH", new_file, SIM_IS_FILE },
	[SIM_DEVICE] = { "device", SIM_NOTHING, "device NAME PA LENGTH [leaves SIZE]", new_device,
			 SIM_IS_DEVICE },
	[SIM_RECLAIM] = { "reclaim", SIM_NOTHING, "reclaim LENGTH", only_bytes, SIM_NOTHING },
	[SIM_MMAP] = { "mmap", SIM_IS_MM,
		       "A: mmap VA LENGTH r|rw|... [FILE [OFFSET]] [shared] [fixed] ...", map,
		       SIM_NOTHING },
	[SIM_MUNMAP] = { "munmap", SIM_IS_MM, "A: munmap VA LENGTH", va_and_bytes, SIM_NOTHING },
	[SIM_MPROTECT] = { "mprotect", SIM_IS_MM, "A: mprotect VA LENGTH r|rw|...", protect,
			   SIM_NOTHING },
	[SIM_MREMAP] = { "mremap", SIM_IS_MM,
			 "A: mremap VA LENGTH NEW-LENGTH [to VA] [maymove] [dontunmap]", remap,
			 SIM_NOTHING },
	[SIM_MADVISE] = { "madvise", SIM_IS_MM, "A: madvise VA LENGTH ADVICE", advise,
			  SIM_NOTHING },
	[SIM_MLOCK] = { "mlock", SIM_IS_MM, "A: mlock VA LENGTH", va_and_bytes, SIM_NOTHING },
	[SIM_MUNLOCK] = { "munlock", SIM_IS_MM, "A: munlock VA LENGTH", va_and_bytes, SIM_NOTHING },
	[SIM_MSYNC] = { "msync", SIM_IS_MM, "A: msync VA LENGTH", va_and_bytes, SIM_NOTHING },
	[SIM_MINCORE] = { "mincore", SIM_IS_MM, "A: mincore VA LENGTH", va_and_bytes, SIM_NOTHING },
	[SIM_TOUCH] = { "touch", SIM_IS_MM, "A: touch VA LENGTH read|write|exec", touch,
			SIM_NOTHING },
	[SIM_WRITE] = { "write", SIM_IS_MM, "A: write VA \"text\" [force]", write_text,
			SIM_NOTHING },
	[SIM_READ] = { "read", SIM_IS_MM, "A: read VA LENGTH", read_text, SIM_NOTHING },
	[SIM_FORK] = { "fork", SIM_IS_MM, "A: fork NAME", new_mm, SIM_IS_MM },
	[SIM_EXIT] = { "exit", SIM_IS_MM, "A: exit", nothing, SIM_NOTHING },
	[SIM_PIN] = { "pin", SIM_IS_MM, "A: pin NAME VA LENGTH [write] [longterm] [force] ...", pin,
		      SIM_IS_PIN },
	[SIM_MIGRATE] = { "migrate", SIM_IS_MM, "A: migrate VA", only_va, SIM_NOTHING },
	[SIM_POISON] = { "poison", SIM_IS_MM, "A: poison VA", only_va, SIM_NOTHING },
	[SIM_SPLIT] = { "split", SIM_IS_MM, "A: split VA", only_va, SIM_NOTHING },
	[SIM_COLLAPSE] = { "collapse", SIM_IS_MM, "A: collapse", nothing, SIM_NOTHING },
	[SIM_NUMA] = { "numa-hint", SIM_IS_MM, "A: numa-hint VA LENGTH", va_and_bytes,
		       SIM_NOTHING },
	[SIM_TRUNCATE] = { "truncate", SIM_IS_FILE, "F: truncate LENGTH", only_bytes, SIM_NOTHING },
	[SIM_PUNCH] = { "punch", SIM_IS_FILE, "F: punch OFFSET LENGTH", offset_and_bytes,
			SIM_NOTHING },
	[SIM_SYNC] = { "sync", SIM_IS_FILE, "F: sync", nothing, SIM_NOTHING },
	[SIM_REVOKE] = { "revoke", SIM_IS_DEVICE, "D: revoke OFFSET LENGTH", offset_and_bytes,
			 SIM_NOTHING },
	[SIM_CLOSE] = { "close", SIM_IS_FILE, "F: close", nothing, SIM_NOTHING },
	[SIM_UNPIN] = { "unpin", SIM_IS_PIN, "P: unpin", nothing, SIM_NOTHING },
	[SIM_PUT] = { "put", SIM_IS_PIN, "P: put OFFSET \"text\"", put, SIM_NOTHING },
	[SIM_GET] = { "get", SIM_IS_PIN, "P: get OFFSET LENGTH", offset_and_bytes, SIM_NOTHING },
};
