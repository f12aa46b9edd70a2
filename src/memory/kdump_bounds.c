/* SPDX-License-Identifier: MIT */
/*
 * Checks the sizes in a kdump's header before libkdumpfile (0.5.1) believes them: it allocates and fills as
 * much memory as the header says, gigabytes for a file of a few pages. Here every size is compared with the
 * file: the number of pages with the room of the bitmaps, the notes and texts with the end of the file.
 * Erased ranges need not be there, because they come at the end of the dump, which may be missing.
 * VMCOREINFO has at most a page.
 *
 * Each version of the header adds fields. There are three layouts: that of 64-bit machines, and those of
 * 32-bit machines with 64-bit numbers aligned to 4 bytes (i386) or to 8 (arm). libkdumpfile chooses i386's
 * if, read in that layout, VMCOREINFO lies between the sub header and the bitmaps.
 */
#include "memory/kdump.h"

enum {
	PAGES_VERSION = 6,
	MAX_MAPNR = 16, /* its offset from the status word */
	TEXTS_MAX = 2 << 16, /* VMCOREINFO, and perhaps once more as a note, or Xen's */
};

static const struct pw_kdump_layout wide = {
	.pieces = { { "VMCOREINFO is", 3, 32, 40 },
		    { "notes are", 4, 48, 56 },
		    { "erased ranges are", 5, 64, 72 } },
	.level = 8,
	.split = 12,
	.pages = 96,
};
static const struct pw_kdump_layout packed = {
	.pieces = { { "VMCOREINFO is", 3, 20, 28 },
		    { "notes are", 4, 32, 40 },
		    { "erased ranges are", 5, 44, 52 } },
	.level = 4,
	.split = 8,
	.pages = 72,
};
static const struct pw_kdump_layout padded = {
	.pieces = { { "VMCOREINFO is", 3, 24, 32 },
		    { "notes are", 4, 40, 48 },
		    { "erased ranges are", 5, 56, 64 } },
	.level = 4,
	.split = 8,
	.pages = 88,
};

/* Decides by the machine if that is arm, else as libkdumpfile does. QEMU calls all 32-bit machines i686. */
const struct pw_kdump_layout *pw_kdump_layout(const struct pw_kdump_header *header)
{
	const struct pw_elf *file = header->file;
	const unsigned char *sub = file->host + header->block;
	uint64_t offset, bytes;

	if (file->wide)
		return &wide;
	if (file->machine == EM_ARM && !pw_mutant(PW_MUTANT_KDUMP_ARM))
		return &padded;
	offset = pw_elf_xword(file, sub + packed.pieces[0].offset);
	bytes = pw_elf_word(file, sub + packed.pieces[0].bytes);
	if ((offset == 0 && bytes == 0) ||
	    (offset > header->block && offset + bytes <= header->block * (1 + header->sub_blocks)))
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

/* Bytes of VMCOREINFO texts in the notes. Names and descriptions are padded to four bytes. */
static uint64_t texts_in(const struct pw_elf *file, uint64_t offset, uint64_t bytes)
{
	static const char name[] = "VMCOREINFO";
	uint64_t texts = 0;

	while (bytes >= sizeof(Elf64_Nhdr)) {
		const unsigned char *note = file->host + offset;
		uint64_t name_bytes = pw_elf_word(file, note + offsetof(Elf64_Nhdr, n_namesz));
		uint64_t desc_bytes = pw_elf_word(file, note + offsetof(Elf64_Nhdr, n_descsz));
		uint64_t whole = sizeof(Elf64_Nhdr) + ((name_bytes + 3) & ~UINT64_C(3)) +
				 ((desc_bytes + 3) & ~UINT64_C(3));

		if (name_bytes >= sizeof(name) - 1 &&
		    bytes >= sizeof(Elf64_Nhdr) + sizeof(name) - 1 &&
		    memcmp(note + sizeof(Elf64_Nhdr), name, sizeof(name) - 1) == 0)
			texts += desc_bytes;
		if (whole >= bytes)
			return texts;
		offset += whole;
		bytes -= whole;
	}
	return texts;
}

/* Refuses large texts: libkdumpfile takes time by the square of their lines, a minute for 1 MB of them. */
static int check_texts(const struct pw_elf *file, uint64_t texts, struct pw_error *error)
{
	if (texts <= TEXTS_MAX || pw_mutant(PW_MUTANT_KDUMP_BELIEVED))
		return 0;
	return pw_fail(
		error, EINVAL,
		"%s: its VMCOREINFO has %llu bytes; Linux writes a page at most, up to 64 KiB",
		file->name, (unsigned long long)texts);
}

int pw_kdump_check(const struct pw_kdump_header *header, struct pw_error *error)
{
	const struct pw_elf *file = header->file;
	const unsigned char *sub = file->host + header->block;
	uint32_t version = pw_elf_word(file, file->host + 8);
	const struct pw_kdump_layout *layout;
	uint64_t texts = 0;
	int status = check_pages(file, pw_elf_word(file, file->host + header->numbers + MAX_MAPNR),
				 8 * header->bitmap_bytes, error);

	if (status || header->sub_blocks == 0)
		return status;
	layout = pw_kdump_layout(header);
	for (unsigned i = 0; i < PW_KDUMP_PIECES; i++) {
		const struct pw_kdump_piece *piece = &layout->pieces[i];
		uint64_t offset = pw_elf_xword(file, sub + piece->offset);
		uint64_t bytes = pw_elf_address(file, sub + piece->bytes);

		if (i == PW_KDUMP_ERASED)
			offset = 0;
		if (version < piece->version || bytes == 0)
			continue;
		if (pw_elf_has(file, offset, bytes)) {
			texts += i == PW_KDUMP_VMCOREINFO ? bytes : 0;
			texts += i == PW_KDUMP_NOTES ? texts_in(file, offset, bytes) : 0;
			continue;
		}
		if (pw_mutant(PW_MUTANT_KDUMP_BELIEVED))
			continue;
		return pw_fail(error, EINVAL,
			       "%s: the kdump header says that its %s 0x%llx bytes at 0x%llx, "
			       "but the file ends at 0x%llx",
			       file->name, piece->what, (unsigned long long)bytes,
			       (unsigned long long)offset, (unsigned long long)file->bytes);
	}
	status = check_texts(file, texts, error);
	if (status || version < PAGES_VERSION)
		return status;
	return check_pages(file, pw_elf_xword(file, sub + layout->pages), 8 * header->bitmap_bytes,
			   error);
}
