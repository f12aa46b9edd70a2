/* SPDX-License-Identifier: MIT */
/*
 * Compressed dumps (kdump and diskdump), unpacked by libkdumpfile.
 *
 *   block 0   1               1+sub                     1+sub+bitmaps
 *   +--------+---------------+-----------+-------------+-------------------+--------------
 *   | header | sub header,   | bitmap of | bitmap of   | page descriptors, | pages, most
 *   |        | notes         | memory    | pages here  | one per page here | compressed
 *   +--------+---------------+-----------+-------------+-------------------+--------------
 *
 * libkdumpfile (0.5.1) is not trusted with everything. Where a file was truncated, it reads zeros without an
 * error; so each page's descriptor is first looked up here, and compared with the size of the file. It maps
 * files by itself, which guard.c does not see; so that is switched off. Only KDUMP_MACHPHYSADDR is used,
 * because the other address spaces need to know the operating system, or guess. A context is for one
 * thread at a time; so a mutex protects it.
 *
 * Bounds: kdump_bounds.c compares the header with the size of the file. Descriptions of memory cost at most
 * 100 bytes for each byte of the bitmaps, and 32 MiB. Pages are unpacked one at a time, and a few are kept.
 * At most 64 KiB can be read for each descriptor, which has 24 bytes in the file.
 */
#include <fcntl.h>
#include <libkdumpfile/kdumpfile.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/names.h"
#include "memory/flattened.h"
#include "memory/kdump.h"
#include "memory/vmcoreinfo.h"

/* Offsets in the header that do not depend on the width of the dumped machine. */
enum {
	UTSNAME = 12,
	UTSNAME_FIELD = 65,
	UTSNAME_MACHINE = UTSNAME + 4 * UTSNAME_FIELD,
	DESCRIPTOR_BYTES = 24, /* u64 offset, u32 size, u32 flags, u64 page flags */
	/* Bytes of the bitmap for each count in `before`. */
	STRIDE = 1024,
	/* A dump with more runs of pages than this becomes one segment. */
	MAX_RUNS = 1 << 20,
};

struct kdump {
	struct pw_elf file; /* the dump as bytes, with width, byte order and machine */
	uint64_t block; /* bytes of a block and of a page */
	uint64_t sub_blocks, bitmap_blocks;
	unsigned numbers; /* offset of the status word */
	uint32_t level; /* the dump level: kinds of pages that were left out */
	const unsigned char *memory; /* bit n: the machine had page n */
	const unsigned char *bitmap; /* bit n: page n is here */
	uint64_t bitmap_bytes;
	uint64_t *before; /* pages here before each STRIDE bytes of the bitmap */
	uint64_t pages, descriptors; /* number of pages here; offset of their descriptors */
	pthread_mutex_t lock; /* protects context */
	kdump_ctx_t *context;
	int descriptor;
};

static void release(void *source_context)
{
	struct kdump *dump = source_context;

	/*
	 * The context itself is not freed. Once any kdump was opened with it, kdump_free() of libkdumpfile
	 * 0.5.1 reads attributes that it freed before (valgrind shows it after new, open, free), and
	 * crashes where freed memory is overwritten. This leaks its attributes and its page cache, some
	 * MiB for each dump that was opened. The file is closed.
	 */
	if (dump->descriptor >= 0)
		close(dump->descriptor);
	pthread_mutex_destroy(&dump->lock);
	free(dump->before);
	free(dump);
}

static bool is_here(const struct kdump *dump, uint64_t page)
{
	return page / 8 < dump->bitmap_bytes && dump->bitmap[page / 8] >> (page % 8) & 1;
}

static uint64_t pages_in(const unsigned char *bitmap, uint64_t bytes)
{
	uint64_t count = 0;

	for (uint64_t i = 0; i < bytes; i++)
		count += (unsigned)__builtin_popcount(bitmap[i]);
	return count;
}

/* The end of a page's bytes in the file; 0 if even its descriptor is missing. */
static uint64_t page_end(const struct kdump *dump, uint64_t page)
{
	uint64_t start = page / 8 / STRIDE * STRIDE, at, offset, bytes;
	uint64_t number =
		dump->before[start / STRIDE] + pages_in(dump->bitmap + start, page / 8 - start) +
		(unsigned)__builtin_popcount(dump->bitmap[page / 8] & ((1u << (page % 8)) - 1));

	at = dump->descriptors + number * DESCRIPTOR_BYTES;
	if (!pw_elf_has(&dump->file, at, DESCRIPTOR_BYTES))
		return 0;
	offset = pw_elf_xword(&dump->file, dump->file.host + at);
	bytes = pw_elf_word(&dump->file, dump->file.host + at + 8);
	/* No page is larger than a block: one that compression would enlarge is stored as it is. */
	if (bytes > dump->block || __builtin_add_overflow(offset, bytes, &offset))
		return UINT64_MAX;
	return offset;
}

