/* SPDX-License-Identifier: MIT */
/* Dumps of Xen's domains: cores with sections instead of program headers. */
#include "memory_build.h"

enum {
	NAMES = 0x100, /* offsets in the file */
	SECTIONS = 0x200,
	LIST = 0x400,
	CPUS = 0x600, /* two */
	CPU_BYTES = 5168,
	PAGES = 0x3000,
	PAGE = 4096,
	COUNT = 5,
	/* In a CPU's structure. */
	RIP = 648,
	CR = 4984,
	GS_BASE = 5152,
};

static const char names[] = "\0.shstrtab\0.xen_pages\0.xen_pfn\0.xen_p2m\0.xen_prstatus";
enum { NAME_STRINGS = 1, NAME_PAGES = 11, NAME_PFN = 22, NAME_P2M = 31, NAME_CPUS = 40 };

static void put_section(struct image *image, unsigned number, unsigned name, uint64_t offset,
			uint64_t bytes)
{
	size_t at = SECTIONS + number * sizeof(Elf64_Shdr);

	PUT(image, at, Shdr, sh_name, name);
	PUT(image, at, Shdr, sh_offset, offset);
	PUT(image, at, Shdr, sh_size, bytes);
}

/* Pages with the frames 2, 3, none, 7 and 5; each begins with its number. PV has machine frames 0x100 higher. */
static void build(struct image *image, bool pv)
{
	static const uint64_t frames[COUNT] = { 2, 3, UINT64_MAX, 7, 5 };

	image_init(image, true, false, EM_X86_64, 0);
	PUT(image, 0, Ehdr, e_phoff, 0);
	PUT(image, 0, Ehdr, e_shoff, SECTIONS);
	PUT(image, 0, Ehdr, e_shnum, 5);
	PUT(image, 0, Ehdr, e_shstrndx, 1);
	memcpy(image->bytes + NAMES, names, sizeof(names));
	put_section(image, 0, 0, 0, 0);
	put_section(image, 1, NAME_STRINGS, NAMES, sizeof(names));
	put_section(image, 2, NAME_PAGES, PAGES, COUNT * PAGE);
	put_section(image, 3, pv ? NAME_P2M : NAME_PFN, LIST, COUNT * (pv ? 16 : 8));
	put_section(image, 4, NAME_CPUS, CPUS, 2 * CPU_BYTES);
	for (unsigned i = 0; i < COUNT; i++) {
		put(image, LIST + i * (pv ? 16 : 8), 8, frames[i]);
		if (pv)
			put(image, LIST + i * 16 + 8, 8,
			    frames[i] == UINT64_MAX ? UINT64_MAX : frames[i] + 0x100);
		put(image, PAGES + i * PAGE, 8, i);
	}
	image->size = PAGES + COUNT * PAGE;
}

static void has_page(const struct pw_memory *memory, uint64_t frame, unsigned number)
{
	unsigned char byte;

	assert_int_equal(pw_memory_read(memory, frame * PAGE, &byte, 1), 0);
	assert_int_equal(byte, number);
}

static void reads_both_kinds(void **state)
{
	(void)state;
	for (unsigned pv = 0; pv < 2; pv++) {
		const unsigned more = pv ? 0x100 : 0;
		const struct pw_segment *segments;
		struct opened opened;
		struct image image;

		build(&image, pv);
		image_open(&opened, &image);
		assert_int_equal(opened.status, 0);
		assert_int_equal(pw_memory_segments(opened.memory, &segments), 3);
		assert_true(segments[0].first == (2 + more) * PAGE);
		assert_true(segments[0].last == (4 + more) * PAGE - 1);
		has_page(opened.memory, 2 + more, 0);
		has_page(opened.memory, 3 + more, 1);
		has_page(opened.memory, 7 + more, 3);
		has_page(opened.memory, 5 + more, 4);
		assert_says(pw_memory_title(opened.memory), pv ? "PV" : "HVM");
		assert_null(pw_memory_remark(opened.memory, 0));
		opened_close(&opened);
	}
}

