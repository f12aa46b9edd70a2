/* SPDX-License-Identifier: MIT */
/*
 * pXd_offset() and its kin, level by level: each only gives its level's types to the common part in
 * kernel.h. Included by that file alone.
 *
 *   pXdp_get          the one read of a turn            pXd_none, pXd_present, pXd_leaf   the value
 *   pXdp_next         pXdp++                            pXdp_of_copy         &pXd, on the stack
 *   pXd_addr_end      by level; pXd_addr_end_value: by the entry
 *   pXd_offset        down by pointer, reading anew; pXd_offset_lockless: by pointer and value
 *
 * pgd_offset() starts. The pte level is not folded and does not lead down. Here, an entry that is neither
 * a table nor a leaf is none, even a swap entry: these walks make no finer distinction.
 */
#ifndef LAB_LEVELS_H
#define LAB_LEVELS_H

/* ---- pgd ---- */

PW_INLINE pgdp_t pgd_offset(const struct fold_config *c, struct fold_walk *w, pw_va addr)
{
	struct fold_entry first = { 0 };
	unsigned level = c->style->top;

	/* s390: the first entry of the top table says how deep the tables are. */
	if (c->style->how == FOLD_VALUE)
		first = fold_read(c, w, fold_in_table(c, w, level, w->root, 0, 0));
	return (pgdp_t){ fold_top(c, w, fold_value(c, first), addr) };
}

PW_INLINE pgd_t pgdp_get(const struct fold_config *c, struct fold_walk *w, pgdp_t pgdp, pw_va addr)
{
	return (pgd_t){ fold_turn_read(c, w, FOLD_PGD, pgdp.to, addr) };
}

PW_INLINE pgdp_t pgdp_next(const struct fold_config *c, pgdp_t pgdp)
{
	return (pgdp_t){ fold_next(c, pgdp.to) };
}

PW_INLINE pgdp_t pgdp_of_copy(const struct fold_config *c, const pgd_t *pgd, pgdp_t pgdp)
{
	return (pgdp_t){ fold_copy(c, FOLD_PGD, &pgd->entry, pgdp.to) };
}

PW_INLINE bool pgd_none(const struct fold_config *c, const struct fold_walk *w, pgd_t pgd)
{
	return fold_kind(c, w, FOLD_PGD, fold_value(c, pgd.entry)) == PW_HOLE;
}

PW_INLINE bool pgd_leaf(const struct fold_config *c, const struct fold_walk *w, pgd_t pgd)
{
	return fold_kind(c, w, FOLD_PGD, fold_value(c, pgd.entry)) == PW_LEAF;
}

PW_INLINE pw_va pgd_addr_end(const struct fold_config *c, pw_va addr, pw_va end)
{
	return fold_addr_end(c, FOLD_PGD, addr, end);
}

PW_INLINE pw_va pgd_addr_end_value(const struct fold_config *c, pgd_t pgd, pw_va addr, pw_va end)
{
	return fold_addr_end_value(c, FOLD_PGD, fold_value(c, pgd.entry), addr, end);
}

/* ---- p4d ---- */

PW_INLINE p4dp_t p4d_offset(const struct fold_config *c, struct fold_walk *w, pgdp_t pgdp,
			    pw_va addr)
{
	return (p4dp_t){ fold_offset(c, w, FOLD_P4D, pgdp.to, addr) };
}

PW_INLINE p4dp_t p4d_offset_lockless(const struct fold_config *c, struct fold_walk *w, pgdp_t pgdp,
				     pgd_t pgd, pw_va addr)
{
	return (p4dp_t){ fold_down(c, w, FOLD_P4D, pgdp.to, fold_value(c, pgd.entry), addr) };
}

PW_INLINE p4d_t p4dp_get(const struct fold_config *c, struct fold_walk *w, p4dp_t p4dp, pw_va addr)
{
	return (p4d_t){ fold_turn_read(c, w, FOLD_P4D, p4dp.to, addr) };
}

