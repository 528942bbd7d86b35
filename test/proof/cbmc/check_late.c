/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_late.c: what memblock_free_late() may have, by a specification that says so frame by frame: each is in mapped
 * memory and reserved, and none is the allocator's or memblock's own. Three regions of each kind, anywhere in 64 bits.
 */
#include "mm/memblock/memblock.c"
#include "mm/memblock/memblock_query.c"
#include "proof.h"

#define REGIONS 3

struct mm_pcpu *port_area;
static struct memblock_region of_memory[REGIONS], of_reserved[REGIONS], arrays[2];

/* Where memblock's own arrays are, if not outside the memory. */
struct memblock_region memblock_array(const struct memblock_type *type)
{
	return arrays[type == &memblock.reserved];
}

/* A place that lies in the address space; where there is none it is 0. */
static bool is_place(const struct memblock_region *r)
{
	return r->size <= PHYS_ADDR_MAX - r->base && (r->size || !r->base);
}

/* Sorted, disjoint and not empty, as memblock_check() has it. */
static void any_regions(struct memblock_type *type, struct memblock_region *regions)
{
	__CPROVER_havoc_object(regions);
	type->regions = regions;
	ASSUME(type->cnt <= REGIONS && type->max == REGIONS);
	for (unsigned long i = 0; i < REGIONS; i++) {
		const struct memblock_region *r = &regions[i];

		ASSUME(r->size && is_place(r));
		ASSUME(!i || regions[i - 1].base + regions[i - 1].size <= r->base);
	}
}

static void any_map(void)
{
	__CPROVER_havoc_object(&memblock);
	__CPROVER_havoc_object(&memblock_handed_over);
	__CPROVER_havoc_object(arrays);
	any_regions(&memblock.memory, of_memory);
	any_regions(&memblock.reserved, of_reserved);
	ASSUME(is_place(&memblock_handed_over) && is_place(&arrays[0]) && is_place(&arrays[1]));
}

/* One region holds all bytes of the frame. */
static bool frame_is_in(const struct memblock_type *type, pfn_t frame, bool mapped)
{
	phys_addr_t first = (phys_addr_t)frame << PAGE_SHIFT, last = first + (PAGE_SIZE - 1);
	bool found = false;

	for (unsigned long i = 0; i < REGIONS; i++) {
		const struct memblock_region *r = &type->regions[i];

		found |= i < type->cnt && r->base <= first && last - r->base < r->size &&
			 !(mapped && r->flags & MEMBLOCK_NOMAP);
	}
	return found;
}

static bool frame_is_out_of(const struct memblock_region *r, pfn_t frame)
{
	phys_addr_t first = (phys_addr_t)frame << PAGE_SHIFT, last = first + (PAGE_SIZE - 1);

	return !r->size || last < r->base || first >= r->base + r->size;
}

static bool frame_is_nobodys(pfn_t frame)
{
	return frame_is_out_of(&memblock_handed_over, frame) &&
	       frame_is_out_of(&arrays[0], frame) && frame_is_out_of(&arrays[1], frame);
}

/* What is released, however much it is, is mapped, reserved and nobody's. */
void prove_check_late(void)
{
	pfn_t start, end, frame;

	any_map();
	ASSUME(start < end && end <= PFN_DOWN(PHYS_ADDR_MAX));
	ASSUME(start <= frame && frame < end);
	if (!memblock_check_late(start, end)) {
		ASSERT(frame_is_in(&memblock.memory, frame, true));
		ASSERT(frame_is_in(&memblock.reserved, frame, false));
		ASSERT(frame_is_nobodys(frame));
	}
}

/* What is refused is refused for a reason: of up to three frames. */
void prove_check_late_refuses(void)
{
	pfn_t start, end;
	bool mapped = true, reserved = true, nobodys = true;
	int error;

	any_map();
	ASSUME(start < end && end - start <= 3 && end <= PFN_DOWN(PHYS_ADDR_MAX));
	error = memblock_check_late(start, end);
	for (pfn_t i = 0; i < 3; i++) {
		if (i >= end - start)
			continue;
		mapped &= frame_is_in(&memblock.memory, start + i, true);
		reserved &= frame_is_in(&memblock.reserved, start + i, false);
		nobodys &= frame_is_nobodys(start + i);
	}
	ASSERT(error == (!mapped ? -EFAULT : !reserved || !nobodys ? -EPERM : 0));
}

void cover_check_late(void)
{
	pfn_t start, end;
	int error;

	any_map();
	ASSUME(start < end && end <= PFN_DOWN(PHYS_ADDR_MAX));
	error = memblock_check_late(start, end);
	COVER(!error && memblock.memory.cnt == 3 && start << PAGE_SHIFT < of_memory[0].size &&
	      !of_memory[0].base && end << PAGE_SHIFT > of_memory[2].base &&
	      of_reserved[0].flags != of_reserved[1].flags && end - start > 100);
	COVER(error == -EPERM && arrays[0].size && memblock.reserved.cnt == 3);
	COVER(error == -EFAULT && of_memory[1].flags & MEMBLOCK_NOMAP);
}