static int read_page(struct kdump *dump, pw_pa pa, void *buffer, size_t bytes)
{
	size_t there = bytes;
	uint64_t end;
	kdump_status status;

	if (!is_here(dump, pa / dump->block))
		return -ENODATA;
	end = page_end(dump, pa / dump->block);
	if (end == 0 || end > dump->file.bytes)
		return -ENODATA;
	pthread_mutex_lock(&dump->lock);
	status = kdump_read(dump->context, KDUMP_MACHPHYSADDR, pa, buffer, &there);
	if (status != KDUMP_OK)
		kdump_clear_err(dump->context);
	pthread_mutex_unlock(&dump->lock);
	if (status == KDUMP_OK)
		return there == bytes ? 0 : -EIO;
	return status == KDUMP_ERR_NODATA ? -ENODATA : -EIO;
}

static int fetch(void *context, pw_pa pa, void *buffer, size_t bytes)
{
	struct kdump *dump = context;
	unsigned char *to = buffer;

	while (bytes > 0) {
		uint64_t rest = dump->block - pa % dump->block;
		size_t piece = rest < bytes ? (size_t)rest : bytes;
		int status = read_page(dump, pa, to, piece);

		if (status)
			return status;
		to += piece;
		pa += piece;
		bytes -= piece;
	}
	return 0;
}

/* Tries one width and byte order. The header's fields must make sense, and fit into the file. */
static bool try_layout(struct kdump *dump, bool wide, bool big_endian)
{
	const struct pw_elf *file = &dump->file;
	/* struct timeval comes before the numbers, and is aligned like a long. */
	const unsigned char *at = file->host + (wide ? 424u : 412u);
	uint32_t block, sub, bitmaps;

	dump->file.wide = wide;
	dump->file.big_endian = big_endian;
	dump->numbers = wide ? 424 : 412;
	/* header_version is a small number, but in the right byte order only. */
	if (pw_elf_word(file, file->host + 8) > 0xffff)
		return false;
	block = pw_elf_word(file, at + 4);
	sub = pw_elf_word(file, at + 8);
	bitmaps = pw_elf_word(file, at + 12);
	if (block < 1024 || block > 1 << 16 || (block & (block - 1)))
		return false;
	if (sub > INT32_MAX || bitmaps > INT32_MAX || bitmaps < 2)
		return false;
	dump->block = block;
	dump->sub_blocks = sub;
	dump->bitmap_blocks = bitmaps;
	return true;
}

static uint16_t machine_of(const char *name)
{
	static const struct {
		const char *name;
		uint16_t machine;
	} names[] = {
		{ "x86_64", EM_X86_64 }, { "s390x", EM_S390 },    { "aarch64", EM_AARCH64 },
		{ "ppc64", EM_PPC64 },   { "ppc64le", EM_PPC64 }, { "riscv64", EM_RISCV },
	};

	if (name[0] == 'i' && name[1] && strcmp(name + 2, "86") == 0)
		return EM_386;
	/* armv7l, armv6b, ... */
	if (strncasecmp(name, "arm", 3) == 0)
		return EM_ARM;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcasecmp(name, names[i].name) == 0)
			return names[i].machine;
	return EM_NONE;
}

