/* SPDX-License-Identifier: MIT */
/*
 * Many bytes at virtual addresses, and atomic operations: each piece that lies in one entry of the TLB is one
 * access of the cpu.
 */
#include <errno.h>
#include <string.h>

#include "mm/cpu/cpu_inside.h"

/* The bytes from @va on, of @bytes, that one access covers. */
static size_t piece(pw_va va, size_t bytes)
{
	const size_t entry = (size_t)1 << PW_TLB_LG2;
	size_t rest = entry - (size_t)(va & (entry - 1));

	return rest < bytes ? rest : bytes;
}

/* As pw_cpu_begin, at any address. */
static void *begin(struct pw_vcpu *cpu, pw_va va, enum pw_access_kind access)
{
	void *host = pw_cpu_try(cpu, va, 1, access);

	return PW_LIKELY(host) ? host : pw_cpu_begin(cpu, va, 1, access);
}

size_t pw_copy_from(struct pw_vcpu *cpu, void *to, pw_va from, size_t bytes)
{
	size_t done = 0;

	while (done < bytes) {
		size_t some = piece(from + done, bytes - done);
		const void *host = begin(cpu, from + done, PW_ACCESS_READ);

		if (!host)
			break;
		memcpy((char *)to + done, host, some);
		pw_cpu_end(cpu);
		done += some;
	}
	return done;
}

size_t pw_copy_to(struct pw_vcpu *cpu, pw_va to, const void *from, size_t bytes)
{
	size_t done = 0;

	while (done < bytes) {
		size_t some = piece(to + done, bytes - done);
		void *host = begin(cpu, to + done, PW_ACCESS_WRITE);

		if (!host)
			break;
		memcpy(host, (const char *)from + done, some);
		pw_cpu_end(cpu);
		done += some;
	}
	return done;
}

size_t pw_copy_fill(struct pw_vcpu *cpu, pw_va to, int byte, size_t bytes)
{
	size_t done = 0;

	while (done < bytes) {
		size_t some = piece(to + done, bytes - done);
		void *host = begin(cpu, to + done, PW_ACCESS_WRITE);

		if (!host)
			break;
		memset(host, byte, some);
		pw_cpu_end(cpu);
		done += some;
	}
	return done;
}

long pw_copy_string(struct pw_vcpu *cpu, char *to, pw_va from, size_t most)
{
	size_t done = 0;

	if (!cpu || (!to && most > 0))
		return -EINVAL;
	while (done < most) {
		size_t some = piece(from + done, most - done);
		const char *host = begin(cpu, from + done, PW_ACCESS_READ), *end;

		if (!host)
			return -EFAULT;
		/* The string may change meanwhile, so the end is looked for in the copy. */
		memcpy(to + done, host, some);
		pw_cpu_end(cpu);
		end = memchr(to + done, 0, some);
		if (end)
			return end - to;
		done += some;
	}
	return (long)done;
}

/* ---- atomic operations ---- */

static uint64_t atomic_u8(uint8_t *at, enum pw_atomic what, uint8_t operand)
{
	switch (what) {
	case PW_ATOMIC_XCHG:
		return __atomic_exchange_n(at, operand, __ATOMIC_SEQ_CST);
	case PW_ATOMIC_ADD:
		return __atomic_fetch_add(at, operand, __ATOMIC_SEQ_CST);
	case PW_ATOMIC_AND:
		return __atomic_fetch_and(at, operand, __ATOMIC_SEQ_CST);
	case PW_ATOMIC_OR:
		return __atomic_fetch_or(at, operand, __ATOMIC_SEQ_CST);
	case PW_ATOMIC_XOR:
		break;
	}
	return __atomic_fetch_xor(at, operand, __ATOMIC_SEQ_CST);
}

static uint64_t atomic_u16(uint16_t *at, enum pw_atomic what, uint16_t operand)
{
	switch (what) {
	case PW_ATOMIC_XCHG:
		return __atomic_exchange_n(at, operand, __ATOMIC_SEQ_CST);
	case PW_ATOMIC_ADD:
		return __atomic_fetch_add(at, operand, __ATOMIC_SEQ_CST);
	case PW_ATOMIC_AND:
		return __atomic_fetch_and(at, operand, __ATOMIC_SEQ_CST);
	case PW_ATOMIC_OR:
		return __atomic_fetch_or(at, operand, __ATOMIC_SEQ_CST);
	case PW_ATOMIC_XOR:
		break;
	}
	return __atomic_fetch_xor(at, operand, __ATOMIC_SEQ_CST);
}

