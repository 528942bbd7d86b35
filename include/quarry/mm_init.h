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

#include <quarry/cdefs.h>
#include <quarry/pcp.h>
#include <quarry/port.h>
#include <quarry/types.h>

MM_BEGIN_DECLS

struct mm_config {
	phys_addr_t
		dma32_limit; /* first address beyond ZONE_DMA32; 0 = 4 GiB; rounded down to 4 MiB */
	struct mm_pcpu *boot_pcpu; /* the boot CPU's area, what port_pcpu() returns on it */
	unsigned int nr_cpus;	   /* CPUs that will have caches; 0 = 1 */
};

/*
 * mm_init() - build descriptors, zones and zonelists from memblock; the metadata comes from
 * memblock, top down. The boot CPU gets a boot pageset: caches that hold nothing, so that
 * allocation works before setup_per_cpu_pageset(). Next is memblock_free_all() (memblock.h).
 *
 * Context: boot, once (again only in tests); pinned; no other CPU in mm/.
 * Bound:   10000 together with memblock_free_all(), whatever the size of RAM; linear in memblock's
 *          regions.
 * Return:  0; -EINVAL boot_pcpu is not what port_pcpu() returns, or memblock holds no whole page of
 *          memory or more than 16 TiB; -ENOMEM no room for the metadata. Nothing is set up then.
 * Source:  Linux mm_core_init().
 */
int mm_init(const struct mm_config *config) MM_LINK_NAME(mm_init);

/*
 * setup_per_cpu_pageset() - bring this CPU online and give it its page caches, whose arrays are
 * pages; a CPU that was offline gets back those it has. area is what port_pcpu() returns here, cpu
 * its number.
 *
 * Context: boot or thread; pinned. The first call of mm/ on a CPU, and after mm_cpu_offline().
 * Bound:   4000, whatever the size of RAM; back from mm_cpu_offline() 2000.
 * Return:  0; -EINVAL the area is not port_pcpu()'s, or the number not the area's or out of range;
 *          -EEXIST it is online with its caches: nothing has changed then. -ENOMEM: it is online,
 *          its caches hold nothing, and each call goes to the buddy.
 * Source:  Linux mm/page_alloc.c.
 */
int setup_per_cpu_pageset(struct mm_pcpu *area, unsigned int cpu);

/*
 * boot_pageset_init() - make area that of a CPU with this number, with the boot pageset. mm_init()
 * does it for a boot CPU (number 0) whose port has not.
 *
 * Context: boot or thread, on that CPU or before it runs; pinned; the area is not online.
 * Bound:   linear in the area's bytes.
 * Source:  Linux mm/page_alloc.c, boot_pageset.
 */
void boot_pageset_init(struct mm_pcpu *area, unsigned int cpu);

/*
 * mm_ipi() - serve other CPUs' requests to give back cached blocks: what port_kick() makes a CPU
 * call. A CPU that cannot be kicked calls it now and then. In an interrupt (irq_depth) it serves a
 * piece, and the CPU that waits kicks again for the next; else all, interrupts let in between pieces.
 * A port without kicks that calls it in a tick does so before it raises irq_depth.
 *
 * Context: any.
 * Bound:   in an interrupt 3000 for each allocator, and where limits have changed linear in what this CPU has cached since;
 *          else linear in what it has cached.
 */
void mm_ipi(void);

/*
 * mm_cpu_idle() - give back all this CPU has cached: before it goes idle for long.
 *
 * Context: thread; pinned.
 * Bound:   a drain_some_pages() for each 12 pages or 2 blocks that this CPU has cached, interrupts let in
 *          between; then with interrupts masked what they have left, and mm_ipi().
 */
void mm_cpu_idle(void);

/*
 * mm_cpu_offline() - give back all this CPU has cached and take no more requests of other CPUs.
 * From now on its calls go to the buddy; setup_per_cpu_pageset() brings it back.
 *
 * Context: thread; pinned.
 * Bound:   linear in what this CPU has cached; interrupts are masked.
 * Source:  Linux page_alloc_cpu_dead().
 */
void mm_cpu_offline(void);

/*
 * mm_cpu_stopped() - a fault has stopped this CPU for good: no other CPU waits for it from now on,
 * and it calls mm/ no more. `masked`: its interrupts were masked when it stopped, so it may have
 * been inside mm/: what its caches hold stays there, as it is. Else they give back all.
 *
 * Context: any; interrupts masked.
 * Bound:   linear in what its caches hold; after -EDEADLK some million looks at the lock.
 * Return:  pages that stay in its caches; -EDEADLK: it holds a lock of mm/, or stands in line for
 *          one, so that other CPUs will wait for ever.
 * Source:  Linux page_alloc_cpu_dead(), which another CPU runs.
 */
long mm_cpu_stopped(bool masked);

MM_END_DECLS

#endif
