/* SPDX-License-Identifier: MIT */
/* A pte of two words, each loaded on its own: PAE. ptep_get_lockless() is the kernel's, in gup.inc. */
typedef struct {
	uint32_t pte_low, pte_high;
} pte_t;

static inline uint64_t halves_value(uint32_t low, uint32_t high)
{
	return low | (uint64_t)high << 32;
}
#define pte_val(x) halves_value((x).pte_low, (x).pte_high)

static inline pte_t ptep_get(const pte_t *ptep)
{
	pte_t pte;

	pte.pte_low = __atomic_load_n(&ptep->pte_low, __ATOMIC_RELAXED);
	pte.pte_high = __atomic_load_n(&ptep->pte_high, __ATOMIC_RELAXED);
	return pte;
}
