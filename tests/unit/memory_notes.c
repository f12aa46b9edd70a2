/* SPDX-License-Identifier: MIT */
/* Notes of ELF cores: the CPUs and roots that they give, and the effects of malformed notes. */
#include "memory/note.h"
#include "memory_build.h"

enum { NOTES = 4096, LOAD = 1024 };

/* A core with one page of memory and no notes yet; notes are put one after the other from NOTES on. */
static size_t build(struct image *image, bool wide, bool big_endian, unsigned machine)
{
	image_init(image, wide, big_endian, machine, 2);
	image_load(image, 0, LOAD, 0x1000, 0x100);
	return NOTES;
}

/* Puts a note with a description of zeros at @at; returns the place of the description. */
static size_t put_note(struct image *image, size_t *at, const char *name, uint32_t type,
		       uint32_t bytes)
{
	size_t name_bytes = strlen(name) + 1, desc;

	put(image, *at, 4, name_bytes);
	put(image, *at + 4, 4, bytes);
	put(image, *at + 8, 4, type);
	memcpy(image->bytes + *at + 12, name, name_bytes);
	desc = *at + 12 + ((name_bytes + 3) & ~(size_t)3);
	*at = desc + ((bytes + 3) & ~3u);
	if (image->size < *at)
		image->size = *at;
	return desc;
}

static void finish(struct image *image, size_t end)
{
	image_program(image, 1, PT_NOTE, NOTES, 0, end - NOTES, 0);
}

static size_t put_qemu(struct image *image, size_t *at, uint64_t cr0, uint64_t cr3, uint64_t cr4)
{
	size_t desc = put_note(image, at, "QEMU", 0, 440);

	put(image, desc, 4, 1);
	put(image, desc + 4, 4, 440);
	put(image, desc + 392, 8, cr0);
	put(image, desc + 416, 8, cr3);
	put(image, desc + 424, 8, cr4);
	return desc;
}

static void reads_x86_modes(void **state)
{
	enum { PG = 1u << 31, PAE = 1 << 5, LA57 = 1 << 12 };
	static const struct {
		unsigned machine;
		uint64_t cr0, cr4;
		const char *format;
	} cases[] = {
		{ EM_X86_64, PG | 1, PAE, "x86_64" },
		{ EM_X86_64, PG | 1, PAE | LA57, "x86_64_la57" },
		{ EM_X86_64, PG | 1, 0, "i386" }, /* a CPU that is not in long mode yet */
		{ EM_X86_64, 1, PAE, NULL },
		{ EM_386, PG | 1, 0, "i386" },
		{ EM_386, PG | 1, PAE, "i386_pae" },
		{ EM_386, 1, 0, NULL },
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct pw_cpu *cpus;
		struct image image;
		struct opened opened;
		/* QEMU also writes 64-bit cores of 32-bit x86. */
		size_t at = build(&image, true, false, cases[i].machine);

		put_note(&image, &at, "CORE", NT_PRSTATUS, 144);
		put_qemu(&image, &at, cases[i].cr0, UINT64_C(0x123456789000), cases[i].cr4);
		finish(&image, at);
		image_open(&opened, &image);
		assert_int_equal(opened.status, 0);
		assert_null(pw_memory_remark(opened.memory, 0));
		assert_int_equal(pw_memory_cpus(opened.memory, &cpus), 1);
		assert_int_equal(cpus[0].id, 0);
		if (cases[i].format) {
			assert_string_equal(cpus[0].format, cases[i].format);
			assert_int_equal(cpus[0].roots, 1);
			assert_true(cpus[0].root[0] == UINT64_C(0x123456789000));
			assert_string_equal(cpus[0].origin, "QEMU note, CR3");
		} else {
			assert_null(cpus[0].format);
			assert_int_equal(cpus[0].roots, 0);
		}
		opened_close(&opened);
	}
}

/* VirtualBox leaves out the names' NULs, and fills names and descriptions to 8 bytes. */
static void put_vbox(struct image *image, size_t *at, const char *name, uint32_t type, size_t *desc,
		     uint32_t bytes)
{
	size_t start = *at;

	*desc = put_note(image, at, name, type, bytes);
	put(image, start, 4, strlen(name));
}

