/* SPDX-License-Identifier: MIT */
/* No level is folded. The lockless functions are the generic ones, which take a stack copy: gup.inc has them. */
#define pgd_offset(mm, address) ((pgd_t *)READ_ONCE(machine.top) + index_of(address, PGDIR_SHIFT))

static inline p4d_t *p4d_offset(pgd_t *pgd, unsigned long address)
{
	return (p4d_t *)table_of(pgd->value) + index_of(address, P4D_SHIFT);
}

static inline pud_t *pud_offset(p4d_t *p4d, unsigned long address)
{
	return (pud_t *)table_of(p4d->value) + index_of(address, PUD_SHIFT);
}

static inline pmd_t *pmd_offset(pud_t *pud, unsigned long address)
{
	return (pmd_t *)table_of(pud->value) + index_of(address, PMD_SHIFT);
}
