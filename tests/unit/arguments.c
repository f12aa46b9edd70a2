/* SPDX-License-Identifier: MIT */
/*
 * Checks what every public function does with NULL, with a count of 0, and with ranges that are not valid.
 * The rule is at the top of pagewalk.h; src/pagewalk.map lists the functions.
 */
#include "arguments.h"

#include <limits.h>
#include <stdio.h>

static uint64_t words[8 * 512];
struct pw_memory *memory;
struct pw_regime regime;
const struct pw_format *format;
struct pw_arena *arena;
struct pw_space *space;
struct pw_reader *reader;
pw_pa folio;

/* ---- formats ---- */

static void regime_init(void)
{
	const uint64_t root[2] = { 0 };
	struct pw_regime r;

	REFUSED(pw_regime_init(NULL, format, root, 1, NULL, error));
	REFUSED(pw_regime_init(&r, NULL, root, 1, NULL, error));
	REFUSED(pw_regime_init(&r, format, NULL, 1, NULL, error));
	REFUSED(pw_regime_init(&r, format, root, 0, NULL, error));
	REFUSED(pw_regime_init(&r, format, root, 2, NULL, error));
}

static void format_find(void)
{
	assert_null(pw_format_find(NULL));
	assert_null(pw_format_find(""));
}

static void format_load(void)
{
	const struct pw_format *loaded;

	REFUSED(pw_format_load(NULL, &loaded, error));
	REFUSED(pw_format_load("/dev/null", NULL, error));
}

static void format_unload(void)
{
	pw_format_unload(NULL);
	pw_format_unload(format);
}

static void format_at(void)
{
	assert_null(pw_format_at(SIZE_MAX));
}

static void names(void)
{
	assert_string_equal(pw_level_name(format, UINT_MAX), "?");
	assert_string_equal(pw_status_name((enum pw_status) - 1), "?");
	assert_string_equal(pw_stop_name((enum pw_stop) - 1), "?");
	assert_string_equal(pw_finding_name((enum pw_finding_kind) - 1), "?");
	assert_string_equal(pw_root_owner_name((enum pw_root_owner) - 1), "?");
	assert_string_equal(pw_root_proof_name((enum pw_root_proof) - 1), "?");
}

/* ---- walks ---- */

static void translate_many(void)
{
	assert_int_equal(pw_translate_many(memory, &regime, NULL, 0, NULL), 0);
}

static void walk_range(void)
{
	const struct pw_walk_ops ops = { 0 };

	REFUSED_SILENTLY(pw_walk_range(NULL, &regime, 0, 1, &ops, NULL));
	REFUSED_SILENTLY(pw_walk_range(memory, NULL, 0, 1, &ops, NULL));
	REFUSED_SILENTLY(pw_walk_range(memory, &regime, 0, 1, NULL, NULL));
	REFUSED_SILENTLY(pw_walk_range(memory, &regime, 1, 0, &ops, NULL));
	assert_int_equal(pw_walk_range(memory, &regime, 0, 1, &ops, NULL), 0);
}

static void scan_create(void)
{
	struct pw_scan *scan;

	REFUSED(pw_scan_create(NULL, &regime, 0, 1, NULL, &scan, error));
	REFUSED(pw_scan_create(memory, NULL, 0, 1, NULL, &scan, error));
	REFUSED(pw_scan_create(memory, &regime, 0, 1, NULL, NULL, error));
	REFUSED(pw_scan_create(memory, &regime, 1, 0, NULL, &scan, error));
}

static void scan_next(void)
{
	struct pw_range range;
	struct pw_scan *scan;

	assert_int_equal(pw_scan_create(memory, &regime, 0, UINT64_MAX, NULL, &scan, NULL), 0);
	pw_scan_holes(scan, true);
	assert_int_equal(pw_scan_next(scan, NULL, 0), 0);
	/* The call for no ranges did not end the scan. */
	assert_int_equal(pw_scan_next(scan, &range, 1), 1);
	assert_int_equal(range.first, 0);
	pw_scan_destroy(scan);
}

static void scan_destroy(void)
{
	pw_scan_destroy(NULL);
}

/* ---- surveys ---- */

static int alias(void *context, const struct pw_alias *run)
{
	(void)context;
	(void)run;
	return 0;
}

static int found(void *context, size_t which, const struct pw_range *range)
{
	(void)context;
	(void)which;
	(void)range;
	return 0;
}

static void find(void)
{
	static const pw_pa good[1][2] = { { 0, 1 } }, back[1][2] = { { 1, 0 } };
	struct pw_scan *scan;

	assert_int_equal(pw_scan_create(memory, &regime, 0, UINT64_MAX, NULL, &scan, NULL), 0);
	REFUSED(pw_find(NULL, good, 1, found, NULL, error));
	REFUSED(pw_find(scan, NULL, 1, found, NULL, error));
	REFUSED(pw_find(scan, good, 1, NULL, NULL, error));
	REFUSED(pw_find(scan, back, 1, found, NULL, error));
	assert_int_equal(pw_find(scan, NULL, 0, found, NULL, NULL), 0);
	pw_scan_destroy(scan);
}

