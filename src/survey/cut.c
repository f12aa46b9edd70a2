/* SPDX-License-Identifier: MIT */
/*
 * Writes the tables of address spaces, and nothing else, as an ELF core.
 *
 *   +-------------+ 0
 *   | ELF header  |  64-bit, little-endian whatever the tables' own order; machine EM_NONE
 *   +-------------+
 *   | PT_NOTE     |
 *   | PT_LOAD ... |  one for each run of adjacent table bytes, in address order
 *   +-------------+
 *   | notes       |  one for each regime: its format and roots
 *   | tables ...  |
 *   +-------------+
 *   | a section   |  only for 65535 segments and more, to hold their number (elf(5), PN_XNUM)
 *   +-------------+
 *
 * The file has the exact bytes of the tables, not the pages around them: a page with a 2 KiB table can hold
 * anything in its other half.
 */
#include <elf.h>
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access/access.h"
#include "base/error.h"
#include "base/mutant.h"
#include "base/replace.h"
#include "base/sort.h"
#include "memory/memory.h"
#include "memory/note.h"
#include "survey/tables.h"

#include <pagewalk/survey.h>

/* Bytes to keep, bounds inclusive. */
struct piece {
	pw_pa first, last;
	uint64_t offset; /* in the file */
};

struct cutter {
	const struct pw_cut *cut;
	struct pw_table_set tables; /* of the current regime and view */
	struct piece *pieces;
	size_t count, room;
};

static int visit(void *context, const struct pw_table_visit *visited)
{
	struct cutter *cutter = context;
	struct pw_table_seen *seen;
	bool fresh, known;
	int status;

	if (pw_cancelled(cutter->cut->cancel))
		return -ECANCELED;
	status = pw_table_set_add(&cutter->tables, visited, &seen, &fresh);
	if (status)
		return status;
	known = seen->whole;
	seen->whole |= visited->whole;
	return known ? PW_TABLES_SKIP : PW_TABLES_DOWN;
}

static int add_piece(struct cutter *cutter, pw_pa first, pw_pa last)
{
	if (cutter->count == cutter->room) {
		size_t room = cutter->room ? 2 * cutter->room : 256;
		struct piece *pieces = reallocarray(cutter->pieces, room, sizeof(*pieces));

		if (!pieces)
			return -ENOMEM;
		cutter->pieces = pieces;
		cutter->room = room;
	}
	cutter->pieces[cutter->count++] = (struct piece){ .first = first, .last = last };
	return 0;
}

/*
 * Finds the tables of one regime in one view. The two views can use different tables (arm), and an entry can
 * be a table in one view but not in the other.
 */
static int collect_view(struct cutter *cutter, const struct pw_regime *regime, enum pw_view view)
{
	static const pw_va everywhere[1][2] = { { 0, UINT64_MAX } };
	const struct pw_cut *cut = cutter->cut;
	const pw_va(*ranges)[2] = cut->range_count ? cut->ranges : everywhere;
	size_t count = cut->range_count ? cut->range_count : 1;
	struct pw_regime viewed = *regime;
	int status = 0;

	viewed.view = view;
	for (size_t i = 0; i < count && status == 0; i++)
		status = pw_tables_walk(cut->memory, &viewed, ranges[i][0], ranges[i][1], visit,
					cutter);
	for (size_t i = 0; i < cutter->tables.count && status == 0; i++) {
		const struct pw_table_seen *seen = &cutter->tables.seen[i];

		if (i % 1024 == 0 && pw_cancelled(cut->cancel))
			status = -ECANCELED;
		else
			status = add_piece(cutter, pw_table_first(regime->format, seen),
					   pw_table_last(regime->format, seen));
	}
	pw_table_set_clear(&cutter->tables);
	return status;
}

