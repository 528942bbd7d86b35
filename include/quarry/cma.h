/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cma.h: areas for large contiguous allocations, whose pages serve movable requests meanwhile (Linux:
 * include/linux/cma.h).
 *
 * An area is named before mm_init(), of memory that memblock has reserved or reserves for it, and
 * handed over by cma_init_reserved_areas(). It consists of whole pageblocks, of type MIGRATE_CMA,
 * which serve movable requests for single and compound pages only: when more than half of a
 * zone's free pages are in such areas, and when nothing else is left above its marks.
 */
#ifndef QUARRY_CMA_H
#define QUARRY_CMA_H

#include <quarry/cdefs.h>
#include <quarry/page.h>
#include <quarry/types.h>

MM_BEGIN_DECLS

struct cma;

#define MAX_CMA_AREAS		8
#define CMA_MIN_ALIGNMENT_BYTES ((phys_addr_t)PAGE_SIZE << pageblock_order)

/*
 * cma_init_reserved_mem() - an area of memory that memblock has reserved. cma_declare_contiguous() -
 * one that is to be reserved: at base if fixed, else at base or above, or anywhere if base is 0, and
 * below limit (0: none). name stays the caller's, and must stay.
 *
 * Context: boot, after memblock is filled and before mm_init().
 * Bound:   linear in memblock's regions.
 * Return:  0, *res is the area; -EINVAL size or base is no multiple of CMA_MIN_ALIGNMENT_BYTES, or
 *          the memory is not there; -ENOSPC MAX_CMA_AREAS are named; -ENOMEM nothing such is free.
 * Source:  Linux mm/cma.c.
 */
int cma_init_reserved_mem(phys_addr_t base, phys_addr_t size, const char *name, struct cma **res);
int cma_declare_contiguous(phys_addr_t base, phys_addr_t size, phys_addr_t limit,
			   phys_addr_t alignment, bool fixed, const char *name, struct cma **res);

/*
 * cma_init_reserved_areas() - the areas' memory is the allocator's from now on. An area that cannot be
 * handed over stays reserved, and is logged.
 *
 * Context: boot, after memblock_free_all(), before other CPUs are online.
 * Bound:   1000 a pageblock.
 * Return:  how many areas there are now.
 * Source:  Linux mm/cma.c.
 */
unsigned int cma_init_reserved_areas(void);

/*
 * cma_alloc() - count contiguous pages of an area, at a multiple of 2^align pages. cma_release() - give
 * them back, as they were allocated.
 *
 * Context: thread, as alloc_pages(GFP_KERNEL); cma_release() any.
 * Bound:   as alloc_contig_range(), and 60 for each block of the area that is in use.
 * Return:  the first descriptor; NULL: refused, and logged unless no_warn. false: these are no pages
 *          of the area, or not as they were allocated.
 * Source:  Linux mm/cma.c.
 */
struct page *cma_alloc(struct cma *cma, unsigned long count, unsigned int align, bool no_warn);
bool cma_release(struct cma *cma, const struct page *pages, unsigned long count);

struct cma_info {
	const char *name;
	phys_addr_t base;
	unsigned long pages; /* in all */
	unsigned long used;  /* allocated, as ranges */
	unsigned long free;  /* the rest is lent to movable requests */
};
/*
 * cma_get_info() - the n-th area. cma_at() - the area itself. cma_set_default(), cma_default() - the one
 * for whom no other is meant: NULL, until one is set.
 *
 * Context: any; a figure may be a moment old.
 * Bound:   60 for each block of the area that is in use, 20 for 64 free pages.
 * Return:  false: n is past the last. An area, or NULL.
 * Source:  Linux dev_get_cma_area(), dma_contiguous_default_area.
 */
bool cma_get_info(unsigned int n, struct cma_info *info);
struct cma *cma_at(unsigned int n);
void cma_set_default(struct cma *cma);
struct cma *cma_default(void);

MM_END_DECLS

#endif
