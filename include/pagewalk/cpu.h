/* SPDX-License-Identifier: MIT */
/*
 * Loads and stores of a cpu, for emulators: at virtual addresses, in host order, through a TLB whose hit is
 * inline here.
 *
 * A function that returns bool returns false if the access faults for good: then nothing was stored, and
 * pw_cpu_fault says where and why. Loads and stores of 1, 2, 4 and 8 bytes may lie anywhere. They are atomic
 * (relaxed) if they are aligned.
 *
 * All functions are for the cpu's own thread.
 */
#ifndef PAGEWALK_CPU_H
#define PAGEWALK_CPU_H

#include <pagewalk/mm.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/* ---- the TLB: for the inline functions below, and for nobody else ---- */

enum {
	PW_TLB_LG2 = 12, /* log2 of what an entry covers: a base page, or a part of one */
	PW_TLB_ENTRIES = 512,
};

/* Bit 11 of a tag; no address that is compared with a tag has it. */
#define PW_TLB_SLOW (UINT64_C(1) << (PW_TLB_LG2 - 1))

/*
 * tag: by enum pw_access_kind, the address of the first byte, or something with PW_TLB_SLOW: then the entry does
 * not permit that access, or not by the inline path. Other threads store PW_TLB_SLOW there (pw_tlb_flush).
 * addend: the host's address minus the virtual one; written by the cpu's own thread alone.
 */
struct __attribute__((aligned(32))) pw_tlb_entry {
	uint64_t tag[3] __attribute__((aligned(8)));
	uint64_t addend;
};

/*
 * The head of a struct pw_vcpu. inside: the address of the access that is under way, with bit 0 set;
 * PW_INSIDE_ANY: any; 0: none. Only the cpu's own thread stores it.
 *
 *     cpu                              pw_tlb_flush
 *     ---                              ------------
 *     inside = va | 1                  tag = PW_TLB_SLOW
 *     - - - - - - - - - - - - - - - -  membarrier: a full barrier on both sides
 *     load tag: a hit                  inside is in the range: wait
 *     load or store the page
 *     inside = 0   (release)           inside is 0 (acquire): go on
 *
 * The barrier hits the cpu somewhere. If that is after the first store, the flusher sees it. If it is
 * before, the load of the tag comes after, too, and misses. So the hit path needs no fence.
 */
struct pw_tlb {
	uint64_t inside __attribute__((aligned(64)));
	struct pw_tlb_entry entry[PW_TLB_ENTRIES] __attribute__((aligned(64)));
};

#define PW_INSIDE_ANY UINT64_C(2)

/* ---- a pointer for a few instructions ---- */

/*
 * The host's address of @bytes (1, 2, 4 or 8) at @va, aligned to their size, if the TLB permits the access;
 * else NULL. If it is not NULL, the caller makes its access within a few instructions, calls no function that
 * may wait, and then calls pw_cpu_end: until then pw_munmap and others wait for it.
 */
static inline __attribute__((always_inline)) void *pw_cpu_try(struct pw_vcpu *cpu, pw_va va,
							      unsigned bytes,
							      enum pw_access_kind access)
{
	struct pw_tlb *tlb = (struct pw_tlb *)cpu;
	struct pw_tlb_entry *entry = &tlb->entry[va >> PW_TLB_LG2 & (PW_TLB_ENTRIES - 1)];
	const uint64_t mask = ~((UINT64_C(1) << PW_TLB_LG2) - 1) | (bytes - 1);

	__atomic_store_n(&tlb->inside, va | 1, __ATOMIC_RELAXED);
	/* For the compiler alone; partner: the membarrier in pw_tlb_flush. */
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	if (__builtin_expect(__atomic_load_n(&entry->tag[access], __ATOMIC_RELAXED) == (va & mask),
			     1))
		return (void *)(uintptr_t)(va + entry->addend);
	__atomic_store_n(&tlb->inside, 0, __ATOMIC_RELEASE);
	return NULL;
}