PW_INLINE p4dp_t p4dp_next(const struct fold_config *c, p4dp_t p4dp)
{
	return (p4dp_t){ fold_next(c, p4dp.to) };
}

PW_INLINE p4dp_t p4dp_of_copy(const struct fold_config *c, const p4d_t *p4d, p4dp_t p4dp)
{
	return (p4dp_t){ fold_copy(c, FOLD_P4D, &p4d->entry, p4dp.to) };
}

PW_INLINE bool p4d_none(const struct fold_config *c, const struct fold_walk *w, p4d_t p4d)
{
	return fold_kind(c, w, FOLD_P4D, fold_value(c, p4d.entry)) == PW_HOLE;
}

PW_INLINE bool p4d_present(const struct fold_config *c, const struct fold_walk *w, p4d_t p4d)
{
	return !p4d_none(c, w, p4d);
}

PW_INLINE bool p4d_leaf(const struct fold_config *c, const struct fold_walk *w, p4d_t p4d)
{
	return fold_kind(c, w, FOLD_P4D, fold_value(c, p4d.entry)) == PW_LEAF;
}

PW_INLINE pw_va p4d_addr_end(const struct fold_config *c, pw_va addr, pw_va end)
{
	return fold_addr_end(c, FOLD_P4D, addr, end);
}

PW_INLINE pw_va p4d_addr_end_value(const struct fold_config *c, p4d_t p4d, pw_va addr, pw_va end)
{
	return fold_addr_end_value(c, FOLD_P4D, fold_value(c, p4d.entry), addr, end);
}

/* ---- pud ---- */

PW_INLINE pudp_t pud_offset(const struct fold_config *c, struct fold_walk *w, p4dp_t p4dp,
			    pw_va addr)
{
	return (pudp_t){ fold_offset(c, w, FOLD_PUD, p4dp.to, addr) };
}

PW_INLINE pudp_t pud_offset_lockless(const struct fold_config *c, struct fold_walk *w, p4dp_t p4dp,
				     p4d_t p4d, pw_va addr)
{
	return (pudp_t){ fold_down(c, w, FOLD_PUD, p4dp.to, fold_value(c, p4d.entry), addr) };
}

PW_INLINE pud_t pudp_get(const struct fold_config *c, struct fold_walk *w, pudp_t pudp, pw_va addr)
{
	return (pud_t){ fold_turn_read(c, w, FOLD_PUD, pudp.to, addr) };
}

PW_INLINE pudp_t pudp_next(const struct fold_config *c, pudp_t pudp)
{
	return (pudp_t){ fold_next(c, pudp.to) };
}

PW_INLINE pudp_t pudp_of_copy(const struct fold_config *c, const pud_t *pud, pudp_t pudp)
{
	return (pudp_t){ fold_copy(c, FOLD_PUD, &pud->entry, pudp.to) };
}

PW_INLINE bool pud_none(const struct fold_config *c, const struct fold_walk *w, pud_t pud)
{
	return fold_kind(c, w, FOLD_PUD, fold_value(c, pud.entry)) == PW_HOLE;
}

PW_INLINE bool pud_present(const struct fold_config *c, const struct fold_walk *w, pud_t pud)
{
	return !pud_none(c, w, pud);
}

PW_INLINE bool pud_leaf(const struct fold_config *c, const struct fold_walk *w, pud_t pud)
{
	return fold_kind(c, w, FOLD_PUD, fold_value(c, pud.entry)) == PW_LEAF;
}

PW_INLINE pw_va pud_addr_end(const struct fold_config *c, pw_va addr, pw_va end)
{
	return fold_addr_end(c, FOLD_PUD, addr, end);
}

PW_INLINE pw_va pud_addr_end_value(const struct fold_config *c, pud_t pud, pw_va addr, pw_va end)
{
	return fold_addr_end_value(c, FOLD_PUD, fold_value(c, pud.entry), addr, end);
}

/* ---- pmd ---- */

