/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memblock_iter.h: loops over memblock's map. Included by memblock.h, whose context, units and
 * nodes are these loops' too. The map must not change while one runs, and `continue` and `break` do
 * what they do in any loop.
 *
 * Of all functions here, unless they say otherwise:
 * Context: boot, as those of memblock.h; any once the map no longer changes.
 * Bound: a loop is linear in all regions; a step that finds nothing is its last.
 * Return: what is found in *idx and the out pointers.
 */
#ifndef QUARRY_MEMBLOCK_ITER_H
#define QUARRY_MEMBLOCK_ITER_H

#include <quarry/cdefs.h>
#include <quarry/memblock.h>

MM_BEGIN_DECLS

/*
 * Step *idx (start at 0, end at UINT64_MAX; the _rev form the other way round) to the next part of
 * type_a that lies outside type_b (NULL: nothing is excluded). Regions of memblock.memory
 * marked NOMAP are passed over unless flags has MEMBLOCK_NOMAP. The out pointers may be NULL.
 */
void memblock_next_range(uint64_t *idx, int nid, enum memblock_flags flags,
			 const struct memblock_type *type_a, const struct memblock_type *type_b,
			 phys_addr_t *out_start, phys_addr_t *out_end, int *out_nid);
void memblock_next_range_rev(uint64_t *idx, int nid, enum memblock_flags flags,
			     const struct memblock_type *type_a, const struct memblock_type *type_b,
			     phys_addr_t *out_start, phys_addr_t *out_end, int *out_nid);

/*
 * Step *idx (start at -1, end at -1) to the next memory region of whole frames, NOMAP or not. nid
 * may also be MAX_NUMNODES, which here means any node, as in Linux. The out pointers may be NULL.
 */
void memblock_next_mem_pfn_range(int *idx, int nid, pfn_t *out_start, pfn_t *out_end, int *out_nid);

/* The loops over ranges; uint64_t i. */
#define for_each_range_of(next, first, i, nid, flags, a, b, p_start, p_end, p_nid)          \
	for (i = first, next(&i, nid, flags, a, b, p_start, p_end, p_nid); i != UINT64_MAX; \
	     next(&i, nid, flags, a, b, p_start, p_end, p_nid))

/*
 * phys_addr_t *p_start, *p_end: every mapped memory range, reserved or not; the same from the top.
 */
#define for_each_mem_range(i, p_start, p_end)                                     \
	for_each_range_of(memblock_next_range, 0, i, NUMA_NO_NODE, MEMBLOCK_NONE, \
			  &memblock.memory, NULL, p_start, p_end, NULL)

#define for_each_mem_range_rev(i, p_start, p_end)                                              \
	for_each_range_of(memblock_next_range_rev, UINT64_MAX, i, NUMA_NO_NODE, MEMBLOCK_NONE, \
			  &memblock.memory, NULL, p_start, p_end, NULL)

/* Every reservation, be it memory or not. */
#define for_each_reserved_mem_range(i, p_start, p_end)                            \
	for_each_range_of(memblock_next_range, 0, i, NUMA_NO_NODE, MEMBLOCK_NONE, \
			  &memblock.reserved, NULL, p_start, p_end, NULL)

/* int *p_nid: every range of memory that is not reserved; the same from the top. */
#define for_each_free_mem_range(i, nid, flags, p_start, p_end, p_nid)              \
	for_each_range_of(memblock_next_range, 0, i, nid, flags, &memblock.memory, \
			  &memblock.reserved, p_start, p_end, p_nid)

#define for_each_free_mem_range_reverse(i, nid, flags, p_start, p_end, p_nid)                   \
	for_each_range_of(memblock_next_range_rev, UINT64_MAX, i, nid, flags, &memblock.memory, \
			  &memblock.reserved, p_start, p_end, p_nid)

/* int i; pfn_t *p_start, *p_end: the whole frames of every memory region, NOMAP included. */
#define for_each_mem_pfn_range(i, nid, p_start, p_end, p_nid)                             \
	for (i = -1, memblock_next_mem_pfn_range(&i, nid, p_start, p_end, p_nid); i >= 0; \
	     memblock_next_mem_pfn_range(&i, nid, p_start, p_end, p_nid))

/* struct memblock_region *region: every region as it stands in the array. */
#define for_each_mem_region(region)            \
	for (region = memblock.memory.regions; \
	     region < memblock.memory.regions + memblock.memory.cnt; region++)

#define for_each_reserved_mem_region(region)     \
	for (region = memblock.reserved.regions; \
	     region < memblock.reserved.regions + memblock.reserved.cnt; region++)

MM_END_DECLS

#endif
