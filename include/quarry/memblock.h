/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memblock.h: the map of physical memory before (and beneath) the page allocator.
 *
 * Two sorted arrays of regions: what memory exists, and what of it is reserved. Free memory is
 * `memory` minus `reserved` minus what is marked MEMBLOCK_NOMAP. An array that is full moves to a
 * larger place in free memory, twice as large if there is room and as large as it must be if not;
 * that place is reserved, and stays mapped memory: a call that would take the memory away moves the
 * array first. memblock_alloc.h has the allocations and memblock_iter.h the iterators.
 *
 * Units: bytes; every end is exclusive.
 * Overflow: a region that would pass the top of the address space is cut there, at PHYS_ADDR_MAX
 * (the last byte is never covered, as in Linux), and a size of 0 does nothing and returns 0.
 * Nodes: there is one, number 0. An argument nid is 0 or NUMA_NO_NODE. Any other is no node: adding
 * is -EINVAL, an allocation gets nothing, an iterator finds nothing (Linux falls back to another
 * node).
 *
 * Of all functions here, unless they say otherwise:
 * Context: boot, one CPU, no lock is taken. Those that only read (memblock_is_*, the iterators) may
 * be called at any time and with any lock held once the map no longer changes.
 * Bound: log2(regions) and the regions that lie in the range; a change also moves the regions above
 * the range, so n that are added in ascending order cost n log2(n). None depends on the amount of
 * memory.
 * Return: 0 or a negative errno. -ENOMEM: an array had to move and no free memory could hold it;
 * nothing has changed then, bit for bit.
 * Source: names, fields and semantics are those of Linux's mm/memblock.c of 6.9 and later, where an
 * empty array has cnt 0. What differs is said.
 */
#ifndef QUARRY_MEMBLOCK_H
#define QUARRY_MEMBLOCK_H

#include <quarry/cdefs.h>
#include <quarry/config.h>
#include <quarry/instance.h>
#include <quarry/types.h>

MM_BEGIN_DECLS

#define NUMA_NO_NODE (-1)
#define MAX_NUMNODES 1

/* Bit flags of a region. Regions whose flags differ never merge. */
enum memblock_flags {
	MEMBLOCK_NONE = 0x0,
	MEMBLOCK_HOTPLUG = 0x1, /* may be taken away at run time; used like any other memory */
	MEMBLOCK_NOMAP = 0x4,	/* never mapped, never handed out */
};

struct memblock_region {
	phys_addr_t base;
	phys_addr_t size;
	enum memblock_flags flags;
};

/* regions[0 .. cnt) are sorted by base, never overlap, are never empty, and are merged. */
struct memblock_type {
	unsigned long cnt;	/* regions in use */
	unsigned long max;	/* regions the array can hold */
	phys_addr_t total_size; /* sum of all sizes */
	struct memblock_region *regions;
	const char *name;
	phys_addr_t array_size; /* bytes reserved for regions[]; 0: it is not in this memory */
};

struct memblock {
	bool bottom_up;		   /* allocate from the lowest address up, else top down */
	bool can_resize;	   /* arrays may move: see memblock_allow_resize() */
	phys_addr_t current_limit; /* MEMBLOCK_ALLOC_ACCESSIBLE means below this */
	struct memblock_type memory;
	struct memblock_type reserved;
};

#if QUARRY_INSTANCES == 1
extern struct memblock memblock;
#else
extern struct memblock memblock_of_instance[QUARRY_INSTANCES];
#define memblock memblock_of_instance[mm_instance()]
#endif

/*
 * memblock_init() - forget everything: no regions, static arrays, top down, no limit. The state
 * before boot.
 */
void memblock_init(void);

/*
 * memblock_allow_resize() - let full arrays move. They may from the start; Linux's may not before
 * this call. A caller that wants Linux's order (reserve what must not be overwritten, then allow)
 * sets memblock.can_resize to false first: what needs a larger array is -ENOMEM until this call.
 */
static inline void memblock_allow_resize(void)
{
	memblock.can_resize = true;
}

/* ---- changes ------------------------------------------------------------------------------- */

/*
 * memblock_add() - add [base, base + size) to memory. What is known already keeps its flags; only
 * the gaps are filled. memblock_add_node() also takes flags.
 * Return: as above; -EINVAL if nid is no node.
 */
int memblock_add(phys_addr_t base, phys_addr_t size);
int memblock_add_node(phys_addr_t base, phys_addr_t size, int nid, enum memblock_flags flags);

/* memblock_remove() - remove the range from memory; parts that are not memory are passed over. */
int memblock_remove(phys_addr_t base, phys_addr_t size);

/* memblock_reserve() - reserve the range, be it memory or not. */
int memblock_reserve(phys_addr_t base, phys_addr_t size);

/*
 * memblock_phys_free() - give a reservation back, wholly or in part. What memblock's own arrays
 * occupy stays reserved. memblock_free() does it by the address that an allocation returned; it
 * returns nothing, as in Linux, and logs a failure.
 */
int memblock_phys_free(phys_addr_t base, phys_addr_t size);
void memblock_free(void *ptr, size_t size);

/*
 * Set or clear a flag on the memory within [base, base + size), splitting regions at its ends.
 */
int memblock_mark_nomap(phys_addr_t base, phys_addr_t size);
int memblock_clear_nomap(phys_addr_t base, phys_addr_t size);
int memblock_mark_hotplug(phys_addr_t base, phys_addr_t size);
int memblock_clear_hotplug(phys_addr_t base, phys_addr_t size);

/* ---- cutting down -------------------------------------------------------------------------- */

