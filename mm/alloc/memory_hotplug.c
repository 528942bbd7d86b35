/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memory_hotplug.c: memory that comes and goes in blocks of a section each.
 *
 *   hotplug_declare()      memory, and a reservation that covers it: mm_init() describes it
 *   hotplug_init_ranges()  each section is opened, one reserved block
 *   online_pages()         the block is released, as memblock_free_late() releases one
 *   offline_pages()        a range (contig.c), whose sections then are reserved blocks again
 *
 * So a block that is not online is like any boot reservation to whatever looks at its pages.
 */
#include <quarry/contig.h>
#include <quarry/errno.h>
#include <quarry/memblock.h>
#include <quarry/memblock_alloc.h>
#include <quarry/memory_hotplug.h>
#include "../free_map.h"
#include "alloc_internal.h"

struct hotplug_range {
	phys_addr_t base;
	unsigned long blocks;
	bool present;	/* at boot */
	bool open;	/* its descriptors say what they are */
	uint8_t *state; /* enum memory_block_state of each block */
};

struct hotplug {
	struct spinlock lock; /* guards the states, and memblock */
	unsigned int count;
	struct hotplug_range range[MM_HOTPLUG_RANGES];
};
#if QUARRY_INSTANCES == 1
static struct hotplug hotplug;
#else
static struct hotplug hotplug_of_instance[QUARRY_INSTANCES];
#define hotplug hotplug_of_instance[mm_instance()]
#endif

void hotplug_forget(void)
{
	memset(&hotplug, 0, sizeof(hotplug));
}

/* ---- named at boot ------------------------------------------------------------------------- */

/* Memory that nobody has reserved, and where the states are kept; nothing has changed if not. */
static int reserve_range(struct hotplug_range *range, phys_addr_t size)
{
	int error = FAULT_POINT() ? -ENOMEM : memblock_reserve(range->base, size);

	if (error)
		return error;
	range->state = FAULT_POINT() ? NULL : memblock_alloc(range->blocks, sizeof(uint64_t));
	if (range->state)
		return 0;
	memblock_phys_free(range->base, size);
	return -ENOMEM;
}

int hotplug_declare(phys_addr_t base, phys_addr_t size)
{
	struct hotplug_range *range = &hotplug.range[hotplug.count];
	int error = 0;

	if (hotplug.count == MM_HOTPLUG_RANGES)
		return -ENOSPC;
	/* frame 0 is never handed out: its block would not come or go as a whole */
	if (!base || !size || (base | size) % MM_MEMORY_BLOCK_SIZE || base + size - 1 < base)
		return -EINVAL;
	*range = (struct hotplug_range){.base = base,
					.blocks = (unsigned long)(size / MM_MEMORY_BLOCK_SIZE)};
	range->present = memblock_is_region_memory(base, size);
	/* of a region that is no-map nothing is ever the allocator's, nor mapped */
	if (memblock_is_region_reserved(base, size) ||
	    (range->present ? !memblock_is_map_memory(base)
			    : memblock_overlaps_region(&memblock.memory, base, size)))
		return -EEXIST;
	if (!range->present)
		error = FAULT_POINT() ? -ENOMEM : memblock_add(base, size);
	if (error)
		return error;
	error = reserve_range(range, size);
	if (error) {
		if (!range->present)
			memblock_remove(base, size);
		return error;
	}
	memset(range->state, range->present ? MEM_ONLINE : MEM_ABSENT, range->blocks);
	hotplug.count++;
	return 0;
}

/* Does mm_init() describe all of it, and has the table of spans room for it? */
static bool can_open(unsigned long index, unsigned long pages, pfn_t last)
{
	if (index == NIL32 || pfn_to_index(last) != index + pages - 1 ||
	    mm.max_spans - mm.nr_spans < MAX_NR_ZONES)
		return false;
	for (unsigned long at = index; at < index + pages; at += SECTION_PAGES)
		if (section_state(at >> SECTION_SHIFT) != SECTION_RESERVED)
			return false;
	return true;
}

