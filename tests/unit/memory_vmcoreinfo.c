/* SPDX-License-Identifier: MIT */
/* Version and root from VMCOREINFO, for each architecture; banners. */
#include "memory_build.h"
#include "mutants/choose.h"

enum { NOTES = 4096, LOAD = 8192, MEMORY = 0x100000 };

/* A core of one page of zeros at MEMORY, with a VMCOREINFO of @text. */
static void build(struct image *image, bool wide, bool big_endian, unsigned machine,
		  const char *text)
{
	size_t bytes = strlen(text);

	image_init(image, wide, big_endian, machine, 2);
	image_program(image, 0, PT_LOAD, LOAD, MEMORY, 4096, 4096);
	put(image, NOTES, 4, 11);
	put(image, NOTES + 4, 4, bytes);
	put(image, NOTES + 8, 4, 0);
	memcpy(image->bytes + NOTES + 12, "VMCOREINFO", 11);
	memcpy(image->bytes + NOTES + 24, text, bytes);
	image_program(image, 1, PT_NOTE, NOTES, 0, 24 + bytes, 0);
	image->size = LOAD + 4096;
}

struct want {
	const char *format;
	unsigned words;
	uint64_t word[2];
};

static void finds(const struct image *image, const struct want *want)
{
	const struct pw_cpu *cpus;
	struct opened opened;

	image_open(&opened, image);
	assert_int_equal(opened.status, 0);
	assert_int_equal(pw_memory_cpus(opened.memory, &cpus), want->format ? 1 : 0);
	if (want->format) {
		assert_true(cpus[0].kernel);
		assert_string_equal(cpus[0].format, want->format);
		assert_int_equal(cpus[0].roots, want->words);
		for (unsigned i = 0; i < want->words; i++)
			assert_true(cpus[0].root[i] == want->word[i]);
		assert_says(cpus[0].origin, "VMCOREINFO");
	}
	opened_close(&opened);
}

