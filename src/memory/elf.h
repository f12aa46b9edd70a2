/* SPDX-License-Identifier: MIT */
/*
 * An ELF core as bytes: the parts that its reader and the reader of its notes share. Nothing in it is
 * believed: every offset, size and count is compared with the number of bytes that the file has, in
 * arithmetic that cannot wrap.
 */
#ifndef PW_MEMORY_ELF_H
#define PW_MEMORY_ELF_H

#include <elf.h>
#include <endian.h>
#include <string.h>

#include "memory/memory.h"

struct pw_elf {
	const char *name; /* of the file, for messages */
	const unsigned char *host;
	uint64_t bytes;
	bool wide; /* ELFCLASS64 */
	bool big_endian;
	uint16_t machine; /* e_machine */
};

/* Are all of the @length bytes at @offset in the file? */
static inline bool pw_elf_has(const struct pw_elf *elf, uint64_t offset, uint64_t length)
{
	return offset <= elf->bytes && length <= elf->bytes - offset;
}

/* Fields in the file's byte order. The caller has checked that they are there. */
static inline uint16_t pw_elf_half(const struct pw_elf *elf, const unsigned char *at)
{
	uint16_t raw;

	memcpy(&raw, at, sizeof(raw));
	return elf->big_endian ? be16toh(raw) : le16toh(raw);
}

static inline uint32_t pw_elf_word(const struct pw_elf *elf, const unsigned char *at)
{
	uint32_t raw;

	memcpy(&raw, at, sizeof(raw));
	return elf->big_endian ? be32toh(raw) : le32toh(raw);
}

static inline uint64_t pw_elf_xword(const struct pw_elf *elf, const unsigned char *at)
{
	uint64_t raw;

	memcpy(&raw, at, sizeof(raw));
	return elf->big_endian ? be64toh(raw) : le64toh(raw);
}

/* An address, offset or size: 4 or 8 bytes by the file's class. */
static inline uint64_t pw_elf_address(const struct pw_elf *elf, const unsigned char *at)
{
	return elf->wide ? pw_elf_xword(elf, at) : pw_elf_word(elf, at);
}

/* The state of reading the notes of one core, which may have several tables of them. */
struct pw_notes {
	struct pw_memory *memory; /* gets CPUs and remarks */
	const struct pw_elf *elf;
	unsigned threads; /* NT_PRSTATUS notes so far: one for each CPU */
	unsigned registers; /* notes with control registers so far */
	uint32_t vbox_version; /* of VirtualBox's notes; 0: not known */
	/* s390x, between the notes of one CPU: roots that wait for a prefix, or the other way round. */
	size_t roots_count, roots_first; /* which of memory->cpus wait */
	unsigned roots_thread, prefix_thread; /* the value of `threads` when they were read */
	bool prefix_waits;
	uint64_t prefix;
};

/*
 * Reads the notes at host..host+bytes-1, part of the file. A malformed note ends the reading with a
 * remark; it is not an error. Returns 0 or -ENOMEM.
 */
int pw_notes_read(struct pw_notes *notes, const unsigned char *host, uint64_t bytes,
		  struct pw_error *error);

/* The machine (EM_*) whose notes these are, found by the size of their registers; or EM_NONE. */
uint16_t pw_notes_machine(const struct pw_elf *elf, const unsigned char *host, uint64_t bytes);

/*
 * To be called after the last notes: if they gave no CPU with registers, adds one without roots for each
 * NT_PRSTATUS. Returns 0 or -ENOMEM.
 */
int pw_notes_end(struct pw_notes *notes, struct pw_error *error);

#endif
