/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memblock_alloc.h: memory before there is a page allocator: find a place, reserve it, return it.
 * Included by memblock.h, whose context, units and nodes are these functions' too.
 *
 * All look for size free bytes at a multiple of align (a power of two; 0 means SMP_CACHE_BYTES)
 * within [start, end) or [min_addr, max_addr), top down unless memblock.bottom_up. The bytes lie in
 * one memory region: they never span two whose flags differ. Page 0 is never returned.
 *
 * Of all functions here, unless they say otherwise:
 * Context: boot, as those of memblock.h.
 * Bound: linear in all regions; what is zeroed besides.
 * Return: the address; 0 or NULL, and nothing has changed: there is no such place, or no room to
 * list the reservation, or the size is 0, align is no power of two, nid is no node, or memory has
 * been handed over.
 */
#ifndef QUARRY_MEMBLOCK_ALLOC_H
#define QUARRY_MEMBLOCK_ALLOC_H

#include <quarry/cdefs.h>
#include <quarry/memblock.h>

MM_BEGIN_DECLS

/*
 * Values of end and max_addr: no limit; below memblock.current_limit; and the same once more, for
 * Linux's callers whose memory no leak detector is to follow: there is none here.
 */
#define MEMBLOCK_ALLOC_ANYWHERE	   PHYS_ADDR_MAX
#define MEMBLOCK_ALLOC_ACCESSIBLE  ((phys_addr_t)0)
#define MEMBLOCK_ALLOC_NOLEAKTRACE ((phys_addr_t)1)

/* Where an allocation may begin unless the caller says so. */
#define MEMBLOCK_LOW_LIMIT ((phys_addr_t)0)

/* Where memblock_alloc_low() ends: what 32 address lines reach. */
#ifndef ARCH_LOW_ADDRESS_LIMIT
#define ARCH_LOW_ADDRESS_LIMIT ((phys_addr_t)1 << 32)
#endif

/* The alignment that 0 stands for. */
#define SMP_CACHE_BYTES 64

/*
 * The physical forms keep to the range they are given, also where it is above
 * memblock.current_limit. memblock_find_in_range() only looks.
 */
phys_addr_t memblock_find_in_range(phys_addr_t start, phys_addr_t end, phys_addr_t size,
				   phys_addr_t align);
phys_addr_t memblock_phys_alloc_range(phys_addr_t size, phys_addr_t align, phys_addr_t start,
				      phys_addr_t end);
phys_addr_t memblock_phys_alloc_try_nid(phys_addr_t size, phys_addr_t align, int nid);

static inline phys_addr_t memblock_phys_alloc(phys_addr_t size, phys_addr_t align)
{
	return memblock_phys_alloc_range(size, align, 0, MEMBLOCK_ALLOC_ACCESSIBLE);
}

/*
 * The virtual forms never go above memblock.current_limit, whatever max_addr is, and fall back to
 * memory below min_addr when there is none above it (a preference, as in Linux). All but the _raw
 * ones zero the memory.
 */
void *memblock_alloc_try_nid(phys_addr_t size, phys_addr_t align, phys_addr_t min_addr,
			     phys_addr_t max_addr, int nid);
void *memblock_alloc_try_nid_raw(phys_addr_t size, phys_addr_t align, phys_addr_t min_addr,
				 phys_addr_t max_addr, int nid);

static inline void *memblock_alloc(phys_addr_t size, phys_addr_t align)
{
	return memblock_alloc_try_nid(size, align, MEMBLOCK_LOW_LIMIT, MEMBLOCK_ALLOC_ACCESSIBLE,
				      NUMA_NO_NODE);
}

static inline void *memblock_alloc_raw(phys_addr_t size, phys_addr_t align)
{
	return memblock_alloc_try_nid_raw(size, align, MEMBLOCK_LOW_LIMIT,
					  MEMBLOCK_ALLOC_ACCESSIBLE, NUMA_NO_NODE);
}

static inline void *memblock_alloc_from(phys_addr_t size, phys_addr_t align, phys_addr_t min_addr)
{
	return memblock_alloc_try_nid(size, align, min_addr, MEMBLOCK_ALLOC_ACCESSIBLE,
				      NUMA_NO_NODE);
}

/* Below ARCH_LOW_ADDRESS_LIMIT. */
static inline void *memblock_alloc_low(phys_addr_t size, phys_addr_t align)
{
	return memblock_alloc_try_nid(size, align, MEMBLOCK_LOW_LIMIT, ARCH_LOW_ADDRESS_LIMIT,
				      NUMA_NO_NODE);
}

static inline void *memblock_alloc_node(phys_addr_t size, phys_addr_t align, int nid)
{
	return memblock_alloc_try_nid(size, align, MEMBLOCK_LOW_LIMIT, MEMBLOCK_ALLOC_ACCESSIBLE,
				      nid);
}

/* The direction, and the limit of MEMBLOCK_ALLOC_ACCESSIBLE. Bound: 4. */
static inline void memblock_set_bottom_up(bool enable)
{
	memblock.bottom_up = enable;
}

static inline bool memblock_bottom_up(void)
{
	return memblock.bottom_up;
}

static inline void memblock_set_current_limit(phys_addr_t limit)
{
	memblock.current_limit = limit;
}

static inline phys_addr_t memblock_get_current_limit(void)
{
	return memblock.current_limit;
}

MM_END_DECLS

#endif