/* The text of VMCOREINFO, and the root that follows from it. */
static const struct {
	unsigned machine;
	bool narrow, big_endian;
	const char *text;
	struct want want;
} roots[] = {
	{ EM_X86_64,
	  false,
	  false,
	  "PAGESIZE=4096\nSYMBOL(init_top_pgt)=ffffffff82a0c000\n"
	  "NUMBER(phys_base)=16777216\nNUMBER(pgtable_l5_enabled)=0\n",
	  { "x86_64", 1, { 0x3a0c000 } } },
	/* The kernel was moved less in physical memory than in virtual memory. */
	{ EM_X86_64,
	  false,
	  false,
	  "SYMBOL(swapper_pg_dir)=ffffffffa2a0c000\nNUMBER(phys_base)=-536870912\n"
	  "NUMBER(pgtable_l5_enabled)=1\n",
	  { "x86_64_la57", 1, { 0x2a0c000 } } },
	{ EM_X86_64,
	  false,
	  false,
	  "SYMBOL(swapper_pg_dir)=ffffffff81a0c000",
	  { "x86_64", 1, { 0x1a0c000 } } },
	{ EM_X86_64, false, false, "SYMBOL(swapper_pg_dir)=zzz\n", { NULL, 0, { 0 } } },
	{ EM_X86_64,
	  false,
	  false,
	  "XSYMBOL(swapper_pg_dir)=ffffffff81a0c000\n",
	  { NULL, 0, { 0 } } },
	{ EM_AARCH64,
	  false,
	  false,
	  "PAGESIZE=4096\nSYMBOL(swapper_pg_dir)=ffff800009a3b000\nNUMBER(VA_BITS)=48\n"
	  "NUMBER(kimage_voffset)=0xffff7fffc8000000\nNUMBER(TCR_EL1_T1SZ)=0x10\n",
	  { "arm64_4k_48", 2, { PW_ROOT_ABSENT, 0x41a3b000 } } },
	{ EM_AARCH64,
	  false,
	  false,
	  "PAGESIZE=16384\nSYMBOL(swapper_pg_dir)=ffff800009a40000\nNUMBER(VA_BITS)=52\n"
	  "NUMBER(kimage_voffset)=0xffff7fffc8000000\nNUMBER(TCR_EL1_T1SZ)=0x11\n",
	  { "arm64_16k_47", 2, { PW_ROOT_ABSENT, 0x41a40000 } } },
	/* A kernel built for 52 bits, on a machine with 48. */
	{ EM_AARCH64,
	  false,
	  false,
	  "PAGESIZE=65536\nSYMBOL(swapper_pg_dir)=ffff800009a40000\nNUMBER(VA_BITS)=52\n"
	  "NUMBER(kimage_voffset)=0xffff7fffc8000000\nNUMBER(TCR_EL1_T1SZ)=0x10\n",
	  { "arm64_64k_48", 2, { PW_ROOT_ABSENT, 0x41a41e00 } } },
	{ EM_AARCH64,
	  false,
	  false,
	  "PAGESIZE=4096\nSYMBOL(swapper_pg_dir)=ffffffc009a40000\nNUMBER(VA_BITS)=39\n"
	  "NUMBER(kimage_voffset)=0xffffffbfc8000000\n",
	  { "arm64_4k_39", 2, { PW_ROOT_ABSENT, 0x41a40000 } } },
	{ EM_RISCV,
	  false,
	  false,
	  "SYMBOL(swapper_pg_dir)=ffffffff81800000\nNUMBER(VA_BITS)=48\n"
	  "NUMBER(satp)=0x9000000000081a00\n",
	  { "riscv_sv48", 1, { UINT64_C(0x9000000000081a00) } } },
	{ EM_RISCV,
	  false,
	  false,
	  "SYMBOL(swapper_pg_dir)=ffffffff81800000\nNUMBER(VA_BITS)=39\n"
	  "NUMBER(va_kernel_pa_offset)=0xfffffffeffe00000\n",
	  { "riscv_sv39", 1, { UINT64_C(0x8000000000081a00) } } },
	{ EM_PPC64,
	  false,
	  true,
	  "PAGESIZE=65536\nSYMBOL(swapper_pg_dir)=c000000002a10000\nNUMBER(RADIX_MMU)=1\n",
	  { "ppc64_radix_64k", 2, { PW_ROOT_ABSENT, UINT64_C(0x4000000002a100ad) } } },
	{ EM_PPC64,
	  false,
	  true,
	  "PAGESIZE=4096\nSYMBOL(swapper_pg_dir)=c0000000029d0000\nNUMBER(RADIX_MMU)=1\n",
	  { "ppc64_radix_4k", 2, { PW_ROOT_ABSENT, UINT64_C(0x40000000029d00ad) } } },
	{ EM_PPC64,
	  false,
	  false,
	  "PAGESIZE=65536\nSYMBOL(swapper_pg_dir)=c000000002a10000\nNUMBER(RADIX_MMU)=0\n",
	  { NULL, 0, { 0 } } },
	{ EM_386,
	  true,
	  false,
	  "SYMBOL(swapper_pg_dir)=c1a0c000\nCONFIG_X86_PAE=y\n",
	  { "i386_pae", 1, { 0x1a0c000 } } },
	{ EM_ARM, true, false, "SYMBOL(swapper_pg_dir)=c0004000\n", { "arm", 1, { 0x4000 } } },
	/* MEMORY is all zeros, which is a segment table. */
	{ EM_S390, false, true, "SYMBOL(swapper_pg_dir)=100000\n", { "s390x", 1, { 0x100003 } } },
	{ EM_S390,
	  false,
	  true,
	  "SYMBOL(swapper_pg_dir)=3ffe0100000\nKERNELOFFSET=3ffe0000000\n"
	  "KERNELOFFPHYS=0\n",
	  { "s390x", 1, { 0x100003 } } },
	/* If the table is not in the image, nothing tells its level. */
	{ EM_S390, false, true, "SYMBOL(swapper_pg_dir)=200000\n", { NULL, 0, { 0 } } },
	/* Found by a value that only one architecture has. */
	{ EM_NONE,
	  false,
	  false,
	  "SYMBOL(swapper_pg_dir)=ffffffff81a0c000\nNUMBER(phys_base)=0\n",
	  { "x86_64", 1, { 0x1a0c000 } } },
};

static void finds_roots(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(roots) / sizeof(roots[0]); i++) {
		static struct image image;

		build(&image, !roots[i].narrow, roots[i].big_endian, roots[i].machine,
		      roots[i].text);
		finds(&image, &roots[i].want);
	}
}

