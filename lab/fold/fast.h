/* SPDX-License-Identifier: MIT */
/*
 * The parts of get_user_pages_fast() in mm/gup.c that concern folding: five loops, each given the value
 * of the entry above, which was read once. The walk stops at the first doubt, and does not pin pages.
 */
#ifndef LAB_FAST_H
#define LAB_FAST_H

#include "lab/fold/kernel.h"
#include "lab/fold/strategy.h"

/*
 * Goes down from an entry that was read: through a copy of it, as until 2020, or by the pointer together
 * with the value. The two differ only at a folded level.
 */
PW_INLINE bool fold_passes_copy(const struct fold_config *c, const struct fold_plan *p,
				unsigned level)
{
	if (p->pass == FOLD_PASS_COPY)
		return true;
	if (p->pass == FOLD_PASS_BOTH_2020 && c->style->how == FOLD_REINDEX)
		return level > c->style->top;
	return !fold_lockless_real(c);
}

PW_INLINE bool fold_fast_pte_range(const struct fold_config *c, struct fold_walk *w, pmdp_t pmdp,
				   pmd_t pmd, pw_va addr, pw_va end)
{
	ptep_t ptep = pte_offset_lockless(c, w, pmdp, pmd, addr);

	do {
		pte_t pte = ptep_get(c, w, ptep, addr);

		fold_cropped(c, w, FOLD_PTE, pte_next(c, addr));
		if (!pte_present(c, w, pte))
			return false;
		fold_found(c, w, FOLD_PTE, fold_value(c, pte.entry), addr, pte_next(c, addr));
		ptep = ptep_next(c, ptep);
		addr = pte_next(c, addr);
	} while (addr != end);
	return true;
}

PW_INLINE bool fold_fast_pmd_range(const struct fold_config *c, struct fold_walk *w,
				   const struct fold_plan *p, pudp_t pudp, pud_t pud, pw_va addr,
				   pw_va end)
{
	pmdp_t pmdp = fold_passes_copy(c, p, FOLD_PMD)
			      ? pmd_offset_lockless(c, w, pudp_of_copy(c, &pud, pudp), pud, addr)
			      : pmd_offset_lockless(c, w, pudp, pud, addr);
	pw_va next;

	do {
		pmd_t pmd = pmdp_get(c, w, pmdp, addr);

		next = p->fast_value_ends ? pmd_addr_end_value(c, pmd, addr, end)
					  : pmd_addr_end(c, addr, end);
		fold_cropped(c, w, FOLD_PMD, next);
		if (!pmd_present(c, w, pmd))
			return false;
		if (pmd_leaf(c, w, pmd))
			fold_found(c, w, FOLD_PMD, fold_value(c, pmd.entry), addr, next);
		else if (!fold_fast_pte_range(c, w, pmdp, pmd, addr, next))
			return false;
		pmdp = pmdp_next(c, pmdp);
		addr = next;
	} while (addr != end);
	return true;
}

PW_INLINE bool fold_fast_pud_range(const struct fold_config *c, struct fold_walk *w,
				   const struct fold_plan *p, p4dp_t p4dp, p4d_t p4d, pw_va addr,
				   pw_va end)
{
	pudp_t pudp = fold_passes_copy(c, p, FOLD_PUD)
			      ? pud_offset_lockless(c, w, p4dp_of_copy(c, &p4d, p4dp), p4d, addr)
			      : pud_offset_lockless(c, w, p4dp, p4d, addr);
	pw_va next;

	do {
		pud_t pud = pudp_get(c, w, pudp, addr);

		next = p->fast_value_ends ? pud_addr_end_value(c, pud, addr, end)
					  : pud_addr_end(c, addr, end);
		fold_cropped(c, w, FOLD_PUD, next);
		if (!pud_present(c, w, pud))
			return false;
		if (pud_leaf(c, w, pud))
			fold_found(c, w, FOLD_PUD, fold_value(c, pud.entry), addr, next);
		else if (!fold_fast_pmd_range(c, w, p, pudp, pud, addr, next))
			return false;
		pudp = pudp_next(c, pudp);
		addr = next;
	} while (addr != end);
	return true;
}

PW_INLINE bool fold_fast_p4d_range(const struct fold_config *c, struct fold_walk *w,
				   const struct fold_plan *p, pgdp_t pgdp, pgd_t pgd, pw_va addr,
				   pw_va end)
{
	p4dp_t p4dp = fold_passes_copy(c, p, FOLD_P4D)
			      ? p4d_offset_lockless(c, w, pgdp_of_copy(c, &pgd, pgdp), pgd, addr)
			      : p4d_offset_lockless(c, w, pgdp, pgd, addr);
	pw_va next;

	do {
		p4d_t p4d = p4dp_get(c, w, p4dp, addr);

		next = p->fast_value_ends ? p4d_addr_end_value(c, p4d, addr, end)
					  : p4d_addr_end(c, addr, end);
		fold_cropped(c, w, FOLD_P4D, next);
		if (!p4d_present(c, w, p4d))
			return false;
		if (p4d_leaf(c, w, p4d))
			fold_found(c, w, FOLD_P4D, fold_value(c, p4d.entry), addr, next);
		else if (!fold_fast_pud_range(c, w, p, p4dp, p4d, addr, next))
			return false;
		p4dp = p4dp_next(c, p4dp);
		addr = next;
	} while (addr != end);
	return true;
}

PW_INLINE bool fold_fast_pgd_range(const struct fold_config *c, struct fold_walk *w,
				   const struct fold_plan *p, pw_va addr, pw_va end)
{
	pgdp_t pgdp = pgd_offset(c, w, addr);
	pw_va next;

	do {
		pgd_t pgd = pgdp_get(c, w, pgdp, addr);

		next = p->fast_value_ends ? pgd_addr_end_value(c, pgd, addr, end)
					  : pgd_addr_end(c, addr, end);
		fold_cropped(c, w, FOLD_PGD, next);
		if (pgd_none(c, w, pgd))
			return false;
		if (pgd_leaf(c, w, pgd))
			fold_found(c, w, FOLD_PGD, fold_value(c, pgd.entry), addr, next);
		else if (!fold_fast_p4d_range(c, w, p, pgdp, pgd, addr, next))
			return false;
		pgdp = pgdp_next(c, pgdp);
		addr = next;
	} while (addr != end);
	return true;
}

#endif