static struct pw_index *new_index(void)
{
	struct pw_index *index;
	struct pw_scan *scan;

	assert_int_equal(pw_scan_create(memory, &regime, 0, UINT64_MAX, NULL, &scan, NULL), 0);
	REFUSED(pw_index_create(scan, NULL, error));
	assert_int_equal(pw_index_create(scan, &index, NULL), 0);
	pw_scan_destroy(scan);
	return index;
}

static void index_create(void)
{
	struct pw_index *index = new_index();

	pw_index_destroy(index);
	REFUSED(pw_index_create(NULL, &index, error));
}

static void index_find(void)
{
	struct pw_index *index = new_index();
	struct pw_range *ranges;
	size_t count;

	REFUSED_SILENTLY(pw_index_find(NULL, 0, 1, &ranges, &count));
	REFUSED_SILENTLY(pw_index_find(index, 0, 1, NULL, &count));
	REFUSED_SILENTLY(pw_index_find(index, 0, 1, &ranges, NULL));
	REFUSED_SILENTLY(pw_index_find(index, 1, 0, &ranges, &count));
	pw_index_destroy(index);
}

static void index_aliases(void)
{
	const struct pw_alias_options some = { .wanted_count = 1 };
	struct pw_index *index = new_index();

	REFUSED_SILENTLY(pw_index_aliases(NULL, NULL, alias, NULL));
	REFUSED_SILENTLY(pw_index_aliases(index, NULL, NULL, NULL));
	REFUSED_SILENTLY(pw_index_aliases(index, &some, alias, NULL));
	pw_index_destroy(index);
}

static void scan_aliases(void)
{
	static const pw_pa backwards[][2] = { { 2, 1 } };
	const struct pw_alias_options some = { .wanted_count = 1 };
	const struct pw_alias_options odd = { .wanted = backwards, .wanted_count = 1 };
	struct pw_scan *scan;

	assert_int_equal(pw_scan_create(memory, &regime, 0, UINT64_MAX, NULL, &scan, NULL), 0);
	REFUSED_SILENTLY(pw_scan_aliases(NULL, NULL, alias, NULL));
	REFUSED_SILENTLY(pw_scan_aliases(scan, NULL, NULL, NULL));
	REFUSED_SILENTLY(pw_scan_aliases(scan, &some, alias, NULL));
	REFUSED_SILENTLY(pw_scan_aliases(scan, &odd, alias, NULL));
	pw_scan_destroy(scan);
}

static void index_destroy(void)
{
	pw_index_destroy(NULL);
}

static int finding(void *context, const struct pw_finding *found)
{
	(void)context;
	(void)found;
	return 0;
}

static void check(void)
{
	REFUSED(pw_check(NULL, &regime, 0, 1, NULL, finding, NULL, error));
	REFUSED(pw_check(memory, NULL, 0, 1, NULL, finding, NULL, error));
	REFUSED(pw_check(memory, &regime, 0, 1, NULL, NULL, NULL, error));
	REFUSED(pw_check(memory, &regime, 1, 0, NULL, finding, NULL, error));
}

static void roots_find(void)
{
	struct pw_root *roots;
	size_t count;

	REFUSED(pw_roots_find(NULL, NULL, &roots, &count, NULL, error));
	REFUSED(pw_roots_find(memory, NULL, NULL, &count, NULL, error));
	REFUSED(pw_roots_find(memory, NULL, &roots, NULL, NULL, error));
}

static void cut_write(void)
{
	static const pw_va back[1][2] = { { 1, 0 } };
	const struct pw_cut good = { .memory = memory, .regimes = &regime, .regime_count = 1 };
	struct pw_cut cut = good;

	REFUSED(pw_cut_write(NULL, "/nowhere/x", NULL, error));
	REFUSED(pw_cut_write(&good, NULL, NULL, error));
	cut.memory = NULL;
	REFUSED(pw_cut_write(&cut, "/nowhere/x", NULL, error));
	cut = good;
	cut.regimes = NULL;
	REFUSED(pw_cut_write(&cut, "/nowhere/x", NULL, error));
	cut.regime_count = 0;
	REFUSED(pw_cut_write(&cut, "/nowhere/x", NULL, error));
	cut = good;
	cut.range_count = 1;
	REFUSED(pw_cut_write(&cut, "/nowhere/x", NULL, error));
	cut.ranges = back;
	REFUSED(pw_cut_write(&cut, "/nowhere/x", NULL, error));
}

/* ---- pictures ---- */

