/* SPDX-License-Identifier: MIT */
/*
 * A guest without an operating system, for QEMU's -kernel (Multiboot): it remaps pages as fast as it can, for
 * stamps.c to read meanwhile. At each turn one page is stamped with the number of a slot, then the slot's
 * entry is stored, so that a slot never leads to a page with another stamp:
 *
 *   turn t:   page t % PAGES gets the stamp t % SLOTS;   entry[t % SLOTS] = page
 *
 * There is one page more than slots: the page that a slot led to is stamped anew one turn after the slot got
 * another one. A page comes back to the same slot after SLOTS * PAGES turns, which is seconds: no reader can
 * take it for the page that it saw before.
 */
#include "stamps.h"

#define HEADER __attribute__((section(".multiboot"), used))

static const uint32_t HEADER header[3] = { 0x1badb002, 0, 0u - 0x1badb002 };

static uint32_t top[1024] __attribute__((aligned(4096)));
static uint32_t entries[SLOTS] __attribute__((aligned(4096)));
static uint8_t stack[4096] __attribute__((used));

/* All of memory that is used, 1:1, by pages of 4 MiB (PSE). */
static void map_all(void)
{
	for (uint32_t i = 0; i < 64; i++)
		top[i] = i << 22 | 0x83;
	for (uint32_t i = 0; i < SLOTS / 1024; i++)
		top[(FIRST_VA >> 22) + i] = (uint32_t)(uintptr_t)&entries[1024 * i] | 3;
}

void run(void)
{
	uint32_t slot = 0, page = 0;

	map_all();
	__asm__ volatile("mov %%cr4, %%eax\n or $0x10, %%eax\n mov %%eax, %%cr4\n"
			 "mov %0, %%cr3\n"
			 "mov %%cr0, %%eax\n or $0x80000000, %%eax\n mov %%eax, %%cr0" ::"r"(top)
			 : "eax", "memory");
	for (;;) {
		volatile uint32_t *words = (volatile uint32_t *)(FIRST_PA + page * 4096);

		for (uint32_t i = 0; i < WORDS; i++)
			words[i] = slot;
		((volatile uint32_t *)entries)[slot] = (uint32_t)(uintptr_t)words | 3;
		slot = slot + 1 == SLOTS ? 0 : slot + 1;
		page = page + 1 == PAGES ? 0 : page + 1;
	}
}

__asm__(".globl start\nstart:\n mov $stack + 4096, %esp\n call run\n");
