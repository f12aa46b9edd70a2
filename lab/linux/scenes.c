/* SPDX-License-Identifier: MIT */
/* The scenarios: Linux's gup_fast beside one thing that Linux does to what it reads. */
#include <limits.h>

#include <pagewalk/lab.h>

#include "machine.h"
#include "writers.h"

enum { PAGE = 1 << 12, PUD = 1 << 16 };

/* ---- readers ---- */

static void pin_write(void)
{
	reader_pin(&machine.reader[0], 0, PAGE, PIN | PIN_WRITE);
}

static void pin_write_too(void)
{
	reader_pin(&machine.reader[1], 0, PAGE, PIN | PIN_WRITE);
}

static void pin_read(void)
{
	reader_pin(&machine.reader[0], 0, PAGE, PIN);
}

static void pin_long(void)
{
	reader_pin(&machine.reader[0], 0, PAGE, PIN | PIN_WRITE | PIN_LONG);
}

static void pin_second(void)
{
	reader_pin(&machine.reader[0], PAGE, 2 * PAGE, PIN | PIN_WRITE);
}

/* The last page of one entry of the pud, and the first of the next one. */
static void pin_across(void)
{
	reader_pin(&machine.reader[0], PUD - PAGE, PUD + PAGE, PIN | PIN_WRITE);
}

/* ---- setups ---- */

static void build_unmap(void)
{
	machine_build();
}

static void build_spare(void)
{
	machine_build();
	machine.spare = machine_table("new pte");
	machine_give(2, OWNER_PROCESS);
	machine.spare[0] = machine_leaf(2, ENTRY_WRITE);
}

static void build_collapse(void)
{
	machine_build();
	machine_large(4, 7, 1);
	machine_give(2, OWNER_PROCESS);
}

static void build_folio(void)
{
	machine_build();
	machine_large(0, 1, 2);
	machine.pte[0] = 0;
	machine.pte[1] = machine_leaf(1, ENTRY_WRITE);
}

static void build_pmd(void)
{
	machine_build();
	machine_large(4, 7, 1);
	machine.pte[0] = 0;
	machine.pmd[0] = machine_leaf(4, ENTRY_WRITE | ENTRY_LEAF);
}

static void build_read_only_pmd(void)
{
	build_pmd();
	machine.pmd[0] = machine_leaf(4, ENTRY_LEAF);
}

static void build_pud(void)
{
	machine_build();
	machine_large(4, 7, 1);
	machine.pud[0] = machine_leaf(4, ENTRY_WRITE | ENTRY_LEAF);
}

static void build_shared_pmd(void)
{
	build_pmd();
	machine_large(0, 3, 1);
	for (unsigned i = 0; i < 4; i++)
		machine.folio[i].owner = OWNER_OTHER;
}

static void build_file(void)
{
	machine_build();
	machine.folio[0].mapping = &address_space_file;
	machine.folio[0]._refcount.counter = 2;
}

static void build_movable(void)
{
	machine_build();
	machine_give(2, OWNER_PROCESS);
	machine.folio[0].movable = 1;
}

static void build_read_only(void)
{
	machine_build();
	machine.pte[0] = machine_leaf(0, 0);
}

static void build_special(void)
{
	machine_build();
	machine_give(3, OWNER_PROCESS);
}

static void build_overflow(void)
{
	machine_build();
	machine.folio[0]._refcount.counter = INT_MIN + (1 << 24);
}

/* Pages 0 and 1 on both sides of a border between two entries of @pud. */
static void build_across(uint64_t *pud, unsigned type)
{
	uint64_t *pmd = machine_table("second pmd");

	machine_give(1, OWNER_PROCESS);
	machine.spare = machine_table("second pte");
	machine.pmd[3] = machine_pointer(machine.pte, 0);
	machine.pte[3] = machine_leaf(0, ENTRY_WRITE);
	machine.spare[0] = machine_leaf(1, ENTRY_WRITE);
	pmd[0] = machine_pointer(machine.spare, 0);
	for (unsigned i = 0; i < TABLE_ENTRIES; i++)
		pud[i] = type;
	pud[0] = machine_pointer(machine.pmd, type);
	pud[1] = machine_pointer(pmd, type);
}