/* If VMCOREINFO does not say where the symbol is, the PT_LOAD that holds it does. */
static void takes_loads(void **state)
{
	static const struct want want = { "i386", 1, { MEMORY } };
	static struct image image;

	(void)state;
	build(&image, true, false, EM_386, "SYMBOL(swapper_pg_dir)=d0001000\n");
	PUT(&image, image_header_bytes(&image), Phdr, p_vaddr, 0xd0001000);
	finds(&image, &want);
}

/* A CPU's own registers come first, and are used if no root is named. */
static void registers_come_first(void **state)
{
	static struct image image;
	const struct pw_cpu *cpus;
	struct opened opened;
	size_t at = NOTES + 24 + 40;

	(void)state;
	build(&image, true, false, EM_X86_64, "SYMBOL(init_top_pgt)=ffffffff81a0c000\n");
	put(&image, at, 4, 5);
	put(&image, at + 4, 4, 440);
	put(&image, at + 8, 4, 0);
	memcpy(image.bytes + at + 12, "QEMU", 5);
	put(&image, at + 20, 4, 1);
	put(&image, at + 24, 4, 440);
	put(&image, at + 20 + 392, 8, 1u << 31);
	put(&image, at + 20 + 416, 8, 0x5000);
	put(&image, at + 20 + 424, 8, 1 << 5);
	image_program(&image, 1, PT_NOTE, NOTES, 0, at + 20 + 440 - NOTES, 0);
	image_open(&opened, &image);
	assert_int_equal(opened.status, 0);
	assert_int_equal(pw_memory_cpus(opened.memory, &cpus), 2);
	assert_false(cpus[0].kernel);
	assert_true(cpus[0].root[0] == 0x5000);
	assert_true(cpus[1].kernel);
	assert_true(cpus[1].root[0] == 0x1a0c000);
	opened_close(&opened);
}

static void kernel_of(const struct image *image, uint64_t search, int status,
		      struct pw_kernel *kernel)
{
	struct opened opened;

	image_open(&opened, image);
	assert_int_equal(opened.status, 0);
	assert_int_equal(pw_memory_kernel(opened.memory, search, kernel), status);
	opened_close(&opened);
}

static void tells_versions(void **state)
{
	static const char banner[] = "Linux version 7.2.13+deb14-amd64 (a@b) (gcc) #1 SMP\n";
	static struct image image;
	struct pw_kernel kernel;

	(void)state;
	build(&image, true, false, EM_X86_64,
	      "OSRELEASE=6.12.43+deb13-amd64\nNUMBER(PG_hwpoison)=22\n"
	      "NUMBER(sme_mask)=140737488355328\n");
	memcpy(image.bytes + LOAD + 0x123, banner, sizeof(banner));
	kernel_of(&image, UINT64_MAX, 0, &kernel);
	assert_string_equal(kernel.release, "6.12.43+deb13-amd64");
	assert_string_equal(kernel.origin, "VMCOREINFO");
	assert_int_equal(kernel.version, 0x060c);
	assert_int_equal(kernel.config, PW_CONFIG_MEMORY_FAILURE);
	assert_int_equal(kernel.config_told, PW_CONFIG_MEMORY_FAILURE);
	assert_true(kernel.encryption == UINT64_C(1) << 47);

	build(&image, true, false, EM_X86_64, "OSRELEASE=6.1.0-53-amd64\n");
	kernel_of(&image, 0, 0, &kernel);
	assert_int_equal(kernel.version, 0x0601);
	assert_int_equal(kernel.config, 0);

	/* Without VMCOREINFO, the banner counts; texts that only look like a banner do not. */
	build(&image, true, false, EM_X86_64, "OSRELEASE=next\n");
	memcpy(image.bytes + LOAD + 0x23, "Linux version %s (%s) %s\n", 26);
	memcpy(image.bytes + LOAD + 0x80, "Linux version 6.1.2, said he (", 30);
	kernel_of(&image, UINT64_MAX, -ENODATA, &kernel);
	assert_int_equal(kernel.version, 0);
	memcpy(image.bytes + LOAD + 0x923, banner, sizeof(banner));
	kernel_of(&image, 0, -ENODATA, &kernel);
	kernel_of(&image, 0x923, -ENODATA, &kernel);
	kernel_of(&image, 0x1000, 0, &kernel);
	assert_string_equal(kernel.release, "7.2.13+deb14-amd64");
	assert_string_equal(kernel.origin, "the banner at 0x100923");
	assert_int_equal(kernel.version, 0x0702);
}