static void reads_vbox(void **state)
{
	enum { PG = 1u << 31, PAE = 1 << 5, LA57 = 1 << 12, LMA = 1 << 10 };
	static const struct {
		uint32_t version, bytes;
		uint64_t cr0, cr4, efer;
		const char *format, *says;
	} cases[] = {
		{ 0x10006, 5000, PG, PAE, LMA, "x86_64", NULL },
		{ 0x10004, 512, PG, PAE | LA57, LMA, "x86_64_la57", NULL },
		{ 0x10006, 5000, PG, PAE, 0, "i386_pae", NULL },
		{ 0x10006, 5000, PG, 0, 0, "i386", NULL },
		{ 0x10006, 5000, 0, 0, 0, NULL, NULL },
		{ 0x10003, 5000, PG, PAE, LMA, NULL, "version 0x10003" },
		{ 0x20000, 5000, PG, PAE, LMA, NULL, "version 0x20000" },
		{ 0x10006, 504, PG, PAE, LMA, NULL, "has 504 bytes" },
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct pw_cpu *cpus;
		struct image image;
		struct opened opened;
		size_t desc, at = build(&image, true, false, EM_X86_64);

		put_vbox(&image, &at, "VBCORE", 0xb00, &desc, 24);
		put(&image, desc, 4, 0xc01ac0de);
		put(&image, desc + 4, 4, cases[i].version);
		put_vbox(&image, &at, "VBCPU", 0xb01, &desc, cases[i].bytes);
		put(&image, desc + 288, 8, cases[i].cr0);
		put(&image, desc + 304, 8, 0x123456000);
		put(&image, desc + 312, 8, cases[i].cr4);
		put(&image, desc + 488, 8, cases[i].efer);
		if (cases[i].bytes >= 512)
			put(&image, desc + 504, 8, 0x0007040600070406);
		finish(&image, at);
		image_open(&opened, &image);
		assert_int_equal(opened.status, 0);
		assert_int_equal(pw_memory_cpus(opened.memory, &cpus), cases[i].says ? 0 : 1);
		if (cases[i].says)
			assert_says(pw_memory_remark(opened.memory, 0), cases[i].says);
		else
			assert_int_equal(cpus[0].roots, cases[i].format ? 1 : 0);
		if (cases[i].format) {
			assert_string_equal(cpus[0].format, cases[i].format);
			assert_true(cpus[0].root[0] == 0x123456000);
			assert_true(cpus[0].registers.pat == 0x0007040600070406);
			assert_string_equal(cpus[0].origin, "VBCPU note, CR3");
		}
		opened_close(&opened);
	}
}

static void numbers_cpus(void **state)
{
	const struct pw_cpu *cpus;
	struct image image;
	struct opened opened;
	size_t at = build(&image, true, false, EM_X86_64);

	(void)state;
	for (unsigned i = 0; i < 5; i++)
		put_note(&image, &at, "CORE", NT_PRSTATUS, 336);
	for (unsigned i = 0; i < 5; i++)
		put_qemu(&image, &at, UINT64_C(1) << 31, i << 12, 1 << 5);
	finish(&image, at);
	image_open(&opened, &image);
	assert_int_equal(opened.status, 0);
	assert_int_equal(pw_memory_cpus(opened.memory, &cpus), 5);
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(cpus[i].id, i);
		assert_int_equal(cpus[i].root[0], i << 12);
	}
	opened_close(&opened);
}

static void counts_cpus_without_roots(void **state)
{
	static const unsigned machines[] = { EM_ARM, EM_AARCH64, EM_PPC64, EM_RISCV, EM_S390 };

	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		const struct pw_cpu *cpus;
		struct image image;
		struct opened opened;
		size_t at = build(&image, i > 0, i > 1, machines[i]);

		for (unsigned j = 0; j < 3; j++) {
			put_note(&image, &at, "CORE", NT_PRSTATUS, 148);
			put_note(&image, &at, "CORE", NT_FPREGSET, 7);
			put_note(&image, &at, "LINUX", NT_PRSTATUS, 16);
		}
		finish(&image, at);
		image_open(&opened, &image);
		assert_int_equal(opened.status, 0);
		assert_null(pw_memory_remark(opened.memory, 0));
		assert_int_equal(pw_memory_cpus(opened.memory, &cpus), 3);
		for (unsigned j = 0; j < 3; j++) {
			assert_int_equal(cpus[j].id, j);
			assert_int_equal(cpus[j].roots, 0);
			if (machines[i] == EM_S390)
				assert_string_equal(cpus[j].format, "s390x");
			else
				assert_null(cpus[j].format);
		}
		opened_close(&opened);
	}
}

