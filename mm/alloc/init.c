/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * init.c: the allocator put together: zones over memblock, and for each CPU its caches over both.
 */
#include <quarry/errno.h>
#include "alloc_internal.h"

#if QUARRY_INSTANCES > 1
unsigned int mm_instance(void)
{
	return this_instance();
}
#endif

int mm_init(const struct mm_config *config)
{
	struct mm_pcpu *cpu = config->boot_pcpu;
	int error;

	if (!cpu || cpu != port_pcpu() || !instance_exists(cpu))
		return report_no_pcpu();
	error = zones_init(config->dma32_limit ? config->dma32_limit : (phys_addr_t)1 << 32);
	if (error)
		return error;
	mm.pcp_high = PCP_HIGH_ALL;
	mm.nr_cpus = config->nr_cpus ? config->nr_cpus : 1;
	if (cpu->cache != cpu->pcp[0] || cpu->trust)
		boot_pageset_init(cpu, 0);
	mm_cpu_online(cpu);
	return 0;
}

int setup_per_cpu_pageset(struct mm_pcpu *area, unsigned int cpu)
{
	struct page **slots = NULL;
	unsigned long flags, have;
	size_t need;
	int error = 0;

	if (cpu >= CONFIG_NR_CPUS || area != port_pcpu() || !instance_exists(area) ||
	    area->cpu != cpu)
		return -EINVAL;
	have = pcp_give_slots(area, NULL, 0);
	need = have * MIGRATE_PCPTYPES * sizeof(*slots);
	if (have == PCP_HAVE_SLOTS) {
		if (area->online)
			return -EEXIST;
	} else if (have) { /* else there is too little memory for caches to be worth it */
		slots = alloc_pages_exact(need, GFP_KERNEL);
		if (!slots)
			error = -ENOMEM;
	}
	flags = port_irq_save(); /* until other CPUs see it nothing may come to its caches */
	if (slots) {
		count_events(&mm.pcp_bytes, ALIGN_UP(need, PAGE_SIZE));
		pcp_give_slots(area, slots, have);
	}
	mm_cpu_online(area);
	/* A CPU that sets a limit from now on sees this one, and has it take that over. */
	if (!FOR_SPEED || !slots || READ_ONCE(mm.pcp_high) != PCP_HIGH_ALL)
		pcp_sync_limits();
	port_irq_restore(flags);
	return error;
}