static int read_layout(struct kdump *dump, char machine[UTSNAME_FIELD], struct pw_error *error)
{
	struct pw_elf *file = &dump->file;
	uint64_t bitmaps;

	if (file->bytes < 1024)
		return pw_fail(error, EINVAL,
			       "%s: truncated: the kdump header ends after %llu bytes", file->name,
			       (unsigned long long)file->bytes);
	if (!try_layout(dump, true, false) && !try_layout(dump, true, true) &&
	    !try_layout(dump, false, false) && !try_layout(dump, false, true))
		return pw_fail(error, EINVAL,
			       "%s: the kdump header makes no sense: its block size "
			       "is not a page size in either byte order",
			       file->name);
	memcpy(machine, file->host + UTSNAME_MACHINE, UTSNAME_FIELD);
	machine[UTSNAME_FIELD - 1] = '\0';
	for (char *c = machine; *c; c++)
		if (*c <= ' ' || *c > '~')
			*c = '?';
	file->machine = machine_of(machine);
	/* With 64-bit time the header looks like a 64-bit machine's, but the sub header does not. */
	if (file->machine == EM_ARM)
		file->wide = false;
	bitmaps = (1 + dump->sub_blocks) * dump->block;
	dump->bitmap_bytes = dump->bitmap_blocks / 2 * dump->block;
	dump->descriptors = bitmaps + dump->bitmap_blocks * dump->block;
	if (!pw_elf_has(file, 0, dump->descriptors))
		return pw_fail(error, EINVAL,
			       "%s: truncated: its bitmaps should end at 0x%llx, but the file ends "
			       "at 0x%llx",
			       file->name, (unsigned long long)dump->descriptors,
			       (unsigned long long)file->bytes);
	dump->memory = file->host + bitmaps;
	dump->bitmap = dump->memory + dump->bitmap_bytes;
	dump->before = malloc((size_t)((dump->bitmap_bytes + STRIDE - 1) / STRIDE) *
			      sizeof(*dump->before));
	if (!dump->before)
		return pw_fail(error, ENOMEM, "out of memory");
	for (uint64_t i = 0; i < dump->bitmap_bytes; i += STRIDE) {
		uint64_t rest = dump->bitmap_bytes - i;

		dump->before[i / STRIDE] = dump->pages;
		dump->pages += pages_in(dump->bitmap + i, rest < STRIDE ? rest : STRIDE);
	}
	return 0;
}

/* Did the machine have this page, which is not in the dump? */
static bool is_left_out(const struct kdump *dump, uint64_t page)
{
	return page / 8 < dump->bitmap_bytes && dump->memory[page / 8] >> (page % 8) & 1 &&
	       !is_here(dump, page);
}

static bool left_out(const struct pw_memory *memory, pw_pa pa, uint64_t bytes)
{
	const struct kdump *dump = memory->source_context;

	for (uint64_t page = pa / dump->block; page <= (pa + (bytes - 1)) / dump->block; page++)
		if (!is_left_out(dump, page))
			return false;
	return true;
}

/* Writes the kinds of pages that a dump level leaves out: "zeros, page cache, ...". */
static void name_level(uint32_t level, char text[100])
{
	static const char *const names[] = { "zeros", "page cache", "private page cache",
					     "user data", "free pages" };
	size_t used = 0;

	text[0] = '\0';
	for (unsigned i = 0; i < 5; i++)
		if (level >> i & 1)
			used += (size_t)snprintf(text + used, 100 - used, "%s%s", used ? ", " : "",
						 names[i]);
}

/*
 * makedumpfile leaves out no page tables in use, except that they may be pages of zeros. So if zeros were
 * left out, a table that is not here was all zero. This does not hold if the dump was not finished, nor on
 * s390, whose empty tables are not zero.
 */
static void read_level(struct pw_memory *memory, struct kdump *dump)
{
	const uint32_t zeros = 1, incomplete = 8;
	bool tables = (dump->level & zeros) && dump->file.machine != EM_S390;
	uint32_t status = pw_elf_word(&dump->file, dump->file.host + dump->numbers);
	char names[100];

	if (status & incomplete) {
		pw_memory_add_remark(memory,
				     "incomplete: the dump says that it was not finished "
				     "(status 0x%x), so some of its pages are missing",
				     status);
		return;
	}
	if (dump->level == 0 || dump->level > 31)
		return;
	name_level(dump->level, names);
	pw_memory_add_remark(memory, "dump level %u, which leaves out %s%s", dump->level, names,
			     tables ? ": a table that is not here was all zero, so it is empty"
				    : "");
	if (!tables || pw_mutant(PW_MUTANT_LEFT_OUT_UNKNOWN))
		return;
	memory->left_out = left_out;
	memory->left_zeros = dump->level == zeros;
}

static int read_notes(struct pw_memory *memory, struct kdump *dump, uint64_t offset, uint64_t bytes,
		      struct pw_error *error)
{
	struct pw_notes notes = { .memory = memory, .elf = &dump->file };
	const unsigned char *host = dump->file.host + offset;
	int status;