static void reads_s390_spaces(void **state)
{
	/* The registers of a CPU in user mode, in the kernel, in a kernel thread, and at its start. */
	static const struct {
		uint64_t primary, secondary, home;
		unsigned count;
		uint64_t root[3];
		const char *origin[3];
	} cases[] = {
		{ 0x18541c7, 0x18541c7, 0x1290007, 2, { 0x18541c7, 0x1290007 }, { "CR1", "CR13" } },
		{ 0x1290007, 0x18941c7, 0x1290007, 2, { 0x18941c7, 0x1290007 }, { "CR7", "CR13" } },
		{ 0x1290007, 0x1290007, 0x1290007, 1, { 0x1290007 }, { "CR13" } },
		{ 0x1000147,
		  0x2000147,
		  0x3000147,
		  3,
		  { 0x1000147, 0x2000147, 0x3000147 },
		  { "CR1", "CR7", "CR13" } },
	};
	const struct pw_cpu *cpus;
	struct image image;
	struct opened opened;
	size_t at = build(&image, true, true, EM_S390), n = 0;

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		size_t desc;

		put_note(&image, &at, "CORE", NT_PRSTATUS, 336);
		desc = put_note(&image, &at, "LINUX", NT_S390_CTRS, 128);
		put(&image, desc + 8 * 1, 8, cases[i].primary);
		put(&image, desc + 8 * 7, 8, cases[i].secondary);
		put(&image, desc + 8 * 13, 8, cases[i].home);
	}
	put_note(&image, &at, "LINUX", NT_S390_CTRS, 128);
	finish(&image, at);
	image_open(&opened, &image);
	assert_int_equal(opened.status, 0);
	assert_int_equal(pw_memory_cpus(opened.memory, &cpus), 2 + 2 + 1 + 3 + 1);
	for (unsigned i = 0; i < 4; i++) {
		for (unsigned j = 0; j < cases[i].count; j++, n++) {
			assert_int_equal(cpus[n].id, i);
			assert_string_equal(cpus[n].format, "s390x");
			assert_int_equal(cpus[n].roots, 1);
			assert_true(cpus[n].root[0] == cases[i].root[j]);
			assert_says(cpus[n].origin, cases[i].origin[j]);
		}
	}
	assert_int_equal(cpus[n].id, 4);
	assert_int_equal(cpus[n].roots, 0);
	opened_close(&opened);
}

static void refuses_strange_registers(void **state)
{
	static const uint32_t lengths[] = { 0, 3, 7, 439, 127, 129 };
	const struct pw_cpu *cpus;
	struct image image;
	struct opened opened;
	size_t at, desc;

	(void)state;
	for (unsigned i = 0; i < 6; i++) {
		bool s390 = i > 3;

		at = build(&image, true, s390, s390 ? EM_S390 : EM_X86_64);
		put_note(&image, &at, "CORE", NT_PRSTATUS, 100);
		put_note(&image, &at, s390 ? "LINUX" : "QEMU", s390 ? NT_S390_CTRS : 0, lengths[i]);
		finish(&image, at);
		image_open(&opened, &image);
		assert_int_equal(opened.status, 0);
		assert_says(pw_memory_remark(opened.memory, 0), "CPU 0");
		assert_int_equal(pw_memory_cpus(opened.memory, &cpus), 1);
		assert_int_equal(cpus[0].roots, 0);
		opened_close(&opened);
	}
	at = build(&image, true, false, EM_X86_64);
	desc = put_qemu(&image, &at, UINT64_C(1) << 31, 0x1000, 1 << 5);
	put(&image, desc, 4, 2);
	finish(&image, at);
	image_open(&opened, &image);
	assert_says(pw_memory_remark(opened.memory, 0), "version 2");
	assert_int_equal(pw_memory_cpus(opened.memory, &cpus), 0);
	opened_close(&opened);
	/* QEMU's note is for x86 only, and an s390x note needs an s390x. */
	at = build(&image, true, false, EM_AARCH64);
	put_qemu(&image, &at, UINT64_C(1) << 31, 0x1000, 1 << 5);
	put_note(&image, &at, "LINUX", NT_S390_CTRS, 128);
	finish(&image, at);
	image_open(&opened, &image);
	assert_null(pw_memory_remark(opened.memory, 0));
	assert_int_equal(pw_memory_cpus(opened.memory, &cpus), 0);
	opened_close(&opened);
}

static const struct pw_cpu two_roots = {
	.id = 7,
	.format = "arm64_16k_47",
	.roots = 2,
	.root = { UINT64_C(0x123456789abcdef0), UINT64_C(0xfedcba9876543210) },
};