/*
 * These return nothing. Where memblock's own arrays lie in what goes they move; if what is left has
 * no place for them, the bytes they occupy stay memory and reserved, and a line says so.
 * Bound: linear in all regions.
 */

/*
 * memblock_trim_memory() - round every memory region inward to align, a power of two (else nothing
 * happens, and a line says so); what becomes empty is removed.
 */
void memblock_trim_memory(phys_addr_t align);

/*
 * memblock_enforce_memory_limit() - keep the lowest `limit` bytes of memory, NOMAP included, and
 * drop all memory and all reservations above. Nothing changes if there is less memory, or limit is
 * 0.
 */
void memblock_enforce_memory_limit(phys_addr_t limit);

/*
 * memblock_mem_limit_remove_map() - the same, but NOMAP memory stays above the limit too.
 */
void memblock_mem_limit_remove_map(phys_addr_t limit);

/*
 * memblock_cap_memory_range() - keep [base, base + size): mapped memory and all reservations
 * outside it go, NOMAP memory stays. Nothing changes if size is 0 or there is no memory.
 */
void memblock_cap_memory_range(phys_addr_t base, phys_addr_t size);

/* ---- questions ----------------------------------------------------------------------------- */

/* Sums of all region sizes, NOMAP memory included. Bound: 4. */
phys_addr_t memblock_phys_mem_size(void);
phys_addr_t memblock_reserved_size(void);

/*
 * Lowest address of memory, and the end of the highest region; 0 when there is no memory. Bound:
 * 12.
 */
phys_addr_t memblock_start_of_DRAM(void);
phys_addr_t memblock_end_of_DRAM(void);

/* Does the address lie in memory / in memory that is not NOMAP / in a reservation? */
bool memblock_is_memory(phys_addr_t addr);
bool memblock_is_map_memory(phys_addr_t addr);
bool memblock_is_reserved(phys_addr_t addr);

/*
 * Do the ranges have a byte in common? As in Linux, an empty one has if it lies inside the other
 * and not at its start. The sums must not overflow.
 */
static inline bool memblock_addrs_overlap(phys_addr_t base1, phys_addr_t size1, phys_addr_t base2,
					  phys_addr_t size2)
{
	return base1 < base2 + size2 && base2 < base1 + size1;
}

/*
 * Does one memory region hold all of [base, base + size)? Does any reservation, or any region of
 * the type, overlap it (memblock_addrs_overlap())?
 */
bool memblock_is_region_memory(phys_addr_t base, phys_addr_t size);
bool memblock_is_region_reserved(phys_addr_t base, phys_addr_t size);
bool memblock_overlaps_region(const struct memblock_type *type, phys_addr_t base, phys_addr_t size);

static inline bool memblock_is_nomap(const struct memblock_region *region)
{
	return region->flags & MEMBLOCK_NOMAP;
}

static inline bool memblock_is_hotpluggable(const struct memblock_region *region)
{
	return region->flags & MEMBLOCK_HOTPLUG;
}

/*
 * The frames of a region, the end exclusive: of memory those that lie in it whole (where none does
 * the end is not above the base), of a reservation all that it touches.
 */
static inline pfn_t memblock_region_memory_base_pfn(const struct memblock_region *region)
{
	return PFN_UP(region->base);
}

static inline pfn_t memblock_region_memory_end_pfn(const struct memblock_region *region)
{
	return PFN_DOWN(region->base + region->size);
}

static inline pfn_t memblock_region_reserved_base_pfn(const struct memblock_region *region)
{
	return PFN_DOWN(region->base);
}

static inline pfn_t memblock_region_reserved_end_pfn(const struct memblock_region *region)
{
	return PFN_UP(region->base + region->size);
}

/*
 * memblock_dump_all() - log both arrays, one line a region, end exclusive. Bound: linear in all
 * regions.
 */
void memblock_dump_all(void);

/*
 * memblock_check() - check every invariant of the two arrays: sorted, disjoint, merged, none empty
 * or past the top, cnt within max, total_size the sum, an array that has moved in mapped memory and
 * reserved. Bound: linear in all regions. Return: NULL, or a sentence saying which one is broken.
 */
const char *memblock_check(void);

/* ---- the hand-over to the page allocator (mm/zone/memblock_free.c) --------------------------- */

/*
 * memblock_free_all() - hand all free memory to the page allocator. A page is free if one region of
 * mapped memory holds every byte of it and no reservation touches it; page 0 never is. From then on
 * memblock only remembers: it allocates nothing any more, and an array that would have to move is
 * -ENOMEM.
 * Context: boot, after mm_init(), once. Bound: linear in all regions.
 * Return: pages released; 0, and nothing changes and a line says so, before mm_init() and the
 * second time.
 */
unsigned long memblock_free_all(void);

/*
 * memblock_free_late() - give a boot reservation, or part of it, to the page allocator at run time:
 * the whole pages within [base, base + size). What is left of a page at either end stays reserved.
 * Context: thread, after memblock_free_all(), no other CPU allocating or freeing, no lock held.
 * Bound: log2(regions), the regions and the 4 MiB sections that the range lies in, and one free a
 * block.
 * Return: 0; -EFAULT: a page is not memory whole, or NOMAP, or was not when mm_init() ran; -EPERM:
 * a page is not reserved whole, or is the allocator's own (its metadata, memblock's arrays);
 * -ENOSPC, -ENOMEM: no room in a table; -EINVAL: the range wraps, or nothing was handed over yet.
 * Nothing has changed then.
 */
int memblock_free_late(phys_addr_t base, phys_addr_t size);

#include <quarry/memblock_alloc.h>
#include <quarry/memblock_iter.h>

MM_END_DECLS

#endif
