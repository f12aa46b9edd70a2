/* SPDX-License-Identifier: MIT */
/*
 * One stack for each thread of a scenario, all on one processor. A switch saves the registers that a call
 * must keep, and takes ten nanoseconds. Every run starts its threads on stacks as they were: what a frame
 * holds that nobody wrote is the same in each run of a schedule.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "lab/race/race.h"

enum { STACK = 256 << 10 };

static unsigned char
	*stacks; /* RACE_THREADS of STACK bytes; the lowest page of each is not mapped */

bool race_on_stack(uintptr_t at)
{
	return at - (uintptr_t)stacks < (size_t)RACE_THREADS * STACK;
}

static void make_stacks(void)
{
	void *memory;

	if (stacks)
		return;
	memory = mmap(NULL, (size_t)RACE_THREADS * STACK, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory == MAP_FAILED) {
		perror("pagewalk-lab: no memory for the stacks of the threads");
		exit(3);
	}
	stacks = memory;
	for (unsigned i = 0; i < RACE_THREADS; i++)
		mprotect(stacks + (size_t)i * STACK, 4096, PROT_NONE);
}

static void *stack_end(unsigned thread)
{
	return stacks + (size_t)(thread + 1) * STACK;
}

#if defined(__x86_64__) || defined(__aarch64__) || defined(__s390x__) || \
	(defined(__riscv) && __riscv_xlen == 64)

/* Saves the registers on the stack, stores the stack pointer in *@save, and goes on at @to. */
void race_fiber_swap(void **save, void *to);
/* The first instruction of a fiber: calls the function that lies above its saved registers. */
void race_fiber_begin(void);

#if defined(__x86_64__)
/* System V: rbx, rbp, r12 to r15 are kept. The frame: six registers, the return address, the function. */
enum { FRAME_WORDS = 9, FRAME_RETURN = 6, FRAME_MAIN = 7 };
__asm__(".text\n"
	".globl race_fiber_swap\n"
	".type race_fiber_swap, @function\n"
	"race_fiber_swap:\n"
	"	pushq %rbp\n	pushq %rbx\n	pushq %r12\n	pushq %r13\n	pushq %r14\n	pushq %r15\n"
	"	movq %rsp, (%rdi)\n"
	"	movq %rsi, %rsp\n"
	"	popq %r15\n	popq %r14\n	popq %r13\n	popq %r12\n	popq %rbx\n	popq %rbp\n"
	"	ret\n"
	".size race_fiber_swap, . - race_fiber_swap\n"
	".globl race_fiber_begin\n"
	".type race_fiber_begin, @function\n"
	"race_fiber_begin:\n"
	"	popq %rax\n"
	"	call *%rax\n"
	"	ud2\n"
	".size race_fiber_begin, . - race_fiber_begin\n");
#elif defined(__aarch64__)
/* AAPCS64: x19 to x30 and d8 to d15 are kept. The function comes in x19, the start in x30. */
enum { FRAME_WORDS = 20, FRAME_RETURN = 11, FRAME_MAIN = 0 };
__asm__(".text\n"
	".globl race_fiber_swap\n"
	".type race_fiber_swap, %function\n"
	"race_fiber_swap:\n"
	"	sub sp, sp, #160\n"
	"	stp x19, x20, [sp]\n	stp x21, x22, [sp, #16]\n	stp x23, x24, [sp, #32]\n"
	"	stp x25, x26, [sp, #48]\n	stp x27, x28, [sp, #64]\n	stp x29, x30, [sp, #80]\n"
	"	stp d8, d9, [sp, #96]\n	stp d10, d11, [sp, #112]\n"
	"	stp d12, d13, [sp, #128]\n	stp d14, d15, [sp, #144]\n"
	"	mov x9, sp\n"
	"	str x9, [x0]\n"
	"	mov sp, x1\n"
	"	ldp x19, x20, [sp]\n	ldp x21, x22, [sp, #16]\n	ldp x23, x24, [sp, #32]\n"
	"	ldp x25, x26, [sp, #48]\n	ldp x27, x28, [sp, #64]\n	ldp x29, x30, [sp, #80]\n"
	"	ldp d8, d9, [sp, #96]\n	ldp d10, d11, [sp, #112]\n"
	"	ldp d12, d13, [sp, #128]\n	ldp d14, d15, [sp, #144]\n"
	"	add sp, sp, #160\n"
	"	ret\n"
	".globl race_fiber_begin\n"
	".type race_fiber_begin, %function\n"
	"race_fiber_begin:\n"
	"	blr x19\n"
	"	brk #0\n");
