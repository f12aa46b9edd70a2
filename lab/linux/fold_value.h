/* SPDX-License-Identifier: MIT */
/*
 * Levels are folded by what the entry says: its type names the table that it stands in, and every level above is
 * folded into it. So the top may grow while the process runs. s390 does so.
 */
static inline pgd_t *value_top(uint64_t *top, unsigned long address)
{
	unsigned type = (unsigned)__atomic_load_n(top, __ATOMIC_RELAXED) & ENTRY_TYPE;

	return (pgd_t *)top + index_of(address, PMD_SHIFT + 2 * (type / ENTRY_TYPE_PUD));
}
#define pgd_offset(mm, address) value_top(READ_ONCE(machine.top), address)

static inline p4d_t *value_p4d(pgd_t *pgdp, pgd_t pgd, unsigned long address)
{
	if ((pgd.value & ENTRY_TYPE) >= ENTRY_TYPE_PGD)
		return (p4d_t *)table_of(pgd.value) + index_of(address, P4D_SHIFT);
	note_copy(0, pgdp);
	return (p4d_t *)pgdp;
}

static inline pud_t *value_pud(p4d_t *p4dp, p4d_t p4d, unsigned long address)
{
	if ((p4d.value & ENTRY_TYPE) >= ENTRY_TYPE_P4D)
		return (pud_t *)table_of(p4d.value) + index_of(address, PUD_SHIFT);
	note_copy(1, p4dp);
	return (pud_t *)p4dp;
}

static inline pmd_t *value_pmd(pud_t *pudp, pud_t pud, unsigned long address)
{
	if ((pud.value & ENTRY_TYPE) >= ENTRY_TYPE_PUD)
		return (pmd_t *)table_of(pud.value) + index_of(address, PMD_SHIFT);
	note_copy(2, pudp);
	return (pmd_t *)pudp;
}
#define p4d_offset(pgdp, address) value_p4d(pgdp, *(pgdp), address)
#define pud_offset(p4dp, address) value_pud(p4dp, *(p4dp), address)
#define pmd_offset(pudp, address) value_pmd(pudp, *(pudp), address)