unsigned int hotplug_init_ranges(void)
{
	unsigned int count = 0;

	for (struct hotplug_range *range = hotplug.range; range < hotplug.range + hotplug.count;
	     range++) {
		unsigned long pages = range->blocks << SECTION_SHIFT;
		unsigned long index = pfn_to_index(PFN_DOWN(range->base));

		if (!can_open(index, pages, PFN_DOWN(range->base) + pages - 1) ||
		    (range->present &&
		     memblock_phys_free(range->base, (phys_addr_t)pages << PAGE_SHIFT) != 0)) {
			port_log("mem: the range at %#llx stays reserved",
				 (unsigned long long)range->base);
			memset(range->state, MEM_UNKNOWN, range->blocks);
			continue;
		}
		reserved_open(index >> SECTION_SHIFT, (index + pages) >> SECTION_SHIFT);
		range->open = true;
		count++;
		if (!range->present)
			continue;
		reserved_release(index, index + pages);
	}
	if (count)
		init_per_zone_wmark_min();
	return count;
}

/* ---- blocks -------------------------------------------------------------------------------- */

/* The range that has this address; NULL: none. */
static struct hotplug_range *hotplug_range_of(phys_addr_t addr)
{
	for (unsigned int n = 0; n < hotplug.count; n++) {
		struct hotplug_range *range = &hotplug.range[n];

		if (range->open && addr >= range->base &&
		    (addr - range->base) / MM_MEMORY_BLOCK_SIZE < range->blocks)
			return range;
	}
	return NULL;
}

/* Whole blocks of one range. */
struct blocks {
	uint8_t *state; /* of the first */
	unsigned long count;
};

static int find_blocks(struct blocks *blocks, phys_addr_t start, phys_addr_t size)
{
	const struct hotplug_range *range = hotplug_range_of(start);
	unsigned long first;

	if (!range || !size || (start | size) % MM_MEMORY_BLOCK_SIZE)
		return -EINVAL;
	first = (unsigned long)((start - range->base) / MM_MEMORY_BLOCK_SIZE);
	if (size / MM_MEMORY_BLOCK_SIZE > range->blocks - first)
		return -EINVAL;
	blocks->state = range->state + first;
	blocks->count = (unsigned long)(size / MM_MEMORY_BLOCK_SIZE);
	return 0;
}

/* The same of frames, whose number in bytes may wrap. */
static int find_blocks_of(struct blocks *blocks, pfn_t pfn, unsigned long nr_pages)
{
	if (PFN_DOWN(PFN_PHYS(pfn)) != pfn || PFN_DOWN(PFN_PHYS((pfn_t)nr_pages)) != nr_pages)
		return -EINVAL;
	return find_blocks(blocks, PFN_PHYS(pfn), PFN_PHYS((pfn_t)nr_pages));
}

/* From one state to another, if all are in the first. */
static bool set_states(const struct blocks *blocks, enum memory_block_state from,
		       enum memory_block_state to)
{
	unsigned long flags = port_irq_save(), n = 0;

	spin_lock(&hotplug.lock);
	while (n < blocks->count && blocks->state[n] == from)
		n++;
	if (n == blocks->count)
		memset(blocks->state, (int)to, blocks->count);
	spin_unlock(&hotplug.lock);
	port_irq_restore(flags);
	return n == blocks->count;
}

int add_memory(phys_addr_t start, phys_addr_t size)
{
	struct blocks blocks;

	if (find_blocks(&blocks, start, size) != 0)
		return -EINVAL;
	return set_states(&blocks, MEM_ABSENT, MEM_OFFLINE) ? 0 : -EEXIST;
}

int remove_memory(phys_addr_t start, phys_addr_t size)
{
	struct blocks blocks;

	if (find_blocks(&blocks, start, size) != 0)
		return -EINVAL;
	return set_states(&blocks, MEM_OFFLINE, MEM_ABSENT) ? 0 : -EBUSY;
}

/* What memblock is to remember: pages are free now, or reserved. Nobody else tells it after boot. */
static int tell_memblock(int (*fn)(phys_addr_t base, phys_addr_t size), pfn_t pfn,
			 unsigned long nr_pages)
{
	unsigned long flags = port_irq_save();
	int error;

	spin_lock(&hotplug.lock);
	error = FAULT_POINT() ? -ENOMEM : fn(PFN_PHYS(pfn), (phys_addr_t)nr_pages << PAGE_SHIFT);
	spin_unlock(&hotplug.lock);
	port_irq_restore(flags);
	return error;
}

/* Is each section one reserved block? Not if memblock_free_late() was told to release some of it. */
static bool are_reserved(unsigned long index, unsigned long end)
{
	while (index < end && trusted(index) &&
	       READ_ONCE(mm.memmap[index].word) == PAGE_RESERVED_WORD(MAX_PAGE_ORDER))
		index += SECTION_PAGES;
	return index >= end;
}

