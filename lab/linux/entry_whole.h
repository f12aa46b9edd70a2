/* SPDX-License-Identifier: MIT */
/* A pte of one word, which is loaded at once. */
typedef struct {
	uint64_t value;
} pte_t;
#define pte_val(x)           ((x).value)
#define ptep_get(p)          READ_ONCE(*(p))
#define ptep_get_lockless(p) ptep_get(p)