/*
 * As pw_cpu_try, but a miss walks the tables, and faults. NULL: pw_cpu_fault has the reason, which is SIGBUS,
 * BUS_ADRALN for other sizes, and for a @va that is not aligned.
 */
void *pw_cpu_begin(struct pw_vcpu *cpu, pw_va va, unsigned bytes, enum pw_access_kind access);

/* Ends what pw_cpu_try or pw_cpu_begin began. */
static inline __attribute__((always_inline)) void pw_cpu_end(struct pw_vcpu *cpu)
{
	/* Partner: the acquire in pw_tlb_flush. */
	__atomic_store_n(&((struct pw_tlb *)cpu)->inside, 0, __ATOMIC_RELEASE);
}

/* The fault that made the last access of this cpu fail. */
const struct pw_fault *pw_cpu_fault(const struct pw_vcpu *cpu);

/* ---- loads, stores, and fetches of instructions ---- */

/*
 * Any alignment, up to 8 bytes: what the inline functions below do on a miss. A store that crosses two pages
 * stores into both of them, or into none. More than 8 bytes fault, as in pw_cpu_begin.
 */
bool pw_load_bytes(struct pw_vcpu *cpu, pw_va va, unsigned bytes, void *value_ret,
		   enum pw_access_kind access);
bool pw_store_bytes(struct pw_vcpu *cpu, pw_va va, unsigned bytes, const void *value);

static inline bool pw_load_u8(struct pw_vcpu *cpu, pw_va va, uint8_t *value_ret)
{
	const uint8_t *at = (const uint8_t *)pw_cpu_try(cpu, va, 1, PW_ACCESS_READ);

	if (__builtin_expect(!at, 0))
		return pw_load_bytes(cpu, va, 1, value_ret, PW_ACCESS_READ);
	*value_ret = __atomic_load_n(at, __ATOMIC_RELAXED);
	pw_cpu_end(cpu);
	return true;
}

static inline bool pw_load_u16(struct pw_vcpu *cpu, pw_va va, uint16_t *value_ret)
{
	const uint16_t *at = (const uint16_t *)pw_cpu_try(cpu, va, 2, PW_ACCESS_READ);

	if (__builtin_expect(!at, 0))
		return pw_load_bytes(cpu, va, 2, value_ret, PW_ACCESS_READ);
	*value_ret = __atomic_load_n(at, __ATOMIC_RELAXED);
	pw_cpu_end(cpu);
	return true;
}

static inline bool pw_load_u32(struct pw_vcpu *cpu, pw_va va, uint32_t *value_ret)
{
	const uint32_t *at = (const uint32_t *)pw_cpu_try(cpu, va, 4, PW_ACCESS_READ);

	if (__builtin_expect(!at, 0))
		return pw_load_bytes(cpu, va, 4, value_ret, PW_ACCESS_READ);
	*value_ret = __atomic_load_n(at, __ATOMIC_RELAXED);
	pw_cpu_end(cpu);
	return true;
}

static inline bool pw_load_u64(struct pw_vcpu *cpu, pw_va va, uint64_t *value_ret)
{
	const uint64_t *at = (const uint64_t *)pw_cpu_try(cpu, va, 8, PW_ACCESS_READ);

	if (__builtin_expect(!at, 0))
		return pw_load_bytes(cpu, va, 8, value_ret, PW_ACCESS_READ);
	*value_ret = __atomic_load_n(at, __ATOMIC_RELAXED);
	pw_cpu_end(cpu);
	return true;
}

static inline bool pw_store_u8(struct pw_vcpu *cpu, pw_va va, uint8_t value)
{
	uint8_t *at = (uint8_t *)pw_cpu_try(cpu, va, 1, PW_ACCESS_WRITE);

	if (__builtin_expect(!at, 0))
		return pw_store_bytes(cpu, va, 1, &value);
	__atomic_store_n(at, value, __ATOMIC_RELAXED);
	pw_cpu_end(cpu);
	return true;
}