static void picture_create(void)
{
	struct pw_picture *picture;

	REFUSED(pw_picture_create(NULL, &regime, 0, 1, NULL, &picture, error));
	REFUSED(pw_picture_create(memory, NULL, 0, 1, NULL, &picture, error));
	REFUSED(pw_picture_create(memory, &regime, 0, 1, NULL, NULL, error));
	REFUSED(pw_picture_create(memory, &regime, 1, 0, NULL, &picture, error));
}

static void picture_draw(void)
{
	struct pw_picture *picture;
	FILE *stream = tmpfile();

	assert_non_null(stream);
	assert_int_equal(pw_picture_create(memory, &regime, 0, 0, NULL, &picture, NULL), 0);
	REFUSED_SILENTLY(pw_picture_text(NULL, NULL, stream));
	REFUSED_SILENTLY(pw_picture_text(picture, NULL, NULL));
	REFUSED_SILENTLY(pw_picture_svg(NULL, stream));
	REFUSED_SILENTLY(pw_picture_svg(picture, NULL));
	REFUSED_SILENTLY(pw_picture_html(NULL, stream));
	REFUSED_SILENTLY(pw_picture_html(picture, NULL));
	REFUSED_SILENTLY(pw_picture_json(NULL, stream));
	REFUSED_SILENTLY(pw_picture_json(picture, NULL));
	assert_int_equal(pw_picture_text(picture, NULL, stream), 0);
	pw_picture_destroy(picture);
	fclose(stream);
}

static void picture_destroy(void)
{
	pw_picture_destroy(NULL);
}

/* ---- all of them ---- */

/* For functions that read no pointer and have no count and no range. */
static void nothing_to_ask(void)
{
}

static const struct arguments_of functions[] = {
	{ "pw_address_remark", nothing_to_ask },
	{ "pw_arena_bytes", nothing_to_ask },
	{ "pw_arena_create", arguments_arena_create },
	{ "pw_arena_destroy", arguments_arena_destroy },
	{ "pw_arena_drain", nothing_to_ask },
	{ "pw_arena_faults", nothing_to_ask },
	{ "pw_arena_fd", nothing_to_ask },
	{ "pw_arena_free_bytes", nothing_to_ask },
	{ "pw_arena_host", arguments_arena_host },
	{ "pw_arena_is_huge", nothing_to_ask },
	{ "pw_arena_memory", nothing_to_ask },
	{ "pw_arena_zero_page", nothing_to_ask },
	{ "pw_check", check },
	{ "pw_roots_find", roots_find },
	{ "pw_cut_write", cut_write },
	{ "pw_find", find },
	{ "pw_finding_is_note", nothing_to_ask },
	{ "pw_finding_name", names },
	{ "pw_folio_alloc", arguments_folio_alloc },
	{ "pw_folio_clean", arguments_folio_counts },
	{ "pw_folio_dirty", arguments_folio_counts },
	{ "pw_folio_get", arguments_folio_counts },
	{ "pw_folio_info", arguments_folio_counts },
	{ "pw_folio_own", arguments_folio_counts },
	{ "pw_folio_pin", arguments_folio_counts },
	{ "pw_folio_put", arguments_folio_counts },
	{ "pw_folio_split", arguments_folio_counts },
	{ "pw_folio_truncate", arguments_folio_counts },
	{ "pw_folio_try_share", arguments_folio_counts },
	{ "pw_folio_unpin", arguments_folio_counts },
	{ "pw_format_at", format_at },
	{ "pw_format_can_edit", nothing_to_ask },
	{ "pw_format_find", format_find },
	{ "pw_format_geometry", nothing_to_ask },
	{ "pw_format_load", format_load },
	{ "pw_format_unload", format_unload },
	{ "pw_get_fast", arguments_pin_pages },
	{ "pw_index_aliases", index_aliases },
	{ "pw_index_create", index_create },
	{ "pw_index_destroy", index_destroy },
	{ "pw_index_find", index_find },
	{ "pw_level_name", names },
	{ "pw_look_fast", arguments_look },
	{ "pw_picture_create", picture_create },
	{ "pw_picture_destroy", picture_destroy },
	{ "pw_picture_found", nothing_to_ask },
	{ "pw_picture_html", picture_draw },
	{ "pw_picture_json", picture_draw },
	{ "pw_picture_svg", picture_draw },
	{ "pw_picture_text", picture_draw },
	{ "pw_pin_fast", arguments_pin_pages },
	{ "pw_pin_fast_iovec", arguments_pin_iovec },
	{ "pw_pin_fast_ranges", arguments_pin_ranges },
	{ "pw_prot_string", nothing_to_ask },
	{ "pw_reader_create", arguments_reader_create },
	{ "pw_reader_destroy", arguments_reader_destroy },
	{ "pw_reader_enter", nothing_to_ask },
	{ "pw_reader_leave", nothing_to_ask },
	{ "pw_reader_stops", nothing_to_ask },
	{ "pw_regime_init", regime_init },
	{ "pw_regime_remark", nothing_to_ask },
	{ "pw_result_reason", nothing_to_ask },
	{ "pw_scan_aliases", scan_aliases },
	{ "pw_scan_create", scan_create },
	{ "pw_scan_destroy", scan_destroy },
	{ "pw_scan_holes", nothing_to_ask },
	{ "pw_scan_next", scan_next },
	{ "pw_scan_state", nothing_to_ask },
	{ "pw_status_name", names },
	{ "pw_root_owner_name", names },
	{ "pw_root_proof_name", names },
	{ "pw_stop_name", names },
	{ "pw_space_bytes", nothing_to_ask },
	{ "pw_space_collapse", arguments_table_collapse },
	{ "pw_space_copy_begin", nothing_to_ask },
	{ "pw_space_copy_end", nothing_to_ask },
	{ "pw_space_create", arguments_table_create },
	{ "pw_space_destroy", arguments_table_destroy },
	{ "pw_space_map", arguments_table_map },
	{ "pw_space_protect", arguments_table_protect },
	{ "pw_space_root", nothing_to_ask },
	{ "pw_space_split", arguments_table_split },
	{ "pw_space_translate", nothing_to_ask },
	{ "pw_space_unmap", arguments_table_unmap },
	{ "pw_space_wait", nothing_to_ask },
	{ "pw_translate", nothing_to_ask },
	{ "pw_translate_lean", nothing_to_ask },
	{ "pw_translate_many", translate_many },
	{ "pw_translate_stable", nothing_to_ask },
	{ "pw_translate_trace", nothing_to_ask },
	{ "pw_unpin_iovec", arguments_unpin },
	{ "pw_unpin_pages", arguments_unpin },
	{ "pw_unpin_ranges", arguments_unpin },
	{ "pw_version", nothing_to_ask },
	{ "pw_walk_range", walk_range },
	{ NULL, NULL },
};

