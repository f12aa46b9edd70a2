/* SPDX-License-Identifier: MIT */
/*
 * The glossary, and the types and helpers that go with it. Every file uses these words as they are here.
 *
 *   entry    one page-table word, 4 or 8 bytes; here always a uint64_t value in host order
 *   table    2^bits entries; level 0 holds base pages
 *   shift    log2 of what one entry of a level covers (also *_lg2: log2 of a size)
 *   index    which entry of a table; entry = table + (index << entry_lg2)
 *   last     inclusive end of a range; end, the exclusive one, is used for array positions only
 *   keep     permission bits that the tables above leave to a leaf (an AND over the levels)
 *   span     addresses that one root translates
 */
#ifndef PW_BASE_WORDS_H
#define PW_BASE_WORDS_H

#include <pagewalk/format.h>
#include <pagewalk/walk.h>

#if defined(__SANITIZE_ADDRESS__)
#define PW_COMPILED_ONCE 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define PW_COMPILED_ONCE 1
#endif
#endif

/*
 * PW_INLINE is for all that becomes part of an instance: its format is then a constant. PW_FLATTEN makes an
 * instance without calls. PW_UNROLL unrolls a loop over levels completely, so that the level is a constant in
 * each turn. AddressSanitizer makes ten times the code of each load, and all these copies would take a quarter
 * of an hour to compile. So its builds have one copy of each function, which reads the format as data.
 */
#ifdef PW_COMPILED_ONCE
#define PW_INLINE static inline
#define PW_FLATTEN
#define PW_UNROLL
#else
#define PW_INLINE  static inline __attribute__((always_inline))
#define PW_FLATTEN __attribute__((flatten))
#define PW_UNROLL  _Pragma("GCC unroll 8")
#endif
#define PW_LIKELY(x)   __builtin_expect(!!(x), 1)
#define PW_UNLIKELY(x) __builtin_expect(!!(x), 0)

/* Attribute bits that are internal to formats and walks; pw_attr_settle turns them into public ones. */
enum {
	/* The kernel may execute. In formats that tell the two apart, PW_EXEC is for user mode alone. */
	PW_KEXEC = 1 << 9,
	/* Formats with a single execute bit set both. */
	PW_EXEC_BOTH = PW_EXEC | PW_KEXEC,
	/* Pages that differ in one of these, or in their memory type, are not in one run. */
	PW_RUN_MASK = PW_PROT_MASK | PW_SHADOW_STACK | PW_DBM,
	PW_MEMTYPE_SHIFT = 16,
	PW_MEMTYPE_MASK = 0xf << PW_MEMTYPE_SHIFT,
};
static const uint32_t PW_KEEP_ALL = ~UINT32_C(0);

/* A number whose low @bits bits are set; @bits may be 64. */
PW_INLINE uint64_t pw_mask(unsigned bits)
{
	return bits < 64 ? (UINT64_C(1) << bits) - 1 : ~UINT64_C(0);
}

PW_INLINE unsigned pw_memtype_attr(enum pw_memtype type)
{
	return (unsigned)type << PW_MEMTYPE_SHIFT;
}

/*
 * Effective attributes of a leaf with @attr, below tables that leave it @keep. PW_EXEC becomes that of
 * user mode or that of the kernel, depending on PW_USER. A table whose keep lacks PW_GLOBAL makes all that
 * is below it global.
 */
PW_INLINE uint32_t pw_attr_settle(uint32_t attr, uint32_t keep)
{
	uint32_t effective = attr & (keep | ~(uint32_t)(PW_PROT_MASK | PW_KEXEC));

	effective |= ~keep & PW_GLOBAL;
	/* Where the tables above refuse writing, the dirty state does not make a page writable either. */
	if (!(keep & PW_WRITE))
		effective &= ~(uint32_t)(PW_DBM | PW_SHADOW_STACK);
	if (!(effective & PW_USER))
		effective = (effective & ~(uint32_t)PW_EXEC) | (effective & PW_KEXEC ? PW_EXEC : 0);
	return effective & ~(uint32_t)PW_KEXEC;
}

PW_INLINE pw_va pw_min(pw_va a, pw_va b)
{
	return a < b ? a : b;
}

#endif