PW_INLINE pmdp_t pmd_offset(const struct fold_config *c, struct fold_walk *w, pudp_t pudp,
			    pw_va addr)
{
	return (pmdp_t){ fold_offset(c, w, FOLD_PMD, pudp.to, addr) };
}

PW_INLINE pmdp_t pmd_offset_lockless(const struct fold_config *c, struct fold_walk *w, pudp_t pudp,
				     pud_t pud, pw_va addr)
{
	return (pmdp_t){ fold_down(c, w, FOLD_PMD, pudp.to, fold_value(c, pud.entry), addr) };
}

PW_INLINE pmd_t pmdp_get(const struct fold_config *c, struct fold_walk *w, pmdp_t pmdp, pw_va addr)
{
	return (pmd_t){ fold_turn_read(c, w, FOLD_PMD, pmdp.to, addr) };
}

PW_INLINE pmdp_t pmdp_next(const struct fold_config *c, pmdp_t pmdp)
{
	return (pmdp_t){ fold_next(c, pmdp.to) };
}

PW_INLINE pmdp_t pmdp_of_copy(const struct fold_config *c, const pmd_t *pmd, pmdp_t pmdp)
{
	return (pmdp_t){ fold_copy(c, FOLD_PMD, &pmd->entry, pmdp.to) };
}

PW_INLINE bool pmd_none(const struct fold_config *c, const struct fold_walk *w, pmd_t pmd)
{
	return fold_kind(c, w, FOLD_PMD, fold_value(c, pmd.entry)) == PW_HOLE;
}

PW_INLINE bool pmd_present(const struct fold_config *c, const struct fold_walk *w, pmd_t pmd)
{
	return !pmd_none(c, w, pmd);
}

PW_INLINE bool pmd_leaf(const struct fold_config *c, const struct fold_walk *w, pmd_t pmd)
{
	return fold_kind(c, w, FOLD_PMD, fold_value(c, pmd.entry)) == PW_LEAF;
}

PW_INLINE pw_va pmd_addr_end(const struct fold_config *c, pw_va addr, pw_va end)
{
	return fold_addr_end(c, FOLD_PMD, addr, end);
}

PW_INLINE pw_va pmd_addr_end_value(const struct fold_config *c, pmd_t pmd, pw_va addr, pw_va end)
{
	return fold_addr_end_value(c, FOLD_PMD, fold_value(c, pmd.entry), addr, end);
}

/* ---- pte ---- */

PW_INLINE ptep_t pte_offset(const struct fold_config *c, struct fold_walk *w, pmdp_t pmdp,
			    pw_va addr)
{
	return (ptep_t){ fold_offset(c, w, FOLD_PTE, pmdp.to, addr) };
}

PW_INLINE ptep_t pte_offset_lockless(const struct fold_config *c, struct fold_walk *w, pmdp_t pmdp,
				     pmd_t pmd, pw_va addr)
{
	return (ptep_t){ fold_down(c, w, FOLD_PTE, pmdp.to, fold_value(c, pmd.entry), addr) };
}

PW_INLINE pte_t ptep_get(const struct fold_config *c, struct fold_walk *w, ptep_t ptep, pw_va addr)
{
	return (pte_t){ fold_turn_read(c, w, FOLD_PTE, ptep.to, addr) };
}

PW_INLINE ptep_t ptep_next(const struct fold_config *c, ptep_t ptep)
{
	return (ptep_t){ fold_next(c, ptep.to) };
}

PW_INLINE bool pte_none(const struct fold_config *c, const struct fold_walk *w, pte_t pte)
{
	return fold_kind(c, w, FOLD_PTE, fold_value(c, pte.entry)) == PW_HOLE;
}

PW_INLINE bool pte_present(const struct fold_config *c, const struct fold_walk *w, pte_t pte)
{
	return !pte_none(c, w, pte);
}

/* The next page: there is no lower table to crop to. */
PW_INLINE pw_va pte_next(const struct fold_config *c, pw_va addr)
{
	return addr + (UINT64_C(1) << c->format->shift[0]);
}

#endif
