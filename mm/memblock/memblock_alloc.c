/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memblock_alloc.c: walking free memory, finding a place in it, and allocating.
 *
 * Free memory is what lies in `memory` (NOMAP left out) and in the gaps of `reserved`. An
 * iterator's position is two array indices packed in one word: memory region in the low half, gap
 * in the high half, where gap b lies between reserved regions b - 1 and b.
 */

#include "memblock_internal.h"
#include <quarry/port.h>

#define IDX(a, b) ((uint64_t)(b) << 32 | (uint32_t)(a))

static void report(phys_addr_t start, phys_addr_t end, phys_addr_t *out_start, phys_addr_t *out_end,
		   int *out_nid)
{
	if (out_start)
		*out_start = start;
	if (out_end)
		*out_end = end;
	if (out_nid)
		*out_nid = 0;
}

static bool skip(const struct memblock_type *type, const struct memblock_region *r, int nid,
		 enum memblock_flags flags)
{
	if (nid != 0 && nid != NUMA_NO_NODE)
		return true;
	return type == &memblock.memory && (r->flags & MEMBLOCK_NOMAP) && !(flags & MEMBLOCK_NOMAP);
}

static phys_addr_t gap_start(const struct memblock_type *type, unsigned long b)
{
	return type && b > 0 ? region_end(&type->regions[b - 1]) : 0;
}

static phys_addr_t gap_end(const struct memblock_type *type, unsigned long b)
{
	return type && b < type->cnt ? type->regions[b].base : PHYS_ADDR_MAX;
}

void memblock_next_range(uint64_t *idx, int nid, enum memblock_flags flags,
			 const struct memblock_type *type_a, const struct memblock_type *type_b,
			 phys_addr_t *out_start, phys_addr_t *out_end, int *out_nid)
{
	unsigned long a = (uint32_t)*idx, b = (unsigned long)(*idx >> 32);
	unsigned long last_gap = type_b ? type_b->cnt : 0;

	for (; a < type_a->cnt; a++) {
		const struct memblock_region *r = &type_a->regions[a];

		if (skip(type_a, r, nid, flags))
			continue;
		while (b < last_gap && gap_end(type_b, b) <= r->base)
			b++;
		for (; b <= last_gap && gap_start(type_b, b) < region_end(r); b++) {
			phys_addr_t start = gap_start(type_b, b), end = gap_end(type_b, b);

			start = start > r->base ? start : r->base;
			if (end >= region_end(r)) {
				end = region_end(r);
				*idx = IDX(a + 1, b);
			} else {
				*idx = IDX(a, b + 1);
			}
			if (start < end) {
				report(start, end, out_start, out_end, out_nid);
				return;
			}
		}
	}
	*idx = UINT64_MAX;
}

void memblock_next_range_rev(uint64_t *idx, int nid, enum memblock_flags flags,
			     const struct memblock_type *type_a, const struct memblock_type *type_b,
			     phys_addr_t *out_start, phys_addr_t *out_end, int *out_nid)
{
	/* Here a counts the regions that are left: the current one is a - 1. */
	unsigned long a = (uint32_t)*idx, b = (unsigned long)(*idx >> 32);

	if (*idx == UINT64_MAX) {
		a = type_a->cnt;
		b = type_b ? type_b->cnt : 0;
	}
	for (; a > 0; a--) {
		const struct memblock_region *r = &type_a->regions[a - 1];

		if (skip(type_a, r, nid, flags))
			continue;
		for (;; b--) {
			phys_addr_t start = gap_start(type_b, b), end = gap_end(type_b, b);

			if (end <= r->base)
				break;
			end = end < region_end(r) ? end : region_end(r);
			if (start <= r->base) {
				start = r->base;
				*idx = IDX(a - 1, b);
			} else {
				*idx = IDX(a, b - 1);
			}
			if (start < end) {
				report(start, end, out_start, out_end, out_nid);
				return;
			}
			if (b == 0)
				break;
		}
	}
	*idx = UINT64_MAX;
}

void memblock_next_mem_pfn_range(int *idx, int nid, pfn_t *out_start, pfn_t *out_end, int *out_nid)
{
	const struct memblock_type *type = &memblock.memory;

	if (nid == MAX_NUMNODES) /* Linux's word for any node in this iterator */
		nid = NUMA_NO_NODE;
	while ((unsigned long)++*idx < type->cnt) {
		const struct memblock_region *r = &type->regions[*idx];
		pfn_t start = memblock_region_memory_base_pfn(r);
		pfn_t end = memblock_region_memory_end_pfn(r);

		if (start >= end || skip(type, r, nid, MEMBLOCK_NOMAP))
			continue;
		if (out_start)
			*out_start = start;
		if (out_end)
			*out_end = end;
		if (out_nid)
			*out_nid = 0;
		return;
	}
	*idx = -1;
}

