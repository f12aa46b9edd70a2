/* SPDX-License-Identifier: MIT */
/*
 * Pictures of random address spaces of every format. They agree with the walk, they keep their width, and
 * every tag in them is closed.
 */
#include "machine.h"

#include <stdio.h>

#include "view/line.h"
#include "view/picture.h"

enum { ADDRESSES = 12, RANGES = 4 };

/* Returns the drawing as text; the caller frees it. */
static char *draw(const struct pw_picture *picture,
		  int (*function)(const struct pw_picture *, FILE *),
		  const struct pw_text_style *style)
{
	char *text = NULL;
	size_t bytes = 0;
	FILE *stream = open_memstream(&text, &bytes);

	assert_non_null(stream);
	assert_int_equal(
		function ? function(picture, stream) : pw_picture_text(picture, style, stream), 0);
	assert_int_equal(fclose(stream), 0);
	assert_true(bytes > 0);
	return text;
}

/* No line is too wide, ASCII text is ASCII, and no line ends in blanks. */
static void check_text(const struct pw_picture *picture)
{
	static const unsigned widths[] = { 30, 40, 71, 72, 100, 0, 163 };

	for (unsigned i = 0; i < sizeof(widths) / sizeof(widths[0]); i++)
		for (unsigned utf8 = 0; utf8 < 2; utf8++) {
			const struct pw_text_style style = { .width = widths[i], .utf8 = utf8 };
			unsigned most = widths[i] ? widths[i] : 100;
			char *text = draw(picture, NULL, &style);
			char *save = NULL;

			if (!utf8)
				for (const char *c = text; *c; c++)
					assert_true(*c == '\n' || (*c >= ' ' && *c <= '~'));
			for (char *line = strtok_r(text, "\n", &save); line;
			     line = strtok_r(NULL, "\n", &save)) {
				if (pw_line_width(line) > most)
					fail_msg("%u columns instead of %u: %s",
						 pw_line_width(line), most, line);
				assert_true(line[strlen(line) - 1] != ' ');
			}
			free(text);
		}
}

/* Every open tag is closed, in order; attributes are quoted. */
static void check_markup(const char *text, bool is_html)
{
	const char *open[64];
	unsigned depth = 0;

	for (const char *c = strchr(text, '<'); c; c = strchr(c, '<')) {
		const char *end = strchr(c, '>');
		size_t length = strcspn(c + 1, " >/\n");

		assert_non_null(end);
		if (c[1] == '!' || c[1] == '?') {
			c = end;
			continue;
		}
		if (c[1] == '/') {
			length = strcspn(c + 2, ">");
			assert_true(depth > 0);
			depth--;
			if (strncmp(open[depth], c + 2, length) != 0)
				fail_msg("%.20s closes %.20s", c, open[depth]);
		} else if (end[-1] != '/' && !(is_html && (strncmp(c, "<meta", 5) == 0 ||
							   strncmp(c, "<link", 5) == 0))) {
			assert_true(depth < 64);
			open[depth++] = c + 1;
		}
		/* The text of a style or a script is not markup. */
		if (length == 6 && strncmp(c, "<script", 7) == 0)
			end = strstr(c, "</script>") - 1;
		else if (length == 5 && strncmp(c, "<style", 6) == 0)
			end = strstr(c, "</style>") - 1;
		c = end;
	}
	assert_int_equal(depth, 0);
	assert_null(strstr(text, "nan"));
	assert_null(strstr(text, "inf\""));
}

static void check_drawings(const struct pw_picture *picture)
{
	char *svg = draw(picture, pw_picture_svg, NULL);
	char *html = draw(picture, pw_picture_html, NULL);
	char *json = draw(picture, pw_picture_json, NULL);

	check_text(picture);
	check_markup(svg, false);
	check_markup(html, true);
	assert_true(json[0] == '{' && json[strlen(json) - 2] == '}');
	free(svg);
	free(html);
	free(json);
}

