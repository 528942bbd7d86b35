/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mm_init.h: from memblock to a running allocator, and CPUs that come, rest and go.
 *
 * The order of boot: memblock is filled (memblock.h), mm_init() builds the zones,
 * memblock_free_all() hands over what is free, setup_per_cpu_pageset() gives the CPU its caches;
 * from then on pages come from alloc_pages() and memblock only remembers.
 */
#ifndef QUARRY_MM_INIT_H
#define QUARRY_MM_INIT_H

#include <quarry/pcp.h>
#include <quarry/types.h>

struct mm_config {
	phys_addr_t
		dma32_limit; /* first address beyond ZONE_DMA32; 0 = 4 GiB; rounded down to 4 MiB */
	struct mm_pcpu *boot_pcpu; /* the boot CPU's area, what port_pcpu() returns on it */
	unsigned int nr_cpus;	   /* CPUs that will have caches; 0 = 1 */
};

/*
 * mm_init() - build descriptors, zones and the zonelists from memblock; metadata comes from
 * memblock, top-down. The boot CPU gets a boot pageset: caches that hold nothing, so that
 * allocation works before setup_per_cpu_pageset(). Context: boot, once (again only in tests).
 * Cost: a few thousand instructions together with memblock_free_all(), whatever the size of RAM.
 * Returns 0; -ENOMEM if no room for the metadata was found, -EINVAL if memblock holds no whole
 * page of memory; nothing is set up then.
 *
 * Next is memblock_free_all() (memblock.h), which releases what memblock has free and returns
 * pages.
 */
int mm_init(const struct mm_config *config) MM_LINK_NAME(mm_init);

/*
 * setup_per_cpu_pageset() - bring this CPU online and give it its page caches; their arrays are
 * allocated as pages. area is what port_pcpu() returns here, cpu its number. -ENOMEM: the CPU's
 * caches hold nothing, and every call goes to the buddy. -EINVAL: the number is out of range or not
 * the area's; -EEXIST: it has caches; nothing has changed then. Context: boot or thread, on that CPU.
 */
int setup_per_cpu_pageset(struct mm_pcpu *area, unsigned int cpu);

/*
 * boot_pageset_init() - make area a CPU's, with the boot pageset. Context: on that CPU or before
 * it runs; mm_init() does it for a boot CPU (number 0) whose port has not.
 */
void boot_pageset_init(struct mm_pcpu *area, unsigned int cpu);

/*
 * More CPUs. Each gets an area with boot_pageset_init(), and on itself, before anything else of
 * mm/, calls setup_per_cpu_pageset(). mm_ipi() is what port_kick() makes it call: it serves
 * another CPU's request to give back cached blocks. mm_cpu_idle() gives all back: a CPU calls it
 * before it goes idle for long. mm_cpu_offline() gives all back for good. Context: mm_ipi() any,
 * the others thread. Bound: linear in what is cached.
 */
void mm_ipi(void);
void mm_cpu_idle(void);
void mm_cpu_offline(void);

#endif