static void build_static(void)
{
	machine_build();
	build_across(machine.pud, 0);
}

static void build_value(void)
{
	machine_build();
	build_across(machine.pud, ENTRY_TYPE_PUD);
	machine.top = machine.pud;
	for (unsigned i = 0; i < TABLE_ENTRIES; i++)
		machine.p4d[i] = ENTRY_TYPE_P4D;
	machine.p4d[0] = machine_pointer(machine.pud, ENTRY_TYPE_P4D);
}

static void build_reindex(void)
{
	machine_build();
	build_across(machine.pud, 0);
	machine.top = machine.pud;
}

/* Both pages have the same low half, and stand in frames that differ in the upper one. */
static void build_halves(void)
{
	machine_build();
	machine_give(1, OWNER_PROCESS);
	for (unsigned i = 0; i < PAGES; i++)
		machine.frame[i] = (uint64_t)FRAME_HIGH * (i + 1) + 2;
	machine.pte[0] = machine_leaf(0, ENTRY_WRITE);
}

/* ---- checks at the end of a run ---- */

static void check_special(void)
{
	pw_lab_check(
		!machine_holds(3),
		"gup_fast pinned page 3, although its entry is special: the kernel has no such "
		"page");
	machine_check();
}

static void check_fork(void)
{
	pw_lab_check(!machine_holds(0) || machine.pte[0] >> FRAME_SHIFT == 0,
		     "gup_fast pinned page 0, which fork has shared: the parent writes to page 2 "
		     "now, and the pin leads to the child's");
	machine_check();
}

static void check_secret(void)
{
	pw_lab_check(!machine_holds(0) || machine.folio[0].mapping != &address_space_secret,
		     "gup_fast pinned a page of secret memory");
	machine_check();
}

static void check_long(void)
{
	pw_lab_check(!machine_holds(0), "gup_fast pinned a file's page for long, for writing: "
					"its file system is not told of the writes");
	machine_check();
}

static void check_movable(void)
{
	pw_lab_check(!machine_holds(0), "gup_fast pinned a page for long that has to stay movable");
	machine_check();
}

static void check_share(void)
{
	for (unsigned i = 0; i < PAGES; i++)
		pw_lab_check(!machine_holds(i) || machine.folio[i].exclusive,
			     "gup_fast pinned page %u, which may be shared: the process's next "
			     "write goes to a copy, and the pin does not see it",
			     i);
	machine_check();
}

static void check_overflow(void)
{
	pw_lab_check(!machine_holds(0), "gup_fast took a reference of a count that has overflowed");
}

static void check_across(void)
{
	const struct reader *reader = &machine.reader[0];

	for (unsigned i = 0; i < reader->count; i++)
		pw_lab_check(reader->pages[i] == &machine.folio[i].page,
			     "gup_fast took page %d where page %u is mapped",
			     (int)((const struct folio *)reader->pages[i] - machine.folio), i);
	machine_check();
}

/* ---- the scenarios ---- */

#define SCENE(name_, about_, setup_, reader, who, writer, check_)                    \
	{                                                                            \
		.name = name_, .about = about_, .setup = setup_,                     \
		.thread = { { "gup_fast", reader, false }, { who, writer, false } }, \
		.check = check_, .racy = true                                        \
	}

