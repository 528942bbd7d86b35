/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * contig.h: ranges of contiguous pages of any size, at an address or anywhere: a framebuffer of
 * 64 MiB, 1 GiB for a guest. Names and errors are Linux's (mm/page_alloc.c).
 *
 * A range is one object: it is freed as it was allocated, by free_contig_range() alone. Its pages
 * have no references; any other free of them is refused.
 */
#ifndef QUARRY_CONTIG_H
#define QUARRY_CONTIG_H

#include <quarry/cdefs.h>
#include <quarry/gfp.h>
#include <quarry/page.h>
#include <quarry/types.h>

MM_BEGIN_DECLS

/*
 * alloc_contig_range() - the pages [start, end), at any page of one bank. What is cached of them
 * comes back first, in memory that was never allocated too. What can move goes elsewhere, in the end also
 * to what the range leaves of its pageblocks. No mark is asked, by what moves neither. `type` is
 * MIGRATE_MOVABLE, or MIGRATE_CMA: only then are pages of CMA pageblocks among them. gfp:
 * __GFP_ZERO, __GFP_NOWARN, and with __GFP_DIRECT_RECLAIM, in a thread, other CPUs are asked for what
 * they have cached, and pages move; other flags have no effect.
 *
 * Context: as alloc_pages() with the same flags.
 * Bound:   500 a pageblock and 60 a block that is in use; memory that was never allocated is opened
 *          in its order up to the range: 300 each 4 MiB; what is cached: remote_give_back(); what
 *          moves: as compact_memory().
 * Return:  0; -EINVAL no range within a bank, or no such type; -EBUSY a page is in use that cannot
 *          move, or has nowhere to go, or reserved: it is logged with its holder, and the state is as
 *          before, but for where pages lie that have moved.
 * Source:  Linux include/linux/gfp.h.
 */
int alloc_contig_range(pfn_t start, pfn_t end, enum migratetype type, gfp_t gfp);

/*
 * contig_busy_page() - the first page that keeps such a range from being had, now.
 *
 * Context: any.
 * Bound:   60 a block that is in use or cached, 20 for 64 free pages.
 * Return:  its frame number; MM_NO_PFN: there is none, or no such range.
 * Source:  Linux mm/page_isolation.c: has_unmovable_pages().
 */
#define MM_NO_PFN (~(pfn_t)0)
pfn_t contig_busy_page(pfn_t start, pfn_t end, enum migratetype type);

/*
 * alloc_contig_pages() - nr_pages contiguous pages of a zone that the flags allow, at a multiple of
 * their number rounded up to a power of two, or, where none is free, of a pageblock.
 *
 * Context: as alloc_contig_range().
 * Bound:   as alloc_contig_range(), for each place that is tried, and 60 a block in use of the zone.
 * Return:  the first descriptor; NULL: there is no such range, or nr_pages is 0.
 * Source:  Linux include/linux/gfp.h.
 */
struct page *alloc_contig_pages(unsigned long nr_pages, gfp_t gfp);

/*
 * free_contig_range() - give back a range, as a whole. contig_range_pages() - of how many pages is
 * the range that starts at pfn?
 *
 * Context: any; to ask, a range that nobody frees meanwhile.
 * Bound:   500 a pageblock; 100.
 * Return:  0; refused: -EINVAL no first page of a range, or a range of another length; -EALREADY it
 *          is free; -EPERM reserved; -EFAULT no such memory. Pages; 0: no range starts there.
 * Source:  Linux include/linux/gfp.h; there it returns nothing.
 */
int free_contig_range(pfn_t pfn, unsigned long nr_pages);
unsigned long contig_range_pages(pfn_t pfn);

MM_END_DECLS

#endif