/* The fields of an address together are the address. */
static void check_fields(const struct pw_picture *picture)
{
	unsigned high = picture->field[0].low + picture->field[0].bits;
	uint64_t put_together = 0;

	assert_true(high == 64 || high == 32);
	for (unsigned i = 0; i < picture->fields; i++) {
		const struct picture_field *field = &picture->field[i];

		assert_int_equal(field->low + field->bits, high);
		high = field->low;
		if (field->bits)
			put_together |= field->value << field->low;
		if (field->step >= 0)
			assert_true(picture->step[field->step].index == field->value);
	}
	assert_int_equal(high, 0);
	assert_true(put_together == picture->first);
}

/* A reason without a picture names the entry's value, and fits into what its contract says. */
static void check_reason(struct machine *machine, const struct pw_result *result)
{
	char text[480], few[8], value[24];

	assert_ptr_equal(
		pw_result_reason(machine->direct, &machine->regime, result, text, sizeof(text)),
		text);
	assert_true(text[0] && strlen(text) < sizeof(text) - 1);
	snprintf(value, sizeof(value), "0x%llx", (unsigned long long)result->entry);
	if ((result->status >= PW_NONE && result->status <= PW_PROT_NONE) ||
	    result->status == PW_MALFORMED)
		assert_non_null(strstr(text, value));
	pw_result_reason(machine->direct, &machine->regime, result, few, sizeof(few));
	assert_int_equal(strlen(few), sizeof(few) - 1);
	assert_memory_equal(few, text, sizeof(few) - 1);
}

static void check_address(struct machine *machine, pw_va va)
{
	struct pw_picture *picture;
	struct pw_result result;

	pw_translate(machine->direct, &machine->regime, va, &result);
	assert_int_equal(
		pw_picture_create(machine->direct, &machine->regime, va, va, NULL, &picture, NULL),
		0);
	assert_result(machine, "a picture", &picture->result, &result);
	assert_int_equal(pw_picture_found(picture), result.status == PW_OK);
	assert_true(picture->reason[0]);
	check_reason(machine, &result);
	check_fields(picture);
	for (unsigned i = 0; i < picture->permissions; i++) {
		static const uint32_t bit[] = { PW_READ, PW_WRITE, PW_EXEC, PW_USER };
		const struct picture_permission *permission = &picture->permission[i];

		assert_int_equal(permission->allowed, (result.attr & bit[i]) != 0);
		/* If something refuses access, the picture names it. */
		if (!permission->allowed)
			assert_true(strncmp(permission->why, "refused by ", 11) == 0 ||
				    strncmp(permission->why, "the format or its root", 22) == 0);
		else
			assert_null(strstr(permission->why, "refused by"));
	}
	check_drawings(picture);
	pw_picture_destroy(picture);
}

struct counts {
	uint64_t leaves, holes, mapped;
};

static int count_leaf(struct pw_walk *walk, const struct pw_entry *entry)
{
	struct counts *counts = walk->private_data;

	counts->leaves++;
	counts->mapped += entry->last - entry->first + 1;
	return 0;
}

static int count_hole(struct pw_walk *walk, const struct pw_entry *entry)
{
	struct counts *counts = walk->private_data;

	(void)entry;
	counts->holes++;
	return 0;
}