/* Sorts the pieces by address. Returns 0, -ENOMEM or -ECANCELED. */
static int sort_pieces(struct cutter *cutter)
{
	size_t count = cutter->count;
	uint64_t *key = reallocarray(NULL, count, sizeof(*key));
	struct piece *sorted = reallocarray(NULL, count, sizeof(*sorted));
	uint32_t *order = NULL;
	int status = -ENOMEM;

	if (key && sorted) {
		for (size_t i = 0; i < count; i++)
			key[i] = cutter->pieces[i].first;
		status = pw_sort(key, count, cutter->cut->cancel, &order);
	}
	free(key);
	if (status) {
		free(sorted);
		return status;
	}
	for (size_t i = 0; i < count; i++)
		sorted[i] = cutter->pieces[order[i]];
	free(order);
	free(cutter->pieces);
	cutter->pieces = sorted;
	cutter->room = count;
	return 0;
}

/* Joins pieces that overlap or touch. There is at least one, and they are sorted. */
static void join(struct cutter *cutter)
{
	size_t kept = 0;

	for (size_t i = 1; i < cutter->count; i++) {
		struct piece *last = &cutter->pieces[kept];

		if (cutter->pieces[i].first <= last->last ||
		    cutter->pieces[i].first - 1 == last->last) {
			if (cutter->pieces[i].last > last->last)
				last->last = cutter->pieces[i].last;
		} else {
			cutter->pieces[++kept] = cutter->pieces[i];
		}
	}
	cutter->count = kept + 1;
}

/* first..last is not in the memory. Adds those of its parts that were left out because they were zero. */
static int keep_left_out(struct cutter *cropped, pw_pa first, pw_pa last)
{
	const struct pw_memory *memory = cropped->cut->memory;
	int status = 0;

	if (!memory->left_out)
		return 0;
	for (pw_pa at = first; status == 0;) {
		pw_pa end = pw_min(at | 0xfff, last);

		if (pw_memory_left_out(memory, at, end - at + 1))
			status = add_piece(cropped, at, end);
		if (end == last)
			break;
		at = end + 1;
	}
	return status;
}

/* Adds the parts of one piece that the memory has, or had as zeros. */
static int crop_piece(struct cutter *cropped, const struct piece *piece)
{
	const struct pw_segment *segments;
	size_t count = pw_memory_segments(cropped->cut->memory, &segments);
	pw_pa at = piece->first;
	int status = 0;

	for (size_t n = pw_segment_from(segments, count, at);
	     n < count && segments[n].first <= piece->last && status == 0; n++) {
		if (at < segments[n].first)
			status = keep_left_out(cropped, at, segments[n].first - 1);
		if (status == 0)
			status = add_piece(cropped, at > segments[n].first ? at : segments[n].first,
					   pw_min(segments[n].last, piece->last));
		if (segments[n].last >= piece->last)
			return status;
		at = segments[n].last + 1;
	}
	return status ? status : keep_left_out(cropped, at, piece->last);
}

/* Reduces the pieces, which are sorted and disjoint, to the parts that the memory has, or had as zeros. */
static int crop(struct cutter *cutter)
{
	struct cutter cropped = { .cut = cutter->cut };
	int status = 0;

	for (size_t i = 0; i < cutter->count && status == 0; i++)
		status = crop_piece(&cropped, &cutter->pieces[i]);
	free(cutter->pieces);
	cutter->pieces = cropped.pieces;
	cutter->count = cropped.count;
	cutter->room = cropped.room;
	if (status == 0 && cutter->count > 0 && cutter->cut->memory->left_out)
		join(cutter);
	return status;
}

static int collect(struct cutter *cutter, struct pw_error *error)
{
	const struct pw_cut *cut = cutter->cut;
	int status = 0;

	for (size_t i = 0; i < cut->regime_count && status == 0; i++)
		for (int view = PW_VIEW_HARDWARE; view <= PW_VIEW_LINUX && status == 0; view++)
			status = collect_view(cutter, &cut->regimes[i], (enum pw_view)view);
	if (status == 0 && cutter->count > 0)
		status = sort_pieces(cutter);
	/* Joins the pieces first: tables may overlap, and the memory may have each of them in many parts. */
	if (status == 0 && cutter->count > 0)
		join(cutter);
	if (status == 0)
		status = crop(cutter);
	if (status == -E2BIG)
		return pw_fail(
			error, E2BIG,
			"there are more tables than any machine has, so these bytes are probably "
			"not page tables. Are the format and the root right?");
	if (status == -ENOMEM)
		return pw_fail(error, ENOMEM, "out of memory");
	if (status)
		return pw_fail(error, -status, "interrupted; nothing was written");
	if (cutter->count == 0)
		return pw_fail(error, ENODATA,
			       "no table is in the memory: the root 0x%llx leads to 0x%llx, which "
			       "is not in it. Are the format and the root right?",
			       (unsigned long long)cut->regimes[0].root[0],
			       (unsigned long long)cut->regimes[0].span[0].table);
	join(cutter);
	return 0;
}

