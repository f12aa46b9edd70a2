/* SPDX-License-Identifier: MIT */
/* Files for tests of address spaces: temporary files of the host, and what is in them. */
#ifndef TESTS_MM_FILE_TEST_H
#define TESTS_MM_FILE_TEST_H

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "mm/file/file.h"
#include "mm_test.h"

static const int SHARED = MAP_SHARED, PRIVATE = MAP_PRIVATE;
static const int RW = PROT_READ | PROT_WRITE;

/* The byte that belongs at @offset: pages differ, and bytes of a page do. */
static inline unsigned char pattern(uint64_t offset)
{
	return (unsigned char)(offset * 31 + (offset >> 12) * 7 + 1);
}

/* A file of the host with @bytes bytes of the pattern. It has no name any more. */
static inline int host_file(uint64_t bytes)
{
	char name[] = "/tmp/pagewalk-file-XXXXXX";
	int fd = mkstemp(name);
	unsigned char *content = malloc(bytes ? (size_t)bytes : 1);

	assert_true(fd >= 0);
	unlink(name);
	for (uint64_t i = 0; i < bytes; i++)
		content[i] = pattern(i);
	assert_int_equal(pwrite(fd, content, (size_t)bytes, 0), (ssize_t)bytes);
	free(content);
	return fd;
}

static inline unsigned char host_byte(int fd, uint64_t offset)
{
	unsigned char byte = 0;

	assert_int_equal(pread(fd, &byte, 1, (off_t)offset), 1);
	return byte;
}

static inline struct pw_file *open_file(struct mm_world *world, int fd)
{
	struct pw_error error;
	struct pw_file *file;

	if (pw_file_open(world->machine, fd, &file, &error))
		fail_msg("%s", error.text);
	return file;
}

static inline struct pw_file *new_shmem(struct mm_world *world, uint64_t bytes)
{
	struct pw_file *file;

	assert_int_equal(pw_shmem_create(world->machine, bytes, &file, NULL), 0);
	return file;
}

static inline void put(struct mm_world *world, pw_va va, unsigned char byte)
{
	assert_true(pw_store_u8(world->cpu, va, byte));
}

static inline unsigned char get(struct mm_world *world, pw_va va)
{
	unsigned char byte;

	assert_true(pw_load_u8(world->cpu, va, &byte));
	return byte;
}

/* The access at @va fails as @kind says. */
static inline void refused(struct mm_world *world, pw_va va, enum pw_access_kind access,
			   enum pw_fault_kind kind)
{
	unsigned char byte = 0;
	bool done = access == PW_ACCESS_WRITE ? pw_store_u8(world->cpu, va, byte)
					      : pw_load_u8(world->cpu, va, &byte);

	assert_false(done);
	assert_int_equal(pw_cpu_fault(world->cpu)->kind, kind);
	assert_int_equal(pw_cpu_fault(world->cpu)->va, va);
}

static inline unsigned char file_byte(struct pw_file *file, uint64_t offset)
{
	unsigned char byte = 0;

	assert_int_equal(pw_file_read(file, offset, &byte, 1), 1);
	return byte;
}

/* What the tables say about @va. */
static inline enum pw_status mapped(struct mm_world *world, pw_va va, struct pw_result *result)
{
	return pw_space_translate(pw_cpu_reader(world->cpu), va, result);
}

static inline struct pw_folio_info folio_at(struct mm_world *world, pw_va va)
{
	struct pw_folio_info info;
	struct pw_result result;

	assert_int_equal(mapped(world, va, &result), PW_OK);
	assert_true(pw_folio_info(pw_machine_arena(world->machine), result.pa, &info));
	return info;
}

static inline uint64_t faults_of(struct mm_world *world)
{
	struct pw_machine_info info;

	pw_machine_info(world->machine, &info);
	return info.faults;
}

static inline void unmap(struct mm_world *world, pw_va va, uint64_t bytes)
{
	assert_int_equal(pw_munmap(world->mm, va, bytes), 0);
}

#endif
