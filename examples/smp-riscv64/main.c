/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * main.c: four harts share the allocator. Each takes pages and hands them to its neighbour, which frees
 * them. Then the first has all give back what their caches hold: it kicks the others, which sleep.
 */
#include <quarry/memblock.h>
#include <quarry/mm.h>

#include "../common/clint.h"
#include "../common/print.h"

#define HARTS  4
#define ROUNDS 20000
#define BOX    64

static struct mm_pcpu cpus[HARTS];
static struct page
	*boxes[HARTS][BOX]; /* of pages for a hart, each put there and taken by an exchange */
static unsigned int started, online, done, kicks;

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

void port_kick(unsigned int cpu)
{
	__atomic_fetch_add(&kicks, 1, __ATOMIC_RELAXED);
	clint_kick(cpu, 1);
}

/* An interrupt: irq_depth says so to the allocator. */
void trap(unsigned long cause)
{
	struct mm_pcpu *cpu = port_pcpu();

	if (cause != CAUSE_SOFTWARE)
		port_panic("trap");
	cpu->irq_depth++;
	clint_kick(cpu->cpu, 0);
	mm_ipi();
	cpu->irq_depth--;
}

static void wait_for(unsigned int *count, unsigned int value)
{
	while (__atomic_load_n(count, __ATOMIC_ACQUIRE) < value)
		;
}

/* Blocks of the largest order that there are: pages that are missing anywhere show here. */
static unsigned int largest_blocks(void)
{
	struct page *blocks[64];
	unsigned int count = 0;

	drain_all_pages();
	while (count < 64 &&
	       (blocks[count] = alloc_pages(GFP_NOWAIT | __GFP_NOWARN, MAX_PAGE_ORDER)))
		count++;
	for (unsigned int i = 0; i < count; i++)
		__free_pages(blocks[i], MAX_PAGE_ORDER);
	return count;
}

static void work(unsigned int hart)
{
	struct page **to = boxes[(hart + 1) % HARTS], **from = boxes[hart];

	for (unsigned int i = 0; i < ROUNDS; i++) {
		struct page *page = alloc_pages(GFP_KERNEL, i % 16 ? 0 : 3), *old;

		if (!page)
			port_panic("no page");
		page->owner = i % 16 ? 0 : 3; /* the owner's word: its order */
		old = __atomic_exchange_n(&to[i % BOX], page, __ATOMIC_ACQ_REL);
		if (old && __free_pages(old, old->owner))
			port_panic("not freed");
		page = __atomic_exchange_n(&from[i % BOX], (struct page *)0, __ATOMIC_ACQ_REL);
		if (page && __free_pages(page, page->owner))
			port_panic("not freed");
	}
}

void main(unsigned long hart)
{
	struct mm_config config = {.boot_pcpu = &cpus[0], .nr_cpus = HARTS};
	unsigned int before = 0, after;

	port_set_pcpu(&cpus[hart]);
	if (hart == 0) {
		memblock_add(0x80000000, 128 << 20);
		memblock_reserve(0x80000000, 4 << 20);
		if (mm_init(&config))
			port_panic("no allocator");
		memblock_free_all();
		__atomic_store_n(&started, 1, __ATOMIC_RELEASE);
	}
	wait_for(&started, 1);
	if (hart) /* mm_init() did it for the first one */
		boot_pageset_init(&cpus[hart], (unsigned int)hart);
	if (setup_per_cpu_pageset(&cpus[hart], (unsigned int)hart))
		port_panic("no caches");
	interrupts_on(MIE_SOFTWARE);
	__atomic_fetch_add(&online, 1, __ATOMIC_ACQ_REL);
	wait_for(&online, HARTS);
	if (hart == 0) {
		before = largest_blocks();
		__atomic_store_n(&started, 2, __ATOMIC_RELEASE);
	}
	wait_for(&started, 2);

	work((unsigned int)hart);
	__atomic_fetch_add(&done, 1, __ATOMIC_ACQ_REL);
	while (hart) /* kicks wake it */
		__asm__ volatile("wfi");
	wait_for(&done, HARTS);
	for (unsigned int i = 0; i < HARTS * BOX; i++) {
		struct page *page = boxes[i / BOX][i % BOX];

		if (page && __free_pages(page, page->owner))
			port_panic("not freed");
	}
	after = largest_blocks();
	put_text("smp-riscv64: blocks of the largest order before and after: ");
	put_number(before);
	put_text(", ");
	put_number(after);
	put_text(kicks ? "; harts were kicked\n" : "; no hart was kicked\n");
	leave(before != after || !kicks);
}
