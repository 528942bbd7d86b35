/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memblock_questions.c: what memblock says of its map, against the model.
 */
#include "test/fuzz/memblock_check.h"

static bool all_cells(struct cells range, int set, int clear)
{
	for (unsigned int c = range.from; c < range.to; c++)
		if ((model.cell[c] & set) != set || model.cell[c] & clear)
			return false;
	return true;
}

static bool any_cell(struct cells range, int bits)
{
	for (unsigned int c = range.from; c < range.to; c++)
		if (model.cell[c] & bits)
			return true;
	return false;
}

/* An empty range overlaps the region that it lies inside of. */
static bool overlaps(struct cells range, int bits)
{
	int here = model.cell[range.from] & bits;

	if (range.from == range.to)
		return here & (MEMORY | RESERVED) && range.from &&
		       here == (model.cell[range.from - 1] & bits);
	return any_cell(range, bits & (MEMORY | RESERVED));
}

/* The ranges an iterator gives are those of cells with these bits; `split`: by memory's flags. */
static void check_ranges(int set, int clear, bool split, uint64_t first, bool reverse,
			 const struct memblock_type *b, enum memblock_flags flags,
			 const struct memblock_type *a)
{
	unsigned int c = reverse ? CELLS : 0;
	phys_addr_t start, end;
	uint64_t i = first;
	int nid = 7;

	for (;;) {
		(reverse ? memblock_next_range_rev : memblock_next_range)(&i, NUMA_NO_NODE, flags,
									  a, b, &start, &end, &nid);
		if (i == UINT64_MAX)
			break;
		MUST(start < end && nid == 0);
		struct cells range = cells_of(start, end - start);

		/* Between the last one and this one nothing qualifies; this one does as a whole. */
		struct cells between =
			reverse ? (struct cells){range.to, c} : (struct cells){c, range.from};
		MUST(between.from <= between.to);
		for (unsigned int k = between.from; k < between.to; k++)
			MUST((model.cell[k] & set) != set || model.cell[k] & clear);
		MUST(all_cells(range, set, clear));
		if (split)
			MUST(all_cells(range, model.cell[range.from] & MEMORY_BITS, 0) &&
			     !any_cell(range, ~model.cell[range.from] & MEMORY_BITS));
		c = reverse ? range.from : range.to;
	}
	for (unsigned int k = reverse ? 0 : c; k < (reverse ? c : CELLS); k++)
		MUST((model.cell[k] & set) != set || model.cell[k] & clear);
}

void check_questions(phys_addr_t base, phys_addr_t size)
{
	struct cells range = cells_of(base, size);
	int cell = model.cell[range.from];
	static struct regions regions;
	pfn_t first, last;
	unsigned int n = 0;
	int i, nid;

	MUST(memblock_is_memory(base) == !!(cell & MEMORY));
	MUST(memblock_is_map_memory(base) == ((cell & (MEMORY | NOMAP)) == MEMORY));
	MUST(memblock_is_reserved(base) == !!(cell & RESERVED));
	MUST(memblock_is_region_reserved(base, size) == overlaps(range, RESERVED));
	MUST(memblock_overlaps_region(&memblock.memory, base, size) ==
	     overlaps(range, MEMORY_BITS));
	MUST(memblock_is_region_memory(base, size) ==
	     (cell & MEMORY && all_cells(range, cell & MEMORY_BITS, 0) &&
	      !any_cell(range, ~cell & MEMORY_BITS)));
	check_ranges(MEMORY, NOMAP, true, 0, false, NULL, MEMBLOCK_NONE, &memblock.memory);
	check_ranges(MEMORY, NOMAP, true, UINT64_MAX, true, NULL, MEMBLOCK_NONE, &memblock.memory);
	check_ranges(MEMORY, NOMAP | RESERVED, true, 0, false, &memblock.reserved, MEMBLOCK_NONE,
		     &memblock.memory);
	check_ranges(MEMORY, RESERVED, true, UINT64_MAX, true, &memblock.reserved, MEMBLOCK_NOMAP,
		     &memblock.memory);
	check_ranges(RESERVED, 0, false, 0, false, NULL, MEMBLOCK_NONE, &memblock.reserved);

	model_regions(&model, MEMORY_BITS, &regions);
	MUST(memblock_start_of_DRAM() == (regions.cnt ? regions.region[0].base : 0));
	for_each_mem_pfn_range(i, MAX_NUMNODES, &first, &last, &nid)
	{
		const struct memblock_region *r = &regions.region[n++];

		while (ALIGN_UP(r->base, PAGE_SIZE) < r->base ||
		       ALIGN_UP(r->base, PAGE_SIZE) >= ALIGN_DOWN(r->base + r->size, PAGE_SIZE))
			r = &regions.region[n++]; /* no whole page in it */
		MUST(n <= regions.cnt && nid == 0);
		MUST(PFN_PHYS(first) == ALIGN_UP(r->base, PAGE_SIZE));
		MUST(PFN_PHYS(last) == ALIGN_DOWN(r->base + r->size, PAGE_SIZE));
	}
	for (; n < regions.cnt; n++)
		MUST(ALIGN_UP(regions.region[n].base, PAGE_SIZE) < regions.region[n].base ||
		     ALIGN_UP(regions.region[n].base, PAGE_SIZE) >=
			     ALIGN_DOWN(regions.region[n].base + regions.region[n].size,
					PAGE_SIZE));
}
