/* SPDX-License-Identifier: MIT */
/* Source strings: flat files and samples, and a clear sentence for every string that is not valid. */
#include <lzma.h>
#include <sys/stat.h>

#include "memory_build.h"

/* Each run has a folder of its own, in which files are made by name. */
static char folder[] = "/tmp/pagewalk-open-XXXXXX";

static const char *path_of(const char *name)
{
	static char paths[4][128];
	static unsigned turn;
	char *path = paths[turn++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
	return path;
}

static const char *make_file(const char *name, const void *bytes, size_t size)
{
	const char *path = path_of(name);
	FILE *file = fopen(path, "wb");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
	return path;
}

/* Opens a source; every % in it stands for the folder. */
static int open_in(const char *source, struct pw_memory **memory, struct pw_error *error)
{
	char text[1024];
	size_t used = 0;

	for (const char *c = source; *c; c++)
		used += (size_t)snprintf(text + used, sizeof(text) - used,
					 *c == '%' ? "%s" : "%.1s", *c == '%' ? folder : c);
	*memory = NULL;
	memset(error, 0, sizeof(*error));
	return pw_memory_open(used ? text : "", memory, error);
}

static void refused(const char *source, int code, const char *says)
{
	struct pw_memory *memory;
	struct pw_error error;

	assert_int_equal(open_in(source, &memory, &error), -code);
	assert_null(memory);
	assert_says(error.text, says);
}

static struct pw_memory *opened(const char *source)
{
	struct pw_memory *memory;
	struct pw_error error;

	if (open_in(source, &memory, &error))
		fail_msg("%s: %s", source, error.text);
	return memory;
}

static void make_ram(const char *name, size_t size)
{
	unsigned char *bytes = malloc(size);

	assert_non_null(bytes);
	for (size_t i = 0; i < size; i++)
		bytes[i] = pattern(i);
	make_file(name, bytes, size);
	free(bytes);
}

/* Checks where the bytes of a flat file appear in memory. */
static void flat(const char *source, uint64_t pa, uint64_t offset, uint64_t bytes)
{
	struct pw_memory *memory = opened(source);
	const struct pw_segment *segments;

	pw_memory_segments(memory, &segments);
	assert_true(segments[0].first == pa);
	assert_true(segments[0].last == pa + bytes - 1);
	for (uint64_t i = 0; i < bytes; i += bytes - 1) {
		unsigned char byte;

		assert_int_equal(pw_memory_read(memory, pa + i, &byte, 1), 0);
		assert_int_equal(byte, pattern(offset + i));
	}
	assert_absent(memory, pa + bytes, pa + bytes + 8);
	pw_memory_close(memory);
}

static void reads_flat_files(void **state)
{
	(void)state;
	make_ram("ram", 0x5000);
	make_ram("a@b:c+d", 0x1000);
	flat("raw:%/ram@0", 0, 0, 0x5000);
	flat("raw:%/ram@0x40000000", 0x40000000, 0, 0x5000);
	flat("raw:%/ram@1G", 0x40000000, 0, 0x5000);
	flat("raw:%/ram@1048576", 0x100000, 0, 0x5000);
	flat("raw:%/ram@0x1M+4K", 0x100000, 0, 0x1000);
	flat("raw:%/ram@4t+0X10k:0x10", UINT64_C(4) << 40, 0x10, 0x4000);
	flat("raw:%/ram@0x1000:0x4ff0", 0x1000, 0x4ff0, 0x10);
	flat("raw:%/ram@0x1000+2:0x4ffe", 0x1000, 0x4ffe, 2);
	flat("raw:%/a@b:c+d@0x2000", 0x2000, 0, 0x1000);
	/* 3 bytes off: the bytes are copied, but the same. */
	flat("raw:%/ram@0x1003", 0x1003, 0, 0x5000);
}

static void reads_several_pieces(void **state)
{
	const struct pw_segment *segments;
	struct pw_memory *memory;
	unsigned char bytes[0x20];

	(void)state;
	make_ram("ram", 0x5000);
	make_ram("rom", 0x1000);
	memory = opened("raw:%/ram@0x10000+0x2000:0x3000,%/rom@0xffff0000,%/ram@0x8000+0x3000");
	assert_int_equal(pw_memory_segments(memory, &segments), 3);
	assert_int_equal(segments[0].first, 0x8000);
	assert_string_equal(pw_memory_title(memory), "flat memory, 3 segments, 24 KiB");
	assert_int_equal(pw_memory_read(memory, 0x8ff0, bytes, 0x20), 0);
	for (unsigned i = 0; i < 0x20; i++)
		assert_int_equal(bytes[i], pattern(0xff0 + i));
	assert_int_equal(pw_memory_read(memory, 0x10ff0, bytes, 0x20), 0);
	for (unsigned i = 0; i < 0x20; i++)
		assert_int_equal(bytes[i], pattern(0x3ff0 + i));
	assert_absent(memory, 0xb000, 0xb010);
	pw_memory_close(memory);
}

static void refuses_wrong_pieces(void **state)
{
	static const struct {
		const char *source;
		int code;
		const char *says;
	} cases[] = {
		{ "raw:", EINVAL, "no FILE@BASE at all" },
		{ "raw:%/ram", EINVAL, "does not say where" },
		{ "raw:@0", EINVAL, "names no file" },
		{ "raw:%/ram@", EINVAL, "'' is empty; write a number" },
		{ "raw:%/ram@0x", EINVAL, "'0x' is not a number" },
		{ "raw:%/ram@K", EINVAL, "'K' is not a number" },
		{ "raw:%/ram@zero", EINVAL, "'zero' is not a number" },
		{ "raw:%/ram@12ab", EINVAL, "'12ab' is not a decimal number" },
		{ "raw:%/ram@-1", EINVAL, "'-1' is negative" },
		{ "raw:%/ram@0x10 ", EINVAL, "'0x10 ' is not a number" },
		{ "raw:%/ram@0x10000000000000000", EINVAL, "64 bits" },
		{ "raw:%/ram@18446744073709551616", EINVAL, "64 bits" },
		{ "raw:%/ram@16777216T", EINVAL, "64 bits" },
		{ "raw:%/ram@0+", EINVAL, "'' is empty; write a number" },
		{ "raw:%/ram@0+0", EINVAL, "length of 0" },
		{ "raw:%/ram@0+0x5001", EINVAL, "0x5001 bytes from offset 0x0" },
		{ "raw:%/ram@0+0x10:0x4ff1", EINVAL, "has 0xf there" },
		{ "raw:%/ram@0:0x5000", EINVAL, "has 0x5000 bytes" },
		{ "raw:%/ram@0:0xffffffffffffffff", EINVAL, "has 0x5000 bytes" },
		{ "raw:%/ram@0+0xffffffffffffffff:8", EINVAL, "0xffffffffffffffff bytes" },
		{ "raw:%/ram@0:1:2", EINVAL, "':2' is left over" },
		{ "raw:%/ram@0:1+2", EINVAL, "'+2' is left over" },
		{ "raw:%/ram@0xffffffffffffff00", EINVAL, "beyond the end" },
		{ "raw:%/ram@0,", EINVAL, "before or after a comma" },
		{ "raw:,%/ram@0", EINVAL, "before or after a comma" },
		{ "raw:%/ram@0,%/ram@0x4000", EINVAL, "overlap" },
		{ "raw:%/gone@0", ENOENT, "gone: No such file" },
		{ "raw:%@0", EINVAL, "is a directory" },
		{ "raw:%/empty@0", EINVAL, "is empty" },
	};

	(void)state;
	make_ram("ram", 0x5000);
	make_file("empty", "", 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		refused(cases[i].source, cases[i].code, cases[i].says);
}

static void refuses_what_is_no_file(void **state)
{
	(void)state;
	make_file("empty", "", 0);
	assert_int_equal(mkfifo(path_of("pipe"), 0600), 0);
	refused("", EINVAL, "empty");
	refused("%/gone", ENOENT, "gone: No such file");
	refused("%", EINVAL, "is a directory");
	refused("%/empty", EINVAL, "is empty");
	refused("%/pipe", EINVAL, "is a pipe");
	refused("/dev/null", EINVAL, "is a device");
	refused("%/empty/below", ENOTDIR, "Not a directory");
	if (geteuid() != 0) {
		make_file("secret", "x", 1);
		assert_int_equal(chmod(path_of("secret"), 0), 0);
		refused("%/secret", EACCES, "Permission denied; read it as its owner, or as root");
	}
}

static void refuses_other_formats(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
		const char *says;
	} cases[] = {
		{ "makedumpfile\0\0\0\0........", 24, "makedumpfile -R OUT < " },
		{ "\x1f\x8b\x08\0......", 10, "gzip -dc < " },
		{ "\xfd"
		  "7zXZ\0\0\0",
		  8, "xz -dc < " },
		{ "\x28\xb5\x2f\xfd....", 8, "zstd -dc < " },
		{ "BZh91AY&SY", 10, "bzip2 -dc < " },
		{ "\x04\x22\x4d\x18....", 8, "lz4 -dc < " },
		{ "PK\x03\x04....", 8, "unzip " },
		{ "EMiL\1\0\0\0", 8, "LiME holds no memory" },
		{ "EMiL\2\0\0\0........................", 32, "of version 1" },
		{ "AVML\2\0\0\0", 8, "avml-convert FILE OUT" },
		{ "PAGEDU64", 8, "its header is truncated" },
		{ "PAGEDUMP", 8, "its header is truncated" },
		{ "MDMP....", 8, "has no page tables" },
		{ "\xd2\xbe\xd2\xbe....", 8, "vmss2core -N6 " },
		{ "\xd3\xbe\xd3\xbe\0\0\0\0\0\0\0\0", 12, "has no memory" },
		{ "\x7fVirtualBox SavedState V2.0\n", 28, "dumpvmcore" },
		{ "QEVM\0\0\0\3", 8, "is a migration stream of QEMU" },
		{ "QFI\xfb....", 8, "-loadvm NAME" },
		{ "LibvirtQemudSave", 16, "virsh dump --memory-only" },
		{ "\xff\xff\xff\xff\xff\xff\xff\xffXENF", 12, "is a saved domain of Xen" },
		{ "HIBR....", 8, "windows.hibernation.Dump" },
		{ "wake....", 8, "that has woken up again" },
		{ "\xa8\x19\x01\x73\x61\x8f\x23\xfd", 8, "zgetdump -f elf FILE > OUT" },
		{ "\xed\x23\x8f\x61\x73\x01\x19\xa8", 8, "is a dump of LKCD" },
		{ "EVF\x09\x0d\x0a\xff\0", 8, "ewfexport" },
		{ "#!/bin/sh\n", 10, "23 21 2f 62 69 6e 2f 73" },
		{ "#", 1, "(it starts with 23)" },
		{ "\177EL", 3, "neither an ELF core nor a kdump" },
		{ "\177ELF", 4, "truncated" },
		{ "KDUMP   ", 8, "kdump" },
		{ "DISKDUMP", 8, "kdump" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pw_memory *memory;
		struct pw_error error;

		make_file("other", cases[i].bytes, cases[i].size);
		/* A build without libkdumpfile says -ENOTSUP. */
		assert_true(open_in("%/other", &memory, &error) < 0);
		assert_says(error.text, cases[i].says);
		assert_says(error.text, path_of("other"));
	}
}

/* A .vmem has no header: its name tells. */
static void knows_vmware(void **state)
{
	struct pw_memory *memory;
	struct pw_error error;

	(void)state;
	make_file("guest.vmem", "12345678", 8);
	assert_int_equal(open_in("%/guest.vmem", &memory, &error), -EINVAL);
	assert_says(error.text, "is the memory of a VMware machine");
	assert_says(error.text, "guest.vmem@0");
	/* A 32-bit host has no room for such a file. */
	if (sizeof(size_t) < 8)
		return;
	assert_int_equal(truncate(path_of("guest.vmem"), (INT64_C(4) << 30) + 4096), 0);
	assert_int_equal(open_in("%/guest.vmem", &memory, &error), -EINVAL);
	assert_says(error.text, "guest.vmem@0+3G,");
	assert_says(error.text, "guest.vmem@4G:3G");
}

static void knows_its_prefixes(void **state)
{
	struct image image;

	(void)state;
	refused("zip:file", EINVAL, "'zip:' is not a kind of source");
	refused("RAW:file@0", EINVAL, "'RAW:' is not a kind of source");
	/* If a file has that very name, the file is opened. */
	image_init(&image, true, false, EM_X86_64, 1);
	image_load(&image, 0, 1024, 0x1000, 0x100);
	make_file("zip:file", image.bytes, image.size);
	pw_memory_close(opened("%/zip:file"));
	assert_int_equal(chdir(folder), 0);
	pw_memory_close(opened("zip:file"));
	refused("zip:gone", EINVAL, "'zip:' is not a kind of source");
	assert_int_equal(chdir("/"), 0);
}

static size_t pack(const struct image *image, unsigned char *packed, size_t room)
{
	size_t size = 0;

	assert_int_equal(lzma_easy_buffer_encode(6, LZMA_CHECK_CRC32, NULL, image->bytes,
						 image->size, packed, &size, room),
			 LZMA_OK);
	return size;
}

/* The file ends too early, at any place; liblzma has several names for that. */
static void knows_cut_samples(const unsigned char *packed, size_t size)
{
	for (size_t kept = 1; kept < size; kept++) {
		make_file("cut-short.elf.xz", packed, kept);
		refused("sample:cut-short", EINVAL, "cut-short.elf.xz is truncated");
	}
}

static void reads_samples(void **state)
{
	static unsigned char packed[65536];
	struct image image;
	struct pw_memory *memory;
	size_t size;

	(void)state;
	assert_int_equal(setenv("PAGEWALK_SAMPLES", folder, 1), 0);
	image_init(&image, true, true, EM_S390, 1);
	image_load(&image, 0, 1024, 0x1000, 0x800);
	size = pack(&image, packed, sizeof(packed));
	knows_cut_samples(packed, size);
	make_file("plain-one.elf", image.bytes, image.size);
	make_file("packed-one.elf.xz", packed, size);
	make_file("no-xz.elf.xz", image.bytes, image.size);
	packed[size / 2] ^= 0x10;
	make_file("damaged.elf.xz", packed, size);
	make_file("a-text.txt", "x", 1);

	memory = opened("sample:plain-one");
	assert_pattern(memory, 0x1000, 0x17ff);
	pw_memory_close(memory);
	memory = opened("sample:packed-one");
	assert_true(memory->direct);
	assert_string_equal(pw_memory_title(memory),
			    "ELF core, s390x, big-endian, 1 segment, 2 KiB");
	assert_pattern(memory, 0x1000, 0x17ff);
	pw_memory_close(memory);

	refused("sample:damaged", EINVAL, "damaged.elf.xz is damaged");
	refused("sample:no-xz", EINVAL, "is not in the .xz format");
	refused("sample:gone", ENOENT, "there is no sample 'gone'; there are: ");
	refused("sample:", ENOENT, "no sample ''");
	refused("sample:a-text", ENOENT, "packed-one, plain-one");
	refused("sample:../plain-one", ENOENT, "no sample");
}

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -r '%s'", folder);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_flat_files),      cmocka_unit_test(reads_several_pieces),
		cmocka_unit_test(refuses_wrong_pieces),  cmocka_unit_test(refuses_what_is_no_file),
		cmocka_unit_test(refuses_other_formats), cmocka_unit_test(knows_vmware),
		cmocka_unit_test(knows_its_prefixes),    cmocka_unit_test(reads_samples),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
