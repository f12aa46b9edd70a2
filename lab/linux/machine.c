/* SPDX-License-Identifier: MIT */
/* The machine before a search, its names for traces, and the check after every run. */
#include <stdio.h>
#include <stdlib.h>

#include <pagewalk/lab.h>

#include "machine.h"

struct machine machine;

static const struct address_space_operations file_operations = { 1 }, shmem_operations = { 2 };
extern const struct address_space_operations secretmem_aops;
const struct address_space_operations secretmem_aops = { 3 };
struct address_space address_space_file = { &file_operations };
struct address_space address_space_shmem = { &shmem_operations };
struct address_space address_space_secret = { &secretmem_aops };

static uint64_t *tables[TABLES];
static unsigned table_count;
/* The mapping of anonymous pages: the address is never followed. */
static uint64_t anonymous[2];

static void name_word(const void *at, size_t bytes, const char *format, const char *what,
		      unsigned i)
{
	char name[64];

	snprintf(name, sizeof(name), format, what, i);
	pw_lab_name(at, bytes, name);
}

static void name_pages(void)
{
	for (unsigned i = 0; i < PAGES; i++) {
		const struct folio *folio = &machine.folio[i];

		name_word(&folio->head, sizeof(folio->head), "%s %u head", "page", i);
		name_word(&folio->mapping, sizeof(folio->mapping), "%s %u mapping", "folio", i);
		name_word(&folio->_refcount, sizeof(folio->_refcount), "%s %u refs", "folio", i);
		name_word(&folio->_pincount, sizeof(folio->_pincount), "%s %u pins", "folio", i);
		name_word(&folio->owner, sizeof(folio->owner), "%s %u owner", "folio", i);
		name_word(&folio->large, sizeof(folio->large), "%s %u large", "folio", i);
		name_word(&folio->exclusive, sizeof(folio->exclusive), "%s %u exclusive", "page",
			  i);
		name_word(&folio->movable, sizeof(folio->movable), "%s %u movable", "folio", i);
		name_word(&folio->copied, sizeof(folio->copied), "%s %u copied", "page", i);
	}
	for (unsigned i = 0; i < READERS; i++)
		name_word(&machine.reader[i].irqs_off, sizeof(machine.reader[i].irqs_off),
			  "%s of CPU %u", "interrupts off", i);
	pw_lab_name(&machine.top, sizeof(machine.top), "mm->pgd");
	pw_lab_name(&machine.lock, sizeof(machine.lock), "page table lock");
	pw_lab_name(&machine.sequence, sizeof(machine.sequence), "write_protect_seq");
	pw_lab_name(&machine.child, sizeof(machine.child), "the child's pte");
}

void machine_give(unsigned page, enum owner owner)
{
	machine.folio[page].owner = owner;
	machine.folio[page]._refcount.counter = 1;
}

void machine_pages(void)
{
	for (unsigned i = 0; i < PAGES; i++) {
		machine.folio[i].head = &machine.folio[i];
		machine.folio[i].mapping = (struct address_space *)((uintptr_t)anonymous |
								    1); /* anonymous */
		machine.folio[i].exclusive = 1;
		machine.frame[i] = i;
	}
	machine_give(0, OWNER_PROCESS);
	name_pages();
}

uint64_t *machine_table(const char *name)
{
	uint64_t *table = aligned_alloc(TABLE_BYTES, TABLE_BYTES);

	if (!table || table_count == TABLES)
		abort();
	tables[table_count++] = table;
	for (unsigned i = 0; i < TABLE_BYTES / sizeof(*table); i++)
		table[i] = 0;
	for (unsigned i = 0; i < TABLE_ENTRIES; i++)
		name_word(&table[i], sizeof(*table), "%s[%u]", name, i);
	return table;
}

bool machine_in_table(const void *entry)
{
	for (unsigned i = 0; i < table_count; i++)
		if ((uintptr_t)entry >= (uintptr_t)tables[i] &&
		    (uintptr_t)entry < (uintptr_t)(tables[i] + TABLE_ENTRIES))
			return true;
	return false;
}

struct page *machine_page(uint64_t frame)
{
	for (unsigned i = 0; i < PAGES; i++)
		if (machine.frame[i] == frame)
			return &machine.folio[i].page;
	return NULL;
}

uint64_t machine_leaf(unsigned page, unsigned flags)
{
	return machine.frame[page] << FRAME_SHIFT | ENTRY_PRESENT | flags;
}

void machine_build(void)
{
	machine_pages();
	machine.top = machine.pgd = machine_table("pgd");
	machine.p4d = machine_table("p4d");
	machine.pud = machine_table("pud");
	machine.pmd = machine_table("pmd");
	machine.pte = machine_table("pte");
	machine.pgd[0] = machine_pointer(machine.p4d, 0);
	machine.p4d[0] = machine_pointer(machine.pud, 0);
	machine.pud[0] = machine_pointer(machine.pmd, 0);
	machine.pmd[0] = machine_pointer(machine.pte, 0);
	machine.pte[0] = machine_leaf(0, ENTRY_WRITE);
}

void machine_large(unsigned first, unsigned last, int refs)
{
	for (unsigned i = first; i <= last; i++) {
		machine.folio[i].head = &machine.folio[first];
		machine.folio[i].owner = OWNER_PROCESS;
	}
	machine.folio[first].large = 1;
	machine.folio[first]._refcount.counter = refs;
}

bool machine_holds(unsigned page)
{
	for (unsigned i = 0; i < READERS; i++)
		for (unsigned j = 0; j < machine.reader[i].count; j++)
			if (machine.reader[i].pages[j] == &machine.folio[page].page)
				return true;
	return false;
}

static bool is_pinned(const struct folio *folio)
{
	if (folio->large)
		return folio->_pincount.counter > 0;
	return folio->_refcount.counter >= PIN_BIAS;
}

static void check_held(unsigned i)
{
	const struct folio *head = machine.folio[i].head;

	pw_lab_check(machine.folio[i].owner == OWNER_PROCESS,
		     "gup_fast pinned page %u, which is somebody else's by now", i);
	pw_lab_check(is_pinned(head),
		     "gup_fast pinned page %u, but its folio is not the one that counts the pin",
		     i);
	pw_lab_check(!machine.folio[i].copied,
		     "gup_fast pinned page %u, of which khugepaged has made a copy: writes "
		     "through the pin are lost",
		     i);
}

void machine_check(void)
{
	bool held[PAGES] = { false };

	for (unsigned i = 0; i < PAGES; i++)
		if (machine_holds(i)) {
			check_held(i);
			held[machine.folio[i].head - machine.folio] = true;
		}
	for (unsigned i = 0; i < PAGES; i++)
		pw_lab_check(held[i] || machine.folio[i]._refcount.counter < PIN_BIAS,
			     "gup_fast gave up, but left a pin on page %u", i);
}
