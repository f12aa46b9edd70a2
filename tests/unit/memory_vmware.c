/* SPDX-License-Identifier: MIT */
/* Saved machines of VMware, made by hand after the accounts of their format. */
#include "memory_build.h"

enum {
	PAGE = 4096,
	MEMORY_TAGS = 0x400,
	CPU_TAGS = 0x800,
	PG = 1u << 31,
	PAE = 1 << 5,
	LA57 = 1 << 12,
};

static char folder[] = "/tmp/pagewalk-vmware-XXXXXX";

/* A state. */
struct state {
	unsigned char bytes[8 * PAGE];
	size_t size, at; /* where the next tag is put */
	unsigned version;
};

static void store(struct state *state, size_t at, unsigned bytes, uint64_t value)
{
	for (unsigned i = 0; i < bytes; i++)
		state->bytes[at + i] = (unsigned char)(value >> 8 * i);
	if (state->size < at + bytes)
		state->size = at + bytes;
}

static void put_name(struct state *state, const char *name, unsigned flags, unsigned indices,
		     unsigned first, unsigned second)
{
	const size_t length = strlen(name);

	store(state, state->at, 1, flags | indices << 6);
	store(state, state->at + 1, 1, length);
	memcpy(state->bytes + state->at + 2, name, length);
	state->at += 2 + length;
	for (unsigned i = 0; i < indices; i++, state->at += 4)
		store(state, state->at, 4, i ? second : first);
}

static void put_tag(struct state *state, const char *name, unsigned bytes, unsigned indices,
		    unsigned first, unsigned second, uint64_t value)
{
	put_name(state, name, bytes, indices, first, second);
	store(state, state->at, bytes, value);
	state->at += bytes;
}

/* A block of pages, of which each begins with its number plus 1. Returns where its bytes are. */
static size_t put_block(struct state *state, unsigned pages, uint64_t in_memory)
{
	const unsigned width = state->version == 0 ? 4 : 8, gap = 5;
	size_t data;

	put_name(state, "Memory", 62, 2, 0, 0);
	store(state, state->at, width, (uint64_t)pages * PAGE);
	store(state, state->at + width, width, in_memory);
	store(state, state->at + 2 * (size_t)width, 2, gap);
	data = state->at + 2 * (size_t)width + 2 + gap;
	for (unsigned i = 0; i < pages; i++)
		store(state, data + (size_t)i * PAGE, 1, i + 1);
	state->at = data + (size_t)pages * PAGE;
	return data;
}

static void put_region(struct state *state, unsigned number, uint64_t first, uint64_t page,
		       uint64_t pages)
{
	put_tag(state, "regionPPN", 4, 1, number, 0, first);
	put_tag(state, "regionPageNum", 4, 1, number, 0, page);
	put_tag(state, "regionSize", 4, 1, number, 0, pages);
}

/* Groups of another kind, of CPUs and of memory; two CPUs. The tags of memory are to be put. */
static void begin(struct state *state, unsigned version, uint64_t cr4)
{
	static const char *const names[] = { "Checkpoint", "cpu", "memory" };
	static const size_t places[] = { 0x380, CPU_TAGS, MEMORY_TAGS };
	static const uint32_t magics[] = { 0xbed2bed0, 0xbad1bad1, 0xbed2bed2, 0xbed3bed3 };

	memset(state, 0, sizeof(*state));
	state->version = version;
	store(state, 0, 4, magics[version]);
	store(state, 8, 4, 3);
	for (unsigned i = 0; i < 3; i++) {
		memcpy(state->bytes + 12 + 80 * (size_t)i, names[i], strlen(names[i]));
		store(state, 12 + 80 * (size_t)i + 64, 8, places[i]);
	}
	state->at = CPU_TAGS;
	put_tag(state, "cpu:num", 4, 0, 0, 0, 2);
	for (unsigned cpu = 0; cpu < 2; cpu++) {
		put_tag(state, "CR64", 8, 2, cpu, 0, cpu ? PG | 1 : 1);
		put_tag(state, "CR64", 8, 2, cpu, 3, UINT64_C(0x123456000));
		put_tag(state, "CR64", 8, 2, cpu, 4, cr4);
		put_tag(state, "CR", 4, 2, cpu, 3, 0x23456000);
	}
	store(state, state->at, 2, 0);
	state->at = MEMORY_TAGS;
}

