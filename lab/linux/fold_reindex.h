/* SPDX-License-Identifier: MIT */
/*
 * The p4d is folded for good, and the pud when the machine starts: its entry is in the same table as the p4d's, at
 * an index of its own. arm64 does so.
 */
#define pgd_offset(mm, address) ((pgd_t *)READ_ONCE(machine.top) + index_of(address, PGDIR_SHIFT))

static inline p4d_t *p4d_offset(pgd_t *pgdp, unsigned long address)
{
	note_copy(0, pgdp);
	return (p4d_t *)pgdp;
}

static inline pud_t *reindex_pud(p4d_t *p4dp, p4d_t p4d, unsigned long address)
{
	return (pud_t *)((uintptr_t)p4dp & ~(uintptr_t)(TABLE_BYTES - 1)) +
	       index_of(address, PUD_SHIFT);
}
#define pud_offset_lockless reindex_pud

static inline pmd_t *pmd_offset(pud_t *pud, unsigned long address)
{
	return (pmd_t *)table_of(pud->value) + index_of(address, PMD_SHIFT);
}
