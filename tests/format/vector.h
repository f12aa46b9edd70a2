/* SPDX-License-Identifier: MIT */
/*
 * Golden vectors: one entry and its meaning, in either view. Each is a test of its own, named after the fact
 * that it checks. The values are worked out by hand from the manuals and kernel headers that the format's
 * header names; they never come from the output of the format.
 */
#ifndef PW_TEST_VECTOR_H
#define PW_TEST_VECTOR_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "format/format.h"

/* The meaning of an entry in one view. */
struct meaning {
	enum pw_kind kind;
	enum pw_status status; /* of a hole */
	pw_pa pa; /* of a table, a leaf, or the page behind PROT_NONE */
	unsigned lg2; /* of a leaf */
	const char *prot;
	unsigned flags; /* the attributes that are not permissions */
	enum pw_memtype memtype;
	bool differs; /* in .in_linux: the Linux view differs from the hardware view */
};

struct vector {
	const char *fact;
	const char *format;
	unsigned kernel; /* 0: 6.1 */
	unsigned level;
	uint64_t entry;
	struct meaning hardware, in_linux;
	uint64_t root; /* 0: the root that make_root() gives */
};

/* If the two views agree, one meaning is enough; else LINUX(...) gives the second. */
#define LEAF(at, size_lg2, letters, others)                                        \
	{                                                                          \
		.kind = PW_LEAF, .pa = (at), .lg2 = (size_lg2), .prot = (letters), \
		.flags = (others)                                                  \
	}
#define LEAF_OF_TYPE(at, size_lg2, letters, others, type)                          \
	{                                                                          \
		.kind = PW_LEAF, .pa = (at), .lg2 = (size_lg2), .prot = (letters), \
		.flags = (others), .memtype = (type)                               \
	}
#define LINUX_LEAF(at, size_lg2, letters, others)                                  \
	{                                                                          \
		.kind = PW_LEAF, .pa = (at), .lg2 = (size_lg2), .prot = (letters), \
		.flags = (others), .differs = true                                 \
	}
#define TABLE(at)                            \
	{                                    \
		.kind = PW_TABLE, .pa = (at) \
	}
#define HOLE(why)                                \
	{                                        \
		.kind = PW_HOLE, .status = (why) \
	}
#define LINUX_HOLE(why)                                           \
	{                                                         \
		.kind = PW_HOLE, .status = (why), .differs = true \
	}
#define LINUX_PROT_NONE(at)                                                          \
	{                                                                            \
		.kind = PW_HOLE, .status = PW_PROT_NONE, .pa = (at), .differs = true \
	}

static inline void vector_text(enum pw_view view, const char *what, const char *got,
			       const char *want)
{
	if (strcmp(got, want) != 0)
		fail_msg("%s view: %s %s, not %s", view == PW_VIEW_LINUX ? "Linux" : "hardware",
			 what, got, want);
}

static inline void vector_number(enum pw_view view, const char *what, uint64_t got, uint64_t want)
{
	char texts[2][32];

	snprintf(texts[0], sizeof(texts[0]), "0x%llx", (unsigned long long)got);
	snprintf(texts[1], sizeof(texts[1]), "0x%llx", (unsigned long long)want);
	vector_text(view, what, texts[0], texts[1]);
}

static inline void vector_check_view(const struct vector *vector, enum pw_view view)
{
	static const char *const kinds[] = { "hole", "table", "leaf" };
	static const unsigned others = PW_ACCESSED | PW_DIRTY | PW_GLOBAL | PW_SPECIAL |
				       PW_CONTIGUOUS | PW_SHADOW_STACK;
	const struct pw_format *format = pw_format_find(vector->format);
	const struct meaning *want = view == PW_VIEW_LINUX && vector->in_linux.differs
					     ? &vector->in_linux
					     : &vector->hardware;
	struct pw_regime_options options = { .view = view, .kernel = (uint16_t)vector->kernel };
	unsigned level = vector->level;
	uint64_t entry = vector->entry;
	struct pw_regime regime;
	struct pw_error error;
	uint64_t root;
	uint32_t attr;
	char prot[5];

	assert_non_null(format);
	regime = (struct pw_regime){ .format = format };
	root = vector->root ? vector->root
			    : format->make_root(format, &regime, 0, format->levels - 1u);
	if (pw_regime_init(&regime, format, &root, 1, &options, &error))
		fail_msg("%s", error.text);
	vector_text(view, "the entry is a", kinds[format->kind(format, &regime, level, entry)],
		    kinds[want->kind]);
	if (want->kind == PW_TABLE) {
		vector_number(view, "the table is at", format->table(format, &regime, level, entry),
			      want->pa);
		return;
	}
	if (want->kind == PW_HOLE) {
		pw_pa pa = 0;

		vector_text(view, "the hole is",
			    pw_status_name(format->hole(format, &regime, level, entry, &pa)),
			    pw_status_name(want->status));
		if (want->status == PW_PROT_NONE)
			vector_number(view, "the page that nobody may use is at", pa, want->pa);
		return;
	}
	vector_number(view, "the page is at", format->page(format, &regime, level, entry),
		      want->pa);
	vector_number(view, "log2 of the page's size is",
		      format->page_lg2 ? format->page_lg2(format, &regime, level, entry)
				       : format->shift[level],
		      want->lg2);
	attr = pw_attr_settle(format->attr(format, &regime, level, entry), PW_KEEP_ALL);
	vector_text(view, "the permissions are", pw_prot_string(attr, prot), want->prot);
	vector_number(view, "the other attributes (enum pw_attr) are", attr & others, want->flags);
	vector_number(view, "the memory type (enum pw_memtype) is", attr >> PW_MEMTYPE_SHIFT,
		      want->memtype);
}

