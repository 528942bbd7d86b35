/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memblock_limit.c: cutting memory down to size. Arrays of memblock's own that lie in what goes
 * move first; if what is left has no place for them, the memory beneath them stays, reserved, and
 * that is logged. Apart from that nothing can fail: none of these calls splits a region.
 */
#include "memblock_internal.h"
#include <quarry/port.h>

static unsigned long long ull(phys_addr_t value)
{
	return value;
}

/* What an array occupies outside the limits, as there is no place within; size 0: nothing. */
static struct memblock_region stuck(const struct memblock_type *type,
				    const struct array_limits *limits)
{
	struct memblock_region array = memblock_array(type);

	if (array.size && memblock_array_fits(array.base, array.size, limits))
		array = (struct memblock_region){.size = 0};
	if (array.size)
		port_log("memblock: no place for the array of %s but 0x%llx-0x%llx, which stays",
			 type->name, ull(array.base), ull(region_end(&array)));
	return array;
}

/* True if there are arrays that cannot: those are in array[]. */
static bool move_arrays(const struct array_limits *limits, struct memblock_region array[2])
{
	if (memblock_make_room(&memblock.memory, 0, limits, true) >= 0)
		return false;
	array[0] = stuck(&memblock.memory, limits);
	array[1] = stuck(&memblock.reserved, limits);
	return true;
}

void memblock_trim_memory(phys_addr_t align)
{
	struct memblock_type *type = &memblock.memory;
	struct memblock_region stay[2] = {{.size = 0}};
	struct array_limits limits = ARRAYS_ANYWHERE;
	unsigned long to = 0;

	if (align == 0 || (align & (align - 1))) {
		port_log("memblock: memory cannot be trimmed to 0x%llx: no power of two",
			 ull(align));
		return;
	}
	limits.align = align;
	move_arrays(&limits, stay);
	type->total_size = 0;
	for (unsigned long i = 0; i < type->cnt; i++) {
		struct memblock_region r = type->regions[i];
		phys_addr_t start = ALIGN_UP(r.base, align),
			    end = ALIGN_DOWN(region_end(&r), align);

		if (memblock_addrs_overlap(r.base, r.size, stay[0].base, stay[0].size) ||
		    memblock_addrs_overlap(r.base, r.size, stay[1].base, stay[1].size)) {
			start = r.base;
			end = region_end(&r);
		}
		/* start wraps to 0 when there is no multiple of align above base. */
		if (start < r.base || start >= end)
			continue;
		r.base = start;
		r.size = end - start;
		type->regions[to++] = r;
		type->total_size += r.size;
	}
	type->cnt = to;
}

/*
 * Drop memory outside [base, end), of it only what is mapped if `mapped`, and reservations there.
 */
static void keep(phys_addr_t base, phys_addr_t end, bool mapped)
{
	struct memblock_region stay[2];
	struct array_limits limits = ARRAYS_ANYWHERE;

	limits.low = base;
	limits.high = end;
	move_arrays(&limits, stay);
	/* Around an array that stays there may be a region more than there is room for. */
	if (memblock_cut(&memblock.memory, 0, base, mapped) ||
	    memblock_cut(&memblock.memory, end, PHYS_ADDR_MAX, mapped))
		port_log("memblock: no room to cut memory down to 0x%llx-0x%llx", ull(base),
			 ull(end));
	(void)memblock_cut(&memblock.reserved, 0, base, false);
	(void)memblock_cut(&memblock.reserved, end, PHYS_ADDR_MAX, false);
}

/* The end of the lowest `limit` bytes of memory; PHYS_ADDR_MAX if there is less. */
static phys_addr_t limit_end(phys_addr_t limit)
{
	const struct memblock_region *r;

	for_each_mem_region (r) {
		if (limit <= r->size)
			return r->base + limit;
		limit -= r->size;
	}
	return PHYS_ADDR_MAX;
}

void memblock_enforce_memory_limit(phys_addr_t limit)
{
	if (limit)
		keep(0, limit_end(limit), false);
}

void memblock_cap_memory_range(phys_addr_t base, phys_addr_t size)
{
	if (size && memblock.memory.cnt)
		keep(base, base + memblock_cap_size(base, size), true);
}

void memblock_mem_limit_remove_map(phys_addr_t limit)
{
	phys_addr_t end = limit_end(limit);

	if (limit && end != PHYS_ADDR_MAX)
		keep(0, end, true);
}