static const struct arguments_of *const tables[] = { functions, arguments_memory, arguments_mm };

enum { TABLES = sizeof(tables) / sizeof(tables[0]) };

static void setup(void)
{
	static const struct pw_arena_options bytes = { .bytes = 1 << 20 };
	const struct pw_segment segment = { 0, sizeof(words) - 1, words };
	const uint64_t root = 0;

	format = pw_format_find("x86_64");
	assert_non_null(format);
	assert_int_equal(pw_memory_wrap(&segment, 1, &memory, NULL), 0);
	assert_int_equal(pw_regime_init(&regime, format, &root, 1, NULL, NULL), 0);
	assert_int_equal(pw_arena_create(&bytes, &arena, NULL), 0);
	assert_int_equal(pw_space_create(arena, format, NULL, &space, NULL), 0);
	assert_int_equal(pw_folio_alloc(arena, 0, PW_FOLIO_ANONYMOUS, 0, 0, &folio), 0);
	assert_int_equal(pw_space_map(space, VA, VA + 0xfff, folio,
				      PW_READ | PW_WRITE | PW_USER | PW_ACCESSED | PW_DIRTY, NULL),
			 0);
	assert_int_equal(pw_reader_create(space, &reader), 0);
}

static void every_function(void **state)
{
	(void)state;
	setup();
	arguments_mm_setup();
	for (unsigned t = 0; t < TABLES; t++)
		for (size_t i = 0; tables[t][i].name; i++)
			tables[t][i].check();
	arguments_mm_teardown();
	pw_reader_destroy(reader);
	pw_space_destroy(space);
	pw_arena_destroy(arena);
	pw_memory_close(memory);
}

static const char *map_path;

/* How often the tables have @name, or how many rows they have if that is NULL. */
static size_t rows(const char *name)
{
	size_t count = 0;

	for (unsigned t = 0; t < TABLES; t++)
		for (const struct arguments_of *row = tables[t]; row->name; row++)
			count += !name || strcmp(row->name, name) == 0;
	return count;
}

/* The tables name all functions of the library once, and no others. */
static void none_is_forgotten(void **state)
{
	FILE *map = fopen(map_path, "r");
	size_t found = 0;
	char line[100], name[100];

	(void)state;
	assert_non_null(map);
	while (fgets(line, sizeof(line), map)) {
		if (sscanf(line, " %99[a-z0-9_];", name) != 1 || strncmp(name, "pw_", 3) != 0)
			continue;
		if (rows(name) != 1)
			fail_msg("%s is not once in the tables", name);
		found++;
	}
	fclose(map);
	assert_int_equal(found, rows(NULL));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_function),
		cmocka_unit_test(none_is_forgotten),
	};

	if (argc < 2)
		return 2;
	map_path = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