/* The registers of CPU @number: CR0, CR1, CR3, CR4. */
static void put_cpu(struct image *image, unsigned number, const uint64_t cr[4], uint64_t rip,
		    uint64_t gs_base)
{
	const size_t at = CPUS + (size_t)number * CPU_BYTES;

	put(image, at + CR, 8, cr[0]);
	put(image, at + CR + 8, 8, cr[1]);
	put(image, at + CR + 24, 8, cr[2]);
	put(image, at + CR + 32, 8, cr[3]);
	put(image, at + RIP, 8, rip);
	put(image, at + GS_BASE, 8, gs_base);
}

static void reads_cpus(void **state)
{
	enum { PG = 1u << 31, PAE = 1 << 5, LA57 = 1 << 12 };
	static const uint64_t high = UINT64_C(0xffffffff81000000);
	static const struct {
		uint64_t cr[4], rip, gs_base;
		const char *format;
	} cases[] = {
		{ { PG | 1, 0, 0x5000, PAE }, high, 0, "x86_64" },
		{ { PG | 1, 0, 0x5000, PAE }, 0x401000, high, "x86_64" },
		{ { PG | 1, 0, 0x5000, PAE | LA57 }, 0x401000, 0, "x86_64_la57" },
		{ { PG | 1, 0, 0x5000, PAE }, 0xc0100000, 0, "i386_pae" },
		{ { PG | 1, 0, 0x5000, 0 }, 0xc0100000, 0, "i386" },
		{ { 1, 0, 0x5000, 0 }, 0xfff0, 0, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct pw_cpu *cpus;
		struct opened opened;
		struct image image;

		build(&image, false);
		put_cpu(&image, 1, cases[i].cr, cases[i].rip, cases[i].gs_base);
		image_open(&opened, &image);
		assert_int_equal(opened.status, 0);
		assert_int_equal(pw_memory_cpus(opened.memory, &cpus), 2);
		assert_null(cpus[0].format);
		assert_int_equal(cpus[1].id, 1);
		assert_int_equal(cpus[1].roots, cases[i].format ? 1 : 0);
		if (cases[i].format) {
			assert_string_equal(cpus[1].format, cases[i].format);
			assert_true(cpus[1].root[0] == 0x5000);
			assert_string_equal(cpus[1].origin, ".xen_prstatus, CR3");
			assert_true(cpus[1].registers.known == PW_REGISTER_CR4);
		}
		opened_close(&opened);
	}
}

/* A PV guest has a root for each mode; Xen sets the bits of CR0 and CR4. */
static void reads_pv_cpus(void **state)
{
	static const uint64_t cr[4] = { 0, 0x105000, 0x103000, 0 };
	const struct pw_cpu *cpus;
	struct opened opened;
	struct image image;

	(void)state;
	build(&image, true);
	put_cpu(&image, 0, cr, 0, 0);
	image_open(&opened, &image);
	assert_int_equal(opened.status, 0);
	assert_int_equal(pw_memory_cpus(opened.memory, &cpus), 2);
	assert_true(cpus[0].root[0] == 0x103000 && cpus[1].root[0] == 0x105000);
	assert_string_equal(cpus[0].format, "x86_64");
	assert_says(cpus[1].origin, "user mode");
	assert_int_equal(cpus[1].id, 0);
	opened_close(&opened);
}

/* VMCOREINFO tells the guest's addresses, and the tables hold the machine's: the list has both. */
static void finds_the_root_of_pv(void **state)
{
	static const char text[] = "OSRELEASE=6.1.0\nSIZE(list_head)=16\n"
				   "SYMBOL(init_top_pgt)=ffffffff80002000\nNUMBER(phys_base)=0\n"
				   "NUMBER(pgtable_l5_enabled)=0\nNUMBER(PG_hwpoison)=22\n";
	enum { TOP, MIDDLE, NOTE, LOW, LOWEST }; /* the pages in the file */
	const size_t note = PAGES + NOTE * PAGE;
	const struct pw_cpu *cpus;
	struct opened opened;
	struct image image;

	(void)state;
	build(&image, true);
	put(&image, LIST + NOTE * 16, 8, 9);
	put(&image, LIST + NOTE * 16 + 8, 8, 0x50);
	put(&image, PAGES + TOP * PAGE + 511 * 8, 8, 0x103067);
	put(&image, PAGES + MIDDLE * PAGE + 510 * 8, 8, 0x107067);
	put(&image, PAGES + LOW * PAGE, 8, 0x105067);
	put(&image, PAGES + LOWEST * PAGE + 2 * 8, 8, 0x102067);
	put(&image, note, 4, 11);
	put(&image, note + 4, 4, strlen(text));
	memcpy(image.bytes + note + 12, "VMCOREINFO", 11);
	memcpy(image.bytes + note + 24, text, strlen(text));
	image_open(&opened, &image);
	assert_int_equal(opened.status, 0);
	assert_int_equal(pw_memory_find_vmcoreinfo(opened.memory, UINT64_MAX, NULL), 0);
	assert_int_equal(pw_memory_cpus(opened.memory, &cpus), 1);
	assert_true(cpus[0].kernel);
	assert_true(cpus[0].root[0] == 0x102000);
	opened_close(&opened);
	/* A guest's frame that the list does not have. */
	put(&image, LIST, 8, 77);
	image_open(&opened, &image);
	assert_int_equal(opened.status, 0);
	assert_int_equal(pw_memory_find_vmcoreinfo(opened.memory, UINT64_MAX, NULL), -ENODATA);
	opened_close(&opened);
}

static void says(const struct image *image, int status, const char *text)
{
	struct opened opened;

	image_open(&opened, image);
	assert_int_equal(opened.status, status);
	assert_says(status ? opened.error.text : pw_memory_remark(opened.memory, 0), text);
	opened_close(&opened);
}

static void bears_damage(void **state)
{
	const struct pw_segment *segments;
	const struct pw_cpu *cpus;
	struct image good, image;
	struct opened opened;

	(void)state;
	build(&good, false);
	image = good;
	image.size = PAGES + 3 * PAGE + 17;
	says(&image, 0, "the file has only 0x3 of them");
	image = good;
	put_section(&image, 3, 0, LIST, COUNT * 8);
	says(&image, -EINVAL, "is missing");
	image = good;
	put_section(&image, 3, NAME_PFN, UINT64_MAX - 3, UINT64_MAX);
	says(&image, -EINVAL, "is missing");
	image = good;
	put_section(&image, 2, NAME_PAGES, PAGES, 17);
	says(&image, -EINVAL, "holds no pages");
	/* Names, or section headers, that are not in the file: then it is no dump of Xen's. */
	image = good;
	put_section(&image, 1, NAME_STRINGS, UINT64_MAX - 3, UINT64_MAX);
	says(&image, -EINVAL, "no program headers");
	image = good;
	put_section(&image, 2, sizeof(names) - 3, PAGES, COUNT * PAGE);
	says(&image, -EINVAL, "no program headers");
	image = good;
	PUT(&image, 0, Ehdr, e_shstrndx, 9);
	says(&image, -EINVAL, "no program headers");
	image = good;
	PUT(&image, 0, Ehdr, e_shoff, UINT64_MAX - 3);
	says(&image, -EINVAL, "no program headers");
	/* CPUs of another size, as other machines have them; of no size; a file that ends within them. */
	image = good;
	put_section(&image, 4, NAME_CPUS, CPUS, CPU_BYTES + 8);
	says(&image, 0, "are not read");
	image = good;
	put_section(&image, 4, NAME_CPUS, CPUS, 0);
	image_open(&opened, &image);
	assert_int_equal(opened.status, 0);
	assert_int_equal(pw_memory_cpus(opened.memory, &cpus), 0);
	opened_close(&opened);
	image = good;
	put_section(&image, 4, NAME_CPUS, image.size - 8, CPU_BYTES);
	says(&image, 0, "are not read");
	/* A page that is there twice; frames beyond all addresses. */
	image = good;
	put(&image, LIST + 8, 8, 2);
	says(&image, -EINVAL, "overlap");
	image = good;
	put(&image, LIST, 8, UINT64_MAX >> 12);
	put(&image, LIST + 8, 8, (UINT64_MAX >> 12) + 1);
	image_open(&opened, &image);
	assert_int_equal(opened.status, 0);
	has_page(opened.memory, UINT64_MAX >> 12, 0);
	assert_int_equal(pw_memory_segments(opened.memory, &segments), 3);
	opened_close(&opened);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_both_kinds), cmocka_unit_test(reads_cpus),
		cmocka_unit_test(reads_pv_cpus),    cmocka_unit_test(finds_the_root_of_pv),
		cmocka_unit_test(bears_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
