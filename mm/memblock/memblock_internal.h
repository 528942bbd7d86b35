/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memblock_internal.h: what the files of memblock/ share and no other folder needs.
 *
 * memblock.c and memblock_array.c call each other: a change may need a larger array, and the place
 * of an array is itself a reservation, which memblock.c writes.
 */
#ifndef QUARRY_MEMBLOCK_INTERNAL_H
#define QUARRY_MEMBLOCK_INTERNAL_H

#include <quarry/vm_debug.h>
#include "../compiler.h"
#include "memblock.h"

/*@ // regions that lie in the address space, in order, none over another
  logic integer end_of(struct memblock_type *t, integer i) = t->regions[i].base + t->regions[i].size;
  predicate holds(struct memblock_type *t, integer i, integer addr) =
    0 <= i < t->cnt && t->regions[i].base <= addr < end_of(t, i);
  predicate type_is_valid(struct memblock_type *t) =
    \valid_read(t) && \valid_read(t->regions + (0 .. t->cnt - 1)) &&
    (\forall integer i; 0 <= i < t->cnt ==> end_of(t, i) < 0x10000000000000000) &&
    (\forall integer i, j; 0 <= i < j < t->cnt ==> end_of(t, i) <= t->regions[j].base);
*/

/*@
  requires \valid_read(r);
  requires r->base + r->size < 0x10000000000000000;
  assigns  \nothing;
  ensures  \result == r->base + r->size;
*/
static inline phys_addr_t region_end(const struct memblock_region *r)
{
	return r->base + r->size;
}

/* The size of a region at base that does not pass the top of the address space. */
static inline phys_addr_t memblock_cap_size(phys_addr_t base, phys_addr_t size)
{
	return size < PHYS_ADDR_MAX - base ? size : PHYS_ADDR_MAX - base;
}

#pragma GCC visibility push(hidden)

/* memblock.c */
/* Index of the first region that ends above addr; type->cnt if there is none. */
/*@
  requires type_is_valid(type);
  assigns  \nothing;
  ensures  \result <= type->cnt;
  ensures  \forall integer i; 0 <= i < \result ==> end_of(type, i) <= addr;
  ensures  \forall integer i; \result <= i < type->cnt ==> end_of(type, i) > addr;
*/
unsigned long memblock_search(const struct memblock_type *type, phys_addr_t addr);
/*
 * Remove [base, end) from one array, of memory only what is mapped if `mapped`; what memblock's own
 * arrays occupy stays. 0 or -ENOMEM, and then nothing has changed.
 */
int memblock_cut(struct memblock_type *type, phys_addr_t base, phys_addr_t end, bool mapped);
/* Reserve, or give back, the place of an array; there is room for it. */
void memblock_reserve_array(phys_addr_t base, phys_addr_t size);
void memblock_release_array(phys_addr_t base, phys_addr_t size);

/* memblock_array.c */
/* Where a call lets memblock's arrays be. */
struct array_limits {
	phys_addr_t low, high; /* within these */
	phys_addr_t base, end; /* and outside these */
	phys_addr_t align;     /* in memory that memblock_trim_memory(align) keeps; 1: all memory */
};
#define ARRAYS_ANYWHERE ((struct array_limits){.high = PHYS_ADDR_MAX, .align = 1})

/*
 * Make room in an array for `extra` more regions and, if `leave`, move the arrays that the limits
 * do not let be where they are. 1: arrays have moved; 0: none had to; -ENOMEM: there is no place,
 * and nothing has changed.
 */
int memblock_make_room(struct memblock_type *type, unsigned long extra,
		       const struct array_limits *limits, bool leave);
/*
 * The bytes that an array occupies in the memory that memblock describes; size 0 while it is
 * static.
 */
struct memblock_region memblock_array(const struct memblock_type *type);
/* Does a place that lies in memory keep to the limits? */
bool memblock_array_fits(phys_addr_t base, phys_addr_t size, const struct array_limits *limits);

/* memblock_alloc.c */
/* The highest free, mapped place for size bytes within [start, end), or 0. */
phys_addr_t memblock_find_top_down(phys_addr_t start, phys_addr_t end, phys_addr_t size,
				   phys_addr_t align);

#pragma GCC visibility pop
#endif
