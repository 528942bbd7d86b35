/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * count.c: what test/bench/targets_table.py counts the instructions of, on each machine: WHAT is PAIRS,
 * CHURN, or the same loops without the calls. Steps and draws are those of test/bench/churn.c.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <quarry/memblock.h>
#include <quarry/mm.h>

#define RAM_SIZE (128UL << 20)
#define SLOTS	 4096

enum what {
	PAIRS,
	NO_PAIRS,
	CHURN,
	NO_CHURN
};

struct mm_pcpu cpu0;
static _Alignas(4 << 20) char memory[RAM_SIZE];
char *ram = memory;

void port_log(const char *fmt, ...)
{
	(void)fmt;
}

void port_panic(const char *fmt, ...)
{
	(void)fmt;
	abort();
}

static __attribute__((noinline)) int pairs(unsigned long count)
{
	int failed = 0;

	for (unsigned long i = 0; i < count; i++) {
		if (WHAT == PAIRS)
			failed |= __free_page(alloc_page(GFP_KERNEL));
		else
			__asm__ volatile("" ::: "memory");
	}
	return failed;
}

static uint64_t random64(void)
{
	static uint64_t state = 0x9e3779b97f4a7c15;

	state ^= state << 13;
	state ^= state >> 7;
	return state ^= state << 17;
}

static unsigned int draw_order(uint64_t random)
{
	unsigned int d = (unsigned int)(random >> 32) % 100;

	return d < 80 ? 0 : d < 90 ? 1 : d < 95 ? 2 : d < 98 ? 3 : d < 99 ? 4 : 9;
}

static __attribute__((noinline)) int churn(unsigned long count)
{
	static struct page *slots[SLOTS];
	static uint8_t orders[SLOTS];
	int failed = 0;

	for (unsigned long i = 0; i < count; i++) {
		uint64_t random = random64();
		unsigned int slot = (unsigned int)random % SLOTS, order = orders[slot];
		struct page *page = slots[slot];

		__asm__("" : "+r"(order));
		if (page) {
			if (WHAT == CHURN)
				failed |= __free_pages(page, order);
			slots[slot] = NULL;
			continue;
		}
		order = draw_order(random);
		__asm__("" : "+r"(order));
		slots[slot] = WHAT == CHURN ? alloc_pages(GFP_KERNEL, order)
					    : (struct page *)(void *)memory;
		failed |= !slots[slot];
		orders[slot] = (uint8_t)order;
	}
	return failed;
}

int main(void)
{
	struct mm_config config = {.boot_pcpu = &cpu0};

	port_set_pcpu(&cpu0);
	if (memblock_add(0, RAM_SIZE) || mm_init(&config) || !memblock_free_all() ||
	    setup_per_cpu_pageset(&cpu0, 0))
		return 1;
	return WHAT == PAIRS || WHAT == NO_PAIRS ? pairs(COUNT) : churn(COUNT);
}