static uint64_t atomic_u32(uint32_t *at, enum pw_atomic what, uint32_t operand)
{
	switch (what) {
	case PW_ATOMIC_XCHG:
		return __atomic_exchange_n(at, operand, __ATOMIC_SEQ_CST);
	case PW_ATOMIC_ADD:
		return __atomic_fetch_add(at, operand, __ATOMIC_SEQ_CST);
	case PW_ATOMIC_AND:
		return __atomic_fetch_and(at, operand, __ATOMIC_SEQ_CST);
	case PW_ATOMIC_OR:
		return __atomic_fetch_or(at, operand, __ATOMIC_SEQ_CST);
	case PW_ATOMIC_XOR:
		break;
	}
	return __atomic_fetch_xor(at, operand, __ATOMIC_SEQ_CST);
}

static uint64_t atomic_u64(uint64_t *at, enum pw_atomic what, uint64_t operand)
{
	switch (what) {
	case PW_ATOMIC_XCHG:
		return __atomic_exchange_n(at, operand, __ATOMIC_SEQ_CST);
	case PW_ATOMIC_ADD:
		return __atomic_fetch_add(at, operand, __ATOMIC_SEQ_CST);
	case PW_ATOMIC_AND:
		return __atomic_fetch_and(at, operand, __ATOMIC_SEQ_CST);
	case PW_ATOMIC_OR:
		return __atomic_fetch_or(at, operand, __ATOMIC_SEQ_CST);
	case PW_ATOMIC_XOR:
		break;
	}
	return __atomic_fetch_xor(at, operand, __ATOMIC_SEQ_CST);
}

static void *begin_atomic(struct pw_vcpu *cpu, pw_va va, unsigned bytes)
{
	void *host = NULL;

	if (PW_LIKELY(pw_access_size_valid(bytes)))
		host = pw_cpu_try(cpu, va, bytes, PW_ACCESS_WRITE);
	return PW_LIKELY(host) ? host : pw_cpu_begin(cpu, va, bytes, PW_ACCESS_WRITE);
}

bool pw_atomic(struct pw_vcpu *cpu, pw_va va, unsigned bytes, enum pw_atomic what, uint64_t operand,
	       uint64_t *old_ret)
{
	void *at = begin_atomic(cpu, va, bytes);
	uint64_t old;

	if (!at)
		return false;
	if (bytes == 8)
		old = atomic_u64(at, what, operand);
	else if (bytes == 4)
		old = atomic_u32(at, what, (uint32_t)operand);
	else if (bytes == 2)
		old = atomic_u16(at, what, (uint16_t)operand);
	else
		old = atomic_u8(at, what, (uint8_t)operand);
	pw_cpu_end(cpu);
	*old_ret = old;
	return true;
}

/* Stores @value if @expected is there. Returns what was there. */
static uint64_t swap(void *at, unsigned bytes, uint64_t expected, uint64_t value)
{
	uint32_t wide = (uint32_t)expected;
	uint16_t half = (uint16_t)expected;
	uint8_t byte = (uint8_t)expected;

	switch (bytes) {
	case 8:
		__atomic_compare_exchange_n((uint64_t *)at, &expected, value, false,
					    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
		return expected;
	case 4:
		__atomic_compare_exchange_n((uint32_t *)at, &wide, (uint32_t)value, false,
					    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
		return wide;
	case 2:
		__atomic_compare_exchange_n((uint16_t *)at, &half, (uint16_t)value, false,
					    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
		return half;
	default:
		__atomic_compare_exchange_n((uint8_t *)at, &byte, (uint8_t)value, false,
					    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
		return byte;
	}
}

bool pw_compare_swap(struct pw_vcpu *cpu, pw_va va, unsigned bytes, uint64_t expected,
		     uint64_t value, uint64_t *old_ret)
{
	void *at = begin_atomic(cpu, va, bytes);

	if (!at)
		return false;
	*old_ret = swap(at, bytes, expected, value);
	pw_cpu_end(cpu);
	return true;
}
