/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * init.c: the allocator put together: zones over memblock, and for each CPU its caches over both.
 */
#include <errno.h>
#include "alloc_internal.h"

int mm_init(const struct mm_config *config)
{
	struct mm_pcpu *cpu = config->boot_pcpu;
	int error;

	if (!cpu || cpu != port_pcpu())
		return report_no_pcpu();
	error = zones_init(config->dma32_limit ? config->dma32_limit : (phys_addr_t)1 << 32);
	if (error)
		return error;
	mm.pcp_high = UINT32_MAX;
	mm.nr_cpus = config->nr_cpus ? config->nr_cpus : 1;
	if (cpu->cache != cpu->pcp[0] || cpu->trust)
		boot_pageset_init(cpu, 0);
	mm_cpu_online(cpu);
	return 0;
}

int setup_per_cpu_pageset(struct mm_pcpu *area, unsigned int cpu)
{
	unsigned long flags, need;
	struct page **slots;
	int error = 0;

	if (cpu >= CONFIG_NR_CPUS || area != port_pcpu() || area->cpu != cpu)
		return -EINVAL;
	need = pcp_give_slots(area, NULL, PCP_HAVE_SLOTS - 1);
	if (need == PCP_HAVE_SLOTS) {
		if (area->online)
			return -EEXIST;
		need = 0; /* back from mm_cpu_offline(), with its own */
	}
	if (need) { /* else there is too little memory for caches to be worth it */
		slots = alloc_pages_exact(need * sizeof(*slots), GFP_KERNEL | __GFP_ZERO);
		error = -ENOMEM;
		if (slots) {
			error = 0;
			__atomic_fetch_add(&mm.pcp_bytes,
					   ALIGN_UP(need * sizeof(*slots), PAGE_SIZE),
					   __ATOMIC_RELAXED);
			flags = port_irq_save();
			pcp_give_slots(area, slots, need);
			port_irq_restore(flags);
		}
	}
	mm_cpu_online(area); /* other CPUs see its caches from now on, with their slots */
	pcp_sync_limits();
	return error;
}