	/* QEMU calls machines "Unknown". */
	if (dump->file.machine == EM_NONE)
		dump->file.machine = pw_notes_machine(&dump->file, host, bytes);
	status = pw_notes_read(&notes, host, bytes, error);
	return status ? status : pw_notes_end(&notes, error);
}

/* Reads the sub header: VMCOREINFO, the notes, the dump level. Refuses one part of a split dump. */
static int read_sub_header(struct pw_memory *memory, struct kdump *dump,
			   const struct pw_kdump_header *header, struct pw_error *error)
{
	const struct pw_elf *file = &dump->file;
	const unsigned char *sub = file->host + dump->block;
	uint32_t version = pw_elf_word(file, file->host + 8);
	const struct pw_kdump_layout *layout;
	int status = 0;

	if (dump->sub_blocks == 0)
		return 0;
	layout = pw_kdump_layout(header);
	if (version >= 2 && pw_elf_word(file, sub + layout->split))
		return pw_fail(error, EINVAL,
			       "%s is one part of a split dump. Put the parts together first: "
			       "makedumpfile --reassemble PART... OUT",
			       file->name);
	for (unsigned i = 0; i < PW_KDUMP_ERASED && status == 0; i++) {
		const struct pw_kdump_piece *piece = &layout->pieces[i];
		uint64_t offset = pw_elf_xword(file, sub + piece->offset);
		uint64_t bytes = pw_elf_address(file, sub + piece->bytes);

		if (version < piece->version || bytes == 0 || !pw_elf_has(file, offset, bytes))
			continue;
		if (i == PW_KDUMP_VMCOREINFO)
			pw_vmcoreinfo_set(memory, file->host + offset, bytes);
		else
			status = read_notes(memory, dump, offset, bytes, error);
	}
	dump->level = version >= 1 ? pw_elf_word(file, sub + layout->level) : 0;
	return status;
}

/* The next page from @page on that is, or is not, @here; the end of the bitmap if there is none. */
static uint64_t next_page(const struct kdump *dump, uint64_t page, bool here)
{
	const unsigned char boring = here ? 0 : 0xff;

	while (page / 8 < dump->bitmap_bytes) {
		if (page % 8 == 0 && dump->bitmap[page / 8] == boring)
			page += 8;
		else if (is_here(dump, page) == here)
			return page;
		else
			page++;
	}
	return dump->bitmap_bytes * 8;
}

/* Counts the runs of pages that are here, and adds them as segments if @memory is not NULL. */
static uint64_t add_runs(struct pw_memory *memory, const struct kdump *dump, int *status,
			 struct pw_error *error)
{
	uint64_t end = dump->bitmap_bytes * 8, runs = 0;

	for (uint64_t page = next_page(dump, 0, true); page < end && *status == 0; runs++) {
		uint64_t after = next_page(dump, page, false);

		if (memory)
			*status = pw_memory_add_segment(memory, page * dump->block,
							after * dump->block - 1, NULL, error);
		page = next_page(dump, after, true);
	}
	return runs;
}

static int add_segments(struct pw_memory *memory, const struct kdump *dump, struct pw_error *error)
{
	uint64_t missing = 0, end = dump->bitmap_bytes * 8;
	int status = 0;

	if (dump->pages == 0)
		return pw_fail(error, EINVAL, "%s: this kdump holds no pages", dump->file.name);
	if (add_runs(NULL, dump, &status, error) <= MAX_RUNS)
		add_runs(memory, dump, &status, error);
	else
		status = pw_memory_add_segment(memory, 0, end * dump->block - 1, NULL, error);
	/* Pages are written in order, and equal ones only once: so a look at some of the last is enough. */
	for (uint64_t page = end, seen = 0; page-- > 0 && seen < 4096;) {
		if (dump->bitmap[page / 8] == 0)
			page &= ~UINT64_C(7);
		if (!is_here(dump, page))
			continue;
		seen++;
		if (page_end(dump, page) == 0 || page_end(dump, page) > dump->file.bytes)
			missing++;
	}
	if (missing && status == 0)
		pw_memory_add_remark(
			memory,
			"truncated: the file ends at 0x%llx, before its last pages, which "
			"are not in this image",
			(unsigned long long)dump->file.bytes);
	return status;
}