static const struct pw_kernel noted = {
	.release = "7.2.13+deb14-arm64-16k",
	.config = PW_CONFIG_DEVICE_PRIVATE,
	.config_told = PW_CONFIG_DEVICE_PRIVATE | PW_CONFIG_MEMORY_FAILURE,
	.encryption = UINT64_C(1) << 47,
};

static size_t put_own(struct image *image, size_t *at, const struct pw_cpu *cpu, const char *label)
{
	size_t desc = *at + 24;

	assert_int_equal(pw_note_encode(cpu, label, &noted, image->big_endian, image->bytes + *at,
					sizeof(image->bytes) - *at),
			 PW_NOTE_BYTES);
	*at += PW_NOTE_BYTES;
	image->size = *at;
	return desc;
}

static void own_note_goes_round(void **state)
{
	static const struct pw_cpu none = { .id = 1 };
	unsigned char buffer[PW_NOTE_BYTES];

	(void)state;
	assert_int_equal(pw_note_encode(&none, NULL, NULL, false, buffer, sizeof(buffer) - 1), 0);
	for (unsigned i = 0; i < 4; i++) {
		const struct pw_cpu *cpus;
		struct pw_kernel kernel;
		struct image image;
		struct opened opened;
		size_t at = build(&image, i & 1, i & 2, EM_AARCH64);

		put_own(&image, &at, &two_roots, "straddle");
		put_own(&image, &at, &none, NULL);
		put_own(&image, &at, &two_roots,
			"a label that is much longer than there is room for in a note of ours");
		finish(&image, at);
		image_open(&opened, &image);
		assert_int_equal(opened.status, 0);
		assert_null(pw_memory_remark(opened.memory, 0));
		assert_int_equal(pw_memory_cpus(opened.memory, &cpus), 3);
		assert_int_equal(cpus[0].id, 7);
		assert_string_equal(cpus[0].format, "arm64_16k_47");
		assert_int_equal(cpus[0].roots, 2);
		assert_true(cpus[0].root[0] == two_roots.root[0]);
		assert_true(cpus[0].root[1] == two_roots.root[1]);
		assert_string_equal(cpus[0].origin, "straddle");
		assert_int_equal(cpus[1].id, 1);
		assert_null(cpus[1].format);
		assert_int_equal(cpus[1].roots, 0);
		assert_string_equal(cpus[1].origin, "PAGEWALK note");
		assert_string_equal(cpus[2].origin, "a label that is much longer than there ");
		assert_int_equal(pw_memory_kernel(opened.memory, 0, &kernel), 0);
		assert_string_equal(kernel.release, noted.release);
		assert_int_equal(kernel.version, 0x0702);
		assert_int_equal(kernel.config, noted.config);
		assert_int_equal(kernel.config_told, noted.config_told);
		assert_true(kernel.encryption == noted.encryption);
		assert_string_equal(kernel.origin, "PAGEWALK note");
		opened_close(&opened);
	}
}

static void own_note_is_not_believed(void **state)
{
	const struct pw_cpu *cpus;
	struct pw_kernel kernel;
	struct image image;
	struct opened opened;
	size_t at = build(&image, true, false, EM_X86_64), desc;

	(void)state;
	desc = put_own(&image, &at, &two_roots, "a\033[31mred\tlabel");
	finish(&image, at);
	memset(image.bytes + desc + 32, 'f', PW_NOTE_TEXT); /* a name without an end */
	image_open(&opened, &image);
	assert_int_equal(pw_memory_cpus(opened.memory, &cpus), 1);
	assert_string_equal(cpus[0].origin, "a?[31mred?label");
	assert_int_equal(strlen(cpus[0].format), PW_NOTE_TEXT - 1);
	opened_close(&opened);
	put(&image, desc + 4, 4, 3);
	image_open(&opened, &image);
	assert_says(pw_memory_remark(opened.memory, 0), "3 roots");
	assert_int_equal(pw_memory_cpus(opened.memory, &cpus), 0);
	opened_close(&opened);
	put(&image, desc + 4, 4, 2);
	put(&image, desc, 4, 2);
	image_open(&opened, &image);
	assert_says(pw_memory_remark(opened.memory, 0), "version 2");
	assert_int_equal(pw_memory_cpus(opened.memory, &cpus), 0);
	opened_close(&opened);
	/* The note is too short for its two texts. */
	put(&image, desc, 4, 1);
	put(&image, NOTES + 4, 4, PW_NOTE_DESC - 4);
	image_open(&opened, &image);
	assert_says(pw_memory_remark(opened.memory, 0), "is not read");
	opened_close(&opened);
	/* Notes of older versions say nothing of the kernel, nor does one whose release has no version. */
	put(&image, NOTES + 4, 4, PW_NOTE_DESC_KERNEL - 4);
	image_open(&opened, &image);
	assert_int_equal(pw_memory_cpus(opened.memory, &cpus), 1);
	assert_int_equal(pw_memory_kernel(opened.memory, 0, &kernel), -ENODATA);
	opened_close(&opened);
	put(&image, NOTES + 4, 4, PW_NOTE_DESC_KERNEL);
	memset(image.bytes + desc + PW_NOTE_DESC_REGISTERS + 16, 0xff, PW_NOTE_TEXT);
	image_open(&opened, &image);
	assert_int_equal(pw_memory_kernel(opened.memory, 0, &kernel), -ENODATA);
	opened_close(&opened);
}

