/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memblock_query.c: questions about the map, cutting memory down to size, the report and the
 * checker of the arrays' invariants.
 */
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
static const struct memblock_region *region_at(const struct memblock_type *type, phys_addr_t addr)
{
	unsigned long i = memblock_search(type, addr);

	return i < type->cnt && type->regions[i].base <= addr ? &type->regions[i] : NULL;
}

bool memblock_is_memory(phys_addr_t addr)
{
	return region_at(&memblock.memory, addr);
}

bool memblock_is_map_memory(phys_addr_t addr)
{
	const struct memblock_region *r = region_at(&memblock.memory, addr);

	return r && !(r->flags & MEMBLOCK_NOMAP);
}

bool memblock_is_reserved(phys_addr_t addr)
{
	return region_at(&memblock.reserved, addr);
}

bool memblock_is_region_memory(phys_addr_t base, phys_addr_t size)
{
	const struct memblock_region *r = region_at(&memblock.memory, base);

	return r && region_end(r) - base >= memblock_cap_size(base, size);
}

bool memblock_overlaps_region(const struct memblock_type *type, phys_addr_t base, phys_addr_t size)
{
	phys_addr_t end = base + memblock_cap_size(base, size);
	unsigned long i = memblock_search(type, base);

	return base < end && i < type->cnt && type->regions[i].base < end;
}

bool memblock_is_region_reserved(phys_addr_t base, phys_addr_t size)
{
	return memblock_overlaps_region(&memblock.reserved, base, size);
}

/* ---- cutting down ---- */

void memblock_trim_memory(phys_addr_t align)
{
	struct memblock_type *type = &memblock.memory;
	unsigned long to = 0;

	type->total_size = 0;
	for (unsigned long i = 0; i < type->cnt; i++) {
		struct memblock_region r = type->regions[i];
		phys_addr_t start = ALIGN_UP(r.base, align),
			    end = ALIGN_DOWN(region_end(&r), align);

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

void memblock_enforce_memory_limit(phys_addr_t limit)
{
	const struct memblock_region *r;

	if (limit == 0)
		return;
	for_each_mem_region (r) {
		if (limit < r->size) {
			phys_addr_t top = r->base + limit;

			/* Neither splits a region, so neither can fail. */
			(void)memblock_remove(top, PHYS_ADDR_MAX - top);
			(void)memblock_phys_free(top, PHYS_ADDR_MAX - top);
			return;
		}
		limit -= r->size;
	}
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

const char *memblock_check(void)
{
	const char *wrong = check(&memblock.memory);

	return wrong ? wrong : check(&memblock.reserved);
}
