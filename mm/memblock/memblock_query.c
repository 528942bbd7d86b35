/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memblock_query.c: questions about the map, the report and the checker of the arrays' invariants.
 */
#include <quarry/errno.h>
#include "memblock_internal.h"
#include <quarry/port.h>

/* ---- sums and bounds ---- */

phys_addr_t memblock_phys_mem_size(void)
{
	return memblock.memory.total_size;
}

phys_addr_t memblock_reserved_size(void)
{
	return memblock.reserved.total_size;
}

phys_addr_t memblock_start_of_DRAM(void)
{
	return memblock.memory.cnt ? memblock.memory.regions[0].base : 0;
}

phys_addr_t memblock_end_of_DRAM(void)
{
	unsigned long cnt = memblock.memory.cnt;

	return cnt ? region_end(&memblock.memory.regions[cnt - 1]) : 0;
}

/* ---- membership ---- */

/* The region that holds addr, or NULL. */
/*@
  requires type_is_valid(type);
  assigns  \nothing;
  ensures  \result == \null ==> \forall integer i; !holds(type, i, addr);
  ensures  \result != \null ==> \exists integer i; holds(type, i, addr) && \result == type->regions + i;
*/
static const struct memblock_region *region_at(const struct memblock_type *type, phys_addr_t addr)
{
	unsigned long i = memblock_search(type, addr);

	return i < type->cnt && type->regions[i].base <= addr ? &type->regions[i] : NULL;
}

/*@
  requires type_is_valid(&memblock.memory);
  assigns  \nothing;
  ensures  \result <==> \exists integer i; holds(&memblock.memory, i, addr);
*/
bool memblock_is_memory(phys_addr_t addr)
{
	return region_at(&memblock.memory, addr) != NULL;
}

/*@
  requires type_is_valid(&memblock.memory);
  assigns  \nothing;
  ensures  \result <==> \exists integer i; holds(&memblock.memory, i, addr) &&
             !(memblock.memory.regions[i].flags & MEMBLOCK_NOMAP);
*/
bool memblock_is_map_memory(phys_addr_t addr)
{
	const struct memblock_region *r = region_at(&memblock.memory, addr);

	return r && !(r->flags & MEMBLOCK_NOMAP);
}

/*@
  requires type_is_valid(&memblock.reserved);
  assigns  \nothing;
  ensures  \result <==> \exists integer i; holds(&memblock.reserved, i, addr);
*/
bool memblock_is_reserved(phys_addr_t addr)
{
	return region_at(&memblock.reserved, addr) != NULL;
}

bool memblock_is_region_memory(phys_addr_t base, phys_addr_t size)
{
	const struct memblock_region *r = region_at(&memblock.memory, base);

	return r && region_end(r) - base >= memblock_cap_size(base, size);
}

bool memblock_overlaps_region(const struct memblock_type *type, phys_addr_t base, phys_addr_t size)
{
	unsigned long i = memblock_search(type, base);

	size = memblock_cap_size(base, size);
	return i < type->cnt &&
	       memblock_addrs_overlap(base, size, type->regions[i].base, type->regions[i].size);
}

bool memblock_is_region_reserved(phys_addr_t base, phys_addr_t size)
{
	return memblock_overlaps_region(&memblock.reserved, base, size);
}

/* ---- what may be released late ---- */

/*
 * Is every byte of the frames [start, end) reserved, or memory that is mapped? Each frame must lie
 * in one region: as for memblock_free_all(), a frame is memory if a region holds all of it.
 */
static bool covers(const struct memblock_type *type, pfn_t start, pfn_t end)
{
	for (unsigned long i = memblock_search(type, PFN_PHYS(start)); start < end; i++) {
		const struct memblock_region *r = &type->regions[i];

		if (i == type->cnt || PFN_UP(r->base) > start || PFN_DOWN(region_end(r)) <= start)
			return false;
		if (type == &memblock.memory && memblock_is_nomap(r))
			return false;
		start = PFN_DOWN(region_end(r));
	}
	return true;
}

int memblock_check_late(pfn_t start, pfn_t end)
{
	const struct memblock_region own[3] = {
		memblock_handed_over,
		memblock_array(&memblock.memory),
		memblock_array(&memblock.reserved),
	};

	if (!covers(&memblock.memory, start, end))
		return -EFAULT;
	if (!covers(&memblock.reserved, start, end))
		return -EPERM;
	for (int i = 0; i < 3; i++)
		if (memblock_addrs_overlap(PFN_PHYS(start), PFN_PHYS(end - start), own[i].base,
					   own[i].size))
			return -EPERM;
	return 0;
}

/* ---- report and check ---- */

static void dump(const struct memblock_type *type)
{
	port_log(" %s.cnt = %lu, max = %lu", type->name, type->cnt, type->max);
	for (unsigned long i = 0; i < type->cnt; i++) {
		const struct memblock_region *r = &type->regions[i];

		port_log(" %s[0x%lx] [0x%016llx-0x%016llx), 0x%llx bytes flags: 0x%x", type->name,
			 i, (unsigned long long)r->base, (unsigned long long)region_end(r),
			 (unsigned long long)r->size, (unsigned int)r->flags);
	}
}

void memblock_dump_all(void)
{
	port_log("MEMBLOCK configuration:");
	port_log(" memory size = 0x%llx reserved size = 0x%llx",
		 (unsigned long long)memblock.memory.total_size,
		 (unsigned long long)memblock.reserved.total_size);
	dump(&memblock.memory);
	dump(&memblock.reserved);
}

static const char *check(const struct memblock_type *type)
{
	phys_addr_t sum = 0;

	if (type->cnt > type->max)
		return "memblock: more regions than the array holds";
	for (unsigned long i = 0; i < type->cnt; i++) {
		const struct memblock_region *r = &type->regions[i];

		if (r->size == 0)
			return "memblock: an empty region";
		if (r->size > PHYS_ADDR_MAX - r->base)
			return "memblock: a region past the top of the address space";
		sum += r->size;
		if (i == 0)
			continue;
		if (region_end(r - 1) > r->base)
			return "memblock: regions out of order or overlapping";
		if (region_end(r - 1) == r->base && r[-1].flags == r->flags)
			return "memblock: neighbours not merged";
	}
	return sum == type->total_size ? NULL : "memblock: total_size is not the sum of the sizes";
}

/* Every byte of it, in however many regions. */
static bool array_is_safe(const struct memblock_type *type)
{
	struct memblock_region array = memblock_array(type);
	phys_addr_t at = array.base;

	for (unsigned long i = memblock_search(&memblock.memory, at);
	     i < memblock.memory.cnt && at < region_end(&array); i++) {
		const struct memblock_region *r = &memblock.memory.regions[i];

		if (r->base > at || memblock_is_nomap(r))
			return false;
		at = region_end(r);
	}
	if (at < region_end(&array))
		return false;
	return !array.size || (type->max * sizeof(*type->regions) <= array.size &&
			       region_at(&memblock.reserved, array.base) ==
				       region_at(&memblock.reserved, region_end(&array) - 1) &&
			       memblock_is_reserved(array.base));
}

const char *memblock_check(void)
{
	const char *wrong = check(&memblock.memory);

	if (!wrong)
		wrong = check(&memblock.reserved);
	if (!wrong && !(array_is_safe(&memblock.memory) && array_is_safe(&memblock.reserved)))
		wrong = "memblock: an array is not in mapped memory, or not reserved";
	return wrong;
}