static inline void vector_check(void **state)
{
	vector_check_view(*state, PW_VIEW_HARDWARE);
	vector_check_view(*state, PW_VIEW_LINUX);
}

/* Appends a test for each vector to @tests. */
static inline size_t vector_tests(const struct vector *vector, size_t count,
				  struct CMUnitTest *tests)
{
	for (size_t i = 0; i < count; i++) {
		char name[200];

		snprintf(name, sizeof(name), "%s: %s", vector[i].format, vector[i].fact);
		tests[i] = (struct CMUnitTest){
			.name = strdup(name),
			.test_func = vector_check,
			.initial_state = (void *)(uintptr_t)&vector[i],
		};
	}
	return count;
}

/* A root word, and the spans that it decodes to; or a word of the sentence that refuses it. */
struct root_vector {
	const char *fact;
	const char *format;
	unsigned count;
	uint64_t word[PW_MAX_ROOTS];
	const char *refused; /* part of the error's text; NULL: accepted */
	unsigned spans;
	struct pw_span span[PW_MAX_ROOTS];
};

static inline void root_check(void **state)
{
	const struct root_vector *vector = *state;
	const struct pw_format *format = pw_format_find(vector->format);
	struct pw_regime regime;
	struct pw_error error;
	int code;

	assert_non_null(format);
	code = pw_regime_init(&regime, format, vector->word, vector->count, NULL, &error);
	if (vector->refused) {
		assert_int_equal(code, -EINVAL);
		if (!strstr(error.text, vector->refused))
			fail_msg("no \"%s\" in: %s", vector->refused, error.text);
		return;
	}
	if (code)
		fail_msg("%s", error.text);
	assert_int_equal(regime.spans, vector->spans);
	for (unsigned i = 0; i < vector->spans; i++) {
		const struct pw_span *got = &regime.span[i], *want = &vector->span[i];

		assert_int_equal(got->first, want->first);
		assert_int_equal(got->last, want->last);
		assert_int_equal(got->table, want->table);
		assert_int_equal(got->top, want->top);
		assert_int_equal(got->top_bits, want->top_bits);
		assert_int_equal(got->top_last, want->top_last);
		assert_int_equal(got->alias, want->alias);
	}
}

static inline size_t root_tests(const struct root_vector *vector, size_t count,
				struct CMUnitTest *tests)
{
	for (size_t i = 0; i < count; i++) {
		char name[200];

		snprintf(name, sizeof(name), "%s root: %s", vector[i].format, vector[i].fact);
		tests[i] = (struct CMUnitTest){
			.name = strdup(name),
			.test_func = root_check,
			.initial_state = (void *)(uintptr_t)&vector[i],
		};
	}
	return count;
}

/* Runs both as one group and releases the names. */
static inline int vectors_run(const char *group, const struct vector *vector, size_t vectors,
			      const struct root_vector *root, size_t roots)
{
	struct CMUnitTest *tests = calloc(vectors + roots, sizeof(*tests));
	size_t count;
	int failed;

	if (!tests)
		return 1;
	count = vector_tests(vector, vectors, tests);
	count += root_tests(root, roots, tests + count);
	failed = _cmocka_run_group_tests(group, tests, count, NULL, NULL);
	for (size_t i = 0; i < count; i++)
		free((void *)(uintptr_t)tests[i].name);
	free(tests);
	return failed;
}

#endif