#elif defined(__s390x__)
/* ELF ABI: r6 to r15 and f8 to f15 are kept. The function comes in r7, the start in r14. */
enum { FRAME_WORDS = 18 + 20, FRAME_RETURN = 8, FRAME_MAIN = 1 };
__asm__(".text\n"
	".globl race_fiber_swap\n"
	".type race_fiber_swap, @function\n"
	"race_fiber_swap:\n"
	"	aghi %r15, -144\n"
	"	stmg %r6, %r14, 0(%r15)\n"
	"	std %f8, 72(%r15)\n	std %f9, 80(%r15)\n	std %f10, 88(%r15)\n	std %f11, 96(%r15)\n"
	"	std %f12, 104(%r15)\n	std %f13, 112(%r15)\n	std %f14, 120(%r15)\n"
	"	std %f15, 128(%r15)\n"
	"	stg %r15, 0(%r2)\n"
	"	lgr %r15, %r3\n"
	"	lmg %r6, %r14, 0(%r15)\n"
	"	ld %f8, 72(%r15)\n	ld %f9, 80(%r15)\n	ld %f10, 88(%r15)\n	ld %f11, 96(%r15)\n"
	"	ld %f12, 104(%r15)\n	ld %f13, 112(%r15)\n	ld %f14, 120(%r15)\n	ld %f15, 128(%r15)\n"
	"	aghi %r15, 144\n"
	"	br %r14\n"
	".globl race_fiber_begin\n"
	".type race_fiber_begin, @function\n"
	"race_fiber_begin:\n"
	"	basr %r14, %r7\n"
	"	j .+2\n");
#else
/* RISC-V calling convention: s0 to s11 and fs0 to fs11 are kept. The function comes in s0, the start in ra. */
enum { FRAME_WORDS = 26, FRAME_RETURN = 12, FRAME_MAIN = 0 };
__asm__(".text\n"
	".globl race_fiber_swap\n"
	".type race_fiber_swap, @function\n"
	"race_fiber_swap:\n"
	"	addi sp, sp, -208\n"
	"	sd s0, 0(sp)\n	sd s1, 8(sp)\n	sd s2, 16(sp)\n	sd s3, 24(sp)\n	sd s4, 32(sp)\n"
	"	sd s5, 40(sp)\n	sd s6, 48(sp)\n	sd s7, 56(sp)\n	sd s8, 64(sp)\n	sd s9, 72(sp)\n"
	"	sd s10, 80(sp)\n	sd s11, 88(sp)\n	sd ra, 96(sp)\n"
	"	fsd fs0, 104(sp)\n	fsd fs1, 112(sp)\n	fsd fs2, 120(sp)\n	fsd fs3, 128(sp)\n"
	"	fsd fs4, 136(sp)\n	fsd fs5, 144(sp)\n	fsd fs6, 152(sp)\n	fsd fs7, 160(sp)\n"
	"	fsd fs8, 168(sp)\n	fsd fs9, 176(sp)\n	fsd fs10, 184(sp)\n	fsd fs11, 192(sp)\n"
	"	sd sp, 0(a0)\n"
	"	mv sp, a1\n"
	"	ld s0, 0(sp)\n	ld s1, 8(sp)\n	ld s2, 16(sp)\n	ld s3, 24(sp)\n	ld s4, 32(sp)\n"
	"	ld s5, 40(sp)\n	ld s6, 48(sp)\n	ld s7, 56(sp)\n	ld s8, 64(sp)\n	ld s9, 72(sp)\n"
	"	ld s10, 80(sp)\n	ld s11, 88(sp)\n	ld ra, 96(sp)\n"
	"	fld fs0, 104(sp)\n	fld fs1, 112(sp)\n	fld fs2, 120(sp)\n	fld fs3, 128(sp)\n"
	"	fld fs4, 136(sp)\n	fld fs5, 144(sp)\n	fld fs6, 152(sp)\n	fld fs7, 160(sp)\n"
	"	fld fs8, 168(sp)\n	fld fs9, 176(sp)\n	fld fs10, 184(sp)\n	fld fs11, 192(sp)\n"
	"	addi sp, sp, 208\n"
	"	ret\n"
	".globl race_fiber_begin\n"
	".type race_fiber_begin, @function\n"
	"race_fiber_begin:\n"
	"	jalr s0\n"
	"	ebreak\n");
#endif

/* Where each fiber goes on; the search's is the last. */
static void *saved[RACE_THREADS + 1];

void race_fiber_start(unsigned thread, void (*start)(void))
{
	/* Above the frame there is room for what the ABI wants a caller to leave; the end is aligned to 16. */
	uintptr_t *frame;

	make_stacks();
	frame = (uintptr_t *)stack_end(thread) - 32 - (FRAME_WORDS + FRAME_WORDS % 2);
	for (unsigned i = 0; i < FRAME_WORDS; i++)
		frame[i] = 0;
	frame[FRAME_RETURN] = (uintptr_t)race_fiber_begin;
	frame[FRAME_MAIN] = (uintptr_t)start;
	saved[thread] = frame;
}

void race_fiber_switch(int from, int to)
{
	race_fiber_swap(&saved[from < 0 ? RACE_THREADS : from], saved[to < 0 ? RACE_THREADS : to]);
}

#else /* any other processor: slower, by a system call for each switch */

#include <ucontext.h>

static ucontext_t saved[RACE_THREADS + 1];

void race_fiber_start(unsigned thread, void (*start)(void))
{
	make_stacks();
	getcontext(&saved[thread]);
	saved[thread].uc_stack.ss_sp = (unsigned char *)stack_end(thread) - STACK + 4096;
	saved[thread].uc_stack.ss_size = STACK - 4096;
	saved[thread].uc_link = NULL;
	makecontext(&saved[thread], start, 0);
}

void race_fiber_switch(int from, int to)
{
	swapcontext(&saved[from < 0 ? RACE_THREADS : from], &saved[to < 0 ? RACE_THREADS : to]);
}

#endif
