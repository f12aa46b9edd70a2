/* SPDX-License-Identifier: MIT */
/*
 * What a kdump's header says of sizes, before libkdumpfile (0.5.1) believes it: it allocates and fills
 * what the header calls for, gigabytes for a file of a few pages. Here every size is compared with the
 * file's: the pages with the room that its bitmaps have, the notes and texts with where the file ends.
 * The erased ranges stand at the end of the dump, which may be missing.
 *
 * Versions of the header have more and more fields, in three layouts: that of 64-bit machines, and of
 * 32-bit ones with 64-bit numbers aligned to 4 bytes (i386) or to 8 (arm). libkdumpfile takes the first
 * of these two where the VMCOREINFO that it describes lies between sub header and bitmaps.
 */
#include "memory/kdump.h"

/* Where in the sub header a piece of the file is described, and since which version. */
struct piece {
	const char *what;
	unsigned version, offset, bytes;
};

struct layout {
	struct piece pieces[3];
	unsigned pages; /* max_mapnr_64, since version 6 */
};

enum { ERASED = 2, PIECES, PAGES_VERSION = 6, MAX_MAPNR = 16 /* from the status word on */ };

static const struct layout wide = {
	.pieces = { { "VMCOREINFO is", 3, 32, 40 },
		    { "notes are", 4, 48, 56 },
		    { "erased ranges are", 5, 64, 72 } },
	.pages = 96,
};
static const struct layout packed = {
	.pieces = { { "VMCOREINFO is", 3, 20, 28 },
		    { "notes are", 4, 32, 40 },
		    { "erased ranges are", 5, 44, 52 } },
	.pages = 72,
};
static const struct layout padded = {
	.pieces = { { "VMCOREINFO is", 3, 24, 32 },
		    { "notes are", 4, 40, 48 },
		    { "erased ranges are", 5, 56, 64 } },
	.pages = 88,
};

static const struct layout *layout_of(const struct pw_elf *file, const unsigned char *sub,
				      uint64_t block, uint64_t sub_blocks)
{
	uint64_t offset, bytes;

	if (file->wide)
		return &wide;
	offset = pw_elf_xword(file, sub + packed.pieces[0].offset);
	bytes = pw_elf_word(file, sub + packed.pieces[0].bytes);
	if ((offset == 0 && bytes == 0) ||
	    (offset > block && offset + bytes <= block * (1 + sub_blocks)))
		return &packed;
	return &padded;
}

static int check_pages(const struct pw_elf *file, uint64_t pages, uint64_t room,
		       struct pw_error *error)
{
	if (pages <= room || pw_mutant(PW_MUTANT_KDUMP_BELIEVED))
		return 0;
	return pw_fail(error, EINVAL,
		       "%s: the kdump header says that the machine had %llu pages (max_mapnr), but "
		       "its bitmaps have room for %llu",
		       file->name, (unsigned long long)pages, (unsigned long long)room);
}

int pw_kdump_check(const struct pw_elf *file, uint64_t block, uint64_t sub_blocks,
		   uint64_t bitmap_bytes, struct pw_error *error)
{
	const unsigned char *header = file->host + (file->wide ? 424 : 412);
	const unsigned char *sub = file->host + block;
	uint32_t version = pw_elf_word(file, file->host + 8);
	const struct layout *layout;
	int status = check_pages(file, pw_elf_word(file, header + MAX_MAPNR), 8 * bitmap_bytes,
				 error);

	if (status || sub_blocks == 0)
		return status;
	layout = layout_of(file, sub, block, sub_blocks);
	for (unsigned i = 0; i < PIECES; i++) {
		const struct piece *piece = &layout->pieces[i];
		uint64_t offset = pw_elf_xword(file, sub + piece->offset);
		uint64_t bytes = pw_elf_address(file, sub + piece->bytes);

		if (i == ERASED)
			offset = 0;
		if (version < piece->version || bytes == 0 || pw_elf_has(file, offset, bytes) ||
		    pw_mutant(PW_MUTANT_KDUMP_BELIEVED))
			continue;
		return pw_fail(error, EINVAL,
			       "%s: the kdump header says that its %s 0x%llx bytes at 0x%llx, "
			       "but the file ends at 0x%llx",
			       file->name, piece->what, (unsigned long long)bytes,
			       (unsigned long long)offset, (unsigned long long)file->bytes);
	}
	if (version < PAGES_VERSION)
		return 0;
	return check_pages(file, pw_elf_xword(file, sub + layout->pages), 8 * bitmap_bytes, error);
}