/* The banner lies across the border of two pieces of the search. */
static void searches_all(void **state)
{
	enum { BYTES = 256 << 10 };
	static const char banner[] = "Linux version 5.10.0 (a@b) (gcc) #1 SMP\n";
	unsigned char *bytes = calloc(1, BYTES);
	struct pw_segment segment = { 0, BYTES - 1, bytes };
	struct pw_memory *memory;
	struct pw_kernel kernel;
	struct pw_error error;

	(void)state;
	assert_non_null(bytes);
	assert_int_equal(pw_memory_wrap(&segment, 1, &memory, &error), 0);
	for (size_t at = (64 << 10) - 200; at < (64 << 10) + 200; at++) {
		memcpy(bytes + at, banner, sizeof(banner));
		assert_int_equal(pw_memory_kernel(memory, UINT64_MAX, &kernel), 0);
		assert_int_equal(kernel.version, 0x050a);
		memset(bytes + at, 0, sizeof(banner));
	}
	pw_memory_close(memory);
	free(bytes);
}

/* ---- found in memory ---- */

enum { PAGES = 128, TABLE = 0x5000, NOTE = 0x40000 };

static const char in_memory[] =
	"OSRELEASE=6.12.43+deb13-amd64\nPAGESIZE=4096\nSIZE(list_head)=16\n"
	"SYMBOL(init_top_pgt)=ffffffff81005000\nNUMBER(phys_base)=-16777216\n"
	"NUMBER(pgtable_l5_enabled)=0\nNUMBER(PG_hwpoison)=22\n";

static void put64(unsigned char *at, uint64_t value, bool big_endian)
{
	for (unsigned i = 0; i < 8; i++)
		at[big_endian ? 7 - i : i] = (unsigned char)(value >> 8 * i);
}

/* The kernel's note as it is in memory: a page that begins with the header. */
static void put_note(unsigned char *at, const char *text, bool big_endian)
{
	memset(at, 0, 24);
	at[big_endian ? 3 : 0] = 11;
	at[big_endian ? 6 : 5] = (unsigned char)(strlen(text) >> 8);
	at[big_endian ? 7 : 4] = (unsigned char)strlen(text);
	memcpy(at + 12, "VMCOREINFO", 11);
	memcpy(at + 24, text, strlen(text));
}

/* Memory at 0 with the tables of a kernel that maps 0-0x1fffff at 0xffffffff81000000. */
static unsigned char *build_memory(void)
{
	unsigned char *bytes = aligned_alloc(4096, PAGES * 4096);

	assert_non_null(bytes);
	memset(bytes, 0, PAGES * 4096);
	put64(bytes + TABLE + 511 * 8, 0x6063, false);
	put64(bytes + 0x6000 + 510 * 8, 0x7063, false);
	put64(bytes + 0x7000 + 8 * 8, 0x1e3, false);
	return bytes;
}

/* Searches @bytes; @note is where VMCOREINFO is found, UINT64_MAX: nowhere. */
static void search(unsigned char *bytes, uint64_t most, pw_pa note, const struct want *want)
{
	struct pw_segment segment = { 0, PAGES * 4096 - 1, bytes };
	struct pw_memory *memory;
	const struct pw_cpu *cpus;
	struct pw_kernel kernel;
	struct pw_error error;
	char origin[48];

	assert_int_equal(pw_memory_wrap(&segment, 1, &memory, &error), 0);
	assert_int_equal(pw_memory_find_vmcoreinfo(memory, most, &error),
			 note == UINT64_MAX ? -ENODATA : 0);
	assert_int_equal(pw_memory_cpus(memory, &cpus), note == UINT64_MAX ? 0 : 1);
	if (note == UINT64_MAX) {
		assert_says(error.text, "no VMCOREINFO");
		assert_int_equal(pw_memory_kernel(memory, 0, &kernel), -ENODATA);
	} else {
		snprintf(origin, sizeof(origin), "VMCOREINFO at 0x%llx", (unsigned long long)note);
		assert_int_equal(pw_memory_kernel(memory, 0, &kernel), 0);
		assert_int_equal(kernel.version, 0x060c);
		assert_string_equal(kernel.origin, origin);
		assert_says(cpus[0].origin, origin);
		assert_true(cpus[0].kernel);
		assert_string_equal(cpus[0].format, want->format);
		assert_true(cpus[0].root[0] == want->word[0]);
		/* What is known is not looked for again. */
		assert_int_equal(pw_memory_find_vmcoreinfo(memory, 0, &error), 0);
		assert_int_equal(pw_memory_cpus(memory, &cpus), 1);
	}
	pw_memory_close(memory);
}