void memblock_for_free_frames(void (*take)(void *context, pfn_t start, pfn_t end), void *context)
{
	const struct memblock_region *region = memblock.memory.regions;
	const struct memblock_region *reserved = memblock.reserved.regions;
	/* take() changes neither array. */
	const struct memblock_region *const memory_end = region + memblock.memory.cnt;
	const struct memblock_region *const last = reserved + memblock.reserved.cnt;
	pfn_t start = 0, end = 0; /* found, not passed on yet: what touches it may come */

	for (; region < memory_end; region++) {
		phys_addr_t at = region->base, stop = region_end(region);

		/* The last reserved region that is looked at may go on in the next one of memory. */
		for (; at < stop && !memblock_is_nomap(region); reserved++) {
			bool more = reserved < last && reserved->base < stop;
			pfn_t from = PFN_UP(at), to = PFN_DOWN(more ? reserved->base : stop);

			from = from ? from : 1;
			if (from < to && from != end) {
				if (start < end)
					take(context, start, end);
				start = from;
			}
			end = from < to ? to : end;
			if (!more || region_end(reserved) >= stop)
				break;
			at = region_end(reserved) > at ? region_end(reserved) : at;
		}
	}
	if (start < end)
		take(context, start, end);
}

/* ---- finding ---- */

phys_addr_t memblock_find_top_down(phys_addr_t start, phys_addr_t end, phys_addr_t size,
				   phys_addr_t align)
{
	phys_addr_t this_start, this_end;
	uint64_t i;

	if (memblock_handed_over.size)
		return 0;
	start = start > PAGE_SIZE ? start : PAGE_SIZE;
	for_each_free_mem_range_reverse(i, NUMA_NO_NODE, MEMBLOCK_NONE, &this_start, &this_end,
					NULL)
	{
		phys_addr_t at;

		this_start = this_start > start ? this_start : start;
		this_end = this_end < end ? this_end : end;
		if (this_end < this_start || this_end - this_start < size)
			continue;
		at = ALIGN_DOWN(this_end - size, align);
		if (at >= this_start)
			return at;
	}
	return 0;
}

static phys_addr_t find_bottom_up(phys_addr_t start, phys_addr_t end, phys_addr_t size,
				  phys_addr_t align)
{
	phys_addr_t this_start, this_end;
	uint64_t i;

	start = start > PAGE_SIZE ? start : PAGE_SIZE;
	for_each_free_mem_range (i, NUMA_NO_NODE, MEMBLOCK_NONE, &this_start, &this_end, NULL) {
		phys_addr_t at;

		this_start = this_start > start ? this_start : start;
		this_end = this_end < end ? this_end : end;
		at = ALIGN_UP(this_start, align);
		/* at wraps to 0 when no multiple of align is left. */
		if (at >= this_start && at < this_end && this_end - at >= size)
			return at;
	}
	return 0;
}

phys_addr_t memblock_find_in_range(phys_addr_t start, phys_addr_t end, phys_addr_t size,
				   phys_addr_t align)
{
	if (align == 0)
		align = SMP_CACHE_BYTES;
	if (size == 0 || (align & (align - 1)) || memblock_handed_over.size)
		return 0;
	if (end == MEMBLOCK_ALLOC_ACCESSIBLE || end == MEMBLOCK_ALLOC_NOLEAKTRACE)
		end = memblock.current_limit;
	return memblock.bottom_up ? find_bottom_up(start, end, size, align)
				  : memblock_find_top_down(start, end, size, align);
}

/* ---- allocating ---- */

phys_addr_t memblock_phys_alloc_range(phys_addr_t size, phys_addr_t align, phys_addr_t start,
				      phys_addr_t end)
{
	phys_addr_t found = memblock_find_in_range(start, end, size, align);

	/* Reserving may have to move the array, and find no place for that. */
	if (found && memblock_reserve(found, size))
		return 0;
	return found;
}

phys_addr_t memblock_phys_alloc_try_nid(phys_addr_t size, phys_addr_t align, int nid)
{
	if (nid != 0 && nid != NUMA_NO_NODE)
		return 0;
	return memblock_phys_alloc_range(size, align, 0, MEMBLOCK_ALLOC_ACCESSIBLE);
}

void *memblock_alloc_try_nid_raw(phys_addr_t size, phys_addr_t align, phys_addr_t min_addr,
				 phys_addr_t max_addr, int nid)
{
	phys_addr_t found;

	if (nid != 0 && nid != NUMA_NO_NODE)
		return NULL;
	if (max_addr > memblock.current_limit)
		max_addr = memblock.current_limit;
	found = memblock_phys_alloc_range(size, align, min_addr, max_addr);
	if (!found && min_addr)
		found = memblock_phys_alloc_range(size, align, MEMBLOCK_LOW_LIMIT, max_addr);
	return found ? phys_to_virt(found) : NULL;
}

void *memblock_alloc_try_nid(phys_addr_t size, phys_addr_t align, phys_addr_t min_addr,
			     phys_addr_t max_addr, int nid)
{
	void *ptr = memblock_alloc_try_nid_raw(size, align, min_addr, max_addr, nid);

	return ptr ? memset(ptr, 0, (size_t)size) : NULL;
}