/* ---- the file ---- */

static void put_program_header(FILE *file, uint32_t type, uint64_t offset, uint64_t address,
			       uint64_t bytes)
{
	Elf64_Phdr header = {
		.p_type = htole32(type),
		.p_flags = htole32(PF_R),
		.p_offset = htole64(offset),
		.p_paddr = htole64(address),
		.p_filesz = htole64(bytes),
		.p_memsz = htole64(type == PT_LOAD ? bytes : 0),
		.p_align = htole64(type == PT_LOAD ? 8 : 4),
	};

	fwrite(&header, sizeof(header), 1, file);
}

static void put_elf_header(FILE *file, uint64_t headers, uint64_t section)
{
	Elf64_Ehdr header = {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
			     EV_CURRENT },
		.e_type = htole16(ET_CORE),
		.e_machine = htole16(EM_NONE),
		.e_version = htole32(EV_CURRENT),
		.e_phoff = htole64(sizeof(header)),
		.e_ehsize = htole16(sizeof(header)),
		.e_phentsize = htole16(sizeof(Elf64_Phdr)),
		.e_phnum = htole16((uint16_t)(headers < PN_XNUM ? headers : PN_XNUM)),
	};

	if (headers >= PN_XNUM) {
		header.e_shoff = htole64(section);
		header.e_shentsize = htole16(sizeof(Elf64_Shdr));
		header.e_shnum = htole16(1);
	}
	fwrite(&header, sizeof(header), 1, file);
}

static void put_notes(FILE *file, const struct pw_cut *cut)
{
	for (size_t i = 0; i < cut->regime_count; i++) {
		const struct pw_regime *regime = &cut->regimes[i];
		struct pw_cpu cpu = {
			.id = (unsigned)i,
			.format = regime->format->name,
			.roots = regime->roots,
			.registers = regime->registers,
		};
		unsigned char note[PW_NOTE_BYTES];

		memcpy(cpu.root, regime->root, sizeof(cpu.root));
		pw_note_encode(&cpu, cut->labels ? cut->labels[i] : NULL,
			       pw_mutant(PW_MUTANT_CUT_NO_KERNEL) ? NULL : cut->kernel, false, note,
			       sizeof(note));
		fwrite(note, sizeof(note), 1, file);
	}
}

/* Writes zeros up to @offset. */
static void pad(FILE *file, uint64_t *at, uint64_t offset)
{
	for (; *at < offset; ++*at)
		putc(0, file);
}

/* Returns 0 to go on writing, or the error that stops it. pw_replace_close reports errors of the file. */
static int go_on(FILE *file, const struct pw_cut *cut)
{
	return pw_cancelled(cut->cancel) ? -ECANCELED : ferror(file) ? -EIO : 0;
}

static int put_piece(FILE *file, const struct pw_cut *cut, const struct piece *piece)
{
	unsigned char buffer[16 << 10];

	for (pw_pa at = piece->first;;) {
		pw_pa rest = piece->last - at;
		size_t bytes = rest < sizeof(buffer) ? (size_t)rest + 1 : sizeof(buffer);
		int status = go_on(file, cut);

		if (status == 0)
			status = cut->memory->fetch(cut->memory->fetch_context, at, buffer, bytes);
		if (status)
			return status;
		fwrite(buffer, bytes, 1, file);
		if (rest < bytes)
			return 0;
		at += bytes;
	}
}