static inline bool pw_store_u16(struct pw_vcpu *cpu, pw_va va, uint16_t value)
{
	uint16_t *at = (uint16_t *)pw_cpu_try(cpu, va, 2, PW_ACCESS_WRITE);

	if (__builtin_expect(!at, 0))
		return pw_store_bytes(cpu, va, 2, &value);
	__atomic_store_n(at, value, __ATOMIC_RELAXED);
	pw_cpu_end(cpu);
	return true;
}

static inline bool pw_store_u32(struct pw_vcpu *cpu, pw_va va, uint32_t value)
{
	uint32_t *at = (uint32_t *)pw_cpu_try(cpu, va, 4, PW_ACCESS_WRITE);

	if (__builtin_expect(!at, 0))
		return pw_store_bytes(cpu, va, 4, &value);
	__atomic_store_n(at, value, __ATOMIC_RELAXED);
	pw_cpu_end(cpu);
	return true;
}

static inline bool pw_store_u64(struct pw_vcpu *cpu, pw_va va, uint64_t value)
{
	uint64_t *at = (uint64_t *)pw_cpu_try(cpu, va, 8, PW_ACCESS_WRITE);

	if (__builtin_expect(!at, 0))
		return pw_store_bytes(cpu, va, 8, &value);
	__atomic_store_n(at, value, __ATOMIC_RELAXED);
	pw_cpu_end(cpu);
	return true;
}

static inline bool pw_fetch_u16(struct pw_vcpu *cpu, pw_va va, uint16_t *value_ret)
{
	const uint16_t *at = (const uint16_t *)pw_cpu_try(cpu, va, 2, PW_ACCESS_EXEC);

	if (__builtin_expect(!at, 0))
		return pw_load_bytes(cpu, va, 2, value_ret, PW_ACCESS_EXEC);
	*value_ret = __atomic_load_n(at, __ATOMIC_RELAXED);
	pw_cpu_end(cpu);
	return true;
}

static inline bool pw_fetch_u32(struct pw_vcpu *cpu, pw_va va, uint32_t *value_ret)
{
	const uint32_t *at = (const uint32_t *)pw_cpu_try(cpu, va, 4, PW_ACCESS_EXEC);

	if (__builtin_expect(!at, 0))
		return pw_load_bytes(cpu, va, 4, value_ret, PW_ACCESS_EXEC);
	*value_ret = __atomic_load_n(at, __ATOMIC_RELAXED);
	pw_cpu_end(cpu);
	return true;
}

/* ---- atomic operations: sequentially consistent ---- */

/*
 * @bytes is 1, 2, 4 or 8, and @va aligned to it; else the fault is SIGBUS, BUS_ADRALN. *old_ret is what was
 * there. compare_swap stores @value if that is @expected. A page that permits no writing faults in either case.
 */
enum pw_atomic { PW_ATOMIC_XCHG, PW_ATOMIC_ADD, PW_ATOMIC_AND, PW_ATOMIC_OR, PW_ATOMIC_XOR };
bool pw_atomic(struct pw_vcpu *cpu, pw_va va, unsigned bytes, enum pw_atomic what, uint64_t operand,
	       uint64_t *old_ret);
bool pw_compare_swap(struct pw_vcpu *cpu, pw_va va, unsigned bytes, uint64_t expected,
		     uint64_t value, uint64_t *old_ret);

/* ---- many bytes ---- */

/* Return how many bytes were copied; fewer than @bytes: pw_cpu_fault says why. Bytes are not copied in order. */
size_t pw_copy_from(struct pw_vcpu *cpu, void *to, pw_va from, size_t bytes);
size_t pw_copy_to(struct pw_vcpu *cpu, pw_va to, const void *from, size_t bytes);
size_t pw_copy_fill(struct pw_vcpu *cpu, pw_va to, int byte, size_t bytes);
/*
 * Copies a string with its NUL, but at most @most bytes. Returns its length without the NUL; @most if there was
 * none; -EFAULT (strncpy_from_user).
 */
long pw_copy_string(struct pw_vcpu *cpu, char *to, pw_va from, size_t most);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif
#endif