/* The notes end at every byte, by their header or by the end of the file. */
static void truncated_anywhere(void **state)
{
	struct image image;
	size_t at = build(&image, true, false, EM_X86_64), ends[4];

	(void)state;
	put_note(&image, &at, "CORE", NT_PRSTATUS, 33);
	ends[0] = at;
	put_qemu(&image, &at, UINT64_C(1) << 31, 0x1000, 1 << 5);
	ends[1] = at;
	put_own(&image, &at, &two_roots, "label");
	ends[2] = at;
	put_qemu(&image, &at, UINT64_C(1) << 31, 0x2000, 1 << 5);
	ends[3] = at;
	for (size_t end = NOTES; end <= at; end++) {
		unsigned whole = end >= ends[3] ? 3 : end >= ends[2] ? 2 : end >= ends[1];
		/* The last three bytes of the first note are padding. */
		bool between = end == NOTES || (end >= ends[0] - 3 && end <= ends[0]) ||
			       end == ends[1] || end == ends[2] || end == ends[3];

		for (unsigned by_file = 0; by_file < 2; by_file++) {
			const struct pw_cpu *cpus;
			struct opened opened;
			size_t count;

			finish(&image, by_file ? at : end);
			image_open_part(&opened, &image, by_file ? end : at);
			assert_int_equal(opened.status, 0);
			count = pw_memory_cpus(opened.memory, &cpus);
			/* Without registers, the CPU of the first note is counted. */
			assert_int_equal(count, whole ? whole : end >= ends[0] - 3);
			for (size_t i = 0; i < whole; i++)
				assert_true(cpus[i].root[0] == (i == 1 ? two_roots.root[0]
								: i    ? 0x2000u
								       : 0x1000u));
			if (by_file && end < at)
				assert_says(pw_memory_remark(opened.memory, 0), "PT_NOTE 1");
			else if (between)
				assert_null(pw_memory_remark(opened.memory, 0));
			else
				assert_says(pw_memory_remark(opened.memory, 0), "note");
			opened_close(&opened);
		}
	}
}

static void lies_about_sizes(void **state)
{
	static const uint32_t lies[] = { UINT32_MAX, UINT32_MAX - 3, INT32_MAX, 0x10000, 40 };

	(void)state;
	for (unsigned i = 0; i < 10; i++) {
		const struct pw_cpu *cpus;
		struct image image;
		struct opened opened;
		size_t at = build(&image, true, false, EM_X86_64);

		put_own(&image, &at, &two_roots, "first");
		put_note(&image, &at, "CORE", NT_PRSTATUS, 4);
		put(&image, NOTES + PW_NOTE_BYTES + (i < 5 ? 0 : 4), 4, lies[i % 5]);
		finish(&image, at);
		image_open(&opened, &image);
		assert_int_equal(opened.status, 0);
		assert_says(pw_memory_remark(opened.memory, 0), "it and the notes after it");
		assert_int_equal(pw_memory_cpus(opened.memory, &cpus), 1);
		opened_close(&opened);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_x86_modes),           cmocka_unit_test(numbers_cpus),
		cmocka_unit_test(counts_cpus_without_roots), cmocka_unit_test(reads_s390_spaces),
		cmocka_unit_test(refuses_strange_registers), cmocka_unit_test(own_note_goes_round),
		cmocka_unit_test(own_note_is_not_believed),  cmocka_unit_test(truncated_anywhere),
		cmocka_unit_test(lies_about_sizes),          cmocka_unit_test(reads_vbox),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