/* Writes everything. Errors of the file itself are left in ferror() for the caller. */
static int put_all(FILE *file, struct cutter *cutter, struct pw_cut_result *result)
{
	const struct pw_cut *cut = cutter->cut;
	uint64_t headers = cutter->count + 1;
	uint64_t notes = sizeof(Elf64_Ehdr) + headers * sizeof(Elf64_Phdr);
	uint64_t offset = notes + cut->regime_count * PW_NOTE_BYTES;
	uint64_t at = offset, section;

	for (size_t i = 0; i < cutter->count; i++) {
		struct piece *piece = &cutter->pieces[i];

		/* The offset is aligned like the address, so that entries can be loaded in place. */
		offset += (piece->first - offset) & 7;
		piece->offset = offset;
		offset += piece->last - piece->first + 1;
		result->bytes += piece->last - piece->first + 1;
	}
	result->segments = cutter->count;
	section = (offset + 7) & ~UINT64_C(7);
	put_elf_header(file, headers, section);
	put_program_header(file, PT_NOTE, notes, 0, cut->regime_count * PW_NOTE_BYTES);
	for (size_t i = 0; i < cutter->count && go_on(file, cut) == 0; i++) {
		const struct piece *piece = &cutter->pieces[i];

		put_program_header(file, PT_LOAD, piece->offset, piece->first,
				   piece->last - piece->first + 1);
	}
	put_notes(file, cut);
	for (size_t i = 0; i < cutter->count; i++) {
		const struct piece *piece = &cutter->pieces[i];
		int status;

		pad(file, &at, piece->offset);
		status = put_piece(file, cut, piece);
		if (status)
			return status;
		at += piece->last - piece->first + 1;
	}
	if (headers >= PN_XNUM) {
		Elf64_Shdr count = { .sh_info = htole32((uint32_t)headers) };

		pad(file, &at, section);
		fwrite(&count, sizeof(count), 1, file);
	}
	return 0;
}

/* Writes the file. It gets its name when it is complete; until then an older file of that name stays. */
static int write_file(struct cutter *cutter, const char *path, struct pw_cut_result *result,
		      struct pw_error *error)
{
	struct pw_replace file;
	int status = pw_replace_open(&file, path, false, error);

	if (status)
		return status;
	status = put_all(file.stream, cutter, result);
	/* pw_replace_close reports errors of the file. */
	if (ferror(file.stream))
		status = 0;
	else if (status == -ECANCELED)
		pw_fail(error, ECANCELED, "interrupted; nothing was written");
	else if (status)
		pw_fail(error, -status, "a table could not be read: %s", strerror(-status));
	else
		status = pw_memory_check(cutter->cut->memory, error);
	return pw_replace_close(&file, status, error);
}

int pw_cut_write(const struct pw_cut *cut, const char *path, struct pw_cut_result *result_ret,
		 struct pw_error *error)
{
	struct pw_cut_result result = { 0 };
	struct cutter cutter = { .cut = cut };
	int status;

	if (!cut || !path)
		return pw_fail_null(error, cut ? "path" : "cut");
	if (cut->regime_count == 0)
		return pw_fail(error, EINVAL, "give at least one address space to cut out");
	if (!cut->memory || !cut->regimes || (!cut->ranges && cut->range_count > 0))
		return pw_fail_null(error, !cut->memory    ? "cut->memory"
					   : !cut->regimes ? "cut->regimes"
							   : "cut->ranges");
	for (size_t i = 0; i < cut->range_count; i++)
		if (cut->ranges[i][0] > cut->ranges[i][1])
			return pw_fail(error, EINVAL,
				       "the range 0x%llx-0x%llx ends before it begins",
				       (unsigned long long)cut->ranges[i][0],
				       (unsigned long long)cut->ranges[i][1]);
	if (pw_memory_has_file(cut->memory, path) && !pw_mutant(PW_MUTANT_INPUT_REPLACED))
		return pw_fail(error, EEXIST,
			       "%s is one of the files from which the tables are read, and is not "
			       "replaced; name another file to write",
			       path);
	status = collect(&cutter, error);
	if (status == 0)
		status = write_file(&cutter, path, &result, error);
	free(cutter.pieces);
	if (status == 0 && result_ret)
		*result_ret = result;
	return status;
}