static int open_library(struct kdump *dump, int file, struct pw_error *error)
{
	const char *path = dump->file.name;
	kdump_num_t page_bytes;

	dump->descriptor = file < 0 ? open(path, O_RDONLY | O_CLOEXEC)
				    : fcntl(file, F_DUPFD_CLOEXEC, 0);
	if (dump->descriptor < 0) {
		int code = errno;

		return pw_fail(error, code, "%s: %s", path, strerror(code));
	}
	dump->context = kdump_new();
	if (!dump->context)
		return pw_fail(error, ENOMEM, "out of memory");
	if (kdump_set_number_attr(dump->context, KDUMP_ATTR_FILE_MMAP_POLICY, KDUMP_MMAP_NEVER) !=
		    KDUMP_OK ||
	    kdump_open_fd(dump->context, dump->descriptor) != KDUMP_OK)
		return pw_fail(error, EINVAL, "%s: libkdumpfile cannot read it: %s", path,
			       kdump_get_err(dump->context));
	/* Attributes are set after opening, because set before they make it fail or crash. */
	if (kdump_get_number_attr(dump->context, KDUMP_ATTR_PAGE_SIZE, &page_bytes) != KDUMP_OK) {
		kdump_clear_err(dump->context);
		page_bytes = dump->block;
		if (kdump_set_number_attr(dump->context, KDUMP_ATTR_PAGE_SIZE, page_bytes) !=
		    KDUMP_OK)
			return pw_fail(error, EINVAL, "%s: libkdumpfile: %s", path,
				       kdump_get_err(dump->context));
	}
	if (page_bytes != dump->block)
		return pw_fail(error, EINVAL,
			       "%s: libkdumpfile finds pages of %llu bytes, but the header has "
			       "blocks of %llu",
			       path, (unsigned long long)page_bytes,
			       (unsigned long long)dump->block);
	/*
	 * If it mistakes an arm's sub header for an i386's or a 64-bit machine's, it reads a wrong number
	 * of pages, mostly 0, and then finds none of them.
	 */
	if (dump->file.machine == EM_ARM && !pw_mutant(PW_MUTANT_KDUMP_ARM) &&
	    kdump_set_number_attr(dump->context, "max_pfn", 8 * dump->bitmap_bytes) != KDUMP_OK)
		return pw_fail(error, EINVAL, "%s: libkdumpfile: %s", path,
			       kdump_get_err(dump->context));
	return 0;
}

const char pw_memory_kdump_kind[] = "kdump";

int pw_memory_read_kdump_file(struct pw_memory *memory, const char *path, int file,
			      const unsigned char *host, uint64_t bytes, struct pw_error *error)
{
	struct kdump *dump = calloc(1, sizeof(*dump));
	struct pw_kdump_header header;
	char machine[UTSNAME_FIELD], size[PW_SIZE_TEXT];
	int status;

	if (!dump)
		return pw_fail(error, ENOMEM, "out of memory");
	dump->file = (struct pw_elf){ .name = path, .host = host, .bytes = bytes };
	dump->descriptor = -1;
	pthread_mutex_init(&dump->lock, NULL);
	memory->source = fetch;
	memory->source_context = dump;
	memory->release = release;
	status = read_layout(dump, machine, error);
	header = (struct pw_kdump_header){
		.file = &dump->file,
		.numbers = dump->numbers,
		.block = dump->block,
		.sub_blocks = dump->sub_blocks,
		.bitmap_bytes = dump->bitmap_bytes,
	};
	if (status == 0)
		status = pw_kdump_check(&header, error);
	if (status == 0)
		status = read_sub_header(memory, dump, &header, error);
	if (status == 0)
		status = open_library(dump, file, error);
	if (status == 0)
		status = add_segments(memory, dump, error);
	if (status)
		return status;
	read_level(memory, dump);
	memory->machine = dump->file.machine;
	memory->wide = dump->file.wide;
	/* The caller's string may not live as long as the memory. */
	dump->file.name = NULL;
	snprintf(memory->title, sizeof(memory->title), "kdump, %.64s, %s-endian, %zu segment%s, %s",
		 machine[0] ? machine : "machine unknown", dump->file.big_endian ? "big" : "little",
		 memory->count, memory->count == 1 ? "" : "s",
		 pw_size_text(dump->pages * dump->block - 1, size));
	return 0;
}

int pw_memory_read_kdump(struct pw_memory *memory, const char *path, const unsigned char *host,
			 uint64_t bytes, struct pw_error *error)
{
	return pw_memory_read_kdump_file(memory, path, -1, host, bytes, error);
}