static const struct want in_memory_want = { "x86_64", 1, { TABLE } };

static void found_in_memory(void **state)
{
	unsigned char *bytes = build_memory();

	(void)state;
	search(bytes, UINT64_MAX, UINT64_MAX, NULL);
	put_note(bytes + NOTE, in_memory, false);
	search(bytes, UINT64_MAX, NOTE, &in_memory_want);
	/* The page must be whole in what is searched. */
	search(bytes, NOTE + 4096, NOTE, &in_memory_want);
	search(bytes, NOTE + 4095, UINT64_MAX, NULL);
	search(bytes, 0, UINT64_MAX, NULL);
	/* The last page of memory. */
	memset(bytes + NOTE, 0, 4096);
	put_note(bytes + (PAGES - 1) * 4096, in_memory, false);
	search(bytes, UINT64_MAX, (PAGES - 1) * 4096, &in_memory_want);
	free(bytes);
}

/* s390x, whose notes have the highest byte first, and whose kernel knows its tables by their real address. */
static void found_big_endian(void **state)
{
	static const struct want want = { "s390x", 1, { 0x4003 } };
	unsigned char *bytes = build_memory();

	(void)state;
	memset(bytes, 0, 0x10000);
	/* A segment table of 16 KiB, whose first entry leads to a page table. */
	put64(bytes + 0x4000, 0x8000, true);
	put64(bytes + 0x8000 + 4 * 8, 0x4000, true);
	put_note(bytes + NOTE,
		 "OSRELEASE=6.12.43\nSYMBOL(swapper_pg_dir)=4000\nSYMBOL(lowcore_ptr)=9000\n",
		 true);
	search(bytes, UINT64_MAX, NOTE, &want);
	free(bytes);
}

/* Notes that are cut, made up or left behind by another kernel are passed over. */
static void test_forged(void **state)
{
	static const char other[] =
		"OSRELEASE=6.13.0-forged\nPAGESIZE=4096\nSIZE(list_head)=16\n"
		"SYMBOL(init_top_pgt)=ffffffff81009000\nNUMBER(phys_base)=-16777216\n";
	unsigned char *bytes = build_memory();

	(void)state;
	put_note(bytes + 0x10000, other, false);
	put_note(bytes + 0x11000 + 4, in_memory, false);
	put_note(bytes + 0x12000, in_memory + 1, false);
	put_note(bytes + 0x13000, in_memory, false);
	bytes[0x13000 + 24 + 40] = 7;
	put_note(bytes + 0x14000, in_memory, false);
	bytes[0x14000 + 4]--;
	put_note(bytes + 0x15000, in_memory, false);
	bytes[0x15000 + 8] = 1;
	/* A description that goes beyond the end of memory, or has no end. */
	put_note(bytes + (PAGES - 1) * 4096, in_memory, false);
	bytes[(PAGES - 1) * 4096 + 5] = 0x20;
	put_note(bytes + 0x16000, in_memory, false);
	memset(bytes + 0x16000 + 4, 0xff, 4);
	search(bytes, UINT64_MAX, UINT64_MAX, NULL);
	put_note(bytes + NOTE, in_memory, false);
	search(bytes, UINT64_MAX, NOTE, &in_memory_want);
	/* So many that looking at each would take long. */
	for (size_t i = 0x17; i < 0x40 + 64; i++)
		put_note(bytes + i * 4096, other, false);
	search(bytes, UINT64_MAX, UINT64_MAX, NULL);
	free(bytes);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_roots),          cmocka_unit_test(takes_loads),
		cmocka_unit_test(registers_come_first), cmocka_unit_test(tells_versions),
		cmocka_unit_test(searches_all),         cmocka_unit_test(found_in_memory),
		cmocka_unit_test(found_big_endian),     cmocka_unit_test(test_forged),
	};

	mutant_choose(argc, argv);

	return cmocka_run_group_tests(tests, NULL, NULL);
}