static void end(struct state *state)
{
	store(state, state->at, 2, 0);
}

static const char *path_of(const char *name)
{
	static char path[2][64];
	static unsigned turn;

	turn ^= 1;
	snprintf(path[turn], sizeof(path[turn]), "%s/%s", folder, name);
	return path[turn];
}

static void write_file(const char *name, const void *bytes, size_t size)
{
	FILE *file = fopen(path_of(name), "wb");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
}

static void write_state(const char *name, const struct state *state)
{
	write_file(name, state->bytes, state->size);
}

/* Four pages, of which each begins with its number plus 0x11. */
static void write_vmem(const char *name)
{
	unsigned char bytes[4 * PAGE] = { 0 };

	for (unsigned i = 0; i < 4; i++)
		bytes[(size_t)i * PAGE] = (unsigned char)(i + 0x11);
	write_file(name, bytes, sizeof(bytes));
}

static void has_page(const struct pw_memory *memory, uint64_t page, unsigned number)
{
	unsigned char byte;

	assert_int_equal(pw_memory_read(memory, page * PAGE, &byte, 1), 0);
	assert_int_equal(byte, number);
}

static struct pw_memory *open_good(const char *name)
{
	struct pw_memory *memory = NULL;
	struct pw_error error = { "" };

	if (pw_memory_open(path_of(name), &memory, &error))
		fail_msg("%s", error.text);
	return memory;
}

static void remove_all(void)
{
	static const char *const names[] = { "m.vmss", "m.vmsn", "m.vmem" };

	for (size_t i = 0; i < 3; i++)
		unlink(path_of(names[i]));
}

static void reads_beside(void **unused)
{
	static const char *const states[] = { "m.vmss", "m.vmsn" };
	struct state state;

	(void)unused;
	begin(&state, 2, PAE);
	put_tag(&state, "regionsCount", 4, 0, 0, 0, 2);
	put_region(&state, 0, 0, 0, 3);
	put_region(&state, 1, 0x100000, 3, 1);
	end(&state);
	for (unsigned i = 0; i < 4; i++) {
		const struct pw_segment *segments;
		const struct pw_cpu *cpus;
		struct pw_memory *memory;

		write_state(states[i % 2], &state);
		write_vmem("m.vmem");
		memory = open_good(i < 2 ? "m.vmem" : states[i % 2]);
		assert_says(pw_memory_title(memory), "saved machine of VMware");
		has_page(memory, 0, 0x11);
		has_page(memory, 2, 0x13);
		has_page(memory, 0x100000, 0x14);
		assert_int_equal(pw_memory_segments(memory, &segments), 2);
		assert_int_equal(pw_memory_cpus(memory, &cpus), 2);
		assert_null(cpus[0].format); /* paging was off */
		assert_string_equal(cpus[1].format, "x86_64");
		assert_true(cpus[1].root[0] == UINT64_C(0x123456000));
		assert_says(pw_memory_remark(memory, 0), "i386_pae");
		pw_memory_close(memory);
		remove_all();
	}
}

