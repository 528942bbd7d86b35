/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memory_hotplug.h: memory that comes and goes at run time, in blocks of 4 MiB (Linux:
 * linux/memory_hotplug.h).
 *
 * Where it may come is named at boot, so that its descriptors exist. A block is absent, offline
 * (there, but nobody's) or online (the page allocator's):
 *
 *   absent -- add_memory() --> offline -- online_pages() --> online
 *          <- remove_memory() --       <- offline_pages() --
 *
 * To memblock a block is memory, and reserved unless it is online.
 */
#ifndef QUARRY_MEMORY_HOTPLUG_H
#define QUARRY_MEMORY_HOTPLUG_H

#include <quarry/cdefs.h>
#include <quarry/page.h>
#include <quarry/types.h>

MM_BEGIN_DECLS

#define MM_HOTPLUG_RANGES    8
#define MM_MEMORY_BLOCK_SIZE ((phys_addr_t)PAGE_SIZE << MAX_PAGE_ORDER) /* bytes */

enum memory_block_state {
	MEM_UNKNOWN, /* no range has it */
	MEM_ABSENT,
	MEM_OFFLINE,
	MEM_ONLINE,
	MEM_CHANGING, /* another CPU brings it online, or takes it away */
};

/*
 * hotplug_declare() - name a range. It is memory that memblock does not have, whose blocks are
 * absent; or memory that it has and of which nothing is reserved or no-map, whose blocks are online,
 * and which no boot allocation lies in from then on.
 *
 * Context: boot, after memblock is filled and before mm_init().
 * Bound:   linear in memblock's regions and the blocks.
 * Return:  0; -EINVAL base or size is no multiple of MM_MEMORY_BLOCK_SIZE, or is 0, or the range
 *          wraps; -EEXIST a part of it is memory, or reserved, or no-map; -ENOSPC
 *          MM_HOTPLUG_RANGES are named; -ENOMEM no room in memblock. Nothing has changed then.
 */
int hotplug_declare(phys_addr_t base, phys_addr_t size);

/*
 * hotplug_init_ranges() - the blocks' descriptors are written, and the allocator has what is online.
 * A range for which there is no room in a table is logged, and stays reserved.
 *
 * Context: boot, after memblock_free_all(), before other CPUs are online; once.
 * Bound:   500 a block, and one free of each that is online.
 * Return:  how many ranges there are.
 */
unsigned int hotplug_init_ranges(void);

/*
 * add_memory() - the memory is there now. remove_memory() - it is about to go. Both only remember:
 * whoever calls them switches the memory itself.
 *
 * Context: any.
 * Bound:   100, and 10 a block; interrupts are masked.
 * Return:  0; -EINVAL no whole blocks of one range; add_memory(): -EEXIST one is there already;
 *          remove_memory(): -EBUSY one is not offline. Nothing has changed then.
 * Source:  Linux mm/memory_hotplug.c.
 */
int add_memory(phys_addr_t start, phys_addr_t size);
int remove_memory(phys_addr_t start, phys_addr_t size);

/*
 * online_pages() - give blocks that are offline to the page allocator. offline_pages() - take blocks
 * that are online from it: what is free comes, what is movable moves elsewhere. Watermarks follow,
 * unless somebody has set min_free_kbytes. No mark keeps the last pages from going offline.
 *
 * Context: thread, as alloc_pages(GFP_KERNEL); online_pages() any.
 * Bound:   linear in memblock's regions; online_pages(): one free of the largest order a block;
 *          offline_pages(): alloc_contig_range() of them, and 500 a block.
 * Return:  0; -EINVAL no whole blocks of one range, or one is not offline (or was given up by
 *          memblock_free_late()), not online; -ENOMEM no room in memblock for a region that comes
 *          apart: nothing has changed. offline_pages(): -EBUSY a page is in use that cannot move, or
 *          is bad: the state is as before, but for the places of movable pages.
 * Source:  Linux mm/memory_hotplug.c.
 */
int online_pages(pfn_t pfn, unsigned long nr_pages);
int offline_pages(pfn_t pfn, unsigned long nr_pages);

struct hotplug_info {
	phys_addr_t base;
	unsigned long blocks, absent, offline, online;
};

/*
 * hotplug_get_info() - range n, and how many of its blocks are in which state; in none if it stayed
 * reserved.
 *
 * Context: any.
 * Bound:   100, and 10 a block.
 * Return:  false: there is none.
 */
bool hotplug_get_info(unsigned int n, struct hotplug_info *info);

/*
 * memory_block_state() - of the block that has this address.
 *
 * Context: any.
 * Bound:   100.
 * Return:  MEM_UNKNOWN: no range has it.
 */
enum memory_block_state memory_block_state(phys_addr_t addr);

MM_END_DECLS

#endif