int online_pages(pfn_t pfn, unsigned long nr_pages)
{
	unsigned long index = pfn_to_index(pfn);
	struct blocks blocks;
	int error;

	if (find_blocks_of(&blocks, pfn, nr_pages) != 0 ||
	    !set_states(&blocks, MEM_OFFLINE, MEM_CHANGING))
		return -EINVAL;
	error = are_reserved(index, index + nr_pages)
			? tell_memblock(memblock_phys_free, pfn, nr_pages)
			: -EINVAL;
	if (error) {
		set_states(&blocks, MEM_CHANGING, MEM_OFFLINE);
		return error;
	}
	if (RECORDING)
		record_note(MM_RECORD_OTHER, 0, 0, MM_RECORD_HOTPLUG);
	reserved_release(index, index + nr_pages);
	set_states(&blocks, MEM_CHANGING, MEM_ONLINE);
	return init_per_zone_wmark_min();
}

/* A section of a range is a reserved block from now on, which the zone does not manage. */
static void reserve_section(unsigned long index)
{
	struct zone *zone = zone_of(index);
	unsigned long flags = port_irq_save();

	spin_lock(&zone->lock);
	/* a whole section is one block of the range */
	VM_BUG_ON(!trusted(index) || page_state(&mm.memmap[index]) != PAGE_CONTIG ||
		  page_order(&mm.memmap[index]) != MAX_PAGE_ORDER);
	mm.memmap[index].raw = PAGE_RESERVED_WORD(MAX_PAGE_ORDER);
	VM_BUG_ON(zone->managed < SECTION_PAGES);
	zone->managed -= SECTION_PAGES;
	spin_unlock(&zone->lock);
	port_irq_restore(flags);
}

/* Would memblock have room to remember them as reserved? Then they are free again, as they were. */
static int reserve_and_free(phys_addr_t base, phys_addr_t size)
{
	int error = memblock_reserve(base, size);

	return error ? error : memblock_phys_free(base, size);
}

int offline_pages(pfn_t pfn, unsigned long nr_pages)
{
	unsigned long index = pfn_to_index(pfn), end = index + nr_pages;
	struct blocks blocks;
	pfn_t busy;
	int error;

	if (find_blocks_of(&blocks, pfn, nr_pages) != 0 ||
	    !set_states(&blocks, MEM_ONLINE, MEM_CHANGING))
		return -EINVAL;
	/* asked before, and all of it as one range: then a refusal has changed nothing */
	error = tell_memblock(reserve_and_free, pfn, nr_pages);
	if (!error)
		error = contig_try_range(pfn, pfn + nr_pages, MIGRATE_MOVABLE, GFP_KERNEL,
					 CALL_SITE, &busy);
	if (!error) {
		error = tell_memblock(memblock_reserve, pfn, nr_pages);
		if (error) /* other blocks have come or gone meanwhile */
			free_contig_range(pfn, nr_pages);
	}
	if (error) {
		set_states(&blocks, MEM_CHANGING, MEM_ONLINE);
		return error;
	}
	if (RECORDING)
		record_note(MM_RECORD_OTHER, 0, 0, MM_RECORD_HOTPLUG);
	for (; index < end; index += SECTION_PAGES)
		reserve_section(index);
	set_states(&blocks, MEM_CHANGING, MEM_OFFLINE);
	return init_per_zone_wmark_min();
}

/* ---- figures ------------------------------------------------------------------------------- */

bool hotplug_get_info(unsigned int n, struct hotplug_info *info)
{
	const struct hotplug_range *range;

	if (n >= hotplug.count)
		return false;
	range = &hotplug.range[n];
	*info = (struct hotplug_info){.base = range->base, .blocks = range->blocks};
	for (unsigned long block = 0; block < range->blocks; block++) {
		uint8_t state = READ_ONCE(range->state[block]);

		info->absent += state == MEM_ABSENT;
		info->offline += state == MEM_OFFLINE;
		info->online += state == MEM_ONLINE;
	}
	return true;
}

enum memory_block_state memory_block_state(phys_addr_t addr)
{
	const struct hotplug_range *range = hotplug_range_of(addr);

	return range ? (enum memory_block_state)READ_ONCE(
			       range->state[(addr - range->base) / MM_MEMORY_BLOCK_SIZE])
		     : MEM_UNKNOWN;
}
