/* SPDX-License-Identifier: BSD-2-Clause */
/* main.c: four threads allocate, write, look and free, and lose the CPU at any moment. */
#include <quarry/memblock.h>
#include <quarry/mm.h>

#include "../common/clint.h"
#include "../common/print.h"

#define WORKERS 4
#define ROUNDS	200000
#define KEPT	32

struct mm_pcpu cpu0;
static unsigned int finished, deferred, wrong;

void port_log(const char *fmt, ...) /* without a formatter: the format says what it is about */
{
	put_text(fmt);
	put_char('\n');
}

void port_panic(const char *fmt, ...)
{
	port_log(fmt);
	leave(1);
	__builtin_unreachable();
}

void port_kick(unsigned int cpu) /* there is no other */
{
	(void)cpu;
}

void trap(unsigned long cause)
{
	if (cause != CAUSE_TIMER)
		port_panic("trap");
	deferred += !!preempt_off;
	sched_tick();
}

static void work(unsigned int number)
{
	unsigned int *kept[KEPT] = {0}, seed = number;

	for (unsigned int i = 0; i < ROUNDS; i++) {
		unsigned int **slot = &kept[(seed = seed * 1664525 + 1013904223) >> 27];

		if (*slot) {
			wrong += **slot != number;
			wrong += !!free_page((unsigned long)*slot);
			*slot = 0;
			continue;
		}
		*slot = (unsigned int *)__get_free_page(GFP_KERNEL);
		if (*slot)
			**slot = number;
	}
	for (unsigned int i = 0; i < KEPT; i++)
		free_page((unsigned long)kept[i]);
	preempt_disable();
	finished++;
	preempt_enable();
}

void main(unsigned long hart)
{
	struct mm_config config = {.boot_pcpu = &cpu0};

	while (hart)
		__asm__ volatile("wfi");
	memblock_add(0x80000000, 128 << 20);
	memblock_reserve(0x80000000, 4 << 20);
	if (mm_init(&config))
		port_panic("no allocator");
	memblock_free_all();
	setup_per_cpu_pageset(&cpu0, 0);
	for (unsigned int i = 0; i < WORKERS; i++) /* stacks are pages */
		thread_create(work, (char *)__get_free_pages(GFP_KERNEL, 2) + 4 * PAGE_SIZE);
	clint_timer(0, 0);
	interrupts_on(MIE_TIMER);
	while (*(volatile unsigned int *)&finished < WORKERS)
		thread_yield();
	put_text("rtos: 4 threads finished, wrong: ");
	put_number(wrong);
	put_text(deferred ? "; switches waited for the allocator\n"
			  : "; no switch waited for the allocator\n");
	leave(wrong || !deferred);
}