/* The steps of a range agree with the walk; the runs add up to all entries that were visited. */
static void check_range(struct machine *machine, pw_va first, pw_va last)
{
	static const struct pw_walk_ops ops = { .leaf = count_leaf, .hole = count_hole };
	const struct pw_picture_options options = { .rows = 5000 };
	struct counts counts = { 0 };
	struct pw_picture *picture;

	pw_walk_range(machine->direct, &machine->regime, first, last, &ops, &counts);
	assert_int_equal(pw_picture_create(machine->direct, &machine->regime, first, last, &options,
					   &picture, NULL),
			 0);
	assert_false(picture->stopped);
	assert_true(picture->leaves == counts.leaves);
	assert_true(picture->holes == counts.holes);
	assert_true(picture->mapped == counts.mapped);
	assert_int_equal(pw_picture_found(picture), counts.leaves > 0);
	for (unsigned i = 0; i < picture->steps; i++) {
		const struct picture_step *step = &picture->step[i];

		assert_true(step->parent < (int)i);
		if (step->parent >= 0) {
			assert_int_equal(picture->step[step->parent].kind, PW_TABLE);
			assert_true(picture->step[step->parent].next == step->table);
		}
		if (step->read)
			assert_true(machine_load(machine, step->at) == step->entry);
		assert_true(step->at ==
			    step->table + ((pw_pa)step->index << machine->format->entry_lg2));
		assert_true(step->first >= first && step->last <= last &&
			    step->first <= step->last);
		if (step->kind == PW_LEAF) {
			struct pw_result result;

			pw_translate(machine->direct, &machine->regime, step->first, &result);
			assert_int_equal(result.status, PW_OK);
			assert_true(step->next == result.pa - (step->first & pw_mask(step->shift)));
		}
	}
	check_drawings(picture);
	pw_picture_destroy(picture);
}

/* A picture that was stopped early says so, and is complete otherwise. */
static void check_stopped(struct machine *machine)
{
	const struct pw_picture_options options = { .rows = 2, .entries = 40 };
	struct pw_picture *picture;

	assert_int_equal(pw_picture_create(machine->direct, &machine->regime, 0, UINT64_MAX,
					   &options, &picture, NULL),
			 0);
	assert_true(picture->steps <= 2);
	if (picture->stopped)
		assert_non_null(strstr(picture->reason, "stopped at 0x"));
	check_drawings(picture);
	pw_picture_destroy(picture);
}

static void check_machine(struct machine *machine)
{
	for (unsigned i = 0; i < ADDRESSES; i++)
		check_address(machine, machine_interesting(machine));
	for (unsigned i = 0; i < RANGES; i++) {
		pw_va first = machine_interesting(machine), last;
		unsigned lg2 = 12 + (unsigned)random_below(&machine->seed, 14);

		last = first + random_below(&machine->seed, UINT64_C(1) << lg2);
		if (last > first)
			check_range(machine, first, last);
	}
	check_stopped(machine);
}

static void test_pictures(void **state)
{
	(void)state;
	for_all_machines(check_machine, 1);
}

static void test_backwards(void **state)
{
	struct pw_picture *picture;
	struct pw_error error = { "" };
	const struct pw_regime regime = { 0 };

	(void)state;
	assert_int_equal(pw_picture_create(NULL, &regime, 2, 1, NULL, &picture, &error), -EINVAL);
	assert_non_null(strstr(error.text, "0x2-0x1"));
}

/* A label with all characters that could break a drawing. */
static void check_label(struct machine *machine)
{
	const struct pw_picture_options options = {
		.label = "</script><script>alert(1)</script>\"'&\n\x1b[31m\xff\xc0\x80]]>",
	};
	struct pw_picture *picture;
	char *text;

	assert_int_equal(pw_picture_create(machine->direct, &machine->regime, 0, 0, &options,
					   &picture, NULL),
			 0);
	check_drawings(picture);
	text = draw(picture, pw_picture_html, NULL);
	assert_null(strstr(text, "alert(1)</script>\""));
	assert_non_null(strstr(text, "&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;"));
	for (const char *c = text; *c; c++)
		assert_true(*c == '\n' || *c == '\t' || (unsigned char)*c >= ' ');
	free(text);
	pw_picture_destroy(picture);
}

static void test_labels(void **state)
{
	const struct pw_regime_options options = { .view = PW_VIEW_HARDWARE };
	struct machine machine;

	(void)state;
	assert_true(machine_init(&machine, pw_format_find("x86_64"), &options, 3, 1, 1));
	check_label(&machine);
	machine_deinit(&machine);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pictures),
		cmocka_unit_test(test_backwards),
		cmocka_unit_test(test_labels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