static const struct pw_lab_scenario scenes[] = {
	SCENE("zap", "a page is unmapped and reused", build_unmap, pin_write, "zap", writer_zap,
	      machine_check),
	{ .name = "zap-two",
	  .about = "a page is unmapped and reused, beside two walks",
	  .setup = build_unmap,
	  .thread = { { "gup_fast", pin_write, false },
		      { "gup_fast 2", pin_write_too, false },
		      { "zap", writer_zap, false } },
	  .check = machine_check,
	  .racy = true },
	SCENE("unmap-rcu", "munmap: the table is freed by RCU", build_unmap, pin_write, "munmap",
	      writer_unmap_rcu, machine_check),
	SCENE("unmap-ipi", "munmap: the table is freed after an IPI", build_unmap, pin_write,
	      "munmap", writer_unmap_ipi, machine_check),
	SCENE("collapse", "khugepaged makes a huge page", build_collapse, pin_write, "khugepaged",
	      writer_collapse, machine_check),
	SCENE("collapse-no-ipi", "khugepaged makes a huge page, and sends no IPI", build_collapse,
	      pin_write, "khugepaged", writer_collapse_without_ipi, machine_check),
	SCENE("mthp", "khugepaged makes a larger folio, and puts the same table back",
	      build_collapse, pin_write, "khugepaged", writer_collapse_same_table, machine_check),
	SCENE("mthp-no-ipi", "the same, and sends no IPI", build_collapse, pin_write, "khugepaged",
	      writer_collapse_same_table_without_ipi, machine_check),
	{ .name = "reclaim",
	  .about = "PT_RECLAIM frees an empty table; a fault puts another one there",
	  .setup = build_spare,
	  .thread = { { "gup_fast", pin_write, false },
		      { "madvise", writer_reclaim_table, false },
		      { "fault", writer_fault_table, false } },
	  .check = machine_check,
	  .racy = true },
	SCENE("folio-split", "a folio is split, and its tail mapped again", build_folio, pin_second,
	      "split", writer_split_folio, machine_check),
	SCENE("fork", "fork shares a page; the parent writes", build_collapse, pin_write, "fork",
	      writer_fork, check_fork),
	SCENE("truncate", "a page leaves its file", build_file, pin_write, "truncate",
	      writer_truncate, machine_check),
	SCENE("pmd-split", "a huge page's entry becomes a table", build_pmd, pin_write, "split",
	      writer_split_pmd, machine_check),
	SCENE("pud-zap", "a page of a whole pud is unmapped and reused", build_pud, pin_write,
	      "zap", writer_zap_pud, machine_check),
	SCENE("hugetlb", "a shared table of pmds is left to another process", build_shared_pmd,
	      pin_write, "unshare", writer_unshare_pmd, machine_check),
	SCENE("hugetlb-no-ipi", "the same, and sends no IPI", build_shared_pmd, pin_write,
	      "unshare", writer_unshare_pmd_without_ipi, machine_check),
	SCENE("secret", "a page comes back as secret memory", build_unmap, pin_write, "fault",
	      writer_secret, check_secret),
	SCENE("secret-ipi", "the same, where TLBs are flushed by an IPI", build_unmap, pin_write,
	      "fault", writer_secret_after_ipi, check_secret),
	SCENE("longterm", "a file's page, pinned for long, is written back", build_file, pin_long,
	      "write-back", writer_write_back, check_long),
	SCENE("movable", "a page that has to stay movable, pinned for long, migrates",
	      build_movable, pin_long, "migrate", writer_migrate, check_movable),
	SCENE("share", "KSM shares a read-only page", build_read_only, pin_read, "KSM",
	      writer_share, check_share),
	SCENE("share-no-barrier", "the same, without the barrier after the entry", build_read_only,
	      pin_read, "KSM", writer_share_without_barrier, check_share),
	SCENE("share-huge", "a read-only huge page is shared", build_read_only_pmd, pin_read,
	      "migrate", writer_share_huge, check_share),
	SCENE("special", "a special entry takes a page's place", build_special, pin_write, "driver",
	      writer_special, check_special),
	SCENE("overflow", "a folio whose count has overflowed", build_overflow, pin_write, "others",
	      writer_count, check_overflow),
	SCENE("fold-static", "no level is folded; the range crosses a border", build_static,
	      pin_across, "zap", writer_zap_second, check_across),
	SCENE("fold-value", "levels folded by value; the top grows", build_value, pin_across,
	      "grow", writer_grow, check_across),
	SCENE("fold-reindex", "the pud is folded with an index of its own", build_reindex,
	      pin_across, "zap", writer_zap_second, check_across),
	SCENE("halves", "an entry in halves is replaced", build_halves, pin_write, "set_pte",
	      writer_halves, machine_check),
	SCENE("halves-order", "an entry in halves is replaced, low half first", build_halves,
	      pin_write, "set_pte", writer_halves_wrong_order, machine_check),
	SCENE("halves-no-ipi", "an entry in halves is replaced without a flush in between",
	      build_halves, pin_write, "set_pte", writer_halves_without_ipi, machine_check),
};

int main(int argc, char **argv)
{
	return pw_lab_main(argc, argv, scenes, sizeof(scenes) / sizeof(*scenes));
}
