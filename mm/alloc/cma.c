/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cma.c: areas for large contiguous allocations (Linux: mm/cma.c). Their memory is released to the
 * buddy as memblock_free_late() releases it, and its pageblocks become MIGRATE_CMA; what is
 * allocated from an area is a range of it (contig.c).
 */
#include <quarry/cma.h>
#include <quarry/contig.h>
#include <quarry/errno.h>
#include <quarry/memblock.h>
#include <quarry/memblock_alloc.h>
#include "../used_walk.h"
#include "alloc_internal.h"

struct cma {
	const char *name;
	pfn_t base;
	unsigned long count; /* pages; 0 until they are handed over */
	unsigned long size;  /* pages, as it was named */
};

struct areas {
	struct cma area[MAX_CMA_AREAS];
	unsigned int count;
	struct cma *preferred;
};
#if QUARRY_INSTANCES == 1
static struct areas areas;
#else
static struct areas areas_of_instance[QUARRY_INSTANCES];
#define areas areas_of_instance[mm_instance()]
#endif

void cma_forget(void)
{
	memset(&areas, 0, sizeof(areas));
}

/* ---- named at boot ------------------------------------------------------------------------- */

int cma_init_reserved_mem(phys_addr_t base, phys_addr_t size, const char *name, struct cma **res)
{
	struct cma *cma = &areas.area[areas.count];

	if (areas.count == MAX_CMA_AREAS)
		return -ENOSPC;
	if (!size || (base | size) % CMA_MIN_ALIGNMENT_BYTES || base + size < base ||
	    !memblock_is_region_memory(base, size) || !memblock_is_region_reserved(base, size))
		return -EINVAL;
	*cma = (struct cma){
		.name = name, .base = PFN_DOWN(base), .size = (unsigned long)(size >> PAGE_SHIFT)};
	areas.count++;
	if (res)
		*res = cma;
	return 0;
}

int cma_declare_contiguous(phys_addr_t base, phys_addr_t size, phys_addr_t limit,
			   phys_addr_t alignment, bool fixed, const char *name, struct cma **res)
{
	phys_addr_t end = base + size;
	int error;

	if (areas.count == MAX_CMA_AREAS)
		return -ENOSPC;
	if (!size || size % CMA_MIN_ALIGNMENT_BYTES || end < base || alignment & (alignment - 1))
		return -EINVAL;
	if (alignment < CMA_MIN_ALIGNMENT_BYTES)
		alignment = CMA_MIN_ALIGNMENT_BYTES;
	if (!limit)
		limit = MEMBLOCK_ALLOC_ACCESSIBLE;
	if (!fixed) {
		base = memblock_phys_alloc_range(size, alignment, ALIGN_UP(base, alignment), limit);
		if (!base)
			return -ENOMEM;
	} else {
		if (base % alignment || !memblock_is_region_memory(base, size))
			return -EINVAL;
		if (memblock_is_region_reserved(base, size))
			return -ENOMEM;
		error = memblock_reserve(base, size);
		if (error)
			return error;
	}
	return cma_init_reserved_mem(base, size, name, res);
}

/* The pageblocks of memory that has just been released, and of which nobody has taken any. */
static void become_cma(pfn_t base, unsigned long pages)
{
	unsigned long index = pfn_to_index(base), end = index + pages;

	for (; index < end; index += pageblock_nr_pages) {
		struct zone *zone = zone_of(index);
		unsigned long flags = port_irq_save();

		spin_lock(&zone->lock);
		buddy_make_cma(zone, index >> pageblock_order);
		spin_unlock(&zone->lock);
		port_irq_restore(flags);
	}
}

unsigned int cma_init_reserved_areas(void)
{
	unsigned int count = 0;

	for (struct cma *cma = areas.area; cma < areas.area + areas.count; cma++) {
		int error = cma->count ? 0
				       : memblock_free_late(PFN_PHYS(cma->base),
							    (phys_addr_t)cma->size << PAGE_SHIFT);

		if (error) {
			port_log("cma: %s: its memory stays reserved (error %d)", cma->name, error);
			continue;
		}
		if (!cma->count)
			become_cma(cma->base, cma->size);
		cma->count = cma->size;
		count++;
	}
	return count;
}

/* ---- pages of an area ---------------------------------------------------------------------- */

/* The search goes on behind the page in the way, one that does not move too. */
struct page *cma_alloc(struct cma *cma, unsigned long count, unsigned int align, bool no_warn)
{
	pfn_t step = (pfn_t)1 << (align < 63 ? align : 63), at, end, busy;

	if (!cma || !count || count > cma->count || align > 63)
		return NULL;
	end = cma->base + cma->count;
	at = ALIGN_UP(cma->base, step);
	while (at >= cma->base && at < end && end - at >= count) {
		if (contig_try_range(at, at + count, MIGRATE_CMA, GFP_KERNEL, CALL_SITE, &busy) ==
		    0)
			return pfn_to_page(at);
		at = ALIGN_UP(busy + 1, step);
	}
	if (!no_warn)
		port_log("cma: %s: no %lu contiguous pages of %lu are free", cma->name, count,
			 cma->count);
	return NULL;
}

bool cma_release(struct cma *cma, const struct page *pages, unsigned long count)
{
	pfn_t pfn;

	if (!cma || !pages)
		return false;
	pfn = page_to_pfn(pages);
	return pfn >= cma->base && pfn - cma->base < cma->count &&
	       free_contig_range(pfn, count) == 0;
}

/* ---- figures ------------------------------------------------------------------------------- */

struct cma *cma_at(unsigned int n)
{
	return n < areas.count ? &areas.area[n] : NULL;
}

/* Pages of ranges, whoever took and gives them back: counted as they are, so there is no count to keep. */
static RACY unsigned long used_pages(unsigned long at, unsigned long end)
{
	struct used_walk walk = {.next = at};
	unsigned long used = 0;

	while (used_walk_next(&walk, end, true))
		if ((walk.word & PAGE_STATE_MASK) == PAGE_INFO(PAGE_CONTIG, 0))
			used += word_pages(walk.word);
	return used;
}

RACY bool cma_get_info(unsigned int n, struct cma_info *info)
{
	const struct cma *cma = cma_at(n);

	if (!cma)
		return false;
	*info = (struct cma_info){
		.name = cma->name, .base = PFN_PHYS(cma->base), .pages = cma->count};
	for (unsigned long at = 0; at < cma->count; at += pageblock_nr_pages)
		info->free += READ_ONCE(
			mm.pageblocks[pfn_to_index(cma->base + at) >> pageblock_order].nr_free);
	if (cma->count)
		info->used =
			used_pages(pfn_to_index(cma->base), pfn_to_index(cma->base) + cma->count);
	return true;
}

void cma_set_default(struct cma *cma)
{
	areas.preferred = cma;
}

struct cma *cma_default(void)
{
	return areas.preferred;
}
