/* SPDX-License-Identifier: MIT */
/*
 * The parts of walk_page_range() in mm/pagewalk.c that concern folding: five loops, each given the
 * pointer to the entry above, which it reads anew on its way down. The walk skips holes.
 */
#ifndef LAB_PAGEWALK_H
#define LAB_PAGEWALK_H

#include "lab/fold/kernel.h"
#include "lab/fold/strategy.h"

PW_INLINE void fold_walk_pte_range(const struct fold_config *c, struct fold_walk *w, pmdp_t pmdp,
				   pw_va addr, pw_va end)
{
	ptep_t ptep = pte_offset(c, w, pmdp, addr);

	do {
		pte_t pte = ptep_get(c, w, ptep, addr);

		fold_cropped(c, w, FOLD_PTE, pte_next(c, addr));
		if (!pte_none(c, w, pte))
			fold_found(c, w, FOLD_PTE, fold_value(c, pte.entry), addr,
				   pte_next(c, addr));
		ptep = ptep_next(c, ptep);
		addr = pte_next(c, addr);
	} while (addr != end);
}

PW_INLINE void fold_walk_pmd_range(const struct fold_config *c, struct fold_walk *w,
				   const struct fold_plan *p, pudp_t pudp, pw_va addr, pw_va end)
{
	pmdp_t pmdp = pmd_offset(c, w, pudp, addr);
	pw_va next;

	do {
		pmd_t pmd = pmdp_get(c, w, pmdp, addr);

		next = p->walk_value_ends ? pmd_addr_end_value(c, pmd, addr, end)
					  : pmd_addr_end(c, addr, end);
		fold_cropped(c, w, FOLD_PMD, next);
		if (pmd_leaf(c, w, pmd))
			fold_found(c, w, FOLD_PMD, fold_value(c, pmd.entry), addr, next);
		else if (!pmd_none(c, w, pmd))
			fold_walk_pte_range(c, w, pmdp, addr, next);
		pmdp = pmdp_next(c, pmdp);
		addr = next;
	} while (addr != end);
}

PW_INLINE void fold_walk_pud_range(const struct fold_config *c, struct fold_walk *w,
				   const struct fold_plan *p, p4dp_t p4dp, pw_va addr, pw_va end)
{
	pudp_t pudp = pud_offset(c, w, p4dp, addr);
	pw_va next;

	do {
		pud_t pud = pudp_get(c, w, pudp, addr);

		next = p->walk_value_ends ? pud_addr_end_value(c, pud, addr, end)
					  : pud_addr_end(c, addr, end);
		fold_cropped(c, w, FOLD_PUD, next);
		if (pud_leaf(c, w, pud))
			fold_found(c, w, FOLD_PUD, fold_value(c, pud.entry), addr, next);
		else if (!pud_none(c, w, pud))
			fold_walk_pmd_range(c, w, p, pudp, addr, next);
		pudp = pudp_next(c, pudp);
		addr = next;
	} while (addr != end);
}

PW_INLINE void fold_walk_p4d_range(const struct fold_config *c, struct fold_walk *w,
				   const struct fold_plan *p, pgdp_t pgdp, pw_va addr, pw_va end)
{
	p4dp_t p4dp = p4d_offset(c, w, pgdp, addr);
	pw_va next;

	do {
		p4d_t p4d = p4dp_get(c, w, p4dp, addr);

		next = p->walk_value_ends ? p4d_addr_end_value(c, p4d, addr, end)
					  : p4d_addr_end(c, addr, end);
		fold_cropped(c, w, FOLD_P4D, next);
		if (p4d_leaf(c, w, p4d))
			fold_found(c, w, FOLD_P4D, fold_value(c, p4d.entry), addr, next);
		else if (!p4d_none(c, w, p4d))
			fold_walk_pud_range(c, w, p, p4dp, addr, next);
		p4dp = p4dp_next(c, p4dp);
		addr = next;
	} while (addr != end);
}

PW_INLINE void fold_walk_pgd_range(const struct fold_config *c, struct fold_walk *w,
				   const struct fold_plan *p, pw_va addr, pw_va end)
{
	pgdp_t pgdp = pgd_offset(c, w, addr);
	pw_va next;

	do {
		pgd_t pgd = pgdp_get(c, w, pgdp, addr);

		next = p->walk_value_ends ? pgd_addr_end_value(c, pgd, addr, end)
					  : pgd_addr_end(c, addr, end);
		fold_cropped(c, w, FOLD_PGD, next);
		if (pgd_leaf(c, w, pgd))
			fold_found(c, w, FOLD_PGD, fold_value(c, pgd.entry), addr, next);
		else if (!pgd_none(c, w, pgd))
			fold_walk_p4d_range(c, w, p, pgdp, addr, next);
		pgdp = pgdp_next(c, pgdp);
		addr = next;
	} while (addr != end);
}

#endif
