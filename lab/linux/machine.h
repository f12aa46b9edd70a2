/* SPDX-License-Identifier: MIT */
/*
 * The machine that Linux's code runs on here: pages, tables of four entries, processors whose interrupts are on or
 * off. machine.c fills it before each search; kernel.c is Linux's side, writers.c the other.
 *
 * An entry has the address of a table, or a page's number shifted by 12, and these flags in its low bits. An
 * entry without PRESENT is empty.
 */
#ifndef LINUX_MACHINE_H
#define LINUX_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	ENTRY_PRESENT = 1,
	ENTRY_WRITE = 2,
	ENTRY_LEAF = 4,
	ENTRY_SPECIAL = 8, /* no page of the kernel's */
	/* Folding by value: the kind of table that the entry stands in. */
	ENTRY_TYPE = 0x30,
	ENTRY_TYPE_PMD = 0x00,
	ENTRY_TYPE_PUD = 0x10,
	ENTRY_TYPE_P4D = 0x20,
	ENTRY_TYPE_PGD = 0x30,
	ENTRY_FLAGS = 0xff,
	TABLE_ENTRIES = 4,
	TABLE_BYTES = 256, /* aligned to it, so that an address leaves the flags free */
	FRAME_SHIFT = 12,
	PAGES = 8,
	FRAME_HIGH = 1 << 20, /* a frame's lowest bit in the upper half of its entry */
	TABLES = 12,
	READERS = 2,
	PIN_BIAS = 1024, /* the references that a pin adds to a small folio */
};

enum owner {
	OWNER_NOBODY, /* free */
	OWNER_PROCESS, /* the one whose tables are walked */
	OWNER_OTHER, /* it was freed, and given to somebody else */
};

struct address_space_operations {
	int kind;
};
struct address_space {
	const struct address_space_operations *a_ops;
};
typedef struct {
	int counter;
} atomic_t;

/* A page, which begins a folio if its head is itself. The kernel's code calls the fields by these names. */
struct page {
	struct folio *head;
	struct address_space *mapping; /* with bit 0: anonymous */
	atomic_t _refcount, _pincount;
	uint32_t owner; /* enum owner */
	uint32_t large; /* a folio of several pages */
	uint32_t exclusive; /* anonymous, and nobody else maps it */
	uint32_t movable; /* not to be pinned for long */
	uint32_t copied; /* somebody decided that nobody has it, and copies it */
};

struct folio {
	union {
		struct page page;
		struct {
			struct folio *head;
			struct address_space *mapping;
			atomic_t _refcount, _pincount;
			uint32_t owner, large, exclusive, movable, copied;
		};
	};
};

struct reader {
	uint64_t irqs_off;
	struct page *pages[TABLE_ENTRIES]; /* taken by gup_fast */
	unsigned long count, wanted;
	unsigned flags;
};

/* The words that processes of the machine share. */
struct machine {
	struct folio folio[PAGES];
	struct reader reader[READERS];
	uint64_t *top; /* the table that the walk begins at */
	uint64_t *pgd, *p4d, *pud, *pmd, *pte, *spare; /* tables */
	uint32_t lock; /* of the page tables */
	uint32_t sequence; /* write_protect_seq */
	uint64_t child; /* fork's: the child's entry */
	uint64_t frame
		[PAGES]; /* the frame that each page is in; its own number, unless a scenario says so */
};
extern struct machine machine;

extern struct address_space address_space_file, address_space_shmem, address_space_secret;

/* ---- machine.c ---- */

/* All pages free; page 0 the process's, with one reference; no tables. */
void machine_pages(void);
/* The same with tables of all levels, one below the other, and page 0 mapped by pte[0], for writing. */
void machine_build(void);
/* A new table; the trace calls its entries by @name. */
uint64_t *machine_table(const char *name);
/* Is this the address of an entry of a table? */
bool machine_in_table(const void *entry);
/* The page in that frame, or NULL. */
struct page *machine_page(uint64_t frame);
static inline uint64_t machine_pointer(const uint64_t *table, unsigned flags)
{
	return (uintptr_t)table | ENTRY_PRESENT | flags;
}
/* The entry of a page. */
uint64_t machine_leaf(unsigned page, unsigned flags);
/* Pages @first to @last become one folio, with @refs references. */
void machine_large(unsigned first, unsigned last, int refs);
/* What has to hold at the end of every run. */
void machine_check(void);
/* Does any reader have page @page? */
bool machine_holds(unsigned page);
/* The page was allocated to @owner, with one reference. */
void machine_give(unsigned page, enum owner owner);

/* ---- kernel.c ---- */

enum {
	PIN = 1, /* FOLL_PIN */
	PIN_WRITE = 2,
	PIN_LONG = 4,
};
/* Linux's fast path, for pages from @first to before @end. */
void reader_pin(struct reader *reader, unsigned long first, unsigned long end, unsigned flags);

#endif
