/* SPDX-License-Identifier: BSD-2-Clause */
/* kalloc.c, after: the kernel's pages are Quarry's. */
#include <quarry/memblock.h>
#include <quarry/mm.h>

struct mm_pcpu cpus[HARTS];

void kinit(void)
{
	struct mm_config config = {.boot_pcpu = &cpus[0], .nr_cpus = HARTS};

	memblock_add(0x80000000, RAM_END - 0x80000000);
	memblock_reserve(0x80000000, (uintptr_t)end - 0x80000000);
	if (mm_init(&config))
		panic("kinit");
	memblock_free_all();
	kinit_hart(0);
}

void kinit_hart(unsigned int hart)
{
	if (hart) /* mm_init() did it for the first */
		boot_pageset_init(&cpus[hart], hart);
	if (setup_per_cpu_pageset(&cpus[hart], hart))
		panic("kinit_hart");
}

void *kalloc(void)
{
	return (void *)__get_free_page(GFP_ATOMIC);
}

void kfree(void *page)
{
	free_page((unsigned long)page);
}

void kick_received(void)
{
	cpus[hart_id()].irq_depth++;
	mm_ipi();
	cpus[hart_id()].irq_depth--;
}

void port_kick(unsigned int cpu)
{
	kick(cpu);
}
void port_log(const char *fmt, ...)
{
	(void)fmt;
}
void port_panic(const char *fmt, ...)
{
	panic(fmt);
	for (;;)
		;
}