static void reads_within(void **unused)
{
	(void)unused;
	for (unsigned version = 0; version < 4; version++)
		for (unsigned regions = 0; regions < 2; regions++) {
			struct pw_memory *memory;
			const struct pw_cpu *cpus;
			struct state state;

			begin(&state, version, version ? PAE | LA57 : 0);
			put_tag(&state, "regionsCount", 4, 0, 0, 0, regions);
			if (regions)
				put_region(&state, 0, 0x10, 1, 2);
			end(&state);
			state.at = 2 * PAGE;
			store(&state, 12 + 160 + 64, 8, 2 * PAGE);
			put_tag(&state, "regionsCount", 4, 0, 0, 0, regions);
			if (regions)
				put_region(&state, 0, 0x10, 1, 2);
			put_block(&state, 3, 3 * PAGE);
			end(&state);
			write_state("m.vmss", &state);
			memory = open_good("m.vmss");
			has_page(memory, regions ? 0x10 : 0, regions ? 2 : 1);
			has_page(memory, regions ? 0x11 : 2, 3);
			assert_int_equal(pw_memory_cpus(memory, &cpus), 2);
			assert_string_equal(cpus[1].format, version ? "x86_64_la57" : "i386");
			assert_null(pw_memory_remark(memory, 0));
			pw_memory_close(memory);
			remove_all();
		}
}

static void says(const struct state *state, const char *text)
{
	struct pw_memory *memory = NULL;
	struct pw_error error = { "" };

	write_state("m.vmss", state);
	assert_int_equal(pw_memory_open(path_of("m.vmss"), &memory, &error), -EINVAL);
	assert_says(error.text, text);
	assert_says(error.text, path_of("m.vmss"));
	remove_all();
}

static void bears_damage(void **unused)
{
	struct state good, state;
	struct pw_memory *memory;

	(void)unused;
	begin(&good, 2, PAE);
	put_tag(&good, "regionsCount", 4, 0, 0, 0, 1);
	put_region(&good, 0, 0, 0, 2);
	end(&good);
	/* Without the .vmem, or with memory that is compressed. */
	says(&good, "has no memory");
	state = good;
	put_block(&state, 2, 3 * PAGE);
	end(&state);
	says(&state, "compressed");
	/* Groups and tags beyond the file; a name, an index, a block that it does not have. */
	state = good;
	store(&state, 8, 4, UINT32_MAX);
	says(&state, "goes on at offset 0xc");
	state = good;
	store(&state, 12 + 160 + 64, 8, UINT64_MAX);
	says(&state, "goes on at offset 0xffffffffffffffff");
	for (size_t size = CPU_TAGS + 1; size < CPU_TAGS + 60; size++) {
		state = good;
		state.size = size;
		write_state("m.vmss", &state);
		assert_int_not_equal(pw_memory_open(path_of("m.vmss"), &memory, NULL), 0);
	}
	/* Regions that no memory can have, or that overlap. */
	for (unsigned i = 0; i < 4; i++) {
		struct pw_error error = { "" };
		static const uint64_t runs[][3] = { { UINT64_MAX, 0, 1 },
						    { 0, UINT64_MAX, 1 },
						    { 0, 0, UINT64_MAX },
						    { 1, 0, 2 } };

		begin(&state, 2, PAE);
		put_tag(&state, "regionsCount", 4, 0, 0, 0, 2);
		put_region(&state, 0, 0, 0, 2);
		put_tag(&state, "regionPPN", 8, 1, 1, 0, runs[i][0]);
		put_tag(&state, "regionPageNum", 8, 1, 1, 0, runs[i][1]);
		put_tag(&state, "regionSize", 8, 1, 1, 0, runs[i][2]);
		end(&state);
		write_state("m.vmss", &state);
		write_vmem("m.vmem");
		assert_int_equal(pw_memory_open(path_of("m.vmss"), &memory, &error), -EINVAL);
		remove_all();
	}
	/* A .vmem that was cut off. */
	write_state("m.vmss", &good);
	write_file("m.vmem", good.bytes, PAGE + 8);
	memory = open_good("m.vmem");
	assert_says(pw_memory_remark(memory, 0), "truncated");
	pw_memory_close(memory);
	remove_all();
}

static int make_folder(void **unused)
{
	(void)unused;
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **unused)
{
	(void)unused;
	remove_all();
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_beside),
		cmocka_unit_test(reads_within),
		cmocka_unit_test(bears_damage),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
