/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memblock_internal.h: what the files of memblock/ share and no other folder needs.
 *
 * memblock.c and memblock_alloc.c call each other: an array that is full grows into memory that is
 * allocated as any other is, and an allocation is a reservation, which may make an array grow.
 */
#ifndef QUARRY_MEMBLOCK_INTERNAL_H
#define QUARRY_MEMBLOCK_INTERNAL_H

#include "memblock.h"

static inline phys_addr_t region_end(const struct memblock_region *r)
{
	return r->base + r->size;
}

/* The size of a region at base that does not pass the top of the address space. */
static inline phys_addr_t memblock_cap_size(phys_addr_t base, phys_addr_t size)
{
	return size < PHYS_ADDR_MAX - base ? size : PHYS_ADDR_MAX - base;
}

/* Index of the first region that ends above addr; type->cnt if there is none. */
unsigned long memblock_search(const struct memblock_type *type, phys_addr_t addr);

/* The highest free, mapped place for size bytes within [start, end), or 0. */
phys_addr_t memblock_find_top_down(phys_addr_t start, phys_addr_t end, phys_addr_t size,
				   phys_addr_t align);

#endif
